"""The order ledger: what was committed is there again, nothing is decided twice, a bad file is left alone."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from engine.errors import LedgerDamaged, LedgerError
from engine.gateway.ledger import SCHEMA, Ledger, is_command, set_aside
from engine.gateway.ledger_file import LedgerFile
from engine.gateway.ledger_schema import Row, Tail, rows
from engine.gateway.state import Event, folded
from engine.model.books import Difference, DifferenceKind, LimitsChanged, PositionAdjusted
from engine.model.condition import Condition, ConditionSpec, ConditionState, Transition
from engine.model.instrument import Instrument, instrument
from engine.model.market import HaltChanged, HaltDepth
from engine.model.order import Fill, Order, OrderStatus, OrderType, Reason, Side, TimeInForce
from engine.model.session import TradingCalendar
from engine.model.signal import Leg, Signal, SignalRefused
from engine.settings import Durability, Risk
from engine.settings import Ledger as Durable
from engine.wire.messages import MAX_TEXT

REPOSITORY = Path(__file__).resolve().parents[4]
CALENDAR = TradingCalendar()


def of_symbol(symbol: str) -> Instrument:
    return instrument(symbol, near=date(2024, 11, 5), calendar=CALENDAR)


INTENT = Order(
    client_order_id="ABCDEFGHIJ",
    account="a",
    symbol="TXFK4",
    side=Side.BUY,
    order_type=OrderType.MARKET,
    time_in_force=TimeInForce.IOC,
    price=0,
    quantity=2,
    signal_id="c1/entry/1",
    condition_id="c1",
    ts_created=1,
)
FILL = Fill(
    fill_id="f1",
    client_order_id="ABCDEFGHIJ",
    account="a",
    symbol="TXFK4",
    side=Side.BUY,
    price=22_815,
    quantity=2,
    ts_event=3,
    condition_id="c1",
)
SPEC = ConditionSpec(condition_id="c1", account="a", symbol="TXFK4", action=Side.BUY, trigger_price=22_800)
SIGNAL = Signal(
    signal_id="c1/entry/1",
    condition_id="c1",
    leg=Leg.ENTRY,
    attempt=1,
    account="a",
    symbol="TXFK4",
    side=Side.BUY,
    quantity=2,
    price=22_815,
    tick_seq=7,
    ts_event=2,
)
LIFE: list[Event] = [
    Condition(spec=SPEC, state=ConditionState.ARMED, trigger=22_800),
    Transition(
        condition_id="c1",
        origin=ConditionState.ARMED,
        target=ConditionState.TRIGGERED,
        tick_seq=6,
        price=22_799,
        ts_event=1,
    ),
    SIGNAL,
    INTENT,
    INTENT.moved(OrderStatus.SENT, 2),
    FILL,
    INTENT.moved(OrderStatus.SENT, 2).with_fill(22_815, 2, 3),
    SignalRefused(
        signal=replace(SIGNAL, signal_id="c2/entry/1"), reason=Reason.STALE_SIGNAL, text="舊了", ts_event=4
    ),
    HaltChanged(depth=HaltDepth.NO_ENTRIES, by="window", ts_event=5),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "ledger.sqlite"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    ledger = Ledger(path, instruments=of_symbol)
    yield ledger
    ledger.close()


def filled(path: Path) -> None:
    ledger = Ledger(path, instruments=of_symbol)
    for event in LIFE:
        ledger.append(event, 1)
    ledger.close()


def opened(path: Path) -> Ledger:
    return Ledger(path, instruments=of_symbol)


def test_opened_again_it_adds_up_to_the_same(path: Path) -> None:
    filled(path)
    again = opened(path)
    assert list(again.events()) == LIFE
    expected = folded(LIFE, {"TXFK4": of_symbol("TXFK4")})
    for name, value in vars(expected).items():
        assert getattr(again.state, name) == value, name
    assert again.state.net("a", "TXFK4") == 2
    assert again.state.halt is HaltDepth.NO_ENTRIES
    again.close()


def decisions(path: Path) -> list[tuple[str, str | None, str]]:
    other = sqlite3.connect(path)
    found = other.execute("SELECT decides, signal_id, kind FROM events WHERE decides IS NOT NULL").fetchall()
    other.close()
    return found


def test_the_state_is_there_before_the_commit(ledger: Ledger) -> None:
    ledger.append(INTENT, 1)
    assert ledger.state.orders["ABCDEFGHIJ"] == INTENT


def test_what_was_not_committed_is_not_there(ledger: Ledger, path: Path) -> None:
    ledger.append(LIFE[0], 1)
    ledger.commit()
    ledger.append(INTENT, 1)
    with sqlite3.connect(path) as other:
        assert other.execute("SELECT count(*) FROM events").fetchone() == (1,)
    other.close()


def test_what_was_taken_back_leaves_no_hole(path: Path) -> None:
    ledger = opened(path)
    ledger.append(LIFE[0], 1)
    ledger.commit()
    ledger.write(LIFE[1], 2)
    ledger.write(LIFE[2], 2)
    ledger.rollback()
    assert not ledger.has_pending
    ledger.append(LIFE[1], 3)
    ledger.close()
    again = opened(path)
    assert list(again.events()) == LIFE[:2]
    again.close()


def test_committing_nothing_is_fine(ledger: Ledger) -> None:
    ledger.commit()
    ledger.commit()


class TestOnce:
    """The file itself refuses, whatever the program remembers."""

    @pytest.mark.parametrize(
        "second",
        [
            replace(INTENT, signal_id="c1/entry/2"),  # the same client order id
            replace(INTENT, client_order_id="JIHGFEDCBA"),  # the same signal id
        ],
    )
    def test_the_same_id_is_refused(self, path: Path, second: Order) -> None:
        first = opened(path)
        first.append(INTENT, 1)
        first.commit()
        first._decided.clear()
        with pytest.raises(LedgerError, match=r"UNIQUE constraint failed: events\.(decides|signal_id)"):
            first.append(second, 2)
        first.close()
        again = opened(path)
        assert list(again.events()) == [INTENT]
        again.close()

    def test_also_within_a_batch(self, path: Path) -> None:
        first = opened(path)
        first.append(INTENT, 1)
        with pytest.raises(LedgerError):
            first.append(replace(INTENT, client_order_id="JIHGFEDCBA"), 2)
        first.append(LIFE[0], 3)
        first.close()
        again = opened(path)
        assert list(again.events()) == [INTENT, LIFE[0]]
        again.close()

    def test_an_order_whose_first_row_was_taken_back_is_decided_when_it_is_written(self, ledger: Ledger) -> None:
        ledger.append(INTENT, 1)
        ledger.rollback()
        ledger.write(INTENT, 2)
        ledger.commit()
        assert decisions(ledger.path) == [("ABCDEFGHIJ", "c1/entry/1", "order")]

    def test_an_order_made_elsewhere_is_no_decision(self, ledger: Ledger) -> None:
        ledger.append(replace(INTENT, client_order_id="@B1", signal_id="", is_external=True), 1)
        ledger.commit()
        assert decisions(ledger.path) == []

    def test_orders_of_people_have_no_signal_and_are_many(self, ledger: Ledger) -> None:
        for number in range(3):
            ledger.append(replace(INTENT, client_order_id=f"PERSON{number:04}", signal_id=""), 1)
        ledger.commit()
        assert len(ledger.state.orders) == 3

    def test_changes_of_a_known_order_are_no_second_one(self, ledger: Ledger) -> None:
        for event in LIFE:
            ledger.append(event, 1)
        ledger.commit()
        assert decisions(ledger.path) == [("ABCDEFGHIJ", "c1/entry/1", "order")]


def test_words_of_a_broker_of_any_length_can_be_read_again(path: Path) -> None:
    ledger = opened(path)
    ledger.append(INTENT.moved(OrderStatus.REJECTED, 2, reason=Reason.BROKER, text="x" * (MAX_TEXT + 1)), 1)
    ledger.close()
    again = opened(path)
    assert len(again.state.orders["ABCDEFGHIJ"].text) == MAX_TEXT
    again.close()


# --- files that are none -----------------------------------------------------------------------------------------


def left_alone(path: Path, match: str, kind: type[LedgerError] = LedgerError) -> None:
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=match) as caught:
        opened(path)
    assert type(caught.value) is kind
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before


def test_garbage(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"this is no database at all" * 100)
    left_alone(path, "cannot be opened: file is not a database", LedgerDamaged)


def test_another_version(path: Path) -> None:
    filled(path)
    change(path, f"PRAGMA user_version = {SCHEMA + 1}")
    left_alone(path, f"schema version {SCHEMA + 1}; this program knows version 1 to {SCHEMA}")


def test_a_database_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    change(path, "CREATE TABLE songs (title TEXT)")
    left_alone(path, "schema version 0")


def test_an_unreadable_row_is_named(path: Path) -> None:
    filled(path)
    forge(path, "UPDATE events SET body = '[1, 2]' WHERE seq = 4")
    left_alone(path, r"event 4 \(order\) cannot be read: Order", LedgerDamaged)


def test_a_row_of_an_unknown_kind(path: Path) -> None:
    filled(path)
    forge(path, "UPDATE events SET kind = 'prophecy' WHERE seq = 1")
    left_alone(path, r"event 1 \(prophecy\)", LedgerDamaged)


def test_a_row_of_an_unknown_contract(path: Path) -> None:
    filled(path)
    forge(path, """UPDATE events SET body = replace(body, 'TXFK4', 'NOSUCH') WHERE kind = 'fill'""")
    left_alone(path, "'NOSUCH' is no contract")


class TestChain:
    """Rows that were tampered with after they were written."""

    @pytest.mark.parametrize(
        ("sql", "row"),
        [
            ("UPDATE events SET body = replace(body, '22815', '22816') WHERE seq = 6", 6),
            ("UPDATE events SET ts = ts + 1 WHERE seq = 3", 3),
            ("UPDATE events SET key = 'c9' WHERE seq = 2", 2),
            ("DELETE FROM events WHERE seq = 5", 6),
            ("DELETE FROM events WHERE seq = 1", 2),
            ("UPDATE events SET seq = 50 WHERE seq = 9", 50),
            (
                "INSERT INTO events SELECT 10, ts, kind, key, body, digest, NULL, NULL FROM events WHERE seq = 9",
                10,
            ),
        ],
    )
    def test_a_changed_missing_or_added_row_is_found(self, path: Path, sql: str, row: int) -> None:
        filled(path)
        change(path, sql)
        left_alone(path, f"event {row} does not follow from event", LedgerDamaged)

    def test_rows_that_changed_places_are_found(self, path: Path) -> None:
        filled(path)
        change(path, "UPDATE events SET seq = CASE seq WHEN 4 THEN -5 WHEN 5 THEN -4 END WHERE seq IN (4, 5)")
        change(path, "UPDATE events SET seq = -seq WHERE seq < 0")
        left_alone(path, "event 4 does not follow from event 3", LedgerDamaged)

    def test_what_moves_from_one_column_to_the_next_is_found(self) -> None:
        one = Row(1, 1, "a", "bc", "[]").after(Tail())
        assert not one._replace(kind="ab", key="c").follows(Tail())


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_a_file_that_was_cut(path: Path, share: float) -> None:
    ledger = opened(path)
    for number in range(300):
        ledger.append(replace(INTENT, client_order_id=f"PERSON{number:04}", signal_id=""), number)
    ledger.close()
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    left_alone(path, "cannot be opened: database disk image is malformed", LedgerDamaged)


def test_an_empty_file_is_a_new_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.touch()
    ledger = opened(path)
    assert not list(ledger.events())
    ledger.close()


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="cannot be opened"):
        opened(tmp_path)


def test_a_refused_file_is_not_kept_open(path: Path) -> None:
    """It must be possible to set a damaged ledger aside."""
    filled(path)
    change(path, "PRAGMA user_version = 99")
    with pytest.raises(LedgerError):
        opened(path)
    if sys.platform == "linux":
        held = [os.readlink(entry) for entry in Path("/proc/self/fd").iterdir() if entry.is_symlink()]
        assert str(path) not in held


def test_a_locked_file_is_said_so(ledger: Ledger, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    ledger._db.execute("PRAGMA busy_timeout = 0")
    with pytest.raises(LedgerError, match="cannot be written: database is locked"):
        ledger.append(INTENT, 1)
    assert not ledger.state.orders
    other.close()
    ledger.append(INTENT, 1)
    ledger.commit()


def change(path: Path, sql: str) -> None:
    database = sqlite3.connect(path)
    with database:
        database.execute(sql)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


def forge(path: Path, sql: str) -> None:
    """Changes rows and makes their digests anew, as if they had been written so."""
    change(path, sql)
    database = sqlite3.connect(path)
    tail = Tail()
    with database:
        for row in list(rows(database)):
            tail = row.after(tail).tail
            database.execute("UPDATE events SET digest = ? WHERE seq = ?", (tail.digest, tail.seq))
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()


# --- one writer --------------------------------------------------------------------------------------------------

HOLDER = """
import sys
from pathlib import Path
from tests.unit.engine.gateway.test_ledger import INTENT, opened

