"""What must not go wrong inside the gateway and does: calls that throw, full disks, floods, starts that fail."""

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from engine.brokers.base import Credentials
from engine.brokers.simulated import SimulatedExchange
from engine.errors import BrokerRefused
from engine.gateway.ledger_file import LedgerFile
from engine.gateway.rate import RateLimit
from engine.gateway.server import CommandServer
from engine.host import Host
from engine.model.condition import ConditionAction, ConditionCommand, ConditionSpec, ConditionState
from engine.model.market import HaltDepth, LinkState
from engine.model.order import Fill, OrderStatus, Reason, Side
from engine.settings import Risk, Simulation, Wire
from engine.timing import NS_PER_S
from engine.wire.keys import Role
from engine.wire.messages import Done, Flatten, GetTicks, Ping, SetHalt, SetLimits, Ticks
from engine.wire.sockets import Requester, RouterServer
from tests.process.running import CALENDAR, DAY, SYMBOL, Engine, running, settings_for_tests, simulated, until

B, S = Side.BUY, Side.SELL
LIVELY = settings_for_tests(simulation=Simulation(speed=5.0, latency_ms=1.0))


def guard(engine: Engine, name: str, lots: int) -> None:
    """Puts lots under a guard whose exits are far away."""
    spec = ConditionSpec(
        condition_id=name,
        account=engine.account,
        symbol=SYMBOL,
        action=B,
        trigger_price=engine.last_price,
        quantity=lots,
        stop_loss_points=900,
        take_profit_points=900,
    )
    engine.ask(ConditionCommand(action=ConditionAction.GUARD, condition_id=name, spec=spec))


def on_the_gateways_thread(engine: Engine, act: Callable[[], object]) -> None:
    done = threading.Event()

    def run() -> None:
        act()
        done.set()

    engine.host.gateway.call(run)
    assert done.wait(15)


# --- flatten -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("expected_errors")
def test_a_cancel_that_throws_does_not_keep_a_position_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulated(tmp_path, settings=LIVELY) as engine:
        engine.filled(engine.submit(engine.command(B, 2)))
        resting = engine.submit(engine.limit(B, engine.last_price - 300))
        until(lambda: engine.order(resting.client_order_id).status is OrderStatus.ACCEPTED, "a resting order")
        guard(engine, "g", 2)

        def unreachable(order: object) -> None:
            raise OSError("the vendor's library: RPC server unavailable")

        monkeypatch.setattr(engine.host.broker, "cancel", unreachable)
        engine.ask(Flatten())
        until(lambda: engine.net() == 0, "a flat position")
        monkeypatch.undo()
        assert engine.ended(resting).status is OrderStatus.CANCELLED
        engine.reach("g", ConditionState.CANCELLED)


def test_what_guards_goes_on_until_the_lots_are_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with simulated(tmp_path, settings=LIVELY, trading=True) as engine:
        engine.filled(engine.submit(engine.command(B, 2)))
        guard(engine, "g", 2)

        def refuses(approved: object) -> str:
            raise BrokerRefused("busy", "no orders now")

        with monkeypatch.context() as patch:
            patch.setattr(engine.host.broker, "submit", refuses)
            engine.ask(Flatten())
            assert engine.net() == 2
            assert engine.condition("g").state is ConditionState.OPEN
        until(lambda: engine.net() == 0, "a flat position")
        engine.reach("g", ConditionState.CANCELLED)


