"""Rows and columns of the table of conditions: each with why it does not guard or watch now."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from PySide6 import QtCore

from engine.model.condition import Condition, ConditionState, SessionEnd
from engine.model.guard import GuardFault
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
    ConditionState.HELD: "warning",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A condition, and whether somebody watches it.

    Attributes:
        condition: as the gateway told.
        fault: why it neither guards nor watches now; None = nobody knows.
    """

    condition: Condition
    fault: GuardFault | None = GuardFault.NONE

    @property
    def is_working(self) -> bool:
        """What its state says holds."""
        return self.fault is GuardFault.NONE or self.condition.state is ConditionState.HELD


def state_colour(row: Watched) -> str:
    """Theme colour of a condition's state; one that does not work stands out."""
    if not row.is_working:
        return "error" if row.condition.held else "warning"
    return _COLOURS[row.condition.state]


def state_text(row: Watched) -> str:
    """The state in words, with why it does not hold."""
    state, translate = i18n.text(row.condition.state), QtCore.QCoreApplication.translate
    if row.is_working:
        return state
    why_not = translate("Columns", "unknown") if row.fault is None else i18n.text(row.fault)
    if row.condition.held:
        return translate("Columns", "⚠ Not guarding: {why}").format(why=why_not)
    return translate("Columns", "⚠ {state}, not watched: {why}").format(state=state, why=why_not)


def state_in_short(row: Watched) -> str:
    """The state for a narrow cell; why it does not hold stands in the tip and in the notice."""
    translate = QtCore.QCoreApplication.translate
    if row.is_working:
        return i18n.text(row.condition.state)
    return translate("Columns", "⚠ Not guarding") if row.condition.held else translate("Columns", "⚠ Not watched")


def why(condition: Condition) -> str:
    """Why it ended, in words."""
    return ": ".join(filter(None, (i18n.text(condition.reason), condition.text)))


def _tip(row: Watched) -> str:
    return "\n".join(filter(None, (state_text(row), why(row.condition))))


def _lots(condition: Condition) -> str:
    return formats.NOTHING if condition.state.is_final else f"{condition.held}/{condition.spec.quantity}"


def _minutes(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02d}" if seconds else formats.NOTHING


def _end_text(end: SessionEnd) -> str:
    translate = QtCore.QCoreApplication.translate
    return {
        SessionEnd.REARM: translate("Columns", "Goes on"),
        SessionEnd.FLATTEN: translate("Columns", "Closes"),
        SessionEnd.UNGUARDED: translate("Columns", "Holds"),
    }[end]


def _yes(is_so: bool) -> str:
    return "✓" if is_so else ""


def _state_ground(row: Watched) -> str:
    if not row.is_working:
        return "error" if row.condition.held else "warning"
    return {ConditionState.OPEN: "ok", ConditionState.HELD: "warning"}.get(row.condition.state, "")


def _level(key: str, title: str, getter: Callable[[Condition], int], colour: str) -> Column[Watched]:
    return Column(
        key=key,
        title=title,
        getter=lambda r: r.condition,
        formatter=lambda c: formats.price(c.spec.symbol, getter(c)),
        sort=lambda r: getter(r.condition),
        colour=lambda r: "muted" if r.condition.state.is_final or not r.is_working else colour,
    )


CONDITION_COLUMNS: Final[tuple[Column[Watched], ...]] = (
    Column(
        key="state",
        title=QT_TRANSLATE_NOOP("Columns", "State"),
        getter=lambda r: r,
        formatter=state_in_short,
        alignment=LEFT,
        sample="⚠ Not guarding",
        colour=state_colour,
        is_bold=lambda r: r.condition.state.is_in_market or not r.is_working,
        ground=_state_ground,
        sort=lambda r: f"{r.condition.state.is_final:d}{r.condition.condition_id}",
        tip=_tip,
    ),
    Column(
        key="symbol",
        title=QT_TRANSLATE_NOOP("Columns", "Contract"),
        getter=lambda r: r.condition.spec.symbol,
        alignment=LEFT,
        sample="TXFK4",
    ),
    Column(
        key="action",
        title=QT_TRANSLATE_NOOP("Columns", "B/S"),
        getter=lambda r: r.condition.spec.action,
        formatter=i18n.text,
        alignment=CENTRE,
        sample="Sell",
        colour=lambda r: side_colour(r.condition.spec.action),
        is_bold=lambda r: True,
        tip=lambda r: i18n.action_text(r.condition.spec.action),
    ),
    _level("trigger", QT_TRANSLATE_NOOP("Columns", "Trigger"), lambda c: c.levels.trigger, "trigger"),
    _level("entry", QT_TRANSLATE_NOOP("Columns", "Entry"), lambda c: c.levels.entry, "entry"),
    _level("take_profit", QT_TRANSLATE_NOOP("Columns", "Profit"), lambda c: c.levels.take_profit, "up"),
    _level("stop_loss", QT_TRANSLATE_NOOP("Columns", "Stop"), lambda c: c.levels.stop_loss, "down"),
    Column(
        key="lots",
        title=QT_TRANSLATE_NOOP("Columns", "Held"),
        getter=lambda r: r.condition,
        formatter=_lots,
        sample="00/00",
        sort=lambda r: r.condition.held,
        is_bold=lambda r: r.condition.held != 0 and not r.condition.state.is_final,
    ),
    Column(
        key="following",
        title=QT_TRANSLATE_NOOP("Columns", "Follows"),
        getter=lambda r: r.condition.spec.following,
        formatter=_yes,
        alignment=CENTRE,
        sample="✓",
    ),
    Column(
        key="trailing",
        title=QT_TRANSLATE_NOOP("Columns", "Trailing"),
        getter=lambda r: r.condition.spec.trailing_points,
        formatter=formats.lots,
        sample="000",
        colour=lambda r: "warning" if r.condition.is_trailing else "",
    ),
    Column(
        key="breakeven",
        title=QT_TRANSLATE_NOOP("Columns", "Breakeven"),
        getter=lambda r: r.condition.spec.breakeven_points,
        formatter=formats.lots,
        sample="000",
        colour=lambda r: "warning" if r.condition.is_breakeven else "",
    ),
    Column(
        key="time_stop",
        title=QT_TRANSLATE_NOOP("Columns", "Time stop"),
        getter=lambda r: r.condition.spec.time_stop_s,
        formatter=_minutes,
        sample="000:00",
    ),
    Column(
        key="session_end",
        title=QT_TRANSLATE_NOOP("Columns", "At the close"),
        getter=lambda r: r.condition.spec.session_end,
        formatter=_end_text,
        alignment=LEFT,
        sample="Goes on",
        tip=lambda r: i18n.text(r.condition.spec.session_end),
    ),
    Column(
        key="oco",
        title=QT_TRANSLATE_NOOP("Columns", "Group"),
        getter=lambda r: r.condition.spec.oco_group,
        alignment=LEFT,
        sample="G000000000",
        colour=lambda r: "muted",
    ),
    Column(
        key="id",
        title=QT_TRANSLATE_NOOP("Columns", "Condition"),
        getter=lambda r: r.condition.condition_id,
        alignment=LEFT,
        sample="C000000000",
        colour=lambda r: "muted",
        tip=lambda r: why(r.condition),
    ),
)
