"""Which numbers of ticks and books were ever recorded: a small table of ranges in the live file.

Written in the transaction of the rows themselves; it outlives their day's closing and deletion, so that nothing
that a gateway brings again is taken as new, and nothing that was stored is told as lost.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

import duckdb
import numpy as np

from engine import logs
from engine.model.tick import Book, Tick
from engine.storage import schema
from engine.storage.layout import Kind, Source, StoreFolder
from engine.storage.numbers import Numbers

log = logs.get(__name__)

_KINDS: Final = (Kind.TICKS, Kind.BOOKS)
_COLUMNS: Final = ("kind", "symbol", "run", "first", "last")
_LATEST_DAYS: Final = 30
"""Closed days that are looked through where the table has to be made anew: more than a gateway runs on."""

Key = tuple[Kind, str, int]
"""Kind of the rows, contract, run of the gateway."""
_Item = TypeVar("_Item", Tick, Book)


class HeldNumbers:
    """The table and what it says; the writing thread's.

    Args:
        database: the open live file.

    Raises:
        duckdb.Error: the table cannot be read.
    """

    TABLE: Final = """CREATE TABLE IF NOT EXISTS held (kind VARCHAR NOT NULL, symbol VARCHAR NOT NULL,
        run BIGINT NOT NULL, first BIGINT NOT NULL, last BIGINT NOT NULL)"""

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        self._database = database
        self._numbers: dict[Key, Numbers] = {}
        for kind, symbol, run, first, last in database.execute("FROM held ORDER BY ALL").fetchall():
            self._numbers.setdefault((Kind(kind), symbol, run), Numbers()).add(first, last)

    def of(self, kind: Kind, symbol: str, run: int) -> Numbers:
        """The numbers of a contract in a run, a copy."""
        held = self._numbers.get((kind, symbol, run))
        return Numbers(held.ranges() if held else ())

    def unheld(self, kind: Kind, items: Sequence[_Item], run: int) -> list[_Item]:
        """Those whose number is not held, each number once."""
        fresh = {(item.symbol, item.seq): item for item in items}
        none = Numbers()
        return [
            item
            for (symbol, seq), item in fresh.items()
            if seq not in self._numbers.get((kind, symbol, run), none)
        ]

    def grown(self, kind: Kind, items: Sequence[Tick] | Sequence[Book], run: int) -> dict[Key, Numbers]:
        """What is held of their contracts once they are written."""
        found: dict[Key, Numbers] = {}
        for item in items:
            key = kind, item.symbol, run
            if key not in found:
                found[key] = self.of(*key)
            found[key].add(item.seq)
        return found

    def write(self, grown: Mapping[Key, Numbers]) -> None:
        """Brings the table to this, within the caller's transaction.

        Raises:
            duckdb.Error: it cannot be written.
        """
        gone, come = [], []
        for key, numbers in grown.items():
            before, after = set(self.of(*key).ranges()), set(numbers.ranges())
            gone += [(*key, *item) for item in before - after]
            come += [(*key, *item) for item in after - before]
        if gone:
            self._execute("DELETE FROM held WHERE (kind, symbol, run, first, last) IN (FROM ranges)", gone)
        if come:
            self._execute("INSERT INTO held FROM ranges", come)

    def take(self, grown: Mapping[Key, Numbers]) -> None:
        """Notes what :meth:`write` has written, once it is committed."""
        self._numbers.update(grown)

    def found(self, folder: StoreFolder) -> dict[Key, Numbers]:
        """What the table has to hold where there was none: the rows of the live file and of the last closed days.

        Outside of a transaction: a day that cannot be read would end it.
        """
        found: dict[Key, Numbers] = defaultdict(Numbers)
        for kind in _KINDS:
            self._gather(kind, str(kind), found)
            for segment in folder.segments(kind, source=Source.LIVE)[-_LATEST_DAYS:]:
                try:
                    self._gather(kind, f"read_parquet({schema.text(segment.path)})", found)
                except duckdb.Error as error:
                    log.error("a closed day cannot be read", path=str(segment.path), error=str(error))
        return found

    def _gather(self, kind: Kind, rows: str, found: dict[Key, Numbers]) -> None:
        ranges = self._database.execute(
            f"""SELECT symbol, run, min(seq), max(seq) FROM (
                SELECT symbol, run, seq, seq - row_number() OVER (PARTITION BY symbol, run ORDER BY seq) AS island
                FROM {rows}) GROUP BY symbol, run, island ORDER BY ALL"""
        )
        for symbol, run, first, last in ranges.fetchall():
            found[kind, symbol, run].add(first, last)

    def _execute(self, statement: str, rows: list[tuple[Kind, str, int, int, int]]) -> None:
        columns = zip(*rows, strict=True)
        types = (object, object, np.int64, np.int64, np.int64)
        table = {
            name: np.array([str(item) if type_ is object else item for item in column], dtype=type_)
            for name, column, type_ in zip(_COLUMNS, columns, types, strict=True)
        }
        self._database.register("ranges", table)
        try:
            self._database.execute(statement)
        finally:
            self._database.unregister("ranges")
