"""The store of its sole writer: recording, closing days, size, and what a killed writer leaves."""

import multiprocessing
from dataclasses import replace
from datetime import date, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import duckdb
import pytest

from engine.errors import StoreError
from engine.model.bar import Bar
from engine.model.session import TAIPEI, SessionKind
from engine.model.tick import Book, Level, Tick, TickFlag
from engine.storage import schema
from engine.storage.importing import import_files
from engine.storage.layout import Kind, Source, StoreFolder
from engine.storage.reading import MINUTE_NS, StoreReader
from engine.storage.store import MarketStore
from engine.timing import NS_PER_S
from tests.unit.engine.storage.daily_files import CALENDAR, DAY, MORNING, NIGHT, write

RUN = 1_730_000_000_000_000_000
_HEADERS, _BLOCK = 12_288, 262_144
"""Of a DuckDB file: bytes before the first block, and of a block."""


def at(text: str) -> int:
    return int(datetime.fromisoformat(f"2024-11-05 {text}").replace(tzinfo=TAIPEI).timestamp()) * NS_PER_S


def tick(seq: int, time: str = "09:00:00", price: int = 22800, flags: int = 0) -> Tick:
    stamp = at(time)
    return Tick(
        symbol="TXFK4",
        seq=seq,
        ts_event=stamp,
        ts_recv=stamp + 5,
        price=price,
        quantity=2,
        total_volume=2 * seq,
        flags=flags,
    )


def bar(time: str, price: int, volume: int = 1) -> Bar:
    return Bar(
        symbol="TXFK4",
        trade_date=DAY,
        session=SessionKind.DAY,
        start_ns=at(time),
        span_ns=MINUTE_NS,
        open=price,
        high=price,
        low=price,
        close=price,
        volume=volume,
        trades=1,
    )


def opened(path: Path) -> MarketStore:
    return MarketStore(path, CALENDAR)


def stored(store: MarketStore) -> list[Tick]:
    with store.reader() as reader:
        return list(reader.last_ticks("TXFK4", 1000).ticks())


def _hold(file: Path, ready: Connection) -> None:
    with duckdb.connect(file):
        ready.send(True)
        ready.poll(60)


def _record_and_die(path: Path, count: int) -> None:
    import os

    store = opened(path)
    for seq in range(1, count + 1):
        store.append_ticks([tick(seq)], RUN)
    os._exit(1)


class TestRecording:
    def test_each_number_is_kept_once_in_its_order(self, tmp_path: Path) -> None:
        with opened(tmp_path) as store:
            assert store.append_ticks([tick(3, price=3), tick(1, price=1)], RUN) == 2
            assert store.append_ticks([tick(3, price=9), tick(2, price=2), tick(2, price=2)], RUN) == 1
            assert [item.price for item in stored(store)] == [1, 2, 3]
            assert stored(store)[0] == tick(1, price=1)
            assert store.held("TXFK4", RUN).missing(1, 5) == [(4, 5)]

    def test_another_run_numbers_anew_and_comes_after(self, tmp_path: Path) -> None:
        with opened(tmp_path) as store:
            store.append_ticks([tick(1, "10:00:00", 5)], RUN + 1)
            store.append_ticks([tick(1, price=1), tick(2, price=2)], RUN)
            assert [item.price for item in stored(store)] == [1, 2, 5]

    def test_what_was_appended_survives_the_death_of_the_process(self, tmp_path: Path) -> None:
        process = multiprocessing.get_context("spawn").Process(target=_record_and_die, args=(tmp_path, 20))
        process.start()
        process.join()
        with opened(tmp_path) as store:
            assert [item.seq for item in stored(store)] == list(range(1, 21))
            assert store.append_ticks([tick(seq) for seq in range(1, 24)], RUN) == 3

    def test_trial_match_before_the_open_belongs_to_the_session_and_to_no_bar(self, tmp_path: Path) -> None:
        with opened(tmp_path) as store:
            store.append_ticks([tick(1, "08:30:10", flags=TickFlag.TRIAL), tick(2, "08:45:00", 22801)], RUN)
            with store.reader() as reader:
                found = reader.last_ticks("TXFK4", 9)
                assert found.trade_date.tolist() == [DAY, DAY]
                assert reader.bars("TXFK4", DAY, DAY, span_ns=20 * NS_PER_S).open.tolist() == [22801]

    def test_bars_replace_those_of_the_same_minute(self, tmp_path: Path) -> None:
        with opened(tmp_path) as store:
            store.put_bars([bar("09:00:00", 1), bar("09:01:00", 2), bar("09:01:00", 3)])
            store.put_bars([bar("09:00:00", 4)])
            with store.reader() as reader:
                assert reader.bars("TXFK4", DAY, DAY).open.tolist() == [4, 3]

    def test_books_are_kept_with_their_levels(self, tmp_path: Path) -> None:
        levels = (Level(price=22799, quantity=3), Level(price=22798, quantity=7))
        book = Book(symbol="TXFK4", seq=1, ts_event=at("09:00:00"), ts_recv=5, bids=levels)
        with opened(tmp_path) as store:
            assert store.append_books([book], RUN) == 1
            assert store.append_books([book], RUN) == 0
            store.close_day(DAY)
        (segment,) = StoreFolder(tmp_path).segments(Kind.BOOKS)
        with duckdb.connect() as database:
            row = database.execute(
                "SELECT bid2_price, bid2_quantity, bid3_quantity, ask1_quantity FROM read_parquet(?)",
                [str(segment.path)],
            ).fetchall()
        assert row == [(22798, 7, 0, 0)]

    def test_readers_of_other_threads_see_what_is_written(self, tmp_path: Path) -> None:
        with opened(tmp_path) as store, store.reader() as first, store.reader() as second:
            store.append_ticks([tick(1)], RUN)
            assert len(first.last_ticks("TXFK4", 5)) == len(second.last_ticks("TXFK4", 5)) == 1

    def test_a_row_that_no_column_takes_leaves_the_others_alone(self, tmp_path: Path) -> None:
        with opened(tmp_path) as store:
            with pytest.raises(duckdb.DataError):
                store.append_ticks([tick(1), replace(tick(2), quantity=2**31)], RUN)
            assert store.held("TXFK4", RUN).ranges() == []
            assert store.append_ticks([tick(1), tick(3)], RUN) == 2
            assert [item.seq for item in stored(store)] == [1, 3]


