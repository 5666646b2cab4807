"""What market time means for a condition: when its session ends, when its contract does, and that time has passed.

Knows the exchange's calendar but no clock: every question carries its instant, integer nanoseconds UTC.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from engine.errors import UnknownInstrument
from engine.model.instrument import instrument
from engine.model.session import TAIPEI, SessionKind, TradingCalendar
from engine.timing import NS_PER_S

NEVER: Final = 2**63 - 1
"""An instant that does not come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTimes:
    """The instants that matter to a condition, of the session that it is watched in; ns UTC.

    They may lie behind the present: whoever slept through the end of a session still has it before it.

    Attributes:
        flatten_at: from here on a condition that is not to be held through the close is closed.
        ended_at: the session is over, its closing second with the last prints included.
        expired_at: the contract's last session is over.
    """

    flatten_at: int = NEVER
    ended_at: int = NEVER
    expired_at: int = NEVER


@dataclass(frozen=True, slots=True, kw_only=True)
class TimePassed:
    """A fact: market time has come so far, whether a tick told it or the clock.

    Attributes:
        symbol: contract code.
        ts_event: the time.
        seq: the symbol's number of the tick that told it, else of the last one before; 0 = none is known.
        price: price of that tick, scaled.
        is_open: orders can trade now.
        times: what the condition in question waits for.
    """

    symbol: str
    ts_event: int
    seq: int
    price: int
    is_open: bool
    times: SessionTimes


class TradingHours:
    """The sessions of one contract.

    Args:
        calendar: of the exchange.
        symbol: contract code; of one that is no known contract nothing is assumed but the exchange's hours.
        flatten_before_ns: how long before the close lots that are not to be held through it are closed.
    """

    def __init__(self, calendar: TradingCalendar, symbol: str, flatten_before_ns: int) -> None:
        self._calendar, self._symbol = calendar, symbol
        self._flatten_before_ns = flatten_before_ns
        self._last_day: date | None = None
        self._expired_at = 0

    def times(self, ts_ns: int) -> SessionTimes:
        """Those of the session that an instant belongs to, or of the next one where it belongs to none."""
        self._resolve(ts_ns)
        times = SessionTimes(expired_at=self._expired_at)
        session = self._calendar.session_at(ts_ns, last_trading_day=self._last_day)
        session = session or self._calendar.next_session(ts_ns, last_trading_day=self._last_day)
        if session is None:
            return times
        return replace(
            times,
            flatten_at=session.close_ns - self._flatten_before_ns,
            ended_at=session.close_ns + NS_PER_S,
        )

    def is_open(self, ts_ns: int) -> bool:
        """Whether orders can trade; not in the closing second, which only has the prints of what traded before."""
        self._resolve(ts_ns)
        session = self._calendar.session_at(ts_ns, last_trading_day=self._last_day)
        return session is not None and ts_ns < session.close_ns

    def _resolve(self, ts_ns: int) -> None:
        """Finds the contract's last session; the first instant asked about tells which decade its year is of."""
        if self._expired_at:
            return
        self._expired_at = NEVER
        today = datetime.fromtimestamp(ts_ns // NS_PER_S, TAIPEI).date()
        try:
            self._last_day = instrument(self._symbol, near=today, calendar=self._calendar).last_trading_day
        except UnknownInstrument:
            return
        last = self._calendar.session(self._last_day, SessionKind.DAY, last_trading_day=self._last_day)
        self._expired_at = last.close_ns + NS_PER_S
