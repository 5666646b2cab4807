"""The support/resistance condition: a pure state machine, and the strategy that runs many of them.

``step(condition, event) -> (condition, signals)`` holds all the rules; it knows no clock, socket or thread. The
prices below are told for BUY at a support; SELL at a resistance mirrors them.

* ARMED until price <= trigger: TRIGGERED. Then, at price >= trigger + turning points: market BUY, ENTERING.
* First fill: OPEN. Exit at price >= base + take profit or <= base - stop loss, where base is the entry level
  (trigger + turning points) or, if the spec says so, the average fill price.
* Following: before entry each price <= trigger moves the trigger there, and with it all other levels.
* Trailing: after entry the stop follows the best price at its distance once that is better than the fixed stop.
* At most one change of state a tick. Exits cover what was filled and still is held; an exit order that ends with
  lots left is followed by another attempt at the next tick.
"""

from collections.abc import Iterable
from dataclasses import replace

from engine.model.condition import (
    Condition,
    ConditionAction,
    ConditionCommand,
    ConditionExecution,
    ConditionSpec,
    ConditionState,
    Transition,
)
from engine.model.order import Order, OrderStatus, Reason
from engine.model.signal import Leg, Signal, SignalRefused, signal_id
from engine.model.tick import Tick, TickFlag
from engine.strategies.base import NOTHING, Decision
from engine.timing import NS_PER_S

_S = ConditionState
_NONE: tuple[Signal, ...] = ()
_QUICK_ATTEMPTS = 3
"""So many exit attempts follow at the next tick; later ones wait a second of market time each."""

Event = Tick | ConditionExecution | SignalRefused | ConditionCommand
Step = tuple[Condition, tuple[Signal, ...]]


def step(condition: Condition, event: Event) -> Step:
    """The condition after an event, and the signals that it gives. Returns the same object if nothing changed."""
    if isinstance(event, Tick):
        return _on_tick(condition, event)
    if isinstance(event, ConditionExecution):
        return _on_execution(condition, event), _NONE
    if isinstance(event, SignalRefused):
        return _on_refused(condition, event), _NONE
    return _on_command(condition, event)


# --- ticks -------------------------------------------------------------------------------------------------------


def _on_tick(condition: Condition, tick: Tick) -> Step:
    state = condition.state
    if tick.flags & TickFlag.TRIAL:
        return condition, _NONE
    if state is _S.ARMED or state is _S.TRIGGERED:
        return _watch_entry(condition, tick)
    if state is _S.OPEN:
        return _watch_exit(condition, tick)
    if state is _S.EXITING and not condition.is_exit_working and condition.held > 0:
        return _try_exit_again(condition, tick)
    return condition, _NONE


def _watch_entry(condition: Condition, tick: Tick) -> Step:
    spec, sign, price = condition.spec, condition.spec.action.sign, tick.price
    if sign * (price - condition.trigger) <= 0:
        if condition.state is _S.TRIGGERED and (not spec.following or price == condition.trigger):
            return condition, _NONE
        trigger = price if spec.following else condition.trigger
        return _at(condition, tick, state=_S.TRIGGERED, trigger=trigger), _NONE
    if condition.state is _S.TRIGGERED and sign * (price - condition.entry_level) >= 0:
        return _at(condition, tick, state=_S.ENTERING), (_entry(condition, tick),)
    return condition, _NONE


def _watch_exit(condition: Condition, tick: Tick) -> Step:
    spec, sign, price = condition.spec, condition.spec.action.sign, tick.price
    if spec.trailing_points and sign * (price - condition.best_price) > 0:
        condition = _at(condition, tick, best_price=price)
    levels = condition.levels
    if sign * (price - levels.take_profit) >= 0:
        return _begin_exit(condition, tick, Leg.TAKE_PROFIT)
    if sign * (price - levels.stop_loss) <= 0:
        return _begin_exit(condition, tick, Leg.TRAILING_STOP if condition.is_trailing else Leg.STOP_LOSS)
    return condition, _NONE


def _begin_exit(condition: Condition, tick: Tick, leg: Leg) -> Step:
    exiting = _at(
        condition, tick, state=_S.EXITING, exit_leg=leg, is_exit_working=True, attempt=condition.attempt + 1
    )
    return exiting, (_exit(exiting, tick),)


def _try_exit_again(condition: Condition, tick: Tick) -> Step:
    if condition.attempt >= _QUICK_ATTEMPTS and tick.ts_event - condition.ts_updated < NS_PER_S:
        return condition, _NONE
    again = _at(condition, tick, is_exit_working=True, attempt=condition.attempt + 1)
    return again, (_exit(again, tick),)


