"""Chooses what of the market store is replayed: a day, contracts of it, and from when to when.

It shows the days that it is given; reading the store and closing days is for others.
"""

from enum import Enum
from typing import Final

from PySide6 import QtCore, QtWidgets

from engine.model.recorded import OpenStore, RecordedPart, Shelf, StoredDay
from engine.model.session import SessionKind
from terminal import formats, i18n
from terminal.widgets.choice import Choice
from terminal.widgets.dock import row, set_tone

_Check = QtCore.Qt.CheckState
_DAYS_SHOWN: Final = 5
_CONTRACTS_SHOWN: Final = 4
_MINUTES: Final = {SessionKind.NIGHT: (15 * 60, 5 * 60), SessionKind.DAY: (8 * 60 + 45, 13 * 60 + 45)}
"""Open and close, minutes since midnight."""


class Part(Enum):
    """Which part of a day."""

    WHOLE = "whole"
    NIGHT = "night"
    DAY = "day"
    HOURS = "hours"
    """From a time to another."""


_KIND: Final = {Part.NIGHT: SessionKind.NIGHT, Part.DAY: SessionKind.DAY}


class StoredDayPicker(QtWidgets.QWidget):
    """Empty until :meth:`show_shelf`.

    Signals:
        changed(): another day, contract or time.
        close_requested(list[Path]): the open days of these stores are to be closed, so that they can be replayed.
    """

    changed = QtCore.Signal()
    close_requested = QtCore.Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._shelf = Shelf()
        self._is_read = False
        self._trouble = ""
        self._preferred: RecordedPart | None = None
        self.days = _table(4, _DAYS_SHOWN)
        self.contracts = _table(3, _CONTRACTS_SHOWN)
        self.contracts.setSelectionMode(QtWidgets.QAbstractItemView.SelectionMode.NoSelection)
        self.part_of_day = Choice(tuple(Part), self._part_text)
        self.begin, self.end = QtWidgets.QTimeEdit(), QtWidgets.QTimeEdit()
        self.dash = QtWidgets.QLabel("–")
        self.notice = QtWidgets.QLabel()
        self.close_button = QtWidgets.QPushButton()
        self._lay_out()
        self.days.itemSelectionChanged.connect(self._on_day)
        self.contracts.itemChanged.connect(self.changed)
        self.part_of_day.chosen.connect(self._on_part)
        self.close_button.clicked.connect(self._on_close)
        self.retranslate()
        self._on_part()

    # --- what there is -------------------------------------------------------------------------------------------

    def prefer(self, part: RecordedPart) -> None:
        """The day to choose where there is one like it."""
        self._preferred = part

    def show_shelf(self, shelf: Shelf) -> None:
        """These days are stored; the one that was chosen is chosen again, or the newest."""
        wanted = _key(self.day or self._preferred)
        self._shelf, self._is_read, self._trouble = shelf, True, ""
        self._fill_days()
        again = next((at for at, day in enumerate(shelf.days) if _key(day) == wanted), 0)
        if shelf.days:
            self.days.selectRow(again)
        self._on_day()
        self._show_notice()

    def show_reading(self) -> None:
        """The store is being read, or days are being closed."""
        self._is_read, self._trouble = False, ""
        self._show_notice()

    def show_trouble(self, text: str) -> None:
        """The store cannot be read, or a day not be closed; the sentence says why."""
        self._is_read, self._trouble = True, text
        self._show_notice()

    @property
    def day(self) -> StoredDay | None:
        """The chosen day."""
        at = self.days.currentRow()
        return self._shelf.days[at] if 0 <= at < len(self._shelf.days) else None

    def chosen(self) -> RecordedPart | None:
        """What is to be replayed; None where no day or no contract is chosen."""
        day = self.day
        symbols = self._symbols()
        if day is None or not symbols:
            return None
        begin, end = self._minutes()
        return RecordedPart(store=day.store, trade_date=day.trade_date, symbols=symbols, begin=begin, end=end)

    def _symbols(self) -> tuple[str, ...]:
        items = filter(None, (self.contracts.item(at, 0) for at in range(self.contracts.rowCount())))
        return tuple(
            item.data(QtCore.Qt.ItemDataRole.UserRole) for item in items if item.checkState() is _Check.Checked
        )

    def _minutes(self) -> tuple[int | None, int | None]:
        part = self.part_of_day.value
        if part is Part.WHOLE:
            return None, None
        if part in _KIND:
            return _MINUTES[_KIND[part]]
        return _minute(self.begin), _minute(self.end)

    # --- filling -------------------------------------------------------------------------------------------------

    def _fill_days(self) -> None:
        self.days.blockSignals(True)
        self.days.setRowCount(len(self._shelf.days))
        for at, day in enumerate(self._shelf.days):
            origin = i18n.text(day.origin)
            texts = (
                f"{day.trade_date.isoformat()}  {QtCore.QLocale().dayName(day.trade_date.isoweekday(), _SHORT)}",
                " + ".join(i18n.text(kind) for kind in day.kinds),
                formats.lots(sum(item.lots for item in day.sessions)),
                f"{origin} {_run_time(day.run)}" if day.run else origin,
            )
            for column, text in enumerate(texts):
                self.days.setItem(at, column, _item(text, is_number=column == 2))
        self.days.blockSignals(False)

    def _on_day(self) -> None:
        day = self.day
        self.contracts.blockSignals(True)
        self.contracts.setRowCount(len(day.symbols) if day else 0)
        for at, symbol in enumerate(_front_first(day) if day else ()):
            assert day is not None
            name = _item(f"{symbol}  {i18n.product_text(symbol[:3])}")
            name.setData(QtCore.Qt.ItemDataRole.UserRole, symbol)
            name.setFlags(name.flags() | QtCore.Qt.ItemFlag.ItemIsUserCheckable)
            name.setCheckState(_Check.Checked if symbol in day.front_months else _Check.Unchecked)
            self.contracts.setItem(at, 0, name)
            for column, kind in enumerate((SessionKind.NIGHT, SessionKind.DAY), 1):
                self.contracts.setItem(at, column, _item(formats.lots(day.lots(symbol, kind)), is_number=True))
        self.contracts.blockSignals(False)
        for part, kind in _KIND.items():
            self.part_of_day.set_enabled(part, day is not None and day.has(kind))
        if day is not None and self.part_of_day.value in _KIND and not day.has(_KIND[self.part_of_day.value]):
            self.part_of_day.choose(Part.WHOLE)
        self.changed.emit()

    def _on_part(self) -> None:
        part = self.part_of_day.value
        is_free = part is Part.HOURS
        for edit in (self.begin, self.end):
            edit.setEnabled(is_free)
        if not is_free:
            opens, closes = _MINUTES[SessionKind.NIGHT][0], _MINUTES[SessionKind.DAY][1]
            if part in _KIND:
                opens, closes = _MINUTES[_KIND[part]]
            self.begin.setTime(QtCore.QTime(0, 0).addSecs(opens * 60))
            self.end.setTime(QtCore.QTime(0, 0).addSecs(closes * 60))
        self.changed.emit()

    # --- days that are open --------------------------------------------------------------------------------------

    def _on_close(self) -> None:
        self.close_requested.emit([item.store for item in self._shelf.open if not item.holder])

    def _show_notice(self) -> None:
        closable = [item for item in self._shelf.open if not item.holder]
        held = [item for item in self._shelf.open if item.holder]
        lines = [self._trouble]
        if not self._is_read:
            lines = [self.tr("The market store is being read…")]
        elif not self._trouble:
            if not self._shelf.days:
                lines.append(
                    self.tr("The market store has no closed day yet. File, Import market data… brings some.")
                )
            lines += [self._open_text(item) for item in closable]
            lines += [
                self.tr("The recorder has days that are not closed yet: {why}").format(why=item.holder)
                for item in held
            ]
        self.notice.setText("\n".join(filter(None, lines)))
        self.notice.setVisible(bool(self.notice.text()))
        set_tone(self.notice, "error" if self._trouble else "muted")
        self.close_button.setVisible(self._is_read and not self._trouble and bool(closable))

    def _open_text(self, item: OpenStore) -> str:
        days = ", ".join(day.isoformat() for day in item.days)
        return self.tr("Not closed yet, and so not in the list: {days} ({store})").format(
            days=days, store=item.store.name
        )

    # --- how it looks --------------------------------------------------------------------------------------------

    def retranslate(self) -> None:
        """Texts in the present language."""
        self.days.setHorizontalHeaderLabels(
            [self.tr("Trade date"), self.tr("Sessions"), self.tr("Lots"), self.tr("From")]
        )
        self.contracts.setHorizontalHeaderLabels([self.tr("Contract"), self.tr("Night lots"), self.tr("Day lots")])
        self.part_of_day.retranslate()
        self.close_button.setText(self.tr("Close these days"))
        self.begin.setToolTip(self.tr("Taipei time; a trade date begins at 15:00 of the evening before"))
        self.end.setToolTip(self.tr("Taipei time; a trade date ends at 13:45"))
        at = self.days.currentRow()
        self._fill_days()
        if at >= 0:
            self.days.selectRow(at)
        self._show_notice()

    def _part_text(self, part: Part) -> str:
        return {
            Part.WHOLE: self.tr("Whole day"),
            Part.NIGHT: i18n.text(SessionKind.NIGHT),
            Part.DAY: i18n.text(SessionKind.DAY),
            Part.HOURS: self.tr("From – to"),
        }[part]

    def _lay_out(self) -> None:
        for edit in (self.begin, self.end):
            edit.setDisplayFormat("HH:mm")
        self.notice.setWordWrap(True)
        stretch = QtWidgets.QHeaderView.ResizeMode.Stretch
        self.days.horizontalHeader().setSectionResizeMode(3, stretch)
        self.contracts.horizontalHeader().setSectionResizeMode(0, stretch)
        for column, width in enumerate((140, 190, 84)):
            self.days.setColumnWidth(column, width)
        box = QtWidgets.QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addWidget(self.days)
        box.addWidget(self.contracts)
        box.addLayout(row(self.part_of_day, self.begin, self.dash, self.end, margin=0))
        below = row(self.notice, self.close_button, margin=0)
        below.setStretchFactor(self.notice, 1)
        box.addLayout(below)


