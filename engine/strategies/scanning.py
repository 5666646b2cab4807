"""What deserves a look in a contract: prints, past bars and conditions in, scored findings out.

Pure: knows no clock, socket or thread; times are market times. Decides nothing about orders. How each finding is
defined stands at the constants and at :class:`ContractScan`.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from engine.model.bar import Bar
from engine.model.condition import Condition, ConditionState
from engine.model.scan import ScanHit, ScanKind
from engine.model.session import Session, TradingCalendar
from engine.model.tick import Tick, TickFlag
from engine.strategies.bars import BarBuilder
from engine.strategies.levels import PriceLevel, find_levels, longer
from engine.strategies.surges import MINUTE_NS, SURGE, Surges

PAST_MINUTES: Final = 2_400
"""Minute bars that are kept: some more than the sessions of two trade dates."""
MOST_HITS: Final = 50
"""Findings told at a time."""

NEAR_CONDITION: Final = 1_000
"""Near a trigger: not further from it than the price divided by this (23 points at 23,000)."""
NEAR_LEVEL: Final = 2_000
"""Near a support or resistance: the same."""
LEVEL_WIDTH: Final = 2_500
"""Swings are one level if they are not further apart than the price divided by this."""
LEVEL_SPAN_NS: Final = 5 * MINUTE_NS
"""Length of the bars that levels are found in."""
SETTLE_NS: Final = 15 * MINUTE_NS
"""After the open no print counts as a new high or low: each of the first ones is."""
EXTREME_NS: Final = 5 * MINUTE_NS
"""How long a new high or low is told after the last print that made one."""
SURGE_NS: Final = 2 * MINUTE_NS
"""How long a surge is told after the last print that made it."""
GAP_NS: Final = 60 * MINUTE_NS
"""How long a gap that stays open is told after the session's open."""
QUIET_NS: Final = 2 * MINUTE_NS
"""In a contract without a print for so long nothing stands out."""
_EDGE_NS: Final = 5 * MINUTE_NS
"""A past session is known if there are bars so close to its open and to its close."""


@dataclass(slots=True)
class _Present:
    """The present session as far as it is known."""

    session: Session
    open: int
    high: int
    low: int
    begin_ns: int
    """From here on it is known."""
    volume: int = 0
    high_ns: int = 0
    """When the high was last raised; 0 = not since it would count."""
    low_ns: int = 0

    def absorb(self, bar: Bar) -> None:
        """Past prints, which raise nothing now."""
        if bar.start_ns < self.begin_ns:
            self.begin_ns, self.open = bar.start_ns, bar.open
        if bar.high >= self.high:
            self.high, self.high_ns = bar.high, 0
        if bar.low <= self.low:
            self.low, self.low_ns = bar.low, 0
        self.volume += bar.volume

    def stretch(self, tick: Tick) -> None:
        """A print."""
        counts = tick.ts_event >= self.session.open_ns + SETTLE_NS
        if tick.price > self.high:
            self.high, self.high_ns = tick.price, tick.ts_event if counts else 0
        if tick.price < self.low:
            self.low, self.low_ns = tick.price, tick.ts_event if counts else 0
        self.volume += tick.quantity

    def is_whole(self, lots: int) -> bool:
        """Nine tenths of the exchange's count of lots are known or, where it tells none, the first minute is."""
        if lots:
            return self.volume * 10 >= lots * 9
        return self.begin_ns < self.session.open_ns + MINUTE_NS


