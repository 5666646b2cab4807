"""The dialog that gives a working limit order another price or fewer lots."""

from PySide6 import QtCore, QtWidgets

from engine.model.order import Order, OrderType
from terminal import formats, i18n
from terminal.widgets.price_edit import PriceEdit, indent


class ReplaceDialog(QtWidgets.QDialog):
    """Asks for a new price and quantity.

    Signals:
        replace_requested(str, int, int): client order id, new scaled price (0 = unchanged) and new total
            quantity (0 = unchanged).

    Args:
        order: the order as it is.
    """

    replace_requested = QtCore.Signal(str, int, int)

    def __init__(self, order: Order, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        self._order = order
        self.price = PriceEdit()
        self.price.set_symbol(order.symbol)
        self.price.setValue(order.price)
        self.price.setEnabled(order.order_type is OrderType.LIMIT)
        self.quantity = QtWidgets.QSpinBox()
        self.quantity.setRange(max(order.filled, 1), order.quantity)
        self.quantity.setValue(order.quantity)
        indent(self.quantity)
        button = QtWidgets.QDialogButtonBox.StandardButton
        self.buttons = QtWidgets.QDialogButtonBox(button.Ok | button.Cancel)
        self.buttons.accepted.connect(self._on_accepted)
        self.buttons.rejected.connect(self.reject)
        self.setWindowTitle(self.tr("Change order"))
        note = QtWidgets.QLabel(self.tr("A new price loses time priority; fewer lots keep it."))
        note.setWordWrap(True)
        note.setProperty("tone", "muted")
        form = QtWidgets.QFormLayout(self)
        form.addRow(QtWidgets.QLabel(self._headline()))
        form.addRow(self.tr("Price"), self.price)
        form.addRow(self.tr("Total lots"), self.quantity)
        form.addRow(note)
        form.addRow(self.buttons)
        self.setMinimumWidth(320)

    def _headline(self) -> str:
        order = self._order
        price = formats.price(order.symbol, order.price)
        filled = self.tr("{lots} lots filled").format(lots=order.filled)
        return f"{order.symbol}  {i18n.text(order.side)} {order.quantity} @ {price}, {filled}"

    def _on_accepted(self) -> None:
        price, quantity = self.price.value(), self.quantity.value()
        new_price = price if price != self._order.price else 0
        new_quantity = quantity if quantity != self._order.quantity else 0
        if new_price or new_quantity:
            self.replace_requested.emit(self._order.client_order_id, new_price, new_quantity)
        self.accept()
