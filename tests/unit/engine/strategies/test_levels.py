"""Levels: prices at which the market turned more than once, from made bars and against their own definition."""

from datetime import date

import hypothesis.strategies as st
from hypothesis import given

from engine.model.bar import Bar
from engine.model.session import SessionKind
from engine.strategies.levels import PriceLevel, find_levels, longer, swings
from engine.timing import NS_PER_S

MINUTE = 60 * NS_PER_S


def bar(at: int, high: int, low: int, *, volume: int = 1) -> Bar:
    return Bar(
        symbol="TXFK4",
        trade_date=date(2024, 11, 5),
        session=SessionKind.DAY,
        start_ns=at * MINUTE,
        span_ns=MINUTE,
        open=low,
        high=high,
        low=low,
        close=high,
        volume=volume,
        trades=1,
    )


def path(*closes: int) -> list[Bar]:
    """Bars of two points around a path of prices."""
    return [bar(at, price + 1, price - 1) for at, price in enumerate(closes)]


ZIGZAG = path(100, 110, 120, 130, 120, 110, 100, 110, 120, 131, 120, 110, 100, 105, 110, 115)


def test_a_market_that_turns_twice_at_a_price_has_a_level_there() -> None:
    found = find_levels(ZIGZAG, 2)
    assert found == (
        PriceLevel(price=99, touches=2, last_ns=12 * MINUTE),
        PriceLevel(price=131, touches=2, last_ns=9 * MINUTE),
    )


def test_turns_further_apart_than_the_tolerance_are_no_level() -> None:
    assert [level.price for level in find_levels(ZIGZAG, 0)] == [99]


def test_one_turn_is_no_level() -> None:
    assert find_levels(path(100, 110, 120, 130, 120, 110, 100), 5) == ()


def test_the_densest_turns_make_the_level_and_no_turn_counts_twice() -> None:
    tops = (130, 133, 134, 136)
    climbs = [price for top in tops for price in (100, 110, 120, top, 120, 110)]
    found = find_levels(path(*climbs, 100, 100, 100, 100), 3)
    highs = [level for level in found if level.price > 120]
    assert [(level.price, level.touches) for level in highs] == [(135, 3)]


def test_the_first_of_equal_highs_is_the_swing_and_the_ends_are_none() -> None:
    flat = path(130, 100, 110, 120, 125, 125, 120, 110, 100, 130)
    assert [swing.start_ns for swing in swings(flat) if swing.price == 126] == [4 * MINUTE]
    assert all(swing.price != 131 for swing in swings(flat))
    assert swings(path(1, 2, 3)) == []


def test_longer_bars_hold_what_the_shorter_ones_held() -> None:
    made = longer([bar(4, 10, 5), bar(5, 12, 6, volume=2), bar(6, 11, 3, volume=4), bar(10, 9, 8)], 5 * MINUTE)
    assert [(item.start_ns // MINUTE, item.high, item.low, item.volume, item.trades) for item in made] == [
        (0, 10, 5, 1, 1),
        (5, 12, 3, 6, 2),
        (10, 9, 8, 1, 1),
    ]
    assert (made[1].open, made[1].close) == (6, 11)


@given(st.lists(st.integers(90, 110), max_size=60), st.integers(0, 8), st.integers(1, 4))
def test_levels_are_groups_of_swings_that_lie_close_together(
    closes: list[int], tolerance: int, least: int
) -> None:
    bars = path(*closes)
    turns = swings(bars)
    found = find_levels(bars, tolerance, least_touches=least)
    assert sum(level.touches for level in found) <= len(turns)
    assert [level.price for level in found] == sorted(level.price for level in found)
    for level in found:
        near = [turn for turn in turns if abs(turn.price - level.price) <= tolerance]
        assert level.touches >= least
        assert len(near) >= level.touches
        assert any(turn.price == level.price for turn in near)
        assert any(turn.start_ns == level.last_ns for turn in near)
