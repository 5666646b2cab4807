"""Sessions and trading days, against the exchange's own files, an independent calendar and stated rules."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import CalendarError
from engine.model import holidays
from engine.model.session import FIRST_NIGHT, TAIPEI, Phase, Session, SessionKind, TradingCalendar

DAY, NIGHT = SessionKind.DAY, SessionKind.NIGHT
SECOND = 1_000_000_000
CALENDAR = TradingCalendar()


def ns(text: str) -> int:
    """Nanoseconds UTC of a Taipei time, such as ``2024-11-20 13:45:00``."""
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Taipei"))
    return int(moment.timestamp()) * SECOND + moment.microsecond * 1000


def opens(session: Session | None) -> str | None:
    """The open of a session as Taipei time."""
    if session is None:
        return None
    return datetime.fromtimestamp(session.open_ns // SECOND, TAIPEI).strftime("%Y-%m-%d %H:%M")


def days(first: str, last: str) -> Iterator[date]:
    day = date.fromisoformat(first)
    while day <= date.fromisoformat(last):
        yield day
        day += timedelta(days=1)


class TestTradingDays:
    @pytest.mark.parametrize(
        "day",
        [
            "2022-02-04",  # moved Lunar New Year day, missing in the cash calendar
            "2023-01-18",  # clearing and settlement only
            "2024-10-31",  # typhoon
            "2025-01-01",
            "2025-10-24",
            "2026-02-12",
            "2026-06-19",
            "2024-11-23",  # a Saturday
            "2019-10-05",  # a working Saturday: not traded from 2019 on
            "2027-04-06",
        ],
    )
    def test_closed(self, day: str) -> None:
        assert not CALENDAR.is_trading_day(date.fromisoformat(day))

    @pytest.mark.parametrize("day", ["2024-11-20", "2024-12-31", "2016-01-30", "2018-12-22", "2024-09-16"])
    def test_open(self, day: str) -> None:
        assert CALENDAR.is_trading_day(date.fromisoformat(day))

    def test_neighbours_skip_the_lunar_new_year(self) -> None:
        assert CALENDAR.next_trading_day(date(2026, 2, 11)) == date(2026, 2, 23)
        assert CALENDAR.previous_trading_day(date(2026, 2, 23)) == date(2026, 2, 11)

    def test_neighbours_of_a_closed_day(self) -> None:
        assert CALENDAR.next_trading_day(date(2024, 11, 23)) == date(2024, 11, 25)
        assert CALENDAR.previous_trading_day(date(2024, 11, 23)) == date(2024, 11, 22)

    def test_exceptions_from_the_settings(self) -> None:
        calendar = TradingCalendar(closed=[date(2026, 7, 15)], opened=[date(2026, 6, 19), date(2026, 6, 20)])
        assert not calendar.is_trading_day(date(2026, 7, 15))
        assert calendar.is_trading_day(date(2026, 6, 19))
        assert calendar.is_trading_day(date(2026, 6, 20))
        assert TradingCalendar(closed=[date(2018, 12, 22)]).next_trading_day(date(2018, 12, 21)) == date(
            2018, 12, 24
        )

    def test_a_day_cannot_be_closed_and_opened(self) -> None:
        with pytest.raises(CalendarError, match="2026-07-15"):
            TradingCalendar(closed=[date(2026, 7, 15)], opened=[date(2026, 7, 15)])

    def test_beyond_the_table_weekdays_trade_and_are_not_covered(self) -> None:
        assert CALENDAR.is_trading_day(date(2035, 1, 1))
        assert not CALENDAR.covers(date(2035, 1, 1))
        assert not CALENDAR.covers(date(2014, 12, 31))
        assert not CALENDAR.covers(holidays.ANNOUNCED_TO + timedelta(days=1))
        assert CALENDAR.covers(holidays.FIRST_DAY)
        assert CALENDAR.covers(holidays.ANNOUNCED_TO)

    def test_the_table_holds_weekdays_and_saturdays(self) -> None:
        assert {day.weekday() for day in holidays.dates_of(holidays.TRADED_SATURDAYS)} == {5}
        assert all(day.weekday() < 5 for day in holidays.dates_of(holidays.CLOSED_WEEKDAYS))

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the package's own, about pandas
    def test_the_table_is_the_cash_calendar_and_its_known_faults(self) -> None:
        exchange_calendars = pytest.importorskip("exchange_calendars")
        cash = exchange_calendars.get_calendar("XTAI", start="2015-01-01", end="2027-12-31")
        sessions = {session.date() for session in cash.sessions}
        weekdays = {day for day in days("2015-01-01", "2027-12-31") if day.weekday() < 5}
        ours = holidays.dates_of(holidays.CLOSED_WEEKDAYS)
        assert weekdays - sessions <= ours
        assert ours & sessions <= {
            date(2022, 2, 4),
            date(2023, 1, 18),
            date(2024, 10, 31),
            date(2027, 2, 2),
            date(2027, 2, 3),
            date(2027, 4, 6),
            date(2027, 12, 24),
        }


class TestSettlementDay:
    @pytest.mark.parametrize(
        ("month", "day"),
        [
            ((2024, 11), date(2024, 11, 20)),
            ((2024, 12), date(2024, 12, 18)),
            ((2026, 5), date(2026, 5, 20)),
            ((2015, 2), date(2015, 2, 24)),  # Lunar New Year
            ((2023, 1), date(2023, 1, 30)),  # Lunar New Year, with the day missing in the cash calendar
            ((2026, 2), date(2026, 2, 23)),  # as announced by TAIFEX
            ((2027, 9), date(2027, 9, 16)),  # Mid-Autumn Festival
        ],
    )
    def test_third_wednesday_or_next_trading_day(self, month: tuple[int, int], day: date) -> None:
        assert CALENDAR.settlement_day(*month) == day

    def test_a_typhoon_moves_it(self) -> None:
        assert TradingCalendar(closed=[date(2024, 11, 20)]).settlement_day(2024, 11) == date(2024, 11, 21)

    @given(st.integers(2015, 2040), st.integers(1, 12))
    def test_it_is_a_trading_day_not_before_the_fifteenth(self, year: int, month: int) -> None:
        day = CALENDAR.settlement_day(year, month)
        assert CALENDAR.is_trading_day(day)
        assert day >= date(year, month, 15)


class TestSession:
    @pytest.mark.parametrize(
        ("trade_date", "kind", "open_", "close"),
        [
            ("2024-11-20", DAY, "2024-11-20 08:45:00", "2024-11-20 13:45:00"),
            ("2024-11-20", NIGHT, "2024-11-19 15:00:00", "2024-11-20 05:00:00"),
            ("2024-11-25", NIGHT, "2024-11-22 15:00:00", "2024-11-23 05:00:00"),  # Monday's began on Friday
            ("2025-01-02", NIGHT, "2024-12-31 15:00:00", "2025-01-01 05:00:00"),  # before a holiday
            ("2026-02-23", NIGHT, "2026-02-11 15:00:00", "2026-02-12 05:00:00"),  # before Lunar New Year
            ("2024-11-01", NIGHT, "2024-10-30 15:00:00", "2024-10-31 05:00:00"),  # into a typhoon day
        ],
    )
    def test_times(self, trade_date: str, kind: SessionKind, open_: str, close: str) -> None:
        session = CALENDAR.session(date.fromisoformat(trade_date), kind)
        assert (session.trade_date, session.kind) == (date.fromisoformat(trade_date), kind)
        assert (session.open_ns, session.close_ns) == (ns(open_), ns(close))

    @pytest.mark.parametrize("day", [date(2024, 11, 23), date(2025, 1, 1)])
    def test_none_on_a_closed_day(self, day: date) -> None:
        for kind in SessionKind:
            with pytest.raises(CalendarError, match=str(day)):
                CALENDAR.session(day, kind)

    def test_nights_began_in_2017(self) -> None:
        assert opens(CALENDAR.session(FIRST_NIGHT, NIGHT)) == "2017-05-15 15:00"
        with pytest.raises(CalendarError, match="2017-05-15"):
            CALENDAR.session(date(2017, 5, 15), NIGHT)
        assert CALENDAR.session_at(ns("2017-05-12 16:00:00")) is None

    def test_the_expiring_contract(self) -> None:
        last = date(2024, 11, 20)
        assert CALENDAR.session(last, DAY, last_trading_day=last).close_ns == ns("2024-11-20 13:30:00")
        assert CALENDAR.session(last, NIGHT, last_trading_day=last) == CALENDAR.session(last, NIGHT)
        before = date(2024, 11, 19)
        assert CALENDAR.session(before, DAY, last_trading_day=last) == CALENDAR.session(before, DAY)
        for kind in SessionKind:
            with pytest.raises(CalendarError, match="expired"):
                CALENDAR.session(date(2024, 11, 21), kind, last_trading_day=last)

    def test_both_ends_belong_to_it(self) -> None:
        session = CALENDAR.session(date(2024, 11, 20), DAY)
        assert not session.contains(session.open_ns - 1)
        assert session.contains(session.open_ns)
        assert session.contains(session.close_ns)

    def test_the_closing_second_belongs_to_it(self) -> None:
        session = CALENDAR.session(date(2017, 8, 15), DAY)
        assert session.contains(ns("2017-08-15 13:45:00.040000"))  # the last match of TXFH7 on that day
        assert not session.contains(ns("2017-08-15 13:45:01"))


class TestSessionAt:
    @pytest.mark.parametrize(
        ("moment", "expected"),
        [
            ("2024-11-20 08:44:59.999999", None),
            ("2024-11-20 08:45:00", ("2024-11-20", DAY)),
            ("2024-11-20 13:45:00", ("2024-11-20", DAY)),
            ("2024-11-20 13:45:01", None),
            ("2024-11-20 14:59:59", None),
            ("2024-11-20 15:00:00", ("2024-11-21", NIGHT)),
            ("2024-11-20 23:59:59", ("2024-11-21", NIGHT)),
            ("2024-11-21 00:00:00", ("2024-11-21", NIGHT)),
            ("2024-11-21 05:00:00", ("2024-11-21", NIGHT)),
            ("2024-11-21 05:00:01", None),
            ("2024-11-22 15:00:00", ("2024-11-25", NIGHT)),
            ("2024-11-23 04:59:59", ("2024-11-25", NIGHT)),
            ("2024-11-23 15:00:00", None),
            ("2024-11-24 23:00:00", None),
            ("2025-01-01 05:00:00", ("2025-01-02", NIGHT)),
            ("2025-01-01 15:00:00", None),
            ("2024-10-31 04:00:00", ("2024-11-01", NIGHT)),
            ("2024-10-31 10:00:00", None),
            ("2024-10-31 16:00:00", None),
            ("1970-01-01 12:00:00", ("1970-01-01", DAY)),
        ],
    )
    def test_instants(self, moment: str, expected: tuple[str, SessionKind] | None) -> None:
        found = TradingCalendar().session_at(ns(moment))
        assert (found and (found.trade_date.isoformat(), found.kind)) == expected

    def test_the_expiring_contract_beside_the_others(self) -> None:
        """One calendar, asked for both contracts in turn, as ticks arrive."""
        calendar, last = TradingCalendar(), date(2024, 11, 20)
        expected = {
            "2024-11-19 16:00:00": True,
            "2024-11-20 13:29:59": True,
            "2024-11-20 13:30:00": True,
            "2024-11-20 13:30:01": False,
            "2024-11-20 13:44:00": False,
            "2024-11-20 15:00:00": False,
            "2024-11-21 09:00:00": False,
        }
        for moment, trades in expected.items():
            assert calendar.session_at(ns(moment)) is not None
            found = calendar.session_at(ns(moment), last_trading_day=last)
            assert (found is not None) is trades, moment
            if found:
                assert found == calendar.session(found.trade_date, found.kind, last_trading_day=last)

    @given(st.integers(ns("2015-01-05 00:00:00"), ns("2028-12-31 00:00:00")))
    def test_every_instant_belongs_to_at_most_one_session(self, ts: int) -> None:
        week = 7 * 86_400 * SECOND
        belonging = [s for s in CALENDAR.sessions_between(ts - 3 * week, ts + week) if s.contains(ts)]
        found = TradingCalendar().session_at(ts)
        assert belonging == ([found] if found else [])
        assert CALENDAR.session_at(ts) == found  # the cache gives the same

    @given(st.dates(date(2015, 1, 5), date(2028, 12, 31)), st.sampled_from(SessionKind))
    def test_a_session_is_found_at_its_ends(self, day: date, kind: SessionKind) -> None:
        try:
            session = CALENDAR.session(day, kind)
        except CalendarError:
            assert not CALENDAR.is_trading_day(day) or day < FIRST_NIGHT
            return
        assert CALENDAR.session_at(session.open_ns) == session
        assert CALENDAR.session_at(session.close_ns) == session
        assert CALENDAR.session_at(session.open_ns - 1) is None
        assert CALENDAR.session_at(session.close_ns + SECOND) is None

    @given(st.integers(2015, 2028), st.integers(1, 12), st.integers(-5 * 86_400, 5 * 86_400))
    def test_a_contract_trades_where_the_market_does_until_it_expires(
        self, year: int, month: int, offset: int
    ) -> None:
        last = CALENDAR.settlement_day(year, month)
        expiry = ns(f"{last} 13:30:00")
        ts = expiry + offset * SECOND
        found = CALENDAR.session_at(ts, last_trading_day=last)
        assert (found is not None) == (ts <= expiry and CALENDAR.session_at(ts) is not None)


class TestNeighbouringSessions:
    @pytest.mark.parametrize(
        ("moment", "expected"),
        [
            ("2024-11-20 00:00:00", "2024-11-20 08:45"),
            ("2024-11-20 08:45:00", "2024-11-20 15:00"),
            ("2024-11-20 15:00:00", "2024-11-21 08:45"),
            ("2024-11-22 15:00:00", "2024-11-25 08:45"),
            ("2026-02-11 16:00:00", "2026-02-23 08:45"),
        ],
    )
    def test_next(self, moment: str, expected: str) -> None:
        assert opens(CALENDAR.next_session(ns(moment))) == expected

    def test_next_of_an_expiring_contract(self) -> None:
        last = date(2024, 11, 20)
        found = CALENDAR.next_session(ns("2024-11-20 06:00:00"), last_trading_day=last)
        assert found == CALENDAR.session(last, DAY, last_trading_day=last)
        assert CALENDAR.next_session(ns("2024-11-20 08:45:00"), last_trading_day=last) is None
        assert CALENDAR.next_session(ns("2024-12-25 08:00:00"), last_trading_day=last) is None

    def test_between_takes_what_it_touches(self) -> None:
        found = CALENDAR.sessions_between(ns("2024-11-22 13:45:00"), ns("2024-11-25 08:45:00"))
        assert [(s.trade_date.day, s.kind) for s in found] == [(22, DAY), (25, NIGHT), (25, DAY)]
        assert CALENDAR.sessions_between(ns("2024-11-23 06:00:00"), ns("2024-11-24 23:00:00")) == []

    def test_between_sees_the_night_that_began_the_day_before(self) -> None:
        found = CALENDAR.sessions_between(ns("2024-11-23 01:00:00"), ns("2024-11-23 02:00:00"))
        assert found == [CALENDAR.session(date(2024, 11, 25), NIGHT)]

    def test_between_ends_with_the_contract(self) -> None:
        last = date(2024, 11, 20)
        span = ns("2024-11-20 00:00:00"), ns("2024-11-30 00:00:00")
        found = CALENDAR.sessions_between(*span, last_trading_day=last)
        assert found == [CALENDAR.session(last, kind, last_trading_day=last) for kind in (NIGHT, DAY)]


class TestPhase:
    @pytest.mark.parametrize(
        ("moment", "phase"),
        [
            ("2024-11-20 08:29:59", Phase.CLOSED),
            ("2024-11-20 08:30:00", Phase.PRE_OPEN),
            ("2024-11-20 08:42:59", Phase.PRE_OPEN),
            ("2024-11-20 08:43:00", Phase.ADD_ONLY),
            ("2024-11-20 08:44:59", Phase.ADD_ONLY),
            ("2024-11-20 08:45:00", Phase.CONTINUOUS),
            ("2024-11-20 13:45:00", Phase.CONTINUOUS),
            ("2024-11-20 13:45:01", Phase.CLOSED),
            ("2024-11-20 14:49:59", Phase.CLOSED),
            ("2024-11-20 14:50:00", Phase.PRE_OPEN),
            ("2024-11-20 14:58:00", Phase.ADD_ONLY),
            ("2024-11-20 15:00:00", Phase.CONTINUOUS),
            ("2024-11-23 08:44:00", Phase.CLOSED),
            ("2025-01-01 08:44:00", Phase.CLOSED),
        ],
    )
    def test_of_the_market(self, moment: str, phase: Phase) -> None:
        assert CALENDAR.phase_at(ns(moment)) is phase

    @pytest.mark.parametrize(
        ("moment", "phase"),
        [
            ("2024-11-20 08:44:00", Phase.ADD_ONLY),
            ("2024-11-20 13:30:00", Phase.CONTINUOUS),
            ("2024-11-20 13:31:00", Phase.CLOSED),
            ("2024-11-20 14:59:00", Phase.CLOSED),
            ("2024-11-20 15:00:00", Phase.CLOSED),
        ],
    )
    def test_of_the_expiring_contract(self, moment: str, phase: Phase) -> None:
        assert CALENDAR.phase_at(ns(moment), last_trading_day=date(2024, 11, 20)) is phase


def test_the_fixed_offset_is_that_of_taipei() -> None:
    for day in days("2015-01-01", "2027-12-31"):
        noon = datetime.combine(day, time(12), ZoneInfo("Asia/Taipei"))
        assert noon.utcoffset() == TAIPEI.utcoffset(None)


class TestAgainstTheExchange:
    def test_daily_files(self, market_data: Path) -> None:
        path = market_data / "taifex" / "expected_sessions.csv"
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) > 200
        for row in rows:
            trade_date = date.fromisoformat(row["trade_date"])
            last = CALENDAR.settlement_day(2024, 11) if row["contract"] == "202411" else None
            session = CALENDAR.session(trade_date, SessionKind(row["session"]), last_trading_day=last)
            for print_ in (row["first"], row["last"]):
                ts = ns(datetime.strptime(print_, "%Y%m%d %H%M%S").isoformat())  # noqa: DTZ007 - Taipei by ns()
                assert CALENDAR.session_at(ts, last_trading_day=last) == session, row

    def test_minute_bars_of_thirty_days(self, market_data: Path) -> None:
        path = market_data / "bars" / "txf_1min_2026_05_12_to_06_23.csv.gz"
        found = set()
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                ts = int(datetime.fromisoformat(row["time"]).timestamp()) * SECOND
                session = CALENDAR.session_at(ts)
                assert session is not None, row
                assert (session.trade_date.isoformat(), session.kind) == (row["trade_date"], row["session"])
                found.add(session.trade_date)
        assert found == set(filter(CALENDAR.is_trading_day, days("2026-05-12", "2026-06-23")))
