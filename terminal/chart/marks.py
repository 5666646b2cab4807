"""What the chart knows of the trade: conditions, working orders, fills and positions, of all contracts."""

from collections.abc import Iterable

from engine.model.condition import Condition
from engine.model.order import Fill, Order
from engine.model.position import Position
from terminal.chart.lines import LineKind, LineWords, PriceLine, condition_lines, order_line, position_line


class Marks:
    """Keeps the newest value of each and makes lines of those of one contract.

    Attributes:
        conditions: by id, those that are not final.
        faulty: ids of those that nothing watches now, although their state says so.
    """

    def __init__(self) -> None:
        self.conditions: dict[str, Condition] = {}
        self.faulty: frozenset[str] = frozenset()
        self._orders: dict[str, Order] = {}
        self._fills: dict[tuple[str, str, str], Fill] = {}
        self._positions: dict[tuple[str, str], Position] = {}

    def clear(self) -> None:
        self.conditions.clear()
        self._orders.clear()
        self._fills.clear()
        self._positions.clear()

    def update_condition(self, condition: Condition) -> None:
        """A final condition leaves the chart."""
        if condition.state.is_final:
            self.conditions.pop(condition.condition_id, None)
        else:
            self.conditions[condition.condition_id] = condition

    def update_order(self, order: Order) -> None:
        """An order that no longer works leaves the chart."""
        if order.status.is_working:
            self._orders[order.client_order_id] = order
        else:
            self._orders.pop(order.client_order_id, None)

    def add_fill(self, fill: Fill) -> None:
        """The same fill again changes nothing."""
        self._fills[fill.account, fill.client_order_id, fill.fill_id] = fill

    def update_position(self, position: Position) -> None:
        self._positions[position.account, position.symbol] = position

    def fills(self, symbol: str) -> Iterable[Fill]:
        """The fills of a contract in the order in which they came."""
        return (fill for fill in self._fills.values() if fill.symbol == symbol)

    def lines(
        self, symbol: str, last_price: int, words: LineWords, preview: Condition | None = None
    ) -> list[PriceLine]:
        """The lines of a contract.

        Args:
            symbol: contract code.
            last_price: for the open profit, 0 = none yet.
            words: of the labels.
            preview: shown in place of the condition with the same id.
        """
        found: list[PriceLine] = []
        for condition in self.conditions.values():
            if condition.spec.symbol == symbol:
                is_moved = preview is not None and preview.condition_id == condition.condition_id
                shown = preview if is_moved and preview else condition
                found += condition_lines(shown, words, is_faulty=condition.condition_id in self.faulty)
        found += [
            line
            for order in self._orders.values()
            if order.symbol == symbol and (line := order_line(order)) is not None
        ]
        found += [
            line
            for position in self._positions.values()
            if position.symbol == symbol and (line := position_line(position, last_price, words)) is not None
        ]
        return found


def last_line(price: int, before: int) -> PriceLine:
    """The line of the last price, coloured by the close before."""
    return PriceLine(key="", kind=LineKind.LAST, price=price, text="", gain=price - before)
