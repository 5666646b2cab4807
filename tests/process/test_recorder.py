"""The recorder process: every tick once whatever is killed and dropped, and a store that tells how it is."""

import csv
import dataclasses
import gzip
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from engine.brokers.replay import ReplayBroker
from engine.brokers.tape import Tape
from engine.host import RECORDER
from engine.model.bar import Bar
from engine.model.order import Side
from engine.model.session import TAIPEI
from engine.model.tick import Book
from engine.settings import Market, Settings, Store, Supervision
from engine.storage.columns import BarColumns, TickColumns
from engine.storage.importing import import_files
from engine.storage.layout import Kind, StoreFolder
from engine.storage.places import StorePlace
from engine.storage.reading import StoreReader
from engine.storage.store import MarketStore
from engine.timing import NS_PER_S
from engine.wire.keys import Role
from engine.wire.messages import GetHistory, HistoryKind, HistoryPage, ProcessState, StoreHealth
from engine.wire.rail import ticks_of
from engine.wire.sockets import Requester
from tests.process.programs import program, replayed
from tests.process.relaying import relayed
from tests.process.running import CALENDAR, SYMBOL, Ear, Engine, running, settings_for_tests, simulated, until

PATIENT_S = 60.0
NOVEMBER, DECEMBER = "TXFK4", "TXFL4"
MONTHS = {NOVEMBER: "202411", DECEMBER: "202412"}
SETTLEMENT = date(2024, 11, 20)


def recording(folder: Path, **changes: Any) -> tuple[Settings, StorePlace]:
    """Settings with a recorder that is started again as often as it is killed, and its store."""
    store = Store(**({"recorder": True, "flush_s": 0.1} | changes))
    supervision = Supervision(restart_delay_s=0.02, restart_delay_max_s=0.1, max_early_deaths=50)
    settings = settings_for_tests(store=store, supervision=supervision)
    return settings, StorePlace(path=folder / "store", records=True)


@contextmanager
def asking(engine: Engine, role: Role = Role.READER) -> Iterator[Requester]:
    """A client of the recorder."""
    host = engine.host
    until(lambda: bool(host.history_endpoint), "a recorder that is ready")
    with Requester(
        host.history_endpoint, source="test", wire=host.settings.wire, keys=host.client_keys(role)
    ) as requester:
        yield requester


@contextmanager
def hearing(engine: Engine, *topics: str) -> Iterator[Ear]:
    """What the recorder tells."""
    ear = Ear(engine.host.telemetry_endpoint, topics, engine.host)
    try:
        yield ear
    finally:
        ear.close()


def recorded(engine: Engine, requester: Requester, symbol: str) -> list[int]:
    """The numbers of the ticks of this run that the recorder has, page by page."""
    run, found = engine.snapshot().run, [0]
    while True:
        question = GetHistory(kind=HistoryKind.TICKS, symbol=symbol, run=run, after_seq=found[-1], limit=20_000)
        page: HistoryPage = requester.request(question)
        found += [tick.seq for tick in ticks_of(page)]
        if page.is_complete:
            return found[1:]


def kill(engine: Engine, last: int) -> int:
    """Kills the recorder once another process than the last one runs; its id."""
    until(lambda: engine.host.pid(RECORDER) not in (0, last), "another recorder", PATIENT_S)
    pid = engine.host.pid(RECORDER)
    psutil.Process(pid).kill()
    return pid


def expected_minutes(market_data: Path, month: str) -> list[tuple[int, ...]]:
    """A third party's 1-minute bars of TX: start, open, high, low, close, volume."""
    path = market_data / "taifex" / "expected_1min_2024_11_20.csv.gz"
    found = []
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if (row["symbol"], row["exp_month"]) == ("TX", month):
                start = int(datetime.fromisoformat(row["time"]).replace(tzinfo=TAIPEI).timestamp()) * NS_PER_S
                prices = [round(float(row[name])) for name in ("open", "high", "low", "close")]
                found.append((start, *prices, int(row["volume"])))
    return sorted(found)


def minutes(bars: BarColumns) -> list[tuple[int, ...]]:
    names = ("start_ns", "open", "high", "low", "close", "volume")
    return list(zip(*(getattr(bars, name).tolist() for name in names), strict=True))


def as_row(bar: Bar) -> tuple[int, ...]:
    return bar.start_ns, bar.open, bar.high, bar.low, bar.close, bar.volume


@contextmanager
def stored(place: StorePlace) -> Iterator[StoreReader]:
    """The store, once its recorder has ended."""
    with MarketStore(place.path, CALENDAR) as store, store.reader() as reader:
        yield reader


def check_whole(broker: ReplayBroker, symbol: str, found: TickColumns) -> None:
    """Every print of the file once, in its order, as the file has it."""
    told = [item for item in broker.tape.ticks if item.symbol == symbol]
    assert found.seq.tolist() == list(range(1, len(told) + 1))
    for name in ("ts_event", "price", "quantity"):
        assert np.array_equal(getattr(found, name), [getattr(item.print, name) for item in told]), name
    assert np.array_equal(found.total_volume, [item.total_volume for item in told])
    assert len(set(found.run.tolist())) == 1


