"""The lamps of the status bar: one a link and process, with the age of its last real message.

A lamp is never green on a word alone: what has been silent beyond its limit, or was never heard, is not up.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from PySide6 import QtCore, QtGui, QtWidgets

from engine.model.market import LinkState, LinkStatus
from engine.timing import NS_PER_S
from terminal import formats, i18n
from terminal.theme import DARK, Theme

BEAT_MS: Final = 250

_TONES: Final = {
    LinkState.DOWN: "error",
    LinkState.CONNECTING: "muted",
    LinkState.UP: "ok",
    LinkState.STALE: "warning",
}


_ORDER: Final = ("gateway", "quote", "trade", "books", "feed", "executor", "strategy", "recorder", "scanner")
"""Lamps from the left, by the first word of their name; others follow, by name."""


def _place(name: str) -> tuple[int, str]:
    """Where a lamp stands among all."""
    kind = name.replace("-", ".").partition(".")[0]
    return (_ORDER.index(kind) if kind in _ORDER else len(_ORDER), name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was last told about a link or process.

    Attributes:
        state: by the word of whoever told it.
        ts_last: when its last real message arrived, wall clock, ns UTC; 0 = never.
        limit_s: how long it may be silent; 0 = it may be silent for ever.
        text: details for the tool tip.
    """

    state: LinkState
    ts_last: int = 0
    limit_s: float = 0.0
    text: str = ""


def judged(reading: Reading, now_ns: int) -> LinkState:
    """What a reading is worth now: silence overrules the word."""
    if reading.state is not LinkState.UP:
        return reading.state
    if not reading.ts_last:
        return LinkState.CONNECTING
    is_silent = reading.limit_s and now_ns - reading.ts_last > reading.limit_s * NS_PER_S
    return LinkState.STALE if is_silent else LinkState.UP


class Lamp(QtWidgets.QWidget):
    """One lamp: a dot, a name, an age."""

    def __init__(self, name: str, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.name = name
        self.state = LinkState.CONNECTING
        self.age = formats.NOTHING
        self.theme = DARK
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Fixed, QtWidgets.QSizePolicy.Policy.Preferred)

    def show_reading(self, reading: Reading, now_ns: int) -> None:
        """Takes over what a reading is worth now; repaints only where that differs."""
        state = judged(reading, now_ns)
        age = formats.age(now_ns - reading.ts_last if reading.ts_last else None)
        if (state, age) != (self.state, self.age):
            self.state, self.age = state, age
            self.update()
        tip = f"{i18n.lamp_text(self.name)}: {i18n.text(state)}"
        self.setToolTip("\n".join(filter(None, (tip, reading.text))))

    def sizeHint(self) -> QtCore.QSize:
        """Room for the longest age, so that lamps do not dance."""
        metrics = self.fontMetrics()
        wide = metrics.horizontalAdvance(i18n.lamp_text(self.name)) + metrics.horizontalAdvance("00 min")
        return QtCore.QSize(wide + 32, metrics.height() + 4)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Draws dot, name and age."""
        painter = QtGui.QPainter(self)
        painter.setRenderHint(QtGui.QPainter.RenderHint.Antialiasing)
        middle = self.height() / 2
        painter.setPen(QtCore.Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(getattr(self.theme, _TONES[self.state])))
        painter.drawEllipse(QtCore.QPointF(8, middle), 4.0, 4.0)
        name = i18n.lamp_text(self.name)
        centred = QtCore.Qt.AlignmentFlag.AlignVCenter
        room = self.rect().adjusted(17, 0, 0, 0)
        painter.setPen(QtGui.QColor(self.theme.text))
        painter.drawText(room, centred, name)
        painter.setPen(QtGui.QColor(self.theme.muted))
        room.setLeft(room.left() + self.fontMetrics().horizontalAdvance(name) + 5)
        painter.drawText(room, centred, self.age)
        painter.end()


class LampBar(QtWidgets.QWidget):
    """All lamps, in an order that does not depend on who was heard first, with the one timer of the window.

    Signals:
        beat(): four times a second while shown; whoever shows ages may use it.

    Args:
        now_ns: the wall clock, ns UTC.
    """

    beat = QtCore.Signal()

    def __init__(self, now_ns: Callable[[], int] = time.time_ns, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._now_ns = now_ns
        self._readings: dict[str, Reading] = {}
        self._lamps: dict[str, Lamp] = {}
        self._theme = DARK
        self._box = QtWidgets.QHBoxLayout(self)
        self._box.setContentsMargins(4, 0, 4, 0)
        self._box.setSpacing(2)
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(BEAT_MS)
        self._timer.timeout.connect(self.refresh)

    def set_reading(self, name: str, reading: Reading) -> None:
        """What was told about a link or process; an unknown name gets a new lamp."""
        self._readings[name] = reading
        if name not in self._lamps:
            lamp = Lamp(name, self)
            lamp.theme = self._theme
            self._lamps[name] = lamp
            self._box.insertWidget(sorted(self._lamps, key=_place).index(name), lamp)
        self._lamps[name].show_reading(reading, self._now_ns())

    def update_link(self, status: LinkStatus, limit_s: float = 0.0) -> None:
        """The gateway's word on a link.

        Args:
            status: state and time of its last real message.
            limit_s: how long it may be silent; 0 = for ever, as while its session is closed.
        """
        reading = Reading(state=status.state, ts_last=status.ts_last, limit_s=limit_s, text=status.text)
        self.set_reading(status.link, reading)

    def touch(self, name: str, ts_last: int) -> None:
        """A real message of a known lamp arrived; its state stays as it was told."""
        if name in self._readings:
            self._readings[name] = replace(self._readings[name], ts_last=ts_last)

    def remove(self, name: str) -> None:
        """Its link or process is no longer wanted."""
        self._readings.pop(name, None)
        if lamp := self._lamps.pop(name, None):
            self._box.removeWidget(lamp)
            lamp.deleteLater()

    def clear(self) -> None:
        """Removes all lamps."""
        for name in tuple(self._lamps):
            self.remove(name)

    def state(self, name: str) -> LinkState:
        """What a lamp shows.

        Raises:
            KeyError: there is no such lamp.
        """
        return self._lamps[name].state

    def age(self, name: str) -> str:
        """The age that a lamp shows.

        Raises:
            KeyError: there is no such lamp.
        """
        return self._lamps[name].age

    def refresh(self) -> None:
        """Lets every lamp grow older."""
        now_ns = self._now_ns()
        for name, reading in self._readings.items():
            self._lamps[name].show_reading(reading, now_ns)
        self.beat.emit()

    def set_theme(self, theme: Theme) -> None:
        """Colours of the lamps."""
        self._theme = theme
        for lamp in self._lamps.values():
            lamp.theme = theme
            lamp.update()

    def changeEvent(self, event: QtCore.QEvent) -> None:
        """Follows the language."""
        if event.type() is QtCore.QEvent.Type.LanguageChange:
            for lamp in self._lamps.values():
                lamp.updateGeometry()
                lamp.update()
        super().changeEvent(event)

    def showEvent(self, event: QtGui.QShowEvent) -> None:
        """Begins to age."""
        self._timer.start()
        super().showEvent(event)

    def hideEvent(self, event: QtGui.QHideEvent) -> None:
        """Nobody looks: no timer."""
        self._timer.stop()
        super().hideEvent(event)
