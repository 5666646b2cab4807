"""What guards each lot: fills, live conditions and the health of processes and links in, coverage out."""

from datetime import date
from typing import Any

import pytest

from engine.gateway.coverage import CoverageWatch
from engine.gateway.state import TradingState
from engine.model.condition import Condition, ConditionSpec, ConditionState
from engine.model.guard import Coverage, GuardFault
from engine.model.instrument import instrument
from engine.model.market import LinkState, LinkStatus
from engine.model.order import Fill, Order, OrderStatus, OrderType, Reason, Side, TimeInForce
from engine.model.session import TradingCalendar
from engine.model.signal import Leg, Signal, SignalRefused, signal_id

SYMBOL = "TXFK4"
B, S = Side.BUY, Side.SELL


class Bench:
    """A state that is fed by hand, a clock that stands still, and processes whose health is set."""

    def __init__(self) -> None:
        made = instrument(SYMBOL, near=date(2024, 11, 5), calendar=TradingCalendar())
        self.state = TradingState({SYMBOL: made})
        self.links: dict[str, LinkStatus] = {}
        self.feeds = {SYMBOL: LinkState.UP}
        self.fault = GuardFault.NONE
        self.seconds = 0.0
        self.watch = CoverageWatch(
            self.state,
            self.links,
            lambda symbol: self.feeds.get(symbol, LinkState.DOWN),
            lambda condition_id: self.fault,
            3.0,
            lambda: self.seconds,
        )
        self._count = 0

    def fill(self, side: Side, lots: int, condition_id: str = "", *, is_exit: bool = False) -> None:
        """An order that fills at once."""
        self.order(side, lots, condition_id, is_exit=is_exit, filled=lots)
        fill = Fill(
            fill_id=f"f{self._count}",
            client_order_id=f"o{self._count}",
            account="a",
            symbol=SYMBOL,
            side=side,
            price=22_800,
            quantity=lots,
            ts_event=1,
            condition_id=condition_id,
        )
        self.state.apply(fill)

    def order(
        self,
        side: Side,
        lots: int,
        condition_id: str = "",
        *,
        is_exit: bool = False,
        filled: int = 0,
        **changes: Any,
    ) -> None:
        self._count += 1
        self.state.apply(
            Order(
                client_order_id=f"o{self._count}",
                account="a",
                symbol=SYMBOL,
                side=side,
                order_type=OrderType.MARKET,
                time_in_force=TimeInForce.IOC,
                price=0,
                quantity=lots,
                filled=filled,
                fill_value=filled * 22_800,
                reduce_only=is_exit,
                condition_id=condition_id,
                **({"status": OrderStatus.FILLED if filled == lots else OrderStatus.ACCEPTED} | changes),
            )
        )

    def condition(self, key: str, action: Side, state: ConditionState, lots: int = 1) -> None:
        spec = ConditionSpec(
            condition_id=key, account="a", symbol=SYMBOL, action=action, trigger_price=22_785, quantity=lots
        )
        self.state.apply(Condition(spec=spec, state=state, trigger=22_785))

    def look(self) -> Coverage:
        self.watch.look()
        return self.watch.now["a", SYMBOL]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_nothing_is_told_of_what_was_never_held(bench: Bench) -> None:
    assert bench.watch.look() == []


def test_lots_of_an_open_condition_are_guarded_at_its_levels(bench: Bench) -> None:
    bench.condition("c", B, ConditionState.OPEN, 2)
    bench.fill(B, 2, "c")
    found = bench.look()
    assert (found.net, found.guarded, found.naked, found.is_alarm) == (2, 2, 0, False)
    (guard,) = found.guards
    assert (guard.lots, guard.take_profit, guard.stop_loss) == (2, 22_890, 22_770)


def test_only_what_is_filled_and_not_yet_closed_counts(bench: Bench) -> None:
    bench.condition("c", B, ConditionState.OPEN, 5)
    bench.fill(B, 3, "c")
    bench.fill(S, 1, "c", is_exit=True)
    found = bench.look()
    assert (found.net, found.guarded, found.guards[0].lots) == (2, 2, 2)


