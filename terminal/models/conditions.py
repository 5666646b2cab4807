"""Columns of the table of conditions."""

from collections.abc import Callable
from typing import Final

from engine.model.condition import Condition, ConditionState
from terminal import formats, i18n
from terminal.i18n import QT_TRANSLATE_NOOP
from terminal.models.orders import side_colour
from terminal.models.table import CENTRE, LEFT, Column

_COLOURS: Final = {
    ConditionState.DRAFT: "muted",
    ConditionState.ARMED: "accent",
    ConditionState.TRIGGERED: "warning",
    ConditionState.ENTERING: "warning",
    ConditionState.OPEN: "ok",
    ConditionState.EXITING: "warning",
    ConditionState.CLOSED: "muted",
    ConditionState.CANCELLED: "muted",
    ConditionState.REJECTED: "error",
}


def state_colour(condition: Condition) -> str:
    """Theme colour of a condition's state."""
    return _COLOURS[condition.state]


def why(condition: Condition) -> str:
    """Why it ended, in words."""
    return ": ".join(filter(None, (i18n.text(condition.reason), condition.text)))


def _lots(condition: Condition) -> str:
    return formats.NOTHING if condition.state.is_final else f"{condition.held}/{condition.spec.quantity}"


def _yes(is_so: bool) -> str:
    return "✓" if is_so else ""


def _level(key: str, title: str, getter: Callable[[Condition], int], colour: str) -> Column[Condition]:
    return Column(
        key=key,
        title=title,
        getter=lambda c: c,
        formatter=lambda c: formats.price(c.spec.symbol, getter(c)),
        sort=getter,
        colour=lambda c: "muted" if c.state.is_final else colour,
    )


CONDITION_COLUMNS: Final[tuple[Column[Condition], ...]] = (
    Column(
        key="state",
        title=QT_TRANSLATE_NOOP("Columns", "State"),
        getter=lambda c: c.state,
        formatter=i18n.text,
        alignment=LEFT,
        sample="Triggered",
        colour=state_colour,
        is_bold=lambda c: c.state.is_in_market,
        ground=lambda c: "ok" if c.state is ConditionState.OPEN else "",
        sort=lambda c: f"{c.state.is_final:d}{c.condition_id}",
        tip=why,
    ),
    Column(
        key="symbol",
        title=QT_TRANSLATE_NOOP("Columns", "Contract"),
        getter=lambda c: c.spec.symbol,
        alignment=LEFT,
        sample="TXFK4",
    ),
    Column(
        key="action",
        title=QT_TRANSLATE_NOOP("Columns", "B/S"),
        getter=lambda c: c.spec.action,
        formatter=i18n.text,
        alignment=CENTRE,
        sample="Sell",
        colour=lambda c: side_colour(c.spec.action),
        is_bold=lambda c: True,
        tip=lambda c: i18n.action_text(c.spec.action),
    ),
    _level("trigger", QT_TRANSLATE_NOOP("Columns", "Trigger"), lambda c: c.levels.trigger, "trigger"),
    _level("entry", QT_TRANSLATE_NOOP("Columns", "Entry"), lambda c: c.levels.entry, "entry"),
    _level("take_profit", QT_TRANSLATE_NOOP("Columns", "Profit"), lambda c: c.levels.take_profit, "up"),
    _level("stop_loss", QT_TRANSLATE_NOOP("Columns", "Stop"), lambda c: c.levels.stop_loss, "down"),
    Column(
        key="lots",
        title=QT_TRANSLATE_NOOP("Columns", "Held"),
        getter=lambda c: c,
        formatter=_lots,
        sample="00/00",
        sort=lambda c: c.held,
        is_bold=lambda c: c.held != 0 and not c.state.is_final,
    ),
    Column(
        key="following",
        title=QT_TRANSLATE_NOOP("Columns", "Follows"),
        getter=lambda c: c.spec.following,
        formatter=_yes,
        alignment=CENTRE,
        sample="✓",
    ),
    Column(
        key="trailing",
        title=QT_TRANSLATE_NOOP("Columns", "Trailing"),
        getter=lambda c: c.spec.trailing_points,
        formatter=formats.lots,
        sample="000",
        colour=lambda c: "warning" if c.is_trailing else "",
    ),
    Column(
        key="id",
        title=QT_TRANSLATE_NOOP("Columns", "Condition"),
        getter=lambda c: c.condition_id,
        alignment=LEFT,
        sample="C000000000",
        colour=lambda c: "muted",
        tip=why,
    ),
)
