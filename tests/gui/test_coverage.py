from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from PySide6 import QtWidgets
from pytestqt.qtbot import QtBot

from engine.model.condition import Condition, ConditionAction, ConditionState, SessionEnd
from engine.model.guard import Coverage, Guard, GuardFault
from engine.model.market import LinkState, LinkStatus
from engine.model.signal import Leg
from engine.strategies.runner import share_of
from engine.timing import NS_PER_S
from engine.wire.messages import ProcessState
from terminal import i18n
from terminal.docks.coverage import CoverageStrip
from terminal.guarding import Guarding
from terminal.models.coverage import DOUBT_S, SILENCE_S, stop_leg
from terminal.widgets.alarm import Alarm
from terminal.widgets.coverage_row import CoverageRow
from tests.gui import asking, values

KEY = (values.ACCOUNT, "TXFK4")
RUNNING = {"executor": ProcessState.READY, "strategy-1": ProcessState.READY}


def guard(condition_id: str = "C1", lots: int = 2, fault: GuardFault = GuardFault.NONE, **rest: Any) -> Guard:
    given: dict[str, Any] = {"state": ConditionState.OPEN, "take_profit": 23035, "stop_loss": 22915}
    end = SessionEnd.REARM
    return Guard(condition_id=condition_id, lots=lots, session_end=end, fault=fault, **(given | rest))


def covered(net: int = 2, **rest: Any) -> Coverage:
    given: dict[str, Any] = {"guarded": abs(net), "guards": (guard(lots=abs(net)),)} if net else {}
    return Coverage(account=values.ACCOUNT, symbol="TXFK4", net=net, **(given | rest))


def naked(net: int = 2, **rest: Any) -> Coverage:
    return covered(net, guarded=0, naked=abs(net), naked_since=values.T0, **({"guards": ()} | rest))


