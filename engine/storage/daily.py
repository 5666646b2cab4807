"""Imports one of the exchange's daily files: DuckDB reads the csv, checks it, and writes the day's segments.

All or nothing: what is wrong in the file is found before anything is written. Which files, in which order, and
what a person is told is :mod:`engine.storage.importing`.
"""

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import duckdb

from engine.formats.taifex import DailyFile, read_daily
from engine.model.session import TradingCalendar
from engine.storage import schema
from engine.storage.day_contracts import DayContracts
from engine.storage.day_csv import DayCsv
from engine.storage.day_segments import DaySegments
from engine.storage.imported import FileImport
from engine.storage.layout import Kind, Source, StagedDay, StoreFolder

_LEGS: Final = ", ".join(f"{leg}_price / 10 ** price_precision AS {leg}" for leg in ("near", "far"))


def import_daily(
    folder: StoreFolder,
    path: Path,
    calendar: TradingCalendar,
    *,
    on_step: Callable[[float], None] = lambda done: None,
) -> FileImport:
    """Imports a daily file; the session of a contract that the store has longer stays as it is.

    The store's version of a session of a contract gives way to one with more rows, or with as many rows that
    are not the same (a correction). So parts of a day may come in any order, and twice.

    Args:
        folder: the store, whose writing rights for the source are held.
        path: zip or csv.
        calendar: tells the sessions.
        on_step: called with the share of the work that is done; may raise to stop, nothing is changed then.

    Raises:
        DataFileError: the file is damaged; names file, line and reason. Nothing is changed.
        StoreError: the segments cannot be replaced.
    """
    file = read_daily(path, calendar)
    on_step(0.2)
    stamp = f"{path.name} {len(file.rows)} {zlib.crc32(file.rows):08x}"
    rows = file.rows.count(b"\n")
    target = folder.segment(file.trade_date, Kind.TICKS, Source.TAIFEX)
    temporary = folder.temporary(Source.TAIFEX)
    with duckdb.connect(config={"temp_directory": str(temporary / "spill")}) as database:
        imported = _imported(database, target)
        if stamp.partition(" ")[2] in (item.partition(" ")[2] for item in imported):
            return FileImport(path=path, trade_dates=(file.trade_date,), rows=rows)
        csv = DayCsv(database, file, calendar, temporary)
        csv.read()
        on_step(0.5)
        result = _Merge(database, folder, file, csv.contracts).result()
        if not result.is_change:
            return result
        segments = DaySegments(database, file.trade_date)
        segments.number()
        on_step(0.7)
        staged = StagedDay(folder, file.trade_date, Source.TAIFEX)
        try:
            segments.write(staged, json.dumps([*imported, stamp]))
            on_step(0.95)
            staged.commit()
        except BaseException:
            if not staged.journal.exists():
                staged.discard()
            raise
    on_step(1.0)
    return result


class _Merge:
    """Brings the file's prints together with those that the store holds of the day.

    Args:
        database: of the import.
        folder: the store.
        file: the file whose prints the table ``prints`` holds.
        contracts: its contracts.
    """

    def __init__(
        self,
        database: duckdb.DuckDBPyConnection,
        folder: StoreFolder,
        file: DailyFile,
        contracts: DayContracts,
    ) -> None:
        self._database = database
        self._folder = folder
        self._file = file
        self._contracts = contracts

    def result(self) -> FileImport:
        """Leaves in ``prints`` what the day shall hold: the longer version of each contract's session."""
        day, path = self._file.trade_date, self._file.path
        (rows,) = self._one("SELECT count(*) FROM prints")
        stored = self._stored()
        if stored is None:
            return FileImport(path=path, trade_dates=(day,), rows=rows, written=rows)
        sums = "count(*) AS rows, sum(hash(ts, price, lots, flags))"
        self._database.execute(
            f"""CREATE TEMP TABLE given AS
            SELECT product, contract, is_night, {sums} AS checksum
            FROM prints JOIN contracts USING (id) GROUP BY ALL;
            CREATE TEMP TABLE held AS SELECT product, contract, is_night, {sums} AS checksum
            FROM ({stored}) GROUP BY ALL;
            CREATE TEMP TABLE taken AS
            SELECT product, contract, is_night, given.rows AS rows, coalesce(held.rows, 0) AS gone
            FROM given LEFT JOIN held USING (product, contract, is_night)
            WHERE held.rows IS NULL OR given.rows > held.rows
                OR given.rows = held.rows AND given.checksum <> held.checksum"""
        )
        written, replaced = self._one("SELECT coalesce(sum(rows), 0), coalesce(sum(gone), 0) FROM taken")
        (kept,) = self._one(
            """SELECT coalesce(sum(given.rows), 0) FROM given JOIN held USING (product, contract, is_night)
            WHERE given.rows < held.rows"""
        )
        if written:
            self._combine(stored)
        return FileImport(
            path=path, trade_dates=(day,), rows=rows, written=int(written), replaced=int(replaced), kept=int(kept)
        )

    def _stored(self) -> str | None:
        """The query that gives the day's stored prints in the columns of ``prints``, None without any."""
        parts = [
            f"""SELECT product, contract, session = 'night' AS is_night, ts_event AS ts, price,
                quantity AS lots, flags, seq,
                {_LEGS if kind is Kind.SPREADS else "NULL AS near, NULL AS far"}
            FROM {schema.text(path)}"""
            for kind in (Kind.TICKS, Kind.SPREADS)
            if (path := self._folder.segment(self._file.trade_date, kind, Source.TAIFEX))
        ]
        return " UNION ALL ".join(parts) or None

    def _combine(self, stored: str) -> None:
        """Takes the new version of what was taken and the stored version of all the rest."""
        taken = "(product, contract, is_night) IN (SELECT (product, contract, is_night) FROM taken)"
        self._database.execute(
            f"""CREATE TEMP TABLE chosen AS SELECT product, contract, prints.* EXCLUDE (id)
            FROM prints JOIN contracts USING (id) WHERE {taken};
            CREATE TEMP TABLE staying AS FROM ({stored}) WHERE NOT {taken}"""
        )
        pairs = self._database.execute(
            "SELECT product, contract FROM chosen UNION SELECT product, contract FROM staying ORDER BY ALL"
        ).fetchall()
        self._contracts.register(pairs)
        self._database.execute(
            """CREATE OR REPLACE TEMP TABLE prints AS
            SELECT id, is_night, ts, price, lots, flags, near, far, row, false AS is_wrong
            FROM chosen JOIN padded USING (product, contract)
            UNION ALL
            SELECT id, is_night, ts, price, lots, flags, near::VARCHAR, far::VARCHAR, seq, false
            FROM staying JOIN padded USING (product, contract)"""
        )

    def _one(self, query: str) -> tuple[Any, ...]:
        return self._database.execute(query).fetchall()[0]


def _imported(database: duckdb.DuckDBPyConnection, segment: Path | None) -> list[str]:
    """Name, length and checksum of the files that a segment was made from."""
    if segment is None:
        return []
    rows = database.execute(
        "SELECT decode(value) FROM parquet_kv_metadata(?) WHERE decode(key) = 'imported'", [str(segment)]
    ).fetchall()
    return list(json.loads(rows[0][0])) if rows else []
