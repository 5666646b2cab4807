"""Clocks. Time enters every part through a :class:`Clock`, so that tests and replay are exact.

Instants are integer nanoseconds UTC since 1970; durations are measured on the monotonic clock.
"""

import threading
import time
from datetime import UTC, datetime
from typing import Protocol

NS_PER_S = 1_000_000_000
NS_PER_MS = 1_000_000


class Clock(Protocol):
    """Tells the time of the market that a part lives in."""

    def now_ns(self) -> int:
        """The present instant, integer nanoseconds UTC."""


class WallClock:
    """The computer's clock."""

    def now_ns(self) -> int:
        """The present instant, integer nanoseconds UTC."""
        return time.time_ns()


class ManualClock:
    """A clock that stands until it is moved; replay and tests own one."""

    def __init__(self, now_ns: int = 0) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """The instant it was last moved to."""
        return self._now_ns

    def move_to(self, now_ns: int) -> None:
        """Moves forward; an earlier instant is ignored, time never runs back."""
        if now_ns > self._now_ns:
            self._now_ns = now_ns


class AcceleratedClock:
    """Runs ``speed`` times as fast as the monotonic clock, from ``start_ns`` on."""

    def __init__(self, start_ns: int, speed: float = 1.0) -> None:
        self._lock = threading.Lock()
        self._start_ns = start_ns
        self._speed = speed
        self._began = time.monotonic_ns()

    @property
    def speed(self) -> float:
        """How many market seconds pass in one second."""
        return self._speed

    def now_ns(self) -> int:
        """The present market instant."""
        with self._lock:
            return self._start_ns + int((time.monotonic_ns() - self._began) * self._speed)

    def jump_to(self, now_ns: int) -> None:
        """Skips forward (over a closed market)."""
        with self._lock:
            self._start_ns = now_ns
            self._began = time.monotonic_ns()


def iso(ts_ns: int) -> str:
    """ISO 8601 in UTC with microseconds, for files and logs."""
    seconds, rest = divmod(ts_ns, NS_PER_S)
    base = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{base}.{rest // 1000:06d}Z"
