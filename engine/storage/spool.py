"""Files that hold what was received until the live file has it: appended at once, removed after the flush.

A record is length, CRC-32 and the rows of one contract; written by one system call, without fsync, so that it
survives the death of the process, not that of the machine. A tail that is torn or zeros, as a loss of power leaves
it, ends a file without an error; what is damaged otherwise is skipped and said.
"""

import itertools
import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from engine import logs
from engine.model.tick import Book, Level, Tick

log = logs.get(__name__)

SUFFIX: Final = ".spool"
DAMAGED: Final = ".damaged"
_FRAME: Final = struct.Struct("<II")
_HEAD: Final = struct.Struct("<BqH")
"""Kind of the rows, run of the gateway, length of the symbol."""
_TICKS: Final = 1
_BOOKS: Final = 2
_TICK_FIELDS: Final = 7
_LEVELS: Final = 5
_BOOK_FIELDS: Final = 3 + 4 * _LEVELS
_LONGEST: Final = 64 * 1024 * 1024
"""Bytes of a record: what declares more is no record."""
_LIKE_A_BODY: Final = re.compile(rb"(?=[\x01\x02].{8}[\x01-\x40]\x00)", re.DOTALL)
"""How the rows of a record begin: kind, run, length of a symbol. The checksum decides."""


@dataclass(frozen=True, slots=True)
class SpooledRows:
    """The rows of one record.

    Attributes:
        run: when the gateway that numbered them began, ns UTC.
        ticks: prints of one contract.
        books: books of one contract.
    """

    run: int
    ticks: tuple[Tick, ...] = ()
    books: tuple[Book, ...] = ()


@dataclass(frozen=True, slots=True)
class SpoolContent:
    """What a file holds.

    Attributes:
        records: all that are whole, in their order.
        is_damaged: there is something else than records and a torn tail; the rows of it are not known.
    """

    records: tuple[SpooledRows, ...]
    is_damaged: bool = False