class TestHeldNumbers:
    def test_they_outlive_closing_and_deletion_of_all_days(self, tmp_path: Path) -> None:
        ticks = [replace(tick(seq), ts_event=tick(seq).ts_event + seq * 86_400 * NS_PER_S) for seq in range(9)]
        books = [Book(symbol="TXFK4", seq=seq, ts_event=at("09:00:00"), ts_recv=5) for seq in (1, 2, 4)]
        with opened(tmp_path) as store:
            for item in ticks[1:]:
                store.append_ticks([item], RUN)
                for day in store.open_days():
                    store.close_day(day)
            store.append_books(books, RUN)
        with opened(tmp_path) as store:
            assert store.held("TXFK4", RUN).ranges() == [(1, 8)]
            store.delete(store.plan_retention(1e-9))
        with opened(tmp_path) as store:
            assert store.held("TXFK4", RUN).ranges() == [(1, 8)]
            assert store.held("TXFK4", RUN + 1).ranges() == []
            assert store.append_ticks(ticks, RUN) == 1
            assert store.append_books([*books, replace(books[0], seq=3)], RUN) == 1
            assert store.held("TXFK4", RUN).ranges() == [(0, 8)]

    def test_holes_are_kept_and_filled(self, tmp_path: Path) -> None:
        for given, held in (
            ((5, 9), [(5, 5), (9, 9)]),
            ((7,), [(5, 5), (7, 7), (9, 9)]),
            ((6, 10), [(5, 7), (9, 10)]),
            ((8,), [(5, 10)]),
        ):
            with opened(tmp_path) as store:
                store.append_ticks([tick(seq) for seq in given], RUN)
                assert store.held("TXFK4", RUN).ranges() == held
        with opened(tmp_path) as store:
            assert store.held("TXFK4", RUN).ranges() == [(5, 10)]

    def test_a_store_of_the_version_before_gets_them_from_its_rows(
        self, tmp_path: Path, expected_errors: list[object]
    ) -> None:
        with opened(tmp_path) as store:
            store.append_ticks([tick(1), tick(2), tick(4)], RUN)
            store.close_day(DAY)
            store.append_ticks([tick(5)], RUN)
        with duckdb.connect(tmp_path / "live.duckdb") as database:
            database.execute("DROP TABLE held; UPDATE store SET version = 1")
        yesterday = StoreFolder(tmp_path).day(DAY - timedelta(days=1))
        yesterday.mkdir()
        (yesterday / "ticks-live.1.parquet").write_bytes(b"damaged")
        with opened(tmp_path) as store:
            assert store.held("TXFK4", RUN).ranges() == [(1, 2), (4, 5)]
            assert store.append_ticks([tick(2), tick(3)], RUN) == 1
        assert expected_errors


