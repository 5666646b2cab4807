"""The executor: signals in, order requests out. Checks age and repetition, retries until the gateway answers.

It decides nothing about risk and remembers nothing that matters: the ledger makes every signal one order at most.
"""

import time

from engine import logs
from engine.errors import RequestTimeout
from engine.model.order import OrderType, Reason, SubmitOrder, TimeInForce
from engine.model.signal import Leg, Signal, SignalRefused
from engine.supervision.child import Child
from engine.timing import NS_PER_S
from engine.wire.keys import Role
from engine.wire.messages import Refused
from engine.wire.sockets import Poller, Puller, Requester, tcp
from engine.wire.zap import Doorkeeper

log = logs.get(__name__)
_LOOP_MS = 100


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
            while (envelope := puller.receive()) is not None:
                if isinstance(envelope.body, Signal):
                    executor.on_signal(envelope.body, envelope.time)
            executor.on_replies()
            child.telemetry.counts["undecodable"] = puller.undecodable + requester.undecodable
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


class Executor:
    """What is done with each signal.

    Args:
        child: the process it runs in.
        requester: to the gateway.
    """

    def __init__(self, child: Child, requester: Requester) -> None:
        self._child = child
        self._requester = requester
        self._age_limit_ns = int(child.context.settings.risk.entry_signal_age_s * NS_PER_S)
        self._open: dict[str, Signal] = {}
        """Request id to signal."""
        self._seen: set[str] = set()

    def on_signal(self, signal: Signal, ts_sent: int) -> None:
        """Makes an order request of it, unless it was seen or an entry has grown stale.

        Args:
            signal: the signal.
            ts_sent: when it was first sent, wall clock; repeating it does not make it younger.
        """
        telemetry = self._child.telemetry
        telemetry.worked()
        telemetry.count("signals")
        if signal.signal_id in self._seen:
            telemetry.count("repeated")
            return
        self._seen.add(signal.signal_id)
        age_ns = time.time_ns() - ts_sent
        # A replay waits for each signal, so that in its time no signal ever grows old.
        if signal.leg is Leg.ENTRY and age_ns > self._age_limit_ns and not self._child.context.is_paced:
            text = f"{age_ns / NS_PER_S:.2f} s old, the limit is {self._age_limit_ns / NS_PER_S:g} s"
            self._refuse(signal, Reason.STALE_SIGNAL, text)
            return
        self._open[self._requester.send(order_of(signal), cause=signal.signal_id)] = signal

    def _refuse(self, signal: Signal, reason: Reason, text: str) -> None:
        log.warning("signal refused", signal=signal.signal_id, reason=reason, text=text)
        self._child.telemetry.count("refused")
        refused = SignalRefused(signal=signal, reason=reason, text=text, ts_event=signal.ts_event)
        self._requester.send(refused, cause=signal.signal_id)

    def on_replies(self) -> None:
        """Takes the gateway's answers; without one the signal may come again."""
        for request_id, reply in self._requester.replies():
            signal = self._open.pop(request_id, None)
            if signal is None:
                continue
            if isinstance(reply, RequestTimeout):
                log.error("order request unanswered", signal=signal.signal_id, error=str(reply))
                self._seen.discard(signal.signal_id)
            elif isinstance(reply, Refused) and reply.code != Reason.DUPLICATE:
                reason = Reason(reply.code) if reply.code in set(Reason) else Reason.INVALID
                self._refuse(signal, reason, reply.text)
            else:
                self._child.telemetry.count("orders")


EXECUTOR_ROLES = (Role.STRATEGY,)
"""Whose signals the executor takes."""
