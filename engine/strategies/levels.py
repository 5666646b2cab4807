"""Support and resistance levels: prices at which the market has turned more than once. Pure, from bars alone.

Supports and resistances are not told apart here: a level is a support while the price is above it and a resistance
while it is below, and one that broke is often met again from the other side.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from engine.model.bar import Bar

REACH: Final = 3
"""Bars on either side that a swing stands out from."""
LEAST_TOUCHES: Final = 2
"""A price at which the market turned once is no level yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceLevel:
    """A price at which the market has turned.

    Attributes:
        price: the median of the swings that make it (of two in the middle the lower one), scaled.
        touches: how many swings those are, its strength.
        last_ns: start of the bar of the latest of them.
    """

    price: int
    touches: int
    last_ns: int


@dataclass(frozen=True, slots=True, order=True)
class Swing:
    """A turn of the market.

    Attributes:
        price: the high or low of its bar, scaled.
        start_ns: start of the bar.
    """

    price: int
    start_ns: int


def find_levels(
    bars: Sequence[Bar], tolerance: int, *, reach: int = REACH, least_touches: int = LEAST_TOUCHES
) -> tuple[PriceLevel, ...]:
    """The levels of a series of bars, lowest first.

    Swings that lie no further apart than the tolerance are one level. The densest group of swings is taken first,
    then the densest of what is left, and so on; of groups of one size the narrowest, then the lowest.

    Args:
        bars: in order of time, of one length.
        tolerance: how far apart the highest and the lowest swing of a level may be, scaled.
        reach: see :func:`swings`.
        least_touches: levels with fewer swings are left out.
    """
    left = sorted(swings(bars, reach))
    found = []
    while len(group := _densest(left, tolerance)) >= max(least_touches, 1):
        taken = left[group.start : group.stop]
        del left[group.start : group.stop]
        price = taken[(len(taken) - 1) // 2].price
        found.append(PriceLevel(price=price, touches=len(taken), last_ns=max(item.start_ns for item in taken)))
    return tuple(sorted(found, key=lambda level: level.price))


def swings(bars: Sequence[Bar], reach: int = REACH) -> list[Swing]:
    """The swing highs and lows, in order of time.

    A swing high is a bar whose high is above those of the ``reach`` bars before it and not below those of the
    ``reach`` bars after it; a swing low mirrors it. Of equal highs in a row the first is therefore the swing. The
    first and last ``reach`` bars are none: what stands on one side of them is not known.
    """
    found = []
    for at in range(reach, len(bars) - reach):
        bar, before, after = bars[at], bars[at - reach : at], bars[at + 1 : at + reach + 1]
        if all(other.high < bar.high for other in before) and all(other.high <= bar.high for other in after):
            found.append(Swing(bar.high, bar.start_ns))
        if all(other.low > bar.low for other in before) and all(other.low >= bar.low for other in after):
            found.append(Swing(bar.low, bar.start_ns))
    return found


def longer(bars: Iterable[Bar], span_ns: int) -> list[Bar]:
    """Bars of a longer span from shorter ones; it must divide a quarter of an hour, as both opens do."""
    made: list[Bar] = []
    for bar in bars:
        start = bar.start_ns // span_ns * span_ns
        if made and made[-1].start_ns == start:
            made[-1] = _joined(made[-1], bar)
        else:
            made.append(replace(bar, start_ns=start, span_ns=span_ns))
    return made


def _joined(bar: Bar, later: Bar) -> Bar:
    return replace(
        bar,
        high=max(bar.high, later.high),
        low=min(bar.low, later.low),
        close=later.close,
        volume=bar.volume + later.volume,
        trades=bar.trades + later.trades,
    )


def _densest(ordered: Sequence[Swing], tolerance: int) -> range:
    """Where the group with the most swings is; empty if there are no swings."""
    best, best_rank, end = range(0), (0, 0), 0
    for begin, lowest in enumerate(ordered):
        while end < len(ordered) and ordered[end].price - lowest.price <= tolerance:
            end += 1
        rank = (end - begin, lowest.price - ordered[end - 1].price)
        if rank > best_rank or not best:
            best, best_rank = range(begin, end), rank
    return best
