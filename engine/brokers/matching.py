"""A matching engine for one contract: orders and instants in, events out. No clock, no thread, no owner.

Price-time priority; limit, market and range-market orders; ROD, IOC and FOK; a call auction at the open; orders
die with their session. A market order has the daily limit as its price: with ROD its rest waits there. A
range-market order has the best opposite price plus 1 % as its price, before the open the reference price's.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

from engine.brokers.book import BookOrder, BookSide
from engine.brokers.rules import ContractRules, Refusal, Ticket
from engine.model.order import OrderType, Reason, Side, TimeInForce
from engine.model.session import Session
from engine.model.tick import Level

_NO_LIMIT = 10**12


@dataclass(frozen=True, slots=True)
class Accepted:
    """The exchange took an order."""

    order_id: int
    ts_event: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """The exchange refused an order."""

    order_id: int
    refusal: Refusal
    ts_event: int


@dataclass(frozen=True, slots=True)
class Traded:
    """Two orders traded.

    Attributes:
        price: scaled.
        quantity: lots.
        ts_event: when.
        buy_id: the buyer's order, 0 for a replayed print.
        sell_id: the seller's order, 0 for a replayed print.
        is_opening: in the call auction.
        seq: number of the replayed print, else 0.
    """

    price: int
    quantity: int
    ts_event: int
    buy_id: int
    sell_id: int
    is_opening: bool = False
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Cancelled:
    """What was left of an order is gone: by request, or KILLED as the rest of an IOC or FOK order."""

    order_id: int
    reason: Reason
    ts_event: int


@dataclass(frozen=True, slots=True)
class Expired:
    """The session of an order ended."""

    order_id: int
    ts_event: int


@dataclass(frozen=True, slots=True)
class Replaced:
    """An order has a new price or a smaller quantity."""

    order_id: int
    price: int
    quantity: int
    ts_event: int


@dataclass(frozen=True, slots=True)
class ChangeRefused:
    """A cancel or replace was refused; the order is as it was."""

    order_id: int
    refusal: Refusal
    ts_event: int


Event: TypeAlias = Accepted | Rejected | Traded | Cancelled | Expired | Replaced | ChangeRefused

NOT_WORKING = Refusal(Reason.NOT_WORKING, "the order is not working")


class MatchingEngine:
    """The exchange's engine for one contract.

    Instants never run back. Whoever drives it calls :meth:`advance` often enough for the auction and the end of
    a session to come in time; every other call does so by itself.

    Args:
        rules: of the contract on the present trade date.
    """

    def __init__(self, rules: ContractRules) -> None:
        self.rules = rules
        self._sides = {Side.BUY: BookSide(Side.BUY), Side.SELL: BookSide(Side.SELL)}
        self._orders: dict[int, BookOrder] = {}
        self._session: Session | None = None
        self._is_open = False

    @property
    def is_crossed(self) -> bool:
        """Orders stand in the book that would trade; only before an open."""
        bid, ask = self._sides[Side.BUY].best, self._sides[Side.SELL].best
        return bid is not None and ask is not None and bid >= ask

    def best(self, side: Side) -> int | None:
        """Best price of a side, None where it is empty."""
        return self._sides[side].best

    def depth(self, count: int = 5) -> tuple[tuple[Level, ...], tuple[Level, ...]]:
        """The best levels of both sides, bids first."""
        return self._sides[Side.BUY].levels(count), self._sides[Side.SELL].levels(count)

    def order(self, order_id: int) -> BookOrder | None:
        """A working order, None where it is not working."""
        return self._orders.get(order_id)

    def queue(self, side: Side) -> list[BookOrder]:
        """The working orders of a side by priority."""
        return list(self._sides[side])

    def advance(self, now_ns: int) -> list[Event]:
        """What the passing of time does: orders of an ended session expire, an open session is auctioned."""
        if self._is_open and self._session is not None and self._session.contains(now_ns):
            return []
        session = self.rules.order_session(now_ns)
        events: list[Event] = []
        if session != self._session:
            events += self._expire()
            self._session, self._is_open = session, False
        if session is not None and not self._is_open and session.contains(now_ns):
            self._is_open = True
            events += self._auction(session.open_ns)
        return events

    def submit(self, ticket: Ticket, now_ns: int) -> list[Event]:
        """A new order: refused, or accepted and matched."""
        events = self.advance(now_ns)
        refusal = self.rules.entry_refusal(ticket, now_ns)
        price = 0 if refusal else self._effective_price(ticket)
        if refusal is None and price is None:
            refusal = Refusal(Reason.NO_PRICE, "nobody offers a price to measure the range from")
        if refusal is not None or price is None:
            return [*events, Rejected(ticket.order_id, refusal or NOT_WORKING, now_ns)]
        order = BookOrder(
            ticket.order_id, ticket.side, ticket.order_type, ticket.time_in_force, price, ticket.quantity
        )
        events.append(Accepted(order.order_id, now_ns))
        self._enter(order, now_ns, events)
        return events

    def cancel(self, order_id: int, now_ns: int) -> list[Event]:
        """Takes what is left of an order out of the book."""
        events = self.advance(now_ns)
        order = self._orders.get(order_id)
        refusal = NOT_WORKING if order is None else self.rules.change_refusal(now_ns)
        if order is None or refusal is not None:
            return [*events, ChangeRefused(order_id, refusal or NOT_WORKING, now_ns)]
        self._leave(order)
        return [*events, Cancelled(order_id, Reason.NONE, now_ns)]

    def replace(self, order_id: int, price: int, quantity: int, now_ns: int) -> list[Event]:
        """A new limit price (loses priority, may trade at once) or a smaller total quantity (keeps it).

        Args:
            order_id: which order.
            price: new limit price, 0 = unchanged.
            quantity: new total quantity, 0 = unchanged.
            now_ns: when.
        """
        events = self.advance(now_ns)
        order = self._orders.get(order_id)
        refusal = NOT_WORKING
        if order is not None:
            found = self.rules.replace_refusal(
                order.order_type, order.quantity, order.filled, price, quantity, now_ns
            )
            if found is None:
                return events + self._change(order, price, quantity, now_ns)
            refusal = found
        return [*events, ChangeRefused(order_id, refusal, now_ns)]

    def set_limits(self, reference_price: int, limit_up: int, limit_down: int) -> None:
        """Reference price and limits of the next trade date; between sessions."""
        self.rules = replace(self.rules, reference_price=reference_price, limit_up=limit_up, limit_down=limit_down)

    def _change(self, order: BookOrder, price: int, quantity: int, now_ns: int) -> list[Event]:
        order.quantity = quantity or order.quantity
        is_moved = bool(price) and price != order.price
        events: list[Event] = [Replaced(order.order_id, price or order.price, order.quantity, now_ns)]
        if is_moved:
            self._leave(order)
            order.price = price
            self._enter(order, now_ns, events)
        return events

    def _effective_price(self, ticket: Ticket) -> int | None:
        """The furthest price that an order may trade at, None where there is nothing to measure from."""
        if ticket.order_type is OrderType.LIMIT:
            return ticket.price
        if ticket.order_type is OrderType.MARKET:
            return (self.rules.limit_up or _NO_LIMIT) if ticket.side is Side.BUY else self.rules.limit_down
        opposite = self._sides[ticket.side.opposite].best if self._is_open else None
        if opposite is None:
            opposite = self.rules.reference_price
        return self.rules.range_limit(ticket.side, opposite) if opposite else None

    def _enter(self, order: BookOrder, now_ns: int, events: list[Event]) -> None:
        """Trades what can be traded; the rest stands in the book or is killed."""
        if self._is_open:
            opposite = self._sides[order.side.opposite]
            if order.time_in_force is not TimeInForce.FOK or opposite.available(order.price) >= order.remaining:
                self._match(order, opposite, now_ns, events)
            if order.remaining and order.time_in_force is not TimeInForce.ROD:
                events.append(Cancelled(order.order_id, Reason.KILLED, now_ns))
                return
        if order.remaining:
            self._orders[order.order_id] = order
            self._sides[order.side].add(order)

    def _match(self, order: BookOrder, opposite: BookSide, now_ns: int, events: list[Event]) -> None:
        sign = order.side.sign
        while order.remaining and (best := opposite.best) is not None and (order.price - best) * sign >= 0:
            resting = opposite.first()
            lots = min(order.remaining, resting.remaining)
            buy, sell = (order, resting) if order.side is Side.BUY else (resting, order)
            self._trade(buy, sell, best, lots)
            events.append(Traded(best, lots, now_ns, buy.order_id, sell.order_id))

    def _trade(self, buy: BookOrder, sell: BookOrder, price: int, lots: int) -> None:
        for order in (buy, sell):
            order.filled += lots
            if not order.remaining and order.order_id in self._orders:
                self._leave(order)

    def _leave(self, order: BookOrder) -> None:
        del self._orders[order.order_id]
        self._sides[order.side].remove(order)

    def _expire(self) -> list[Event]:
        """The end of a session: IOC rests cannot be here, every order that is left was entered ROD."""
        closed_ns = self._session.close_ns if self._session else 0
        events: list[Event] = [Expired(order_id, closed_ns) for order_id in self._orders]
        for order in list(self._orders.values()):
            self._leave(order)
        return events

    def _auction(self, open_ns: int) -> list[Event]:
        """The call auction: one price for all; afterwards the rest of IOC orders is killed."""
        events: list[Event] = []
        price = self._auction_price()
        buys, sells = self._sides[Side.BUY], self._sides[Side.SELL]
        while price is not None and buys and sells:
            buy, sell = buys.first(), sells.first()
            if buy.price < price or sell.price > price:
                break
            lots = min(buy.remaining, sell.remaining)
            self._trade(buy, sell, price, lots)
            events.append(Traded(price, lots, open_ns, buy.order_id, sell.order_id, is_opening=True))
        for order in [item for item in self._orders.values() if item.time_in_force is TimeInForce.IOC]:
            self._leave(order)
            events.append(Cancelled(order.order_id, Reason.KILLED, open_ns))
        return events

    def _auction_price(self) -> int | None:
        """The price with the largest volume; then the smallest surplus; then the nearest to the reference."""
        if not self.is_crossed:
            return None
        buys, sells = self._sides[Side.BUY], self._sides[Side.SELL]
        prices = {order.price for order in (*buys, *sells) if order.order_type is OrderType.LIMIT}
        reference = self.rules.reference_price
        if reference:
            prices.add(reference)
        if not prices:
            return None

        def merit(price: int) -> tuple[int, int, int, int]:
            bought, sold = buys.available(price), sells.available(price)
            return min(bought, sold), -abs(bought - sold), -abs(price - reference), -price

        best = max(prices, key=merit)
        return best if merit(best)[0] else None
