"""The conditions with their levels, and what a person can do to them."""

from collections.abc import Iterable, Mapping

from PySide6 import QtCore, QtGui, QtWidgets

from engine.model.condition import Condition, ConditionAction, ConditionCommand, ConditionState
from engine.model.guard import GuardFault
from engine.model.order import Side
from terminal.dialogs.confirm import ask
from terminal.models.conditions import CONDITION_COLUMNS, Watched, state_text
from terminal.models.table import TableModel
from terminal.theme import Theme
from terminal.widgets.dock import Dock, row, set_tone
from terminal.widgets.elided import ElidedLabel
from terminal.widgets.table import Table


class ConditionsDock(Dock):
    """All conditions.

    Signals:
        new_requested(Side): a new condition is wanted: BUY at a support, SELL at a resistance.
        edit_requested(str): the condition with this id is to be edited.
        command_requested(ConditionCommand): arm, cancel, close or release a condition.
        condition_picked(str): id of the current condition, empty for none.
    """

    new_requested = QtCore.Signal(object)
    edit_requested = QtCore.Signal(str)
    command_requested = QtCore.Signal(object)
    condition_picked = QtCore.Signal(str)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__("conditions", parent)
        self._faults: dict[str, GuardFault | None] = {}
        self.model: TableModel[Watched] = TableModel(CONDITION_COLUMNS, lambda r: r.condition.condition_id, self)
        self.table = Table(self.model, sort_by="state")
        self.support_button = QtWidgets.QPushButton()
        self.resistance_button = QtWidgets.QPushButton()
        self.edit_button = QtWidgets.QPushButton()
        self.arm_button = QtWidgets.QPushButton()
        self.cancel_button = QtWidgets.QPushButton()
        self.close_button = QtWidgets.QPushButton()
        self.release_action = QtGui.QAction(self)
        self.notice = ElidedLabel()
        self.notice.setContentsMargins(6, 0, 6, 4)
        set_tone(self.notice, "warning")
        set_tone(self.support_button, "up")
        set_tone(self.resistance_button, "down")
        new = row(self.support_button, self.resistance_button)
        acts = row(self.edit_button, self.arm_button, self.cancel_button, self.close_button)
        acts.setContentsMargins(4, 0, 4, 4)
        self.place(new, acts, self.notice, self.table)
        self._connect()
        self.retranslate()
        self._enable()

    def set_conditions(self, conditions: Iterable[Condition]) -> None:
        """Replaces all conditions."""
        self.model.set_rows([self._watched(condition) for condition in conditions])
        self._enable()

    def update_condition(self, condition: Condition) -> None:
        """A condition is new or has changed."""
        self.model.put(self._watched(condition))
        self._enable()

    def set_faults(self, faults: Mapping[str, GuardFault | None]) -> None:
        """Which conditions do not guard or watch now, and why (None = nobody knows)."""
        self._faults = dict(faults)
        for watched in self.model.rows():
            self.model.put(self._watched(watched.condition))
        self._enable()

    def set_theme(self, theme: Theme) -> None:
        """Colours of states and levels."""
        super().set_theme(theme)
        self.model.set_theme(theme)

    def retranslate(self) -> None:
        """Texts in the present language."""
        self.setWindowTitle(self.tr("Conditions"))
        self.support_button.setText(self.tr("+ Support (buy)"))
        self.resistance_button.setText(self.tr("+ Resistance (sell)"))
        self.edit_button.setText(self.tr("Edit…"))
        self.cancel_button.setText(self.tr("Cancel"))
        self.close_button.setText(self.tr("Close position…"))
        self.release_action.setText(self.tr("Release: leave its lots unguarded…"))
        self.table.set_empty_text(self.tr("No conditions. Add a support to buy at or a resistance to sell at."))
        self.model.retranslate()
        self.table.fit_columns()
        self._enable()

    def _watched(self, condition: Condition) -> Watched:
        return Watched(condition=condition, fault=self._faults.get(condition.condition_id, GuardFault.NONE))

    def _connect(self) -> None:
        self.support_button.clicked.connect(lambda: self.new_requested.emit(Side.BUY))
        self.resistance_button.clicked.connect(lambda: self.new_requested.emit(Side.SELL))
        self.edit_button.clicked.connect(self._on_edit)
        self.table.row_activated.connect(self._on_edit)
        self.arm_button.clicked.connect(lambda: self._command(ConditionAction.ARM))
        self.cancel_button.clicked.connect(lambda: self._command(ConditionAction.CANCEL))
        self.close_button.clicked.connect(self._on_close)
        self.release_action.triggered.connect(self._on_release)
        self.table.addAction(self.release_action)
        self.table.setContextMenuPolicy(QtCore.Qt.ContextMenuPolicy.ActionsContextMenu)
        self.table.current_changed.connect(self._on_current_changed)

    def _current(self) -> Condition | None:
        row = self.model.get(self.table.current_key())
        return row.condition if row else None

    def _enable(self) -> None:
        condition = self._current()
        state = condition.state if condition else ConditionState.CLOSED
        self.edit_button.setEnabled(not state.is_final)
        is_held = state is ConditionState.HELD
        self.arm_button.setText(self.tr("Guard again") if is_held else self.tr("Arm"))
        self.arm_button.setEnabled(state is ConditionState.DRAFT or is_held)
        self.cancel_button.setEnabled(state is ConditionState.DRAFT or state.is_waiting)
        self.close_button.setEnabled(state.is_in_market)
        self.release_action.setEnabled(state.is_in_market)
        self._notice()

    def _notice(self) -> None:
        """The first conditions that do not work, in full: the column may be too narrow for that."""
        faulty = [row for row in self.model.rows() if not row.is_working]
        faulty.sort(key=lambda row: not row.condition.held)
        texts = (f"{row.condition.condition_id}: {state_text(row).removeprefix('⚠ ')}" for row in faulty)
        self.notice.setText("⚠ " + "; ".join(texts) if faulty else "")
        self.notice.setVisible(bool(faulty))
        set_tone(self.notice, "error" if faulty and faulty[0].condition.held else "warning")

    def _command(self, action: ConditionAction) -> None:
        if condition := self._current():
            command = ConditionCommand(action=action, condition_id=condition.condition_id)
            self.command_requested.emit(command)

    def _on_current_changed(self, condition_id: str) -> None:
        self._enable()
        self.condition_picked.emit(condition_id)

    def _on_edit(self) -> None:
        condition = self._current()
        if condition is not None and not condition.state.is_final:
            self.edit_requested.emit(condition.condition_id)

    def _on_close(self) -> None:
        if condition := self._current():
            command = ConditionCommand(action=ConditionAction.CLOSE, condition_id=condition.condition_id)
            question = self.tr("Close {lots} lots of {symbol} at the market and end this condition?").format(
                lots=condition.held, symbol=condition.spec.symbol
            )
            yes = self.tr("Close position")
            ask(self, self.windowTitle(), question, yes, lambda: self.command_requested.emit(command))

    def _on_release(self) -> None:
        if condition := self._current():
            command = ConditionCommand(action=ConditionAction.RELEASE, condition_id=condition.condition_id)
            question = self.tr(
                "Stop guarding {lots} lots of {symbol}? The position stays, without take profit or stop loss."
            ).format(lots=condition.held, symbol=condition.spec.symbol)
            yes = self.tr("Release")
            ask(self, self.windowTitle(), question, yes, lambda: self.command_requested.emit(command))
