"""Surges: a minute with several times the volume, or the range, of the minutes before it. Pure, in market time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from engine.model.bar import Bar
from engine.model.scan import ScanKind
from engine.timing import NS_PER_S

MINUTE_NS: Final = 60 * NS_PER_S
BASE_MINUTES: Final = 20
"""Minutes before the present one that a surge stands out from, of the same session, empty ones included."""
LEAST_BASE: Final = 10
"""With fewer there is nothing to compare with."""
SURGE: Final = 3
"""How many times the mean of those minutes a minute must have, even before it is over."""
LEAST_LOTS: Final = 20
"""A minute with fewer lots is no surge of volume."""
LEAST_RANGE: Final = 2_000
"""A minute's range below the price divided by this is no surge."""


@dataclass(frozen=True, slots=True)
class Surge:
    """A minute that stands out.

    Attributes:
        start_ns: of the minute.
        ratio: how many times the mean, in hundredths.
        ts_event: of the last print that raised it.
    """

    start_ns: int
    ratio: int
    ts_event: int


@dataclass(frozen=True, slots=True)
class _Baseline:
    """Sums over the minutes that a surge stands out from."""

    minutes: int
    volume: int
    spread: int


class Surges:
    """The last surge of each kind in a session."""

    def __init__(self) -> None:
        self._last: dict[ScanKind, Surge] = {}
        self._start_ns = 0
        self._baseline: _Baseline | None = None

    def __iter__(self) -> Iterator[tuple[ScanKind, Surge]]:
        return iter(self._last.items())

    def clear(self) -> None:
        """Another session begins."""
        self._last.clear()
        self.forget_baseline()

    def forget_baseline(self) -> None:
        """The minutes before are known better now."""
        self._start_ns = 0

    def needs_baseline(self, bar: Bar) -> bool:
        """The bar is the first of its minute."""
        return bar.start_ns != self._start_ns

    def set_baseline(self, start_ns: int, newest_first: Iterable[Bar], known_ns: int) -> None:
        """A minute begins.

        Args:
            start_ns: of the minute.
            newest_first: the minutes before it, the newest first; those without a print are not among them.
            known_ns: since when all prints of the session are known.
        """
        begin = max(start_ns - BASE_MINUTES * MINUTE_NS, known_ns)
        minutes, volume, spread = (start_ns - begin) // MINUTE_NS, 0, 0
        for bar in newest_first:
            if bar.start_ns < begin:
                break
            volume, spread = volume + bar.volume, spread + bar.high - bar.low
        self._start_ns = start_ns
        self._baseline = _Baseline(minutes, volume, spread) if minutes >= LEAST_BASE else None

    def look(self, bar: Bar, ts_event: int) -> None:
        """A print has changed the minute in work."""
        if (base := self._baseline) is None:
            return
        if bar.volume >= LEAST_LOTS:
            self._compare(ScanKind.VOLUME_SURGE, bar, bar.volume, base.volume, base.minutes, ts_event)
        if (spread := bar.high - bar.low) * LEAST_RANGE >= bar.close:
            self._compare(ScanKind.RANGE_SURGE, bar, spread, base.spread, base.minutes, ts_event)

    def _compare(self, kind: ScanKind, bar: Bar, value: int, total: int, minutes: int, ts_event: int) -> None:
        """Notes it where it has several times the mean; where nothing happened before there is no mean."""
        if not total or value * minutes < SURGE * total:
            return
        ratio = 100 * value * minutes // total
        known = self._last.get(kind)
        if known is None or known.start_ns != bar.start_ns or ratio > known.ratio:
            self._last[kind] = Surge(bar.start_ns, ratio, ts_event)
