"""Pages of history as values, for who has no arrays. Their columns are described at :class:`HistoryPage`."""

import struct
from datetime import date
from typing import Final

from engine.errors import DecodeError
from engine.model.bar import Bar
from engine.model.session import SessionKind
from engine.timing import NS_PER_S
from engine.wire.messages import HistoryPage

_BAR_COLUMNS: Final = ("trade_date", "is_night", "start_ns", "open", "high", "low", "close", "volume", "trades")
_EPOCH: Final = date(1970, 1, 1).toordinal()


def bars_of(page: HistoryPage) -> tuple[Bar, ...]:
    """The bars of a page of history.

    Raises:
        DecodeError: it is no page of bars, or its columns do not fit together.
    """
    try:
        columns = [struct.unpack(f"<{page.rows}q", page.columns[name]) for name in _BAR_COLUMNS]
        return tuple(_bar(page, *row) for row in zip(*columns, strict=True))
    except (KeyError, struct.error, ValueError, OverflowError) as error:
        text = f"page of {page.rows} bars of {page.symbol}: columns are missing, or hold what is no bar"
        raise DecodeError(text) from error


def _bar(
    page: HistoryPage,
    day: int,
    is_night: int,
    start_ns: int,
    open: int,
    high: int,
    low: int,
    close: int,
    volume: int,
    trades: int,
) -> Bar:
    return Bar(
        symbol=page.symbol,
        trade_date=date.fromordinal(_EPOCH + day),
        session=SessionKind.NIGHT if is_night else SessionKind.DAY,
        start_ns=start_ns,
        span_ns=page.span_s * NS_PER_S,
        open=open,
        high=high,
        low=low,
        close=close,
        volume=volume,
        trades=trades,
    )
