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
    shown = capsys.readouterr()
    assert len(shown.out.splitlines()) == 1
    assert "no closed day has a session of that; 2024-11-05 is stored" in shown.err
    assert main(["sessions", "--product", "XX"]) == 0
    assert "no session of XX is stored" in capsys.readouterr().err


def test_why_no_session_is_listed(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def told(store: Path) -> str:
        capsys.readouterr()
        assert main(["sessions", "--store", str(store)]) == 0
        shown = capsys.readouterr()
        assert shown.out.startswith("trade_date,")
        assert shown.err.startswith(f"engine: {store}: ")
        return shown.err

    assert "there is no store" in told(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "empty").mkdir()
    assert "the store is empty" in told(tmp_path / "empty")
    assert main(["import", str(file)]) == 0
    out, bars = tmp_path / "bars.csv", tmp_path / "bars"
    assert main(["export", "--product", "TX", *EXPORT[3:], "--what", "bars", "--out", str(out)]) == 0
    assert main(["import", "--minutes-are", "start", str(out), "--store", str(bars)]) == 0
    assert "2024-11-05 has 1-minute bars without prints" in told(bars)


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
        (["export", *EXPORT[3:]], "holds no ticks from 2024-11-05 to 2024-11-05"),
        (
            [*EXPORT[:2], "TX202411/202412", *EXPORT[3:], "--what", "bars", "--span", "5m"],
            "holds no bars of TX202411/",
        ),
        (["export", "--continuous", "TXF", *EXPORT[3:]], "holds no bars of TXF"),
        (["export", "--continuous", "XX", *EXPORT[3:]], "'XX' is no product"),
        (["export", "--continuous", "TXF", *EXPORT[3:], "--what", "ticks"], "leave out --what ticks"),
        ([*EXPORT, "--adjust", "back"], "--continuous"),
        ([*EXPORT, "--span", "5m"], "--what bars"),
        ([*EXPORT, "--to", "2024-11-04"], "--to 2024-11-04 is before --from 2024-11-05"),
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


def test_exported_bars_can_be_imported_again(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A round trip: the file of minutes gives the bars that the exchange's file gave."""
    other, out = ["--store", str(tmp_path / "other")], tmp_path / "bars.csv"
    main(["import", str(file)])
    assert main(["export", "--product", "TX", *EXPORT[3:], "--what", "bars", "--out", str(out)]) == 0
    assert main(["import", "--minutes-are", "start", str(out), *other]) == 0
    capsys.readouterr()
    shown = []
    for store in ([], other):
        for code in ("TXFK4", "TXFL4"):
            assert main([*EXPORT[:2], code, *EXPORT[3:], "--what", "bars", *store]) == 0
        shown.append(capsys.readouterr().out.replace(",minutes\n", ",taifex\n"))
    assert shown[0] == shown[1]
    assert main(["import", "--minutes-are", "start", str(out), *other]) == 0
    assert "nothing new" in capsys.readouterr().out


def test_exported_prints_are_the_files_prints_in_both_formats(file: Path, tmp_path: Path) -> None:
    main(["import", str(file)])
    for what in ("ticks", "spreads"):
        paths = [tmp_path / f"{what}.{format_}" for format_ in ("csv", "parquet")]
        for path in paths:
            arguments = [*EXPORT[3:], "--what", what, "--format", path.suffix[1:], "--out", str(path)]
            assert main(["export", *arguments]) == 0
        with duckdb.connect() as database:
            keys = "product, contract, seq"
            csv_rows = database.execute(
                f"SELECT {keys}, price::DOUBLE, epoch_ns(ts_event::TIMESTAMPTZ) FROM read_csv(?) ORDER BY ALL",
                [str(paths[0])],
            ).fetchall()
            rows = database.execute(
                f"SELECT {keys}, price / 10 ** price_precision, ts_event FROM read_parquet(?) ORDER BY ALL",
                [str(paths[1])],
            ).fetchall()
        given = [row.split(",") for row in NIGHT + MORNING if ("/" in row) == (what == "spreads")]
        assert csv_rows == rows
        assert sorted(row[3] for row in rows) == sorted(float(row[4]) for row in given)


def test_bars_of_any_length_and_session(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["import", str(file)])
    capsys.readouterr()
    bars = [*EXPORT[:2], "tx202411", *EXPORT[3:], "--what", "bars", "--span"]
    assert main([*bars, "1d"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert (row["session"], row["symbol"], row["start"]) == (
        "full",
        "TXFK4",
        "2024-11-04T15:00:00.000000+08:00",
    )
    assert [row[name] for name in ("open", "high", "low", "close", "volume", "trades")] == [
        "23039",
        "23041",
        "22800",
        "22810",
        "287",
        "6",
    ]
    assert main([*bars, "1h", "--session", "day"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["session"], row["start"][11:16], row["volume"]) for row in rows] == [
        ("day", "08:45", "235"),
        ("day", "12:45", "3"),
    ]


def test_continuous_series_goes_over_after_settlement(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """November ends at 13:30 of the 20th; with that evening's night session December is the front month."""
    settlement = (
        "20241120,TX     ,202411     ,084500,22900,2,-,-, ",
        "20241120,TX     ,202412     ,084500,22950,2,-,-, ",
        "20241120,TX     ,202412     ,132900,22730,2,-,-, ",
        "20241120,TX     ,202411     ,133000,22686,2,-,-, ",
        "20241120,TX     ,202412     ,134000,22740,2,-,-, ",
    )
    after = (
        "20241120,TX     ,202412     ,150000,22760,2,-,-, ",
        "20241121,TX     ,202412     ,084500,22800,2,-,-, ",
    )
    files = [
        write(tmp_path, settlement, "Daily_2024_11_20.csv"),
        write(tmp_path, after, "Daily_2024_11_21.csv"),
    ]
    main(["import", *map(str, files)])
    capsys.readouterr()
    series = ["export", "--continuous", "TXF", "--from", "2024-11-20", "--to", "2024-11-21"]
    expected = {
        "none": [
            ("TXFK4", "22900", "0"),
            ("TXFK4", "22686", "0"),
            ("TXFL4", "22760", "0"),
            ("TXFL4", "22800", "0"),
        ],
        "back": [
            ("TXFK4", "22944", "44"),
            ("TXFK4", "22730", "44"),
            ("TXFL4", "22760", "0"),
            ("TXFL4", "22800", "0"),
        ],
    }
    for adjust, rows in expected.items():
        assert main([*series, "--adjust", adjust]) == 0
        shown = capsys.readouterr()
        assert shown.err == "2024-11-21: TXFK4 to TXFL4, step +44\n"
        found = csv.DictReader(io.StringIO(shown.out))
        assert [(row["symbol"], row["close"], row["adjustment"]) for row in found] == rows
    assert main([*series, "--roll", "volume", "--span", "1d"]) == 0
    found = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert [(row["trade_date"], row["symbol"]) for row in found] == [
        ("2024-11-20", "TXFK4"),
        ("2024-11-21", "TXFL4"),
    ]
    out = tmp_path / "series.parquet"
    assert main([*series, "--adjust", "back", "--format", "parquet", "--out", str(out)]) == 0
    with duckdb.connect() as database:
        query = "SELECT symbol, close, adjustment FROM read_parquet(?)"
        assert database.execute(query, [str(out)]).fetchall() == [
            (symbol, int(close), int(step)) for symbol, close, step in expected["back"]
        ]


def test_unwritable_target_leaves_nothing(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["import", str(file)])
    assert main([*EXPORT, "--out", str(tmp_path / "none" / "a.csv")]) == 2
    assert "a.csv: cannot be written: there is no folder" in capsys.readouterr().err
    assert main([*EXPORT, "--out", str(tmp_path)]) == 2
    assert f"{tmp_path}: cannot be written: it is a folder" in capsys.readouterr().err
    assert not list(tmp_path.glob(".*.new"))


def test_length_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for length in ("0m", "25h", "5", "x"):
        with pytest.raises(SystemExit):
            main([*EXPORT, "--what", "bars", "--span", length])
        assert "is no length of a bar; write it as 20s" in capsys.readouterr().err
