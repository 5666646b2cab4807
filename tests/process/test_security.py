"""A running engine against strangers, readers, floods and garbage: nobody orders who may not, nobody starves."""

import contextlib
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import zmq

from engine.model.condition import ConditionState
from engine.model.order import OrderStatus, Reason, Side
from engine.model.signal import Leg, Signal, client_order_id, signal_id
from engine.settings import Wire
from engine.wire.codec import Encoder, decode
from engine.wire.keys import ClientKeys, KeyPair, Role
from engine.wire.messages import CancelAll, Flatten, GetSnapshot, Refused, SetHalt
from engine.wire.sockets import MAX_INWARD
from tests.process.running import SYMBOL, Engine, settings_for_tests, simulated, until

ENCODER = Encoder("stranger")


@contextlib.contextmanager
def bare(kind: int, endpoint: str, keys: ClientKeys | None) -> Iterator["zmq.Socket[bytes]"]:
    """A ZeroMQ socket that knows nothing of this program."""
    context: Any = zmq.Context()
    socket: zmq.Socket[bytes] = context.socket(kind)
    socket.linger = 0
    if keys is not None:
        socket.curve_serverkey = keys.server
        socket.curve_publickey, socket.curve_secretkey = keys.own.public, keys.own.secret
    socket.connect(endpoint)
    try:
        yield socket
    finally:
        socket.close()
        context.term()


def order_frame(engine: Engine, number: int) -> bytes:
    return ENCODER.encode("submit_order", engine.command(), id=f"stranger-{number}")


def answers(socket: "zmq.Socket[bytes]", count: int = 1) -> list[Any]:
    found: list[Any] = []
    while len(found) < count:
        assert socket.poll(15_000), f"{len(found)} of {count} answers"
        found.append(decode(socket.recv()).body)
    return found


def signals_at(engine: Engine) -> str:
    return engine.host._signals or engine.host._supervisor.facts("executor")["endpoint"]


def test_neither_a_stranger_without_a_key_nor_one_with_the_readers_key_can_place_an_order(tmp_path: Path) -> None:
    own = KeyPair.make()
    settings = settings_for_tests(wire=Wire(reader_keys=(own.public.decode("ascii"),)))
    with simulated(tmp_path, settings=settings, trading=True) as engine:
        door, commands = engine.host._door, engine.host.gateway.commands_endpoint
        assert door
        server = engine.host.server_key.encode("ascii")

        with bare(zmq.DEALER, commands, None) as stranger:
            stranger.send(order_frame(engine, 1))
            until(lambda: door.counts["commands without a key"] > 0, "a stranger without a key is turned away")
            assert not stranger.poll(0)
        with bare(zmq.DEALER, commands, ClientKeys(KeyPair.make(), server)) as stranger:
            stranger.send(order_frame(engine, 2))
            until(lambda: door.counts["commands"] > 0, "a stranger with a key of his own is turned away")
            assert not stranger.poll(0)

        with bare(zmq.DEALER, commands, ClientKeys(own, server)) as reader:
            for number, body in enumerate((engine.command(), CancelAll(), Flatten(), SetHalt(depth=3))):  # type: ignore[arg-type]
                name = ("submit_order", "cancel_all", "flatten", "set_halt")[number]
                reader.send(ENCODER.encode(name, body, id=f"reader-{number}"))
                (answer,) = answers(reader)
                assert isinstance(answer, Refused)
                assert answer.code == Reason.FORBIDDEN
            reader.send(ENCODER.encode("get_snapshot", GetSnapshot(), id="reader-9"))
            (snapshot,) = answers(reader)
            assert snapshot.accounts, "a reader may read"
        for role in (Role.READER, Role.RECORDER, Role.SCANNER, Role.STRATEGY):
            assert engine.refusal(engine.command(), role) == Reason.FORBIDDEN
        with bare(zmq.PUSH, signals_at(engine), ClientKeys(own, server)) as reader:
            with contextlib.suppress(zmq.Again):
                reader.send(ENCODER.encode("signal", entry(engine, 1)), zmq.NOBLOCK)
            until(lambda: engine.host.total("turned_away", "executor") > 0, "the executor turns the reader away")

        assert engine.snapshot().orders == ()
        assert not engine.host.broker.query_orders(engine.account)
        assert engine.refused_signals() == []
        assert engine.filled(engine.submit(engine.command())).filled == 1, "a person still can"


