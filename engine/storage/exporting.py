"""Writes stored ticks, bars and session summaries to files that other programs read."""

import csv
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Final, TextIO

from engine.errors import DataFileError, StoreError
from engine.storage import schema
from engine.storage.contracts import file_symbol, product_code
from engine.storage.layout import Kind, sync
from engine.storage.reading import SessionSummary, StoreReader, with_begun

SESSION_COLUMNS: Final = (
    "trade_date",
    "product",
    "contract",
    "session",
    "rows",
    "open",
    "high",
    "low",
    "close",
    "lots",
    "vwap",
)


_PRICES: Final = frozenset({"open", "high", "low", "close", "price", "near_price", "far_price", "adjustment"})
_FILE_NAMES: Final = re.compile(r"([A-Z0-9]{2,3})(\d{6})")
"""Product and month as the exchange's files name them."""


class What(StrEnum):
    """What is exported."""

    TICKS = "ticks"
    """Prints of outright contracts; of a spread, where one is named."""
    BARS = "bars"
    """1-minute bars of outright contracts."""
    SPREADS = "spreads"
    """Prints of calendar spreads."""


class FileFormat(StrEnum):
    """How it is written."""

    CSV = "csv"
    """For people: prices in points, times ISO 8601 with the offset of Taipei."""
    PARQUET = "parquet"
    """For programs: the store's own columns, see :mod:`engine.storage.schema`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What is to be exported.

    Attributes:
        first: first trade date.
        last: last trade date, included.
        symbol: such as ``TXFK4``; other contracts as the store calls them, such as ``TX202411/202412``. Empty =
            all contracts.
        product: only of this product, ``TX`` or ``TXF``; empty = of all.
        what: prints or 1-minute bars.
        format: of the file.
    """

    first: date
    last: date
    symbol: str = ""
    product: str = ""
    what: What = What.TICKS
    format: FileFormat = FileFormat.CSV


def export(reader: StoreReader, wanted: Export, out: Path) -> int:
    """Writes a file, whole or not at all; returns its rows.

    Raises:
        DataFileError: the store holds nothing of it; no file is written then.
        StoreError: the file cannot be written.
    """
    query, parameters = _query(reader, wanted)
    rows = write_whole(out, lambda path: reader.copy(query, parameters, path, options_of(wanted.format)))
    if not rows:
        of = f" of {wanted.symbol or wanted.product}" if wanted.symbol or wanted.product else ""
        raise DataFileError(f"The store holds no {wanted.what}{of} from {wanted.first} to {wanted.last}.")
    return rows


def write_whole(out: Path, write: Callable[[Path], int]) -> int:
    """Lets ``write`` make a file beside ``out``, which takes its place if it has rows; returns them.

    Raises:
        StoreError: it cannot be written.
    """
    if not out.parent.is_dir():
        raise StoreError(f"{out}: cannot be written: there is no folder {out.parent}.")
    if out.exists() and not out.is_file():
        raise StoreError(f"{out}: cannot be written: it is a folder or a device; name a file.")
    partial = out.with_name(f".{out.name}.new")
    try:
        rows = write(partial)
        if rows:
            sync(partial)
            partial.replace(out)
    except OSError as error:
        raise StoreError(f"{out}: cannot be written: {error.strerror or error}.") from error
    finally:
        partial.unlink(missing_ok=True)
    return rows


def stored_symbol(name: str) -> str:
    """What the store calls a contract that a person names: ``TXFK4`` for ``txfk4`` and for ``TX202411``."""
    name = name.upper()
    match = _FILE_NAMES.fullmatch(name)
    return file_symbol(match[1], match[2]) if match else name


def write_sessions(sessions: Iterable[SessionSummary], out: TextIO) -> None:
    """Writes session summaries as CSV."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(SESSION_COLUMNS)
    writer.writerows([_shown(getattr(item, name)) for name in SESSION_COLUMNS] for item in sessions)


def _shown(value: object) -> object:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value


def _query(reader: StoreReader, wanted: Export) -> tuple[str, list[object]]:
    kind, order = Kind.BARS, "trade_date, product, symbol, start_ns"
    if wanted.what is not What.BARS:
        kind = Kind.SPREADS if wanted.what is What.SPREADS or "/" in wanted.symbol else Kind.TICKS
        order = "trade_date, product, symbol, session DESC, begun, run, seq"
    where, values = "TRUE", []
    if wanted.symbol:
        where, values = "symbol = ?", [stored_symbol(wanted.symbol)]
    elif wanted.product:
        where, values = "product = ?", [product_code(wanted.product.upper())]
    rows, parameters = reader.rows(kind, wanted.first, wanted.last, where, *values)
    if kind is not Kind.BARS:
        rows = with_begun(rows)
    names = schema.COLUMNS[kind]
    columns = ", ".join(names) if wanted.format is FileFormat.PARQUET else readable(names)
    return f"SELECT {columns} FROM ({rows}) ORDER BY {order}", parameters


def readable(columns: Iterable[str]) -> str:
    """The columns with prices in points and times of Taipei."""
    shown = []
    for name in columns:
        if name in _PRICES:
            points = f"({name} / 10 ** price_precision)::DECIMAL(18,4)::VARCHAR"
            shown.append(f"rtrim(rtrim({points}, '0'), '.') AS {name}")
        elif name in ("ts_event", "ts_recv", "start_ns"):
            title = {"start_ns": "start"}.get(name, name)
            local = f"make_timestamp_ns({name} + 28800000000000)"
            shown.append(
                f"CASE {name} WHEN 0 THEN NULL ELSE strftime({local}, '%Y-%m-%dT%H:%M:%S.%f+08:00') END AS {title}"
            )
        elif name != "price_precision":
            shown.append(name)
    return ", ".join(shown)


def options_of(format_: FileFormat) -> str:
    """The options of DuckDB's COPY."""
    return "(FORMAT csv, HEADER)" if format_ is FileFormat.CSV else schema.parquet_options()
