"""Headless commands: ``python -m engine COMMAND``. Parses arguments, prints errors as sentences."""

import argparse
import multiprocessing
import sys
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import EngineError

if TYPE_CHECKING:
    from engine.settings import Settings


_DRILL = "kill and disturb the real processes, and check that nothing is lost, doubled or left unguarded"


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(prog="engine", description="The futures terminal without its window.")
    root.add_argument("--settings", type=Path, metavar="FILE", help="settings file (TOML)")
    commands = root.add_subparsers(dest="command", required=True)
    _add_replay(commands.add_parser("replay", help="run a recorded day through gateway, strategy and executor"))
    _add_ledger(commands.add_parser("ledger", help="check a ledger, or export the trader's books from it"))
    _add_drill(commands.add_parser("drill", help=_DRILL))
    from engine import storing

    storing.add_parsers(commands)
    return root


def _add_replay(replay: argparse.ArgumentParser) -> None:
    replay.description = (
        "Runs a recorded day, a TAIFEX daily file or a trade date of the market store, through the real processes "
        "and prints one JSON document."
    )
    replay.add_argument("file", type=Path, nargs="?", metavar="FILE", help="TAIFEX daily file, zip or csv")
    replay.add_argument("--store", type=Path, metavar="DIR", help="folder of the store (default: paths.store)")
    replay.add_argument("--date", metavar="YYYY-MM-DD", help="in place of FILE: a trade date of the store")
    replay.add_argument("--from", dest="begin", metavar="HH:MM", help="begin there, Taipei time; with --date")
    replay.add_argument("--to", dest="end", metavar="HH:MM", help="end before it; with --date")
    replay.add_argument(
        "--close", action="store_true", help="close days of the store that are still open first; with --date"
    )
    replay.add_argument("--symbol", required=True, help="contract code, such as TXFK4")
    replay.add_argument(
        "--conditions", required=True, type=Path, metavar="FILE", help="TOML file with [[condition]] tables"
    )
    replay.add_argument(
        "--speed", type=float, default=0.0, metavar="N", help="market seconds a second; 0 = as fast as possible"
    )
    replay.add_argument("--out", type=Path, metavar="FILE", help="write the JSON here, not to standard output")


def _add_drill(drill: argparse.ArgumentParser) -> None:
    drill.description = (
        "Runs the real processes on a simulated exchange, kills and disturbs them at seeded random moments, and "
        "compares the books afterwards. Exit code 0: every promise held, 1: one was broken."
    )
    drill.add_argument(
        "file", type=Path, nargs="?", metavar="FILE", help="TAIFEX daily file whose prints are the market"
    )
    drill.add_argument("--runs", type=_positive, default=50, metavar="N", help="how many runs (50)")
    drill.add_argument("--seed", type=int, default=1, metavar="S", help="of faults, moments and conditions (1)")
    drill.add_argument("--only", type=_positive, default=0, metavar="N", help="only this run of the drill")
    drill.add_argument(
        "--limit",
        type=float,
        default=5.0,
        metavar="SECONDS",
        help="lots may be unguarded for so long, twice as long where the main process died (5)",
    )
    drill.add_argument(
        "--fault", action="append", default=[], metavar="NAME", help="only this fault class; may be repeated"
    )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number}: it must be at least 1")
    return number


def _add_ledger(ledger: argparse.ArgumentParser) -> None:
    actions = ledger.add_subparsers(dest="action", required=True)
    verify = actions.add_parser(
        "verify",
        help="prove that a ledger is whole and adds up",
        description="Checks a ledger, also while a terminal holds it. Exit code 0: all is well, 1: it is not.",
    )
    export = actions.add_parser(
        "export",
        help="every fill with fee, tax and profit, as CSV or JSON",
        description="Prints one row for each fill and each adjusted position, also while a terminal trades.",
    )
    for action in (verify, export):
        action.add_argument(
            "file", type=Path, nargs="?", metavar="FILE", help="ledger; left out: the one written last"
        )
    export.add_argument("--format", choices=("csv", "json"), default="csv", help="csv, or json with totals")
    export.add_argument(
        "--trade-date", type=date.fromisoformat, metavar="YYYY-MM-DD", help="only rows of this trade date"
    )
    export.add_argument("--out", type=Path, metavar="FILE", help="write here, not to standard output")


def main(argv: list[str] | None = None) -> int:
    """Runs a command; returns the exit code: 0 done, 1 a check failed, 2 something a person must mend."""
    multiprocessing.freeze_support()
    arguments = parser().parse_args(argv)
    from engine import settings

    try:
        loaded = settings.load(arguments.settings)
        if arguments.command == "ledger":
            return _ledger(arguments, loaded)
        if arguments.command == "drill":
            return _drill(arguments, loaded)
        if arguments.command in ("import", "export", "sessions"):
            from engine import storing

            return storing.run(arguments, loaded)
        _replay(arguments, loaded)
    except EngineError as error:
        print(f"engine: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"engine: {error.filename or getattr(arguments, 'out', '')}: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _replay(arguments: argparse.Namespace, settings: "Settings") -> None:
    from engine import logs, recorded_days, replaying
    from engine.model.session import TradingCalendar

    logs.configure(settings.paths.logs, "engine")
    calendar = TradingCalendar(settings.market.closed_days, settings.market.opened_days)
    store = arguments.store or settings.paths.store
    source = recorded_days.source_of(
        arguments.file,
        store=store,
        trade_date=arguments.date,
        begin=arguments.begin,
        end=arguments.end,
        calendar=calendar,
    )
    if arguments.close and arguments.date:
        recorded_days.close_days(store, settings, calendar)
    result = replaying.replay(
        source, arguments.symbol, arguments.conditions, settings=settings, speed=arguments.speed
    )
    replaying.write(result, arguments.out)


def _drill(arguments: argparse.Namespace, settings: "Settings") -> int:
    from engine.drill import main as drill
    from engine.drill.runner import Options

    options = Options(arguments.runs, arguments.seed, arguments.only, tuple(arguments.fault), arguments.limit)
    return drill.command(options, settings, arguments.file)


def _ledger(arguments: argparse.Namespace, settings: "Settings") -> int:
    from engine import statement
    from engine.gateway import ledger_check, ledger_file
    from engine.model.session import TradingCalendar

    path = arguments.file or ledger_file.newest(settings.paths.ledger)
    calendar = TradingCalendar(settings.market.closed_days, settings.market.opened_days)
    if arguments.action == "export":
        rows = statement.read(path, calendar=calendar, trade_date=arguments.trade_date)
        is_csv = arguments.format == "csv"
        statement.write(statement.to_csv(rows) if is_csv else statement.to_json(path, rows), arguments.out)
        if not rows:
            print(f"engine: {statement.why_empty(path, calendar=calendar)}", file=sys.stderr)
        return 0
    checks = ledger_check.verify(path, calendar=calendar)
    print(path)
    for check in checks:
        print(*check.lines(), sep="\n")
    print(ledger_check.summary(checks))
    return 0 if all(check.is_ok for check in checks) else 1


if __name__ == "__main__":
    sys.exit(main())
