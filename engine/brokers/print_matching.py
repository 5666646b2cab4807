"""Matches the trader's orders in one contract against replayed prints. Pure: no clock, no thread.

The file has prints and no book, so what an order would have met is not known; these rules never flatter it:

* An order can only trade with prints after the one that caused it (its *cause*), and only in its own session.
* A print of q lots has q lots to give to buyers and q to sellers; orders get them by (cause, client order id).
* Market and range-market orders, IOC and ROD, trade with print after print at the print's price until they are
  filled: the lots of prints stand in for the depth that is not in the file. A range-market order takes no print
  beyond 1 % from the price of its cause. The end of the session ends them (IOC: KILLED, ROD: expired).
* A limit order trades with the first following print that it meets if that is at its limit or better, at the
  print's price. From then on it rests, and trades at its own limit, only with prints beyond the limit: at the
  limit itself its place in the queue is not known. An IOC order meets that first print only.
* A FOK order of any type meets the first following print only, and trades where that has lots enough for all.
* A new limit price begins anew after the last print told; a smaller quantity keeps the order's place.

Size caps, tick size and session rules are those of the matching engine (:mod:`engine.brokers.rules`).
"""

from collections import Counter
from dataclasses import dataclass, field

from engine.brokers.matching import (
    NOT_WORKING,
    Accepted,
    Cancelled,
    ChangeRefused,
    Event,
    Expired,
    Rejected,
    Replaced,
    Traded,
)
from engine.brokers.rules import ContractRules, Refusal, Ticket
from engine.formats.taifex import Print
from engine.model.order import OrderType, Reason, Side, TimeInForce
from engine.model.session import Session


@dataclass(slots=True, eq=False)
class _Working:
    """A working order.

    Attributes:
        ticket: as it was entered.
        rank: its place in the queue: cause and client order id.
        session: where it lives.
        price: limit now; for range-market orders the furthest price, 0 for market orders.
        quantity: lots now.
        seen: number of the last print that it has met or is too late for.
        filled: lots traded.
        is_resting: it has met its first print.
    """

    ticket: Ticket
    rank: tuple[int, str]
    session: Session
    price: int
    quantity: int
    seen: int
    filled: int = 0
    is_resting: bool = False

    @property
    def remaining(self) -> int:
        return self.quantity - self.filled

    def is_over(self, now_ns: int) -> bool:
        """Whether its session has ended at that instant."""
        return now_ns > self.session.close_ns and not self.session.contains(now_ns)

    def takes(self, price: int) -> bool:
        """Whether the order would trade at that price if it could choose."""
        return not self.price or (self.price - price) * self.ticket.side.sign >= 0

    def fill_price(self, price: int) -> int | None:
        """What a print at ``price`` gives it, None where it does not trade."""
        if self.ticket.order_type is not OrderType.LIMIT or not self.is_resting:
            return price if self.takes(price) else None
        return self.price if self.takes(price) and price != self.price else None


