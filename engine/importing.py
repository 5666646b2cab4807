"""Imports market data for a window, in a process of its own that tells its progress and can be stopped.

A process, because reading files costs whole seconds of a processor, and the one that runs the gateway must not
lose them. What is imported how is :mod:`engine.storage.importing`; the command line is :mod:`engine.storing`.
"""

import signal
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Final

import psutil

from engine import logs
from engine.errors import EngineError
from engine.formats.minutes import MinuteConvention
from engine.model.session import TradingCalendar
from engine.storage.imported import FileImport

if TYPE_CHECKING:  # the window loads this module, and no database with it
    from engine.storage.importing import ImportProgress

log = logs.get(__name__)

_NICE: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOrder:
    """What to import.

    Attributes:
        paths: files, and folders of them.
        store: folder of the market store.
        calendar: tells the sessions.
        minutes: the files are 1-minute bars with this convention; None = they are the exchange's daily files.
        logs: folder of the logs.
    """

    paths: tuple[Path, ...]
    store: Path
    calendar: TradingCalendar
    minutes: MinuteConvention | None
    logs: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesFound:
    """The files that are imported now, one after the other."""

    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileInWork:
    """How far a file is.

    Attributes:
        path: the file.
        share: of it, from 0 to 1.
        share_of_all: of all files.
    """

    path: Path
    share: float
    share_of_all: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEnded:
    """What became of a file.

    Attributes:
        path: the file.
        result: what it gave; None where it was refused.
        refusal: why, in a sentence that names file, line and reason; nothing of it is in the store then.
    """

    path: Path
    result: FileImport | None
    refusal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportEnded:
    """All files were tried, or the rest was given up."""

    is_cancelled: bool


def import_for_window(order: ImportOrder, pipe: Connection) -> None:
    """Entry point of a process that a window starts.

    Sends :class:`FilesFound`, then :class:`FileInWork` and :class:`FileEnded` for each file and at last
    :class:`ImportEnded`, or a sentence where the store cannot be written. Whatever comes through the pipe, and its
    closing, stops the import: the file in work changes nothing then.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logs.configure(order.logs, "import")
    _give_way()
    window = _Window(pipe)
    try:
        window.tell(_outcome(order, window))
    except _NobodyListens:
        log.info("the window is gone, and the import ends")
    finally:
        logs.close()


def _outcome(order: ImportOrder, window: "_Window") -> "ImportEnded | str":
    try:
        return _Import(order, window).run()
    except EngineError as error:
        return str(error)
    except _NobodyListens:
        raise
    except Exception as error:
        log.exception("an import failed")
        return f"The import failed ({type(error).__name__}): see its log in {order.logs}."


class _NobodyListens(Exception):
    pass


class _Window:
    """The other end of the pipe."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def tell(self, what: object) -> None:
        try:
            self._pipe.send(what)
        except OSError:
            raise _NobodyListens from None

    def wants_no_more(self) -> bool:
        try:
            return self._pipe.poll()
        except OSError:
            raise _NobodyListens from None


def _give_way() -> None:
    """Whatever trades goes first."""
    psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS if psutil.WINDOWS else _NICE)


class _Import:
    def __init__(self, order: ImportOrder, window: _Window) -> None:
        self._order, self._window = order, window

    def run(self) -> ImportEnded:
        """Imports file by file."""
        from engine.storage.importing import find_files, import_files
        from engine.storage.layout import StoreFolder

        order = self._order
        found = find_files(order.paths, minutes=order.minutes is not None)
        files = list(dict.fromkeys(found))  # a folder may hold a file that is named too
        self._window.tell(FilesFound(paths=tuple(files)))
        summary = import_files(
            StoreFolder(order.store),
            files,
            order.calendar,
            minutes=order.minutes,
            on_progress=self._show,
            on_file=self._tell,
            is_cancelled=self._window.wants_no_more,
        )
        return ImportEnded(is_cancelled=summary.is_cancelled)

    def _show(self, progress: "ImportProgress") -> None:
        share = progress.share_of_file
        self._window.tell(FileInWork(path=progress.path, share=share, share_of_all=progress.share))

    def _tell(self, path: Path, outcome: FileImport | str) -> None:
        if isinstance(outcome, str):
            self._window.tell(FileEnded(path=path, result=None, refusal=outcome))
        else:
            self._window.tell(FileEnded(path=path, result=outcome))
