"""The gateway: one thread that owns the broker, the ledger, risk, the tick publisher and the command server.

It takes input (a broker's report, a request), lets journal, market and orders apply it on this thread, and answers
when it is durable. Never imports Qt.
"""

import contextlib
import functools
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from engine import logs
from engine.brokers.base import Broker, OrderReport
from engine.gateway import commands, conditions
from engine.gateway.coverage import CoverageWatch
from engine.gateway.enquiry import Enquirer, Statement
from engine.gateway.exposure import Exposure
from engine.gateway.flatten import Flattening
from engine.gateway.journal import Journal
from engine.gateway.ledger import Ledger
from engine.gateway.market import Market
from engine.gateway.orders import Orders
from engine.gateway.points import OnPoint
from engine.gateway.publisher import TickPublisher
from engine.gateway.rate import RateLimit
from engine.gateway.reconcile import Reconciler
from engine.gateway.server import CommandServer
from engine.model.books import LimitsChanged
from engine.model.guard import Coverage, GuardFault
from engine.model.instrument import Instrument
from engine.model.market import Contract, HaltChanged, HaltDepth, LinkState
from engine.model.order import Fill, OrderStatus, Reason
from engine.model.position import Account
from engine.model.session import TradingCalendar
from engine.model.tick import Level
from engine.settings import Settings
from engine.wire.keys import ServerKeys
from engine.wire.messages import Family, FamilySeq, Pace, Pulse, Snapshot, Watermark
from engine.wire.sockets import Mailbox, Poller, Publisher, RouterServer, tcp

log = logs.get(__name__)

_SHOWN: Final = 5_000
"""Orders and fills of a snapshot, the newest; a ledger of many days holds more than anybody looks at."""
_TICK_S: Final = 0.1
"""How often the gateway looks at feed silence when nothing happens."""
_COVERAGE_S: Final = 0.25
"""How often it looks at what guards each position."""
_PULSE_S: Final = 1.0
"""How often it shows its clock: the pulse is numbered, so whoever missed the last event learns it by then."""


