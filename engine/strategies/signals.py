"""The signals of a condition: what its entry and its exits say. Decides nothing."""

from typing import Final

from engine.model.condition import Condition, ConditionState
from engine.model.signal import Leg, Signal, signal_id
from engine.model.tick import Tick
from engine.strategies.hours import TimePassed

Moment = Tick | TimePassed
"""What gives a signal its time, its price and the number of its tick."""
_EXITS: Final = {leg.value: leg for leg in Leg if leg.is_exit}


def entry_signal(condition: Condition, moment: Moment) -> Signal:
    """The one entry that a condition ever gives."""
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
        price=moment.price,
        tick_seq=moment.seq,
        ts_event=moment.ts_event,
        reason="turning_point",
    )


def exit_signal(condition: Condition, moment: Moment) -> Signal:
    """The exit of all that it holds, for the leg and with the attempt that the condition says."""
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
        price=moment.price,
        tick_seq=moment.seq,
        ts_event=moment.ts_event,
        reason=leg.value,
    )


def working_signal(condition: Condition) -> Signal:
    """The signal that the condition waits for, made again (same id) after a restart or for a person's close."""
    moment = Tick(
        symbol=condition.spec.symbol,
        seq=condition.tick_seq,
        ts_event=condition.ts_updated,
        ts_recv=0,
        price=condition.trigger,
        quantity=0,
    )
    is_entering = condition.state is ConditionState.ENTERING
    return entry_signal(condition, moment) if is_entering else exit_signal(condition, moment)


def working_exit_id(condition: Condition) -> str:
    """Id of the last exit signal, empty before the first."""
    if condition.exit_leg is None or not condition.attempt:
        return ""
    return signal_id(condition.condition_id, condition.exit_leg, condition.attempt)


def exit_of(id: str) -> tuple[Leg, int] | None:
    """Which exit and which attempt a signal id names; None where it names none."""
    parts = id.rsplit("/", 2)
    if len(parts) != 3 or not parts[2].isdecimal() or parts[1] not in _EXITS:
        return None
    return _EXITS[parts[1]], int(parts[2])