def _at(condition: Condition, tick: Tick, **changes: object) -> Condition:
    return replace(condition, tick_seq=tick.seq, ts_updated=tick.ts_event, **changes)  # type: ignore[arg-type]


def _entry(condition: Condition, tick: Tick) -> Signal:
    spec = condition.spec
    return Signal(
        signal_id=signal_id(spec.condition_id, Leg.ENTRY, 1),
        condition_id=spec.condition_id,
        leg=Leg.ENTRY,
        attempt=1,
        account=spec.account,
        symbol=spec.symbol,
        side=spec.action,
        quantity=spec.quantity,
        price=tick.price,
        tick_seq=tick.seq,
        ts_event=tick.ts_event,
        reason="turning_point",
    )


def _exit(condition: Condition, tick: Tick) -> Signal:
    spec = condition.spec
    leg = condition.exit_leg or Leg.CLOSE
    return Signal(
        signal_id=signal_id(spec.condition_id, leg, condition.attempt),
        condition_id=spec.condition_id,
        leg=leg,
        attempt=condition.attempt,
        account=spec.account,
        symbol=spec.symbol,
        side=spec.action.opposite,
        quantity=condition.held,
        price=tick.price,
        tick_seq=tick.seq,
        ts_event=tick.ts_event,
        reason=leg.value,
    )


# --- what became of its orders -----------------------------------------------------------------------------------


def _on_execution(condition: Condition, event: ConditionExecution) -> Condition:
    order = event.order
    changed = replace(condition, exited=max(condition.exited, event.exited))
    if event.entered > condition.entered:  # totals only grow: an event told again brings no older ones back
        changed = replace(changed, entered=event.entered, entry_value=event.entry_value)
    if order.status.is_final:
        if not order.reduce_only:
            changed = replace(changed, entry_ended=True)
        elif order.signal_id == _working_exit_id(condition):
            changed = replace(changed, is_exit_working=False)
    changed = _after_execution(changed, order)
    return condition if changed == condition else replace(changed, ts_updated=order.ts_updated)


def _working_exit_id(condition: Condition) -> str:
    if condition.exit_leg is None:
        return ""
    return signal_id(condition.condition_id, condition.exit_leg, condition.attempt)


def _after_execution(condition: Condition, order: Order) -> Condition:
    state = condition.state
    if state.is_waiting and not order.reduce_only:
        # After a crash: the entry is in the ledger, the word of the process that gave it is not. Ticks before the
        # entry must not be taken for an exit when they are caught up on.
        behind = max(condition.tick_seq, order.tick_seq)
        condition, state = replace(condition, state=_S.ENTERING, tick_seq=behind), _S.ENTERING
    if state is _S.ENTERING and condition.entered:
        return _opened(condition)
    if state is _S.ENTERING and condition.entry_ended:
        return replace(condition, state=_S.REJECTED, reason=order.reason, text=order.text)
    if state in (_S.OPEN, _S.EXITING) and condition.held <= 0 and condition.entry_ended:
        return replace(condition, state=_S.CLOSED)
    if state is _S.EXITING and order.reason is Reason.NOT_REDUCING and not condition.is_exit_working:
        # The lots are gone by other hands (a person's order, flatten): nothing is left to guard.
        return replace(condition, state=_S.CLOSED, reason=order.reason, text=order.text)
    if state in (_S.CLOSED, _S.REJECTED) and condition.held > 0 and order.status is not OrderStatus.DENIED:
        if condition.reason is Reason.NOT_REDUCING:
            return condition
        # Real-world possibility: a fill of the entry arrives after everything seemed over.
        return _opened(condition)
    return condition


def _opened(condition: Condition) -> Condition:
    average = round(condition.entry_value / condition.entered)
    best = condition.best_price or average
    return replace(condition, state=_S.OPEN, best_price=best, exit_leg=None, reason=Reason.NONE, text="")


def _on_refused(condition: Condition, event: SignalRefused) -> Condition:
    if event.signal.leg is Leg.ENTRY and condition.state is _S.ENTERING:
        return replace(
            condition,
            state=_S.REJECTED,
            entry_ended=True,
            reason=event.reason,
            text=event.text,
            ts_updated=event.ts_event,
        )
    if event.signal.signal_id == _working_exit_id(condition):
        return replace(condition, is_exit_working=False, ts_updated=event.ts_event)
    return condition


# --- what people want --------------------------------------------------------------------------------------------


