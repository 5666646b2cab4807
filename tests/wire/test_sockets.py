"""Real sockets: what arrives, what is dropped and can be seen, who is let in, and what a retry does."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from socket import socket
from typing import Any

import pytest
import zmq

from engine.errors import RequestRefused, RequestTimeout, WireError
from engine.model.order import Reason, Side
from engine.model.signal import Leg, Signal
from engine.model.tick import Tick
from engine.settings import Wire
from engine.wire.keys import ClientKeys, Domain, KeyPair, Role, RunKeys
from engine.wire.messages import CancelOrder, Done, Family, GetSnapshot, Pulse, Refused
from engine.wire.sockets import (
    TOPIC_END,
    Forwarder,
    Mailbox,
    Poller,
    Publisher,
    Puller,
    Pusher,
    Requester,
    RouterServer,
    Subscriber,
    tcp,
)
from engine.wire.zap import Doorkeeper

DEADLINE_S = 20.0
ANY = tcp("127.0.0.1", 0)
PLAIN = Wire(encrypted=False, linger_ms=0, request_timeout_s=0.05, request_attempts=3)
CURVE = replace(PLAIN, encrypted=True)


def until(condition: Callable[[], Any], what: str) -> Any:
    """The first true value of a condition."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.002)
    pytest.fail(f"{what} did not happen")


@pytest.fixture
def made() -> Iterator[Callable[[Any], Any]]:
    """Closes what a test makes, the last first."""
    things: list[Any] = []

    def keep(thing: Any) -> Any:
        things.append(thing)
        return thing

    yield keep
    for thing in reversed(things):
        thing.close()


def tick(seq: int, symbol: str = "TXFK4") -> Tick:
    return Tick(symbol=symbol, seq=seq, ts_event=1, ts_recv=2, price=22_800, quantity=1)


def heard(publisher: Publisher, subscriber: Subscriber, topic: str = "pulse") -> None:
    """Publishes until the subscription works, and takes what came of it."""

    def asked() -> bool:
        publisher.publish(topic, Pulse(now_ns=1, position=0), family="hello")
        return subscriber.receive(20) is not None

    until(asked, "subscription")
    while subscriber.receive(50):
        pass


def listening(made: Callable[[Any], Any], *topics: str, **options: Any) -> tuple[Publisher, Subscriber]:
    publisher = made(Publisher(ANY, source="gateway", wire=options.pop("wire", PLAIN), keys=None))
    subscriber = made(Subscriber(publisher.endpoint, [*topics, "pulse"], wire=PLAIN, keys=None, **options))
    heard(publisher, subscriber)
    return publisher, subscriber


