"""Rows, columns and filter of the table of log lines."""

from dataclasses import dataclass
from typing import Final

from PySide6 import QtCore

from engine.wire.messages import LogLine
from terminal import formats, i18n
from terminal.i18n import QT_TRANSLATE_NOOP
from terminal.models.table import LEFT, Column, TableModel

LEVELS: Final = ("debug", "info", "warning", "error", "critical")
"""Levels by weight, lightest first."""

_COLOURS: Final = {"debug": "muted", "warning": "warning", "error": "error", "critical": "error"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberedLine:
    """A log line with the order of its arrival."""

    number: int
    line: LogLine

    @property
    def key(self) -> str:
        """Its number as a text."""
        return str(self.number)

    @property
    def ids(self) -> str:
        """The ids it carries."""
        return " ".join(f"{name}={value}" for name, value in self.line.ids.items())


def weight(level: str) -> int:
    """Rank of a level; an unknown one counts as ``info``."""
    return LEVELS.index(level) if level in LEVELS else 1


def _colour(numbered: NumberedLine) -> str:
    return _COLOURS.get(numbered.line.level, "")


LOG_COLUMNS: Final[tuple[Column[NumberedLine], ...]] = (
    Column(
        key="time",
        title=QT_TRANSLATE_NOOP("Columns", "Time"),
        getter=lambda n: n.line.ts_event,
        formatter=formats.clock,
        sample="00:00:00.000",
        colour=lambda n: "muted",
        sort=lambda n: n.number,
    ),
    Column(
        key="level",
        title=QT_TRANSLATE_NOOP("Columns", "Level"),
        getter=lambda n: n.line.level,
        formatter=i18n.level_text,
        alignment=LEFT,
        sample="Warning",
        colour=_colour,
        sort=lambda n: weight(n.line.level),
    ),
    Column(
        key="node",
        title=QT_TRANSLATE_NOOP("Columns", "Process"),
        getter=lambda n: n.line.node,
        formatter=i18n.lamp_text,
        alignment=LEFT,
        sample="Strategy 10",
    ),
    Column(
        key="text",
        title=QT_TRANSLATE_NOOP("Columns", "Message"),
        getter=lambda n: n.line.text,
        alignment=LEFT,
        sample="M" * 42,
        colour=_colour,
        tip=lambda n: n.line.text,
    ),
    Column(
        key="ids",
        title=QT_TRANSLATE_NOOP("Columns", "Ids"),
        getter=lambda n: n.ids,
        alignment=LEFT,
        sample="M" * 16,
        colour=lambda n: "muted",
    ),
)


class LogFilter(QtCore.QSortFilterProxyModel):
    """Lets through lines of at least a level that contain a text."""

    def __init__(self, model: TableModel[NumberedLine]) -> None:
        super().__init__(model)
        self._lines = model
        self._least = weight("info")
        self._text = ""

    def set_filter(self, level: str, text: str) -> None:
        """The lightest level and the text, in any case, of lines to show."""
        self._least, self._text = weight(level), text.casefold()
        self.invalidate()

    def filterAcceptsRow(
        self, source_row: int, source_parent: QtCore.QModelIndex | QtCore.QPersistentModelIndex
    ) -> bool:
        """Whether a line is shown."""
        numbered = self._lines.row_at(self._lines.index(source_row, 0))
        line = numbered.line
        if weight(line.level) < self._least:
            return False
        return not self._text or self._text in f"{line.node} {line.text} {numbered.ids}".casefold()