def refusal(condition: Condition | None, command: ConditionCommand) -> str:
    """Why a command cannot be carried out now, in a sentence; empty if it can."""
    action = command.action
    if action is ConditionAction.PUT:
        if command.spec is None:
            return "the condition to put is missing"
        if problem := command.spec.problem():
            return problem
        if condition and condition.state.is_final:
            return f"the condition is {condition.state}; make a new one"
        return _frozen_change(condition, command.spec) if condition else ""
    if condition is None:
        return f"there is no condition {command.condition_id}"
    state = condition.state
    if state.is_final:
        return f"the condition is {state} already"
    if action is ConditionAction.ARM and state is not _S.DRAFT:
        return f"the condition is {state} already"
    if action is ConditionAction.CANCEL and state.is_in_market:
        return "the condition is in the market; close its position, or release it and guard the lots yourself"
    if action is ConditionAction.CLOSE and state is _S.ENTERING:
        return "the entry order is on its way; close it when it is filled, or flatten"
    return ""


def _frozen_change(condition: Condition, spec: ConditionSpec) -> str:
    if condition.state.is_in_market and _after_entry(condition.spec, spec) != spec:
        return "after entry only take profit, stop loss and trailing can be changed"
    return ""


def _after_entry(old: ConditionSpec, new: ConditionSpec) -> ConditionSpec:
    """The old spec with what may still change after entry."""
    return replace(
        old,
        take_profit_points=new.take_profit_points,
        stop_loss_points=new.stop_loss_points,
        trailing_points=new.trailing_points,
        levels_from=new.levels_from,
    )


def _on_command(condition: Condition, command: ConditionCommand) -> Step:
    if command.revision and command.revision <= condition.revision:
        return condition, _NONE
    condition = replace(condition, revision=command.revision)
    if refusal(condition, command):
        return condition, _NONE
    match command.action:
        case ConditionAction.PUT:
            assert command.spec
            return _since(_put(condition, command.spec), command), _NONE
        case ConditionAction.ARM:
            armed = replace(condition, state=_S.ARMED, trigger=condition.spec.trigger_price)
            return _since(armed, command), _NONE
        case ConditionAction.CANCEL | ConditionAction.RELEASE:
            return replace(condition, state=_S.CANCELLED, reason=Reason.PERSON), _NONE
        case ConditionAction.CLOSE:
            return _close(condition)
    raise AssertionError(command.action)


def _since(condition: Condition, command: ConditionCommand) -> Condition:
    """With all ticks before the command behind it, so that catching up never applies a level to older prices."""
    return replace(condition, tick_seq=max(condition.tick_seq, command.tick_seq))


def _put(condition: Condition, spec: ConditionSpec) -> Condition:
    if condition.state.is_in_market:
        return replace(condition, spec=_after_entry(condition.spec, spec))
    old = condition.spec
    if spec.symbol != old.symbol:
        condition = replace(condition, tick_seq=0)
    is_other = (spec.symbol, spec.action, spec.trigger_price) != (old.symbol, old.action, old.trigger_price)
    moved = is_other or not condition.trigger
    state = _S.ARMED if condition.state is _S.TRIGGERED and moved else condition.state
    trigger = spec.trigger_price if moved else condition.trigger
    return replace(condition, spec=spec, state=state, trigger=trigger)


def _close(condition: Condition) -> Step:
    if not condition.state.is_in_market:
        return replace(condition, state=_S.CANCELLED, reason=Reason.PERSON), _NONE
    if condition.state is _S.EXITING:
        return condition, _NONE
    exiting = replace(
        condition,
        state=_S.EXITING,
        exit_leg=Leg.CLOSE,
        is_exit_working=True,
        attempt=condition.attempt + 1,
    )
    return exiting, (working_signal(exiting),)


def working_signal(condition: Condition) -> Signal:
    """The signal that the condition waits for, made again (same id) after a restart or for a person's close."""
    tick = Tick(
        symbol=condition.spec.symbol,
        seq=condition.tick_seq,
        ts_event=condition.ts_updated,
        ts_recv=0,
        price=condition.trigger,
        quantity=0,
    )
    return _entry(condition, tick) if condition.state is _S.ENTERING else _exit(condition, tick)


def created(command: ConditionCommand) -> Condition:
    """The draft that a PUT command makes."""
    assert command.spec
    return Condition(spec=command.spec, trigger=command.spec.trigger_price, revision=command.revision)


def executions(condition_id: str, orders: Iterable[Order]) -> list[ConditionExecution]:
    """One execution event for each order of a condition, with the totals over all of them."""
    mine = [order for order in orders if order.condition_id == condition_id]
    entries = [order for order in mine if not order.reduce_only]
    return [
        ConditionExecution(
            condition_id=condition_id,
            order=order,
            entered=sum(entry.filled for entry in entries),
            entry_value=sum(entry.fill_value for entry in entries),
            exited=sum(order.filled for order in mine if order.reduce_only),
        )
        for order in sorted(mine, key=lambda order: order.ts_updated)
    ]


