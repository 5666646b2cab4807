"""Our books and the broker's: orders made elsewhere, positions that differ, orders whose fate nobody knows."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from engine.brokers.base import ApprovedOrder
from engine.brokers.simulated import SimulatedExchange
from engine.model.books import Difference, DifferenceKind, PositionAdjusted
from engine.model.condition import ConditionAction, ConditionCommand, ConditionSpec, ConditionState
from engine.model.guard import GuardFault
from engine.model.market import HaltDepth, LinkState
from engine.model.order import Order, OrderStatus, OrderType, Reason, Side, TimeInForce
from engine.model.position import Position
from engine.settings import Guard, Reconciliation
from engine.wire.messages import (
    AdoptPosition,
    AskBroker,
    CancelAll,
    CancelOrder,
    Flatten,
    Ping,
    SetHalt,
    SetLimits,
    SettleOrder,
)
from tests.process.running import SYMBOL, Engine, settings_for_tests, simulated, until

B, S = Side.BUY, Side.SELL
QUICK = Reconciliation(in_flight_s=0.5, open_orders_s=0.5, positions_s=0.5, queries_per_minute=100_000)


@contextmanager
def quick(folder: Path, *, trading: bool = False) -> Iterator[tuple[Engine, SimulatedExchange]]:
    """An engine that compares its books often."""
    settings = settings_for_tests(reconciliation=QUICK, guard=Guard(naked_alarm_s=0.3))
    with simulated(folder, settings=settings, trading=trading) as engine:
        yield engine, cast(SimulatedExchange, engine.host.broker)


def made_elsewhere(engine: Engine, side: Side, lots: int, price: int = 0) -> Order:
    """What the trader's phone sends: the exchange knows it, this ledger does not."""
    order = Order(
        client_order_id="PHONE",
        account=engine.account,
        symbol=SYMBOL,
        side=side,
        order_type=OrderType.LIMIT if price else OrderType.MARKET,
        time_in_force=TimeInForce.ROD if price else TimeInForce.IOC,
        price=price,
        quantity=lots,
    )
    engine.host.broker.submit(ApprovedOrder(order))
    return order


def external(engine: Engine) -> list[Order]:
    return [order for order in engine.snapshot().orders if order.is_external]


def move_the_brokers_position(broker: SimulatedExchange, account: str, lots: int) -> None:
    """Lots that appear in the broker's books without any order."""
    broker._market.desk._positions.setdefault(account, Counter())[SYMBOL] += lots


# --- made elsewhere ----------------------------------------------------------------------------------------------


def test_an_order_made_elsewhere_is_shown_and_never_touched(tmp_path: Path) -> None:
    with quick(tmp_path) as (engine, broker):
        made_elsewhere(engine, B, 2, engine.last_price - 300)
        until(lambda: bool(external(engine)), "the foreign order")
        (order,) = external(engine)
        assert (order.side, order.quantity, order.status) == (B, 2, OrderStatus.ACCEPTED)
        assert engine.refusal(CancelOrder(client_order_id=order.client_order_id)) == Reason.EXTERNAL
        engine.ask(CancelAll())
        answer = engine.ask(Flatten())
        assert "1 orders made elsewhere were left alone" in answer.text
        assert [item.status for item in broker.query_orders(engine.account)] == [OrderStatus.ACCEPTED]


def test_lots_bought_elsewhere_count_and_are_naked(tmp_path: Path) -> None:
    with quick(tmp_path, trading=True) as (engine, _):
        made_elsewhere(engine, B, 2)
        until(lambda: engine.net() == 2, "the foreign fill")
        until(lambda: (found := engine.coverage()) is not None and found.is_alarm, "the alarm")
        coverage = engine.coverage()
        assert coverage is not None
        assert (coverage.net, coverage.guarded, coverage.naked, coverage.guards) == (2, 0, 2, ())
        assert not engine.differences()


