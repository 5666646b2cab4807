"""One of a few codes, chosen by buttons side by side."""

from collections.abc import Callable
from enum import Enum
from typing import Generic, TypeVar

from PySide6 import QtCore, QtWidgets

Code = TypeVar("Code", bound=Enum)


class Choice(QtWidgets.QWidget, Generic[Code]):
    """Buttons of which exactly one is pressed.

    Signals:
        chosen(): another code was chosen, by a person or by the program.

    Args:
        codes: what there is to choose from; the first is chosen.
        text: the words of a code in the present language.
    """

    chosen = QtCore.Signal()

    def __init__(self, codes: tuple[Code, ...], text: Callable[[Code], str]) -> None:
        super().__init__()
        self._text = text
        self._group = QtWidgets.QButtonGroup(self)
        self.buttons: dict[Code, QtWidgets.QPushButton] = {}
        box = QtWidgets.QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(3)
        for code in codes:
            button = QtWidgets.QPushButton()
            button.setCheckable(True)
            self._group.addButton(button)
            box.addWidget(button, 1)
            self.buttons[code] = button
        self.buttons[codes[0]].setChecked(True)
        self._group.buttonToggled.connect(self._on_toggled)
        self.retranslate()

    @property
    def value(self) -> Code:
        """The chosen code."""
        return next(code for code, button in self.buttons.items() if button.isChecked())

    def choose(self, code: Code) -> None:
        """Chooses a code."""
        self.buttons[code].setChecked(True)

    def set_enabled(self, code: Code, is_enabled: bool) -> None:
        """Whether a code can be chosen."""
        self.buttons[code].setEnabled(is_enabled)

    def retranslate(self) -> None:
        """Words in the present language."""
        for code, button in self.buttons.items():
            button.setText(self._text(code))

    def _on_toggled(self, button: QtWidgets.QAbstractButton, is_checked: bool) -> None:
        if is_checked:
            self.chosen.emit()
