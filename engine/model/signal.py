"""A trading signal: what a strategy wants done, once. Its id makes everything after it idempotent."""

import base64
import hashlib
from dataclasses import dataclass
from enum import StrEnum

from engine.model.order import Reason, Side


class Leg(StrEnum):
    """Which part of a condition a signal or order serves."""

    ENTRY = "entry"
    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"
    TRAILING_STOP = "trailing_stop"
    CLOSE = "close"
    """A person closed the condition."""
    BREAKEVEN_STOP = "breakeven_stop"
    """The stop loss after it was moved to where the position costs nothing."""
    TIME_STOP = "time_stop"
    """The position was held for as long as the trader allowed."""
    SESSION_END = "session_end"
    """The session is about to close and the condition is not to be held through."""

    @property
    def is_exit(self) -> bool:
        """Reduces a position."""
        return self is not Leg.ENTRY


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """An instruction of a strategy to the executor.

    Attributes:
        signal_id: ``condition/leg/attempt``; the same id never makes a second order.
        condition_id: the condition that gave it.
        leg: entry or which exit.
        attempt: from 1; a further attempt is made only after the one before has ended.
        account: order account.
        symbol: contract code.
        side: direction of the order.
        quantity: lots.
        price: price of the tick that caused it, scaled.
        tick_seq: the symbol's number of that tick.
        ts_event: exchange time of that tick.
        reason: ASCII word for people: ``turning_point``, ``take_profit``, ``stop_loss``, …
    """

    signal_id: str
    condition_id: str
    leg: Leg
    attempt: int
    account: str
    symbol: str
    side: Side
    quantity: int
    price: int
    tick_seq: int
    ts_event: int
    reason: str = ""

    @property
    def client_order_id(self) -> str:
        """The id of the order that this signal makes."""
        return client_order_id(self.signal_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalRefused:
    """A fact: the executor refused a signal, no order was made of it.

    Attributes:
        signal: the signal.
        reason: code.
        text: the figures, for people.
        ts_event: when.
    """

    signal: Signal
    reason: Reason
    text: str = ""
    ts_event: int = 0


def signal_id(condition_id: str, leg: Leg, attempt: int) -> str:
    """The id of a condition's signal."""
    return f"{condition_id}/{leg}/{attempt}"


def client_order_id(of_signal_id: str) -> str:
    """Ten ASCII characters made from a signal id: 60 bits of its BLAKE2b hash in URL-safe base 64.

    The broker's note field takes ten characters and brings them back on every report.
    """
    digest = hashlib.blake2b(of_signal_id.encode(), digest_size=9).digest()
    return base64.urlsafe_b64encode(digest)[:10].decode("ascii")
