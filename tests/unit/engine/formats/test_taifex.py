import csv
import zipfile
from datetime import date
from pathlib import Path

import pytest

from engine.errors import DataFileError, UnknownInstrument
from engine.formats.taifex import HEADER, Print, contents, read_prints
from engine.model.session import SessionKind, TradingCalendar
from engine.model.tick import TickFlag

ROWS = (
    "20241104,BRF    ,202501     ,151603,2367.5,20,-,-, ",
    "20241104,TX     ,202411     ,150000,23039,92,-,-,*",
    "20241104,TX     ,202411     ,235959,23040,2,-,-, ",
    "20241104,TX     ,202411/202412,160000,5,8,23000,23005, ",
    "20241105,TX     ,202411     ,050000,23041,4,-,-, ",
    "20241105,TX     ,202411     ,084500,22808,466,-,-,*",
    "20241105,TX     ,202412     ,084501,22838,2,-,-, ",
    "20241105,TX     ,202411     ,134500,22810,6,-,-, ",
)


def write(folder: Path, rows: tuple[str, ...] = ROWS, name: str = "Daily_2024_11_05.csv") -> Path:
    path = folder / name
    text = "\r\n".join([",".join(HEADER) + " ", *rows, ""])
    path.write_bytes(text.encode("cp950"))
    return path


def test_prints_come_night_first_in_lots_and_without_spreads(tmp_path: Path) -> None:
    prints = read_prints(write(tmp_path), "TXFK4")
    assert [(item.price, item.quantity, item.flags) for item in prints] == [
        (23039, 46, TickFlag.OPENING),
        (23040, 1, 0),
        (23041, 2, 0),
        (22808, 233, TickFlag.OPENING),
        (22810, 3, 0),
    ]
    day = TradingCalendar().session(date(2024, 11, 5), SessionKind.DAY)
    assert (prints[3].ts_event, prints[4].ts_event) == (day.open_ns, day.close_ns)


def test_night_rows_after_the_day_rows_are_still_first(tmp_path: Path) -> None:
    prints = read_prints(write(tmp_path, ROWS[5:] + ROWS[:5]), "TXFK4")
    assert [item.price for item in prints] == [23039, 23040, 23041, 22808, 22810]


def test_zip_and_csv_give_the_same(tmp_path: Path) -> None:
    path = write(tmp_path)
    packed = tmp_path / "any.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, path.name)
    assert read_prints(packed, "TXFK4") == read_prints(path, "TXFK4")
    assert contents(packed).trade_date == date(2024, 11, 5)


def test_contents_names_the_contracts_with_their_rows(tmp_path: Path) -> None:
    found = contents(write(tmp_path))
    assert [(item.symbol, item.rows) for item in found.contracts] == [("TXFK4", 5), ("TXFL4", 1)]
    assert found.front_month() == "TXFK4"
    assert found.front_month("MXF") == ""


def test_renamed_file_takes_its_trade_date_from_the_rows(tmp_path: Path) -> None:
    assert contents(write(tmp_path, name="a.csv")).trade_date == date(2024, 11, 5)


def test_contract_without_prints_gives_none(tmp_path: Path) -> None:
    assert read_prints(write(tmp_path), "TMFK4") == []


def test_what_is_no_symbol_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownInstrument, match="TX"):
        read_prints(write(tmp_path), "TX")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("20241105,TX     ,202411     ,100000,22x10,2,-,-, ", "22x10"),
        ("20241105,TX     ,202411     ,100000,22810,3,-,-, ", "must be even"),
        ("20241105,TX     ,202411     ,100000,22810,0,-,-, ", "quantity 0"),
        ("20241105,TX     ,202411     ,100000,22810,two,-,-, ", "two"),
        ("20241105,TX     ,202411     ,107000,22810,2,-,-, ", "107000"),
        ("20241305,TX     ,202411     ,100000,22810,2,-,-, ", "20241305"),
        ("20241105,TX     ,202411     ,141000,22810,2,-,-, ", "no session"),
        ("20241106,TX     ,202411     ,100000,22810,2,-,-, ", "no session"),
        ("20241105,TX     ,202411     ,100000,22810.5,2,-,-, ", "22810.5"),
        ("20241105,TX     ,202411     ,100000,22810", "5 columns"),
    ],
)
def test_wrong_row_is_named_with_file_and_line(tmp_path: Path, row: str, words: str) -> None:
    path = write(tmp_path, (*ROWS, row))
    with pytest.raises(DataFileError, match=words) as caught:
        read_prints(path, "TXFK4")
    assert f"{path}, line 10:" in str(caught.value)


def test_other_header_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Daily_2024_11_05.csv"
    path.write_bytes(b"date,price\r\n1,2\r\n")
    with pytest.raises(DataFileError, match=r"line 1: the header"):
        read_prints(path, "TXFK4")


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match=r"gone\.zip: cannot be read"):
        read_prints(tmp_path / "gone.zip", "TXFK4")


def test_zip_without_csv_says_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "Daily_2024_11_05.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "")
    with pytest.raises(DataFileError, match=r"holds readme\.txt"):
        read_prints(path, "TXFK4")


@pytest.mark.parametrize("keep", [0.3, 0.9])
def test_truncated_zip_is_refused(tmp_path: Path, keep: float) -> None:
    path = tmp_path / "Daily_2024_11_05.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(write(tmp_path), "Daily_2024_11_05.csv")
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(DataFileError, match="damaged or not complete"):
        read_prints(path, "TXFK4")


def test_flipped_bytes_in_the_zip_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "Daily_2024_11_05.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(write(tmp_path), "Daily_2024_11_05.csv")
    raw = bytearray(path.read_bytes())
    raw[120:140] = bytes(20)
    path.write_bytes(raw)
    with pytest.raises(DataFileError, match="damaged or not complete"):
        read_prints(path, "TXFK4")


def summary(prints: list[Print]) -> tuple[int, ...]:
    prices = [item.price for item in prints]
    lots = sum(item.quantity for item in prints)
    return len(prints), prices[0], max(prices), min(prices), prices[-1], lots


@pytest.mark.parametrize(
    ("day", "code", "month", "symbol"),
    [
        ("2024-11-05", "TX", "202411", "TXFK4"),
        ("2024-11-20", "TX", "202411", "TXFK4"),
        ("2025-01-02", "MTX", "202501", "MXFA5"),
        ("2024-11-06", "TMF", "202412", "TMFL4"),
    ],
)
def test_real_days_agree_with_the_expected_sessions(
    market_data: Path, day: str, code: str, month: str, symbol: str
) -> None:
    prints = read_prints(market_data / "taifex" / f"Daily_{day.replace('-', '_')}.zip", symbol)
    with (market_data / "taifex" / "expected_sessions.csv").open() as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if (row["trade_date"], row["product"], row["contract"]) == (day, code, month)
            and "night_only" not in row["file"]
        ]
    calendar = TradingCalendar()
    assert rows
    for row in rows:
        session = calendar.session(date.fromisoformat(day), SessionKind(row["session"]))
        found = summary([item for item in prints if session.contains(item.ts_event)])
        assert found == tuple(int(row[key]) for key in ("rows", "open", "high", "low", "close", "lots"))