class TestFeed:
    def test_an_exact_topic_leaves_longer_ones_out(self, made: Callable[[Any], Any]) -> None:
        publisher, subscriber = listening(made, "tick.TXFK4" + TOPIC_END.decode(), "book.")
        for topic in ("tick.TXFK45", "tick.TXFK4", "tick.TXF", "book.TXFK4", "order.TXFK4"):
            publisher.publish(topic, tick(2), family=Family.TICK)
        publisher.publish("pulse", Pulse(now_ns=1, position=0), family="hello")
        topics: list[str] = []
        while not topics or topics[-1] != "pulse":
            found = subscriber.receive(5_000)
            assert found
            topics.append(found[0])
        assert topics == ["tick.TXFK4", "book.TXFK4", "pulse"]

    def test_each_family_has_numbers_of_its_own(self, made: Callable[[Any], Any]) -> None:
        publisher, subscriber = listening(made, "")
        for seq in (1, 2):
            assert publisher.publish("tick.TXFK4", tick(seq), family=Family.TICK, cause="why") == seq
        assert publisher.publish("pulse", Pulse(now_ns=5, position=2), family=Family.EVENT) == 1
        envelopes = [found[1] for found in (subscriber.receive(5_000) for _ in range(3)) if found]
        assert [(item.type, item.seq, item.source) for item in envelopes] == [
            ("tick", 1, "gateway"),
            ("tick", 2, "gateway"),
            ("pulse", 1, "gateway"),
        ]
        assert (envelopes[0].body, envelopes[0].cause) == (tick(1), "why")
        assert envelopes[0].time > 0

    def test_what_a_full_queue_drops_is_seen_by_the_numbers(self, made: Callable[[Any], Any]) -> None:
        publisher, subscriber = listening(made, "tick.", wire=replace(PLAIN, publish_high_water=10), high_water=10)
        count = 50_000
        for seq in range(1, count + 1):
            publisher.publish("tick.TXFK4", tick(seq), family=Family.TICK)
        seqs: list[int] = []
        while found := subscriber.receive(500):
            seqs.append(found[1].seq)
        assert 0 < len(seqs) < count
        assert seqs == sorted(set(seqs))

        def last_arrives() -> bool:
            publisher.publish("tick.TXFK4", tick(count + 1), family=Family.TICK)
            found = subscriber.receive(20)
            seqs.extend([found[1].seq] if found else [])
            return found is not None

        until(last_arrives, "a tick after the flood")
        missing = seqs[-1] - len(seqs)
        gaps = [(before, after) for before, after in zip([0, *seqs], seqs, strict=False) if after != before + 1]
        assert missing == sum(after - before - 1 for before, after in gaps) > 0

    def test_conflate_keeps_the_last_message_only(self, made: Callable[[Any], Any]) -> None:
        publisher, subscriber = listening(made, conflate=True)
        for number in range(1, 1001):
            publisher.publish("pulse", Pulse(now_ns=number, position=0), family=Family.EVENT)
        seen: list[int] = []

        def last_seen() -> bool:
            found = subscriber.receive(20)
            seen.extend([found[1].seq] if found else [])
            return bool(seen) and seen[-1] == 1000

        until(last_seen, "the last message")
        assert len(seen) < 1000
        assert subscriber.receive() is None

    def test_undecodable_messages_are_counted_and_dropped(self, made: Callable[[Any], Any]) -> None:
        publisher, subscriber = listening(made, "tick.")
        for frame in (b"tick.TXFK4", b"tick.TXFK4\0", b"tick.TXFK4\0\xc1", b"tick.\xff\0\x90"):
            publisher.raw.send(frame)
        publisher.publish("tick.TXFK4", tick(1), family=Family.TICK)
        found: list[Any] = []

        def good_arrived() -> bool:
            found.extend(subscriber.drain())
            return bool(found)

        until(good_arrived, "the good message")
        assert [envelope.body for _, envelope in found] == [tick(1)]
        assert subscriber.undecodable == 4

    def test_draining_takes_what_is_there_up_to_a_limit(self, made: Callable[[Any], Any]) -> None:
        publisher, subscriber = listening(made, "tick.")
        for seq in range(1, 31):
            publisher.publish("tick.TXFK4", tick(seq), family=Family.TICK)
        found: list[int] = []
        sizes: list[int] = []

        def all_there() -> bool:
            part = list(subscriber.drain(7))
            sizes.append(len(part))
            found.extend(envelope.seq for _, envelope in part)
            return len(found) == 30

        until(all_there, "all ticks")
        assert found == list(range(1, 31))
        assert max(sizes) <= 7


def test_signals_are_pushed_and_pulled_in_order(made: Callable[[Any], Any]) -> None:
    puller = made(Puller(ANY, wire=PLAIN, keys=None))
    pusher = made(Pusher(puller.endpoint, source="strategy-1", wire=PLAIN, keys=None))
    signals = [signal(number) for number in range(1, 6)]
    frames = [pusher.push(item, id=item.signal_id) for item in signals]
    found: list[Any] = []

    def arrived() -> bool:
        envelope = puller.receive()
        found.extend([envelope] if envelope else [])
        return len(found) == 5

    until(arrived, "five signals")
    assert [envelope.body for envelope in found] == signals
    assert [envelope.id for envelope in found] == [item.signal_id for item in signals]
    assert pusher.repeat(frames[0])
    assert until(puller.receive, "the first once more") == found[0]


def test_a_pusher_without_a_puller_never_blocks(made: Callable[[Any], Any]) -> None:
    pusher = made(Pusher(free(), source="s", wire=replace(PLAIN, signal_high_water=3), keys=None))
    frame = pusher.push(signal(1))
    assert [pusher.repeat(frame) for _ in range(10)][-1] is False


def signal(attempt: int) -> Signal:
    return Signal(
        signal_id=f"c1/stop_loss/{attempt}",
        condition_id="c1",
        leg=Leg.STOP_LOSS,
        attempt=attempt,
        account="a",
        symbol="TXFK4",
        side=Side.SELL,
        quantity=1,
        price=1,
        tick_seq=1,
        ts_event=1,
    )


