"""The table view of all docks: sorted, columns as wide as their samples, a sentence where there are no rows."""

from typing import Any, Final

from PySide6 import QtCore, QtGui, QtWidgets

from terminal.models.table import SORT_ROLE, TableModel
from terminal.widgets.cells import ButtonDelegate, CellDelegate

_CELL_PADDING: Final = 11
_TITLE_PADDING: Final = 16
_ROW_HEIGHT: Final = 22


class Table(QtWidgets.QTableView):
    """A view on a :class:`TableModel`.

    Signals:
        current_changed(str): key of the current row, empty where there is none.
        row_activated(str): key of a row that was double-clicked or got Enter.
        button_clicked(str, str): key of the row and of the button column that was clicked.

    Args:
        model: the rows.
        sort_by: column to sort by at first, empty = order of arrival.
        descending: direction of that.
        proxy: filter between model and view, where the dock has one.
        buttons: keys of columns whose cells are buttons.
    """

    current_changed = QtCore.Signal(str)
    row_activated = QtCore.Signal(str)
    button_clicked = QtCore.Signal(str, str)

    def __init__(
        self,
        model: TableModel[Any],
        *,
        sort_by: str = "",
        descending: bool = False,
        proxy: QtCore.QSortFilterProxyModel | None = None,
        buttons: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        self.source = model
        self._empty_text = ""
        self._buttons = buttons
        self._button_delegate = ButtonDelegate(self)
        self.proxy = proxy or QtCore.QSortFilterProxyModel(self)
        self.proxy.setSortRole(SORT_ROLE)
        self.proxy.setSourceModel(model)
        self.setModel(self.proxy)
        self._cells = CellDelegate(model, self.proxy, self)
        self.setItemDelegate(self._cells)
        self._dress()
        self._sort(sort_by, descending)
        self.selectionModel().currentRowChanged.connect(self._on_current_changed)
        self.proxy.modelReset.connect(self._on_current_changed)
        self.activated.connect(self._on_activated)
        self.clicked.connect(self._on_clicked)

    def current_key(self) -> str:
        """Key of the current row, empty where there is none."""
        index = self.currentIndex()
        return self.source.key_at(self.proxy.mapToSource(index)) if index.isValid() else ""

    def select(self, key: str) -> None:
        """Makes a row the current one; an unknown key does nothing."""
        for at in range(self.proxy.rowCount()):
            index = self.proxy.index(at, 0)
            if self.source.key_at(self.proxy.mapToSource(index)) == key:
                self.setCurrentIndex(index)
                return

    def set_empty_text(self, text: str) -> None:
        """The sentence to show while there are no rows."""
        self._empty_text = text
        self.viewport().update()

    def fit_columns(self) -> None:
        """Makes each column as wide as its sample and its heading need."""
        metrics, header = self.fontMetrics(), self.horizontalHeader()
        for at, column in enumerate(self.source.columns):
            title = str(self.proxy.headerData(at, QtCore.Qt.Orientation.Horizontal) or "")
            box = 20 if column.checked else 0
            written = self._cells.metrics[column.is_bold is not None]
            cell = written.horizontalAdvance(column.sample) + _CELL_PADDING + box
            header.resizeSection(at, max(cell, metrics.horizontalAdvance(title) + _TITLE_PADDING))

    def changeEvent(self, event: QtCore.QEvent) -> None:
        """Follows the font."""
        super().changeEvent(event)
        if event.type() is QtCore.QEvent.Type.FontChange:
            self._cells.follow_font()
            self.fit_columns()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Draws the table, or the sentence that says why it is empty."""
        super().paintEvent(event)
        if self.proxy.rowCount() or not self._empty_text:
            return
        painter = QtGui.QPainter(self.viewport())
        painter.setPen(self.palette().color(QtGui.QPalette.ColorRole.PlaceholderText))
        flags = QtCore.Qt.AlignmentFlag.AlignCenter | QtCore.Qt.TextFlag.TextWordWrap
        painter.drawText(self.viewport().rect().adjusted(16, 0, -16, 0), int(flags), self._empty_text)
        painter.end()

    def _dress(self) -> None:
        self.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QtWidgets.QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollMode(QtWidgets.QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setEditTriggers(QtWidgets.QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(bool(self._buttons))
        rows = self.verticalHeader()
        rows.setVisible(False)
        rows.setSectionResizeMode(QtWidgets.QHeaderView.ResizeMode.Fixed)
        rows.setMinimumSectionSize(_ROW_HEIGHT)
        rows.setDefaultSectionSize(_ROW_HEIGHT)
        header = self.horizontalHeader()
        header.setSectionsMovable(True)
        header.setHighlightSections(False)
        header.setMinimumSectionSize(24)
        header.setStretchLastSection(True)
        for at, column in enumerate(self.source.columns):
            if column.key in self._buttons:
                self.setItemDelegateForColumn(at, self._button_delegate)

    def _sort(self, key: str, descending: bool) -> None:
        order = QtCore.Qt.SortOrder.DescendingOrder if descending else QtCore.Qt.SortOrder.AscendingOrder
        at = next((i for i, column in enumerate(self.source.columns) if column.key == key), -1)
        self.setSortingEnabled(True)
        self.sortByColumn(at, order)

    def _on_current_changed(self) -> None:
        self.current_changed.emit(self.current_key())

    def _on_activated(self, index: QtCore.QModelIndex) -> None:
        self.row_activated.emit(self.source.key_at(self.proxy.mapToSource(index)))

    def _on_clicked(self, index: QtCore.QModelIndex) -> None:
        column = self.source.columns[index.column()]
        if column.key in self._buttons and index.data():
            self.button_clicked.emit(self.source.key_at(self.proxy.mapToSource(index)), column.key)
