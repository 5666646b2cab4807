"""The command server: takes batches of requests from ROUTER 5557, and answers when what they did is durable.

A repeated request gets the answer that it got before. Knows nothing of what requests mean.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from engine import logs
from engine.gateway.rate import RateLimit
from engine.model.market import HaltDepth
from engine.model.order import Reason
from engine.wire.keys import Role
from engine.wire.messages import Envelope, Refused, Snapshot, Ticks
from engine.wire.sockets import RouterServer

log = logs.get(__name__)

_KEPT_REPLIES: Final = 2_000
"""Replies kept for repeated requests: every open request of every client, many times over."""
_BATCH: Final = 64
"""Requests carried out between two looks at the feed."""


class CommandServer:
    """Used on the gateway's thread only.

    Args:
        socket: bound.
        rate: how often a client may ask.
        handle: carries a request out and returns its reply.
        commit: makes what was done durable, and tells it.
        halt: how deep trading is halted now.
    """

    def __init__(
        self,
        socket: RouterServer,
        rate: RateLimit,
        *,
        handle: Callable[[Role | None, Envelope], object],
        commit: Callable[[], None],
        halt: Callable[[], HaltDepth],
    ) -> None:
        self._socket, self._rate = socket, rate
        self._handle, self._commit, self._halt = handle, commit, halt
        self._replies: OrderedDict[tuple[Role | None, str], bytes] = OrderedDict()

    def serve(self) -> None:
        """Carries out a batch of requests; one commit makes them durable, then all are answered."""
        done: dict[tuple[Role | None, str], tuple[bytes, Envelope, object]] = {}
        for _ in range(_BATCH):
            request = self._socket.receive()
            if request is None:
                break
            client, role, envelope = request
            key = (role, envelope.id)
            if refused := self._refused(client, role, envelope):
                self._socket.reply(client, envelope, refused)
            elif kept := self._replies.get(key):
                self._socket.resend(client, kept)
            elif key not in done:
                done[key] = (client, envelope, self._handled(role, envelope))
        self._commit()
        for key, (client, envelope, body) in done.items():
            frame = self._socket.reply(client, envelope, body)
            if key[0] is not Role.READER and not isinstance(body, Snapshot | Ticks):
                self._replies[key] = frame
        while len(self._replies) > _KEPT_REPLIES:
            self._replies.popitem(last=False)

    def _refused(self, client: bytes, role: Role | None, envelope: Envelope) -> Refused | None:
        if not envelope.id:
            text = "a request needs an id, for its answer and for retries"
            return Refused(code=Reason.INVALID, text=text)
        if not self._rate.passes(role, client, envelope.body, self._halt()):
            return Refused(code=Reason.TOO_MANY_REQUESTS, text=self._rate.text)
        return None

    def _handled(self, role: Role | None, envelope: Envelope) -> object:
        try:
            return self._handle(role, envelope)
        except Exception:
            log.exception("request failed", type=envelope.type, request=envelope.id)
            text = f"{envelope.type} failed inside the gateway; see its log"
            return Refused(code=Reason.INVALID, text=text)
