"""A score as a small bar in a table's cell: quicker to compare than figures, and the figure stays beside it."""

from typing import Any, Final

from PySide6 import QtCore, QtGui, QtWidgets

from terminal.models.table import SORT_ROLE, TableModel
from terminal.theme import DARK

_FIGURES: Final = "0000"
_HEIGHT: Final = 8

_Index = QtCore.QModelIndex | QtCore.QPersistentModelIndex


class ScoreDelegate(QtWidgets.QStyledItemDelegate):
    """Draws the bar, then the figure.

    Args:
        model: the rows; its selection colour holds.
        best: the score that fills the bar.
        view: the view.
    """

    def __init__(self, model: TableModel[Any], best: int, view: QtWidgets.QAbstractItemView) -> None:
        super().__init__(view)
        self._model, self._best = model, best
        self.theme = DARK

    def paint(self, painter: QtGui.QPainter, option: QtWidgets.QStyleOptionViewItem, index: _Index) -> None:
        """Draws a cell."""
        shown: Any = option
        if shown.state & QtWidgets.QStyle.StateFlag.State_Selected:
            painter.fillRect(shown.rect, self._model.selection_colour)
        figures = shown.fontMetrics.horizontalAdvance(_FIGURES)
        bar, filled = self.bar(shown.rect, figures, float(index.data(SORT_ROLE)))
        painter.fillRect(bar, QtGui.QColor(self.theme.grid))
        painter.fillRect(filled, QtGui.QColor(self.theme.accent))
        painter.setPen(QtGui.QColor(self.theme.text))
        right = QtCore.Qt.AlignmentFlag.AlignRight | QtCore.Qt.AlignmentFlag.AlignVCenter
        painter.drawText(shown.rect.adjusted(0, 0, -4, 0), right, str(index.data()))

    def bar(self, cell: QtCore.QRect, figures: int, score: float) -> tuple[QtCore.QRect, QtCore.QRect]:
        """Where the bar is within a cell, and how far it is filled.

        Args:
            cell: the cell.
            figures: width that the figure needs.
            score: from 0 to the best.
        """
        room = cell.adjusted(4, 0, -figures - 10, 0)
        bar = QtCore.QRect(room.left(), room.center().y() - _HEIGHT // 2 + 1, max(0, room.width()), _HEIGHT)
        filled = QtCore.QRect(bar)
        filled.setWidth(round(bar.width() * min(max(score / self._best, 0.0), 1.0)))
        return bar, filled
