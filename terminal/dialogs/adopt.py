"""Takes over the broker's figure for a position: what will be booked, and at which price."""

from PySide6 import QtCore, QtWidgets

from engine.model.books import Difference
from engine.wire.messages import AdoptPosition
from terminal.widgets.dock import set_tone
from terminal.widgets.price_edit import PriceEdit


class AdoptDialog(QtWidgets.QDialog):
    """Asks whether the broker's lots are to be ours.

    Signals:
        adopt_requested(AdoptPosition): take them over.

    Args:
        difference: of a position.
    """

    adopt_requested = QtCore.Signal(object)

    def __init__(self, difference: Difference, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        self._difference = difference
        self.setWindowTitle(self.tr("Take over the broker's figure"))
        self.question = QtWidgets.QLabel(
            self.tr(
                "{symbol}: we count {ours} lots, the broker {theirs}. Take over {theirs}? Compare with the "
                "broker's own program first: profit and loss and the guard follow the new figure."
            ).format(symbol=difference.symbol, ours=difference.ours, theirs=difference.theirs)
        )
        self.question.setWordWrap(True)
        self.price = PriceEdit()
        self.price.set_symbol(difference.symbol)
        note = QtWidgets.QLabel(self.tr("At which price the lots between the two count; empty = the last trade."))
        note.setWordWrap(True)
        set_tone(note, "muted")
        button = QtWidgets.QDialogButtonBox.StandardButton
        self.buttons = QtWidgets.QDialogButtonBox(button.Cancel)
        self.adopt_button = QtWidgets.QPushButton(self.tr("Take over {lots}").format(lots=difference.theirs))
        set_tone(self.adopt_button, "error")
        self.adopt_button.setAutoDefault(False)
        self.buttons.addButton(self.adopt_button, QtWidgets.QDialogButtonBox.ButtonRole.AcceptRole)
        self.buttons.button(button.Cancel).setDefault(True)
        self.buttons.accepted.connect(self._on_accepted)
        self.buttons.rejected.connect(self.reject)
        form = QtWidgets.QFormLayout(self)
        form.addRow(self.question)
        form.addRow(self.tr("Price"), self.price)
        form.addRow(note)
        form.addRow(self.buttons)
        self.setMinimumWidth(420)

    def _on_accepted(self) -> None:
        found = self._difference
        self.adopt_requested.emit(
            AdoptPosition(account=found.account, symbol=found.symbol, price=self.price.value())
        )
        self.accept()
