"""Section 6 of the architecture: prices are told for BUY at a support; the same runs mirrored for SELL."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.condition import (
    Condition,
    ConditionAction,
    ConditionCommand,
    ConditionExecution,
    ConditionState,
    LevelsFrom,
)
from engine.model.order import OrderStatus, Reason, Side
from engine.model.signal import Leg, Signal
from engine.model.tick import TickFlag
from engine.strategies.base import NOTHING, Decision
from engine.strategies.commands import refusal
from engine.strategies.runner import SupportResistance, share_of
from engine.strategies.support_resistance import step
from tests.unit.engine.strategies.running import ENTRY, MIRROR, STOP, TARGET, TRIGGER, Run, made, refused

S = ConditionState
BOTH = pytest.mark.parametrize("side", list(Side))


@BOTH
class TestEntry:
    def test_defaults_of_the_spec(self, side: Side) -> None:
        assert Run(side).levels() == (TRIGGER, ENTRY, TARGET, STOP)

    @pytest.mark.parametrize(
        ("price", "state"), [(TRIGGER + 1, S.ARMED), (TRIGGER, S.TRIGGERED), (1, S.TRIGGERED)]
    )
    def test_triggers_at_the_level_itself(self, side: Side, price: int, state: ConditionState) -> None:
        run = Run(side)
        run.tick(price)
        assert run.state() is state

    @pytest.mark.parametrize(("price", "state"), [(ENTRY - 1, S.TRIGGERED), (ENTRY, S.ENTERING)])
    def test_enters_at_the_turning_point_itself(self, side: Side, price: int, state: ConditionState) -> None:
        run = Run(side)
        run.ticks(TRIGGER, price)
        assert run.state() is state

    def test_signal_of_the_entry(self, side: Side) -> None:
        run = Run(side, quantity=3)
        run.ticks(TRIGGER, ENTRY + 2)
        assert run.signals == [
            Signal(
                signal_id="c1/entry/1",
                condition_id="c1",
                leg=Leg.ENTRY,
                attempt=1,
                account="a",
                symbol="TXFK4",
                side=side,
                quantity=3,
                price=run.at(ENTRY + 2),
                tick_seq=2,
                ts_event=run.now,
                reason="turning_point",
            )
        ]

    def test_the_turning_point_alone_does_nothing(self, side: Side) -> None:
        run = Run(side)
        run.ticks(ENTRY, ENTRY + 100)
        assert run.state() is S.ARMED
        assert not run.signals

    def test_a_draft_watches_nothing(self, side: Side) -> None:
        run = Run(side, is_armed=False)
        run.ticks(TRIGGER, ENTRY)
        assert run.state() is S.DRAFT
        assert run.strategy.symbols() == frozenset()

    def test_a_trial_match_is_no_price(self, side: Side) -> None:
        run = Run(side)
        assert run.tick(TRIGGER, flags=TickFlag.TRIAL) is NOTHING
        assert run.tick(TRIGGER, flags=TickFlag.OPENING) is not NOTHING

    def test_one_transition_a_tick(self, side: Side) -> None:
        """A price that fulfils several rules at once moves the condition by one of them only."""
        run = Run(side, turning_points=1, take_profit_points=1, stop_loss_points=1)
        run.tick(TRIGGER)
        run.tick(TRIGGER + 50)
        assert run.path == [S.ARMED, S.TRIGGERED, S.ENTERING]
        run.tick(TRIGGER + 50)
        assert run.state() is S.ENTERING
        assert len(run.signals) == 1

    def test_a_tick_seen_before_does_nothing(self, side: Side) -> None:
        run = Run(side)
        run.tick(TRIGGER)
        assert run.tick(ENTRY, seq=1) is NOTHING

    def test_other_contracts_do_not_matter(self, side: Side) -> None:
        run = Run(side)
        assert run.strategy.on_tick(replace(run.print(TRIGGER), symbol="MXFK4", seq=9)) is NOTHING


@BOTH
class TestFollowing:
    def test_moves_all_levels(self, side: Side) -> None:
        run = Run(side, following=True)
        run.tick(TRIGGER - 7)
        assert run.state() is S.TRIGGERED
        assert run.levels() == (TRIGGER - 7, ENTRY - 7, TARGET - 7, STOP - 7)
        run.ticks(TRIGGER - 3, TRIGGER - 20, TRIGGER - 10)
        assert run.levels() == (TRIGGER - 20, ENTRY - 20, TARGET - 20, STOP - 20)
        run.tick(ENTRY - 21)
        assert run.state() is S.TRIGGERED
        run.tick(ENTRY - 20)
        assert run.state() is S.ENTERING

    def test_the_same_price_again_changes_nothing(self, side: Side) -> None:
        run = Run(side, following=True)
        run.tick(TRIGGER - 7)
        assert run.tick(TRIGGER - 7) is NOTHING

    def test_stands_still_once_it_entered(self, side: Side) -> None:
        run = Run(side, following=True).opened()
        run.tick(STOP + 1)
        assert run.levels() == (TRIGGER, ENTRY, TARGET, STOP)

    def test_without_it_the_level_stays(self, side: Side) -> None:
        run = Run(side)
        run.tick(TRIGGER)
        assert run.tick(TRIGGER - 50) is NOTHING
        assert run.levels() == (TRIGGER, ENTRY, TARGET, STOP)


@BOTH
class TestExit:
    @pytest.mark.parametrize(
        ("price", "leg"),
        [
            (TARGET - 1, None),
            (TARGET, Leg.TAKE_PROFIT),
            (TARGET + 500, Leg.TAKE_PROFIT),
            (STOP + 1, None),
            (STOP, Leg.STOP_LOSS),
            (STOP - 500, Leg.STOP_LOSS),
        ],
    )
    def test_at_the_levels_themselves(self, side: Side, price: int, leg: Leg | None) -> None:
        run = Run(side).opened()
        run.tick(price)
        assert run.condition.exit_leg is leg
        assert run.state() is (S.EXITING if leg else S.OPEN)
        if leg:
            last = run.signals[-1]
            assert (last.signal_id, last.side, last.quantity) == (f"c1/{leg}/1", side.opposite, 1)

    def test_closed_by_its_fill(self, side: Side) -> None:
        run = Run(side).opened()
        run.tick(TARGET)
        run.fill(1, TARGET)
        assert run.state() is S.CLOSED
        assert run.condition.held == 0
        assert run.strategy.symbols() == frozenset()

    def test_levels_from_the_average_fill(self, side: Side) -> None:
        run = Run(side, levels_from=LevelsFrom.AVERAGE_FILL, quantity=2)
        run.ticks(TRIGGER, ENTRY)
        run.order(OrderStatus.PARTIALLY_FILLED, filled=1, price=ENTRY + 2)
        run.fill(1, ENTRY + 6)
        assert run.levels() == (TRIGGER, ENTRY, ENTRY + 4 + 90, ENTRY + 4 - 30)
        run.tick(STOP + 4)
        assert run.condition.exit_leg is Leg.STOP_LOSS

    def test_levels_from_the_entry_level_do_not_mind_slippage(self, side: Side) -> None:
        assert Run(side).opened(ENTRY + 9).levels() == (TRIGGER, ENTRY, TARGET, STOP)

    def test_covers_what_was_filled(self, side: Side) -> None:
        run = Run(side, quantity=5)
        run.ticks(TRIGGER, ENTRY)
        run.order(OrderStatus.PARTIALLY_FILLED, filled=2)
        assert run.state() is S.OPEN
        run.order(OrderStatus.CANCELLED, reason=Reason.KILLED)
        run.tick(STOP)
        assert run.signals[-1].quantity == 2

    def test_a_partial_exit_is_followed_by_another(self, side: Side) -> None:
        run = Run(side, quantity=3).opened()
        run.tick(TARGET)
        run.order(OrderStatus.PARTIALLY_FILLED, filled=1, price=TARGET)
        assert run.tick(TARGET) is NOTHING
        run.order(OrderStatus.CANCELLED, reason=Reason.KILLED)
        assert len(run.signals) == 2
        run.tick(TARGET - 40)
        last = run.signals[-1]
        assert (last.signal_id, last.quantity) == ("c1/take_profit/2", 2)
        run.fill(2, TARGET)
        assert run.state() is S.CLOSED

    @pytest.mark.parametrize(
        "status", [OrderStatus.DENIED, OrderStatus.REJECTED, OrderStatus.CANCELLED, OrderStatus.EXPIRED]
    )
    def test_never_gives_up(self, side: Side, status: OrderStatus) -> None:
        """Three attempts at the next tick, then one a second of market time."""
        run = Run(side).opened()
        run.tick(STOP)
        for attempt in (2, 3):
            run.order(status, reason=Reason.SESSION_CLOSED)
            run.tick(STOP)
            assert run.signals[-1].attempt == attempt
        run.order(status, reason=Reason.SESSION_CLOSED)
        run.tick(STOP, after_s=0.9)
        assert run.signals[-1].attempt == 3
        run.tick(STOP, after_s=0.2)
        assert run.signals[-1].signal_id == "c1/stop_loss/4"

    def test_a_refused_exit_signal_is_tried_again(self, side: Side) -> None:
        run = Run(side).opened()
        run.tick(STOP)
        run.took(run.strategy.on_event(refused(run.signals[-1])))
        run.tick(STOP)
        assert run.signals[-1].signal_id == "c1/stop_loss/2"

    def test_an_unknown_exit_is_waited_for(self, side: Side) -> None:
        run = Run(side).opened()
        run.tick(STOP)
        run.order(OrderStatus.UNKNOWN, reason=Reason.AMBIGUOUS)
        run.tick(STOP - 50, after_s=100)
        assert len(run.signals) == 2
        assert run.state() is S.EXITING

    def test_closed_when_other_hands_took_the_lots(self, side: Side) -> None:
        run = Run(side).opened()
        run.tick(STOP)
        run.order(OrderStatus.DENIED, reason=Reason.NOT_REDUCING)
        assert (run.condition.state, run.condition.reason) == (S.CLOSED, Reason.NOT_REDUCING)
        assert (run.condition.held, run.condition.released) == (0, 1)
        assert run.tick(STOP) is NOTHING

    def test_a_lot_that_enters_after_other_hands_took_the_rest_is_guarded(self, side: Side) -> None:
        run = Run(side, quantity=2)
        run.ticks(TRIGGER, ENTRY)
        entry = run.signals[-1]
        run.order(OrderStatus.PARTIALLY_FILLED, filled=1)
        run.tick(STOP)
        run.order(OrderStatus.DENIED, reason=Reason.NOT_REDUCING)
        assert run.state() is S.CLOSED
        run.order(OrderStatus.FILLED, filled=1, signal=entry)
        assert (run.state(), run.condition.held) == (S.OPEN, 1)
        run.tick(STOP)
        assert (run.signals[-1].leg, run.signals[-1].quantity) == (Leg.STOP_LOSS, 1)

    def test_a_lot_that_enters_while_the_exit_is_denied_is_guarded_after_a_restart(self, side: Side) -> None:
        run = Run(side, quantity=2)
        run.ticks(TRIGGER, ENTRY)
        entry = run.signals[-1]
        run.order(OrderStatus.PARTIALLY_FILLED, filled=1)
        run.tick(STOP)
        known = run.condition
        run.order(OrderStatus.DENIED, reason=Reason.NOT_REDUCING)
        run.now += 1
        run.order(OrderStatus.FILLED, filled=1, signal=entry)
        run.restarted(known)
        assert run.state() is not S.CLOSED
        run.ticks(STOP)
        assert run.signals[-1].leg.is_exit
        assert run.signals[-1].attempt == 2


@BOTH
class TestTrailing:
    def test_follows_the_best_price(self, side: Side) -> None:
        run = Run(side, trailing_points=20).opened()
        assert run.levels()[3] == ENTRY - 20  # closer than the fixed stop from the first moment
        run.ticks(ENTRY + 50, ENTRY + 31)
        assert run.state() is S.OPEN
        assert run.levels()[3] == ENTRY + 30
        run.tick(ENTRY + 30)
        assert (run.condition.exit_leg, run.signals[-1].reason) == (Leg.TRAILING_STOP, "trailing_stop")

    def test_never_loosens_the_fixed_stop(self, side: Side) -> None:
        run = Run(side, trailing_points=60).opened()
        run.tick(ENTRY + 20)
        assert run.levels()[3] == STOP
        run.tick(STOP)
        assert run.condition.exit_leg is Leg.STOP_LOSS

    def test_take_profit_still_holds(self, side: Side) -> None:
        run = Run(side, trailing_points=20).opened()
        run.tick(TARGET)
        assert run.condition.exit_leg is Leg.TAKE_PROFIT

    def test_is_remembered_over_a_restart(self, side: Side) -> None:
        run = Run(side, trailing_points=20).opened()
        run.tick(ENTRY + 50)
        run.restarted()
        run.tick(ENTRY + 30)
        assert run.condition.exit_leg is Leg.TRAILING_STOP


@BOTH
class TestEntryOrder:
    @pytest.mark.parametrize(
        ("status", "reason"),
        [
            (OrderStatus.DENIED, Reason.POSITION_LIMIT),
            (OrderStatus.REJECTED, Reason.BROKER),
            (OrderStatus.CANCELLED, Reason.KILLED),
            (OrderStatus.EXPIRED, Reason.SESSION_ENDED),
        ],
    )
    def test_that_fills_nothing_rejects(self, side: Side, status: OrderStatus, reason: Reason) -> None:
        run = Run(side)
        run.ticks(TRIGGER, ENTRY)
        run.order(status, reason=reason)
        assert (run.condition.state, run.condition.reason) == (S.REJECTED, reason)

    def test_too_old_rejects(self, side: Side) -> None:
        run = Run(side)
        run.ticks(TRIGGER, ENTRY)
        run.took(run.strategy.on_event(refused(run.signals[-1])))
        condition = run.condition
        assert (condition.state, condition.reason, condition.text) == (
            S.REJECTED,
            Reason.STALE_SIGNAL,
            "2.5 s old",
        )

    def test_unknown_is_waited_for(self, side: Side) -> None:
        run = Run(side)
        run.ticks(TRIGGER, ENTRY)
        run.order(OrderStatus.UNKNOWN, reason=Reason.AMBIGUOUS)
        assert run.state() is S.ENTERING
        run.fill()
        assert (run.condition.state, run.condition.reason) == (S.OPEN, Reason.NONE)

    @pytest.mark.parametrize("end", [OrderStatus.REJECTED, OrderStatus.CANCELLED])
    def test_a_fill_after_the_rejection_is_guarded(self, side: Side, end: OrderStatus) -> None:
        run = Run(side)
        run.ticks(TRIGGER, ENTRY)
        run.order(end, reason=Reason.BROKER)
        run.fill()
        assert (run.condition.state, run.condition.reason) == (S.OPEN, Reason.NONE)
        run.tick(STOP)
        assert run.signals[-1].signal_id == "c1/stop_loss/1"

    def test_a_fill_after_the_close_is_guarded(self, side: Side) -> None:
        run = Run(side, quantity=2)
        run.ticks(TRIGGER, ENTRY)
        entry = run.signals[-1]
        run.order(OrderStatus.PARTIALLY_FILLED, filled=1)
        run.order(OrderStatus.CANCELLED, signal=entry)
        run.tick(TARGET)
        run.fill(1, TARGET)
        assert run.state() is S.CLOSED
        run.order(OrderStatus.FILLED, filled=1, signal=entry)
        assert (run.condition.state, run.condition.held) == (S.OPEN, 1)
        run.tick(TARGET)
        assert (run.signals[-1].signal_id, run.signals[-1].quantity) == ("c1/take_profit/2", 1)

    def test_a_fill_while_exiting_is_exited_too(self, side: Side) -> None:
        run = Run(side, quantity=3)
        run.ticks(TRIGGER, ENTRY)
        entry = run.signals[-1]
        run.order(OrderStatus.PARTIALLY_FILLED, filled=1)
        run.tick(STOP)
        run.order(OrderStatus.FILLED, filled=2, signal=entry)
        run.order(OrderStatus.FILLED, filled=1, price=STOP)
        assert (run.condition.state, run.condition.held) == (S.EXITING, 2)
        run.tick(STOP - 5)
        assert (run.signals[-1].signal_id, run.signals[-1].quantity) == ("c1/stop_loss/2", 2)

    def test_not_closed_while_the_entry_may_still_fill(self, side: Side) -> None:
        run = Run(side, quantity=2)
        run.ticks(TRIGGER, ENTRY)
        entry = run.signals[-1]
        run.order(OrderStatus.PARTIALLY_FILLED, filled=1)
        run.tick(STOP)
        run.fill(1, STOP)
        assert run.state() is S.EXITING
        assert run.tick(STOP) is NOTHING
        run.order(OrderStatus.CANCELLED, signal=entry)
        assert run.state() is S.CLOSED

    def test_told_again_changes_nothing(self, side: Side) -> None:
        run = Run(side, quantity=2)
        run.ticks(TRIGGER, ENTRY)
        first = run.order(OrderStatus.PARTIALLY_FILLED, filled=1)
        second = run.fill(1)
        for event in (second, first, second):
            assert run.strategy.on_event(event) is NOTHING


@BOTH
class TestCommands:
    def test_arming_after_the_price_passed_waits_for_the_next_touch(self, side: Side) -> None:
        run = Run(side, is_armed=False)
        run.ticks(TRIGGER, ENTRY)
        run.command(ConditionAction.ARM)
        run.tick(ENTRY)
        assert run.state() is S.ARMED

    @pytest.mark.parametrize("is_followed", [True, False])
    def test_ticks_before_the_arming_are_void(self, side: Side, is_followed: bool) -> None:
        """A new process catches up on old ticks; none may trigger what was armed after them."""
        run = Run(side, is_armed=False)
        if is_followed:
            run.ticks(TRIGGER, TRIGGER, TRIGGER)
        run.command(ConditionAction.ARM, tick_seq=0 if is_followed else 3)
        run.restarted()
        run.seq = 0
        run.ticks(TRIGGER, TRIGGER, ENTRY)
        assert run.state() is S.ARMED
        run.tick(TRIGGER)
        assert run.state() is S.TRIGGERED

    def test_ticks_before_a_move_of_the_level_are_void(self, side: Side) -> None:
        run = Run(side)
        run.ticks(TRIGGER + 5, TRIGGER + 20)
        run.command(ConditionAction.PUT, run.spec(trigger_price=TRIGGER + 10))
        run.restarted()
        run.seq = 0
        run.ticks(TRIGGER + 5, TRIGGER + 40)
        assert run.state() is S.ARMED

    def test_ticks_before_the_fill_are_void_for_the_exit(self, side: Side) -> None:
        run = Run(side)
        run.ticks(TRIGGER, ENTRY, STOP)
        run.fill()
        run.restarted()
        run.seq = 2
        assert run.tick(STOP) is NOTHING
        run.tick(STOP)
        assert run.condition.exit_leg is Leg.STOP_LOSS

    @pytest.mark.parametrize("prices", [(), (TRIGGER,)])
    def test_cancel(self, side: Side, prices: tuple[int, ...]) -> None:
        run = Run(side)
        run.ticks(*prices)
        run.command(ConditionAction.CANCEL)
        assert (run.condition.state, run.condition.reason) == (S.CANCELLED, Reason.PERSON)
        run.ticks(TRIGGER, ENTRY)
        assert not run.signals

    def test_cancel_is_refused_in_the_market(self, side: Side) -> None:
        run = Run(side)
        run.ticks(TRIGGER, ENTRY)
        for _ in range(3):
            state = run.condition.state
            run.command(ConditionAction.CANCEL)
            assert run.state() is state
            assert "in the market" in refusal(run.condition, cancel())
            run.fill() if state is S.ENTERING else run.tick(STOP)

    def test_release_leaves_the_lots_alone(self, side: Side) -> None:
        run = Run(side).opened()
        run.command(ConditionAction.RELEASE)
        assert run.state() is S.CANCELLED
        run.tick(STOP)
        assert len(run.signals) == 1

    def test_a_fill_after_the_release_belongs_to_the_person(self, side: Side) -> None:
        run = Run(side)
        run.ticks(TRIGGER, ENTRY)
        run.command(ConditionAction.RELEASE)
        run.fill()
        assert run.state() is S.CANCELLED

    def test_close_exits_what_is_held(self, side: Side) -> None:
        run = Run(side, quantity=2).opened()
        run.command(ConditionAction.CLOSE)
        last = run.signals[-1]
        assert (last.signal_id, last.side, last.quantity) == ("c1/close/1", side.opposite, 2)
        run.fill(2)
        assert run.state() is S.CLOSED

    def test_close_while_waiting_cancels(self, side: Side) -> None:
        run = Run(side)
        run.command(ConditionAction.CLOSE)
        assert run.state() is S.CANCELLED

    def test_close_while_exiting_gives_no_second_exit(self, side: Side) -> None:
        run = Run(side).opened()
        run.tick(STOP)
        run.command(ConditionAction.CLOSE)
        assert len(run.signals) == 2

    def test_close_is_refused_while_entering(self, side: Side) -> None:
        run = Run(side)
        run.ticks(TRIGGER, ENTRY)
        run.command(ConditionAction.CLOSE)
        assert run.state() is S.ENTERING

    def test_moving_the_level_arms_anew(self, side: Side) -> None:
        run = Run(side)
        run.tick(TRIGGER)
        run.command(ConditionAction.PUT, run.spec(trigger_price=TRIGGER - 30))
        assert run.state() is S.ARMED
        run.tick(ENTRY)
        assert run.state() is S.ARMED
        run.ticks(TRIGGER - 30, ENTRY - 30)
        assert run.state() is S.ENTERING

    def test_turning_the_direction_arms_anew(self, side: Side) -> None:
        run = Run(side)
        run.tick(TRIGGER)
        run.command(ConditionAction.PUT, replace(run.condition.spec, action=side.opposite))
        assert run.state() is S.ARMED

    def test_another_contract_begins_with_its_own_numbers(self, side: Side) -> None:
        run = Run(side)
        run.tick(TRIGGER, seq=500)
        other = replace(run.condition.spec, symbol="MXFK4")
        run.command(ConditionAction.PUT, other, tick_seq=7)
        assert (run.condition.state, run.condition.tick_seq) == (S.ARMED, 7)
        assert run.strategy.symbols() == {"MXFK4"}
        assert run.strategy.on_tick(replace(run.print(TRIGGER), symbol="MXFK4", seq=7)) is NOTHING
        run.took(run.strategy.on_tick(replace(run.print(TRIGGER), symbol="MXFK4", seq=8)))
        assert run.state() is S.TRIGGERED

    def test_other_points_keep_the_level_that_followed(self, side: Side) -> None:
        run = Run(side, following=True)
        run.tick(TRIGGER - 9)
        run.command(ConditionAction.PUT, run.spec(following=True, stop_loss_points=10))
        assert run.state() is S.TRIGGERED
        assert run.levels() == (TRIGGER - 9, ENTRY - 9, TARGET - 9, ENTRY - 19)

    def test_in_the_market_the_guard_can_be_moved(self, side: Side) -> None:
        run = Run(side).opened()
        run.command(ConditionAction.PUT, run.spec(take_profit_points=10, stop_loss_points=5, trailing_points=3))
        assert run.levels() == (TRIGGER, ENTRY, ENTRY + 10, ENTRY - 3)

    @pytest.mark.parametrize(
        "changes",
        [{"trigger_price": TRIGGER - 1}, {"quantity": 2}, {"turning_points": 16}, {"following": True}],
    )
    def test_in_the_market_the_entry_is_history(self, side: Side, changes: dict[str, Any]) -> None:
        run = Run(side).opened()
        before = run.condition.spec
        run.command(ConditionAction.PUT, run.spec(**changes))
        assert run.condition.spec == before

    def test_an_older_command_changes_nothing(self, side: Side) -> None:
        run = Run(side)
        run.revision = 0
        assert run.command(ConditionAction.CANCEL) is NOTHING

    def test_the_end_is_final(self, side: Side) -> None:
        run = Run(side)
        run.command(ConditionAction.CANCEL)
        for action in ConditionAction:
            command = ConditionCommand(action=action, condition_id="c1", spec=run.spec())
            assert "cancelled" in refusal(run.condition, command)
        run.command(ConditionAction.ARM)
        assert run.state() is S.CANCELLED


def cancel() -> ConditionCommand:
    return ConditionCommand(action=ConditionAction.CANCEL, condition_id="c1")


class TestRefusals:
    def test_of_nothing_known(self) -> None:
        assert refusal(None, cancel()) == "there is no condition c1"

    def test_of_a_missing_spec(self) -> None:
        command = ConditionCommand(action=ConditionAction.PUT, condition_id="c1")
        assert "missing" in refusal(None, command)

    def test_of_a_wrong_spec_names_the_field(self) -> None:
        spec = replace(Run().condition.spec, quantity=0)
        command = ConditionCommand(action=ConditionAction.PUT, condition_id="c1", spec=spec)
        assert "quantity is 0" in refusal(None, command)

    def test_of_arming_twice(self) -> None:
        command = ConditionCommand(action=ConditionAction.ARM, condition_id="c1")
        assert refusal(Run().condition, command) == "the condition is armed already"

    def test_events_of_unknown_conditions_are_ignored(self) -> None:
        strategy = SupportResistance()
        assert strategy.on_event(cancel()) is NOTHING
        signal = Run().opened().signals[0]
        assert strategy.on_event(refused(signal)) is NOTHING


@BOTH
class TestRestart:
    def test_an_unanswered_entry_is_sent_again_under_its_id(self, side: Side) -> None:
        run = Run(side)
        run.ticks(TRIGGER, ENTRY)
        again = run.restarted().signals
        assert [signal.signal_id for signal in again] == ["c1/entry/1"]
        assert again[0].client_order_id == run.signals[0].client_order_id

    def test_an_answered_one_is_not(self, side: Side) -> None:
        run = Run(side)
        run.ticks(TRIGGER, ENTRY)
        run.order(OrderStatus.SENT)
        assert not run.restarted().signals

    def test_an_unanswered_exit_is_sent_again(self, side: Side) -> None:
        run = Run(side, quantity=2).opened()
        run.tick(STOP)
        again = run.restarted().signals
        assert [(signal.signal_id, signal.quantity) for signal in again] == [("c1/stop_loss/1", 2)]

    def test_fills_meanwhile_count(self, side: Side) -> None:
        run = Run(side, quantity=2)
        run.ticks(TRIGGER, ENTRY)
        before = run.condition
        run.fill(2)
        decision = run.restarted(before)
        assert run.state() is S.OPEN
        assert [(moved.origin, moved.target) for moved in decision.transitions] == [(S.ENTERING, S.OPEN)]
        assert not decision.signals

    def test_an_exit_that_ended_meanwhile_is_tried_again(self, side: Side) -> None:
        run = Run(side).opened()
        run.tick(STOP)
        before = run.condition
        run.order(OrderStatus.CANCELLED, reason=Reason.KILLED)
        assert not run.restarted(before).signals
        run.tick(STOP)
        assert run.signals[-1].signal_id == "c1/stop_loss/2"

    @pytest.mark.parametrize("is_waiting_for", [S.ARMED, S.TRIGGERED])
    def test_a_fill_of_an_entry_whose_report_was_lost_is_guarded(
        self, side: Side, is_waiting_for: ConditionState
    ) -> None:
        run = Run(side)
        run.ticks(TRIGGER, ENTRY)
        run.fill()
        lost = replace(run.condition, state=is_waiting_for, entered=0, entry_value=0, entry_ended=False)
        run.restarted(lost)
        assert run.state() is S.OPEN
        run.tick(STOP)
        assert run.signals[-1].signal_id == "c1/stop_loss/1"

    def test_final_ones_stay_final(self, side: Side) -> None:
        run = Run(side)
        run.command(ConditionAction.CANCEL)
        assert run.restarted() == Decision()
        assert run.strategy.symbols() == frozenset()


def test_conditions_are_spread_over_all_processes_once() -> None:
    names = [f"condition-{number}" for number in range(100)]
    strategies = [SupportResistance(share, 3) for share in range(3)]
    for name in names:
        spec = replace(Run().condition.spec, condition_id=name)
        put = ConditionCommand(action=ConditionAction.PUT, condition_id=name, spec=spec, revision=1)
        takers = [share for share, item in enumerate(strategies) if item.on_event(put) is not NOTHING]
        assert takers == [share_of(name, 3)]


# --- any sequence of events ---------------------------------------------------------------------------------

PRICES = st.integers(TRIGGER - 60, TARGET + 10)
ACTS = st.one_of(
    st.tuples(st.just("tick"), PRICES),
    st.tuples(st.just("tick"), st.sampled_from([TRIGGER, ENTRY, TARGET, STOP])),
    st.tuples(st.just("fill"), st.integers(1, 3)),
    st.tuples(st.just("late"), st.integers(1, 3)),
    st.tuples(
        st.just("end"),
        st.sampled_from([OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.DENIED, OrderStatus.UNKNOWN]),
    ),
    st.tuples(st.just("refuse"), st.just(0)),
    st.tuples(st.just("again"), st.integers(0, 30)),
    st.tuples(st.just("restart"), st.just(0)),
    st.tuples(
        st.just("command"),
        st.sampled_from([ConditionAction.RELEASE, ConditionAction.CLOSE, ConditionAction.CANCEL]),
    ),
    st.tuples(st.just("move"), st.integers(-20, 20)),
)
SPECS = st.fixed_dictionaries(
    {
        "quantity": st.integers(1, 4),
        "following": st.booleans(),
        "trailing_points": st.sampled_from([0, 0, 10, 40]),
        "levels_from": st.sampled_from(list(LevelsFrom)),
    }
)
ALLOWED = {
    S.DRAFT: {S.ARMED, S.CANCELLED},
    S.ARMED: {S.TRIGGERED, S.CANCELLED},
    S.TRIGGERED: {S.ENTERING, S.ARMED, S.CANCELLED},
    S.ENTERING: {S.OPEN, S.REJECTED, S.CANCELLED},
    S.OPEN: {S.EXITING, S.CLOSED, S.CANCELLED},
    S.EXITING: {S.CLOSED, S.CANCELLED},
    # A fill that comes after everything seemed over.
    S.CLOSED: {S.OPEN},
    S.REJECTED: {S.OPEN},
    S.CANCELLED: set(),
}


class Gauntlet(Run):
    """A run in which anything may come next, and what must hold after each event."""

    def __init__(self, side: Side, spec: dict[str, Any]) -> None:
        self.told: list[ConditionExecution] = []
        self.is_restoring = False
        self.ids: set[str] = set()
        super().__init__(side, **spec)

    def took(self, decision: Decision) -> Decision:
        for moved in decision.transitions:
            assert moved.target in ALLOWED[moved.origin], f"{moved.origin} became {moved.target}"
        super().took(decision)
        for signal in decision.signals:
            assert signal.signal_id not in self.ids or self.is_restoring, f"{signal.signal_id} twice"
            self.ids.add(signal.signal_id)
            if signal.leg.is_exit:
                assert 0 < signal.quantity <= self.held
                assert signal.side is self.side.opposite
            else:
                assert (signal.quantity, signal.side) == (self.condition.spec.quantity, self.side)
        return decision

    @property
    def held(self) -> int:
        """What the ledger says."""
        return sum(-order.filled if order.reduce_only else order.filled for order in self.orders.values())

    def act(self, kind: str, value: Any) -> None:
        is_final = self.condition.state is S.CANCELLED
        match kind:
            case "tick":
                assert len(self.tick(value).transitions) <= 1
            case "fill" if self.signals:
                order = self.orders.get(self.signals[-1].client_order_id) or made(self.signals[-1])
                lots = min(value, order.quantity - order.filled, self.held if order.reduce_only else value)
                if lots and order.status is not OrderStatus.DENIED:
                    is_full = order.filled + lots == order.quantity
                    status = OrderStatus.FILLED if is_full else OrderStatus.PARTIALLY_FILLED
                    self.told.append(self.order(status, filled=lots, price=ENTRY))
            case "late" if self.signals:
                entry = self.orders.get(self.signals[0].client_order_id)
                if entry and 0 < entry.filled + value < entry.quantity and entry.status is not OrderStatus.DENIED:
                    status = entry.status if entry.status.is_final else OrderStatus.PARTIALLY_FILLED
                    self.told.append(self.order(status, filled=value, price=ENTRY, signal=self.signals[0]))
            case "end" if self.signals:
                order = self.orders.get(self.signals[-1].client_order_id) or made(self.signals[-1])
                is_new = order.status is OrderStatus.INTENT
                if not order.status.is_final and (is_new or value is OrderStatus.CANCELLED):
                    self.told.append(self.order(value, reason=Reason.BROKER))
            case "refuse" if self.signals and self.signals[-1].client_order_id not in self.orders:
                self.took(self.strategy.on_event(refused(self.signals[-1])))
            case "again" if self.told:
                event = self.told[value % len(self.told)]
                assert self.strategy.on_event(event) is NOTHING
            case "restart":
                before, self.is_restoring = self.condition, True
                self.restarted()
                self.is_restoring = False
                assert self.condition == before
            case "command":
                self.command(value)
            case "move":
                self.command(
                    ConditionAction.PUT,
                    replace(self.condition.spec, trigger_price=self.at(TRIGGER + value)),
                )
            case _:
                pass
        assert self.condition.state is S.CANCELLED or self.condition.held == self.held
        assert not is_final or self.condition.state is S.CANCELLED
        if self.condition.state is S.CLOSED:
            assert self.held == 0


@settings(max_examples=400)
@given(st.sampled_from(list(Side)), SPECS, st.lists(ACTS, max_size=40))
def test_whatever_comes(side: Side, spec: dict[str, Any], acts: list[tuple[str, Any]]) -> None:
    run = Gauntlet(side, spec)
    run.ticks(TRIGGER, ENTRY)
    for kind, value in acts:
        run.act(kind, value)


@settings(max_examples=200)
@given(SPECS, st.lists(ACTS, max_size=40))
def test_selling_mirrors_buying(spec: dict[str, Any], acts: list[tuple[str, Any]]) -> None:
    buy, sell = Gauntlet(Side.BUY, spec), Gauntlet(Side.SELL, spec)
    for kind, value in [("tick", TRIGGER), *acts]:
        buy.act(kind, value)
        sell.act(kind, value)
        assert mirrored(sell.condition) == buy.condition
        assert sell.path == buy.path
        assert sell.levels() == buy.levels()
        assert [mirrored_signal(signal) for signal in sell.signals] == buy.signals


def mirrored(condition: Condition) -> Condition:
    spec = condition.spec
    return replace(
        condition,
        spec=replace(spec, action=spec.action.opposite, trigger_price=MIRROR - spec.trigger_price),
        trigger=MIRROR - condition.trigger,
        entry_value=condition.entered * MIRROR - condition.entry_value,
        best_price=MIRROR - condition.best_price if condition.best_price else 0,
    )


def mirrored_signal(signal: Signal) -> Signal:
    return replace(signal, side=signal.side.opposite, price=MIRROR - signal.price)


def test_a_step_returns_the_same_object_where_nothing_changed() -> None:
    run = Run()
    run.seq = 1
    assert step(run.condition, run.print(ENTRY))[0] is run.condition
