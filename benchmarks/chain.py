"""Tick to order decision across the real processes, beside the same hops with bare pyzmq and msgpack.

Hops: tick published, strategy process, signal pushed, executor process, order request, gateway's decision. Both
chains run in turn, at the same rate, in the same run; the ratio of their latencies is what counts. ``--window``
lets a live chart repaint at 60 frames a second in the gateway's process meanwhile.

    uv run python benchmarks/chain.py [--ticks N] [--rate R] [--rounds N] [--window]
"""

import argparse
import dataclasses
import json
import multiprocessing
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import msgpack
import zmq

from engine.brokers.base import ApprovedOrder, BrokerListener, Credentials, OrderReport
from engine.errors import BrokerRefused
from engine.gateway.points import Point
from engine.host import Host
from engine.model.condition import Condition
from engine.model.market import Contract, Environment
from engine.model.order import Fill, Order, Side
from engine.model.position import Account
from engine.model.session import TAIPEI, TradingCalendar
from engine.model.signal import Leg, Signal, signal_id
from engine.model.tick import Tick
from engine.settings import Durability, Ledger, Risk, Settings, Strategy, Wire, with_free_ports
from engine.strategies.base import NOTHING, Decision
from engine.timing import ManualClock
from engine.wire.keys import Role
from engine.wire.messages import SelectContracts
from engine.wire.sockets import Requester

SYMBOL = "TXFK4"
OPEN_NS = int(datetime(2024, 11, 5, 9, 0, tzinfo=TAIPEI).timestamp()) * 1_000_000_000
_spawn = multiprocessing.get_context("spawn")


class EveryTick:
    """A strategy that answers every tick with an entry signal."""

    def restore(self, conditions: Iterable[Condition], orders: Iterable[Order]) -> Decision:
        """Nothing to remember."""
        return NOTHING

    def on_tick(self, tick: Tick) -> Decision:
        """One signal a tick."""
        signal = Signal(
            signal_id=signal_id("bench", Leg.ENTRY, tick.seq),
            condition_id="bench",
            leg=Leg.ENTRY,
            attempt=tick.seq,
            account="bench",
            symbol=tick.symbol,
            side=Side.BUY,
            quantity=1,
            price=tick.price,
            tick_seq=tick.seq,
            ts_event=tick.ts_event,
        )
        return Decision(signals=(signal,))

    def on_event(self, event: object) -> Decision:
        """Nothing to do."""
        return NOTHING

    def symbols(self) -> frozenset[str]:
        """The one contract."""
        return frozenset({SYMBOL})


class TickSource:
    """A broker that only gives ticks, and refuses every order at its door so that none stays working."""

    environment = Environment.SIMULATED
    is_paced = False

    def __init__(self) -> None:
        self.clock = ManualClock(OPEN_NS)
        self.listener: BrokerListener | None = None

    def login(self, credentials: Credentials) -> tuple[Account, ...]:
        """One account."""
        return (Account(account="bench"),)

    def contracts(self) -> tuple[Contract, ...]:
        """One contract."""
        return (Contract(symbol=SYMBOL, product="TXF", contract_month="202411"),)

    def start(self, listener: BrokerListener) -> None:
        """Keeps the listener."""
        self.listener = listener

    def submit(self, approved: ApprovedOrder) -> str:
        """Refuses."""
        raise BrokerRefused("BENCH", "measured")

    def subscribe(self, symbol: str) -> None:
        """Nothing to do."""

    def unsubscribe(self, symbol: str) -> None:
        """Nothing to do."""

    def cancel(self, order: Order) -> None:
        """Nothing is working."""

    def replace(self, order: Order, price: int, quantity: int) -> None:
        """Nothing is working."""

    def query_orders(self, account: str) -> tuple[OrderReport, ...]:
        """None."""
        return ()

    def query_fills(self, account: str) -> tuple[Fill, ...]:
        """None."""
        return ()

    def query_positions(self, account: str) -> dict[str, int]:
        """None."""
        return {}

    def set_pacers(self, nodes: frozenset[str]) -> None:
        """Not paced."""

    def on_watermark(self, node: str, round: int, position: int) -> None:
        """Not paced."""

    def close(self) -> None:
        """Nothing to end."""


