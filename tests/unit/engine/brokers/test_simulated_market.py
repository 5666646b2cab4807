from datetime import date, datetime
from typing import Any

import pytest

from engine.brokers.base import OrderReport
from engine.brokers.rules import Refusal
from engine.brokers.simulated import default_start
from engine.brokers.simulated_market import (
    START_PRICE,
    STEP_NS,
    MarketBook,
    MarketPrint,
    Output,
    SimulatedMarket,
)
from engine.model.market import Contract
from engine.model.order import Fill, OrderStatus, OrderType, Reason, Side, TimeInForce
from engine.model.session import TAIPEI, SessionKind, TradingCalendar
from engine.model.tick import TickFlag
from engine.timing import NS_PER_S
from tests.listening import order

CALENDAR = TradingCalendar()
DAY = CALENDAR.session(date(2024, 11, 5), SessionKind.DAY)
NIGHT = CALENDAR.session(date(2024, 11, 6), SessionKind.NIGHT)
START = DAY.open_ns + 3600 * NS_PER_S
LIMIT, ROD = OrderType.LIMIT, TimeInForce.ROD


def market(start_ns: int = START, seed: int = 7, symbols: tuple[str, ...] = ("TXFK4",)) -> SimulatedMarket:
    made = SimulatedMarket(seed, CALENDAR, start_ns)
    for symbol in symbols:
        made.watch(symbol)
    return made


def run(made: SimulatedMarket, seconds: float) -> list[Output]:
    return made.run_to(made.now_ns + int(seconds * NS_PER_S))


def prints(outputs: list[Output], symbol: str = "TXFK4") -> list[MarketPrint]:
    return [item for item in outputs if isinstance(item, MarketPrint) and item.symbol == symbol]


def reports(outputs: list[Output]) -> list[OrderReport]:
    return [item for item in outputs if isinstance(item, OrderReport)]


def fills(outputs: list[Output]) -> list[Fill]:
    return [item for item in outputs if isinstance(item, Fill)]


def asked(client_order_id: str, side: Side = Side.BUY, **changes: Any) -> Any:
    return order(client_order_id, "SIM", "TXFK4", side, **changes)


# --------------------------------------------------------------------------------------------- the flow


def test_same_seed_and_steps_give_the_same_market() -> None:
    first, second, other = market(), market(), market(seed=8)
    assert run(first, 60) == run(second, 60) != run(other, 60)
    assert first.books(("TXFK4",)) == second.books(("TXFK4",))


def test_steps_may_be_taken_in_any_portions() -> None:
    whole, parts = market(), market()
    expected = run(whole, 20)
    found: list[Output] = []
    while parts.now_ns < whole.now_ns:
        found += parts.run_to(parts.now_ns + 3 * STEP_NS + 1)
    assert prints(found)[: len(prints(expected))] == prints(expected)


@pytest.mark.parametrize("seed", [1, 2, 20241105])
def test_market_is_lively_and_stays_believable(seed: int) -> None:
    made = market(seed=seed)
    ranges, count = [], 0
    for _ in range(20):
        found = [item.price for item in prints(run(made, 30))]
        ranges.append(max(found) - min(found))
        count += len(found)
    assert 3 <= count / 600 <= 10
    assert 15 <= sorted(ranges)[10] <= 40
    assert abs(found[-1] - START_PRICE) < 1000


def test_book_has_five_levels_and_is_not_crossed() -> None:
    made = market()
    run(made, 5)
    for _ in range(100):
        run(made, 1)
        for book in made.books(("TXFK4",)):
            bids, asks = [level.price for level in book.bids], [level.price for level in book.asks]
            assert len(bids) == len(asks) == 5
            assert bids[0] < asks[0] <= bids[0] + 8
            assert bids == sorted(bids, reverse=True)
            assert asks == sorted(asks)
            assert all(level.quantity > 0 for level in (*book.bids, *book.asks))


def test_unchanged_book_is_told_once() -> None:
    made = market()
    run(made, 5)
    assert [type(item) for item in made.books(("TXFK4",))] == [MarketBook]
    assert made.books(("TXFK4",)) == []
    made.watch("TXFK4")
    assert len(made.books(("TXFK4",))) == 1


def test_products_follow_the_same_price() -> None:
    made = market(symbols=("TXFK4", "MXFK4", "TMFK4"))
    outputs = run(made, 120)
    last = [prints(outputs, symbol)[-1].price for symbol in ("TXFK4", "MXFK4", "TMFK4")]
    assert max(last) - min(last) < 15


def test_volume_counts_the_session() -> None:
    found = prints(run(market(), 60))
    assert [item.total_volume for item in found] == [
        sum(item.quantity for item in found[: index + 1]) for index in range(len(found))
    ]


def test_unwatched_contract_is_quiet() -> None:
    assert prints(run(market(symbols=()), 60)) == []


# ------------------------------------------------------------------------------------------- contracts


def test_contracts_are_the_listed_months_with_limits_of_ten_percent() -> None:
    found = market().contracts()
    assert [item.symbol for item in found if item.product == "TXF"] == [
        "TXFK4", "TXFL4", "TXFA5", "TXFC5", "TXFF5", "TXFI5",
    ]  # fmt: skip
    assert {item.product for item in found} == {"TXF", "MXF", "TMF"}
    front = found[0]
    assert (front.reference_price, front.limit_up, front.limit_down) == (22_800, 25_080, 20_520)


