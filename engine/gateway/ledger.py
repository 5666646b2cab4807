"""The ledger: every change of orders, fills, conditions, signals and halts, appended to SQLite before it is told.

One writer, the gateway's thread. Rows are events; the present state is their fold. A client order id and a signal
id can be decided once only: unique indexes make that a constraint of the file, not of the code.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from engine.errors import EngineError, LedgerDamaged, LedgerError
from engine.gateway import ledger_schema
from engine.gateway.ledger_lock import LedgerLock, is_left_behind, set_aside
from engine.gateway.ledger_schema import NOTHING, SCHEMA, Decision, Row, Tail
from engine.gateway.state import Event, TradingState
from engine.model.condition import Transition
from engine.model.instrument import Instrument
from engine.model.order import Fill, Order, OrderStatus, Reason
from engine.settings import Durability
from engine.settings import Ledger as Durable

__all__ = ["SCHEMA", "Ledger", "is_command", "set_aside"]

_BUSY_S: Final = 0.1
"""How long a locked file is waited for: longer would hold up the exits that guard a position."""
_MOST_PAGES: Final = 4_294_967_294
"""SQLite's own limit of a database's size."""
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class Ledger:
    """An open ledger file and the state it adds up to. It is locked against other writers until it is closed.

    What a commit survives:

    * The death of this process, at any point: always. A commit that has returned is in the operating system's
      hands, and SQLite finds it in the write-ahead log at the next start. What was appended and not committed is
      gone.
    * Loss of power, or of the whole machine: where an event of the batch is of a class that the settings keep as
      ``power_loss``. Then the write-ahead log is flushed to the disk before the commit returns (``synchronous =
      FULL``), as far as the disk tells the truth about it, and everything committed before with it. Otherwise
      (``process_death``, ``synchronous = NORMAL``) the last commits may be missing afterwards, never one from the
      middle, and the file is not damaged.

    The write-ahead log is copied into the file by the commit that makes it longer than 1,000 pages (4 MB), and
    when the ledger is closed; both files are flushed for that, whatever the settings say.

    Args:
        path: the SQLite file; created with its folder if missing. A file of an older version is brought up to
            date, after a copy of it was made.
        instruments: called with a symbol when an event of a contract not seen before is read or written.
        durability: what each class of commits survives.

    Raises:
        LedgerDamaged: the file is damaged; it is left as it is, see :func:`set_aside`.
        LedgerError: it cannot be opened, another program holds it, or it is no ledger of a version known here.
            It is left as it is.
    """

    def __init__(
        self, path: Path, *, instruments: Callable[[str], Instrument], durability: Durable | None = None
    ) -> None:
        self.path = path
        self.durability = durability or Durable()
        self._instrument = instruments
        self.state = TradingState({})
        self._tail = self._durable_tail = Tail()
        self._batch: list[tuple[Row, Decision]] = []
        """What the open transaction holds."""
        self._decided: set[str] = set()
        """Orders that the file knows, the open batch included."""
        self._is_flushing = True
        with contextlib.ExitStack() as opened, self._said_so():
            if is_left_behind(path):
                raise LedgerDamaged(f"{path}: the file is gone and its journal {path.name}-wal is left")
            self.lock = lock = LedgerLock(path)
            opened.callback(lock.release)
            self._db = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
            opened.callback(self._db.close)
            self._open()
            self._load()
            opened.callback(self.commit)
            self._closing = opened.pop_all()

    @contextlib.contextmanager
    def _said_so(self) -> Iterator[None]:
        """Turns whatever fails while opening into a sentence."""
        try:
            yield
        except LedgerError:
            raise
        except (sqlite3.Error, EngineError, OSError) as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            kind = LedgerDamaged if code in _DAMAGED else LedgerError
            raise kind(f"{self.path}: the ledger cannot be opened: {error}") from error

    def _open(self) -> None:
        """Looks before it touches: a file that is no ledger of a known version stays as it is."""
        version = ledger_schema.version_of(self._db, self.path)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA fullfsync = ON")  # macOS: through the disk's own cache
        if not version:
            ledger_schema.make(self._db)
        elif version < SCHEMA:
            ledger_schema.migrate(self._db, self.path, version)

    def _load(self) -> None:
        for row, event in ledger_schema.chain(self._db, self.path):
            self.apply(event)
            self._tail = row.tail
            if isinstance(event, Order):
                self._decided.add(event.client_order_id)
        self._durable_tail = self._tail

    def events(self) -> Iterator[Event]:
        """All events in their order, those of the open batch included.

        Raises:
            LedgerDamaged: a row cannot be read; names it.
        """
        for _, event in ledger_schema.chain(self._db, self.path):
            yield event

    def apply(self, event: Event) -> None:
        """Adds an event to the state alone; a fact holds also where it cannot be written."""
        self._learn_contract(event)
        self.state.apply(event)

    def _learn_contract(self, event: Event) -> None:
        symbol = getattr(event, "symbol", "")
        if symbol and symbol not in self.state.instruments:
            self.state.instruments[symbol] = self._instrument(symbol)

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
            LedgerError: an order or signal was decided before, and the batch is as it was; or the disk is full or
                the file cannot be written, and the whole batch is taken back.
            UnknownInstrument: nothing could read the row again, so that it is not written.
        """
        self._learn_contract(event)
        row = ledger_schema.row_of(event, ts_ns, self._tail)
        decision = self._decision(event)
        try:
            self._begin(event)
            ledger_schema.insert(self._db, row, decision)
        except sqlite3.IntegrityError as error:
            raise LedgerError(f"{self.path}: cannot be written: {error}") from error
        except sqlite3.Error as error:
            self.rollback()
            raise LedgerError(f"{self.path}: cannot be written: {error}") from error
        self._tail = row.tail
        self._batch.append((row, decision))
        if decision[0]:
            self._decided.add(decision[0])

    def _decision(self, event: Event) -> Decision:
        """What an order's first row decides; orders made elsewhere decide nothing of ours."""
        if not isinstance(event, Order) or event.is_external or event.client_order_id in self._decided:
            return NOTHING
        return (event.client_order_id, event.signal_id or None)

    def _begin(self, event: Event) -> None:
        """Opens a transaction that survives what the event must survive.

        SQLite takes no other ``synchronous`` inside a transaction: one that an event of the stricter class joins
        is taken back and written again from its beginning.
        """
        chosen = self.durability.commands if is_command(event) else self.durability.reports
        is_flushing = chosen is Durability.POWER_LOSS
        if self._db.in_transaction:
            if self._is_flushing or not is_flushing:
                return
            self._db.execute("ROLLBACK")
        if is_flushing is not self._is_flushing:
            self._db.execute(f"PRAGMA synchronous = {'FULL' if is_flushing else 'NORMAL'}")
            self._is_flushing = is_flushing
        self._db.execute("BEGIN IMMEDIATE")
        for row, decision in self._batch:
            ledger_schema.insert(self._db, row, decision)

    @property
    def has_pending(self) -> bool:
        """Something was appended that is not durable yet."""
        return self._db.in_transaction

    def commit(self) -> None:
        """Makes all appended events durable.

        Raises:
            LedgerError: they are not; the whole batch is taken back.
        """
        if not self._db.in_transaction:
            return
        try:
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self.rollback()
            raise LedgerError(f"{self.path}: cannot be written: {error}") from error
        self._durable_tail = self._tail
        self._batch.clear()

    def rollback(self) -> None:
        """Takes the events back that were written but not committed; the state is the caller's concern."""
        if self._db.in_transaction:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
        self._tail = self._durable_tail
        self._decided.difference_update(decided for _, (decided, _) in self._batch if decided)
        self._batch.clear()

    def limit_pages(self, extra: int | None) -> None:
        """For drills: the disk is full after so many more pages of 4 KB; None makes room again.

        What happens then is SQLite's own answer to a full disk, on the way that every write takes.
        """
        (pages,) = self._db.execute("PRAGMA page_count").fetchone()
        self._db.execute(f"PRAGMA max_page_count = {_MOST_PAGES if extra is None else pages + extra}")

    def close(self) -> None:
        """Commits, closes and lets another program have the file; doing so twice is fine."""
        self._closing.close()


def is_command(event: Event) -> bool:
    """Whether only this program knows an event (``ledger.commands``), or the broker can tell it again.

    Fills, the later life of an order and the changes of a condition that follow from them are reports; what a
    person or a rule of ours decided is a command.
    """
    match event:
        case Fill() | Transition():
            return False
        case Order():
            return event.status in (OrderStatus.INTENT, OrderStatus.DENIED) or event.reason is Reason.PERSON
        case _:
            return True
