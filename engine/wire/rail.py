"""The two rails of market data: a contract's live ticks, and the questions that bring back what the feed dropped.

Pure: no socket, no clock, no thread. Live ticks, answers and the time go in; out come ticks in their true order
and each once, the numbers that nobody has, and what to ask next: the gateway's ring, then the recorder's store.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from engine.errors import DecodeError
from engine.model.tick import Tick
from engine.wire.messages import GetHistory, GetTicks, HistoryKind, HistoryPage, Ticks

_COLUMNS: Final = ("seq", "ts_event", "ts_recv", "price", "quantity", "total_volume", "flags")


@dataclass(frozen=True, slots=True)
class Missing:
    """Ticks that neither rail brought back; the sequence goes on behind them.

    Attributes:
        symbol: contract code.
        first: number of the first of them.
        last: number of the last of them.
    """

    symbol: str
    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RailLimits:
    """How much a rail keeps and how long it waits, in the seconds of whoever tells it the time.

    Attributes:
        page: ticks of one question.
        held: live ticks kept behind a hole; those that come while it is full are asked for again.
        answer_s: a question not answered by then is answered no more.
        again_s: pause before both are asked again because one did not answer.
        patience_s: how long a hole keeps what is behind it waiting because one does not answer; where both answer
            that they have not got it, it is missing at once.
        silence_s: a contract without a live tick for so long is asked for, and again at this pace.
    """

    page: int = 5_000
    held: int = 10_000
    answer_s: float = 2.0
    again_s: float = 0.5
    patience_s: float = 5.0
    silence_s: float = 5.0


Question = GetTicks | GetHistory
"""GetTicks goes to the gateway, GetHistory to the recorder."""
Output = Tick | Missing | Question
"""What to do, in this order: process the tick, note what is missing, ask and give the answer back."""


class DualRail:
    """The true sequence of one contract's ticks within one run of the gateway.

    One question at most is open at a time. Every answer is welcome, however late or often it comes: ticks are
    known by their number.

    Args:
        symbol: contract code.
        last: number of the last tick that is known.
        top: ticks up to this number exist, as far as is known; those after ``last`` are fetched.
        run: of the gateway, which names the ticks in the store; 0 = there is no store to ask.
        is_exact: nothing behind the newest live tick is taken from an answer (a paced market grants tick by tick).
        limits: how much it keeps and how long it waits.
    """

    def __init__(
        self,
        symbol: str,
        *,
        last: int = 0,
        top: int = 0,
        run: int = 0,
        is_exact: bool = False,
        limits: RailLimits | None = None,
    ) -> None:
        self.symbol, self.run = symbol, run
        self.last = last
        """Number of the last tick that was given out or is missing."""
        self.gaps = 0
        """How often the live rail left numbers out."""
        self._top = max(last, top)
        self._is_exact = is_exact
        self._limits = limits or RailLimits()
        self._held: dict[int, Tick] = {}
        self._asked: Question | None = None
        self._asked_at = 0.0
        self._is_at_store = False
        self._ring_lacks = -1
        """The last tick known when the ring had nothing to add behind it."""
        self._is_looking = False
        """Whether there are later ticks than are known is being asked."""
        self._has_doubt = False
        """Someone who was asked about the present hole did not answer."""
        self._hole_since: float | None = None
        self._rest_until: float | None = None
        self._heard_at: float | None = None

    # --- inputs --------------------------------------------------------------------------------------------------

    def live(self, tick: Tick, now_s: float) -> list[Output]:
        """A tick of the feed."""
        self._heard_at = now_s
        if tick.seq == self.last + 1 and self.last == self._top and self._asked is None:
            self.last = self._top = tick.seq
            return [tick]
        self.gaps += tick.seq > self._top + 1
        given = self._take((tick,))
        if given and self._is_whole:
            self._is_looking = False  # the live rail speaks
        return [*given, *self._go_on(now_s)]

    def answer(self, question: Question, reply: object, now_s: float) -> list[Output]:
        """The answer to a question; anything but a page, such as an error or a refusal, is none."""
        page = _page(reply, self.symbol)
        before = self.last
        is_judged = question is self._asked and question.after_seq == before
        if question is self._asked:
            self._asked = None
        ticks, is_complete = page or ((), False)
        wanted = (tick for tick in ticks if tick.seq <= self._top) if self._is_exact else ticks
        outputs: list[Output] = [*self._take(wanted, self._next_held if is_judged else 0)]
        if is_judged and self._is_whole:
            self._look(page is not None, is_done=is_complete or self.last == before)
        elif is_judged and self.last == before and self._is_lost(page is not None, now_s):
            outputs += self._give_up()
        return outputs + self._go_on(now_s)

    def time(self, now_s: float) -> list[Output]:
        """What is due by now; call it several times a second."""
        if self._asked is not None and now_s - self._asked_at >= self._limits.answer_s:
            return self.answer(self._asked, None, now_s)
        if self._heard_at is None:
            self._heard_at = now_s
        if now_s - self._heard_at >= self._limits.silence_s:
            self._heard_at, self._is_looking = now_s, True
        return self._go_on(now_s)

    def catch_up(self, now_s: float) -> list[Output]:
        """Asks for all there is after the last known tick."""
        self._is_looking = True
        return self._go_on(now_s)

    # --- parts ---------------------------------------------------------------------------------------------------

    @property
    def _is_whole(self) -> bool:
        return self.last == self._top

    @property
    def _next_held(self) -> int:
        """The number behind the first hole, as far as is known."""
        return min(self._held, default=self._top + 1)

    def _take(self, ticks: Iterable[Tick], below: int = 0) -> list[Tick]:
        """Those that are next in order; keeps others, beyond its limit only those ``below`` a number."""
        given: list[Tick] = []
        for tick in ticks:
            if tick.symbol != self.symbol or tick.seq <= self.last:
                continue
            self._top = max(self._top, tick.seq)
            if tick.seq == self.last + 1 or len(self._held) < self._limits.held or tick.seq < below:
                self._held[tick.seq] = tick
                given += self._released()
        return given

    def _released(self) -> list[Tick]:
        """What was held and is next in order."""
        given = []
        while (tick := self._held.pop(self.last + 1, None)) is not None:
            self.last = tick.seq
            given.append(tick)
        return given

    def _look(self, is_answered: bool, *, is_done: bool) -> None:
        """Goes on asking for later ticks, or ends it. The store is asked only where the ring is silent."""
        if is_answered or self._is_at_store or not self.run:
            self._is_looking, self._is_at_store = is_answered and not is_done, False
        else:
            self._is_at_store = True

    def _is_lost(self, is_answered: bool, now_s: float) -> bool:
        """Whether the ticks before the next one held can be had no more, after an answer that brought none."""
        self._has_doubt |= not is_answered
        if not self._is_at_store:
            self._ring_lacks = self.last
        self._is_at_store = not self._is_at_store and self.run > 0
        if self._is_at_store or self._ring_lacks < self.last:
            return False
        waited = now_s - self._hole_since if self._hole_since is not None else 0.0
        if self._has_doubt and waited < self._limits.patience_s:
            self._has_doubt, self._rest_until = False, now_s + self._limits.again_s
            return False
        return True

    def _give_up(self) -> list[Output]:
        missing = Missing(self.symbol, self.last + 1, self._next_held - 1)
        self.last, self._has_doubt = missing.last, False
        return [missing, *self._released()]

    def _go_on(self, now_s: float) -> list[Output]:
        """Asks what is to be asked now."""
        if not self._is_whole:
            self._hole_since = now_s if self._hole_since is None else self._hole_since
        elif self._hole_since is not None:
            self._hole_since = self._rest_until = self._asked = None
            self._has_doubt = self._is_at_store = False
        if self._is_whole and not self._is_looking:
            self._asked, self._is_at_store = None, False
            return []
        if self._asked is not None or (self._rest_until is not None and now_s < self._rest_until):
            return []
        self._asked, self._asked_at = self._question(), now_s
        return [self._asked]

    def _question(self) -> Question:
        """The ring is asked for all it has after the hole, which spares questions about the holes behind it."""
        missing = self._next_held - 1 - self.last
        is_bounded = missing > 0 and (self._is_at_store or self._is_exact)
        limit = min(self._limits.page, missing) if is_bounded else self._limits.page
        if not self._is_at_store:
            return GetTicks(symbol=self.symbol, after_seq=self.last, limit=limit)
        kind = HistoryKind.TICKS
        return GetHistory(kind=kind, symbol=self.symbol, run=self.run, after_seq=self.last, limit=limit)


def ticks_of(page: HistoryPage) -> tuple[Tick, ...]:
    """The ticks of a page of history.

    Raises:
        DecodeError: it is no page of ticks, or its columns do not fit together.
    """
    try:
        columns = [struct.unpack(f"<{page.rows}q", page.columns[name]) for name in _COLUMNS]
    except (KeyError, struct.error) as error:
        text = f"page of {page.rows} ticks of {page.symbol}: columns are missing or of another length"
        raise DecodeError(text) from error
    return tuple(
        Tick(symbol=page.symbol, **dict(zip(_COLUMNS, row, strict=True))) for row in zip(*columns, strict=True)
    )


def _page(reply: object, symbol: str) -> tuple[tuple[Tick, ...], bool] | None:
    """The ticks of an answer and whether there are no more; None where it is none."""
    if not isinstance(reply, Ticks | HistoryPage) or reply.symbol != symbol:
        return None
    try:
        return reply.ticks if isinstance(reply, Ticks) else ticks_of(reply), reply.is_complete
    except DecodeError:
        return None
