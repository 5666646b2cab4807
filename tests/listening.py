"""A broker listener that writes down what it is told, and orders to give to a broker."""

import threading
from collections.abc import Callable
from typing import Any

from engine.brokers.base import ApprovedOrder, OrderReport
from engine.model.market import Contract, LinkState
from engine.model.order import Fill, Order, OrderType, Side, TimeInForce
from engine.model.tick import Level

DEADLINE_S = 20.0


class RecordingListener:
    """Keeps everything in one list, in the order of the calls; ``wait`` ends as soon as a condition holds."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self._changed = threading.Condition()

    def _add(self, kind: str, what: Any) -> None:
        with self._changed:
            self.told.append((kind, what))
            self._changed.notify_all()

    def on_tick(
        self, symbol: str, ts_event: int, price: int, quantity: int, total_volume: int, flags: int = 0
    ) -> None:
        self._add("tick", (symbol, ts_event, price, quantity, total_volume, flags))

    def on_book(self, symbol: str, ts_event: int, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> None:
        self._add("book", (symbol, ts_event, bids, asks))

    def on_order(self, report: OrderReport) -> None:
        self._add("order", report)

    def on_fill(self, fill: Fill) -> None:
        self._add("fill", fill)

    def on_link(self, link: str, state: LinkState, text: str = "") -> None:
        self._add("link", (link, state))

    def on_contract(self, contract: Contract) -> None:
        self._add("contract", contract)

    def on_pace(self, round: int, position: int, now_ns: int, is_end: bool = False) -> None:
        self._add("pace", (round, position, is_end))

    def of(self, kind: str) -> list[Any]:
        """Everything of one kind so far."""
        with self._changed:
            return [what for name, what in self.told if name == kind]

    def reports(self, client_order_id: str) -> list[OrderReport]:
        """The reports on one order so far."""
        return [report for report in self.of("order") if report.client_order_id == client_order_id]

    def wait(self, condition: Callable[[], bool]) -> None:
        """Waits until it holds; fails after the deadline."""
        with self._changed:
            assert self._changed.wait_for(condition, DEADLINE_S), f"never happened; told: {self.told[-5:]}"


def order(client_order_id: str, account: str, symbol: str, side: Side = Side.BUY, **changes: Any) -> Order:
    """A market IOC order of one lot, unless said otherwise."""
    values: dict[str, Any] = {
        "order_type": OrderType.MARKET,
        "time_in_force": TimeInForce.IOC,
        "price": 0,
        "quantity": 1,
    }
    return Order(client_order_id=client_order_id, account=account, symbol=symbol, side=side, **(values | changes))


def approved(
    client_order_id: str, account: str, symbol: str, side: Side = Side.BUY, **changes: Any
) -> ApprovedOrder:
    """The same, as it comes out of the gateway."""
    return ApprovedOrder(order(client_order_id, account, symbol, side, **changes))
