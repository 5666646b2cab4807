"""Child processes: started without Qt, watched, started again, stopped, and never left behind."""

import dataclasses
import functools
import itertools
import logging
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.model.condition import ConditionState
from engine.model.guard import GuardFault
from engine.model.order import Side
from engine.settings import Strategy, Supervision, Wire
from engine.strategies.runner import share_of
from engine.supervision.child import ChildContext, Main
from engine.supervision.hearing import Hearing
from engine.supervision.process import ChildProcess, ChildSpec
from engine.supervision.proxy import TelemetryProxy
from engine.supervision.supervisor import Supervisor
from engine.wire.messages import Heartbeat, ProcessState, ProcessStatus
from tests.process import nodes
from tests.process.running import DEADLINE_S, SYMBOL, Engine, settings_for_tests, simulated, until

P = ProcessState
QUICK = Supervision(
    ready_timeout_s=10.0,
    heartbeat_limit_s=1.0,
    restart_delay_s=0.05,
    restart_delay_max_s=0.2,
    max_early_deaths=4,
    stop_timeout_s=0.4,
)


class Watch:
    """A supervisor without the rest of the engine, and all that it tells.

    With ``pulsed`` it hears heartbeats and judges children by their work, as it does beside a gateway.
    """

    def __init__(self, *, pulsed: Callable[[], float] | None = None, **changes: Any) -> None:
        self.settings = settings_for_tests(
            supervision=dataclasses.replace(QUICK, **changes), wire=Wire(heartbeat_interval_s=0.05)
        )
        self.told: list[tuple[float, ProcessStatus]] = []
        self.supervisor = Supervisor(self.settings, self.on_status, gateway_pulsed=pulsed)
        self.proxy = TelemetryProxy(self.settings, None) if pulsed else None
        self.hearing: Hearing | None = None
        if self.proxy:
            self.hearing = Hearing(self.proxy.outward, wire=self.settings.wire, keys=None, on_beat=self.on_beat)
            self.hearing.start()

    def on_status(self, status: ProcessStatus) -> None:
        self.told.append((time.monotonic(), status))

    def on_beat(self, beat: Heartbeat) -> None:
        self.supervisor.heartbeat(beat.node, beat.pid, beat.ts_last_work)

    def context(self, name: str, **extra: Any) -> ChildContext:
        telemetry = self.proxy.inward if self.proxy else ""
        return ChildContext(name=name, settings=self.settings, keys=None, telemetry=telemetry, extra=extra)

    def start(self, main: Main, name: str = "node", **extra: Any) -> None:
        self.supervisor.start(ChildSpec(name, main, functools.partial(self.context, name, **extra)))

    def states(self, name: str = "node") -> list[ProcessState]:
        return [status.state for _, status in self.told if status.node == name]

    def texts(self, state: ProcessState) -> list[str]:
        return [status.text for _, status in self.told if status.state is state]

    def wait(self, state: ProcessState, count: int = 1) -> None:
        until(lambda: self.states().count(state) >= count, f"{count} times {state}; told: {self.told}")

    def close(self) -> None:
        self.supervisor.close()
        if self.hearing and self.proxy:
            self.hearing.close()
            self.proxy.close()


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    yield watch
    watch.close()


