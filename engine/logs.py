"""Structured logs: one JSON line each, one file a process, all in one folder.

Every line has time, level, process and event; callers add ids (order, signal, condition) and the cause by name.
Secrets never reach a log: fields with such names are masked before a line is written.
"""

import logging
import logging.handlers
import sys
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Any, Final

import structlog

_SECRET: Final = ("password", "secret", "token", "certificate_password")
_KEPT_BYTES: Final = 20_000_000
_KEPT_FILES: Final = 5

Forward = Callable[[str, str, dict[str, str]], None]
"""Takes level, text and ids of each line (to the log panel)."""


def get(name: str) -> Any:
    """The logger of a module; call it with an event and named fields."""
    return structlog.get_logger(name)


def configure(folder: Path, process: str, *, forward: Forward | None = None, console: bool = False) -> None:
    """Sends the logs of this process to ``folder/process.jsonl``.

    Args:
        folder: created if it is missing.
        process: name of this process (``terminal``, ``executor``, ``strategy-1``).
        forward: called with each line of level INFO and above; must not block.
        console: also to standard error, for headless commands.
    """
    folder.mkdir(parents=True, exist_ok=True)
    handlers: list[logging.Handler] = [
        logging.handlers.RotatingFileHandler(
            folder / f"{process}.jsonl", maxBytes=_KEPT_BYTES, backupCount=_KEPT_FILES, encoding="utf-8"
        )
    ]
    if console and sys.stderr is not None:
        handlers.append(logging.StreamHandler())
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _named(process),
        _masked,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
    root = logging.getLogger()
    for old in [handler for handler in root.handlers if getattr(handler, "is_ours", False)]:
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        handler.setFormatter(formatter)
        handler.is_ours = True  # type: ignore[attr-defined]
        root.addHandler(handler)
    root.setLevel(logging.INFO)
    chain = [*shared, *([_forwarder(forward)] if forward else [])]
    structlog.configure(
        processors=[*chain, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def close() -> None:
    """Takes this program's handlers off again and closes their files."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if getattr(handler, "is_ours", False)]:
        root.removeHandler(handler)
        handler.close()
    structlog.reset_defaults()
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, structlog.stdlib.render_to_log_kwargs],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


Fields = MutableMapping[str, Any]


def _named(process: str) -> Callable[[Any, str, Fields], Fields]:
    def add(_logger: Any, _method: str, fields: Fields) -> Fields:
        fields["process"] = process
        return fields

    return add


def _masked(_logger: Any, _method: str, fields: Fields) -> Fields:
    for key in fields:
        if any(word in key.lower() for word in _SECRET):
            fields[key] = "***"
    return fields


def _forwarder(forward: Forward) -> Callable[[Any, str, Fields], Fields]:
    plain = ("event", "level", "process", "timestamp", "logger", "exc_info", "stack_info", "exception")

    def send(_logger: Any, _method: str, fields: Fields) -> Fields:
        level = str(fields.get("level", "info"))
        if level != "debug":
            ids = {key: str(value) for key, value in fields.items() if key not in plain}
            forward(level, str(fields.get("event", "")), ids)
        return fields

    return send
