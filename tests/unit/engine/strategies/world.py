"""A ledger, an exchange and a clock around one strategy process, in which anything may come next.

The books here are the truth that the strategy is held against: its orders, their fills, and what was told of them.
"""

from dataclasses import replace
from datetime import date
from typing import Any

from engine.model.condition import (
    Condition,
    ConditionAction,
    ConditionCommand,
    ConditionExecution,
    ConditionSpec,
    ConditionState,
)
from engine.model.order import Order, OrderStatus, Reason, Side
from engine.model.session import SessionKind, TradingCalendar
from engine.model.signal import Signal, SignalRefused
from engine.model.tick import Tick
from engine.strategies.base import Decision
from engine.strategies.runner import SupportResistance, executions
from engine.timing import NS_PER_S
from tests.unit.engine.strategies.running import ENTRY, TRIGGER, made

S = ConditionState
CALENDAR = TradingCalendar()
SETTLEMENT = date(2024, 11, 20)
CRASH = 20_000
"""Beyond every stop."""


class World:
    """One condition, its process, the ledger's view of both, and an exchange that fills what it is told to.

    Args:
        day: of November 2024; trading begins at 13:20.
        spec: of the condition.
        cuts: the gateway cuts exits to what is held and not yet on its way out. Without it the strategy alone
            must give no exit too many.
    """

    def __init__(self, day: int, spec: dict[str, Any], *, cuts: bool) -> None:
        session = CALENDAR.session(date(2024, 11, day), SessionKind.DAY)
        self.now = session.open_ns + (4 * 60 + 35) * 60 * NS_PER_S
        self.cuts = cuts
        self.seq = self.revision = 0
        self.price = TRIGGER + 100
        self.orders: dict[str, Order] = {}
        self.flight: list[Signal] = []
        self.refused: set[str] = set()
        self.events: list[ConditionExecution | SignalRefused] = []
        self.told: list[ConditionExecution | SignalRefused] = []
        self.unreported = 0
        self.strategy = self._new_process()
        self.ledger = self.condition = Condition(
            spec=ConditionSpec(
                condition_id="c1",
                account="a",
                symbol="TXFK4",
                action=Side.BUY,
                trigger_price=TRIGGER,
                **spec,
            )
        )
        self.command(ConditionAction.PUT, self.condition.spec)
        self.command(ConditionAction.ARM)
        for price in (TRIGGER, ENTRY):
            self.tick(price, 0.1)

    # --- the books -----------------------------------------------------------------------------------------------

    @property
    def entered(self) -> int:
        return sum(order.filled for order in self.orders.values() if not order.reduce_only)

    @property
    def exited(self) -> int:
        return sum(order.filled for order in self.orders.values() if order.reduce_only)

    @property
    def leaving(self) -> int:
        """Lots of exits that may still trade."""
        return sum(order.remaining for order in self.orders.values() if order.reduce_only)

    @property
    def is_open(self) -> bool:
        session = CALENDAR.session_at(self.now, last_trading_day=SETTLEMENT)
        return session is not None and self.now < session.close_ns

    def check(self) -> None:
        """What must hold after everything."""
        assert self.exited + self.leaving <= self.entered
        entries = [order for order in self.orders.values() if not order.reduce_only]
        assert len(entries) <= 1
        assert len({order.signal_id for order in self.orders.values()}) == len(self.orders)

    # --- what may come -------------------------------------------------------------------------------------------

    def tick(self, price: int, after_s: float) -> None:
        """A print, or only the clock's beat where the market is closed."""
        self._advance(after_s)
        self.price = price
        if not self.is_open:
            self.clock(0)
            return
        self.seq += 1
        before = self.condition.state
        found = self._took(self.strategy.on_tick(self._print()))
        assert len(found.transitions) <= 1, f"{before}: {found.transitions}"

    def clock(self, after_s: float) -> None:
        self._advance(after_s)
        self._took(self.strategy.on_time(self.now))

    def take(self, place: int = 0) -> None:
        """The gateway takes a signal, with whose order it does at most one thing."""
        if not self.flight:
            return
        signal = self.flight.pop(place % len(self.flight))
        if signal.client_order_id in self.orders:
            return
        if signal.signal_id in self.refused:
            self.events.append(SignalRefused(signal=signal, reason=Reason.BROKER, ts_event=self.now))
            return
        order = replace(made(signal), status=OrderStatus.SENT, ts_updated=self.now)
        if not self.is_open:
            order = replace(order, status=OrderStatus.DENIED, reason=Reason.SESSION_CLOSED)
        elif order.reduce_only and self.cuts:
            order = self._cut(order)
        self._write(order)

    def fill(self, lots: int, place: int = -1, *, late: bool = False) -> None:
        """Lots of a working order trade; ``late``: also of an entry that ended without them."""
        order = self._order(place, lambda item: item.status.is_working or (late and _may_fill_late(item)))
        if order is None:
            return
        lots = min(lots, order.quantity - order.filled)
        is_full = lots + order.filled == order.quantity
        partly = order.status if order.status.is_final else OrderStatus.PARTIALLY_FILLED
        self._write(
            replace(
                order,
                filled=order.filled + lots,
                fill_value=order.fill_value + lots * ENTRY,
                status=OrderStatus.FILLED if is_full else partly,
            )
        )

    def end(self, status: OrderStatus, place: int = -1) -> None:
        """A working order ends, or nobody knows any more what became of it."""
        order = self._order(place, lambda item: item.status.is_working)
        if order is not None and not (order.filled and status is OrderStatus.REJECTED):
            self._write(replace(order, status=status, reason=Reason.BROKER))

    def refuse(self, place: int) -> None:
        """The executor refuses a signal of which no order was made."""
        if self.flight:
            signal = self.flight.pop(place % len(self.flight))
            if signal.client_order_id not in self.orders:
                self.refused.add(signal.signal_id)
                self.events.append(SignalRefused(signal=signal, reason=Reason.BROKER, ts_event=self.now))

    def tell(self, place: int) -> None:
        """The strategy hears of a change, not always in their order."""
        if self.events:
            event = self.events.pop(place % len(self.events))
            self.told.append(event)
            self._took(self.strategy.on_event(event))

    def tell_again(self, place: int) -> None:
        orders = [event for event in self.told if isinstance(event, ConditionExecution)]
        if orders:
            self._took(self.strategy.on_event(orders[place % len(orders)]))

    def command(self, action: ConditionAction, spec: ConditionSpec | None = None) -> None:
        self.revision += 1
        command = ConditionCommand(action=action, condition_id="c1", spec=spec, revision=self.revision)
        self._took(self.strategy.on_event(command))

    def restart(self, *, loses: bool = False) -> None:
        """A new process begins from the ledger; ``loses``: the last word of the old one never arrived."""
        known = self.ledger if loses else self.condition
        if loses:
            self.flight.clear()
        self.events.clear()
        self.told.clear()
        self.strategy = self._new_process()
        self.condition = self.ledger = known
        self._took(self.strategy.restore([known], self.orders.values()))
        self._took(self.strategy.on_time(self.now))

    def forget(self) -> None:
        """From here on the strategy's words do not reach the ledger, until it restarts or :meth:`hear` comes."""
        self.unreported = 1

    def hear(self) -> None:
        self.unreported = 0
        self.ledger = self.condition

    # --- the end -------------------------------------------------------------------------------------------------

    def unwind(self) -> None:
        """Nothing strange happens any more and the price is beyond every stop: the lots must go."""
        self.unreported = 0
        self._settle_orders()
        for _ in range(30):
            if self.condition.state in (S.CANCELLED, S.HELD, S.CLOSED, S.REJECTED):
                break
            self.tick(CRASH, 1.5 if self.is_open else 3600.0)
            self._settle_orders(fills=True)
        else:
            raise AssertionError(f"{self.condition} after {self.orders}")
        is_over = self.condition.state in (S.CLOSED, S.REJECTED)
        if is_over and self.condition.reason not in (Reason.SETTLED, Reason.NOT_REDUCING):
            assert self.entered == self.exited

    def is_exit_due_or_working(self) -> bool:
        """An exit works, is on its way, or is given at the next tick or beat of the clock."""
        if self.leaving or any(signal.leg.is_exit for signal in self.flight) or self.events:
            return True
        count = len(self.flight)
        self.tick(CRASH, 1.5)
        return len(self.flight) > count

    # --- inside --------------------------------------------------------------------------------------------------

    def _new_process(self) -> SupportResistance:
        return SupportResistance(calendar=CALENDAR)

    def _took(self, decision: Decision) -> Decision:
        if decision.conditions:
            self.condition = decision.conditions[-1]
            if not self.unreported:
                self.ledger = self.condition
        for signal in decision.signals:
            assert signal.quantity > 0
            assert signal.side is (Side.SELL if signal.leg.is_exit else Side.BUY)
            self.flight.append(signal)
        return decision

    def _print(self) -> Tick:
        return Tick(
            symbol="TXFK4", seq=self.seq, ts_event=self.now, ts_recv=self.now, price=self.price, quantity=1
        )

    def _advance(self, after_s: float) -> None:
        before = CALENDAR.session_at(self.now, last_trading_day=SETTLEMENT)
        self.now += int(after_s * NS_PER_S)
        after = CALENDAR.session_at(self.now, last_trading_day=SETTLEMENT)
        if before != after:  # orders die with their session
            for order in list(self.orders.values()):
                if order.status.is_working and order.status is not OrderStatus.UNKNOWN:
                    self._write(replace(order, status=OrderStatus.EXPIRED, reason=Reason.SESSION_ENDED))

    def _cut(self, order: Order) -> Order:
        left = self.entered - self.exited - self.leaving
        if left >= order.quantity:
            return order
        if left > 0:
            return replace(order, quantity=left)
        reason = Reason.EXIT_WORKING if self.leaving else Reason.NOT_REDUCING
        return replace(order, status=OrderStatus.DENIED, reason=reason)

    def _order(self, place: int, may: Any) -> Order | None:
        found = [order for order in self.orders.values() if may(order)]
        return found[place % len(found)] if found else None

    def _write(self, order: Order) -> None:
        order = replace(order, ts_updated=self.now)
        self.orders[order.client_order_id] = order
        told = executions(self.condition, self.orders.values())
        self.events.append(next(event for event in told if event.order == order))

    def _settle_orders(self, *, fills: bool = False) -> None:
        """Every signal becomes an order, every order ends, and the strategy hears of all."""
        for _ in range(len(self.flight) + 1):
            self.take()
        for order in list(self.orders.values()):
            if order.status.is_working and fills and order.reduce_only:
                self.fill(order.quantity, list(self._working()).index(order.client_order_id))
            elif order.status.is_working:
                self._write(replace(order, status=OrderStatus.CANCELLED, reason=Reason.KILLED))
        while self.events:
            self.tell(0)

    def _working(self) -> list[str]:
        return [key for key, order in self.orders.items() if order.status.is_working]


def _may_fill_late(order: Order) -> bool:
    """Real-world possibility: fills of an entry are told after its end."""
    is_over = order.status in (OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.REJECTED)
    return is_over and not order.reduce_only and order.filled < order.quantity
