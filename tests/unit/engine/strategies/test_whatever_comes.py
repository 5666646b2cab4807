"""Whatever comes: never an exit too many, one entry at most, and no lot beyond its stop without an exit."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.condition import ConditionAction, ConditionState, LevelsFrom, SessionEnd
from engine.model.order import OrderStatus
from tests.unit.engine.strategies.running import ENTRY, STOP, TARGET, TRIGGER
from tests.unit.engine.strategies.world import World

S = ConditionState
GUARDING = (S.OPEN, S.EXITING)
PLACES = st.integers(0, 9)
STEPS = st.sampled_from([*[0.1] * 20, *[1.1] * 4, 20.0, 1_441.0, 4_000.0])
"""Mostly within the session; the last two end it, and begin the next."""
PRICES = st.sampled_from([STOP - 5, STOP - 5, TARGET, ENTRY, ENTRY + 30, ENTRY - 8, TRIGGER])
ENDS = st.sampled_from([OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.UNKNOWN])
ACTS = st.one_of(
    *[st.tuples(st.just("tick"), PRICES, STEPS)] * 4,
    st.tuples(st.just("clock"), STEPS),
    *[st.tuples(st.just("take"), PLACES)] * 3,
    *[st.tuples(st.just("fill"), st.integers(1, 3), PLACES)] * 2,
    st.tuples(st.just("late"), st.integers(1, 3), PLACES),
    *[st.tuples(st.just("end"), ENDS, PLACES)] * 2,
    st.tuples(st.just("refuse"), PLACES),
    *[st.tuples(st.just("tell"), PLACES)] * 3,
    st.tuples(st.just("tell_again"), PLACES),
    st.tuples(st.just("restart")),
)
COMMANDS = st.tuples(
    st.just("command"),
    st.sampled_from([ConditionAction.ARM, ConditionAction.CLOSE, ConditionAction.CANCEL, ConditionAction.PUT]),
    st.sampled_from(list(SessionEnd)),
)
LOSSES = st.one_of(st.tuples(st.just("forget")), st.tuples(st.just("hear")), st.tuples(st.just("lose")))
SPECS = st.fixed_dictionaries(
    {
        "quantity": st.integers(1, 4),
        "trailing_points": st.sampled_from([0, 10, 40]),
        "breakeven_points": st.sampled_from([0, 5, 30]),
        "time_stop_s": st.sampled_from([0, 0, 5, 5000]),
        "session_end": st.sampled_from(list(SessionEnd)),
        "levels_from": st.sampled_from(list(LevelsFrom)),
    }
)
FILLED = st.integers(0, 4)
DAYS = st.sampled_from([5, 5, 20])
"""An ordinary day and the one on which the contract expires."""


def begun(day: int, spec: dict[str, Any], filled: int, *, cuts: bool) -> World:
    """A world whose entry has been taken, and in which some of it was filled."""
    world = World(day, spec, cuts=cuts)
    world.take()
    if filled:
        world.fill(filled)
    while world.events:
        world.tell(0)
    return world


def act(world: World, kind: str, *values: Any) -> None:
    match kind:
        case "late":
            world.fill(*values, late=True)
        case "lose":
            world.restart(loses=True)
            world.hear()
        case "command":
            action, end = values
            spec = replace(world.condition.spec, session_end=end) if action is ConditionAction.PUT else None
            world.command(action, spec)
        case _:
            getattr(world, kind)(*values)
    world.check()


@settings(max_examples=500)
@given(DAYS, SPECS, FILLED, st.lists(st.one_of(ACTS, COMMANDS), min_size=10, max_size=60))
def test_the_strategy_alone_gives_no_exit_too_many(
    day: int, spec: dict[str, Any], filled: int, acts: list[tuple[Any, ...]]
) -> None:
    world = begun(day, spec, filled, cuts=False)
    for item in acts:
        act(world, *item)
        if world.condition.state in GUARDING and not world.events:
            assert world.condition.held == world.entered - world.exited
    world.unwind()
    world.check()


@settings(max_examples=500)
@given(DAYS, SPECS, FILLED, st.lists(st.one_of(ACTS, LOSSES), min_size=10, max_size=60))
def test_with_the_gateway_also_where_its_last_words_were_lost(
    day: int, spec: dict[str, Any], filled: int, acts: list[tuple[Any, ...]]
) -> None:
    world = begun(day, spec, filled, cuts=True)
    for item in acts:
        act(world, *item)
    world.unwind()
    world.check()


@settings(max_examples=500)
@given(SPECS, FILLED, st.lists(ACTS, min_size=10, max_size=60))
def test_lots_beyond_their_stop_are_on_their_way_out(
    spec: dict[str, Any], filled: int, acts: list[tuple[Any, ...]]
) -> None:
    world = begun(5, spec, filled, cuts=True)
    for item in acts:
        act(world, *item)
        held = world.entered - world.exited
        if held and world.condition.state in GUARDING and world.is_open and not world.events:
            world.tick(STOP - 3_000, 0.1)
            if world.is_open:
                assert world.is_exit_due_or_working()
                world.check()
