"""How often a client may ask: token buckets. Knows no socket and no clock but the one it is given.

What leads out of the market is never counted, nor what a process of the run tells only once.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from engine.model.condition import ConditionAction, ConditionCommand
from engine.model.market import HaltDepth
from engine.model.order import SubmitOrder
from engine.model.signal import SignalRefused
from engine.settings import Wire
from engine.wire.keys import Role
from engine.wire.messages import CancelAll, CancelOrder, ConditionReport, Flatten, SetHalt, Watermark

_MAX_CLIENTS: Final = 1_000
"""Buckets kept; beyond it the client that was silent longest is forgotten."""


def always_passes(body: object, halt: HaltDepth) -> bool:
    """Whether a request may never be held back: exits, cancels, deeper halts, and facts that are told once.

    Args:
        body: the request.
        halt: how deep trading is halted now.
    """
    match body:
        case SubmitOrder():
            return body.reduce_only
        case SetHalt():
            return body.depth > halt
        case ConditionCommand():
            return body.action in (ConditionAction.CANCEL, ConditionAction.CLOSE)
        case CancelOrder() | CancelAll() | Flatten() | ConditionReport() | SignalRefused() | Watermark():
            return True
    return False


class Bucket:
    """Tokens that come back with time; each request takes one.

    Args:
        per_s: tokens a second.
        size: tokens of a full bucket, in which state it begins.
        now: seconds of the clock.
    """

    __slots__ = ("_at", "_per_s", "_size", "_tokens")

    def __init__(self, per_s: float, size: float, now: float) -> None:
        self._per_s, self._size = per_s, size
        self._tokens, self._at = size, now

    def take(self, now: float) -> bool:
        """Takes a token; False if there is none."""
        self._tokens = min(self._size, self._tokens + (now - self._at) * self._per_s)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class RateLimit:
    """One bucket a client, and one for all readers together, so that a reader gains nothing by connecting anew.

    Args:
        wire: requests a second and at once.
        is_paced: a replay waits for its strategies, which so make their own pace and are not limited.
        clock: monotonic seconds.
    """

    def __init__(self, wire: Wire, *, is_paced: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s, self._burst = wire.requests_per_s, wire.request_burst
        self._is_paced, self._clock = is_paced, clock
        self._buckets: OrderedDict[tuple[Role | None, bytes], Bucket] = OrderedDict()
        self._readers = Bucket(self._per_s, self._burst, clock())
        self.refused = 0
        """Requests held back so far."""

    def passes(self, role: Role | None, client: bytes, body: object, halt: HaltDepth) -> bool:
        """Whether a request may be carried out now.

        Args:
            role: of the client's key; None where nothing is encrypted.
            client: identity of its connection.
            body: the request.
            halt: how deep trading is halted now.
        """
        if role is not Role.READER and always_passes(body, halt):
            return True
        if self._is_paced and role in (Role.EXECUTOR, Role.STRATEGY):
            return True
        now = self._clock()
        is_allowed = self._bucket(role, client, now).take(now)
        if role is Role.READER:
            is_allowed = is_allowed and self._readers.take(now)
        self.refused += not is_allowed
        return is_allowed

    @property
    def text(self) -> str:
        """The limit in a sentence, for who passed it."""
        return f"more than {self._per_s} requests a second; ask less often. Exits and cancels always pass"

    @property
    def clients(self) -> int:
        """Clients that are remembered."""
        return len(self._buckets)

    def _bucket(self, role: Role | None, client: bytes, now: float) -> Bucket:
        key = (role, client)
        found = self._buckets.get(key)
        if found is None:
            found = self._buckets[key] = Bucket(self._per_s, self._burst, now)
            if len(self._buckets) > _MAX_CLIENTS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        return found
