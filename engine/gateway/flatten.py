"""Flattening: cancels working orders and closes positions in slices, until nothing is held or a person is needed.

It goes through the same door as every order; it ends by asking the broker what is left.
"""

from collections.abc import Callable
from typing import Final

from engine import logs
from engine.gateway.journal import Journal
from engine.gateway.market import Market
from engine.gateway.orders import Orders
from engine.model.market import LinkState
from engine.model.order import OrderStatus, OrderType, Side, SubmitOrder, TimeInForce
from engine.model.signal import client_order_id
from engine.wire.messages import Refused

log = logs.get(__name__)

_TRIES: Final = 30
"""Seconds for which a flattening is pursued."""


class Flattening:
    """Used on the gateway's thread only.

    Args:
        journal: tells how it goes.
        market: contracts.
        orders: the door.
        confirm: asks the broker what is left of a contract ('' = of all) when it is done here.
    """

    def __init__(self, journal: Journal, market: Market, orders: Orders, confirm: Callable[[str], None]) -> None:
        self._journal, self._market, self._orders, self._confirm = journal, market, orders, confirm
        self._state = journal.state
        self._pursued: dict[str, tuple[str, int]] = {}
        """Contracts ('' = all) that are being flattened: the request and how often it was tried."""

    def begin(self, request_id: str, symbol: str) -> str:
        """Cancels working orders and closes positions; says what was sent now."""
        self._pursued[symbol] = (request_id, 0)
        self._orders.cancel_all(symbol)
        done = self._close_positions(request_id, symbol)
        if foreign := [order for order in self._state.working(symbol) if order.is_external]:
            done += f"; {len(foreign)} orders made elsewhere were left alone"
        return done

    def pursue(self) -> None:
        """Sends closing orders again for what a cancel, a late fill or a thin book left; once a second.

        It gives up loudly: a position that cannot be closed needs a person.
        """
        for symbol, (request_id, tries) in list(self._pursued.items()):
            held = [item for item in self._state.positions.values() if item.net and symbol in ("", item.symbol)]
            own = [order for order in self._state.working(symbol) if not order.is_external]
            if not held and not own:
                del self._pursued[symbol]
                self._confirm(symbol)
            elif tries >= _TRIES:
                del self._pursued[symbol]
                left = ", ".join(f"{item.net:+d} {item.symbol}" for item in held)
                log.error("flatten failed", left=left)
                self._journal.set_link("flatten", LinkState.DOWN, f"still held: {left}; close it by hand")
                self._confirm(symbol)
            else:
                self._pursued[symbol] = (request_id, tries + 1)
                self._orders.cancel_all(symbol, only_resting=True)
                self._close_positions(f"{request_id}+{tries + 1}", symbol)

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
