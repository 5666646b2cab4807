"""A replay in the window: what of the store is chosen, the bar below the chart, and the day anew."""

import dataclasses
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from PySide6 import QtCore, QtWidgets
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from engine.brokers.replay import ReplayBroker
from engine.brokers.tape import Tape
from engine.formats.taifex import Print
from engine.model.market import Environment, LinkState, LinkStatus
from engine.model.playback import Playback, PlaybackState, Timeline
from engine.model.recorded import DayOrigin, OpenStore, RecordedPart, Shelf, StoredDay, StoredSession
from engine.model.session import SessionKind
from engine.settings import Settings, Store
from engine.storage.importing import import_files
from engine.storage.layout import StoreFolder
from engine.timing import NS_PER_S
from terminal import i18n
from terminal.dialogs.login import BrokerChoice, LoginDialog, LoginRequest, Recorded
from terminal.display import Display
from terminal.playing import Playing
from terminal.theme import LIGHT
from terminal.widgets.replay_bar import MINUTE_NS, ReplayBar
from terminal.widgets.stored_days import Part, StoredDayPicker
from tests.gui.programs import Program
from tests.listening import RecordingListener
from tests.unit.engine.storage.daily_files import CALENDAR, DAY, MORNING, NIGHT, write

OPEN = CALENDAR.session(DAY, SessionKind.DAY)


@pytest.fixture(autouse=True)
def _english(qapp: QtWidgets.QApplication) -> None:
    i18n.install("en")


def stored(trade_date: date = DAY, *, night: bool = True, **changes: object) -> StoredDay:
    lots = {("TXFL4", SessionKind.DAY): 30, ("TXFK4", SessionKind.DAY): 70, ("MXFK4", SessionKind.DAY): 200}
    if night:
        lots["TXFK4", SessionKind.NIGHT] = 40
    sessions = tuple(StoredSession(symbol=s, kind=kind, lots=count) for (s, kind), count in lots.items())
    values: dict[str, object] = {"store": Path("store"), "origin": DayOrigin.FILE, "sessions": sessions}
    return StoredDay(trade_date=trade_date, **(values | changes))  # type: ignore[arg-type]


SHELF = Shelf(days=(stored(date(2024, 11, 6), night=False), stored()))


def texts(table: QtWidgets.QTableWidget) -> list[list[str]]:
    found = []
    for at in range(table.rowCount()):
        items = [table.item(at, column) for column in range(table.columnCount())]
        found.append([item.text() for item in items if item])
    return found


# --------------------------------------------------------------------------------------------- a day of the store


@pytest.fixture
def picker(qtbot: QtBot) -> StoredDayPicker:
    made = StoredDayPicker()
    qtbot.addWidget(made)
    made.show()
    return made


def test_days_are_listed_with_contracts_sessions_and_lots(picker: StoredDayPicker) -> None:
    picker.show_shelf(SHELF)
    assert texts(picker.days) == [
        ["2024-11-06  Wed", "Day session", "300", "Exchange's daily file"],
        ["2024-11-05  Tue", "Night session + Day session", "340", "Exchange's daily file"],
    ]
    picker.days.selectRow(1)
    assert texts(picker.contracts) == [
        ["TXFK4  TAIEX futures", "40", "70"],
        ["MXFK4  Mini-TAIEX futures", "—", "200"],
        ["TXFL4  TAIEX futures", "—", "30"],
    ]


def test_newest_day_and_the_front_months_are_chosen_to_begin_with(picker: StoredDayPicker) -> None:
    assert picker.chosen() is None
    picker.show_shelf(SHELF)
    assert picker.chosen() == RecordedPart(
        store=Path("store"), trade_date=date(2024, 11, 6), symbols=("TXFK4", "MXFK4")
    )


def test_the_day_of_last_time_is_chosen_where_it_is_still_there(picker: StoredDayPicker) -> None:
    picker.prefer(RecordedPart(store=Path("store"), trade_date=DAY))
    picker.show_shelf(SHELF)
    assert picker.day == SHELF.days[1]
    picker.show_shelf(Shelf(days=(stored(date(2024, 11, 7)), *SHELF.days)))  # read anew
    assert picker.day == SHELF.days[1]


