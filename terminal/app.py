"""The composition root: builds broker, engine, window and docks and connects them. Read it like a patch panel.

The only module of the terminal that knows both docks and bridge, and the only one that reaches the engine's
gateway, supervision and brokers.
"""

import asyncio
import time
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from PySide6 import QtCore, QtWidgets

from engine import logs, worlds
from engine.brokers.base import Broker, Credentials
from engine.errors import EngineError, RequestRefused
from engine.host import Host
from engine.model.condition import Condition, ConditionAction, ConditionCommand, ConditionSpec
from engine.model.market import Contract, Environment, HaltChanged, HaltDepth, LinkState, LinkStatus
from engine.model.order import Fill, Order, OrderStatus, Reason, Side
from engine.model.position import Account, Position
from engine.model.session import TAIPEI, TradingCalendar
from engine.model.signal import SignalRefused
from engine.model.tick import Book, Tick
from engine.settings import Settings
from engine.wire.keys import Role
from engine.wire.messages import (
    CancelAll,
    CancelOrder,
    Flatten,
    GetTicks,
    Heartbeat,
    LogLine,
    ProcessState,
    ProcessStatus,
    Pulse,
    ReplaceOrder,
    SelectContracts,
    SetHalt,
    Snapshot,
    Ticks,
)
from terminal import i18n, settings, theme
from terminal.bridge.link import Endpoints, EngineLink
from terminal.chart.widget import ChartWidget
from terminal.dialogs.about import AboutDialog
from terminal.dialogs.condition import ConditionDialog
from terminal.dialogs.connection import ConnectionDialog
from terminal.dialogs.login import BrokerChoice, LoginDialog, LoginRequest
from terminal.dialogs.settings import SettingsDialog
from terminal.docks.book import BookDock
from terminal.docks.conditions import ConditionsDock
from terminal.docks.contracts import ContractsDock
from terminal.docks.fills import FillsDock
from terminal.docks.log import LogDock
from terminal.docks.orders import OrdersDock
from terminal.docks.positions import PositionsDock
from terminal.docks.start import Check, RunState, StartBar
from terminal.docks.ticket import TicketDock
from terminal.widgets.lamps import LampBar, Reading
from terminal.window import MainWindow

log = logs.get(__name__)

GATEWAY: Final = "gateway"
_PULSE_LIMIT_S: Final = 3.0
_PAGE: Final = 50_000
_FIELDS: Final = {
    worlds.World.SIMULATED: frozenset({"user", "password", "url"}),
    worlds.World.REPLAY: frozenset({"replay_file", "speed"}),
    worlds.World.PFCF_DLL: frozenset({"user", "password", "url"}),
    worlds.World.PFCF_WHEEL: frozenset({"user", "password", "url", "certificate"}),
}
_URLS: Final = {worlds.World.SIMULATED: ("simulated",)}
_LAMP_OF: Final = {
    ProcessState.STARTING: LinkState.CONNECTING,
    ProcessState.READY: LinkState.UP,
    ProcessState.DEAD: LinkState.DOWN,
    ProcessState.HUNG: LinkState.DOWN,
    ProcessState.GAVE_UP: LinkState.DOWN,
    ProcessState.STOPPED: LinkState.DOWN,
}


@dataclass(slots=True)
class _Run:
    """What exists between login and logout."""

    broker: Broker
    host: Host
    link: EngineLink
    accounts: tuple[Account, ...]


