"""The contract between the gateway and any broker: what a broker does, tells, and may not do.

Rules that every adapter keeps (the contract tests check them):

* **Threads.** Methods are called on the gateway's thread and may block no longer than the broker's own time-out;
  the queries are called on a thread of their own, at the same time as the others.
  Listener methods may be called on any thread, never from within a method call that holds a lock, and never block.
* **Order of events.** For one order: reports come in the order in which the broker learnt them. Between orders,
  and between the trade and the quote side, nothing is promised; a fill may overtake the acceptance.
* **submit** returns when the broker's library has taken the order: it is *sent*, not accepted. ``BrokerRefused``
  means that nothing left; ``BrokerAmbiguous`` means that nobody knows (time-out, broken link): the gateway writes
  UNKNOWN, never calls again for the same order, and asks with :meth:`Broker.query_orders` later.
* **Notes.** The client order id travels with the order and comes back on every report, query and fill.
* **Reconnect.** After a link comes back the adapter subscribes again by itself; the gateway reconciles.
* **Prices** are scaled integers, times nanoseconds UTC of the market's clock, quantities lots.
"""

from dataclasses import dataclass, field
from typing import Protocol

from engine.model.market import Contract, Environment, LinkState
from engine.model.order import Fill, Order, OrderStatus, OrderType, Reason, Side, TimeInForce
from engine.model.position import Account
from engine.model.tick import Level
from engine.timing import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What a login needs. Never logged, never sent to another process.

    Attributes:
        user: login name.
        password: secret.
        url: server or environment of the broker.
        certificate: path of the certificate file, where the broker wants one.
        certificate_password: secret.
    """

    user: str
    password: str = field(default="", repr=False)
    url: str = ""
    certificate: str = ""
    certificate_password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """What the broker says of one order: a reply, or one record of a query.

    Attributes:
        client_order_id: the note; empty or foreign for orders made elsewhere.
        broker_order_id: the broker's number.
        status: ACCEPTED, PARTIALLY_FILLED, FILLED, CANCELLED, EXPIRED or REJECTED.
        account: order account.
        symbol: contract code.
        side: buy or sell.
        order_type: limit, market or range-market.
        time_in_force: ROD, IOC or FOK.
        price: limit price now.
        quantity: lots ordered now (after reductions).
        filled: lots filled.
        reason: why it ended.
        text: the broker's words.
        ts_event: exchange time.
    """

    client_order_id: str
    broker_order_id: str
    status: OrderStatus
    account: str
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    price: int
    quantity: int
    filled: int = 0
    reason: Reason = Reason.NONE
    text: str = ""
    ts_event: int = 0


@dataclass(frozen=True, slots=True)
class ApprovedOrder:
    """An order that has passed risk: nothing else can reach a broker. Only :mod:`engine.gateway.risk` makes one.

    Attributes:
        order: what passed, already cut to what it may reduce.
        is_reducing: it passed as an exit, and is attempted even where its intent cannot be written.
    """

    order: Order
    is_reducing: bool = False


class BrokerListener(Protocol):
    """Where a broker tells what happened. Every method is thread-safe and returns at once."""

    def on_tick(
        self, symbol: str, ts_event: int, price: int, quantity: int, total_volume: int, flags: int = 0
    ) -> None:
        """A trade print (see :class:`engine.model.tick.Tick`); the gateway numbers it."""

    def on_book(self, symbol: str, ts_event: int, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> None:
        """The five best levels of both sides."""

    def on_order(self, report: OrderReport) -> None:
        """A reply to an order, cancel or replace, or the end of an order."""

    def on_fill(self, fill: Fill) -> None:
        """An execution; the gateway drops one that it has already (by ``fill_id``)."""

    def on_link(self, link: str, state: LinkState, text: str = "") -> None:
        """The state of a link (``trade``, ``quote``) changed."""

    def on_contract(self, contract: Contract) -> None:
        """Reference price or limits of a contract changed."""

    def on_pace(self, round: int, position: int, now_ns: int, is_end: bool = False) -> None:
        """Paced brokers: everything before is told, ticks up to ``position`` may be processed."""


class Broker(Protocol):
    """One world that orders go to."""

    environment: Environment
    is_paced: bool
    """The market waits for the strategies (replay); then :meth:`on_watermark` is called."""

    @property
    def clock(self) -> Clock:
        """The market's clock."""

    def login(self, credentials: Credentials) -> tuple[Account, ...]:
        """Logs in and gives the order accounts; blocks.

        Raises:
            BrokerRefused: wrong credentials or no connection; the sentence says which.
        """

    def contracts(self) -> tuple[Contract, ...]:
        """What can be traded, with reference prices and limits."""

    def start(self, listener: BrokerListener) -> None:
        """Begins to tell. Called once, after login."""

    def subscribe(self, symbol: str) -> None:
        """Wants ticks and books of a contract; a second call does nothing."""

    def unsubscribe(self, symbol: str) -> None:
        """No longer wants them."""

    def submit(self, approved: ApprovedOrder) -> str:
        """Sends an order; returns the broker's order number, or an empty string where it comes later.

        Raises:
            BrokerRefused: nothing was sent.
            BrokerAmbiguous: nobody knows.
        """

    def cancel(self, order: Order) -> None:
        """Asks to cancel what is left; the outcome is a report.

        Raises:
            BrokerRefused: not working, or nothing was sent.
            BrokerAmbiguous: nobody knows; asking again is safe.
        """

    def replace(self, order: Order, price: int, quantity: int) -> None:
        """Asks for a new limit price (0 = unchanged) or a smaller total quantity (0 = unchanged).

        Raises:
            BrokerRefused: not possible, or nothing was sent.
            BrokerAmbiguous: nobody knows.
        """

    def query_orders(self, account: str) -> tuple[OrderReport, ...]:
        """Every order of the present trade date that the broker knows."""

    def query_fills(self, account: str) -> tuple[Fill, ...]:
        """Every execution of the present trade date."""

    def query_positions(self, account: str) -> dict[str, int]:
        """Net lots by symbol, negative when short."""

    def set_pacers(self, nodes: frozenset[str]) -> None:
        """Paced brokers: the strategy processes whose watermark the market waits for. Others ignore it."""

    def on_watermark(self, node: str, round: int, position: int) -> None:
        """Paced brokers: a strategy has answered a round and its signals are decided. Others ignore it."""

    def close(self) -> None:
        """Logs out and ends all threads; nothing is told afterwards."""
