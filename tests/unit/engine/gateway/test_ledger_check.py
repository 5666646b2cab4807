"""`ledger verify`: a sound ledger passes, and each kind of wrong is found by the check that is there for it."""

import os
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from engine.__main__ import main
from engine.gateway.ledger import Ledger
from engine.gateway.ledger_check import Check, verify
from engine.gateway.state import Event
from engine.model.books import PositionAdjusted
from engine.model.condition import Condition, ConditionState
from engine.model.order import Fill, Order, OrderStatus, Reason, Side
from engine.model.signal import SignalRefused
from tests.unit.engine.gateway.test_ledger import (
    CALENDAR,
    FILL,
    INTENT,
    LIFE,
    ORDER_1,
    SCHEMA_1,
    SENT,
    SIGNAL,
    SPEC,
    change,
    forge,
    of_symbol,
)

DAY_NS = 1_730_770_000_000_000_000
"""2024-11-05, about 09:26 in Taipei."""


def order_of(number: int, side: Side, **values: object) -> Order:
    order = replace(INTENT, client_order_id=f"ORDER{number:05}", signal_id=f"c1/leg/{number}", side=side)
    return replace(order, **values)  # type: ignore[arg-type]


def fill_of(order: Order, number: int, price: int, lots: int) -> Fill:
    return replace(
        FILL,
        fill_id=f"F{number}",
        client_order_id=order.client_order_id,
        side=order.side,
        price=price,
        quantity=lots,
        ts_event=DAY_NS + number,
        condition_id=order.condition_id,
    )


def traded() -> list[Event]:
    """Three lots in by two fills, an exit in three fills that do not divide evenly, and what surrounds them."""
    entry, exit_ = order_of(1, Side.BUY, quantity=3), order_of(2, Side.SELL, quantity=3, reduce_only=True)
    events: list[Event] = [Condition(spec=SPEC, state=ConditionState.ARMED, trigger=22_800), SIGNAL]
    number = 0
    for order, prices in ((entry, [(22_815, 2), (22_817, 1)]), (exit_, [(22_903, 1), (22_905, 1), (22_909, 1)])):
        events.append(order)
        now = order.moved(OrderStatus.SENT, DAY_NS)
        events += [now, now]  # told again
        for price, lots in prices:
            number += 1
            now = now.with_fill(price, lots, DAY_NS)
            events += [fill_of(order, number, price, lots), now]
    denied = order_of(3, Side.BUY).moved(OrderStatus.DENIED, 1, reason=Reason.HALTED)
    elsewhere = order_of(4, Side.BUY, client_order_id="@B7", signal_id="", condition_id="", is_external=True)
    foreign = replace(fill_of(elsewhere, 9, 22_900, 1), client_order_id="@B7", condition_id="")
    adjusted = PositionAdjusted(account="a", symbol="TXFK4", lots=-1, price=22_910, by="window", ts_event=DAY_NS)
    guarded = Condition(
        spec=replace(SPEC, condition_id="c2"), state=ConditionState.OPEN, adopted=2, adopted_value=45_000
    )
    refused = LIFE[7]
    filled = replace(elsewhere, status=OrderStatus.FILLED, filled=1)
    return [*events, denied, elsewhere, filled, foreign, adjusted, guarded, refused]


def written(path: Path, events: list[Event]) -> Path:
    ledger = Ledger(path, instruments=of_symbol)
    for event in events:
        ledger.append(event, DAY_NS)
    ledger.close()
    return path


def checked(path: Path) -> dict[str, Check]:
    return {check.name: check for check in verify(path, calendar=CALENDAR)}


def wrong(path: Path) -> dict[str, tuple[str, ...]]:
    return {name: check.problems for name, check in checked(path).items() if not check.is_ok}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path / "ledger.sqlite", traded())


def test_a_sound_ledger_passes(path: Path) -> None:
    assert wrong(path) == {}
    assert len(checked(path)) == 10


