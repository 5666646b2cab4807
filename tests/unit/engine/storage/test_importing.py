"""Importing made-up daily files: what is stored, in which order, and what a damaged file does (nothing)."""

import os
import threading
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from engine.errors import DataFileError, StoreError
from engine.formats.taifex import HEADER
from engine.model.session import SessionKind
from engine.model.tick import TickFlag
from engine.storage.imported import FileImport
from engine.storage.importing import ImportProgress, ImportSummary, find_files, import_files
from engine.storage.layout import Kind, Source, StagedDay, StoreFolder
from engine.storage.reading import StoreReader
from tests.unit.engine.storage.daily_files import CALENDAR, DAY, MORNING, NIGHT, write


@pytest.fixture
def folder(tmp_path: Path) -> StoreFolder:
    return StoreFolder(tmp_path / "store")


def import_rows(folder: StoreFolder, rows: tuple[str, ...], name: str = "Daily_2024_11_05.csv") -> ImportSummary:
    path = write(folder.path.parent / f"in{len(rows)}", rows, name)
    return import_files(folder, [path], CALENDAR)


def content(folder: StoreFolder) -> dict[str, list[tuple[object, ...]]]:
    """All rows of all segments."""
    with duckdb.connect() as database:
        return {
            f"{item.kind}-{item.source}": database.execute(
                "FROM read_parquet(?) ORDER BY ALL", [str(item.path)]
            ).fetchall()
            for item in folder.segments()
        }


def path_of(folder: StoreFolder, kind: Kind) -> Path:
    path = folder.segment(DAY, kind, Source.TAIFEX)
    assert path is not None
    return path


def stamps(folder: StoreFolder) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.days.rglob("*")}


class TestStored:
    def test_prints_come_night_first_with_their_numbers(self, folder: StoreFolder) -> None:
        import_rows(folder, MORNING + NIGHT)
        with StoreReader(folder, CALENDAR) as reader:
            (found,) = reader.tick_days("TXFK4", DAY, DAY)
        assert found.price.tolist() == [23039, 23040, 23041, 22808, 22800, 22810]
        assert found.quantity.tolist() == [46, 1, 2, 233, 2, 3]
        assert found.seq.tolist() == [1, 2, 3, 4, 5, 6]
        assert found.total_volume.tolist() == [46, 47, 49, 233, 235, 238]
        assert found.is_night.tolist() == [True, True, True, False, False, False]
        assert found.flags.tolist() == [TickFlag.OPENING, 0, 0, TickFlag.OPENING, 0, 0]
        day = CALENDAR.session(DAY, SessionKind.DAY)
        assert (found.ts_event[3], found.ts_event[5]) == (day.open_ns, day.close_ns)
        assert set(found.trade_date.tolist()) == {DAY}

    def test_all_products_are_kept_with_their_decimals(self, folder: StoreFolder) -> None:
        import_rows(folder, NIGHT + MORNING)
        with StoreReader(folder, CALENDAR) as reader:
            found = {(item.product, item.contract): item for item in reader.sessions()}
        assert str(found["BRF", "202501"].close) == "2367.5000"
        assert found["BRF", "202501"].lots == 10
        assert found["MTX", "202411W1"].lots == 1

    def test_no_column_is_an_enumeration(self, folder: StoreFolder) -> None:
        """DuckDB 2.0.0 does not always write all values of one; its dictionary has those that no row has too."""
        import_rows(folder, NIGHT + MORNING)
        path = folder.segment(DAY, Kind.SPREADS, Source.TAIFEX)
        with duckdb.connect() as database:
            query = """SELECT max(coalesce(stats_distinct_count, 1)) FROM parquet_metadata(?)
                WHERE path_in_schema IN ('session', 'product', 'contract', 'symbol', 'source')"""
            assert database.execute(query, [str(path)]).fetchall() == [(1,)]  # there is one spread

    def test_spreads_are_apart_and_enter_no_bar(self, folder: StoreFolder) -> None:
        import_rows(folder, NIGHT + MORNING)
        rows = content(folder)
        assert len(rows["spreads-taifex"]) == 1
        assert len(rows["ticks-taifex"]) == 9
        assert not [row for row in rows["bars-taifex"] if "/" in str(row[3])]
        with StoreReader(folder, CALENDAR) as reader:
            (spread,) = [item for item in reader.sessions("TXF") if "/" in item.contract]
        assert (spread.rows, spread.lots, spread.close, spread.vwap) == (1, 2, Decimal(-5), -5.0)

    def test_closing_second_belongs_to_the_last_bar(self, folder: StoreFolder) -> None:
        import_rows(folder, NIGHT + MORNING)
        with StoreReader(folder, CALENDAR) as reader:
            bars = list(reader.bars("TXFK4", DAY, DAY).bars(60))
        day = CALENDAR.session(DAY, SessionKind.DAY)
        night = CALENDAR.session(DAY, SessionKind.NIGHT)
        minute = 60_000_000_000
        assert bars[-1].start_ns == day.close_ns - minute
        assert night.close_ns - minute in [bar.start_ns for bar in bars]
        opening = bars[-2]
        assert (opening.open, opening.high, opening.low, opening.close) == (22808, 22808, 22800, 22800)
        assert (opening.volume, opening.trades, opening.start_ns) == (235, 2, day.open_ns)

    def test_other_products_may_close_later(self, folder: StoreFolder) -> None:
        rows = (
            "20241105,CDF    ,202411     ,134500,1045,2,-,-, ",
            "20241105,RZF    ,202411     ,134500,28.8,2,-,-, ",
            "20241105,RZF    ,202411     ,161500,28.9,2,-,-, ",
        )
        import_rows(folder, rows)
        with duckdb.connect() as database:
            found = database.execute(
                """SELECT symbol, strftime(make_timestamp_ns(start_ns + 28800000000000), '%H:%M')
                FROM read_parquet(?)""",
                [str(path_of(folder, Kind.BARS))],
            ).fetchall()
        assert found == [("CDF202411", "13:44"), ("RZF202411", "13:45"), ("RZF202411", "16:14")]


