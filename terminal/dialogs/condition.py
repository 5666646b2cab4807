"""Creates or edits a condition, with its four prices, its risk and its reward before one's eyes.

Knows the other conditions only by what it is given, to tie one to another.
"""

import base64
import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace

from PySide6 import QtCore, QtWidgets

from engine.model.condition import Condition, ConditionSpec, ConditionState
from engine.model.order import Side
from engine.model.position import Account
from terminal import formats, i18n
from terminal.theme import Theme
from terminal.widgets.choice import Choice
from terminal.widgets.dock import set_tone
from terminal.widgets.exit_fields import ExitFields, add_rows, points_edit
from terminal.widgets.levels_preview import LevelsPreview
from terminal.widgets.price_edit import PriceEdit


def random_condition_id() -> str:
    """``C`` and eight random ASCII characters of base 32."""
    return "C" + base64.b32encode(secrets.token_bytes(5)).decode("ascii")


class ConditionDialog(QtWidgets.QDialog):
    """Asks for a condition. It is not modal: the window behind it stays usable, panic buttons above all.

    Signals:
        spec_accepted(ConditionSpec, bool): the condition as wanted, and whether to arm it at once. The conditions
            that it is tied to, or no longer tied to, come before it.

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
        self._spec: ConditionSpec | None = None
        self._conditions: dict[str, Condition] = {}
        self._last: dict[str, int] = {}
        self.contract = QtWidgets.QComboBox()
        self.account = QtWidgets.QComboBox()
        self.action: Choice[Side] = Choice(tuple(Side), i18n.action_text)
        self.trigger = PriceEdit()
        self.turning = points_edit(1, 15)
        self.quantity = points_edit(1, 1, most=1000)
        self.following = QtWidgets.QCheckBox()
        self.other = QtWidgets.QComboBox()
        self.exits = ExitFields()
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

    def set_conditions(self, conditions: Iterable[Condition]) -> None:
        """All conditions, of which one can be tied to another; those on offer change when the dialog is opened."""
        self._conditions = {condition.condition_id: condition for condition in conditions}

    def update_condition(self, condition: Condition) -> None:
        """A condition is new or has changed."""
        self._conditions[condition.condition_id] = condition

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
        spec = ConditionSpec(
            condition_id=self._condition_id,
            account=self.account.currentData() or "",
            symbol=self.contract.currentData() or "",
            action=self.action.value,
            trigger_price=self.trigger.value(),
            turning_points=self.turning.value(),
            quantity=self.quantity.value(),
            following=self.following.isChecked(),
            oco_group=self._group(),
        )
        return self.exits.applied(spec)

    def tied(self) -> list[ConditionSpec]:
        """The specs of other conditions that change with this one: tied to it, or no longer."""
        group, before = self._group(), self._spec.oco_group if self._spec else ""
        changed = []
        other = self._conditions.get(self.other.currentData() or "")
        if other is not None and other.spec.oco_group != group:
            changed.append(replace(other.spec, oco_group=group))
        left = [c for c in self._conditions.values() if before and c.spec.oco_group == before]
        left = [c for c in left if c.condition_id != self._condition_id and not c.state.is_final]
        if before != group and len(left) == 1 and left[0].condition_id not in {s.condition_id for s in changed}:
            changed.append(replace(left[0].spec, oco_group=""))  # a group of one cancels nothing
        return changed

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
            "quantity": self.tr("Lots"),
            "following": self.tr("Before entry"),
            "other": self.tr("One cancels other"),
        }
        self._entry_box.setTitle(self.tr("Entry"))
        for name, label in self._labels.items():
            label.setText(words[name])
        self.following.setText(self.tr("Follow the extreme price"))
        self.other.setToolTip(self.tr("The first of the two that fills cancels the one that still waits."))
        self.save_button.setText(self.tr("Save"))
        self.arm_button.setText(self.tr("Save and arm"))
        self.cancel_button.setText(self.tr("Cancel"))
        self.action.retranslate()
        self.exits.retranslate()
        self.preview.retranslate()
        self._offer_others()
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
            "quantity": self.quantity,
            "following": self.following,
            "other": self.other,
        }
        self._entry_box = QtWidgets.QGroupBox()
        self._labels = add_rows(self._entry_box, self._fields)
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
        sides.addWidget(self._entry_box, 4)
        sides.addWidget(self.exits, 4)
        sides.addWidget(self.preview, 3)
        box = QtWidgets.QVBoxLayout(self)
        box.setContentsMargins(16, 16, 16, 16)
        box.setSpacing(12)
        box.addLayout(sides, 1)
        box.addLayout(buttons)
        self.resize(960, 440)

    def _connect(self) -> None:
        self.contract.currentIndexChanged.connect(self._on_contract_changed)
        self.account.currentIndexChanged.connect(self._refresh)
        self.action.chosen.connect(self._refresh)
        for number in (self.trigger, self.turning, self.quantity):
            number.valueChanged.connect(self._refresh)
        self.exits.changed.connect(self._refresh)
        self.other.currentIndexChanged.connect(self._refresh)
        self.following.toggled.connect(self._refresh)
        self.cancel_button.clicked.connect(self.reject)
        self.save_button.clicked.connect(lambda: self._on_accepted(is_armed=False))
        self.arm_button.clicked.connect(lambda: self._on_accepted(is_armed=True))

    def _show(self, spec: ConditionSpec, state: ConditionState) -> None:
        self._condition_id, self._spec = spec.condition_id, spec
        self.contract.setCurrentIndex(self.contract.findData(spec.symbol))
        first = 0 if self.account.count() and not spec.account else -1
        self.account.setCurrentIndex(max(self.account.findData(spec.account), first))
        self.action.choose(spec.action)
        self.trigger.set_symbol(spec.symbol)
        self.trigger.setValue(spec.trigger_price)
        self.turning.setValue(spec.turning_points)
        self.quantity.setValue(spec.quantity)
        self.following.setChecked(spec.following)
        self.exits.show_spec(spec)
        self._offer_others(spec.oco_group)
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
        for name in ("action", "trigger", "turning", "quantity", "following", "other"):
            self._fields[name].setEnabled(not state.is_in_market)
        self.arm_button.setVisible(state is ConditionState.DRAFT)

    def _on_contract_changed(self) -> None:
        symbol = self.contract.currentData() or ""
        self.trigger.set_symbol(symbol)
        if self._is_new and symbol:
            self.trigger.setValue(self._last.get(symbol, 0))
        self.preview.set_last(self._last.get(symbol, 0))
        self._offer_others()
        self._refresh()

    def _offer_others(self, group: str = "") -> None:
        """Conditions of the contract that still wait; the first one of the group is chosen, or the one before."""
        symbol, chosen = self.contract.currentData() or "", self.other.currentData() or ""
        offered = [
            condition
            for condition in self._conditions.values()
            if condition.spec.symbol == symbol
            and condition.condition_id != self._condition_id
            and (condition.state.is_waiting or condition.state is ConditionState.DRAFT)
        ]
        if group:
            chosen = next((c.condition_id for c in offered if c.spec.oco_group == group), "")
        with QtCore.QSignalBlocker(self.other):
            self.other.clear()
            self.other.addItem(self.tr("None"), "")
            for condition in offered:
                side, price = i18n.action_text(condition.spec.action), condition.spec.trigger_price
                text = f"{side} {formats.price(symbol, price)} · {condition.condition_id}"
                self.other.addItem(text, condition.condition_id)
            self.other.setCurrentIndex(max(self.other.findData(chosen), 0))

    def _group(self) -> str:
        """The group that this condition belongs to: that of the other one, its own, or a new one."""
        before = self._spec.oco_group if self._spec else ""
        if not self.other.isEnabled():
            return before
        other = self._conditions.get(self.other.currentData() or "")
        return (other.spec.oco_group or before or f"G{self._condition_id[:63]}") if other else ""

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
            for other in self.tied():
                self.spec_accepted.emit(other, False)
            self.spec_accepted.emit(spec, is_armed)
            self.accept()
