"""Which sequence numbers of a contract are held: as ranges, since they come nearly without holes."""

from bisect import bisect_right
from collections.abc import Iterable


class Numbers:
    """A set of whole numbers kept as ranges, both ends included.

    Args:
        ranges: to begin with.
    """

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in ranges:
            self.add(first, last)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._firsts, number) - 1
        return at >= 0 and number <= self._lasts[at]

    @property
    def last(self) -> int:
        """The highest number, 0 where there is none."""
        return self._lasts[-1] if self._lasts else 0

    def ranges(self) -> list[tuple[int, int]]:
        """All ranges in order."""
        return list(zip(self._firsts, self._lasts, strict=True))

    def missing(self, first: int, last: int) -> list[tuple[int, int]]:
        """The ranges between two numbers, both included, that are not in the set."""
        holes = []
        for begin, end in zip(self._firsts, self._lasts, strict=True):
            if end < first:
                continue
            if begin > last:
                break
            if begin > first:
                holes.append((first, begin - 1))
            first = end + 1
        if first <= last:
            holes.append((first, last))
        return holes

    def add(self, first: int, last: int | None = None) -> None:
        """Adds a number, or all from ``first`` to ``last``."""
        last = first if last is None else last
        if self._lasts and first == self._lasts[-1] + 1:
            self._lasts[-1] = last
            return
        begin = bisect_right(self._lasts, first - 2)  # ranges that touch become one
        end = bisect_right(self._firsts, last + 1)
        if begin < end:
            first = min(first, self._firsts[begin])
            last = max(last, self._lasts[end - 1])
        self._firsts[begin:end] = [first]
        self._lasts[begin:end] = [last]
