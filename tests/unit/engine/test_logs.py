import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import logs
from engine.brokers.base import Credentials

log = logs.get("engine.somewhere")
REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    level = logging.getLogger().level
    yield
    logs.close()
    logging.getLogger().setLevel(level)


def lines(folder: Path, process: str = "gateway") -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / f"{process}.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_json_line_a_record_with_process_and_ids(tmp_path: Path) -> None:
    logs.configure(tmp_path / "logs", "gateway")
    log.info("order sent", order="ABCDEFGHIJ", signal="c1/entry/1", cause="支撐\n一")
    log.warning("report ignored", lots=3)
    first, second = lines(tmp_path / "logs")
    assert first.pop("time").endswith("Z")
    assert first == {
        "level": "info",
        "process": "gateway",
        "logger": "engine.somewhere",
        "event": "order sent",
        "order": "ABCDEFGHIJ",
        "signal": "c1/entry/1",
        "cause": "支撐\n一",
    }
    assert (second["level"], second["lots"]) == ("warning", "3")


def test_words_that_are_no_text_lose_no_line(tmp_path: Path) -> None:
    logs.configure(tmp_path, "gateway")
    log.warning("order refused", text="\udce5\udcbc no")
    assert [line["text"] for line in lines(tmp_path)] == ["\udce5\udcbc no"]


def test_each_process_has_a_file_of_its_own(tmp_path: Path) -> None:
    for process in ("executor", "strategy-1"):
        logs.configure(tmp_path, process)
        log.info("ready")
    assert [line["process"] for line in lines(tmp_path, "executor")] == ["executor"]
    assert [line["process"] for line in lines(tmp_path, "strategy-1")] == ["strategy-1"]


def test_configured_twice_a_line_is_written_once(tmp_path: Path) -> None:
    before = list(logging.getLogger().handlers)
    logs.configure(tmp_path, "gateway")
    logs.configure(tmp_path, "gateway")
    log.info("once")
    assert len(lines(tmp_path)) == 1
    logs.close()
    assert logging.getLogger().handlers == before


@pytest.mark.parametrize("name", ["password", "Password", "certificate_password", "api_token", "client_secret"])
def test_secrets_are_masked(tmp_path: Path, name: str) -> None:
    told: list[dict[str, str]] = []
    logs.configure(tmp_path, "gateway", forward=lambda level, text, ids: told.append(ids))
    fields: dict[str, Any] = {name: "hunter2", "login": {"user": "me", name: "hunter2"}}
    log.info("login", **fields)
    text = (tmp_path / "gateway.jsonl").read_text(encoding="utf-8")
    assert "hunter2" not in text
    assert "'user': 'me'" in text
    assert lines(tmp_path)[0][name] == "***"
    assert "hunter2" not in str(told)


def test_credentials_show_no_secret(tmp_path: Path) -> None:
    logs.configure(tmp_path, "gateway")
    log.info("login", who=Credentials(user="me", password="hunter2", certificate_password="hunter2"))
    assert "hunter2" not in (tmp_path / "gateway.jsonl").read_text(encoding="utf-8")


def test_a_bug_is_logged_with_its_traceback(tmp_path: Path, expected_errors: list[logging.LogRecord]) -> None:
    logs.configure(tmp_path, "gateway")
    try:
        raise RuntimeError("boom")
    except RuntimeError:
        log.exception("handler failed", handler="x")
    (line,) = lines(tmp_path)
    assert (line["level"], line["handler"]) == ("error", "x")
    assert "RuntimeError: boom" in line["traceback"]
    assert len(expected_errors) == 1


def test_forwards_lines_of_level_info_and_above(tmp_path: Path) -> None:
    told: list[tuple[str, str, dict[str, str]]] = []
    logs.configure(tmp_path, "gateway", forward=lambda *line: told.append(line))
    logging.getLogger("engine").debug("too much")
    log.warning("resent", signal="c1/entry/1")
    assert told == [("warning", "resent", {"signal": "c1/entry/1"})]


def test_lines_of_libraries_arrive_too(tmp_path: Path) -> None:
    logs.configure(tmp_path, "gateway")
    logging.getLogger("asyncio").warning("slow: %d %%", 7)
    log.info("100 % done")
    assert [line["event"] for line in lines(tmp_path)] == ["slow: 7 %", "100 % done"]


# --- what goes wrong ---------------------------------------------------------------------------------------------


def test_a_folder_that_cannot_be_used_gives_a_sentence_and_lines_on_standard_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    taken = tmp_path / "logs"
    taken.write_text("a file, not a folder", encoding="utf-8")
    told: list[str] = []
    problem = logs.configure(taken, "gateway", forward=lambda level, text, ids: told.append(text))
    log.info("goes on")
    assert problem.startswith(f"{taken}: logs cannot be written there: ")
    assert "[paths]" in problem
    printed = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert printed == [problem, "goes on"]
    assert told == [problem, "goes on"]


def test_a_usable_folder_gives_no_sentence(tmp_path: Path) -> None:
    assert logs.configure(tmp_path, "gateway") == ""


SECOND = """
import sys
from pathlib import Path
from engine import logs

logs.configure(Path(sys.argv[1]), "gateway")
logs.get("engine.second").info("second")
print("logged", flush=True)
sys.stdin.read()
"""


def test_two_programs_of_a_name_write_files_of_their_own(tmp_path: Path) -> None:
    logs.configure(tmp_path, "gateway")
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    with subprocess.Popen(
        [sys.executable, "-c", SECOND, str(tmp_path)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as second:
        assert second.stdout
        assert second.stdout.readline() == "logged\n"
        log.info("first")
        second.communicate()
    assert [line["event"] for line in lines(tmp_path)] == ["first"]
    assert [line["event"] for line in lines(tmp_path, "gateway-2")] == ["second"]


def test_a_file_is_taken_over_when_its_program_has_ended(tmp_path: Path) -> None:
    for _ in range(2):
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
        command = [sys.executable, "-c", SECOND, str(tmp_path)]
        subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, check=True)
    assert [line["event"] for line in lines(tmp_path)] == ["second", "second"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "gateway.jsonl").symlink_to("/dev/full")
    logs.configure(tmp_path, "gateway")
    for _ in range(3):
        log.info("lost")
    printed = capsys.readouterr().err
    assert printed.count("log lines are lost") == 1
    assert "Traceback" not in printed


def test_a_file_that_cannot_be_rotated_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def held(source: str, target: str) -> None:
        raise PermissionError(13, "somebody holds it open", source)

    monkeypatch.setattr(logs, "_KEPT_BYTES", 200)
    monkeypatch.setattr(os, "rename", held)
    logs.configure(tmp_path, "gateway")
    for number in range(5):
        log.info("kept", number=number)
    assert [line["number"] for line in lines(tmp_path)] == ["0", "1", "2", "3", "4"]
