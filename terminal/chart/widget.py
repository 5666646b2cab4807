"""The live chart of the terminal: time frames above, the drawing surface below, one API for the window."""

from collections import deque
from collections.abc import Collection, Sequence
from typing import Final

from PySide6 import QtCore, QtGui, QtWidgets

from engine.model.condition import Condition
from engine.model.instrument import Instrument
from engine.model.order import Fill, Order, Side
from engine.model.position import Position
from engine.model.session import TradingCalendar
from engine.model.tick import Tick
from terminal.chart.foreground import ReadoutWords
from terminal.chart.lines import LineWords
from terminal.chart.past_label import PastLabel
from terminal.chart.view import ChartView
from terminal.models.bars import TIME_FRAMES, BarSeries, Ints
from terminal.models.past import PastState
from terminal.theme import Theme, mixed

_DEFAULT_SPAN_S: Final = 60
_KEPT_TICKS: Final = 20_000
"""Recent live ticks, so that a history that arrives later than they did does not wipe them out."""


class ChartWidget(QtWidgets.QWidget):
    """A live chart of one contract with its conditions, orders, fills and position.

    Values of other contracts are kept and shown when their contract is chosen.

    Signals:
        level_moved(condition_id, level_name, price): a person dragged ``trigger``, ``take_profit`` or
            ``stop_loss`` of a condition to a price (scaled, on the price step) and let go.
        condition_requested(side, price): a person wants a condition there; side is ``buy`` for a support and
            ``sell`` for a resistance.
        time_frame_changed(span_s): another length of bars was chosen.
        follow_changed(is_following): the chart follows the last bar, or no longer does.
        past_wanted(): the oldest bars are nearly in view; emitted again and again while :meth:`show_past` says
            that there may be older ones.
    """

    level_moved = QtCore.Signal(str, str, int)
    condition_requested = QtCore.Signal(str, int)
    time_frame_changed = QtCore.Signal(int)
    follow_changed = QtCore.Signal(bool)
    past_wanted = QtCore.Signal()

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._instrument: Instrument | None = None
        self._calendar = TradingCalendar()
        self._span_s = _DEFAULT_SPAN_S
        self._recent: deque[Tick] = deque(maxlen=_KEPT_TICKS)
        self.view = ChartView(self)
        self._time_frames = QtWidgets.QButtonGroup(self)
        self._follow = _tool_button("chart_follow")
        self._fit = _tool_button("chart_fit", is_checkable=False)
        self.past_label = PastLabel()
        self._sought_ns: int | None = None
        self._bar = self._make_bar()
        layout = QtWidgets.QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._bar, 0, 0)
        layout.addWidget(self.view, 1, 0)
        corner = QtCore.Qt.AlignmentFlag.AlignTop | QtCore.Qt.AlignmentFlag.AlignLeft
        layout.addWidget(self.past_label, 1, 0, corner)
        layout.setRowStretch(1, 1)
        self.past_label.raise_()
        self.setFocusProxy(self.view)
        self._connect()
        self.set_theme(self.view.theme)
        self.retranslate()

    # ------------------------------------------------------------------------------------------- contents

    @property
    def instrument(self) -> Instrument | None:
        """The contract on the chart."""
        return self._instrument

    @property
    def span_s(self) -> int:
        """Time frame, seconds."""
        return self._span_s

    @property
    def bar_count(self) -> int:
        """Bars in the present time frame."""
        return len(self.view.series.bars)

    @property
    def last_seq(self) -> int:
        """The highest tick number on the chart, 0 = none."""
        return self.view.series.last_seq

    @property
    def past_start_ns(self) -> int | None:
        """Start of the oldest stored bar on the chart, None without one."""
        return self.view.series.past_start_ns

    @property
    def has_past(self) -> bool:
        """There are bars or ticks from the store."""
        return self.view.series.has_past

    @property
    def calendar(self) -> TradingCalendar:
        """The sessions of the chart."""
        return self._calendar

    def set_calendar(self, calendar: TradingCalendar) -> None:
        """Uses these sessions from now on; call before ticks come, bars begin anew."""
        self._calendar = calendar
        self.view.calendar = calendar
        self._begin()

    def set_instrument(self, instrument: Instrument | None) -> None:
        """Shows another contract, or the same one from the beginning; its bars start empty."""
        self._instrument = instrument
        self.view.symbol = instrument.symbol if instrument else ""
        self.view.tick_size = instrument.product.tick_size if instrument else 1
        self._begin()
        self.retranslate()

    def set_ticks(self, ticks: Sequence[Tick]) -> None:
        """Shows these live ticks and the newer ones that came before them, behind what the store has."""
        series = self._new_series()
        series.inherit_past(self.view.series)
        series.append_ticks(self._own(ticks))
        series.append_ticks([tick for tick in self._recent if tick.seq > series.last_seq])
        self.view.set_series(series, keep_view=not self.is_following)

    def show_past(self, state: PastState, reason: str = "") -> None:
        """Says how far the stored bars reach.

        Args:
            state: what is known of them.
            reason: why they cannot be had, in a sentence, where they cannot.
        """
        starts = self.view.series.bars.start_ns
        self.past_label.tell(state, reason, int(starts[0]) if len(starts) else 0)
        self.view.has_more_past = state is PastState.MORE
        if state is not PastState.MORE:
            self._sought_ns = None
        else:
            self.view.refit()

    def prepend_bars(self, rows: Ints, *, is_anew: bool = False) -> None:
        """Puts stored bars of the present time frame in front; see :meth:`BarSeries.prepend_bars`."""
        self.view.on_bars_prepended(self.view.series.prepend_bars(rows, is_anew=is_anew))
        if self._sought_ns is not None and not self.is_following:
            self._seek(self._sought_ns)
            self.view.refit(exact=True)

    def prepend_ticks(self, table: Ints) -> None:
        """Fills in the stored ticks before the first live one; see :meth:`BarSeries.prepend_ticks`."""
        self.view.on_bars_prepended(self.view.series.prepend_ticks(table))

    def add_ticks(self, ticks: Sequence[Tick]) -> None:
        """Takes live or repaired ticks in, best a batch a frame; any order, each number counts once."""
        own = self._own(ticks)
        self._recent.extend(own)
        change = self.view.series.append_ticks(own)
        if change is not None:
            self.view.on_bars_changed(change)

    def set_time_frame(self, span_s: int) -> None:
        """Shows bars of another length; what is in the middle stays there, unless the end is followed.

        Raises:
            ValueError: no such time frame is offered.
        """
        if span_s not in TIME_FRAMES:
            raise ValueError(f"{span_s} s is no time frame; known are {', '.join(map(str, TIME_FRAMES))}.")
        if span_s == self._span_s:
            return
        series, line = self.view.series, self.view.timeline
        middle = self._time_in_the_middle()
        self._span_s = span_s
        series.set_span(span_s)
        if not line.is_following and middle is not None:
            line.count = len(series.bars)
            self._seek(middle)
        self.view.set_series(series, keep_view=True)
        self._time_frames.button(span_s).setChecked(True)
        self.retranslate()
        self.time_frame_changed.emit(span_s)

    def update_condition(self, condition: Condition) -> None:
        """Shows a condition as it is now; a final one leaves the chart."""
        self.view.marks.update_condition(condition)
        self.view.on_marks_changed()

    def set_faults(self, condition_ids: Collection[str]) -> None:
        """Conditions that nothing watches now, although their state says so; their lines are marked."""
        self.view.marks.faulty = frozenset(condition_ids)
        self.view.on_marks_changed()

    def update_order(self, order: Order) -> None:
        """Shows a working limit order as it is now; any other leaves the chart."""
        self.view.marks.update_order(order)
        self.view.on_marks_changed()

    def add_fill(self, fill: Fill) -> None:
        """Marks an execution; the same one again changes nothing."""
        self.view.marks.add_fill(fill)
        self.view.on_marks_changed()

    def update_position(self, position: Position) -> None:
        """Shows a position as it is now; a flat one leaves the chart."""
        self.view.marks.update_position(position)
        self.view.on_marks_changed()

    def clear(self) -> None:
        """Forgets bars, conditions, orders, fills and positions; contract and time frame stay."""
        self.view.marks.clear()
        self._begin()

    # ---------------------------------------------------------------------------------------------- looks

    @property
    def is_following(self) -> bool:
        """The chart moves with the last bar."""
        return self.view.timeline.is_following

    def follow_last_bar(self, wanted: bool = True) -> None:
        """Goes to the last bar and stays with it, or no longer does."""
        self.view.follow(wanted)

    def set_theme(self, theme: Theme) -> None:
        """Wears other colours."""
        self.view.theme = theme
        self._bar.setStyleSheet(_bar_style(theme))
        self.view.restyle()

    def retranslate(self) -> None:
        """Says everything in the present language."""
        texts = {
            1: self.tr("1 s"),
            5: self.tr("5 s"),
            60: self.tr("1 min"),
            300: self.tr("5 min"),
            900: self.tr("15 min"),
            3600: self.tr("60 min"),
        }
        for span_s in TIME_FRAMES:
            self._time_frames.button(span_s).setText(texts[span_s])
        self._follow.setText(self.tr("Follow"))
        self._follow.setToolTip(self.tr("Stay with the last bar (End)"))
        self._fit.setText(self.tr("Fit"))
        self._fit.setToolTip(self.tr("Fit the prices to the bars in view (double click on the price axis)"))
        self.view.line_words = LineWords(
            support=self.tr("Support"),
            resistance=self.tr("Resistance"),
            trigger=self.tr("Trigger"),
            long=self.tr("Long"),
            short=self.tr("Short"),
            points=self.tr("points"),
            not_guarding=self.tr("not guarding"),
            not_watched=self.tr("not watched"),
        )
        self.view.readout_words = ReadoutWords(
            open=self.tr("O"), high=self.tr("H"), low=self.tr("L"), close=self.tr("C"), volume=self.tr("Vol")
        )
        symbol = self._instrument.symbol if self._instrument else ""
        self.view.title = f"{symbol} · {texts[self._span_s]}" if symbol else texts[self._span_s]
        self.view.empty_text = self._empty_text(symbol)
        self.past_label.retranslate()
        self.view.restyle()

    def changeEvent(self, event: QtCore.QEvent) -> None:
        """Follows the language and the font."""
        super().changeEvent(event)
        if event.type() == QtCore.QEvent.Type.LanguageChange:
            self.retranslate()
        elif event.type() == QtCore.QEvent.Type.FontChange and hasattr(self, "view"):
            self.view.restyle()

    def _empty_text(self, symbol: str) -> tuple[str, str]:
        if not symbol:
            return (
                self.tr("No contract chosen"),
                self.tr("Choose one in the list of contracts, and its chart begins here."),
            )
        return (
            self.tr("No ticks yet for {symbol}").format(symbol=symbol),
            self.tr("The first trade draws the first bar. Outside of trading hours nothing comes."),
        )

    # -------------------------------------------------------------------------------------------- plumbing

    def _make_bar(self) -> QtWidgets.QWidget:
        bar = QtWidgets.QWidget(self)
        bar.setObjectName("chart_bar")
        bar.setAttribute(QtCore.Qt.WidgetAttribute.WA_StyledBackground)
        row = QtWidgets.QHBoxLayout(bar)
        row.setContentsMargins(6, 3, 6, 3)
        row.setSpacing(2)
        for span_s in TIME_FRAMES:
            button = _tool_button(f"time_frame_{span_s}")
            button.setChecked(span_s == self._span_s)
            self._time_frames.addButton(button, span_s)
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self._fit)
        row.addWidget(self._follow)
        self._follow.setChecked(True)
        return bar

    def _connect(self) -> None:
        self._time_frames.idClicked.connect(self.set_time_frame)
        self._follow.clicked.connect(self.view.follow)
        self._fit.clicked.connect(self.view.fit_prices)
        self.view.follow_changed.connect(self._follow.setChecked)
        self.view.follow_changed.connect(self.follow_changed)
        self.view.past_wanted.connect(self.past_wanted)
        self.view.level_moved.connect(self.level_moved)
        self.view.menu_requested.connect(self._open_menu)

    def _open_menu(self, where: QtCore.QPoint, price: int) -> None:
        menu = QtWidgets.QMenu(self)
        menu.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        text = self.view.frame.price_text(price)
        texts = (
            (Side.BUY, self.tr("Support here: buy at {price}")),
            (Side.SELL, self.tr("Resistance here: sell at {price}")),
        )
        for side, label in texts:
            action = QtGui.QAction(label.format(price=text), menu)
            action.setObjectName(f"condition_{side}")
            action.triggered.connect(lambda _=False, side=side: self.condition_requested.emit(str(side), price))
            menu.addAction(action)
        menu.addSeparator()
        menu.addAction(self.tr("Follow the last bar"), lambda: self.view.follow(True))
        menu.popup(where)

    def _begin(self) -> None:
        self._recent.clear()
        self.show_past(PastState.UNTOLD)
        self.view.set_series(self._new_series())

    def _new_series(self) -> BarSeries:
        expiry = self._instrument.last_trading_day if self._instrument else None
        return BarSeries(self._calendar, expiry, self._span_s)

    def _own(self, ticks: Sequence[Tick]) -> Sequence[Tick]:
        symbol = self.view.symbol
        return [tick for tick in ticks if tick.symbol == symbol]

    def _seek(self, ts_ns: int) -> None:
        """Puts an instant into the middle; one before all bars is sought on while older ones come."""
        starts = self.view.series.bars.start_ns
        self._sought_ns = None if len(starts) and starts[0] <= ts_ns else ts_ns
        self.view.timeline.centre(float(starts.searchsorted(ts_ns, side="right")) - 1)

    def _time_in_the_middle(self) -> int | None:
        line, starts = self.view.timeline, self.view.series.bars.start_ns
        if not len(starts):
            return None
        middle = round((line.x0 + line.x1) / 2)
        return int(starts[min(max(middle, 0), len(starts) - 1)])


def _tool_button(name: str, is_checkable: bool = True) -> QtWidgets.QToolButton:
    button = QtWidgets.QToolButton()
    button.setObjectName(name)
    button.setCheckable(is_checkable)
    button.setAutoRaise(True)
    button.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)
    return button


def _bar_style(theme: Theme) -> str:
    chosen = mixed(theme.accent, theme.panel, 0.22)
    hover = mixed(theme.text, theme.panel, 0.08)
    return f"""
        #chart_bar {{ background: {theme.panel}; border-bottom: 1px solid {theme.grid}; }}
        QToolButton {{ color: {theme.muted}; background: transparent; border: 1px solid transparent;
            border-radius: 3px; padding: 3px 8px; }}
        QToolButton:hover {{ color: {theme.text}; background: {hover}; }}
        QToolButton:checked {{ color: {theme.text}; background: {chosen}; border-color: {theme.accent}; }}
    """
