from collections.abc import Iterator
from typing import Any

import pytest
from PySide6 import QtCore, QtWidgets
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from engine.model.condition import ConditionAction, ConditionState
from engine.model.guard import GuardFault
from engine.model.order import OrderStatus, OrderType, Reason, Side, SubmitOrder, TimeInForce
from engine.timing import NS_PER_S
from engine.wire.messages import LogLine, SettleOrder
from terminal import i18n
from terminal.dialogs.confirm import TypedWord
from terminal.docks.book import BookDock
from terminal.docks.conditions import ConditionsDock
from terminal.docks.contracts import ContractsDock
from terminal.docks.fills import FillsDock
from terminal.docks.log import KEPT, LogDock
from terminal.docks.orders import DEAD_WORD, OrdersDock
from terminal.docks.positions import PositionsDock
from terminal.docks.ticket import TicketDock, random_order_id
from terminal.theme import DARK
from terminal.widgets.ladder import LEVELS
from terminal.widgets.table import Table
from tests.gui import asking, values

LEFT = QtCore.Qt.MouseButton.LeftButton
NONE = QtCore.Qt.KeyboardModifier.NoModifier


@pytest.fixture(autouse=True)
def _english(qapp: QtWidgets.QApplication) -> Iterator[None]:
    i18n.install("en")
    yield
    i18n.install("en")


def texts(table: Table, column: str) -> list[str]:
    """What a column shows, from above."""
    at = [c.key for c in table.source.columns].index(column)
    return [str(table.proxy.index(row, at).data()) for row in range(table.proxy.rowCount())]


def cell(table: Table, row: int, column: str) -> QtCore.QModelIndex:
    at = [c.key for c in table.source.columns].index(column)
    return table.proxy.index(row, at)


# ----------------------------------------------------------------------------------------------- contracts


class TestContracts:
    @pytest.fixture
    def dock(self, qtbot: QtBot) -> ContractsDock:
        self.now_ns = values.T0
        dock = ContractsDock(lambda: self.now_ns)
        qtbot.addWidget(dock)
        dock.set_contracts(values.CONTRACTS)
        return dock

    def test_a_click_on_a_check_box_tells_all_that_is_watched_now(self, dock: ContractsDock, qtbot: QtBot) -> None:
        dock.set_selected(["TXFK4"])
        with qtbot.waitSignal(dock.selection_changed) as told:
            dock.model.setData(
                dock.model.index(2, 0), QtCore.Qt.CheckState.Checked, QtCore.Qt.ItemDataRole.CheckStateRole
            )
        assert told.args == [("TXFK4", "MXFK4")]

    def test_the_mouse_meets_the_check_box_where_it_is_painted(self, dock: ContractsDock, qtbot: QtBot) -> None:
        dock.resize(500, 400)
        dock.show()
        table = dock.table
        box = table.visualRect(table.proxy.index(1, 0))
        with qtbot.waitSignal(dock.selection_changed) as told:
            QTest.mouseClick(table.viewport(), LEFT, NONE, QtCore.QPoint(box.left() + 9, box.center().y()))
        assert told.args == [("TXFL4",)]

    def test_quotes_show_the_last_tick_of_a_batch_and_change_against_the_reference(
        self, dock: ContractsDock
    ) -> None:
        dock.update_ticks([values.tick(22900), values.tick(22980), values.tick(22800, "MXFK4")])
        dock.update_book(values.book())
        dock.pace.flush()
        assert texts(dock.table, "last") == ["22,980", "—", "22,800", "—"]
        assert texts(dock.table, "change") == ["+169", "—", "-11", "—"]
        assert texts(dock.table, "percent")[:1] == ["+0.74%"]
        assert (texts(dock.table, "bid")[0], texts(dock.table, "ask")[0]) == ("22,979", "22,981")

    def test_rising_is_red_and_falling_is_green(self, dock: ContractsDock) -> None:
        dock.update_ticks([values.tick(22980), values.tick(22800, "MXFK4")])
        role = QtCore.Qt.ItemDataRole.ForegroundRole
        assert cell(dock.table, 0, "change").data(role).name() == DARK.up
        assert cell(dock.table, 2, "change").data(role).name() == DARK.down

    def test_ages_grow_with_the_clock(self, dock: ContractsDock, qtbot: QtBot) -> None:
        dock.update_ticks([values.tick()])
        self.now_ns = values.T0 + 12 * NS_PER_S
        with qtbot.waitSignal(dock.model.dataChanged):
            dock.refresh_ages()
        assert texts(dock.table, "age")[:2] == ["12 s", "—"]

    def test_only_a_watched_contract_is_brought_to_the_chart(self, dock: ContractsDock, qtbot: QtBot) -> None:
        dock.set_selected(["MXFK4"])
        with qtbot.assertNotEmitted(dock.contract_activated):
            dock.table.select("TXFK4")
        with qtbot.waitSignal(dock.contract_activated) as told:
            dock.table.select("MXFK4")
        assert told.args == ["MXFK4"]

    def test_filters_by_product_and_by_what_is_watched(self, dock: ContractsDock) -> None:
        dock.set_selected(["MXFK4"])
        dock.products.setCurrentIndex(dock.products.findData("MXF"))
        assert texts(dock.table, "symbol") == ["MXFK4", "MXFL4"]
        dock.only_selected.setChecked(True)
        assert texts(dock.table, "symbol") == ["MXFK4"]

    def test_new_offers_keep_the_quotes_of_those_that_stay(self, dock: ContractsDock) -> None:
        dock.update_ticks([values.tick()])
        dock.set_contracts(values.CONTRACTS[:1])
        assert texts(dock.table, "last") == ["22,980"]


