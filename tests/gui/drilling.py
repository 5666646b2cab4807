"""Stand-ins for the drill's process, importable by a spawned child."""

import time
from multiprocessing.connection import Connection

from engine.drill.results import FaultResult, Progress, Report

DEADLINE_S = 30.0


def result(tried: int = 1, survived: int = 1, name: str = "kill_executor") -> FaultResult:
    return FaultResult(name=name, text="a fault", tried=tried, survived=survived, unguarded_s=1.25)


def passing(runs: int, pipe: Connection) -> None:
    """Every run passes."""
    for run in range(1, runs + 1):
        pipe.send(Progress(run=run, runs=runs, result=result(run, run), seconds=1.0))
    pipe.send(Report(seed=7, runs=runs, faults=(result(runs, runs),), orders=4, fills=3, limit_s=5.0))


def endless(runs: int, pipe: Connection) -> None:
    """Goes on until nobody listens."""
    deadline = time.monotonic() + DEADLINE_S
    try:
        while time.monotonic() < deadline:
            pipe.send(Progress(run=1, runs=runs, result=result(), seconds=1.0))
            time.sleep(0.01)
    except OSError:
        return


def dying(runs: int, pipe: Connection) -> None:
    """Dies without a word."""
