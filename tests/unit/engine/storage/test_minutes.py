"""Files of 1-minute bars with a stated time convention."""

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from engine.errors import DataFileError, EngineError, StoreError
from engine.formats.minutes import MinuteConvention, MinutesAre, read_minutes, zone_of
from engine.model.session import TAIPEI, SessionKind
from engine.storage.continuous import RollRule, continuous_bars
from engine.storage.importing import ImportProgress, import_files
from engine.storage.layout import DaysTogether, Kind, Source, StagedDay, StoreFolder
from engine.storage.reading import StoreReader
from engine.timing import NS_PER_S
from tests.unit.engine.storage.daily_files import CALENDAR, DAY, MORNING, NIGHT, write

HEADER = "time,open,high,low,close,volume"
START = MinuteConvention(minutes_are=MinutesAre.START, symbol="TXFK4")
END = MinuteConvention(minutes_are=MinutesAre.END, symbol="TXFK4")


def file(folder: Path, *rows: str, header: str = HEADER, name: str = "bars.csv") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return path


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=TAIPEI).timestamp()) * NS_PER_S


@pytest.mark.parametrize(
    ("time", "convention"),
    [
        ("2024-11-05 09:00", START),
        ("2024/11/05 09:00:00", START),
        ("2024-11-05T09:00:00+08:00", START),
        ("2024-11-05T01:00:00Z", START),
        ("2024-11-05 09:01", END),
        ("2024-11-05 01:01", MinuteConvention(minutes_are=MinutesAre.END, zone=UTC, symbol="TXFK4")),
    ],
)
def test_stated_convention_places_the_bar(tmp_path: Path, time: str, convention: MinuteConvention) -> None:
    (bar,) = read_minutes(file(tmp_path, f"{time},22800,22810.0,22790,22805,12"), convention, CALENDAR)
    assert (bar.start_ns, bar.trade_date, bar.session) == (at("2024-11-05 09:00"), DAY, SessionKind.DAY)
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.trades) == (22800, 22810, 22790, 22805, 12, 0)


def test_evening_belongs_to_the_next_trade_date(tmp_path: Path) -> None:
    bars = read_minutes(
        file(tmp_path, "2024-11-04 15:00,1,1,1,1,1", "2024-11-05 04:59,2,2,2,2,1"), START, CALENDAR
    )
    assert {(bar.trade_date, bar.session) for bar in bars} == {(DAY, SessionKind.NIGHT)}


@pytest.mark.parametrize(("convention", "last", "close"), [(START, "13:44", "13:45"), (END, "13:45", "13:46")])
def test_closing_print_joins_the_last_bar(
    tmp_path: Path, convention: MinuteConvention, last: str, close: str
) -> None:
    rows = (f"2024-11-05 {last},10,12,9,11,5", f"2024-11-05 {close},14,14,14,14,2")
    (bar,) = read_minutes(file(tmp_path, *rows), convention, CALENDAR)
    assert bar.start_ns == at("2024-11-05 13:44")
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume) == (10, 14, 9, 14, 7)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("2024-11-05 14:00,1,1,1,1,1", "no session of TXFK4"),
        ("2024-11-05 13:46,1,1,1,1,1", "no session of TXFK4"),
        ("2024-11-05 09:00:30,1,1,1,1,1", "no whole minute"),
        ("2024-11-05 09:02,5,4,3,3,1", "between low and high"),
        ("2024-11-05 09:02,5,x,3,3,1", "'x'"),
        ("2024-11-05 09:02,5,5,5,5,-1", "volume -1"),
        ("2024-11-05 09:02,5,5", "3 columns"),
        ("noon,5,5,5,5,1", "noon"),
        ("2024-11-05 09:00,1,2,1,2,1", "another bar of TXFK4"),
    ],
)
def test_wrong_row_changes_nothing_and_is_named_with_line(tmp_path: Path, row: str, words: str) -> None:
    folder = StoreFolder(tmp_path / "store")
    path = file(tmp_path, "2024-11-05 09:00,1,1,1,1,1", row)
    summary = import_files(folder, [path], CALENDAR, minutes=START)
    assert summary.refused[0].startswith(f"{path}, line 3: ")
    assert words in summary.refused[0]
    assert not folder.segments()


