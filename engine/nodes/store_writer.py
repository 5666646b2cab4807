"""The thread that writes the market store: what has come in batches, bars, closed days, retention.

What has come is in the spool's files before it is here, and a file goes when the store holds its rows durably.
The receive loop never waits for it.
"""

import contextlib
import functools
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Final, TypeVar

from engine import logs
from engine.errors import CalendarError, StoreError
from engine.model.bar import Bar
from engine.model.session import SessionKind, TradingCalendar
from engine.model.tick import Book, Tick
from engine.nodes.backlog import Backlog, Batch
from engine.settings import Store
from engine.storage.minute_bars import MinuteBars
from engine.storage.retention import RetentionPlan
from engine.storage.spool import Spool, content_of, set_aside
from engine.storage.store import MarketStore
from engine.timing import NS_PER_S

log = logs.get(__name__)

_TEND_S: Final = 30.0
"""How often it looks for days that are over, and at the size of the store."""
_OVER_NS: Final = 300 * NS_PER_S
"""A day is closed so long after its day session: what was late has come."""
_NOTICE_S: Final = 120.0
"""So long before it deletes days it says which."""
_MOST_REFUSED: Final = 20
"""Rows of a batch that are found out one by one; where more cannot be recorded, neighbours may go with them."""
_GB: Final = 1_000_000_000
_Item = TypeVar("_Item", Tick, Book)


