"""Passwords go into the system's keyring or nowhere: with a keyring, with one that refuses, and without any."""

import asyncio
import contextlib
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from io import RawIOBase
from pathlib import Path
from typing import Any

import keyring
import psutil
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.backends.null import Keyring as Forgetful
from keyring.errors import KeyringError, KeyringLocked, PasswordDeleteError, PasswordSetError
from PySide6 import QtWidgets
from pytestqt.qtbot import QtBot

from engine import logs
from engine.settings import Settings, with_free_ports
from terminal import entry, i18n, secrets, settings
from terminal.app import Terminal
from terminal.dialogs.login import LoginDialog, LoginRequest
from terminal.secrets import Place, Secrets, Trouble

PLACE = Place(broker="simulated", url="simulated", user="U1")
SECRETS = Secrets("k3yring-password", "certificate-password")
DEADLINE_S = 20.0


class InMemory(KeyringBackend):
    """A keyring that keeps everything in memory."""

    priority: Any = 9

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kept: dict[tuple[str, str], str] = {}
        self.fails_with: type[KeyringError] | None = None

    def _act(self) -> None:
        if self.fails_with is not None:
            raise self.fails_with(f"refused; by the way, the password is {SECRETS.password}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._act()
        self.kept[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        self._act()
        return self.kept.get((service, username))

    def delete_password(self, service: str, username: str) -> None:
        self._act()
        if self.kept.pop((service, username), None) is None:
            raise PasswordDeleteError("nothing there")


@pytest.fixture(autouse=True)
def _as_before(qapp: QtWidgets.QApplication) -> Iterator[None]:
    i18n.install("en")
    before = keyring.get_keyring()
    yield
    keyring.set_keyring(before)


@pytest.fixture
def store() -> InMemory:
    store = InMemory()
    keyring.set_keyring(store)
    return store


def test_what_is_kept_comes_back_for_the_same_login_only(store: InMemory) -> None:
    assert secrets.store(PLACE, SECRETS) is None
    assert secrets.load(PLACE) == (SECRETS, None)
    for other in (
        Place("pfcf", "simulated", "U1"),
        Place("simulated", "b", "U1"),
        Place("simulated", "simulated", "U2"),
    ):
        assert secrets.load(other) == (Secrets(), None)
    assert set(store.kept.values()) == {SECRETS.password, SECRETS.certificate_password}


def test_keeping_anew_leaves_nothing_of_before(store: InMemory) -> None:
    secrets.store(PLACE, SECRETS)
    assert secrets.store(PLACE, Secrets("new")) is None
    assert list(store.kept.values()) == ["new"]


def test_forgetting_leaves_nothing_and_may_be_repeated(store: InMemory) -> None:
    secrets.store(PLACE, SECRETS)
    assert secrets.forget(PLACE) is None
    assert secrets.forget(PLACE) is None
    assert store.kept == {}


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (KeyringLocked, Trouble.LOCKED),
        (PasswordSetError, Trouble.REFUSED),
        (KeyringError, Trouble.REFUSED),
        (PasswordDeleteError, Trouble.NOT_DELETED),
    ],
)
def test_a_keyring_that_refuses_is_said_without_a_word_of_the_secret(
    store: InMemory, error: type[KeyringError], trouble: Trouble, caplog: pytest.LogCaptureFixture
) -> None:
    store.fails_with = error
    assert secrets.store(PLACE, SECRETS) is trouble
    assert secrets.load(PLACE) == (Secrets(), trouble)
    assert secrets.forget(PLACE) is trouble
    assert SECRETS.password not in caplog.text
    assert i18n.keyring_text(trouble)


@pytest.mark.parametrize("backend", [NoKeyring, Forgetful])
def test_a_system_without_a_keyring_keeps_nothing_and_says_so(backend: type[KeyringBackend]) -> None:
    keyring.set_keyring(backend())
    assert not secrets.is_available()
    assert secrets.store(PLACE, SECRETS) is Trouble.NO_KEYRING
    assert secrets.load(PLACE) == (Secrets(), Trouble.NO_KEYRING)
    assert secrets.forget(PLACE) is Trouble.NO_KEYRING
    assert i18n.keyring_text(Trouble.NO_KEYRING) == (
        "This system has no keyring; the password is asked for at each start."
    )