class TestDamage:
    @pytest.mark.parametrize("what", ["other", "half", "block"])
    def test_a_damaged_live_file_is_set_aside_and_another_begun(
        self, tmp_path: Path, what: str, expected_errors: list[object]
    ) -> None:
        with opened(tmp_path) as store:
            assert store.damaged is None
            store.append_ticks([tick(1), tick(2)], RUN)
            store.close_day(DAY)
            store.append_ticks([tick(seq) for seq in range(3, 40)], RUN)
        live = tmp_path / "live.duckdb"
        content = bytearray(live.read_bytes())
        for begin in range(_HEADERS, len(content), _BLOCK):
            content[begin + 50] ^= 255
        damaged = {"other": b"x" * 5000, "half": live.read_bytes()[: _HEADERS + 1000], "block": bytes(content)}[
            what
        ]
        live.write_bytes(damaged)
        with opened(tmp_path) as store:
            assert store.damaged == tmp_path / "live.duckdb.damaged-1"
            assert store.damaged.read_bytes() == damaged
            assert [item.seq for item in stored(store)] == [1, 2], "the closed day answers"
            assert store.held("TXFK4", RUN).ranges() == [(1, 2)], "the others are to be asked for again"
            assert store.append_ticks([tick(3)], RUN) == 1
        live.write_bytes(damaged)
        with opened(tmp_path) as store:
            assert store.damaged == tmp_path / "live.duckdb.damaged-2"
        assert expected_errors


class TestOneWriter:
    def test_second_is_refused_and_told_who_writes(self, tmp_path: Path) -> None:
        with opened(tmp_path), pytest.raises(StoreError, match=r"process \d+ is writing there"):
            opened(tmp_path)
        opened(tmp_path).close()

    def test_closed_days_can_be_read_and_imported_meanwhile(self, tmp_path: Path) -> None:
        with opened(tmp_path / "store") as store:
            folder = StoreFolder(tmp_path / "store")
            assert not import_files(folder, [write(tmp_path, NIGHT + MORNING)], CALENDAR).refused
            with StoreReader(folder, CALENDAR) as reader:
                assert len(reader.last_ticks("TXFK4", 100)) == 6
            assert len(stored(store)) == 6

    def test_file_of_another_program_is_refused_and_left_alone(self, tmp_path: Path) -> None:
        with duckdb.connect(tmp_path / "live.duckdb") as database:
            database.execute("CREATE TABLE store (name VARCHAR)")
        with pytest.raises(StoreError, match=r"live\.duckdb: is no market store"):
            opened(tmp_path)
        with duckdb.connect(tmp_path / "live.duckdb") as database:
            assert database.execute("FROM store").fetchall() == []

    def test_file_that_another_program_holds_is_refused_and_left_alone(self, tmp_path: Path) -> None:
        opened(tmp_path).close()
        here, there = multiprocessing.get_context("spawn").Pipe()
        process = multiprocessing.get_context("spawn").Process(
            target=_hold, args=(tmp_path / "live.duckdb", there)
        )
        process.start()
        try:
            assert here.poll(60)
            with pytest.raises(StoreError, match=r"live\.duckdb: cannot be opened"):
                opened(tmp_path)
        finally:
            process.kill()
            process.join()
            here.close()
            there.close()
        assert [path.name for path in tmp_path.glob("live.duckdb*")] == ["live.duckdb"]

    def test_later_version_is_refused(self, tmp_path: Path) -> None:
        opened(tmp_path).close()
        with duckdb.connect(tmp_path / "live.duckdb") as database:
            database.execute("UPDATE store SET version = 99")
        with pytest.raises(StoreError, match="version 99"):
            opened(tmp_path)