def test_lots_by_hand_are_naked_and_an_alarm_after_the_limit(bench: Bench) -> None:
    bench.fill(S, 2)
    assert (bench.look().naked, bench.look().is_alarm) == (2, False)
    bench.seconds = 3.5
    assert bench.look().is_alarm
    since = bench.look().naked_since
    bench.seconds = 100
    assert bench.look().naked_since == since


def test_the_alarm_ends_when_the_lots_are_gone(bench: Bench) -> None:
    bench.fill(B, 1)
    bench.look()
    bench.seconds = 4
    assert bench.look().is_alarm
    bench.fill(S, 1)
    found = bench.look()
    assert (found.net, found.naked, found.is_alarm, found.naked_since) == (0, 0, False, 0)
    assert bench.watch.look() == []


@pytest.mark.parametrize("fault", [GuardFault.EXECUTOR_DOWN, GuardFault.STRATEGY_DOWN, GuardFault.NOT_STARTED])
def test_a_guard_whose_process_is_down_guards_nothing(bench: Bench, fault: GuardFault) -> None:
    bench.condition("c", B, ConditionState.OPEN)
    bench.fill(B, 1, "c")
    bench.fault = fault
    found = bench.look()
    assert (found.guarded, found.naked, found.guards[0].fault) == (0, 1, fault)


@pytest.mark.parametrize(
    ("state", "fault"),
    [
        (LinkState.UP, GuardFault.NONE),
        (LinkState.CONNECTING, GuardFault.LINK_DOWN),
        (LinkState.DOWN, GuardFault.LINK_DOWN),
    ],
)
def test_a_guard_needs_the_link_for_orders(bench: Bench, state: LinkState, fault: GuardFault) -> None:
    bench.condition("c", B, ConditionState.OPEN)
    bench.fill(B, 1, "c")
    bench.links["trade"] = LinkStatus(link="trade", state=state)
    assert bench.look().guards[0].fault is fault


@pytest.mark.parametrize("state", [state for state in LinkState if state is not LinkState.UP])
def test_a_guard_needs_a_feed_that_is_heard(bench: Bench, state: LinkState) -> None:
    bench.condition("c", B, ConditionState.OPEN)
    bench.fill(B, 1, "c")
    assert bench.look().guards[0].fault is GuardFault.NONE
    bench.feeds = {SYMBOL: state, "MXFK4": LinkState.UP}
    found = bench.look()
    assert (found.guarded, found.guards[0].fault) == (0, GuardFault.FEED_STALE)


def test_a_feed_that_nobody_asked_for_guards_nothing(bench: Bench) -> None:
    bench.condition("c", B, ConditionState.OPEN)
    bench.fill(B, 1, "c")
    bench.feeds.clear()
    assert bench.look().guards[0].fault is GuardFault.FEED_STALE


def test_lots_held_unguarded_by_choice_raise_no_alarm(bench: Bench) -> None:
    bench.condition("c", B, ConditionState.HELD)
    bench.fill(B, 1, "c")
    bench.look()
    bench.seconds = 60
    found = bench.look()
    assert (found.naked, found.is_by_choice, found.is_alarm) == (1, True, False)


def test_a_lot_more_than_the_choice_is_an_alarm(bench: Bench) -> None:
    bench.condition("c", B, ConditionState.HELD)
    bench.fill(B, 1, "c")
    bench.fill(B, 1)
    bench.look()
    bench.seconds = 60
    found = bench.look()
    assert (found.naked, found.is_by_choice, found.is_alarm) == (2, False, True)


@pytest.mark.parametrize("state", [state for state in ConditionState if state.is_final])
def test_a_condition_that_has_ended_guards_nothing(bench: Bench, state: ConditionState) -> None:
    bench.condition("c", B, ConditionState.OPEN)
    bench.fill(B, 1, "c")
    bench.condition("c", B, state)
    found = bench.look()
    assert (found.naked, found.guards) == (1, ())


def test_conditions_of_both_directions_net_out(bench: Bench) -> None:
    bench.condition("long", B, ConditionState.OPEN, 2)
    bench.condition("short", S, ConditionState.OPEN, 1)
    bench.fill(B, 2, "long")
    bench.fill(S, 1, "short")
    found = bench.look()
    assert (found.net, found.guarded, found.naked, len(found.guards)) == (1, 1, 0, 2)


