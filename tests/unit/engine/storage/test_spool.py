"""The spool: what was handed over is read again, up to the first record that is torn or damaged."""

from pathlib import Path

import pytest

from engine.model.tick import Book, Level, Tick
from engine.storage.spool import Spool, SpooledRows, rows_of, set_aside

RUN = 1_730_770_000_000_000_000


def tick(seq: int, symbol: str = "TXFK4", **changes: int) -> Tick:
    values = {"ts_event": RUN + seq, "ts_recv": RUN + 2 * seq, "price": -seq, "quantity": 3, "total_volume": 2**40}
    return Tick(symbol=symbol, seq=seq, **(values | changes))


def book(seq: int, *prices: int) -> Book:
    levels = tuple(Level(price=price, quantity=price + 1) for price in prices)
    return Book(symbol="MXFL4", seq=seq, ts_event=RUN, ts_recv=RUN + 1, bids=levels, asks=levels[:1])


def read(path: Path) -> list[SpooledRows]:
    return list(rows_of(path))


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
        found = [row.ticks[0].seq for row in rows_of(torn) if row.ticks]
        assert found[:whole] == list(range(1, whole + 1))
        assert len(found) <= whole + 1


@pytest.mark.parametrize("bit", [0, 3, 7])
def test_a_changed_byte_ends_the_file_and_invents_nothing(tmp_path: Path, bit: int) -> None:
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
        assert [row.ticks[0] for row in rows_of(path)] == [tick(seq) for seq in range(1, at // size + 1)]
