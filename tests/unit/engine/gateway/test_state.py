from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.gateway.state import Event, TradingState, folded
from engine.model.condition import Condition, ConditionSpec, ConditionState
from engine.model.instrument import instrument
from engine.model.market import HaltChanged, HaltDepth
from engine.model.order import Fill, Order, OrderStatus, OrderType, Reason, Side, TimeInForce
from engine.model.session import TradingCalendar
from engine.model.signal import Leg, Signal, SignalRefused

INSTRUMENTS = {"TXFK4": instrument("TXFK4", near=date(2024, 11, 5), calendar=TradingCalendar())}
S = OrderStatus


def order(name: str, side: Side = Side.BUY, quantity: int = 1, **changes: Any) -> Order:
    values: dict[str, Any] = {"status": S.SENT, "account": "a"}
    return Order(
        client_order_id=name,
        symbol="TXFK4",
        side=side,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
        price=0,
        quantity=quantity,
        **(values | changes),
    )


def traded(state: TradingState, name: str, lots: int, price: int = 22_800) -> None:
    """A fill and what it makes of its order, in the order in which the gateway tells them."""
    before = state.orders[name]
    fill = Fill(
        fill_id=f"f{len(state.fills)}",
        client_order_id=name,
        account=before.account,
        symbol=before.symbol,
        side=before.side,
        price=price,
        quantity=lots,
        ts_event=1,
        condition_id=before.condition_id,
    )
    state.apply(fill)
    state.apply(before.with_fill(price, lots, 1))


def state_with(*events: Event) -> TradingState:
    return folded(events, INSTRUMENTS)


def condition(name: str, state: ConditionState = ConditionState.OPEN, **changes: Any) -> Condition:
    spec = ConditionSpec(condition_id=name, account="a", symbol="TXFK4", action=Side.BUY, trigger_price=22_800)
    return Condition(spec=spec, state=state, **changes)


def signal(name: str) -> Signal:
    return Signal(
        signal_id=name,
        condition_id="c1",
        leg=Leg.ENTRY,
        attempt=1,
        account="a",
        symbol="TXFK4",
        side=Side.BUY,
        quantity=1,
        price=1,
        tick_seq=1,
        ts_event=1,
    )


class TestFold:
    def test_an_order_is_working_until_it_is_final(self) -> None:
        state = state_with(order("A"), order("B", status=S.INTENT), order("C", status=S.UNKNOWN))
        assert {item.client_order_id for item in state.working()} == {"A", "C"}
        assert state.working("MXFK4") == []
        state.apply(state.orders["A"].moved(S.CANCELLED, 2))
        assert {item.client_order_id for item in state.working("TXFK4")} == {"C"}

    def test_a_condition_holds_what_its_orders_filled(self) -> None:
        state = state_with(order("A", quantity=3, condition_id="c1"), order("P", quantity=5))
        traded(state, "A", 1, 22_800)
        traded(state, "A", 2, 22_803)
        traded(state, "P", 5)
        held = state.holding("c1")
        assert (held.entered, held.entry_value, held.exited) == (3, 68_406, 0)
        state.apply(order("X", Side.SELL, 2, condition_id="c1", reduce_only=True))
        traded(state, "X", 2)
        assert (state.holding("c1").entered, state.holding("c1").exited) == (3, 2)
        assert state.holding("c2").entered == 0

    def test_an_order_told_again_counts_once(self) -> None:
        state = state_with(order("A", quantity=2, condition_id="c1"))
        traded(state, "A", 1)
        state.apply(state.orders["A"])
        assert state.holding("c1").entered == 1

    def test_accounts_are_apart(self) -> None:
        state = state_with(order("A"), order("B", Side.SELL, account="b"))
        traded(state, "A", 1)
        traded(state, "B", 1)
        assert (state.net("a", "TXFK4"), state.net("b", "TXFK4"), state.net("c", "TXFK4")) == (1, -1, 0)
        assert state.reducible("b", "TXFK4", Side.SELL) == 0

    def test_decided_signals(self) -> None:
        state = state_with(signal("s1"), order("A", status=S.INTENT, signal_id="s1"))
        assert not state.is_decided("s1")
        state.apply(state.orders["A"].moved(S.SENT, 1))
        assert state.is_decided("s1")
        assert not state.is_decided("s2")
        state.apply(SignalRefused(signal=signal("s2"), reason=Reason.STALE_SIGNAL))
        assert state.is_decided("s2")
        assert set(state.signals) == {"s1", "s2"}

    def test_the_last_halt_holds(self) -> None:
        halts = [HaltChanged(depth=depth, by="window") for depth in (HaltDepth.FLATTEN, HaltDepth.NONE)]
        assert state_with(*halts).halt is HaltDepth.NONE
        assert state_with(*reversed(halts)).halt is HaltDepth.FLATTEN
        assert state_with(*halts).halted == halts[-1]
        assert state_with().halted is None


