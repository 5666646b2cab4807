"""What every dock has in common: a name that layouts are saved under, a theme and words that can change."""

from PySide6 import QtCore, QtWidgets

from terminal.theme import DARK, Theme


class Dock(QtWidgets.QDockWidget):
    """Base of all docks.

    Args:
        name: ASCII; saved layouts know the dock by it.
    """

    def __init__(self, name: str, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.theme = DARK

    def retranslate(self) -> None:
        """Sets all texts anew in the present language."""
        raise NotImplementedError

    def set_theme(self, theme: Theme) -> None:
        """Wears the theme where the palette does not reach."""
        self.theme = theme

    def changeEvent(self, event: QtCore.QEvent) -> None:
        """Follows the language."""
        if event.type() is QtCore.QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def place(self, *parts: QtWidgets.QWidget | QtWidgets.QLayout, margin: int = 0) -> None:
        """Stacks the parts; the last one takes the spare height."""
        content = QtWidgets.QWidget(self)
        box = QtWidgets.QVBoxLayout(content)
        box.setContentsMargins(margin, margin, margin, margin)
        box.setSpacing(0)
        for part in parts:
            if isinstance(part, QtWidgets.QWidget):
                box.addWidget(part)
            else:
                box.addLayout(part)
        box.setStretch(len(parts) - 1, 1)
        self.setWidget(content)


def row(*parts: QtWidgets.QWidget | None, margin: int = 4, spacing: int = 4) -> QtWidgets.QHBoxLayout:
    """Parts side by side; None takes the spare width."""
    box = QtWidgets.QHBoxLayout()
    box.setContentsMargins(margin, margin, margin, margin)
    box.setSpacing(spacing)
    for part in parts:
        if part is None:
            box.addStretch(1)
        else:
            box.addWidget(part)
    return box


def set_tone(widget: QtWidgets.QWidget, tone: str) -> None:
    """Gives a button or label one of the stylesheet's tones, or none."""
    if widget.property("tone") != tone:
        widget.setProperty("tone", tone)
        widget.style().unpolish(widget)
        widget.style().polish(widget)