class TestRepeated:
    def test_second_import_changes_nothing(self, folder: StoreFolder) -> None:
        first = import_rows(folder, NIGHT + MORNING)
        assert first.imported[0].written == 10
        before = stamps(folder)
        second = import_rows(folder, NIGHT + MORNING)
        assert not second.imported[0].is_change
        assert stamps(folder) == before

    @pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 1, 0, 1), (1, 0, 0, 1)])
    def test_part_and_whole_in_any_order_give_the_whole(self, tmp_path: Path, order: tuple[int, ...]) -> None:
        whole = StoreFolder(tmp_path / "whole")
        import_rows(whole, NIGHT + MORNING)
        both = StoreFolder(tmp_path / "both")
        for index in order:
            summary = import_rows(both, (NIGHT, NIGHT + MORNING)[index])
            assert not summary.refused
        assert content(both) == content(whole)

    def test_zip_of_the_same_day_is_the_same(self, folder: StoreFolder) -> None:
        import_rows(folder, NIGHT + MORNING)
        assert not import_rows(folder, NIGHT + MORNING, "Daily_2024_11_05.zip").imported[0].is_change

    def test_halves_of_one_session_keep_the_longer(self, folder: StoreFolder) -> None:
        import_rows(folder, NIGHT + MORNING)
        before = content(folder)
        summary = import_rows(folder, MORNING[:3])
        assert (summary.imported[0].written, summary.imported[0].kept) == (0, 2)
        assert content(folder) == before

    def test_correction_of_a_row_replaces_its_session(self, folder: StoreFolder) -> None:
        import_rows(folder, NIGHT + MORNING)
        corrected = MORNING[4].replace("22810", "22811")
        summary = import_rows(folder, NIGHT + MORNING[:4] + (corrected,))
        assert (summary.imported[0].written, summary.imported[0].replaced) == (3, 3)
        with StoreReader(folder, CALENDAR) as reader:
            assert reader.last_ticks("TXFK4", 1).price.tolist() == [22811]
            assert [item.close for item in reader.sessions("TX") if "/" in item.contract] == [-5]
        legs = content(folder)["spreads-taifex"][0][-2:]
        assert legs == (23000, 22995)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("20241105,TX     ,202411     ,100000,22x10,2,-,-, ", "22x10"),
        ("20241105,TX     ,202411     ,100000,22810,3,-,-, ", "multiple of 2"),
        ("20241105,TX     ,202411/202412,100000,5,2,-,-, ", "multiple of 4"),
        ("20241105,TX     ,202411     ,100000,22810,0,-,-, ", "quantity 0"),
        ("20241105,TX     ,202411     ,100000,22810,two,-,-, ", "two"),
        ("20241105,TX     ,202411     ,107000,22810,2,-,-, ", "107000"),
        ("20241305,TX     ,202411     ,100000,22810,2,-,-, ", "20241305"),
        ("20241105,TX     ,202411     ,141000,22810,2,-,-, ", "no session"),
        ("20241106,TX     ,202411     ,100000,22810,2,-,-, ", "no session"),
        ("20241105,CDF    ,202411     ,170000,1045,2,-,-, ", "no session"),
        ("20241105,TX     ,202411     ,100000,22810.5,2,-,-, ", "22810.5"),
        ("20241105,BRF    ,202411     ,100000,2310.12345,2,-,-, ", "more than the 4 decimals"),
        ("20241105,TX     ,202411     ,100000,0,2,-,-, ", "price 0 of TX 202411 must be more than 0"),
        ("20241105,TX     ,202411     ,100000,-22810,2,-,-, ", "must be more than 0"),
        ("20241105,TX     ,202411     ,100000,nan,2,-,-, ", "price 'nan': not a number"),
        ("20241105,TX     ,202411     ,100000,1e30,2,-,-, ", "price '1e30': not a number"),
        ("20241105,TX     ,202411     ,100000,22810,99999999999,-,-, ", "quantity '99999999999': not a number"),
        ("20241105,TX     ,20241X     ,100000,22810,2,-,-, ", "'20241X' is no contract month"),
        ("20241105,TX     ,202413     ,100000,22810,2,-,-, ", "'202413' is no contract month"),
        ("20241105,       ,202411     ,100000,22810,2,-,-, ", "'' is no product code"),
        ("hello world", "1 columns"),
        ("20241105,TX     ,202411     ,100000,22810", "5 columns"),
        ("20241105,T商     ,202411     ,100000,22810,2,-,-, ", "no text of such a file"),
    ],
)
def test_damaged_file_changes_nothing_and_is_named_with_line(folder: StoreFolder, row: str, words: str) -> None:
    import_rows(folder, NIGHT)
    before = stamps(folder)
    summary = import_rows(folder, (*NIGHT, *MORNING, row))
    (sentence,) = summary.refused
    assert ", line 12: " in sentence
    assert words in sentence
    assert stamps(folder) == before


