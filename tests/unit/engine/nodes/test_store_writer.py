"""The store's writer: nothing is deleted unannounced, and what cannot be written is kept and told."""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from engine.model.bar import Bar
from engine.model.session import SessionKind
from engine.model.tick import Tick
from engine.nodes import store_writer
from engine.nodes.backlog import Backlog
from engine.nodes.store_writer import StoreWriter
from engine.settings import Store
from engine.storage import schema
from engine.storage.layout import Kind, Source, StoreFolder
from engine.storage.spool import Spool
from engine.storage.store import MarketStore
from engine.timing import NS_PER_S
from tests.unit.engine.storage.daily_files import CALENDAR

RUN = 1_730_770_000_000_000_000
DEADLINE_S = 30.0
SYMBOL = "TXFK4"
DAYS = (date(2024, 11, 5), date(2024, 11, 6), date(2024, 11, 7))


def tick(seq: int, day: date = DAYS[0], symbol: str = SYMBOL, after_s: int = 60) -> Tick:
    stamp = CALENDAR.session(day, SessionKind.DAY).open_ns + after_s * NS_PER_S
    return Tick(symbol=symbol, seq=seq, ts_event=stamp, ts_recv=stamp, price=22_000 + seq, quantity=2)


class Desk:
    """A writer with its parts, over a store in a folder."""

    def __init__(self, folder: Path, max_gb: float = 0.0) -> None:
        self.told: list[Bar] = []
        self.folder = folder
        self.spool = Spool(folder / "spool")
        self.backlog = Backlog(self.spool)
        store = MarketStore(folder, CALENDAR)
        settings = Store(max_gb=max_gb, flush_s=0.01)
        self.writer = StoreWriter(store, self.backlog, CALENDAR, settings, self.told.extend)

    def days(self) -> list[date]:
        return StoreFolder(self.folder).trade_dates()

    def files(self) -> list[str]:
        return sorted(path.suffix for path in (self.folder / "spool").iterdir())


@contextmanager
def working(folder: Path, max_gb: float = 0.0, *, recover: bool = False, again_at: int = 0) -> Iterator[Desk]:
    """A writer that works; before it begins, it may take in what is left, and look again at the bars of a time."""
    desk = Desk(folder, max_gb)
    try:
        if recover:
            desk.writer.recover(desk.spool)
        if again_at:
            desk.writer.market_ns = again_at
            desk.writer.look_again(SYMBOL)
        desk.writer.start()
        yield desk
    finally:
        desk.writer.close()


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def stored(folder: Path) -> list[int]:
    with MarketStore(folder, CALENDAR) as store, store.reader() as reader:
        found: list[int] = reader.last_ticks(SYMBOL, 1_000).seq.tolist()
        return found


def test_days_are_deleted_after_they_were_named_and_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_writer, "_TEND_S", 0.01)
    with working(tmp_path) as desk:
        desk.backlog.add([tick(number, day) for number, day in enumerate(DAYS, 1)], [], RUN)
        desk.writer.market_ns = CALENDAR.session(DAYS[-1], SessionKind.DAY).close_ns + 3600 * NS_PER_S
        until(lambda: desk.days() == list(DAYS))
        assert desk.writer.text == ""
    with working(tmp_path, max_gb=1e-9) as desk:
        until(lambda: "2024-11-05 to 2024-11-06 are deleted" in desk.writer.text)
        looks = desk.writer._tend_at
        until(lambda: desk.writer._tend_at > looks + 0.1)
        assert desk.days() == list(DAYS), "120 s are not over"
    monkeypatch.setattr(store_writer, "_NOTICE_S", 0.05)
    with working(tmp_path, max_gb=1e-9) as desk:
        until(lambda: desk.days() == [DAYS[-1]])
        until(lambda: desk.writer.text == "")
    assert stored(tmp_path) == [3]