def test_a_halt_that_flattens_goes_on_after_a_restart(tmp_path: Path) -> None:
    broker = SimulatedExchange(LIVELY.simulation, CALENDAR, DAY.open_ns + 3600 * NS_PER_S)
    broker.login(Credentials(user="test"))
    with simulated(tmp_path, settings=LIVELY) as engine:
        engine.filled(engine.submit(engine.command(B, 2)))
        cast(SimulatedExchange, engine.host.broker).drop_link(10_000)
        until(lambda: engine.host.gateway.journal.links["trade"].state is LinkState.DOWN, "the drop")
        engine.ask(SetHalt(depth=HaltDepth.FLATTEN))
        assert engine.net() == 2
    held = broker.query_positions
    broker.query_positions = lambda account: {SYMBOL: 2 + held(account).get(SYMBOL, 0)}  # type: ignore[method-assign]
    with running(broker, tmp_path, LIVELY) as engine:
        until(lambda: engine.net() == 0, "a flat position")
        assert engine.snapshot().halt is HaltDepth.FLATTEN
        until(lambda: engine.link_states("flatten") == [LinkState.UP], "the broker's word")


# --- requests ----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("expected_errors")
def test_a_request_that_fails_inside_halts_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with simulated(tmp_path, settings=LIVELY) as engine:
        assert engine.last_price
        with monkeypatch.context() as patch:
            patch.setattr(engine.host.gateway.orders, "submit", lambda *args: 1 / 0)
            assert engine.refusal(engine.command(B)) == Reason.INVALID
        until(lambda: engine.snapshot().halt is HaltDepth.NO_ENTRIES, "the halt")


def test_a_repeated_request_is_answered_whatever_the_rate(tmp_path: Path) -> None:
    slow = replace(LIVELY.wire, requests_per_s=1, request_burst=60)
    with simulated(tmp_path, settings=replace(LIVELY, wire=slow)) as engine:
        assert engine.last_price
        requester = engine.requester()
        asked = requester.send(engine.command(B))
        request = requester._open[asked]
        answers: list[Any] = []

        def answered() -> bool:
            answers.extend(body for name, body in requester.replies() if name == asked)
            return bool(answers)

        until(answered, "the first answer")
        (first,) = answers
        pings = {requester.send(Ping()) for _ in range(100)}
        held_back: list[object] = []

        def all_pinged() -> bool:
            for name, body in requester.replies():
                pings.discard(name)
                held_back.extend([body] if getattr(body, "code", "") == Reason.TOO_MANY_REQUESTS else [])
            return not pings

        until(all_pinged, "answers to all pings")
        assert held_back
        answers.clear()
        requester._open[asked] = request
        requester.raw.send(request.frame)
        until(answered, "the same answer")
        assert answers == [first]


def test_long_answers_are_made_one_at_a_time_and_behind_the_short_ones() -> None:
    wire = Wire(encrypted=False)
    with contextlib.ExitStack() as opened:
        socket = RouterServer("tcp://127.0.0.1:*", source="gateway", wire=wire, keys=None)
        opened.callback(socket.close)
        server = CommandServer(
            socket,
            RateLimit(wire),
            handle=lambda role, envelope: Done() if isinstance(envelope.body, Ping) else Ticks(symbol=SYMBOL),
            commit=lambda: None,
            halt=lambda: HaltDepth.NONE,
            doubt=lambda: "",
            fail=lambda text: None,
        )
        client = Requester(socket.endpoint, source="test", wire=wire, keys=None)
        opened.callback(client.close)
        long = [client.send(GetTicks(symbol=SYMBOL)) for _ in range(5)]
        short = client.send(Ping())
        answered: list[str] = []

        def one_more() -> bool:
            server.serve()
            answered.extend(name for name, _ in client.replies())
            return len(answered) == 6

        until(one_more, "all answers")
        assert answered.index(short) <= 1
        assert [name for name in answered if name != short] == long
        assert not server.is_waiting


def test_a_reader_gets_small_pages_and_few_at_a_time(tmp_path: Path) -> None:
    with simulated(tmp_path, settings=LIVELY) as engine:
        ticks = engine.host.gateway.ticks
        for _ in range(20_000):
            ticks.take(SYMBOL, 1, 1, 22_800, 1, 1, 0)
        reader = engine.requester(Role.READER)
        asked = [reader.send(GetTicks(symbol=SYMBOL, limit=100_000)) for _ in range(120)]
        answers: dict[str, Any] = {}

        def all_answered() -> bool:
            answers.update(reader.replies())
            return len(answers) == len(asked)

        until(all_answered, "every answer", 60)
        pages = [body for body in answers.values() if isinstance(body, Ticks)]
        refused = [body for body in answers.values() if getattr(body, "code", "") == Reason.TOO_MANY_REQUESTS]
        assert len(pages) + len(refused) == len(asked)
        assert {len(page.ticks) for page in pages} == {5_000}


