from decimal import Decimal

import pytest

from terminal import formats


@pytest.mark.parametrize(
    ("scaled", "extra", "text"),
    [(22811, 0, "22,811"), (0, 0, "—"), (None, 0, "—"), (Decimal("22810.55"), 1, "22,810.6"), (-5, 0, "-5")],
)
def test_price(scaled: int | Decimal | None, extra: int, text: str) -> None:
    assert formats.price("TXFK4", scaled, extra) == text


@pytest.mark.parametrize(("points", "text"), [(169, "+169"), (-1234, "-1,234"), (0, "0")])
def test_points(points: int, text: str) -> None:
    assert formats.points("TXFK4", points) == text


@pytest.mark.parametrize(
    ("amount", "text"), [("0.4", "0"), ("-0.4", "0"), ("0.5", "+1"), ("-1234567.5", "-1,234,568")]
)
def test_money(amount: str, text: str) -> None:
    assert formats.money(Decimal(amount)) == text


def test_money_without_sign() -> None:
    assert formats.money(Decimal(1342), signed=False) == "1,342"


def test_times_are_those_of_taipei() -> None:
    assert formats.clock(1_730_772_000_123_999_999) == "10:00:00.123"
    assert formats.clock(1_730_772_000_123_999_999, millis=False) == "10:00:00"
    assert formats.clock(0) == "—"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.0 s"),
        (0.34, "0.3 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (99.4, "99 s"),
        (99.6, "2 min"),
        (5969, "99 min"),
        (5971, "2 h"),
    ],
)
def test_age(seconds: float, text: str) -> None:
    assert formats.age(round(seconds * 1e9)) == text


def test_age_of_never() -> None:
    assert formats.age(None) == "—"


def test_an_unknown_contract_has_whole_points() -> None:
    assert formats.price("XYZ", 12) == "12"
