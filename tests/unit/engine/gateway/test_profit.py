"""Trade dates as instants."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.gateway.profit import TradeDay
from engine.model.session import SessionKind, TradingCalendar
from engine.timing import NS_PER_S

CALENDAR = TradingCalendar()
FIRST = CALENDAR.session(date(2024, 1, 2), SessionKind.DAY).open_ns
LAST = CALENDAR.session(date(2025, 12, 30), SessionKind.DAY).close_ns


@given(st.integers(FIRST, LAST))
def test_every_instant_belongs_to_one_trade_date_and_one_follows_another(ts: int) -> None:
    day = TradeDay.at(ts, CALENDAR)
    assert day.contains(ts)
    assert TradeDay.at(day.begin_ns, CALENDAR) == TradeDay.at(day.end_ns - 1, CALENDAR) == day
    assert TradeDay.at(day.end_ns, CALENDAR).begin_ns == day.end_ns
    assert TradeDay.at(day.begin_ns - 1, CALENDAR).end_ns == day.begin_ns
    if session := CALENDAR.session_at(ts):
        assert session.trade_date == day.trade_date


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        (date(2024, 11, 5), SessionKind.NIGHT),
        (date(2024, 11, 5), SessionKind.DAY),
        (date(2024, 11, 11), SessionKind.NIGHT),  # of a Monday: opens on Friday
        (date(2024, 2, 15), SessionKind.DAY),  # after the Lunar New Year
    ],
)
def test_has_its_sessions_whole(day: date, kind: SessionKind) -> None:
    session = CALENDAR.session(day, kind)
    found = TradeDay.at(session.open_ns, CALENDAR)
    assert found.trade_date == day
    assert found.contains(session.close_ns + NS_PER_S - 1)
