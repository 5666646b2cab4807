import ast
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.brokers.base import ApprovedOrder
from engine.gateway.risk import RiskContext, RiskRefused, check
from engine.model.instrument import instrument
from engine.model.market import Contract, HaltDepth
from engine.model.order import Order, OrderType, Reason, Side, TimeInForce
from engine.model.session import Phase, SessionKind, TradingCalendar
from engine.settings import Risk

ENGINE = Path(engine.__file__).parent
LAST = 22_800
CONTEXT = RiskContext(
    limits=Risk(),
    instrument=instrument("TXFK4", near=date(2024, 11, 5), calendar=TradingCalendar()),
    contract=Contract(symbol="TXFK4", product="TXF", contract_month="202411", limit_up=25_080, limit_down=20_520),
    net=0,
    working=0,
    last_price=LAST,
    silence_s=0.1,
    phase=Phase.CONTINUOUS,
    session=SessionKind.DAY,
    halt=HaltDepth.NONE,
    is_cancelled=False,
)


def order(**changes: Any) -> Order:
    values: dict[str, Any] = {"side": Side.BUY, "price": LAST, "quantity": 1, "order_type": OrderType.LIMIT}
    values |= changes
    is_limit = values["order_type"] is OrderType.LIMIT
    values.setdefault("time_in_force", TimeInForce.ROD if is_limit else TimeInForce.IOC)
    values.setdefault("client_order_id", "ABCDEFGHIJ")
    return Order(account="a", symbol="TXFK4", **values)


def market(**changes: Any) -> Order:
    return order(order_type=OrderType.MARKET, price=0, **changes)


def verdict(wanted: Order, *, is_reducing: bool = False, **context: Any) -> RiskRefused | None:
    found = check(wanted, replace(CONTEXT, **context), is_reducing=is_reducing)
    if isinstance(found, ApprovedOrder):
        assert found.order == wanted
        return None
    return found


def test_approves_what_breaks_no_rule() -> None:
    assert verdict(order()) is None
    assert verdict(market()) is None
    assert verdict(market(side=Side.SELL)) is None


ABOUT_RISK: list[tuple[dict[str, Any], dict[str, Any], Reason, tuple[str, ...]]] = [
    ({}, {"halt": HaltDepth.NO_ENTRIES}, Reason.HALTED, ("NO_ENTRIES",)),
    ({}, {"halt": HaltDepth.FLATTEN}, Reason.HALTED, ("FLATTEN",)),
    ({}, {"is_cancelled": True}, Reason.PERSON, ("cancelled",)),
    ({"order_type": OrderType.MARKET, "price": 0}, {"last_price": 0}, Reason.NO_PRICE, ("TXFK4",)),
    ({}, {"silence_s": 5.1}, Reason.STALE_FEED, ("5.1 s", "limit is 5.0 s")),
    ({"quantity": 11}, {}, Reason.ORDER_SIZE, ("11 lots", "limit is 10")),
    ({"quantity": 10}, {"net": 11}, Reason.POSITION_LIMIT, ("21 lots", "limit is 20")),
    ({"quantity": 2}, {"net": 15, "working": 4}, Reason.POSITION_LIMIT, ("21 lots", "limit is 20")),
    ({"side": Side.SELL}, {"net": -20}, Reason.POSITION_LIMIT, ("21 lots", "limit is 20")),
    ({"price": 23_257}, {}, Reason.PRICE_BAND, ("2.00 %", "22800", "2.0 %")),
    ({"side": Side.SELL, "price": 22_343}, {}, Reason.PRICE_BAND, ("2.00 %", "22800", "2.0 %")),
]
FOR_EVERYBODY: list[tuple[dict[str, Any], dict[str, Any], Reason, tuple[str, ...]]] = [
    ({}, {"phase": Phase.CLOSED, "session": None}, Reason.SESSION_CLOSED, ("TXFK4",)),
    ({"quantity": 0}, {}, Reason.INVALID, ("0 lots",)),
    ({"client_order_id": "short"}, {}, Reason.INVALID, ("ten ASCII",)),
    ({"client_order_id": "支撐支撐支撐支撐支撐"}, {}, Reason.INVALID, ("ten ASCII",)),
    ({"price": 0}, {}, Reason.INVALID, ("limit price is 0",)),
    ({"price": -5}, {}, Reason.INVALID, ("limit price is -5",)),
    ({"order_type": OrderType.MARKET}, {}, Reason.INVALID, ("has no price",)),
    ({"quantity": 101}, {}, Reason.ORDER_SIZE, ("101 lots", "takes 100")),
    ({"order_type": OrderType.MARKET, "price": 0, "quantity": 11}, {}, Reason.ORDER_SIZE, ("11", "takes 10")),
    (
        {"order_type": OrderType.MARKET, "price": 0, "quantity": 6},
        {"session": SessionKind.NIGHT},
        Reason.ORDER_SIZE,
        ("6 lots", "takes 5"),
    ),
    ({"price": 25_081}, {}, Reason.PRICE_LIMIT, ("25081", "20520", "25080")),
    ({"price": 20_519}, {}, Reason.PRICE_LIMIT, ("20519", "20520", "25080")),
]