class TestClosingDays:
    def test_closed_day_answers_as_before_and_leaves_the_live_file(self, tmp_path: Path) -> None:
        with opened(tmp_path) as store:
            store.append_ticks([tick(2), tick(1)], RUN)
            store.put_bars([bar("09:00:00", 22800, 4)])
            before = stored(store)
            assert store.open_days() == [DAY]
            store.close_day(DAY)
            assert store.open_days() == []
            assert stored(store) == before
        kinds = [(item.kind, item.source) for item in StoreFolder(tmp_path).segments()]
        assert kinds == [(Kind.TICKS, Source.LIVE), (Kind.BARS, Source.LIVE)]

    def test_late_rows_are_merged_and_known_ones_dropped_after_a_restart(self, tmp_path: Path) -> None:
        with opened(tmp_path) as store:
            store.append_ticks([tick(1), tick(3)], RUN)
            store.close_day(DAY)
        with opened(tmp_path) as store:
            assert store.append_ticks([tick(1), tick(2), tick(3)], RUN) == 1
            assert [item.seq for item in stored(store)] == [1, 2, 3]
            store.close_day(DAY)
            assert [item.seq for item in stored(store)] == [1, 2, 3]
        assert len(StoreFolder(tmp_path).generations(DAY, Kind.TICKS, Source.LIVE)) == 1

    def test_killed_between_segment_and_live_file_no_row_is_doubled(self, tmp_path: Path) -> None:
        with opened(tmp_path / "a") as store:
            store.append_ticks([tick(1), tick(2)], RUN)
            store.close_day(DAY)
            segment = store.folder.segment(DAY, Kind.TICKS, Source.LIVE)
            assert segment is not None
            parquet = segment.read_bytes()
        with opened(tmp_path / "b") as store:
            store.append_ticks([tick(1), tick(2)], RUN)
            folder = store.folder.day(DAY)
            folder.mkdir(parents=True)
        (folder / "ticks-live.1.parquet").write_bytes(parquet)
        with opened(tmp_path / "b") as store:
            assert [item.seq for item in stored(store)] == [1, 2]
            store.close_day(DAY)
            assert [item.seq for item in stored(store)] == [1, 2]
            assert store.open_days() == []

    def test_what_comes_late_for_a_closed_day_answers_once(self, tmp_path: Path) -> None:
        with opened(tmp_path) as store:
            store.append_ticks([tick(1), tick(3)], RUN)
            store.put_bars([bar("09:00:00", 1), bar("09:01:00", 2)])
            store.close_day(DAY)
            store.append_ticks([tick(2)], RUN)
            store.put_bars([bar("09:00:00", 7), bar("09:02:00", 3)])
            assert [item.seq for item in stored(store)] == [1, 2, 3]
            with store.reader() as reader:
                assert reader.bars("TXFK4", DAY, DAY).open.tolist() == [7, 2, 3]
                assert reader.daily_volumes("TXF", DAY, DAY) == {DAY: {"TXFK4": 3}}

    def test_closing_that_fails_after_the_segment_was_written_doubles_no_row(self, tmp_path: Path) -> None:
        with opened(tmp_path) as store:
            store.append_ticks([tick(1), tick(2)], RUN)
            store.put_bars([bar("09:00:00", 1)])
            with duckdb.connect(store.folder.live, config=schema.STORE_CONFIG) as other:
                other.execute("BEGIN")
                other.execute("DELETE FROM ticks")
                with pytest.raises(StoreError, match="2024-11-05"):
                    store.close_day(DAY)
                assert store.folder.segment(DAY, Kind.TICKS, Source.LIVE)
                assert [item.seq for item in stored(store)] == [1, 2]
                with store.reader() as reader:
                    assert reader.bars("TXFK4", DAY, DAY).open.tolist() == [1]
                other.execute("ROLLBACK")
            assert store.append_ticks([tick(3)], RUN) == 1
            store.close_day(DAY)
            assert [item.seq for item in stored(store)] == [1, 2, 3]
            assert store.open_days() == []

    def test_recorded_and_imported_session_are_not_mixed(self, tmp_path: Path) -> None:
        """The recorder missed the morning's first half; the file has all of it."""
        with opened(tmp_path / "store") as store:
            store.append_ticks([tick(1, "13:44:59")], RUN)
            import_files(store.folder, [write(tmp_path, NIGHT + MORNING)], CALENDAR)
            assert [item.price for item in stored(store)] == [23039, 23040, 23041, 22808, 22800, 22810]
            store.close_day(DAY)
            assert [item.price for item in stored(store)] == [23039, 23040, 23041, 22808, 22800, 22810]


class TestSize:
    def test_plan_names_the_oldest_days_before_they_go(self, tmp_path: Path) -> None:
        with opened(tmp_path / "store") as store:
            folder = store.folder
            days = [date(2024, 11, 4), DAY, date(2024, 11, 6)]
            for day in days:
                folder.day(day).mkdir(parents=True)
                (folder.day(day) / "ticks-taifex.1.parquet").write_bytes(bytes(1_000_000))
            assert not store.plan_retention(0).days
            used = store.plan_retention(0).bytes_on_disk
            plan = store.plan_retention((used - 1) / 1e9)
            assert [day.trade_date for day in plan.days] == days[:1]
            assert plan.days[0].bytes_on_disk == 1_000_000
            assert folder.trade_dates() == days
            tight = store.plan_retention(0.0001)
            assert [day.trade_date for day in tight.days] == days[:2]
            store.delete(plan)
            assert folder.trade_dates() == days[1:]

    def test_nothing_is_deleted_while_an_import_runs(self, tmp_path: Path) -> None:
        with (
            opened(tmp_path) as store,
            store.folder.writing(Source.TAIFEX),
            pytest.raises(StoreError, match="is writing there"),
        ):
            store.delete(store.plan_retention(0))
