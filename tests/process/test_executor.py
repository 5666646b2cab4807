"""The executor against a gateway that is silent, refuses or loses what it was told; in a process of its own."""

import dataclasses
import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from engine.model.order import Reason, Side, SubmitOrder
from engine.model.signal import Leg, Signal, SignalRefused, signal_id
from engine.nodes import executor
from engine.settings import Risk, Supervision, Wire
from engine.supervision.child import ChildContext
from engine.supervision.hearing import Hearing
from engine.supervision.process import ChildSpec
from engine.supervision.proxy import TelemetryProxy
from engine.supervision.supervisor import Supervisor
from engine.wire.messages import Done, Envelope, Heartbeat, Ping, ProcessState, ProcessStatus, Refused
from engine.wire.sockets import Poller, Pusher, RouterServer
from tests.process.running import DEADLINE_S, SYMBOL, settings_for_tests, until

TRIES = 2
QUICK = Wire(request_timeout_s=0.05, request_attempts=TRIES, heartbeat_interval_s=0.05)
Answer = Callable[[Envelope], object | None]


def done(request: Envelope) -> object:
    """The answer of a gateway that does everything."""
    return Done()


def nothing(request: Envelope) -> None:
    """A gateway that answers nothing."""


def only_pings(request: Envelope) -> object | None:
    """A gateway that answers nothing but signs of life."""
    return Done() if isinstance(request.body, Ping) else None


class Desk:
    """A gateway that answers as the test wants, an executor that asks it, and a strategy's end of the signals."""

    def __init__(self, answer: Answer, **changes: Any) -> None:
        usual = {"wire": QUICK, "supervision": Supervision(work_limit_s=60.0)}
        self.settings = settings_for_tests(**(usual | changes))
        self.answer = answer
        self.asked: list[Envelope] = []
        self.told: list[ProcessStatus] = []
        self._stop = threading.Event()
        self._server = RouterServer("tcp://127.0.0.1:*", source="gateway", wire=self.settings.wire, keys=None)
        self._thread = threading.Thread(target=self._serve, name="gateway")
        self._thread.start()
        self._proxy = TelemetryProxy(self.settings, None)
        self.supervisor = Supervisor(self.settings, self.told.append, gateway_pulsed=time.monotonic)
        self._hearing = Hearing(self._proxy.outward, wire=self.settings.wire, keys=None, on_beat=self._on_beat)
        self._hearing.start()
        self.supervisor.start(
            ChildSpec("executor", executor.main, functools.partial(self._context, self._server.endpoint))
        )
        assert self.supervisor.wait_ready({"executor"}, DEADLINE_S)
        endpoint = self.supervisor.facts("executor")["endpoint"]
        self._pusher = Pusher(endpoint, source="strategy-1", wire=self.settings.wire, keys=None)

    def _context(self, commands: str) -> ChildContext:
        return ChildContext(
            name="executor",
            settings=self.settings,
            keys=None,
            commands=commands,
            telemetry=self._proxy.inward,
        )

    def _on_beat(self, beat: Heartbeat) -> None:
        self.supervisor.heartbeat(beat.node, beat.pid, beat.ts_last_work)

    def _serve(self) -> None:
        poller = Poller(self._server)
        while not self._stop.is_set():
            poller.wait(20)
            while (request := self._server.receive()) is not None:
                client, _, envelope = request
                self.asked.append(envelope)
                if (reply := self.answer(envelope)) is not None:
                    self._server.reply(client, envelope, reply)

    def give(self, signal: Signal) -> bytes:
        """Sends a signal, as a strategy does; gives the frame for :meth:`repeat`."""
        return self._pusher.push(signal, id=signal.signal_id)

    def repeat(self, frame: bytes) -> None:
        """The strategy saw no answer and sends the same signal again."""
        until(lambda: self._pusher.repeat(frame), "room for a signal")

    def of(self, kind: type) -> list[Any]:
        """What the executor asked, by the kind of message; its repetitions of one request count once."""
        return list({asked.id: asked.body for asked in list(self.asked) if isinstance(asked.body, kind)}.values())

    def counted(self, counter: str) -> int:
        """A counter of the executor's heartbeat."""
        return self._hearing.total(counter, "executor")

    def close(self) -> None:
        self.supervisor.close()
        self._hearing.close()
        self._proxy.close()
        self._pusher.close()
        self._stop.set()
        self._thread.join()
        self._server.close()


