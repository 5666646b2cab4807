"""Pages of the market store as rows for the chart's bars, and where stored bars end and ticks begin.

Asks nobody: :mod:`terminal.past` does.
"""

from datetime import date
from enum import Enum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import CalendarError
from engine.model.session import SessionKind, TradingCalendar
from engine.timing import NS_PER_S
from engine.wire.messages import HistoryPage

Ints = NDArray[np.int64]

BLOCK_S: Final = 3600
"""Stored bars end at a whole number of these after the session's open: no bar of any time frame reaches over."""
_PRICES: Final = ("open", "high", "low", "close", "volume")
_TICK: Final = ("seq", "ts_event", "price", "quantity", "flags")
_EPOCH: Final = date(1970, 1, 1).toordinal()
_LOWEST: Final = 2**62


class PastState(Enum):
    """What the chart knows of the time before its live ticks."""

    UNTOLD = "untold"
    """Nobody asked."""
    LOADING = "loading"
    """Its first bars are on their way."""
    MORE = "more"
    """There are bars, and older ones may exist."""
    WHOLE = "whole"
    """There are bars, and nothing is older."""
    EMPTY = "empty"
    """The store has nothing of the contract before its live ticks."""
    NONE = "none"
    """This market began with the login; there cannot be anything."""
    OFF = "off"
    """The recorder is switched off, and with it the store."""
    FAILED = "failed"
    """It cannot be had; a sentence says why."""


def column(page: HistoryPage, name: str) -> Ints:
    """A column of a page."""
    return np.frombuffer(page.columns.get(name, b""), "<i8").astype(np.int64)


def bar_rows(page: HistoryPage, calendar: TradingCalendar) -> Ints:
    """The bars of a page as rows of :class:`terminal.models.bars.BarColumns`; those of no session are left out.

    Their numbers are below those of all ticks, and ascend.
    """
    start = column(page, "start_ns")
    keys = column(page, "trade_date") * 2 + column(page, "is_night")
    opens = np.zeros(len(keys), np.int64)
    for key in np.unique(keys).tolist():
        opens[keys == key] = _open_ns(calendar, key)
    number = start - _LOWEST
    rows = np.stack((start, opens, *(column(page, name) for name in _PRICES), number, number))
    kept: Ints = rows[:, opens > 0]
    return kept


def tick_rows(pages: list[HistoryPage]) -> Ints:
    """Number, time, price, quantity and flags of the ticks of some pages."""
    empty = np.empty((len(_TICK), 0), np.int64)
    return np.concatenate([empty, *(np.stack([column(page, name) for name in _TICK]) for page in pages)], axis=1)


def block_start(calendar: TradingCalendar, ts_ns: int) -> int:
    """Where stored bars end, if live ticks begin at an instant; outside of all sessions the instant itself."""
    session = calendar.session_at(ts_ns)
    if session is None:
        return ts_ns
    block = BLOCK_S * NS_PER_S
    return session.open_ns + (ts_ns - session.open_ns) // block * block


def _open_ns(calendar: TradingCalendar, key: int) -> int:
    """When the session of a row opened; 0 where the calendar has no such session."""
    kind = SessionKind.NIGHT if key % 2 else SessionKind.DAY
    try:
        return calendar.session(date.fromordinal(key // 2 + _EPOCH), kind).open_ns
    except CalendarError:
        return 0
