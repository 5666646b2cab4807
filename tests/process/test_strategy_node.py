"""The strategy process where its gateway is silent or ticks are lost: it lives and guards, and enters nothing."""

import dataclasses
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from engine.model.condition import (
    Condition,
    ConditionAction,
    ConditionCommand,
    ConditionExecution,
    ConditionSpec,
    ConditionState,
)
from engine.model.market import Environment, LinkState, LinkStatus
from engine.model.order import OrderStatus, Reason, Side
from engine.model.signal import Leg, Signal, SignalRefused
from engine.model.tick import Tick
from engine.nodes import strategy
from engine.settings import Settings, Wire
from engine.strategies.runner import SupportResistance
from engine.supervision.child import Child, ChildContext
from engine.timing import NS_PER_S
from engine.wire.messages import (
    ConditionReport,
    Done,
    Envelope,
    Family,
    FamilySeq,
    GetSnapshot,
    GetTicks,
    Pulse,
    SightChanged,
    Snapshot,
    Ticks,
)
from engine.wire.sockets import Publisher, Puller, RouterServer, tcp
from tests.process.running import DEADLINE_S
from tests.unit.engine.strategies.running import made

SYMBOL = "TXFK4"
NOW = 1_730_770_000 * NS_PER_S
"""A morning of November 2024 within the day session."""
WIRE = Wire(encrypted=False, request_timeout_s=0.1, request_attempts=2, linger_ms=0)


def spec(condition_id: str, **changes: Any) -> ConditionSpec:
    values: dict[str, Any] = {"action": Side.BUY, "trigger_price": 22_800, "turning_points": 5} | changes
    return ConditionSpec(condition_id=condition_id, account="a", symbol=SYMBOL, **values)


WAITING = Condition(spec=spec("waits"), state=ConditionState.ARMED, trigger=22_800, ts_updated=NOW)
GUARDING = Condition(
    spec=spec("guards", trigger_price=22_850),
    state=ConditionState.OPEN,
    trigger=22_850,
    entered=1,
    entry_value=22_855,
    entry_ended=True,
    best_price=22_855,
    ts_updated=NOW,
    ts_opened=NOW,
)


class Gateway:
    """The other end of all sockets of a strategy process, which runs on a thread."""

    def __init__(self, *conditions: Condition) -> None:
        self.conditions = conditions
        self.ring: tuple[Tick, ...] = ()
        self.links: tuple[LinkStatus, ...] = ()
        self.is_silent = False
        """Questions are not answered; reports are."""
        self.heard: list[Any] = []
        self.signals: list[Signal] = []
        here = tcp("127.0.0.1", 0)
        self.feed = Publisher(here, source="gateway", wire=WIRE, keys=None)
        self.server = RouterServer(here, source="gateway", wire=WIRE, keys=None)
        self.executor = Puller(here, wire=WIRE, keys=None)
        settings = dataclasses.replace(Settings(), wire=WIRE)
        context = ChildContext(
            name="strategy-1",
            settings=settings,
            keys=None,
            market=self.feed.endpoint,
            commands=self.server.endpoint,
            signals=self.executor.endpoint,
            extra={"strategy": SupportResistance},
        )
        self.pipe, other = multiprocessing.Pipe()
        self.child = Child(context, other)
        self.beats = 0
        beat = self.child.telemetry.beat

        def counted() -> None:
            self.beats += 1
            beat()

        self.child.telemetry.beat = counted  # type: ignore[method-assign]
        self._other = other
        self.thread = threading.Thread(target=strategy.main, args=(self.child,), name="strategy")
        self.thread.start()

    def serve(self, until: Callable[[], object], what: str, *, pulses: bool = False) -> None:
        """Answers until a condition holds."""
        deadline = time.monotonic() + DEADLINE_S
        pulse = 0.0
        while not until():
            assert time.monotonic() < deadline, f"no {what}"
            if pulses and time.monotonic() - pulse > 0.05:
                pulse = time.monotonic()
                self.tell("pulse", Pulse(now_ns=NOW, position=0))
            self.server.raw.poll(10)
            while (request := self.server.receive()) is not None:
                client, _, envelope = request
                if not (self.is_silent and isinstance(envelope.body, GetSnapshot | GetTicks)):
                    self.server.reply(client, envelope, self._answer(envelope))
            while (signal := self.executor.receive()) is not None:
                self.signals.append(signal.body)

    def _answer(self, envelope: Envelope) -> object:
        body = envelope.body
        self.heard.append(body)
        if isinstance(body, GetSnapshot):
            seqs = tuple(FamilySeq(family=name, seq=seq) for name, seq in self.feed.seqs.items())
            return Snapshot(
                environment=Environment.SIMULATED,
                now_ns=NOW,
                seqs=seqs,
                conditions=self.conditions,
                links=self.links,
            )
        if isinstance(body, GetTicks):
            found = tuple(tick for tick in self.ring if tick.seq > body.after_seq)
            return Ticks(symbol=SYMBOL, ticks=found, positions=tuple(tick.seq for tick in found))
        return Done()

    def tell(self, topic: str, body: object) -> None:
        self.feed.publish(topic, body, family=Family.TICK if isinstance(body, Tick) else Family.EVENT)

    def tick(self, seq: int, price: int) -> None:
        now = time.time_ns()
        tick = Tick(symbol=SYMBOL, seq=seq, ts_event=NOW + seq, ts_recv=now, price=price, quantity=1)
        self.tell(f"tick.{SYMBOL}", tick)

    def count(self, name: str) -> int:
        return self.child.telemetry.counts.get(name, 0)

    def sights(self) -> list[SightChanged]:
        return [body for body in self.heard if isinstance(body, SightChanged)]

    def refused(self) -> list[SignalRefused]:
        return [body for body in self.heard if isinstance(body, SignalRefused)]

    def join(self) -> None:
        """Waits until the process is ready and its subscription complete."""
        self.serve(self.pipe.poll, "readiness", pulses=True)
        worked = self.child.telemetry
        worked._has_worked = False
        self.serve(lambda: worked._has_worked, "pulse", pulses=True)

    def close(self) -> None:
        self.child.is_stopping = True
        self.child.stopping.put("stop")
        self.thread.join(DEADLINE_S)
        assert not self.thread.is_alive()
        for part in (self.feed, self.server, self.executor, self.child.stopping, self.pipe, self._other):
            part.close()


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    made_here = Gateway(WAITING, GUARDING)
    yield made_here
    made_here.close()


