"""``python -m engine drill``, and the same for a window: makes the world, runs the drill and tells how it went.

The window runs :func:`run_for_window` in a process of its own and reads progress and report from a pipe.
"""

import dataclasses
import signal
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

from engine import logs
from engine.brokers.base import Credentials
from engine.brokers.simulated import SimulatedExchange
from engine.drill.bench import World
from engine.drill.faults import FAULTS
from engine.drill.recorded import RecordedExchange
from engine.drill.results import Progress, Report
from engine.drill.runner import Drill, OnProgress, Options
from engine.errors import DataFileError, EngineError, SettingsError
from engine.model.session import SessionKind, TradingCalendar
from engine.settings import Reconciliation, Risk, Scanner, Settings, Simulation, with_free_ports
from engine.timing import NS_PER_S
from engine.worlds import front_months

SPEED: Final = 25.0
"""Market seconds in a second of the simulated exchange."""
RECORDED_SPEED: Final = 60.0
"""The same of a recorded day, which is quieter: it lasts for about 19 minutes."""
_DAY: Final = date(2024, 11, 5)
_SYMBOL: Final = "TXFK4"
_START_NS: Final = 300 * NS_PER_S
"""The drill begins so long after the open of a night session, which is the longest."""


def drill_settings(settings: Settings, seed: int, store: Path) -> Settings:
    """The user's settings with shorter times, so that a run takes a second, and no limit in its way.

    Args:
        settings: the user's.
        seed: of the simulated market.
        store: where the recorder writes, away from the user's own market store.
    """
    return with_free_ports(
        dataclasses.replace(
            settings,
            risk=Risk(
                stale_feed_s=1.0,
                max_orders_per_minute=100_000,
                max_orders_per_day=1_000_000,
                duplicate_window_s=0.0,
            ),
            supervision=dataclasses.replace(settings.supervision, heartbeat_limit_s=1.5, stable_after_s=0.5),
            guard=dataclasses.replace(settings.guard, naked_alarm_s=1.0),
            reconciliation=Reconciliation(
                in_flight_s=1.0, open_orders_s=2.0, positions_s=3.0, queries_per_minute=1_000
            ),
            strategy=dataclasses.replace(settings.strategy, processes=1, signal_resend_s=0.5),
            simulation=Simulation(seed=seed, speed=SPEED, latency_ms=2.0),
            scanner=Scanner(enabled=False),
            market=dataclasses.replace(settings.market, ring_ticks=50_000),
            paths=dataclasses.replace(settings.paths, logs=settings.paths.logs / "drill", store=store),
        )
    )


def simulated_world(settings: Settings) -> World:
    """The simulated exchange, early in a night session."""
    calendar = TradingCalendar(settings.market.closed_days, settings.market.opened_days)
    start_ns = calendar.session(_DAY, SessionKind.NIGHT).open_ns + _START_NS
    exchange = SimulatedExchange(settings.simulation, calendar, start_ns)
    accounts = exchange.login(Credentials(user="drill"))
    return World(
        exchange,
        accounts,
        _SYMBOL,
        settings.simulation.speed,
        is_simulated=True,
        is_ended=lambda: False,
        move=exchange.move_price,
    )


def recorded_world(file: Path, settings: Settings) -> World:
    """The prints of a daily file.

    Raises:
        DataFileError: it cannot be used.
    """
    calendar = TradingCalendar(settings.market.closed_days, settings.market.opened_days)
    months = front_months(file, calendar)
    if not months:
        raise DataFileError(f"{file}: it has no print of a contract that this program knows")
    exchange = RecordedExchange(file, months[0], RECORDED_SPEED, calendar)
    accounts = exchange.login(Credentials(user="drill"))
    return World(
        exchange, accounts, months[0], RECORDED_SPEED, is_simulated=False, is_ended=lambda: exchange.is_ended
    )


def run(options: Options, settings: Settings, file: Path | None, on_progress: OnProgress) -> Report:
    """Runs a drill.

    Args:
        options: what it does.
        settings: the user's; the ledger and the logs go to their folders.
        file: a TAIFEX daily file whose prints are the market, None for the simulated exchange.
        on_progress: called after each run.

    Raises:
        EngineError: the file cannot be used, or there is no fault class of a name.
    """
    known = [item.name for item in FAULTS]
    for name in options.classes:
        if name not in known:
            raise SettingsError(f"{name} is no fault class; known are {', '.join(known)}")
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    ledger = settings.paths.ledger / f"drill-{stamp}.sqlite"
    with tempfile.TemporaryDirectory(prefix="drill-", ignore_cleanup_errors=True) as folder:
        own = drill_settings(settings, options.seed, Path(folder))
        logs.configure(own.paths.logs, "drill")
        try:
            world = recorded_world(file, own) if file else simulated_world(own)
            return Drill(options, world, own, ledger, on_progress).run()
        finally:
            logs.close()


def run_for_window(options: Options, settings: Settings, pipe: Connection) -> None:
    """Entry point of a process that a window starts.

    Sends :class:`Progress` values and at last a :class:`Report`, or a sentence where the drill could not be run.
    The window ends it early by closing its end of the pipe.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        pipe.send(run(options, settings, None, pipe.send))
    except EngineError as error:
        pipe.send(str(error))
    except OSError:
        return  # nobody listens any more


def command(options: Options, settings: Settings, file: Path | None) -> int:
    """The command line: progress on standard error, one line a class and one JSON line on standard output."""
    report = run(options, settings, file, _Ticker())
    for line in lines(report):
        print(line)
    print(report.as_json(), flush=True)
    if report.taken_s > 1.0:
        taken = f"other programs took {report.taken_s:.0f} of {report.seconds:.0f} s"
        print(f"engine: {taken}; limits were longer by as much, times are those on the wall", file=sys.stderr)
    if report.is_passed:
        return 0
    named = "".join(f" --fault {name}" for name in options.classes)
    again = f"--seed {report.seed} --runs {options.runs} --only {report.run}{named}"
    print(f"engine: {report.broken}", file=sys.stderr)
    print(f"engine: repeat it with {again}", file=sys.stderr)
    return 1


def lines(report: Report) -> list[str]:
    """One line for each fault class, for people, and one for the proofs."""
    width = max((len(item.name) for item in report.faults), default=0)
    return [
        f"{item.name:<{width}}  tried {item.tried:3d}  survived {item.survived:3d}  "
        f"longest unguarded {item.unguarded_s:4.1f} s  ({item.text})"
        for item in report.faults
    ] + [f"{report.proofs} times the price went through the exits of guarded lots, and they were closed in time"]


class _Ticker:
    """Says on standard error how far the drill is, not more often than once a second."""

    def __init__(self) -> None:
        self._due = 0.0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now < self._due and progress.run < progress.runs:
            return
        self._due = now + 1.0
        run, name = progress.run, progress.result.name
        print(
            f"run {run} of {progress.runs}, {progress.seconds:.0f} s: {name} survived", file=sys.stderr, flush=True
        )
