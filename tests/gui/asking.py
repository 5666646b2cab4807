"""Answers to the questions that the window asks before something final."""

from PySide6 import QtWidgets
from pytestqt.qtbot import QtBot


def question(qtbot: QtBot) -> QtWidgets.QMessageBox:
    """The question that is open now."""

    def find() -> None:
        assert boxes()

    qtbot.waitUntil(find)
    return boxes()[0]


def boxes() -> list[QtWidgets.QMessageBox]:
    found = QtWidgets.QApplication.topLevelWidgets()
    return [box for box in found if isinstance(box, QtWidgets.QMessageBox) and box.isVisible()]


def press(box: QtWidgets.QMessageBox, role: QtWidgets.QMessageBox.ButtonRole) -> None:
    next(button for button in box.buttons() if box.buttonRole(button) is role).click()


def agree(qtbot: QtBot) -> str:
    """Agrees, and gives the question."""
    box = question(qtbot)
    text = box.text()
    press(box, QtWidgets.QMessageBox.ButtonRole.AcceptRole)
    return text


def refuse(qtbot: QtBot) -> str:
    """Refuses, and gives the question."""
    box = question(qtbot)
    text = box.text()
    press(box, QtWidgets.QMessageBox.ButtonRole.RejectRole)
    return text
