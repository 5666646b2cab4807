"""What the chart shows of the market before the live ticks: asked from the store page by page, newest first.

Asks for nothing more once another contract is on the chart, which is how a long answer is cancelled.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from engine import logs
from engine.errors import EngineError
from engine.wire.messages import GetHistory, HistoryKind, HistoryPage, ProcessState, ProcessStatus
from terminal.chart.widget import ChartWidget
from terminal.models.past import PastState, bar_rows, block_start, column, tick_rows

log = logs.get(__name__)

FIRST_BARS: Final = 1_500
"""More than a wide window shows, so that the first paint is whole."""
MORE_BARS: Final = 5_000
_TICKS: Final = 20_000
_RECORDER: Final = "recorder"

Ask = Callable[[GetHistory], Awaitable[HistoryPage]]


class ChartPast:
    """Loads what was before the live ticks of the contract on the chart.

    Args:
        chart: gets the bars; its ``past_wanted`` leads to :meth:`load_more`.
        on_failed: told, in a sentence, that history cannot be had.
    """

    def __init__(self, chart: ChartWidget, on_failed: Callable[[str], None]) -> None:
        self._chart, self._on_failed = chart, on_failed
        self._ask: Ask | None = None
        self._if_empty = PastState.EMPTY
        self._symbol = self._trouble = ""
        self._serial = 0
        self._first_live_ns = self._end_ns = 0
        self._is_loading = self._has_failed = False

    def set_source(self, ask: Ask | None, if_empty: PastState = PastState.EMPTY) -> None:
        """Asks here from now on.

        Args:
            ask: gives an answer; None = there is no history.
            if_empty: what it means where the answer is empty.
        """
        self._ask, self._if_empty, self._trouble = ask, if_empty, ""
        self.forget()

    def forget(self) -> None:
        """The chart turns to another contract: what is on its way is not wanted any more."""
        self._serial += 1
        self._symbol = ""
        self._is_loading = self._has_failed = False
        self._chart.show_past(PastState.UNTOLD)

    async def begin(self, symbol: str, first_live_ns: int) -> None:
        """Shows the newest stored bars, and fills up to the first live tick.

        Args:
            symbol: the contract on the chart.
            first_live_ns: when the live ticks begin, or would: the market's present instant.
        """
        self.forget()
        if self._ask is None:
            self._chart.show_past(PastState.OFF)
            return
        self._symbol, self._first_live_ns = symbol, first_live_ns
        self._chart.show_past(PastState.LOADING)
        await self._begin()

    async def live_begins(self, ts_ns: int) -> None:
        """The first live tick is later than it was thought: what the gateway forgot meanwhile is in the store."""
        if self._symbol and self._ask is not None and ts_ns > self._first_live_ns:
            self._first_live_ns = ts_ns
            if not self._is_loading and not self._has_failed:
                await self._fill()

    async def begin_again(self) -> None:
        """The store may have more of the contract than it had: its bars take the place of those that are there."""
        if self._symbol and self._ask is not None:
            self._serial += 1
            self._has_failed = False
            await self._begin()

    @property
    def is_idle(self) -> bool:
        """Nothing is on its way, so that more could be loaded."""
        return not self._is_loading

    async def load_more(self) -> None:
        """Loads older bars, one page; while one is on its way there is no other."""
        if self.is_idle:
            await self._load(MORE_BARS)

    def on_time_frame(self) -> None:
        """The chart has other bars now, and perhaps room for more."""
        if self._symbol and not self._has_failed:
            self._chart.show_past(PastState.MORE)

    def on_process(self, status: ProcessStatus) -> bool:
        """The recorder is well or not; whether to :meth:`begin_again`, as it did not answer before."""
        if status.node != _RECORDER:
            return False
        if status.state is ProcessState.READY:
            self._trouble = ""
            return self._has_failed
        self._trouble = status.text or self._trouble
        if status.text and self._chart.past_label.state is PastState.LOADING:
            self._chart.show_past(PastState.FAILED, status.text)
        return False

    # --- pages ---------------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        serial = self._serial
        self._end_ns = block_start(self._chart.calendar, self._first_live_ns)
        if await self._load(FIRST_BARS, is_anew=True) and self._first_live_ns > self._end_ns:
            await self._fill()
        if serial == self._serial and self._chart.past_label.state is self._if_empty:
            self._tell_end()  # the ticks behind the bars may be all there is

    async def _load(self, limit: int, *, is_anew: bool = False) -> bool:
        """One page of bars; False where it did not come, or nobody wants it any more."""
        span_s = self._chart.span_s
        end_ns = self._end_ns if is_anew else self._chart.past_start_ns or self._end_ns
        if self._ask is None or not self._symbol or end_ns <= 0:
            return False
        question = GetHistory(
            kind=HistoryKind.BARS, symbol=self._symbol, end_ns=end_ns, span_s=span_s, is_newest=True, limit=limit
        )
        serial, self._is_loading = self._serial, True
        page = await self._answer(question, serial)
        if serial != self._serial:
            return False
        self._is_loading = False
        if page is None:
            return False
        if span_s != self._chart.span_s:
            self._chart.show_past(PastState.MORE)
            return True
        before = self._chart.past_start_ns
        self._chart.prepend_bars(bar_rows(page, self._chart.calendar), is_anew=is_anew)
        has_more = not page.is_complete and (is_anew or self._chart.past_start_ns != before)
        if has_more:
            self._chart.show_past(PastState.MORE)
        else:
            self._tell_end()
        return True

    def _tell_end(self) -> None:
        """Nothing is older than what the chart has."""
        self._chart.show_past(PastState.WHOLE if self._chart.has_past else self._if_empty)

    async def _fill(self) -> None:
        """Fetches the ticks between the stored bars and the first live one; that one's own instant included."""
        serial, begin_ns, first_live_ns = self._serial, self._end_ns, self._first_live_ns
        pages: list[HistoryPage] = []
        while begin_ns <= first_live_ns:
            question = GetHistory(
                kind=HistoryKind.TICKS,
                symbol=self._symbol,
                begin_ns=begin_ns,
                end_ns=first_live_ns + 1,
                limit=_TICKS,
            )
            page = await self._answer(question, serial)
            if page is None or (serial, first_live_ns) != (self._serial, self._first_live_ns):
                return
            pages.append(page)
            if page.is_complete or not page.rows:
                break
            begin_ns = int(column(page, "ts_event")[-1]) + 1
        self._chart.prepend_ticks(tick_rows(pages))

    async def _answer(self, question: GetHistory, serial: int) -> HistoryPage | None:
        """The page, or None where it cannot be had and nobody had been told so."""
        assert self._ask is not None
        try:
            return await self._ask(question)
        except EngineError as error:
            if serial == self._serial:
                text = self._trouble or str(error)
                log.warning("no history for the chart", symbol=question.symbol, error=text)
                self._has_failed = True
                self._chart.show_past(PastState.FAILED, text)
                self._on_failed(text)
            return None
