"""Candles and volume as batches of rectangles on whole pixels: six drawing calls for any number of bars.

More than about one and a half bars a pixel are drawn as one bar for each pixel column, with their true
extremes and total volume.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pyqtgraph.Qt.internals import PrimitiveArray
from PySide6 import QtCore, QtGui

from terminal.chart.scale import Floats, Scale
from terminal.models.bars import BarColumns
from terminal.theme import Theme

_CROWDED: Final = 1.5  # bars a pixel
_BODY_SHARE: Final = 0.72  # of the bar's width
_THIN: Final = 3  # pixels; below there are no bodies, only lines

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Groups:
    """Bars as they are drawn, each of them one bar or a group of neighbours.

    Attributes:
        centre: bar index of their middle.
        open: prices, scaled.
        high: the same.
        low: the same.
        close: the same.
        volume: lots.
        direction: +1 rising, -1 falling, 0 neither.
    """

    centre: Floats
    open: Ints
    high: Ints
    low: Ints
    close: Ints
    volume: Ints
    direction: Ints


def group_size(bar_width: float) -> int:
    """How many bars are drawn as one, for a width of a bar in pixels."""
    return math.ceil(1 / bar_width) if 1 / bar_width > _CROWDED else 1


def visible(bars: BarColumns, scale: Scale) -> tuple[int, int]:
    """First and end index of the bars in view, whole groups of them."""
    size = group_size(scale.bar_width)
    first = max(math.ceil(scale.x0 - 0.5), 0) // size * size
    return first, max(min(math.floor(scale.x1 + 0.5) + 1, len(bars)), first)


def grouped(bars: BarColumns, first: int, end: int, size: int) -> Groups:
    """The bars from ``first`` (a multiple of ``size``) to ``end`` in groups of ``size``; not for none."""
    heads = np.arange(0, end - first, size)
    tails = np.minimum(heads + size, end - first) - 1
    opens, closes = bars.open[first:end][heads], bars.close[first:end][tails]
    high, low, volume = bars.high[first:end], bars.low[first:end], bars.volume[first:end]
    if size > 1:
        high, low = np.maximum.reduceat(high, heads), np.minimum.reduceat(low, heads)
        volume = np.add.reduceat(volume, heads)
    before = np.concatenate(([bars.close[first - 1] if first else opens[0]], closes[:-1]))
    direction = np.sign(closes - opens)
    direction = np.where(direction == 0, np.sign(closes - before), direction)
    return Groups(first + (heads + tails) / 2, opens, high, low, closes, volume, direction)


class BarPainter:
    """Paints candles and volume; keeps its arrays, so that painting allocates little."""

    def __init__(self) -> None:
        self._rects = PrimitiveArray(QtCore.QRectF, 4)

    def paint(
        self,
        painter: QtGui.QPainter,
        bars: BarColumns,
        span: tuple[int, int],
        price: Scale,
        volume: Scale,
        theme: Theme,
    ) -> None:
        """Paints the bars from ``span[0]``, which begins a group, to before ``span[1]``."""
        if span[1] <= span[0]:
            return
        size = group_size(price.bar_width)
        groups = grouped(bars, span[0], span[1], size)
        width = _body_width(price.bar_width * size)
        candles = candle_rects(groups, price, width)
        volumes = volume_rects(groups, volume, width)
        painter.setPen(QtCore.Qt.PenStyle.NoPen)
        colours = {
            1: (theme.up, theme.volume_up),
            -1: (theme.down, theme.volume_down),
            0: (theme.muted, theme.grid),
        }
        for direction, (candle_colour, volume_colour) in colours.items():
            chosen = groups.direction == direction
            if chosen.any():
                self._fill(painter, candles[:, chosen], candle_colour)
                self._fill(painter, volumes[:, chosen], volume_colour)

    def _fill(self, painter: QtGui.QPainter, rects: Floats, colour: str) -> None:
        flat = rects.reshape(-1, 4)
        self._rects.resize(len(flat))
        self._rects.ndarray()[:] = flat
        painter.setBrush(QtGui.QColor(colour))
        painter.drawRects(*self._rects.drawargs())


def candle_rects(groups: Groups, scale: Scale, width: int) -> Floats:
    """Wicks and bodies as left, top, width, height; of shape (2, bars, 4), or (1, bars, 4) where thin."""
    middle = np.floor(scale.xs(groups.centre))
    top, bottom = np.round(scale.ys(groups.high)), np.round(scale.ys(groups.low))
    ones = np.ones_like(middle)
    wicks = np.stack((middle, top, ones, np.maximum(bottom - top, 1)), axis=1)
    if width < _THIN:
        wicks[:, 2] = width
        return wicks[np.newaxis]
    opens, closes = np.round(scale.ys(groups.open)), np.round(scale.ys(groups.close))
    upper = np.minimum(opens, closes)
    heights = np.maximum(np.abs(opens - closes), 1)
    bodies = np.stack((middle - width // 2, upper, ones * width, heights), axis=1)
    return np.stack((wicks, bodies))


def volume_rects(groups: Groups, scale: Scale, width: int) -> Floats:
    """Columns of the volume, of shape (1, bars, 4)."""
    left = np.floor(scale.xs(groups.centre)) - width // 2
    bottom = math.floor(scale.bottom)
    heights = np.maximum(np.round(bottom - scale.ys(groups.volume)), 1)
    rects: Floats = np.stack((left, bottom - heights, np.full_like(left, width), heights), axis=1)
    return rects[np.newaxis]


def _body_width(space: float) -> int:
    """An odd number of pixels, so that the wick is in the middle; 1 or 2 where bars stand close."""
    width = max(int(space * _BODY_SHARE), 1)
    return width - 1 if width % 2 == 0 and width > 2 else width
