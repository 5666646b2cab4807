"""Which bars and prices are in view, and where they lie in pixels. Pure figures, no painting."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Range = tuple[float, float]

FEWEST_BARS: Final = 10.0
"""Zooming in ends here."""
_FIRST_WIDTH: Final = 50.0  # bars that a young chart has room for
_LEFT_EDGE: Final = -1.0
_GAP_SHARE: Final = 0.2  # of the width, to the right of the last bar: room for the labels of lines
_PADDING: Final = 0.08  # above and below the prices
_PADDING_STEPS: Final = 3
_KEEP: Final = 1.7  # a range up to so many times wider than needed stays as it is


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps bar indices and values to the pixels of a panel. Bar ``i`` reaches from ``i - 0.5`` to ``i + 0.5``.

    Attributes:
        left: left edge of the panel, pixels.
        top: upper edge.
        width: of the panel, pixels.
        height: of the panel.
        x0: bar index at the left edge.
        x1: bar index at the right edge.
        y0: value at the lower edge.
        y1: value at the upper edge.
    """

    left: float
    top: float
    width: float
    height: float
    x0: float
    x1: float
    y0: float
    y1: float

    @property
    def right(self) -> float:
        """Right edge, pixels."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Lower edge, pixels."""
        return self.top + self.height

    @property
    def bar_width(self) -> float:
        """Pixels a bar."""
        return self.width / (self.x1 - self.x0)

    def x(self, index: float) -> float:
        """Pixel of a bar index."""
        return self.left + (index - self.x0) * self.width / (self.x1 - self.x0)

    def y(self, value: float) -> float:
        """Pixel of a value."""
        return self.top + (self.y1 - value) * self.height / (self.y1 - self.y0)

    def xs(self, indices: Floats) -> Floats:
        """Pixels of bar indices."""
        return self.left + (indices - self.x0) * (self.width / (self.x1 - self.x0))

    def ys(self, values: Floats | NDArray[np.int64]) -> Floats:
        """Pixels of values."""
        floats: Floats = np.asarray(values, np.float64)
        return self.top + (self.y1 - floats) * (self.height / (self.y1 - self.y0))

    def index(self, x: float) -> float:
        """Bar index of a pixel."""
        return self.x0 + (x - self.left) * (self.x1 - self.x0) / self.width

    def value(self, y: float) -> float:
        """Value of a pixel."""
        return self.y1 - (y - self.top) * (self.y1 - self.y0) / self.height

    def contains(self, x: float, y: float) -> bool:
        """Whether a pixel lies in the panel."""
        return self.left <= x < self.right and self.top <= y < self.bottom


