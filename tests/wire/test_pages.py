"""Pages of history as values: what a page of bars holds, and that a damaged one is refused."""

import struct
from dataclasses import replace
from datetime import date

import pytest

from engine.errors import DecodeError
from engine.model.bar import Bar
from engine.model.session import SessionKind
from engine.timing import NS_PER_S
from engine.wire.codec import Encoder, decode
from engine.wire.messages import HistoryKind, HistoryPage
from engine.wire.pages import bars_of

DAYS = (date(2024, 11, 5) - date(1970, 1, 1)).days
COLUMNS = {
    "start_ns": (1_730_700_000 * NS_PER_S, 1_730_767_500 * NS_PER_S),
    "open": (22_811, -5),
    "high": (22_820, -3),
    "low": (22_800, -6),
    "close": (22_812, -4),
    "volume": (12, 3),
    "trades": (7, 2),
    "trade_date": (DAYS, DAYS),
    "is_night": (1, 0),
}


def page() -> HistoryPage:
    columns = {name: struct.pack("<2q", *values) for name, values in COLUMNS.items()}
    return HistoryPage(kind=HistoryKind.BARS, symbol="TXFK4", span_s=60, rows=2, columns=columns)


def test_the_bars_of_a_page_that_came_over_the_wire() -> None:
    came = decode(Encoder("recorder").encode("history_page", page())).body
    night, day = bars_of(came)
    assert night == Bar(
        symbol="TXFK4",
        trade_date=date(2024, 11, 5),
        session=SessionKind.NIGHT,
        start_ns=1_730_700_000 * NS_PER_S,
        span_ns=60 * NS_PER_S,
        open=22_811,
        high=22_820,
        low=22_800,
        close=22_812,
        volume=12,
        trades=7,
    )
    assert (day.session, day.open, day.volume) == (SessionKind.DAY, -5, 3)


def test_an_empty_page_has_no_bars() -> None:
    assert bars_of(replace(page(), rows=0, columns=dict.fromkeys(COLUMNS, b""))) == ()


@pytest.mark.parametrize(
    "changed",
    [
        {"open": b""},
        {"volume": struct.pack("<3q", 1, 2, 3)},
        {"trade_date": struct.pack("<2q", 2**62, 1)},
        {"trade_date": struct.pack("<2q", -(10**9), 1)},
    ],
)
def test_a_damaged_page_is_refused(changed: dict[str, bytes]) -> None:
    with pytest.raises(DecodeError, match="TXFK4"):
        bars_of(replace(page(), columns=page().columns | changed))
    missing = {name: column for name, column in page().columns.items() if name not in changed}
    with pytest.raises(DecodeError, match="TXFK4"):
        bars_of(replace(page(), columns=missing))
