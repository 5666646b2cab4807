"""The exchange's own daily files against independently computed sessions and a third party's minute bars."""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from engine.formats.minutes import MinuteConvention, MinutesAre
from engine.model.instrument import instrument, symbol_of
from engine.model.session import TAIPEI, SessionKind
from engine.model.tick import TickFlag
from engine.storage.continuous import Adjustment, RollRule, continuous_bars
from engine.storage.contracts import OTHER_PRECISION, file_symbol
from engine.storage.exporting import SESSION_COLUMNS
from engine.storage.importing import import_files
from engine.storage.layout import Kind, StoreFolder
from engine.storage.reading import StoreReader
from engine.strategies.bars import BarBuilder
from engine.timing import NS_PER_S
from tests.unit.engine.storage.daily_files import CALENDAR

DAILY = ("Daily_2024_11_05.zip", "Daily_2024_11_06.zip", "Daily_2024_11_20.zip", "Daily_2025_01_02.zip")
NIGHT_ONLY = "Daily_2025_01_02.night_only.zip"
SETTLEMENT = date(2024, 11, 20)
ROWS = 498_698 + 601_407 + 636_901 + 482_192


@pytest.fixture(scope="module")
def folder(market_data: Path, tmp_path_factory: pytest.TempPathFactory) -> StoreFolder:
    store = StoreFolder(tmp_path_factory.mktemp("store"))
    summary = import_files(store, [market_data / "taifex" / name for name in DAILY], CALENDAR)
    assert not summary.refused
    assert sum(item.written for item in summary.imported) == ROWS
    return store


@pytest.fixture
def reader(folder: StoreFolder) -> Iterator[StoreReader]:
    with StoreReader(folder, CALENDAR) as opened:
        yield opened


def test_sessions_equal_the_expected(market_data: Path, reader: StoreReader) -> None:
    with (market_data / "taifex" / "expected_sessions.csv").open(encoding="utf-8", newline="") as file:
        expected = [tuple(row[name] for name in SESSION_COLUMNS) for row in csv.DictReader(file)]
    found = [
        tuple(str(getattr(item, name)) for name in SESSION_COLUMNS)
        for item in reader.sessions()
        if item.product in ("TX", "MTX", "TMF")
    ]
    assert len(expected) == 209
    assert sorted(found) == sorted(expected)


def test_minute_bars_of_all_products_equal_a_third_partys(market_data: Path, reader: StoreReader) -> None:
    path = market_data / "taifex" / "expected_1min_2024_11_20.csv.gz"
    expected = defaultdict(list)
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if "/" not in row["exp_month"]:
                whole = row["symbol"] in ("TX", "MTX", "TMF")
                scale = 1 if whole else 10**OTHER_PRECISION
                prices = [round(float(row[name]) * scale) for name in ("open", "high", "low", "close")]
                start = int(datetime.fromisoformat(row["time"]).replace(tzinfo=TAIPEI).timestamp()) * NS_PER_S
                expected[file_symbol(row["symbol"], row["exp_month"])].append((start, *prices, int(row["volume"])))
    rows, parameters = reader.rows(Kind.BARS, SETTLEMENT, SETTLEMENT, "TRUE")
    found = defaultdict(list)
    columns = "symbol, start_ns, open, high, low, close, volume"
    with duckdb.connect() as database:
        for symbol, *bar in database.execute(
            f"SELECT {columns} FROM ({rows}) ORDER BY ALL", parameters
        ).fetchall():
            found[symbol].append(tuple(bar))
    assert sum(map(len, expected.values())) == 45_755
    assert found.keys() == expected.keys()
    for symbol, bars in expected.items():
        assert found[symbol] == sorted(bars), symbol


