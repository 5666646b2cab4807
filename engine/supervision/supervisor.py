"""Starts the child processes, sees when one dies, hangs or is stuck, and starts it again; stops them in order.

Mechanics, judgement and policy are apart: :class:`engine.supervision.process.ChildProcess` does,
:class:`engine.supervision.health.Health` judges, :class:`engine.supervision.policy.RestartPolicy` decides. One
thread, which lives until all children have ended: on Linux they die with the thread that started them.
"""

import contextlib
import multiprocessing
import queue
import threading
import time
from collections.abc import Callable, Collection
from multiprocessing.connection import wait
from typing import Any, Final

from engine import logs
from engine.settings import Settings
from engine.supervision.orphans import Job
from engine.supervision.policy import RestartPolicy
from engine.supervision.process import ChildProcess, ChildSpec
from engine.wire.messages import ProcessState, ProcessStatus

log = logs.get(__name__)
_spawn = multiprocessing.get_context("spawn")

_LOOK_S: Final = 0.1
"""How often heartbeats and waits are looked at; deaths wake the thread at once."""
_HELD_UP_S: Final = 1.0
"""The machine slept or this program stood still for so long: silence of the children proves nothing."""


class Supervisor:
    """Keeps its children alive between :meth:`start` and :meth:`stop`.

    Args:
        settings: of the run.
        on_status: called on the supervisor's thread with each change of a child.
        gateway_pulsed: when the gateway last worked, monotonic seconds. Children are given their work by it: while
            it is held up itself none is judged. Without it nobody is judged by its work.
    """

    def __init__(
        self,
        settings: Settings,
        on_status: Callable[[ProcessStatus], None],
        *,
        gateway_pulsed: Callable[[], float] | None = None,
    ) -> None:
        self._settings = settings.supervision
        self._on_status, self._gateway_pulsed = on_status, gateway_pulsed
        self._children: dict[str, ChildProcess] = {}
        self._job = Job()
        self._wake, self._waker = _spawn.Pipe(duplex=False)
        self._lock = threading.Lock()
        self._asked: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
        self._ready = threading.Condition()
        self._closed = threading.Event()
        self._looked = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._thread.start()

    # --- asked by other threads ----------------------------------------------------------------------------------

    def start(self, *specs: ChildSpec) -> None:
        """Starts children in this order, each when the one before is ready; those that run already are left."""
        self._ask(self._add, specs)

    def start_again(self, name: str) -> None:
        """A person starts a child that was given up; its early deaths are forgotten. One that runs is left."""
        self._ask(self._revive, name)

    def stop(self, reason: str, names: Collection[str] | None = None) -> bool:
        """Stops children, last started first, down the ladder; False if one does not end at all.

        Args:
            reason: why, for people.
            names: only these; None stops all.
        """
        if not self.is_running:
            return True
        answer: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._ask(self._stop, reason, answer, names)
        try:
            return answer.get(timeout=3 * self._settings.stop_timeout_s + 10)
        except queue.Empty:
            log.error("children not stopped in time", reason=reason)
            return False

    def close(self) -> bool:
        """Stops the children and ends the thread; False if a child does not end."""
        if self._closed.is_set():
            return True
        ended = self.stop("the program ends")
        self._ask(self._closed.set)
        self._thread.join(10)
        self._job.close()
        if self.is_running:
            log.error("the supervisor does not end")
            return False
        self._wake.close()
        self._waker.close()
        return ended

    @property
    def is_running(self) -> bool:
        """Its thread lives."""
        return self._thread.is_alive()

    def heartbeat(self, node: str, pid: int, ts_last_work: int) -> None:
        """Notes that a child's work loop lives, and its stamp of its last work."""
        child = self._children.get(node)
        if child is not None and child.pid == pid:
            child.health.hear(time.monotonic(), ts_last_work)

    def wait_ready(self, names: set[str], timeout_s: float) -> bool:
        """Waits until these children are ready."""
        with self._ready:
            return self._ready.wait_for(
                lambda: all(self.state(name) is ProcessState.READY for name in names), timeout_s
            )

    def is_well(self, name: str) -> bool:
        """A child is ready and was heard lately."""
        child = self._children.get(name)
        return child is not None and child.state is ProcessState.READY and child.health.is_fresh(time.monotonic())

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
        return child.pid if child else 0

    @property
    def restarts(self) -> int:
        """How often children were started again."""
        return sum(child.restarts for child in list(self._children.values()))

    def _ask(self, what: Callable[..., None], *args: Any) -> None:
        with self._lock:
            self._asked.append((what, args))
            with contextlib.suppress(OSError):
                self._waker.send_bytes(b"x")

    # --- the supervisor's thread ---------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._look()
            except Exception:
                log.exception("supervisor failed")
                time.sleep(_LOOK_S)  # a fault that lasts must not take the whole processor

    def _look(self) -> None:
        sentinels = [found for child in self._children.values() for found in child.sentinels]
        wait([self._wake, *sentinels], _LOOK_S)
        self._obey()
        now = time.monotonic()
        if now - self._looked > _HELD_UP_S or self._is_gateway_held_up(now):
            for child in self._children.values():
                child.health.excuse(now)
        self._looked = now
        for child in list(self._children.values()):
            self._guarded(self._look_at, child)

    def _is_gateway_held_up(self, now: float) -> bool:
        pulsed = self._gateway_pulsed
        return pulsed is not None and now - pulsed() > self._settings.work_limit_s / 2

    def _guarded(self, act: Callable[..., None], *args: Any) -> None:
        """Runs one act; a bug in it never keeps the next from being done."""
        try:
            act(*args)
        except Exception:
            log.exception("supervisor failed", act=getattr(act, "__name__", str(act)))

    def _obey(self) -> None:
        with self._lock:
            while self._wake.poll():
                self._wake.recv_bytes()
            asked, self._asked = self._asked, []
        for what, args in asked:
            self._guarded(what, *args)

    def _add(self, specs: tuple[ChildSpec, ...]) -> None:
        for spec in specs:
            if spec.name in self._children:
                self._revive(spec.name)
            else:
                self._children[spec.name] = ChildProcess(spec, self._settings)

    def _revive(self, name: str) -> None:
        child = self._children.get(name)
        if child is None or child.exists:
            return
        child.policy = RestartPolicy(self._settings)
        child.start_at = time.monotonic()
        if child.state is ProcessState.GAVE_UP:
            child.restarts += 1
            child.state = ProcessState.DEAD

    def _look_at(self, child: ChildProcess) -> None:
        now = time.monotonic()
        if child.state is ProcessState.GAVE_UP:
            return
        if not child.exists:
            if now >= child.start_at and self._may_start(child):
                self._start(child)
            return
        self._listen(child)
        if not child.is_alive:
            self._died(child, ProcessState.DEAD)
        elif fault := child.health.fault(now, judges_work=self._gateway_pulsed is not None):
            child.kill()
            self._died(child, ProcessState.HUNG, f"{fault} and was killed")

    def _start(self, child: ChildProcess) -> None:
        try:
            child.start(self._job)
        except Exception as error:
            log.exception("child not started", node=child.spec.name)
            self._died(child, ProcessState.DEAD, f"could not be started: {error}")
        else:
            self._tell(child, "")

    def _may_start(self, child: ChildProcess) -> bool:
        """A child starts for the first time when those before it are ready.

        Of those aside only the next one aside waits, and not for longer than their first try.
        """
        for before in self._children.values():
            if before is child or child.restarts:
                return True
            if before.spec.is_aside:
                if child.spec.is_aside and before.state is ProcessState.STARTING:
                    return False
            elif before.state is not ProcessState.READY:
                return False
        return True

    def _listen(self, child: ChildProcess) -> None:
        if child.listen():
            self._tell(child, "")

    def _died(self, child: ChildProcess, state: ProcessState, text: str = "") -> None:
        self._listen(child)  # its last words may have come after the last look
        text = text or child.death()
        child.policy = child.policy.after_death(time.monotonic() - child.health.started)
        child.drop()
        if child.policy.gives_up:
            child.state = ProcessState.GAVE_UP
            self._tell(child, f"{text}; it died {child.policy.early_deaths} times in a row: look at its log")
            return
        child.restarts += 1
        child.state = state
        child.start_at = time.monotonic() + child.policy.delay_s
        self._tell(child, f"{text}; it starts again in {child.policy.delay_s:g} s")

    # --- the ladder ----------------------------------------------------------------------------------------------

    def _stop(self, reason: str, answer: "queue.SimpleQueue[bool]", names: Collection[str] | None) -> None:
        """Ask, terminate, kill; each rung for all these children at once, the last started first."""
        chosen = [child for name, child in self._children.items() if names is None or name in names]
        order = chosen[::-1]
        pushed: dict[str, str] = {}
        for child in order:
            child.ask_to_stop(reason)
        self._await_end(order)
        for done, push in (("terminated", ChildProcess.terminate), ("killed", ChildProcess.kill)):
            for child in order:
                if child.is_alive:
                    pushed[child.spec.name] = done
                    log.warning("does not stop", node=child.spec.name, is_now=done, reason=reason)
                    push(child)
            self._await_end(order)
        left = [child for child in order if child.is_alive]
        self._children = {name: child for name, child in self._children.items() if child not in chosen}
        for child in order:
            self._guarded(self._release, child, reason, pushed.get(child.spec.name, ""))
        answer.put(not left)

    def _release(self, child: ChildProcess, reason: str, pushed: str) -> None:
        pid, is_left = child.pid, child.is_alive
        child.drop()
        child.state = ProcessState.HUNG if is_left else ProcessState.STOPPED
        if is_left:
            self._tell(child, f"{reason}; process {pid} does not end even when killed: end it by hand")
        elif pushed:
            self._tell(child, f"{reason}; it did not stop when asked and was {pushed}")
        else:
            self._tell(child, reason)

    def _await_end(self, children: list[ChildProcess]) -> None:
        deadline = time.monotonic() + self._settings.stop_timeout_s
        for child in children:
            child.join(deadline - time.monotonic())

    def _tell(self, child: ChildProcess, text: str) -> None:
        status = ProcessStatus(
            node=child.spec.name,
            state=child.state,
            pid=child.pid,
            restarts=child.restarts,
            text=text,
            ts_event=time.time_ns(),
        )
        is_bad = child.state in (ProcessState.DEAD, ProcessState.HUNG, ProcessState.GAVE_UP)
        (log.warning if is_bad else log.info)("process", node=status.node, state=status.state, text=text)
        with self._ready:
            self._ready.notify_all()
        self._guarded(self._on_status, status)
