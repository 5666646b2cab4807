"""The scanner as a running process: what it tells, how it begins again, and that it cannot order."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import zmq

from engine.host import SCANNER
from engine.model.bar import Bar
from engine.model.condition import ConditionAction, ConditionCommand, ConditionState
from engine.model.market import HaltDepth
from engine.model.order import Reason, Side
from engine.model.scan import ScanKind
from engine.model.session import Session
from engine.model.signal import Leg, Signal, SignalRefused, signal_id
from engine.settings import Scanner, Store, Supervision
from engine.storage.store import MarketStore
from engine.timing import NS_PER_S
from engine.wire.codec import Encoder
from engine.wire.keys import Role
from engine.wire.messages import (
    AdoptPosition,
    AskBroker,
    CancelAll,
    CancelOrder,
    ConditionReport,
    Flatten,
    GetSnapshot,
    GetTicks,
    Heartbeat,
    ProcessState,
    ReplaceOrder,
    ScanHits,
    SelectContracts,
    SetHalt,
    SetLimits,
    SettleOrder,
    Watermark,
)
from tests.process.programs import replayed
from tests.process.relaying import relayed
from tests.process.running import (
    CALENDAR,
    DAY,
    DEADLINE_S,
    NIGHT,
    SYMBOL,
    Ear,
    Engine,
    running,
    settings_for_tests,
    simulated,
    until,
)
from tests.process.test_security import bare, signals_at

MINUTE = 60 * NS_PER_S
PATIENT_S = 90.0
PATIENT = Supervision(heartbeat_limit_s=60.0, work_limit_s=120.0)
"""A busy machine with a feed at many times its pace is not what these tests are about."""
DAY_TICKS = 88_938
TOPICS = ("telemetry.scan", "telemetry.health.scanner")


@contextmanager
def scanning(folder: Path, **changes: Any) -> Iterator[tuple[Engine, Ear]]:
    """An engine with a scanner that is ready, and an ear for what it tells."""
    settings = settings_for_tests(scanner=Scanner(), **changes)
    with simulated(folder, settings=settings) as engine:
        ear = Ear(engine.host.telemetry_endpoint, TOPICS, engine.host)
        try:
            ready(engine, 1)
            yield engine, ear
        finally:
            ear.close()


def ready(engine: Engine, times: int) -> None:
    until(
        lambda: engine.states_of(SCANNER).count(ProcessState.READY) >= times,
        "the scanner is ready",
        2 * DEADLINE_S,
    )


def count(ear: Ear, name: str) -> int:
    """A counter of the scanner's last heartbeat."""
    beats: list[Heartbeat] = ear.of(Heartbeat)
    return beats[-1].counts.get(name, 0) if beats else 0


def near(ear: Ear, condition_id: str) -> Callable[[], bool]:
    """Whether the last word of the scanner has a condition."""

    def is_told() -> bool:
        told: list[ScanHits] = ear.of(ScanHits)
        return bool(told) and any(hit.condition_id == condition_id for hit in told[-1].hits)

    return is_told


def gone(ear: Ear, condition_id: str) -> Callable[[], bool]:
    """Whether it has it no more."""
    is_told = near(ear, condition_id)
    return lambda: not is_told()


def test_an_armed_condition_near_the_price_is_told_until_it_is_cancelled(tmp_path: Path) -> None:
    with scanning(tmp_path) as (engine, ear):
        engine.put("C1", Side.BUY, engine.last_price)
        until(near(ear, "C1"), "the condition is told", 2 * DEADLINE_S)
        (hit,) = [hit for hit in ear.of(ScanHits)[-1].hits if hit.condition_id == "C1"]
        assert (hit.symbol, hit.kind) == (SYMBOL, ScanKind.NEAR_CONDITION)
        assert hit.level == engine.condition("C1").trigger
        engine.act(ConditionAction.CANCEL, "C1")
        until(gone(ear, "C1"), "the condition is told no more", 2 * DEADLINE_S)
        until(lambda: ear.of(Heartbeat)[-1].ts_last_work > 0, "it says that it works")
        assert count(ear, "ticks") > 0
        assert count(ear, "contracts") == 1
        assert engine.snapshot().orders == ()


def test_a_scanner_that_was_killed_begins_again_with_all_ticks_and_conditions(tmp_path: Path) -> None:
    with scanning(tmp_path) as (engine, ear):
        engine.put("C1", Side.SELL, engine.last_price)
        until(near(ear, "C1"), "the condition is told", 2 * DEADLINE_S)
        until(lambda: count(ear, "ticks") > 20, "some ticks")
        before, heard = len(engine.ticks()), len(ear.of(ScanHits))
        psutil.Process(engine.host.pid(SCANNER)).kill()
        until(lambda: ProcessState.DEAD in engine.states_of(SCANNER), "its death is told")
        ready(engine, 2)
        until(lambda: len(ear.of(ScanHits)) > heard and near(ear, "C1")(), "it is told again", 2 * DEADLINE_S)
        until(lambda: count(ear, "ticks") >= before, "what was sent before comes from the ring")
        assert count(ear, "lost") == 0


def test_it_hears_of_the_past_from_the_recorder(tmp_path: Path) -> None:
    past = [minute(start, NIGHT) for start in range(NIGHT.open_ns, NIGHT.close_ns, MINUTE)]
    past += [minute(start, DAY) for start in range(DAY.open_ns, DAY.open_ns + 60 * MINUTE, MINUTE)]
    with MarketStore(settings_for_tests().paths.store / "simulated" / "ledger", CALENDAR) as store:
        store.put_bars(past)
    with scanning(tmp_path, store=Store()) as (engine, ear):
        until(lambda: engine.host.history_endpoint != "", "the recorder answers")
        until(lambda: count(ear, "past_bars") >= len(past), "all past minutes are known", 2 * DEADLINE_S)
        assert count(ear, "past_bars") <= len(past) + 1, "and the one in which it began"
        engine.put("C1", Side.BUY, engine.last_price)
        until(near(ear, "C1"), "it goes on", 2 * DEADLINE_S)


