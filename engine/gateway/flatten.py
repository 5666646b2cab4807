"""Flattening: cancels working orders and closes positions in slices, until nothing is held or a person is needed.

It goes through the same door as every order; it ends by asking the broker what is left. What guards the lots goes
on until they are gone. A halt that flattens is pursued as long as it holds, also after a restart.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from engine import logs
from engine.gateway.journal import Journal
from engine.gateway.market import Market
from engine.gateway.orders import Orders
from engine.model.market import HaltDepth, LinkState
from engine.model.order import OrderStatus, OrderType, Side, SubmitOrder, TimeInForce
from engine.model.position import Position
from engine.model.signal import client_order_id
from engine.wire.messages import Refused

log = logs.get(__name__)

_TRIES: Final = 30
"""Seconds with a link and an open session after which a person is told that it does not get on."""
_SLOW: Final = 30
"""Later a halt that flattens tries at every so many seconds."""


@dataclass(slots=True)
class _Pursuit:
    """A contract ('' = all) that is being flattened.

    Attributes:
        request_id: names its orders.
        is_halt: a halt asks for it, and it ends with the halt.
        tries: how often closing orders were sent.
    """

    request_id: str
    is_halt: bool
    tries: int = 0


class Flattening:
    """Used on the gateway's thread only.

    Args:
        journal: tells how it goes.
        market: contracts.
        orders: the door.
        confirm: asks the broker what is left of a contract ('' = of all) when it is done here.
        release: called with account and contract when its lots are gone: nothing is left to guard.
    """

    def __init__(
        self,
        journal: Journal,
        market: Market,
        orders: Orders,
        confirm: Callable[[str], None],
        release: Callable[[str, str], None],
    ) -> None:
        self._journal, self._market, self._orders = journal, market, orders
        self._confirm, self._release = confirm, release
        self._state = journal.state
        self._pursued: dict[str, _Pursuit] = {}

    def begin(self, request_id: str, symbol: str) -> str:
        """Cancels working orders and closes positions; says what was sent now."""
        self._pursued[symbol] = _Pursuit(request_id, is_halt=self._is_halted and not symbol)
        self._orders.cancel_all(symbol)
        done = self._close_positions(request_id, symbol)
        if foreign := [order for order in self._state.working(symbol) if order.is_external]:
            done += f"; {len(foreign)} orders made elsewhere were left alone"
        return done

    def pursue(self) -> None:
        """Sends closing orders again for what a cancel, a late fill or a thin book left; once a second."""
        if self._is_halted and "" not in self._pursued and self._held(""):
            self._pursued[""] = _Pursuit(f"halt-{time.time_ns()}", is_halt=True)
        for symbol, pursuit in list(self._pursued.items()):
            if pursuit.is_halt and not self._is_halted:
                del self._pursued[symbol]
            else:
                self._look_after(symbol, pursuit)

    @property
    def _is_halted(self) -> bool:
        return self._state.halt is HaltDepth.FLATTEN

    def _held(self, symbol: str) -> list[Position]:
        return [item for item in self._state.positions.values() if item.net and symbol in ("", item.symbol)]

    def _look_after(self, symbol: str, pursuit: _Pursuit) -> None:
        held = self._held(symbol)
        own = [order for order in self._state.working(symbol) if not order.is_external]
        if not held and not own:
            del self._pursued[symbol]
            self._let_go(symbol)
            self._confirm(symbol)
            return
        if not self._is_possible([item.symbol for item in held]):
            return
        pursuit.tries += 1
        if pursuit.tries == _TRIES:
            self._despair(symbol, pursuit, ", ".join(f"{item.net:+d} {item.symbol}" for item in held))
        if pursuit.tries < _TRIES or (pursuit.is_halt and pursuit.tries % _SLOW == 0):
            self._orders.cancel_all(symbol, only_resting=True)
            self._close_positions(f"{pursuit.request_id}+{pursuit.tries}", symbol)

    def _is_possible(self, symbols: list[str]) -> bool:
        """Whether anything can come of an order now; else the time does not count."""
        trade = self._journal.links.get("trade")
        if trade is None or trade.state is not LinkState.UP:
            return False
        return not symbols or any(self._market.session(self._market.instrument(symbol)) for symbol in symbols)

    def _despair(self, symbol: str, pursuit: _Pursuit, left: str) -> None:
        """Loudly: a position that cannot be closed needs a person. Only a halt goes on trying."""
        log.error("flatten failed", left=left)
        self._journal.set_link("flatten", LinkState.DOWN, f"still held: {left}; close it by hand")
        if not pursuit.is_halt:
            del self._pursued[symbol]
        self._confirm(symbol)

    def _let_go(self, symbol: str) -> None:
        """Nothing is held: its conditions have nothing to guard."""
        for account, contract in self._state.positions:
            if symbol in ("", contract):
                self._release(account, contract)

    def _close_positions(self, request_id: str, symbol: str) -> str:
        """Closing orders in slices inside the exchange's caps, for what no working exit closes already."""
        sent: list[str] = []
        for (account, held), position in list(self._state.positions.items()):
            if not position.net or (symbol and held != symbol):
                continue
            side = Side.SELL if position.net > 0 else Side.BUY
            lots, number = self._state.reducible(account, held, side), 0
            cap = self._market.market_lots(held)
            while lots > 0:
                number += 1
                order = self._orders.submit(close_order(request_id, number, account, held, side, min(lots, cap)))
                if isinstance(order, Refused) or order.status is OrderStatus.DENIED:
                    sent.append(f"{held}: refused: {order.text}")
                    break
                sent.append(f"{side} {order.quantity} {held}: {order.status}")
                lots -= order.quantity
        return "; ".join(sent) or "no closing order was needed now"


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
