"""Which numbers of a contract's ticks have come, in whatever order, and what to ask the gateway for.

Pure: no socket, no clock. What comes is kept at once, holes are filled behind it: for who stores by number, unlike
who decides by the sequence, order does not matter.
"""

from dataclasses import dataclass
from typing import Final

from engine.model.tick import Tick
from engine.storage.numbers import Numbers
from engine.wire.messages import GetTicks, Ticks

PAGE: Final = 2_000
"""Ticks of one question: some milliseconds of the gateway's thread."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Numbers that have not come.

    Attributes:
        first: the first of them.
        last: the last of them; 0 = whatever there is.
    """

    first: int
    last: int = 0


class Series:
    """The numbers of one contract within one run of the gateway.

    Args:
        symbol: contract code.
        held: the numbers that are stored already.
    """

    def __init__(self, symbol: str, held: Numbers) -> None:
        self.symbol = symbol
        self.lost = 0
        """Ticks that nobody has any more."""
        self.gaps = 0
        """How often numbers were left out."""
        self._numbers = held
        self._highest = held.last
        self._has_holes = len(held.ranges()) > 1 or (self._highest > 0 and 1 not in held)
        self._has_more = True

    @property
    def is_whole(self) -> bool:
        """Nothing is to be asked."""
        return not self._has_holes and not self._has_more

    def take(self, seq: int) -> bool:
        """Notes a number that has come; False if it is known already."""
        if seq == self._highest + 1:
            self._highest = seq
            self._numbers.add(seq)
            return True
        if seq in self._numbers:
            return False
        if seq > self._highest:
            self.gaps += 1
            self._highest, self._has_holes = seq, True
        self._numbers.add(seq)
        return True

    def leave_out(self, seq: int) -> None:
        """Notes that a number exists, which is to be asked for later."""
        if seq > self._highest:
            self._highest, self._has_holes = seq, True

    def look_behind(self) -> None:
        """There may be later ticks than have come."""
        self._has_more = True

    def gap(self) -> Gap | None:
        """What to ask for next; None where nothing is missing."""
        if self._has_holes:
            holes = self._numbers.missing(1, self._highest)
            if holes:
                return Gap(*holes[0])
            self._has_holes = False
        return Gap(self._highest + 1) if self._has_more else None

    def question(self, gap: Gap) -> GetTicks:
        """How the gateway is asked for it; a page reaches over the holes behind it, as far as there are any."""
        last = self._numbers.missing(gap.first, self._highest)[-1][1] if gap.last else 0
        limit = min(PAGE, last - gap.first + 1) if last else PAGE
        return GetTicks(symbol=self.symbol, after_seq=gap.first - 1, limit=limit)

    def answer(self, gap: Gap, page: Ticks) -> list[Tick]:
        """The ticks of an answer that are new; what the ring has no more is lost."""
        new = [tick for tick in page.ticks if self.take(tick.seq)]
        if page.ticks:
            self._lose(gap.first, page.ticks[0].seq - 1)
        elif gap.last:
            self._lose(gap.first, gap.last)
        if page.is_complete and not gap.last:
            self._has_more = False
        return new

    def _lose(self, first: int, last: int) -> None:
        for begin, end in self._numbers.missing(first, last) if last >= first else ():
            self.lost += end - begin + 1
            self._numbers.add(begin, end)
