"""The exchange's own record of the trader's orders: what each event means for them, and what a query answers.

Executions are told as fills only, without an order report beside them; everything else is told as a report.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeAlias

from engine.brokers.base import OrderReport
from engine.brokers.matching import (
    Accepted,
    Cancelled,
    ChangeRefused,
    Event,
    Expired,
    Rejected,
    Replaced,
    Traded,
)
from engine.brokers.rules import Ticket
from engine.model.order import Fill, Order, OrderStatus, Reason

Told: TypeAlias = OrderReport | Fill


@dataclass(slots=True)
class _Record:
    """One order: what it was entered as and how it is."""

    order: Order
    report: OrderReport
    trade_date: date
    fills: int = 0


class OrderDesk:
    """Orders, fills and positions of the trader as the exchange knows them."""

    def __init__(self) -> None:
        self._records: dict[int, _Record] = {}
        self._ids: dict[str, int] = {}
        self._fills: list[tuple[date, Fill]] = []
        self._positions: dict[str, Counter[str]] = {}
        self._last_id = 0

    def open(self, order: Order, broker_order_id: str, trade_date: date) -> Ticket:
        """Takes an order in and gives the ticket for the engine. Ids are odd, so that a flow can use even ones."""
        self._last_id += 1
        order_id = 2 * self._last_id - 1
        report = OrderReport(
            client_order_id=order.client_order_id,
            broker_order_id=broker_order_id,
            status=OrderStatus.SENT,
            account=order.account,
            symbol=order.symbol,
            side=order.side,
            order_type=order.order_type,
            time_in_force=order.time_in_force,
            price=order.price,
            quantity=order.quantity,
        )
        self._records[order_id] = _Record(order, report, trade_date)
        self._ids[order.client_order_id] = order_id
        return Ticket(
            order_id=order_id,
            side=order.side,
            order_type=order.order_type,
            time_in_force=order.time_in_force,
            price=order.price,
            quantity=order.quantity,
        )

    def id_of(self, client_order_id: str) -> int | None:
        """The exchange's number of an order, None where it never arrived."""
        return self._ids.get(client_order_id)

    def report(self, order_id: int) -> OrderReport:
        """How an order is now."""
        return self._records[order_id].report

    def order(self, order_id: int) -> Order:
        """The order as it was entered."""
        return self._records[order_id].order

    def working(self) -> list[int]:
        """Numbers of the orders that may still trade, in the order of their entry."""
        return [key for key, record in self._records.items() if not record.report.status.is_final]

    def apply(self, event: Event) -> list[Told]:
        """What an event of the engine is for the trader; nothing where only others are concerned."""
        if isinstance(event, Traded):
            return [
                self._filled(self._records[order_id], event)
                for order_id in (event.buy_id, event.sell_id)
                if order_id in self._records
            ]
        record = self._records.get(event.order_id)
        if record is None:
            return []
        return self._moved(record, event)

    def reports(self, account: str, trade_date: date) -> tuple[OrderReport, ...]:
        """Every order of an account that was entered on a trade date and has been answered."""
        return tuple(
            record.report
            for record in self._records.values()
            if record.order.account == account
            and record.trade_date == trade_date
            and record.report.status is not OrderStatus.SENT
        )

    def fills(self, account: str, trade_date: date) -> tuple[Fill, ...]:
        """Every execution of an account on a trade date."""
        return tuple(fill for day, fill in self._fills if fill.account == account and day == trade_date)

    def positions(self, account: str) -> dict[str, int]:
        """Net lots by symbol, flat ones included once they were traded."""
        return dict(self._positions.get(account, {}))

    def _filled(self, record: _Record, event: Traded) -> Fill:
        record.fills += 1
        report = record.report
        filled = report.filled + event.quantity
        done = filled == report.quantity
        record.report = replace(
            report,
            filled=filled,
            status=OrderStatus.FILLED if done else OrderStatus.PARTIALLY_FILLED,
            ts_event=event.ts_event,
        )
        fill = Fill(
            fill_id=f"{report.client_order_id}-{event.seq or record.fills}",
            client_order_id=report.client_order_id,
            account=report.account,
            symbol=report.symbol,
            side=report.side,
            price=event.price,
            quantity=event.quantity,
            ts_event=event.ts_event,
            seq=event.seq,
            condition_id=record.order.condition_id,
        )
        self._fills.append((record.trade_date, fill))
        held = self._positions.setdefault(report.account, Counter())
        held[report.symbol] += report.side.sign * event.quantity
        return fill

    @staticmethod
    def _moved(record: _Record, event: Event) -> list[Told]:
        report = replace(record.report, ts_event=event.ts_event)
        match event:
            case Accepted():
                report = replace(report, status=OrderStatus.ACCEPTED)
            case Rejected(refusal=refusal):
                report = replace(report, status=OrderStatus.REJECTED, reason=refusal.reason, text=refusal.text)
            case Cancelled(reason=reason):
                report = replace(report, status=OrderStatus.CANCELLED, reason=reason)
            case Expired():
                report = replace(report, status=OrderStatus.EXPIRED, reason=Reason.SESSION_ENDED)
            case Replaced(price=price, quantity=quantity):
                report = replace(report, price=price, quantity=quantity)
            case ChangeRefused(refusal=refusal):
                # The order is as it was: only this one answer carries the refusal.
                if report.status.is_final:
                    return []
                return [replace(report, reason=refusal.reason, text=refusal.text)]
        record.report = report
        return [report]
