"""History page by page: the oldest or the newest rows of a range, and no more than a page costs.

A page of ticks or books ends with a whole instant, so that the next page can begin behind it.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any, Final, Self

import numpy as np

from engine.model.session import SessionKind
from engine.storage import schema
from engine.storage.columns import BarColumns, TickColumns
from engine.storage.layout import Kind, Source
from engine.storage.reading import HEARD, MINUTE_NS, StoreReader, of_end, with_begun
from engine.timing import NS_PER_S

DAY_NS: Final = 86_400 * NS_PER_S
_SESSIONS_NS: Final = 19 * 3600 * NS_PER_S
"""Night and day session together."""
_RUN_DAYS: Final = 3
"""Closed days in which a run's prints are looked for by number: more than a gateway's ring reaches back."""
_EVER: Final = 2**63 - 1
_INSTANT: Final = 10_000
"""More rows than one contract has in one instant; the exchange's files tell whole seconds."""
_BOOK_COLUMNS: Final = tuple(
    name
    for name in schema.COLUMNS[Kind.BOOKS]
    if name in ("seq", "ts_event", "ts_recv") or name[:3] in ("bid", "ask")
)
_TICK_COLUMNS: Final = ("seq", "ts_event", "ts_recv", "price", "quantity", "total_volume", "flags")
_BAR_COLUMNS: Final = ("start_ns", "open", "high", "low", "close", "volume", "trades", "trade_date", "is_night")

Page = tuple[dict[str, Any], bool]
"""Columns of one length, and whether nothing of the range is left behind (newest: before) them."""


