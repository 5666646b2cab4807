"""Lines across the chart and their labels at the right, spread so that none covers another."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from PySide6 import QtCore, QtGui

from terminal.chart.frame import READOUT_HEIGHT
from terminal.chart.lines import LineKind, PriceLine
from terminal.chart.scale import Scale
from terminal.chart.stamps import Stamp, Stamps
from terminal.theme import Theme
from terminal.theme import mixed as _mixed

TAG_HEIGHT: Final = 19
_GAP: Final = 2
_PAD: Final = 7
_ELBOW: Final = 14
_MARGIN: Final = 6
_FIXED: Final = 1e6  # weight of the last price: others make room for it

mixed: Final = cache(_mixed)
"""A colour laid over a ground, remembered."""


@dataclass(frozen=True, slots=True)
class PlacedTag:
    """A line and where its label is.

    Attributes:
        line: the line.
        y: pixel of its price; may lie outside of the panel.
        elbow: pixel left of all labels, where the line turns to a label that had to make room.
        label: box within the panel, empty for the last price.
        tag: box on the price axis.
    """

    line: PriceLine
    y: float
    elbow: float
    label: QtCore.QRectF
    tag: QtCore.QRectF


def spread(
    wanted: Sequence[float], weights: Sequence[float], size: float, top: float, bottom: float
) -> list[float]:
    """Positions nearest to the wanted ones (weighted least squares) at least ``size`` apart, within bounds.

    Args:
        wanted: wanted positions, in any order.
        weights: how much each insists.
        size: least distance.
        top: lowest position allowed.
        bottom: highest position allowed; ignored where there are too many.
    """
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    blocks: list[tuple[float, float, int]] = []  # mean, weight, members; of positions less their rank x size
    for rank, index in enumerate(order):
        block = (wanted[index] - rank * size, weights[index], 1)
        while blocks and blocks[-1][0] > block[0]:
            mean, weight, count = blocks.pop()
            total = weight + block[1]
            block = ((mean * weight + block[0] * block[1]) / total, total, count + block[2])
        blocks.append(block)
    highest = max(bottom - (len(wanted) - 1) * size, top)
    placed = [0.0] * len(wanted)
    rank = 0
    for mean, _, count in blocks:
        for _ in range(count):
            placed[order[rank]] = min(max(mean, top), highest) + rank * size
            rank += 1
    return placed


def colour_of(line: PriceLine, theme: Theme) -> str:
    """The colour of a line; the last price is up or down by its gain."""
    if line.kind is LineKind.LAST:
        return theme.up if line.gain > 0 else theme.down if line.gain < 0 else theme.muted
    colour: str = getattr(theme, line.kind)
    return mixed(colour, theme.base, 0.6) if line.is_dimmed or line.is_faulty else colour


@cache
def text_on(colour: str) -> str:
    """Black or white, whichever reads better on a colour."""
    found = QtGui.QColor(colour)
    luminance = 0.299 * found.redF() + 0.587 * found.greenF() + 0.114 * found.blueF()
    return "#101317" if luminance > 0.56 else "#ffffff"


def place(
    lines: Sequence[PriceLine], scale: Scale, axis_width: float, metrics: QtGui.QFontMetricsF
) -> list[PlacedTag]:
    """Finds a place for the label of every line in view; live lines out of view are shown at the edge."""
    shown = [line for line in lines if line.is_live or scale.y0 <= line.price <= scale.y1]
    ys = [scale.y(line.price) for line in shown]
    half = TAG_HEIGHT / 2
    placed = spread(
        [min(max(y, scale.top), scale.bottom) for y in ys],
        [_FIXED if line.kind is LineKind.LAST else 1.0 for line in shown],
        TAG_HEIGHT + _GAP,
        scale.top + READOUT_HEIGHT + half,
        scale.bottom - half - 1,
    )
    texts = [label_text(line, scale) if line.text else "" for line in shown]
    widths = [metrics.horizontalAdvance(text) + 2 * _PAD if text else 0.0 for text in texts]
    elbow = round(scale.right - max(widths, default=0.0) - _MARGIN)
    tags = []
    for line, y, middle, width in zip(shown, ys, placed, widths, strict=True):
        top = round(middle - half)
        label = QtCore.QRectF(round(scale.right - width - _MARGIN), top, width, TAG_HEIGHT)
        tag = QtCore.QRectF(scale.right + 1, top, axis_width - 2, TAG_HEIGHT)
        tags.append(PlacedTag(line, y, elbow, label, tag))
    return tags


def label_text(line: PriceLine, scale: Scale) -> str:
    """The label, with an arrow where the line is out of view."""
    if line.price > scale.y1:
        return f"↑ {line.text}"
    return f"↓ {line.text}" if line.price < scale.y0 else line.text


def paint_line(painter: QtGui.QPainter, placed: PlacedTag, scale: Scale, theme: Theme, is_hot: bool) -> None:
    """Paints the line itself and the elbow to its label.

    Args:
        painter: paints in pixels of the view.
        placed: the line.
        scale: of the price panel.
        theme: colours.
        is_hot: it is under the mouse or being dragged.
    """
    if not scale.top <= placed.y <= scale.bottom:
        return
    line, label = placed.line, placed.label
    pen = QtGui.QPen(QtGui.QColor(colour_of(line, theme)), 2 if is_hot else 1)
    if line.kind is LineKind.LAST:
        pen.setDashPattern([1, 3])
    elif line.kind is LineKind.WORKING_ORDER:
        pen.setDashPattern([6, 2, 1, 2])
    elif line.is_faulty or not line.is_live:
        pen.setDashPattern([4, 4])
    painter.setPen(pen)
    y = round(placed.y)
    middle = round(label.center().y()) if line.text else y
    if abs(middle - y) <= 2:
        painter.drawLine(QtCore.QPointF(scale.left, y), QtCore.QPointF(scale.right, y))
        return
    elbow = placed.elbow - _ELBOW
    painter.drawLine(QtCore.QPointF(scale.left, y), QtCore.QPointF(elbow, y))
    painter.drawLine(QtCore.QPointF(placed.elbow, middle), QtCore.QPointF(label.left(), middle))
    pen.setStyle(QtCore.Qt.PenStyle.SolidLine)
    painter.setPen(pen)
    painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing, True)
    painter.drawLine(QtCore.QPointF(elbow, y + 0.5), QtCore.QPointF(placed.elbow, middle + 0.5))
    painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing, False)


def paint_tag(
    painter: QtGui.QPainter, stamps: Stamps, placed: PlacedTag, scale: Scale, price: str, theme: Theme
) -> None:
    """Paints the label within the panel and the price on the axis."""
    line = placed.line
    colour = colour_of(line, theme)
    ground = mixed(colour, theme.base, 0.16)
    ink = colour
    if line.text:
        if line.kind is LineKind.POSITION:
            ink = theme.up if line.gain > 0 else theme.down if line.gain < 0 else theme.text
        width = math.ceil(placed.label.width())
        label = Stamp(label_text(line, scale), width, TAG_HEIGHT, ink, ground, colour, _PAD)
        stamps.paint(painter, placed.label.x(), placed.label.y(), label)
    if line.is_live and not line.is_dimmed and not line.is_faulty:
        ink, ground = text_on(colour), colour
    else:
        ink = colour
    tag = Stamp(price, int(placed.tag.width()), TAG_HEIGHT, ink, ground, colour)
    stamps.paint(painter, placed.tag.x(), placed.tag.y(), tag)