def test_new_trade_date_has_a_new_reference_and_told_contracts() -> None:
    made = market(DAY.close_ns - 30 * NS_PER_S)
    last = prints(run(made, 40))[-1].price
    assert made.is_closed()
    outputs = made.skip_closed()
    assert made.now_ns == NIGHT.open_ns - 5 * NS_PER_S
    assert made.trade_date == date(2024, 11, 6)
    told = {item.symbol: item for item in outputs if isinstance(item, Contract)}
    assert told["TXFK4"].reference_price == last


def test_expired_month_leaves_and_the_newest_comes() -> None:
    settlement = CALENDAR.session(date(2024, 11, 20), SessionKind.DAY)
    made = market(settlement.close_ns - 20 * 60 * NS_PER_S)
    outputs = run(made, 6 * 60)
    half_past_one = settlement.close_ns - 15 * 60 * NS_PER_S
    assert half_past_one - 5 * NS_PER_S < prints(outputs)[-1].ts_event <= half_past_one + NS_PER_S
    run(made, 15 * 60)
    made.skip_closed()
    months = [item.symbol for item in made.contracts() if item.product == "TXF"]
    assert "TXFK4" not in months
    assert months[0] == "TXFL4"


# ------------------------------------------------------------------------------------------ sessions


def test_open_begins_with_one_auction_print() -> None:
    made = market(DAY.close_ns + 60 * NS_PER_S)
    assert made.now_ns == NIGHT.open_ns - 5 * NS_PER_S
    outputs = run(made, 20)
    first, *rest = prints(outputs)
    assert first.flags == TickFlag.OPENING
    assert first.ts_event == NIGHT.open_ns
    assert first.quantity == first.total_volume >= 10
    assert rest
    assert all(item.flags == 0 for item in rest)


def test_orders_die_with_the_session() -> None:
    made = market(DAY.close_ns - 10 * NS_PER_S)
    run(made, 5)
    made.submit(asked("A", order_type=LIMIT, time_in_force=ROD, price=22_000), "S1")
    outputs = run(made, 20)
    assert [(item.status, item.reason) for item in reports(outputs)] == [
        (OrderStatus.EXPIRED, Reason.SESSION_ENDED)
    ]
    made.skip_closed()
    assert made.desk.reports("SIM", made.trade_date) == ()  # of the trade date before


@pytest.mark.parametrize(
    ("wall", "expected"),
    [
        ("2024-11-05 10:00", "2024-11-05 10:00"),  # open
        ("2024-11-05 14:00", "2024-11-05 09:30"),  # closed after the day session
        ("2024-11-05 07:00", "2024-11-04 09:30"),  # closed before it
        ("2024-11-10 12:00", "2024-11-08 09:30"),  # Sunday
    ],
)
def test_market_starts_at_the_present_or_on_the_latest_trading_day(wall: str, expected: str) -> None:
    def instant(text: str) -> int:
        return int(datetime.fromisoformat(text).replace(tzinfo=TAIPEI).timestamp()) * NS_PER_S

    assert default_start(CALENDAR, instant(wall)) == instant(expected)


# ------------------------------------------------------------------------------------------ the trader


def test_market_order_trades_with_the_book_and_prints() -> None:
    made = market()
    run(made, 5)
    ask = made.books(("TXFK4",))[0].asks[0].price
    outputs = made.submit(asked("A", quantity=3), "S1")
    assert reports(outputs)[0].status is OrderStatus.ACCEPTED
    assert sum(item.quantity for item in fills(outputs)) == 3
    assert fills(outputs)[0].price == ask
    assert sum(item.quantity for item in prints(outputs)) == 3
    assert made.desk.positions("SIM") == {"TXFK4": 3}
    assert made.desk.reports("SIM", made.trade_date)[0].status is OrderStatus.FILLED


def test_traders_limit_order_stands_in_the_book_and_is_hit() -> None:
    made = market()
    run(made, 5)
    bid = made.books(("TXFK4",))[0].bids[0].price
    made.submit(asked("A", order_type=LIMIT, time_in_force=ROD, price=bid + 1, quantity=2), "S1")
    book = made.books(("TXFK4",))[0]
    assert bid + 1 in [level.price for level in (*book.bids, *book.asks)] or made.desk.positions("SIM")
    run(made, 120)
    assert made.desk.positions("SIM") == {"TXFK4": 2}


def test_cancel_and_replace_are_answered_by_reports() -> None:
    made = market()
    run(made, 5)
    made.submit(asked("A", order_type=LIMIT, time_in_force=ROD, price=22_000, quantity=5), "S1")
    (report,) = reports(made.replace("A", 22_001, 3))
    assert (report.status, report.price, report.quantity) == (OrderStatus.ACCEPTED, 22_001, 3)
    (report,) = reports(made.replace("A", 30_000, 0))
    assert (report.price, report.reason) == (22_001, Reason.PRICE_LIMIT)
    (report,) = reports(made.cancel("A"))
    assert report.status is OrderStatus.CANCELLED
    assert made.cancel("A") == []


def test_refused_orders_are_reported_with_their_reason() -> None:
    made = market()
    run(made, 1)
    (report,) = reports(made.submit(asked("A", quantity=11), "S1"))
    assert (report.status, report.reason) == (OrderStatus.REJECTED, Reason.ORDER_SIZE)
    (report,) = reports(made.submit(asked("B"), "S2", Refusal(Reason.BROKER, "bad luck")))
    assert (report.status, report.reason, report.text) == (OrderStatus.REJECTED, Reason.BROKER, "bad luck")
