"""Where a replay stands, the trading time it covers, and what may be asked of who plays it. Values only."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from engine.timing import NS_PER_S


class PlaybackState(StrEnum):
    """What a replay does now."""

    WAITING = "waiting"
    """It begins once the strategies have joined."""
    RUNNING = "running"
    PAUSED = "paused"
    JUMPING = "jumping"
    """As fast as the strategies can, to the end of a step or to an instant."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Playback:
    """Where a replay stands.

    Attributes:
        state: what it does.
        now_ns: the market's present, ns UTC.
        elapsed_ns: trading time since the first print.
        position: prints told.
        length: prints in all.
        speed: market seconds in a second; 0 = as fast as the strategies can.
    """

    state: PlaybackState
    now_ns: int
    elapsed_ns: int
    position: int
    length: int
    speed: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """The trading time of a replay; the hours between its sessions take none.

    Attributes:
        spans: begin and end of each session, ns UTC, in order.
    """

    spans: tuple[tuple[int, int], ...]

    @property
    def length_ns(self) -> int:
        """Trading time from the first print to the last."""
        return sum(end - begin for begin, end in self.spans)

    def instant(self, elapsed_ns: int) -> int:
        """The instant after so much trading time."""
        for begin, end in self.spans:
            if elapsed_ns <= end - begin:
                return begin + max(elapsed_ns, 0)
            elapsed_ns -= end - begin
        return self.spans[-1][1]

    def elapsed(self, ts_ns: int) -> int:
        """The trading time before an instant."""
        return sum(min(max(ts_ns - begin, 0), end - begin) for begin, end in self.spans)

    def at_clock(self, second_of_day: int, utc_offset_s: int) -> int:
        """The instant within the replay at which a clock shows that time, as near as there is one.

        Args:
            second_of_day: seconds since midnight on that clock.
            utc_offset_s: how far it is ahead of UTC.
        """
        day_ns = 86_400 * NS_PER_S
        wanted = (second_of_day - utc_offset_s) * NS_PER_S
        first, last = self.spans[0][0], self.spans[-1][1]
        candidates = range(first - (first - wanted) % day_ns, last + day_ns, day_ns)

        def distance(ts_ns: int) -> int:
            return min(max(begin - ts_ns, ts_ns - end, 0) for begin, end in self.spans)

        return min(max(min(candidates, key=distance), first), last)


class Player(Protocol):
    """Who plays a recorded day; every method may be called on any thread."""

    @property
    def timeline(self) -> Timeline:
        """The trading time it covers."""

    def playback(self) -> Playback:
        """Where it stands."""

    def pause(self) -> None:
        """No further print is told; orders are still taken. Ends a jump."""

    def resume(self) -> None:
        """Goes on from where it was paused."""

    def set_speed(self, speed: float) -> None:
        """Another speed from now on; 0 = as fast as the strategies can."""

    def step(self) -> None:
        """Pauses, and tells one print more."""

    def step_time(self, duration_ns: int) -> None:
        """Pauses, and tells the prints of so much trading time more, one at least."""

    def jump(self, ts_ns: int) -> bool:
        """Tells the prints before an instant as fast as the strategies can, then goes on, or stays paused.

        Returns:
            False where that instant has passed: a replay never goes back.
        """
