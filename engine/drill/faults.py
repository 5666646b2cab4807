"""The fault classes: what each does, when it has really happened, and when it is over.

A fault acts on the :class:`engine.drill.bench.Bench`; it checks nothing. A new class is one more entry of
:data:`FAULTS`; one that is about a process names it, and is left out where the program has no such process.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.brokers.faults import Reply
from engine.brokers.simulated import SimulatedExchange
from engine.drill.line import Fate, Mark
from engine.drill.program import Arm, FillDisk
from engine.drill.results import BrokenPromise, Promise
from engine.drill.running import ProgramDied
from engine.errors import RequestError
from engine.gateway.points import Point
from engine.model.market import LinkState

if TYPE_CHECKING:
    from engine.drill.bench import Bench

_TELL_S: Final = 3.0
"""How long the program may take to say that a dead link or feed guards nothing."""
_MANY: Final = 10_000
_GUARDS: Final = ("strategy-1", "executor")
"""Child processes without which no lot is guarded."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a fault strikes: so long after something happened first in the run.

    Attributes:
        mark: what happened; None = the beginning of the run.
        delay_s: how long afterwards.
    """

    mark: Mark | None
    delay_s: float

    @classmethod
    def draw(cls, draw: random.Random) -> "Moment":
        """Mostly near the calls and fills of orders, where it hurts."""
        mark = draw.choice((None, *Mark, Mark.ENTRY_CALLED, Mark.ENTRY_FILLED))
        longest = 0.8 if mark is None else 0.3
        return cls(mark, draw.uniform(0.0, longest) * draw.random())


class Fault:
    """One fault of one run; the base does nothing.

    Args:
        draw: of everything random in it.
    """

    at_start = False
    """It is laid out before the conditions, and strikes by itself."""

    def __init__(self, draw: random.Random) -> None:
        self.moment = Moment.draw(draw)
        self.wants_lots = draw.random() < 0.6
        """The conditions hold their lots until it is over."""

    def inject(self, bench: "Bench") -> None:
        """Strikes, or lays the trap."""

    def is_real(self, bench: "Bench") -> bool:
        """It has really happened."""
        return True

    def is_over(self, bench: "Bench") -> bool:
        """It has passed; called at every look after it was injected."""
        return True

    def lift(self, bench: "Bench") -> None:
        """Takes back what is left of it."""
        bench.line.lift()


# --- processes ---------------------------------------------------------------------------------------------------


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
            self._pid = process.pid
            self._told_before, self._held_since = bench.watch.told_naked, time.monotonic()
            bench.can_guard = self._name not in _GUARDS
            self.strike(bench)

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
        now, said = time.monotonic(), bench.watch.coverage()
        is_told = bench.watch.told_naked > self._told_before
        if not bench.seen.net or is_told or said is None or said.closing or said.net != bench.seen.net:
            self._held_since = now
        elif now - self._held_since > bench.settings.supervision.heartbeat_limit_s:
            text = f"{self._name} is gone, {bench.seen.net:+d} lots are held, and the program says {said}"
            raise BrokenPromise(Promise.TOLD, text)


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


class DeadAtPoint(DeadProgram):
    """The main process is killed exactly at a point of an order's life."""

    at_start = True

    def __init__(self, draw: random.Random, point: Point) -> None:
        super().__init__(draw)
        self._point, self._count = point, draw.choice((1, 1, 2, 2, 3, 4))
        self.wants_lots = False

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


# --- replies and reports -----------------------------------------------------------------------------------------


class LineFault(Fault):
    """Something on the line between the exchange and the program; real as soon as a message was harmed."""

    at_start = True

    def __init__(self, draw: random.Random) -> None:
        super().__init__(draw)
        self.wants_lots = False
        self._draw = draw

    def is_real(self, bench: "Bench") -> bool:
        return bench.line.harmed > 0


class LostReply(LineFault):
    """The answer to an order call never comes."""

    def __init__(self, draw: random.Random, reply: Reply) -> None:
        super().__init__(draw)
        self._fate = Fate(reply, is_silent=draw.random() < 0.4)
        self._after = draw.choice((0, 0, 1, 2))

    def inject(self, bench: "Bench") -> None:
        bench.line.lose_reply(self._fate, after=self._after)
        self._after = 0


class Duplicated(LineFault):
    """Reports and fills are told twice."""

    def inject(self, bench: "Bench") -> None:
        bench.line.repeat_reports(_MANY)


class Reordered(LineFault):
    """Reports and fills overtake each other."""

    def inject(self, bench: "Bench") -> None:
        bench.line.reorder_reports(_MANY)


