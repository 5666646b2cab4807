from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from engine.model.condition import ConditionAction, ConditionSpec, ConditionState, LevelsFrom, SessionEnd
from engine.model.order import Side
from engine.settings import Risk
from terminal import i18n
from terminal.dialogs.about import AboutDialog
from terminal.dialogs.condition import ConditionDialog, random_condition_id
from terminal.dialogs.guard import GuardDialog, average_on_tick
from terminal.dialogs.login import BrokerChoice, LoginDialog, LoginRequest
from terminal.dialogs.settings import SettingsDialog
from terminal.widgets.duration_edit import DurationEdit, minutes_text
from tests.gui import values

CHOICES = (
    BrokerChoice(key="simulated", fields=frozenset({"user", "password", "url"}), urls=("Simulated", "Practice")),
    BrokerChoice(key="replay", fields=frozenset({"user", "replay_file", "speed"})),
    BrokerChoice(key="pfcf_dll", is_available=False, why_not="no library", fields=frozenset({"user", "password"})),
    BrokerChoice(key="pfcf_wheel", fields=frozenset({"user", "password", "certificate"})),
)


@pytest.fixture(autouse=True)
def _english(qapp: QtWidgets.QApplication) -> None:
    i18n.install("en")


# --------------------------------------------------------------------------------------------------- login


def login(qtbot: QtBot, last: LoginRequest | None = None) -> LoginDialog:
    dialog = LoginDialog(CHOICES, last)
    qtbot.addWidget(dialog)
    dialog.open()
    return dialog


def choose(dialog: LoginDialog, key: str) -> None:
    dialog.broker.setCurrentIndex(dialog.broker.findData(key))


def test_login_hands_on_what_was_entered(qtbot: QtBot) -> None:
    dialog = login(qtbot)
    assert not dialog.login_button.isEnabled()
    dialog.user.setText(" U1 ")
    dialog.password.setText(" secret ")
    dialog.url.setCurrentText("Practice")
    with qtbot.waitSignal(dialog.login_requested) as told:
        dialog.login_button.click()
    expected = LoginRequest(broker="simulated", user="U1", password=" secret ", url="Practice")
    assert told.args == [expected]
    assert "secret" not in repr(told.args[0])
    assert told.args[0].without_secrets().password == ""


def test_while_logging_in_nothing_can_be_changed_and_giving_up_is_told(qtbot: QtBot) -> None:
    dialog = login(qtbot)
    dialog.user.setText("U1")
    dialog.login_button.click()
    assert dialog.progress.isVisible()
    assert not dialog.user.isEnabled()
    assert not dialog.login_button.isEnabled()
    with qtbot.waitSignal(dialog.login_abandoned):
        dialog.cancel_button.click()


def test_an_error_is_shown_and_the_password_forgotten(qtbot: QtBot) -> None:
    dialog = login(qtbot)
    dialog.user.setText("U1")
    dialog.password.setText("secret")
    dialog.login_button.click()
    dialog.show_error("Wrong password.")
    assert dialog.error.text() == "Wrong password."
    assert dialog.isVisible()
    assert not dialog.progress.isVisible()
    assert dialog.login_button.isEnabled()
    assert dialog.password.text() == ""


def test_secrets_do_not_outlive_the_dialog(qtbot: QtBot) -> None:
    dialog = login(qtbot)
    dialog.user.setText("U1")
    dialog.password.setText("secret")
    dialog.accept()
    assert dialog.password.text() == ""


def test_fields_follow_the_broker(qtbot: QtBot) -> None:
    dialog = login(qtbot)
    fields = {
        "user": dialog.user,
        "password": dialog.password,
        "url": dialog.url,
        "certificate": dialog.certificate,
        "certificate_password": dialog.certificate_password,
        "replay_file": dialog.replay_file,
        "speed": dialog.speed,
    }

    def shown() -> set[str]:
        return {name for name, part in fields.items() if part.isVisible()}

    assert shown() == {"user", "password", "url"}
    choose(dialog, "replay")
    assert shown() == {"user", "replay_file", "speed"}
    choose(dialog, "pfcf_wheel")
    assert shown() == {"user", "password", "certificate", "certificate_password"}


def test_a_broker_that_cannot_be_used_says_why_and_cannot_be_chosen(qtbot: QtBot) -> None:
    dialog = login(qtbot, LoginRequest(broker="pfcf_dll"))
    assert dialog.broker.currentData() == "simulated"
    assert dialog.why_not.text() == "PFCF (.NET library): no library"
    at = dialog.broker.findData("pfcf_dll")
    flags = dialog.broker.model().flags(dialog.broker.model().index(at, 0))
    assert not flags & QtCore.Qt.ItemFlag.ItemIsEnabled


