"""An import that is killed or finds no room: the store holds whole files only, and the import is begun again."""

import multiprocessing
import random
import sys
import time
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from engine.errors import StoreError
from engine.storage.importing import ImportProgress, import_files
from engine.storage.layout import StoreFolder
from engine.storage.reading import SessionSummary, StoreReader
from tests.unit.engine.storage.daily_files import CALENDAR, write

DAYS = (date(2024, 11, 5), date(2024, 11, 6), date(2024, 11, 7))
ROWS = 20_000
STEPS = 6
DEADLINE_S = 120.0

_spawn = multiprocessing.get_context("spawn")


def _rows(day: date, count: int) -> list[str]:
    """Prints of the day session of that trade date, some of them of spreads."""
    prefix = f"{day:%Y%m%d},TX     ,"
    rows = []
    for number in range(count):
        clock = time.strftime("%H%M%S", time.gmtime(8 * 3600 + 2700 + number * 17_000 // count))
        rows.append(f"{prefix}202411     ,{clock},{22_800 + number % 37},{2 + 2 * (number % 5)},-,-, ")
        if number % 100 == 0:
            rows.append(f"{prefix}202411/202412,{clock},{number % 7 - 3},8,22800,22803, ")
    return rows


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Half of the first day, then three whole days."""
    place = tmp_path_factory.mktemp("in")
    half = write(place / "half", _rows(DAYS[0], ROWS)[: ROWS // 2], f"Daily_{DAYS[0]:%Y_%m_%d}.csv")
    return [half, *(write(place, _rows(day, ROWS), f"Daily_{day:%Y_%m_%d}.csv") for day in DAYS)]


def sessions(folder: StoreFolder) -> dict[date, list[SessionSummary]]:
    with StoreReader(folder, CALENDAR) as reader:
        found: dict[date, list[SessionSummary]] = {day: [] for day in DAYS}
        for item in reader.sessions():
            found[item.trade_date].append(item)
    return found


def _import(store: Path, files: list[Path], steps: Connection) -> None:
    def tell(progress: ImportProgress) -> None:
        steps.send(progress.share)

    import_files(StoreFolder(store), files, CALENDAR, on_progress=tell)


def test_killed_at_any_moment_it_is_begun_again_and_nothing_is_half_there(
    files: list[Path], tmp_path: Path
) -> None:
    whole, half = StoreFolder(tmp_path / "whole"), StoreFolder(tmp_path / "half")
    import_files(half, files[:1], CALENDAR)
    import_files(whole, files[1:], CALENDAR)
    expected = sessions(whole)
    allowed = {day: [[], expected[day]] for day in DAYS}
    allowed[DAYS[0]].append(sessions(half)[DAYS[0]])
    moments = random.Random(20241105)
    store = StoreFolder(tmp_path / "killed")
    for _ in range(8):
        mine, theirs = _spawn.Pipe(duplex=False)
        process = _spawn.Process(target=_import, args=(store.path, files, theirs))
        process.start()
        theirs.close()
        try:
            for _ in range(moments.randrange(1, STEPS * len(files))):
                if not mine.poll(DEADLINE_S):
                    pytest.fail("the import does not move")
                mine.recv()
        except EOFError:
            pass  # it had less to do and has ended
        moment = time.monotonic() + moments.uniform(0, 0.05)
        while process.is_alive() and time.monotonic() < moment:
            pass
        process.kill()
        process.join()
        mine.close()
        for day, found in sessions(store).items():
            assert found in allowed[day], day
    summary = import_files(store, files, CALENDAR)
    assert not summary.refused
    assert sessions(store) == expected
    assert sorted(path.name for path in store.path.iterdir()) == ["days", "taifex.lock"]
    assert all(path.suffix == ".parquet" for day in DAYS for path in store.day(day).iterdir())


def _import_without_room(store: Path, files: list[Path], limit: int, told: Connection) -> None:
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        import_files(StoreFolder(store), files, CALENDAR)
    except StoreError as error:
        told.send(str(error))
    else:
        told.send("")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot limit how much a process writes")
def test_without_room_nothing_changes_and_it_is_said(files: list[Path], tmp_path: Path) -> None:
    store = StoreFolder(tmp_path / "store")
    small = write(tmp_path / "in", _rows(DAYS[0], 1500), f"Daily_{DAYS[0]:%Y_%m_%d}.zip")
    import_files(store, files[2:3], CALENDAR)
    before = sessions(store)
    mine, theirs = _spawn.Pipe(duplex=False)
    process = _spawn.Process(target=_import_without_room, args=(store.path, [small], 40_000, theirs))
    process.start()
    theirs.close()
    assert mine.poll(DEADLINE_S)
    sentence = mine.recv()
    process.join()
    mine.close()
    assert sentence.startswith(f"{store.path}: {small.name} cannot be stored: ")
    assert "begin the import again" in sentence
    assert sessions(store) == before
    assert not list(store.path.rglob("*.new"))
    assert not import_files(store, [small], CALENDAR).refused
    assert sessions(store)[DAYS[0]]


def test_day_that_cannot_be_written_is_said_and_the_days_before_it_stay(files: list[Path], tmp_path: Path) -> None:
    store = StoreFolder(tmp_path / "store")
    store.days.mkdir(parents=True)
    store.day(DAYS[1]).write_bytes(b"no folder")
    with pytest.raises(StoreError, match=rf"{files[2].name} cannot be stored: .*begin the import again"):
        import_files(store, files, CALENDAR)
    assert [bool(found) for found in sessions(store).values()] == [True, False, False]
    store.day(DAYS[1]).unlink()
    import_files(store, files, CALENDAR)
    assert all(sessions(store).values())
