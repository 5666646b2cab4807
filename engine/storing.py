"""The commands of the market store: ``import``, ``export`` and ``sessions`` of ``python -m engine``.

Arguments, progress and summaries for people; what happens is in :mod:`engine.storage`.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine.errors import EngineError
from engine.formats.minutes import MinuteConvention, MinutesAre, zone_of
from engine.model.session import SessionKind, TradingCalendar
from engine.settings import Settings
from engine.timing import NS_PER_S

if TYPE_CHECKING:
    from engine.storage.layout import StoreFolder
    from engine.storage.reading import StoreReader

_SPAN: Final = re.compile(r"(\d{1,4})(s|m|h)|1d", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}
_MINUTE_NS: Final = 60 * NS_PER_S


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
        description="Writes prints or bars as CSV (points and local times) or as Parquet (scaled prices, ns UTC): "
        "of one contract, of a product, of everything stored, or of the continuous front month of a product.",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--symbol", default="", metavar="CODE", help="such as TXFK4, TX202411, TX202411/202412")
    which.add_argument("--product", default="", metavar="CODE", help="all contracts of a product, such as TX")
    which.add_argument(
        "--continuous", default="", metavar="CODE", help="the front month of a product, such as TXF"
    )
    parser.add_argument("--from", required=True, dest="first", type=_date, metavar="YYYY-MM-DD", help="trade date")
    parser.add_argument("--to", required=True, dest="last", type=_date, metavar="YYYY-MM-DD", help="included")
    parser.add_argument(
        "--what", choices=["ticks", "spreads", "bars"], help="default: ticks; of a continuous series bars"
    )
    parser.add_argument(
        "--span", type=_span, metavar="LENGTH", help="of the bars of one contract or series: 20s, 5m, 1h, 1d (1m)"
    )
    parser.add_argument("--session", choices=[str(kind) for kind in SessionKind], help="only these bars")
    parser.add_argument(
        "--roll",
        choices=["settlement", "volume"],
        help="the series goes over to the next month after settlement, or when that traded more (settlement)",
    )
    parser.add_argument(
        "--adjust", choices=["none", "back"], help="back: prices before a roll are moved by its step (none)"
    )
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


def _span(text: str) -> int:
    """The length of a bar, ns."""
    match = _SPAN.fullmatch(text)
    length = (int(match[1]) * _SECONDS[match[2]] if match[1] else 86_400) if match else 0
    if not 0 < length <= 86_400:
        raise argparse.ArgumentTypeError(f"{text!r} is no length of a bar; write it as 20s, 5m, 1h or 1d")
    return length * NS_PER_S


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
        days = _from_to(item.trade_dates)
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
    from engine.storage.layout import StoreFolder
    from engine.storage.reading import StoreReader

    _check(arguments)
    is_series = arguments.continuous or arguments.span or arguments.session
    write = _write_series if is_series else _write_rows
    with StoreReader(StoreFolder(store), calendar) as reader:
        if arguments.out is not None:
            print(f"{arguments.out}: {write(reader, arguments, calendar, arguments.out)} rows")
            return 0
        with tempfile.TemporaryDirectory() as place:
            out = Path(place) / "export.csv"
            write(reader, arguments, calendar, out)
            with out.open(encoding="utf-8", newline="") as file:
                shutil.copyfileobj(file, sys.stdout)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    """Options that do not go together."""
    if arguments.last < arguments.first:
        raise EngineError(f"--to {arguments.last} is before --from {arguments.first}.")
    if arguments.format != "csv" and arguments.out is None:
        raise EngineError("Parquet is for files: name one with --out.")
    if (arguments.roll or arguments.adjust) and not arguments.continuous:
        raise EngineError("--roll and --adjust are for a continuous series: name its product with --continuous.")
    if arguments.continuous and arguments.what not in (None, "bars"):
        raise EngineError(f"A continuous series has bars; leave out --what {arguments.what}.")
    is_series = arguments.continuous or (arguments.what == "bars" and arguments.symbol)
    if (arguments.span or arguments.session) and not is_series:
        raise EngineError(
            "--span and --session are for the bars of one contract or of a continuous series: "
            "give --what bars with --symbol, or --continuous."
        )


def _write_rows(reader: StoreReader, arguments: argparse.Namespace, calendar: TradingCalendar, out: Path) -> int:
    from engine.storage.exporting import Export, FileFormat, What, export

    wanted = Export(
        first=arguments.first,
        last=arguments.last,
        symbol=arguments.symbol,
        product=arguments.product,
        what=What(arguments.what or What.TICKS),
        format=FileFormat(arguments.format),
    )
    return export(reader, wanted, out)


def _write_series(reader: StoreReader, arguments: argparse.Namespace, calendar: TradingCalendar, out: Path) -> int:
    """Tells the changes of contract on standard error: they are no rows of the file."""
    from engine.storage.continuous import Adjustment, RollRule
    from engine.storage.exporting import FileFormat
    from engine.storage.series import SeriesExport, export_series

    wanted = SeriesExport(
        code=arguments.continuous or arguments.symbol,
        first=arguments.first,
        last=arguments.last,
        span_ns=arguments.span or _MINUTE_NS,
        session=SessionKind(arguments.session) if arguments.session else None,
        rule=RollRule(arguments.roll or RollRule.SETTLEMENT) if arguments.continuous else None,
        adjustment=Adjustment(arguments.adjust or Adjustment.NONE),
        format=FileFormat(arguments.format),
    )
    rows, rolls = export_series(reader, wanted, calendar, out)
    for roll in rolls:
        step = f"step {roll.step:+}" if roll.is_known else "step not known: they share no minute; prices not moved"
        print(f"{roll.trade_date}: {roll.old} to {roll.new}, {step}", file=sys.stderr)
    return rows


def _sessions(arguments: argparse.Namespace, store: Path, calendar: TradingCalendar) -> int:
    from engine.storage.exporting import write_sessions
    from engine.storage.layout import StoreFolder
    from engine.storage.reading import StoreReader

    first, last = arguments.date or date.min, arguments.date or date.max
    folder = StoreFolder(store)
    with StoreReader(folder, calendar) as reader:
        found = reader.sessions(arguments.product, first, last)
    write_sessions(found, sys.stdout)
    if not found:
        print(f"engine: {_why_no_sessions(folder, arguments.product, first, last)}", file=sys.stderr)
    return 0


def _why_no_sessions(folder: StoreFolder, product: str | None, first: date, last: date) -> str:
    """What the store has instead, in a sentence."""
    from engine.storage.layout import Kind

    path = folder.path
    if not path.is_dir():
        return f"{path}: there is no store. Import files into it, or name another folder with --store."
    prints = folder.segments(Kind.TICKS, Kind.SPREADS, first=first, last=last)
    bars = folder.segments(Kind.BARS, first=first, last=last)
    if prints and product:
        when = f" on {first}" if first == last else ""
        return f"{path}: no session of {product} is stored{when}."
    if bars and not prints:
        days = _from_to({item.trade_date for item in bars})
        return (
            f"{path}: {days} has 1-minute bars without prints, and sessions are made of prints. "
            "'export --what bars' writes the bars."
        )
    if stored := {item.trade_date for item in folder.segments()}:
        return f"{path}: no closed day has a session of that; {_from_to(stored)} is stored."
    if folder.live.exists():
        return f"{path}: no day is closed yet; the recorder closes a day after its day session."
    return f"{path}: the store is empty. Import files into it, or name another folder with --store."


def _from_to(days: Collection[date]) -> str:
    return " to ".join(str(day) for day in sorted({min(days), max(days)}))
