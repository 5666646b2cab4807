"""What is traded in one run: small conditions near the price that enter and exit within a second or two."""

import random
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from engine.drill.results import BrokenPromise, Promise
from engine.model.condition import (
    Condition,
    ConditionAction,
    ConditionCommand,
    ConditionSpec,
    ConditionState,
)
from engine.model.order import OrderType, Side, SubmitOrder, TimeInForce

if TYPE_CHECKING:
    from engine.drill.bench import Bench, Seen

_FAR: Final = 300
"""Points that the price does not go by itself within a run."""
_IN: Final = (ConditionState.OPEN, ConditionState.EXITING)
_AGAIN_S: Final = 0.4
"""Between two requests of a person about one condition."""
_PATIENCE_S: Final = 6.0
"""How long a condition may wait for its entry."""
_FILLED_S: Final = 10.0
"""How long a person's market order may take."""


class Scenario:
    """The conditions of a run.

    Args:
        number: of the run; part of the conditions' ids.
        draw: of everything random in it.
        bench: where it trades.
    """

    def __init__(self, number: int, draw: random.Random, bench: "Bench") -> None:
        self._number, self._draw, self._bench = number, draw, bench
        self._puts = 0
        self.holds = False
        """Exits are far away, so that lots are held until somebody closes them."""
        self.specs: dict[str, ConditionSpec] = {}
        """What was asked for, of each condition."""
        self.proofs = 0
        """How often its guards were put to the proof, and acted."""
        self._asked: dict[str, float] = {}
        self._orders = 0
        self._put_at = 0.0

    def put(self, *, holds: bool, is_by_hand: bool = True) -> None:
        """Puts and arms conditions at the price.

        Args:
            holds: exits are far away, so that lots are held until somebody closes them.
            is_by_hand: a person may take those lots by hand.
        """
        self._bench.watch_contract()
        self._puts += 1
        self._put_at, self.holds = time.monotonic(), holds
        draw = self._draw
        sides = [draw.choice((Side.BUY, Side.SELL))]
        if draw.random() < 0.4:
            sides.append(sides[0].opposite)
        group = f"g{self._number}-{self._puts}" if len(sides) > 1 and draw.random() < 0.5 else ""
        by_hand = draw.random() < 0.3
        if holds and by_hand and is_by_hand:
            self.guard_by_hand(sides[0])
            return
        for place, side in enumerate(sides):
            spec = self._spec(f"d{self._number}-{self._puts}{'ab'[place]}", side, holds, group)
            self.specs[spec.condition_id] = spec
            self._bench.conditions[spec.condition_id] = spec.quantity
            if group:
                self._bench.groups.setdefault(group, set()).add(spec.condition_id)
            for action in (ConditionAction.PUT, ConditionAction.ARM):
                put = spec if action is ConditionAction.PUT else None
                self._bench.ask(ConditionCommand(action=action, condition_id=spec.condition_id, spec=put))

    def guard_by_hand(self, side: Side | None = None) -> None:
        """A person buys or sells at the market and puts the lots under guard."""
        side, lots = side or self._draw.choice((Side.BUY, Side.SELL)), self._draw.randint(1, 3)
        self.trade_by_hand(side, lots)
        self.guard(side, lots)

    def trade_by_hand(self, side: Side, lots: int) -> None:
        """A person buys or sells at the market; what is denied or finds nobody to trade with is ordered again.

        Raises:
            BrokenPromise: it is not filled in time.
        """
        bench = self._bench
        symbol = bench.world.symbol
        bench.watch_contract()
        deadline = bench.now() + _FILLED_S
        wanted = bench.look().net + side.sign * lots
        while bench.look().net != wanted or bench.seen.probed.net.get(symbol, 0) != wanted:
            if bench.now() > deadline:
                raise BrokenPromise(
                    Promise.RECOVERY, f"a market order by hand was not filled within {_FILLED_S:g} s"
                )
            left = abs(wanted - bench.seen.net)
            if left and bench.seen.probed.net.get(symbol, 0) == bench.seen.net and bench.is_exchange_idle():
                self._order(side, left)

    def _order(self, side: Side, lots: int) -> None:
        self._orders += 1
        note = f"HAND{self._number % 10_000:04d}{self._orders:02d}"
        order = SubmitOrder(
            client_order_id=note,
            account=self._bench.account,
            symbol=self._bench.world.symbol,
            side=side,
            order_type=OrderType.MARKET,
            time_in_force=TimeInForce.IOC,
            price=0,
            quantity=lots,
        )
        self._bench.ask(order)
        deadline = time.monotonic() + _AGAIN_S
        while not self._is_final(note) and time.monotonic() < deadline:
            self._bench.look()

    def _is_final(self, note: str) -> bool:
        self._bench.books.look()
        report = self._bench.books.reports.get(note)
        return report is not None and report.status.is_final

    def guard(self, side: Side, lots: int) -> None:
        """A person puts the lots of the last order by hand under guard."""
        bench = self._bench
        self._puts += 1
        key = f"d{self._number}-{self._puts}h"
        spec = replace(
            self._spec(key, side, holds=True, group=""),
            trigger_price=bench.line.prices.last,
            following=False,
            quantity=lots,
        )
        self.holds, self.specs[key] = True, spec
        bench.conditions[key], bench.adopted[key] = 0, lots
        bench.ask(ConditionCommand(action=ConditionAction.GUARD, condition_id=key, spec=spec))

    def _spec(self, condition_id: str, side: Side, holds: bool, group: str) -> ConditionSpec:
        """It follows the price, so that it enters at the next turn."""
        draw = self._draw
        profit, loss = draw.randint(4, 14), draw.randint(4, 14)
        trailing = draw.choice((0, 0, draw.randint(3, 8)))
        breakeven = draw.choice((0, 0, draw.randint(2, 5)))
        return ConditionSpec(
            condition_id=condition_id,
            account=self._bench.account,
            symbol=self._bench.world.symbol,
            action=side,
            trigger_price=self._bench.last_price + side.sign * 50,
            turning_points=draw.randint(1, 3),
            take_profit_points=_FAR if holds else profit,
            stop_loss_points=_FAR if holds else loss,
            quantity=draw.randint(1, 3),
            following=True,
            trailing_points=0 if holds else trailing,
            breakeven_points=0 if holds else breakeven,
            oco_group=group,
        )

    def _mine(self, seen: "Seen") -> list[Condition]:
        return [item for key, item in seen.probed.conditions.items() if key in self._bench.conditions]

    def is_entered(self, seen: "Seen") -> bool:
        """Cancels what waits; whether every condition holds its lots or has ended."""
        for condition in self._mine(seen):
            if condition.state.is_waiting or condition.state is ConditionState.DRAFT:
                self._ask(ConditionAction.CANCEL, condition)
        return all(item.state.is_final or item.state in _IN for item in self._mine(seen))

    def is_over(self, seen: "Seen") -> bool:
        """Every condition of the run has ended; one that never enters is cancelled."""
        if time.monotonic() - self._put_at > _PATIENCE_S:
            for condition in self._mine(seen):
                if condition.state.is_waiting or condition.state is ConditionState.DRAFT:
                    self._ask(ConditionAction.CANCEL, condition)
        return all(item.state.is_final for item in self._mine(seen))

    def end(self, seen: "Seen") -> bool:
        """Cancels what waits and closes what is open; whether all have ended."""
        for condition in self._mine(seen):
            if condition.state.is_waiting or condition.state is ConditionState.DRAFT:
                self._ask(ConditionAction.CANCEL, condition)
            elif condition.state in (ConditionState.OPEN, ConditionState.HELD):
                self._ask(ConditionAction.CLOSE, condition)
        return all(item.state.is_final for item in self._mine(seen))

    def _ask(self, action: ConditionAction, condition: Condition) -> None:
        now, key = time.monotonic(), condition.condition_id
        if now - self._asked.get(key, 0.0) >= _AGAIN_S:
            self._asked[key] = now
            self._bench.ask(ConditionCommand(action=action, condition_id=key))
