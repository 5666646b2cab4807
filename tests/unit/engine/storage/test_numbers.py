from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from engine.storage.numbers import Numbers

SMALL = st.integers(1, 40)


@given(st.lists(st.tuples(SMALL, SMALL)), st.tuples(SMALL, SMALL))
def test_ranges_are_a_set_of_numbers(pairs: list[tuple[int, int]], asked: tuple[int, int]) -> None:
    plain: set[int] = set()
    numbers = Numbers()
    for pair in pairs:
        first, last = min(pair), max(pair)
        numbers.add(first, last)
        plain.update(range(first, last + 1))
    assert {number for number in range(50) if number in numbers} == plain
    assert numbers.last == max(plain, default=0)
    ranges = numbers.ranges()
    assert all(before[1] + 1 < after[0] for before, after in pairwise(ranges))
    first, last = min(asked), max(asked)
    missing = {number for begin, end in numbers.missing(first, last) for number in range(begin, end + 1)}
    assert missing == set(range(first, last + 1)) - plain
