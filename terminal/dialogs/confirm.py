"""Questions before something that cannot be taken back. They are opened, never executed."""

from collections.abc import Callable
from typing import Final

from PySide6 import QtCore, QtWidgets

from terminal.widgets.dock import set_tone

_WIDTH: Final = 440


def ask(
    parent: QtWidgets.QWidget, title: str, question: str, yes: str, on_yes: Callable[[], None]
) -> QtWidgets.QMessageBox:
    """Asks, and calls back if the person agrees; "Cancel" is the default.

    Args:
        parent: window that the question belongs to.
        title: of the box.
        question: what will happen.
        yes: label of the button that agrees.
        on_yes: called when it was pressed.
    """
    box = QtWidgets.QMessageBox(parent)
    box.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setIcon(QtWidgets.QMessageBox.Icon.Warning)
    box.setWindowTitle(title)
    box.setText(question)
    agree = box.addButton(yes, QtWidgets.QMessageBox.ButtonRole.AcceptRole)
    set_tone(agree, "error")
    box.setDefaultButton(box.addButton(QtWidgets.QMessageBox.StandardButton.Cancel))
    box.accepted.connect(on_yes)
    box.open()
    return box


class TypedWord(QtWidgets.QDialog):
    """Agrees only after a word was typed.

    Args:
        parent: window that the question belongs to.
        title: of the dialog.
        question: what will happen, and which word to type.
        word: the word, in ASCII so that no input method is needed; case does not matter.
        reason_hint: what a person is to write besides, and must; empty = nothing.
    """

    def __init__(
        self, parent: QtWidgets.QWidget, title: str, question: str, word: str, *, reason_hint: str = ""
    ) -> None:
        super().__init__(parent)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self._word = word
        self.question = QtWidgets.QLabel(question)
        self.question.setWordWrap(True)
        self.reason = QtWidgets.QLineEdit()
        self.reason.setPlaceholderText(reason_hint)
        self.reason.setVisible(bool(reason_hint))
        self._must_reason = bool(reason_hint)
        self.field = QtWidgets.QLineEdit()
        self.field.setPlaceholderText(word)
        button = QtWidgets.QDialogButtonBox.StandardButton
        self.buttons = QtWidgets.QDialogButtonBox(button.Ok | button.Cancel)
        self.buttons.button(button.Ok).setEnabled(False)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        self.field.textChanged.connect(self._on_text_changed)
        self.reason.textChanged.connect(self._on_text_changed)
        box = QtWidgets.QVBoxLayout(self)
        for part in (self.question, self.reason, self.field, self.buttons):
            box.addWidget(part)
        self.setMinimumSize(_WIDTH, box.heightForWidth(_WIDTH))

    def _on_text_changed(self) -> None:
        ok = self.buttons.button(QtWidgets.QDialogButtonBox.StandardButton.Ok)
        is_reasoned = not self._must_reason or bool(self.reason.text().strip())
        ok.setEnabled(is_reasoned and self.field.text().strip().upper() == self._word)
