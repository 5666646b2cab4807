"""Requests on 5557: who may ask what, and what is done for each.

Every handler returns the reply. Keys have roles; a request that its role does not allow is refused by name.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

from engine.errors import BrokerAmbiguous, BrokerRefused
from engine.gateway import conditions
from engine.model.books import LimitsChanged
from engine.model.condition import ConditionCommand
from engine.model.market import LinkState
from engine.model.order import Order, OrderStatus, OrderType, Reason, SubmitOrder
from engine.model.signal import SignalRefused, client_order_id
from engine.settings import limits_problem
from engine.timing import NS_PER_S
from engine.wire.keys import Role
from engine.wire.messages import (
    AdoptPosition,
    AskBroker,
    CancelAll,
    CancelOrder,
    ConditionReport,
    Done,
    Envelope,
    Flatten,
    GetSnapshot,
    GetTicks,
    Ping,
    Refused,
    ReplaceOrder,
    SelectContracts,
    SetHalt,
    SetLimits,
    SettleOrder,
    SightChanged,
    Watermark,
)

if TYPE_CHECKING:
    from engine.gateway.gateway import Gateway

RESUME: Final = "RESUME"
"""What a person types to leave a halt."""

_W, _E, _S, _R = Role.WINDOW, Role.EXECUTOR, Role.STRATEGY, Role.READER

Handler = Callable[["Gateway", Any, Envelope, Role | None], object]


def handle(gateway: "Gateway", role: Role | None, envelope: Envelope) -> object:
    """Carries a request out and returns its reply; without encryption there are no roles to tell apart."""
    entry = HANDLERS.get(type(envelope.body))
    if entry is None:
        return Refused(code=Reason.INVALID, text=f"{envelope.type} is no request")
    roles, handler = entry
    if role is not None and role not in roles:
        return Refused(code=Reason.FORBIDDEN, text=f"a {role} key may not send {envelope.type}")
    return handler(gateway, envelope.body, envelope, role)


def _submit(gateway: "Gateway", command: SubmitOrder, envelope: Envelope, role: Role | None) -> object:
    made_from = client_order_id(command.signal_id) if command.signal_id else ""
    if role is Role.EXECUTOR and command.client_order_id != made_from:
        text = "an executor's order must name its signal and carry the client order id made from it"
        return Refused(code=Reason.FORBIDDEN, text=text)
    age_s = (time.time_ns() - envelope.time) / NS_PER_S
    limit_s = gateway.state.limits.entry_signal_age_s
    if age_s > limit_s and not command.reduce_only and not gateway.broker.is_paced:
        text = f"the request waited {age_s:.1f} s for the gateway, the limit is {limit_s:g} s"
        return Refused(code=Reason.STALE_SIGNAL, text=text)
    if role is Role.WINDOW and (command.signal_id or command.condition_id):
        return Refused(code=Reason.FORBIDDEN, text="a person's order belongs to no signal and no condition")
    return gateway.orders.submit(command, envelope.cause or envelope.id)


def _working(gateway: "Gateway", order_id: str) -> Order | Refused:
    order = gateway.state.orders.get(order_id)
    if order is None:
        return Refused(code=Reason.UNKNOWN_ORDER, text=f"there is no order {order_id}")
    if not order.status.is_working:
        return Refused(code=Reason.NOT_WORKING, text=f"the order is {order.status} already")
    if order.is_external:
        return Refused(code=Reason.EXTERNAL, text="the order was made elsewhere; cancel or change it there")
    return order


def _marked(gateway: "Gateway", symbol: str, text: str) -> str:
    """What was done, with a mark where nobody sees the market move."""
    is_up = gateway.market.feed_state(symbol) is LinkState.UP
    return text if is_up else f"{text} (the feed of {symbol} is silent)"


def _cancel(gateway: "Gateway", command: CancelOrder, envelope: Envelope, role: Role | None) -> object:
    order = _working(gateway, command.client_order_id)
    if isinstance(order, Refused):
        return order
    try:
        gateway.orders.cancel(order)
    except BrokerRefused as error:
        return Refused(code=Reason.BROKER, text=f"{error.code}: {error}")
    except BrokerAmbiguous as error:
        return Done(text=f"nobody knows whether the cancel arrived ({error}); it is safe to ask again")
    text = "the cancel was sent; the order is cancelled when the exchange says so"
    return Done(text=_marked(gateway, order.symbol, text))


def _replace(gateway: "Gateway", command: ReplaceOrder, envelope: Envelope, role: Role | None) -> object:
    order = _working(gateway, command.client_order_id)
    if isinstance(order, Refused):
        return order
    if order.order_type is not OrderType.LIMIT:
        return Refused(code=Reason.INVALID, text=f"a {order.order_type} order has no price to change")
    if command.quantity > order.quantity:
        text = f"{command.quantity} lots; a change can only make the {order.quantity} lots fewer"
        return Refused(code=Reason.ORDER_SIZE, text=text)
    changed = replace(order, price=command.price, quantity=command.quantity or order.quantity)
    if command.price and (refused := gateway.orders.price_problem(changed)):
        return Refused(code=refused.reason, text=refused.text)
    try:
        gateway.orders.change(order, command.price, command.quantity)
    except BrokerRefused as error:
        return Refused(code=Reason.BROKER, text=f"{error.code}: {error}")
    except BrokerAmbiguous as error:
        return Done(text=f"nobody knows whether the change arrived ({error})")
    return Done(text="the change was sent; it holds when the exchange says so")


def _cancel_all(gateway: "Gateway", command: CancelAll, envelope: Envelope, role: Role | None) -> object:
    return Done(text=f"{gateway.orders.cancel_all(command.symbol)} cancels sent")


def _flatten(gateway: "Gateway", command: Flatten, envelope: Envelope, role: Role | None) -> object:
    conditions.release_empty(gateway, command.symbol)
    return Done(text=gateway.flattening.begin(envelope.id, command.symbol))


def _set_halt(gateway: "Gateway", command: SetHalt, envelope: Envelope, role: Role | None) -> object:
    if command.depth < gateway.state.halt and command.text != RESUME:
        text = f"trading is halted ({gateway.state.halt.name}); going back takes the typed word {RESUME}"
        return Refused(code=Reason.HALTED, text=text)
    return Done(text=gateway.set_halt(command.depth, role or Role.WINDOW, command.text, envelope.id))


def _signal_refused(gateway: "Gateway", refused: SignalRefused, envelope: Envelope, role: Role | None) -> object:
    gateway.orders.refuse_signal(refused)
    return Done()


def _set_limits(gateway: "Gateway", command: SetLimits, envelope: Envelope, role: Role | None) -> object:
    if problem := limits_problem(command.limits):
        return Refused(code=Reason.INVALID, text=problem)
    before, after = asdict(gateway.state.limits), asdict(command.limits)
    text = ", ".join(f"{name}: {before[name]} → {after[name]}" for name in after if after[name] != before[name])
    if not text:
        return Done(text="the limits are so already")
    changed = LimitsChanged(
        limits=command.limits,
        by=role or Role.WINDOW,
        text=f"{text}; {command.text}".removesuffix("; "),
        ts_event=gateway.market.now_ns(),
    )
    gateway.journal.record(changed)
    gateway.journal.tell("limits", changed, envelope.id)
    return Done(text=text)


def _ask_broker(gateway: "Gateway", command: AskBroker, envelope: Envelope, role: Role | None) -> object:
    gateway.reconciler.ask()
    return Done(text="the broker was asked; its answer comes as events")


def _settle_order(gateway: "Gateway", command: SettleOrder, envelope: Envelope, role: Role | None) -> object:
    order = gateway.state.orders.get(command.client_order_id)
    if order is None or order.status is not OrderStatus.UNKNOWN:
        text = "only an order whose fate nobody knows can be declared dead"
        return Refused(code=Reason.UNKNOWN_ORDER if order is None else Reason.INVALID, text=text)
    text = f"declared dead by hand: {command.text or 'no reason given'}"
    dead = order.moved(OrderStatus.REJECTED, gateway.market.now_ns(), reason=Reason.PERSON, text=text)
    gateway.journal.tell_order(dead, envelope.id)
    gateway.orders.decided()
    return Done(text=text)


def _adopt_position(gateway: "Gateway", command: AdoptPosition, envelope: Envelope, role: Role | None) -> object:
    text = gateway.reconciler.adopt_position(command.account, command.symbol, command.price)
    if text.startswith("no "):
        return Refused(code=Reason.INVALID, text=text)
    return Done(text=text)


def _ping(gateway: "Gateway", query: Ping, envelope: Envelope, role: Role | None) -> object:
    return Done()


def _watermark(gateway: "Gateway", mark: Watermark, envelope: Envelope, role: Role | None) -> object:
    gateway.watermarks(mark)
    return Done()


def _sight(gateway: "Gateway", word: SightChanged, envelope: Envelope, role: Role | None) -> object:
    state = LinkState.STALE if word.text else LinkState.UP
    gateway.journal.set_link(f"sight.{word.node}.{word.symbol}", state, word.text)
    return Done()


def _snapshot(gateway: "Gateway", query: GetSnapshot, envelope: Envelope, role: Role | None) -> object:
    return gateway.snapshot()


def _ticks(gateway: "Gateway", query: GetTicks, envelope: Envelope, role: Role | None) -> object:
    return gateway.ticks.ticks_since(query.symbol, query.after_seq, query.limit)


def _select(gateway: "Gateway", command: SelectContracts, envelope: Envelope, role: Role | None) -> object:
    for symbol in command.symbols:
        if symbol not in gateway.market.contracts:
            return Refused(code=Reason.UNKNOWN_SYMBOL, text=f"{symbol} is not offered by the broker")
    kept = sorted(gateway.state.at_stake() & (set(gateway.market.selected) - set(command.symbols)))
    if kept:
        text = f"{', '.join(kept)} has orders, lots or conditions and must stay subscribed"
        return Refused(code=Reason.INVALID, text=text)
    gateway.market.select(command.symbols)
    return Done(text=f"{len(gateway.market.selected)} contracts subscribed")


HANDLERS: Final[dict[type, tuple[frozenset[Role], Handler]]] = {
    SubmitOrder: (frozenset({_W, _E}), _submit),
    CancelOrder: (frozenset({_W}), _cancel),
    ReplaceOrder: (frozenset({_W}), _replace),
    CancelAll: (frozenset({_W}), _cancel_all),
    Flatten: (frozenset({_W}), _flatten),
    SetHalt: (frozenset({_W}), _set_halt),
    ConditionCommand: (frozenset({_W}), conditions.take_command),
    SelectContracts: (frozenset({_W}), _select),
    ConditionReport: (frozenset({_S}), conditions.take_report),
    SignalRefused: (frozenset({_E, _S}), _signal_refused),
    Watermark: (frozenset({_S}), _watermark),
    SightChanged: (frozenset({_S}), _sight),
    SetLimits: (frozenset({_W}), _set_limits),
    AskBroker: (frozenset({_W}), _ask_broker),
    SettleOrder: (frozenset({_W}), _settle_order),
    AdoptPosition: (frozenset({_W}), _adopt_position),
    Ping: (frozenset(Role), _ping),
    GetSnapshot: (frozenset(Role), _snapshot),
    GetTicks: (frozenset(Role), _ticks),
}
"""Request type to the roles that may send it and its handler."""
