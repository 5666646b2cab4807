"""What a strategy is to the process that runs it.

A strategy knows no clock, socket or thread: it is told ticks and events and answers with decisions, which the
strategy node performs. A new strategy implements :class:`Strategy` and is named at spawn; nothing else changes.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from engine.model.condition import Condition, ConditionCommand, ConditionExecution, Transition
from engine.model.order import Order
from engine.model.signal import Signal, SignalRefused
from engine.model.tick import Tick


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a strategy wants done after one input.

    Attributes:
        signals: to be sent to the executor until each is acknowledged.
        conditions: those that changed, to be reported to the gateway.
        transitions: the changes of state among them.
    """

    signals: tuple[Signal, ...] = ()
    conditions: tuple[Condition, ...] = ()
    transitions: tuple[Transition, ...] = ()


NOTHING = Decision()


class Strategy(Protocol):
    """Ticks and events in, decisions out. Deterministic: the same inputs give the same decisions."""

    def restore(self, conditions: Iterable[Condition], orders: Iterable[Order]) -> Decision:
        """Begins (again) from what the ledger knows; called before anything else."""

    def on_tick(self, tick: Tick) -> Decision:
        """A trade print; each number once and in order."""

    def on_event(self, event: ConditionCommand | ConditionExecution | SignalRefused) -> Decision:
        """A person's command, a change of an order of this strategy, or a refused signal."""

    def symbols(self) -> frozenset[str]:
        """Contracts whose ticks it wants now."""


@runtime_checkable
class Timed(Protocol):
    """A strategy that is also told the time where no tick tells it: once a second, never in a paced market."""

    def on_time(self, now_ns: int) -> Decision:
        """Market time has come so far, ns UTC."""
