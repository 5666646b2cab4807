"""One strategy process with one condition, for its tests. Prices are told for BUY and mirrored for SELL."""

from dataclasses import replace
from typing import Any

from engine.model.condition import (
    Condition,
    ConditionAction,
    ConditionCommand,
    ConditionExecution,
    ConditionSpec,
    ConditionState,
)
from engine.model.order import Order, OrderStatus, OrderType, Reason, Side, TimeInForce
from engine.model.signal import Signal, SignalRefused
from engine.model.tick import Tick
from engine.strategies.base import Decision
from engine.strategies.runner import SupportResistance, executions
from engine.timing import NS_PER_S

MIRROR = 2 * 22_800
"""Even, so that a price and its mirror image round alike."""
TRIGGER = 22_800
ENTRY = 22_815
TARGET = ENTRY + 90
STOP = ENTRY - 30


class Run:
    """One strategy process with one condition, and the orders that a gateway would have made of its signals."""

    def __init__(
        self, side: Side = Side.BUY, *, is_armed: bool = True, start_ns: int = 1_000 * NS_PER_S, **spec: Any
    ) -> None:
        self.side = side
        self.strategy = SupportResistance()
        self.seq = 0
        self.now = start_ns
        self.revision = 0
        self.orders: dict[str, Order] = {}
        self.signals: list[Signal] = []
        self.path: list[ConditionState] = []
        self.condition = Condition(spec=self.spec(**spec))
        self.command(ConditionAction.PUT, self.condition.spec)
        if is_armed:
            self.command(ConditionAction.ARM)

    def at(self, price: int) -> int:
        """The price for BUY, its mirror image for SELL."""
        return price if self.side is Side.BUY else MIRROR - price

    def state(self) -> ConditionState:
        return self.condition.state

    def spec(self, **changes: Any) -> ConditionSpec:
        trigger = self.at(changes.pop("trigger_price", TRIGGER))
        return ConditionSpec(
            condition_id="c1", account="a", symbol="TXFK4", action=self.side, trigger_price=trigger, **changes
        )

    def took(self, decision: Decision) -> Decision:
        self.signals += decision.signals
        self.path += [moved.target for moved in decision.transitions]
        if decision.conditions:
            self.condition = decision.conditions[-1]
        return decision

    def command(self, action: ConditionAction, spec: ConditionSpec | None = None, tick_seq: int = 0) -> Decision:
        self.revision += 1
        command = ConditionCommand(
            action=action, condition_id="c1", spec=spec, revision=self.revision, tick_seq=tick_seq
        )
        return self.took(self.strategy.on_event(command))

    def tick(self, price: int, *, flags: int = 0, after_s: float = 0.01, seq: int = 0) -> Decision:
        self.seq = seq or self.seq + 1
        self.now += int(after_s * NS_PER_S)
        return self.took(self.strategy.on_tick(self.print(price, flags)))

    def print(self, price: int, flags: int = 0) -> Tick:
        return Tick(
            symbol="TXFK4",
            seq=self.seq,
            ts_event=self.now,
            ts_recv=self.now,
            price=self.at(price),
            quantity=1,
            flags=flags,
        )

    def tick_at(self, ts_ns: int, price: int, *, flags: int = 0) -> Decision:
        self.now = ts_ns
        return self.tick(price, flags=flags, after_s=0)

    def clock(self, ts_ns: int) -> Decision:
        """Market time where no tick comes."""
        self.now = ts_ns
        return self.took(self.strategy.on_time(ts_ns))

    def ticks(self, *prices: int) -> None:
        for price in prices:
            self.tick(price)

    def order(
        self,
        status: OrderStatus,
        *,
        filled: int = 0,
        price: int = 0,
        reason: Reason = Reason.NONE,
        signal: Signal | None = None,
    ) -> ConditionExecution:
        """The order of a signal (the last one) with ``filled`` more lots, as the ledger tells it."""
        signal = signal or self.signals[-1]
        before = self.orders.get(signal.client_order_id) or made(signal)
        self.orders[before.client_order_id] = replace(
            before,
            status=status,
            filled=before.filled + filled,
            fill_value=before.fill_value + filled * self.at(price or ENTRY),
            reason=reason,
            ts_updated=self.now,
        )
        order = self.orders[before.client_order_id]
        event = next(item for item in executions(self.condition, self.orders.values()) if item.order == order)
        self.took(self.strategy.on_event(event))
        return event

    def fill(self, lots: int = 1, price: int = ENTRY) -> ConditionExecution:
        return self.order(OrderStatus.FILLED, filled=lots, price=price)

    def opened(self, price: int = ENTRY) -> "Run":
        self.ticks(TRIGGER, ENTRY)
        self.fill(self.condition.spec.quantity, price)
        assert self.condition.state is ConditionState.OPEN
        return self

    def restarted(self, condition: Condition | None = None) -> Decision:
        """A new process that begins from the ledger."""
        self.strategy = SupportResistance()
        return self.took(self.strategy.restore([condition or self.condition], self.orders.values()))

    def levels(self) -> tuple[int, int, int, int]:
        found = self.condition.levels
        return (
            self.at(found.trigger),
            self.at(found.entry),
            self.at(found.take_profit),
            self.at(found.stop_loss),
        )


def made(signal: Signal) -> Order:
    return Order(
        client_order_id=signal.client_order_id,
        account=signal.account,
        symbol=signal.symbol,
        side=signal.side,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
        price=0,
        quantity=signal.quantity,
        reduce_only=signal.leg.is_exit,
        signal_id=signal.signal_id,
        condition_id=signal.condition_id,
    )


def refused(signal: Signal, reason: Reason = Reason.STALE_SIGNAL) -> SignalRefused:
    return SignalRefused(signal=signal, reason=reason, text="2.5 s old", ts_event=5)