@pytest.mark.parametrize(
    ("name", "content_", "words"),
    [
        ("Daily_2024_11_05.csv", b"", ": is empty."),
        ("Daily_2024_11_05.csv", bytes(range(256)) * 40, ": is binary, not a daily file of the exchange."),
        (
            "Daily_2024_11_05.csv",
            b"trade_date,open\r\n2024-11-05,1\r\n",
            ", line 1: the header is 'trade_date,open'",
        ),
        ("Daily_2024_11_05.csv", ",".join(HEADER).encode("cp950") + b"\r\n", ": holds a header and no rows."),
        ("Daily_2024_11_05.zip", b"", ": is empty."),
        ("Daily_2024_11_05.zip", bytes(range(256)) * 40, ": is no zip."),
    ],
)
def test_what_is_no_daily_file_changes_nothing_and_is_named(
    folder: StoreFolder, name: str, content_: bytes, words: str
) -> None:
    import_rows(folder, NIGHT)
    before = stamps(folder)
    path = folder.path.parent / name
    path.write_bytes(content_)
    (sentence,) = import_files(folder, [path], CALENDAR).refused
    assert sentence.startswith(f"{path}{words}")
    assert stamps(folder) == before


@pytest.mark.parametrize("ending", [b"\n", b"mixed"])
def test_other_line_ends_change_nothing(folder: StoreFolder, tmp_path: Path, ending: bytes) -> None:
    import_rows(folder, NIGHT + MORNING)
    raw = write(tmp_path, NIGHT + MORNING).read_bytes()
    path = tmp_path / "Daily_2024_11_05.csv"
    path.write_bytes(raw.replace(b"\r\n", b"\n", 4 if ending == b"mixed" else -1))
    (imported,) = import_files(folder, [path], CALENDAR).imported
    assert not imported.is_change


