"""What the main process runs besides its window: gateway, telemetry proxy, supervisor and the keys of the run.

Used by the terminal's composition root and by the headless commands; knows no Qt.
"""

import contextlib
import functools
import gc
from datetime import datetime
from pathlib import Path
from typing import Final

from engine import logs
from engine.brokers.base import Broker
from engine.gateway.gateway import Gateway
from engine.gateway.points import OnPoint
from engine.model.guard import GuardFault
from engine.model.instrument import Instrument, instrument
from engine.model.position import Account
from engine.model.session import TAIPEI, TradingCalendar
from engine.nodes import executor, recorder, scanner, strategy
from engine.settings import Settings
from engine.storage.places import StorePlace, drop_old, place_of
from engine.strategies.runner import SupportResistance, share_of
from engine.supervision.child import ChildContext
from engine.supervision.hearing import Hearing
from engine.supervision.process import ChildSpec
from engine.supervision.proxy import TelemetryProxy
from engine.supervision.supervisor import Supervisor
from engine.wire.keys import ClientKeys, Role, RunKeys
from engine.wire.messages import Family, ProcessState, ProcessStatus
from engine.wire.sockets import Publisher, tcp
from engine.wire.zap import Doorkeeper

log = logs.get(__name__)

EXECUTOR: Final = "executor"
RECORDER: Final = "recorder"
SCANNER: Final = "scanner"


