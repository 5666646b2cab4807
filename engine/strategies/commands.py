"""What people's commands do to a condition, and why one cannot be carried out now. Pure, like the rest of it."""

from dataclasses import replace

from engine.model.condition import Condition, ConditionAction, ConditionCommand, ConditionSpec, ConditionState
from engine.model.order import Reason
from engine.model.signal import Leg, Signal
from engine.strategies.signals import working_signal

_S = ConditionState
_NONE: tuple[Signal, ...] = ()


def refusal(condition: Condition | None, command: ConditionCommand) -> str:
    """Why a command cannot be carried out now, in a sentence; empty if it can."""
    action = command.action
    if action in (ConditionAction.PUT, ConditionAction.GUARD):
        return _spec_refusal(condition, command)
    if condition is None:
        return f"there is no condition {command.condition_id}"
    state = condition.state
    if state.is_final:
        return f"the condition is {state} already"
    if action is ConditionAction.ARM and state not in (_S.DRAFT, _S.HELD):
        return f"the condition is {state} already"
    if action is ConditionAction.CANCEL and state.is_in_market:
        return "the condition is in the market; close its position, or release it and guard the lots yourself"
    if action is ConditionAction.CLOSE and state is _S.ENTERING:
        return "the entry order is on its way; close it when it is filled, or flatten"
    return ""


def _spec_refusal(condition: Condition | None, command: ConditionCommand) -> str:
    if command.spec is None:
        return f"the condition to {command.action} is missing"
    if problem := command.spec.problem():
        return problem
    if condition is None:
        return ""
    if condition.state.is_final:
        return f"the condition is {condition.state}; make a new one"
    if command.action is ConditionAction.GUARD:
        return f"the condition is {condition.state} already; put the lots under guard with a new one"
    if condition.state.is_in_market and _after_entry(condition.spec, command.spec) != command.spec:
        return "after entry only its exits can be changed: take profit, the stops, time and the end of the session"
    return ""


def _after_entry(old: ConditionSpec, new: ConditionSpec) -> ConditionSpec:
    """The old spec with what may still change after entry."""
    return replace(
        old,
        take_profit_points=new.take_profit_points,
        stop_loss_points=new.stop_loss_points,
        trailing_points=new.trailing_points,
        levels_from=new.levels_from,
        breakeven_points=new.breakeven_points,
        time_stop_s=new.time_stop_s,
        session_end=new.session_end,
    )


def created(command: ConditionCommand, ts_ns: int = 0) -> Condition:
    """What the first command about a condition makes: PUT a draft, GUARD an open one that holds the lots.

    Args:
        command: with a spec; :func:`refusal` has nothing against it.
        ts_ns: market time, from which the time stop of guarded lots counts.
    """
    spec = command.spec
    assert spec
    draft = Condition(spec=spec, trigger=spec.trigger_price, revision=command.revision, tick_seq=command.tick_seq)
    if command.action is not ConditionAction.GUARD:
        return draft
    value = spec.trigger_price * spec.quantity
    return replace(
        draft,
        state=_S.OPEN,
        adopted=spec.quantity,
        adopted_value=value,
        entered=spec.quantity,
        entry_value=value,
        entry_ended=True,
        best_price=spec.trigger_price,
        ts_opened=ts_ns,
    )


def obeyed(condition: Condition, command: ConditionCommand) -> tuple[Condition, tuple[Signal, ...]]:
    """The condition after a command, and the signals.

    The same object where the command is no newer than what is known; one that is refused only counts as known.
    """
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
            return _since(_armed(condition), command), _NONE
        case ConditionAction.CANCEL | ConditionAction.RELEASE:
            return ended(condition, _S.CANCELLED, command.reason), _NONE
        case ConditionAction.CLOSE:
            return _close(condition)
    raise AssertionError(command.action)


def ended(condition: Condition, state: ConditionState, reason: Reason, text: str = "") -> Condition:
    """The condition in a final state. What it still had is released: it guards those lots no more."""
    released = condition.released + condition.held
    return replace(condition, state=state, reason=reason, text=text, released=released, is_exit_working=False)


def _since(condition: Condition, command: ConditionCommand) -> Condition:
    """With all ticks before the command behind it, so that catching up never applies a level to older prices."""
    return replace(condition, tick_seq=max(condition.tick_seq, command.tick_seq))


def _armed(condition: Condition) -> Condition:
    if condition.state is _S.HELD:
        return replace(condition, state=_S.OPEN)
    return replace(condition, state=_S.ARMED, trigger=condition.spec.trigger_price)


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


def _close(condition: Condition) -> tuple[Condition, tuple[Signal, ...]]:
    if not condition.state.is_in_market:
        return ended(condition, _S.CANCELLED, Reason.PERSON), _NONE
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
