"""docs/market-store.md tells the truth: its commands run, and its notebook lines while a recorder writes."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import pytest

from engine.model.session import TAIPEI, TradingCalendar
from engine.model.tick import Tick
from engine.storage import schema
from engine.storage.importing import import_files
from engine.storage.layout import Kind, Source, StoreFolder
from engine.storage.reading import StoreReader
from engine.storage.store import MarketStore

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = (REPOSITORY / "docs" / "market-store.md").read_text(encoding="utf-8")
FILES = ("Daily_2024_11_05.zip", "Daily_2024_11_06.zip")
CALENDAR = TradingCalendar()
MINUTES = "time,open,high,low,close,volume,contract\n2024-11-07 09:00,23100,23110,23090,23105,12,202411\n"
DEADLINE_S = 120.0


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, flags=re.DOTALL | re.MULTILINE)


COMMANDS = [line for block in blocks("sh") for line in block.splitlines()]


@pytest.fixture(scope="module")
def place(market_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the page names, and a store of them."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "downloads").mkdir()
    for name in FILES:
        shutil.copy(market_data / "taifex" / name, folder)
    shutil.copy(market_data / "taifex" / FILES[0], folder / "downloads")
    (folder / "minutes.csv").write_text(MINUTES, encoding="utf-8")
    assert not import_files(StoreFolder(folder / "store"), [folder / name for name in FILES], CALENDAR).refused
    return folder


def run(place: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=place,
        env=os.environ | {"PYTHONPATH": str(REPOSITORY), "FUTURES_TERMINAL_HOME": str(place)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_command_runs(command: str, place: Path) -> None:
    python, *words = shlex.split(command)
    assert python == "python"
    printed = run(place, *words)
    if "--out" in words:
        assert (place / words[words.index("--out") + 1]).stat().st_size > 10_000
    if "import" in words:
        assert "minutes.csv: 2024-11-07: 1 rows" in printed if "minutes.csv" in words else "nothing new" in printed
    else:
        assert len(printed.splitlines()) > (0 if "--out" in words else 1)


def test_notebook_lines_run_while_a_recorder_writes(place: Path) -> None:
    folder = StoreFolder(place / "store")
    with StoreReader(folder, CALENDAR) as reader:
        closed = reader.bars("TXFK4", date(2024, 11, 1), date(2024, 11, 6))
        ticks = reader.last_ticks("TXFK4", 10_000)
    first, second = blocks("python")
    with MarketStore(folder.path, CALENDAR) as recorder:
        stamp = int(datetime(2024, 11, 8, 9, tzinfo=TAIPEI).timestamp()) * 1_000_000_000
        recorder.append_ticks(
            [Tick(symbol="TXFK4", seq=1, ts_event=stamp, ts_recv=stamp, price=23_000, quantity=1, total_volume=1)],
            run=stamp,
        )
        assert run(place, "-c", first).strip() == f"[({len(closed)}, {closed.volume.sum()})]"
        words = run(place, "-c", second).split()
    assert int(words[0]) > 400
    assert int(words[2]) == ticks.quantity.sum()


def test_page_names_the_columns_kinds_and_sources_that_there_are() -> None:
    table = PAGE.partition("| column | meaning |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in table.splitlines()[2:])))
    columns = {name for kind in Kind for name in schema.COLUMNS[kind]}
    levels = {name for name in columns if re.fullmatch(r"(bid|ask)\d_(price|quantity)", name)}
    assert named - levels == columns - levels
    assert named & levels
    shown = {(Kind(kind), Source(source)) for kind, source in re.findall(r"(\w+)-(\w+)\.1\.parquet", PAGE)}
    assert {kind for kind, _ in shown} == set(Kind)
    assert {str(source) for source in Source} <= set(re.findall(r"`(\w+)`", PAGE))
