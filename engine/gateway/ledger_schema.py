"""What a ledger file looks like: its tables, the chain of its rows, and how an older file becomes one of today.

Knows SQLite and the events' encoding, no trading state and no lock; opens no ledger by itself.
"""

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final, NamedTuple

from engine.errors import DecodeError, LedgerDamaged, LedgerError
from engine.gateway.state import Event
from engine.wire.codec import NAMES, from_array, to_array

SCHEMA: Final = 2
"""Version of the tables, kept in the file as ``PRAGMA user_version``."""
_FIRST_SCHEMA: Final = 1
_DIGEST_BYTES: Final = 16

_TABLES: Final = (
    """CREATE TABLE events (
    seq INTEGER PRIMARY KEY, ts INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL,
    digest BLOB NOT NULL, decides TEXT, signal_id TEXT
) STRICT""",
    "CREATE UNIQUE INDEX orders_once ON events (decides) WHERE decides IS NOT NULL",
    "CREATE UNIQUE INDEX signals_once ON events (signal_id) WHERE signal_id IS NOT NULL",
)
_encode: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_INSERT: Final = (
    "INSERT INTO events (seq, ts, kind, key, body, digest, decides, signal_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_DECISIONS: Final = {
    0: "SELECT '', '', 0 WHERE 0",
    1: "SELECT client_order_id, signal_id, seq FROM decisions ORDER BY seq",
    2: "SELECT decides, signal_id, seq FROM events WHERE decides IS NOT NULL ORDER BY seq",
}
Decision = tuple[str | None, str | None]
"""What a row decides for ever: a client order id, and the signal that it was made of; most rows decide nothing."""
NOTHING: Final[Decision] = (None, None)


class Tail(NamedTuple):
    """The last row: its number and its digest; before the first row 0 and nothing."""

    seq: int = 0
    digest: bytes = b""


class Row(NamedTuple):
    """One row of ``events``.

    Attributes:
        seq: its number, from 1 without holes.
        ts: when it was written, wall clock, ns UTC.
        kind: wire name of the event's type.
        key: order, condition or signal that it is about.
        body: the event as a JSON array.
        digest: BLAKE2b-128 over the digest before it and all of the above; empty in a file of schema 1.
    """

    seq: int
    ts: int
    kind: str
    key: str
    body: str
    digest: bytes = b""

    def follows(self, before: Tail) -> bool:
        """Whether it is the row after that one, unchanged since it was written."""
        return self.seq == before.seq + 1 and self.digest == chained(before.digest, *self[:-1])

    def after(self, before: Tail) -> "Row":
        """The same row with the digest that it has behind that one."""
        return self._replace(digest=chained(before.digest, *self[:-1]))

    @property
    def tail(self) -> Tail:
        """The end of the chain where this is the last row."""
        return Tail(self.seq, self.digest)

    @property
    def event(self) -> Event:
        """The event.

        Raises:
            DecodeError: it cannot be read.
        """
        try:
            found: Event = from_array(self.kind, json.loads(self.body))
        except (ValueError, RecursionError) as error:
            raise DecodeError(str(error)) from error
        return found


def chained(before: bytes, seq: int, ts: int, kind: str, key: str, body: str) -> bytes:
    """The digest of a row, given the digest before it."""
    # Neither a wire name nor JSON holds a zero byte, so no two rows are hashed alike.
    text = f"{seq}\0{ts}\0{kind}\0{body}\0{key}"
    return blake2b(before + text.encode(), digest_size=_DIGEST_BYTES).digest()


def row_of(event: Event, ts_ns: int, before: Tail) -> Row:
    """The row of an event that is written after another."""
    seq, kind, key, body = before.seq + 1, NAMES[type(event)], _key(event), _encode(to_array(event))
    return Row(seq, ts_ns, kind, key, body, chained(before.digest, seq, ts_ns, kind, key, body))


def _key(event: Event) -> str:
    for name in ("client_order_id", "condition_id", "signal_id"):
        if value := getattr(event, name, ""):
            return str(value)
    return ""


def insert(database: sqlite3.Connection, row: Row, decision: Decision) -> None:
    """Adds a row to the open transaction.

    Raises:
        sqlite3.IntegrityError: another row has decided the order or the signal; this one is not added.
    """
    database.execute(_INSERT, row + decision)


def decisions(database: sqlite3.Connection, *, schema: int = SCHEMA) -> Iterator[tuple[str, str | None, int]]:
    """Order, signal and row of everything that was decided, in the order of the rows."""
    yield from database.execute(_DECISIONS[schema])