ledger = opened(Path(sys.argv[1]))
ledger.append(INTENT, 1)
ledger.commit()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_writer_is_told_who_holds_it(path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(path)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    assert child.stdin
    assert child.stdout
    with child.stdin, child.stdout as lines:
        assert lines.readline() == "held\n"
        with pytest.raises(LedgerError, match=rf"another terminal \(process {child.pid}\) holds this ledger"):
            opened(path)
        with pytest.raises(LedgerError, match="another terminal"):
            set_aside(path)
        with LedgerFile(path) as reader:
            assert list(reader.events()) == [INTENT]
        child.kill()
        child.wait(20)
    # Its end frees the ledger, however it ended.
    ledger = opened(path)
    assert list(ledger.events()) == [INTENT]
    ledger.close()


def test_two_in_one_program_are_one_too_many(ledger: Ledger, path: Path) -> None:
    with pytest.raises(LedgerError, match=rf"another terminal \(process {os.getpid()}\) holds"):
        opened(path)
    ledger.append(INTENT, 1)
    ledger.close()
    again = opened(path)
    assert list(again.events()) == [INTENT]
    again.close()
    again.close()


def test_a_refused_ledger_is_not_held(path: Path) -> None:
    filled(path)
    change(path, "PRAGMA user_version = 99")
    for _ in range(2):
        with pytest.raises(LedgerError, match="schema version 99"):
            opened(path)


def test_a_reader_sees_one_moment_and_holds_nobody_up(ledger: Ledger, path: Path) -> None:
    ledger.append(INTENT, 1)
    ledger.commit()
    with LedgerFile(path) as reader:
        ledger.append(FILL, 2)
        ledger.commit()
        assert list(reader.events()) == [INTENT]
    with LedgerFile(path) as reader:
        assert list(reader.events()) == [INTENT, FILL]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.database.execute("DELETE FROM events")


# --- damaged files are set aside ---------------------------------------------------------------------------------


def test_a_damaged_ledger_is_set_aside_and_a_new_one_begins(path: Path) -> None:
    filled(path)
    change(path, "DELETE FROM events WHERE seq = 5")
    path.with_name(path.name + "-wal").write_bytes(b"of the damaged one")
    content = path.read_bytes()
    aside = set_aside(path)
    assert re.fullmatch(r"ledger\.sqlite\.damaged-\d{8}T\d{6}Z", aside.name)
    assert aside.read_bytes() == content
    assert aside.with_name(aside.name + "-wal").read_bytes() == b"of the damaged one"
    ledger = opened(path)
    assert not list(ledger.events())
    ledger.append(INTENT, 1)
    ledger.close()
    # A second one within the same second keeps the first.
    assert set_aside(path) != aside
    assert aside.read_bytes() == content


def test_no_new_ledger_begins_beside_the_journal_of_one_that_is_gone(path: Path) -> None:
    filled(path)
    path.unlink()
    journal = path.with_name(path.name + "-wal")
    journal.write_bytes(b"the last orders")
    with pytest.raises(LedgerDamaged, match=r"ledger\.sqlite-wal is left"):
        opened(path)
    aside = set_aside(path)
    assert aside.with_name(aside.name + "-wal").read_bytes() == b"the last orders"
    opened(path).close()


def test_nothing_to_set_aside(path: Path) -> None:
    with pytest.raises(LedgerError, match="there is no ledger to set aside"):
        set_aside(path)


@pytest.mark.parametrize("lost", [1, 24, 4096, 20_000])
def test_a_log_that_was_cut_by_a_power_failure_is_no_damage(path: Path, tmp_path: Path, lost: int) -> None:
    ledger = opened(path)
    for number in range(40):
        ledger.append(person(number), number)
        ledger.commit()
    after = tmp_path / "after.sqlite"
    after.write_bytes(path.read_bytes())
    log = path.with_name(path.name + "-wal").read_bytes()
    after.with_name(after.name + "-wal").write_bytes(log[:-lost])
    ledger.close()
    again = opened(after)
    found = list(again.events())
    assert found == [person(number) for number in range(len(found))]
    assert 0 < len(found) < 40
    again.append(person(40), 1)
    again.close()


# --- older versions ----------------------------------------------------------------------------------------------

SCHEMA_1 = """
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, ts INTEGER NOT NULL, kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_key ON events (kind, key);
CREATE TABLE decisions (client_order_id TEXT PRIMARY KEY, signal_id TEXT UNIQUE, seq INTEGER NOT NULL) STRICT;
"""
ORDER_1 = (
    '["ABCDEFGHIJ","a","TXFK4","buy","market","IOC",0,2,0,0,"{status}","","","",false,"c1/entry/1","c1",0,1,0]'
)
CONDITION_1 = (
    '[["c1","a","TXFK4","buy",22800,15,90,30,1,false,0,"entry_level"],'
    '"armed",22800,0,0,0,false,0,null,false,0,"","",0,0,0]'
)


@pytest.fixture
def of_schema_1(tmp_path: Path) -> Path:
    path = tmp_path / "old.sqlite"
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    database.executescript(f"BEGIN;{SCHEMA_1}PRAGMA user_version = 1;COMMIT;")
    with database:
        for kind, key, body in (
            ("condition", "c1", CONDITION_1),
            ("order", "ABCDEFGHIJ", ORDER_1.format(status="intent")),
            ("order", "ABCDEFGHIJ", ORDER_1.format(status="sent")),
        ):
            database.execute("INSERT INTO events (ts, kind, key, body) VALUES (1, ?, ?, ?)", (kind, key, body))
        database.execute("INSERT INTO decisions VALUES ('ABCDEFGHIJ', 'c1/entry/1', 2)")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


OLD_EVENTS: list[Event] = [
    Condition(spec=SPEC, state=ConditionState.ARMED, trigger=22_800),
    INTENT,
    replace(INTENT, status=OrderStatus.SENT),
]


def test_an_older_ledger_is_brought_up_to_date_after_a_copy(of_schema_1: Path) -> None:
    ledger = opened(of_schema_1)
    assert list(ledger.events()) == OLD_EVENTS
    with pytest.raises(LedgerError, match="UNIQUE"):
        ledger.append(replace(INTENT, client_order_id="JIHGFEDCBA"), 2)
    ledger.append(FILL, 3)
    ledger.close()
    again = opened(of_schema_1)
    assert list(again.events()) == [*OLD_EVENTS, FILL]
    again.close()
    copy = of_schema_1.with_name("old.sqlite.v1.bak")
    with LedgerFile(copy) as reader:
        assert (reader.schema, list(reader.events())) == (1, OLD_EVENTS)


def test_both_ways_lead_to_the_same_tables(of_schema_1: Path, path: Path) -> None:
    def tables(path: Path) -> set[str]:
        opened(path).close()
        database = sqlite3.connect(path)
        found = database.execute("SELECT name, sql FROM sqlite_schema").fetchall()
        database.close()
        return {f"{name}: {' '.join((sql or '').replace(chr(34), '').split())}" for name, sql in found}

    assert tables(of_schema_1) == tables(path)


def test_an_older_ledger_that_cannot_be_read_stays_as_it_is(of_schema_1: Path) -> None:
    change(of_schema_1, "UPDATE events SET body = '[' WHERE seq = 3")
    left_alone(of_schema_1, r"event 3 \(order\) cannot be read", LedgerDamaged)
    left_alone(of_schema_1, r"event 3 \(order\) cannot be read", LedgerDamaged)
    assert sorted(copy.name for copy in of_schema_1.parent.glob("*.bak*")) == [
        "old.sqlite.v1.bak",
        "old.sqlite.v1.bak-2",
    ]


def test_without_room_for_the_copy_nothing_is_changed(of_schema_1: Path) -> None:
    of_schema_1.with_name("old.sqlite.v1.bak.part").mkdir()
    left_alone(of_schema_1, "the ledger is as before")


# --- what survives what ------------------------------------------------------------------------------------------

SENT = INTENT.moved(OrderStatus.SENT, 2)
BY_CLASS: list[tuple[Event, bool]] = [
    (INTENT, True),
    (INTENT.moved(OrderStatus.DENIED, 1, reason=Reason.HALTED), True),
    (replace(SENT, status=OrderStatus.REJECTED, reason=Reason.PERSON), True),
    (SENT, False),
    (SENT.with_fill(22_815, 2, 3), False),
    (FILL, False),
    (LIFE[0], True),
    (LIFE[1], False),
    (SIGNAL, True),
    (LIFE[7], True),
    (LIFE[8], True),
    (Difference(kind=DifferenceKind.POSITION, account="a", symbol="TXFK4", ours="1", theirs="2"), True),
    (PositionAdjusted(account="a", symbol="TXFK4", lots=1, price=22_815, by="window"), True),
    (LimitsChanged(limits=Risk(), by="window"), True),
]


@pytest.mark.parametrize(("event", "expected"), BY_CLASS)
def test_classes_of_events(event: Event, expected: bool) -> None:
    assert is_command(event) is expected


class TestDurability:
    """Which commits flush the disk: counted by SQLite's own setting at the moment of the commit."""

    @pytest.mark.parametrize(
        ("commands", "reports", "batch", "flushed"),
        [
            ("power_loss", "power_loss", [SENT], True),
            ("power_loss", "power_loss", [INTENT], True),
            ("power_loss", "process_death", [SENT], False),
            ("power_loss", "process_death", [INTENT], True),
            ("power_loss", "process_death", [SENT, FILL, LIFE[0]], True),
            ("power_loss", "process_death", [LIFE[0], SENT, FILL], True),
            ("process_death", "process_death", [INTENT, SENT], False),
            ("process_death", "power_loss", [INTENT, FILL], True),
        ],
    )
    def test_a_batch_survives_what_its_strictest_event_must(
        self, path: Path, commands: str, reports: str, batch: list[Event], flushed: bool
    ) -> None:
        durability = Durable(commands=Durability(commands), reports=Durability(reports))
        ledger = Ledger(path, instruments=of_symbol, durability=durability)
        for _ in range(2):  # the second time from whichever setting the first one left
            for event in batch:
                ledger.append(event, 1)
            (level,) = ledger._db.execute("PRAGMA synchronous").fetchone()
            assert level == (2 if flushed else 1)
            ledger.commit()
        assert list(ledger.events()) == batch + batch
        ledger.close()
        opened(path).close()

    def test_a_batch_that_begins_again_can_be_taken_back_whole(self, path: Path) -> None:
        durability = Durable(reports=Durability.PROCESS_DEATH)
        ledger = Ledger(path, instruments=of_symbol, durability=durability)
        for event in (SENT, FILL, LIFE[0]):
            ledger.write(event, 1)
        ledger.rollback()
        assert not list(ledger.events())
        ledger.close()


def test_a_full_disk_takes_the_batch_back_and_room_lets_it_through(path: Path) -> None:
    ledger = opened(path)
    ledger.append(person(0), 1)
    ledger.commit()
    ledger.limit_pages(2)
    committed = 1

    def write_until_full() -> None:
        nonlocal committed
        for number in range(committed, 1000):
            ledger.write(person(number), 1)
            if number % 5 == 0:
                ledger.commit()
                committed = number + 1

    with pytest.raises(LedgerError, match="cannot be written: database or disk is full"):
        write_until_full()
    assert not ledger.has_pending
    kept = list(ledger.events())
    assert kept == [person(number) for number in range(committed)]
    ledger.limit_pages(None)
    for index in range(len(kept), 500):
        ledger.write(person(index), 1)
    ledger.close()
    again = opened(path)
    assert list(again.events()) == [person(index) for index in range(500)]
    again.close()


def person(number: int) -> Order:
    return replace(INTENT, client_order_id=f"PERSON{number:04}", signal_id="")


# --- death -------------------------------------------------------------------------------------------------------

CHILD = """
import os, sys
from dataclasses import replace
from pathlib import Path
from tests.unit.engine.gateway.test_ledger import INTENT, opened

ledger = opened(Path(sys.argv[1]))
for number in range(10_000):
    ledger.append(replace(INTENT, client_order_id=f"PERSON{number:04}", signal_id=""), number)
    if number % 3 == 2:
        ledger.commit()
        print(number + 1, flush=True)
    if sys.argv[2] == "exit" and number == 100:
        os._exit(1)
"""


@pytest.mark.parametrize("way", ["exit", "kill"])
def test_a_killed_process_loses_nothing_that_was_committed(path: Path, way: str) -> None:
    command = [sys.executable, "-c", CHILD, str(path), way]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    assert child.stdout
    committed = 0
    with child.stdout as lines:
        for line in lines:
            committed = int(line)
            if way == "kill" and committed == 60:
                child.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    child.wait(20)
    ledger = opened(path)
    orders = list(ledger.events())
    # The last commit may have been made and not told any more.
    assert committed <= len(orders) <= committed + 3
    assert committed >= 60
    assert len(orders) % 3 == 0
    ledger.append(replace(INTENT, client_order_id="AFTERWARDS", signal_id=""), 1)
    ledger.close()
