"""Stored days for a replay: which there are, a day as a tape, and days that are not closed yet."""

from datetime import date, datetime
from pathlib import Path

import pytest

from engine import recorded_days
from engine.brokers.tape import Tape
from engine.errors import DataFileError, StoreError
from engine.model.recorded import DayOrigin, RecordedPart, Shelf
from engine.model.session import TAIPEI, SessionKind
from engine.model.tick import Tick, TickFlag
from engine.settings import Settings
from engine.storage.importing import import_files
from engine.storage.layout import StoreFolder
from engine.storage.spool import Spool
from engine.storage.store import MarketStore
from engine.timing import NS_PER_S
from tests.unit.engine.storage.daily_files import CALENDAR, DAY, MORNING, NIGHT, write

RUN = 1_730_000_000_000_000_000


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=TAIPEI).timestamp()) * NS_PER_S


def tick(seq: int, clock: str, price: int = 22_800, *, flags: int = 0, symbol: str = "TXFK4") -> Tick:
    stamp = at(f"2024-11-05 {clock}")
    return Tick(symbol=symbol, seq=seq, ts_event=stamp, ts_recv=stamp + 5, price=price, quantity=2, flags=flags)


def imported(folder: Path, *rows: str) -> Path:
    store = folder / "store"
    import_files(StoreFolder(store), [write(folder / "files", rows or (*NIGHT, *MORNING))], CALENDAR)
    return store


def recorded(store: Path, *ticks: Tick, run: int = RUN) -> Path:
    with MarketStore(store, CALENDAR) as market:
        market.append_ticks(ticks, run)
    return store


def part(store: Path, **changes: object) -> RecordedPart:
    return RecordedPart(store=store, trade_date=DAY, **changes)  # type: ignore[arg-type]


def rows(tape: Tape) -> list[tuple[object, ...]]:
    return [(item.symbol, item.number, item.print, item.total_volume) for item in tape.ticks]


def listed(store: Path) -> Shelf:
    return recorded_days.shelf(store, CALENDAR)


# ------------------------------------------------------------------------------------------------ which there are


def test_there_are_none_in_a_store_that_is_not_there(tmp_path: Path) -> None:
    assert listed(tmp_path / "none") == Shelf()
    assert not (tmp_path / "none").exists()


def test_imported_day_has_its_contracts_sessions_and_lots(tmp_path: Path) -> None:
    (found,) = listed(imported(tmp_path)).days
    assert (found.trade_date, found.origin, found.run) == (DAY, DayOrigin.FILE, "")
    assert found.symbols == ("TXFK4", "TXFL4")  # neither spreads nor weeks nor other products
    assert found.front_months == ("TXFK4",)
    assert found.kinds == (SessionKind.NIGHT, SessionKind.DAY)
    assert found.lots("TXFK4", SessionKind.NIGHT) == 46 + 1 + 2
    assert found.lots("TXFK4", SessionKind.DAY) == 233 + 2 + 3
    assert found.lots("TXFK4") == 49 + 238


def test_recorded_day_is_there_once_it_is_closed(tmp_path: Path) -> None:
    store = recorded(tmp_path / "store", tick(1, "09:00:00"))
    found = listed(store)
    assert not found.days
    assert [(item.store, item.days, item.holder) for item in found.open] == [(store, (DAY,), "")]
    assert recorded_days.close_days(store, Settings(), CALENDAR) == [DAY]
    found = listed(store)
    assert [(item.origin, item.lots("TXFK4")) for item in found.days] == [(DayOrigin.RECORDED, 2)]
    assert not found.open


def test_simulated_runs_are_listed_with_their_name(tmp_path: Path) -> None:
    run = tmp_path / "store" / "simulated" / "simulated-20241105-090000-000001"
    recorded(run, tick(1, "09:00:00"))
    recorded_days.close_days(run, Settings(), CALENDAR)
    (found,) = listed(tmp_path / "store").days
    assert (found.store, found.origin, found.run) == (run, DayOrigin.SIMULATED, run.name)