def test_contracts_and_a_part_of_the_day_can_be_chosen(picker: StoredDayPicker, qtbot: QtBot) -> None:
    picker.show_shelf(SHELF)
    picker.days.selectRow(1)
    for at in range(2):
        with qtbot.waitSignal(picker.changed):
            picker.contracts.item(at, 0).setCheckState(QtCore.Qt.CheckState.Unchecked)  # type: ignore[union-attr]
    assert picker.chosen() is None
    picker.contracts.item(2, 0).setCheckState(QtCore.Qt.CheckState.Checked)  # type: ignore[union-attr]
    picker.part_of_day.choose(Part.NIGHT)
    chosen = picker.chosen()
    assert chosen is not None
    assert (chosen.symbols, chosen.begin, chosen.end) == (("TXFL4",), 15 * 60, 5 * 60)
    assert not picker.begin.isEnabled()
    picker.part_of_day.choose(Part.HOURS)
    picker.begin.setTime(QtCore.QTime(21, 30))
    picker.end.setTime(QtCore.QTime(0, 15))
    chosen = picker.chosen()
    assert chosen is not None
    assert (chosen.begin, chosen.end) == (21 * 60 + 30, 15)


def test_a_session_that_a_day_has_not_cannot_be_chosen(picker: StoredDayPicker) -> None:
    picker.show_shelf(SHELF)
    picker.days.selectRow(1)
    picker.part_of_day.choose(Part.NIGHT)
    picker.days.selectRow(0)
    assert picker.part_of_day.value is Part.WHOLE
    assert not picker.part_of_day.buttons[Part.NIGHT].isEnabled()


def test_open_days_are_named_and_can_be_closed_where_nobody_holds_them(
    picker: StoredDayPicker, qtbot: QtBot
) -> None:
    mine, other = Path("run-1"), Path("run-2")
    picker.show_shelf(
        Shelf(open=(OpenStore(store=mine, days=(DAY,)), OpenStore(store=other, holder="P 7 writes.")))
    )
    assert picker.notice.text().splitlines() == [
        "The market store has no closed day yet. File, Import market data… brings some.",
        "Not closed yet, and so not in the list: 2024-11-05 (run-1)",
        "The recorder has days that are not closed yet: P 7 writes.",
    ]
    with qtbot.waitSignal(picker.close_requested) as told:
        picker.close_button.click()
    assert told.args == [[mine]]
    picker.show_shelf(Shelf(days=SHELF.days, open=(OpenStore(store=other, holder="P 7 writes."),)))
    assert not picker.close_button.isVisible()
    picker.show_trouble("The disk is gone.")
    assert picker.notice.text() == "The disk is gone."


def test_words_follow_the_language(picker: StoredDayPicker) -> None:
    picker.show_shelf(SHELF)
    i18n.install("zh_TW")
    picker.retranslate()
    assert texts(picker.days)[0][1] == "日盤"
    assert picker.day == SHELF.days[0]


# ---------------------------------------------------------------------------------------------------- the login


CHOICES = (
    BrokerChoice(key="simulated", fields=frozenset({"user"})),
    BrokerChoice(key="replay", fields=frozenset({"replay_file", "stored_day", "speed"})),
)


@pytest.fixture
def login(qtbot: QtBot) -> LoginDialog:
    dialog = LoginDialog(CHOICES, LoginRequest(broker="replay", replay_file="a.zip"))
    qtbot.addWidget(dialog)
    dialog.open()
    return dialog


