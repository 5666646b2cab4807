"""Where the store's files lie and how a day's segments are replaced: all of them, or none.

A segment is an immutable Parquet file, ``days/<trade date>/<kind>-<source>.<generation>.parquet``, that any
program may read; what replaces it has another name. Each source has one writer, who holds its lock.
"""

import contextlib
import itertools
import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Final

import filelock

from engine.errors import StoreError


class Kind(StrEnum):
    """What a segment holds."""

    TICKS = "ticks"
    """Prints of outright contracts."""
    SPREADS = "spreads"
    """Prints of calendar spreads; they are no outright trades and enter no bar."""
    BARS = "bars"
    """1-minute bars of outright contracts."""
    BOOKS = "books"


class Source(StrEnum):
    """Where rows come from; where two sources lie level, the earlier one is preferred."""

    LIVE = "live"
    """Recorded from the feed."""
    TAIFEX = "taifex"
    """The exchange's daily file."""
    MINUTES = "minutes"
    """A file of 1-minute bars."""


_SEGMENT: Final = re.compile(rf"({'|'.join(Kind)})-({'|'.join(Source)})\.(\d+)\.parquet", re.ASCII)


@dataclass(frozen=True, slots=True)
class Segment:
    """One immutable file of a closed day."""

    trade_date: date
    kind: Kind
    source: Source
    path: Path


class StoreFolder:
    """The folder of a market store.

    Args:
        path: the folder; made when something is written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.days: Final = path / "days"
        self.live: Final = path / "live.duckdb"

    def temporary(self, source: Source) -> Path:
        """Where the writer of a source puts what it needs only while it works; removed when it ends or begins."""
        return self.path / "tmp" / source

    def day(self, trade_date: date) -> Path:
        """The folder of a trade date."""
        return self.days / trade_date.isoformat()

    def segment(self, trade_date: date, kind: Kind, source: Source) -> Path | None:
        """The file of that segment, None where there is none."""
        found = self._files(trade_date).get((kind, source))
        return max(found)[1] if found else None

    def trade_dates(self) -> list[date]:
        """The days that have a folder, in order."""
        try:
            names = [entry.name for entry in os.scandir(self.days) if entry.is_dir()]
        except FileNotFoundError:
            return []
        return sorted(day for name in names if (day := _date(name)) is not None)

    def segments(
        self, *kinds: Kind, first: date = date.min, last: date = date.max, source: Source | None = None
    ) -> list[Segment]:
        """The segments of trade dates from ``first`` to ``last``, both included, by date and preference."""
        sources = list(Source) if source is None else [source]
        found = []
        for day in self.trade_dates():
            if first <= day <= last:
                files = self._files(day)
                for key in itertools.product(kinds or Kind, sources):
                    if generations := files.get(key):
                        found.append(Segment(day, *key, max(generations)[1]))
        return found

    def generations(self, trade_date: date, kind: Kind, source: Source) -> list[tuple[int, Path]]:
        """All files of a segment, the newest last; those before it are on their way out."""
        return sorted(self._files(trade_date).get((kind, source), []))

    def _files(self, trade_date: date) -> dict[tuple[Kind, Source], list[tuple[int, Path]]]:
        found: dict[tuple[Kind, Source], list[tuple[int, Path]]] = {}
        day = self.day(trade_date)
        try:
            names = os.listdir(day)
        except FileNotFoundError:
            return found
        for name in names:
            if match := _SEGMENT.fullmatch(name):
                key = Kind(match[1]), Source(match[2])
                found.setdefault(key, []).append((int(match[3]), day / name))
        return found

    @contextlib.contextmanager
    def writing(self, *sources: Source, wait_s: float = 0.0) -> Iterator[None]:
        """Holds the right to write segments of these sources; mends what a killed writer left.

        Args:
            sources: which.
            wait_s: how long to wait for a process that holds it, seconds.

        Raises:
            StoreError: another process holds it, or the folder cannot be written.
        """
        with contextlib.ExitStack() as held:
            for source in sources:
                held.enter_context(_lock(self.path / f"{source}.lock", wait_s))
                self._clear(source)
                held.callback(self._clear, source)
                self._mend(source)
            yield

    def _clear(self, source: Source) -> None:
        shutil.rmtree(self.temporary(source), ignore_errors=True)
        with contextlib.suppress(OSError):
            self.temporary(source).parent.rmdir()  # only an empty folder can be removed

    def _mend(self, source: Source) -> None:
        together = DaysTogether(self, source)
        is_decided = together.journal.exists()
        for day in self.trade_dates():
            staged = StagedDay(self, day, source)
            if is_decided or staged.journal.exists():
                staged.finish()  # of a day without new files: nothing but what was replaced goes
            else:
                staged.discard()
                staged.remove_old()
        for path in (together.journal, together.journal.with_suffix(".new")):
            path.unlink(missing_ok=True)


class StagedDay:
    """New segments of one trade date and source, which take effect together.

    The files are complete on disk before a journal says so; with the journal the change has happened, and
    whoever writes next finishes the renames that are still to be made.

    Args:
        folder: the store's folder.
        trade_date: the day.
        source: whose segments; its lock must be held.
    """

    def __init__(self, folder: StoreFolder, trade_date: date, source: Source) -> None:
        self._folder = folder
        self._trade_date = trade_date
        self._source = source
        self._day = folder.day(trade_date)
        self.journal: Final = self._day / f"swap-{source}.json"

    def path(self, kind: Kind) -> Path:
        """Where to write the new segment of a kind."""
        self._day.mkdir(parents=True, exist_ok=True)
        return self._new(kind)

    def _new(self, kind: Kind) -> Path:
        return self._day / f"{kind}-{self._source}.parquet.new"

    def commit(self) -> None:
        """Makes the written files the day's segments; durable when it returns."""
        _journal(self.journal, self.settle())
        self.finish()

    def settle(self) -> list[Kind]:
        """Waits until the disk has the written files; returns their kinds."""
        written = [kind for kind in Kind if self._new(kind).exists()]
        for kind in written:
            sync(self.path(kind))
        sync_folder(self._day)
        return written

    def finish(self) -> None:
        """Makes the renames that are still to be made after the journal was written."""
        for kind in Kind:
            new = self._new(kind)
            if new.exists():
                generation = max((number for number, _ in self._generations(kind)), default=0) + 1
                new.replace(self._day / f"{kind}-{self._source}.{generation}.parquet")
        sync_folder(self._day)
        self.remove_old()
        self.journal.unlink(missing_ok=True)

    def remove_old(self) -> None:
        """Removes what was replaced; a file that a program on Windows still reads goes the next time."""
        for kind in Kind:
            for _, path in self._generations(kind)[:-1]:
                with contextlib.suppress(PermissionError):
                    path.unlink(missing_ok=True)

    def _generations(self, kind: Kind) -> list[tuple[int, Path]]:
        return self._folder.generations(self._trade_date, kind, self._source)

    def discard(self) -> None:
        """Removes what was written and not committed; a folder in which nothing was may be another writer's."""
        written = [self._new(kind) for kind in Kind] + [self.journal.with_suffix(".new")]
        found = [path for path in written if path.exists()]
        for path in found:
            path.unlink()
        if found:
            with contextlib.suppress(OSError):
                self._day.rmdir()  # only an empty folder can be removed