def free() -> str:
    """An endpoint at which nobody listens."""
    with socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return tcp("127.0.0.1", listener.getsockname()[1])


# --- requests ---------------------------------------------------------------------------------------------------


@pytest.fixture
def server(made: Callable[[Any], Any]) -> RouterServer:
    found: RouterServer = made(RouterServer(ANY, source="gateway", wire=PLAIN, keys=None))
    return found


def client(made: Callable[[Any], Any], endpoint: str, wire: Wire = PLAIN, keys: Any = None) -> Requester:
    found: Requester = made(Requester(endpoint, source="window", wire=wire, keys=keys))
    return found


def answers(requester: Requester, count: int) -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []

    def arrived() -> bool:
        found.extend(requester.replies())
        return len(found) >= count

    until(arrived, f"{count} answers")
    return found


def taken(server: RouterServer) -> Any:
    return until(server.receive, "a request")


class TestRequests:
    def test_are_answered_by_id(self, made: Callable[[Any], Any], server: RouterServer) -> None:
        requester = client(made, server.endpoint, replace(PLAIN, request_timeout_s=5.0))
        ids = [requester.send(CancelOrder(client_order_id=f"ORDER{n:05}"), cause="why") for n in range(3)]
        requests = [taken(server) for _ in ids]
        assert [envelope.id for _, _, envelope in requests] == ids
        assert requests[0][2].cause == "why"
        for who, _, envelope in reversed(requests):
            server.reply(who, envelope, Done(text=envelope.body.client_order_id))
        found = answers(requester, 3)
        assert found == [(ids[n], Done(text=f"ORDER{n:05}")) for n in (2, 1, 0)]
        assert (requester.pending, requester.retries) == (0, 0)

    def test_without_an_answer_time_out_and_the_client_stays_usable(
        self, made: Callable[[Any], Any], server: RouterServer
    ) -> None:
        requester = client(made, server.endpoint)
        with pytest.raises(RequestTimeout, match=rf"GetSnapshot: no answer from {server.endpoint} after 3 tries"):
            requester.request(GetSnapshot())
        repeated = [taken(server) for _ in range(3)]
        assert len({envelope.id for _, _, envelope in repeated}) == 1
        assert server.receive() is None
        for who, _, envelope in repeated:
            server.reply(who, envelope, Done(text="late"))
        request_id = requester.send(GetSnapshot())
        who, _, envelope = taken(server)
        server.reply(who, envelope, Done(text="in time"))
        assert answers(requester, 1) == [(request_id, Done(text="in time"))]

    def test_a_retry_is_the_same_request_and_is_answered_with_the_kept_reply(
        self, made: Callable[[Any], Any], server: RouterServer
    ) -> None:
        requester = client(made, server.endpoint)
        request_id = requester.send(CancelOrder(client_order_id="ABCDEFGHIJ"))
        until(lambda: requester.replies() or requester.retries >= 1, "a retry")
        first, second = taken(server), taken(server)
        assert first[2].body == second[2].body
        assert first[2].id == second[2].id == request_id
        kept = server.reply(first[0], first[2], Done(text="once"))
        server.resend(second[0], kept)
        found = answers(requester, 1)
        requester.raw.poll(200)
        assert found + requester.replies() == [(request_id, Done(text="once"))]

    def test_that_were_refused_raise_with_their_code(
        self, made: Callable[[Any], Any], server: RouterServer
    ) -> None:
        requester = client(made, server.endpoint, replace(PLAIN, request_timeout_s=5.0))

        def serve() -> None:
            who, _, envelope = taken(server)
            server.reply(who, envelope, Refused(code=Reason.HALTED, text="trading is halted"))

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(RequestRefused, match="trading is halted") as caught:
            requester.request(GetSnapshot())
        thread.join()
        assert caught.value.code == "halted"

    def test_wait_longer_with_each_try(self, made: Callable[[Any], Any], server: RouterServer) -> None:
        requester = client(made, server.endpoint)
        began = time.monotonic()
        with pytest.raises(RequestTimeout):
            requester.request(GetSnapshot())
        assert time.monotonic() - began >= 0.05 + 0.1 + 0.2

    def test_frames_that_are_no_requests_are_counted(
        self, made: Callable[[Any], Any], server: RouterServer
    ) -> None:
        requester = client(made, server.endpoint)
        requester.raw.send(b"\xc1")
        requester.raw.send_multipart([b"one", b"two"])
        requester.send(GetSnapshot())
        assert taken(server)[2].type == "get_snapshot"
        assert server.undecodable == 2


