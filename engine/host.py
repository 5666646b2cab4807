"""What the main process runs besides its window: gateway, telemetry proxy, supervisor and the keys of the run.

Used by the terminal's composition root and by the headless commands; knows no Qt.
"""

import contextlib
import functools
import gc
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

from engine import logs
from engine.brokers.base import Broker
from engine.gateway.gateway import Gateway
from engine.gateway.points import OnPoint
from engine.model.instrument import Instrument, instrument
from engine.model.position import Account
from engine.model.session import TAIPEI, TradingCalendar
from engine.nodes import executor, strategy
from engine.settings import Settings
from engine.strategies.support_resistance import SupportResistance
from engine.supervision.child import ChildContext
from engine.supervision.proxy import TelemetryProxy
from engine.supervision.supervisor import ChildSpec, Supervisor
from engine.wire.keys import ClientKeys, Role, RunKeys
from engine.wire.messages import Family, Heartbeat, ProcessState, ProcessStatus
from engine.wire.sockets import Publisher, Subscriber
from engine.wire.zap import Doorkeeper

log = logs.get(__name__)

EXECUTOR: Final = "executor"


class Host:
    """The engine of one run, for one login.

    Args:
        settings: of the run.
        broker: logged in.
        accounts: the order accounts of the login.
        ledger_path: the ledger file.
        strategies: further strategies by process name; each factory must be importable by a spawned child.
        on_point: see :class:`engine.gateway.gateway.Gateway`.

    Raises:
        LedgerError: the ledger cannot be used.
        WireError: a port is taken; nothing is left open.
    """

    def __init__(
        self,
        settings: Settings,
        broker: Broker,
        accounts: tuple[Account, ...],
        ledger_path: Path,
        *,
        calendar: TradingCalendar | None = None,
        strategies: dict[str, strategy.StrategyFactory] | None = None,
        on_point: OnPoint | None = None,
    ) -> None:
        self.settings, self.broker = settings, broker
        self.calendar = calendar or TradingCalendar(settings.market.closed_days, settings.market.opened_days)
        self._keys = RunKeys.make(settings.wire.reader_keys)
        self._extra = dict(strategies or {})
        self._signals = ""
        binder = self._keys.binder() if settings.wire.encrypted else None
        with contextlib.ExitStack() as opened:
            self._door = Doorkeeper(binder.roles) if binder else None
            if self._door:
                opened.callback(self._door.close)
            self._proxy = TelemetryProxy(settings, binder)
            opened.callback(self._proxy.close)
            self.gateway = Gateway(
                settings,
                broker,
                accounts,
                calendar=self.calendar,
                instruments=self.instrument,
                ledger_path=ledger_path,
                keys=binder,
                on_point=on_point,
            )
            opened.pop_all()
        self.telemetry_endpoint = self._proxy.outward
        self.counts: dict[str, dict[str, int]] = {}
        """Counters of each child's last heartbeat, summed over its restarts."""
        self._before: dict[str, tuple[int, dict[str, int]]] = {}
        self._statuses: Publisher | None = None
        self._supervisor = Supervisor(settings, self._on_status)
        self._stop = threading.Event()
        self._ear = threading.Thread(target=self._listen, name="heartbeats", daemon=True)

    # --- life ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begins to take the feed and commands; no child process yet."""
        gc.freeze()  # what is built by now is here to stay; collecting garbage need not look at it again
        self._ear.start()
        self.gateway.start()

    def start_trading(self) -> None:
        """Spawns executor and strategy processes; conditions are watched once they are ready."""
        names = self.strategy_names
        self.gateway.call(self.gateway.begin_trading)
        self.gateway.set_pacers(frozenset(names))
        self._supervisor.start(
            ChildSpec(EXECUTOR, executor.main, functools.partial(self._executor_context, EXECUTOR)),
            *(
                ChildSpec(name, strategy.main, functools.partial(self._strategy_context, name, factory))
                for name, factory in self._factories().items()
            ),
        )

    def stop_trading(self, reason: str = "a person pressed Stop") -> None:
        """Stops the child processes; orders and positions stay as they are, nothing watches them any more."""
        self.gateway.set_pacers(frozenset())
        self._supervisor.stop(reason)

    def close(self) -> None:
        """Stops everything; the ledger holds what happened."""
        with contextlib.ExitStack() as ending:  # whatever fails, the rest is closed
            if self._door:
                ending.callback(self._door.close)
            ending.callback(self._proxy.close)
            ending.callback(self._stop_listening)
            ending.callback(self.gateway.close)
            self.gateway.set_pacers(frozenset())
            self._supervisor.close()
            if self._statuses is not None:
                self._statuses.close()  # its thread, the supervisor's, has ended

    def _stop_listening(self) -> None:
        self._stop.set()
        if self._ear.is_alive():
            self._ear.join(2)

    # --- facts ---------------------------------------------------------------------------------------------------

    @property
    def strategy_names(self) -> tuple[str, ...]:
        """Names of all strategy processes."""
        return tuple(self._factories())

    @property
    def child_names(self) -> tuple[str, ...]:
        """Names of all child processes, in the order of their start."""
        return (EXECUTOR, *self.strategy_names)

    def client_keys(self, role: Role) -> ClientKeys | None:
        """Keys of a connecting part of this role; None where sockets are not encrypted."""
        return self._keys.client(role) if self.settings.wire.encrypted else None

    @property
    def server_key(self) -> str:
        """The public key of this run's servers, which a foreign reader needs."""
        return self._keys.server.public.decode("ascii")

    @property
    def is_trading(self) -> bool:
        """All child processes are ready."""
        return all(self._supervisor.state(name) is ProcessState.READY for name in self.child_names)

    def wait_trading(self, timeout_s: float) -> bool:
        """Waits until all child processes are ready."""
        return self._supervisor.wait_ready(set(self.child_names), timeout_s)

    def pid(self, name: str) -> int:
        """Process id of a child, 0 if there is none."""
        return self._supervisor.pid(name)

    @property
    def restarts(self) -> int:
        """How often children were started again."""
        return self._supervisor.restarts

    def total(self, counter: str, prefix: str = "strategy") -> int:
        """A counter summed over all processes whose name begins with ``prefix``, over their restarts."""
        now = sum(counts.get(counter, 0) for name, counts in self.counts.items() if name.startswith(prefix))
        past = sum(counts.get(counter, 0) for name, (_, counts) in self._before.items() if name.startswith(prefix))
        return now + past

    def instrument(self, symbol: str) -> Instrument:
        """The instrument of a symbol, its year resolved near the market's present day."""
        today = datetime.fromtimestamp(self.broker.clock.now_ns() / 1e9, TAIPEI).date()
        return instrument(symbol, near=today, calendar=self.calendar)

    # --- children ------------------------------------------------------------------------------------------------

    def _factories(self) -> dict[str, strategy.StrategyFactory]:
        count = self.settings.strategy.processes
        own: dict[str, strategy.StrategyFactory] = {
            f"strategy-{index + 1}": functools.partial(SupportResistance, index, count) for index in range(count)
        }
        return own | self._extra

    def _executor_context(self, name: str) -> ChildContext:
        self._signals = self._supervisor.facts(name).get("endpoint", self._signals)
        encrypted = self.settings.wire.encrypted
        return ChildContext(
            name=name,
            settings=self.settings,
            keys=self.client_keys(Role.EXECUTOR),
            binder=self._keys.binder(Role.STRATEGY) if encrypted else None,
            commands=self.gateway.commands_endpoint,
            signals=self._signals,
            telemetry=self._proxy.inward,
            is_paced=self.broker.is_paced,
        )

    def _strategy_context(self, name: str, factory: strategy.StrategyFactory) -> ChildContext:
        self._signals = self._supervisor.facts(EXECUTOR).get("endpoint", self._signals)
        return ChildContext(
            name=name,
            settings=self.settings,
            keys=self.client_keys(Role.STRATEGY),
            market=self.gateway.market_endpoint,
            commands=self.gateway.commands_endpoint,
            signals=self._signals,
            telemetry=self._proxy.inward,
            is_paced=self.broker.is_paced,
            extra={"strategy": factory},
        )

    def _on_status(self, status: ProcessStatus) -> None:
        """Supervisor's thread: tells the window."""
        if self._statuses is None:
            self._statuses = Publisher(
                self._proxy.inward,
                source="supervisor",
                wire=self.settings.wire,
                keys=self.client_keys(Role.WINDOW),
                bind=False,
            )
        self._statuses.publish(f"telemetry.process.{status.node}", status, family=Family.TELEMETRY)
        if status.state is ProcessState.GAVE_UP and status.node in self.strategy_names:
            self.gateway.set_pacers(frozenset(set(self.strategy_names) - {status.node}))

    def _listen(self) -> None:
        """Hears the heartbeats of the children for the supervisor."""
        ear = Subscriber(
            self.telemetry_endpoint,
            ["telemetry.health."],
            wire=self.settings.wire,
            keys=self.client_keys(Role.WINDOW),
        )
        while not self._stop.is_set():
            found = ear.receive(100)
            if found is not None and isinstance(found[1].body, Heartbeat):
                self._heard(found[1].body)
        ear.close()

    def _heard(self, beat: Heartbeat) -> None:
        self._supervisor.heartbeat(beat.node, beat.pid)
        pid, past = self._before.setdefault(beat.node, (beat.pid, {}))
        if pid != beat.pid:
            last = self.counts.get(beat.node, {})
            past = {name: past.get(name, 0) + last.get(name, 0) for name in past.keys() | last.keys()}
            self._before[beat.node] = (beat.pid, past)
        self.counts[beat.node] = beat.counts
