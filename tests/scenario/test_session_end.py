"""Conditions that are not to be held through the close, over real sessions: to the print, at any speed."""

import csv
import functools
import io
import zipfile
from pathlib import Path
from typing import Any

import pytest

from engine import replaying
from engine.brokers.replay import ReplayBroker
from engine.errors import SettingsError
from engine.model.condition import LevelsFrom, SessionEnd
from tests.scenario.test_replay import SYMBOL, Killer, conditions_file, settings

FAR = {"turning_points": 1, "take_profit_points": 9_000, "stop_loss_points": 9_000}
NIGHT: list[dict[str, Any]] = [
    {"action": "buy", "trigger_price": 23_900, "following": True, "quantity": 2, "session_end": "flatten"} | FAR,
    {"action": "buy", "trigger_price": 20_000, "session_end": "flatten"},
    {"action": "sell", "trigger_price": 20_100, "following": True, "session_end": "unguarded"} | FAR,
    {"action": "buy", "trigger_price": 20_001, "session_end": "unguarded"},
    {"action": "sell", "trigger_price": 20_100, "following": True} | FAR,
    {"action": "buy", "trigger_price": 23_900, "following": True, "time_stop_s": 90} | FAR,
]
"""Followers enter within seconds; the others wait in vain."""


def rows_of(day: Path) -> tuple[bytes, list[bytes]]:
    """The file's head, and the rows of the November contract."""
    with zipfile.ZipFile(day) as archive:
        lines = archive.read(archive.namelist()[0]).split(b"\r\n")
    return lines[0], [line for line in lines if line.startswith(b"TX     ,202411     ,", 9)]


def written(folder: Path, head: bytes, rows: list[bytes]) -> Path:
    path = folder / "Daily_2024_11_05.csv"
    path.write_bytes(b"\r\n".join([head, *rows, b""]))
    return path


def clock_of(row: bytes) -> tuple[str, str]:
    """Date and time of day of a print, as the file has them."""
    fields = next(csv.reader(io.StringIO(row.decode("cp950"))))
    return fields[0].strip(), fields[3].strip()


def first_at(path: Path, date: str, time: str) -> int:
    """Number of the first print at that time or later."""
    rows = path.read_bytes().split(b"\r\n")[1:-1]
    return next(number for number, row in enumerate(rows, 1) if clock_of(row) >= (date, time))


@pytest.fixture
def morning(market_data: Path, tmp_path: Path) -> Path:
    """The night session from 04:55 on and the first 1,500 prints of the day session."""
    head, rows = rows_of(market_data / "taifex" / "Daily_2024_11_05.zip")
    begin = next(number for number, row in enumerate(rows) if clock_of(row) >= ("20241105", "045500"))
    opening = next(number for number, row in enumerate(rows) if clock_of(row) >= ("20241105", "084500"))
    return written(tmp_path, head, rows[begin : opening + 1500])


@pytest.fixture
def afternoon(market_data: Path, tmp_path: Path) -> Path:
    """The day session from 13:40 on."""
    head, rows = rows_of(market_data / "taifex" / "Daily_2024_11_05.zip")
    return written(tmp_path, head, [row for row in rows if clock_of(row) >= ("20241105", "134000")])


