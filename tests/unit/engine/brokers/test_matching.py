from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.brokers.matching import (
    Accepted,
    Cancelled,
    ChangeRefused,
    Event,
    Expired,
    MatchingEngine,
    Rejected,
    Replaced,
    Traded,
)
from engine.brokers.rules import ContractRules, Ticket
from engine.model.instrument import instrument
from engine.model.order import OrderType, Reason, Side, TimeInForce
from engine.model.session import SessionKind, TradingCalendar
from engine.timing import NS_PER_S

CALENDAR = TradingCalendar()
DAY = CALENDAR.session(date(2024, 11, 5), SessionKind.DAY)
NIGHT = CALENDAR.session(date(2024, 11, 6), SessionKind.NIGHT)
NOON = DAY.open_ns + 3 * 3600 * NS_PER_S
REFERENCE = 22_800


def engine() -> MatchingEngine:
    rules = ContractRules(
        instrument=instrument("TXFK4", near=date(2024, 11, 5), calendar=CALENDAR),
        calendar=CALENDAR,
        reference_price=REFERENCE,
        limit_up=25_080,
        limit_down=20_520,
    )
    return MatchingEngine(rules)


def ticket(order_id: int, side: Side, price: int = 0, quantity: int = 1, **changes: Any) -> Ticket:
    values: dict[str, Any] = {
        "order_type": OrderType.LIMIT if price else OrderType.MARKET,
        "time_in_force": TimeInForce.ROD if price else TimeInForce.IOC,
    }
    return Ticket(order_id=order_id, side=side, price=price, quantity=quantity, **(values | changes))


def trades(events: list[Event]) -> list[tuple[int, int, int, int]]:
    return [
        (event.buy_id, event.sell_id, event.price, event.quantity) for event in events if isinstance(event, Traded)
    ]


def stocked() -> MatchingEngine:
    """Offers of 2 lots at 22801 (orders 1, 2), 3 at 22803 (order 3); bids of 4 at 22799 (order 4)."""
    book = engine()
    for number, side, price, lots in (
        (1, Side.SELL, 22801, 1),
        (2, Side.SELL, 22801, 1),
        (3, Side.SELL, 22803, 3),
        (4, Side.BUY, 22799, 4),
    ):
        assert book.submit(ticket(number, side, price, lots), NOON) == [Accepted(number, NOON)]
    return book


# ------------------------------------------------------------------------------------------- matching


def test_best_price_first_then_the_earliest() -> None:
    events = stocked().submit(ticket(10, Side.BUY, 22803, 4), NOON)
    assert trades(events) == [(10, 1, 22801, 1), (10, 2, 22801, 1), (10, 3, 22803, 2)]


def test_rest_of_a_rod_order_waits_at_its_limit() -> None:
    book = stocked()
    assert trades(book.submit(ticket(10, Side.BUY, 22802, 5), NOON)) == [
        (10, 1, 22801, 1),
        (10, 2, 22801, 1),
    ]
    assert book.best(Side.BUY) == 22802
    assert trades(book.submit(ticket(11, Side.SELL, 22802, 1), NOON)) == [(10, 11, 22802, 1)]


def test_rest_of_an_ioc_order_is_killed() -> None:
    book = stocked()
    events = book.submit(ticket(10, Side.BUY, 22801, 5, time_in_force=TimeInForce.IOC), NOON)
    assert len(trades(events)) == 2
    assert events[-1] == Cancelled(10, Reason.KILLED, NOON)
    assert book.best(Side.BUY) == 22799


@pytest.mark.parametrize(("lots", "traded"), [(5, 5), (6, 0)])
def test_fok_trades_whole_or_not_at_all(lots: int, traded: int) -> None:
    events = stocked().submit(ticket(10, Side.BUY, 22803, lots, time_in_force=TimeInForce.FOK), NOON)
    assert sum(item[3] for item in trades(events)) == traded
    assert (events[-1] == Cancelled(10, Reason.KILLED, NOON)) == (traded == 0)


def test_market_order_takes_every_level() -> None:
    events = stocked().submit(ticket(10, Side.BUY, quantity=7), NOON)
    assert sum(item[3] for item in trades(events)) == 5
    assert events[-1] == Cancelled(10, Reason.KILLED, NOON)


