"""Files that hold what was received until the live file has it: appended at once, removed after the flush.

A record is length, CRC-32 and the rows of one contract; written by one system call, without fsync, so that it
survives the death of the process, not that of the machine. A torn tail ends a file without an error.
"""

import itertools
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
        self._number = max((int(path.stem) for path in self.left if path.stem.isdigit()), default=0)
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


def rows_of(path: Path) -> Iterator[SpooledRows]:
    """What a file holds, up to its end or the first record that is torn or damaged."""
    content = path.read_bytes()
    at = 0
    while at < len(content):
        body = _body(content, at)
        if body is None:
            log.warning("a spool file ends torn", path=str(path), read=at, size=len(content))
            return
        yield _decoded(body)
        at += _FRAME.size + len(body)


def set_aside(path: Path) -> None:
    """Renames a file that cannot be taken in, so that nobody reads it again and nothing of it is lost."""
    path.replace(path.with_suffix(DAMAGED))


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


def _body(content: bytes, at: int) -> bytes | None:
    """The record at a place, None where there is no whole one."""
    if at + _FRAME.size > len(content):
        return None
    length, checksum = _FRAME.unpack_from(content, at)
    begin = at + _FRAME.size
    if length > _LONGEST or begin + length > len(content):
        return None
    body = content[begin : begin + length]
    return body if zlib.crc32(body) == checksum else None


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
