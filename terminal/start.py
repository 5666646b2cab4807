"""Starts the Qt application and its event loop, sets the crash hook, and runs the window, demo or smoke test."""

import argparse
import asyncio
import json
import multiprocessing
import signal
import sys
import threading
import traceback
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import qasync
from PySide6 import QtWidgets

from engine import logs
from engine import settings as engine_settings
from engine.errors import EngineError
from terminal import i18n, screen, settings
from terminal.app import Terminal
from terminal.demo import Demo

log = logs.get(__name__)

_NO_DISPLAY: Final = (
    "no display is at hand (neither DISPLAY nor WAYLAND_DISPLAY is set). Start it with `make run`, or with "
    "`xvfb-run -a python -m terminal`; --demo needs no display."
)


def start(arguments: argparse.Namespace) -> int:
    """Runs until the window is closed; returns the exit code."""
    _name_child_program()
    is_person = arguments.demo is None and arguments.smoke_test is None
    if screen.is_missing():
        if is_person:
            print(f"terminal: {_NO_DISPLAY}", file=sys.stderr)
            return 2
        screen.draw_in_memory()
    try:
        config = engine_settings.load(arguments.settings)
    except EngineError as error:
        print(f"terminal: {error}", file=sys.stderr)
        return 2
    unlogged = logs.configure(config.paths.logs, "terminal")
    _catch_crashes()
    preferences, unread = settings.load()
    warning = "; ".join(text for text in (unread, unlogged) if text)
    if arguments.language:
        preferences = replace(preferences, language=arguments.language)
    if arguments.theme:
        preferences = replace(preferences, theme=arguments.theme)
    screen.drop_noise()
    app = QtWidgets.QApplication.instance() or QtWidgets.QApplication(sys.argv[:1])
    assert isinstance(app, QtWidgets.QApplication)
    app.setApplicationName("futures-terminal")
    app.setQuitOnLastWindowClosed(False)  # the terminal ends the loop itself, when everything else has ended
    loop = qasync.QEventLoop(app)
    asyncio.set_event_loop(loop)
    with loop:
        code: int = loop.run_until_complete(_run(app, config, preferences, warning, arguments, is_person))
    screen.restore_words()
    logs.close()
    return code


async def _run(
    app: QtWidgets.QApplication,
    config: engine_settings.Settings,
    preferences: settings.Preferences,
    warning: str,
    arguments: argparse.Namespace,
    is_person: bool,
) -> int:
    if not is_person:
        # A demo runs beside whatever else is open, and leaves the person's choices alone.
        config = engine_settings.with_free_ports(config)
        if arguments.speed != 1.0:
            config = replace(config, simulation=replace(config.simulation, speed=arguments.speed))
        preferences = replace(preferences, geometry="", layout="", contracts=(), contract="")
    terminal = Terminal(app, config, preferences, warning=warning, saves=is_person)
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    terminal.closed.connect(lambda: ended.set_result(None))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: terminal.close())  # ends as the window's close button does
    terminal.display.window.show()
    if is_person:
        terminal.open_login()
        await ended
        return 0
    if arguments.smoke_test is not None:
        arguments.seconds, arguments.demo, arguments.report = 8.0, "", None
        for language in (*i18n.LANGUAGES, preferences.language):
            terminal.set_language(language or i18n.system_language())  # a missing translation raises
    demo = Demo(terminal, arguments)
    code = await demo.run(ended)
    if arguments.smoke_test is not None:
        code = code or int(not _is_well(demo.report))
        result = {"ok": code == 0, "report": demo.report}
        arguments.smoke_test.write_text(json.dumps(result, indent=2), encoding="utf-8")
    return code


def _is_well(report: dict[str, Any]) -> bool:
    """Whether a demo saw a market, lost nothing of it and no process died."""
    published = report.get("ticks_published", 0)
    arrived = (report.get("ticks_received_by_window"), report.get("ticks_received_by_strategy"))
    return published > 0 and arrived == (published, published) and not report["child_restarts"]


def _name_child_program() -> None:
    """Packed, children run the program without Qt that lies beside this one (build.spec)."""
    if getattr(sys, "frozen", False):
        program = Path(sys.executable)
        multiprocessing.set_executable(str(program.with_name(f"node{program.suffix}")))


def _catch_crashes() -> None:
    """What nobody caught is logged with its traceback before the program goes on or ends."""

    def on_exception(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        log.error("crash", error=repr(error), trace="".join(traceback.format_exception(error)))
        sys.__excepthook__(kind, error, trace)

    def on_thread(arguments: threading.ExceptHookArgs) -> None:
        trace = "".join(traceback.format_exception(arguments.exc_value)) if arguments.exc_value else ""
        name = getattr(arguments.thread, "name", "")
        log.error("crash in a thread", thread=name, error=repr(arguments.exc_value), trace=trace)
        threading.__excepthook__(arguments)

    sys.excepthook = on_exception
    threading.excepthook = on_thread
