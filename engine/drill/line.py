"""The line between the exchange and the program under drill: one end here, beside the exchange.

It passes the program's calls and the exchange's reports on, counts every order call, and does to them what a fault
asks for. It never touches the exchange's books: those stay the truth that everything is checked against.
"""

import contextlib
import heapq
import random
import threading
import time
from collections import Counter, deque
from dataclasses import dataclass
from enum import StrEnum
from multiprocessing.connection import Connection
from typing import Any, Final

from engine.brokers.base import ApprovedOrder, Broker, Credentials, OrderReport
from engine.brokers.faults import Reply
from engine.errors import BrokerAmbiguous, BrokerRefused
from engine.model.market import Contract, LinkState
from engine.model.order import Fill, Order, OrderStatus, Reason
from engine.model.position import Account
from engine.model.tick import Level, TickFlag

LINKS: Final = ("trade", "quote")
_CALLS: Final = frozenset(
    {
        "contracts",
        "subscribe",
        "unsubscribe",
        "submit",
        "cancel",
        "replace",
        "query_orders",
        "query_fills",
        "query_positions",
    }
)
_WITH_EXCHANGE: Final = _CALLS - {"contracts", "subscribe", "unsubscribe"}
"""Calls that a link which is down does not let through."""


@dataclass(frozen=True, slots=True)
class Hello:
    """The answer to a login.

    Attributes:
        accounts: the order accounts.
        now_ns: the market's clock.
        speed: market seconds in a second.
    """

    accounts: tuple[Account, ...]
    now_ns: int
    speed: float


class Mark(StrEnum):
    """Moments of a run that the line can see."""

    ENTRY_CALLED = "entry_called"
    ENTRY_FILLED = "entry_filled"
    EXIT_CALLED = "exit_called"
    EXIT_FILLED = "exit_filled"


