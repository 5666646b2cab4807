"""The support/resistance condition as values: what the trader asked for (spec) and how far it is (condition).

The rules that move a condition are in :mod:`engine.strategies.support_resistance`.
"""

from dataclasses import dataclass
from enum import StrEnum

from engine.model.order import Order, Reason, Side
from engine.model.signal import Leg


class ConditionState(StrEnum):
    """Where a condition is in its life."""

    DRAFT = "draft"
    """Drawn, not yet armed: nothing watches it."""
    ARMED = "armed"
    TRIGGERED = "triggered"
    """The level was touched; waiting for the turning point."""
    ENTERING = "entering"
    OPEN = "open"
    """Lots are held and guarded."""
    EXITING = "exiting"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    """The entry was refused, by us or by the broker; the reason says why."""
    HELD = "held"
    """Lots are held unguarded by the trader's choice until a person arms it again."""

    @property
    def is_final(self) -> bool:
        """Nothing more is expected to happen."""
        return self in (ConditionState.CLOSED, ConditionState.CANCELLED, ConditionState.REJECTED)

    @property
    def is_waiting(self) -> bool:
        """Watches for its entry; no order was given yet."""
        return self in (ConditionState.ARMED, ConditionState.TRIGGERED)

    @property
    def is_in_market(self) -> bool:
        """An order was given or lots are held."""
        return self in (
            ConditionState.ENTERING,
            ConditionState.OPEN,
            ConditionState.EXITING,
            ConditionState.HELD,
        )


class LevelsFrom(StrEnum):
    """What take profit and stop loss are measured from."""

    ENTRY_LEVEL = "entry_level"
    """Trigger price plus or minus the turning points."""
    AVERAGE_FILL = "average_fill"