def test_missing_column_and_missing_contract_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="line 1: the header has no column volume"):
        read_minutes(file(tmp_path, header="time,open,high,low,close"), START, CALENDAR)
    nameless = MinuteConvention(minutes_are=MinutesAre.START)
    with pytest.raises(DataFileError, match=r"line 2: .*--symbol"):
        read_minutes(file(tmp_path, "2024-11-05 09:00,1,1,1,1,1"), nameless, CALENDAR)


def test_zones_by_name_and_offset() -> None:
    assert zone_of("Asia/Taipei") is TAIPEI
    assert zone_of("utc") is UTC
    assert zone_of("-05:30") == timezone(-timedelta(hours=5, minutes=30))
    for name in ("Mars", "+x"):
        with pytest.raises(EngineError, match="no time zone"):
            zone_of(name)


class TestStored:
    def test_corrections_replace_and_other_minutes_stay(self, tmp_path: Path) -> None:
        folder = StoreFolder(tmp_path / "store")
        first = file(tmp_path, "2024-11-05 09:00,1,1,1,1,1", "2024-11-05 09:01,2,2,2,2,1")
        second = file(tmp_path, "2024-11-05 09:01,3,3,3,3,4", "2024-11-05 09:02,5,5,5,5,1", name="later.csv")
        import_files(folder, [first], CALENDAR, minutes=START)
        (done,) = import_files(folder, [second], CALENDAR, minutes=START).imported
        assert (done.written, done.replaced) == (2, 1)
        with StoreReader(folder, CALENDAR) as reader:
            bars = reader.bars("TXFK4", DAY, DAY)
        assert (bars.open.tolist(), bars.volume.tolist()) == ([1, 3, 5], [1, 4, 1])

    def test_session_with_more_lots_answers_for_all_of_it(self, tmp_path: Path) -> None:
        """The daily file has the night whole; the bars' file has a longer day session."""
        folder = StoreFolder(tmp_path / "store")
        import_files(folder, [write(tmp_path, NIGHT + MORNING)], CALENDAR)
        rows = ("2024-11-04 15:00,1,1,1,1,1", "2024-11-05 09:00,7,7,7,7,1000")
        import_files(folder, [file(tmp_path / "in", *rows)], CALENDAR, minutes=START)
        with StoreReader(folder, CALENDAR) as reader:
            assert reader.bars("TXFK4", DAY, DAY, session=SessionKind.DAY).open.tolist() == [7]
            assert reader.bars("TXFK4", DAY, DAY, session=SessionKind.NIGHT).volume.sum() == 49


