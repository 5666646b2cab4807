"""The sessions of TAIFEX: which trade date and session an instant belongs to, and what orders may do then.

Knows no clock: every question carries its instant, integer nanoseconds UTC. Sessions are those of the index
futures, day 08:45-13:45 and night 15:00-05:00 Taipei. Imports only the standard library: every process needs
it and starts the faster.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta, timezone
from enum import StrEnum
from typing import Final

from engine.errors import CalendarError
from engine.model import holidays

TAIPEI: Final = timezone(timedelta(hours=8), "Asia/Taipei")
"""Taiwan has had no daylight saving time since 1979; a fixed offset needs no time zone files."""

FIRST_NIGHT: Final = date(2017, 5, 16)
"""Trade date of the first night session (TAIFEX opened after-hours trading on the evening of 2017-05-15)."""

_SECOND_NS: Final = 1_000_000_000
_MINUTE_NS: Final = 60 * _SECOND_NS
_DAY_NS: Final = 24 * 60 * _MINUTE_NS
_UTC_OFFSET: Final = 8 * 60 * _MINUTE_NS
_EPOCH: Final = date(1970, 1, 1).toordinal()
_ONE_DAY: Final = timedelta(days=1)

# Times of day and durations, in nanoseconds like everything here.
_DAY_OPEN: Final = (8 * 60 + 45) * _MINUTE_NS
_DAY_CLOSE: Final = (13 * 60 + 45) * _MINUTE_NS
_EXPIRY_CLOSE: Final = (13 * 60 + 30) * _MINUTE_NS
_NIGHT_OPEN: Final = 15 * 60 * _MINUTE_NS
_NIGHT_CLOSE: Final = 29 * 60 * _MINUTE_NS  # 05:00 of the next calendar day

_ADD_ONLY: Final = 2 * _MINUTE_NS


class SessionKind(StrEnum):
    """The two sessions of a trade date; the night comes first."""

    DAY = "day"
    NIGHT = "night"


class Phase(StrEnum):
    """What the exchange lets orders do at an instant."""

    CLOSED = "closed"
    PRE_OPEN = "pre_open"
    """Order entry before an open: 15 minutes before the day session, 10 before the night session."""
    ADD_ONLY = "add_only"
    """The last two minutes before an open: orders can be added, neither changed nor cancelled."""
    CONTINUOUS = "continuous"


_LONGEST_BREAK_NS: Final = 20 * 24 * 60 * _MINUTE_NS
"""Longer than any holiday."""
_ORDER_ENTRY: Final = {SessionKind.DAY: 15 * _MINUTE_NS, SessionKind.NIGHT: 10 * _MINUTE_NS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One trading session.

    Attributes:
        trade_date: the trade date that all its prints carry; for a night session the next trading day.
        kind: day or night.
        open_ns: the open, ns UTC.
        close_ns: the official close, ns UTC.
    """

    trade_date: date
    kind: SessionKind
    open_ns: int
    close_ns: int

    def contains(self, ts_ns: int) -> bool:
        """Whether a print of that instant belongs to the session, both ends included.

        The closing second counts whole: the exchange's match feed has prints until some hundredths after
        13:45:00, and its daily files show them as 13:45:00 and 05:00:00.
        """
        return self.open_ns <= ts_ns < self.close_ns + _SECOND_NS


