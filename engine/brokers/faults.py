"""What goes wrong at the simulated exchange: drawn from its seed by the settings' rates, or ordered by a test."""

import random
from collections import deque
from enum import Enum

from engine.settings import Simulation
from engine.timing import NS_PER_S


class Reply(Enum):
    """What becomes of an order call."""

    GIVEN = "given"
    LOST_ALIVE = "lost_alive"
    """The order reached the exchange, the answer did not come back."""
    LOST_DEAD = "lost_dead"
    """The order got lost on its way."""


class Faults:
    """The exchange's bad luck.

    Args:
        settings: the rates.
    """

    def __init__(self, settings: Simulation) -> None:
        self._settings = settings
        self._random = random.Random(f"{settings.seed}/faults")
        self._replies: deque[Reply] = deque()
        self._rejects = 0
        self._thin: deque[int] = deque()

    def lose_next_reply(self, *, is_alive: bool) -> None:
        """The next order call ends ambiguously; the order lives, or it does not."""
        self._replies.append(Reply.LOST_ALIVE if is_alive else Reply.LOST_DEAD)

    def reject_next(self) -> None:
        """The next order that reaches the exchange is rejected."""
        self._rejects += 1

    def thin_next(self, lots: int, *, after: int = 0) -> None:
        """The next order (or the one so many later) finds so many lots only; its rest is killed."""
        self._thin.extend([0] * after)
        self._thin.append(lots)

    def lift(self) -> None:
        """Takes back what was ordered and has not happened."""
        self._replies.clear()
        self._thin.clear()
        self._rejects = 0

    def most_lots(self, wanted: int) -> int:
        """How many lots the order that has just arrived finds; never none."""
        lots = self._thin.popleft() if self._thin else 0
        return min(lots, wanted) if lots else wanted

    def reply(self) -> Reply:
        """What becomes of the present order call."""
        if self._replies:
            return self._replies.popleft()
        if self._random.random() >= self._settings.lost_reply_rate:
            return Reply.GIVEN
        return self._random.choice((Reply.LOST_ALIVE, Reply.LOST_DEAD))

    def is_rejected(self) -> bool:
        """Whether the order that has just arrived is rejected."""
        if self._rejects:
            self._rejects -= 1
            return True
        return self._random.random() < self._settings.reject_rate

    def up_ns(self) -> int:
        """Market time until the next drop of the link, 0 for never."""
        mean = self._settings.disconnect_every_s
        return int(self._random.expovariate(1 / mean) * NS_PER_S) + 1 if mean else 0

    def down_ns(self) -> int:
        """Market time that a drop lasts."""
        return int(self._random.uniform(2, 6) * NS_PER_S)
