"""The executor: signals in, order requests out. Checks age, asks again until the gateway answers.

It decides nothing about risk and remembers no signal beyond its answer. One that comes again is asked for again:
its strategy may have missed what came of it, and the ledger makes every signal one order at most.
"""

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from engine import logs
from engine.errors import RequestTimeout
from engine.model.order import OrderType, Reason, SubmitOrder, TimeInForce
from engine.model.signal import Signal, SignalRefused
from engine.supervision.child import Child
from engine.timing import NS_PER_S
from engine.wire.messages import Ping, Refused
from engine.wire.sockets import Poller, Puller, Requester, tcp
from engine.wire.zap import Doorkeeper

log = logs.get(__name__)
_LOOP_MS: Final = 100
_BATCH: Final = 256
"""Signals taken between two looks at the answers."""
_PING_S: Final = 1.0
"""How often it proves that a request comes through, whatever the market does."""
_IN_FLIGHT: Final = 64
"""Requests without an answer beyond which entries and refusals wait. Exits do not wait for them."""
_EXITS_IN_FLIGHT: Final = 256
"""The same for exits: far more than conditions can be in the market, and less than a socket's queue."""
_QUEUE: Final = 10_000
"""Signals that wait for the gateway to answer; their strategy repeats what finds no room."""


def main(child: Child) -> None:
    """Runs until the process is asked to stop; tells the supervisor where it listens."""
    context = child.context
    door = Doorkeeper(context.binder.roles) if context.binder else None
    endpoint = context.signals or tcp(context.settings.endpoints.host, context.settings.endpoints.signals)
    puller = Puller(endpoint, wire=context.settings.wire, keys=context.binder)
    requester = Requester(context.commands, source=context.name, wire=context.settings.wire, keys=context.keys)
    executor = Executor(child, requester)
    poller = Poller(puller, requester, child.stopping)
    child.ready(endpoint=puller.endpoint)
    try:
        while not child.is_stopping:
            poller.wait(_LOOP_MS)
            for _ in range(_BATCH):
                if (envelope := puller.receive()) is None:
                    break
                if isinstance(envelope.body, Signal):
                    executor.on_signal(envelope.body, envelope.time)
            executor.on_replies()
            executor.ping()
            child.telemetry.counts["undecodable"] = puller.undecodable + requester.undecodable
            child.telemetry.counts["turned_away"] = door.refused if door else 0
            child.telemetry.counts["retries"] = requester.retries
            child.telemetry.beat()
    finally:
        puller.close()
        requester.close()
        if door:
            door.close()


def order_of(signal: Signal) -> SubmitOrder:
    """The order that a signal becomes: a market order, immediate or cancel."""
    return SubmitOrder(
        client_order_id=signal.client_order_id,
        account=signal.account,
        symbol=signal.symbol,
        side=signal.side,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
        price=0,
        quantity=signal.quantity,
        reduce_only=signal.leg.is_exit,
        signal_id=signal.signal_id,
        condition_id=signal.condition_id,
        tick_seq=signal.tick_seq,
    )


@dataclass(frozen=True, slots=True)
class _Task:
    """What the gateway is to be asked about a signal.

    Attributes:
        signal: the signal.
        ts_sent: when it was first sent, wall clock.
        refused: it is to be told as refused, not to become an order.
    """

    signal: Signal
    ts_sent: int
    refused: SignalRefused | None = None

    @property
    def is_urgent(self) -> bool:
        """An exit, which goes before all others and is asked until it is answered."""
        return self.refused is None and self.signal.leg.is_exit


