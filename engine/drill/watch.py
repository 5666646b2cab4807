"""Hears what the program says of its coverage, and measures how long lots really were unguarded.

What is held is read from the exchange's books; the program is believed only what it says of its guards.
"""

import threading
import time
from collections.abc import Callable
from typing import Final

from engine.drill.program import Ready
from engine.model.guard import Coverage
from engine.settings import Wire
from engine.wire.sockets import Subscriber

_FRESH_S: Final = 2.0
"""Coverage is told once a second at least; an older word is no word."""


class Watch:
    """One program at a time.

    Args:
        wire: socket settings.
        symbol: the contract.
        clock: seconds that count for a limit.
    """

    def __init__(self, wire: Wire, symbol: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._wire, self._symbol, self._clock = wire, symbol, clock
        self._lock = threading.Lock()
        self._last: tuple[float, Coverage] | None = None
        self._told_naked = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._naked_from: tuple[float, float] | None = None
        """Since when lots are held and not guarded: on the wall, and by the clock."""
        self.unguarded_s = 0.0
        """The longest time in the present run for which lots were held and not guarded, on the wall."""

    def attach(self, ready: Ready) -> None:
        """Listens to a program that has just been started."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, args=(ready,), name="watch", daemon=True)
        self._thread.start()

    def detach(self) -> None:
        """The program has ended, and its word with it."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(5)
            self._thread = None
        with self._lock:
            self._last = None

    def begin_run(self) -> None:
        """Measures anew."""
        self.unguarded_s = 0.0
        self._naked_from = None
        with self._lock:
            self._told_naked = 0

    @property
    def told_naked(self) -> int:
        """How often the program said in this run that lots are naked."""
        with self._lock:
            return self._told_naked

    def coverage(self) -> Coverage | None:
        """The last word of the program, None where there is none or it is old."""
        with self._lock:
            if self._last is None or time.monotonic() - self._last[0] > _FRESH_S:
                return None
            return self._last[1]

    def look(self, net: int, *, can_guard: bool) -> float:
        """Measures on.

        Args:
            net: lots that the exchange holds.
            can_guard: the processes that guard are known to run.

        Returns:
            For how long lots are unguarded now, by the clock; 0 where none are.
        """
        said = self.coverage()
        is_guarded = can_guard and said is not None and said.net == net and not said.naked
        if not net or is_guarded:
            self._naked_from = None
            return 0.0
        wall, counted = self._naked_from = self._naked_from or (time.monotonic(), self._clock())
        self.unguarded_s = max(self.unguarded_s, time.monotonic() - wall)
        return self._clock() - counted

    def restart(self) -> None:
        """Counts from now: until now nothing on earth could guard."""
        if self._naked_from is not None:
            self._naked_from = time.monotonic(), self._clock()

    def _run(self, ready: Ready) -> None:
        socket = Subscriber(ready.telemetry, ["telemetry.coverage."], wire=self._wire, keys=ready.keys)
        while not self._stop.is_set():
            found = socket.receive(50)
            if found is None or not isinstance(found[1].body, Coverage):
                continue
            if found[1].body.symbol == self._symbol:
                with self._lock:
                    self._last = (time.monotonic(), found[1].body)
                    self._told_naked += bool(found[1].body.naked)
        socket.close()
