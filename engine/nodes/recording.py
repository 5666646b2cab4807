"""The recorder's parts put together, and its receive loop: feed in, spool and backlog out, questions to the ring.

The loop never waits for the disk beyond the spool's one system call: :mod:`engine.nodes.store_writer` writes on a
thread of its own, :mod:`engine.nodes.history` answers on another.
"""

import contextlib
import time
from collections.abc import Iterable
from typing import Final

from engine import logs
from engine.errors import RequestError
from engine.model.bar import Bar
from engine.model.tick import Book, Tick
from engine.nodes.asking import Asker
from engine.nodes.backlog import Backlog
from engine.nodes.history import History, HistoryServer
from engine.nodes.intake import Intake
from engine.nodes.store_writer import StoreWriter
from engine.storage.numbers import Numbers
from engine.storage.serving import HistoryReader
from engine.storage.spool import Spool
from engine.storage.store import MarketStore
from engine.supervision.child import Child
from engine.wire.keys import Domain
from engine.wire.messages import Envelope, Family, GetSnapshot, Pulse, Snapshot, StoreHealth, Ticks
from engine.wire.sockets import Mailbox, Poller, Requester, RouterServer, Subscriber, tcp
from engine.wire.zap import Doorkeeper

log = logs.get(__name__)
_LOOP_MS: Final = 50
_HEALTH_S: Final = 1.0
_UNREAD: Final = 8
"""Pages kept for a client that does not read them; one can take some 5 MB."""
_PATIENCE_S: Final = 1.0
"""Pause before the gateway, which did not answer, is asked again."""


def run(child: Child) -> None:
    """Runs until the process is asked to stop; see :func:`engine.nodes.recorder.main`.

    Raises:
        StoreError: another process writes the store (it is named), or it cannot be opened.
        WireError: the port is taken.
    """
    context = child.context
    wire, keys, place, calendar = (
        context.settings.wire,
        context.keys,
        context.extra["store"],
        context.extra["calendar"],
    )
    with contextlib.ExitStack() as opened:
        door = Doorkeeper(context.binder.roles) if context.binder else None
        if door:
            opened.callback(door.close)
        bars = Mailbox()
        opened.callback(bars.close)
        store = MarketStore(place.path, calendar)
        opened.callback(store.close)
        spool = Spool(place.path / "spool")
        backlog = Backlog(spool)
        writer = StoreWriter(store, backlog, calendar, context.settings.store, bars.put)
        opened.callback(writer.close)
        writer.recover(spool)
        desk = _desk(child, store, writer, opened)
        topics = ("tick.", "book.", "pulse") if place.records else ("pulse",)
        subscriber = opened.enter_context(Subscriber(context.market, topics, wire=wire, keys=keys))
        requester = opened.enter_context(Requester(context.commands, source=context.name, wire=wire, keys=keys))
        recorder = Recorder(child, requester, store, backlog, writer)
        if place.records:
            recorder.begin()
        writer.start()
        desk.start()
        child.ready(endpoint=desk.endpoint)
        poller = Poller(subscriber, requester, bars, child.stopping)
        while not child.is_stopping:
            ready = poller.wait(_LOOP_MS)
            if subscriber in ready:
                recorder.take(envelope for _, envelope in subscriber.drain())
            if bars in ready:
                recorder.tell(bars.take())
            recorder.tend()
            child.telemetry.counts["questions"] = desk.questions
            sockets = (subscriber, requester, desk)
            child.telemetry.counts["undecodable"] = sum(part.undecodable for part in sockets)
            child.telemetry.beat()


def _desk(child: Child, store: MarketStore, writer: StoreWriter, opened: contextlib.ExitStack) -> HistoryServer:
    """Where questions about history are answered; bound, not begun."""
    context, endpoints = child.context, child.context.settings.endpoints
    reader = opened.enter_context(store.reader())  # closing it would close the one made of it
    pages = opened.enter_context(contextlib.closing(HistoryReader.of(reader)))
    endpoint = context.extra["history"] or tcp(endpoints.host, endpoints.history)
    server = RouterServer(
        endpoint,
        source=context.name,
        wire=context.settings.wire,
        keys=context.binder,
        domain=Domain.HISTORY,
        high_water=_UNREAD,
    )
    desk = HistoryServer(server, History(pages, writer.flush, writer.between_questions))
    opened.callback(desk.close)
    return desk


