"""What the mouse does on the chart: dragging a level, panning, stretching the prices.

A dragged level is only a preview until the button is released; Escape or the right button drops it.
"""

from dataclasses import dataclass
from enum import Enum

from engine.model.condition import Condition
from terminal.chart.lines import LineKind, moved
from terminal.chart.scale import Range, Scale
from terminal.chart.tags import PlacedTag

GRIP = 5
"""Pixels from a line within which the mouse takes it."""


class Gesture(Enum):
    """What a pressed left button is doing."""

    LEVEL = "level"
    PAN = "pan"
    STRETCH = "stretch"


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelDrag:
    """A level on its way.

    Attributes:
        condition_id: whose level.
        kind: which one.
        origin: its price when it was taken, scaled.
        grip_y: pixel where it was taken.
        price: wanted now.
    """

    condition_id: str
    kind: LineKind
    origin: int
    grip_y: float
    price: float

    def preview(self, condition: Condition, step: int) -> Condition:
        """The condition as it would be if the button were released here."""
        return moved(condition, self.kind, self.price, step)

    def target(self, condition: Condition, step: int) -> int:
        """The price that would be committed."""
        target: int = getattr(self.preview(condition, step).levels, self.kind)
        return target


def taken(tags: list[PlacedTag], x: float, y: float) -> PlacedTag | None:
    """The draggable line at a pixel: by its label, by its price on the axis, or by the line itself."""
    movable = [placed for placed in tags if placed.line.is_draggable]
    for placed in movable:
        if placed.label.contains(x, y) or placed.tag.contains(x, y):
            return placed
    if any(placed.label.contains(x, y) for placed in tags):
        return None
    near = [placed for placed in movable if abs(placed.y - y) <= GRIP]
    return min(near, key=lambda placed: abs(placed.y - y), default=None)


def stretched(scale: Scale, pixels: float) -> Range:
    """The price range after the axis was dragged down (wider) or up (narrower) by pixels."""
    factor = 2.0 ** (pixels / 150.0)
    middle, half = (scale.y0 + scale.y1) / 2, (scale.y1 - scale.y0) / 2 * factor
    return middle - half, middle + half
