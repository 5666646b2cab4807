"""The recorder process: every tick once whatever is killed and dropped, and a store that tells how it is."""

import csv
import gzip
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
from engine.model.session import TAIPEI
from engine.settings import Settings, Store, Supervision
from engine.storage.columns import BarColumns, TickColumns
from engine.storage.places import StorePlace
from engine.storage.reading import StoreReader
from engine.storage.store import MarketStore
from engine.timing import NS_PER_S
from engine.wire.keys import Role
from engine.wire.messages import GetHistory, HistoryKind, HistoryPage, ProcessState
from engine.wire.rail import ticks_of
from engine.wire.sockets import Requester
from tests.process.relaying import relayed
from tests.process.running import CALENDAR, Ear, Engine, running, settings_for_tests, until

PATIENT_S = 60.0
NOVEMBER, DECEMBER = "TXFK4", "TXFL4"
MONTHS = {NOVEMBER: "202411", DECEMBER: "202412"}
SETTLEMENT = date(2024, 11, 20)


def recording(folder: Path, **changes: Any) -> tuple[Settings, StorePlace]:
    """Settings with a recorder that is started again as often as it is killed, and its store."""
    store = Store(recorder=True, **({"flush_s": 0.1} | changes))
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
