"""What every broker must do, whatever world is behind it: the rules of engine.brokers.base."""

import itertools
import multiprocessing
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from engine.brokers.base import Broker, Credentials
from engine.brokers.replay import ReplayBroker
from engine.brokers.simulated import SimulatedExchange
from engine.brokers.tape import Tape
from engine.drill.line import Line
from engine.drill.recorded import RecordedExchange
from engine.drill.remote import RemoteBroker
from engine.errors import BrokerRefused
from engine.formats.taifex import HEADER
from engine.model.market import LinkState
from engine.model.order import Order, OrderStatus, OrderType, Side, TimeInForce
from engine.model.session import SessionKind, TradingCalendar
from engine.settings import Simulation
from tests.listening import RecordingListener, approved, order

CALENDAR = TradingCalendar()
SYMBOL = "TXFK4"
DAY = CALENDAR.session(date(2024, 11, 5), SessionKind.DAY)


def simulated(folder: Path) -> Broker:
    return SimulatedExchange(Simulation(speed=20.0), CALENDAR, DAY.open_ns + 3600 * 10**9)


def daily_file(folder: Path) -> Path:
    rows = [
        f"20241105,TX     ,202411     ,{9 + second // 3600:02}{second // 60 % 60:02}{second % 60:02},"
        f"{22_800 + second % 7},6,-,-, "
        for second in range(4 * 3600)
    ]
    path = folder / "Daily_2024_11_05.csv"
    path.write_bytes("\r\n".join([",".join(HEADER), *rows, ""]).encode("cp950"))
    return path


def replay(folder: Path) -> Broker:
    return ReplayBroker(Tape.of_file(daily_file(folder), (SYMBOL,), CALENDAR), speed=50.0, calendar=CALENDAR)


def recorded(folder: Path) -> Broker:
    """The exchange of a drill over a daily file."""
    return RecordedExchange(daily_file(folder), SYMBOL, 50.0, CALENDAR)


class Distant(RemoteBroker):
    """A simulated exchange at the other end of a drill's line, closed with it."""

    def __init__(self) -> None:
        self._exchange = SimulatedExchange(Simulation(speed=20.0), CALENDAR, DAY.open_ns + 3600 * 10**9)
        self._line = Line(self._exchange, self._exchange.login(Credentials(user="somebody")), 20.0, "seed")
        self._exchange.start(self._line)
        self._ours, theirs = multiprocessing.Pipe()
        self._line.attach(self._ours)
        super().__init__(theirs, timeout_s=5.0)

    def close(self) -> None:
        super().close()
        self._ours.close()
        self._line.close()
        self._exchange.close()


def remote(folder: Path) -> Broker:
    return Distant()


@dataclass
class World:
    """A broker that is logged in and has begun to tell."""

    broker: Broker
    listener: RecordingListener
    account: str

    def submit(self, note: str, side: Side = Side.BUY, **changes: Any) -> str:
        return self.broker.submit(approved(note, self.account, SYMBOL, side, **changes))

    def order(self, note: str, **changes: Any) -> Order:
        return order(note, self.account, SYMBOL, **changes)

    def statuses(self, note: str) -> list[OrderStatus]:
        return [report.status for report in self.listener.reports(note)]

    def filled(self, note: str) -> int:
        return sum(fill.quantity for fill in self.listener.of("fill") if fill.client_order_id == note)


FAR: dict[str, Any] = {
    "order_type": OrderType.LIMIT,
    "time_in_force": TimeInForce.ROD,
    "price": 21_000,
    "quantity": 5,
}


@pytest.fixture(params=[simulated, replay, recorded, remote])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    broker: Broker = request.param(tmp_path)
    (account, *_) = broker.login(Credentials(user="somebody"))
    listener = RecordingListener()
    broker.start(listener)
    broker.subscribe(SYMBOL)
    listener.wait(lambda: bool(listener.of("tick")))
    yield World(broker, listener, account.account)
    broker.close()


def test_links_come_up_before_anything_else(world: World) -> None:
    assert world.listener.told[:2] == [
        ("link", ("trade", LinkState.UP)),
        ("link", ("quote", LinkState.UP)),
    ]


