from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from PySide6 import QtCore, QtGui, QtWidgets
from pytestqt.qtbot import QtBot

from engine.model.condition import ConditionState
from engine.model.market import Environment, LinkState
from engine.model.order import OrderStatus
from terminal import i18n, theme
from terminal.docks.book import BookDock
from terminal.docks.conditions import ConditionsDock
from terminal.docks.contracts import ContractsDock
from terminal.docks.coverage import CoverageStrip
from terminal.docks.differences import DifferencesDock
from terminal.docks.fills import FillsDock
from terminal.docks.log import LogDock
from terminal.docks.orders import OrdersDock
from terminal.docks.positions import PositionsDock
from terminal.docks.start import StartBar
from terminal.docks.ticket import TicketDock
from terminal.widgets.lamps import LampBar, Reading
from terminal.widgets.table import Table
from terminal.window import FRAME, MainWindow
from tests.gui import values

BOTTOM = QtCore.Qt.DockWidgetArea.BottomDockWidgetArea
RIGHT = QtCore.Qt.DockWidgetArea.RightDockWidgetArea


@dataclass
class Whole:
    """A window with all docks, some of them filled."""

    window: MainWindow
    contracts: ContractsDock
    conditions: ConditionsDock
    ticket: TicketDock
    book: BookDock
    orders: OrdersDock
    fills: FillsDock
    positions: PositionsDock
    log: LogDock
    bar: StartBar
    lamps: LampBar


def build() -> Whole:
    contracts, conditions = ContractsDock(lambda: values.T0), ConditionsDock()
    book, ticket = BookDock(), TicketDock()
    orders, fills, positions, log = OrdersDock(), FillsDock(), PositionsDock(), LogDock()
    bar, lamps = StartBar(), LampBar(lambda: values.T0)
    window = MainWindow(
        central=QtWidgets.QWidget(),
        left=(contracts, conditions),
        right=(book, ticket),
        bottom=(orders, fills, positions, DifferencesDock(), log),
        bar=bar,
        strip=CoverageStrip(),
        lamps=lamps,
        menus=(bar.menu,),
    )
    contracts.set_contracts(values.CONTRACTS)
    conditions.set_conditions([values.condition(state=ConditionState.OPEN, entered=1, entry_value=22945)])
    orders.set_orders([values.order("A"), values.order("B", status=OrderStatus.UNKNOWN)])
    lamps.set_reading("gateway", Reading(state=LinkState.UP, ts_last=values.T0))
    return Whole(window, contracts, conditions, ticket, book, orders, fills, positions, log, bar, lamps)


@pytest.fixture
def whole(qtbot: QtBot, qapp: QtWidgets.QApplication) -> Iterator[Whole]:
    before = qapp.font(), qapp.palette(), qapp.styleSheet()
    i18n.install("en")
    theme.apply(qapp, theme.DARK)
    made = build()
    made.window.resize(1600, 950)
    made.window.show()
    yield made
    made.window.allow_close()
    made.window.close()
    made.window.deleteLater()
    i18n.install("en")
    qapp.setFont(before[0])
    qapp.setPalette(before[1])
    qapp.setStyleSheet(before[2])


def speak(language: str) -> None:
    """Changes the language and lets Qt tell every widget."""
    i18n.install(language)
    for _ in range(3):
        QtWidgets.QApplication.processEvents()


def all_texts(window: QtWidgets.QWidget) -> dict[str, str]:
    """Every text that a person sees in the window, by a name of where."""
    found: dict[str, str] = {}
    for at, action in enumerate(window.findChildren(QtGui.QAction)):
        found[f"action {at}"] = action.text()
    for at, button in enumerate(window.findChildren(QtWidgets.QAbstractButton)):
        found[f"button {at}"] = button.text()
    for at, label in enumerate(window.findChildren(QtWidgets.QLabel)):
        found[f"label {at}"] = label.text()
    for dock in window.findChildren(QtWidgets.QDockWidget):
        found[f"dock {dock.objectName()}"] = dock.windowTitle()
    for n, table in enumerate(window.findChildren(Table)):
        for column in range(table.proxy.columnCount()):
            title = table.proxy.headerData(column, QtCore.Qt.Orientation.Horizontal)
            found[f"heading {n} {column}"] = str(title or "")
    return found


def test_every_word_follows_the_language_and_comes_back(whole: Whole) -> None:
    english = all_texts(whole.window)
    speak("zh_TW")
    chinese = all_texts(whole.window)
    assert chinese["dock orders"] == "委託"
    assert chinese["dock positions"] == "部位"
    words = {key for key, text in english.items() if any(c.isascii() and c.isalpha() for c in text)}
    same = {english[key] for key in words if chinese[key] == english[key]}
    # Codes of the exchange, contracts, accounts and the names of the languages are the same in both.
    allowed = {"ROD", "IOC", "FOK", "English", "0123456-7", ""}
    assert {text for text in same if text not in allowed and "FK4" not in text} == set()
    speak("en")
    assert all_texts(whole.window) == english


def test_cells_follow_the_language(whole: Whole) -> None:
    def status() -> set[str]:
        table = whole.orders.table
        return {str(table.proxy.index(row, 1).data()) for row in range(2)}

    assert status() == {"Accepted", "UNKNOWN"}
    speak("zh_TW")
    assert status() == {"委託成功", "狀態不明"}


