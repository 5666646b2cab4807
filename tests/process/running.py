"""A running engine for tests: real sockets, real child processes, the simulated exchange or a replayed file."""

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from engine.brokers.base import Broker, Credentials
from engine.brokers.simulated import SimulatedExchange
from engine.errors import RequestRefused
from engine.host import Host
from engine.model.books import Difference
from engine.model.condition import Condition, ConditionAction, ConditionCommand, ConditionSpec, ConditionState
from engine.model.guard import Coverage
from engine.model.market import LinkState, LinkStatus
from engine.model.order import Fill, Order, OrderType, Side, SubmitOrder, TimeInForce
from engine.model.session import SessionKind, TradingCalendar
from engine.model.signal import SignalRefused
from engine.model.tick import Tick
from engine.nodes.strategy import StrategyFactory
from engine.settings import Risk, Scanner, Settings, Simulation, Store, with_free_ports
from engine.storage.places import StorePlace
from engine.timing import NS_PER_S
from engine.wire.keys import Role
from engine.wire.messages import GetSnapshot, ProcessState, ProcessStatus, SelectContracts, Snapshot
from engine.wire.sockets import Requester, Subscriber

DEADLINE_S = 15.0
CALENDAR = TradingCalendar()
SYMBOL = "TXFK4"
DAY = CALENDAR.session(date(2024, 11, 5), SessionKind.DAY)
NIGHT = CALENDAR.session(date(2024, 11, 5), SessionKind.NIGHT)


def until(condition: Callable[[], bool], what: str = "", deadline_s: float = DEADLINE_S) -> None:
    """Waits until it holds; fails after the deadline."""
    deadline = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what or condition}"
        time.sleep(0.002)


class Ear:
    """Hears a feed on a thread of its own and keeps everything."""

    def __init__(self, endpoint: str, topics: tuple[str, ...], host: Host) -> None:
        self.heard: list[tuple[str, Any, int]] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._args = (endpoint, topics, host)
        self._thread = threading.Thread(target=self._run, name="ear")
        self._thread.start()

    def _run(self) -> None:
        endpoint, topics, host = self._args
        socket = Subscriber(endpoint, topics, wire=host.settings.wire, keys=host.client_keys(Role.READER))
        while not self._stop.is_set():
            if (found := socket.receive(20)) is not None:
                with self._lock:
                    self.heard.append((found[0], found[1].body, found[1].seq))
        socket.close()

    def of(self, kind: type) -> list[Any]:
        """All messages of a type so far."""
        with self._lock:
            return [body for _, body, _ in self.heard if isinstance(body, kind)]

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


