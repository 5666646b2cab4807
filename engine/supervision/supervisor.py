"""Starts the child processes, sees when one dies or hangs, and starts it again; stops them in order.

Mechanics and policy are apart: :class:`engine.supervision.policy.RestartPolicy` decides, this does. One thread,
which lives until all children have ended: on Linux they die with the thread that started them.
"""

import contextlib
import multiprocessing
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from engine import logs
from engine.settings import Settings
from engine.supervision.child import ChildContext, Main, run
from engine.supervision.policy import RestartPolicy
from engine.wire.messages import ProcessState, ProcessStatus

log = logs.get(__name__)
_spawn = multiprocessing.get_context("spawn")

_LOOK_S = 0.1
"""How often heartbeats and waits are looked at; deaths wake the thread at once."""


@dataclass(frozen=True, slots=True)
class ChildSpec:
    """How a child is made.

    Attributes:
        name: of the process.
        main: module-level function that does its work.
        context: makes its context; called at every start, so that a restart sees the present endpoints.
    """

    name: str
    main: Main
    context: Callable[[], ChildContext]


class _Running:
    """One child: its process, its pipe and what is known of its health."""

    def __init__(self, spec: ChildSpec, policy: RestartPolicy) -> None:
        self.spec = spec
        self.policy = policy
        self.state = ProcessState.STARTING
        self.restarts = 0
        self.process: SpawnProcess | None = None
        self.pipe: Connection | None = None
        self.started = 0.0
        self.heard = 0.0
        self.start_at = time.monotonic()
        self.facts: dict[str, str] = {}

    def start(self) -> None:
        """Spawns the process."""
        self.pipe, theirs = _spawn.Pipe()
        process = _spawn.Process(
            target=run, args=(self.spec.main, self.spec.context(), theirs), name=self.spec.name
        )
        try:
            process.start()
        finally:
            theirs.close()
        self.process = process
        self.started = self.heard = time.monotonic()
        self.state = ProcessState.STARTING

    def ask_to_stop(self) -> None:
        """First rung of the ladder."""
        if self.pipe is not None:
            with contextlib.suppress(OSError):
                self.pipe.send("stop")

    def drop(self) -> None:
        """Releases the process and its pipe after it has ended."""
        if self.process is not None:
            self.process.join(1)
            with contextlib.suppress(ValueError):
                self.process.close()
        if self.pipe is not None:
            self.pipe.close()
        self.process = self.pipe = None