# ---------------------------------------------------------------------------------------------- conditions


class TestConditions:
    @pytest.fixture
    def dock(self, qtbot: QtBot) -> ConditionsDock:
        dock = ConditionsDock()
        qtbot.addWidget(dock)
        return dock

    @pytest.mark.parametrize(("name", "side"), [("support", Side.BUY), ("resistance", Side.SELL)])
    def test_new(self, dock: ConditionsDock, qtbot: QtBot, name: str, side: Side) -> None:
        with qtbot.waitSignal(dock.new_requested) as told:
            getattr(dock, f"{name}_button").click()
        assert told.args == [side]

    @pytest.mark.parametrize(
        ("state", "enabled"),
        [
            (ConditionState.DRAFT, {"edit", "arm", "cancel"}),
            (ConditionState.ARMED, {"edit", "cancel"}),
            (ConditionState.TRIGGERED, {"edit", "cancel"}),
            (ConditionState.OPEN, {"edit", "close"}),
            (ConditionState.EXITING, {"edit", "close"}),
            (ConditionState.HELD, {"edit", "arm", "close"}),
            (ConditionState.CLOSED, set()),
        ],
    )
    def test_what_can_be_done_depends_on_the_state(
        self, dock: ConditionsDock, state: ConditionState, enabled: set[str]
    ) -> None:
        dock.set_conditions([values.condition()])
        dock.table.select("C1")
        dock.update_condition(values.condition(state=state))
        names = ("edit", "arm", "cancel", "close")
        assert {name for name in names if getattr(dock, f"{name}_button").isEnabled()} == enabled

    @pytest.mark.parametrize(
        ("name", "state", "action"),
        [
            ("arm", ConditionState.DRAFT, ConditionAction.ARM),
            ("cancel", ConditionState.ARMED, ConditionAction.CANCEL),
        ],
    )
    def test_commands(
        self,
        dock: ConditionsDock,
        qtbot: QtBot,
        name: str,
        state: ConditionState,
        action: ConditionAction,
    ) -> None:
        dock.set_conditions([values.condition("C1"), values.condition("C2", state)])
        dock.table.select("C2")
        with qtbot.waitSignal(dock.command_requested) as told:
            getattr(dock, f"{name}_button").click()
        assert (told.args[0].action, told.args[0].condition_id) == (action, "C2")

    def test_closing_is_asked_about_and_only_then_told(self, dock: ConditionsDock, qtbot: QtBot) -> None:
        dock.set_conditions([values.condition(state=ConditionState.OPEN, entered=2, entry_value=45890)])
        dock.table.select("C1")
        with qtbot.assertNotEmitted(dock.command_requested):
            dock.close_button.click()
            assert "2 lots of TXFK4" in asking.refuse(qtbot)
        with qtbot.waitSignal(dock.command_requested) as told:
            dock.close_button.click()
            asking.agree(qtbot)
        assert told.args[0].action is ConditionAction.CLOSE

    def test_releasing_is_asked_about(self, dock: ConditionsDock, qtbot: QtBot) -> None:
        dock.set_conditions([values.condition(state=ConditionState.OPEN, entered=2, entry_value=45890)])
        dock.table.select("C1")
        with qtbot.waitSignal(dock.command_requested) as told:
            dock.release_action.trigger()
            asking.agree(qtbot)
        assert told.args[0].action is ConditionAction.RELEASE

    def test_the_state_says_when_nobody_guards_or_watches_and_why(self, dock: ConditionsDock) -> None:
        held = values.condition("C1", ConditionState.OPEN, entered=2, entry_value=45890)
        dock.set_conditions([held, values.condition("C2"), values.condition("C3")])
        dock.set_faults({"C1": GuardFault.EXECUTOR_DOWN, "C2": GuardFault.NOT_STARTED})
        assert texts(dock.table, "state") == [
            "⚠ Not guarding",
            "⚠ Not watched",
            "Armed",
        ]
        said = "C1: Not guarding: the executor process does not run; C2: Armed, not watched: trading is stopped"
        assert dock.notice.text() == f"⚠ {said}"
        tip = cell(dock.table, 1, "state").data(QtCore.Qt.ItemDataRole.ToolTipRole)
        assert tip == "⚠ Armed, not watched: trading is stopped"
        role = QtCore.Qt.ItemDataRole.ForegroundRole
        assert cell(dock.table, 0, "state").data(role).name() == DARK.error
        dock.set_faults({"C1": None})
        assert dock.notice.text() == "⚠ C1: Not guarding: unknown"
        dock.set_faults({})
        assert texts(dock.table, "state") == ["Guarding", "Armed", "Armed"]
        assert dock.notice.text() == ""

    def test_what_is_held_unguarded_can_be_guarded_again(self, dock: ConditionsDock, qtbot: QtBot) -> None:
        dock.set_conditions([values.condition("C1", ConditionState.HELD, entered=1, entry_value=22945)])
        dock.set_faults({"C1": GuardFault.HELD})
        dock.table.select("C1")
        assert texts(dock.table, "state") == ["Held unguarded"]
        assert dock.arm_button.text() == "Guard again"
        with qtbot.waitSignal(dock.command_requested) as told:
            dock.arm_button.click()
        assert (told.args[0].action, told.args[0].condition_id) == (ConditionAction.ARM, "C1")

    def test_a_double_click_edits(self, dock: ConditionsDock, qtbot: QtBot) -> None:
        dock.set_conditions([values.condition()])
        dock.table.select("C1")
        with qtbot.waitSignal(dock.edit_requested) as told:
            dock.table.activated.emit(dock.table.currentIndex())
        assert told.args == ["C1"]

    def test_shows_levels_and_lots_and_ended_ones_last(self, dock: ConditionsDock) -> None:
        dock.set_conditions(
            [
                values.condition("C1", ConditionState.CLOSED),
                values.condition("C2", ConditionState.OPEN, entered=1, entry_value=22945),
            ]
        )
        assert texts(dock.table, "id") == ["C2", "C1"]
        shown = [texts(dock.table, name)[0] for name in ("trigger", "entry", "take_profit", "stop_loss")]
        assert shown == ["22,930", "22,945", "23,035", "22,915"]
        assert texts(dock.table, "lots")[0] == "1/1"


