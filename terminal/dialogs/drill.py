"""The fire drill: breaks everything on the simulated exchange and shows whether all promises held."""

import random
from typing import Final

from PySide6 import QtCore, QtWidgets

from engine.drill.results import FaultResult, Progress, Report
from terminal.models.drill import FAULT_COLUMNS, report_text
from terminal.models.table import TableModel
from terminal.theme import Theme, mixed
from terminal.widgets.dock import row, set_tone
from terminal.widgets.exit_fields import points_edit
from terminal.widgets.table import Table

RUNS: Final = 25
"""Each fault class about once: a minute or so."""
_MOST_RUNS: Final = 500
_MOST_SEEDS: Final = 1_000_000


class DrillDialog(QtWidgets.QDialog):
    """Starts a drill, shows its progress and its card. Not modal.

    Signals:
        start_requested(int, int): number of runs and seed.
        stop_requested(): end it early; also when the dialog is closed.
    """

    start_requested = QtCore.Signal(int, int)
    stop_requested = QtCore.Signal()

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme: Theme | None = None
        self._is_running = self._is_told = False
        self._seed = 0
        self.runs = points_edit(1, RUNS, most=_MOST_RUNS)
        self.seed = points_edit(1, 1, most=_MOST_SEEDS)
        self.start_button, self.stop_button = QtWidgets.QPushButton(), QtWidgets.QPushButton()
        self.progress = QtWidgets.QProgressBar()
        self.model: TableModel[FaultResult] = TableModel(FAULT_COLUMNS, lambda r: r.name, self)
        self.table = Table(self.model)
        self.card, self.verdict, self.story = QtWidgets.QFrame(), QtWidgets.QLabel(), QtWidgets.QLabel()
        self._note = QtWidgets.QLabel()
        self._labels = (QtWidgets.QLabel(), QtWidgets.QLabel())
        self._lay_out()
        self.start_button.clicked.connect(self._on_start)
        self.stop_button.clicked.connect(self._on_stop)
        self.rejected.connect(self._on_stop)
        self.seed.setValue(random.randrange(1, _MOST_SEEDS))
        self.retranslate()
        self._enable()

    @QtCore.Slot(object)
    def take(self, told: object) -> None:
        """What the drill tells: progress, its report, or a sentence where it could not be run."""
        if isinstance(told, Progress):
            self.model.put(told.result)
            self.progress.setMaximum(told.runs)
            self.progress.setValue(told.run)
        elif isinstance(told, Report):
            self._show_report(told)
        else:
            self._show_card("error", self.tr("The drill could not be run."), str(told))

    @QtCore.Slot()
    def on_ended(self) -> None:
        """The drill's process is gone."""
        if self._is_running and not self._is_told:
            self._show_card("warning", self.tr("Ended early: nothing is proven."), "")
        self._is_running = False
        self._enable()

    def set_theme(self, theme: Theme) -> None:
        """Colours."""
        self._theme = theme
        self.model.set_theme(theme)

    def retranslate(self) -> None:
        """Texts in the present language."""
        self.setWindowTitle(self.tr("Fire drill"))
        self._note.setText(
            self.tr(
                "Processes are killed and frozen, answers lost, links cut and the disk filled, on a simulated "
                "exchange of its own: real processes, no real order. Afterwards the exchange's own books say "
                "whether every order, fill and guard is as it should be. Your own session goes on meanwhile."
            )
        )
        self._labels[0].setText(self.tr("Runs"))
        self._labels[1].setText(self.tr("Seed"))
        self._labels[1].setToolTip(self.tr("The same seed makes the same faults at the same moments"))
        self.start_button.setText(self.tr("Start the drill"))
        self.stop_button.setText(self.tr("Stop"))
        self.table.set_empty_text(self.tr("Each kind of fault gets a line here once it was tried."))
        self.model.retranslate()
        self.table.fit_columns()

    def changeEvent(self, event: QtCore.QEvent) -> None:
        """Follows the language."""
        if event.type() is QtCore.QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _lay_out(self) -> None:
        self._note.setWordWrap(True)
        set_tone(self._note, "muted")
        set_tone(self.start_button, "accent")
        for label in self._labels:
            set_tone(label, "muted")
        self.progress.setTextVisible(False)
        self.progress.setMaximumHeight(8)
        bold = self.verdict.font()
        bold.setBold(True)
        bold.setPointSize(bold.pointSize() + 3)
        self.verdict.setFont(bold)
        self.story.setWordWrap(True)
        self.story.setTextInteractionFlags(QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
        inner = QtWidgets.QVBoxLayout(self.card)
        inner.addWidget(self.verdict)
        inner.addWidget(self.story)
        self.card.setObjectName("card")
        self.card.hide()
        fields = (self._labels[0], self.runs, self._labels[1], self.seed)
        box = QtWidgets.QVBoxLayout(self)
        box.setContentsMargins(16, 16, 16, 16)
        box.setSpacing(10)
        box.addWidget(self._note)
        box.addLayout(row(*fields, None, self.stop_button, self.start_button, margin=0, spacing=8))
        box.addWidget(self.progress)
        box.addWidget(self.table, 1)
        box.addWidget(self.card)
        self.resize(840, 720)

    def _enable(self) -> None:
        for part in (self.runs, self.seed, self.start_button):
            part.setEnabled(not self._is_running)
        self.stop_button.setEnabled(self._is_running)

    def _on_start(self) -> None:
        self.model.set_rows(())
        self.card.hide()
        self._is_running, self._is_told = True, False
        self._seed = self.seed.value()
        self.progress.setMaximum(0)  # busy until the first run has ended
        self._enable()
        self.start_requested.emit(self.runs.value(), self._seed)

    def _on_stop(self) -> None:
        if self._is_running:
            self.stop_button.setEnabled(False)
            self.stop_requested.emit()

    def _show_report(self, report: Report) -> None:
        self.model.set_rows([result for result in report.faults if result.tried])
        story = report_text(report)
        if report.is_passed:
            self._show_card("ok", self.tr("PASSED: every promise held."), story)
            return
        again = self.tr("Repeat it with seed {seed}; run {run} broke it. The ledger: {path}").format(
            seed=report.seed, run=report.run, path=report.ledger
        )
        self._show_card("error", self.tr("FAILED: a promise was broken."), f"{report.broken}\n{again}\n\n{story}")

    def _show_card(self, tone: str, verdict: str, story: str) -> None:
        self._is_told = True
        self.progress.setMaximum(max(self.progress.maximum(), 1))
        self.verdict.setText(f"{'✓' if tone == 'ok' else '✗' if tone == 'error' else '■'}  {verdict}")
        set_tone(self.verdict, tone)
        self.story.setText(story)
        self.story.setVisible(bool(story))
        if self._theme is not None:
            colour = getattr(self._theme, tone)
            ground = mixed(colour, self._theme.base, 0.14)
            frame = f"border: 2px solid {colour}; border-radius: 4px;"
            self.card.setStyleSheet(f"#card {{ background: {ground}; {frame} }}")
        self.card.show()
