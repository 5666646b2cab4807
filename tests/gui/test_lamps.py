import pytest
from PySide6 import QtWidgets
from pytestqt.qtbot import QtBot

from engine.model.market import LinkState, LinkStatus
from engine.timing import NS_PER_S, ManualClock
from terminal import i18n
from terminal.theme import LIGHT
from terminal.widgets.lamps import Lamp, LampBar, Reading, judged
from tests.gui import values

UP = LinkState.UP


@pytest.fixture
def clock(qapp: QtWidgets.QApplication) -> ManualClock:
    i18n.install("en")
    return ManualClock(values.T0)


@pytest.fixture
def bar(clock: ManualClock, qtbot: QtBot) -> LampBar:
    bar = LampBar(clock.now_ns)
    qtbot.addWidget(bar)
    return bar


def test_a_lamp_ages_and_is_never_green_beyond_its_limit(bar: LampBar, clock: ManualClock) -> None:
    bar.set_reading("gateway", Reading(state=UP, ts_last=values.T0, limit_s=3))
    seen = []
    for seconds in (0.3, 2.9, 3.1, 12, 300, 7200):
        clock.move_to(values.T0 + round(seconds * NS_PER_S))
        bar.refresh()
        seen.append((bar.age("gateway"), bar.state("gateway")))
    stale = LinkState.STALE
    assert seen == [
        ("0.3 s", UP),
        ("2.9 s", UP),
        ("3.1 s", stale),
        ("12 s", stale),
        ("5 min", stale),
        ("2 h", stale),
    ]


def test_a_new_message_makes_it_green_again(bar: LampBar, clock: ManualClock) -> None:
    bar.set_reading("gateway", Reading(state=UP, ts_last=values.T0, limit_s=3))
    clock.move_to(values.T0 + 5 * NS_PER_S)
    bar.refresh()
    bar.touch("gateway", clock.now_ns())
    bar.refresh()
    assert (bar.age("gateway"), bar.state("gateway")) == ("0.0 s", UP)


def test_what_was_never_heard_is_not_green(clock: ManualClock) -> None:
    assert judged(Reading(state=UP), clock.now_ns()) is LinkState.CONNECTING


def test_without_limit_silence_is_fine(clock: ManualClock) -> None:
    reading = Reading(state=UP, ts_last=values.T0 - 10**15)
    assert judged(reading, clock.now_ns()) is UP


@pytest.mark.parametrize("state", [LinkState.DOWN, LinkState.CONNECTING, LinkState.STALE])
def test_a_bad_word_holds_however_fresh(clock: ManualClock, state: LinkState) -> None:
    assert judged(Reading(state=state, ts_last=clock.now_ns(), limit_s=3), clock.now_ns()) is state


def test_a_link_has_its_text_in_the_tool_tip(bar: LampBar) -> None:
    status = LinkStatus(link="feed.TXFK4", state=LinkState.DOWN, ts_last=values.T0, text="no route")
    bar.update_link(status, limit_s=5)
    (lamp,) = bar.findChildren(Lamp)
    assert lamp.toolTip() == "Feed TXFK4: Down\nno route"


def test_a_link_heard_again_keeps_one_lamp_and_a_removed_one_none(bar: LampBar, qtbot: QtBot) -> None:
    for state in (LinkState.CONNECTING, UP):
        bar.update_link(LinkStatus(link="trade", state=state, ts_last=values.T0))
    assert len(bar.findChildren(Lamp)) == 1
    bar.remove("trade")
    qtbot.waitUntil(lambda: not bar.findChildren(Lamp))
    bar.touch("trade", values.T0)
    bar.refresh()


def shown(bar: LampBar) -> list[str]:
    """Names of the lamps from left to right."""
    bar.resize(bar.sizeHint())
    return [lamp.name for lamp in sorted(bar.findChildren(Lamp), key=lambda lamp: lamp.x())]


def test_lamps_keep_their_order_whoever_is_heard_first(bar: LampBar, qtbot: QtBot) -> None:
    ordered = ["gateway", "quote", "trade", "executor", "strategy-1", "strategy-2", "recorder", "scanner", "web"]
    for name in (
        "scanner",
        "web",
        "strategy-2",
        "quote",
        "executor",
        "recorder",
        "trade",
        "strategy-1",
        "gateway",
    ):
        bar.set_reading(name, Reading(state=UP, ts_last=values.T0))
    bar.show()
    qtbot.waitUntil(lambda: shown(bar) == ordered)
    bar.remove("executor")
    qtbot.waitUntil(lambda: len(bar.findChildren(Lamp)) == len(ordered) - 1)
    bar.set_reading("executor", Reading(state=UP, ts_last=values.T0))
    qtbot.waitUntil(lambda: shown(bar) == ordered)


def test_it_beats_only_while_it_is_shown(bar: LampBar, qtbot: QtBot) -> None:
    with qtbot.waitSignal(bar.beat, timeout=5000):
        bar.show()
    bar.hide()
    assert not bar._timer.isActive()


def test_green_is_painted_only_for_up(bar: LampBar, clock: ManualClock) -> None:
    bar.set_theme(LIGHT)
    bar.set_reading("gateway", Reading(state=UP, ts_last=values.T0, limit_s=3))
    bar.resize(200, 24)
    (lamp,) = bar.findChildren(Lamp)

    def dot() -> str:
        return lamp.grab().toImage().pixelColor(8, lamp.height() // 2).name()

    assert dot() == LIGHT.ok
    clock.move_to(values.T0 + 5 * NS_PER_S)
    bar.refresh()
    assert dot() == LIGHT.warning
    bar.set_reading("gateway", Reading(state=LinkState.DOWN, ts_last=values.T0))
    assert dot() == LIGHT.error