# --- the product's chain -----------------------------------------------------------------------------------------


class Chain:
    """Gateway in this process, strategy and executor in processes of their own.

    Args:
        encrypted: CURVE on the sockets, as the product has it.
        durability: of the ledger's commits.
    """

    def __init__(
        self, folder: Path, *, encrypted: bool = True, durability: Durability = Durability.POWER_LOSS
    ) -> None:
        settings = dataclasses.replace(
            with_free_ports(Settings()),
            wire=Wire(encrypted=encrypted, requests_per_s=10**9, request_burst=10**9),
            ledger=Ledger(commands=durability, reports=durability),
            risk=Risk(
                max_position_lots=1_000_000_000,
                max_total_lots=1_000_000_000,
                max_orders_per_minute=1_000_000_000,
                max_orders_per_day=1_000_000_000,
                stale_feed_s=1e9,
                entry_signal_age_s=60.0,
            ),
            strategy=Strategy(processes=0, signal_resend_s=60.0),
        )
        self.times: dict[Point, dict[str, int]] = {Point.APPROVED: {}, Point.INTENT_DURABLE: {}}
        self._seen = threading.Condition()
        self._source = TickSource()
        self._host = Host(
            settings,
            self._source,
            self._source.login(Credentials(user="")),
            folder / f"chain-{time.time_ns()}.sqlite",
            calendar=TradingCalendar(),
            strategies={"strategy-bench": EveryTick},
            on_point=self._decided,
        )
        self._host.start()
        self._requester = Requester(
            self._host.gateway.commands_endpoint,
            source="bench",
            wire=settings.wire,
            keys=self._host.client_keys(Role.WINDOW),
        )
        self._requester.request(SelectContracts(symbols=(SYMBOL,)))
        self._host.start_trading()
        if not self._host.wait_trading(30):
            raise SystemExit("the child processes did not start")
        self._sent: list[int] = []
        self._until(lambda: self._first_answered(), 10)

    def _first_answered(self) -> bool:
        self.send()
        time.sleep(0.05)
        return bool(self.times[Point.INTENT_DURABLE])

    def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise SystemExit("the chain does not answer")

    def _decided(self, point: Point, signal: str) -> None:
        if point in self.times:
            self.times[point][signal] = time.perf_counter_ns()

    def send(self) -> None:
        """One tick, as a broker's callback thread gives it."""
        assert self._source.listener
        self._sent.append(time.perf_counter_ns())
        self._source.listener.on_tick(SYMBOL, OPEN_NS, 22811, 1, len(self._sent))

    def latencies(self, ticks: int, rate: float) -> dict[str, list[float]]:
        """Microseconds from tick to decision, for each stage, at a steady rate."""
        first = len(self._sent)
        paced(ticks, rate, self.send)
        last = signal_id("bench", Leg.ENTRY, len(self._sent))
        self._until(lambda: last in self.times[Point.INTENT_DURABLE], 30)
        found: dict[str, list[float]] = {}
        for stage, times in self.times.items():
            found["approved" if stage is Point.APPROVED else "durable"] = [
                (times[key] - self._sent[number - 1]) / 1000
                for number in range(first + 1, len(self._sent) + 1)
                if (key := signal_id("bench", Leg.ENTRY, number)) in times
            ]
        return found

    def sustained(self, ticks: int) -> float:
        """Decisions a second when ticks come as fast as they can be given."""
        began = time.perf_counter()
        for _ in range(ticks):
            self.send()
        last = signal_id("bench", Leg.ENTRY, len(self._sent))
        while last not in self.times[Point.INTENT_DURABLE]:
            time.sleep(0.001)
        return ticks / (time.perf_counter() - began)

    def close(self) -> None:
        """Ends the processes."""
        self.counts = dict(self._host.counts)
        self._requester.close()
        self._host.close()


