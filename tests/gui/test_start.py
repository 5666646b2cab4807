import pytest
from PySide6 import QtWidgets
from pytestqt.qtbot import QtBot

from engine.model.market import HaltDepth
from terminal import i18n
from terminal.dialogs.confirm import TypedWord
from terminal.docks.start import RESUME_WORD, Check, RunState, StartBar
from tests.gui import asking


@pytest.fixture
def bar(qtbot: QtBot) -> StartBar:
    i18n.install("en")
    bar = StartBar()
    qtbot.addWidget(bar)
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


def test_panic_is_possible_whatever_is_missing_or_running(bar: StartBar) -> None:
    for state in RunState:
        bar.set_run_state(state)
        actions = (bar.no_entries_action, bar.cancel_action, bar.flatten_action)
        assert all(action.isEnabled() for action in actions)


def test_resume_needs_the_typed_word(bar: StartBar, qtbot: QtBot) -> None:
    assert not bar.resume_action.isEnabled()
    bar.set_halt(HaltDepth.CANCEL_WORKING, "risk", "daily loss")
    assert "Entries stopped" in bar.halt_label.text()
    assert bar.halt_label.toolTip() == "risk: daily loss"
    bar.resume_action.trigger()
    (dialog,) = bar.findChildren(TypedWord)
    ok = dialog.buttons.button(QtWidgets.QDialogButtonBox.StandardButton.Ok)
    dialog.field.setText("yes")
    assert not ok.isEnabled()
    dialog.field.setText(RESUME_WORD.lower())
    with qtbot.waitSignal(bar.resume_requested):
        ok.click()
    bar.set_halt(HaltDepth.NONE)
    assert not bar.halt_label.text()
    assert not bar.resume_action.isEnabled()
