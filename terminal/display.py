"""All that a person sees, and how the facts of the engine are shown on it.

Builds chart, docks, bar, lamps and window. Asks nobody for anything: :mod:`terminal.app` wires its signals.
"""

import time
from collections.abc import Iterable, Mapping
from typing import Final

from PySide6 import QtCore, QtWidgets

from engine.model.books import Difference, LimitsChanged
from engine.model.condition import Condition
from engine.model.instrument import Instrument
from engine.model.market import Contract, Environment, HaltChanged, HaltDepth, LinkState, LinkStatus
from engine.model.order import Fill, Order
from engine.model.position import Account, Position
from engine.model.session import TradingCalendar
from engine.model.signal import SignalRefused
from engine.model.tick import Book, Tick
from engine.settings import Settings
from engine.wire.messages import LogLine, Pace, Pulse, Snapshot
from terminal import i18n, theme
from terminal.chart.widget import ChartWidget
from terminal.dialogs.adopt import AdoptDialog
from terminal.dialogs.condition import ConditionDialog
from terminal.dialogs.confirm import TypedWord
from terminal.dialogs.guard import GuardDialog
from terminal.dialogs.limits import LimitsDialog
from terminal.dialogs.replace import ReplaceDialog
from terminal.docks.book import BookDock
from terminal.docks.conditions import ConditionsDock
from terminal.docks.contracts import ContractsDock
from terminal.docks.coverage import CoverageStrip
from terminal.docks.differences import DifferencesDock
from terminal.docks.fills import FillsDock
from terminal.docks.log import LogDock
from terminal.docks.orders import OrdersDock
from terminal.docks.positions import PositionsDock
from terminal.docks.scanner import ScannerDock
from terminal.docks.start import Check, StartBar
from terminal.docks.ticket import TicketDock
from terminal.guarding import Guarding
from terminal.models.differences import difference_text
from terminal.models.limits import entries_of_day, used
from terminal.running import Running
from terminal.widgets.lamps import LampBar
from terminal.widgets.replay_bar import ReplayBar
from terminal.window import MainWindow

BOOKS: Final = "books"
"""The link whose last real message is the last comparison with the broker."""
_TOLD: Final = ("flatten", "ledger")
"""Links whose words a person must read at once."""
_OF_A_LOGIN: Final = (AdoptDialog, GuardDialog, LimitsDialog, ReplaceDialog, TypedWord)


