"""Who may write a ledger: one program at a time; and how a damaged one is put out of the way.

The lock is the operating system's, on a file of its own beside the ledger: it ends with the process that holds it,
however that ends, and readers of the ledger need none.
"""

import contextlib
import os
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from engine.errors import LedgerError
from engine.gateway.ledger_schema import stamp, unused

_PARTS: Final = ("", "-wal", "-shm")
"""What SQLite appends to the name of a database."""
_UNWRITTEN: Final = "unwritten"
"""Stands behind the process id while facts wait that could not be written."""


class LedgerLock:
    """The right to write one ledger, held until :meth:`release` or the end of the process.

    Args:
        path: the ledger file; its folder is created if missing.

    Raises:
        LedgerError: another program holds it, or the lock file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._holder = path.with_name(path.name + ".holder")
        # A soft lock would outlive the process that held it; where the system has no lock, nothing is opened.
        self._lock = FileLock(path.with_name(path.name + ".lock"), thread_local=False, fallback_to_soft=False)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(blocking=False)
            self.was_unwritten = _UNWRITTEN in self._before()
            """The program that held it last ended while it could not write all that had happened."""
            self.note(self.was_unwritten)
        except Timeout as error:
            raise LedgerError(
                f"{path}: another terminal{self._other()} holds this ledger; close that one first"
            ) from error
        except OSError as error:
            self._lock.release()
            raise LedgerError(f"{path}: the ledger cannot be opened: its lock: {error}") from error

    def note(self, is_unwritten: bool) -> None:
        """Keeps beside the ledger whether facts wait that could not be written, for whoever opens it next."""
        self._is_unwritten = is_unwritten
        self._holder.write_text(f"{os.getpid()} {_UNWRITTEN if is_unwritten else ''}".strip(), encoding="ascii")

    def _before(self) -> str:
        with contextlib.suppress(OSError, ValueError):
            return self._holder.read_text(encoding="ascii")
        return ""

    def _other(self) -> str:
        """The process that holds the lock, where it can be told."""
        with contextlib.suppress(ValueError, IndexError):
            return f" (process {int(self._before().split()[0])})"
        return ""

    def release(self) -> None:
        """Lets another program open the ledger; doing so twice is fine."""
        if self._lock.is_locked:
            if not self._is_unwritten:
                with contextlib.suppress(OSError):
                    self._holder.unlink(missing_ok=True)
            self._lock.release()


def set_aside(path: Path) -> Path:
    """Renames a damaged ledger with all its parts, so that a new one can begin; nothing in it is changed.

    Args:
        path: the ledger file.

    Returns:
        The file's new path, ``<name>.damaged-<UTC time>``.

    Raises:
        LedgerError: another program holds it, there is none, or it cannot be renamed.
    """
    target = unused(path.with_name(f"{path.name}.damaged-{stamp()}"))
    lock = LedgerLock(path)
    try:
        found = [part for part in _PARTS if path.with_name(path.name + part).exists()]
        if not found:
            raise LedgerError(f"{path}: there is no ledger to set aside")
        for part in found:  # the file first: while parts of it are left behind, no ledger opens there
            path.with_name(path.name + part).rename(target.with_name(target.name + part))
    except OSError as error:
        raise LedgerError(f"{path}: cannot be set aside: {error}. Rename it by hand") from error
    finally:
        lock.release()
    return target


def is_left_behind(path: Path) -> bool:
    """Whether a journal lies there whose ledger is gone: SQLite would delete it with the first look."""
    journal = path.with_name(path.name + "-wal")
    return not path.exists() and journal.exists() and journal.stat().st_size > 0
