"""How far a replay may tell its prints: speed, pause, steps and jumps. It only decides: no thread, clock, lock."""

from typing import Final

from engine.brokers.tape import Tape
from engine.timing import NS_PER_S

_SHORTEST_WAIT_S: Final = 0.005
"""Wall pacing tells prints in batches of at least this time."""


class Pacing:
    """Positions are those of the tape; the wall clock is given as monotonic ns.

    Args:
        tape: all prints.
        speed: market seconds in a second; 0 = all of it at once.
    """

    def __init__(self, tape: Tape, speed: float) -> None:
        self._tape = tape
        self._speed = speed
        self._free_until = 0
        self._anchor: tuple[int, int] | None = None
        self.is_paused = False

    @property
    def speed(self) -> float:
        """Market seconds in a second; 0 = all of it at once."""
        return self._speed

    def set_speed(self, speed: float) -> None:
        """Another speed from now on."""
        self._speed, self._anchor = speed, None

    def pause(self) -> None:
        """Nothing further is due, and no jump goes on."""
        self.is_paused, self._free_until = True, 0

    def resume(self) -> None:
        """The prints come at the speed again."""
        self.is_paused, self._anchor = False, None

    def free(self, position: int) -> None:
        """All prints up to a position are due at once, also while paused."""
        self._free_until, self._anchor = min(position, len(self._tape)), None

    def is_jumping(self, told: int) -> bool:
        """Whether prints are due that the speed alone would not give yet."""
        return told < self._free_until

    def is_over(self, told: int) -> bool:
        """Whether there is nothing more to come; a pause behind the last print holds the end back."""
        end = len(self._tape)
        return told >= end and (not self.is_paused or self._free_until >= end)

    def limit(self, told: int, now_ns: int) -> int:
        """The last position that is due; what was told stays due."""
        if self.is_jumping(told):
            return self._free_until
        if self.is_paused:
            return told
        if not self._speed:
            return len(self._tape)
        if self._anchor is None:
            self._anchor = now_ns, self._tape.elapsed_at(told)
        wall_ns, elapsed_ns = self._anchor
        return max(told, self._tape.due(elapsed_ns + int((now_ns - wall_ns) * self._speed)))

    def wait_s(self, told: int, now_ns: int) -> float | None:
        """Seconds until the next print is due, None where only an event can make it so."""
        if self.is_paused or self._anchor is None or told >= len(self._tape):
            return None
        wall_ns, elapsed_ns = self._anchor
        due_ns = wall_ns + (self._tape.elapsed[told] - elapsed_ns) / self._speed
        return max((due_ns - now_ns) / NS_PER_S, _SHORTEST_WAIT_S)
