"""PySide6 6.12.0 loses references of None with each call and aborts after some thousands (docs/decisions)."""

import sys

from PySide6 import QtWidgets
from pytestqt.qtbot import QtBot


def test_calls_into_qt_keep_the_references_of_none(qtbot: QtBot) -> None:
    label = QtWidgets.QLabel()
    qtbot.addWidget(label)
    label.setText("first")
    before = sys.getrefcount(None)
    for number in range(100):
        label.setText(str(number))
    assert sys.getrefcount(None) > before - 50
