"""The strategy that runs many support/resistance conditions: which event concerns which condition, and when.

It holds no rule of a condition, those are in :mod:`engine.strategies.support_resistance`; and no clock: time comes
with the ticks and, where the market is not paced, from whoever calls :meth:`SupportResistance.on_time`.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from engine.model.condition import Condition, ConditionCommand, ConditionExecution, ConditionState
from engine.model.order import Order
from engine.model.session import TradingCalendar
from engine.model.signal import Signal, SignalRefused
from engine.model.tick import Tick, TickFlag
from engine.strategies.base import NOTHING, Decision
from engine.strategies.commands import created
from engine.strategies.hours import NEVER, SessionTimes, TimePassed, TradingHours
from engine.strategies.signals import working_signal
from engine.strategies.support_resistance import Event, deadline, step, transition
from engine.timing import NS_PER_S

_S = ConditionState


@dataclass(slots=True)
class _Contract:
    """What is known of one contract.

    Attributes:
        hours: its sessions.
        live: conditions that watch it, by id.
        times: of the session that each of them is watched in.
        deadlines: of each of them; 0 = to be found at the next tick.
        due: the earliest of those.
        last: its last tick.
    """

    hours: TradingHours
    live: dict[str, Condition] = field(default_factory=dict)
    times: dict[str, SessionTimes] = field(default_factory=dict)
    deadlines: dict[str, int] = field(default_factory=dict)
    due: int = NEVER
    last: Tick | None = None

    @property
    def seq(self) -> int:
        return self.last.seq if self.last else 0

    def set_deadline(self, condition_id: str, value: int) -> None:
        if self.deadlines.get(condition_id) != value:
            self.deadlines[condition_id] = value
            self.due = min(self.deadlines.values())

    def drop(self, condition_id: str) -> None:
        if self.live.pop(condition_id, None) is not None:
            self.times.pop(condition_id, None)
            self.deadlines.pop(condition_id, None)
            self.due = min(self.deadlines.values(), default=NEVER)


class SupportResistance:
    """Runs the conditions that are assigned to one strategy process.

    Args:
        share: index of this process.
        shares: number of such processes; a condition belongs to the process that its id hashes to.
        calendar: of the exchange.
        flatten_before_close_s: how long before the close a condition that is not to be held through is closed.
    """

    def __init__(
        self,
        share: int = 0,
        shares: int = 1,
        *,
        calendar: TradingCalendar | None = None,
        flatten_before_close_s: float = 60.0,
    ) -> None:
        self._share, self._shares = share, shares
        self._calendar = calendar or TradingCalendar()
        self._flatten_before_ns = int(flatten_before_close_s * NS_PER_S)
        self._now = 0
        """The latest market time that anything told; 0 before."""
        self._conditions: dict[str, Condition] = {}
        self._contracts: dict[str, _Contract] = {}

    # --- inputs --------------------------------------------------------------------------------------------------

    def restore(self, conditions: Iterable[Condition], orders: Iterable[Order]) -> Decision:
        """Takes over the ledger's conditions, applies what their orders did meanwhile, repeats open signals.

        What time did meanwhile comes with the next tick or :meth:`on_time`.
        """
        self._conditions.clear()
        for contract in self._contracts.values():
            for key in list(contract.live):
                contract.drop(key)
        own: defaultdict[str, list[Order]] = defaultdict(list)
        for order in orders:
            own[order.condition_id].append(order)
        mine = [item for item in conditions if self._is_mine(item.condition_id)]
        return _joined([self._restore_one(item, own[item.condition_id]) for item in mine])

    def _restore_one(self, condition: Condition, orders: list[Order]) -> Decision:
        condition = _dated(condition, condition.ts_updated)
        self._keep(condition)
        decision = NOTHING
        if condition.state.is_final and not _has_late_entry(condition, orders):
            return decision
        for event in executions(condition, orders):
            after, _ = step(condition, event)
            if after is not condition:
                decision = _joined([decision, self._changed(condition, after, (), event)])
                condition = after
        waits = condition.state is _S.ENTERING or (condition.state is _S.EXITING and condition.is_exit_working)
        if not waits:
            return decision
        signal = working_signal(condition)
        if any(order.signal_id == signal.signal_id for order in orders):
            return decision
        return replace(decision, signals=(signal,))

    def on_tick(self, tick: Tick) -> Decision:
        """Steps every live condition of the contract, by the time that the tick tells and by its price."""
        contract = self._contracts.get(tick.symbol) or self._contract(tick.symbol)
        if contract.last is None or tick.seq > contract.last.seq:
            contract.last = tick
        if tick.ts_event > self._now:
            self._now = tick.ts_event
        if not contract.live:
            return NOTHING
        decisions: list[Decision] = []
        if tick.ts_event >= contract.due and not tick.flags & TickFlag.TRIAL:
            decisions = self._pass_time(contract, tick.ts_event, tick)
        for condition in list(contract.live.values()):
            if tick.seq <= condition.tick_seq:
                continue
            after, signals = step(condition, tick)
            if after is not condition:
                decisions.append(self._changed(condition, after, signals, tick))
        return _joined(decisions) if decisions else NOTHING

    def on_time(self, now_ns: int) -> Decision:
        """The clock's word where no tick comes; not to be told in a paced market, where only ticks are time."""
        self._now = max(self._now, now_ns)
        decisions = [
            decision
            for contract in self._contracts.values()
            if contract.live
            for decision in self._pass_time(contract, self._now, None)
        ]
        return _joined(decisions) if decisions else NOTHING

    def on_event(self, event: ConditionCommand | ConditionExecution | SignalRefused) -> Decision:
        """Steps the condition that the event is about."""
        key = event.signal.condition_id if isinstance(event, SignalRefused) else event.condition_id
        condition = self._conditions.get(key)
        if condition is None:
            return self._create(event) if isinstance(event, ConditionCommand) else NOTHING
        after, signals = step(condition, event)
        if after is condition:
            return NOTHING
        # What ticks before this event meant is settled: catching up after a restart begins behind them.
        after = replace(after, tick_seq=max(after.tick_seq, self._contract(after.spec.symbol).seq))
        if isinstance(event, ConditionCommand):
            after = replace(after, ts_updated=max(after.ts_updated, self._now))
            self._contract(condition.spec.symbol).times.pop(key, None)  # the session that a person acts in counts
        return self._changed(condition, after, signals, event)

    def symbols(self) -> frozenset[str]:
        """Contracts of the live conditions."""
        return frozenset(symbol for symbol, contract in self._contracts.items() if contract.live)

    # --- time ----------------------------------------------------------------------------------------------------

    def _pass_time(self, contract: _Contract, now_ns: int, tick: Tick | None) -> list[Decision]:
        """Steps the conditions that time changes; without a tick also those that try to exit again."""
        decisions = []
        for key, condition in list(contract.live.items()):
            if tick is not None and (tick.seq <= condition.tick_seq or now_ns < contract.deadlines[key]):
                continue
            found = self._timed(contract, condition, now_ns)
            last = tick or contract.last
            time = TimePassed(
                symbol=condition.spec.symbol,
                ts_event=now_ns,
                seq=last.seq if last else 0,
                price=last.price if last else 0,
                is_open=contract.hours.is_open(now_ns),
                times=contract.times[key],
            )
            after, signals = step(found, time)
            if after is not condition:
                decisions.append(self._changed(condition, after, signals, time))
        return decisions

    def _timed(self, contract: _Contract, condition: Condition, now_ns: int) -> Condition:
        """The condition with everything that could not be known before anything told the time."""
        key = condition.condition_id
        if key not in contract.times:
            contract.times[key] = contract.hours.times(condition.ts_updated or now_ns)
            contract.set_deadline(key, deadline(condition, contract.times[key]))
        return _dated(condition, condition.ts_updated or now_ns)

    # --- bookkeeping ---------------------------------------------------------------------------------------------

    def _create(self, command: ConditionCommand) -> Decision:
        if command.spec is None or not self._is_mine(command.condition_id):
            return NOTHING
        condition = replace(created(command, self._now), ts_updated=self._now)
        self._keep(condition)
        return Decision(conditions=(condition,))

    def _is_mine(self, condition_id: str) -> bool:
        return share_of(condition_id, self._shares) == self._share

    def _contract(self, symbol: str) -> _Contract:
        found = self._contracts.get(symbol)
        if found is None:
            hours = TradingHours(self._calendar, symbol, self._flatten_before_ns)
            found = self._contracts[symbol] = _Contract(hours)
        return found

    def _keep(self, condition: Condition) -> None:
        key, contract = condition.condition_id, self._contract(condition.spec.symbol)
        before = self._conditions.get(key)
        if before is not None and before.spec.symbol != condition.spec.symbol:
            self._contract(before.spec.symbol).drop(key)
        self._conditions[key] = condition
        if condition.state.is_final or condition.state is _S.DRAFT:
            contract.drop(key)
            return
        contract.live[key] = condition
        times = contract.times.get(key)
        if times is None and condition.ts_updated:
            times = contract.times[key] = contract.hours.times(condition.ts_updated)
        contract.set_deadline(key, deadline(condition, times) if times else 0)

    def _changed(self, before: Condition, after: Condition, signals: tuple[Signal, ...], event: Event) -> Decision:
        self._keep(after)
        moved = transition(before, after, event)
        return Decision(signals=signals, conditions=(after,), transitions=(moved,) if moved else ())


