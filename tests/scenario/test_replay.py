"""A conditions file over a real day through the real processes: the same at any speed and after any death."""

import csv
import dataclasses
import functools
import json
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine import replaying
from engine.brokers.replay import ReplayBroker
from engine.host import Host
from engine.model.signal import client_order_id
from engine.settings import Settings, Strategy
from tests.scenario import reference

DEADLINE_S = 15.0
SYMBOL = "TXFK4"

WHOLE_DAY: list[dict[str, Any]] = [
    {"action": "buy", "trigger_price": 22_820, "quantity": 2},
    {"action": "sell", "trigger_price": 23_050, "turning_points": 10, "quantity": 3, "following": True},
    {"action": "buy", "trigger_price": 22_900, "take_profit_points": 40, "stop_loss_points": 200, "quantity": 4},
    {
        "action": "sell",
        "trigger_price": 23_200,
        "turning_points": 8,
        "trailing_points": 12,
        "stop_loss_points": 60,
    },
    {"action": "buy", "trigger_price": 22_990, "following": True, "trailing_points": 20, "quantity": 5},
    {"action": "buy", "trigger_price": 22_000},
]
SHORT: list[dict[str, Any]] = [
    {"action": "buy", "trigger_price": 23_035, "turning_points": 4, "take_profit_points": 12, "quantity": 3},
    {"action": "sell", "trigger_price": 23_040, "turning_points": 3, "stop_loss_points": 9, "following": True},
    {"action": "buy", "trigger_price": 22_800, "turning_points": 5, "take_profit_points": 9, "quantity": 2},
    {"action": "sell", "trigger_price": 22_805, "turning_points": 2, "trailing_points": 5, "quantity": 4},
]


