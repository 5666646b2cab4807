"""Slows a stream of updates to what eyes can follow, so that painting leaves the interpreter to the gateway."""

from collections.abc import Callable
from typing import Final

from PySide6 import QtCore

EYE_MS: Final = 100
"""Numbers in tables that change more often than this cannot be read."""


class Pace(QtCore.QObject):
    """Calls back at once, then at most once an interval, and never forgets the last request.

    Args:
        show: brings on the screen what was gathered.
        parent: the timer dies with it.
        interval_ms: least time between two calls.
    """

    def __init__(self, show: Callable[[], None], parent: QtCore.QObject, interval_ms: int = EYE_MS) -> None:
        super().__init__(parent)
        self._show = show
        self._is_wanted = False
        self._timer = QtCore.QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(interval_ms)
        self._timer.timeout.connect(self._on_timeout)

    def request(self) -> None:
        """Something new was gathered."""
        if self._timer.isActive():
            self._is_wanted = True
        else:
            self.flush()
            self._timer.start()

    def flush(self) -> None:
        """Shows what was gathered now."""
        self._is_wanted = False
        self._show()

    def _on_timeout(self) -> None:
        if self._is_wanted:
            self.flush()
            self._timer.start()
