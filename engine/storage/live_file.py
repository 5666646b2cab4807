"""The live file: opened, brought to this program's version, and set aside where it is damaged.

Holds no lock: who opens it is the store's writer.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

import duckdb

from engine import logs
from engine.errors import StoreError
from engine.storage import schema
from engine.storage.held import HeldNumbers
from engine.storage.layout import Kind, StoreFolder

log = logs.get(__name__)

KINDS: Final = (Kind.TICKS, Kind.BARS, Kind.BOOKS)
"""What it holds."""
_VERSION: Final = 2
"""2 has the table of held numbers."""
_DAMAGE: Final = ("not a valid DuckDB database file", "Could not read enough bytes")
"""How the errors of a damaged file begin that have the type of those of a disk."""


class _Damaged(StoreError):
    """The file opens, or is read, no more."""


@dataclass(frozen=True, slots=True)
class LiveFile:
    """The open file.

    Attributes:
        database: its connection.
        damaged: where the file before it is, which was damaged; None where it was not.
    """

    database: duckdb.DuckDBPyConnection
    damaged: Path | None = None


@contextlib.contextmanager
def opened(folder: StoreFolder) -> Iterator[LiveFile]:
    """The live file of a store; a damaged one is renamed and a new one begun.

    Raises:
        StoreError: another program holds it, it is no market store or that of another version.
    """
    damaged = None
    try:
        database = _open(folder)
    except _Damaged as error:
        damaged = _set_aside(folder.live)
        log.error("a damaged live file was set aside", error=str(error), kept=str(damaged))
        database = _open(folder)
    with database:
        yield LiveFile(database, damaged)


def open_days(database: duckdb.DuckDBPyConnection) -> list[date]:
    """The trade dates with rows in the file."""
    union = " UNION ".join(f"SELECT trade_date FROM {kind}" for kind in KINDS)
    return [day for (day,) in database.execute(union).fetchall()]


def first_line(error: Exception) -> str:
    """What a person needs of an error of the database."""
    return str(error).splitlines()[0]


def _open(folder: StoreFolder) -> duckdb.DuckDBPyConnection:
    try:
        database = duckdb.connect(folder.live, config=schema.STORE_CONFIG)
    except duckdb.Error as error:
        raise _failure(folder.live, "cannot be opened", error) from error
    try:
        _prepare(database, folder)
        open_days(database)
    except duckdb.Error as error:
        database.close()
        raise _failure(folder.live, "is no market store", error) from error
    except BaseException:
        database.close()
        raise
    return database


def _failure(live: Path, what: str, error: duckdb.Error) -> StoreError:
    is_damage = type(error) is duckdb.Error or isinstance(error, duckdb.FatalException | duckdb.InternalException)
    is_damage = is_damage or any(text in str(error) for text in _DAMAGE)
    return (_Damaged if is_damage else StoreError)(f"{live}: {what}: {first_line(error)}")


def _set_aside(live: Path) -> Path:
    number = 1
    while (kept := live.with_name(f"{live.name}.damaged-{number}")).exists():
        number += 1
    try:
        for ending in (".wal", ""):
            with contextlib.suppress(FileNotFoundError):
                live.with_name(live.name + ending).rename(kept.with_name(kept.name + ending))
    except OSError as error:
        raise StoreError(f"{live}: is damaged and cannot be renamed: {error.strerror}. Move it away.") from error
    return kept


def _prepare(database: duckdb.DuckDBPyConnection, folder: StoreFolder) -> None:
    """Makes the tables that are missing, or refuses the file."""
    database.execute("CREATE TABLE IF NOT EXISTS store (version INTEGER NOT NULL)")
    versions = database.execute("SELECT version FROM store").fetchall()
    if versions == [(_VERSION,)]:
        return
    if versions not in ([], [(1,)]):
        raise StoreError(
            f"{folder.live}: version {versions[0][0]}; this program knows version {_VERSION}. "
            "Open it with the program that wrote it, or choose another folder."
        )
    for kind in KINDS:
        database.execute(schema.table(kind))
    database.execute(HeldNumbers.TABLE)
    held = HeldNumbers(database)
    found = held.found(folder)
    database.execute("BEGIN")
    held.write(found)
    database.execute("DELETE FROM store")
    database.execute("INSERT INTO store VALUES (?)", [_VERSION])
    database.execute("COMMIT")
