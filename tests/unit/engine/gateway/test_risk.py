"""Each rule at, just below and just above its limit, and that none of those about risk holds a reducing exit."""

import ast
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import engine
from engine.brokers.base import ApprovedOrder
from engine.gateway.risk import (
    FOR_ALL,
    FOR_NEW_ENTRIES,
    TAKING_RISK,
    RiskContext,
    RiskRefused,
    check,
    check_change,
)
from engine.model.instrument import instrument
from engine.model.market import Contract, HaltDepth
from engine.model.order import Order, OrderType, Reason, Side, TimeInForce
from engine.model.session import Phase, SessionKind, TradingCalendar
from engine.settings import Risk

ENGINE = Path(engine.__file__).parent
LAST = 22_800
LIMITS = Risk(
    max_daily_loss=50_000,
    no_entry_before_close_s=60.0,
    max_margin=3_220_000,
    max_orders_per_minute=5,
    max_orders_per_day=7,
)
CONTRACT = Contract(symbol="TXFK4", product="TXF", contract_month="202411", limit_up=25_080, limit_down=20_520)
CONTEXT = RiskContext(
    limits=LIMITS,
    instrument=instrument("TXFK4", near=date(2024, 11, 5), calendar=TradingCalendar()),
    contract=CONTRACT,
    net=0,
    working=0,
    opposing=0,
    other_lots=0,
    other_margin=0,
    equity=None,
    day_pnl=Decimal(0),
    last_price=LAST,
    silence_s=0.1,
    phase=Phase.CONTINUOUS,
    session=SessionKind.DAY,
    closes_in_s=3600.0,
    halt=HaltDepth.NONE,
    is_reconciled=True,
    difference=None,
    is_cancelled=False,
    minute_entries=0,
    day_entries=0,
    repeated_after_s=None,
)
WIDE = replace(LIMITS, max_margin=10**9)
"""Without the limit of margin, so that those of lots are reached first."""

Changes = dict[str, Any]


def order(**changes: Any) -> Order:
    values: Changes = {"side": Side.BUY, "price": LAST, "quantity": 1, "order_type": OrderType.LIMIT}
    values |= changes
    is_limit = values["order_type"] is OrderType.LIMIT
    values.setdefault("time_in_force", TimeInForce.ROD if is_limit else TimeInForce.IOC)
    values.setdefault("client_order_id", "ABCDEFGHIJ")
    return Order(account="a", symbol="TXFK4", **values)


MARKET: Changes = {"order_type": OrderType.MARKET, "price": 0}


def verdict(wanted: Order, *, is_reducing: bool = False, **context: Any) -> RiskRefused | None:
    found = check(wanted, replace(CONTEXT, **context), is_reducing=is_reducing)
    if isinstance(found, ApprovedOrder):
        assert found == ApprovedOrder(wanted, is_reducing)
        return None
    return found


def test_approves_what_breaks_no_rule() -> None:
    assert verdict(order()) is None
    assert verdict(order(**MARKET)) is None
    assert verdict(order(side=Side.SELL, **MARKET)) is None


