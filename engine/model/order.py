"""An order's whole life: the commands that begin it, the reports that move it and the one table of transitions.

An :class:`Order` is a value; :meth:`Order.moved` gives the next one or refuses.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from engine.errors import OrderStateError


class Side(StrEnum):
    """Direction of an order or fill."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for buying, -1 for selling."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(StrEnum):
    """The exchange's order types; it knows no stop orders."""

    LIMIT = "limit"
    MARKET = "market"
    RANGE_MARKET = "range_market"
    """MWP: a market order that trades no further than a band around the market."""


class TimeInForce(StrEnum):
    """How long an order lives."""

    ROD = "ROD"
    """Rest of day: until its session ends."""
    IOC = "IOC"
    """Immediate or cancel: the rest is cancelled at once."""
    FOK = "FOK"
    """Fill or kill: all at once or nothing."""


class OrderStatus(StrEnum):
    """Where an order is in its life."""

    INTENT = "intent"
    """In the ledger, the broker not yet called."""
    SENT = "sent"
    """The broker's library took it; the exchange has not answered."""
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    """Its session ended."""
    DENIED = "denied"
    """We refused it; it never left."""
    REJECTED = "rejected"
    """The broker or the exchange refused it."""
    UNKNOWN = "unknown"
    """Nobody knows whether it reached the broker; ends by reconciliation or by a person."""

    @property
    def is_final(self) -> bool:
        """Nothing more is expected to happen."""
        return self in FINAL

    @property
    def is_working(self) -> bool:
        """May still trade."""
        return self in WORKING


FINAL: Final = frozenset(
    {
        OrderStatus.FILLED,
        OrderStatus.CANCELLED,
        OrderStatus.EXPIRED,
        OrderStatus.DENIED,
        OrderStatus.REJECTED,
    }
)
WORKING: Final = frozenset(OrderStatus) - FINAL - {OrderStatus.INTENT}

_S = OrderStatus
TRANSITIONS: Final[dict[OrderStatus, frozenset[OrderStatus]]] = {
    # A report comes before the call's answer only where that answer was never written.
    _S.INTENT: frozenset(
        {
            _S.SENT,
            _S.UNKNOWN,
            _S.ACCEPTED,
            _S.PARTIALLY_FILLED,
            _S.FILLED,
            _S.CANCELLED,
            _S.EXPIRED,
            _S.REJECTED,
            _S.DENIED,
        }
    ),
    # Replies race: a fill can overtake its acceptance, and a cancel the acceptance.
    _S.SENT: frozenset(
        {_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.REJECTED, _S.UNKNOWN}
    ),
    # Reconciliation may find anything, also that the order never arrived.
    _S.UNKNOWN: frozenset(
        {_S.SENT, _S.ACCEPTED, _S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.REJECTED}
    ),
    _S.ACCEPTED: frozenset(
        {_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.REJECTED, _S.UNKNOWN}
    ),
    _S.PARTIALLY_FILLED: frozenset({_S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELLED, _S.EXPIRED, _S.UNKNOWN}),
    # Real-world possibility: the fill report arrives after the report that ended the order.
    _S.CANCELLED: frozenset({_S.CANCELLED, _S.FILLED}),
    _S.EXPIRED: frozenset({_S.EXPIRED, _S.FILLED}),
    _S.FILLED: frozenset(),
    _S.DENIED: frozenset(),
    # Real-world possibility: a reject that answers a lost reply's duplicate while the first one trades.
    _S.REJECTED: frozenset({_S.PARTIALLY_FILLED, _S.FILLED}),
}
ARRIVED_AFTER_ALL: Final = frozenset({_S.ACCEPTED, _S.CANCELLED, _S.EXPIRED})
"""Real-world possibility: an order that was given up, as the broker did not know it, arrived all the same."""