class Supervisor:
    """Keeps its children alive between :meth:`start` and :meth:`stop`.

    Args:
        settings: of the run.
        on_status: called on the supervisor's thread with each change of a child.
    """

    def __init__(self, settings: Settings, on_status: Callable[[ProcessStatus], None]) -> None:
        self._settings = settings.supervision
        self._on_status = on_status
        self._children: dict[str, _Running] = {}
        self._wake, self._waker = _spawn.Pipe(duplex=False)
        self._lock = threading.Lock()
        self._asked: list[tuple[str, Any]] = []
        self._beats: dict[str, tuple[int, float]] = {}
        self._ready = threading.Condition()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._thread.start()

    # --- asked by other threads ----------------------------------------------------------------------------------

    def start(self, *specs: ChildSpec) -> None:
        """Starts children in this order, each when the one before is ready."""
        self._ask("start", specs)

    def stop(self, reason: str, *, timeout_s: float = 15.0) -> None:
        """Stops all children, last started first, down the ladder; returns when they have ended."""
        done = threading.Event()
        self._ask("stop", (reason, done))
        done.wait(timeout_s)

    def close(self) -> None:
        """Stops the children and ends the thread."""
        self.stop("the program ends")
        self._ask("close", None)
        self._thread.join(10)
        self._wake.close()
        self._waker.close()

    def heartbeat(self, node: str, pid: int) -> None:
        """Notes that a child's work loop lives."""
        self._beats[node] = (pid, time.monotonic())

    def wait_ready(self, names: set[str], timeout_s: float) -> bool:
        """Waits until these children are ready."""
        with self._ready:
            return self._ready.wait_for(
                lambda: all(self.state(name) is ProcessState.READY for name in names), timeout_s
            )

    def state(self, name: str) -> ProcessState:
        """How a child is."""
        child = self._children.get(name)
        return child.state if child else ProcessState.STOPPED

    def facts(self, name: str) -> dict[str, str]:
        """What a child told when it became ready (its endpoint)."""
        child = self._children.get(name)
        return dict(child.facts) if child else {}

    def pid(self, name: str) -> int:
        """Process id of a child, 0 if there is none."""
        child = self._children.get(name)
        process = child.process if child else None
        return (process.pid or 0) if process else 0

    @property
    def restarts(self) -> int:
        """How often children were started again."""
        return sum(child.restarts for child in self._children.values())

    def _ask(self, what: str, arg: Any) -> None:
        with self._lock:
            self._asked.append((what, arg))
            with contextlib.suppress(OSError):
                self._waker.send_bytes(b"x")

    # --- the supervisor's thread ---------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closed.is_set():
            sentinels: list[Any] = [self._wake]
            for child in self._children.values():
                if child.process is not None:
                    sentinels.append(child.process.sentinel)
                if child.pipe is not None:
                    sentinels.append(child.pipe)
            wait(sentinels, _LOOK_S)
            try:
                self._obey()
                for child in list(self._children.values()):
                    self._look_at(child)
            except Exception:
                log.exception("supervisor failed")

    def _obey(self) -> None:
        with self._lock:
            while self._wake.poll():
                self._wake.recv_bytes()
            asked, self._asked = self._asked, []
        for what, arg in asked:
            if what == "start":
                for spec in arg:
                    self._children[spec.name] = _Running(spec, RestartPolicy(self._settings))
            elif what == "stop":
                self._stop_all(arg[0])
                arg[1].set()
            else:
                self._closed.set()

    def _look_at(self, child: _Running) -> None:
        now = time.monotonic()
        if child.state in (ProcessState.STOPPED, ProcessState.GAVE_UP):
            return
        if child.process is None:
            if now >= child.start_at and self._may_start(child):
                self._start(child)
            return
        self._listen(child)
        if not child.process.is_alive():
            self._died(child, ProcessState.DEAD, f"ended with exit code {child.process.exitcode}")
            return
        pid, beat = self._beats.get(child.spec.name, (0, 0.0))
        if pid == child.process.pid:
            child.heard = max(child.heard, beat)
        limit = self._settings.heartbeat_limit_s
        if child.state is ProcessState.STARTING:
            limit = self._settings.ready_timeout_s
        if now - child.heard > limit:
            child.process.kill()
            child.process.join(1)
            self._died(child, ProcessState.HUNG, f"gave no sign of life for {limit:g} s")

    def _start(self, child: _Running) -> None:
        try:
            child.start()
        except OSError as error:
            self._died(child, ProcessState.DEAD, f"could not be started: {error.strerror}")
        else:
            self._tell(child, "")

    def _may_start(self, child: _Running) -> bool:
        """A child starts for the first time when those before it are ready."""
        for before in self._children.values():
            if before is child:
                return True
            if before.state is not ProcessState.READY and not child.restarts:
                return False
        return True

    def _listen(self, child: _Running) -> None:
        try:
            while child.pipe is not None and child.pipe.poll():
                kind, facts = child.pipe.recv()
                if kind == "ready":
                    child.facts = facts
                    child.state = ProcessState.READY
                    child.heard = time.monotonic()
                    self._tell(child, "")
        except (EOFError, OSError):
            return

    def _died(self, child: _Running, state: ProcessState, text: str) -> None:
        child.policy = child.policy.after_death(time.monotonic() - child.started)
        child.drop()
        if child.policy.gives_up:
            child.state = ProcessState.GAVE_UP
            self._tell(child, f"{text}; it died {child.policy.early_deaths} times in a row: look at its log")
            return
        child.restarts += 1
        child.state = state
        child.start_at = time.monotonic() + child.policy.delay_s
        self._tell(child, f"{text}; it starts again in {child.policy.delay_s:g} s")

    def _stop_all(self, reason: str) -> None:
        """The ladder: ask, terminate, kill; each rung for all children at once, the last started first."""
        order = list(reversed(self._children.values()))
        for child in order:
            child.ask_to_stop()
        self._await_end(order)
        for child in order:
            if child.process is not None and child.process.is_alive():
                log.warning("terminated", node=child.spec.name, reason=reason)
                child.process.terminate()
        self._await_end(order)
        for child in order:
            if child.process is not None and child.process.is_alive():
                log.warning("killed", node=child.spec.name, reason=reason)
                child.process.kill()
        for child in order:
            child.drop()
            child.state = ProcessState.STOPPED
            self._tell(child, reason)
        self._children = {}

    def _await_end(self, children: list[_Running]) -> None:
        deadline = time.monotonic() + self._settings.stop_timeout_s
        for child in children:
            if child.process is not None:
                child.process.join(max(0.0, deadline - time.monotonic()))

    def _tell(self, child: _Running, text: str) -> None:
        status = ProcessStatus(
            node=child.spec.name,
            state=child.state,
            pid=(child.process.pid or 0) if child.process else 0,
            restarts=child.restarts,
            text=text,
            ts_event=time.time_ns(),
        )
        is_bad = child.state in (ProcessState.DEAD, ProcessState.HUNG, ProcessState.GAVE_UP)
        (log.warning if is_bad else log.info)("process", node=status.node, state=status.state, text=text)
        with self._ready:
            self._ready.notify_all()
        self._on_status(status)
