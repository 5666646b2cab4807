"""The test bench of a drill: exchange, line, program, watch and books, and how the program is after each look."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import psutil

from engine.brokers.base import Broker
from engine.drill.books import Books, LedgerReader
from engine.drill.line import Line
from engine.drill.machine import MachineClock
from engine.drill.program import Probed, ProgramPlan
from engine.drill.results import BrokenPromise, Promise
from engine.drill.running import ProgramDied, RunningProgram
from engine.drill.watch import Watch
from engine.errors import BrokerRefused, LedgerError, RequestError
from engine.gateway import ledger_check
from engine.model.market import LinkState
from engine.model.position import Account
from engine.model.session import TradingCalendar
from engine.settings import Settings
from engine.wire.messages import SelectContracts

_START_FACTOR: Final = 2
"""Where the main process died, all processes have to be started again: the limit is so many times longer."""
FIRST_TRADE_S: Final = 30.0
LOOK_S: Final = 0.02
"""How often everything is looked at."""


@dataclass(frozen=True, slots=True)
class World:
    """Where a drill trades.

    Attributes:
        exchange: logged in and not started.
        accounts: of the login.
        symbol: the contract.
        speed: market seconds in a second.
        is_simulated: it can be told what happens to an order.
        is_ended: the market is over for good; no further run can be made.
        move: moves the price by so many points for everybody; None where nobody can.
    """

    exchange: Broker
    accounts: tuple[Account, ...]
    symbol: str
    speed: float
    is_simulated: bool
    is_ended: Callable[[], bool]
    move: Callable[[int], None] | None = None


@dataclass(slots=True)
class Seen:
    """How everything is at one look."""

    at: float
    probed: Probed
    net: int
    unguarded_s: float = 0.0


class Bench:
    """Holds the parts of a drill together; the runner and the faults act on them.

    Args:
        world: where it trades.
        settings: of the program.
        ledger: the ledger file.
        seed: of everything random.
        limit_s: how long lots may be unguarded.
    """

    def __init__(self, world: World, settings: Settings, ledger: Path, seed: str, limit_s: float) -> None:
        self.world, self.settings, self.ledger, self.limit_s = world, settings, ledger, limit_s
        self.account = world.accounts[0].account
        self.line = Line(world.exchange, world.accounts, world.speed, seed)
        self.books = Books(self.line, LedgerReader(ledger), self.account)
        self.machine = MachineClock()
        self.now = self.machine.now
        """Seconds that count for a limit."""
        self.watch = Watch(settings.wire, world.symbol, self.now)
        self.random = random.Random(seed)
        self.deaths = 0
        self.run_deaths = 0
        self.proofs = 0
        """How often guards were put to the proof, and acted."""
        self.expects_death = False
        self.can_guard = True
        """The processes that guard are known to run."""
        self.may_guard = True
        """Something on earth could guard: there is a link and a feed."""
        self.conditions: dict[str, int] = {}
        """Conditions of the present run and the lots that each may enter."""
        self.adopted: dict[str, int] = {}
        """Those that took over lots of a person's order, and how many; below 0 where they gave lots back."""
        self.groups: dict[str, set[str]] = {}
        """Those of which one cancels the others."""
        market = settings.market
        self._calendar = TradingCalendar(market.closed_days, market.opened_days)
        self._program: RunningProgram | None = None
        self._plan = ProgramPlan(settings, ledger, world.symbol)
        self.seen = Seen(time.monotonic(), Probed({}, False), 0)

    # --- life ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """The exchange opens and the program starts."""
        self.world.exchange.start(self.line)
        self.world.exchange.subscribe(self.world.symbol)
        self._start_program()

    def close(self) -> None:
        """Ends everything."""
        self.stop_program()
        self.line.close()
        self.world.exchange.close()
        self.machine.close()

    @property
    def program(self) -> RunningProgram:
        """The program that runs now."""
        assert self._program is not None  # between start and close there is one
        return self._program

    def stop_program(self) -> None:
        """Ends the program in order; the exchange stays open."""
        self.watch.detach()
        if self._program is not None:
            program, self._program = self._program, None
            program.stop()

    def _start_program(self) -> None:
        self._program = RunningProgram(self._plan, self.line)
        self._plan = replace(self._plan, is_watched=False)
        self.watch.attach(self._program.ready)

    def begin_run(self) -> None:
        """Forgets the run before."""
        self.line.begin_run()
        self.watch.begin_run()
        self.run_deaths = 0
        self.expects_death, self.can_guard, self.may_guard = False, True, True
        self.conditions, self.adopted, self.groups = {}, {}, {}

    # --- looking -------------------------------------------------------------------------------------------------

    def look(self) -> Seen:
        """How everything is now; a program that has died is buried and started again on the same ledger.

        Raises:
            BrokenPromise: lots are unguarded for too long, or a death that nobody caused.
        """
        time.sleep(LOOK_S)
        net = self.books.net().get(self.world.symbol, 0)
        try:
            probed = self.program.probe(tuple(self.conditions))
        except ProgramDied:
            self._bury(net)
            probed = self.program.probe(tuple(self.conditions))
        except RequestError as error:
            raise BrokenPromise(Promise.RECOVERY, str(error)) from error
        unguarded = self._measure(net)
        self.seen = Seen(time.monotonic(), probed, net, unguarded)
        return self.seen

    def _measure(self, net: int) -> float:
        if not self.may_guard:
            self.watch.restart()
        unguarded = self.watch.look(net, can_guard=self.can_guard)
        if not self.may_guard:
            self.watch.unguarded_s = 0.0
            return 0.0
        if unguarded > self.limit_s * (_START_FACTOR if self.run_deaths else 1):
            said = self.watch.coverage()
            seen = f"{net:+d} lots were unguarded for {unguarded:.1f} s; the program says {said or 'nothing'}"
            raise BrokenPromise(Promise.GUARDED, seen)
        return unguarded

    def _bury(self, net: int) -> None:
        self.watch.detach()
        self._measure(net)
        self.deaths += 1
        self.run_deaths += 1
        dead, self._program = self.program, None
        dead.bury(self.now)
        if not self.expects_death:
            raise BrokenPromise(Promise.RECOVERY, "the main process died, and the drill did not kill it")
        self.check_ledger()
        self._start_program()

    def check_ledger(self) -> None:
        """The ledger passes its own check.

        Raises:
            BrokenPromise: it does not.
        """
        try:
            checks = ledger_check.verify(self.ledger, calendar=self._calendar)
        except LedgerError as error:
            raise BrokenPromise(Promise.LEDGER, str(error)) from error
        for check in checks:
            if not check.is_ok:
                raise BrokenPromise(Promise.LEDGER, f"{self.ledger}: {check.name}: {check.problems[0]}")

    # --- acting --------------------------------------------------------------------------------------------------

    def ask(self, body: object) -> Any:
        """A person's request; None where the program died or refused it."""
        try:
            return self.program.ask(body)
        except (ProgramDied, RequestError):
            return None

    def watch_contract(self) -> None:
        """Somebody looks at the contract, also after a start at which nobody did.

        Raises:
            BrokenPromise: no trade reaches the program.
        """
        deadline = self.now() + FIRST_TRADE_S
        if not self.last_price:
            self.ask(SelectContracts(symbols=(self.world.symbol,)))
        while not self.look().probed.last_price:
            if self.now() > deadline:
                raise BrokenPromise(Promise.RECOVERY, "no trade reached the program")

    def held(self) -> dict[str, int]:
        """Lots that the exchange holds now for each condition of the run."""
        self.books.look()
        return self.books.held(self.conditions, self.adopted)

    def process(self, name: str) -> psutil.Process | None:
        """A child process of the program, None where it does not run now."""
        pid = self.seen.probed.pids.get(name, 0)
        try:
            return psutil.Process(pid) if pid else None
        except psutil.NoSuchProcess:
            return None

    @property
    def last_price(self) -> int:
        """Of the last trade that the program knows, 0 before the first."""
        return self.seen.probed.last_price

    def is_healthy(self) -> bool:
        """All processes are ready and all links are up."""
        links = self.seen.probed.links
        is_down = any(state is LinkState.DOWN for name, state in links.items() if name != "flatten")
        return self.seen.probed.is_trading and not is_down

    def is_exchange_idle(self) -> bool:
        """No order works at the exchange, and none is on its way there."""
        try:
            self.books.look()
        except BrokerRefused:
            return False
        reports = self.books.reports
        return all(report.status.is_final for report in reports.values())
