"""A bar of lots: guarded, being closed, naked. Patterns tell them apart where colours do not."""

from typing import Final

from PySide6 import QtCore, QtGui, QtWidgets

from engine.model.guard import Coverage
from terminal.theme import DARK, mixed

_WIDTH: Final = 132
_HEIGHT: Final = 14
_Brush = QtCore.Qt.BrushStyle


class LotsBar(QtWidgets.QWidget):
    """Shows how the lots of a position are shared out; empty where that is not known."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._parts = (0, 0, 0)
        self._is_by_choice = False
        self.theme = DARK
        self.setFixedSize(_WIDTH, _HEIGHT)

    def show_coverage(self, coverage: Coverage) -> None:
        """Shows a position's lots."""
        parts = (coverage.guarded - coverage.closing, coverage.closing, coverage.naked)
        if (parts, coverage.is_by_choice) != (self._parts, self._is_by_choice):
            self._parts, self._is_by_choice = parts, coverage.is_by_choice
            self.update()

    def segments(self) -> list[tuple[str, float]]:
        """Name and share of each part that is there, from the left."""
        total = sum(self._parts)
        names = ("guarded", "closing", "naked")
        return [(name, lots / total) for name, lots in zip(names, self._parts, strict=True) if lots]

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Guarded is solid, closing hatched, naked crossed out; nothing known is an empty frame."""
        painter = QtGui.QPainter(self)
        theme, left = self.theme, 0.0
        painter.fillRect(self.rect(), QtGui.QColor(theme.base))
        for name, share in self.segments():
            room = QtCore.QRectF(left, 0, self.width() * share, self.height())
            ink, pattern = self._look(name)
            painter.fillRect(room, QtGui.QColor(mixed(ink, theme.base, 1.0 if name == "guarded" else 0.28)))
            painter.fillRect(room, QtGui.QBrush(QtGui.QColor(ink), pattern))
            left = room.right()
        painter.setPen(QtGui.QColor(theme.muted))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _look(self, name: str) -> tuple[str, QtCore.Qt.BrushStyle]:
        if name == "naked":
            return (self.theme.warning if self._is_by_choice else self.theme.error), _Brush.DiagCrossPattern
        if name == "closing":
            return self.theme.ok, _Brush.BDiagPattern
        return self.theme.ok, _Brush.SolidPattern
