"""Where the marks of the axes lie and what they say: round prices, round times of Taipei, sessions."""

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.model.session import TAIPEI
from engine.timing import NS_PER_S
from terminal.chart.scale import Scale
from terminal.models.bars import BarColumns

_UTC_OFFSET_NS: Final = 8 * 3600 * NS_PER_S
_DAY_S: Final = 86_400
_INTERVALS_S: Final = (1, 5, 15, 30, 60, 300, 900, 1800, 3600, 7200, 14400)
_DAYS: Final = (1, 2, 5, 10, 20, 60, 120, 240)


@dataclass(frozen=True, slots=True)
class TimeMark:
    """A mark of the time axis.

    Attributes:
        index: bar that it stands at.
        text: time or date.
        is_session: a session begins here.
    """

    index: int
    text: str
    is_session: bool


def price_step(scale: Scale, tick_size: int, spacing: float) -> int:
    """The distance of the price marks: 1, 2 or 5 times a power of ten, at least a tick.

    Args:
        scale: of the price panel.
        tick_size: smallest step, scaled.
        spacing: pixels that a mark needs.
    """
    least = max((scale.y1 - scale.y0) * spacing / scale.height, 1)
    power = 10 ** math.floor(math.log10(least))
    step = next(int(factor * power) for factor in (1, 2, 5, 10) if factor * power >= least * 0.999)
    return max(step, tick_size)


def price_marks(scale: Scale, step: int) -> list[int]:
    """All multiples of the step in view, ascending."""
    first = math.ceil(scale.y0 / step) * step
    return list(range(first, math.floor(scale.y1) + 1, step))


def session_starts(bars: BarColumns, first: int, end: int) -> list[int]:
    """Indices in view of the bars that begin a session; the very first bar is one."""
    opens = bars.session_open_ns[max(first - 1, 0) : end]
    found = np.flatnonzero(np.diff(opens)) + 1 + max(first - 1, 0)
    starts: list[int] = found.tolist()
    return [0, *starts] if first == 0 and end > 0 else starts


def time_marks(
    bars: BarColumns, span: tuple[int, int], scale: Scale, span_s: int, spacing: float
) -> list[TimeMark]:
    """The marks of the bars in view, the sessions' first bars among them, ``spacing`` pixels apart at least."""
    first, end = span
    if end <= first:
        return []
    starts = session_starts(bars, first, end)
    distance = scale.width if len(starts) < 2 else scale.bar_width * min(np.diff(starts).tolist())
    if distance < 1.3 * spacing:
        return _day_marks(bars, first, end, scale, spacing)
    marks = [TimeMark(index, local_text(int(bars.start_ns[index]), "%m/%d %H:%M"), True) for index in starts]
    taken = [scale.x(index) for index in starts]
    for interval in _INTERVALS_S:
        # An estimate saves looking for marks that stand too close; bars without trades are missing.
        if interval < span_s or 2 * interval / span_s * scale.bar_width < spacing:
            continue
        found = _changes(bars, first, end, interval)
        if len(found) < 2 or np.median(np.diff(found)) * scale.bar_width >= spacing:
            pattern = "%H:%M:%S" if interval < 60 else "%H:%M"
            marks += _spaced(bars, found, scale, taken, spacing, pattern)
            break
    return sorted(marks, key=lambda mark: mark.index)


def _spaced(
    bars: BarColumns,
    found: NDArray[np.int64],
    scale: Scale,
    taken: list[float],
    spacing: float,
    pattern: str,
) -> list[TimeMark]:
    """Marks at those bars, without the ones that would touch another or a place that is taken."""
    marks: list[TimeMark] = []
    last = -math.inf
    for index in found.tolist():
        x = scale.x(index)
        if x - last >= 0.8 * spacing and all(abs(x - other) >= 1.15 * spacing for other in taken):
            marks.append(TimeMark(index, local_text(int(bars.start_ns[index]), pattern), False))
            last = x
    return marks


def local_text(ts_ns: int, pattern: str) -> str:
    """An instant in Taipei as text."""
    return datetime.fromtimestamp(ts_ns // NS_PER_S, TAIPEI).strftime(pattern)


def _day_marks(bars: BarColumns, first: int, end: int, scale: Scale, spacing: float) -> list[TimeMark]:
    found: NDArray[np.int64] = np.empty(0, np.int64)
    for days in _DAYS:
        found = _changes(bars, first, end, days * _DAY_S)
        if len(found) < 2 or np.median(np.diff(found)) * scale.bar_width >= spacing:
            break
    return _spaced(bars, found, scale, [], spacing, "%m/%d")


def _changes(bars: BarColumns, first: int, end: int, interval_s: int) -> NDArray[np.int64]:
    """Indices of the bars that are the first of their interval of local time."""
    begin = max(first - 1, 0)
    local = bars.start_ns[begin:end] + _UTC_OFFSET_NS
    found: NDArray[np.int64] = np.flatnonzero(np.diff(local // (interval_s * NS_PER_S))) + 1 + begin
    return found
