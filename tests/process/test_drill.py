"""The fault drill: it really injects, it passes on this program, and it fails where a promise is broken."""

import json
import multiprocessing
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from engine import __main__ as commands
from engine.brokers.base import Credentials
from engine.brokers.faults import Reply
from engine.brokers.simulated import SimulatedExchange
from engine.drill import main as drill
from engine.drill.bench import Seen
from engine.drill.books import Books, LedgerReader
from engine.drill.faults import FAULTS
from engine.drill.line import Fate, Line, Prices
from engine.drill.machine import MachineClock, share
from engine.drill.outages import DroppedLink
from engine.drill.program import Arm, Probed, Trap
from engine.drill.proof import Proof
from engine.drill.remote import RemoteBroker
from engine.drill.results import BrokenPromise, Progress, Promise, Report
from engine.drill.runner import Options, class_of
from engine.errors import BrokerAmbiguous, BrokerRefused
from engine.gateway.ledger import Ledger
from engine.gateway.points import Point
from engine.model.condition import ConditionAction, ConditionCommand, ConditionSpec
from engine.model.guard import Coverage
from engine.model.instrument import instrument
from engine.model.market import LinkState
from engine.model.order import Fill, Order, OrderStatus, Side, TimeInForce
from engine.model.order import OrderType as Type
from engine.model.session import SessionKind, TradingCalendar
from engine.settings import Reconciliation, Settings, Simulation
from engine.timing import NS_PER_S
from tests.listening import RecordingListener, approved
from tests.process.running import running, settings_for_tests, until

CALENDAR = TradingCalendar()
DAY = CALENDAR.session(date(2024, 11, 5), SessionKind.DAY)
SYMBOL = "TXFK4"
LOADED_S = 20.0
"""How long lots may be unguarded here: tests share the machine."""
ALWAYS = {item.name for item in FAULTS if item.process in ("", "strategy-1", "executor")}
"""Classes that need no other process than every program has."""

# --- the whole ---------------------------------------------------------------------------------------------------


def heard(pipe: Connection) -> Iterator[object]:
    """What a drill says, up to its report."""
    while True:
        assert pipe.poll(90), "the drill says nothing any more"
        said = pipe.recv()
        yield said
        if not isinstance(said, Progress):
            return


@pytest.mark.timeout(300)
def test_every_fault_class_is_survived_once_as_the_window_runs_it() -> None:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe(duplex=False)
    options = Options(runs=len(FAULTS), seed=7, limit_s=LOADED_S)
    process = spawn.Process(target=drill.run_for_window, args=(options, Settings(), theirs))
    process.start()
    theirs.close()
    *progress, report = heard(ours)
    process.join(30)
    assert process.exitcode == 0
    assert isinstance(report, Report), report
    assert report.is_passed, report.broken
    assert {item.name for item in report.faults} >= ALWAYS
    assert all(item.tried == item.survived >= 1 for item in report.faults)
    assert [item.run for item in progress if isinstance(item, Progress)] == list(range(1, len(FAULTS) + 1))
    assert report.deaths >= 6
    assert report.orders >= len(FAULTS)
    assert report.proofs >= len(FAULTS)
    ours.close()
    assert commands.main(["ledger", "verify", str(report.ledger)]) == 0


def test_a_broken_promise_ends_the_drill_and_tells_how_to_repeat_it(capsys: pytest.CaptureFixture[str]) -> None:
    options = Options(runs=5, seed=3, classes=("kill_main",), limit_s=0.05)
    assert drill.command(options, Settings(), None) == 1
    said = capsys.readouterr()
    assert f"Broken promise, {Promise.GUARDED}" in said.err
    table = json.loads(said.out.splitlines()[-1])
    assert f"--seed 3 --runs 5 --only {table['run']} --fault kill_main" in said.err
    assert not table["passed"]
    assert table["proofs"] == table["run"] - 1
    (row,) = table["faults"]
    assert row["tried"] == row["survived"] + 1
    assert row["unguarded_s"] > options.limit_s


def test_an_unknown_fault_class_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main(["drill", "--fault", "kill_mian"]) == 2
    assert "kill_mian is no fault class; known are kill_strategy" in capsys.readouterr().err


