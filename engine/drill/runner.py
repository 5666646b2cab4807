"""The drill itself: one seeded run after the other, each with conditions, a fault, and the checks afterwards.

The same seed gives the same faults, moments and conditions in the same order; how fast processes are, the machine
decides, so the exact place where a fault strikes may differ from one time to the next.
"""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from engine.drill.bench import Bench, Seen, World
from engine.drill.fault import Fault
from engine.drill.faults import FAULTS, FaultClass
from engine.drill.line import Mark
from engine.drill.proof import Proof
from engine.drill.results import BrokenPromise, FaultResult, Progress, Promise, Report
from engine.drill.scenario import Scenario
from engine.model.order import OrderStatus
from engine.settings import Settings

LIMIT_S: Final = 5.0
"""How long lots may be unguarded, from the moment of the fault; twice as long where the main process died."""
_SETTLED_S: Final = 25.0
"""How long everything may take to come to rest after a fault has passed."""
_PASSED_S: Final = 30.0
"""How long a fault may take to strike and to pass."""
_EXITS_S: Final = 0.6
"""How long the conditions' own exits are waited for; what is still open then is closed."""
_LAYINGS: Final = 5
"""How often conditions are put again for a fault that has not struck yet."""

OnProgress = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What a drill does.

    Attributes:
        runs: how many.
        seed: of everything random.
        only: this run alone, 0 = all; it is the same one as in the whole drill.
        classes: names of the fault classes, empty = all.
        limit_s: how long lots may be unguarded.
    """

    runs: int = 50
    seed: int = 1
    only: int = 0
    classes: tuple[str, ...] = ()
    limit_s: float = LIMIT_S


class Drill:
    """All runs of a drill.

    Args:
        options: what it does.
        world: where it trades.
        settings: of the program.
        ledger: the ledger file.
        on_progress: called after each run.
    """

    def __init__(
        self, options: Options, world: World, settings: Settings, ledger: Path, on_progress: OnProgress
    ) -> None:
        self._options, self._ledger, self._on_progress = options, ledger, on_progress
        self._bench = Bench(world, settings, ledger, str(options.seed), options.limit_s)
        self._world = world
        self._available: list[FaultClass] = []
        self._results: dict[str, FaultResult] = {}
        self._began = time.monotonic()
        self._run = 0

    def run(self) -> Report:
        """Makes the runs until they are done or a promise is broken."""
        broken: BrokenPromise | None = None
        try:
            self._start()
            for number in self._numbers():
                if self._world.is_ended():
                    break
                self._run = number
                self._one(number)
            self._finish()
        except BrokenPromise as error:
            broken = error
        finally:
            self._bench.close()
        return self._report(broken)

    def _numbers(self) -> list[int]:
        if self._options.only:
            return [self._options.only]
        return list(range(1, self._options.runs + 1))

    def _start(self) -> None:
        self._bench.start()
        self._bench.watch_contract()
        self._available = self._classes()
        self._results = {item.name: FaultResult(item.name, item.text) for item in self._available}

    def _classes(self) -> list[FaultClass]:
        """The classes that this world and program know."""
        processes = self._bench.seen.probed.pids
        return [
            item
            for item in FAULTS
            if (not item.process or item.process in processes)
            and (self._world.is_simulated or not item.is_simulated)
            and (not self._options.classes or item.name in self._options.classes)
        ]

    # --- one run -------------------------------------------------------------------------------------------------

    def _one(self, number: int) -> None:
        kind = class_of(number, self._options.seed, self._available)
        draw = random.Random(f"{self._options.seed}/run/{number}")
        is_survived = False
        try:
            _Run(
                self._bench,
                kind.make(draw, (number - 1) // len(self._available)),
                Scenario(number, draw, self._bench),
                random.Random(f"{self._options.seed}/proof/{number}"),
            ).go()
            is_survived = True
        finally:
            result = self._results[kind.name].after(self._bench.watch.unguarded_s, is_survived=is_survived)
            self._results[kind.name] = result
        seconds = time.monotonic() - self._began
        self._on_progress(Progress(number, self._options.runs, result, seconds))

    def _finish(self) -> None:
        """The ledger is checked once more when nothing writes it any more."""
        self._bench.stop_program()
        self._bench.check_ledger()

    def _report(self, broken: BrokenPromise | None) -> Report:
        books = self._bench.books
        promise = broken.promise if broken else None
        return Report(
            seed=self._options.seed,
            runs=self._run,
            faults=tuple(self._results.values()),
            orders=len(books.reports),
            fills=len(books.fills),
            deaths=self._bench.deaths,
            duplicates=int(promise is Promise.ONCE),
            lost=int(promise is Promise.NOTHING_LOST),
            disagreements=int(promise is Promise.AGREEMENT),
            broken=str(broken or ""),
            run=self._run if broken else 0,
            limit_s=self._options.limit_s,
            seconds=time.monotonic() - self._began,
            ledger=self._ledger,
            taken_s=self._bench.machine.taken_s,
            proofs=self._bench.proofs,
        )


def class_of(number: int, seed: int, available: Sequence[FaultClass]) -> FaultClass:
    """The fault class of a run: in every round each has its turn once, in an order of the round's own."""
    turn, place = divmod(number - 1, len(available))
    order = list(available)
    random.Random(f"{seed}/round/{turn}").shuffle(order)
    return order[place]


