"""The command server: takes batches of requests from ROUTER 5557, and answers when what they did is durable.

A repeated request gets the answer that it got before. Knows nothing of what requests mean.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from engine import logs
from engine.gateway.rate import RateLimit
from engine.model.market import HaltDepth
from engine.model.order import Reason
from engine.wire.keys import Role
from engine.wire.messages import Done, Envelope, GetSnapshot, GetTicks, Refused
from engine.wire.sockets import RouterServer

log = logs.get(__name__)

_KEPT_REPLIES: Final = 2_000
"""Replies kept for repeated requests: every open request of every client, many times over."""
_BATCH: Final = 64
"""Requests carried out between two looks at the feed."""
_MOST_WAITING: Final = 200
"""Long answers that may wait to be made."""
_READERS_PAGE: Final = 5_000
"""Ticks of one answer to a reader."""

Request = tuple[bytes, Role | None, Envelope]


class CommandServer:
    """Used on the gateway's thread only.

    Args:
        socket: bound.
        rate: how often a client may ask.
        handle: carries a request out and returns its reply.
        commit: makes what was done durable, and tells it.
        halt: how deep trading is halted now.
        doubt: why what was done may not be durable; empty if it is.
        fail: told that something went wrong that must not.
    """

    def __init__(
        self,
        socket: RouterServer,
        rate: RateLimit,
        *,
        handle: Callable[[Role | None, Envelope], object],
        commit: Callable[[], None],
        halt: Callable[[], HaltDepth],
        doubt: Callable[[], str],
        fail: Callable[[str], None],
    ) -> None:
        self._socket, self._rate = socket, rate
        self._handle, self._commit, self._halt = handle, commit, halt
        self._doubt, self._fail = doubt, fail
        self.refused = 0
        """Requests held back so far, because their client asks too often."""
        self._waiting: deque[Request] = deque()
        """Requests whose answers are long: one a turn, so that they hold up nothing that trades."""
        self._replies: OrderedDict[tuple[Role | None, str], bytes] = OrderedDict()

    @property
    def is_waiting(self) -> bool:
        """There is something to do although nothing comes."""
        return bool(self._waiting)

    def serve(self) -> None:
        """Carries out a batch of requests; one commit makes them durable, then all are answered."""
        done: dict[tuple[Role | None, str], tuple[bytes, Envelope, object]] = {}
        for _ in range(_BATCH):
            request = self._socket.receive()
            if request is None:
                break
            client, role, envelope = request
            key = (role, envelope.id)
            if kept := self._replies.get(key):
                self._socket.resend(client, kept)
            elif refused := self._refused(client, role, envelope):
                self.refused += refused.code is Reason.TOO_MANY_REQUESTS
                self._socket.reply(client, envelope, refused)
            elif isinstance(envelope.body, GetTicks | GetSnapshot):
                self._waiting.append(request)
            elif key not in done:
                done[key] = (client, envelope, self._handled(role, envelope))
        self._commit()
        doubt = self._doubt()
        for key, (client, envelope, body) in done.items():
            if doubt and isinstance(body, Done):
                body = replace(body, text=f"{body.text} (not written yet: {doubt})")
            frame = self._socket.reply(client, envelope, body)
            if key[0] is not Role.READER:
                self._replies[key] = frame
        while len(self._replies) > _KEPT_REPLIES:
            self._replies.popitem(last=False)
        self._answer_longest_waiting()

    def _answer_longest_waiting(self) -> None:
        """One long answer; a reader's only where nobody else waits."""
        if not self._waiting:
            return
        found = next((item for item in self._waiting if item[1] is not Role.READER), self._waiting[0])
        self._waiting.remove(found)
        client, role, envelope = found
        body = envelope.body
        if role is Role.READER and isinstance(body, GetTicks):
            envelope = replace(envelope, body=replace(body, limit=min(body.limit, _READERS_PAGE)))
        self._socket.reply(client, envelope, self._handled(role, envelope))

    def _refused(self, client: bytes, role: Role | None, envelope: Envelope) -> Refused | None:
        if not envelope.id:
            text = "a request needs an id, for its answer and for retries"
            return Refused(code=Reason.INVALID, text=text)
        if not self._rate.passes(role, client, envelope.body, self._halt()):
            return Refused(code=Reason.TOO_MANY_REQUESTS, text=self._rate.text)
        if isinstance(envelope.body, GetTicks | GetSnapshot) and self._has_enough(role):
            text = "too many questions with long answers are waiting; ask again later"
            return Refused(code=Reason.TOO_MANY_REQUESTS, text=text)
        return None

    def _has_enough(self, role: Role | None) -> bool:
        """Readers may take half of the places, so that there are always some for the program's own."""
        is_reader = role is Role.READER
        return len(self._waiting) >= (_MOST_WAITING // 2 if is_reader else _MOST_WAITING)

    def _handled(self, role: Role | None, envelope: Envelope) -> object:
        try:
            return self._handle(role, envelope)
        except Exception:
            log.exception("request failed", type=envelope.type, request=envelope.id)
            self._fail(f"{envelope.type} failed inside the gateway; see its log")
            text = f"{envelope.type} failed inside the gateway; see its log"
            return Refused(code=Reason.INVALID, text=text)