def test_the_same_seed_gives_the_same_faults_and_each_class_has_its_turn() -> None:
    count = len(FAULTS)
    names = [class_of(number, 7, FAULTS).name for number in range(1, 2 * count + 1)]
    assert names == [class_of(number, 7, FAULTS).name for number in range(1, 2 * count + 1)]
    assert set(names[:count]) == set(names[count:]) == {item.name for item in FAULTS}
    assert names[:count] != names[count:]
    assert names != [class_of(number, 8, FAULTS).name for number in range(1, 2 * count + 1)]


@pytest.mark.parametrize(
    ("idle_s", "own_s", "got", "found"),
    [
        (3.0, 0.5, 0.9, 1.0),  # a machine that has a processor to spare
        (0.0, 2.0, 0.3, 1.0),  # the program under drill is what keeps it busy
        (0.0, 0.2, 0.9, 0.9),  # the drill has little to do, and gets what it wants
        (0.0, 0.3, 0.25, 0.3),
        (0.0, 0.0, 0.0, 0.1),
    ],
)
def test_only_what_other_programs_take_lengthens_a_limit(
    idle_s: float, own_s: float, got: float, found: float
) -> None:
    assert share(1.0, idle_s, own_s, got) == found


def test_machine_time_goes_on_and_never_faster_than_the_wall() -> None:
    with closing(MachineClock()) as clock:
        began, seen = time.monotonic(), [clock.now()]
        until(lambda: clock.now() > 1.0, "a second of machine time", deadline_s=60)
        seen += [clock.now() for _ in range(100)]
        assert seen == sorted(seen)
        assert seen[-1] <= time.monotonic() - began + 0.01
        assert clock.taken_s >= 0


def test_a_trap_kills_a_child_exactly_at_its_point() -> None:
    child, trap = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE), Trap()
    with child:
        trap.arm(Point.CALLED, 2, lambda: child.pid)
        for point in (Point.APPROVED, Point.CALLED, Point.RECORDED):
            trap(point, "c1/entry/1")
        assert child.poll() is None
        assert not trap.killed
        trap(Point.CALLED, "c1/take_profit/1")
        assert child.wait(30) != 0
        assert trap.killed == child.pid


def test_children_are_killed_at_every_point_in_turn() -> None:
    (kind,) = (item for item in FAULTS if item.name == "kill_executor_at_points")
    told: list[Arm] = []
    bench = SimpleNamespace(program=SimpleNamespace(tell=told.append))
    for turn in range(len(Point)):
        kind.make(random.Random(turn), turn).inject(cast(Any, bench))
    assert {(arm.point, arm.process) for arm in told} == {(point, "executor") for point in Point}


class StubBench:
    """Lots under a guard that acts when the price has gone through its stop, or never."""

    limit_s = 5.0

    def __init__(self, *, is_blind: bool, can_move: bool) -> None:
        self._is_blind, self._lots, self._now = is_blind, 2, 0.0
        self.proofs = 0
        self.line = self.books = self.watch = self
        self.world = SimpleNamespace(move=self._move if can_move else None, is_ended=lambda: False)
        self.prices = Prices(last=22_800)
        self.asked: list[ConditionCommand] = []

    def look(self) -> Seen:
        self._now += 0.02
        if self.asked:
            self.prices = self.prices.after(self.prices.last - 1)
            self._close()
        return Seen(self._now, Probed({}, True), net=self._lots)

    def now(self) -> float:
        return self._now

    def held(self) -> dict[str, int]:
        return {"c1": self._lots} if self._lots else {}

    def average(self, condition_id: str) -> int:
        return 22_790

    def coverage(self) -> Coverage:
        return Coverage(account="a", symbol=SYMBOL, net=self._lots, guarded=self._lots)

    def begin_prices(self) -> None:
        self.prices = Prices(last=self.prices.last)

    def ask(self, body: ConditionCommand) -> None:
        self.asked.append(body)

    def _move(self, points: int) -> None:
        self.prices = self.prices.after(self.prices.last + points)
        if self.prices.last <= 22_790 - 300:
            self._close()

    def _close(self) -> None:
        if not self._is_blind:
            self._lots = 0


