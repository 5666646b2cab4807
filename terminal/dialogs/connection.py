"""Where the engine of this run listens, for programs of others that read along."""

from collections.abc import Mapping

from PySide6 import QtWidgets

from terminal.widgets.dock import set_tone


class ConnectionDialog(QtWidgets.QDialog):
    """Shows endpoints and the servers' public key, to be copied.

    Args:
        facts: name to value, in the order in which they are shown.
    """

    def __init__(self, facts: Mapping[str, str], parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Developer connection"))
        text = QtWidgets.QLabel(
            self.tr(
                "A program of yours can read the feed and ask, never order. Put its public key into the settings "
                "([wire] reader_keys), log in again, and connect with the key below. Every run has new keys; "
                "engine/wire/PROTOCOL.md describes the messages."
            )
        )
        text.setWordWrap(True)
        set_tone(text, "muted")
        form = QtWidgets.QFormLayout()
        self.fields = {}
        for name, value in facts.items():
            field = QtWidgets.QLineEdit(value)
            field.setReadOnly(True)
            field.setCursorPosition(0)
            self.fields[name] = field
            form.addRow(name, field)
        buttons = QtWidgets.QDialogButtonBox(QtWidgets.QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        box = QtWidgets.QVBoxLayout(self)
        box.setContentsMargins(16, 16, 16, 16)
        box.setSpacing(10)
        box.addWidget(text)
        box.addLayout(form)
        box.addWidget(buttons)
        self.setMinimumWidth(560)
