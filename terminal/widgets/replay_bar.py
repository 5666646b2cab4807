"""The controls of a replay below the chart: pause, step, speed, time and jump. There only while a day is replayed.

It shows what it is given and asks for what a person wants; who plays is none of its business.
"""

from datetime import datetime
from typing import Final

from PySide6 import QtCore, QtGui, QtWidgets

from engine.model.playback import Playback, PlaybackState, Timeline
from engine.model.session import TAIPEI
from engine.timing import NS_PER_S
from terminal import i18n
from terminal.theme import DARK, Theme
from terminal.widgets.dock import set_tone
from terminal.widgets.time_slider import TimeSlider

SPEEDS: Final = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 600.0, 0.0)
"""Market seconds in a second; 0 = as fast as the strategies can."""
MINUTE_NS: Final = 60 * NS_PER_S
_HEIGHT: Final = 38
_OFFSET_S: Final = int(TAIPEI.utcoffset(None).total_seconds())
_TONES: Final = {PlaybackState.PAUSED: "warning", PlaybackState.JUMPING: "warning", PlaybackState.RUNNING: "ok"}
_SHAPES: Final = {
    "play": (((3, 1), (14, 8), (3, 15)),),
    "pause": (((3, 2), (6, 2), (6, 14), (3, 14)), ((10, 2), (13, 2), (13, 14), (10, 14))),
    "step": (((2, 2), (9, 8), (2, 14)), ((11, 2), (13, 2), (13, 14), (11, 14))),
    "minute": (((1, 2), (6, 8), (1, 14)), ((7, 2), (12, 8), (7, 14)), ((13, 2), (15, 2), (15, 14), (13, 14))),
    "again": (((2, 2), (4, 2), (4, 14), (2, 14)), ((14, 1), (14, 15), (5, 8))),
}
"""Outlines of the signs on the buttons, in a square of 16."""