class Executor:
    """What is done with each signal.

    An exit is asked again with the same client order id for as long as nobody answers, and so is a refusal. An
    entry without an answer is forgotten: when its strategy repeats it, it is too old.

    Args:
        child: the process it runs in.
        requester: to the gateway.
    """

    def __init__(self, child: Child, requester: Requester) -> None:
        self._child = child
        self._requester = requester
        self._age_limit_ns = int(child.context.settings.risk.entry_signal_age_s * NS_PER_S)
        self._open: dict[str, _Task] = {}
        """Request id to what was asked."""
        self._waiting: OrderedDict[str, _Task] = OrderedDict()
        """Signal id to what is asked when the gateway answers again."""
        self._pending: set[str] = set()
        """Signal ids of all these: what comes again meanwhile needs no second question."""
        self._ping = ""
        self._ping_at = 0.0

    def on_signal(self, signal: Signal, ts_sent: int) -> None:
        """Makes an order request of it, unless that is on its way or an entry has grown stale.

        Args:
            signal: the signal.
            ts_sent: when it was first sent, wall clock; repeating it does not make it younger.
        """
        self._child.telemetry.count("signals")
        if signal.signal_id in self._pending:
            self._child.telemetry.count("repeated")
            return
        self._pending.add(signal.signal_id)
        try:
            self._ask(_Task(signal, ts_sent))
        except Exception:
            log.exception("signal failed; it comes again", signal=signal.signal_id)
            self._pending.discard(signal.signal_id)

    def _ask(self, task: _Task) -> None:
        """Asks now, or later where too much is without an answer."""
        if len(self._open) >= (_EXITS_IN_FLIGHT if task.is_urgent else _IN_FLIGHT):
            self._wait(task)
            return
        if task.refused is None and not task.is_urgent:
            task = self._unless_stale(task)
        body = task.refused or order_of(task.signal)
        self._open[self._requester.send(body, cause=task.signal.signal_id)] = task

    def _wait(self, task: _Task) -> None:
        """Keeps it, exits before all others, if there is room."""
        if len(self._waiting) < _QUEUE:
            self._waiting[task.signal.signal_id] = task
            if task.is_urgent:
                self._waiting.move_to_end(task.signal.signal_id, last=False)
            return
        self._child.telemetry.count("postponed")
        log.warning("no room for a signal; it comes again", signal=task.signal.signal_id)
        self._pending.discard(task.signal.signal_id)

    def _unless_stale(self, task: _Task) -> _Task:
        """The entry, or its refusal where it is too old. In a replay, which waits for each, none grows old."""
        age_ns = time.time_ns() - task.ts_sent
        if age_ns <= self._age_limit_ns or self._child.context.is_paced:
            return task
        text = f"{age_ns / NS_PER_S:.2f} s old, the limit is {self._age_limit_ns / NS_PER_S:g} s"
        return self._refused(task, Reason.STALE_SIGNAL, text)

    def _refused(self, task: _Task, reason: Reason, text: str) -> _Task:
        signal = task.signal
        log.warning("signal refused", signal=signal.signal_id, reason=reason, text=text)
        self._child.telemetry.count("refused")
        refused = SignalRefused(signal=signal, reason=reason, text=text, ts_event=signal.ts_event)
        return _Task(signal, task.ts_sent, refused)

    def on_replies(self) -> None:
        """Takes the gateway's answers, and asks what waited for them."""
        for request_id, reply in self._requester.replies():
            is_answer = not isinstance(reply, RequestTimeout)
            if is_answer:
                self._child.telemetry.worked()
            if request_id == self._ping:
                self._ping = ""
            elif (task := self._open.pop(request_id, None)) is not None:
                if is_answer:
                    self._take(task, reply)
                else:
                    self._unanswered(task, str(reply))
        while self._waiting and len(self._open) < _IN_FLIGHT:
            self._ask(self._waiting.popitem(last=False)[1])

    def _take(self, task: _Task, reply: object) -> None:
        if task.refused is None and isinstance(reply, Refused) and reply.code != Reason.DUPLICATE:
            reason = Reason(reply.code) if reply.code in set(Reason) else Reason.INVALID
            self._ask(self._refused(task, reason, reply.text))
            return
        self._pending.discard(task.signal.signal_id)
        if task.refused is None:
            self._child.telemetry.count("orders")

    def _unanswered(self, task: _Task, error: str) -> None:
        log.error(
            "request unanswered", signal=task.signal.signal_id, is_refusal=task.refused is not None, error=error
        )
        self._child.telemetry.count("unanswered")
        if task.is_urgent or task.refused is not None:
            self._ask(task)
        else:
            self._pending.discard(task.signal.signal_id)

    def ping(self) -> None:
        """Asks the gateway for a sign of life once a second; its answer is the proof that orders would pass."""
        now = time.monotonic()
        if not self._ping and now >= self._ping_at:
            self._ping, self._ping_at = self._requester.send(Ping()), now + _PING_S
