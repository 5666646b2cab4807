"""The one door to the broker, asked over real sockets: orders, halts, roles, faults of the link, conditions."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from engine.brokers.simulated import SimulatedExchange
from engine.model.condition import ConditionAction, ConditionCommand, ConditionSpec, ConditionState
from engine.model.market import HaltChanged, HaltDepth, LinkState
from engine.model.order import Order, OrderStatus, Reason, Side
from engine.model.signal import Leg, Signal, SignalRefused, client_order_id, signal_id
from engine.settings import Risk, Simulation
from engine.wire.codec import Encoder, decode
from engine.wire.keys import Role
from engine.wire.messages import (
    CancelAll,
    CancelOrder,
    ConditionReport,
    Done,
    Flatten,
    GetTicks,
    ReplaceOrder,
    SelectContracts,
    SetHalt,
    Ticks,
    Watermark,
)
from tests.process.running import SYMBOL, Engine, settings_for_tests, simulated, until

B, S = Side.BUY, Side.SELL
OS = OrderStatus


def resting(engine: Engine, side: Side = B, quantity: int = 3) -> Order:
    """A limit order far from the market, accepted."""
    order = engine.submit(engine.limit(side, engine.last_price - side.sign * 300, quantity))
    until(lambda: engine.order(order.client_order_id).status is OS.ACCEPTED, "acceptance")
    return engine.order(order.client_order_id)


def hold(engine: Engine, lots: int) -> None:
    """A position, by hand."""
    engine.filled(engine.submit(engine.command(B if lots > 0 else S, abs(lots))))
    assert engine.net() == lots


# --- orders ------------------------------------------------------------------------------------------------------


def test_a_market_order_fills(tmp_path: Path) -> None:
    with simulated(tmp_path) as engine:
        order = engine.submit(engine.command(B, 2))
        assert order.status is OS.SENT
        done = engine.filled(order)
        assert done.status is OS.FILLED
        fills = [fill for fill in engine.snapshot().fills if fill.client_order_id == order.client_order_id]
        assert sum(fill.quantity for fill in fills) == 2
        assert sum(fill.price * fill.quantity for fill in fills) == done.fill_value
        assert engine.net() == 2


def test_the_intent_is_told_before_the_order_is_sent_and_each_step_once(tmp_path: Path) -> None:
    with simulated(tmp_path) as engine:
        order = engine.filled(engine.submit(engine.command()))
        until(lambda: engine.feed.of(Order)[-1].status is OS.FILLED, "the last word on the feed")
        told = [item.status for item in engine.feed.of(Order) if item.client_order_id == order.client_order_id]
        assert told[0] is OS.SENT
        assert told[-1] is OS.FILLED
        assert len(told) == len(set(told))


def test_a_limit_order_rests_is_changed_and_cancelled(tmp_path: Path) -> None:
    with simulated(tmp_path) as engine:
        order = resting(engine)
        own = order.client_order_id
        engine.ask(ReplaceOrder(client_order_id=own, price=order.price - 5))
        until(lambda: engine.order(own).price == order.price - 5, "the new price")
        engine.ask(ReplaceOrder(client_order_id=own, quantity=1))
        until(lambda: engine.order(own).quantity == 1, "the new quantity")
        engine.ask(CancelOrder(client_order_id=own))
        assert engine.ended(order).status is OS.CANCELLED
        assert engine.refusal(CancelOrder(client_order_id=own)) == Reason.NOT_WORKING
        assert engine.refusal(ReplaceOrder(client_order_id=own, quantity=1)) == Reason.NOT_WORKING
        assert engine.refusal(CancelOrder(client_order_id="NONE000000")) == Reason.UNKNOWN_ORDER


def test_a_change_cannot_make_an_order_larger_or_walk_around_risk(tmp_path: Path) -> None:
    with simulated(tmp_path) as engine:
        order = resting(engine)
        own = order.client_order_id
        assert engine.refusal(ReplaceOrder(client_order_id=own, quantity=4)) == Reason.ORDER_SIZE
        far = round(engine.last_price * 1.03)
        assert engine.refusal(ReplaceOrder(client_order_id=own, price=far)) == Reason.PRICE_BAND
        assert engine.order(own).price == order.price


def test_cancel_all(tmp_path: Path) -> None:
    with simulated(tmp_path) as engine:
        orders = [resting(engine), resting(engine, S)]
        engine.ask(CancelAll())
        assert [engine.ended(order).status for order in orders] == [OS.CANCELLED, OS.CANCELLED]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"quantity": 11}, Reason.ORDER_SIZE),
        ({"quantity": 0}, Reason.INVALID),
        ({"client_order_id": "short"}, Reason.INVALID),
        ({"symbol": "TXFL4"}, Reason.NO_PRICE),
    ],
)
def test_risk_denies_with_a_reason(tmp_path: Path, changes: dict[str, Any], reason: Reason) -> None:
    with simulated(tmp_path) as engine:
        order = engine.submit(engine.command(**{"quantity": 1, **changes}))
        assert (order.status, order.reason) == (OS.DENIED, reason)
        assert order.text


def test_the_position_limit_counts_what_is_still_working(tmp_path: Path) -> None:
    with simulated(tmp_path, settings=settings_for_tests(risk=Risk(max_position_lots=4))) as engine:
        resting(engine, B, 3)
        order = engine.submit(engine.command(B, 2))
        assert (order.status, order.reason) == (OS.DENIED, Reason.POSITION_LIMIT)
        engine.filled(engine.submit(engine.command(S, 2)))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"symbol": "ABC"}, Reason.UNKNOWN_SYMBOL),
        ({"account": "SIM-other"}, Reason.UNKNOWN_ACCOUNT),
        ({"signal_id": "c/entry/1"}, Reason.FORBIDDEN),
        ({"condition_id": "c"}, Reason.FORBIDDEN),
    ],
)
def test_what_no_order_can_be_made_of_is_refused(tmp_path: Path, changes: dict[str, Any], code: Reason) -> None:
    with simulated(tmp_path) as engine:
        assert engine.refusal(engine.command(**changes)) == code
        assert not engine.snapshot().orders


# --- once only ---------------------------------------------------------------------------------------------------


def test_the_same_client_order_id_makes_one_order(tmp_path: Path) -> None:
    with simulated(tmp_path) as engine:
        command = engine.command()
        first = engine.filled(engine.submit(command))
        second = engine.submit(dataclasses.replace(command, quantity=7))
        assert second == first
        assert len(engine.snapshot().orders) == 1
        assert engine.net() == 1


def test_a_repeated_request_is_answered_again_and_done_once(tmp_path: Path) -> None:
    with simulated(tmp_path) as engine:
        requester = engine.requester()
        frame = Encoder("test").encode("set_halt", SetHalt(depth=HaltDepth.NO_ENTRIES), id="once", time=1)
        answers = []
        for _ in range(3):
            requester.raw.send(frame)
            assert requester.raw.poll(10_000)
            answers.append(decode(requester.raw.recv()))
        assert {(answer.cause, answer.body) for answer in answers} == {("once", Done(text="halt NO_ENTRIES"))}
        engine.submit(engine.command())
        until(lambda: bool(engine.feed.of(Order)), "the feed")
        assert len(engine.feed.of(HaltChanged)) == 1


def entry(engine: Engine, number: int = 1) -> Signal:
    return Signal(
        signal_id=signal_id("other", Leg.ENTRY, number),
        condition_id="other",
        leg=Leg.ENTRY,
        attempt=number,
        account=engine.account,
        symbol=SYMBOL,
        side=B,
        quantity=1,
        price=engine.last_price,
        tick_seq=1,
        ts_event=1,
    )


def test_a_signal_is_one_order_or_none(tmp_path: Path) -> None:
    with simulated(tmp_path) as engine:
        first, second = entry(engine), entry(engine, 2)

        def order_of(signal: Signal) -> Any:
            own = client_order_id(signal.signal_id)
            return engine.command(client_order_id=own, signal_id=signal.signal_id, condition_id="other")

        done = engine.filled(engine.submit(order_of(first), Role.EXECUTOR))
        engine.ask(SignalRefused(signal=first, reason=Reason.STALE_SIGNAL), Role.EXECUTOR)
        assert not engine.refused_signals()
        assert engine.submit(order_of(first), Role.EXECUTOR) == done
        engine.ask(SignalRefused(signal=second, reason=Reason.STALE_SIGNAL), Role.EXECUTOR)
        assert engine.refusal(order_of(second), Role.EXECUTOR) == Reason.DUPLICATE
        assert engine.net() == 1


# --- roles -------------------------------------------------------------------------------------------------------


def test_who_only_reads_can_do_nothing_else(tmp_path: Path) -> None:
    with simulated(tmp_path) as engine:
        order = resting(engine)
        spec = ConditionSpec(condition_id="c", account=engine.account, symbol=SYMBOL, action=B, trigger_price=1)
        for body in (
            engine.command(),
            CancelOrder(client_order_id=order.client_order_id),
            ReplaceOrder(client_order_id=order.client_order_id, quantity=1),
            CancelAll(),
            Flatten(),
            SetHalt(depth=HaltDepth.NO_ENTRIES),
            ConditionCommand(action=ConditionAction.PUT, condition_id="c", spec=spec),
            SelectContracts(symbols=()),
            SignalRefused(signal=entry(engine), reason=Reason.PERSON),
            Watermark(node="strategy-1", round=1, position=1),
        ):
            assert engine.refusal(body, Role.READER) == Reason.FORBIDDEN, body
        assert isinstance(engine.ask(GetTicks(symbol=SYMBOL), Role.READER), Ticks)
        assert engine.order(order.client_order_id) == order
        assert engine.snapshot().halt is HaltDepth.NONE
        assert not engine.snapshot().conditions


def test_a_strategy_orders_and_commands_nothing(tmp_path: Path) -> None:
    with simulated(tmp_path) as engine:
        for body in (engine.command(), Flatten(), CancelAll(), SetHalt(depth=HaltDepth.NONE)):
            assert engine.refusal(body, Role.STRATEGY) == Reason.FORBIDDEN
        assert not engine.snapshot().orders


def test_an_executor_sends_only_what_signals_ask_for(tmp_path: Path) -> None:
    with simulated(tmp_path) as engine:
        engine.ask(SetHalt(depth=HaltDepth.NO_ENTRIES))
        other = client_order_id("c/entry/2")
        for body in (
            engine.command(),
            engine.command(client_order_id=other, signal_id="c/entry/1"),
            SetHalt(depth=HaltDepth.NONE),
            Flatten(),
            CancelAll(),
            ConditionReport(condition=_condition(engine)),
        ):
            assert engine.refusal(body, Role.EXECUTOR) == Reason.FORBIDDEN, body
        assert engine.snapshot().halt is HaltDepth.NO_ENTRIES
        assert not engine.snapshot().orders


def _condition(engine: Engine) -> Any:
    engine.put("c", B, engine.last_price - 500, arm=False)
    return engine.condition("c")


# --- halts -------------------------------------------------------------------------------------------------------


def test_no_new_entries_but_exits_and_cancels(tmp_path: Path) -> None:
    with simulated(tmp_path) as engine:
        hold(engine, 2)
        order = resting(engine)
        engine.ask(SetHalt(depth=HaltDepth.NO_ENTRIES))
        denied = engine.submit(engine.command(B))
        assert (denied.status, denied.reason) == (OS.DENIED, Reason.HALTED)
        assert engine.submit(engine.command(S, 3)).reason == Reason.HALTED  # more than is held
        engine.filled(engine.submit(engine.command(S, 2)))
        engine.ask(CancelOrder(client_order_id=order.client_order_id))
        assert engine.ended(order).status is OS.CANCELLED
        assert engine.net() == 0


def test_cancel_working(tmp_path: Path) -> None:
    with simulated(tmp_path) as engine:
        hold(engine, 1)
        order = resting(engine)
        engine.ask(SetHalt(depth=HaltDepth.CANCEL_WORKING))
        assert engine.ended(order).status is OS.CANCELLED
        assert engine.submit(engine.command(B)).reason == Reason.HALTED
        assert engine.net() == 1


def test_flatten_releases_conditions_and_closes_and_a_person_resumes(tmp_path: Path) -> None:
    with simulated(tmp_path, trading=True) as engine:
        engine.enter("held", quantity=2)
        engine.reach("held", ConditionState.OPEN)
        engine.put("waiting", B, engine.last_price - 500)
        order = resting(engine)
        engine.ask(SetHalt(depth=HaltDepth.FLATTEN))
        until(lambda: engine.net() == 0, "a flat position")
        assert engine.ended(order).status is OS.CANCELLED
        engine.reach("held", ConditionState.CANCELLED)
        assert engine.condition("waiting").state is ConditionState.ARMED
        assert engine.submit(engine.command(B)).reason == Reason.HALTED
        engine.ask(SetHalt(depth=HaltDepth.NONE, text="RESUME"))
        engine.filled(engine.submit(engine.command(B)))
        assert [changed.by for changed in engine.feed.of(HaltChanged)] == ["window", "window"]


def test_a_halted_entry_of_a_condition_ends_it_with_the_reason(tmp_path: Path) -> None:
    with simulated(tmp_path, trading=True) as engine:
        engine.ask(SetHalt(depth=HaltDepth.NO_ENTRIES))
        engine.enter("c")
        engine.reach("c", ConditionState.REJECTED)
        assert engine.condition("c").reason is Reason.HALTED
        assert engine.net() == 0


# --- flatten -----------------------------------------------------------------------------------------------------


def test_flatten_closes_in_slices_that_the_exchange_takes(tmp_path: Path) -> None:
    with simulated(tmp_path, at_night=True) as engine:
        for lots in (5, 4, 3):
            engine.filled(engine.submit(engine.command(S, lots)))
        assert engine.net() == -12
        assert engine.submit(engine.command(S, 6)).reason == Reason.ORDER_SIZE
        engine.ask(Flatten())
        until(lambda: engine.net() == 0, "a flat position")
        slices = [order.quantity for order in engine.snapshot().orders if order.reduce_only]
        assert slices == [5, 5, 2]


def test_flatten_twice_never_turns_the_position(tmp_path: Path) -> None:
    with simulated(tmp_path) as engine:
        hold(engine, 4)
        requester = engine.requester()
        requester.send(Flatten())
        requester.send(Flatten(symbol=SYMBOL))
        until(lambda: engine.net() == 0, "a flat position")
        for order in engine.snapshot().orders:
            engine.ended(order)
        assert engine.net() == 0
        assert sum(order.filled for order in engine.snapshot().orders if order.side is S) == 4


# --- what goes wrong at the broker -------------------------------------------------------------------------------


def exchange(engine: Engine) -> SimulatedExchange:
    assert isinstance(engine.host.broker, SimulatedExchange)
    return engine.host.broker


def test_a_rejected_order_carries_the_reason(tmp_path: Path) -> None:
    with simulated(tmp_path, simulation=Simulation(speed=5.0, reject_rate=1.0)) as engine:
        order = engine.ended(engine.submit(engine.command()))
        assert (order.status, order.reason) == (OS.REJECTED, Reason.BROKER)
        assert order.text
        assert not engine.snapshot().fills


def test_a_rejected_entry_ends_its_condition(tmp_path: Path) -> None:
    with simulated(tmp_path, simulation=Simulation(speed=5.0, reject_rate=1.0), trading=True) as engine:
        engine.enter("c")
        engine.reach("c", ConditionState.REJECTED)
        assert engine.condition("c").reason is Reason.BROKER
        assert len(engine.snapshot().orders) == 1


@pytest.mark.parametrize("is_alive", [True, False])
def test_a_lost_reply_is_unknown_until_the_broker_is_asked(tmp_path: Path, is_alive: bool) -> None:
    with simulated(tmp_path) as engine:
        exchange(engine).faults.lose_next_reply(is_alive=is_alive)
        command = engine.limit(B, engine.last_price - 300)
        order = engine.submit(command)
        assert (order.status, order.reason) == (OS.UNKNOWN, Reason.AMBIGUOUS)
        assert engine.submit(command).status is OS.UNKNOWN  # never sent again
        exchange(engine).drop_link(2)
        until(lambda: LinkState.DOWN in engine.link_states("trade"), "the drop")
        until(lambda: engine.order(order.client_order_id).status is not OS.UNKNOWN, "reconciliation")
        status = engine.order(order.client_order_id).status
        assert status is (OS.ACCEPTED if is_alive else OS.REJECTED)
        known = exchange(engine).query_orders(engine.account)
        assert len(known) == is_alive


def test_flatten_is_pursued_until_nothing_is_held(tmp_path: Path) -> None:
    with simulated(tmp_path, simulation=Simulation(latency_ms=200.0)) as engine:
        engine.filled(engine.submit(engine.command(quantity=2)))
        resting_exit = engine.limit(S, engine.last_price + 200, 2, reduce_only=True)
        exit_ = engine.submit(resting_exit)
        until(lambda: engine.order(exit_.client_order_id).status is OS.ACCEPTED, "a resting exit")
        late = engine.submit(engine.command())
        assert late.status is OS.SENT
        engine.ask(Flatten())
        until(lambda: engine.net() == 0 and not engine.host.gateway.state.working(), "a flat account", 20)
        assert engine.ended(exit_).status is OS.CANCELLED
        assert exchange(engine).query_positions(engine.account).get(SYMBOL, 0) == 0


@pytest.mark.parametrize("is_alive", [True, False])
def test_the_broker_is_asked_about_a_lost_reply_also_while_the_link_stays_up(
    tmp_path: Path, is_alive: bool
) -> None:
    with simulated(tmp_path) as engine:
        exchange(engine).faults.lose_next_reply(is_alive=is_alive)
        order = engine.submit(engine.limit(B, engine.last_price - 300))
        assert order.status is OS.UNKNOWN
        until(lambda: engine.order(order.client_order_id).status is not OS.UNKNOWN, "an answer", 20)
        assert engine.order(order.client_order_id).status is (OS.ACCEPTED if is_alive else OS.REJECTED)


def test_orders_whose_replies_are_all_lost_are_each_sent_once(tmp_path: Path) -> None:
    settings = settings_for_tests(risk=Risk(duplicate_window_s=0.0))
    simulation = Simulation(speed=5.0, lost_reply_rate=1.0)
    with simulated(tmp_path, settings=settings, simulation=simulation) as engine:
        orders = [engine.submit(engine.command()) for _ in range(8)]
        assert all(order.status is OS.UNKNOWN for order in orders)
        exchange(engine).drop_link(2)
        for order in orders:
            engine.ended(order)
        assert {engine.ended(order).status for order in orders} == {OS.FILLED, OS.REJECTED}
        held = exchange(engine).query_positions(engine.account)
        assert engine.net() == held[SYMBOL]
        assert engine.net() == sum(engine.ended(order).status is OS.FILLED for order in orders)


def test_a_dropped_link_is_shown_and_takes_no_orders(tmp_path: Path) -> None:
    with simulated(tmp_path) as engine:
        order = resting(engine)
        exchange(engine).drop_link(5)
        until(lambda: engine.link_states("trade")[-1:] == [LinkState.DOWN], "the drop")
        denied = engine.submit(engine.command())
        assert (denied.status, denied.reason) == (OS.DENIED, Reason.RECONCILING)
        assert engine.refusal(CancelOrder(client_order_id=order.client_order_id)) == Reason.BROKER
        until(lambda: engine.link_states("trade")[-1:] == [LinkState.UP], "the return")
        assert engine.link_states("quote")[-2:] == [LinkState.DOWN, LinkState.UP]
        engine.filled(engine.submit(engine.command()))
        assert engine.order(order.client_order_id).status is OS.ACCEPTED


def test_what_filled_while_the_link_was_down_is_known_after_it(tmp_path: Path) -> None:
    with simulated(tmp_path, simulation=Simulation(speed=5.0, latency_ms=150.0)) as engine:
        order = engine.submit(engine.command(B, 2))
        exchange(engine).drop_link(5)
        done = engine.filled(order)
        assert LinkState.DOWN in engine.link_states("trade")
        assert done.filled == 2
        assert engine.net() == 2
        assert len({fill.fill_id for fill in engine.snapshot().fills}) == len(engine.snapshot().fills)


def test_a_silent_feed_lets_no_entry_through_but_exits(tmp_path: Path) -> None:
    settings = settings_for_tests(risk=Risk(stale_feed_s=0.4))
    with simulated(tmp_path, settings=settings, simulation=Simulation(speed=20.0)) as engine:
        hold(engine, 1)
        exchange(engine).is_muted = True
        until(lambda: LinkState.STALE in engine.link_states(f"feed.{SYMBOL}"), "a stale feed")
        order = engine.submit(engine.command(B))
        assert (order.status, order.reason) == (OS.DENIED, Reason.STALE_FEED)
        done = engine.filled(engine.submit(engine.command(S, reduce_only=True)))
        assert done.text == f"sent while the feed of {SYMBOL} was silent"
        exchange(engine).is_muted = False
        until(lambda: engine.link_states(f"feed.{SYMBOL}")[-1:] == [LinkState.UP], "a living feed")
        engine.filled(engine.submit(engine.command(B)))


def test_a_feed_that_the_vendor_forgot_is_subscribed_again(tmp_path: Path) -> None:
    settings = settings_for_tests(risk=Risk(stale_feed_s=0.4))
    with simulated(tmp_path, settings=settings, simulation=Simulation(speed=20.0)) as engine:
        exchange(engine).unsubscribe(SYMBOL)
        until(lambda: LinkState.STALE in engine.link_states(f"feed.{SYMBOL}"), "a stale feed")
        until(lambda: engine.link_states(f"feed.{SYMBOL}")[-1:] == [LinkState.UP], "a living feed")


# --- conditions --------------------------------------------------------------------------------------------------


def test_a_condition_must_be_for_what_the_login_has(tmp_path: Path) -> None:
    with simulated(tmp_path) as engine:
        spec = ConditionSpec(
            condition_id="c", account=engine.account, symbol=SYMBOL, action=B, trigger_price=22_000
        )

        def put(**changes: Any) -> ConditionCommand:
            changed = dataclasses.replace(spec, **changes)
            return ConditionCommand(action=ConditionAction.PUT, condition_id="c", spec=changed)

        assert engine.refusal(put(symbol="TXFZ9")) == Reason.UNKNOWN_SYMBOL
        assert engine.refusal(put(account="SIM-other")) == Reason.UNKNOWN_ACCOUNT
        assert engine.refusal(put(condition_id="d")) == Reason.INVALID
        assert engine.refusal(put(quantity=0)) == Reason.INVALID
        assert engine.refusal(ConditionCommand(action=ConditionAction.ARM, condition_id="c")) == Reason.INVALID
        assert not engine.snapshot().conditions


def test_opposite_conditions_each_exit_their_own_lots(tmp_path: Path) -> None:
    with simulated(tmp_path, trading=True) as engine:
        engine.enter("long", B)
        engine.enter("short", S)
        for name in ("long", "short"):
            engine.reach(name, ConditionState.OPEN)
        assert engine.net() == 0
        engine.tighten("long")
        engine.reach("long", ConditionState.CLOSED)
        assert engine.net() == -1
        engine.act(ConditionAction.CLOSE, "short")
        engine.reach("short", ConditionState.CLOSED)
        assert engine.net() == 0
        for name in ("long", "short"):
            condition = engine.condition(name)
            assert (condition.entered, condition.exited, condition.reason) == (1, 1, Reason.NONE)
        assert len(engine.snapshot().orders) == 4


def test_lots_that_a_person_closed_are_not_closed_again(tmp_path: Path) -> None:
    with simulated(tmp_path, trading=True) as engine:
        engine.enter("c", B)
        engine.reach("c", ConditionState.OPEN)
        engine.filled(engine.submit(engine.command(S)))
        assert engine.net() == 0
        engine.tighten("c")
        engine.reach("c", ConditionState.CLOSED)
        assert engine.condition("c").reason is Reason.NOT_REDUCING
        assert engine.net() == 0
        exits = [order for order in engine.snapshot().orders if order.reduce_only]
        assert [(order.status, order.reason) for order in exits] == [(OS.DENIED, Reason.NOT_REDUCING)]


def test_an_exit_covers_what_a_person_left_of_the_lots(tmp_path: Path) -> None:
    with simulated(tmp_path, trading=True) as engine:
        engine.enter("c", B, quantity=3)
        until(lambda: engine.condition("c").entered == 3, "a whole entry")
        engine.filled(engine.submit(engine.command(S, 2)))
        engine.tighten("c")
        engine.reach("c", ConditionState.CLOSED)
        until(lambda: engine.net() == 0, "a flat position")
        assert sum(order.filled for order in engine.snapshot().orders if order.reduce_only) == 1


def test_an_exit_larger_than_the_exchange_takes_goes_in_slices(tmp_path: Path) -> None:
    with simulated(tmp_path, at_night=True) as engine:

        def ordered(leg: Leg, number: int, side: Side, lots: int) -> Order:
            name = signal_id("other", leg, number)
            command = engine.command(
                side,
                lots,
                client_order_id=client_order_id(name),
                signal_id=name,
                condition_id="other",
                reduce_only=leg.is_exit,
            )
            return engine.filled(engine.submit(command, Role.EXECUTOR))

        for number in (1, 2):
            ordered(Leg.ENTRY, number, B, 4)
        assert engine.net() == 8
        assert [ordered(Leg.STOP_LOSS, number, S, 8).quantity for number in (1, 2)] == [5, 3]
        assert engine.net() == 0


def test_a_person_closes_a_condition(tmp_path: Path) -> None:
    with simulated(tmp_path, trading=True) as engine:
        engine.enter("c", S, quantity=2)
        until(lambda: engine.condition("c").entered == 2, "a whole entry")
        engine.act(ConditionAction.CLOSE, "c")
        engine.reach("c", ConditionState.CLOSED)
        assert engine.net() == 0
        assert [signal.leg for signal in engine.feed.of(Signal)] == [Leg.ENTRY, Leg.CLOSE]


def test_a_cancelled_condition_never_enters(tmp_path: Path) -> None:
    with simulated(tmp_path, trading=True) as engine:
        engine.put("c", B, engine.last_price - 500, following=True)
        engine.act(ConditionAction.CANCEL, "c")
        assert engine.condition("c").state is ConditionState.CANCELLED
        command = engine.command(
            client_order_id=client_order_id("c/entry/1"), signal_id="c/entry/1", condition_id="c"
        )
        order = engine.submit(command, Role.EXECUTOR)
        assert (order.status, order.reason) == (OS.DENIED, Reason.PERSON)
