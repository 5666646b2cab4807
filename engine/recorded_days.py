"""What can be replayed of the market stores: their days, a day as a tape, and closing days that are still open.

Loads the database when it is asked, not before: the main process needs it for nothing else. Never opens a live
file that another process holds.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

from engine.brokers.tape import Tape
from engine.errors import CalendarError, DataFileError, StoreError
from engine.model.recorded import OpenStore, RecordedPart, Shelf, StoredDay, hours
from engine.model.session import TAIPEI, TradingCalendar
from engine.settings import Settings
from engine.storage.layout import StoreFolder
from engine.storage.places import simulated_runs
from engine.timing import NS_PER_S

_OFFSET_S = int(TAIPEI.utcoffset(None).total_seconds())


def shelf(store: Path, calendar: TradingCalendar) -> Shelf:
    """The days of a person's store and of the stores of simulated runs; one that is open is not among the closed.

    Raises:
        EngineError: a store cannot be read.
    """
    from engine.storage.days import DayReader, open_days

    days: list[StoredDay] = []
    still_open: list[OpenStore] = []
    for path, run in _stores(store):
        folder = StoreFolder(path)
        found = open_days(folder)
        with closing(DayReader(folder, calendar)) as reader:
            # A day that was recorded on after it was closed lies half here and half in the live file.
            days += [day for day in reader.days(run=run) if not (found and day.trade_date in found.days)]
        if found:
            still_open.append(found)
    return Shelf(days=tuple(days), open=tuple(still_open))


def _stores(store: Path) -> Iterator[tuple[Path, str]]:
    yield store, ""
    for path in reversed(simulated_runs(store)):
        yield path, path.name


def tape_of(part: RecordedPart, calendar: TradingCalendar) -> Tape:
    """A part of a stored day.

    Raises:
        CalendarError: it is no trading day.
        StoreError: the day is not in the store, or rows of it are not closed yet; says what to do.
        DataFileError: a contract that was named has no print in the chosen time, or a file cannot be read.
    """
    from engine.storage.days import DayReader, open_days

    begin_ns, end_ns = _range(part, calendar)
    folder = StoreFolder(part.store)
    still_open = open_days(folder)
    if still_open and part.trade_date in still_open.days:
        raise StoreError(
            f"{part.store}: {part.trade_date} is not closed yet, and only closed days can be replayed. Close it "
            "first: in the window's login, or with --close."
        )
    with closing(DayReader(folder, calendar)) as reader:
        day = next((day for day in reader.days() if day.trade_date == part.trade_date), None)
        symbols = part.symbols or (day.front_months if day else ())
        prints = {symbol: reader.prints(symbol, part.trade_date, begin_ns, end_ns) for symbol in symbols}
    if not any(prints.values()):
        raise _missing(part, symbols if day else (), still_open)
    if not part.symbols:  # not every product trades in every part of a day
        prints = {symbol: found for symbol, found in prints.items() if found}
    return Tape(prints, calendar)


def _range(part: RecordedPart, calendar: TradingCalendar) -> tuple[int, int]:
    """First instant, and the one before which it ends; prints before the first open count to the first session."""
    day = hours(part.trade_date, calendar)
    begin_ns, end_ns = 0, 2**63 - 1
    if part.begin is not None:
        begin_ns = day.at_clock(part.begin * 60, _OFFSET_S)
    if part.end is not None:
        end_ns = day.at_clock(part.end * 60, _OFFSET_S)
        if any(end_ns == close_ns for _, close_ns in day.spans):
            end_ns += NS_PER_S  # the closing prints belong to the session that they end
    if begin_ns >= end_ns:
        raise DataFileError(
            f"The replay of {part.trade_date} would end before it begins: a trade date runs from 15:00 of the "
            "evening before over midnight to 13:45."
        )
    return begin_ns, end_ns


def _missing(part: RecordedPart, symbols: tuple[str, ...], still_open: OpenStore | None) -> Exception:
    """Why nothing is there; ``symbols`` were looked for in a day that is, empty = there is no such day."""
    if symbols:
        return DataFileError(
            f"{part.trade_date} has no print of {', '.join(symbols)} in the time that was chosen."
        )
    held = f" If it is there but open: {still_open.holder}" if still_open and still_open.holder else ""
    return StoreError(f"{part.store}: there are no prints of {part.trade_date}.{held}")


def close_days(store: Path, settings: Settings, calendar: TradingCalendar) -> list[date]:
    """Closes the days that a store's live file holds, with what a killed recorder left in its spool.

    Raises:
        StoreError: a recorder or another program writes there, or a day cannot be written.
    """
    from engine.nodes.backlog import Backlog
    from engine.nodes.store_writer import StoreWriter
    from engine.storage.spool import Spool
    from engine.storage.store import MarketStore

    market = MarketStore(store, calendar)
    spool = Spool(store / "spool")
    writer = StoreWriter(market, Backlog(spool), calendar, settings.store, lambda bars: None)
    try:
        writer.recover(spool)
        days = market.open_days()
        for day in days:
            market.close_day(day)
        return days
    finally:
        writer.close()


def source_of(
    file: Path | None,
    *,
    store: Path,
    trade_date: str | None,
    begin: str | None,
    end: str | None,
    calendar: TradingCalendar,
) -> Path | RecordedPart:
    """What a command line names: a daily file, or a trade date of a store.

    Raises:
        DataFileError: it names neither or both, or a date or time that is none.
    """
    if (file is None) == (trade_date is None):
        raise DataFileError("Name one recorded day: a daily file, or a trade date of the store with --date.")
    if file is not None:
        if begin or end:
            raise DataFileError("--from and --to go with --date: a daily file is replayed as a whole.")
        return file
    assert trade_date is not None
    return RecordedPart(
        store=store,
        trade_date=trade_date_of(trade_date, calendar),
        begin=minutes_of(begin) if begin else None,
        end=minutes_of(end) if end else None,
    )


def trade_date_of(text: str, calendar: TradingCalendar) -> date:
    """A trade date as a person writes it, 2024-11-05.

    Raises:
        DataFileError: it is no date, or no trading day.
    """
    try:
        day = date.fromisoformat(text)
        hours(day, calendar)
    except ValueError:
        raise DataFileError(f"{text!r} is no date; write it as 2024-11-05.") from None
    except CalendarError as error:
        raise DataFileError(str(error)) from None
    return day


def minutes_of(text: str) -> int:
    """Minutes since midnight of a time of day as a person writes it, 21:30.

    Raises:
        DataFileError: it is none.
    """
    try:
        hour, minute = (int(part) for part in text.split(":"))
        if hour in range(24) and minute in range(60):
            return hour * 60 + minute
    except ValueError:
        pass
    raise DataFileError(f"{text!r} is no time of day; write it as 21:30.")
