"""The strategy process: ticks and events from the feed into a strategy, its decisions out to executor and gateway.

Gaps are seen by number and repaired from the gateway's ring; a lost event is repaired by a snapshot. In a paced
market (replay) it processes ticks only as far as granted, stops at a tick that gave signals, and answers every
grant, so that replay time decides and not how fast processes happen to run.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from engine import logs
from engine.errors import RequestError
from engine.model.condition import ConditionCommand, ConditionExecution, ConditionState
from engine.model.order import Reason
from engine.model.signal import Leg, Signal, SignalRefused
from engine.model.tick import Tick
from engine.strategies.base import NOTHING, Decision, Strategy
from engine.supervision.child import Child
from engine.timing import NS_PER_S
from engine.wire.messages import (
    ConditionReport,
    Envelope,
    Family,
    GetSnapshot,
    GetTicks,
    Pace,
    Pulse,
    Snapshot,
    Ticks,
    Watermark,
)
from engine.wire.sockets import Poller, Pusher, Requester, Subscriber

log = logs.get(__name__)
_LOOP_MS: Final = 100
_PAGE: Final = 20_000
EVENT_TOPICS: Final = (
    "order.",
    "fill.",
    "position.",
    "condition.",
    "transition.",
    "signal.",
    "halt",
    "link.",
    "contract.",
    "pace",
    "pulse",
)
"""All topics of the event family: who takes them all sees a gap by its number."""

StrategyFactory = Callable[[], Strategy]


def main(child: Child) -> None:
    """Runs the strategy that ``context.extra["strategy"]`` makes until the process is asked to stop."""
    context = child.context
    wire = context.settings.wire
    subscriber = Subscriber(context.market, (*EVENT_TOPICS, "tick."), wire=wire, keys=context.keys)
    pusher = Pusher(context.signals, source=context.name, wire=wire, keys=context.keys)
    requester = Requester(context.commands, source=context.name, wire=wire, keys=context.keys)
    factory: StrategyFactory = context.extra["strategy"]
    node = StrategyNode(child, factory(), subscriber, pusher, requester)
    poller = Poller(subscriber, requester, child.stopping)
    try:
        node.begin()
        child.ready()
        while not child.is_stopping:
            ready = poller.wait(_LOOP_MS)
            if subscriber in ready:
                for _, envelope in subscriber.drain():
                    node.on_message(envelope)
            node.on_replies()
            node.resend()
            child.telemetry.counts["undecodable"] = subscriber.undecodable + requester.undecodable
            child.telemetry.beat()
    finally:
        subscriber.close()
        pusher.close()
        requester.close()


@dataclass(slots=True)
class _Unanswered:
    frame: bytes
    resend_at: float


class StrategyNode:
    """Keeps a strategy fed with the true sequence of ticks and events.

    Args:
        child: the process it runs in.
        strategy: the strategy.
        subscriber: feed, subscribed to all events and ticks.
        pusher: to the executor.
        requester: to the gateway.
    """

    def __init__(
        self, child: Child, strategy: Strategy, subscriber: Subscriber, pusher: Pusher, requester: Requester
    ) -> None:
        self._child, self._strategy = child, strategy
        self._subscriber, self._pusher, self._requester = subscriber, pusher, requester
        self._resend_s = child.context.settings.strategy.signal_resend_s
        self._age_limit_ns = int(child.context.settings.risk.entry_signal_age_s * NS_PER_S)
        self._is_paced = child.context.is_paced
        self._last_seq: dict[str, int] = {}
        self._event_seq = 0
        self._unanswered: dict[str, _Unanswered] = {}
        self._queue: deque[tuple[int, Tick]] = deque()
        self._round = 0
        self._granted = 0
        self._position = 0
        self._given: list[str] = []

    # --- beginning, and beginning again --------------------------------------------------------------------------

    def begin(self) -> None:
        """Takes a snapshot, restores the strategy, catches up on ticks and joins a paced market."""
        snapshot: Snapshot = self._requester.request(GetSnapshot())
        self._event_seq = _seq(snapshot, Family.EVENT)
        decision = self._strategy.restore(snapshot.conditions, snapshot.orders)
        text = "the strategy was restarted before the signal was taken"
        self._perform(self._without_stale_entries(decision, text))
        self._follow_symbols(snapshot)
        if self._is_paced:
            if snapshot.pace:
                self._round, self._granted = snapshot.pace.round, snapshot.pace.position
            missed = [found for symbol in self._last_seq for found in self._fetch(symbol)]
            self._queue.extend(sorted(missed, key=lambda found: found[0]))
            self._advance()
            self._answer(0)

    def _without_stale_entries(self, decision: Decision, text: str) -> Decision:
        """Refuses entries that are old, or of which nobody knows how old they are. Exits are sent."""
        if self._is_paced:
            return decision
        kept = []
        for signal in decision.signals:
            if signal.leg is not Leg.ENTRY:
                kept.append(signal)
                continue
            refused = SignalRefused(signal=signal, reason=Reason.STALE_SIGNAL, text=text, ts_event=signal.ts_event)
            self._requester.send(refused, cause=signal.signal_id)
        return replace(decision, signals=tuple(kept))

    def _follow_symbols(self, snapshot: Snapshot) -> None:
        """Begins to watch newly wanted contracts, from where their conditions were armed."""
        known = {item.condition_id: item.tick_seq for item in snapshot.conditions}
        for symbol in self._strategy.symbols() - set(self._last_seq):
            seqs = [
                known[item.condition_id]
                for item in snapshot.conditions
                if item.spec.symbol == symbol
                and not item.state.is_final
                and item.state is not ConditionState.DRAFT
            ]
            last = next((item.tick for item in snapshot.last if item.symbol == symbol), None)
            self._last_seq[symbol] = min(seqs) if seqs else (last.seq if last else 0)
            if not self._is_paced:
                for _, tick in self._fetch(symbol):
                    self._process(tick)

    def _fetch(self, symbol: str) -> list[tuple[int, Tick]]:
        """The ticks after the last known one and their numbers in the family, from the gateway's ring."""
        found: list[tuple[int, Tick]] = []
        after = self._last_seq[symbol]
        while True:
            page: Ticks = self._requester.request(GetTicks(symbol=symbol, after_seq=after, limit=_PAGE))
            if page.ticks and page.ticks[0].seq > after + 1:
                self._child.telemetry.count("lost", page.ticks[0].seq - after - 1)
                log.error("ticks lost", symbol=symbol, after=after, first=page.ticks[0].seq)
            found += zip(page.positions, page.ticks, strict=True)
            if page.is_complete or not page.ticks:
                return found
            after = page.ticks[-1].seq

    def _resync(self) -> None:
        """Some event was lost: begins again from what the ledger knows."""
        self._child.telemetry.count("resyncs")
        snapshot: Snapshot = self._requester.request(GetSnapshot())
        self._event_seq = _seq(snapshot, Family.EVENT)
        for order in snapshot.orders:
            self._unanswered.pop(order.signal_id, None)
        pending = set(self._unanswered)
        decision = self._strategy.restore(snapshot.conditions, snapshot.orders)
        again = tuple(signal for signal in decision.signals if signal.signal_id not in pending)
        self._perform(replace(decision, signals=again))
        self._follow_symbols(snapshot)
        if self._is_paced and snapshot.pace and snapshot.pace.round > self._round:
            self._take_pace(snapshot.pace)

    # --- the feed ------------------------------------------------------------------------------------------------

    def on_message(self, envelope: Envelope) -> None:
        """One message of the feed."""
        body = envelope.body
        if isinstance(body, Tick):
            self._child.telemetry.count("ticks")
            if self._is_paced:
                self._queue.append((envelope.seq, body))
            else:
                self._take_tick(body)
            return
        if envelope.seq <= self._event_seq:
            return
        if envelope.seq > self._event_seq + 1:
            log.warning("events lost", after=self._event_seq, next=envelope.seq)
            self._resync()
            return
        self._event_seq = envelope.seq
        if isinstance(body, Pulse):
            self._child.telemetry.worked()  # a market without a trade is no fault of this process
        elif isinstance(body, Pace):
            self._take_pace(body)
        elif isinstance(body, ConditionCommand | ConditionExecution | SignalRefused):
            self._take_event(body)

    def _take_event(self, event: ConditionCommand | ConditionExecution | SignalRefused) -> None:
        if isinstance(event, SignalRefused):
            self._unanswered.pop(event.signal.signal_id, None)
        elif isinstance(event, ConditionExecution):
            self._unanswered.pop(event.order.signal_id, None)
        self._perform(self._strategy.on_event(event))
        if self._strategy.symbols() - set(self._last_seq):
            self._follow_symbols(self._requester.request(GetSnapshot()))

    def _take_tick(self, tick: Tick) -> None:
        """Processes a tick, repairing a gap before it."""
        last = self._last_seq.get(tick.symbol)
        if last is None or tick.seq <= last:
            return
        if tick.seq > last + 1:
            self._child.telemetry.count("gaps")
            for _, missed in self._fetch(tick.symbol):
                if missed.seq < tick.seq or not self._is_paced:  # what comes again later is dropped by its number
                    self._process(missed)
        if tick.seq > self._last_seq[tick.symbol]:
            self._process(tick)

    def _process(self, tick: Tick) -> None:
        self._last_seq[tick.symbol] = tick.seq
        self._child.telemetry.worked()
        decision = self._strategy.on_tick(tick)
        if decision is NOTHING:
            return
        age_ns = time.time_ns() - tick.ts_recv
        if age_ns > self._age_limit_ns:  # caught up on after a late start or a gap
            text = f"its tick came {age_ns / NS_PER_S:.1f} s ago"
            decision = self._without_stale_entries(decision, text)
        self._perform(decision)

    # --- decisions -----------------------------------------------------------------------------------------------

    def _perform(self, decision: Decision) -> None:
        for signal in decision.signals:
            self._send(signal)
        for condition in decision.conditions:
            self._requester.send(
                ConditionReport(
                    condition=condition,
                    transitions=tuple(
                        item for item in decision.transitions if item.condition_id == condition.condition_id
                    ),
                    signals=tuple(
                        item for item in decision.signals if item.condition_id == condition.condition_id
                    ),
                )
            )

    def _send(self, signal: Signal) -> None:
        self._child.telemetry.count("signals")
        self._given.append(signal.signal_id)
        frame = self._pusher.push(signal, id=signal.signal_id)
        self._unanswered[signal.signal_id] = _Unanswered(frame, time.monotonic() + self._resend_s)

    def resend(self) -> None:
        """Sends again what nobody acknowledged, and asks the ledger whether the answer was lost."""
        if not self._unanswered:
            return
        now = time.monotonic()
        due = [item for item in self._unanswered.items() if now >= item[1].resend_at]
        for signal_id, item in due:
            self._child.telemetry.count("resent")
            item.resend_at = now + self._resend_s
            if not self._pusher.repeat(item.frame):
                log.warning("executor does not take signals", signal=signal_id)
        if due:
            self._resync()

    def on_replies(self) -> None:
        """Takes the gateway's answers to reports; an unanswered one is told again by the next resync."""
        for _, reply in self._requester.replies():
            if isinstance(reply, RequestError):
                log.error("report unanswered", error=str(reply))

    # --- paced markets -------------------------------------------------------------------------------------------

    def _take_pace(self, pace: Pace) -> None:
        self._round, self._granted = pace.round, pace.position
        self._advance()
        self._answer(self._round)

    def _advance(self) -> None:
        """Processes the ticks that are granted, up to the first that gives signals."""
        self._given.clear()
        while self._queue and self._queue[0][0] <= self._granted:
            self._position, tick = self._queue.popleft()
            self._take_tick(tick)
            if self._given:
                return
        self._position = max(self._position, self._granted)

    def _answer(self, round: int) -> None:
        """Tells how far it is. Signals of an event (a person's close) are decided in their own time."""
        name, given = self._child.context.name, tuple(self._given)
        self._requester.send(Watermark(node=name, round=round, position=self._position, signal_ids=given))


def _seq(snapshot: Snapshot, family: str) -> int:
    return next((item.seq for item in snapshot.seqs if item.family == family), 0)
