"""A slider over the trading time of a replay: a click goes where it points, and session bounds are marked."""

from typing import Final

from PySide6 import QtCore, QtGui, QtWidgets

from engine.model.playback import Timeline
from engine.timing import NS_PER_S
from terminal.theme import Theme

_HANDLE: Final = 14
_LEAST: Final = 120
"""Width that is left to it in a narrow window, pixels."""
_MARK: Final = 6
"""Height of the mark between two sessions, pixels."""


class TimeSlider(QtWidgets.QSlider):
    """Counts seconds of trading time.

    Signals:
        moved(int): the instant under the handle while it is dragged, ns UTC.
        chosen(int): it was let go there.
    """

    moved = QtCore.Signal(object)
    chosen = QtCore.Signal(object)

    def __init__(self) -> None:
        super().__init__(QtCore.Qt.Orientation.Horizontal)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.NoFocus)  # the field for the time is what a keyboard uses
        self.setMinimumWidth(_LEAST)
        self._timeline: Timeline | None = None
        self._mark = QtGui.QColor()

    def set_timeline(self, timeline: Timeline | None) -> None:
        """The trading time from the left end to the right."""
        self._timeline = timeline
        self.setRange(0, timeline.length_ns // NS_PER_S + 1 if timeline else 0)
        self.setValue(0)
        self.update()

    def set_colours(self, theme: Theme) -> None:
        """What was played has the colour of the replay's frame."""
        self._mark = QtGui.QColor(theme.text)
        self.setStyleSheet(f"""
            QSlider::groove:horizontal {{ height: 6px; border-radius: 3px; background: {theme.grid}; }}
            QSlider::sub-page:horizontal {{ height: 6px; border-radius: 3px; background: {theme.replay}; }}
            QSlider::handle:horizontal {{ width: {_HANDLE}px; margin: -4px 0; border-radius: {_HANDLE // 2}px;
                background: {theme.text}; }}
            QSlider::handle:horizontal:hover {{ background: {theme.accent}; }}
        """)

    def show_elapsed(self, elapsed_ns: int) -> None:
        """Moves the handle, unless a person holds it."""
        if not self.isSliderDown():
            self.setValue(elapsed_ns // NS_PER_S)

    @property
    def instant(self) -> int:
        """The instant under the handle."""
        return self._timeline.instant(self.sliderPosition() * NS_PER_S) if self._timeline else 0

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        """Takes the handle to where the mouse is."""
        if event.button() is QtCore.Qt.MouseButton.LeftButton and self._timeline:
            self.setSliderDown(True)
            self._follow(event)

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        """Drags the handle."""
        if self.isSliderDown():
            self._follow(event)

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        """Lets the handle go."""
        if self.isSliderDown():
            instant = self.instant
            self.setSliderDown(False)
            self.chosen.emit(instant)

    def wheelEvent(self, event: QtGui.QWheelEvent) -> None:
        """A wheel must not jump."""
        event.ignore()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """The slider, and a mark where one session ends and the next begins."""
        super().paintEvent(event)
        if self._timeline is None:
            return
        painter = QtGui.QPainter(self)
        painter.setPen(QtGui.QPen(self._mark, 1))
        elapsed = 0
        for begin, end in self._timeline.spans[:-1]:
            elapsed += end - begin
            x = self._x_of(elapsed // NS_PER_S)
            painter.drawLine(x, self.height() // 2 - _MARK, x, self.height() // 2 + _MARK)
        painter.end()

    def _follow(self, event: QtGui.QMouseEvent) -> None:
        margin = self._margin()
        at, span = round(event.position().x()) - margin, self.width() - 2 * margin
        style = QtWidgets.QStyle.sliderValueFromPosition
        self.setSliderPosition(style(self.minimum(), self.maximum(), at, max(span, 1)))
        self.moved.emit(self.instant)

    def _x_of(self, value: int) -> int:
        span = self.width() - 2 * self._margin()
        style = QtWidgets.QStyle.sliderPositionFromValue
        return self._margin() + style(self.minimum(), self.maximum(), value, span)

    def _margin(self) -> int:
        """Half of the handle: so far from the ends the values begin."""
        return _HANDLE // 2
