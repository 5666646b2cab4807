"""Nodes that misbehave, and a strategy of its own kind: what spawned children of the process tests run."""

import itertools
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path

from engine.errors import EngineError
from engine.model.condition import Condition
from engine.model.order import Order, Side
from engine.model.session import TAIPEI
from engine.model.signal import Leg, Signal, signal_id
from engine.model.tick import Tick
from engine.settings import Wire
from engine.strategies.base import NOTHING, Decision
from engine.supervision.child import Child
from engine.wire.keys import ClientKeys
from engine.wire.messages import GetTicks, Pulse, Ticks
from engine.wire.sockets import Poller, Requester, Subscriber


def tells_modules(child: Child) -> None:
    """Says which modules it has loaded, with the nodes of the product imported."""
    import engine.nodes.executor
    import engine.nodes.strategy
    import engine.strategies.support_resistance  # noqa: F401

    loaded = sorted({name.split(".")[0] for name in sys.modules})
    child.ready(modules=",".join(loaded), pid=str(os.getpid()))
    _wait_for_stop(child)


def good(child: Child) -> None:
    """Lives until it is asked to stop."""
    child.ready(pid=str(os.getpid()))
    _wait_for_stop(child)


def silent(child: Child) -> None:
    """Never says that it is ready."""
    _wait_for_stop(child)


def crashes(child: Child) -> None:
    """Dies at once."""
    raise RuntimeError("as the test wants it")


def cannot_go_on(child: Child) -> None:
    """Meets trouble that the program knows."""
    raise EngineError("the port is taken; choose another")


def needs_a_file(child: Child) -> None:
    """Dies unless the file exists that its context names."""
    if not Path(child.context.extra["file"]).exists():
        raise EngineError("the file is missing")
    good(child)


def works(child: Child) -> None:
    """Does its work until it is asked to stop."""
    child.ready()
    _beat_until_stop(child, lambda count: child.telemetry.worked())


def stops_working(child: Child) -> None:
    """Lives and says so, but does its work no more after a while."""
    child.ready()
    _beat_until_stop(child, lambda count: child.telemetry.worked() if count < 10 else None)


def _beat_until_stop(child: Child, work: Callable[[int], None]) -> None:
    poller = Poller(child.stopping)
    for count in itertools.count():
        poller.wait(10)
        if child.is_stopping:
            return
        work(count)
        child.telemetry.count("looks")
        child.telemetry.beat()


def dies_after_ready(child: Child) -> None:
    """Says that it is ready and dies."""
    child.ready()
    os._exit(3)


def deaf(child: Child) -> None:
    """Ignores the stop request, and ends at a signal."""
    child.ready()
    threading.Event().wait()


def deaf_and_stubborn(child: Child) -> None:
    """Ignores the stop request and SIGTERM."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child.ready()
    while True:
        threading.Event().wait(3600)


def _wait_for_stop(child: Child) -> None:
    poller = Poller(child.stopping)
    while not child.is_stopping:
        poller.wait(100)
        child.telemetry.beat()


class EveryThird:
    """A second strategy: buys a lot at its third tick, sells it at its sixth, and knows no condition."""

    def __init__(self, account: str, symbol: str) -> None:
        self._account, self._symbol = account, symbol
        self._ticks = 0

    def restore(self, conditions: Iterable[Condition], orders: Iterable[Order]) -> Decision:
        return NOTHING

    def on_tick(self, tick: Tick) -> Decision:
        self._ticks += 1
        if self._ticks not in (3, 6):
            return NOTHING
        leg, side = (Leg.ENTRY, Side.BUY) if self._ticks == 3 else (Leg.TAKE_PROFIT, Side.SELL)
        return Decision(signals=(_signal("third", leg, side, self._account, tick),))

    def on_event(self, event: object) -> Decision:
        return NOTHING

    def symbols(self) -> frozenset[str]:
        return frozenset({self._symbol})


class Contiguous:
    """Dies at a hole in the numbers of the ticks, and gives a signal when it has seen enough without one."""

    def __init__(self, account: str, symbol: str, enough: int) -> None:
        self._account, self._symbol, self._enough = account, symbol, enough
        self._last = self._count = 0

    def restore(self, conditions: Iterable[Condition], orders: Iterable[Order]) -> Decision:
        return NOTHING

    def on_tick(self, tick: Tick) -> Decision:
        if self._last and tick.seq != self._last + 1:
            raise ValueError(f"tick {tick.seq} after {self._last}")
        self._last = tick.seq
        self._count += 1
        if self._count != self._enough:
            return NOTHING
        return Decision(signals=(_signal("contiguous", Leg.ENTRY, Side.BUY, self._account, tick),))

    def on_event(self, event: object) -> Decision:
        return NOTHING

    def symbols(self) -> frozenset[str]:
        return frozenset({self._symbol})


def _signal(name: str, leg: Leg, side: Side, account: str, tick: Tick) -> Signal:
    return Signal(
        signal_id=signal_id(name, leg, 1),
        condition_id=name,
        leg=leg,
        attempt=1,
        account=account,
        symbol=tick.symbol,
        side=side,
        quantity=1,
        price=tick.price,
        tick_seq=tick.seq,
        ts_event=tick.ts_event,
    )


def listens(
    endpoint: str, commands: str, symbol: str, wire: Wire, keys: ClientKeys, high_water: int, pipe: Connection
) -> None:
    """A reader in a process of its own: adds the sessions up from the feed, repairing what it missed.

    Says "ready" once it is subscribed, then begins to read at the word of the other side, which tells how many
    ticks there will be; at the end it sends how many gaps it saw, whether every number came once and in order,
    and by session open, high, low, close and lots.
    """
    feed = Subscriber(endpoint, ("tick.", "pulse"), wire=wire, keys=keys, high_water=high_water)
    requester = Requester(commands, source="reader", wire=wire, keys=keys)
    feed.receive(5_000)
    pipe.send("ready")
    total: int = pipe.recv()
    ticks: list[Tick] = []
    gaps = 0
    while len(ticks) < total:
        found = feed.receive(1_000)
        body = found[1].body if found else None
        last = ticks[-1].seq if ticks else 0
        if isinstance(body, Tick) and body.seq == last + 1:
            ticks.append(body)
        elif (isinstance(body, Tick) and body.seq > last) or (isinstance(body, Pulse) and body.position > last):
            gaps += 1
            ticks += _missed(requester, symbol, last)
    feed.close()
    requester.close()
    pipe.send((gaps, [tick.seq for tick in ticks] == list(range(1, len(ticks) + 1)), _sessions(ticks)))


def _missed(requester: Requester, symbol: str, last: int) -> list[Tick]:
    found: list[Tick] = []
    while True:
        page: Ticks = requester.request(GetTicks(symbol=symbol, after_seq=last, limit=20_000))
        found += page.ticks
        if page.is_complete or not page.ticks:
            return found
        last = page.ticks[-1].seq


def _sessions(ticks: list[Tick]) -> dict[str, tuple[int, ...]]:
    by_name: dict[str, list[Tick]] = {"night": [], "day": []}
    for tick in ticks:
        hour = datetime.fromtimestamp(tick.ts_event / 1e9, TAIPEI).hour
        by_name["day" if 8 <= hour < 14 else "night"].append(tick)
    return {
        name: (
            found[0].price,
            max(tick.price for tick in found),
            min(tick.price for tick in found),
            found[-1].price,
            sum(tick.quantity for tick in found),
        )
        for name, found in by_name.items()
        if found
    }