class Watch:
    """The strip with a clock in the hand and ears for the alarm."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.conditions: dict[str, Condition] = {}
        self.beeps = 0
        self.strip = CoverageStrip()
        self.guarding = Guarding(self.strip, self.conditions, lambda: self.now_s, self._now_ns)
        self.guarding.alarm._timer.timeout.disconnect()
        self.guarding.alarm._beep = self._count
        self.titles: list[str] = []
        self.faults: list[dict[str, GuardFault | None]] = []
        self.guarding.alarm_changed.connect(self.titles.append)
        self.guarding.faults_changed.connect(self.faults.append)
        self.guarding.set_logged_in(True)
        self.guarding.set_processes(RUNNING)
        self.guarding.on_pulse()

    def _now_ns(self) -> int:
        return values.T0 + round((self.now_s - 100) * NS_PER_S)

    def _count(self) -> None:
        self.beeps += 1

    def wait(self, seconds: float, *, pulse: bool = False) -> None:
        """Time goes by."""
        self.now_s += seconds
        if pulse:
            self.guarding.on_pulse()
        self.guarding.refresh()

    def tell(self, coverage: Coverage) -> CoverageRow:
        self.guarding.on_coverage(coverage)
        return self.strip.rows[KEY]

    @property
    def row(self) -> CoverageRow:
        return self.strip.rows[KEY]

    @property
    def quiet(self) -> str:
        return self.strip.quiet.text() if self.strip.quiet.isVisibleTo(self.strip) else ""


@pytest.fixture
def watch(qtbot: QtBot) -> Iterator[Watch]:
    i18n.install("en")
    made = Watch()
    qtbot.addWidget(made.strip)
    made.strip.show()
    yield made
    made.guarding.set_logged_in(False)


# --------------------------------------------------------------------------------------------------- the strip


def test_flat_is_one_quiet_line(watch: Watch) -> None:
    watch.guarding.refresh()
    assert watch.quiet == "No position."
    watch.guarding.on_coverage(covered(0))
    assert (watch.quiet, watch.strip.rows) == ("No position.", {})


def test_without_login_it_says_so(watch: Watch) -> None:
    watch.tell(covered())
    watch.guarding.set_logged_in(False)
    assert watch.strip.rows == {}
    assert watch.quiet == "No position: not logged in."


def test_a_guarded_position_tells_by_what(watch: Watch) -> None:
    row = watch.tell(covered(2))
    assert (row.symbol.text(), row.side.text()) == ("TXFK4", "▲ Long 2")
    assert row.figures.text() == "2 guarded"
    assert row.guards.text() == "C1: Stop loss 22,915, Take profit 23,035"
    assert row.why.text() == ""
    assert row.bar.segments() == [("guarded", 1.0)]
    buttons = row.findChildren(QtWidgets.QPushButton)
    assert not any(button.isVisibleTo(row) for button in buttons)
    assert watch.quiet == ""


def test_direction_is_a_sign_and_a_word(watch: Watch) -> None:
    assert watch.tell(covered(-3)).side.text() == "▼ Short 3"


def test_lots_are_shared_out_in_the_bar_and_in_figures(watch: Watch) -> None:
    row = watch.tell(covered(4, guarded=3, closing=1, naked=1, guards=(guard(lots=3),), naked_since=values.T0))
    assert row.figures.text() == "3 guarded, 1 of them closing · 1 NOT guarded"
    assert row.bar.segments() == [("guarded", 0.5), ("closing", 0.25), ("naked", 0.25)]


@pytest.mark.parametrize("fault", [fault for fault in GuardFault if fault])
def test_why_not_is_said_in_words(watch: Watch, fault: GuardFault) -> None:
    watch.wait(5)
    row = watch.tell(naked(guards=(guard(fault=fault),)))
    assert row.why.text() == f"{i18n.text(fault)}, for 5.0 s"
    assert row.guards.text() == ""


def test_lots_that_no_condition_holds_are_told_and_can_be_guarded(watch: Watch, qtbot: QtBot) -> None:
    row = watch.tell(covered(3, guarded=2, naked=1, guards=(guard(lots=2),), naked_since=values.T0))
    assert row.why.text().startswith("1 held by no condition")
    with qtbot.waitSignal(watch.strip.guard_requested) as told:
        row.guard_button.click()
    assert told.args == list(KEY)
    watch.tell(naked(guards=(guard(fault=GuardFault.STRATEGY_DOWN),)))
    assert not row.guard_button.isVisibleTo(row)


def test_trading_that_was_not_started_can_be_started_from_here(watch: Watch, qtbot: QtBot) -> None:
    watch.guarding.set_processes({})
    row = watch.tell(naked(guards=(guard(fault=GuardFault.NOT_STARTED),)))
    with qtbot.waitSignal(watch.strip.start_requested):
        row.start_button.click()
    watch.guarding.set_may_start(False)
    assert not row.start_button.isVisibleTo(row)


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ("executor", "the executor process does not run"),
        ("strategy-1", "the strategy process does not run"),
    ],
)
def test_a_process_that_is_gone_takes_the_green_at_once_before_the_gateway_says_so(
    watch: Watch, node: str, words: str
) -> None:
    row = watch.tell(covered(2))
    watch.guarding.set_processes(RUNNING | {node: ProcessState.DEAD})
    assert row.figures.text() == "2 NOT guarded"
    assert row.why.text() == words
    assert row.bar.segments() == [("naked", 1.0)]
    assert watch.guarding.trouble == words
    watch.guarding.set_processes(RUNNING)
    assert row.figures.text() == "2 guarded"
    assert watch.guarding.trouble == ""


def test_lots_that_exit_orders_are_closing_stay_guarded_without_the_process(watch: Watch) -> None:
    row = watch.tell(covered(3, closing=1))
    watch.guarding.set_processes(RUNNING | {"executor": ProcessState.DEAD})
    assert row.figures.text() == "1 guarded, 1 of them closing · 2 NOT guarded"


def test_only_the_process_that_owns_a_condition_counts(watch: Watch) -> None:
    shares = {f"strategy-{number}": ProcessState.READY for number in (1, 2)}
    running = {"executor": ProcessState.READY} | shares
    row = watch.tell(covered(2))
    owner = f"strategy-{share_of('C1', 2) + 1}"
    (other,) = shares.keys() - {owner}
    watch.guarding.set_processes(running | {other: ProcessState.DEAD})
    assert row.figures.text() == "2 guarded"
    watch.guarding.set_processes(running | {owner: ProcessState.DEAD})
    assert row.figures.text() == "2 NOT guarded"


def test_what_died_too_often_can_be_started_again_from_here(watch: Watch, qtbot: QtBot) -> None:
    row = watch.tell(naked(guards=(guard(fault=GuardFault.EXECUTOR_DOWN),)))
    assert not row.again_button.isVisibleTo(row)
    watch.guarding.set_given_up(True)
    with qtbot.waitSignal(watch.strip.start_again_requested):
        row.again_button.click()


def test_what_is_held_by_choice_is_amber_without_sound_and_can_be_guarded_again(
    watch: Watch, qtbot: QtBot
) -> None:
    held = guard("C7", fault=GuardFault.HELD, state=ConditionState.HELD)
    row = watch.tell(naked(guards=(held,), is_by_choice=True))
    assert row.figures.property("tone") == "warning"
    assert (watch.beeps, watch.titles) == (0, [])
    with qtbot.waitSignal(watch.strip.command_requested) as told:
        row.rearm_button.click()
    assert (told.args[0].action, told.args[0].condition_id) == (ConditionAction.ARM, "C7")


def test_flattening_is_asked_about(watch: Watch, qtbot: QtBot) -> None:
    row = watch.tell(naked())
    with qtbot.assertNotEmitted(watch.strip.flatten_requested):
        row.flatten_button.click()
        asking.refuse(qtbot)
    with qtbot.waitSignal(watch.strip.flatten_requested) as told:
        row.flatten_button.click()
        assert "2 lots" in asking.agree(qtbot)
    assert told.args == ["TXFK4"]


# ------------------------------------------------------------------------------------------------- old words


def test_green_is_not_kept_when_nobody_repeats_it(watch: Watch) -> None:
    row = watch.tell(covered())
    watch.wait(SILENCE_S, pulse=True)
    assert row.figures.text() == "2 guarded"
    watch.wait(2, pulse=True)
    assert row.figures.text() == "Protection unknown"
    assert row.why.text() == "last heard 5.0 s ago"
    assert row.guards.text() == ""
    assert row.bar.segments() == []
    watch.tell(covered())
    assert row.figures.text() == "2 guarded"


def test_flat_is_not_kept_either(watch: Watch) -> None:
    watch.wait(5)
    assert watch.quiet == "Positions unknown: the gateway was last heard 5.0 s ago."


def test_a_position_that_nobody_spoke_of_is_unknown(watch: Watch) -> None:
    watch.guarding.on_position(values.position(-2))
    assert watch.row.side.text() == "▼ Short 2"
    assert watch.row.why.text() == "nothing heard yet"
    watch.guarding.on_position(values.position(0))
    assert watch.quiet == "No position."


def test_unknown_for_long_is_an_alarm(watch: Watch) -> None:
    watch.guarding.on_position(values.position(2))
    watch.wait(DOUBT_S, pulse=True)
    assert watch.beeps == 0
    watch.wait(1, pulse=True)
    assert watch.beeps == 1
    assert watch.titles == ["NOT GUARDED: TXFK4 × 2"]


# -------------------------------------------------------------------------------------------------- the alarm


def test_an_alarm_sounds_reddens_and_stands_in_the_title_until_it_is_over(watch: Watch) -> None:
    row = watch.tell(naked(is_alarm=True))
    assert row.acknowledge_button.isVisibleTo(row)
    assert row.flatten_button.isVisibleTo(row)
    assert watch.guarding.alarm.loud == {KEY}
    assert watch.strip._glow.isActive()
    assert watch.titles == ["NOT GUARDED: TXFK4 × 2"]
    watch.tell(covered())
    assert watch.titles[1:] == [""]
    assert watch.guarding.alarm.loud == frozenset()
    assert not watch.strip._glow.isActive()


def test_acknowledging_silences_this_alarm_and_leaves_it_to_be_seen(watch: Watch) -> None:
    row = watch.tell(naked(is_alarm=True))
    row.acknowledge_button.click()
    assert not watch.guarding.alarm.is_sounding
    assert not row.acknowledge_button.isVisibleTo(row)
    assert row.why.text()
    assert watch.titles == ["NOT GUARDED: TXFK4 × 2"]
    watch.tell(naked(is_alarm=True))
    assert watch.beeps == 1
    watch.tell(covered())
    watch.tell(naked(is_alarm=True))
    assert watch.beeps == 2


def test_an_acknowledged_alarm_about_more_lots_sounds_again(qtbot: QtBot) -> None:
    parent, beeps = QtWidgets.QWidget(), []
    qtbot.addWidget(parent)
    alarm = Alarm(parent, lambda: beeps.append(1), repeat_ms=10)
    alarm.set_alarms({KEY: 2})
    alarm.acknowledge()
    alarm.set_alarms({KEY: 1})
    assert not alarm.is_sounding
    alarm.set_alarms({KEY: 3})
    assert alarm.loud == {KEY}
    qtbot.waitUntil(lambda: len(beeps) >= 4)
    alarm.set_alarms({})
    assert alarm.loud == frozenset()


# ------------------------------------------------------------------------------------------ faults of conditions


def test_a_waiting_condition_is_not_watched_while_trading_is_stopped(watch: Watch) -> None:
    watch.conditions["C1"] = values.condition()
    watch.guarding.set_processes({})
    assert watch.faults[-1] == {"C1": GuardFault.NOT_STARTED}
    watch.guarding.set_processes(RUNNING)
    assert watch.faults[-1] == {}


@pytest.mark.parametrize(
    ("node", "fault"),
    [("executor", GuardFault.EXECUTOR_DOWN), ("strategy-1", GuardFault.STRATEGY_DOWN)],
)
def test_a_process_that_is_down_is_named(watch: Watch, node: str, fault: GuardFault) -> None:
    watch.conditions["C1"] = values.condition()
    watch.guarding.set_processes(RUNNING | {node: ProcessState.DEAD})
    assert watch.faults[-1] == {"C1": fault}


def test_links_and_feeds_count(watch: Watch) -> None:
    watch.conditions["C1"] = values.condition()
    watch.guarding.set_processes(RUNNING)
    watch.guarding.on_link(LinkStatus(link="feed.TXFK4", state=LinkState.STALE))
    assert watch.faults[-1] == {"C1": GuardFault.FEED_STALE}
    watch.guarding.on_link(LinkStatus(link="trade", state=LinkState.DOWN))
    assert watch.faults[-1] == {"C1": GuardFault.LINK_DOWN}


def test_of_what_holds_lots_the_gateways_word_counts_and_grows_old(watch: Watch) -> None:
    watch.conditions["C1"] = values.condition(state=ConditionState.OPEN, entered=2, entry_value=45890)
    watch.guarding.set_processes(RUNNING)
    watch.tell(naked(guards=(guard(fault=GuardFault.FEED_STALE),)))
    assert watch.faults[-1] == {"C1": GuardFault.FEED_STALE}
    watch.tell(covered())
    assert watch.faults[-1] == {}
    watch.wait(SILENCE_S + 1, pulse=True)
    assert watch.faults[-1] == {"C1": None}


def test_lots_that_conditions_hold_need_no_other_guard(watch: Watch) -> None:
    watch.conditions["C1"] = values.condition(state=ConditionState.OPEN, entered=2, entry_value=45890)
    assert watch.guarding.unheld(values.ACCOUNT, "TXFK4", 3) == 1
    assert watch.guarding.unheld(values.ACCOUNT, "TXFK4", -3) == 3
    assert watch.guarding.unheld(values.ACCOUNT, "MXFK4", 3) == 3


# ----------------------------------------------------------------------------------------------- which stop


def test_the_stop_is_named_as_it_is_now() -> None:
    made = values.condition(state=ConditionState.OPEN, entered=1, entry_value=22945, best_price=22990)
    assert stop_leg(made) is Leg.STOP_LOSS
    assert stop_leg(None) is Leg.STOP_LOSS
    trailing = replace(made, spec=replace(made.spec, trailing_points=20))
    assert stop_leg(trailing) is Leg.TRAILING_STOP
