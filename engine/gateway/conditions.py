"""Requests about conditions: what people command, what their strategies report, and one-cancels-other groups.

The rules of a condition are in :mod:`engine.strategies.support_resistance`; here is what the books say against it.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.model.condition import Condition, ConditionAction, ConditionCommand, ConditionState
from engine.model.order import Reason
from engine.model.signal import SignalRefused
from engine.strategies import support_resistance
from engine.strategies.signals import working_signal
from engine.wire.keys import Role
from engine.wire.messages import ConditionReport, Done, Envelope, Refused

if TYPE_CHECKING:
    from engine.gateway.gateway import Gateway


def take_command(gateway: "Gateway", command: ConditionCommand, envelope: Envelope, role: Role | None) -> object:
    """A person's command about one condition."""
    known = gateway.state.conditions.get(command.condition_id)
    if command.spec is not None and command.spec.condition_id != command.condition_id:
        return Refused(code=Reason.INVALID, text="the spec is of another condition")
    if why := support_resistance.refusal(known, command) or _in_market(gateway, command):
        return Refused(code=Reason.INVALID, text=why)
    if command.spec is not None and command.spec.symbol not in gateway.market.contracts:
        return Refused(code=Reason.UNKNOWN_SYMBOL, text=f"{command.spec.symbol} is not offered by the broker")
    if command.spec is not None and command.spec.account not in {item.account for item in gateway.accounts}:
        text = f"{command.spec.account!r} is no account of this login"
        return Refused(code=Reason.UNKNOWN_ACCOUNT, text=text)
    if command.action is ConditionAction.GUARD and (why := _not_to_guard(gateway, command)):
        return Refused(code=Reason.NOT_REDUCING, text=why)
    spec = command.spec or (known.spec if known else None)
    last = gateway.ticks.last_tick(spec.symbol) if spec else None
    tick_seq = last.seq if last else 0
    numbered = replace(command, revision=(known.revision if known else 0) + 1, tick_seq=tick_seq)
    if known is None:
        after = support_resistance.created(numbered, gateway.market.now_ns())
    else:
        after, _ = support_resistance.step(known, numbered)
        if moved := support_resistance.transition(known, after, numbered):
            moved = replace(moved, ts_event=gateway.market.now_ns())
            gateway.journal.record(moved)
            gateway.journal.tell(f"transition.{command.condition_id}", moved, envelope.id)
    after = replace(after, tick_seq=tick_seq, ts_updated=gateway.market.now_ns())
    gateway.journal.tell(f"condition.{command.condition_id}", numbered, envelope.id)
    gateway.journal.tell_condition(after, envelope.id)
    return Done(text=f"the condition is {after.state}")


def _not_to_guard(gateway: "Gateway", command: ConditionCommand) -> str:
    """Why lots cannot be put under guard: there must be so many that no other condition has."""
    spec = command.spec
    if spec is None:
        return "the lots to guard are missing"
    lots = gateway.state.unassigned(spec.account, spec.symbol) * spec.action.sign
    if spec.quantity > lots:
        return f"{spec.quantity} {spec.action} lots of {spec.symbol}; only {max(0, lots)} are without a guard"
    return ""


def cancel_group(gateway: "Gateway", condition_id: str) -> None:
    """One cancels other: a condition has entered, so the ones of its group that have not are kept from it.

    One that waits is cancelled. One that gave its signal already, whose order has not come yet, is refused it.
    """
    for other in gateway.state.group_of(condition_id):
        if other.state is ConditionState.ENTERING:
            gateway.orders.refuse_signal(_second_of_group(gateway, other, condition_id))
        elif not (other.state.is_final or other.state.is_in_market):
            command = ConditionCommand(
                action=ConditionAction.CANCEL, condition_id=other.condition_id, reason=Reason.OTHER_CANCELS
            )
            take_command(gateway, command, Envelope(type="condition_command", body=command), Role.WINDOW)


def _second_of_group(gateway: "Gateway", condition: Condition, first: str) -> SignalRefused:
    return SignalRefused(
        signal=working_signal(condition),
        reason=Reason.OTHER_CANCELS,
        text=f"{first} of its group entered first",
        ts_event=gateway.market.now_ns(),
    )


def _in_market(gateway: "Gateway", command: ConditionCommand) -> str:
    """Why a condition cannot be cancelled although its last report was from before its entry."""
    if command.action is not ConditionAction.CANCEL:
        return ""
    is_working = any(order.condition_id == command.condition_id for order in gateway.state.working())
    is_in = is_working or gateway.state.held(command.condition_id)
    return "its entry order is on its way" if is_in else ""


def release_empty(gateway: "Gateway", symbol: str) -> None:
    """Ends every condition ('' = of all contracts) that is entering and has no lots: all is being closed."""
    for condition in list(gateway.state.conditions.values()):
        if symbol in ("", condition.spec.symbol) and not gateway.state.held(condition.condition_id):
            _release(gateway, condition)


def release(gateway: "Gateway", account: str, symbol: str) -> None:
    """Ends every condition of a contract that is in the market: no lots are left to guard."""
    for condition in list(gateway.state.conditions.values()):
        if (condition.spec.account, condition.spec.symbol) == (account, symbol):
            _release(gateway, condition)


def _release(gateway: "Gateway", condition: Condition) -> None:
    if condition.state.is_in_market:
        command = ConditionCommand(action=ConditionAction.RELEASE, condition_id=condition.condition_id)
        take_command(gateway, command, Envelope(type="condition_command", body=command), Role.WINDOW)


def take_report(gateway: "Gateway", report: ConditionReport, envelope: Envelope, role: Role | None) -> object:
    """A strategy's word on one of its conditions."""
    condition = report.condition
    known = gateway.state.conditions.get(condition.condition_id)
    for signal in report.signals:
        if signal.signal_id not in gateway.state.signals:
            gateway.journal.record(signal)
            gateway.journal.tell(f"signal.{signal.condition_id}", signal)
    for moved in report.transitions:
        if known is not None and known.state is moved.target:
            continue  # a person's command: the gateway wrote it when it took the command
        gateway.journal.record(moved)
        gateway.journal.tell(f"transition.{condition.condition_id}", moved)
    if known is not None and condition.revision < known.revision:
        # A person's command is on its way to the strategy; its answer to that will be the truth.
        return Done(text="outdated")
    is_over = known is not None and known.state is ConditionState.CANCELLED
    if is_over and not condition.state.is_final and not gateway.state.left(condition.condition_id):
        # Its strategy was just entering when it was cancelled: that entry is denied, and with it the word ends.
        return Done(text="cancelled before")
    if condition != known:
        gateway.journal.tell_condition(condition, envelope.id)
    return Done()
