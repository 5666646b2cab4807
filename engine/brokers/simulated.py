"""The simulated exchange as a broker: one thread drives the market by its clock and tells what happens.

Requests travel ``latency_ms`` of wall time before the exchange sees them. While the link is down nothing is
told and nothing can be sent; the reports of that time follow after the reconnect, and queries know them at once.
"""

import heapq
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, TypeAlias

from engine.brokers.base import ApprovedOrder, BrokerListener, Credentials, OrderReport
from engine.brokers.faults import Faults, Reply
from engine.brokers.rules import Refusal
from engine.brokers.simulated_market import STEP_NS, MarketBook, MarketPrint, Output, SimulatedMarket
from engine.errors import BrokerAmbiguous, BrokerRefused
from engine.model.market import Contract, Environment, LinkState
from engine.model.order import Fill, Order, OrderStatus, Reason, TimeInForce
from engine.model.position import Account
from engine.model.session import TAIPEI, Phase, SessionKind, TradingCalendar
from engine.settings import Simulation
from engine.timing import NS_PER_MS, NS_PER_S, AcceleratedClock, WallClock

LINKS: Final = ("trade", "quote")
_BOOK_EVERY_NS: Final = 100 * NS_PER_MS
"""Wall time between two books of a contract: more often nobody can read them."""
_SHORTEST_WAIT_S: Final = 0.005
_MOST_STEPS: Final = 400
"""Steps taken at a time, so that requests come in between even where the machine cannot keep up."""


@dataclass(frozen=True, slots=True)
class _LinkChanged:
    state: LinkState
    text: str


_Output: TypeAlias = Output | _LinkChanged
_Request: TypeAlias = Callable[[], Sequence[_Output]]


