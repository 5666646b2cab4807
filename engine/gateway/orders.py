"""The orders of the gateway: through risk, ledger and broker, and what the broker says of them afterwards.

The one place from which anything reaches the broker's order side. The same id never makes a second order.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from engine import logs
from engine.brokers.base import ApprovedOrder, OrderReport
from engine.errors import BrokerAmbiguous, BrokerRefused, OrderStateError, UnknownInstrument
from engine.gateway.journal import Journal
from engine.gateway.market import Market
from engine.gateway.points import OnPoint, Point
from engine.gateway.risk import RiskContext, RiskRefused, check, exchange_lots
from engine.model.condition import ConditionState
from engine.model.instrument import Instrument
from engine.model.market import LinkState
from engine.model.order import Fill, Order, OrderStatus, OrderType, Reason, Side, SubmitOrder, TimeInForce
from engine.model.position import Account
from engine.model.signal import SignalRefused, client_order_id
from engine.settings import Risk
from engine.wire.messages import Refused

log = logs.get(__name__)

_FLATTEN_TRIES: Final = 30
"""Seconds for which a flatten is pursued."""
_ARRIVES_WITHIN_S: Final = 5.0
"""An order whose call was not answered may still be on its way for so long; only then its absence means that it
never arrived."""


class Orders:
    """Used on the gateway's thread only.

    Args:
        journal: writes and tells.
        market: contracts, prices and sessions.
        accounts: the order accounts of the login.
        limits: of risk.
        on_point: called at each point of an order's life (drills and measurements only).
        on_decided: called when a signal has become an order or was refused.
    """

    def __init__(
        self,
        journal: Journal,
        market: Market,
        accounts: tuple[Account, ...],
        limits: Risk,
        *,
        on_point: OnPoint | None,
        on_decided: Callable[[], None],
    ) -> None:
        self._journal, self._market, self._limits = journal, market, limits
        self._broker, self._state = market.broker, journal.state
        self._accounts = tuple(account.account for account in accounts)
        self._on_point, self._on_decided = on_point, on_decided
        self._flattening: dict[str, tuple[str, int]] = {}
        """Contracts that are being flattened: the request and how often it was tried."""
        self._unknown_since: dict[str, float] = {}
        """Orders that nobody knows of, and since when (monotonic)."""

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
        verdict = self._verdict(order, instrument)
        if isinstance(verdict, RiskRefused):
            denied = order.moved(OrderStatus.DENIED, order.ts_created, reason=verdict.reason, text=verdict.text)
            self._journal.tell_order(denied, cause)
            self._on_decided()
            return denied
        self._pass(Point.APPROVED, order)
        intended = self._journal.intend(verdict, cause)
        if isinstance(intended, ApprovedOrder):
            self._pass(Point.INTENT_DURABLE, order)
            order = self._call_broker(intended)
            self._pass(Point.CALLED, order)
            self._journal.tell_order(order, cause)
        else:
            order = intended
        self._on_decided()
        return order

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
        lots = self._state.reducible(order.account, order.symbol, order.side, order.condition_id)
        if order.reduce_only:
            if not lots and self._state.closing(order.account, order.symbol, order.side):
                return RiskRefused(Reason.EXIT_WORKING, f"other orders close all {order.symbol} lots already")
            if not lots:
                return RiskRefused(Reason.NOT_REDUCING, f"no {order.symbol} lots are left to close")
            context = self._context(order, instrument)
            if order.signal_id:  # the strategy gives another signal for what is left
                lots = min(lots, exchange_lots(order, context))
            return check(replace(order, quantity=min(order.quantity, lots)), context, is_reducing=True)
        # A person closes a position by hand: that passes a halt, as far as no other order closes it already.
        lots -= sum(
            item.remaining
            for item in self._state.working(order.symbol)
            if item.side is order.side and item.account == order.account and not item.reduce_only
        )
        is_reducing = not order.signal_id and order.quantity <= lots
        if self._journal.error and not is_reducing:
            return RiskRefused(Reason.LEDGER, self._journal.error)
        return check(order, self._context(order, instrument), is_reducing=is_reducing)

    def _context(self, order: Order, instrument: Instrument) -> RiskContext:
        now = order.ts_created
        last_day = instrument.last_trading_day
        session = self._market.calendar.session_at(now, last_trading_day=last_day)
        if session is None:
            session = self._market.calendar.next_session(now, last_trading_day=last_day)
        tick = self._market.ticks.last_tick(order.symbol)
        condition = self._state.conditions.get(order.condition_id)
        working = sum(
            item.side.sign * item.remaining
            for item in self._state.working(order.symbol)
            if item.account == order.account and item.side is order.side and not item.reduce_only
        )
        return RiskContext(
            limits=self._limits,
            instrument=instrument,
            contract=self._market.contracts.get(order.symbol),
            net=self._state.net(order.account, order.symbol),
            working=working,
            last_price=tick.price if tick else 0,
            silence_s=self._market.silence_s(order.symbol),
            phase=self._market.calendar.phase_at(now, last_trading_day=last_day),
            session=session.kind if session else None,
            halt=self._state.halt,
            is_cancelled=condition is not None and condition.state is ConditionState.CANCELLED,
        )

    def price_problem(self, order: Order) -> RiskRefused | None:
        """Why an order's price may not be changed to what it says now; None if it may."""
        context = self._context(order, self._market.instrument(order.symbol))
        verdict = check(replace(order, quantity=1), context, is_reducing=order.reduce_only)
        return verdict if isinstance(verdict, RiskRefused) else None

    def _call_broker(self, approved: ApprovedOrder) -> Order:
        order, now = approved.order, self._market.now_ns
        try:
            broker_order_id = self._broker.submit(approved)
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
        """Cancels working orders and closes positions; says what was sent now.

        It is pursued until nothing is held and nothing works any more: see :meth:`pursue_flattening`.
        """
        self._flattening[symbol] = (request_id, 0)
        self.cancel_all(symbol)
        return self._close_positions(request_id, symbol)

    def pursue_flattening(self) -> None:
        """Sends closing orders again for what a cancel, a late fill or a thin book left; once a second.

        It gives up loudly: a position that cannot be closed needs a person.
        """
        for symbol, (request_id, tries) in list(self._flattening.items()):
            held = [item for item in self._state.positions.values() if item.net and symbol in ("", item.symbol)]
            if not held and not self._state.working(symbol):
                del self._flattening[symbol]
            elif tries >= _FLATTEN_TRIES:
                del self._flattening[symbol]
                left = ", ".join(f"{item.net} {item.symbol}" for item in held)
                log.error("flatten failed", left=left)
                self._journal.set_link("flatten", LinkState.DOWN, f"still held: {left}; close it by hand")
            else:
                self._flattening[symbol] = (request_id, tries + 1)
                self.cancel_all(symbol, only_resting=True)
                self._close_positions(f"{request_id}+{tries + 1}", symbol)

    def _close_positions(self, request_id: str, symbol: str) -> str:
        """Closing orders in slices inside the exchange's caps, for what no working exit closes already."""
        sent: list[str] = []
        for (account, held), position in list(self._state.positions.items()):
            if not position.net or (symbol and held != symbol):
                continue
            product = self._market.instrument(held).product
            side = Side.SELL if position.net > 0 else Side.BUY
            lots, number = self._state.reducible(account, held, side), 0
            while lots > 0:
                number += 1
                part = min(lots, product.max_market_lots_night)
                order = self.submit(close_order(request_id, number, account, held, side, part))
                if isinstance(order, Refused) or order.status is OrderStatus.DENIED:
                    sent.append(f"{held}: refused: {order.text}")
                    break
                sent.append(f"{side} {order.quantity} {held}: {order.status}")
                lots -= order.quantity
        return "; ".join(sent) or "no closing order was needed now"

    def cancel_all(self, symbol: str, *, only_resting: bool = False) -> int:
        """Asks the broker to cancel every working order; returns how many were asked for."""
        count = 0
        for order in self._state.working(symbol):
            if only_resting and order.time_in_force is not TimeInForce.ROD:
                continue
            try:
                self._broker.cancel(order)
                count += 1
            except (BrokerRefused, BrokerAmbiguous) as error:
                log.warning("cancel failed", order=order.client_order_id, error=str(error))
        return count

    def refuse_signal(self, refused: SignalRefused) -> None:
        """Writes that no order will be made of a signal, unless one was made already."""
        signal_id = refused.signal.signal_id
        if signal_id in self._state.order_of_signal:
            return
        if known := self._state.refused.get(signal_id):
            refused = known  # told again, for whoever missed it
        else:
            self._journal.record(refused)
        self._journal.tell(f"condition.{refused.signal.condition_id}", refused, signal_id)
        self._on_decided()

    # --- from the broker -----------------------------------------------------------------------------------------

    def take_report(self, report: OrderReport) -> None:
        order = self._state.orders.get(report.client_order_id)
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
            self._journal.tell_order(replace(changed, ts_updated=report.ts_event))
            self._on_decided()

    def take_fill(self, fill: Fill) -> None:
        if (fill.account, fill.fill_id) in self._state.fills:
            return
        order = self._state.orders.get(fill.client_order_id)
        if order is None:
            log.warning("fill of another program", fill=fill.fill_id, note=fill.client_order_id)
            return
        fill = replace(fill, condition_id=order.condition_id)
        self._journal.record(fill)
        self._journal.tell(f"fill.{fill.symbol}", fill, order.client_order_id)
        try:
            self._journal.tell_order(order.with_fill(fill.price, fill.quantity, fill.ts_event), fill.fill_id)
        except OrderStateError as error:
            log.error("fill does not fit its order", order=order.client_order_id, error=str(error))
        position = self._state.positions[(fill.account, fill.symbol)]
        self._journal.tell(f"position.{fill.symbol}", position, fill.fill_id)

    def reconcile(self) -> None:
        """Asks the broker what became of every order that is not final."""
        open_orders = self._state.working() + [
            order for order in self._state.orders.values() if order.status is OrderStatus.INTENT
        ]
        if not open_orders:
            return
        for account in self._accounts:
            try:
                reports = self._broker.query_orders(account)
                fills = self._broker.query_fills(account)
            except (BrokerRefused, BrokerAmbiguous) as error:
                log.warning("reconciliation failed", account=account, error=str(error))
                continue
            for fill in fills:
                self.take_fill(fill)
            for report in reports:
                self.take_report(report)
            known = {report.client_order_id for report in reports}
            for order in open_orders:
                if order.account == account and order.client_order_id not in known:
                    self._never_arrived(self._state.orders[order.client_order_id])

    def ask_about_unknown(self) -> None:
        """Asks the broker about orders whose call was not answered; called about once a second."""
        now = time.monotonic()
        unknown = [order for order in self._state.working() if order.status is OrderStatus.UNKNOWN]
        self._unknown_since = {
            order.client_order_id: self._unknown_since.get(order.client_order_id, now) for order in unknown
        }
        if unknown:
            self.reconcile()

    def _is_given_up(self, order: Order) -> bool:
        """Whether an order that the broker does not know has had its time to arrive."""
        since = self._unknown_since.get(order.client_order_id)
        return since is None or time.monotonic() - since > _ARRIVES_WITHIN_S

    def _never_arrived(self, order: Order) -> None:
        """Ends an order of the present session that the broker, asked after the link came back, does not know."""
        session = self._market.session(self._market.instrument(order.symbol))
        is_open = order.status in (OrderStatus.UNKNOWN, OrderStatus.INTENT) and self._is_given_up(order)
        if is_open and session is not None and session.contains(order.ts_created):
            now = self._market.now_ns()
            text = "the broker does not know it: it never arrived"
            self._journal.tell_order(order.moved(OrderStatus.REJECTED, now, reason=Reason.AMBIGUOUS, text=text))
            self._on_decided()


def close_order(request_id: str, number: int, account: str, symbol: str, side: Side, lots: int) -> SubmitOrder:
    """The market order of one slice of a flatten; its id comes from the request, so repeating it is safe."""
    return SubmitOrder(
        client_order_id=client_order_id(f"{request_id}/{account}/{symbol}/{number}"),
        account=account,
        symbol=symbol,
        side=side,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
        price=0,
        quantity=lots,
        reduce_only=True,
    )
