"""The chart under the mouse and the keys: dragging levels, panning, zooming, asking for a condition."""

from dataclasses import replace
from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from terminal.chart import foreground
from terminal.chart.canvas import ChartCanvas
from terminal.chart.hand import Gesture, LevelDrag, stretched, taken


class ChartView(ChartCanvas):
    """The drawing surface that a person works on.

    Signals:
        level_moved(condition_id, level_name, price): a level was dragged and released.
        menu_requested(position, price): right click, in global pixels and at a price on the price step.
    """

    level_moved = QtCore.Signal(str, str, int)
    menu_requested = QtCore.Signal(QtCore.QPoint, int)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
        self.viewport().setMouseTracking(True)
        self._gesture: Gesture | None = None
        self._pressed = QtCore.QPointF()

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        """Left: takes a level, the price axis or the chart. Right: drops a level, or asks for the menu."""
        event.accept()
        where = event.position()
        if event.button() is QtCore.Qt.MouseButton.RightButton:
            self._on_right_press(event)
            return
        if event.button() is not QtCore.Qt.MouseButton.LeftButton or not len(self.frame.bars):
            return
        self._pressed = where
        placed = taken(self.placed_tags(), where.x(), where.y())
        if placed is not None:
            price = round(placed.line.price)
            self._gesture = Gesture.LEVEL
            self.drag = LevelDrag(
                condition_id=placed.line.key,
                kind=placed.line.kind,
                origin=price,
                grip_y=where.y(),
                price=price,
            )
        elif where.x() >= self.frame.price.right:
            self._gesture = Gesture.STRETCH
        else:
            self._gesture = Gesture.PAN
            self.viewport().setCursor(QtCore.Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        """Moves what was taken, and the crosshair."""
        event.accept()
        where = event.position()
        step = where - self._pressed
        self.pointer = where
        if self._gesture is Gesture.LEVEL and self.drag is not None:
            scale = self.frame.price
            y = min(max(where.y(), scale.top), scale.bottom)
            price = self.drag.origin + scale.value(y) - scale.value(self.drag.grip_y)
            self.drag = replace(self.drag, price=price)
            self.refit()
        elif self._gesture is Gesture.PAN:
            self._pan(step)
            self._pressed = where
        elif self._gesture is Gesture.STRETCH:
            self.is_stretched = True
            self.price_range = stretched(self.frame.price, step.y())
            self._pressed = where
            self.refit()
        else:
            self._hover(where)

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        """Commits a level that was moved."""
        event.accept()
        if event.button() is not QtCore.Qt.MouseButton.LeftButton:
            return
        drag, self.drag, self._gesture = self.drag, None, None
        self._hover(event.position())
        condition = self.marks.conditions.get(drag.condition_id) if drag else None
        self.refit()
        if drag is not None and condition is not None:
            target = drag.target(condition, self.tick_size)
            if drag.price != drag.origin and target != drag.origin:
                self.level_moved.emit(drag.condition_id, str(drag.kind), target)

    def mouseDoubleClickEvent(self, event: QtGui.QMouseEvent) -> None:
        """On the price axis: prices fit by themselves again."""
        event.accept()
        if event.position().x() >= self.frame.price.right:
            self.fit_prices()

    def wheelEvent(self, event: QtGui.QWheelEvent) -> None:
        """Zooms about the bar under the mouse; sideways pans."""
        event.accept()
        turn = event.angleDelta()
        if abs(turn.x()) > abs(turn.y()):
            self.timeline.pan(-turn.x() / 1200 * self.timeline.width)
        else:
            self.timeline.zoom(0.85 ** (turn.y() / 120), self.frame.price.index(event.position().x()))
        self.refit(exact=True)

    def leaveEvent(self, event: QtCore.QEvent) -> None:
        """No crosshair without a mouse."""
        self.hot = None
        self.point_at(None)
        super().leaveEvent(event)

    def _on_right_press(self, event: QtGui.QMouseEvent) -> None:
        if self.drag is not None:
            self.cancel_drag()
        elif len(self.frame.bars) and self.frame.price.contains(event.position().x(), event.position().y()):
            price = foreground.snapped_price(self.frame, event.position().y())
            if price > 0:
                self.menu_requested.emit(event.globalPosition().toPoint(), price)

    def _pan(self, step: QtCore.QPointF) -> None:
        self.timeline.pan(-step.x() / self.frame.price.bar_width)
        if self.is_stretched and self.price_range is not None:
            shift = step.y() * (self.price_range[1] - self.price_range[0]) / self.frame.price.height
            self.price_range = self.price_range[0] + shift, self.price_range[1] + shift
        self.refit(exact=True)

    def _hover(self, where: QtCore.QPointF) -> None:
        placed = taken(self.placed_tags(), where.x(), where.y()) if len(self.frame.bars) else None
        self.hot = (placed.line.key, placed.line.kind) if placed else None
        shape = QtCore.Qt.CursorShape.CrossCursor
        if placed is not None:
            shape = QtCore.Qt.CursorShape.SizeVerCursor
        elif where.x() >= self.frame.price.right:
            shape = QtCore.Qt.CursorShape.SplitVCursor
        self.viewport().setCursor(shape)
        self.viewport().update()

    # --------------------------------------------------------------------------------------- keys and events

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:
        """End follows, Escape drops a level, the arrows pan, plus and minus zoom."""
        line = self.timeline
        keys: dict[int, Any] = {
            QtCore.Qt.Key.Key_Left: lambda: line.pan(-0.1 * line.width),
            QtCore.Qt.Key.Key_Right: lambda: line.pan(0.1 * line.width),
            QtCore.Qt.Key.Key_Plus: lambda: line.zoom(0.8, min(line.x1, line.count)),
            QtCore.Qt.Key.Key_Minus: lambda: line.zoom(1.25, min(line.x1, line.count)),
            QtCore.Qt.Key.Key_End: lambda: self.follow(True),
        }
        if event.key() == QtCore.Qt.Key.Key_Escape and self.drag is not None:
            self.cancel_drag()
        elif event.key() in keys:
            keys[event.key()]()
            self.refit(exact=True)
        else:
            event.ignore()

    def event(self, event: QtCore.QEvent) -> bool:
        """While a level is dragged, Escape belongs to the chart, whatever shortcuts the window has."""
        is_escape = (
            event.type() == QtCore.QEvent.Type.ShortcutOverride
            and isinstance(event, QtGui.QKeyEvent)
            and event.key() == QtCore.Qt.Key.Key_Escape
        )
        if is_escape and self.drag is not None:
            event.accept()
            return True
        return bool(super().event(event))
