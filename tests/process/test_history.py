"""Questions about history to a running recorder: pages, bars of any size, clear refusals, and hostile clients."""

import csv
import gzip
import os
import random
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import zmq

from engine.errors import RequestRefused
from engine.host import RECORDER
from engine.model.order import Reason
from engine.model.session import TAIPEI, SessionKind
from engine.settings import Paths, Store, Wire
from engine.storage.importing import import_files
from engine.storage.layout import StoreFolder
from engine.storage.places import StorePlace
from engine.timing import NS_PER_S
from engine.wire.codec import Encoder, decode
from engine.wire.keys import ClientKeys, KeyPair, Role
from engine.wire.messages import CancelAll, GetHistory, GetSnapshot, HistoryKind, HistoryPage, Refused
from engine.wire.sockets import MAX_INWARD, Requester
from tests.process.programs import replayed
from tests.process.running import CALENDAR, Engine, running, settings_for_tests, until
from tests.process.test_security import bare
from tests.wire.document import section

SYMBOL = "TXFK4"
SETTLEMENT = date(2024, 11, 20)
NIGHT = CALENDAR.session(SETTLEMENT, SessionKind.NIGHT)
DAY = CALENDAR.session(SETTLEMENT, SessionKind.DAY)
ENCODER = Encoder("stranger")
MINUTE_S = 60
Row = tuple[int, ...]