def test_the_replay_file_must_exist(qtbot: QtBot, tmp_path: Path) -> None:
    file = tmp_path / "day.zip"
    last = LoginRequest(broker="replay", user="U1", replay_file=str(file), speed=60.0)
    dialog = login(qtbot, last)
    with qtbot.assertNotEmitted(dialog.login_requested):
        dialog.login_button.click()
    assert str(file) in dialog.error.text()
    file.touch()
    with qtbot.waitSignal(dialog.login_requested) as told:
        dialog.login_button.click()
    assert told.args == [last]


def test_as_fast_as_possible_is_speed_zero(qtbot: QtBot) -> None:
    dialog = login(qtbot, LoginRequest(broker="replay", user="U1"))
    dialog.speed.setCurrentIndex(dialog.speed.findText("As fast as possible"))
    assert dialog.request().speed == 0.0


# ----------------------------------------------------------------------------------------------- condition


@pytest.fixture
def dialog(qtbot: QtBot) -> ConditionDialog:
    dialog = ConditionDialog(new_id=lambda: "CNEW")
    qtbot.addWidget(dialog)
    dialog.set_contracts(["TXFK4", "MXFK4"])
    dialog.set_accounts(values.ACCOUNTS)
    return dialog


def test_a_new_condition_has_the_usual_distances(dialog: ConditionDialog, qtbot: QtBot) -> None:
    dialog.open_new(Side.SELL, "TXFK4", "", 23050)
    assert not dialog.isModal()
    with qtbot.waitSignal(dialog.spec_accepted) as told:
        dialog.arm_button.click()
    assert told.args == [values.spec("CNEW", action=Side.SELL, trigger_price=23050), True]
    assert not dialog.isVisible()


def test_all_fields_arrive(dialog: ConditionDialog, qtbot: QtBot) -> None:
    dialog.open_new(Side.BUY, "TXFK4", values.ACCOUNT, 0)
    dialog.contract.setCurrentIndex(dialog.contract.findData("MXFK4"))
    dialog.action.choose(Side.SELL)
    dialog.trigger.setValue(23000)
    dialog.turning.setValue(16)
    dialog.exits.take_profit.setValue(91)
    dialog.exits.stop_loss.setValue(31)
    dialog.quantity.setValue(2)
    dialog.following.setChecked(True)
    dialog.exits.trailing.setValue(40)
    dialog.exits.levels_from.choose(LevelsFrom.AVERAGE_FILL)
    dialog.exits.breakeven.setValue(20)
    dialog.exits.time_stop.setValue(90)
    dialog.exits.session_end.setCurrentIndex(dialog.exits.session_end.findData(SessionEnd.FLATTEN))
    with qtbot.waitSignal(dialog.spec_accepted) as told:
        dialog.save_button.click()
    got, is_armed = told.args
    assert not is_armed
    assert (got.symbol, got.action, got.trigger_price, got.turning_points) == ("MXFK4", Side.SELL, 23000, 16)
    assert (got.take_profit_points, got.stop_loss_points, got.quantity) == (91, 31, 2)
    assert (got.following, got.trailing_points, got.levels_from) == (True, 40, LevelsFrom.AVERAGE_FILL)
    assert (got.breakeven_points, got.time_stop_s, got.session_end) == (20, 90, SessionEnd.FLATTEN)
    assert got.oco_group == ""


def test_what_is_missing_is_said_in_place(dialog: ConditionDialog) -> None:
    dialog.open_new(Side.BUY, "TXFK4", "", 0)
    assert dialog.problem.text() == "Enter the trigger price."
    assert not dialog.arm_button.isEnabled()
    assert not dialog.save_button.isEnabled()
    dialog.trigger.setValue(22930)
    assert dialog.problem.text() == ""
    assert dialog.arm_button.isEnabled()


@pytest.mark.parametrize(
    ("side", "names", "prices"),
    [
        (Side.BUY, ["Take profit", "Entry", "Trigger", "Stop loss"], [23035, 22945, 22930, 22915]),
        (Side.SELL, ["Stop loss", "Trigger", "Entry", "Take profit"], [22945, 22930, 22915, 22825]),
    ],
)
def test_the_preview_shows_levels_from_above_with_risk_and_reward(
    dialog: ConditionDialog, side: Side, names: list[str], prices: list[int]
) -> None:
    dialog.open_new(side, "TXFK4", "", 22930)
    dialog.quantity.setValue(2)
    lines = dialog.preview.lines()
    assert [line[0] for line in lines] == names
    assert [line[1] for line in lines] == prices
    assert dialog.preview.money() == (Decimal(12_000), Decimal(36_000))


