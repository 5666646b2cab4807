"""What the broker's books leave open: answers that lag, orders that come back, products and days of others."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

from engine.brokers.base import OrderReport
from engine.brokers.simulated import SimulatedExchange
from engine.errors import BrokerAmbiguous, BrokerRefused
from engine.model.books import DifferenceKind
from engine.model.condition import ConditionState
from engine.model.market import HaltDepth, LinkState
from engine.model.order import Fill, OrderStatus, Reason, Side
from engine.model.session import SessionKind
from engine.settings import Reconciliation
from engine.wire.messages import AdoptPosition, AskBroker, CancelOrder
from tests.process.running import CALENDAR, SYMBOL, Engine, settings_for_tests, simulated, until

B, S = Side.BUY, Side.SELL
QUICK = Reconciliation(in_flight_s=0.2, open_orders_s=0.5, positions_s=0.5, queries_per_minute=100_000)


class Mute:
    """A listener that keeps back what the broker tells of orders and fills."""

    def __init__(self, engine: Engine) -> None:
        self._gateway = engine.host.gateway
        self.kept: list[tuple[Any, object]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._gateway, name)

    def on_order(self, report: OrderReport) -> None:
        self.kept.append((self._gateway.on_order, report))

    def on_fill(self, fill: Fill) -> None:
        self.kept.append((self._gateway.on_fill, fill))


@contextmanager
def quick(folder: Path, *, trading: bool = False) -> Iterator[tuple[Engine, SimulatedExchange]]:
    with simulated(folder, settings=settings_for_tests(reconciliation=QUICK), trading=trading) as engine:
        assert engine.last_price
        yield engine, cast(SimulatedExchange, engine.host.broker)


@contextmanager
def muted(engine: Engine, broker: SimulatedExchange) -> Iterator[Mute]:
    """Meanwhile the gateway hears nothing of orders; afterwards it hears all of it."""
    mute = Mute(engine)
    broker._listener = mute
    yield mute
    broker._listener = engine.host.gateway
    for tell, what in mute.kept:
        tell(what)


# --- answers that lag --------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("expected_errors")
def test_an_order_that_one_answer_lacks_is_not_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with quick(tmp_path) as (engine, broker):
        answered: list[int] = []
        query = broker.query_orders

        def lagging(account: str) -> tuple[OrderReport, ...]:
            answered.append(1)
            return () if len(answered) == before + 1 else query(account)

        with muted(engine, broker):
            monkeypatch.setattr(broker, "query_orders", lagging)
            order = engine.submit(engine.limit(B, engine.last_price - 300, 3))
            time.sleep(QUICK.in_flight_s * 2)  # it is old enough to be looked for
            before = len(answered)
            engine.ask(AskBroker())
            until(lambda: len(answered) > before + 1, "a second answer")
            until(lambda: engine.order(order.client_order_id).status is OrderStatus.ACCEPTED, "its life")
        states = [
            item.status for item in engine.feed.of(type(order)) if item.client_order_id == order.client_order_id
        ]
        assert OrderStatus.REJECTED not in states


@pytest.mark.usefixtures("expected_errors")
def test_an_order_whose_lots_are_at_the_broker_is_not_given_up_however_often_it_is_not_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with quick(tmp_path) as (engine, broker):
        with muted(engine, broker), monkeypatch.context() as patch:
            answered: list[str] = []

            def empty(account: str) -> tuple[OrderReport, ...]:
                answered.append(account)
                return ()

            patch.setattr(broker, "query_orders", empty)
            patch.setattr(broker, "query_fills", lambda account: ())
            order = engine.submit(engine.command(B))
            until(
                lambda: (
                    {item.kind for item in engine.differences()} == {DifferenceKind.ORDER, DifferenceKind.POSITION}
                ),
                "both differences",
            )
            before = len(answered)
            until(lambda: len(answered) > before + 2, "further answers")
            assert engine.order(order.client_order_id).status is OrderStatus.SENT
        assert engine.filled(order).filled == 1
        until(lambda: not engine.differences(), "that nothing differs")


@pytest.mark.usefixtures("expected_errors")
def test_an_order_that_was_given_up_and_arrives_lives_can_be_cancelled_and_halts_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with quick(tmp_path) as (engine, broker):
        with muted(engine, broker), monkeypatch.context() as patch:
            patch.setattr(broker, "query_orders", lambda account: ())
            order = engine.submit(engine.limit(B, engine.last_price - 300, 3))
            dead = engine.ended(order)
            assert (dead.status, dead.reason) == (OrderStatus.REJECTED, Reason.AMBIGUOUS)
        until(lambda: engine.order(order.client_order_id).status is OrderStatus.ACCEPTED, "its return")
        until(lambda: engine.snapshot().halt is HaltDepth.NO_ENTRIES, "the halt")
        engine.ask(CancelOrder(client_order_id=order.client_order_id))
        assert engine.ended(order).status is OrderStatus.CANCELLED


def test_an_answer_from_before_the_link_dropped_completes_nothing(tmp_path: Path) -> None:
    with quick(tmp_path) as (engine, _):
        gateway = engine.host.gateway
        until(lambda: gateway.reconciler.is_complete, "the first comparison")
        gateway.call(gateway._take_link, "trade", LinkState.DOWN, "pulled")
        until(lambda: not gateway.reconciler.is_complete, "the drop")
        old = gateway.enquirer._statement(engine.account, True)
        seen: list[bool] = []

        def link_comes_back() -> None:
            asks, gateway.enquirer.ask = gateway.enquirer.ask, lambda *args, **kwargs: None  # type: ignore[method-assign]
            gateway._take_link("trade", LinkState.UP, "")
            gateway.reconciler.take(old)
            seen.append(gateway.reconciler.is_complete)
            gateway.enquirer.ask = asks  # type: ignore[method-assign]

        gateway.call(link_comes_back)
        until(lambda: bool(seen), "the answer")
        assert seen == [False]


# --- made elsewhere ----------------------------------------------------------------------------------------------


def bought(engine: Engine, symbol: str, ts_event: int, note: str = "") -> Fill:
    return Fill(
        fill_id="00017",
        client_order_id=note,
        account=engine.account,
        symbol=symbol,
        side=B,
        price=22_800,
        quantity=1,
        ts_event=ts_event,
    )


def test_what_is_of_no_product_traded_here_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with quick(tmp_path) as (engine, broker):
        gateway = engine.host.gateway
        gateway.on_fill(bought(engine, "TXO22800K4", gateway.market.now_ns()))
        query = broker.query_positions
        monkeypatch.setattr(broker, "query_positions", lambda account: query(account) | {"TXO22800K4": 1})
        gateway.on_link("trade", LinkState.DOWN)
        until(lambda: not gateway.reconciler.is_complete, "the drop")
        gateway.on_link("trade", LinkState.UP)
        until(lambda: gateway.reconciler.is_complete, "the comparison")
        assert engine.refusal(AdoptPosition(account=engine.account, symbol="TXO22800K4")) == Reason.INVALID
        assert engine.filled(engine.submit(engine.command(B))).filled == 1
        assert {item.symbol for item in engine.snapshot().positions} == {SYMBOL}
        assert engine.snapshot().halt is HaltDepth.NONE
    with quick(tmp_path) as (engine, _):
        assert engine.net() == 1


@pytest.mark.parametrize(
    ("note", "first", "second"),
    [
        ("", (date(2024, 11, 5), SessionKind.DAY), (date(2024, 11, 6), SessionKind.NIGHT)),
        ("OTHERPROG", (date(2024, 11, 5), SessionKind.DAY), (date(2024, 11, 6), SessionKind.DAY)),
    ],
)
def test_match_numbers_begin_anew_with_every_trade_date(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    note: str,
    first: tuple[date, SessionKind],
    second: tuple[date, SessionKind],
) -> None:
    with simulated(tmp_path) as engine:
        gateway = engine.host.gateway
        monkeypatch.setattr(engine.host.broker, "query_positions", lambda account: {SYMBOL: engine.net()})
        for day, kind in (first, second):
            at = CALENDAR.session(day, kind).open_ns
            for _ in range(2):  # the same one told twice counts once
                gateway.on_fill(bought(engine, SYMBOL, at, note))
        until(lambda: engine.net() >= 2, "both lots")
        assert len(engine.snapshot().fills) == engine.net() == 2


# --- a person's closing orders -----------------------------------------------------------------------------------


def test_a_closing_order_goes_with_the_lots_it_would_have_closed(tmp_path: Path) -> None:
    with quick(tmp_path, trading=True) as (engine, _):
        engine.enter("x")
        engine.reach("x", ConditionState.OPEN)
        order = engine.submit(engine.limit(S, engine.last_price + 300))
        assert order.is_closing
        until(lambda: engine.order(order.client_order_id).status is OrderStatus.ACCEPTED, "the resting order")
        engine.tighten("x")
        engine.reach("x", ConditionState.CLOSED)
        assert engine.ended(order).status is OrderStatus.CANCELLED
        assert engine.net() == 0


def test_a_closing_order_shrinks_to_what_is_left(tmp_path: Path) -> None:
    with quick(tmp_path) as (engine, _):
        engine.filled(engine.submit(engine.command(B, 3)))
        order = engine.submit(engine.limit(S, engine.last_price + 300, 3))
        until(lambda: engine.order(order.client_order_id).status is OrderStatus.ACCEPTED, "the resting order")
        opening = engine.submit(engine.limit(S, engine.last_price + 300, 1))
        assert not opening.is_closing
        engine.filled(engine.submit(engine.command(S, 1)))
        until(lambda: engine.order(order.client_order_id).quantity == 2, "fewer lots")
        assert engine.order(order.client_order_id).status is OrderStatus.ACCEPTED
        assert engine.order(opening.client_order_id).status is OrderStatus.ACCEPTED


# --- words that are no text --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "status"), [(BrokerRefused, OrderStatus.REJECTED), (BrokerAmbiguous, OrderStatus.UNKNOWN)]
)
def test_odd_bytes_of_the_broker_do_not_lose_an_order(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: Callable[..., Exception],
    status: OrderStatus,
) -> None:
    with quick(tmp_path) as (engine, broker):
        said = ("97",) if error is BrokerRefused else ()

        def odd(approved: object) -> str:
            raise error(*said, "\udce5\udcbc" + "x" * 5_000)

        with monkeypatch.context() as patch:
            patch.setattr(broker, "submit", odd)
            order = engine.submit(engine.command(B))
        assert order.status is status
        assert "??x" in order.text
        assert len(order.text) == 500
        assert engine.snapshot().halt is HaltDepth.NONE
