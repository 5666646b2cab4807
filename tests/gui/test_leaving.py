"""Closing the window: nobody leaves a position unguarded without being asked, and nothing is left behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6 import QtWidgets
from pytestqt.qtbot import QtBot

from engine.model.order import Side
from engine.model.position import Position
from engine.settings import Settings
from engine.wire.messages import Pace
from terminal.__main__ import main
from terminal.app import Terminal
from terminal.dialogs.limits import LimitsDialog
from terminal.settings import Preferences


@pytest.fixture
def terminal(qtbot: QtBot) -> Terminal:
    app = QtWidgets.QApplication.instance()
    assert isinstance(app, QtWidgets.QApplication)
    made = Terminal(app, Settings(), Preferences(language="en"), saves=False)
    qtbot.addWidget(made.display.window, before_close_func=lambda window: window.allow_close())
    return made


def test_a_window_that_was_never_open_fits_on_the_screen_or_is_as_small_as_it_can_be(terminal: Terminal) -> None:
    screen = QtWidgets.QApplication.primaryScreen().availableSize()
    size = terminal.display.window.size()
    assert size.width() <= max(screen.width(), 1280)
    assert size.height() <= max(screen.height(), 720)


def test_a_sentence_goes_with_the_language_in_which_it_was_said(terminal: Terminal) -> None:
    window = terminal.display.window
    terminal.display.say("The alarm is over.")
    terminal.set_language("en")
    assert window._message.text() == "The alarm is over."
    window._language_actions["zh_TW"].trigger()
    told = window._message.text()
    terminal.set_language("en")
    assert not told


def boxes() -> list[QtWidgets.QMessageBox]:
    return [box for box in QtWidgets.QApplication.topLevelWidgets() if isinstance(box, QtWidgets.QMessageBox)]


def test_with_lots_a_person_is_asked(terminal: Terminal, qtbot: QtBot) -> None:
    went: list[bool] = []
    terminal.display.on_position(Position(account="a", symbol="TXFK4", net=-2))
    terminal._leave(lambda: went.append(True))
    (box,) = boxes()
    assert "-2 TXFK4" in box.text()
    assert not went
    agree = next(
        button for button in box.buttons() if box.buttonRole(button) is QtWidgets.QMessageBox.ButtonRole.AcceptRole
    )
    agree.click()
    assert went == [True]
    qtbot.waitUntil(lambda: not boxes())


def test_with_nothing_at_stake_it_goes_at_once(terminal: Terminal) -> None:
    went: list[bool] = []
    terminal.display.on_position(Position(account="a", symbol="TXFK4", net=0))
    terminal._leave(lambda: went.append(True))
    assert went == [True]
    assert not boxes()


CLOSED_WHILE_LOGGING_IN = """
import asyncio, threading
import qasync
from PySide6 import QtWidgets
from engine import worlds
from engine.settings import Settings, with_free_ports
from terminal.app import Terminal
from terminal.dialogs.login import LoginRequest
from terminal.settings import Preferences

may_go_on = threading.Event()
was_asked = threading.Event()
real = worlds.log_in

def slow(*arguments):
    was_asked.set()
    assert may_go_on.wait(30)
    return real(*arguments)

worlds.log_in = slow

async def run(app):
    terminal = Terminal(app, with_free_ports(Settings()), Preferences(), saves=False)
    ended = asyncio.get_running_loop().create_future()
    terminal.closed.connect(lambda: ended.set_result(None))
    request = LoginRequest(broker="simulated", user="u", password="p", url="simulated")
    terminal.asking.spawn(terminal.log_in(request))
    while not was_asked.is_set():
        await asyncio.sleep(0.01)
    terminal.close()
    await asyncio.sleep(0.05)
    may_go_on.set()
    await ended
    assert terminal.run is None

app = QtWidgets.QApplication([])
app.setQuitOnLastWindowClosed(False)
loop = qasync.QEventLoop(app)
asyncio.set_event_loop(loop)
with loop:
    loop.run_until_complete(run(app))
"""


def test_closing_while_a_login_is_on_its_way_leaves_no_warning(tmp_path: Path) -> None:
    repository = Path(__file__).resolve().parents[2]
    environment = os.environ | {
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONPATH": str(repository),
        "FUTURES_TERMINAL_HOME": str(tmp_path),
    }
    command = [sys.executable, "-X", "dev", "-c", CLOSED_WHILE_LOGGING_IN]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    troubles = ("Warning", "destroyed but it is pending")
    lines = [line for line in done.stderr.splitlines() if any(trouble in line for trouble in troubles)]
    assert not lines, done.stderr


def test_a_dialog_about_the_trade_closes_with_the_login(terminal: Terminal) -> None:
    terminal.display.condition_dialog.open_new(Side.BUY, "TXFK4", "a", 22930)
    terminal._open_limits()
    (limits,) = terminal.display.window.findChildren(LimitsDialog)
    assert limits.isVisible()
    terminal.display.clear()
    assert not terminal.display.condition_dialog.isVisible()
    assert not limits.isVisible()


def test_the_end_of_a_replay_is_said(terminal: Terminal) -> None:
    terminal.display.on_pace(Pace(round=1, position=1, now_ns=0))
    assert "ended" not in terminal.display.window._message.text()
    terminal.display.on_pace(Pace(round=2, position=1, now_ns=0, is_end=True))
    assert terminal.display.window._message.text() == "The replay has ended."


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--demo", "--speed", "-1"], "'-1' is not a number from zero up"),
        (["--demo", "--speed", "nan"], "'nan' is not a number from zero up"),
        (["--demo", "--speed", "0"], "0 is for a recorded day"),
        (["--demo", "--for", "-5"], "'-5' is not a number from zero up"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
