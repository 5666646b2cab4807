"""The bars of one contract as numpy columns, for the chart.

Base is a series of one-second bars, from which every other time frame is made. Each base bar knows the first
and the last tick number in it, so that ticks of a repaired gap find their place and duplicates are dropped.
What the market store knows goes in front: bars in the time frame, and the ticks between them and the live ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.model.session import TradingCalendar
from engine.model.tick import Tick, TickFlag
from engine.timing import NS_PER_S

TIME_FRAMES: Final = (1, 5, 60, 300, 900, 3600)
"""Lengths of the bars that the terminal offers, seconds."""

Ints = NDArray[np.int64]

_COLUMNS: Final = 9
_START, _SESSION, _OPEN, _HIGH, _LOW, _CLOSE, _VOLUME, _FIRST, _LAST = range(_COLUMNS)
_FIELDS: Final = attrgetter("seq", "ts_event", "price", "quantity", "flags")
_NOTHING: Final[Ints] = np.empty((_COLUMNS, 0), np.int64)


class BarColumns:
    """Bars as columns of integers that grow at their end; a column is a view and holds until the next change."""

    def __init__(self) -> None:
        self._table: Ints = np.empty((_COLUMNS, 1024), np.int64)
        self._length = 0

    def __len__(self) -> int:
        return self._length

    @property
    def start_ns(self) -> Ints:
        """First instants, nanoseconds UTC, ascending."""
        return self._column(_START)

    @property
    def session_open_ns(self) -> Ints:
        """When the session of each bar opened, nanoseconds UTC."""
        return self._column(_SESSION)

    @property
    def open(self) -> Ints:
        """First prices, scaled."""
        return self._column(_OPEN)

    @property
    def high(self) -> Ints:
        """Highest prices, scaled."""
        return self._column(_HIGH)

    @property
    def low(self) -> Ints:
        """Lowest prices, scaled."""
        return self._column(_LOW)

    @property
    def close(self) -> Ints:
        """Last prices, scaled."""
        return self._column(_CLOSE)

    @property
    def volume(self) -> Ints:
        """Lots."""
        return self._column(_VOLUME)

    def _column(self, row: int) -> Ints:
        return self._table[row, : self._length]

    @property
    def table(self) -> Ints:
        """All columns, one a row."""
        return self._table[:, : self._length]

    def replace_from(self, index: int, rows: Ints) -> None:
        """Cuts the bars from ``index`` on and puts others in their place; the memory at least doubles."""
        length = index + rows.shape[1]
        if length > self._table.shape[1]:
            grown = np.empty((_COLUMNS, max(length, 2 * self._table.shape[1])), np.int64)
            grown[:, :index] = self._table[:, :index]
            self._table = grown
        self._table[:, index:length] = rows
        self._length = length


@dataclass(frozen=True, slots=True)
class Change:
    """What an update did to the bars.

    Attributes:
        first: index of the first bar that changed or is new.
        added: by how many bars the series is longer now.
    """

    first: int
    added: int


class BarSeries:
    """The bars of one contract in one time frame.

    Args:
        calendar: tells the sessions; prints outside of all sessions are left out, as are trial matches.
        last_trading_day: of the contract; None where it does not matter.
        span_s: time frame, seconds.
    """

    def __init__(self, calendar: TradingCalendar, last_trading_day: date | None = None, span_s: int = 60) -> None:
        self._calendar = calendar
        self._last_trading_day = last_trading_day
        self._span_s = span_s
        self._base = BarColumns()
        self._coarse = BarColumns()
        self._seen = SeenNumbers()
        self._first_live: tuple[int, int] | None = None
        self._past = Past()

    @property
    def bars(self) -> BarColumns:
        """The bars in the present time frame."""
        return self._base if self._span_s == 1 and not self._past else self._coarse

    @property
    def span_s(self) -> int:
        """Time frame, seconds."""
        return self._span_s

    @property
    def last_seq(self) -> int:
        """The highest tick number that is contained, 0 = none."""
        return self._seen.last

    @property
    def past_start_ns(self) -> int | None:
        """Start of the oldest bar that came from the store in this time frame, None without one."""
        return int(self._past.bars[_START, 0]) if self._past.bars.shape[1] else None

    @property
    def has_past(self) -> bool:
        """There are bars or ticks from the store."""
        return bool(self._past)

    def set_span(self, span_s: int) -> None:
        """Changes the time frame and makes its bars of the base, and of stored bars that are short enough."""
        self._past.set_span(self._span_s, span_s)
        self._span_s = span_s
        self._derive_all()

    def prepend_bars(self, rows: Ints, *, is_anew: bool = False) -> int:
        """Puts stored bars of this time frame in front, those of a bar that is there already left out.

        Args:
            rows: see :func:`terminal.models.past.bar_rows`, before every tick of :meth:`prepend_ticks`.
            is_anew: they take the place of the stored bars that are there.

        Returns:
            By how many bars the series is longer now; they are all in front.
        """
        before = self.bars
        if is_anew:
            self._past.bars = _NOTHING
            self._derive_all()
        if len(self.bars):
            rows = rows[:, rows[_START] < self.bars.start_ns[0]]
        self._past.bars = np.concatenate((rows, self._past.bars), axis=1)
        return self._derived_anew(before)

    def prepend_ticks(self, table: Ints) -> int:
        """Takes in the stored ticks between the stored bars and the first live tick, where the live ones begin.

        They fill up the bar in which the live ticks begin; any that is as late as the first live one is left out.

        Args:
            table: see :func:`terminal.models.past.tick_rows`.

        Returns:
            By how many bars the series is longer now; they are all before the first live bar.
        """
        before = self.bars
        self._past.ticks = table
        self._cut_past()
        return self._derived_anew(before)

    def inherit_past(self, other: "BarSeries") -> None:
        """Takes over what another series of the same contract has from the store."""
        self._past = other._past
        self._past.set_span(other.span_s, self._span_s)
        self._cut_past()
        self._derive_all()

    def append_ticks(self, ticks: Sequence[Tick]) -> Change | None:
        """Takes ticks in, in any order, each number once; None where no bar changed."""
        if not ticks:
            return None
        table = np.array([_FIELDS(tick) for tick in ticks], np.int64).T
        table = self._seen.take(table)
        seconds = self._second_bars(table)
        if not seconds.shape[1]:
            return None
        before = len(self.bars)
        first = self._merge(seconds)
        if self._is_earlier(table):
            self._cut_past()
            self._derive_all()
            first = 0
        elif self.bars is self._coarse:
            first = self._derive(int(self._base.start_ns[first]), int(self._base.session_open_ns[first]))
        return Change(first, len(self.bars) - before)

    def _is_earlier(self, table: Ints) -> bool:
        """Notes the first live tick; whether there is an earlier one now and a past that has to make room."""
        first = int(table[1, 0]), int(table[0, 0])
        if self._first_live is not None and first[1] > self._first_live[1]:
            return False
        self._first_live = first
        return bool(self._past)

    def _cut_past(self) -> None:
        """Stored ticks end where the live ones begin."""
        ticks = self._past.ticks
        if self._first_live is not None:
            time, seq = self._first_live
            ticks = ticks[:, (ticks[1] < time) | ((ticks[1] == time) & (ticks[0] < seq))]
        numbered = ticks.copy()
        numbered[0] = np.arange(-ticks.shape[1], 0)
        self._past.seconds = self._second_bars(numbered)

    def _derived_anew(self, before: BarColumns) -> int:
        count = len(before)
        self._derive_all()
        return len(self.bars) - count

    def _second_bars(self, table: Ints) -> Ints:
        """One-second bars of ticks that are in the order of their numbers, ascending by start; no trial match."""
        table = table[:, (table[4] & TickFlag.TRIAL) == 0]
        seq, time, price, quantity = table[0], table[1], table[2], table[3]
        if not len(seq):
            return np.empty((_COLUMNS, 0), np.int64)
        sessions = self._calendar.sessions_between(
            int(time.min()), int(time.max()), last_trading_day=self._last_trading_day
        )
        opens = np.array([session.open_ns for session in sessions], np.int64)
        closes = np.array([session.close_ns for session in sessions], np.int64)
        which = np.searchsorted(opens, time, side="right") - 1
        inside = which >= 0
        inside[inside] = time[inside] < closes[which[inside]] + NS_PER_S
        which, time = which[inside], time[inside]
        price, seq = price[inside], seq[inside]
        opened = opens[which]
        start = opened + (np.minimum(time, closes[which] - 1) - opened) // NS_PER_S * NS_PER_S
        rows = np.stack((start, opened, price, price, price, price, quantity[inside], seq, seq))
        return _grouped(rows, start)

    def _merge(self, fresh: Ints) -> int:
        """Puts one-second bars into the base; returns the index of the first that changed."""
        base = self._base
        first = int(np.searchsorted(base.start_ns, fresh[_START, 0]))
        both = np.concatenate((base.table[:, first:], fresh), axis=1)
        base.replace_from(first, _grouped(both, both[_START]))
        return first

    def _derive_all(self) -> None:
        """Makes all bars of the time frame anew."""
        self._coarse = BarColumns()
        if self.bars is not self._coarse:
            return
        self._coarse.replace_from(0, self._past.bars)
        seconds = self._past.seconds if self._past.seconds.shape[1] else self._base.table
        if seconds.shape[1]:
            self._derive(int(seconds[_START, 0]), int(seconds[_SESSION, 0]))

    def _derive(self, time_ns: int, opened_ns: int) -> int:
        """Makes the bars of the time frame anew from an instant of a session on; returns the first of them."""
        base, span = self._base, self._span_s * NS_PER_S
        start = opened_ns + (time_ns - opened_ns) // span * span
        rows = base.table[:, int(np.searchsorted(base.start_ns, start)) :]
        seconds = self._past.seconds
        if seconds.shape[1] and seconds[_START, -1] >= start:
            rows = np.concatenate((seconds[:, seconds[_START] >= start], rows), axis=1)
        index = int(np.searchsorted(self._coarse.start_ns, start))
        self._coarse.replace_from(index, _grouped(rows, _starts(rows, span)))
        return index


class Past:
    """What a series has from the market store, all of it before the first live tick.

    Attributes:
        bars: in the time frame of the series; they end where :attr:`ticks` begin.
        ticks: number, time, price, quantity and flags of those behind the bars.
        seconds: one-second bars of the ticks that are no live ones.
    """

    def __init__(self) -> None:
        self.bars = _NOTHING
        self.ticks: Ints = np.empty((5, 0), np.int64)
        self.seconds = _NOTHING

    def __bool__(self) -> bool:
        return bool(self.bars.shape[1] or self.ticks.shape[1])

    def set_span(self, old_s: int, new_s: int) -> None:
        """Makes longer bars of the bars; there are none where the new ones are shorter.

        The oldest may begin in the middle of what it would be part of, and is left out.
        """
        if old_s == new_s:
            return
        if new_s % old_s:
            self.bars = _NOTHING
            return
        self.bars = _grouped(self.bars, _starts(self.bars, new_s * NS_PER_S))[:, 1:]


def _starts(rows: Ints, span_ns: int) -> Ints:
    """In which bar of a time frame the rows lie; bars count from the session's open."""
    starts: Ints = rows[_SESSION] + (rows[_START] - rows[_SESSION]) // span_ns * span_ns
    return starts


