"""Sockets under the names of the field: Publisher, Subscriber, Pusher, Puller, Requester and RouterServer.

One socket, one thread. Every socket is CURVE-encrypted when it is given keys. High-water marks, linger and
timeouts come from the settings, where each has its reason. No socket takes a frame beyond its limit.
"""

import contextlib
import random
import socket as os_socket
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Final, Self

import zmq

from engine import logs
from engine.errors import DecodeError, RequestRefused, RequestTimeout, WireError
from engine.settings import Wire
from engine.wire.codec import NAMES, Encoder, decode
from engine.wire.keys import ClientKeys, Domain, Role, ServerKeys
from engine.wire.messages import Envelope, Refused
from engine.wire.zap import doorkeeper_of

log = logs.get(__name__)

_ROLES: Final = {role.value: role for role in Role}
TOPIC_END: Final = b"\0"
"""Ends the topic; subscribing to ``tick.TXFK4`` with it leaves ``tick.TXFK45`` out."""
MAX_INWARD: Final = 128 * 1024
"""Bytes of a frame that a binding socket takes: many times the longest request, signal or log line. Who sends more
is disconnected before anything is allocated, so a full queue of one client is 128 MB at the very worst."""
MAX_FEED: Final = 1024 * 1024
"""Bytes of a message of a feed."""
MAX_REPLY: Final = 64 * 1024 * 1024
"""Bytes of a reply: 100,000 ticks take some 5 MB, the snapshot of a year's orders less than this."""
_MAX_SUBSCRIPTION: Final = 4 * 1024
"""Bytes that a subscriber may send: a topic, or its part of the handshake."""
_SUBSCRIPTIONS: Final = (b"\0", b"\1")
"""First byte of what a subscriber sends: away with a topic, or on with it."""
_GARBAGE: Final = 100
"""Undecodable messages skipped before the caller may look at something else."""


def tcp(host: str, port: int) -> str:
    """The endpoint of a port; 0 = any free one."""
    return f"tcp://{host}:{port or '*'}"


class Socket:
    """What all sockets share: creation, keys, endpoint, counters and closing."""

    def __init__(
        self,
        kind: int,
        *,
        wire: Wire,
        keys: ServerKeys | ClientKeys | None,
        bind: str | None = None,
        connect: str | None = None,
        domain: Domain | None = None,
        max_frame: int = MAX_INWARD,
        options: dict[int, int | bytes] | None = None,
        context: zmq.Context[zmq.Socket[bytes]] | None = None,
    ) -> None:
        self.raw: zmq.Socket[bytes] = (context or zmq.Context.instance()).socket(kind)
        self.raw.linger = wire.linger_ms
        self.raw.maxmsgsize = max_frame
        for option, value in (options or {}).items():
            self.raw.setsockopt(option, value)
        self.undecodable = 0
        """Messages that were dropped because they were none."""
        self._told_at = 1
        self._curve(keys if wire.encrypted else None, domain)
        try:
            if bind:
                self.raw.bind(bind)
            else:
                assert connect
                self.raw.connect(connect)
        except zmq.ZMQError as error:
            self.raw.close(linger=0)
            raise WireError(
                f"{bind or connect} cannot be used: {error}. Does another terminal run? Close it, or choose other "
                "ports under [endpoints] in the settings (0 = any free port)"
            ) from error
        self.endpoint = str(self.raw.getsockopt_string(zmq.LAST_ENDPOINT))

    def _curve(self, keys: ServerKeys | ClientKeys | None, domain: Domain | None) -> None:
        if isinstance(keys, ServerKeys):
            assert domain
            self.raw.curve_server = True
            self.raw.curve_secretkey = keys.own.secret
            self.raw.curve_publickey = keys.own.public
            self.raw.zap_domain = domain.value.encode("ascii")
            if door := doorkeeper_of(self.raw.context):
                door.watch(self.raw, domain)
        elif keys is not None:
            self.raw.curve_serverkey = keys.server
            self.raw.curve_publickey = keys.own.public
            self.raw.curve_secretkey = keys.own.secret

    def close(self) -> None:
        """Closes; unsent messages are given the linger time."""
        self.raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _decoded(self, payload: bytes | memoryview) -> Envelope | None:
        """The message, or None where it is none: it is counted and dropped."""
        try:
            return decode(payload)
        except DecodeError as error:
            self._dropped(str(error))
            return None

    def _dropped(self, why: str) -> None:
        """Counts a message that is none; the 1st, 10th, 100th, … is logged."""
        self.undecodable += 1
        if self.undecodable == self._told_at:
            self._told_at *= 10
            log.warning("undecodable messages", endpoint=self.endpoint, count=self.undecodable, error=why)


