"""Protection coverage: which lots of each position are guarded now, by what, and which are naked for too long.

Computed from the ledger's fills, the live conditions and the health of the processes and links that a guard needs;
a strategy's own word on what it holds is not asked.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from engine import logs
from engine.gateway.state import TradingState
from engine.model.condition import Condition, ConditionState
from engine.model.guard import Coverage, Guard, GuardFault
from engine.model.market import LinkState, LinkStatus
from engine.model.order import Order, OrderStatus, Side
from engine.model.position import Position

log = logs.get(__name__)

Key = tuple[str, str]

_FAILED_EXITS: Final = 3
"""So many exits in a row that ended without a lot do not look as if the next one would close anything."""
_EXIT_UNKNOWN_S: Final = 10.0
"""What became of an exit is asked for after 5 s; who does not know it by now does not know that it guards."""


class CoverageWatch:
    """Used on the gateway's thread only.

    Args:
        state: fills, orders and conditions.
        links: of the gateway, by name.
        feed_state: how the feed of a contract is.
        guard_fault: what is wrong with the processes that guard a condition.
        alarm_s: how long lots may be naked before it is an alarm.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        state: TradingState,
        links: Mapping[str, LinkStatus],
        feed_state: Callable[[str], LinkState],
        guard_fault: Callable[[str], GuardFault],
        alarm_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._state, self._links = state, links
        self._feed_state, self._guard_fault = feed_state, guard_fault
        self._alarm_s, self._clock = alarm_s, clock
        self._naked_from: dict[Key, float] = {}
        self._unanswered: dict[str, float] = {}
        """Exits of which nobody said yet what became of them, and since when they are seen."""
        self.now: dict[Key, Coverage] = {}
        """As of the last look; flat positions included once they were held."""

    def look(self) -> list[Coverage]:
        """Computes everything anew and returns what changed since the last look."""
        self._unanswered = {
            order.client_order_id: self._unanswered.get(order.client_order_id, self._clock())
            for order in self._state.working()
            if order.reduce_only and order.status in (OrderStatus.SENT, OrderStatus.UNKNOWN)
        }
        changed = []
        for key, position in self._state.positions.items():
            before = self.now.get(key)
            if not position.net and before is None:
                continue
            now = self._aged(key, self._coverage(position), before)
            if now != before:
                self.now[key] = now
                changed.append(now)
        return changed

    def _coverage(self, position: Position) -> Coverage:
        """How far a position is guarded, its age left out."""
        account, symbol, lots = position.account, position.symbol, abs(position.net)
        sign = 1 if position.net > 0 else -1
        guards = tuple(self._guards(account, symbol))
        exit_side = Side.SELL if sign > 0 else Side.BUY
        exits = self._state.exits(account, symbol, exit_side)
        closing = min(lots, sum(order.remaining for order in exits if self._is_closing(order)))
        working = [item.lots for item in guards if item.fault is GuardFault.NONE and self._sign(item) == sign]
        held = sum(item.lots for item in guards if item.fault is GuardFault.HELD and self._sign(item) == sign)
        guarded = min(lots, max(sum(working), closing))
        naked = lots - guarded
        return Coverage(
            account=account,
            symbol=symbol,
            net=position.net,
            guarded=guarded,
            naked=naked,
            closing=closing,
            guards=guards,
            is_by_choice=0 < naked <= held,
        )

    def _sign(self, guard: Guard) -> int:
        return self._state.holding(guard.condition_id).sign

    def _guards(self, account: str, symbol: str) -> Iterator[Guard]:
        for key, held in self._state.holdings.items():
            condition, lots = self._state.conditions.get(key), self._state.held(key)
            if condition is None or not lots or (held.account, held.symbol) != (account, symbol):
                continue
            levels = condition.levels
            yield Guard(
                condition_id=key,
                lots=lots,
                state=condition.state,
                take_profit=levels.take_profit,
                stop_loss=levels.stop_loss,
                session_end=condition.spec.session_end,
                fault=self._fault(condition),
            )

    def _fault(self, condition: Condition) -> GuardFault:
        if condition.state is ConditionState.HELD:
            return GuardFault.HELD
        if fault := self._guard_fault(condition.condition_id):
            return fault
        trade = self._links.get("trade")
        if trade is not None and trade.state in (LinkState.DOWN, LinkState.CONNECTING):
            return GuardFault.LINK_DOWN
        if self._feed_state(condition.spec.symbol) is not LinkState.UP:
            return GuardFault.FEED_STALE
        if any(
            self._is_lost(order) for order in self._state.working() if order.condition_id == condition.condition_id
        ):
            return GuardFault.EXIT_UNKNOWN
        return GuardFault.EXIT_FAILING if self._is_failing(condition.condition_id) else GuardFault.NONE

    def _is_closing(self, order: Order) -> bool:
        """Whether a working exit can be trusted to close its lots."""
        return not self._is_lost(order) and not self._is_failing(order.condition_id)

    def _is_lost(self, order: Order) -> bool:
        """Whether nobody has said for too long what became of an exit."""
        since = self._unanswered.get(order.client_order_id)
        return since is not None and self._clock() - since > _EXIT_UNKNOWN_S

    def _is_failing(self, condition_id: str) -> bool:
        """Whether a condition exits, and its exits have ended without a lot one after the other."""
        condition = self._state.conditions.get(condition_id)
        is_exiting = condition is not None and condition.state is ConditionState.EXITING
        return is_exiting and self._state.holding(condition_id).failed_exits >= _FAILED_EXITS

    def _aged(self, key: Key, coverage: Coverage, before: Coverage | None) -> Coverage:
        """With the time since when lots are naked; raises and clears the alarm."""
        if not coverage.naked:
            if before is not None and before.is_alarm:
                log.warning("position is guarded again", symbol=coverage.symbol, net=coverage.net)
            self._naked_from.pop(key, None)
            return coverage
        since = self._naked_from.setdefault(key, self._clock())
        is_alarm = not coverage.is_by_choice and self._clock() - since > self._alarm_s
        if is_alarm and not (before and before.is_alarm):
            log.warning("lots are not guarded", symbol=coverage.symbol, naked=coverage.naked, net=coverage.net)
        naked_since = before.naked_since if before and before.naked_since else time.time_ns()
        return replace(coverage, naked_since=naked_since, is_alarm=is_alarm)