class ReplayBar(QtWidgets.QFrame):
    """Hidden until :meth:`begin`.

    Signals:
        pause_requested(), resume_requested(): stand still, go on.
        step_requested(): one print more.
        step_time_requested(int): so many ns of trading time more.
        speed_chosen(float): market seconds in a second; 0 = as fast as possible.
        jump_requested(int): to an instant, ns UTC; it may lie behind.
        again_requested(): the same day anew.
    """

    pause_requested = QtCore.Signal()
    resume_requested = QtCore.Signal()
    step_requested = QtCore.Signal()
    step_time_requested = QtCore.Signal(object)
    speed_chosen = QtCore.Signal(float)
    jump_requested = QtCore.Signal(object)
    again_requested = QtCore.Signal()

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = DARK
        self._timeline: Timeline | None = None
        self._shown: Playback | None = None
        self.tag = QtWidgets.QLabel()
        self.play = self._button("F6", self._on_play)
        self.step = self._button("F7", self.step_requested.emit)
        self.minute = self._button("Shift+F7", lambda: self.step_time_requested.emit(MINUTE_NS))
        self.again = self._button("Ctrl+F6", self.again_requested.emit)
        self.speed = QtWidgets.QComboBox()
        self.slider = TimeSlider()
        self.time = QtWidgets.QLabel()
        self.state = QtWidgets.QLabel()
        self.target = QtWidgets.QTimeEdit()
        self.jump = QtWidgets.QPushButton()
        self._lay_out()
        self._connect()
        self.retranslate()
        self.hide()

    # --- what it shows -------------------------------------------------------------------------------------------

    def begin(self, timeline: Timeline) -> None:
        """A replay begins."""
        self._timeline, self._shown = timeline, None
        self.slider.set_timeline(timeline)
        self.target.setTime(_clock(timeline.spans[0][0]))
        self.show()

    def end(self) -> None:
        """There is no replay any more."""
        self._timeline = self._shown = None
        self.slider.set_timeline(None)
        self.hide()

    def show_playback(self, playback: Playback) -> None:
        """Where the replay stands."""
        before, self._shown = self._shown, playback
        self.slider.show_elapsed(playback.elapsed_ns)
        if not self.slider.isSliderDown():
            self._show_time(playback.now_ns)
        if before is None or before.speed != playback.speed:
            self._show_speed(playback.speed)
        if before is None or before.state is not playback.state:
            self._show_state(playback.state)

    def _show_time(self, ts_ns: int) -> None:
        at = datetime.fromtimestamp(ts_ns // NS_PER_S, TAIPEI)
        self.time.setText(f"{at:%m-%d} {at:%H:%M:%S}")

    def _show_speed(self, speed: float) -> None:
        at = self.speed.findData(speed)
        if at < 0:
            self.speed.insertItem(self.speed.count() - 1, _factor(speed), speed)
            at = self.speed.findData(speed)
        self.speed.setCurrentIndex(at)

    def _show_state(self, state: PlaybackState) -> None:
        self.state.setText(i18n.text(state))
        set_tone(self.state, _TONES.get(state, "muted"))
        is_over = state is PlaybackState.ENDED
        for part in (self.play, self.step, self.minute, self.speed):
            part.setEnabled(not is_over and state is not PlaybackState.WAITING)
        self.speed.setEnabled(not is_over)
        self._paint_buttons()
        self._name_play()

    @property
    def _is_going(self) -> bool:
        return self._shown is not None and self._shown.state in (PlaybackState.RUNNING, PlaybackState.JUMPING)

    # --- what a person does --------------------------------------------------------------------------------------

    def _on_play(self) -> None:
        (self.pause_requested if self._is_going else self.resume_requested).emit()

    def _on_speed(self) -> None:
        self.speed_chosen.emit(float(self.speed.currentData()))

    def _on_jump(self) -> None:
        if self._timeline is not None:
            second = QtCore.QTime(0, 0).secsTo(self.target.time())
            self.jump_requested.emit(self._timeline.at_clock(second, _OFFSET_S))

    def _on_target_wanted(self) -> None:
        self.target.setFocus(QtCore.Qt.FocusReason.ShortcutFocusReason)
        self.target.selectAll()

    # --- how it looks --------------------------------------------------------------------------------------------

    def set_theme(self, theme: Theme) -> None:
        """Colours; its own is that of the replay's frame."""
        self._theme = theme
        self.setStyleSheet(
            f"ReplayBar {{ background: {theme.panel}; border: none; border-top: 2px solid {theme.replay}; }}"
        )
        self.tag.setStyleSheet(
            f"background: {theme.replay}; color: #ffffff; font-weight: bold; border-radius: 3px; padding: 2px 7px;"
        )
        self.slider.set_colours(theme)
        self._paint_buttons()

    def retranslate(self) -> None:
        """Texts in the present language."""
        self.tag.setText(self.tr("REPLAY"))
        self.jump.setText(self.tr("Jump"))
        self._name_play()
        tips = {
            self.step: self.tr("One tick further (F7)"),
            self.minute: self.tr("One minute further (Shift+F7)"),
            self.again: self.tr("Replay this day anew (Ctrl+F6)"),
            self.speed: self.tr("Market seconds in a second"),
            self.slider: self.tr("Trading time: click or drag to jump"),
            self.target: self.tr("Taipei time to jump to (Ctrl+J)"),
            self.jump: self.tr("As fast as the strategies can, to this time"),
        }
        for part, tip in tips.items():
            part.setToolTip(tip)
            part.setAccessibleName(tip)
        self.speed.setItemText(self.speed.count() - 1, self.tr("Fastest"))
        advance = self.state.fontMetrics().horizontalAdvance
        self.state.setMinimumWidth(max(advance(i18n.text(state)) for state in PlaybackState) + 8)
        if self._shown is not None:
            self._show_state(self._shown.state)

    def changeEvent(self, event: QtCore.QEvent) -> None:
        """Follows the language."""
        if event.type() is QtCore.QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _name_play(self) -> None:
        tip = self.tr("Pause (F6)") if self._is_going else self.tr("Play (F6)")
        self.play.setToolTip(tip)
        self.play.setAccessibleName(tip)

    def _paint_buttons(self) -> None:
        signs = {
            self.play: "pause" if self._is_going else "play",
            self.step: "step",
            self.minute: "minute",
            self.again: "again",
        }
        for button, sign in signs.items():
            colour = self._theme.text if button.isEnabled() else self._theme.muted
            button.setIcon(_icon(sign, colour))

    def _button(self, shortcut: str, slot: object) -> QtWidgets.QToolButton:
        button = QtWidgets.QToolButton()
        button.setShortcut(QtGui.QKeySequence(shortcut))
        button.setFocusPolicy(QtCore.Qt.FocusPolicy.TabFocus)
        button.clicked.connect(slot)
        return button

    def _lay_out(self) -> None:
        self.setFixedHeight(_HEIGHT)
        for speed in SPEEDS:
            self.speed.addItem(_factor(speed), speed)
        self.target.setDisplayFormat("HH:mm:ss")
        self.time.setMinimumWidth(self.time.fontMetrics().horizontalAdvance("00-00 00:00:00 "))
        box = QtWidgets.QHBoxLayout(self)
        box.setContentsMargins(8, 2, 8, 2)
        box.setSpacing(5)
        left = (self.tag, self.again, self.play, self.step, self.minute, self.speed, self.state)
        parts: tuple[QtWidgets.QWidget, ...] = (*left, self.slider, self.time, self.target, self.jump)
        for part in parts:
            box.addWidget(part, int(part is self.slider))

    def _connect(self) -> None:
        self.speed.activated.connect(self._on_speed)
        self.slider.moved.connect(self._show_time)
        self.slider.chosen.connect(self.jump_requested)
        self.jump.clicked.connect(self._on_jump)
        QtGui.QShortcut(QtGui.QKeySequence("Ctrl+J"), self, self._on_target_wanted)
        for key in (QtCore.Qt.Key.Key_Return, QtCore.Qt.Key.Key_Enter):
            enter = QtGui.QShortcut(QtGui.QKeySequence(key), self.target, self._on_jump)
            enter.setContext(QtCore.Qt.ShortcutContext.WidgetWithChildrenShortcut)


def _factor(speed: float) -> str:
    return f"{speed:g}×"


def _clock(ts_ns: int) -> QtCore.QTime:
    at = datetime.fromtimestamp(ts_ns // NS_PER_S, TAIPEI)
    return QtCore.QTime(at.hour, at.minute, at.second)


def _icon(sign: str, colour: str) -> QtGui.QIcon:
    picture = QtGui.QPixmap(32, 32)
    picture.setDevicePixelRatio(2.0)
    picture.fill(QtCore.Qt.GlobalColor.transparent)
    painter = QtGui.QPainter(picture)
    painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
    painter.setPen(QtCore.Qt.PenStyle.NoPen)
    painter.setBrush(QtGui.QColor(colour))
    for outline in _SHAPES[sign]:
        painter.drawPolygon([QtCore.QPointF(x, y) for x, y in outline])
    painter.end()
    return QtGui.QIcon(picture)
