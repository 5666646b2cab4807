"""A stored day through the real processes: every replay of it writes the same ledger, and so does its file."""

import dataclasses
import json
import sqlite3
import subprocess
import sys
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from engine import recorded_days, replaying, worlds
from engine.formats import taifex
from engine.host import Host
from engine.model.playback import PlaybackState
from engine.model.recorded import RecordedPart
from engine.model.session import SessionKind, TradingCalendar
from engine.model.tick import Tick
from engine.settings import Settings, Store, Strategy
from engine.storage.importing import import_files
from engine.storage.layout import StoreFolder
from engine.storage.store import MarketStore
from engine.timing import NS_PER_S
from tests.process.running import until
from tests.scenario.test_replay import SHORT, SYMBOL, conditions_file, day, short_day

__all__ = ["day", "short_day"]

CALENDAR = TradingCalendar()
TRADE_DATE = date(2024, 11, 5)

Ledger = dict[tuple[str, str], list[str]]


def settings(processes: int) -> Settings:
    return dataclasses.replace(Settings(), strategy=Strategy(processes=processes), store=Store(recorder=False))


def ledger_of(
    source: Path | RecordedPart, folder: Path, *, processes: int = 1, **options: Any
) -> tuple[Ledger, dict[str, Any]]:
    """The ledger's events by what they are about, without the wall clock's columns, and the document.

    What two processes write in the same instant, such as the record of a signal and the order made of it, has no
    order of its own.
    """
    folder.mkdir()
    path, conditions = folder / "ledger.sqlite", conditions_file(folder, SHORT)
    document = replaying.replay(source, SYMBOL, conditions, settings=settings(processes), ledger=path, **options)
    found: Ledger = defaultdict(list)
    with sqlite3.connect(path) as database:
        for kind, key, body in database.execute("SELECT kind, key, body FROM events ORDER BY seq"):
            found[kind, key].append(body)
    database.close()
    return dict(found), document


@pytest.fixture
def part(short_day: Path, tmp_path: Path) -> RecordedPart:
    """The short day, imported."""
    import_files(StoreFolder(tmp_path / "store"), [short_day], CALENDAR)
    return RecordedPart(store=tmp_path / "store", trade_date=TRADE_DATE)


def test_every_replay_of_a_stored_day_writes_the_same_ledger(
    part: RecordedPart, short_day: Path, tmp_path: Path
) -> None:
    first = ledger_of(part, tmp_path / "first")
    assert sum(len(events) for events in first[0].values()) > 60
    assert {kind for kind, _ in first[0]} >= {"order", "fill", "signal", "condition", "transition"}
    assert ledger_of(part, tmp_path / "again", speed=30_000.0, processes=2) == first
    assert ledger_of(short_day, tmp_path / "file") == first


def hurry(host: Host) -> None:
    """A person at the replay bar: pauses, steps, jumps into the day session, and then to the end."""
    player = worlds.player(host.broker)
    assert player is not None
    player.step()
    player.step_time(90 * NS_PER_S)
    player.jump(CALENDAR.session(TRADE_DATE, SessionKind.DAY).open_ns + 20 * NS_PER_S)
    until(lambda: player.playback().state is PlaybackState.PAUSED, "the end of the jump", 60)
    player.set_speed(5_000.0)
    player.resume()
    player.jump(player.timeline.spans[-1][1] + NS_PER_S)


def test_pauses_steps_and_jumps_change_nothing(part: RecordedPart, tmp_path: Path) -> None:
    plain = ledger_of(part, tmp_path / "plain")
    assert ledger_of(part, tmp_path / "hurried", speed=0.5, on_running=hurry) == plain


def test_recorded_day_plays_as_it_was_heard(short_day: Path, tmp_path: Path) -> None:
    """In two runs of the gateway, each with numbers of its own."""
    prints = taifex.read_prints(short_day, SYMBOL, CALENDAR)
    store = tmp_path / "recorded"
    day_open = CALENDAR.session(TRADE_DATE, SessionKind.DAY).open_ns
    night = [item for item in prints if item.ts_event < day_open]
    with MarketStore(store, CALENDAR) as market:
        for run, found in ((1, night), (2, prints[len(night) :])):
            market.append_ticks([_tick(seq, item) for seq, item in enumerate(found, 1)], run)
    recorded_days.close_days(store, Settings(), CALENDAR)
    part = RecordedPart(store=store, trade_date=TRADE_DATE)
    assert ledger_of(part, tmp_path / "stored") == ledger_of(short_day, tmp_path / "file")


def _tick(seq: int, item: taifex.Print) -> Tick:
    return Tick(
        symbol=SYMBOL,
        seq=seq,
        ts_event=item.ts_event,
        ts_recv=item.ts_event + 3_000_000,
        price=item.price,
        quantity=item.quantity,
        flags=item.flags,
    )


def engine(*arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "engine", "replay", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_replays_a_stored_day_and_closes_one_on_request(
    part: RecordedPart, short_day: Path, tmp_path: Path
) -> None:
    given = ("--symbol", SYMBOL, "--conditions", conditions_file(tmp_path, SHORT))
    stored = engine("--store", part.store, "--date", TRADE_DATE, *given)
    assert (stored.returncode, stored.stderr) == (0, "")
    assert json.loads(stored.stdout) == json.loads(engine(short_day, *given).stdout)
    with MarketStore(tmp_path / "open", CALENDAR) as market:
        market.append_ticks(
            [_tick(seq, item) for seq, item in enumerate(taifex.read_prints(short_day, SYMBOL, CALENDAR), 1)], 1
        )
    refused = engine("--store", tmp_path / "open", "--date", TRADE_DATE, *given)
    assert refused.returncode == 2
    assert "is not closed yet" in refused.stderr
    closed = engine("--store", tmp_path / "open", "--date", TRADE_DATE, "--close", *given)
    assert json.loads(closed.stdout) == json.loads(stored.stdout)
