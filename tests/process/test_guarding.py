"""What guards held lots, over restarts of the program and whatever the feed, the broker and the processes do."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from engine.brokers.base import ApprovedOrder
from engine.brokers.simulated import SimulatedExchange
from engine.errors import BrokerRefused
from engine.model.condition import ConditionAction, ConditionCommand, ConditionSpec, ConditionState
from engine.model.guard import GuardFault
from engine.model.market import LinkState
from engine.model.order import Order, OrderStatus, Reason, Side, SubmitOrder
from engine.model.session import TradingCalendar
from engine.model.signal import Leg, SignalRefused, client_order_id, signal_id
from engine.settings import Risk, Settings, Simulation
from engine.timing import NS_PER_S
from engine.wire.keys import Role
from engine.wire.messages import ConditionReport, Family, Refused, SelectContracts, SightChanged
from tests.process.running import CALENDAR, DAY, SYMBOL, Engine, running, settings_for_tests, simulated, until

B, S = Side.BUY, Side.SELL
CS = ConditionState


def fast() -> Settings:
    return settings_for_tests(simulation=Simulation(speed=5.0, latency_ms=1.0))


def exchange(settings: Settings, lots: int = 0) -> SimulatedExchange:
    """A fresh exchange that says that it holds lots from the run before."""
    broker = SimulatedExchange(settings.simulation, CALENDAR, DAY.open_ns + 3600 * NS_PER_S)
    broker.query_positions = lambda account: {SYMBOL: lots} if lots else {}  # type: ignore[method-assign]
    return broker


def test_a_guard_of_the_run_before_needs_no_tick_number_of_that_run(tmp_path: Path) -> None:
    """The entry is in the ledger, the strategy's word on it is not, and tick numbers begin anew."""
    settings = fast()
    with simulated(tmp_path, settings=settings) as engine:
        engine.put("c", B, engine.last_price + 500)
        waiting = replace(engine.condition("c"), state=CS.TRIGGERED, tick_seq=90_000)
        engine.ask(ConditionReport(condition=waiting), Role.STRATEGY)
        name = signal_id("c", Leg.ENTRY, 1)
        entry = engine.command(
            B, client_order_id=client_order_id(name), signal_id=name, condition_id="c", tick_seq=100_000
        )
        engine.filled(engine.submit(entry, Role.EXECUTOR))
        engine.put("d", B, engine.last_price - 500)
        engine.act(ConditionAction.CANCEL, "d")
        assert engine.condition("d").tick_seq
    with running(exchange(settings, 1), tmp_path, settings, trading=True) as engine:
        assert engine.condition("d").tick_seq == 0  # a late fill may open again what has ended
        engine.reach("c", CS.CLOSED)  # the stop was beyond the market all the time
        assert engine.net() == 0


def guard(engine: Engine, symbol: str = SYMBOL) -> None:
    """Puts one lot that is held under guard, with its exits far away."""
    spec = ConditionSpec(
        condition_id="g",
        account=engine.account,
        symbol=symbol,
        action=B,
        trigger_price=engine.last_price,
        stop_loss_points=900,
        take_profit_points=900,
    )
    engine.ask(ConditionCommand(action=ConditionAction.GUARD, condition_id="g", spec=spec))


def is_guarded(engine: Engine) -> bool:
    found = engine.coverage()
    return found is not None and (found.net, found.guarded, found.naked) == (1, 1, 0)


def faults(engine: Engine) -> set[GuardFault]:
    found = engine.coverage()
    return {item.fault for item in found.guards} if found else set()


def test_lots_are_guarded_whatever_contracts_a_person_selected(tmp_path: Path) -> None:
    settings = fast()
    with simulated(tmp_path, settings=settings) as engine:
        engine.filled(engine.submit(engine.command(B)))
        guard(engine)
    with running(exchange(settings, 1), tmp_path, settings, trading=True) as engine:
        engine.ask(SelectContracts(symbols=(SYMBOL, "MXFK4")))
        until(lambda: is_guarded(engine), "guarded lots")
        refused = engine.refusal(SelectContracts(symbols=("MXFK4",)))
        assert refused == "invalid"  # what was selected and has lots stays so
        assert is_guarded(engine)


def test_lots_of_a_contract_that_nobody_selected_are_seen_and_guarded(tmp_path: Path) -> None:
    settings = fast()
    with simulated(tmp_path, settings=settings) as engine:
        engine.filled(engine.submit(engine.command(B)))
        guard(engine)
    with running(exchange(settings, 1), tmp_path, settings, trading=True, selected=("MXFK4",)) as engine:
        until(lambda: is_guarded(engine), "guarded lots")
        assert engine.snapshot().selected == ("MXFK4",)
        assert any(tick.symbol == SYMBOL for tick in engine.ticks())