@pytest.mark.parametrize("order", [(0, 1), (1, 0, 0, 1)])
def test_early_file_and_whole_file_in_any_order_give_the_whole(
    market_data: Path, folder: StoreFolder, tmp_path: Path, order: tuple[int, ...]
) -> None:
    files = [market_data / "taifex" / (NIGHT_ONLY, DAILY[3])[index] for index in order]
    both = StoreFolder(tmp_path / "both")
    summary = import_files(both, files, CALENDAR)
    assert sum(item.written for item in summary.imported) == 482_192
    day = date(2025, 1, 2)
    whole = {(item.kind, item.source): item.path for item in folder.segments(first=day)}
    found = {(item.kind, item.source): item.path for item in both.segments()}
    assert found.keys() == whole.keys()
    for key, path in found.items():
        with duckdb.connect() as database:
            query = "SELECT count(*) FROM ((FROM read_parquet(?) EXCEPT ALL FROM read_parquet(?)))"
            for pair in ([path, whole[key]], [whole[key], path]):
                assert database.execute(query, [str(item) for item in pair]).fetchall() == [(0,)], key


@pytest.mark.parametrize("session", [None, SessionKind.DAY])
@pytest.mark.parametrize("seconds", [20, 60, 90, 300, 3600, 7200, 86400])
def test_bars_of_any_size_equal_those_built_live(
    reader: StoreReader, seconds: int, session: SessionKind | None
) -> None:
    span = seconds * NS_PER_S
    for symbol in ("TXFK4", "TXFL4"):
        expiry = instrument(symbol, near=SETTLEMENT, calendar=CALENDAR).last_trading_day
        builder = BarBuilder(span, CALENDAR, expiry)
        (prints,) = reader.tick_days(symbol, SETTLEMENT, SETTLEMENT, session)
        expected = [bar for tick in prints.ticks() if (bar := builder.add(tick))]
        last = builder.close_due(int(prints.ts_event[-1]) + 86_400 * NS_PER_S)
        assert last is not None
        found = reader.bars(symbol, SETTLEMENT, SETTLEMENT, span_ns=span, session=session)
        assert list(found.bars(span)) == [*expected, last]


def test_a_days_bar_is_night_and_day_together(reader: StoreReader) -> None:
    found = reader.day_bars("TXFK4", date(2024, 11, 1), date(2024, 11, 6))
    sessions = [
        item for item in reader.sessions("TX", date(2024, 11, 5), date(2024, 11, 5)) if item.contract == "202411"
    ]
    day, night = sessions
    assert found.trade_date.tolist() == [date(2024, 11, 5), date(2024, 11, 6)]
    assert (found.open[0], found.close[0]) == (night.open, day.close)
    assert (found.high[0], found.low[0]) == (max(night.high, day.high), min(night.low, day.low))
    assert found.volume[0] == night.lots + day.lots
    only = reader.day_bars("TXFK4", date(2024, 11, 5), date(2024, 11, 5), session=SessionKind.NIGHT)
    assert (only.close[0], only.volume[0], only.is_night[0]) == (night.close, night.lots, True)


def test_ticks_by_instants_and_the_last_ones(reader: StoreReader) -> None:
    start = int(datetime(2024, 11, 5, 13, 44, 59, tzinfo=TAIPEI).timestamp()) * NS_PER_S
    found = reader.ticks("TXFK4", start, start + 86_400 * NS_PER_S)
    assert found.ts_event[0] == start
    assert found.ts_event[-1] < start + 86_400 * NS_PER_S
    assert set(found.trade_date.tolist()) == {date(2024, 11, 5), date(2024, 11, 6)}
    assert not reader.ticks("TXFK4", start, start)
    last = reader.last_ticks("TXFK4", 100_000, before_ns=start)
    everything = reader.ticks("TXFK4", 0, start)
    assert len(everything) < 100_000
    assert last.seq.tolist() == everything.seq.tolist()
    assert reader.last_ticks("TXFK4", 10, before_ns=start).price.tolist() == everything.price[-10:].tolist()
    over = reader.last_ticks("TXFK4", 100_000)
    assert len(over) == 100_000
    assert over.trade_date[0] < over.trade_date[-1]
    assert over.flags[-1] in (TickFlag.NONE, TickFlag.OPENING)


