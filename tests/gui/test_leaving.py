"""Closing the window while lots are held: nobody leaves a position unguarded without being asked."""

import pytest
from PySide6 import QtWidgets
from pytestqt.qtbot import QtBot

from engine.model.position import Position
from engine.settings import Settings
from terminal.app import Terminal
from terminal.settings import Preferences


@pytest.fixture
def terminal(qtbot: QtBot) -> Terminal:
    app = QtWidgets.QApplication.instance()
    assert isinstance(app, QtWidgets.QApplication)
    made = Terminal(app, Settings(), Preferences(language="en"), saves=False)
    qtbot.addWidget(made.display.window, before_close_func=lambda window: window.allow_close())
    return made


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