def test_contracts_hold_what_is_subscribed(world: World) -> None:
    found = {contract.symbol: contract for contract in world.broker.contracts()}
    assert found[SYMBOL].product == "TXF"
    assert found[SYMBOL].contract_month == "202411"


def test_ticks_come_in_order_of_time_with_growing_volume(world: World) -> None:
    world.listener.wait(lambda: len(world.listener.of("tick")) >= 30)
    ticks = world.listener.of("tick")
    assert {tick[0] for tick in ticks} == {SYMBOL}
    assert [tick[1] for tick in ticks] == sorted(tick[1] for tick in ticks)
    for before, after in itertools.pairwise(ticks):
        assert after[4] == before[4] + after[3]


def test_clock_shows_the_markets_time(world: World) -> None:
    assert DAY.open_ns < world.broker.clock.now_ns() < DAY.close_ns
    assert world.listener.of("tick")[0][1] <= world.broker.clock.now_ns()


def test_second_subscription_does_nothing(world: World) -> None:
    world.broker.subscribe(SYMBOL)
    world.listener.wait(lambda: len(world.listener.of("tick")) >= 10)
    volumes = [tick[4] for tick in world.listener.of("tick")]
    assert len(set(volumes)) == len(volumes)


def test_market_order_is_accepted_and_filled_under_its_note(world: World) -> None:
    number = world.submit("MARKET0001", quantity=4)
    world.listener.wait(lambda: world.filled("MARKET0001") == 4)
    (report,) = world.listener.reports("MARKET0001")
    assert (report.status, report.broker_order_id or number) == (OrderStatus.ACCEPTED, number)
    fills = world.listener.of("fill")
    assert len({fill.fill_id for fill in fills}) == len(fills)
    assert {(fill.account, fill.symbol, fill.side) for fill in fills} == {(world.account, SYMBOL, Side.BUY)}


def test_queries_agree_with_what_was_told(world: World) -> None:
    world.submit("BUY0000001", quantity=3)
    world.submit("SELL000001", Side.SELL, quantity=1)
    world.submit("FAR0000001", **FAR)
    world.listener.wait(lambda: world.filled("BUY0000001") == 3 and world.filled("SELL000001") == 1)
    world.listener.wait(lambda: bool(world.statuses("FAR0000001")))
    broker, account = world.broker, world.account
    assert sorted(fill.fill_id for fill in broker.query_fills(account)) == sorted(
        fill.fill_id for fill in world.listener.of("fill")
    )
    found = {report.client_order_id: (report.status, report.filled) for report in broker.query_orders(account)}
    assert found == {
        "BUY0000001": (OrderStatus.FILLED, 3),
        "SELL000001": (OrderStatus.FILLED, 1),
        "FAR0000001": (OrderStatus.ACCEPTED, 0),
    }
    assert broker.query_positions(account) == {SYMBOL: 2}


def test_foreign_account_knows_nothing(world: World) -> None:
    world.submit("BUY0000001")
    world.listener.wait(lambda: world.filled("BUY0000001") == 1)
    assert not world.broker.query_orders("other")
    assert not world.broker.query_fills("other")
    assert world.broker.query_positions("other") == {}


def test_resting_order_is_reduced_repriced_and_cancelled(world: World) -> None:
    world.submit("FAR0000001", **FAR)
    world.listener.wait(lambda: world.statuses("FAR0000001") == [OrderStatus.ACCEPTED])
    world.broker.replace(world.order("FAR0000001", **FAR), 0, 2)
    world.listener.wait(lambda: len(world.statuses("FAR0000001")) == 2)
    world.broker.replace(world.order("FAR0000001", **FAR), 21_005, 0)
    world.listener.wait(lambda: len(world.statuses("FAR0000001")) == 3)
    world.broker.cancel(world.order("FAR0000001", **FAR))
    world.listener.wait(lambda: len(world.statuses("FAR0000001")) == 4)
    told = [(item.status, item.price, item.quantity) for item in world.listener.reports("FAR0000001")]
    assert told == [
        (OrderStatus.ACCEPTED, 21_000, 5),
        (OrderStatus.ACCEPTED, 21_000, 2),
        (OrderStatus.ACCEPTED, 21_005, 2),
        (OrderStatus.CANCELLED, 21_005, 2),
    ]
    with pytest.raises(BrokerRefused):
        world.broker.cancel(world.order("FAR0000001", **FAR))
    with pytest.raises(BrokerRefused):
        world.broker.replace(world.order("FAR0000001", **FAR), 21_001, 0)


