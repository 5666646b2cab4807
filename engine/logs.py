"""Structured logs: one JSON line each, one file a process, all in one folder.

Every line has time, level, process, logger and event; callers add ids (order, signal, condition) and the cause by
name. Secrets never reach a log: fields with such names are masked before a line is written. Built on the standard
library's logging alone, because child processes must start in tens of milliseconds.
"""

import json
import logging
import logging.handlers
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from engine.timing import iso

_SECRET: Final = ("password", "secret", "token", "certificate")
_KEPT_BYTES: Final = 20_000_000
_KEPT_FILES: Final = 5

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


def configure(folder: Path, process: str, *, forward: Forward | None = None, console: bool = False) -> None:
    """Sends the logs of this process to ``folder/process.jsonl``.

    Args:
        folder: created if it is missing.
        process: name of this process (``terminal``, ``executor``, ``strategy-1``).
        forward: called with each line of level INFO and above; must not block.
        console: also to standard error, for headless commands.
    """
    folder.mkdir(parents=True, exist_ok=True)
    close()
    handlers: list[logging.Handler] = [
        logging.handlers.RotatingFileHandler(
            folder / f"{process}.jsonl", maxBytes=_KEPT_BYTES, backupCount=_KEPT_FILES, encoding="utf-8"
        )
    ]
    if console and sys.stderr is not None:
        handlers.append(logging.StreamHandler())
    if forward is not None:
        handlers.append(_Forwarder(forward))
    root = logging.getLogger()
    for handler in handlers:
        handler.setFormatter(_JsonLine(process))
        _ours.append(handler)
        root.addHandler(handler)
    root.setLevel(logging.INFO)


def close() -> None:
    """Takes this program's handlers off again and closes their files."""
    while _ours:
        handler = _ours.pop()
        logging.getLogger().removeHandler(handler)
        handler.close()


_ours: list[logging.Handler] = []


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


class _Forwarder(logging.Handler):
    def __init__(self, forward: Forward) -> None:
        super().__init__()
        self._forward = forward

    def emit(self, record: logging.LogRecord) -> None:
        self._forward(record.levelname.lower(), record.getMessage(), _ids(record))