@pytest.mark.parametrize("can_move", [True, False])
@pytest.mark.parametrize("is_blind", [True, False])
def test_a_guard_that_is_alive_and_does_not_act_is_found(is_blind: bool, can_move: bool) -> None:
    bench = StubBench(is_blind=is_blind, can_move=can_move)
    spec = ConditionSpec(
        condition_id="c1", account="a", symbol=SYMBOL, action=Side.BUY, trigger_price=22_790, stop_loss_points=300
    )
    scenario = SimpleNamespace(proofs=0, specs={"c1": spec}, is_entered=lambda seen: True)

    def wait(holds: Callable[[Seen], bool], limit_s: float, what: str) -> None:
        began = bench.now()
        while not holds(bench.look()):
            assert bench.now() - began < limit_s, what

    class Drawn(random.Random):
        def random(self) -> float:
            return 0.9  # nothing changes hands

    fault = SimpleNamespace(lift=lambda bench: None)
    proof = Proof(cast(Any, bench), cast(Any, scenario), Drawn(1), bench.look, wait)
    if is_blind:
        with pytest.raises(BrokenPromise, match=r"the guard did not act.*2 of c1") as found:
            proof.give(cast(Any, fault))
        assert found.value.promise is Promise.ACTED
        assert (bench.proofs, scenario.proofs) == (0, 0)
    else:
        proof.give(cast(Any, fault))
        assert (bench.proofs, scenario.proofs) == (1, 1)
    if can_move:
        assert not bench.asked
    else:
        (asked,) = bench.asked
        assert asked.action is ConditionAction.PUT
        assert asked.spec == replace(spec, stop_loss_points=1, trailing_points=1)


LOT = Order(
    client_order_id="OUT0000001",
    account="a",
    symbol=SYMBOL,
    side=Side.BUY,
    order_type=Type.MARKET,
    time_in_force=TimeInForce.IOC,
    price=0,
    quantity=1,
    status=OrderStatus.SENT,
)


@pytest.mark.parametrize(
    ("known", "orders", "state", "is_honest"),
    [
        (1, (), LinkState.STALE, False),  # it knows of the lot and does not call it naked
        (0, (), LinkState.STALE, False),  # it shows no order that could have filled
        (0, (LOT,), LinkState.UP, False),  # it shows nothing that is wrong
        (0, (LOT,), LinkState.STALE, True),
    ],
)
def test_in_an_outage_a_lot_is_told_naked_or_its_order_and_the_link_are_shown(
    known: int, orders: tuple[Order, ...], state: LinkState, is_honest: bool
) -> None:
    now = [0.0]
    bench = SimpleNamespace(
        now=lambda: now[0],
        may_guard=True,
        watch=SimpleNamespace(told_naked=0, coverage=lambda: None),
        settings=Settings(),
        world=SimpleNamespace(symbol=SYMBOL),
        line=SimpleNamespace(drop=lambda is_told: None, lift=lambda: None),
        seen=Seen(0.0, Probed({}, True, open_orders=orders, net={SYMBOL: known}, links={"books": state}), net=1),
    )
    outage = DroppedLink(random.Random(1))
    outage.inject(cast(Any, bench))
    now[0] = 3_600.0
    if is_honest:
        assert outage.is_over(cast(Any, bench))
    else:
        with pytest.raises(BrokenPromise, match="the program says nothing"):
            outage.is_over(cast(Any, bench))


# --- the line ----------------------------------------------------------------------------------------------------


class Bench:
    """A simulated exchange at one end of a line, a broker that a listener hears at the other."""

    def __init__(self) -> None:
        self.exchange = SimulatedExchange(Simulation(speed=10.0), CALENDAR, DAY.open_ns + 3600 * NS_PER_S)
        accounts = self.exchange.login(Credentials(user="me"))
        self.account = accounts[0].account
        self.line = Line(self.exchange, accounts, 10.0, "seed")
        self.exchange.start(self.line)
        self.exchange.subscribe(SYMBOL)
        self._pipe, theirs = multiprocessing.Pipe()
        self.line.attach(self._pipe)
        self.broker = RemoteBroker(theirs, timeout_s=0.5)
        self.listener = RecordingListener()
        self.broker.login(Credentials(user="me"))
        self.broker.start(self.listener)
        self.broker.subscribe(SYMBOL)
        self.listener.wait(lambda: bool(self.listener.of("tick")))

    def submit(self, note: str, quantity: int = 1, **changes: Any) -> str:
        values: dict[str, Any] = {"order_type": Type.MARKET, "time_in_force": TimeInForce.IOC, "price": 0}
        order = approved(note, self.account, SYMBOL, Side.BUY, quantity=quantity, **(values | changes))
        return self.broker.submit(order)

    def filled(self, note: str) -> list[Fill]:
        return [fill for fill in self.listener.of("fill") if fill.client_order_id == note]

    def wait_filled(self, note: str, count: int = 1) -> None:
        self.listener.wait(lambda: len(self.filled(note)) >= count)

    def close(self) -> None:
        self.broker.close()
        self._pipe.close()
        self.line.close()
        self.exchange.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    with closing(Bench()) as found:
        yield found