class Publisher(Socket):
    """PUB: sends numbered messages of several families.

    Args:
        endpoint: where to bind; ``bind=False`` connects (telemetry proxy).
    """

    def __init__(
        self,
        endpoint: str,
        *,
        source: str,
        wire: Wire,
        keys: ServerKeys | ClientKeys | None,
        bind: bool = True,
        context: zmq.Context[zmq.Socket[bytes]] | None = None,
    ) -> None:
        super().__init__(
            zmq.PUB,
            wire=wire,
            keys=keys,
            bind=endpoint if bind else None,
            connect=None if bind else endpoint,
            domain=Domain.FEED,
            max_frame=_MAX_SUBSCRIPTION,
            options={zmq.SNDHWM: wire.publish_high_water},
            context=context,
        )
        self._encoder = Encoder(source)
        self._topics: dict[str, bytes] = {}
        self.seqs: dict[str, int] = {}
        """Last number of each family."""

    def publish(self, topic: str, body: object, *, family: str, cause: str = "") -> int:
        """Sends a message as the next one of its family and returns its number."""
        seq = self.seqs.get(family, 0) + 1
        self.seqs[family] = seq
        head = self._topics.get(topic)
        if head is None:
            head = self._topics[topic] = topic.encode("ascii") + TOPIC_END
        now = time.time_ns()
        self.raw.send(head + self._encoder.encode(NAMES[type(body)], body, cause=cause, seq=seq, time=now))
        return seq


class Subscriber(Socket):
    """SUB: receives the topics that begin with one of the given prefixes.

    Args:
        topics: prefixes; end one with :data:`TOPIC_END` for exactly that topic. An empty string takes everything.
        high_water: receive high-water mark, instead of the settings' one.
        conflate: keep only the last message. It is one message over all topics: use one socket a topic.
    """

    def __init__(
        self,
        endpoint: str,
        topics: Iterable[str],
        *,
        wire: Wire,
        keys: ClientKeys | None,
        high_water: int | None = None,
        conflate: bool = False,
        context: zmq.Context[zmq.Socket[bytes]] | None = None,
    ) -> None:
        options: dict[int, int | bytes] = {zmq.RCVHWM: high_water or wire.subscribe_high_water}
        if conflate:
            options[zmq.CONFLATE] = 1
        super().__init__(
            zmq.SUB,
            wire=wire,
            keys=keys,
            connect=endpoint,
            max_frame=MAX_FEED,
            options=options,
            context=context,
        )
        for topic in topics:
            self.raw.subscribe(topic)

    def receive(self, timeout_ms: int = 0) -> tuple[str, Envelope] | None:
        """The next message with its topic, or None if none came in time or it was undecodable."""
        if timeout_ms and not self.raw.poll(timeout_ms):
            return None
        try:
            frame = self.raw.recv(zmq.NOBLOCK)
        except zmq.Again:
            return None
        end = frame.find(TOPIC_END)
        if end < 0:
            self._dropped("no topic")
            return None
        envelope = self._decoded(memoryview(frame)[end + 1 :])
        return None if envelope is None else (frame[:end].decode("ascii", "replace"), envelope)

    def drain(self, limit: int = 1000) -> Iterator[tuple[str, Envelope]]:
        """Everything that is there, at most ``limit`` messages; each is given before the next is looked for."""
        for _ in range(limit):
            before = self.undecodable
            message = self.receive()
            if message is not None:
                yield message
            elif self.undecodable == before:
                return


