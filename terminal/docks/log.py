"""What the processes log, in a rolling buffer."""

from collections.abc import Iterable
from typing import Final

from PySide6 import QtWidgets

from engine.wire.messages import LogLine
from terminal import i18n
from terminal.models.logs import LEVELS, LOG_COLUMNS, LogFilter, NumberedLine
from terminal.models.table import TableModel
from terminal.theme import Theme
from terminal.widgets.dock import Dock, row
from terminal.widgets.table import Table

KEPT: Final = 2_000
"""Lines kept; the oldest are dropped."""


class LogDock(Dock):
    """Log lines of all processes with a filter by level and text.

    Signals:
        none: it only shows.
    """

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__("log", parent)
        self._count = 0
        self.model: TableModel[NumberedLine] = TableModel(LOG_COLUMNS, lambda n: n.key, self)
        self.filter = LogFilter(self.model)
        self.table = Table(self.model, sort_by="time", proxy=self.filter)
        self.level = QtWidgets.QComboBox()
        for code in LEVELS:
            self.level.addItem("", code)
        self.level.setCurrentIndex(self.level.findData("info"))
        self.text = QtWidgets.QLineEdit()
        self.text.setClearButtonEnabled(True)
        self.text.setMaximumWidth(320)
        self.clear_button = QtWidgets.QPushButton()
        self.place(row(self.level, self.text, None, self.clear_button), self.table)
        self.level.currentIndexChanged.connect(self._on_filter_changed)
        self.text.textChanged.connect(self._on_filter_changed)
        self.clear_button.clicked.connect(lambda: self.model.set_rows(()))
        self.retranslate()

    def add_lines(self, lines: Iterable[LogLine]) -> None:
        """A batch of lines in their order; the view follows where it stood at the end."""
        bar = self.table.verticalScrollBar()
        is_at_end = bar.value() >= bar.maximum() - 1
        numbered = []
        for line in lines:
            self._count += 1
            numbered.append(NumberedLine(number=self._count, line=line))
        self.model.extend(numbered[-KEPT:])
        self.model.keep_last(KEPT)
        if is_at_end:
            self.table.scrollToBottom()

    def add_line(self, line: LogLine) -> None:
        """One line."""
        self.add_lines((line,))

    def set_theme(self, theme: Theme) -> None:
        """Colours of the levels."""
        super().set_theme(theme)
        self.model.set_theme(theme)

    def retranslate(self) -> None:
        """Texts in the present language."""
        self.setWindowTitle(self.tr("Log"))
        for at, code in enumerate(LEVELS):
            self.level.setItemText(at, i18n.level_text(code))
        self.level.setToolTip(self.tr("Lightest level to show"))
        self.text.setPlaceholderText(self.tr("Filter by text"))
        self.clear_button.setText(self.tr("Clear"))
        self.table.set_empty_text(self.tr("Nothing logged that the filter lets through."))
        self.model.retranslate()
        self.table.fit_columns()

    def _on_filter_changed(self) -> None:
        self.filter.set_filter(self.level.currentData(), self.text.text())