class Terminal(QtCore.QObject):
    """The running program.

    Signals:
        ready(): logged in, the first snapshot is shown.
        trading_changed(bool): the trading processes are all ready, or no longer.
        closed(): the window is gone and everything has ended.

    Args:
        app: the Qt application.
        config: the engine's settings.
        preferences: the person's choices.
        warning: a sentence about preferences that could not be read.
    """

    ready = QtCore.Signal()
    trading_changed = QtCore.Signal(bool)
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
        self.ticks_received = 0
        self.last_ticks: dict[str, Tick] = {}
        self.conditions: dict[str, Condition] = {}
        self._symbol = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._process_states: dict[str, ProcessState] = {}
        self._was_ready = False
        self._is_closing = False
        self._build()
        self._wire()
        self._begin(warning)

    # --- building ------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.chart = ChartWidget()
        self.chart.set_calendar(self.calendar)
        self.contracts, self.conditions_dock = ContractsDock(), ConditionsDock()
        self.book, self.ticket = BookDock(), TicketDock()
        self.orders, self.fills = OrdersDock(), FillsDock()
        self.positions, self.log = PositionsDock(), LogDock()
        self.bar, self.lamps = StartBar(), LampBar()
        self.window = MainWindow(
            central=self.chart,
            left=(self.contracts, self.conditions_dock),
            right=(self.book, self.ticket),
            bottom=(self.orders, self.fills, self.positions, self.log),
            bar=self.bar,
            lamps=self.lamps,
            menus=(self.bar.menu,),
        )
        self.condition_dialog = ConditionDialog(self.window)

    def _wire(self) -> None:
        window, bar = self.window, self.bar
        window.login_requested.connect(self.open_login)
        window.logout_requested.connect(lambda: self._spawn(self._log_out()))
        window.close_requested.connect(self.close)
        window.theme_chosen.connect(self.set_theme)
        window.language_chosen.connect(self.set_language)
        window.settings_requested.connect(self._open_settings)
        window.connection_requested.connect(self._show_connection)
        window.about_requested.connect(lambda: AboutDialog(self.window).open())

        bar.start_requested.connect(lambda: self._spawn(self.start_trading()))
        bar.stop_requested.connect(lambda: self._spawn(self.stop_trading()))
        bar.halt_requested.connect(lambda depth: self.ask(SetHalt(depth=depth)))
        bar.resume_requested.connect(lambda: self.ask(SetHalt(depth=HaltDepth.NONE)))

        self.contracts.selection_changed.connect(lambda chosen: self._spawn(self.select(chosen)))
        self.contracts.contract_activated.connect(lambda symbol: self._spawn(self.show_contract(symbol)))

        self.conditions_dock.new_requested.connect(lambda side: self._new_condition(side, 0))
        self.conditions_dock.edit_requested.connect(self._edit_condition)
        self.conditions_dock.command_requested.connect(self.ask)
        self.condition_dialog.spec_accepted.connect(self.put_condition)
        self.chart.condition_requested.connect(lambda side, price: self._new_condition(Side(side), price))
        self.chart.level_moved.connect(self._move_level)

        self.ticket.submit_requested.connect(self.ask)
        self.book.price_picked.connect(self.ticket.set_price)
        self.orders.cancel_requested.connect(lambda order_id: self.ask(CancelOrder(client_order_id=order_id)))
        self.orders.replace_requested.connect(
            lambda order_id, price, lots: self.ask(
                ReplaceOrder(client_order_id=order_id, price=price, quantity=lots)
            )
        )
        self.orders.cancel_all_requested.connect(lambda: self.ask(CancelAll()))
        self.positions.flatten_requested.connect(lambda symbol: self.ask(Flatten(symbol=symbol)))
        self.lamps.beat.connect(self.contracts.refresh_ages)

    def _wire_link(self, link: EngineLink) -> None:
        link.snapshot.connect(self._on_snapshot)
        link.ticks.connect(self._on_ticks)
        link.books.connect(self._on_books)
        link.order.connect(self._on_order)
        link.fill.connect(self._on_fill)
        link.position.connect(self._on_position)
        link.condition.connect(self._on_condition)
        link.signal_refused.connect(self._on_signal_refused)
        link.halt.connect(self._on_halt)
        link.link.connect(self._on_link)
        link.contract.connect(self._on_contract)
        link.pulse.connect(self._on_pulse)
        link.heartbeat.connect(self._on_heartbeat)
        link.process.connect(self._on_process)
        link.log_line.connect(self.log.add_line)

    def _begin(self, warning: str) -> None:
        chosen = self._preferences
        self.set_language(chosen.language or i18n.system_language())
        self.set_theme(chosen.theme)
        self.chart.set_time_frame(chosen.time_frame_s)
        self.ticket.set_must_confirm(chosen.must_confirm_orders)
        self.window.resize(1600, 950)
        if chosen.geometry:
            self.window.restore_layout(chosen.geometry, chosen.layout)
        if warning:
            self.say(warning, "warning")
        self._refresh_checks()

    # --- the person's choices ------------------------------------------------------------------------------------

    @QtCore.Slot(str)
    def set_theme(self, name: str) -> None:
        """Wears a theme, while running."""
        chosen = theme.THEMES.get(name, theme.DARK)
        theme.apply(self._app, chosen)
        for part in (self.window, self.chart, self.bar, self.condition_dialog):
            part.set_theme(chosen)
        self._preferences = replace(self._preferences, theme=chosen.name)

    @QtCore.Slot(str)
    def set_language(self, language: str) -> None:
        """Speaks a language, while running."""
        i18n.install(language)
        self.window.set_language(language)
        self._preferences = replace(self._preferences, language=language)

    def _open_settings(self) -> None:
        dialog = SettingsDialog(
            theme=self._preferences.theme,
            language=self._preferences.language,
            must_confirm=self._preferences.must_confirm_orders,
            risk=self._config.risk,
            settings_path=str(self._config.paths.config / "settings.toml"),
            parent=self.window,
        )
        dialog.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.theme_chosen.connect(self.set_theme)
        dialog.language_chosen.connect(self.set_language)
        dialog.must_confirm_chosen.connect(self._set_must_confirm)
        dialog.open()

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
        dialog = ConnectionDialog(facts, self.window)
        dialog.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _set_must_confirm(self, must_confirm: bool) -> None:
        self.ticket.set_must_confirm(must_confirm)
        self._preferences = replace(self._preferences, must_confirm_orders=must_confirm)

    def say(self, text: str, level: str = "info") -> None:
        """A sentence for the person: status bar and log panel."""
        self.window.show_message(text)
        self.log.add_line(LogLine(node="terminal", level=level, ts_event=time.time_ns(), text=text))

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
            self.say(f"{reason}: {error}", "warning")
        except EngineError as error:
            self.say(str(error), "warning")
        except Exception as error:
            log.exception("the window failed at something")
            self.say(f"{type(error).__name__}: {error}", "error")

    def ask(self, request: object) -> None:
        """Sends a request to the gateway; its answer or refusal is shown."""
        self._spawn(self._ask(request))

    async def _ask(self, request: object) -> None:
        if self.run is None:
            return
        answer = await self.run.link.request(request)
        log.info("carried out", request=type(request).__name__, answer=getattr(answer, "text", ""))
        if text := self._done_text(request):
            self.say(text)
        if isinstance(answer, Order) and answer.status in (OrderStatus.DENIED, OrderStatus.REJECTED):
            self.say(f"{i18n.text(answer.status)}: {i18n.text(answer.reason)}: {answer.text}", "warning")

    def _done_text(self, request: object) -> str:
        """What a person is told when the gateway has taken a request; what comes of it shows in the tables."""
        match request:
            case CancelOrder() | CancelAll():
                return self.tr("Cancel sent; an order is cancelled when the exchange says so.")
            case ReplaceOrder():
                return self.tr("Change sent; it holds when the exchange says so.")
            case Flatten():
                return self.tr("Closing orders sent; watch the positions until they are flat.")
            case SetHalt(depth=HaltDepth.NONE):
                return self.tr("Trading resumed: new entries pass again.")
            case SetHalt():
                return self.tr("Trading halted: no new entries; exits and cancels still pass.")
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
        dialog = LoginDialog(_choices(), last, self.window)
        dialog.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.login_requested.connect(lambda request: self._spawn(self._log_in_from(dialog, request)))
        dialog.open()

    async def _log_in_from(self, dialog: LoginDialog, request: LoginRequest) -> None:
        try:
            await self.log_in(request)
        except EngineError as error:
            dialog.show_error(str(error))
            return
        dialog.accept()

    async def log_in(
        self, request: LoginRequest, *, hold: bool = False, contracts: Iterable[str] | None = None
    ) -> None:
        """Logs in and begins to show the market.

        Args:
            request: what the login dialog gives.
            hold: a replay waits until it is released.
            contracts: to subscribe to; without it those of last time, or the front month.

        Raises:
            EngineError: the login or the ledger failed.
        """
        login = worlds.Login(
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
        broker, accounts = await asyncio.to_thread(worlds.log_in, login, self._config, self.calendar)
        if hold and (wait := getattr(broker, "hold", None)):
            wait()
        host = Host(self._config, broker, accounts, self._ledger_path(broker), calendar=self.calendar)
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
        self.run = _Run(broker, host, link, accounts)
        self._wire_link(link)
        self._remember(request)
        self._show_login(broker, accounts)
        link.start()
        host.start()
        await self.select(tuple(contracts) if contracts is not None else self._first_contracts())
        self.ready.emit()

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

    def _show_login(self, broker: Broker, accounts: tuple[Account, ...]) -> None:
        assert self.run
        self.window.set_environment(broker.environment)
        self.window.set_logged_in(True)
        self.ticket.set_accounts(accounts)
        self.condition_dialog.set_accounts(accounts)
        contracts = broker.contracts()
        self.contracts.set_contracts(contracts)
        self.positions.set_instruments({item.symbol: self.run.host.instrument(item.symbol) for item in contracts})
        self.lamps.set_reading(GATEWAY, Reading(state=LinkState.CONNECTING, limit_s=_PULSE_LIMIT_S))
        self._refresh_checks()

    def _first_contracts(self) -> tuple[str, ...]:
        assert self.run
        offered = [item.symbol for item in self.run.broker.contracts()]
        kept = tuple(symbol for symbol in self._preferences.contracts if symbol in offered)
        return kept or tuple(offered[:1])

    async def _log_out(self) -> None:
        run, self.run = self.run, None
        if run is None:
            return
        run.link.close()
        await asyncio.to_thread(run.host.close)
        run.link.deleteLater()
        self._process_states.clear()
        self.last_ticks.clear()
        self.conditions.clear()
        self._clear()

    def _clear(self) -> None:
        self._symbol = ""
        self.window.set_environment(None)
        self.window.set_logged_in(False)
        self.bar.set_run_state(RunState.STOPPED)
        self.bar.set_halt(HaltDepth.NONE)
        self.lamps.clear()
        self.chart.clear()
        self.chart.set_instrument(None)
        for fill in (
            self.contracts.set_contracts,
            self.conditions_dock.set_conditions,
            self.orders.set_orders,
            self.fills.set_fills,
            self.positions.set_positions,
            self.ticket.set_accounts,
            self.ticket.set_contracts,
        ):
            fill(())
        self.book.set_symbol("")
        self._refresh_checks()

    # --- contracts -----------------------------------------------------------------------------------------------

    async def select(self, symbols: tuple[str, ...]) -> None:
        """Subscribes to these contracts; the first is shown if none is."""
        if self.run is None:
            return
        try:
            await self.run.link.request(SelectContracts(symbols=symbols))
        except EngineError:
            self.contracts.set_selected(self._preferences.contracts)
            raise
        self._preferences = replace(self._preferences, contracts=symbols)
        self.contracts.set_selected(symbols)
        self.ticket.set_contracts(symbols)
        self.condition_dialog.set_contracts(symbols)
        self._refresh_checks()
        if symbols and self._symbol not in symbols:
            wanted = self._preferences.contract
            await self.show_contract(wanted if wanted in symbols else symbols[0])

    async def show_contract(self, symbol: str) -> None:
        """Puts a contract on the chart, with the ticks that the gateway still has."""
        if self.run is None or symbol == self._symbol:
            return
        self._symbol = symbol
        self._preferences = replace(self._preferences, contract=symbol)
        self.chart.set_instrument(self.run.host.instrument(symbol))
        self.contracts.set_current(symbol)
        self.book.set_symbol(symbol)
        self.ticket.set_symbol(symbol)
        found: list[Tick] = []
        while True:
            after = found[-1].seq if found else 0
            page: Ticks = await self.run.link.request(GetTicks(symbol=symbol, after_seq=after, limit=_PAGE))
            found += page.ticks
            if page.is_complete or not page.ticks or self._symbol != symbol:
                break
        if self._symbol == symbol:
            self.chart.set_ticks(found)

    # --- trading -------------------------------------------------------------------------------------------------

    async def start_trading(self) -> None:
        """Starts the trading processes; the start bar has seen that nothing is missing."""
        if self.run is None:
            return
        self.bar.set_run_state(RunState.STARTING)
        self._process_states.clear()
        self._was_ready = False
        self.run.host.start_trading()

    async def stop_trading(self) -> None:
        """Stops the trading processes."""
        if self.run is None:
            return
        self.bar.set_run_state(RunState.STOPPING)
        await asyncio.to_thread(self.run.host.stop_trading)
        for name in self.run.host.child_names:
            self.lamps.remove(name)
        self._process_states.clear()
        self.bar.set_run_state(RunState.STOPPED)
        self.trading_changed.emit(False)

    def _new_condition(self, side: Side, price: int) -> None:
        if self.run is None:
            self.say(self.tr("Log in first."), "warning")
            return
        last = self.last_ticks.get(self._symbol)
        account = self.run.accounts[0].account
        self.condition_dialog.open_new(side, self._symbol, account, price or (last.price if last else 0))

    def _edit_condition(self, condition_id: str) -> None:
        if condition := self.conditions.get(condition_id):
            self.condition_dialog.open_edit(condition)

    def put_condition(self, spec: ConditionSpec, arm: bool) -> None:
        """Creates or changes a condition, and arms a draft."""
        self._spawn(self._put_condition(spec, arm))

    async def _put_condition(self, spec: ConditionSpec, arm: bool) -> None:
        command = ConditionCommand(action=ConditionAction.PUT, condition_id=spec.condition_id, spec=spec)
        await self._ask(command)
        known = self.conditions.get(spec.condition_id)
        if arm and (known is None or known.state.value == "draft"):
            await self._ask(ConditionCommand(action=ConditionAction.ARM, condition_id=spec.condition_id))

    @QtCore.Slot(str, str, int)
    def _move_level(self, condition_id: str, level: str, price: int) -> None:
        """A line was dragged on the chart and dropped."""
        condition = self.conditions.get(condition_id)
        if condition is not None:
            self.put_condition(moved_level(condition, level, price), False)

    def _refresh_checks(self) -> None:
        run, chosen = self.run, self._preferences.contracts
        self.bar.set_check(Check.LOGIN, run is not None)
        self.bar.set_check(Check.CONTRACT, run is not None and bool(chosen), ", ".join(chosen))
        account = run.accounts[0].account if run and run.accounts else ""
        self.bar.set_check(Check.ACCOUNT, bool(account), account)
        armed = sum(c.state.is_waiting or c.state.is_in_market for c in self.conditions.values())
        self.bar.set_check(Check.CONDITION, armed > 0, str(armed) if armed else "")

    # --- what the engine tells -----------------------------------------------------------------------------------

    @QtCore.Slot(object)
    def _on_snapshot(self, snapshot: Snapshot) -> None:
        self.contracts.set_contracts(snapshot.contracts)
        self.contracts.set_selected(snapshot.selected)
        self.orders.set_orders(snapshot.orders)
        self.fills.set_fills(snapshot.fills)
        self.positions.set_positions(snapshot.positions)
        self.conditions = {item.condition_id: item for item in snapshot.conditions}
        self.conditions_dock.set_conditions(snapshot.conditions)
        self.bar.set_halt(snapshot.halt)
        for status in snapshot.links:
            self._on_link(status)
        for condition in snapshot.conditions:
            self.chart.update_condition(condition)
        for order in snapshot.orders:
            self.chart.update_order(order)
        for fill in snapshot.fills:
            self.chart.add_fill(fill)
        for position in snapshot.positions:
            self.chart.update_position(position)
        self._refresh_checks()

    @QtCore.Slot(object)
    def _on_ticks(self, ticks: list[Tick]) -> None:
        self.ticks_received += len(ticks)
        for tick in ticks:
            self.last_ticks[tick.symbol] = tick
        self.chart.add_ticks(ticks)
        self.contracts.update_ticks(ticks)
        self.positions.update_ticks(ticks)
        self.lamps.touch("quote", time.time_ns())
        if last := self.last_ticks.get(self._symbol):
            self.ticket.update_last(last.symbol, last.price)
            self.condition_dialog.update_last(last.symbol, last.price)

    @QtCore.Slot(object)
    def _on_books(self, books: list[Book]) -> None:
        for book in books:
            self.contracts.update_book(book)
            if book.symbol == self._symbol:
                self.book.update_book(book)
        self.lamps.touch("quote", time.time_ns())

    @QtCore.Slot(object)
    def _on_order(self, order: Order) -> None:
        self.orders.update_order(order)
        self.chart.update_order(order)
        self.lamps.touch("trade", time.time_ns())

    @QtCore.Slot(object)
    def _on_fill(self, fill: Fill) -> None:
        self.fills.add_fill(fill)
        self.chart.add_fill(fill)

    @QtCore.Slot(object)
    def _on_position(self, position: Position) -> None:
        self.positions.update_position(position)
        self.chart.update_position(position)

    @QtCore.Slot(object)
    def _on_condition(self, condition: Condition) -> None:
        self.conditions[condition.condition_id] = condition
        self.conditions_dock.update_condition(condition)
        self.chart.update_condition(condition)
        self._refresh_checks()

    @QtCore.Slot(object)
    def _on_signal_refused(self, refused: SignalRefused) -> None:
        self.say(f"{refused.signal.signal_id}: {i18n.text(refused.reason)}: {refused.text}", "warning")

    @QtCore.Slot(object)
    def _on_halt(self, halt: HaltChanged) -> None:
        self.bar.set_halt(halt.depth, halt.by, halt.text)

    @QtCore.Slot(object)
    def _on_link(self, status: LinkStatus) -> None:
        if status.link.startswith("feed."):
            if status.state is LinkState.STALE:
                self.say(f"{status.link.removeprefix('feed.')}: {status.text}", "warning")
            return
        limit = self._config.risk.stale_feed_s if status.link == "quote" else 0.0
        self.lamps.update_link(status, limit)

    @QtCore.Slot(object)
    def _on_contract(self, contract: Contract) -> None:
        self.contracts.update_contract(contract)

    @QtCore.Slot(object)
    def _on_pulse(self, pulse: Pulse) -> None:
        reading = Reading(state=LinkState.UP, ts_last=time.time_ns(), limit_s=_PULSE_LIMIT_S)
        self.lamps.set_reading(GATEWAY, reading)

    @QtCore.Slot(object)
    def _on_heartbeat(self, beat: Heartbeat) -> None:
        self.lamps.touch(beat.node, time.time_ns())

    @QtCore.Slot(object)
    def _on_process(self, status: ProcessStatus) -> None:
        if self.run is None:
            return
        if status.state is ProcessState.STOPPED:
            self.lamps.remove(status.node)
            return
        self._process_states[status.node] = status.state
        reading = Reading(
            state=_LAMP_OF[status.state],
            ts_last=status.ts_event,
            limit_s=self._config.supervision.heartbeat_limit_s,
            text=status.text,
        )
        self.lamps.set_reading(status.node, reading)
        if status.text:
            self.say(f"{status.node}: {status.text}", "warning")
        names = self.run.host.child_names
        is_ready = all(self._process_states.get(name) is ProcessState.READY for name in names)
        if is_ready:
            self.bar.set_run_state(RunState.RUNNING)
            if status.restarts:
                self.say(self.tr("{node} runs again.").format(node=i18n.lamp_text(status.node)))
        elif self._was_ready:
            self.bar.set_run_state(RunState.IMPAIRED)
        self._was_ready |= is_ready
        self.trading_changed.emit(is_ready)

    # --- the end -------------------------------------------------------------------------------------------------

    @QtCore.Slot()
    def close(self) -> None:
        """Ends everything, then the window."""
        if not self._is_closing:
            self._is_closing = True
            self._spawn(self._close())

    async def _close(self) -> None:
        geometry, layout = self.window.save_layout()
        chosen = replace(self._preferences, geometry=geometry, layout=layout, time_frame_s=self.chart.span_s)
        if self._saves:
            try:
                settings.save(chosen)
            except EngineError as error:
                log.warning("preferences not saved", error=str(error))
        await self._log_out()
        self.window.allow_close()
        self.window.close()
        self.closed.emit()


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
    base = condition.levels.take_profit - sign * spec.take_profit_points
    if level == "take_profit":
        return replace(spec, take_profit_points=max(1, sign * (price - base)))
    if level == "stop_loss":
        return replace(spec, stop_loss_points=max(1, sign * (base - price)))
    return spec