def test_rest_of_a_market_rod_order_waits_at_the_daily_limit() -> None:
    book = stocked()
    book.submit(ticket(10, Side.SELL, quantity=5, time_in_force=TimeInForce.ROD), NOON)
    assert book.best(Side.SELL) == 20_520
    assert trades(book.submit(ticket(11, Side.BUY, 22790, 1), NOON)) == [(11, 10, 20_520, 1)]


def test_range_market_order_trades_within_its_band_only() -> None:
    book = stocked()
    book.submit(ticket(5, Side.SELL, 23_040, 2), NOON)
    events = book.submit(ticket(10, Side.BUY, quantity=9, order_type=OrderType.RANGE_MARKET), NOON)
    assert [price for _, _, price, _ in trades(events)] == [22801, 22801, 22803]  # 22801 + 1 % is 23029
    assert events[-1] == Cancelled(10, Reason.KILLED, NOON)


def test_depth_shows_five_levels_with_their_lots() -> None:
    book = stocked()
    for step in range(6):
        book.submit(ticket(20 + step, Side.BUY, 22790 - step, 2), NOON)
    bids, asks = book.depth()
    assert [(level.price, level.quantity) for level in asks] == [(22801, 2), (22803, 3)]
    assert [level.price for level in bids] == [22799, 22790, 22789, 22788, 22787]


# ------------------------------------------------------------------------------------- cancel and replace


def test_cancelled_order_does_not_trade() -> None:
    book = stocked()
    assert book.cancel(1, NOON) == [Cancelled(1, Reason.NONE, NOON)]
    assert trades(book.submit(ticket(10, Side.BUY, 22801, 5), NOON)) == [(10, 2, 22801, 1)]


def test_what_is_not_working_cannot_be_changed() -> None:
    book = stocked()
    for events in (book.cancel(99, NOON), book.replace(99, 22800, 0, NOON)):
        assert isinstance(events[0], ChangeRefused)
        assert events[0].refusal.reason is Reason.NOT_WORKING


def test_reduction_keeps_priority() -> None:
    book = engine()
    book.submit(ticket(1, Side.SELL, 22801, 5), NOON)
    book.submit(ticket(2, Side.SELL, 22801, 5), NOON)
    assert book.replace(1, 0, 2, NOON) == [Replaced(1, 22801, 2, NOON)]
    assert trades(book.submit(ticket(10, Side.BUY, 22801, 3), NOON)) == [
        (10, 1, 22801, 2),
        (10, 2, 22801, 1),
    ]


def test_new_price_loses_priority() -> None:
    book = engine()
    book.submit(ticket(1, Side.SELL, 22801, 1), NOON)
    book.submit(ticket(2, Side.SELL, 22801, 1), NOON)
    book.replace(1, 22802, 0, NOON)
    book.replace(1, 22801, 0, NOON)
    assert trades(book.submit(ticket(10, Side.BUY, 22801, 1), NOON)) == [(10, 2, 22801, 1)]


def test_new_price_can_trade_at_once() -> None:
    book = stocked()
    events = book.replace(4, 22801, 0, NOON)
    assert events[0] == Replaced(4, 22801, 4, NOON)
    assert trades(events) == [(4, 1, 22801, 1), (4, 2, 22801, 1)]


@pytest.mark.parametrize(
    ("price", "quantity", "reason"),
    [
        (26_000, 0, Reason.PRICE_LIMIT),
        (0, 5, Reason.INVALID),
        (0, 1, Reason.INVALID),
    ],
)
def test_impossible_replace_is_refused_and_changes_nothing(price: int, quantity: int, reason: Reason) -> None:
    book = stocked()
    book.submit(ticket(10, Side.SELL, 22799, 1), NOON)  # fills 1 of the 4 lots of order 4
    events = book.replace(4, price, quantity, NOON)
    assert isinstance(events[0], ChangeRefused)
    assert events[0].refusal.reason is reason
    assert book.depth()[0][0].quantity == 3


# ------------------------------------------------------------------------------------------ rules


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        (ticket(1, Side.BUY, quantity=11), Reason.ORDER_SIZE),
        (ticket(1, Side.BUY, 22800, 101), Reason.ORDER_SIZE),
        (ticket(1, Side.BUY, 22800, 0), Reason.ORDER_SIZE),
        (ticket(1, Side.BUY, quantity=101, order_type=OrderType.RANGE_MARKET), Reason.ORDER_SIZE),
        (ticket(1, Side.BUY, 25_081), Reason.PRICE_LIMIT),
        (ticket(1, Side.SELL, 20_519), Reason.PRICE_LIMIT),
        (ticket(1, Side.BUY, order_type=OrderType.LIMIT), Reason.NO_PRICE),
    ],
)
def test_what_the_exchange_does_not_take(order: Ticket, reason: Reason) -> None:
    (event,) = engine().submit(order, NOON)
    assert isinstance(event, Rejected)
    assert event.refusal.reason is reason