def test_lots_that_a_persons_order_is_closing_are_not_naked(bench: Bench) -> None:
    bench.fill(B, 2)
    bench.order(S, 2, is_exit=True)
    found = bench.look()
    assert (found.closing, found.guarded, found.naked) == (2, 2, 0)


def exiting(bench: Bench) -> None:
    bench.condition("c", B, ConditionState.OPEN)
    bench.fill(B, 1, "c")
    bench.condition("c", B, ConditionState.EXITING)


def refused(attempt: int) -> SignalRefused:
    signal = Signal(
        signal_id=signal_id("c", Leg.STOP_LOSS, attempt),
        condition_id="c",
        leg=Leg.STOP_LOSS,
        attempt=attempt,
        account="a",
        symbol=SYMBOL,
        side=S,
        quantity=1,
        price=22_770,
        tick_seq=1,
        ts_event=1,
    )
    return SignalRefused(signal=signal, reason=Reason.INVALID)


@pytest.mark.parametrize("status", [OrderStatus.DENIED, OrderStatus.REJECTED, OrderStatus.CANCELLED])
def test_exits_that_keep_failing_guard_nothing(bench: Bench, status: OrderStatus) -> None:
    exiting(bench)
    for _ in range(2):
        bench.order(S, 1, "c", is_exit=True, status=status)
    assert bench.look().guards[0].fault is GuardFault.NONE
    bench.order(S, 1, "c", is_exit=True, status=status)
    found = bench.look()
    assert (found.guarded, found.naked, found.guards[0].fault) == (0, 1, GuardFault.EXIT_FAILING)
    bench.seconds = 3.5
    bench.order(S, 1, "c", is_exit=True)  # the next attempt works; that is not the end of the alarm
    assert (bench.look().naked, bench.look().closing, bench.look().is_alarm) == (1, 0, True)


def test_an_exit_that_fills_ends_the_row_of_failures(bench: Bench) -> None:
    bench.condition("c", B, ConditionState.EXITING, 2)
    bench.fill(B, 2, "c")
    for _ in range(3):
        bench.order(S, 2, "c", is_exit=True, status=OrderStatus.REJECTED)
    assert bench.look().guarded == 0
    bench.fill(S, 1, "c", is_exit=True)
    assert (bench.look().guarded, bench.look().guards[0].fault) == (1, GuardFault.NONE)


def test_an_exit_signal_that_is_refused_has_failed_once_however_often_it_is_told(bench: Bench) -> None:
    exiting(bench)
    for attempt in (1, 2, 2, 2):
        bench.state.apply(refused(attempt))
    assert bench.look().guarded == 1
    bench.state.apply(refused(3))
    assert (bench.look().guarded, bench.look().guards[0].fault) == (0, GuardFault.EXIT_FAILING)


def test_an_exit_that_others_made_needless_has_not_failed(bench: Bench) -> None:
    exiting(bench)
    for _ in range(5):
        bench.order(S, 1, "c", is_exit=True, status=OrderStatus.DENIED, reason=Reason.EXIT_WORKING)
    assert bench.look().guarded == 1


@pytest.mark.parametrize("status", [OrderStatus.SENT, OrderStatus.UNKNOWN])
def test_an_exit_of_which_nobody_knows_guards_only_so_long(bench: Bench, status: OrderStatus) -> None:
    exiting(bench)
    bench.order(S, 1, "c", is_exit=True, status=status)
    bench.look()
    bench.seconds = 9.9
    assert (bench.look().guarded, bench.look().closing) == (1, 1)
    bench.seconds = 10.1
    found = bench.look()
    assert (found.guarded, found.closing, found.guards[0].fault) == (0, 0, GuardFault.EXIT_UNKNOWN)
    bench.seconds = 13.2
    assert bench.look().is_alarm
    assert bench.state.reducible("a", SYMBOL, S, "c") == 0  # still no second exit


def test_a_persons_exit_of_which_nobody_knows_closes_nothing(bench: Bench) -> None:
    bench.fill(B, 1)
    bench.order(S, 1, is_exit=True, status=OrderStatus.UNKNOWN)
    assert bench.look().guarded == 1
    bench.seconds = 10.1
    assert bench.look().naked == 1