# Order, context, reason, limit and actual of the sentence.
ABOUT_RISK: list[tuple[Changes, Changes, Reason, object, object]] = [
    ({}, {"halt": HaltDepth.NO_ENTRIES}, Reason.HALTED, "NONE", "NO_ENTRIES"),
    ({}, {"halt": HaltDepth.FLATTEN}, Reason.HALTED, "NONE", "FLATTEN"),
    ({}, {"is_reconciled": False}, Reason.RECONCILING, "compared", "not compared"),
    ({}, {"difference": ("0", "-3")}, Reason.DIFFERENCE, "0", "-3"),
    ({}, {"is_cancelled": True}, Reason.PERSON, "live", "cancelled"),
    ({}, {"closes_in_s": 59.9}, Reason.SESSION_CLOSING, 60.0, 59.9),
    ({}, {"closes_in_s": 0.0}, Reason.SESSION_CLOSING, 60.0, 0.0),
    (MARKET, {"last_price": 0}, Reason.NO_PRICE, 1, 0),
    ({}, {"silence_s": 5.1}, Reason.STALE_FEED, 5.0, 5.1),
    ({}, {"day_pnl": Decimal(-50_000)}, Reason.DAILY_LOSS, 50_000, Decimal(50_000)),
    ({}, {"day_pnl": Decimal(-50_001)}, Reason.DAILY_LOSS, 50_000, Decimal(50_001)),
    ({"quantity": 11}, {"limits": WIDE}, Reason.ORDER_SIZE, 10, 11),
    ({"quantity": 10}, {"limits": WIDE, "net": 11}, Reason.POSITION_LIMIT, 20, 21),
    ({"quantity": 2}, {"limits": WIDE, "net": 15, "working": 4}, Reason.POSITION_LIMIT, 20, 21),
    ({"side": Side.SELL}, {"limits": WIDE, "net": -20}, Reason.POSITION_LIMIT, 20, 21),
    ({"quantity": 2}, {"limits": WIDE, "other_lots": 39}, Reason.TOTAL_POSITION, 40, 41),
    ({}, {"limits": WIDE, "other_lots": 20, "net": 15, "working": 5}, Reason.POSITION_LIMIT, 20, 21),
    ({}, {"limits": WIDE, "other_lots": 36, "net": 2, "working": 2}, Reason.TOTAL_POSITION, 40, 41),
    ({}, {"limits": WIDE, "other_lots": 20, "opposing": -21}, Reason.TOTAL_POSITION, 40, 41),
    (
        {"side": Side.SELL},
        {"limits": WIDE, "other_lots": 36, "net": 1, "opposing": 4},
        Reason.TOTAL_POSITION,
        40,
        41,
    ),
    ({}, {"net": 10}, Reason.MARGIN, 3_220_000, 3_542_000),
    ({}, {"other_margin": 2_898_001}, Reason.MARGIN, 3_220_000, 3_220_001),
    (
        {},
        {"limits": replace(LIMITS, max_margin=0), "equity": Decimal(321_999)},
        Reason.MARGIN,
        Decimal(321_999),
        322_000,
    ),
    ({}, {"limits": replace(LIMITS, margin_per_lot=())}, Reason.MARGIN, 3_220_000, "not known"),
    ({}, {"other_margin": None}, Reason.MARGIN, 3_220_000, "not known"),
    ({"price": 23_257}, {}, Reason.PRICE_BAND, 2.0, 457 * 100 / 22_800),
    ({"side": Side.SELL, "price": 22_343}, {}, Reason.PRICE_BAND, 2.0, 457 * 100 / 22_800),
    ({}, {"repeated_after_s": 0.99}, Reason.DUPLICATE, 1.0, 0.99),
    ({}, {"minute_entries": 5}, Reason.ORDER_RATE, 5, 6),
    ({}, {"day_entries": 7}, Reason.ORDERS_A_DAY, 7, 8),
]
FOR_EVERYBODY: list[tuple[Changes, Changes, Reason, object, object]] = [
    ({}, {"phase": Phase.CLOSED, "session": None}, Reason.SESSION_CLOSED, Phase.PRE_OPEN, Phase.CLOSED),
    ({"quantity": 0}, {}, Reason.INVALID, 1, 0),
    ({"client_order_id": "short"}, {}, Reason.INVALID, "ten ASCII characters", "'short'"),
    ({"client_order_id": "{actual.x}支"}, {}, Reason.INVALID, "ten ASCII characters", "'{actual.x}\\u652f'"),
    ({"price": 0}, {}, Reason.INVALID, 1, 0),
    ({"price": -5}, {}, Reason.INVALID, 1, -5),
    ({"order_type": OrderType.MARKET}, {}, Reason.INVALID, 0, LAST),
    ({"quantity": 101}, {}, Reason.ORDER_SIZE, 100, 101),
    (MARKET | {"quantity": 11}, {}, Reason.ORDER_SIZE, 10, 11),
    (MARKET | {"quantity": 6}, {"session": SessionKind.NIGHT}, Reason.ORDER_SIZE, 5, 6),
    ({"price": 25_081}, {}, Reason.PRICE_LIMIT, "20520 to 25080", 25_081),
    ({"price": 20_519}, {}, Reason.PRICE_LIMIT, "20520 to 25080", 20_519),
]


def shown(figure: object) -> list[str]:
    """The ways in which a sentence may write a figure."""
    if isinstance(figure, str):
        return [figure]
    assert isinstance(figure, int | float | Decimal)
    return [f"{figure}", f"{figure:,}", f"{figure:.1f}", f"{figure:.2f}", f"{figure:g}"]