class Pusher(Socket):
    """PUSH: signals to the executor."""

    def __init__(
        self,
        endpoint: str,
        *,
        source: str,
        wire: Wire,
        keys: ClientKeys | None,
        context: zmq.Context[zmq.Socket[bytes]] | None = None,
    ) -> None:
        options: dict[int, int | bytes] = {zmq.SNDHWM: wire.signal_high_water}
        super().__init__(zmq.PUSH, wire=wire, keys=keys, connect=endpoint, options=options, context=context)
        self._encoder = Encoder(source)

    def push(self, body: object, *, id: str = "", cause: str = "") -> bytes:
        """Sends without waiting and returns the frame, for :meth:`repeat`."""
        frame = self._encoder.encode(NAMES[type(body)], body, id=id, cause=cause, time=time.time_ns())
        self.repeat(frame)
        return frame

    def repeat(self, frame: bytes) -> bool:
        """Sends the same message once more, its time included; False if there is no room (nobody pulls)."""
        try:
            self.raw.send(frame, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True


class Puller(Socket):
    """PULL: where signals arrive."""

    def __init__(
        self,
        endpoint: str,
        *,
        wire: Wire,
        keys: ServerKeys | None,
        context: zmq.Context[zmq.Socket[bytes]] | None = None,
    ) -> None:
        super().__init__(
            zmq.PULL,
            wire=wire,
            keys=keys,
            bind=endpoint,
            domain=Domain.SIGNALS,
            options={zmq.RCVHWM: wire.signal_high_water},
            context=context,
        )

    def receive(self) -> Envelope | None:
        """The next message that is already here, or None."""
        for _ in range(_GARBAGE):
            try:
                envelope = self._decoded(self.raw.recv(zmq.NOBLOCK))
            except zmq.Again:
                return None
            if envelope is not None:
                return envelope
        return None


class RouterServer(Socket):
    """ROUTER: answers requests; knows the role of each client by its key.

    Args:
        high_water: answers kept for a client that does not read them; those beyond it are dropped.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        source: str,
        wire: Wire,
        keys: ServerKeys | None,
        domain: Domain = Domain.COMMANDS,
        high_water: int = 1000,
        context: zmq.Context[zmq.Socket[bytes]] | None = None,
    ) -> None:
        super().__init__(
            zmq.ROUTER,
            wire=wire,
            keys=keys,
            bind=endpoint,
            domain=domain,
            options={zmq.ROUTER_MANDATORY: 0, zmq.SNDHWM: high_water},
            context=context,
        )
        self._encoder = Encoder(source)
        self._encrypted = wire.encrypted and keys is not None

    def receive(self) -> tuple[bytes, Role | None, Envelope] | None:
        """The next request that is already here: client, its role (None without encryption), message."""
        for _ in range(_GARBAGE):
            try:
                client = self.raw.recv(zmq.NOBLOCK)
            except zmq.Again:
                return None
            frame = self.raw.recv(zmq.NOBLOCK, copy=False)
            if frame.more:
                self._dropped("more than one frame")
                while self.raw.rcvmore:
                    self.raw.recv(zmq.NOBLOCK)
                continue
            envelope = self._decoded(frame.buffer)
            if envelope is not None:
                return client, _ROLES[str(frame.get("User-Id"))] if self._encrypted else None, envelope
        return None

    def reply(self, client: bytes, request: Envelope, body: object) -> bytes:
        """Answers a request and returns the frame, for a repeated request."""
        frame = self._encoder.encode(NAMES[type(body)], body, cause=request.id, time=time.time_ns())
        self.resend(client, frame)
        return frame

    def resend(self, client: bytes, frame: bytes) -> None:
        """Sends a kept reply again."""
        self.raw.send_multipart([client, frame])


class Requester(Socket):
    """DEALER client: requests by id, with timeouts, exponential backoff and retries; safe to use after a timeout.

    A retry carries the same request id, and the server answers a repeated id with its first reply, so a retry
    never does anything twice. Replies that come too late are dropped by their id.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        source: str,
        wire: Wire,
        keys: ClientKeys | None,
        context: zmq.Context[zmq.Socket[bytes]] | None = None,
    ) -> None:
        super().__init__(zmq.DEALER, wire=wire, keys=keys, connect=endpoint, max_frame=MAX_REPLY, context=context)
        self._wire = wire
        self._encoder = Encoder(source)
        self._prefix = f"{source}-{random.getrandbits(40):010x}"
        self._count = 0
        self._open: dict[str, _OpenRequest] = {}
        self.retries = 0

    def send(self, body: object, *, cause: str = "") -> str:
        """Sends a request without waiting and returns its id; the answer comes out of :meth:`replies`."""
        self._count += 1
        request_id = f"{self._prefix}-{self._count}"
        now = time.time_ns()
        frame = self._encoder.encode(NAMES[type(body)], body, id=request_id, cause=cause, time=now)
        self._open[request_id] = _OpenRequest(
            type(body).__name__, frame, 1, time.monotonic() + self._wire.request_timeout_s
        )
        self.raw.send(frame)
        return request_id

    def replies(self) -> list[tuple[str, object]]:
        """Answers that are here: request id and body, or the error that ended the request.

        Call it when the socket is readable and at least every 0.1 s: it also sends retries.
        """
        found: list[tuple[str, object]] = []
        while True:
            try:
                envelope = self._decoded(self.raw.recv(zmq.NOBLOCK))
            except zmq.Again:
                break
            if envelope is not None and self._open.pop(envelope.cause, None) is not None:
                found.append((envelope.cause, envelope.body))
        return found + self._retry()

    def _retry(self) -> list[tuple[str, object]]:
        now = time.monotonic()
        ended: list[tuple[str, object]] = []
        for request_id, request in list(self._open.items()):
            if now < request.deadline:
                continue
            if request.attempt >= self._wire.request_attempts:
                del self._open[request_id]
                text = f"{request.name}: no answer from {self.endpoint} after {request.attempt} tries"
                ended.append((request_id, RequestTimeout(text)))
                continue
            wait = self._wire.request_timeout_s * 2**request.attempt
            self._open[request_id] = _OpenRequest(request.name, request.frame, request.attempt + 1, now + wait)
            self.retries += 1
            self.raw.send(request.frame)
        return ended

    def request(self, body: object, *, cause: str = "") -> Any:
        """Sends and waits for the answer; replies to other open requests are dropped.

        Raises:
            RequestTimeout: no answer after all tries.
            RequestRefused: the answer was no.
        """
        request_id = self.send(body, cause=cause)
        while True:
            for answered, reply in self.replies():
                if answered == request_id:
                    return checked(reply)
            self.raw.poll(50)

    @property
    def pending(self) -> int:
        """Requests without an answer."""
        return len(self._open)


