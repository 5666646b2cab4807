"""What holds for every test: no display, no real user folder, nothing left running, no error in the logs.

Must work where PySide6 is not installed: the engine's tests run there.
"""

import gc
import importlib.util
import logging
import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

import hypothesis
import psutil
import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
GRACE_S = 2.0

# A loaded machine is not a failure, and a failing example must come back in the next run.
hypothesis.settings.register_profile("project", deadline=None, print_blob=True)
hypothesis.settings.load_profile("project")


def pytest_addoption(parser: pytest.Parser) -> None:
    if importlib.util.find_spec("pytestqt") is None:
        # Without Qt nobody else declares the options that pyproject.toml sets for it.
        for option in ("qt_api", "qt_log_level_fail", "qt_log_ignore"):
            parser.addini(option, "unused without Qt")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "market_data" in getattr(item, "fixturenames", ()):
            item.add_marker("market_data")


def pytest_unconfigure() -> None:
    # Hypothesis watches garbage collection for good; DuckDB would complain at exit that its objects are held.
    gc.callbacks.clear()


# ----------------------------------------------------------------------------------------------- leftovers


def _threads() -> dict[int, str]:
    return {
        id(thread): f"thread {thread.name!r}"
        for thread in threading.enumerate()
        # Dummies stand for foreign threads that once ran Python code and are never removed from the list.
        if not isinstance(thread, threading._DummyThread)
        and not thread.name.startswith("pytest_timeout")
        and type(thread).__module__ != "zmq.utils.garbage"  # one a process, kept for its whole life
    }


def _children() -> dict[int, str]:
    multiprocessing.active_children()  # reaps those that have ended
    found = {}
    for child in psutil.Process().children():
        try:
            command = " ".join(child.cmdline())
            if child.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in command:
                found[child.pid] = f"child process {child.pid} ({command[:200]})"
        except psutil.NoSuchProcess:
            continue
    return found


def _qt_objects() -> dict[int, str]:
    """Top-level widgets without a parent, active timers and running threads of Qt, by their C++ address."""
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None or not isinstance(widgets.QApplication.instance(), widgets.QApplication):
        return {}
    import shiboken6
    from PySide6 import QtCore

    QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete.value)
    QtCore.QCoreApplication.processEvents()
    found: dict[int, str] = {}

    def add(thing: Any, kind: str) -> None:
        address = shiboken6.getCppPointer(thing)[0]
        found[address] = f"{kind} {type(thing).__name__} {thing.objectName()!r}"

    for widget in widgets.QApplication.topLevelWidgets():
        if widget.parent() is None:
            add(widget, "top-level widget")
    for thing in gc.get_objects():
        if issubclass(type(thing), QtCore.QObject) and shiboken6.isValid(thing):
            if isinstance(thing, QtCore.QTimer) and thing.isActive():
                add(thing, f"timer of {thing.interval()} ms")
            elif isinstance(thing, QtCore.QThread) and thing.isRunning():
                add(thing, "running")
    return found


def _leftovers(list_now: Callable[[], dict[int, str]], before: dict[int, str], deadline: float) -> list[str]:
    collected = False
    while new := {key: name for key, name in list_now().items() if key not in before}:
        if not collected:
            gc.collect()
            collected = True
        elif time.monotonic() > deadline:
            return sorted(new.values())
        else:
            time.sleep(0.02)
    return []


@pytest.fixture(autouse=True)
def _nothing_left_running(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that leaves a thread, a child process, a window or an active Qt timer behind."""
    lists: list[Callable[[], dict[int, str]]] = [_threads, _children]
    if {"qapp", "qtbot"} & set(request.fixturenames):
        lists.append(_qt_objects)
    before = [list_now() for list_now in lists]
    yield
    deadline = time.monotonic() + GRACE_S
    left = [
        name
        for list_now, known in zip(lists, before, strict=True)
        for name in _leftovers(list_now, known, deadline)
    ]
    if left:
        pytest.fail("left behind: " + "; ".join(left), pytrace=False)


# ------------------------------------------------------------------------------------------ errors in the log


class _ErrorCollector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def expected_errors() -> list[logging.LogRecord]:
    """The log records at ERROR level of this test; who asks for them has them not fail the test."""
    return []


@pytest.fixture(autouse=True)
def _no_unexpected_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that logs at ERROR level through stdlib logging without asking for `expected_errors`."""
    collector = _ErrorCollector()
    is_expected = "expected_errors" in request.fixturenames
    if is_expected:
        collector.records = request.getfixturevalue("expected_errors")
    root = logging.getLogger()
    root.addHandler(collector)
    yield
    root.removeHandler(collector)
    if collector.records and not is_expected:
        lines = [f"{record.name}: {record.getMessage()}" for record in collector.records]
        pytest.fail("logged at ERROR level: " + "; ".join(lines), pytrace=False)


# ---------------------------------------------------------------------------------------------------- folders


@pytest.fixture(autouse=True)
def user_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that stands for all of the user's own folders; settings obey the variable."""
    home = tmp_path / "home"
    monkeypatch.setenv("FUTURES_TERMINAL_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def market_data() -> Path:
    """The folder with the TAIFEX market data, which is not part of the repository."""
    named = os.environ.get("FUTURES_TERMINAL_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no market data in {folder}; FUTURES_TERMINAL_DATA names another folder")
    return folder
