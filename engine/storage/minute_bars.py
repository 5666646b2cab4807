"""The 1-minute bars of the live market, made anew from the stored prints whenever prints of a minute arrive.

So a bar is right whatever came late, twice or after a death, and nobody has to remember a half-built one. Which
bars are to be told is decided here too; who tells them is not.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final

import numpy as np

from engine.errors import DataFileError, StoreError, UnknownInstrument
from engine.model.bar import Bar
from engine.model.instrument import instrument
from engine.model.session import TAIPEI, Session, SessionKind, TradingCalendar
from engine.model.tick import Tick, TickFlag
from engine.storage.columns import TickColumns
from engine.storage.layout import Source
from engine.storage.reading import MINUTE_NS, StoreReader
from engine.timing import NS_PER_S

_Key = tuple[str, date, SessionKind, int]
_Part = tuple[str, Session]
_REMEMBERED: Final = 10_000
"""Bars that are known, so that only a changed one is written and told again."""
_RECENT_NS: Final = 24 * 3600 * NS_PER_S
"""What a process that was killed may have written and not told lies within the last day."""
_DAY_NS: Final = 24 * 3600 * NS_PER_S


@dataclass(frozen=True, slots=True)
class Changes:
    """Bars that have to be written.

    Attributes:
        bars: by contract, trade date, session and minute, with the instant at which they are over.
        parts: the sessions of contracts that were looked at for them.
    """

    bars: dict[_Key, tuple[int, Bar]] = field(default_factory=dict)
    parts: list[_Part] = field(default_factory=list)


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
        self._touched: dict[_Part, tuple[int, int]] = {}
        self._last_days: dict[tuple[str, int], date | None] = {}
        self.trouble = ""
        """Why some bars could not be made at the last look, in a sentence."""

    def touch(self, ticks: Iterable[Tick]) -> None:
        """The minutes of these prints, which the store holds by now, are to be looked at."""
        for tick in ticks:
            last_day = self._last_trading_day(tick.symbol, tick.ts_event)
            session = self._calendar.session_at(tick.ts_event, last_trading_day=last_day)
            if session is not None:
                self._touch((tick.symbol, session), tick.ts_event, tick.ts_event)

    def touch_recent(self, symbol: str, now_ns: int) -> None:
        """The same for the last day: who is new here tells its bars once more."""
        begin_ns, last_day = now_ns - _RECENT_NS, self._last_trading_day(symbol, now_ns)
        for session in self._calendar.sessions_between(begin_ns, now_ns, last_trading_day=last_day):
            self._touch((symbol, session), max(begin_ns, session.open_ns), min(now_ns, session.close_ns))

    def changed(self) -> Changes:
        """The bars of the touched minutes as far as they have changed; they are to be written, then :meth:`know`.

        What cannot be read now is looked at again the next time; see :attr:`trouble`.
        """
        found = Changes()
        self.trouble = ""
        for part, span in self._touched.items():
            try:
                found.bars.update(self._changed(part, *span))
            except (DataFileError, StoreError) as error:
                self.trouble = f"Bars of {part[0]} cannot be made: {error}"
            else:
                found.parts.append(part)
        return found

    def know(self, changes: Changes) -> None:
        """Notes that bars are written; they are told when they are over."""
        for part in changes.parts:
            del self._touched[part]
        self._untold.update(changes.bars)
        self._known.update((key, bar) for key, (_, bar) in changes.bars.items())
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)

    def due(self, now_ns: int) -> list[Bar]:
        """The bars whose minute is over by now and that were not yet told as they are.

        The session's last bar is over after the closing second.
        """
        over = [key for key, (end_ns, _) in self._untold.items() if end_ns <= now_ns]
        return [self._untold.pop(key)[1] for key in over]

    def _touch(self, part: _Part, first_ns: int, last_ns: int) -> None:
        first, last = self._touched.get(part, (first_ns, last_ns))
        self._touched[part] = min(first, first_ns), max(last, last_ns)

    def _changed(self, part: _Part, first_ns: int, last_ns: int) -> Iterator[tuple[_Key, tuple[int, Bar]]]:
        symbol, session = part
        begin = max(_minute(first_ns, session), session.open_ns)
        end = _minute(last_ns, session) + MINUTE_NS
        if end >= session.close_ns:
            end = session.close_ns + NS_PER_S
        recorded = self._reader.ticks(symbol, begin, end, source=Source.LIVE)
        for bar in bars_of(recorded, session):
            key = (symbol, bar.trade_date, bar.session, bar.start_ns)
            if self._known.get(key) != bar:
                over = bar.start_ns + bar.span_ns
                yield key, (over + NS_PER_S if over >= session.close_ns else over, bar)

    def _last_trading_day(self, symbol: str, near_ns: int) -> date | None:
        key = symbol, near_ns // _DAY_NS
        if key not in self._last_days:
            near = datetime.fromtimestamp(near_ns // NS_PER_S, TAIPEI).date()
            try:
                found = instrument(symbol, near=near, calendar=self._calendar)
                self._last_days[key] = found.last_trading_day
            except UnknownInstrument:
                self._last_days[key] = None
        return self._last_days[key]


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
