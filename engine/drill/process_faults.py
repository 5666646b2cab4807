"""Faults of processes: killed, at a random moment or exactly at a point of an order's life, or frozen."""

import random
import time
from typing import TYPE_CHECKING, Final

import psutil

from engine.drill.fault import Fault
from engine.drill.program import Arm
from engine.drill.results import BrokenPromise, Promise
from engine.drill.running import ProgramDied
from engine.gateway.points import Point

if TYPE_CHECKING:
    from engine.drill.bench import Bench

_GUARDS: Final = ("strategy-1", "executor")
"""Child processes without which no lot is guarded."""


class ProcessFault(Fault):
    """A child process that stops working; it is over when another one works in its place."""

    def __init__(self, draw: random.Random, name: str) -> None:
        super().__init__(draw)
        self._name = name
        self._pid = self._told_before = 0
        self._held_since = 0.0

    def inject(self, bench: "Bench") -> None:
        process = bench.process(self._name)
        if process is not None:
            self._struck(bench, process.pid)
            self.strike(bench)

    def _struck(self, bench: "Bench", pid: int) -> None:
        """From now on this process does nothing."""
        self._pid = pid
        self._told_before, self._held_since = bench.watch.told_naked, bench.now()
        bench.can_guard = self._name not in _GUARDS

    def strike(self, bench: "Bench") -> None:
        """Does it to the process."""
        if (process := bench.process(self._name)) is not None:
            process.kill()

    def is_real(self, bench: "Bench") -> bool:
        return bool(self._pid)

    def is_over(self, bench: "Bench") -> bool:
        pid = bench.seen.probed.pids.get(self._name, 0)
        is_back = pid not in (0, self._pid) and bench.seen.probed.is_trading
        bench.can_guard = is_back or self._name not in _GUARDS
        if not bench.can_guard:
            self._check_told(bench)
        return is_back

    def _check_told(self, bench: "Bench") -> None:
        """While it is gone and lots are held that no working exit closes, the program must say so."""
        now, said = bench.now(), bench.watch.coverage()
        is_told = bench.watch.told_naked > self._told_before
        if not bench.seen.net or is_told or said is None or said.closing or said.net != bench.seen.net:
            self._held_since = now
        elif now - self._held_since > bench.settings.supervision.heartbeat_limit_s:
            text = f"{self._name} is gone, {bench.seen.net:+d} lots are held, and the program says {said}"
            raise BrokenPromise(Promise.TOLD, text)


class KilledAtPoint(ProcessFault):
    """A child process is killed exactly when the gateway is at a point of an order's life."""

    at_start = True

    def __init__(self, draw: random.Random, name: str, point: Point) -> None:
        super().__init__(draw, name)
        self._point, self._count = point, draw.choice((1, 1, 2, 2, 3, 4))
        self.wants_lots &= self._count == 1  # the first entry alone is sure to come there

    def inject(self, bench: "Bench") -> None:
        bench.program.tell(Arm(self._point, self._count, self._name))
        self._count = 1  # where it was not reached, it is laid again for the very next time

    def is_real(self, bench: "Bench") -> bool:
        if not self._pid and bench.seen.probed.trapped:
            self._struck(bench, bench.seen.probed.trapped)
        return super().is_real(bench)

    def lift(self, bench: "Bench") -> None:
        super().lift(bench)
        bench.program.tell(Arm(self._point, 0))


class FrozenProcess(ProcessFault):
    """A child that lives and does nothing: for good, or for a moment too short to be noticed."""

    def __init__(self, draw: random.Random, name: str) -> None:
        super().__init__(draw, name)
        self._is_short = draw.random() < 0.25
        self._thaw_s = draw.uniform(0.1, 0.5)
        self._thaw_at = 0.0

    def strike(self, bench: "Bench") -> None:
        if (process := bench.process(self._name)) is not None:
            process.suspend()
            self._thaw_at = time.monotonic() + self._thaw_s

    def is_over(self, bench: "Bench") -> bool:
        if not self._is_short:
            return super().is_over(bench)
        process = bench.process(self._name)
        if process is None or process.pid != self._pid:
            return super().is_over(bench)
        if time.monotonic() < self._thaw_at:
            return False
        process.resume()
        bench.can_guard = True
        return True


class DeadProgram(Fault):
    """The main process is killed."""

    def inject(self, bench: "Bench") -> None:
        bench.expects_death = True
        bench.program.kill()

    def is_real(self, bench: "Bench") -> bool:
        return bench.run_deaths > 0

    def is_over(self, bench: "Bench") -> bool:
        return bench.run_deaths > 0 and bench.is_healthy()


class FrozenProgram(Fault):
    """The main process does nothing for a moment, as on a machine that slept, and then goes on."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__(draw)
        self._lasts_s = draw.uniform(0.2, 2.5)

    def inject(self, bench: "Bench") -> None:
        process = psutil.Process(bench.program.pid)
        process.suspend()
        time.sleep(self._lasts_s)
        process.resume()

    def is_over(self, bench: "Bench") -> bool:
        return bench.is_healthy()


class DeadAtPoint(DeadProgram):
    """The main process is killed exactly at a point of an order's life."""

    at_start = True

    def __init__(self, draw: random.Random, point: Point) -> None:
        super().__init__(draw)
        self._point, self._count = point, draw.choice((1, 1, 2, 2, 3, 4))
        self.wants_lots &= self._count == 1  # the first entry alone is sure to come there

    def inject(self, bench: "Bench") -> None:
        bench.expects_death = True
        bench.program.tell(Arm(self._point, self._count))
        self._count = 1  # where it was not reached, it is laid again for the very next time

    def lift(self, bench: "Bench") -> None:
        try:
            bench.program.tell(Arm(self._point, 0))
        except ProgramDied:
            return  # it sprang in this moment: the next look buries it
        bench.expects_death = False