def test_a_new_one_passes(tmp_path: Path) -> None:
    assert wrong(written(tmp_path / "new.sqlite", [])) == {}


def test_while_a_terminal_holds_it(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.sqlite", instruments=of_symbol)
    ledger.append(INTENT, 1)
    ledger.commit()
    ledger.append(SENT, 2)
    assert wrong(ledger.path) == {}
    assert checked(ledger.path)["numbers"].count.startswith("1 rows")
    ledger.close()


def test_one_of_schema_1_is_checked_without_being_touched(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    database = sqlite3.connect(path)
    database.executescript(f"BEGIN;{SCHEMA_1}PRAGMA user_version = 1;COMMIT;")
    with database:
        body = ORDER_1.format(status="intent")
        database.execute("INSERT INTO events (ts, kind, key, body) VALUES (1, 'order', 'ABCDEFGHIJ', ?)", (body,))
        database.execute("INSERT INTO decisions VALUES ('ABCDEFGHIJ', 'c1/entry/1', 1)")
    database.close()
    before = path.read_bytes()
    assert wrong(path) == {}
    assert "schema 1" in checked(path)["chain"].count
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("sql", "check", "text"),
    [
        ("UPDATE events SET ts = 5 WHERE seq = 6", "chain", "row 6 is not what was written after row 5"),
        ("UPDATE events SET decides = NULL WHERE seq = 10", "decisions", "row 10: order ORDER00002 was never"),
        (
            "UPDATE events SET decides = CASE seq WHEN 4 THEN 'ORDER00001' END WHERE seq IN (3, 4)",
            "decisions",
            "row 3: order ORDER00001 begins here and was decided in row 4",
        ),
        (
            "UPDATE events SET signal_id = 'x' WHERE seq = 3",
            "decisions",
            "row 3: order ORDER00001 was decided for",
        ),
        ("UPDATE events SET decides = 'GHOST' WHERE seq = 1", "decisions", "row 1: order GHOST was decided"),
    ],
)
def test_a_changed_file(path: Path, sql: str, check: str, text: str) -> None:
    change(path, sql)
    found = wrong(path)
    assert set(found) == {check}
    assert found[check][0].startswith(text)


def test_a_missing_row(path: Path) -> None:
    change(path, "DELETE FROM events WHERE seq = 8")  # a fill
    found = wrong(path)
    assert found["numbers"] == ("row 9 stands after row 7",)
    assert found["chain"] == ("row 9 is not what was written after row 7",)
    assert "its fills add up to 2 lots for 45630" in found["fills"][0]
    assert set(found) == {"numbers", "chain", "fills", "holdings"}


def test_rows_that_cannot_be_read(path: Path) -> None:
    forge(path, "UPDATE events SET body = '[]' WHERE seq = 2")
    found = wrong(path)
    assert set(found) == {"events"}
    assert found["events"][0].startswith("row 2 (signal): Signal")


def with_row(events: list[Event], at: int, event: Event) -> list[Event]:
    return [*events[:at], event, *events[at + 1 :]]


def unsent(events: list[Event]) -> list[Event]:
    """An order that begins as sent."""
    return events[:2] + events[3:]


def reopened(events: list[Event]) -> list[Event]:
    filled = events[8]
    assert isinstance(filled, Order)
    return [*events[:9], replace(filled, status=OrderStatus.ACCEPTED), *events[9:]]


def turned(events: list[Event]) -> list[Event]:
    sent = events[4]
    assert isinstance(sent, Order)
    return with_row(events, 4, replace(sent, side=Side.SELL))


def told_twice(events: list[Event]) -> list[Event]:
    return [*events, events[5]]


def cheaper(events: list[Event]) -> list[Event]:
    fill = events[5]
    assert isinstance(fill, Fill)
    return with_row(events, 5, replace(fill, price=fill.price - 1))


def of_nobody(events: list[Event]) -> list[Event]:
    return [*events, replace(FILL, fill_id="F77", client_order_id="NOBODY")]


def ordered_and_refused(events: list[Event]) -> list[Event]:
    refused = SignalRefused(signal=replace(SIGNAL, signal_id="c1/leg/1"), reason=Reason.STALE_SIGNAL)
    return [*events, refused]


@pytest.mark.parametrize(
    ("spoil", "check", "text"),
    [
        (unsent, "orders", "row 3: order ORDER00001 begins as sent"),
        (reopened, "orders", "row 10: order ORDER00001: filled cannot become accepted"),
        (turned, "orders", "row 5: order ORDER00001: changes its side"),
        (told_twice, "fills", "row 26: fill F1 is in row 6 already"),
        (cheaper, "fills", "order ORDER00001 says 3 lots for 68447, its fills add up to 3 lots for 68445"),
        (of_nobody, "fills", "row 26: fill F77: its order NOBODY is not there"),
        (ordered_and_refused, "signals", "row 26: signal c1/leg/1 was refused and made order ORDER00001"),
    ],
)
def test_events_that_cannot_have_happened(
    tmp_path: Path, spoil: Callable[[list[Event]], list[Event]], check: str, text: str
) -> None:
    events = traded()
    assert len(events) == 25
    path = written(tmp_path / "spoilt.sqlite", spoil(events))
    found = wrong(path)
    assert check in found
    assert text in found[check][0]


def test_a_fold_that_forgets_a_fill_is_found(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sums are counted apart from the state."""
    from engine.gateway.state import TradingState

    whole = TradingState._apply_fill

    def forgetful(self: TradingState, fill: Fill) -> None:
        if fill.fill_id != "F2":
            whole(self, fill)

    monkeypatch.setattr(TradingState, "_apply_fill", forgetful)
    assert set(wrong(path)) == {"positions"}


def test_pages_that_are_damaged(path: Path) -> None:
    ledger = Ledger(path, instruments=of_symbol)
    for number in range(400):
        ledger.append(replace(INTENT, client_order_id=f"PERSON{number:04}", signal_id=""), number)
    ledger.close()
    content = bytearray(path.read_bytes())
    half = len(content) // 2 // 4096 * 4096
    content[half : half + 4096] = bytes(4096)
    path.write_bytes(content)
    assert "file" in wrong(path)


# --- the command -------------------------------------------------------------------------------------------------


def test_the_command_says_ok_line_by_line(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ledger", "verify", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == str(path)
    assert [line.split()[1] for line in lines[1:-1]] == ["ok"] * 10
    assert lines[-1] == "ledger verify: ok, 10 checks"


def test_the_command_says_what_is_wrong(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(path, "UPDATE events SET ts = ts + 1")
    assert main(["ledger", "verify", str(path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert "chain      WRONG  row 1 is not what was written after row 0" in lines
    assert lines[-1] == "ledger verify: 1 of 10 checks failed (chain); nothing was changed"


def test_the_command_shows_a_few_of_many(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(path, "UPDATE events SET seq = -seq * 2")
    assert main(["ledger", "verify", str(path)]) == 1
    assert "and 20 more" in capsys.readouterr().out


def test_the_command_takes_the_one_written_last(user_home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = user_home / "ledger"
    assert main(["ledger", "verify"]) == 2
    assert "no ledger is there yet" in capsys.readouterr().err
    written(folder / "new.sqlite", [INTENT])
    old = written(folder / "old.sqlite", [])
    os.utime(old, (1, 1))
    assert main(["ledger", "verify"]) == 0
    assert capsys.readouterr().out.startswith(str(folder / "new.sqlite"))


@pytest.mark.parametrize(("content", "text"), [(None, "no such file"), (b"x" * 5000, "file is not a database")])
def test_what_is_no_ledger(
    tmp_path: Path, content: bytes | None, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "none.sqlite"
    if content:
        path.write_bytes(content)
    for action in ("verify", "export"):
        assert main(["ledger", action, str(path)]) == 2
        assert text in capsys.readouterr().err
