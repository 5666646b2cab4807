"""The commands of the market store: ``import``, ``export`` and ``sessions`` of ``python -m engine``.

Arguments, progress and summaries for people; what happens is in :mod:`engine.storage`.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

from engine.errors import EngineError
from engine.formats.minutes import MinuteConvention, MinutesAre, zone_of
from engine.model.session import TradingCalendar
from engine.settings import Settings


def add_parsers(commands: Any) -> None:
    """Adds the three commands to the program's command line."""
    _add_import(commands)
    _add_export(commands)
    sessions = commands.add_parser(
        "sessions",
        help="list the stored sessions",
        description="Prints one line a trade date, contract and session as CSV, spreads included.",
    )
    sessions.add_argument("--product", metavar="CODE", help="only this one, such as TX")
    sessions.add_argument("--date", type=_date, metavar="YYYY-MM-DD", help="only this trade date")
    _add_store(sessions)


def _add_import(commands: Any) -> None:
    parser = commands.add_parser(
        "import",
        help="bring recorded market data into the store",
        description="Imports the exchange's daily files (zip or csv) or csv files of 1-minute bars. What is in "
        "the store already changes nothing, so an import that was stopped is simply begun again.",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="files, or folders of them")
    parser.add_argument(
        "--minutes-are",
        choices=[str(item) for item in MinutesAre],
        help="the files hold 1-minute bars whose time is the start or the end of the minute",
    )
    parser.add_argument(
        "--timezone",
        default="Asia/Taipei",
        metavar="ZONE",
        help="of such times where they have no offset (default: %(default)s)",
    )
    parser.add_argument(
        "--symbol",
        default="",
        metavar="CODE",
        help="contract of such a file (TXFK4), or its product (TXF) where a column names the month",
    )
    _add_store(parser)


def _add_export(commands: Any) -> None:
    parser = commands.add_parser(
        "export",
        help="write stored ticks or bars to a file",
        description="Writes the prints or 1-minute bars of one contract as CSV (points and local times) or as "
        "Parquet (scaled prices, ns UTC).",
    )
    parser.add_argument("--symbol", required=True, metavar="CODE", help="such as TXFK4 or TX202411/202412")
    parser.add_argument("--from", required=True, dest="first", type=_date, metavar="YYYY-MM-DD", help="trade date")
    parser.add_argument("--to", required=True, dest="last", type=_date, metavar="YYYY-MM-DD", help="included")
    parser.add_argument("--what", choices=["ticks", "bars"], default="ticks")
    parser.add_argument("--format", choices=["csv", "parquet"], default="csv")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write here; a csv may go to standard output")
    _add_store(parser)


def _add_store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", type=Path, metavar="DIR", help="folder of the store (default: paths.store)")


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; write it as 2024-11-05") from None


def run(arguments: argparse.Namespace, settings: Settings) -> int:
    """Runs one of the commands; returns the exit code, 2 where a file was refused.

    Raises:
        EngineError: it could not be done.
    """
    calendar = TradingCalendar(settings.market.closed_days, settings.market.opened_days)
    store = arguments.store or settings.paths.store
    command: Callable[..., int] = {"import": _import, "export": _export, "sessions": _sessions}[arguments.command]
    return command(arguments, store, calendar)


def _import(arguments: argparse.Namespace, store: Path, calendar: TradingCalendar) -> int:
    from engine.storage.importing import ImportProgress, import_files
    from engine.storage.layout import StoreFolder

    def show(progress: ImportProgress) -> None:
        if sys.stderr.isatty():
            place = f"{progress.number}/{progress.files} {progress.path.name}"
            print(f"\r{progress.share:4.0%} {place:60.60}", end="", file=sys.stderr, flush=True)

    summary = import_files(
        StoreFolder(store), arguments.paths, calendar, minutes=_convention(arguments), on_progress=show
    )
    if sys.stderr.isatty():
        print(f"\r{'':66}\r", end="", file=sys.stderr)
    for item in summary.imported:
        days = " to ".join(str(day) for day in sorted({min(item.trade_dates), max(item.trade_dates)}))
        change = f"{item.written} written, {item.replaced} replaced" if item.is_change else "nothing new"
        kept = f", {item.kept} left out: the store has more of their sessions" if item.kept else ""
        print(f"{item.path.name}: {days}: {item.rows} rows, {change}{kept}")
    for sentence in summary.refused:
        print(f"engine: {sentence}", file=sys.stderr)
    return 2 if summary.refused else 0


def _convention(arguments: argparse.Namespace) -> MinuteConvention | None:
    if arguments.minutes_are is None:
        if arguments.symbol:
            raise EngineError(
                "--symbol is for files of 1-minute bars: say with --minutes-are what their times are."
            )
        return None
    return MinuteConvention(
        minutes_are=MinutesAre(arguments.minutes_are),
        zone=zone_of(arguments.timezone),
        symbol=arguments.symbol.upper(),
    )


def _export(arguments: argparse.Namespace, store: Path, calendar: TradingCalendar) -> int:
    from engine.storage.exporting import Export, FileFormat, What, export
    from engine.storage.layout import StoreFolder
    from engine.storage.reading import StoreReader

    wanted = Export(
        symbol=arguments.symbol,
        first=arguments.first,
        last=arguments.last,
        what=What(arguments.what),
        format=FileFormat(arguments.format),
    )
    with StoreReader(StoreFolder(store), calendar) as reader:
        if arguments.out is not None:
            print(f"{arguments.out}: {export(reader, wanted, arguments.out)} rows")
            return 0
        if wanted.format is not FileFormat.CSV:
            raise EngineError("Parquet is for files: name one with --out.")
        with tempfile.TemporaryDirectory() as place:
            out = Path(place) / "export.csv"
            export(reader, wanted, out)
            with out.open(encoding="utf-8", newline="") as file:
                shutil.copyfileobj(file, sys.stdout)
    return 0


def _sessions(arguments: argparse.Namespace, store: Path, calendar: TradingCalendar) -> int:
    from engine.storage.exporting import write_sessions
    from engine.storage.layout import StoreFolder
    from engine.storage.reading import StoreReader

    first, last = arguments.date or date.min, arguments.date or date.max
    with StoreReader(StoreFolder(store), calendar) as reader:
        write_sessions(reader.sessions(arguments.product, first, last), sys.stdout)
    return 0
