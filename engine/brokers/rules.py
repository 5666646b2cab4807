"""What the exchange takes: the checks of a new order and of a change to one. Pure, without a book.

Both the matching engine and the replay use them, so an order that one refuses the other refuses too.
Source of the figures: TAIFEX trading rules, as held in :class:`engine.model.instrument.Product`.
"""

from dataclasses import dataclass
from typing import Final

from engine.model.instrument import Instrument
from engine.model.order import OrderType, Reason, Side, TimeInForce
from engine.model.session import Phase, Session, SessionKind, TradingCalendar

RANGE_MARKET_BAND: Final = 0.01
"""How far beyond the best opposite price a range-market order may trade, as a share of that price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """An order as it reaches the exchange.

    Attributes:
        order_id: number given by the exchange, unique; who owns it is the adapter's business.
        side: buy or sell.
        order_type: limit, market or range-market.
        time_in_force: ROD, IOC or FOK.
        price: scaled limit price; not read for market and range-market orders.
        quantity: lots.
    """

    order_id: int
    side: Side
    order_type: OrderType
    time_in_force: TimeInForce
    price: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was refused: a code and the figures for people."""

    reason: Reason
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractRules:
    """One contract's rules on one trade date.

    Attributes:
        instrument: the contract.
        calendar: its sessions.
        reference_price: previous settlement, scaled; 0 where it is not known.
        limit_up: highest price of the day, scaled; 0 where there is none.
        limit_down: lowest price of the day; 0 where there is none.
    """

    instrument: Instrument
    calendar: TradingCalendar
    reference_price: int = 0
    limit_up: int = 0
    limit_down: int = 0

    def phase_at(self, ts_ns: int) -> Phase:
        """What orders may do at that instant."""
        return self.calendar.phase_at(ts_ns, last_trading_day=self.instrument.last_trading_day)

    def session_at(self, ts_ns: int) -> Session | None:
        """The contract's session that prints of that instant belong to."""
        return self.calendar.session_at(ts_ns, last_trading_day=self.instrument.last_trading_day)

    def order_session(self, ts_ns: int) -> Session | None:
        """The session in which an order entered at that instant lives, None where none is taken."""
        session = self.session_at(ts_ns)
        if session is None and self.phase_at(ts_ns) is not Phase.CLOSED:
            session = self.calendar.next_session(ts_ns, last_trading_day=self.instrument.last_trading_day)
        return session

    def entry_refusal(self, ticket: Ticket, ts_ns: int) -> Refusal | None:
        """Why the exchange refuses a new order at that instant, None where it takes it."""
        session = self.order_session(ts_ns)
        if session is None:
            return Refusal(Reason.SESSION_CLOSED, "the market is closed")
        if ticket.time_in_force is TimeInForce.FOK and self.session_at(ts_ns) is None:
            return Refusal(Reason.INVALID, "FOK orders are taken from the open on")
        return self._size_refusal(ticket, session.kind) or self._price_refusal(ticket)

    def price_refusal(self, price: int) -> Refusal | None:
        """Why a limit price is refused, None where it is allowed."""
        step = self.instrument.product.tick_size
        if price % step:
            return Refusal(Reason.TICK_SIZE, f"{price} is no multiple of the tick {step}")
        if self.limit_up and price > self.limit_up:
            return Refusal(Reason.PRICE_LIMIT, f"{price} is above the limit {self.limit_up}")
        if price < self.limit_down:
            return Refusal(Reason.PRICE_LIMIT, f"{price} is below the limit {self.limit_down}")
        return None

    def change_refusal(self, ts_ns: int) -> Refusal | None:
        """Why orders can be neither cancelled nor replaced at that instant, None where they can."""
        phase = self.phase_at(ts_ns)
        if phase is Phase.ADD_ONLY:
            return Refusal(Reason.FORBIDDEN, "in the last two minutes before the open orders can only be added")
        if phase is Phase.CLOSED:
            return Refusal(Reason.SESSION_CLOSED, "the market is closed")
        return None

    def replace_refusal(
        self, order_type: OrderType, quantity: int, filled: int, price: int, new_quantity: int, ts_ns: int
    ) -> Refusal | None:
        """Why a working order cannot get a new price or total quantity (0 = unchanged), None where it can."""
        if refusal := self.change_refusal(ts_ns):
            return refusal
        if new_quantity and not filled < new_quantity <= quantity:
            return Refusal(
                Reason.INVALID,
                f"{new_quantity} lots: a new total must lie above {filled} and not above {quantity}",
            )
        if price and order_type is not OrderType.LIMIT:
            return Refusal(Reason.INVALID, "only limit orders have a price to change")
        return self.price_refusal(price) if price else None

    def range_limit(self, side: Side, opposite: int) -> int:
        """The price that a range-market order may not trade beyond, given the best opposite price."""
        step = self.instrument.product.tick_size
        band = max(step, int(opposite * RANGE_MARKET_BAND) // step * step)
        limit = opposite + side.sign * band
        if side is Side.BUY:
            return min(limit, self.limit_up) if self.limit_up else limit
        return max(limit, self.limit_down)

    def _size_refusal(self, ticket: Ticket, kind: SessionKind) -> Refusal | None:
        product = self.instrument.product
        most = product.max_limit_lots
        if ticket.order_type is OrderType.MARKET:
            is_day = kind is SessionKind.DAY
            most = product.max_market_lots_day if is_day else product.max_market_lots_night
        if ticket.quantity < 1:
            return Refusal(Reason.ORDER_SIZE, f"{ticket.quantity} lots: at least 1 is needed")
        if ticket.quantity > most:
            name = ticket.order_type.value.replace("_", "-")
            return Refusal(
                Reason.ORDER_SIZE,
                f"{ticket.quantity} lots: a {name} order of the {kind} session has at most {most}",
            )
        return None

    def _price_refusal(self, ticket: Ticket) -> Refusal | None:
        if ticket.order_type is not OrderType.LIMIT:
            return None
        if ticket.price < 1:
            return Refusal(Reason.NO_PRICE, "a limit order needs a price")
        return self.price_refusal(ticket.price)
