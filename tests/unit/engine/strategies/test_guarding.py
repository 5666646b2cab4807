"""Lots of a position that a person puts under guard: the condition begins open."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from engine.model.condition import Condition, ConditionAction, ConditionCommand, ConditionState, LevelsFrom
from engine.model.order import OrderStatus, Reason, Side
from engine.model.session import SessionKind, TradingCalendar
from engine.model.signal import Leg
from engine.strategies.base import NOTHING
from engine.strategies.commands import created, refusal
from engine.strategies.runner import SupportResistance, executions
from engine.timing import NS_PER_S
from tests.unit.engine.strategies.running import Run

S = ConditionState
BOTH = pytest.mark.parametrize("side", list(Side))
DAY = TradingCalendar().session(date(2024, 11, 5), SessionKind.DAY)
AVERAGE = 22_800


class Guarded(Run):
    """Three lots at an average of 22,800, put under guard a minute after the open."""

    def __init__(self, side: Side, **spec: Any) -> None:
        super().__init__(side)
        self.strategy = SupportResistance()
        self.strategy.on_time(DAY.open_ns)
        self.clock(DAY.open_ns + 60 * NS_PER_S)
        self.revision = 0
        self.command(ConditionAction.GUARD, self.spec(**({"quantity": 3, "trigger_price": AVERAGE} | spec)))


@BOTH
class TestGuard:
    def test_begins_open_with_the_lots(self, side: Side) -> None:
        condition = Guarded(side).condition
        assert (condition.state, condition.held, condition.adopted) == (S.OPEN, 3, 3)
        assert (condition.entry_ended, condition.ts_opened) == (True, DAY.open_ns + 60 * NS_PER_S)

    @pytest.mark.parametrize("levels_from", list(LevelsFrom))
    def test_levels_are_measured_from_the_average(self, side: Side, levels_from: LevelsFrom) -> None:
        run = Guarded(side, levels_from=levels_from, turning_points=40)
        assert run.levels() == (AVERAGE, AVERAGE, AVERAGE + 90, AVERAGE - 30)

    @pytest.mark.parametrize(("price", "leg"), [(AVERAGE - 30, Leg.STOP_LOSS), (AVERAGE + 90, Leg.TAKE_PROFIT)])
    def test_exits_all_of_them(self, side: Side, price: int, leg: Leg) -> None:
        run = Guarded(side)
        run.tick(price)
        last = run.signals[-1]
        assert (last.leg, last.quantity, last.side) == (leg, 3, side.opposite)
        run.order(OrderStatus.PARTIALLY_FILLED, filled=1, price=price)
        assert run.condition.held == 2
        run.order(OrderStatus.CANCELLED, reason=Reason.KILLED)
        run.tick(price)
        assert (run.signals[-1].attempt, run.signals[-1].quantity) == (2, 2)
        run.fill(2, price)
        assert run.state() is S.CLOSED

    def test_never_enters(self, side: Side) -> None:
        run = Guarded(side, following=True)
        run.ticks(AVERAGE - 10, AVERAGE + 20, AVERAGE - 10, AVERAGE + 20)
        assert not run.signals

    def test_with_trailing_breakeven_and_time_stop(self, side: Side) -> None:
        run = Guarded(side, trailing_points=15, breakeven_points=5, time_stop_s=60)
        assert run.levels()[3] == AVERAGE - 15
        run.tick(AVERAGE + 5)
        assert run.levels()[3] == AVERAGE
        run.tick(AVERAGE + 20)
        assert run.levels()[3] == AVERAGE + 5
        run.clock(DAY.open_ns + 120 * NS_PER_S)
        assert run.condition.exit_leg is Leg.TIME_STOP

    def test_its_exits_can_be_moved(self, side: Side) -> None:
        run = Guarded(side)
        run.command(ConditionAction.PUT, replace(run.condition.spec, stop_loss_points=10))
        assert run.levels()[3] == AVERAGE - 10

    def test_is_guarded_on_after_a_restart(self, side: Side) -> None:
        run = Guarded(side)
        run.tick(AVERAGE - 30)
        run.order(OrderStatus.CANCELLED, filled=1, reason=Reason.KILLED)
        run.restarted()
        assert (run.condition.state, run.condition.held) == (S.EXITING, 2)
        run.tick(AVERAGE - 30)
        assert (run.signals[-1].attempt, run.signals[-1].quantity) == (2, 2)

    def test_told_by_the_ledger_alone(self, side: Side) -> None:
        """The person guarded the lots while no strategy process ran, and nobody noted since when."""
        told = replace(created(guard(side)), ts_updated=DAY.open_ns)
        run = Guarded(side)
        run.restarted(told)
        assert run.clock(DAY.open_ns + 60 * NS_PER_S - 1) is NOTHING
        run.clock(DAY.open_ns + 60 * NS_PER_S)
        assert (run.condition.exit_leg, run.signals[-1].quantity) == (Leg.TIME_STOP, 3)


def guard(side: Side = Side.BUY, **spec: Any) -> ConditionCommand:
    values = {"quantity": 3, "time_stop_s": 60} | spec
    return ConditionCommand(
        action=ConditionAction.GUARD, condition_id="c1", spec=Run(side).spec(**values), revision=1
    )


def test_totals_of_the_ledger_include_what_was_adopted() -> None:
    run = Guarded(Side.BUY)
    run.tick(AVERAGE - 30)
    run.order(OrderStatus.PARTIALLY_FILLED, filled=1)
    event = executions(run.condition, run.orders.values())[0]
    assert (event.entered, event.entry_value, event.exited) == (3, 3 * AVERAGE, 1)
    assert run.strategy.on_event(event) is NOTHING


class TestRefusals:
    def test_of_guarding_without_a_spec(self) -> None:
        command = ConditionCommand(action=ConditionAction.GUARD, condition_id="c1")
        assert refusal(None, command) == "the condition to guard is missing"

    def test_of_guarding_no_lots(self) -> None:
        assert "quantity is 0" in refusal(None, guard(quantity=0))

    @pytest.mark.parametrize("state", list(S))
    def test_of_guarding_with_one_that_exists(self, state: ConditionState) -> None:
        spec = Run().condition.spec
        assert f"the condition is {state}" in refusal(Condition(spec=spec, state=state), guard())

    def test_of_nothing_else(self) -> None:
        assert refusal(None, guard()) == ""

    def test_of_arming_what_is_held(self) -> None:
        command = ConditionCommand(action=ConditionAction.ARM, condition_id="c1")
        spec = Run().condition.spec
        allowed = [state for state in S if not refusal(Condition(spec=spec, state=state), command)]
        assert allowed == [S.DRAFT, S.HELD]

    def test_of_another_entry_after_entry(self) -> None:
        run = Run().opened()
        put = ConditionCommand(
            action=ConditionAction.PUT, condition_id="c1", spec=replace(run.condition.spec, quantity=2)
        )
        assert "only its exits can be changed" in refusal(run.condition, put)


@BOTH
class TestForgottenExit:
    """An exit is in the ledger, the word of the process that gave it is not."""

    def test_that_works_is_not_given_twice(self, side: Side) -> None:
        run = Run(side, quantity=2).opened()
        before = run.condition
        run.tick(run.condition.spec.take_profit_points + 22_815)
        run.order(OrderStatus.SENT)
        decision = run.restarted(before)
        assert not decision.signals
        assert (run.condition.state, run.condition.exit_leg) == (S.EXITING, Leg.TAKE_PROFIT)
        assert run.tick(22_000) is NOTHING

    def test_that_ended_is_followed_by_the_next_attempt(self, side: Side) -> None:
        run = Run(side, quantity=2).opened()
        before = run.condition
        run.tick(22_785)
        run.order(OrderStatus.CANCELLED, filled=1, reason=Reason.KILLED)
        run.restarted(before)
        run.tick(22_785)
        assert (run.signals[-1].signal_id, run.signals[-1].quantity) == ("c1/stop_loss/2", 1)

    def test_that_filled_all_closes(self, side: Side) -> None:
        run = Run(side).opened()
        before = run.condition
        run.tick(22_785)
        run.fill(1, 22_785)
        run.restarted(before)
        assert run.state() is S.CLOSED
