"""A seeded, believable order flow for the simulated exchange: a latent price, makers around it, takers.

Steps through market time; knows no clock and no thread, so that the same seed and the same steps give the same
flow. Figures are chosen to look like TXF at 22,800 in a lively hour, and are no model of anything.
"""

import math
import random
from typing import Final

from engine.brokers.matching import Event, MatchingEngine
from engine.brokers.rules import Ticket
from engine.model.order import OrderType, Side, TimeInForce

STEP_S: Final = 0.05
"""Market time between two steps, seconds."""

_VOLATILITY: Final = 2.0
"""Points per square root of a second, before the volatility's own wandering."""
_TREND: Final = 0.5
"""Standard deviation of the drift, points a second."""
_TREND_S: Final = 20.0
"""How long a drift lasts, seconds."""
_REVERSION_S: Final = 900.0
"""How long the price takes back to the reference, seconds."""
_VOLATILITY_S: Final = 60.0
_SPREAD_OF_VOLATILITY: Final = 0.35

_LEVELS: Final = 8
"""Price levels that the makers keep filled on each side."""
_KEPT_LEVELS: Final = 14
"""Levels beyond this distance are cancelled."""
_HALF_SPREAD: Final = 0.75
_REFILL: Final = 0.2
"""Chance that a level that lacks lots is filled up within a step."""
_TAKER_SIZES: Final = (1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 5, 10)
_MAKER_SIZES: Final = (1, 1, 1, 2, 2, 3)
_AUCTION_ORDERS: Final = 60


class LatentPrice:
    """The price that makers and takers believe in: a drift that turns, mean reversion, wandering volatility."""

    def __init__(self, seed: int, start: float) -> None:
        self._random = random.Random(f"{seed}/latent")
        self._anchor = start
        self._trend = 0.0
        self._log_volatility = 0.0
        self.value = start

    def step(self) -> float:
        """Moves on by ``STEP_S`` and gives the new price."""
        gauss = self._random.gauss
        root = math.sqrt(2 * STEP_S / _TREND_S)
        self._trend += -self._trend * STEP_S / _TREND_S + _TREND * root * gauss(0, 1)
        root = math.sqrt(2 * STEP_S / _VOLATILITY_S)
        self._log_volatility += (
            -self._log_volatility * STEP_S / _VOLATILITY_S + _SPREAD_OF_VOLATILITY * root * gauss(0, 1)
        )
        noise = _VOLATILITY * math.exp(self._log_volatility) * math.sqrt(STEP_S) * gauss(0, 1)
        pull = (self._anchor - self.value) * STEP_S / _REVERSION_S
        self.value += self._trend * STEP_S + pull + noise
        return self.value

    def rebase(self) -> None:
        """The present price becomes what it returns to: a new trade date with a new reference."""
        self._anchor = self.value
        self._trend = 0.0


class OrderFlow:
    """Makers and takers of one contract, acting on its engine.

    Args:
        engine: the contract's engine.
        seed: of the run; the symbol is mixed in.
        trades_per_s: mean number of takers a second; may be changed.
    """

    def __init__(self, engine: MatchingEngine, seed: int, trades_per_s: float) -> None:
        symbol = engine.rules.instrument.symbol
        self._engine = engine
        self._random = random.Random(f"{seed}/{symbol}")
        self.trades_per_s = trades_per_s
        self._activity = 0.0
        self._quotes: dict[Side, dict[int, list[int]]] = {Side.BUY: {}, Side.SELL: {}}
        self._last_id = 0

    def clear(self) -> None:
        """Forgets its orders: their session has ended."""
        self._quotes = {Side.BUY: {}, Side.SELL: {}}

    def gather(self, fair: float, now_ns: int) -> list[Event]:
        """The orders that wait for an opening auction."""
        events: list[Event] = []
        for _ in range(_AUCTION_ORDERS):
            side = self._random.choice((Side.BUY, Side.SELL))
            price = round(fair + side.sign * self._random.gauss(-1.0, 4.0))
            lots = self._random.choice(_TAKER_SIZES) + self._random.choice(_MAKER_SIZES)
            self._quote(side, price, lots, now_ns, events)
        return events

    def step(self, fair: float, now_ns: int) -> list[Event]:
        """What the flow does within ``STEP_S``: takers act on the old quotes, then makers follow the price."""
        events: list[Event] = []
        self._take(fair, now_ns, events)
        for side in (Side.BUY, Side.SELL):
            top = math.floor(fair - _HALF_SPREAD) if side is Side.BUY else math.ceil(fair + _HALF_SPREAD)
            self._withdraw(side, top, now_ns, events)
            self._refill(side, top, now_ns, events)
        return events

    def _take(self, fair: float, now_ns: int, events: list[Event]) -> None:
        draw = self._random
        self._activity += -self._activity * STEP_S / 5.0 + 0.25 * draw.gauss(0, 1) * math.sqrt(STEP_S)
        chance = self.trades_per_s * STEP_S * math.exp(self._activity)
        while chance > 0 and draw.random() < chance:
            chance -= 1
            bid, ask = self._engine.best(Side.BUY), self._engine.best(Side.SELL)
            if bid is None or ask is None:
                return
            lean = 0.5 + 0.5 * math.tanh((fair - (bid + ask) / 2) / 2)
            side = Side.BUY if draw.random() < lean else Side.SELL
            price = ask if side is Side.BUY else bid
            self._send(side, price, draw.choice(_TAKER_SIZES), TimeInForce.IOC, now_ns, events)

    def _withdraw(self, side: Side, top: int, now_ns: int, events: list[Event]) -> None:
        """Cancels quotes that the price has left behind: too good by now, or too far away."""
        quotes = self._quotes[side]
        for price in list(quotes):
            distance = (top - price) * side.sign
            if (distance < 0 and self._random.random() < 0.8) or distance > _KEPT_LEVELS:
                for order_id in quotes.pop(price):
                    if self._engine.order(order_id) is not None:
                        events += self._engine.cancel(order_id, now_ns)

    def _refill(self, side: Side, top: int, now_ns: int, events: list[Event]) -> None:
        quotes, draw, order = self._quotes[side], self._random, self._engine.order
        for distance in range(_LEVELS):
            price = top - side.sign * distance
            if draw.random() > _REFILL and price in quotes:
                continue
            alive = [found for order_id in quotes.get(price, ()) if (found := order(order_id)) is not None]
            quotes[price] = [found.order_id for found in alive]
            wanted = min(distance, 3) + 1 + (price % 50 == 0) * 12
            if sum(found.remaining for found in alive) <= wanted:
                self._quote(side, price, draw.choice(_MAKER_SIZES), now_ns, events)

    def _quote(self, side: Side, price: int, lots: int, now_ns: int, events: list[Event]) -> None:
        order_id = self._send(side, price, lots, TimeInForce.ROD, now_ns, events)
        self._quotes[side].setdefault(price, []).append(order_id)

    def _send(self, side: Side, price: int, lots: int, life: TimeInForce, now_ns: int, events: list[Event]) -> int:
        """Even order numbers are the flow's, odd ones the trader's."""
        self._last_id += 2
        ticket = Ticket(
            order_id=self._last_id,
            side=side,
            order_type=OrderType.LIMIT,
            time_in_force=life,
            price=price,
            quantity=lots,
        )
        events += self._engine.submit(ticket, now_ns)
        return self._last_id
