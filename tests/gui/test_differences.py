from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6 import QtWidgets
from pytestqt.qtbot import QtBot

from engine.model.books import Difference, DifferenceKind
from engine.model.market import LinkState, LinkStatus
from engine.timing import NS_PER_S
from engine.wire.messages import AdoptPosition
from terminal import i18n
from terminal.dialogs.adopt import AdoptDialog
from terminal.docks.differences import DifferencesDock
from terminal.models.differences import difference_key, difference_text
from tests.gui import values

POSITION = Difference(
    kind=DifferenceKind.POSITION,
    account=values.ACCOUNT,
    symbol="TXFK4",
    ours="3",
    theirs="2",
    ts_event=values.T0,
)
FILL = replace(POSITION, kind=DifferenceKind.FILL, client_order_id="AAAAAAAAAA", ts_event=values.T0 + NS_PER_S)
COMPARED = LinkStatus(link="books", state=LinkState.UP, ts_last=values.T0)


class Desk:
    """The dock with a clock in the hand."""

    def __init__(self) -> None:
        self.now_ns = values.T0
        self.dock = DifferencesDock(lambda: self.now_ns)


@pytest.fixture
def desk(qtbot: QtBot) -> Iterator[Desk]:
    i18n.install("en")
    made = Desk()
    qtbot.addWidget(made.dock)
    yield made
    i18n.install("en")


def texts(dock: DifferencesDock, column: str) -> list[str]:
    at = [c.key for c in dock.table.source.columns].index(column)
    return [str(dock.table.proxy.index(row, at).data()) for row in range(dock.table.proxy.rowCount())]


def test_empty_says_whether_the_books_were_compared_and_when(desk: Desk) -> None:
    dock = desk.dock
    assert dock.table._empty_text == "Not yet compared with the broker."
    assert not dock.ask_button.isEnabled()
    dock.set_status(COMPARED)
    desk.now_ns += 12 * NS_PER_S
    dock.refresh_age()
    assert dock.table._empty_text == "Our books and the broker's agree."
    assert dock.state.text() == "Last compared 12 s ago."
    dock.set_status(None)
    assert dock.state.text() == ""


def test_a_broker_that_does_not_answer_is_said_beside_the_last_comparison(desk: Desk) -> None:
    desk.dock.set_status(COMPARED)
    desk.dock.set_status(replace(COMPARED, state=LinkState.STALE, ts_last=0, text="timed out"))
    assert desk.dock.state.text() == "Last compared 0.0 s ago. The broker did not answer: timed out"
    assert desk.dock.state.property("tone") == "warning"


def test_a_difference_shows_both_figures_and_what_to_do_until_it_is_settled(desk: Desk) -> None:
    dock = desk.dock
    dock.set_differences([POSITION, replace(FILL, is_settled=True)])
    assert texts(dock, "kind") == ["Position differs"]
    assert (texts(dock, "ours"), texts(dock, "theirs")) == (["3"], ["2"])
    assert texts(dock, "advice")[0].startswith("No entry passes here.")
    assert dock.windowTitle() == "⚠ Broker check (1)"
    dock.update_difference(FILL)
    assert texts(dock, "order") == ["AAAAAAAAAA", ""]
    dock.update_difference(replace(POSITION, is_settled=True))
    dock.update_difference(replace(FILL, is_settled=True))
    assert texts(dock, "kind") == []
    assert dock.windowTitle() == "Broker check"


def test_asking_again(desk: Desk, qtbot: QtBot) -> None:
    desk.dock.set_status(COMPARED)
    with qtbot.waitSignal(desk.dock.ask_requested):
        desk.dock.ask_button.click()


def test_only_a_position_is_taken_over_and_only_after_a_question(desk: Desk, qtbot: QtBot) -> None:
    dock = desk.dock
    dock.set_differences([POSITION, FILL])
    dock.table.select(difference_key(FILL))
    assert not dock.adopt_button.isEnabled()
    dock.table.select(difference_key(POSITION))
    with qtbot.assertNotEmitted(dock.adopt_requested):
        dock.adopt_button.click()
    (dialog,) = dock.findChildren(AdoptDialog)
    assert "we count 3 lots, the broker 2" in dialog.question.text()
    dialog.price.setValue(22950)
    with qtbot.waitSignal(dock.adopt_requested) as told:
        dialog.adopt_button.click()
    assert told.args == [AdoptPosition(account=values.ACCOUNT, symbol="TXFK4", price=22950)]


def test_cancelling_takes_nothing_over(desk: Desk, qtbot: QtBot) -> None:
    desk.dock.set_differences([POSITION])
    desk.dock.table.select(difference_key(POSITION))
    desk.dock.adopt_button.click()
    (dialog,) = desk.dock.findChildren(AdoptDialog)
    with qtbot.assertNotEmitted(desk.dock.adopt_requested):
        dialog.buttons.button(QtWidgets.QDialogButtonBox.StandardButton.Cancel).click()


def test_one_line_for_the_status_bar(qtbot: QtBot) -> None:
    i18n.install("en")
    assert difference_text(POSITION) == "TXFK4: Position differs: ours 3, the broker's 2"