@contextmanager
def desk(answer: Answer, **changes: Any) -> Iterator[Desk]:
    made = Desk(answer, **changes)
    try:
        yield made
    finally:
        made.close()


def signal(name: str, leg: Leg = Leg.STOP_LOSS, attempt: int = 1) -> Signal:
    return Signal(
        signal_id=signal_id(name, leg, attempt),
        condition_id=name,
        leg=leg,
        attempt=attempt,
        account="SIM-test",
        symbol=SYMBOL,
        side=Side.SELL,
        quantity=1,
        price=22_811,
        tick_seq=1,
        ts_event=time.time_ns(),
    )


def test_an_exit_is_asked_again_with_the_same_id_until_the_gateway_answers() -> None:
    with desk(only_pings) as found:
        stop = signal("held")
        found.give(stop)
        until(lambda: len(found.of(SubmitOrder)) >= 3, "three requests for the exit")
        found.answer = done
        until(lambda: found.counted("orders") == 1, "the answer")
        asked = found.of(SubmitOrder)
        assert {order.client_order_id for order in asked} == {stop.client_order_id}
        assert all(order.reduce_only for order in asked)


def test_a_signal_that_comes_again_while_it_is_asked_for_is_asked_for_once() -> None:
    gateway = Hanging()
    with gateway.desk() as found:
        for _ in range(2):
            found.give(signal("held"))
        until(lambda: found.counted("repeated") == 1, "the repetition")
        gateway.released.set()
        until(lambda: found.counted("orders") == 1, "the answer")
        assert len(found.of(SubmitOrder)) == 1


def test_a_signal_that_comes_again_after_its_answer_is_asked_for_again() -> None:
    """Its strategy may have missed what came of it; the ledger knows, and makes no second order."""
    with desk(done) as found:
        for count in (1, 2):
            found.give(signal("held"))
            until(lambda count=count: found.counted("orders") == count, "the answer")  # type: ignore[misc]
        assert len({order.client_order_id for order in found.of(SubmitOrder)}) == 1


def test_an_exit_that_was_refused_is_asked_for_again_when_its_strategy_repeats_it() -> None:
    def refuses(request: Envelope) -> object:
        if isinstance(request.body, SubmitOrder):
            return Refused(code=Reason.INVALID, text="failed inside the gateway")
        return Done()

    with desk(refuses) as found:
        for count in (1, 2):
            found.give(signal("held"))
            until(lambda count=count: len(found.of(SignalRefused)) == count, "the refusal")  # type: ignore[misc]
        assert len(found.of(SubmitOrder)) == 2


def test_an_entry_without_an_answer_is_not_asked_again_but_refused_when_it_comes_old() -> None:
    with desk(only_pings, risk=Risk(entry_signal_age_s=0.1)) as found:
        frame = found.give(signal("late", Leg.ENTRY))
        until(lambda: found.counted("unanswered") == 1, "the end of the request")
        found.answer = done
        found.repeat(frame)
        until(lambda: bool(found.of(SignalRefused)), "the refusal")
        (refused,) = found.of(SignalRefused)
        assert (refused.signal.signal_id, refused.reason) == ("late/entry/1", Reason.STALE_SIGNAL)
        assert len(found.of(SubmitOrder)) == 1