class TestWholeOrNotAtAll:
    DAYS = tuple(date(2024, 11, day) for day in (4, 5, 6, 7, 8))

    @pytest.fixture
    def folder(self, tmp_path: Path) -> StoreFolder:
        """A store that has an older version of the third day."""
        folder = StoreFolder(tmp_path / "store")
        older = file(tmp_path / "older", f"{self.DAYS[2]} 09:00,1,1,1,1,1")
        assert not import_files(folder, [older], CALENDAR, minutes=START).refused
        return folder

    def rows(self, tmp_path: Path) -> Path:
        return file(tmp_path, *(f"{day} 09:00,7,7,7,7,1" for day in self.DAYS))

    @staticmethod
    def opens(folder: StoreFolder) -> list[int]:
        with StoreReader(folder, CALENDAR) as reader:
            found: list[int] = reader.bars("TXFK4", date.min, date.max).open.tolist()
        return found

    def test_cancelled_between_two_days_nothing_changes(self, tmp_path: Path, folder: StoreFolder) -> None:
        path, seen = self.rows(tmp_path), list[ImportProgress]()
        steps = len(self.DAYS) + 2
        for step in range(1, steps + 1):
            seen.clear()
            summary = import_files(
                folder,
                [path],
                CALENDAR,
                minutes=START,
                on_progress=seen.append,
                is_cancelled=lambda step=step: len(seen) >= step,  # type: ignore[misc]
            )
            assert summary.is_cancelled == (step < steps), step
            assert self.opens(folder) == ([1] if step < steps else [7] * 5), step
            assert not list(folder.path.rglob("*.new"))
        assert [item.written for item in summary.imported] == [5]

    def test_a_day_that_cannot_be_written_leaves_the_others_as_they_were(
        self, tmp_path: Path, folder: StoreFolder
    ) -> None:
        folder.day(self.DAYS[3]).write_bytes(b"no folder")
        with pytest.raises(StoreError, match="as it was before this file"):
            import_files(folder, [self.rows(tmp_path)], CALENDAR, minutes=START)
        assert self.opens(folder) == [1]
        assert folder.trade_dates() == [self.DAYS[2]]

    @pytest.mark.parametrize("is_decided", [False, True])
    def test_killed_while_its_days_change_it_is_undone_or_finished(
        self, tmp_path: Path, folder: StoreFolder, is_decided: bool
    ) -> None:
        whole = StoreFolder(tmp_path / "whole")
        import_files(whole, [self.rows(tmp_path)], CALENDAR, minutes=START)
        together = DaysTogether(folder, Source.MINUTES)
        for day in self.DAYS:
            path = whole.segment(day, Kind.BARS, Source.MINUTES)
            assert path is not None
            together.day(day).path(Kind.BARS).write_bytes(path.read_bytes())
        if is_decided:
            together.journal.write_text("[]", encoding="ascii")
            first = StagedDay(folder, self.DAYS[0], Source.MINUTES).path(Kind.BARS)
            first.replace(folder.day(self.DAYS[0]) / "bars-minutes.1.parquet")
        with folder.writing(Source.MINUTES):
            assert self.opens(folder) == ([7] * 5 if is_decided else [1])
        assert not list(folder.path.rglob("*.new"))
        assert not list(folder.path.glob("swap*"))


class TestVolumeRule:
    DAYS = (date(2024, 11, 4), DAY, date(2024, 11, 6), date(2024, 11, 7), date(2024, 11, 21))

    @pytest.fixture
    def reader(self, tmp_path: Path) -> StoreReader:
        volumes = [(100, 10), (100, 120), (130, 90), (90, 200), (0, 200)]
        rows = [
            f"{day} 09:00,202411,22800,22800,22800,22800,{old}\n{day} 09:00,202412,22850,22850,22850,22850,{new}"
            for day, (old, new) in zip(self.DAYS, volumes, strict=True)
        ]
        rows[-1] = rows[-1].split("\n")[1]
        path = file(tmp_path, *rows, header="time,contract,open,high,low,close,volume")
        folder = StoreFolder(tmp_path / "store")
        convention = MinuteConvention(minutes_are=MinutesAre.START, symbol="TXF")
        assert not import_files(folder, [path], CALENDAR, minutes=convention).refused
        return StoreReader(folder, CALENDAR)

    def test_goes_over_the_day_after_and_never_back(self, reader: StoreReader) -> None:
        with reader:
            found = continuous_bars(reader, "TXF", self.DAYS[0], self.DAYS[-1], CALENDAR, rule=RollRule.VOLUME)
            settled = continuous_bars(reader, "TXF", self.DAYS[0], self.DAYS[-1], CALENDAR)
        assert list(found.contracts.values()) == ["TXFK4", "TXFK4", "TXFL4", "TXFL4", "TXFL4"]
        assert [(roll.trade_date, roll.step, roll.is_known) for roll in found.rolls] == [(self.DAYS[2], 50, True)]
        assert list(settled.contracts.values()) == ["TXFK4"] * 4 + ["TXFL4"]