@dataclass(slots=True)
class PrintMatcher:
    """The working orders of one contract and the prints that they meet.

    Args:
        rules: of the contract.
    """

    rules: ContractRules
    _working: dict[int, _Working] = field(default_factory=dict)
    _used: Counter[tuple[int, Side]] = field(default_factory=Counter)

    def __bool__(self) -> bool:
        return bool(self._working)

    @property
    def first_unseen(self) -> int:
        """Number of the earliest print that an order has not met yet; only where orders are working."""
        return min(order.seen for order in self._working.values()) + 1

    def submit(self, ticket: Ticket, rank: tuple[int, str], cause_price: int, now_ns: int) -> list[Event]:
        """A new order.

        Args:
            ticket: the order.
            rank: number of the print that caused it, and the client order id.
            cause_price: price of that print, 0 where there is none.
            now_ns: instant of that print.
        """
        refusal = self.rules.entry_refusal(ticket, now_ns)
        session = self.rules.order_session(now_ns)
        if refusal is None and ticket.order_type is OrderType.RANGE_MARKET and not cause_price:
            refusal = Refusal(Reason.NO_PRICE, "there is no price yet to measure the range from")
        if refusal is not None or session is None:
            return [Rejected(ticket.order_id, refusal or NOT_WORKING, now_ns)]
        price = {
            OrderType.LIMIT: ticket.price,
            OrderType.MARKET: 0,
            OrderType.RANGE_MARKET: self.rules.range_limit(ticket.side, cause_price),
        }[ticket.order_type]
        order = _Working(ticket, rank, session, price, ticket.quantity, rank[0])
        self._working[ticket.order_id] = order
        self._working = dict(sorted(self._working.items(), key=lambda item: item[1].rank))
        return [Accepted(ticket.order_id, now_ns)]

    def cancel(self, order_id: int, now_ns: int) -> list[Event]:
        """Takes what is left of an order out."""
        order = self._working.get(order_id)
        refusal = NOT_WORKING if order is None else self.rules.change_refusal(now_ns)
        if refusal is not None:
            return [ChangeRefused(order_id, refusal, now_ns)]
        del self._working[order_id]
        return [Cancelled(order_id, Reason.NONE, now_ns)]

    def replace(self, order_id: int, price: int, quantity: int, last: int, now_ns: int) -> list[Event]:
        """A new limit price or a smaller total quantity (0 = unchanged).

        Args:
            order_id: which order.
            price: new limit price.
            quantity: new total quantity.
            last: number of the last print told.
            now_ns: when.
        """
        order = self._working.get(order_id)
        if order is None:
            return [ChangeRefused(order_id, NOT_WORKING, now_ns)]
        refusal = self.rules.replace_refusal(
            order.ticket.order_type, order.quantity, order.filled, price, quantity, now_ns
        )
        if refusal is not None:
            return [ChangeRefused(order_id, refusal, now_ns)]
        order.quantity = quantity or order.quantity
        if price and price != order.price:
            order.price, order.is_resting = price, False
            order.seen = max(order.seen, last)
            order.rank = (order.seen, order.rank[1])
            self._working = dict(sorted(self._working.items(), key=lambda item: item[1].rank))
        return [Replaced(order_id, order.price, order.quantity, now_ns)]

    def is_quiet(self, number: int, item: Print) -> bool:
        """Whether a print gives nothing to any order."""
        return all(
            order.seen >= number or (order.is_resting and order.fill_price(item.price) is None)
            for order in self._working.values()
        )

    def is_over(self, now_ns: int) -> bool:
        """Whether the session of an order is over at that instant."""
        return any(order.is_over(now_ns) for order in self._working.values())

    def expire(self, now_ns: int) -> list[Event]:
        """Ends the orders whose session is over at that instant."""
        events: list[Event] = []
        for order_id, order in list(self._working.items()):
            if order.is_over(now_ns):
                events.append(self._ended(order))
                del self._working[order_id]
        return events

    def expire_all(self) -> list[Event]:
        """Ends all orders: there are no more prints."""
        events = [self._ended(order) for order in self._working.values()]
        self._working.clear()
        return events

    def match(self, number: int, item: Print) -> list[Event]:
        """The orders that have not met a print meet it."""
        events: list[Event] = []
        for order_id, order in list(self._working.items()):
            if order.seen < number:
                order.seen = number
                events += self._meet(order, number, item)
                if not order.remaining or (events and events[-1] == _killed(order, item)):
                    del self._working[order_id]
        return events

    def _meet(self, order: _Working, number: int, item: Print) -> list[Event]:
        side, life = order.ticket.side, order.ticket.time_in_force
        price = order.fill_price(item.price)
        lots = 0 if price is None else min(order.remaining, item.quantity - self._used[number, side])
        if life is TimeInForce.FOK and lots < order.remaining:
            lots = 0
        order.is_resting = True
        events: list[Event] = []
        if lots and price is not None:
            self._used[number, side] += lots
            order.filled += lots
            own = order.ticket.order_id
            buy_id, sell_id = (own, 0) if side is Side.BUY else (0, own)
            events.append(Traded(price, lots, item.ts_event, buy_id, sell_id, seq=number))
        is_once = life is TimeInForce.FOK or (
            life is TimeInForce.IOC and order.ticket.order_type is OrderType.LIMIT
        )
        if order.remaining and is_once:
            events.append(_killed(order, item))
        return events

    @staticmethod
    def _ended(order: _Working) -> Event:
        if order.ticket.time_in_force is TimeInForce.ROD:
            return Expired(order.ticket.order_id, order.session.close_ns)
        return Cancelled(order.ticket.order_id, Reason.KILLED, order.session.close_ns)


def _killed(order: _Working, item: Print) -> Cancelled:
    return Cancelled(order.ticket.order_id, Reason.KILLED, item.ts_event)
