"""A field for a length of time in minutes and seconds."""

from typing import Final

from PySide6 import QtGui, QtWidgets

from terminal.widgets.price_edit import indent

_LONGEST_S: Final = 24 * 3600
_STEP_S: Final = 60


def minutes_text(seconds: int) -> str:
    """``5:00`` for 300 seconds."""
    return f"{seconds // 60}:{seconds % 60:02d}"


class DurationEdit(QtWidgets.QSpinBox):
    """Edits seconds as ``minutes:seconds``; a number alone means minutes. 0 shows the special text."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setRange(0, _LONGEST_S)
        self.setSingleStep(_STEP_S)
        self.setAccelerated(True)
        indent(self)

    def textFromValue(self, value: int) -> str:
        """Minutes and seconds."""
        return minutes_text(value)

    def valueFromText(self, text: str) -> int:
        """Seconds of a text."""
        if text == self.specialValueText():
            return 0
        minutes, _, seconds = text.strip().partition(":")
        if not minutes.isdecimal() or (seconds and not seconds.isdecimal()):
            return 0
        return int(minutes) * 60 + int(seconds or 0)

    def validate(self, text: str, position: int) -> tuple[QtGui.QValidator.State, str, int]:
        """Digits, and one colon with seconds below 60."""
        state = QtGui.QValidator.State
        if text == self.specialValueText():
            return state.Acceptable, text, position
        minutes, colon, seconds = text.strip().partition(":")
        if not text.strip() or (colon and not seconds):
            return state.Intermediate, text, position
        is_number = minutes.isdecimal() and minutes.isascii() and len(minutes) <= 4
        is_second = not colon or (seconds.isdecimal() and seconds.isascii() and int(seconds) < 60)
        is_possible = is_number and is_second and self.valueFromText(text) <= _LONGEST_S
        return (state.Acceptable if is_possible else state.Invalid), text, position
