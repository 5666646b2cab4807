"""All fills, the latest first."""

from collections.abc import Iterable

from PySide6 import QtWidgets

from engine.model.order import Fill
from terminal.models.orders import FILL_COLUMNS, fill_key
from terminal.models.table import TableModel
from terminal.theme import Theme
from terminal.widgets.dock import Dock
from terminal.widgets.table import Table


class FillsDock(Dock):
    """All fills of the run.

    Signals:
        none: it only shows.
    """

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__("fills", parent)
        self.model: TableModel[Fill] = TableModel(FILL_COLUMNS, fill_key, self)
        self.table = Table(self.model, sort_by="time", descending=True)
        self.place(self.table)
        self.retranslate()

    def set_fills(self, fills: Iterable[Fill]) -> None:
        """Replaces all fills."""
        self.model.set_rows(fills)

    def add_fill(self, fill: Fill) -> None:
        """A new fill; one that is known already changes nothing."""
        self.model.put(fill)

    def set_theme(self, theme: Theme) -> None:
        """Colours of the sides."""
        super().set_theme(theme)
        self.model.set_theme(theme)

    def retranslate(self) -> None:
        """Texts in the present language."""
        self.setWindowTitle(self.tr("Fills"))
        self.table.set_empty_text(self.tr("No fills yet."))
        self.model.retranslate()
        self.table.fit_columns()
