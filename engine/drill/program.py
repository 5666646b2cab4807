"""The program under drill: a main process with gateway, supervisor and children, as the terminal has them.

Runs in a process of its own, which the drill starts, asks, and kills. Its window is a pipe.
"""

import contextlib
import functools
import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from engine import logs
from engine.brokers.base import Credentials
from engine.drill.remote import RemoteBroker
from engine.errors import ChildError, EngineError
from engine.gateway.points import Point
from engine.host import Host
from engine.model.condition import Condition
from engine.model.market import HaltDepth, LinkState
from engine.model.order import Order
from engine.settings import Settings
from engine.supervision.orphans import ORPHANED
from engine.wire.keys import ClientKeys, Role
from engine.wire.messages import Done, SelectContracts
from engine.wire.sockets import Requester

READY_S = 30.0
"""How long the processes may take to start."""
_ANSWER_S = 10.0
"""How long the gateway's thread may be busy."""
_FULL_PAGES = 0
"""Pages that a full disk still gives the ledger."""


@dataclass(frozen=True, slots=True)
class ProgramPlan:
    """What the program is started with.

    Attributes:
        settings: of the run.
        ledger: the ledger file; the same one after a death.
        symbol: the contract that it watches.
        call_timeout_s: how long the broker's answer is waited for.
        is_watched: somebody looks at the contract. Where nobody does, the program itself must see what it guards.
    """

    settings: Settings
    ledger: Path
    symbol: str
    call_timeout_s: float = 1.0
    is_watched: bool = True


@dataclass(frozen=True, slots=True)
class Ask:
    """Sends a person's request through the command socket; answered with its reply or its error."""

    body: object


@dataclass(frozen=True, slots=True)
class Probe:
    """Asks how the program is; answered with :class:`Probed`."""

    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Arm:
    """A process is killed when the gateway comes to a point for the ``count``-th time; 0 = not any more.

    Attributes:
        point: of an order's life.
        count: the how many-th order or fill from now on.
        process: the child that is killed, empty = the main process.
    """

    point: Point
    count: int
    process: str = ""


@dataclass(frozen=True, slots=True)
class FillDisk:
    """The ledger's disk is full, or has room again."""

    is_full: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """Ends the program in order."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The program trades.

    Attributes:
        telemetry: endpoint of the telemetry.
        keys: of a reader.
    """

    telemetry: str
    keys: ClientKeys | None


@dataclass(frozen=True, slots=True)
class Failed:
    """The program cannot do what was asked; a sentence."""

    text: str


@dataclass(frozen=True, slots=True)
class Probed:
    """How the program is, seen on the gateway's thread.

    Attributes:
        pids: of the child processes, by name; 0 where there is none.
        is_trading: all of them are ready.
        conditions: those that were asked for.
        open_orders: orders that are not final.
        net: lots by contract.
        links: state of each link.
        halt: how far trading is halted.
        last_price: of the last trade, 0 before the first.
        trapped: pid of the child that was killed at the point that was armed last, 0 if none was.
    """

    pids: dict[str, int]
    is_trading: bool
    conditions: dict[str, Condition] = field(default_factory=dict)
    open_orders: tuple[Order, ...] = ()
    net: dict[str, int] = field(default_factory=dict)
    links: dict[str, LinkState] = field(default_factory=dict)
    halt: HaltDepth = HaltDepth.NONE
    last_price: int = 0
    trapped: int = 0


class Trap:
    """Kills a process at a named point of an order's life, as a power switch would."""

    def __init__(self) -> None:
        self._armed: Point | None = None
        self._count = 0
        self._victim: Callable[[], int] = os.getpid
        self.killed = 0
        """Pid of the process that it killed since it was armed, 0 if it has not sprung."""

    def arm(self, point: Point, count: int, victim: Callable[[], int]) -> None:
        """Springs when the point is reached for the ``count``-th time from now on.

        Args:
            point: of an order's life.
            count: 0 = not any more.
            victim: the pid of the process to kill, 0 where there is none now.
        """
        self._count, self._victim, self.killed = count, victim, 0
        self._armed = point if count else None

    def __call__(self, point: Point, id: str) -> None:
        """The gateway is at a point."""
        if point is not self._armed:
            return
        self._count -= 1
        if self._count:
            return
        self._armed = None
        with contextlib.suppress(psutil.NoSuchProcess):
            if pid := self._victim():
                psutil.Process(pid).kill()
                self.killed = pid