def entry(engine: Engine, number: int) -> Signal:
    return Signal(
        signal_id=signal_id("stranger", Leg.ENTRY, number),
        condition_id="stranger",
        leg=Leg.ENTRY,
        attempt=number,
        account=engine.account,
        symbol=SYMBOL,
        side=Side.BUY,
        quantity=1,
        price=1,
        tick_seq=1,
        ts_event=1,
    )


def executors_order(engine: Engine, number: int, side: Side, **changes: Any) -> Any:
    """An order as the executor would send it."""
    leg = Leg.ENTRY if side is Side.BUY else Leg.STOP_LOSS
    signal = signal_id("flood", leg, number)
    named = {"client_order_id": client_order_id(signal), "signal_id": signal, "condition_id": "flood"}
    return engine.command(side, **(named | changes))


class Flood:
    """A client that sends as fast as it can, and reads what comes back."""

    def __init__(self, endpoint: str, keys: ClientKeys | None, frame: Callable[[int], bytes], kind: int) -> None:
        self.sent = self.refused = self.answered = 0
        self._args = (endpoint, keys, frame, kind)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Flood":
        self._thread.start()
        return self

    def _run(self) -> None:
        endpoint, keys, frame, kind = self._args
        with bare(kind, endpoint, keys) as socket:
            while not self._stop.is_set():
                try:
                    socket.send(frame(self.sent), zmq.NOBLOCK)
                    self.sent += 1
                except zmq.Again:
                    socket.poll(1)
                while kind == zmq.DEALER and socket.poll(0):
                    body = decode(socket.recv()).body
                    self.answered += 1
                    self.refused += isinstance(body, Refused) and body.code == Reason.TOO_MANY_REQUESTS

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def test_a_reader_that_floods_is_refused_and_the_executors_orders_still_pass(tmp_path: Path) -> None:
    def ask(number: int) -> bytes:
        return ENCODER.encode("get_snapshot", GetSnapshot(), id=f"flood-{number}")

    settings = settings_for_tests(wire=Wire(requests_per_s=500, request_burst=500))
    with simulated(tmp_path, settings=settings) as engine:
        commands, keys = engine.host.gateway.commands_endpoint, engine.host.client_keys(Role.READER)
        with Flood(commands, keys, ask, zmq.DEALER) as flood:
            until(lambda: flood.refused > 500, "refusals")
            for number in range(1, 6):
                bought = engine.submit(executors_order(engine, number, Side.BUY), Role.EXECUTOR)
                assert engine.filled(bought).filled == 1
                sold = engine.submit(executors_order(engine, number, Side.SELL, reduce_only=True), Role.EXECUTOR)
                assert engine.filled(sold).filled == 1
            assert engine.ask(CancelAll())
            refused = flood.refused
            until(lambda: flood.refused > refused, "the flood goes on meanwhile")
        assert engine.net() == 0
        assert engine.host.gateway._commands.refused >= flood.refused
        assert len(engine.host.gateway._commands._replies) < 100, "refusals are not kept"