@pytest.mark.parametrize(("reply", "lots"), [(Reply.LOST_ALIVE, 1), (Reply.LOST_DEAD, 0)])
@pytest.mark.parametrize("is_silent", [False, True])
def test_a_lost_reply_is_ambiguous_and_only_the_living_order_trades(
    bench: Bench, reply: Reply, lots: int, is_silent: bool
) -> None:
    bench.line.lose_reply(Fate(reply, is_silent), after=1)
    bench.submit("FIRST00001")
    with pytest.raises(BrokerAmbiguous):
        bench.submit("LOST000001")
    bench.submit("LAST000001")
    bench.wait_filled("LAST000001")
    assert bench.exchange.query_positions(bench.account)[SYMBOL] == 2 + lots
    assert bench.line.calls == {"FIRST00001": 1, "LOST000001": 1, "LAST000001": 1}
    assert bench.line.harmed == 1


def test_reports_are_told_twice(bench: Bench) -> None:
    bench.line.repeat_reports(10)
    bench.submit("TWICE00001")
    bench.wait_filled("TWICE00001", 2)
    assert len({fill.fill_id for fill in bench.filled("TWICE00001")}) == 1


def test_a_late_fill_comes_after_the_end_of_its_order(bench: Bench) -> None:
    bench.exchange.faults.thin_next(1)
    bench.line.delay_fills(1, 0.2)
    bench.submit("LATE000001", 2)
    bench.wait_filled("LATE000001")
    kinds = [
        (kind, getattr(what, "status", None)) for kind, what in bench.listener.told if kind in ("order", "fill")
    ]
    assert kinds[-2:] == [("order", OrderStatus.CANCELLED), ("fill", None)]


def test_a_dropped_link_refuses_calls_and_tells_the_rest_when_it_is_back(bench: Bench) -> None:
    bench.submit("REST000001", order_type=Type.LIMIT, time_in_force=TimeInForce.ROD, price=21_000)
    until(lambda: bool(bench.listener.reports("REST000001")), "the acceptance")
    bench.line.drop(is_told=True)
    with pytest.raises(BrokerRefused):
        bench.submit("DOWN000001")
    with pytest.raises(BrokerRefused):
        bench.broker.query_orders(bench.account)
    order = approved("REST000001", bench.account, SYMBOL, Side.BUY).order
    bench.exchange.cancel(order)
    until(lambda: bench.exchange.query_orders(bench.account)[0].status.is_final, "the end at the exchange")
    assert bench.listener.reports("REST000001")[-1].status is OrderStatus.ACCEPTED
    bench.line.lift()
    until(lambda: bench.listener.reports("REST000001")[-1].status is OrderStatus.CANCELLED, "the withheld report")
    states = [what[1] for kind, what in bench.listener.told if kind == "link" and what[0] == "trade"]
    assert states == [LinkState.UP, LinkState.DOWN, LinkState.UP]


def test_a_muted_feed_tells_no_tick_and_no_link_event(bench: Bench) -> None:
    bench.line.mute_feed()
    bench.submit("MARK000001")
    bench.wait_filled("MARK000001")  # what was on its way before the feed fell silent is here by now
    before = len(bench.listener.of("tick"))
    bench.submit("MARK000002")
    bench.wait_filled("MARK000002")
    assert len(bench.listener.of("tick")) == before
    bench.line.lift()
    bench.listener.wait(lambda: len(bench.listener.of("tick")) > before)
    assert len([kind for kind, _ in bench.listener.told if kind == "link"]) == 2


