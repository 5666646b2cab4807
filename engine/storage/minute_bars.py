"""The 1-minute bars of the live market, made anew from the stored prints whenever prints of a minute arrive.

So a bar is right whatever came late, twice or after a death, and nobody has to remember a half-built one. Which
bars are to be told is decided here too; who tells them is not.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Final

import numpy as np

from engine.errors import UnknownInstrument
from engine.model.bar import Bar
from engine.model.instrument import instrument
from engine.model.session import TAIPEI, Session, SessionKind, TradingCalendar
from engine.model.tick import Tick, TickFlag
from engine.storage.columns import TickColumns
from engine.storage.reading import MINUTE_NS, StoreReader
from engine.timing import NS_PER_S

_Key = tuple[str, date, SessionKind, int]
_REMEMBERED: Final = 10_000
"""Bars that are known, so that only a changed one is written and told again."""
_RECENT_NS: Final = 24 * 3600 * NS_PER_S
"""What a process that was killed may have written and not told lies within the last day."""


class MinuteBars:
    """Used on the thread of the store's owner.

    Args:
        reader: of the store.
        calendar: tells the sessions.
    """

    def __init__(self, reader: StoreReader, calendar: TradingCalendar) -> None:
        self._reader, self._calendar = reader, calendar
        self._known: OrderedDict[_Key, Bar] = OrderedDict()
        self._untold: dict[_Key, tuple[int, Bar]] = {}
        self._last_days: dict[str, date | None] = {}

    def changed_by(self, ticks: Iterable[Tick]) -> list[Bar]:
        """The bars of the minutes of these prints, which the store holds by now, as far as they have changed."""
        spans: dict[str, tuple[int, int]] = {}
        for tick in ticks:
            first, last = spans.get(tick.symbol, (tick.ts_event, tick.ts_event))
            spans[tick.symbol] = min(first, tick.ts_event), max(last, tick.ts_event)
        return [bar for symbol, span in spans.items() for bar in self._changed(symbol, *span)]

    def recent(self, symbol: str, now_ns: int) -> list[Bar]:
        """The bars of the last day as far as they are not known: who is new here tells them once more."""
        return list(self._changed(symbol, now_ns - _RECENT_NS, now_ns))

    def due(self, now_ns: int) -> list[Bar]:
        """The bars whose minute is over by now and that were not yet told as they are.

        The session's last bar is over after the closing second.
        """
        over = [key for key, (end_ns, _) in self._untold.items() if end_ns <= now_ns]
        return [self._untold.pop(key)[1] for key in over]

    def _changed(self, symbol: str, first_ns: int, last_ns: int) -> Iterator[Bar]:
        last_day = self._last_trading_day(symbol, last_ns)
        for session in self._calendar.sessions_between(first_ns, last_ns, last_trading_day=last_day):
            begin = max(_minute(first_ns, session), session.open_ns)
            end = min(_minute(last_ns, session) + MINUTE_NS, session.close_ns)
            if end == session.close_ns:
                end += NS_PER_S
            for bar in bars_of(self._reader.ticks(symbol, begin, end), session):
                key = (symbol, bar.trade_date, bar.session, bar.start_ns)
                if self._known.get(key) != bar:
                    self._know(key, bar, session)
                    yield bar

    def _know(self, key: _Key, bar: Bar, session: Session) -> None:
        self._known[key] = bar
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        end = bar.start_ns + bar.span_ns
        self._untold[key] = end + NS_PER_S if end >= session.close_ns else end, bar

    def _last_trading_day(self, symbol: str, near_ns: int) -> date | None:
        if symbol not in self._last_days:
            near = datetime.fromtimestamp(near_ns // NS_PER_S, TAIPEI).date()
            try:
                found = instrument(symbol, near=near, calendar=self._calendar)
                self._last_days[symbol] = found.last_trading_day
            except UnknownInstrument:
                self._last_days[symbol] = None
        return self._last_days[symbol]


def bars_of(columns: TickColumns, session: Session) -> list[Bar]:
    """The 1-minute bars of a session's recorded prints; trial matches and imported prints do not count."""
    is_counted = (columns.run > 0) & (columns.flags & int(TickFlag.TRIAL) == 0)
    is_counted &= (columns.ts_event >= session.open_ns) & (columns.ts_event < session.close_ns + NS_PER_S)
    minutes = np.minimum(columns.ts_event[is_counted], session.close_ns - 1) // MINUTE_NS
    if not len(minutes):
        return []
    order = np.argsort(minutes, kind="stable")
    minutes, prices, lots = minutes[order], columns.price[is_counted][order], columns.quantity[is_counted][order]
    begins = np.flatnonzero(np.diff(minutes, prepend=minutes[0] - 1))
    ends = np.append(begins[1:], len(minutes))
    rows = zip(
        (minutes[begins] * MINUTE_NS).tolist(),
        prices[begins].tolist(),
        np.maximum.reduceat(prices, begins).tolist(),
        np.minimum.reduceat(prices, begins).tolist(),
        prices[ends - 1].tolist(),
        np.add.reduceat(lots, begins).tolist(),
        (ends - begins).tolist(),
        strict=True,
    )
    return [
        Bar(
            symbol=columns.symbol,
            trade_date=session.trade_date,
            session=session.kind,
            start_ns=start,
            span_ns=MINUTE_NS,
            open=first,
            high=high,
            low=low,
            close=last,
            volume=volume,
            trades=trades,
        )
        for start, first, high, low, last, volume, trades in rows
    ]


def _minute(ts_ns: int, session: Session) -> int:
    """The minute of an instant; the closing second belongs to the session's last one."""
    return min(ts_ns, session.close_ns - 1) // MINUTE_NS * MINUTE_NS
