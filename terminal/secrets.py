"""The broker's passwords in the operating system's keyring: the one place outside of memory where they may lie.

Calls can take long (the system may ask the person to unlock the keyring): make them on a thread of their own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import keyring
import keyring.backend
from keyring.errors import KeyringError, KeyringLocked, NoKeyringError, PasswordDeleteError

from engine import logs
from engine.settings import APP_NAME

log = logs.get(__name__)

_LEAST_PRIORITY: Final = 1
"""Keyring's own measure of a store that it recommends; files without encryption and stores that keep nothing are
below."""


class Trouble(StrEnum):
    """What keeps the keyring from its work; :func:`terminal.i18n.keyring_text` has the sentences."""

    NO_KEYRING = "no_keyring"
    LOCKED = "locked"
    NOT_DELETED = "not_deleted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Place:
    """Whose secrets.

    Attributes:
        broker: key of the broker choice.
        url: server or environment.
        user: login name.
    """

    broker: str
    url: str
    user: str

    def __str__(self) -> str:
        return " ".join((self.broker, self.url, self.user))

    def service(self, kind: str) -> str:
        """The name of the entry; the system shows it to the person who asks what the keyring holds."""
        return f"{APP_NAME} {kind} {self.broker} {self.url}".strip()


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a login needs and nobody else may see; never shown by ``repr``."""

    password: str = ""
    certificate_password: str = ""

    def __repr__(self) -> str:
        return "Secrets(…)"


def is_available() -> bool:
    """Whether this system has a keyring that keeps secrets safely."""
    try:
        return bool(keyring.get_keyring().priority >= _LEAST_PRIORITY)
    except Exception as error:  # a store that somebody configured and that cannot even be loaded
        log.warning("no keyring", error=type(error).__name__)
        return False


def load(place: Place) -> tuple[Secrets, Trouble | None]:
    """The secrets that were kept, empty ones where there are none, and what was in the way."""
    found: dict[str, str] = {}

    def read() -> None:
        for kind in ("password", "certificate_password"):
            found[kind] = keyring.get_password(place.service(kind), place.user) or ""

    trouble = _trouble(read)
    return Secrets(**found) if trouble is None else Secrets(), trouble


def store(place: Place, secrets: Secrets) -> Trouble | None:
    """Keeps secrets in place of earlier ones; returns what was in the way."""

    def write() -> None:
        keyring.set_password(place.service("password"), place.user, secrets.password)
        if secrets.certificate_password:
            keyring.set_password(place.service("certificate_password"), place.user, secrets.certificate_password)
        else:
            _delete(place, "certificate_password")

    return _trouble(write)


def forget(place: Place) -> Trouble | None:
    """Deletes what was kept; returns what was in the way."""

    def delete() -> None:
        _delete(place, "password")
        _delete(place, "certificate_password")

    return _trouble(delete)


def _delete(place: Place, kind: str) -> None:
    service = place.service(kind)
    if keyring.get_password(service, place.user) is not None:
        keyring.delete_password(service, place.user)


def _trouble(act: Callable[[], Any]) -> Trouble | None:
    """Does it; returns what went wrong. The error itself might quote a secret: its text goes nowhere."""
    if not is_available():
        return Trouble.NO_KEYRING
    try:
        act()
    except NoKeyringError:
        return Trouble.NO_KEYRING
    except KeyringLocked:
        return Trouble.LOCKED
    except PasswordDeleteError:
        return Trouble.NOT_DELETED
    except (KeyringError, OSError) as error:
        log.warning("the keyring refused", error=type(error).__name__)
        return Trouble.REFUSED
    return None