@pytest.mark.parametrize(("wanted", "context", "reason", "figures"), ABOUT_RISK)
def test_rules_about_risk_hold_for_entries_only(
    wanted: dict[str, Any], context: dict[str, Any], reason: Reason, figures: tuple[str, ...]
) -> None:
    refused = verdict(order(**wanted), **context)
    assert refused is not None
    assert refused.reason is reason
    for figure in figures:
        assert figure in refused.text
    assert verdict(order(**wanted), is_reducing=True, **context) is None


@pytest.mark.parametrize("is_reducing", [False, True])
@pytest.mark.parametrize(("wanted", "context", "reason", "figures"), FOR_EVERYBODY)
def test_rules_of_the_exchange_hold_for_all(
    wanted: dict[str, Any],
    context: dict[str, Any],
    reason: Reason,
    figures: tuple[str, ...],
    is_reducing: bool,
) -> None:
    refused = verdict(order(**wanted), is_reducing=is_reducing, **context)
    assert refused is not None
    assert refused.reason is reason
    for figure in figures:
        assert figure in refused.text


class TestEdges:
    """The last value that passes."""

    @pytest.mark.parametrize(
        ("wanted", "context"),
        [
            ({"quantity": 10}, {}),
            ({"quantity": 10}, {"net": 10}),
            ({"quantity": 10}, {"net": -30}),
            ({"side": Side.SELL, "quantity": 10}, {"net": -10}),
            ({"price": 23_256}, {}),
            ({"price": 20_520}, {}),  # far on the passive side
            ({"side": Side.SELL, "price": 22_344}, {}),
            ({"side": Side.SELL, "price": 25_080}, {}),
            ({}, {"silence_s": 5.0}),
            ({}, {"silence_s": None}),
            ({}, {"phase": Phase.PRE_OPEN}),
            ({}, {"phase": Phase.ADD_ONLY}),
            ({"price": 22_000}, {"contract": None}),
        ],
    )
    def test_pass(self, wanted: dict[str, Any], context: dict[str, Any]) -> None:
        assert verdict(order(**wanted), **context) is None

    def test_a_market_order_has_no_band(self) -> None:
        assert verdict(market(), contract=None) is None

    def test_an_exit_needs_no_price_of_the_market(self) -> None:
        assert verdict(market(reduce_only=True), is_reducing=True, last_price=0, silence_s=999.0) is None

    def test_a_market_exit_is_done_at_once_or_not(self) -> None:
        refused = verdict(market(reduce_only=True, time_in_force=TimeInForce.ROD), is_reducing=True)
        assert refused == RiskRefused(Reason.INVALID, "a market exit must be IOC or FOK")

    def test_a_larger_tick_is_kept(self) -> None:
        product = replace(CONTEXT.instrument.product, tick_size=5)
        context: dict[str, Any] = {"instrument": replace(CONTEXT.instrument, product=product)}
        refused = verdict(order(price=22_801), **context)
        assert refused == RiskRefused(Reason.TICK_SIZE, "22801 is no multiple of the tick 5")
        assert verdict(order(price=22_805), **context) is None


def test_only_risk_makes_approved_orders() -> None:
    makers = {
        path.relative_to(ENGINE).as_posix()
        for path in ENGINE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "ApprovedOrder"
    }
    assert makers == {"gateway/risk.py"}
