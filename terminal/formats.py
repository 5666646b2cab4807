"""How numbers and times read on the screen; pure functions, the same in both languages.

Times of the market are shown in Taipei time, which knows no daylight saving.
"""

from datetime import UTC, datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from engine.model.instrument import PRODUCTS
from engine.timing import NS_PER_S

NOTHING: Final = "—"
"""Shown where there is no value."""

_TAIPEI: Final = timezone(timedelta(hours=8))


def precision(symbol: str) -> int:
    """Decimal digits of the prices of a contract; 0 for an unknown one."""
    found = PRODUCTS.get(symbol[:3])
    return found.price_precision if found else 0


def price(symbol: str, scaled: int | Decimal | float | None, extra: int = 0) -> str:
    """A scaled price with thousands separators.

    Args:
        symbol: contract code.
        scaled: the price; None and 0 mean that there is none.
        extra: further decimals, for averages.
    """
    if not scaled:
        return NOTHING
    digits = precision(symbol)
    return f"{Decimal(scaled).scaleb(-digits):,.{digits + extra}f}"


def points(symbol: str, scaled: int) -> str:
    """A difference of prices with its sign."""
    digits = precision(symbol)
    return f"{Decimal(scaled).scaleb(-digits):+,.{digits}f}" if scaled else "0"


def percent(share: float) -> str:
    """A share of 1 as a percentage with sign and two decimals."""
    return f"{share * 100:+.2f}%"


def money(amount: Decimal, *, signed: bool = True) -> str:
    """An amount of TWD in whole dollars, half away from zero."""
    whole = amount.quantize(Decimal(1), rounding=ROUND_HALF_UP)
    if not whole:
        return "0"
    return f"{whole:+,}" if signed else f"{whole:,}"


def lots(count: int) -> str:
    """Lots with thousands separators, a dash for none."""
    return f"{count:,}" if count else NOTHING


def clock(ts_ns: int, *, millis: bool = True) -> str:
    """An instant as a time of day in Taipei; a dash for 0."""
    if not ts_ns:
        return NOTHING
    seconds, rest = divmod(ts_ns, NS_PER_S)
    shown = datetime.fromtimestamp(seconds, UTC).astimezone(_TAIPEI).strftime("%H:%M:%S")
    return f"{shown}.{rest // 1_000_000:03d}" if millis else shown


def age(ns: int | None) -> str:
    """How long ago something was: ``0.3 s``, ``12 s``, ``5 min``, ``2 h``; a dash for never."""
    if ns is None:
        return NOTHING
    seconds = max(ns, 0) / NS_PER_S
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if seconds < 5970:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
