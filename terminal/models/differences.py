"""Columns of the table of differences between our books and the broker's, and their words."""

from typing import Final

from PySide6 import QtCore

from engine.model.books import Difference, DifferenceKind
from terminal import formats, i18n
from terminal.i18n import QT_TRANSLATE_NOOP
from terminal.models.table import LEFT, RIGHT, Column


def difference_key(difference: Difference) -> str:
    """The id of a difference within everything the window shows."""
    return "/".join(difference.key)


def difference_text(difference: Difference) -> str:
    """A difference in one line: contract, what differs and both sides' figures."""
    text = QtCore.QCoreApplication.translate("Differences", "{symbol}: {kind}: ours {ours}, the broker's {theirs}")
    return text.format(
        symbol=difference.symbol,
        kind=i18n.text(difference.kind),
        ours=difference.ours or formats.NOTHING,
        theirs=difference.theirs or formats.NOTHING,
    )


def advice(difference: Difference) -> str:
    """What a person can do about it."""
    translate = QtCore.QCoreApplication.translate
    if difference.kind is DifferenceKind.POSITION:
        return translate(
            "Differences", "No entry passes here. Ask again; if it stays, take over the broker's figure."
        )
    if difference.kind is DifferenceKind.EXTERNAL_ORDER:
        return translate("Differences", "Watch it where it was made: this program does not touch it.")
    return translate("Differences", "Ask again; if it stays, look at the order in the broker's own program.")


DIFFERENCE_COLUMNS: Final[tuple[Column[Difference], ...]] = (
    Column(
        key="kind",
        title=QT_TRANSLATE_NOOP("Columns", "What differs"),
        getter=lambda d: d.kind,
        formatter=i18n.text,
        alignment=LEFT,
        sample="Order made elsewhere",
        colour=lambda d: "warning",
        ground=lambda d: "warning",
        is_bold=lambda d: True,
    ),
    Column(
        key="symbol",
        title=QT_TRANSLATE_NOOP("Columns", "Contract"),
        getter=lambda d: d.symbol,
        alignment=LEFT,
        sample="TXFK4",
    ),
    Column(
        key="ours",
        title=QT_TRANSLATE_NOOP("Columns", "Ours"),
        getter=lambda d: d.ours or formats.NOTHING,
        alignment=RIGHT,
        sample="+000",
        is_bold=lambda d: True,
    ),
    Column(
        key="theirs",
        title=QT_TRANSLATE_NOOP("Columns", "Broker's"),
        getter=lambda d: d.theirs or formats.NOTHING,
        alignment=RIGHT,
        sample="+000",
        is_bold=lambda d: True,
    ),
    Column(
        key="since",
        title=QT_TRANSLATE_NOOP("Columns", "Since"),
        getter=lambda d: d.ts_event,
        formatter=lambda ts_ns: formats.clock(ts_ns, millis=False),
        sample="00:00:00",
    ),
    Column(
        key="account",
        title=QT_TRANSLATE_NOOP("Columns", "Account"),
        getter=lambda d: d.account,
        alignment=LEFT,
        sample="0000000-0",
        colour=lambda d: "muted",
    ),
    Column(
        key="order",
        title=QT_TRANSLATE_NOOP("Columns", "Order id"),
        getter=lambda d: d.client_order_id,
        alignment=LEFT,
        sample="WWWWWWWWWW",
        colour=lambda d: "muted",
    ),
    Column(
        key="advice",
        title=QT_TRANSLATE_NOOP("Columns", "What to do"),
        getter=lambda d: d,
        formatter=advice,
        alignment=LEFT,
        sample="No entry passes here. Ask again; if it stays, take over the broker's figure.",
        sort=lambda d: d.kind,
        tip=lambda d: d.text,
    ),
)
