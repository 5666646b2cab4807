"""The facts of the engine on the whole window, without an engine."""

import time
from collections.abc import Iterator

import pytest
from PySide6 import QtCore, QtWidgets
from pytestqt.qtbot import QtBot

from engine.model.books import Difference, DifferenceKind
from engine.model.condition import ConditionState
from engine.model.guard import Coverage
from engine.model.market import Environment, HaltChanged, HaltDepth, LinkState, LinkStatus
from engine.model.scan import ScanHit, ScanKind
from engine.model.session import TradingCalendar
from engine.settings import Settings
from engine.timing import NS_PER_S
from engine.wire.messages import ProcessState, ProcessStatus, Pulse, ScanHits, Snapshot
from terminal import i18n, theme
from terminal.display import Display
from terminal.docks.start import RunState
from terminal.models.past import PastState
from tests.gui import values
from tests.gui.test_docks import texts

CHILDREN = ("executor", "strategy-1")


@pytest.fixture
def display(qtbot: QtBot, qapp: QtWidgets.QApplication) -> Iterator[Display]:
    before = qapp.font(), qapp.palette(), qapp.styleSheet()
    i18n.install("en")
    made = Display(Settings(), TradingCalendar())
    made.guarding.alarm._beep = lambda: None
    qtbot.addWidget(made.window, before_close_func=lambda window: window.allow_close())
    made.set_theme(qapp, theme.DARK)
    made.show_login(Environment.SIMULATED, values.ACCOUNTS, values.CONTRACTS, values.instruments())
    yield made
    made.clear()
    qapp.setFont(before[0])
    qapp.setPalette(before[1])
    qapp.setStyleSheet(before[2])


def tell(display: Display, node: str, state: ProcessState) -> None:
    display.running.on_process(ProcessStatus(node=node, state=state, text="", ts_event=time.time_ns()))


def start(display: Display) -> None:
    """Trading runs, and the gateway is heard."""
    display.guarding.on_pulse()
    display.running.expect(CHILDREN)
    for name in CHILDREN:
        tell(display, name, ProcessState.READY)


def run_state(display: Display) -> RunState:
    return display.bar._state


def message(display: Display) -> str:
    return display.window._message.text()


def test_trading_runs_when_all_that_it_needs_is_ready_and_nothing_else_counts(display: Display) -> None:
    tell(display, "recorder", ProcessState.READY)
    assert run_state(display) is RunState.STOPPED
    display.running.expect(CHILDREN)
    tell(display, "executor", ProcessState.READY)
    assert run_state(display) is RunState.STARTING
    tell(display, "strategy-1", ProcessState.READY)
    assert run_state(display) is RunState.RUNNING
    tell(display, "recorder", ProcessState.DEAD)
    assert run_state(display) is RunState.RUNNING
    tell(display, "executor", ProcessState.DEAD)
    assert run_state(display) is RunState.IMPAIRED


def test_trading_without_a_link_to_the_broker_is_not_called_trading(display: Display) -> None:
    start(display)
    display.on_condition(values.condition())
    assert run_state(display) is RunState.RUNNING
    display.on_link(LinkStatus(link="trade", state=LinkState.DOWN))
    assert run_state(display) is RunState.IMPAIRED
    assert "no link to the broker" in display.bar.state_label.text()
    display.on_link(LinkStatus(link="trade", state=LinkState.UP))
    assert run_state(display) is RunState.RUNNING


def test_a_process_that_falls_silent_guards_nothing_before_anybody_says_so(display: Display) -> None:
    start(display)
    limit_s = Settings().supervision.heartbeat_limit_s / 2
    for _ in range(2):
        display.lamps.touch("strategy-1", time.time_ns() - round((limit_s + 0.1) * NS_PER_S))
        display.lamps.refresh()
        assert display.lamps.state("strategy-1") is LinkState.STALE
        assert run_state(display) is RunState.IMPAIRED
        assert "the strategy process does not run" in display.bar.state_label.text()
        display.lamps.touch("strategy-1", time.time_ns())
        display.lamps.refresh()
        assert run_state(display) is RunState.RUNNING


def test_a_halt_of_before_the_login_is_told_with_its_reason(display: Display) -> None:
    halted = HaltChanged(depth=HaltDepth.NO_ENTRIES, by="rule", text="Lost 60,000 of 50,000 TWD.")
    told = Snapshot(environment=Environment.LIVE, now_ns=values.T0, halt=halted.depth, halted=halted)
    display.on_snapshot(told)
    assert display.bar.why_label.text() == halted.text


def test_what_died_too_often_waits_for_a_person(display: Display) -> None:
    start(display)
    tell(display, "executor", ProcessState.GAVE_UP)
    assert display.running.given_up == {"executor"}
    assert not display.bar.again_button.isHidden()
    assert run_state(display) is RunState.IMPAIRED
    tell(display, "executor", ProcessState.STARTING)
    assert display.running.given_up == frozenset()
    assert display.bar.again_button.isHidden()
    assert run_state(display) is RunState.IMPAIRED
    tell(display, "executor", ProcessState.READY)
    assert run_state(display) is RunState.RUNNING


def test_a_recorder_that_died_too_often_can_be_started_again_while_trading_runs(display: Display) -> None:
    start(display)
    tell(display, "recorder", ProcessState.GAVE_UP)
    assert run_state(display) is RunState.RUNNING
    assert not display.bar.again_button.isHidden()
    display.running.expect_stop()
    assert display.running.given_up == {"recorder"}


