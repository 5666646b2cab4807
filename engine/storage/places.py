"""Which market store a world uses, and which stores of simulated runs have become old.

Opens no store and imports no database: the main process asks.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine import logs
from engine.errors import StoreError
from engine.model.market import Environment
from engine.storage.layout import Source, StoreFolder

log = logs.get(__name__)

_SIMULATED: Final = "simulated"
_KEPT_RUNS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class StorePlace:
    """A market store and what is done with it.

    Attributes:
        path: its folder.
        records: the market is recorded there; otherwise it only answers questions.
        is_of_run: it belongs to one simulated run and is removed some runs later.
    """

    path: Path
    records: bool
    is_of_run: bool = False


def place_of(environment: Environment, store: Path, run: str) -> StorePlace:
    """The store of a world: a simulated market has one of its own, a replayed one is not recorded again.

    Args:
        environment: the world.
        store: folder of the person's own store.
        run: name of the run, which sorts by time.
    """
    if environment is Environment.SIMULATED:
        return StorePlace(path=store / _SIMULATED / run, records=True, is_of_run=True)
    return StorePlace(path=store, records=environment is Environment.LIVE)


def simulated_runs(store: Path) -> list[Path]:
    """The stores of simulated runs below a person's own store, the oldest first."""
    return _folders(store / _SIMULATED)


def _folders(path: Path) -> list[Path]:
    try:
        return sorted(item for item in path.iterdir() if item.is_dir())
    except (FileNotFoundError, NotADirectoryError):
        return []


def drop_old(place: StorePlace) -> None:
    """Removes the stores of simulated runs but the last three, and leaves those that a process writes."""
    if not place.is_of_run:
        return
    runs = [path for path in _folders(place.path.parent) if path != place.path]
    for path in runs[:-_KEPT_RUNS]:
        try:
            with StoreFolder(path).writing(Source.LIVE):
                pass
            shutil.rmtree(path)
        except (StoreError, OSError) as error:
            log.warning("an old simulated store stays", path=str(path), error=str(error))
