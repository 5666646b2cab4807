"""Imports csv files of 1-minute bars: each bar replaces the one that such a file gave before."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Final

import duckdb

from engine.formats.minutes import MinuteConvention, read_minutes
from engine.model.bar import Bar
from engine.model.session import TradingCalendar
from engine.storage import schema
from engine.storage.imported import FileImport
from engine.storage.layout import DaysTogether, Kind, Source, StoreFolder
from engine.storage.rows import bar_table

_KEY: Final = ", ".join(schema.KEYS[Kind.BARS])


def import_minutes(
    folder: StoreFolder,
    path: Path,
    convention: MinuteConvention,
    calendar: TradingCalendar,
    *,
    on_step: Callable[[float], None] = lambda done: None,
) -> FileImport:
    """Imports a file of 1-minute bars.

    The file is read and checked as a whole, all its days are written beside the stored ones, and then they take
    effect together: it is imported whole or not at all.

    Args:
        folder: the store, whose writing rights for the source are held.
        path: csv or csv.gz.
        convention: what the file's times mean.
        calendar: tells the sessions.
        on_step: called with the share of the work that is done; may raise to stop, nothing is changed then.

    Raises:
        DataFileError: the file is damaged; names file, line and reason. Nothing is changed.
        StoreError: a segment cannot be replaced.
    """
    bars = read_minutes(path, convention, calendar)
    days: dict[date, list[Bar]] = defaultdict(list)
    for bar in bars:
        days[bar.trade_date].append(bar)
    written = replaced = 0
    with duckdb.connect() as database, DaysTogether(folder, Source.MINUTES) as together:
        for number, (day, found) in enumerate(sorted(days.items())):
            on_step(0.2 + 0.7 * number / len(days))
            new, gone = _stage_day(database, folder, day, found, together)
            written, replaced = written + new, replaced + gone
        on_step(0.9)
        if written:
            together.commit()
    on_step(1.0)
    return FileImport(
        path=path, trade_dates=tuple(sorted(days)), rows=len(bars), written=written, replaced=replaced
    )


def _stage_day(
    database: duckdb.DuckDBPyConnection,
    folder: StoreFolder,
    day: date,
    bars: Sequence[Bar],
    together: DaysTogether,
) -> tuple[int, int]:
    """How many bars are new or other than before, and how many gave way."""
    columns = bar_table(bars, Source.MINUTES)
    database.register("given", columns)
    names = ", ".join(f"{name}::{type_} AS {name}" for name, type_ in schema.COLUMNS[Kind.BARS].items())
    database.execute(f"CREATE OR REPLACE TEMP TABLE bars AS SELECT {names} FROM given")
    database.unregister("given")
    target = folder.segment(day, Kind.BARS, Source.MINUTES)
    written, replaced = len(bars), 0
    rows = "FROM bars"
    if target is not None:
        stored = f"(FROM {schema.text(target)})"
        differ = f"(FROM bars EXCEPT FROM {stored})"
        written, replaced = _counts(
            database,
            f"SELECT count(*), count(held.symbol) FROM {differ} LEFT JOIN {stored} AS held USING ({_KEY})",
        )
        rows = f"FROM bars UNION ALL (FROM {stored} ANTI JOIN bars USING ({_KEY}))"
    if written:
        staged = together.day(day)
        order = schema.ORDER[Kind.BARS]
        database.execute(
            f"COPY (FROM ({rows}) ORDER BY {order}) TO {schema.text(staged.path(Kind.BARS))} "
            + schema.parquet_options()
        )
    return written, replaced


def _counts(database: duckdb.DuckDBPyConnection, query: str) -> tuple[int, int]:
    first, second = database.execute(query).fetchall()[0]
    return int(first), int(second)
