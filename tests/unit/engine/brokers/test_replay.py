import csv
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from engine.brokers.base import ApprovedOrder, Credentials
from engine.brokers.replay import ACCOUNT, ReplayBroker
from engine.brokers.tape import Tape
from engine.errors import BrokerRefused, DataFileError
from engine.formats.taifex import HEADER, Print
from engine.model.order import OrderStatus, OrderType, Reason, Side, TimeInForce
from engine.model.playback import PlaybackState
from engine.model.session import SessionKind, TradingCalendar
from engine.model.tick import TickFlag
from tests.listening import RecordingListener, approved, order

CALENDAR = TradingCalendar()
LIMIT, ROD = OrderType.LIMIT, TimeInForce.ROD


def tape(folder: Path, *prints: tuple[str, int, int], also: tuple[tuple[str, int, int], ...] = ()) -> Path:
    """A daily file of 2024-11-05 with prints (time, price, lots) of TXFK4, and of MXFK4."""
    lines = [
        f"2024110{4 if int(at) > 140000 else 5},{code:7},202411     ,{at},{price},{lots * 2},-,-, "
        for code, rows in (("MTX", also), ("TX", prints))
        for at, price, lots in rows
    ]
    path = folder / "Daily_2024_11_05.csv"
    path.write_bytes("\r\n".join([",".join(HEADER), *lines, ""]).encode("cp950"))
    return path


def day(folder: Path, *prices: int, lots: int = 1) -> Path:
    return tape(
        folder, *((f"09{index // 60:02}{index % 60:02}", price, lots) for index, price in enumerate(prices))
    )


def replay_of(path: Path, **options: Any) -> ReplayBroker:
    return ReplayBroker(Tape.of_file(path, ("TXFK4",), CALENDAR), calendar=CALENDAR, **options)


class Node:
    """A strategy process as the replay sees it: it stops at each tick at which it gives orders."""

    def __init__(self, name: str, plan: dict[int, list[ApprovedOrder]], wait: Callable[[], None] = lambda: None):
        self.name, self._plan, self._wait = name, plan, wait
        self.position = 0

    def answer(self, broker: ReplayBroker, round: int, granted: int) -> None:
        while self.position < granted:
            self.position += 1
            if found := self._plan.get(self.position):
                for item in found:
                    broker.submit(item)
                break
        self._wait()
        broker.on_watermark(self.name, round, self.position)


class Market(RecordingListener):
    """Passes each round on to the nodes, as a gateway does, on a thread of its own."""

    def __init__(self, broker: ReplayBroker, *nodes: Node) -> None:
        super().__init__()
        self.broker, self.nodes = broker, nodes

    def on_pace(self, round: int, position: int, now_ns: int, is_end: bool = False) -> None:
        super().on_pace(round, position, now_ns, is_end)
        if self.nodes and not is_end:
            threading.Thread(target=self._answer, args=(round, position)).start()

    def _answer(self, round: int, position: int) -> None:
        for node in self.nodes:
            node.answer(self.broker, round, position)

    @property
    def is_ended(self) -> bool:
        return any(kind == "pace" and what[2] for kind, what in self.told)

    def events(self) -> list[tuple[str, Any]]:
        """Reports, fills and ticks, without the rounds."""
        return [item for item in self.told if item[0] in ("order", "fill", "tick")]

    def outcome(self) -> tuple[list[Any], list[Any]]:
        """Reports and fills, and apart from them the ticks: how far these run ahead depends on the chunk."""
        return [what for kind, what in self.told if kind in ("order", "fill")], self.of("tick")


def replayed(path: Path, *nodes: Node, symbols: tuple[str, ...] = ("TXFK4",), **options: Any) -> Market:
    broker = ReplayBroker(Tape.of_file(path, symbols, CALENDAR), calendar=CALENDAR, **options)
    market = Market(broker, *nodes)
    broker.login(Credentials(user=""))
    broker.set_pacers(frozenset(node.name for node in nodes))
    broker.start(market)
    try:
        market.wait(lambda: market.is_ended)
    finally:
        broker.close()
    return market


def buy(client_order_id: str, cause: int, **changes: Any) -> ApprovedOrder:
    return approved(client_order_id, ACCOUNT, changes.pop("symbol", "TXFK4"), tick_seq=cause, **changes)


# -------------------------------------------------------------------------------------------- the stream


