"""Symbols, listed months and money of the index futures."""

from __future__ import annotations

import csv
import gzip
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UnknownInstrument
from engine.model.instrument import (
    PRODUCTS,
    Instrument,
    Product,
    contract_month_of,
    front_month,
    instrument,
    listed_months,
    product,
    symbol_of,
)
from engine.model.session import TradingCalendar

CALENDAR = TradingCalendar()
NEAR = date(2024, 11, 6)
TXFK4 = instrument("TXFK4", near=NEAR, calendar=CALENDAR)
CENTS = Instrument(
    symbol="XYZK4",
    product=Product(
        code="XYZ",
        taifex_code="XY",
        point_value=1000,
        fee_per_side=Decimal(1),
        tick_size=5,
        price_precision=2,
    ),
    contract_month="202411",
    last_trading_day=date(2024, 11, 20),
)


class TestProduct:
    @pytest.mark.parametrize(
        ("code", "taifex_code", "point_value", "fee"),
        [("TXF", "TX", 200, "20"), ("MXF", "MTX", 50, "12.5"), ("TMF", "TMF", 10, "8")],
    )
    def test_contract_facts(self, code: str, taifex_code: str, point_value: int, fee: str) -> None:
        found = PRODUCTS[code]
        assert product(code) is product(taifex_code) is found
        assert (found.point_value, found.fee_per_side) == (point_value, Decimal(fee))
        assert (found.tick_size, found.price_precision) == (1, 0)
        assert (found.max_market_lots_day, found.max_market_lots_night, found.max_limit_lots) == (10, 5, 100)

    @pytest.mark.parametrize("code", ["", "TE", "txf", "TXO"])
    def test_unknown(self, code: str) -> None:
        with pytest.raises(UnknownInstrument, match="TXF"):
            product(code)


class TestSymbol:
    @pytest.mark.parametrize(
        ("code", "month", "symbol"),
        [
            ("TXF", "202411", "TXFK4"),
            ("TX", "202501", "TXFA5"),
            ("MTX", "202512", "MXFL5"),
            ("TMF", "203003", "TMFC0"),
        ],
    )
    def test_of_a_month(self, code: str, month: str, symbol: str) -> None:
        assert symbol_of(code, month) == symbol

    @pytest.mark.parametrize("month", ["", "20241", "202400", "202413", "2024-11", "202411W1", "202411/202412"])
    def test_of_no_month(self, month: str) -> None:
        with pytest.raises(UnknownInstrument, match="YYYYMM"):
            symbol_of("TXF", month)

    @pytest.mark.parametrize(
        ("symbol", "near", "month"),
        [
            ("TXFK4", date(2024, 11, 6), "202411"),
            ("TXFA0", date(2029, 12, 20), "203001"),  # over the turn of the decade
            ("TXFL9", date(2030, 1, 2), "202912"),
            ("TXFH7", date(2026, 11, 20), "202708"),
            ("TXFH7", date(2017, 8, 15), "201708"),
            ("TXFK4", date(2020, 1, 1), "202411"),
            ("TXFK4", date(2018, 1, 1), "201411"),
        ],
    )
    def test_year_digit_means_the_nearest_year(self, symbol: str, near: date, month: str) -> None:
        assert contract_month_of(symbol, near=near) == month

    @pytest.mark.parametrize(
        "symbol",
        ["", "TXF", "TXFK", "TXFM4", "TXFK44", "TXFK²", "txfk4", "TXOK4", "TX1K4", "TXFF3/I3", " TXFK4"],
    )
    def test_of_nothing_known(self, symbol: str) -> None:
        with pytest.raises(UnknownInstrument, match="TXFK4"):
            contract_month_of(symbol, near=NEAR)

    @given(
        st.sampled_from(sorted(PRODUCTS)),
        st.integers(2000, 2090),
        st.integers(1, 12),
        st.integers(-1400, 1400),
    )
    def test_there_and_back(self, code: str, year: int, month: int, days: int) -> None:
        contract_month = f"{year}{month:02}"
        near = date.fromordinal(date(year, month, 15).toordinal() + days)
        assert contract_month_of(symbol_of(code, contract_month), near=near) == contract_month

    def test_instrument(self) -> None:
        assert TXFK4.symbol == "TXFK4"
        assert TXFK4.product is PRODUCTS["TXF"]
        assert TXFK4.contract_month == "202411"
        assert TXFK4.last_trading_day == date(2024, 11, 20)


