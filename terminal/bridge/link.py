"""The window's link to the engine: one thread polls feed, telemetry and requests, and emits typed Qt signals.

Ticks and books come in one batch a frame, everything else at once. Gaps in numbered messages are repaired here:
ticks by the rail of their contract, from the gateway's ring (the store's part comes with the chart's history),
events by a snapshot. Whatever fails is told, and receiving begins anew. No trading
logic.
"""

import asyncio
import os
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from PySide6 import QtCore

from engine import logs
from engine.errors import RequestError, RequestTimeout
from engine.model.books import Difference, LimitsChanged, PositionAdjusted
from engine.model.condition import Condition, Transition
from engine.model.guard import Coverage
from engine.model.market import Contract, HaltChanged, LinkStatus
from engine.model.order import Fill, Order
from engine.model.position import Position
from engine.model.signal import Signal, SignalRefused
from engine.model.tick import Book, Tick
from engine.settings import Wire
from engine.wire.keys import ClientKeys
from engine.wire.messages import (
    Envelope,
    Family,
    GetSnapshot,
    GetTicks,
    Heartbeat,
    LogLine,
    Pace,
    ProcessStatus,
    Pulse,
    Refused,
    ScanHits,
    Snapshot,
)
from engine.wire.rail import DualRail, Missing, Output, RailLimits
from engine.wire.sockets import Mailbox, Poller, Requester, Subscriber, checked

log = logs.get(__name__)

FRAME_S: Final = 0.016
"""Ticks and books reach the window once a frame of 60 a second."""
_PAST_TICKS: Final = 50_000
"""A window that joins late fetches so many of the ticks before."""
_LIMITS: Final = RailLimits(page=50_000, answer_s=1.0, patience_s=1.0, silence_s=20.0)
"""Prices are not held back for long by those that a slow gateway does not bring."""
_LOOK_S: Final = 0.25
"""How often the rails are told the time."""
_AGAIN_S: Final = 1.0
"""Wait before what failed or was refused is tried again."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the engine listens, and the keys of the window."""

    market: str
    commands: str
    telemetry: str
    wire: Wire
    keys: ClientKeys | None


