"""Structured logs: one JSON line each, one file a process, all in one folder.

Every line has time, level, process, logger and event; callers add ids (order, signal, condition) and the cause by
name. Secrets never reach a log: fields with such names are masked before a line is written. Built on the standard
library's logging alone, because child processes must start in tens of milliseconds. Logging never stops a program:
what cannot be written goes to standard error.
"""

import contextlib
import errno
import json
import logging
import logging.handlers
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, TextIO

from engine.timing import iso

_SECRET: Final = ("password", "secret", "token", "certificate")
_KEPT_BYTES: Final = 20_000_000
_KEPT_FILES: Final = 5
_PROGRAMS: Final = 16
"""So many programs of one name may log into one folder at the same time."""

Forward = Callable[[str, str, dict[str, str]], None]
"""Takes level, text and ids of each line (to the log panel)."""


class Log:
    """The logger of a module: an event and named fields."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def info(self, event: str, **ids: object) -> None:
        """Something that is as it should be."""
        self._logger.info(event, extra={"ids": ids})

    def warning(self, event: str, **ids: object) -> None:
        """Something expected to go wrong at times, and dealt with."""
        self._logger.warning(event, extra={"ids": ids})

    def error(self, event: str, **ids: object) -> None:
        """Something that a person must look at."""
        self._logger.error(event, extra={"ids": ids})

    def exception(self, event: str, **ids: object) -> None:
        """A bug: logged with its traceback."""
        self._logger.exception(event, extra={"ids": ids})


def get(name: str) -> Log:
    """The logger of a module."""
    return Log(name)


def configure(folder: Path, process: str, *, forward: Forward | None = None, console: bool = False) -> str:
    """Sends the logs of this process to ``folder/process.jsonl``.

    A second process of the same name (another terminal) writes ``process-2.jsonl``: on Windows nobody can rotate a
    file that somebody else holds open.

    Args:
        folder: created if it is missing.
        process: name of this process (``terminal``, ``executor``, ``strategy-1``).
        forward: called with each line of level INFO and above; must not block.
        console: also to standard error, for headless commands.

    Returns:
        A sentence for the user where the folder cannot be used and standard error is, else nothing.
    """
    close()
    handlers: list[logging.Handler] = []
    problem = ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handlers.append(_File(_own_path(folder, process)))
    except OSError as error:
        _unlock()
        problem = (
            f"{folder}: logs cannot be written there: {error.strerror}; they go to standard error. "
            "Make the folder writable, or name another as logs under [paths] in the settings"
        )
    if (console or problem) and sys.stderr is not None:
        handlers.append(logging.StreamHandler())
    if forward is not None:
        handlers.append(_Forwarder(forward))
    root = logging.getLogger()
    for handler in handlers:
        handler.setFormatter(_JsonLine(process))
        _ours.append(handler)
        root.addHandler(handler)
    root.setLevel(logging.INFO)
    if problem:
        get(__name__).warning(problem)
    return problem


def close() -> None:
    """Takes this program's handlers off again and closes their files."""
    while _ours:
        handler = _ours.pop()
        logging.getLogger().removeHandler(handler)
        with contextlib.suppress(OSError):  # what a full disk does not take is lost
            handler.close()
    _unlock()


_ours: list[logging.Handler] = []
_locks: list[TextIO] = []
"""The lock of the file that this process writes; the system releases it when the process ends."""


def _own_path(folder: Path, process: str) -> Path:
    """The first file of this name that no other process writes."""
    for number in range(1, _PROGRAMS + 1):
        name = process if number == 1 else f"{process}-{number}"
        if _is_locked_by_us(folder / f"{name}.lock"):
            return folder / f"{name}.jsonl"
    raise OSError(errno.EBUSY, f"{_PROGRAMS} programs of the name {process} log there already")


def _is_locked_by_us(path: Path) -> bool:
    file = path.open("a", encoding="ascii")
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
            file.close()
            return False
        # Some network drives know no locks: better two programs in one file than no log.
    _locks.append(file)
    return True


def _unlock() -> None:
    while _locks:
        with contextlib.suppress(OSError):
            _locks.pop().close()


def _ids(record: logging.LogRecord) -> dict[str, str]:
    """The named fields of a record as text, secrets masked."""
    return {key: str(value) for key, value in _masked(getattr(record, "ids", {})).items()}


def _masked(fields: dict[str, object]) -> dict[str, object]:
    """The same fields with the values of secrets hidden, also inside of tables."""
    return {
        key: "***"
        if any(word in str(key).lower() for word in _SECRET)
        else _masked(value)
        if isinstance(value, dict)
        else value
        for key, value in fields.items()
    }


class _JsonLine(logging.Formatter):
    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, str] = {
            "time": iso(int(record.created * 1e9)),
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "event": record.getMessage(),
            **_ids(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class _File(logging.handlers.RotatingFileHandler):
    """Never raises: says once on standard error that it cannot write (a full disk), and goes on trying."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            path, maxBytes=_KEPT_BYTES, backupCount=_KEPT_FILES, encoding="utf-8", errors="backslashreplace"
        )
        self._has_complained = False

    def doRollover(self) -> None:
        """A file that somebody reads cannot be renamed on Windows: it grows until it can."""
        try:
            super().doRollover()
        except OSError:
            if self.stream is None:
                self.stream = self._open()

    def handleError(self, record: logging.LogRecord) -> None:
        """Called by the library with the error at hand."""
        if not self._has_complained and sys.stderr is not None:
            self._has_complained = True
            print(f"{self.baseFilename}: log lines are lost: {sys.exc_info()[1]}", file=sys.stderr)


class _Forwarder(logging.Handler):
    def __init__(self, forward: Forward) -> None:
        super().__init__()
        self._forward = forward

    def emit(self, record: logging.LogRecord) -> None:
        self._forward(record.levelname.lower(), record.getMessage(), _ids(record))
