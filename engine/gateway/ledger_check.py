"""Proves a ledger: its file, its chain, its orders, its fills, and that the present state is what they add up to.

What is checked is counted again from the events, not asked of the state that it is compared with. Reads only; a
terminal may hold the file meanwhile.
"""

import functools
import math
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Final, TypeVar

from engine.errors import DecodeError, EngineError, LedgerError
from engine.gateway.ledger_file import LedgerFile, instruments_at, trade_date_at
from engine.gateway.ledger_schema import Row, Tail, decisions
from engine.gateway.state import Event, TradingState
from engine.model.books import PositionAdjusted
from engine.model.condition import Condition
from engine.model.instrument import Instrument
from engine.model.order import Fill, Order, OrderStatus
from engine.model.session import TradingCalendar
from engine.model.signal import SignalRefused

_SHOWN: Final = 5
"""Problems of one check that are printed; the others are counted."""
_IDENTITY: Final = ("account", "symbol", "side", "signal_id", "condition_id", "reduce_only", "is_external")
"""What of an order never changes."""

_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked.

    Attributes:
        name: one word.
        count: what was looked at, with figures.
        problems: what is wrong, with row numbers; none if all is well.
    """

    name: str
    count: str
    problems: tuple[str, ...]

    @property
    def is_ok(self) -> bool:
        """Nothing is wrong."""
        return not self.problems

    def lines(self) -> list[str]:
        """For people: one line, and one more for each problem after the first, up to a few."""
        if self.is_ok:
            return [f"{self.name:<10} ok     {self.count}"]
        shown = list(self.problems[:_SHOWN])
        if left := len(self.problems) - len(shown):
            shown.append(f"and {left} more")
        return [f"{self.name:<10} WRONG  {shown[0]}", *(f"{'':<10}        {text}" for text in shown[1:])]


def verify(path: Path, *, calendar: TradingCalendar) -> list[Check]:
    """Checks a ledger as it is now.

    Args:
        path: the ledger file.
        calendar: tells trade dates and last trading days.

    Raises:
        LedgerError: there is no such file, or it is no ledger of a version known here.
    """
    with LedgerFile(path) as file:
        return _Audit(file, calendar).checks()


class _Audit:
    """The rows of one ledger and what they say, gathered once."""

    def __init__(self, file: LedgerFile, calendar: TradingCalendar) -> None:
        self._file, self._calendar = file, calendar
        self._instruments = instruments_at(calendar)
        self._rows: list[Row] = []
        self._events: list[tuple[int, Event]] = []
        self._torn = ""
        """Why the rows could not be read to their end."""
        self._unreadable: list[str] = []
        self._read()
        self._orders: dict[str, list[tuple[int, Order]]] = defaultdict(list)
        """The rows of every order, by its id."""
        for seq, order in self._of(Order):
            self._orders[order.client_order_id].append((seq, order))

    def _read(self) -> None:
        try:
            for row in self._file.rows():
                self._rows.append(row)
                try:
                    self._events.append((row.seq, row.event))
                except DecodeError as error:
                    self._unreadable.append(f"row {row.seq} ({row.kind}): {error}")
        except sqlite3.Error as error:
            self._torn = f"after row {self._rows[-1].seq if self._rows else 0}: {error}"

    def checks(self) -> list[Check]:
        """Every check, in the order in which one rests on another."""
        orders, fills = self._orders, list(self._of(Fill))
        events = f"{len(self._events)} events"
        made = (
            ("file", f"SQLite's own check, schema {self._file.schema}", self._file_problems),
            ("numbers", f"{len(self._rows)} rows, numbered without holes", self._number_problems),
            ("chain", self._chain_text(), self._chain_problems),
            ("events", f"{events} can be read", lambda: iter(self._unreadable)),
            ("orders", f"{len(orders)} orders, every step allowed", self._order_problems),
            ("fills", f"{len(fills)} fills, none twice, as many as their orders say", self._fill_problems),
            ("decisions", f"{len(orders)} orders, each decided once", self._decision_problems),
            ("signals", "no signal made two orders or was refused and ordered", self._signal_problems),
            ("positions", "lots, money and costs are the sum of the fills", self._position_problems),
            ("holdings", "lots of each condition are the sum of its fills", self._holding_problems),
        )
        return [Check(name, count, tuple(self._found(find))) for name, count, find in made]

    def _found(self, find: Callable[[], Iterator[str]]) -> Iterator[str]:
        try:
            yield from find()
        except (sqlite3.Error, EngineError) as error:
            yield f"cannot be checked: {error}"

    def _of(self, kind: type[_Kind]) -> Iterator[tuple[int, _Kind]]:
        return ((seq, event) for seq, event in self._events if isinstance(event, kind))

    # --- the file ------------------------------------------------------------------------------------------------

    def _file_problems(self) -> Iterator[str]:
        if self._torn:
            yield self._torn
        for (text,) in self._file.database.execute("PRAGMA integrity_check"):
            if text != "ok":
                yield from text.splitlines()

    def _number_problems(self) -> Iterator[str]:
        before = 0
        for row in self._rows:
            if row.seq != before + 1:
                yield f"row {row.seq} stands after row {before}"
            before = row.seq

    def _chain_text(self) -> str:
        if self._file.schema < 2:
            return "schema 1 has no digests; the next start adds them"
        return f"{len(self._rows)} digests"

    def _chain_problems(self) -> Iterator[str]:
        tail = Tail()
        for row in self._rows if self._file.schema >= 2 else ():
            if row.digest != row.after(tail).digest:
                yield f"row {row.seq} is not what was written after row {tail.seq}"
            tail = row.tail

    # --- orders and fills ----------------------------------------------------------------------------------------

    def _order_problems(self) -> Iterator[str]:
        for name, life in self._orders.items():
            seq, before = life[0]
            if not before.is_external and before.status not in (OrderStatus.INTENT, OrderStatus.DENIED):
                yield f"row {seq}: order {name} begins as {before.status}"
            for seq, order in life[1:]:
                yield from (f"row {seq}: order {name}: {text}" for text in _step_problems(before, order))
                before = order

    def _fill_problems(self) -> Iterator[str]:
        seen: dict[tuple[object, ...], int] = {}
        filled: Counter[str] = Counter()
        value: Counter[str] = Counter()
        for seq, fill in self._of(Fill):
            key = (fill.account, fill.fill_id, trade_date_at(fill.ts_event, self._calendar))
            if key in seen:
                yield f"row {seq}: fill {fill.fill_id} is in row {seen[key]} already"
            seen[key] = seq
            filled[fill.client_order_id] += fill.quantity
            value[fill.client_order_id] += fill.quantity * fill.price
            yield from (f"row {seq}: fill {fill.fill_id}: {text}" for text in _misfits(fill, self._orders))
        for name, life in self._orders.items():
            seq, order = life[-1]
            ours, counted = (order.filled, order.fill_value), (filled[name], value[name])
            if not order.is_external and ours != counted:
                yield (
                    f"row {seq}: order {name} says {ours[0]} lots for {ours[1]}, "
                    f"its fills add up to {counted[0]} lots for {counted[1]}"
                )

    def _decision_problems(self) -> Iterator[str]:
        decided: set[str] = set()
        for name, signal_id, seq in decisions(self._file.database, schema=self._file.schema):
            decided.add(name)
            life = self._orders.get(name)
            if life is None:
                yield f"row {seq}: order {name} was decided and is not there"
            elif life[0][0] != seq:
                yield f"row {life[0][0]}: order {name} begins here and was decided in row {seq}"
            elif (signal_id or "") != life[0][1].signal_id:
                yield f"row {seq}: order {name} was decided for another signal: {signal_id}"
        for name, life in self._orders.items():
            if name not in decided and not life[0][1].is_external:
                yield f"row {life[0][0]}: order {name} was never decided"

    def _signal_problems(self) -> Iterator[str]:
        made: dict[str, str] = {}
        for name, life in self._orders.items():
            seq, order = life[0]
            first = made.setdefault(order.signal_id, name) if order.signal_id else name
            if first != name:
                yield f"row {seq}: signal {order.signal_id} made order {first} and order {name}"
        refused: set[str] = set()
        for seq, event in self._of(SignalRefused):
            signal_id = event.signal.signal_id
            if signal_id in made:
                yield f"row {seq}: signal {signal_id} was refused and made order {made[signal_id]}"
            if signal_id in refused:
                yield f"row {seq}: signal {signal_id} was refused twice"
            refused.add(signal_id)

    # --- what it adds up to --------------------------------------------------------------------------------------

    @functools.cached_property
    def _state(self) -> TradingState:
        state = TradingState({})
        for seq, event in self._events:
            symbol = getattr(event, "symbol", "")
            if symbol and symbol not in state.instruments:
                state.instruments[symbol] = self._instrument(seq, event)
            state.apply(event)
        return state

    def _instrument(self, seq: int, event: Event) -> Instrument:
        symbol, ts_ns = getattr(event, "symbol", ""), getattr(event, "ts_event", getattr(event, "ts_created", 0))
        try:
            return self._instruments(symbol, ts_ns)
        except EngineError as error:
            raise LedgerError(f"row {seq}: {error}") from error

    def _position_problems(self) -> Iterator[str]:
        state = self._state
        lots: Counter[tuple[str, str]] = Counter()
        paid: Counter[tuple[str, str]] = Counter()
        costs: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for seq, event in self._events:
            if isinstance(event, Fill):
                signed, instrument = event.side.sign * event.quantity, self._instrument(seq, event)
                costs[event.account, event.symbol] += instrument.fee(event.quantity)
                costs[event.account, event.symbol] += instrument.tax(event.price, event.quantity)
            elif isinstance(event, PositionAdjusted):
                signed = event.lots
            else:
                continue
            lots[event.account, event.symbol] += signed
            paid[event.account, event.symbol] += signed * event.price
        for key in lots.keys() | state.positions.keys():
            position, where = state.positions.get(key), " ".join(key)
            if position is None or position.net != lots[key]:
                yield f"{where}: the fills add up to {lots[key]} lots, the state says {position}"
                continue
            # What was earned is what came in less what went out, with the open lots at their cost.
            earned = position.cost - paid[key]
            if not math.isclose(position.realised_points, earned, rel_tol=1e-12, abs_tol=1e-6):
                yield f"{where}: the state says {position.realised_points} points earned, the fills {earned}"
            if position.fees + position.tax != costs[key]:
                yield f"{where}: the state says {position.fees + position.tax} TWD paid, the fills {costs[key]}"

    def _holding_problems(self) -> Iterator[str]:
        state = self._state
        entered: Counter[str] = Counter()
        exited: Counter[str] = Counter()
        for _, condition in self._of(Condition):
            entered[condition.condition_id] = condition.adopted
        for _, fill in self._of(Fill):
            order = state.orders.get(fill.client_order_id)
            if order is not None and order.condition_id:
                side = exited if order.reduce_only else entered
                side[order.condition_id] += fill.quantity
        for name in entered.keys() | exited.keys() | state.holdings.keys():
            held = state.holding(name)
            if (held.entered, held.exited) != (entered[name], exited[name]):
                yield (
                    f"condition {name}: the fills say {entered[name]} lots in and {exited[name]} out, "
                    f"the state {held.entered} and {held.exited}"
                )


def _step_problems(before: Order, order: Order) -> Iterator[str]:
    """What one row of an order does that the row before it does not allow; told again, nothing changes."""
    changed = [name for name in _IDENTITY if getattr(before, name) != getattr(order, name)]
    if changed:
        yield f"changes its {', '.join(changed)}"
    if order.is_external:
        return
    if order.status is not before.status and not before.may_become(order.status):
        yield f"{before.status} cannot become {order.status}"
    if order.filled < before.filled:
        yield f"{before.filled} lots filled become {order.filled}"
    if order.filled > order.quantity:
        yield f"{order.filled} lots filled of {order.quantity}"


def _misfits(fill: Fill, orders: dict[str, list[tuple[int, Order]]]) -> Iterator[str]:
    """What of a fill is not as its order says; those of orders made elsewhere have none here."""
    if fill.client_order_id.startswith("@"):
        return
    if fill.client_order_id not in orders:
        yield f"its order {fill.client_order_id} is not there"
        return
    _, order = orders[fill.client_order_id][0]
    for name in ("account", "symbol", "side", "condition_id"):
        if getattr(fill, name) != getattr(order, name):
            yield f"{name} is {getattr(fill, name)}, that of order {order.client_order_id} {getattr(order, name)}"


def summary(checks: list[Check]) -> str:
    """The last line."""
    wrong = [check.name for check in checks if not check.is_ok]
    if not wrong:
        return f"ledger verify: ok, {len(checks)} checks"
    return f"ledger verify: {len(wrong)} of {len(checks)} checks failed ({', '.join(wrong)}); nothing was changed"
