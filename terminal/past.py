"""What the chart shows of the market before the live ticks: asked from the store page by page, newest first.

Asks for nothing more once another contract is on the chart, which is how a long answer is cancelled.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from engine import logs
from engine.errors import EngineError
from engine.wire.messages import GetHistory, HistoryKind, HistoryPage
from terminal.chart.widget import ChartWidget
from terminal.models.past import bar_rows, block_start, tick_rows

log = logs.get(__name__)

FIRST_BARS: Final = 1_500
"""More than a wide window shows, so that the first paint is whole."""
MORE_BARS: Final = 5_000
_TICKS: Final = 20_000

Ask = Callable[[GetHistory], Awaitable[HistoryPage]]


class ChartPast:
    """Loads what was before the live ticks of the contract on the chart.

    Args:
        chart: gets the bars; its ``past_wanted`` leads to :meth:`load_more`.
        on_failed: told once a contract, in a sentence, that history cannot be had.
    """

    def __init__(self, chart: ChartWidget, on_failed: Callable[[str], None]) -> None:
        self._chart, self._on_failed = chart, on_failed
        self._ask: Ask | None = None
        self._symbol = ""
        self._serial = 0
        self._end_ns = 0
        self._is_loading = False

    def set_source(self, ask: Ask | None) -> None:
        """Asks here from now on; None = there is no history."""
        self._ask = ask
        self.forget()

    def forget(self) -> None:
        """What is on its way is not wanted any more."""
        self._serial += 1
        self._symbol = ""
        self._is_loading = False
        self._chart.expect_past(False)

    async def begin(self, symbol: str, first_live_ns: int) -> None:
        """Shows the newest stored bars, and fills up to the first live tick.

        Args:
            symbol: the contract on the chart.
            first_live_ns: when the live ticks begin, or would: the market's present instant.
        """
        self.forget()
        self._symbol = symbol
        self._end_ns = block_start(self._chart.calendar, first_live_ns)
        serial = self._serial
        await self._load(FIRST_BARS)
        if serial == self._serial and self._ask is not None and first_live_ns > self._end_ns:
            await self._fill(first_live_ns)

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
        self._chart.expect_past(self._ask is not None and bool(self._symbol))

    async def _load(self, limit: int) -> None:
        span_s, end_ns = self._chart.span_s, self._chart.past_start_ns or self._end_ns
        if self._ask is None or not self._symbol or end_ns <= 0:
            return
        question = GetHistory(
            kind=HistoryKind.BARS, symbol=self._symbol, end_ns=end_ns, span_s=span_s, is_newest=True, limit=limit
        )
        serial, self._is_loading = self._serial, True
        page = await self._answer(question, serial)
        if serial != self._serial:
            return
        self._is_loading = False
        if page is None:
            self._chart.expect_past(False)
            return
        if span_s != self._chart.span_s:
            self._chart.expect_past(True)
            return
        self._chart.view.has_more_past = not page.is_complete
        self._chart.prepend_bars(bar_rows(page, self._chart.calendar))

    async def _fill(self, first_live_ns: int) -> None:
        """Fetches the ticks between the stored bars and the first live one; that one's own instant included."""
        serial, begin_ns = self._serial, self._end_ns
        pages: list[HistoryPage] = []
        while True:
            question = GetHistory(
                kind=HistoryKind.TICKS,
                symbol=self._symbol,
                begin_ns=begin_ns,
                end_ns=first_live_ns + 1,
                limit=_TICKS,
            )
            page = await self._answer(question, serial)
            if page is None or serial != self._serial:
                return
            pages.append(page)
            if page.is_complete or not page.rows:
                break
            begin_ns = int.from_bytes(page.columns["ts_event"][-8:], "little") + 1
            if begin_ns > first_live_ns:
                break
        self._chart.prepend_ticks(tick_rows(pages))

    async def _answer(self, question: GetHistory, serial: int) -> HistoryPage | None:
        assert self._ask is not None
        try:
            return await self._ask(question)
        except EngineError as error:
            if serial == self._serial:
                log.warning("no history for the chart", symbol=question.symbol, error=str(error))
                self._on_failed(str(error))
            return None
