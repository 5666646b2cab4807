"""What is used of the limits of risk now, in words; only what the window itself can count."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from PySide6 import QtCore

from engine.errors import CalendarError
from engine.model.order import Order, OrderStatus
from engine.model.position import Position
from engine.model.session import TradingCalendar
from terminal import formats


def used(positions: Iterable[Position], pnl: Decimal | None, entries: int | None) -> dict[str, str]:
    """Words by name of the limit.

    Args:
        positions: of all accounts; limits hold for each account.
        pnl: profit and loss of all of them, TWD; None where it cannot be told.
        entries: orders of the trade date that may open lots; None where the date is not known.
    """
    translate = QtCore.QCoreApplication.translate
    held = [position for position in positions if position.net]
    totals: dict[str, int] = defaultdict(int)
    for position in held:
        totals[position.account] += abs(position.net)
    lots = translate("Limits", "Now {lots} lots.")
    found = {
        "max_position_lots": lots.format(lots=max((abs(position.net) for position in held), default=0)),
        "max_total_lots": lots.format(lots=max(totals.values(), default=0)),
    }
    if pnl is not None:
        found["max_daily_loss"] = translate("Limits", "Now {amount} TWD.").format(amount=formats.money(pnl))
    if entries is not None:
        found["max_orders_per_day"] = translate("Limits", "So far {count}.").format(count=entries)
    return found


def entries_of_day(orders: Iterable[Order], calendar: TradingCalendar, now_ns: int) -> int | None:
    """Orders of the present trade date that may open lots; None outside of sessions."""
    today = _trade_date(calendar, now_ns)
    if today is None:
        return None
    return sum(
        not order.reduce_only
        and order.status is not OrderStatus.DENIED
        and not order.is_external
        and _trade_date(calendar, order.ts_created) == today
        for order in orders
    )


def _trade_date(calendar: TradingCalendar, ts_ns: int) -> date | None:
    try:
        session = calendar.session_at(ts_ns)
    except CalendarError:
        return None
    return session.trade_date if session else None