# --- begin and end -----------------------------------------------------------------------------------------------


def test_what_the_broker_told_last_is_in_the_ledger(tmp_path: Path) -> None:
    with simulated(tmp_path) as engine:
        gateway = engine.host.gateway
        gateway.call(time.sleep, 0.5)
        fill = Fill(
            fill_id="LAST",
            client_order_id="",
            account=engine.account,
            symbol=SYMBOL,
            side=B,
            price=22_800,
            quantity=1,
            ts_event=gateway.market.now_ns(),
        )
        gateway.call(gateway.on_fill, fill)
    with LedgerFile(tmp_path / "ledger.sqlite") as file:
        assert [event.fill_id for event in file.events() if isinstance(event, Fill)] == ["LAST"]


def test_a_start_that_fails_leaves_nothing_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broker = SimulatedExchange(LIVELY.simulation, CALENDAR, DAY.open_ns + 3600 * NS_PER_S)
    accounts = broker.login(Credentials(user="test"))

    def unanswered() -> tuple[()]:
        raise BrokerRefused("timeout", "no contracts")

    with monkeypatch.context() as patch:
        patch.setattr(broker, "contracts", unanswered)
        with pytest.raises(BrokerRefused):
            Host(LIVELY, broker, accounts, tmp_path / "ledger.sqlite", calendar=CALENDAR)
    with running(broker, tmp_path, LIVELY) as engine:
        assert engine.last_price


@pytest.mark.usefixtures("expected_errors")
def test_what_could_not_be_written_is_said_and_the_next_run_begins_halted(tmp_path: Path) -> None:
    with simulated(tmp_path, settings=LIVELY) as engine:
        engine.put("c", B, engine.last_price - 500)
        gateway = engine.host.gateway
        on_the_gateways_thread(engine, lambda: gateway.ledger.limit_pages(0))
        for number in range(400):
            if gateway.journal.error:
                break
            limits = Risk(duplicate_window_s=0.0, max_orders_per_day=1_000 + number)
            answer = engine.ask(SetLimits(limits=limits, text="x" * 3_000))
        assert "not written yet" in answer.text
        cancel = ConditionCommand(action=ConditionAction.CANCEL, condition_id="c")
        assert "not written yet" in engine.ask(cancel).text
    with simulated(tmp_path, settings=LIVELY) as engine:
        assert engine.snapshot().halt is HaltDepth.NO_ENTRIES
        engine.ask(SetHalt(depth=HaltDepth.NONE, text="RESUME"))
    with simulated(tmp_path, settings=LIVELY) as engine:
        assert engine.snapshot().halt is HaltDepth.NONE


@pytest.mark.usefixtures("expected_errors")
def test_a_bug_in_the_coverage_ends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with simulated(tmp_path, settings=LIVELY) as engine:
        assert engine.last_price
        with monkeypatch.context() as patch:
            patch.setattr(engine.host.gateway.coverage, "look", lambda: 1 / 0)
            until(lambda: engine.snapshot().halt is HaltDepth.NO_ENTRIES, "the halt")
        engine.ask(Ping())


@pytest.mark.usefixtures("expected_errors")
def test_an_event_that_cannot_be_told_keeps_no_other_back(tmp_path: Path) -> None:
    with simulated(tmp_path, settings=LIVELY) as engine:
        journal = engine.host.gateway.journal

        def tell() -> None:
            journal.tell("pulse", object())
            journal.set_link("after", LinkState.UP)

        on_the_gateways_thread(engine, tell)
        until(lambda: engine.link_states("after") == [LinkState.UP], "the next event")