# --- positions ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("expected_errors")
def test_a_position_that_differs_is_told_and_holds_entries_until_a_person_takes_it_over(tmp_path: Path) -> None:
    with quick(tmp_path) as (engine, broker):
        move_the_brokers_position(broker, engine.account, 3)
        until(lambda: bool(engine.differences()), "the difference")
        (found,) = engine.differences()
        assert (found.kind, found.ours, found.theirs) == (DifferenceKind.POSITION, "0", "3")
        denied = engine.submit(engine.command(B))
        assert (denied.status, denied.reason) == (OrderStatus.DENIED, Reason.DIFFERENCE)
        assert engine.ask(AdoptPosition(account=engine.account, symbol=SYMBOL)).text.startswith("+3 lots")
        assert engine.net() == 3
        assert not engine.differences()
        assert engine.feed.of(Position)[-1].net == 3
        assert engine.feed.of(Difference)[-1].is_settled
        engine.filled(engine.submit(engine.command(S, 3)))
        assert engine.net() == 0
        events = list(engine.host.gateway.ledger.events())
        assert [event.lots for event in events if isinstance(event, PositionAdjusted)] == [3]


def test_nothing_is_taken_over_where_nothing_differs(tmp_path: Path) -> None:
    with quick(tmp_path) as (engine, _):
        engine.ask(AskBroker())
        until(lambda: "books" in engine.host.gateway.journal.links, "an answer")
        assert engine.refusal(AdoptPosition(account=engine.account, symbol=SYMBOL)) == Reason.INVALID
        assert engine.host.gateway.journal.links["books"].state is LinkState.UP


# --- orders whose fate nobody knows ------------------------------------------------------------------------------


def test_an_order_that_never_arrived_ends_by_reconciliation(tmp_path: Path) -> None:
    with quick(tmp_path) as (engine, broker):
        broker.faults.lose_next_reply(is_alive=False)
        order = engine.submit(engine.command(B))
        assert order.status is OrderStatus.UNKNOWN
        ended = engine.ended(order)
        assert (ended.status, ended.reason) == (OrderStatus.REJECTED, Reason.AMBIGUOUS)
        assert engine.net() == 0


def test_an_order_whose_answer_was_lost_is_found_again(tmp_path: Path) -> None:
    with quick(tmp_path) as (engine, broker):
        broker.faults.lose_next_reply(is_alive=True)
        order = engine.submit(engine.command(B))
        assert order.status is OrderStatus.UNKNOWN
        assert engine.filled(order).filled == 1
        assert [report.client_order_id for report in broker.query_orders(engine.account)] == [
            order.client_order_id
        ]


def test_only_an_unknown_order_can_be_declared_dead(tmp_path: Path) -> None:
    patient = settings_for_tests(reconciliation=Reconciliation(in_flight_s=600.0))
    with simulated(tmp_path, settings=patient) as engine:
        broker = cast(SimulatedExchange, engine.host.broker)
        broker.faults.lose_next_reply(is_alive=False)
        order = engine.submit(engine.command(B))
        dead = SettleOrder(client_order_id=order.client_order_id, text="the broker's desk was called")
        assert "the broker's desk was called" in engine.ask(dead).text
        ended = engine.order(order.client_order_id)
        assert (ended.status, ended.reason) == (OrderStatus.REJECTED, Reason.PERSON)
        assert engine.refusal(dead) == Reason.INVALID


# --- the guard ---------------------------------------------------------------------------------------------------


def guard(engine: Engine, lots: int) -> ConditionCommand:
    price = engine.last_price
    spec = ConditionSpec(
        condition_id="guard",
        account=engine.account,
        symbol=SYMBOL,
        action=B,
        trigger_price=price,
        take_profit_points=500,
        stop_loss_points=500,
        quantity=lots,
    )
    return ConditionCommand(action=ConditionAction.GUARD, condition_id="guard", spec=spec)


