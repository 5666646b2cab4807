"""The protection strip below the start bar: one line a held contract, one quiet line without any.

It shows what it is given; what a word is worth is judged in :mod:`terminal.models.coverage`.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final

from PySide6 import QtCore, QtGui, QtWidgets

from engine.model.condition import Condition, ConditionAction, ConditionCommand
from engine.timing import NS_PER_S
from terminal import formats
from terminal.dialogs.flatten import ask_flatten
from terminal.models.coverage import SILENCE_S, Holding, Key
from terminal.theme import DARK, Theme
from terminal.widgets.coverage_row import ROW_HEIGHT, CoverageRow, Remedies, glow_at
from terminal.widgets.dock import set_tone

_GLOW_MS: Final = 80


class CoverageStrip(QtWidgets.QToolBar):
    """Always there, so that nobody looks for it.

    Signals:
        acknowledged(): all present alarms were seen.
        guard_requested(str, str): account and contract whose lots are to be put under guard.
        flatten_requested(str): close everything in this contract; already confirmed.
        command_requested(ConditionCommand): guard again what is held unguarded.
        start_requested(): start the processes that watch the stops.
        start_again_requested(): start those that died too often.
    """

    acknowledged = QtCore.Signal()
    guard_requested = QtCore.Signal(str, str)
    flatten_requested = QtCore.Signal(str)
    command_requested = QtCore.Signal(object)
    start_requested = QtCore.Signal()
    start_again_requested = QtCore.Signal()

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("coverage")
        self.setMovable(False)
        self.toggleViewAction().setVisible(False)
        self.setContextMenuPolicy(QtCore.Qt.ContextMenuPolicy.PreventContextMenu)
        self._theme = DARK
        self.rows: dict[Key, CoverageRow] = {}
        self._loud: Collection[Key] = ()
        self._is_logged_in = False
        self._may_start_again = False
        self._silent_s: float | None = None
        self.quiet = QtWidgets.QLabel()
        self.quiet.setFixedHeight(ROW_HEIGHT)
        self.quiet.setIndent(12)
        content = QtWidgets.QWidget()
        content.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self._box = QtWidgets.QVBoxLayout(content)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(1)
        self._box.addWidget(self.quiet)
        self.addWidget(content)
        self._glow = QtCore.QTimer(self)
        self._glow.setInterval(_GLOW_MS)
        self._glow.timeout.connect(self._on_glow)
        self._show_quiet()

    def set_logged_in(self, is_logged_in: bool) -> None:
        """Whether there is a login at all."""
        self._is_logged_in = is_logged_in
        self._show_quiet()

    def set_may_start_again(self, may_start_again: bool) -> None:
        """Whether a process that guards waits for a person to start it again."""
        self._may_start_again = may_start_again

    def show_holdings(
        self,
        holdings: Sequence[Holding],
        conditions: Mapping[str, Condition],
        *,
        silent_s: float | None,
        loud: Collection[Key] = (),
        may_start: bool = True,
    ) -> None:
        """Shows what is known now.

        Args:
            holdings: the held contracts.
            conditions: by id.
            silent_s: age of the gateway's last sign of life, None = never heard.
            loud: contracts whose alarm waits for a person.
            may_start: trading is stopped, so that it can be started from here.
        """
        remedies = Remedies(acknowledge=False, start=may_start, again=self._may_start_again)
        self._loud, self._silent_s = loud, silent_s
        for key in self.rows.keys() - {holding.key for holding in holdings}:
            gone = self.rows.pop(key)
            self._box.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        for holding in holdings:
            shown = self.rows.get(holding.key) or self._new_row(holding)
            shown.show_holding(holding, conditions, replace(remedies, acknowledge=holding.key in loud))
        self._show_quiet()
        if loud and not self._glow.isActive():
            self._glow.start()
        elif not loud:
            self._glow.stop()
            self._shine(1.0)

    def set_theme(self, theme: Theme) -> None:
        """Colours."""
        self._theme = theme
        for shown in self.rows.values():
            shown.set_theme(theme)

    def changeEvent(self, event: QtCore.QEvent) -> None:
        """Follows the language."""
        if event.type() is QtCore.QEvent.Type.LanguageChange:
            for shown in self.rows.values():
                shown.retranslate()
            self._show_quiet()
        super().changeEvent(event)

    def hideEvent(self, event: QtGui.QHideEvent) -> None:
        """Nobody looks: no timer."""
        self._glow.stop()
        super().hideEvent(event)

    def _new_row(self, holding: Holding) -> CoverageRow:
        shown = CoverageRow()
        shown.set_theme(self._theme)
        account, symbol = holding.key
        shown.acknowledged.connect(self.acknowledged)
        shown.guard_requested.connect(lambda: self.guard_requested.emit(account, symbol))
        shown.rearm_requested.connect(self._on_rearm)
        shown.start_requested.connect(self.start_requested)
        shown.start_again_requested.connect(self.start_again_requested)
        shown.flatten_requested.connect(lambda: self._on_flatten(account, symbol))
        self.rows[holding.key] = shown
        self._box.addWidget(shown)
        return shown

    def _show_quiet(self) -> None:
        is_deaf = self._is_logged_in and (self._silent_s is None or self._silent_s > SILENCE_S)
        if not self._is_logged_in:
            text = self.tr("No position: not logged in.")
        elif not is_deaf:
            text = self.tr("No position.")
        elif self._silent_s is None:
            text = self.tr("Positions unknown: nothing heard from the gateway yet.")
        else:
            age = formats.age(round(self._silent_s * NS_PER_S))
            text = self.tr("Positions unknown: the gateway was last heard {age} ago.").format(age=age)
        self.quiet.setText(text)
        set_tone(self.quiet, "warning" if is_deaf else "muted")
        self.quiet.setVisible(not self.rows)

    def _on_glow(self) -> None:
        self._shine(glow_at(time.monotonic()))

    def _shine(self, share: float) -> None:
        for key, shown in self.rows.items():
            shown.glow(share if key in self._loud else 1.0)

    def _on_rearm(self, condition_id: str) -> None:
        self.command_requested.emit(ConditionCommand(action=ConditionAction.ARM, condition_id=condition_id))

    def _on_flatten(self, account: str, symbol: str) -> None:
        held = self.rows[account, symbol].holding
        if held is not None:
            lots = abs(held.coverage.net)
            ask_flatten(self.window(), symbol, lots, lambda: self.flatten_requested.emit(symbol))
