"""What files of market data are: the exchange's daily files, or 1-minute bars with their time convention."""

from enum import Enum

from PySide6 import QtCore, QtWidgets

from engine.errors import EngineError
from engine.formats.minutes import MinuteConvention, MinutesAre, zone_of
from terminal.widgets.choice import Choice
from terminal.widgets.dock import set_tone

_ZONES = ("Asia/Taipei", "UTC", "America/Chicago")


class FilesAre(Enum):
    """What the files hold."""

    DAILY = "daily"
    MINUTES = "minutes"


class MinutesEdit(QtWidgets.QWidget):
    """Chooses what the files are; the fields of 1-minute bars show only for them.

    Signals:
        changed(): something was chosen or typed.
    """

    changed = QtCore.Signal()

    def __init__(self) -> None:
        super().__init__()
        self.files_are = Choice(tuple(FilesAre), self._files_text)
        self.minutes_are = Choice(tuple(MinutesAre), self._minutes_text)
        self.zone, self.symbol = QtWidgets.QComboBox(), QtWidgets.QLineEdit()
        self.zone.addItems(_ZONES)
        self.zone.setEditable(True)
        self._form = QtWidgets.QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        for field in (self.files_are, self.minutes_are, self.zone, self.symbol):
            label = QtWidgets.QLabel()
            set_tone(label, "muted")
            self._form.addRow(label, field)
        for told in (self.files_are.chosen, self.minutes_are.chosen, self.zone.editTextChanged):
            told.connect(self._on_changed)
        self.symbol.textChanged.connect(self._on_changed)
        self.retranslate()
        self._on_changed()

    def convention(self) -> MinuteConvention | None:
        """That of 1-minute bars; None for the exchange's daily files.

        Raises:
            EngineError: the time zone is none.
        """
        if self.files_are.value is FilesAre.DAILY:
            return None
        return MinuteConvention(
            minutes_are=self.minutes_are.value,
            zone=zone_of(self.zone.currentText().strip()),
            symbol=self.symbol.text().strip().upper(),
        )

    def trouble(self) -> str:
        """What is wrong with what was typed, in a sentence."""
        try:
            self.convention()
        except EngineError as error:
            return str(error)
        return ""

    def retranslate(self) -> None:
        """Texts in the present language."""
        self.files_are.retranslate()
        self.minutes_are.retranslate()
        words: dict[QtWidgets.QWidget, str] = {
            self.files_are: self.tr("The files are"),
            self.minutes_are: self.tr("Their times are"),
            self.zone: self.tr("Time zone"),
            self.symbol: self.tr("Contract"),
        }
        for field, word in words.items():
            label = self._form.labelForField(field)
            if isinstance(label, QtWidgets.QLabel):
                label.setText(word)
        self.symbol.setPlaceholderText(
            self.tr("TXFK4, or TXF where a column names the month; empty = columns tell")
        )
        self.zone.setToolTip(self.tr("Of times that carry no offset"))

    def _files_text(self, code: FilesAre) -> str:
        if code is FilesAre.DAILY:
            return self.tr("Daily files of the exchange (zip or csv)")
        return self.tr("1-minute bars (csv)")

    def _minutes_text(self, code: MinutesAre) -> str:
        return self.tr("the start of the minute") if code is MinutesAre.START else self.tr("its end")

    def _on_changed(self, *_: object) -> None:
        for field in (self.minutes_are, self.zone, self.symbol):
            self._form.setRowVisible(field, self.files_are.value is FilesAre.MINUTES)
        self.changed.emit()
