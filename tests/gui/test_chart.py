"""The chart widget: what it shows, what the mouse does to it and what it asks for."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from PySide6 import QtCore, QtGui, QtWidgets

from engine.model.condition import Condition, ConditionSpec, ConditionState
from engine.model.instrument import instrument
from engine.model.order import Fill, Order, OrderStatus, OrderType, Side, TimeInForce
from engine.model.position import Position
from engine.model.session import TAIPEI, TradingCalendar
from engine.model.tick import Tick
from engine.timing import NS_PER_S
from terminal import i18n
from terminal.chart import ChartWidget
from terminal.chart.lines import LineKind
from terminal.chart.tags import PlacedTag
from terminal.theme import DARK, LIGHT

CALENDAR = TradingCalendar()
TXF = instrument("TXFK4", near=date(2024, 11, 5), calendar=CALENDAR)
OPEN = int(datetime(2024, 11, 5, 8, 45, tzinfo=TAIPEI).timestamp()) * NS_PER_S
LEFT = QtCore.Qt.MouseButton.LeftButton


def ticks(first: int, end: int, symbol: str = "TXFK4", step_s: int = 10) -> list[Tick]:
    """One tick every ``step_s`` seconds, numbers ``first`` to before ``end``, prices around 23,000."""
    return [
        Tick(
            symbol=symbol,
            seq=seq,
            ts_event=OPEN + seq * step_s * NS_PER_S,
            ts_recv=0,
            price=23_000 + (seq * 7) % 40,
            quantity=1 + seq % 3,
        )
        for seq in range(first, end)
    ]


def condition(state: ConditionState = ConditionState.ARMED, **changes: Any) -> Condition:
    spec = ConditionSpec(condition_id="c1", account="A", symbol="TXFK4", action=Side.BUY, trigger_price=22_990)
    return Condition(spec=replace(spec, **changes), state=state, trigger=22_990)


@pytest.fixture
def chart(qtbot: Any) -> Iterator[ChartWidget]:
    widget = ChartWidget()
    qtbot.addWidget(widget)
    widget.resize(900, 600)
    widget.set_calendar(CALENDAR)
    widget.set_instrument(TXF)
    widget.show()
    qtbot.waitExposed(widget)
    yield widget
    for menu in widget.findChildren(QtWidgets.QMenu):
        menu.close()


@pytest.fixture
def moves(chart: ChartWidget) -> list[tuple[str, str, int]]:
    """What level_moved said."""
    found: list[tuple[str, str, int]] = []
    chart.level_moved.connect(lambda *args: found.append(args))
    return found


def placed(chart: ChartWidget, kind: LineKind) -> PlacedTag:
    return next(tag for tag in chart.view.placed_tags() if tag.line.kind is kind)


def shown(chart: ChartWidget) -> set[LineKind]:
    return {line.kind for line in chart.view.lines()} - {LineKind.LAST}


def mouse(chart: ChartWidget, kind: QtCore.QEvent.Type, x: float, y: float) -> None:
    """A mouse event with the left button at a pixel of the drawing surface."""
    port = chart.view.viewport()
    is_move = kind is QtCore.QEvent.Type.MouseMove
    is_up = kind is QtCore.QEvent.Type.MouseButtonRelease
    event = QtGui.QMouseEvent(
        kind,
        QtCore.QPointF(x, y),
        port.mapToGlobal(QtCore.QPointF(x, y)),
        QtCore.Qt.MouseButton.NoButton if is_move else LEFT,
        QtCore.Qt.MouseButton.NoButton if is_up else LEFT,
        QtCore.Qt.KeyboardModifier.NoModifier,
    )
    QtWidgets.QApplication.sendEvent(port, event)


def press(chart: ChartWidget, x: float, y: float) -> None:
    mouse(chart, QtCore.QEvent.Type.MouseButtonPress, x, y)


def move(chart: ChartWidget, x: float, y: float) -> None:
    mouse(chart, QtCore.QEvent.Type.MouseMove, x, y)


def release(chart: ChartWidget, x: float, y: float) -> None:
    mouse(chart, QtCore.QEvent.Type.MouseButtonRelease, x, y)


def is_following(chart: ChartWidget) -> bool:
    """Asked anew each time."""
    return chart.is_following


def key(chart: ChartWidget, code: QtCore.Qt.Key) -> None:
    event = QtGui.QKeyEvent(QtCore.QEvent.Type.KeyPress, code, QtCore.Qt.KeyboardModifier.NoModifier)
    QtWidgets.QApplication.sendEvent(chart.view, event)


def pixels(chart: ChartWidget, colour: str) -> int:
    """How many pixels of the drawing surface have exactly this colour."""
    image = chart.view.grab().toImage().convertToFormat(QtGui.QImage.Format.Format_RGB32)
    wanted = QtGui.QColor(colour).rgb().to_bytes(4, "little")
    raw = bytes(image.constBits())
    return sum(raw[at : at + 4] == wanted for at in range(0, len(raw), 4))


# ------------------------------------------------------------------------------------------------ contents


def test_ticks_become_bars_that_are_seen(chart: ChartWidget) -> None:
    assert pixels(chart, DARK.volume_up) == 0
    chart.add_ticks(ticks(1, 120))
    assert chart.bar_count == 20
    assert chart.last_seq == 119
    assert pixels(chart, DARK.volume_up) > 100
    assert pixels(chart, DARK.volume_down) > 100


def test_empty_chart_says_why(chart: ChartWidget) -> None:
    assert "TXFK4" in chart.view.empty_text[0]
    assert pixels(chart, DARK.text) > 50
    chart.set_instrument(None)
    assert "No contract" in chart.view.empty_text[0]


def test_ticks_of_other_contracts_are_left_out(chart: ChartWidget) -> None:
    chart.add_ticks(ticks(1, 50, symbol="MXFK4"))
    assert chart.bar_count == 0


def test_history_that_comes_late_keeps_the_live_ticks(chart: ChartWidget) -> None:
    chart.add_ticks(ticks(90, 121))
    chart.set_ticks(ticks(1, 100))
    assert chart.last_seq == 120
    assert chart.bar_count == 21
    volume = int(chart.view.series.bars.volume.sum())
    assert volume == sum(tick.quantity for tick in ticks(1, 121))


def test_repaired_gap_changes_bars_already_drawn(chart: ChartWidget) -> None:
    chart.add_ticks(ticks(1, 30) + ticks(60, 120))
    before = pixels(chart, DARK.volume_down)
    chart.add_ticks(ticks(30, 60))
    assert chart.bar_count == 20
    assert pixels(chart, DARK.volume_down) > before


def test_same_contract_again_begins_anew(chart: ChartWidget) -> None:
    chart.add_ticks(ticks(1, 120))
    chart.set_instrument(TXF)
    assert chart.bar_count == 0
    chart.add_ticks(ticks(1, 13))
    assert chart.bar_count == 3


def test_clear_forgets_bars_and_marks(chart: ChartWidget) -> None:
    chart.add_ticks(ticks(1, 120))
    chart.update_condition(condition())
    chart.clear()
    assert (chart.bar_count, shown(chart)) == (0, set())


# --------------------------------------------------------------------------------------------- time frames


@pytest.mark.parametrize(("span_s", "count"), [(1, 119), (5, 119), (60, 20), (300, 4), (900, 2), (3600, 1)])
def test_time_frames(chart: ChartWidget, qtbot: Any, span_s: int, count: int) -> None:
    chart.add_ticks(ticks(1, 120))
    button = chart.findChild(QtWidgets.QToolButton, f"time_frame_{span_s}")
    assert isinstance(button, QtWidgets.QToolButton)
    qtbot.mouseClick(button, LEFT)
    assert chart.span_s == span_s
    assert button.isChecked()
    assert chart.bar_count == count
    assert pixels(chart, DARK.volume_up) + pixels(chart, DARK.volume_down) > 0


def test_time_frame_keeps_the_time_in_the_middle(chart: ChartWidget) -> None:
    chart.set_ticks(ticks(1, 1_500))
    chart.follow_last_bar(False)
    chart.view.timeline.centre(100)
    wanted = int(chart.view.series.bars.start_ns[100])
    chart.set_time_frame(300)
    line = chart.view.timeline
    middle = int(chart.view.series.bars.start_ns[round((line.x0 + line.x1) / 2)])
    assert abs(middle - wanted) <= 300 * NS_PER_S
    assert not is_following(chart)


def test_unknown_time_frame_is_refused(chart: ChartWidget) -> None:
    with pytest.raises(ValueError, match="no time frame"):
        chart.set_time_frame(7)


# -------------------------------------------------------------------------------------------- what is in view


def test_follows_until_panned_into_the_past_and_again_by_the_end_key(chart: ChartWidget, qtbot: Any) -> None:
    chart.set_ticks(ticks(1, 1_200))
    button = chart.findChild(QtWidgets.QToolButton, "chart_follow")
    assert isinstance(button, QtWidgets.QToolButton)
    assert button.isChecked()
    right = chart.view.timeline.x1
    chart.add_ticks(ticks(1_200, 1_230))
    assert chart.view.timeline.x1 == pytest.approx(right + 5)
    press(chart, 300, 250)
    move(chart, 420, 250)
    release(chart, 420, 250)
    assert not is_following(chart)
    assert not button.isChecked()
    stays = chart.view.timeline.x1
    chart.add_ticks(ticks(1_230, 1_300))
    assert chart.view.timeline.x1 == stays
    key(chart, QtCore.Qt.Key.Key_End)
    assert is_following(chart)
    assert chart.view.timeline.x1 > chart.bar_count
    qtbot.mouseClick(button, LEFT)
    assert not is_following(chart)


def wheel(chart: ChartWidget, x: float, steps: int) -> None:
    port = chart.view.viewport()
    event = QtGui.QWheelEvent(
        QtCore.QPointF(x, 200),
        port.mapToGlobal(QtCore.QPointF(x, 200)),
        QtCore.QPoint(),
        QtCore.QPoint(0, 120 * steps),
        QtCore.Qt.MouseButton.NoButton,
        QtCore.Qt.KeyboardModifier.NoModifier,
        QtCore.Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QtWidgets.QApplication.sendEvent(port, event)


def test_wheel_zooms_about_the_bar_under_the_mouse(chart: ChartWidget) -> None:
    chart.set_ticks(ticks(1, 6_000, step_s=3))
    for steps in (2, -3, -2):
        before, width = chart.view.frame.price.index(400.0), chart.view.timeline.width
        wheel(chart, 400.0, steps)
        assert chart.view.frame.price.index(400.0) == pytest.approx(before)
        assert (chart.view.timeline.width < width) is (steps > 0)


def test_zoomed_out_chart_shows_every_extreme(chart: ChartWidget) -> None:
    spike = replace(ticks(700, 701)[0], price=23_300)
    chart.set_ticks([*ticks(1, 700, step_s=1), replace(spike, ts_event=OPEN + 700 * NS_PER_S)])
    chart.add_ticks(ticks(701, 5_000, step_s=1))
    chart.set_time_frame(1)
    wheel(chart, 400.0, -40)
    assert chart.view.timeline.width > 4_900
    assert chart.view.frame.price.y1 > 23_300
    scale, x = chart.view.frame.price, round(chart.view.frame.price.x(699))
    image = chart.view.grab().toImage()
    y = round(scale.y(23_200))
    column = {image.pixelColor(at, y).name() for at in range(x - 3, x + 4)}
    assert column & {DARK.up, DARK.down}
    top = image.pixelColor(10, round(chart.view.frame.volume.top) + 4)
    assert top.name() == DARK.base, "the total volume of a pixel column fits its panel"


def test_price_axis_stretches_and_fits_again(chart: ChartWidget) -> None:
    chart.set_ticks(ticks(1, 600))
    axis = chart.view.frame.price.right + 20
    before = chart.view.frame.price.y1 - chart.view.frame.price.y0
    press(chart, axis, 100)
    move(chart, axis, 200)
    release(chart, axis, 200)
    assert chart.view.frame.price.y1 - chart.view.frame.price.y0 > 1.4 * before
    mouse(chart, QtCore.QEvent.Type.MouseButtonDblClick, axis, 100)
    assert chart.view.frame.price.y1 - chart.view.frame.price.y0 == pytest.approx(before, rel=0.01)


def test_crosshair_shows_the_bar_under_the_mouse(chart: ChartWidget) -> None:
    chart.set_ticks(ticks(1, 600))
    plain = pixels(chart, DARK.crosshair)
    move(chart, 300, 200)
    assert pixels(chart, DARK.crosshair) > plain + 200
    QtWidgets.QApplication.sendEvent(chart.view, QtCore.QEvent(QtCore.QEvent.Type.Leave))
    assert pixels(chart, DARK.crosshair) == plain


# ------------------------------------------------------------------------------------------------- dragging


def test_level_is_committed_on_release_only(chart: ChartWidget, moves: list[tuple[str, str, int]]) -> None:
    chart.set_ticks(ticks(1, 600))
    chart.update_condition(condition())
    y = placed(chart, LineKind.TRIGGER).y
    target = chart.view.frame.price.y(23_004)
    press(chart, 200, y)
    for at in (0.3, 0.7, 1.0):
        move(chart, 200, y + at * (target - y))
    assert moves == []
    preview = {line.kind: line.price for line in chart.view.lines()}
    assert preview[LineKind.TRIGGER] == 23_004
    assert preview[LineKind.ENTRY] == 23_019
    assert preview[LineKind.STOP_LOSS] == 22_989
    release(chart, 200, target)
    assert moves == [("c1", "trigger", 23_004)]
    assert placed(chart, LineKind.TRIGGER).line.price == 22_990, "shown as it is until the engine says so"


@pytest.mark.parametrize("kind", [LineKind.TAKE_PROFIT, LineKind.STOP_LOSS])
def test_exits_are_dragged_alone(chart: ChartWidget, moves: list[tuple[str, str, int]], kind: LineKind) -> None:
    chart.set_ticks(ticks(1, 600))
    chart.update_condition(condition(take_profit_points=20, stop_loss_points=20))
    start = placed(chart, kind)
    press(chart, start.label.center().x(), start.label.center().y())
    wanted = start.line.price + 5
    shift = chart.view.frame.price.y(wanted) - start.y
    move(chart, 300, start.label.center().y() + shift)
    others = {line.kind: line.price for line in chart.view.lines() if line.kind is not kind}
    assert others[LineKind.TRIGGER] == 22_990
    assert others[LineKind.ENTRY] == 23_005
    release(chart, 300, start.label.center().y() + shift)
    assert moves == [("c1", str(kind), wanted)]


def test_take_profit_stays_on_its_side(chart: ChartWidget, moves: list[tuple[str, str, int]]) -> None:
    chart.set_ticks(ticks(1, 600))
    chart.update_condition(condition(take_profit_points=20))
    start = placed(chart, LineKind.TAKE_PROFIT)
    below = chart.view.frame.price.y(22_985)
    press(chart, 200, start.y)
    move(chart, 200, below)
    release(chart, 200, below)
    assert moves == [("c1", "take_profit", 23_006)]


@pytest.mark.parametrize("way", ["escape", "right button", "no move", "final", "in market"])
def test_nothing_is_committed_when(
    chart: ChartWidget, qtbot: Any, moves: list[tuple[str, str, int]], way: str
) -> None:
    chart.set_ticks(ticks(1, 600))
    chart.update_condition(condition())
    y = placed(chart, LineKind.TRIGGER).y
    press(chart, 200, y)
    if way != "no move":
        move(chart, 200, y - 40)
        assert chart.view.is_dragging_level
    if way == "escape":
        key(chart, QtCore.Qt.Key.Key_Escape)
    elif way == "right button":
        qtbot.mousePress(chart.view.viewport(), QtCore.Qt.MouseButton.RightButton, pos=QtCore.QPoint(200, 200))
    elif way == "final":
        chart.update_condition(condition(ConditionState.CANCELLED))
    elif way == "in market":
        chart.update_condition(condition(ConditionState.ENTERING))
    assert chart.view.is_dragging_level is (way == "no move")
    release(chart, 200, y if way == "no move" else y - 40)
    assert moves == []
    assert not chart.findChildren(QtWidgets.QMenu)


def test_escape_belongs_to_the_drag_only(chart: ChartWidget) -> None:
    def is_claimed() -> bool:
        event = QtGui.QKeyEvent(
            QtCore.QEvent.Type.ShortcutOverride,
            QtCore.Qt.Key.Key_Escape,
            QtCore.Qt.KeyboardModifier.NoModifier,
        )
        event.ignore()
        QtWidgets.QApplication.sendEvent(chart.view, event)
        return event.isAccepted()

    chart.set_ticks(ticks(1, 600))
    chart.update_condition(condition())
    assert not is_claimed()
    y = placed(chart, LineKind.TRIGGER).y
    press(chart, 200, y)
    assert is_claimed()
    release(chart, 200, y)


def test_entry_is_not_draggable(chart: ChartWidget, moves: list[tuple[str, str, int]]) -> None:
    chart.set_ticks(ticks(1, 600))
    chart.update_condition(condition())
    y = placed(chart, LineKind.ENTRY).y
    press(chart, 200, y)
    move(chart, 200, y - 40)
    release(chart, 200, y - 40)
    assert moves == []


# ------------------------------------------------------------------------------------------------- the trade


def test_condition_lines_come_change_and_go(chart: ChartWidget) -> None:
    chart.set_ticks(ticks(1, 600))
    chart.update_condition(condition())
    levels = {LineKind.TRIGGER, LineKind.ENTRY, LineKind.TAKE_PROFIT, LineKind.STOP_LOSS}
    assert shown(chart) == levels
    assert "Armed" in placed(chart, LineKind.TRIGGER).line.text
    chart.update_condition(condition(ConditionState.TRIGGERED))
    assert "Triggered" in placed(chart, LineKind.TRIGGER).line.text
    chart.update_condition(condition(ConditionState.CLOSED))
    assert shown(chart) == set()


def test_draft_is_shown_at_the_price_of_its_spec(chart: ChartWidget) -> None:
    chart.set_ticks(ticks(1, 600))
    chart.update_condition(replace(condition(ConditionState.DRAFT), trigger=0))
    line = placed(chart, LineKind.TRIGGER).line
    assert (line.price, line.is_dimmed, line.is_live) == (22_990, True, False)


def test_orders_and_position_come_and_go(chart: ChartWidget) -> None:
    chart.set_ticks(ticks(1, 600))
    order = Order(
        client_order_id="o1",
        account="A",
        symbol="TXFK4",
        side=Side.SELL,
        order_type=OrderType.LIMIT,
        time_in_force=TimeInForce.ROD,
        price=23_030,
        quantity=2,
        status=OrderStatus.ACCEPTED,
    )
    position = Position(account="A", symbol="TXFK4", net=2, cost=Decimal(2 * 23_000))
    chart.update_order(order)
    chart.update_order(replace(order, client_order_id="o2", order_type=OrderType.MARKET, price=0))
    chart.update_position(position)
    assert shown(chart) == {LineKind.WORKING_ORDER, LineKind.POSITION}
    last = int(chart.view.series.bars.close[-1])
    assert f"{last - 23_000:+d}" in placed(chart, LineKind.POSITION).line.text
    chart.update_order(replace(order, status=OrderStatus.CANCELLED))
    chart.update_position(Position(account="A", symbol="TXFK4"))
    assert shown(chart) == set()


def test_fill_is_marked_once_at_its_bar(chart: ChartWidget) -> None:
    chart.set_ticks(ticks(1, 300))
    fill = Fill(
        fill_id="1",
        client_order_id="o1",
        account="A",
        symbol="TXFK4",
        side=Side.BUY,
        price=23_010,
        quantity=1,
        ts_event=OPEN + 1_234 * NS_PER_S,
    )
    plain = pixels(chart, DARK.fill_buy)
    chart.add_fill(fill)
    marked = pixels(chart, DARK.fill_buy)
    assert marked > plain + 20
    chart.add_fill(fill)
    assert pixels(chart, DARK.fill_buy) == marked
    scale = chart.view.frame.price
    image = chart.view.grab().toImage()
    spot = image.pixelColor(int(scale.x(1_234 // 60)), int(scale.y(23_010)) + 8)
    assert spot.name() == DARK.fill_buy


def test_marks_of_other_contracts_wait_for_their_contract(chart: ChartWidget) -> None:
    other = instrument("MXFK4", near=date(2024, 11, 5), calendar=CALENDAR)
    chart.update_condition(condition(symbol="MXFK4"))
    chart.set_ticks(ticks(1, 300))
    assert shown(chart) == set()
    chart.set_instrument(other)
    chart.set_ticks(ticks(1, 300, symbol="MXFK4"))
    assert len(shown(chart)) == 4


@pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
def test_right_click_asks_for_a_condition_at_the_price(chart: ChartWidget, qtbot: Any, side: Side) -> None:
    chart.set_ticks(ticks(1, 600))
    asked: list[tuple[str, int]] = []
    chart.condition_requested.connect(lambda *args: asked.append(args))
    y = round(chart.view.frame.price.y(23_012))
    qtbot.mousePress(chart.view.viewport(), QtCore.Qt.MouseButton.RightButton, pos=QtCore.QPoint(300, y))
    action = chart.findChild(QtGui.QAction, f"condition_{side}")
    assert isinstance(action, QtGui.QAction)
    assert "23,01" in action.text()
    action.trigger()
    assert asked == [(str(side), asked[0][1])]
    assert abs(asked[0][1] - 23_012) <= 1


# ----------------------------------------------------------------------------------------- language and looks


class Upper(QtCore.QTranslator):
    """A language of capitals."""

    def isEmpty(self) -> bool:
        return False

    def translate(self, context: str, text: str, disambiguation: str | None = None, n: int = -1) -> str:
        return text.upper() if context == "ChartWidget" and "{" not in text else ""


def test_language_changes_while_running(chart: ChartWidget, qtbot: Any, qapp: QtWidgets.QApplication) -> None:
    chart.set_ticks(ticks(1, 300))
    chart.update_condition(condition())
    button = chart.findChild(QtWidgets.QToolButton, "time_frame_60")
    assert isinstance(button, QtWidgets.QToolButton)
    translator = Upper()
    qapp.installTranslator(translator)
    try:
        qtbot.waitUntil(lambda: button.text() == "1 MIN")
        assert placed(chart, LineKind.TRIGGER).line.text.startswith("SUPPORT · TRIGGER")
        assert chart.view.title.endswith("1 MIN")
    finally:
        qapp.removeTranslator(translator)
    qtbot.waitUntil(lambda: button.text() == "1 min")


def test_theme_changes_while_running(chart: ChartWidget) -> None:
    chart.set_ticks(ticks(1, 300))
    assert pixels(chart, LIGHT.volume_up) == 0
    chart.set_theme(LIGHT)
    assert pixels(chart, LIGHT.volume_up) > 100
    assert pixels(chart, DARK.volume_up) == 0


def test_lines_that_nobody_watches_say_so_and_are_dashed(chart: ChartWidget) -> None:
    i18n.install("en")
    chart.set_ticks(ticks(1, 600))
    chart.update_condition(condition())
    chart.set_faults({"c1"})
    (trigger,) = [line for line in chart.view.lines() if line.is_faulty]
    assert trigger.kind is LineKind.TRIGGER
    assert trigger.text == "⚠ Support · Trigger · 1 · not watched"
    chart.update_condition(condition(ConditionState.OPEN))
    assert {line.kind for line in chart.view.lines() if line.is_faulty} == {
        LineKind.TAKE_PROFIT,
        LineKind.STOP_LOSS,
    }
    chart.set_faults(())
    assert not any(line.is_faulty for line in chart.view.lines())
