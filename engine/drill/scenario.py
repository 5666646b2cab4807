"""What is traded in one run: small conditions near the price that enter and exit within a second or two."""

import random
import time
from typing import TYPE_CHECKING, Final

from engine.model.condition import (
    Condition,
    ConditionAction,
    ConditionCommand,
    ConditionSpec,
    ConditionState,
)
from engine.model.order import Side

if TYPE_CHECKING:
    from engine.drill.bench import Bench, Seen

_FAR: Final = 2_000
_AGAIN_S: Final = 0.4
"""Between two requests of a person about one condition."""
_PATIENCE_S: Final = 6.0
"""How long a condition may wait for its entry."""


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
        self._asked: dict[str, float] = {}
        self._put_at = 0.0

    def put(self, *, holds: bool) -> None:
        """Puts and arms conditions at the price.

        Args:
            holds: exits are far away, so that lots are held until somebody closes them.
        """
        self._puts += 1
        self._put_at = time.monotonic()
        sides = [self._draw.choice((Side.BUY, Side.SELL))]
        if self._draw.random() < 0.35:
            sides.append(sides[0].opposite)
        for place, side in enumerate(sides):
            spec = self._spec(f"d{self._number}-{self._puts}{'ab'[place]}", side, holds)
            self._bench.conditions[spec.condition_id] = spec.quantity
            for action in (ConditionAction.PUT, ConditionAction.ARM):
                put = spec if action is ConditionAction.PUT else None
                self._bench.ask(ConditionCommand(action=action, condition_id=spec.condition_id, spec=put))

    def _spec(self, condition_id: str, side: Side, holds: bool) -> ConditionSpec:
        """It follows the price, so that it enters at the next turn."""
        draw = self._draw
        profit, loss = draw.randint(3, 10), draw.randint(3, 10)
        trailing = draw.choice((0, 0, draw.randint(2, 6)))
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