def test_ticks_carry_the_volume_of_their_session(tmp_path: Path) -> None:
    path = tape(
        tmp_path,
        ("150000", 100, 2),
        ("150001", 101, 3),
        ("050000", 102, 1),
        ("084500", 103, 4),
        ("134500", 104, 5),
    )
    market = replayed(path)
    night = CALENDAR.session(date(2024, 11, 5), SessionKind.NIGHT)
    assert [(price, lots, volume) for _, _, price, lots, volume, _ in market.of("tick")] == [
        (100, 2, 2),
        (101, 3, 5),
        (102, 1, 6),
        (103, 4, 4),
        (104, 5, 9),
    ]
    assert market.of("tick")[0][:2] == ("TXFK4", night.open_ns)
    assert market.of("pace")[-1][1:] == (5, True)
    assert market.of("book") == []


def test_contracts_are_merged_by_time(tmp_path: Path) -> None:
    path = tape(tmp_path, ("090000", 1, 1), ("090002", 2, 1), also=(("090001", 3, 1), ("090002", 4, 1)))
    market = replayed(path, symbols=("TXFK4", "MXFK4"))
    assert [(item[0], item[2]) for item in market.of("tick")] == [
        ("TXFK4", 1),
        ("MXFK4", 3),
        ("TXFK4", 2),
        ("MXFK4", 4),
    ]


def test_contract_without_prints_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="no print of TMFK4"):
        Tape.of_file(day(tmp_path, 100), ("TMFK4",), CALENDAR)