def main(plan: ProgramPlan, line: Connection, pipe: Connection) -> None:
    """Entry point of the spawned process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the drill's to handle
    logs.configure(plan.settings.paths.logs, "main")
    broker = RemoteBroker(line, plan.call_timeout_s)
    trap = Trap()
    try:
        accounts = broker.login(Credentials(user="drill"))
        host = Host(plan.settings, broker, accounts, plan.ledger, on_point=trap)
    except EngineError as error:
        pipe.send(Failed(str(error)))
        return
    try:
        host.start()
        with contextlib.closing(_requester(host)) as requester:
            _begin(host, requester, plan)
            pipe.send(Ready(host.telemetry_endpoint, host.client_keys(Role.READER)))
            _Window(host, requester, trap, plan.symbol).serve(pipe)
    except EngineError as error:
        pipe.send(Failed(str(error)))
    finally:
        host.close()
        logs.close()


def _requester(host: Host) -> Requester:
    return Requester(
        host.gateway.commands_endpoint,
        source="drill",
        wire=host.settings.wire,
        keys=host.client_keys(Role.WINDOW),
    )


def _begin(host: Host, requester: Requester, plan: ProgramPlan) -> None:
    if plan.is_watched:
        requester.request(SelectContracts(symbols=(plan.symbol,)))
    host.start_trading()
    if not host.wait_trading(READY_S):
        logs_at = plan.settings.paths.logs
        raise ChildError(f"the trading processes were not ready within {READY_S:g} s; their logs are in {logs_at}")


def _aside(host: Host) -> dict[str, int]:
    """Child processes that guard nothing, as far as they run."""
    return {name: pid for name in ("recorder",) if (pid := host.pid(name))}


class _Window:
    """Answers the drill's requests, one after the other."""

    def __init__(self, host: Host, requester: Requester, trap: Trap, symbol: str) -> None:
        self._host, self._requester, self._trap = host, requester, trap
        self._symbol = symbol

    def serve(self, pipe: Connection) -> None:
        """Until it is asked to stop; without the drill it has no reason to live."""
        while True:
            try:
                request = pipe.recv()
            except (EOFError, OSError):
                os._exit(ORPHANED)
            if isinstance(request, Stop):
                return
            try:
                answer = self._answer(request)
            except EngineError as error:
                answer = Failed(str(error))
            pipe.send(answer)

    def _answer(self, request: object) -> object:
        match request:
            case Ask(body=body):
                return self._requester.request(body)
            case Probe(conditions=wanted):
                return self._on_gateway(lambda: self._probed(wanted))
            case Arm(point=point, count=count, process=name):
                victim = functools.partial(self._host.pid, name) if name else os.getpid
                return self._on_gateway(lambda: self._trap.arm(point, count, victim)) or Done()
            case FillDisk(is_full=is_full):
                pages = _FULL_PAGES if is_full else None
                return self._on_gateway(lambda: self._host.gateway.ledger.limit_pages(pages)) or Done()
        return Done()

    def _on_gateway(self, look: Callable[[], Any]) -> Any:
        """Runs something on the gateway's thread and waits for it."""
        done = threading.Event()
        found: list[Any] = []

        def run() -> None:
            try:
                found.append(look())
            finally:
                done.set()

        self._host.gateway.call(run)
        if not done.wait(_ANSWER_S):
            raise ChildError(f"the gateway did not answer within {_ANSWER_S:g} s")
        return found[0] if found else None

    def _probed(self, wanted: tuple[str, ...]) -> Probed:
        host, state = self._host, self._host.gateway.state
        tick = host.gateway.ticks.last_tick(self._symbol)
        return Probed(
            pids={name: host.pid(name) for name in host.child_names} | _aside(host),
            is_trading=host.is_trading,
            conditions={key: state.conditions[key] for key in wanted if key in state.conditions},
            open_orders=tuple(order for order in state.orders.values() if not order.status.is_final),
            net={symbol: item.net for (_, symbol), item in state.positions.items()},
            links={name: link.state for name, link in host.gateway.journal.links.items()},
            halt=state.halt,
            last_price=tick.price if tick else 0,
            trapped=self._trap.killed,
        )