def test_login_asks_for_the_days_once_the_store_is_chosen(login: LoginDialog, qtbot: QtBot) -> None:
    assert not login.stored_days.isVisible()
    assert login.request() == LoginRequest(broker="replay", replay_file="a.zip")
    with qtbot.waitSignal(login.shelf_wanted):
        login.source.choose(Recorded.STORE)
    assert login.stored_days.isVisible()
    assert not login.replay_file.isVisible()
    assert "being read" in login.stored_days.notice.text()
    assert not login.login_button.isEnabled()
    login.stored_days.show_shelf(SHELF)
    login.paused.setChecked(True)
    assert login.login_button.isEnabled()
    part = login.stored_days.chosen()
    assert part is not None
    assert login.request() == LoginRequest(broker="replay", stored_day=part, is_paused=True)
    login.source.choose(Recorded.FILE)
    assert login.request().replay_file == "a.zip"
    assert login.request().stored_day is None


def test_another_broker_has_nothing_of_a_replay(login: LoginDialog) -> None:
    login.source.choose(Recorded.STORE)
    login.paused.setChecked(True)
    login.broker.setCurrentIndex(0)
    assert not any(part.isVisible() for part in (login.source, login.stored_days, login.paused, login.speed))
    assert login.request() == LoginRequest(broker="simulated")


def test_login_begins_with_the_stored_day_of_last_time(qtbot: QtBot) -> None:
    last = LoginRequest(broker="replay", stored_day=RecordedPart(store=Path("store"), trade_date=DAY))
    dialog = LoginDialog(CHOICES, last)
    qtbot.addWidget(dialog)
    with qtbot.waitSignal(dialog.shelf_wanted):
        dialog.open()
    dialog.stored_days.show_shelf(SHELF)
    assert dialog.stored_days.day == SHELF.days[1]


# ------------------------------------------------------------------------------------------------------ the bar


LINE = Timeline(((OPEN.open_ns, OPEN.open_ns + 600 * NS_PER_S), (OPEN.close_ns - 400 * NS_PER_S, OPEN.close_ns)))


def standing(state: PlaybackState = PlaybackState.RUNNING, elapsed_s: int = 0, speed: float = 60.0) -> Playback:
    elapsed_ns = elapsed_s * NS_PER_S
    return Playback(
        state=state,
        now_ns=LINE.instant(elapsed_ns),
        elapsed_ns=elapsed_ns,
        position=7,
        length=9,
        speed=speed,
    )


@pytest.fixture
def bar(qtbot: QtBot) -> ReplayBar:
    made = ReplayBar()
    qtbot.addWidget(made)
    made.resize(1_000, 40)
    made.begin(LINE)
    return made


def test_bar_is_there_only_in_a_replay(bar: ReplayBar) -> None:
    assert bar.isVisible()
    bar.end()
    assert not bar.isVisible()


@pytest.mark.parametrize("state", list(PlaybackState))
def test_bar_tells_the_state_and_offers_what_is_possible(
    bar: ReplayBar, state: PlaybackState, qtbot: QtBot
) -> None:
    bar.show_playback(standing(state, 90))
    assert bar.state.text() == i18n.text(state)
    assert bar.time.text() == "11-05 08:46:30"
    assert bar.step.isEnabled() == (state not in (PlaybackState.ENDED, PlaybackState.WAITING))
    assert bar.again.isEnabled()
    if state is PlaybackState.PAUSED:
        with qtbot.waitSignal(bar.resume_requested):
            bar.play.click()
    elif state in (PlaybackState.RUNNING, PlaybackState.JUMPING):
        with qtbot.waitSignal(bar.pause_requested):
            bar.play.click()
    else:
        assert not bar.play.isEnabled()


def test_bar_asks_for_steps_and_speeds(bar: ReplayBar, qtbot: QtBot) -> None:
    bar.show_playback(standing())
    with qtbot.waitSignal(bar.step_requested):
        bar.step.click()
    with qtbot.waitSignal(bar.step_time_requested) as told:
        bar.minute.click()
    assert told.args == [MINUTE_NS]
    at = bar.speed.findData(0.0)
    with qtbot.waitSignal(bar.speed_chosen) as told:
        bar.speed.setCurrentIndex(at)
        bar.speed.activated.emit(at)
    assert told.args == [0.0]