class StoreWriter:
    """Owns the store between :meth:`start` and :meth:`close`.

    Args:
        store: opened; its thread is the writer's from the start on.
        backlog: where rows come from.
        calendar: tells when a day is over.
        settings: of the store.
        on_bars: called on the writer's thread with the 1-minute bars that are complete, or corrected.
    """

    def __init__(
        self,
        store: MarketStore,
        backlog: Backlog,
        calendar: TradingCalendar,
        settings: Store,
        on_bars: Callable[[list[Bar]], None],
    ) -> None:
        self._store, self._backlog, self._calendar, self._settings = store, backlog, calendar, settings
        self._reader = store.reader()
        self._bars = MinuteBars(self._reader, calendar)
        self._on_bars = on_bars
        self._batches: deque[Batch] = deque()
        self._turn = threading.Condition()
        self._wanted = self._flushed = 0
        self._is_closing = False
        self._tend_at = 0.0
        self._announced: tuple[float, RetentionPlan] | None = None
        self.between_questions = threading.Lock()
        """Held by whoever reads history, and by the writer while it replaces files under the readers."""
        self.market_ns = 0
        """The market's present; the receive loop sets it."""
        self.rows = 0
        """Rows written since the start."""
        self.ts_flushed = 0
        """When rows were last written, wall clock."""
        self.size_bytes = 0
        self._texts: dict[str, str] = {}
        """What a person should know, by what it is about."""
        if store.damaged:
            self._texts["damaged"] = (
                f"The store's file of the open days was damaged; it is kept in {store.damaged}, and a new one is "
                "begun. What the gateway still has of these days is recorded again."
            )
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    def recover(self, spool: Spool) -> None:
        """Takes in what a killed process had received and not written; before :meth:`start`."""
        for path in spool.left:
            self._batches.extend(self._left(path))
        self._guarded("rows", self._write_batches)

    def _left(self, path: Path) -> list[Batch]:
        """What a spool file holds, by the runs of the gateway; the last one ends the file."""
        batches: dict[int, Batch] = {}
        try:
            content = content_of(path)
        except OSError as error:
            log.error("a spool file cannot be read", path=str(path), error=str(error))
            self._set_aside(path)
            return []
        for found in content.records:
            batch = batches.setdefault(found.run, Batch(found.run, began=time.monotonic()))
            batch.ticks.extend(found.ticks)
            batch.books.extend(found.books)
        waiting = list(batches.values()) or [Batch(0)]
        waiting[-1].spool, waiting[-1].is_damaged = path, content.is_damaged
        return waiting

    def look_again(self, symbol: str) -> None:
        """The bars of the last day, which a killed process may not have told, are told; before :meth:`start`."""
        self._bars.touch_recent(symbol, self.market_ns)

    def start(self) -> None:
        """Begins to write."""
        self._thread.start()

    def flush(self, timeout_s: float) -> bool:
        """Waits until what has come so far is written, or could not be; any thread. False after the time."""
        with self._turn:
            self._wanted += 1
            mine = self._wanted
            self._backlog.is_much.set()
            return self._turn.wait_for(lambda: self._flushed >= mine, timeout_s)

    def close(self) -> None:
        """Writes what is left and closes the store."""
        self._is_closing = True
        self._backlog.is_much.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._reader.close()
        self._store.close()

    @property
    def text(self) -> str:
        """What a person should know, in sentences."""
        return " ".join(list(self._texts.values()))

    @property
    def pending(self) -> int:
        """Rows that have come and are not written."""
        written_next = sum(batch.pending for batch in list(self._batches))
        return written_next + self._backlog.rows  # in this order none is counted twice that moves on meanwhile

    @property
    def lag_ms(self) -> int:
        """Age of the oldest of them."""
        waiting = [batch.began for batch in list(self._batches) if batch.rows] + [self._backlog.began]
        began = min((item for item in waiting if item), default=0.0)
        return round((time.monotonic() - began) * 1000) if began else 0

    # --- its thread --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            self._backlog.is_much.wait(self._settings.flush_s)
            is_last, wanted = self._is_closing, self._wanted
            self._guarded("rows", self._flush)
            with self._turn:
                self._flushed = wanted
                self._turn.notify_all()
            if is_last:
                return
            if time.monotonic() >= self._tend_at:
                self._tend_at = time.monotonic() + _TEND_S
                self._guarded("days", self._tend)

    def _guarded(self, about: str, act: Callable[[], None]) -> None:
        """What cannot be done now is told until it can be."""
        try:
            act()
            self._texts.pop(about, None)
        except StoreError as error:
            if self._texts.get(about) != str(error):
                log.error("the store is not written", error=str(error))
            self._texts[about] = str(error)
        except Exception as error:
            log.exception("the store's writer failed")
            self._texts[about] = f"The recorder failed ({type(error).__name__}): see its log."

    def _flush(self) -> None:
        batch = self._backlog.take()
        if batch.rows or batch.spool:
            self._batches.append(batch)
        self._write_batches()
        self._make_bars()
        if bars := self._bars.due(self.market_ns):
            self._on_bars(bars)

    def _write_batches(self) -> None:
        while self._batches:
            batch = self._batches[0]
            try:
                self._write(batch)
            except StoreError:
                raise
            except Exception:
                log.exception("a batch cannot be recorded", rows=batch.rows, spool=str(batch.spool))
                batch.refused = batch.rows
            self._end_spool(batch)
            self._batches.popleft()

    def _end_spool(self, batch: Batch) -> None:
        """The store holds the rows: their file goes, or is kept where there is more to it than these."""
        if batch.refused:
            self._texts["set aside"] = "Some rows cannot be recorded: see the recorder's log."
        if batch.spool and (batch.is_damaged or batch.refused):
            self._set_aside(batch.spool)
        elif batch.spool:
            batch.spool.unlink(missing_ok=True)

    def _set_aside(self, path: Path) -> None:
        try:
            kept = set_aside(path)
        except OSError as error:
            log.error("a spool file cannot be set aside", path=str(path), error=str(error))
            kept = path
        self._texts["set aside"] = (
            f"Some of what was received cannot be recorded; it is kept in {kept}: see the recorder's log."
        )

    def _write(self, batch: Batch) -> None:
        batch.refused = 0
        written = self._append(self._store.append_ticks, batch.ticks, batch)
        self._count(batch, len(batch.books), written)
        written = self._append(self._store.append_books, batch.books, batch)
        self._count(batch, 0, written)
        self._bars.touch(batch.ticks)
        self._make_bars()

    def _count(self, batch: Batch, pending: int, written: int) -> None:
        """A row that is written is never counted as one that waits, also by who looks in between."""
        batch.unwritten = pending
        if written:
            self.rows += written
            self.ts_flushed = time.time_ns()

    def _append(self, append: Callable[[Sequence[_Item], int], int], rows: Sequence[_Item], batch: Batch) -> int:
        """Writes rows; where some can never be written, the others are. Returns how many were new."""
        try:
            return append(rows, batch.run)
        except StoreError:
            raise
        except Exception:
            if len(rows) == 1 or batch.refused >= _MOST_REFUSED:
                log.exception(
                    "rows that cannot be recorded", symbol=rows[0].symbol, seq=rows[0].seq, rows=len(rows)
                )
                batch.refused += len(rows)
                return 0
            half = len(rows) // 2
            return self._append(append, rows[:half], batch) + self._append(append, rows[half:], batch)

    def _make_bars(self) -> None:
        """Bars that cannot be made of what is stored hold back no rows; those that cannot be written do."""
        changes = self._bars.changed()
        self._store.put_bars([bar for _, bar in changes.bars.values()])
        self._bars.know(changes)
        if self._bars.trouble:
            if self._texts.get("bars") != self._bars.trouble:
                log.error("bars are not made", error=self._bars.trouble)
            self._texts["bars"] = self._bars.trouble
        else:
            self._texts.pop("bars", None)

    # --- closing days, and size --------------------------------------------------------------------------------

    def _tend(self) -> None:
        for day in self._store.open_days():
            if self._is_over(day):
                self._guarded(f"day {day}", functools.partial(self._close_day, day))
        self._keep_size()

    def _close_day(self, trade_date: date) -> None:
        self._store.close_day(trade_date, replacing=self.between_questions)
        log.info("day closed", trade_date=trade_date.isoformat())

    def _is_over(self, trade_date: date) -> bool:
        with contextlib.suppress(CalendarError):
            session = self._calendar.session(trade_date, SessionKind.DAY)
            return self.market_ns > session.close_ns + _OVER_NS
        return False

    def _keep_size(self) -> None:
        plan = self._store.plan_retention(self._settings.max_gb)
        self.size_bytes = plan.bytes_on_disk
        if not plan.days:
            self._announced = None
            self._texts.pop("size", None)
            return
        if self._announced is None or self._announced[1].days != plan.days:
            self._announced = time.monotonic() + _NOTICE_S, plan
            self._texts["size"] = _notice(plan)
            log.warning("days will be deleted", text=self._texts["size"])
        elif time.monotonic() >= self._announced[0]:
            with self.between_questions:
                self._store.delete(plan)
            log.warning("days deleted", days=[day.trade_date.isoformat() for day in plan.days])
            self._announced = None
            del self._texts["size"]


def _notice(plan: RetentionPlan) -> str:
    first, last = plan.days[0].trade_date, plan.days[-1].trade_date
    return (
        f"The store uses {plan.bytes_on_disk / _GB:.1f} GB of {plan.max_bytes / _GB:.1f} GB: in {_NOTICE_S:g} s "
        f"the days from {first} to {last} are deleted. To keep them, raise max_gb under [store] in the settings "
        "and log in again."
    )
