"""Ticks, books and bars of the program's own contracts as the columns of the store's tables."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import CalendarError
from engine.model.bar import Bar
from engine.model.instrument import PRODUCTS, contract_month_of
from engine.model.session import Session, TradingCalendar
from engine.model.tick import Book, Tick
from engine.storage.layout import Source

Table = dict[str, npt.NDArray[Any]]

_LEVELS = 5


def tick_table(ticks: Sequence[Tick], run: int, calendar: TradingCalendar) -> Table:
    """Prints as rows; one outside of all sessions, such as a trial match, belongs to the next.

    Args:
        ticks: of any contracts.
        run: when the gateway that numbered them began, ns UTC.
        calendar: tells the sessions.
    """
    table = _market_keys(ticks, run, calendar)
    return table | _integers(ticks, "seq", "ts_event", "ts_recv", "price", "quantity", "total_volume", "flags")


def book_table(books: Sequence[Book], run: int, calendar: TradingCalendar) -> Table:
    """Books as rows; levels that are missing have quantity 0."""
    table = _market_keys(books, run, calendar) | _integers(books, "seq", "ts_event", "ts_recv")
    for side in ("bid", "ask"):
        levels = np.zeros((len(books), _LEVELS, 2), dtype=np.int64)
        for row, book in enumerate(books):
            for place, level in enumerate(getattr(book, f"{side}s")[:_LEVELS]):
                levels[row, place] = level.price, level.quantity
        for place in range(_LEVELS):
            table[f"{side}{place + 1}_price"] = levels[:, place, 0].copy()
            table[f"{side}{place + 1}_quantity"] = levels[:, place, 1].copy()
    return table


def bar_table(bars: Sequence[Bar], source: Source) -> Table:
    """Bars as rows."""
    sessions = [(bar.trade_date, str(bar.session)) for bar in bars]
    table = _keys([bar.symbol for bar in bars], sessions, source)
    return table | _integers(bars, "start_ns", "open", "high", "low", "close", "volume", "trades")


def _market_keys(items: Sequence[Tick] | Sequence[Book], run: int, calendar: TradingCalendar) -> Table:
    session_of = _sessions(calendar)
    sessions = [(found.trade_date, str(found.kind)) for found in (session_of(item.ts_event) for item in items)]
    table = _keys([item.symbol for item in items], sessions, Source.LIVE)
    return table | {"run": np.full(len(items), run, dtype=np.int64)}


def _sessions(calendar: TradingCalendar) -> Callable[[int], Session]:
    def session_of(ts_ns: int) -> Session:
        session = calendar.session_at(ts_ns) or calendar.next_session(ts_ns)
        if session is None:
            raise CalendarError(f"No session follows {ts_ns} ns.")
        return session

    return session_of


def _keys(symbols: list[str], sessions: list[tuple[date, str]], source: Source) -> Table:
    months = {
        (symbol, day): contract_month_of(symbol, near=day)
        for symbol, (day, _) in zip(symbols, sessions, strict=True)
    }
    products = [PRODUCTS[symbol[:3]] for symbol in symbols]
    return {
        "trade_date": np.array([day for day, _ in sessions], dtype="datetime64[D]").astype("datetime64[s]"),
        "session": _texts([kind for _, kind in sessions]),
        "product": _texts([item.taifex_code for item in products]),
        "contract": _texts([months[s, day] for s, (day, _) in zip(symbols, sessions, strict=True)]),
        "symbol": _texts(symbols),
        "price_precision": np.array([item.price_precision for item in products], dtype=np.int8),
        "source": _texts([str(source)] * len(symbols)),
    }


def _integers(items: Sequence[object], *names: str) -> Table:
    return {name: np.array([getattr(item, name) for item in items], dtype=np.int64) for name in names}


def _texts(values: list[str]) -> npt.NDArray[Any]:
    return np.array(values, dtype=object)
