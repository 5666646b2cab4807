"""Risk: what must hold before an order may reach the broker. The only maker of :class:`ApprovedOrder`.

Each rule is a small function that returns a denial with its reason code and both figures, or None. Reducing exits
pass every rule that is about taking risk; rules about what the exchange cannot accept hold for all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from engine.brokers.base import ApprovedOrder
from engine.model.instrument import Instrument
from engine.model.market import Contract, HaltDepth
from engine.model.order import Order, OrderType, Reason, TimeInForce
from engine.model.session import Phase, SessionKind
from engine.settings import Risk


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskContext:
    """What the rules look at besides the order.

    Attributes:
        limits: from the settings.
        instrument: of the order.
        contract: what the broker says of it.
        net: net lots held.
        working: signed lots of working orders of the contract.
        last_price: of the last trade, 0 = none yet.
        silence_s: seconds since the feed's last message, wall clock; None where silence means nothing (replay).
        phase: of the market now.
        session: which session is or comes next.
        halt: how far trading is halted.
        is_cancelled: the order's condition was cancelled by a person.
    """

    limits: Risk
    instrument: Instrument
    contract: Contract | None
    net: int
    working: int
    last_price: int
    silence_s: float | None
    phase: Phase
    session: SessionKind | None
    halt: HaltDepth
    is_cancelled: bool


@dataclass(frozen=True, slots=True)
class RiskRefused:
    """A denial: code and both figures."""

    reason: Reason
    text: str


Rule = Callable[[Order, RiskContext], RiskRefused | None]


def _halted(order: Order, context: RiskContext) -> RiskRefused | None:
    if context.halt > HaltDepth.NONE:
        return RiskRefused(Reason.HALTED, f"trading is halted ({context.halt.name}); a person must resume it")
    return None


def _cancelled(order: Order, context: RiskContext) -> RiskRefused | None:
    if context.is_cancelled:
        return RiskRefused(Reason.PERSON, "its condition was cancelled")
    return None


def _order_size(order: Order, context: RiskContext) -> RiskRefused | None:
    if order.quantity > context.limits.max_order_lots:
        return RiskRefused(
            Reason.ORDER_SIZE, f"{order.quantity} lots, the limit is {context.limits.max_order_lots}"
        )
    return None


def _position_limit(order: Order, context: RiskContext) -> RiskRefused | None:
    after = abs(context.net + context.working + order.side.sign * order.quantity)
    if after > context.limits.max_position_lots:
        return RiskRefused(
            Reason.POSITION_LIMIT,
            f"it could make the position {after} lots, the limit is {context.limits.max_position_lots}",
        )
    return None


def _has_price(order: Order, context: RiskContext) -> RiskRefused | None:
    if not context.last_price:
        return RiskRefused(Reason.NO_PRICE, f"no trade of {order.symbol} was seen yet")
    return None


def _price_band(order: Order, context: RiskContext) -> RiskRefused | None:
    if order.order_type is not OrderType.LIMIT or not context.last_price:
        return None
    away = order.side.sign * (order.price - context.last_price) * 100 / context.last_price
    if away > context.limits.price_band_percent:
        limit = context.limits.price_band_percent
        return RiskRefused(
            Reason.PRICE_BAND, f"{away:.2f} % beyond the last price {context.last_price}, the limit is {limit} %"
        )
    return None


def _fresh_feed(order: Order, context: RiskContext) -> RiskRefused | None:
    if context.silence_s is not None and context.silence_s > context.limits.stale_feed_s:
        return RiskRefused(
            Reason.STALE_FEED,
            f"the feed is silent for {context.silence_s:.1f} s, the limit is {context.limits.stale_feed_s} s",
        )
    return None


def _session_open(order: Order, context: RiskContext) -> RiskRefused | None:
    if context.phase is Phase.CLOSED:
        return RiskRefused(Reason.SESSION_CLOSED, f"{order.symbol} is not in a session now")
    return None


def _valid(order: Order, context: RiskContext) -> RiskRefused | None:
    if order.quantity < 1:
        return RiskRefused(Reason.INVALID, f"{order.quantity} lots; it must be at least 1")
    if not (order.client_order_id.isascii() and len(order.client_order_id) == 10):
        return RiskRefused(Reason.INVALID, "the client order id must have ten ASCII characters")
    if order.order_type is OrderType.LIMIT and order.price < 1:
        return RiskRefused(Reason.INVALID, f"the limit price is {order.price}; it must be at least 1")
    if order.order_type is not OrderType.LIMIT and order.price:
        return RiskRefused(Reason.INVALID, f"a {order.order_type} order has no price")
    if order.order_type is not OrderType.LIMIT and order.time_in_force is TimeInForce.ROD and order.reduce_only:
        return RiskRefused(Reason.INVALID, "a market exit must be IOC or FOK")
    return None


def exchange_lots(order: Order, context: RiskContext) -> int:
    """The most lots that the exchange takes in one order of this type."""
    product = context.instrument.product
    if order.order_type is not OrderType.MARKET:
        return product.max_limit_lots
    is_night = context.session is SessionKind.NIGHT
    return product.max_market_lots_night if is_night else product.max_market_lots_day


def _exchange_size(order: Order, context: RiskContext) -> RiskRefused | None:
    limit = exchange_lots(order, context)
    if order.quantity > limit:
        text = f"{order.quantity} lots, the exchange takes {limit} in one {order.order_type} order"
        return RiskRefused(Reason.ORDER_SIZE, text)
    return None


def _tick_size(order: Order, context: RiskContext) -> RiskRefused | None:
    tick = context.instrument.product.tick_size
    if order.price % tick:
        return RiskRefused(Reason.TICK_SIZE, f"{order.price} is no multiple of the tick {tick}")
    return None


def _price_limit(order: Order, context: RiskContext) -> RiskRefused | None:
    contract = context.contract
    if order.order_type is not OrderType.LIMIT or contract is None or not contract.limit_up:
        return None
    if not contract.limit_down <= order.price <= contract.limit_up:
        text = f"{order.price} is outside the day's limits {contract.limit_down} to {contract.limit_up}"
        return RiskRefused(Reason.PRICE_LIMIT, text)
    return None


FOR_ALL: Final[tuple[Rule, ...]] = (_valid, _session_open, _exchange_size, _tick_size, _price_limit)
FOR_ENTRIES: Final[tuple[Rule, ...]] = (
    _halted,
    _cancelled,
    _has_price,
    _fresh_feed,
    _order_size,
    _position_limit,
    _price_band,
)


def check(order: Order, context: RiskContext, *, is_reducing: bool) -> ApprovedOrder | RiskRefused:
    """Approves an order or says why not. Exits must have been cut to what they may reduce before."""
    rules = FOR_ALL if is_reducing else FOR_ALL + FOR_ENTRIES
    for rule in rules:
        if refused := rule(order, context):
            return refused
    return ApprovedOrder(order, is_reducing)
