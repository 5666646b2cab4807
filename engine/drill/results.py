"""What a drill finds, as values: progress while it runs, one result a fault class, and the broken promise.

Small enough to travel through a pipe to a window.
"""

import dataclasses
import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engine.errors import EngineError


class Promise(StrEnum):
    """What the program promises whatever fails."""

    ONCE = "no order twice"
    """Every signal leads to one order at most, and to no more lots than it asked for."""
    NOTHING_LOST = "nothing lost"
    """The ledger has every fill of the exchange, each once."""
    AGREEMENT = "the books agree"
    """Orders and positions are the same here and at the exchange."""
    GUARDED = "guarded again in time"
    """Lots that are held are guarded again within the time limit."""
    ACTED = "a guard acts"
    """Where lots are said to be guarded and the price goes through their exits, they are closed in time."""
    TOLD = "never silently unguarded"
    """While nothing can guard, the program says so."""
    NO_ORPHAN = "no orphan process"
    """Two seconds after the main process has died its children are gone."""
    LEDGER = "the ledger holds"
    """The ledger passes its own check."""
    RECOVERY = "it comes back by itself"
    """Everything runs again and every order has an end."""


class BrokenPromise(EngineError):
    """A promise did not hold.

    Attributes:
        promise: which.
        seen: what was seen, a sentence.
    """

    def __init__(self, promise: Promise, seen: str) -> None:
        super().__init__(f"Broken promise, {promise}: {seen}")
        self.promise, self.seen = promise, seen


@dataclass(frozen=True, slots=True)
class FaultResult:
    """How one class of faults went.

    Attributes:
        name: of the class.
        text: what it does, for people.
        tried: runs in which it really happened.
        survived: those after which every promise held.
        unguarded_s: the longest time for which lots were held that nothing guarded.
    """

    name: str
    text: str
    tried: int = 0
    survived: int = 0
    unguarded_s: float = 0.0

    def after(self, unguarded_s: float, *, is_survived: bool) -> "FaultResult":
        """The result after one more run."""
        return dataclasses.replace(
            self,
            tried=self.tried + 1,
            survived=self.survived + is_survived,
            unguarded_s=max(self.unguarded_s, unguarded_s),
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """A run has ended.

    Attributes:
        run: number of the run, from 1.
        runs: how many there will be.
        result: of the run's fault class so far.
        seconds: since the drill began.
    """

    run: int
    runs: int
    result: FaultResult
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a drill went.

    Attributes:
        seed: to repeat it.
        runs: that were made, the one with a broken promise included.
        faults: one result a class.
        orders: at the exchange.
        fills: at the exchange.
        deaths: of the main process.
        duplicates: orders that reached the exchange more than once.
        lost: fills that the ledger lacks.
        disagreements: orders and positions that differ.
        broken: the promise that did not hold and what was seen, empty if all held.
        run: number of the run that broke it, 0 if none did.
        limit_s: how long lots may be unguarded; twice as long where the main process died.
        seconds: how long the drill took.
        ledger: the ledger file, for ``engine ledger verify``.
        taken_s: seconds of those that other programs took from the drill; its limits were longer by them.
        proofs: how often the price was moved through the exits of guarded lots, and they were closed in time.
    """

    seed: int
    runs: int
    faults: tuple[FaultResult, ...]
    orders: int = 0
    fills: int = 0
    deaths: int = 0
    duplicates: int = 0
    lost: int = 0
    disagreements: int = 0
    broken: str = ""
    run: int = 0
    limit_s: float = 0.0
    seconds: float = 0.0
    ledger: Path = Path()
    taken_s: float = 0.0
    proofs: int = 0

    @property
    def is_passed(self) -> bool:
        """Every promise held."""
        return not self.broken

    def as_json(self) -> str:
        """One line."""
        table = dataclasses.asdict(self) | {"ledger": str(self.ledger), "passed": self.is_passed}
        for name in ("seconds", "taken_s"):
            table[name] = round(table[name], 1)
        for row in table["faults"]:
            row["unguarded_s"] = round(row["unguarded_s"], 2)
        return json.dumps(table, ensure_ascii=False)