# --- keys -------------------------------------------------------------------------------------------------------


class Guarded:
    """A context of its own with a doorkeeper, as the main process has one."""

    def __init__(self, *roles: Role, readers: tuple[str, ...] = ()) -> None:
        self.context: Any = zmq.Context()
        self.keys = RunKeys.make(readers)
        self.binder = self.keys.binder(*roles)
        self.door = Doorkeeper(self.binder.roles, self.context)

    def close(self) -> None:
        self.door.close()
        self.context.term()


@pytest.fixture
def guarded(made: Callable[[Any], Any]) -> Guarded:
    found: Guarded = made(Guarded())
    return found


class TestKeys:
    @pytest.mark.parametrize("role", list(Role))
    def test_tell_the_server_the_role(self, made: Callable[[Any], Any], guarded: Guarded, role: Role) -> None:
        server = made(
            RouterServer(ANY, source="gateway", wire=CURVE, keys=guarded.binder, context=guarded.context)
        )
        requester = client(made, server.endpoint, CURVE, guarded.keys.client(role))
        requester.send(GetSnapshot())
        _, found, envelope = taken(server)
        assert found is role
        assert envelope.body == GetSnapshot()

    def test_of_a_foreign_reader_are_let_in_as_reader(self, made: Callable[[Any], Any]) -> None:
        own = KeyPair.make()
        guarded = made(Guarded(readers=(own.public.decode("ascii"),)))
        server = made(
            RouterServer(ANY, source="gateway", wire=CURVE, keys=guarded.binder, context=guarded.context)
        )
        requester = client(made, server.endpoint, CURVE, ClientKeys(own, guarded.keys.server.public))
        requester.send(GetSnapshot())
        assert taken(server)[1] is Role.READER

    def test_of_a_stranger_are_refused_and_counted(self, made: Callable[[Any], Any], guarded: Guarded) -> None:
        server = made(
            RouterServer(ANY, source="gateway", wire=CURVE, keys=guarded.binder, context=guarded.context)
        )
        requester = client(made, server.endpoint, CURVE, ClientKeys(KeyPair.make(), guarded.keys.server.public))
        requester.send(GetSnapshot())
        until(lambda: guarded.door.counts[Domain.COMMANDS], "the doorkeeper's count")
        assert server.receive() is None

    def test_of_another_role_are_refused_where_it_has_no_business(self, made: Callable[[Any], Any]) -> None:
        guarded = made(Guarded(Role.STRATEGY))
        puller = made(Puller(ANY, wire=CURVE, keys=guarded.binder, context=guarded.context))
        for role in (Role.READER, Role.WINDOW, Role.EXECUTOR):
            pusher = made(Pusher(puller.endpoint, source="x", wire=CURVE, keys=guarded.keys.client(role)))
            pusher.push(signal(1))
        until(lambda: guarded.door.refused >= 3, "three refusals")
        good = made(Pusher(puller.endpoint, source="s", wire=CURVE, keys=guarded.keys.client(Role.STRATEGY)))
        good.push(signal(7))
        assert until(puller.receive, "the signal").body == signal(7)
        assert puller.receive() is None
        assert guarded.door.counts[Domain.SIGNALS] >= 3

    def test_without_them_nothing_is_heard(self, made: Callable[[Any], Any], guarded: Guarded) -> None:
        publisher = made(
            Publisher(ANY, source="gateway", wire=CURVE, keys=guarded.binder, context=guarded.context)
        )
        naked = made(Subscriber(publisher.endpoint, [""], wire=PLAIN, keys=None))
        listener = made(Subscriber(publisher.endpoint, [""], wire=CURVE, keys=guarded.keys.client(Role.READER)))
        heard(publisher, listener)
        assert naked.receive(200) is None

    def test_of_the_wrong_server_are_refused_by_the_client(
        self, made: Callable[[Any], Any], guarded: Guarded
    ) -> None:
        server = made(
            RouterServer(ANY, source="gateway", wire=CURVE, keys=guarded.binder, context=guarded.context)
        )
        wrong = ClientKeys(guarded.keys.clients[Role.WINDOW], KeyPair.make().public)
        requester = client(made, server.endpoint, CURVE, wrong)
        with pytest.raises(RequestTimeout):
            requester.request(GetSnapshot())
        assert server.receive() is None

    def test_secrets_are_not_shown(self) -> None:
        keys = RunKeys.make()
        assert keys.server.secret.decode("ascii") not in repr(keys)
        assert all(pair.secret.decode("ascii") not in repr(keys) for pair in keys.clients.values())


