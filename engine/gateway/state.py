"""What the ledger's events add up to: orders, fills, positions, conditions, decided signals and the halt.

A pure fold: the same events give the same state. Only :class:`engine.gateway.ledger.Ledger` feeds it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from engine.model.books import Difference, LimitsChanged, PositionAdjusted
from engine.model.condition import Condition, ConditionState, Transition
from engine.model.instrument import Instrument
from engine.model.market import HaltChanged, HaltDepth
from engine.model.order import Fill, Order, OrderStatus, Reason, Side
from engine.model.position import Position
from engine.model.signal import Signal, SignalRefused
from engine.settings import Risk

Event = (
    Order
    | Fill
    | Condition
    | Transition
    | Signal
    | SignalRefused
    | HaltChanged
    | Difference
    | PositionAdjusted
    | LimitsChanged
)


FillKey = tuple[str, str, str]


def fill_key(fill: Fill) -> FillKey:
    """What makes a fill unique in a ledger of many days: match numbers begin anew with every trade date."""
    return (fill.account, fill.client_order_id, fill.fill_id)


@dataclass(frozen=True, slots=True)
class Holding:
    """Lots that the orders of one condition filled, and which way it entered.

    Attributes:
        failed_exits: exits in a row that ended without a lot: refused by us or the broker, or found nobody.
    """

    account: str = ""
    symbol: str = ""
    sign: int = 0
    entered: int = 0
    entry_value: int = 0
    exited: int = 0
    failed_exits: int = 0


class TradingState:
    """Current state of everything the gateway owns.

    Args:
        instruments: by symbol; filled by the gateway as contracts become known.
    """

    def __init__(self, instruments: dict[str, Instrument]) -> None:
        self.instruments = instruments
        self.orders: dict[str, Order] = {}
        self.holdings: dict[str, Holding] = {}
        self._working: dict[str, Order] = {}
        self.order_of_signal: dict[str, str] = {}
        self.fills: dict[FillKey, Fill] = {}
        self.positions: dict[tuple[str, str], Position] = {}
        self.adjustments: list[PositionAdjusted] = []
        self.conditions: dict[str, Condition] = {}
        self.transitions: list[Transition] = []
        self.signals: dict[str, Signal] = {}
        self.refused: dict[str, SignalRefused] = {}
        self.halted: HaltChanged | None = None
        """The last change of the halt: by whom, when and why; None = there was none yet."""
        self.limits = Risk()
        self.settings_limits: Risk | None = None
        """What the settings file said when it last changed the limits."""
        self.differences: dict[tuple[str, str, str, str], Difference] = {}
        """Those that are not settled."""

    @property
    def halt(self) -> HaltDepth:
        """How far trading is halted."""
        return self.halted.depth if self.halted else HaltDepth.NONE

    def apply(self, event: Event) -> None:
        """Adds one event."""
        match event:
            case Order():
                self._apply_order(event)
            case Fill():
                self._apply_fill(event)
            case Condition():
                self._apply_condition(event)
            case Transition():
                self.transitions.append(event)
            case Signal():
                self.signals[event.signal_id] = event
            case SignalRefused():
                self._count_refused(event)
                self.refused[event.signal.signal_id] = event
                self.signals.setdefault(event.signal.signal_id, event.signal)
            case HaltChanged():
                self.halted = event
            case LimitsChanged():
                self.limits = event.limits
                if event.by == "settings":
                    self.settings_limits = event.limits
            case Difference(is_settled=True):
                self.differences.pop(event.key, None)
            case Difference():
                self.differences[event.key] = event
            case PositionAdjusted():
                self._adjust(event)

    def _apply_condition(self, condition: Condition) -> None:
        """Lots that a condition took over from the position count as entered by it."""
        if condition.adopted and condition.condition_id not in self.holdings:
            spec = condition.spec
            self.holdings[condition.condition_id] = Holding(
                account=spec.account,
                symbol=spec.symbol,
                sign=spec.action.sign,
                entered=condition.adopted,
                entry_value=condition.adopted_value,
            )
        self.conditions[condition.condition_id] = condition

    def _adjust(self, event: PositionAdjusted) -> None:
        self.adjustments.append(event)
        key = (event.account, event.symbol)
        position = self.positions.get(key) or Position(account=event.account, symbol=event.symbol)
        self.positions[key] = position.adjusted(event.lots, event.price)

    def _apply_order(self, order: Order) -> None:
        before = self.orders.get(order.client_order_id)
        self.orders[order.client_order_id] = order
        if order.signal_id:
            self.order_of_signal[order.signal_id] = order.client_order_id
        if order.status.is_working:
            self._working[order.client_order_id] = order
        else:
            self._working.pop(order.client_order_id, None)
        if order.condition_id:
            filled = order.filled - (before.filled if before else 0)
            value = order.fill_value - (before.fill_value if before else 0)
            held = self.holdings.get(order.condition_id, Holding())
            if order.reduce_only:
                failed = 0 if filled else held.failed_exits + _has_failed(order, before)
                held = replace(held, exited=held.exited + filled, failed_exits=failed)
            else:
                held = replace(
                    held,
                    account=order.account,
                    symbol=order.symbol,
                    sign=order.side.sign,
                    entered=held.entered + filled,
                    entry_value=held.entry_value + value,
                )
            self.holdings[order.condition_id] = held

    def _count_refused(self, event: SignalRefused) -> None:
        signal = event.signal
        if signal.leg.is_exit and signal.signal_id not in self.refused:
            held = self.holding(signal.condition_id)
            self.holdings[signal.condition_id] = replace(held, failed_exits=held.failed_exits + 1)

    def _apply_fill(self, fill: Fill) -> None:
        self.fills[fill_key(fill)] = fill
        key = (fill.account, fill.symbol)
        position = self.positions.get(key) or Position(account=fill.account, symbol=fill.symbol)
        self.positions[key] = position.with_fill(fill, self.instruments[fill.symbol])

    def recent_orders(self, count: int) -> list[Order]:
        """The newest orders, and every older one that works or belongs to a live condition."""
        orders = list(self.orders.values())
        cut = max(0, len(orders) - count)
        live = {key for key, item in self.conditions.items() if not item.state.is_final}
        kept = [item for item in orders[:cut] if not item.status.is_final or item.condition_id in live]
        return kept + orders[cut:]

    def is_decided(self, signal_id: str) -> bool:
        """Whether a signal has become an order that left the intent behind, or was refused."""
        if signal_id in self.refused:
            return True
        order = self.orders.get(self.order_of_signal.get(signal_id, ""))
        return order is not None and order.status is not OrderStatus.INTENT

    def holding(self, condition_id: str) -> Holding:
        """What the orders of a condition have filled."""
        return self.holdings.get(condition_id, Holding())

    def held(self, condition_id: str) -> int:
        """Lots that a condition holds now. One that has ended holds none, whatever its orders filled."""
        condition = self.conditions.get(condition_id)
        return 0 if condition is not None and condition.state.is_final else self.left(condition_id)

    def left(self, condition_id: str) -> int:
        """Lots that a condition's orders entered and that it neither exited nor released.

        Of a condition that has ended these are what a late fill brought, before its strategy has opened it again.
        """
        held, condition = self.holding(condition_id), self.conditions.get(condition_id)
        released = condition.released if condition is not None else 0
        return max(0, held.entered - held.exited - released)

    def working(self, symbol: str = "") -> list[Order]:
        """Orders that may still trade, of one contract or of all."""
        return [order for order in self._working.values() if not symbol or order.symbol == symbol]

    def at_stake(self) -> set[str]:
        """Contracts with lots, working orders or conditions that wait or are in the market."""
        symbols = {order.symbol for order in self._working.values()}
        symbols |= {position.symbol for position in self.positions.values() if position.net}
        live = (item for item in self.conditions.values() if item.state.is_waiting or item.state.is_in_market)
        return symbols | {item.spec.symbol for item in live}

    def net(self, account: str, symbol: str) -> int:
        """Net lots, negative when short."""
        position = self.positions.get((account, symbol))
        return position.net if position else 0

    def reducible(self, account: str, symbol: str, side: Side, condition_id: str = "") -> int:
        """Lots that an exit of this side may still close.

        Working exits count as if filled, so exits never add up to more than is held. An account nets: a long and
        a short condition of one lot each leave no position, yet each must be able to exit. So an exit of a
        condition may also use the lots that conditions of the other direction hold against it.
        """
        lots = -side.sign * self.net(account, symbol)
        if condition_id and self.holding(condition_id).sign == side.sign:
            return 0  # this side adds to what the condition holds
        if condition_id:
            lots += self._held_by_others(account, symbol, side, condition_id)
        exits = self.exits(account, symbol, side)
        lots -= sum(order.remaining for order in exits)
        if condition_id:
            own = sum(order.remaining for order in exits if order.condition_id == condition_id)
            lots = min(lots, self.left(condition_id) - own)
        return max(0, lots)

    def group_of(self, condition_id: str) -> list[Condition]:
        """The other conditions of a one-cancels-other group, of the same account and contract."""
        own = self.conditions.get(condition_id)
        if own is None or not own.spec.oco_group:
            return []
        key = (own.spec.oco_group, own.spec.account, own.spec.symbol)
        return [
            item
            for item in self.conditions.values()
            if item is not own and (item.spec.oco_group, item.spec.account, item.spec.symbol) == key
        ]

    def first_of_group(self, condition_id: str) -> str:
        """The other condition of the group that has entered or is entering; empty if there is none."""
        entering = {order.condition_id for order in self.working() if not order.reduce_only}
        for other in self.group_of(condition_id):
            is_entering = other.condition_id in entering and other.state is not ConditionState.CANCELLED
            if is_entering or self.held(other.condition_id):
                return other.condition_id
        return ""

    def unassigned(self, account: str, symbol: str) -> int:
        """Signed lots of a position that no live condition has: those can be put under guard."""
        net = self.net(account, symbol)
        sign = 1 if net > 0 else -1
        taken = sum(
            self.held(key)
            for key, held in self.holdings.items()
            if (held.account, held.symbol, held.sign) == (account, symbol, sign)
        )
        return sign * max(0, abs(net) - taken)

    def exits(self, account: str, symbol: str, side: Side) -> list[Order]:
        """Working exits of this side."""
        return [
            order
            for order in self.working(symbol)
            if order.reduce_only and order.side is side and order.account == account
        ]

    def closing(self, account: str, symbol: str, side: Side) -> int:
        """Lots that working exits of this side are about to close."""
        return sum(order.remaining for order in self.exits(account, symbol, side))

    def _held_by_others(self, account: str, symbol: str, side: Side, condition_id: str) -> int:
        """Lots that other conditions, which entered by orders of this side, hold."""
        return sum(
            self.held(key)
            for key, held in self.holdings.items()
            if key != condition_id and (held.account, held.symbol, held.sign) == (account, symbol, side.sign)
        )


def _has_failed(order: Order, before: Order | None) -> bool:
    """Whether an exit has now ended without a lot; one that other exits made needless has not failed."""
    has_ended = order.status.is_final and not (before is not None and before.status.is_final)
    return has_ended and not order.filled and order.reason is not Reason.EXIT_WORKING


def folded(events: Iterable[Event], instruments: dict[str, Instrument]) -> TradingState:
    """The state that a sequence of events adds up to."""
    state = TradingState(instruments)
    for event in events:
        state.apply(event)
    return state
