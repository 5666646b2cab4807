"""Writes stored ticks, bars and session summaries to files that other programs read."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Final, TextIO

from engine.errors import DataFileError, StoreError
from engine.storage import schema
from engine.storage.layout import Kind, sync
from engine.storage.reading import SessionSummary, StoreReader

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


class What(StrEnum):
    """What is exported."""

    TICKS = "ticks"
    BARS = "bars"


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
        symbol: such as ``TXFK4``; other contracts as the store calls them, such as ``TX202411/202412``.
        first: first trade date.
        last: last trade date, included.
        what: prints or 1-minute bars.
        format: of the file.
    """

    symbol: str
    first: date
    last: date
    what: What = What.TICKS
    format: FileFormat = FileFormat.CSV


def export(reader: StoreReader, wanted: Export, out: Path) -> int:
    """Writes a file, whole or not at all; returns its rows.

    Raises:
        DataFileError: the store holds nothing of it; no file is written then.
        StoreError: the file cannot be written.
    """
    partial = out.with_name(f".{out.name}.new")
    try:
        rows = reader.copy(*_query(reader, wanted), partial, _options(wanted.format))
        if rows:
            sync(partial)
            partial.replace(out)
    except OSError as error:
        raise StoreError(f"{out}: cannot be written: {error.strerror or error}.") from error
    finally:
        partial.unlink(missing_ok=True)
    if not rows:
        raise DataFileError(
            f"The store holds no {wanted.what} of {wanted.symbol} from {wanted.first} to {wanted.last}."
        )
    return rows


def write_sessions(sessions: Iterable[SessionSummary], out: TextIO) -> None:
    """Writes session summaries as CSV."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(SESSION_COLUMNS)
    writer.writerows([_shown(getattr(item, name)) for name in SESSION_COLUMNS] for item in sessions)


def _shown(value: object) -> object:
    return f"{value.normalize():f}" if isinstance(value, Decimal) else value


def _query(reader: StoreReader, wanted: Export) -> tuple[str, list[object]]:
    if wanted.what is What.BARS:
        kind, order = Kind.BARS, "trade_date, start_ns"
    else:
        kind = Kind.SPREADS if "/" in wanted.symbol else Kind.TICKS
        order = "trade_date, session DESC, run, seq"
    rows, parameters = reader.rows(kind, wanted.first, wanted.last, "symbol = ?", wanted.symbol)
    columns = "*" if wanted.format is FileFormat.PARQUET else _readable(kind)
    return f"SELECT {columns} FROM ({rows}) ORDER BY {order}", parameters


def _readable(kind: Kind) -> str:
    """Columns with prices in points and times of Taipei."""
    shown = []
    for name in schema.COLUMNS[kind]:
        if name in ("open", "high", "low", "close", "price", "near_price", "far_price"):
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


def _options(format_: FileFormat) -> str:
    return "(FORMAT csv, HEADER)" if format_ is FileFormat.CSV else schema.parquet_options()