class Forwarder:
    """XSUB and XPUB back to back: publishers connect to one end, subscribers to the other."""

    def __init__(
        self,
        inward: str,
        outward: str,
        *,
        wire: Wire,
        keys: ServerKeys | None,
        context: zmq.Context[zmq.Socket[bytes]] | None = None,
    ) -> None:
        high_water: dict[int, int | bytes] = {
            zmq.SNDHWM: wire.publish_high_water,
            zmq.RCVHWM: wire.subscribe_high_water,
        }
        self.inward = Socket(
            zmq.XSUB,
            wire=wire,
            keys=keys,
            bind=inward,
            domain=Domain.TELEMETRY_IN,
            options=high_water,
            context=context,
        )
        try:
            self.outward = Socket(
                zmq.XPUB,
                wire=wire,
                keys=keys,
                bind=outward,
                domain=Domain.TELEMETRY_OUT,
                max_frame=_MAX_SUBSCRIPTION,
                options=high_water,
                context=context,
            )
        except WireError:
            self.inward.close()
            raise
        self._poller = Poller(self.inward, self.outward)

    def forward(self, timeout_ms: int) -> None:
        """Moves what is there: messages out, subscriptions in. Whatever else readers send is dropped."""
        for source in self._poller.wait(timeout_ms):
            target = self.outward if source is self.inward else self.inward
            assert isinstance(source, Socket)
            for _ in range(1000):
                try:
                    frame = source.raw.recv(zmq.NOBLOCK)
                    if source is self.inward or frame[:1] in _SUBSCRIPTIONS:
                        target.raw.send(frame, zmq.NOBLOCK)
                    else:
                        source._dropped("no subscription")
                except zmq.Again:
                    break

    def close(self) -> None:
        """Closes both ends."""
        self.inward.close()
        self.outward.close()


class _OpenRequest:
    __slots__ = ("attempt", "deadline", "frame", "name")

    def __init__(self, name: str, frame: bytes, attempt: int, deadline: float) -> None:
        self.name, self.frame, self.attempt, self.deadline = name, frame, attempt, deadline


def checked(reply: object) -> Any:
    """The reply, or the error that it is.

    Raises:
        RequestTimeout: no answer came.
        RequestRefused: the other side said no.
    """
    if isinstance(reply, Exception):
        raise reply
    if isinstance(reply, Refused):
        raise RequestRefused(reply.code, reply.text)
    return reply


class Mailbox:
    """A thread-safe inbox whose owner can wait for it in a :class:`Poller` together with sockets."""

    def __init__(self) -> None:
        self._items: deque[Any] = deque()
        self._reader, self._writer = os_socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._signalled = False

    def put(self, item: object) -> None:
        """Appends an item; any thread."""
        self._items.append(item)
        if not self._signalled:
            self._signalled = True
            # A full pair wakes the owner anyway; a closed one has no owner any more.
            with contextlib.suppress(OSError):
                self._writer.send(b"\0")

    def take(self, limit: int = 10_000) -> list[Any]:
        """Everything that is there, at most ``limit``; the owner's thread."""
        with contextlib.suppress(OSError):
            self._reader.recv(4096)
        self._signalled = False
        items: list[Any] = []
        while self._items and len(items) < limit:
            items.append(self._items.popleft())
        if self._items:
            self._signalled = True
            self._writer.send(b"\0")
        return items

    def fileno(self) -> int:
        """For the poller."""
        return self._reader.fileno()

    def close(self) -> None:
        """Closes the pair; later items go nowhere."""
        self._signalled = True
        self._reader.close()
        self._writer.close()


class Poller:
    """Waits for several sockets and mailboxes at once."""

    def __init__(self, *parts: Socket | Mailbox) -> None:
        self._poller = zmq.Poller()
        self._parts: dict[object, Socket | Mailbox] = {}
        for part in parts:
            self.add(part)

    def add(self, part: Socket | Mailbox) -> None:
        """Waits for this one too."""
        key: Any = part.fileno() if isinstance(part, Mailbox) else part.raw
        self._parts[key] = part
        self._poller.register(key, zmq.POLLIN)

    def wait(self, timeout_ms: int) -> list[Socket | Mailbox]:
        """Those that have something, or none after the time."""
        return [self._parts[key] for key, _ in self._poller.poll(timeout_ms)]