class Gateway:
    """Runs on a thread of its own between :meth:`start` and :meth:`close`.

    Args:
        settings: of the run.
        broker: logged in, not started.
        accounts: the order accounts of the login.
        calendar: of the exchange.
        instruments: makes an instrument of a symbol.
        ledger_path: the ledger file.
        keys: of the servers of the run.
        telemetry: where coverage is published, on the gateway's thread; without it nowhere.
        guard_fault: what is wrong with the processes that guard a condition.
        on_point: called at each point of an order's life (drills and measurements only).
    """

    def __init__(
        self,
        settings: Settings,
        broker: Broker,
        accounts: tuple[Account, ...],
        *,
        calendar: TradingCalendar,
        instruments: Callable[[str], Instrument],
        ledger_path: Path,
        keys: ServerKeys | None,
        telemetry: Publisher | None = None,
        guard_fault: Callable[[str], GuardFault] = lambda condition_id: GuardFault.NONE,
        on_point: OnPoint | None = None,
    ) -> None:
        self.settings, self.broker, self.accounts = settings, broker, accounts
        endpoints, wire = settings.endpoints, settings.wire
        with contextlib.ExitStack() as opened:
            self.ledger = Ledger(ledger_path, instruments=instruments, durability=settings.ledger)
            opened.callback(self.ledger.close)
            feed = tcp(endpoints.host, endpoints.market)
            self._publisher = Publisher(feed, source="gateway", wire=wire, keys=keys)
            opened.callback(self._publisher.close)
            commands_at = tcp(endpoints.host, endpoints.commands)
            self._server = RouterServer(commands_at, source="gateway", wire=wire, keys=keys)
            opened.callback(self._server.close)
            self.state = self.ledger.state
            self.market_endpoint = self._publisher.endpoint
            self.commands_endpoint = self._server.endpoint
            self.ticks = TickPublisher(self._publisher, ring_ticks=settings.market.ring_ticks)
            self.journal = Journal(self.ledger, self.ticks, on_point)
            self.market = Market(broker, calendar, instruments, self.ticks)
            self.exposure = Exposure(
                self.state, self.market, accounts, is_reconciled=lambda: self.reconciler.is_complete
            )
            self.orders = Orders(
                self.journal,
                self.market,
                accounts,
                self.exposure,
                on_point=on_point,
                on_decided=self.watermarks,
                on_entered=lambda condition_id: conditions.cancel_group(self, condition_id),
            )
            account_names = tuple(account.account for account in accounts)
            self.enquirer = Enquirer(broker, self._answered)
            self.reconciler = Reconciler(
                self.journal, self.market, self.orders, account_names, settings.reconciliation, self.enquirer
            )
            self.flattening = Flattening(
                self.journal,
                self.market,
                self.orders,
                confirm=self.reconciler.confirm,
                release=functools.partial(conditions.release, self),
            )
            self.coverage = CoverageWatch(
                self.state, self.journal.links, self.market.feed_state, guard_fault, settings.guard.naked_alarm_s
            )
            self._telemetry = telemetry
            self._mailbox = Mailbox()
            opened.callback(self._mailbox.close)
            self._commands = CommandServer(
                self._server,
                RateLimit(wire, is_paced=broker.is_paced),
                handle=functools.partial(commands.handle, self),
                commit=self.journal.flush,
                halt=lambda: self.state.halt,
                doubt=lambda: self.journal.error,
                fail=self.journal.fail,
            )
            self._waiting: list[Watermark] = []
            self._pace: Pace | None = None
            self._run_ns = time.time_ns()
            self.pulsed = time.monotonic()
            """When it last showed its clock, monotonic seconds; any thread may read it."""
            self._begin_run()
            opened.pop_all()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)

    def _begin_run(self) -> None:
        """Tick numbers begin anew with every run, and whether an intent left is not known any more.

        The settings file's limits hold where it has changed since the ledger last saw it; else the ledger's own.
        """
        if self.state.settings_limits != self.settings.risk:
            text = "as the settings say"
            changed = LimitsChanged(
                limits=self.settings.risk, by="settings", text=text, ts_event=max(0, self.market.now_ns())
            )
            self.journal.record(changed)
        if self.ledger.lock.was_unwritten:
            text = (
                "the last run ended before all that had happened could be written: compare orders, positions and "
                "conditions with the broker's before you resume"
            )
            depth = max(self.state.halt, HaltDepth.NO_ENTRIES)
            self.journal.record(HaltChanged(depth=depth, by="failure", text=text, ts_event=time.time_ns()))
            self.ledger.lock.note(is_unwritten=False)
        live = {key for key, item in self.state.conditions.items() if not item.state.is_final}
        for condition in list(self.state.conditions.values()):
            if condition.tick_seq:  # also of one that has ended: a late fill may open it again
                self.journal.record(replace(condition, tick_seq=0))
        for order in list(self.state.orders.values()):
            told = order
            if order.condition_id in live or not order.status.is_final:
                told = replace(order, tick_seq=0)
            if order.status is OrderStatus.INTENT:
                text = "the program ended before the broker's answer was written"
                told = told.moved(OrderStatus.UNKNOWN, time.time_ns(), reason=Reason.AMBIGUOUS, text=text)
            if told != order:
                self.journal.record(told)

    # --- life ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the thread and then the broker."""
        self._thread.start()
        self.broker.start(self)

    def close(self) -> None:
        """Ends the broker, then the thread; everything told so far is in the ledger."""
        with contextlib.ExitStack() as ending:  # whatever fails, the rest is closed
            for part in (self.ledger, self._publisher, self._server, self._mailbox):
                ending.callback(part.close)
            ending.callback(self.enquirer.close)
            self.broker.close()
            self._stop.set()
            self.call(self._nothing)
            if self._thread.ident is not None:
                self._thread.join(5)

    def _nothing(self) -> None:
        """Wakes the thread."""

    def _run(self) -> None:
        poller = Poller(self._mailbox, self._server)
        watch = pulse = shown = time.monotonic()
        while not self._stop.is_set():
            ready = poller.wait(0 if self._commands.is_waiting else int(_TICK_S * 1000))
            if self._mailbox in ready:
                self._take_mail()
            if self._server in ready or self._commands.is_waiting:
                self._guarded(self._commands.serve)
            if time.monotonic() - watch >= _TICK_S:
                watch = time.monotonic()
                self._guarded(self._watch_feeds)
            if watch - shown >= _COVERAGE_S:
                shown = watch
                self._guarded(self._look_at_coverage)
            if watch - pulse >= _PULSE_S:
                pulse = watch
                for duty in (
                    self.journal.write_again,
                    self.reconciler.look,
                    self.flattening.pursue,
                    self._halt_by_itself,
                    self._pulse,
                ):
                    self._guarded(duty)
            self._guarded(self.journal.flush)
        self._take_mail()  # what the broker told last
        self._guarded(self.journal.write_again)

    def _take_mail(self) -> None:
        for handler, args in self._mailbox.take():
            self._guarded(handler, *args)
        self._guarded(self.journal.flush)

    def _watch_feeds(self) -> None:
        """Nothing is at stake whose feed is not wanted, whoever selected what."""
        self.market.follow(self.state.at_stake())
        self.market.watch_feeds(self.journal)

    def _pulse(self) -> None:
        """Shows that it lives, what its market's clock says, and the coverage of every position."""
        self.pulsed = time.monotonic()
        self.journal.tell("pulse", Pulse(now_ns=max(0, self.market.now_ns()), position=self.ticks.position))
        self._show_coverage(list(self.coverage.now.values()))

    def _look_at_coverage(self) -> None:
        self._show_coverage(self.coverage.look())

    def _show_coverage(self, coverages: list[Coverage]) -> None:
        if self._telemetry is None:
            return
        for coverage in coverages:
            self._telemetry.publish(f"telemetry.coverage.{coverage.symbol}", coverage, family=Family.TELEMETRY)

    def _halt_by_itself(self) -> None:
        """Halts for what a rule says, and for what must never happen and has."""
        if failure := self.journal.failure:
            self.journal.failure = ""
            self._halt_deeper(HaltDepth.NO_ENTRIES, "failure", failure)
        if found := self.exposure.rule_halt():
            rule, text = found
            self._halt_deeper(HaltDepth[rule.name], "rule", text)

    def _halt_deeper(self, depth: HaltDepth, by: str, text: str) -> None:
        """A rule or a failure only ever halts deeper; leaving a halt is a person's act."""
        if depth > self.state.halt:
            log.error("trading halted", depth=depth.name, by=by, text=text)
            self.set_halt(depth, by, text, f"{by}-{time.time_ns()}")

    def _guarded(self, handler: Callable[..., object], *args: Any) -> None:
        """Runs a handler; a bug in one never ends the thread that guards everything."""
        try:
            handler(*args)
        except Exception as error:
            name = getattr(handler, "__name__", str(handler))
            log.exception("gateway handler failed", handler=name)
            self.journal.fail(f"{name} failed inside the gateway ({error!r}); see its log")

    def call(self, handler: Callable[..., object], *args: Any) -> None:
        """Runs something on the gateway's thread, soon; any thread may ask."""
        self._mailbox.put((handler, args))

    # --- what the broker tells (any thread) ----------------------------------------------------------------------

    def on_tick(
        self, symbol: str, ts_event: int, price: int, quantity: int, total_volume: int, flags: int = 0
    ) -> None:
        """See :class:`engine.brokers.base.BrokerListener`."""
        args = (symbol, ts_event, time.time_ns(), price, quantity, total_volume, flags)
        if self.broker.is_paced:
            self.call(self._take_paced_tick, *args)
        else:
            self.ticks.take(*args)

    def on_book(self, symbol: str, ts_event: int, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> None:
        """See :class:`engine.brokers.base.BrokerListener`."""
        self.ticks.book(symbol, ts_event, time.time_ns(), bids, asks)

    def on_order(self, report: OrderReport) -> None:
        """See :class:`engine.brokers.base.BrokerListener`."""
        self.call(self.orders.take_report, report)

    def on_fill(self, fill: Fill) -> None:
        """See :class:`engine.brokers.base.BrokerListener`."""
        self.call(self.orders.take_fill, fill)

    def on_link(self, link: str, state: LinkState, text: str = "") -> None:
        """See :class:`engine.brokers.base.BrokerListener`."""
        self.call(self._take_link, link, state, text)

    def on_contract(self, contract: Contract) -> None:
        """See :class:`engine.brokers.base.BrokerListener`."""
        self.call(self._take_contract, contract)

    def on_pace(self, round: int, position: int, now_ns: int, is_end: bool = False) -> None:
        """See :class:`engine.brokers.base.BrokerListener`."""
        self.call(self._take_pace, Pace(round=round, position=position, now_ns=now_ns, is_end=is_end))

    # --- the same on the gateway's thread ------------------------------------------------------------------------

    def _take_paced_tick(self, *args: Any) -> None:
        """In a paced market fills and ticks are told in the order in which the broker gave them."""
        if self.journal.has_news:
            self.journal.flush()
        self.ticks.take(*args)

    def _take_pace(self, pace: Pace) -> None:
        self._pace = pace
        self.journal.flush()
        self.ticks.event("pace", pace)

    def _take_contract(self, contract: Contract) -> None:
        self.market.contracts[contract.symbol] = contract
        self.journal.tell(f"contract.{contract.symbol}", contract)

    def _take_link(self, link: str, state: LinkState, text: str) -> None:
        before = self.journal.links.get(link)
        self.journal.set_link(link, state, text)
        is_back = state is LinkState.UP and (before is None or before.state is not LinkState.UP)
        if link == "quote" and is_back:
            self.market.subscribe_again()
        if link != "trade":
            return
        if is_back:
            self.reconciler.begin()
        elif state is not LinkState.UP:
            self.reconciler.interrupt()

    def _answered(self, statement: Statement) -> None:
        """Enquirer's thread; in a paced market the gateway's own, where the answer is taken at once."""
        if self.broker.is_paced:
            self.reconciler.take(statement)
        else:
            self.call(self.reconciler.take, statement)

    # --- halt and conditions -------------------------------------------------------------------------------------

    def set_halt(self, depth: HaltDepth, by: str, text: str, request_id: str) -> str:
        """Halts to a depth or resumes; says what was done."""
        changed = HaltChanged(depth=depth, by=by, text=text, ts_event=self.market.now_ns())
        self.journal.record(changed)
        self.journal.tell("halt", changed)
        done = [f"halt {depth.name}"]
        if depth is HaltDepth.CANCEL_WORKING:
            done.append(f"{self.orders.cancel_all('')} cancels sent")
        if depth is HaltDepth.FLATTEN:
            conditions.release_empty(self, "")
            done.append(self.flattening.begin(request_id, ""))
        return "; ".join(done)

    # --- replay --------------------------------------------------------------------------------------------------

    def watermarks(self, new: Watermark | None = None) -> None:
        """Passes the strategies' answers on to a paced broker, each when all its signals are decided."""
        if new is not None:
            self._waiting.append(new)
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        for mark in waiting:
            if all(self.state.is_decided(signal_id) for signal_id in mark.signal_ids):
                self.broker.on_watermark(mark.node, mark.round, mark.position)
            else:
                self._waiting.append(mark)

    def begin_trading(self) -> None:
        """A person pressed Start: conditions are watched from the next tick on, not from what came before."""
        for condition in list(self.state.conditions.values()):
            tick = self.ticks.last_tick(condition.spec.symbol)
            if not condition.state.is_final and tick is not None:
                self.journal.tell_condition(replace(condition, tick_seq=tick.seq))

    def set_pacers(self, nodes: frozenset[str]) -> None:
        """Names the strategy processes that a replay waits for; any thread."""
        self.call(self.broker.set_pacers, nodes)

    # --- facts -----------------------------------------------------------------------------------------------

    def snapshot(self) -> Snapshot:
        """Everything known that is not history."""
        self.journal.flush()
        return Snapshot(
            environment=self.broker.environment,
            now_ns=max(0, self.market.now_ns()),
            seqs=tuple(FamilySeq(family=name, seq=seq) for name, seq in dict(self._publisher.seqs).items()),
            accounts=self.accounts,
            contracts=tuple(self.market.contracts.values()),
            selected=self.market.selected,
            last=tuple(self.ticks.last(symbol) for symbol in self.market.followed),
            orders=tuple(self.state.recent_orders(_SHOWN)),
            fills=tuple(self.state.fills.values())[-_SHOWN:],
            positions=tuple(self.state.positions.values()),
            conditions=tuple(self.state.conditions.values()),
            links=tuple(self.journal.links.values()),
            halt=self.state.halt,
            is_paced=self.broker.is_paced,
            position=self.ticks.position,
            pace=self._pace,
            limits=self.state.limits,
            differences=tuple(self.state.differences.values()),
            run=self._run_ns,
            halted=self.state.halted,
        )