def test_a_speed_that_is_not_on_offer_is_shown_too(bar: ReplayBar) -> None:
    bar.show_playback(standing(speed=45.0))
    assert bar.speed.currentText() == "45×"
    assert bar.speed.itemText(bar.speed.count() - 1) == "Fastest"


def test_a_click_on_the_slider_jumps_to_that_time(bar: ReplayBar, qtbot: QtBot) -> None:
    bar.show_playback(standing(elapsed_s=10))
    middle = bar.slider.rect().center()
    with qtbot.waitSignal(bar.jump_requested) as told:
        QTest.mouseClick(bar.slider, QtCore.Qt.MouseButton.LeftButton, pos=middle)
    assert abs(told.args[0] - (OPEN.open_ns + 500 * NS_PER_S)) <= 5 * NS_PER_S


def test_while_the_slider_is_held_it_shows_where_it_would_jump(bar: ReplayBar) -> None:
    bar.show_playback(standing(elapsed_s=10))
    right = QtCore.QPoint(bar.slider.width() - 1, 5)
    QTest.mousePress(bar.slider, QtCore.Qt.MouseButton.LeftButton, pos=right)
    assert bar.time.text() == "11-05 13:45:00"
    bar.show_playback(standing(elapsed_s=11))
    assert bar.time.text() == "11-05 13:45:00"
    QTest.mouseRelease(bar.slider, QtCore.Qt.MouseButton.LeftButton, pos=right)
    bar.show_playback(standing(elapsed_s=12))
    assert bar.time.text() == "11-05 08:45:12"


def test_a_time_that_is_entered_is_that_of_the_day(bar: ReplayBar, qtbot: QtBot) -> None:
    bar.target.setTime(QtCore.QTime(13, 40))
    with qtbot.waitSignal(bar.jump_requested) as told:
        bar.jump.click()
    assert told.args == [OPEN.close_ns - 300 * NS_PER_S]


def test_bar_follows_theme_and_language(bar: ReplayBar) -> None:
    bar.show_playback(standing(PlaybackState.PAUSED))
    bar.set_theme(LIGHT)
    assert LIGHT.replay in bar.styleSheet()
    i18n.install("zh_TW")
    bar.retranslate()
    assert (bar.tag.text(), bar.state.text(), bar.jump.text()) == ("重播", "已暫停", "跳轉")


# ------------------------------------------------------------------------------------------------ who plays


@pytest.fixture
def played(bar: ReplayBar) -> Iterator[tuple[Playing, ReplayBroker, RecordingListener]]:
    """A replay of a print a second for ten minutes, paused at its beginning."""
    prints = [Print(OPEN.open_ns + second * NS_PER_S, 100 + second % 7, 1) for second in range(600)]
    broker, listener = ReplayBroker(Tape({"TXFK4": prints}, CALENDAR), calendar=CALENDAR), RecordingListener()
    broker.pause()
    broker.start(listener)
    playing = Playing(bar, bar)
    playing.set_player(broker)
    yield playing, broker, listener
    playing.set_player(None)
    broker.close()


def questions() -> list[QtWidgets.QMessageBox]:
    return [box for box in QtWidgets.QApplication.topLevelWidgets() if isinstance(box, QtWidgets.QMessageBox)]


def answer(box: QtWidgets.QMessageBox, role: QtWidgets.QMessageBox.ButtonRole) -> None:
    next(button for button in box.buttons() if box.buttonRole(button) is role).click()


def test_bar_drives_the_replay(
    bar: ReplayBar, played: tuple[Playing, ReplayBroker, RecordingListener], qtbot: QtBot
) -> None:
    _, broker, listener = played
    assert bar.state.text() == "Paused"
    bar.step.click()
    listener.wait(lambda: len(listener.of("tick")) == 1)
    bar.minute.click()
    listener.wait(lambda: len(listener.of("tick")) == 61)
    qtbot.waitUntil(lambda: bar.time.text() == "11-05 08:46:00")
    bar.target.setTime(QtCore.QTime(8, 50))
    bar.jump.click()
    listener.wait(lambda: len(listener.of("tick")) == 300)
    assert not questions()
    assert broker.playback().state is PlaybackState.PAUSED
    qtbot.waitUntil(lambda: bar.state.text() == "Paused")
    bar.play.click()
    qtbot.waitUntil(lambda: bar.state.text() == "Ended")
    assert not bar.play.isEnabled()


