"""``python -m engine import | export | sessions``: what a person types and reads."""

import csv
import io
from pathlib import Path

import duckdb
import pytest

from engine.__main__ import main
from tests.unit.engine.storage.daily_files import MORNING, NIGHT, write

EXPORT = ["export", "--symbol", "TXFK4", "--from", "2024-11-05", "--to", "2024-11-05"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "in", NIGHT + MORNING)


def test_imported_sessions_are_listed_with_their_columns(
    file: Path, user_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", str(file)]) == 0
    assert "2024-11-05: 10 rows, 10 written" in capsys.readouterr().out
    assert (user_home / "store" / "days" / "2024-11-05").is_dir()
    assert main(["sessions", "--product", "TX"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "trade_date,product,contract,session,rows,open,high,low,close,lots,vwap",
        "2024-11-05,TX,202411,day,3,22808,22810,22800,22810,238,22807.958",
        "2024-11-05,TX,202411,night,3,23039,23041,23039,23041,49,23039.102",
        "2024-11-05,TX,202411/202412,night,1,-5,-5,-5,-5,2,-5.0",
        "2024-11-05,TX,202412,day,1,22838,22838,22838,22838,1,22838.0",
    ]
    assert main(["sessions", "--date", "2024-11-06"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1


def test_store_can_be_named(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = ["--store", str(tmp_path / "mine")]
    assert main(["import", str(file.parent), *store]) == 0
    assert main(["import", str(file), *store]) == 0
    assert "nothing new" in capsys.readouterr().out
    assert main(["sessions", "--date", "2024-11-05", *store]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 7


def test_refused_file_is_named_and_gives_an_exit_code(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = write(tmp_path, ["20241105,TX     ,202411     ,100000,x,2,-,-, "], "Daily_2024_11_06.csv")
    assert main(["import", str(bad), str(file)]) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(f"engine: {bad}, line 2: ")
    assert "10 written" in shown.out


def test_export_of_csv_is_for_people(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["import", str(file)])
    capsys.readouterr()
    assert main([*EXPORT, "--what", "bars"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert rows[0]["start"] == "2024-11-04T15:00:00.000000+08:00"
    assert [row["close"] for row in rows] == ["23039", "23040", "23041", "22800", "22810"]
    out = tmp_path / "spread.csv"
    assert main([*EXPORT[:2], "TX202411/202412", *EXPORT[3:], "--out", str(out)]) == 0
    (spread,) = csv.DictReader(io.StringIO(out.read_text(encoding="utf-8")))
    assert (spread["price"], spread["near_price"], spread["far_price"], spread["quantity"]) == (
        "-5",
        "23000",
        "22995",
        "2",
    )


def test_export_of_parquet_is_for_programs(file: Path, tmp_path: Path) -> None:
    main(["import", str(file)])
    out = tmp_path / "ticks.parquet"
    assert main([*EXPORT, "--format", "parquet", "--out", str(out)]) == 0
    with duckdb.connect() as database:
        found = database.execute("SELECT seq, price FROM read_parquet(?) LIMIT 2", [str(out)]).fetchall()
    assert found == [(1, 23039), (2, 23037 + 3)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([*EXPORT], "holds no ticks of TXFK4"),
        ([*EXPORT, "--format", "parquet"], "--out"),
        (["import", "gone.zip"], "gone.zip: there is no such file"),
        (["import", ".", "--symbol", "TXF"], "--minutes-are"),
        (["import", ".", "--minutes-are", "end", "--timezone", "Mars"], "'Mars' is no time zone"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if "parquet" in arguments:
        main(["import", str(write(tmp_path, NIGHT))])
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("engine: ")
    assert words in error


def test_unwritable_target_leaves_nothing(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["import", str(file)])
    assert main([*EXPORT, "--out", str(tmp_path / "none" / "a.csv")]) == 2
    assert "a.csv" in capsys.readouterr().err
