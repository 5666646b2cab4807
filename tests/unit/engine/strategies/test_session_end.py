"""What becomes of a condition at the end of its session, also where its process slept through it."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from engine.model.condition import ConditionAction, ConditionState, SessionEnd
from engine.model.order import OrderStatus, Reason, Side
from engine.model.session import Session, SessionKind, TradingCalendar
from engine.model.signal import Leg
from engine.model.tick import TickFlag
from engine.strategies.base import NOTHING
from engine.timing import NS_PER_S
from tests.unit.engine.strategies.running import ENTRY, STOP, TARGET, TRIGGER, Run

S = ConditionState
BOTH = pytest.mark.parametrize("side", list(Side))
CALENDAR = TradingCalendar()
SETTLEMENT = date(2024, 11, 20)
MINUTE = 60 * NS_PER_S


def session(day: int, kind: SessionKind = SessionKind.DAY) -> Session:
    """The session as TXFK4 has it."""
    return CALENDAR.session(date(2024, 11, day), kind, last_trading_day=SETTLEMENT)


DAY = session(5)
NEXT_NIGHT = session(6, SessionKind.NIGHT)
NEXT_DAY = session(6)
LAST = session(20)
FLATTEN_AT = DAY.close_ns - MINUTE
ENDED = DAY.close_ns + NS_PER_S
"""The closing second counts whole."""


def waiting(side: Side, end: SessionEnd, **spec: Any) -> Run:
    run = Run(side, is_armed=False, session_end=end, **spec)
    run.clock(DAY.open_ns + MINUTE)
    run.command(ConditionAction.ARM)
    return run


def opened(side: Side, end: SessionEnd, **spec: Any) -> Run:
    run = waiting(side, end, **spec).opened()
    run.tick(ENTRY)
    return run


@BOTH
class TestRearm:
    def test_is_the_default_and_changes_nothing(self, side: Side) -> None:
        assert Run(side).condition.spec.session_end is SessionEnd.REARM
        for run in (waiting(side, SessionEnd.REARM), opened(side, SessionEnd.REARM)):
            before = run.condition
            for ts_ns in (FLATTEN_AT, DAY.close_ns, ENDED, NEXT_NIGHT.open_ns, NEXT_DAY.close_ns + NS_PER_S):
                assert run.clock(ts_ns) is NOTHING
                assert run.tick_at(ts_ns, ENTRY) is NOTHING
            assert run.condition == before

    def test_guards_on_in_the_next_session(self, side: Side) -> None:
        run = opened(side, SessionEnd.REARM)
        run.clock(ENDED)
        run.tick_at(NEXT_NIGHT.open_ns, STOP)
        assert run.condition.exit_leg is Leg.STOP_LOSS


@BOTH
class TestFlatten:
    def test_exits_at_the_first_tick_at_the_deadline(self, side: Side) -> None:
        run = opened(side, SessionEnd.FLATTEN, quantity=2)
        run.tick_at(FLATTEN_AT - 1, ENTRY)
        assert run.state() is S.OPEN
        run.tick_at(FLATTEN_AT, ENTRY + 7)
        last = run.signals[-1]
        assert (last.signal_id, last.quantity, last.tick_seq) == ("c1/session_end/1", 2, run.seq)
        assert (last.price, last.ts_event) == (run.at(ENTRY + 7), FLATTEN_AT)

    def test_exits_by_the_clock_where_no_tick_comes(self, side: Side) -> None:
        run = opened(side, SessionEnd.FLATTEN)
        assert run.clock(FLATTEN_AT - 1) is NOTHING
        run.clock(FLATTEN_AT)
        assert run.signals[-1].signal_id == "c1/session_end/1"

    def test_time_goes_before_price(self, side: Side) -> None:
        run = opened(side, SessionEnd.FLATTEN)
        run.tick_at(FLATTEN_AT, TARGET)
        assert run.condition.exit_leg is Leg.SESSION_END

    def test_a_trial_match_is_no_time_either(self, side: Side) -> None:
        run = opened(side, SessionEnd.FLATTEN)
        assert run.tick_at(FLATTEN_AT, ENTRY, flags=TickFlag.TRIAL) is NOTHING

    @pytest.mark.parametrize("prices", [(), (TRIGGER,)])
    def test_what_waits_is_cancelled(self, side: Side, prices: tuple[int, ...]) -> None:
        run = waiting(side, SessionEnd.FLATTEN)
        run.ticks(*prices)
        run.tick_at(FLATTEN_AT, ENTRY)
        assert (run.condition.state, run.condition.reason) == (S.CANCELLED, Reason.SESSION_ENDED)
        assert not run.signals
        assert run.strategy.symbols() == frozenset()

    def test_a_fill_after_the_deadline_is_exited_at_once(self, side: Side) -> None:
        run = waiting(side, SessionEnd.FLATTEN)
        run.tick(TRIGGER)
        run.tick_at(FLATTEN_AT - 1, ENTRY)
        run.tick_at(FLATTEN_AT + 1, ENTRY)
        assert run.state() is S.ENTERING
        run.fill()
        run.tick(ENTRY)
        assert run.condition.exit_leg is Leg.SESSION_END

    def test_a_fill_told_after_the_close_is_exited_in_the_next_session(self, side: Side) -> None:
        run = waiting(side, SessionEnd.FLATTEN)
        run.tick(TRIGGER)
        run.tick_at(FLATTEN_AT - 1, ENTRY)
        run.now = ENDED + NS_PER_S
        run.fill()
        run.clock(ENDED + 2 * NS_PER_S)
        assert (run.condition.state, run.condition.is_exit_working) == (S.EXITING, False)
        run.tick_at(NEXT_NIGHT.open_ns, ENTRY)
        assert run.signals[-1].signal_id == "c1/session_end/1"

    def test_what_was_not_filled_by_the_close_goes_on_in_the_next_session(self, side: Side) -> None:
        run = opened(side, SessionEnd.FLATTEN, quantity=2)
        run.tick_at(FLATTEN_AT, ENTRY)
        run.order(OrderStatus.PARTIALLY_FILLED, filled=1)
        run.order(OrderStatus.EXPIRED, reason=Reason.SESSION_ENDED)
        assert run.clock(DAY.close_ns + 10 * NS_PER_S) is NOTHING
        run.tick_at(NEXT_NIGHT.open_ns, ENTRY)
        assert (run.signals[-1].signal_id, run.signals[-1].quantity) == ("c1/session_end/2", 1)

    def test_each_session_has_its_own_deadline(self, side: Side) -> None:
        run = Run(side, start_ns=NEXT_NIGHT.open_ns + MINUTE, session_end=SessionEnd.FLATTEN).opened()
        run.tick_at(NEXT_NIGHT.close_ns - MINUTE - 1, ENTRY)
        assert run.state() is S.OPEN
        run.tick_at(NEXT_NIGHT.close_ns - MINUTE, ENTRY)
        assert run.condition.exit_leg is Leg.SESSION_END

    def test_what_was_drawn_between_sessions_belongs_to_the_next(self, side: Side) -> None:
        run = Run(side, start_ns=ENDED + MINUTE, is_armed=False, session_end=SessionEnd.FLATTEN)
        run.clock(ENDED + MINUTE)
        run.command(ConditionAction.ARM)
        run.clock(ENDED + 2 * MINUTE)
        assert run.state() is S.ARMED
        run.clock(NEXT_NIGHT.close_ns - MINUTE)
        assert run.state() is S.CANCELLED

    def test_chosen_after_entry(self, side: Side) -> None:
        run = opened(side, SessionEnd.REARM)
        run.command(ConditionAction.PUT, run.spec(session_end=SessionEnd.FLATTEN))
        run.tick_at(FLATTEN_AT, ENTRY)
        assert run.condition.exit_leg is Leg.SESSION_END


@BOTH
class TestUnguarded:
    def test_lots_are_held_from_the_close_on(self, side: Side) -> None:
        run = opened(side, SessionEnd.UNGUARDED, trailing_points=200)
        run.clock(DAY.close_ns)
        assert run.state() is S.OPEN
        run.clock(ENDED)
        assert (run.path[-2:], run.condition.held) == ([S.OPEN, S.HELD], 1)
        for price in (STOP - 100, TARGET + 100):
            assert run.tick_at(NEXT_NIGHT.open_ns + MINUTE, price) is NOTHING
        assert run.strategy.symbols() == {"TXFK4"}

    def test_the_next_sessions_first_tick_tells_it_too(self, side: Side) -> None:
        run = opened(side, SessionEnd.UNGUARDED)
        run.tick_at(NEXT_NIGHT.open_ns, STOP - 50)
        assert run.state() is S.HELD
        assert len(run.signals) == 1

    @pytest.mark.parametrize("prices", [(), (TRIGGER,)])
    def test_what_waits_is_cancelled(self, side: Side, prices: tuple[int, ...]) -> None:
        run = waiting(side, SessionEnd.UNGUARDED)
        run.ticks(*prices)
        run.clock(ENDED)
        assert (run.condition.state, run.condition.reason) == (S.CANCELLED, Reason.SESSION_ENDED)

    def test_an_exit_goes_on_in_the_next_session(self, side: Side) -> None:
        run = opened(side, SessionEnd.UNGUARDED)
        run.tick_at(DAY.close_ns - NS_PER_S, STOP)
        run.order(OrderStatus.EXPIRED, reason=Reason.SESSION_ENDED)
        run.clock(ENDED)
        assert run.state() is S.EXITING
        run.tick_at(NEXT_NIGHT.open_ns, ENTRY)
        assert run.signals[-1].signal_id == "c1/stop_loss/2"

    def test_a_late_fill_stays_held(self, side: Side) -> None:
        run = waiting(side, SessionEnd.UNGUARDED, quantity=3)
        run.ticks(TRIGGER, ENTRY)
        entry = run.signals[-1]
        run.order(OrderStatus.PARTIALLY_FILLED, filled=1)
        run.clock(ENDED)
        run.order(OrderStatus.CANCELLED, filled=1, signal=entry)
        assert (run.condition.state, run.condition.held) == (S.HELD, 2)

    def test_a_first_fill_told_after_the_close_is_held(self, side: Side) -> None:
        run = waiting(side, SessionEnd.UNGUARDED)
        run.ticks(TRIGGER, ENTRY)
        run.clock(ENDED)
        run.fill()
        run.clock(ENDED + NS_PER_S)
        assert run.state() is S.HELD


@BOTH
class TestHeld:
    def held(self, side: Side, **spec: Any) -> Run:
        run = opened(side, SessionEnd.UNGUARDED, **spec)
        run.clock(ENDED)
        assert run.state() is S.HELD
        return run

    def test_armed_it_guards_again_as_before(self, side: Side) -> None:
        run = opened(side, SessionEnd.UNGUARDED, trailing_points=20)
        run.tick(ENTRY + 50)
        before = run.levels()
        run.clock(ENDED)
        run.clock(ENDED + MINUTE)
        run.command(ConditionAction.ARM)
        assert (run.state(), run.levels()) == (S.OPEN, before)
        run.tick_at(NEXT_NIGHT.open_ns, ENTRY + 30)
        assert run.condition.exit_leg is Leg.TRAILING_STOP

    def test_armed_again_it_is_held_again_at_the_next_close(self, side: Side) -> None:
        run = self.held(side)
        run.clock(ENDED + MINUTE)
        run.command(ConditionAction.ARM)
        assert run.clock(NEXT_NIGHT.close_ns) is NOTHING
        run.clock(NEXT_NIGHT.close_ns + NS_PER_S)
        assert run.state() is S.HELD

    def test_closed_it_exits(self, side: Side) -> None:
        run = self.held(side)
        run.clock(NEXT_NIGHT.open_ns)
        run.command(ConditionAction.CLOSE)
        assert run.signals[-1].signal_id == "c1/close/1"
        run.fill(1)
        assert run.state() is S.CLOSED

    def test_released_it_is_the_persons(self, side: Side) -> None:
        run = self.held(side)
        run.command(ConditionAction.RELEASE)
        assert run.state() is S.CANCELLED

    def test_is_held_over_a_restart(self, side: Side) -> None:
        run = self.held(side)
        run.restarted()
        run.clock(NEXT_NIGHT.open_ns)
        run.tick_at(NEXT_NIGHT.open_ns + MINUTE, STOP - 100)
        assert run.state() is S.HELD


@BOTH
class TestSleptThrough:
    """A process or program that was not there at the end of the session."""

    @pytest.mark.parametrize("end", [SessionEnd.FLATTEN, SessionEnd.UNGUARDED])
    def test_what_waited_is_cancelled(self, side: Side, end: SessionEnd) -> None:
        run = waiting(side, end)
        run.tick(TRIGGER)
        run.restarted()
        run.clock(ENDED + MINUTE)
        assert (run.condition.state, run.condition.reason) == (S.CANCELLED, Reason.SESSION_ENDED)

    def test_unguarded_lots_are_held(self, side: Side) -> None:
        run = opened(side, SessionEnd.UNGUARDED)
        run.restarted()
        run.clock(NEXT_NIGHT.open_ns + MINUTE)
        assert run.state() is S.HELD

    def test_a_missed_flattening_is_made_up_for_at_once(self, side: Side) -> None:
        run = opened(side, SessionEnd.FLATTEN)
        run.restarted()
        run.clock(NEXT_NIGHT.open_ns + MINUTE)
        assert run.signals[-1].signal_id == "c1/session_end/1"

    def test_or_as_soon_as_the_market_opens(self, side: Side) -> None:
        run = opened(side, SessionEnd.FLATTEN)
        run.restarted()
        run.clock(ENDED + MINUTE)
        assert (run.condition.state, run.condition.exit_leg, len(run.signals)) == (S.EXITING, Leg.SESSION_END, 1)
        run.clock(NEXT_NIGHT.open_ns - 1)
        assert len(run.signals) == 1
        run.clock(NEXT_NIGHT.open_ns)
        assert run.signals[-1].signal_id == "c1/session_end/1"

    def test_within_the_session_nothing_is_missed(self, side: Side) -> None:
        for end in SessionEnd:
            run = opened(side, end)
            run.restarted()
            assert run.clock(FLATTEN_AT - 1) is NOTHING
            assert run.state() is S.OPEN

    def test_an_exit_that_waits_for_the_market_survives_another_restart(self, side: Side) -> None:
        run = opened(side, SessionEnd.FLATTEN)
        run.restarted()
        run.clock(ENDED + MINUTE)
        assert not run.restarted().signals
        run.tick_at(NEXT_NIGHT.open_ns, ENTRY)
        assert run.signals[-1].signal_id == "c1/session_end/1"


@BOTH
class TestSettlement:
    """The expiring contract has no session after 13:30 of its last trading day."""

    def running(self, side: Side, end: SessionEnd = SessionEnd.REARM) -> Run:
        return Run(side, start_ns=LAST.open_ns + MINUTE, session_end=end)

    def test_ends_at_half_past_one(self, side: Side) -> None:
        assert LAST.close_ns - LAST.open_ns == (4 * 60 + 45) * MINUTE

    def test_what_waits_is_cancelled(self, side: Side) -> None:
        run = self.running(side)
        assert run.clock(LAST.close_ns) is NOTHING
        run.clock(LAST.close_ns + NS_PER_S)
        assert (run.condition.state, run.condition.reason) == (S.CANCELLED, Reason.SESSION_ENDED)

    @pytest.mark.parametrize("end", [SessionEnd.REARM, SessionEnd.UNGUARDED])
    def test_lots_are_settled(self, side: Side, end: SessionEnd) -> None:
        run = self.running(side, end).opened()
        run.clock(LAST.close_ns + NS_PER_S)
        assert (run.condition.state, run.condition.reason) == (S.CLOSED, Reason.SETTLED)
        assert run.strategy.symbols() == frozenset()

    def test_an_exit_that_did_not_fill_is_settled_and_its_end_reopens_nothing(self, side: Side) -> None:
        run = self.running(side).opened()
        run.tick_at(LAST.close_ns - 1, STOP)
        run.clock(LAST.close_ns + NS_PER_S)
        assert run.condition.reason is Reason.SETTLED
        run.order(OrderStatus.EXPIRED, reason=Reason.SESSION_ENDED)
        assert (run.condition.state, run.condition.reason) == (S.CLOSED, Reason.SETTLED)

    def test_held_lots_are_settled(self, side: Side) -> None:
        day = session(19)
        run = Run(side, start_ns=day.open_ns + MINUTE, session_end=SessionEnd.UNGUARDED).opened()
        run.clock(day.close_ns + NS_PER_S)
        assert run.state() is S.HELD
        run.clock(LAST.close_ns + NS_PER_S)
        assert (run.condition.state, run.condition.reason) == (S.CLOSED, Reason.SETTLED)

    def test_flattened_before(self, side: Side) -> None:
        run = self.running(side, SessionEnd.FLATTEN).opened()
        run.tick_at(LAST.close_ns - MINUTE, ENTRY)
        assert run.condition.exit_leg is Leg.SESSION_END

    def test_slept_through(self, side: Side) -> None:
        run = self.running(side).opened()
        run.restarted()
        run.clock(session(20).close_ns + 40 * 3600 * NS_PER_S)
        assert run.condition.reason is Reason.SETTLED

    def test_the_next_month_goes_on(self, side: Side) -> None:
        run = self.running(side).opened()
        run.restarted(replace(run.condition, spec=replace(run.condition.spec, symbol="TXFL4")))
        assert run.clock(LAST.close_ns + NS_PER_S) is NOTHING
