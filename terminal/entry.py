"""The login as a person meets it: the dialog, what the keyring offers and keeps, and what failed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import date
from pathlib import Path

import shiboken6
from PySide6 import QtCore

from engine import logs
from engine.errors import EngineError
from engine.model.recorded import RecordedPart
from terminal import i18n, secrets
from terminal.asking import Asking
from terminal.dialogs.login import BrokerChoice, LoginDialog, LoginRequest
from terminal.display import Display
from terminal.session import Recordings
from terminal.settings import Choices, Preferences

log = logs.get(__name__)


class Entry(QtCore.QObject):
    """Asks where to log in, and keeps its secrets where the person wants that.

    Args:
        display: the dialog stands over its window.
        asking: runs the coroutines.
        choices: the person's; logins are prefilled from them.
        log_in: logs in; False if that was abandoned meanwhile, EngineError if it failed.
        recordings: knows the stored days.

    Signals:
        abandoned(): a login on its way is not wanted any more.
    """

    abandoned = QtCore.Signal()

    def __init__(
        self,
        display: Display,
        asking: Asking,
        choices: Choices,
        log_in: Callable[[LoginRequest], Awaitable[bool]],
        recordings: Recordings,
    ) -> None:
        super().__init__()
        self._display, self._asking, self._choices, self._log_in = display, asking, choices, log_in
        self._recordings = recordings

    def open(self, brokers: list[BrokerChoice]) -> None:
        """Shows the login dialog."""
        dialog = LoginDialog(brokers, self._last(), self._display.window)
        dialog.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.login_requested.connect(lambda request: self._asking.spawn(self._log_in_from(dialog, request)))
        dialog.login_abandoned.connect(self.abandoned)
        dialog.shelf_wanted.connect(lambda: self._asking.spawn(self._show_days(dialog, ())))
        dialog.stored_days.close_requested.connect(
            lambda stores: self._asking.spawn(self._show_days(dialog, stores))
        )
        dialog.open()
        self._asking.spawn(self._find_keyring(dialog))

    def _last(self) -> LoginRequest:
        chosen = self._choices.now
        return LoginRequest(
            broker=chosen.broker,
            user=chosen.user,
            url=chosen.url,
            certificate=chosen.certificate,
            replay_file=chosen.replay_file,
            speed=chosen.replay_speed,
            stored_day=_stored_day(chosen),
        )

    def remember(self, request: LoginRequest) -> None:
        """The next login dialog begins with this one, without its secrets."""
        self._choices.change(
            broker=request.broker,
            user=request.user,
            url=request.url,
            certificate=request.certificate,
            replay_file=request.replay_file or self._choices.now.replay_file,
            replay_speed=request.speed,
        )
        if request.replay_file or request.stored_day:
            part = request.stored_day
            self._choices.change(
                replay_store=str(part.store) if part else "",
                replay_date=part.trade_date.isoformat() if part else "",
            )

    async def _log_in_from(self, dialog: LoginDialog, request: LoginRequest) -> None:
        try:
            await self._recordings.settle()
            is_done = await self._log_in(request)
        except EngineError as error:
            dialog.show_error(str(error))
            return
        except Exception as error:
            log.exception("login failed")
            dialog.show_error(f"{type(error).__name__}: {error}")
            return
        if is_done:
            dialog.accept()
            await self._keep_secrets(request)

    # --- stored days ---------------------------------------------------------------------------------------------

    async def _show_days(self, dialog: LoginDialog, to_close: Iterable[Path]) -> None:
        """Fills the list of stored days, after days of these stores were closed."""
        picker = dialog.stored_days
        picker.show_reading()
        try:
            await self._recordings.close_days(to_close)
            shelf = await self._recordings.shelf()
        except EngineError as error:
            if shiboken6.isValid(dialog):
                picker.show_trouble(str(error))
            return
        if shiboken6.isValid(dialog):
            picker.show_shelf(shelf)

    # --- the keyring ---------------------------------------------------------------------------------------------

    async def _find_keyring(self, dialog: LoginDialog) -> None:
        """Asks the system for its keyring, which may take its time."""
        is_available = await asyncio.to_thread(secrets.is_available)
        if not shiboken6.isValid(dialog):
            return
        dialog.set_keyring("" if is_available else secrets.Trouble.NO_KEYRING)
        if is_available:
            dialog.secrets_wanted.connect(lambda request: self._asking.spawn(self._offer_secrets(dialog, request)))
            await self._offer_secrets(dialog, dialog.request())

    async def _offer_secrets(self, dialog: LoginDialog, request: LoginRequest) -> None:
        """Fills in what the keyring holds; it is only asked about logins of which it holds something."""
        place = place_of(request)
        if str(place) not in self._choices.now.in_keyring:
            return
        found, trouble = await asyncio.to_thread(secrets.load, place)
        if not shiboken6.isValid(dialog):
            return
        if trouble is not None:
            dialog.set_keyring(trouble)
        elif found.password:
            dialog.offer_secrets(place.broker, place.url, place.user, found.password, found.certificate_password)

    async def _keep_secrets(self, request: LoginRequest) -> None:
        """Puts the secrets of a login that succeeded into the keyring, or takes away what was there."""
        place, kept = place_of(request), set(self._choices.now.in_keyring)
        if request.must_remember:
            found = secrets.Secrets(request.password, request.certificate_password)
            trouble = await asyncio.to_thread(secrets.store, place, found)
            kept |= {str(place)} if trouble is None else set()
        elif str(place) in kept:
            trouble = await asyncio.to_thread(secrets.forget, place)
            kept -= {str(place)} if trouble is None else set()
        else:
            return
        self._choices.change(in_keyring=tuple(sorted(kept)))
        if trouble is not None:
            self._display.say(i18n.keyring_text(trouble), "warning")


def _stored_day(chosen: Preferences) -> RecordedPart | None:
    """The stored day of the last replay, where it was one."""
    try:
        return RecordedPart(store=Path(chosen.replay_store), trade_date=date.fromisoformat(chosen.replay_date))
    except ValueError:
        return None


def place_of(request: LoginRequest) -> secrets.Place:
    """Whose secrets, in the keyring's terms."""
    return secrets.Place(broker=request.broker, url=request.url, user=request.user)