_SHORT: Final = QtCore.QLocale.FormatType.ShortFormat


def _table(columns: int, rows: int) -> QtWidgets.QTableWidget:
    table = QtWidgets.QTableWidget(0, columns)
    table.verticalHeader().hide()
    table.horizontalHeader().setDefaultAlignment(
        QtCore.Qt.AlignmentFlag.AlignLeft | QtCore.Qt.AlignmentFlag.AlignVCenter
    )
    table.setShowGrid(False)
    table.setEditTriggers(QtWidgets.QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QtWidgets.QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QtWidgets.QAbstractItemView.SelectionMode.SingleSelection)
    table.setTabKeyNavigation(False)
    table.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    height = table.verticalHeader().defaultSectionSize()
    table.verticalHeader().setDefaultSectionSize(min(height, 26))
    table.setFixedHeight(table.verticalHeader().defaultSectionSize() * (rows + 1) + 6)
    return table


def _item(text: str, *, is_number: bool = False) -> QtWidgets.QTableWidgetItem:
    item = QtWidgets.QTableWidgetItem(text)
    item.setFlags(QtCore.Qt.ItemFlag.ItemIsSelectable | QtCore.Qt.ItemFlag.ItemIsEnabled)
    if is_number:
        item.setTextAlignment(QtCore.Qt.AlignmentFlag.AlignRight | QtCore.Qt.AlignmentFlag.AlignVCenter)
    return item


def _minute(edit: QtWidgets.QTimeEdit) -> int:
    return QtCore.QTime(0, 0).secsTo(edit.time()) // 60


def _front_first(day: StoredDay) -> tuple[str, ...]:
    """The contracts, those that are chosen to begin with at the top."""
    return day.front_months + tuple(symbol for symbol in day.symbols if symbol not in day.front_months)


def _key(day: StoredDay | RecordedPart | None) -> tuple[object, ...]:
    return (day.store, day.trade_date) if day else ()


def _run_time(run: str) -> str:
    """When a run began, as its name tells: ``simulated-20241105-090001-123456``."""
    parts = run.split("-")
    if len(parts) < 3 or not (parts[1] + parts[2]).isdigit():
        return run
    day, clock = parts[1], parts[2]
    return f"{day[4:6]}-{day[6:8]} {clock[:2]}:{clock[2:4]}"
