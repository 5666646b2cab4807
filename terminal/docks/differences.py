"""The broker check: where our books and the broker's differ, when they were last compared, and what to do."""

import time
from collections.abc import Callable, Iterable

from PySide6 import QtCore, QtWidgets

from engine.model.books import Difference, DifferenceKind
from engine.model.market import LinkState, LinkStatus
from terminal import formats
from terminal.dialogs.adopt import AdoptDialog
from terminal.models.differences import DIFFERENCE_COLUMNS, difference_key
from terminal.models.table import TableModel
from terminal.theme import Theme
from terminal.widgets.dock import Dock, row, set_tone
from terminal.widgets.elided import ElidedLabel
from terminal.widgets.table import Table


class DifferencesDock(Dock):
    """Open differences; a settled one leaves.

    Signals:
        ask_requested(): compare with the broker now.
        adopt_requested(AdoptPosition): the broker's figure of a position is to be ours; already confirmed.

    Args:
        now_ns: the wall clock, ns UTC.
    """

    ask_requested = QtCore.Signal()
    adopt_requested = QtCore.Signal(object)

    def __init__(self, now_ns: Callable[[], int] = time.time_ns, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__("differences", parent)
        self._now_ns = now_ns
        self._status: LinkStatus | None = None
        self._compared_ns = 0
        self.model: TableModel[Difference] = TableModel(DIFFERENCE_COLUMNS, difference_key, self)
        self.table = Table(self.model, sort_by="since", descending=True)
        self.ask_button, self.adopt_button = QtWidgets.QPushButton(), QtWidgets.QPushButton()
        self.state = ElidedLabel()
        self.place(row(self.ask_button, self.adopt_button, self.state), self.table)
        self.ask_button.clicked.connect(lambda: self.ask_requested.emit())
        self.adopt_button.clicked.connect(self._on_adopt)
        self.table.current_changed.connect(self._enable)
        self.retranslate()

    def set_differences(self, differences: Iterable[Difference]) -> None:
        """Replaces all differences."""
        self.model.set_rows([found for found in differences if not found.is_settled])
        self._enable()

    def update_difference(self, difference: Difference) -> None:
        """A difference is new, has changed, or is over."""
        if difference.is_settled:
            self.model.remove(difference_key(difference))
        else:
            self.model.put(difference)
        self._enable()

    def set_status(self, status: LinkStatus | None) -> None:
        """When the books were last compared, or why they could not be; None = nobody is logged in."""
        self._status = status
        if status is None:
            self._compared_ns = 0
        elif status.state is LinkState.UP:
            self._compared_ns = status.ts_last
        self._enable()

    def refresh_age(self) -> None:
        """Lets the age of the last comparison grow."""
        text, tone = self._state_text()
        if text != self.state.text():
            self.state.setText(text)
        set_tone(self.state, tone)

    def set_theme(self, theme: Theme) -> None:
        """Colours of the cells."""
        super().set_theme(theme)
        self.model.set_theme(theme)

    def retranslate(self) -> None:
        """Texts in the present language."""
        self.ask_button.setText(self.tr("Ask again"))
        self.ask_button.setToolTip(self.tr("Compare orders, fills and positions with the broker now"))
        self.adopt_button.setText(self.tr("Take over the broker's figure…"))
        self.model.retranslate()
        self.table.fit_columns()
        self._enable()

    def _enable(self) -> None:
        count = len(self.model.rows())
        name = self.tr("Broker check")
        self.setWindowTitle(f"⚠ {name} ({count})" if count else name)
        current = self.model.get(self.table.current_key())
        self.adopt_button.setEnabled(current is not None and current.kind is DifferenceKind.POSITION)
        self.ask_button.setEnabled(self._status is not None)
        is_compared = bool(self._compared_ns)
        agree, unknown = self.tr("Our books and the broker's agree."), self.tr("Not yet compared with the broker.")
        self.table.set_empty_text(agree if is_compared else unknown)
        self.refresh_age()

    def _state_text(self) -> tuple[str, str]:
        """The sentence beside the buttons, and its tone."""
        if not self._compared_ns:
            if self._status is not None and self._status.state is not LinkState.UP and self._status.text:
                return self.tr("The broker did not answer: {why}").format(why=self._status.text), "warning"
            return "", "muted"
        age = formats.age(self._now_ns() - self._compared_ns)
        text = self.tr("Last compared {age} ago.").format(age=age)
        if self._status is not None and self._status.state is not LinkState.UP:
            failed = self.tr("The broker did not answer: {why}").format(why=self._status.text)
            return f"{text} {failed}", "warning"
        return text, "muted"

    def _on_adopt(self) -> None:
        current = self.model.get(self.table.current_key())
        if current is not None and current.kind is DifferenceKind.POSITION:
            dialog = AdoptDialog(current, self.window())
            dialog.adopt_requested.connect(self.adopt_requested)
            dialog.open()