def test_a_position_made_by_hand_is_put_under_guard_with_one_action(tmp_path: Path) -> None:
    with quick(tmp_path, trading=True) as (engine, _):
        engine.filled(engine.submit(engine.command(B, 2)))
        assert engine.refusal(guard(engine, 3)) == Reason.NOT_REDUCING
        engine.ask(guard(engine, 2))
        until(lambda: (found := engine.coverage()) is not None and found.guarded == 2, "the guard")
        coverage = engine.coverage()
        assert coverage is not None
        assert (coverage.net, coverage.naked, coverage.is_alarm) == (2, 0, False)
        assert [(item.condition_id, item.lots) for item in coverage.guards] == [("guard", 2)]
        assert engine.refusal(guard(engine, 1)) != ""
        engine.tighten("guard")
        until(lambda: engine.net() == 0, "the exit")
        engine.reach("guard", ConditionState.CLOSED)


def test_coverage_tells_the_truth_when_the_trading_stops(tmp_path: Path) -> None:
    with quick(tmp_path, trading=True) as (engine, _):
        engine.enter("c")
        engine.reach("c", ConditionState.OPEN)
        until(lambda: (found := engine.coverage()) is not None and found.guarded == 1, "the guard")
        engine.host.stop_trading()
        until(lambda: (found := engine.coverage()) is not None and found.is_alarm, "the alarm")
        coverage = engine.coverage()
        assert coverage is not None
        assert [item.fault for item in coverage.guards] == [GuardFault.NOT_STARTED]
        engine.host.start_trading()
        until(lambda: (found := engine.coverage()) is not None and found.guarded == 1, "the guard again")


# --- one cancels other, halts, limits ----------------------------------------------------------------------------


def test_the_first_of_a_group_that_fills_cancels_the_others(tmp_path: Path) -> None:
    with quick(tmp_path, trading=True) as (engine, _):
        price = engine.last_price
        engine.put("far", S, price + 900, oco_group="one")
        engine.put("elsewhere", S, price + 900, oco_group="two")
        engine.put(
            "near",
            B,
            price + 50,
            turning_points=1,
            take_profit_points=2_000,
            stop_loss_points=2_000,
            following=True,
            oco_group="one",
        )
        engine.reach("near", ConditionState.OPEN)
        engine.reach("far", ConditionState.CANCELLED)
        assert engine.condition("far").reason is Reason.OTHER_CANCELS
        assert engine.condition("elsewhere").state is ConditionState.ARMED


@pytest.mark.usefixtures("expected_errors")
def test_a_bug_inside_halts_entries_and_only_the_typed_word_resumes(tmp_path: Path) -> None:
    with quick(tmp_path) as (engine, _):
        engine.host.gateway.call(lambda: 1 / 0)
        until(lambda: engine.snapshot().halt is HaltDepth.NO_ENTRIES, "the halt")
        assert engine.submit(engine.command(B)).reason is Reason.HALTED
        assert engine.refusal(SetHalt(depth=HaltDepth.NONE, text="resume")) == Reason.HALTED
        engine.ask(SetHalt(depth=HaltDepth.FLATTEN))
        assert engine.refusal(SetHalt(depth=HaltDepth.NO_ENTRIES)) == Reason.HALTED
        engine.ask(SetHalt(depth=HaltDepth.NONE, text="RESUME"))
        engine.filled(engine.submit(engine.command(B)))


def test_limits_change_while_running_and_stay_in_the_ledger(tmp_path: Path) -> None:
    with quick(tmp_path) as (engine, _):
        limits = engine.snapshot().limits
        answer = engine.ask(SetLimits(limits=replace(limits, max_order_lots=1)))
        assert "max_order_lots: 10 → 1" in answer.text
        assert engine.submit(engine.command(B, 2)).reason is Reason.ORDER_SIZE
        assert engine.refusal(SetLimits(limits=replace(limits, max_order_lots=0))) == Reason.INVALID
        assert engine.snapshot().limits.max_order_lots == 1
        assert engine.host.gateway.ledger.state.settings_limits == limits


def test_a_ping_is_answered(tmp_path: Path) -> None:
    with quick(tmp_path) as (engine, _):
        assert engine.ask(Ping()).text == ""
