"""One order's intent made durable by the ledger, beside bare SQLite and a bare append with fsync.

Each step does all three, in changing order, on files of one folder; the ratio of their times is what counts. Bare
SQLite does one INSERT of the same text and COMMIT with the same pragmas; the append writes the same bytes.

    uv run python benchmarks/ledger.py [--commits N] [--folder DIR]
"""

import argparse
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Final, Protocol

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.gateway.ledger import Ledger
from engine.model.instrument import Instrument, instrument
from engine.model.order import Order, OrderType, Side, TimeInForce
from engine.model.session import TradingCalendar
from engine.model.signal import Leg, client_order_id, signal_id
from engine.wire.codec import to_array

_CALENDAR: Final = TradingCalendar()
_WARM_UP: Final = 200
"""Steps that are not counted: files grow and caches fill."""


def of_symbol(symbol: str) -> Instrument:
    """The instrument of a symbol of 2024."""
    return instrument(symbol, near=date(2024, 11, 5), calendar=_CALENDAR)


def intent(number: int) -> Order:
    """The intent of a condition's order, each with ids of its own."""
    signal = signal_id(f"condition-{number % 40}", Leg.ENTRY, number)
    order = Order(
        client_order_id=client_order_id(signal),
        account="F0200001234567",
        symbol="TXFK4",
        side=Side.BUY,
        order_type=OrderType.MARKET,
        time_in_force=TimeInForce.IOC,
        price=0,
        quantity=1,
        signal_id=signal,
        condition_id=signal.partition("/")[0],
        tick_seq=number,
    )
    return replace(order, ts_created=time.time_ns(), ts_updated=time.time_ns())


class Part(Protocol):
    """One way to make an order durable."""

    name: str

    def commit(self, order: Order, text: str) -> None:
        """Does it."""

    def close(self) -> None:
        """Closes the file."""


class OurLedger:
    """The product's: encoded, chained, decided once, indexed, committed."""

    name = "ledger"

    def __init__(self, folder: Path) -> None:
        self._ledger = Ledger(folder / "ledger.sqlite", instruments=of_symbol)

    def commit(self, order: Order, text: str) -> None:
        """As the gateway's journal writes an intent."""
        self._ledger.write(order, time.time_ns())
        self._ledger.commit()

    def close(self) -> None:
        """Closes the file."""
        self._ledger.close()


class BareSqlite:
    """One INSERT and COMMIT."""

    name = "bare_sqlite"

    def __init__(self, folder: Path) -> None:
        self._db = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute("PRAGMA fullfsync = ON")
        self._db.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT")

    def commit(self, order: Order, text: str) -> None:
        """The text is made already."""
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("INSERT INTO events (body) VALUES (?)", (text,))
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Closes the file."""
        self._db.close()


class BareAppend:
    """One write and fsync."""

    name = "bare_append"

    def __init__(self, folder: Path) -> None:
        self._file = (folder / "bare.jsonl").open("ab", buffering=0)

    def commit(self, order: Order, text: str) -> None:
        """The text is made already."""
        self._file.write(text.encode() + b"\n")
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


def percentile(values: list[float], share: float) -> float:
    """A percentile in microseconds."""
    return round(sorted(values)[min(len(values) - 1, int(len(values) * share))], 1)


def timed(commit: Callable[[Order, str], None], order: Order, text: str) -> float:
    """Microseconds of one commit."""
    began = time.perf_counter_ns()
    commit(order, text)
    return (time.perf_counter_ns() - began) / 1000


def measure(commits: int, folder: Path) -> dict[str, Any]:
    """All three in turn."""
    parts: list[Part] = [OurLedger(folder), BareSqlite(folder), BareAppend(folder)]
    times: dict[str, list[float]] = {part.name: [] for part in parts}
    try:
        for number in range(_WARM_UP + commits):
            order = intent(number)
            text = json.dumps(to_array(order), separators=(",", ":"), ensure_ascii=False)
            for part in parts:
                found = timed(part.commit, order, text)
                if number >= _WARM_UP:
                    times[part.name].append(found)
            parts = parts[1:] + parts[:1]
    finally:
        for part in parts:
            part.close()
    return result_of(commits, times)


def result_of(commits: int, times: dict[str, list[float]]) -> dict[str, Any]:
    """Figures and ratios."""
    figures = {
        name: {
            "p50_us": percentile(values, 0.50),
            "p99_us": percentile(values, 0.99),
            "commits_per_s": round(1e6 * len(values) / sum(values)),
        }
        for name, values in times.items()
    }
    ours = figures["ledger"]
    result: dict[str, Any] = {"commits": commits, **figures}
    for name in ("bare_sqlite", "bare_append"):
        floor = figures[name]
        result[f"ratio_{name}"] = {
            "p50": round(ours["p50_us"] / floor["p50_us"], 2),
            "p99": round(ours["p99_us"] / floor["p99_us"], 2),
            "commits_per_s": round(ours["commits_per_s"] / floor["commits_per_s"], 2),
        }
    return result


def report(result: dict[str, Any]) -> None:
    """Prints the figures for people and one JSON line."""
    print(f"{'one intent made durable':28}{'p50 µs':>10}{'p99 µs':>10}{'commits/s':>12}")
    for title, key in (
        ("ours: write and commit", "ledger"),
        ("bare SQLite", "bare_sqlite"),
        ("bare append + fsync", "bare_append"),
        ("ratio to bare SQLite", "ratio_bare_sqlite"),
        ("ratio to append + fsync", "ratio_bare_append"),
    ):
        p50, p99, rate = result[key].values()
        print(f"{title:28}{p50:>10}{p99:>10}{rate:>12}")
    print(json.dumps(result))


def main() -> None:
    """Parses arguments and runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--commits", type=int, default=5000, help="commits of each")
    parser.add_argument("--folder", type=Path, help="on the disk to be measured; left out: the temporary folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ledger-", dir=arguments.folder) as folder:
        report(measure(arguments.commits, Path(folder)))


if __name__ == "__main__":
    main()
