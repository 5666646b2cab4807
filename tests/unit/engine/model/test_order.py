import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import OrderStateError
from engine.model.order import (
    ARRIVED_AFTER_ALL,
    FINAL,
    TRANSITIONS,
    WORKING,
    Order,
    OrderStatus,
    OrderType,
    Reason,
    Side,
    SubmitOrder,
    TimeInForce,
)
from engine.model.signal import Leg, client_order_id, signal_id

S = OrderStatus


def order(status: OrderStatus = S.SENT, **changes: Any) -> Order:
    values: dict[str, Any] = {"quantity": 3, "price": 22_800}
    return Order(
        client_order_id="ABCDEFGHIJ",
        account="a",
        symbol="TXFK4",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce.ROD,
        status=status,
        **(values | changes),
    )


class TestTransitions:
    def test_table_names_every_status(self) -> None:
        assert set(TRANSITIONS) == set(OrderStatus)

    def test_final_working_and_intent_are_all_there_is(self) -> None:
        assert FINAL | WORKING | {S.INTENT} == set(OrderStatus)
        assert not FINAL & WORKING

    @pytest.mark.parametrize("before", list(OrderStatus))
    @pytest.mark.parametrize("after", list(OrderStatus))
    def test_moves_only_as_the_table_says(self, before: OrderStatus, after: OrderStatus) -> None:
        if after in TRANSITIONS[before]:
            assert order(before).moved(after, 5).status is after
        else:
            with pytest.raises(OrderStateError, match=f"ABCDEFGHIJ: {before} cannot become {after}"):
                order(before).moved(after, 5)

    @pytest.mark.parametrize("after", list(OrderStatus))
    def test_nobody_can_tell_who_would_deny_a_sent_order(self, after: OrderStatus) -> None:
        """Denied means that it never left: only an intent can be."""
        assert (S.DENIED in TRANSITIONS[after]) == (after is S.INTENT)

    @pytest.mark.parametrize("status", [S.FILLED, S.DENIED])
    def test_nothing_follows_the_very_end(self, status: OrderStatus) -> None:
        assert TRANSITIONS[status] == frozenset()

    def test_only_fills_follow_an_end(self) -> None:
        for status in FINAL:
            assert TRANSITIONS[status] <= {status, S.PARTIALLY_FILLED, S.FILLED}

    @pytest.mark.parametrize("reason", [Reason.AMBIGUOUS, Reason.PERSON])
    @pytest.mark.parametrize("after", sorted(ARRIVED_AFTER_ALL))
    def test_what_was_given_up_here_may_live_there(self, reason: Reason, after: OrderStatus) -> None:
        assert order(S.REJECTED, reason=reason).moved(after, 5).status is after
        with pytest.raises(OrderStateError):
            order(S.REJECTED, reason=Reason.BROKER).moved(after, 5)

    def test_keeps_its_reason_until_there_is_another(self) -> None:
        rejected = order(S.UNKNOWN, reason=Reason.AMBIGUOUS, text="time-out").moved(S.REJECTED, 7)
        assert (rejected.reason, rejected.text, rejected.ts_updated) == (Reason.AMBIGUOUS, "time-out", 7)
        assert order(S.UNKNOWN).moved(S.REJECTED, 7, reason=Reason.BROKER, text="no").text == "no"


class TestFills:
    def test_of_all_lots(self) -> None:
        filled = order(S.ACCEPTED).with_fill(22_801, 3, 9)
        assert (filled.status, filled.filled, filled.fill_value) == (S.FILLED, 3, 68_403)
        assert (filled.average_price, filled.remaining, filled.ts_updated) == (22_801, 0, 9)

    def test_of_some(self) -> None:
        part = order(S.SENT).with_fill(22_800, 1, 1).with_fill(22_802, 1, 2)
        assert (part.status, part.filled, part.remaining, part.average_price) == (
            S.PARTIALLY_FILLED,
            2,
            1,
            22_801.0,
        )

    @pytest.mark.parametrize("end", [S.CANCELLED, S.EXPIRED])
    def test_that_come_late_never_reopen_an_order(self, end: OrderStatus) -> None:
        late = order(end).with_fill(22_800, 1, 1)
        assert (late.status, late.filled, late.remaining) == (end, 1, 0)
        assert late.with_fill(22_800, 2, 2).status is S.FILLED

    def test_of_more_than_was_ordered(self) -> None:
        with pytest.raises(OrderStateError, match="4 lots filled, but only 3 were ordered"):
            order(S.ACCEPTED).with_fill(22_800, 4, 1)

    @pytest.mark.parametrize("status", [S.FILLED, S.DENIED])
    def test_after_which_none_can_come(self, status: OrderStatus) -> None:
        with pytest.raises(OrderStateError):
            order(status).with_fill(22_800, 1, 1)

    def test_of_nothing_have_no_average(self) -> None:
        assert order().average_price is None

    @given(st.lists(st.tuples(st.integers(1, 50_000), st.integers(1, 5)), min_size=1, max_size=10))
    def test_add_up(self, fills: list[tuple[int, int]]) -> None:
        total = sum(lots for _, lots in fills)
        found = order(S.ACCEPTED, quantity=total)
        for number, (price, lots) in enumerate(fills):
            found = found.with_fill(price, lots, number)
        assert (found.filled, found.status) == (total, S.FILLED)
        assert found.fill_value == sum(price * lots for price, lots in fills)


def test_the_intent_of_a_command_is_the_command() -> None:
    command = SubmitOrder(
        client_order_id="ABCDEFGHIJ",
        account="a",
        symbol="TXFK4",
        side=Side.SELL,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
        price=0,
        quantity=2,
        reduce_only=True,
        signal_id="c/stop_loss/1",
        condition_id="c",
        tick_seq=17,
    )
    intent = Order.from_command(command, 5)
    for name in SubmitOrder.__slots__:
        assert getattr(intent, name) == getattr(command, name)
    assert (intent.status, intent.ts_created, intent.ts_updated) == (S.INTENT, 5, 5)


class TestIds:
    def test_of_a_signal(self) -> None:
        assert signal_id("c1", Leg.STOP_LOSS, 2) == "c1/stop_loss/2"

    @given(st.text(min_size=1))
    def test_of_an_order_is_ten_ascii_characters_for_good(self, text: str) -> None:
        made = client_order_id(text)
        assert len(made) == 10
        assert made.isascii()
        assert set(made) <= set(string.ascii_letters + string.digits + "-_")
        assert client_order_id(text) == made

    def test_are_the_same_on_every_machine(self) -> None:
        assert client_order_id("c1/entry/1") == "U2bMXJmA3D"

    def test_of_a_hundred_thousand_signals_differ(self) -> None:
        assert len({client_order_id(f"c{n}/entry/1") for n in range(100_000)}) == 100_000
