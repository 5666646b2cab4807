"""How many ticks a second the recorder's process takes, beside what the gateway can publish without it.

A part of ``benchmarks/store.py``, in a process of its own. Gateway and feed in this process, encrypted as in the
product; the recorder is the product's own child process, with spool, live file and 1-minute bars.

    uv run python benchmarks/live.py [--ticks N] [--rounds N]
"""

import argparse
import contextlib
import dataclasses
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil

from benchmarks.chain import OPEN_NS, SYMBOL, TickSource
from engine.brokers.base import Credentials
from engine.host import RECORDER, Host
from engine.model.session import TradingCalendar
from engine.settings import Scanner, Settings, Store, Strategy, with_free_ports
from engine.storage.places import StorePlace
from engine.wire.keys import Role
from engine.wire.messages import SelectContracts, StoreHealth
from engine.wire.sockets import Requester, Subscriber

STEP_NS = 10_000_000
"""Between two ticks: some 6,000 in a minute, as in a busy one of the front month."""
WAIT_S = 120.0
SLICES = 100
"""A second of paced ticks is sent in so many portions."""


class Market:
    """A gateway whose broker gives ticks as they are asked for.

    Args:
        folder: for ledger and store.
        records: whether the recorder runs.
    """

    def __init__(self, folder: Path, *, records: bool) -> None:
        settings = dataclasses.replace(
            with_free_ports(Settings()),
            store=Store(recorder=records),
            scanner=Scanner(enabled=False),
            strategy=Strategy(processes=0),
        )
        self._source = TickSource()
        self._host = Host(
            settings,
            self._source,
            self._source.login(Credentials(user="")),
            folder / f"live-{time.time_ns()}.sqlite",
            calendar=TradingCalendar(),
            store=StorePlace(path=folder / f"live-{time.time_ns()}", records=True),
        )
        self._opened = contextlib.ExitStack()
        self._opened.callback(self._host.close)
        self._host.start()
        wire, keys = settings.wire, self._host.client_keys(Role.WINDOW)
        with Requester(self._host.gateway.commands_endpoint, source="bench", wire=wire, keys=keys) as requester:
            requester.request(SelectContracts(symbols=(SYMBOL,)))
        self._telemetry = self._opened.enter_context(
            Subscriber(self._host.telemetry_endpoint, ("telemetry.store",), wire=wire, keys=keys)
        )
        self.health = StoreHealth()
        self.most_lag_ms = 0
        self._sent = 0
        if records:
            self.until(lambda: bool(self._host.history_endpoint), "a recorder that is ready")
            self.send(1)
            self.until(lambda: self.health.rows == self._sent, "a first tick that is recorded")

    def send(self, count: int) -> None:
        """Ticks as a broker's callback thread gives them, one after the other."""
        listener = self._source.listener
        assert listener
        for number in range(self._sent + 1, self._sent + count + 1):
            listener.on_tick(SYMBOL, OPEN_NS + number * STEP_NS, 22_800 + number * 7_919 % 31, 1, number)
        self._sent += count

    def hear(self) -> None:
        """What the recorder has told of itself."""
        for _, envelope in self._telemetry.drain():
            if isinstance(envelope.body, StoreHealth):
                self.health = envelope.body
                self.most_lag_ms = max(self.most_lag_ms, self.health.lag_ms)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WAIT_S
        while not condition():
            if self._host.restarts:
                raise SystemExit("the recorder was started again meanwhile; see its log")
            if time.monotonic() > deadline:
                raise SystemExit(f"no {what} within {WAIT_S:g} s; the recorder tells {self.health}")
            self.hear()
            time.sleep(0.01)

    def flood(self, count: int) -> tuple[float, float]:
        """Seconds until so many ticks are published, and until the store holds them durably."""
        began, wall = time.perf_counter(), time.time_ns()
        self.send(count)
        published = time.perf_counter() - began
        if not self._host.settings.store.recorder:
            return published, published
        self.until(lambda: self.health.rows >= self._sent, "store that holds all ticks")
        return published, (self.health.ts_flushed - wall) / 1e9

    def paced(self, rate: float, seconds: float) -> None:
        """Ticks at a steady rate, in portions of 10 ms; the highest lag is kept."""
        self.most_lag_ms = 0
        began = time.perf_counter()
        for portion in range(1, round(seconds * SLICES) + 1):
            self.send(round(portion * rate / SLICES) - round((portion - 1) * rate / SLICES))
            self.hear()
            time.sleep(max(0.0, began + portion / SLICES - time.perf_counter()))
        self.until(lambda: self.health.rows >= self._sent, "store that holds all ticks")

    @property
    def recorder_cpu_s(self) -> float:
        """Processor time that the recorder has used."""
        times = psutil.Process(self._host.pid(RECORDER)).cpu_times()
        return float(times.user + times.system)

    def close(self) -> None:
        self._opened.close()


@contextlib.contextmanager
def market(folder: Path, *, records: bool) -> Iterator[Market]:
    opened = Market(folder, records=records)
    try:
        yield opened
    finally:
        opened.close()


def measure_live(folder: Path, ticks: int, rounds: int) -> dict[str, Any]:
    """The rates of both, in turn, and the lag at four fifths of the recorded rate."""
    limits, recorded, published, costs = [], [], [], []
    lag = missing = 0
    for turn in range(rounds):
        with market(folder, records=False) as alone:
            limits.append(ticks / alone.flood(ticks)[0])
        with market(folder, records=True) as ours:
            before = ours.recorder_cpu_s
            sent_s, held_s = ours.flood(ticks)
            costs.append((ours.recorder_cpu_s - before) / ticks * 1e6)
            recorded.append(ticks / held_s)
            published.append(ticks / sent_s)
            if turn == rounds - 1:
                ours.paced(0.8 * statistics.median(recorded), 5.0)
                lag = ours.most_lag_ms
            missing += ours.health.missing
    limit, held = statistics.median(limits), statistics.median(recorded)
    return {
        "ticks": ticks,
        "publish_limit_per_s": round(limit),
        "published_beside_recorder_per_s": round(statistics.median(published)),
        "recorded_per_s": round(held),
        "recorded_by_publish_limit": round(held / limit, 2),
        "recorder_cpu_us_per_tick": round(statistics.median(costs), 1),
        "lag_at_four_fifths_ms": lag,
        "missing": missing,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--ticks", type=int, default=200_000, help="ticks to be recorded (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="live-") as folder:
        print(json.dumps(measure_live(Path(folder), arguments.ticks, arguments.rounds)))


if __name__ == "__main__":
    main()
