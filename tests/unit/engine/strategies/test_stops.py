"""Breakeven, its combination with trailing, and the time stop."""

from datetime import date
from typing import Any

import pytest

from engine.model.condition import ConditionAction, ConditionState, LevelsFrom
from engine.model.order import OrderStatus, Reason, Side
from engine.model.session import SessionKind, TradingCalendar
from engine.model.signal import Leg
from engine.strategies.base import NOTHING
from engine.timing import NS_PER_S
from tests.unit.engine.strategies.running import ENTRY, STOP, TARGET, TRIGGER, Run, refused

S = ConditionState
BOTH = pytest.mark.parametrize("side", list(Side))
DAY = TradingCalendar().session(date(2024, 11, 5), SessionKind.DAY)
OPEN_NS, CLOSE_NS = DAY.open_ns, DAY.close_ns
MINUTE = 60 * NS_PER_S


def opened(side: Side, **spec: Any) -> Run:
    return Run(side, start_ns=OPEN_NS + MINUTE, **spec).opened()


@BOTH
class TestBreakeven:
    def test_the_stop_moves_to_the_base_once_the_price_was_far_enough(self, side: Side) -> None:
        run = opened(side, breakeven_points=40)
        run.tick(ENTRY + 39)
        assert run.levels()[3] == STOP
        run.tick(ENTRY + 40)
        assert run.levels()[3] == ENTRY
        assert run.condition.is_breakeven
        run.tick(ENTRY + 1)
        assert run.state() is S.OPEN
        run.tick(ENTRY)
        assert (run.signals[-1].signal_id, run.signals[-1].reason) == ("c1/breakeven_stop/1", "breakeven_stop")

    def test_before_it_the_stop_loss_holds(self, side: Side) -> None:
        run = opened(side, breakeven_points=40)
        run.ticks(ENTRY + 39, ENTRY - 1)
        assert run.state() is S.OPEN
        run.tick(STOP)
        assert run.condition.exit_leg is Leg.STOP_LOSS

    def test_never_goes_back(self, side: Side) -> None:
        run = opened(side, breakeven_points=40)
        run.ticks(ENTRY + 40, ENTRY + 5)
        assert run.levels()[3] == ENTRY

    def test_without_it_nothing_moves(self, side: Side) -> None:
        run = opened(side)
        assert run.tick(ENTRY + 80) is NOTHING
        assert run.levels()[3] == STOP

    def test_base_is_the_average_fill_where_levels_are(self, side: Side) -> None:
        run = Run(side, start_ns=OPEN_NS, breakeven_points=20, levels_from=LevelsFrom.AVERAGE_FILL)
        run.opened(ENTRY + 6)
        run.tick(ENTRY + 26)
        assert run.levels()[3] == ENTRY + 6

    @pytest.mark.parametrize(
        ("trailing", "best", "stop", "leg"),
        [
            (25, ENTRY + 20, ENTRY - 5, Leg.TRAILING_STOP),  # breakeven not yet reached
            (50, ENTRY + 45, ENTRY, Leg.BREAKEVEN_STOP),  # breakeven is tighter
            (45, ENTRY + 45, ENTRY, Leg.BREAKEVEN_STOP),  # both the same
            (30, ENTRY + 45, ENTRY + 15, Leg.TRAILING_STOP),  # trailing is tighter
        ],
    )
    def test_the_tighter_of_breakeven_and_trailing_wins(
        self, side: Side, trailing: int, best: int, stop: int, leg: Leg
    ) -> None:
        run = opened(side, breakeven_points=40, trailing_points=trailing)
        run.tick(best)
        assert run.levels()[3] == stop
        run.tick(stop + 1)
        assert run.state() is S.OPEN
        run.tick(stop)
        assert run.condition.exit_leg is leg

    def test_is_remembered_over_a_restart(self, side: Side) -> None:
        run = opened(side, breakeven_points=40)
        run.tick(ENTRY + 40)
        run.restarted()
        run.tick(ENTRY)
        assert run.condition.exit_leg is Leg.BREAKEVEN_STOP

    def test_can_be_given_after_entry(self, side: Side) -> None:
        run = opened(side)
        run.command(ConditionAction.PUT, run.spec(breakeven_points=10))
        run.ticks(ENTRY + 10, ENTRY)
        assert run.condition.exit_leg is Leg.BREAKEVEN_STOP