class PartialFills(LineFault):
    """Market orders find one lot only; the rest is killed."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__(draw)
        self._count = draw.randint(1, 4)

    def inject(self, bench: "Bench") -> None:
        exchange = bench.world.exchange
        assert isinstance(exchange, SimulatedExchange)  # the runner asks is_simulated first
        for _ in range(self._count):
            exchange.faults.thin_next(1)

    def is_real(self, bench: "Bench") -> bool:
        orders = bench.line.orders
        return any(
            0 < report.filled < report.quantity
            for note, report in bench.books.reports.items()
            if note in orders and orders[note].condition_id in bench.conditions
        )

    def lift(self, bench: "Bench") -> None:
        super().lift(bench)
        exchange = bench.world.exchange
        if isinstance(exchange, SimulatedExchange):
            exchange.faults.lift()


class LateFills(PartialFills):
    """Fills come after the report that ended their order."""

    def inject(self, bench: "Bench") -> None:
        if bench.world.is_simulated:
            super().inject(bench)
        count = self._draw.choice((1, 2, _MANY, _MANY))
        bench.line.delay_fills(count, self._draw.uniform(0.1, 0.6))

    def is_real(self, bench: "Bench") -> bool:
        return bench.line.harmed > 0


# --- link, feed and disk -----------------------------------------------------------------------------------------


class Outage(Fault):
    """Something that the program needs is away for a while; it must say so while it holds lots."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__(draw)
        self._draw = draw
        self._shortest_s = draw.uniform(0.2, 1.2)
        self._began = self._held_since = 0.0
        self._told_before = 0

    def inject(self, bench: "Bench") -> None:
        bench.may_guard = False
        self._told_before = bench.watch.told_naked
        self._began = self._held_since = time.monotonic()
        self.begin(bench)

    def begin(self, bench: "Bench") -> None:
        """Takes it away."""

    def is_over(self, bench: "Bench") -> bool:
        if bench.may_guard:
            return True
        now = time.monotonic()
        if not bench.seen.net:
            self._held_since = now
        is_told = bench.watch.told_naked > self._told_before or not bench.seen.net
        if now - self._held_since > _TELL_S + bench.settings.risk.stale_feed_s:
            said = bench.watch.coverage()
            raise BrokenPromise(
                Promise.TOLD, f"{bench.seen.net:+d} lots, and the program says {said or 'nothing'}"
            )
        if now - self._began < self._shortest_s or not is_told:
            return False
        bench.may_guard = True
        bench.line.lift()
        return True

    def lift(self, bench: "Bench") -> None:
        super().lift(bench)
        bench.may_guard = True


class DroppedLink(Outage):
    """The link drops: told by the broker's event, or found by silence."""

    def begin(self, bench: "Bench") -> None:
        is_told = self._draw.random() < 0.6
        bench.line.drop(is_told=is_told)


class StaleFeed(Outage):
    """The feed falls silent, and nobody says so."""

    def begin(self, bench: "Bench") -> None:
        bench.line.mute_feed()


class FullDisk(Fault):
    """The ledger cannot be written for a while."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__(draw)
        self._lasts_s = draw.uniform(0.3, 1.5)
        self._ends_at = 0.0
        self._was_seen = False

    def inject(self, bench: "Bench") -> None:
        bench.program.tell(FillDisk(True))
        self._ends_at = time.monotonic() + self._lasts_s

    def is_real(self, bench: "Bench") -> bool:
        return bool(self._ends_at)

    def is_over(self, bench: "Bench") -> bool:
        if time.monotonic() < self._ends_at:
            return False
        self.lift(bench)
        return bench.seen.probed.links.get("ledger", LinkState.UP) is LinkState.UP

    def lift(self, bench: "Bench") -> None:
        super().lift(bench)
        try:
            bench.program.tell(FillDisk(False))
        except (ProgramDied, RequestError):
            return


@dataclass(frozen=True, slots=True)
class FaultClass:
    """A kind of fault.

    Attributes:
        name: of one word, for the report.
        text: what it does, for people.
        make: makes the fault of one run.
        process: the child process that it needs, empty where it needs none.
        is_simulated: only the simulated exchange can do it.
    """

    name: str
    text: str
    make: Callable[[random.Random], Fault]
    process: str = ""
    is_simulated: bool = False


def _killed(name: str, process: str) -> FaultClass:
    text = f"the {name} process is killed"
    return FaultClass(f"kill_{name}", text, lambda draw: ProcessFault(draw, process), process)


def _frozen(name: str, process: str) -> FaultClass:
    text = f"the {name} process freezes"
    return FaultClass(f"freeze_{name}", text, lambda draw: FrozenProcess(draw, process), process)


def _killed_at(point: Point, text: str) -> FaultClass:
    return FaultClass(f"kill_main_{point}", f"the main process is killed {text}", lambda d: DeadAtPoint(d, point))


FAULTS: Final = (
    _killed("strategy", "strategy-1"),
    _killed("executor", "executor"),
    _killed("recorder", "recorder"),
    FaultClass("kill_main", "the main process is killed at a random moment", DeadProgram),
    _killed_at(Point.APPROVED, "before an intent is written"),
    _killed_at(Point.INTENT_DURABLE, "after an intent, before the broker is called"),
    _killed_at(Point.CALLED, "after the call, before its outcome is written"),
    _killed_at(Point.RECORDED, "after a reply is written, before it is published"),
    _killed_at(Point.FILL_RECORDED, "after a fill is written, before it is published"),
    FaultClass(
        "lost_reply_alive", "an order's answer is lost, the order lives", lambda d: LostReply(d, Reply.LOST_ALIVE)
    ),
    FaultClass("lost_reply_dead", "an order and its answer are lost", lambda d: LostReply(d, Reply.LOST_DEAD)),
    FaultClass("duplicated", "reports and fills are told twice", Duplicated),
    FaultClass("reordered", "reports and fills overtake each other", Reordered),
    FaultClass("partial_fills", "orders are filled in part", PartialFills, is_simulated=True),
    FaultClass("late_fills", "fills come after the end of their order", LateFills),
    FaultClass("link_drop", "the link to the exchange drops", DroppedLink),
    FaultClass("stale_feed", "the feed falls silent", StaleFeed),
    _frozen("strategy", "strategy-1"),
    _frozen("executor", "executor"),
    FaultClass("full_disk", "the ledger's disk is full", FullDisk),
)
"""All fault classes, in the order of the report."""
