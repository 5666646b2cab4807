"""The feed in other processes: a recorded day exactly, gaps repaired from the ring, late joiners."""

import csv
import functools
import multiprocessing
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.brokers.replay import ReplayBroker
from engine.brokers.tape import Tape
from engine.model.condition import ConditionState, Transition
from engine.model.order import Order, Reason, Side
from engine.model.signal import SignalRefused
from engine.settings import Risk, Simulation, Wire
from engine.wire.keys import Role
from engine.wire.messages import Pace
from tests.process import nodes
from tests.process.running import (
    CALENDAR,
    DEADLINE_S,
    SYMBOL,
    Engine,
    running,
    settings_for_tests,
    simulated,
    until,
)

_spawn = multiprocessing.get_context("spawn")


@dataclass
class Reader:
    """A reader in another process."""

    process: SpawnProcess
    pipe: Connection

    @classmethod
    def of(cls, engine: Engine, high_water: int) -> "Reader":
        """Spawned and subscribed, not yet reading."""
        host = engine.host
        ours, theirs = _spawn.Pipe()
        keys = host.client_keys(Role.READER)
        market, commands = host.gateway.market_endpoint, host.gateway.commands_endpoint
        args = (market, commands, SYMBOL, host.settings.wire, keys, high_water, theirs)
        process = _spawn.Process(target=nodes.listens, args=args)
        process.start()
        theirs.close()
        reader = cls(process, ours)
        assert reader.word() == "ready"
        return reader

    def word(self) -> Any:
        assert self.pipe.poll(DEADLINE_S), "the reader is silent"
        return self.pipe.recv()

    def read(self, total: int) -> None:
        self.pipe.send(total)

    def close(self) -> None:
        self.pipe.close()
        self.process.join(DEADLINE_S)
        self.process.close()


def expected(market_data: Path) -> dict[str, tuple[int, ...]]:
    with (market_data / "taifex" / "expected_sessions.csv").open(encoding="utf-8") as file:
        return {
            row["session"]: tuple(int(row[key]) for key in ("open", "high", "low", "close", "lots"))
            for row in csv.DictReader(file)
            if (row["trade_date"], row["product"], row["contract"]) == ("2024-11-05", "TX", "202411")
        }


def whole_day(market_data: Path) -> ReplayBroker:
    path = market_data / "taifex" / "Daily_2024_11_05.zip"
    return ReplayBroker(Tape.of_file(path, (SYMBOL,), CALENDAR), calendar=CALENDAR)


@pytest.mark.parametrize("way", ["at once", "slow, with a tiny queue", "late"])
def test_a_day_arrives_exactly_in_another_process(market_data: Path, tmp_path: Path, way: str) -> None:
    broker = whole_day(market_data)
    broker.hold()
    tiny = way.startswith("slow")
    wire = Wire(publish_high_water=100, subscribe_high_water=100) if tiny else Wire()
    with running(broker, tmp_path, settings_for_tests(wire=wire)) as engine:
        if way == "late":
            broker.release()
            until(lambda: broker.position > 1_000, "a market on its way")
        reader = Reader.of(engine, wire.subscribe_high_water)
        if way == "at once":
            reader.read(len(broker.tape))
        broker.release()
        if tiny:
            until(lambda: engine.host.gateway.ticks.position == len(broker.tape), "all ticks published")
            reader.read(len(broker.tape))
        if way == "late":
            reader.read(len(broker.tape))
        gaps, is_whole, sessions = reader.word()
        reader.close()
    assert sessions == expected(market_data)
    assert is_whole
    assert gaps >= 1 if tiny else gaps <= 1
    if way == "at once":
        assert gaps == 0


def test_every_tick_is_published_once_and_in_order(market_data: Path, tmp_path: Path) -> None:
    broker = whole_day(market_data)
    broker.hold()
    with running(broker, tmp_path, settings_for_tests()) as engine:
        until(lambda: bool(engine.feed.heard), "a subscription")
        broker.release()
        until(lambda: any(pace.is_end for pace in engine.feed.of(Pace)), "the end")
        assert [tick.seq for tick in engine.ticks()] == list(range(1, len(broker.tape) + 1))


def test_a_strategy_repairs_what_its_feed_drops(tmp_path: Path) -> None:
    factory = functools.partial(nodes.Contiguous, "SIM-test", SYMBOL, 400)
    settings = settings_for_tests(wire=Wire(publish_high_water=4, subscribe_high_water=4))
    simulation = Simulation(speed=500.0, latency_ms=1.0)
    with simulated(
        tmp_path, settings=settings, simulation=simulation, trading=True, strategies={"contiguous": factory}
    ) as engine:
        until(lambda: bool(engine.snapshot().orders), "a signal after 400 ticks without a hole")
        until(lambda: engine.host.counts.get("contiguous", {}).get("gaps", 0) > 0, "gaps")
        assert engine.host.counts["contiguous"].get("lost", 0) == 0
        assert engine.host.restarts == 0
        assert [order.condition_id for order in engine.snapshot().orders] == ["contiguous"]


def test_conditions_are_watched_from_the_start_of_trading_on(tmp_path: Path) -> None:
    with simulated(tmp_path) as engine:
        engine.put("c", Side.BUY, engine.last_price + 500, turning_points=5_000)
        armed = engine.condition("c").tick_seq
        until(lambda: engine.host.gateway.ticks.position > armed + 10, "some ticks")
        before = engine.host.gateway.ticks.position
        engine.host.start_trading()
        engine.reach("c", ConditionState.TRIGGERED)
        until(
            lambda: any(moved.target is ConditionState.TRIGGERED for moved in engine.feed.of(Transition)), "told"
        )
        moved = next(item for item in engine.feed.of(Transition) if item.target is ConditionState.TRIGGERED)
        assert moved.tick_seq > before


def test_an_entry_that_was_due_while_the_strategy_was_down_is_refused(tmp_path: Path) -> None:
    settings = settings_for_tests(risk=Risk(entry_signal_age_s=0.2))
    with simulated(tmp_path, settings=settings, trading=True) as engine:
        strategy = psutil.Process(engine.host.pid("strategy-1"))
        strategy.suspend()
        engine.enter("c")
        trigger = engine.last_price + 50
        armed = engine.condition("c").tick_seq

        def has_turned() -> bool:
            low = trigger
            for tick in engine.ticks():
                if tick.seq > armed:
                    if tick.price > low:
                        return True
                    low = min(low, tick.price)
            return False

        until(has_turned, "a turning point that nobody watches")
        turned = engine.ticks()[-1].ts_recv
        until(lambda: engine.ticks()[-1].ts_recv > turned + 400_000_000, "a while")
        strategy.kill()
        engine.reach("c", ConditionState.REJECTED)
        assert engine.condition("c").reason is Reason.STALE_SIGNAL
        assert [refused.reason for refused in engine.feed.of(SignalRefused)] == [Reason.STALE_SIGNAL]
        assert not engine.feed.of(Order)
