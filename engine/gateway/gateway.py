"""The gateway: one thread that owns the broker, the ledger, risk, the tick publisher and the command server.

Input (a broker's report, a request) is applied on this thread, written to the ledger, and only then told: what
changed is collected while a batch is handled, committed, and published. Never imports Qt.
"""

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from engine import logs
from engine.brokers.base import ApprovedOrder, Broker, OrderReport
from engine.errors import BrokerAmbiguous, BrokerRefused, LedgerError, OrderStateError, UnknownInstrument
from engine.gateway import commands
from engine.gateway.ledger import Ledger
from engine.gateway.publisher import TickPublisher
from engine.gateway.risk import RiskContext, RiskRefused, check
from engine.gateway.state import Event
from engine.model.condition import Condition, ConditionExecution, ConditionState
from engine.model.instrument import Instrument
from engine.model.market import Contract, HaltChanged, HaltDepth, LinkState, LinkStatus
from engine.model.order import Fill, Order, OrderStatus, Reason, Side, SubmitOrder
from engine.model.position import Account
from engine.model.session import Session, TradingCalendar
from engine.model.signal import SignalRefused
from engine.model.tick import Level
from engine.settings import Settings
from engine.timing import NS_PER_S
from engine.wire.keys import Role, ServerKeys
from engine.wire.messages import Envelope, FamilySeq, Pace, Pulse, Refused, Snapshot, Ticks, Watermark
from engine.wire.sockets import Mailbox, Poller, Publisher, RouterServer, tcp

log = logs.get(__name__)

_KEPT_REPLIES: Final = 2_000
"""Replies kept for repeated requests: every open request of every client, many times over."""
_BATCH: Final = 64
"""Requests carried out between two looks at the feed."""
_TICK_S: Final = 0.1
"""How often the gateway looks at feed silence when nothing happens."""
_PULSE_S: Final = 1.0
"""How often it shows its clock: the pulse is numbered, so whoever missed the last event learns it by then."""


