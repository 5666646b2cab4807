"""The files of an import as rows of a table, and what became of all of them in a few sentences."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from PySide6 import QtCore

from engine.storage.imported import FileImport
from terminal.i18n import QT_TRANSLATE_NOOP
from terminal.models.table import LEFT, Column


class ImportState(Enum):
    """How far a file is."""

    WAITING = "waiting"
    READING = "reading"
    DONE = "done"
    REFUSED = "refused"
    GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """A file that is to be imported, or was.

    Attributes:
        path: the file, or a folder of files that are not known yet.
        state: how far it is.
        share: of it that is read, from 0 to 1.
        result: what it gave, once it is done.
        refusal: why nothing of it was taken, in a sentence that names file, line and reason.
    """

    path: Path
    state: ImportState = ImportState.WAITING
    share: float = 0.0
    result: FileImport | None = None
    refusal: str = ""


def days_text(rows: Sequence[ImportRow]) -> str:
    """From which trade date to which."""
    days = sorted({day for row in rows if row.result for day in row.result.trade_dates})
    if not days:
        return ""
    return str(days[0]) if days[0] == days[-1] else f"{days[0]} – {days[-1]}"


def summary_text(rows: Sequence[ImportRow]) -> str:
    """Figures of what was imported, then a sentence for each file that was refused."""
    done = [row.result for row in rows if row.result is not None]
    sentences = []
    if done:
        sentences.append(
            _tr(_FIGURES).format(
                days=days_text(rows),
                rows=f"{sum(item.rows for item in done):,}",
                new=f"{sum(item.written - item.replaced for item in done):,}",
                old=f"{sum(item.rows - item.written for item in done):,}",
                replaced=f"{sum(item.replaced for item in done):,}",
            )
        )
    if any(item.kept for item in done):
        sentences.append(_tr(_KEPT))
    return "\n".join([*sentences, *(row.refusal for row in rows if row.refusal)])


def _tr(text: str) -> str:
    return QtCore.QCoreApplication.translate("Import", text)


_STATES: Final = {
    ImportState.WAITING: QT_TRANSLATE_NOOP("Import", "Waiting"),
    ImportState.GIVEN_UP: QT_TRANSLATE_NOOP("Import", "Cancelled"),
}
_IMPORTED: Final = QT_TRANSLATE_NOOP("Import", "Imported")
_NOTHING_NEW: Final = QT_TRANSLATE_NOOP("Import", "Nothing new")
_KEPT: Final = QT_TRANSLATE_NOOP(
    "Import", "Where the store has more of a session than the file, the store's stays."
)
_FIGURES: Final = QT_TRANSLATE_NOOP(
    "Import",
    "Trade dates: {days}. Rows: {rows}, new {new}, already there {old}, replaced by a correction {replaced}.",
)


def _outcome(row: ImportRow) -> str:
    match row.state:
        case ImportState.READING:
            return f"{row.share:.0%}"
        case ImportState.REFUSED:
            return f"✗ {row.refusal.removeprefix(str(row.path)).lstrip(',: ')}"
        case ImportState.DONE:
            return f"✓ {_tr(_IMPORTED if row.result and row.result.is_change else _NOTHING_NEW)}"
    return _tr(_STATES[row.state])


def _tone(row: ImportRow) -> str:
    match row.state:
        case ImportState.REFUSED:
            return "error"
        case ImportState.DONE:
            return "ok" if row.result and row.result.is_change else "muted"
        case ImportState.READING:
            return "accent"
    return "muted"


def _figure(row: ImportRow, name: str) -> int | None:
    if row.result is None:
        return None
    return row.result.rows - row.result.written if name == "old" else int(getattr(row.result, name))


def _count(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


IMPORT_COLUMNS: Final[tuple[Column[ImportRow], ...]] = (
    Column(
        key="file",
        title=QT_TRANSLATE_NOOP("Columns", "File"),
        getter=lambda row: row.path.name or str(row.path),
        alignment=LEFT,
        sample="Daily_2024_11_05.night_only.zip",
        tip=lambda row: str(row.path),
    ),
    Column(
        key="days",
        title=QT_TRANSLATE_NOOP("Columns", "Trade dates"),
        getter=lambda row: days_text([row]),
        alignment=LEFT,
        sample="2024-11-05 – 2024",
    ),
    Column(
        key="rows",
        title=QT_TRANSLATE_NOOP("Columns", "Rows"),
        getter=lambda row: _figure(row, "rows"),
        formatter=_count,
        sample="0,000,000",
    ),
    Column(
        key="written",
        title=QT_TRANSLATE_NOOP("Columns", "New"),
        getter=lambda row: _figure(row, "written"),
        formatter=_count,
        sample="0,000,000",
    ),
    Column(
        key="old",
        title=QT_TRANSLATE_NOOP("Columns", "Already there"),
        getter=lambda row: _figure(row, "old"),
        formatter=_count,
        sample="0,000,000",
    ),
    Column(
        key="outcome",
        title=QT_TRANSLATE_NOOP("Columns", "Result"),
        getter=lambda row: row,
        formatter=_outcome,
        alignment=LEFT,
        sample="✗ line 1000: price has more decimals",
        colour=_tone,
        sort=lambda row: row.state.value,
        tip=lambda row: row.refusal,
    ),
)
