"""Columns of the table of findings, and their words."""

import time
from collections.abc import Callable
from typing import Final

from PySide6 import QtCore

from engine.model.scan import ScanHit, ScanKind
from terminal import formats, i18n
from terminal.i18n import QT_TRANSLATE_NOOP
from terminal.models.table import LEFT, Column

BEST: Final = 1000
"""The highest score."""

_COLOURS: Final = {
    ScanKind.NEAR_CONDITION: "trigger",
    ScanKind.SESSION_HIGH: "up",
    ScanKind.GAP_UP: "up",
    ScanKind.SESSION_LOW: "down",
    ScanKind.GAP_DOWN: "down",
}
_MEANINGS: Final = {
    ScanKind.NEAR_CONDITION: QT_TRANSLATE_NOOP(
        "Scanner", "The price is near the trigger of the armed condition {condition}."
    ),
    ScanKind.NEAR_SUPPORT: QT_TRANSLATE_NOOP(
        "Scanner", "The market has turned at this level more than once; the price is just above it."
    ),
    ScanKind.NEAR_RESISTANCE: QT_TRANSLATE_NOOP(
        "Scanner", "The market has turned at this level more than once; the price is just below it."
    ),
    ScanKind.SESSION_HIGH: QT_TRANSLATE_NOOP("Scanner", "The highest price of this session."),
    ScanKind.SESSION_LOW: QT_TRANSLATE_NOOP("Scanner", "The lowest price of this session."),
    ScanKind.VOLUME_SURGE: QT_TRANSLATE_NOOP(
        "Scanner", "A minute with at least three times the average lots of the minutes before it."
    ),
    ScanKind.RANGE_SURGE: QT_TRANSLATE_NOOP(
        "Scanner", "A minute with at least three times the average range of the minutes before it."
    ),
    ScanKind.GAP_UP: QT_TRANSLATE_NOOP(
        "Scanner", "The session opened above the whole range of the one before, and the gap is still open."
    ),
    ScanKind.GAP_DOWN: QT_TRANSLATE_NOOP(
        "Scanner", "The session opened below the whole range of the one before, and the gap is still open."
    ),
}


def hit_key(hit: ScanHit) -> str:
    """The id of a finding: a newer one of the same kind about the same thing takes its row."""
    return f"{hit.symbol}/{hit.kind}/{hit.condition_id}"


def meaning(hit: ScanHit) -> str:
    """What was found, in a sentence."""
    text = QtCore.QCoreApplication.translate("Scanner", _MEANINGS[hit.kind])
    return text.format(condition=hit.condition_id)


def columns(now_ns: Callable[[], int] = time.time_ns) -> tuple[Column[ScanHit], ...]:
    """The columns of the table of findings.

    Args:
        now_ns: the market's clock that ages are measured by, 0 = not known.
    """

    def age(ts_event: int) -> str:
        now = now_ns()
        return formats.age(now - ts_event if now and ts_event else None)

    return (
        Column(
            key="symbol",
            title=QT_TRANSLATE_NOOP("Columns", "Contract"),
            getter=lambda h: h.symbol,
            alignment=LEFT,
            sample="TXFK4",
            is_bold=lambda h: True,
        ),
        Column(
            key="kind",
            title=QT_TRANSLATE_NOOP("Columns", "What stands out"),
            getter=lambda h: h.kind,
            formatter=i18n.text,
            alignment=LEFT,
            sample="Near a resistance",
            colour=lambda h: _COLOURS.get(h.kind, "text"),
            tip=meaning,
        ),
        Column(
            key="price",
            title=QT_TRANSLATE_NOOP("Columns", "Last"),
            getter=lambda h: h,
            formatter=lambda h: formats.price(h.symbol, h.price),
            sort=lambda h: h.price,
        ),
        Column(
            key="level",
            title=QT_TRANSLATE_NOOP("Columns", "At level"),
            getter=lambda h: h,
            formatter=lambda h: formats.price(h.symbol, h.level),
            sort=lambda h: h.level,
        ),
        Column(
            key="score",
            title=QT_TRANSLATE_NOOP("Columns", "Score"),
            getter=lambda h: h.score,
            sample="00000000000000",
        ),
        Column(
            key="age",
            title=QT_TRANSLATE_NOOP("Columns", "Age"),
            getter=lambda h: h.ts_event,
            formatter=age,
            sample="00 min",
            sort=lambda h: -h.ts_event,
            colour=lambda h: "muted",
        ),
        Column(
            key="meaning",
            title=QT_TRANSLATE_NOOP("Columns", "What it means"),
            getter=lambda h: h,
            formatter=meaning,
            alignment=LEFT,
            sample="The highest price of this session.",
            sort=lambda h: h.kind,
            colour=lambda h: "muted",
            tip=meaning,
        ),
    )
