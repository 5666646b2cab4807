"""Ticks, books and bars of the program's own contracts as the columns of the store's tables."""

from collections.abc import Callable, Sequence
from datetime import date
from operator import attrgetter
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
    last: Session | None = None

    def session_of(ts_ns: int) -> Session:
        nonlocal last
        if last is not None and last.open_ns <= ts_ns < last.close_ns:
            return last
        last = calendar.session_at(ts_ns) or calendar.next_session(ts_ns)
        if last is None:
            raise CalendarError(f"No session follows {ts_ns} ns.")
        return last

    return session_of


def _keys(symbols: list[str], sessions: list[tuple[date, str]], source: Source) -> Table:
    """The columns that few different values fill: each is made once and then laid out."""
    numbers: dict[tuple[str, tuple[date, str]], int] = {}
    pairs = zip(symbols, sessions, strict=True)
    places = np.fromiter((numbers.setdefault(pair, len(numbers)) for pair in pairs), np.intp, len(symbols))
    found = [(symbol, PRODUCTS[symbol[:3]], day, kind) for symbol, (day, kind) in numbers]
    columns: Table = {
        "trade_date": np.array([day for _, _, day, _ in found], dtype="datetime64[D]").astype("datetime64[s]"),
        "session": _texts([kind for _, _, _, kind in found]),
        "product": _texts([item.taifex_code for _, item, _, _ in found]),
        "contract": _texts([contract_month_of(symbol, near=day) for symbol, _, day, _ in found]),
        "symbol": _texts([symbol for symbol, _, _, _ in found]),
        "price_precision": np.array([item.price_precision for _, item, _, _ in found], dtype=np.int8),
        "source": _texts([str(source)] * len(found)),
    }
    return {name: column[places] for name, column in columns.items()}


def _integers(items: Sequence[object], *names: str) -> Table:
    return {name: np.fromiter(map(attrgetter(name), items), np.int64, len(items)) for name in names}


def _texts(values: list[str]) -> npt.NDArray[Any]:
    return np.array(values, dtype=object)
