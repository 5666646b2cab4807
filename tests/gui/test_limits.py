import dataclasses
from decimal import Decimal

import pytest
from PySide6 import QtCore, QtWidgets
from pytestqt.qtbot import QtBot

from engine.model.order import OrderStatus
from engine.model.session import TradingCalendar
from engine.settings import HaltRule, Risk
from engine.timing import NS_PER_S
from engine.wire.messages import SetLimits
from terminal import i18n
from terminal.dialogs.limits import GROUPS, LimitsDialog
from terminal.models.limits import entries_of_day, used
from tests.gui import values

DAY_NS = 86_400 * NS_PER_S


@pytest.fixture
def dialog(qtbot: QtBot) -> LimitsDialog:
    i18n.install("en")
    made = LimitsDialog(Risk(), {"max_position_lots": "Now 3 lots."})
    made.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose, False)
    qtbot.addWidget(made)
    made.show()
    return made


def put(dialog: LimitsDialog, name: str, value: object) -> None:
    field = dialog.fields[name]
    if isinstance(field, QtWidgets.QComboBox):
        field.setCurrentIndex(field.findData(value))
    elif isinstance(field, QtWidgets.QLineEdit):
        field.setText(str(value))
    else:
        assert isinstance(field, QtWidgets.QSpinBox | QtWidgets.QDoubleSpinBox)
        field.setValue(value)  # type: ignore[arg-type]


def test_every_limit_has_its_place_and_its_words(dialog: LimitsDialog) -> None:
    names = {item.name for item in dataclasses.fields(Risk)}
    assert {name for _, group in GROUPS for name in group} == names
    assert all(label.text() and label.text() != name for name, label in dialog.labels.items())


def test_shows_what_holds_and_what_is_used(dialog: LimitsDialog) -> None:
    assert dialog.limits() == Risk()
    assert not dialog.set_button.isEnabled()
    shown = [label.text() for label in dialog.findChildren(QtWidgets.QLabel)]
    assert any(text.startswith("Now 3 lots.") for text in shown)


def test_what_was_changed_is_told_with_the_reason(dialog: LimitsDialog, qtbot: QtBot) -> None:
    put(dialog, "max_order_lots", 4)
    put(dialog, "max_daily_loss", 50_000)
    put(dialog, "daily_loss_halt", HaltRule.FLATTEN)
    put(dialog, "price_band_percent", 1.5)
    put(dialog, "margin_per_lot", "TXF=350000, MXF=87500")
    dialog.reason.setText("holiday ahead")
    assert dialog.labels["max_order_lots"].property("tone") == "warning"
    with qtbot.waitSignal(dialog.limits_requested) as told:
        dialog.set_button.click()
    limits = Risk(
        max_order_lots=4,
        max_daily_loss=50_000,
        daily_loss_halt=HaltRule.FLATTEN,
        price_band_percent=1.5,
        margin_per_lot=("TXF=350000", "MXF=87500"),
    )
    assert told.args == [SetLimits(limits=limits, text="holiday ahead")]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("max_order_lots", 0, "Lots of one order: 0 would let no entry through"),
        ("max_total_lots", 5, "Lots of all contracts: one contract alone"),
        ("margin_per_lot", "TXF", "Initial margin of a lot: write product and TWD"),
        ("no_entry_before_close_s", 99_999.0, "Before the close, seconds: not possible."),
    ],
)
def test_what_cannot_be_is_said_and_cannot_be_set(
    dialog: LimitsDialog, name: str, value: object, said: str
) -> None:
    put(dialog, name, value)
    assert dialog.problem.text().startswith(said)
    assert not dialog.set_button.isEnabled()


def test_limits_that_were_changed_elsewhere_are_shown(dialog: LimitsDialog) -> None:
    put(dialog, "max_order_lots", 4)
    dialog.show_limits(Risk(max_order_lots=7))
    assert dialog.limits().max_order_lots == 7
    assert not dialog.set_button.isEnabled()


def test_what_is_used_is_counted_by_contract_and_in_all() -> None:
    i18n.install("en")
    held = [values.position(2), values.position(-3, symbol="MXFK4"), values.position(0, symbol="TMFK4")]
    assert used(held, Decimal(-560), 7) == {
        "max_position_lots": "Now 3 lots.",
        "max_total_lots": "Now 5 lots.",
        "max_daily_loss": "Now -560 TWD.",
        "max_orders_per_day": "So far 7.",
    }
    assert "max_daily_loss" not in used(held, None, None)


def test_only_entries_of_the_trade_date_count() -> None:
    orders = [
        values.order("A"),
        values.order("B", reduce_only=True),
        values.order("C", status=OrderStatus.DENIED),
        values.order("D", ts_created=values.T0 - DAY_NS),
        values.order("E", is_external=True),
    ]
    calendar = TradingCalendar()
    assert entries_of_day(orders, calendar, values.T0) == 1
    assert entries_of_day(orders, calendar, values.T0 + 6 * 3600 * NS_PER_S - 1800 * NS_PER_S) is not None
    assert entries_of_day(orders, calendar, values.T0 + 4 * 3600 * NS_PER_S + 900 * NS_PER_S) is None