def test_the_point_value_is_that_of_the_contract(dialog: ConditionDialog) -> None:
    dialog.open_new(Side.BUY, "MXFK4", "", 22930)
    assert dialog.preview.money() == (Decimal(1_500), Decimal(4_500))


def test_editing_keeps_the_id_and_in_the_market_only_exits_can_change(
    dialog: ConditionDialog, qtbot: QtBot
) -> None:
    dialog.open_edit(values.condition("C7", ConditionState.OPEN, entered=1, entry_value=22945))
    assert not dialog.trigger.isEnabled()
    assert not dialog.quantity.isEnabled()
    assert dialog.exits.stop_loss.isEnabled()
    assert not dialog.arm_button.isVisible()
    dialog.exits.stop_loss.setValue(25)
    with qtbot.waitSignal(dialog.spec_accepted) as told:
        dialog.save_button.click()
    assert told.args == [values.spec("C7", stop_loss_points=25), False]


def offered(dialog: ConditionDialog) -> list[str]:
    return [dialog.other.itemData(at) for at in range(dialog.other.count())]


def accepted(dialog: ConditionDialog) -> dict[str, ConditionSpec]:
    """What is told when the dialog is saved, by condition."""
    told: dict[str, ConditionSpec] = {}
    dialog.spec_accepted.connect(lambda spec, arm: told.update({spec.condition_id: spec}))
    dialog.save_button.click()
    return told


def test_only_conditions_of_the_contract_that_wait_can_be_tied_to_it(dialog: ConditionDialog) -> None:
    far = replace(values.condition("C4"), spec=values.spec("C4", trigger_price=22000))
    far = replace(far, spec=replace(far.spec, symbol="MXFK4"))
    dialog.set_conditions(
        [
            values.condition("C1"),
            values.condition("C2", ConditionState.OPEN),
            values.condition("C3", ConditionState.DRAFT),
            far,
        ]
    )
    dialog.open_new(Side.BUY, "TXFK4", "", 22930)
    assert offered(dialog) == ["", "C1", "C3"]
    dialog.contract.setCurrentIndex(dialog.contract.findData("MXFK4"))
    assert offered(dialog) == ["", "C4"]


def test_tying_puts_both_into_a_group_and_untying_takes_both_out(dialog: ConditionDialog) -> None:
    dialog.set_conditions([values.condition("C1"), values.condition("C2")])
    dialog.open_new(Side.SELL, "TXFK4", "", 23050)
    dialog.other.setCurrentIndex(dialog.other.findData("C2"))
    told = accepted(dialog)
    assert set(told) == {"CNEW", "C2"}
    group = told["CNEW"].oco_group
    assert group
    assert told["C2"].oco_group == group

    for spec in told.values():
        dialog.update_condition(replace(values.condition(spec.condition_id), spec=spec))
    dialog.open_edit(replace(values.condition("C2"), spec=told["C2"]))
    assert dialog.other.currentData() == "CNEW"
    dialog.other.setCurrentIndex(0)
    told = accepted(dialog)
    assert {name: spec.oco_group for name, spec in told.items()} == {"C2": "", "CNEW": ""}


def test_a_third_condition_joins_a_group_without_changing_it(dialog: ConditionDialog) -> None:
    tied = [replace(values.condition(name), spec=values.spec(name, oco_group="G1")) for name in ("C1", "C2")]
    dialog.set_conditions(tied)
    dialog.open_new(Side.SELL, "TXFK4", "", 23050)
    dialog.other.setCurrentIndex(dialog.other.findData("C2"))
    assert {name: spec.oco_group for name, spec in accepted(dialog).items()} == {"CNEW": "G1"}


def test_in_the_market_the_group_stays_as_it_is(dialog: ConditionDialog) -> None:
    held = values.condition("C7", ConditionState.OPEN, entered=1, entry_value=22945)
    dialog.open_edit(replace(held, spec=replace(held.spec, oco_group="G1")))
    assert not dialog.other.isEnabled()
    assert dialog.spec().oco_group == "G1"


def test_each_policy_for_the_close_is_explained(dialog: ConditionDialog) -> None:
    dialog.open_new(Side.BUY, "TXFK4", "", 22930)
    said = set()
    for end in SessionEnd:
        dialog.exits.session_end.setCurrentIndex(dialog.exits.session_end.findData(end))
        said.add(dialog.exits.explanation.text())
        assert dialog.spec().session_end is end
    assert len(said) == len(SessionEnd)
    assert all(text.endswith(".") for text in said)


