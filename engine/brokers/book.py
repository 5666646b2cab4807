"""The order book of one contract: price levels of first-come queues. Knows priority, not rules or time."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass

from engine.model.order import OrderType, Side, TimeInForce
from engine.model.tick import Level


@dataclass(slots=True, eq=False)
class BookOrder:
    """A working order in a book.

    Attributes:
        order_id: the exchange's number.
        side: buy or sell.
        order_type: as it was entered.
        time_in_force: as it was entered.
        price: the price it stands at; for market and range-market orders the furthest they may trade.
        quantity: lots ordered, after reductions.
        filled: lots traded.
    """

    order_id: int
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    price: int
    quantity: int
    filled: int = 0

    @property
    def remaining(self) -> int:
        """Lots that may still trade."""
        return self.quantity - self.filled


class BookSide:
    """One side: the best price first, within a price the earliest order first."""

    def __init__(self, side: Side) -> None:
        self._sign = -side.sign  # bids are sorted downwards
        self._keys: list[int] = []
        self._queues: dict[int, dict[int, BookOrder]] = {}

    def __bool__(self) -> bool:
        return bool(self._keys)

    def __iter__(self) -> Iterator[BookOrder]:
        """All orders by priority."""
        for key in self._keys:
            yield from self._queues[key].values()

    @property
    def best(self) -> int | None:
        """The best price, None where the side is empty."""
        return self._keys[0] * self._sign if self._keys else None

    def first(self) -> BookOrder:
        """The order that trades next; the side is not empty."""
        return next(iter(self._queues[self._keys[0]].values()))

    def add(self, order: BookOrder) -> None:
        """Joins the end of the queue at the order's price."""
        key = order.price * self._sign
        queue = self._queues.get(key)
        if queue is None:
            insort(self._keys, key)
            queue = self._queues[key] = {}
        queue[order.order_id] = order

    def remove(self, order: BookOrder) -> None:
        """Leaves the book."""
        key = order.price * self._sign
        queue = self._queues[key]
        del queue[order.order_id]
        if not queue:
            del self._queues[key]
            del self._keys[bisect_left(self._keys, key)]

    def available(self, limit: int) -> int:
        """Lots at ``limit`` or better."""
        end = limit * self._sign
        lots = 0
        for key in self._keys:
            if key > end:
                break
            lots += sum(order.remaining for order in self._queues[key].values())
        return lots

    def levels(self, count: int) -> tuple[Level, ...]:
        """The best ``count`` price levels."""
        return tuple(
            Level(price=key * self._sign, quantity=sum(order.remaining for order in self._queues[key].values()))
            for key in self._keys[:count]
        )
