"""What a strategy process has not seen, and therefore must not enter on. Guards go on with what there is."""

import time
from collections.abc import Callable, Iterable
from typing import Final

from engine import logs
from engine.errors import RequestError
from engine.model.market import LinkState, LinkStatus
from engine.model.signal import Signal
from engine.supervision.child import Telemetry
from engine.wire.messages import SightChanged

log = logs.get(__name__)
_AGAIN_S: Final = 1.0
"""How long after a question without an answer the gateway is asked again."""


class Sight:
    """Ticks that are gone for good, and whether the gateway answered the last question.

    Args:
        node: name of the process.
        telemetry: of the process, for its counters.
        tell: takes a word for the gateway, which keeps it: a process that comes after this one has not seen the
            ticks either.
    """

    def __init__(self, node: str, telemetry: Telemetry, tell: Callable[[SightChanged], object]) -> None:
        self._node, self._telemetry, self._tell = node, telemetry, tell
        self._blind: dict[str, str] = {}
        """Contracts of which ticks are missing: what a person should know, in a sentence."""
        self._missing: dict[str, int] = {}
        self._ask_again_at = 0.0
        self.is_in_step = True
        """What the ledger knows was known here at the last question."""

    def lose(self, symbol: str, count: int) -> None:
        """Ticks cannot be had any more: the contract enters nothing until a person has looked at it."""
        self._missing[symbol] = self._missing.get(symbol, 0) + count
        self._telemetry.count("lost", count)
        log.error("ticks are missing, nothing is entered", symbol=symbol, missing=count)
        was_blind, missing = symbol in self._blind, self._missing[symbol]
        ticks = "1 tick is" if missing == 1 else f"{missing} ticks are"
        text = f"{ticks} missing of {symbol}; arm or change one of its conditions to go on without"
        self._blind[symbol] = text
        if not was_blind:
            self._tell(SightChanged(node=self._node, symbol=symbol, text=text))

    def inherit(self, links: Iterable[LinkStatus]) -> None:
        """What the process before this one had not seen, by the gateway's links."""
        for status in links:
            kind, _, rest = status.link.partition(".")
            node, _, symbol = rest.partition(".")
            if (kind, node) == ("sight", self._node) and status.state is not LinkState.UP:
                self._blind.setdefault(symbol, status.text)

    def accept(self, symbol: str) -> None:
        """A person has looked at the contract and goes on without them."""
        self._missing.pop(symbol, None)
        if self._blind.pop(symbol, None):
            self._tell(SightChanged(node=self._node, symbol=symbol))

    def fall_out(self, error: RequestError) -> None:
        """The gateway did not answer: nothing is entered until it does."""
        if self.is_in_step:
            self._telemetry.count("out_of_step")
            log.error("the gateway does not answer, nothing is entered", error=str(error))
        self.is_in_step, self._ask_again_at = False, time.monotonic() + _AGAIN_S

    def come_back(self) -> bool:
        """The gateway answered; True if it had not before."""
        was_out, self.is_in_step = not self.is_in_step, True
        if was_out:
            log.info("the gateway answers again")
        return was_out

    @property
    def is_question_due(self) -> bool:
        """It is time to ask the gateway again."""
        return not self.is_in_step and time.monotonic() >= self._ask_again_at

    def refusal(self, signal: Signal) -> str:
        """Why an entry must not be made, in a sentence; empty if it may."""
        if not self.is_in_step:
            return "the gateway does not answer the strategy, which may not know all; nothing is entered meanwhile"
        return self._blind.get(signal.symbol, "")
