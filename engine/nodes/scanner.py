"""The scanner: watches every subscribed contract over the feed and tells, once a second, what deserves a look.

It reads only: its key opens feed, queries, history and its own telemetry, nothing that could order or signal.
What a finding is stands in :mod:`engine.strategies.scanning`; here is what feeds it. Where ticks, bars or answers
cannot be had it goes on with what there is, and a finding that needs them is not told.
"""

import contextlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from engine import logs
from engine.errors import DecodeError, RequestError, UnknownInstrument
from engine.model.condition import Condition
from engine.model.instrument import instrument
from engine.model.market import Environment
from engine.model.scan import ScanHit
from engine.model.session import TAIPEI, TradingCalendar
from engine.model.tick import Tick
from engine.nodes.asking import Asker
from engine.nodes.strategy import EVENT_TOPICS
from engine.strategies.scanning import PAST_MINUTES, ContractScan, ranked
from engine.strategies.surges import MINUTE_NS
from engine.supervision.child import Child
from engine.timing import NS_PER_S
from engine.wire.messages import (
    Envelope,
    Family,
    GetHistory,
    GetSnapshot,
    GetTicks,
    HistoryKind,
    HistoryPage,
    Pulse,
    Refused,
    ScanHits,
    Snapshot,
)
from engine.wire.pages import bars_of
from engine.wire.rail import DualRail, Missing, Output, RailLimits
from engine.wire.sockets import Poller, Requester, Subscriber

log = logs.get(__name__)

TOPIC: Final = "telemetry.scan"
_LOOP_MS: Final = 50
_PATIENCE_S: Final = 1.0
"""Pause before the gateway is asked again."""
_TELL_S: Final = 1.0
"""Findings are looked for, and told where they have changed, so often at most."""
_REMIND_S: Final = 5.0
"""Unchanged ones are told so often, for who has just begun to listen."""
_LOOK_S: Final = 0.25
"""How often the rails are told the time."""
_PAST_AGAIN_S: Final = 30.0
"""A recorder that did not answer about past bars is asked again so much later."""
_LIMITS: Final = RailLimits(silence_s=20.0)
"""Many contracts trade seldom: each one's silence costs the gateway a question."""


def main(child: Child) -> None:
    """Runs until the process is asked to stop.

    ``context.extra`` has the ``calendar``, and where ``history`` is answered, empty = nowhere.
    """
    context = child.context
    wire, keys, history = context.settings.wire, context.keys, context.extra["history"]
    with contextlib.ExitStack() as opened:

        def requester(endpoint: str) -> Requester:
            return opened.enter_context(Requester(endpoint, source=context.name, wire=wire, keys=keys))

        subscriber = opened.enter_context(
            Subscriber(context.market, (*EVENT_TOPICS, "tick."), wire=wire, keys=keys)
        )
        gateway, recorder = requester(context.commands), requester(history) if history else None
        scanner = Scanner(child, gateway, recorder, context.extra["calendar"])
        scanner.begin()
        child.ready()
        answering = [found for found in (gateway, recorder) if found is not None]
        poller = Poller(subscriber, *answering, child.stopping)
        while not child.is_stopping:
            if subscriber in poller.wait(_LOOP_MS):
                scanner.take(envelope for _, envelope in subscriber.drain())
            scanner.tend(time.monotonic())
            undecodable = sum(found.undecodable for found in answering)
            child.telemetry.counts["undecodable"] = subscriber.undecodable + undecodable
            child.telemetry.beat()


@dataclass(slots=True)
class _Watched:
    """One contract."""

    scan: ContractScan
    rail: DualRail
    past_at: float | None = 0.0
    """When its past bars are asked for; None = they came, will not come, or are on their way."""


