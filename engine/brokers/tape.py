"""The prints of a replay in one row: what comes at which position, and how much trading time lies between.

A position counts the prints of all contracts of the tape from 1; a number counts those of one contract. Where the
prints come from, a file or the market store, is no business of this module's.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.errors import DataFileError
from engine.formats import taifex
from engine.formats.taifex import Print
from engine.model.playback import Timeline
from engine.model.session import Session, TradingCalendar
from engine.model.tick import TickFlag
from engine.timing import NS_PER_S


@dataclass(frozen=True, slots=True)
class TapeTick:
    """A print at its position.

    Attributes:
        symbol: contract code.
        number: of the contract's prints, from 1.
        print: the print.
        total_volume: lots of the contract in the session so far, this print included; trial matches trade none.
    """

    symbol: str
    number: int
    print: Print
    total_volume: int

    @property
    def is_trial(self) -> bool:
        """Whether nothing was traded: a trial match before an open."""
        return bool(self.print.flags & TickFlag.TRIAL)


class Tape:
    """All prints of some contracts by time; within a second contract after contract, each in its own order.

    Args:
        prints: by symbol, each in order of time.
        calendar: tells the sessions; the hours between them take no time. A print before an open, such as a trial
            match, belongs to the session that follows.

    Raises:
        DataFileError: a contract without prints, or a print that no session follows.
    """

    def __init__(self, prints: Mapping[str, list[Print]], calendar: TradingCalendar) -> None:
        for symbol, rows in prints.items():
            if not rows:
                raise DataFileError(f"The recorded day has no print of {symbol} in the time that was chosen.")
        self.prints = dict(prints)
        self.sessions: list[Session] = []
        self.ticks: list[TapeTick] = []
        self.elapsed: list[int] = []
        self._begins: list[int] = []
        self._positions: dict[str, list[int]] = {symbol: [] for symbol in prints}
        self._build(calendar)

    @classmethod
    def of_file(cls, path: Path, symbols: Iterable[str], calendar: TradingCalendar) -> "Tape":
        """The prints of some contracts of a daily file, zip or csv.

        Raises:
            DataFileError: the file cannot be read, or has no print of a contract.
            UnknownInstrument: a symbol is no contract.
        """
        return cls(taifex.read_many(path, symbols, calendar), calendar)

    def __len__(self) -> int:
        return len(self.ticks)

    def at(self, position: int) -> TapeTick:
        """The print at a position."""
        return self.ticks[position - 1]

    def number_at(self, symbol: str, position: int) -> int:
        """How many prints of a contract lie at or before a position."""
        return bisect_right(self._positions[symbol], position)

    def position_of(self, symbol: str, number: int) -> int:
        """Where a contract's print lies; one after the last position where it has no such print."""
        positions = self._positions[symbol]
        return positions[number - 1] if number <= len(positions) else len(self.ticks) + 1

    def price_of(self, symbol: str, number: int) -> int:
        """Price of a contract's print, 0 for number 0."""
        return self.prints[symbol][number - 1].price if number else 0

    def due(self, elapsed_ns: int) -> int:
        """The last position whose time has come after so much trading time since the first print."""
        return bisect_right(self.elapsed, elapsed_ns)

    def elapsed_at(self, told: int) -> int:
        """Trading time from the first print to the one at a position."""
        return self.elapsed[max(told - 1, 0)]

    def before(self, ts_ns: int) -> int:
        """The last position before an instant, 0 where there is none."""
        return bisect_left(self.ticks, ts_ns, key=lambda tick: tick.print.ts_event)

    @property
    def timeline(self) -> Timeline:
        """The trading time from the first print to the last."""
        begins, ends = list(self._begins), [session.close_ns for session in self.sessions]
        begins[0] = min(self.ticks[0].print.ts_event, ends[0])
        ends[-1] = begins[-1] + self.elapsed[-1] - sum(ends[at] - begins[at] for at in range(len(ends) - 1))
        return Timeline(tuple(zip(begins, ends, strict=True)))

    def _build(self, calendar: TradingCalendar) -> None:
        # sorted() is stable: the contracts keep their order within a second.
        rows = sorted(
            (
                (symbol, number, item)
                for symbol, found in self.prints.items()
                for number, item in enumerate(found, 1)
            ),
            key=lambda row: row[2].ts_event,
        )
        volumes = dict.fromkeys(self.prints, 0)
        session: Session | None = None
        for position, (symbol, number, item) in enumerate(rows, 1):
            if session is None or not _is_in(session, item):
                session = self._next_session(calendar, item)
                volumes = dict.fromkeys(self.prints, 0)
            volumes[symbol] += 0 if item.flags & TickFlag.TRIAL else item.quantity
            self.ticks.append(TapeTick(symbol, number, item, volumes[symbol]))
            self._positions[symbol].append(position)
        self._time()

    def _next_session(self, calendar: TradingCalendar, item: Print) -> Session:
        session = calendar.session_at(item.ts_event) or calendar.next_session(item.ts_event)
        if session is None:
            raise DataFileError(f"No session follows the print at {item.ts_event} ns.")
        self.sessions.append(session)
        self._begins.append(min(session.open_ns, item.ts_event))
        return session

    def _time(self) -> None:
        """Trading time since the first print; a file has whole seconds, their prints are spread evenly.

        The closing second takes no time: the next session begins where the close is.
        """
        ticks, start = self.ticks, 0
        sessions = iter(zip(self.sessions, self._begins, strict=True))
        (session, begin), base = next(sessions), 0
        while start < len(ticks):
            ts_event = ticks[start].print.ts_event
            if not _is_in(session, ticks[start].print):
                base += session.close_ns - begin
                session, begin = next(sessions)
            end = start + 1
            while end < len(ticks) and ticks[end].print.ts_event == ts_event:
                end += 1
            at = base + min(ts_event, session.close_ns) - begin
            step = 0 if ts_event >= session.close_ns else self._spread_ns(ts_event, end) // (end - start)
            self.elapsed += [at + step * index for index in range(end - start)]
            start = end
        first = self.elapsed[0]
        self.elapsed = [value - first for value in self.elapsed]

    def _spread_ns(self, ts_event: int, end: int) -> int:
        """Over how long the prints of one instant are spread: not beyond the next print."""
        if end == len(self.ticks):
            return NS_PER_S
        return min(NS_PER_S, self.ticks[end].print.ts_event - ts_event)


def _is_in(session: Session, item: Print) -> bool:
    """Whether a print at or after the session's first one belongs to it."""
    return item.ts_event < session.open_ns or session.contains(item.ts_event)
