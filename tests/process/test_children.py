"""Child processes: started without Qt, watched, started again, stopped, and never left behind."""

import dataclasses
import functools
import itertools
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.model.condition import ConditionState
from engine.model.order import Side
from engine.settings import Settings, Supervision
from engine.supervision.child import ChildContext, Main
from engine.supervision.process import ChildSpec
from engine.supervision.supervisor import Supervisor
from engine.wire.messages import ProcessState, ProcessStatus
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
    """A supervisor without the rest of the engine, and all that it tells."""

    def __init__(self, **changes: Any) -> None:
        self.settings = settings_for_tests(supervision=dataclasses.replace(QUICK, **changes))
        self.told: list[tuple[float, ProcessStatus]] = []
        self.supervisor = Supervisor(self.settings, lambda status: self.told.append((time.monotonic(), status)))

    def start(self, main: Main, name: str = "node") -> None:
        self.supervisor.start(ChildSpec(name, main, functools.partial(context, name, self.settings)))

    def states(self, name: str = "node") -> list[ProcessState]:
        return [status.state for _, status in self.told if status.node == name]

    def wait(self, state: ProcessState, count: int = 1) -> None:
        until(lambda: self.states().count(state) >= count, f"{count} times {state}; told: {self.told}")


def context(name: str, settings: Settings) -> ChildContext:
    return ChildContext(name=name, settings=settings, keys=None)


@pytest.fixture
def watch() -> Iterator[Watch]:
    watch = Watch()
    yield watch
    watch.supervisor.close()


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
    command = [sys.executable, *start, "--demo", "--for", "20"]
    program = psutil.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: len(nodes_of(program)) == 2, "executor and strategy")
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
        watch.supervisor.close()


def test_a_child_is_asked_to_stop(watch: Watch) -> None:
    watch.start(nodes.good)
    watch.wait(P.READY)
    pid = watch.supervisor.pid("node")
    watch.supervisor.stop("the test ends")
    assert gone(pid)
    assert watch.states() == [P.STARTING, P.READY, P.STOPPED]
    assert watch.told[-1][1].text == "the test ends"


@pytest.mark.parametrize("main", [nodes.deaf, nodes.deaf_and_stubborn])
def test_a_child_that_does_not_listen_is_terminated_or_killed(watch: Watch, main: Main) -> None:
    watch.start(main)
    watch.start(nodes.good, "second")
    watch.wait(P.READY)
    assert watch.supervisor.wait_ready({"node", "second"}, DEADLINE_S)
    pids = [watch.supervisor.pid(name) for name in ("node", "second")]
    watch.supervisor.stop("the test ends")
    assert all(gone(pid) for pid in pids)
    assert watch.states()[-1] is P.STOPPED


def test_a_stopped_supervisor_starts_again(watch: Watch) -> None:
    for _ in range(2):
        watch.start(nodes.good)
        assert watch.supervisor.wait_ready({"node"}, DEADLINE_S)
        watch.supervisor.stop("again")
    assert watch.states() == [P.STARTING, P.READY, P.STOPPED] * 2
    assert watch.supervisor.restarts == 0


def test_a_child_waits_for_the_one_before_it(watch: Watch) -> None:
    watch.supervisor.start(
        *(
            ChildSpec(name, nodes.good, functools.partial(context, name, watch.settings))
            for name in ("first", "second")
        )
    )
    assert watch.supervisor.wait_ready({"first", "second"}, DEADLINE_S)
    told = [(status.node, status.state) for _, status in watch.told]
    assert told == [("first", P.STARTING), ("first", P.READY), ("second", P.STARTING), ("second", P.READY)]


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


def test_no_child_outlives_a_killed_main_process(tmp_path: Path) -> None:
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
            assert not any(gone(pid) for pid in pids)
        finally:
            program.kill()
        until(lambda: all(gone(pid) for pid in pids), "end of the children", deadline_s=2.0)


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