# --- nothing lost, nothing twice ---------------------------------------------------------------------------------


def test_killed_five_times_on_a_feed_that_drops_it_has_every_tick_once(
    market_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = market_data / "taifex" / "Daily_2024_11_20.zip"
    broker = ReplayBroker(Tape.of_file(path, (NOVEMBER, DECEMBER), CALENDAR), speed=8_000.0, calendar=CALENDAR)
    broker.hold()
    settings, place = recording(tmp_path)
    chance = random.Random(20241120)
    total = len(broker.tape)
    moments = sorted(chance.randrange(total // 20, total * 19 // 20) for _ in range(5))
    with (
        relayed(monkeypatch, seed=7) as relays,
        running(broker, tmp_path, settings, store=place) as engine,
        hearing(engine, "market.candle.") as ear,
    ):
        until(lambda: bool(engine.host.history_endpoint), "a recorder that is ready")
        broker.release()
        last = 0
        for moment in moments:
            until(lambda moment=moment: broker.position >= moment, f"tick {moment}", PATIENT_S)  # type: ignore[misc]
            last = kill(engine, last)
        until(lambda: broker.position == total, "the end of the replay", PATIENT_S)
        with asking(engine) as requester:
            for symbol in MONTHS:
                count = sum(item.symbol == symbol for item in broker.tape.ticks)
                until(
                    lambda symbol=symbol, count=count: len(recorded(engine, requester, symbol)) == count,  # type: ignore[misc]
                    f"{count} ticks of {symbol}",
                    PATIENT_S,
                )
        until(lambda: engine.states_of(RECORDER).count(ProcessState.DEAD) == 5, "five deaths")
        until(lambda: engine.host.total("gaps", RECORDER) > 0, "gaps")
        assert engine.host.total("lost", RECORDER) == 0
        assert relays[0].dropped > 500
        assert relays[0].doubled > 100
        assert relays[0].swapped > 100
        count = sum(len(expected_minutes(market_data, month)) - 1 for month in MONTHS.values())
        until(lambda: len({(bar.symbol, bar.start_ns) for bar in ear.of(Bar)}) >= count, "all bars told")
        told = ear.of(Bar)
    with stored(place) as reader:
        for symbol, month in MONTHS.items():
            check_whole(broker, symbol, reader.last_ticks(symbol, 10**6))
            bars = minutes(reader.bars(symbol, SETTLEMENT, SETTLEMENT))
            assert bars == expected_minutes(market_data, month)
            by_start = {bar.start_ns: bar for bar in told if bar.symbol == symbol}
            for bar in bars[:-1]:
                assert as_row(by_start[bar[0]]) == bar
    assert not list((place.path / "spool").iterdir())


@pytest.mark.parametrize(("flush_s", "stretch"), [(3_600.0, 12_000), (0.05, 0)])
def test_what_a_killed_program_had_taken_is_there_after_the_next_start(
    market_data: Path, tmp_path: Path, flush_s: float, stretch: int
) -> None:
    path = market_data / "taifex" / "Daily_2024_11_05.zip"
    settings, place = recording(tmp_path, flush_s=flush_s)
    with program(path, NOVEMBER, tmp_path / "first", settings, place) as first:
        assert first.told().taken == 0
        first.play(stretch)
        enough = stretch or 5_000
        while (told := first.told()).taken < enough:
            pass
        first.kill(told.pid)
    left = list((place.path / "spool").iterdir())
    with stored(place) as reader:
        written = reader.last_ticks(NOVEMBER, 10**6).seq.tolist()
    assert written == list(range(1, len(written) + 1))
    if stretch:
        assert (written, told.written) == ([], 0), "only the spool had them"
        assert len(left) == 1
    broker = replayed(path, NOVEMBER)
    broker.hold()
    with running(broker, tmp_path / "second", settings, store=place) as engine, asking(engine) as requester:
        assert engine.snapshot().run != told.run
        until(lambda: not any(path in left for path in (place.path / "spool").iterdir()), "an empty spool")
        question = GetHistory(kind=HistoryKind.TICKS, symbol=NOVEMBER, run=told.run, after_seq=0, limit=100_000)
        ticks = ticks_of(requester.request(question))
    assert len(ticks) >= told.taken
    as_filed = [
        (item.number, item.print.price, item.print.quantity, item.total_volume) for item in broker.tape.ticks
    ]
    assert [(tick.seq, tick.price, tick.quantity, tick.total_volume) for tick in ticks] == as_filed[: len(ticks)]
    with stored(place) as reader:
        bars = reader.bars(NOVEMBER, date(2024, 11, 5), date(2024, 11, 5))
        assert sum(bars.volume) == sum(tick.quantity for tick in ticks)


# --- one writer, and how it is -----------------------------------------------------------------------------------


def test_a_store_that_another_process_writes_is_left_alone_and_its_holder_named(
    tmp_path: Path, expected_errors: list[Any]
) -> None:
    settings, place = recording(tmp_path)
    supervision = Supervision(restart_delay_s=0.02, restart_delay_max_s=0.02, max_early_deaths=2)
    settings = dataclasses.replace(settings, supervision=supervision)
    with MarketStore(place.path, CALENDAR) as held, simulated(tmp_path, settings=settings, store=place) as engine:
        until(lambda: ProcessState.GAVE_UP in engine.states_of(RECORDER), "giving up", PATIENT_S)
        texts = [status.text for status in engine.life_of(RECORDER) if status.state is ProcessState.DEAD]
        assert f"process {os.getpid()} is writing there" in texts[0]
        assert engine.host.history_endpoint == ""
        assert engine.filled(engine.submit(engine.command())).filled == 1, "the program goes on"
        held.close()
        engine.host.start_again(RECORDER)
        until(lambda: bool(engine.host.history_endpoint), "a recorder")
        with asking(engine) as requester:
            until(lambda: len(recorded(engine, requester, SYMBOL)) > 0, "ticks")


def test_it_tells_how_the_store_is_and_answers_at_the_same_place_after_a_death(tmp_path: Path) -> None:
    settings, place = recording(tmp_path)
    with simulated(tmp_path, settings=settings, store=place) as engine, hearing(engine, "telemetry.store") as ear:

        def healths() -> list[StoreHealth]:
            return ear.of(StoreHealth)

        until(lambda: bool(healths()) and healths()[-1].rows > 20, "rows")
        until(lambda: healths()[-1].size_bytes > 0, "a size")
        health = healths()[-1]
        assert (health.missing, health.text) == (0, "")
        assert health.ts_flushed > engine.snapshot().run
        assert all(item.lag_ms < 1_000 * PATIENT_S for item in healths())
        before = engine.host.history_endpoint
        with asking(engine) as requester:
            kill(engine, 0)
            seen = len(engine.ticks())
            until(lambda: len(recorded(engine, requester, SYMBOL)) > seen, "ticks after the death")
        assert engine.host.history_endpoint == before
        assert engine.host.restarts == 1


def test_an_answer_holds_all_that_the_recorder_has_taken(tmp_path: Path) -> None:
    settings, place = recording(tmp_path, flush_s=3_600.0)
    with simulated(tmp_path, settings=settings, store=place) as engine, asking(engine) as requester:
        until(lambda: len(engine.ticks()) > 50, "ticks")
        until(lambda: len(recorded(engine, requester, SYMBOL)) > 50, "ticks in an answer")
        question = GetHistory(kind=HistoryKind.BOOKS, symbol=SYMBOL)
        until(lambda: requester.request(question).rows > 10, "books")
        books: HistoryPage = requester.request(question)
        columns = {name: np.frombuffer(column, "<i8") for name, column in books.columns.items()}
        sent = {book.seq: book for book in engine.feed.of(Book)}
        for row, seq in enumerate(columns["seq"].tolist()):
            if book := sent.get(seq):
                assert columns["bid1_price"][row] == book.bids[0].price
                assert columns["ask5_quantity"][row] == book.asks[4].quantity


def test_it_says_which_days_go_before_any_goes(market_data: Path, tmp_path: Path) -> None:
    settings, place = recording(tmp_path, max_gb=1e-6)
    files = [market_data / "taifex" / f"Daily_2024_11_{day}.zip" for day in ("05", "06")]
    assert not import_files(StoreFolder(place.path), files, CALENDAR).refused
    with simulated(tmp_path, settings=settings, store=place) as engine, hearing(engine, "telemetry.store") as ear:
        until(lambda: bool(ear.of(StoreHealth)) and "deleted" in ear.of(StoreHealth)[-1].text, "a warning")
        text = ear.of(StoreHealth)[-1].text
        assert "2024-11-05" in text
        assert "2024-11-06" not in text, "the newest day stays"
        assert "max_gb" in text
        assert StoreFolder(place.path).segments(Kind.TICKS, last=date(2024, 11, 5)), "nothing has gone"


@pytest.mark.parametrize("records", [True, False])
def test_a_strategy_takes_from_the_recorder_what_the_ring_has_no_more(
    tmp_path: Path, records: bool, expected_errors: list[Any]
) -> None:
    settings, place = recording(tmp_path, recorder=records)
    settings = dataclasses.replace(settings, market=Market(ring_ticks=20))
    with simulated(tmp_path, settings=settings, trading=True, store=place) as engine:
        if records:
            until(lambda: bool(engine.host.history_endpoint), "a recorder")
        engine.put("c", Side.BUY, engine.last_price - 5_000)
        armed = engine.condition("c").tick_seq
        until(lambda: engine.ticks()[-1].seq > armed + 100, "more ticks than the ring holds", PATIENT_S)
        life = len(engine.states_of("strategy-1"))
        psutil.Process(engine.host.pid("strategy-1")).kill()
        until(lambda: ProcessState.READY in engine.states_of("strategy-1")[life:], "another strategy", PATIENT_S)
        until(lambda: engine.host.counts["strategy-1"].get("ticks", 0) > 0, "ticks of it")
        assert (engine.host.total("lost") == 0) is records
