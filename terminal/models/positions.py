"""Rows and columns of the table of positions, and their sum."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from PySide6 import QtCore

from engine.model.instrument import Instrument
from engine.model.position import Position
from terminal import formats
from terminal.i18n import QT_TRANSLATE_NOOP
from terminal.models.table import CENTRE, LEFT, Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A position with what is needed to value it.

    Attributes:
        position: lots and costs.
        instrument: its contract, None while it is not known: then nothing is valued.
        last: last price, scaled; 0 = not known.
        unheld: lots that no condition holds.
    """

    position: Position
    instrument: Instrument | None = None
    last: int = 0
    unheld: int = 0

    @property
    def key(self) -> str:
        """Account and contract."""
        return holding_key(self.position)

    @property
    def unrealised(self) -> Decimal | None:
        """TWD after the costs of closing; None where it cannot be valued."""
        if self.position.is_flat:
            return Decimal(0)
        if self.instrument is None or not self.last:
            return None
        return self.position.unrealised_pnl(self.instrument, self.last)

    @property
    def realised(self) -> Decimal | None:
        """TWD after fees and tax paid; None where the contract is not known."""
        return None if self.instrument is None else self.position.realised_pnl(self.instrument)

    @property
    def costs(self) -> Decimal:
        """Fees and tax paid, TWD."""
        return self.position.fees + self.position.tax


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """The sum over positions, TWD; a part is None where one of them cannot be valued."""

    unrealised: Decimal | None
    realised: Decimal | None
    costs: Decimal

    @property
    def pnl(self) -> Decimal | None:
        """Unrealised and realised together."""
        if self.unrealised is None or self.realised is None:
            return None
        return self.unrealised + self.realised


def holding_key(position: Position) -> str:
    """The id of a position within everything the window shows."""
    return f"{position.account}/{position.symbol}"


def total(holdings: Iterable[Holding]) -> Total:
    """The sum; a part that one holding cannot tell is not told at all."""
    rows = tuple(holdings)
    return Total(
        unrealised=_sum(row.unrealised for row in rows),
        realised=_sum(row.realised for row in rows),
        costs=sum((row.costs for row in rows), Decimal(0)),
    )


def _sum(parts: Iterable[Decimal | None]) -> Decimal | None:
    amount = Decimal(0)
    for part in parts:
        if part is None:
            return None
        amount += part
    return amount


def money_text(amount: Decimal | None) -> str:
    """An amount, or a dash where it is not known."""
    return formats.NOTHING if amount is None else formats.money(amount)


def money_colour(amount: Decimal | None) -> str:
    """Red for a profit, green for a loss."""
    if not amount:
        return "muted"
    return "up" if amount > 0 else "down"


def _net_colour(holding: Holding) -> str:
    if holding.position.is_flat:
        return "muted"
    return "up" if holding.position.net > 0 else "down"


def _net_text(net: int) -> str:
    return f"{net:+d}" if net else "0"


def _guard_text(holding: Holding) -> str:
    return QtCore.QCoreApplication.translate("Columns", "Guard…") if holding.unheld else ""


def _flatten_text(holding: Holding) -> str:
    return "" if holding.position.is_flat else QtCore.QCoreApplication.translate("Columns", "Flatten")


POSITION_COLUMNS: Final[tuple[Column[Holding], ...]] = (
    Column(
        key="symbol",
        title=QT_TRANSLATE_NOOP("Columns", "Contract"),
        getter=lambda h: h.position.symbol,
        alignment=LEFT,
        sample="TXFK4",
    ),
    Column(
        key="net",
        title=QT_TRANSLATE_NOOP("Columns", "Net lots"),
        getter=lambda h: h.position.net,
        formatter=_net_text,
        sample="+000",
        colour=_net_colour,
        is_bold=lambda h: True,
    ),
    Column(
        key="unrealised",
        title=QT_TRANSLATE_NOOP("Columns", "Unrealised P&L"),
        getter=lambda h: h.unrealised,
        formatter=money_text,
        sample="+0,000,000",
        colour=lambda h: money_colour(h.unrealised),
        is_bold=lambda h: True,
        sort=lambda h: float(h.unrealised or 0),
    ),
    Column(
        key="guard",
        title="",
        getter=lambda h: h,
        formatter=_guard_text,
        alignment=CENTRE,
        sample="Guard it…",
        sort=lambda h: h.unheld,
    ),
    Column(
        key="flatten",
        title="",
        getter=lambda h: h,
        formatter=_flatten_text,
        alignment=CENTRE,
        sample="Flatten now",
        sort=lambda h: abs(h.position.net),
    ),
    Column(
        key="average",
        title=QT_TRANSLATE_NOOP("Columns", "Average"),
        getter=lambda h: h,
        formatter=lambda h: formats.price(h.position.symbol, h.position.average_price, extra=1),
        sample="00,000.0",
        sort=lambda h: float(h.position.average_price or 0),
    ),
    Column(
        key="last",
        title=QT_TRANSLATE_NOOP("Columns", "Last"),
        getter=lambda h: h,
        formatter=lambda h: formats.price(h.position.symbol, h.last),
        sort=lambda h: h.last,
    ),
    Column(
        key="realised",
        title=QT_TRANSLATE_NOOP("Columns", "Realised P&L"),
        getter=lambda h: h.realised,
        formatter=money_text,
        sample="+0,000,000",
        colour=lambda h: money_colour(h.realised),
        sort=lambda h: float(h.realised or 0),
    ),
    Column(
        key="costs",
        title=QT_TRANSLATE_NOOP("Columns", "Fees and tax"),
        getter=lambda h: h.costs,
        formatter=lambda amount: formats.money(amount, signed=False),
        sample="000,000",
        colour=lambda h: "muted",
    ),
    Column(
        key="account",
        title=QT_TRANSLATE_NOOP("Columns", "Account"),
        getter=lambda h: h.position.account,
        alignment=LEFT,
        sample="0000000-0",
        colour=lambda h: "muted",
    ),
)
