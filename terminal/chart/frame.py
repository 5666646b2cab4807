"""One frame of the chart as a value: where the panels are, what they show, in which colours."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6 import QtCore, QtGui

from engine.model.session import Session
from terminal import formats
from terminal.chart.scale import Scale
from terminal.models.bars import BarColumns
from terminal.theme import Theme

TIME_AXIS_HEIGHT = 24
READOUT_HEIGHT = 24
"""Kept free at the top of the price panel, for the values under the crosshair."""
_VOLUME_SHARE = 0.22


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What painters need to know.

    Attributes:
        width: of the view, pixels.
        height: of the view.
        price: scale of the price panel.
        volume: scale of the volume panel, below it.
        bars: all bars.
        span: first and end index of those in view.
        span_s: time frame.
        symbol: contract code.
        tick_size: smallest price step, scaled.
        sessions: those in view, with the index of their first bar.
        theme: colours.
    """

    width: float
    height: float
    price: Scale
    volume: Scale
    bars: BarColumns
    span: tuple[int, int]
    span_s: int
    symbol: str
    tick_size: int
    sessions: Sequence[tuple[int, Session]]
    theme: Theme

    @property
    def axis_width(self) -> float:
        """Width of the price axis, pixels."""
        return self.width - self.price.right

    @property
    def plot(self) -> QtCore.QRectF:
        """Price and volume panel together."""
        price, volume = self.price, self.volume
        return QtCore.QRectF(price.left, price.top, price.width, volume.bottom - price.top)

    def price_text(self, price: float) -> str:
        """A price as the axis shows it."""
        return formats.price(self.symbol, round(price))

    def change_text(self, points: int) -> str:
        """A difference of prices with its sign."""
        return formats.points(self.symbol, points)


def panels(
    width: float, height: float, axis_width: float, x: tuple[float, float], price: tuple[float, float], top: float
) -> tuple[Scale, Scale]:
    """The scales of the price and of the volume panel.

    Args:
        width: of the view.
        height: of the view.
        axis_width: of the price axis.
        x: bar indices at the left and right edge.
        price: lowest and highest price in view.
        top: highest volume in view.
    """
    inner_width = max(width - axis_width, 10.0)
    inner_height = max(height - TIME_AXIS_HEIGHT, 20.0)
    volume_height = round(inner_height * _VOLUME_SHARE)
    price_height = inner_height - volume_height
    return (
        Scale(0.0, 0.0, inner_width, price_height, *x, *price),
        Scale(0.0, price_height, inner_width, volume_height, *x, 0.0, top),
    )


def axis_width_for(symbol: str, price: float, metrics: QtGui.QFontMetricsF) -> float:
    """The width that the texts of the price axis need."""
    digits = "".join("8" if sign.isdigit() else sign for sign in formats.price(symbol, round(price)))
    return round(max(metrics.horizontalAdvance(digits) + 20, 56.0))
