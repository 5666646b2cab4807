from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.brokers.matching import Accepted, Cancelled, ChangeRefused, Event, Expired, Rejected, Traded
from engine.brokers.print_matching import PrintMatcher
from engine.brokers.rules import ContractRules, Ticket
from engine.formats.taifex import Print
from engine.model.instrument import instrument
from engine.model.order import OrderType, Reason, Side, TimeInForce
from engine.model.session import SessionKind, TradingCalendar
from engine.timing import NS_PER_S

CALENDAR = TradingCalendar()
DAY = CALENDAR.session(date(2024, 11, 5), SessionKind.DAY)
NOON = DAY.open_ns + 3 * 3600 * NS_PER_S
LIMIT, MARKET, RANGE = OrderType.LIMIT, OrderType.MARKET, OrderType.RANGE_MARKET
ROD, IOC, FOK = TimeInForce.ROD, TimeInForce.IOC, TimeInForce.FOK


class Run:
    """A matcher with prints that come one after the other."""

    def __init__(self) -> None:
        item = instrument("TXFK4", near=date(2024, 11, 5), calendar=CALENDAR)
        self.matcher = PrintMatcher(ContractRules(instrument=item, calendar=CALENDAR))
        self.number = 0

    def enter(self, order_id: int, side: Side, **changes: Any) -> list[Event]:
        values: dict[str, Any] = {"order_type": MARKET, "time_in_force": IOC, "price": 0, "quantity": 1}
        cause = changes.pop("cause", self.number)
        ticket = Ticket(order_id=order_id, side=side, **(values | changes))
        return self.matcher.submit(ticket, (cause, f"order{order_id:05}"), 22_800, NOON)

    def print(self, price: int, lots: int) -> list[Event]:
        self.number += 1
        return self.matcher.match(self.number, Print(NOON, price, lots))


def fills(events: list[Event]) -> list[tuple[int, int, int, int]]:
    """Order, price, lots and number of the print of each execution."""
    return [
        (item.buy_id or item.sell_id, item.price, item.quantity, item.seq)
        for item in events
        if isinstance(item, Traded)
    ]


def test_market_order_trades_with_print_after_print_until_it_is_filled() -> None:
    run = Run()
    assert run.enter(1, Side.BUY, quantity=4) == [Accepted(1, NOON)]
    assert fills(run.print(22801, 1)) == [(1, 22801, 1, 1)]
    assert fills(run.print(22805, 2)) == [(1, 22805, 2, 2)]
    assert fills(run.print(22790, 9)) == [(1, 22790, 1, 3)]
    assert not run.matcher


def test_order_does_not_trade_with_the_print_that_caused_it() -> None:
    run = Run()
    run.print(22800, 5)
    run.enter(1, Side.SELL, cause=2)
    assert fills(run.print(22801, 5)) == []  # number 2, its cause
    assert fills(run.print(22802, 5)) == [(1, 22802, 1, 3)]


def test_late_order_still_meets_the_prints_after_its_cause() -> None:
    run = Run()
    for price in (22800, 22801, 22802):
        run.print(price, 2)
    run.enter(1, Side.BUY, cause=1)
    assert run.matcher.first_unseen == 2
    assert fills(run.matcher.match(2, Print(NOON, 22801, 2))) == [(1, 22801, 1, 2)]


def test_lots_of_a_print_are_shared_by_cause_and_then_by_client_order_id() -> None:
    run = Run()
    run.print(22800, 1)
    run.enter(3, Side.BUY, quantity=2, cause=1)
    run.enter(2, Side.BUY, quantity=2, cause=1)
    run.enter(1, Side.BUY, quantity=2, cause=0)
    assert fills(run.print(22801, 5)) == [(1, 22801, 2, 2), (2, 22801, 2, 2), (3, 22801, 1, 2)]


def test_buyers_and_sellers_do_not_take_lots_from_each_other() -> None:
    run = Run()
    run.enter(1, Side.BUY, quantity=2)
    run.enter(2, Side.SELL, quantity=2)
    assert fills(run.print(22801, 2)) == [(1, 22801, 2, 1), (2, 22801, 2, 1)]


def test_limit_order_takes_the_first_print_at_that_prints_price() -> None:
    run = Run()
    run.enter(1, Side.BUY, order_type=LIMIT, time_in_force=ROD, price=22805, quantity=3)
    assert fills(run.print(22800, 2)) == [(1, 22800, 2, 1)]
    # From here on it rests: at its own price, and only when traded through.
    assert fills(run.print(22805, 9)) == []
    assert fills(run.print(22804, 9)) == [(1, 22805, 1, 3)]


@pytest.mark.parametrize(("side", "touch", "through"), [(Side.BUY, 22790, 22789), (Side.SELL, 22810, 22811)])
def test_resting_limit_order_needs_a_print_beyond_its_limit(side: Side, touch: int, through: int) -> None:
    run = Run()
    run.enter(1, side, order_type=LIMIT, time_in_force=ROD, price=touch)
    assert fills(run.print(22800, 9)) == []
    assert fills(run.print(touch, 9)) == []
    assert fills(run.print(through, 9)) == [(1, touch, 1, 3)]


