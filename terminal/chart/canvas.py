"""The drawing surface of the chart: what is in view, and painting it. The mouse is :mod:`terminal.chart.view`.

Bars that no longer change, grid and axes are painted once into a pixmap; a frame is that pixmap, the last bar,
lines and crosshair. Holds a pyqtgraph view box a panel, so that any pyqtgraph item can be added in chart
coordinates (bar index, scaled price).
"""

from collections.abc import Sequence

import pyqtgraph as pg
from PySide6 import QtCore, QtGui, QtWidgets

from engine.model.condition import Condition
from engine.model.session import Session, TradingCalendar
from terminal.chart import axes, backdrop, foreground, tags
from terminal.chart.candles import BarPainter, group_size, grouped, visible
from terminal.chart.foreground import ReadoutWords
from terminal.chart.frame import READOUT_HEIGHT, Frame, axis_width_for, panels
from terminal.chart.hand import LevelDrag
from terminal.chart.lines import LineKind, LineWords, PriceLine, is_draggable
from terminal.chart.marks import Marks, last_line
from terminal.chart.scale import Range, Timeline, padded, volume_top, with_near_lines
from terminal.chart.stamps import Stamps
from terminal.models.bars import BarSeries, Change
from terminal.theme import DARK, Theme

_FIRST_BAR_WIDTH = 9.0  # pixels
_NO_RANGE: Range = (0.0, 1.0)