@pytest.mark.parametrize(
    ("typed", "seconds"), [("5", 300), ("1:30", 90), ("0:05", 5), ("90:00", 5400), ("Off", 0), ("0", 0)]
)
def test_a_time_is_typed_in_minutes_and_seconds(qtbot: QtBot, typed: str, seconds: int) -> None:
    field = DurationEdit()
    qtbot.addWidget(field)
    field.setSpecialValueText("Off")
    field.setValue(1)
    field.lineEdit().setText(typed)
    field.interpretText()
    assert field.value() == seconds
    field.setValue(seconds)
    assert field.text() == ("Off" if not seconds else minutes_text(seconds))


@pytest.mark.parametrize("typed", ["abc", "1:75", "-3", "1:2:3", "99999", "²"])
def test_what_is_no_time_is_refused(qtbot: QtBot, typed: str) -> None:
    field = DurationEdit()
    qtbot.addWidget(field)
    assert field.validate(typed, 0)[0] is QtGui.QValidator.State.Invalid


# --------------------------------------------------------------------------------------------------- guard


def guarding(qtbot: QtBot, net: int = 3, average: int = 22939, lots: int = 2) -> GuardDialog:
    made = GuardDialog(values.position(net, average), lots, lambda: "CNEW")
    qtbot.addWidget(made)
    made.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose, False)
    made.show()
    return made


@pytest.mark.parametrize(("net", "side"), [(3, Side.BUY), (-3, Side.SELL)])
def test_enter_puts_the_lots_that_nothing_guards_under_guard(qtbot: QtBot, net: int, side: Side) -> None:
    dialog = guarding(qtbot, net)
    with qtbot.waitSignal(dialog.guard_requested) as told:
        QTest.keyClick(dialog.exits.stop_loss, QtCore.Qt.Key.Key_Return)
    (command,) = told.args
    assert (command.action, command.condition_id) == (ConditionAction.GUARD, "CNEW")
    expected = values.spec(
        "CNEW", action=side, trigger_price=22939, quantity=2, levels_from=LevelsFrom.AVERAGE_FILL
    )
    assert command.spec == expected
    assert not dialog.isVisible()


def test_the_guard_is_measured_from_the_average_on_the_tick(qtbot: QtBot) -> None:
    dialog = guarding(qtbot, average=0)
    dialog._position = replace(values.position(2), cost=Decimal("45877"))
    assert average_on_tick(dialog._position) == 22938
    dialog.exits.changed.emit()
    assert [(name, price) for name, price, _ in dialog.preview.lines()] == [
        ("Take profit", 23028),
        ("Average price", 22938),
        ("Stop loss", 22908),
    ]


def test_no_more_lots_can_be_guarded_than_nothing_guards(qtbot: QtBot) -> None:
    assert guarding(qtbot, lots=2).quantity.maximum() == 2


def test_a_stop_that_the_market_has_passed_is_said(qtbot: QtBot) -> None:
    dialog = guarding(qtbot)
    dialog.update_last("TXFK4", 22909)
    assert "beyond this stop" in dialog.problem.text()
    dialog.exits.stop_loss.setValue(31)
    assert dialog.problem.text() == ""
    dialog.update_last("TXFK4", 23029)
    assert "beyond this target" in dialog.problem.text()
    dialog.update_last("MXFK4", 22939)
    assert "beyond this target" in dialog.problem.text()


def test_condition_ids_are_ascii_and_differ() -> None:
    made = {random_condition_id() for _ in range(200)}
    assert len(made) == 200
    assert all(one.isascii() and one.isalnum() for one in made)


# -------------------------------------------------------------------------------------- settings and about


def test_settings_tell_choices_and_show_the_limits(qtbot: QtBot) -> None:
    dialog = SettingsDialog(
        theme="dark", language="en", must_confirm=True, risk=Risk(max_order_lots=7), settings_path="s.toml"
    )
    qtbot.addWidget(dialog)
    dialog.open()
    for box, signal, at in (
        (dialog.theme, dialog.theme_chosen, "light"),
        (dialog.language, dialog.language_chosen, "zh_TW"),
    ):
        with qtbot.waitSignal(signal) as told:
            box.setCurrentIndex(box.findData(at))
            box.activated.emit(box.currentIndex())
        assert told.args == [at]
    with qtbot.waitSignal(dialog.must_confirm_chosen) as told:
        dialog.must_confirm.setChecked(False)
    assert told.args == [False]
    shown = [label.text() for label in dialog.findChildren(QtWidgets.QLabel)]
    assert "7 lots" in shown
    assert any("s.toml" in text for text in shown)


def test_about_shows_a_drawn_icon(qtbot: QtBot) -> None:
    dialog = AboutDialog()
    qtbot.addWidget(dialog)
    dialog.show()
    pixmaps = [label.pixmap() for label in dialog.findChildren(QtWidgets.QLabel)]
    assert any(not pixmap.isNull() for pixmap in pixmaps)
