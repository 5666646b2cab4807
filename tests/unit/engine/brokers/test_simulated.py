from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest

from engine.brokers.base import Credentials
from engine.brokers.faults import Faults, Reply
from engine.brokers.simulated import SimulatedExchange
from engine.errors import BrokerAmbiguous, BrokerRefused
from engine.model.market import LinkState
from engine.model.order import OrderStatus, OrderType, Reason, TimeInForce
from engine.model.session import SessionKind, TradingCalendar
from engine.settings import Simulation
from engine.timing import NS_PER_S
from tests.listening import RecordingListener, approved

CALENDAR = TradingCalendar()
DAY = CALENDAR.session(date(2024, 11, 5), SessionKind.DAY)
SYMBOL = "TXFK4"
ACCOUNT = "SIM-me"
FAR: dict[str, Any] = {"order_type": OrderType.LIMIT, "time_in_force": TimeInForce.ROD, "price": 22_000}

Start = Callable[..., tuple[SimulatedExchange, RecordingListener]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts an exchange with one subscribed contract."""
    made: list[SimulatedExchange] = []

    def run(
        start_ns: int = DAY.open_ns + 3600 * NS_PER_S, **knobs: Any
    ) -> tuple[SimulatedExchange, RecordingListener]:
        exchange = SimulatedExchange(Simulation(**({"speed": 10.0} | knobs)), CALENDAR, start_ns)
        made.append(exchange)
        exchange.login(Credentials(user="me"))
        listener = RecordingListener()
        exchange.subscribe(SYMBOL)
        exchange.start(listener)
        listener.wait(lambda: bool(listener.of("tick")))
        return exchange, listener

    yield run
    for exchange in made:
        exchange.close()


def test_login_wants_a_user() -> None:
    exchange = SimulatedExchange(Simulation(), CALENDAR, DAY.open_ns)
    with pytest.raises(BrokerRefused, match="user"):
        exchange.login(Credentials(user=" "))
    with pytest.raises(BrokerRefused, match="Log in"):
        exchange.start(RecordingListener())
    exchange.close()


def test_books_have_five_levels_and_come_only_for_subscribed_contracts(start: Start) -> None:
    exchange, listener = start()
    listener.wait(lambda: len(listener.of("book")) >= 3)
    assert {book[0] for book in listener.of("book")} == {SYMBOL}
    assert len(listener.of("book")[-1][2]) == len(listener.of("book")[-1][3]) == 5
    exchange.subscribe("MXFK4")
    listener.wait(lambda: any(book[0] == "MXFK4" for book in listener.of("book")))
    exchange.unsubscribe(SYMBOL)
    exchange.submit(approved("A", ACCOUNT, SYMBOL))
    listener.wait(lambda: bool(listener.of("fill")))  # everything told before has been told
    count = len([tick for tick in listener.of("tick") if tick[0] == SYMBOL])
    listener.wait(lambda: len(listener.of("tick")) >= 100)
    assert len([tick for tick in listener.of("tick") if tick[0] == SYMBOL]) == count


def test_closed_hours_are_skipped(start: Start) -> None:
    exchange, listener = start(DAY.close_ns - 5 * NS_PER_S)
    listener.wait(lambda: listener.of("tick")[-1][1] > DAY.close_ns + 3600 * NS_PER_S)
    assert exchange.clock.now_ns() > DAY.close_ns + 3600 * NS_PER_S
    assert {item.symbol for item in listener.of("contract")} >= {SYMBOL}


def test_lost_reply_of_an_order_that_lives(start: Start) -> None:
    exchange, listener = start()
    exchange.faults.lose_next_reply(is_alive=True)
    with pytest.raises(BrokerAmbiguous):
        exchange.submit(approved("LOST", ACCOUNT, SYMBOL, **FAR))
    exchange.submit(approved("NEXT", ACCOUNT, SYMBOL, **FAR))
    listener.wait(lambda: bool(listener.reports("NEXT")))
    assert listener.reports("LOST") == []  # its acceptance is the reply that got lost
    assert [(item.client_order_id, item.status) for item in exchange.query_orders(ACCOUNT)] == [
        ("LOST", OrderStatus.ACCEPTED),
        ("NEXT", OrderStatus.ACCEPTED),
    ]


def test_fill_of_an_order_whose_reply_was_lost_is_told(start: Start) -> None:
    exchange, listener = start()
    exchange.faults.lose_next_reply(is_alive=True)
    with pytest.raises(BrokerAmbiguous):
        exchange.submit(approved("LOST", ACCOUNT, SYMBOL))
    listener.wait(lambda: bool(listener.of("fill")))
    assert listener.of("fill")[0].client_order_id == "LOST"


def test_lost_order_never_arrives(start: Start) -> None:
    exchange, listener = start()
    exchange.faults.lose_next_reply(is_alive=False)
    with pytest.raises(BrokerAmbiguous):
        exchange.submit(approved("LOST", ACCOUNT, SYMBOL))
    exchange.submit(approved("NEXT", ACCOUNT, SYMBOL))
    listener.wait(lambda: bool(listener.of("fill")))
    assert [item.client_order_id for item in exchange.query_orders(ACCOUNT)] == ["NEXT"]


def test_rejects_at_random(start: Start) -> None:
    exchange, listener = start(reject_rate=1.0)
    exchange.submit(approved("A", ACCOUNT, SYMBOL))
    listener.wait(lambda: bool(listener.reports("A")))
    (report,) = listener.reports("A")
    assert (report.status, report.reason) == (OrderStatus.REJECTED, Reason.BROKER)


def test_single_reject(start: Start) -> None:
    exchange, listener = start()
    exchange.faults.reject_next()
    exchange.submit(approved("A", ACCOUNT, SYMBOL))
    exchange.submit(approved("B", ACCOUNT, SYMBOL))
    listener.wait(lambda: bool(listener.reports("A") and listener.reports("B")))
    assert listener.reports("A")[0].status is OrderStatus.REJECTED
    assert listener.reports("B")[0].status is OrderStatus.ACCEPTED


def test_thin_market_fills_a_part_and_kills_the_rest(start: Start) -> None:
    exchange, listener = start()
    exchange.faults.thin_next(1, after=1)
    immediate: dict[str, Any] = {"order_type": OrderType.MARKET, "time_in_force": TimeInForce.IOC}
    for note in ("WHOLE00001", "PART000001"):
        exchange.submit(approved(note, ACCOUNT, SYMBOL, quantity=3, **immediate))
    listener.wait(lambda: any(item.status is OrderStatus.CANCELLED for item in listener.reports("PART000001")))
    books = {item.client_order_id: item for item in exchange.query_orders(ACCOUNT)}
    assert (books["WHOLE00001"].status, books["WHOLE00001"].filled) == (OrderStatus.FILLED, 3)
    part = books["PART000001"]
    assert (part.status, part.reason, part.quantity, part.filled) == (OrderStatus.CANCELLED, Reason.KILLED, 3, 1)
    assert exchange.query_positions(ACCOUNT)[SYMBOL] == 4


def test_faults_that_were_lifted_do_not_happen() -> None:
    faults = Faults(Simulation())
    faults.thin_next(1)
    faults.lose_next_reply(is_alive=True)
    faults.reject_next()
    faults.lift()
    assert faults.most_lots(3) == 3
    assert faults.reply() is Reply.GIVEN
    assert not faults.is_rejected()


def test_lost_replies_are_drawn_from_the_seed() -> None:
    def drawn(seed: int) -> list[Reply]:
        faults = Faults(Simulation(seed=seed, lost_reply_rate=0.5))
        return [faults.reply() for _ in range(400)]

    found = drawn(1)
    assert found == drawn(1) != drawn(2)
    assert 150 < found.count(Reply.GIVEN) < 250
    assert 60 < found.count(Reply.LOST_ALIVE) < 140
    assert set(drawn(3)) == set(Reply)


def test_every_reply_lost(start: Start) -> None:
    exchange, _ = start(lost_reply_rate=1.0)
    for number in range(5):
        with pytest.raises(BrokerAmbiguous):
            exchange.submit(approved(f"A{number}", ACCOUNT, SYMBOL, **FAR))


def is_up(listener: RecordingListener) -> bool:
    return bool(listener.of("link")[-1] == ("quote", LinkState.UP))


def test_dropped_link_refuses_and_stays_silent_and_tells_the_rest_afterwards(start: Start) -> None:
    exchange, listener = start(latency_ms=150.0)
    exchange.submit(approved("A", ACCOUNT, SYMBOL))  # arrives after the drop
    exchange.drop_link(20.0)
    listener.wait(lambda: not is_up(listener))
    silent_from = len(listener.told)
    for call in (
        lambda: exchange.submit(approved("B", ACCOUNT, SYMBOL)),
        lambda: exchange.query_orders(ACCOUNT),
        lambda: exchange.query_fills(ACCOUNT),
        lambda: exchange.query_positions(ACCOUNT),
    ):
        with pytest.raises(BrokerRefused, match="No link"):
            call()
    listener.wait(lambda: is_up(listener))
    listener.wait(lambda: bool(listener.of("fill")))
    told = [kind for kind, _ in listener.told[silent_from:]]
    assert told[:4] == ["link", "link", "order", "fill"]
    assert [item.status for item in exchange.query_orders(ACCOUNT)] == [OrderStatus.FILLED]
    ticks = len(listener.of("tick"))
    listener.wait(lambda: len(listener.of("tick")) > ticks)  # quotes are back without a new subscription


def test_link_drops_by_itself(start: Start) -> None:
    _, listener = start(disconnect_every_s=20.0, speed=50.0)
    listener.wait(lambda: listener.of("link").count(("trade", LinkState.UP)) >= 3)
    states = [state for link, state in listener.of("link") if link == "trade"]
    assert states[:5] == [LinkState.UP, LinkState.DOWN] * 2 + [LinkState.UP]


def test_reply_takes_the_latency(start: Start) -> None:
    exchange, listener = start(latency_ms=0.0)
    exchange.submit(approved("A", ACCOUNT, SYMBOL, **FAR))
    listener.wait(lambda: bool(listener.reports("A")))
    slow, told = start(latency_ms=60_000.0)
    slow.submit(approved("A", ACCOUNT, SYMBOL, **FAR))
    told.wait(lambda: len(told.of("tick")) >= 50)
    assert told.reports("A") == []
