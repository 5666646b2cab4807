"""What horizontal lines the chart shows, as values: of conditions, working orders, the position, the last price.

The levels are those of :class:`engine.model.condition.Condition` itself, also while a person drags one.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from engine.model.condition import Condition, ConditionState
from engine.model.order import Order, OrderType, Side
from engine.model.position import Position
from engine.model.signal import Leg
from terminal import formats, i18n


class LineKind(StrEnum):
    """What a line stands for; the first four are names of :class:`engine.model.condition.Levels`."""

    TRIGGER = "trigger"
    ENTRY = "entry"
    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"
    WORKING_ORDER = "working_order"
    POSITION = "position"
    LAST = "last"


LEVELS: Final = (LineKind.TRIGGER, LineKind.ENTRY, LineKind.TAKE_PROFIT, LineKind.STOP_LOSS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLine:
    """A horizontal line with its label.

    Attributes:
        key: condition id, client order id or account.
        kind: what it stands for.
        price: where, scaled.
        text: label beside the price.
        is_live: something watches this price now; others are plans, drawn dashed.
        is_dimmed: of a condition that nothing watches.
        is_draggable: a person may move it.
        is_faulty: it should be watched and is not: dashed, dimmed and marked.
        gain: of a position: points won a lot, scaled.
    """

    key: str
    kind: LineKind
    price: float
    text: str
    is_live: bool = True
    is_dimmed: bool = False
    is_draggable: bool = False
    gain: float = 0.0
    is_faulty: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LineWords:
    """The words of the labels in the present language."""

    support: str
    resistance: str
    trigger: str
    long: str
    short: str
    points: str
    not_guarding: str
    not_watched: str


_LIVE: Final[dict[ConditionState, frozenset[LineKind]]] = {
    ConditionState.ARMED: frozenset({LineKind.TRIGGER}),
    ConditionState.TRIGGERED: frozenset({LineKind.TRIGGER, LineKind.ENTRY}),
    ConditionState.ENTERING: frozenset({LineKind.ENTRY}),
    ConditionState.OPEN: frozenset({LineKind.TAKE_PROFIT, LineKind.STOP_LOSS}),
    ConditionState.EXITING: frozenset({LineKind.TAKE_PROFIT, LineKind.STOP_LOSS}),
    ConditionState.HELD: frozenset({LineKind.TAKE_PROFIT, LineKind.STOP_LOSS}),
}
"""Which levels the engine watches in a state."""


def condition_lines(condition: Condition, words: LineWords, *, is_faulty: bool = False) -> list[PriceLine]:
    """The four lines of a condition, none once it is final or where it has no trigger yet.

    Args:
        condition: as it is.
        words: of the labels.
        is_faulty: nothing watches it now, although its state says so.
    """
    if condition.state.is_final or not _trigger(condition):
        return []
    condition = replace(condition, trigger=_trigger(condition))
    live = _LIVE.get(condition.state, frozenset())
    return [
        PriceLine(
            key=condition.condition_id,
            kind=kind,
            price=getattr(condition.levels, kind),
            text=_label(condition, kind, words, is_faulty=is_faulty and kind in live),
            is_live=kind in live,
            is_dimmed=condition.state is ConditionState.DRAFT
            or (condition.state.is_in_market and kind in (LineKind.TRIGGER, LineKind.ENTRY)),
            is_draggable=is_draggable(condition, kind),
            is_faulty=is_faulty and kind in live,
        )
        for kind in LEVELS
        if kind is not LineKind.TRIGGER or not condition.adopted
    ]


def is_draggable(condition: Condition, kind: LineKind) -> bool:
    """Whether a person may move a level: the trigger before entry, the exits until one is on its way.

    A stop loss that trails or stands at breakeven is moved by the market.
    """
    state = condition.state
    if state.is_final or state is ConditionState.EXITING:
        return False
    if kind is LineKind.TRIGGER:
        return not state.is_in_market
    if kind is LineKind.STOP_LOSS:
        return condition.stop[1] is Leg.STOP_LOSS
    return kind is LineKind.TAKE_PROFIT


def moved(condition: Condition, kind: LineKind, price: float, step: int) -> Condition:
    """The condition as it would be with a level dragged to a price.

    Args:
        condition: as it is.
        kind: trigger, take profit or stop loss.
        price: wanted; it is brought to a multiple of the step, and an exit stays a step from its base.
        step: the smallest price step, scaled.
    """
    condition = replace(condition, trigger=_trigger(condition))
    snapped = max(round(price / step) * step, step)
    if kind is LineKind.TRIGGER:
        return replace(condition, trigger=snapped, spec=replace(condition.spec, trigger_price=snapped))
    sign = condition.spec.action.sign
    base = condition.base
    if kind is LineKind.TAKE_PROFIT:
        points = max(sign * (snapped - base), step)
        return replace(condition, spec=replace(condition.spec, take_profit_points=points))
    points = max(sign * (base - snapped), step)
    return replace(condition, spec=replace(condition.spec, stop_loss_points=points))


def order_line(order: Order) -> PriceLine | None:
    """The line of a working limit order, None for any other."""
    if not order.status.is_working or order.order_type is not OrderType.LIMIT or order.price <= 0:
        return None
    price = formats.price(order.symbol, order.price)
    return PriceLine(
        key=order.client_order_id,
        kind=LineKind.WORKING_ORDER,
        price=order.price,
        text=f"{i18n.text(order.side)} {order.remaining} @ {price}",
    )


def position_line(position: Position, last_price: int, words: LineWords) -> PriceLine | None:
    """The line of the average price with lots and open profit in points a lot; None when flat."""
    average = position.average_price
    if average is None:
        return None
    price = float(average)
    gain = (last_price - price) * (1 if position.net > 0 else -1) if last_price else 0.0
    side = words.long if position.net > 0 else words.short
    gained = formats.points(position.symbol, round(gain))
    return PriceLine(
        key=position.account,
        kind=LineKind.POSITION,
        price=price,
        text=f"{side} {abs(position.net)} · {gained} {words.points}",
        gain=gain,
    )


def _trigger(condition: Condition) -> int:
    """The level now; before it was ever armed that of the spec."""
    return condition.trigger or condition.spec.trigger_price


def _label(condition: Condition, kind: LineKind, words: LineWords, *, is_faulty: bool) -> str:
    side = words.support if condition.spec.action is Side.BUY else words.resistance
    fault = words.not_guarding if condition.held else words.not_watched
    state = i18n.text(condition.state)
    if is_faulty and condition.state is not ConditionState.HELD:
        state = fault
    text = f"{side} · {_level_text(condition, kind, words, state)}"
    return f"⚠ {text}" if is_faulty else text


def _level_text(condition: Condition, kind: LineKind, words: LineWords, state: str) -> str:
    spec = condition.spec
    is_held = condition.state.is_in_market
    match kind:
        case LineKind.TRIGGER:
            return f"{words.trigger} · {spec.quantity}{'' if is_held else f' · {state}'}"
        case LineKind.ENTRY:
            return i18n.text(Leg.ENTRY)
        case LineKind.TAKE_PROFIT:
            return f"{i18n.text(Leg.TAKE_PROFIT)} +{spec.take_profit_points}"
        case _:
            points = f" −{spec.stop_loss_points}"
            leg = condition.stop[1]
            stop = i18n.text(leg) + (points if leg is Leg.STOP_LOSS else "")
            return f"{stop}{f' · {state}' if is_held else ''}"
