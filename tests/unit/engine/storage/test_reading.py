"""Questions to a store: the order of runs, whose session answers, and what a page costs. Real files."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine.model.session import TAIPEI, SessionKind
from engine.model.tick import Book, Level, Tick, TickFlag
from engine.storage.days import DayReader
from engine.storage.exporting import Export, FileFormat, What, export
from engine.storage.importing import import_files
from engine.storage.layout import StoreFolder
from engine.storage.serving import HistoryReader
from engine.storage.store import MarketStore
from engine.timing import NS_PER_S
from tests.unit.engine.storage.daily_files import CALENDAR, DAY, MORNING, NIGHT, write

RUN = 1_730_000_000_000_000_000
HOUR_NS = 3600 * NS_PER_S
SYMBOL = "TXFK4"
PRICES = [1, 2, 3, 4, 5]


def at(text: str) -> int:
    return int(datetime.fromisoformat(f"2024-11-05 {text}").replace(tzinfo=TAIPEI).timestamp()) * NS_PER_S


def tick(seq: int, time: str, price: int = 22_800, *, flags: int = 0, quantity: int = 2) -> Tick:
    stamp = at(time)
    return Tick(symbol=SYMBOL, seq=seq, ts_event=stamp, ts_recv=stamp, price=price, quantity=quantity, flags=flags)


def book(seq: int, time: str, price: int) -> Book:
    levels = (Level(price=price, quantity=1),)
    return Book(symbol=SYMBOL, seq=seq, ts_event=at(time), ts_recv=at(time), bids=levels)


class TestClockSetBack:
    """The gateway that began later has the smaller run: in between the computer's clock was set back."""

    @pytest.fixture(params=["open", "closed"])
    def store(self, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MarketStore]:
        with MarketStore(tmp_path / "store", CALENDAR) as store:
            store.append_ticks([tick(1, "09:00:00", 1), tick(2, "09:10:00", 2)], RUN)
            store.append_books([book(1, "09:00:00", 1), book(2, "09:10:00", 2)], RUN)
            later = [tick(1, "10:00:00", 3), tick(2, "10:10:00", 4), tick(3, "10:10:00", 5)]
            store.append_ticks(later, RUN - HOUR_NS)
            store.append_books([book(1, "10:00:00", 3)], RUN - HOUR_NS)
            if request.param == "closed":
                store.close_day(DAY)
            yield store

    def test_prints_come_in_the_order_of_the_exchange(self, store: MarketStore) -> None:
        with store.reader() as reader:
            (day,) = reader.tick_days(SYMBOL, DAY, DAY)
            assert day.price.tolist() == PRICES
            for count in (1, 2, 3, 4):
                assert reader.last_ticks(SYMBOL, count).price.tolist() == PRICES[-count:]
            assert reader.last_ticks(SYMBOL, 2, at("10:10:00")).price.tolist() == [2, 3]
            assert reader.ticks(SYMBOL, at("09:10:00"), at("10:10:00")).price.tolist() == [2, 3]

    def test_pages_cut_where_the_exchange_was(self, store: MarketStore) -> None:
        with store.reader() as reader:
            history = HistoryReader.of(reader)
            page, is_complete = history.tick_page(SYMBOL, 0, 0, 4, is_newest=True)
            assert (page["price"].tolist(), is_complete) == (PRICES[1:], False)
            page, is_complete = history.tick_page(SYMBOL, 0, 0, 2, is_newest=False)
            assert (page["price"].tolist(), is_complete) == (PRICES[:2], False)
            page, is_complete = history.book_page(SYMBOL, 0, 0, 2, is_newest=True)
            assert (page["bid1_price"].tolist(), is_complete) == ([2, 3], False)
            history.close()

    def test_bars_and_sessions_open_and_close_where_the_exchange_did(self, store: MarketStore) -> None:
        with store.reader() as reader:
            bars = reader.bars(SYMBOL, DAY, DAY, span_ns=5 * HOUR_NS - NS_PER_S)
            assert (bars.open.tolist(), bars.close.tolist()) == ([1], [5])
            (session,) = reader.sessions()
            assert (session.open, session.close) == (Decimal(1), Decimal(5))
            assert (session.rows, session.lots) == (5, 10)

    def test_an_export_has_that_order_and_no_column_more(self, store: MarketStore, tmp_path: Path) -> None:
        wanted = Export(what=What.TICKS, first=DAY, last=DAY, symbol=SYMBOL, format=FileFormat.CSV)
        with store.reader() as reader:
            export(reader, wanted, tmp_path / "ticks.csv")
        header, *lines = (tmp_path / "ticks.csv").read_text().splitlines()
        names = header.split(",")
        assert "begun" not in names
        assert [int(line.split(",")[names.index("price")]) for line in lines] == PRICES