def test_a_person_over_the_limit_still_gets_out(tmp_path: Path) -> None:
    settings = settings_for_tests(wire=Wire(requests_per_s=1, request_burst=60))
    with simulated(tmp_path, settings=settings) as engine:
        until(lambda: engine.last_price > 0)
        bought = engine.submit(engine.command())
        until(lambda: engine.host.gateway.state.orders[bought.client_order_id].status is OrderStatus.FILLED)
        requester = engine.requester()
        ids = {requester.send(GetSnapshot()) for _ in range(100)}
        refused: list[Any] = []

        def all_answered() -> bool:
            for request_id, body in requester.replies():
                ids.discard(request_id)
                refused.extend([body] if isinstance(body, Refused) else [])
            return not ids

        until(all_answered, "answers")
        assert {body.code for body in refused} == {Reason.TOO_MANY_REQUESTS}
        assert engine.refusal(engine.command()) == Reason.TOO_MANY_REQUESTS
        sold = engine.submit(engine.command(Side.SELL, reduce_only=True))
        until(lambda: engine.host.gateway.state.orders[sold.client_order_id].status is OrderStatus.FILLED)
        engine.ask(CancelAll())
        engine.ask(Flatten())
        engine.ask(SetHalt(depth=2))  # type: ignore[arg-type]


# --- garbage ----------------------------------------------------------------------------------------------------


def garbage(seed: int) -> Callable[[int], bytes]:
    """Frames of every bad kind: random, truncated, of other versions, with huge sizes and deep nesting."""
    chance = random.Random(seed)
    good = ENCODER.encode("get_snapshot", GetSnapshot(), id="garbage")
    kinds: list[Callable[[], bytes]] = [
        lambda: chance.randbytes(chance.randrange(300)),
        lambda: good[: chance.randrange(len(good))],
        lambda: b"\x98\x02" + good[2:],
        lambda: b"\x91" * chance.randrange(1, 5_000),
        lambda: b"\xdd\x00\x01\xff\x00" * chance.randrange(1, 5_000),
        lambda: b"\xdb\xff\xff\xff\xff" + good,
        lambda: b"\xc9\xff\xff\xff\xff\x01" + good,
        lambda: chance.randbytes(MAX_INWARD // 2),
        lambda: b"",
    ]
    return lambda number: kinds[number % len(kinds)]()


def test_garbage_at_every_door_is_counted_and_stops_nothing(tmp_path: Path) -> None:
    with simulated(tmp_path, trading=True) as engine:
        host, gateway = engine.host, engine.host.gateway
        pids = [host.pid(name) for name in host.child_names]
        reader, strategy = host.client_keys(Role.READER), host.client_keys(Role.STRATEGY)
        junk = garbage(3)
        with (
            Flood(gateway.commands_endpoint, reader, garbage(1), zmq.DEALER),
            Flood(signals_at(engine), strategy, garbage(2), zmq.PUSH),
            Flood(host._proxy.inward, strategy, lambda n: b"telemetry.health.x\0" + junk(n), zmq.PUB),
        ):
            for number in range(900):
                with gateway.ticks._lock:  # the publisher's, which several threads share
                    gateway.ticks._publisher.raw.send(f"tick.{SYMBOL}\0".encode() + junk(number))
            until(lambda: gateway._server.undecodable > 1_000, "the gateway counts")
            until(lambda: host.total("undecodable", "executor") > 1_000, "the executor counts")
            until(lambda: host.total("undecodable", "strategy") > 800, "the strategy counts")
            engine.enter("c1")
            engine.reach("c1", ConditionState.OPEN)
            engine.tighten("c1")
            engine.reach("c1", ConditionState.CLOSED)
        assert engine.net() == 0
        assert [host.pid(name) for name in host.child_names] == pids
        assert host.restarts == 0


def test_a_frame_beyond_the_limit_costs_its_sender_the_connection_and_nobody_else_anything(tmp_path: Path) -> None:
    with simulated(tmp_path) as engine:
        commands, keys = engine.host.gateway.commands_endpoint, engine.host.client_keys(Role.READER)
        with bare(zmq.DEALER, commands, keys) as reader:
            monitor = reader.get_monitor_socket(zmq.Event.DISCONNECTED)
            try:
                reader.send(ENCODER.encode("get_snapshot", GetSnapshot(), id="one"))
                assert answers(reader)
                reader.send(b"\x00" * (2 * MAX_INWARD))
                assert monitor.poll(15_000), "it is disconnected"
                assert engine.snapshot().accounts
            finally:
                reader.disable_monitor()
                monitor.close(linger=0)
        assert engine.host.gateway._server.undecodable == 0
