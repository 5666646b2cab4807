import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import SettingsError
from terminal.dialogs.login import LoginRequest
from terminal.settings import FILE_NAME, VERSION, Preferences, default_path, load, save

CHANGED = Preferences(
    theme="light",
    language="zh_TW",
    broker="replay",
    user="使用者",
    replay_file="day.zip",
    replay_speed=120.0,
    contracts=("TXFK4", "MXFK4"),
    time_frame_s=300,
    must_confirm_orders=False,
    geometry="QUJD",
    layout="REVG",
)


def test_what_was_saved_comes_back(user_home: Path) -> None:
    save(CHANGED)
    assert default_path() == user_home / "config" / FILE_NAME
    assert load() == (CHANGED, "")


def test_without_a_file_the_defaults_hold(user_home: Path) -> None:
    assert load() == (Preferences(), "")
    assert not user_home.exists()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "\x00\x01",
        '{"version": 99}',
        "{}",
        '{"version": 1, "colour": "red"}',
        '{"version": 1, "time_frame_s": "long"}',
        '{"version": 1, "contracts": [1]}',
        '{"version": 1, "theme": null}',
    ],
)
def test_a_file_that_cannot_be_used_is_set_aside_with_a_message(tmp_path: Path, content: str) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(content, encoding="utf-8")
    found, message = load(path)
    assert found == Preferences()
    assert "terminal.damaged.json" in message
    assert not path.exists()
    assert (tmp_path / "terminal.damaged.json").read_text(encoding="utf-8") == content


def test_bytes_that_are_no_text_are_set_aside_too(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(b"\xff\xfe\xff")
    assert load(path)[1]
    assert (tmp_path / "terminal.damaged.json").read_bytes() == b"\xff\xfe\xff"


def test_nothing_that_was_set_aside_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    for content in ("first", "second"):
        path.write_text(content)
        load(path)
    kept = [(tmp_path / f"terminal.damaged{n}.json").read_text() for n in ("", "-2")]
    assert kept == ["first", "second"]


def test_a_write_that_fails_keeps_the_old_file_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / FILE_NAME
    save(CHANGED, path)

    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(SettingsError, match="No space left"):
        save(Preferences(), path)
    assert load(path) == (CHANGED, "")
    assert [file.name for file in tmp_path.iterdir()] == [FILE_NAME]


def test_no_field_can_hold_a_secret() -> None:
    names = {field.name for field in dataclasses.fields(Preferences)}
    secrets = {field.name for field in dataclasses.fields(LoginRequest) if not field.repr}
    assert secrets == {"password", "certificate_password"}
    assert not names & secrets


def test_the_file_tells_its_version(tmp_path: Path) -> None:
    save(CHANGED, tmp_path / FILE_NAME)
    assert json.loads((tmp_path / FILE_NAME).read_text(encoding="utf-8"))["version"] == VERSION


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(user=st.text(), speed=st.floats(0, 1e6), contracts=st.lists(st.text()).map(tuple))
def test_any_text_comes_back(tmp_path: Path, user: str, speed: float, contracts: tuple[str, ...]) -> None:
    given_now = Preferences(user=user, replay_speed=speed, contracts=contracts)
    save(given_now, tmp_path / FILE_NAME)
    assert load(tmp_path / FILE_NAME) == (given_now, "")
