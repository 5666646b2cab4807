"""How often a client may ask: what is counted, what never is, and how little is remembered."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.gateway.rate import Bucket, RateLimit, always_passes
from engine.model.condition import ConditionAction, ConditionCommand
from engine.model.market import HaltDepth
from engine.model.order import OrderType, Side, SubmitOrder, TimeInForce
from engine.settings import Wire
from engine.wire.keys import Role
from engine.wire.messages import CancelAll, CancelOrder, Flatten, GetSnapshot, SetHalt, Watermark

ENTRY = SubmitOrder(
    client_order_id="ABCDEFGHIJ",
    account="a",
    symbol="TXFK4",
    side=Side.BUY,
    order_type=OrderType.MARKET,
    time_in_force=TimeInForce.IOC,
    price=0,
    quantity=1,
)
EXIT = SubmitOrder(
    client_order_id="ABCDEFGHIK",
    account="a",
    symbol="TXFK4",
    side=Side.SELL,
    order_type=OrderType.MARKET,
    time_in_force=TimeInForce.IOC,
    price=0,
    quantity=1,
    reduce_only=True,
)
NONE, DEEPER = HaltDepth.NONE, HaltDepth.NO_ENTRIES


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def limit(clock: Clock, *, per_s: int = 10, burst: int = 20, is_paced: bool = False) -> RateLimit:
    return RateLimit(Wire(requests_per_s=per_s, request_burst=burst), is_paced=is_paced, clock=clock)


def passed(rate: RateLimit, count: int, body: object = ENTRY, role: Role | None = Role.EXECUTOR) -> int:
    return sum(rate.passes(role, b"one", body, NONE) for _ in range(count))


def test_a_burst_passes_and_then_the_rate() -> None:
    clock = Clock()
    rate = limit(clock)
    assert passed(rate, 100) == 20
    clock.now += 0.5
    assert passed(rate, 100) == 5
    clock.now += 3600
    assert passed(rate, 100) == 20
    assert rate.refused == 80 + 95 + 80


@pytest.mark.parametrize(
    "body",
    [
        EXIT,
        CancelOrder(client_order_id="x"),
        CancelAll(),
        Flatten(),
        SetHalt(depth=DEEPER),
        ConditionCommand(action=ConditionAction.CLOSE, condition_id="c"),
        Watermark(node="s", round=1, position=1),
    ],
)
@pytest.mark.parametrize("role", [Role.WINDOW, Role.EXECUTOR, Role.STRATEGY, None])
def test_the_way_out_is_always_open(body: object, role: Role | None) -> None:
    rate = limit(Clock())
    assert passed(rate, 50, GetSnapshot(), role) == 20
    assert passed(rate, 500, body, role) == 500
    assert passed(rate, 1, GetSnapshot(), role) == 0


@pytest.mark.parametrize(
    ("body", "halt"),
    [
        (ENTRY, NONE),
        (GetSnapshot(), NONE),
        (SetHalt(depth=NONE), DEEPER),
        (SetHalt(depth=DEEPER), DEEPER),
        (ConditionCommand(action=ConditionAction.RELEASE, condition_id="c"), NONE),
        (ConditionCommand(action=ConditionAction.ARM, condition_id="c"), NONE),
    ],
)
def test_the_way_in_is_not(body: object, halt: HaltDepth) -> None:
    assert not always_passes(body, halt)


def test_a_reader_cannot_pass_itself_off_as_an_exit() -> None:
    assert passed(limit(Clock()), 100, CancelAll(), Role.READER) == 20


def test_clients_do_not_eat_of_each_others_share() -> None:
    rate = limit(Clock())
    assert passed(rate, 100, GetSnapshot(), Role.READER) == 20
    assert passed(rate, 100, GetSnapshot(), Role.EXECUTOR) == 20
    assert sum(rate.passes(Role.STRATEGY, b"two", GetSnapshot(), NONE) for _ in range(99)) == 20


def test_a_reader_gains_nothing_by_connecting_anew() -> None:
    rate = limit(Clock())
    anew = [rate.passes(Role.READER, b"%d" % number, GetSnapshot(), NONE) for number in range(5_000)]
    assert sum(anew) == 20
    assert rate.clients <= 1_000
    assert passed(rate, 1, GetSnapshot(), Role.WINDOW) == 1


def test_strategies_of_a_replay_make_their_own_pace() -> None:
    rate = limit(Clock(), is_paced=True)
    assert passed(rate, 500, ENTRY, Role.EXECUTOR) == 500
    assert passed(rate, 500, GetSnapshot(), Role.STRATEGY) == 500
    assert passed(rate, 500, GetSnapshot(), Role.READER) == 20


@given(st.lists(st.floats(0, 5), max_size=60), st.integers(1, 50), st.integers(1, 50))
def test_no_more_than_the_burst_and_the_rate_ever_passes(waits: list[float], per_s: int, size: int) -> None:
    now, taken = 0.0, 0
    bucket: Any = Bucket(per_s, size, now)
    for wait in waits:
        now += wait
        taken += sum(bucket.take(now) for _ in range(70))
        assert taken <= size + per_s * now + 1e-6
