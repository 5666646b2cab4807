"""The contracts of one trade date as a table of the import's database. A part of :mod:`engine.storage.daily`."""

from datetime import date
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from engine.model.session import TradingCalendar
from engine.storage.contracts import FileContract, file_contract


class DayContracts:
    """Keeps the tables ``contracts`` (one row a contract) and ``padded`` (its names as the rows have them).

    Args:
        database: where the tables are.
        trade_date: the day.
        calendar: tells the sessions.
    """

    def __init__(self, database: duckdb.DuckDBPyConnection, trade_date: date, calendar: TradingCalendar) -> None:
        self._database = database
        self._trade_date = trade_date
        self._calendar = calendar
        self._known: dict[tuple[str, str], FileContract] = {}

    def __getitem__(self, names: tuple[str, str]) -> FileContract:
        """The contract of a product code and a contract month, week or spread."""
        return self._known[names]

    def register(self, padded: list[tuple[str, str]]) -> None:
        """Makes the tables of all contracts named so far; ``id`` sorts them by product and symbol.

        Args:
            padded: product and contract as the rows have them, blanks included.
        """
        day = self._trade_date
        for code, contract in padded:
            key = code.strip(), contract.strip()
            if key not in self._known:
                self._known[key] = file_contract(*key, day, self._calendar)
        known = sorted(self._known.values(), key=lambda item: (item.product, item.symbol))
        ids = {(item.product, item.contract): number for number, item in enumerate(known)}
        spans = np.array([(*item.night, *item.day) for item in known], dtype=np.int64).reshape(-1, 4)
        columns = {
            "id": np.arange(len(known), dtype=np.int16),
            "product": _objects([item.product for item in known]),
            "contract": _objects([item.contract for item in known]),
            "symbol": _objects([item.symbol for item in known]),
            "is_spread": np.array([item.is_spread for item in known], dtype=bool),
            "price_precision": np.array([item.precision for item in known], dtype=np.int8),
            "night_open": spans[:, 0],
            "night_close": spans[:, 1],
            "day_open": spans[:, 2],
            "day_close": spans[:, 3],
        }
        self._table("contracts", columns)
        self._table(
            "padded",
            {
                "product": _objects([code for code, _ in padded]),
                "contract": _objects([contract for _, contract in padded]),
                "id": np.array([ids[code.strip(), month.strip()] for code, month in padded], dtype=np.int16),
            },
        )

    def _table(self, name: str, columns: dict[str, npt.NDArray[Any]]) -> None:
        self._database.register("columns_in", columns)
        self._database.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM columns_in")
        self._database.unregister("columns_in")


def _objects(values: list[str]) -> npt.NDArray[Any]:
    return np.array(values, dtype=object)
