"""Columns of the table of fault classes of a drill, and their words."""

from typing import Final

from PySide6 import QtCore

from engine.drill.results import FaultResult, Report
from terminal.i18n import QT_TRANSLATE_NOOP
from terminal.models.table import LEFT, Column

_FAULTS: Final = {
    "kill_strategy": QT_TRANSLATE_NOOP("Drill", "The strategy process is killed"),
    "kill_executor": QT_TRANSLATE_NOOP("Drill", "The executor process is killed"),
    "kill_recorder": QT_TRANSLATE_NOOP("Drill", "The recorder process is killed"),
    "kill_strategy_at_points": QT_TRANSLATE_NOOP(
        "Drill", "The strategy process is killed at each point of an order's life"
    ),
    "kill_executor_at_points": QT_TRANSLATE_NOOP(
        "Drill", "The executor process is killed at each point of an order's life"
    ),
    "kill_recorder_at_points": QT_TRANSLATE_NOOP(
        "Drill", "The recorder process is killed at each point of an order's life"
    ),
    "kill_main": QT_TRANSLATE_NOOP("Drill", "The main process is killed at a random moment"),
    "kill_main_approved": QT_TRANSLATE_NOOP("Drill", "The main process is killed before an intent is written"),
    "kill_main_intent_durable": QT_TRANSLATE_NOOP(
        "Drill", "The main process is killed before the broker is called"
    ),
    "kill_main_called": QT_TRANSLATE_NOOP(
        "Drill", "The main process is killed before the outcome of a call is written"
    ),
    "kill_main_recorded": QT_TRANSLATE_NOOP("Drill", "The main process is killed before a reply is published"),
    "kill_main_fill_recorded": QT_TRANSLATE_NOOP("Drill", "The main process is killed before a fill is published"),
    "lost_reply_alive": QT_TRANSLATE_NOOP("Drill", "The answer to an order is lost, the order lives"),
    "lost_reply_dead": QT_TRANSLATE_NOOP("Drill", "An order and its answer are lost"),
    "duplicated": QT_TRANSLATE_NOOP("Drill", "Reports and fills are told twice"),
    "reordered": QT_TRANSLATE_NOOP("Drill", "Reports and fills overtake each other"),
    "partial_fills": QT_TRANSLATE_NOOP("Drill", "Orders are filled in part"),
    "late_fills": QT_TRANSLATE_NOOP("Drill", "Fills come after the end of their order"),
    "link_drop": QT_TRANSLATE_NOOP("Drill", "The link to the exchange drops"),
    "stale_feed": QT_TRANSLATE_NOOP("Drill", "The feed falls silent"),
    "freeze_strategy": QT_TRANSLATE_NOOP("Drill", "The strategy process freezes"),
    "freeze_executor": QT_TRANSLATE_NOOP("Drill", "The executor process freezes"),
    "freeze_recorder": QT_TRANSLATE_NOOP("Drill", "The recorder process freezes"),
    "freeze_main": QT_TRANSLATE_NOOP("Drill", "The main process freezes for a moment"),
    "full_disk": QT_TRANSLATE_NOOP("Drill", "The disk of the ledger is full"),
}


def fault_text(result: FaultResult) -> str:
    """What a fault class does, in the present language where its words are known."""
    source = _FAULTS.get(result.name)
    return QtCore.QCoreApplication.translate("Drill", source) if source else result.text


def _outcome(result: FaultResult) -> str:
    if not result.tried:
        return ""
    return "✓" if result.survived == result.tried else "✗"


def _tone(result: FaultResult) -> str:
    if not result.tried:
        return "muted"
    return "ok" if result.survived == result.tried else "error"


def report_text(report: Report) -> str:
    """The figures of a drill in one paragraph."""
    text = QtCore.QCoreApplication.translate(
        "Drill",
        "{runs} runs, {orders} orders, {fills} fills, the main process killed {deaths} times: {duplicates} orders "
        "twice, {lost} fills lost, {disagreements} disagreements. Longest without guard {longest} s; the limit is "
        "{limit} s, and {twice} s after the death of the main process.",
    )
    taken = QtCore.QCoreApplication.translate(
        "Drill", "Other programs took {seconds} s of the machine; the limits were longer by as much."
    )
    proofs = QtCore.QCoreApplication.translate(
        "Drill",
        "{proofs} times the price was moved through the exits of guarded lots, and they were closed in time.",
    )
    story = text.format(
        runs=report.runs,
        orders=report.orders,
        fills=report.fills,
        deaths=report.deaths,
        duplicates=report.duplicates,
        lost=report.lost,
        disagreements=report.disagreements,
        longest=f"{max((item.unguarded_s for item in report.faults), default=0.0):.1f}",
        limit=f"{report.limit_s:g}",
        twice=f"{2 * report.limit_s:g}",
    )
    story = f"{story} {proofs.format(proofs=report.proofs)}"
    return f"{story} {taken.format(seconds=round(report.taken_s))}" if report.taken_s > 1.0 else story


FAULT_COLUMNS: Final[tuple[Column[FaultResult], ...]] = (
    Column(
        key="outcome",
        title="",
        getter=lambda r: r,
        formatter=_outcome,
        sample="✓",
        colour=_tone,
        is_bold=lambda r: True,
        sort=lambda r: r.name,
    ),
    Column(
        key="text",
        title=QT_TRANSLATE_NOOP("Columns", "Fault"),
        getter=lambda r: r,
        formatter=fault_text,
        alignment=LEFT,
        sample="The main process is killed before the outcome of a call is written",
        sort=lambda r: r.name,
        tip=lambda r: r.name,
    ),
    Column(
        key="tried",
        title=QT_TRANSLATE_NOOP("Columns", "Tried"),
        getter=lambda r: r.tried,
        sample="000",
    ),
    Column(
        key="survived",
        title=QT_TRANSLATE_NOOP("Columns", "Survived"),
        getter=lambda r: r.survived,
        sample="000",
        colour=_tone,
    ),
    Column(
        key="unguarded",
        title=QT_TRANSLATE_NOOP("Columns", "Longest without guard, s"),
        getter=lambda r: r.unguarded_s,
        formatter=lambda seconds: f"{seconds:.1f}",
        sample="00.0",
    ),
)
