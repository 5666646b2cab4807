"""What has come and waits for the store's writer: in the spool's files, and in memory.

Filled by the receive loop, emptied by the writer; neither waits for the other beyond the spool's one system call.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from engine import logs
from engine.model.tick import Book, Tick
from engine.storage.spool import Spool

log = logs.get(__name__)

_MANY: Final = 20_000
"""Rows that are written before their time has come."""


@dataclass(slots=True)
class Batch:
    """Rows on their way to the live file.

    Attributes:
        run: when the gateway that numbered them began, ns UTC.
        ticks: prints.
        books: books.
        began: when the first of them came, monotonic seconds.
        spool: the file that holds them too.
        is_damaged: that file holds something else besides and is kept.
        refused: rows that can never be written.
        unwritten: rows that are not written yet; None = none is.
    """

    run: int
    ticks: list[Tick] = field(default_factory=list)
    books: list[Book] = field(default_factory=list)
    began: float = 0.0
    spool: Path | None = None
    is_damaged: bool = False
    refused: int = 0
    unwritten: int | None = None

    @property
    def pending(self) -> int:
        """How many are not written."""
        return self.rows if self.unwritten is None else self.unwritten

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.ticks) + len(self.books)


class Backlog:
    """What has come and is not given to the writer yet; filled by the receive loop, emptied by the writer.

    Args:
        spool: where it is kept meanwhile.
    """

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._lock = threading.Lock()
        self._open = Batch(0)
        self.is_much = threading.Event()
        """Set when more has come than is to wait."""
        self.trouble = ""
        """Why the spool could not be written, in a sentence."""

    def add(self, ticks: Sequence[Tick], books: Sequence[Book], run: int) -> None:
        """Keeps rows in the spool and in memory. Without room for the spool they are kept in memory alone."""
        with self._lock:
            try:
                self._spool.append(ticks, books, run)
                self.trouble = ""
            except OSError as error:
                if not self.trouble:
                    log.error("the spool cannot be written", error=str(error))
                self.trouble = f"The spool cannot be written ({error.strerror or error}): free some disk space."
            if not self._open.rows:
                self._open.began = time.monotonic()
            self._open.run = run
            self._open.ticks.extend(ticks)
            self._open.books.extend(books)
            if self._open.rows >= _MANY:
                self.is_much.set()

    def take(self) -> Batch:
        """Everything that has come since the last time."""
        with self._lock:
            taken, self._open = self._open, Batch(0)
            taken.spool = self._spool.rotate()
            self.is_much.clear()
        return taken

    @property
    def rows(self) -> int:
        """How many wait."""
        return self._open.rows

    @property
    def began(self) -> float:
        """When the oldest of them came, monotonic seconds; 0 = none waits."""
        return self._open.began if self._open.rows else 0.0