def run(path: Path, folder: Path, tables: list[dict[str, Any]] = NIGHT, **changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {"settings": settings()} | changes
    return replaying.replay(path, SYMBOL, conditions_file(folder, tables), **values)


def moves(document: dict[str, Any], condition: str) -> list[tuple[str, int]]:
    """The states of a condition, each with the number of the print that led to it."""
    return [(row["to"], row["tick_seq"]) for row in document["transitions"] if row["condition"] == condition]


def signals(document: dict[str, Any], leg: str) -> list[tuple[str, int, int]]:
    return [(row["id"], row["quantity"], row["tick_seq"]) for row in document["signals"] if row["leg"] == leg]


def test_the_night_ends_for_each_as_it_was_chosen(morning: Path, tmp_path: Path) -> None:
    deadline, day = first_at(morning, "20241105", "045900"), first_at(morning, "20241105", "084500")
    document = run(morning, tmp_path)
    assert signals(document, "session_end") == [("c1/session_end/1", 2, deadline)]
    assert moves(document, "c1")[-2:][0] == ("exiting", deadline)
    assert moves(document, "c1")[-1][0] == "closed"
    assert moves(document, "c2") == [("cancelled", deadline)]
    assert moves(document, "c3")[-1] == ("held", day)
    assert moves(document, "c4") == [("cancelled", day)]
    assert [state for state, _ in moves(document, "c5")] == ["triggered", "entering", "open"]
    entered = next(row for row in document["transitions"] if (row["condition"], row["to"]) == ("c6", "open"))
    stopped = next(row for row in document["signals"] if row["leg"] == "time_stop")
    assert stopped["id"] == "c6/time_stop/1"
    held = (stopped["time"], entered["time"])
    assert (int(held[0][14:16]) - int(held[1][14:16])) * 60 + int(held[0][17:19]) - int(held[1][17:19]) >= 90


def test_the_day_ends_a_minute_before_its_close(afternoon: Path, tmp_path: Path) -> None:
    deadline = first_at(afternoon, "20241105", "134400")
    document = run(afternoon, tmp_path, NIGHT[:2])
    assert signals(document, "session_end") == [("c1/session_end/1", 2, deadline)]
    assert moves(document, "c2") == [("cancelled", deadline)]
    assert document["positions"] == [{"account": "REPLAY", "symbol": SYMBOL, "quantity": 0}]
    filled = [row for row in document["fills"] if row["seq"] > deadline]
    assert sum(row["quantity"] for row in filled) == 2


@pytest.fixture
def plain(morning: Path, tmp_path: Path) -> dict[str, Any]:
    return run(morning, tmp_path)


def test_the_same_at_a_finite_speed(plain: dict[str, Any], morning: Path, tmp_path: Path) -> None:
    assert run(morning, tmp_path, speed=30_000.0) == plain


@pytest.mark.parametrize("chunk", [1, 37])
def test_the_same_in_rounds_of_any_size(
    plain: dict[str, Any], morning: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(replaying, "ReplayBroker", functools.partial(ReplayBroker, chunk=chunk))
    assert run(morning, tmp_path) == plain


def test_the_same_with_a_death_before_the_deadline(plain: dict[str, Any], morning: Path, tmp_path: Path) -> None:
    killer = Killer("strategy-1", first_at(morning, "20241105", "045800"))
    document = run(morning, tmp_path, on_running=killer)
    killer.join()
    assert document == plain


def test_all_keys_of_a_conditions_file(tmp_path: Path) -> None:
    table = {
        "action": "buy",
        "trigger_price": 22_800,
        "trailing_points": 20,
        "breakeven_points": 30,
        "time_stop_s": 600,
        "session_end": "unguarded",
        "oco_group": "morning",
        "levels_from": "average_fill",
    }
    spec = replaying.read_conditions(conditions_file(tmp_path, [table]), account="a", symbol=SYMBOL)[0]
    assert (spec.trailing_points, spec.breakeven_points, spec.time_stop_s) == (20, 30, 600)
    assert (spec.session_end, spec.oco_group) == (SessionEnd.UNGUARDED, "morning")
    assert spec.levels_from is LevelsFrom.AVERAGE_FILL


@pytest.mark.parametrize(
    ("key", "value"),
    [("session_end", "hold"), ("breakeven_points", -1), ("oco_group", "早"), ("levels_from", "x")],
)
def test_a_wrong_value_is_named(tmp_path: Path, key: str, value: object) -> None:
    table = {"action": "buy", "trigger_price": 22_800, key: value}
    with pytest.raises(SettingsError, match=f"condition 1: {key}"):
        replaying.read_conditions(conditions_file(tmp_path, [table]), account="a", symbol=SYMBOL)