def _grouped(rows: Ints, start: Ints) -> Ints:
    """One bar for all rows of one start: ascending by start, open and close by tick number."""
    if not len(start):
        return rows
    later = np.diff(start)
    if np.any(later < 0) or np.any((later == 0) & (np.diff(rows[_FIRST]) < 0)):
        order = np.lexsort((rows[_FIRST], start))
        rows, start = rows[:, order], start[order]
        later = np.diff(start)
    heads = np.concatenate(([0], np.flatnonzero(later) + 1))
    grouped = rows[:, heads]
    grouped[_START] = start[heads]
    grouped[_HIGH] = np.maximum.reduceat(rows[_HIGH], heads)
    grouped[_LOW] = np.minimum.reduceat(rows[_LOW], heads)
    grouped[_VOLUME] = np.add.reduceat(rows[_VOLUME], heads)
    grouped[_LAST] = np.maximum.reduceat(rows[_LAST], heads)
    grouped[_CLOSE] = _closes(rows, heads, grouped[_LAST])
    return grouped


def _closes(rows: Ints, heads: Ints, last: Ints) -> Ints:
    """The close of the row with the highest tick number of each group; mostly its last row."""
    tails = np.append(heads[1:], rows.shape[1]) - 1
    for group in np.flatnonzero(rows[_LAST, tails] != last):
        members = rows[_LAST, heads[group] : tails[group] + 1]
        tails[group] = heads[group] + int(members.argmax())
    closes: Ints = rows[_CLOSE, tails]
    return closes


