"""All orders with their status; working ones first."""

from collections.abc import Iterable
from typing import Final

from PySide6 import QtCore, QtGui, QtWidgets

from engine.model.order import Order, OrderStatus, OrderType
from engine.wire.messages import SettleOrder
from terminal import i18n
from terminal.dialogs.confirm import TypedWord, ask
from terminal.dialogs.replace import ReplaceDialog
from terminal.models.orders import ORDER_COLUMNS
from terminal.models.table import TableModel
from terminal.theme import Theme
from terminal.widgets.dock import Dock, row, set_tone
from terminal.widgets.elided import ElidedLabel
from terminal.widgets.table import Table

DEAD_WORD: Final = "DEAD"


class OrdersDock(Dock):
    """All orders of the run.

    Signals:
        cancel_requested(str): cancel what is left of the order with this client order id.
        replace_requested(str, int, int): client order id, new scaled price, new total lots; 0 = unchanged.
        cancel_all_requested(): cancel every working order.
        ask_broker_requested(): ask the broker what became of orders whose outcome nobody knows.
        settle_requested(SettleOrder): declare an order dead; the word was typed and a reason given.
    """

    cancel_requested = QtCore.Signal(str)
    replace_requested = QtCore.Signal(str, int, int)
    cancel_all_requested = QtCore.Signal()
    ask_broker_requested = QtCore.Signal()
    settle_requested = QtCore.Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__("orders", parent)
        self.model: TableModel[Order] = TableModel(ORDER_COLUMNS, lambda o: o.client_order_id, self)
        self.table = Table(self.model, sort_by="time", descending=True)
        self.cancel_button = QtWidgets.QPushButton()
        self.change_button = QtWidgets.QPushButton()
        self.cancel_all_button = QtWidgets.QPushButton()
        self.ask_button, self.settle_button = QtWidgets.QPushButton(), QtWidgets.QPushButton()
        self.unknown_label = ElidedLabel()
        self.unknown_label.setAlignment(QtCore.Qt.AlignmentFlag.AlignRight | QtCore.Qt.AlignmentFlag.AlignVCenter)
        set_tone(self.unknown_label, "warning")
        buttons = (self.cancel_button, self.change_button, self.cancel_all_button)
        self.place(row(*buttons, self.unknown_label, self.ask_button, self.settle_button), self.table)
        delete = QtGui.QShortcut(QtGui.QKeySequence(QtCore.Qt.Key.Key_Delete), self.table)
        delete.setContext(QtCore.Qt.ShortcutContext.WidgetShortcut)
        delete.activated.connect(self._on_cancel)
        self.cancel_button.clicked.connect(self._on_cancel)
        self.change_button.clicked.connect(self._on_change)
        self.cancel_all_button.clicked.connect(self._on_cancel_all)
        self.ask_button.clicked.connect(lambda: self.ask_broker_requested.emit())
        self.settle_button.clicked.connect(self._on_settle)
        self.table.row_activated.connect(self._on_change)
        self.table.current_changed.connect(self._enable)
        self.retranslate()
        self._enable()

    def set_orders(self, orders: Iterable[Order]) -> None:
        """Replaces all orders."""
        self.model.set_rows(orders)
        self._enable()

    def update_order(self, order: Order) -> None:
        """An order is new or has changed."""
        self.model.put(order)
        self._enable()

    def set_theme(self, theme: Theme) -> None:
        """Colours of sides and statuses."""
        super().set_theme(theme)
        self.model.set_theme(theme)

    def retranslate(self) -> None:
        """Texts in the present language."""
        self.setWindowTitle(self.tr("Orders"))
        self.cancel_button.setText(self.tr("Cancel order"))
        self.cancel_button.setToolTip(self.tr("Cancel what is left of the selected order (Del)"))
        self.change_button.setText(self.tr("Change…"))
        self.cancel_all_button.setText(self.tr("Cancel all…"))
        self.ask_button.setText(self.tr("Ask the broker"))
        self.ask_button.setToolTip(self.tr("Ask what became of the orders whose outcome nobody knows"))
        self.settle_button.setText(self.tr("Declare dead…"))
        self.settle_button.setToolTip(self.tr("The selected order never reached the market, as you know for sure"))
        self.table.set_empty_text(self.tr("No orders yet."))
        self.model.retranslate()
        self.table.fit_columns()
        self._enable()

    def _current(self) -> Order | None:
        return self.model.get(self.table.current_key())

    def _enable(self) -> None:
        order = self._current()
        is_working = order is not None and _is_ours(order)
        self.cancel_button.setEnabled(is_working)
        is_limit = order is not None and order.order_type is OrderType.LIMIT
        self.change_button.setEnabled(is_working and is_limit)
        rows = self.model.rows()
        self.cancel_all_button.setEnabled(any(_is_ours(o) for o in rows))
        unknown = sum(o.status is OrderStatus.UNKNOWN for o in rows)
        text = self.tr("{count} with unknown outcome: check with the broker").format(count=unknown)
        self.unknown_label.setText(f"⚠ {text}" if unknown else "")
        for button in (self.ask_button, self.settle_button):
            button.setVisible(bool(unknown))
        self.settle_button.setEnabled(order is not None and order.status is OrderStatus.UNKNOWN)

    def _on_cancel(self) -> None:
        order = self._current()
        if order is not None and _is_ours(order):
            self.cancel_requested.emit(order.client_order_id)

    def _on_change(self) -> None:
        order = self._current()
        if order is not None and _is_ours(order) and order.order_type is OrderType.LIMIT:
            dialog = ReplaceDialog(order, self)
            dialog.replace_requested.connect(self.replace_requested)
            dialog.open()

    def _on_cancel_all(self) -> None:
        count = sum(_is_ours(o) for o in self.model.rows())
        question = self.tr("Cancel all {count} working orders?").format(count=count)
        ask(self, self.windowTitle(), question, self.tr("Cancel orders"), self.cancel_all_requested.emit)

    def _on_settle(self) -> None:
        order = self._current()
        if order is None or order.status is not OrderStatus.UNKNOWN:
            return
        question = self.tr(
            "Nobody knows whether the order {id} ({side} {lots} {symbol}) reached the market. If it is declared "
            "dead and lives, its fills still count, but nothing else waits for it. Be sure: ask the broker by "
            "telephone, or look into the broker's own program.\n\nType {word} to declare it dead."
        ).format(
            id=order.client_order_id,
            side=i18n.text(order.side),
            lots=order.remaining,
            symbol=order.symbol,
            word=DEAD_WORD,
        )
        hint = self.tr("What you know, for the ledger")
        dialog = TypedWord(self.window(), self.tr("Declare dead"), question, DEAD_WORD, reason_hint=hint)
        settled = order.client_order_id
        dialog.accepted.connect(
            lambda: self.settle_requested.emit(
                SettleOrder(client_order_id=settled, text=dialog.reason.text().strip())
            )
        )
        dialog.open()


def _is_ours(order: Order) -> bool:
    """It may still trade, and this program made it: others are never touched."""
    return order.status.is_working and not order.is_external
