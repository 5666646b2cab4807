"""Bars from ticks, one contract at a time: pure, exact, and the same live, in replay and in a backtest.

A bar is known by trade date, session and start. Starts count from the session's open, so that the longest
bars, too, begin with the session. Columns for charts are :mod:`terminal.models.bars`.
"""

from dataclasses import replace
from datetime import date

from engine.model.bar import Bar
from engine.model.session import Session, TradingCalendar
from engine.model.tick import Tick, TickFlag
from engine.timing import NS_PER_S


def bar_start(ts_ns: int, session: Session, span_ns: int) -> int:
    """The first instant of the bar that a print of the session belongs to.

    Prints of the closing second (13:45:00, 05:00:00) belong to the session's last bar.
    """
    within = min(ts_ns, session.close_ns - 1) - session.open_ns
    return session.open_ns + within // span_ns * span_ns


class BarBuilder:
    """Builds the bars of one contract.

    Ticks come in the order of their numbers; one whose number is not above the last is a duplicate and is
    dropped. Trial matches and prints outside of all sessions never enter a bar.

    A bar that the clock has closed is given again, in full, where a print of its span arrives after all:
    whoever keeps bars replaces the one with the same key.

    Args:
        span_ns: length of the bars, nanoseconds.
        calendar: tells the sessions.
        last_trading_day: of the contract, which closes at 13:30 then; None where it does not matter.

    Attributes:
        late: prints of spans before the bar in work; they are left out, as their bar is out of reach.
    """

    def __init__(self, span_ns: int, calendar: TradingCalendar, last_trading_day: date | None = None) -> None:
        if span_ns < 1:
            raise ValueError(f"A bar of {span_ns} ns has no length.")
        self.late = 0
        self._span_ns = span_ns
        self._calendar = calendar
        self._last_trading_day = last_trading_day
        self._seq = 0
        self._bar: Bar | None = None
        self._session: Session | None = None
        self._is_closed = False

    @property
    def bar(self) -> Bar | None:
        """The bar in work; None before the first print and after the clock closed it."""
        return None if self._is_closed else self._bar

    def add(self, tick: Tick) -> Bar | None:
        """Takes a tick in; returns the bar that it closed, if it did."""
        if tick.seq <= self._seq:
            return None
        self._seq = tick.seq
        if tick.flags & TickFlag.TRIAL:
            return None
        session = self._calendar.session_at(tick.ts_event, last_trading_day=self._last_trading_day)
        if session is None:
            return None
        start = bar_start(tick.ts_event, session, self._span_ns)
        bar = self._bar
        if bar is not None and start < bar.start_ns:
            self.late += 1
            return None
        if bar is not None and start == bar.start_ns:
            self._bar = _extended(bar, tick)
            self._is_closed = False
            return None
        closed = self.bar
        self._bar = _opened(tick, session, start, self._span_ns)
        self._session = session
        self._is_closed = False
        return closed

    def close_due(self, now_ns: int) -> Bar | None:
        """Closes the bar in work if its span has passed; the session's last bar after the closing second."""
        bar, session = self.bar, self._session
        if bar is None or session is None:
            return None
        end = bar.start_ns + bar.span_ns
        if end >= session.close_ns:
            end = session.close_ns + NS_PER_S
        if now_ns < end:
            return None
        self._is_closed = True
        return bar


def _opened(tick: Tick, session: Session, start: int, span_ns: int) -> Bar:
    return Bar(
        symbol=tick.symbol,
        trade_date=session.trade_date,
        session=session.kind,
        start_ns=start,
        span_ns=span_ns,
        open=tick.price,
        high=tick.price,
        low=tick.price,
        close=tick.price,
        volume=tick.quantity,
        trades=1,
    )


def _extended(bar: Bar, tick: Tick) -> Bar:
    return replace(
        bar,
        high=max(bar.high, tick.price),
        low=min(bar.low, tick.price),
        close=tick.price,
        volume=bar.volume + tick.quantity,
        trades=bar.trades + 1,
    )
