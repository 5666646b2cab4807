"""Imports many files, one after the other: finds them, tells progress, can be stopped, sums up.

A file is imported whole or not at all, so an import that was stopped or killed is simply begun again. A damaged
file does not keep the others out. What a file holds is :mod:`engine.storage.daily` and
:mod:`engine.storage.minutes`.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import duckdb

from engine.errors import DataFileError, StoreError
from engine.formats.minutes import MinuteConvention
from engine.model.session import TradingCalendar
from engine.storage.daily import import_daily
from engine.storage.imported import FileImport
from engine.storage.layout import Source, StoreFolder
from engine.storage.minutes import import_minutes

_DAILY: Final = re.compile(r"Daily_\d{4}_\d\d_\d\d.*\.(zip|csv)", re.IGNORECASE)
_MINUTES: Final = re.compile(r".*\.csv(\.gz)?", re.IGNORECASE)
_DELETION_S: Final = 2.0
"""How long an import waits for a recorder that is deleting old days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportProgress:
    """How far an import is.

    Attributes:
        path: the file in work.
        number: which of the files, from 1.
        files: how many there are.
        share_of_file: from 0 to 1.
    """

    path: Path
    number: int
    files: int
    share_of_file: float

    @property
    def share(self) -> float:
        """Of the whole, from 0 to 1."""
        return (self.number - 1 + self.share_of_file) / self.files


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSummary:
    """What an import did.

    Attributes:
        imported: the files that were read, in order, also those that changed nothing.
        refused: a sentence for each file that was not, naming file, line and reason.
        is_cancelled: whether it was stopped before its end.
    """

    imported: tuple[FileImport, ...] = field(default=())
    refused: tuple[str, ...] = ()
    is_cancelled: bool = False


class _Cancelled(Exception):
    pass


def find_files(paths: Iterable[Path], *, minutes: bool = False) -> list[Path]:
    """The files named, and of folders named those that could be imported, by name.

    Args:
        paths: files and folders.
        minutes: whether csv files of 1-minute bars are meant, and not the exchange's daily files.

    Raises:
        DataFileError: a path does not exist, or a folder holds no such file.
    """
    pattern, described = (_MINUTES, "csv file") if minutes else (_DAILY, "Daily_YYYY_MM_DD.zip or .csv")
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            files = sorted(item for item in path.iterdir() if pattern.fullmatch(item.name))
            if not files:
                raise DataFileError(f"{path}: holds no {described}.")
            found += files
        elif path.exists():
            found.append(path)
        else:
            raise DataFileError(f"{path}: there is no such file or folder.")
    return found


def import_files(
    folder: StoreFolder,
    paths: Iterable[Path],
    calendar: TradingCalendar,
    *,
    minutes: MinuteConvention | None = None,
    on_progress: Callable[[ImportProgress], None] = lambda progress: None,
    on_file: Callable[[Path, FileImport | str], None] = lambda path, outcome: None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> ImportSummary:
    """Imports files into the store; from the first file to the last nobody else changes what is imported there.

    Args:
        folder: the store.
        paths: files and folders.
        calendar: tells the sessions.
        minutes: the files are 1-minute bars with this convention; None = they are the exchange's daily files.
        on_progress: called on this thread several times a file.
        on_file: called after each file with what became of it: a sentence where it was refused.
        is_cancelled: asked as often; the file in work is given up then, those before it stay.

    Raises:
        DataFileError: a path names no file.
        StoreError: another process imports, or the store cannot be written.
    """
    files = find_files(paths, minutes=minutes is not None)
    imported: list[FileImport] = []
    refused: list[str] = []
    with folder.writing(Source.TAIFEX if minutes is None else Source.MINUTES, wait_s=_DELETION_S):
        for number, path in enumerate(files, 1):

            def step(done: float, path: Path = path, number: int = number) -> None:
                if done < 1.0 and is_cancelled():  # one that is stored is not given up
                    raise _Cancelled
                on_progress(ImportProgress(path=path, number=number, files=len(files), share_of_file=done))

            try:
                step(0.0)
                if minutes is None:
                    imported.append(import_daily(folder, path, calendar, on_step=step))
                else:
                    imported.append(import_minutes(folder, path, minutes, calendar, on_step=step))
                on_file(path, imported[-1])
            except DataFileError as error:
                refused.append(str(error))
                on_file(path, refused[-1])
            except (OSError, duckdb.Error) as error:
                raise StoreError(_unwritten(folder.path, path, error)) from error
            except _Cancelled:
                return ImportSummary(imported=tuple(imported), refused=tuple(refused), is_cancelled=True)
    return ImportSummary(imported=tuple(imported), refused=tuple(refused))


def _unwritten(store: Path, path: Path, error: Exception) -> str:
    reason = str(getattr(error, "strerror", None) or error).splitlines()[0].rstrip(".")
    return (
        f"{store}: {path.name} cannot be stored: {reason}. The store is as it was before this file; "
        "make room or free the folder, then begin the import again."
    )
