"""What the chart shows of the market before the live ticks: from a real store, over real sockets."""

import asyncio
import random
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PySide6 import QtCore, QtWidgets
from pytestqt.qtbot import QtBot

from engine.errors import RequestTimeout
from engine.model.instrument import instrument
from engine.model.session import TAIPEI, TradingCalendar
from engine.model.tick import Tick
from engine.nodes.history import History, HistoryServer
from engine.settings import Market, Settings, Simulation, Wire
from engine.storage.importing import import_files
from engine.storage.layout import StoreFolder
from engine.storage.minute_bars import MinuteBars
from engine.storage.serving import HistoryReader
from engine.storage.store import MarketStore
from engine.strategies.bars import BarBuilder
from engine.timing import NS_PER_S
from engine.wire.keys import Domain, Role, RunKeys
from engine.wire.messages import GetHistory, HistoryKind, HistoryPage, ProcessState, ProcessStatus
from engine.wire.sockets import RouterServer
from engine.wire.zap import Doorkeeper
from terminal.bridge.history import HistoryLink
from terminal.chart import ChartWidget
from terminal.dialogs.connection import ConnectionDialog
from terminal.dialogs.login import LoginRequest
from terminal.models.bars import TIME_FRAMES, BarSeries
from terminal.models.past import PastState, bar_rows, block_start, tick_rows
from terminal.past import ChartPast
from tests.gui.programs import Loop, Program

CALENDAR = TradingCalendar()
SYMBOL, OTHER = "TXFK4", "MXFK4"
DAYS = (date(2024, 11, 4), date(2024, 11, 5), date(2024, 11, 6), date(2024, 11, 7))
RUN = 7


def ns(day: date, hour: int, minute: int = 0, second: int = 0) -> int:
    return int(datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=TAIPEI).timestamp()) * NS_PER_S


def day_of(day: date, first_seq: int, count: int, symbol: str = SYMBOL) -> list[Tick]:
    """A day session's prints, its open and its close among them, many in one second."""
    rng = random.Random(f"{day} {symbol}")
    open_ns, close_ns = ns(day, 8, 45), ns(day, 13, 45)
    seconds = sorted(rng.randrange(5 * 3600) for _ in range(count - 2))
    times = [open_ns, *(open_ns + second * NS_PER_S for second in seconds), close_ns]
    return [
        Tick(
            symbol=symbol,
            seq=first_seq + place,
            ts_event=time,
            ts_recv=time,
            price=22_800 + rng.randrange(-200, 200),
            quantity=rng.randrange(1, 9),
        )
        for place, time in enumerate(times)
    ]


def all_days(days: tuple[date, ...] = DAYS, symbol: str = SYMBOL, count: int = 2_000) -> list[Tick]:
    return [tick for place, day in enumerate(days) for tick in day_of(day, 1 + place * count, count, symbol)]


