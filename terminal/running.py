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
        """A process that is silent for half as long counts as silent, here as in the gateway's coverage."""
        self._bar, self._lamps, self._guarding = bar, lamps, guarding
        self._log, self._say, self._show_message = log, say, show_message
        self._states: dict[str, ProcessState] = {}
        self._expected: set[str] = set()
        self._was_ready = False
        self._given_up: set[str] = set()
        self._ending: set[str] = set()
        lamps.beat.connect(self.refresh)
        guarding.trouble_changed.connect(self._show_run)

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
        self._expected = set(names)
        self._states = dict.fromkeys(self._expected, ProcessState.STARTING)
        self._was_ready = False
        self._guarding.set_may_start(False)
        self._guarding.set_processes(self._states)
        self._show_run()

    def expect_stop(self) -> None:
        """The trading processes are being stopped: from now on they guard nothing."""
        self._ending |= self._expected
        self._expected.clear()
        self._states.clear()
        self._give_up(self._given_up & _ASIDE)
        self._guarding.set_may_start(False)
        self._guarding.set_processes({})
        self._bar.set_run_state(RunState.STOPPING)

    def show_stopped(self) -> None:
        """The trading processes have ended."""
        self.expect_stop()
        for name in self._ending:
            self._lamps.remove(name)
        self._ending.clear()
        self._guarding.set_may_start(True)
        self._bar.set_run_state(RunState.STOPPED)

    def clear(self) -> None:
        """Nobody is logged in."""
        self._give_up(set())
        self.show_stopped()

    @property
    def given_up(self) -> frozenset[str]:
        """Processes that died too often: only a person starts them again."""
        return frozenset(self._given_up)

    @QtCore.Slot(object)
    def on_heartbeat(self, beat: Heartbeat) -> None:
        """A process lives."""
        self._lamps.touch(beat.node, time.time_ns())

    @QtCore.Slot(object)
    def on_process(self, status: ProcessStatus) -> None:
        """The supervisor's word on a process."""
        node, state = status.node, status.state
        if state is ProcessState.STOPPED:
            self._lamps.remove(node)
            return
        self._show_lamp(status)
        self._give_up(self._given_up | {node} if state is ProcessState.GAVE_UP else self._given_up - {node})
        if state is ProcessState.READY and status.restarts:
            self._say(self.tr("{node} runs again.").format(node=i18n.lamp_text(node)), "info")
        if node in self._expected:
            self._states[node] = state
            self.refresh()
            self._was_ready |= set(self._states.values()) == {ProcessState.READY}
            self._show_run()

    @QtCore.Slot()
    def refresh(self) -> None:
        """A process that said it runs and has fallen silent since does not count as running."""
        ready = [name for name, state in self._states.items() if state is ProcessState.READY]
        silent = [name for name in ready if self._lamps.state(name) is not LinkState.UP]
        if self._states:
            self._guarding.set_processes(self._states | dict.fromkeys(silent, ProcessState.HUNG))

    @QtCore.Slot()
    def _show_run(self) -> None:
        if not self._expected:
            return
        trouble = self._guarding.trouble
        if not self._was_ready and not self._given_up & self._expected:
            self._bar.set_run_state(RunState.STARTING)
        else:
            self._bar.set_run_state(RunState.IMPAIRED if trouble else RunState.RUNNING, trouble)

    def _give_up(self, names: set[str]) -> None:
        if names != self._given_up:
            self._given_up = names
            self._bar.set_given_up(names)
            self._guarding.set_given_up(bool(names - _ASIDE))

    def _show_lamp(self, status: ProcessStatus) -> None:
        """Its lamp, and the log where it is down."""
        state = _LAMP_OF[status.state]
        limit_s = self._limit_s if status.node in _ASIDE else self._limit_s / 2
        reading = Reading(state=state, ts_last=status.ts_event, limit_s=limit_s, text=status.text)
        self._lamps.set_reading(status.node, reading)
        if state is LinkState.DOWN:
            self._log.add_line(
                LogLine(node=status.node, level="warning", ts_event=status.ts_event, text=status.text)
            )
            is_left = status.state is ProcessState.HUNG and status.node not in self._expected | _ASIDE
            if is_left:
                self._ending.discard(status.node)
            what = status.text if is_left else i18n.text(status.state)
            self._show_message(f"{i18n.lamp_text(status.node)}: {what}")