@pytest.mark.parametrize(("price", "filled"), [(22805, 2), (22790, 0)])
def test_ioc_limit_order_meets_one_print_only(price: int, filled: int) -> None:
    run = Run()
    run.enter(1, Side.BUY, order_type=LIMIT, price=price, quantity=3)
    events = run.print(22800, 2)
    assert sum(item[2] for item in fills(events)) == filled
    assert events[-1] == Cancelled(1, Reason.KILLED, NOON)
    assert not run.matcher


@pytest.mark.parametrize("order_type", OrderType)
@pytest.mark.parametrize(("lots", "filled"), [(3, 3), (2, 0)])
def test_fok_needs_enough_lots_in_one_print(order_type: OrderType, lots: int, filled: int) -> None:
    run = Run()
    price = 22805 if order_type is LIMIT else 0
    run.enter(1, Side.BUY, order_type=order_type, time_in_force=FOK, price=price, quantity=3)
    events = run.print(22800, lots)
    assert sum(item[2] for item in fills(events)) == filled
    assert (Cancelled(1, Reason.KILLED, NOON) in events) == (not filled)


def test_range_market_order_takes_no_print_far_from_its_cause() -> None:
    run = Run()
    run.enter(1, Side.BUY, order_type=RANGE)
    assert fills(run.print(23_029, 1)) == []  # 22800 + 1 % is 23028
    assert fills(run.print(23_028, 1)) == [(1, 23_028, 1, 2)]


def test_end_of_the_session_kills_ioc_and_expires_rod() -> None:
    run = Run()
    run.enter(1, Side.BUY)
    run.enter(2, Side.BUY, order_type=LIMIT, time_in_force=ROD, price=22000)
    assert run.matcher.expire(DAY.close_ns) == []
    over = DAY.close_ns + 3600 * NS_PER_S
    assert run.matcher.is_over(over)
    assert run.matcher.expire(over) == [Cancelled(1, Reason.KILLED, DAY.close_ns), Expired(2, DAY.close_ns)]


def test_same_caps_as_at_the_exchange() -> None:
    run = Run()
    asked: list[dict[str, Any]] = [
        {"quantity": 11},
        {"order_type": LIMIT, "price": 22800, "quantity": 101},
        {"order_type": LIMIT},
    ]
    for order_id, changes in enumerate(asked, 1):
        assert isinstance(run.enter(order_id, Side.BUY, **changes)[0], Rejected)


def test_cancelled_order_does_not_trade() -> None:
    run = Run()
    run.enter(1, Side.BUY, order_type=LIMIT, time_in_force=ROD, price=22700)
    assert run.matcher.cancel(1, NOON) == [Cancelled(1, Reason.NONE, NOON)]
    assert isinstance(run.matcher.cancel(1, NOON)[0], ChangeRefused)
    assert fills(run.print(22000, 9)) == []


def test_new_price_begins_anew_and_a_smaller_quantity_keeps_the_place() -> None:
    run = Run()
    for order_id in (1, 2, 3):
        run.enter(order_id, Side.BUY, order_type=LIMIT, time_in_force=ROD, price=22700, quantity=2)
    run.print(22800, 1)
    run.matcher.replace(1, 22750, 0, run.number, NOON)
    run.matcher.replace(1, 22700, 0, run.number, NOON)
    run.matcher.replace(2, 0, 1, run.number, NOON)
    # Order 1 is last now and has met no print since: it takes the print's price.
    assert fills(run.print(22690, 5)) == [(2, 22700, 1, 2), (3, 22700, 2, 2), (1, 22690, 2, 2)]


PRINTS = st.lists(st.tuples(st.integers(22_795, 22_805), st.integers(1, 5)), min_size=1, max_size=30)
ORDERS = st.lists(
    st.tuples(
        st.sampled_from(Side),
        st.sampled_from(OrderType),
        st.sampled_from(TimeInForce),
        st.integers(22_795, 22_805),
        st.integers(1, 6),
        st.integers(0, 30),
    ),
    max_size=8,
)


@given(PRINTS, ORDERS)
def test_no_print_gives_more_than_it_has_and_quiet_prints_give_nothing(
    prints: list[tuple[int, int]], orders: list[tuple[Side, OrderType, TimeInForce, int, int, int]]
) -> None:
    run = Run()
    wanted: dict[int, tuple[Side, OrderType, TimeInForce, int, int, int]] = {}
    for order_id, order in enumerate(orders, 1):
        side, order_type, life, price, lots, cause = order
        wanted[order_id] = order
        run.enter(
            order_id,
            side,
            order_type=order_type,
            time_in_force=life,
            price=price if order_type is LIMIT else 0,
            quantity=lots,
            cause=cause,
        )
    got: dict[int, int] = {}
    for price, lots in prints:
        is_quiet = run.matcher.is_quiet(run.number + 1, Print(NOON, price, lots))
        events = run.print(price, lots)
        assert not (is_quiet and events)
        taken = {Side.BUY: 0, Side.SELL: 0}
        for order_id, at, count, seq in fills(events):
            side, order_type, _, limit, _, cause = wanted[order_id]
            assert seq == run.number > cause
            assert order_type is not LIMIT or (limit - at) * side.sign >= 0
            assert (at - price) * side.sign >= 0  # never better than the print
            taken[side] += count
            got[order_id] = got.get(order_id, 0) + count
        assert max(taken.values()) <= lots
    for order_id, count in got.items():
        _, _, life, _, lots, _ = wanted[order_id]
        assert count <= lots
        assert life is not FOK or count == lots