@BOTH
class TestTimeStop:
    def test_at_the_first_tick_when_the_time_is_over(self, side: Side) -> None:
        run = opened(side, time_stop_s=300)
        since = run.condition.ts_opened
        run.tick_at(since + 5 * MINUTE - 1, ENTRY)
        assert run.state() is S.OPEN
        run.tick_at(since + 5 * MINUTE, ENTRY + 3)
        last = run.signals[-1]
        assert (last.signal_id, last.quantity, last.tick_seq) == ("c1/time_stop/1", 1, run.seq)
        assert last.price == run.at(ENTRY + 3)
        run.fill(1, ENTRY)
        assert run.state() is S.CLOSED

    def test_by_the_clock_where_no_tick_comes(self, side: Side) -> None:
        run = opened(side, time_stop_s=300)
        assert run.clock(run.condition.ts_opened + 5 * MINUTE - 1) is NOTHING
        run.clock(run.condition.ts_opened + 5 * MINUTE)
        assert run.signals[-1].signal_id == "c1/time_stop/1"
        assert (run.signals[-1].tick_seq, run.signals[-1].price) == (run.seq, run.at(ENTRY))

    def test_waits_for_the_next_session(self, side: Side) -> None:
        run = Run(side, start_ns=CLOSE_NS - MINUTE, time_stop_s=300).opened()
        assert run.clock(CLOSE_NS + 10 * MINUTE) is NOTHING
        run.clock(CLOSE_NS + 75 * MINUTE)
        assert run.signals[-1].signal_id == "c1/time_stop/1"

    def test_counts_from_the_first_fill(self, side: Side) -> None:
        run = Run(side, start_ns=OPEN_NS, time_stop_s=60, quantity=2)
        run.ticks(TRIGGER, ENTRY)
        run.order(OrderStatus.PARTIALLY_FILLED, filled=1)
        first = run.now
        run.tick(ENTRY, after_s=30)
        run.fill(1)
        assert run.condition.ts_opened == first
        run.tick_at(first + MINUTE, ENTRY)
        assert (run.condition.exit_leg, run.signals[-1].quantity) == (Leg.TIME_STOP, 2)

    def test_a_price_that_comes_first_decides(self, side: Side) -> None:
        run = opened(side, time_stop_s=300)
        run.tick(TARGET)
        run.tick_at(run.now + 6 * MINUTE, ENTRY)
        assert [signal.leg for signal in run.signals] == [Leg.ENTRY, Leg.TAKE_PROFIT]

    def test_survives_a_restart(self, side: Side) -> None:
        run = opened(side, time_stop_s=300)
        run.restarted()
        run.clock(run.condition.ts_opened + 5 * MINUTE)
        assert run.condition.exit_leg is Leg.TIME_STOP


@BOTH
class TestClock:
    def test_tries_an_exit_again_where_no_tick_comes(self, side: Side) -> None:
        run = opened(side)
        run.tick(STOP)
        run.order(OrderStatus.CANCELLED, reason=Reason.KILLED)
        run.clock(run.now + NS_PER_S)
        assert run.signals[-1].signal_id == "c1/stop_loss/2"
        assert run.clock(run.now + NS_PER_S) is NOTHING  # that one works

    def test_but_not_while_the_market_is_closed(self, side: Side) -> None:
        run = Run(side, start_ns=CLOSE_NS - MINUTE).opened()
        run.tick(STOP)
        run.order(OrderStatus.EXPIRED, reason=Reason.SESSION_ENDED)
        for minutes in (0, 10, 70):
            assert run.clock(CLOSE_NS + minutes * MINUTE) is NOTHING
        run.clock(CLOSE_NS + 75 * MINUTE)
        assert run.signals[-1].signal_id == "c1/stop_loss/2"

    def test_a_refused_exit_too(self, side: Side) -> None:
        run = opened(side)
        run.tick(STOP)
        run.took(run.strategy.on_event(refused(run.signals[-1])))
        run.clock(run.now + NS_PER_S)
        assert run.signals[-1].signal_id == "c1/stop_loss/2"

    def test_enters_nothing(self, side: Side) -> None:
        run = Run(side, start_ns=OPEN_NS)
        run.tick(TRIGGER)
        assert run.clock(run.now + MINUTE) is NOTHING
        assert not run.signals
