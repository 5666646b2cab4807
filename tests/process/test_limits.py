"""Limits of risk at a running gateway, as a person meets them."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.gateway.commands import RESUME
from engine.model.market import HaltChanged, HaltDepth
from engine.model.order import OrderStatus, Reason, Side
from engine.settings import Risk
from engine.wire.messages import CancelAll, ReplaceOrder, SetHalt, SetLimits
from tests.process.running import Engine, settings_for_tests, simulated, until

B, S = Side.BUY, Side.SELL


def set_limits(engine: Engine, **changes: object) -> None:
    limits: Risk = replace(engine.snapshot().limits, **changes)  # type: ignore[arg-type]
    engine.ask(SetLimits(limits=limits))


def resting(engine: Engine, side: Side, lots: int, away: int = 300) -> str:
    """The id of an accepted limit order far from the market."""
    order = engine.submit(engine.limit(side, engine.last_price - side.sign * away, lots))
    until(lambda: engine.order(order.client_order_id).status is OrderStatus.ACCEPTED, "acceptance")
    return order.client_order_id


@pytest.mark.usefixtures("expected_errors")
def test_a_days_loss_halts_and_after_a_person_resumed_still_holds_entries_but_no_exit(tmp_path: Path) -> None:
    with simulated(tmp_path) as engine:
        engine.filled(engine.submit(engine.command(B, 2)))
        engine.filled(engine.submit(engine.command(S, 1)))  # what this costs is lost, whatever the market does
        set_limits(engine, max_daily_loss=10**9)
        assert engine.snapshot().halt is HaltDepth.NONE
        set_limits(engine, max_daily_loss=1)
        until(lambda: engine.snapshot().halt is HaltDepth.NO_ENTRIES, "the halt", 20)
        halted = engine.feed.of(HaltChanged)[-1]
        assert halted.by == "rule"
        assert "the limit is 1 TWD" in halted.text
        assert engine.submit(engine.command(B, 1)).reason == Reason.HALTED
        engine.ask(SetHalt(depth=HaltDepth.NONE, text=RESUME))
        denied = engine.submit(engine.command(B, 3))
        assert (denied.status, denied.reason) == (OrderStatus.DENIED, Reason.DAILY_LOSS)
        engine.filled(engine.submit(engine.command(S, 1)))
        assert engine.net() == 0


def test_a_double_click_is_one_order(tmp_path: Path) -> None:
    with simulated(tmp_path, settings=settings_for_tests(risk=Risk(duplicate_window_s=3600.0))) as engine:
        engine.filled(engine.submit(engine.command(B, 2)))
        denied = engine.submit(engine.command(B, 2))
        assert (denied.status, denied.reason) == (OrderStatus.DENIED, Reason.DUPLICATE)
        engine.filled(engine.submit(engine.command(S, 2)))
        denied = engine.submit(engine.command(S, 2))
        assert (denied.status, denied.reason) == (OrderStatus.DENIED, Reason.DUPLICATE)
        assert engine.net() == 0


def test_a_price_is_changed_at_the_limit_of_the_position(tmp_path: Path) -> None:
    settings = settings_for_tests(risk=Risk(max_order_lots=3, max_position_lots=3))
    with simulated(tmp_path, settings=settings) as engine:
        own = resting(engine, B, 3)
        price = engine.order(own).price
        engine.ask(ReplaceOrder(client_order_id=own, price=price - 5))
        until(lambda: engine.order(own).price == price - 5, "the change")
        assert engine.submit(engine.command(B, 1)).reason == Reason.POSITION_LIMIT
        set_limits(engine, max_order_lots=2)
        assert engine.refusal(ReplaceOrder(client_order_id=own, price=price)) == Reason.ORDER_SIZE
        engine.ask(ReplaceOrder(client_order_id=own, price=price, quantity=2))


def test_a_halt_holds_the_prices_of_entries_not_of_exits(tmp_path: Path) -> None:
    with simulated(tmp_path) as engine:
        engine.filled(engine.submit(engine.command(B, 2)))
        entry, closing = resting(engine, B, 1), resting(engine, S, 2)
        engine.ask(SetHalt(depth=HaltDepth.NO_ENTRIES))
        price = engine.order(entry).price
        assert engine.refusal(ReplaceOrder(client_order_id=entry, price=price - 1)) == Reason.HALTED
        price = engine.order(closing).price
        engine.ask(ReplaceOrder(client_order_id=closing, price=price + 1))
        until(lambda: engine.order(closing).price == price + 1, "the change")


def test_the_days_entries_are_counted_over_a_restart(tmp_path: Path) -> None:
    settings = settings_for_tests(risk=Risk(max_orders_per_day=2))
    with simulated(tmp_path, settings=settings) as engine:
        resting(engine, B, 1)
        resting(engine, B, 2)
        engine.ask(CancelAll())
        until(lambda: all(order.status.is_final for order in engine.snapshot().orders), "the cancels")
    with simulated(tmp_path, settings=settings) as engine:
        denied = engine.submit(engine.command(B, 1, client_order_id="AGAIN00001"))
        assert (denied.status, denied.reason) == (OrderStatus.DENIED, Reason.ORDERS_A_DAY)
        assert "entry 3 of this trade date, the limit is 2" in denied.text
