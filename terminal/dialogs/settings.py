"""Preferences of the window, and the engine's risk limits to read."""

from PySide6 import QtCore, QtWidgets

from engine.settings import Risk
from terminal import i18n
from terminal.theme import THEMES
from terminal.widgets.dock import set_tone


class SettingsDialog(QtWidgets.QDialog):
    """Theme, language and questions before orders; changes hold at once.

    Signals:
        theme_chosen(str): name of a theme.
        language_chosen(str): code of a language.
        must_confirm_chosen(bool): whether a question comes before each order of the ticket.

    Args:
        theme: name of the present theme.
        language: code of the present language.
        must_confirm: whether orders are asked about now.
        risk: the limits of the gateway.
        settings_path: where they can be changed.
    """

    theme_chosen = QtCore.Signal(str)
    language_chosen = QtCore.Signal(str)
    must_confirm_chosen = QtCore.Signal(bool)

    def __init__(
        self,
        *,
        theme: str,
        language: str,
        must_confirm: bool,
        risk: Risk,
        settings_path: str,
        parent: QtWidgets.QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        self._risk = risk
        self._settings_path = settings_path
        self.theme = QtWidgets.QComboBox()
        for name in THEMES:
            self.theme.addItem("", name)
        self.theme.setCurrentIndex(self.theme.findData(theme))
        self.language = QtWidgets.QComboBox()
        for code, word in i18n.LANGUAGES.items():
            self.language.addItem(word, code)
        self.language.setCurrentIndex(self.language.findData(language))
        self.must_confirm = QtWidgets.QCheckBox()
        self.must_confirm.setChecked(must_confirm)
        self._lay_out()
        self.theme.activated.connect(lambda: self.theme_chosen.emit(self.theme.currentData()))
        self.language.activated.connect(lambda: self.language_chosen.emit(self.language.currentData()))
        self.must_confirm.toggled.connect(self.must_confirm_chosen)
        self.retranslate()

    def retranslate(self) -> None:
        """Texts in the present language."""
        self.setWindowTitle(self.tr("Settings"))
        self._window_box.setTitle(self.tr("Window"))
        self._risk_box.setTitle(self.tr("Risk limits of the gateway"))
        self._theme_label.setText(self.tr("Theme"))
        self._language_label.setText(self.tr("Language"))
        self.theme.setItemText(self.theme.findData("dark"), self.tr("Dark"))
        self.theme.setItemText(self.theme.findData("light"), self.tr("Light"))
        self.must_confirm.setText(self.tr("Ask before each order of the ticket"))
        risk = self._risk
        rows = (
            (self.tr("Largest order"), self.tr("{lots} lots").format(lots=risk.max_order_lots)),
            (self.tr("Largest position"), self.tr("{lots} lots").format(lots=risk.max_position_lots)),
            (self.tr("Price band"), f"{risk.price_band_percent:g} %"),
            (self.tr("Quotes may be silent for"), f"{risk.stale_feed_s:g} s"),
            (self.tr("Entry signals may be as old as"), f"{risk.entry_signal_age_s:g} s"),
        )
        for (name, value), (word, text) in zip(self._rows, rows, strict=True):
            name.setText(word)
            value.setText(text)
        self._note.setText(
            self.tr("Change them in Trade, Risk limits. What the next start has is set in {path}.").format(
                path=self._settings_path
            )
        )

    def changeEvent(self, event: QtCore.QEvent) -> None:
        """Follows the language."""
        if event.type() is QtCore.QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _lay_out(self) -> None:
        self._window_box, self._risk_box = QtWidgets.QGroupBox(), QtWidgets.QGroupBox()
        self._theme_label, self._language_label = QtWidgets.QLabel(), QtWidgets.QLabel()
        top = QtWidgets.QFormLayout(self._window_box)
        top.addRow(self._theme_label, self.theme)
        top.addRow(self._language_label, self.language)
        top.addRow(self.must_confirm)
        low = QtWidgets.QFormLayout(self._risk_box)
        self._rows = [(QtWidgets.QLabel(), QtWidgets.QLabel()) for _ in range(5)]
        for name, value in self._rows:
            set_tone(name, "muted")
            low.addRow(name, value)
        self._note = QtWidgets.QLabel()
        self._note.setWordWrap(True)
        set_tone(self._note, "muted")
        low.addRow(self._note)
        buttons = QtWidgets.QDialogButtonBox(QtWidgets.QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        box = QtWidgets.QVBoxLayout(self)
        for part in (self._window_box, self._risk_box, buttons):
            box.addWidget(part)
        self.setMinimumWidth(440)
