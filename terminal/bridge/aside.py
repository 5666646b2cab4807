"""Work in a process of its own beside the trading: started, listened to and ended from the window's thread."""

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any, Final

from PySide6 import QtCore

from engine import logs

log = logs.get(__name__)

_LOOK_MS: Final = 100
_GRACE_S: Final = 10.0


class AsideProcess(QtCore.QObject):
    """One process at a time, such as a drill or an import.

    Signals:
        told(object): what the process sent, such as progress, a report, or a sentence where it could not be done.
        ended(): the process is gone.

    Args:
        target: entry point of the process, importable by a spawned child; its last argument is the pipe.
        name: of the process, for the log.
    """

    told = QtCore.Signal(object)
    ended = QtCore.Signal()

    def __init__(self, target: Callable[..., None], name: str, parent: QtCore.QObject | None = None) -> None:
        super().__init__(parent)
        self._target, self._name = target, name
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._look)

    @property
    def is_running(self) -> bool:
        """There is a process."""
        return self._process is not None

    def start(self, *arguments: Any) -> None:
        """Starts the process with these arguments and the pipe."""
        if self._process is not None:
            return
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=self._target, args=(*arguments, theirs), name=self._name)
        self._process.start()
        theirs.close()
        self._timer.start()

    def ask_to_stop(self) -> None:
        """Sends a word through the pipe; a process that listens ends early and tells how far it came."""
        if self._pipe is not None:
            try:
                self._pipe.send("stop")
            except OSError:
                self.stop()  # it is gone

    def stop(self) -> None:
        """Nobody listens any more: the process ends by itself as soon as it has something to tell."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None

    def close(self) -> None:
        """Ends the process now; blocks for a moment, so best on a thread."""
        self.stop()
        if self._process is not None:
            self._process.join(_GRACE_S)
            if self._process.is_alive():
                log.warning("a process did not end by itself", process=self._name)
                self._process.terminate()
                self._process.join(_GRACE_S)

    def _look(self) -> None:
        process = self._process
        if process is None:
            return
        is_alive = process.is_alive()
        self._take()
        if not is_alive:
            self._timer.stop()
            self.stop()
            process.join()
            process.close()
            self._process = None
            self.ended.emit()

    def _take(self) -> None:
        try:
            while self._pipe is not None and self._pipe.poll():
                self.told.emit(self._pipe.recv())
        except (EOFError, OSError):
            self.stop()