def test_no_secret_is_shown_by_repr() -> None:
    assert SECRETS.password not in repr(SECRETS) + str(SECRETS) + repr(PLACE)


# --- the login dialog, in the whole program ----------------------------------------------------------------------


class Program:
    """The terminal with its window, and what turns its loops."""

    def __init__(self, qapp: QtWidgets.QApplication) -> None:
        self.loop = asyncio.new_event_loop()
        self._qapp = qapp
        self.terminal: Terminal | None = None

    async def start(self, **changes: Any) -> Terminal:
        self.terminal = Terminal(
            self._qapp, with_free_ports(Settings()), settings.Preferences(user="U1", url="simulated", **changes)
        )
        return self.terminal

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    async def until(self, condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + DEADLINE_S
        while not (found := condition()):
            assert time.monotonic() < deadline
            self._qapp.processEvents()
            await asyncio.sleep(0.005)
        return found

    def close(self) -> None:
        if self.terminal is not None:
            ended: list[bool] = []
            self.terminal.closed.connect(lambda: ended.append(True))

            async def end() -> None:
                assert self.terminal
                self.terminal.close()
                await self.until(lambda: ended)

            self.run(end())
            window = self.terminal.display.window
            window.close()
            window.deleteLater()
            self.terminal.deleteLater()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


@pytest.fixture
def program(qtbot: QtBot, qapp: QtWidgets.QApplication, user_home: Path) -> Iterator[Program]:
    program = Program(qapp)
    yield program
    program.close()


def dialog_of(terminal: Terminal) -> LoginDialog | None:
    found = terminal.display.window.findChildren(LoginDialog)
    return next((item for item in found if item.isVisible()), None)


async def log_in(program: Program, password: str, must_remember: bool) -> None:
    terminal = program.terminal
    assert terminal
    terminal.open_login()
    dialog: LoginDialog = await program.until(lambda: dialog_of(terminal))
    await program.until(dialog.remember.isEnabled)
    dialog.password.setText(password)
    dialog.remember.setChecked(must_remember)
    dialog.login_button.click()
    await program.until(lambda: terminal.run is not None and not terminal.asking.tasks)


def test_a_remembered_password_is_in_the_keyring_and_in_no_file(
    program: Program, store: InMemory, user_home: Path
) -> None:
    async def story() -> None:
        terminal = await program.start()
        await log_in(program, SECRETS.password, True)
        assert list(store.kept.values()) == [SECRETS.password]
        assert terminal.choices.now.in_keyring == (str(PLACE),)

    program.run(story())
    program.close()
    program.terminal = None
    program.loop = asyncio.new_event_loop()
    files = [path for path in user_home.rglob("*") if path.is_file()]
    assert settings.FILE_NAME in {path.name for path in files}
    assert not [path for path in files if SECRETS.password.encode() in path.read_bytes()]


def test_the_next_login_is_offered_it_and_another_user_is_not(program: Program, store: InMemory) -> None:
    secrets.store(PLACE, SECRETS)

    async def story() -> None:
        terminal = await program.start(in_keyring=(str(PLACE),))
        terminal.open_login()
        dialog: LoginDialog = await program.until(lambda: dialog_of(terminal))
        await program.until(dialog.password.text)
        assert dialog.password.text() == SECRETS.password
        assert dialog.remember.isChecked()
        dialog.user.setFocus()
        dialog.user.setText("")
        dialog.user.textEdited.emit("")
        assert dialog.password.text() == ""
        assert not dialog.remember.isChecked()
        dialog.user.setText("U1")
        dialog.user.textEdited.emit("U1")
        await program.until(dialog.password.text)
        dialog.reject()
        await program.until(lambda: not terminal.asking.tasks)

    program.run(story())


def test_a_login_without_the_tick_takes_it_away(program: Program, store: InMemory) -> None:
    secrets.store(PLACE, SECRETS)

    async def story() -> None:
        terminal = await program.start(in_keyring=(str(PLACE),))
        await log_in(program, SECRETS.password, False)
        assert store.kept == {}
        assert terminal.choices.now.in_keyring == ()

    program.run(story())


def test_without_a_keyring_the_dialog_says_so_and_nothing_can_be_ticked(program: Program) -> None:
    keyring.set_keyring(NoKeyring())  # type: ignore[no-untyped-call]

    async def story() -> None:
        terminal = await program.start()
        terminal.set_language("en")
        terminal.open_login()
        dialog: LoginDialog = await program.until(lambda: dialog_of(terminal))
        await program.until(dialog.no_keyring.text)
        assert dialog.no_keyring.isVisible()
        assert dialog.no_keyring.text() == i18n.keyring_text(Trouble.NO_KEYRING)
        assert not dialog.remember.isEnabled()
        dialog.remember.setChecked(True)
        assert not dialog.request().must_remember
        dialog.reject()
        await program.until(lambda: not terminal.asking.tasks)

    program.run(story())


def test_every_trouble_has_a_sentence() -> None:
    assert len({i18n.keyring_text(trouble) for trouble in Trouble}) == len(Trouble)


def test_requests_name_their_place() -> None:
    request = LoginRequest(broker="simulated", url="simulated", user="U1", password="x")
    assert entry.place_of(request) == PLACE


# --- where else it might lie ------------------------------------------------------------------------------------


def encodings(secret: str) -> tuple[bytes, ...]:
    return secret.encode("utf-8"), secret.encode("utf-16-le"), secret.encode("utf-16-be")


def places_in_process(pid: int, secret: str) -> list[str]:
    """Where a process holds the secret: environment, command line, and every readable region of its memory."""
    process = Path("/proc") / str(pid)
    needles = encodings(secret)
    found = [
        name
        for name in ("environ", "cmdline")
        if any(needle in (process / name).read_bytes() for needle in needles)
    ]
    with (process / "mem").open("rb", buffering=0) as memory:
        for line in (process / "maps").read_text(encoding="utf-8").splitlines():
            span, rights, *rest = line.split()
            start, end = (int(part, 16) for part in span.split("-"))
            if "r" in rights and rest[-1] not in ("[vvar]", "[vvar_vclock]", "[vsyscall]"):
                content = region(memory, start, end)
                found += [f"memory {span} {rest[-1]}" for needle in needles if needle in content]
    return found


def region(memory: RawIOBase, start: int, end: int) -> bytes:
    """All of a region; a single read may stop early, and at a page that the process has given back meanwhile."""
    memory.seek(start)
    parts: list[bytes] = []
    with contextlib.suppress(OSError):
        while (at := start + sum(map(len, parts))) < end and (part := memory.read(end - at)):
            parts.append(part)
    return b"".join(parts)


def files_with(folder: Path, secret: str) -> list[Path]:
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and any(needle in path.read_bytes() for needle in encodings(secret))
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of processes")
def test_the_password_is_in_no_child_no_file_and_no_log(
    program: Program, store: InMemory, user_home: Path
) -> None:
    secret = f"Pw-{random.SystemRandom().getrandbits(96):024x}"
    searched: list[int] = []

    async def search(terminal: Terminal) -> None:
        assert terminal.run
        host = terminal.run.host
        await program.until(lambda: host.is_trading)
        pids = {name: host.pid(name) for name in host.child_names}
        assert len(pids) >= 2
        for name, pid in pids.items():
            assert places_in_process(pid, secret) == [], name
            assert places_in_process(pid, name), "the search finds what is there: the name of the process"
        searched.extend(pids.values())

    async def story() -> None:
        terminal = await program.start()
        logs.configure(user_home / "logs", "terminal")
        await log_in(program, secret, True)
        terminal.start_trading()
        await search(terminal)
        assert terminal.run
        host = terminal.run.host
        psutil.Process(searched[0]).kill()
        await program.until(lambda: host.restarts == 1 and host.is_trading)
        await search(terminal)
        assert len(set(searched)) == len(searched) - 1, "the restarted child was searched too"

    program.run(story())
    assert places_in_process(os.getpid(), secret), "the search finds it where it must be: in the main process"
    program.close()
    program.terminal, program.loop = None, asyncio.new_event_loop()
    logs.close()
    written = {path.name for path in user_home.rglob("*") if path.is_file()}
    assert {settings.FILE_NAME, "terminal.jsonl", "executor.jsonl", "strategy-1.jsonl"} <= written
    assert any(name.endswith(".sqlite") for name in written)
    assert files_with(user_home, secret) == []
    assert files_with(user_home, "executor"), "the search finds what is in files"