@pytest.mark.parametrize("name", ["a [1] b", "day's store", "行情"])
def test_store_may_lie_in_any_folder(tmp_path: Path, name: str) -> None:
    folder = StoreFolder(tmp_path / name)
    import_rows(folder, NIGHT)
    import_rows(folder, NIGHT + MORNING)
    assert not import_rows(folder, NIGHT).imported[0].is_change
    with StoreReader(folder, CALENDAR) as reader:
        assert len(reader.last_ticks("TXFK4", 100)) == 6


def test_cut_zip_is_refused_and_the_others_are_imported(tmp_path: Path, folder: StoreFolder) -> None:
    good = write(tmp_path / "a", NIGHT)
    bad = write(tmp_path / "b", NIGHT + MORNING, "Daily_2024_11_05.zip")
    bad.write_bytes(bad.read_bytes()[:-40])
    summary = import_files(folder, [bad, good], CALENDAR)
    assert [item.path for item in summary.imported] == [good]
    assert summary.refused[0].startswith(f"{bad}: the zip is damaged")


class TestStopped:
    def test_cancelled_file_leaves_nothing_and_can_be_begun_again(
        self, tmp_path: Path, folder: StoreFolder
    ) -> None:
        paths = [write(tmp_path / "a", NIGHT), write(tmp_path / "b", NIGHT + MORNING)]
        seen: list[ImportProgress] = []

        def is_cancelled() -> bool:
            return bool(seen) and seen[-1].number == 2 and seen[-1].share > 0.7

        summary = import_files(folder, paths, CALENDAR, on_progress=seen.append, is_cancelled=is_cancelled)
        assert summary.is_cancelled
        assert [item.path for item in summary.imported] == paths[:1]
        assert len(content(folder)["ticks-taifex"]) == 4
        assert not list(folder.days.rglob("*.new"))
        shares = [item.share for item in seen]
        assert shares == sorted(shares)
        again = import_files(folder, paths, CALENDAR, on_progress=seen.append)
        assert [item.is_change for item in again.imported] == [False, True]
        assert seen[-1].share == 1.0

    @pytest.mark.parametrize("is_journalled", [False, True])
    def test_killed_swap_is_undone_or_finished(
        self, tmp_path: Path, folder: StoreFolder, is_journalled: bool
    ) -> None:
        """Killed before the journal the old day stands, after it the new one; never a mixture."""
        whole = StoreFolder(tmp_path / "whole")
        import_rows(whole, NIGHT + MORNING)
        import_rows(folder, NIGHT)
        before = content(folder)
        staged = StagedDay(folder, DAY, Source.TAIFEX)
        for kind in (Kind.TICKS, Kind.SPREADS, Kind.BARS):
            staged.path(kind).write_bytes(path_of(whole, kind).read_bytes())
        if is_journalled:
            staged.journal.write_text("[]", encoding="ascii")
            staged.path(Kind.TICKS).replace(folder.day(DAY) / "ticks-taifex.2.parquet")
        with folder.writing(Source.TAIFEX):
            assert content(folder) == (content(whole) if is_journalled else before)
        assert not list(folder.days.rglob("*.new"))
        assert not staged.journal.exists()

    def test_no_other_writer_comes_between_two_files(self, tmp_path: Path, folder: StoreFolder) -> None:
        """Such as a recorder that deletes the oldest days."""
        next_day = tuple(row.replace("20241105", "20241106") for row in MORNING)
        bad = tmp_path / "Daily_2024_11_08.csv"
        bad.write_bytes(b"")
        paths = [write(tmp_path, MORNING), bad, write(tmp_path, next_day, "Daily_2024_11_06.csv")]
        told: list[tuple[Path, FileImport | str]] = []

        def on_file(path: Path, outcome: FileImport | str) -> None:
            told.append((path, outcome))
            with pytest.raises(StoreError, match="is writing there"), folder.writing(Source.TAIFEX):
                pass

        summary = import_files(folder, paths, CALENDAR, on_file=on_file)
        assert told == [(paths[0], summary.imported[0]), (bad, *summary.refused), (paths[2], summary.imported[1])]

    def test_it_waits_for_a_recorder_that_deletes_old_days(self, tmp_path: Path, folder: StoreFolder) -> None:
        path = write(tmp_path, MORNING)
        summaries: list[ImportSummary] = []
        thread = threading.Thread(target=lambda: summaries.append(import_files(folder, [path], CALENDAR)))
        with folder.writing(Source.TAIFEX, Source.MINUTES):
            thread.start()
            thread.join(0.2)
            assert thread.is_alive()
        thread.join(60)
        assert [len(item.imported) for item in summaries] == [1]

    def test_second_writer_is_refused_and_told_who_writes(self, folder: StoreFolder) -> None:
        with folder.writing(Source.TAIFEX), pytest.raises(StoreError, match=f"process {os.getpid()} is writing"):
            import_rows(folder, NIGHT)
        assert not import_rows(folder, NIGHT).refused

    def test_a_writer_leaves_the_folder_in_which_another_begins(self, folder: StoreFolder) -> None:
        """Between the folder and the first file in it another source's writer mends what was left of its own."""
        staged = StagedDay(folder, DAY, Source.TAIFEX)
        path = staged.path(Kind.TICKS)
        with folder.writing(Source.MINUTES):
            path.write_bytes(b"")
        assert path.exists()
        with folder.writing(Source.TAIFEX):
            assert not folder.day(DAY).exists()

    def test_reading_goes_on_while_days_are_replaced(self, folder: StoreFolder) -> None:
        import_rows(folder, NIGHT)
        seen: set[int] = set()
        failures: list[Exception] = []
        stop = threading.Event()

        def read() -> None:
            with StoreReader(folder, CALENDAR) as reader:
                while not stop.is_set():
                    try:
                        seen.add(len(reader.last_ticks("TXFK4", 100)))
                    except DataFileError as error:
                        failures.append(error)

        thread = threading.Thread(target=read)
        thread.start()
        import_rows(folder, NIGHT + MORNING)
        stop.set()
        thread.join()
        assert not failures
        assert seen <= {3, 6}


def test_folder_gives_its_daily_files_and_what_is_missing_is_named(tmp_path: Path) -> None:
    write(tmp_path, NIGHT, "Daily_2024_11_06.zip")
    write(tmp_path, NIGHT)
    (tmp_path / "expected.csv").touch()
    assert [path.name for path in find_files([tmp_path])] == ["Daily_2024_11_05.csv", "Daily_2024_11_06.zip"]
    with pytest.raises(DataFileError, match=r"gone\.zip: there is no such"):
        find_files([tmp_path / "gone.zip"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataFileError, match=r"holds no Daily_YYYY_MM_DD"):
        find_files([tmp_path / "empty"])


def test_expiring_month_has_no_print_after_half_past_one(folder: StoreFolder) -> None:
    row = "20241120,TX     ,{}     ,133001,22810,2,-,-, "
    late = write(folder.path.parent, [row.format("202411")], "Daily_2024_11_20.csv")
    assert "no session of TX 202411" in import_files(folder, [late], CALENDAR).refused[0]
    next_month = write(folder.path.parent, [row.format("202412")], "Daily_2024_11_20.csv")
    assert import_files(folder, [next_month], CALENDAR).imported[0].trade_dates == (date(2024, 11, 20),)