class Recorder:
    """The receive loop's side; its thread.

    Args:
        child: the process it runs in.
        requester: to the gateway.
        store: tells which numbers it holds; asked before the writer begins only.
        backlog: where rows go.
        writer: what it says of itself is told.
    """

    def __init__(
        self, child: Child, requester: Requester, store: MarketStore, backlog: Backlog, writer: StoreWriter
    ) -> None:
        self._child, self._requester, self._store = child, requester, store
        self._backlog, self._writer = backlog, writer
        self._run = 0
        self._held: dict[str, Numbers] = {}
        self._intake = Intake(lambda symbol: self._held.pop(symbol, Numbers()), lambda: writer.pending)
        self._question = ""
        self._ask_at = self._health_at = 0.0

    # --- beginning ---------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Learns which run of the gateway this is; what came before is fetched as a gap is.

        A gateway that does not answer yet is asked until it does, or the process is asked to stop.
        """
        asker = Asker(self._child, self._requester)
        while not self._child.is_stopping:
            try:
                self._begin(asker.ask(GetSnapshot()))
                return
            except RequestError as error:
                log.warning("the recorder waits for the gateway", error=str(error))
                asker.rest(_PATIENCE_S)

    def _begin(self, snapshot: Snapshot) -> None:
        self._run = snapshot.run
        symbols = {item.symbol for item in snapshot.contracts} | set(snapshot.selected)
        self._held = {symbol: self._store.held(symbol, snapshot.run) for symbol in symbols}
        self._writer.market_ns = snapshot.now_ns
        for symbol, numbers in self._held.items():
            if numbers.last:
                self._writer.look_again(symbol)
        self._intake.follow(symbols, _ticks_sent(snapshot), snapshot.now_ns)

    # --- the feed ----------------------------------------------------------------------------------------------

    def take(self, envelopes: Iterable[Envelope]) -> None:
        """Messages of the feed."""
        intake = self._intake
        for envelope in envelopes:
            self._child.telemetry.worked()  # also behind a backlog, in which pulses wait their turn
            body = envelope.body
            if isinstance(body, Tick):
                intake.take_tick(body, envelope.seq)
            elif isinstance(body, Book):
                intake.take_book(body)
            elif isinstance(body, Pulse):
                self._writer.market_ns = body.now_ns
                intake.take_pulse(body.position)
        self._hand_over()

    def _hand_over(self) -> None:
        """What is new goes to the spool and to the writer."""
        intake = self._intake
        if intake.ticks or intake.books:
            ticks, intake.ticks = intake.ticks, []
            books, intake.books = intake.books, []
            self._backlog.add(ticks, books, self._run)

    # --- what is due -------------------------------------------------------------------------------------------

    def tend(self) -> None:
        """Questions to the ring, their answers, and health; call it at least every 0.1 s."""
        for request_id, reply in self._requester.replies():
            if request_id == self._question:
                self._question = ""
                self._answered(reply)
        now = time.monotonic()
        may_ask = self._run and not self._question and now >= self._ask_at
        if may_ask and (question := self._intake.question()) is not None:
            self._question = self._requester.send(question)
        if now >= self._health_at:
            self._health_at = now + _HEALTH_S
            self._child.telemetry.publish("telemetry.store", self._health())

    def _answered(self, reply: object) -> None:
        if isinstance(reply, Ticks):
            self._intake.answer(reply)
            self._hand_over()
        else:
            log.warning("the gateway did not answer the recorder; it is asked again", answer=str(reply))
            self._intake.answer(None)
            self._ask_at = time.monotonic() + _PATIENCE_S

    def tell(self, batches: Iterable[list[Bar]]) -> None:
        """Publishes bars that are complete, or corrected."""
        for bars in batches:
            for bar in bars:
                self._child.telemetry.publish(f"market.candle.1m.{bar.symbol}", bar)

    def _health(self) -> StoreHealth:
        writer, intake, counts = self._writer, self._intake, self._child.telemetry.counts
        counts["rows"], counts["gaps"], counts["lost"] = writer.rows, intake.gaps, intake.lost
        counts["books_lost"] = intake.books_lost
        return StoreHealth(
            size_bytes=writer.size_bytes,
            rows=writer.rows,
            pending=writer.pending,
            lag_ms=writer.lag_ms,
            missing=intake.lost,
            ts_flushed=writer.ts_flushed,
            text=" ".join(filter(None, (writer.text, self._backlog.trouble))),
        )


def _ticks_sent(snapshot: Snapshot) -> int:
    """Number of the last tick when the snapshot was begun; those after it are looked for at the next pulse."""
    return next((item.seq for item in snapshot.seqs if item.family == Family.TICK), 0)