def test_a_jump_back_is_offered_as_a_new_replay(
    bar: ReplayBar, played: tuple[Playing, ReplayBroker, RecordingListener], qtbot: QtBot
) -> None:
    playing, _, listener = played
    bar.minute.click()
    listener.wait(lambda: len(listener.of("tick")) == 61)
    wanted: list[int] = []
    playing.again_requested.connect(wanted.append)
    roles = QtWidgets.QMessageBox.ButtonRole
    for role in (roles.RejectRole, roles.AcceptRole):
        bar.target.setTime(QtCore.QTime(8, 45, 20))
        bar.jump.click()
        (box,) = questions()
        assert "08:45:20" in box.text()
        answer(box, role)
        qtbot.waitUntil(lambda: not questions())
    assert wanted == [OPEN.open_ns + 20 * NS_PER_S]
    bar.again.click()
    answer(questions()[0], roles.AcceptRole)
    assert wanted[1:] == [0]
    qtbot.waitUntil(lambda: not questions())


# ------------------------------------------------------------------------------------------------ the program


@pytest.mark.parametrize(
    ("environment", "state"), [(Environment.REPLAY, LinkState.UP), (Environment.SIMULATED, LinkState.STALE)]
)
def test_a_paused_replay_is_not_called_silent(qtbot: QtBot, environment: Environment, state: LinkState) -> None:
    display = Display(Settings(), CALENDAR)
    qtbot.addWidget(display.window, before_close_func=lambda window: window.allow_close())
    display.show_login(environment, (), (), {})
    an_hour_ago = time.time_ns() - 3600 * NS_PER_S
    display.on_link(LinkStatus(link="quote", state=LinkState.UP, ts_last=an_hour_ago))
    assert display.lamps.state("quote") is state


def test_a_stored_day_in_the_window_stepped_jumped_and_begun_anew(
    qapp: QtWidgets.QApplication, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    import_files(StoreFolder(store), [write(tmp_path / "files", (*NIGHT, *MORNING))], CALENDAR)
    settings = Settings()
    settings = dataclasses.replace(
        settings,
        paths=dataclasses.replace(settings.paths, store=store),
        store=Store(recorder=False),
    )
    program = Program(qapp, settings)
    terminal = program.terminal
    display, bar = terminal.display, terminal.display.replay_bar
    part = RecordedPart(store=store, trade_date=DAY, symbols=("TXFK4",))
    request = LoginRequest(broker="replay", stored_day=part, is_paused=True)

    async def person() -> None:
        display.window.show()
        assert bar.isHidden()
        assert await program.during(terminal.log_in(request))
        assert display.window._environment is Environment.REPLAY
        assert bar.isVisible()
        assert bar.state.text() == "Paused"
        bar.step.click()
        await program.until(lambda: "TXFK4" in display.last_ticks)
        assert display.last_ticks["TXFK4"].price == 23039
        terminal.playing.jump(OPEN.open_ns + NS_PER_S)
        await program.until(lambda: display.last_ticks["TXFK4"].price == 22800)
        first = terminal.run
        await program.during(terminal.replay_again(OPEN.open_ns))
        assert terminal.run is not first
        await program.until(lambda: "TXFK4" in display.last_ticks and display.last_ticks["TXFK4"].seq == 3)
        await program.until(lambda: bar.state.text() == "Paused")
        assert terminal.choices.now.replay_date == DAY.isoformat()
        await program.during(terminal._log_out())
        assert bar.isHidden()

    try:
        program.run(person())
    finally:
        program.close()
