"""The spool: what was handed over is read again, whatever a death, a loss of power or a disk did to it."""

import struct
import zlib
from pathlib import Path

import pytest

from engine.model.tick import Book, Level, Tick
from engine.storage.spool import Spool, SpooledRows, content_of, set_aside

RUN = 1_730_770_000_000_000_000


def tick(seq: int, symbol: str = "TXFK4", **changes: int) -> Tick:
    values = {"ts_event": RUN + seq, "ts_recv": RUN + 2 * seq, "price": -seq, "quantity": 3, "total_volume": 2**40}
    return Tick(symbol=symbol, seq=seq, **(values | changes))


def book(seq: int, *prices: int) -> Book:
    levels = tuple(Level(price=price, quantity=price + 1) for price in prices)
    return Book(symbol="MXFL4", seq=seq, ts_event=RUN, ts_recv=RUN + 1, bids=levels, asks=levels[:1])


def read(path: Path) -> list[SpooledRows]:
    return list(content_of(path).records)


def test_rows_are_read_as_they_were_given(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.append([tick(1), tick(1, "TXFL4"), tick(2, flags=1)], [book(7, 5, 4, 3, 2, 1), book(8)], RUN)
    spool.append([tick(3)], [], RUN + 1)
    path = spool.rotate()
    assert path is not None
    assert read(path) == [
        SpooledRows(RUN, ticks=(tick(1), tick(2, flags=1))),
        SpooledRows(RUN, ticks=(tick(1, "TXFL4"),)),
        SpooledRows(RUN, books=(book(7, 5, 4, 3, 2, 1), book(8))),
        SpooledRows(RUN + 1, ticks=(tick(3),)),
    ]


def test_each_turn_has_a_file_and_the_next_process_finds_those_that_are_left(tmp_path: Path) -> None:
    first = Spool(tmp_path)
    assert first.rotate() is None
    paths = []
    for seq in range(1, 4):
        first.append([tick(seq)], [], RUN)
        paths.append(first.rotate())
    assert paths[0]
    paths[0].unlink()
    second = Spool(tmp_path)
    assert second.left == paths[1:]
    second.append([tick(4)], [], RUN)
    newest = second.rotate()
    assert newest not in paths
    assert Spool(tmp_path).left == [*paths[1:], newest]
    assert paths[1]
    set_aside(paths[1])
    assert Spool(tmp_path).left == [paths[2], newest]
    assert len(list(tmp_path.iterdir())) == 3, "what was set aside is kept"


def test_a_file_cut_off_anywhere_gives_every_record_before_the_cut(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    ends = []
    for seq in range(1, 5):
        spool.append([tick(seq)], [book(seq, seq)], RUN)
        ends.append((tmp_path / "000000000001.spool").stat().st_size)
    path = spool.rotate()
    assert path is not None
    content = path.read_bytes()
    torn = tmp_path / "torn"
    for length in range(len(content)):
        torn.write_bytes(content[:length])
        whole = sum(end <= length for end in ends)
        found = [row.ticks[0].seq for row in read(torn) if row.ticks]
        assert not content_of(torn).is_damaged
        assert found[:whole] == list(range(1, whole + 1))
        assert len(found) <= whole + 1


@pytest.mark.parametrize("bit", [0, 3, 7])
def test_a_changed_byte_costs_its_record_alone_and_is_told(tmp_path: Path, bit: int) -> None:
    spool = Spool(tmp_path)
    for seq in range(1, 4):
        spool.append([tick(seq)], [], RUN)
    path = spool.rotate()
    assert path is not None
    content = path.read_bytes()
    size = len(content) // 3
    for at in range(len(content)):
        changed = bytearray(content)
        changed[at] ^= 1 << bit
        path.write_bytes(changed)
        found = content_of(path)
        assert [row.ticks[0] for row in found.records] == [tick(seq) for seq in (1, 2, 3) if seq != at // size + 1]
        is_like_a_torn_tail = at // size == 2 and at % size < 4  # the last length, by now beyond the end
        assert found.is_damaged or is_like_a_torn_tail


@pytest.mark.parametrize("zeros", [1, 8, 512, 100_000])
def test_zeros_at_the_end_are_a_torn_tail(tmp_path: Path, zeros: int) -> None:
    spool = Spool(tmp_path)
    spool.append([tick(1)], [book(1, 5)], RUN)
    path = spool.rotate()
    assert path is not None
    with path.open("ab") as file:
        file.write(bytes(zeros))
    content = content_of(path)
    assert [len(row.ticks) + len(row.books) for row in content.records] == [1, 1]
    assert not content.is_damaged


def test_a_checksum_that_fits_makes_no_record_of_strange_bytes(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append([tick(1)], [], RUN)
    path = spool.rotate()
    assert path is not None
    strange = [b"", b"\x02" + bytes(10), bytes(10) + b"\xff", b"\x02" + bytes(8) + b"\x01\x00\xff" + bytes(8)]
    frames = b"".join(struct.pack("<II", len(body), zlib.crc32(body)) + body for body in strange)
    path.write_bytes(frames + path.read_bytes())
    content = content_of(path)
    assert content.records[-1] == SpooledRows(RUN, ticks=(tick(1),))
    assert content.is_damaged


def test_what_is_set_aside_replaces_nothing_that_was_before(tmp_path: Path) -> None:
    for seq in (1, 2):
        spool = Spool(tmp_path)
        spool.append([tick(seq)], [], RUN)
        path = spool.rotate()
        assert path is not None
        set_aside(path)
    kept = sorted(tmp_path.iterdir())
    assert [read(path)[0].ticks[0].seq for path in kept] == [1, 2]