def test_market_orders_are_smaller_by_night() -> None:
    at = NIGHT.open_ns + NS_PER_S
    assert isinstance(engine().submit(ticket(1, Side.BUY, quantity=6), at)[-1], Rejected)
    assert isinstance(engine().submit(ticket(1, Side.BUY, quantity=5), at)[0], Accepted)


@pytest.mark.parametrize("at", [DAY.close_ns + 60 * NS_PER_S, DAY.open_ns - 16 * 60 * NS_PER_S])
def test_closed_market_takes_nothing(at: int) -> None:
    (event,) = engine().submit(ticket(1, Side.BUY, 22800), at)
    assert isinstance(event, Rejected)
    assert event.refusal.reason is Reason.SESSION_CLOSED


def test_orders_die_with_their_session() -> None:
    book = engine()
    book.submit(ticket(1, Side.BUY, 22800), NOON)
    assert book.advance(DAY.close_ns) == []
    assert book.advance(DAY.close_ns + 2 * NS_PER_S) == [Expired(1, DAY.close_ns)]
    assert book.best(Side.BUY) is None


# ------------------------------------------------------------------------------------------ the open


def test_auction_has_one_price_with_the_largest_volume() -> None:
    book = engine()
    before = DAY.open_ns - 5 * 60 * NS_PER_S
    for number, side, price, lots in (
        (1, Side.BUY, 22805, 3),
        (2, Side.BUY, 22803, 2),
        (3, Side.BUY, 22800, 5),
        (4, Side.SELL, 22799, 2),
        (5, Side.SELL, 22802, 4),
        (6, Side.SELL, 22806, 9),
    ):
        assert trades(book.submit(ticket(number, side, price, lots), before)) == []
    events = book.advance(DAY.open_ns)
    assert trades(events) == [(1, 4, 22802, 2), (1, 5, 22802, 1), (2, 5, 22802, 2)]
    assert all(event.is_opening for event in events if isinstance(event, Traded))
    assert not book.is_crossed


def test_market_orders_take_part_in_the_auction() -> None:
    book = engine()
    before = DAY.open_ns - 5 * 60 * NS_PER_S
    book.submit(ticket(1, Side.BUY, quantity=2), before)
    book.submit(ticket(2, Side.SELL, 22810, 1), before)
    assert book.advance(DAY.open_ns) == [
        Traded(22810, 1, DAY.open_ns, 1, 2, is_opening=True),
        Cancelled(1, Reason.KILLED, DAY.open_ns),
    ]


def test_nothing_is_changed_in_the_last_two_minutes_before_the_open() -> None:
    book = engine()
    book.submit(ticket(1, Side.BUY, 22800), DAY.open_ns - 300 * NS_PER_S)
    at = DAY.open_ns - 60 * NS_PER_S
    assert isinstance(book.submit(ticket(2, Side.BUY, 22800), at)[0], Accepted)
    for events in (book.cancel(1, at), book.replace(1, 22801, 0, at)):
        assert isinstance(events[0], ChangeRefused)
        assert events[0].refusal.reason is Reason.FORBIDDEN


def test_fok_is_not_taken_before_the_open() -> None:
    early = ticket(1, Side.BUY, 22800, time_in_force=TimeInForce.FOK)
    assert isinstance(engine().submit(early, DAY.open_ns - 300 * NS_PER_S)[0], Rejected)


# ------------------------------------------------------------------------------------------ properties

PRICES = st.integers(22_795, 22_805)
SUBMIT = st.tuples(
    st.just("submit"),
    st.sampled_from(Side),
    st.sampled_from(OrderType),
    st.sampled_from(TimeInForce),
    PRICES,
    st.integers(1, 6),
)
CANCEL = st.tuples(st.just("cancel"), st.integers(1, 40))
REPLACE = st.tuples(st.just("replace"), st.integers(1, 40), st.one_of(st.just(0), PRICES), st.integers(0, 6))
ACTIONS = st.lists(st.one_of(SUBMIT, SUBMIT, SUBMIT, CANCEL, REPLACE), max_size=60)


