"""The window's questions about history: a thread of its own asks the recorder, answers come as awaitables.

Knows no chart. Where the recorder listens is asked for at every question, since it may start late.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from typing import Final

from PySide6 import QtCore

from engine import logs
from engine.errors import RequestRefused, RequestTimeout
from engine.model.order import Reason
from engine.settings import Wire
from engine.wire.keys import ClientKeys
from engine.wire.messages import GetHistory, HistoryPage
from engine.wire.sockets import Mailbox, Poller, Requester, checked

log = logs.get(__name__)

START_S: Final = 15.0
"""How long a question waits for a recorder that is being started."""
_LOOK_S: Final = 0.05


class HistoryLink(QtCore.QObject):
    """Asks the recorder between the first question and :meth:`close`.

    Args:
        endpoint: where the recorder listens, empty while it does not.
        wire: limits of the sockets.
        keys: of the window.
    """

    _answered = QtCore.Signal(int, object)

    def __init__(
        self,
        endpoint: Callable[[], str],
        *,
        wire: Wire,
        keys: ClientKeys | None,
        parent: QtCore.QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._endpoint, self._wire, self._keys = endpoint, wire, keys
        self._futures: dict[int, asyncio.Future[object]] = {}
        self._count = 0
        self._mailbox = Mailbox()
        self._is_closing = threading.Event()
        self._answered.connect(self._resolve)
        self._thread = threading.Thread(target=self._run, name="history-link", daemon=True)

    async def ask(self, question: GetHistory, wait_s: float = START_S) -> HistoryPage:
        """Asks without blocking the window.

        Args:
            question: for one page.
            wait_s: how long to wait for a recorder that is not there yet.

        Raises:
            RequestTimeout: nobody answers questions about history.
            RequestRefused: the recorder said no.
        """
        endpoint = await self._found(wait_s)
        self._count += 1
        number = self._count
        future: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._futures[number] = future
        if self._thread.ident is None:
            self._thread.start()
        self._mailbox.put((number, endpoint, question))
        page = checked(await future)
        if not isinstance(page, HistoryPage):
            raise RequestRefused(Reason.INVALID, f"The recorder answered with {type(page).__name__}.")
        return page

    def close(self) -> None:
        """Ends the thread; open questions are cancelled."""
        self._is_closing.set()
        self._mailbox.put(None)
        if self._thread.is_alive():
            self._thread.join(2)
        self._mailbox.close()
        for future in self._futures.values():
            future.cancel()
        self._futures.clear()

    async def _found(self, wait_s: float) -> str:
        deadline = time.monotonic() + wait_s
        while not self._is_closing.is_set():
            if endpoint := self._endpoint():
                return endpoint
            if time.monotonic() > deadline:
                break
            await asyncio.sleep(_LOOK_S)
        raise RequestTimeout("the recorder does not run, so there is no history")

    @QtCore.Slot(int, object)
    def _resolve(self, number: int, reply: object) -> None:
        future = self._futures.pop(number, None)
        if future is not None and not future.done():
            future.set_result(reply)

    # --- the link's thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        """Asks until it is closed; after a bug it begins anew, and who waits is told."""
        while not self._is_closing.is_set():
            post = _Post(self._wire, self._keys, self._answered.emit)
            try:
                while not self._is_closing.is_set():
                    Poller(self._mailbox, *post.sockets).wait(100)
                    for item in self._mailbox.take():
                        if item is not None:
                            post.send(*item)
                    post.receive()
            except Exception:
                log.exception("the link to the recorder failed; it begins anew")
            finally:
                post.close()


class _Post:
    """Questions on their way to one recorder; one that listens elsewhere gets a socket of its own."""

    def __init__(self, wire: Wire, keys: ClientKeys | None, answered: Callable[[int, object], None]) -> None:
        self._wire, self._keys, self._answered = wire, keys, answered
        self._requester: Requester | None = None
        self._asked: dict[str, int] = {}

    @property
    def sockets(self) -> tuple[Requester, ...]:
        """What to wait for."""
        return (self._requester,) if self._requester else ()

    def send(self, number: int, endpoint: str, question: GetHistory) -> None:
        """Sends a question; one that cannot be sent is its own trouble."""
        try:
            self._asked[self._towards(endpoint).send(question)] = number
        except Exception as error:
            log.exception("a question about history cannot be sent")
            self._answered(number, error)

    def receive(self) -> None:
        """Hands over the answers that are here."""
        for request_id, reply in self._requester.replies() if self._requester else ():
            self._answered(self._asked.pop(request_id), reply)

    def close(self) -> None:
        """Nobody waits for answers any more: whoever asked is told so."""
        for number in self._asked.values():
            self._answered(number, RequestTimeout("the recorder began anew; the question is lost"))
        self._asked.clear()
        if self._requester is not None:
            self._requester.close()
            self._requester = None

    def _towards(self, endpoint: str) -> Requester:
        if self._requester is None or self._requester.endpoint != endpoint:
            self.close()
            source = f"window-{os.getpid()}"
            self._requester = Requester(endpoint, source=source, wire=self._wire, keys=self._keys)
        return self._requester
