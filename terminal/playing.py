"""Carries what a person asks of the replay bar to who plays, and shows there where the replay stands."""

from typing import Final

from PySide6 import QtCore, QtWidgets

from engine.model.playback import PlaybackState, Player
from terminal import formats
from terminal.dialogs.confirm import ask
from terminal.widgets.replay_bar import ReplayBar

_LOOK_MS: Final = 100


class Playing(QtCore.QObject):
    """Looks at the player while there is one.

    Args:
        bar: the controls.
        window: questions stand over it.

    Signals:
        again_requested(int): the same day is wanted anew, up to this instant (ns UTC), 0 = from its beginning.
    """

    again_requested = QtCore.Signal(object)

    def __init__(self, bar: ReplayBar, window: QtWidgets.QWidget) -> None:
        super().__init__()
        self._bar, self._window = bar, window
        self._player: Player | None = None
        self._timer = QtCore.QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._look)
        bar.pause_requested.connect(self._on_pause)
        bar.resume_requested.connect(self._on_resume)
        bar.step_requested.connect(self._on_step)
        bar.step_time_requested.connect(self._on_step_time)
        bar.speed_chosen.connect(self._on_speed)
        bar.jump_requested.connect(self.jump)
        bar.again_requested.connect(lambda: self._offer_again(0))

    @property
    def player(self) -> Player | None:
        """Who plays; None where the world is no replay."""
        return self._player

    def set_player(self, player: Player | None) -> None:
        """Someone plays from now on, or nobody any more."""
        self._player = player
        if player is None:
            self._timer.stop()
            self._bar.end()
            return
        self._bar.begin(player.timeline)
        self._look()
        self._timer.start()

    @QtCore.Slot(object)
    def jump(self, ts_ns: int) -> None:
        """Forward at once; back only as a new replay, which is offered."""
        if self._player is None:
            return
        if self._player.playback().state is PlaybackState.ENDED or not self._player.jump(ts_ns):
            self._offer_again(ts_ns)
        self._look()

    def _look(self) -> None:
        if self._player is not None:
            self._bar.show_playback(self._player.playback())

    def _offer_again(self, ts_ns: int) -> None:
        if self._player is None:
            return
        question = self.tr(
            "A replay does not go back: its orders and fills have happened. Begin a new replay of the same day? "
            "This one ends with its conditions, orders and positions."
        )
        if ts_ns:
            till = self.tr("The new one runs to {time} at once and waits there, paused.")
            question = f"{question}\n\n{till.format(time=formats.clock(ts_ns, millis=False))}"
        else:
            question = f"{question}\n\n{self.tr('The new one waits at its beginning, paused.')}"
        go = self.tr("Begin a new replay")
        ask(self._window, self.tr("New replay"), question, go, lambda: self.again_requested.emit(ts_ns))

    def _on_pause(self) -> None:
        if self._player is not None:
            self._player.pause()
            self._look()

    def _on_resume(self) -> None:
        if self._player is not None:
            self._player.resume()
            self._look()

    def _on_step(self) -> None:
        if self._player is not None:
            self._player.step()

    @QtCore.Slot(object)
    def _on_step_time(self, duration_ns: int) -> None:
        if self._player is not None:
            self._player.step_time(duration_ns)

    @QtCore.Slot(float)
    def _on_speed(self, speed: float) -> None:
        if self._player is not None:
            self._player.set_speed(speed)
