"""Bars against a third party's minute bars of a settlement day, and their rules on made-up ticks."""

import csv
import gzip
import io
import zipfile
from collections import defaultdict
from datetime import date, datetime
from pathlib import Path

import pytest

from engine.model.bar import Bar
from engine.model.session import TAIPEI, SessionKind, TradingCalendar
from engine.model.tick import Tick, TickFlag
from engine.strategies.bars import BarBuilder
from engine.timing import NS_PER_S

MINUTE = 60 * NS_PER_S
SETTLEMENT = date(2024, 11, 20)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=TAIPEI).timestamp()) * NS_PER_S


def tick(seq: int, time: str, price: int = 100, quantity: int = 1, flags: int = 0) -> Tick:
    stamp = at(f"2024-11-20 {time}")
    return Tick(
        symbol="TXFL4", seq=seq, ts_event=stamp, ts_recv=stamp, price=price, quantity=quantity, flags=flags
    )


def built(builder: BarBuilder, ticks: list[Tick], now: str = "") -> list[Bar]:
    bars = [bar for item in ticks if (bar := builder.add(item)) is not None]
    if now and (last := builder.close_due(at(f"2024-11-20 {now}"))) is not None:
        bars.append(last)
    return bars


@pytest.fixture
def minutes() -> BarBuilder:
    return BarBuilder(MINUTE, TradingCalendar())


# ---------------------------------------------------------------------------------------------- real data


def outright_prints(path: Path) -> dict[str, list[Tick]]:
    """All TX prints of the daily file by contract month, in the file's order."""
    prints: dict[str, list[Tick]] = defaultdict(list)
    with zipfile.ZipFile(path) as archive, archive.open(archive.namelist()[0]) as raw:
        for row in csv.reader(io.TextIOWrapper(raw, "cp950")):
            day, product, month, time, price, quantity = (field.strip() for field in row[:6])
            if product != "TX" or "/" in month:
                continue
            clock = f"{day[:4]}-{day[4:6]}-{day[6:]} {time[:2]}:{time[2:4]}:{time[4:]}"
            stamp = at(clock)
            found = prints[month]
            found.append(
                Tick(
                    symbol=month,
                    seq=len(found) + 1,
                    ts_event=stamp,
                    ts_recv=stamp,
                    price=int(price),
                    quantity=int(quantity) // 2,
                )
            )
    return prints