# -------------------------------------------------------------------------------------------------- ticket


class TestTicket:
    @pytest.fixture
    def dock(self, qtbot: QtBot) -> TicketDock:
        dock = TicketDock(lambda: "IDIDIDIDID")
        qtbot.addWidget(dock)
        dock.set_accounts(values.ACCOUNTS)
        dock.set_contracts(["TXFK4", "MXFK4"])
        dock.set_must_confirm(False)
        return dock

    def pressed(self, dock: TicketDock, qtbot: QtBot, button: QtWidgets.QPushButton) -> SubmitOrder:
        with qtbot.waitSignal(dock.submit_requested) as told:
            button.click()
        assert isinstance(told.args[0], SubmitOrder)
        return told.args[0]

    def test_a_limit_order(self, dock: TicketDock, qtbot: QtBot) -> None:
        dock.set_symbol("MXFK4")
        dock.set_price(22900)
        dock.quantity.setValue(3)
        assert self.pressed(dock, qtbot, dock.sell_button) == SubmitOrder(
            client_order_id="IDIDIDIDID",
            account=values.ACCOUNT,
            symbol="MXFK4",
            side=Side.SELL,
            order_type=OrderType.LIMIT,
            time_in_force=TimeInForce.ROD,
            price=22900,
            quantity=3,
        )

    @pytest.mark.parametrize("order_type", [OrderType.MARKET, OrderType.RANGE_MARKET])
    def test_market_orders_have_no_price_and_live_at_once_or_not(
        self, dock: TicketDock, qtbot: QtBot, order_type: OrderType
    ) -> None:
        dock.set_price(22900)
        dock.order_type.choose(order_type)
        assert not dock.lives.buttons[TimeInForce.ROD].isEnabled()
        command = self.pressed(dock, qtbot, dock.buy_button)
        assert (command.price, command.time_in_force) == (0, TimeInForce.IOC)
        dock.lives.choose(TimeInForce.FOK)
        assert self.pressed(dock, qtbot, dock.buy_button).time_in_force is TimeInForce.FOK

    def test_a_click_in_the_book_makes_it_a_limit_order_again(self, dock: TicketDock, qtbot: QtBot) -> None:
        dock.order_type.choose(OrderType.MARKET)
        dock.set_price(22888)
        command = self.pressed(dock, qtbot, dock.buy_button)
        assert (command.order_type, command.price) == (OrderType.LIMIT, 22888)

    def test_without_price_nothing_can_be_sent(self, dock: TicketDock) -> None:
        assert not dock.buy_button.isEnabled()
        assert dock.note.text()
        dock.update_last("MXFK4", 22900)
        assert not dock.buy_button.isEnabled()
        dock.update_last("TXFK4", 22900)
        assert dock.buy_button.isEnabled()

    def test_the_market_never_overwrites_a_price(self, dock: TicketDock) -> None:
        dock.set_price(22800)
        dock.update_last("TXFK4", 22900)
        assert dock.price.value() == 22800

    def test_without_account_nothing_can_be_sent(self, qtbot: QtBot) -> None:
        dock = TicketDock()
        qtbot.addWidget(dock)
        dock.set_contracts(["TXFK4"])
        dock.set_price(22800)
        assert not dock.buy_button.isEnabled()
        assert dock.note.text() == "Log in to send orders."

    def test_it_asks_first_where_that_is_wanted(self, dock: TicketDock, qtbot: QtBot) -> None:
        dock.set_must_confirm(True)
        dock.set_price(22900)
        with qtbot.assertNotEmitted(dock.submit_requested):
            dock.buy_button.click()
            assert "TXFK4" in asking.refuse(qtbot)
        with qtbot.waitSignal(dock.submit_requested):
            dock.buy_button.click()
            asking.agree(qtbot)

    def test_what_is_sent_is_what_was_asked_about(self, dock: TicketDock, qtbot: QtBot) -> None:
        dock.set_must_confirm(True)
        dock.set_price(22900)
        with qtbot.waitSignal(dock.submit_requested) as told:
            dock.buy_button.click()
            dock.set_price(23000)
            asking.agree(qtbot)
        assert told.args[0].price == 22900

    def test_reduce_only(self, dock: TicketDock, qtbot: QtBot) -> None:
        dock.set_price(22900)
        dock.reduce_only.setChecked(True)
        assert self.pressed(dock, qtbot, dock.sell_button).reduce_only

    def test_another_contract_empties_the_price(self, dock: TicketDock) -> None:
        dock.set_price(22900)
        dock.set_symbol("MXFK4")
        assert dock.price.value() == 0

    def test_a_known_contract_stays_chosen_when_the_list_changes(self, dock: TicketDock) -> None:
        dock.set_symbol("MXFK4")
        dock.set_price(22900)
        dock.set_contracts(["TMFK4", "MXFK4"])
        assert (dock.symbol, dock.price.value()) == ("MXFK4", 22900)
        dock.set_contracts(["TMFK4"])
        assert (dock.symbol, dock.price.value()) == ("TMFK4", 0)

    def test_ids_are_ten_ascii_characters_and_differ(self) -> None:
        made = {random_order_id() for _ in range(200)}
        assert len(made) == 200
        assert all(len(one) == 10 and one.isascii() and one.isalnum() for one in made)