class Host:
    """The engine of one run, for one login.

    Args:
        settings: of the run.
        broker: logged in.
        accounts: the order accounts of the login.
        ledger_path: the ledger file.
        strategies: further strategies by process name; each factory must be importable by a spawned child.
        on_point: see :class:`engine.gateway.gateway.Gateway`.
        store: the market store; None = the one that belongs to the broker's world.

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
        store: StorePlace | None = None,
    ) -> None:
        self.settings, self.broker = settings, broker
        self.store = store or place_of(broker.environment, settings.paths.store, ledger_path.stem)
        self._history = ""
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
            self._coverage = self._telemetry("gateway")
            opened.callback(self._coverage.close)
            self.gateway = Gateway(
                settings,
                broker,
                accounts,
                calendar=self.calendar,
                instruments=self.instrument,
                ledger_path=ledger_path,
                keys=binder,
                telemetry=self._coverage,
                guard_fault=self.guard_fault,
                on_point=on_point,
            )
            opened.pop_all()
        self.telemetry_endpoint = self._proxy.outward
        self._statuses: Publisher | None = None
        self._given_up: set[str] = set()
        self._has_begun = False
        self._supervisor = Supervisor(settings, self._on_status, gateway_pulsed=lambda: self.gateway.pulsed)
        self._hearing = Hearing(
            self.telemetry_endpoint,
            wire=settings.wire,
            keys=self.client_keys(Role.WINDOW),
            on_beat=lambda beat: self._supervisor.heartbeat(beat.node, beat.pid, beat.ts_last_work),
        )

    def _telemetry(self, source: str) -> Publisher:
        """A publisher of telemetry."""
        keys = self.client_keys(Role.WINDOW)
        return Publisher(self._proxy.inward, source=source, wire=self.settings.wire, keys=keys, bind=False)

    # --- life ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begins to take the feed and commands, to record and to scan; no trading process yet."""
        gc.collect()  # garbage must not be kept for ever
        gc.freeze()  # what is built by now is here to stay; collecting garbage need not look at it again
        self._hearing.start()
        self.gateway.start()
        if self.settings.store.recorder:
            drop_old(self.store)
            self._supervisor.start(ChildSpec(RECORDER, recorder.main, self._recorder_context, is_aside=True))
        if self.settings.scanner.enabled:
            self._supervisor.start(ChildSpec(SCANNER, scanner.main, self._scanner_context, is_aside=True))

    def start_trading(self) -> None:
        """Spawns executor and strategy processes; conditions are watched once they are ready."""
        names = self.strategy_names
        self.gateway.call(self.gateway.begin_trading)
        self.gateway.set_pacers(frozenset(names))
        self._has_begun = True
        self._supervisor.start(
            ChildSpec(EXECUTOR, executor.main, functools.partial(self._executor_context, EXECUTOR)),
            *(
                ChildSpec(name, strategy.main, functools.partial(self._strategy_context, name, factory))
                for name, factory in self._factories().items()
            ),
        )

    def start_again(self, name: str) -> None:
        """A person starts a child process that was given up."""
        self._supervisor.start_again(name)

    def stop_trading(self, reason: str = "a person pressed Stop") -> bool:
        """Stops the trading processes; orders and positions stay as they are, nothing watches them any more.

        Returns:
            Whether all have ended; which one has not is told as its status and in the log.
        """
        self._has_begun = False
        self.gateway.set_pacers(frozenset())
        return self._supervisor.stop(reason, self.child_names)

    def close(self) -> bool:
        """Stops everything; the ledger holds what happened.

        Returns:
            Whether all child processes have ended; which one has not is in the log.
        """
        self._has_begun = False
        ended = False
        with contextlib.ExitStack() as ending:  # whatever fails, the rest is closed
            ending.callback(gc.unfreeze)  # the next login's freeze must not keep this run's objects for ever
            if self._door:
                ending.callback(self._door.close)
            ending.callback(self._proxy.close)
            ending.callback(self._coverage.close)
            ending.callback(self._hearing.close)
            ending.callback(self.gateway.close)
            self.gateway.set_pacers(frozenset())
            ended = self._supervisor.close()
            if self._statuses is not None and not self._supervisor.is_running:
                self._statuses.close()  # it belongs to the supervisor's thread
        return ended

    # --- facts ---------------------------------------------------------------------------------------------------

    @property
    def strategy_names(self) -> tuple[str, ...]:
        """Names of all strategy processes."""
        return tuple(self._factories())

    @property
    def child_names(self) -> tuple[str, ...]:
        """Names of all trading processes, in the order of their start."""
        return (EXECUTOR, *self.strategy_names)

    @property
    def history_endpoint(self) -> str:
        """Where questions about history are answered; empty while there is none."""
        state = self._supervisor.state(RECORDER)
        is_gone = state in (ProcessState.GAVE_UP, ProcessState.STOPPED)
        return "" if is_gone else self._supervisor.facts(RECORDER).get("endpoint", "")

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

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Counters of each child's last heartbeat."""
        return self._hearing.counts

    def total(self, counter: str, prefix: str = "strategy") -> int:
        """A counter summed over all processes whose name begins with ``prefix``, over their restarts."""
        return self._hearing.total(counter, prefix)

    def guard_fault(self, condition_id: str) -> GuardFault:
        """What is wrong with the processes that guard a condition; any thread, costs microseconds."""
        if not self._has_begun:
            return GuardFault.NOT_STARTED
        if not all(self._supervisor.is_well(name) for name in self._owners(condition_id)):
            return GuardFault.STRATEGY_DOWN
        return GuardFault.NONE if self._supervisor.is_well(EXECUTOR) else GuardFault.EXECUTOR_DOWN

    def _owners(self, condition_id: str) -> tuple[str, ...]:
        """The strategy processes that may own a condition: one of this program's own, otherwise any."""
        count = self.settings.strategy.processes
        if count:
            return (_own_name(share_of(condition_id, count)),)
        return self.strategy_names or (_own_name(0),)

    def instrument(self, symbol: str) -> Instrument:
        """The instrument of a symbol, its year resolved near the market's present day."""
        today = datetime.fromtimestamp(self.broker.clock.now_ns() / 1e9, TAIPEI).date()
        return instrument(symbol, near=today, calendar=self.calendar)

    # --- children ------------------------------------------------------------------------------------------------

    def _factories(self) -> dict[str, strategy.StrategyFactory]:
        count = self.settings.strategy.processes
        own: dict[str, strategy.StrategyFactory] = {
            _own_name(index): functools.partial(
                SupportResistance,
                index,
                count,
                calendar=self.calendar,
                flatten_before_close_s=self.settings.guard.flatten_before_close_s,
            )
            for index in range(count)
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

    def _recorder_context(self) -> ChildContext:
        self._history = self._supervisor.facts(RECORDER).get("endpoint", self._history)
        return ChildContext(
            name=RECORDER,
            settings=self.settings,
            keys=self.client_keys(Role.RECORDER),
            binder=self._keys.binder() if self.settings.wire.encrypted else None,
            market=self.gateway.market_endpoint,
            commands=self.gateway.commands_endpoint,
            telemetry=self._proxy.inward,
            extra={"store": self.store, "calendar": self.calendar, "history": self._history},
        )

    def _history_place(self) -> str:
        """Where a child may ask about history, also of a recorder that is not ready yet; empty = nowhere."""
        ends = self.settings.endpoints
        usual = tcp(ends.host, ends.history) if self.settings.store.recorder and ends.history else ""
        return self.history_endpoint or usual

    def _scanner_context(self) -> ChildContext:
        return ChildContext(
            name=SCANNER,
            settings=self.settings,
            keys=self.client_keys(Role.SCANNER),
            market=self.gateway.market_endpoint,
            commands=self.gateway.commands_endpoint,
            telemetry=self._proxy.inward,
            extra={"calendar": self.calendar, "history": self._history_place()},
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
            extra={"strategy": factory, "history": self._history_place()},
        )

    def _on_status(self, status: ProcessStatus) -> None:
        """Supervisor's thread: tells the window, and keeps a replay from waiting for who was given up."""
        self._pace(status)
        if self._statuses is None:
            self._statuses = self._telemetry("supervisor")
        self._statuses.publish(f"telemetry.process.{status.node}", status, family=Family.TELEMETRY)

    def _pace(self, status: ProcessStatus) -> None:
        before = set(self._given_up)
        if status.state is ProcessState.GAVE_UP:
            self._given_up.add(status.node)
        else:
            self._given_up.discard(status.node)
        if self._given_up != before and self._has_begun:
            self.gateway.set_pacers(frozenset(set(self.strategy_names) - self._given_up))


def _own_name(share: int) -> str:
    """The process that runs a share of the conditions."""
    return f"strategy-{share + 1}"
