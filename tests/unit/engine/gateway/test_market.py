"""How each feed is, by what was subscribed, what came, the session and a clock that is set by hand."""

from collections.abc import Iterator
from datetime import date
from typing import cast

import pytest

from engine.brokers.base import Broker
from engine.errors import BrokerRefused
from engine.gateway.journal import Journal
from engine.gateway.market import Market
from engine.gateway.publisher import TickPublisher
from engine.model.instrument import Instrument, instrument
from engine.model.market import Contract, LinkState
from engine.model.session import SessionKind, TradingCalendar
from engine.settings import Risk, Wire
from engine.timing import NS_PER_S, ManualClock
from engine.wire.sockets import Publisher, tcp

CALENDAR = TradingCalendar()
DAY = CALENDAR.session(date(2024, 11, 5), SessionKind.DAY)
TXF = "TXFK4"
L = LinkState


def made(symbol: str) -> Instrument:
    return instrument(symbol, near=date(2024, 11, 5), calendar=CALENDAR)


class QuoteSide:
    """A broker that only takes subscriptions, and refuses them if told so."""

    is_paced = False

    def __init__(self) -> None:
        self.clock = ManualClock(DAY.open_ns + 3600 * NS_PER_S)
        self.calls: list[str] = []
        self.refuses = False

    def contracts(self) -> tuple[Contract, ...]:
        return ()

    def subscribe(self, symbol: str) -> None:
        self.calls.append(f"+{symbol}")
        if self.refuses:
            raise BrokerRefused("quote", "not now")

    def unsubscribe(self, symbol: str) -> None:
        self.calls.append(f"-{symbol}")


class Told:
    """The part of a journal that hears of links."""

    def __init__(self) -> None:
        self.links: dict[str, tuple[LinkState, str]] = {}
        self.state = self
        self.limits = Risk(stale_feed_s=5.0)

    def set_link(self, link: str, state: LinkState, text: str = "") -> None:
        self.links[link] = (state, text)


class World:
    def __init__(self, publisher: Publisher) -> None:
        self.seconds = 1000.0
        self.broker, self.told = QuoteSide(), Told()
        self.ticks = TickPublisher(publisher, ring_ticks=10, clock=lambda: self.seconds)
        self.market = Market(cast(Broker, self.broker), CALENDAR, made, self.ticks, lambda: self.seconds)

    def look(self, after_s: float = 0.0, symbol: str = TXF) -> LinkState:
        self.seconds += after_s
        self.market.watch_feeds(cast(Journal, self.told))
        return self.market.feed_state(symbol)

    def trade(self, symbol: str = TXF) -> None:
        self.ticks.take(symbol, 1, 1, 22_800, 1, 1, 0)


@pytest.fixture
def world() -> Iterator[World]:
    publisher = Publisher(tcp("127.0.0.1", 0), source="test", wire=Wire(), keys=None)
    yield World(publisher)
    publisher.close()


def test_a_feed_that_nobody_asked_for_is_down(world: World) -> None:
    world.trade()
    assert world.look() is L.DOWN
    assert not world.told.links


def test_a_feed_is_up_once_something_came(world: World) -> None:
    world.market.follow([TXF])
    assert world.look() is L.CONNECTING
    world.trade()
    assert world.look() is L.UP
    assert world.told.links == {"feed.TXFK4": (L.UP, "")}


def test_silence_counts_from_the_subscription_where_nothing_ever_came(world: World) -> None:
    world.market.follow([TXF])
    assert [world.look(), world.look(4.9), world.look(0.2)] == [L.CONNECTING, L.CONNECTING, L.STALE]


def test_silence_is_real_time_whatever_wall_and_market_clock_do(world: World) -> None:
    world.market.follow([TXF])
    world.trade()
    world.look()
    world.broker.clock.move_to(DAY.open_ns + 7200 * NS_PER_S)  # an hour of market time
    assert world.look(4.9) is L.UP
    assert world.market.silence_s(TXF) == pytest.approx(4.9)
    assert world.look(0.2) is L.STALE


def test_silence_counts_from_the_open_of_the_session(world: World) -> None:
    world.market.follow([TXF])
    world.trade()
    world.broker.clock.move_to(DAY.close_ns + 60 * NS_PER_S)
    assert world.look(3600) is L.UP
    night = CALENDAR.session(date(2024, 11, 6), SessionKind.NIGHT)
    world.broker.clock.move_to(night.open_ns)
    assert [world.look(1000), world.look(4.9), world.look(0.2)] == [L.UP, L.UP, L.STALE]


def test_nothing_is_told_of_a_feed_that_has_nothing_to_say_yet(world: World) -> None:
    world.broker.clock.move_to(DAY.close_ns + 60 * NS_PER_S)
    world.market.follow([TXF])
    assert world.look(3600) is L.UP
    assert not world.told.links


def test_a_silent_feed_is_asked_for_again_every_few_seconds(world: World) -> None:
    world.market.follow([TXF])
    world.trade()
    for _ in range(25):
        world.look(1.0)
    assert world.broker.calls == ["+TXFK4", "-TXFK4", "+TXFK4", "-TXFK4", "+TXFK4"]


def test_a_refused_subscription_is_told_and_tried_again(world: World) -> None:
    world.broker.refuses = True
    world.market.follow([TXF, "MXFK4"])
    assert (world.look(), world.look(symbol="MXFK4")) == (L.DOWN, L.DOWN)
    assert "not now" in world.told.links["feed.TXFK4"][1]
    world.broker.refuses = False
    world.look(11)
    world.trade()
    assert world.look() is L.UP


def test_everything_is_subscribed_again_when_the_link_is_back(world: World) -> None:
    world.market.follow([TXF, "MXFK4"])
    world.broker.calls.clear()
    world.market.subscribe_again()
    assert world.broker.calls == ["-TXFK4", "+TXFK4", "-MXFK4", "+MXFK4"]


def test_what_a_person_selects_is_followed_and_what_he_leaves_is_not(world: World) -> None:
    world.market.follow(["MXFK4"])
    world.market.select((TXF, TXF))
    world.market.select(("MXFK4",))
    assert world.market.selected == ("MXFK4",)
    assert world.market.followed == ("MXFK4",)
    assert world.broker.calls == ["+MXFK4", "+TXFK4", "-TXFK4"]


def test_only_a_real_message_proves_an_open_market(world: World) -> None:
    world.market.follow([TXF])
    assert not world.market.is_heard(TXF, 5.0)
    world.trade()
    world.seconds += 5.0
    assert world.market.is_heard(TXF, 5.0)
    world.seconds += 0.1
    assert not world.market.is_heard(TXF, 5.0)


def test_a_contract_that_nobody_knows_stops_no_other_feed(world: World) -> None:
    world.market.follow(["?!", TXF])
    world.trade()
    assert (world.look(symbol="?!"), world.look()) == (L.DOWN, L.UP)


def test_in_a_replay_silence_means_nothing(world: World) -> None:
    world.broker.is_paced = True
    world.market.follow([TXF])
    assert world.look(1000) is L.UP
    assert world.market.silence_s(TXF) is None
    assert not world.told.links
