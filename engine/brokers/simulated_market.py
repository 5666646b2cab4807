"""The simulated exchange without its wires: contracts, books, order flow and the trader's orders, step by step.

Pure: the same seed, the same steps and the same orders at the same steps give the same market. It holds the
exchange's time, which moves only in :meth:`SimulatedMarket.run_to`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, TypeAlias

from engine.brokers.desk import OrderDesk, Told
from engine.brokers.matching import Cancelled, Event, MatchingEngine, Rejected, Traded
from engine.brokers.order_flow import STEP_S, LatentPrice, OrderFlow
from engine.brokers.rules import ContractRules, Refusal
from engine.model.instrument import PRODUCTS, Instrument, instrument, listed_months, symbol_of
from engine.model.market import Contract
from engine.model.order import Order, Reason
from engine.model.session import Phase, Session, TradingCalendar
from engine.model.tick import Level, TickFlag
from engine.timing import NS_PER_S

STEP_NS: Final = int(STEP_S * NS_PER_S)
START_PRICE: Final = 22_800
PRICE_LIMIT: Final = 0.1
"""Share of the reference price that a day's prices may lie away from it."""

_BEFORE_OPEN_NS: Final = 5 * NS_PER_S
"""How long before an open a closed market is entered again."""
_TRADES_PER_S: Final = {"TXF": 6.0, "MXF": 5.0, "TMF": 3.0}
_FAR_MONTH: Final = 0.05
"""A later contract month trades by this factor less than the one before."""
_CARRY: Final = 9
"""Points that a contract month costs more than the one before."""


@dataclass(frozen=True, slots=True)
class MarketPrint:
    """A trade print."""

    symbol: str
    ts_event: int
    price: int
    quantity: int
    total_volume: int
    flags: int


@dataclass(frozen=True, slots=True)
class MarketBook:
    """The best levels of a contract."""

    symbol: str
    ts_event: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]


Output: TypeAlias = MarketPrint | MarketBook | Told | Contract


class _Listing:
    """One contract month: its engine, and its flow once somebody looks at it."""

    def __init__(self, item: Instrument, engine: MatchingEngine, rank: int, reference: int) -> None:
        self.instrument = item
        self.engine = engine
        self.rank = rank
        self.last = reference
        self.volume = 0
        self.flow: OrderFlow | None = None
        self.book: tuple[tuple[Level, ...], tuple[Level, ...]] = ((), ())
        self.gathered: Session | None = None

    @property
    def trades_per_s(self) -> float:
        """How lively the month is."""
        return _TRADES_PER_S[self.instrument.product.code] * _FAR_MONTH**self.rank

    def contract(self) -> Contract:
        rules = self.engine.rules
        return Contract(
            symbol=self.instrument.symbol,
            product=self.instrument.product.code,
            contract_month=self.instrument.contract_month,
            reference_price=rules.reference_price,
            limit_up=rules.limit_up,
            limit_down=rules.limit_down,
        )