class Scanner:
    """Contracts, conditions and open questions; its thread.

    Args:
        child: the process it runs in.
        gateway: asked for the snapshot and for ticks that did not come.
        recorder: asked for past bars, and for ticks that the gateway has no more; None = there is none.
        calendar: tells the sessions.
    """

    def __init__(
        self, child: Child, gateway: Requester, recorder: Requester | None, calendar: TradingCalendar
    ) -> None:
        self._child, self._gateway, self._recorder, self._calendar = child, gateway, recorder, calendar
        self._contracts: dict[str, _Watched] = {}
        self._conditions: dict[str, tuple[int, Condition]] = {}
        """Each with the number of the event that told of it."""
        self._open: dict[str, Callable[[object], None]] = {}
        """What to do with the answer to each open question."""
        self._run = self._now_ns = 0
        self._is_past_known = False
        self._event_seq = 0
        self._missed = 0
        """Number of the last event that did not come; 0 = none is missing."""
        self._is_asking, self._ask_at = False, 0.0
        self._look_at = self._tell_at = self._remind_at = 0.0
        self._told: tuple[ScanHit, ...] = ()

    # --- what the gateway knows ----------------------------------------------------------------------------------

    def begin(self) -> None:
        """Takes a snapshot; a gateway that does not answer is asked until it does, or the process is to stop."""
        asker = Asker(self._child, self._gateway)
        while not self._child.is_stopping:
            try:
                self._take_snapshot(asker.ask(GetSnapshot()))
                return
            except RequestError as error:
                log.warning("the scanner waits for the gateway", error=str(error))
                asker.rest(_PATIENCE_S)

    def _take_snapshot(self, snapshot: Snapshot) -> None:
        seq = next((item.seq for item in snapshot.seqs if item.family == Family.EVENT), 0)
        self._event_seq = max(self._event_seq, seq)
        self._missed = self._missed if self._missed > seq else 0
        later = {id_: (told, item) for id_, (told, item) in self._conditions.items() if told > seq}
        self._conditions = {item.condition_id: (seq, item) for item in snapshot.conditions} | later
        self._run, self._now_ns = snapshot.run, snapshot.now_ns
        # The bar of a replay's first minute may hold what is yet to come.
        self._is_past_known = snapshot.environment is not Environment.REPLAY
        now_s = time.monotonic()
        for last in snapshot.last:
            if last.tick is not None and last.symbol not in self._contracts:
                watched = self._watch(last.symbol, last.tick.seq)
                self._perform(watched, watched.rail.catch_up(now_s))

    def _ask_snapshot(self, now_s: float) -> None:
        """Some event was lost; later ones count meanwhile, and the gateway is not asked at every one of them."""
        self._is_asking, self._ask_at = True, now_s + _PATIENCE_S
        self._child.telemetry.count("resyncs")
        self._ask(self._gateway, GetSnapshot(), self._on_snapshot)

    def _on_snapshot(self, reply: object) -> None:
        self._is_asking = False
        if isinstance(reply, Snapshot):
            self._take_snapshot(reply)
        else:
            log.warning("the gateway did not answer the scanner; it is asked again", answer=str(reply))

    # --- the feed ------------------------------------------------------------------------------------------------

    def take(self, envelopes: Iterable[Envelope]) -> None:
        """Messages of the feed."""
        now_s = time.monotonic()
        for envelope in envelopes:
            body = envelope.body
            if isinstance(body, Tick):
                watched = self._contracts.get(body.symbol) or self._watch(body.symbol, body.seq - 1)
                self._perform(watched, watched.rail.live(body, now_s))
            elif envelope.seq > self._event_seq:
                self._take_event(envelope)

    def _take_event(self, envelope: Envelope) -> None:
        if envelope.seq > self._event_seq + 1:
            self._missed = envelope.seq - 1
        self._event_seq = envelope.seq
        if isinstance(body := envelope.body, Condition):
            self._conditions[body.condition_id] = envelope.seq, body
        elif isinstance(body, Pulse):
            self._child.telemetry.worked()
            self._now_ns = body.now_ns
            for watched in self._contracts.values():
                watched.scan.pass_time(body.now_ns)

    def _watch(self, symbol: str, top: int) -> _Watched:
        """A contract that was not known: those of its ticks that were sent before are fetched."""
        scan = ContractScan(symbol, self._calendar, self._last_day(symbol))
        run = self._run if self._recorder is not None else 0
        watched = _Watched(scan, DualRail(symbol, top=top, run=run, limits=_LIMITS))
        self._contracts[symbol] = watched
        return watched

    def _last_day(self, symbol: str) -> date | None:
        near = datetime.fromtimestamp(self._now_ns // NS_PER_S, TAIPEI).date()
        try:
            return instrument(symbol, near=near, calendar=self._calendar).last_trading_day
        except UnknownInstrument:
            return None

    def _perform(self, watched: _Watched, outputs: Iterable[Output]) -> None:
        for output in outputs:
            if isinstance(output, Tick):
                watched.scan.add(output)
                self._child.telemetry.count("ticks")
                self._child.telemetry.beat()  # a page and what waited behind it may be some 15,000
            elif isinstance(output, Missing):
                self._child.telemetry.count("lost", len(output))
                log.warning("ticks are missing", symbol=output.symbol, first=output.first, last=output.last)
            else:
                self._ask_ticks(watched, output)

    def _ask_ticks(self, watched: _Watched, question: GetTicks | GetHistory) -> None:
        def answered(reply: object) -> None:
            self._perform(watched, watched.rail.answer(question, reply, time.monotonic()))

        where = self._gateway if isinstance(question, GetTicks) else self._recorder
        if where is not None:
            self._ask(where, question, answered)

    # --- what is due ---------------------------------------------------------------------------------------------

    def tend(self, now_s: float) -> None:
        """Answers, questions and findings; call it at least every 0.1 s."""
        for requester in (self._gateway, self._recorder):
            for request_id, reply in requester.replies() if requester is not None else ():
                if (answered := self._open.pop(request_id, None)) is not None:
                    answered(reply)
        if self._missed and not self._is_asking and now_s >= self._ask_at:
            self._ask_snapshot(now_s)
        if now_s >= self._look_at:
            self._look_at = now_s + _LOOK_S
            for watched in self._contracts.values():
                self._perform(watched, watched.rail.time(now_s))
                self._ask_past(watched, now_s)
        if now_s >= self._tell_at:
            self._tell_at = now_s + _TELL_S
            self._tell(now_s)

    def _tell(self, now_s: float) -> None:
        conditions = tuple(item for _, item in self._conditions.values())
        hits = ranked(
            hit for watched in self._contracts.values() for hit in watched.scan.hits(self._now_ns, conditions)
        )
        counts = self._child.telemetry.counts
        counts["contracts"], counts["hits"] = len(self._contracts), len(hits)
        counts["gaps"] = sum(watched.rail.gaps for watched in self._contracts.values())
        if hits != self._told or now_s >= self._remind_at:
            self._told, self._remind_at = hits, now_s + _REMIND_S
            self._child.telemetry.publish(TOPIC, ScanHits(hits=hits))

    # --- past bars -----------------------------------------------------------------------------------------------

    def _ask_past(self, watched: _Watched, now_s: float) -> None:
        """Asks for the bars before the feed's first print, once it is known."""
        first_ns = watched.scan.first_ns
        if self._recorder is None or not first_ns or watched.past_at is None or now_s < watched.past_at:
            return
        watched.past_at = None
        question = GetHistory(
            kind=HistoryKind.BARS,
            symbol=watched.scan.symbol,
            end_ns=first_ns + MINUTE_NS if self._is_past_known else first_ns,
            is_newest=True,
            limit=PAST_MINUTES,
        )
        self._ask(self._recorder, question, lambda reply: self._take_past(watched, reply))

    def _take_past(self, watched: _Watched, reply: object) -> None:
        symbol = watched.scan.symbol
        if isinstance(reply, RequestError):
            log.info("no past bars yet; the recorder does not answer", symbol=symbol, error=str(reply))
            watched.past_at = time.monotonic() + _PAST_AGAIN_S
        elif isinstance(reply, Refused):
            log.warning("no past bars", symbol=symbol, reason=reply.code, text=reply.text)
        elif isinstance(reply, HistoryPage):
            try:
                bars = bars_of(reply)
            except DecodeError as error:
                log.warning("no past bars", symbol=symbol, text=str(error))
                return
            watched.scan.add_past(bars)
            self._child.telemetry.count("past_bars", len(bars))

    def _ask(self, where: Requester, question: object, answered: Callable[[object], None]) -> None:
        self._open[where.send(question)] = answered
