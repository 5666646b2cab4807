"""When prints are due: speed, pause, steps and jumps, without a thread or a clock."""

from engine.brokers.pacing import Pacing
from engine.brokers.tape import Tape
from engine.formats.taifex import Print
from engine.model.session import TradingCalendar
from engine.model.tick import TickFlag
from engine.timing import NS_PER_S
from tests.unit.engine.storage.test_store import at

CALENDAR = TradingCalendar()


def tape(*times: str) -> Tape:
    return Tape({"TXFK4": [Print(at(time), 100, 1) for time in times]}, CALENDAR)


def minute(count: int = 10) -> Tape:
    """A print a second."""
    return tape(*(f"09:00:{second:02}" for second in range(count)))


def test_prints_come_at_the_speed() -> None:
    pacing = Pacing(minute(), 2.0)
    assert pacing.limit(0, 5_000) == 1  # the first one begins the count
    assert pacing.limit(1, 5_000 + 499_000_000) == 1
    assert pacing.limit(1, 5_000 + 500_000_000) == 2
    assert pacing.limit(2, 5_000 + 4 * NS_PER_S) == 9
    assert pacing.wait_s(2, 5_000 + 600_000_000) == 0.4


def test_without_a_speed_everything_is_due() -> None:
    assert Pacing(minute(), 0.0).limit(3, 0) == 10


def test_paused_nothing_further_is_due_and_time_that_passed_meanwhile_does_not_count() -> None:
    pacing = Pacing(minute(), 1.0)
    assert pacing.limit(0, 0) == 1
    pacing.pause()
    assert pacing.limit(1, 60 * NS_PER_S) == 1
    assert pacing.wait_s(1, 60 * NS_PER_S) is None
    pacing.resume()
    assert pacing.limit(1, 60 * NS_PER_S) == 1
    assert pacing.limit(1, 61 * NS_PER_S) == 2


def test_freed_prints_are_due_while_paused_and_then_it_stands_again() -> None:
    pacing = Pacing(minute(), 1.0)
    pacing.pause()
    pacing.free(4)
    assert pacing.is_jumping(0)
    assert pacing.limit(0, 0) == 4
    assert not pacing.is_jumping(4)
    assert pacing.limit(4, 60 * NS_PER_S) == 4


def test_after_a_jump_the_speed_counts_from_where_it_ended() -> None:
    pacing = Pacing(minute(), 1.0)
    pacing.limit(0, 0)
    pacing.free(6)
    assert pacing.limit(1, 10 * NS_PER_S) == 6
    assert pacing.limit(6, 10 * NS_PER_S) == 6
    assert pacing.limit(6, 11 * NS_PER_S) == 7


def test_a_pause_ends_a_jump() -> None:
    pacing = Pacing(minute(), 1.0)
    pacing.free(8)
    pacing.pause()
    assert pacing.limit(3, 0) == 3


def test_paused_behind_the_last_print_it_is_not_over_until_someone_goes_on() -> None:
    pacing = Pacing(minute(3), 0.0)
    pacing.pause()
    assert not pacing.is_over(3)
    pacing.free(4)
    assert pacing.is_over(3)
    pacing.pause()
    pacing.resume()
    assert pacing.is_over(3)
    assert not pacing.is_over(2)


# ------------------------------------------------------------------------------------------------------ the tape


def test_trading_time_reaches_over_the_closed_hours() -> None:
    found = Tape(
        {"TXFK4": [Print(at("04:59:50"), 1, 1), Print(at("08:45:05"), 2, 1), Print(at("08:45:05"), 3, 1)]},
        CALENDAR,
    )
    line = found.timeline
    assert line.spans == ((at("04:59:50"), at("05:00:00")), (at("08:45:00"), at("08:45:05") + NS_PER_S // 2))
    assert line.length_ns == found.elapsed[-1] == 15 * NS_PER_S + NS_PER_S // 2
    assert line.instant(10 * NS_PER_S) == at("05:00:00")
    assert line.instant(12 * NS_PER_S) == at("08:45:02")
    assert line.elapsed(at("08:45:02")) == 12 * NS_PER_S
    assert line.elapsed(at("06:00:00")) == 10 * NS_PER_S
    assert line.instant(99 * NS_PER_S) == line.spans[-1][1]


def test_closing_second_takes_no_time() -> None:
    found = Tape(
        {"TXFK4": [Print(at("04:59:59"), 1, 1), *[Print(at("05:00:00"), 2, 1)] * 3, Print(at("08:45:00"), 3, 1)]},
        CALENDAR,
    )
    assert found.elapsed == [0, NS_PER_S, NS_PER_S, NS_PER_S, NS_PER_S]
    assert found.due(NS_PER_S - 1) == 1


def test_prints_that_were_recorded_to_the_nanosecond_keep_their_times() -> None:
    stamps = [at("09:00:00") + step for step in (0, 1_000, 1_000, 5_000)]
    found = Tape({"TXFK4": [Print(stamp, 1, 1) for stamp in stamps]}, CALENDAR)
    assert found.elapsed == [0, 1_000, 3_000, 5_000]


def test_trial_matches_belong_to_the_session_that_follows_and_trade_nothing() -> None:
    trial = Print(at("08:40:00"), 99, 50, int(TickFlag.TRIAL))
    found = Tape({"TXFK4": [trial, Print(at("08:45:00"), 100, 2)]}, CALENDAR)
    assert [tick.total_volume for tick in found.ticks] == [0, 2]
    assert len(found.sessions) == 1
    assert found.elapsed == [0, 300 * NS_PER_S]
    assert found.timeline.spans == ((at("08:40:00"), at("08:45:00")),)


def test_a_clock_time_means_the_hour_at_which_there_was_trading() -> None:
    line = tape("08:45:00", "13:45:00").timeline
    offset = 8 * 3600
    assert line.at_clock(9 * 3600, offset) == at("09:00:00")
    assert line.at_clock(21 * 3600, offset) == at("13:45:00")
    night = Tape({"TXFK4": [Print(at("00:30:00"), 1, 1), Print(at("13:00:00"), 1, 1)]}, CALENDAR).timeline
    assert night.at_clock(60, offset) == at("00:30:00")  # nearest to what there is
    assert night.at_clock(3600, offset) == at("01:00:00")