def test_only_what_a_program_has_subscribed_is_told_and_the_line_sees_everything(bench: Bench) -> None:
    bench.broker.unsubscribe(SYMBOL)
    bench.submit("MARK000001")
    bench.wait_filled("MARK000001")  # what was on its way before is here by now
    before = len(bench.listener.of("tick"))
    bench.line.begin_prices()
    until(lambda: bool(bench.line.prices.high), "a print of the exchange")
    assert len(bench.listener.of("tick")) == before
    bench.broker.subscribe(SYMBOL)
    bench.listener.wait(lambda: len(bench.listener.of("tick")) > before)


@pytest.mark.parametrize("points", [-500, 500])
def test_the_price_of_the_exchange_is_moved_for_everybody_and_back(bench: Bench, points: int) -> None:
    before = bench.line.prices.last
    bench.exchange.move_price(points)
    until(lambda: abs(bench.line.prices.last - before - points) < 100, "prints at the new price")
    bench.submit("MOVED00001")
    bench.wait_filled("MOVED00001")
    assert abs(bench.filled("MOVED00001")[0].price - before - points) < 200
    bench.exchange.move_price(-points)
    until(lambda: abs(bench.line.prices.last - before) < 100, "prints at the old price")


def test_prices_of_a_while() -> None:
    prices = Prices(last=50)
    for price in (10, 13, 9, 11):
        prices = prices.after(price)
    assert prices == Prices(last=11, low=9, high=13, fall=4, rise=3)


def test_calls_are_ambiguous_once_the_exchange_is_gone() -> None:
    ours, theirs = multiprocessing.Pipe()
    broker = RemoteBroker(theirs, timeout_s=0.5)
    ours.close()
    with pytest.raises(BrokerAmbiguous):
        broker.query_positions("SIM-me")
    broker.close()


@pytest.mark.parametrize("late_s", [0.3, 60.0])
def test_an_order_lives_until_the_fills_that_its_end_counts_are_here(tmp_path: Path, late_s: float) -> None:
    """They come late, or only with the next look into the broker's books."""
    often = Reconciliation(in_flight_s=0.3, open_orders_s=0.5, queries_per_minute=1_000)
    exchange = SimulatedExchange(Simulation(speed=10.0), CALENDAR, DAY.open_ns + 3600 * NS_PER_S)
    line = Line(exchange, exchange.login(Credentials(user="test")), 10.0, "seed")
    exchange.start(line)
    ours, theirs = multiprocessing.Pipe()
    line.attach(ours)
    try:
        with running(RemoteBroker(theirs, 5.0), tmp_path, settings_for_tests(reconciliation=often)) as engine:
            until(lambda: bool(engine.ticks()), "a first trade")
            until(lambda: engine.host.gateway.reconciler.is_complete, "the first comparison")
            exchange.faults.thin_next(1)
            line.delay_fills(1, late_s)
            order = engine.ended(engine.submit(engine.command(quantity=2)))
            assert (order.status, order.filled) == (OrderStatus.CANCELLED, 1)
            ends = [item for item in engine.feed.of(Order) if item.status.is_final]
            assert {item.filled for item in ends} == {1}
            assert engine.net() == 1
    finally:
        line.close()
        exchange.close()
        ours.close()


# --- the checks can fail -----------------------------------------------------------------------------------------


@pytest.fixture
def judged(bench: Bench, tmp_path: Path) -> Iterator[tuple[Bench, Ledger, Books, Order, Fill]]:
    """An order that was filled at the exchange, an open ledger that does not know it yet, and the judge."""
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(path, instruments=lambda symbol: instrument(symbol, near=date(2024, 11, 5), calendar=CALENDAR))
    bench.submit("JUDGE00001", signal_id="c1/entry/1", condition_id="c1")
    bench.wait_filled("JUDGE00001")
    books = Books(bench.line, LedgerReader(path), bench.account)
    yield bench, ledger, books, bench.line.orders["JUDGE00001"], bench.filled("JUDGE00001")[0]
    ledger.close()


def write(ledger: Ledger, *events: Order | Fill) -> None:
    for event in events:
        ledger.append(event, 1)
    ledger.commit()


Judged = tuple[Bench, Ledger, Books, Order, Fill]