def test_what_a_recorder_holds_is_said_with_its_process(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with MarketStore(store, CALENDAR) as market:
        market.append_ticks([tick(1, "09:00:00")], RUN)
        (held,) = listed(store).open
        assert "process" in held.holder
        with pytest.raises(StoreError, match="process"):
            recorded_days.close_days(store, Settings(), CALENDAR)
        with pytest.raises(StoreError, match=r"If it is there but open: .*process"):
            recorded_days.tape_of(part(store), CALENDAR)


def test_closing_takes_in_what_a_killed_recorder_left_in_its_spool(tmp_path: Path) -> None:
    store = recorded(tmp_path / "store", tick(1, "09:00:00"))
    spool = Spool(store / "spool")
    spool.append([tick(2, "09:00:01", 22_805)], [], RUN)
    spool.rotate()
    recorded_days.close_days(store, Settings(), CALENDAR)
    tape = recorded_days.tape_of(part(store), CALENDAR)
    assert [item.print.price for item in tape.ticks] == [22_800, 22_805]
    assert not list((store / "spool").iterdir())


def test_a_day_recorded_on_after_its_closing_is_open_until_it_is_closed_again(tmp_path: Path) -> None:
    """Half of it lies in a segment, half in the live file: neither half may pass for the day."""
    store = recorded(tmp_path / "store", tick(1, "09:00:00"))
    recorded_days.close_days(store, Settings(), CALENDAR)
    with MarketStore(store, CALENDAR) as market:
        market.append_ticks([tick(1, "13:00:00")], RUN + 1)
    found = listed(store)
    assert not found.days
    assert [item.days for item in found.open] == [(DAY,)]
    with pytest.raises(StoreError, match="2024-11-05 is not closed yet"):
        recorded_days.tape_of(part(store), CALENDAR)
    recorded_days.close_days(store, Settings(), CALENDAR)
    assert [item.lots("TXFK4") for item in listed(store).days] == [4]
    assert len(recorded_days.tape_of(part(store), CALENDAR)) == 2


# ------------------------------------------------------------------------------------------------- a day as a tape


def test_tape_of_a_stored_day_is_that_of_its_file(tmp_path: Path) -> None:
    store = imported(tmp_path)
    for symbols in (("TXFK4",), ("TXFK4", "TXFL4"), ("TXFL4", "TXFK4")):
        file = Tape.of_file(tmp_path / "files" / "Daily_2024_11_05.csv", symbols, CALENDAR)
        stored = recorded_days.tape_of(part(store, symbols=symbols), CALENDAR)
        assert rows(stored) == rows(file)
        assert stored.elapsed == file.elapsed


def test_real_day_comes_out_of_the_store_as_out_of_its_file(market_data: Path, tmp_path: Path) -> None:
    path = market_data / "taifex" / "Daily_2024_11_20.zip"
    import_files(StoreFolder(tmp_path), [path], CALENDAR)
    wanted = RecordedPart(store=tmp_path, trade_date=date(2024, 11, 20))
    stored = recorded_days.tape_of(wanted, CALENDAR)
    file = Tape.of_file(path, tuple(stored.prints), CALENDAR)
    assert list(stored.prints) == ["TXFK4", "MXFK4", "TMFK4"]
    assert rows(stored) == rows(file)


def test_recorded_runs_follow_each_other_and_late_prints_keep_their_place(tmp_path: Path) -> None:
    trial = int(TickFlag.TRIAL)
    store = recorded(tmp_path / "store", tick(1, "08:40:00", 1, flags=trial), tick(2, "09:00:05", 2))
    recorded(store, tick(3, "09:00:03", 3))
    recorded(store, tick(1, "09:10:00", 4), tick(2, "09:10:00", 5), run=RUN + 1)
    recorded_days.close_days(store, Settings(), CALENDAR)
    tape = recorded_days.tape_of(part(store), CALENDAR)
    assert [item.print.price for item in tape.ticks] == [1, 2, 3, 4, 5]
    assert [item.number for item in tape.ticks] == [1, 2, 3, 4, 5]
    assert tape.ticks[2].print.ts_event == at("2024-11-05 09:00:05")
    assert tape.ticks[0].is_trial


@pytest.mark.parametrize(
    ("begin", "end", "prices"),
    [
        (None, None, [23039, 23040, 23041, 22808, 22800, 22810]),
        ("15:00", "05:00", [23039, 23040, 23041]),  # the closing second belongs to its session
        ("15:00", "04:59", [23039, 23040]),
        ("23:00", "09:00", [23040, 23041, 22808, 22800]),
        ("08:45", None, [22808, 22800, 22810]),
        ("08:46", "13:45", [22810]),
        ("08:46", "13:44", []),
    ],
)
def test_part_of_a_day(tmp_path: Path, begin: str | None, end: str | None, prices: list[int]) -> None:
    wanted = part(
        imported(tmp_path),
        symbols=("TXFK4",),
        begin=recorded_days.minutes_of(begin) if begin else None,
        end=recorded_days.minutes_of(end) if end else None,
    )
    if not prices:
        with pytest.raises(DataFileError, match="no print of TXFK4 in the time"):
            recorded_days.tape_of(wanted, CALENDAR)
        return
    assert [item.print.price for item in recorded_days.tape_of(wanted, CALENDAR).ticks] == prices


def test_products_without_a_print_in_the_chosen_part_are_left_out(tmp_path: Path) -> None:
    ticks = tick(1, "09:00:00"), tick(2, "11:00:00"), tick(1, "11:30:00", symbol="MXFK4")
    store = recorded(tmp_path / "store", *ticks)
    recorded_days.close_days(store, Settings(), CALENDAR)
    morning = recorded_days.tape_of(part(store, begin=8 * 60 + 45, end=10 * 60), CALENDAR)
    assert [(item.symbol, item.number) for item in morning.ticks] == [("TXFK4", 1)]
    assert len(recorded_days.tape_of(part(store), CALENDAR)) == 3
    with pytest.raises(DataFileError, match="no print of TXFK4, MXFK4 in the time"):
        recorded_days.tape_of(part(store, begin=12 * 60), CALENDAR)
    with pytest.raises(DataFileError, match="MXFK4"):
        recorded_days.tape_of(part(store, symbols=("TXFK4", "MXFK4"), begin=8 * 60 + 45, end=10 * 60), CALENDAR)


def test_what_cannot_be_replayed_is_said(tmp_path: Path) -> None:
    store = imported(tmp_path)
    with pytest.raises(StoreError, match="no prints of 2024-11-06"):
        recorded_days.tape_of(RecordedPart(store=store, trade_date=date(2024, 11, 6)), CALENDAR)
    with pytest.raises(DataFileError, match="TXFA5"):
        recorded_days.tape_of(part(store, symbols=("TXFA5",)), CALENDAR)
    with pytest.raises(DataFileError, match="TXFA5"):
        recorded_days.tape_of(part(store, symbols=("TXFK4", "TXFA5")), CALENDAR)
    with pytest.raises(DataFileError, match="before it begins"):
        recorded_days.tape_of(part(store, begin=600, end=540), CALENDAR)
    open_store = recorded(tmp_path / "open", tick(1, "09:00:00"))
    with pytest.raises(StoreError, match="2024-11-05 is not closed yet"):
        recorded_days.tape_of(part(open_store), CALENDAR)


# ------------------------------------------------------------------------------------------------ the command line


def source(**changes: object) -> object:
    given: dict[str, object] = {"store": Path("store"), "trade_date": None, "begin": None, "end": None}
    given |= {"file": None, "calendar": CALENDAR} | changes
    return recorded_days.source_of(given.pop("file"), **given)  # type: ignore[arg-type]


def test_source_is_a_file_or_a_day() -> None:
    assert source(file=Path("a.zip")) == Path("a.zip")
    found = source(trade_date="2024-11-05", begin="21:30", end="09:05")
    assert found == part(Path("store"), begin=21 * 60 + 30, end=9 * 60 + 5)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "Name one recorded day"),
        ({"file": Path("a.zip"), "trade_date": "2024-11-05"}, "Name one recorded day"),
        ({"file": Path("a.zip"), "begin": "09:00"}, "go with --date"),
        ({"trade_date": "5.11.2024"}, "'5.11.2024' is no date"),
        ({"trade_date": "2024-11-09"}, "2024-11-09 is no trading day"),
        ({"trade_date": "2024-11-05", "begin": "24:00"}, "'24:00' is no time of day"),
        ({"trade_date": "2024-11-05", "end": "noon"}, "'noon' is no time of day"),
    ],
)
def test_a_wrong_source_is_said(given: dict[str, object], said: str) -> None:
    with pytest.raises(DataFileError, match=said):
        source(**given)
