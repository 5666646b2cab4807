"""How cells are painted: straight from the model's columns, since the stylesheet's own way costs 100 µs a cell.

A quote changes three rows of eight cells many times a second, on the thread that shares its lock with the gateway.
"""

from typing import Any, Final

from PySide6 import QtCore, QtGui, QtWidgets

from terminal.models.table import LEFT, TableModel

_MARGIN: Final = 4

_Index = QtCore.QModelIndex | QtCore.QPersistentModelIndex
_State = QtWidgets.QStyle.StateFlag


class CellDelegate(QtWidgets.QStyledItemDelegate):
    """Text in its own colour, also in the selected row, on its own ground; check boxes by the style.

    Args:
        model: the rows.
        proxy: what stands between them and the view.
        view: the view; its font and palette hold.
    """

    def __init__(
        self,
        model: TableModel[Any],
        proxy: QtCore.QSortFilterProxyModel,
        view: QtWidgets.QAbstractItemView,
    ) -> None:
        super().__init__(view)
        self._model, self._proxy, self._view = model, proxy, view
        self.follow_font()

    def follow_font(self) -> None:
        """The view has another font."""
        self._plain, self._bold = QtGui.QFont(self._view.font()), QtGui.QFont(self._view.font())
        self._bold.setBold(True)
        self.metrics = {
            is_bold: QtGui.QFontMetrics(font) for is_bold, font in ((False, self._plain), (True, self._bold))
        }

    def paint(self, painter: QtGui.QPainter, option: QtWidgets.QStyleOptionViewItem, index: _Index) -> None:
        """Draws a cell."""
        shown: Any = option
        rect: QtCore.QRect = shown.rect
        look = self._model.look(self._proxy.mapToSource(index))
        if shown.state & _State.State_Selected:
            painter.fillRect(rect, self._model.selection_colour)
        elif look.ground is not None:
            painter.fillRect(rect, look.ground)
        left = _MARGIN
        if look.is_check_box:
            left += self._draw_check_box(painter, option, index)
        room = rect.adjusted(left, 0, -_MARGIN, 0)
        text = look.text
        if look.alignment == LEFT and len(text) > 6:
            text = self.metrics[look.is_bold].elidedText(text, QtCore.Qt.TextElideMode.ElideRight, room.width())
        painter.setFont(self._bold if look.is_bold else self._plain)
        painter.setPen(look.colour)
        painter.drawText(room, look.alignment, text)

    def _draw_check_box(
        self, painter: QtGui.QPainter, option: QtWidgets.QStyleOptionViewItem, index: _Index
    ) -> int:
        """Draws it where the style would, so that clicks meet it; gives the width it takes."""
        box: Any = QtWidgets.QStyleOptionViewItem(option)
        self.initStyleOption(box, index)
        style = self._view.style()
        element = QtWidgets.QStyle.SubElement.SE_ItemViewItemCheckIndicator
        left = box.rect.left()
        box.rect = style.subElementRect(element, box, self._view)
        is_checked = box.checkState == QtCore.Qt.CheckState.Checked
        box.state = (box.state & ~_State.State_HasFocus) | (_State.State_On if is_checked else _State.State_Off)
        primitive = QtWidgets.QStyle.PrimitiveElement.PE_IndicatorItemViewItemCheck
        style.drawPrimitive(primitive, box, painter, self._view)
        return int(box.rect.right() - left) + 3


class ButtonDelegate(QtWidgets.QStyledItemDelegate):
    """Shows the cells of a column that have a text as buttons."""

    def paint(self, painter: QtGui.QPainter, option: QtWidgets.QStyleOptionViewItem, index: _Index) -> None:
        """Draws the button, or nothing where the text is empty."""
        text = index.data()
        if not text:
            return
        shown: Any = option
        role = QtGui.QPalette.ColorRole
        is_hovered = bool(shown.state & _State.State_MouseOver)
        painter.setPen(shown.palette.color(role.Highlight if is_hovered else role.PlaceholderText))
        painter.setBrush(shown.palette.color(role.Button))
        painter.drawRoundedRect(shown.rect.adjusted(4, 2, -5, -3), 3, 3)
        painter.setPen(shown.palette.color(role.Text))
        painter.drawText(shown.rect, QtCore.Qt.AlignmentFlag.AlignCenter, text)