@dataclass(frozen=True, slots=True)
class Prices:
    """The exchange's own prints of a while.

    Attributes:
        last: of the last one, 0 before the first.
        low: the lowest.
        high: the highest.
        fall: how far it fell at most from an earlier one.
        rise: how far it rose at most.
    """

    last: int = 0
    low: int = 0
    high: int = 0
    fall: int = 0
    rise: int = 0

    def after(self, price: int) -> "Prices":
        """With one more print."""
        low, high = min(self.low or price, price), max(self.high, price)
        return Prices(price, low, high, max(self.fall, high - price), max(self.rise, price - low))


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one order call.

    Attributes:
        reply: given, or lost with the order alive or dead.
        is_silent: nothing comes back at all, and the caller must give up by itself.
    """

    reply: Reply = Reply.GIVEN
    is_silent: bool = False


class _Silence(Exception):
    """The caller gets no answer."""


class Line:
    """Listens to the exchange and serves one program at a time.

    Args:
        exchange: logged in and not started.
        accounts: of the login.
        speed: market seconds in a second.
        seed: of the delays.
    """

    def __init__(self, exchange: Broker, accounts: tuple[Account, ...], speed: float, seed: str) -> None:
        self.exchange, self.accounts, self.speed = exchange, accounts, speed
        self._calls: Counter[str] = Counter()
        self._orders: dict[str, Order] = {}
        self.marks: dict[Mark, float] = {}
        """When each moment of the present run came first, monotonic."""
        self.harmed = 0
        """Calls and reports that the present faults have harmed."""
        self._prices = Prices()
        self._subscribed: set[str] = set()
        """Contracts whose feeds the present program has asked for."""
        self._random = random.Random(f"{seed}/line")
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._heap: list[tuple[float, int, tuple[Any, ...]]] = []
        self._count = 0
        self._pipe: Connection | None = None
        self._is_listening = False
        self._writing = threading.Lock()
        self._fates: deque[Fate] = deque()
        self._silent: set[str] = set()
        self._repeats = self._reorders = self._delays = 0
        self._late_s = 0.0
        self._is_muted = False
        self._is_down = self._is_down_untold = False
        self._withheld: list[tuple[Any, ...]] = []
        self._is_closing = False
        self._sender = threading.Thread(target=self._send_all, name="line", daemon=True)
        self._readers: list[threading.Thread] = []
        self._sender.start()

    # --- life ----------------------------------------------------------------------------------------------------

    def begin_run(self) -> None:
        """A new run: no fault is left from the one before."""
        self.lift()
        with self._lock:
            self.marks.clear()
            self.harmed = 0

    def attach(self, pipe: Connection) -> None:
        """Serves a program that has just been started."""
        with self._lock:
            self._pipe, self._is_listening = pipe, False
            self._heap.clear()
            self._withheld.clear()
            self._subscribed.clear()
        reader = threading.Thread(target=self._serve, args=(pipe,), name="line-reader", daemon=True)
        self._readers = [item for item in self._readers if item.is_alive()] + [reader]
        reader.start()

    def detach(self) -> None:
        """The program has ended: what is told now reaches nobody."""
        with self._lock:
            self._pipe, self._is_listening = None, False
            self._heap.clear()

    def close(self) -> None:
        """Ends the threads; the exchange is closed by its owner."""
        with self._wake:
            self._is_closing = True
            self._wake.notify_all()
        self._sender.join(5)
        for reader in self._readers:
            reader.join(5)

    # --- what passed ---------------------------------------------------------------------------------------------

    @property
    def calls(self) -> Counter[str]:
        """How often each order was called in, by its note."""
        with self._lock:
            return self._calls.copy()

    @property
    def orders(self) -> dict[str, Order]:
        """What was asked for, by its note."""
        with self._lock:
            return self._orders.copy()

    @property
    def prices(self) -> Prices:
        """What the exchange printed since :meth:`begin_prices`, whatever of it the program was told."""
        with self._lock:
            return self._prices

    def begin_prices(self) -> None:
        """Forgets all prints but the last."""
        with self._lock:
            self._prices = Prices(last=self._prices.last)

    # --- faults on command ---------------------------------------------------------------------------------------

    def lose_reply(self, fate: Fate, *, after: int = 0) -> None:
        """The answer to an order call gets lost: of the next one, or of the one so many calls later."""
        with self._lock:
            self._fates.extend([Fate()] * after)
            self._fates.append(fate)

    def repeat_reports(self, count: int) -> None:
        """So many reports and fills are told twice, the second time at once or a little later."""
        with self._lock:
            self._repeats = count

    def reorder_reports(self, count: int) -> None:
        """So many reports and fills take a random time on their way and overtake each other."""
        with self._lock:
            self._reorders = count

    def delay_fills(self, count: int, seconds: float) -> None:
        """So many fills come later than everything that followed them."""
        with self._lock:
            self._delays, self._late_s = count, seconds

    def mute_feed(self) -> None:
        """No tick and no book comes any more, and nobody says so."""
        with self._lock:
            self._is_muted = True
            self.harmed += 1

    def drop(self, *, is_told: bool) -> None:
        """The link drops; where it is not told, calls just stay unanswered."""
        with self._wake:
            self._is_down, self._is_down_untold = True, not is_told
            self.harmed += 1
            if is_told:
                self._put_links(LinkState.DOWN, "the link to the exchange dropped")

    def lift(self) -> None:
        """Ends every fault: the link comes back with what it withheld, the feed goes on."""
        with self._wake:
            self._fates.clear()
            self._repeats = self._reorders = self._delays = 0
            self._is_muted = False
            if not self._is_down:
                return
            was_told, self._is_down, self._is_down_untold = not self._is_down_untold, False, False
            if was_told:
                self._put_links(LinkState.UP, "")
            withheld, self._withheld = self._withheld, []
            for message in withheld:
                self._put(message)

    # --- what the exchange tells (its thread) --------------------------------------------------------------------

    def on_tick(
        self, symbol: str, ts_event: int, price: int, quantity: int, total_volume: int, flags: int = 0
    ) -> None:
        """See :class:`engine.brokers.base.BrokerListener`."""
        if not flags & TickFlag.TRIAL:
            with self._lock:
                self._prices = self._prices.after(price)
        self._tell_market("on_tick", (symbol, ts_event, price, quantity, total_volume, flags))

    def on_book(self, symbol: str, ts_event: int, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> None:
        """See :class:`engine.brokers.base.BrokerListener`."""
        self._tell_market("on_book", (symbol, ts_event, bids, asks))

    def on_order(self, report: OrderReport) -> None:
        """See :class:`engine.brokers.base.BrokerListener`."""
        with self._wake:
            if report.client_order_id in self._silent and report.status in (
                OrderStatus.ACCEPTED,
                OrderStatus.REJECTED,
            ):
                self._silent.discard(report.client_order_id)
                return
            self._tell_order_side(("tell", "on_order", (report,)))

    def on_fill(self, fill: Fill) -> None:
        """See :class:`engine.brokers.base.BrokerListener`."""
        with self._wake:
            order = self._orders.get(fill.client_order_id)
            if order is not None:
                self._mark(Mark.EXIT_FILLED if order.reduce_only else Mark.ENTRY_FILLED)
            message = ("tell", "on_fill", (fill,))
            if self._delays and not self._is_down:
                self._delays -= 1
                self.harmed += 1
                self._put(message, self._late_s)
            else:
                self._tell_order_side(message)

    def on_link(self, link: str, state: LinkState, text: str = "") -> None:
        """See :class:`engine.brokers.base.BrokerListener`."""
        with self._wake:
            self._put(("tell", "on_link", (link, state, text)))

    def on_contract(self, contract: Contract) -> None:
        """See :class:`engine.brokers.base.BrokerListener`."""
        with self._wake:
            self._put(("tell", "on_contract", (contract,)))

    def on_pace(self, round: int, position: int, now_ns: int, is_end: bool = False) -> None:
        """The exchanges of a drill wait for nobody."""

    # --- the way to the program, locked --------------------------------------------------------------------------

    def _tell_market(self, method: str, args: tuple[Any, ...]) -> None:
        with self._wake:
            if args[0] in self._subscribed and not (self._is_muted or self._is_down):
                self._put(("tell", method, args))

    def _tell_order_side(self, message: tuple[Any, ...]) -> None:
        if self._is_down:
            self._withheld.append(message)
            return
        delay = 0.0
        if self._reorders:
            self._reorders -= 1
            self.harmed += 1
            delay = self._random.uniform(0.0, 0.25)
        self._put(message, delay)
        if self._repeats:
            self._repeats -= 1
            self.harmed += 1
            self._put(message, self._random.choice((0.0, 0.02, 0.3)))

    def _put_links(self, state: LinkState, text: str) -> None:
        for link in LINKS:
            self._put(("tell", "on_link", (link, state, text)))

    def _put(self, message: tuple[Any, ...], delay_s: float = 0.0) -> None:
        if self._pipe is None or (message[0] == "tell" and not self._is_listening):
            return
        self._count += 1
        heapq.heappush(self._heap, (time.monotonic() + delay_s, self._count, message))
        self._wake.notify()

    def _mark(self, mark: Mark) -> None:
        self.marks.setdefault(mark, time.monotonic())

    def _send_all(self) -> None:
        while True:
            with self._wake:
                while not self._is_closing and (not self._heap or self._heap[0][0] > time.monotonic()):
                    self._wake.wait(max(0.0, self._heap[0][0] - time.monotonic()) if self._heap else None)
                if self._is_closing:
                    return
                pipe, message = self._pipe, heapq.heappop(self._heap)[2]
            if pipe is not None:
                self._write(pipe, message)

    def _write(self, pipe: Connection, message: tuple[Any, ...]) -> None:
        with self._writing, contextlib.suppress(OSError):  # a program that was killed hears nothing
            pipe.send(message)

    # --- calls of the program ------------------------------------------------------------------------------------

    def _serve(self, pipe: Connection) -> None:
        """Reads a program's calls until it has ended."""
        while True:
            try:
                _, number, method, args = pipe.recv()
            except (EOFError, OSError):
                return
            try:
                reply: tuple[Any, ...] = ("reply", number, self._handle(method, args))
            except _Silence:
                continue
            except BrokerRefused as error:
                reply = ("refused", number, error.code, str(error))
            except BrokerAmbiguous as error:
                reply = ("ambiguous", number, str(error))
            if method == "close":
                self._write(pipe, ("farewell", number, None))
                return
            self._write(pipe, reply)
            if method == "start":
                self._begin_telling()

    def _begin_telling(self) -> None:
        with self._wake:
            self._is_listening = True
            if not self._is_down:
                self._put_links(LinkState.UP, "")

    def _handle(self, method: str, args: tuple[Any, ...]) -> Any:
        if method == "login":
            return self._hello(*args)
        if method in ("start", "close"):
            return None
        if method not in _CALLS:
            raise BrokerRefused(Reason.INVALID, f"{method} is no call of a broker.")
        if method in _WITH_EXCHANGE and self._is_down and method != "submit":
            self._refuse()
        if method in ("subscribe", "unsubscribe"):
            return self._subscribe(method, *args)
        return self._submit(*args) if method == "submit" else getattr(self.exchange, method)(*args)

    def _subscribe(self, method: str, symbol: str) -> None:
        """The drill itself goes on to see what a program subscribes no more."""
        if method == "subscribe":
            self.exchange.subscribe(symbol)
        with self._lock:
            (self._subscribed.add if method == "subscribe" else self._subscribed.discard)(symbol)

    def _hello(self, credentials: Credentials) -> Hello:
        return Hello(self.accounts, self.exchange.clock.now_ns(), self.speed)

    def _refuse(self) -> None:
        if self._is_down_untold:
            raise BrokerAmbiguous("the exchange does not answer")
        raise BrokerRefused(Reason.NOT_CONNECTED, "no link to the exchange")

    def _submit(self, approved: ApprovedOrder) -> str:
        order = approved.order
        note = order.client_order_id
        with self._lock:
            self._calls[note] += 1
            self._orders[note] = order
            self._mark(Mark.EXIT_CALLED if order.reduce_only else Mark.ENTRY_CALLED)
            fate = self._fates.popleft() if self._fates else Fate()
            is_down = self._is_down
            if fate.reply is not Reply.GIVEN:
                self.harmed += 1
            if fate.reply is Reply.LOST_ALIVE:
                self._silent.add(note)
        if is_down:
            self._refuse()
        number = "" if fate.reply is Reply.LOST_DEAD else self.exchange.submit(approved)
        if fate.reply is Reply.GIVEN:
            return number
        if fate.is_silent:
            raise _Silence
        raise BrokerAmbiguous(f"no answer to order {note}")
