"""`ledger export`: every fill once, with its costs, its profit at average cost and its session's trade date."""

import csv
import io
import json
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engine import statement
from engine.__main__ import main
from engine.gateway.ledger import Ledger
from engine.gateway.state import Event, folded
from engine.model.books import PositionAdjusted
from engine.model.instrument import Instrument, instrument
from engine.model.order import Fill, Order, OrderStatus, OrderType, Side, TimeInForce
from engine.model.session import TAIPEI, TradingCalendar
from engine.model.signal import Leg, Signal

CALENDAR = TradingCalendar()


def of_symbol(symbol: str) -> Instrument:
    return instrument(symbol, near=date(2024, 11, 5), calendar=CALENDAR)


def at(text: str) -> int:
    """Nanoseconds UTC of a time in Taipei."""
    return round(datetime.fromisoformat(text).replace(tzinfo=TAIPEI).timestamp() * 1e6) * 1000


ENTRY = Order(
    client_order_id="ENTRY00001",
    account="a",
    symbol="TXFK4",
    side=Side.BUY,
    order_type=OrderType.MARKET,
    time_in_force=TimeInForce.IOC,
    price=0,
    quantity=3,
    broker_order_id="B1",
    status=OrderStatus.FILLED,
    filled=3,
    signal_id="c/1/entry/1",
    condition_id="c/1",
)
EXIT = replace(
    ENTRY, client_order_id="EXIT000001", side=Side.SELL, signal_id="c/1/take_profit/2", broker_order_id="B2"
)
SIGNAL = Signal(
    signal_id="c/1/entry/1",
    condition_id="c/1",
    leg=Leg.ENTRY,
    attempt=1,
    account="a",
    symbol="TXFK4",
    side=Side.BUY,
    quantity=3,
    price=22_811,
    tick_seq=1,
    ts_event=1,
    reason="turning_point",
)


def fill(order: Order, number: str, time: str, price: int, lots: int, symbol: str = "TXFK4") -> Fill:
    return Fill(
        fill_id=number,
        client_order_id=order.client_order_id,
        account="a",
        symbol=symbol,
        side=order.side,
        price=price,
        quantity=lots,
        ts_event=at(time),
        condition_id=order.condition_id,
    )


EVENTS: list[Event] = [
    SIGNAL,
    ENTRY,
    fill(ENTRY, "1", "2024-11-05T09:00:00.000001", 22_811, 2),
    fill(ENTRY, "2", "2024-11-05T13:45:00.5", 22_814, 1),  # the closing second belongs to the day
    EXIT,
    fill(EXIT, "3", "2024-11-05T15:00:00", 22_902, 1),  # the evening belongs to the next trade date
    fill(EXIT, "4", "2024-11-06T04:59:59", 22_903, 1),
    PositionAdjusted(
        account="a",
        symbol="TXFK4",
        lots=-1,
        price=22_800,
        by="settlement",
        text="到期結算, expired",
        ts_event=at("2024-11-06T14:00:00"),
    ),
]


def written(path: Path, events: list[Event]) -> Path:
    ledger = Ledger(path, instruments=of_symbol)
    for event in events:
        ledger.append(event, 1)
    ledger.close()
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return written(tmp_path / "live.sqlite", EVENTS)


def read(path: Path, **values: Any) -> list[statement.StatementRow]:
    return statement.read(path, calendar=CALENDAR, **values)


def test_profit_and_costs_of_each_row(path: Path) -> None:
    # Two lots at 22811 and one at 22814 cost 22812 each; a point is worth 200 TWD.
    rows = [(row.fill_id, row.fee, row.tax, row.gross_pnl, row.net_pnl) for row in read(path)]
    expected = [
        ("1", "40", "182.488", "0", "-222.488"),
        ("2", "20", "91.256", "0", "-111.256"),
        ("3", "20", "91.608", "18000", "17888.392"),
        ("4", "20", "91.612", "18200", "18088.388"),
        ("", "0", "0", "-2400", "-2400"),
    ]
    assert rows == [(number, *map(Decimal, money)) for number, *money in expected]


def test_it_adds_up_to_the_position(path: Path) -> None:
    position = folded(EVENTS, {"TXFK4": of_symbol("TXFK4")}).positions[("a", "TXFK4")]
    assert sum(row.net_pnl for row in read(path)) == position.realised_pnl(of_symbol("TXFK4"))


def test_trade_dates(path: Path) -> None:
    assert [row.trade_date.isoformat() for row in read(path)] == [
        "2024-11-05",
        "2024-11-05",
        "2024-11-06",
        "2024-11-06",
        "2024-11-07",  # after the close of the 6th
    ]


def test_one_trade_date_knows_the_cost_of_the_days_before(path: Path) -> None:
    rows = read(path, trade_date=date(2024, 11, 6))
    assert [(row.fill_id, row.gross_pnl) for row in rows] == [("3", Decimal(18_000)), ("4", Decimal(18_200))]