def executions(condition: Condition, orders: Iterable[Order]) -> list[ConditionExecution]:
    """One execution event for each order of a condition, with the totals over all of them and what it adopted."""
    mine = [order for order in orders if order.condition_id == condition.condition_id]
    entries = [order for order in mine if not order.reduce_only]
    return [
        ConditionExecution(
            condition_id=condition.condition_id,
            order=order,
            entered=condition.adopted + sum(entry.filled for entry in entries),
            entry_value=condition.adopted_value + sum(entry.fill_value for entry in entries),
            exited=sum(order.filled for order in mine if order.reduce_only),
        )
        for order in sorted(mine, key=lambda order: order.ts_updated)
    ]


def _has_late_entry(condition: Condition, orders: Iterable[Order]) -> bool:
    """Whether more has entered than it knew when it ended."""
    entered = sum(order.filled for order in orders if not order.reduce_only)
    return condition.adopted + entered > condition.entered


def share_of(condition_id: str, shares: int) -> int:
    """Which of ``shares`` processes a condition belongs to; the same on every machine."""
    return sum(condition_id.encode()) % shares


def _dated(condition: Condition, ts_ns: int) -> Condition:
    """With the time from which its time stop counts, where it holds lots and that time was not known."""
    return replace(condition, ts_opened=ts_ns) if condition.held and not condition.ts_opened else condition


def _joined(decisions: list[Decision]) -> Decision:
    """All of it, of each condition only how it is at last."""
    if len(decisions) == 1:
        return decisions[0]
    last = {item.condition_id: item for decision in decisions for item in decision.conditions}
    return Decision(
        signals=tuple(signal for decision in decisions for signal in decision.signals),
        conditions=tuple(last.values()),
        transitions=tuple(moved for decision in decisions for moved in decision.transitions),
    )
