"""Writes bars of any length to files: of one contract, or of a continuous front-month series."""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np

from engine.errors import DataFileError, StoreError, UnknownInstrument
from engine.model.instrument import product
from engine.model.session import SessionKind, TradingCalendar
from engine.storage.columns import BarColumns
from engine.storage.continuous import DAY_NS, Adjustment, ContinuousBars, Roll, RollRule, continuous_bars
from engine.storage.contracts import OTHER_PRECISION
from engine.storage.exporting import FileFormat, options_of, readable, stored_symbol, write_whole
from engine.storage.reading import MINUTE_NS, StoreReader
from engine.storage.schema import text

COLUMNS: Final = {
    "trade_date": "DATE",
    "session": "VARCHAR",
    "symbol": "VARCHAR",
    "start_ns": "BIGINT",
    "open": "BIGINT",
    "high": "BIGINT",
    "low": "BIGINT",
    "close": "BIGINT",
    "price_precision": "TINYINT",
    "volume": "BIGINT",
    "trades": "BIGINT",
    "adjustment": "BIGINT",
}
"""Columns of the file; ``session`` is ``full`` for a bar of a whole trade date; prices contain ``adjustment``."""

_OTHER_NAME: Final = re.compile(r"(.+?)\d{6}")
"""Product and month, where the program has no symbol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesExport:
    """Which bars are to be exported.

    Attributes:
        code: a contract such as ``TXFK4``, or the product such as ``TXF`` of a continuous series.
        first: first trade date.
        last: last trade date, included.
        span_ns: length of the bars; a day is one bar a trade date.
        session: only this one.
        rule: of a continuous series; None = ``code`` is a contract.
        adjustment: of a continuous series.
        format: of the file.
    """

    code: str
    first: date
    last: date
    span_ns: int = MINUTE_NS
    session: SessionKind | None = None
    rule: RollRule | None = None
    adjustment: Adjustment = Adjustment.NONE
    format: FileFormat = FileFormat.CSV


def export_series(
    reader: StoreReader, wanted: SeriesExport, calendar: TradingCalendar, out: Path
) -> tuple[int, tuple[Roll, ...]]:
    """Writes a file, whole or not at all; returns its rows, and the rolls of a continuous series.

    Raises:
        DataFileError: the store holds nothing of it; no file is written then.
        StoreError: the file cannot be written.
        UnknownInstrument: no such product.
    """
    if wanted.rule is None:
        found = ContinuousBars(bars=_contract(reader, wanted), contracts={}, rolls=())
    else:
        found = continuous_bars(
            reader,
            wanted.code.upper(),
            wanted.first,
            wanted.last,
            calendar,
            rule=wanted.rule,
            adjustment=wanted.adjustment,
            span_ns=wanted.span_ns,
            session=wanted.session,
        )
    if not len(found.bars):
        raise DataFileError(f"The store holds no bars of {wanted.code} from {wanted.first} to {wanted.last}.")
    table = _table(found, wanted)
    return write_whole(out, lambda path: _write(table, wanted.format, path)), found.rolls


def _contract(reader: StoreReader, wanted: SeriesExport) -> BarColumns:
    symbol = stored_symbol(wanted.code)
    if wanted.span_ns == DAY_NS:
        return reader.day_bars(symbol, wanted.first, wanted.last, session=wanted.session)
    return reader.bars(symbol, wanted.first, wanted.last, span_ns=wanted.span_ns, session=wanted.session)


def _table(found: ContinuousBars, wanted: SeriesExport) -> dict[str, Any]:
    """The columns of the file as arrays."""
    bars, count = found.bars, len(found.bars)
    days: list[date] = bars.trade_date.tolist()
    sessions = np.where(bars.is_night, SessionKind.NIGHT.value, SessionKind.DAY.value)
    if wanted.span_ns == DAY_NS and wanted.session is None:
        sessions = np.full(count, "full")
    moved = {day: sum(roll.step for roll in found.rolls if roll.trade_date > day) for day in set(days)}
    is_moved = wanted.adjustment is Adjustment.BACK
    prices = {name: getattr(bars, name) for name in ("open", "high", "low", "close")}
    return prices | {
        "trade_date": bars.trade_date.astype("datetime64[us]"),
        "session": sessions.astype(object),
        "symbol": np.array([found.contracts.get(day, bars.symbol) for day in days], dtype=object),
        "start_ns": bars.start_ns,
        "price_precision": np.full(count, _precision(wanted.code)),
        "volume": bars.volume,
        "trades": bars.trades,
        "adjustment": np.array([moved[day] if is_moved else 0 for day in days], dtype=np.int64),
    }


def _precision(code: str) -> int:
    match = _OTHER_NAME.match(code)
    try:
        return product((match[1] if match else code[:3]).upper()).price_precision
    except UnknownInstrument:
        return OTHER_PRECISION


def _write(table: dict[str, Any], format_: FileFormat, out: Path) -> int:
    typed = ", ".join(f"{name}::{type_} AS {name}" for name, type_ in COLUMNS.items())
    shown = "*" if format_ is FileFormat.PARQUET else readable(COLUMNS)
    with duckdb.connect() as database:
        database.register("bars", table)
        query = f"SELECT {shown} FROM (SELECT {typed} FROM bars) ORDER BY start_ns"
        try:
            answer = database.execute(f"COPY ({query}) TO {text(out)} {options_of(format_)}").fetchall()
        except duckdb.Error as error:
            raise StoreError(f"{out}: cannot be written: {str(error).splitlines()[0]}") from error
    return int(answer[0][0])
