"""The futures this program trades: products, contract months, symbols, and what a trade of them costs.

Prices are fixed-point integers scaled by the product's price precision; Decimal and text exist only at the
edges, and these are the functions that lead there. Names for people are no business of this module.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from engine.errors import UnknownInstrument
from engine.model.session import TradingCalendar

_MONTH_LETTERS: Final = "ABCDEFGHIJKL"
_QUARTERS: Final = (3, 6, 9, 12)
_CONTRACT_MONTH: Final = re.compile(r"[12]\d{3}(0[1-9]|1[0-2])", re.ASCII)
_PRICE: Final = re.compile(r"[+-]?(\d{1,12}(\.\d{0,12})?|\.\d{1,12})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A futures product with the rules that all its contract months share.

    Attributes:
        code: the code that its symbols begin with, such as ``TXF``.
        taifex_code: its code in the exchange's daily files, such as ``TX``.
        point_value: TWD a point and lot.
        tick_size: the smallest price step, scaled price units.
        price_precision: decimal digits of its prices; 0 means that the scaled price is the price.
        fee_per_side: the exchange's transaction and clearing fee, TWD a lot and side.
        tax_rate: futures transaction tax of each side, a share of the contract's value.
        max_market_lots_day: most lots of a market order in the day session.
        max_market_lots_night: most lots of a market order in the night session.
        max_limit_lots: most lots of a limit or range-market order.
    """

    code: str
    taifex_code: str
    point_value: int
    fee_per_side: Decimal
    tick_size: int = 1
    price_precision: int = 0
    tax_rate: Decimal = Decimal("0.00002")
    max_market_lots_day: int = 10
    max_market_lots_night: int = 5
    max_limit_lots: int = 100


_TAIEX_FUTURES: Final = (
    Product(code="TXF", taifex_code="TX", point_value=200, fee_per_side=Decimal(20)),
    Product(code="MXF", taifex_code="MTX", point_value=50, fee_per_side=Decimal("12.5")),
    Product(code="TMF", taifex_code="TMF", point_value=10, fee_per_side=Decimal("8.0")),
)

PRODUCTS: Final[Mapping[str, Product]] = MappingProxyType({p.code: p for p in _TAIEX_FUTURES})
"""All known products by code."""

