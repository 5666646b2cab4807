"""A disk that fills up: a real SQLite file that may not grow, and then may again."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from engine.brokers.base import ApprovedOrder
from engine.gateway.journal import Journal
from engine.gateway.ledger import Ledger
from engine.gateway.ledger_file import LedgerFile
from engine.gateway.publisher import TickPublisher
from engine.model.instrument import Instrument, instrument
from engine.model.market import LinkState
from engine.model.order import Order, OrderStatus, OrderType, Reason, Side, TimeInForce
from engine.model.session import TradingCalendar
from engine.settings import Wire
from engine.wire.sockets import Publisher, tcp

pytestmark = pytest.mark.usefixtures("expected_errors")


def made(symbol: str) -> Instrument:
    return instrument(symbol, near=date(2024, 11, 5), calendar=TradingCalendar())


def order(number: int, *, reduce_only: bool = False, status: OrderStatus = OrderStatus.SENT) -> Order:
    return Order(
        client_order_id=f"N{number:09}",
        account="a",
        symbol="TXFK4",
        side=Side.BUY,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
        price=0,
        quantity=1,
        status=status,
        text="x" * 900,
        reduce_only=reduce_only,
    )


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    publisher = Publisher(tcp("127.0.0.1", 0), source="gateway", wire=Wire(encrypted=False), keys=None)
    ledger = Ledger(tmp_path / "l.sqlite", instruments=made)
    yield Journal(ledger, TickPublisher(publisher, ring_ticks=10))
    ledger.close()
    publisher.close()


def ledger_link(journal: Journal) -> LinkState:
    return journal.links["ledger"].state


def fill_the_disk(journal: Journal) -> int:
    """Records until nothing can be written any more; returns how many orders were recorded."""
    pages = journal._ledger._db.execute("PRAGMA page_count").fetchone()[0]
    journal._ledger._db.execute(f"PRAGMA max_page_count = {pages + 8}")
    number = 0
    while not journal.error:
        number += 1
        journal.tell_order(order(number))
        if number % 3 == 0:
            journal.flush()
        assert number < 1000
    return number


def test_what_could_not_be_written_is_written_later_in_its_order(journal: Journal, tmp_path: Path) -> None:
    count = fill_the_disk(journal)
    for number in range(count + 1, count + 4):
        journal.tell_order(order(number))
    journal.flush()
    assert ledger_link(journal) is LinkState.DOWN
    assert len(journal.state.orders) == count + 3
    journal.write_again()
    assert journal.error
    journal._ledger._db.execute("PRAGMA max_page_count = 1000000")
    journal.write_again()
    assert not journal.error
    assert ledger_link(journal) is LinkState.UP
    with LedgerFile(tmp_path / "l.sqlite") as written:
        found = [event.client_order_id for event in written.events() if isinstance(event, Order)]
    assert found == [order(number).client_order_id for number in range(1, count + 4)]


def test_entries_are_denied_and_exits_go_on_while_the_disk_is_full(journal: Journal) -> None:
    count = fill_the_disk(journal)
    entry = journal.intend(ApprovedOrder(order(count + 1, status=OrderStatus.INTENT)), "")
    assert isinstance(entry, Order)
    assert (entry.status, entry.reason) == (OrderStatus.DENIED, Reason.LEDGER)
    exit_ = ApprovedOrder(order(count + 2, reduce_only=True, status=OrderStatus.INTENT), is_reducing=True)
    assert journal.intend(exit_, "") is exit_
    assert journal.state.orders[exit_.order.client_order_id] == exit_.order