@dataclass(frozen=True, slots=True)
class _Outgoing:
    topic: str
    body: object
    cause: str


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
        on_decision: called with the signal id when an order has passed risk and again when its intent is durable
            (measurements only).
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
        on_decision: Callable[[str, str], None] | None = None,
    ) -> None:
        self.settings, self.broker, self.accounts = settings, broker, accounts
        self._account_ids = frozenset(account.account for account in accounts)
        self.calendar = calendar
        self._instruments = instruments
        self._on_decision = on_decision
        endpoints, wire = settings.endpoints, settings.wire
        with contextlib.ExitStack() as opened:
            self.ledger = Ledger(ledger_path, instruments=instruments, synchronous=settings.ledger.synchronous)
            opened.callback(self.ledger.close)
            feed = tcp(endpoints.host, endpoints.market)
            self._publisher = Publisher(feed, source="gateway", wire=wire, keys=keys)
            opened.callback(self._publisher.close)
            commands_at = tcp(endpoints.host, endpoints.commands)
            self._server = RouterServer(commands_at, source="gateway", wire=wire, keys=keys)
            opened.pop_all()
        self.state = self.ledger.state
        self.market_endpoint = self._publisher.endpoint
        self.commands_endpoint = self._server.endpoint
        self.ticks = TickPublisher(self._publisher, ring_ticks=settings.market.ring_ticks)
        self.contracts: dict[str, Contract] = {item.symbol: item for item in broker.contracts()}
        self.selected: tuple[str, ...] = ()
        self.links: dict[str, LinkStatus] = {}
        self._mailbox = Mailbox()
        self._outbox: list[_Outgoing] = []
        self._replies: OrderedDict[tuple[Role | None, str], bytes] = OrderedDict()
        self._waiting: list[Watermark] = []
        self._ledger_error = ""
        self._unwritten: list[Event] = []
        self._pace: Pace | None = None
        self._begin_run()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)

    def _begin_run(self) -> None:
        """Tick numbers begin anew with every run, and whether an intent left is not known any more."""
        for condition in list(self.state.conditions.values()):
            if not condition.state.is_final:
                self.record(replace(condition, tick_seq=0))
        for order in list(self.state.orders.values()):
            if order.status is OrderStatus.INTENT:
                text = "the program ended before the broker's answer was written"
                now = time.time_ns()
                self.record(order.moved(OrderStatus.UNKNOWN, now, reason=Reason.AMBIGUOUS, text=text))

    # --- life ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the thread and then the broker."""
        self._thread.start()
        self.broker.start(self)

    def close(self) -> None:
        """Ends the broker, then the thread; everything told so far is in the ledger."""
        self.broker.close()
        self._stop.set()
        self._mailbox.put((self._nothing, ()))
        self._thread.join(5)
        self._mailbox.close()
        self._server.close()
        self._publisher.close()
        self.ledger.close()

    def _nothing(self) -> None:
        """Wakes the thread."""

    def _run(self) -> None:
        poller = Poller(self._mailbox, self._server)
        watch = pulse = time.monotonic()
        while not self._stop.is_set():
            ready = poller.wait(int(_TICK_S * 1000))
            if self._mailbox in ready:
                for handler, args in self._mailbox.take():
                    self._guarded(handler, *args)
                self._guarded(self.flush)
            if self._server in ready:
                self._guarded(self._serve)
            if time.monotonic() - watch >= _TICK_S:
                watch = time.monotonic()
                self._guarded(self._watch_feed)
            if watch - pulse >= _PULSE_S:
                pulse = watch
                self._guarded(self._write_again)
                self.tell("pulse", Pulse(now_ns=max(0, self.broker.clock.now_ns()), position=self.ticks.position))
            self._guarded(self.flush)

    def _guarded(self, handler: Callable[..., object], *args: Any) -> None:
        """Runs a handler; a bug in one never ends the thread that guards everything."""
        try:
            handler(*args)
        except Exception:
            log.exception("gateway handler failed", handler=getattr(handler, "__name__", str(handler)))

    def call(self, handler: Callable[..., object], *args: Any) -> None:
        """Runs something on the gateway's thread, soon; any thread may ask."""
        self._mailbox.put((handler, args))

    # --- telling -------------------------------------------------------------------------------------------------

    def record(self, event: Event) -> None:
        """Writes an event; a fact that cannot be written still holds, and the person is told."""
        try:
            self.ledger.append(event, time.time_ns())
        except LedgerError as error:
            self._ledger_failed(error)
            self._unwritten.append(event)
            self.ledger.apply(event)

    def _write_again(self) -> None:
        """Facts that could not be written are tried again; when all are, entries pass again."""
        if not self._ledger_error:
            return
        try:
            while self._unwritten:
                self.ledger.write(self._unwritten[0], time.time_ns())
                del self._unwritten[0]
            self.ledger.commit()
        except LedgerError:
            return
        self._ledger_error = ""
        self.set_link("ledger", LinkState.UP, "")

    def tell(self, topic: str, body: object, cause: str = "") -> None:
        """Publishes with the next commit."""
        self._outbox.append(_Outgoing(topic, body, cause))

    def flush(self) -> None:
        """Commits what was recorded, then publishes what was told."""
        if not self._outbox and not self.ledger.has_pending:
            return
        try:
            self.ledger.commit()
        except LedgerError as error:
            self._ledger_failed(error)
        outbox, self._outbox = self._outbox, []
        for item in outbox:
            self.ticks.event(item.topic, item.body, item.cause)

    def _ledger_failed(self, error: LedgerError) -> None:
        self._ledger_error = str(error)
        log.error("ledger failed; entries are refused", error=str(error))
        self.set_link("ledger", LinkState.DOWN, str(error))

    def tell_order(self, order: Order, cause: str = "") -> None:
        """Records and publishes an order as it is now, and what it means for its condition."""
        self.record(order)
        self.tell(f"order.{order.symbol}", order, cause)
        if order.condition_id:
            held = self.state.holding(order.condition_id)
            self.tell(
                f"condition.{order.condition_id}",
                ConditionExecution(
                    condition_id=order.condition_id,
                    order=order,
                    entered=held.entered,
                    entry_value=held.entry_value,
                    exited=held.exited,
                ),
                cause,
            )

    def tell_condition(self, condition: Condition, cause: str = "") -> None:
        """Records and publishes a condition."""
        self.record(condition)
        self.tell(f"condition.{condition.condition_id}", condition, cause)

    def set_link(self, link: str, state: LinkState, text: str = "") -> None:
        """Publishes the state of a link if it changed."""
        before = self.links.get(link)
        if before is None or (before.state, before.text) != (state, text):
            self.links[link] = LinkStatus(link=link, state=state, ts_last=time.time_ns(), text=text)
            self.tell(f"link.{link}", self.links[link])

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
        self.call(self._take_report, report)

    def on_fill(self, fill: Fill) -> None:
        """See :class:`engine.brokers.base.BrokerListener`."""
        self.call(self._take_fill, fill)

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
        if self._outbox:
            self.flush()
        self.ticks.take(*args)

    def _take_pace(self, pace: Pace) -> None:
        self._pace = pace
        self.flush()
        self.ticks.event("pace", pace)

    def _take_contract(self, contract: Contract) -> None:
        self.contracts[contract.symbol] = contract
        self.tell(f"contract.{contract.symbol}", contract)

    def _take_link(self, link: str, state: LinkState, text: str) -> None:
        before = self.links.get(link)
        self.set_link(link, state, text)
        if link == "trade" and state is LinkState.UP and (before is None or before.state is not LinkState.UP):
            self.reconcile()

    def _take_report(self, report: OrderReport) -> None:
        order = self.state.orders.get(report.client_order_id)
        if order is None:
            log.warning("order of another program", note=report.client_order_id, broker=report.broker_order_id)
            return
        changed = replace(
            order,
            broker_order_id=report.broker_order_id or order.broker_order_id,
            price=report.price or order.price,
            quantity=max(report.quantity, order.filled) or order.quantity,
        )
        status = report.status
        if status in (OrderStatus.FILLED, OrderStatus.PARTIALLY_FILLED):
            # Fills speak for themselves; the report only says that the order lives.
            status = OrderStatus.ACCEPTED if changed.status.is_working else changed.status
        if status is OrderStatus.ACCEPTED and changed.filled:
            status = changed.status
        if status is changed.status and report.reason:
            # A cancel or change was refused; the order lives on as it was.
            changed = replace(changed, reason=report.reason, text=report.text)
        if status is not changed.status:
            try:
                changed = changed.moved(status, report.ts_event, reason=report.reason, text=report.text)
            except OrderStateError as error:
                log.warning("report ignored", order=order.client_order_id, error=str(error))
                return
        if changed != order:
            self.tell_order(replace(changed, ts_updated=report.ts_event))
            self.watermarks()

    def _take_fill(self, fill: Fill) -> None:
        if (fill.account, fill.fill_id) in self.state.fills:
            return
        order = self.state.orders.get(fill.client_order_id)
        if order is None:
            log.warning("fill of another program", fill=fill.fill_id, note=fill.client_order_id)
            return
        fill = replace(fill, condition_id=order.condition_id)
        self.record(fill)
        self.tell(f"fill.{fill.symbol}", fill, order.client_order_id)
        try:
            self.tell_order(order.with_fill(fill.price, fill.quantity, fill.ts_event), fill.fill_id)
        except OrderStateError as error:
            log.error("fill does not fit its order", order=order.client_order_id, error=str(error))
        position = self.state.positions[(fill.account, fill.symbol)]
        self.tell(f"position.{fill.symbol}", position, fill.fill_id)

    # --- feed ----------------------------------------------------------------------------------------------------

    def silence_s(self, symbol: str) -> float | None:
        """Seconds since the contract's last message; None where silence means nothing."""
        if self.broker.is_paced:
            return None
        received = self.ticks.received.get(symbol)
        return (time.time_ns() - received) / NS_PER_S if received else None

    def session(self, instrument: Instrument) -> Session | None:
        """The session of a contract now."""
        return self.calendar.session_at(self.broker.clock.now_ns(), last_trading_day=instrument.last_trading_day)

    def _watch_feed(self) -> None:
        for symbol in self.selected:
            silence = self.silence_s(symbol)
            if silence is None:
                continue
            is_stale = silence > self.settings.risk.stale_feed_s and self.session(self.instrument(symbol))
            state = LinkState.STALE if is_stale else LinkState.UP
            if (before := self.links.get(f"feed.{symbol}")) is None or before.state is not state:
                text = f"silent for more than {self.settings.risk.stale_feed_s:g} s" if is_stale else ""
                self.set_link(f"feed.{symbol}", state, text)

    def instrument(self, symbol: str) -> Instrument:
        """The instrument of a symbol.

        Raises:
            UnknownInstrument: there is none.
        """
        if symbol not in self.state.instruments:
            self.state.instruments[symbol] = self._instruments(symbol)
        return self.state.instruments[symbol]

    # --- orders --------------------------------------------------------------------------------------------------

    def submit(self, command: SubmitOrder, cause: str = "") -> Order | Refused:
        """Takes an order through risk, ledger and broker; the same id gives the same order, never a second one."""
        if known := self.state.orders.get(command.client_order_id):
            return known
        if refused := self.state.refused.get(command.signal_id):
            self.tell(f"condition.{refused.signal.condition_id}", refused, command.signal_id)
            return Refused(code=Reason.DUPLICATE, text=f"signal {command.signal_id} was refused before")
        try:
            instrument = self.instrument(command.symbol)
        except UnknownInstrument as error:
            return Refused(code=Reason.UNKNOWN_SYMBOL, text=str(error))
        if command.account not in self._account_ids:
            return Refused(code=Reason.UNKNOWN_ACCOUNT, text=f"{command.account!r} is no account of this login")
        order = Order.from_command(command, self._cause_ns(command))
        verdict = self._verdict(order, instrument)
        if isinstance(verdict, RiskRefused):
            denied = order.moved(OrderStatus.DENIED, order.ts_created, reason=verdict.reason, text=verdict.text)
            self.tell_order(denied, cause)
            self.watermarks()
            return denied
        if self._on_decision:
            self._on_decision(command.signal_id, "approved")
        order = self._intend(verdict.order, cause)
        if order.status is OrderStatus.INTENT:
            if self._on_decision:
                self._on_decision(command.signal_id, "durable")
            order = self._call_broker(order)
            self.tell_order(order, cause)
        self.watermarks()
        return order

    def _cause_ns(self, command: SubmitOrder) -> int:
        """Market time of an order: of the tick that caused it where the market may be ahead of the strategy."""
        if self.broker.is_paced and command.tick_seq:
            tick = self.ticks.tick(command.symbol, command.tick_seq)
            if tick is not None:
                return tick.ts_event
        return self.broker.clock.now_ns()

    def _verdict(self, order: Order, instrument: Instrument) -> ApprovedOrder | RiskRefused:
        lots = self.state.reducible(order.account, order.symbol, order.side, order.condition_id)
        if order.reduce_only:
            if not lots and self.state.closing(order.account, order.symbol, order.side):
                return RiskRefused(Reason.EXIT_WORKING, f"other orders close all {order.symbol} lots already")
            if not lots:
                return RiskRefused(Reason.NOT_REDUCING, f"no {order.symbol} lots are left to close")
            order = replace(order, quantity=min(order.quantity, lots))
            return check(order, self._context(order, instrument), is_reducing=True)
        if self._ledger_error:
            return RiskRefused(Reason.LEDGER, self._ledger_error)
        # A person closes a position by hand: that passes a halt, as far as no other order closes it already.
        lots -= sum(
            item.remaining
            for item in self.state.working(order.symbol)
            if item.side is order.side and item.account == order.account and not item.reduce_only
        )
        is_reducing = not order.signal_id and order.quantity <= lots
        return check(order, self._context(order, instrument), is_reducing=is_reducing)

    def _context(self, order: Order, instrument: Instrument) -> RiskContext:
        now = order.ts_created
        last_day = instrument.last_trading_day
        session = self.calendar.session_at(now, last_trading_day=last_day)
        if session is None:
            session = self.calendar.next_session(now, last_trading_day=last_day)
        tick = self.ticks.last_tick(order.symbol)
        condition = self.state.conditions.get(order.condition_id)
        working = sum(
            item.side.sign * item.remaining
            for item in self.state.working(order.symbol)
            if item.account == order.account and item.side is order.side and not item.reduce_only
        )
        return RiskContext(
            limits=self.settings.risk,
            instrument=instrument,
            contract=self.contracts.get(order.symbol),
            net=self.state.net(order.account, order.symbol),
            working=working,
            last_price=tick.price if tick else 0,
            silence_s=self.silence_s(order.symbol),
            phase=self.calendar.phase_at(now, last_trading_day=last_day),
            session=session.kind if session else None,
            halt=self.state.halt,
            is_cancelled=condition is not None and condition.state is ConditionState.CANCELLED,
        )

    def price_problem(self, order: Order) -> RiskRefused | None:
        """Why an order's price may not be changed to what it says now; None if it may."""
        context = self._context(order, self.instrument(order.symbol))
        verdict = check(replace(order, quantity=1), context, is_reducing=order.reduce_only)
        return verdict if isinstance(verdict, RiskRefused) else None

    def _intend(self, order: Order, cause: str) -> Order:
        """Writes the intent and waits until it is durable; an entry whose intent is not is denied."""
        try:
            self.ledger.commit()
            self.ledger.write(order, time.time_ns())
            self.ledger.commit()
        except LedgerError as error:
            self._ledger_failed(error)
            self.ledger.rollback()
            if not order.reduce_only:
                denied = order.moved(OrderStatus.DENIED, order.ts_created, reason=Reason.LEDGER, text=str(error))
                self.tell_order(denied, cause)
                return denied
            self._unwritten.append(order)  # an exit is attempted all the same
        self.ledger.apply(order)
        return order

    def _call_broker(self, order: Order) -> Order:
        now = self.broker.clock.now_ns
        try:
            broker_order_id = self.broker.submit(ApprovedOrder(order))
        except BrokerRefused as error:
            text = f"{error.code}: {error}"
            return order.moved(OrderStatus.REJECTED, now(), reason=Reason.BROKER, text=text)
        except BrokerAmbiguous as error:
            return order.moved(OrderStatus.UNKNOWN, now(), reason=Reason.AMBIGUOUS, text=str(error))
        except Exception as error:  # whatever the broker's library throws, the order may have left
            log.exception("broker call failed", order=order.client_order_id)
            return order.moved(OrderStatus.UNKNOWN, now(), reason=Reason.AMBIGUOUS, text=str(error))
        return replace(order.moved(OrderStatus.SENT, now()), broker_order_id=broker_order_id)

    def flatten(self, request_id: str, symbol: str) -> str:
        """Cancels working orders and closes positions in slices inside the exchange's caps; says what was sent."""
        self.cancel_all(symbol)
        sent: list[str] = []
        for (account, held), position in list(self.state.positions.items()):
            if not position.net or (symbol and held != symbol):
                continue
            product = self.instrument(held).product
            side = Side.SELL if position.net > 0 else Side.BUY
            lots, number = self.state.reducible(account, held, side), 0
            while lots > 0:
                number += 1
                part = min(lots, product.max_market_lots_night)
                order = self.submit(commands.close_order(request_id, number, account, held, side, part))
                if isinstance(order, Refused) or order.status is OrderStatus.DENIED:
                    sent.append(f"{held}: refused: {order.text}")
                    break
                sent.append(f"{side} {order.quantity} {held}: {order.status}")
                lots -= order.quantity
        return "; ".join(sent) or "no position to close"

    def cancel_all(self, symbol: str, *, keep_exits: bool = False) -> int:
        """Asks the broker to cancel every working order; returns how many were asked for."""
        count = 0
        for order in self.state.working(symbol):
            if keep_exits and order.reduce_only:
                continue
            try:
                self.broker.cancel(order)
                count += 1
            except (BrokerRefused, BrokerAmbiguous) as error:
                log.warning("cancel failed", order=order.client_order_id, error=str(error))
        return count

    def reconcile(self) -> None:
        """Asks the broker what became of every order that is not final."""
        open_orders = self.state.working() + [
            order for order in self.state.orders.values() if order.status is OrderStatus.INTENT
        ]
        if not open_orders:
            return
        for account in self.accounts:
            try:
                reports = self.broker.query_orders(account.account)
                fills = self.broker.query_fills(account.account)
            except (BrokerRefused, BrokerAmbiguous) as error:
                log.warning("reconciliation failed", account=account.account, error=str(error))
                continue
            for fill in fills:
                self._take_fill(fill)
            for report in reports:
                self._take_report(report)
            known = {report.client_order_id for report in reports}
            for order in open_orders:
                if order.account == account.account and order.client_order_id not in known:
                    self._never_arrived(self.state.orders[order.client_order_id])

    def _never_arrived(self, order: Order) -> None:
        """Ends an order of the present session that the broker, asked after the link came back, does not know."""
        session = self.session(self.instrument(order.symbol))
        is_open = order.status in (OrderStatus.UNKNOWN, OrderStatus.INTENT)
        if is_open and session is not None and session.contains(order.ts_created):
            now = self.broker.clock.now_ns()
            text = "the broker does not know it: it never arrived"
            self.tell_order(order.moved(OrderStatus.REJECTED, now, reason=Reason.AMBIGUOUS, text=text))
            self.watermarks()

    # --- halt and conditions -------------------------------------------------------------------------------------

    def set_halt(self, depth: HaltDepth, by: str, text: str, request_id: str) -> str:
        """Halts to a depth or resumes; says what was done."""
        changed = HaltChanged(depth=depth, by=by, text=text, ts_event=self.broker.clock.now_ns())
        self.record(changed)
        self.tell("halt", changed)
        done = [f"halt {depth.name}"]
        if depth is HaltDepth.CANCEL_WORKING:
            done.append(f"{self.cancel_all('')} cancels sent")
        if depth is HaltDepth.FLATTEN:
            done += [commands.release_conditions(self, ""), self.flatten(request_id, "")]
        return "; ".join(done)

    def refuse_signal(self, refused: SignalRefused) -> None:
        """Writes that no order will be made of a signal, unless one was made already."""
        signal_id = refused.signal.signal_id
        if signal_id in self.state.order_of_signal:
            return
        if known := self.state.refused.get(signal_id):
            refused = known  # told again, for whoever missed it
        else:
            self.record(refused)
        self.tell(f"condition.{refused.signal.condition_id}", refused, signal_id)
        self.watermarks()

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
                self.tell_condition(replace(condition, tick_seq=tick.seq))

    def set_pacers(self, nodes: frozenset[str]) -> None:
        """Names the strategy processes that a replay waits for; any thread."""
        self.call(self.broker.set_pacers, nodes)

    # --- requests ------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        """Carries out a batch of requests; one commit makes them durable, then all are answered."""
        done: dict[tuple[Role | None, str], tuple[bytes, Envelope, object]] = {}
        for _ in range(_BATCH):
            request = self._server.receive()
            if request is None:
                break
            client, role, envelope = request
            if not envelope.id:
                refused = Refused(
                    code=Reason.INVALID, text="a request needs an id, for its answer and for retries"
                )
                self._server.reply(client, envelope, refused)
                continue
            key = (role, envelope.id)
            if kept := self._replies.get(key):
                self._server.resend(client, kept)
            elif key not in done:
                done[key] = (client, envelope, self._handled(role, envelope))
        self.flush()
        for key, (client, envelope, body) in done.items():
            frame = self._server.reply(client, envelope, body)
            if not isinstance(body, Snapshot | Ticks):
                self._replies[key] = frame
        while len(self._replies) > _KEPT_REPLIES:
            self._replies.popitem(last=False)

    def _handled(self, role: Role | None, envelope: Envelope) -> object:
        try:
            return commands.handle(self, role, envelope)
        except Exception:
            log.exception("request failed", type=envelope.type, request=envelope.id)
            text = f"{envelope.type} failed inside the gateway; see its log"
            return Refused(code=Reason.INVALID, text=text)

    def snapshot(self) -> Snapshot:
        """Everything known that is not history."""
        self.flush()
        return Snapshot(
            environment=self.broker.environment,
            now_ns=max(0, self.broker.clock.now_ns()),
            seqs=tuple(FamilySeq(family=name, seq=seq) for name, seq in dict(self._publisher.seqs).items()),
            accounts=self.accounts,
            contracts=tuple(self.contracts.values()),
            selected=self.selected,
            last=tuple(self.ticks.last(symbol) for symbol in self.selected),
            orders=tuple(self.state.orders.values()),
            fills=tuple(self.state.fills.values()),
            positions=tuple(self.state.positions.values()),
            conditions=tuple(self.state.conditions.values()),
            links=tuple(self.links.values()),
            halt=self.state.halt,
            is_paced=self.broker.is_paced,
            position=self.ticks.position,
            pace=self._pace,
        )