class SimulatedMarket:
    """All contract months of the three products on one exchange.

    Args:
        seed: of everything random.
        calendar: sessions and trading days.
        start_ns: first instant; where the market is closed then, the next session is the first.
    """

    def __init__(self, seed: int, calendar: TradingCalendar, start_ns: int) -> None:
        self._seed = seed
        self._calendar = calendar
        self._latent = LatentPrice(seed, START_PRICE)
        self.desk = OrderDesk()
        self._listings: dict[str, _Listing] = {}
        self.now_ns = start_ns
        if calendar.phase_at(start_ns) is Phase.CLOSED:
            self.now_ns = self.resumes_ns()
        self._session: Session | None = self._order_session()
        self.trade_date: date = self._order_session().trade_date
        self._list_contracts()

    def contracts(self) -> tuple[Contract, ...]:
        """What trades on the present trade date."""
        return tuple(listing.contract() for listing in self._listings.values())

    def has(self, symbol: str) -> bool:
        """Whether a contract is listed."""
        return symbol in self._listings

    def is_closed(self) -> bool:
        """No session is open and no order is taken."""
        return self._calendar.phase_at(self.now_ns) is Phase.CLOSED

    def resumes_ns(self) -> int:
        """The instant shortly before the next open."""
        session = self._calendar.next_session(self.now_ns)
        assert session is not None  # the calendar has no end without a last trading day
        return session.open_ns - _BEFORE_OPEN_NS

    def watch(self, symbol: str) -> None:
        """Somebody looks at a contract: it is active, and its next book is told whole."""
        self._activate(symbol)
        self._listings[symbol].book = ((), ())

    def _activate(self, symbol: str) -> None:
        """Lets makers and takers into a contract; quiet contracts cost nothing."""
        listing = self._listings[symbol]
        if listing.flow is None:
            listing.flow = OrderFlow(listing.engine, self._seed, listing.trades_per_s)

    def run_to(self, now_ns: int) -> list[Output]:
        """Steps up to an instant; stops early where the market closes."""
        outputs: list[Output] = []
        while self.now_ns + STEP_NS <= now_ns:
            self.now_ns += STEP_NS
            outputs += self._step()
            if self.is_closed():
                break
        return outputs

    def skip_closed(self) -> list[Output]:
        """Jumps from a closed market to shortly before the next open."""
        self.now_ns = self.resumes_ns()
        return self._step()

    def books(self, symbols: Iterable[str]) -> list[MarketBook]:
        """The books of those contracts that have changed since the last call."""
        changed = []
        for symbol in symbols:
            listing = self._listings.get(symbol)
            if listing is not None and (book := listing.engine.depth()) != listing.book:
                listing.book = book
                changed.append(MarketBook(symbol, self.now_ns, *book))
        return changed

    def move_price(self, points: int) -> list[Output]:
        """What everybody believes in lies so many points away from now on; trades will tell."""
        self._latent.value += points
        return []

    def submit(
        self, order: Order, broker_order_id: str, refusal: Refusal | None = None, most: int = 0
    ) -> list[Output]:
        """A trader's order arrives.

        Args:
            order: as it was sent.
            broker_order_id: number given to it.
            refusal: the exchange rejects it for that reason.
            most: it finds so many lots only, and its rest is killed; 0 = as many as there are.
        """
        ticket = self.desk.open(order, broker_order_id, self.trade_date)
        listing = self._listings.get(order.symbol)
        if listing is None:
            refusal = Refusal(Reason.UNKNOWN_SYMBOL, f"{order.symbol} is not listed")
        if listing is None or refusal is not None:
            rejected = Rejected(ticket.order_id, refusal or Refusal(Reason.BROKER, ""), self.now_ns)
            return [*self.desk.apply(rejected)]
        self._activate(order.symbol)
        if not 0 < most < ticket.quantity:
            return self._publish(listing, listing.engine.submit(ticket, self.now_ns))
        events = listing.engine.submit(replace(ticket, quantity=most), self.now_ns)
        if not any(isinstance(event, Rejected | Cancelled) for event in events):
            events.append(Cancelled(ticket.order_id, Reason.KILLED, self.now_ns))
        return self._publish(listing, events)

    def cancel(self, client_order_id: str) -> list[Output]:
        """A request to cancel arrives; an order that has ended or never arrived gives no answer."""
        found = self._find(client_order_id)
        if found is None:
            return []
        order_id, listing = found
        return self._publish(listing, listing.engine.cancel(order_id, self.now_ns))

    def replace(self, client_order_id: str, price: int, quantity: int) -> list[Output]:
        """A request for a new price or a smaller quantity arrives."""
        found = self._find(client_order_id)
        if found is None:
            return []
        order_id, listing = found
        return self._publish(listing, listing.engine.replace(order_id, price, quantity, self.now_ns))

    def _find(self, client_order_id: str) -> tuple[int, _Listing] | None:
        order_id = self.desk.id_of(client_order_id)
        if order_id is None:
            return None
        listing = self._listings.get(self.desk.order(order_id).symbol)
        return None if listing is None else (order_id, listing)

    def _step(self) -> list[Output]:
        outputs: list[Output] = []
        session = self._calendar.session_at(self.now_ns)
        if session is None and not self.is_closed():
            session = self._order_session()
        if session != self._session:
            outputs += self._change_session(session)
        if session is None:
            return outputs
        fair = self._latent.step()
        for listing in self._listings.values():
            if listing.flow is not None:
                outputs += self._step_listing(listing, listing.flow, session, fair)
        return outputs

    def _step_listing(self, listing: _Listing, flow: OrderFlow, session: Session, fair: float) -> list[Output]:
        events = listing.engine.advance(self.now_ns)
        price = self._clamped(listing, fair + listing.rank * _CARRY)
        if listing.engine.rules.session_at(self.now_ns) is not None:
            events += flow.step(price, self.now_ns)
        elif not session.contains(self.now_ns) and listing.gathered != session:
            listing.gathered = session
            events += flow.gather(price, self.now_ns)
        return self._publish(listing, events) if events else []

    @staticmethod
    def _clamped(listing: _Listing, price: float) -> float:
        """A price that leaves room for the makers' levels within the limits."""
        rules = listing.engine.rules
        return min(max(price, rules.limit_down + 20), rules.limit_up - 20)

    def _publish(self, listing: _Listing, events: list[Event]) -> list[Output]:
        """Prints and the trader's reports; trades in a row at one price are one print."""
        outputs: list[Output] = []
        run: list[Traded] = []
        for event in events:
            if isinstance(event, Traded):
                if run and (run[-1].price, run[-1].is_opening) != (event.price, event.is_opening):
                    outputs.append(self._print(listing, run))
                    run = []
                run.append(event)
            elif run:
                outputs.append(self._print(listing, run))
                run = []
            outputs += self.desk.apply(event)
        if run:
            outputs.append(self._print(listing, run))
        return outputs

    @staticmethod
    def _print(listing: _Listing, run: list[Traded]) -> MarketPrint:
        lots = sum(event.quantity for event in run)
        listing.volume += lots
        listing.last = run[-1].price
        flags = TickFlag.OPENING if run[0].is_opening else TickFlag.NONE
        return MarketPrint(
            listing.instrument.symbol, run[0].ts_event, listing.last, lots, listing.volume, int(flags)
        )

    def _order_session(self) -> Session:
        session = self._calendar.session_at(self.now_ns) or self._calendar.next_session(self.now_ns)
        assert session is not None  # the calendar has no end without a last trading day
        return session

    def _change_session(self, session: Session | None) -> list[Output]:
        """Orders of the ended session expire; after a day session a new trade date begins."""
        outputs: list[Output] = []
        for listing in self._listings.values():
            outputs += self._publish(listing, listing.engine.advance(self.now_ns))
            listing.volume = 0
            if listing.flow is not None:
                listing.flow.clear()
        self._session = session
        if session is not None and session.trade_date != self.trade_date:
            self.trade_date = session.trade_date
            self._latent.rebase()
            self._list_contracts()
            outputs += self.contracts()
        return outputs

    def _list_contracts(self) -> None:
        """Contracts of the trade date: new months come, expired ones go, references and limits are set."""
        before, self._listings = self._listings, {}
        months = listed_months(self.trade_date, self._calendar)
        for product in PRODUCTS.values():
            for rank, month in enumerate(months):
                symbol = symbol_of(product.code, month)
                item = instrument(symbol, near=self.trade_date, calendar=self._calendar)
                listing = before.get(symbol)
                reference = listing.last if listing else round(self._latent.value) + rank * _CARRY
                limits = round(reference * (1 + PRICE_LIMIT)), round(reference * (1 - PRICE_LIMIT))
                if listing is None:
                    rules = ContractRules(
                        instrument=item,
                        calendar=self._calendar,
                        reference_price=reference,
                        limit_up=limits[0],
                        limit_down=limits[1],
                    )
                    listing = _Listing(item, MatchingEngine(rules), rank, reference)
                else:
                    listing.engine.set_limits(reference, *limits)
                    listing.rank = rank
                    if listing.flow is not None:
                        listing.flow.trades_per_s = listing.trades_per_s
                self._listings[symbol] = listing