@pytest.fixture(scope="module")
def engine(market_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A replay of one day over a store that has another: its recorder answers and records nothing."""
    folder = tmp_path_factory.mktemp("history")
    store = StoreFolder(folder / "store")
    assert not import_files(store, [market_data / "taifex" / "Daily_2024_11_20.zip"], CALENDAR).refused
    paths = Paths(folder / "ledger", folder / "logs", folder / "config", folder / "store")
    settings = settings_for_tests(store=Store(recorder=True), paths=paths, wire=Wire(linger_ms=0))
    broker = replayed(market_data / "taifex" / "Daily_2024_11_05.zip", SYMBOL)
    broker.hold()
    with running(broker, folder, settings, store=StorePlace(path=store.path, records=False)) as found:
        until(lambda: bool(found.host.history_endpoint), "a recorder that is ready")
        yield found


@pytest.fixture
def asks(engine: Engine) -> Iterator["Asks"]:
    host = engine.host
    keys = host.client_keys(Role.READER)
    with Requester(host.history_endpoint, source="test", wire=host.settings.wire, keys=keys) as requester:
        yield Asks(requester)


class Asks:
    """A client of the recorder."""

    def __init__(self, requester: Requester) -> None:
        self._requester = requester

    def page(self, kind: HistoryKind = HistoryKind.BARS, **which: Any) -> HistoryPage:
        found: HistoryPage = self._requester.request(GetHistory(kind=kind, **({"symbol": SYMBOL} | which)))
        return found

    def refusal(self, body: object) -> Refused:
        with pytest.raises(RequestRefused) as caught:
            self._requester.request(body)
        return Refused(code=caught.value.code, text=str(caught.value))

    def rows(self, *names: str, kind: HistoryKind = HistoryKind.BARS, **which: Any) -> list[Row]:
        """All pages of a range, oldest first or newest first, as rows in order of time."""
        found: list[Row] = []
        time = "start_ns" if kind is HistoryKind.BARS else "ts_event"
        while True:
            page = self.page(kind, **which)
            columns = {name: np.frombuffer(column, "<i8").tolist() for name, column in page.columns.items()}
            assert {len(column) for column in columns.values()} == {page.rows}
            rows = list(zip(*(columns[name] for name in names), strict=True))
            found = [*rows, *found] if which.get("is_newest") else [*found, *rows]
            if page.is_complete:
                return found
            assert page.rows > 0
            if which.get("is_newest"):
                which["end_ns"] = columns[time][0]
            else:
                which["begin_ns"] = columns[time][-1] + 1


BAR = ("start_ns", "open", "high", "low", "close", "volume")


@pytest.fixture(scope="module")
def minutes(market_data: Path) -> list[Row]:
    """A third party's bars."""
    found = []
    with gzip.open(market_data / "taifex" / "expected_1min_2024_11_20.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if (row["symbol"], row["exp_month"]) == ("TX", "202411"):
                start = int(datetime.fromisoformat(row["time"]).replace(tzinfo=TAIPEI).timestamp()) * NS_PER_S
                prices = [round(float(row[name])) for name in ("open", "high", "low", "close")]
                found.append((start, *prices, int(row["volume"])))
    return sorted(found)


def merged(rows: list[Row], span_s: int) -> list[Row]:
    """Longer bars, whose starts count from the open of their session."""
    found: dict[int, list[Row]] = {}
    for row in rows:
        session = DAY if row[0] >= DAY.open_ns else NIGHT
        start = row[0] - (row[0] - session.open_ns) % (span_s * NS_PER_S)
        found.setdefault(start, []).append(row)
    return [
        (start, rows[0][1], max(r[2] for r in rows), min(r[3] for r in rows), rows[-1][4], sum(r[5] for r in rows))
        for start, rows in found.items()
    ]


# --- what is answered --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("span_s", [60, 180, 300, 900, 3_600, 4 * 3_600])
def test_bars_of_any_size_are_made_of_the_minutes(asks: Asks, minutes: list[Row], span_s: int) -> None:
    assert asks.rows(*BAR, span_s=span_s) == merged(minutes, span_s)


def test_the_historian_of_the_document_reads_every_bar(engine: Engine, minutes: list[Row]) -> None:
    program: dict[str, Any] = {}
    exec(section("historian").strip("`").removeprefix("python\n"), program)
    keys = engine.host.client_keys(Role.READER)
    assert keys
    endpoint, own = engine.host.history_endpoint, keys.own
    for rows in (5_000, 100):  # in one page, and in several
        program["ROWS"] = rows
        assert list(program["bars"](endpoint, keys.server, own.public, own.secret, SYMBOL)) == minutes
    with pytest.raises(RuntimeError, match=r"refused: .'unknown_symbol'"):
        list(program["bars"](endpoint, keys.server, own.public, own.secret, "NONSENSE"))


def test_bars_shorter_than_a_minute_are_made_of_the_prints(asks: Asks, market_data: Path) -> None:
    tape = replayed(market_data / "taifex" / "Daily_2024_11_20.zip", SYMBOL).tape
    begin, end = DAY.open_ns, DAY.open_ns + 600 * NS_PER_S
    prints = [item.print for item in tape.ticks if begin <= item.print.ts_event < end]
    points = [(item.ts_event, *[item.price] * 4, item.quantity) for item in prints]
    found = asks.rows(*BAR, "trades", span_s=5, begin_ns=begin, end_ns=end)
    assert [row[:6] for row in found] == merged(points, 5)
    assert sum(row[6] for row in found) == len(prints)


def test_day_sessions_only(asks: Asks, minutes: list[Row]) -> None:
    whole = asks.rows(*BAR, "is_night", "trade_date")
    by_day = asks.rows(*BAR, is_day_only=True)
    assert by_day == [row for row in minutes if row[0] >= DAY.open_ns]
    assert [row[6] for row in whole] == [int(row[0] < DAY.open_ns) for row in minutes]
    assert {row[7] for row in whole} == {(SETTLEMENT - date(1970, 1, 1)).days}
    (both,) = asks.rows(*BAR, span_s=86_400)
    (day,) = asks.rows(*BAR, span_s=86_400, is_day_only=True)
    assert both[5] == sum(row[5] for row in minutes)
    assert day[5] == sum(row[5] for row in by_day)


@pytest.mark.parametrize("is_newest", [False, True])
@pytest.mark.parametrize("limit", [7, 500])
def test_pages_of_bars_are_the_whole_without_seam(
    asks: Asks, minutes: list[Row], limit: int, is_newest: bool
) -> None:
    begin, end = minutes[-200 if limit < 10 else 3][0], minutes[-3][0]
    wanted = [row for row in minutes if begin <= row[0] < end]
    assert asks.page(limit=limit, begin_ns=begin, end_ns=end, is_newest=is_newest).rows == limit
    assert asks.rows(*BAR, limit=limit, begin_ns=begin, end_ns=end, is_newest=is_newest) == wanted


@pytest.mark.parametrize("is_newest", [False, True])
def test_pages_of_ticks_are_the_file_and_never_part_an_instant(
    asks: Asks, market_data: Path, is_newest: bool
) -> None:
    tape = replayed(market_data / "taifex" / "Daily_2024_11_20.zip", SYMBOL).tape
    names = ("ts_event", "price", "quantity")
    found = asks.rows(*names, kind=HistoryKind.TICKS, limit=9_000, is_newest=is_newest)
    is_same = found == [tuple(getattr(item.print, name) for name in names) for item in tape.ticks]
    assert is_same, f"{len(found)} of {len(tape)} ticks, or in another order"


def test_an_instant_with_more_ticks_than_a_page_is_answered_whole(asks: Asks, market_data: Path) -> None:
    tape = replayed(market_data / "taifex" / "Daily_2024_11_20.zip", SYMBOL).tape
    opening = [item.print for item in tape.ticks if item.print.ts_event == DAY.open_ns]
    assert len(opening) > 20
    page = asks.page(HistoryKind.TICKS, begin_ns=DAY.open_ns, limit=5)
    assert (page.rows, page.is_complete) == (len(opening), False)
    last = asks.page(HistoryKind.TICKS, begin_ns=DAY.open_ns, end_ns=DAY.open_ns + 1, limit=5, is_newest=True)
    assert (last.rows, last.is_complete) == (len(opening), True)


def test_a_contract_without_rows_is_answered_empty(asks: Asks) -> None:
    for kind in HistoryKind:
        page = asks.page(kind, symbol="TXFL5")
        assert (page.rows, page.is_complete) == (0, True)
        assert page.columns["seq" if kind is not HistoryKind.BARS else "close"] == b""


@pytest.mark.parametrize("kind", list(HistoryKind))
@pytest.mark.parametrize("is_newest", [False, True])
@pytest.mark.parametrize(
    ("begin", "end"), [(0, 0), (0, 1), (0, 2**63 - 1), (2**63 - 1, 0), (DAY.open_ns, 2**63 - 1)]
)
def test_every_range_has_an_answer(asks: Asks, kind: HistoryKind, begin: int, end: int, is_newest: bool) -> None:
    page = asks.page(kind, begin_ns=begin, end_ns=end, limit=10, is_newest=is_newest)
    is_outside = kind is HistoryKind.BOOKS or end == 1 or begin == 2**63 - 1
    assert (page.rows == 0) == is_outside


def test_who_wants_no_more_pages_asks_for_none(engine: Engine, asks: Asks) -> None:
    """To cancel is to be silent: a question costs one page, and another client does not wait behind it."""
    until(lambda: engine.host.counts.get(RECORDER, {}).get("questions", 0) > 0, "a count")
    asks.page(limit=100)
    before = engine.host.counts[RECORDER]["questions"]
    asks.page(span_s=300, limit=1)
    until(lambda: engine.host.counts[RECORDER]["questions"] > before, "a count of the question")


# --- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("which", "code", "words"),
    [
        ({"begin_ns": DAY.open_ns, "end_ns": NIGHT.open_ns}, Reason.INVALID, "ends .* before it begins"),
        ({"begin_ns": DAY.open_ns, "end_ns": DAY.open_ns}, Reason.INVALID, "before it begins"),
        ({"span_s": 0}, Reason.INVALID, "0 s cannot be built"),
        ({"after_seq": 5}, Reason.INVALID, "by number"),
        ({"kind": HistoryKind.TICKS, "after_seq": 5}, Reason.INVALID, "run"),
        ({"symbol": "NOTHING"}, Reason.UNKNOWN_SYMBOL, "NOTHING"),
        ({"symbol": "TXFZ4"}, Reason.UNKNOWN_SYMBOL, "TXFZ4"),
        ({"symbol": "x'; DROP TABLE ticks; --"}, Reason.UNKNOWN_SYMBOL, "DROP"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_words(
    asks: Asks, which: dict[str, Any], code: Reason, words: str
) -> None:
    refused = asks.refusal(GetHistory(**({"kind": HistoryKind.BARS, "symbol": SYMBOL} | which)))
    assert refused.code == code
    assert re.search(words, refused.text), refused.text


@pytest.mark.parametrize("body", [GetSnapshot(), CancelAll()])
def test_other_requests_are_refused(asks: Asks, body: object) -> None:
    assert "history" in asks.refusal(body).text


# --- hostile clients ---------------------------------------------------------------------------------------------


def test_strangers_are_turned_away_and_garbage_harms_nobody(engine: Engine, asks: Asks) -> None:
    host, chance = engine.host, random.Random(5)
    endpoint = host.history_endpoint
    pid = host.pid(RECORDER)
    question = ENCODER.encode("get_history", GetHistory(kind=HistoryKind.BARS, symbol=SYMBOL, limit=1), id="q")
    for keys in (None, ClientKeys(KeyPair.make(), host.server_key.encode("ascii"))):
        with bare(zmq.DEALER, endpoint, keys) as stranger:
            stranger.send(question)
            asks.page(limit=1)
            assert not stranger.poll(200)
    with bare(zmq.DEALER, endpoint, host.client_keys(Role.READER)) as reader:
        for _ in range(300):
            reader.send(os.urandom(chance.randrange(120)))
            cut = bytearray(question)
            cut[chance.randrange(len(cut))] ^= 1 << chance.randrange(8)
            reader.send(bytes(cut[: chance.randrange(1, len(cut))]))
        reader.send_multipart([question, question])
        reader.send(question)
        until(lambda: bool(reader.poll(100)), "an answer after all that")
        answer = decode(reader.recv())
        assert isinstance(answer.body, HistoryPage)
    with bare(zmq.DEALER, endpoint, host.client_keys(Role.READER)) as reader:
        reader.send(bytes(MAX_INWARD + 1))
        assert asks.page(limit=1).rows == 1
    until(lambda: host.counts[RECORDER]["undecodable"] > 100, "a count of the garbage")
    assert host.pid(RECORDER) == pid


def test_a_client_that_asks_much_and_reads_nothing_costs_bounded_memory(engine: Engine, asks: Asks) -> None:
    host = engine.host
    process = psutil.Process(host.pid(RECORDER))
    asks.page(HistoryKind.TICKS, limit=100_000)
    before = process.memory_info().rss
    done = host.counts[RECORDER]["questions"]
    with bare(zmq.DEALER, host.history_endpoint, host.client_keys(Role.READER)) as greedy:
        for number in range(120):
            body = GetHistory(kind=HistoryKind.TICKS, symbol=SYMBOL, limit=100_000)
            greedy.send(ENCODER.encode("get_history", body, id=f"greedy-{number}"))
        until(lambda: host.counts[RECORDER]["questions"] >= done + 120, "all answered", 60.0)
        assert asks.page(limit=1).rows == 1
        grown = process.memory_info().rss - before
    assert grown < 200_000_000, f"{grown:,} bytes"
