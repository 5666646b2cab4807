"""Who gets through which door: every binding socket, tried with each role's key and with what strangers have."""

import contextlib
import functools
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmq

from engine.settings import Wire
from engine.wire.codec import Encoder, decode
from engine.wire.keys import LETS_IN, ClientKeys, Domain, KeyPair, Role, RunKeys
from engine.wire.messages import Done, Family, GetSnapshot, Pulse
from engine.wire.sockets import Forwarder, Publisher, Puller, RouterServer, Socket, tcp
from engine.wire.zap import Doorkeeper

DEADLINE_S = 20.0
ANY = tcp("127.0.0.1", 0)
WIRE = Wire(linger_ms=0)
KINDS = {
    Domain.FEED: zmq.SUB,
    Domain.SIGNALS: zmq.PUSH,
    Domain.COMMANDS: zmq.DEALER,
    Domain.TELEMETRY_IN: zmq.PUB,
    Domain.TELEMETRY_OUT: zmq.SUB,
    Domain.HISTORY: zmq.DEALER,
}
OUTWARD = (Domain.FEED, Domain.TELEMETRY_OUT)
STRANGERS = ("another key", "no key", "plain", "another server's key")
BAD, GOOD = GetSnapshot(), Pulse(now_ns=7, position=7)


class House:
    """All doors of a run, with a doorkeeper, in a context of its own; keeps what comes in through each."""

    def __init__(self) -> None:
        self.context: Any = zmq.Context()
        self.keys = RunKeys.make()
        binder = self.keys.binder()
        self.door = Doorkeeper(binder.roles, self.context)
        made: dict[str, Any] = {"wire": WIRE, "keys": binder, "context": self.context}
        self.feed = Publisher(ANY, source="gateway", **made)
        self.puller = Puller(ANY, **made)
        self.commands = RouterServer(ANY, source="gateway", **made)
        self.history = RouterServer(ANY, source="recorder", domain=Domain.HISTORY, **made)
        self.forwarder = Forwarder(ANY, ANY, **made)
        self.endpoints = {
            Domain.FEED: self.feed.endpoint,
            Domain.SIGNALS: self.puller.endpoint,
            Domain.COMMANDS: self.commands.endpoint,
            Domain.HISTORY: self.history.endpoint,
            Domain.TELEMETRY_IN: self.forwarder.inward.endpoint,
            Domain.TELEMETRY_OUT: self.forwarder.outward.endpoint,
        }
        self.came: dict[Domain, list[object]] = {domain: [] for domain in Domain}
        self._clients: list[zmq.Socket[bytes]] = []

    def client(self, domain: Domain, who: Role | str) -> "zmq.Socket[bytes]":
        """A bare client of a kind that the door expects, with what it has for a key."""
        socket: zmq.Socket[bytes] = zmq.Context.instance().socket(KINDS[domain])
        socket.linger = 0
        if isinstance(who, Role) or who == "another server's key":
            own = self.keys.clients[who if isinstance(who, Role) else next(iter(LETS_IN[domain]))]
            server = self.keys.server if isinstance(who, Role) else KeyPair.make()
            lock(socket, ClientKeys(own, server.public))
        elif who == "another key":
            lock(socket, ClientKeys(KeyPair.make(), self.keys.server.public))
        elif who == "plain":
            socket.plain_username, socket.plain_password = b"admin", b"admin"
        socket.connect(self.endpoints[domain])
        if domain in OUTWARD:
            socket.subscribe(b"")
        self._clients.append(socket)
        return socket

    @functools.cached_property
    def speaker(self) -> "zmq.Socket[bytes]":
        """A process that publishes telemetry."""
        return self.client(Domain.TELEMETRY_IN, Role.EXECUTOR)

    @functools.cached_property
    def ear(self) -> "zmq.Socket[bytes]":
        """A listener at the outward side of the telemetry proxy."""
        return self.client(Domain.TELEMETRY_OUT, Role.READER)

    def turn(self) -> None:
        """Moves whatever is there, and keeps it."""
        self.feed.publish("pulse", GOOD, family=Family.EVENT)
        self.forwarder.forward(0)
        while envelope := self.puller.receive():
            self.came[Domain.SIGNALS].append(envelope.body)
        for domain, server in ((Domain.COMMANDS, self.commands), (Domain.HISTORY, self.history)):
            while request := server.receive():
                self.came[domain].append(request[2].body)
                server.reply(request[0], request[2], Done())

    def close(self) -> None:
        for socket in self._clients:
            socket.close()
        for part in (self.feed, self.puller, self.commands, self.history, self.forwarder, self.door):
            part.close()
        self.context.term()