class TestReducible:
    def test_is_what_is_held_on_the_other_side(self) -> None:
        state = state_with(order("A", quantity=3))
        traded(state, "A", 3)
        assert state.reducible("a", "TXFK4", Side.SELL) == 3
        assert state.reducible("a", "TXFK4", Side.BUY) == 0
        assert state.reducible("a", "MXFK4", Side.SELL) == 0

    def test_working_exits_count_as_if_filled(self) -> None:
        state = state_with(order("A", quantity=3), order("X", Side.SELL, 2, reduce_only=True, status=S.UNKNOWN))
        traded(state, "A", 3)
        assert state.reducible("a", "TXFK4", Side.SELL) == 1
        traded(state, "X", 1)
        assert state.reducible("a", "TXFK4", Side.SELL) == 1
        state.apply(state.orders["X"].moved(S.CANCELLED, 2))
        assert state.reducible("a", "TXFK4", Side.SELL) == 2

    def test_a_condition_closes_no_more_than_its_own(self) -> None:
        state = state_with(order("A", condition_id="c1"), order("P", quantity=5))
        traded(state, "A", 1)
        traded(state, "P", 5)
        assert state.reducible("a", "TXFK4", Side.SELL, "c1") == 1
        state.apply(order("X", Side.SELL, 1, condition_id="c1", reduce_only=True))
        assert state.reducible("a", "TXFK4", Side.SELL, "c1") == 0
        assert state.reducible("a", "TXFK4", Side.SELL) == 5

    def test_a_condition_whose_lots_a_person_sold_closes_nothing(self) -> None:
        state = state_with(order("A", condition_id="c1"), order("P", Side.SELL))
        traded(state, "A", 1)
        traded(state, "P", 1)
        assert state.reducible("a", "TXFK4", Side.SELL, "c1") == 0

    def test_lots_that_a_condition_had_when_it_ended_let_no_other_exit(self) -> None:
        state = state_with(
            order("A", condition_id="c1"),
            order("B", Side.SELL, condition_id="c2"),
            condition("c1"),
            condition("c2"),
        )
        traded(state, "A", 1)
        traded(state, "B", 1)
        assert (state.net("a", "TXFK4"), state.reducible("a", "TXFK4", Side.BUY, "c2")) == (0, 1)
        state.apply(condition("c1", ConditionState.CLOSED))
        assert (state.held("c1"), state.reducible("a", "TXFK4", Side.BUY, "c2")) == (0, 0)

    def test_a_late_entry_can_exit_before_its_strategy_says_that_it_is_open_again(self) -> None:
        state = state_with(order("A", quantity=2, condition_id="c1"), condition("c1"))
        traded(state, "A", 1)
        state.apply(order("P", Side.SELL))
        traded(state, "P", 1)
        state.apply(condition("c1", ConditionState.CLOSED, released=1))
        traded(state, "A", 1)
        assert (state.held("c1"), state.reducible("a", "TXFK4", Side.SELL, "c1")) == (0, 1)
        state.apply(condition("c1", released=1))
        assert state.held("c1") == 1


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["enter", "exit", "fill", "end"]),
        st.sampled_from(list(Side)),
        st.integers(1, 5),
        st.sampled_from(["", "c1", "c2"]),
        st.integers(0, 99),
    ),
    max_size=60,
)


@settings(max_examples=300)
@given(STEPS)
def test_exits_never_close_more_than_is_held(steps: Sequence[tuple[str, Side, int, str, int]]) -> None:
    """Exits cut to what is reducible leave, however they fill, no position turned to the other side.

    Entries are bought only: an entry of the other side would itself be what closes.
    """
    state = TradingState(INSTRUMENTS)
    log: list[Event] = []
    apply = state.apply

    def keeping(event: Event) -> None:
        log.append(event)
        apply(event)

    state.apply = keeping  # type: ignore[method-assign]
    for number, (kind, side, lots, condition, pick) in enumerate(steps):
        working = state.working()
        if kind == "enter":
            state.apply(order(f"N{number:03}", Side.BUY, lots, condition_id=condition))
        elif kind == "exit":
            lots = min(lots, state.reducible("a", "TXFK4", side, condition))
            assert lots == 0 or side is Side.SELL
            if lots:
                state.apply(order(f"X{number:03}", side, lots, condition_id=condition, reduce_only=True))
        elif working:
            chosen = working[pick % len(working)]
            if kind == "fill":
                traded(state, chosen.client_order_id, min(lots, chosen.remaining))
            else:
                state.apply(chosen.moved(S.CANCELLED, 1))
        exits = sum(item.remaining for item in state.working() if item.reduce_only)
        assert 0 <= exits <= state.net("a", "TXFK4")
        for name in ("c1", "c2"):
            assert state.holding(name).exited <= state.holding(name).entered
    again = folded(log, INSTRUMENTS)
    for name in ("orders", "fills", "positions", "holdings", "order_of_signal", "_working"):
        assert getattr(again, name) == getattr(state, name)


def test_a_fold_does_not_touch_what_it_is_given() -> None:
    first = order("A", condition_id="c1")
    before = replace(first)
    state = state_with(first)
    traded(state, "A", 1)
    assert first == before


def test_match_numbers_begin_anew_every_day() -> None:
    state = state_with(order("MON"), order("TUE"))
    for name in ("MON", "TUE"):
        traded(state, name, 1)
    first, second = state.fills.values()
    again = state_with(order("MON"), order("TUE"))
    again.apply(first)
    again.apply(replace(second, fill_id=first.fill_id))
    assert len(again.fills) == 2
    assert again.net("a", "TXFK4") == 2


def test_a_snapshot_leaves_no_order_out_that_still_matters() -> None:
    working = order("OLD", status=S.ACCEPTED)
    state = state_with(working, *(order(f"N{n}", status=S.FILLED) for n in range(9)))
    assert [item.client_order_id for item in state.recent_orders(3)] == ["OLD", "N6", "N7", "N8"]
