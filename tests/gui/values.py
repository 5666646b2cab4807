"""Values as a trading day has them, for the tests of docks and dialogs."""

from datetime import date
from decimal import Decimal
from typing import Any

from engine.model.condition import Condition, ConditionSpec, ConditionState
from engine.model.instrument import Instrument, instrument
from engine.model.market import Contract
from engine.model.order import Fill, Order, OrderStatus, OrderType, Side, TimeInForce
from engine.model.position import Account, Position
from engine.model.session import TradingCalendar
from engine.model.tick import Book, Level, Tick

T0 = 1_730_772_000_000_000_000  # 2024-11-05 10:00 in Taipei
ACCOUNT = "0123456-7"
ACCOUNTS = (Account(account=ACCOUNT, name="Margin"),)
CONTRACTS = tuple(
    Contract(symbol=f"{product}{code}", product=product, contract_month=month, reference_price=22811)
    for product in ("TXF", "MXF")
    for code, month in (("K4", "202411"), ("L4", "202412"))
)


def tick(price: int = 22980, symbol: str = "TXFK4", **rest: Any) -> Tick:
    given = {"seq": 1, "ts_event": T0, "ts_recv": T0, "quantity": 1, "total_volume": 5000} | rest
    return Tick(symbol=symbol, price=price, **given)


def book(symbol: str = "TXFK4", bid: int = 22979, ask: int = 22981) -> Book:
    return Book(
        symbol=symbol,
        seq=1,
        ts_event=T0,
        ts_recv=T0,
        bids=tuple(Level(price=bid - n, quantity=10 + n) for n in range(5)),
        asks=tuple(Level(price=ask + n, quantity=20 + n) for n in range(5)),
    )


def order(client_order_id: str = "AAAAAAAAAA", **rest: Any) -> Order:
    given: dict[str, Any] = {
        "side": Side.BUY,
        "order_type": OrderType.LIMIT,
        "time_in_force": TimeInForce.ROD,
        "price": 22900,
        "quantity": 3,
        "status": OrderStatus.ACCEPTED,
        "ts_created": T0,
    }
    return Order(client_order_id=client_order_id, account=ACCOUNT, symbol="TXFK4", **(given | rest))


def fill(fill_id: str = "1", **rest: Any) -> Fill:
    given: dict[str, Any] = {"side": Side.BUY, "price": 22939, "quantity": 2, "ts_event": T0}
    return Fill(fill_id=fill_id, client_order_id="AAAAAAAAAA", account=ACCOUNT, symbol="TXFK4", **(given | rest))


def spec(condition_id: str = "C1", **rest: Any) -> ConditionSpec:
    given: dict[str, Any] = {"action": Side.BUY, "trigger_price": 22930}
    return ConditionSpec(condition_id=condition_id, account=ACCOUNT, symbol="TXFK4", **(given | rest))


def condition(condition_id: str = "C1", state: ConditionState = ConditionState.ARMED, **rest: Any) -> Condition:
    made = spec(condition_id)
    return Condition(spec=made, state=state, trigger=made.trigger_price, **rest)


def position(net: int = 2, average: int = 22939, symbol: str = "TXFK4", realised: int = 0) -> Position:
    return Position(
        account=ACCOUNT,
        symbol=symbol,
        net=net,
        cost=Decimal(net * average),
        realised_points=Decimal(realised),
        fees=Decimal(40),
        tax=Decimal(184),
    )


def instruments() -> dict[str, Instrument]:
    calendar = TradingCalendar()
    symbols = [contract.symbol for contract in CONTRACTS]
    return {s: instrument(s, near=date(2024, 11, 5), calendar=calendar) for s in symbols}