class Spool:
    """The file that is written, and those that a killed process left.

    Args:
        folder: where the files lie; made if missing.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.left: Final = sorted(folder.glob(f"*{SUFFIX}"))
        """Files of the process before, in the order of their making."""
        names = [*self.left, *folder.glob(f"*{DAMAGED}")]
        self._number = max((int(path.stem) for path in names if path.stem.isdigit()), default=0)
        self._file: BinaryIO | None = None
        self._size = 0

    def append(self, ticks: Sequence[Tick], books: Sequence[Book], run: int) -> None:
        """Hands rows to the operating system.

        Raises:
            OSError: there is no room, or the folder is gone; the file ends with the record before.
        """
        records = b"".join(_records(ticks, books, run))
        file = self._file or self._begin()
        try:
            written = file.write(records)
            if written != len(records):
                raise OSError(f"{file.name}: no room for {len(records)} bytes")
        except OSError:
            file.truncate(self._size)
            raise
        self._size += len(records)

    def rotate(self) -> Path | None:
        """Ends the file that is written; None where nothing was since the last time."""
        if self._file is None:
            return None
        path = Path(self._file.name)
        self._file.close()
        self._file = None
        return path

    def _begin(self) -> BinaryIO:
        self._number += 1
        self._size = 0
        self._file = (self._folder / f"{self._number:012}{SUFFIX}").open("ab", buffering=0)
        assert self._file is not None
        return self._file


def content_of(path: Path) -> SpoolContent:
    """Reads a file.

    Raises:
        OSError: it cannot be read.
    """
    content = path.read_bytes()
    records: list[SpooledRows] = []
    is_damaged, at = False, 0
    while at < len(content):
        found = _record(content, at)
        if found is None:
            end = _next_record(content, at + 1)
            is_torn = end is None and _is_torn(content, at)
            is_damaged = is_damaged or not is_torn
            log.warning("bytes of a spool file are no record", path=str(path), first=at, end=end, torn=is_torn)
            if end is None:
                break
            at = end
        else:
            rows, at = found
            records.append(rows)
    return SpoolContent(tuple(records), is_damaged)


def set_aside(path: Path) -> Path:
    """Renames a file that cannot be taken in, so that nobody reads it again and nothing of it is lost.

    Returns:
        Where it is now.

    Raises:
        OSError: it cannot be renamed.
    """
    return path.replace(path.with_suffix(DAMAGED))


def _records(ticks: Sequence[Tick], books: Sequence[Book], run: int) -> Iterator[bytes]:
    by_symbol: dict[tuple[int, str], list[int]] = {}
    for tick in ticks:
        by_symbol.setdefault((_TICKS, tick.symbol), []).extend(
            (
                tick.seq,
                tick.ts_event,
                tick.ts_recv,
                tick.price,
                tick.quantity,
                tick.total_volume,
                tick.flags,
            )
        )
    for book in books:
        row = by_symbol.setdefault((_BOOKS, book.symbol), [])
        row.extend((book.seq, book.ts_event, book.ts_recv))
        row.extend(itertools.chain(_flat(book.bids), _flat(book.asks)))
    for (kind, symbol), numbers in by_symbol.items():
        name = symbol.encode("utf-8")
        body = _HEAD.pack(kind, run, len(name)) + name + struct.pack(f"<{len(numbers)}q", *numbers)
        yield _FRAME.pack(len(body), zlib.crc32(body)) + body


def _flat(levels: Sequence[Level]) -> Iterator[int]:
    for place in range(_LEVELS):
        if place < len(levels):
            yield levels[place].price
            yield levels[place].quantity
        else:
            yield 0
            yield 0


def _record(content: bytes, at: int) -> tuple[SpooledRows, int] | None:
    """The record at a place and where it ends, None where there is no whole one."""
    if at + _FRAME.size > len(content):
        return None
    length, checksum = _FRAME.unpack_from(content, at)
    begin = at + _FRAME.size
    if not _HEAD.size <= length <= _LONGEST or begin + length > len(content):
        return None
    body = content[begin : begin + length]
    if zlib.crc32(body) != checksum:
        return None
    try:
        return _decoded(body), begin + length
    except (struct.error, ValueError):  # a checksum that fits by chance, or another program's record
        return None


def _next_record(content: bytes, after: int) -> int | None:
    """Where the next whole record begins, at the earliest there; None where none does."""
    for match in _LIKE_A_BODY.finditer(content, after + _FRAME.size):
        if _record(content, match.start() - _FRAME.size):
            return match.start() - _FRAME.size
    return None


def _is_torn(content: bytes, at: int) -> bool:
    """Whether the file only ends early there: in the midst of a record, or in zeros that were never written."""
    if at + _FRAME.size > len(content) or content.count(0, at) == len(content) - at:
        return True
    length = _FRAME.unpack_from(content, at)[0]
    return bool(_HEAD.size <= length <= _LONGEST and at + _FRAME.size + length > len(content))


def _decoded(body: bytes) -> SpooledRows:
    kind, run, length = _HEAD.unpack_from(body)
    begin = _HEAD.size + length
    symbol = body[_HEAD.size : begin].decode("utf-8")
    numbers = struct.unpack_from(f"<{(len(body) - begin) // 8}q", body, begin)
    if kind == _TICKS:
        return SpooledRows(run, ticks=tuple(_tick(symbol, row) for row in _rows(numbers, _TICK_FIELDS)))
    return SpooledRows(run, books=tuple(_book(symbol, row) for row in _rows(numbers, _BOOK_FIELDS)))


def _rows(numbers: tuple[int, ...], width: int) -> Iterable[tuple[int, ...]]:
    return (numbers[at : at + width] for at in range(0, len(numbers), width))


def _tick(symbol: str, row: tuple[int, ...]) -> Tick:
    seq, ts_event, ts_recv, price, quantity, total_volume, flags = row
    return Tick(
        symbol=symbol,
        seq=seq,
        ts_event=ts_event,
        ts_recv=ts_recv,
        price=price,
        quantity=quantity,
        total_volume=total_volume,
        flags=flags,
    )


def _book(symbol: str, row: tuple[int, ...]) -> Book:
    pairs = [Level(price=price, quantity=lots) for price, lots in zip(row[3::2], row[4::2], strict=True)]
    return Book(
        symbol=symbol,
        seq=row[0],
        ts_event=row[1],
        ts_recv=row[2],
        bids=tuple(level for level in pairs[:_LEVELS] if level.quantity),
        asks=tuple(level for level in pairs[_LEVELS:] if level.quantity),
    )