def test_a_refusal_that_was_lost_is_told_again() -> None:
    def refuses(request: Envelope) -> object | None:
        if isinstance(request.body, SubmitOrder):
            return Refused(code=Reason.ORDER_SIZE, text="too large")
        return only_pings(request)

    with desk(refuses) as found:
        found.give(signal("held"))
        until(lambda: len(found.of(SignalRefused)) >= 3, "three requests with the refusal")
        assert {refused.reason for refused in found.of(SignalRefused)} == {Reason.ORDER_SIZE}
        assert len(found.of(SubmitOrder)) == 1
        found.answer = done
        await_pings(found, 2)
        told = len(found.of(SignalRefused))
        await_pings(found, 2)
        assert len(found.of(SignalRefused)) == told


def await_pings(found: Desk, count: int) -> None:
    """Many times the time after which a request is repeated: pings come once a second."""
    before = len(found.of(Ping))
    until(lambda: len(found.of(Ping)) >= before + count, "pings")


PATIENT = dataclasses.replace(QUICK, request_timeout_s=60.0)


class Hanging:
    """A gateway that stands still until it is released, and then takes everything in its order."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def __call__(self, request: Envelope) -> object:
        self.released.wait()
        return Done()

    @contextmanager
    def desk(self) -> Iterator[Desk]:
        """It waits long for answers, and no entry grows old."""
        with desk(self, wire=PATIENT, risk=Risk(entry_signal_age_s=600.0)) as found:
            try:
                yield found
            finally:
                self.released.set()


def test_an_exit_passes_the_entries_that_wait_for_a_silent_gateway() -> None:
    gateway = Hanging()
    with gateway.desk() as found:
        for number in range(200):
            found.give(signal(f"entry-{number}", Leg.ENTRY))
        found.give(signal("held"))
        until(lambda: found.counted("signals") == 201, "all signals")
        gateway.released.set()
        until(lambda: found.counted("orders") == 201, "all orders")
        asked = found.of(SubmitOrder)
        entries = [order.signal_id for order in asked if not order.reduce_only]
        assert entries == [f"entry-{number}/entry/1" for number in range(200)]
        assert next(place for place, order in enumerate(asked) if order.reduce_only) <= 100


def test_what_finds_no_room_is_taken_when_its_strategy_repeats_it() -> None:
    gateway, total = Hanging(), 10_400
    with gateway.desk() as found:
        frames: list[bytes] = []
        for _ in range(26):
            frames += [found.give(signal(f"entry-{len(frames) + more}", Leg.ENTRY)) for more in range(400)]
            await_signals(found, len(frames))
        postponed = found.counted("postponed")
        assert 0 < postponed < 400
        gateway.released.set()
        until(lambda: found.counted("orders") == total - postponed, "the orders that had room")
        for frame in frames[-400:]:
            found.repeat(frame)
        until(lambda: found.counted("orders") == total - postponed + 400, "all orders")
        assert len({order.signal_id for order in found.of(SubmitOrder)}) == total


def await_signals(found: Desk, count: int) -> None:
    """A socket's queue is shorter than all that a test gives."""
    until(lambda: found.counted("signals") == count, f"{count} signals")


# --- signs of life ----------------------------------------------------------------------------------------------


def states(found: Desk) -> list[ProcessState]:
    return [status.state for status in found.told]


def test_in_a_quiet_market_its_pings_are_its_work() -> None:
    with desk(only_pings, supervision=Supervision(work_limit_s=2.5)) as found:
        until(lambda: len(found.of(Ping)) >= 5, "pings over more than the limit")
        assert states(found) == [ProcessState.STARTING, ProcessState.READY]


def test_one_whose_requests_do_not_come_through_is_started_again() -> None:
    with desk(nothing, supervision=Supervision(work_limit_s=0.5)) as found:
        until(lambda: ProcessState.HUNG in states(found), "it is found")
        text = next(status.text for status in found.told if status.state is ProcessState.HUNG)
        assert text.startswith("lived, but did no work for 0.5 s")
