"""The question before everything in a contract is closed, the same wherever it is asked."""

from collections.abc import Callable

from PySide6 import QtCore, QtWidgets

from terminal.dialogs.confirm import ask


def ask_flatten(parent: QtWidgets.QWidget, symbol: str, lots: int, on_yes: Callable[[], None]) -> None:
    """Asks, and calls back if the person agrees.

    Args:
        parent: window that the question belongs to.
        symbol: contract code.
        lots: held of it.
        on_yes: called when a person agreed.
    """
    translate = QtCore.QCoreApplication.translate
    question = translate(
        "Flatten",
        "Flatten {symbol}? Working orders are cancelled, its conditions are released and {lots} lots are "
        "closed at the market.",
    ).format(symbol=symbol, lots=lots)
    yes = translate("Flatten", "Flatten {symbol}").format(symbol=symbol)
    ask(parent, translate("Flatten", "Flatten"), question, yes, on_yes)
