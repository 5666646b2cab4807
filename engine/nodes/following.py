"""The contracts that a strategy follows: one rail each, whose questions are asked at once and waited for.

No tick waits behind a question without an answer: a guard goes on with what there is, and what is missing is told.
Decides nothing about trading.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from engine import logs
from engine.errors import RequestError
from engine.model.tick import Tick
from engine.nodes.asking import Asker
from engine.nodes.sight import Sight
from engine.wire.messages import GetHistory
from engine.wire.rail import DualRail, Missing, Output, Question, RailLimits

log = logs.get(__name__)
_LIMITS: Final = RailLimits(patience_s=0.0)
"""What the answers did not bring is missing, and the ticks behind it are given out."""


class FollowedContracts:
    """Ticks in their true order, each once.

    Args:
        gateway: asked for what the feed dropped.
        recorder: asked for what the gateway has no more; None = nobody.
        sight: told what is missing, and that the gateway does not answer.
        process: takes each tick.
        is_paced: a replay grants tick by tick: nothing behind the newest tick of the feed is taken, or looked for.
    """

    def __init__(
        self,
        gateway: Asker,
        recorder: Asker | None,
        sight: Sight,
        process: Callable[[Tick], None],
        *,
        is_paced: bool,
    ) -> None:
        self._gateway, self._recorder, self._sight = gateway, recorder, sight
        self._process, self._is_paced = process, is_paced
        self._rails: dict[str, DualRail] = {}

    @property
    def last(self) -> dict[str, int]:
        """Number of the last known tick of each contract."""
        return {symbol: rail.last for symbol, rail in self._rails.items()}

    @property
    def gaps(self) -> int:
        """How often the feed left numbers out."""
        return sum(rail.gaps for rail in self._rails.values())

    def add(self, symbol: str, last: int, run: int) -> None:
        """Follows a contract from a number on; without the ticks since then it is not followed yet.

        Args:
            symbol: contract code.
            last: number of the last tick that is known.
            run: of the gateway.

        Raises:
            RequestError: the gateway does not answer.
        """
        run = run if self._recorder else 0
        rail = DualRail(symbol, last=last, run=run, is_exact=self._is_paced, limits=_LIMITS)
        if not self._is_paced:
            self._perform(rail, rail.catch_up(time.monotonic()), self._ask)
        self._rails[symbol] = rail

    def take(self, tick: Tick) -> None:
        """A tick of the feed; those before it that did not come are processed first."""
        rail = self._rails.get(tick.symbol)
        if rail is not None:
            self._perform(rail, rail.live(tick, time.monotonic()), self._ask_in_step)

    def look(self) -> None:
        """Asks about contracts whose live ticks have long been silent; call it several times a second."""
        if not self._is_paced:
            for rail in self._rails.values():
                self._perform(rail, rail.time(time.monotonic()), self._ask_in_step)

    # --- what a rail says ----------------------------------------------------------------------------------------

    def _perform(self, rail: DualRail, outputs: Iterable[Output], ask: Callable[[Question], object]) -> None:
        waiting = deque(outputs)
        while waiting:
            output = waiting.popleft()
            if isinstance(output, Tick):
                self._process(output)
            elif isinstance(output, Missing):
                self._sight.lose(output.symbol, len(output))
            else:
                waiting.extend(rail.answer(output, ask(output), time.monotonic()))

    def _ask(self, question: Question) -> object:
        """The answer, None where the recorder has none.

        Raises:
            RequestError: the gateway has none.
        """
        if not isinstance(question, GetHistory):
            return self._gateway.ask(question)
        try:
            return self._recorder.ask(question) if self._recorder else None
        except RequestError as error:
            log.warning("the recorder does not answer", symbol=question.symbol, error=str(error))
            return None

    def _ask_in_step(self, question: Question) -> object:
        """The same; a gateway that did not answer is asked no more until it is in step again."""
        if not self._sight.is_in_step and not isinstance(question, GetHistory):
            return None
        try:
            return self._ask(question)
        except RequestError as error:
            self._sight.fall_out(error)
            return None