class TestMonths:
    @pytest.mark.parametrize(
        ("day", "months"),
        [
            ("2024-11-05", "202411 202412 202501 202503 202506 202509"),
            ("2024-11-20", "202411 202412 202501 202503 202506 202509"),
            ("2024-11-21", "202412 202501 202502 202503 202506 202509"),
            ("2025-01-02", "202501 202502 202503 202506 202509 202512"),
            ("2025-01-16", "202502 202503 202504 202506 202509 202512"),
            ("2024-12-19", "202501 202502 202503 202506 202509 202512"),
            ("2023-01-30", "202301 202302 202303 202306 202309 202312"),  # settled after Lunar New Year
            ("2024-11-23", "202412 202501 202502 202503 202506 202509"),  # Saturday: what trades next
        ],
    )
    def test_listed(self, day: str, months: str) -> None:
        assert listed_months(date.fromisoformat(day), CALENDAR) == months.split()

    def test_front_is_the_expiring_month_through_its_last_day(self) -> None:
        assert front_month(PRODUCTS["MXF"], date(2024, 11, 20), CALENDAR).symbol == "MXFK4"
        assert front_month(PRODUCTS["MXF"], date(2024, 11, 21), CALENDAR).symbol == "MXFL4"
        assert front_month(PRODUCTS["TXF"], date(2029, 12, 20), CALENDAR).contract_month == "203001"

    def test_a_settlement_pushed_into_the_next_month(self) -> None:
        calendar = TradingCalendar(closed=[date(2024, 11, n) for n in range(20, 31)])
        assert calendar.settlement_day(2024, 11) == date(2024, 12, 2)
        assert listed_months(date(2024, 12, 2), calendar)[0] == "202411"

    @given(st.dates(date(2015, 1, 1), date(2040, 12, 31)))
    def test_six_months_in_order_that_have_not_expired(self, day: date) -> None:
        months = listed_months(day, CALENDAR)
        assert len(months) == 6
        assert months == sorted(set(months))
        assert front_month(PRODUCTS["TXF"], day, CALENDAR).last_trading_day >= day

    def test_as_in_the_daily_files(self, market_data: Path) -> None:
        found: dict[tuple[str, str], set[str]] = {}
        with (market_data / "taifex" / "expected_sessions.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["contract"].isdecimal():
                    found.setdefault((row["trade_date"], row["product"]), set()).add(row["contract"])
        assert {code for _, code in found} == {"TX", "MTX", "TMF"}
        for (day, code), months in found.items():
            trade_date = date.fromisoformat(day)
            assert months == set(listed_months(trade_date, CALENDAR)), (day, code)
            assert front_month(product(code), trade_date, CALENDAR).contract_month == min(months)

    def test_front_as_in_the_minute_bars(self, market_data: Path) -> None:
        path = market_data / "bars" / "txf_1min_2026_05_12_to_06_23.csv.gz"
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            pairs = {(row["trade_date"], row["contract"]) for row in csv.DictReader(file)}
        for day, contract in pairs:
            assert front_month(PRODUCTS["TXF"], date.fromisoformat(day), CALENDAR).contract_month == contract


class TestPrice:
    @pytest.mark.parametrize(("text", "price"), [("22811", 22811), (" 22811.00 ", 22811), ("-5", -5), ("+0", 0)])
    def test_parse_whole_points(self, text: str, price: int) -> None:
        assert TXFK4.parse_price(text) == price

    @pytest.mark.parametrize(("text", "price"), [("-.18", -18), ("12", 1200), ("12.3", 1230), ("12.340", 1234)])
    def test_parse_hundredths(self, text: str, price: int) -> None:
        assert CENTS.parse_price(text) == price

    @pytest.mark.parametrize("text", ["", ".", "-", "1e5", "1_000", "1,000", "２２８１１", "NaN", "inf", "9" * 99])
    def test_parse_refuses_what_is_no_plain_number(self, text: str) -> None:
        with pytest.raises(ValueError, match="is no price"):
            TXFK4.parse_price(text)

    @pytest.mark.parametrize("text", ["22811.5", "0.000000000001"])
    def test_parse_never_rounds(self, text: str) -> None:
        with pytest.raises(ValueError, match="decimals of TXFK4"):
            TXFK4.parse_price(text)

    @pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "1E+999999999", "1E-999999999"])
    def test_from_decimal_refuses_what_is_no_price(self, value: str) -> None:
        with pytest.raises(ValueError, match="is no price"):
            TXFK4.price_from_decimal(Decimal(value))

    def test_from_decimal(self) -> None:
        assert TXFK4.price_from_decimal(Decimal("2.2811E+4")) == 22811
        assert TXFK4.price_from_decimal(Decimal("0.0")) == 0
        assert CENTS.price_from_decimal(Decimal("-0.18")) == -18

    @pytest.mark.parametrize(("price", "text"), [(-18, "-0.18"), (1200, "12.00"), (5, "0.05")])
    def test_text_has_the_decimals_of_the_product(self, price: int, text: str) -> None:
        assert CENTS.price_to_text(price) == text
        assert CENTS.price_to_decimal(price) == Decimal(text)

    @given(st.integers(-(10**9), 10**9))
    def test_there_and_back(self, price: int) -> None:
        for each in (TXFK4, CENTS):
            assert each.parse_price(each.price_to_text(price)) == price
            assert each.price_from_decimal(each.price_to_decimal(price)) == price


class TestMoney:
    def test_of_one_txf(self) -> None:
        assert TXFK4.notional(22811, 1) == Decimal(4_562_200)
        assert TXFK4.fee(3) == Decimal(60)
        assert TXFK4.tax(22811, 1) == Decimal("91.244")

    def test_of_minis_and_micros(self) -> None:
        mini = instrument("MXFK4", near=NEAR, calendar=CALENDAR)
        micro = instrument("TMFK4", near=NEAR, calendar=CALENDAR)
        assert (mini.notional(22811, 2), mini.fee(2)) == (Decimal(2_281_100), Decimal(25))
        assert mini.tax(22811, 2) == Decimal("45.622")
        assert (micro.notional(22811, 1), micro.fee(1)) == (Decimal(228_110), Decimal(8))
        assert micro.tax(22811, 1) == Decimal("4.5622")

    def test_scaled_prices_count_in_points(self) -> None:
        assert CENTS.notional(1234, 2) == Decimal("24680")
        assert CENTS.tax(1234, 1) == Decimal("0.2468")
