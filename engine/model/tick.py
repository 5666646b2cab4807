"""A trade print and the five-level book. Prices are scaled integers, times nanoseconds UTC, quantities lots."""

from dataclasses import dataclass
from enum import IntFlag


class TickFlag(IntFlag):
    """What is special about a print."""

    NONE = 0
    OPENING = 1
    """The print of an opening auction."""
    TRIAL = 2
    """A trial match before the open: shown, never traded on, never in a bar."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One trade print.

    Attributes:
        symbol: contract code, such as ``TXFK4``.
        seq: the symbol's own number, from 1, given by the gateway, without holes.
        ts_event: exchange time.
        ts_recv: when the program received it.
        price: scaled by the instrument's price precision.
        quantity: lots of this print.
        total_volume: lots of the session so far, this print included.
        flags: bits of :class:`TickFlag`.
    """

    symbol: str
    seq: int
    ts_event: int
    ts_recv: int
    price: int
    quantity: int
    total_volume: int = 0
    flags: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One price level of a book."""

    price: int
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The best levels of both sides, best first, at most five each.

    Attributes:
        symbol: contract code.
        seq: the symbol's own book number, from 1, without holes.
        ts_event: exchange time.
        ts_recv: when the program received it.
        bids: buyers, highest price first.
        asks: sellers, lowest price first.
    """

    symbol: str
    seq: int
    ts_event: int
    ts_recv: int
    bids: tuple[Level, ...] = ()
    asks: tuple[Level, ...] = ()

    @property
    def best_bid(self) -> int | None:
        """Price of the best bid, or None where nobody bids."""
        return self.bids[0].price if self.bids else None

    @property
    def best_ask(self) -> int | None:
        """Price of the best offer, or None where nobody offers."""
        return self.asks[0].price if self.asks else None
