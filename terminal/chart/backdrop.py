"""What stays the same from frame to frame: grid, sessions, axes and all bars but the last."""

from typing import Final

from PySide6 import QtCore, QtGui

from engine.model.session import SessionKind
from terminal import i18n
from terminal.chart import axes
from terminal.chart.candles import BarPainter, group_size
from terminal.chart.frame import TIME_AXIS_HEIGHT, Frame
from terminal.theme import mixed

PRICE_SPACING: Final = 44.0
"""Pixels between the marks of the price axis, at least."""
_TIME_SPACING: Final = 84.0
_CENTRE: Final = QtCore.Qt.AlignmentFlag.AlignCenter
_LEFT: Final = QtCore.Qt.AlignmentFlag.AlignLeft | QtCore.Qt.AlignmentFlag.AlignVCenter


def paint_backdrop(painter: QtGui.QPainter, frame: Frame, bars: BarPainter) -> None:
    """Paints the backdrop over the whole view."""
    theme = frame.theme
    painter.fillRect(QtCore.QRectF(0, 0, frame.width, frame.height), QtGui.QColor(theme.base))
    if len(frame.bars):
        _paint_nights(painter, frame)
        _paint_price_grid(painter, frame)
        _paint_volume_axis(painter, frame)
        _paint_time_axis(painter, frame)
        _paint_sessions(painter, frame)
        painter.setClipRect(frame.plot)
        bars.paint(painter, frame.bars, closed_span(frame), frame.price, frame.volume, theme)
        painter.setClipping(False)
        _paint_borders(painter, frame)


def closed_span(frame: Frame) -> tuple[int, int]:
    """The bars in view without the last drawn one of all, which still changes."""
    first, end = frame.span
    return first, min(end, last_group(frame))


def last_group(frame: Frame) -> int:
    """Index of the first bar of the group that is drawn last."""
    size = group_size(frame.price.bar_width)
    return max(len(frame.bars) - 1, 0) // size * size


def _paint_nights(painter: QtGui.QPainter, frame: Frame) -> None:
    """Night sessions have a ground of their own."""
    tint = QtGui.QColor(mixed(frame.theme.panel, frame.theme.base, 0.45))
    ends = [index for index, _ in frame.sessions[1:]] + [frame.span[1]]
    for (index, session), end in zip(frame.sessions, ends, strict=True):
        if session.kind is SessionKind.NIGHT:
            left = max(frame.price.x(index - 0.5), 0.0)
            right = min(frame.price.x(end - 0.5), frame.price.right)
            if end == len(frame.bars):
                right = frame.price.right
            painter.fillRect(QtCore.QRectF(left, 0, max(right - left, 0), frame.plot.height()), tint)


def _paint_price_grid(painter: QtGui.QPainter, frame: Frame) -> None:
    scale = frame.price
    painter.setPen(QtGui.QColor(_faint(frame)))
    for price in axes.price_marks(scale, axes.price_step(scale, frame.tick_size, PRICE_SPACING)):
        y = round(scale.y(price))
        painter.drawLine(QtCore.QPointF(scale.left, y), QtCore.QPointF(scale.right, y))


def _paint_volume_axis(painter: QtGui.QPainter, frame: Frame) -> None:
    scale = frame.volume
    step = axes.price_step(scale, 1, 30.0)
    for lots in axes.price_marks(scale, step)[1:]:
        y = round(scale.y(lots))
        if y - scale.top < 14:
            continue
        painter.setPen(QtGui.QColor(_faint(frame)))
        painter.drawLine(QtCore.QPointF(scale.left, y), QtCore.QPointF(scale.right, y))
        painter.setPen(QtGui.QColor(frame.theme.muted))
        painter.drawText(QtCore.QRectF(scale.right, y - 10, frame.axis_width, 20), _CENTRE, _lots_text(lots))


def _paint_time_axis(painter: QtGui.QPainter, frame: Frame) -> None:
    scale, theme = frame.price, frame.theme
    top = frame.volume.bottom
    for mark in axes.time_marks(frame.bars, frame.span, scale, frame.span_s, _TIME_SPACING):
        x = round(scale.x(mark.index))
        if not scale.left <= x <= scale.right:
            continue
        if not mark.is_session:
            painter.setPen(QtGui.QColor(_faint(frame)))
            painter.drawLine(QtCore.QPointF(x, 0), QtCore.QPointF(x, top))
        painter.setPen(QtGui.QColor(theme.text if mark.is_session else theme.muted))
        width = painter.fontMetrics().horizontalAdvance(mark.text)
        left = min(max(x - width / 2, 4.0), scale.right - width - 2)
        painter.drawText(QtCore.QRectF(left, top, width + 2, TIME_AXIS_HEIGHT), _LEFT, mark.text)


def _paint_sessions(painter: QtGui.QPainter, frame: Frame) -> None:
    """A line where a session begins, with its name and trade date where there is room."""
    scale, theme = frame.price, frame.theme
    edges = [scale.x(index - 0.5) for index, _ in frame.sessions]
    for place, (index, session) in enumerate(frame.sessions):
        x = round(edges[place])
        if x >= scale.left and index > 0:
            painter.setPen(QtGui.QPen(QtGui.QColor(theme.muted), 1, QtCore.Qt.PenStyle.DotLine))
            painter.drawLine(QtCore.QPointF(x, 0), QtCore.QPointF(x, frame.volume.bottom))
        left = max(x, scale.left) + 8
        right = edges[place + 1] if place + 1 < len(edges) else scale.right
        text = f"{i18n.text(session.kind)} {session.trade_date:%m/%d}"
        if right - left > painter.fontMetrics().horizontalAdvance(text) + 8:
            painter.setPen(QtGui.QColor(theme.muted))
            painter.drawText(QtCore.QPointF(left, scale.bottom - 8), text)


def _paint_borders(painter: QtGui.QPainter, frame: Frame) -> None:
    painter.setPen(QtGui.QColor(frame.theme.grid))
    right, bottom = round(frame.price.right), round(frame.volume.bottom)
    middle = round(frame.volume.top)
    painter.drawLine(right, 0, right, bottom)
    painter.drawLine(0, middle, round(frame.width), middle)
    painter.drawLine(0, bottom, round(frame.width), bottom)


def _faint(frame: Frame) -> str:
    return mixed(frame.theme.grid, frame.theme.base, 0.55)


def _lots_text(lots: int) -> str:
    return f"{lots / 1000:g}k" if lots >= 10_000 else f"{lots:,}"
