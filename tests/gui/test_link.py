"""The window's link to the engine: what it hears from real sockets, and how it goes on after a failure."""

import asyncio
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from engine.errors import RequestTimeout
from engine.model.market import Environment
from engine.model.order import Reason
from engine.model.scan import ScanHit, ScanKind
from engine.model.tick import Tick
from engine.settings import Wire
from engine.wire.messages import (
    AskBroker,
    Done,
    Envelope,
    Family,
    FamilySeq,
    GetSnapshot,
    GetTicks,
    Pulse,
    Refused,
    ScanHits,
    Snapshot,
    Ticks,
)
from engine.wire.sockets import Forwarder, Poller, Publisher, RouterServer, tcp
from terminal.bridge import link as bridge
from terminal.bridge.link import Endpoints, EngineLink

SYMBOL = "TXFK4"
ANY = tcp("127.0.0.1", 0)
WIRE = Wire(encrypted=False, linger_ms=0, request_timeout_s=5.0)
DEADLINE_MS = 20_000


class Gateway:
    """Answers requests and gives a pulse, on a thread of its own, as an engine would."""

    def __init__(self) -> None:
        self.answer: Callable[[Envelope], object] = self.normal
        self.asked: list[object] = []
        self.ring: tuple[Tick, ...] = ()
        self.to_send: deque[Tick] = deque()
        self.publisher = Publisher(ANY, source="gateway", wire=WIRE, keys=None)
        self.server = RouterServer(ANY, source="gateway", wire=WIRE, keys=None)
        self.forwarder = Forwarder(ANY, ANY, wire=WIRE, keys=None)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def normal(self, envelope: Envelope) -> object:
        if isinstance(envelope.body, GetSnapshot):
            seq = self.publisher.seqs.get(Family.EVENT, 0)
            seqs = (FamilySeq(family=Family.EVENT, seq=seq),)
            return Snapshot(environment=Environment.SIMULATED, now_ns=1, seqs=seqs)
        if isinstance(envelope.body, GetTicks):
            later = tuple(tick for tick in self.ring if tick.seq > envelope.body.after_seq)
            return Ticks(symbol=SYMBOL, ticks=later)
        return Done(text="done")

    def _run(self) -> None:
        poller = Poller(self.server)
        while not self._stop.is_set():
            poller.wait(10)
            self.publisher.publish("pulse", Pulse(now_ns=1, position=0), family=Family.EVENT)
            self.forwarder.forward(0)
            while self.to_send:
                self.publisher.publish(f"tick.{SYMBOL}", self.to_send.popleft(), family=Family.TICK)
            while request := self.server.receive():
                client, _, envelope = request
                self.asked.append(envelope.body)
                if (body := self.answer(envelope)) is not None:
                    self.server.reply(client, envelope, body)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        for part in (self.publisher, self.server, self.forwarder):
            part.close()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    gateway = Gateway()
    yield gateway
    gateway.close()


@pytest.fixture
def link(gateway: Gateway, qtbot: QtBot) -> Iterator[EngineLink]:
    ends = Endpoints(
        market=gateway.publisher.endpoint,
        commands=gateway.server.endpoint,
        telemetry=gateway.forwarder.outward.endpoint,
        wire=WIRE,
        keys=None,
    )
    link = EngineLink(ends)
    yield link
    link.close()


def test_the_snapshot_and_then_events_arrive(link: EngineLink, qtbot: QtBot) -> None:
    with qtbot.waitSignals([link.snapshot, link.pulse], timeout=DEADLINE_MS, order="strict"):
        link.start()


def test_what_the_scanner_finds_is_told(link: EngineLink, gateway: Gateway, qtbot: QtBot) -> None:
    found = ScanHits(hits=(ScanHit(symbol="TXFK4", kind=ScanKind.SESSION_HIGH, price=23_000, level=23_001),))
    scanner = Publisher(gateway.forwarder.inward.endpoint, source="scanner", wire=WIRE, keys=None, bind=False)
    told: list[object] = []
    link.scan.connect(told.append)
    try:
        link.start()
        deadline = time.monotonic() + DEADLINE_MS / 1000
        while not told:  # what is sent before both have joined is lost
            assert time.monotonic() < deadline
            scanner.publish("telemetry.scan", found, family=Family.TELEMETRY)
            qtbot.wait(10)
    finally:
        scanner.close()
    assert told[0] == found


def test_a_failure_is_told_and_receiving_begins_anew(
    link: EngineLink, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, expected_errors: list[logging.LogRecord]
) -> None:
    monkeypatch.setattr(bridge, "_AGAIN_S", 0.01)
    with qtbot.waitSignals([link.snapshot, link.pulse], timeout=DEADLINE_MS):
        link.start()
    emit, calls = link._signals[Pulse].emit, []

    class Broken:
        def emit(self, body: object) -> None:
            calls.append(body)
            if len(calls) == 1:
                raise ValueError("as the test wants it")
            emit(body)

    with qtbot.waitSignals([link.failed, link.snapshot, link.pulse], timeout=DEADLINE_MS, order="strict"):
        link._signals[Pulse] = Broken()
    assert any("link" in record.getMessage() for record in expected_errors)


async def _resolved(link: EngineLink, body: object, qtbot: QtBot) -> Any:
    asking = asyncio.ensure_future(link.request(body))
    deadline = time.monotonic() + DEADLINE_MS / 1000
    while not asking.done():
        assert time.monotonic() < deadline
        qtbot.wait(5)
        await asyncio.sleep(0)
    return asking.result()


