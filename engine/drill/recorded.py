"""The prints of a recorded day as a market that waits for nobody: the exchange of a drill over a daily file.

A replay of :mod:`engine.brokers.replay` begins anew with the program; this one goes on while the program is dead.
Orders are matched against the prints by the same rules.
"""

import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from engine.brokers.base import ApprovedOrder, BrokerListener, Credentials, OrderReport
from engine.brokers.desk import Told
from engine.brokers.replay_market import (
    CancelRequest,
    ChangeRequest,
    ReplaceRequest,
    ReplayMarket,
    order_number,
)
from engine.brokers.tape import Tape
from engine.errors import BrokerRefused
from engine.formats import taifex
from engine.model.market import Contract, Environment, LinkState
from engine.model.order import Fill, Order, Reason
from engine.model.position import Account
from engine.model.session import TradingCalendar
from engine.timing import ManualClock

_STEP_S: Final = 0.005
_FIRST: Final = 200
"""Prints that have been when the drill begins."""


class RecordedExchange:
    """A :class:`engine.brokers.base.Broker` over one contract of a daily file.

    Args:
        path: a daily file, zip or csv.
        symbol: the contract.
        speed: market seconds in a second.
        calendar: sessions and trading days.

    Raises:
        DataFileError: the file cannot be read, or has no print of the contract.
    """

    environment = Environment.REPLAY
    is_paced = False

    def __init__(self, path: Path, symbol: str, speed: float, calendar: TradingCalendar) -> None:
        self._tape = Tape(taifex.read_many(path, (symbol,), calendar), calendar)
        self._market = ReplayMarket(self._tape, calendar)
        self._symbol, self._speed = symbol, speed
        self._told = min(_FIRST, len(self._tape))
        self.clock = ManualClock(self._tape.at(self._told).print.ts_event)
        self._account = ""
        self._lock = threading.Lock()
        self._orders: list[Order] = []
        self._changes: list[ChangeRequest] = []
        self._known: set[str] = set()
        self._listener: BrokerListener | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorded-exchange", daemon=True)

    @property
    def is_ended(self) -> bool:
        """All prints were told."""
        return self._told >= len(self._tape)

    # --- Broker --------------------------------------------------------------------------------------------------

    def login(self, credentials: Credentials) -> tuple[Account, ...]:
        """Anybody is welcome."""
        self._account = f"REC-{credentials.user}"
        return (Account(account=self._account, name=credentials.user),)

    def contracts(self) -> tuple[Contract, ...]:
        return self._market.contracts()

    def start(self, listener: BrokerListener) -> None:
        self._listener = listener
        self._thread.start()

    def subscribe(self, symbol: str) -> None:
        """Only checks that it is the one contract, which is always told."""
        if symbol != self._symbol:
            raise BrokerRefused(Reason.UNKNOWN_SYMBOL, f"{symbol} is not replayed.")

    def unsubscribe(self, symbol: str) -> None:
        """The one contract is always told."""

    def submit(self, approved: ApprovedOrder) -> str:
        order = approved.order
        with self._lock:
            if self.is_ended or self._stop.is_set():
                raise BrokerRefused(Reason.SESSION_CLOSED, "The recorded day has ended.")
            if order.account != self._account:
                raise BrokerRefused(Reason.UNKNOWN_ACCOUNT, f"{order.account} is no account of this login.")
            if order.symbol != self._symbol:
                raise BrokerRefused(Reason.UNKNOWN_SYMBOL, f"{order.symbol} is not replayed.")
            if order.client_order_id in self._known:
                raise BrokerRefused(Reason.DUPLICATE, f"Order {order.client_order_id} was sent before.")
            self._known.add(order.client_order_id)
            # The gateway numbers its ticks anew with every start: the order follows from the last print told.
            self._orders.append(replace(order, tick_seq=0))
        return order_number(order.client_order_id)

    def cancel(self, order: Order) -> None:
        self._change(CancelRequest(order.client_order_id))

    def replace(self, order: Order, price: int, quantity: int) -> None:
        self._change(ReplaceRequest(order.client_order_id, price, quantity))

    def query_orders(self, account: str) -> tuple[OrderReport, ...]:
        with self._lock:
            return self._market.reports(account)

    def query_fills(self, account: str) -> tuple[Fill, ...]:
        with self._lock:
            return self._market.fills(account)

    def query_positions(self, account: str) -> dict[str, int]:
        with self._lock:
            return self._market.positions(account)

    def set_pacers(self, nodes: frozenset[str]) -> None:
        """It waits for nobody."""

    def on_watermark(self, node: str, round: int, position: int) -> None:
        """It waits for nobody."""

    def close(self) -> None:
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    # --- its thread ----------------------------------------------------------------------------------------------

    def _change(self, request: ChangeRequest) -> None:
        with self._lock:
            own = request.client_order_id
            if own not in self._known or self._market.is_final(own) or self._stop.is_set():
                raise BrokerRefused(Reason.NOT_WORKING, f"Order {own} is not working.")
            self._changes.append(request)

    def _run(self) -> None:
        listener = self._listener
        assert listener is not None  # the thread begins in start()
        for link in ("trade", "quote"):
            listener.on_link(link, LinkState.UP)
        began, elapsed = time.monotonic_ns(), self._tape.elapsed[self._told - 1]
        while not self._stop.wait(_STEP_S):
            due = self._tape.due(elapsed + int((time.monotonic_ns() - began) * self._speed))
            with self._lock:
                told = self._step(max(due, self._told))
            self._tell(told, listener)
            self._show(max(due, self._told), listener)

    def _step(self, target: int) -> list[Told]:
        """Requests arrive behind the last print told, and meet those up to the target."""
        self.clock.move_to(self._tape.at(target).print.ts_event)
        orders, self._orders = self._orders, []
        changes, self._changes = self._changes, []
        told = self._market.take(orders, changes, self._told, self.clock.now_ns())
        return told + self._market.match(target)

    def _tell(self, told: list[Told], listener: BrokerListener) -> None:
        for item in told:
            if isinstance(item, Fill):
                listener.on_fill(item)
            else:
                listener.on_order(item)

    def _show(self, target: int, listener: BrokerListener) -> None:
        for tick in self._tape.ticks[self._told : target]:
            item = tick.print
            listener.on_tick(tick.symbol, item.ts_event, item.price, item.quantity, tick.total_volume, item.flags)
        self._told = target