def test_a_gateway_that_does_not_answer_yet_is_waited_for(gateway: Gateway) -> None:
    gateway.is_silent = True
    beats = gateway.beats
    gateway.serve(lambda: gateway.beats > beats + 10, "beats")
    assert not gateway.pipe.poll()
    gateway.is_silent = False
    gateway.serve(gateway.pipe.poll, "readiness")


def test_it_stops_at_once_while_it_waits(gateway: Gateway) -> None:
    gateway.is_silent = True
    beats = gateway.beats
    gateway.serve(lambda: gateway.beats > beats + 2, "beats")
    gateway.close()
    assert not gateway.thread.is_alive()
    gateway.close = lambda: None  # type: ignore[method-assign]


def test_ticks_that_nobody_has_stop_the_entries_and_not_the_guards(
    gateway: Gateway, expected_errors: list[Any]
) -> None:
    gateway.join()
    gateway.tick(1, 22_850)
    gateway.serve(lambda: gateway.count("ticks") == 1, "tick")
    gateway.ring = tuple(
        Tick(symbol=SYMBOL, seq=seq, ts_event=NOW + seq, ts_recv=time.time_ns(), price=22_850, quantity=1)
        for seq in (9, 10)
    )
    gateway.tick(10, 22_850)
    gateway.serve(lambda: gateway.count("lost") == 7, "count of lost ticks")
    gateway.tick(11, 22_800)
    gateway.tick(12, 22_805)
    gateway.serve(lambda: gateway.refused() and gateway.signals, "refusal of the entry, exit of the guard")
    refused = gateway.refused()[0]
    assert (refused.signal.leg, refused.reason) == (Leg.ENTRY, Reason.GAP)
    assert "7 ticks are missing" in refused.text
    assert {signal.signal_id for signal in gateway.signals} == {"guards/stop_loss/1"}
    reports = [body for body in gateway.heard if isinstance(body, ConditionReport)]
    assert [report.signals for report in reports if report.condition.condition_id == "waits"][-1] == ()
    (told,) = gateway.sights()
    assert (told.node, told.symbol) == ("strategy-1", SYMBOL)
    assert "7 ticks are missing" in told.text


