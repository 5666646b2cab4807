"""The broker of the program under drill: calls travel over a pipe to the exchange in the drill's process.

So the exchange outlives the program, as a real one does. A call without an answer is ambiguous.
"""

import itertools
import queue
import threading
from multiprocessing.connection import Connection
from typing import Any, Final

from engine import logs
from engine.brokers.base import ApprovedOrder, BrokerListener, Credentials, OrderReport
from engine.drill.line import Hello
from engine.errors import BrokerAmbiguous, BrokerRefused
from engine.model.market import Contract, Environment
from engine.model.order import Fill, Order, Reason
from engine.model.position import Account
from engine.timing import NS_PER_S, AcceleratedClock

log = logs.get(__name__)

_BEHIND_NS: Final = 60 * NS_PER_S
_PATIENT: Final = frozenset({"login", "contracts", "start"})
"""Calls of a start: a machine that stands still for a moment is no reason to give that up."""
_PATIENCE_S: Final = 20.0


class _Open:
    """A call that waits for its answer."""

    def __init__(self) -> None:
        self.answered = threading.Event()
        self.answer: tuple[Any, ...] = ()


class RemoteBroker:
    """A :class:`engine.brokers.base.Broker` whose exchange is at the other end of a pipe.

    Args:
        pipe: to :class:`engine.drill.line.Line`.
        timeout_s: how long an answer is waited for; those of a start are waited for longer.
    """

    environment = Environment.SIMULATED
    is_paced = False

    def __init__(self, pipe: Connection, timeout_s: float) -> None:
        self._pipe, self._timeout_s = pipe, timeout_s
        self._numbers = itertools.count(1)
        self._calls: dict[int, _Open] = {}
        self._sending = threading.Lock()
        self._is_gone = self._is_closed = False
        self._listener: BrokerListener | None = None
        self.clock = AcceleratedClock(0)
        self._told: queue.SimpleQueue[tuple[str, tuple[Any, ...]] | None] = queue.SimpleQueue()
        self._threads = (
            threading.Thread(target=self._read, name="remote-broker", daemon=True),
            # A listener may call the broker: it is told on another thread than the one that takes the answer.
            threading.Thread(target=self._tell_all, name="remote-broker-tells", daemon=True),
        )
        for thread in self._threads:
            thread.start()

    # --- Broker --------------------------------------------------------------------------------------------------

    def login(self, credentials: Credentials) -> tuple[Account, ...]:
        hello: Hello = self._call("login", credentials)
        self.clock = AcceleratedClock(hello.now_ns, hello.speed)
        return hello.accounts

    def contracts(self) -> tuple[Contract, ...]:
        found: tuple[Contract, ...] = self._call("contracts")
        return found

    def start(self, listener: BrokerListener) -> None:
        self._listener = listener
        self._call("start")

    def subscribe(self, symbol: str) -> None:
        self._call("subscribe", symbol)

    def unsubscribe(self, symbol: str) -> None:
        self._call("unsubscribe", symbol)

    def submit(self, approved: ApprovedOrder) -> str:
        return str(self._call("submit", approved))

    def cancel(self, order: Order) -> None:
        self._call("cancel", order)

    def replace(self, order: Order, price: int, quantity: int) -> None:
        self._call("replace", order, price, quantity)

    def query_orders(self, account: str) -> tuple[OrderReport, ...]:
        found: tuple[OrderReport, ...] = self._call("query_orders", account)
        return found

    def query_fills(self, account: str) -> tuple[Fill, ...]:
        found: tuple[Fill, ...] = self._call("query_fills", account)
        return found

    def query_positions(self, account: str) -> dict[str, int]:
        found: dict[str, int] = self._call("query_positions", account)
        return found

    def set_pacers(self, nodes: frozenset[str]) -> None:
        """The exchange waits for nobody."""

    def on_watermark(self, node: str, round: int, position: int) -> None:
        """The exchange waits for nobody."""

    def close(self) -> None:
        if self._is_closed:
            return
        if not self._is_gone:
            try:
                self._call("close")
            except BrokerAmbiguous:
                log.warning("the exchange did not answer the farewell")
        self._is_closed = True
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(self._timeout_s)
        self._pipe.close()

    # --- the pipe ------------------------------------------------------------------------------------------------

    def _call(self, method: str, *args: Any) -> Any:
        if self._is_closed:
            raise BrokerRefused(Reason.NOT_CONNECTED, "The link to the exchange was closed.")
        number, waiting = next(self._numbers), _Open()
        self._calls[number] = waiting
        try:
            with self._sending:
                self._pipe.send(("call", number, method, args))
        except OSError as error:
            raise BrokerAmbiguous(f"{method}: the line broke: {error}") from error
        timeout_s = max(self._timeout_s, _PATIENCE_S) if method in _PATIENT else self._timeout_s
        if not waiting.answered.wait(timeout_s):
            self._calls.pop(number, None)
            raise BrokerAmbiguous(f"{method}: no answer within {timeout_s:g} s")
        match waiting.answer:
            case ("reply" | "farewell", _, value):
                return value
            case ("refused", _, code, text):
                raise BrokerRefused(code, text)
            case _:
                raise BrokerAmbiguous(str(waiting.answer[-1]))

    def _read(self) -> None:
        """Takes answers and reports until the line ends or the program has said farewell."""
        while True:
            try:
                message = self._pipe.recv()
            except (EOFError, OSError):
                break
            if message[0] == "tell":
                self._told.put((message[1], message[2]))
            elif waiting := self._calls.pop(message[1], None):
                waiting.answer = message
                waiting.answered.set()
                if message[0] == "farewell":
                    break
        self._is_gone = True
        self._told.put(None)
        for number in list(self._calls):
            if waiting := self._calls.pop(number, None):
                waiting.answer = ("ambiguous", number, "the line to the exchange is gone")
                waiting.answered.set()

    def _tell_all(self) -> None:
        while (told := self._told.get()) is not None:
            self._tell(*told)

    def _tell(self, method: str, args: tuple[Any, ...]) -> None:
        if self._listener is None or self._is_closed:
            return
        if method == "on_tick" and args[1] > self.clock.now_ns() + _BEHIND_NS:
            self.clock.jump_to(args[1])  # the hours without a session take no time
        try:
            getattr(self._listener, method)(*args)
        except Exception:
            log.exception("a report was not taken", method=method)
