"""The market store of its sole writer: the live file of the days still open, and how a day is closed.

Everyone else reads the closed days with :class:`engine.storage.reading.StoreReader`, or asks the writer. One
thread owns a store; readers for other threads come from :meth:`MarketStore.reader`.
"""

import contextlib
import shutil
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from pathlib import Path
from typing import Any, Final

import duckdb

from engine.errors import StoreError
from engine.model.bar import Bar
from engine.model.session import TradingCalendar
from engine.model.tick import Book, Tick
from engine.storage import live_file, schema
from engine.storage.held import HeldNumbers, Key
from engine.storage.layout import Kind, Source, StagedDay, StoreFolder
from engine.storage.live_file import KINDS, first_line
from engine.storage.numbers import Numbers
from engine.storage.reading import StoreReader
from engine.storage.retention import RetentionPlan, plan_retention
from engine.storage.rows import Table, bar_table, book_table, tick_table

_ROWS_AT_FAULT: Final = (duckdb.DataError, duckdb.IntegrityError, duckdb.ProgrammingError)
"""Errors that come again with the same rows; all others are the file's or the disk's."""


class MarketStore:
    """An open market store.

    Args:
        path: the store's folder, made if missing.
        calendar: tells trade dates and sessions.

    Raises:
        StoreError: another process writes there (it is named), or the live file cannot be opened.
    """

    def __init__(self, path: Path, calendar: TradingCalendar) -> None:
        self.folder: Final = StoreFolder(path)
        self._calendar = calendar
        with contextlib.ExitStack() as opened:
            opened.enter_context(self.folder.writing(Source.LIVE))
            live = opened.enter_context(live_file.opened(self.folder))
            self.damaged: Final = live.damaged
            """Where the damaged live file is that was found; None where there was none."""
            self._database = live.database
            self._held = HeldNumbers(live.database)
            self._opened = opened.pop_all()

    def __enter__(self) -> "MarketStore":
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the live file and lets others write."""
        self._opened.close()

    def reader(self) -> StoreReader:
        """A reader of everything, live rows included; each thread takes its own and closes it."""
        return StoreReader(self.folder, self._calendar, live=self._database)

    # ---------------------------------------------------------------------------------------------- recording

    def append_ticks(self, ticks: Sequence[Tick], run: int) -> int:
        """Writes prints that are not held yet; durable when it returns.

        Args:
            ticks: in any order, also ones that were given before.
            run: when the gateway that numbered them began, ns UTC.

        Returns:
            How many were new.

        Raises:
            StoreError: they could not be written; none of them counts as held.
            duckdb.Error: there are rows among them that can never be written; none of them is.
        """
        new = self._held.unheld(Kind.TICKS, ticks, run)
        if new:
            table = tick_table(new, run, self._calendar)
            self._insert(Kind.TICKS, table, self._held.grown(Kind.TICKS, new, run))
        return len(new)

    def append_books(self, books: Sequence[Book], run: int) -> int:
        """The same for books."""
        new = self._held.unheld(Kind.BOOKS, books, run)
        if new:
            table = book_table(new, run, self._calendar)
            self._insert(Kind.BOOKS, table, self._held.grown(Kind.BOOKS, new, run))
        return len(new)

    def put_bars(self, bars: Sequence[Bar]) -> None:
        """Writes 1-minute bars; each replaces the recorded one of its contract, trade date, session and minute."""
        if bars:
            table = bar_table(list({_minute(bar): bar for bar in bars}.values()), Source.LIVE)
            self._insert(Kind.BARS, table, {})

    def held(self, symbol: str, run: int) -> Numbers:
        """The numbers of a contract's prints of a run that are held, or were and are deleted by now."""
        return self._held.of(Kind.TICKS, symbol, run)

    def _insert(self, kind: Kind, table: Table, grown: Mapping[Key, Numbers]) -> None:
        names = ", ".join(schema.COLUMNS[kind])
        self._database.register("given", table)
        try:
            self._database.execute("BEGIN")
            if kind is Kind.BARS:
                keys = ", ".join(schema.KEYS[kind])
                self._database.execute(f"DELETE FROM bars WHERE ({keys}) IN (SELECT ({keys}) FROM given)")
            self._database.execute(f"INSERT INTO {kind} SELECT {names} FROM given")
            self._held.write(grown)
            self._database.execute("COMMIT")
        except Exception as error:
            self._roll_back()
            if isinstance(error, _ROWS_AT_FAULT) or not isinstance(error, duckdb.Error):
                raise
            raise StoreError(f"{self.folder.live}: cannot be written: {first_line(error)}") from error
        finally:
            self._database.unregister("given")
        self._held.take(grown)

    # ------------------------------------------------------------------------------------------- closing days

    def open_days(self) -> list[date]:
        """The trade dates with rows in the live file, in order."""
        return sorted(live_file.open_days(self._database))

    def close_day(self, trade_date: date, replacing: AbstractContextManager[Any] | None = None) -> None:
        """Moves a day from the live file into compact segments.

        Rows that come later for the day go to the live file again, and closing it again merges them. Killed in
        between, the day is open still: a row that is in both places answers once.

        Args:
            trade_date: the day.
            replacing: entered while files are replaced under the readers, which is short.

        Raises:
            StoreError: the segments cannot be written; the rows stay in the live file.
        """
        staged = StagedDay(self.folder, trade_date, Source.LIVE)
        try:
            for kind in KINDS:
                self._write_segment(kind, trade_date, staged.path(kind))
            with replacing or nullcontext():
                staged.commit()
                self._remove(trade_date)
        except (duckdb.Error, OSError) as error:
            self._roll_back()
            if not staged.journal.exists():
                staged.discard()
            raise StoreError(f"{self.folder.day(trade_date)}: {first_line(error)}") from error

    def _remove(self, trade_date: date) -> None:
        self._database.execute("BEGIN")
        for kind in KINDS:
            self._database.execute(f"DELETE FROM {kind} WHERE trade_date = ?", [trade_date])
        self._database.execute("COMMIT")
        self._database.execute("CHECKPOINT")

    def _write_segment(self, kind: Kind, trade_date: date, path: Path) -> None:
        rows = f"SELECT * FROM {kind} WHERE trade_date = DATE '{trade_date}'"
        if not self._count(f"SELECT count(*) FROM ({rows})"):
            return
        closed = self.folder.segment(trade_date, kind, Source.LIVE)
        if closed is not None:
            keys = ", ".join(schema.KEYS[kind])
            rows += f" UNION ALL (FROM {schema.text(closed)} ANTI JOIN ({rows}) USING ({keys}))"
        self._database.execute(
            f"COPY (FROM ({rows}) ORDER BY {schema.ORDER[kind]}) TO {schema.text(path)} {schema.parquet_options()}"
        )

    # ----------------------------------------------------------------------------------------- size

    def plan_retention(self, max_gb: float) -> RetentionPlan:
        """What :meth:`delete` would remove so that the store keeps to a size; nothing where that is 0."""
        return plan_retention(self.folder, max_gb)

    def delete(self, plan: RetentionPlan) -> None:
        """Removes the days of a plan.

        Raises:
            StoreError: an import is running, or a program has one of the files open.
        """
        with self.folder.writing(Source.TAIFEX, Source.MINUTES):
            for usage in plan.days:
                try:
                    shutil.rmtree(self.folder.day(usage.trade_date))
                except OSError as error:
                    raise StoreError(f"{error.filename}: cannot be deleted: {error.strerror}.") from error

    def _roll_back(self) -> None:
        with contextlib.suppress(duckdb.Error):  # where none has begun, or the file takes nothing any more
            self._database.execute("ROLLBACK")

    def _count(self, query: str) -> int:
        return int(self._database.execute(query).fetchall()[0][0])


def _minute(bar: Bar) -> tuple[object, ...]:
    return bar.symbol, bar.trade_date, bar.session, bar.start_ns
