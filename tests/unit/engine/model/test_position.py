from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.instrument import instrument
from engine.model.order import Fill, Side
from engine.model.position import Position
from engine.model.session import TradingCalendar

NEAR = date(2024, 11, 5)
CALENDAR = TradingCalendar()
TXF, MXF, TMF = (instrument(f"{code}K4", near=NEAR, calendar=CALENDAR) for code in ("TXF", "MXF", "TMF"))


def fill(side: Side, quantity: int, price: int) -> Fill:
    return Fill(
        fill_id="1",
        client_order_id="ABCDEFGHIJ",
        account="a",
        symbol="TXFK4",
        side=side,
        price=price,
        quantity=quantity,
        ts_event=1,
    )


def after(*trades: tuple[int, int]) -> Position:
    """The position after trades of signed lots and price."""
    position = Position(account="a", symbol="TXFK4")
    for lots, price in trades:
        side = Side.BUY if lots > 0 else Side.SELL
        position = position.with_fill(fill(side, abs(lots), price), TXF)
    return position


def held(position: Position) -> tuple[int, object]:
    """Net lots and their average price."""
    return position.net, position.average_price


def test_nothing() -> None:
    position = after()
    assert position.is_flat
    assert position.average_price is None
    assert position.realised_pnl(TXF) == position.unrealised_pnl(TXF, 22_800) == 0


def test_one_lot_there_and_back() -> None:
    position = after((1, 22_800), (-1, 22_890))
    assert position.is_flat
    assert position.cost == 0
    assert position.fees == 40  # 20 TWD a side
    assert position.tax == Decimal("91.20") + Decimal("91.56")  # 0.00002 x 200 x price, each side
    assert position.gross_pnl(TXF) == 90 * 200
    assert position.realised_pnl(TXF) == Decimal("17777.24")


def test_a_short_gains_when_the_price_falls() -> None:
    assert after((-2, 22_800), (2, 22_790)).gross_pnl(TXF) == 10 * 2 * 200


def test_adding_averages() -> None:
    position = after((1, 22_800), (2, 22_830))
    assert held(position) == (3, 22_820)
    assert position.realised_points == 0


def test_closing_some_keeps_the_average() -> None:
    position = after((1, 22_800), (3, 22_840), (-2, 22_850))
    assert held(position) == (2, 22_830)
    assert position.realised_points == 2 * 20


@pytest.mark.parametrize("sign", [1, -1])
def test_reversing_through_zero_closes_first_and_opens_at_the_price(sign: int) -> None:
    position = after((sign * 2, 22_800), (-sign * 5, 22_860))
    assert held(position) == (-sign * 3, 22_860)
    assert position.realised_points == sign * 120
    assert position.fees == 7 * 20
    assert position.tax == Decimal("0.004") * (2 * 22_800 + 5 * 22_860)


def test_unrealised_is_what_closing_now_would_add_after_its_costs() -> None:
    position = after((2, 22_800))
    open_pnl = position.unrealised_pnl(TXF, 22_810)
    assert open_pnl == 10 * 2 * 200 - 40 - Decimal("0.004") * 22_810 * 2
    closed = after((2, 22_800), (-2, 22_810))
    assert closed.realised_pnl(TXF) == position.realised_pnl(TXF) + open_pnl


def test_unrealised_of_a_short() -> None:
    gross = after((-1, 22_800)).unrealised_pnl(TXF, 22_790) + 20 + Decimal("0.004") * 22_790
    assert gross == 10 * 200


def test_each_product_has_its_own_worth() -> None:
    position = Position(account="a", symbol="x")
    for contract, money in ((TXF, 2000), (MXF, 500), (TMF, 100)):
        traded = position.with_fill(fill(Side.BUY, 1, 100), contract)
        traded = traded.with_fill(fill(Side.SELL, 1, 110), contract)
        assert traded.gross_pnl(contract) == money


TRADES = st.lists(
    st.tuples(st.integers(-20, 20).filter(bool), st.integers(15_000, 40_000)), min_size=1, max_size=40
)


@given(TRADES)
def test_profit_is_cash_flow(trades: list[tuple[int, int]]) -> None:
    """What was gained and what is held together are what was paid and received, whatever the order of trades."""
    position = after(*trades)
    cash = -sum(lots * price for lots, price in trades)
    assert abs(position.realised_points - position.cost - cash) < Decimal("1e-12")
    assert position.net == sum(lots for lots, _ in trades)
    assert position.fees == 20 * sum(abs(lots) for lots, _ in trades)
    assert position.tax == sum(Decimal("0.004") * abs(lots) * price for lots, price in trades)
    assert (position.cost == 0) == position.is_flat


@given(TRADES, st.integers(15_000, 40_000))
def test_closing_everything_gives_the_promised_profit(trades: list[tuple[int, int]], last: int) -> None:
    position = after(*trades)
    promised = position.realised_pnl(TXF) + position.unrealised_pnl(TXF, last)
    flat = after(*trades, (-position.net, last)) if position.net else position
    assert abs(flat.realised_pnl(TXF) - promised) < Decimal("1e-9")


@given(TRADES)
def test_selling_mirrors_buying(trades: list[tuple[int, int]]) -> None:
    there, back = after(*trades), after(*[(-lots, price) for lots, price in trades])
    assert (back.net, back.cost, back.realised_points) == (-there.net, -there.cost, -there.realised_points)
    assert (back.fees, back.tax) == (there.fees, there.tax)


@given(TRADES)
def test_the_average_lies_between_the_prices_paid(trades: list[tuple[int, int]]) -> None:
    position = after(*trades)
    if position.average_price is not None:
        prices = [price for _, price in trades]
        assert min(prices) - Decimal("1e-9") <= position.average_price <= max(prices) + Decimal("1e-9")