# --- mailbox, poller, forwarder ---------------------------------------------------------------------------------


class TestMailbox:
    def test_loses_nothing_from_many_threads_and_keeps_each_ones_order(self, made: Callable[[Any], Any]) -> None:
        mailbox = made(Mailbox())
        poller = Poller(mailbox)
        writers, each = 8, 5_000

        def write(writer: int) -> None:
            for number in range(each):
                mailbox.put((writer, number))

        threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
        for thread in threads:
            thread.start()
        found: list[tuple[int, int]] = []
        deadline = time.monotonic() + DEADLINE_S
        while len(found) < writers * each and time.monotonic() < deadline:
            # Taken only when woken: a lost wake-up would leave items behind.
            if poller.wait(2_000):
                found += mailbox.take(999)
        for thread in threads:
            thread.join()
        assert len(found) == writers * each
        for writer in range(writers):
            assert [number for who, number in found if who == writer] == list(range(each))

    def test_wakes_again_for_what_a_limit_left(self, made: Callable[[Any], Any]) -> None:
        mailbox = made(Mailbox())
        poller = Poller(mailbox)
        for number in range(5):
            mailbox.put(number)
        assert mailbox.take(3) == [0, 1, 2]
        assert poller.wait(5_000) == [mailbox]
        assert mailbox.take() == [3, 4]
        assert poller.wait(0) == []

    def test_put_after_the_end_is_harmless(self) -> None:
        mailbox = Mailbox()
        mailbox.close()
        mailbox.put(1)


def test_a_poller_tells_who_has_something(made: Callable[[Any], Any]) -> None:
    puller = made(Puller(ANY, wire=PLAIN, keys=None))
    mailbox = made(Mailbox())
    poller = Poller(puller, mailbox)
    assert poller.wait(0) == []
    mailbox.put(1)
    assert poller.wait(5_000) == [mailbox]
    made(Pusher(puller.endpoint, source="s", wire=PLAIN, keys=None)).push(signal(1))
    until(lambda: set(poller.wait(50)) == {puller, mailbox}, "both")


def test_a_forwarder_joins_many_publishers_and_many_subscribers(made: Callable[[Any], Any]) -> None:
    forwarder = made(Forwarder(ANY, ANY, wire=PLAIN, keys=None))
    stop = threading.Event()

    def forward() -> None:
        while not stop.is_set():
            forwarder.forward(20)

    thread = threading.Thread(target=forward)
    thread.start()
    try:
        inward, outward = forwarder.inward.endpoint, forwarder.outward.endpoint
        publishers = [made(Publisher(inward, source=name, wire=PLAIN, keys=None, bind=False)) for name in "ab"]
        everything = made(Subscriber(outward, [""], wire=PLAIN, keys=None))
        picky = made(Subscriber(outward, ["telemetry.health.b" + TOPIC_END.decode()], wire=PLAIN, keys=None))
        heard_of: set[str] = set()
        picked: set[str] = set()

        def both_heard() -> bool:
            for publisher, name in zip(publishers, "ab", strict=True):
                publisher.publish(f"telemetry.health.{name}", Pulse(now_ns=1, position=1), family="telemetry")
            heard_of.update(envelope.source for _, envelope in everything.drain())
            picked.update(envelope.source for _, envelope in picky.drain())
            return heard_of == {"a", "b"} and bool(picked)

        until(both_heard, "both publishers")
        assert picked == {"b"}
    finally:
        stop.set()
        thread.join()


def test_a_port_that_is_taken_is_said_at_once(made: Callable[[Any], Any]) -> None:
    first = made(Publisher(ANY, source="a", wire=PLAIN, keys=None))
    with pytest.raises(WireError, match="Address already in use"):
        Publisher(first.endpoint, source="b", wire=PLAIN, keys=None)
