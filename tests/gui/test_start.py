import pytest
from PySide6 import QtWidgets
from pytestqt.qtbot import QtBot

from engine.model.market import HaltChanged, HaltDepth
from terminal import i18n
from terminal.dialogs.confirm import TypedWord
from terminal.docks.start import RESUME_WORD, Check, RunState, StartBar
from tests.gui import asking, values


@pytest.fixture
def bar(qtbot: QtBot) -> StartBar:
    i18n.install("en")
    bar = StartBar()
    qtbot.addWidget(bar)
    bar.set_check(Check.LOGIN, True)
    return bar


def meet_all(bar: StartBar) -> None:
    for check in Check:
        bar.set_check(check, True)


@pytest.mark.parametrize("absent", list(Check))
def test_trading_starts_only_when_nothing_is_missing(bar: StartBar, absent: Check) -> None:
    meet_all(bar)
    assert bar.start_action.isEnabled()
    bar.set_check(absent, False)
    assert not bar.start_action.isEnabled()
    assert bar.missing() == (absent,)
    label = bar.checks[absent]
    assert label.text().startswith("✗")
    assert label.toolTip()


def test_the_list_names_what_is_there(bar: StartBar) -> None:
    bar.set_check(Check.ACCOUNT, True, "0123456-7")
    assert bar.checks[Check.ACCOUNT].text() == "✓ 0123456-7"


def test_the_number_of_conditions_follows_the_language(bar: StartBar) -> None:
    bar.set_check(Check.CONDITION, True, "2")
    assert bar.checks[Check.CONDITION].text() == "✓ Conditions: 2"
    i18n.install("zh_TW")
    bar.retranslate()
    told = bar.checks[Check.CONDITION].text()
    i18n.install("en")
    assert "2" in told
    assert "Conditions" not in told


def test_start(bar: StartBar, qtbot: QtBot) -> None:
    meet_all(bar)
    with qtbot.waitSignal(bar.start_requested):
        bar.start_button.click()
    bar.set_run_state(RunState.STARTING)
    assert not bar.start_button.isEnabled()


def test_stop_is_asked_about_because_positions_lose_their_guard(bar: StartBar, qtbot: QtBot) -> None:
    meet_all(bar)
    bar.set_run_state(RunState.RUNNING)
    with qtbot.waitSignal(bar.stop_requested):
        bar.stop_button.click()
        assert "not guarded" in asking.agree(qtbot)


@pytest.mark.parametrize(
    ("name", "depth"),
    [("no_entries_action", HaltDepth.NO_ENTRIES), ("cancel_action", HaltDepth.CANCEL_WORKING)],
)
def test_light_panic_acts_at_once(bar: StartBar, qtbot: QtBot, name: str, depth: HaltDepth) -> None:
    with qtbot.waitSignal(bar.halt_requested) as told:
        getattr(bar, name).trigger()
    assert told.args == [depth]


def test_flatten_is_asked_about(bar: StartBar, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(bar.halt_requested):
        bar.flatten_action.trigger()
        asking.refuse(qtbot)
    with qtbot.waitSignal(bar.halt_requested) as told:
        bar.flatten_action.trigger()
        asking.agree(qtbot)
    assert told.args == [HaltDepth.FLATTEN]


def test_panic_is_possible_whatever_else_is_missing_or_running_once_logged_in(bar: StartBar) -> None:
    actions = (bar.no_entries_action, bar.cancel_action, bar.flatten_action)
    for state in RunState:
        bar.set_run_state(state)
        assert all(action.isEnabled() for action in actions)
    bar.set_check(Check.LOGIN, False)
    assert not any(action.isEnabled() for action in actions)


def test_what_trading_lacks_is_said_in_place_of_trading(bar: StartBar) -> None:
    bar.set_run_state(RunState.IMPAIRED, "no link to the broker")
    assert bar.state_label.text() == "▲ Not guarding: no link to the broker"
    assert bar.state_label.property("tone") == "error"
    bar.set_run_state(RunState.RUNNING)
    assert bar.state_label.text() == "● Trading"


def test_starting_again_is_offered_for_what_died_too_often_only(bar: StartBar, qtbot: QtBot) -> None:
    assert not bar.again_button.isVisibleTo(bar)
    bar.set_given_up({"executor"})
    with qtbot.waitSignal(bar.start_again_requested):
        bar.again_button.click()
    bar.set_given_up(())
    assert not bar.again_button.isVisibleTo(bar)
    assert not bar.again_action.isEnabled()


def test_resume_needs_the_typed_word(bar: StartBar, qtbot: QtBot) -> None:
    assert not bar.resume_action.isEnabled()
    told = HaltChanged(
        depth=HaltDepth.CANCEL_WORKING, by="rule", text="Lost 60,000 of 50,000 TWD.", ts_event=values.T0
    )
    bar.set_halt(told)
    assert "Entries stopped" in bar.halt_label.text()
    assert bar.why_label.text() == "Lost 60,000 of 50,000 TWD."
    bar.set_halt(HaltChanged(depth=HaltDepth.CANCEL_WORKING, by=""))  # as a snapshot knows it
    bar.resume_action.trigger()
    (dialog,) = bar.findChildren(TypedWord)
    said = dialog.question.text()
    for part in ("by a limit of risk", "10:00:00", "Lost 60,000 of 50,000 TWD.", RESUME_WORD):
        assert part in said
    ok = dialog.buttons.button(QtWidgets.QDialogButtonBox.StandardButton.Ok)
    dialog.field.setText("yes")
    assert not ok.isEnabled()
    dialog.field.setText(RESUME_WORD.lower())
    with qtbot.waitSignal(bar.resume_requested):
        ok.click()
    bar.set_halt(HaltChanged(depth=HaltDepth.NONE, by="window"))
    assert not bar.halt_label.text()
    assert not bar.why_label.text()
    assert not bar.resume_action.isEnabled()


def test_what_a_person_halted_is_not_explained_to_that_person(bar: StartBar) -> None:
    bar.set_halt(HaltChanged(depth=HaltDepth.NO_ENTRIES, by="window", text="", ts_event=values.T0))
    assert bar.halt_label.text()
    assert not bar.why_label.text()
    assert "by a person at 10:00:00" in bar.halt_label.toolTip()


def test_a_deeper_halt_is_never_made_shallower_by_a_panic_key(bar: StartBar, qtbot: QtBot) -> None:
    bar.set_halt(HaltChanged(depth=HaltDepth.FLATTEN, by="window"))
    with (
        qtbot.assertNotEmitted(bar.halt_requested),
        qtbot.waitSignal(bar.cancel_all_requested),
    ):
        bar.cancel_action.trigger()
    assert not bar.no_entries_action.isEnabled()
