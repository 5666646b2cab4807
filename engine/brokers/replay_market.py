"""The replayed market without thread or wall clock: the tape, the trader's orders and what they trade."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from engine.brokers.base import OrderReport
from engine.brokers.desk import OrderDesk, Told
from engine.brokers.matching import Event
from engine.brokers.print_matching import PrintMatcher
from engine.brokers.rules import ContractRules
from engine.brokers.tape import Tape
from engine.model.instrument import instrument
from engine.model.market import Contract
from engine.model.order import Fill, Order
from engine.model.session import TradingCalendar


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Asks to cancel what is left of an order."""

    client_order_id: str


@dataclass(frozen=True, slots=True)
class ReplaceRequest:
    """Asks for a new limit price or a smaller total quantity; 0 = unchanged."""

    client_order_id: str
    price: int
    quantity: int


ChangeRequest: TypeAlias = CancelRequest | ReplaceRequest


def order_number(client_order_id: str) -> str:
    """The broker's number of an order: the same at every run."""
    return f"R-{client_order_id}"


class ReplayMarket:
    """Matches orders against the tape; positions and numbers are those of :class:`engine.brokers.tape.Tape`.

    Args:
        tape: all prints.
        calendar: sessions and trading days.
    """

    def __init__(self, tape: Tape, calendar: TradingCalendar) -> None:
        self.tape = tape
        self.trade_date = tape.sessions[-1].trade_date
        self._instruments = {
            symbol: instrument(symbol, near=self.trade_date, calendar=calendar) for symbol in tape.prints
        }
        self._matchers = {
            symbol: PrintMatcher(ContractRules(instrument=item, calendar=calendar))
            for symbol, item in self._instruments.items()
        }
        self._desk = OrderDesk()

    def contracts(self) -> tuple[Contract, ...]:
        """The contracts of the tape; the tape does not tell the previous settlement, so there are no limits."""
        return tuple(
            Contract(symbol=symbol, product=item.product.code, contract_month=item.contract_month)
            for symbol, item in self._instruments.items()
        )

    def reports(self, account: str) -> tuple[OrderReport, ...]:
        """Every order of an account."""
        return self._desk.reports(account, self.trade_date)

    def fills(self, account: str) -> tuple[Fill, ...]:
        """Every execution of an account."""
        return self._desk.fills(account, self.trade_date)

    def positions(self, account: str) -> dict[str, int]:
        """Net lots by symbol."""
        return self._desk.positions(account)

    def is_final(self, client_order_id: str) -> bool:
        """Whether an order arrived and has ended."""
        order_id = self._desk.id_of(client_order_id)
        return order_id is not None and self._desk.report(order_id).status.is_final

    def take(
        self, orders: Sequence[Order], changes: Sequence[ChangeRequest], told: int, now_ns: int
    ) -> list[Told]:
        """Requests arrive: orders in the order of (cause, client order id), then changes as they came.

        Args:
            orders: new orders.
            changes: requests to cancel or replace.
            told: the last position told; what has no cause of its own follows from there.
            now_ns: replay time.
        """
        ranked = sorted((self._cause(order, told), order.client_order_id, order) for order in orders)
        events: list[Event] = []
        for cause, _, order in ranked:
            events += self._enter(order, cause, now_ns)
        for change in changes:
            events += self._change(change, told, now_ns)
        return self._apply(events)

    def quiet_until(self, position: int, highest: int) -> int:
        """How far from a position on nothing happens to an order: the next position where it does, else all."""
        busy = [matcher for matcher in self._matchers.values() if matcher]
        for candidate in range(position + 1, highest + 1) if busy else ():
            tick = self.tape.at(candidate)
            is_quiet = tick.is_trial or self._matchers[tick.symbol].is_quiet(tick.number, tick.print)
            if not is_quiet or any(matcher.is_over(tick.print.ts_event) for matcher in busy):
                return max(candidate - 1, position + 1)
        return highest

    def match(self, target: int) -> list[Told]:
        """Every working order meets the prints up to a position that it has not met."""
        starts = [
            self.tape.position_of(symbol, matcher.first_unseen)
            for symbol, matcher in self._matchers.items()
            if matcher
        ]
        events: list[Event] = []
        for position in range(min(starts, default=target + 1), target + 1):
            tick = self.tape.at(position)
            for matcher in self._matchers.values():
                events += matcher.expire(tick.print.ts_event)
            if not tick.is_trial:
                events += self._matchers[tick.symbol].match(tick.number, tick.print)
        return self._apply(events)

    def end(self) -> list[Told]:
        """There are no more prints: every order ends."""
        return self._apply(event for matcher in self._matchers.values() for event in matcher.expire_all())

    def _cause(self, order: Order, told: int) -> int:
        last = self.tape.number_at(order.symbol, told)
        return min(order.tick_seq, last) or last

    def _enter(self, order: Order, cause: int, now_ns: int) -> list[Event]:
        ticket = self._desk.open(order, order_number(order.client_order_id), self.trade_date)
        if order.tick_seq and cause:
            now_ns = self.tape.prints[order.symbol][cause - 1].ts_event
        rank = (cause, order.client_order_id)
        return self._matchers[order.symbol].submit(ticket, rank, self.tape.price_of(order.symbol, cause), now_ns)

    def _change(self, change: ChangeRequest, told: int, now_ns: int) -> list[Event]:
        order_id = self._desk.id_of(change.client_order_id)
        if order_id is None:
            return []
        symbol = self._desk.order(order_id).symbol
        if isinstance(change, CancelRequest):
            return self._matchers[symbol].cancel(order_id, now_ns)
        last = self.tape.number_at(symbol, told)
        return self._matchers[symbol].replace(order_id, change.price, change.quantity, last, now_ns)

    def _apply(self, events: Iterable[Event]) -> list[Told]:
        return [told for event in events for told in self._desk.apply(event)]
