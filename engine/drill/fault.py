"""What a fault of a drill is: when it strikes, when it has really happened, and when it is over.

A fault acts on the :class:`engine.drill.bench.Bench`; it checks nothing but whether the program tells the truth.
"""

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.drill.line import Mark

if TYPE_CHECKING:
    from engine.drill.bench import Bench


@dataclass(frozen=True, slots=True)
class Moment:
    """When a fault strikes: so long after something happened first in the run.

    Attributes:
        mark: what happened; None = the beginning of the run.
        delay_s: how long afterwards.
    """

    mark: Mark | None
    delay_s: float

    @classmethod
    def draw(cls, draw: random.Random) -> "Moment":
        """Mostly near the calls and fills of orders, where it hurts."""
        mark = draw.choice((None, *Mark, Mark.ENTRY_CALLED, Mark.ENTRY_FILLED))
        longest = 0.8 if mark is None else 0.3
        return cls(mark, draw.uniform(0.0, longest) * draw.random())


class Fault:
    """One fault of one run; the base does nothing.

    Args:
        draw: of everything random in it.
    """

    at_start = False
    """It is laid out before the conditions, and strikes by itself."""

    def __init__(self, draw: random.Random) -> None:
        self.moment = Moment.draw(draw)
        self.wants_lots = draw.random() < 0.6
        """The conditions hold their lots until it is over."""

    def inject(self, bench: "Bench") -> None:
        """Strikes, or lays the trap."""

    def is_real(self, bench: "Bench") -> bool:
        """It has really happened."""
        return True

    def is_over(self, bench: "Bench") -> bool:
        """It has passed; called at every look after it was injected."""
        return True

    def lift(self, bench: "Bench") -> None:
        """Takes back what is left of it."""
        bench.line.lift()