class Display(QtCore.QObject):
    """Chart, docks, bar, lamps, window and condition dialog as attributes, and one slot for each kind of fact.

    Args:
        config: the engine's settings, for the limits beyond which a lamp is not green.
        calendar: sessions of the chart.

    Signals:
        limits_changed(Risk): the limits of risk are these from now on.
    """

    limits_changed = QtCore.Signal(object)

    def __init__(self, config: Settings, calendar: TradingCalendar) -> None:
        super().__init__()
        self._config = config
        self.calendar = calendar
        self.symbol = ""
        """The contract on the chart, in the book and in the ticket."""
        self.ticks_received = 0
        self.last_ticks: dict[str, Tick] = {}
        self.conditions: dict[str, Condition] = {}
        self.held: dict[str, int] = {}
        """Net lots by contract."""
        self.limits = config.risk
        """Of risk, as the gateway has them."""
        self._now_ns = 0
        self._is_replay = False
        self._build()
        self.clear()

    def _build(self) -> None:
        self.chart = ChartWidget()
        self.chart.set_calendar(self.calendar)
        self.contracts, self.conditions_dock = ContractsDock(), ConditionsDock()
        self.book, self.ticket = BookDock(), TicketDock()
        self.orders, self.fills = OrdersDock(), FillsDock()
        self.positions, self.differences, self.log = PositionsDock(), DifferencesDock(), LogDock()
        self.scanner = ScannerDock()
        self.bar, self.strip, self.lamps = StartBar(), CoverageStrip(), LampBar()
        self.replay_bar = ReplayBar()
        self.window = MainWindow(
            central=_stacked(self.chart, self.replay_bar),
            left=(self.contracts, self.conditions_dock),
            right=(self.book, self.ticket),
            bottom=(self.orders, self.fills, self.positions, self.scanner, self.differences, self.log),
            bar=self.bar,
            strip=self.strip,
            lamps=self.lamps,
            menus=(self.bar.menu,),
        )
        self.condition_dialog = ConditionDialog(self.window)
        self.guarding = Guarding(self.strip, self.conditions)
        self.running = Running(
            self._config, self.bar, self.lamps, self.guarding, self.log, self.say, self.window.show_message
        )
        self.guarding.alarm_changed.connect(self.on_alarm)
        self.guarding.faults_changed.connect(self.conditions_dock.set_faults)
        self.guarding.faults_changed.connect(self.chart.set_faults)
        self.guarding.unheld_changed.connect(self.positions.set_unheld)
        self.lamps.beat.connect(self.guarding.refresh)
        self.lamps.beat.connect(self.differences.refresh_age)

    # --- what a person chose -------------------------------------------------------------------------------------

    def set_theme(self, app: QtWidgets.QApplication, chosen: theme.Theme) -> None:
        """Wears a theme, while running."""
        theme.apply(app, chosen)
        for part in (self.window, self.chart, self.replay_bar, self.bar, self.strip, self.condition_dialog):
            part.set_theme(chosen)

    def say(self, text: str, level: str = "info") -> None:
        """A sentence for the person: status bar and log panel."""
        self.window.show_message(text)
        self.log.add_line(LogLine(node="terminal", level=level, ts_event=time.time_ns(), text=text))

    def show_login(
        self,
        environment: Environment,
        accounts: tuple[Account, ...],
        contracts: Iterable[Contract],
        instruments: Mapping[str, Instrument],
    ) -> None:
        """Someone is logged in."""
        self._is_replay = environment is Environment.REPLAY
        self.window.set_environment(environment)
        self.window.set_logged_in(True)
        self.guarding.set_logged_in(True)
        self.book.set_has_books(not self._is_replay)
        self.ticket.set_accounts(accounts)
        self.condition_dialog.set_accounts(accounts)
        self.contracts.set_contracts(contracts)
        self.positions.set_instruments(instruments)
        self.running.expect_gateway()
        self.bar.set_check(Check.LOGIN, True)
        account = accounts[0].account if accounts else ""
        self.bar.set_check(Check.ACCOUNT, bool(account), account)

    def show_selected(self, symbols: tuple[str, ...]) -> None:
        """These contracts are subscribed."""
        self.contracts.set_selected(symbols)
        self.ticket.set_contracts(symbols)
        self.condition_dialog.set_contracts(symbols)
        self.bar.set_check(Check.CONTRACT, bool(symbols), ", ".join(symbols))

    def show_contract(self, instrument: Instrument) -> None:
        """Chart, book and ticket turn to a contract; the chart begins empty."""
        self.symbol = instrument.symbol
        self.chart.set_instrument(instrument)
        self.contracts.set_current(instrument.symbol)
        self.book.set_symbol(instrument.symbol)
        self.ticket.set_symbol(instrument.symbol)

    def clear(self) -> None:
        """Nobody is logged in; dialogs about the trade of this login close."""
        self.condition_dialog.close()
        for kind in _OF_A_LOGIN:
            for dialog in self.window.findChildren(kind):
                dialog.close()
        self.symbol = ""
        self.last_ticks.clear()
        self.conditions.clear()
        self.held.clear()
        self.running.clear()
        self.window.set_environment(None)
        self.window.set_logged_in(False)
        self.guarding.set_logged_in(False)
        self.bar.set_halt(HaltChanged(depth=HaltDepth.NONE, by=""))
        for check in Check:
            self.bar.set_check(check, False)
        self.lamps.clear()
        self.chart.clear()
        self.chart.set_instrument(None)
        for fill in (
            self.contracts.set_contracts,
            self.conditions_dock.set_conditions,
            self.condition_dialog.set_conditions,
            self.orders.set_orders,
            self.fills.set_fills,
            self.positions.set_positions,
            self.differences.set_differences,
            self.ticket.set_accounts,
            self.ticket.set_contracts,
        ):
            fill(())
        self.book.set_symbol("")
        self.differences.set_status(None)
        self.scanner.clear()

    def unguarded_by_leaving(self) -> str:
        """What nobody would guard any more if the program ended now, for people; empty if nothing is at stake."""
        lots = [f"{net:+d} {symbol}" for symbol, net in self.held.items() if net]
        live = [item.spec.symbol for item in self.conditions.values() if item.state.is_in_market]
        return ", ".join(lots or sorted(set(live)))

    def used_of_limits(self) -> dict[str, str]:
        """What is used of the limits of risk now, in words, by name of the limit."""
        positions = self.guarding.positions.values()
        entries = entries_of_day(self.orders.model.rows(), self.calendar, self._now_ns)
        return used(positions, self.positions.pnl, entries)

    def _check_conditions(self) -> None:
        armed = sum(c.state.is_waiting or c.state.is_in_market for c in self.conditions.values())
        self.bar.set_check(Check.CONDITION, armed > 0, str(armed))

    # --- what the engine tells -----------------------------------------------------------------------------------

    @QtCore.Slot(object)
    def on_snapshot(self, snapshot: Snapshot) -> None:
        """Everything anew: at the login and after a lost event."""
        self.contracts.set_contracts(snapshot.contracts)
        self.contracts.set_selected(snapshot.selected)
        self.orders.set_orders(snapshot.orders)
        self.fills.set_fills(snapshot.fills)
        self.positions.set_positions(snapshot.positions)
        self.differences.set_differences(snapshot.differences)
        self.conditions.clear()
        self.conditions.update({item.condition_id: item for item in snapshot.conditions})
        self.conditions_dock.set_conditions(snapshot.conditions)
        self.condition_dialog.set_conditions(snapshot.conditions)
        self.held = {item.symbol: item.net for item in snapshot.positions}
        self.bar.set_halt(snapshot.halted or HaltChanged(depth=snapshot.halt, by=""))
        self.limits, self._now_ns = snapshot.limits, snapshot.now_ns
        if snapshot.pace is not None:
            self.on_pace(snapshot.pace)
        for status in snapshot.links:
            self.on_link(status)
        for condition in snapshot.conditions:
            self.chart.update_condition(condition)
        for order in snapshot.orders:
            self.chart.update_order(order)
        for fill in snapshot.fills:
            self.chart.add_fill(fill)
        for position in snapshot.positions:
            self.chart.update_position(position)
            self.guarding.on_position(position)
        self._check_conditions()

    @QtCore.Slot(object)
    def on_ticks(self, ticks: list[Tick]) -> None:
        """The prints of a frame."""
        self.ticks_received += len(ticks)
        for tick in ticks:
            last = self.last_ticks.get(tick.symbol)
            if last is None or tick.seq > last.seq:  # a repaired tick is not the last price
                self.last_ticks[tick.symbol] = tick
        self.chart.add_ticks(ticks)
        self.contracts.update_ticks(ticks)
        self.positions.update_ticks(ticks)
        self.lamps.touch("quote", time.time_ns())
        if last := self.last_ticks.get(self.symbol):
            self.ticket.update_last(last.symbol, last.price)
            self.condition_dialog.update_last(last.symbol, last.price)

    @QtCore.Slot(object)
    def on_books(self, books: list[Book]) -> None:
        """The latest book of each contract."""
        for book in books:
            self.contracts.update_book(book)
            if book.symbol == self.symbol:
                self.book.update_book(book)
        self.lamps.touch("quote", time.time_ns())

    @QtCore.Slot(object)
    def on_order(self, order: Order) -> None:
        """An order as it is now."""
        self.orders.update_order(order)
        self.chart.update_order(order)
        self.lamps.touch("trade", time.time_ns())

    @QtCore.Slot(object)
    def on_fill(self, fill: Fill) -> None:
        """An execution."""
        self.fills.add_fill(fill)
        self.chart.add_fill(fill)

    @QtCore.Slot(object)
    def on_position(self, position: Position) -> None:
        """A position as it is now."""
        self.held[position.symbol] = position.net
        self.positions.update_position(position)
        self.chart.update_position(position)
        self.guarding.on_position(position)

    @QtCore.Slot(object)
    def on_condition(self, condition: Condition) -> None:
        """A condition as it is now."""
        self.conditions[condition.condition_id] = condition
        self.conditions_dock.update_condition(condition)
        self.condition_dialog.update_condition(condition)
        self.chart.update_condition(condition)
        self.guarding.refresh()
        self._check_conditions()

    @QtCore.Slot(object)
    def on_signal_refused(self, refused: SignalRefused) -> None:
        """No order was made of a signal."""
        self.say(f"{refused.signal.signal_id}: {i18n.text(refused.reason)}: {refused.text}", "warning")

    @QtCore.Slot(object)
    def on_halt(self, halt: HaltChanged) -> None:
        """Trading was halted deeper, or resumed."""
        self.bar.set_halt(halt)
        if halt.depth is not HaltDepth.NONE:
            self.say(": ".join(filter(None, (i18n.text(halt.depth), halt.text))), "warning")

    @QtCore.Slot(object)
    def on_difference(self, difference: Difference) -> None:
        """Our books and the broker's differ, or no longer do."""
        self.differences.update_difference(difference)
        if difference.is_settled:
            agree = self.tr("{symbol}: our books and the broker's agree again.")
            self.say(agree.format(symbol=difference.symbol))
        else:
            self.say(difference_text(difference), "warning")

    @QtCore.Slot(object)
    def on_limits(self, changed: LimitsChanged) -> None:
        """The limits of risk are others from now on."""
        self.limits = changed.limits
        self.limits_changed.emit(changed.limits)
        if changed.text:
            self.say(self.tr("Risk limits changed: {text}").format(text=changed.text), "warning")

    @QtCore.Slot(object)
    def on_link(self, status: LinkStatus) -> None:
        """The state of a link changed."""
        self.guarding.on_link(status)
        if status.link.startswith("feed."):
            if status.state is LinkState.STALE:
                self.say(f"{status.link.removeprefix('feed.')}: {status.text}", "warning")
            return
        if status.link == BOOKS:
            self.differences.set_status(status)
        if status.link in _TOLD and status.text:
            self.say(status.text, "error" if status.state is LinkState.DOWN else "info")
        is_told = status.link == "quote" and not self._is_replay  # a replay that is paused is not silent
        limit = self.limits.stale_feed_s if is_told else 0.0
        self.lamps.update_link(status, limit)

    @QtCore.Slot(object)
    def on_contract(self, contract: Contract) -> None:
        """Reference price or limits of a contract changed."""
        self.contracts.update_contract(contract)

    @QtCore.Slot(object)
    def on_pace(self, pace: Pace) -> None:
        """A replay has no more data."""
        if pace.is_end:
            self.say(self.tr("The replay has ended."), "warning")

    @QtCore.Slot(object)
    def on_pulse(self, pulse: Pulse) -> None:
        """The gateway lives."""
        self._now_ns = pulse.now_ns
        self.running.on_pulse()
        self.scanner.set_now(pulse.now_ns)

    @QtCore.Slot(str)
    def on_alarm(self, text: str) -> None:
        """Lots are naked for too long, or no longer."""
        self.window.set_alarm(text)
        self.say(text or self.tr("The alarm is over."), "error" if text else "info")


def _stacked(above: QtWidgets.QWidget, below: QtWidgets.QWidget) -> QtWidgets.QWidget:
    """One widget of two; the upper one takes the spare height."""
    content = QtWidgets.QWidget()
    box = QtWidgets.QVBoxLayout(content)
    box.setContentsMargins(0, 0, 0, 0)
    box.setSpacing(0)
    box.addWidget(above, 1)
    box.addWidget(below)
    return content
