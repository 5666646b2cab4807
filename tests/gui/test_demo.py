"""The whole product as a person starts it: a process of its own, no display, and a report at the end."""

import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest
from PySide6 import QtGui

DEADLINE_S = 90.0
NODES = {"executor": "executor", "strategy": "strategy-1"}
KEYS = {
    "ticks_published",
    "ticks_received_by_window",
    "ticks_received_by_strategy",
    "gaps",
    "signals",
    "orders",
    "fills",
    "positions",
    "realised_pnl",
    "child_restarts",
    "seconds",
}
REPOSITORY = Path(__file__).resolve().parents[2]


def start(folder: Path, *arguments: object, has_display: bool = True) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "terminal", *map(str, arguments)]
    environment = os.environ | {"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(REPOSITORY)}
    if not has_display:
        for name in ("QT_QPA_PLATFORM", "DISPLAY", "WAYLAND_DISPLAY"):
            environment.pop(name, None)
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finished(program: "subprocess.Popen[str]") -> tuple[int, str]:
    """Exit code and what it said on stderr; no process of it is left."""
    try:
        _, said = program.communicate(timeout=DEADLINE_S)
    except subprocess.TimeoutExpired:
        program.kill()
        program.communicate()
        raise
    return program.returncode, said.rstrip("\n")


def check_report(path: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert report.keys() >= KEYS
    assert report["ticks_published"] > 0
    assert report["ticks_received_by_window"] == report["ticks_published"]
    assert report["ticks_received_by_strategy"] == report["ticks_published"]
    assert report["gaps"] == 0
    assert report["ticks_lost"] == 0
    assert report["child_restarts"] == 0
    return report


def check_picture(path: Path) -> None:
    picture = QtGui.QImage(str(path))
    assert (picture.width(), picture.height()) >= (1_200, 700)
    colours = Counter(
        picture.pixel(x, y) for x in range(0, picture.width(), 7) for y in range(0, picture.height(), 7)
    )
    assert len(colours) > 20
    assert colours.most_common(1)[0][1] < 0.9 * colours.total()


def test_the_demo_on_the_simulated_exchange(tmp_path: Path) -> None:
    report, picture = tmp_path / "r.json", tmp_path / "s.png"
    code, said = finished(
        start(tmp_path, "--demo", "--speed", 120, "--for", 8, "--report", report, "--screenshot", picture)
    )
    assert (code, said) == (0, "")
    found = check_report(report)
    assert found["signals"] == found["orders"]
    assert min(found["signals"], found["fills"]) >= 1
    assert found["ticks_published"] > 500
    check_picture(picture)


def test_the_demo_on_a_recorded_day(tmp_path: Path, market_data: Path) -> None:
    report, picture = tmp_path / "r.json", tmp_path / "s.png"
    day = market_data / "taifex" / "Daily_2024_11_05.zip"
    code, said = finished(
        start(tmp_path, "--demo", day, "--speed", 600, "--for", 8, "--report", report, "--screenshot", picture)
    )
    assert (code, said) == (0, "")
    found = check_report(report)
    assert min(found["signals"], found["orders"], found["fills"]) >= 1
    check_picture(picture)


@pytest.mark.parametrize("victim", ["executor", "strategy"])
@pytest.mark.skipif(sys.platform != "linux", reason="asks other processes for their open ports")
def test_a_killed_child_is_started_again_and_the_demo_goes_on(
    tmp_path: Path, user_home: Path, victim: str
) -> None:
    report = tmp_path / "r.json"
    program = start(tmp_path, "--demo", "--speed", 30, "--for", 7, "--report", report)
    children = wait_for_children(program, user_home)
    psutil.Process(children[victim]).kill()
    code, said = finished(program)
    assert (code, said) == (0, "")
    found = json.loads(report.read_text(encoding="utf-8"))
    assert found["child_restarts"] == 1
    assert found["ticks_received_by_window"] == found["ticks_published"]
    assert found["orders"] <= found["signals"]


def wait_for_children(program: "subprocess.Popen[str]", home: Path) -> dict[str, int]:
    """Executor and strategy, once they work: the one listens, the other is connected everywhere."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        found = {name: pid_of(home / "logs" / f"{node}.jsonl") for name, node in NODES.items()}
        if all(found.values()) and is_listening(found["executor"]) and is_connected(found["strategy"]):
            return found
        assert program.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)


def pid_of(journal: Path) -> int:
    """Of the process that began this log, 0 while there is none."""
    if not journal.exists():
        return 0
    first, end, _ = journal.read_text(encoding="utf-8").partition("\n")
    return int(json.loads(first)["pid"]) if end else 0


def is_listening(pid: int) -> bool:
    return any(link.status == psutil.CONN_LISTEN for link in psutil.Process(pid).net_connections(kind="tcp"))


def is_connected(pid: int) -> bool:
    links = psutil.Process(pid).net_connections(kind="tcp")
    return len([link for link in links if link.status == psutil.CONN_ESTABLISHED]) >= 4


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there always is a display")
def test_the_demo_needs_no_display_and_says_so(tmp_path: Path) -> None:
    picture = tmp_path / "s.png"
    code, said = finished(
        start(tmp_path, "--demo", "--speed", 120, "--for", 5, "--screenshot", picture, has_display=False)
    )
    assert code == 0, said
    assert said == "terminal: no display here: the window is drawn in memory (QT_QPA_PLATFORM=offscreen)"
    check_picture(picture)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there always is a display")
def test_without_display_a_person_is_told_what_to_do(tmp_path: Path) -> None:
    code, said = finished(start(tmp_path, has_display=False))
    assert code == 2
    assert len(said.splitlines()) == 1
    assert "make run" in said
    assert "xvfb-run" in said


def test_a_file_that_is_none_is_said_in_a_sentence(tmp_path: Path) -> None:
    broken = tmp_path / "Daily_2024_11_05.zip"
    broken.write_bytes(b"nothing of the kind")
    empty = tmp_path / "Daily_2024_11_06.zip"
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("Daily_2024_11_06.csv", "a,b\r\n")
    programs = {path: start(tmp_path, "--demo", path, "--for", 5) for path in (tmp_path / "no.zip", broken, empty)}
    for path, program in programs.items():
        code, said = finished(program)
        assert code == 2, path
        lines = said.splitlines()
        assert len(lines) == 1, said
        assert lines[0].startswith("terminal: ")
        assert path.name in lines[0]


def test_a_settings_file_with_an_unknown_key_is_said_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text("[risk]\nmax_order_lot = 3\n", encoding="utf-8")
    code, said = finished(start(tmp_path, "--settings", path, "--demo", "--for", 5))
    assert code == 2
    assert len(said.splitlines()) == 1
    assert "'max_order_lots'" in said


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no way to ask a process politely")
@pytest.mark.parametrize("children_by_then", [2, 5])
def test_a_polite_signal_closes_everything(tmp_path: Path, children_by_then: int) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "FUTURES_TERMINAL_HOME": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-m", "terminal", "--demo"], env=environment) as process:
        running = psutil.Process(process.pid)
        deadline = time.monotonic() + DEADLINE_S
        while len(running.children()) < children_by_then and time.monotonic() < deadline:
            time.sleep(0.05)
        children = running.children()
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0
        _, alive = psutil.wait_procs(children, timeout=5)
        assert not alive