class _Run:
    """Conditions, a fault, and what must hold afterwards."""

    def __init__(self, bench: Bench, fault: Fault, scenario: Scenario, draw: random.Random) -> None:
        self._bench, self._fault, self._scenario = bench, fault, scenario
        self._proof = Proof(bench, scenario, draw, self._look, self._until)

    def go(self) -> None:
        """From quiet to quiet."""
        bench = self._bench
        bench.begin_run()
        self._until(lambda seen: bench.is_healthy(), _PASSED_S, "all processes and links work")
        if self._fault.at_start:
            self._strike_by_itself()
        else:
            self._strike_at_its_moment()
        self._until(lambda seen: self._fault.is_over(bench), _PASSED_S, "the fault has passed")
        self._let_exits_come()
        self._proof.give(self._fault)
        self._settle()

    def _let_exits_come(self) -> None:
        """The conditions' own exits come by themselves, if the price goes there soon."""
        deadline = time.monotonic() + (0.0 if self._scenario.holds else _EXITS_S)
        while not self._scenario.is_over(self._look()) and time.monotonic() < deadline:
            continue

    def _strike_by_itself(self) -> None:
        """A trap is laid and conditions are put until it springs."""
        bench, fault = self._bench, self._fault
        for _ in range(_LAYINGS):
            fault.inject(bench)
            self._scenario.put(holds=fault.wants_lots, is_by_hand=False)
            self._until(
                lambda seen: fault.is_real(bench) or self._scenario.is_over(seen),
                _PASSED_S,
                "conditions came to an end",
            )
            if self._is_struck():
                return
        raise BrokenPromise(Promise.RECOVERY, f"{_LAYINGS} times conditions were put and none entered")

    def _is_struck(self) -> bool:
        """A report of the last order may still be on its way, and with it the fault."""
        deadline = time.monotonic() + 0.3
        while not self._fault.is_real(self._bench) and time.monotonic() < deadline:
            self._look()
        return self._fault.is_real(self._bench)

    def _strike_at_its_moment(self) -> None:
        bench, moment = self._bench, self._fault.moment
        began = time.monotonic()
        self._scenario.put(holds=self._fault.wants_lots)

        # Where lots are to be held, the exits are far away: no moment of an exit would come.
        mark = Mark.ENTRY_FILLED if self._scenario.holds and moment.mark else moment.mark

        def has_come(seen: Seen) -> bool:
            since = began if mark is None else bench.line.marks.get(mark)
            return (since is not None and seen.at >= since + moment.delay_s) or self._scenario.is_over(seen)

        self._until(has_come, _PASSED_S, "the moment of the fault came")
        self._fault.inject(bench)

    def _settle(self) -> None:
        """Ends the conditions, waits for quiet, and compares all books."""
        bench, scenario = self._bench, self._scenario
        self._until(lambda seen: scenario.end(seen), _SETTLED_S, "every condition came to an end")
        deadline, found = bench.now() + _SETTLED_S, bench.books.difference()
        while True:
            seen = self._look()
            if bench.is_exchange_idle() and bench.is_healthy() and scenario.is_over(seen):
                found = bench.books.difference()
                if found is None and not seen.net:
                    break
            if bench.now() > deadline:
                raise self._unsettled(seen, found)
        bench.books.check_ended(bench.conditions, bench.adopted, bench.groups)
        bench.books.close_run()

    def _unsettled(self, seen: Seen, found: tuple[Promise, str] | None) -> BrokenPromise:
        if found is not None:
            return BrokenPromise(found[0], found[1])
        if seen.net:
            text = f"every condition has ended, and the exchange holds {seen.net:+d} lots"
            return BrokenPromise(Promise.GUARDED, text)
        working = [item.client_order_id for item in self._bench.books.reports.values() if not item.status.is_final]
        text = f"no quiet after {_SETTLED_S:g} s; links {seen.probed.links}, working at the exchange: {working}"
        return BrokenPromise(Promise.RECOVERY, text)

    def _until(self, holds: Callable[[Seen], bool], limit_s: float, what: str) -> None:
        deadline = self._bench.now() + limit_s
        while not holds(seen := self._look()):
            if self._bench.now() > deadline:
                raise BrokenPromise(Promise.RECOVERY, f"not within {limit_s:g} s: {what}; {_told(seen)}")

    def _look(self) -> Seen:
        """Looks at everything, and at what must never happen."""
        bench = self._bench
        seen = bench.look()
        bench.books.look()
        bench.books.check_once(bench.conditions, bench.adopted)
        for halt in bench.books.ledger.halts:
            raise BrokenPromise(Promise.RECOVERY, f"trading was halted by {halt.by}: {halt.text}")
        return seen


def _told(seen: Seen) -> str:
    """What the program says of itself, in short."""
    probed = seen.probed
    states = {key: f"{item.state} {item.reason} {item.text}".strip() for key, item in probed.conditions.items()}
    orders = [f"{item.signal_id or item.client_order_id} {item.status}" for item in probed.open_orders]
    unknown = [item for item in probed.open_orders if item.status is OrderStatus.UNKNOWN]
    links = {name: str(state) for name, state in probed.links.items()}
    return f"processes {probed.pids}, links {links}, conditions {states}, orders {orders}, {len(unknown)} unknown"