class Engine:
    """A host with what a test needs around it. Requests are a person's unless another role is named."""

    def __init__(self, host: Host, account: str) -> None:
        self.host, self.account = host, account
        self.feed = Ear(host.gateway.market_endpoint, ("",), host)
        self.telemetry = Ear(host.telemetry_endpoint, ("telemetry.process.", "telemetry.coverage."), host)
        self._requesters: dict[Role, Requester] = {}
        self._count = 0

    # --- asking ----------------------------------------------------------------------------------------------

    def requester(self, role: Role = Role.WINDOW) -> Requester:
        if role not in self._requesters:
            self._requesters[role] = Requester(
                self.host.gateway.commands_endpoint,
                source=f"test-{role}",
                wire=self.host.settings.wire,
                keys=self.host.client_keys(role),
            )
        return self._requesters[role]

    def ask(self, body: object, role: Role = Role.WINDOW) -> Any:
        """The answer to a request."""
        return self.requester(role).request(body)

    def refusal(self, body: object, role: Role = Role.WINDOW) -> str:
        """The code with which a request is refused; it must be."""
        try:
            answer = self.ask(body, role)
        except RequestRefused as refused:
            return refused.code
        raise AssertionError(f"it was not refused: {answer}")

    def snapshot(self) -> Snapshot:
        found: Snapshot = self.ask(GetSnapshot())
        return found

    # --- orders ----------------------------------------------------------------------------------------------

    def command(self, side: Side = Side.BUY, quantity: int = 1, **changes: Any) -> SubmitOrder:
        """A market order of a person, with a fresh id."""
        self._count += 1
        values: dict[str, Any] = {
            "client_order_id": f"TEST{self._count:06d}",
            "account": self.account,
            "symbol": SYMBOL,
            "order_type": OrderType.MARKET,
            "time_in_force": TimeInForce.IOC,
            "price": 0,
        }
        return SubmitOrder(side=side, quantity=quantity, **(values | changes))

    def limit(self, side: Side, price: int, quantity: int = 1, **changes: Any) -> SubmitOrder:
        """A resting limit order of a person."""
        life = {"order_type": OrderType.LIMIT, "time_in_force": TimeInForce.ROD, "price": price}
        return self.command(side, quantity, **(life | changes))

    def submit(self, command: SubmitOrder, role: Role = Role.WINDOW) -> Order:
        found: Order = self.ask(command, role)
        return found

    def order(self, client_order_id: str) -> Order:
        return next(order for order in self.snapshot().orders if order.client_order_id == client_order_id)

    def ended(self, order: Order) -> Order:
        """The order once it is final."""
        until(lambda: self.order(order.client_order_id).status.is_final, f"end of {order}")
        return self.order(order.client_order_id)

    def filled(self, order: Order) -> Order:
        """The order once it is filled."""
        done = self.ended(order)
        assert done.filled == done.quantity, done
        return done

    def net(self) -> int:
        return sum(position.net for position in self.snapshot().positions if position.symbol == SYMBOL)

    # --- conditions --------------------------------------------------------------------------------------------

    def put(self, condition_id: str, action: Side, trigger: int, *, arm: bool = True, **changes: Any) -> None:
        spec = ConditionSpec(
            condition_id=condition_id,
            account=self.account,
            symbol=SYMBOL,
            action=action,
            trigger_price=trigger,
            **changes,
        )
        self.ask(ConditionCommand(action=ConditionAction.PUT, condition_id=condition_id, spec=spec))
        if arm:
            self.ask(ConditionCommand(action=ConditionAction.ARM, condition_id=condition_id))

    def enter(self, condition_id: str, action: Side = Side.BUY, quantity: int = 1) -> None:
        """A condition that follows the price and so enters at its next turn, with its exits far away."""
        self.put(
            condition_id,
            action,
            self.last_price + action.sign * 50,
            turning_points=1,
            take_profit_points=2_000,
            stop_loss_points=2_000,
            quantity=quantity,
            following=True,
        )

    def tighten(self, condition_id: str) -> None:
        """Draws the exits of an entered condition together, so that it exits at the next move."""
        spec = replace(self.condition(condition_id).spec, take_profit_points=1, stop_loss_points=1)
        self.ask(ConditionCommand(action=ConditionAction.PUT, condition_id=condition_id, spec=spec))

    def reach(self, condition_id: str, state: ConditionState) -> None:
        """Waits until a condition is in a state."""
        until(lambda: self.condition(condition_id).state is state, f"{condition_id} {state}")

    def act(self, action: ConditionAction, condition_id: str) -> None:
        self.ask(ConditionCommand(action=action, condition_id=condition_id))

    def condition(self, condition_id: str) -> Condition:
        return next(item for item in self.snapshot().conditions if item.condition_id == condition_id)

    # --- facts -------------------------------------------------------------------------------------------------

    @property
    def last_price(self) -> int:
        until(lambda: self.host.gateway.ticks.last_tick(SYMBOL) is not None, "a first tick")
        tick = self.host.gateway.ticks.last_tick(SYMBOL)
        assert tick is not None
        return tick.price

    def link_states(self, link: str) -> list[LinkState]:
        """The states that a link went through, as told."""
        return [status.state for status in self.feed.of(LinkStatus) if status.link == link]

    def life_of(self, node: str) -> list[ProcessStatus]:
        """What the supervisor told of a process."""
        return [status for status in self.telemetry.of(ProcessStatus) if status.node == node]

    def states_of(self, node: str) -> list[ProcessState]:
        return [status.state for status in self.life_of(node)]

    def coverage(self) -> Coverage | None:
        """The last word on what guards the position, None before the first."""
        found: list[Coverage] = [item for item in self.telemetry.of(Coverage) if item.symbol == SYMBOL]
        return found[-1] if found else None

    def differences(self) -> tuple[Difference, ...]:
        """Where our books and the broker's differ."""
        return self.snapshot().differences

    def refused_signals(self) -> list[SignalRefused]:
        return self.feed.of(SignalRefused)

    def fills(self) -> list[Fill]:
        return self.feed.of(Fill)

    def ticks(self) -> list[Tick]:
        return self.feed.of(Tick)

    def close(self) -> None:
        for requester in self._requesters.values():
            requester.close()
        self.feed.close()
        self.telemetry.close()
        self.host.close()


def settings_for_tests(**changes: Any) -> Settings:
    """Any free port, orders as fast as a test gives them, no recorder and no scanner; other sections as given."""
    changes.setdefault("risk", Risk(duplicate_window_s=0.0))
    changes.setdefault("store", Store(recorder=False))
    changes.setdefault("scanner", Scanner(enabled=False))
    return with_free_ports(dataclasses.replace(Settings(), **changes))


@contextmanager
def running(
    broker: Broker,
    folder: Path,
    settings: Settings,
    *,
    trading: bool = False,
    strategies: dict[str, StrategyFactory] | None = None,
    store: StorePlace | None = None,
    selected: tuple[str, ...] = (SYMBOL,),
) -> Iterator[Engine]:
    """An engine over any broker."""
    accounts = broker.login(Credentials(user="test"))
    host = Host(
        settings,
        broker,
        accounts,
        folder / "ledger.sqlite",
        calendar=CALENDAR,
        strategies=strategies,
        store=store,
    )
    engine = Engine(host, accounts[0].account)
    try:
        host.start()
        engine.ask(SelectContracts(symbols=selected))
        until(lambda: host.gateway.reconciler.is_complete, "a first comparison with the broker")
        if trading:
            host.start_trading()
            assert host.wait_trading(DEADLINE_S)
        yield engine
    finally:
        engine.close()


@contextmanager
def simulated(
    folder: Path,
    *,
    settings: Settings | None = None,
    simulation: Simulation | None = None,
    trading: bool = False,
    at_night: bool = False,
    strategies: dict[str, StrategyFactory] | None = None,
    store: StorePlace | None = None,
) -> Iterator[Engine]:
    """An engine on the simulated exchange, an hour into a session, after the first trade."""
    settings = dataclasses.replace(
        settings or settings_for_tests(), simulation=simulation or Simulation(speed=5.0, latency_ms=1.0)
    )
    start_ns = (NIGHT if at_night else DAY).open_ns + 3600 * NS_PER_S
    broker = SimulatedExchange(settings.simulation, CALENDAR, start_ns)
    with running(broker, folder, settings, trading=trading, strategies=strategies, store=store) as engine:
        until(lambda: bool(engine.ticks()), "a first trade on the feed")
        yield engine