class TestTrialMatches:
    def test_their_lots_do_not_make_a_source_the_longer_one(self, tmp_path: Path) -> None:
        with MarketStore(tmp_path / "store", CALENDAR) as store:
            trial = tick(1, "08:40:00", 30_000, flags=TickFlag.TRIAL, quantity=5_000)
            store.append_ticks([trial, tick(2, "09:00:00")], RUN)
            store.close_day(DAY)  # of a recorder that was killed before it wrote bars
            with store.reader() as reader:
                (session,) = reader.sessions()
                assert (session.rows, session.lots, session.high) == (1, 2, Decimal(22_800))
            with DayReader(store.folder, CALENDAR) as days:
                (found,) = days.days()
                assert found.lots(SYMBOL) == 2
            assert not import_files(store.folder, [write(tmp_path, MORNING)], CALENDAR).refused
            with store.reader() as reader:
                assert reader.last_ticks(SYMBOL, 100).price.tolist() == [22808, 22800, 22810]


def test_recorded_prints_are_answered_by_number_beside_a_fuller_file(tmp_path: Path) -> None:
    """Who missed a number asks for that of the recorder; the exchange's file has numbers of its own."""
    with MarketStore(tmp_path / "store", CALENDAR) as store:
        store.append_ticks([tick(seq, f"09:0{seq}:00", seq) for seq in range(1, 6)], RUN)
        assert not import_files(store.folder, [write(tmp_path, (*NIGHT, *MORNING))], CALENDAR).refused
        for is_closed in (False, True):
            if is_closed:
                store.close_day(DAY)
            with store.reader() as reader:
                assert len(reader.last_ticks(SYMBOL, 100)) == 6
                history = HistoryReader.of(reader)
                page, is_complete = history.ticks_after(SYMBOL, RUN, 2, 100)
                assert (page["seq"].tolist(), page["price"].tolist(), is_complete) == ([3, 4, 5], [3, 4, 5], True)
                history.close()


class _Counting(HistoryReader):
    """Counts what it asks the database."""

    asked = 0

    def _columns(self, query: str, parameters: list[object]) -> Any:
        self.asked += 1
        return super()._columns(query, parameters)


class TestManyDays:
    DAYS = 20
    A_DAY = 3

    @pytest.fixture
    def folder(self, tmp_path: Path) -> StoreFolder:
        with MarketStore(tmp_path / "store", CALENDAR) as store:
            day = DAY
            for number in range(self.DAYS):
                opens = CALENDAR.session(day, SessionKind.DAY).open_ns
                times = [opens + place * NS_PER_S for place in range(self.A_DAY)]
                found = [replace(tick(seq, "09:00:00"), ts_event=ts) for seq, ts in enumerate(times, 1)]
                store.append_ticks(found, RUN - number)
                store.append_books([replace(book(1, "09:00:00", 1), ts_event=opens)], RUN - number)
                store.close_day(day)
                day = CALENDAR.previous_trading_day(day)
            return store.folder

    @pytest.mark.parametrize("is_newest", [True, False])
    def test_a_contract_without_rows_costs_few_questions(self, folder: StoreFolder, is_newest: bool) -> None:
        with _Counting(folder, CALENDAR) as reader:
            for ask in (reader.tick_page, reader.book_page):
                reader.asked = 0
                page, is_complete = ask("TXFA9", 0, 0, 1_000, is_newest=is_newest)
                assert (len(page["ts_event"]), is_complete) == (0, True)
                assert 1 <= reader.asked <= 5

    @pytest.mark.parametrize("limit", [1, 7, 59, 60, 61])
    @pytest.mark.parametrize("is_newest", [True, False])
    def test_pages_over_days_give_all_in_order(self, folder: StoreFolder, is_newest: bool, limit: int) -> None:
        found: list[int] = []
        begin = end = 0
        is_complete = False
        with HistoryReader(folder, CALENDAR) as reader:
            while not is_complete:
                page, is_complete = reader.tick_page(SYMBOL, begin, end, limit, is_newest=is_newest)
                times = page["ts_event"].tolist()
                assert 0 < len(times) <= limit
                found = times + found if is_newest else found + times
                begin, end = (0, times[0]) if is_newest else (times[-1] + 1, 0)
            whole = reader.last_ticks(SYMBOL, 1_000).ts_event.tolist()
        assert len(whole) == self.DAYS * self.A_DAY
        assert found == whole == sorted(whole)