class SimulatedExchange:
    """A :class:`engine.brokers.base.Broker` with a market of its own, open at any hour.

    Args:
        settings: seed, speed and faults.
        calendar: sessions and trading days.
        start_ns: first market instant. Without it the present instant where a session is open, else 09:30 of the
            latest trading day.
    """

    environment = Environment.SIMULATED
    is_paced = False

    def __init__(self, settings: Simulation, calendar: TradingCalendar, start_ns: int | None = None) -> None:
        self._settings = settings
        self._market = SimulatedMarket(
            settings.seed, calendar, start_ns if start_ns is not None else default_start(calendar)
        )
        self.clock = AcceleratedClock(self._market.now_ns, settings.speed)
        self.faults = Faults(settings)
        self._listener: BrokerListener | None = None
        self._account = ""
        self._subscribed: set[str] = set()
        self._wake = threading.Condition()
        self._requests: list[tuple[int, int, _Request]] = []
        self._request_count = 0
        self._order_count = 0
        self._sent: set[str] = set()
        self._silent: set[str] = set()
        """Orders whose acceptance is the reply that got lost."""
        self._is_up = False
        self.is_muted = False
        """A fault on command: the quote side says nothing, and no event tells that it is so."""
        self._change_link_ns = 0
        self._outbox: list[_Output] = []
        self._withheld: list[_Output] = []
        self._books_due_ns = 0
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name="simulated-exchange", daemon=True)

    # ------------------------------------------------------------------------------------------ Broker

    def login(self, credentials: Credentials) -> tuple[Account, ...]:
        """Any user but an empty one is welcome."""
        user = credentials.user.strip()
        if not user:
            raise BrokerRefused("login", "The simulated exchange wants a user name, any will do.")
        self._account = f"SIM-{user}"
        return (Account(account=self._account, name=user),)

    def contracts(self) -> tuple[Contract, ...]:
        with self._wake:
            return self._market.contracts()

    def start(self, listener: BrokerListener) -> None:
        if not self._account:
            raise BrokerRefused("login", "Log in before starting.")
        self._listener = listener
        self.clock.jump_to(self._market.now_ns)
        with self._wake:
            self._put(self._return())
        self._thread.start()

    def subscribe(self, symbol: str) -> None:
        with self._wake:
            if not self._market.has(symbol):
                raise BrokerRefused(Reason.UNKNOWN_SYMBOL, f"{symbol} is not listed.")
            self._market.watch(symbol)
            self._subscribed.add(symbol)

    def unsubscribe(self, symbol: str) -> None:
        with self._wake:
            self._subscribed.discard(symbol)

    def submit(self, approved: ApprovedOrder) -> str:
        order = approved.order
        with self._wake:
            self._check_link()
            self._check_order(order)
            reply = self.faults.reply()
            if reply is Reply.LOST_DEAD:
                raise BrokerAmbiguous(f"No answer to order {order.client_order_id}.")
            self._sent.add(order.client_order_id)
            self._order_count += 1
            number = f"S{self._order_count:05d}"
            self._send(lambda: self._arrive(order, number))
            if reply is Reply.LOST_ALIVE:
                self._silent.add(order.client_order_id)
                raise BrokerAmbiguous(f"No answer to order {order.client_order_id}.")
        return number

    def cancel(self, order: Order) -> None:
        with self._wake:
            self._check_working(order)
            self._send(lambda: self._market.cancel(order.client_order_id))

    def replace(self, order: Order, price: int, quantity: int) -> None:
        with self._wake:
            self._check_working(order)
            self._send(lambda: self._market.replace(order.client_order_id, price, quantity))

    def query_orders(self, account: str) -> tuple[OrderReport, ...]:
        """Every order of the present trade date.

        Raises:
            BrokerRefused: the link is down.
        """
        with self._wake:
            self._check_link()
            return self._market.desk.reports(account, self._market.trade_date)

    def query_fills(self, account: str) -> tuple[Fill, ...]:
        """Every execution of the present trade date.

        Raises:
            BrokerRefused: the link is down.
        """
        with self._wake:
            self._check_link()
            return self._market.desk.fills(account, self._market.trade_date)

    def query_positions(self, account: str) -> dict[str, int]:
        """Net lots by symbol.

        Raises:
            BrokerRefused: the link is down.
        """
        with self._wake:
            self._check_link()
            return self._market.desk.positions(account)

    def set_pacers(self, nodes: frozenset[str]) -> None:
        """The simulated market waits for nobody."""

    def on_watermark(self, node: str, round: int, position: int) -> None:
        """The simulated market waits for nobody."""

    def close(self) -> None:
        with self._wake:
            self._is_closing = True
            self._wake.notify_all()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join()

    # ------------------------------------------------------------------------------- faults on command

    def drop_link(self, seconds: float) -> None:
        """The link drops now and comes back after so much market time."""
        with self._wake:
            self._send(lambda: self._drop(int(seconds * NS_PER_S)), latency_ms=0.0)

    def move_price(self, points: int) -> None:
        """Makers and takers believe in a price so many points away, as after a piece of news."""
        with self._wake:
            self._send(lambda: self._market.move_price(points), latency_ms=0.0)

    # -------------------------------------------------------------------------- the caller's side, locked

    def _check_link(self) -> None:
        if not self._is_up or self._is_closing:
            raise BrokerRefused(Reason.NOT_CONNECTED, "No link to the simulated exchange.")

    def _check_order(self, order: Order) -> None:
        if order.account != self._account:
            raise BrokerRefused(Reason.UNKNOWN_ACCOUNT, f"{order.account} is no account of this login.")
        if not self._market.has(order.symbol):
            raise BrokerRefused(Reason.UNKNOWN_SYMBOL, f"{order.symbol} is not listed.")
        if order.client_order_id in self._sent:
            raise BrokerRefused(Reason.DUPLICATE, f"Order {order.client_order_id} was sent before.")

    def _check_working(self, order: Order) -> None:
        self._check_link()
        order_id = self._market.desk.id_of(order.client_order_id)
        if order_id is not None and self._market.desk.report(order_id).status.is_final:
            raise BrokerRefused(Reason.NOT_WORKING, f"Order {order.client_order_id} is not working any more.")

    def _send(self, request: _Request, latency_ms: float | None = None) -> None:
        delay = self._settings.latency_ms if latency_ms is None else latency_ms
        self._request_count += 1
        due = time.monotonic_ns() + int(delay * NS_PER_MS)
        heapq.heappush(self._requests, (due, self._request_count, request))
        self._wake.notify_all()

    # --------------------------------------------------------------------------- the exchange's thread

    def _run(self) -> None:
        while True:
            with self._wake:
                self._work()
                if not self._outbox:
                    self._wake.wait(self._wait_s())
                told, self._outbox = self._outbox, []
                if self._is_closing:
                    return
            for output in told:
                self._tell(output)

    def _work(self) -> None:
        """One turn: time passes, requests arrive, the link comes or goes, books are shown."""
        market, now = self._market, time.monotonic_ns()
        self._put(market.run_to(min(self.clock.now_ns(), market.now_ns + _MOST_STEPS * STEP_NS)))
        if market.is_closed():
            self._put(market.skip_closed())
            self.clock.jump_to(market.now_ns)
        if self._change_link_ns and market.now_ns >= self._change_link_ns:
            self._put(self._drop(self.faults.down_ns()) if self._is_up else self._return())
        while self._requests and self._requests[0][0] <= now:
            self._put(heapq.heappop(self._requests)[2]())
        if now >= self._books_due_ns:
            self._books_due_ns = now + _BOOK_EVERY_NS
            self._put(market.books(self._subscribed))

    def _wait_s(self) -> float:
        """Seconds until the next step of the market or the next request."""
        step_ns = (self._market.now_ns + STEP_NS - self.clock.now_ns()) / self.clock.speed
        wait = max(step_ns / NS_PER_S, _SHORTEST_WAIT_S)
        if self._requests:
            wait = min(wait, max(0.0, (self._requests[0][0] - time.monotonic_ns()) / NS_PER_S))
        return wait

    def _arrive(self, order: Order, number: str) -> list[Output]:
        refusal = Refusal(Reason.BROKER, "refused at random, as set") if self.faults.is_rejected() else None
        is_immediate = order.time_in_force is not TimeInForce.ROD
        most = self.faults.most_lots(order.quantity) if is_immediate else order.quantity
        return self._market.submit(order, number, refusal, most)

    def _drop(self, duration_ns: int) -> list[_Output]:
        self._change_link_ns = self._market.now_ns + duration_ns
        self._is_up = False
        return [_LinkChanged(LinkState.DOWN, "the link to the simulated exchange dropped")]

    def _return(self) -> list[_Output]:
        up_ns = self.faults.up_ns()
        self._change_link_ns = self._market.now_ns + up_ns if up_ns else 0
        self._is_up = True
        withheld, self._withheld = self._withheld, []
        for symbol in self._subscribed:
            self._market.watch(symbol)
        return [_LinkChanged(LinkState.UP, ""), *withheld]

    def _put(self, outputs: Iterable[_Output]) -> None:
        """Sorts out what is told now, later or never."""
        for output in outputs:
            if isinstance(output, MarketPrint | MarketBook):
                if self._is_up and not self.is_muted and output.symbol in self._subscribed:
                    self._outbox.append(output)
            elif isinstance(output, OrderReport) and self._is_lost(output):
                self._silent.discard(output.client_order_id)
            elif self._is_up or isinstance(output, _LinkChanged):
                self._outbox.append(output)
            else:
                self._withheld.append(output)

    def _is_lost(self, report: OrderReport) -> bool:
        """Whether it is the first reply to an order whose reply gets lost."""
        return report.client_order_id in self._silent and report.status in (
            OrderStatus.ACCEPTED,
            OrderStatus.REJECTED,
        )

    def _tell(self, output: _Output) -> None:
        listener = self._listener
        assert listener is not None  # the thread begins in start()
        match output:
            case MarketPrint():
                listener.on_tick(
                    output.symbol,
                    output.ts_event,
                    output.price,
                    output.quantity,
                    output.total_volume,
                    output.flags,
                )
            case MarketBook():
                listener.on_book(output.symbol, output.ts_event, output.bids, output.asks)
            case OrderReport():
                listener.on_order(output)
            case Fill():
                listener.on_fill(output)
            case Contract():
                listener.on_contract(output)
            case _LinkChanged():
                for link in LINKS:
                    listener.on_link(link, output.state, output.text)


def default_start(calendar: TradingCalendar, wall_ns: int | None = None) -> int:
    """The present instant where a session is open, else 09:30 of the latest trading day's day session."""
    now_ns = WallClock().now_ns() if wall_ns is None else wall_ns
    if calendar.phase_at(now_ns) is Phase.CONTINUOUS:
        return now_ns
    today = datetime.fromtimestamp(now_ns / NS_PER_S, TAIPEI).date()
    day = calendar.previous_trading_day(today + timedelta(days=1))
    if _half_past_nine(calendar, day) > now_ns:
        day = calendar.previous_trading_day(day)
    return _half_past_nine(calendar, day)


def _half_past_nine(calendar: TradingCalendar, day: date) -> int:
    return calendar.session(day, SessionKind.DAY).open_ns + 45 * 60 * NS_PER_S
