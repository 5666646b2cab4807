"""Which contracts are subscribed and which one is on the chart, with the ticks and the history that fill it."""

from collections.abc import Callable
from typing import Final

from PySide6 import QtCore

from engine.errors import EngineError
from engine.model.tick import Tick
from engine.wire.messages import GetTicks, ProcessStatus, SelectContracts, Ticks
from terminal.asking import Asking
from terminal.display import Display
from terminal.models.past import PastState
from terminal.past import Ask, ChartPast
from terminal.session import Run
from terminal.settings import Choices

_PAGE: Final = 50_000


class MarketView(QtCore.QObject):
    """Subscribes to contracts and puts one of them on the chart.

    Args:
        display: shows them.
        asking: runs what is asked for.
        choices: the person's; contracts are kept there.
        run: gives the login of now, None without one.
    """

    def __init__(self, display: Display, asking: Asking, choices: Choices, run: Callable[[], Run | None]) -> None:
        super().__init__()
        self._display, self._asking, self._choices, self._run = display, asking, choices, run
        self._past = ChartPast(display.chart, self._on_no_history)
        display.chart.past_wanted.connect(self._load_past)
        display.chart.time_frame_changed.connect(self._past.on_time_frame)

    def set_history(self, ask: Ask | None, *, is_new_market: bool = False) -> None:
        """Asks here for history from now on.

        Args:
            ask: gives an answer; None = there is no history.
            is_new_market: the market began with the login, and history with it.
        """
        self._past.set_source(ask, PastState.NONE if is_new_market else PastState.EMPTY)

    @QtCore.Slot(object)
    def on_process(self, status: ProcessStatus) -> None:
        """A recorder that came late is asked then."""
        if self._past.on_process(status):
            self.reload_history()

    @QtCore.Slot()
    def reload_history(self) -> None:
        """The store may have more than it had."""
        self._asking.spawn(self._past.begin_again())

    def first_contracts(self, offered: tuple[str, ...]) -> tuple[str, ...]:
        """Those of last time that are still offered, or else the first, which is the front month."""
        kept = tuple(symbol for symbol in self._choices.now.contracts if symbol in offered)
        return kept or offered[:1]

    async def select(self, symbols: tuple[str, ...]) -> None:
        """Subscribes to these contracts; the first is shown if none is."""
        run = self._run()
        if run is None:
            return
        try:
            await run.link.request(SelectContracts(symbols=symbols))
        except EngineError:
            self._display.contracts.set_selected(self._choices.now.contracts)
            raise
        self._choices.change(contracts=symbols)
        self._display.show_selected(symbols)
        if symbols and self._display.symbol not in symbols:
            wanted = self._choices.now.contract
            await self.show(wanted if wanted in symbols else symbols[0])

    async def show(self, symbol: str) -> None:
        """Puts a contract on the chart, with the ticks that the gateway still has and the bars before them."""
        run = self._run()
        if run is None or symbol == self._display.symbol:
            return
        self._choices.change(contract=symbol)
        self._past.forget()
        self._display.show_contract(run.host.instrument(symbol))
        oldest: Ticks = await run.link.request(GetTicks(symbol=symbol, limit=1))
        if symbol != self._display.symbol:
            return
        first_ns = oldest.ticks[0].ts_event if oldest.ticks else run.broker.clock.now_ns()
        self._asking.spawn(self._past.begin(symbol, first_ns))
        found = await self._ticks(symbol)
        if self._display.symbol == symbol:
            self._display.chart.set_ticks(found)
            if found:
                await self._past.live_begins(found[0].ts_event)

    async def _ticks(self, symbol: str) -> list[Tick]:
        """What the gateway still has, page by page, while it is wanted."""
        found: list[Tick] = []
        while (run := self._run()) is not None:
            after = found[-1].seq if found else 0
            page: Ticks = await run.link.request(GetTicks(symbol=symbol, after_seq=after, limit=_PAGE))
            found += page.ticks
            if page.is_complete or not page.ticks or self._display.symbol != symbol:
                break
        return found

    @QtCore.Slot()
    def _load_past(self) -> None:
        if self._past.is_idle:
            self._asking.spawn(self._past.load_more())

    def _on_no_history(self, text: str) -> None:
        self._display.say(self.tr("The chart begins without history: {text}").format(text=text), "warning")