class Reason(StrEnum):
    """Why an order, signal or request was refused or ended. ASCII codes; the text is the screen's business."""

    NONE = ""
    ORDER_SIZE = "order_size"
    POSITION_LIMIT = "position_limit"
    PRICE_BAND = "price_band"
    PRICE_LIMIT = "price_limit"
    TICK_SIZE = "tick_size"
    SESSION_CLOSED = "session_closed"
    STALE_FEED = "stale_feed"
    NO_PRICE = "no_price"
    HALTED = "halted"
    NOT_REDUCING = "not_reducing"
    """No lots are left to close."""
    EXIT_WORKING = "exit_working"
    """Other working orders close them already."""
    NOT_CONNECTED = "not_connected"
    UNKNOWN_SYMBOL = "unknown_symbol"
    UNKNOWN_ACCOUNT = "unknown_account"
    UNKNOWN_ORDER = "unknown_order"
    UNKNOWN_CONDITION = "unknown_condition"
    NOT_WORKING = "not_working"
    STALE_SIGNAL = "stale_signal"
    DUPLICATE = "duplicate"
    INVALID = "invalid"
    FORBIDDEN = "forbidden"
    LEDGER = "ledger"
    BROKER = "broker"
    AMBIGUOUS = "ambiguous"
    SESSION_ENDED = "session_ended"
    PERSON = "person"
    KILLED = "killed"
    """The exchange ended the rest of an IOC or FOK order."""
    TOTAL_POSITION = "total_position"
    DAILY_LOSS = "daily_loss"
    ORDER_RATE = "order_rate"
    ORDERS_A_DAY = "orders_a_day"
    MARGIN = "margin"
    SESSION_CLOSING = "session_closing"
    """The session is about to close."""
    RECONCILING = "reconciling"
    """The ledger has not been compared with the broker yet."""
    OTHER_CANCELS = "other_cancels"
    """The other condition of its one-cancels-other group entered first."""
    GAP = "gap"
    """Ticks are missing and cannot be had again."""
    TOO_MANY_REQUESTS = "too_many_requests"
    EXTERNAL = "external"
    """It was made elsewhere; this program does not touch it."""
    DIFFERENCE = "difference"
    """Our books and the broker's differ in this contract."""
    SETTLED = "settled"
    """The contract expired; the exchange settles what is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitOrder:
    """A command: put this order into the market. Idempotent by ``client_order_id`` and by ``signal_id``.

    Attributes:
        client_order_id: ten ASCII characters; travels in the broker's note field.
        account: order account.
        symbol: contract code.
        side: buy or sell.
        order_type: limit, market or range-market.
        time_in_force: ROD, IOC or FOK; the exchange takes market and range-market orders as IOC or FOK.
        price: scaled limit price; 0 for market and range-market orders.
        quantity: lots, at least 1.
        reduce_only: an exit: the gateway cuts it to what the position (or the condition) still holds.
        signal_id: the signal it comes from, empty for a person's order.
        condition_id: the condition it belongs to, empty for a person's order.
        tick_seq: the symbol's number of the tick that caused it, 0 for a person's order.
    """

    client_order_id: str
    account: str
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    price: int
    quantity: int
    reduce_only: bool = False
    signal_id: str = ""
    condition_id: str = ""
    tick_seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is known of an order at one moment.

    Attributes:
        client_order_id: our own id, ten ASCII characters.
        account: order account.
        symbol: contract code.
        side: buy or sell.
        order_type: limit, market or range-market.
        time_in_force: ROD, IOC or FOK.
        price: scaled limit price, 0 for market orders.
        quantity: lots ordered (after reductions).
        filled: lots filled so far.
        fill_value: sum of price x lots over the fills, scaled; the average price is ``fill_value / filled``.
        status: where it is in its life.
        reason: why it was denied, rejected or ended.
        text: the broker's or the rule's own words, for people.
        broker_order_id: the broker's order number, empty until it is known.
        reduce_only: only ever reduces the position.
        signal_id: the signal it came from, or empty.
        condition_id: the condition it belongs to, or empty.
        tick_seq: the symbol's number of the tick that caused it, or 0.
        ts_created: when the intent was written.
        ts_updated: when it last changed.
        is_external: made elsewhere and found at the broker: shown and counted, never touched. Its client order id
            is ``@``, the broker's order number and the trade date.
        is_closing: a person's order that was let through because it closes lots; what of it would open a position
            once those lots are gone is taken back.
    """

    client_order_id: str
    account: str
    symbol: str
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    price: int
    quantity: int
    filled: int = 0
    fill_value: int = 0
    status: OrderStatus = OrderStatus.INTENT
    reason: Reason = Reason.NONE
    text: str = ""
    broker_order_id: str = ""
    reduce_only: bool = False
    signal_id: str = ""
    condition_id: str = ""
    tick_seq: int = 0
    ts_created: int = 0
    ts_updated: int = 0
    is_external: bool = False
    is_closing: bool = False

    @classmethod
    def from_command(cls, command: SubmitOrder, ts_ns: int) -> "Order":
        """The intent that a command becomes."""
        return cls(
            client_order_id=command.client_order_id,
            account=command.account,
            symbol=command.symbol,
            side=command.side,
            order_type=command.order_type,
            time_in_force=command.time_in_force,
            price=command.price,
            quantity=command.quantity,
            reduce_only=command.reduce_only,
            signal_id=command.signal_id,
            condition_id=command.condition_id,
            tick_seq=command.tick_seq,
            ts_created=ts_ns,
            ts_updated=ts_ns,
        )

    @property
    def remaining(self) -> int:
        """Lots that may still trade; 0 once the order is final."""
        return 0 if self.status.is_final else self.quantity - self.filled

    @property
    def was_given_up(self) -> bool:
        """It ended here, by comparing books or by a person's word, and not by the broker's."""
        return self.status is OrderStatus.REJECTED and self.reason in (Reason.AMBIGUOUS, Reason.PERSON)

    def may_become(self, status: OrderStatus) -> bool:
        """Whether the table allows a change of status."""
        return status in TRANSITIONS[self.status] or (self.was_given_up and status in ARRIVED_AFTER_ALL)

    @property
    def average_price(self) -> float | None:
        """Average fill price in scaled units, or None where nothing was filled. For the screen only."""
        return self.fill_value / self.filled if self.filled else None

    def moved(self, status: OrderStatus, ts_ns: int, *, reason: Reason = Reason.NONE, text: str = "") -> "Order":
        """The order after a change of status.

        Raises:
            OrderStateError: the table does not allow the change.
        """
        if not self.may_become(status):
            raise OrderStateError(f"order {self.client_order_id}: {self.status} cannot become {status}")
        return replace(self, status=status, ts_updated=ts_ns, reason=reason or self.reason, text=text or self.text)

    def with_fill(self, price: int, quantity: int, ts_ns: int) -> "Order":
        """The order after a fill of ``quantity`` lots; a late fill never reopens an order that ended.

        Raises:
            OrderStateError: more lots than were ordered.
        """
        filled = self.filled + quantity
        if filled > self.quantity:
            raise OrderStateError(
                f"order {self.client_order_id}: {filled} lots filled, but only {self.quantity} were ordered"
            )
        if filled == self.quantity:
            status = OrderStatus.FILLED
        elif self.status in (OrderStatus.CANCELLED, OrderStatus.EXPIRED):
            status = self.status
        else:
            status = OrderStatus.PARTIALLY_FILLED
        value = self.fill_value + price * quantity
        return replace(self.moved(status, ts_ns), filled=filled, fill_value=value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution of an order.

    Attributes:
        fill_id: the broker's match number, unique within the account and trade date.
        client_order_id: the order's own id.
        account: order account.
        symbol: contract code.
        side: buy or sell.
        price: scaled price.
        quantity: lots.
        ts_event: exchange time.
        seq: symbol number of the replayed print that filled it, 0 where there is none.
        condition_id: the condition the order belongs to, or empty.
    """

    fill_id: str
    client_order_id: str
    account: str
    symbol: str
    side: Side
    price: int
    quantity: int
    ts_event: int
    seq: int = 0
    condition_id: str = ""
