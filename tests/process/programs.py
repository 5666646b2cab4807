"""A whole program with a recorder in a process of its own, to be killed with everything that belongs to it."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

import psutil

from engine.brokers.replay import ReplayBroker
from engine.brokers.tape import Tape
from engine.host import RECORDER
from engine.settings import Settings
from engine.storage.places import StorePlace
from engine.wire.messages import StoreHealth
from tests.process.running import CALENDAR, DEADLINE_S, Ear, running

_spawn = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Told:
    """What the recorder said of itself.

    Attributes:
        run: of the gateway.
        taken: ticks that it has, written or not.
        written: those that the store has.
        pid: of the recorder.
    """

    run: int
    taken: int
    written: int
    pid: int


def replayed(file: Path, *symbols: str, speed: float = 0.0) -> ReplayBroker:
    """A daily file as a market."""
    return ReplayBroker(Tape.of_file(file, symbols, CALENDAR), speed=speed, calendar=CALENDAR)


def _records(
    file: Path, symbol: str, folder: Path, settings: Settings, place: StorePlace, pipe: Connection
) -> None:
    """Replays a file at full speed, a stretch at each word of the other side; tells how far the recorder is."""
    broker = replayed(file, symbol, speed=20_000.0)
    broker.hold()
    with running(broker, folder, settings, store=place) as engine:
        run = engine.snapshot().run
        ear = Ear(engine.host.telemetry_endpoint, ("telemetry.store",), engine.host)
        heard = 0
        while True:
            found: list[StoreHealth] = ear.of(StoreHealth)
            for health in found[heard:]:
                taken = health.rows + health.pending
                pipe.send(Told(run, taken, health.rows, engine.host.pid(RECORDER)))
            heard = len(found)
            if pipe.poll(0.02):
                stretch: int = pipe.recv()
                broker.release()
                while stretch and broker.position < stretch:
                    pipe.poll(0.001)
                if stretch:
                    broker.pause()


class Program:
    """Its other end."""

    def __init__(self, process: SpawnProcess, pipe: Connection) -> None:
        self._process, self._pipe = process, pipe

    def play(self, until: int = 0) -> None:
        """Replays up to about this tick and holds there; 0 = to the end."""
        self._pipe.send(until)

    def told(self) -> Told:
        """The next word on the recorder, once a second."""
        assert self._pipe.poll(3 * DEADLINE_S), "the program is silent"
        found: Told = self._pipe.recv()
        return found

    def kill(self, recorder: int) -> None:
        """Kills the main process, and waits until the recorder has ended too."""
        child = psutil.Process(recorder)
        self._process.kill()
        self._process.join(DEADLINE_S)
        child.wait(DEADLINE_S)


@contextmanager
def program(file: Path, symbol: str, folder: Path, settings: Settings, place: StorePlace) -> Iterator[Program]:
    """A program that replays a file, holds before its first print, and records."""
    ours, theirs = _spawn.Pipe()
    process = _spawn.Process(target=_records, args=(file, symbol, folder, settings, place, theirs))
    process.start()
    theirs.close()
    try:
        yield Program(process, ours)
    finally:
        process.kill()
        process.join(DEADLINE_S)
        process.close()
        ours.close()
