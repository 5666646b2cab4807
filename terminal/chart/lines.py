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


@dataclass(frozen=True, slots=True, kw_only=True)
class LineWords:
    """The words of the labels in the present language."""

    support: str
    resistance: str
    trigger: str
    long: str
    short: str
    points: str


_LIVE: Final[dict[ConditionState, frozenset[LineKind]]] = {
    ConditionState.ARMED: frozenset({LineKind.TRIGGER}),
    ConditionState.TRIGGERED: frozenset({LineKind.TRIGGER, LineKind.ENTRY}),
    ConditionState.ENTERING: frozenset({LineKind.ENTRY}),
    ConditionState.OPEN: frozenset({LineKind.TAKE_PROFIT, LineKind.STOP_LOSS}),
    ConditionState.EXITING: frozenset({LineKind.TAKE_PROFIT, LineKind.STOP_LOSS}),
}
"""Which levels the engine watches in a state."""


def condition_lines(condition: Condition, words: LineWords) -> list[PriceLine]:
    """The four lines of a condition, none once it is final or where it has no trigger yet."""
    if condition.state.is_final or not _trigger(condition):
        return []
    condition = replace(condition, trigger=_trigger(condition))
    live = _LIVE.get(condition.state, frozenset())
    side = words.support if condition.spec.action is Side.BUY else words.resistance
    return [
        PriceLine(
            key=condition.condition_id,
            kind=kind,
            price=getattr(condition.levels, kind),
            text=f"{side} · {_level_text(condition, kind, words)}",
            is_live=kind in live,
            is_dimmed=condition.state is ConditionState.DRAFT
            or (condition.state.is_in_market and kind in (LineKind.TRIGGER, LineKind.ENTRY)),
            is_draggable=is_draggable(condition, kind),
        )
        for kind in LEVELS
    ]


def is_draggable(condition: Condition, kind: LineKind) -> bool:
    """Whether a person may move a level: the trigger before entry, the exits until one is on its way.

    A stop loss that trails is moved by the market.
    """
    state = condition.state
    if state.is_final or state is ConditionState.EXITING:
        return False
    if kind is LineKind.TRIGGER:
        return not state.is_in_market
    if kind is LineKind.STOP_LOSS:
        return not condition.is_trailing
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
    base = condition.levels.take_profit - sign * condition.spec.take_profit_points
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


def _level_text(condition: Condition, kind: LineKind, words: LineWords) -> str:
    spec = condition.spec
    state = f" · {i18n.text(condition.state)}"
    is_held = condition.state.is_in_market
    match kind:
        case LineKind.TRIGGER:
            return f"{words.trigger} · {spec.quantity}{'' if is_held else state}"
        case LineKind.ENTRY:
            return i18n.text(Leg.ENTRY)
        case LineKind.TAKE_PROFIT:
            return f"{i18n.text(Leg.TAKE_PROFIT)} +{spec.take_profit_points}"
        case _:
            points = f" −{spec.stop_loss_points}"
            stop = i18n.text(Leg.TRAILING_STOP) if condition.is_trailing else i18n.text(Leg.STOP_LOSS) + points
            return f"{stop}{state if is_held else ''}"