@pytest.mark.parametrize("language", list(i18n.LANGUAGES))
def test_no_heading_or_button_is_clipped(whole: Whole, language: str, qtbot: QtBot) -> None:
    speak(language)
    for table in whole.window.findChildren(Table):
        header, metrics = table.horizontalHeader(), table.fontMetrics()
        for at in range(table.proxy.columnCount()):
            title = str(table.proxy.headerData(at, QtCore.Qt.Orientation.Horizontal) or "")
            assert header.sectionSize(at) >= metrics.horizontalAdvance(title) + 12, title

    def clipped() -> list[str]:
        buttons = whole.window.findChildren(QtWidgets.QPushButton)
        return [b.text() for b in buttons if b.isVisible() and b.width() < b.minimumSizeHint().width()]

    qtbot.waitUntil(lambda: clipped() == [])


def test_themes_change_while_it_runs(whole: Whole, qapp: QtWidgets.QApplication) -> None:
    seen = []
    for chosen in (theme.DARK, theme.LIGHT):
        theme.apply(qapp, chosen)
        whole.window.set_theme(chosen)
        role = QtCore.Qt.ItemDataRole.ForegroundRole
        index = whole.orders.model.index(0, 3)
        colour = whole.orders.model.data(index, role).name()
        ground = whole.orders.table.palette().color(QtGui.QPalette.ColorRole.Base).name()
        seen.append((colour, ground))
    assert seen == [(t.up, t.base) for t in (theme.DARK, theme.LIGHT)]


@pytest.mark.parametrize("environment", list(Environment))
def test_frame_and_title_say_which_world_this_is(whole: Whole, environment: Environment) -> None:
    whole.window.set_environment(environment)
    assert whole.window.windowTitle().startswith(i18n.text(environment))
    image = whole.window.grab().toImage()
    expected = getattr(theme.DARK, environment)
    wide, high = image.width(), image.height()
    points = ((1, 1), (wide // 2, FRAME - 1), (0, high // 2), (wide - 1, high // 2), (wide // 2, high - 1))
    assert {image.pixelColor(x, y).name() for x, y in points} == {expected}


def test_a_layout_comes_back_in_a_new_window(whole: Whole, qtbot: QtBot) -> None:
    window = whole.window
    window.addDockWidget(RIGHT, whole.positions)
    whole.log.hide()
    window.resize(1500, 900)
    saved = window.save_layout()
    assert all(part.isascii() for part in saved)

    other = build()
    assert other.window.dockWidgetArea(other.positions) is BOTTOM
    assert other.window.restore_layout(*saved)
    other.window.show()
    assert other.window.dockWidgetArea(other.positions) is RIGHT
    assert other.log.isHidden()
    other.window.allow_close()
    other.window.close()
    other.window.deleteLater()


def test_a_layout_that_cannot_be_used_changes_nothing(whole: Whole) -> None:
    assert not whole.window.restore_layout("bm9uc2Vuc2U=", "bm9uc2Vuc2U=")
    assert whole.window.dockWidgetArea(whole.positions) is BOTTOM


def test_reset_brings_every_dock_back(whole: Whole) -> None:
    whole.window.addDockWidget(RIGHT, whole.positions)
    whole.log.hide()
    whole.ticket.setFloating(True)
    whole.window.reset_layout()
    assert whole.window.dockWidgetArea(whole.positions) is BOTTOM
    below = {"fills", "positions", "differences", "log"}
    assert {dock.objectName() for dock in whole.window.tabifiedDockWidgets(whole.orders)} == below
    assert not whole.log.isHidden()
    assert not whole.ticket.isFloating()


def test_menus_tell_what_is_wanted(whole: Whole, qtbot: QtBot) -> None:
    window = whole.window
    for action, signal in (
        (window.login_action, window.login_requested),
        (window.settings_action, window.settings_requested),
        (window.about_action, window.about_requested),
    ):
        with qtbot.waitSignal(signal):
            action.trigger()
    with qtbot.waitSignal(window.theme_chosen) as told:
        window._theme_actions["light"].trigger()
    assert told.args == ["light"]
    with qtbot.waitSignal(window.language_chosen) as told:
        window._language_actions["zh_TW"].trigger()
    assert told.args == ["zh_TW"]


def test_shortcuts_are_unique(whole: Whole) -> None:
    keys = [
        action.shortcut().toString()
        for action in whole.window.findChildren(QtGui.QAction)
        if not action.shortcut().isEmpty()
    ]
    assert len(keys) > 10
    assert len(keys) == len(set(keys))


def test_closing_asks_the_owner_first(whole: Whole, qtbot: QtBot) -> None:
    with qtbot.waitSignal(whole.window.close_requested):
        assert not whole.window.close()
    assert whole.window.isVisible()
    whole.window.allow_close()
    assert whole.window.close()


def test_the_window_fits_a_small_screen(whole: Whole) -> None:
    least = whole.window.minimumSizeHint()
    assert least.width() <= 1280
    assert least.height() <= 720


def test_an_empty_panel_says_why_it_is_empty(whole: Whole) -> None:
    for table in whole.window.findChildren(Table):
        assert table._empty_text.endswith(".")
