"""What is painted anew in every frame, over the backdrop: fills, crosshair, the values under it, sentences."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PySide6 import QtCore, QtGui

from engine.model.order import Fill, Side
from terminal.chart import axes
from terminal.chart.backdrop import PRICE_SPACING
from terminal.chart.frame import READOUT_HEIGHT, TIME_AXIS_HEIGHT, Frame
from terminal.chart.stamps import Stamp, Stamps
from terminal.chart.tags import TAG_HEIGHT, mixed, text_on

_CENTRE: Final = QtCore.Qt.AlignmentFlag.AlignCenter
_MARKER: Final = 6.5  # half the width of a fill's triangle
_DASHES: Final = [3, 3]

Words = tuple[tuple[str, str], ...]
"""A value of the readout: its texts, each with its colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadoutWords:
    """Short names of a bar's values in the present language."""

    open: str
    high: str
    low: str
    close: str
    volume: str


def paint_prices(painter: QtGui.QPainter, stamps: Stamps, frame: Frame, taken: Sequence[QtCore.QRectF]) -> None:
    """The round prices of the axis, except where a tag stands."""
    scale, theme = frame.price, frame.theme
    width = int(frame.axis_width) - 2
    for price in axes.price_marks(scale, axes.price_step(scale, frame.tick_size, PRICE_SPACING)):
        box = QtCore.QRectF(scale.right + 1, round(scale.y(price)) - 8, width, 16)
        is_inside = box.top() >= 0 and box.bottom() <= scale.bottom
        if is_inside and not any(box.intersects(other) for other in taken):
            text = frame.price_text(price)
            stamps.paint(painter, box.x(), box.y(), Stamp(text, width, 16, theme.muted, theme.base, theme.base))


def paint_fills(painter: QtGui.QPainter, frame: Frame, fills: Iterable[Fill]) -> None:
    """A triangle at bar and price of every fill in view: upwards a buy, downwards a sale."""
    shown = list(fills)
    if not shown or not len(frame.bars):
        return
    times = np.array([fill.ts_event for fill in shown], np.int64)
    places = np.searchsorted(frame.bars.start_ns, times, side="right") - 1
    scale = frame.price
    painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing, True)
    painter.setPen(QtGui.QPen(QtGui.QColor(frame.theme.text), 1.2))
    for fill, index in zip(shown, places.tolist(), strict=True):
        x, y = scale.x(max(index, 0)), scale.y(fill.price)
        if scale.contains(x, y):
            is_buy = fill.side is Side.BUY
            painter.setBrush(QtGui.QColor(frame.theme.fill_buy if is_buy else frame.theme.fill_sell))
            painter.drawPolygon(_triangle(np.floor(x) + 0.5, y, 1 if is_buy else -1))
    painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing, False)


def paint_crosshair(painter: QtGui.QPainter, frame: Frame, mouse: QtCore.QPointF, index: int | None) -> None:
    """Lines through the bar and the height of the mouse, with the price and the time on the axes."""
    theme, plot = frame.theme, frame.plot
    pen = QtGui.QPen(QtGui.QColor(theme.crosshair), 1)
    pen.setDashPattern(_DASHES)
    painter.setPen(pen)
    if index is not None:
        x = round(np.floor(frame.price.x(index)))
        painter.drawLine(QtCore.QPointF(x, 0), QtCore.QPointF(x, plot.bottom()))
    y = round(mouse.y())
    painter.drawLine(QtCore.QPointF(0, y), QtCore.QPointF(plot.right(), y))
    if index is not None:
        text = axes.local_text(int(frame.bars.start_ns[index]), time_pattern(frame.span_s))
        width = painter.fontMetrics().horizontalAdvance(text) + 14
        left = min(max(x - width / 2, 0.0), plot.right() - width)
        _paint_box(painter, QtCore.QRectF(left, plot.bottom() + 2, width, TIME_AXIS_HEIGHT - 4), text, frame)
    if frame.price.contains(mouse.x(), mouse.y()):
        text = frame.price_text(snapped_price(frame, mouse.y()))
    else:
        text = f"{max(frame.volume.value(mouse.y()), 0):,.0f}"
    _paint_box(painter, pointer_tag(frame, mouse), text, frame)


def pointer_tag(frame: Frame, mouse: QtCore.QPointF) -> QtCore.QRectF:
    """Where the crosshair's price stands on the axis."""
    top = round(mouse.y()) - TAG_HEIGHT // 2
    return QtCore.QRectF(frame.plot.right() + 1, top, frame.axis_width - 2, TAG_HEIGHT)


