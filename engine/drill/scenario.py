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

_FAR: Final = 2_000
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
        self._asked: dict[str, float] = {}
        self._put_at = 0.0

    def put(self, *, holds: bool) -> None:
        """Puts and arms conditions at the price.

        Args:
            holds: exits are far away, so that lots are held until somebody closes them.
        """
        self._puts += 1
        self._put_at, self.holds = time.monotonic(), holds
        draw = self._draw
        sides = [draw.choice((Side.BUY, Side.SELL))]
        if draw.random() < 0.4:
            sides.append(sides[0].opposite)
        group = f"g{self._number}-{self._puts}" if len(sides) > 1 and draw.random() < 0.5 else ""
        by_hand = draw.random() < 0.3
        if holds and by_hand:
            self._guard_by_hand(sides[0])
            return
        for place, side in enumerate(sides):
            spec = self._spec(f"d{self._number}-{self._puts}{'ab'[place]}", side, holds, group)
            self._bench.conditions[spec.condition_id] = spec.quantity
            if group:
                self._bench.groups.setdefault(group, set()).add(spec.condition_id)
            for action in (ConditionAction.PUT, ConditionAction.ARM):
                put = spec if action is ConditionAction.PUT else None
                self._bench.ask(ConditionCommand(action=action, condition_id=spec.condition_id, spec=put))

    def _guard_by_hand(self, side: Side) -> None:
        """A person buys or sells at the market and puts the lots under guard."""
        bench, lots, own = self._bench, self._draw.randint(1, 3), f"HAND{self._number:06d}"
        bench.ask(
            SubmitOrder(
                client_order_id=own,
                account=bench.account,
                symbol=bench.world.symbol,
                side=side,
                order_type=OrderType.MARKET,
                time_in_force=TimeInForce.IOC,
                price=0,
                quantity=lots,
            )
        )
        deadline = bench.now() + _FILLED_S
        while bench.look().probed.net.get(bench.world.symbol, 0) != side.sign * lots:
            if bench.now() > deadline:
                raise BrokenPromise(
                    Promise.RECOVERY, f"a market order by hand was not filled within {_FILLED_S:g} s"
                )
        key = f"d{self._number}-{self._puts}h"
        spec = replace(
            self._spec(key, side, holds=True, group=""),
            trigger_price=bench.last_price,
            following=False,
            quantity=lots,
        )
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