def rows(database: sqlite3.Connection, *, schema: int = SCHEMA) -> Iterator[Row]:
    """All rows in their order, as they are in the file."""
    digest = "digest" if schema >= 2 else "x''"
    for found in database.execute(f"SELECT seq, ts, kind, key, body, {digest} FROM events ORDER BY seq"):
        yield Row(*found)


def chain(database: sqlite3.Connection, path: Path) -> Iterator[tuple[Row, Event]]:
    """All rows and events in their order.

    Raises:
        LedgerDamaged: a row is missing, was changed, stands elsewhere, or cannot be read; names it.
    """
    tail = Tail()
    for row in rows(database):
        if not row.follows(tail):
            raise LedgerDamaged(
                f"{path}: event {row.seq} does not follow from event {tail.seq}: "
                "rows were changed, moved or removed. Set the file aside to begin with a new one"
            )
        tail = row.tail
        yield row, readable(row, path)


def readable(row: Row, path: Path) -> Event:
    """The event of a row.

    Raises:
        LedgerDamaged: it cannot be read; names file and row.
    """
    try:
        return row.event
    except DecodeError as error:
        raise LedgerDamaged(
            f"{path}: event {row.seq} ({row.kind}) cannot be read: {error}. It is damaged or of a newer program: "
            "use that program, or set the file aside to begin with a new one"
        ) from error


# --- versions ----------------------------------------------------------------------------------------------------


def version_of(database: sqlite3.Connection, path: Path) -> int:
    """The schema version of a file, 0 where it is new; looks and does not touch.

    Raises:
        LedgerError: it is no ledger, or one of a newer program.
    """
    (version,) = database.execute("PRAGMA user_version").fetchone()
    (tables,) = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if not tables and not version:
        return 0
    if _FIRST_SCHEMA <= version <= SCHEMA and tables:
        return int(version)
    raise LedgerError(
        f"{path}: schema version {version}; this program knows version {_FIRST_SCHEMA} to {SCHEMA}. "
        "Open it with the program that wrote it, or start with another file"
    )


def make(database: sqlite3.Connection) -> None:
    """Makes the tables of a new ledger, all or none."""
    with _transaction(database):
        for statement in _TABLES:
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {SCHEMA}")


def migrate(database: sqlite3.Connection, path: Path, version: int) -> Path:
    """Turns a file of an older version into one of today, all or nothing; returns the copy made before.

    The copy lies beside the file and is named ``<name>.v<version>.bak``; an older copy is never replaced.

    Raises:
        LedgerDamaged: a row cannot be read; the file is as before.
        LedgerError: the copy cannot be made.
    """
    copy = _back_up(database, path, version)
    with _transaction(database):
        for step in range(version, SCHEMA):
            _MIGRATIONS[step](database, path)
        database.execute(f"PRAGMA user_version = {SCHEMA}")
    return copy


def _chain_rows(database: sqlite3.Connection, path: Path) -> None:
    """1 to 2: every row gets its digest and what it decides, which had a table of its own before."""
    database.execute("ALTER TABLE events RENAME TO events_of_1")
    database.execute("DROP INDEX IF EXISTS events_by_key")
    for statement in _TABLES:
        database.execute(statement)
    tail = Tail()
    source = """SELECT seq, ts, kind, key, body, client_order_id, signal_id
        FROM events_of_1 LEFT JOIN decisions USING (seq) ORDER BY seq"""
    for *values, decided, signal_id in database.execute(source):
        row = Row(*values).after(tail)
        readable(row, path)
        insert(database, row, (decided, signal_id))
        tail = row.tail
    database.execute("DROP TABLE events_of_1")
    database.execute("DROP TABLE decisions")


_MIGRATIONS: Final[dict[int, Callable[[sqlite3.Connection, Path], None]]] = {1: _chain_rows}
"""By the version that they begin with."""


def _back_up(database: sqlite3.Connection, path: Path, version: int) -> Path:
    copy = unused(path.with_name(f"{path.name}.v{version}.bak"))
    part = copy.with_name(copy.name + ".part")
    try:
        part.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(part)) as target:
            database.backup(target)
        part.replace(copy)
    except (OSError, sqlite3.Error) as error:
        raise LedgerError(
            f"{copy}: the copy that is made before the ledger is brought up to date cannot be written: {error}. "
            "Make room or mend the folder's permissions; the ledger is as before"
        ) from error
    return copy


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def unused(path: Path) -> Path:
    """The path itself, or with a number behind it where something lies there."""
    numbered, number = path, 1
    while numbered.exists():
        number += 1
        numbered = path.with_name(f"{path.name}-{number}")
    return numbered


def stamp() -> str:
    """The present time for file names, UTC."""
    return datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