class EngineLink(QtCore.QObject):
    """Receives on a thread of its own between :meth:`start` and :meth:`close`.

    Signals:
        ticks(list[Tick]): prints of one frame, in their order and each once.
        books(list[Book]): the latest book of each contract, once a frame.
        snapshot(Snapshot): everything known; at the start and after a lost event.
        order(Order), fill(Fill), position(Position), condition(Condition), transition(Transition),
        signal_given(Signal), signal_refused(SignalRefused), halt(HaltChanged), link(LinkStatus),
        contract(Contract), pulse(Pulse): events, at once.
        difference(Difference), adjusted(PositionAdjusted), limits(LimitsChanged): events too, of our books and the
            broker's and of the limits of risk.
        pace(Pace): a replay has ended; other grants concern strategies only and are not told.
        heartbeat(Heartbeat), log_line(LogLine), process(ProcessStatus), coverage(Coverage),
        scan(ScanHits): telemetry.
        failed(str): receiving failed, or the gateway refuses what the window must know; it is tried again, and the
            next snapshot says that all is well.
    """

    ticks = QtCore.Signal(object)
    books = QtCore.Signal(object)
    snapshot = QtCore.Signal(object)
    order = QtCore.Signal(object)
    fill = QtCore.Signal(object)
    position = QtCore.Signal(object)
    condition = QtCore.Signal(object)
    transition = QtCore.Signal(object)
    signal_given = QtCore.Signal(object)
    signal_refused = QtCore.Signal(object)
    halt = QtCore.Signal(object)
    link = QtCore.Signal(object)
    contract = QtCore.Signal(object)
    pulse = QtCore.Signal(object)
    difference = QtCore.Signal(object)
    adjusted = QtCore.Signal(object)
    limits = QtCore.Signal(object)
    pace = QtCore.Signal(object)
    heartbeat = QtCore.Signal(object)
    log_line = QtCore.Signal(object)
    process = QtCore.Signal(object)
    coverage = QtCore.Signal(object)
    scan = QtCore.Signal(object)
    failed = QtCore.Signal(str)
    _answered = QtCore.Signal(object, object)

    def __init__(self, endpoints: Endpoints, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self._endpoints = endpoints
        self._signals: dict[type, Any] = {
            Order: self.order,
            Fill: self.fill,
            Position: self.position,
            Condition: self.condition,
            Transition: self.transition,
            Signal: self.signal_given,
            SignalRefused: self.signal_refused,
            HaltChanged: self.halt,
            LinkStatus: self.link,
            Contract: self.contract,
            Pulse: self.pulse,
            Difference: self.difference,
            PositionAdjusted: self.adjusted,
            LimitsChanged: self.limits,
            Pace: self.pace,
            Heartbeat: self.heartbeat,
            LogLine: self.log_line,
            ProcessStatus: self.process,
            Coverage: self.coverage,
            ScanHits: self.scan,
        }
        self.gaps = 0
        """Holes seen in the numbers of ticks and events; each is repaired from the ring or by a snapshot."""
        self._futures: dict[int, asyncio.Future[Any]] = {}
        self._count = 0
        self._mailbox = Mailbox()
        self._is_closing = threading.Event()
        self._answered.connect(self._resolve)
        self._thread = threading.Thread(target=self._run, name="engine-link", daemon=True)

    # --- GUI thread ----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begins to receive; the first snapshot follows."""
        self._thread.start()

    def close(self) -> None:
        """Ends the thread; open requests are cancelled."""
        self._is_closing.set()
        self._mailbox.put(None)
        if self._thread.is_alive():
            self._thread.join(2)
        self._mailbox.close()
        for future in self._futures.values():
            future.cancel()
        self._futures.clear()

    async def request(self, body: object) -> Any:
        """Sends a request and waits for its answer without blocking the window.

        Raises:
            RequestTimeout: no answer after all tries.
            RequestRefused: the gateway said no.
        """
        self._count += 1
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._futures[self._count] = future
        self._mailbox.put((self._count, body))
        return checked(await future)

    @QtCore.Slot(object, object)
    def _resolve(self, number: int, reply: object) -> None:
        future = self._futures.pop(number, None)
        if future is not None and not future.done():
            future.set_result(reply)

    # --- the link's thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        """Receives until it is closed; after a bug it begins anew, with fresh sockets and a snapshot."""
        while not self._is_closing.is_set():
            try:
                self._receive()
            except Exception as error:
                log.exception("the window's link to the engine failed; it begins anew")
                self.failed.emit(f"{type(error).__name__}: {error}")
                self._is_closing.wait(_AGAIN_S)

    def _receive(self) -> None:
        ends = self._endpoints
        source = f"window-{os.getpid()}"
        with (
            Subscriber(ends.market, [""], wire=ends.wire, keys=ends.keys) as feed,
            Subscriber(ends.telemetry, [""], wire=ends.wire, keys=ends.keys) as telemetry,
            Requester(ends.commands, source=source, wire=ends.wire, keys=ends.keys) as requester,
        ):
            receiver = _Receiver(self, feed, telemetry, requester, self._mailbox)
            try:
                receiver.run(self._is_closing)
            finally:
                receiver.abandon()


class _Receiver:
    """What runs on the link's thread."""

    def __init__(
        self,
        link: EngineLink,
        feed: Subscriber,
        telemetry: Subscriber,
        requester: Requester,
        mailbox: Mailbox,
    ) -> None:
        self._link, self._feed, self._telemetry = link, feed, telemetry
        self._requester, self._mailbox = requester, mailbox
        self._asked: dict[str, int] = {}
        """Request id to the number of the future that waits for it; 0 = the link's own."""
        self._own: dict[str, object] = {}
        """The link's own open requests."""
        self._snapshot_at: float | None = None
        """When to ask again for a snapshot that was refused."""
        self._ticks: list[Tick] = []
        self._books: dict[str, Book] = {}
        self._rails: dict[str, DualRail] = {}
        self._look_at = 0.0
        self._event_seq = -1
        self._has_joined = False
        """An event followed the snapshot without a hole; before, the subscription may not have been complete."""

    def run(self, is_closing: threading.Event) -> None:
        """Receives until it is closed."""
        poller = Poller(self._feed, self._telemetry, self._requester, self._mailbox)
        self._ask(GetSnapshot())
        frame = time.monotonic()
        while not is_closing.is_set():
            waiting = self._ticks or self._books
            left = max(0.0, frame + FRAME_S - time.monotonic()) if waiting else 0.1
            poller.wait(int(left * 1000) + 1)
            for item in self._mailbox.take():
                if item is not None:
                    self._forward(*item)
            for _, envelope in self._feed.drain():
                self._take(envelope)
            for _, envelope in self._telemetry.drain(200):
                self._emit(envelope.body)
            for request_id, reply in self._requester.replies():
                self._reply(request_id, reply)
            self._tend(time.monotonic())
            if waiting and time.monotonic() - frame >= FRAME_S:
                frame = time.monotonic()
                self._flush()

    def _flush(self) -> None:
        if self._ticks:
            ticks, self._ticks = self._ticks, []
            self._link.ticks.emit(ticks)
        if self._books:
            books, self._books = list(self._books.values()), {}
            self._link.books.emit(books)

    def _emit(self, body: object) -> None:
        signal = self._link._signals.get(type(body))
        if signal is not None and (not isinstance(body, Pace) or body.is_end):
            signal.emit(body)

    def _take(self, envelope: Envelope) -> None:
        body = envelope.body
        if isinstance(body, Tick):
            self._take_tick(body)
        elif isinstance(body, Book):
            self._books[body.symbol] = body
        else:
            self._take_event(envelope)

    def _take_tick(self, tick: Tick) -> None:
        rail = self._rails.get(tick.symbol)
        if rail is None:
            top = tick.seq - 1  # what was sent before the window joined is fetched and no gap
            rail = DualRail(tick.symbol, last=max(0, top - _PAST_TICKS), top=top, limits=_LIMITS)
            self._rails[tick.symbol] = rail
        gaps = rail.gaps
        self._perform(rail.live(tick, time.monotonic()))
        self._link.gaps += rail.gaps - gaps

    def _perform(self, outputs: Iterable[Output]) -> None:
        """Does what a rail says."""
        for output in outputs:
            if isinstance(output, Tick):
                self._ticks.append(output)
            elif isinstance(output, Missing):
                log.warning("ticks are missing", symbol=output.symbol, first=output.first, last=output.last)
            else:
                self._ask(output)

    def _take_event(self, envelope: Envelope) -> None:
        if envelope.seq <= self._event_seq or self._event_seq < 0:
            return
        if envelope.seq > self._event_seq + 1:
            self._link.gaps += self._has_joined
            self._event_seq = -1
            self._ask(GetSnapshot())
            return
        self._event_seq = envelope.seq
        self._has_joined = True
        self._emit(envelope.body)

    def _reply(self, request_id: str, reply: object) -> None:
        number, own = self._asked.pop(request_id), self._own.pop(request_id, None)
        if number:
            self._link._answered.emit(number, reply)
        elif isinstance(reply, Snapshot):
            self._event_seq = next((item.seq for item in reply.seqs if item.family == Family.EVENT), 0)
            self._flush()
            self._link.snapshot.emit(reply)
        elif isinstance(own, GetTicks):
            self._perform(self._rails[own.symbol].answer(own, reply, time.monotonic()))
        elif isinstance(reply, RequestError | Refused):
            text = str(reply) if isinstance(reply, RequestError) else f"{reply.code}: {reply.text}"
            log.warning("the gateway does not tell the window what it knows", error=text)
            self._link.failed.emit(text)
            self._snapshot_at = time.monotonic() + _AGAIN_S

    def _forward(self, number: int, body: object) -> None:
        """Sends a request of the window; one that cannot be sent is its own trouble and not the link's."""
        try:
            self._asked[self._requester.send(body)] = number
        except Exception as error:
            log.exception("a request cannot be sent", request=type(body).__name__)
            self._link._answered.emit(number, error)

    def _ask(self, query: object) -> None:
        """Asks for something that the link itself must know."""
        request_id = self._requester.send(query)
        self._asked[request_id] = 0
        self._own[request_id] = query

    def _tend(self, now: float) -> None:
        """What is due."""
        if self._snapshot_at is not None and self._snapshot_at <= now:
            self._snapshot_at = None
            self._ask(GetSnapshot())
        if self._look_at <= now:
            self._look_at = now + _LOOK_S
            for rail in self._rails.values():
                self._perform(rail.time(now))

    def abandon(self) -> None:
        """Nobody waits for answers any more: whoever asked is told so."""
        text = "the link to the engine began anew; nobody knows whether the request was carried out"
        for number in self._asked.values():
            if number:
                self._link._answered.emit(number, RequestTimeout(text))
