"""The market store of its sole writer: the live file of the days still open, and how a day is closed.

Everyone else reads the closed days with :class:`engine.storage.reading.StoreReader`, or asks the writer. One
thread owns a store; readers for other threads come from :meth:`MarketStore.reader`.
"""

import contextlib
import shutil
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Final, TypeVar

import duckdb

from engine.errors import StoreError
from engine.model.bar import Bar
from engine.model.session import TradingCalendar
from engine.model.tick import Book, Tick
from engine.storage import schema
from engine.storage.layout import Kind, Source, StagedDay, StoreFolder, bytes_of
from engine.storage.numbers import Numbers
from engine.storage.reading import StoreReader
from engine.storage.retention import RetentionPlan, StoreHealth, plan_retention
from engine.storage.rows import Table, bar_table, book_table, tick_table
from engine.timing import Clock, WallClock

_KINDS: Final = (Kind.TICKS, Kind.BARS, Kind.BOOKS)
_VERSION: Final = 1
_REMEMBERED_DAYS: Final = 3
"""Closed days whose numbers are still known: more than a gateway's ring can bring again."""

_Item = TypeVar("_Item", Tick, Book)


class MarketStore:
    """An open market store.

    Args:
        path: the store's folder, made if missing.
        calendar: tells trade dates and sessions.
        clock: stamps the flushes.

    Raises:
        StoreError: another process writes there (it is named), or the live file cannot be opened.
    """

    def __init__(self, path: Path, calendar: TradingCalendar, *, clock: Clock | None = None) -> None:
        self.folder: Final = StoreFolder(path)
        self._calendar = calendar
        self._clock = clock or WallClock()
        self._last_flush_ns = 0
        self._numbers: dict[tuple[Kind, str, int], Numbers] = defaultdict(Numbers)
        with contextlib.ExitStack() as opened:
            opened.enter_context(self.folder.writing(Source.LIVE))
            self._database = opened.enter_context(self._connect())
            self._mend()
            self._remember()
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
        """
        new = self._unheld(Kind.TICKS, ticks, run)
        if new:
            self._insert(Kind.TICKS, tick_table(new, run, self._calendar))
            self._hold(Kind.TICKS, new, run)
        return len(new)

    def append_books(self, books: Sequence[Book], run: int) -> int:
        """The same for books."""
        new = self._unheld(Kind.BOOKS, books, run)
        if new:
            self._insert(Kind.BOOKS, book_table(new, run, self._calendar))
            self._hold(Kind.BOOKS, new, run)
        return len(new)

    def put_bars(self, bars: Sequence[Bar]) -> None:
        """Writes 1-minute bars; each replaces the recorded one of its contract, trade date, session and minute."""
        if bars:
            self._insert(Kind.BARS, bar_table(list({_minute(bar): bar for bar in bars}.values()), Source.LIVE))

    def held(self, symbol: str, run: int) -> Numbers:
        """The numbers of a contract's prints of a run that are held; tells what to ask for again."""
        return Numbers(self._numbers[Kind.TICKS, symbol, run].ranges())

    def _unheld(self, kind: Kind, items: Sequence[_Item], run: int) -> list[_Item]:
        """Those whose number is not held, each number once."""
        fresh = {(item.symbol, item.seq): item for item in items}
        return [item for (symbol, seq), item in fresh.items() if seq not in self._numbers[kind, symbol, run]]

    def _hold(self, kind: Kind, items: Sequence[Tick] | Sequence[Book], run: int) -> None:
        for item in items:
            self._numbers[kind, item.symbol, run].add(item.seq)

    def _insert(self, kind: Kind, table: Table) -> None:
        names = ", ".join(schema.COLUMNS[kind])
        self._database.register("given", table)
        try:
            self._database.execute("BEGIN")
            if kind is Kind.BARS:
                keys = ", ".join(schema.KEYS[kind])
                self._database.execute(f"DELETE FROM bars WHERE ({keys}) IN (SELECT ({keys}) FROM given)")
            self._database.execute(f"INSERT INTO {kind} SELECT {names} FROM given")
            self._database.execute("COMMIT")
        except duckdb.Error as error:
            self._roll_back()
            raise StoreError(f"{self.folder.live}: cannot be written: {_first_line(error)}") from error
        finally:
            self._database.unregister("given")
        self._last_flush_ns = self._clock.now_ns()

    # ------------------------------------------------------------------------------------------- closing days

    def open_days(self) -> list[date]:
        """The trade dates with rows in the live file, in order."""
        union = " UNION ".join(f"SELECT trade_date FROM {kind}" for kind in _KINDS)
        return sorted(day for (day,) in self._database.execute(union).fetchall())

    def close_day(self, trade_date: date) -> None:
        """Moves a day from the live file into compact segments.

        Rows that come later for the day go to the live file again, and closing it again merges them. Killed in
        between, the day is closed again at the next opening.

        Raises:
            StoreError: the segments cannot be written; the rows stay in the live file.
        """
        staged = StagedDay(self.folder, trade_date, Source.LIVE)
        try:
            for kind in _KINDS:
                self._write_segment(kind, trade_date, staged.path(kind))
            staged.commit()
            self._database.execute("BEGIN")
            for kind in _KINDS:
                self._database.execute(f"DELETE FROM {kind} WHERE trade_date = ?", [trade_date])
            self._database.execute("COMMIT")
            self._database.execute("CHECKPOINT")
        except (duckdb.Error, OSError) as error:
            self._roll_back()
            if not staged.journal.exists():
                staged.discard()
            raise StoreError(f"{self.folder.day(trade_date)}: {_first_line(error)}") from error

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

    # ----------------------------------------------------------------------------------------- size and health

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

    def health(self) -> StoreHealth:
        """Size, rows and the last flush."""
        days = self.folder.trade_dates()
        segments = self.folder.segments()
        return StoreHealth(
            bytes_on_disk=bytes_of([*(item.path for item in segments), self.folder.live]),
            days=len(days),
            first_day=days[0] if days else None,
            last_day=days[-1] if days else None,
            live_rows=sum(self._count(f"SELECT count(*) FROM {kind}") for kind in _KINDS),
            closed_rows=self._closed_rows([str(item.path) for item in segments]),
            last_flush_ns=self._last_flush_ns,
        )

    def _closed_rows(self, paths: list[str]) -> int:
        if not paths:
            return 0
        rows = self._database.execute("SELECT sum(num_rows)::BIGINT FROM parquet_file_metadata(?)", [paths])
        return int(rows.fetchall()[0][0])

    # ------------------------------------------------------------------------------------------------ opening

    @contextlib.contextmanager
    def _connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        try:
            database = duckdb.connect(self.folder.live, config=schema.STORE_CONFIG)
        except duckdb.Error as error:
            raise StoreError(f"{self.folder.live}: cannot be opened: {_first_line(error)}") from error
        with database:
            try:
                self._check_version(database)
            except duckdb.Error as error:
                raise StoreError(f"{self.folder.live}: is no market store: {_first_line(error)}") from error
            yield database

    def _check_version(self, database: duckdb.DuckDBPyConnection) -> None:
        database.execute("CREATE TABLE IF NOT EXISTS store (version INTEGER NOT NULL)")
        versions = database.execute("SELECT version FROM store").fetchall()
        if versions and versions != [(_VERSION,)]:
            raise StoreError(
                f"{self.folder.live}: version {versions[0][0]}; this program knows version {_VERSION}. "
                "Open it with the program that wrote it, or choose another folder."
            )
        if not versions:
            for kind in _KINDS:
                database.execute(schema.table(kind))
            database.execute(f"INSERT INTO store VALUES ({_VERSION})")

    def _mend(self) -> None:
        """Closes again the days whose closing may have been interrupted."""
        for day in self.open_days():
            if any(self.folder.segment(day, kind, Source.LIVE) for kind in _KINDS):
                self.close_day(day)

    def _remember(self) -> None:
        for kind in (Kind.TICKS, Kind.BOOKS):
            rows = f"SELECT symbol, run, seq FROM {kind}"
            for segment in self.folder.segments(kind, source=Source.LIVE)[-_REMEMBERED_DAYS:]:
                rows += f" UNION ALL SELECT symbol, run, seq FROM {schema.text(segment.path)}"
            found = self._database.execute(
                f"""SELECT symbol, run, min(seq), max(seq) FROM (
                    SELECT *, seq - row_number() OVER (PARTITION BY symbol, run ORDER BY seq) AS island
                    FROM ({rows})) GROUP BY symbol, run, island ORDER BY ALL"""
            )
            for symbol, run, first, last in found.fetchall():
                self._numbers[kind, symbol, run].add(first, last)

    def _roll_back(self) -> None:
        with contextlib.suppress(duckdb.Error):  # where none has begun, or the file takes nothing any more
            self._database.execute("ROLLBACK")

    def _count(self, query: str) -> int:
        return int(self._database.execute(query).fetchall()[0][0])


def _minute(bar: Bar) -> tuple[object, ...]:
    return bar.symbol, bar.trade_date, bar.session, bar.start_ns


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