def truth(ticks: list[Tick], span_s: int) -> list[tuple[int, ...]]:
    builder = BarBuilder(span_s * NS_PER_S, CALENDAR)
    bars = [bar for tick in ticks if (bar := builder.add(tick))]
    if builder.bar:
        bars.append(builder.bar)
    return [(bar.start_ns, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars]


def rows(series: BarSeries) -> list[tuple[int, ...]]:
    bars = series.bars
    columns = (bars.start_ns, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return list(zip(*(column.tolist() for column in columns), strict=True))


class Recorder:
    """A store, and the recorder's thread that answers about it."""

    def __init__(self, folder: Path) -> None:
        self.keys = RunKeys.make()
        self.wire = Wire()
        binder = self.keys.binder()
        self.door = Doorkeeper(binder.roles)
        self.store = MarketStore(folder, CALENDAR)
        self._reader = self.store.reader()
        self._bars = MinuteBars(self._reader, CALENDAR)
        self._pages = HistoryReader.of(self._reader)
        self._binder = binder
        self.history = History(self._pages, lambda timeout_s: True, threading.Lock())
        self.desk = self._opened()

    def _opened(self) -> HistoryServer:
        server = RouterServer(
            "tcp://127.0.0.1:*", source="recorder", wire=self.wire, keys=self._binder, domain=Domain.HISTORY
        )
        desk = HistoryServer(server, self.history)
        desk.start()
        return desk

    def move(self) -> None:
        """Answers at another port from now on."""
        self.desk.close()
        self.desk = self._opened()

    def record(self, ticks: list[Tick], run: int = RUN) -> None:
        self.store.append_ticks(ticks, run)
        self._bars.touch(ticks)
        changes = self._bars.changed()
        self.store.put_bars([bar for _, bar in changes.bars.values()])
        self._bars.know(changes)

    def page(self, **asked: Any) -> HistoryPage:
        """An answer without the way there."""
        return self.history.answer(GetHistory(symbol=SYMBOL, **asked))

    def link(self) -> HistoryLink:
        return HistoryLink(lambda: self.desk.endpoint, wire=self.wire, keys=self.keys.client(Role.WINDOW))

    def close(self) -> None:
        self.desk.close()
        self._pages.close()
        self._reader.close()
        self.store.close()
        self.door.close()


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    made = Recorder(tmp_path / "store")
    yield made
    made.close()


@pytest.fixture
def loop(qtbot: QtBot, qapp: QtWidgets.QApplication) -> Iterator[Loop]:
    made = Loop(qapp)
    yield made
    made.close()


@pytest.fixture
def chart(qtbot: QtBot) -> ChartWidget:
    widget = ChartWidget()
    qtbot.addWidget(widget)
    widget.resize(900, 600)
    widget.set_calendar(CALENDAR)
    show(widget, SYMBOL)
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def show(chart: ChartWidget, symbol: str) -> None:
    chart.set_instrument(instrument(symbol, near=DAYS[0], calendar=CALENDAR))


def is_following(chart: ChartWidget) -> bool:
    """Asked anew each time."""
    return chart.is_following


class Asked:
    """Answers over the link, one when the test lets it; knows what was asked."""

    def __init__(self, link: HistoryLink) -> None:
        self._link = link
        self.questions: list[GetHistory] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def ask(self, question: GetHistory) -> HistoryPage:
        self.questions.append(question)
        page = await self._link.ask(question)
        await self.gate.wait()
        return page


async def whole(chart: ChartWidget, loop: Loop) -> None:
    """Scrolls back until the store has nothing older."""

    def is_whole() -> bool:
        if chart.past_label.state is PastState.MORE:
            chart.view.timeline.pan(-200)
            chart.view.refit()
        return chart.past_label.state is PastState.WHOLE

    await loop.until(is_whole)


class Shown:
    """A chart, its past and a recorder, wired as the window wires them."""

    def __init__(self, chart: ChartWidget, recorder: Recorder, loop: Loop) -> None:
        self.chart, self.loop = chart, loop
        self.told: list[str] = []
        self._link = recorder.link()
        self.asked = Asked(self._link)
        self.past = ChartPast(chart, self.told.append)
        self.past.set_source(self.asked.ask)
        self._tasks: set[asyncio.Task[None]] = set()
        chart.past_wanted.connect(self._load)
        chart.time_frame_changed.connect(self.past.on_time_frame)

    def _load(self) -> None:
        if self.past.is_idle:
            self._tasks.add(self.loop.loop.create_task(self.past.load_more()))

    @property
    def state(self) -> PastState:
        return self.chart.past_label.state

    async def whole(self) -> None:
        await whole(self.chart, self.loop)

    async def close(self) -> None:
        self.asked.gate.set()
        self._link.close()
        await self.loop.during(asyncio.gather(*self._tasks, return_exceptions=True))
        self._link.deleteLater()


@pytest.fixture
def shown(chart: ChartWidget, recorder: Recorder, loop: Loop) -> Iterator[Shown]:
    made = Shown(chart, recorder, loop)
    yield made
    loop.run(made.close())


# --- the seam, without a window ----------------------------------------------------------------------------------


@pytest.mark.parametrize("span_s", TIME_FRAMES)
def test_stored_bars_stored_ticks_and_live_ones_make_the_bars_of_all_ticks(
    recorder: Recorder, span_s: int
) -> None:
    ticks = all_days(DAYS[:2])
    recorder.record(ticks)
    rng = random.Random(span_s)
    for _ in range(6):
        at = rng.randrange(2_100, 3_900)
        live = ticks[at:]
        end_ns = block_start(CALENDAR, live[0].ts_event)
        bars = recorder.page(kind=HistoryKind.BARS, end_ns=end_ns, span_s=span_s, limit=100_000)
        page = recorder.page(kind=HistoryKind.TICKS, begin_ns=end_ns, end_ns=live[0].ts_event + 1, limit=100_000)
        series = BarSeries(CALENDAR, span_s=span_s)
        steps: list[Callable[[], object]] = [
            partial(series.prepend_bars, bar_rows(bars, CALENDAR)),
            partial(series.prepend_ticks, tick_rows([page])),
            partial(series.append_ticks, live[: len(live) // 2]),
            partial(series.append_ticks, live[len(live) // 3 :]),
        ]
        rng.shuffle(steps)
        for step in steps:
            step()
        assert rows(series) == truth(ticks, span_s), at


@pytest.mark.parametrize("longer", [300, 900, 3600])
def test_longer_bars_are_made_of_the_stored_ones(recorder: Recorder, longer: int) -> None:
    ticks = all_days(DAYS[:2])
    recorder.record(ticks)
    end_ns = ns(DAYS[1], 8, 45)
    page = recorder.page(kind=HistoryKind.BARS, end_ns=end_ns, span_s=60, is_newest=True, limit=200)
    series = BarSeries(CALENDAR, span_s=60)
    series.append_ticks(ticks[2_000:])
    series.prepend_bars(bar_rows(page, CALENDAR))
    series.set_span(longer)
    found, expected = rows(series), truth(ticks, longer)
    assert found == expected[-len(found) :]
    assert found[0][0] < end_ns  # what is not whole is left out, the rest is there
    series.set_span(5)
    assert rows(series) == truth(ticks[2_000:], 5)
    assert series.past_start_ns is None


# --- the chart and a recorder ------------------------------------------------------------------------------------


def test_the_first_paint_has_the_newest_bars_and_scrolling_back_loads_the_rest(
    shown: Shown, recorder: Recorder, loop: Loop
) -> None:
    ticks = all_days(count=4_000)
    recorder.record(ticks)
    chart = shown.chart
    chart.set_time_frame(5)
    live = ticks[14_000:]

    async def story() -> None:
        await loop.during(shown.past.begin(SYMBOL, live[0].ts_event))
        so_far = [tick for tick in ticks if tick.ts_event <= live[0].ts_event]
        assert rows(chart.view.series) == truth(so_far, 5)[-chart.bar_count :]
        assert 1_500 <= chart.bar_count < 3_000
        assert is_following(chart)
        chart.set_ticks(live)
        assert rows(chart.view.series) == truth(ticks, 5)[-chart.bar_count :]
        chart.view.timeline.pan(-300)
        before = chart.view.series.bars.start_ns[round(chart.view.timeline.x0)]
        await shown.whole()
        assert rows(chart.view.series) == truth(ticks, 5)
        assert before in chart.view.series.bars.start_ns
        assert not is_following(chart)
        assert chart.past_label.text() == "History begins 2024/11/04 08:45"

    loop.run(story())
    assert not shown.told
    assert max(question.limit for question in shown.asked.questions) < 50_000


def test_what_is_in_view_stays_while_older_bars_come(shown: Shown, recorder: Recorder, loop: Loop) -> None:
    ticks = all_days(count=4_000)
    recorder.record(ticks)
    chart, line = shown.chart, shown.chart.view.timeline
    chart.set_time_frame(5)

    async def story() -> None:
        await loop.during(shown.past.begin(SYMBOL, ns(DAYS[3], 14)))
        shown.asked.gate.clear()
        line.pan(round(-line.x0))
        chart.view.refit()
        count, left = chart.bar_count, int(chart.view.series.bars.start_ns[round(line.x0)])
        await loop.until(lambda: not shown.past.is_idle)
        shown.asked.gate.set()
        await loop.until(lambda: chart.bar_count > count)
        assert int(chart.view.series.bars.start_ns[round(line.x0)]) == left

    loop.run(story())


@pytest.mark.parametrize("span_s", [1, 5, 60])
def test_a_shorter_time_frame_stays_at_the_same_instant(
    shown: Shown, recorder: Recorder, loop: Loop, span_s: int
) -> None:
    ticks = all_days(count=4_000)
    recorder.record(ticks)
    chart, line = shown.chart, shown.chart.view.timeline
    chart.set_time_frame(900)

    def middle() -> int:
        starts = chart.view.series.bars.start_ns
        at = min(max(round((line.x0 + line.x1) / 2), 0), len(starts) - 1)
        return int(starts[at]) if len(starts) else 0

    async def story() -> None:
        await loop.during(shown.past.begin(SYMBOL, ns(DAYS[3], 14)))
        chart.set_ticks([])
        line.centre(chart.bar_count - 65)
        chart.view.refit()
        sought = middle()
        assert sought < ns(DAYS[0], 14)
        chart.set_time_frame(span_s)
        await loop.until(lambda: abs(middle() - sought) < 60 * NS_PER_S)
        await loop.until(lambda: shown.past.is_idle)
        assert abs(middle() - sought) < 60 * NS_PER_S
        found = rows(chart.view.series)
        assert found == truth(ticks, span_s)[-len(found) :]

    loop.run(story())


@pytest.mark.parametrize("span_s", TIME_FRAMES)
def test_every_time_frame_has_its_history(shown: Shown, recorder: Recorder, loop: Loop, span_s: int) -> None:
    ticks = all_days(DAYS[:2])
    recorder.record(ticks)
    chart = shown.chart

    async def story() -> None:
        await loop.during(shown.past.begin(SYMBOL, ticks[3_000].ts_event))
        chart.set_ticks(ticks[3_000:])
        for other in (1, 3600, span_s):
            chart.set_time_frame(other)
            await shown.whole()
            assert rows(chart.view.series) == truth(ticks, other), other

    loop.run(story())


def test_an_answer_about_the_contract_of_before_is_not_wanted(
    shown: Shown, recorder: Recorder, loop: Loop
) -> None:
    recorder.record(all_days(DAYS[:2]))
    other = all_days(DAYS[1:2], OTHER)
    recorder.record(other)
    chart, now_ns = shown.chart, ns(DAYS[1], 14)

    async def story() -> None:
        shown.asked.gate.clear()
        first = asyncio.ensure_future(shown.past.begin(SYMBOL, now_ns))
        await loop.until(lambda: len(shown.asked.questions) == 1)
        shown.past.forget()
        show(chart, OTHER)
        shown.asked.gate.set()
        await loop.until(first.done)
        assert chart.bar_count == 0
        await loop.during(shown.past.begin(OTHER, now_ns))
        assert rows(chart.view.series) == truth(other, 60)

    loop.run(story())
    assert [question.symbol for question in shown.asked.questions] == [SYMBOL, OTHER]


def test_history_ends_where_the_live_ticks_would_begin(shown: Shown, recorder: Recorder, loop: Loop) -> None:
    ticks = all_days()
    recorder.record(ticks)
    now_ns = ns(DAYS[2], 11, 7, 30)

    async def story() -> None:
        await loop.during(shown.past.begin(SYMBOL, now_ns))
        assert rows(shown.chart.view.series) == truth([t for t in ticks if t.ts_event <= now_ns], 60)

    loop.run(story())


def test_a_live_tick_older_than_the_first_takes_the_place_of_the_stored_one(
    shown: Shown, recorder: Recorder, loop: Loop
) -> None:
    ticks = all_days(DAYS[:1])
    recorder.record(ticks)

    async def story() -> None:
        shown.chart.add_ticks(ticks[1_500:])
        await loop.during(shown.past.begin(SYMBOL, ticks[1_500].ts_event))
        for at in (1_400, 1_300):
            shown.chart.add_ticks(ticks[at:1_500])
            assert rows(shown.chart.view.series) == truth(ticks, 60)

    loop.run(story())


@pytest.mark.parametrize("is_early", [True, False])
def test_what_the_gateway_forgot_while_it_was_asked_comes_from_the_store(
    shown: Shown, recorder: Recorder, loop: Loop, is_early: bool
) -> None:
    ticks = all_days(DAYS[:1])
    recorder.record(ticks)
    chart, first_ns = shown.chart, ticks[700].ts_event

    async def story() -> None:
        begun = asyncio.ensure_future(shown.past.begin(SYMBOL, first_ns))
        await loop.until(lambda: shown.asked.questions if is_early else begun.done())
        chart.set_ticks(ticks[1_500:])
        await loop.during(shown.past.live_begins(ticks[1_500].ts_event))
        await loop.until(begun.done)
        assert rows(chart.view.series) == truth(ticks, 60)

    loop.run(story())


def test_an_empty_store_is_said_with_the_way_to_fill_it(shown: Shown, recorder: Recorder, loop: Loop) -> None:
    chart = shown.chart

    async def story() -> None:
        await loop.during(shown.past.begin(SYMBOL, ns(DAYS[3], 14)))
        assert chart.past_label.text().startswith("No history in the store. File, Import market data…")
        recorder.record(all_days())
        await loop.during(shown.past.begin_again())
        await shown.whole()
        assert rows(chart.view.series) == truth(all_days(), 60)

    loop.run(story())
    assert not shown.told


def test_a_market_that_began_with_the_login_has_none(shown: Shown, loop: Loop) -> None:
    shown.past.set_source(shown.asked.ask, PastState.NONE)
    loop.run(loop.during(shown.past.begin(SYMBOL, ns(DAYS[3], 14))))
    assert shown.chart.past_label.text() == "No history: a simulated market begins with the login."


def test_ticks_of_the_same_hour_alone_are_history_too(shown: Shown, recorder: Recorder, loop: Loop) -> None:
    ticks = all_days(DAYS[:1])
    early = [tick for tick in ticks if tick.ts_event < ns(DAYS[0], 9, 30)]
    recorder.record(early)

    async def story() -> None:
        await loop.during(shown.past.begin(SYMBOL, ns(DAYS[0], 9, 31)))
        assert rows(shown.chart.view.series) == truth(early, 60)
        assert shown.chart.past_label.text() == "History begins 2024/11/04 08:45"

    loop.run(story())


def test_bars_of_the_store_take_the_place_of_those_that_were_there(
    shown: Shown, recorder: Recorder, loop: Loop
) -> None:
    ticks = all_days()
    recorder.record(ticks[4_000:])
    chart = shown.chart

    async def story() -> None:
        await loop.during(shown.past.begin(SYMBOL, ticks[7_000].ts_event))
        chart.set_ticks(ticks[7_000:])
        assert rows(chart.view.series) == truth(ticks[4_000:], 60)
        recorder.record(ticks[:4_000], RUN - 1)
        await loop.during(shown.past.begin_again())
        await shown.whole()
        assert rows(chart.view.series) == truth(ticks, 60)

    loop.run(story())


def test_why_there_is_none_is_said_once_and_a_recorder_that_comes_late_is_asked(
    shown: Shown, recorder: Recorder, loop: Loop
) -> None:
    ticks = all_days(DAYS[:1])
    recorder.record(ticks)
    asked: list[GetHistory] = []

    async def nobody(question: GetHistory) -> HistoryPage:
        asked.append(question)
        raise RequestTimeout("the recorder does not run, so there is no history")

    async def story() -> None:
        shown.past.set_source(nobody)
        trouble = "process 4711 is writing there"
        assert not shown.past.on_process(ProcessStatus(node="recorder", state=ProcessState.GAVE_UP, text=trouble))
        await loop.during(shown.past.begin(SYMBOL, ticks[-1].ts_event))
        assert shown.told == [trouble]
        assert shown.chart.past_label.text() == f"No history: {trouble}"
        assert len(asked) == 1
        shown.past.on_time_frame()
        assert len(asked) == 1
        shown.past.set_source(shown.asked.ask)
        await loop.during(shown.past.begin(SYMBOL, ticks[-1].ts_event))
        assert not shown.past.on_process(ProcessStatus(node="recorder", state=ProcessState.READY))
        assert rows(shown.chart.view.series) == truth(ticks, 60)[: shown.chart.bar_count]

    loop.run(story())


def test_why_a_recorder_does_not_start_is_said_at_once(shown: Shown, recorder: Recorder, loop: Loop) -> None:
    recorder.record(all_days(DAYS[:1]))
    shown.asked.gate.clear()

    async def story() -> None:
        begun = asyncio.ensure_future(shown.past.begin(SYMBOL, ns(DAYS[0], 14)))
        await loop.until(lambda: shown.asked.questions)
        dead = ProcessStatus(node="recorder", state=ProcessState.DEAD, text="process 4711 is writing there")
        shown.past.on_process(dead)
        assert shown.chart.past_label.text() == "No history: process 4711 is writing there"
        shown.asked.gate.set()
        await loop.until(begun.done)
        assert shown.state is PastState.WHOLE

    loop.run(story())


def test_a_recorder_that_is_switched_off_is_said(shown: Shown, loop: Loop) -> None:
    shown.past.set_source(None)
    loop.run(loop.during(shown.past.begin(SYMBOL, ns(DAYS[3], 14))))
    assert "switched off" in shown.chart.past_label.text()


def test_questions_to_a_recorder_that_is_not_there_end_with_a_sentence(qtbot: QtBot, loop: Loop) -> None:
    link = HistoryLink(lambda: "", wire=Wire(), keys=None)
    question = GetHistory(kind=HistoryKind.BARS, symbol=SYMBOL)
    with pytest.raises(RequestTimeout, match="does not run"):
        loop.run(loop.during(link.ask(question, wait_s=0.05)))
    link.close()


def test_a_recorder_that_listens_elsewhere_is_found(recorder: Recorder, loop: Loop) -> None:
    recorder.record(all_days(DAYS[:1]))
    link = recorder.link()
    question = GetHistory(kind=HistoryKind.BARS, symbol=SYMBOL, limit=10)
    for _ in range(3):
        page: HistoryPage = loop.run(loop.during(link.ask(question)))
        assert page.rows == 10
        recorder.move()
    link.close()


def test_what_the_recorder_refuses_is_the_reason(shown: Shown, recorder: Recorder, loop: Loop) -> None:
    loop.run(loop.during(shown.past.begin("NONSENSE", ns(DAYS[3], 14))))
    (reason,) = shown.told
    assert "NONSENSE" in reason
    assert reason in shown.chart.past_label.text()


# --- the whole program -------------------------------------------------------------------------------------------


@pytest.fixture
def program(qtbot: QtBot, qapp: QtWidgets.QApplication, user_home: Path) -> Iterator[Program]:
    settings = Settings(simulation=Simulation(seed=1, speed=60.0), market=Market(ring_ticks=300))
    made = Program(qapp, settings)
    yield made
    made.close()


def test_a_contract_that_comes_back_has_what_the_recorder_kept_each_tick_once(program: Program) -> None:
    terminal, chart = program.terminal, program.terminal.display.chart
    received: dict[str, dict[int, Tick]] = defaultdict(dict)

    def take(ticks: list[Tick]) -> None:
        for tick in ticks:
            received[tick.symbol][tick.seq] = tick

    async def story() -> None:
        request = LoginRequest(broker="simulated", user="u", password="p", url="simulated")
        await program.during(terminal.log_in(request, contracts=()))
        assert terminal.run
        host = terminal.run.host
        await program.until(lambda: host.history_endpoint)  # a ring of 300 ticks does not wait for a recorder
        terminal.run.link.ticks.connect(take)
        one, two = [item.symbol for item in terminal.run.broker.contracts()][:2]
        await program.during(terminal.market.select((one, two)))
        await program.during(terminal.market.show(two))
        await program.until(lambda: len(received[one]) > 1_500)
        await program.during(terminal.market.show(one))
        await whole(chart, program)
        for span_s in TIME_FRAMES:
            chart.set_time_frame(span_s)
            await whole(chart, program)
            known = sorted(received[one].items())
            assert [seq for seq, _ in known] == list(range(1, len(known) + 1))
            assert rows(chart.view.series) == truth([tick for _, tick in known], span_s), span_s

    program.run(story())


def test_a_developer_reads_where_history_answers_and_what_is_there_without_recorder(program: Program) -> None:
    terminal = program.terminal

    def told() -> str:
        terminal._show_connection()
        (dialog,) = terminal.display.window.findChildren(ConnectionDialog)
        text: str = dialog.fields["History (DEALER)"].text()
        dialog.close()
        program.qapp.sendPostedEvents(dialog, QtCore.QEvent.Type.DeferredDelete)
        return text

    async def story() -> None:
        await program.during(
            terminal.log_in(LoginRequest(broker="simulated", user="u", password="p", url="simulated"))
        )
        assert terminal.run
        host = terminal.run.host
        before = host.history_endpoint
        assert told() == (before or "The recorder is not running.")
        await program.until(lambda: host.history_endpoint)
        assert told() == host.history_endpoint

    program.run(story())


def test_a_replay_begins_with_the_days_before_it(
    market_data: Path, qtbot: QtBot, qapp: QtWidgets.QApplication, user_home: Path
) -> None:
    files = [market_data / "taifex" / f"Daily_2024_11_{day}.zip" for day in ("05", "06")]
    import_files(StoreFolder(user_home / "store"), files, CALENDAR)
    program = Program(qapp)
    terminal, chart = program.terminal, program.terminal.display.chart

    async def story() -> None:
        request = LoginRequest(broker="replay", user="u", replay_file=str(files[1]), speed=1.0)
        await program.during(terminal.log_in(request))
        await program.until(lambda: chart.past_label.state is PastState.WHOLE and chart.last_seq)
        bars = chart.view.series.bars
        begin = int(np.searchsorted(bars.start_ns, ns(date(2024, 11, 5), 15)))
        assert begin > 1_100  # minutes of the night and the day before, but for a few without a print
        assert int(bars.volume[:begin].sum()) == 72_931 + 49_465
        assert int(bars.close[begin - 1]) == 23_135
        assert len(bars) - begin < 5

    try:
        program.run(story())
    finally:
        program.close()
