import pytest

from engine.settings import Supervision
from engine.supervision.health import Health

LIMITS = Supervision(ready_timeout_s=20.0, heartbeat_limit_s=3.0, work_limit_s=5.0)


def started(*, ready_at: float | None = None) -> Health:
    health = Health(LIMITS)
    health.begin(100.0)
    if ready_at is not None:
        health.ready(ready_at)
    return health


def beat_from(health: Health, start: float, end: float, *, works: bool) -> None:
    """A heartbeat each quarter of a second."""
    for step in range(int((end - start) * 4) + 1):
        health.hear(start + step / 4, 1_000 + step if works else 7)


def test_a_start_has_its_time_and_heartbeats_do_not_lengthen_it() -> None:
    health = started()
    beat_from(health, 100.0, 120.0, works=True)
    assert health.fault(120.0, judges_work=True) == ""
    assert health.fault(120.1, judges_work=True) == "was not ready within 20 s"
    assert not health.is_fresh(120.0)


def test_silence_is_a_fault_and_half_of_it_is_no_longer_fresh() -> None:
    health = started(ready_at=110.0)
    assert health.is_fresh(111.5)
    assert not health.is_fresh(111.6)
    assert health.fault(113.0, judges_work=True) == ""
    assert health.fault(113.1, judges_work=True) == "gave no sign of life for 3 s"
    health.hear(113.2, 0)
    assert health.fault(113.2, judges_work=True) == ""


@pytest.mark.parametrize(("works", "fault"), [(True, ""), (False, "lived, but did no work for 5 s")])
def test_heartbeats_without_new_work_are_a_fault(works: bool, fault: str) -> None:
    health = started(ready_at=100.0)
    beat_from(health, 100.0, 105.25, works=works)
    assert health.fault(105.3, judges_work=True) == fault
    assert health.fault(105.3, judges_work=False) == ""


def test_a_clock_that_jumps_back_is_work_all_the_same() -> None:
    health = started(ready_at=100.0)
    for step in range(24):
        health.hear(100.0 + step / 4, 10**18 - step * 10**12)
    assert health.fault(106.0, judges_work=True) == ""


def test_an_excuse_counts_anew_but_makes_nobody_fresh() -> None:
    health = started(ready_at=100.0)
    health.hear(100.0, 7)
    health.excuse(110.0)
    assert health.fault(113.0, judges_work=True) == ""
    assert not health.is_fresh(110.0)
    assert health.fault(113.1, judges_work=True) == "gave no sign of life for 3 s"
    beat_from(health, 113.2, 115.2, works=False)
    assert health.fault(115.2, judges_work=True) == "lived, but did no work for 5 s"


def test_a_new_start_forgets_the_last() -> None:
    health = started(ready_at=100.0)
    health.begin(200.0)
    assert health.fault(200.0, judges_work=True) == ""
    assert not health.is_fresh(200.0)
    assert health.started == 200.0
