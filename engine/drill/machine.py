"""A clock that counts the time in which the machine was there for the drill.

Where other programs keep the processors busy everything comes late, and that alone breaks no promise: limits are
counted in machine time. On a machine that has a processor to spare it is the time on the wall.
"""

import hashlib
import threading
import time
from typing import Final

import psutil

_SAMPLE_S: Final = 0.5
_WORK: Final = 60_000
"""Rounds of a hash, about 15 ms of one processor: enough for others to get in between where they want to."""
_LEAST: Final = 0.1
"""However busy the machine is: limits grow to ten times their length at most."""


def share(elapsed_s: float, idle_s: float, own_s: float, got: float) -> float:
    """How much of one processor was there for the drill, from a tenth to 1.

    Only what others took counts, so the better of two measures: what was left of all processors beside the others'
    use, and what a busy thread of the drill really got. The first alone would be low whenever the drill itself has
    little to do, the second also where the program under drill is what keeps the machine busy.

    Args:
        elapsed_s: on the wall.
        idle_s: of all processors together, for which they had nothing to do.
        own_s: that the drill's processes used.
        got: part of a processor that a busy thread of the drill got.
    """
    return min(1.0, max(_LEAST, got, (idle_s + own_s) / elapsed_s))


class MachineClock:
    """Looks at the processors twice a second until it is closed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began = self._at = time.monotonic()
        self._counted = self._shown = 0.0
        self._share = 1.0
        self._idle = _idle_s()
        self._used = _used_s()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="machine-clock", daemon=True)
        self._thread.start()

    def now(self) -> float:
        """Machine seconds since its beginning; never goes back."""
        with self._lock:
            told = self._counted + (time.monotonic() - self._at) * self._share
            self._shown = max(self._shown, told)
            return self._shown

    @property
    def taken_s(self) -> float:
        """Seconds on the wall that other programs took."""
        with self._lock:
            return max(0.0, self._at - self._began - self._counted)

    def close(self) -> None:
        """It stands still."""
        self._stop.set()
        self._thread.join(5)

    def _run(self) -> None:
        while not self._stop.wait(_SAMPLE_S):
            got = _got()
            now, idle, used = time.monotonic(), _idle_s(), _used_s()
            own = sum(max(0.0, seconds - self._used.get(key, 0.0)) for key, seconds in used.items())
            with self._lock:
                elapsed = now - self._at
                self._share = share(elapsed, idle - self._idle, own, got)
                self._counted += elapsed * self._share
                self._at = now
            self._idle, self._used = idle, used


def _got() -> float:
    """Which part of a processor a busy thread gets now. Hashing lets the other threads of this process run."""
    wall, own = time.perf_counter(), time.thread_time()
    hashlib.pbkdf2_hmac("sha256", b"drill", b"machine", _WORK)
    return (time.thread_time() - own) / (time.perf_counter() - wall)


def _idle_s() -> float:
    """Of all processors since the machine started, waiting for a disk included."""
    times = psutil.cpu_times()
    return float(times.idle + getattr(times, "iowait", 0.0))


def _used_s() -> dict[tuple[int, float], float]:
    """What this process and all below it have used, by process."""
    own = psutil.Process()
    found: dict[tuple[int, float], float] = {}
    for process in (own, *own.children(recursive=True)):
        try:
            times = process.cpu_times()
            found[process.pid, process.create_time()] = times.user + times.system
        except psutil.Error:
            continue  # it ended just now
    return found
