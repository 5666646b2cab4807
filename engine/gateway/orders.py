"""The orders of the gateway: through risk, ledger and broker, and what the broker says of them afterwards.

The one place from which anything reaches the broker's order side. The same id never makes a second order.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from engine import logs
from engine.brokers.base import ApprovedOrder, OrderReport
from engine.errors import BrokerAmbiguous, BrokerRefused, OrderStateError, UnknownInstrument
from engine.gateway.exposure import Exposure
from engine.gateway.journal import Journal
from engine.gateway.market import Market
from engine.gateway.points import OnPoint, Point
from engine.gateway.risk import RiskRefused, check, check_change, exchange_lots, refused
from engine.gateway.state import fill_key
from engine.model.instrument import Instrument
from engine.model.market import LinkState
from engine.model.order import Fill, Order, OrderStatus, Reason, Side, SubmitOrder, TimeInForce
from engine.model.position import Account
from engine.model.signal import SignalRefused
from engine.wire.messages import Refused

log = logs.get(__name__)

_LONGEST_TEXT: Final = 500
"""Characters of the broker's words that are kept."""


class Orders:
    """Used on the gateway's thread only.

    Args:
        journal: writes and tells.
        market: contracts, prices and sessions.
        accounts: the order accounts of the login.
        exposure: what risk compares with its limits.
        on_point: called at each point of an order's life (drills and measurements only).
        on_decided: called when a signal has become an order or was refused.
        on_entered: called with the condition's id when an entry order of it has filled.
    """

    def __init__(
        self,
        journal: Journal,
        market: Market,
        accounts: tuple[Account, ...],
        exposure: Exposure,
        *,
        on_point: OnPoint | None,
        on_decided: Callable[[], None],
        on_entered: Callable[[str], None],
    ) -> None:
        self._journal, self._market, self._exposure = journal, market, exposure
        self._broker, self._state = market.broker, journal.state
        self._accounts = tuple(account.account for account in accounts)
        self._on_point, self._on_entered = on_point, on_entered
        self.decided = on_decided
        self._strangers: set[str] = set()
        """What the broker names and this program does not know: products that it does not trade."""
        self._ends: dict[str, OrderReport] = {}
        """Reports that end an order and count more lots than its fills so far: they wait for the late fills."""

    # --- towards the broker --------------------------------------------------------------------------------------

    def submit(self, command: SubmitOrder, cause: str = "") -> Order | Refused:
        """Takes an order through risk, ledger and broker; the same id gives the same order, never a second one."""
        if known := self._state.orders.get(command.client_order_id):
            return known
        if refused := self._state.refused.get(command.signal_id):
            self._journal.tell(f"condition.{refused.signal.condition_id}", refused, command.signal_id)
            return Refused(code=Reason.DUPLICATE, text=f"signal {command.signal_id} was refused before")
        try:
            instrument = self._market.instrument(command.symbol)
        except UnknownInstrument as error:
            return Refused(code=Reason.UNKNOWN_SYMBOL, text=str(error))
        if command.account not in self._accounts:
            return Refused(code=Reason.UNKNOWN_ACCOUNT, text=f"{command.account!r} is no account of this login")
        order = Order.from_command(command, self._cause_ns(command))
        if command.reduce_only and self._market.feed_state(command.symbol) is not LinkState.UP:
            order = replace(order, text=f"sent while the feed of {command.symbol} was silent")
        if not order.reduce_only and (first := self._state.first_of_group(order.condition_id)):
            return self._denied(order, Reason.OTHER_CANCELS, f"{first} of its group entered first", cause)
        verdict = self._verdict(order, instrument)
        if isinstance(verdict, RiskRefused):
            return self._denied(order, verdict.reason, verdict.text, cause)
        self._exposure.passed(verdict)
        self._pass(Point.APPROVED, order)
        intended = self._journal.intend(verdict, cause)
        if isinstance(intended, ApprovedOrder):
            self._pass(Point.INTENT_DURABLE, order)
            order = self._call_broker(intended)
            self._pass(Point.CALLED, order)
            self._journal.tell_order(order, cause)
        else:
            order = intended
        self.decided()
        return order

    def _denied(self, order: Order, reason: Reason, text: str, cause: str) -> Order:
        denied = order.moved(OrderStatus.DENIED, order.ts_created, reason=reason, text=text)
        self._journal.tell_order(denied, cause)
        self.decided()
        return denied

    def _pass(self, point: Point, order: Order) -> None:
        if self._on_point:
            self._on_point(point, order.signal_id or order.client_order_id)

    def _cause_ns(self, command: SubmitOrder) -> int:
        """Market time of an order: of the tick that caused it where the market may be ahead of the strategy."""
        if self._broker.is_paced and command.tick_seq:
            tick = self._market.ticks.tick(command.symbol, command.tick_seq)
            if tick is not None:
                return tick.ts_event
        return self._market.now_ns()

    def _verdict(self, order: Order, instrument: Instrument) -> ApprovedOrder | RiskRefused:
        if order.reduce_only:
            lots = self._state.reducible(order.account, order.symbol, order.side, order.condition_id)
            if not lots:
                return self._nothing_to_close(order)
            context = self._exposure.context(order, instrument)
            if order.signal_id:  # the strategy gives another signal for what is left
                lots = min(lots, exchange_lots(order, context))
            return check(replace(order, quantity=min(order.quantity, lots)), context, is_reducing=True)
        is_reducing = self._closes_by_hand(order)
        if self._journal.error and not is_reducing:
            return refused(Reason.LEDGER, "{actual}", limit="can be written", actual=self._journal.error)
        order = replace(order, is_closing=is_reducing)
        return check(order, self._exposure.context(order, instrument), is_reducing=is_reducing)

    def _nothing_to_close(self, order: Order) -> RiskRefused:
        if lots := self._state.closing(order.account, order.symbol, order.side):
            sentence = "other orders close all {symbol} lots already: {actual} are being closed, {limit} are left"
            return refused(Reason.EXIT_WORKING, sentence, limit=0, actual=lots, symbol=order.symbol)
        sentence = "no {symbol} lots are left to close: {actual} were to be closed, {limit} can be"
        return refused(Reason.NOT_REDUCING, sentence, limit=0, actual=order.quantity, symbol=order.symbol)

    def _closes_by_hand(self, order: Order) -> bool:
        """A person closes lots by hand: that passes a halt, as far as no other order closes them already."""
        if order.signal_id:
            return False
        lots = self._state.reducible(order.account, order.symbol, order.side) - sum(
            item.remaining
            for item in self._state.working(order.symbol)
            if item.side is order.side and item.account == order.account and not item.reduce_only
            if item.client_order_id != order.client_order_id
        )
        return order.quantity <= lots

    def price_problem(self, order: Order) -> RiskRefused | None:
        """Why a working order may not get the price it has here, None if it may. Fewer lots always pass."""
        now = replace(order, quantity=order.remaining, ts_created=self._market.now_ns())
        context = self._exposure.context(now, self._market.instrument(order.symbol))
        return check_change(now, context, is_reducing=order.reduce_only or self._closes_by_hand(now))

    def _call_broker(self, approved: ApprovedOrder) -> Order:
        order = approved.order
        try:
            broker_order_id = self._broker.submit(approved)
        except BrokerRefused as error:
            text = words(f"{error.code}: {error}")
            return order.moved(OrderStatus.REJECTED, self._call_ns(order), reason=Reason.BROKER, text=text)
        except Exception as error:  # whatever the broker's library throws, the order may have left
            if not isinstance(error, BrokerAmbiguous):
                log.exception("broker call failed", order=order.client_order_id)
            text = words(str(error))
            return order.moved(OrderStatus.UNKNOWN, self._call_ns(order), reason=Reason.AMBIGUOUS, text=text)
        return replace(order.moved(OrderStatus.SENT, self._call_ns(order)), broker_order_id=words(broker_order_id))

    def _call_ns(self, order: Order) -> int:
        """Market time of a call: that of the order where the market may be ahead of the strategy."""
        return order.ts_created if self._broker.is_paced and order.tick_seq else self._market.now_ns()

    def cancel_all(self, symbol: str, *, only_resting: bool = False) -> int:
        """Asks the broker to cancel every working order; returns how many were asked for."""
        count = 0
        for order in self._state.working(symbol):
            if order.is_external or (only_resting and order.time_in_force is not TimeInForce.ROD):
                continue
            try:
                self.cancel(order)
                count += 1
            except (BrokerRefused, BrokerAmbiguous) as error:
                log.warning("cancel failed", order=order.client_order_id, error=str(error))
        return count

    def cancel(self, order: Order) -> None:
        """Asks the broker to cancel an order.

        Raises:
            BrokerRefused: not possible, or nothing was sent.
            BrokerAmbiguous: nobody knows, whatever the broker's library threw.
        """
        self._asked(order, lambda: self._broker.cancel(order))

    def change(self, order: Order, price: int, quantity: int) -> None:
        """Asks the broker for another price (0 = the same) or fewer lots (0 = as many).

        Raises:
            BrokerRefused: not possible, or nothing was sent.
            BrokerAmbiguous: nobody knows, whatever the broker's library threw.
        """
        self._asked(order, lambda: self._broker.replace(order, price, quantity))

    def _asked(self, order: Order, call: Callable[[], None]) -> None:
        try:
            call()
        except (BrokerRefused, BrokerAmbiguous):
            raise
        except Exception as error:
            log.exception("broker call failed", order=order.client_order_id)
            raise BrokerAmbiguous(words(f"{type(error).__name__}: {error}")) from error

    def refuse_signal(self, refused: SignalRefused) -> None:
        """Writes that no order will be made of a signal, unless one was made already."""
        signal_id = refused.signal.signal_id
        if made := self._state.order_of_signal.get(signal_id):
            self._journal.tell_order_again(self._state.orders[made])
            return
        if known := self._state.refused.get(signal_id):
            refused = known  # told again, for whoever missed it
        else:
            self._journal.record(refused)
        self._journal.tell(f"condition.{refused.signal.condition_id}", refused, signal_id)
        self.decided()

    # --- from the broker -----------------------------------------------------------------------------------------

    def take_report(self, report: OrderReport, *, has_all_fills: bool = False) -> None:
        """What the broker says of one order; an order made elsewhere is taken over as external.

        Args:
            report: the broker's words.
            has_all_fills: every fill that the broker knows was taken before. Else an order that ends with more
                lots filled than we know of lives on until the fills are here: nothing exits those lots again.
        """
        report = replace(report, broker_order_id=words(report.broker_order_id), text=words(report.text))
        order = self._state.orders.get(report.client_order_id)
        if order is None or order.is_external:
            self._take_external(report)
            return
        if order.was_given_up and report.status is not OrderStatus.REJECTED:
            self._journal.fail(f"order {order.client_order_id} was given up, and has arrived after all")
            order = replace(order, text="it was given up, and has arrived after all")
        if report.status.is_final:
            self._ends.pop(order.client_order_id, None)
        if not has_all_fills and order.status.is_working and _ends_ahead_of_fills(report, order):
            self._ends[order.client_order_id] = report
            report = replace(report, status=OrderStatus.ACCEPTED, reason=Reason.NONE, text="")
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
            self._journal.tell_order(replace(changed, ts_updated=report.ts_event))
            self.decided()

    def take_fill(self, fill: Fill) -> None:
        """An execution, told once or more often; that of an order made elsewhere changes the position alone."""
        if not self.knows(fill.symbol):
            return
        order = self._state.orders.get(fill.client_order_id)
        if order is None or order.is_external:
            fill = replace(fill, client_order_id=self._external_note(fill), condition_id="")
        else:
            fill = replace(fill, condition_id=order.condition_id)
        if fill_key(fill) in self._state.fills or fill.account not in self._accounts:
            return
        self._journal.record(fill)
        self._journal.tell(f"fill.{fill.symbol}", fill, fill.client_order_id)
        if order is not None and not order.is_external:
            self._fill_order(order, fill)
        position = self._state.positions[(fill.account, fill.symbol)]
        self._journal.tell(f"position.{fill.symbol}", position, fill.fill_id)
        self._take_back(fill.account, fill.symbol)

    def _fill_order(self, order: Order, fill: Fill) -> None:
        try:
            self._journal.tell_order(order.with_fill(fill.price, fill.quantity, fill.ts_event), fill.fill_id)
        except OrderStateError as error:
            log.error("fill does not fit its order", order=order.client_order_id, error=str(error))
            self._journal.fail(f"a fill does not fit its order: {error}")
        end = self._ends.pop(order.client_order_id, None)
        if end is not None:
            self.take_report(end)
        if order.condition_id and not order.reduce_only:
            self._on_entered(order.condition_id)

    def _take_back(self, account: str, symbol: str) -> None:
        """A person's closing orders open no position: what exceeds the lots held is cancelled, newest first."""
        net = self._state.net(account, symbol)
        for side in Side:
            closing = [
                order
                for order in self._state.working(symbol)
                if order.is_closing and order.account == account and order.side is side
            ]
            excess = sum(order.remaining for order in closing) - max(0, -side.sign * net)
            for order in reversed(closing):
                if excess <= 0:
                    break
                lots, excess = min(excess, order.remaining), excess - order.remaining
                log.warning("closing order exceeds the lots held", order=order.client_order_id, lots=lots)
                try:
                    if lots < order.remaining:
                        self.change(order, 0, order.quantity - lots)
                    else:
                        self.cancel(order)
                except (BrokerRefused, BrokerAmbiguous) as error:
                    log.error("closing order not taken back", order=order.client_order_id, error=str(error))

    def knows(self, symbol: str) -> bool:
        """Whether a contract is of a product that this program trades; others in the account are not its own."""
        if symbol in self._strangers:
            return False
        try:
            self._market.instrument(symbol)
        except UnknownInstrument:
            log.warning("the account also holds or trades what this program does not know", symbol=symbol)
            self._strangers.add(symbol)
            return False
        return True

    def _external_note(self, fill: Fill) -> str:
        """What stands for the order of a fill made elsewhere: its note, and the day, for both begin anew."""
        day = self._market.calendar.trade_date_at(fill.ts_event)
        return f"@{fill.client_order_id.removeprefix('@')}/{day.isoformat()}"

    def _external_id(self, report: OrderReport) -> str:
        """The id of an order made elsewhere: the broker's numbers begin anew with every trade date."""
        day = self._market.calendar.trade_date_at(report.ts_event)
        return f"@{report.broker_order_id or report.client_order_id}/{day.isoformat()}"

    def _take_external(self, report: OrderReport) -> None:
        """Keeps what the broker says of an order that this ledger did not make."""
        if report.account not in self._accounts or not self.knows(report.symbol):
            return
        external = self._external_id(report)
        known = self._state.orders.get(external)
        order = Order(
            client_order_id=external,
            account=report.account,
            symbol=report.symbol,
            side=report.side,
            order_type=report.order_type,
            time_in_force=report.time_in_force,
            price=report.price,
            quantity=max(report.quantity, report.filled),
            filled=report.filled,
            status=report.status,
            reason=report.reason,
            text=report.text,
            broker_order_id=report.broker_order_id,
            ts_created=known.ts_created if known else report.ts_event,
            ts_updated=report.ts_event,
            is_external=True,
        )
        if known is not None and (known.status.is_final or replace(known, ts_updated=order.ts_updated) == order):
            return
        if known is None:
            log.warning("order made elsewhere", note=report.client_order_id, broker=report.broker_order_id)
        self._journal.tell_order(order)


def words(text: str) -> str:
    """The broker's words as they can be kept: of readable length, and without bytes that are no text."""
    return text[:_LONGEST_TEXT].encode("utf-8", "replace").decode("utf-8")


def _ends_ahead_of_fills(report: OrderReport, order: Order) -> bool:
    """Whether a report ends an order and counts lots whose fills are still on their way."""
    ended = report.status.is_final and report.status is not OrderStatus.FILLED
    return ended and report.filled > order.filled
