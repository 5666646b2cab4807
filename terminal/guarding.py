"""What is guarded and what is not, from the facts to the eyes: strip, alarm, title, table of conditions and chart.

Watches the age of each word with the window's beat; a fact that nobody repeats turns into "unknown" by itself.
"""

import time
from collections.abc import Callable, Mapping
from typing import Final

from PySide6 import QtCore

from engine.model.condition import Condition, ConditionState
from engine.model.guard import Coverage, Guard, GuardFault
from engine.model.market import LinkState, LinkStatus
from engine.model.position import Position
from engine.strategies.runner import share_of
from engine.wire.messages import ProcessState
from terminal import i18n
from terminal.docks.coverage import CoverageStrip
from terminal.models import coverage as words
from terminal.models.coverage import SILENCE_S, CoverageBook, Protection
from terminal.widgets.alarm import Alarm

_EXECUTOR: Final = "executor"
_NO_LINK: Final = (LinkState.DOWN, LinkState.CONNECTING)
_NO_FEED: Final = (LinkState.DOWN, LinkState.STALE)


class Guarding(QtCore.QObject):
    """Keeps what was told, and shows what it is worth now.

    Signals:
        alarm_changed(str): what the title of the window is to say, empty when the alarm is over.
        faults_changed(dict): condition id to why it does not guard or watch now (:class:`GuardFault`, or None
            where nobody knows); conditions that do are absent.
        unheld_changed(dict): lots that no condition holds, by account and contract; none of them is 0.
        trouble_changed(str): why what trading does is not done now, in words; empty where all is well.

    Args:
        strip: shows it.
        conditions: by id; somebody else keeps them up to date.
        monotonic: seconds.
        now_ns: the wall clock, ns UTC.
    """

    alarm_changed = QtCore.Signal(str)
    faults_changed = QtCore.Signal(object)
    unheld_changed = QtCore.Signal(object)
    trouble_changed = QtCore.Signal(str)

    def __init__(
        self,
        strip: CoverageStrip,
        conditions: Mapping[str, Condition],
        monotonic: Callable[[], float] = time.monotonic,
        now_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        super().__init__()
        self._strip, self._conditions = strip, conditions
        self._monotonic, self._now_ns = monotonic, now_ns
        self.alarm = Alarm(self)
        self.book = CoverageBook()
        self._links: dict[str, LinkState] = {}
        self._processes: dict[str, ProcessState] = {}
        self._alarm_text = ""
        self._faults: dict[str, GuardFault | None] = {}
        self._unheld: dict[words.Key, int] = {}
        self.trouble = ""
        self.positions: dict[words.Key, Position] = {}
        """Of the books, flat ones too."""
        self._is_logged_in = False
        self._may_start = True
        strip.acknowledged.connect(self._on_acknowledged)

    # --- facts ---------------------------------------------------------------------------------------------------

    def set_logged_in(self, is_logged_in: bool) -> None:
        """Everything known belongs to one login."""
        self._is_logged_in = is_logged_in
        self.book.clear()
        self.positions.clear()
        self._links.clear()
        self._processes.clear()
        self._strip.set_logged_in(is_logged_in)
        self.refresh()

    @QtCore.Slot(object)
    def on_coverage(self, coverage: Coverage) -> None:
        """The gateway's word on a position."""
        self.book.hear(coverage, self._monotonic())
        self.refresh()

    def on_pulse(self) -> None:
        """The gateway lives."""
        self.book.hear_pulse(self._monotonic())

    def on_position(self, position: Position) -> None:
        """A position of the books."""
        self.positions[position.account, position.symbol] = position
        self.book.hold(position, self._monotonic())
        self.refresh()

    def on_link(self, status: LinkStatus) -> None:
        """The state of a link."""
        self._links[status.link] = status.state
        self.refresh()

    def set_given_up(self, is_given_up: bool) -> None:
        """Whether a trading process waits for a person to start it again."""
        self._strip.set_may_start_again(is_given_up)
        self.refresh()

    def set_may_start(self, may_start: bool) -> None:
        """Whether trading is stopped altogether, so that the strip may offer to start it."""
        self._may_start = may_start
        self.refresh()

    def set_processes(self, states: Mapping[str, ProcessState]) -> None:
        """The trading processes that are wanted; none where trading is stopped."""
        if states != self._processes:
            self._processes = dict(states)
            self.refresh()

    # --- what it is worth ----------------------------------------------------------------------------------------

    def unheld(self, account: str, symbol: str, net: int) -> int:
        """Lots of a position that no condition holds."""
        held = sum(
            condition.held
            for condition in self._conditions.values()
            if condition.state.is_in_market
            and (condition.spec.account, condition.spec.symbol) == (account, symbol)
            and condition.spec.action.sign * net > 0
        )
        return max(0, abs(net) - held)

    @QtCore.Slot()
    def refresh(self) -> None:
        """Judges everything anew; called with every beat."""
        now_s = self._monotonic()
        holdings = self.book.holdings(now_s, self._now_ns(), self._known) if self._is_logged_in else ()
        alarms = {
            holding.key: holding.coverage.naked or abs(holding.coverage.net)
            for holding in holdings
            if holding.protection is Protection.ALARM
        }
        self.alarm.set_alarms(alarms)
        self._strip.show_holdings(
            holdings,
            self._conditions,
            silent_s=self.book.silent_s(now_s),
            loud=self.alarm.loud,
            may_start=self._may_start,
        )
        if (text := words.alarm_text(holdings)) != self._alarm_text:
            self._alarm_text = text
            self.alarm_changed.emit(text)
        self._tell_faults(now_s)
        if (trouble := self._trouble()) != self.trouble:
            self.trouble = trouble
            self.trouble_changed.emit(trouble)
        unheld = {key: lots for key, it in self.positions.items() if (lots := self.unheld(*key, it.net))}
        if unheld != self._unheld:
            self._unheld = unheld
            self.unheld_changed.emit(unheld)

    def _on_acknowledged(self) -> None:
        self.alarm.acknowledge()
        self.refresh()

    def _tell_faults(self, now_s: float) -> None:
        faults: dict[str, GuardFault | None] = {}
        for condition in self._conditions.values():
            if condition.state.is_waiting or condition.state.is_in_market:
                fault = self._fault_of(condition, now_s)
                if fault is not GuardFault.NONE:
                    faults[condition.condition_id] = fault
        if faults != self._faults:
            self._faults = faults
            self.faults_changed.emit(faults)

    def _fault_of(self, condition: Condition, now_s: float) -> GuardFault | None:
        """Why it does not work; None = nobody knows."""
        if condition.state is ConditionState.HELD:
            return GuardFault.HELD
        silent_s = self.book.silent_s(now_s)
        if silent_s is None or silent_s > SILENCE_S:
            return None
        if condition.held and (told := self.book.fault_of(condition.condition_id, now_s)) is not GuardFault.NONE:
            return told
        return self._fault_of_run(condition.condition_id, condition.spec.symbol)

    def _known(self, guard: Guard, symbol: str) -> GuardFault:
        """What the window itself knows against a guard."""
        return self._fault_of_run(guard.condition_id, symbol)

    def _fault_of_run(self, condition_id: str, symbol: str) -> GuardFault:
        """What is wrong with the processes and links that a condition of a contract needs."""
        if not self._processes:
            return GuardFault.NOT_STARTED
        if not self._is_ready(_EXECUTOR):
            return GuardFault.EXECUTOR_DOWN
        own = sorted((name for name in self._processes if name != _EXECUTOR), key=lambda name: (len(name), name))
        if own and not self._is_ready(own[share_of(condition_id, len(own))]):
            return GuardFault.STRATEGY_DOWN
        if self._links.get("trade") in _NO_LINK:
            return GuardFault.LINK_DOWN
        return GuardFault.FEED_STALE if self._links.get(f"feed.{symbol}") in _NO_FEED else GuardFault.NONE

    def _is_ready(self, name: str) -> bool:
        return self._processes.get(name) is ProcessState.READY

    def _trouble(self) -> str:
        """The first thing that keeps trading from being done; empty where all is well or nothing was started."""
        if not self._processes:
            return ""
        faults: list[GuardFault | None] = []
        if not all(map(self._is_ready, self._processes)):
            faults.append(GuardFault.STRATEGY_DOWN if self._is_ready(_EXECUTOR) else GuardFault.EXECUTOR_DOWN)
        faults += (fault for fault in self._faults.values() if fault is not GuardFault.HELD)
        if not faults:
            return ""
        return self.tr("nothing is heard from the gateway") if faults[0] is None else i18n.text(faults[0])