class TestContinuous:
    FIRST, LAST = date(2024, 11, 1), date(2025, 1, 31)

    def test_settlement_rule_goes_over_after_the_last_trading_day(self, reader: StoreReader) -> None:
        found = continuous_bars(reader, "TXF", self.FIRST, self.LAST, CALENDAR)
        assert found.contracts == {
            date(2024, 11, 5): "TXFK4",
            date(2024, 11, 6): "TXFK4",
            SETTLEMENT: "TXFK4",
            date(2025, 1, 2): "TXFA5",
        }
        (roll,) = found.rolls
        assert (roll.old, roll.new, roll.trade_date) == ("TXFK4", "TXFA5", date(2025, 1, 2))
        lengths = [
            len(reader.bars("TXFK4", self.FIRST, SETTLEMENT)),
            len(reader.bars("TXFA5", roll.trade_date, self.LAST)),
        ]
        assert len(found.bars) == sum(lengths)
        assert found.bars.start_ns.tolist() == sorted(found.bars.start_ns.tolist())

    def test_step_is_measured_where_the_old_contract_ends(self, reader: StoreReader) -> None:
        (roll,) = continuous_bars(reader, "TXF", self.FIRST, self.LAST, CALENDAR).rolls
        old = reader.bars("TXFK4", SETTLEMENT, SETTLEMENT)
        new = reader.bars("TXFA5", SETTLEMENT, SETTLEMENT)
        price = new.close[new.start_ns <= old.start_ns[-1]][-1]
        assert roll.step == price - old.close[-1]
        assert roll.step != 0

    def test_back_adjusted_prices_move_by_the_step_before_it(self, reader: StoreReader) -> None:
        plain = continuous_bars(reader, "TXF", self.FIRST, self.LAST, CALENDAR)
        moved = continuous_bars(reader, "TXF", self.FIRST, self.LAST, CALENDAR, adjustment=Adjustment.BACK)
        (roll,) = moved.rolls
        before = plain.bars.trade_date.astype(object) < roll.trade_date
        for name in ("open", "high", "low", "close"):
            differences = getattr(moved.bars, name) - getattr(plain.bars, name)
            assert set(differences[before].tolist()) == {roll.step}
            assert set(differences[~before].tolist()) == {0}
        assert moved.bars.volume.tolist() == plain.bars.volume.tolist()

    def test_volume_rule_waits_for_more_volume(self, reader: StoreReader) -> None:
        """On the settlement day November still traded more than December: the roll is that of the settlement."""
        volumes = reader.daily_volumes("TXF", SETTLEMENT, SETTLEMENT)[SETTLEMENT]
        assert volumes["TXFL4"] < volumes["TXFK4"]
        found = continuous_bars(reader, "TX", SETTLEMENT, self.LAST, CALENDAR, rule=RollRule.VOLUME)
        assert found.contracts == {SETTLEMENT: "TXFK4", date(2025, 1, 2): "TXFA5"}


def test_front_month_of_thirty_days_is_that_of_the_file(market_data: Path, tmp_path: Path) -> None:
    """A file of front-month minutes: its contracts and its prints of the closing second."""
    path = market_data / "bars" / "txf_1min_2026_05_12_to_06_23.csv.gz"
    store = StoreFolder(tmp_path / "store")
    convention = MinuteConvention(minutes_are=MinutesAre.START, symbol="TXF")
    (imported,) = import_files(store, [path], CALENDAR, minutes=convention).imported
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    contracts = {date.fromisoformat(row["trade_date"]): symbol_of("TXF", row["contract"]) for row in rows}
    assert set(imported.trade_dates) == set(contracts)
    with StoreReader(store, CALENDAR) as reader:
        found = continuous_bars(reader, "TXF", min(contracts), max(contracts), CALENDAR)
    assert found.contracts == contracts
    assert found.bars.volume.sum() == sum(int(row["volume"]) for row in rows)
    nights = sum(row["session"] == "night" for row in rows if not row["time"].startswith("05:00", 11))
    assert found.bars.is_night.sum() == nights
    assert not import_files(store, [path], CALENDAR, minutes=convention).imported[0].is_change
