"""What a person plans: opens the dialogs of conditions and guards, and turns what comes of them into requests."""

from dataclasses import replace

from PySide6 import QtCore

from engine.model.condition import Condition, ConditionAction, ConditionCommand, ConditionSpec, ConditionState
from engine.model.order import Side
from engine.model.position import Account
from terminal import theme
from terminal.asking import Asking
from terminal.dialogs.condition import random_condition_id
from terminal.dialogs.guard import GuardDialog
from terminal.display import Display
from terminal.settings import Choices


class Planning(QtCore.QObject):
    """Conditions drawn, edited, dragged, and lots put under guard.

    Args:
        display: what is known, and where the dialogs stand.
        asking: sends what was planned.
        choices: the person's.
    """

    def __init__(self, display: Display, asking: Asking, choices: Choices) -> None:
        super().__init__()
        self._display, self._asking, self._choices = display, asking, choices
        self.accounts: tuple[Account, ...] = ()
        """Of the login; empty while nobody is logged in."""

    def open_new(self, side: Side, price: int) -> None:
        """Asks for a new condition; without a price it begins at the last one."""
        if not self.accounts:
            self._display.say(self.tr("Log in first."), "warning")
            return
        last = self._display.last_ticks.get(self._display.symbol)
        self._display.condition_dialog.open_new(
            side, self._display.symbol, self.accounts[0].account, price or (last.price if last else 0)
        )

    @QtCore.Slot(str)
    def open_edit(self, condition_id: str) -> None:
        """Asks what is to change of a condition."""
        if condition := self._display.conditions.get(condition_id):
            self._display.condition_dialog.open_edit(condition)

    @QtCore.Slot(str, str)
    def open_guard(self, account: str, symbol: str) -> None:
        """Asks how lots that no condition holds are to be guarded."""
        display = self._display
        position = display.guarding.positions.get((account, symbol))
        lots = display.guarding.unheld(account, symbol, position.net) if position else 0
        if position is None or not lots:
            display.say(self.tr("Nothing to guard: conditions hold all lots of {symbol}.").format(symbol=symbol))
            return
        dialog = GuardDialog(position, lots, random_condition_id, display.window)
        dialog.set_theme(theme.THEMES[self._choices.now.theme])
        if last := display.last_ticks.get(symbol):
            dialog.update_last(symbol, last.price)
        dialog.guard_requested.connect(self._asking.ask)
        dialog.show()

    def put(self, spec: ConditionSpec, arm: bool) -> None:
        """Creates or changes a condition, and arms a draft."""
        self._asking.spawn(self._put(spec, arm))

    async def _put(self, spec: ConditionSpec, arm: bool) -> None:
        command = ConditionCommand(action=ConditionAction.PUT, condition_id=spec.condition_id, spec=spec)
        await self._asking.answered(command)
        known = self._display.conditions.get(spec.condition_id)
        if arm and (known is None or known.state is ConditionState.DRAFT):
            armed = ConditionCommand(action=ConditionAction.ARM, condition_id=spec.condition_id)
            await self._asking.answered(armed)

    @QtCore.Slot(str, str, int)
    def move_level(self, condition_id: str, level: str, price: int) -> None:
        """A line was dragged on the chart and dropped."""
        condition = self._display.conditions.get(condition_id)
        if condition is not None:
            self.put(moved_level(condition, level, price), False)


def moved_level(condition: Condition, level: str, price: int) -> ConditionSpec:
    """The spec after one of its levels was dragged to a price; distances stay at least one tick."""
    spec, sign = condition.spec, condition.spec.action.sign
    if level == "trigger":
        return replace(spec, trigger_price=price)
    base = condition.base
    if level == "take_profit":
        return replace(spec, take_profit_points=max(1, sign * (price - base)))
    if level == "stop_loss":
        return replace(spec, stop_loss_points=max(1, sign * (base - price)))
    return spec
