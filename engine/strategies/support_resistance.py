"""The support/resistance condition: a pure state machine that knows no clock, socket or thread.

``step(condition, event) -> (condition, signals)`` holds all the rules; those of people's commands are in
:mod:`engine.strategies.commands`. Prices are told for BUY at a support; SELL at a resistance mirrors them.

* ARMED until price <= trigger: TRIGGERED. Then, at price >= trigger + turning points: market BUY, ENTERING.
* First fill: OPEN. Exit at price >= base + take profit or <= the stop, where base is the entry level (trigger +
  turning points) or, if the spec says so, the average fill price.
* Following: before entry each price <= trigger moves the trigger there, and with it all other levels.
* The stop is the tightest of three: base - stop loss; base, once the best price since entry was far enough
  (breakeven); the best price less the trailing distance.
* Time stop: after so long in the market the lots are closed. Session end: shortly before the close they are
  closed, or at the close they are HELD without a guard until a person arms it; what still waits is cancelled then.
  Without either choice a condition goes through the close just as it is, until its contract expires.
* At most one change of state a tick. Exits cover what was filled and still is held; an exit order that ends with
  lots left is followed by another attempt at the next tick, in this session or the next.
"""

from dataclasses import replace

from engine.model.condition import (
    Condition,
    ConditionCommand,
    ConditionExecution,
    ConditionState,
    SessionEnd,
    Transition,
)
from engine.model.order import Order, Reason
from engine.model.signal import Leg, Signal, SignalRefused
from engine.model.tick import Tick, TickFlag
from engine.strategies.commands import created, ended, obeyed, refusal
from engine.strategies.hours import NEVER, SessionTimes, TimePassed
from engine.strategies.signals import Moment, entry_signal, exit_of, exit_signal, working_exit_id
from engine.timing import NS_PER_S

__all__ = ["Event", "Step", "created", "deadline", "refusal", "step", "transition"]

_S = ConditionState
_NONE: tuple[Signal, ...] = ()
_QUICK_ATTEMPTS = 3
"""So many exit attempts follow at the next tick; later ones wait a second of market time each."""

Event = Tick | TimePassed | ConditionExecution | SignalRefused | ConditionCommand
Step = tuple[Condition, tuple[Signal, ...]]


def step(condition: Condition, event: Event) -> Step:
    """The condition after an event, and the signals that it gives. Returns the same object if nothing changed."""
    if isinstance(event, Tick):
        return _on_tick(condition, event)
    if isinstance(event, TimePassed):
        return _on_time(condition, event)
    if isinstance(event, ConditionExecution):
        return _on_execution(condition, event), _NONE
    if isinstance(event, SignalRefused):
        return _on_refused(condition, event), _NONE
    return obeyed(condition, event)


def transition(before: Condition, after: Condition, event: Event) -> Transition | None:
    """The change of state between two values of a condition, or None.

    Its price is that of the tick, or the average price of the order whose fills made it, or 0 for a person's act.
    """
    if before.state is after.state:
        return None
    price = 0
    if isinstance(event, Tick | TimePassed):
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


# --- ticks -------------------------------------------------------------------------------------------------------


def _on_tick(condition: Condition, tick: Tick) -> Step:
    state = condition.state
    if tick.flags & TickFlag.TRIAL:
        return condition, _NONE
    if state is _S.ARMED or state is _S.TRIGGERED:
        return _watch_entry(condition, tick)
    if state is _S.OPEN:
        return _watch_exit(condition, tick)
    if _wants_exit(condition):
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
        return _at(condition, tick, state=_S.ENTERING), (entry_signal(condition, tick),)
    return condition, _NONE


def _watch_exit(condition: Condition, tick: Tick) -> Step:
    spec, sign, price = condition.spec, condition.spec.action.sign, tick.price
    if (spec.trailing_points or spec.breakeven_points) and sign * (price - condition.best_price) > 0:
        condition = _at(condition, tick, best_price=price)
    if sign * (price - condition.base) >= spec.take_profit_points:
        return _begin_exit(condition, tick, Leg.TAKE_PROFIT)
    stop, leg = condition.stop
    if sign * (price - stop) <= 0:
        return _begin_exit(condition, tick, leg)
    return condition, _NONE


def _begin_exit(condition: Condition, moment: Moment, leg: Leg) -> Step:
    exiting = _at(
        condition, moment, state=_S.EXITING, exit_leg=leg, is_exit_working=True, attempt=condition.attempt + 1
    )
    return exiting, (exit_signal(exiting, moment),)


def _wants_exit(condition: Condition) -> bool:
    """It exits, holds lots, and no order of it works for that."""
    return condition.state is _S.EXITING and not condition.is_exit_working and condition.held > 0


def _try_exit_again(condition: Condition, moment: Moment) -> Step:
    if condition.attempt >= _QUICK_ATTEMPTS and moment.ts_event - condition.ts_updated < NS_PER_S:
        return condition, _NONE
    again = _at(condition, moment, is_exit_working=True, attempt=condition.attempt + 1)
    return again, (exit_signal(again, moment),)


def _at(condition: Condition, moment: Moment, **changes: object) -> Condition:
    seq = max(condition.tick_seq, moment.seq)
    return replace(condition, tick_seq=seq, ts_updated=moment.ts_event, **changes)  # type: ignore[arg-type]


# --- time --------------------------------------------------------------------------------------------------------


