"""Which store belongs to which world, and how stores of simulated runs go."""

from pathlib import Path

import pytest

from engine.model.market import Environment
from engine.storage.layout import Source, StoreFolder
from engine.storage.places import StorePlace, drop_old, place_of


@pytest.mark.parametrize(
    ("environment", "folder", "records"),
    [
        (Environment.LIVE, "", True),
        (Environment.REPLAY, "", False),
        (Environment.SIMULATED, "simulated/run-4", True),
    ],
)
def test_each_world_has_its_store(tmp_path: Path, environment: Environment, folder: str, records: bool) -> None:
    place = place_of(environment, tmp_path, "run-4")
    assert (place.path, place.records) == (tmp_path / folder, records)


def made(store: Path, count: int) -> list[StorePlace]:
    places = [place_of(Environment.SIMULATED, store, f"run-{number}") for number in range(count)]
    for place in places:
        place.path.mkdir(parents=True)
        (place.path / "live.duckdb").write_bytes(b"rows")
    return places


def test_the_stores_of_the_last_three_simulated_runs_are_kept(tmp_path: Path) -> None:
    places = made(tmp_path, 6)
    drop_old(places[-1])
    assert sorted(path.name for path in (tmp_path / "simulated").iterdir()) == ["run-2", "run-3", "run-4", "run-5"]


def test_one_that_a_process_writes_is_left(tmp_path: Path) -> None:
    places = made(tmp_path, 5)
    with StoreFolder(places[0].path).writing(Source.LIVE):
        drop_old(places[-1])
        assert (places[0].path / "live.duckdb").exists()
    drop_old(places[-1])
    assert not places[0].path.exists()


def test_the_first_run_and_the_persons_own_store_lose_nothing(tmp_path: Path) -> None:
    drop_old(place_of(Environment.SIMULATED, tmp_path, "run-0"))
    made(tmp_path, 5)
    drop_old(place_of(Environment.LIVE, tmp_path, ""))
    assert len(list((tmp_path / "simulated").iterdir())) == 5