class SessionEnd(StrEnum):
    """What becomes of a condition when its session closes. Orders die with the session; the guard need not."""

    REARM = "rearm"
    """It goes on in the next session just as it is: still waiting, or still guarding."""
    FLATTEN = "flatten"
    """Shortly before the close its lots are sold or bought back; still waiting, it is cancelled."""
    UNGUARDED = "unguarded"
    """Its lots are held through the close and stay unguarded until a person arms it; still waiting, it is
    cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionSpec:
    """What the trader asked for. Points are scaled like prices.

    Attributes:
        condition_id: unique; printable ASCII, at most 64 characters.
        account: order account of entry and exits.
        symbol: contract code.
        action: BUY at a support, SELL at a resistance.
        trigger_price: the level.
        turning_points: how far the price must come back before entry.
        take_profit_points: distance of the take profit.
        stop_loss_points: distance of the stop loss.
        quantity: lots.
        following: before entry, the trigger follows the extreme price.
        trailing_points: after entry, a stop that follows the best price at this distance; 0 = none.
        levels_from: what take profit and stop loss are measured from.
        breakeven_points: after entry, once the price was so far in favour, the stop loss moves to the price that
            take profit and stop loss are measured from; 0 = never.
        time_stop_s: the lots are closed after so many seconds of market time; 0 = never.
        session_end: what becomes of it when its session closes.
        oco_group: one cancels other: the first condition of the group that fills cancels the others that have not.
            While its order is out no other order of the group is made; one whose order finds no lot makes way for
            the others. Empty = none. Printable ASCII, at most 64 characters.
    """

    condition_id: str
    account: str
    symbol: str
    action: Side
    trigger_price: int
    turning_points: int = 15
    take_profit_points: int = 90
    stop_loss_points: int = 30
    quantity: int = 1
    following: bool = False
    trailing_points: int = 0
    levels_from: LevelsFrom = LevelsFrom.ENTRY_LEVEL
    breakeven_points: int = 0
    time_stop_s: int = 0
    session_end: SessionEnd = SessionEnd.REARM
    oco_group: str = ""

    def problem(self) -> str:
        """What is wrong with it, in a sentence; empty if it can be armed."""
        for name in ("condition_id", "account", "symbol"):
            if not getattr(self, name):
                return f"{name} is missing"
        if not (self.condition_id.isascii() and self.condition_id.isprintable() and len(self.condition_id) <= 64):
            # It is part of topics and of message ids.
            return "condition_id must be printable ASCII of at most 64 characters"
        for name in ("trigger_price", "turning_points", "take_profit_points", "stop_loss_points", "quantity"):
            if getattr(self, name) < 1:
                return f"{name} is {getattr(self, name)}, it must be at least 1"
        for name in ("trailing_points", "breakeven_points", "time_stop_s"):
            if getattr(self, name) < 0:
                return f"{name} is {getattr(self, name)}, it must be 0 (off) or more"
        if not (self.oco_group.isascii() and self.oco_group.isprintable() and len(self.oco_group) <= 64):
            return "oco_group must be printable ASCII of at most 64 characters"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """The four prices that a person sees on the chart, scaled."""

    trigger: int
    entry: int
    take_profit: int
    stop_loss: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition at one moment.

    Attributes:
        spec: what was asked for.
        state: where it is.
        trigger: the level now (moved by ``following``).
        entered: lots filled by entry orders.
        entry_value: sum of price x lots of those fills.
        exited: lots filled by exit orders.
        entry_ended: the entry order is final, no more entry fills are expected.
        best_price: best price since entry, for trailing and breakeven stop; 0 before.
        exit_leg: which exit is due, or None.
        is_exit_working: an exit signal was given and its order has not ended.
        attempt: number of the last exit signal.
        reason: why it ended, where that is not plain.
        text: the same for people.
        revision: number of the last command of a person that is contained.
        tick_seq: the symbol's number of the last tick that is contained.
        ts_updated: exchange time of the last change.
        adopted: lots of a position that were put under guard with :attr:`ConditionAction.GUARD`; they count as
            entered. Never changes.
        adopted_value: sum of price x lots of those.
        ts_opened: exchange time of the first fill (or of the guarding), for the time stop; 0 before.
        released: lots that it had when it ended and guards no more: closed by other hands, settled by the
            exchange, or left to the person.
    """

    spec: ConditionSpec
    state: ConditionState = ConditionState.DRAFT
    trigger: int = 0
    entered: int = 0
    entry_value: int = 0
    exited: int = 0
    entry_ended: bool = False
    best_price: int = 0
    exit_leg: Leg | None = None
    is_exit_working: bool = False
    attempt: int = 0
    reason: Reason = Reason.NONE
    text: str = ""
    revision: int = 0
    tick_seq: int = 0
    ts_updated: int = 0
    adopted: int = 0
    adopted_value: int = 0
    ts_opened: int = 0
    released: int = 0

    @property
    def condition_id(self) -> str:
        """Id of the spec."""
        return self.spec.condition_id

    @property
    def held(self) -> int:
        """Lots that this condition holds and guards."""
        return max(0, self.entered - self.exited - self.released)

    @property
    def entry_level(self) -> int:
        """Price at which the turning point is reached; of adopted lots their average price."""
        if self.adopted:
            return self.trigger
        return self.trigger + self.spec.action.sign * self.spec.turning_points

    @property
    def base(self) -> int:
        """Price that take profit and stop loss are measured from; of adopted lots their average price."""
        if self.adopted:
            return round(self.adopted_value / self.adopted)
        if self.spec.levels_from is LevelsFrom.AVERAGE_FILL and self.entered:
            return round(self.entry_value / self.entered)
        return self.entry_level

    @property
    def stop(self) -> tuple[int, Leg]:
        """The stop as it is now, and which one it is: of fixed, breakeven and trailing stop the tightest."""
        spec, sign, base, best = self.spec, self.spec.action.sign, self.base, self.best_price
        price, leg = base - sign * spec.stop_loss_points, Leg.STOP_LOSS
        if not best:
            return price, leg
        if spec.breakeven_points and sign * (best - base) >= spec.breakeven_points:
            price, leg = base, Leg.BREAKEVEN_STOP
        trailing = best - sign * spec.trailing_points
        if spec.trailing_points and sign * (trailing - price) > 0:
            price, leg = trailing, Leg.TRAILING_STOP
        return price, leg

    @property
    def levels(self) -> Levels:
        """Trigger, entry, take profit and stop loss as they are now, trailing and breakeven taken into account."""
        return Levels(
            trigger=self.trigger,
            entry=self.entry_level,
            take_profit=self.base + self.spec.action.sign * self.spec.take_profit_points,
            stop_loss=self.stop[0],
        )

    @property
    def is_trailing(self) -> bool:
        """The trailing stop has overtaken the fixed stop loss, and the breakeven stop where there is one."""
        return self.stop[1] is Leg.TRAILING_STOP

    @property
    def is_breakeven(self) -> bool:
        """The stop loss was moved to where take profit and stop loss are measured from."""
        return self.stop[1] is Leg.BREAKEVEN_STOP


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A fact: a condition changed its state.

    Attributes:
        condition_id: which condition.
        origin: state before.
        target: state after.
        tick_seq: the symbol's number of the last tick before or at the change.
        price: price of the tick or fill that caused it, scaled; the last tick's where time did; 0 for a person's
            act.
        ts_event: exchange time.
    """

    condition_id: str
    origin: ConditionState
    target: ConditionState
    tick_seq: int
    price: int
    ts_event: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionExecution:
    """A fact: an order of a condition changed. The totals are those of the ledger, so missing one loses nothing.

    Attributes:
        condition_id: which condition (or other strategy).
        order: the order as it is now.
        entered: lots filled by all its entry orders.
        entry_value: sum of price x lots of those.
        exited: lots filled by all its exit orders.
    """

    condition_id: str
    order: Order
    entered: int
    entry_value: int
    exited: int


class ConditionAction(StrEnum):
    """What a person can do to a condition."""

    PUT = "put"
    """Create it, or replace its spec."""
    ARM = "arm"
    """Begin to watch; a condition that holds lots unguarded guards them again."""
    CANCEL = "cancel"
    """Stop watching; refused while it holds lots."""
    RELEASE = "release"
    """Stop watching and leave the lots to the person, unguarded."""
    CLOSE = "close"
    """Exit the lots it holds now, or cancel it where it holds none."""
    GUARD = "guard"
    """Put ``spec.quantity`` lots of the position under guard: the condition begins open, ``spec.action`` is the
    side that made the lots, ``spec.trigger_price`` their average price, from which the levels are measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionCommand:
    """A command of a person about one condition.

    Attributes:
        action: what to do.
        condition_id: to which condition.
        spec: the new spec, for PUT and GUARD.
        revision: number given by the gateway when it took the command.
        tick_seq: the symbol's number of the last tick when the gateway took it; earlier ticks are void for it.
        reason: why it is cancelled: a person's act, or the other condition of its group was first.
    """

    action: ConditionAction
    condition_id: str
    spec: ConditionSpec | None = None
    revision: int = 0
    tick_seq: int = 0
    reason: Reason = Reason.PERSON
