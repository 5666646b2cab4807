"""Questions to the broker's books, asked on a thread of their own: a slow answer must not hold up an exit.

In a paced market they are asked at once, on the thread of the caller, so that a replay stays exact.
"""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from engine import logs
from engine.brokers.base import Broker, OrderReport
from engine.errors import BrokerAmbiguous, BrokerRefused
from engine.model.order import Fill

log = logs.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What the broker's books say of one account.

    Attributes:
        account: which.
        asked: when the question was put, monotonic seconds; what happened later may be missing.
        reports: every order of the present trade date.
        fills: every execution of the present trade date, asked for after the orders: none of theirs is missing.
        positions: net lots by symbol; None where they were not asked for.
        problem: why there is no answer; then the rest is empty.
    """

    account: str
    asked: float
    reports: tuple[OrderReport, ...] = ()
    fills: tuple[Fill, ...] = ()
    positions: dict[str, int] | None = None
    problem: str = ""


class Enquirer:
    """Asks one question after the other.

    Args:
        broker: whose books.
        on_statement: takes the answers; called on the enquirer's thread.
    """

    def __init__(self, broker: Broker, on_statement: Callable[[Statement], None]) -> None:
        self._broker, self._on_statement = broker, on_statement
        self._questions: queue.SimpleQueue[tuple[str, bool] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="enquirer", daemon=True)

    def ask(self, account: str, *, positions: bool) -> None:
        """Puts a question; the answer comes as a statement."""
        if self._broker.is_paced:
            self._on_statement(self._statement(account, positions))
            return
        if self._thread.ident is None:
            self._thread.start()
        self._questions.put((account, positions))

    def close(self, timeout_s: float = 5.0) -> None:
        """Ends the thread after the question it is at."""
        self._questions.put(None)
        if self._thread.ident is not None:
            self._thread.join(timeout_s)

    def _run(self) -> None:
        while (question := self._questions.get()) is not None:
            self._on_statement(self._statement(*question))

    def _statement(self, account: str, positions: bool) -> Statement:
        asked = time.monotonic()
        try:
            reports = self._broker.query_orders(account)
            fills = self._broker.query_fills(account)
            net = self._broker.query_positions(account) if positions else None
        except (BrokerRefused, BrokerAmbiguous) as error:
            return Statement(account=account, asked=asked, problem=str(error))
        except Exception as error:  # whatever the broker's library throws, the next question may be answered
            log.exception("broker query failed", account=account)
            return Statement(account=account, asked=asked, problem=f"{type(error).__name__}: {error}")
        return Statement(account=account, asked=asked, reports=reports, fills=fills, positions=net)
