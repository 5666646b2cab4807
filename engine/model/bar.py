"""A bar: the prices of a span of time within one session."""

from dataclasses import dataclass
from datetime import date

from engine.model.session import SessionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """Open, high, low, close and volume of ``[start_ns, start_ns + span_ns)`` within a session.

    The print that ends a session (13:45:00, 05:00:00) belongs to the session's last bar.

    Attributes:
        symbol: contract code.
        trade_date: the exchange's trade date of the session.
        session: day or night.
        start_ns: first instant of the bar, nanoseconds UTC.
        span_ns: length.
        open: first price, scaled.
        high: highest price.
        low: lowest price.
        close: last price.
        volume: lots.
        trades: number of prints.
    """

    symbol: str
    trade_date: date
    session: SessionKind
    start_ns: int
    span_ns: int
    open: int
    high: int
    low: int
    close: int
    volume: int
    trades: int
