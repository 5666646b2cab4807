import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.gateway.publisher import TickPublisher
from engine.model.tick import Level, Tick
from engine.settings import Wire
from engine.wire.messages import Family
from engine.wire.sockets import Publisher, tcp


@pytest.fixture(scope="module")
def socket() -> Iterator[Publisher]:
    publisher = Publisher(tcp("127.0.0.1", 0), source="gateway", wire=Wire(encrypted=False), keys=None)
    yield publisher
    publisher.close()


def ticked(publisher: TickPublisher, count: int, symbol: str = "TXFK4") -> list[Tick]:
    return [publisher.take(symbol, 10 + n, 20 + n, 22_800 + n, 1, n, 0) for n in range(count)]


def test_each_contract_is_numbered_without_holes(socket: Publisher) -> None:
    ticks = TickPublisher(socket, ring_ticks=10)
    before = ticks.position
    one, other = ticked(ticks, 3), ticked(ticks, 2, "MXFK4")
    assert [tick.seq for tick in one + other] == [1, 2, 3, 1, 2]
    assert ticks.position == before + 5
    assert ticks.last_tick("TXFK4") == one[-1]
    assert ticks.last_tick("TMFK4") is None


def test_a_tick_is_found_by_its_number(socket: Publisher) -> None:
    ticks = TickPublisher(socket, ring_ticks=3)
    made = ticked(ticks, 5)
    assert [ticks.tick("TXFK4", seq) for seq in range(7)] == [None, None, None, *made[2:], None]
    assert ticks.tick("MXFK4", 1) is None


def test_pages_tell_the_numbers_within_the_family(socket: Publisher) -> None:
    ticks = TickPublisher(socket, ring_ticks=10)
    before = ticks.position
    for symbol in ("TXFK4", "MXFK4", "MXFK4", "TXFK4"):
        ticked(ticks, 1, symbol)
    assert [number - before for number in ticks.ticks_since("TXFK4", 0, 9).positions] == [1, 4]


def test_many_threads_leave_no_hole_and_no_number_twice(socket: Publisher) -> None:
    ticks = TickPublisher(socket, ring_ticks=10_000)
    before = ticks.position
    threads = [
        threading.Thread(target=ticked, args=(ticks, 500, symbol)) for symbol in ("TXFK4", "TXFK4", "MXFK4")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    one, other = (ticks.ticks_since(symbol, 0, 10_000) for symbol in ("TXFK4", "MXFK4"))
    assert [tick.seq for tick in one.ticks] == list(range(1, 1001))
    assert [tick.seq for tick in other.ticks] == list(range(1, 501))
    assert sorted(one.positions + other.positions) == list(range(before + 1, before + 1501))


def test_books_have_numbers_of_their_own(socket: Publisher) -> None:
    ticks = TickPublisher(socket, ring_ticks=10)
    position, books = ticks.position, socket.seqs.get(Family.BOOK, 0)
    for _ in range(2):
        ticks.book("TXFK4", 1, 2, (Level(price=22_799, quantity=3),), ())
    last = ticks.last("TXFK4")
    assert last.tick is None
    assert last.book
    assert (last.book.seq, last.book.best_bid, last.book.best_ask) == (2, 22_799, None)
    assert (ticks.position, socket.seqs[Family.BOOK]) == (position, books + 2)


def test_hears_when_each_contract_last_spoke(socket: Publisher) -> None:
    ticks = TickPublisher(socket, ring_ticks=10, clock=iter((77.0, 99.0)).__next__)
    ticks.take("TXFK4", 1, 2, 22_800, 1, 1, 0)
    assert ticks.heard == {"TXFK4": 77.0}
    ticks.book("TXFK4", 1, 3, (), ())
    assert ticks.heard == {"TXFK4": 99.0}


class TestTicksSince:
    def test_of_an_unknown_contract(self, socket: Publisher) -> None:
        found = TickPublisher(socket, ring_ticks=10).ticks_since("TXFK4", 0, 100)
        assert (found.ticks, found.first_available, found.is_complete) == ((), 0, True)

    def test_from_the_beginning(self, socket: Publisher) -> None:
        ticks = TickPublisher(socket, ring_ticks=10)
        made = ticked(ticks, 5)
        found = ticks.ticks_since("TXFK4", 0, 100)
        assert (found.ticks, found.first_available, found.is_complete) == (tuple(made), 1, True)

    def test_after_a_number(self, socket: Publisher) -> None:
        ticks = TickPublisher(socket, ring_ticks=10)
        made = ticked(ticks, 5)
        assert ticks.ticks_since("TXFK4", 3, 100).ticks == tuple(made[3:])

    @pytest.mark.parametrize("after", [5, 6, 2**62])
    def test_after_the_last(self, socket: Publisher, after: int) -> None:
        ticks = TickPublisher(socket, ring_ticks=10)
        ticked(ticks, 5)
        found = ticks.ticks_since("TXFK4", after, 100)
        assert (found.ticks, found.is_complete) == ((), True)

    def test_a_full_ring_tells_where_it_begins(self, socket: Publisher) -> None:
        ticks = TickPublisher(socket, ring_ticks=3)
        made = ticked(ticks, 8)
        found = ticks.ticks_since("TXFK4", 0, 100)
        assert (found.ticks, found.first_available, found.is_complete) == (tuple(made[5:]), 6, True)
        assert ticks.ticks_since("TXFK4", 6, 100).ticks == tuple(made[6:])

    @settings(max_examples=100)
    @given(st.integers(0, 30), st.integers(1, 20), st.integers(0, 35), st.integers(1, 7))
    def test_page_by_page_nothing_is_lost_or_twice(self, count: int, ring: int, after: int, limit: int) -> None:
        publisher = Publisher(tcp("127.0.0.1", 0), source="gateway", wire=Wire(encrypted=False), keys=None)
        try:
            self.check_pages(TickPublisher(publisher, ring_ticks=ring), count, ring, after, limit)
        finally:
            publisher.close()

    def check_pages(self, ticks: TickPublisher, count: int, ring: int, after: int, limit: int) -> None:
        expected = [tick for tick in ticked(ticks, count)[-ring:] if tick.seq > after]
        found: list[Tick] = []
        pages = 0
        while True:
            page = ticks.ticks_since("TXFK4", after, limit)
            found += page.ticks
            pages += 1
            assert len(page.positions) == len(page.ticks) <= limit
            assert list(page.positions) == [tick.seq for tick in page.ticks]
            if page.is_complete:
                break
            after = page.ticks[-1].seq
        assert found == expected
        assert pages == max(1, -(-len(expected) // limit))
