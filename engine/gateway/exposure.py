"""What the account is exposed to: the figures that risk compares with its limits, and what they remember.

Knows positions, working orders, the trade date's profit and how many entries passed; decides nothing itself.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from engine.brokers.base import ApprovedOrder
from engine.gateway.market import Market
from engine.gateway.profit import DayProfit, TradeDay
from engine.gateway.risk import RiskContext, worst_lots
from engine.gateway.state import TradingState
from engine.model.books import DifferenceKind
from engine.model.condition import ConditionState
from engine.model.instrument import Instrument
from engine.model.market import HaltDepth
from engine.model.order import Order, OrderStatus, Side
from engine.model.position import Account
from engine.settings import HaltRule, Risk, margins
from engine.timing import NS_PER_S

_MINUTE_S: Final = 60.0
_OTHER_LOTS: Final = frozenset({DifferenceKind.POSITION, DifferenceKind.FILL})


@dataclass(slots=True)
class _Lots:
    """Of one contract in one account: held, and signed lots of working entries of each side."""

    net: int = 0
    buying: int = 0
    selling: int = 0

    def entering(self, side: Side) -> int:
        return self.buying if side is Side.BUY else self.selling

    @property
    def worst(self) -> int:
        return worst_lots(self.net, self.buying, self.selling)


class Exposure:
    """Used on the gateway's thread only.

    Args:
        state: orders, fills, positions and the limits that hold now.
        market: contracts, prices and sessions.
        accounts: the order accounts of the login.
        clock: monotonic seconds.
        is_reconciled: whether the ledger was compared with the broker since the link came up.
    """

    def __init__(
        self,
        state: TradingState,
        market: Market,
        accounts: tuple[Account, ...],
        clock: Callable[[], float] = time.monotonic,
        *,
        is_reconciled: Callable[[], bool],
    ) -> None:
        self._state, self._market, self._clock = state, market, clock
        self._is_reconciled = is_reconciled
        self._equity = {account.account: account.equity for account in accounts}
        self._entered: deque[float] = deque()
        """When each entry of the last minute passed."""
        self._last_of_person: tuple[tuple[object, ...], float] | None = None
        self._halted_for: tuple[date, int, HaltRule] | None = None
        """The loss for which trading was halted already: a person who resumes is not overruled."""
        self._begin_day(self._now_ns())
        self._restore_minute()

    def _now_ns(self) -> int:
        return max(0, self._market.now_ns())

    # --- the trade date ------------------------------------------------------------------------------------------

    def _begin_day(self, now_ns: int) -> None:
        self._day = TradeDay.at(now_ns, self._market.calendar)
        self._profit = DayProfit(self._state, self._market, self._day)
        self._day_entries = sum(1 for order in self._passed_before() if self._day.contains(order.ts_created))

    def _look_at_date(self) -> None:
        if not self._day.contains(now := self._now_ns()):
            self._begin_day(now)

    def _passed_before(self) -> Iterator[Order]:
        """Entries that the ledger knows; a person's closing order looks like one there and counts as one."""
        for order in self._state.orders.values():
            if not (order.reduce_only or order.is_external or order.status is OrderStatus.DENIED):
                yield order

    def _restore_minute(self) -> None:
        now_ns = self._now_ns()
        ages = ((now_ns - order.ts_created) / NS_PER_S for order in self._passed_before())
        recent = sorted((age for age in ages if 0 <= age < _MINUTE_S), reverse=True)
        now_s = now_ns / NS_PER_S if self._market.broker.is_paced else self._clock()
        self._entered.extend(now_s - age for age in recent)

    # --- for the rules -------------------------------------------------------------------------------------------

    def context(self, order: Order, instrument: Instrument) -> RiskContext:
        """What the rules look at for an order that is not sent, or whose change is not."""
        self._look_at_date()
        limits, market, now = self._state.limits, self._market, order.ts_created
        last_day = instrument.last_trading_day
        current = market.calendar.session_at(now, last_trading_day=last_day)
        session = current or market.calendar.next_session(now, last_trading_day=last_day)
        tick = market.ticks.last_tick(order.symbol)
        condition = self._state.conditions.get(order.condition_id)
        lots = self._lots(order)
        own = lots.pop(order.symbol, _Lots())
        return RiskContext(
            limits=limits,
            instrument=instrument,
            contract=market.contracts.get(order.symbol),
            net=own.net,
            working=own.entering(order.side),
            opposing=own.entering(order.side.opposite),
            other_lots=sum(item.worst for item in lots.values()),
            other_margin=self._margin(lots, limits),
            equity=self._equity.get(order.account),
            day_pnl=self._profit.of(order.account) if limits.max_daily_loss else None,
            last_price=tick.price if tick else 0,
            silence_s=market.silence_s(order.symbol),
            phase=market.calendar.phase_at(now, last_trading_day=last_day),
            session=session.kind if session else None,
            closes_in_s=max(0, current.close_ns - now) / NS_PER_S if current else None,
            halt=self._state.halt,
            is_reconciled=self._is_reconciled(),
            difference=self._difference(order),
            is_cancelled=condition is not None and condition.state is ConditionState.CANCELLED,
            minute_entries=self._minute_entries(order),
            day_entries=self._day_entries,
            repeated_after_s=self._repeated_after_s(order),
            is_heard=market.is_heard(order.symbol, limits.stale_feed_s),
        )

    def _lots(self, order: Order) -> dict[str, _Lots]:
        """Lots of every contract of the order's account, without the order itself."""
        found: dict[str, _Lots] = {}
        for (account, symbol), position in self._state.positions.items():
            if account == order.account:
                found.setdefault(symbol, _Lots()).net = position.net
        for item in self._state.working():
            if item.account != order.account or item.reduce_only or item.client_order_id == order.client_order_id:
                continue
            if (lots := found.get(item.symbol)) is None:
                lots = found[item.symbol] = _Lots()
            if item.side is Side.BUY:
                lots.buying += item.quantity - item.filled
            else:
                lots.selling -= item.quantity - item.filled
        return found

    def _difference(self, order: Order) -> tuple[str, str] | None:
        for item in self._state.differences.values():
            if (item.account, item.symbol) == (order.account, order.symbol) and item.kind in _OTHER_LOTS:
                return item.ours, item.theirs
        return None

    def _margin(self, lots: dict[str, _Lots], limits: Risk) -> int | None:
        known, bound = margins(limits.margin_per_lot), 0
        for symbol, item in lots.items():
            per_lot = known.get(self._state.instruments[symbol].product.code)
            if per_lot is None and item.worst:
                return None
            bound += (per_lot or 0) * item.worst
        return bound

    def _instant_s(self, order: Order) -> float:
        """A paced market (replay) must refuse the same orders however fast it runs; elsewhere wall time counts."""
        return order.ts_created / NS_PER_S if self._market.broker.is_paced else self._clock()

    def _minute_entries(self, order: Order) -> int:
        now = self._instant_s(order)
        while self._entered and self._entered[0] <= now - _MINUTE_S:
            self._entered.popleft()
        return len(self._entered)

    def _repeated_after_s(self, order: Order) -> float | None:
        if order.signal_id or self._last_of_person is None or self._last_of_person[0] != _intent(order):
            return None
        return self._clock() - self._last_of_person[1]

    def passed(self, approved: ApprovedOrder) -> None:
        """Remembers an order that has passed risk as new."""
        order = approved.order
        if not order.signal_id:
            self._last_of_person = (_intent(order), self._clock())
        if not approved.is_reducing:
            self._entered.append(self._instant_s(order))
            self._day_entries += 1

    # --- the day's loss ------------------------------------------------------------------------------------------

    def day_pnl(self, account: str) -> Decimal:
        """What an account has gained in the present trade date, TWD: see :class:`DayProfit`."""
        self._look_at_date()
        return self._profit.of(account)

    def loss_reached(self, limits: Risk) -> str:
        """Which account has lost all that the limits allow in a trade date, as a sentence; empty if none has."""
        if not limits.max_daily_loss:
            return ""
        for account in self._equity:
            lost = -self.day_pnl(account)
            if lost >= limits.max_daily_loss:
                return (
                    f"account {account} has lost {lost:,.0f} TWD in the trade date {self._day.trade_date}, "
                    f"the limit is {limits.max_daily_loss:,} TWD"
                )
        return ""

    def rule_halt(self) -> tuple[HaltRule, str] | None:
        """How deep a rule wants trading halted and why, until it is; called about once a second.

        A person who resumes although the loss stands has decided so: it is not asked for again until the loss was
        smaller than the limit meanwhile, or limit or trade date are others. Entries are refused all the same.
        """
        limits = self._state.limits
        rule, reached = limits.daily_loss_halt, self.loss_reached(limits)
        if not reached or rule is HaltRule.NONE:
            self._halted_for = None
            return None
        cause = (self._day.trade_date, limits.max_daily_loss, rule)
        if self._state.halt >= HaltDepth[rule.name]:
            self._halted_for = cause
        return None if self._halted_for == cause else (rule, reached)


def _intent(order: Order) -> tuple[object, ...]:
    """What a person wanted; a second click wants the same."""
    return (order.account, order.symbol, order.side, order.order_type, order.price, order.quantity)