_BY_ANY_CODE: Final = {p.taifex_code: p for p in _TAIEX_FUTURES} | dict(PRODUCTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One contract month of a product.

    Attributes:
        symbol: the exchange's code, such as ``TXFK4``.
        product: what it is a month of.
        contract_month: ``YYYYMM``.
        last_trading_day: the day it is settled; it closes at 13:30 then.
    """

    symbol: str
    product: Product
    contract_month: str
    last_trading_day: date

    def price_to_decimal(self, price: int) -> Decimal:
        """The price in points of a scaled price."""
        return Decimal(price).scaleb(-self.product.price_precision)

    def price_to_text(self, price: int) -> str:
        """The scaled price as a plain number with as many decimals as the product has."""
        return f"{self.price_to_decimal(price):.{self.product.price_precision}f}"

    def price_from_decimal(self, price: Decimal) -> int:
        """The scaled price of a price in points.

        Raises:
            ValueError: it is no number, or has more decimals than the product's prices.
        """
        if not price.is_finite() or abs(price.adjusted()) > 12:
            raise ValueError(f"{price} is no price.")
        return self.parse_price(f"{price:f}")

    def parse_price(self, text: str) -> int:
        """The scaled price of a plain number in points, such as ``22811`` or ``22811.00``.

        Raises:
            ValueError: it is no plain number, or has more decimals than the product's prices.
        """
        if not _PRICE.fullmatch(text.strip()):
            raise ValueError(f"{text!r} is no price.")
        scaled = Decimal(text.strip()).scaleb(self.product.price_precision)
        if scaled != int(scaled):
            raise ValueError(
                f"{text!r} has more than the {self.product.price_precision} decimals of {self.symbol}."
            )
        return int(scaled)

    def notional(self, price: int, lots: int) -> Decimal:
        """The contract value in TWD."""
        return self.price_to_decimal(price) * self.product.point_value * lots

    def money(self, points: Decimal) -> Decimal:
        """What a sum of scaled price x lots is worth in TWD."""
        return points * self.product.point_value / Decimal(10**self.product.price_precision)

    def fee(self, lots: int) -> Decimal:
        """The exchange's fee of one side in TWD; the broker's commission comes on top."""
        return self.product.fee_per_side * lots

    def tax(self, price: int, lots: int) -> Decimal:
        """The futures transaction tax of one side in TWD, exact: rate x contract value, without rounding."""
        return self.product.tax_rate * self.notional(price, lots)


def product(code: str) -> Product:
    """The product of a symbol prefix (``TXF``) or of a code of the exchange's daily files (``TX``).

    Raises:
        UnknownInstrument: there is none.
    """
    try:
        return _BY_ANY_CODE[code]
    except KeyError:
        raise UnknownInstrument(f"{code!r} is no product; known are {', '.join(_BY_ANY_CODE)}.") from None


def symbol_of(product_code: str, contract_month: str) -> str:
    """The symbol of a contract month: product, month letter A (January) to L (December), last year digit.

    Raises:
        UnknownInstrument: no such product, or the month is no ``YYYYMM``.
    """
    prefix = product(product_code).code
    if not _CONTRACT_MONTH.fullmatch(contract_month):
        raise UnknownInstrument(f"{contract_month!r} is no contract month of {prefix}; write it as YYYYMM.")
    return f"{prefix}{_MONTH_LETTERS[int(contract_month[4:]) - 1]}{contract_month[3]}"


def contract_month_of(symbol: str, *, near: date) -> str:
    """The contract month ``YYYYMM`` of a symbol.

    Args:
        symbol: such as ``TXFK4``; it has only the last digit of the year.
        near: the digit means the year nearest to this date.

    Raises:
        UnknownInstrument: it is no symbol of a known product's contract month.
    """
    prefix, letter, digit = symbol[:3], symbol[3:4], symbol[4:]
    if prefix not in PRODUCTS or letter not in _MONTH_LETTERS or not re.fullmatch(r"[0-9]", digit):
        raise UnknownInstrument(f"{symbol!r} is no contract; a symbol looks like TXFK4.")
    month = _MONTH_LETTERS.index(letter) + 1
    earlier = near.year - (near.year - int(digit)) % 10
    year = min((earlier, earlier + 10), key=lambda y: abs((y - near.year) * 12 + month - near.month))
    return f"{year}{month:02}"


def instrument(symbol: str, *, near: date, calendar: TradingCalendar) -> Instrument:
    """The instrument of a symbol.

    Args:
        symbol: such as ``TXFK4``.
        near: the year digit means the year nearest to this date.
        calendar: tells the last trading day.

    Raises:
        UnknownInstrument: it is no symbol of a known product's contract month.
    """
    month = contract_month_of(symbol, near=near)
    return Instrument(
        symbol=symbol,
        product=PRODUCTS[symbol[:3]],
        contract_month=month,
        last_trading_day=calendar.settlement_day(int(month[:4]), int(month[4:])),
    )


def listed_months(day: date, calendar: TradingCalendar) -> list[str]:
    """The contract months ``YYYYMM`` that trade in the day session of a trade date, nearest first.

    The spot month, the next two calendar months and the next three of March, June, September and December
    after them. Source: TAIFEX, contract specifications of TX, MTX and TMF. In the night session after a
    settlement day the newest of them does not trade yet: it is listed the next morning.
    """
    year, month = _spot_month(day, calendar)
    months = [_add_months(year, month, n) for n in range(3)]
    later = (_add_months(year, month, n) for n in range(3, 12))
    months += [found for found in later if found[1] in _QUARTERS][:3]
    return [f"{y}{m:02}" for y, m in months]


def front_month(product: Product, day: date, calendar: TradingCalendar) -> Instrument:
    """The contract of the spot month on a trade date.

    On its last trading day it is still the expiring one, from that evening on (the next trade date) the next.
    """
    month = listed_months(day, calendar)[0]
    return instrument(symbol_of(product.code, month), near=day, calendar=calendar)


def _spot_month(day: date, calendar: TradingCalendar) -> tuple[int, int]:
    year, month = _add_months(day.year, day.month, -1)  # closures can push a settlement into the next month
    while calendar.settlement_day(year, month) < day:
        year, month = _add_months(year, month, 1)
    return year, month


def _add_months(year: int, month: int, count: int) -> tuple[int, int]:
    years, index = divmod(month - 1 + count, 12)
    return year + years, index + 1