def paint_readout(
    painter: QtGui.QPainter, frame: Frame, title: str, index: int | None, words: ReadoutWords
) -> None:
    """The contract and the values of a bar, in the upper left corner on a ground of its own."""
    theme = frame.theme
    values: list[Words] = [((title, theme.text),)]
    if index is not None:
        values += _bar_values(frame, index, words)
    metrics = painter.fontMetrics()
    parts = fitting(values, frame.price.right - 20, metrics.horizontalAdvance)
    ground = QtGui.QColor(theme.base)
    ground.setAlpha(200)
    width = sum(metrics.horizontalAdvance(text) for text, _ in parts) + 20
    painter.fillRect(QtCore.QRectF(0, 0, width, READOUT_HEIGHT), ground)
    baseline = (READOUT_HEIGHT + metrics.ascent() - metrics.descent()) / 2
    x = 10.0
    for text, colour in parts:
        painter.setPen(QtGui.QColor(colour))
        painter.drawText(QtCore.QPointF(x, baseline), text)
        x += metrics.horizontalAdvance(text)


def fitting(values: Sequence[Words], room: float, width_of: Callable[[str], float]) -> list[tuple[str, str]]:
    """The words of the first values that there is room for: each whole and with its name, or not at all."""
    shown: list[tuple[str, str]] = []
    for words in values:
        room -= sum(width_of(text) for text, _ in words)
        if room < 0:
            break
        shown += words
    return shown


def paint_sentence(painter: QtGui.QPainter, frame: Frame, headline: str, sentence: str) -> None:
    """Says in the middle of an empty chart why it is empty."""
    middle = frame.height / 2
    font = painter.font()
    large = QtGui.QFont(font)
    large.setPointSizeF(font.pointSizeF() * 1.4)
    painter.setFont(large)
    painter.setPen(QtGui.QColor(frame.theme.text))
    painter.drawText(QtCore.QRectF(0, middle - 34, frame.width, 30), _CENTRE, headline)
    painter.setFont(font)
    painter.setPen(QtGui.QColor(frame.theme.muted))
    painter.drawText(
        QtCore.QRectF(20, middle + 2, frame.width - 40, 60),
        QtCore.Qt.AlignmentFlag.AlignHCenter | QtCore.Qt.AlignmentFlag.AlignTop | QtCore.Qt.TextFlag.TextWordWrap,
        sentence,
    )


def snapped_price(frame: Frame, y: float) -> int:
    """The price at a height, on the price step."""
    step = frame.tick_size
    return round(frame.price.value(y) / step) * step


def time_pattern(span_s: int) -> str:
    """How the crosshair shows the start of a bar."""
    return "%m/%d %H:%M:%S" if span_s < 60 else "%m/%d %H:%M"


def _bar_values(frame: Frame, index: int, words: ReadoutWords) -> list[Words]:
    bars, theme = frame.bars, frame.theme
    opened, close = int(bars.open[index]), int(bars.close[index])
    before = int(bars.close[index - 1]) if index else opened
    tone = theme.up if close > before else theme.down if close < before else theme.text
    share = 100 * (close - before) / before if before else 0.0
    time = axes.local_text(int(bars.start_ns[index]), time_pattern(frame.span_s))
    values = (
        (words.open, opened),
        (words.high, int(bars.high[index])),
        (words.low, int(bars.low[index])),
        (words.close, close),
    )
    return [
        ((f"   {time}", theme.muted),),
        *(((f"   {name} ", theme.muted), (frame.price_text(value), tone)) for name, value in values),
        ((f"   {words.volume} ", theme.muted), (f"{int(bars.volume[index]):,}", theme.text)),
        ((f"   {frame.change_text(close - before)} ({share:+.2f}%)", tone),),
    ]


def _paint_box(painter: QtGui.QPainter, box: QtCore.QRectF, text: str, frame: Frame) -> None:
    colour = mixed(frame.theme.crosshair, frame.theme.base, 0.75)
    painter.fillRect(box, QtGui.QColor(colour))
    painter.setPen(QtGui.QColor(text_on(colour)))
    painter.drawText(box, _CENTRE, text)


def _triangle(x: float, y: float, direction: int) -> QtGui.QPolygonF:
    """Its tip touches the price, from below for +1."""
    base = y + direction * 2 * _MARKER
    tip = y + direction * 1.0
    points = ((x, tip), (x - _MARKER, base), (x + _MARKER, base))
    return QtGui.QPolygonF([QtCore.QPointF(*point) for point in points])
