"""Which processes live and whether the engine is heard: start bar, lamps, and a word where one is down."""

import time
from collections.abc import Callable, Iterable
from typing import Final

from PySide6 import QtCore

from engine.model.market import LinkState
from engine.settings import Settings
from engine.wire.messages import Heartbeat, LogLine, ProcessState, ProcessStatus
from terminal import i18n
from terminal.docks.log import LogDock
from terminal.docks.start import RunState, StartBar
from terminal.guarding import Guarding
from terminal.widgets.lamps import LampBar, Reading

GATEWAY: Final = "gateway"
_PULSE_LIMIT_S: Final = 3.0
_ASIDE: Final = frozenset({"recorder", "scanner"})
"""Processes that trading does not need."""
_LAMP_OF: Final = {
    ProcessState.STARTING: LinkState.CONNECTING,
    ProcessState.READY: LinkState.UP,
    ProcessState.DEAD: LinkState.DOWN,
    ProcessState.HUNG: LinkState.DOWN,
    ProcessState.GAVE_UP: LinkState.DOWN,
    ProcessState.STOPPED: LinkState.DOWN,
}


class Running(QtCore.QObject):
    """Shows the life of the engine's processes.

    Args:
        config: the engine's settings, for the limits beyond which a lamp is not green.
        bar: shows whether trading runs.
        lamps: one of them for each process.
        guarding: must know which processes are there.
        log: keeps the supervisor's own words.
        say: shows a sentence and keeps it, with its log level.
        show_message: shows a sentence.
    """

    def __init__(
        self,
        config: Settings,
        bar: StartBar,
        lamps: LampBar,
        guarding: Guarding,
        log: LogDock,
        say: Callable[[str, str], None],
        show_message: Callable[[str], None],
    ) -> None:
        super().__init__()
        self._limit_s = config.supervision.heartbeat_limit_s
        self._bar, self._lamps, self._guarding = bar, lamps, guarding
        self._log, self._say, self._show_message = log, say, show_message
        self._states: dict[str, ProcessState] = {}
        self._expected: set[str] = set()
        self._was_ready = False

    # --- the gateway ---------------------------------------------------------------------------------------------

    def expect_gateway(self) -> None:
        """The gateway begins; nothing was heard of it yet."""
        self._lamps.set_reading(GATEWAY, Reading(state=LinkState.CONNECTING, limit_s=_PULSE_LIMIT_S))

    def on_pulse(self) -> None:
        """The gateway lives."""
        reading = Reading(state=LinkState.UP, ts_last=time.time_ns(), limit_s=_PULSE_LIMIT_S)
        self._lamps.set_reading(GATEWAY, reading)
        self._guarding.on_pulse()

    @QtCore.Slot(str)
    def on_link_failed(self, text: str) -> None:
        """The window hears nothing of the gateway for now; its next pulse lights the lamp again."""
        self._lamps.set_reading(GATEWAY, Reading(state=LinkState.DOWN, limit_s=_PULSE_LIMIT_S, text=text))
        failed = self.tr("The window's link to the engine failed and begins anew: {text}")
        self._say(failed.format(text=text), "error")

    # --- child processes -----------------------------------------------------------------------------------------

    def expect(self, names: Iterable[str]) -> None:
        """These processes are being started; trading runs when all of them are ready."""
        self._bar.set_run_state(RunState.STARTING)
        self._expected = set(names)
        self._states = dict.fromkeys(self._expected, ProcessState.STARTING)
        self._was_ready = False
        self._guarding.set_processes(self._states)

    def show_stopped(self) -> None:
        """The trading processes have ended."""
        for name in self._expected:
            self._lamps.remove(name)
        self._expected = set()
        self._states.clear()
        self._guarding.set_processes({})
        self._bar.set_run_state(RunState.STOPPED)

    @QtCore.Slot(object)
    def on_heartbeat(self, beat: Heartbeat) -> None:
        """A process lives."""
        self._lamps.touch(beat.node, time.time_ns())

    @QtCore.Slot(object)
    def on_process(self, status: ProcessStatus) -> None:
        """The supervisor's word on a process."""
        if status.state is ProcessState.STOPPED:
            self._lamps.remove(status.node)
            return
        self._show_lamp(status)
        if status.node in _ASIDE:
            if status.state is ProcessState.GAVE_UP:
                self._say(f"{i18n.lamp_text(status.node)}: {status.text}", "warning")
            return
        self._states[status.node] = status.state
        self._guarding.set_processes(self._states)
        is_ready = set(self._states.values()) == {ProcessState.READY} and self._expected <= set(self._states)
        if is_ready:
            self._bar.set_run_state(RunState.RUNNING)
            if status.restarts:
                self._say(self.tr("{node} runs again.").format(node=i18n.lamp_text(status.node)), "info")
        elif self._was_ready or status.state is ProcessState.GAVE_UP:
            self._bar.set_run_state(RunState.IMPAIRED)
        self._was_ready |= is_ready

    def _show_lamp(self, status: ProcessStatus) -> None:
        """Its lamp, and the log where it is down."""
        state = _LAMP_OF[status.state]
        reading = Reading(state=state, ts_last=status.ts_event, limit_s=self._limit_s, text=status.text)
        self._lamps.set_reading(status.node, reading)
        if state is LinkState.DOWN:
            self._log.add_line(
                LogLine(node=status.node, level="warning", ts_event=status.ts_event, text=status.text)
            )
            self._show_message(f"{i18n.lamp_text(status.node)}: {i18n.text(status.state)}")