def gone(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


# --- without Qt -------------------------------------------------------------------------------------------------

QT = {"PySide6", "shiboken6", "pyqtgraph", "qasync", "numpy", "terminal"}


def test_a_child_loads_no_qt(watch: Watch) -> None:
    watch.start(nodes.tells_modules)
    assert watch.supervisor.wait_ready({"node"}, DEADLINE_S)
    modules = set(watch.supervisor.facts("node")["modules"].split(","))
    assert "zmq" in modules
    assert not modules & QT


def qt_libraries(process: psutil.Process) -> set[str]:
    return {Path(part.path).name for part in process.memory_maps() if "libQt6" in part.path}


@pytest.mark.parametrize("way", ["module", "script"])
@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory maps of processes")
def test_children_of_the_window_load_no_qt(tmp_path: Path, way: str) -> None:
    script = tmp_path / "terminal"
    script.write_text(
        "import sys\nfrom terminal.__main__ import main\nif __name__ == '__main__':\n    sys.exit(main())\n"
    )
    start = ["-m", "terminal"] if way == "module" else [str(script)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [sys.executable, *start, "--demo", "--for", "40"]
    program = psutil.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: len(nodes_of(program)) == 4, "recorder, scanner, executor and strategy", 2 * DEADLINE_S)
        until(lambda: all(len(child.memory_maps()) > 50 for child in nodes_of(program)), "loaded children")
        assert qt_libraries(program)
        for child in nodes_of(program):
            assert not qt_libraries(child)
    finally:
        children = program.children(recursive=True)
        program.kill()
        program.wait(DEADLINE_S)
        until(lambda: all(gone(child.pid) for child in children), "end of the children")


def nodes_of(program: psutil.Process) -> list[psutil.Process]:
    found = []
    for child in program.children(recursive=True):
        command = " ".join(child.cmdline())
        if "spawn_main" in command and "resource_tracker" not in command:
            found.append(child)
    return found


# --- the supervisor's rules -------------------------------------------------------------------------------------


def test_a_child_that_crashes_at_once_is_started_with_growing_waits_and_then_given_up(watch: Watch) -> None:
    watch.start(nodes.crashes)
    watch.wait(P.GAVE_UP)
    assert watch.states() == [P.STARTING, P.DEAD] * 4 + [P.STARTING, P.GAVE_UP]
    assert watch.told[-1][1].restarts == 4
    assert watch.told[-1][1].text
    waits = [
        later - earlier
        for (earlier, before), (later, after) in itertools.pairwise(watch.told)
        if (before.state, after.state) == (P.DEAD, P.STARTING)
    ]
    for waited, least in zip(waits, (0.05, 0.1, 0.2, 0.2), strict=True):
        assert waited >= least
    assert [status.text.rpartition(" in ")[2] for _, status in watch.told if status.state is P.DEAD] == [
        "0.05 s",
        "0.1 s",
        "0.2 s",
        "0.2 s",
    ]
    assert watch.supervisor.pid("node") == 0


def test_a_child_that_dies_after_it_was_ready_is_started_again(watch: Watch) -> None:
    watch.start(nodes.dies_after_ready)
    watch.wait(P.DEAD, 2)
    assert watch.states()[:3] == [P.STARTING, P.READY, P.DEAD]
    assert "exit code 3" in next(status.text for _, status in watch.told if status.state is P.DEAD)


def test_a_child_that_never_gets_ready_hangs() -> None:
    watch = Watch(ready_timeout_s=0.5)
    try:
        watch.start(nodes.silent)
        watch.wait(P.HUNG)
        assert watch.states()[:2] == [P.STARTING, P.HUNG]
    finally:
        watch.close()


def test_a_child_is_asked_to_stop(watch: Watch) -> None:
    watch.start(nodes.good)
    watch.wait(P.READY)
    pid = watch.supervisor.pid("node")
    assert watch.supervisor.stop("the test ends")
    assert gone(pid)
    assert watch.states() == [P.STARTING, P.READY, P.STOPPED]
    assert watch.told[-1][1].text == "the test ends"


@pytest.mark.parametrize(
    ("main", "rung"),
    [(nodes.deaf, "terminated"), (nodes.deaf_and_stubborn, "terminated" if os.name == "nt" else "killed")],
)
def test_a_child_that_does_not_listen_is_terminated_or_killed(watch: Watch, main: Main, rung: str) -> None:
    watch.start(main)
    watch.start(nodes.good, "second")
    watch.wait(P.READY)
    assert watch.supervisor.wait_ready({"node", "second"}, DEADLINE_S)
    pids = [watch.supervisor.pid(name) for name in ("node", "second")]
    assert watch.supervisor.stop("the test ends")
    assert all(gone(pid) for pid in pids)
    assert watch.states()[-1] is P.STOPPED
    assert watch.texts(P.STOPPED) == [
        "the test ends",
        f"the test ends; it did not stop when asked and was {rung}",
    ]


def test_a_child_that_nothing_ends_is_named(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    watch.start(nodes.deaf)
    watch.wait(P.READY)
    pid = watch.supervisor.pid("node")
    monkeypatch.setattr(ChildProcess, "terminate", lambda child: None)
    monkeypatch.setattr(ChildProcess, "kill", lambda child: None)
    try:
        assert not watch.supervisor.stop("the test ends")
        assert f"process {pid} does not end even when killed" in watch.told[-1][1].text
        assert watch.states()[-1] is P.HUNG
    finally:
        psutil.Process(pid).kill()


def test_a_stopped_supervisor_starts_again(watch: Watch) -> None:
    for _ in range(2):
        watch.start(nodes.good)
        assert watch.supervisor.wait_ready({"node"}, DEADLINE_S)
        watch.supervisor.stop("again")
    assert watch.states() == [P.STARTING, P.READY, P.STOPPED] * 2
    assert watch.supervisor.restarts == 0


def test_a_child_waits_for_the_one_before_it(watch: Watch) -> None:
    watch.supervisor.start(
        *(ChildSpec(name, nodes.good, functools.partial(watch.context, name)) for name in ("first", "second"))
    )
    assert watch.supervisor.wait_ready({"first", "second"}, DEADLINE_S)
    told = [(status.node, status.state) for _, status in watch.told]
    assert told[:3] == [("first", P.STARTING), ("first", P.READY), ("second", P.STARTING)]


# --- causes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("main", "cause"),
    [
        (nodes.crashes, "RuntimeError: as the test wants it;"),
        (nodes.cannot_go_on, "the port is taken; choose another;"),
    ],
)
def test_a_child_that_fails_says_why(watch: Watch, main: Main, cause: str) -> None:
    watch.start(main)
    watch.wait(P.GAVE_UP)
    told = watch.texts(P.DEAD) + watch.texts(P.GAVE_UP)
    assert len(told) == 5
    assert all(text.startswith(cause) for text in told)


@pytest.mark.skipif(os.name == "nt", reason="Windows ends processes without a signal")
def test_a_killed_child_is_told_as_killed(watch: Watch) -> None:
    watch.start(nodes.good)
    watch.wait(P.READY)
    psutil.Process(watch.supervisor.pid("node")).kill()
    watch.wait(P.DEAD)
    assert watch.texts(P.DEAD)[0].startswith("was ended by SIGKILL")


def test_a_child_that_cannot_be_made_is_given_up(watch: Watch, expected_errors: list[logging.LogRecord]) -> None:
    def broken() -> ChildContext:
        raise ValueError("no context today")

    watch.supervisor.start(ChildSpec("node", nodes.good, broken))
    watch.wait(P.GAVE_UP)
    assert watch.states() == [P.DEAD] * 4 + [P.GAVE_UP]
    assert "no context today" in watch.told[-1][1].text
    assert len(expected_errors) == 5


def test_a_person_starts_a_child_again_that_was_given_up(watch: Watch, tmp_path: Path) -> None:
    file = tmp_path / "needed"
    watch.start(nodes.needs_a_file, file=str(file))
    watch.wait(P.GAVE_UP)
    file.touch()
    watch.supervisor.start_again("node")
    watch.wait(P.READY)
    assert watch.states()[-3:] == [P.GAVE_UP, P.STARTING, P.READY]
    assert watch.told[-1][1].restarts == 5
    watch.supervisor.start_again("node")  # it runs: left alone
    watch.start(nodes.needs_a_file)
    assert watch.supervisor.stop("the test ends")
    assert watch.states()[-3:] == [P.STARTING, P.READY, P.STOPPED]


def test_who_is_told_may_fail(watch: Watch, expected_errors: list[logging.LogRecord]) -> None:
    def fails(status: ProcessStatus) -> None:
        Watch.on_status(watch, status)
        raise ValueError("the window is gone")

    watch.supervisor._on_status = fails
    watch.start(nodes.good)
    watch.start(nodes.good, "second")
    assert watch.supervisor.wait_ready({"node", "second"}, DEADLINE_S)
    assert watch.supervisor.stop("the test ends")
    assert watch.states() == watch.states("second") == [P.STARTING, P.READY, P.STOPPED]
    assert len(expected_errors) == 6


# --- work -------------------------------------------------------------------------------------------------------


def test_a_child_that_lives_but_works_no_more_is_started_again() -> None:
    watch = Watch(pulsed=time.monotonic, work_limit_s=0.5)
    try:
        watch.start(nodes.works, "good")
        watch.start(nodes.stops_working)
        watch.wait(P.HUNG, 2)
        assert watch.states()[:5] == [P.STARTING, P.READY, P.HUNG, P.STARTING, P.READY]
        assert watch.texts(P.HUNG)[0].startswith("lived, but did no work for 0.5 s and was killed")
        assert watch.states("good") == [P.STARTING, P.READY]
    finally:
        watch.close()


def test_while_the_gateway_is_held_up_nobody_is_judged() -> None:
    held_up = threading.Event()
    held_up.set()
    watch = Watch(pulsed=lambda: 0.0 if held_up.is_set() else time.monotonic(), work_limit_s=0.3)
    try:
        watch.start(nodes.stops_working)
        watch.wait(P.READY)
        hearing = watch.hearing
        assert hearing
        until(lambda: hearing.total("looks", "node") > 100, "a second without work")  # 10 ms each at least
        assert watch.states() == [P.STARTING, P.READY]
        held_up.clear()
        watch.wait(P.HUNG)
    finally:
        watch.close()


def test_a_fault_while_hearing_does_not_end_it(expected_errors: list[logging.LogRecord]) -> None:
    watch = Watch(pulsed=time.monotonic)
    heard: list[Heartbeat] = []

    def fails_once(beat: Heartbeat) -> None:
        heard.append(beat)
        if len(heard) == 1:
            raise ValueError("a bad beat")

    try:
        hearing = watch.hearing
        assert hearing
        hearing._on_beat = fails_once
        watch.start(nodes.works)
        until(lambda: len(heard) > 3, "further heartbeats")
        assert [record.getMessage() for record in expected_errors] == ["heartbeat not taken"]
    finally:
        watch.close()


# --- a running engine -------------------------------------------------------------------------------------------


def exit_of(signals: list[str]) -> str:
    return next(name for name in signals if name in ("held/take_profit/1", "held/stop_loss/1"))


def replaced(engine: Engine, name: str, before: int) -> bool:
    return engine.host.pid(name) not in (0, before) and engine.host.is_trading


@pytest.mark.parametrize("name", ["executor", "strategy-1"])
def test_a_killed_child_is_back_and_no_order_is_sent_twice(tmp_path: Path, name: str) -> None:
    with simulated(tmp_path, trading=True) as engine:
        engine.enter("held")
        engine.reach("held", ConditionState.OPEN)
        engine.enter("waiting", Side.SELL)
        pid = engine.host.pid(name)
        psutil.Process(pid).kill()
        until(lambda: replaced(engine, name, pid), "restart")
        until(lambda: P.DEAD in (told := engine.states_of(name)) and told[-1] is P.READY, "told so")
        states = engine.states_of(name)
        assert states[states.index(P.DEAD) :] == [P.DEAD, P.STARTING, P.READY]
        assert engine.life_of(name)[-1].restarts == 1
        assert engine.host.restarts == 1
        engine.reach("waiting", ConditionState.OPEN)
        engine.enter("after")
        engine.reach("after", ConditionState.OPEN)
        engine.tighten("held")
        engine.reach("held", ConditionState.CLOSED)
        orders = engine.snapshot().orders
        signals = [order.signal_id for order in orders if order.signal_id]
        assert len(signals) == len(set(signals))
        assert sorted(signals) == ["after/entry/1", "held/entry/1", exit_of(signals), "waiting/entry/1"]
        assert all(order.filled == 1 for order in orders)


def test_a_signal_given_while_the_executor_is_dead_is_not_lost(tmp_path: Path) -> None:
    with simulated(tmp_path, trading=True) as engine:
        engine.enter("held")
        engine.reach("held", ConditionState.OPEN)
        psutil.Process(engine.host.pid("executor")).kill()
        engine.tighten("held")
        engine.reach("held", ConditionState.CLOSED)
        assert engine.net() == 0
        exits = [order for order in engine.snapshot().orders if order.reduce_only]
        assert len(exits) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot freeze a process by a signal")
def test_a_frozen_child_hangs_and_is_replaced(tmp_path: Path) -> None:
    with simulated(tmp_path, settings=settings_for_tests(supervision=QUICK), trading=True) as engine:
        until(lambda: "strategy-1" in engine.host.counts, "a heartbeat")
        pid = engine.host.pid("strategy-1")
        os.kill(pid, signal.SIGSTOP)
        until(lambda: replaced(engine, "strategy-1", pid), "restart")
        until(lambda: engine.states_of("strategy-1")[-1:] == [P.READY], "told so")
        assert engine.states_of("strategy-1")[-3:] == [P.HUNG, P.STARTING, P.READY]
        assert "no sign of life" in next(
            status.text for status in engine.life_of("strategy-1") if status.state is P.HUNG
        )
        assert gone(pid)
        assert P.HUNG not in engine.states_of("executor")


HOST_SCRIPT = """
    import dataclasses, os, sys, threading, time
    from pathlib import Path
    from tests.process.running import simulated

    def main():
        with simulated(Path(sys.argv[1]), trading=True) as engine:
            print(engine.host.pid("executor"), engine.host.pid("strategy-1"), flush=True)
            threading.Event().wait(60)

    if __name__ == "__main__":
        main()
"""


@pytest.mark.parametrize("frozen", [False, True])
def test_no_child_outlives_a_killed_main_process(tmp_path: Path, frozen: bool) -> None:
    if frozen and sys.platform != "linux":
        pytest.skip("freezes the children by a signal; only the kernel of Linux is asked to kill them")
    script = tmp_path / "host.py"
    script.write_text(textwrap.dedent(HOST_SCRIPT), encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)], env=environment, stdout=subprocess.PIPE, text=True
    ) as program:
        try:
            assert program.stdout
            pids = [int(text) for text in program.stdout.readline().split()]
            assert len(pids) == 2
            for pid in pids if frozen else ():
                os.kill(pid, signal.SIGSTOP)
                until(lambda pid=pid: psutil.Process(pid).status() == psutil.STATUS_STOPPED, "frozen")  # type: ignore[misc]
            assert not any(gone(pid) for pid in pids)
        finally:
            program.kill()
        until(lambda: all(gone(pid) for pid in pids), "end of the children", deadline_s=2.0)