def lock(socket: "zmq.Socket[bytes]", keys: ClientKeys) -> None:
    socket.curve_serverkey = keys.server
    socket.curve_publickey, socket.curve_secretkey = keys.own.public, keys.own.secret


@pytest.fixture
def house() -> Iterator[House]:
    house = House()
    yield house
    house.close()


def until(condition: Callable[[], Any], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.002)


def got_through(house: House, domain: Domain, client: "zmq.Socket[bytes]", body: object) -> bool:
    """Lets the client try once more; whether something of its kind has passed the door."""
    if domain in OUTWARD:
        house.speaker.send(b"telemetry.logs.executor\0" + Encoder("executor").encode("pulse", GOOD))
        house.turn()
        return bool(client.poll(1))
    frame = Encoder("x").encode("get_snapshot" if body is BAD else "pulse", body, id="x-1")
    if domain is Domain.TELEMETRY_IN:
        frame = b"telemetry.health.executor\0" + frame
    with contextlib.suppress(zmq.Again):  # nobody is there to send it to
        client.send(frame, zmq.NOBLOCK)
    house.turn()
    if domain is Domain.TELEMETRY_IN:
        while house.ear.poll(0):
            house.came[domain].append(decode(house.ear.recv().partition(b"\0")[2]).body)
    return body in house.came[domain]


CASES = [(domain, who) for domain in Domain for who in (*Role, *STRANGERS)]
EVERY_DOOR = pytest.mark.parametrize(("domain", "who"), CASES, ids=[f"{d}-{w}" for d, w in CASES])


@EVERY_DOOR
def test_lets_in_who_has_business_there_and_counts_the_others(
    house: House, domain: Domain, who: Role | str
) -> None:
    client = house.client(domain, who)
    if who in LETS_IN[domain]:
        until(lambda: got_through(house, domain, client, BAD), f"{who} at {domain}")
        assert house.door.refused == 0
        return
    name = domain.value if who == "another key" or isinstance(who, Role) else f"{domain} without a key"

    def turned_away() -> bool:
        assert not got_through(house, domain, client, BAD)
        return house.door.counts[name] > 0

    until(turned_away, f"{who} turned away at {domain}")
    good = house.client(domain, next(iter(LETS_IN[domain])))
    until(lambda: got_through(house, domain, good, GOOD), "who has business there still comes in")
    assert not got_through(house, domain, client, BAD)


def test_a_bug_at_the_door_is_logged_and_the_door_stays_manned(
    house: House, monkeypatch: pytest.MonkeyPatch, expected_errors: list[logging.LogRecord]
) -> None:
    answer = house.door._answer
    calls: list[int] = []

    def fails_once(frames: list[bytes]) -> list[bytes]:
        calls.append(len(calls))
        if len(calls) == 1:
            raise ValueError("as the test wants it")
        return answer(frames)

    monkeypatch.setattr(house.door, "_answer", fails_once)
    client = house.client(Domain.COMMANDS, Role.WINDOW)
    second = house.client(Domain.COMMANDS, Role.READER)
    until(
        lambda: (
            got_through(house, Domain.COMMANDS, client, BAD) or got_through(house, Domain.COMMANDS, second, BAD)
        ),
        "the next one comes in",
    )
    assert len(calls) >= 2
    assert any("doorkeeper" in record.getMessage() for record in expected_errors)


def test_what_a_reader_sends_up_the_telemetry_is_no_subscription_and_is_dropped() -> None:
    forwarder = Forwarder(ANY, ANY, wire=Wire(encrypted=False, linger_ms=0), keys=None)
    context: Any = zmq.Context.instance()
    reader, process = context.socket(zmq.XSUB), context.socket(zmq.XPUB)
    try:
        reader.connect(forwarder.outward.endpoint)
        process.connect(forwarder.inward.endpoint)
        reader.send(b"not a subscription")
        reader.send(b"\1telemetry.")

        def arrived() -> bool:
            forwarder.forward(1)
            return bool(process.poll(0))

        until(arrived, "the subscription")
        assert process.recv() == b"\1telemetry."
        assert forwarder.outward.undecodable == 1
    finally:
        reader.close(0)
        process.close(0)
        forwarder.close()


def test_every_binding_socket_names_its_door(house: House) -> None:
    parts: list[Socket] = [house.feed, house.puller, house.commands, house.history]
    parts += [house.forwarder.inward, house.forwarder.outward]
    named = {part.raw.getsockopt(zmq.ZAP_DOMAIN).rstrip(b"\0").decode() for part in parts}  # type: ignore[union-attr]
    assert named == {domain.value for domain in Domain}
