"""A strategy that comes back after its entry was filled and before it could say that it had given it."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from engine.model.condition import Condition, ConditionExecution, ConditionSpec, ConditionState
from engine.model.order import Order, OrderStatus, OrderType, Side, TimeInForce
from engine.model.signal import Leg, client_order_id, signal_id
from engine.model.tick import Tick
from engine.strategies import runner
from engine.strategies.runner import SupportResistance, executions

ACCOUNT, SYMBOL = "A1", "TXFK4"
SPEC = ConditionSpec(
    condition_id="c",
    account=ACCOUNT,
    symbol=SYMBOL,
    action=Side.SELL,
    trigger_price=22_805,
    turning_points=2,
    stop_loss_points=30,
)
ENTRY_SEQ = 50


def tick(seq: int, price: int) -> Tick:
    return Tick(symbol=SYMBOL, seq=seq, ts_event=seq * 10**9, ts_recv=seq * 10**9, price=price, quantity=1)


def entry_order() -> Order:
    own = signal_id("c", Leg.ENTRY, 1)
    return Order(
        client_order_id=client_order_id(own),
        account=ACCOUNT,
        symbol=SYMBOL,
        side=Side.SELL,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
        price=0,
        quantity=1,
        filled=1,
        fill_value=22_803,
        status=OrderStatus.FILLED,
        signal_id=own,
        condition_id="c",
        tick_seq=ENTRY_SEQ,
    )


def test_ticks_before_the_entry_are_no_reason_to_exit() -> None:
    strategy = SupportResistance()
    told = Condition(spec=SPEC, state=ConditionState.TRIGGERED, trigger=SPEC.trigger_price, tick_seq=1)
    restored = strategy.restore([told], [entry_order()])
    assert restored.conditions[-1].state is ConditionState.OPEN
    assert not restored.signals
    # Before the entry the price was far beyond the stop loss; those ticks come again when it catches up.
    for seq in range(2, ENTRY_SEQ + 1):
        assert not strategy.on_tick(tick(seq, 23_040)).signals
    assert not strategy.on_tick(tick(ENTRY_SEQ + 1, 22_803)).signals
    assert [signal.leg for signal in strategy.on_tick(tick(ENTRY_SEQ + 2, 22_833)).signals] == [Leg.STOP_LOSS]


class TestManyConditions:
    """A resync costs what is live, and what became of it; not everything that ever was."""

    def restored(self, monkeypatch: pytest.MonkeyPatch, conditions: list[Condition]) -> dict[str, int]:
        """How many orders were looked at for each condition."""
        looked: dict[str, int] = {}

        def counting(condition: Condition, orders: Iterable[Order]) -> list[ConditionExecution]:
            known = list(orders)
            looked[condition.condition_id] = len(known)
            return executions(condition, known)

        monkeypatch.setattr(runner, "executions", counting)
        orders = [
            replace(entry_order(), client_order_id=f"o{number}", condition_id=f"c{number}") for number in range(20)
        ]
        SupportResistance().restore(conditions, orders)
        return looked

    def condition(self, number: int, state: ConditionState, entered: int = 1) -> Condition:
        spec = replace(SPEC, condition_id=f"c{number}")
        return Condition(
            spec=spec, state=state, trigger=SPEC.trigger_price, entered=entered, exited=entered, entry_ended=True
        )

    def test_each_condition_looks_at_its_own_orders(self, monkeypatch: pytest.MonkeyPatch) -> None:
        live = [self.condition(number, ConditionState.EXITING) for number in range(20)]
        assert self.restored(monkeypatch, live) == {f"c{number}": 1 for number in range(20)}

    def test_one_that_has_ended_is_not_looked_at_again(self, monkeypatch: pytest.MonkeyPatch) -> None:
        states = [state for state in ConditionState if state.is_final]
        ended = [self.condition(number, state) for number, state in enumerate(states)]
        assert not self.restored(monkeypatch, ended)

    def test_unless_more_has_entered_than_it_knew(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.restored(monkeypatch, [self.condition(0, ConditionState.CLOSED, entered=0)]) == {"c0": 1}