# --- the floor ---------------------------------------------------------------------------------------------------


def floor_strategy(feed: str, signals: str) -> None:
    """Bare SUB to PUSH."""
    context = zmq.Context()
    sub, push = context.socket(zmq.SUB), context.socket(zmq.PUSH)
    sub.rcvhwm = push.sndhwm = 0
    sub.subscribe(b"")
    sub.connect(feed)
    push.connect(signals)
    while True:
        body = msgpack.unpackb(sub.recv())
        push.send(msgpack.packb([body[1], "bench", 1, body[4], 1]))


def floor_executor(signals: str, orders: str) -> None:
    """Bare PULL to DEALER."""
    context = zmq.Context()
    pull, dealer = context.socket(zmq.PULL), context.socket(zmq.DEALER)
    pull.rcvhwm = dealer.sndhwm = 0
    pull.bind(signals)
    dealer.connect(orders)
    while True:
        body = msgpack.unpackb(pull.recv())
        dealer.send(msgpack.packb([body[0], "bench", "buy", body[3], 1]))


class Floor:
    """The same hops with nothing around them, unencrypted."""

    def __init__(self) -> None:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
        self._pub, self._router = context.socket(zmq.PUB), context.socket(zmq.ROUTER)
        self._pub.sndhwm = self._router.rcvhwm = 0
        feed = f"tcp://127.0.0.1:{self._pub.bind_to_random_port('tcp://127.0.0.1')}"
        orders = f"tcp://127.0.0.1:{self._router.bind_to_random_port('tcp://127.0.0.1')}"
        probe = context.socket(zmq.PULL)
        signals = f"tcp://127.0.0.1:{probe.bind_to_random_port('tcp://127.0.0.1')}"
        probe.close(linger=0)
        self._processes = [
            _spawn.Process(target=floor_executor, args=(signals, orders), daemon=True),
            _spawn.Process(target=floor_strategy, args=(feed, signals), daemon=True),
        ]
        for process in self._processes:
            process.start()
        self._sent: dict[int, int] = {}
        self._count = 0
        deadline = time.monotonic() + 20
        while not self._router.poll(50):
            self.send()
            if time.monotonic() > deadline:
                raise SystemExit("the floor does not answer")
        time.sleep(0.2)
        while self._router.poll(50):
            self._router.recv_multipart()

    def send(self) -> None:
        """One tick."""
        self._count += 1
        self._sent[self._count] = now = time.perf_counter_ns()
        self._pub.send(msgpack.packb([SYMBOL, self._count, now, now, 22811, 1, 1, 0]))

    def latencies(self, ticks: int, rate: float) -> list[float]:
        """Microseconds from tick to the order's arrival, at a steady rate."""
        found: list[float] = []

        def take(timeout_ms: int) -> None:
            while self._router.poll(timeout_ms):
                number = msgpack.unpackb(self._router.recv_multipart()[1])[0]
                found.append((time.perf_counter_ns() - self._sent[number]) / 1000)
                timeout_ms = 0

        paced(ticks, rate, self.send, take)
        while len(found) < ticks and self._router.poll(1000):
            take(0)
        return found

    def sustained(self, ticks: int) -> float:
        """Orders a second when ticks come as fast as they can be given."""
        got, began = 0, time.perf_counter()
        for number in range(ticks):
            self.send()
            if number % 100 == 0:
                while self._router.poll(0):
                    self._router.recv_multipart()
                    got += 1
        while got < ticks and self._router.poll(1000):
            self._router.recv_multipart()
            got += 1
        return got / (time.perf_counter() - began)

    def close(self) -> None:
        """Ends the processes."""
        for process in self._processes:
            process.kill()
            process.join()
            process.close()
        self._pub.close(linger=0)
        self._router.close(linger=0)


# --- measuring ---------------------------------------------------------------------------------------------------


