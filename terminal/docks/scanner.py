"""What the scanner finds: contracts worth a look, the best first."""

from PySide6 import QtCore, QtWidgets

from engine.model.scan import ScanHit
from engine.wire.messages import ProcessState, ProcessStatus, ScanHits
from terminal.models.scanner import BEST, columns, hit_key
from terminal.models.table import TableModel
from terminal.theme import Theme
from terminal.widgets.dock import Dock
from terminal.widgets.score_bar import ScoreDelegate
from terminal.widgets.table import Table

_NODE = "scanner"


class ScannerDock(Dock):
    """Findings of the scanner; empty while it does not run.

    Signals:
        contract_activated(str): a person wants to see this contract (chart, book, ticket).
    """

    contract_activated = QtCore.Signal(str)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__("scanner", parent)
        self._now_ns = 0
        self._is_running = False
        self.model: TableModel[ScanHit] = TableModel(columns(lambda: self._now_ns), hit_key, self)
        self.table = Table(self.model, sort_by="score", descending=True)
        at = [column.key for column in self.model.columns].index("score")
        self._score = ScoreDelegate(self.model, BEST, self.table)
        self.table.setItemDelegateForColumn(at, self._score)
        self.place(self.table)
        self.table.row_activated.connect(self._on_row_activated)
        self.retranslate()

    @QtCore.Slot(object)
    def on_hits(self, found: ScanHits) -> None:
        """What stands out now; what is not among it does no longer."""
        self._set_running(True)
        keys = {hit_key(hit) for hit in found.hits}
        for hit in self.model.rows():
            if hit_key(hit) not in keys:
                self.model.remove(hit_key(hit))
        for hit in found.hits:
            self.model.put(hit)
        self._retitle()

    @QtCore.Slot(object)
    def on_process(self, status: ProcessStatus) -> None:
        """The supervisor's word on a process; that on the scanner counts."""
        if status.node == _NODE:
            self._set_running(status.state is ProcessState.READY)

    def set_now(self, now_ns: int) -> None:
        """The market's clock: ages grow by it."""
        self._now_ns = now_ns
        self.model.touch("age")

    def clear(self) -> None:
        """Nobody is logged in."""
        self._now_ns = 0
        self._set_running(False)

    def set_theme(self, theme: Theme) -> None:
        """Colours of the cells."""
        super().set_theme(theme)
        self._score.theme = theme
        self.model.set_theme(theme)

    def retranslate(self) -> None:
        """Texts in the present language."""
        self.model.retranslate()
        self.table.fit_columns()
        self._retitle()

    def _set_running(self, is_running: bool) -> None:
        self._is_running = is_running
        if not is_running:
            self.model.set_rows(())
        self._retitle()

    def _retitle(self) -> None:
        name, count = self.tr("Scanner"), len(self.model.rows())
        self.setWindowTitle(f"{name} ({count})" if count else name)
        calm, gone = self.tr("Nothing stands out now."), self.tr("The scanner does not run.")
        self.table.set_empty_text(calm if self._is_running else gone)

    def _on_row_activated(self, key: str) -> None:
        hit = self.model.get(key)
        if hit is not None:
            self.contract_activated.emit(hit.symbol)
