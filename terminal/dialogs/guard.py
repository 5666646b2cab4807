"""Puts a position that nothing guards under guard: how many lots, stop and target, and nothing else to decide."""

from collections.abc import Callable

from PySide6 import QtCore, QtWidgets

from engine.model.condition import ConditionAction, ConditionCommand, ConditionSpec, LevelsFrom
from engine.model.instrument import PRODUCTS
from engine.model.order import Side
from engine.model.position import Position
from terminal import formats, i18n
from terminal.models.coverage import side_text
from terminal.theme import Theme
from terminal.widgets.dock import set_tone
from terminal.widgets.exit_fields import ExitFields, points_edit
from terminal.widgets.levels_preview import LevelsPreview


class GuardDialog(QtWidgets.QDialog):
    """Asks how lots are to be guarded; Enter accepts what it proposes.

    Signals:
        guard_requested(ConditionCommand): put the lots under guard.

    Args:
        position: held lots.
        lots: how many of them no condition holds.
        new_id: makes the id of the condition.
    """

    guard_requested = QtCore.Signal(object)

    def __init__(
        self,
        position: Position,
        lots: int,
        new_id: Callable[[], str],
        parent: QtWidgets.QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        self._position, self._condition_id = position, new_id()
        self._last = 0
        self.quantity = points_edit(1, lots, most=lots)
        self.exits = ExitFields(measures=False)
        self.exits.show_spec(self._blank())
        self.preview = LevelsPreview(is_adopted=True)
        self.problem = QtWidgets.QLabel()
        self.guard_button = QtWidgets.QPushButton(self.tr("Guard"))
        self.cancel_button = QtWidgets.QPushButton(self.tr("Cancel"))
        self._lay_out()
        self.exits.changed.connect(self._refresh)
        self.quantity.valueChanged.connect(self._refresh)
        self.guard_button.clicked.connect(self._on_accepted)
        self.cancel_button.clicked.connect(self.reject)
        self._refresh()

    def spec(self) -> ConditionSpec:
        """The condition that the fields describe."""
        return self.exits.applied(self._blank())

    def update_last(self, symbol: str, price: int) -> None:
        """The last price of a contract."""
        if symbol == self._position.symbol and price != self._last:
            self._last = price
            self.preview.set_last(price)
            self._refresh()

    def set_theme(self, theme: Theme) -> None:
        """Colours of the levels."""
        self.preview.set_theme(theme)

    def _blank(self) -> ConditionSpec:
        position = self._position
        return ConditionSpec(
            condition_id=self._condition_id,
            account=position.account,
            symbol=position.symbol,
            action=Side.BUY if position.net > 0 else Side.SELL,
            trigger_price=average_on_tick(position),
            quantity=self.quantity.value(),
            levels_from=LevelsFrom.AVERAGE_FILL,
        )

    def _lay_out(self) -> None:
        position = self._position
        self.setWindowTitle(self.tr("Guard {symbol}").format(symbol=position.symbol))
        average = formats.price(position.symbol, position.average_price, extra=1)
        head = QtWidgets.QLabel(f"{position.symbol}   {side_text(position.net)} @ {average}")
        bold = head.font()
        bold.setBold(True)
        bold.setPointSize(bold.pointSize() + 2)
        head.setFont(bold)
        account = QtWidgets.QLabel(position.account)
        set_tone(account, "muted")
        form = QtWidgets.QFormLayout()
        label = QtWidgets.QLabel(self.tr("Lots to guard"))
        set_tone(label, "muted")
        form.addRow(label, self.quantity)
        left = QtWidgets.QVBoxLayout()
        for part in (head, account):
            left.addWidget(part)
        left.addLayout(form)
        left.addWidget(self.exits, 1)
        sides = QtWidgets.QHBoxLayout()
        sides.setSpacing(16)
        sides.addLayout(left, 3)
        sides.addWidget(self.preview, 2)
        set_tone(self.problem, "warning")
        self.problem.setWordWrap(True)
        self.problem.setMinimumHeight(self.fontMetrics().height() * 2)
        set_tone(self.guard_button, "accent")
        self.guard_button.setDefault(True)
        self.cancel_button.setAutoDefault(False)
        buttons = QtWidgets.QHBoxLayout()
        buttons.addWidget(self.problem, 1)
        buttons.addWidget(self.cancel_button)
        buttons.addWidget(self.guard_button)
        box = QtWidgets.QVBoxLayout(self)
        box.setContentsMargins(16, 16, 16, 16)
        box.setSpacing(12)
        box.addLayout(sides, 1)
        box.addLayout(buttons)
        self.resize(640, 440)
        self.exits.stop_loss.setFocus()
        self.exits.stop_loss.selectAll()

    def _refresh(self) -> None:
        spec = self.spec()
        self.preview.set_spec(spec)
        problem = spec.problem()
        self.guard_button.setEnabled(not problem)
        self.problem.setText(i18n.problem_text(problem) if problem else self._warning(spec))

    def _warning(self, spec: ConditionSpec) -> str:
        """The market may be past a level already."""
        gain = spec.action.sign * (self._last - spec.trigger_price)
        if self._last and -gain >= spec.stop_loss_points:
            return self.tr("The market is beyond this stop already: the lots would be closed at once.")
        if self._last and gain >= spec.take_profit_points:
            return self.tr("The market is beyond this target already: the lots would be closed at once.")
        return ""

    def _on_accepted(self) -> None:
        spec = self.spec()
        if not spec.problem():
            command = ConditionCommand(action=ConditionAction.GUARD, condition_id=spec.condition_id, spec=spec)
            self.guard_requested.emit(command)
            self.accept()


def average_on_tick(position: Position) -> int:
    """The average price of a position on the nearest price step, scaled; 0 when flat."""
    average = position.average_price
    product = PRODUCTS.get(position.symbol[:3])
    step = product.tick_size if product else 1
    return round(average / step) * step if average is not None else 0