class ContractScan:
    """What stands out in one contract.

    - Near a condition: the price is near the trigger of an armed condition.
    - Near a support, near a resistance: it is near a level (:mod:`engine.strategies.levels`) in 5-minute bars that
      is not above, or above it. The one that scores best on each side is told.
    - Session high, session low: a print above, or below, all others of the session.
    - Surges of volume and of range (:mod:`engine.strategies.surges`): a minute has several times the mean of the
      minutes before it.
    - Gap up, gap down: the session opened above, or below, the whole range of the session before it, and has not
      traded at that range's edge since.

    What cannot be known is not told: no high without the whole session, no gap without the one before.

    Args:
        symbol: contract code.
        calendar: tells the sessions.
        last_trading_day: of the contract, None where it does not matter.
    """

    def __init__(self, symbol: str, calendar: TradingCalendar, last_trading_day: date | None = None) -> None:
        self.symbol = symbol
        self._calendar, self._last_day = calendar, last_trading_day
        self._builder = BarBuilder(MINUTE_NS, calendar, last_trading_day)
        self._minutes: deque[Bar] = deque(maxlen=PAST_MINUTES)
        self._seq = 0
        self._last: Tick | None = None
        self._present: _Present | None = None
        self._before: tuple[int, int] | None = None
        self._first_live = 0
        self._surges = Surges()
        self._levels: tuple[int, tuple[PriceLevel, ...]] = (-1, ())

    @property
    def first_ns(self) -> int:
        """Start of the minute of the feed's first print; 0 before it."""
        return self._first_live

    # --- what comes --------------------------------------------------------------------------------------------

    def add(self, tick: Tick) -> None:
        """A print; those that are known by their number, and trial matches, change nothing."""
        if tick.seq <= self._seq or tick.flags & TickFlag.TRIAL:
            return
        self._seq = tick.seq
        session = self._calendar.session_at(tick.ts_event, last_trading_day=self._last_day)
        present = self._present
        if session is None or (present is not None and session.open_ns < present.session.open_ns):
            return
        self._keep(self._builder.add(tick))
        if present is None or present.session != session:
            present = self._begin(session, tick)
        self._last = tick
        present.stretch(tick)
        if (bar := self._builder.bar) is not None:
            self._first_live = self._first_live or bar.start_ns
            self._look_for_surges(bar, present, tick)

    def add_past(self, bars: Iterable[Bar]) -> None:
        """Minute bars, in order of time, whenever they come; those after the first known minute change nothing.

        Of the first minute of the feed, which began before its first print, the bar tells what came before.
        """
        given = tuple(bars)
        known = self._minutes[0].start_ns if self._minutes else self._first_live
        past = [bar for bar in given if not known or bar.start_ns < known]
        begun = [self._before_feed(bar) for bar in given if bar.start_ns == known == self._first_live]
        self._minutes = deque([*past, *self._minutes], maxlen=PAST_MINUTES)
        self._levels = (-1, ())
        self._surges.forget_baseline()
        if (present := self._present) is not None:
            for bar in (*past, *begun):
                if _is_of(bar, present.session):
                    present.absorb(bar)
            self._before = self._range_before(present.session)

    def _before_feed(self, bar: Bar) -> Bar:
        """The first minute of the feed without the lots that the feed brought."""
        own = self._minutes[0] if self._minutes else self._builder.bar
        return bar if own is None else replace(bar, volume=max(0, bar.volume - own.volume))

    def pass_time(self, now_ns: int) -> None:
        """Market time has come so far: a minute without a further print ends."""
        self._keep(self._builder.close_due(now_ns))

    # --- what stands out ---------------------------------------------------------------------------------------

    def hits(self, now_ns: int, conditions: Iterable[Condition] = ()) -> list[ScanHit]:
        """What stands out now, in no order; nothing while the contract is closed or quiet.

        Args:
            now_ns: market time.
            conditions: all that exist; of other contracts and states they are passed over.
        """
        last, present = self._last, self._present
        if last is None or present is None:
            return []
        now_ns = max(now_ns, last.ts_event)
        if now_ns - last.ts_event > QUIET_NS or not present.session.contains(now_ns):
            return []
        return [
            *self._near_conditions(last, conditions),
            *self._near_levels(last),
            *self._new_extremes(last, present, now_ns),
            *self._surging(last, now_ns),
            *self._gap(last, present, now_ns),
        ]

    def levels(self) -> tuple[PriceLevel, ...]:
        """Supports and resistances in what is known, lowest first."""
        if self._last is None:
            return ()
        # The last of the longer bars may not be over, and levels cannot change before it is.
        key = self._minutes[-1].start_ns // LEVEL_SPAN_NS if self._minutes else 0
        if self._levels[0] != key:
            bars = longer(self._minutes, LEVEL_SPAN_NS)[:-1]
            self._levels = key, find_levels(bars, self._last.price // LEVEL_WIDTH)
        return self._levels[1]

    def _hit(
        self, kind: ScanKind, last: Tick, score: int, *, level: int = 0, ts: int = 0, of: str = ""
    ) -> ScanHit:
        score = max(0, min(score, 1000))
        ts_event = ts or last.ts_event
        return ScanHit(
            symbol=self.symbol,
            kind=kind,
            price=last.price,
            level=level,
            score=score,
            ts_event=ts_event,
            condition_id=of,
        )

    def _near_conditions(self, last: Tick, conditions: Iterable[Condition]) -> Iterable[ScanHit]:
        reach = max(1, last.price // NEAR_CONDITION)
        for item in conditions:
            away = abs(last.price - item.trigger)
            if item.spec.symbol == self.symbol and item.state is ConditionState.ARMED and away <= reach:
                score = 600 + 400 * (reach - away) // reach
                kind = ScanKind.NEAR_CONDITION
                yield self._hit(kind, last, score, level=item.trigger, of=item.condition_id)

    def _near_levels(self, last: Tick) -> Iterable[ScanHit]:
        reach = max(1, last.price // NEAR_LEVEL)
        best: dict[ScanKind, ScanHit] = {}
        for level in self.levels():
            away = abs(last.price - level.price)
            if away > reach:
                continue
            kind = ScanKind.NEAR_SUPPORT if level.price <= last.price else ScanKind.NEAR_RESISTANCE
            strength = 300 + 100 * min(level.touches - 2, 4)
            hit = self._hit(kind, last, strength * (2 * reach - away) // (2 * reach), level=level.price)
            if kind not in best or hit.score > best[kind].score:
                best[kind] = hit
        return best.values()

    def _new_extremes(self, last: Tick, present: _Present, now_ns: int) -> Iterable[ScanHit]:
        if not present.is_whole(last.total_volume):
            return
        for kind, level, ts in (
            (ScanKind.SESSION_HIGH, present.high, present.high_ns),
            (ScanKind.SESSION_LOW, present.low, present.low_ns),
        ):
            if ts and now_ns - ts < EXTREME_NS:
                yield self._hit(kind, last, _faded(700, now_ns - ts, EXTREME_NS), level=level, ts=ts)

    def _surging(self, last: Tick, now_ns: int) -> Iterable[ScanHit]:
        for kind, surge in self._surges:
            age = now_ns - surge.ts_event
            if age < SURGE_NS:
                strength = 300 + min(600, surge.ratio - 100 * SURGE)
                yield self._hit(kind, last, _faded(strength, age, SURGE_NS), ts=surge.ts_event)

    def _gap(self, last: Tick, present: _Present, now_ns: int) -> Iterable[ScanHit]:
        age = now_ns - present.session.open_ns
        if self._before is None or age >= GAP_NS or not present.is_whole(last.total_volume):
            return
        low, high = self._before
        for kind, gap, is_open, edge in (
            (ScanKind.GAP_UP, present.open - high, present.low > high, high),
            (ScanKind.GAP_DOWN, low - present.open, present.high < low, low),
        ):
            if gap > 0 and is_open:
                strength = 300 + min(400, 40_000 * gap // edge)
                yield self._hit(kind, last, _faded(strength, age, GAP_NS), level=edge)

    # --- what is known -----------------------------------------------------------------------------------------

    def _begin(self, session: Session, tick: Tick) -> _Present:
        """The session of a print, with what bars tell of it."""
        price = tick.price
        present = _Present(session, price, price, price, tick.ts_event)
        for bar in self._minutes:
            if _is_of(bar, session):
                present.absorb(bar)
        self._present, self._before = present, self._range_before(session)
        self._surges.clear()
        return present

    def _range_before(self, session: Session) -> tuple[int, int] | None:
        """Low and high of the session before one, None where it is not known from end to end."""
        first = session.open_ns - 20 * 24 * 60 * MINUTE_NS
        earlier = self._calendar.sessions_between(first, session.open_ns - 1, last_trading_day=self._last_day)
        if not earlier:
            return None
        before = earlier[-1]
        bars = [bar for bar in self._minutes if _is_of(bar, before)]
        if not bars or bars[0].start_ns >= before.open_ns + _EDGE_NS:
            return None
        if bars[-1].start_ns < before.close_ns - _EDGE_NS:
            return None
        return min(bar.low for bar in bars), max(bar.high for bar in bars)

    def _keep(self, bar: Bar | None) -> None:
        """A minute has ended; one that ended before and got a late print replaces itself."""
        if bar is not None:
            if self._minutes and self._minutes[-1].start_ns == bar.start_ns:
                self._minutes.pop()
            self._minutes.append(bar)

    def _look_for_surges(self, bar: Bar, present: _Present, tick: Tick) -> None:
        if self._surges.needs_baseline(bar):
            is_whole = present.is_whole(tick.total_volume)
            known = present.session.open_ns if is_whole else self._first_live + MINUTE_NS
            before = (item for item in reversed(self._minutes) if item.start_ns < bar.start_ns)
            self._surges.set_baseline(bar.start_ns, before, max(known, present.session.open_ns))
        self._surges.look(bar, tick.ts_event)


def ranked(hits: Iterable[ScanHit], limit: int = MOST_HITS) -> tuple[ScanHit, ...]:
    """The best findings, best first; what has faded away is left out."""
    told = (hit for hit in hits if hit.score > 0)
    return tuple(sorted(told, key=lambda h: (-h.score, h.symbol, h.kind, h.level, h.condition_id))[:limit])


def _faded(score: int, age_ns: int, life_ns: int) -> int:
    """A score that falls evenly to nothing over its life."""
    return score * max(0, life_ns - age_ns) // life_ns


def _is_of(bar: Bar, session: Session) -> bool:
    return bar.trade_date == session.trade_date and bar.session is session.kind
