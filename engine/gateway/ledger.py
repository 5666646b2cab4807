"""The ledger: every change of orders, fills, conditions, signals and halts, appended to SQLite before it is told.

One writer, the gateway's thread. Rows are events; the present state is their fold. A client order id and a signal
id can be decided once only: the table ``decisions`` makes that a constraint of the file, not of the code.
"""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from engine.errors import DecodeError, EngineError, LedgerError
from engine.gateway.state import Event, TradingState
from engine.model.instrument import Instrument
from engine.model.order import Order
from engine.settings import Ledger as Durable
from engine.wire.codec import NAMES, from_array, to_array

SCHEMA: Final = 1
_BUSY_S: Final = 0.1
"""How long a locked file is waited for: longer would hold up the exits that guard a position."""
_TABLES: Final = """
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, ts INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_key ON events (kind, key);
CREATE TABLE decisions (client_order_id TEXT PRIMARY KEY, signal_id TEXT UNIQUE, seq INTEGER NOT NULL) STRICT;
"""


class Ledger:
    """An open ledger file and the state it adds up to.

    Args:
        path: the SQLite file; created with its folder if missing.
        instruments: called with a symbol when an event of a contract not seen before is read or written.
        durability: what each class of commits survives.

    Raises:
        LedgerError: the file cannot be opened or is no ledger of this version. It is left as it is.
    """

    def __init__(
        self, path: Path, *, instruments: Callable[[str], Instrument], durability: Durable | None = None
    ) -> None:
        self.path = path
        self.durability = durability or Durable()
        self._instrument = instruments
        self.state = TradingState({})
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(f"{path}: the ledger cannot be opened: {error}") from error
        try:
            self._open()
            for event in self.events():
                self.apply(event)
        except (sqlite3.Error, EngineError) as error:
            self._db.close()
            if isinstance(error, LedgerError):
                raise
            raise LedgerError(f"{path}: the ledger cannot be opened: {error}") from error

    def _open(self) -> None:
        """Looks before it touches: a file that is no ledger of this version stays as it is."""
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if version != (SCHEMA if tables else 0):
            raise LedgerError(
                f"{self.path}: schema version {version}; this program knows version {SCHEMA}. "
                "Open it with the program that wrote it, or start with another file"
            )
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        if not tables:
            self._db.executescript(f"BEGIN;{_TABLES}PRAGMA user_version = {SCHEMA};COMMIT;")

    def events(self) -> Iterator[Event]:
        """All events in their order.

        Raises:
            LedgerError: a row cannot be read; names it.
        """
        for seq, kind, body in self._db.execute("SELECT seq, kind, body FROM events ORDER BY seq"):
            try:
                yield from_array(kind, json.loads(body))
            except (DecodeError, ValueError) as error:
                raise LedgerError(f"{self.path}: event {seq} ({kind}) cannot be read: {error}") from error

    def apply(self, event: Event) -> None:
        """Adds an event to the state alone; a fact holds also where it cannot be written."""
        symbol = getattr(event, "symbol", "")
        if symbol and symbol not in self.state.instruments:
            self.state.instruments[symbol] = self._instrument(symbol)
        self.state.apply(event)

    def append(self, event: Event, ts_ns: int) -> None:
        """Adds an event to the open batch and to the state; :meth:`commit` makes it durable.

        Raises:
            LedgerError: it could not be written; the state is as before.
        """
        self.write(event, ts_ns)
        self.apply(event)

    def write(self, event: Event, ts_ns: int) -> None:
        """Adds an event to the open batch alone.

        Raises:
            LedgerError: the disk is full, the file locked, or an order or signal was decided before.
        """
        try:
            if not self._db.in_transaction:
                self._db.execute("BEGIN IMMEDIATE")
            if isinstance(event, Order) and event.client_order_id not in self.state.orders:
                # First, so that an order that was decided before leaves no event behind.
                self._db.execute(
                    "INSERT INTO decisions SELECT ?, ?, COALESCE(MAX(seq), 0) + 1 FROM events",
                    (event.client_order_id, event.signal_id or None),
                )
            body = json.dumps(to_array(event), separators=(",", ":"), ensure_ascii=False)
            self._db.execute(
                "INSERT INTO events (ts, kind, key, body) VALUES (?, ?, ?, ?)",
                (ts_ns, NAMES[type(event)], _key(event), body),
            )
        except sqlite3.Error as error:
            raise LedgerError(f"{self.path}: cannot be written: {error}") from error

    @property
    def has_pending(self) -> bool:
        """Something was appended that is not durable yet."""
        return self._db.in_transaction

    def commit(self) -> None:
        """Makes all appended events durable.

        Raises:
            LedgerError: they are not.
        """
        if not self._db.in_transaction:
            return
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            raise LedgerError(f"{self.path}: cannot be written: {error}") from error

    def rollback(self) -> None:
        """Takes the events back that were written but not committed; the state is the caller's concern."""
        if self._db.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")

    def close(self) -> None:
        """Commits and closes."""
        try:
            self.commit()
        finally:
            self._db.close()


def _key(event: Event) -> str:
    for name in ("client_order_id", "condition_id", "signal_id"):
        if value := getattr(event, name, ""):
            return str(value)
    return ""