def test_closed_hours_take_no_time(tmp_path: Path) -> None:
    path = tape(tmp_path, ("150000", 100, 1), ("045959", 101, 1), ("084500", 102, 1), ("084501", 103, 1))
    broker = replay_of(path)
    seconds = [value // 10**9 for value in broker.tape.elapsed]
    assert seconds == [0, 14 * 3600 - 1, 14 * 3600, 14 * 3600 + 1]


def test_prints_of_one_second_are_spread_over_it(tmp_path: Path) -> None:
    path = tape(tmp_path, *[("090000", 100, 1)] * 4, ("090001", 100, 1))
    broker = replay_of(path)
    assert broker.tape.elapsed == [0, 250_000_000, 500_000_000, 750_000_000, 1_000_000_000]


def test_clock_is_the_time_of_the_last_granted_tick(tmp_path: Path) -> None:
    market = replayed(day(tmp_path, 100, 101, 102))
    assert market.broker.clock.now_ns() == market.of("tick")[-1][1]


@pytest.mark.parametrize("speed", [20_000.0, 0.0])
def test_speed_changes_nothing_but_the_time_it_takes(tmp_path: Path, speed: float) -> None:
    prices = [22_800 + index * 7 % 31 for index in range(200)]
    plan = {
        5: [buy("A", 5), buy("B", 5, quantity=3)],
        40: [buy("C", 40, order_type=LIMIT, time_in_force=ROD, price=22_801)],
        90: [buy("D", 90, side=Side.SELL, quantity=9)],
    }
    path = day(tmp_path, *prices)
    found = replayed(path, Node("s1", dict(plan)), speed=speed, chunk=17)
    assert found.outcome() == replayed(path, Node("s1", dict(plan))).outcome()
    assert len(found.of("fill")) > 5


# ------------------------------------------------------------------------------------------ orders and rounds


def test_fill_is_told_before_its_print_where_the_strategy_waits(tmp_path: Path) -> None:
    node = Node("s1", {2: [buy("A", 2)]})
    market = replayed(day(tmp_path, 100, 101, 102, 103), node, chunk=1)
    assert [item[0] for item in market.events()] == ["tick", "tick", "order", "fill", "tick", "tick"]
    (fill,) = market.of("fill")
    assert (fill.price, fill.seq, fill.fill_id) == (102, 3, "A-3")
    assert market.reports("A")[0].status is OrderStatus.ACCEPTED


def test_no_later_tick_is_granted_before_the_fill_is_told(tmp_path: Path) -> None:
    """However far the ticks were sent ahead: after the stop the next grant is the print that fills."""
    node = Node("s1", {2: [buy("A", 2)]})
    market = replayed(day(tmp_path, *range(100, 130)), node, chunk=20)
    after = [what for kind, what in market.told if kind in ("pace", "fill")]
    assert [item if isinstance(item, tuple) else item.seq for item in after][:3] == [
        (1, 20, False),
        3,
        (2, 3, False),
    ]


def test_arrival_order_within_a_round_does_not_matter(tmp_path: Path) -> None:
    path = day(tmp_path, 100, 101, 102, 103, lots=3)
    orders = [buy("B", 1, quantity=2), buy("A", 1, quantity=2)]
    first = replayed(path, Node("s1", {1: orders}))
    second = replayed(path, Node("s1", {1: orders[::-1]}))
    assert first.events() == second.events()
    assert [(fill.client_order_id, fill.quantity, fill.seq) for fill in first.of("fill")] == [
        ("A", 2, 2),
        ("B", 1, 2),
        ("B", 1, 3),
    ]


def test_every_chunk_gives_the_same_fills(tmp_path: Path) -> None:
    prices = [22_800 + index * 7 % 31 for index in range(120)]
    fills = []
    for chunk in (1, 3, 500):
        nodes = (
            Node("s1", {4: [buy("A", 4, quantity=3)], 60: [buy("E", 60, side=Side.SELL, quantity=3)]}),
            Node("s2", {2: [buy("C", 2)], 9: [buy("B", 9, order_type=LIMIT, time_in_force=ROD, price=22_803)]}),
        )
        market = replayed(day(tmp_path, *prices), *nodes, chunk=chunk)
        fills.append(sorted(market.of("fill"), key=lambda fill: (fill.seq, fill.client_order_id)))
    assert fills[0] == fills[1] == fills[2]
    assert len(fills[0]) == 8


def test_resting_order_does_not_slow_the_rounds_down(tmp_path: Path) -> None:
    resting = buy("A", 1, order_type=LIMIT, time_in_force=ROD, price=50)
    node = Node("s1", {1: [resting]})
    market = replayed(day(tmp_path, *[100] * 400, 49, *[100] * 99), node, chunk=100)
    (fill,) = market.of("fill")
    assert (fill.price, fill.seq) == (50, 401)
    assert len(market.of("pace")) < 12


def test_orders_die_with_their_session(tmp_path: Path) -> None:
    path = tape(tmp_path, ("150000", 100, 1), ("150001", 101, 1), ("084500", 50, 9), ("084501", 50, 9))
    resting = buy("A", 1, order_type=LIMIT, time_in_force=ROD, price=60)
    market = replayed(path, Node("s1", {1: [resting]}), chunk=1)
    assert market.of("fill") == []
    assert [(item.status, item.reason) for item in market.reports("A")] == [
        (OrderStatus.ACCEPTED, Reason.NONE),
        (OrderStatus.EXPIRED, Reason.SESSION_ENDED),
    ]
    night = CALENDAR.session(date(2024, 11, 5), SessionKind.NIGHT)
    assert market.reports("A")[1].ts_event == night.close_ns
    kinds = [(kind, what) for kind, what in market.told if kind in ("order", "tick")]
    assert kinds.index(("order", market.reports("A")[1])) < kinds.index(("tick", market.of("tick")[2]))


def test_end_of_the_data_ends_orders_and_queries_go_on(tmp_path: Path) -> None:
    broker = replay_of(day(tmp_path, 100, 101, 102))
    market = Market(broker, Node("s1", {1: [buy("B", 1)], 3: [buy("A", 3)]}))
    broker.set_pacers(frozenset({"s1"}))
    broker.start(market)
    market.wait(lambda: market.is_ended)
    assert [(item.status, item.reason) for item in market.reports("A")][-1] == (
        OrderStatus.CANCELLED,
        Reason.KILLED,
    )
    with pytest.raises(BrokerRefused, match="ended"):
        broker.submit(buy("C", 3))
    assert [report.client_order_id for report in broker.query_orders(ACCOUNT)] == ["B", "A"]
    assert [fill.client_order_id for fill in broker.query_fills(ACCOUNT)] == ["B"]
    assert broker.query_positions(ACCOUNT) == {"TXFK4": 1}
    broker.close()


# --------------------------------------------------------------------------------------- waiting for strategies


@pytest.fixture
def held(tmp_path: Path) -> Any:
    """A replay of 40 prints, ten a round, that waits for two strategies."""
    broker = replay_of(day(tmp_path, *range(100, 140)), chunk=10)
    broker.hold()
    broker.set_pacers(frozenset({"s1", "s2"}))
    listener = RecordingListener()
    broker.start(listener)
    yield broker, listener
    broker.close()


def paces(listener: RecordingListener) -> list[tuple[int, int, bool]]:
    return [what for kind, what in listener.told if kind == "pace"]


def test_nothing_is_told_before_all_have_joined(held: tuple[ReplayBroker, RecordingListener]) -> None:
    broker, listener = held
    broker.on_watermark("s1", 0, 0)
    broker.release(("s1", "s2"))
    broker.submit(approved("A", ACCOUNT, "TXFK4"))
    listener.wait(lambda: bool(listener.reports("A")))  # requests are served meanwhile
    assert listener.of("tick") == []
    broker.on_watermark("s2", 0, 0)
    listener.wait(lambda: bool(paces(listener)))
    assert listener.of("fill")[0].seq == 1


def test_round_waits_for_the_slowest(held: tuple[ReplayBroker, RecordingListener]) -> None:
    broker, listener = held
    broker.release()
    listener.wait(lambda: paces(listener) == [(1, 10, False)])
    broker.on_watermark("s1", 1, 10)
    broker.on_watermark("s2", 1, 4)
    listener.wait(lambda: paces(listener)[1:] == [(2, 14, False)])
    assert broker.position == 14


def test_strategy_that_is_taken_off_the_list_is_not_awaited(held: tuple[ReplayBroker, RecordingListener]) -> None:
    broker, listener = held
    broker.release()
    listener.wait(lambda: len(paces(listener)) == 1)
    broker.on_watermark("s1", 1, 10)
    broker.set_pacers(frozenset({"s1"}))
    listener.wait(lambda: len(paces(listener)) == 2)
    broker.set_pacers(frozenset())
    listener.wait(lambda: paces(listener)[-1][2])


def test_strategy_that_was_off_the_list_does_not_take_the_market_back(
    held: tuple[ReplayBroker, RecordingListener],
) -> None:
    broker, listener = held
    broker.release()
    listener.wait(lambda: len(paces(listener)) == 1)
    broker.on_watermark("s1", 1, 10)
    broker.on_watermark("s2", 1, 3)
    listener.wait(lambda: len(paces(listener)) == 2)
    broker.set_pacers(frozenset({"s1"}))
    broker.on_watermark("s1", 2, 13)
    listener.wait(lambda: len(paces(listener)) == 3)
    broker.pause()
    broker.on_watermark("s1", 3, 23)
    broker.submit(approved("A", ACCOUNT, "TXFK4"))
    listener.wait(lambda: bool(listener.reports("A")))  # requests are taken: the round is over
    broker.set_pacers(frozenset({"s1", "s2"}))
    broker.resume()
    listener.wait(lambda: len(paces(listener)) == 4)
    assert paces(listener)[2] == (3, 23, False)
    assert paces(listener)[3][1] > 23


def test_strategy_that_begins_again_is_taken_back_to(held: tuple[ReplayBroker, RecordingListener]) -> None:
    broker, listener = held
    broker.release()
    listener.wait(lambda: len(paces(listener)) == 1)
    broker.on_watermark("s1", 1, 10)
    broker.on_watermark("s2", 0, 3)
    listener.wait(lambda: paces(listener)[1:] == [(2, 13, False)])
    assert len(listener.of("tick")) == 13


def test_answer_of_an_earlier_round_does_not_count(held: tuple[ReplayBroker, RecordingListener]) -> None:
    broker, listener = held
    broker.release()
    listener.wait(lambda: len(paces(listener)) == 1)
    for node in ("s1", "s2"):
        broker.on_watermark(node, 1, 10)
    listener.wait(lambda: len(paces(listener)) == 2)
    broker.on_watermark("s1", 2, 20)
    broker.on_watermark("s2", 1, 20)
    broker.set_pacers(frozenset({"s1", "s2"}))  # wakes the replay; it must go on waiting
    assert not threading.Event().wait(0.05)
    assert len(paces(listener)) == 2
    broker.on_watermark("s2", 2, 20)
    listener.wait(lambda: len(paces(listener)) == 3)


# ------------------------------------------------------------------------------------------------- a person


def test_persons_order_trades_after_the_last_tick_told(held: tuple[ReplayBroker, RecordingListener]) -> None:
    broker, listener = held
    broker.release()
    listener.wait(lambda: len(paces(listener)) == 1)
    broker.submit(approved("A", ACCOUNT, "TXFK4"))
    for node in ("s1", "s2"):
        broker.on_watermark(node, 1, 2)
    listener.wait(lambda: len(paces(listener)) == 2)
    assert listener.of("fill") == []
    broker.set_pacers(frozenset())
    listener.wait(lambda: paces(listener)[-1][2])
    assert [fill.seq for fill in listener.of("fill")] == [11]


def test_paused_replay_takes_orders_and_goes_on_when_resumed(tmp_path: Path) -> None:
    broker = replay_of(day(tmp_path, *range(100, 140)))
    listener = RecordingListener()
    broker.pause()
    broker.start(listener)
    limit: dict[str, Any] = {"order_type": LIMIT, "time_in_force": ROD, "price": 90}
    broker.submit(approved("A", ACCOUNT, "TXFK4", **limit))
    listener.wait(lambda: len(listener.reports("A")) == 1)
    broker.replace(order("A", ACCOUNT, "TXFK4", **limit), 91, 0)
    listener.wait(lambda: len(listener.reports("A")) == 2)
    broker.cancel(order("A", ACCOUNT, "TXFK4", **limit))
    listener.wait(lambda: len(listener.reports("A")) == 3)
    assert [(item.status, item.price) for item in listener.reports("A")] == [
        (OrderStatus.ACCEPTED, 90),
        (OrderStatus.ACCEPTED, 91),
        (OrderStatus.CANCELLED, 91),
    ]
    assert listener.of("tick") == []
    with pytest.raises(BrokerRefused, match="not working"):
        broker.cancel(order("A", ACCOUNT, "TXFK4", **limit))
    broker.resume()
    listener.wait(lambda: len(listener.of("tick")) == 40)
    broker.close()


def test_speed_can_be_changed_while_it_runs(tmp_path: Path) -> None:
    broker = replay_of(day(tmp_path, *range(100, 160)), speed=0.001)
    listener = RecordingListener()
    broker.start(listener)
    listener.wait(lambda: len(listener.of("tick")) == 1)  # the next one is due in 1000 s
    broker.set_speed(0.0)
    listener.wait(lambda: paces(listener)[-1][2])
    broker.close()


def paused(folder: Path, count: int = 40, **options: Any) -> tuple[ReplayBroker, RecordingListener]:
    """A replay of one print a second, paused at its beginning."""
    broker, listener = replay_of(day(folder, *range(100, 100 + count)), **options), RecordingListener()
    broker.pause()
    broker.start(listener)
    return broker, listener


def test_steps_tell_one_print_or_a_minute_and_stay_paused(tmp_path: Path) -> None:
    broker, listener = paused(tmp_path, 180)
    assert broker.playback().state is PlaybackState.PAUSED
    broker.step()
    listener.wait(lambda: len(listener.of("tick")) == 1)
    broker.step_time(60 * 10**9)
    listener.wait(lambda: len(listener.of("tick")) == 61)
    broker.step_time(1)  # one print at least
    listener.wait(lambda: len(listener.of("tick")) == 62)
    found = broker.playback()
    assert (found.state, found.position, found.length) == (PlaybackState.PAUSED, 62, 180)
    assert found.elapsed_ns == 61 * 10**9
    assert found.now_ns == listener.of("tick")[-1][1]
    broker.close()


def test_a_step_pauses_a_replay_that_runs(tmp_path: Path) -> None:
    broker = replay_of(day(tmp_path, *range(100, 140)), speed=0.001)
    listener = RecordingListener()
    broker.start(listener)
    listener.wait(lambda: len(listener.of("tick")) == 1)
    assert broker.playback().state is PlaybackState.RUNNING
    broker.step()
    listener.wait(lambda: len(listener.of("tick")) == 2)
    assert broker.playback().state is PlaybackState.PAUSED
    broker.close()


def test_a_jump_ends_before_its_instant_and_then_it_stays_paused(tmp_path: Path) -> None:
    broker, listener = paused(tmp_path)
    first_ns = broker.tape.at(1).print.ts_event
    assert broker.jump(first_ns + 25 * 10**9)
    listener.wait(lambda: len(listener.of("tick")) == 25)
    assert broker.playback().state is PlaybackState.PAUSED
    assert not broker.jump(first_ns + 10 * 10**9)  # it never goes back
    assert broker.playback().position == 25
    broker.close()


def test_after_a_jump_a_running_replay_goes_on_at_its_speed(tmp_path: Path) -> None:
    broker = replay_of(day(tmp_path, *range(100, 160)), speed=0.001)
    listener = RecordingListener()
    broker.start(listener)
    listener.wait(lambda: len(listener.of("tick")) == 1)
    assert broker.jump(broker.tape.at(31).print.ts_event)
    listener.wait(lambda: len(listener.of("tick")) == 30)
    assert broker.playback().state is PlaybackState.RUNNING
    broker.close()


def test_a_jump_changes_no_decision(tmp_path: Path) -> None:
    """Orders of strategies on the way are decided by replay time: as without the jump."""
    prices = [22_800 + index * 7 % 31 for index in range(200)]
    plan = {5: [buy("A", 5)], 90: [buy("B", 90, side=Side.SELL)]}
    plain = replayed(day(tmp_path, *prices), Node("s1", dict(plan)))
    broker = replay_of(day(tmp_path, *prices), speed=0.001, chunk=17)
    market = Market(broker, Node("s1", dict(plan)))
    broker.set_pacers(frozenset({"s1"}))
    broker.start(market)
    market.wait(lambda: len(market.of("tick")) == 1)
    broker.jump(broker.tape.at(150).print.ts_event)
    market.wait(lambda: len(market.of("tick")) == 149)
    broker.set_speed(0.0)
    market.wait(lambda: market.is_ended)
    broker.close()
    assert market.outcome() == plain.outcome()


def test_paused_replay_lets_strategies_decide_what_they_were_told(
    held: tuple[ReplayBroker, RecordingListener],
) -> None:
    broker, listener = held
    broker.release()
    listener.wait(lambda: paces(listener) == [(1, 10, False)])
    broker.pause()
    for node in ("s1", "s2"):
        broker.on_watermark(node, 1, 4)  # signals stopped them at the fourth
    listener.wait(lambda: paces(listener)[1:] == [(2, 10, False)])
    for node in ("s1", "s2"):
        broker.on_watermark(node, 2, 10)
    broker.submit(approved("A", ACCOUNT, "TXFK4"))
    listener.wait(lambda: bool(listener.reports("A")))
    assert len(listener.of("tick")) == 10


def test_its_state_is_told_truthfully(held: tuple[ReplayBroker, RecordingListener]) -> None:
    broker, listener = held
    broker.release(("s1", "s2"))
    assert broker.playback().state is PlaybackState.WAITING
    for node in ("s1", "s2"):
        broker.on_watermark(node, 0, 0)
    listener.wait(lambda: paces(listener) == [(1, 10, False)])
    assert broker.playback().state is PlaybackState.RUNNING
    broker.jump(broker.tape.at(40).print.ts_event)
    assert broker.playback().state is PlaybackState.JUMPING
    broker.set_pacers(frozenset())
    listener.wait(lambda: paces(listener)[-1][2])
    assert broker.playback().state is PlaybackState.ENDED


def test_a_trial_match_fills_nothing(tmp_path: Path) -> None:
    open_ns = CALENDAR.session(date(2024, 11, 5), SessionKind.DAY).open_ns
    prints = [
        Print(open_ns, 100, 1),
        Print(open_ns + 1, 50, 9, int(TickFlag.TRIAL)),
        Print(open_ns + 2, 101, 1),
    ]
    broker = ReplayBroker(Tape({"TXFK4": prints}, CALENDAR), calendar=CALENDAR)
    market = Market(broker, Node("s1", {1: [buy("A", 1)]}))
    broker.set_pacers(frozenset({"s1"}))
    broker.start(market)
    market.wait(lambda: market.is_ended)
    broker.close()
    assert [(fill.price, fill.seq) for fill in market.of("fill")] == [(101, 3)]


def test_order_of_a_foreign_account_or_contract_is_refused(tmp_path: Path) -> None:
    broker = replay_of(day(tmp_path, 100))
    with pytest.raises(BrokerRefused, match="no account"):
        broker.submit(approved("A", "other", "TXFK4"))
    with pytest.raises(BrokerRefused, match="not replayed"):
        broker.submit(approved("A", ACCOUNT, "MXFK4"))
    broker.close()


# ------------------------------------------------------------------------------------------------ real data


def test_real_day_gives_the_expected_sessions(market_data: Path) -> None:
    with (market_data / "taifex" / "expected_sessions.csv").open() as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if (row["file"], row["product"], row["contract"]) == ("Daily_2024_11_05.zip", "TX", "202411")
        ]
    market = replayed(market_data / "taifex" / "Daily_2024_11_05.zip")
    ticks = market.of("tick")
    for row in rows:
        session = CALENDAR.session(date(2024, 11, 5), SessionKind(row["session"]))
        found = [item for item in ticks if session.contains(item[1])]
        prices = [item[2] for item in found]
        assert found[-1][4] == int(row["lots"]) == sum(item[3] for item in found)
        figures = len(found), prices[0], max(prices), min(prices), prices[-1]
        assert figures == tuple(int(row[key]) for key in ("rows", "open", "high", "low", "close"))
    assert {row["session"] for row in rows} == {"day", "night"}
