"""The tick publisher: numbers ticks and books, keeps the ring of recent ticks, sends everything on PUB 5555.

Ticks are sent on the thread on which the broker tells them, so that no commit of the ledger ever holds one up.
That makes this the one socket used by several threads; a lock keeps them apart, as libzmq asks for.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import islice

from engine.model.tick import Book, Level, Tick
from engine.wire.messages import Family, LastTick, Ticks
from engine.wire.sockets import Publisher


class TickPublisher:
    """Market data on its way to the feed.

    Args:
        publisher: the PUB socket; events of the gateway leave on the same one.
        ring_ticks: recent ticks kept per contract.
        clock: monotonic seconds.
    """

    def __init__(
        self, publisher: Publisher, *, ring_ticks: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._publisher, self._clock = publisher, clock
        self._lock = threading.Lock()
        self._ring_ticks = ring_ticks
        self._rings: dict[str, deque[Tick]] = {}
        self._positions: dict[str, deque[int]] = {}
        self._tick_seqs: dict[str, int] = {}
        self._books: dict[str, Book] = {}
        self.heard: dict[str, float] = {}
        """When the last message of each contract arrived, monotonic seconds."""

    @property
    def position(self) -> int:
        """Number of the last tick within the tick family."""
        return self._publisher.seqs.get(Family.TICK, 0)

    def take(
        self, symbol: str, ts_event: int, ts_recv: int, price: int, quantity: int, total_volume: int, flags: int
    ) -> Tick:
        """Numbers, keeps and sends a trade print; any thread."""
        with self._lock:
            ring = self._rings.get(symbol)
            if ring is None:
                ring = self._rings[symbol] = deque(maxlen=self._ring_ticks)
                self._positions[symbol] = deque(maxlen=self._ring_ticks)
            tick = Tick(
                symbol=symbol,
                seq=self._tick_seqs.get(symbol, 0) + 1,
                ts_event=ts_event,
                ts_recv=ts_recv,
                price=price,
                quantity=quantity,
                total_volume=total_volume,
                flags=flags,
            )
            self._tick_seqs[symbol] = tick.seq
            position = self._publisher.publish(f"tick.{symbol}", tick, family=Family.TICK)
            ring.append(tick)
            self._positions[symbol].append(position)
            self.heard[symbol] = self._clock()
        return tick

    def book(
        self, symbol: str, ts_event: int, ts_recv: int, bids: tuple[Level, ...], asks: tuple[Level, ...]
    ) -> None:
        """Numbers and sends a book; any thread."""
        with self._lock:
            last = self._books.get(symbol)
            book = Book(
                symbol=symbol,
                seq=(last.seq if last else 0) + 1,
                ts_event=ts_event,
                ts_recv=ts_recv,
                bids=bids,
                asks=asks,
            )
            self._books[symbol] = book
            self.heard[symbol] = self._clock()
            self._publisher.publish(f"book.{symbol}", book, family=Family.BOOK)

    def event(self, topic: str, body: object, cause: str = "") -> None:
        """Sends an event of the gateway as the next of its family."""
        with self._lock:
            self._publisher.publish(topic, body, family=Family.EVENT, cause=cause)

    def last_tick(self, symbol: str) -> Tick | None:
        """The last tick of a contract, or None; never older than what the feed has told."""
        with self._lock:
            ring = self._rings.get(symbol)
            return ring[-1] if ring else None

    def tick(self, symbol: str, seq: int) -> Tick | None:
        """The tick of this number, or None where the ring does not hold it."""
        with self._lock:
            ring = self._rings.get(symbol)
            if not ring or not ring[0].seq <= seq <= ring[-1].seq:
                return None
            return ring[seq - ring[0].seq]

    def last(self, symbol: str) -> LastTick:
        """The last tick and book of a contract."""
        return LastTick(symbol=symbol, tick=self.last_tick(symbol), book=self._books.get(symbol))

    def ticks_since(self, symbol: str, after_seq: int, limit: int) -> Ticks:
        """The ticks after a number, at most ``limit``; says from which number on the ring still has them."""
        with self._lock:
            ring = self._rings.get(symbol)
            if not ring:
                return Ticks(symbol=symbol)
            first = ring[0].seq
            begin = max(0, after_seq + 1 - first)
            found = tuple(islice(ring, begin, begin + limit))
            return Ticks(
                symbol=symbol,
                ticks=found,
                positions=tuple(islice(self._positions[symbol], begin, begin + limit)),
                first_available=first,
                is_complete=begin + len(found) >= len(ring),
            )
