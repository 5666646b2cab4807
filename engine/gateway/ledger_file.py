"""Reading a ledger that may belong to another program: one moment of the file, nothing locked, nothing changed."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Final

from engine.errors import LedgerError
from engine.gateway import ledger_schema
from engine.gateway.ledger_schema import Row
from engine.gateway.state import Event
from engine.model.instrument import Instrument, instrument
from engine.model.session import TAIPEI, TradingCalendar

_BUSY_S: Final = 5.0


class LedgerFile:
    """A ledger as it was when this was made; a terminal may hold it and go on writing.

    Args:
        path: the ledger file, of any version that this program knows.

    Raises:
        LedgerError: there is no such file, or it is no ledger.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise LedgerError(f"{path}: there is no such file")
        address = f"{path.resolve().as_uri()}?mode=ro"
        self.database = sqlite3.connect(address, uri=True, timeout=_BUSY_S, isolation_level=None)
        try:
            self.database.execute("BEGIN")
            self.schema = ledger_schema.version_of(self.database, path)
        except sqlite3.Error as error:
            self.database.close()
            raise LedgerError(f"{path}: the ledger cannot be read: {error}") from error
        except LedgerError:
            self.database.close()
            raise

    def rows(self) -> Iterator[Row]:
        """All rows in their order, unchecked."""
        return ledger_schema.rows(self.database, schema=self.schema) if self.schema else iter(())

    def events(self) -> Iterator[Event]:
        """All events in their order.

        Raises:
            LedgerError: a row cannot be read; names it.
        """
        try:
            for row in self.rows():
                yield ledger_schema.readable(row, self.path)
        except sqlite3.Error as error:
            raise LedgerError(f"{self.path}: the ledger cannot be read: {error}") from error

    def close(self) -> None:
        """Lets the file go; doing so twice is fine."""
        self.database.close()

    def __enter__(self) -> "LedgerFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def newest(folder: Path) -> Path:
    """The ledger of a folder that was written last.

    Raises:
        LedgerError: there is none.
    """
    found = [(_written_at(path), path) for path in folder.glob("*.sqlite") if path.is_file()]
    if not found:
        raise LedgerError(f"{folder}: no ledger is there yet; name the file")
    return max(found)[1]


def _written_at(path: Path) -> int:
    journal = path.with_name(path.name + "-wal")
    return max(part.stat().st_mtime_ns for part in (path, journal) if part.exists())


def instruments_at(calendar: TradingCalendar) -> Callable[[str, int], Instrument]:
    """Makes the instrument of a symbol; the digit of its year means the year nearest to an instant, ns UTC.

    A symbol keeps the year of the first instant that it was asked for: one ledger knows one contract of a symbol.
    """
    known: dict[str, Instrument] = {}

    def find(symbol: str, ts_ns: int) -> Instrument:
        if symbol not in known:
            near = datetime.fromtimestamp(ts_ns / 1e9, TAIPEI).date()
            known[symbol] = instrument(symbol, near=near, calendar=calendar)
        return known[symbol]

    return find


def trade_date_at(ts_ns: int, calendar: TradingCalendar) -> date:
    """The trade date that an instant counts to, also between two sessions: then that of the next one."""
    session = calendar.session_at(ts_ns) or calendar.next_session(ts_ns)
    assert session is not None  # only an expired contract has no next session
    return session.trade_date
