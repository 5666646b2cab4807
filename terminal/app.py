"""The composition root: builds broker, engine and display and connects them. Read it like a patch panel.

The only module of the terminal that knows both docks and bridge, and the only one that reaches the engine's
gateway, supervision and brokers.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import shiboken6
from PySide6 import QtCore, QtWidgets

from engine import logs, worlds
from engine.brokers.base import Broker, Credentials
from engine.drill.main import run_for_window
from engine.drill.runner import Options
from engine.errors import EngineError, RequestRefused
from engine.host import Host
from engine.model.condition import Condition, ConditionAction, ConditionCommand, ConditionSpec, ConditionState
from engine.model.market import Environment, HaltDepth
from engine.model.order import Order, OrderStatus, Reason, Side
from engine.model.position import Account
from engine.model.session import TAIPEI, TradingCalendar
from engine.model.tick import Tick
from engine.settings import Settings
from engine.wire.keys import Role
from engine.wire.messages import (
    AdoptPosition,
    AskBroker,
    CancelAll,
    CancelOrder,
    Flatten,
    GetTicks,
    ReplaceOrder,
    SelectContracts,
    SetHalt,
    SetLimits,
    SettleOrder,
    Ticks,
)
from terminal import i18n, secrets, settings, theme
from terminal.bridge.drill import DrillProcess
from terminal.bridge.history import HistoryLink
from terminal.bridge.link import Endpoints, EngineLink
from terminal.dialogs.about import AboutDialog
from terminal.dialogs.condition import random_condition_id
from terminal.dialogs.confirm import ask
from terminal.dialogs.connection import ConnectionDialog
from terminal.dialogs.drill import DrillDialog
from terminal.dialogs.guard import GuardDialog
from terminal.dialogs.limits import LimitsDialog
from terminal.dialogs.login import BrokerChoice, LoginDialog, LoginRequest
from terminal.dialogs.settings import SettingsDialog
from terminal.display import Display
from terminal.docks.start import RESUME_WORD, RunState
from terminal.past import ChartPast

log = logs.get(__name__)

_PAGE: Final = 50_000
_LAST_WAIT_S: Final = 5.0
_FIELDS: Final = {
    worlds.World.SIMULATED: frozenset({"user", "password", "url"}),
    worlds.World.REPLAY: frozenset({"replay_file", "speed"}),
    worlds.World.PFCF_DLL: frozenset({"user", "password", "url"}),
    worlds.World.PFCF_WHEEL: frozenset({"user", "password", "url", "certificate"}),
}
_URLS: Final = {worlds.World.SIMULATED: ("simulated",)}


@dataclass(slots=True)
class _Run:
    """What exists between login and logout."""

    broker: Broker
    host: Host
    link: EngineLink
    history: HistoryLink
    accounts: tuple[Account, ...]


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
        self._app, self._config, self._preferences, self._saves = app, config, preferences, saves
        self.calendar = TradingCalendar(config.market.closed_days, config.market.opened_days)
        self.run: _Run | None = None
        self.display = Display(config, self.calendar)
        self._tasks: set[asyncio.Task[None]] = set()
        self._login_number = 0
        self._is_closing = False
        self.past = ChartPast(self.display.chart, self._on_no_history)
        self.drill = DrillProcess(run_for_window, self)
        self.drill_dialog = DrillDialog(self.display.window)
        self._wire()
        self._begin(warning)

    # --- wiring --------------------------------------------------------------------------------------------------

    def _wire(self) -> None:
        display = self.display
        window, bar = display.window, display.bar
        window.login_requested.connect(self.open_login)
        window.logout_requested.connect(lambda: self._leave(lambda: self._spawn(self._log_out())))
        window.close_requested.connect(lambda: self._leave(self.close))
        window.theme_chosen.connect(self.set_theme)
        window.language_chosen.connect(self.set_language)
        window.settings_requested.connect(self._open_settings)
        window.connection_requested.connect(self._show_connection)
        window.drill_requested.connect(self._open_drill)
        window.about_requested.connect(lambda: AboutDialog(window).open())

        bar.start_requested.connect(self.start_trading)
        bar.stop_requested.connect(lambda: self._spawn(self.stop_trading()))
        bar.halt_requested.connect(lambda depth: self.ask(SetHalt(depth=depth)))
        bar.limits_requested.connect(self._open_limits)
        bar.cancel_all_requested.connect(lambda: self.ask(CancelAll()))
        bar.resume_requested.connect(lambda: self.ask(SetHalt(depth=HaltDepth.NONE, text=RESUME_WORD)))

        display.contracts.selection_changed.connect(lambda chosen: self._spawn(self.select(chosen)))
        display.contracts.contract_activated.connect(lambda symbol: self._spawn(self.show_contract(symbol)))

        display.conditions_dock.new_requested.connect(lambda side: self._new_condition(side, 0))
        display.conditions_dock.edit_requested.connect(self._edit_condition)
        display.conditions_dock.command_requested.connect(self.ask)
        display.condition_dialog.spec_accepted.connect(self.put_condition)
        display.chart.condition_requested.connect(lambda side, price: self._new_condition(Side(side), price))
        display.chart.level_moved.connect(self._move_level)
        display.chart.past_wanted.connect(self._load_past)
        display.chart.time_frame_changed.connect(self.past.on_time_frame)

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
        display.strip.guard_requested.connect(self._open_guard)
        display.positions.guard_requested.connect(self._open_guard)
        display.strip.flatten_requested.connect(lambda symbol: self.ask(Flatten(symbol=symbol)))
        display.strip.command_requested.connect(self.ask)
        display.strip.start_requested.connect(self.start_trading)

    def _wire_link(self, link: EngineLink) -> None:
        display = self.display
        link.failed.connect(display.on_link_failed)
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
        link.heartbeat.connect(display.on_heartbeat)
        link.process.connect(display.on_process)
        link.log_line.connect(display.log.add_line)
        link.coverage.connect(display.guarding.on_coverage)
        link.limits.connect(display.on_limits)
        link.pace.connect(display.on_pace)
        link.difference.connect(display.on_difference)

    def _begin(self, warning: str) -> None:
        chosen = self._preferences
        self.set_language(chosen.language or i18n.system_language())
        self.set_theme(chosen.theme)
        self.display.chart.set_time_frame(chosen.time_frame_s)
        self.display.ticket.set_must_confirm(chosen.must_confirm_orders)
        self.display.window.resize(1600, 950)
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
        self._preferences = replace(self._preferences, theme=chosen.name)

    @QtCore.Slot(str)
    def set_language(self, language: str) -> None:
        """Speaks a language, while running."""
        i18n.install(language)
        self.display.window.set_language(language)
        self._preferences = replace(self._preferences, language=language)

    def _open_settings(self) -> None:
        dialog = SettingsDialog(
            theme=self._preferences.theme,
            language=self._preferences.language,
            must_confirm=self._preferences.must_confirm_orders,
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
            self.tr("Public key of the servers"): host.server_key,
        }
        dialog = ConnectionDialog(facts, self.display.window)
        dialog.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _set_must_confirm(self, must_confirm: bool) -> None:
        self.display.ticket.set_must_confirm(must_confirm)
        self._preferences = replace(self._preferences, must_confirm_orders=must_confirm)

    # --- coroutines ----------------------------------------------------------------------------------------------

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs a coroutine of the window; what it refuses to do is told to the person."""
        task = asyncio.get_running_loop().create_task(self._told(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _told(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except RequestRefused as error:
            reason = i18n.text(Reason(error.code)) if error.code in set(Reason) else error.code
            self.display.say(f"{reason}: {error}", "warning")
        except EngineError as error:
            self.display.say(str(error), "warning")
        except Exception as error:
            log.exception("the window failed at something")
            self.display.say(f"{type(error).__name__}: {error}", "error")

    def ask(self, request: object) -> None:
        """Sends a request to the gateway; its answer or refusal is shown."""
        self._spawn(self._ask(request))

    async def _ask(self, request: object) -> None:
        if self.run is None:
            return
        answer = await self.run.link.request(request)
        log.info("carried out", request=type(request).__name__, answer=getattr(answer, "text", ""))
        if text := self._done_text(request):
            told = getattr(answer, "text", "") if isinstance(request, Flatten | SetHalt | CancelAll) else ""
            self.display.say(f"{text} ({told})" if told else text)
        if isinstance(answer, Order) and answer.status in (OrderStatus.DENIED, OrderStatus.REJECTED):
            self.display.say(f"{i18n.text(answer.status)}: {i18n.text(answer.reason)}: {answer.text}", "warning")

    def _done_text(self, request: object) -> str:
        """What a person is told when the gateway has taken a request; what comes of it shows in the tables."""
        match request:
            case CancelOrder() | CancelAll():
                return self.tr("Cancel sent; an order is cancelled when the exchange says so.")
            case ReplaceOrder():
                return self.tr("Change sent; it holds when the exchange says so.")
            case Flatten():
                return self.tr("Flatten is pursued; watch the positions until they are flat.")
            case SetHalt(depth=HaltDepth.NONE):
                return self.tr("Trading resumed: new entries pass again.")
            case SetHalt():
                return self.tr("Trading halted: no new entries; exits and cancels still pass.")
            case AskBroker():
                return self.tr("The broker is asked; its answer shows in the tables.")
            case SettleOrder():
                return self.tr("The order is declared dead.")
            case AdoptPosition():
                return self.tr("The broker's figure is taken over.")
            case SetLimits():
                return self.tr("The limits of risk are set.")
            case ConditionCommand(action=ConditionAction.GUARD):
                return self.tr("The lots are put under guard.")
            case ConditionCommand(action=ConditionAction.ARM):
                return self.tr("Condition armed.")
            case ConditionCommand():
                return self.tr("Condition changed.")
        return ""

    # --- login ---------------------------------------------------------------------------------------------------

    @QtCore.Slot()
    def open_login(self) -> None:
        """Asks where to log in."""
        if self.run is not None:
            return
        chosen = self._preferences
        last = LoginRequest(
            broker=chosen.broker,
            user=chosen.user,
            url=chosen.url,
            certificate=chosen.certificate,
            replay_file=chosen.replay_file,
            speed=chosen.replay_speed,
        )
        dialog = LoginDialog(_choices(), last, self.display.window)
        dialog.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.login_requested.connect(lambda request: self._spawn(self._log_in_from(dialog, request)))
        dialog.login_abandoned.connect(self._abandon_login)
        dialog.open()
        self._spawn(self._find_keyring(dialog))

    async def _find_keyring(self, dialog: LoginDialog) -> None:
        """Asks the system for its keyring, which may take its time."""
        is_available = await asyncio.to_thread(secrets.is_available)
        if not shiboken6.isValid(dialog):
            return
        dialog.set_keyring("" if is_available else secrets.Trouble.NO_KEYRING)
        if is_available:
            dialog.secrets_wanted.connect(lambda request: self._spawn(self._offer_secrets(dialog, request)))
            await self._offer_secrets(dialog, dialog.request())

    async def _offer_secrets(self, dialog: LoginDialog, request: LoginRequest) -> None:
        """Fills in what the keyring holds; it is only asked about logins of which it holds something."""
        place = _place(request)
        if str(place) not in self._preferences.in_keyring:
            return
        found, trouble = await asyncio.to_thread(secrets.load, place)
        if not shiboken6.isValid(dialog):
            return
        if trouble is not None:
            dialog.set_keyring(trouble)
        elif found.password:
            dialog.offer_secrets(place.broker, place.url, place.user, found.password, found.certificate_password)

    async def _keep_secrets(self, request: LoginRequest) -> None:
        """Puts the secrets of a login that succeeded into the keyring, or takes away what was there."""
        place, kept = _place(request), set(self._preferences.in_keyring)
        if request.must_remember:
            found = secrets.Secrets(request.password, request.certificate_password)
            trouble = await asyncio.to_thread(secrets.store, place, found)
            kept |= {str(place)} if trouble is None else set()
        elif str(place) in kept:
            trouble = await asyncio.to_thread(secrets.forget, place)
            kept -= {str(place)} if trouble is None else set()
        else:
            return
        self._preferences = replace(self._preferences, in_keyring=tuple(sorted(kept)))
        if trouble is not None:
            self.display.say(i18n.keyring_text(trouble), "warning")

    async def _log_in_from(self, dialog: LoginDialog, request: LoginRequest) -> None:
        try:
            is_done = await self.log_in(request)
        except EngineError as error:
            dialog.show_error(str(error))
            return
        except Exception as error:
            log.exception("login failed")
            dialog.show_error(f"{type(error).__name__}: {error}")
            return
        if is_done:
            dialog.accept()
            await self._keep_secrets(request)

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
        broker, accounts = await asyncio.to_thread(worlds.log_in, _login(request), self._config, self.calendar)
        if number != self._login_number or self._is_closing:
            await asyncio.to_thread(broker.close)
            return False
        if hold and (wait := getattr(broker, "hold", None)):
            wait()
        try:
            host = Host(self._config, broker, accounts, self._ledger_path(broker), calendar=self.calendar)
        except EngineError:
            await asyncio.to_thread(broker.close)
            raise
        self.run = _Run(broker, host, self._linked(host), self._history_of(host), accounts)
        self._remember(request)
        try:
            offered = broker.contracts()
            instruments = {item.symbol: host.instrument(item.symbol) for item in offered}
            self.display.show_login(broker.environment, accounts, offered, instruments)
            self.run.link.start()
            host.start()
            await self.select(tuple(contracts) if contracts is not None else self._first_contracts())
        except BaseException:
            await self._log_out()
            raise
        self.ready.emit()
        return True

    def _linked(self, host: Host) -> EngineLink:
        link = EngineLink(
            Endpoints(
                market=host.gateway.market_endpoint,
                commands=host.gateway.commands_endpoint,
                telemetry=host.telemetry_endpoint,
                wire=self._config.wire,
                keys=host.client_keys(Role.WINDOW),
            ),
            self,
        )
        self._wire_link(link)
        return link

    def _history_of(self, host: Host) -> HistoryLink:
        link = HistoryLink(
            lambda: host.history_endpoint,
            wire=self._config.wire,
            keys=host.client_keys(Role.WINDOW),
            parent=self,
        )
        self.past.set_source(link.ask if self._config.store.recorder else None)
        return link

    @QtCore.Slot()
    def _load_past(self) -> None:
        if self.past.is_idle:
            self._spawn(self.past.load_more())

    def _on_no_history(self, text: str) -> None:
        self.display.say(self.tr("The chart begins without history: {text}").format(text=text), "warning")

    def _ledger_path(self, broker: Broker) -> Path:
        """One ledger for the real world; every simulated one is new and has a ledger of its own."""
        if broker.environment is Environment.LIVE:
            return self._config.paths.ledger / "live.sqlite"
        stamp = datetime.now(TAIPEI).strftime("%Y%m%d-%H%M%S-%f")
        return self._config.paths.ledger / f"{broker.environment}-{stamp}.sqlite"

    def _remember(self, request: LoginRequest) -> None:
        self._preferences = replace(
            self._preferences,
            broker=request.broker,
            user=request.user,
            url=request.url,
            certificate=request.certificate,
            replay_file=request.replay_file or self._preferences.replay_file,
            replay_speed=request.speed,
        )

    def _first_contracts(self) -> tuple[str, ...]:
        assert self.run
        offered = [item.symbol for item in self.run.broker.contracts()]
        kept = tuple(symbol for symbol in self._preferences.contracts if symbol in offered)
        return kept or tuple(offered[:1])

    async def _log_out(self) -> None:
        run, self.run = self.run, None
        if run is None:
            return
        self.past.set_source(None)
        run.history.close()
        run.link.close()
        await asyncio.to_thread(run.host.close)
        run.history.deleteLater()
        run.link.deleteLater()
        self.display.clear()

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

    # --- contracts -----------------------------------------------------------------------------------------------

    async def select(self, symbols: tuple[str, ...]) -> None:
        """Subscribes to these contracts; the first is shown if none is."""
        if self.run is None:
            return
        try:
            await self.run.link.request(SelectContracts(symbols=symbols))
        except EngineError:
            self.display.contracts.set_selected(self._preferences.contracts)
            raise
        self._preferences = replace(self._preferences, contracts=symbols)
        self.display.show_selected(symbols)
        if symbols and self.display.symbol not in symbols:
            wanted = self._preferences.contract
            await self.show_contract(wanted if wanted in symbols else symbols[0])

    async def show_contract(self, symbol: str) -> None:
        """Puts a contract on the chart, with the ticks that the gateway still has."""
        if self.run is None or symbol == self.display.symbol:
            return
        self._preferences = replace(self._preferences, contract=symbol)
        self.display.show_contract(self.run.host.instrument(symbol))
        oldest: Ticks = await self.run.link.request(GetTicks(symbol=symbol, limit=1))
        if symbol != self.display.symbol:
            return
        now_ns = self.run.broker.clock.now_ns()
        self._spawn(self.past.begin(symbol, oldest.ticks[0].ts_event if oldest.ticks else now_ns))
        found: list[Tick] = []
        while self.run is not None:
            after = found[-1].seq if found else 0
            page: Ticks = await self.run.link.request(GetTicks(symbol=symbol, after_seq=after, limit=_PAGE))
            found += page.ticks
            if page.is_complete or not page.ticks or self.display.symbol != symbol:
                break
        if self.display.symbol == symbol:
            self.display.chart.set_ticks(found)

    # --- trading -------------------------------------------------------------------------------------------------

    @QtCore.Slot()
    def start_trading(self) -> None:
        """Starts the trading processes; the start bar has seen that nothing is missing."""
        if self.run is not None:
            self.display.expect_processes(self.run.host.child_names)
            self.run.host.start_trading()

    async def stop_trading(self) -> None:
        """Stops the trading processes."""
        if self.run is not None:
            self.display.bar.set_run_state(RunState.STOPPING)
            await asyncio.to_thread(self.run.host.stop_trading)
            self.display.show_stopped()

    def _new_condition(self, side: Side, price: int) -> None:
        if self.run is None:
            self.display.say(self.tr("Log in first."), "warning")
            return
        last = self.display.last_ticks.get(self.display.symbol)
        account = self.run.accounts[0].account
        self.display.condition_dialog.open_new(
            side, self.display.symbol, account, price or (last.price if last else 0)
        )

    def _edit_condition(self, condition_id: str) -> None:
        if condition := self.display.conditions.get(condition_id):
            self.display.condition_dialog.open_edit(condition)

    @QtCore.Slot(str, str)
    def _open_guard(self, account: str, symbol: str) -> None:
        """Asks how lots that no condition holds are to be guarded."""
        display = self.display
        position = display.guarding.positions.get((account, symbol))
        lots = display.guarding.unheld(account, symbol, position.net) if position else 0
        if position is None or not lots:
            display.say(self.tr("Nothing to guard: conditions hold all lots of {symbol}.").format(symbol=symbol))
            return
        dialog = GuardDialog(position, lots, random_condition_id, display.window)
        dialog.set_theme(theme.THEMES[self._preferences.theme])
        if last := display.last_ticks.get(symbol):
            dialog.update_last(symbol, last.price)
        dialog.guard_requested.connect(self.ask)
        dialog.show()

    def put_condition(self, spec: ConditionSpec, arm: bool) -> None:
        """Creates or changes a condition, and arms a draft."""
        self._spawn(self._put_condition(spec, arm))

    async def _put_condition(self, spec: ConditionSpec, arm: bool) -> None:
        command = ConditionCommand(action=ConditionAction.PUT, condition_id=spec.condition_id, spec=spec)
        await self._ask(command)
        known = self.display.conditions.get(spec.condition_id)
        if arm and (known is None or known.state is ConditionState.DRAFT):
            await self._ask(ConditionCommand(action=ConditionAction.ARM, condition_id=spec.condition_id))

    @QtCore.Slot(str, str, int)
    def _move_level(self, condition_id: str, level: str, price: int) -> None:
        """A line was dragged on the chart and dropped."""
        condition = self.display.conditions.get(condition_id)
        if condition is not None:
            self.put_condition(moved_level(condition, level, price), False)

    # --- the end -------------------------------------------------------------------------------------------------

    @QtCore.Slot()
    def close(self) -> None:
        """Ends everything, then the window."""
        if not self._is_closing:
            self._is_closing = True
            self._spawn(self._close())

    async def _close(self) -> None:
        geometry, layout = self.display.window.save_layout()
        chosen = replace(
            self._preferences, geometry=geometry, layout=layout, time_frame_s=self.display.chart.span_s
        )
        if self._saves:
            try:
                settings.save(chosen)
            except EngineError as error:
                log.warning("preferences not saved", error=str(error))
        try:
            await self._log_out()
        except Exception:
            log.exception("the engine did not end in order")
        await asyncio.to_thread(self.drill.close)
        await self._let_tasks_end()
        self.display.window.allow_close()
        self.display.window.close()
        self.closed.emit()

    async def _let_tasks_end(self) -> None:
        """A login that is on its way finds out by itself that the window closes; nothing may outlive the loop."""
        others = self._tasks - {asyncio.current_task()}
        if others:
            _, pending = await asyncio.wait(others, timeout=_LAST_WAIT_S)
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)


def _place(request: LoginRequest) -> secrets.Place:
    """Whose secrets, in the keyring's terms."""
    return secrets.Place(broker=request.broker, url=request.url, user=request.user)


def _login(request: LoginRequest) -> worlds.Login:
    """What the login dialog gave, in the engine's terms."""
    return worlds.Login(
        world=worlds.World(request.broker),
        credentials=Credentials(
            user=request.user,
            password=request.password,
            url=request.url,
            certificate=request.certificate,
            certificate_password=request.certificate_password,
        ),
        file=Path(request.replay_file) if request.replay_file else None,
        speed=request.speed,
    )


def _choices() -> list[BrokerChoice]:
    """The worlds for the login dialog."""
    return [
        BrokerChoice(
            key=world.value,
            is_available=not worlds.unavailable(world),
            why_not=worlds.unavailable(world),
            fields=_FIELDS[world],
            urls=_URLS.get(world, ()),
        )
        for world in worlds.World
    ]


def moved_level(condition: Condition, level: str, price: int) -> ConditionSpec:
    """The spec after one of its levels was dragged to a price; distances stay at least one tick."""
    spec, sign = condition.spec, condition.spec.action.sign
    if level == "trigger":
        return replace(spec, trigger_price=price)
    base = condition.base
    if level == "take_profit":
        return replace(spec, take_profit_points=max(1, sign * (price - base)))
    if level == "stop_loss":
        return replace(spec, stop_loss_points=max(1, sign * (base - price)))
    return spec
