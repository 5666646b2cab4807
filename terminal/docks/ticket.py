"""The order ticket: a person's own order. It is handed on as a command; what becomes of it others tell."""

import base64
import secrets
from collections.abc import Callable, Iterable

from PySide6 import QtCore, QtWidgets

from engine.model.order import OrderType, Side, SubmitOrder, TimeInForce
from engine.model.position import Account
from terminal import formats, i18n
from terminal.dialogs.confirm import ask
from terminal.widgets.choice import Choice
from terminal.widgets.dock import Dock, set_tone
from terminal.widgets.price_edit import PriceEdit, indent

_QUICK_LOTS = (1, 2, 5, 10)
_LEAST_HEIGHT = 230
_IMMEDIATE = (TimeInForce.IOC, TimeInForce.FOK)


def random_order_id() -> str:
    """Ten random ASCII characters of base 32: 50 bits."""
    return base64.b32encode(secrets.token_bytes(7)).decode("ascii")[:10]


class TicketDock(Dock):
    """Contract, account, type, price and lots, and two large buttons.

    Signals:
        submit_requested(SubmitOrder): a person wants this order; already confirmed where that is wanted.

    Args:
        new_id: makes the client order id.
    """

    submit_requested = QtCore.Signal(object)

    def __init__(
        self, new_id: Callable[[], str] = random_order_id, parent: QtWidgets.QWidget | None = None
    ) -> None:
        super().__init__("ticket", parent)
        self._new_id = new_id
        self._labels = {name: QtWidgets.QLabel() for name in ("contract", "account", "type", "price", "lots")}
        self.contract = QtWidgets.QComboBox()
        self.account = QtWidgets.QComboBox()
        self.order_type: Choice[OrderType] = Choice(tuple(OrderType), i18n.text)
        self.lives: Choice[TimeInForce] = Choice(tuple(TimeInForce), i18n.text)
        self.price = PriceEdit()
        self.quantity = QtWidgets.QSpinBox()
        self.quantity.setRange(1, 100)
        indent(self.quantity)
        self.reduce_only = QtWidgets.QCheckBox()
        self.confirm = QtWidgets.QCheckBox()
        self.confirm.setChecked(True)
        self.buy_button = QtWidgets.QPushButton()
        self.sell_button = QtWidgets.QPushButton()
        self.note = QtWidgets.QLabel()
        self._lay_out()
        self._connect()
        self.retranslate()

    def set_contracts(self, symbols: Iterable[str]) -> None:
        """The contracts that can be traded; the chosen one is kept where it is still there."""
        before = self.symbol
        _fill(self.contract, [(symbol, symbol) for symbol in symbols])
        if self.symbol != before:
            self._on_contract_changed()
        self._refresh()

    def set_accounts(self, accounts: Iterable[Account]) -> None:
        """The order accounts of the login."""
        _fill(self.account, [(" ".join(filter(None, (a.account, a.name))), a.account) for a in accounts])
        self._refresh()

    def set_symbol(self, symbol: str) -> None:
        """Chooses the contract, where it can be traded; the price is emptied."""
        if (at := self.contract.findData(symbol)) >= 0:
            self.contract.setCurrentIndex(at)

    def set_price(self, price: int) -> None:
        """Takes over a scaled price, as from a click in the book; the type becomes limit."""
        self.order_type.choose(OrderType.LIMIT)
        self.price.setValue(price)

    def update_last(self, symbol: str, price: int) -> None:
        """The last price of a contract: fills an empty price field, never one with a price."""
        if symbol == self.symbol and not self.price.value() and not self.price.hasFocus():
            self.price.setValue(price)

    def set_must_confirm(self, must_confirm: bool) -> None:
        """Whether a question comes before each order."""
        self.confirm.setChecked(must_confirm)

    @property
    def symbol(self) -> str:
        """Code of the chosen contract, or empty."""
        return self.contract.currentData() or ""

    def command(self, side: Side) -> SubmitOrder:
        """The order that the fields describe, with a new id."""
        is_limit = self.order_type.value is OrderType.LIMIT
        return SubmitOrder(
            client_order_id=self._new_id(),
            account=self.account.currentData() or "",
            symbol=self.symbol,
            side=side,
            order_type=self.order_type.value,
            time_in_force=self.lives.value,
            price=self.price.value() if is_limit else 0,
            quantity=self.quantity.value(),
            reduce_only=self.reduce_only.isChecked(),
        )

    def retranslate(self) -> None:
        """Texts in the present language."""
        self.setWindowTitle(self.tr("Order ticket"))
        words = {
            "contract": self.tr("Contract"),
            "account": self.tr("Account"),
            "type": self.tr("Type"),
            "price": self.tr("Price"),
            "lots": self.tr("Lots"),
        }
        for name, word in words.items():
            self._labels[name].setText(word)
        self.reduce_only.setText(self.tr("Only reduce"))
        self.reduce_only.setToolTip(self.tr("The order never opens or turns a position"))
        self.confirm.setText(self.tr("Ask before sending"))
        self.order_type.retranslate()
        self.lives.retranslate()
        self._refresh()
        self.widget().setMinimumWidth(self._content.minimumSizeHint().width())

    def _lay_out(self) -> None:
        for tone, button in (("up", self.buy_button), ("down", self.sell_button)):
            set_tone(button, tone)
            button.setMinimumHeight(44)
        self.note.setWordWrap(True)
        set_tone(self.note, "muted")
        content = QtWidgets.QWidget()
        grid = QtWidgets.QGridLayout(content)
        grid.setContentsMargins(8, 8, 8, 8)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(1, 1)
        lots = QtWidgets.QHBoxLayout()
        lots.setSpacing(4)
        lots.addWidget(self.quantity, 1)
        for count in _QUICK_LOTS:
            quick = QtWidgets.QToolButton()
            quick.setText(str(count))
            quick.setFixedWidth(28)
            quick.clicked.connect(lambda _=False, n=count: self.quantity.setValue(n))
            lots.addWidget(quick)
        sides = QtWidgets.QHBoxLayout()
        sides.setSpacing(6)
        sides.addWidget(self.buy_button)
        sides.addWidget(self.sell_button)
        boxes = QtWidgets.QHBoxLayout()
        boxes.addWidget(self.reduce_only)
        boxes.addStretch(1)
        boxes.addWidget(self.confirm)
        fields: tuple[tuple[str, QtWidgets.QWidget | QtWidgets.QLayout], ...] = (
            ("contract", self.contract),
            ("account", self.account),
            ("type", self.order_type),
            ("", self.lives),
            ("price", self.price),
            ("lots", lots),
        )
        for line, (name, part) in enumerate(fields):
            if name:
                set_tone(self._labels[name], "muted")
                grid.addWidget(self._labels[name], line, 0)
            if isinstance(part, QtWidgets.QWidget):
                grid.addWidget(part, line, 1)
            else:
                grid.addLayout(part, line, 1)
        grid.addLayout(boxes, len(fields), 0, 1, 2)
        grid.addLayout(sides, len(fields) + 1, 0, 1, 2)
        grid.addWidget(self.note, len(fields) + 2, 0, 1, 2)
        grid.setRowStretch(len(fields) + 3, 1)
        self._content, area = content, QtWidgets.QScrollArea()
        area.setFrameShape(QtWidgets.QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(QtCore.Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidgetResizable(True)
        area.setWidget(content)
        area.setMinimumHeight(_LEAST_HEIGHT)
        self.setWidget(area)

    def _connect(self) -> None:
        self.contract.currentIndexChanged.connect(self._on_contract_changed)
        self.account.currentIndexChanged.connect(self._refresh)
        self.order_type.chosen.connect(self._on_type_chosen)
        self.price.valueChanged.connect(self._refresh)
        self.quantity.valueChanged.connect(self._refresh)
        self.buy_button.clicked.connect(lambda: self._on_pressed(Side.BUY))
        self.sell_button.clicked.connect(lambda: self._on_pressed(Side.SELL))

    def _on_contract_changed(self) -> None:
        self.price.set_symbol(self.symbol)
        self.price.setValue(0)
        self._refresh()

    def _on_type_chosen(self) -> None:
        is_limit = self.order_type.value is OrderType.LIMIT
        self.lives.set_enabled(TimeInForce.ROD, is_limit)
        if not is_limit and self.lives.value not in _IMMEDIATE:
            self.lives.choose(TimeInForce.IOC)
        self.price.setEnabled(is_limit)
        self._refresh()

    def _problem(self) -> str:
        if not self.account.currentData():
            return self.tr("Log in to send orders.")
        if not self.symbol:
            return self.tr("Choose a contract in the list of contracts.")
        if self.order_type.value is OrderType.LIMIT and not self.price.value():
            return self.tr("Enter a price, or click one in the book.")
        return ""

    def _refresh(self) -> None:
        problem = self._problem()
        is_limit = self.order_type.value is OrderType.LIMIT
        price = formats.price(self.symbol, self.price.value()) if is_limit else ""
        at = price if is_limit else i18n.text(self.order_type.value)
        shown = {self.buy_button: Side.BUY, self.sell_button: Side.SELL}
        for button, side in shown.items():
            button.setText(f"{i18n.text(side)} {self.quantity.value()}\n{at}")
            button.setEnabled(not problem)
        self.note.setText(problem)
        self.note.setVisible(bool(problem))

    def _on_pressed(self, side: Side) -> None:
        if self._problem():
            return
        command = self.command(side)
        if not self.confirm.isChecked():
            self.submit_requested.emit(command)
            return
        price = formats.price(command.symbol, command.price) if command.price else ""
        question = " ".join(
            (i18n.text(side), str(command.quantity), command.symbol, i18n.text(command.order_type), price)
        )
        yes = self.tr("Send order")
        ask(self, self.windowTitle(), question, yes, lambda: self.submit_requested.emit(command))


def _fill(box: QtWidgets.QComboBox, entries: list[tuple[str, str]]) -> None:
    chosen = box.currentData()
    with QtCore.QSignalBlocker(box):
        box.clear()
        for text, key in entries:
            box.addItem(text, key)
        box.setCurrentIndex(max(box.findData(chosen), 0) if entries else -1)