def test_what_ordered_it(path: Path) -> None:
    first, _, third, _, last = read(path)
    assert (first.client_order_id, first.broker_order_id, first.order_type) == ("ENTRY00001", "B1", "market")
    assert (first.condition_id, first.leg, first.reason) == ("c/1", "entry", "turning_point")
    assert (third.leg, third.reason) == ("take_profit", "")  # its signal was not kept
    assert (first.time, first.product, first.contract_month) == (
        "2024-11-05T09:00:00.000001+08:00",
        "TXF",
        "202411",
    )
    assert (last.kind, last.side, last.lots, last.leg) == ("adjustment", "sell", 1, "settlement")


def test_rows_stand_in_the_order_of_their_time(tmp_path: Path) -> None:
    early, late = fill(ENTRY, "1", "2024-11-05T09:00:00", 1, 1), fill(ENTRY, "2", "2024-11-05T09:00:01", 1, 1)
    same = replace(early, fill_id="3")
    path = written(tmp_path / "l.sqlite", [ENTRY, late, early, same])
    assert [row.fill_id for row in read(path)] == ["1", "3", "2"]


def test_a_person_and_an_order_made_elsewhere(tmp_path: Path) -> None:
    person = replace(ENTRY, client_order_id="PERSON0001", signal_id="", condition_id="")
    elsewhere = replace(fill(person, "2", "2024-11-05T09:00:01", 22_811, 1), client_order_id="@B9")
    path = written(tmp_path / "l.sqlite", [person, fill(person, "1", "2024-11-05T09:00:00", 1, 1), elsewhere])
    assert [(row.leg, row.order_type, row.client_order_id) for row in read(path)] == [
        ("", "market", "PERSON0001"),
        ("", "", "@B9"),
    ]


def test_the_year_of_a_contract_is_that_of_its_trades(tmp_path: Path) -> None:
    path = written(tmp_path / "l.sqlite", [ENTRY, fill(ENTRY, "1", "2014-11-05T09:00:00", 9_000, 1)])
    assert read(path)[0].contract_month == "201411"


# --- the command -------------------------------------------------------------------------------------------------


def test_csv(path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["ledger", "export", str(path)]) == 0
    printed = capfdbinary.readouterr().out
    assert printed.startswith(b"kind,trade_date,time,account,symbol,")
    assert b"\r" not in printed
    rows = list(csv.DictReader(io.StringIO(printed.decode())))
    assert [row["net_pnl"] for row in rows] == ["-222.488", "-111.256", "17888.392", "18088.388", "-2400"]
    assert [row["gross_pnl"] for row in rows] == ["0", "0", "18000", "18200", "-2400"]
    assert rows[-1]["reason"] == "到期結算, expired"


def test_a_trade_date_without_rows_names_those_that_there_are(
    path: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["ledger", "export", "--trade-date", "2024-11-06", str(path)]) == 0
    assert capfd.readouterr().err == ""
    assert main(["ledger", "export", "--trade-date", "2024-11-08", str(path)]) == 0
    shown = capfd.readouterr()
    assert len(shown.out.splitlines()) == 1
    assert shown.err.startswith(f"engine: {path} has nothing of that trade date")
    assert shown.err.strip().endswith("2024-11-05, 2024-11-06, 2024-11-07.")
    empty = written(tmp_path / "empty.sqlite", [])
    assert main(["ledger", "export", str(empty)]) == 0
    assert "has no fill" in capfd.readouterr().err


def test_json_has_totals(path: Path, tmp_path: Path) -> None:
    out = tmp_path / "books.json"
    assert main(["ledger", "export", str(path), "--format", "json", "--out", str(out)]) == 0
    document = json.loads(out.read_text(encoding="utf-8"))
    assert document["ledger"] == "live.sqlite"
    assert len(document["rows"]) == len(EVENTS) - 3
    assert document["totals"][0] == {
        "trade_date": "2024-11-05",
        "account": "a",
        "symbol": "TXFK4",
        "contract_month": "202411",
        "bought": 3,
        "sold": 0,
        "fee": "60",
        "tax": "273.744",
        "gross_pnl": "0",
        "net_pnl": "-333.744",
    }
    assert [total["trade_date"] for total in document["totals"]] == ["2024-11-05", "2024-11-06", "2024-11-07"]
    assert [item.name for item in tmp_path.iterdir() if item.name.endswith(".part")] == []


def test_while_a_terminal_holds_it(path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    ledger = Ledger(path, instruments=of_symbol)
    assert main(["ledger", "export", str(path), "--trade-date", "2024-11-07"]) == 0
    ledger.close()
    assert len(capfdbinary.readouterr().out.splitlines()) == 2


def test_a_folder_that_is_not_there(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ledger", "export", str(path), "--out", str(tmp_path / "no" / "books.csv")]) == 2
    assert "books.csv" in capsys.readouterr().err
