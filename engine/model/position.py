"""A position as a fold of fills, and what it is worth in TWD. Average cost; money is exact Decimal."""

from dataclasses import dataclass, replace
from decimal import Decimal

from engine.model.instrument import Instrument
from engine.model.order import Fill


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Lots held of one contract in one account.

    Attributes:
        account: order account.
        symbol: contract code.
        net: lots, negative when short.
        cost: sum of price x lots of the open lots at average cost, scaled, signed like ``net``.
        realised_points: gross realised profit in scaled price x lots.
        fees: exchange fees paid so far, TWD.
        tax: futures transaction tax paid so far, TWD.
    """

    account: str
    symbol: str
    net: int = 0
    cost: Decimal = Decimal(0)
    realised_points: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    tax: Decimal = Decimal(0)

    @property
    def is_flat(self) -> bool:
        """No lots are held."""
        return self.net == 0

    @property
    def average_price(self) -> Decimal | None:
        """Average cost of the open lots in scaled price units, or None when flat."""
        return self.cost / self.net if self.net else None

    def with_fill(self, fill: Fill, instrument: Instrument) -> "Position":
        """The position after one more fill, its fee and its tax."""
        return replace(
            self.adjusted(fill.side.sign * fill.quantity, fill.price),
            fees=self.fees + instrument.fee(fill.quantity),
            tax=self.tax + instrument.tax(fill.price, fill.quantity),
        )

    def adjusted(self, lots: int, price: int) -> "Position":
        """The position after signed lots more at a price: closing lots first, at average cost, then opening."""
        closing = min(abs(self.net), abs(lots)) if self.net * lots < 0 else 0
        net, cost, realised = self.net, self.cost, self.realised_points
        sign = 1 if lots > 0 else -1
        if closing:
            share = cost * closing / abs(net)
            realised += -sign * price * closing - share
            cost -= share
            net += sign * closing
        opening = abs(lots) - closing
        net += sign * opening
        cost += sign * opening * price
        return replace(self, net=net, cost=cost if net else Decimal(0), realised_points=realised)

    def gross_pnl(self, instrument: Instrument) -> Decimal:
        """Realised profit before costs, TWD."""
        return instrument.money(self.realised_points)

    def realised_pnl(self, instrument: Instrument) -> Decimal:
        """Realised profit after all fees and tax paid so far, TWD."""
        return self.gross_pnl(instrument) - self.fees - self.tax

    def unrealised_pnl(self, instrument: Instrument, last_price: int) -> Decimal:
        """What closing all lots at ``last_price`` would add, after the fees and tax of that closing, TWD."""
        if not self.net:
            return Decimal(0)
        gross = instrument.money(Decimal(self.net * last_price) - self.cost)
        lots = abs(self.net)
        return gross - instrument.fee(lots) - instrument.tax(last_price, lots)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An order account of the login.

    Attributes:
        account: the broker's account number.
        name: how the broker calls it, for the screen.
        equity: TWD, where the broker tells it.
    """

    account: str
    name: str = ""
    equity: Decimal | None = None
