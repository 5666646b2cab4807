"""Columns of the tables of orders and fills."""

from dataclasses import replace
from typing import Final

from engine.model.order import Fill, Order, OrderStatus, Reason, Side
from terminal import formats, i18n
from terminal.i18n import QT_TRANSLATE_NOOP
from terminal.models.table import CENTRE, LEFT, Column

_WORKING_FIRST: Final = 1e20


def side_colour(side: Side) -> str:
    """Theme colour of a side: buying is red, selling green."""
    return "up" if side is Side.BUY else "down"


def status_colour(status: OrderStatus) -> str:
    """Theme colour of a status; UNKNOWN stands out."""
    if status is OrderStatus.UNKNOWN:
        return "warning"
    if status in (OrderStatus.DENIED, OrderStatus.REJECTED):
        return "error"
    if status.is_working:
        return "working_order"
    return "text" if status is OrderStatus.FILLED else "muted"


def _status_sort(order: Order) -> float:
    """Orders of an unknown outcome first, then working ones."""
    rank = order.status.is_working + (order.status is OrderStatus.UNKNOWN)
    return rank * _WORKING_FIRST + order.ts_created


def _why(order: Order) -> str:
    return ": ".join(filter(None, (i18n.text(order.reason), order.text)))


def _origin(order: Order) -> str:
    if order.is_external:
        return i18n.text(Reason.EXTERNAL)
    return order.signal_id or order.condition_id


def _limit(order: Order) -> str:
    return formats.price(order.symbol, order.price) if order.price else i18n.text(order.order_type)


def _unknown_ground(order: Order) -> str:
    return "warning" if order.status is OrderStatus.UNKNOWN else ""


_COLUMNS: Final[tuple[Column[Order], ...]] = (
    Column(
        key="time",
        title=QT_TRANSLATE_NOOP("Columns", "Time"),
        getter=lambda o: o.ts_created,
        formatter=formats.clock,
        sample="00:00:00.000",
        sort=_status_sort,
    ),
    Column(
        key="status",
        title=QT_TRANSLATE_NOOP("Columns", "Status"),
        getter=lambda o: o.status,
        formatter=i18n.text,
        alignment=LEFT,
        sample="Partly filled",
        colour=lambda o: status_colour(o.status),
        is_bold=lambda o: o.status is OrderStatus.UNKNOWN,
        tip=_why,
    ),
    Column(
        key="symbol",
        title=QT_TRANSLATE_NOOP("Columns", "Contract"),
        getter=lambda o: o.symbol,
        alignment=LEFT,
        sample="TXFK4",
    ),
    Column(
        key="side",
        title=QT_TRANSLATE_NOOP("Columns", "B/S"),
        getter=lambda o: o.side,
        formatter=i18n.text,
        alignment=CENTRE,
        sample="Sell",
        colour=lambda o: side_colour(o.side),
        is_bold=lambda o: True,
    ),
    Column(
        key="price",
        title=QT_TRANSLATE_NOOP("Columns", "Price"),
        getter=lambda o: o,
        formatter=_limit,
        sample="Range market",
        sort=lambda o: o.price,
    ),
    Column(
        key="quantity",
        title=QT_TRANSLATE_NOOP("Columns", "Lots"),
        getter=lambda o: o.quantity,
        sample="000",
    ),
    Column(
        key="filled",
        title=QT_TRANSLATE_NOOP("Columns", "Filled"),
        getter=lambda o: o.filled,
        formatter=formats.lots,
        sample="000",
    ),
    Column(
        key="average",
        title=QT_TRANSLATE_NOOP("Columns", "Average"),
        getter=lambda o: o,
        formatter=lambda o: formats.price(o.symbol, o.average_price, extra=1),
        sample="00,000.0",
        sort=lambda o: o.average_price or 0.0,
    ),
    Column(
        key="tif",
        title=QT_TRANSLATE_NOOP("Columns", "Lives"),
        getter=lambda o: o.time_in_force,
        formatter=i18n.text,
        alignment=CENTRE,
        sample="ROD",
    ),
    Column(
        key="origin",
        title=QT_TRANSLATE_NOOP("Columns", "From"),
        getter=_origin,
        alignment=LEFT,
        sample="C00000000/entry/1",
        colour=lambda o: "warning" if o.is_external else "muted",
    ),
    Column(
        key="account",
        title=QT_TRANSLATE_NOOP("Columns", "Account"),
        getter=lambda o: o.account,
        alignment=LEFT,
        sample="0000000-0",
    ),
    Column(
        key="id",
        title=QT_TRANSLATE_NOOP("Columns", "Order id"),
        getter=lambda o: o.client_order_id,
        alignment=LEFT,
        sample="WWWWWWWWWW",
        colour=lambda o: "muted",
    ),
    Column(
        key="why",
        title=QT_TRANSLATE_NOOP("Columns", "Reason"),
        getter=_why,
        alignment=LEFT,
        sample="Too far from the market",
        colour=lambda o: "muted",
        tip=_why,
    ),
)


ORDER_COLUMNS: Final = tuple(replace(column, ground=_unknown_ground) for column in _COLUMNS)
"""An order whose outcome nobody knows stands out in its whole row."""


def fill_key(fill: Fill) -> str:
    """The id of a fill within everything the window shows."""
    return f"{fill.account}/{fill.client_order_id}/{fill.fill_id}"


FILL_COLUMNS: Final[tuple[Column[Fill], ...]] = (
    Column(
        key="time",
        title=QT_TRANSLATE_NOOP("Columns", "Time"),
        getter=lambda f: f.ts_event,
        formatter=formats.clock,
        sample="00:00:00.000",
    ),
    Column(
        key="symbol",
        title=QT_TRANSLATE_NOOP("Columns", "Contract"),
        getter=lambda f: f.symbol,
        alignment=LEFT,
        sample="TXFK4",
    ),
    Column(
        key="side",
        title=QT_TRANSLATE_NOOP("Columns", "B/S"),
        getter=lambda f: f.side,
        formatter=i18n.text,
        alignment=CENTRE,
        sample="Sell",
        colour=lambda f: side_colour(f.side),
        is_bold=lambda f: True,
    ),
    Column(
        key="price",
        title=QT_TRANSLATE_NOOP("Columns", "Price"),
        getter=lambda f: f,
        formatter=lambda f: formats.price(f.symbol, f.price),
        sort=lambda f: f.price,
        sample="00,000",
    ),
    Column(key="quantity", title=QT_TRANSLATE_NOOP("Columns", "Lots"), getter=lambda f: f.quantity, sample="000"),
    Column(
        key="account",
        title=QT_TRANSLATE_NOOP("Columns", "Account"),
        getter=lambda f: f.account,
        alignment=LEFT,
        sample="0000000-0",
    ),
    Column(
        key="condition",
        title=QT_TRANSLATE_NOOP("Columns", "Condition"),
        getter=lambda f: f.condition_id,
        alignment=LEFT,
        sample="C000000000",
        colour=lambda f: "muted",
    ),
    Column(
        key="order",
        title=QT_TRANSLATE_NOOP("Columns", "Order id"),
        getter=lambda f: f.client_order_id,
        alignment=LEFT,
        sample="WWWWWWWWWW",
        colour=lambda f: "muted",
    ),
    Column(
        key="id",
        title=QT_TRANSLATE_NOOP("Columns", "Match"),
        getter=lambda f: f.fill_id,
        alignment=LEFT,
        sample="0000000000",
        colour=lambda f: "muted",
    ),
)