class HistoryReader(StoreReader):
    """A :class:`StoreReader` that answers in pages; ``end_ns`` 0 is no end."""

    @classmethod
    def of(cls, reader: StoreReader) -> Self:
        """One for another thread over the store of a reader."""
        return cls(reader._folder, reader._calendar, live=reader._database if reader._has_live else None)

    def tick_page(
        self, symbol: str, begin_ns: int, end_ns: int, limit: int, *, is_newest: bool, is_day_only: bool = False
    ) -> Page:
        """Prints of a range."""
        session = SessionKind.DAY if is_day_only else None
        where, values = "ts_event >= ? AND ts_event < ?", (begin_ns, end_ns or _EVER)

        def found(first: date, last: date) -> dict[str, Any]:
            most = max(limit, _INSTANT) + 1
            return _of_ticks(self._ticks(symbol, first, last, session, where, values, most, is_newest=is_newest))

        days = self._range(Kind.TICKS, begin_ns, end_ns)
        return _instants(days, _TICK_COLUMNS, limit, is_newest, found)

    def book_page(
        self, symbol: str, begin_ns: int, end_ns: int, limit: int, *, is_newest: bool, is_day_only: bool = False
    ) -> Page:
        """Books of a range."""
        wanted = ", ".join(_BOOK_COLUMNS)
        only = "session = 'day'" if is_day_only else "TRUE"
        where, values = "ts_event >= ? AND ts_event < ?", [begin_ns, end_ns or _EVER]

        def found(first: date, last: date) -> dict[str, Any]:
            rows, parameters = self.rows(Kind.BOOKS, first, last, f"symbol = ? AND {only}", symbol)
            cut = of_end(max(limit, _INSTANT) + 1, is_newest=is_newest)
            query = f"SELECT {wanted} FROM ({with_begun(rows, where)} {cut}) ORDER BY {HEARD}"
            answer = self._columns(query, parameters + values)
            return {name: np.asarray(answer[name], dtype=np.int64) for name in _BOOK_COLUMNS}

        days = self._range(Kind.BOOKS, begin_ns, end_ns)
        return _instants(days, _BOOK_COLUMNS, limit, is_newest, found)

    def ticks_after(self, symbol: str, run: int, after_seq: int, limit: int) -> Page:
        """Recorded prints of a run by number, also of a session that an imported file has whole."""
        closed = self._folder.segments(Kind.TICKS, source=Source.LIVE)[-_RUN_DAYS:]
        days = sorted({item.trade_date for item in closed} | set(self._live_days(Kind.TICKS)))
        where, values = "run = ? AND seq > ?", (run, after_seq)
        parts = [_of_ticks(self._ticks(symbol, day, day, None, where, values, source=Source.LIVE)) for day in days]
        columns = _joined(parts, _TICK_COLUMNS)
        order = np.argsort(columns["seq"], kind="stable")[:limit]
        rows = len(columns["seq"])
        return {name: column[order] for name, column in columns.items()}, rows <= limit

    def bar_page(
        self,
        symbol: str,
        begin_ns: int,
        end_ns: int,
        limit: int,
        *,
        span_ns: int,
        is_newest: bool,
        is_day_only: bool = False,
    ) -> Page:
        """Bars of a range by their starts; a span of a day is one bar a trade date."""
        session = SessionKind.DAY if is_day_only else None
        kind = Kind.TICKS if span_ns % MINUTE_NS else Kind.BARS
        per_day = 1 if span_ns == DAY_NS else max(1, _SESSIONS_NS // span_ns)
        parts: list[dict[str, Any]] = []
        rows = 0
        for first, last in _stretches(self._range(kind, begin_ns, end_ns), limit // per_day + 2, is_newest):
            if span_ns == DAY_NS:
                bars = self.day_bars(symbol, first, last, session=session)
            else:
                bars = self.bars(symbol, first, last, span_ns=span_ns, session=session)
            is_in = (bars.start_ns >= begin_ns) & (bars.start_ns < (end_ns or _EVER))
            part = {name: column[is_in] for name, column in _of_bars(bars).items()}
            parts.insert(0 if is_newest else len(parts), part)
            rows += int(is_in.sum())
            if rows > limit:
                break
        columns = _joined(parts, _BAR_COLUMNS)
        cut = slice(-limit, None) if is_newest else slice(None, limit)
        return {name: column[cut] for name, column in columns.items()}, rows <= limit

    def _range(self, kind: Kind, begin_ns: int, end_ns: int) -> list[date]:
        """The trade dates with rows that a range can touch."""
        first, last = self._span(begin_ns, end_ns or begin_ns)
        return self._days(kind, first, last if end_ns else date.max)


def _instants(
    days: list[date],
    names: tuple[str, ...],
    limit: int,
    is_newest: bool,
    found: Callable[[date, date], dict[str, Any]],
) -> Page:
    """Whole instants of the rows of some days, at most ``limit`` rows, or one instant that has more."""
    parts: list[dict[str, Any]] = []
    rows = 0
    for first, last in _stretches(days, 1, is_newest):
        part = found(first, last)
        parts.insert(0 if is_newest else len(parts), part)
        rows += len(part["ts_event"])
        if rows > limit:
            break
    columns = _joined(parts, names)
    order = np.argsort(columns["ts_event"], kind="stable")
    columns = {name: column[order] for name, column in columns.items()}
    times = columns["ts_event"]
    if rows <= limit:
        return columns, True
    behind = _begin_of_instant(times if is_newest else times[::-1], rows - limit)
    cut = slice(behind, None) if is_newest else slice(None, rows - behind)
    is_all = first == days[0] if is_newest else last == days[-1]
    return {name: column[cut] for name, column in columns.items()}, is_all and not behind


def _begin_of_instant(times: Any, at: int) -> int:
    """The first row from ``at`` on that begins an instant; the one before it where none does."""
    changes = np.flatnonzero(times[at:] != times[at - 1 : -1])
    if len(changes):
        return at + int(changes[0])
    before = np.flatnonzero(times[1:at] != times[: at - 1])
    return int(before[-1]) + 1 if len(before) else 0


def _stretches(days: list[date], length: int, is_newest: bool) -> Iterator[tuple[date, date]]:
    """First and last day of one stretch of days after the other, each twice as long as the one before."""
    while days:
        taken, days = (days[-length:], days[:-length]) if is_newest else (days[:length], days[length:])
        yield taken[0], taken[-1]
        length *= 2


def _of_ticks(columns: TickColumns) -> dict[str, Any]:
    return {name: getattr(columns, name) for name in _TICK_COLUMNS}


def _of_bars(columns: BarColumns) -> dict[str, Any]:
    return {name: getattr(columns, name).astype(np.int64) for name in _BAR_COLUMNS}


def _joined(parts: Iterable[dict[str, Any]], names: tuple[str, ...]) -> dict[str, Any]:
    nothing = {name: np.empty(0, dtype=np.int64) for name in names}
    whole = list(parts) or [nothing]
    return {name: np.concatenate([part[name] for part in whole]) for name in names}
