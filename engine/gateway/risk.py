"""Risk: what must hold before an order may reach the broker. The only maker of :class:`ApprovedOrder`.

Each rule is a small function that returns a denial with its reason code and both figures, or None. Reducing exits
pass every rule that is about taking risk; rules about what the exchange cannot accept hold for all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from engine.brokers.base import ApprovedOrder
from engine.model.instrument import Instrument
from engine.model.market import Contract, HaltDepth
from engine.model.order import Order, OrderType, Reason, TimeInForce
from engine.model.session import Phase, SessionKind
from engine.settings import Risk, margins

Figure = str | int | float | Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskContext:
    """What the rules look at besides the order; :class:`engine.gateway.exposure.Exposure` makes it.

    Lots, money and counts of entries are those of the order's account. The order itself counts in none of them.

    Attributes:
        limits: that hold now.
        instrument: of the order.
        contract: what the broker says of it.
        net: net lots held of the contract.
        working: signed lots of working entries of the order's side.
        opposing: signed lots of working entries of the other side.
        other_lots: lots of all other contracts, long and short added up, working entries counted as if filled.
        other_margin: TWD that those bind; None where the margin of one of them is not known.
        equity: TWD, as the broker told it at the login; None where it did not.
        day_pnl: TWD gained in the trade date; None where no limit of loss is set.
        last_price: of the last trade, 0 = none yet.
        silence_s: seconds since the feed's last message, or since one was to be expected; None where silence means
            nothing (replay).
        phase: of the market now.
        session: which session is or comes next.
        closes_in_s: until the close of the contract's session, market time; None outside of sessions.
        halt: how far trading is halted.
        is_reconciled: the ledger was compared with the broker since the link came up.
        difference: our figure and the broker's, where they count other lots of the contract; None where not.
        is_cancelled: the order's condition was cancelled by a person.
        minute_entries: entries of all accounts that passed risk within the last minute.
        day_entries: the same in the trade date.
        repeated_after_s: since the same order of a person passed, if that was a person's last; None otherwise.
        is_heard: a message of the contract came within the limit for silence; never so in a replay.
    """

    limits: Risk
    instrument: Instrument
    contract: Contract | None
    net: int
    working: int
    opposing: int
    other_lots: int
    other_margin: int | None
    equity: Decimal | None
    day_pnl: Decimal | None
    last_price: int
    silence_s: float | None
    phase: Phase
    session: SessionKind | None
    closes_in_s: float | None
    halt: HaltDepth
    is_reconciled: bool
    difference: tuple[str, str] | None
    is_cancelled: bool
    minute_entries: int
    day_entries: int
    repeated_after_s: float | None
    is_heard: bool = False


@dataclass(frozen=True, slots=True)
class RiskRefused:
    """A denial: code, sentence, and the figures that the sentence was made from.

    Attributes:
        reason: which rule.
        text: for people; has both figures.
        limit: what would have been allowed.
        actual: what it was, or would have become.
    """

    reason: Reason
    text: str
    limit: Figure
    actual: Figure


Rule = Callable[[Order, RiskContext], RiskRefused | None]


def refused(reason: Reason, sentence: str, *, limit: Figure, actual: Figure, **words: object) -> RiskRefused:
    """A denial whose sentence is a format of ``limit``, ``actual`` and further words."""
    return RiskRefused(reason, sentence.format(limit=limit, actual=actual, **words), limit, actual)


# --- what the exchange cannot accept: for all orders -------------------------------------------------------------


def _valid(order: Order, context: RiskContext) -> RiskRefused | None:
    reason, name = Reason.INVALID, order.client_order_id
    if order.quantity < 1:
        return refused(reason, "{actual} lots; it must be at least {limit}", limit=1, actual=order.quantity)
    if not (name.isascii() and len(name) == 10):
        sentence = "the client order id must have {limit}, it is {actual}"
        return refused(reason, sentence, limit="ten ASCII characters", actual=ascii(name))
    if order.order_type is OrderType.LIMIT and order.price < 1:
        sentence = "the limit price is {actual}; it must be at least {limit}"
        return refused(reason, sentence, limit=1, actual=order.price)
    if order.order_type is not OrderType.LIMIT and order.price:
        sentence = "a {kind} order has no price, it must be {limit} and is {actual}"
        return refused(reason, sentence, limit=0, actual=order.price, kind=order.order_type)
    if order.order_type is not OrderType.LIMIT and order.time_in_force is TimeInForce.ROD and order.reduce_only:
        sentence = "a market exit must be {limit}, it is {actual}"
        return refused(reason, sentence, limit="IOC or FOK", actual=order.time_in_force)
    return None


def _session_open(order: Order, context: RiskContext) -> RiskRefused | None:
    """A feed that is heard proves an open market, whatever the calendar says: then the exchange judges an exit."""
    is_exit = order.reduce_only or order.is_closing
    if context.phase is Phase.CLOSED and not (is_exit and context.is_heard):
        sentence = "{symbol} is not in a session now: the market is {actual}, orders pass from {limit} on"
        return refused(
            Reason.SESSION_CLOSED,
            sentence,
            limit=Phase.PRE_OPEN,
            actual=context.phase,
            symbol=order.symbol,
        )
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
        sentence = "{actual} lots, the exchange takes {limit} in one {kind} order"
        return refused(Reason.ORDER_SIZE, sentence, limit=limit, actual=order.quantity, kind=order.order_type)
    return None


def _tick_size(order: Order, context: RiskContext) -> RiskRefused | None:
    tick = context.instrument.product.tick_size
    if order.price % tick:
        return refused(
            Reason.TICK_SIZE, "{actual} is no multiple of the tick {limit}", limit=tick, actual=order.price
        )
    return None


def _price_limit(order: Order, context: RiskContext) -> RiskRefused | None:
    contract = context.contract
    if order.order_type is not OrderType.LIMIT or contract is None or not contract.limit_up:
        return None
    if not contract.limit_down <= order.price <= contract.limit_up:
        allowed = f"{contract.limit_down} to {contract.limit_up}"
        sentence = "{actual} is outside the day's limits {limit}"
        return refused(Reason.PRICE_LIMIT, sentence, limit=allowed, actual=order.price)
    return None


# --- taking risk: for entries ------------------------------------------------------------------------------------


def _halted(order: Order, context: RiskContext) -> RiskRefused | None:
    if context.halt > HaltDepth.NONE:
        sentence = "trading is halted ({actual}); a person must resume it, entries pass at {limit}"
        return refused(Reason.HALTED, sentence, limit=HaltDepth.NONE.name, actual=context.halt.name)
    return None


def _reconciled(order: Order, context: RiskContext) -> RiskRefused | None:
    if not context.is_reconciled:
        sentence = (
            "since the link was lost or began, our books are {actual} with the broker's; entries wait for that"
        )
        return refused(Reason.RECONCILING, sentence, limit="compared", actual="not compared")
    return None


def _books_agree(order: Order, context: RiskContext) -> RiskRefused | None:
    if context.difference is not None:
        ours, theirs = context.difference
        sentence = "the broker counts {actual} lots of {symbol} where our books say {limit}; settle that first"
        return refused(Reason.DIFFERENCE, sentence, limit=ours, actual=theirs, symbol=order.symbol)
    return None


def _cancelled(order: Order, context: RiskContext) -> RiskRefused | None:
    if context.is_cancelled:
        sentence = "its condition is {actual}; only a {limit} one enters"
        return refused(Reason.PERSON, sentence, limit="live", actual="cancelled")
    return None


def _session_closing(order: Order, context: RiskContext) -> RiskRefused | None:
    limit = context.limits.no_entry_before_close_s
    if limit and context.closes_in_s is not None and context.closes_in_s < limit:
        sentence = "the session closes in {actual:.1f} s; no entry passes in its last {limit:g} s"
        return refused(Reason.SESSION_CLOSING, sentence, limit=limit, actual=context.closes_in_s)
    return None


def _has_price(order: Order, context: RiskContext) -> RiskRefused | None:
    if not context.last_price:
        sentence = "{actual} trades of {symbol} were seen so far; it takes {limit} to judge a price"
        return refused(Reason.NO_PRICE, sentence, limit=1, actual=0, symbol=order.symbol)
    return None


def _fresh_feed(order: Order, context: RiskContext) -> RiskRefused | None:
    limit = context.limits.stale_feed_s
    if context.silence_s is not None and context.silence_s > limit:
        sentence = "the feed is silent for {actual:.1f} s, the limit is {limit} s"
        return refused(Reason.STALE_FEED, sentence, limit=limit, actual=context.silence_s)
    return None


def _daily_loss(order: Order, context: RiskContext) -> RiskRefused | None:
    limit = context.limits.max_daily_loss
    if limit and context.day_pnl is not None and -context.day_pnl >= limit:
        sentence = "{actual:,.0f} TWD were lost in this trade date, the limit is {limit:,} TWD"
        return refused(Reason.DAILY_LOSS, sentence, limit=limit, actual=-context.day_pnl)
    return None


def _order_size(order: Order, context: RiskContext) -> RiskRefused | None:
    limit = context.limits.max_order_lots
    if order.quantity > limit:
        return refused(
            Reason.ORDER_SIZE, "{actual} lots, the limit is {limit}", limit=limit, actual=order.quantity
        )
    return None


def _position_limit(order: Order, context: RiskContext) -> RiskRefused | None:
    limit = context.limits.max_position_lots
    after = abs(context.net + context.working + order.side.sign * order.quantity)
    if after > limit:
        sentence = "it could make the position {actual} lots, the limit is {limit}"
        return refused(Reason.POSITION_LIMIT, sentence, limit=limit, actual=after)
    return None


def worst_lots(net: int, one_side: int, other_side: int) -> int:
    """The most lots that a contract can come to hold while only the working entries of one side fill."""
    return max(abs(net + one_side), abs(net + other_side))


def _lots_after(order: Order, context: RiskContext) -> int:
    entering = context.working + order.side.sign * order.quantity
    return worst_lots(context.net, entering, context.opposing)


def _total_position(order: Order, context: RiskContext) -> RiskRefused | None:
    limit = context.limits.max_total_lots
    after = context.other_lots + _lots_after(order, context)
    if after > limit:
        sentence = "it could make {actual} lots of all contracts together, the limit is {limit}"
        return refused(Reason.TOTAL_POSITION, sentence, limit=limit, actual=after)
    return None


def _margin(order: Order, context: RiskContext) -> RiskRefused | None:
    """An estimate: every lot binds its product's initial margin; the exchange's spread credits are not counted."""
    limit = context.limits.max_margin or context.equity
    if limit is None:
        return None
    per_lot = margins(context.limits.margin_per_lot).get(context.instrument.product.code)
    if per_lot is None or context.other_margin is None:
        sentence = (
            "a margin of {limit:,.0f} TWD is allowed, but what a lot binds is {actual}: see risk.margin_per_lot"
        )
        return refused(Reason.MARGIN, sentence, limit=limit, actual="not known")
    after = context.other_margin + per_lot * _lots_after(order, context)
    if after > limit:
        sentence = "about {actual:,} TWD of margin would be bound, the limit is {limit:,.0f} TWD"
        return refused(Reason.MARGIN, sentence, limit=limit, actual=after)
    return None


def _price_band(order: Order, context: RiskContext) -> RiskRefused | None:
    """The aggressive side alone.

    A price far on the passive side is how a trader waits at a support: it never fills worse than the market, and
    the day's limits bound it.
    """
    if order.order_type is not OrderType.LIMIT or not context.last_price:
        return None
    limit, last = context.limits.price_band_percent, context.last_price
    away = order.side.sign * (order.price - last) * 100 / last
    if away > limit:
        sentence = "{actual:.2f} % beyond the last price {last}, the limit is {limit} %"
        return refused(Reason.PRICE_BAND, sentence, limit=limit, actual=away, last=last)
    return None


def _duplicate(order: Order, context: RiskContext) -> RiskRefused | None:
    limit = context.limits.duplicate_window_s
    if context.repeated_after_s is not None and context.repeated_after_s < limit:
        sentence = "the same order was sent {actual:.2f} s before; again only after {limit:g} s"
        return refused(Reason.DUPLICATE, sentence, limit=limit, actual=context.repeated_after_s)
    return None


def _minute_entries(order: Order, context: RiskContext) -> RiskRefused | None:
    limit, number = context.limits.max_orders_per_minute, context.minute_entries + 1
    if number > limit:
        sentence = "it would be entry {actual} within a minute, the limit is {limit}"
        return refused(Reason.ORDER_RATE, sentence, limit=limit, actual=number)
    return None


def _day_entries(order: Order, context: RiskContext) -> RiskRefused | None:
    limit, number = context.limits.max_orders_per_day, context.day_entries + 1
    if number > limit:
        sentence = "it would be entry {actual} of this trade date, the limit is {limit}"
        return refused(Reason.ORDERS_A_DAY, sentence, limit=limit, actual=number)
    return None


FOR_ALL: Final[tuple[Rule, ...]] = (_valid, _session_open, _exchange_size, _tick_size, _price_limit)
TAKING_RISK: Final[tuple[Rule, ...]] = (
    _halted,
    _reconciled,
    _books_agree,
    _cancelled,
    _session_closing,
    _has_price,
    _fresh_feed,
    _daily_loss,
    _order_size,
    _position_limit,
    _total_position,
    _margin,
    _price_band,
)
"""For entries and changes of their price: may anything be entered now, then how much, then at what price."""
FOR_NEW_ENTRIES: Final[tuple[Rule, ...]] = (_duplicate, _minute_entries, _day_entries)
"""What counts new orders; last, so that nothing that another rule refuses uses up a count."""


def _first_refusal(rules: tuple[Rule, ...], order: Order, context: RiskContext) -> RiskRefused | None:
    for rule in rules:
        if found := rule(order, context):
            return found
    return None


def check(order: Order, context: RiskContext, *, is_reducing: bool) -> ApprovedOrder | RiskRefused:
    """Approves an order or says why not. Exits must have been cut to what they may reduce before."""
    rules = FOR_ALL if is_reducing else FOR_ALL + TAKING_RISK + FOR_NEW_ENTRIES
    return _first_refusal(rules, order, context) or ApprovedOrder(order, is_reducing)


def check_change(order: Order, context: RiskContext, *, is_reducing: bool) -> RiskRefused | None:
    """Why a working order may not become this one, or None; its quantity is what would still be open of it."""
    return _first_refusal(FOR_ALL if is_reducing else FOR_ALL + TAKING_RISK, order, context)
