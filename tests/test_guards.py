"""The guards of conftest.py do fail what they are made for."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent

SUITE = """
import logging, subprocess, sys, threading, time
import pytest

stop = threading.Event()
kept = []

def test_leaves_thread():
    threading.Thread(target=stop.wait, name="stray", daemon=True).start()

def test_leaves_short_thread():
    threading.Thread(target=time.sleep, args=(0.3,)).start()

@pytest.fixture(scope="module")
def shared_thread():
    thread = threading.Thread(target=stop.wait, name="shared")
    thread.start()
    yield
    stop.set()
    thread.join()

def test_uses_shared_thread(shared_thread):
    pass

def test_leaves_child():
    kept.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))

def test_ends_child():
    kept[0].communicate(b"\\n")

def test_logs_error():
    logging.getLogger("engine").error("it broke")

def test_logs_expected_error(expected_errors):
    logging.getLogger("engine").error("it broke")
    assert [record.getMessage() for record in expected_errors] == ["it broke"]

def test_thread_dies():
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()

def test_home(user_home):
    import os
    assert os.environ["FUTURES_TERMINAL_HOME"] == str(user_home)
"""

QT_SUITE = """
import warnings
import pytest
from PySide6 import QtCore, QtWidgets

kept = []

def test_leaves_window(qapp):
    window = QtWidgets.QMainWindow(objectName="stray window")
    window.show()
    kept.append(window)

def test_leaves_timer(qapp):
    timer = QtCore.QTimer(objectName="stray timer")
    timer.start(60_000)
    kept.append(timer)

def test_leaves_qthread(qapp):
    thread = QtCore.QThread(objectName="stray thread")
    thread.start()
    kept.append(thread)

def test_closes_window(qtbot):
    window = QtWidgets.QMainWindow()
    timer = QtCore.QTimer(window)
    timer.start(10)
    qtbot.addWidget(window)
    window.show()

def test_drops_window(qapp):
    window = QtWidgets.QMainWindow()
    window.itself = window
    window.show()

def test_qt_warns(qapp):
    QtCore.qWarning("Qt is not content")

def test_ends_well(qapp):
    kept[-1].quit()
    assert kept[-1].wait(5_000)
"""


def outcomes(tmp_path: Path, suite: str, name: str) -> dict[str, str]:
    """Runs a suite under our conftest; each test's failure text, empty where it passed."""
    (tmp_path / name).write_text(suite, encoding="utf-8")
    report = tmp_path / "report.xml"
    arguments = ["-m", "pytest", "-c", "pyproject.toml", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [sys.executable, *arguments, f"--junitxml={report}", str(tmp_path / name)],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert report.exists(), done.stdout + done.stderr
    return {
        case.attrib["name"]: " ".join(
            f"{problem.attrib.get('message', '')} {problem.text}" for problem in case if problem.tag != "skipped"
        )
        for case in ElementTree.parse(report).iter("testcase")
    }


def test_guards_of_the_engine(tmp_path: Path) -> None:
    found = outcomes(tmp_path, SUITE, "test_suite.py")
    assert "left behind: thread 'stray'" in found["test_leaves_thread"]
    assert "left behind: child process" in found["test_leaves_child"]
    assert "logged at ERROR level: engine: it broke" in found["test_logs_error"]
    assert "ZeroDivisionError" in found["test_thread_dies"]
    fine = {
        "test_ends_child",
        "test_leaves_short_thread",
        "test_uses_shared_thread",
        "test_logs_expected_error",
        "test_home",
    }
    assert {name: found[name] for name in fine} == dict.fromkeys(fine, "")


def test_guards_of_the_window(tmp_path: Path) -> None:
    pytest.importorskip("PySide6")
    found = outcomes(tmp_path, QT_SUITE, "test_qt_suite.py")
    assert "top-level widget QMainWindow 'stray window'" in found["test_leaves_window"]
    assert "timer of 60000 ms QTimer 'stray timer'" in found["test_leaves_timer"]
    assert "running QThread 'stray thread'" in found["test_leaves_qthread"]
    assert "Qt is not content" in found["test_qt_warns"]
    fine = {"test_closes_window", "test_drops_window", "test_ends_well"}
    assert {name: found[name] for name in fine} == dict.fromkeys(fine, "")
