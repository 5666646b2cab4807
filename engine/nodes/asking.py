"""Questions of a process to the gateway: it waits for the answer and shows all the while that it lives.

Decides nothing; what is done without an answer is its node's business.
"""

import time
from collections.abc import Iterable, Iterator
from typing import Any, Final

from engine import logs
from engine.errors import RequestError, RequestTimeout
from engine.model.tick import Tick
from engine.supervision.child import Child
from engine.wire.messages import GetTicks, Ticks
from engine.wire.sockets import Poller, Requester, checked

log = logs.get(__name__)
_BEAT_MS: Final = 100
_PAGE: Final = 5_000
"""Ticks caught up on between two heartbeats."""


class Asker:
    """Asks over the requester of a node; its thread.

    Args:
        child: the process, which beats while it waits and gives up waiting when it is asked to stop.
        requester: to the gateway.
    """

    def __init__(self, child: Child, requester: Requester) -> None:
        self._child, self._requester = child, requester
        self._answers, self._stopping = Poller(requester, child.stopping), Poller(child.stopping)

    def ask(self, body: object) -> Any:
        """The answer to a question.

        Raises:
            RequestTimeout: no answer after all tries, or the process is asked to stop.
            RequestRefused: the answer was no.
        """
        request_id = self._requester.send(body)
        while not self._child.is_stopping:
            replies = dict(self._requester.replies())
            answer = replies.pop(request_id, None)
            self._note(replies.values())
            if answer is not None:
                return checked(answer)
            self._child.telemetry.beat()
            self._answers.wait(_BEAT_MS)
        raise RequestTimeout("the process is asked to stop")

    def ticks_after(self, symbol: str, seq: int) -> Iterator[tuple[int, Tick]]:
        """The ticks after a number, each with its number in the family, from the gateway's ring; page by page.

        Raises:
            RequestError: no answer, or no.
        """
        while True:
            page: Ticks = self.ask(GetTicks(symbol=symbol, after_seq=seq, limit=_PAGE))
            yield from zip(page.positions, page.ticks, strict=True)
            if page.is_complete or not page.ticks:
                return
            seq = page.ticks[-1].seq

    def take_replies(self) -> None:
        """Takes the answers to reports; an unanswered one is told again by the next resync."""
        self._note(body for _, body in self._requester.replies())

    def rest(self, seconds: float) -> None:
        """Does nothing but beat, or until the process is asked to stop."""
        deadline = time.monotonic() + seconds
        while not self._child.is_stopping and time.monotonic() < deadline:
            self._child.telemetry.beat()
            self._stopping.wait(_BEAT_MS)

    def _note(self, replies: Iterable[object]) -> None:
        for reply in replies:
            if isinstance(reply, RequestError):
                log.error("report unanswered", error=str(reply))
