"""Trade dates of a market store that can be played again, and the part of one that a person chose. Values only."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from engine.errors import CalendarError
from engine.model.instrument import PRODUCTS
from engine.model.playback import Timeline
from engine.model.session import SessionKind, TradingCalendar


class DayOrigin(StrEnum):
    """Where the prints of a stored trade date come from."""

    FILE = "file"
    """The exchange's daily file; where something was recorded too, whichever has more lots of a session."""
    RECORDED = "recorded"
    """The feed, as this program took it."""
    SIMULATED = "simulated"
    """The feed of a run on the simulated exchange."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSession:
    """One session of a contract in the store.

    Attributes:
        symbol: contract code.
        kind: day or night.
        lots: traded.
    """

    symbol: str
    kind: SessionKind
    lots: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredDay:
    """A closed trade date of a store.

    Attributes:
        store: folder of the store.
        trade_date: which.
        origin: where its prints come from.
        run: name of the simulated run, which begins with its date and time; else empty.
        sessions: of the contracts that this program trades.
    """

    store: Path
    trade_date: date
    origin: DayOrigin
    run: str = ""
    sessions: tuple[StoredSession, ...]

    @property
    def symbols(self) -> tuple[str, ...]:
        """The contracts, product after product, of each the busiest first."""
        products = list(PRODUCTS)
        found = {item.symbol for item in self.sessions}
        return tuple(sorted(found, key=lambda symbol: (products.index(symbol[:3]), -self.lots(symbol), symbol)))

    @property
    def front_months(self) -> tuple[str, ...]:
        """The busiest contract of each product."""
        found: dict[str, str] = {}
        for symbol in self.symbols:
            found.setdefault(symbol[:3], symbol)
        return tuple(found.values())

    @property
    def kinds(self) -> tuple[SessionKind, ...]:
        """The sessions that have prints, the night first."""
        return tuple(kind for kind in (SessionKind.NIGHT, SessionKind.DAY) if self.has(kind))

    def has(self, kind: SessionKind) -> bool:
        """Whether a session has prints."""
        return any(item.kind is kind for item in self.sessions)

    def lots(self, symbol: str, kind: SessionKind | None = None) -> int:
        """Lots of a contract, of one session or of the day."""
        return sum(item.lots for item in self.sessions if item.symbol == symbol and kind in (None, item.kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPart:
    """What is to be replayed of a store.

    Attributes:
        store: folder of the store.
        trade_date: which day.
        symbols: contracts; empty = the busiest of each product.
        begin: minutes since midnight in Taipei at which it begins; None = with the first print.
        end: minutes since midnight before which it ends; None = with the last print.
    """

    store: Path
    trade_date: date
    symbols: tuple[str, ...] = ()
    begin: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStore:
    """A store with days that are not closed yet, so that they cannot be replayed.

    Attributes:
        store: folder of the store.
        days: the trade dates; empty where nobody but the holder can tell.
        holder: why they cannot be closed now, in a sentence: a recorder has them.
    """

    store: Path
    days: tuple[date, ...] = ()
    holder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """What stores hold for a replay.

    Attributes:
        days: closed trade dates, the newest first.
        open: where days are not closed yet.
    """

    days: Sequence[StoredDay] = ()
    open: Sequence[OpenStore] = ()


def hours(trade_date: date, calendar: TradingCalendar) -> Timeline:
    """The trading hours of a trade date, the night session first.

    Raises:
        CalendarError: it is no trading day.
    """
    found = [calendar.session(trade_date, SessionKind.DAY)]
    with contextlib.suppress(CalendarError):  # before May 2017 there was none
        found.insert(0, calendar.session(trade_date, SessionKind.NIGHT))
    return Timeline(tuple((session.open_ns, session.close_ns) for session in found))
