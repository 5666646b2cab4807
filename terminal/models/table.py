"""One table model for all docks: its columns are data, its rows are values with an id, updated in place."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Generic, NamedTuple, TypeVar

from PySide6 import QtCore, QtGui

from terminal.theme import DARK, Theme, mixed

Row = TypeVar("Row")

_Role = QtCore.Qt.ItemDataRole
LEFT: Final = QtCore.Qt.AlignmentFlag.AlignLeft | QtCore.Qt.AlignmentFlag.AlignVCenter
RIGHT: Final = QtCore.Qt.AlignmentFlag.AlignRight | QtCore.Qt.AlignmentFlag.AlignVCenter
CENTRE: Final = QtCore.Qt.AlignmentFlag.AlignCenter
SORT_ROLE: Final = _Role.UserRole
"""A number or a text by which a view sorts."""

_Index = QtCore.QModelIndex | QtCore.QPersistentModelIndex
_ROOT: Final = QtCore.QModelIndex()


def as_text(value: Any) -> str:
    """The formatter of columns that need none."""
    return str(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[Row]):
    """One column.

    Attributes:
        key: ASCII name, unique within the table.
        title: English heading, marked with ``QT_TRANSLATE_NOOP("Columns", …)``.
        getter: the value of a row.
        formatter: the value as text.
        alignment: of the cell and its heading.
        sample: a text as wide as the column should be.
        colour: name of a :class:`Theme` colour for the text of a row, empty = ordinary.
        ground: name of a :class:`Theme` colour laid thinly behind a row's cell, empty = none.
        is_bold: the cell's text is bold for these rows.
        sort: what to sort by, where it is not the value.
        tip: tool tip of a row's cell.
        checked: makes the cell a check box with this state.
    """

    key: str
    title: str
    getter: Callable[[Row], Any]
    formatter: Callable[[Any], str] = as_text
    alignment: QtCore.Qt.AlignmentFlag = RIGHT
    sample: str = "00,000"
    colour: Callable[[Row], str] | None = None
    ground: Callable[[Row], str] | None = None
    is_bold: Callable[[Row], bool] | None = None
    sort: Callable[[Row], float | str] | None = None
    tip: Callable[[Row], str] | None = None
    checked: Callable[[Row], bool] | None = None

    def sort_value(self, row: Row) -> float | str:
        """A float or a text: Qt compares mixed integer widths wrongly."""
        value = self.sort(row) if self.sort else self.getter(row)
        if isinstance(value, Enum) or value is None or isinstance(value, str):
            return str(value or "")
        return float(value)


class Look(NamedTuple):
    """How a cell is painted: text, colours, alignment. A plain tuple, since it is made for every painted cell."""

    text: str
    colour: QtGui.QColor
    ground: QtGui.QColor | None
    alignment: QtCore.Qt.AlignmentFlag
    is_bold: bool
    is_check_box: bool


@dataclass(slots=True)
class _Ink:
    """Colours of a theme as Qt objects, made once."""

    theme: Theme
    _found: dict[tuple[str, bool], QtGui.QColor] = field(default_factory=dict)

    def colour(self, name: str, *, is_ground: bool = False) -> QtGui.QColor:
        key = (name, is_ground)
        if key not in self._found:
            shown = getattr(self.theme, name)
            self._found[key] = QtGui.QColor(mixed(shown, self.theme.base, 0.3) if is_ground else shown)
        return self._found[key]


class TableModel(QtCore.QAbstractTableModel, Generic[Row]):
    """Rows of values, shown through columns.

    A row that is put again under a known key is exchanged in place: one ``dataChanged`` for that row.

    Signals:
        check_changed(str, bool): a person set or cleared the check box of the row with that key.

    Args:
        columns: what to show.
        key: the id of a row.
    """

    check_changed = QtCore.Signal(str, bool)

    def __init__(
        self,
        columns: tuple[Column[Row], ...],
        key: Callable[[Row], str],
        parent: QtCore.QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.columns = columns
        self._key = key
        self._rows: list[Row] = []
        self._at: dict[str, int] = {}
        self._ink = _Ink(DARK)
        self.selection_colour = QtGui.QColor(mixed(DARK.accent, DARK.base, 0.24))
        self._bold = QtGui.QFont()
        self._bold.setBold(True)

    def set_rows(self, rows: Iterable[Row]) -> None:
        """Replaces all rows."""
        self.beginResetModel()
        self._rows = list(rows)
        self._index()
        self.endResetModel()

    def put(self, row: Row) -> None:
        """Adds a row at the end, or exchanges the one with the same key."""
        key = self._key(row)
        at = self._at.get(key)
        if at is None:
            at = len(self._rows)
            self.beginInsertRows(_ROOT, at, at)
            self._rows.append(row)
            self._at[key] = at
            self.endInsertRows()
        elif self._rows[at] != row:
            self._rows[at] = row
            self.dataChanged.emit(self.index(at, 0), self.index(at, len(self.columns) - 1))

    def extend(self, rows: Sequence[Row]) -> None:
        """Adds rows with new keys at the end, all at once."""
        if rows:
            first = len(self._rows)
            self.beginInsertRows(_ROOT, first, first + len(rows) - 1)
            self._at.update({self._key(row): first + at for at, row in enumerate(rows)})
            self._rows.extend(rows)
            self.endInsertRows()

    def remove(self, key: str) -> None:
        """Removes a row; an unknown key does nothing."""
        at = self._at.get(key)
        if at is not None:
            self._remove_span(at, 1)

    def keep_last(self, count: int) -> None:
        """Drops the oldest rows beyond ``count``."""
        if (surplus := len(self._rows) - count) > 0:
            self._remove_span(0, surplus)

    def get(self, key: str) -> Row | None:
        """The row with that key."""
        at = self._at.get(key)
        return None if at is None else self._rows[at]

    def rows(self) -> tuple[Row, ...]:
        """All rows in the order of their arrival."""
        return tuple(self._rows)

    def row_at(self, index: _Index) -> Row:
        """The row that a cell belongs to."""
        return self._rows[index.row()]

    def key_at(self, index: _Index) -> str:
        """The key of the row that a cell belongs to."""
        return self._key(self._rows[index.row()])

    def touch(self, column_key: str) -> None:
        """Lets views ask again for a column that depends on the time, such as an age."""
        at = next(i for i, column in enumerate(self.columns) if column.key == column_key)
        if self._rows:
            self.dataChanged.emit(self.index(0, at), self.index(len(self._rows) - 1, at))

    def look(self, index: _Index) -> Look:
        """How a cell is painted."""
        row, column = self._rows[index.row()], self.columns[index.column()]
        colour = column.colour(row) if column.colour else ""
        ground = column.ground(row) if column.ground else ""
        return Look(
            column.formatter(column.getter(row)),
            self._ink.colour(colour or "text"),
            self._ink.colour(ground, is_ground=True) if ground else None,
            column.alignment,
            column.is_bold is not None and column.is_bold(row),
            column.checked is not None,
        )

    def set_theme(self, theme: Theme) -> None:
        """Colours of the cells."""
        self._ink = _Ink(theme)
        self.selection_colour = QtGui.QColor(mixed(theme.accent, theme.base, 0.24))
        self._refresh_all()

    def retranslate(self) -> None:
        """Lets views ask again for all texts."""
        last = len(self.columns) - 1
        self.headerDataChanged.emit(QtCore.Qt.Orientation.Horizontal, 0, last)
        self._refresh_all()

    # --- QAbstractTableModel -------------------------------------------------------------------------------------

    def rowCount(self, parent: _Index = _ROOT) -> int:
        """Number of rows."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: _Index = _ROOT) -> int:
        """Number of columns."""
        return 0 if parent.isValid() else len(self.columns)

    def headerData(self, section: int, orientation: QtCore.Qt.Orientation, role: int = _Role.DisplayRole) -> Any:
        """Heading of a column."""
        if orientation is QtCore.Qt.Orientation.Horizontal:
            if role == _Role.DisplayRole:
                return QtCore.QCoreApplication.translate("Columns", self.columns[section].title)
            if role == _Role.TextAlignmentRole:
                return self.columns[section].alignment
        return None

    def data(self, index: _Index, role: int = _Role.DisplayRole) -> Any:
        """A cell."""
        row, column = self._rows[index.row()], self.columns[index.column()]
        if role == _Role.DisplayRole:
            return column.formatter(column.getter(row))
        if role == _Role.TextAlignmentRole:
            return column.alignment
        if role == _Role.ForegroundRole:
            name = column.colour(row) if column.colour else ""
            return self._ink.colour(name) if name else None
        return self._rare_data(row, column, role)

    def _rare_data(self, row: Row, column: Column[Row], role: int) -> Any:
        if role == SORT_ROLE:
            return column.sort_value(row)
        if role == _Role.BackgroundRole and column.ground and (name := column.ground(row)):
            return self._ink.colour(name, is_ground=True)
        if role == _Role.FontRole and column.is_bold and column.is_bold(row):
            return self._bold
        if role == _Role.ToolTipRole and column.tip:
            return column.tip(row)
        if role == _Role.CheckStateRole and column.checked:
            state = QtCore.Qt.CheckState
            return state.Checked if column.checked(row) else state.Unchecked
        return None

    def setData(self, index: _Index, value: Any, role: int = _Role.EditRole) -> bool:
        """Takes a click on a check box; the row changes when its owner puts it again."""
        if role != _Role.CheckStateRole:
            return False
        self.check_changed.emit(self.key_at(index), QtCore.Qt.CheckState(value) == QtCore.Qt.CheckState.Checked)
        return True

    def flags(self, index: _Index) -> QtCore.Qt.ItemFlag:
        """Rows can be selected; check boxes can be clicked."""
        if not index.isValid():
            return QtCore.Qt.ItemFlag.NoItemFlags
        flags = QtCore.Qt.ItemFlag.ItemIsEnabled | QtCore.Qt.ItemFlag.ItemIsSelectable
        if self.columns[index.column()].checked:
            flags |= QtCore.Qt.ItemFlag.ItemIsUserCheckable
        return flags

    def _index(self) -> None:
        self._at = {self._key(row): at for at, row in enumerate(self._rows)}

    def _remove_span(self, first: int, count: int) -> None:
        self.beginRemoveRows(_ROOT, first, first + count - 1)
        del self._rows[first : first + count]
        self._index()
        self.endRemoveRows()

    def _refresh_all(self) -> None:
        if self._rows:
            end = self.index(len(self._rows) - 1, len(self.columns) - 1)
            self.dataChanged.emit(self.index(0, 0), end)