def test_whoever_waits_for_an_answer_when_it_fails_is_told(
    link: EngineLink,
    gateway: Gateway,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    expected_errors: list[logging.LogRecord],
) -> None:
    monkeypatch.setattr(bridge, "_AGAIN_S", 0.01)

    def breaks_when_asked(envelope: Envelope) -> object:
        if isinstance(envelope.body, AskBroker):
            broken["now"] = True  # any bug while the answer is awaited
            return None
        return gateway.normal(envelope)

    broken = {"now": False}
    emit = link._signals[Pulse].emit

    class Broken:
        def emit(self, body: object) -> None:
            if broken.pop("now", False):
                raise ValueError("as the test wants it")
            emit(body)

    link._signals[Pulse] = Broken()
    gateway.answer = breaks_when_asked
    with qtbot.waitSignals([link.snapshot, link.pulse], timeout=DEADLINE_MS):
        link.start()
    with pytest.raises(RequestTimeout, match="nobody knows"):
        asyncio.run(_resolved(link, AskBroker(), qtbot))
    qtbot.waitUntil(lambda: bool(expected_errors), timeout=DEADLINE_MS)


def test_a_refused_snapshot_is_told_and_asked_for_again(
    link: EngineLink, gateway: Gateway, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge, "_AGAIN_S", 0.01)

    def refuses_twice(envelope: Envelope) -> object:
        if gateway.asked.count(GetSnapshot()) <= 2:
            return Refused(code=Reason.TOO_MANY_REQUESTS, text="ask less often")
        return gateway.normal(envelope)

    gateway.answer = refuses_twice
    told: list[str] = []
    link.failed.connect(told.append)
    with qtbot.waitSignals([link.snapshot, link.pulse], timeout=DEADLINE_MS):
        link.start()
    assert told == ["too_many_requests: ask less often"] * 2


def test_a_request_that_cannot_be_sent_harms_nobody_else(
    link: EngineLink, qtbot: QtBot, expected_errors: list[logging.LogRecord]
) -> None:
    told: list[str] = []
    link.failed.connect(told.append)
    with qtbot.waitSignal(link.snapshot, timeout=DEADLINE_MS):
        link.start()
    with pytest.raises(KeyError):
        asyncio.run(_resolved(link, object(), qtbot))
    assert asyncio.run(_resolved(link, AskBroker(), qtbot)) == Done(text="done")
    assert told == []
    assert len(expected_errors) == 1


# --- ticks -------------------------------------------------------------------------------------------------------


def tick(seq: int) -> Tick:
    return Tick(symbol=SYMBOL, seq=seq, ts_event=seq, ts_recv=seq, price=20_000 + seq, quantity=1)


@pytest.fixture
def heard(link: EngineLink, qtbot: QtBot) -> list[Tick]:
    """The ticks that the link tells, once it is subscribed."""
    found: list[Tick] = []
    link.ticks.connect(found.extend)
    with qtbot.waitSignals([link.snapshot, link.pulse], timeout=DEADLINE_MS):
        link.start()
    return found


def _until_heard(heard: list[Tick], wanted: list[Tick], qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: len(heard) >= len(wanted), timeout=DEADLINE_MS)
    assert heard == wanted


def test_ticks_that_the_feed_dropped_come_in_their_place(
    link: EngineLink, gateway: Gateway, heard: list[Tick], qtbot: QtBot
) -> None:
    gateway.ring = tuple(map(tick, range(1, 9)))
    gateway.to_send.extend(map(tick, (1, 2, 2, 5, 6, 4, 8)))
    _until_heard(heard, list(gateway.ring), qtbot)
    assert 1 <= link.gaps <= 2


def test_a_window_that_joins_late_fetches_the_ticks_before_and_sees_no_gap(
    link: EngineLink, gateway: Gateway, heard: list[Tick], qtbot: QtBot
) -> None:
    gateway.ring = tuple(map(tick, range(40, 61)))
    gateway.to_send.append(tick(60))
    _until_heard(heard, list(gateway.ring), qtbot)
    assert link.gaps == 0


def test_a_question_for_ticks_that_is_refused_is_asked_again(
    link: EngineLink, gateway: Gateway, heard: list[Tick], qtbot: QtBot
) -> None:
    def refuses_once(envelope: Envelope) -> object:
        if isinstance(envelope.body, GetTicks) and sum(isinstance(item, GetTicks) for item in gateway.asked) <= 1:
            return Refused(code=Reason.TOO_MANY_REQUESTS, text="ask less often")
        return gateway.normal(envelope)

    gateway.answer = refuses_once
    gateway.ring = tuple(map(tick, range(1, 4)))
    gateway.to_send.extend((tick(1), tick(3)))
    _until_heard(heard, list(gateway.ring), qtbot)


def test_prices_go_on_where_nobody_has_the_ticks_before(
    link: EngineLink, gateway: Gateway, heard: list[Tick], qtbot: QtBot
) -> None:
    def silent(envelope: Envelope) -> object:
        return None if isinstance(envelope.body, GetTicks) else gateway.normal(envelope)

    gateway.answer = silent
    gateway.to_send.extend((tick(1), tick(5)))
    _until_heard(heard, [tick(1), tick(5)], qtbot)
