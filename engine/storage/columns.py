"""Answers of the store as numpy columns: what charts, history and backtests take without building objects."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from engine.model.bar import Bar
from engine.model.session import SessionKind
from engine.model.tick import Tick

Days = npt.NDArray[np.datetime64]
Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Columns:
    """Columns of equal length, all but ``symbol``."""

    symbol: str

    @classmethod
    def of(cls, symbol: str, answer: Mapping[str, Any]) -> Self:
        """From DuckDB's columns; ``session`` becomes ``is_night``."""
        named = {item.name: answer[item.name] for item in fields(cls) if item.name != "symbol"}
        return cls(symbol=symbol, **{name: _plain(name, column) for name, column in named.items()})

    @classmethod
    def join(cls, symbol: str, parts: list[Self]) -> Self:
        """One after the other."""
        names = [item.name for item in fields(cls) if item.name != "symbol"]
        if not parts:
            return cls(symbol=symbol, **{name: _plain(name, np.empty(0, np.int64)) for name in names})
        return cls(symbol=symbol, **{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})

    def slice(self, begin: int | None, end: int | None = None) -> Self:
        """The rows from ``begin`` to before ``end``, as Python's slices have it."""
        names = [item.name for item in fields(self) if item.name != "symbol"]
        cut = {name: getattr(self, name)[begin:end] for name in names}
        return type(self)(symbol=self.symbol, **cut)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TickColumns(_Columns):
    """Prints of one contract in their order.

    Attributes:
        symbol: contract code.
        trade_date: days.
        is_night: whether the night session.
        run: when the gateway that numbered them began, ns UTC; 0 for imported ones.
        seq: number within run and contract; imported ones count within contract and trade date.
        ts_event: exchange time, ns UTC.
        ts_recv: when received, ns UTC; 0 for imported ones.
        price: scaled.
        quantity: lots.
        total_volume: lots of the session so far.
        flags: bits of :class:`engine.model.tick.TickFlag`.
    """

    symbol: str
    trade_date: Days
    is_night: Flags
    run: Integers
    seq: Integers
    ts_event: Integers
    ts_recv: Integers
    price: Integers
    quantity: Integers
    total_volume: Integers
    flags: Integers

    def __len__(self) -> int:
        return len(self.seq)

    def ticks(self) -> Iterator[Tick]:
        """The prints as values."""
        names = ("seq", "ts_event", "ts_recv", "price", "quantity", "total_volume", "flags")
        for row in zip(*(getattr(self, name).tolist() for name in names), strict=True):
            yield Tick(symbol=self.symbol, **dict(zip(names, row, strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BarColumns(_Columns):
    """Bars of one contract in order of time.

    Attributes:
        symbol: contract code.
        trade_date: days.
        is_night: whether the night session; false for bars of a whole trade date.
        start_ns: first instant of the bar, ns UTC.
        open: first price, scaled.
        high: highest price.
        low: lowest price.
        close: last price.
        volume: lots.
        trades: prints; 0 where a file of bars did not tell.
    """

    symbol: str
    trade_date: Days
    is_night: Flags
    start_ns: Integers
    open: Integers
    high: Integers
    low: Integers
    close: Integers
    volume: Integers
    trades: Integers

    def __len__(self) -> int:
        return len(self.start_ns)

    def moved(self, steps: Integers) -> "BarColumns":
        """The bars with all prices higher by ``steps``, one a bar."""
        prices = {name: getattr(self, name) + steps for name in ("open", "high", "low", "close")}
        return replace(self, **prices)

    def bars(self, span_ns: int) -> Iterator[Bar]:
        """The bars as values; ``span_ns`` is the length that was asked for."""
        names = ("start_ns", "open", "high", "low", "close", "volume", "trades")
        days: list[date] = self.trade_date.tolist()
        numbers = zip(*(getattr(self, name).tolist() for name in names), strict=True)
        for day, is_night, row in zip(days, self.is_night.tolist(), numbers, strict=True):
            kind = SessionKind.NIGHT if is_night else SessionKind.DAY
            values = dict(zip(names, row, strict=True))
            yield Bar(symbol=self.symbol, trade_date=day, session=kind, span_ns=span_ns, **values)


def _plain(name: str, column: Any) -> Any:
    match name:
        case "trade_date":
            return np.asarray(column).astype("datetime64[D]")
        case "is_night":
            return np.asarray(column, dtype=np.bool_)
        case _:
            return np.asarray(column, dtype=np.int64)
