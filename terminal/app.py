"""The composition root: builds broker, engine and display and connects them. Read it like a patch panel.

The only module that knows both docks and bridge. What a login builds is in :mod:`terminal.session`,
what a person asks for in :mod:`terminal.asking`, :mod:`terminal.market`, :mod:`terminal.planning` and
:mod:`terminal.entry`.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from PySide6 import QtCore, QtGui, QtWidgets

from engine import logs
from engine.drill.main import run_for_window
from engine.drill.runner import Options
from engine.errors import EngineError
from engine.model.market import HaltDepth
from engine.model.order import Side
from engine.model.session import TradingCalendar
from engine.settings import Settings
from engine.wire.messages import (
    AskBroker,
    CancelAll,
    CancelOrder,
    Flatten,
    ReplaceOrder,
    SetHalt,
)
from terminal import i18n, session, settings, theme
from terminal.asking import Asking
from terminal.bridge.aside import AsideProcess
from terminal.bridge.link import EngineLink
from terminal.dialogs.about import AboutDialog
from terminal.dialogs.confirm import ask
from terminal.dialogs.connection import ConnectionDialog
from terminal.dialogs.drill import DrillDialog
from terminal.dialogs.limits import LimitsDialog
from terminal.dialogs.login import LoginRequest
from terminal.dialogs.settings import SettingsDialog
from terminal.display import Display
from terminal.docks.start import RESUME_WORD
from terminal.entry import Entry
from terminal.importing import Importing
from terminal.market import MarketView
from terminal.planning import Planning
from terminal.playing import Playing
from terminal.session import Run

log = logs.get(__name__)

_USEFUL: Final = QtCore.QSize(1600, 950)
_LEAST: Final = QtCore.QSize(1280, 720)


class Terminal(QtCore.QObject):
    """The running program.

    Signals:
        ready(): logged in, the first snapshot is shown.
        closed(): the window is gone and everything has ended.

    Args:
        app: the Qt application.
        config: the engine's settings.
        preferences: the person's choices.
        warning: a sentence about preferences that could not be read.
    """

    ready = QtCore.Signal()
    closed = QtCore.Signal()

    def __init__(
        self,
        app: QtWidgets.QApplication,
        config: Settings,
        preferences: settings.Preferences,
        *,
        warning: str = "",
        saves: bool = True,
    ) -> None:
        super().__init__()
        self._app, self._config, self._saves = app, config, saves
        self.choices = settings.Choices(preferences)
        self.calendar = TradingCalendar(config.market.closed_days, config.market.opened_days)
        self.run: Run | None = None
        self.display = Display(config, self.calendar)
        self._login_number = 0
        self.is_closing = False
        """Everything is being ended; what is begun now comes to nothing."""
        self.asking = Asking(self.display.say, lambda: self.run.link.request if self.run else None)
        recordings = session.Recordings(config, self.calendar)
        self.entry = Entry(self.display, self.asking, self.choices, self.log_in, recordings)
        self.playing = Playing(self.display.replay_bar, self.display.window)
        self._request: LoginRequest | None = None
        self.market = MarketView(self.display, self.asking, self.choices, lambda: self.run)
        self.planning = Planning(self.display, self.asking, self.choices)
        self.ask, self.put_condition, self.select = self.asking.ask, self.planning.put, self.market.select
        self.drill = AsideProcess(run_for_window, "drill", self)
        self.drill_dialog = DrillDialog(self.display.window)
        self.importing = Importing(self.display.window, config, self.calendar, self.display.say)
        self._wire()
        self._begin(warning)

    # --- wiring --------------------------------------------------------------------------------------------------

    def _wire(self) -> None:
        display, planning = self.display, self.planning
        window, bar = display.window, display.bar
        self.entry.abandoned.connect(self._abandon_login)
        self.playing.again_requested.connect(lambda ts_ns: self.asking.spawn(self.replay_again(ts_ns)))
        window.login_requested.connect(self.open_login)
        window.logout_requested.connect(lambda: self._leave(lambda: self.asking.spawn(self._log_out())))
        window.close_requested.connect(lambda: self._leave(self.close))
        window.theme_chosen.connect(self.set_theme)
        window.language_chosen.connect(self.set_language)
        window.settings_requested.connect(self._open_settings)
        window.connection_requested.connect(self._show_connection)
        window.drill_requested.connect(self._open_drill)
        window.import_requested.connect(self.importing.open)
        self.importing.imported.connect(self.market.reload_history)
        window.about_requested.connect(lambda: AboutDialog(window).open())

        bar.start_requested.connect(self.start_trading)
        bar.start_again_requested.connect(self.start_again)
        bar.stop_requested.connect(lambda: self.asking.spawn(self.stop_trading()))
        bar.halt_requested.connect(lambda depth: self.ask(SetHalt(depth=depth)))
        bar.limits_requested.connect(self._open_limits)
        bar.cancel_all_requested.connect(lambda: self.ask(CancelAll()))
        bar.resume_requested.connect(lambda: self.ask(SetHalt(depth=HaltDepth.NONE, text=RESUME_WORD)))

        display.contracts.selection_changed.connect(lambda chosen: self.asking.spawn(self.select(chosen)))
        display.contracts.contract_activated.connect(lambda symbol: self.asking.spawn(self.market.show(symbol)))
        display.scanner.contract_activated.connect(lambda symbol: self.asking.spawn(self.market.show(symbol)))

        display.conditions_dock.new_requested.connect(lambda side: planning.open_new(side, 0))
        display.conditions_dock.edit_requested.connect(planning.open_edit)
        display.conditions_dock.command_requested.connect(self.ask)
        display.condition_dialog.spec_accepted.connect(planning.put)
        display.chart.condition_requested.connect(lambda side, price: planning.open_new(Side(side), price))
        display.chart.level_moved.connect(planning.move_level)

        display.ticket.submit_requested.connect(self.ask)
        display.book.price_picked.connect(display.ticket.set_price)
        display.orders.cancel_requested.connect(lambda id_: self.ask(CancelOrder(client_order_id=id_)))
        display.orders.replace_requested.connect(
            lambda id_, price, lots: self.ask(ReplaceOrder(client_order_id=id_, price=price, quantity=lots))
        )
        display.orders.cancel_all_requested.connect(lambda: self.ask(CancelAll()))
        display.positions.flatten_requested.connect(lambda symbol: self.ask(Flatten(symbol=symbol)))
        display.orders.ask_broker_requested.connect(lambda: self.ask(AskBroker()))
        display.orders.settle_requested.connect(self.ask)
        display.differences.ask_requested.connect(lambda: self.ask(AskBroker()))
        display.differences.adopt_requested.connect(self.ask)
        self.drill_dialog.start_requested.connect(self._start_drill)
        self.drill_dialog.stop_requested.connect(self.drill.stop)
        self.drill.told.connect(self.drill_dialog.take)
        self.drill.ended.connect(self.drill_dialog.on_ended)
        display.lamps.beat.connect(display.contracts.refresh_ages)
        display.strip.guard_requested.connect(planning.open_guard)
        display.positions.guard_requested.connect(planning.open_guard)
        display.strip.flatten_requested.connect(lambda symbol: self.ask(Flatten(symbol=symbol)))
        display.strip.command_requested.connect(self.ask)
        display.strip.start_requested.connect(self.start_trading)
        display.strip.start_again_requested.connect(self.start_again)

    def _wire_link(self, link: EngineLink) -> None:
        display = self.display
        link.failed.connect(display.running.on_link_failed)
        link.snapshot.connect(display.on_snapshot)
        link.ticks.connect(display.on_ticks)
        link.books.connect(display.on_books)
        link.order.connect(display.on_order)
        link.fill.connect(display.on_fill)
        link.position.connect(display.on_position)
        link.condition.connect(display.on_condition)
        link.signal_refused.connect(display.on_signal_refused)
        link.halt.connect(display.on_halt)
        link.link.connect(display.on_link)
        link.contract.connect(display.on_contract)
        link.pulse.connect(display.on_pulse)
        link.heartbeat.connect(display.running.on_heartbeat)
        link.process.connect(display.running.on_process)
        link.process.connect(self.market.on_process)
        link.process.connect(display.scanner.on_process)
        link.scan.connect(display.scanner.on_hits)
        link.log_line.connect(display.log.add_line)
        link.coverage.connect(display.guarding.on_coverage)
        link.limits.connect(display.on_limits)
        link.pace.connect(display.on_pace)
        link.difference.connect(display.on_difference)

    def _begin(self, warning: str) -> None:
        chosen = self.choices.now
        self.set_language(chosen.language or i18n.system_language())
        self.set_theme(chosen.theme)
        self.display.chart.set_time_frame(chosen.time_frame_s)
        self.display.ticket.set_must_confirm(chosen.must_confirm_orders)
        self.display.window.resize(_first_size(self._app.primaryScreen()))
        if chosen.geometry:
            self.display.window.restore_layout(chosen.geometry, chosen.layout)
        if warning:
            self.display.say(warning, "warning")

    # --- the person's choices ------------------------------------------------------------------------------------

    @QtCore.Slot(str)
    def set_theme(self, name: str) -> None:
        """Wears a theme, while running."""
        chosen = theme.THEMES.get(name, theme.DARK)
        self.display.set_theme(self._app, chosen)
        self.drill_dialog.set_theme(chosen)
        self.importing.set_theme(chosen)
        self.choices.change(theme=chosen.name)

    @QtCore.Slot(str)
    def set_language(self, language: str) -> None:
        """Speaks a language, while running."""
        i18n.install(language)
        self.display.window.set_language(language)
        self.choices.change(language=language)

    def _open_settings(self) -> None:
        dialog = SettingsDialog(
            theme=self.choices.now.theme,
            language=self.choices.now.language,
            must_confirm=self.choices.now.must_confirm_orders,
            risk=self.display.limits,
            settings_path=str(self._config.paths.config / "settings.toml"),
            parent=self.display.window,
        )
        dialog.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.theme_chosen.connect(self.set_theme)
        dialog.language_chosen.connect(self.set_language)
        dialog.must_confirm_chosen.connect(self._set_must_confirm)
        dialog.open()

    def _open_limits(self) -> None:
        dialog = LimitsDialog(self.display.limits, self.display.used_of_limits(), self.display.window)
        dialog.limits_requested.connect(self.ask)
        self.display.limits_changed.connect(dialog.show_limits)
        dialog.show()

    def _open_drill(self) -> None:
        self.drill_dialog.show()
        self.drill_dialog.raise_()

    @QtCore.Slot(int, int)
    def _start_drill(self, runs: int, seed: int) -> None:
        self.drill.start(Options(runs=runs, seed=seed), self._config)

    def _show_connection(self) -> None:
        if self.run is None:
            return
        host = self.run.host
        facts = {
            self.tr("Feed (SUB)"): host.gateway.market_endpoint,
            self.tr("Queries (DEALER)"): host.gateway.commands_endpoint,
            self.tr("Telemetry (SUB)"): host.telemetry_endpoint,
            self.tr("History (DEALER)"): host.history_endpoint or self.tr("The recorder is not running."),
            self.tr("Public key of the servers"): host.server_key,
        }
        dialog = ConnectionDialog(facts, self.display.window)
        dialog.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _set_must_confirm(self, must_confirm: bool) -> None:
        self.display.ticket.set_must_confirm(must_confirm)
        self.choices.change(must_confirm_orders=must_confirm)

    # --- login ---------------------------------------------------------------------------------------------------

    @QtCore.Slot()
    def open_login(self) -> None:
        """Asks where to log in."""
        if self.run is None:
            self.entry.open(session.choices())

    def _abandon_login(self) -> None:
        """What a login on its way gives in the end is thrown away."""
        self._login_number += 1

    async def log_in(
        self, request: LoginRequest, *, hold: bool = False, contracts: Iterable[str] | None = None
    ) -> bool:
        """Logs in and begins to show the market; False if it was abandoned meanwhile.

        Args:
            request: what the login dialog gives.
            hold: a replay waits until it is released.
            contracts: to subscribe to; without it those of last time, or the front month.

        Raises:
            EngineError: the login, the ledger or a socket failed; nothing is left running.
        """
        self._login_number += 1
        number = self._login_number
        broker, accounts = await session.reach(request, self._config, self.calendar)
        if number != self._login_number or self.is_closing:
            await asyncio.to_thread(broker.close)
            return False
        if hold and (wait := getattr(broker, "hold", None)):
            wait()
        try:
            self.run = session.build(broker, accounts, self._config, self.calendar, self)
        except EngineError:
            await asyncio.to_thread(broker.close)
            raise
        self._request = request
        self.entry.remember(request)
        try:
            await self._begin_run(self.run, contracts)
        except BaseException:
            await self._log_out()
            raise
        self.ready.emit()
        return True

    async def _begin_run(self, run: Run, contracts: Iterable[str] | None) -> None:
        """Shows the login, starts the engine and subscribes."""
        self._wire_link(run.link)
        is_new = run.host.store.is_of_run
        self.market.set_history(run.history.ask if self._config.store.recorder else None, is_new_market=is_new)
        self.planning.accounts = run.accounts
        offered = run.broker.contracts()
        instruments = {item.symbol: run.host.instrument(item.symbol) for item in offered}
        self.display.show_login(run.broker.environment, run.accounts, offered, instruments)
        self.playing.set_player(run.player)
        run.link.start()
        run.host.start()
        first = self.market.first_contracts(tuple(item.symbol for item in offered))
        await self.market.select(first if contracts is None else tuple(contracts))

    async def _log_out(self) -> None:
        run, self.run = self.run, None
        if run is None:
            return
        self.planning.accounts = ()
        self.playing.set_player(None)
        self.market.set_history(None)
        await run.end()
        self.display.clear()

    async def replay_again(self, ts_ns: int = 0) -> None:
        """Ends the replay and begins it anew, paused; runs at once to an instant where one is given (ns UTC).

        Raises:
            EngineError: the recorded day is not there any more, or what a login needs is not.
        """
        request = self._request
        if request is None or self.playing.player is None:
            return
        await self._log_out()
        is_done = await self.log_in(replace(request, is_paused=True))
        if is_done and ts_ns:
            self.playing.jump(ts_ns)

    def _leave(self, go: Callable[[], None]) -> None:
        """Goes at once where nothing is at stake; else a person must agree to leave it unguarded."""
        left = self.display.unguarded_by_leaving()
        if not left:
            go()
            return
        question = self.tr(
            "Leave now? Nobody guards {left} any more: stops and take profits live in this program."
        ).format(left=left)
        ask(self.display.window, self.tr("Not guarded"), question, self.tr("Leave unguarded"), go)

    # --- trading -------------------------------------------------------------------------------------------------

    @QtCore.Slot()
    def start_trading(self) -> None:
        """Starts the trading processes; the start bar has seen that nothing is missing."""
        if self.run is not None:
            self.display.running.expect(self.run.host.child_names)
            self.run.host.start_trading()

    async def stop_trading(self) -> None:
        """Stops the trading processes."""
        if self.run is not None:
            self.display.running.expect_stop()
            have_ended = await asyncio.to_thread(self.run.host.stop_trading)
            self.display.running.show_stopped()
            if not have_ended:
                left = self.tr("Trading is stopped, but a process does not end: its lamp and the log say which.")
                self.display.say(left, "error")

    @QtCore.Slot()
    def start_again(self) -> None:
        """Starts what died too often."""
        if self.run is not None:
            for name in self.display.running.given_up:
                self.run.host.start_again(name)

    # --- the end -------------------------------------------------------------------------------------------------

    @QtCore.Slot()
    def close(self) -> None:
        """Ends everything, then the window."""
        if not self.is_closing:
            self.is_closing = True
            self.asking.spawn(self._close())

    async def _close(self) -> None:
        geometry, layout = self.display.window.save_layout()
        self.choices.change(geometry=geometry, layout=layout, time_frame_s=self.display.chart.span_s)
        if self._saves:
            try:
                settings.save(self.choices.now)
            except EngineError as error:
                log.warning("preferences not saved", error=str(error))
        try:
            await self._log_out()
        except Exception:
            log.exception("the engine did not end in order")
        await asyncio.to_thread(self.drill.close)
        await asyncio.to_thread(self.importing.close)
        await self.asking.let_tasks_end()
        self.display.window.allow_close()
        self.display.window.close()
        self.closed.emit()


def _first_size(screen: QtGui.QScreen) -> QtCore.QSize:
    """The size of a window that was never open: as large as is of use and as the screen has room for."""
    return _USEFUL.boundedTo(screen.availableSize()).expandedTo(_LEAST)
