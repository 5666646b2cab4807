"""Profit of a trade date: what an account has gained since it began, from fills, adjustments and last prices."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from engine.gateway.market import Market
from engine.gateway.state import TradingState
from engine.model.books import PositionAdjusted
from engine.model.order import Fill
from engine.model.position import Position
from engine.model.session import SessionKind, TradingCalendar
from engine.timing import NS_PER_S

Key = tuple[str, str]
"""Account and symbol."""


@dataclass(frozen=True, slots=True)
class TradeDay:
    """A trade date as the instants that belong to it.

    It begins when the day session before it has ended, so its first moment is the open of its night session with
    nothing traded since: what is held is worth the last price of the trade date before.

    Attributes:
        trade_date: of its prints.
        begin_ns: its first instant, ns UTC.
        end_ns: the first instant of the next trade date.
    """

    trade_date: date
    begin_ns: int
    end_ns: int

    @classmethod
    def at(cls, ts_ns: int, calendar: TradingCalendar) -> "TradeDay":
        """The trade date that an instant belongs to."""
        session = calendar.session_at(ts_ns) or calendar.next_session(ts_ns)
        assert session is not None, "without a last trading day there is always a next session"
        before = calendar.previous_trading_day(session.trade_date)
        return cls(session.trade_date, _day_end(before, calendar), _day_end(session.trade_date, calendar))

    def contains(self, ts_ns: int) -> bool:
        """Whether an instant belongs to it."""
        return self.begin_ns <= ts_ns < self.end_ns


def _day_end(trade_date: date, calendar: TradingCalendar) -> int:
    return calendar.session(trade_date, SessionKind.DAY).close_ns + NS_PER_S


class DayProfit:
    """What each account has gained since the trade date began, in TWD.

    That is its profit now, realised and unrealised at the last price, less its profit at the first moment of the
    trade date, at the last price known then. Both are after the exchange's fees and tax, those of closing what is
    held included; the broker's commission is not known. Where the program did not see the day begin, the broker's
    reference price (the settlement price of the day before) stands for the last price of then, or where there is
    none, the last price that was traded at.

    Args:
        state: fills and positions.
        market: prices.
        day: the trade date.
    """

    def __init__(self, state: TradingState, market: Market, day: TradeDay) -> None:
        self._state, self._market, self._day = state, market, day
        self._marks: dict[str, int] = {}
        self._profits: dict[Key, Decimal] = {}
        for key, position in self._positions_before().items():
            self._marks.setdefault(key[1], self._price_before(key[1]))
            self._profits[key] = self._profit(position, self._marks[key[1]])

    def of(self, account: str) -> Decimal:
        """TWD gained since the trade date began, negative when lost."""
        gained = Decimal(0)
        for key, position in self._state.positions.items():
            if key[0] == account:
                gained += self._profit(position, self._price(key[1])) - self._profits.get(key, Decimal(0))
        return gained

    def _profit(self, position: Position, price: int) -> Decimal:
        instrument = self._state.instruments[position.symbol]
        return position.realised_pnl(instrument) + position.unrealised_pnl(instrument, price)

    def _changes(self) -> Iterator[Fill | PositionAdjusted]:
        yield from self._state.fills.values()
        yield from self._state.adjustments

    def _positions_before(self) -> dict[Key, Position]:
        """What was held when the trade date began; profit at one price does not depend on the order of changes."""
        found: dict[Key, Position] = {}
        for change in self._changes():
            if change.ts_event >= self._day.begin_ns:
                continue
            key = (change.account, change.symbol)
            held = found.get(key) or Position(account=change.account, symbol=change.symbol)
            if isinstance(change, Fill):
                found[key] = held.with_fill(change, self._state.instruments[change.symbol])
            else:
                found[key] = held.adjusted(change.lots, change.price)
        return found

    def _price_before(self, symbol: str) -> int:
        ticks = self._market.ticks
        tick = ticks.last_tick(symbol)
        while tick is not None and tick.ts_event >= self._day.begin_ns:
            tick = ticks.tick(symbol, tick.seq - 1)
        if tick is not None:
            return tick.price
        contract = self._market.contracts.get(symbol)
        reference = contract.reference_price if contract else 0
        return reference or self._traded_at(symbol, lambda ts: ts < self._day.begin_ns)

    def _price(self, symbol: str) -> int:
        """The last price; before the first tick of a run the last one that was traded at in this trade date."""
        if tick := self._market.ticks.last_tick(symbol):
            return tick.price
        today = self._traded_at(symbol, lambda ts: ts >= self._day.begin_ns)
        return today or self._marks.get(symbol, 0)

    def _traded_at(self, symbol: str, is_meant: Callable[[int], bool]) -> int:
        changes = [item for item in self._changes() if item.symbol == symbol and is_meant(item.ts_event)]
        return max(changes, key=lambda item: item.ts_event).price if changes else 0