@dataclass
class Witness:
    """Follows the events of an engine on its own and knows what must hold after each."""

    book: MatchingEngine
    tickets: dict[int, Ticket] = field(default_factory=dict)
    filled: dict[int, int] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)

    def act(self, action: tuple[Any, ...], now_ns: int) -> list[Event]:
        if action[0] == "cancel":
            return self.book.cancel(action[1], now_ns)
        if action[0] == "replace":
            return self.book.replace(action[1], action[2], action[3], now_ns)
        number = len(self.tickets) + 1
        _, side, order_type, life, price, lots = action
        self.tickets[number] = ticket(number, side, price, lots, order_type=order_type, time_in_force=life)
        return self.book.submit(self.tickets[number], now_ns)

    def take(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, Traded):
                for number in (event.buy_id, event.sell_id):
                    assert number not in self.ended
                    self.filled[number] = self.filled.get(number, 0) + event.quantity
            elif isinstance(event, Cancelled | Expired | Rejected):
                assert event.order_id not in self.ended
                self.ended.add(event.order_id)

    def check(self) -> None:
        for number, item in self.tickets.items():
            working = self.book.order(number)
            assert self.filled.get(number, 0) <= item.quantity
            if working is not None:
                assert number not in self.ended
                assert working.filled == self.filled.get(number, 0)
                assert working.remaining > 0
        for side, levels in zip((Side.BUY, Side.SELL), self.book.depth(1000), strict=True):
            queue = self.book.queue(side)
            assert sum(level.quantity for level in levels) == sum(order.remaining for order in queue)


@given(ACTIONS)
def test_book_is_never_crossed_and_no_lot_is_lost_or_made(actions: list[tuple[Any, ...]]) -> None:
    witness = Witness(engine())
    for step, action in enumerate(actions):
        events = witness.act(action, NOON + step)
        witness.take(events)
        witness.check()
        assert not witness.book.is_crossed


@given(ACTIONS)
def test_nobody_is_overtaken(actions: list[tuple[Any, ...]]) -> None:
    """Whatever trades against an incoming order is the first of its side's queue at that moment."""
    witness = Witness(engine())
    for step, action in enumerate(actions):
        queues = {side: [order.order_id for order in witness.book.queue(side)] for side in Side}
        prices = {order.order_id: order.price for side in Side for order in witness.book.queue(side)}
        own = len(witness.tickets) + 1 if action[0] == "submit" else action[1]
        for event in witness.act(action, NOON + step):
            if isinstance(event, Traded):
                side = Side.SELL if event.buy_id == own else Side.BUY
                resting = event.sell_id if side is Side.SELL else event.buy_id
                assert resting == queues[side][0]
                assert event.price == prices[resting]
                if witness.book.order(resting) is None:
                    queues[side].pop(0)


@given(ACTIONS)
def test_fok_is_all_or_nothing(actions: list[tuple[Any, ...]]) -> None:
    witness = Witness(engine())
    for step, action in enumerate(actions):
        witness.take(witness.act(action, NOON + step))
    for number, item in witness.tickets.items():
        if item.time_in_force is TimeInForce.FOK:
            assert witness.filled.get(number, 0) in (0, item.quantity)
            assert witness.book.order(number) is None


@given(st.lists(SUBMIT, max_size=40))
def test_auction_leaves_nothing_crossed_and_trades_all_that_one_price_can(
    actions: list[tuple[Any, ...]],
) -> None:
    witness = Witness(engine())
    before = DAY.open_ns - 10 * 60 * NS_PER_S
    for step, action in enumerate(actions):
        witness.take(witness.act(action, before + step))
    queues = {side: witness.book.queue(side) for side in Side}

    def volume(price: int) -> int:
        bought = sum(order.remaining for order in queues[Side.BUY] if order.price >= price)
        return min(bought, sum(order.remaining for order in queues[Side.SELL] if order.price <= price))

    candidates = {order.price for side in Side for order in queues[side]} | {REFERENCE}
    best = max(volume(price) for price in candidates)
    events = witness.book.advance(DAY.open_ns)
    witness.take(events)
    witness.check()
    assert sum(lots for *_, lots in trades(events)) == best
    assert len({price for _, _, price, _ in trades(events)}) <= 1
    assert not witness.book.is_crossed
