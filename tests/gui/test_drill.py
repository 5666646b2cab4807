"""The fire drill in the window: its process, its progress, its card."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from PySide6 import QtCore
from pytestqt.qtbot import QtBot

from engine.drill.results import Progress, Report
from engine.model.market import Environment
from terminal import i18n
from terminal.bridge.aside import AsideProcess
from terminal.dialogs.drill import RUNS, DrillDialog
from terminal.theme import DARK
from tests.gui import drilling
from tests.gui.drilling import result

TIMEOUT_MS = 30_000
REPORT = Report(
    seed=7, runs=2, faults=(result(2, 2),), orders=4, fills=3, deaths=1, limit_s=5.0, seconds=9.0, proofs=2
)


@pytest.fixture
def dialog(qtbot: QtBot) -> Iterator[DrillDialog]:
    i18n.install("en")
    made = DrillDialog()
    made.set_theme(DARK)
    qtbot.addWidget(made)
    made.show()
    yield made
    i18n.install("en")


def texts(dialog: DrillDialog, column: str) -> list[str]:
    at = [c.key for c in dialog.table.source.columns].index(column)
    return [str(dialog.table.proxy.index(row, at).data()) for row in range(dialog.table.proxy.rowCount())]


# ------------------------------------------------------------------------------------------------- the dialog


def test_a_drill_is_asked_for_with_its_seed(dialog: DrillDialog, qtbot: QtBot) -> None:
    dialog.seed.setValue(7)
    with qtbot.waitSignal(dialog.start_requested) as told:
        dialog.start_button.click()
    assert told.args == [RUNS, 7]
    assert not dialog.start_button.isEnabled()
    assert not dialog.seed.isEnabled()
    assert dialog.stop_button.isEnabled()


def test_progress_fills_the_table(dialog: DrillDialog) -> None:
    dialog.start_button.click()
    dialog.take(Progress(run=1, runs=2, result=result(1, 1), seconds=1.0))
    dialog.take(Progress(run=2, runs=2, result=result(2, 1), seconds=2.0))
    assert (dialog.progress.value(), dialog.progress.maximum()) == (2, 2)
    assert texts(dialog, "text") == ["The executor process is killed"]
    assert (texts(dialog, "outcome"), texts(dialog, "tried"), texts(dialog, "survived")) == (["✗"], ["2"], ["1"])


def test_a_fault_without_words_of_its_own_is_told_as_the_drill_tells_it(dialog: DrillDialog) -> None:
    dialog.take(Progress(run=1, runs=2, result=result(name="something_new"), seconds=1.0))
    assert texts(dialog, "text") == ["a fault"]


def test_the_card_of_a_passed_drill(dialog: DrillDialog) -> None:
    dialog.start_button.click()
    dialog.take(REPORT)
    dialog.on_ended()
    assert dialog.verdict.text() == "✓  PASSED: every promise held."
    assert dialog.verdict.property("tone") == "ok"
    assert "4 orders" in dialog.story.text()
    assert "2 times the price was moved" in dialog.story.text()
    assert "1.2 s; the limit is 5 s, and 10 s after" in dialog.story.text()
    assert dialog.start_button.isEnabled()


def test_the_card_of_a_failed_drill_says_how_to_repeat_it(dialog: DrillDialog) -> None:
    dialog.start_button.click()
    dialog.take(replace(REPORT, broken="Broken promise, nothing lost: a fill is missing", run=2, lost=1))
    assert dialog.verdict.text() == "✗  FAILED: a promise was broken."
    assert dialog.verdict.property("tone") == "error"
    for part in ("a fill is missing", "seed 7", "run 2", "1 fills lost"):
        assert part in dialog.story.text()


def test_a_drill_that_could_not_be_run_or_was_ended_proves_nothing(dialog: DrillDialog) -> None:
    dialog.start_button.click()
    dialog.take("the port is taken")
    dialog.on_ended()
    assert "could not be run" in dialog.verdict.text()
    assert dialog.story.text() == "the port is taken"
    dialog.start_button.click()
    assert not dialog.card.isVisible()
    dialog.on_ended()
    assert "nothing is proven" in dialog.verdict.text()


def test_closing_the_dialog_stops_the_drill(dialog: DrillDialog, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(dialog.stop_requested):
        dialog.reject()
    dialog.start_button.click()
    with qtbot.waitSignal(dialog.stop_requested):
        dialog.reject()


# ------------------------------------------------------------------------------------------------ the process


@pytest.fixture
def owner(qtbot: QtBot) -> QtCore.QObject:
    return QtCore.QObject()


def run(process: AsideProcess, qtbot: QtBot) -> list[Any]:
    """What a drill told until its process was gone."""
    told: list[Any] = []
    process.told.connect(told.append)
    with qtbot.waitSignal(process.ended, timeout=TIMEOUT_MS):
        process.start(3)
    assert not process.is_running
    return told


def test_everything_the_process_sent_arrives_in_order(owner: QtCore.QObject, qtbot: QtBot) -> None:
    told = run(AsideProcess(drilling.passing, "drill", owner), qtbot)
    assert [type(item).__name__ for item in told] == ["Progress"] * 3 + ["Report"]


def test_a_process_that_dies_without_a_word_is_seen(owner: QtCore.QObject, qtbot: QtBot) -> None:
    process = AsideProcess(drilling.dying, "drill", owner)
    assert run(process, qtbot) == []
    assert run(process, qtbot) == []


def test_a_drill_that_nobody_listens_to_ends(owner: QtCore.QObject, qtbot: QtBot) -> None:
    process = AsideProcess(drilling.endless, "drill", owner)
    with qtbot.waitSignal(process.told, timeout=TIMEOUT_MS):
        process.start(3)
    with qtbot.waitSignal(process.ended, timeout=TIMEOUT_MS):
        process.stop()


def test_closing_waits_until_it_is_gone(owner: QtCore.QObject, qtbot: QtBot) -> None:
    process = AsideProcess(drilling.endless, "drill", owner)
    with qtbot.waitSignal(process.told, timeout=TIMEOUT_MS):
        process.start(3)
    process.close()
    with qtbot.waitSignal(process.ended, timeout=TIMEOUT_MS):
        pass


def test_no_drill_beside_real_money(qtbot: QtBot) -> None:
    from tests.gui.test_window import build

    window = build().window
    qtbot.addWidget(window, before_close_func=lambda shown: shown.allow_close())
    for environment in (None, *Environment):
        window.set_environment(environment)
        assert window.drill_action.isEnabled() == (environment is not Environment.LIVE)
    with qtbot.waitSignal(window.drill_requested):
        window.set_environment(None)
        window.drill_action.trigger()
