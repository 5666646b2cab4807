"""One child process: spawning it, its pipe, and the rungs of the ladder that ends it. Decides nothing."""

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from engine.settings import Supervision
from engine.supervision.child import ChildContext, Main, run
from engine.supervision.health import Health
from engine.supervision.orphans import ORPHANED, Job
from engine.supervision.policy import RestartPolicy
from engine.wire.messages import ProcessState

_spawn = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """How a child is made.

    Attributes:
        name: of the process.
        main: module-level function that does its work.
        context: makes its context; called at every start, so that a restart sees the present endpoints.
        is_aside: trading does not need it: children that are not aside do not wait for it.
    """

    name: str
    main: Main
    context: Callable[[], ChildContext]
    is_aside: bool = False


class ChildProcess:
    """A child over all its starts; used on the supervisor's thread, its plain facts may be read by any.

    Args:
        spec: how it is made.
        settings: limits and delays.
    """

    def __init__(self, spec: ChildSpec, settings: Supervision) -> None:
        self.spec = spec
        self.policy = RestartPolicy(settings)
        self.health = Health(settings)
        self.state = ProcessState.STARTING
        self.restarts = 0
        self.pid = 0
        """0 while there is none."""
        self.start_at = time.monotonic()
        """When it is to be started, if it does not run."""
        self.facts: dict[str, str] = {}
        """What it told when it became ready (its endpoint)."""
        self._cause = ""
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None

    @property
    def exists(self) -> bool:
        """It was started and not yet dropped, dead or alive."""
        return self._process is not None

    @property
    def is_alive(self) -> bool:
        """The process runs."""
        return self._process is not None and self._process.is_alive()

    @property
    def sentinels(self) -> list[Any]:
        """What becomes readable when it ends or tells something."""
        process = [] if self._process is None else [self._process.sentinel]
        return process if self._pipe is None else [*process, self._pipe]

    def start(self, job: Job) -> None:
        """Spawns the process; whatever fails, :meth:`drop` cleans up."""
        self.state = ProcessState.STARTING
        self.health.begin(time.monotonic())
        self._cause = ""
        self._pipe, theirs = _spawn.Pipe()
        try:
            arguments = (self.spec.main, self.spec.context(), theirs)
            process = _spawn.Process(target=run, args=arguments, name=self.spec.name)
            process.start()
        finally:
            theirs.close()
        self._process, self.pid = process, process.pid or 0
        job.add(self.pid)

    def listen(self) -> bool:
        """Takes what it told; True if it has become ready."""
        is_ready = False
        try:
            while self._pipe is not None and self._pipe.poll():
                kind, told = self._pipe.recv()
                if kind == "ready":
                    self.facts, is_ready = told, True
                    self.state = ProcessState.READY
                    self.health.ready(time.monotonic())
                elif kind == "failed":
                    self._cause = told
        except (EOFError, OSError):
            self._close_pipe()
        return is_ready

    def death(self) -> str:
        """Why it ended, in words: its own where it left any."""
        code = None if self._process is None else self._process.exitcode
        if self._cause:
            return self._cause
        if code == ORPHANED:
            return "ended because it lost the main process"
        if code is not None and code < 0:
            with contextlib.suppress(ValueError):
                return f"was ended by {signal.Signals(-code).name}"
        return f"ended with exit code {code}"

    # --- the ladder ----------------------------------------------------------------------------------------------

    def ask_to_stop(self, reason: str) -> None:
        """First rung."""
        if self._pipe is not None:
            with contextlib.suppress(OSError):
                self._pipe.send(reason)

    def terminate(self) -> None:
        """Second rung."""
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """Last rung."""
        if self._process is not None:
            self._process.kill()

    def join(self, timeout_s: float) -> None:
        """Waits for its end."""
        if self._process is not None:
            self._process.join(max(0.0, timeout_s))

    def drop(self) -> None:
        """Releases the process, which should have ended, and its pipe."""
        self.join(1)
        if self._process is not None:
            with contextlib.suppress(ValueError):  # it does not end even when killed
                self._process.close()
        self._close_pipe()
        self._process, self.pid = None, 0

    def _close_pipe(self) -> None:
        if self._pipe is not None:
            self._pipe.close()
        self._pipe = None
