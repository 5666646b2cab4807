"""A field for a scaled price that steps by the contract's tick."""

from typing import Final

from PySide6 import QtGui, QtWidgets

from engine.model.instrument import PRODUCTS
from terminal import formats

_HIGHEST: Final = 2_000_000_000


def indent(box: QtWidgets.QSpinBox) -> None:
    """Keeps the number off the frame: the stylesheet's padding does not reach a spin box's own field."""
    box.lineEdit().setTextMargins(4, 0, 0, 0)


class PriceEdit(QtWidgets.QSpinBox):
    """Edits a scaled price; 0 shows as nothing and means that there is none."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._symbol = ""
        self.setRange(0, _HIGHEST)
        self.setAccelerated(True)
        self.setKeyboardTracking(False)
        indent(self)

    def set_symbol(self, symbol: str) -> None:
        """The contract whose tick and decimals hold."""
        self._symbol = symbol
        product = PRODUCTS.get(symbol[:3])
        self.setSingleStep(product.tick_size if product else 1)

    def textFromValue(self, value: int) -> str:
        """The price with its decimals, without separators, so that it can be typed over."""
        return formats.price(self._symbol, value).replace(",", "") if value else ""

    def valueFromText(self, text: str) -> int:
        """The scaled price of a text."""
        whole, _, part = text.replace(",", "").strip().partition(".")
        digits = formats.precision(self._symbol)
        joined = whole + part[:digits].ljust(digits, "0")
        return int(joined) if joined.isdecimal() else 0

    def validate(self, text: str, position: int) -> tuple[QtGui.QValidator.State, str, int]:
        """Digits, one point where the contract has decimals, and separators."""
        digits = formats.precision(self._symbol)
        whole, point, part = text.replace(",", "").strip().partition(".")
        state = QtGui.QValidator.State
        if (point and not digits) or len(part) > digits or not (whole + part).isdecimal():
            return (state.Invalid if text.strip() else state.Acceptable), text, position
        is_possible = self.valueFromText(text) <= _HIGHEST
        return (state.Acceptable if is_possible else state.Invalid), text, position