class DaysTogether:
    """New segments of many trade dates of one source, which take effect together: all of them, or none.

    Args:
        folder: the store's folder.
        source: whose segments; its lock must be held.
    """

    def __init__(self, folder: StoreFolder, source: Source) -> None:
        self._folder = folder
        self._source = source
        self._days: list[StagedDay] = []
        self.journal: Final = folder.path / f"swap-{source}.json"

    def __enter__(self) -> "DaysTogether":
        return self

    def __exit__(self, *args: object) -> None:
        """Removes what was not committed."""
        if not self.journal.exists():
            for staged in self._days:
                staged.discard()

    def day(self, trade_date: date) -> StagedDay:
        """Where to write the new segments of one more trade date."""
        self._days.append(StagedDay(self._folder, trade_date, self._source))
        return self._days[-1]

    def commit(self) -> None:
        """Makes the written files the segments of their days; durable when it returns."""
        for staged in self._days:
            staged.settle()
        _journal(self.journal, [])
        for staged in self._days:
            staged.finish()
        self._days.clear()
        self.journal.unlink()


def _journal(path: Path, content: list[Kind]) -> None:
    partial = path.with_suffix(".new")
    partial.write_text(json.dumps(content), encoding="ascii")
    sync(partial)
    partial.replace(path)
    sync_folder(path.parent)


def sync(path: Path) -> None:
    """Waits until the disk has the file."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Waits until the disk has the folder's entries; Windows has no such call and orders them itself."""
    if sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def bytes_of(paths: Iterable[Path]) -> int:
    """How much disk the files use; one that has just gone counts nothing."""
    total = 0
    for path in paths:
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size
    return total


@contextlib.contextmanager
def _lock(path: Path, wait_s: float) -> Iterator[None]:
    owner = path.with_suffix(".owner")
    lock = filelock.FileLock(path, timeout=wait_s, thread_local=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        raise StoreError(f"{path.parent}: {_holder(owner)} is writing there; wait until it has ended.") from None
    except OSError as error:
        raise StoreError(f"{path.parent}: the store cannot be written: {error.strerror or error}.") from error
    try:
        owner.write_text(str(os.getpid()), encoding="ascii")
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


def _holder(owner: Path) -> str:
    try:
        return f"process {owner.read_text(encoding='ascii')}"
    except OSError:
        return "another process"


def _date(name: str) -> date | None:
    try:
        return date.fromisoformat(name)
    except ValueError:
        return None
