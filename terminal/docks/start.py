"""Start and stop of trading with the list of what is missing, and the panic actions."""

from collections.abc import Collection
from enum import StrEnum
from typing import Final

from PySide6 import QtCore, QtGui, QtWidgets

from engine.model.market import HaltChanged, HaltDepth
from terminal import formats, i18n
from terminal.dialogs.confirm import TypedWord, ask
from terminal.theme import DARK, Theme
from terminal.widgets.dock import row, set_tone
from terminal.widgets.elided import ElidedLabel

RESUME_WORD: Final = "RESUME"
_PERSON: Final = "window"


class Check(StrEnum):
    """What trading needs before it can start."""

    LOGIN = "login"
    CONTRACT = "contract"
    ACCOUNT = "account"
    CONDITION = "condition"


class RunState(StrEnum):
    """Whether the trading processes run."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    IMPAIRED = "impaired"
    """It was started, but a process, a link or a feed that it needs is not there."""
    STOPPING = "stopping"


class StartBar(QtWidgets.QToolBar):
    """The bar below the menus. Its menu, with the same actions, belongs into the window's menu bar.

    Signals:
        start_requested(): start the trading processes.
        stop_requested(): stop them; orders and positions stay as they are.
        halt_requested(HaltDepth): a panic action; FLATTEN was confirmed already. Never shallower than the halt.
        cancel_all_requested(): cancel all working orders, where trading is halted deeper than that already.
        resume_requested(): end the halt; the word was typed.
        start_again_requested(): start the processes that died too often.
        limits_requested(): a person wants to see or change the limits of risk.
    """

    start_requested = QtCore.Signal()
    stop_requested = QtCore.Signal()
    halt_requested = QtCore.Signal(object)
    cancel_all_requested = QtCore.Signal()
    resume_requested = QtCore.Signal()
    start_again_requested = QtCore.Signal()
    limits_requested = QtCore.Signal()

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("start")
        self.setMovable(False)
        self.toggleViewAction().setVisible(False)
        self.setContextMenuPolicy(QtCore.Qt.ContextMenuPolicy.PreventContextMenu)
        self._theme = DARK
        self._state = RunState.STOPPED
        self._trouble = ""
        self._given_up: frozenset[str] = frozenset()
        self._halt = HaltChanged(depth=HaltDepth.NONE, by="")
        self._met: dict[Check, tuple[bool, str]] = dict.fromkeys(Check, (False, ""))
        self.checks = {check: QtWidgets.QLabel() for check in Check}
        self.state_label = QtWidgets.QLabel()
        self.halt_label, self.why_label = QtWidgets.QLabel(), ElidedLabel()
        self.menu = QtWidgets.QMenu(self)
        self._make_actions()
        self._lay_out()
        self.retranslate()

    def set_check(self, check: Check, is_met: bool, text: str = "") -> None:
        """Whether a thing that trading needs is there; ``text`` says which, as an account number, or how many."""
        self._met[check] = (is_met, text)
        self._refresh()

    def missing(self) -> tuple[Check, ...]:
        """What trading still needs."""
        return tuple(check for check, (is_met, _) in self._met.items() if not is_met)

    def set_run_state(self, state: RunState, trouble: str = "") -> None:
        """Whether the trading processes run; ``trouble`` says in words what they lack."""
        if (state, trouble) != (self._state, self._trouble):
            self._state, self._trouble = state, trouble
            self._refresh()

    def set_given_up(self, names: Collection[str]) -> None:
        """Processes that died too often; a person can start them again."""
        self._given_up = frozenset(names)
        self._refresh()

    def set_halt(self, halt: HaltChanged) -> None:
        """How far trading is halted, by whom, when and why.

        A snapshot knows the depth alone; what was told before about the same depth is kept.
        """
        if halt.by or halt.depth is not self._halt.depth:
            self._halt = halt
            self._refresh()

    def set_theme(self, theme: Theme) -> None:
        """Colours of the ticks."""
        self._theme = theme
        self._refresh()

    def retranslate(self) -> None:
        """Texts in the present language."""
        self.menu.setTitle(self.tr("&Trade"))
        words = {
            self.start_action: (self.tr("Start trading"), self.tr("Start the strategies and the executor")),
            self.stop_action: (
                self.tr("Stop trading"),
                self.tr("Stop strategies and executor; orders and positions stay, unguarded"),
            ),
            self.again_action: (
                self.tr("Start again"),
                self.tr("Start the process that died too often, whose log says why"),
            ),
            self.no_entries_action: (
                self.tr("Stop new entries"),
                self.tr("No new entries; exits, stops and cancels still work"),
            ),
            self.cancel_action: (
                self.tr("Cancel working orders"),
                self.tr("No new entries, and all working orders are cancelled"),
            ),
            self.flatten_action: (
                self.tr("Flatten…"),
                self.tr("Cancel all orders, release all conditions and close all positions at the market"),
            ),
            self.resume_action: (self.tr("Resume…"), self.tr("Let new entries through again")),
            self.limits_action: (self.tr("Risk limits…"), self.tr("See and change the limits of risk")),
        }
        for action, (word, tip) in words.items():
            action.setText(word)
            shortcut = action.shortcut().toString(QtGui.QKeySequence.SequenceFormat.NativeText)
            action.setToolTip(f"{tip} ({shortcut})" if shortcut else tip)
        self._refresh()

    def changeEvent(self, event: QtCore.QEvent) -> None:
        """Follows the language."""
        if event.type() is QtCore.QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def _make_actions(self) -> None:
        def make(shortcut: str) -> QtGui.QAction:
            action = QtGui.QAction(self)
            action.setShortcut(QtGui.QKeySequence(shortcut))
            self.menu.addAction(action)
            return action

        self.start_action = make("F5")
        self.stop_action = make("Shift+F5")
        self.again_action = make("")
        self.menu.addSeparator()
        self.no_entries_action = make("F8")
        self.cancel_action = make("F9")
        self.flatten_action = make("Ctrl+F12")
        self.menu.addSeparator()
        self.resume_action = make("")
        self.menu.addSeparator()
        self.limits_action = make("Ctrl+K")
        self.limits_action.setEnabled(False)
        self.start_action.triggered.connect(self.start_requested)
        self.again_action.triggered.connect(self.start_again_requested)
        self.stop_action.triggered.connect(self._on_stop)
        self.no_entries_action.triggered.connect(lambda: self.halt_requested.emit(HaltDepth.NO_ENTRIES))
        self.cancel_action.triggered.connect(self._on_cancel)
        self.limits_action.triggered.connect(self.limits_requested)
        self.flatten_action.triggered.connect(self._on_flatten)
        self.resume_action.triggered.connect(self._on_resume)

    def _lay_out(self) -> None:
        self.start_button = _button(self.start_action, "accent")
        self.stop_button = _button(self.stop_action, "")
        self.again_button = _button(self.again_action, "accent")
        panic = (
            _button(self.no_entries_action, ""),
            _button(self.cancel_action, ""),
            _button(self.flatten_action, "error"),
        )
        self.resume_button = _button(self.resume_action, "accent")
        set_tone(self.halt_label, "error")
        set_tone(self.why_label, "error")
        self.why_label.setAlignment(QtCore.Qt.AlignmentFlag.AlignRight | QtCore.Qt.AlignmentFlag.AlignVCenter)
        content = QtWidgets.QWidget()
        ends = (self.why_label, self.halt_label, self.resume_button, *panic)
        left = (self.start_button, self.stop_button, self.state_label, self.again_button, *self.checks.values())
        box = row(*left, *ends, margin=4, spacing=8)
        box.setStretch(len(left), 1)
        content.setLayout(box)
        self.addWidget(content)

    def _refresh(self) -> None:
        for check, label in self.checks.items():
            is_met, text = self._met[check]
            shown = self._met_text(check, text) if is_met and text else self._check_text(check)
            label.setText(f"{'✓' if is_met else '✗'} {shown}")
            label.setToolTip("" if is_met else self._missing_text(check))
            set_tone(label, "ok" if is_met else "warning")
        is_stopped = self._state is RunState.STOPPED
        self.start_action.setEnabled(is_stopped and not self.missing())
        self.stop_action.setEnabled(self._state not in (RunState.STOPPED, RunState.STOPPING))
        self.start_button.setVisible(self._state in (RunState.STOPPED, RunState.STARTING))
        self.stop_button.setVisible(self._state not in (RunState.STOPPED, RunState.STARTING))
        self.state_label.setText(self._state_text())
        tones = {RunState.RUNNING: "ok", RunState.IMPAIRED: "error"}
        set_tone(self.state_label, tones.get(self._state, "muted"))
        is_halted = self._halt.depth is not HaltDepth.NONE
        self.halt_label.setText(f"■ {i18n.text(self._halt.depth)}" if is_halted else "")
        self.halt_label.setToolTip(self._halt_story() if is_halted else "")
        # What a person did needs no reminder; what a rule or a failure did is said in full.
        is_own = self._halt.by == _PERSON
        self.why_label.setText("" if is_own or not is_halted else self._halt.text)
        is_logged_in = self._met[Check.LOGIN][0]
        self.limits_action.setEnabled(is_logged_in)
        self.cancel_action.setEnabled(is_logged_in)
        self.flatten_action.setEnabled(is_logged_in)
        self.no_entries_action.setEnabled(is_logged_in and not is_halted)
        self.again_action.setEnabled(bool(self._given_up))
        self.again_button.setVisible(bool(self._given_up))
        self.resume_action.setEnabled(is_halted)
        self.resume_button.setVisible(is_halted)

    def _met_text(self, check: Check, text: str) -> str:
        return self.tr("Conditions: {count}").format(count=text) if check is Check.CONDITION else text

    def _check_text(self, check: Check) -> str:
        return {
            Check.LOGIN: self.tr("Login"),
            Check.CONTRACT: self.tr("Contract"),
            Check.ACCOUNT: self.tr("Account"),
            Check.CONDITION: self.tr("Condition"),
        }[check]

    def _missing_text(self, check: Check) -> str:
        return {
            Check.LOGIN: self.tr("Log in first (File, Log in)."),
            Check.CONTRACT: self.tr("Tick at least one contract to watch."),
            Check.ACCOUNT: self.tr("The login has no order account."),
            Check.CONDITION: self.tr("Add a support or a resistance, and arm it."),
        }[check]

    def _state_text(self) -> str:
        return {
            RunState.STOPPED: self.tr("Stopped"),
            RunState.STARTING: self.tr("Starting…"),
            RunState.RUNNING: self.tr("● Trading"),
            RunState.IMPAIRED: self.tr("▲ Not guarding: {why}").format(why=self._trouble),
            RunState.STOPPING: self.tr("Stopping…"),
        }[self._state]

    def _on_stop(self) -> None:
        question = self.tr("Stop trading? Conditions are no longer watched and positions are not guarded.")
        ask(self.window(), self.tr("Stop trading"), question, self.tr("Stop"), self.stop_requested.emit)

    def _on_flatten(self) -> None:
        question = self.tr(
            "Flatten everything? All working orders are cancelled, all conditions are released and all "
            "positions are closed at the market. New entries stay stopped."
        )
        yes = self.tr("Flatten everything")
        window, title = self.window(), self.tr("Flatten")
        ask(window, title, question, yes, lambda: self.halt_requested.emit(HaltDepth.FLATTEN))

    def _on_cancel(self) -> None:
        if self._halt.depth > HaltDepth.CANCEL_WORKING:
            self.cancel_all_requested.emit()
        else:
            self.halt_requested.emit(HaltDepth.CANCEL_WORKING)

    def _halt_story(self) -> str:
        """How far trading is halted, by whom, when and why: a line each."""
        halt = self._halt
        who = {
            _PERSON: self.tr("Halted by a person"),
            "rule": self.tr("Halted by a limit of risk"),
            "failure": self.tr("Halted by a failure"),
        }.get(halt.by, self.tr("Halted before this window could see by whom"))
        if halt.ts_event:
            time = formats.clock(halt.ts_event, millis=False)
            who = self.tr("{who} at {time}").format(who=who, time=time)
        return "\n".join(filter(None, (i18n.text(halt.depth), who, halt.text)))

    def _on_resume(self) -> None:
        question = self.tr("Type {word} to let new entries through again.").format(word=RESUME_WORD)
        question = f"{self._halt_story()}\n\n{question}"
        dialog = TypedWord(self.window(), self.tr("Resume"), question, RESUME_WORD)
        dialog.accepted.connect(self.resume_requested)
        dialog.open()


def _button(action: QtGui.QAction, tone: str) -> QtWidgets.QPushButton:
    """A push button that stays in step with an action."""
    button = QtWidgets.QPushButton()
    button.clicked.connect(action.trigger)
    set_tone(button, tone)

    def follow() -> None:
        button.setText(action.text())
        button.setToolTip(action.toolTip())
        button.setEnabled(action.isEnabled())

    action.changed.connect(follow)
    return button