class TradingCalendar:
    """Trading days, settlement days and sessions.

    Outside of the days that :mod:`engine.model.holidays` knows every weekday counts as a trading day. What is
    said about a day for which :meth:`covers` is false can therefore be wrong, and the user should be warned.

    Args:
        closed: days without trading that the table does not know, such as typhoon days.
        opened: days with trading that the table has as closed.

    Raises:
        CalendarError: a day is named as both.
    """

    def __init__(self, closed: Iterable[date] = (), opened: Iterable[date] = ()) -> None:
        closed_days, opened_days = frozenset(closed), frozenset(opened)
        if both := closed_days & opened_days:
            raise CalendarError(f"{min(both)} is named both as closed and as opened.")
        self._closed = (holidays.dates_of(holidays.CLOSED_WEEKDAYS) | closed_days) - opened_days
        self._opened = (holidays.dates_of(holidays.TRADED_SATURDAYS) | opened_days) - closed_days
        self._opening_on: dict[date, tuple[Session, ...]] = {}
        self._last_found: dict[date | None, Session] = {}

    def __reduce__(self) -> tuple[type[TradingCalendar], tuple[frozenset[date], frozenset[date]]]:
        """Travels to other processes by its days alone: another thread may be adding to what it remembers."""
        return TradingCalendar, (self._closed, self._opened)

    @staticmethod
    def covers(day: date) -> bool:
        """Whether the exchange's announced holidays of that day are known, so that answers are sure."""
        return holidays.FIRST_DAY <= day <= holidays.ANNOUNCED_TO

    def is_trading_day(self, day: date) -> bool:
        return day in self._opened or (day.weekday() < 5 and day not in self._closed)

    def next_trading_day(self, day: date) -> date:
        """The first trading day after ``day``."""
        return self._seek(day + _ONE_DAY, _ONE_DAY)

    def previous_trading_day(self, day: date) -> date:
        """The last trading day before ``day``."""
        return self._seek(day - _ONE_DAY, -_ONE_DAY)

    def settlement_day(self, year: int, month: int) -> date:
        """The last trading day of a contract month: the third Wednesday, or the next trading day after it.

        Source: TAIFEX, contract specifications of TX.
        """
        first = date(year, month, 1)
        third_wednesday = first + timedelta(days=(2 - first.weekday()) % 7 + 14)
        return self._seek(third_wednesday, _ONE_DAY)

    def session(self, trade_date: date, kind: SessionKind, *, last_trading_day: date | None = None) -> Session:
        """The session of a trade date.

        Args:
            trade_date: a trading day.
            kind: day or night; the night session opens on the evening of the previous trading day.
            last_trading_day: of the contract in question, which closes at 13:30 on that day.

        Raises:
            CalendarError: there is no such session, or the contract has expired by then.
        """
        if not self.is_trading_day(trade_date):
            raise CalendarError(f"{trade_date} is no trading day.")
        if kind is SessionKind.NIGHT and trade_date < FIRST_NIGHT:
            raise CalendarError(f"There was no night session for {trade_date}: they began in May 2017.")
        limited = _limit(self._build(trade_date, kind), last_trading_day)
        if limited is None:
            raise CalendarError(f"The contract expired on {last_trading_day}, before {trade_date}.")
        return limited

    def session_at(self, ts_ns: int, *, last_trading_day: date | None = None) -> Session | None:
        """The session that a print of that instant belongs to, None outside of all sessions.

        Cheap enough to be asked for every tick.

        Args:
            ts_ns: any instant, ns UTC.
            last_trading_day: of the contract in question, which has no session after 13:30 of that day.
        """
        last = self._last_found.get(last_trading_day)
        if last is not None and last.contains(ts_ns):
            return last
        day = _local_day(ts_ns)
        for session in (*self._opening(day - _ONE_DAY), *self._opening(day)):
            limited = _limit(session, last_trading_day)
            if limited is not None and limited.contains(ts_ns):
                self._last_found[last_trading_day] = limited
                return limited
        return None

    def next_session(self, ts_ns: int, *, last_trading_day: date | None = None) -> Session | None:
        """The first session that opens after that instant; None only where the contract has none any more."""
        for session in self._from_day(_local_day(ts_ns), last_trading_day):
            if session.open_ns > ts_ns:
                return session
        return None

    def sessions_between(
        self, start_ns: int, end_ns: int, *, last_trading_day: date | None = None
    ) -> list[Session]:
        """All sessions with an instant in common with ``start_ns`` to ``end_ns``, both included, in order."""
        found = []
        for session in self._from_day(_local_day(start_ns) - _ONE_DAY, last_trading_day):
            if session.open_ns > end_ns:
                break
            if start_ns < session.close_ns + _SECOND_NS:
                found.append(session)
        return found

    def phase_at(self, ts_ns: int, *, last_trading_day: date | None = None) -> Phase:
        """What orders may do at that instant; CONTINUOUS exactly where :meth:`session_at` has a session.

        Source: TAIFEX trading hours: order entry from 15 minutes before the day open and 10 minutes before
        the night open; in the last two minutes before an open no change and no cancel.
        """
        if self.session_at(ts_ns, last_trading_day=last_trading_day) is not None:
            return Phase.CONTINUOUS
        session = self.next_session(ts_ns, last_trading_day=last_trading_day)
        if session is None or session.open_ns - ts_ns > _ORDER_ENTRY[session.kind]:
            return Phase.CLOSED
        return Phase.ADD_ONLY if session.open_ns - ts_ns <= _ADD_ONLY else Phase.PRE_OPEN

    def trade_date_at(self, ts_ns: int) -> date:
        """The trade date of an order that is made, or whose end is told, at that instant.

        Between sessions it is that of the session before, until orders are taken for the next one.
        """
        if (session := self.session_at(ts_ns)) is None:
            if self.phase_at(ts_ns) is not Phase.CLOSED:
                session = self.next_session(ts_ns)
            elif before := self.sessions_between(ts_ns - _LONGEST_BREAK_NS, ts_ns):
                session = before[-1]
        return session.trade_date if session else _local_day(ts_ns)

    def _seek(self, day: date, step: timedelta) -> date:
        while not self.is_trading_day(day):
            day += step
        return day

    def _build(self, trade_date: date, kind: SessionKind) -> Session:
        if kind is SessionKind.DAY:
            start, opens, closes = trade_date, _DAY_OPEN, _DAY_CLOSE
        else:
            start, opens, closes = self.previous_trading_day(trade_date), _NIGHT_OPEN, _NIGHT_CLOSE
        midnight = _midnight_ns(start)
        return Session(trade_date=trade_date, kind=kind, open_ns=midnight + opens, close_ns=midnight + closes)

    def _opening(self, day: date) -> tuple[Session, ...]:
        """The sessions that open on a calendar day, in order."""
        found = self._opening_on.get(day)
        if found is None:
            found = self._opening_on[day] = tuple(self._build_opening(day))
        return found

    def _build_opening(self, day: date) -> Iterator[Session]:
        if not self.is_trading_day(day):
            return
        yield self._build(day, SessionKind.DAY)
        trade_date = self.next_trading_day(day)
        if trade_date >= FIRST_NIGHT:
            yield self._build(trade_date, SessionKind.NIGHT)

    def _from_day(self, day: date, last_trading_day: date | None) -> Iterator[Session]:
        """The sessions that open on or after a calendar day, until the contract's last."""
        while True:
            for session in self._opening(day):
                limited = _limit(session, last_trading_day)
                if limited is None:
                    return
                yield limited
            day += _ONE_DAY


def _limit(session: Session, last_trading_day: date | None) -> Session | None:
    """The session as a contract with that last trading day has it, None where it has expired."""
    if last_trading_day is None or session.trade_date < last_trading_day:
        return session
    if session.trade_date > last_trading_day:
        return None
    if session.kind is SessionKind.NIGHT:
        return session
    return replace(session, close_ns=_midnight_ns(last_trading_day) + _EXPIRY_CLOSE)


def _local_day(ts_ns: int) -> date:
    return date.fromordinal((ts_ns + _UTC_OFFSET) // _DAY_NS + _EPOCH)


def _midnight_ns(day: date) -> int:
    return (day.toordinal() - _EPOCH) * _DAY_NS - _UTC_OFFSET
