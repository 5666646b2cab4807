"""Reconciliation: compares our books with the broker's, continuously, and says where they differ.

Orders in flight, open orders and positions have their own intervals; together they stay inside what the broker
takes. What is missing here is taken over; what cannot be explained is a difference that a person sees. Orders made
elsewhere are taken over as external and never touched.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from engine import logs
from engine.gateway.enquiry import Enquirer, Statement
from engine.gateway.journal import Journal
from engine.gateway.market import Market
from engine.gateway.orders import Orders
from engine.model.books import Difference, DifferenceKind, PositionAdjusted
from engine.model.market import LinkState
from engine.model.order import Order, OrderStatus, Reason
from engine.model.session import SessionKind
from engine.settings import Reconciliation
from engine.timing import NS_PER_S

log = logs.get(__name__)

_UNANSWERED_S: Final = 30.0
"""A question that is out for so long is counted as lost; the next one may be asked."""
_AGAIN_S: Final = 1.0
"""A difference is believed when it is still there, unchanged, after this time: a report may just be on its way."""
_ASKED_AGAIN_S: Final = 2.0
"""Between two questions about orders in flight."""
_AFTER_CLOSE_NS: Final = 60 * NS_PER_S
"""What the exchange has to say of the end of a session is said by then."""

Key = tuple[str, str]


@dataclass(slots=True)
class _Flattened:
    """A contract ('' = all) whose flattening ends when the broker says what is left.

    Attributes:
        symbol: of it.
        since: answers to what was asked before this are too old.
        accounts: those that have not answered.
        left: lots and contracts at those that have.
    """

    symbol: str
    since: float
    accounts: set[str]
    left: list[str] = field(default_factory=list)


class Reconciler:
    """Used on the gateway's thread only.

    Args:
        journal: writes and tells.
        market: contracts, prices and sessions.
        orders: takes what the broker knows.
        accounts: order accounts of the login.
        settings: intervals.
        enquirer: puts the questions.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        journal: Journal,
        market: Market,
        orders: Orders,
        accounts: tuple[str, ...],
        settings: Reconciliation,
        enquirer: Enquirer,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal, self._market, self._orders = journal, market, orders
        self._state, self._accounts, self._settings = journal.state, accounts, settings
        self._enquirer, self._clock = enquirer, clock
        self._asked_orders = self._asked_positions = self._clock()
        self._outstanding: dict[str, float] = {}
        self._spent: deque[float] = deque()
        self._linked_at = self._clock()
        """Since when the link is up; what was asked before says nothing of what happened meanwhile."""
        self._in_flight: dict[str, float] = {}
        """Orders whose outcome nobody knows, and since when, not counting the time without a link."""
        self._absent: dict[str, float] = {}
        """Those of them that an answer did not list, and when that answer was asked for."""
        self._suspects: dict[Key, tuple[int, int, int]] = {}
        """Positions that differed in the last answer: ours, theirs and the number of fills known then."""
        self._suspected_at = 0.0
        self._unfinished = set(accounts)
        """Accounts that have not been compared since the link came up."""
        self._positions: dict[str, dict[str, int]] = {}
        """The broker's last word on each account's lots."""
        self._flattened: list[_Flattened] = []

    @property
    def is_complete(self) -> bool:
        """Every account has been compared since the link came up; before, no entry passes."""
        return not self._unfinished

    # --- asking --------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The link is up (again): everything is compared before anything new is entered."""
        self._unfinished = set(self._accounts)
        self._linked_at = self._clock()
        self._in_flight.clear()
        self._absent.clear()
        self._ask_anew()

    def interrupt(self) -> None:
        """The link is down: what happens at the broker meanwhile is not known."""
        self._unfinished = set(self._accounts)

    def ask(self, *, positions: bool = True) -> None:
        """Compares everything now; an answer that is on its way already counts."""
        for account in self._accounts:
            if self._clock() - self._outstanding.get(account, -_UNANSWERED_S) >= _UNANSWERED_S:
                self._outstanding[account] = self._clock()
                self._spent.extend([self._clock()] * (3 if positions else 2))
                self._enquirer.ask(account, positions=positions)
        self._asked_orders = self._clock()
        if positions:
            self._asked_positions = self._clock()

    def confirm(self, symbol: str) -> None:
        """A flattening has ended here: asks the broker what is left, and tells it."""
        self._flattened.append(_Flattened(symbol, self._clock(), set(self._accounts)))
        self._ask_anew()

    def _ask_anew(self) -> None:
        """An answer that is on its way is too old."""
        self._outstanding.clear()
        self.ask()

    def look(self) -> None:
        """Asks what is due; called about once a second."""
        now = self._clock()
        unsure = [
            order
            for order in self._state.working()
            if order.status in (OrderStatus.UNKNOWN, OrderStatus.SENT) and not order.is_external
        ]
        self._in_flight = {
            order.client_order_id: self._in_flight.get(order.client_order_id, now) for order in unsure
        }
        if self._market.broker.is_paced and not self._unfinished:
            return
        while self._spent and now - self._spent[0] > 60:
            self._spent.popleft()
        if len(self._spent) + 3 > self._settings.queries_per_minute:
            return
        if self._unfinished or self._positions_due(now):
            self.ask()
        elif self._orders_due(now):
            self.ask(positions=False)

    def _positions_due(self, now: float) -> bool:
        if self._suspects and now - self._suspected_at >= _AGAIN_S:
            return True
        if self._absent and now - self._asked_positions >= _ASKED_AGAIN_S:
            return True
        return now - self._asked_positions >= self._settings.positions_s

    def _orders_due(self, now: float) -> bool:
        since = now - self._asked_orders
        has_unknown = any(order.status is OrderStatus.UNKNOWN for order in self._state.working())
        waits = [now - began for began in self._in_flight.values()]
        if (has_unknown or (waits and max(waits) >= self._settings.in_flight_s)) and since >= _ASKED_AGAIN_S:
            return True
        return bool(self._state.working()) and since >= self._settings.open_orders_s

    # --- comparing -----------------------------------------------------------------------------------------------

    def take(self, statement: Statement) -> None:
        """Compares an answer with our books."""
        self._outstanding.pop(statement.account, None)
        is_old = statement.asked < self._linked_at
        if statement.problem:
            log.warning("the broker's books cannot be read", account=statement.account, error=statement.problem)
            self._journal.set_link("books", LinkState.STALE, statement.problem)
            return
        for fill in statement.fills:
            self._orders.take_fill(fill)
        for report in statement.reports:
            self._orders.take_report(report, has_all_fills=True)
        if is_old:
            return
        self._compare_orders(statement)
        if statement.positions is not None:
            self._positions[statement.account] = statement.positions
            self._compare_positions(statement.account, statement.positions)
            self._unfinished.discard(statement.account)
            self._confirm_flat(statement)
        self._journal.touch_link("books")

    def _compare_orders(self, statement: Statement) -> None:
        reports = {report.client_order_id: report for report in statement.reports}
        for order in self._state.working():
            if order.account != statement.account or order.is_external:
                continue
            if order.client_order_id not in reports:
                self._not_known_there(order, statement)
        for item in list(self._state.differences.values()):
            if (item.kind, item.account) == (DifferenceKind.ORDER, statement.account):
                order = self._state.orders[item.client_order_id]
                if order.status.is_final or order.client_order_id in reports:
                    self._absent.pop(order.client_order_id, None)
                    self._differ(replace(item, is_settled=True, text="", ts_event=self._market.now_ns()))
        for report in statement.reports:
            known = self._state.orders.get(report.client_order_id)
            if known is not None and not known.is_external:
                self._compare_filled(known, report.filled)

    def _not_known_there(self, order: Order, statement: Statement) -> None:
        """An order works here, and the broker does not list it.

        One answer may lag behind. Only where a later one does not list it either, and its positions are ours, the
        order never arrived. One that is UNKNOWN and whose session is over stays so: the broker lists only the
        present trade date, so that a person has to find out.
        """
        now, is_over = self._market.now_ns(), self._is_over(order)
        if is_over and order.status is not OrderStatus.UNKNOWN:
            text = "its session is over and the broker does not list it any more"
            self._journal.tell_order(order.moved(OrderStatus.EXPIRED, now, reason=Reason.SESSION_ENDED, text=text))
        began, asked = self._in_flight.get(order.client_order_id), statement.asked
        if is_over or began is None or asked - began < self._settings.in_flight_s:
            return
        first = self._absent.setdefault(order.client_order_id, asked)
        if asked - first < _ASKED_AGAIN_S or not self._agree(order, statement):
            self._tell_absent(order)
            return
        text = "the broker does not know it: it never arrived"
        self._journal.tell_order(order.moved(OrderStatus.REJECTED, now, reason=Reason.AMBIGUOUS, text=text))
        self._orders.decided()

    def _agree(self, order: Order, statement: Statement) -> bool:
        """Whether the broker's lots of an order's contract are ours: had it traded, they would not be."""
        if statement.positions is None:
            return False
        return statement.positions.get(order.symbol, 0) == self._state.net(order.account, order.symbol)

    def _tell_absent(self, order: Order) -> None:
        text = "the broker does not list an order that works here: ask again, or look it up there and settle it"
        self._differ(
            Difference(
                kind=DifferenceKind.ORDER,
                account=order.account,
                symbol=order.symbol,
                client_order_id=order.client_order_id,
                ours=order.status,
                theirs="not listed",
                text=text,
                ts_event=self._market.now_ns(),
            )
        )

    def _is_over(self, order: Order) -> bool:
        """Whether the session that an order was made for has ended a while ago."""
        last, calendar = self._market.instrument(order.symbol).last_trading_day, self._market.calendar
        session = calendar.session_at(order.ts_created, last_trading_day=last)
        session = session or calendar.next_session(order.ts_created, last_trading_day=last)
        return session is None or self._market.now_ns() > session.close_ns + _AFTER_CLOSE_NS

    def _compare_filled(self, order: Order, theirs: int) -> None:
        text = f"the broker counts {theirs} lots filled, its fills add up to {order.filled}: ask the broker"
        self._differ(
            Difference(
                kind=DifferenceKind.FILL,
                account=order.account,
                symbol=order.symbol,
                client_order_id=order.client_order_id,
                ours=str(order.filled),
                theirs=str(theirs),
                text=text,
                is_settled=theirs <= order.filled,
                ts_event=self._market.now_ns(),
            )
        )

    def _compare_positions(self, account: str, theirs: dict[str, int]) -> None:
        fills = len(self._state.fills)
        held = {symbol for (owner, symbol) in self._state.positions if owner == account}
        for symbol in sorted(filter(self._orders.knows, held | theirs.keys())):
            key, ours, there = (account, symbol), self._state.net(account, symbol), theirs.get(symbol, 0)
            is_known = (DifferenceKind.POSITION, account, symbol, "") in self._state.differences
            seen = (ours, there, fills)
            if ours == there:
                self._suspects.pop(key, None)
                self._tell_position(account, symbol, ours, there)
                self._settle_fills(account, symbol)
            elif self._is_settled_by_exchange(symbol, there):
                text = "the contract expired; the exchange settles it"
                self.adjust(account, symbol, -ours, 0, "settlement", text)
            elif is_known or self._suspects.get(key) == seen:
                self._suspects.pop(key, None)
                self._tell_position(account, symbol, ours, there)
            else:
                self._suspects[key], self._suspected_at = seen, self._clock()

    def _settle_fills(self, account: str, symbol: str, *, is_by_person: bool = False) -> None:
        """The positions agree: fills of an order that is listed no more do not differ any longer."""
        for item in list(self._state.differences.values()):
            if (item.kind, item.account, item.symbol) != (DifferenceKind.FILL, account, symbol):
                continue
            order = self._state.orders[item.client_order_id]
            if is_by_person or self._is_over(order):
                self._differ(replace(item, is_settled=True, text="", ts_event=self._market.now_ns()))

    def _is_settled_by_exchange(self, symbol: str, theirs: int) -> bool:
        last = self._market.instrument(symbol).last_trading_day
        end = self._market.calendar.session(last, SessionKind.DAY, last_trading_day=last).close_ns
        return theirs == 0 and self._market.now_ns() > end + _AFTER_CLOSE_NS

    def _tell_position(self, account: str, symbol: str, ours: int, theirs: int) -> None:
        text = (
            f"we count {ours:+d} lots, the broker {theirs:+d}: no entry passes in {symbol} until they agree. "
            "Ask again, or take over the broker's figure"
        )
        self._differ(
            Difference(
                kind=DifferenceKind.POSITION,
                account=account,
                symbol=symbol,
                ours=str(ours),
                theirs=str(theirs),
                text="" if ours == theirs else text,
                is_settled=ours == theirs,
                ts_event=self._market.now_ns(),
            )
        )

    def _differ(self, difference: Difference) -> None:
        """Records and tells a difference that is new, changed or over."""
        before = self._state.differences.get(difference.key)
        if before is None and difference.is_settled:
            return
        is_same = before is not None and (before.ours, before.theirs) == (difference.ours, difference.theirs)
        if is_same and not difference.is_settled:
            return
        is_mild = difference.is_settled or difference.kind is DifferenceKind.ORDER
        level = log.warning if is_mild else log.error
        level("books differ", kind=difference.kind, symbol=difference.symbol, text=difference.text)
        self._journal.record(difference)
        self._journal.tell(f"difference.{difference.symbol}", difference)

    # --- what a person decides -----------------------------------------------------------------------------------

    def adopt_position(self, account: str, symbol: str, price: int) -> str:
        """Takes over the broker's last figure; says what was done, or why not, beginning with ``no``."""
        if not self._orders.knows(symbol):
            return f"no contract {symbol} is traded here"
        theirs = self._positions.get(account, {}).get(symbol, 0)
        lots = theirs - self._state.net(account, symbol)
        if account not in self._positions or not lots:
            return f"no difference is known for {symbol}; ask the broker first"
        tick = self._market.ticks.last_tick(symbol)
        price = price or (tick.price if tick else 0)
        if not price:
            return f"no price is known for {symbol}; give one"
        self.adjust(account, symbol, lots, price, "window", "a person took over the broker's figure")
        self._tell_position(account, symbol, theirs, theirs)
        self._settle_fills(account, symbol, is_by_person=True)
        return f"{lots:+d} lots of {symbol} at {price}; the position is {theirs:+d} now"

    def adjust(self, account: str, symbol: str, lots: int, price: int, by: str, text: str) -> None:
        """Changes our position without a fill; where no price is given, the last trade or the average cost."""
        position = self._state.positions.get((account, symbol))
        if not price:
            tick = self._market.ticks.last_tick(symbol)
            average = position.average_price if position else None
            price = tick.price if tick else round(average or 0)
        adjusted = PositionAdjusted(
            account=account,
            symbol=symbol,
            lots=lots,
            price=price,
            by=by,
            text=text,
            ts_event=self._market.now_ns(),
        )
        log.warning("position adjusted", symbol=symbol, lots=lots, price=price, by=by)
        self._journal.record(adjusted)
        self._journal.tell(f"position.{symbol}", self._state.positions[(account, symbol)])

    def _confirm_flat(self, statement: Statement) -> None:
        """Tells what the broker says is left after a flattening, once every account has answered."""
        for item in list(self._flattened):
            if statement.asked < item.since or statement.account not in item.accounts:
                continue
            item.accounts.discard(statement.account)
            for symbol, lots in (statement.positions or {}).items():
                if lots and item.symbol in ("", symbol):
                    item.left.append(f"{lots:+d} {symbol}")
            if not item.accounts:
                self._flattened.remove(item)
                self._tell_flat(item)

    def _tell_flat(self, item: _Flattened) -> None:
        if item.left:
            text = f"the broker still holds {', '.join(item.left)}"
            self._journal.set_link("flatten", LinkState.DOWN, text)
        else:
            self._journal.set_link("flatten", LinkState.UP, f"the broker holds nothing {item.symbol}".rstrip())