def done(order: Order, fill: Fill) -> tuple[Order, Fill, Order]:
    sent = order.moved(OrderStatus.SENT, 1)
    return order, fill, sent.with_fill(fill.price, fill.quantity, 2)


def test_books_that_agree_pass(judged: Judged) -> None:
    _, ledger, books, order, fill = judged
    write(ledger, *done(order, fill))
    books.look()
    assert books.difference() is None
    books.check_once({"c1": 1}, {})


def test_a_missing_fill_is_found(judged: Judged) -> None:
    _, ledger, books, order, _ = judged
    write(ledger, order)
    books.look()
    assert books.difference() == (Promise.NOTHING_LOST, "fill JUDGE00001-1 of the exchange is not in the ledger")


def test_a_missing_order_and_an_open_one_are_found(judged: Judged) -> None:
    _, ledger, books, order, fill = judged
    write(ledger, fill)
    books.look()
    assert books.difference() == (Promise.NOTHING_LOST, "order JUDGE00001 of the exchange is not in the ledger")
    write(ledger, order)
    books.look()
    found = books.difference()
    assert found is not None
    assert "it is intent in the ledger and filled at the exchange" in found[1]


def test_another_price_is_found(judged: Judged) -> None:
    _, ledger, books, order, fill = judged
    write(ledger, *done(order, replace(fill, price=fill.price + 1)))
    books.look()
    found = books.difference()
    assert found is not None
    assert found[0] is Promise.AGREEMENT


def twice_in_the_ledger(judged: Judged) -> tuple[dict[str, int], str]:
    _, ledger, _, order, fill = judged
    write(ledger, *done(order, fill), fill)
    return {"c1": 1}, "2 times in the ledger"


def called_twice(judged: Judged) -> tuple[dict[str, int], str]:
    with pytest.raises(BrokerRefused):
        judged[0].submit("JUDGE00001", signal_id="c1/entry/1", condition_id="c1")
    return {"c1": 1}, "sent to the exchange 2 times"


def two_orders_of_a_signal(judged: Judged) -> tuple[dict[str, int], str]:
    judged[0].submit("JUDGE00002", signal_id="c1/entry/1", condition_id="c1")
    return {"c1": 1}, "c1/entry/1 led to 2 orders"


def two_entries(judged: Judged) -> tuple[dict[str, int], str]:
    judged[0].submit("JUDGE00002", signal_id="c1/entry/2", condition_id="c1")
    return {"c1": 1}, "entered with 2 orders"


def too_many_lots(judged: Judged) -> tuple[dict[str, int], str]:
    return {"c1": 0}, "entered 1 lots instead of 0"


def too_many_exited(judged: Judged) -> tuple[dict[str, int], str]:
    bench = judged[0]
    bench.submit("JUDGE00002", 2, signal_id="c1/close/1", condition_id="c1", reduce_only=True)
    until(lambda: sum(fill.quantity for fill in bench.filled("JUDGE00002")) == 2, "the exit")
    return {"c1": 1}, "held 1 lots, its exits closed 2"


@pytest.mark.parametrize(
    "breach",
    [
        twice_in_the_ledger,
        called_twice,
        two_orders_of_a_signal,
        two_entries,
        too_many_lots,
        too_many_exited,
    ],
)
def test_what_happened_twice_is_found(
    judged: Judged, breach: Callable[[Judged], tuple[dict[str, int], str]]
) -> None:
    asked, text = breach(judged)
    books = judged[2]
    books.look()
    with pytest.raises(BrokenPromise, match=text) as found:
        books.check_once(asked, {})
    assert found.value.promise is Promise.ONCE


def test_lots_left_behind_and_two_of_a_group_are_found(judged: Judged) -> None:
    bench, _, books, _, _ = judged
    books.look()
    with pytest.raises(BrokenPromise, match="held 1 lots, has ended, and its exits closed 0"):
        books.check_ended(["c1"], {}, {})
    bench.submit("JUDGE00002", signal_id="c2/entry/1", condition_id="c2")
    bench.wait_filled("JUDGE00002")
    books.look()
    with pytest.raises(BrokenPromise, match="c1 and c2 one cancels the other"):
        books.check_ended([], {}, {"g": {"c1", "c2"}})