class ChartCanvas(pg.GraphicsView):
    """Candles, volume, lines and markers of one contract.

    Signals:
        follow_changed(is_following): whether the view follows the last bar.
        past_wanted(): the oldest bars are nearly in view, and there may be older ones.

    Attributes:
        has_more_past: older bars than those that are here may exist.
        frame: what is painted now.
        timeline: which bars are in view; call :meth:`refit` after a change.
        marks: conditions, orders, fills and positions; call :meth:`on_marks_changed` after a change.
        pointer: pixel of the crosshair, None without one.
        drag: the level that is being dragged.
        hot: condition and level under the mouse.
        price_range: lowest and highest price in view, once there is one.
        is_stretched: a person chose the price range; it does not fit by itself.
    """

    follow_changed = QtCore.Signal(bool)
    past_wanted = QtCore.Signal()

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.has_more_past = False
        self.setViewportUpdateMode(self.ViewportUpdateMode.FullViewportUpdate)
        self.setCacheMode(self.CacheModeFlag.CacheNone)
        self.setMinimumSize(240, 160)
        self.price_box, self.volume_box = _panel(self), _panel(self)
        self.theme: Theme = DARK
        self.calendar = TradingCalendar()
        self.series = BarSeries(self.calendar)
        self.timeline = Timeline()
        self.marks = Marks()
        self.symbol = ""
        self.tick_size = 1
        self.title = ""
        self.empty_text = ("", "")
        self.line_words: LineWords | None = None
        self.readout_words: ReadoutWords | None = None
        self._painter = BarPainter()
        self._stamps = Stamps()
        self._backdrop: QtGui.QPixmap | None = None
        self.price_range: Range | None = None
        self.is_stretched = False
        self._volume_top: float | None = None
        self.pointer: QtCore.QPointF | None = None
        self.drag: LevelDrag | None = None
        self.hot: tuple[str, LineKind] | None = None
        self._tags: list[tags.PlacedTag] = []
        self._was_following = True
        self._has_width = False
        self.frame = self._make_frame()

    # ------------------------------------------------------------------------------------------- contents

    def set_series(self, series: BarSeries, keep_view: bool = False) -> None:
        """Shows other bars; the old view of them is kept only where it still means something."""
        self.series = series
        if not keep_view:
            self.cancel_drag()
            self.is_stretched = False
            self.timeline.follow()
        self.timeline.set_count(len(series.bars))
        self.refit(exact=True)

    def on_bars_changed(self, change: Change) -> None:
        """Bars were added or changed."""
        count = len(self.series.bars)
        self.timeline.set_count(count)
        if change.added or change.first < backdrop.last_group(self.frame):
            self._backdrop = None
        self.refit()

    def on_bars_prepended(self, added: int) -> None:
        """So many bars came in front of all others, or one of the first changed."""
        self.timeline.shift(added)
        self._backdrop = None
        self.refit(exact=added > 0 and self.timeline.is_following)

    def on_marks_changed(self) -> None:
        """A condition, order, fill or position changed."""
        drag = self.drag
        if drag is not None:
            condition = self.marks.conditions.get(drag.condition_id)
            if condition is None or not is_draggable(condition, drag.kind):
                self.cancel_drag()
        self.refit()

    def restyle(self) -> None:
        """Colours, words or fonts changed."""
        self._backdrop = None
        self._stamps.clear()
        self.setBackground(self.theme.base)
        self.refit()

    def follow(self, wanted: bool) -> None:
        """Goes to the last bar and stays with it, or no longer does."""
        if wanted:
            self.timeline.follow()
            self.is_stretched = False
        else:
            self.timeline.unfollow()
        self.refit(exact=wanted)

    def fit_prices(self) -> None:
        """Prices fit to the bars in view, by themselves from now on."""
        self.is_stretched = False
        self.refit(exact=True)

    def cancel_drag(self) -> None:
        """Drops a level that is being dragged; it stays where it was."""
        if self.drag is not None:
            self.drag = None
            self.refit()

    @property
    def is_dragging_level(self) -> bool:
        """A level is on its way."""
        return self.drag is not None

    def point_at(self, where: QtCore.QPointF | None) -> None:
        """Puts the crosshair at a pixel of the view, or takes it away."""
        self.pointer = where
        self.viewport().update()

    @property
    def preview(self) -> Condition | None:
        """The condition whose level is being dragged, as it would be."""
        drag = self.drag
        condition = self.marks.conditions.get(drag.condition_id) if drag else None
        return drag.preview(condition, self.tick_size) if drag and condition else None

    def lines(self) -> list[PriceLine]:
        """All lines of the contract, the last price among them."""
        bars = self.series.bars
        last = int(bars.close[-1]) if len(bars) else 0
        found: list[PriceLine] = []
        if self.line_words is not None:
            found = self.marks.lines(self.symbol, last, self.line_words, self.preview)
        if len(bars):
            before = int(bars.close[-2]) if len(bars) > 1 else int(bars.open[-1])
            found.append(last_line(last, before))
        return found

    # --------------------------------------------------------------------------------------- what is in view

    def refit(self, exact: bool = False) -> None:
        """Brings the ranges up to date and paints again.

        Args:
            exact: a person changed the view: fit the prices closely. Else a range that still fits stays.
        """
        lines = self.lines()
        frame = self._make_frame(exact, [line.price for line in lines])
        if (frame.price, frame.volume) != (self.frame.price, self.frame.volume):
            self._backdrop = None
            self._place_boxes(frame)
        self.frame = frame
        self._tags = tags.place(lines, frame.price, frame.axis_width, QtGui.QFontMetricsF(self.font()))
        self.viewport().update()
        if self.timeline.is_following != self._was_following:
            self._was_following = self.timeline.is_following
            self.follow_changed.emit(self._was_following)
        if self.has_more_past and self.timeline.x0 < self.timeline.width:
            self.past_wanted.emit()

    def _make_frame(self, exact: bool = False, lines: Sequence[float] = ()) -> Frame:
        width, height = float(self.viewport().width()), float(self.viewport().height())
        bars, line = self.series.bars, self.timeline
        x = line.x0, line.x1
        metrics = QtGui.QFontMetricsF(self.font())
        price_range = self.price_range or _NO_RANGE
        axis_width = axis_width_for(self.symbol, price_range[1], metrics)
        price, volume = panels(width, height, axis_width, x, price_range, self._volume_top or 1.0)
        span = visible(bars, price)
        if span[1] > span[0]:
            self._fit(span, group_size(price.bar_width), lines, exact)
            price_range = self.price_range or _NO_RANGE
            axis_width = axis_width_for(self.symbol, price_range[1], metrics)
            price, volume = panels(width, height, axis_width, x, price_range, self._volume_top or 1.0)
        return Frame(
            width=width,
            height=height,
            price=price,
            volume=volume,
            bars=bars,
            span=span,
            span_s=self.series.span_s,
            symbol=self.symbol,
            tick_size=self.tick_size,
            sessions=self._sessions(span),
            theme=self.theme,
        )

    def _fit(self, span: tuple[int, int], size: int, lines: Sequence[float], exact: bool) -> None:
        """Chooses the price and volume range for the bars in view, and the lines near them."""
        bars = self.series.bars
        first, end = span
        groups = grouped(bars, first, end, size)
        self._volume_top = volume_top(float(groups.volume.max()), None if exact else self._volume_top)
        if self.is_stretched or self.drag is not None:
            return
        low, high = float(groups.low.min()), float(groups.high.max())
        low, high = with_near_lines(low, high, lines, self.tick_size)
        # The values under the crosshair stand above the highest bar.
        high += (high - low + 6 * self.tick_size) * READOUT_HEIGHT / max(self.viewport().height(), 200)
        self.price_range = padded(low, high, self.tick_size, None if exact else self.price_range)

    def _sessions(self, span: tuple[int, int]) -> list[tuple[int, Session]]:
        bars = self.series.bars
        starts = axes.session_starts(bars, *span)
        if span[1] > span[0] and (not starts or starts[0] > span[0]):
            starts.insert(0, span[0])
        found = ((index, self.calendar.session_at(int(bars.session_open_ns[index]))) for index in starts)
        return [(index, session) for index, session in found if session is not None]

    def _place_boxes(self, frame: Frame) -> None:
        for box, scale in ((self.price_box, frame.price), (self.volume_box, frame.volume)):
            box.setGeometry(QtCore.QRectF(scale.left, scale.top, scale.width, scale.height))
            box.setRange(xRange=(scale.x0, scale.x1), yRange=(scale.y0, scale.y1), padding=0)

    # ---------------------------------------------------------------------------------------------- painting

    def drawBackground(self, painter: QtGui.QPainter, rect: QtCore.QRectF) -> None:
        """Everything that stays the same from frame to frame."""
        if self._backdrop is None:
            self._backdrop = self._painted_backdrop()
        painter.drawPixmap(0, 0, self._backdrop)

    def drawForeground(self, painter: QtGui.QPainter, rect: QtCore.QRectF) -> None:
        """The last bar, lines, fills, crosshair."""
        frame = self.frame
        painter.setFont(self.font())
        if not len(frame.bars):
            foreground.paint_sentence(painter, frame, *self.empty_text)
            return
        painter.setClipRect(frame.plot)
        last = backdrop.last_group(frame)
        if frame.span[0] <= last < frame.span[1]:
            span = last, len(frame.bars)
            self._painter.paint(painter, frame.bars, span, frame.price, frame.volume, self.theme)
        foreground.paint_fills(painter, frame, self.marks.fills(self.symbol))
        painter.setClipping(False)
        self._paint_lines(painter)
        self._paint_pointer(painter)

    def placed_tags(self) -> list[tags.PlacedTag]:
        """All lines in view with the places of their labels, as of the last refit."""
        return self._tags

    def _paint_lines(self, painter: QtGui.QPainter) -> None:
        frame = self.frame
        placed_tags = self.placed_tags()
        taken = [placed.tag for placed in placed_tags]
        if self.pointer is not None and self.drag is None and frame.plot.contains(self.pointer):
            taken.append(foreground.pointer_tag(frame, self.pointer))
        foreground.paint_prices(painter, self._stamps, frame, taken)
        hot = (self.drag.condition_id, self.drag.kind) if self.drag else self.hot
        if self.drag is not None and frame.price.y0 <= self.drag.origin <= frame.price.y1:
            pen = QtGui.QPen(QtGui.QColor(self.theme.muted), 1)
            pen.setDashPattern([2, 4])
            painter.setPen(pen)
            y = round(frame.price.y(self.drag.origin))
            painter.drawLine(QtCore.QPointF(0, y), QtCore.QPointF(frame.price.right, y))
        for placed in placed_tags:
            is_hot = (placed.line.key, placed.line.kind) == hot
            tags.paint_line(painter, placed, frame.price, self.theme, is_hot)
        for placed in placed_tags:
            tags.paint_tag(
                painter, self._stamps, placed, frame.price, frame.price_text(placed.line.price), self.theme
            )

    def _paint_pointer(self, painter: QtGui.QPainter) -> None:
        frame, mouse = self.frame, self.pointer
        index = len(frame.bars) - 1
        if mouse is not None and frame.plot.contains(mouse):
            under = round(frame.price.index(mouse.x()))
            is_on_bar = 0 <= under < len(frame.bars)
            if self.drag is None:
                foreground.paint_crosshair(painter, frame, mouse, under if is_on_bar else None)
            index = under if is_on_bar else index
        if self.readout_words is not None:
            foreground.paint_readout(painter, frame, self.title, index, self.readout_words)

    def _painted_backdrop(self) -> QtGui.QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QtGui.QPixmap(self.viewport().size() * ratio)
        pixmap.setDevicePixelRatio(ratio)
        painter = QtGui.QPainter(pixmap)
        painter.setFont(self.font())
        backdrop.paint_backdrop(painter, self.frame, self._painter)
        painter.end()
        return pixmap

    def resizeEvent(self, event: QtGui.QResizeEvent | None) -> None:
        """Keeps the width of the bars the first time, the number of bars later."""
        super().resizeEvent(event)
        if event is None or not hasattr(self, "frame"):
            return
        if not self._has_width:
            self._has_width = True
            self.timeline.set_natural_width(self.viewport().width() / _FIRST_BAR_WIDTH)
        self._backdrop = None
        self.refit(exact=True)


def _panel(view: pg.GraphicsView) -> pg.ViewBox:
    box = pg.ViewBox(enableMouse=False, enableMenu=False, defaultPadding=0)
    box.disableAutoRange()
    view.addItem(box)
    return box