# ---------------------------------------------------------------------------------------------------- book


def test_a_click_in_the_book_picks_the_price_of_its_level(qtbot: QtBot) -> None:
    dock = BookDock()
    qtbot.addWidget(dock)
    dock.set_symbol("TXFK4")
    dock.update_book(values.book())
    dock.resize(300, 200)
    dock.show()
    ladder = dock.ladder
    line = ladder.minimumHeight() // (LEVELS + 2)
    for x, y, price in ((20, 1, 22979), (20, 5, 22975), (ladder.width() - 20, 2, 22982)):
        with qtbot.waitSignal(dock.price_picked) as told:
            QTest.mouseClick(ladder, LEFT, NONE, QtCore.QPoint(x, line * y + 10))
        assert told.args == [price]
    with qtbot.assertNotEmitted(dock.price_picked):
        QTest.mouseClick(ladder, LEFT, NONE, QtCore.QPoint(20, 5))


def test_the_book_always_has_room_for_its_totals(qtbot: QtBot) -> None:
    dock = BookDock()
    qtbot.addWidget(dock)
    dock.set_symbol("TXFK4")
    dock.update_book(values.book())
    ladder = dock.ladder
    ladder.resize(ladder.minimumWidth(), ladder.minimumHeight())
    picture = ladder.grab().toImage()
    ground = picture.pixel(picture.width() // 4, picture.height() - 1)
    last = range(picture.height() - 4, picture.height())
    assert all(picture.pixel(x, y) == ground for y in last for x in range(picture.width()))  # no letter is cut
    line = ladder.minimumHeight() // (LEVELS + 2)
    totals = range(picture.height() - line + 2, picture.height() - 4)
    assert any(picture.pixel(x, y) != ground for y in totals for x in range(picture.width()))


def test_a_book_of_another_contract_is_not_shown(qtbot: QtBot) -> None:
    dock = BookDock()
    qtbot.addWidget(dock)
    dock.set_symbol("TXFK4")
    dock.update_book(values.book("MXFK4"))
    assert dock.ladder.level_at(QtCore.QPoint(20, 30)) is None
    assert "TXFK4" in dock.windowTitle()


# -------------------------------------------------------------------------------------------------- orders


class TestOrders:
    @pytest.fixture
    def dock(self, qtbot: QtBot) -> OrdersDock:
        dock = OrdersDock()
        qtbot.addWidget(dock)
        return dock

    def test_working_orders_come_first_then_the_latest(self, dock: OrdersDock) -> None:
        done = OrderStatus.CANCELLED
        for name, at, status in (
            ("A", 1, OrderStatus.ACCEPTED),
            ("B", 2, done),
            ("C", 3, OrderStatus.SENT),
            ("D", 4, done),
        ):
            dock.update_order(values.order(name, ts_created=values.T0 + at * NS_PER_S, status=status))
        assert texts(dock.table, "id") == ["C", "A", "D", "B"]
        dock.update_order(values.order("C", ts_created=values.T0 + 3 * NS_PER_S, status=done))
        assert texts(dock.table, "id") == ["A", "D", "C", "B"]

    def test_a_changed_order_keeps_its_row_and_the_selection(self, dock: OrdersDock, qtbot: QtBot) -> None:
        dock.set_orders([values.order("A"), values.order("B")])
        dock.table.select("B")
        with qtbot.assertNotEmitted(dock.model.modelReset):
            dock.update_order(values.order("B", status=OrderStatus.PARTIALLY_FILLED, filled=1))
        assert dock.table.current_key() == "B"
        assert dock.model.rowCount() == 2

    def test_cancel_by_button_and_by_key(self, dock: OrdersDock, qtbot: QtBot) -> None:
        dock.set_orders([values.order("A")])
        dock.show()
        dock.table.select("A")
        with qtbot.waitSignal(dock.cancel_requested) as told:
            dock.cancel_button.click()
        assert told.args == ["A"]
        with qtbot.waitExposed(dock):
            dock.activateWindow()
        dock.table.setFocus()
        with qtbot.waitSignal(dock.cancel_requested):
            QTest.keyClick(dock.table, QtCore.Qt.Key.Key_Delete)

    def test_what_is_final_can_neither_be_cancelled_nor_changed(self, dock: OrdersDock) -> None:
        dock.set_orders([values.order("A", status=OrderStatus.FILLED)])
        dock.table.select("A")
        buttons = (dock.cancel_button, dock.change_button, dock.cancel_all_button)
        assert not any(button.isEnabled() for button in buttons)

    def test_an_unknown_order_is_unlike_all_others_and_counted(self, dock: OrdersDock) -> None:
        unknown = values.order("A", status=OrderStatus.UNKNOWN, reason=Reason.AMBIGUOUS)
        dock.set_orders([unknown, values.order("B")])
        role = QtCore.Qt.ItemDataRole
        looks = {
            key: tuple(str(cell(dock.table, row, "status").data(r)) for r in (role.BackgroundRole,))
            for row, key in enumerate(texts(dock.table, "id"))
        }
        assert looks["A"] != looks["B"]
        status = dict(zip(texts(dock.table, "id"), texts(dock.table, "status"), strict=True))
        assert status == {"A": "UNKNOWN", "B": "Accepted"}
        assert dock.unknown_label.text().startswith("⚠ 1 ")
        dock.update_order(values.order("A", status=OrderStatus.CANCELLED))
        assert not dock.unknown_label.text()

    def test_the_broker_is_asked_about_unknown_orders_and_they_stand_first(
        self, dock: OrdersDock, qtbot: QtBot
    ) -> None:
        dock.set_orders([values.order("B", ts_created=values.T0 + 1)])
        assert not dock.ask_button.isVisibleTo(dock)
        dock.update_order(values.order("A", status=OrderStatus.UNKNOWN))
        assert texts(dock.table, "id") == ["A", "B"]
        assert dock.ask_button.isVisibleTo(dock)
        with qtbot.waitSignal(dock.ask_broker_requested):
            dock.ask_button.click()

    def test_only_an_unknown_order_is_declared_dead_with_word_and_reason(
        self, dock: OrdersDock, qtbot: QtBot
    ) -> None:
        dock.set_orders([values.order("A", status=OrderStatus.UNKNOWN), values.order("B")])
        dock.table.select("B")
        assert not dock.settle_button.isEnabled()
        dock.table.select("A")
        dock.settle_button.click()
        (dialog,) = dock.findChildren(TypedWord)
        ok = dialog.buttons.button(QtWidgets.QDialogButtonBox.StandardButton.Ok)
        dialog.field.setText(DEAD_WORD)
        assert not ok.isEnabled()
        dialog.reason.setText("the broker said so")
        with qtbot.waitSignal(dock.settle_requested) as told:
            ok.click()
        assert told.args == [SettleOrder(client_order_id="A", text="the broker said so")]

    def test_an_order_made_elsewhere_says_so_and_is_never_touched(self, dock: OrdersDock) -> None:
        dock.set_orders([values.order("A", is_external=True)])
        dock.table.select("A")
        assert texts(dock.table, "origin") == ["Made elsewhere"]
        buttons = (dock.cancel_button, dock.change_button, dock.cancel_all_button)
        assert not any(button.isEnabled() for button in buttons)

    def test_cancel_all_is_asked_about(self, dock: OrdersDock, qtbot: QtBot) -> None:
        dock.set_orders([values.order("A"), values.order("B"), values.order("C", status=OrderStatus.FILLED)])
        with qtbot.waitSignal(dock.cancel_all_requested):
            dock.cancel_all_button.click()
            assert "2" in asking.agree(qtbot)

    @pytest.mark.parametrize(
        ("price", "quantity", "told"),
        [(22890, 3, ["A", 22890, 0]), (22900, 2, ["A", 0, 2]), (22890, 2, ["A", 22890, 2])],
    )
    def test_change_tells_only_what_differs(
        self, dock: OrdersDock, qtbot: QtBot, price: int, quantity: int, told: list[Any]
    ) -> None:
        dock.set_orders([values.order("A", filled=1, status=OrderStatus.PARTIALLY_FILLED)])
        dock.table.select("A")
        dock.change_button.click()
        dialog: Any = dock.findChild(QtWidgets.QDialog)
        dialog.price.setValue(price)
        dialog.quantity.setValue(quantity)
        with qtbot.waitSignal(dock.replace_requested) as got:
            dialog.buttons.button(QtWidgets.QDialogButtonBox.StandardButton.Ok).click()
        assert got.args == told

    def test_change_never_asks_for_more_lots(self, dock: OrdersDock) -> None:
        dock.set_orders([values.order("A", filled=1)])
        dock.table.select("A")
        dock.change_button.click()
        dialog: Any = dock.findChild(QtWidgets.QDialog)
        assert (dialog.quantity.minimum(), dialog.quantity.maximum()) == (1, 3)
        dialog.close()


# ------------------------------------------------------------------------------------- fills and positions


def test_a_fill_told_twice_is_shown_once_and_the_latest_comes_first(qtbot: QtBot) -> None:
    dock = FillsDock()
    qtbot.addWidget(dock)
    dock.add_fill(values.fill("1"))
    dock.add_fill(values.fill("2", ts_event=values.T0 + NS_PER_S))
    dock.add_fill(values.fill("1"))
    assert texts(dock.table, "id") == ["2", "1"]
    assert texts(dock.table, "time")[1] == "10:00:00.000"


class TestPositions:
    @pytest.fixture
    def dock(self, qtbot: QtBot) -> PositionsDock:
        dock = PositionsDock()
        qtbot.addWidget(dock)
        dock.set_instruments(values.instruments())
        return dock

    def test_values_and_sum_after_fees_and_tax(self, dock: PositionsDock) -> None:
        dock.set_positions([values.position(2, 22939), values.position(-1, 22900, "MXFK4", realised=10)])
        dock.update_ticks([values.tick(22980), values.tick(22890, "MXFK4")])
        # TXF: 41 points x 200 x 2 = 16,400 less 40 fee, 183.84 tax; MXF: 10 x 50 = 500 less 12.5, 22.89.
        assert dict(zip(texts(dock.table, "symbol"), texts(dock.table, "unrealised"), strict=True)) == {
            "TXFK4": "+16,176",
            "MXFK4": "+465",
        }
        assert texts(dock.table, "realised") == ["+276", "-224"]
        assert [label.text() for label in dock.totals] == ["+16,641", "+52", "448", "+16,693"]

    def test_what_cannot_be_valued_is_not_made_up(self, dock: PositionsDock) -> None:
        dock.set_positions([values.position()])
        assert texts(dock.table, "unrealised") == ["—"]
        assert dock.totals[0].text() == "—"
        assert dock.totals[3].text() == "—"

    def test_flatten_of_one_contract_is_asked_about(self, dock: PositionsDock, qtbot: QtBot) -> None:
        dock.set_positions([values.position(-2)])
        index = cell(dock.table, 0, "flatten")
        with qtbot.assertNotEmitted(dock.flatten_requested):
            dock.table.clicked.emit(index)
            assert "2 lots" in asking.refuse(qtbot)
        with qtbot.waitSignal(dock.flatten_requested) as told:
            dock.table.clicked.emit(index)
            asking.agree(qtbot)
        assert told.args == ["TXFK4"]

    def test_lots_that_no_condition_holds_can_be_put_under_guard(self, dock: PositionsDock, qtbot: QtBot) -> None:
        dock.set_positions([values.position(-2)])
        assert texts(dock.table, "guard") == [""]
        dock.set_unheld({(values.ACCOUNT, "TXFK4"): 1})
        assert texts(dock.table, "guard") == ["Guard…"]
        with qtbot.waitSignal(dock.guard_requested) as told:
            dock.table.clicked.emit(cell(dock.table, 0, "guard"))
        assert told.args == [values.ACCOUNT, "TXFK4"]
        dock.table.select("0123456-7/TXFK4")
        assert dock.guard_action.isEnabled()
        with qtbot.waitSignal(dock.guard_requested):
            dock.guard_action.trigger()
        dock.set_unheld({})
        assert not dock.guard_action.isEnabled()

    def test_a_flat_position_has_no_button(self, dock: PositionsDock, qtbot: QtBot) -> None:
        dock.set_positions([values.position(0)])
        assert texts(dock.table, "flatten") == [""]
        dock.table.clicked.emit(cell(dock.table, 0, "flatten"))
        assert not asking.boxes()


# ----------------------------------------------------------------------------------------------------- log


class TestLog:
    @pytest.fixture
    def dock(self, qtbot: QtBot) -> LogDock:
        dock = LogDock()
        qtbot.addWidget(dock)
        return dock

    @staticmethod
    def line(level: str = "info", text: str = "hello", node: str = "gateway") -> LogLine:
        return LogLine(node=node, level=level, ts_event=values.T0, text=text, ids={"order": "AAA"})

    def test_keeps_the_latest_lines(self, dock: LogDock) -> None:
        dock.add_lines(self.line(text=str(n)) for n in range(KEPT + 5))
        dock.add_line(self.line(text="last"))
        shown = texts(dock.table, "text")
        assert (len(shown), shown[0], shown[-1]) == (KEPT, "6", "last")

    def test_filters_by_level_and_text(self, dock: LogDock) -> None:
        dock.add_lines((self.line("debug", "a"), self.line("info", "b"), self.line("error", "c", node="executor")))
        assert texts(dock.table, "text") == ["b", "c"]
        dock.level.setCurrentIndex(dock.level.findData("error"))
        assert texts(dock.table, "text") == ["c"]
        dock.level.setCurrentIndex(dock.level.findData("debug"))
        dock.text.setText("EXECUTOR")
        assert texts(dock.table, "text") == ["c"]
        dock.text.setText("order=aaa")
        assert texts(dock.table, "text") == ["a", "b", "c"]

    def test_clear(self, dock: LogDock) -> None:
        dock.add_line(self.line())
        dock.clear_button.click()
        assert texts(dock.table, "text") == []
