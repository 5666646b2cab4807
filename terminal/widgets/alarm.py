"""The sound of an alarm: repeated until a person acknowledges it or it is over; each is silenced by itself."""

from collections.abc import Callable, Mapping
from typing import Final

from PySide6 import QtCore, QtWidgets

REPEAT_MS: Final = 2_000

Key = tuple[str, str]


class Alarm(QtCore.QObject):
    """Beeps while there is an alarm that nobody has acknowledged.

    Args:
        parent: the timer dies with it.
        beep: makes the sound.
        repeat_ms: time between two sounds.
    """

    def __init__(
        self,
        parent: QtCore.QObject,
        beep: Callable[[], None] = QtWidgets.QApplication.beep,
        repeat_ms: int = REPEAT_MS,
    ) -> None:
        super().__init__(parent)
        self._beep = beep
        self._lots: dict[Key, int] = {}
        self._acknowledged: dict[Key, int] = {}
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(repeat_ms)
        self._timer.timeout.connect(self._beep)

    def set_alarms(self, lots: Mapping[Key, int]) -> None:
        """All alarms as they are now, with the lots that each is about.

        One that is over is forgotten; one that was acknowledged sounds again when it is about more lots.
        """
        self._lots = dict(lots)
        self._acknowledged = {
            key: count for key, count in self._acknowledged.items() if key in lots and lots[key] <= count
        }
        self._sound()

    def acknowledge(self) -> None:
        """A person has seen the present alarms."""
        self._acknowledged = dict(self._lots)
        self._sound()

    @property
    def loud(self) -> frozenset[Key]:
        """Alarms that wait for a person."""
        return frozenset(self._lots.keys() - self._acknowledged.keys())

    @property
    def is_sounding(self) -> bool:
        """An alarm waits for a person."""
        return self._timer.isActive()

    def _sound(self) -> None:
        is_wanted = bool(self.loud)
        if is_wanted and not self._timer.isActive():
            self._beep()
            self._timer.start()
        elif not is_wanted:
            self._timer.stop()
