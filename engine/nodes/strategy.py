"""The strategy process: ticks and events from the feed into a strategy, its decisions out to executor and gateway.

Ticks come in their true order (:mod:`engine.nodes.following`); a lost event is repaired by a snapshot. Where these
cannot be had nothing is entered, and what guards goes on. In a paced market (replay) it processes ticks only as
far as granted, stops at a tick that gave signals, and answers every grant, so that replay time decides and not how
fast processes happen to run.
"""

import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from engine import logs
from engine.errors import RequestError
from engine.model.condition import ConditionAction, ConditionCommand, ConditionExecution, ConditionState
from engine.model.order import Reason
from engine.model.signal import Leg, Signal, SignalRefused
from engine.model.tick import Tick
from engine.nodes.asking import Asker
from engine.nodes.following import FollowedContracts
from engine.nodes.sight import Sight
from engine.strategies.base import NOTHING, Decision, Strategy, Timed
from engine.supervision.child import Child
from engine.timing import NS_PER_S
from engine.wire.messages import (
    ConditionReport,
    Envelope,
    Family,
    GetSnapshot,
    Pace,
    Pulse,
    Snapshot,
    Watermark,
)
from engine.wire.sockets import Poller, Pusher, Requester, Subscriber

log = logs.get(__name__)
_LOOP_MS: Final = 100
_PATIENCE_S: Final = 1.0
"""Pause before the gateway, which did not answer at the start, is asked again."""
EVENT_TOPICS: Final = (
    "order.",
    "fill.",
    "position.",
    "condition.",
    "transition.",
    "signal.",
    "halt",
    "limits",
    "difference.",
    "link.",
    "contract.",
    "pace",
    "pulse",
)
"""All topics of the event family: who takes them all sees a gap by its number."""

StrategyFactory = Callable[[], Strategy]


