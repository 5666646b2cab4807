"""Numbers the prints of a trade date and writes them as segments. A part of :mod:`engine.storage.daily`."""

from datetime import date
from pathlib import Path
from typing import Final

import duckdb

from engine.model.session import SessionKind
from engine.storage import schema
from engine.storage.contracts import midnight_ns
from engine.storage.layout import Kind, Source, StagedDay
from engine.timing import NS_PER_S

_MINUTE_NS: Final = 60 * NS_PER_S
_DAY_CLOSE_NS: Final = (13 * 60 + 45) * _MINUTE_NS


# No column is an enumeration: with several threads DuckDB 2.0.0 now and then writes some values of one as the
# empty text (seen in one of some forty imports of a real day: all rows of two products lost their product).
_SESSION: Final = f"CASE WHEN is_night THEN '{SessionKind.NIGHT}' ELSE '{SessionKind.DAY}' END"
_SOURCE: Final = f"'{Source.TAIFEX}'"


class DaySegments:
    """Writes what the tables ``prints`` and ``contracts`` hold.

    Args:
        database: of the import.
        trade_date: the day.
    """

    def __init__(self, database: duckdb.DuckDBPyConnection, trade_date: date) -> None:
        self._database = database
        self._trade_date = trade_date

    def number(self) -> None:
        """Sorts by contract and time; within a second the file's order stands. ``bases`` begin the counts."""
        self._database.execute(
            """CREATE TEMP TABLE numbered AS
            SELECT row_number() OVER () AS number, sum(lots) OVER (ROWS UNBOUNDED PRECEDING) AS total, *
            FROM (SELECT id, is_night, ts, price, lots, flags, near, far FROM prints ORDER BY id, ts, row);
            CREATE TEMP TABLE bases AS
            SELECT id, is_night, min(min(number)) OVER (PARTITION BY id) - 1 AS first,
                arg_min(total - lots, number) AS before
            FROM numbered GROUP BY id, is_night"""
        )

    def write(self, staged: StagedDay, imported: str) -> None:
        """Writes ticks, spreads and bars."""
        constants = {
            "trade_date": f"DATE '{self._trade_date}'",
            "session": _SESSION,
            "run": "0",
            "seq": "number - first",
            "ts_event": "ts",
            "ts_recv": "0",
            "quantity": "lots",
            "total_volume": "total - before",
            "source": _SOURCE,
            "near_price": "TRY_CAST(near AS DECIMAL(18,6)) * 10 ** price_precision",
            "far_price": "TRY_CAST(far AS DECIMAL(18,6)) * 10 ** price_precision",
        }
        for kind, where in ((Kind.TICKS, "NOT is_spread"), (Kind.SPREADS, "is_spread")):
            columns = ", ".join(
                f"({constants.get(name, name)}){'' if type_ == 'VARCHAR' else '::' + type_} AS {name}"
                for name, type_ in schema.COLUMNS[kind].items()
            )
            rows = f"""SELECT {columns} FROM numbered JOIN contracts USING (id) JOIN bases USING (id, is_night)
                WHERE {where}"""
            self._copy(rows, staged.path(kind), imported)
        self._copy(self._bars(), staged.path(Kind.BARS), imported)

    def _bars(self) -> str:
        """1-minute bars; the print of a session's closing second belongs to its last bar.

        A product that the program does not know closes its day at 13:45, or later if it traded later.
        """
        bounds = " ".join(
            f"WHEN is_night THEN night_close WHEN is_late THEN day_close ELSE least(day_close, {close}) "
            for close in (midnight_ns(self._trade_date) + _DAY_CLOSE_NS,)
        )
        return f"""
            SELECT DATE '{self._trade_date}' AS trade_date,
                {_SESSION} AS session, product, contract, symbol,
                minute * {_MINUTE_NS} AS start_ns, open, high, low, close, price_precision, volume, trades,
                {_SOURCE} AS source
            FROM (
                SELECT id, is_night, least(ts, close_ns - 1) // {_MINUTE_NS} AS minute,
                    arg_min(price, number) AS open, max(price) AS high, min(price) AS low,
                    arg_max(price, number) AS close, sum(lots)::BIGINT AS volume, count(*) AS trades
                FROM numbered JOIN (
                    SELECT id, is_night, CASE {bounds} END AS close_ns
                    FROM bases JOIN contracts USING (id) JOIN ({self._late()}) USING (product)
                    WHERE NOT is_spread
                ) USING (id, is_night) GROUP BY ALL
            ) JOIN contracts USING (id) ORDER BY id, minute"""

    def _late(self) -> str:
        """Which products trade after 13:45."""
        close = midnight_ns(self._trade_date) + _DAY_CLOSE_NS + NS_PER_S - 1
        return f"""SELECT product, bool_or(last > {close}) AS is_late FROM contracts
            JOIN (SELECT id, max(ts) AS last FROM numbered GROUP BY id) USING (id) GROUP BY product"""

    def _copy(self, query: str, path: Path, imported: str) -> None:
        self._database.execute(
            f"COPY ({query}) TO {schema.text(path)} {schema.parquet_options(imported=imported)}"
        )
