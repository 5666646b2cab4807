"""What was cancelled does not enter, and of a one-cancels-other group one enters, however late a signal comes.

The tests are strategy and executor themselves, so that each message comes exactly when it hurts.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.model.condition import ConditionAction, ConditionState, Transition
from engine.model.order import Order, OrderStatus, Reason, Side
from engine.model.signal import Leg, Signal, signal_id
from engine.nodes.executor import order_of
from engine.wire.keys import Role
from engine.wire.messages import ConditionReport, Flatten
from tests.process.running import Engine, settings_for_tests, simulated, until

B, S = Side.BUY, Side.SELL
A = ConditionAction


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with simulated(tmp_path, settings=settings_for_tests()) as found:
        yield found


def signal_of(engine: Engine, condition_id: str, leg: Leg = Leg.ENTRY) -> Signal:
    spec = engine.condition(condition_id).spec
    return Signal(
        signal_id=signal_id(condition_id, leg, 1),
        condition_id=condition_id,
        leg=leg,
        attempt=1,
        account=spec.account,
        symbol=spec.symbol,
        side=spec.action.opposite if leg.is_exit else spec.action,
        quantity=spec.quantity,
        price=engine.last_price,
        tick_seq=0,
        ts_event=engine.host.gateway.market.now_ns(),
        reason=leg.value,
    )


def executed(engine: Engine, signal: Signal) -> Order:
    """What the executor gets for a signal."""
    return engine.submit(order_of(signal), Role.EXECUTOR)


def report_entering(engine: Engine, condition_id: str) -> Signal:
    """The strategy says that it gave its entry."""
    known, signal = engine.condition(condition_id), signal_of(engine, condition_id)
    moved = Transition(
        condition_id=condition_id,
        origin=known.state,
        target=ConditionState.ENTERING,
        tick_seq=known.tick_seq,
        price=signal.price,
        ts_event=signal.ts_event,
    )
    entering = replace(known, state=ConditionState.ENTERING)
    engine.ask(ConditionReport(condition=entering, signals=(signal,), transitions=(moved,)), Role.STRATEGY)
    return signal


def enter_and_exit(engine: Engine, condition_id: str) -> None:
    engine.filled(executed(engine, signal_of(engine, condition_id)))
    engine.filled(executed(engine, signal_of(engine, condition_id, Leg.CLOSE)))
    assert engine.net() == 0


def test_an_entry_that_comes_after_its_condition_was_cancelled_is_denied(engine: Engine) -> None:
    engine.put("c", B, engine.last_price)
    entry = signal_of(engine, "c")
    engine.act(A.CANCEL, "c")
    report_entering(engine, "c")  # the strategy had not heard of it
    assert engine.condition("c").state is ConditionState.CANCELLED
    order = executed(engine, entry)
    assert (order.status, order.reason) == (OrderStatus.DENIED, Reason.PERSON)


def test_a_flattened_entry_that_is_still_on_its_way_is_denied(engine: Engine) -> None:
    engine.put("c", B, engine.last_price)
    entry = report_entering(engine, "c")
    engine.ask(Flatten())
    assert executed(engine, entry).status is OrderStatus.DENIED


def test_the_second_of_a_group_is_denied_also_after_the_first_has_left_again(engine: Engine) -> None:
    for name, side in (("one", B), ("two", S)):
        engine.put(name, side, engine.last_price, oco_group="g")
    late = signal_of(engine, "two")
    enter_and_exit(engine, "one")
    assert engine.condition("two").reason is Reason.OTHER_CANCELS
    assert executed(engine, late).status is OrderStatus.DENIED


def test_the_second_of_a_group_that_gave_its_signal_already_is_refused_it(engine: Engine) -> None:
    for name, side in (("one", B), ("two", S)):
        engine.put(name, side, engine.last_price, oco_group="g")
    late = report_entering(engine, "two")
    enter_and_exit(engine, "one")
    until(lambda: bool(engine.refused_signals()), "the refusal")
    (refused,) = engine.refused_signals()
    assert (refused.signal.signal_id, refused.reason) == (late.signal_id, Reason.OTHER_CANCELS)
    assert engine.refusal(order_of(late), Role.EXECUTOR) == Reason.DUPLICATE
    assert late.client_order_id not in {order.client_order_id for order in engine.snapshot().orders}


def test_a_condition_put_later_under_the_name_of_a_group_that_has_ended_may_enter(engine: Engine) -> None:
    engine.put("one", B, engine.last_price, oco_group="g")
    enter_and_exit(engine, "one")
    engine.put("later", S, engine.last_price, oco_group="g")
    engine.filled(executed(engine, signal_of(engine, "later")))
