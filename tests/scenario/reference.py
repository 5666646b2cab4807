"""Section 6 of the architecture and the replay's fill rule, written down once more as plain loops.

Shares no code with the engine on purpose: it reads the daily file itself and works with dicts and tuples.
"""

import csv
import io
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DAY_CAP, NIGHT_CAP = 10, 5


@dataclass
class Guard:
    """One condition."""

    number: int
    table: dict[str, Any]
    state: str = "armed"
    trigger: int = 0
    entered: int = 0
    exited: int = 0
    best: int = 0
    attempt: int = 0
    entry_done: bool = False
    exit_order: "Working | None" = None
    leg: str = ""

    def __post_init__(self) -> None:
        self.trigger = self.table["trigger_price"]

    @property
    def name(self) -> str:
        return f"c{self.number}"

    @property
    def sign(self) -> int:
        return 1 if self.table["action"] == "buy" else -1


@dataclass
class Working:
    """A market order: it trades with print after print until it is filled."""

    guard: Guard
    signal: str
    sign: int
    quantity: int
    cause: int
    is_exit: bool
    filled: int = 0
    value: int = 0


@dataclass
class Outcome:
    """What the reference says must happen."""

    ticks: int = 0
    transitions: list[tuple[str, str, str, int, int]] = field(default_factory=list)
    signals: list[tuple[str, str, str, str, int, int, int]] = field(default_factory=list)
    fills: list[tuple[str, str, int, int, int]] = field(default_factory=list)


def prints(path: Path, product: str, month: str) -> list[tuple[int, int]]:
    """Price and lots of the outright prints of a contract, in the order of the file."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            text = archive.read(archive.namelist()[0]).decode("cp950")
    else:
        text = path.read_bytes().decode("cp950")
    rows = csv.reader(io.StringIO(text))
    next(rows)
    return [
        (int(row[4].split(".")[0]), int(row[5]) // 2)
        for row in rows
        if len(row) > 5 and row[1].strip() == product and row[2].strip() == month
    ]


def run(tape: list[tuple[int, int]], tables: list[dict[str, Any]]) -> Outcome:
    """Every condition over every print."""
    outcome = Outcome(ticks=len(tape))
    guards = [Guard(number, table) for number, table in enumerate(tables, 1)]
    working: list[Working] = []
    for number, (price, lots) in enumerate(tape, 1):
        left = {1: lots, -1: lots}
        for order in list(working):
            part = min(order.quantity - order.filled, left[order.sign])
            if part:
                left[order.sign] -= part
                order.filled += part
                order.value += part * price
                outcome.fills.append((order.signal, "buy" if order.sign > 0 else "sell", price, part, number))
                if order.filled == order.quantity:
                    working.remove(order)
                _filled(order, part, number, outcome)
        for guard in guards:
            order_made = _watch(guard, number, price, outcome)
            if order_made:
                working.append(order_made)
    return outcome


def _move(guard: Guard, to: str, number: int, price: int, outcome: Outcome) -> None:
    outcome.transitions.append((guard.name, guard.state, to, number, price))
    guard.state = to


def _filled(order: Working, part: int, number: int, outcome: Outcome) -> None:
    """A fill at a print is known before that print is looked at: it belongs to the tick before."""
    guard = order.guard
    done = order.filled == order.quantity
    price = round(order.value / order.filled)
    if order.is_exit:
        guard.exited += part
        if done:
            guard.exit_order = None
        if guard.entered == guard.exited and guard.entry_done:
            _move(guard, "closed", number - 1, price, outcome)
        return
    guard.entered += part
    guard.entry_done = done
    if guard.state == "entering":
        guard.best = price
        _move(guard, "open", number - 1, price, outcome)


def _watch(guard: Guard, number: int, price: int, outcome: Outcome) -> Working | None:
    table, sign = guard.table, guard.sign
    turning = table.get("turning_points", 15)
    if guard.state in ("armed", "triggered"):
        if sign * (price - guard.trigger) <= 0:
            if table.get("following"):
                guard.trigger = price
            if guard.state == "armed":
                _move(guard, "triggered", number, price, outcome)
        elif guard.state == "triggered" and sign * (price - guard.trigger) >= turning:
            _move(guard, "entering", number, price, outcome)
            return _signal(guard, "entry", "turning_point", sign, table.get("quantity", 1), number, price, outcome)
    elif guard.state == "open":
        entry = guard.trigger + sign * turning
        if sign * (price - guard.best) > 0:
            guard.best = price
        stop, leg = entry - sign * table.get("stop_loss_points", 30), "stop_loss"
        trail = table.get("trailing_points", 0)
        if trail and sign * (guard.best - sign * trail - stop) > 0:
            stop, leg = guard.best - sign * trail, "trailing_stop"
        if sign * (price - entry) >= table.get("take_profit_points", 90):
            leg = "take_profit"
        elif sign * (price - stop) > 0:
            return None
        guard.leg = leg
        _move(guard, "exiting", number, price, outcome)
        return _exit(guard, number, price, outcome)
    elif guard.state == "exiting" and guard.exit_order is None and guard.entered > guard.exited:
        return _exit(guard, number, price, outcome)
    return None


def _exit(guard: Guard, number: int, price: int, outcome: Outcome) -> Working:
    guard.attempt += 1
    held = guard.entered - guard.exited
    guard.exit_order = _signal(guard, guard.leg, guard.leg, -guard.sign, held, number, price, outcome)
    return guard.exit_order


def _signal(
    guard: Guard, leg: str, reason: str, sign: int, lots: int, number: int, price: int, outcome: Outcome
) -> Working:
    attempt = guard.attempt if leg != "entry" else 1
    name = f"{guard.name}/{leg}/{attempt}"
    outcome.signals.append((name, leg, "buy" if sign > 0 else "sell", reason, lots, number, price))
    return Working(guard, name, sign, lots, number, leg != "entry")
