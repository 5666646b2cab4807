"""What the window remembers of a person's choices: layout, language, last login. Never a secret.

One JSON file beside the program's settings, written atomically. A file that cannot be used is set aside, so that
nothing is lost, and the defaults hold.
"""

import dataclasses
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine.errors import SettingsError
from engine.settings import Paths, from_table

VERSION: Final = 1
FILE_NAME: Final = "terminal.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """Choices that outlive the program.

    Attributes:
        theme: ``dark`` or ``light``.
        language: ``en`` or ``zh_TW``; empty = as the system.
        broker: key of the last broker choice.
        user: last login name.
        url: last server or environment.
        replay_store: folder of the store of the last stored day that was replayed; empty = it was a file.
        replay_date: its trade date.
        in_keyring: broker, environment and user of the logins whose secrets the system's keyring holds.
        certificate: path of the last certificate file.
        replay_file: path of the last recorded day.
        replay_speed: its speed; 0 = as fast as possible.
        account: last order account.
        contracts: codes of the watched contracts.
        contract: code of the contract on the chart.
        time_frame_s: length of the chart's bars, seconds.
        must_confirm_orders: a question comes before each order of the ticket.
        geometry: place and size of the window, base64.
        layout: places of docks and bars, base64.
    """

    theme: str = "dark"
    language: str = ""
    broker: str = "simulated"
    user: str = ""
    url: str = ""
    certificate: str = ""
    replay_file: str = ""
    replay_speed: float = 1.0
    account: str = ""
    contracts: tuple[str, ...] = ()
    contract: str = ""
    time_frame_s: int = 60
    must_confirm_orders: bool = True
    geometry: str = ""
    layout: str = ""
    in_keyring: tuple[str, ...] = ()
    replay_store: str = ""
    replay_date: str = ""


class Choices:
    """The person's choices of now, which several parts of the window read and change; the end saves them.

    Args:
        now: those of the start.
    """

    def __init__(self, now: Preferences) -> None:
        self.now = now

    def change(self, **changes: Any) -> None:
        """Changes some of them, by the names of :class:`Preferences`."""
        self.now = dataclasses.replace(self.now, **changes)


def default_path() -> Path:
    """The file in the user's configuration folder."""
    return Paths.of_platform().config / FILE_NAME


def load(path: Path | None = None) -> tuple[Preferences, str]:
    """Reads the preferences.

    Returns:
        The preferences, and a sentence for the user where the file could not be used, else an empty text.
    """
    path = path or default_path()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Preferences(), ""
    except (OSError, UnicodeDecodeError) as error:
        return Preferences(), _set_aside(path, str(error))
    try:
        return _parse(text), ""
    except (SettingsError, ValueError) as error:
        return Preferences(), _set_aside(path, str(error))


def save(preferences: Preferences, path: Path | None = None) -> None:
    """Writes the preferences: whole, or not at all.

    Raises:
        SettingsError: the file cannot be written.
    """
    path = path or default_path()
    text = json.dumps({"version": VERSION} | dataclasses.asdict(preferences), indent=2, ensure_ascii=False)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise SettingsError(f"{path}: cannot be written: {error.strerror}") from error


def _parse(text: str) -> Preferences:
    table: Any = json.loads(text)
    if not isinstance(table, dict):
        raise SettingsError("it holds no table")
    version = table.pop("version", None)
    if version != VERSION:
        raise SettingsError(f"it has version {version!r}, known is {VERSION}")
    found = from_table(Preferences, table, "")
    assert isinstance(found, Preferences)
    return found


def _set_aside(path: Path, why: str) -> str:
    aside = path.with_name(f"{path.stem}.damaged{path.suffix}")
    number = 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")
    try:
        path.rename(aside)
    except OSError as error:
        return f"{path} cannot be used ({why}) nor set aside ({error.strerror}); the defaults hold."
    return f"{path.name} cannot be used ({why}). It was set aside as {aside.name}; the defaults hold."
