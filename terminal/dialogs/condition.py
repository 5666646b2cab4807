"""Creates or edits a condition, with its four prices, its risk and its reward before one's eyes."""

import base64
import secrets
from collections.abc import Callable, Iterable

from PySide6 import QtCore, QtWidgets

from engine.model.condition import Condition, ConditionSpec, ConditionState, LevelsFrom
from engine.model.order import Side
from engine.model.position import Account
from terminal import i18n
from terminal.theme import Theme
from terminal.widgets.choice import Choice
from terminal.widgets.dock import set_tone
from terminal.widgets.levels_preview import LevelsPreview
from terminal.widgets.price_edit import PriceEdit, indent

_MOST_POINTS = 100_000


def random_condition_id() -> str:
    """``C`` and eight random ASCII characters of base 32."""
    return "C" + base64.b32encode(secrets.token_bytes(5)).decode("ascii")


class ConditionDialog(QtWidgets.QDialog):
    """Asks for a condition. It is not modal: the window behind it stays usable, panic buttons above all.

    Signals:
        spec_accepted(ConditionSpec, bool): the condition as wanted, and whether to arm it at once.

    Args:
        new_id: makes the id of a new condition.
    """

    spec_accepted = QtCore.Signal(object, bool)

    def __init__(
        self, parent: QtWidgets.QWidget | None = None, new_id: Callable[[], str] = random_condition_id
    ) -> None:
        super().__init__(parent)
        self._new_id = new_id
        self._condition_id = ""
        self._is_new = True
        self._last: dict[str, int] = {}
        self.contract = QtWidgets.QComboBox()
        self.account = QtWidgets.QComboBox()
        self.action: Choice[Side] = Choice(tuple(Side), i18n.action_text)
        self.trigger = PriceEdit()
        self.turning = _points(1, 15)
        self.take_profit = _points(1, 90)
        self.stop_loss = _points(1, 30)
        self.quantity = _points(1, 1, most=1000)
        self.following = QtWidgets.QCheckBox()
        self.trailing = _points(0, 0)
        self.levels_from: Choice[LevelsFrom] = Choice(tuple(LevelsFrom), i18n.text)
        self.preview = LevelsPreview()
        self.problem = QtWidgets.QLabel()
        self.save_button = QtWidgets.QPushButton()
        self.arm_button = QtWidgets.QPushButton()
        self.cancel_button = QtWidgets.QPushButton()
        self._lay_out()
        self._connect()
        self.retranslate()

    def set_contracts(self, symbols: Iterable[str]) -> None:
        """The contracts that a condition can watch."""
        chosen = self.contract.currentData()
        with QtCore.QSignalBlocker(self.contract):
            self.contract.clear()
            for symbol in symbols:
                self.contract.addItem(symbol, symbol)
            self.contract.setCurrentIndex(self.contract.findData(chosen))

    def set_accounts(self, accounts: Iterable[Account]) -> None:
        """The order accounts of the login."""
        chosen = self.account.currentData()
        with QtCore.QSignalBlocker(self.account):
            self.account.clear()
            for account in accounts:
                name = " ".join(filter(None, (account.account, account.name)))
                self.account.addItem(name, account.account)
            self.account.setCurrentIndex(self.account.findData(chosen))

    def update_last(self, symbol: str, price: int) -> None:
        """The last price of a contract, shown among the levels."""
        self._last[symbol] = price
        if symbol == self.contract.currentData() and self.isVisible():
            self.preview.set_last(price)

    def open_new(self, side: Side, symbol: str, account: str, price: int) -> None:
        """Begins a new condition.

        Args:
            side: BUY at a support, SELL at a resistance.
            symbol: contract to begin with.
            account: account to begin with, empty = the first.
            price: trigger price to begin with, scaled; 0 = none.
        """
        spec = ConditionSpec(
            condition_id=self._new_id(), account=account, symbol=symbol, action=side, trigger_price=price
        )
        self._is_new = True
        self._show(spec, ConditionState.DRAFT)

    def open_edit(self, condition: Condition) -> None:
        """Edits a condition; what its state no longer lets change is locked."""
        self._is_new = False
        self._show(condition.spec, condition.state)

    def spec(self) -> ConditionSpec:
        """The condition that the fields describe."""
        return ConditionSpec(
            condition_id=self._condition_id,
            account=self.account.currentData() or "",
            symbol=self.contract.currentData() or "",
            action=self.action.value,
            trigger_price=self.trigger.value(),
            turning_points=self.turning.value(),
            take_profit_points=self.take_profit.value(),
            stop_loss_points=self.stop_loss.value(),
            quantity=self.quantity.value(),
            following=self.following.isChecked(),
            trailing_points=self.trailing.value(),
            levels_from=self.levels_from.value,
        )

    def set_theme(self, theme: Theme) -> None:
        """Colours of the levels."""
        self.preview.set_theme(theme)

    def retranslate(self) -> None:
        """Texts in the present language."""
        self.setWindowTitle(self.tr("New condition") if self._is_new else self.tr("Edit condition"))
        words = {
            "contract": self.tr("Contract"),
            "account": self.tr("Account"),
            "action": self.tr("Action"),
            "trigger": self.tr("Trigger price"),
            "turning": self.tr("Turning points"),
            "take_profit": self.tr("Take profit, points"),
            "stop_loss": self.tr("Stop loss, points"),
            "quantity": self.tr("Lots"),
            "following": self.tr("Before entry"),
            "trailing": self.tr("Trailing stop, points"),
            "levels_from": self.tr("Measured from"),
        }
        for name, label in self._labels.items():
            label.setText(words[name])
        self.following.setText(self.tr("Follow the extreme price"))
        self.trailing.setSpecialValueText(self.tr("Off"))
        self.save_button.setText(self.tr("Save"))
        self.arm_button.setText(self.tr("Save and arm"))
        self.cancel_button.setText(self.tr("Cancel"))
        self.action.retranslate()
        self.levels_from.retranslate()
        self.preview.retranslate()
        self._refresh()

    def changeEvent(self, event: QtCore.QEvent) -> None:
        """Follows the language."""
        if event.type() is QtCore.QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _lay_out(self) -> None:
        self._fields: dict[str, QtWidgets.QWidget] = {
            "contract": self.contract,
            "account": self.account,
            "action": self.action,
            "trigger": self.trigger,
            "turning": self.turning,
            "take_profit": self.take_profit,
            "stop_loss": self.stop_loss,
            "quantity": self.quantity,
            "following": self.following,
            "trailing": self.trailing,
            "levels_from": self.levels_from,
        }
        self._labels = {name: QtWidgets.QLabel() for name in self._fields}
        form = QtWidgets.QFormLayout()
        form.setFieldGrowthPolicy(QtWidgets.QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setLabelAlignment(QtCore.Qt.AlignmentFlag.AlignLeft)
        for name, part in self._fields.items():
            set_tone(self._labels[name], "muted")
            form.addRow(self._labels[name], part)
        set_tone(self.problem, "error")
        set_tone(self.arm_button, "accent")
        self.problem.setWordWrap(True)
        self.problem.setMinimumHeight(self.fontMetrics().height() + 4)
        buttons = QtWidgets.QHBoxLayout()
        buttons.addWidget(self.problem, 1)
        for button in (self.cancel_button, self.save_button, self.arm_button):
            buttons.addWidget(button)
        sides = QtWidgets.QHBoxLayout()
        sides.setSpacing(16)
        sides.addLayout(form, 3)
        sides.addWidget(self.preview, 2)
        box = QtWidgets.QVBoxLayout(self)
        box.setContentsMargins(16, 16, 16, 16)
        box.setSpacing(12)
        box.addLayout(sides, 1)
        box.addLayout(buttons)
        self.resize(720, 460)

    def _connect(self) -> None:
        self.contract.currentIndexChanged.connect(self._on_contract_changed)
        self.account.currentIndexChanged.connect(self._refresh)
        for choice in (self.action, self.levels_from):
            choice.chosen.connect(self._refresh)
        numbers = (self.trigger, self.turning, self.take_profit, self.stop_loss, self.quantity, self.trailing)
        for number in numbers:
            number.valueChanged.connect(self._refresh)
        self.following.toggled.connect(self._refresh)
        self.cancel_button.clicked.connect(self.reject)
        self.save_button.clicked.connect(lambda: self._on_accepted(is_armed=False))
        self.arm_button.clicked.connect(lambda: self._on_accepted(is_armed=True))

    def _show(self, spec: ConditionSpec, state: ConditionState) -> None:
        self._condition_id = spec.condition_id
        self.contract.setCurrentIndex(self.contract.findData(spec.symbol))
        first = 0 if self.account.count() and not spec.account else -1
        self.account.setCurrentIndex(max(self.account.findData(spec.account), first))
        self.action.choose(spec.action)
        self.trigger.set_symbol(spec.symbol)
        self.trigger.setValue(spec.trigger_price)
        self.turning.setValue(spec.turning_points)
        self.take_profit.setValue(spec.take_profit_points)
        self.stop_loss.setValue(spec.stop_loss_points)
        self.quantity.setValue(spec.quantity)
        self.following.setChecked(spec.following)
        self.trailing.setValue(spec.trailing_points)
        self.levels_from.choose(spec.levels_from)
        self._lock(state)
        self.retranslate()
        self.preview.set_last(self._last.get(spec.symbol, 0))
        self.show()
        self.raise_()
        self.trigger.setFocus()
        self.trigger.selectAll()

    def _lock(self, state: ConditionState) -> None:
        """Where it is in the market only its exits may change; contract and account only while it is new."""
        for name in ("contract", "account"):
            self._fields[name].setEnabled(self._is_new)
        for name in ("action", "trigger", "turning", "quantity", "following"):
            self._fields[name].setEnabled(not state.is_in_market)
        self.arm_button.setVisible(state is ConditionState.DRAFT)

    def _on_contract_changed(self) -> None:
        symbol = self.contract.currentData() or ""
        self.trigger.set_symbol(symbol)
        if self._is_new and symbol:
            self.trigger.setValue(self._last.get(symbol, 0))
        self.preview.set_last(self._last.get(symbol, 0))
        self._refresh()

    def _refresh(self) -> None:
        spec = self.spec()
        problem = spec.problem()
        self.problem.setText(i18n.problem_text(problem) if problem else "")
        for button in (self.save_button, self.arm_button):
            button.setEnabled(not problem)
        self.preview.set_spec(spec)

    def _on_accepted(self, *, is_armed: bool) -> None:
        spec = self.spec()
        if not spec.problem():
            self.spec_accepted.emit(spec, is_armed)
            self.accept()


def _points(least: int, value: int, most: int = _MOST_POINTS) -> QtWidgets.QSpinBox:
    """A field for points; they are scaled like prices, and all products have whole points."""
    box = QtWidgets.QSpinBox()
    box.setRange(least, most)
    box.setValue(value)
    box.setAccelerated(True)
    indent(box)
    return box
