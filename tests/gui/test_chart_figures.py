"""The figures behind the chart: what is in view, where labels go, which marks the axes have."""

import itertools
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.session import TAIPEI, TradingCalendar
from engine.model.tick import Tick
from engine.timing import NS_PER_S
from terminal.chart import axes
from terminal.chart.candles import group_size, grouped, visible
from terminal.chart.foreground import fitting
from terminal.chart.scale import Scale, Timeline, padded, volume_top, with_near_lines
from terminal.chart.tags import spread
from terminal.models.bars import BarSeries

OPEN = int(datetime(2024, 11, 5, 8, 45, tzinfo=TAIPEI).timestamp()) * NS_PER_S
PIXELS = st.floats(0, 600)


@given(st.lists(PIXELS, max_size=20))
def test_labels_never_overlap_and_keep_their_order(wanted: list[float]) -> None:
    placed = spread(wanted, [1.0] * len(wanted), 21, 10, 590)
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    ranked = [placed[index] for index in order]
    assert all(after - before >= 21 - 1e-6 for before, after in itertools.pairwise(ranked))
    assert all(10 - 1e-6 <= place <= 590 + 1e-6 for place in placed)


def test_labels_with_room_stay_where_they_belong() -> None:
    assert spread([300.0, 100.0, 200.0], [1.0] * 3, 21, 0, 600) == pytest.approx([300, 100, 200])


def test_neighbours_make_room_for_the_one_that_insists() -> None:
    placed = spread([300.0, 300.0, 300.0], [1.0, 1e6, 1.0], 20, 0, 600)
    assert placed[1] == pytest.approx(300, abs=0.1)


def test_scale_there_and_back() -> None:
    scale = Scale(10, 20, 800, 400, -1, 99, 22_000, 23_000)
    assert scale.index(scale.x(42)) == pytest.approx(42)
    assert scale.value(scale.y(22_750)) == pytest.approx(22_750)
    assert (scale.y(23_000), scale.y(22_000)) == (20, 420)


@given(st.lists(st.tuples(st.sampled_from(["pan", "zoom", "grow"]), st.floats(-3, 3)), max_size=40))
def test_view_never_loses_the_bars(steps: list[tuple[str, float]]) -> None:
    line = Timeline(100)
    line.set_count(500)
    for kind, amount in steps:
        if kind == "pan":
            line.pan(amount * 200)
        elif kind == "zoom":
            line.zoom(2**amount, line.x0 + 0.3 * line.width)
        else:
            line.set_count(line.count + 1)
        assert line.width > 0
        assert line.x0 < line.count
        assert line.x1 > 0
        if line.is_following:
            assert line.x0 <= line.count - 1 <= line.x1
    line.follow()
    assert line.x0 <= line.count - 1 <= line.x1


def test_far_lines_do_not_squeeze_the_bars() -> None:
    assert with_near_lines(100, 140, [150, 60, 900], 1) == (60, 150)
    assert with_near_lines(100, 140, [5_000], 1) == (100, 140)


def test_range_stays_while_it_fits() -> None:
    first = padded(100, 200, 1, None)
    assert padded(102, 201, 1, first) == first
    assert padded(100, 260, 1, first) != first
    assert padded(150, 160, 1, first) != first
    assert volume_top(90, volume_top(100, None)) == volume_top(100, None)


def series(count: int, span_s: int = 1, gap_s: int = 1) -> BarSeries:
    made = BarSeries(TradingCalendar(), span_s=span_s)
    made.append_ticks(
        [
            Tick(
                symbol="TXFK4",
                seq=seq + 1,
                ts_event=OPEN + seq * gap_s * NS_PER_S,
                ts_recv=0,
                price=100 + seq % 17,
                quantity=1 + seq % 5,
            )
            for seq in range(count)
        ]
    )
    return made


def test_crowded_bars_are_drawn_as_one_a_pixel_with_true_extremes() -> None:
    bars = series(10_000).bars
    scale = Scale(0, 0, 800, 400, 0, 10_000, 90, 130)
    size = group_size(scale.bar_width)
    first, end = visible(bars, scale)
    groups = grouped(bars, first, end, size)
    assert size == 13
    assert (first, end) == (0, 10_000)
    assert len(groups.centre) <= 800
    assert groups.high.max() == bars.high.max()
    assert groups.volume.sum() == bars.volume.sum()
    assert groups.close[-1] == bars.close[-1]
    assert groups.open[5] == bars.open[5 * 13]


def test_few_bars_are_drawn_one_by_one() -> None:
    assert group_size(9.0) == 1
    assert group_size(0.7) == 1
    assert group_size(0.5) == 2


@pytest.mark.parametrize(("bars", "span_s"), [(60, 1), (600, 1), (250, 60), (15_000, 1)])
def test_time_marks_keep_their_distance(bars: int, span_s: int) -> None:
    made = series(bars, span_s, span_s)
    scale = Scale(0, 0, 1_000, 400, 0, bars, 90, 130)
    marks = axes.time_marks(made.bars, (0, len(made.bars)), scale, span_s, 84)
    places = [scale.x(mark.index) for mark in marks]
    assert len(marks) >= 3
    assert marks[0].is_session
    assert marks[0].text == "11/05 08:45"
    assert all(after - before >= 0.8 * 84 for before, after in itertools.pairwise(places))


@pytest.mark.parametrize(("span", "step"), [(0.5, 1), (8, 1), (16, 2), (60, 10), (900, 100), (5_000, 500)])
def test_price_marks_are_round(span: float, step: int) -> None:
    scale = Scale(0, 0, 800, 440, 0, 100, 22_000, 22_000 + span)
    assert axes.price_step(scale, 1, 44) == step
    assert all(mark % step == 0 for mark in axes.price_marks(scale, step))


def test_the_readout_shows_a_value_whole_with_its_name_or_not_at_all() -> None:
    title, opened, volume = (("TXFK4", ""),), (("  O ", ""), ("22,933", "")), (("  Vol ", ""), ("7", ""))
    values = [title, opened, volume]
    assert fitting(values, 100, len) == [*title, *opened, *volume]
    assert fitting(values, len("TXFK4  O 22,933"), len) == [*title, *opened]
    assert fitting(values, len("TXFK4  O 22,933") - 1, len) == [*title]
    assert fitting(values, 3, len) == []