def test_a_bar_is_told_when_its_minute_is_over_and_again_when_it_has_changed(tmp_path: Path) -> None:
    first = CALENDAR.session(DAYS[0], SessionKind.DAY).open_ns + 60 * NS_PER_S
    last = CALENDAR.session(DAYS[0], SessionKind.DAY).close_ns
    with working(tmp_path) as desk:
        desk.backlog.add([tick(1), tick(3)], [], RUN)
        assert desk.writer.flush(DEADLINE_S)
        assert desk.told == []
        desk.writer.market_ns = first + 60 * NS_PER_S
        until(lambda: len(desk.told) == 1)
        desk.backlog.add([tick(2)], [], RUN)
        until(lambda: len(desk.told) == 2)
        assert [(bar.start_ns, bar.close, bar.volume) for bar in desk.told] == [
            (first, 22_003, 4),
            (first, 22_003, 6),
        ]
        closing = CALENDAR.session(DAYS[0], SessionKind.DAY)
        print_at_close = tick(4, after_s=(closing.close_ns - closing.open_ns) // NS_PER_S)
        desk.backlog.add([print_at_close], [], RUN)
        desk.writer.market_ns = last
        assert desk.writer.flush(DEADLINE_S)
        assert len(desk.told) == 2, "the closing second is not over"
        desk.writer.market_ns = last + NS_PER_S
        until(lambda: len(desk.told) == 3)
        assert desk.told[-1].start_ns == last - 60 * NS_PER_S
    with working(tmp_path, again_at=last + NS_PER_S) as desk:
        until(lambda: len(desk.told) == 2)


def test_rows_that_cannot_be_recorded_stop_no_others_and_are_kept_aside(
    tmp_path: Path, expected_errors: list[object]
) -> None:
    with working(tmp_path) as desk:
        bad = [tick(1, symbol="NOTHING"), replace(tick(2), quantity=2**31), replace(tick(3), flags=300)]
        desk.backlog.add([tick(1), *bad, tick(4)], [], RUN)
        assert desk.writer.flush(DEADLINE_S)
        desk.backlog.add([tick(5)], [], RUN)
        assert desk.writer.flush(DEADLINE_S)
        assert (desk.writer.rows, desk.writer.pending) == (3, 0)
        assert "see the recorder's log" in desk.writer.text
        assert desk.files() == [".damaged"]
    assert stored(tmp_path) == [1, 4, 5]
    assert expected_errors


def test_many_rows_that_cannot_be_recorded_cost_little_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected_errors: list[object]
) -> None:
    tries: list[int] = []
    append = MarketStore.append_ticks

    def append_and_note(store: MarketStore, ticks: Sequence[Tick], run: int) -> int:
        tries.append(len(ticks))
        return append(store, ticks, run)

    monkeypatch.setattr(MarketStore, "append_ticks", append_and_note)
    with working(tmp_path) as desk:
        desk.backlog.add([tick(seq, symbol="NOTHING") for seq in range(5_000)], [], RUN)
        desk.backlog.add([tick(1)], [], RUN)
        assert desk.writer.flush(DEADLINE_S)
        assert desk.writer.pending == 0
        assert len(tries) < 200
    assert expected_errors


def test_a_day_that_cannot_be_closed_holds_back_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected_errors: list[object]
) -> None:
    monkeypatch.setattr(store_writer, "_TEND_S", 0.01)
    with MarketStore(tmp_path, CALENDAR) as store:
        store.append_ticks([tick(1)], RUN)
        store.close_day(DAYS[0])
        segment = store.folder.segment(DAYS[0], Kind.TICKS, Source.LIVE)
        assert segment is not None
        segment.write_bytes(b"damaged")
        store.append_ticks([tick(2), tick(3, DAYS[1])], RUN)
    with working(tmp_path) as desk:
        desk.writer.market_ns = CALENDAR.session(DAYS[1], SessionKind.DAY).close_ns + 3600 * NS_PER_S
        until(lambda: desk.days() == [DAYS[0], DAYS[1]] and desk.writer.size_bytes > 0)
        assert "2024-11-05" in desk.writer.text
    assert expected_errors


def test_without_a_spool_rows_are_recorded_from_memory_and_it_is_told(
    tmp_path: Path, expected_errors: list[object]
) -> None:
    with working(tmp_path) as desk:
        shutil.rmtree(tmp_path / "spool")
        desk.backlog.add([tick(1)], [], RUN)
        assert "free some disk space" in desk.backlog.trouble
        (tmp_path / "spool").mkdir()
        desk.backlog.add([tick(2)], [], RUN)
        assert desk.backlog.trouble == ""
        assert desk.writer.flush(DEADLINE_S)
        assert (desk.writer.rows, desk.writer.pending, desk.writer.lag_ms) == (2, 0, 0)
    assert stored(tmp_path) == [1, 2]
    assert expected_errors