def conditions_file(folder: Path, tables: list[dict[str, Any]]) -> Path:
    lines: list[str] = []
    for table in tables:
        lines += ["[[condition]]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    path = folder / "conditions.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def day(market_data: Path) -> Path:
    return market_data / "taifex" / "Daily_2024_11_05.zip"


@pytest.fixture
def short_day(day: Path, tmp_path: Path) -> Path:
    """The first 600 and the last 600 prints of the night and the first 1,200 of the day: 2,400 real rows."""
    with zipfile.ZipFile(day) as archive:
        lines = archive.read(archive.namelist()[0]).split(b"\r\n")
    rows = [line for line in lines if line.startswith(b"TX     ,202411     ,", 9)]
    opening = next(number for number, line in enumerate(rows) if line[29:35] == b"084500")
    path = tmp_path / "Daily_2024_11_05.csv"
    path.write_bytes(b"\r\n".join([lines[0], *rows[:600], *rows[opening - 600 : opening + 1200], b""]))
    return path


def settings(processes: int = 1) -> Settings:
    return dataclasses.replace(Settings(), strategy=Strategy(processes=processes))


def comparable(document: dict[str, Any]) -> dict[str, Any]:
    """The document in the reference's words."""
    signals = {client_order_id(row["id"]): row["id"] for row in document["signals"]}
    return {
        "ticks": document["ticks"],
        "transitions": [
            tuple(row[key] for key in ("condition", "from", "to", "tick_seq", "price"))
            for row in document["transitions"]
        ],
        "signals": [
            tuple(row[key] for key in ("id", "leg", "side", "reason", "quantity", "tick_seq", "price"))
            for row in document["signals"]
        ],
        "fills": [
            (signals[row["client_order_id"]], *(row[key] for key in ("side", "price", "quantity", "seq")))
            for row in document["fills"]
        ],
    }


def expected(path: Path, tables: list[dict[str, Any]], month: str = "202411") -> dict[str, Any]:
    outcome = reference.run(reference.prints(path, "TX", month), tables)
    order = {f"c{number}": number for number in range(1, len(tables) + 1)}
    return {
        "ticks": outcome.ticks,
        # Entering precedes open at the same tick: the sort is stable.
        "transitions": sorted(outcome.transitions, key=lambda row: (row[3], order[row[0]])),
        "signals": sorted(outcome.signals, key=lambda row: (row[5], order[row[0].split("/")[0]])),
        "fills": sorted(outcome.fills, key=lambda row: (row[4], client_order_id(row[0]))),
    }


class Killer:
    """Kills a child with SIGKILL in the middle of a replay, once."""

    def __init__(self, name: str, at_tick: int) -> None:
        self.name, self.at_tick = name, at_tick
        self.restarts = -1
        self._thread: threading.Thread | None = None

    def __call__(self, host: Host) -> None:
        self._thread = threading.Thread(target=self._kill, args=(host,))
        self._thread.start()

    def _kill(self, host: Host) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while host.gateway.ticks.position < self.at_tick:
            assert time.monotonic() < deadline
            time.sleep(0.0005)
        psutil.Process(host.pid(self.name)).kill()
        while not host.restarts:
            assert time.monotonic() < deadline
            time.sleep(0.001)
        self.restarts = host.restarts

    def join(self) -> None:
        assert self._thread
        self._thread.join(DEADLINE_S)


# --- the whole day ------------------------------------------------------------------------------------------


def test_a_day_gives_what_an_independent_reckoning_gives(day: Path, tmp_path: Path) -> None:
    document = replaying.replay(day, SYMBOL, conditions_file(tmp_path, WHOLE_DAY), settings=settings())
    found, wanted = comparable(document), expected(day, WHOLE_DAY)
    assert len(wanted["signals"]) >= 8
    assert {row[1] for row in wanted["signals"]} >= {"entry", "take_profit", "stop_loss", "trailing_stop"}
    for part, value in wanted.items():
        assert found[part] == value, part
    assert document["positions"] == [{"account": "REPLAY", "symbol": SYMBOL, "quantity": _net(wanted["fills"])}]
    assert document["trade_date"] == "2024-11-05"


def test_money_is_what_the_fills_say(short_day: Path, tmp_path: Path) -> None:
    document = replaying.replay(short_day, SYMBOL, conditions_file(tmp_path, SHORT), settings=settings())
    fills = document["fills"]
    lots = sum(row["quantity"] for row in fills)
    cash = sum(row["price"] * row["quantity"] * (1 if row["side"] == "sell" else -1) for row in fills)
    assert _net([(0, row["side"], 0, row["quantity"]) for row in fills]) == 0
    assert document["gross_pnl"] == cash * 200
    assert document["fees"] == lots * 20
    assert document["tax"] == pytest.approx(sum(row["price"] * row["quantity"] * 200 * 0.00002 for row in fills))
    assert document["realised_pnl"] == pytest.approx(cash * 200 - document["fees"] - document["tax"])


@pytest.mark.parametrize("victim", ["strategy-1", "executor"])
def test_a_process_killed_in_the_middle_changes_nothing(day: Path, tmp_path: Path, victim: str) -> None:
    conditions = conditions_file(tmp_path, WHOLE_DAY)
    killer = Killer(victim, 38_000)
    document = replaying.replay(day, SYMBOL, conditions, settings=settings(), on_running=killer)
    killer.join()
    assert killer.restarts == 1
    wanted = expected(day, WHOLE_DAY)
    assert comparable(document) == wanted
    assert len({row["client_order_id"] for row in document["orders"]}) == len(document["orders"])
    assert len(document["orders"]) == len(wanted["signals"])


def test_settlement_day_ends_at_half_past_one(market_data: Path, tmp_path: Path) -> None:
    path = market_data / "taifex" / "Daily_2024_11_20.zip"
    tables = [{"action": "sell", "trigger_price": 22_000, "take_profit_points": 9_000, "stop_loss_points": 9_000}]
    document = replaying.replay(path, SYMBOL, conditions_file(tmp_path, tables), settings=settings())
    assert comparable(document) == expected(path, tables)
    by_name = {row["name"]: row for row in document["sessions"]}
    assert by_name == expected_sessions(market_data, "2024-11-20", "202411")


# --- a piece of it, in many ways ----------------------------------------------------------------------------


@pytest.fixture
def plain(short_day: Path, tmp_path: Path) -> dict[str, Any]:
    return replaying.replay(short_day, SYMBOL, conditions_file(tmp_path, SHORT), settings=settings())


def again(short_day: Path, tmp_path: Path, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"settings": settings()} | changes
    return replaying.replay(short_day, SYMBOL, conditions_file(tmp_path, SHORT), **values)


def test_a_piece_gives_what_an_independent_reckoning_gives(plain: dict[str, Any], short_day: Path) -> None:
    wanted = expected(short_day, SHORT)
    assert len(wanted["signals"]) >= 6
    assert comparable(plain) == wanted


def test_the_same_at_every_run(plain: dict[str, Any], short_day: Path, tmp_path: Path) -> None:
    assert again(short_day, tmp_path) == plain


def test_the_same_at_a_finite_speed(plain: dict[str, Any], short_day: Path, tmp_path: Path) -> None:
    assert again(short_day, tmp_path, speed=30_000.0) == plain


@pytest.mark.parametrize("chunk", [1, 37])
def test_the_same_in_rounds_of_any_size(
    plain: dict[str, Any], short_day: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(replaying, "ReplayBroker", functools.partial(ReplayBroker, chunk=chunk))
    assert again(short_day, tmp_path) == plain


def test_the_same_with_two_strategy_processes(plain: dict[str, Any], short_day: Path, tmp_path: Path) -> None:
    assert again(short_day, tmp_path, settings=settings(processes=2)) == plain


# --- the command line ---------------------------------------------------------------------------------------


def engine(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "engine", "replay", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)


def test_out_holds_the_document_whole(short_day: Path, tmp_path: Path, plain: dict[str, Any]) -> None:
    out = tmp_path / "result.json"
    done = engine(short_day, "--symbol", SYMBOL, "--conditions", conditions_file(tmp_path, SHORT), "--out", out)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    assert json.loads(out.read_text(encoding="utf-8")) == plain
    assert not list(tmp_path.glob("*.part"))


def test_without_out_the_document_goes_to_standard_output(
    short_day: Path, tmp_path: Path, plain: dict[str, Any]
) -> None:
    done = engine(short_day, "--symbol", SYMBOL, "--conditions", conditions_file(tmp_path, SHORT))
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == plain


def _missing_file(folder: Path, day: Path) -> tuple[list[object], str]:
    return [folder / "none.zip", "--symbol", SYMBOL, "--conditions", conditions_file(folder, SHORT)], "none.zip"


def _bad_zip(folder: Path, day: Path) -> tuple[list[object], str]:
    path = folder / "Daily_2024_11_05.zip"
    path.write_bytes(b"PK\3\4 no zip at all")
    return [path, "--symbol", SYMBOL, "--conditions", conditions_file(folder, SHORT)], path.name


def _unknown_key(folder: Path, day: Path) -> tuple[list[object], str]:
    tables = [{"action": "buy", "trigger_price": 22_800, "turning_point": 3}]
    return [day, "--symbol", SYMBOL, "--conditions", conditions_file(folder, tables)], "'turning_points'"


def _wrong_value(folder: Path, day: Path) -> tuple[list[object], str]:
    tables = [{"action": "hold", "trigger_price": 22_800}]
    return [day, "--symbol", SYMBOL, "--conditions", conditions_file(folder, tables)], "condition 1: action"


def _missing_key(folder: Path, day: Path) -> tuple[list[object], str]:
    return [day, "--symbol", SYMBOL, "--conditions", conditions_file(folder, [{"action": "buy"}])], "trigger_price"


def _missing_conditions(folder: Path, day: Path) -> tuple[list[object], str]:
    return [day, "--symbol", SYMBOL, "--conditions", folder / "none.toml"], "none.toml"


def _not_utf8(folder: Path, day: Path) -> tuple[list[object], str]:
    path = folder / "conditions.toml"
    path.write_bytes("# 條件\n".encode("cp950"))
    return [day, "--symbol", SYMBOL, "--conditions", path], "conditions.toml"


def _unknown_symbol(folder: Path, day: Path) -> tuple[list[object], str]:
    return [day, "--symbol", "ABC", "--conditions", conditions_file(folder, SHORT)], "ABC"


def _month_without_prints(folder: Path, day: Path) -> tuple[list[object], str]:
    return [day, "--symbol", "TXFA4", "--conditions", conditions_file(folder, SHORT)], "TXFA4"


def _unwritable_out(folder: Path, day: Path) -> tuple[list[object], str]:
    out = folder / "no" / "such" / "folder.json"
    return [
        day,
        "--symbol",
        SYMBOL,
        "--conditions",
        conditions_file(folder, SHORT[:1]),
        "--out",
        out,
    ], "folder.json"


@pytest.mark.parametrize(
    "make",
    [
        _missing_file,
        _bad_zip,
        _unknown_key,
        _wrong_value,
        _missing_key,
        _missing_conditions,
        _not_utf8,
        _unknown_symbol,
        _month_without_prints,
        _unwritable_out,
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    make: Callable[[Path, Path], tuple[list[object], str]], short_day: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "input"
    folder.mkdir()
    arguments, named = make(folder, short_day)
    done = engine(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("engine: ")
    assert named in lines[0]


# --- expectations -------------------------------------------------------------------------------------------


def _net(fills: list[Any]) -> int:
    return sum(row[3] if row[1] == "buy" else -row[3] for row in fills)


def expected_sessions(market_data: Path, trade_date: str, month: str) -> dict[str, dict[str, Any]]:
    found = {}
    with (market_data / "taifex" / "expected_sessions.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if (row["trade_date"], row["product"], row["contract"]) == (trade_date, "TX", month):
                name = row["session"]
                numbers = {key: int(row[key]) for key in ("open", "high", "low", "close", "lots")}
                found[name] = {"name": name} | numbers
    return found
