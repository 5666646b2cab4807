"""The prints of a replay in one row: what comes at which position, and how much trading time lies between.

A position counts the prints of all contracts of the tape from 1; a number counts those of one contract.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from engine.errors import DataFileError
from engine.formats.taifex import Print
from engine.model.session import Session, TradingCalendar
from engine.timing import NS_PER_S


@dataclass(frozen=True, slots=True)
class TapeTick:
    """A print at its position.

    Attributes:
        symbol: contract code.
        number: of the contract's prints, from 1.
        print: the print.
        total_volume: lots of the contract in the session so far, this print included.
    """

    symbol: str
    number: int
    print: Print
    total_volume: int


class Tape:
    """All prints of some contracts by time; within a second contract after contract, each in its own order.

    Args:
        prints: by symbol, each in order of time.
        calendar: tells the sessions; the hours between them take no time.

    Raises:
        DataFileError: a contract without prints, or a print outside of all sessions.
    """

    def __init__(self, prints: Mapping[str, list[Print]], calendar: TradingCalendar) -> None:
        for symbol, rows in prints.items():
            if not rows:
                raise DataFileError(f"The file has no print of {symbol}.")
        self.prints = dict(prints)
        self.sessions: list[Session] = []
        self.ticks: list[TapeTick] = []
        self.elapsed: list[int] = []
        self._positions: dict[str, list[int]] = {symbol: [] for symbol in prints}
        self._build(calendar)

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
            if session is None or not session.contains(item.ts_event):
                session = self._next_session(calendar, item)
                volumes = dict.fromkeys(self.prints, 0)
            volumes[symbol] += item.quantity
            self.ticks.append(TapeTick(symbol, number, item, volumes[symbol]))
            self._positions[symbol].append(position)
        self._time()

    def _next_session(self, calendar: TradingCalendar, item: Print) -> Session:
        session = calendar.session_at(item.ts_event)
        if session is None:
            raise DataFileError(f"A print at {item.ts_event} ns lies outside of all sessions.")
        self.sessions.append(session)
        return session

    def _time(self) -> None:
        """Trading time since the first print; the file has whole seconds, their prints are spread evenly."""
        ticks, start = self.ticks, 0
        sessions = iter(self.sessions)
        session, base = next(sessions), 0
        while start < len(ticks):
            ts_event = ticks[start].print.ts_event
            if not session.contains(ts_event):
                base += session.close_ns - session.open_ns
                session = next(sessions)
            end = start + 1
            while end < len(ticks) and ticks[end].print.ts_event == ts_event:
                end += 1
            at, step = base + ts_event - session.open_ns, NS_PER_S // (end - start)
            self.elapsed += [at + step * index for index in range(end - start)]
            start = end
        first = self.elapsed[0]
        self.elapsed = [value - first for value in self.elapsed]