def test_what_a_killed_process_left_is_taken_in_once(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")
    spool.append([tick(1), tick(2)], [], RUN)
    spool.rotate()
    with working(tmp_path) as desk:
        desk.backlog.add([tick(2), tick(3)], [], RUN)
    assert stored(tmp_path) == [2, 3]
    with working(tmp_path, recover=True) as desk:
        assert desk.files() == []
        assert desk.writer.rows == 1
    assert stored(tmp_path) == [1, 2, 3]


@pytest.mark.parametrize("tail", [bytes(512), b"x" * 512], ids=["zeros", "rubbish"])
def test_a_damaged_spool_file_gives_its_rows_and_stops_nobody(tmp_path: Path, tail: bytes) -> None:
    spool = Spool(tmp_path / "spool")
    spool.append([tick(1), tick(2)], [], RUN)
    path = spool.rotate()
    assert path is not None
    with path.open("ab") as file:
        file.write(tail)
    with working(tmp_path, recover=True) as desk:
        assert desk.writer.rows == 2
        is_damaged = any(tail)
        assert desk.files() == ([".damaged"] if is_damaged else [])
        assert (str(path.with_suffix(".damaged")) in desk.writer.text) is is_damaged
    assert stored(tmp_path) == [1, 2]


def test_a_spool_file_that_cannot_be_read_stops_nobody(tmp_path: Path, expected_errors: list[object]) -> None:
    unreadable = tmp_path / "spool" / "000000000001.spool"
    unreadable.mkdir(parents=True)
    with working(tmp_path, recover=True) as desk:
        assert desk.files() == [".damaged"]
        assert "cannot be recorded" in desk.writer.text
        desk.backlog.add([tick(1)], [], RUN)
    assert stored(tmp_path) == [1]
    assert expected_errors


def test_bars_that_could_not_be_written_are_written_with_the_next_try(
    tmp_path: Path, expected_errors: list[object]
) -> None:
    with working(tmp_path) as desk:
        with duckdb.connect(tmp_path / "live.duckdb", config=schema.STORE_CONFIG) as other:
            desk.backlog.add([tick(1)], [], RUN)
            assert desk.writer.flush(DEADLINE_S)
            other.execute("BEGIN; DELETE FROM bars")
            desk.backlog.add([tick(2), tick(3, after_s=120)], [], RUN)
            assert desk.writer.flush(DEADLINE_S)
            assert "cannot be written" in desk.writer.text
            assert desk.files() == [".spool"], "kept until the bars are written"
            other.execute("ROLLBACK")
        until(lambda: desk.writer.text == "" and desk.files() == [])
        assert desk.writer.rows == 3
        desk.writer.market_ns = tick(1, after_s=180).ts_event
        until(lambda: len(desk.told) == 2)
    with MarketStore(tmp_path, CALENDAR) as store, store.reader() as reader:
        assert reader.bars(SYMBOL, DAYS[0], DAYS[0]).trades.tolist() == [2, 1]
    assert expected_errors


@pytest.mark.parametrize("seconds", [0, 2**32])
def test_a_print_with_a_senseless_time_spoils_no_bar(tmp_path: Path, seconds: int) -> None:
    with working(tmp_path) as desk:
        desk.backlog.add([replace(tick(1), ts_event=seconds * NS_PER_S), tick(2)], [], RUN)
        assert desk.writer.flush(DEADLINE_S)
        desk.writer.market_ns = tick(1, after_s=180).ts_event
        until(lambda: len(desk.told) >= 1)
        assert [bar.trade_date for bar in desk.told if bar.trade_date == DAYS[0]] == [DAYS[0]]
        assert desk.writer.text == ""
    assert len(stored(tmp_path)) == 2


def test_a_damaged_file_of_the_day_holds_back_bars_and_no_rows(
    tmp_path: Path, expected_errors: list[object]
) -> None:
    with MarketStore(tmp_path, CALENDAR) as store:
        store.append_ticks([tick(1)], RUN)
        store.close_day(DAYS[0])
        segment = store.folder.segment(DAYS[0], Kind.TICKS, Source.LIVE)
        assert segment is not None
        content = segment.read_bytes()
        segment.write_bytes(b"damaged")
    with working(tmp_path) as desk:
        desk.backlog.add([tick(2)], [], RUN)
        assert desk.writer.flush(DEADLINE_S)
        assert desk.files() == []
        assert "Bars of TXFK4 cannot be made" in desk.writer.text
        desk.backlog.add([tick(3)], [], RUN)
        assert desk.writer.flush(DEADLINE_S)
        assert desk.writer.rows == 2
        segment.write_bytes(content)
        until(lambda: desk.writer.text == "")
        desk.writer.market_ns = tick(1, after_s=180).ts_event
        until(lambda: [bar.trades for bar in desk.told] == [3])
    assert expected_errors


def test_a_damaged_live_file_is_told_and_recorded_over(tmp_path: Path, expected_errors: list[object]) -> None:
    (tmp_path / "live.duckdb").write_bytes(b"x" * 5_000)
    with working(tmp_path) as desk:
        assert "live.duckdb.damaged-1" in desk.writer.text
        desk.backlog.add([tick(1)], [], RUN)
    assert stored(tmp_path) == [1]
    assert expected_errors


def test_a_row_never_counts_as_written_and_as_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[int] = []
    with working(tmp_path) as desk:
        touch = desk.writer._bars.touch

        def counting(ticks: Sequence[Tick]) -> None:
            counted.append(desk.writer.rows + desk.writer.pending)
            touch(ticks)

        monkeypatch.setattr(desk.writer._bars, "touch", counting)
        desk.backlog.add([tick(number) for number in range(1, 4)], [], RUN)
        until(lambda: desk.writer.rows == 3 and not desk.writer.pending)
    assert max(counted) == 3
