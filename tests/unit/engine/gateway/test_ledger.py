"""The order ledger: what was committed is there again, nothing is decided twice, a bad file is left alone."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from engine.errors import LedgerError
from engine.gateway.ledger import SCHEMA, Ledger
from engine.gateway.state import Event, folded
from engine.model.condition import Condition, ConditionSpec, ConditionState, Transition
from engine.model.instrument import Instrument, instrument
from engine.model.market import HaltChanged, HaltDepth
from engine.model.order import Fill, Order, OrderStatus, OrderType, Reason, Side, TimeInForce
from engine.model.session import TradingCalendar
from engine.model.signal import Leg, Signal, SignalRefused
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
        first.state.orders.clear()
        with pytest.raises(LedgerError, match="UNIQUE constraint failed: decisions"):
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

    def test_by_another_program_on_the_same_file(self, ledger: Ledger, path: Path) -> None:
        other = opened(path)
        ledger.append(INTENT, 1)
        ledger.commit()
        with pytest.raises(LedgerError):
            other.append(INTENT, 1)
        other.close()

    def test_orders_of_people_have_no_signal_and_are_many(self, ledger: Ledger) -> None:
        for number in range(3):
            ledger.append(replace(INTENT, client_order_id=f"PERSON{number:04}", signal_id=""), 1)
        ledger.commit()
        assert len(ledger.state.orders) == 3

    def test_changes_of_a_known_order_are_no_second_one(self, ledger: Ledger) -> None:
        for event in LIFE:
            ledger.append(event, 1)
        ledger.commit()
        with sqlite3.connect(ledger.path) as other:
            row = other.execute("SELECT client_order_id, signal_id, kind FROM decisions JOIN events USING (seq)")
            assert row.fetchall() == [("ABCDEFGHIJ", "c1/entry/1", "order")]
        other.close()


def test_words_of_a_broker_of_any_length_can_be_read_again(path: Path) -> None:
    ledger = opened(path)
    ledger.append(INTENT.moved(OrderStatus.REJECTED, 2, reason=Reason.BROKER, text="x" * (MAX_TEXT + 1)), 1)
    ledger.close()
    again = opened(path)
    assert len(again.state.orders["ABCDEFGHIJ"].text) == MAX_TEXT
    again.close()


# --- files that are none -----------------------------------------------------------------------------------------


def left_alone(path: Path, match: str) -> None:
    before = path.read_bytes()
    with pytest.raises(LedgerError, match=match) as caught:
        opened(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before


def test_garbage(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"this is no database at all" * 100)
    left_alone(path, "cannot be opened: file is not a database")


def test_another_version(path: Path) -> None:
    filled(path)
    change(path, f"PRAGMA user_version = {SCHEMA + 1}")
    left_alone(path, f"schema version {SCHEMA + 1}; this program knows version {SCHEMA}")


def test_a_database_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    change(path, "CREATE TABLE songs (title TEXT)")
    left_alone(path, "schema version 0")


def test_an_unreadable_row_is_named(path: Path) -> None:
    filled(path)
    change(path, "UPDATE events SET body = '[1, 2]' WHERE seq = 4")
    left_alone(path, r"event 4 \(order\) cannot be read: Order")


def test_a_row_of_an_unknown_kind(path: Path) -> None:
    filled(path)
    change(path, "UPDATE events SET kind = 'prophecy' WHERE seq = 1")
    left_alone(path, r"event 1 \(prophecy\)")


def test_a_row_of_an_unknown_contract(path: Path) -> None:
    filled(path)
    change(path, """UPDATE events SET body = replace(body, 'TXFK4', 'NOSUCH') WHERE kind = 'fill'""")
    left_alone(path, "'NOSUCH' is no contract")


@pytest.mark.parametrize("share", [0.3, 0.5, 0.9])
def test_a_file_that_was_cut(path: Path, share: float) -> None:
    ledger = opened(path)
    for number in range(300):
        ledger.append(replace(INTENT, client_order_id=f"PERSON{number:04}", signal_id=""), number)
    ledger.close()
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    left_alone(path, "cannot be opened: database disk image is malformed")


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