def test_impossible_replace_is_answered_and_changes_nothing(world: World) -> None:
    world.submit("FAR0000001", **FAR)
    world.broker.replace(world.order("FAR0000001", **FAR), 0, 9)
    world.listener.wait(lambda: len(world.statuses("FAR0000001")) == 2)
    answer = world.listener.reports("FAR0000001")[1]
    assert (answer.status, answer.quantity) == (OrderStatus.ACCEPTED, 5)
    assert answer.reason
    assert answer.text


@pytest.mark.parametrize(
    "changes", [{"quantity": 11}, {**FAR, "quantity": 101}, {**FAR, "price": 0}], ids=["market", "limit", "price"]
)
def test_exchange_rejects_what_breaks_its_rules(world: World, changes: dict[str, Any]) -> None:
    world.submit("BAD0000001", **changes)
    world.listener.wait(lambda: world.statuses("BAD0000001") == [OrderStatus.REJECTED])
    report = world.listener.reports("BAD0000001")[0]
    assert report.reason
    assert report.text
    assert world.broker.query_orders(world.account)[0].status is OrderStatus.REJECTED


def test_unmarketable_ioc_and_fok_orders_are_killed(world: World) -> None:
    for note, life in (("IOC0000001", TimeInForce.IOC), ("FOK0000001", TimeInForce.FOK)):
        world.submit(note, **{**FAR, "time_in_force": life})
        world.listener.wait(
            lambda note=note: world.statuses(note) == [OrderStatus.ACCEPTED, OrderStatus.CANCELLED]  # type: ignore[misc]
        )
        assert world.filled(note) == 0


def test_order_without_home_is_refused_before_it_leaves(world: World) -> None:
    with pytest.raises(BrokerRefused):
        world.broker.submit(approved("A000000001", "other", SYMBOL))
    with pytest.raises(BrokerRefused):
        world.broker.submit(approved("A000000001", world.account, "TXFZ9"))
    with pytest.raises(BrokerRefused):
        world.broker.subscribe("TXFZ9")
    assert world.broker.query_orders(world.account) == ()


def test_same_note_is_taken_once(world: World) -> None:
    world.submit("ONCE000001")
    with pytest.raises(BrokerRefused):
        world.submit("ONCE000001")
    world.listener.wait(lambda: world.filled("ONCE000001") == 1)
    assert len(world.broker.query_orders(world.account)) == 1


def test_orders_of_many_threads_all_live(world: World) -> None:
    notes = [f"T{number:09}" for number in range(16)]
    threads = [threading.Thread(target=world.submit, args=(note,), kwargs=FAR) for note in notes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.listener.wait(lambda: all(world.statuses(note) for note in notes))
    assert {item.client_order_id for item in world.broker.query_orders(world.account)} == set(notes)
    assert len({item.broker_order_id for item in world.broker.query_orders(world.account)}) == 16


def test_listener_may_call_the_broker(world: World) -> None:
    """No listener method is called under a lock that a broker's method needs."""
    answered = threading.Event()
    reached = threading.Event()

    def ask() -> None:
        world.broker.query_positions(world.account)
        answered.set()

    def on_fill(fill: Any) -> None:
        if not reached.is_set():
            reached.set()
            threading.Thread(target=ask).start()
            assert answered.wait(10)

    world.listener.on_fill = on_fill  # type: ignore[method-assign]
    world.submit("CALL000001")
    assert answered.wait(20)


def test_nothing_is_told_after_close(world: World) -> None:
    world.broker.close()
    count = len(world.listener.told)
    with pytest.raises(BrokerRefused):
        world.submit("LATE000001")
    world.broker.close()  # a second time does nothing
    assert not threading.Event().wait(0.1)
    assert len(world.listener.told) == count