class SupportResistance:
    """Runs the conditions that are assigned to one strategy process.

    Args:
        share: index of this process.
        shares: number of such processes; a condition belongs to the process that its id hashes to.
    """

    def __init__(self, share: int = 0, shares: int = 1) -> None:
        self._share, self._shares = share, shares
        self._conditions: dict[str, Condition] = {}
        self._live: dict[str, dict[str, Condition]] = {}
        self._seen: dict[str, int] = {}
        """Number of the last tick of each contract."""

    def restore(self, conditions: Iterable[Condition], orders: Iterable[Order]) -> Decision:
        """Takes over the ledger's conditions, applies what their orders did meanwhile, repeats open signals."""
        self._conditions.clear()
        self._live.clear()
        known = list(orders)
        decisions = [self._restore_one(item, known) for item in conditions if self._is_mine(item.condition_id)]
        return _joined(decisions)

    def _restore_one(self, condition: Condition, orders: list[Order]) -> Decision:
        self._keep(condition)
        decision = NOTHING
        for event in executions(condition.condition_id, orders):
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
        """Steps every live condition of the contract."""
        live = self._live.get(tick.symbol)
        if tick.seq > self._seen.get(tick.symbol, 0):
            self._seen[tick.symbol] = tick.seq
        if not live:
            return NOTHING
        decisions = []
        for condition in list(live.values()):
            if tick.seq <= condition.tick_seq:
                continue
            after, signals = step(condition, tick)
            if after is not condition:
                decisions.append(self._changed(condition, after, signals, tick))
        return _joined(decisions) if decisions else NOTHING

    def on_event(self, event: ConditionCommand | ConditionExecution | SignalRefused) -> Decision:
        """Steps the condition that the event is about."""
        key = event.signal.condition_id if isinstance(event, SignalRefused) else event.condition_id
        condition = self._conditions.get(key)
        if condition is None:
            if not isinstance(event, ConditionCommand) or event.spec is None or not self._is_mine(key):
                return NOTHING
            condition = created(event)
            self._keep(condition)
            return Decision(conditions=(condition,))
        after, signals = step(condition, event)
        if after is condition:
            return NOTHING
        # What ticks before this event meant is settled: catching up after a restart begins behind them.
        seen = self._seen.get(after.spec.symbol, 0)
        return self._changed(condition, replace(after, tick_seq=max(after.tick_seq, seen)), signals, event)

    def symbols(self) -> frozenset[str]:
        """Contracts of the live conditions."""
        return frozenset(symbol for symbol, live in self._live.items() if live)

    def _is_mine(self, condition_id: str) -> bool:
        return share_of(condition_id, self._shares) == self._share

    def _keep(self, condition: Condition) -> None:
        key, symbol = condition.condition_id, condition.spec.symbol
        before = self._conditions.get(key)
        if before is not None and before.spec.symbol != symbol:
            self._live.get(before.spec.symbol, {}).pop(key, None)
        self._conditions[key] = condition
        live = self._live.setdefault(symbol, {})
        if condition.state.is_final or condition.state is _S.DRAFT:
            live.pop(key, None)
        else:
            live[key] = condition

    def _changed(self, before: Condition, after: Condition, signals: tuple[Signal, ...], event: Event) -> Decision:
        self._keep(after)
        moved = transition(before, after, event)
        return Decision(signals=signals, conditions=(after,), transitions=(moved,) if moved else ())


def transition(before: Condition, after: Condition, event: Event) -> Transition | None:
    """The change of state between two values of a condition, or None.

    Its price is that of the tick, or the average price of the order whose fills made it, or 0 for a person's act.
    """
    if before.state is after.state:
        return None
    price = 0
    if isinstance(event, Tick):
        price = event.price
    elif isinstance(event, ConditionExecution) and event.order.filled:
        price = round(event.order.fill_value / event.order.filled)
    return Transition(
        condition_id=after.condition_id,
        origin=before.state,
        target=after.state,
        tick_seq=after.tick_seq,
        price=price,
        ts_event=after.ts_updated,
    )


def share_of(condition_id: str, shares: int) -> int:
    """Which of ``shares`` processes a condition belongs to; the same on every machine."""
    return sum(condition_id.encode()) % shares


def _joined(decisions: list[Decision]) -> Decision:
    if len(decisions) == 1:
        return decisions[0]
    return Decision(
        signals=tuple(signal for decision in decisions for signal in decision.signals),
        conditions=tuple(condition for decision in decisions for condition in decision.conditions),
        transitions=tuple(moved for decision in decisions for moved in decision.transitions),
    )
