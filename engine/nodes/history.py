"""Answers questions about history on 5560: one page a question, on a thread of its own.

Reads only. What has come and is not written yet is written before a question is answered, so that an answer holds
everything that the recorder has received.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Final

import numpy as np

from engine import logs
from engine.errors import EngineError, RequestRefused, UnknownInstrument
from engine.model.instrument import contract_month_of
from engine.model.order import Reason
from engine.model.session import TAIPEI
from engine.storage.serving import HistoryReader, Page
from engine.timing import NS_PER_S, iso
from engine.wire.messages import Envelope, GetHistory, HistoryKind, HistoryPage, Refused
from engine.wire.sockets import Mailbox, Poller, RouterServer

log = logs.get(__name__)

_FLUSH_S: Final = 5.0
"""How long a question waits for the writer; then it is answered with what is written."""
_KEPT: Final = 8
"""Clients whose last answer is kept, for a question that is repeated because its answer took long."""
_LONGEST_SPAN_S: Final = 86_400


class History:
    """What is answered.

    Args:
        reader: of the thread that asks.
        flush: waits until what has come is written.
        reading: held while the store is read.
    """

    def __init__(
        self,
        reader: HistoryReader,
        flush: Callable[[float], bool],
        reading: AbstractContextManager[Any],
    ) -> None:
        self._reader, self._flush, self._reading = reader, flush, reading

    def answer(self, question: object) -> HistoryPage:
        """One page.

        Raises:
            RequestRefused: it is no question about history, or one without an answer.
            EngineError: the store cannot be read.
        """
        if not isinstance(question, GetHistory):
            raise RequestRefused(Reason.INVALID, "This socket answers questions about history (get_history) only.")
        _check(question)
        if not self._flush(_FLUSH_S):
            log.warning("history is answered without the last rows", symbol=question.symbol)
        with self._reading:
            columns, is_complete = self._page(question)
        rows = len(next(iter(columns.values())))
        if not rows and is_complete:
            _check_symbol(question.symbol)
        return HistoryPage(
            kind=question.kind,
            symbol=question.symbol,
            span_s=question.span_s if question.kind is HistoryKind.BARS else 0,
            rows=rows,
            columns={name: np.asarray(column, dtype="<i8").tobytes() for name, column in columns.items()},
            is_complete=is_complete,
        )

    def _page(self, asked: GetHistory) -> Page:
        if asked.kind is HistoryKind.TICKS and asked.after_seq >= 0:
            return self._reader.ticks_after(asked.symbol, asked.run, asked.after_seq, asked.limit)
        which: dict[str, Any] = {"is_newest": asked.is_newest, "is_day_only": asked.is_day_only}
        span = asked.symbol, asked.begin_ns, asked.end_ns, asked.limit
        match asked.kind:
            case HistoryKind.TICKS:
                return self._reader.tick_page(*span, **which)
            case HistoryKind.BOOKS:
                return self._reader.book_page(*span, **which)
            case HistoryKind.BARS:
                return self._reader.bar_page(*span, span_ns=asked.span_s * NS_PER_S, **which)


def _check(asked: GetHistory) -> None:
    if asked.end_ns and asked.end_ns <= asked.begin_ns:
        begin, end = iso(asked.begin_ns), iso(asked.end_ns)
        raise RequestRefused(Reason.INVALID, f"The range ends ({end}) before it begins ({begin}).")
    if asked.kind is HistoryKind.BARS and not 1 <= asked.span_s <= _LONGEST_SPAN_S:
        text = f"A bar of {asked.span_s} s cannot be built: ask for 1 to {_LONGEST_SPAN_S} s (a trade date)."
        raise RequestRefused(Reason.INVALID, text)
    if asked.after_seq >= 0 and asked.kind is not HistoryKind.TICKS:
        raise RequestRefused(Reason.INVALID, f"Only ticks are asked for by number, not {asked.kind}.")
    if asked.after_seq >= 0 and not asked.run:
        text = "Numbers belong to a run of the gateway: name it (run of the snapshot)."
        raise RequestRefused(Reason.INVALID, text)


def _check_symbol(symbol: str) -> None:
    """A contract without rows has none; what is no contract is a mistake."""
    try:
        contract_month_of(symbol, near=datetime.now(TAIPEI).date())
    except UnknownInstrument as error:
        raise RequestRefused(Reason.UNKNOWN_SYMBOL, f"The store has nothing of it: {error}") from None


class HistoryServer:
    """The thread that answers.

    Args:
        server: bound; the thread's own from :meth:`start` on, which also closes it.
        history: what is answered.
    """

    def __init__(self, server: RouterServer, history: History) -> None:
        self._server, self._history = server, history
        self.endpoint = server.endpoint
        self._stop = Mailbox()
        self._answered: OrderedDict[bytes, tuple[str, bytes]] = OrderedDict()
        self.questions = 0
        """Answered so far."""
        self.undecodable = 0
        """Messages that were none."""
        self._thread = threading.Thread(target=self._run, name="history", daemon=True)

    def start(self) -> None:
        """Begins to answer."""
        self._thread.start()

    def close(self) -> None:
        """Ends the thread after the question in work, and the socket."""
        self._stop.put("stop")
        if self._thread.ident is not None:
            self._thread.join()
        else:
            self._server.close()
        self._stop.close()

    def _run(self) -> None:
        poller = Poller(self._server, self._stop)
        try:
            while self._stop not in poller.wait(1000):
                while (found := self._server.receive()) is not None:
                    client, _, envelope = found
                    self._serve(client, envelope)
                    if self._stop in poller.wait(0):
                        return
                self.undecodable = self._server.undecodable
        finally:
            self._server.close()

    def _serve(self, client: bytes, envelope: Envelope) -> None:
        """Answers; the last question of a client, repeated, costs no second look into the store."""
        last = self._answered.get(client)
        if last is not None and envelope.id and last[0] == envelope.id:
            self._server.resend(client, last[1])
            return
        frame = self._server.reply(client, envelope, self._reply(envelope))
        self._answered[client] = envelope.id, frame
        self._answered.move_to_end(client)
        if len(self._answered) > _KEPT:
            self._answered.popitem(last=False)
        self.questions += 1

    def _reply(self, envelope: Envelope) -> object:
        try:
            return self._history.answer(envelope.body)
        except RequestRefused as refused:
            return Refused(code=refused.code, text=str(refused))
        except EngineError as error:
            return Refused(code=Reason.INVALID, text=str(error))
        except Exception as error:
            log.exception("a question about history failed")
            text = f"The question failed inside the recorder ({type(error).__name__}); see its log."
            return Refused(code=Reason.INVALID, text=text)
