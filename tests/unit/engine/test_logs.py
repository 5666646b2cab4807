import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import logs
from engine.brokers.base import Credentials

log = logs.get("engine.somewhere")


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