def assert_refused(found: RiskRefused | None, reason: Reason, limit: object, actual: object) -> None:
    assert found is not None
    assert (found.reason, found.limit, found.actual) == (reason, limit, actual)
    assert any(text in found.text for text in shown(limit)), found.text
    assert any(text in found.text for text in shown(actual)), found.text


@pytest.mark.parametrize(("wanted", "context", "reason", "limit", "actual"), ABOUT_RISK)
def test_rules_about_risk_hold_for_entries_only(
    wanted: Changes, context: Changes, reason: Reason, limit: object, actual: object
) -> None:
    assert_refused(verdict(order(**wanted), **context), reason, limit, actual)
    assert verdict(order(**wanted), is_reducing=True, **context) is None


@pytest.mark.parametrize("is_reducing", [False, True])
@pytest.mark.parametrize(("wanted", "context", "reason", "limit", "actual"), FOR_EVERYBODY)
def test_rules_of_the_exchange_hold_for_all(
    wanted: Changes, context: Changes, reason: Reason, limit: object, actual: object, is_reducing: bool
) -> None:
    assert_refused(verdict(order(**wanted), is_reducing=is_reducing, **context), reason, limit, actual)


def test_every_rule_has_a_case() -> None:
    """What refuses each case alone shows that no rule is left out of the lists above."""
    cases = [(order(**wanted), replace(CONTEXT, **context)) for wanted, context, *_ in ABOUT_RISK + FOR_EVERYBODY]
    refusing = {rule for wanted, context in cases for rule in RULES if rule(wanted, context)}
    assert {rule.__name__ for rule in set(RULES) - refusing} == {"_tick_size"}  # tested below


RULES = FOR_ALL + TAKING_RISK + FOR_NEW_ENTRIES


class TestEdges:
    """The last value that passes."""

    @pytest.mark.parametrize(
        ("wanted", "context"),
        [
            ({}, {"closes_in_s": 60.0}),
            ({}, {"closes_in_s": None}),
            ({}, {"closes_in_s": 0.0, "limits": replace(LIMITS, no_entry_before_close_s=0.0)}),
            ({}, {"silence_s": 5.0}),
            ({}, {"silence_s": None}),
            ({}, {"day_pnl": Decimal("-49999.99")}),
            ({}, {"day_pnl": None}),
            ({}, {"day_pnl": Decimal(-(10**9)), "limits": replace(LIMITS, max_daily_loss=0)}),
            ({"quantity": 10}, {"limits": WIDE}),
            ({"quantity": 10}, {"limits": WIDE, "net": 10}),
            ({"quantity": 10}, {"limits": WIDE, "net": -30}),
            ({"side": Side.SELL, "quantity": 10}, {"limits": WIDE, "net": -10}),
            ({"quantity": 2}, {"limits": WIDE, "other_lots": 38}),
            ({"quantity": 1}, {"limits": WIDE, "other_lots": 20, "opposing": -20}),
            ({}, {"net": 9}),
            ({}, {"other_margin": 2_898_000}),
            ({}, {"limits": replace(LIMITS, max_margin=0), "equity": Decimal(322_000)}),
            ({"quantity": 10}, {"limits": replace(LIMITS, max_margin=0), "other_margin": 10**9}),
            ({}, {"limits": replace(LIMITS, max_margin=0, margin_per_lot=()), "other_margin": None}),
            ({"price": 23_256}, {}),
            ({"price": 20_520}, {}),  # far on the passive side
            ({"side": Side.SELL, "price": 22_344}, {}),
            ({"side": Side.SELL, "price": 25_080}, {}),
            ({}, {"repeated_after_s": 1.0}),
            ({}, {"repeated_after_s": 0.0, "limits": replace(LIMITS, duplicate_window_s=0.0)}),
            ({}, {"minute_entries": 4}),
            ({}, {"day_entries": 6}),
            ({}, {"phase": Phase.PRE_OPEN}),
            ({}, {"phase": Phase.ADD_ONLY}),
            ({"price": 22_400}, {"contract": None}),
            (
                {"quantity": 100},
                {"limits": replace(WIDE, max_order_lots=100, max_position_lots=100, max_total_lots=100)},
            ),
            (MARKET | {"quantity": 10}, {"limits": WIDE}),
            (MARKET | {"quantity": 5}, {"limits": WIDE, "session": SessionKind.NIGHT}),
        ],
    )
    def test_pass(self, wanted: Changes, context: Changes) -> None:
        assert verdict(order(**wanted), **context) is None

    def test_a_market_order_has_no_band(self) -> None:
        assert verdict(order(**MARKET), contract=None) is None

    def test_an_exit_needs_no_price_of_the_market(self) -> None:
        wanted = order(reduce_only=True, **MARKET)
        assert verdict(wanted, is_reducing=True, last_price=0, silence_s=999.0) is None

    @pytest.mark.parametrize("mark", ["reduce_only", "is_closing"])
    def test_a_feed_that_is_heard_overrules_the_calendar_for_exits(self, mark: str) -> None:
        closed: Changes = {"phase": Phase.CLOSED, "session": None}
        exits = order(**{mark: True}, **MARKET)
        assert verdict(exits, is_reducing=True, is_heard=True, **closed) is None
        for wanted, is_heard in ((exits, False), (order(**MARKET), True)):
            found = verdict(wanted, is_reducing=wanted is exits, is_heard=is_heard, **closed)
            assert found is not None
            assert found.reason is Reason.SESSION_CLOSED

    def test_a_market_exit_is_done_at_once_or_not(self) -> None:
        wanted = order(reduce_only=True, time_in_force=TimeInForce.ROD, **MARKET)
        text = "a market exit must be IOC or FOK, it is ROD"
        assert verdict(wanted, is_reducing=True) == RiskRefused(
            Reason.INVALID, text, "IOC or FOK", TimeInForce.ROD
        )

    def test_a_larger_tick_is_kept(self) -> None:
        product = replace(CONTEXT.instrument.product, tick_size=5)
        context: Changes = {"instrument": replace(CONTEXT.instrument, product=product)}
        text = "22801 is no multiple of the tick 5"
        assert verdict(order(price=22_801), **context) == RiskRefused(Reason.TICK_SIZE, text, 5, 22_801)
        assert verdict(order(price=22_805), **context) is None