def test_minute_bars_equal_a_third_partys(market_data: Path) -> None:
    expected = defaultdict(list)
    with gzip.open(market_data / "taifex" / "expected_1min_2024_11_20.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["symbol"] == "TX" and "/" not in row["exp_month"]:
                prices = (int(float(row[name])) for name in ("open", "high", "low", "close"))
                expected[row["exp_month"]].append((at(row["time"]), *prices, int(row["volume"])))
    calendar = TradingCalendar()
    prints = outright_prints(market_data / "taifex" / "Daily_2024_11_20.zip")
    assert expected
    assert prints.keys() == expected.keys()
    for month, ticks in prints.items():
        expiry = calendar.settlement_day(int(month[:4]), int(month[4:]))
        builder = BarBuilder(MINUTE, calendar, expiry)
        bars = [bar for item in ticks if (bar := builder.add(item))]
        last = builder.close_due(at("2024-11-20 15:00:00"))
        assert last is not None
        bars.append(last)
        found = [(bar.start_ns, bar.open, bar.high, bar.low, bar.close, bar.volume) for bar in bars]
        assert found == expected[month], month
        assert sum(bar.trades for bar in bars) == len(ticks)
        assert {bar.trade_date for bar in bars} == {SETTLEMENT}
        assert builder.late == 0


# -------------------------------------------------------------------------------------------------- rules


def test_bar_holds_what_happened_in_its_span(minutes: BarBuilder) -> None:
    ticks = [
        tick(1, "09:00:00", 100, 2),
        tick(2, "09:00:30", 104),
        tick(3, "09:00:31", 97),
        tick(4, "09:00:59", 99),
        tick(5, "09:01:00", 98),
    ]
    assert built(minutes, ticks) == [
        Bar(
            symbol="TXFL4",
            trade_date=SETTLEMENT,
            session=SessionKind.DAY,
            start_ns=at("2024-11-20 09:00:00"),
            span_ns=MINUTE,
            open=100,
            high=104,
            low=97,
            close=99,
            volume=5,
            trades=4,
        )
    ]
    assert minutes.bar is not None
    assert minutes.bar.start_ns == at("2024-11-20 09:01:00")


@pytest.mark.parametrize(
    ("expiry", "end", "bar"),
    [(None, "13:45:00", "13:44:00"), (None, "05:00:00", "04:59:00"), (SETTLEMENT, "13:30:00", "13:29:00")],
)
def test_print_that_ends_the_session_belongs_to_its_last_bar(expiry: date | None, end: str, bar: str) -> None:
    builder = BarBuilder(MINUTE, TradingCalendar(), expiry)
    assert built(builder, [tick(1, bar), tick(2, end, 90, 7)], end) == []
    closed = builder.close_due(at(f"2024-11-20 {end}") + NS_PER_S)
    assert closed is not None
    assert (closed.start_ns, closed.close, closed.volume) == (at(f"2024-11-20 {bar}"), 90, 8)


def test_long_bars_begin_with_the_session() -> None:
    builder = BarBuilder(60 * MINUTE, TradingCalendar())
    bars = built(builder, [tick(1, "08:50:00"), tick(2, "09:44:59"), tick(3, "09:45:00")])
    assert [(bar.start_ns, bar.trades) for bar in bars] == [(at("2024-11-20 08:45:00"), 2)]


def test_night_bar_has_the_next_trade_date(minutes: BarBuilder) -> None:
    minutes.add(tick(1, "15:00:00"))
    assert minutes.bar is not None
    assert (minutes.bar.trade_date, minutes.bar.session) == (date(2024, 11, 21), SessionKind.NIGHT)


def test_trial_matches_duplicates_and_closed_market_never_enter(minutes: BarBuilder) -> None:
    ticks = [
        tick(1, "08:44:00", 50),
        tick(2, "09:00:00", 60, flags=TickFlag.TRIAL),
        tick(3, "09:00:01", 100, flags=TickFlag.OPENING),
        tick(3, "09:00:01", 100),
        tick(2, "09:00:02", 70),
        tick(4, "14:00:00", 80),
    ]
    bars = built(minutes, ticks, "14:00:00")
    assert [(bar.open, bar.low, bar.volume) for bar in bars] == [(100, 100, 1)]


def test_clock_closes_a_bar_once(minutes: BarBuilder) -> None:
    minutes.add(tick(1, "09:00:10"))
    assert minutes.close_due(at("2024-11-20 09:00:59")) is None
    assert minutes.close_due(at("2024-11-20 09:01:00")) is not None
    assert minutes.bar is None
    assert minutes.close_due(at("2024-11-20 09:02:00")) is None
    assert minutes.add(tick(2, "09:02:00")) is None


def test_bar_is_given_again_when_a_print_comes_after_the_clock(minutes: BarBuilder) -> None:
    minutes.add(tick(1, "09:00:10", 100))
    minutes.close_due(at("2024-11-20 09:01:00"))
    minutes.add(tick(2, "09:00:59", 105))
    again = minutes.add(tick(3, "09:01:02"))
    assert again is not None
    assert (again.start_ns, again.open, again.close) == (at("2024-11-20 09:00:00"), 100, 105)


def test_print_of_a_bar_long_closed_is_counted(minutes: BarBuilder) -> None:
    built(minutes, [tick(1, "09:00:00"), tick(2, "09:01:00"), tick(3, "09:00:30")])
    assert minutes.late == 1


def test_bar_without_length_is_refused() -> None:
    with pytest.raises(ValueError, match="no length"):
        BarBuilder(0, TradingCalendar())