def test_from_the_moment_of_stopping_nothing_is_guarded(display: Display) -> None:
    start(display)
    display.on_condition(values.condition())
    display.running.expect_stop()
    assert run_state(display) is RunState.STOPPING
    assert "trading is stopped" in display.conditions_dock.notice.text()
    tell(display, "executor", ProcessState.STOPPED)
    assert run_state(display) is RunState.STOPPING
    display.running.show_stopped()
    assert run_state(display) is RunState.STOPPED


def test_a_process_that_does_not_end_is_said_and_keeps_its_lamp(display: Display) -> None:
    start(display)
    display.running.expect_stop()
    text = "a person pressed Stop; process 17 does not end even when killed: end it by hand"
    left = ProcessStatus(node="executor", state=ProcessState.HUNG, text=text, ts_event=time.time_ns())
    display.running.on_process(left)
    display.running.show_stopped()
    assert message(display) == f"Executor: {text}"
    assert display.lamps.state("executor") is LinkState.DOWN
    assert run_state(display) is RunState.STOPPED


def test_the_scanners_findings_age_by_the_markets_clock_and_end_with_it(display: Display) -> None:
    tell(display, "scanner", ProcessState.READY)
    hit = ScanHit(symbol="TXFK4", kind=ScanKind.SESSION_HIGH, price=23_000, level=23_001, ts_event=values.T0)
    display.scanner.on_hits(ScanHits(hits=(hit,)))
    display.on_pulse(Pulse(now_ns=values.T0 + 30 * NS_PER_S, position=1))
    assert texts(display.scanner.table, "age") == ["30 s"]
    assert display.scanner in display.window.docks
    display.clear()
    assert display.scanner.model.rows() == ()


def test_an_armed_condition_says_that_nobody_watches_until_trading_runs(display: Display) -> None:
    display.guarding.on_pulse()
    display.on_condition(values.condition())
    tell(display, "recorder", ProcessState.READY)
    assert "not watched: trading is stopped" in display.conditions_dock.notice.text()
    assert display.chart.view.marks.faulty == {"C1"}
    display.running.expect(CHILDREN)
    for name in CHILDREN:
        tell(display, name, ProcessState.READY)
    assert display.conditions_dock.notice.text() == ""
    assert display.chart.view.marks.faulty == frozenset()


def test_on_a_small_screen_no_sentence_and_no_row_is_cut(display: Display, qtbot: QtBot) -> None:
    window, table = display.window, display.orders.table
    display.chart.past_label.tell(PastState.EMPTY)
    window.resize(1280, 720)
    window.show()
    qtbot.waitUntil(lambda: window.size() == QtCore.QSize(1280, 720))
    qtbot.waitUntil(lambda: table.viewport().height() >= table.fontMetrics().height())
    label = display.chart.past_label
    qtbot.waitUntil(lambda: label.width() >= label.sizeHint().width() - 2)
    columns = [column.key for column in display.positions.model.columns]
    assert columns[2:5] == ["unrealised", "guard", "flatten"]  # never beyond the right edge


def test_an_alarm_stands_in_the_title_and_in_the_status_bar(display: Display) -> None:
    naked = Coverage(account=values.ACCOUNT, symbol="TXFK4", net=2, naked=2, naked_since=values.T0, is_alarm=True)
    display.guarding.on_coverage(naked)
    assert display.window.windowTitle().startswith("⚠ NOT GUARDED: TXFK4 × 2 — SIMULATED")
    assert message(display) == "NOT GUARDED: TXFK4 × 2"
    display.guarding.on_coverage(Coverage(account=values.ACCOUNT, symbol="TXFK4", net=0))
    assert message(display) == "The alarm is over."
    assert "NOT GUARDED" not in display.window.windowTitle()


def test_the_positions_offer_a_guard_for_what_no_condition_holds(display: Display) -> None:
    display.on_position(values.position(2))
    (held,) = display.positions.model.rows()
    assert held.unheld == 2
    display.on_condition(values.condition("C1", ConditionState.OPEN, entered=2, entry_value=45878))
    (held,) = display.positions.model.rows()
    assert held.unheld == 0


def test_a_difference_is_said_at_once_and_when_it_is_over(display: Display) -> None:
    found = Difference(kind=DifferenceKind.POSITION, account=values.ACCOUNT, symbol="TXFK4", ours="3", theirs="2")
    display.on_difference(found)
    assert message(display) == "TXFK4: Position differs: ours 3, the broker's 2"
    assert display.differences.windowTitle().endswith("(1)")
    over = Difference(kind=DifferenceKind.POSITION, account=values.ACCOUNT, symbol="TXFK4", is_settled=True)
    display.on_difference(over)
    assert message(display) == "TXFK4: our books and the broker's agree again."
    assert display.differences.windowTitle() == "Broker check"


def test_the_last_comparison_is_that_of_the_link_of_the_books(display: Display) -> None:
    display.on_link(LinkStatus(link="books", state=LinkState.UP, ts_last=values.T0))
    assert display.differences.state.text().startswith("Last compared")


def test_what_a_flattening_left_is_said(display: Display) -> None:
    display.on_link(LinkStatus(link="flatten", state=LinkState.DOWN, text="the broker still holds +1 TXFK4"))
    assert message(display) == "the broker still holds +1 TXFK4"


def test_a_logout_leaves_nothing_of_the_login(display: Display) -> None:
    display.on_position(values.position(2))
    display.on_condition(values.condition())
    display.clear()
    assert display.strip.rows == {}
    assert display.strip.quiet.text() == "No position: not logged in."
    assert display.conditions_dock.notice.text() == ""
    assert display.positions.model.rows() == ()