def minute(start_ns: int, session: Session) -> Bar:
    return Bar(
        symbol=SYMBOL,
        trade_date=session.trade_date,
        session=session.kind,
        start_ns=start_ns,
        span_ns=MINUTE,
        open=22_800,
        high=22_800,
        low=22_800,
        close=22_800,
        volume=1,
        trades=1,
    )


def test_without_a_recorder_it_goes_on_with_what_comes(tmp_path: Path) -> None:
    """The usual port is named, and nobody answers there."""
    settings = settings_for_tests(scanner=Scanner(), store=Store())
    endpoints = replace(settings.endpoints, history=free_port())
    settings = replace(settings, endpoints=endpoints)
    held = MarketStore(settings.paths.store / "simulated" / "ledger", CALENDAR)  # the recorder gives up
    with held, simulated(tmp_path, settings=settings) as engine:
        ear = Ear(engine.host.telemetry_endpoint, TOPICS, engine.host)
        try:
            ready(engine, 1)
            engine.put("C1", Side.BUY, engine.last_price)
            until(near(ear, "C1"), "the condition is told", 2 * DEADLINE_S)
            assert engine.host.history_endpoint == ""
            assert count(ear, "past_bars") == 0
        finally:
            ear.close()


def test_behind_a_feed_that_drops_doubles_and_swaps_it_sees_every_tick_once(
    tmp_path: Path, market_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = replayed(market_data / "taifex" / "Daily_2024_11_05.zip", SYMBOL, speed=6_000.0)
    broker.hold()
    settings = settings_for_tests(scanner=Scanner(), supervision=PATIENT)
    with relayed(monkeypatch, 11, SCANNER) as relays, running(broker, tmp_path, settings) as engine:
        ear = Ear(engine.host.telemetry_endpoint, TOPICS, engine.host)
        try:
            ready(engine, 1)
            broker.release()
            until(lambda: count(ear, "ticks") >= DAY_TICKS, "all ticks", PATIENT_S)
            assert count(ear, "ticks") == DAY_TICKS
            assert (count(ear, "lost"), engine.host.restarts) == (0, 0)
            assert relays[0].dropped > 100
            assert count(ear, "gaps") > 10
        finally:
            ear.close()


def test_conditions_are_known_though_most_events_are_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        relayed(monkeypatch, 5, SCANNER, drop_rate=0.7) as relays,
        scanning(tmp_path, supervision=PATIENT) as (engine, ear),
    ):
        for number in range(1, 4):
            name = f"C{number}"
            engine.put(name, Side.BUY, engine.last_price)
            until(near(ear, name), f"{name} is told", PATIENT_S)
            engine.act(ConditionAction.CANCEL, name)
            until(gone(ear, name), f"{name} is told no more", PATIENT_S)
        assert relays[0].dropped > relays[0].passed
        assert count(ear, "resyncs") > 0


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def test_its_key_opens_nothing_that_orders_or_decides(tmp_path: Path) -> None:
    with simulated(tmp_path, trading=True) as engine:
        signal = Signal(
            signal_id=signal_id("C1", Leg.ENTRY, 1),
            condition_id="C1",
            leg=Leg.ENTRY,
            attempt=1,
            account=engine.account,
            symbol=SYMBOL,
            side=Side.BUY,
            quantity=1,
            price=1,
            tick_seq=1,
            ts_event=1,
        )
        engine.put("C1", Side.BUY, engine.last_price - 500)
        condition = engine.condition("C1")
        halt = engine.snapshot().halt
        forbidden = (
            engine.command(),
            CancelOrder(client_order_id="TEST000001"),
            ReplaceOrder(client_order_id="TEST000001", price=1),
            CancelAll(),
            Flatten(),
            Flatten(symbol=SYMBOL),
            SetHalt(depth=HaltDepth.FLATTEN),
            SetHalt(depth=HaltDepth.NONE, text="RESUME"),
            SetLimits(limits=engine.snapshot().limits),
            AskBroker(),
            SettleOrder(client_order_id="TEST000001"),
            AdoptPosition(account=engine.account, symbol=SYMBOL),
            ConditionCommand(action=ConditionAction.CANCEL, condition_id="C1"),
            ConditionCommand(action=ConditionAction.PUT, condition_id="C2", spec=condition.spec),
            ConditionReport(condition=condition, signals=(signal,)),
            SignalRefused(signal=signal, reason=Reason.STALE_SIGNAL, text="", ts_event=1),
            Watermark(node=SCANNER, round=1, position=1),
            SelectContracts(symbols=()),
        )
        for body in forbidden:
            assert engine.refusal(body, Role.SCANNER) == Reason.FORBIDDEN, body

        turned_away = engine.host.total("turned_away", "executor")
        frame = Encoder(SCANNER).encode("signal", signal, id=signal.signal_id)
        with bare(zmq.PUSH, signals_at(engine), engine.host.client_keys(Role.SCANNER)) as pusher:
            with contextlib.suppress(zmq.Again):
                pusher.send(frame, zmq.NOBLOCK)
            until(lambda: engine.host.total("turned_away", "executor") > turned_away, "it is turned away")

        assert engine.ask(GetTicks(symbol=SYMBOL), Role.SCANNER).ticks, "it may read"
        after = engine.ask(GetSnapshot(), Role.SCANNER)
        assert (after.orders, after.halt, after.selected) == ((), halt, (SYMBOL,))
        assert engine.condition("C1").state is ConditionState.ARMED
        assert engine.refused_signals() == []