@pytest.mark.skipif(sys.platform != "linux", reason="the frozen child must die with the supervisor's thread")
def test_the_rest_is_closed_though_a_child_does_not_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected_errors: list[logging.LogRecord]
) -> None:
    with simulated(tmp_path, settings=settings_for_tests(supervision=QUICK), trading=True) as engine:
        monkeypatch.setattr(ChildProcess, "terminate", lambda child: None)
        monkeypatch.setattr(ChildProcess, "kill", lambda child: None)
        pid = engine.host.pid("strategy-1")
        os.kill(pid, signal.SIGSTOP)
        assert not engine.host.close()
        until(lambda: gone(pid), "the frozen child's end")
        assert not expected_errors


# --- who guards -------------------------------------------------------------------------------------------------

SLOW = dataclasses.replace(QUICK, heartbeat_limit_s=60.0, restart_delay_s=1.0, restart_delay_max_s=1.0)
F = GuardFault


def test_a_guard_is_known_to_be_down_at_once_when_its_process_is_killed(tmp_path: Path) -> None:
    settings = settings_for_tests(supervision=SLOW, strategy=Strategy(processes=2))
    first, second = "a", "b"
    assert (share_of(first, 2), share_of(second, 2)) == (1, 0)
    with simulated(tmp_path, settings=settings) as engine:
        fault = engine.host.guard_fault
        assert fault(first) is F.NOT_STARTED
        engine.host.start_trading()
        assert fault(first) is F.STRATEGY_DOWN
        assert engine.host.wait_trading(DEADLINE_S)
        assert (fault(first), fault(second)) == (F.NONE, F.NONE)
        psutil.Process(engine.host.pid("strategy-2")).kill()
        until(lambda: fault(first) is F.STRATEGY_DOWN, "the strategy's death", deadline_s=1.0)
        assert fault(second) is F.NONE
        until(lambda: fault(first) is F.NONE, "the strategy's return")
        psutil.Process(engine.host.pid("executor")).kill()
        until(lambda: fault(first) is fault(second) is F.EXECUTOR_DOWN, "the executor's death", deadline_s=1.0)
        until(lambda: fault(first) is fault(second) is F.NONE, "the executor's return")
        assert engine.host.stop_trading()
        assert fault(first) is F.NOT_STARTED


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot freeze a process by a signal")
def test_a_frozen_guard_is_known_to_be_down_before_it_is_replaced(tmp_path: Path) -> None:
    with simulated(tmp_path, settings=settings_for_tests(supervision=QUICK), trading=True) as engine:
        pid = engine.host.pid("executor")
        os.kill(pid, signal.SIGSTOP)
        until(lambda: engine.host.guard_fault("a") is F.EXECUTOR_DOWN, "the executor's silence")
        assert engine.host.pid("executor") == pid
        until(lambda: engine.host.guard_fault("a") is F.NONE, "the executor's return")
        assert engine.host.pid("executor") != pid


# --- a second strategy ------------------------------------------------------------------------------------------


def test_a_second_strategy_runs_in_its_own_process(tmp_path: Path) -> None:
    factory = functools.partial(nodes.EveryThird, "SIM-test", SYMBOL)
    with simulated(tmp_path, trading=True, strategies={"third": factory}) as engine:
        assert engine.host.child_names == ("executor", "strategy-1", "third")
        assert len({engine.host.pid(name) for name in engine.host.child_names}) == 3
        engine.enter("own")
        until(lambda: len([fill for fill in engine.fills() if fill.condition_id == "third"]) == 2, "its two fills")
        engine.reach("own", ConditionState.OPEN)
        orders = [order for order in engine.snapshot().orders if order.condition_id == "third"]
        assert [(order.side, order.reduce_only, order.filled) for order in orders] == [
            (Side.BUY, False, 1),
            (Side.SELL, True, 1),
        ]