def test_lots_whose_feed_never_said_a_word_are_naked(tmp_path: Path) -> None:
    settings = fast()
    with simulated(tmp_path, settings=settings) as engine:
        engine.filled(engine.submit(engine.command(B)))
        guard(engine)
    broker = exchange(settings, 1)
    broker.is_muted = True
    with running(broker, tmp_path, settings, trading=True) as engine:
        until(lambda: faults(engine) == {GuardFault.FEED_STALE}, "a feed that is missed")
        until(lambda: bool((found := engine.coverage()) and found.is_alarm), "an alarm")
        until(lambda: LinkState.STALE in engine.link_states(f"feed.{SYMBOL}"), "a stale feed")
        broker.is_muted = False
        until(lambda: is_guarded(engine), "guarded lots")


class LostRefusal:
    """A gateway that fails at its first exit, and whose word on the refusal is lost on its way.

    Args:
        engine: of the gateway.
        on_lost: called when the word is lost.
    """

    def __init__(self, engine: Engine, on_lost: Callable[[], None] = lambda: None) -> None:
        gateway, self.lost, self.failed = engine.host.gateway, 0, 0
        event, submit = gateway.ticks.event, gateway.orders.submit

        def losing(topic: str, body: object, cause: str = "") -> None:
            if isinstance(body, SignalRefused) and not self.lost:
                self.lost += 1
                gateway._publisher.seqs[Family.EVENT] += 1  # its number is used up
                on_lost()
            else:
                event(topic, body, cause)

        def failing(command: SubmitOrder, cause: str = "") -> Order | Refused:
            if command.reduce_only and not self.failed:
                self.failed += 1
                raise RuntimeError("a bug, once")
            return submit(command, cause)

        gateway.ticks.event = losing  # type: ignore[method-assign]
        gateway.orders.submit = failing  # type: ignore[method-assign]


@pytest.mark.parametrize("is_killed", [False, True], ids=["word lost", "strategy killed"])
@pytest.mark.usefixtures("expected_errors")
def test_an_exit_that_failed_inside_the_gateway_is_given_again(tmp_path: Path, is_killed: bool) -> None:
    with simulated(tmp_path, trading=True) as engine:
        engine.enter("x")
        engine.reach("x", CS.OPEN)
        strategy = engine.host.pid("strategy-1")
        losing = LostRefusal(engine, psutil.Process(strategy).kill if is_killed else lambda: None)
        engine.tighten("x")
        until(lambda: losing.lost == 1, "a lost word")
        until(lambda: engine.condition("x").state is CS.CLOSED, "the exit", 60.0)
        assert engine.net() == 0


def test_lots_whose_exits_are_refused_one_after_the_other_are_naked_until_one_passes(tmp_path: Path) -> None:
    with simulated(tmp_path, trading=True) as engine:
        engine.enter("x")
        engine.reach("x", CS.OPEN)
        until(lambda: is_guarded(engine), "guarded lots")
        broker = engine.host.broker
        submit, is_down = broker.submit, True

        def refusing(approved: ApprovedOrder) -> str:
            if is_down and approved.order.reduce_only:
                raise BrokerRefused("99", "no")
            return submit(approved)

        broker.submit = refusing  # type: ignore[method-assign]
        engine.tighten("x")
        until(lambda: faults(engine) == {GuardFault.EXIT_FAILING}, "exits that keep failing")
        until(lambda: bool((found := engine.coverage()) and found.is_alarm), "an alarm")
        assert engine.net() == 1
        is_down = False
        engine.reach("x", CS.CLOSED)
        assert engine.net() == 0


def test_an_exit_passes_where_the_calendar_is_wrong_and_ticks_come(tmp_path: Path) -> None:
    """A day of trading that nobody told the program of; what trades, the exchange takes orders for."""
    with simulated(tmp_path) as engine:
        engine.filled(engine.submit(engine.command(B)))
        engine.host.gateway.market.calendar = TradingCalendar(closed=[DAY.trade_date])
        denied = engine.submit(engine.command(B))
        assert (denied.status, denied.reason) == (OrderStatus.DENIED, Reason.SESSION_CLOSED)
        engine.filled(engine.submit(engine.command(S, reduce_only=True)))
        assert engine.net() == 0


def test_ticks_that_a_strategy_missed_stay_missed_until_a_person_goes_on_without_them(tmp_path: Path) -> None:
    settings = settings_for_tests(risk=Risk(duplicate_window_s=0.0, entry_signal_age_s=600.0))
    with simulated(tmp_path, settings=settings) as engine:
        engine.enter("x")
        text = f"7 ticks are missing of {SYMBOL}"
        engine.ask(SightChanged(node="strategy-1", symbol=SYMBOL, text=text), Role.STRATEGY)
        engine.host.start_trading()  # as after the death of the process that said so
        engine.reach("x", CS.REJECTED)
        assert engine.condition("x").reason is Reason.GAP
        engine.enter("y")
        engine.reach("y", CS.OPEN)
        sight = f"sight.strategy-1.{SYMBOL}"
        until(lambda: engine.link_states(sight) == [LinkState.STALE, LinkState.UP], "a strategy that sees again")
        assert engine.refusal(SightChanged(node="strategy-1", symbol=SYMBOL)) == Reason.FORBIDDEN