class TestOrderOfRules:
    def test_the_first_refusal_wins(self) -> None:
        """Every further rule that is broken comes before those broken already."""
        wanted, context = order(), CONTEXT
        changes: list[tuple[Changes, Reason]] = [
            ({"day_entries": 7}, Reason.ORDERS_A_DAY),
            ({"minute_entries": 5}, Reason.ORDER_RATE),
            ({"repeated_after_s": 0.0}, Reason.DUPLICATE),
            ({"last_price": 22_000}, Reason.PRICE_BAND),
            ({"other_margin": 10**9}, Reason.MARGIN),
            ({"other_lots": 40}, Reason.TOTAL_POSITION),
            ({"net": 20}, Reason.POSITION_LIMIT),
            ({"limits": replace(LIMITS, max_order_lots=0)}, Reason.ORDER_SIZE),
            ({"day_pnl": Decimal(-50_000)}, Reason.DAILY_LOSS),
            ({"silence_s": 6.0}, Reason.STALE_FEED),
            ({"last_price": 0}, Reason.NO_PRICE),
            ({"closes_in_s": 1.0}, Reason.SESSION_CLOSING),
            ({"is_cancelled": True}, Reason.PERSON),
            ({"difference": ("1", "2")}, Reason.DIFFERENCE),
            ({"is_reconciled": False}, Reason.RECONCILING),
            ({"halt": HaltDepth.NO_ENTRIES}, Reason.HALTED),
            ({"contract": replace(CONTRACT, limit_up=LAST - 1)}, Reason.PRICE_LIMIT),
            ({"phase": Phase.CLOSED}, Reason.SESSION_CLOSED),
        ]
        for change, reason in changes:
            context = replace(context, **change)
            found = check(wanted, context, is_reducing=False)
            assert isinstance(found, RiskRefused)
            assert found.reason is reason


