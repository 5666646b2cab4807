"""Continuous front-month series: the bars of one contract after the other, by a stated rule.

Knows at each trade date only what was known before it: no rule looks ahead.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise
from typing import Final

import numpy as np

from engine.model.instrument import contract_month_of, front_month, product
from engine.model.session import SessionKind, TradingCalendar
from engine.storage.columns import BarColumns
from engine.storage.layout import Kind
from engine.storage.reading import MINUTE_NS, StoreReader, Turn, again
from engine.timing import NS_PER_S

DAY_NS: Final = 86_400 * NS_PER_S


class RollRule(StrEnum):
    """When the series goes over to the next contract."""

    SETTLEMENT = "settlement"
    """With the night session after the last trading day."""
    VOLUME = "volume"
    """The trade date after a later month traded more; never back, and never past settlement."""


class Adjustment(StrEnum):
    """What becomes of the step between two contracts."""

    NONE = "none"
    """Prices are those that were traded."""
    BACK = "back"
    """All prices before a roll are moved by its step, so that the series has none; the newest stay as traded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll:
    """A change of contract.

    Attributes:
        trade_date: the first of the new contract.
        old: symbol before.
        new: symbol from then on.
        step: new less old price at the last minute in which the old contract traded and a price of the new was
            known, scaled; 0 where the store has no such minute.
        is_known: whether the store has it.
    """

    trade_date: date
    old: str
    new: str
    step: int
    is_known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ContinuousBars:
    """A continuous series.

    Attributes:
        bars: all bars in order of time; their symbol is the product's code, such as ``TXF``.
        contracts: the contract of each trade date that has bars.
        rolls: the changes of contract, in order.
    """

    bars: BarColumns
    contracts: Mapping[date, str]
    rolls: tuple[Roll, ...]


def continuous_bars(
    reader: StoreReader,
    product_code: str,
    first: date,
    last: date,
    calendar: TradingCalendar,
    *,
    rule: RollRule = RollRule.SETTLEMENT,
    adjustment: Adjustment = Adjustment.NONE,
    span_ns: int = MINUTE_NS,
    session: SessionKind | None = None,
) -> ContinuousBars:
    """The front-month series of a product between two trade dates, both included.

    Args:
        reader: the store.
        product_code: such as ``TXF``.
        first: first trade date.
        last: last trade date.
        calendar: tells settlement days.
        rule: when to go over to the next contract.
        adjustment: of the prices before a roll.
        span_ns: length of the bars; :data:`DAY_NS` is one bar a trade date.
        session: only this one.

    Raises:
        UnknownInstrument: no such product.
    """
    code = product(product_code).code
    if rule is RollRule.VOLUME:
        volumes = reader.daily_volumes(code, first, last)
    else:
        volumes = {day: {} for day in reader.bar_days(first, last)}
    contracts = _contracts(code, volumes, calendar, rule)
    turns = _turns(contracts)
    if not turns:
        return ContinuousBars(bars=BarColumns.join(code, []), contracts={}, rolls=())
    if span_ns == DAY_NS:
        bars = reader.day_series(code, turns, session=session)
    else:
        bars = reader.series(code, turns, span_ns=span_ns, session=session)
    with_bars = set(np.unique(bars.trade_date).tolist())
    contracts = {day: symbol for day, symbol in contracts.items() if day in with_bars}
    rolls = _rolls(reader, contracts)
    if adjustment is Adjustment.BACK:
        steps = np.zeros(len(bars), dtype=np.int64)
        for roll in rolls:
            steps[bars.trade_date < np.datetime64(roll.trade_date)] += roll.step
        bars = bars.moved(steps)
    return ContinuousBars(bars=bars, contracts=contracts, rolls=tuple(rolls))


def _contracts(
    code: str, volumes: Mapping[date, Mapping[str, int]], calendar: TradingCalendar, rule: RollRule
) -> dict[date, str]:
    """The contract of each trade date."""
    found: dict[date, str] = {}
    current = ""
    before: Mapping[str, int] = {}
    for day, traded in volumes.items():
        front = front_month(product(code), day, calendar).symbol
        if rule is RollRule.SETTLEMENT or not current or _month(current, day) < _month(front, day):
            current = front
        if rule is RollRule.VOLUME:
            later = [symbol for symbol in before if _month(symbol, day) > _month(current, day)]
            busiest = max(later, key=lambda symbol: before[symbol], default=current)
            if before.get(busiest, 0) > before.get(current, 0):
                current = busiest
        found[day] = current
        before = traded
    return found


def _turns(contracts: Mapping[date, str]) -> list[Turn]:
    """First and last trade date of each contract's turn."""
    turns: list[Turn] = []
    for day, symbol in contracts.items():
        if turns and turns[-1][2] == symbol:
            turns[-1] = (turns[-1][0], day, symbol)
        else:
            turns.append((day, day, symbol))
    return turns


def _rolls(reader: StoreReader, contracts: Mapping[date, str]) -> list[Roll]:
    changes = list(pairwise(_turns(contracts)))
    steps = _steps(reader, [(last, old, new) for (_, last, old), (_, _, new) in changes])
    return [
        Roll(trade_date=first, old=old, new=new, step=step or 0, is_known=step is not None)
        for ((_, _, old), (first, _, new)), step in zip(changes, steps, strict=True)
    ]


@again
def _steps(reader: StoreReader, changes: Sequence[tuple[date, str, str]]) -> list[int | None]:
    """The steps from an old contract to a new one on trade dates; None where the store has not both."""
    parts: list[str] = []
    parameters: list[object] = []
    for place, (day, old, new) in enumerate(changes):
        rows, given = reader.rows(Kind.BARS, day, day, "symbol IN (?, ?)", old, new)
        parts.append(f"SELECT {place} AS place, symbol = ? AS is_old, start_ns, close FROM ({rows})")
        parameters += [old, *given]
    if not parts:
        return []
    query = f"""SELECT place, arg_max(close, start_ns) FILTER (NOT is_old AND start_ns <= until)
            - arg_max(close, start_ns) FILTER (is_old)
        FROM (SELECT *, max(CASE WHEN is_old THEN start_ns END) OVER (PARTITION BY place) AS until
            FROM ({" UNION ALL ".join(parts)})) GROUP BY place"""
    found: dict[int, int | None] = dict(reader.fetch(query, parameters))
    return [found.get(place) for place in range(len(changes))]


def _month(symbol: str, near: date) -> str:
    return contract_month_of(symbol, near=near)
