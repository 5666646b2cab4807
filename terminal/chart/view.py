"""The drawing surface of the chart: what is in view, painting it, and the mouse on it.

Bars that no longer change, grid and axes are painted once into a pixmap; a frame is that pixmap, the last bar,
lines and crosshair. Holds a pyqtgraph view box a panel, so that any pyqtgraph item can be added in chart
coordinates (bar index, scaled price).
"""

from dataclasses import replace
from typing import Any

import pyqtgraph as pg
from PySide6 import QtCore, QtGui, QtWidgets

from engine.model.condition import Condition
from engine.model.session import Session, TradingCalendar
from terminal.chart import axes, backdrop, foreground, tags
from terminal.chart.candles import BarPainter, group_size, grouped, visible
from terminal.chart.foreground import ReadoutWords
from terminal.chart.frame import READOUT_HEIGHT, Frame, axis_width_for, panels
from terminal.chart.hand import Gesture, LevelDrag, stretched, taken
from terminal.chart.lines import LineKind, LineWords, PriceLine, is_draggable
from terminal.chart.marks import Marks, last_line
from terminal.chart.scale import Range, Timeline, padded, volume_top, with_near_lines
from terminal.models.bars import BarSeries, Change
from terminal.theme import DARK, Theme

_FIRST_BAR_WIDTH = 9.0  # pixels
_NO_RANGE: Range = (0.0, 1.0)