HOSTILE = st.builds(
    replace,
    st.just(CONTEXT),
    limits=st.builds(
        Risk,
        max_order_lots=st.integers(0, 3),
        max_position_lots=st.integers(0, 3),
        max_total_lots=st.integers(0, 3),
        price_band_percent=st.floats(0, 1),
        stale_feed_s=st.floats(0, 1),
        max_daily_loss=st.integers(0, 3),
        max_orders_per_minute=st.integers(0, 3),
        max_orders_per_day=st.integers(0, 3),
        no_entry_before_close_s=st.floats(0, 10_000),
        duplicate_window_s=st.floats(0, 100),
        margin_per_lot=st.sampled_from([(), ("TXF=322000",)]),
        max_margin=st.integers(0, 3),
    ),
    contract=st.sampled_from([None, CONTRACT]),
    net=st.integers(-1000, 1000),
    working=st.integers(-1000, 1000),
    opposing=st.integers(-1000, 1000),
    other_lots=st.integers(0, 1000),
    other_margin=st.none() | st.integers(0, 10**9),
    equity=st.none() | st.integers(0, 10**6).map(Decimal),
    day_pnl=st.none() | st.integers(-(10**9), 10**9).map(Decimal),
    last_price=st.integers(0, 30_000),
    silence_s=st.none() | st.floats(0, 1e9),
    phase=st.sampled_from([Phase.PRE_OPEN, Phase.ADD_ONLY, Phase.CONTINUOUS]),
    session=st.sampled_from(SessionKind),
    closes_in_s=st.none() | st.floats(0, 20_000),
    halt=st.sampled_from(HaltDepth),
    is_reconciled=st.booleans(),
    difference=st.none() | st.just(("1", "2")),
    is_cancelled=st.booleans(),
    minute_entries=st.integers(0, 10**6),
    day_entries=st.integers(0, 10**6),
    repeated_after_s=st.none() | st.floats(0, 100),
)
EXITS = st.builds(
    order, side=st.sampled_from(Side), price=st.integers(20_520, 25_080), quantity=st.integers(1, 100)
) | (
    st.builds(
        lambda side, lots, kind: order(side=side, quantity=lots, reduce_only=True, order_type=kind, price=0),
        st.sampled_from(Side),
        st.integers(1, 5),
        st.sampled_from([OrderType.MARKET, OrderType.RANGE_MARKET]),
    )
)


@given(EXITS, HOSTILE)
def test_reducing_exits_pass_every_rule_that_is_about_taking_risk(wanted: Order, context: RiskContext) -> None:
    assert check(wanted, context, is_reducing=True) == ApprovedOrder(wanted, is_reducing=True)
    assert check_change(wanted, context, is_reducing=True) is None


class TestChanges:
    """A working order that is to get another price."""

    def test_is_no_new_order(self) -> None:
        context = replace(CONTEXT, minute_entries=5, day_entries=7, repeated_after_s=0.0)
        assert check_change(order(), context, is_reducing=False) is None

    @pytest.mark.parametrize(
        ("wanted", "context", "reason"),
        [
            ({"price": 23_257}, {}, Reason.PRICE_BAND),
            ({}, {"halt": HaltDepth.NO_ENTRIES}, Reason.HALTED),
            ({}, {"day_pnl": Decimal(-50_000)}, Reason.DAILY_LOSS),
            ({"quantity": 10}, {"limits": WIDE, "net": 11}, Reason.POSITION_LIMIT),
            ({"price": 25_081}, {}, Reason.PRICE_LIMIT),
        ],
    )
    def test_takes_the_same_risk(self, wanted: Changes, context: Changes, reason: Reason) -> None:
        found = check_change(order(**wanted), replace(CONTEXT, **context), is_reducing=False)
        assert found is not None
        assert found.reason is reason


def test_only_risk_makes_approved_orders() -> None:
    """Nobody else calls the type, gives it another name, or changes one that was approved."""
    makers, aliases, changed = set(), set(), set()
    for path in ENGINE.rglob("*.py"):
        name = path.relative_to(ENGINE).as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "ApprovedOrder":
                makers.add(name)
            if isinstance(node, ast.alias) and node.name == "ApprovedOrder" and node.asname:
                aliases.add(name)
            if isinstance(node, ast.Assign) and ast.unparse(node.value).split(".")[-1] == "ApprovedOrder":
                aliases.add(name)
            if isinstance(node, ast.Call) and node.args and ast.unparse(node.args[0]) in ("approved", "verdict"):
                changed |= {name} if ast.unparse(node.func).split(".")[-1] == "replace" else set()
    assert (makers, aliases, changed) == ({"gateway/risk.py"}, set(), set())