def main(child: Child) -> None:
    """Runs a strategy until the process is asked to stop.

    ``context.extra`` has the ``strategy`` that makes it, and where ``history`` is answered, empty = nowhere.
    """
    context = child.context
    wire, source, keys = context.settings.wire, context.name, context.keys
    factory: StrategyFactory = context.extra["strategy"]
    with contextlib.ExitStack() as opened:
        topics = (*EVENT_TOPICS, "tick.")
        subscriber = opened.enter_context(Subscriber(context.market, topics, wire=wire, keys=keys))
        pusher = opened.enter_context(Pusher(context.signals, source=source, wire=wire, keys=keys))
        requester = opened.enter_context(Requester(context.commands, source=source, wire=wire, keys=keys))
        history: Requester | None = None
        if (endpoint := context.extra.get("history", "")) and not context.is_paced:
            once = replace(wire, request_attempts=1)  # guards do not wait for a recorder that is gone
            history = opened.enter_context(Requester(endpoint, source=source, wire=once, keys=keys))
        node = StrategyNode(child, factory(), subscriber, pusher, requester, history)
        poller = Poller(subscriber, requester, child.stopping)
        node.begin()
        child.ready()
        while not child.is_stopping:
            ready = poller.wait(_LOOP_MS)
            if subscriber in ready:
                for _, envelope in subscriber.drain():
                    node.on_message(envelope)
            node.tend()
            child.telemetry.counts["undecodable"] = subscriber.undecodable + requester.undecodable
            child.telemetry.beat()


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
        history: to the recorder; None = the gateway alone is asked for ticks.
    """

    def __init__(
        self,
        child: Child,
        strategy: Strategy,
        subscriber: Subscriber,
        pusher: Pusher,
        requester: Requester,
        history: Requester | None = None,
    ) -> None:
        self._child, self._strategy = child, strategy
        self._subscriber, self._pusher, self._requester = subscriber, pusher, requester
        self._asker = Asker(child, requester)
        self._resend_s = child.context.settings.strategy.signal_resend_s
        self._age_limit_ns = int(child.context.settings.risk.entry_signal_age_s * NS_PER_S)
        self._is_paced = child.context.is_paced
        self._event_seq = 0
        self._sight = Sight(child.context.name, child.telemetry, requester.send)
        recorder = Asker(child, history) if history else None
        self._contracts = FollowedContracts(
            self._asker, recorder, self._sight, self._process, is_paced=self._is_paced
        )
        self._unanswered: dict[str, _Unanswered] = {}
        self._queue: deque[tuple[int, Tick]] = deque()
        self._round = 0
        self._granted = 0
        self._position = 0
        self._given: list[str] = []

    # --- beginning, and beginning again --------------------------------------------------------------------------

    def begin(self) -> None:
        """Takes a snapshot, restores the strategy, catches up on ticks and joins a paced market.

        A gateway that does not answer yet is asked again until it does, or the process is asked to stop.
        """
        while not self._child.is_stopping:
            try:
                self._begin(self._asker.ask(GetSnapshot()))
                return
            except RequestError as error:
                log.warning("the strategy waits for the gateway", error=str(error))
                self._asker.rest(_PATIENCE_S)

    def _begin(self, snapshot: Snapshot) -> None:
        self._event_seq = _seq(snapshot, Family.EVENT)
        self._sight.inherit(snapshot.links)
        decision = self._strategy.restore(snapshot.conditions, snapshot.orders)
        text = "the strategy was restarted before the signal was taken"
        self._perform(self._without_stale_entries(decision, text))
        self._follow_symbols(snapshot)
        if not self._is_paced:
            self._pass_time(snapshot.now_ns)
            return
        if snapshot.pace:
            self._round, self._granted = snapshot.pace.round, snapshot.pace.position
        last = self._contracts.last
        missed = [found for symbol in last for found in self._asker.ticks_after(symbol, last[symbol])]
        self._queue.extend(sorted(missed, key=lambda found: found[0]))
        self._advance()
        self._answer(0)

    def _without_stale_entries(self, decision: Decision, text: str) -> Decision:
        """Refuses entries that are old, or of which nobody knows how old they are. Exits are sent."""
        if self._is_paced:
            return decision
        return self._refused(decision, Reason.STALE_SIGNAL, lambda signal: text)

    def _without_blind_entries(self, decision: Decision) -> Decision:
        """Refuses entries of contracts of which something was not seen. Exits are sent."""
        return self._refused(decision, Reason.GAP, self._sight.refusal)

    def _refused(self, decision: Decision, reason: Reason, why: Callable[[Signal], str]) -> Decision:
        """The decision without the entries for which there is a sentence why not; these are refused."""
        kept = []
        for signal in decision.signals:
            text = why(signal) if signal.leg is Leg.ENTRY else ""
            if not text:
                kept.append(signal)
                continue
            refused = SignalRefused(signal=signal, reason=reason, text=text, ts_event=signal.ts_event)
            self._requester.send(refused, cause=signal.signal_id)
            self._child.telemetry.count("refused")
            self._given.append(signal.signal_id)  # a replay waits until it is decided
        return replace(decision, signals=tuple(kept)) if len(kept) < len(decision.signals) else decision

    def _follow_symbols(self, snapshot: Snapshot) -> None:
        """Begins to watch newly wanted contracts, from where their conditions were armed."""
        known = {item.condition_id: item.tick_seq for item in snapshot.conditions}
        for symbol in self._strategy.symbols() - self._contracts.last.keys():
            seqs = [
                known[item.condition_id]
                for item in snapshot.conditions
                if item.spec.symbol == symbol
                and not item.state.is_final
                and item.state is not ConditionState.DRAFT
            ]
            last = next((item.tick for item in snapshot.last if item.symbol == symbol), None)
            before = last.seq if last else 0
            self._contracts.add(symbol, min(seqs, default=before), snapshot.run)

    # --- in step with the ledger ---------------------------------------------------------------------------------

    def tend(self) -> None:
        """What is due whether messages come or not; call it at least every 0.1 s."""
        self._asker.take_replies()
        self._resend()
        if self._sight.is_question_due:
            self._resync()
        self._contracts.look()
        self._child.telemetry.counts["gaps"] = self._contracts.gaps

    def _resync(self) -> None:
        """Some event was lost: begins again from what the ledger knows."""
        self._child.telemetry.count("resyncs")
        try:
            self._restore(self._asker.ask(GetSnapshot()))
        except RequestError as error:
            self._sight.fall_out(error)

    def _restore(self, snapshot: Snapshot) -> None:
        was_out = self._sight.come_back()
        self._event_seq = _seq(snapshot, Family.EVENT)
        for order in snapshot.orders:
            self._unanswered.pop(order.signal_id, None)
        pending = set(self._unanswered)
        decision = self._strategy.restore(snapshot.conditions, snapshot.orders)
        again = tuple(signal for signal in decision.signals if signal.signal_id not in pending)
        decision = replace(decision, signals=again)
        if was_out:
            decision = self._without_stale_entries(decision, "the gateway did not answer when it was given")
        self._perform(decision)
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
                self._contracts.take(body)
            return
        if envelope.seq <= self._event_seq:
            return
        if envelope.seq > self._event_seq + 1 and self._sight.is_in_step:
            log.warning("events lost", after=self._event_seq, next=envelope.seq)
            self._resync()
            return
        self._event_seq = envelope.seq
        if isinstance(body, Pulse):
            self._child.telemetry.worked()  # a market without a trade is no fault of this process
            if not self._is_paced:
                self._pass_time(body.now_ns)
        elif isinstance(body, Pace):
            self._take_pace(body)
        elif isinstance(body, ConditionCommand | ConditionExecution | SignalRefused):
            self._take_event(body)

    def _take_event(self, event: ConditionCommand | ConditionExecution | SignalRefused) -> None:
        if isinstance(event, SignalRefused):
            self._unanswered.pop(event.signal.signal_id, None)
        elif isinstance(event, ConditionExecution):
            self._unanswered.pop(event.order.signal_id, None)
        decision = self._strategy.on_event(event)
        if isinstance(event, ConditionCommand) and event.action in (ConditionAction.ARM, ConditionAction.PUT):
            for condition in decision.conditions:
                self._sight.accept(condition.spec.symbol)
        self._perform(decision)
        if self._sight.is_in_step and self._strategy.symbols() - self._contracts.last.keys():
            try:
                self._follow_symbols(self._asker.ask(GetSnapshot()))
            except RequestError as error:
                self._sight.fall_out(error)

    def _pass_time(self, now_ns: int) -> None:
        if isinstance(self._strategy, Timed):
            self._perform(self._strategy.on_time(now_ns))

    def _process(self, tick: Tick) -> None:
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
        decision = self._without_blind_entries(decision)
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

    def _resend(self) -> None:
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
        if due and self._sight.is_in_step:
            self._resync()

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
            self._contracts.take(tick)
            if self._given:
                return
        self._position = max(self._position, self._granted)

    def _answer(self, round: int) -> None:
        """Tells how far it is. Signals of an event (a person's close) are decided in their own time."""
        name, given = self._child.context.name, tuple(self._given)
        self._requester.send(Watermark(node=name, round=round, position=self._position, signal_ids=given))


def _seq(snapshot: Snapshot, family: str) -> int:
    return next((item.seq for item in snapshot.seqs if item.family == family), 0)
