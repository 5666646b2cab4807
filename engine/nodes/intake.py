"""What the recorder takes from the feed: every number once, holes asked for and filled from the gateway's ring.

Knows no socket and no file: messages and answers go in, rows and the next question come out. It is no rail
(:mod:`engine.wire.rail`): that holds back what is behind a hole, and asks a store that here is the asker's own.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from engine import logs
from engine.errors import UnknownInstrument
from engine.model.instrument import contract_month_of
from engine.model.session import TAIPEI
from engine.model.tick import Book, Tick
from engine.nodes.series import Gap, Series
from engine.storage.numbers import Numbers
from engine.timing import NS_PER_S
from engine.wire.messages import GetTicks, Ticks

log = logs.get(__name__)

MOST_PENDING: Final = 300_000
"""Rows that may wait for the writer; beyond it ticks are left in the gateway's ring and asked for later."""


class Intake:
    """Rows of one run of the gateway.

    Args:
        held: the numbers of a contract's ticks that the store holds.
        pending: how many rows wait for the writer.
    """

    def __init__(self, held: Callable[[str], Numbers], pending: Callable[[], int]) -> None:
        self._held, self._pending = held, pending
        self._series: dict[str, Series] = {}
        self._book_seqs: dict[str, int] = {}
        self._strangers: set[str] = set()
        self._position = 0
        self._asked: tuple[Series, Gap] | None = None
        self.ticks: list[Tick] = []
        """New since the last look of whoever takes them away."""
        self.books: list[Book] = []
        """The same."""
        self.books_lost = 0
        """Books that did not come; the ring has none."""

    # --- what comes --------------------------------------------------------------------------------------------

    def follow(self, symbols: Iterable[str], position: int, ts_ns: int) -> None:
        """These contracts may have ticks that are in the ring only.

        Args:
            symbols: contract codes.
            position: number of the last tick within the tick family.
            ts_ns: about when, to tell the year of a contract.
        """
        self._position = max(self._position, position)
        for symbol in symbols:
            if (series := self._of(symbol, ts_ns)) is not None:
                series.look_behind()

    def take_tick(self, tick: Tick, position: int) -> None:
        """A tick of the feed with its number in the family."""
        self._position = max(self._position, position)
        series = self._series.get(tick.symbol) or self._of(tick.symbol, tick.ts_event)
        if series is None:
            return
        if self.is_full:
            series.leave_out(tick.seq)
        elif series.take(tick.seq):
            self.ticks.append(tick)

    def take_book(self, book: Book) -> None:
        """A book of the feed. One that is lost is lost: only the present book matters to anybody."""
        if self.is_full or self._of(book.symbol, book.ts_event) is None:
            return
        last = self._book_seqs.get(book.symbol)
        if last is not None and book.seq <= last:
            return
        if last is not None:
            self.books_lost += book.seq - last - 1
        self._book_seqs[book.symbol] = book.seq
        self.books.append(book)

    def take_pulse(self, position: int) -> None:
        """So many ticks were sent: where fewer came, the last of some contract are missing."""
        if position > self._position:
            self._position = position
            for series in self._series.values():
                series.look_behind()

    # --- what is asked -----------------------------------------------------------------------------------------

    def question(self) -> GetTicks | None:
        """What to ask the gateway now; None while a question is open, nothing is missing or too much waits."""
        if self._asked is not None or self.is_full:
            return None
        for series in self._series.values():
            if not series.is_whole and (gap := series.gap()) is not None:
                self._asked = series, gap
                return series.question(gap)
        return None

    def answer(self, page: Ticks | None) -> None:
        """The answer to the open question; None where none came, and it is asked again."""
        if self._asked is None:
            return
        (series, gap), self._asked = self._asked, None
        if page is not None:
            before = series.lost
            self.ticks.extend(series.answer(gap, page))
            if series.lost > before:
                log.error("ticks are lost", symbol=series.symbol, lost=series.lost - before)

    # --- facts -------------------------------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Nothing more is taken until the writer has caught up."""
        return self._pending() + len(self.ticks) > MOST_PENDING

    @property
    def is_whole(self) -> bool:
        """Nothing is known to be missing."""
        return all(series.is_whole for series in self._series.values())

    @property
    def lost(self) -> int:
        """Ticks that nobody has any more."""
        return sum(series.lost for series in self._series.values())

    @property
    def gaps(self) -> int:
        """How often ticks did not come."""
        return sum(series.gaps for series in self._series.values())

    def _of(self, symbol: str, ts_ns: int) -> Series | None:
        found = self._series.get(symbol)
        if found is None and symbol not in self._strangers:
            try:
                contract_month_of(symbol, near=datetime.fromtimestamp(ts_ns // NS_PER_S, TAIPEI).date())
            except UnknownInstrument as error:
                log.warning("a contract is not recorded", symbol=symbol, error=str(error))
                self._strangers.add(symbol)
                return None
            found = self._series[symbol] = Series(symbol, self._held(symbol))
        return found