class Timeline:
    """The stretch of bars in view, and whether it follows the last bar.

    Following keeps the gap to the right of the last bar. Few bars begin at the left edge, and until a person
    zooms there is room for few more than there are.

    Attributes:
        x0: bar index at the left edge.
        x1: bar index at the right edge.
        count: bars that exist.
        is_following: whether new bars move the view.
    """

    def __init__(self, width: float = 120.0) -> None:
        self.count = 0
        self.is_following = True
        self._gap: float | None = None
        self._natural_width: float | None = width
        self.x0, self.x1 = _LEFT_EDGE, _LEFT_EDGE + width

    @property
    def width(self) -> float:
        """Bars from edge to edge."""
        return self.x1 - self.x0

    def set_count(self, count: int) -> None:
        """There are so many bars now."""
        self.count = count
        if self.is_following:
            self._pin()

    def shift(self, bars: int) -> None:
        """So many bars came in front of all others; the same ones stay in view."""
        self.count += bars
        if self.is_following:
            self._pin()
        else:
            self.x0, self.x1 = self.x0 + bars, self.x1 + bars

    def set_natural_width(self, width: float) -> None:
        """Shows so many bars once there are as many, until a person zooms."""
        self._natural_width = max(width, FEWEST_BARS)
        self.set_count(self.count)

    def follow(self) -> None:
        """Goes to the last bar and stays with it."""
        self.is_following, self._gap = True, None
        self._pin()

    def unfollow(self) -> None:
        """Stays where it is when new bars come."""
        self.is_following = False

    def centre(self, index: float) -> None:
        """Moves so that a bar is in the middle; following ends."""
        self.is_following = False
        half = self.width / 2
        self.x0, self.x1 = index - half, index + half
        self._clamp()

    def pan(self, bars: float) -> None:
        """Moves by bars; into the past (below zero) ends following."""
        if bars < 0:
            self.is_following = False
        self.x0, self.x1 = self.x0 + bars, self.x1 + bars
        self._clamp()
        self._take_gap()

    def zoom(self, factor: float, anchor: float) -> None:
        """Shows ``factor`` times as many bars; the bar index ``anchor`` stays where it is.

        Unless half of the view would be empty; the further out, the less may be empty.
        """
        self._natural_width = None
        widest = max(1.3 * self.count, 2 * self.width if self.width < 200 else 200.0)
        factor = min(max(factor, FEWEST_BARS / self.width), max(widest / self.width, 1e-9))
        width = self.width * factor
        needed = min(self.count, 0.5 * width + max(width - 0.7 * self.count, 0.0))
        left = anchor - (anchor - self.x0) * factor
        self.x0 = max(min(left, self.count - needed), min(needed - width, _LEFT_EDGE))
        self.x1 = self.x0 + width
        self._clamp()
        self._take_gap()

    def _take_gap(self) -> None:
        """Following goes on with the gap that a person made, and ends where the last bar left the view."""
        if not self.is_following:
            return
        gap = self.x1 - (self.count - 0.5)
        if gap < 0:
            self.is_following = False
        else:
            self._gap = gap
            self._pin()

    def _pin(self) -> None:
        width = self.width
        if self._natural_width is not None:
            wanted = max((self.count + 2) / (1 - _GAP_SHARE), _FIRST_WIDTH)
            width = min(wanted, self._natural_width)
        gap = _GAP_SHARE * width if self._gap is None else min(self._gap, 0.9 * width)
        self.x0 = max(self.count - 0.5 + gap - width, _LEFT_EDGE)
        self.x1 = self.x0 + width

    def _clamp(self) -> None:
        """Keeps at least a tenth of the view over bars."""
        width = self.width
        lowest = min(_LEFT_EDGE, 0.1 * width - width)
        self.x0 = min(max(self.x0, lowest), max(self.count - 0.1 * width, lowest))
        self.x1 = self.x0 + width


def with_near_lines(low: float, high: float, lines: Sequence[float], step: float) -> Range:
    """The price range with those lines added that do not squeeze the bars too much: the nearest first.

    Args:
        low: lowest price in view.
        high: highest price in view.
        lines: prices of lines, in any order.
        step: the smallest price step.
    """
    limit = 2.6 * max(high - low, 20 * step)
    for price in sorted(lines, key=lambda price: max(low - price, price - high)):
        if max(high, price) - min(low, price) <= limit:
            low, high = min(low, price), max(high, price)
    return low, high


def padded(low: float, high: float, step: float, current: Range | None) -> Range:
    """The range to show for prices from ``low`` to ``high``; the current one as long as it fits well.

    A range that stays spares the eye, and the repainting of all bars.
    """
    padding = max(_PADDING * (high - low), _PADDING_STEPS * step)
    wanted = low - padding, high + padding
    if current is not None:
        fits = current[0] <= low - padding / 3 and current[1] >= high + padding / 3
        if fits and current[1] - current[0] <= _KEEP * (wanted[1] - wanted[0]):
            return current
    return wanted


def volume_top(highest: float, current: float | None) -> float:
    """The top of the volume panel; the current one as long as it fits well."""
    wanted = 1.15 * max(highest, 1.0)
    if current is not None and highest <= 0.97 * current and current <= _KEEP * wanted:
        return current
    return wanted