class ChartView(pg.GraphicsView):
    """Candles, volume, lines and markers of one contract.

    Signals:
        level_moved(condition_id, level_name, price): a level was dragged and released.
        menu_requested(position, price): right click, in global pixels and at a price on the price step.
        follow_changed(is_following): whether the view follows the last bar.
    """

    level_moved = QtCore.Signal(str, str, int)
    menu_requested = QtCore.Signal(QtCore.QPoint, int)
    follow_changed = QtCore.Signal(bool)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setViewportUpdateMode(self.ViewportUpdateMode.FullViewportUpdate)
        self.setCacheMode(self.CacheModeFlag.CacheNone)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(240, 160)
        self.viewport().setMouseTracking(True)
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
        self._backdrop: QtGui.QPixmap | None = None
        self._price_range: Range | None = None
        self._is_stretched = False
        self._volume_top: float | None = None
        self._mouse: QtCore.QPointF | None = None
        self._gesture: Gesture | None = None
        self._pressed = QtCore.QPointF()
        self._drag: LevelDrag | None = None
        self._hot: tuple[str, LineKind] | None = None
        self._was_following = True
        self._has_width = False
        self.frame = self._make_frame()

    # ------------------------------------------------------------------------------------------- contents

    def set_series(self, series: BarSeries, keep_view: bool = False) -> None:
        """Shows other bars; the old view of them is kept only where it still means something."""
        self.series = series
        if not keep_view:
            self.cancel_drag()
            self._is_stretched = False
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

    def on_marks_changed(self) -> None:
        """A condition, order, fill or position changed."""
        drag = self._drag
        if drag is not None:
            condition = self.marks.conditions.get(drag.condition_id)
            if condition is None or not is_draggable(condition, drag.kind):
                self.cancel_drag()
        self.refit()

    def restyle(self) -> None:
        """Colours, words or fonts changed."""
        self._backdrop = None
        self.setBackground(self.theme.base)
        self.refit()

    def follow(self, wanted: bool) -> None:
        """Goes to the last bar and stays with it, or no longer does."""
        if wanted:
            self.timeline.follow()
            self._is_stretched = False
        else:
            self.timeline.unfollow()
        self.refit(exact=wanted)

    def fit_prices(self) -> None:
        """Prices fit to the bars in view, by themselves from now on."""
        self._is_stretched = False
        self.refit(exact=True)

    @property
    def preview(self) -> Condition | None:
        """The condition whose level is being dragged, as it would be."""
        drag = self._drag
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
        frame = self._make_frame(exact)
        if (frame.price, frame.volume) != (self.frame.price, self.frame.volume):
            self._backdrop = None
            self._place_boxes(frame)
        self.frame = frame
        self.viewport().update()
        if self.timeline.is_following != self._was_following:
            self._was_following = self.timeline.is_following
            self.follow_changed.emit(self._was_following)

    def _make_frame(self, exact: bool = False) -> Frame:
        width, height = float(self.viewport().width()), float(self.viewport().height())
        bars, line = self.series.bars, self.timeline
        x = line.x0, line.x1
        metrics = QtGui.QFontMetricsF(self.font())
        price_range = self._price_range or _NO_RANGE
        axis_width = axis_width_for(self.symbol, price_range[1], metrics)
        price, volume = panels(width, height, axis_width, x, price_range, self._volume_top or 1.0)
        span = visible(bars, price)
        if span[1] > span[0]:
            self._fit(span, group_size(price.bar_width), exact)
            price_range = self._price_range or _NO_RANGE
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

    def _fit(self, span: tuple[int, int], size: int, exact: bool) -> None:
        """Chooses the price and volume range for the bars in view, and the lines near them."""
        bars = self.series.bars
        first, end = span
        groups = grouped(bars, first, end, size)
        self._volume_top = volume_top(float(groups.volume.max()), None if exact else self._volume_top)
        if self._is_stretched or self._gesture is Gesture.LEVEL:
            return
        low, high = float(groups.low.min()), float(groups.high.max())
        prices = [line.price for line in self.lines()]
        low, high = with_near_lines(low, high, prices, self.tick_size)
        # The values under the crosshair stand above the highest bar.
        high += (high - low + 6 * self.tick_size) * READOUT_HEIGHT / max(self.viewport().height(), 200)
        self._price_range = padded(low, high, self.tick_size, None if exact else self._price_range)

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
        """All lines in view with the places of their labels."""
        return tags.place(self.lines(), self.frame.price, self.frame.axis_width, QtGui.QFontMetricsF(self.font()))

    def _paint_lines(self, painter: QtGui.QPainter) -> None:
        frame = self.frame
        placed_tags = self.placed_tags()
        foreground.paint_prices(painter, frame, [placed.tag for placed in placed_tags])
        hot = (self._drag.condition_id, self._drag.kind) if self._drag else self._hot
        if self._drag is not None and frame.price.y0 <= self._drag.origin <= frame.price.y1:
            pen = QtGui.QPen(QtGui.QColor(self.theme.muted), 1)
            pen.setDashPattern([2, 4])
            painter.setPen(pen)
            y = round(frame.price.y(self._drag.origin))
            painter.drawLine(QtCore.QPointF(0, y), QtCore.QPointF(frame.price.right, y))
        for placed in placed_tags:
            is_hot = (placed.line.key, placed.line.kind) == hot
            tags.paint_line(painter, placed, frame.price, self.theme, is_hot)
        for placed in placed_tags:
            tags.paint_tag(painter, placed, frame.price, frame.price_text(placed.line.price), self.theme)

    def _paint_pointer(self, painter: QtGui.QPainter) -> None:
        frame, mouse = self.frame, self._mouse
        index = len(frame.bars) - 1
        if mouse is not None and frame.plot.contains(mouse):
            under = round(frame.price.index(mouse.x()))
            is_on_bar = 0 <= under < len(frame.bars)
            if self._drag is None:
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

    # ------------------------------------------------------------------------------------------------- mouse

    def cancel_drag(self) -> None:
        """Drops a level that is being dragged; it stays where it was."""
        if self._gesture is Gesture.LEVEL:
            self._gesture, self._drag = None, None
            self.refit()

    @property
    def is_dragging_level(self) -> bool:
        """A level is on its way."""
        return self._drag is not None

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        """Left: takes a level, the price axis or the chart. Right: drops a level, or asks for the menu."""
        event.accept()
        where = event.position()
        if event.button() is QtCore.Qt.MouseButton.RightButton:
            self._on_right_press(event)
            return
        if event.button() is not QtCore.Qt.MouseButton.LeftButton or not len(self.frame.bars):
            return
        self._pressed = where
        placed = taken(self.placed_tags(), where.x(), where.y())
        if placed is not None:
            price = round(placed.line.price)
            self._gesture = Gesture.LEVEL
            self._drag = LevelDrag(
                condition_id=placed.line.key,
                kind=placed.line.kind,
                origin=price,
                grip_y=where.y(),
                price=price,
            )
        elif where.x() >= self.frame.price.right:
            self._gesture = Gesture.STRETCH
        else:
            self._gesture = Gesture.PAN
            self.viewport().setCursor(QtCore.Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        """Moves what was taken, and the crosshair."""
        event.accept()
        where = event.position()
        step = where - self._pressed
        self._mouse = where
        if self._gesture is Gesture.LEVEL and self._drag is not None:
            scale = self.frame.price
            y = min(max(where.y(), scale.top), scale.bottom)
            price = self._drag.origin + scale.value(y) - scale.value(self._drag.grip_y)
            self._drag = replace(self._drag, price=price)
            self.viewport().update()
        elif self._gesture is Gesture.PAN:
            self._pan(step)
            self._pressed = where
        elif self._gesture is Gesture.STRETCH:
            self._is_stretched = True
            self._price_range = stretched(self.frame.price, step.y())
            self._pressed = where
            self.refit()
        else:
            self._hover(where)

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        """Commits a level that was moved."""
        event.accept()
        if event.button() is not QtCore.Qt.MouseButton.LeftButton:
            return
        drag, self._drag, self._gesture = self._drag, None, None
        self._hover(event.position())
        condition = self.marks.conditions.get(drag.condition_id) if drag else None
        self.refit()
        if drag is not None and condition is not None:
            target = drag.target(condition, self.tick_size)
            if drag.price != drag.origin and target != drag.origin:
                self.level_moved.emit(drag.condition_id, str(drag.kind), target)

    def mouseDoubleClickEvent(self, event: QtGui.QMouseEvent) -> None:
        """On the price axis: prices fit by themselves again."""
        event.accept()
        if event.position().x() >= self.frame.price.right:
            self.fit_prices()

    def wheelEvent(self, event: QtGui.QWheelEvent) -> None:
        """Zooms about the bar under the mouse; sideways pans."""
        event.accept()
        turn = event.angleDelta()
        if abs(turn.x()) > abs(turn.y()):
            self.timeline.pan(-turn.x() / 1200 * self.timeline.width)
        else:
            self.timeline.zoom(0.85 ** (turn.y() / 120), self.frame.price.index(event.position().x()))
        self.refit(exact=True)

    def leaveEvent(self, event: QtCore.QEvent) -> None:
        """No crosshair without a mouse."""
        self._mouse, self._hot = None, None
        self.viewport().update()
        super().leaveEvent(event)

    def _on_right_press(self, event: QtGui.QMouseEvent) -> None:
        if self._drag is not None:
            self.cancel_drag()
        elif len(self.frame.bars) and self.frame.price.contains(event.position().x(), event.position().y()):
            price = foreground.snapped_price(self.frame, event.position().y())
            if price > 0:
                self.menu_requested.emit(event.globalPosition().toPoint(), price)

    def _pan(self, step: QtCore.QPointF) -> None:
        self.timeline.pan(-step.x() / self.frame.price.bar_width)
        if self._is_stretched and self._price_range is not None:
            shift = step.y() * (self._price_range[1] - self._price_range[0]) / self.frame.price.height
            self._price_range = self._price_range[0] + shift, self._price_range[1] + shift
        self.refit(exact=True)

    def _hover(self, where: QtCore.QPointF) -> None:
        placed = taken(self.placed_tags(), where.x(), where.y()) if len(self.frame.bars) else None
        self._hot = (placed.line.key, placed.line.kind) if placed else None
        shape = QtCore.Qt.CursorShape.CrossCursor
        if placed is not None:
            shape = QtCore.Qt.CursorShape.SizeVerCursor
        elif where.x() >= self.frame.price.right:
            shape = QtCore.Qt.CursorShape.SplitVCursor
        self.viewport().setCursor(shape)
        self.viewport().update()

    # --------------------------------------------------------------------------------------- keys and events

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:
        """End follows, Escape drops a level, the arrows pan, plus and minus zoom."""
        line = self.timeline
        keys: dict[int, Any] = {
            QtCore.Qt.Key.Key_Left: lambda: line.pan(-0.1 * line.width),
            QtCore.Qt.Key.Key_Right: lambda: line.pan(0.1 * line.width),
            QtCore.Qt.Key.Key_Plus: lambda: line.zoom(0.8, min(line.x1, line.count)),
            QtCore.Qt.Key.Key_Minus: lambda: line.zoom(1.25, min(line.x1, line.count)),
            QtCore.Qt.Key.Key_End: lambda: self.follow(True),
        }
        if event.key() == QtCore.Qt.Key.Key_Escape and self._drag is not None:
            self.cancel_drag()
        elif event.key() in keys:
            keys[event.key()]()
            self.refit(exact=True)
        else:
            event.ignore()

    def event(self, event: QtCore.QEvent) -> bool:
        """While a level is dragged, Escape belongs to the chart, whatever shortcuts the window has."""
        is_escape = (
            event.type() == QtCore.QEvent.Type.ShortcutOverride
            and isinstance(event, QtGui.QKeyEvent)
            and event.key() == QtCore.Qt.Key.Key_Escape
        )
        if is_escape and self._drag is not None:
            event.accept()
            return True
        return bool(super().event(event))

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
