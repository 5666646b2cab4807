"""The fault classes of a drill, by name.

A new class is one more entry of :data:`FAULTS`; one that is about a process names it, and is left out where the
program has no such process.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from engine.brokers.faults import Reply
from engine.drill.fault import Fault
from engine.drill.line_faults import Duplicated, LateFills, LostReply, PartialFills, Reordered
from engine.drill.outages import DroppedLink, FullDisk, StaleFeed
from engine.drill.process_faults import (
    DeadAtPoint,
    DeadProgram,
    FrozenProcess,
    FrozenProgram,
    KilledAtPoint,
    ProcessFault,
)
from engine.gateway.points import Point


@dataclass(frozen=True, slots=True)
class FaultClass:
    """A kind of fault.

    Attributes:
        name: of one word, for the report.
        text: what it does, for people.
        make: makes the fault of one run, of its draw and the number of its round.
        process: the child process that it needs, empty where it needs none.
        is_simulated: only the simulated exchange can do it.
    """

    name: str
    text: str
    make: Callable[[random.Random, int], Fault]
    process: str = ""
    is_simulated: bool = False


def _killed(name: str, process: str) -> FaultClass:
    text = f"the {name} process is killed"
    return FaultClass(f"kill_{name}", text, lambda draw, turn: ProcessFault(draw, process), process)


def _killed_in_turn(name: str, process: str) -> FaultClass:
    points = tuple(Point)
    return FaultClass(
        f"kill_{name}_at_points",
        f"the {name} process is killed at each point of an order's life in turn",
        lambda draw, turn: KilledAtPoint(draw, process, points[turn % len(points)]),
        process,
    )


def _frozen(name: str, process: str) -> FaultClass:
    text = f"the {name} process freezes"
    return FaultClass(f"freeze_{name}", text, lambda draw, turn: FrozenProcess(draw, process), process)


def _killed_at(point: Point, text: str) -> FaultClass:
    name, text = f"kill_main_{point}", f"the main process is killed {text}"
    return FaultClass(name, text, lambda draw, turn: DeadAtPoint(draw, point))


def _simple(
    name: str, text: str, kind: Callable[[random.Random], Fault], *, is_simulated: bool = False
) -> FaultClass:
    return FaultClass(name, text, lambda draw, turn: kind(draw), is_simulated=is_simulated)


def _lost(name: str, text: str, reply: Reply) -> FaultClass:
    return FaultClass(name, text, lambda draw, turn: LostReply(draw, reply))


FAULTS: Final = (
    _killed("strategy", "strategy-1"),
    _killed("executor", "executor"),
    _killed("recorder", "recorder"),
    _killed_in_turn("strategy", "strategy-1"),
    _killed_in_turn("executor", "executor"),
    _killed_in_turn("recorder", "recorder"),
    _simple("kill_main", "the main process is killed at a random moment", DeadProgram),
    _killed_at(Point.APPROVED, "before an intent is written"),
    _killed_at(Point.INTENT_DURABLE, "after an intent, before the broker is called"),
    _killed_at(Point.CALLED, "after the call, before its outcome is written"),
    _killed_at(Point.RECORDED, "after a reply is written, before it is published"),
    _killed_at(Point.FILL_RECORDED, "after a fill is written, before it is published"),
    _lost("lost_reply_alive", "an order's answer is lost, the order lives", Reply.LOST_ALIVE),
    _lost("lost_reply_dead", "an order and its answer are lost", Reply.LOST_DEAD),
    _simple("duplicated", "reports and fills are told twice", Duplicated),
    _simple("reordered", "reports and fills overtake each other", Reordered),
    _simple("partial_fills", "orders are filled in part", PartialFills, is_simulated=True),
    _simple("late_fills", "fills come after the end of their order", LateFills),
    _simple("link_drop", "the link to the exchange drops", DroppedLink),
    _simple("stale_feed", "the feed falls silent", StaleFeed),
    _frozen("strategy", "strategy-1"),
    _frozen("executor", "executor"),
    _frozen("recorder", "recorder"),
    _simple("freeze_main", "the main process freezes for a moment", FrozenProgram),
    _simple("full_disk", "the ledger's disk is full", FullDisk),
)
"""All fault classes, in the order of the report."""
