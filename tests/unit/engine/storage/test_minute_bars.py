"""1-minute bars of the live market: which minutes are looked at, and what counts as told."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from engine.model.session import SessionKind
from engine.model.tick import Tick
from engine.storage.columns import TickColumns
from engine.storage.layout import Source
from engine.storage.minute_bars import MinuteBars
from engine.storage.reading import MINUTE_NS, StoreReader
from engine.storage.store import MarketStore
from engine.timing import NS_PER_S
from tests.unit.engine.storage.daily_files import CALENDAR

RUN = 1_730_000_000_000_000_000
SESSION = CALENDAR.session(date(2024, 11, 5), SessionKind.DAY)
NOVEMBER = "TXFK4"


def tick(seq: int, ts_ns: int) -> Tick:
    return Tick(symbol=NOVEMBER, seq=seq, ts_event=ts_ns, ts_recv=ts_ns, price=22_000 + seq, quantity=1)


class CountingReader(StoreReader):
    """Notes the ranges that are read."""

    reads: list[tuple[int, int]]

    def ticks(self, symbol: str, start_ns: int, end_ns: int, *, source: Source | None = None) -> TickColumns:
        self.reads.append((start_ns, end_ns))
        return super().ticks(symbol, start_ns, end_ns, source=source)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[MarketStore]:
    with MarketStore(tmp_path, CALENDAR) as opened:
        yield opened


@pytest.fixture
def reader(store: MarketStore) -> Iterator[CountingReader]:
    with CountingReader(store.folder, CALENDAR, live=store._database) as opened:
        opened.reads = []
        yield opened


def test_only_the_minutes_of_the_prints_are_read(store: MarketStore, reader: CountingReader) -> None:
    """Also where one has an exchange time of decades ago, or to come."""
    bars = MinuteBars(reader, CALENDAR)
    good = tick(3, SESSION.open_ns + 5 * MINUTE_NS + 1)
    ticks = [tick(1, 0), good, tick(2, 2**62)]
    store.append_ticks(ticks, RUN)
    bars.touch(ticks)
    changes = bars.changed()
    assert reader.reads == [(SESSION.open_ns + 5 * MINUTE_NS, SESSION.open_ns + 6 * MINUTE_NS)]
    assert [bar.close for _, bar in changes.bars.values()] == [22_003]


def test_what_was_not_written_is_found_changed_again(store: MarketStore, reader: CountingReader) -> None:
    bars = MinuteBars(reader, CALENDAR)
    print_at_close = tick(1, SESSION.close_ns)
    store.append_ticks([print_at_close], RUN)
    bars.touch([print_at_close])
    first = bars.changed()
    assert first.bars
    assert bars.changed() == first
    assert bars.due(SESSION.close_ns + NS_PER_S) == []
    bars.know(first)
    assert not bars.changed().bars
    assert bars.due(SESSION.close_ns) == []
    assert [bar.start_ns for bar in bars.due(SESSION.close_ns + NS_PER_S)] == [SESSION.close_ns - MINUTE_NS]
    bars.touch_recent(NOVEMBER, SESSION.close_ns + MINUTE_NS)
    assert not bars.changed().bars, "known as it is"


def test_an_imported_file_of_the_day_has_no_say(store: MarketStore, reader: CountingReader) -> None:
    """Neither a fuller one nor a damaged one."""
    bars = MinuteBars(reader, CALENDAR)
    day = store.folder.day(SESSION.trade_date)
    day.mkdir(parents=True)
    (day / "ticks-taifex.1.parquet").write_bytes(b"damaged")
    store.append_ticks([tick(1, SESSION.open_ns)], RUN)
    bars.touch([tick(1, SESSION.open_ns)])
    assert len(bars.changed().bars) == 1
    assert bars.trouble == ""