def deadline(condition: Condition, times: SessionTimes) -> int:
    """The instant from which :class:`TimePassed` changes a condition, whatever the price; NEVER where none does.

    Attempts to exit are left out: every tick is one, and so is every beat of the clock.
    """
    state = condition.state
    if state.is_waiting:
        return min(_session_end(condition, times), times.expired_at)
    if state is _S.OPEN:
        return min(_session_end(condition, times), _time_stop(condition), times.expired_at)
    return times.expired_at if state in (_S.EXITING, _S.HELD) else NEVER


def _session_end(condition: Condition, times: SessionTimes) -> int:
    match condition.spec.session_end:
        case SessionEnd.FLATTEN:
            return times.flatten_at
        case SessionEnd.UNGUARDED:
            return times.ended_at
    return NEVER


def _time_stop(condition: Condition) -> int:
    limit_s = condition.spec.time_stop_s
    return condition.ts_opened + limit_s * NS_PER_S if limit_s and condition.ts_opened else NEVER


def _on_time(condition: Condition, time: TimePassed) -> Step:
    if time.ts_event < deadline(condition, time.times):
        return _try_exit_again(condition, time) if time.is_open and _wants_exit(condition) else (condition, _NONE)
    if time.ts_event >= time.times.expired_at:
        return _expired(condition, time), _NONE
    if time.ts_event >= _session_end(condition, time.times):
        return _end_session(condition, time)
    if time.is_open:
        return _begin_exit(condition, time, Leg.TIME_STOP)
    return condition, _NONE


def _expired(condition: Condition, time: TimePassed) -> Condition:
    """The exchange settles in cash what the contract's last session leaves (TAIFEX, contract specifications)."""
    if condition.state.is_waiting:
        return _at(ended(condition, _S.CANCELLED, Reason.SESSION_ENDED), time)
    return _at(ended(condition, _S.CLOSED, Reason.SETTLED), time)


def _end_session(condition: Condition, time: TimePassed) -> Step:
    if condition.state.is_waiting:
        return _at(ended(condition, _S.CANCELLED, Reason.SESSION_ENDED), time), _NONE
    if condition.spec.session_end is SessionEnd.UNGUARDED:
        return _at(condition, time, state=_S.HELD), _NONE
    if time.is_open:
        return _begin_exit(condition, time, Leg.SESSION_END)
    # The deadline was slept through: the exit is due at the first moment of the next session.
    return _at(condition, time, state=_S.EXITING, exit_leg=Leg.SESSION_END, is_exit_working=False), _NONE


# --- what became of its orders -----------------------------------------------------------------------------------


def _on_execution(condition: Condition, event: ConditionExecution) -> Condition:
    order = event.order
    changed = replace(condition, exited=max(condition.exited, event.exited))
    if event.entered > condition.entered:  # totals only grow: an event told again brings no older ones back
        changed = replace(changed, entered=event.entered, entry_value=event.entry_value)
    if order.reduce_only:
        changed = _with_forgotten_exit(changed, order)
    if order.status.is_final:
        if not order.reduce_only:
            changed = replace(changed, entry_ended=True)
        elif order.signal_id == working_exit_id(condition):
            changed = replace(changed, is_exit_working=False)
    changed = _after_execution(changed, order, has_entered=event.entered > condition.entered)
    return condition if changed == condition else replace(changed, ts_updated=order.ts_updated)


def _with_forgotten_exit(condition: Condition, order: Order) -> Condition:
    """After a crash: an exit is in the ledger, the word of the process that gave it is not."""
    found = exit_of(order.signal_id)
    if found is None or found[1] <= condition.attempt or not condition.state.is_in_market:
        return condition
    return replace(
        condition,
        state=_S.EXITING,
        exit_leg=found[0],
        attempt=found[1],
        is_exit_working=not order.status.is_final,
        tick_seq=max(condition.tick_seq, order.tick_seq),
    )


def _after_execution(condition: Condition, order: Order, *, has_entered: bool) -> Condition:
    state = condition.state
    if state.is_waiting and not order.reduce_only:
        # After a crash: the entry is in the ledger, the word of the process that gave it is not. Ticks before the
        # entry must not be taken for an exit when they are caught up on.
        behind = max(condition.tick_seq, order.tick_seq)
        condition, state = replace(condition, state=_S.ENTERING, tick_seq=behind), _S.ENTERING
    if state is _S.ENTERING and condition.entered:
        return _opened(condition, order)
    if state is _S.ENTERING and condition.entry_ended:
        return replace(condition, state=_S.REJECTED, reason=order.reason, text=order.text)
    if state in (_S.OPEN, _S.EXITING, _S.HELD) and condition.held <= 0 and condition.entry_ended:
        return replace(condition, state=_S.CLOSED)
    is_gone = order.reason is Reason.NOT_REDUCING and not condition.is_exit_working
    if state is _S.EXITING and is_gone and not has_entered:
        # The lots are gone by other hands (a person's order, flatten): nothing is left to guard. Lots that entered
        # meanwhile were not meant: the next attempt finds out.
        return ended(condition, _S.CLOSED, order.reason, order.text)
    if state in (_S.CLOSED, _S.REJECTED) and condition.held and has_entered:
        # Real-world possibility: a fill of the entry arrives after everything seemed over.
        return _opened(condition, order)
    return condition


def _opened(condition: Condition, order: Order) -> Condition:
    average = round(condition.entry_value / condition.entered)
    return replace(
        condition,
        state=_S.OPEN,
        best_price=condition.best_price or average,
        ts_opened=condition.ts_opened or order.ts_updated,
        exit_leg=None,
        reason=Reason.NONE,
        text="",
    )


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
    if event.signal.signal_id == working_exit_id(condition):
        return replace(condition, is_exit_working=False, ts_updated=event.ts_event)
    return condition
