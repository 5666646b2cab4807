"""Nodes that misbehave, and a strategy of its own kind: what spawned children of the process tests run."""

import os
import signal
import sys
import threading
from collections.abc import Iterable

from engine.model.condition import Condition
from engine.model.order import Order, Side
from engine.model.signal import Leg, Signal, signal_id
from engine.model.tick import Tick
from engine.strategies.base import NOTHING, Decision
from engine.supervision.child import Child


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
    from engine.wire.sockets import Poller

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
        signal_made = Signal(
            signal_id=signal_id("third", leg, 1),
            condition_id="third",
            leg=leg,
            attempt=1,
            account=self._account,
            symbol=tick.symbol,
            side=side,
            quantity=1,
            price=tick.price,
            tick_seq=tick.seq,
            ts_event=tick.ts_event,
        )
        return Decision(signals=(signal_made,))

    def on_event(self, event: object) -> Decision:
        return NOTHING

    def symbols(self) -> frozenset[str]:
        return frozenset({self._symbol})
