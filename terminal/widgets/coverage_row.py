"""One line of the protection strip: a held contract, how its lots are guarded, by what, why not, the remedies."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from PySide6 import QtCore, QtGui, QtWidgets

from engine.model.condition import Condition, ConditionState
from engine.model.guard import GuardFault
from terminal.models import coverage as words
from terminal.models.coverage import Holding, Protection
from terminal.theme import DARK, Theme, mixed
from terminal.widgets.dock import row, set_tone
from terminal.widgets.elided import ElidedLabel
from terminal.widgets.lots_bar import LotsBar

ROW_HEIGHT: Final = 30
_STRIPE: Final = 4
_DOWN: Final = frozenset({GuardFault.EXECUTOR_DOWN, GuardFault.STRATEGY_DOWN})
_TONES: Final = {
    Protection.GUARDED: "ok",
    Protection.NAKED: "warning",
    Protection.CHOSEN: "warning",
    Protection.UNKNOWN: "warning",
    Protection.ALARM: "error",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedies:
    """What a person can do about naked lots now, besides guarding or closing them.

    Attributes:
        acknowledge: its alarm waits for a person.
        start: trading is stopped.
        again: a process that guards died too often and waits to be started.
    """

    acknowledge: bool = False
    start: bool = False
    again: bool = False


class CoverageRow(QtWidgets.QWidget):
    """One held contract.

    Signals:
        acknowledged(): the alarm was seen.
        guard_requested(): lots that no condition holds are to be guarded.
        rearm_requested(str): the condition with this id, held unguarded, is to guard again.
        start_requested(): trading is to be started.
        start_again_requested(): the processes that died too often are to be started.
        flatten_requested(): everything in the contract is to be closed.
    """

    acknowledged = QtCore.Signal()
    guard_requested = QtCore.Signal()
    rearm_requested = QtCore.Signal(str)
    start_requested = QtCore.Signal()
    start_again_requested = QtCore.Signal()
    flatten_requested = QtCore.Signal()

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.holding: Holding | None = None
        self._theme = DARK
        self._glow = 0.0
        self.symbol, self.side, self.figures, self.why = (QtWidgets.QLabel() for _ in range(4))
        self.guards = ElidedLabel()
        self.bar = LotsBar()
        self.acknowledge_button = QtWidgets.QPushButton()
        self.start_button = QtWidgets.QPushButton()
        self.again_button = QtWidgets.QPushButton()
        self.rearm_button = QtWidgets.QPushButton()
        self.guard_button = QtWidgets.QPushButton()
        self.flatten_button = QtWidgets.QPushButton()
        self._lay_out()
        self._connect()
        self.retranslate()

    def show_holding(self, holding: Holding, conditions: Mapping[str, Condition], remedies: Remedies) -> None:
        """Shows what is known now.

        Args:
            holding: the contract.
            conditions: by id.
            remedies: what a person can do now.
        """
        self.holding = holding
        coverage, protection = holding.coverage, holding.protection
        self.symbol.setText(coverage.symbol)
        self.symbol.setToolTip(coverage.account)
        self.side.setText(words.side_text(coverage.net))
        self.bar.show_coverage(coverage)
        self.figures.setText(words.figures_text(holding))
        self.why.setText(words.why_text(holding))
        self.guards.setText(words.guards_text(holding, conditions))
        is_alarm = protection is Protection.ALARM
        for label in (self.figures, self.why):
            set_tone(label, "" if is_alarm else _TONES[protection])
        self._show_remedies(holding, remedies)
        self.update()

    def glow(self, share: float) -> None:
        """How strongly an alarm glows, 0 to 1."""
        self._glow = share
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Colours."""
        self._theme = self.bar.theme = theme
        self.update()

    def retranslate(self) -> None:
        """Texts of the buttons; the others come with the next word."""
        self.acknowledge_button.setText(self.tr("Acknowledge"))
        self.acknowledge_button.setToolTip(self.tr("Silence this alarm; it stays until the lots are guarded"))
        self.start_button.setText(self.tr("Start trading"))
        self.start_button.setToolTip(self.tr("Start the processes that watch the stops"))
        self.again_button.setText(self.tr("Start again"))
        self.again_button.setToolTip(self.tr("Start the process that died too often, whose log says why"))
        self.rearm_button.setText(self.tr("Guard again"))
        self.guard_button.setText(self.tr("Guard…"))
        self.guard_button.setToolTip(self.tr("Put the lots that nothing guards under guard"))
        self.flatten_button.setText(self.tr("Flatten…"))

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Draws the ground: quiet where all is well, glowing in an alarm, a stripe of the state at the left."""
        painter = QtGui.QPainter(self)
        protection = self.holding.protection if self.holding else Protection.GUARDED
        tone = getattr(self._theme, _TONES[protection])
        share = {Protection.GUARDED: 0.0, Protection.ALARM: 0.22 + 0.33 * self._glow}.get(protection, 0.16)
        painter.fillRect(self.rect(), QtGui.QColor(mixed(tone, self._theme.panel, share)))
        painter.fillRect(QtCore.QRect(0, 0, _STRIPE, self.height()), QtGui.QColor(tone))
        painter.end()

    def _show_remedies(self, holding: Holding, remedies: Remedies) -> None:
        coverage = holding.coverage
        self._held_id = next((g.condition_id for g in coverage.guards if g.state is ConditionState.HELD), "")
        is_bare = bool(coverage.naked) or words.is_unknown(holding)
        self.acknowledge_button.setVisible(remedies.acknowledge)
        self.start_button.setVisible(remedies.start and GuardFault.NOT_STARTED in holding.faults)
        self.again_button.setVisible(remedies.again and not _DOWN.isdisjoint(holding.faults))
        self.rearm_button.setVisible(bool(self._held_id))
        self.guard_button.setVisible(bool(coverage.naked) and holding.unheld > 0)
        self.flatten_button.setVisible(is_bare)

    def _lay_out(self) -> None:
        bold = self.font()
        bold.setBold(True)
        metrics = QtGui.QFontMetrics(bold)
        for label, sample in ((self.symbol, "TXFK4"), (self.side, "▼ Short 00"), (self.figures, "0 guarded")):
            label.setFont(bold)
            label.setMinimumWidth(metrics.horizontalAdvance(sample) + 4)
        set_tone(self.acknowledge_button, "error")
        buttons = (
            self.acknowledge_button,
            self.start_button,
            self.again_button,
            self.rearm_button,
            self.guard_button,
            self.flatten_button,
        )
        for button in buttons:
            button.setMaximumHeight(ROW_HEIGHT - 4)
        box = row(
            self.symbol, self.side, self.bar, self.figures, self.why, self.guards, *buttons, margin=0, spacing=10
        )
        box.setContentsMargins(12, 0, 6, 0)
        box.setStretch(5, 1)
        self.setLayout(box)
        self.setFixedHeight(ROW_HEIGHT)

    def _connect(self) -> None:
        self._held_id = ""
        self.acknowledge_button.clicked.connect(lambda: self.acknowledged.emit())
        self.guard_button.clicked.connect(lambda: self.guard_requested.emit())
        self.rearm_button.clicked.connect(lambda: self.rearm_requested.emit(self._held_id))
        self.again_button.clicked.connect(lambda: self.start_again_requested.emit())
        self.start_button.clicked.connect(lambda: self.start_requested.emit())
        self.flatten_button.clicked.connect(lambda: self.flatten_requested.emit())


def glow_at(seconds: float) -> float:
    """A slow pulse, 0 to 1 and back within two seconds: seen from the corner of the eye, no flicker."""
    return 0.5 - 0.5 * math.cos(seconds * math.pi)