class SeenNumbers:
    """Which tick numbers were taken already: a few ranges, since the numbers have no lasting holes."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []  # first number behind each range

    @property
    def last(self) -> int:
        """The highest number taken, 0 = none."""
        return self._ends[-1] - 1 if self._ends else 0

    def take(self, table: Ints) -> Ints:
        """The columns whose number (first row) is new, ascending and each number once; marks them as taken."""
        seq = table[0]
        if np.any(np.diff(seq) <= 0):
            seq, kept = np.unique(seq, return_index=True)
            table = table[:, kept]
        if seq[0] <= self.last:
            index = np.searchsorted(self._starts, seq, side="right") - 1
            taken = (index >= 0) & (seq < np.array(self._ends, np.int64)[index])
            table = table[:, ~taken]
            seq = table[0]
        if len(seq):
            self._mark(seq)
        return table

    def _mark(self, seq: Ints) -> None:
        breaks = np.flatnonzero(np.diff(seq) > 1)
        starts = [int(seq[0]), *seq[breaks + 1].tolist()]
        ends = [*(seq[breaks] + 1).tolist(), int(seq[-1]) + 1]
        if self._ends and starts[0] == self._ends[-1] and len(starts) == 1:
            self._ends[-1] = ends[0]
            return
        ranges = sorted(zip([*self._starts, *starts], [*self._ends, *ends], strict=True))
        self._starts, self._ends = [], []
        for start, end in ranges:
            if self._ends and start == self._ends[-1]:
                self._ends[-1] = end
            else:
                self._starts.append(start)
                self._ends.append(end)