def paced(ticks: int, rate: float, send: Callable[[], None], between: Callable[[int], None] | None = None) -> None:
    """Calls ``send`` so many times at a steady rate; ``between`` may work until the next is due."""
    begin = time.perf_counter()
    for number in range(ticks):
        while (left := begin + number / rate - time.perf_counter()) > 0:
            if between is not None:
                between(int(left * 1000))
            else:
                time.sleep(left)
        send()


def percentiles(values: list[float]) -> dict[str, float]:
    """p50, p99 and p99.9."""
    ordered = sorted(values)
    return {
        name: round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 1)
        for name, share in (("p50", 0.50), ("p99", 0.99), ("p99.9", 0.999))
    }


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Runs both chains in turn."""
    floor, chain = Floor(), Chain(folder, encrypted=not arguments.plain_sockets)
    bare: list[float] = []
    ours: dict[str, list[float]] = {"approved": [], "durable": []}
    try:
        for _ in range(arguments.rounds):
            bare += floor.latencies(arguments.ticks, arguments.rate)
            for stage, values in chain.latencies(arguments.ticks, arguments.rate).items():
                ours[stage] += values
        rates = {"floor": floor.sustained(arguments.flood), "chain": chain.sustained(arguments.flood)}
    finally:
        floor.close()
        chain.close()
    result: dict[str, Any] = {
        "rate": arguments.rate,
        "ticks": arguments.ticks * arguments.rounds,
        "window": arguments.window,
        "encrypted": not arguments.plain_sockets,
        "floor_us": percentiles(bare),
        "approved_us": percentiles(ours["approved"]),
        "durable_us": percentiles(ours["durable"]),
        "sustained_per_s": {name: round(value) for name, value in rates.items()},
    }
    for stage in ("approved", "durable"):
        result[f"ratio_{stage}"] = {
            name: round(result[f"{stage}_us"][name] / result["floor_us"][name], 2) for name in result["floor_us"]
        }
    result["ratio_sustained"] = round(rates["chain"] / rates["floor"], 3)
    return result


def report(result: dict[str, Any]) -> None:
    """Prints the figures for people and one JSON line."""
    print(f"{'':28}{'p50':>10}{'p99':>10}{'p99.9':>10}   µs")
    for name, key in (
        ("bare pyzmq + msgpack", "floor_us"),
        ("ours, without the commit", "approved_us"),
        ("ours, intent durable", "durable_us"),
    ):
        print(f"{name:28}" + "".join(f"{result[key][part]:>10}" for part in ("p50", "p99", "p99.9")))
    for name, key in (("ratio without the commit", "ratio_approved"), ("ratio durable", "ratio_durable")):
        print(f"{name:28}" + "".join(f"{result[key][part]:>10}" for part in ("p50", "p99", "p99.9")))
    rates = result["sustained_per_s"]
    print(f"sustained: {rates['chain']} orders/s, bare {rates['floor']}; ratio {result['ratio_sustained']}")
    print(json.dumps(result))


def main() -> None:
    """Parses arguments and runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--ticks", type=int, default=1000, help="ticks a round")
    parser.add_argument("--rate", type=float, default=200.0, help="ticks a second")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of both chains in turn")
    parser.add_argument("--flood", type=int, default=3000, help="ticks of the sustained measurement")
    parser.add_argument("--plain-sockets", action="store_true", help="without CURVE, to see what it costs")
    parser.add_argument("--window", action="store_true", help="repaint a live chart at 60 frames/s meanwhile")
    parser.add_argument("--switch-interval", type=float, help="interpreter switch interval in seconds")
    arguments = parser.parse_args()
    if arguments.switch_interval:
        sys.setswitchinterval(arguments.switch_interval)
    with tempfile.TemporaryDirectory(prefix="chain-") as folder:
        if arguments.window:
            from benchmarks.window import beside_window

            report(beside_window(lambda: measure(arguments, Path(folder))))
        else:
            report(measure(arguments, Path(folder)))


if __name__ == "__main__":
    main()