@pytest.mark.parametrize("node", ["strategy-1", "strategy-2"])
def test_what_the_process_before_it_had_not_seen_it_has_not_seen_either(gateway: Gateway, node: str) -> None:
    text = f"7 ticks are missing of {SYMBOL}"
    gateway.links = (
        LinkStatus(link=f"sight.{node}.{SYMBOL}", state=LinkState.STALE, text=text),
        LinkStatus(link="sight.strategy-1.MXFK4", state=LinkState.STALE, text="of another contract"),
        LinkStatus(link=f"feed.{SYMBOL}", state=LinkState.STALE),
    )
    gateway.join()
    for seq, price in ((1, 22_800), (2, 22_805)):
        gateway.tick(seq, price)
    if node == "strategy-2":
        gateway.serve(lambda: any(signal.leg is Leg.ENTRY for signal in gateway.signals), "entry")
        return
    gateway.serve(lambda: gateway.refused(), "refusal of the entry")
    assert (gateway.refused()[0].reason, gateway.refused()[0].text) == (Reason.GAP, text)
    assert all(signal.leg.is_exit for signal in gateway.signals)


@pytest.mark.parametrize("action", [ConditionAction.PUT, ConditionAction.ARM])
def test_a_person_who_looks_at_it_lets_it_go_on(
    gateway: Gateway, action: ConditionAction, expected_errors: list[Any]
) -> None:
    gateway.join()
    gateway.tick(1, 22_850)
    gateway.serve(lambda: gateway.count("ticks") == 1, "tick")
    gateway.tick(5, 22_850)
    gateway.serve(lambda: gateway.count("lost") == 3, "count of lost ticks")
    new = spec("new", trigger_price=22_790)
    put = ConditionCommand(action=ConditionAction.PUT, condition_id="new", spec=new, revision=1, tick_seq=5)
    arm = ConditionCommand(action=ConditionAction.ARM, condition_id="new", revision=2, tick_seq=5)
    for command in (put, arm) if action is ConditionAction.ARM else (put,):
        gateway.tell("condition.new", command)
    for seq, price in ((6, 22_800), (7, 22_806)):
        gateway.tick(seq, price)
    gateway.serve(lambda: any(signal.leg is Leg.ENTRY for signal in gateway.signals), "entry")
    assert not gateway.refused()
    assert [bool(told.text) for told in gateway.sights()] == [True, False]


def test_a_gateway_that_falls_silent_stops_the_entries_until_it_answers(
    gateway: Gateway, expected_errors: list[Any]
) -> None:
    gateway.join()
    gateway.tick(1, 22_850)
    gateway.serve(lambda: gateway.count("ticks") == 1, "tick")
    gateway.is_silent = True
    beats = gateway.beats
    gateway.feed.seqs[Family.EVENT] += 1  # an event is lost, and nobody tells which
    gateway.tell("pulse", Pulse(now_ns=NOW, position=0))
    gateway.serve(lambda: gateway.count("out_of_step") == 1, "falling out of step")
    assert gateway.beats > beats
    gateway.tick(2, 22_820)
    gateway.serve(lambda: gateway.signals, "exit of the guard")
    assert {signal.signal_id for signal in gateway.signals} == {"guards/stop_loss/1"}
    exit_order = replace(made(gateway.signals[0]), status=OrderStatus.SENT, ts_updated=NOW)
    told = ConditionExecution(condition_id="guards", order=exit_order, entered=1, entry_value=22_855, exited=0)
    gateway.tell("condition.guards", told)
    gateway.tick(3, 22_800)
    gateway.tick(4, 22_806)
    gateway.serve(lambda: gateway.refused(), "refusal")
    assert gateway.refused()[0].reason is Reason.GAP
    assert "does not answer" in gateway.refused()[0].text
    gateway.conditions = ()
    gateway.is_silent = False
    gateway.serve(lambda: gateway.heard.count(GetSnapshot()) > 1, "question")
    put = ConditionCommand(action=ConditionAction.PUT, condition_id="new", spec=spec("new"), revision=1)
    arm = ConditionCommand(action=ConditionAction.ARM, condition_id="new", revision=2)
    gateway.tell("condition.new", put)
    gateway.tell("condition.new", arm)
    gateway.tick(5, 22_800)
    gateway.tick(6, 22_806)
    gateway.serve(lambda: len(gateway.signals) > 1, "entry")
    assert gateway.signals[-1].signal_id == "new/entry/1"
