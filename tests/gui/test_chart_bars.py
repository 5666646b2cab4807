"""The chart's columns say the same as the engine's bars, whatever order the ticks come in."""

import random
from datetime import date, datetime

import pytest

from engine.model.session import TAIPEI, TradingCalendar
from engine.model.tick import Tick, TickFlag
from engine.strategies.bars import BarBuilder
from engine.timing import NS_PER_S
from terminal.models.bars import TIME_FRAMES, BarSeries, Change

OPEN = int(datetime(2024, 11, 20, 8, 45, tzinfo=TAIPEI).timestamp()) * NS_PER_S
CLOSE = int(datetime(2024, 11, 20, 13, 45, tzinfo=TAIPEI).timestamp()) * NS_PER_S
CALENDAR = TradingCalendar()


def random_ticks(count: int, seed: int) -> list[Tick]:
    """Ticks over the night and day session, both closing seconds included, with trial matches in between."""
    rng = random.Random(seed)
    night = OPEN - (17 * 60 + 45) * 60 * NS_PER_S
    times = sorted(rng.randrange(night, CLOSE + NS_PER_S) for _ in range(count))
    times[-1] = CLOSE
    return [
        Tick(
            symbol="TXFL4",
            seq=seq,
            ts_event=time,
            ts_recv=time,
            price=22_800 + rng.randrange(-300, 300),
            quantity=rng.randrange(1, 9),
            flags=TickFlag.TRIAL if rng.random() < 0.05 else 0,
        )
        for seq, time in enumerate(times, 1)
    ]


def rows(series: BarSeries) -> list[tuple[int, ...]]:
    bars = series.bars
    columns = (bars.start_ns, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def truth(ticks: list[Tick], span_s: int) -> list[tuple[int, ...]]:
    builder = BarBuilder(span_s * NS_PER_S, CALENDAR)
    bars = [bar for tick in ticks if (bar := builder.add(tick))]
    if builder.bar:
        bars.append(builder.bar)
    return [(bar.start_ns, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars]


@pytest.mark.parametrize("span_s", TIME_FRAMES)
def test_same_as_the_engine_in_batches(span_s: int) -> None:
    ticks = random_ticks(3_000, 1)
    series = BarSeries(CALENDAR, span_s=span_s)
    rng = random.Random(2)
    begin = 0
    while begin < len(ticks):
        end = begin + rng.choice((1, 2, 17, 300))
        series.append_ticks(ticks[begin:end])
        begin = end
    assert rows(series) == truth(ticks, span_s)


@pytest.mark.parametrize("span_s", TIME_FRAMES)
def test_repaired_gaps_and_overlaps_fall_into_place(span_s: int) -> None:
    ticks = random_ticks(2_000, 3)
    series = BarSeries(CALENDAR, span_s=span_s)
    rng = random.Random(4)
    pieces = [ticks[at : at + 50] for at in range(0, len(ticks), 45)]  # each overlaps the next by five
    rng.shuffle(pieces)
    for piece in pieces:
        series.append_ticks(piece)
    assert rows(series) == truth(ticks, span_s)
    assert series.last_seq == 2_000
    assert series.append_ticks(rng.sample(ticks, 500)) is None


def test_time_frame_changes_over_the_same_ticks() -> None:
    ticks = random_ticks(2_000, 5)
    series = BarSeries(CALENDAR)
    series.append_ticks(ticks[:1_500])
    for span_s in (300, 1, 3600, 5):
        series.set_span(span_s)
        assert rows(series) == truth(ticks[:1_500], span_s)
    series.append_ticks(ticks[1_500:])
    assert rows(series) == truth(ticks, 5)


def test_change_tells_which_bars_to_draw_again() -> None:
    def tick(seq: int, second: int) -> Tick:
        time = OPEN + second * NS_PER_S
        return Tick(symbol="TXFL4", seq=seq, ts_event=time, ts_recv=time, price=100, quantity=1)

    series = BarSeries(CALENDAR, span_s=60)
    assert series.append_ticks([]) is None
    assert series.append_ticks([tick(1, 0), tick(2, 65)]) == Change(0, 2)
    assert series.append_ticks([tick(3, 66)]) == Change(1, 0)
    assert series.append_ticks([tick(5, 130), tick(6, 190)]) == Change(2, 2)
    assert series.append_ticks([tick(4, 119)]) == Change(1, 0)
    assert series.append_ticks([tick(4, 119)]) is None


def test_contract_ends_at_half_past_one_on_its_last_day() -> None:
    late = CLOSE - 10 * 60 * NS_PER_S
    tick = Tick(symbol="TXFK4", seq=1, ts_event=late, ts_recv=late, price=100, quantity=1)
    assert BarSeries(CALENDAR, date(2024, 11, 20)).append_ticks([tick]) is None
    assert BarSeries(CALENDAR, date(2024, 12, 18)).append_ticks([tick]) is not None
