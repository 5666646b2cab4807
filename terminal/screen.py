"""Where Qt draws: what to do on a machine without a display, and which word of Qt is not worth a line.

Knows no window, and is asked before the application is made.
"""

import os
import sys
from collections.abc import Mapping
from typing import Final

from PySide6 import QtCore

IN_MEMORY: Final = "offscreen"
"""Qt's platform that draws into memory only."""
_PLATFORM: Final = "QT_QPA_PLATFORM"
_DISPLAYS: Final = (_PLATFORM, "DISPLAY", "WAYLAND_DISPLAY")
_NOISE: Final = "This plugin does not support propagateSizeHints()"
"""Said of each popup by the platform that draws into memory: true, and no fault of anyone."""


def is_missing(environment: Mapping[str, str] = os.environ, system: str = sys.platform) -> bool:
    """Whether Qt would find no display and end the process: on Linux, where nothing names one."""
    return system == "linux" and not any(environment.get(name) for name in _DISPLAYS)


def draw_in_memory() -> None:
    """Lets Qt draw without a display, and says so."""
    os.environ[_PLATFORM] = IN_MEMORY
    print(f"terminal: no display here: the window is drawn in memory ({_PLATFORM}={IN_MEMORY})", file=sys.stderr)


def drop_noise() -> None:
    """Qt's words go to stderr as ever, without the one that means nothing; until :func:`restore_words`."""
    QtCore.qInstallMessageHandler(_on_message)


def restore_words() -> None:
    """Qt writes its words itself again, as it must once Python ends."""
    QtCore.qInstallMessageHandler(None)


def _on_message(kind: QtCore.QtMsgType, context: QtCore.QMessageLogContext, text: str) -> None:
    if text != _NOISE:
        print(QtCore.qFormatLogMessage(kind, context, text), file=sys.stderr)
