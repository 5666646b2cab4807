"""The trader's own books from a ledger: one row for each fill and each adjusted position, with costs and profit.

``python -m engine ledger export``. Reads only; a terminal may hold the ledger meanwhile. Profit is counted at
average cost, as everywhere in this program; the broker's commission is not known here.
"""

import csv
import io
import json
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from engine.gateway.ledger_file import LedgerFile, instruments_at, trade_date_at
from engine.gateway.state import Event
from engine.model.books import PositionAdjusted
from engine.model.instrument import Instrument
from engine.model.order import Fill, Order, Side
from engine.model.position import Position
from engine.model.session import TAIPEI, TradingCalendar
from engine.model.signal import Signal
from engine.timing import NS_PER_S

_ZERO: Final = Decimal(0)
_DATES: Final = 10
"""Trade dates that a sentence names at most."""


class Kind(StrEnum):
    """What a row tells."""

    FILL = "fill"
    ADJUSTMENT = "adjustment"
    """A position was taken over from the broker, or the exchange settled an expired contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementRow:
    """One fill or adjustment. Money is TWD, exact; it is never rounded here.

    Attributes:
        kind: fill or adjustment.
        trade_date: of the exchange; a night session belongs to the next trading day.
        time: when it happened, ISO 8601 in Taipei, microseconds.
        account: order account.
        symbol: contract code.
        product: product code.
        contract_month: ``YYYYMM``.
        side: ``buy`` or ``sell``.
        price: in points.
        lots: at least 1.
        fee: the exchange's fee.
        tax: futures transaction tax.
        gross_pnl: realised by this row, before costs; 0 where it opens.
        net_pnl: the same after fee and tax of this row.
        fill_id: the broker's match number.
        client_order_id: our order id; begins with ``@`` where the order was made elsewhere.
        broker_order_id: the broker's order number.
        order_type: limit, market or range_market.
        condition_id: the condition that ordered, empty for a person's order.
        leg: which part of the condition; for an adjustment who made it.
        reason: why the signal was given; for an adjustment its text.
    """

    kind: Kind
    trade_date: date
    time: str
    account: str
    symbol: str
    product: str
    contract_month: str
    side: Side
    price: str
    lots: int
    fee: Decimal
    tax: Decimal
    gross_pnl: Decimal
    net_pnl: Decimal
    fill_id: str = ""
    client_order_id: str = ""
    broker_order_id: str = ""
    order_type: str = ""
    condition_id: str = ""
    leg: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """What the rows of one trade date and contract add up to, for one account.

    Attributes:
        trade_date: of the exchange.
        account: order account.
        symbol: contract code.
        contract_month: ``YYYYMM``.
        bought: lots.
        sold: lots.
        fee: TWD.
        tax: TWD.
        gross_pnl: TWD before costs.
        net_pnl: TWD after the costs of that day.
    """

    trade_date: date
    account: str
    symbol: str
    contract_month: str
    bought: int = 0
    sold: int = 0
    fee: Decimal = _ZERO
    tax: Decimal = _ZERO
    gross_pnl: Decimal = _ZERO
    net_pnl: Decimal = _ZERO


def read(path: Path, *, calendar: TradingCalendar, trade_date: date | None = None) -> list[StatementRow]:
    """The rows of a ledger in the order of their time.

    Args:
        path: the ledger file.
        calendar: tells trade dates and contract months.
        trade_date: only rows of this one; profit is counted from the ledger's beginning all the same.

    Raises:
        LedgerError: it cannot be read; names file and row.
        UnknownInstrument: a contract that this program does not know.
    """
    with LedgerFile(path) as file:
        found = list(_Account(calendar).rows(list(file.events())))
    found.sort(key=lambda item: item[0])  # rows of one instant stay in the ledger's order
    return [row for _, row in found if trade_date in (None, row.trade_date)]


def why_empty(path: Path, *, calendar: TradingCalendar) -> str:
    """What a ledger has instead of the rows that were asked for, in a sentence.

    Raises:
        LedgerError: it cannot be read; names file and row.
        UnknownInstrument: a contract that this program does not know.
    """
    dates = sorted({str(row.trade_date) for row in read(path, calendar=calendar)})
    if not dates:
        return f"{path} has no fill and no adjusted position."
    shown = ("…, " if dates[_DATES:] else "") + ", ".join(dates[-_DATES:])
    return f"{path} has nothing of that trade date; it has {shown}."


class _Account:
    """Counts positions along the events of a ledger."""

    def __init__(self, calendar: TradingCalendar) -> None:
        self._calendar = calendar
        self._instruments = instruments_at(calendar)
        self._positions: dict[tuple[str, str], Position] = {}
        self._orders: dict[str, Order] = {}
        self._signals: dict[str, Signal] = {}

    def rows(self, events: list[Event]) -> Iterable[tuple[int, StatementRow]]:
        """Every row with its instant, ns UTC."""
        self._orders = {event.client_order_id: event for event in events if isinstance(event, Order)}
        self._signals = {event.signal_id: event for event in events if isinstance(event, Signal)}
        for event in events:
            if isinstance(event, Fill):
                yield event.ts_event, self._of_fill(event)
            elif isinstance(event, PositionAdjusted) and event.lots:
                yield event.ts_event, self._of_adjustment(event)

    def _of_fill(self, fill: Fill) -> StatementRow:
        instrument = self._instruments(fill.symbol, fill.ts_event)
        position = self._position(fill)
        gross = self._moved(position, position.with_fill(fill, instrument), instrument)
        fee, tax = instrument.fee(fill.quantity), instrument.tax(fill.price, fill.quantity)
        order = self._orders.get(fill.client_order_id)
        return StatementRow(
            kind=Kind.FILL,
            **self._common(fill, instrument, fill.price),
            side=fill.side,
            lots=fill.quantity,
            fee=fee,
            tax=tax,
            gross_pnl=gross,
            net_pnl=gross - fee - tax,
            fill_id=fill.fill_id,
            client_order_id=fill.client_order_id,
            condition_id=fill.condition_id,
            **self._of_order(order) if order else {},
        )

    def _of_order(self, order: Order) -> dict[str, Any]:
        """What the order says of its fill; a signal that was not kept still has its leg in its id."""
        signal = self._signals.get(order.signal_id)
        parts = order.signal_id.rsplit("/", 2)
        return {
            "broker_order_id": order.broker_order_id,
            "order_type": order.order_type.value,
            "leg": signal.leg.value if signal else parts[1] if len(parts) == 3 else "",
            "reason": signal.reason if signal else "",
        }

    def _of_adjustment(self, event: PositionAdjusted) -> StatementRow:
        instrument = self._instruments(event.symbol, event.ts_event)
        position = self._position(event)
        gross = self._moved(position, position.adjusted(event.lots, event.price), instrument)
        return StatementRow(
            kind=Kind.ADJUSTMENT,
            **self._common(event, instrument, event.price),
            side=Side.BUY if event.lots > 0 else Side.SELL,
            lots=abs(event.lots),
            fee=_ZERO,
            tax=_ZERO,
            gross_pnl=gross,
            net_pnl=gross,
            leg=event.by,
            reason=event.text,
        )

    def _position(self, event: Fill | PositionAdjusted) -> Position:
        key = (event.account, event.symbol)
        return self._positions.get(key) or Position(account=event.account, symbol=event.symbol)

    def _moved(self, before: Position, after: Position, instrument: Instrument) -> Decimal:
        """Keeps the new position; returns what the step realised, before costs."""
        self._positions[after.account, after.symbol] = after
        return instrument.money(after.realised_points - before.realised_points)

    def _common(self, event: Fill | PositionAdjusted, instrument: Instrument, price: int) -> dict[str, Any]:
        return {
            "trade_date": trade_date_at(event.ts_event, self._calendar),
            "time": _taipei(event.ts_event),
            "account": event.account,
            "symbol": event.symbol,
            "product": instrument.product.code,
            "contract_month": instrument.contract_month,
            "price": instrument.price_to_text(price),
        }


def _taipei(ts_ns: int) -> str:
    seconds, rest = divmod(ts_ns, NS_PER_S)
    moment = datetime.fromtimestamp(seconds, TAIPEI).replace(microsecond=rest // 1000)
    return moment.isoformat(timespec="microseconds")


def totals(rows: Iterable[StatementRow]) -> list[Total]:
    """The sums of rows by trade date, account and contract, in that order."""
    found: dict[tuple[date, str, str], Total] = {}
    for row in rows:
        key = (row.trade_date, row.account, row.symbol)
        before = found.get(key) or Total(
            trade_date=row.trade_date,
            account=row.account,
            symbol=row.symbol,
            contract_month=row.contract_month,
        )
        found[key] = _added(before, row)
    return [found[key] for key in sorted(found)]


def _added(total: Total, row: StatementRow) -> Total:
    sums = {name: getattr(total, name) + getattr(row, name) for name in ("fee", "tax", "gross_pnl", "net_pnl")}
    lots = "bought" if row.side is Side.BUY else "sold"
    return Total(**(asdict(total) | sums | {lots: getattr(total, lots) + row.lots}))


def to_csv(rows: Iterable[StatementRow]) -> str:
    """The rows as CSV with a line of names; numbers are plain decimals, lines end with a newline alone."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [item.name for item in fields(StatementRow)]
    writer.writerow(names)
    writer.writerows([_plain(getattr(row, name)) for name in names] for row in rows)
    return text.getvalue()


def to_json(path: Path, rows: list[StatementRow]) -> str:
    """The rows and their totals as one JSON document; money is text, so that no digit is lost."""
    document = {
        "ledger": path.name,
        "rows": [_plain_values(row) for row in rows],
        "totals": [_plain_values(total) for total in totals(rows)],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _plain_values(value: StatementRow | Total) -> dict[str, str | int]:
    return {item.name: _plain(getattr(value, item.name)) for item in fields(value)}


def _plain(value: Any) -> str | int:
    if isinstance(value, Decimal):
        text = f"{value:f}" if value else "0"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return value if isinstance(value, int) else str(value)


def write(text: str, out: Path | None) -> None:
    """Writes UTF-8 without a mark to a file, whole or not at all, or to standard output."""
    if out is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
        return
    temporary = out.with_name(out.name + ".part")
    temporary.write_text(text, encoding="utf-8", newline="")
    temporary.replace(out)
