"""The frame that every child process runs in: logs, telemetry, readiness, stop requests and the parent's death.

Nothing here may import Qt: a child starts in tens of milliseconds.
"""

import contextlib
import gc
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from typing import Any

from engine import logs
from engine.errors import EngineError
from engine.settings import Settings
from engine.supervision import orphans
from engine.wire.keys import ClientKeys, ServerKeys
from engine.wire.messages import Family, Heartbeat, LogLine
from engine.wire.sockets import Mailbox, Publisher

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class ChildContext:
    """What a child needs to know; handed over through the spawn pipe.

    Attributes:
        name: of the process (``executor``, ``strategy-1``).
        settings: of the run.
        keys: its client keys, None where sockets are not encrypted.
        binder: keys for a socket that it binds itself.
        market: endpoint of the feed.
        commands: endpoint of the gateway's command server.
        signals: endpoint of the executor.
        telemetry: where it connects its telemetry publisher, empty = none.
        is_paced: the market waits for the strategies (replay).
        extra: what only this kind of node needs.
    """

    name: str
    settings: Settings
    keys: ClientKeys | None
    binder: ServerKeys | None = None
    market: str = ""
    commands: str = ""
    signals: str = ""
    telemetry: str = ""
    is_paced: bool = False
    extra: dict[str, Any] = field(default_factory=dict)


class Telemetry:
    """Heartbeats and log lines of a process; heartbeats are sent by the work loop, so a stuck loop is silent."""

    def __init__(self, context: ChildContext) -> None:
        self._name = context.name
        self._interval_s = context.settings.wire.heartbeat_interval_s
        self._due = 0.0
        self._lines: list[LogLine] = []
        self._lock = threading.Lock()
        self.counts: dict[str, int] = {}
        self.ts_last_work = 0
        self._has_worked = False
        self._publisher: Publisher | None = None
        if context.telemetry:
            self._publisher = Publisher(
                context.telemetry,
                source=context.name,
                wire=context.settings.wire,
                keys=context.keys,
                bind=False,
            )

    def log_line(self, level: str, text: str, ids: dict[str, str]) -> None:
        """Keeps a log line for the next beat; any thread."""
        short = {key: value[:500] for key, value in ids.items()}
        line = LogLine(node=self._name, level=level, ts_event=time.time_ns(), text=text[:2000], ids=short)
        with self._lock:
            del self._lines[:-500]
            self._lines.append(line)

    def worked(self) -> None:
        """Notes that something useful was done; the next heartbeat tells."""
        self._has_worked = True

    def count(self, name: str, by: int = 1) -> None:
        """Adds to a named counter."""
        self.counts[name] = self.counts.get(name, 0) + by

    def beat(self) -> None:
        """Sends a heartbeat and the kept log lines, if it is time; call it from the work loop."""
        now = time.monotonic()
        if self._publisher is None or now < self._due:
            return
        self._due = now + self._interval_s
        if self._has_worked:
            self._has_worked, self.ts_last_work = False, time.time_ns()
        heartbeat = Heartbeat(
            node=self._name, pid=os.getpid(), ts_last_work=self.ts_last_work, counts=dict(self.counts)
        )
        self._publisher.publish(f"telemetry.health.{self._name}", heartbeat, family=Family.TELEMETRY)
        with self._lock:
            lines, self._lines = self._lines, []
        for line in lines:
            self._publisher.publish(f"telemetry.logs.{self._name}", line, family="logs")

    def publish(self, topic: str, body: object) -> None:
        """Sends something of the node's own; the work loop's thread."""
        if self._publisher is not None:
            self._publisher.publish(topic, body, family=Family.TELEMETRY)

    def close(self) -> None:
        """Sends what is kept and closes."""
        if self._publisher is not None:
            self._due = 0.0
            self.beat()
            self._publisher.close()


class Child:
    """What a node's main function gets: its context, telemetry, and how it is asked to stop."""

    def __init__(self, context: ChildContext, pipe: Connection) -> None:
        self.context = context
        self.telemetry = Telemetry(context)
        self.stopping = Mailbox()
        """Has an item when the process is asked to stop; add it to the poller."""
        self.is_stopping = False
        self._pipe = pipe

    def ready(self, **facts: str) -> None:
        """Tells the supervisor that the work begins."""
        with contextlib.suppress(OSError):
            self._pipe.send(("ready", facts))

    def watch(self) -> None:
        """Waits for a stop request and for the parent's death, on a thread of its own, until the process ends."""
        parent = multiprocessing.parent_process()
        sentinels: list[Any] = [self._pipe] + ([parent.sentinel] if parent else [])
        while True:
            for found in wait(sentinels):
                if found is not self._pipe:
                    os._exit(orphans.ORPHANED)
                try:
                    reason = self._pipe.recv()
                except (EOFError, OSError):
                    os._exit(orphans.ORPHANED)
                log.info("asked to stop", reason=reason)
                self.is_stopping = True
                self.stopping.put("stop")


Main = Callable[[Child], None]


def run(main: Main, context: ChildContext, pipe: Connection) -> None:
    """Entry point of a spawned process; one that fails tells the supervisor why before it ends."""
    orphans.die_with_parent()
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    child: Child | None = None
    try:
        child = Child(context, pipe)
        logs.configure(context.settings.paths.logs, context.name, forward=child.telemetry.log_line)
        threading.Thread(target=child.watch, name="watch", daemon=True).start()
        log.info("started", pid=os.getpid())
        gc.collect()  # garbage of the imports must not be kept for ever
        gc.freeze()  # modules are here to stay; collecting garbage need not look at them again
        main(child)
        log.info("stopped")
    except Exception as error:
        log.exception("crashed")
        with contextlib.suppress(OSError):
            pipe.send(("failed", _sentence(error)))
        sys.exit(1)
    finally:
        if child is not None:
            child.telemetry.close()
        logs.close()


def _sentence(error: Exception) -> str:
    """What went wrong, for the window; a bug is named by its type too."""
    text = str(error) if isinstance(error, EngineError) else f"{type(error).__name__}: {error}"
    return text[:500]
