"""What risk is told of positions, working orders, the day's profit and what passed before."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, cast

import pytest

from engine.brokers.base import ApprovedOrder, Broker
from engine.gateway.exposure import Exposure
from engine.gateway.market import Market
from engine.gateway.publisher import TickPublisher
from engine.gateway.state import TradingState
from engine.model.books import Difference, DifferenceKind, LimitsChanged, PositionAdjusted
from engine.model.instrument import Instrument, instrument
from engine.model.market import Contract, HaltChanged, HaltDepth
from engine.model.order import Fill, Order, OrderStatus, OrderType, Side, TimeInForce
from engine.model.position import Account
from engine.model.session import SessionKind, TradingCalendar
from engine.settings import HaltRule, Risk, Wire
from engine.timing import NS_PER_S, ManualClock
from engine.wire.sockets import Publisher, tcp

CALENDAR = TradingCalendar()
MONDAY, TUESDAY, WEDNESDAY = date(2024, 11, 4), date(2024, 11, 5), date(2024, 11, 6)
DAY = CALENDAR.session(TUESDAY, SessionKind.DAY)
NOW = DAY.open_ns + 3600 * NS_PER_S
YESTERDAY = CALENDAR.session(MONDAY, SessionKind.DAY).close_ns
BEGIN = YESTERDAY + NS_PER_S
"""The first instant of Tuesday's trade date."""
TXF, MXF = "TXFK4", "MXFK4"


def made(symbol: str) -> Instrument:
    return instrument(symbol, near=TUESDAY, calendar=CALENDAR)


class StandingBroker:
    """A world that only tells its time and its contracts."""

    def __init__(self, clock: ManualClock, contracts: tuple[Contract, ...], is_paced: bool) -> None:
        self.clock, self.is_paced, self._contracts = clock, is_paced, contracts

    def contracts(self) -> tuple[Contract, ...]:
        return self._contracts


class World:
    """A ledger's state, a market and two clocks; :meth:`begun` starts the gateway's part, again if wanted."""

    def __init__(self, publisher: Publisher) -> None:
        self.publisher = publisher
        self.market_clock, self.seconds = ManualClock(NOW), 1000.0
        self.state = TradingState({TXF: made(TXF), MXF: made(MXF)})
        self.references = {TXF: 0, MXF: 0}
        self.is_reconciled = True
        self._number = 0
        self.ticks = TickPublisher(publisher, ring_ticks=1000)

    def begun(self, *, is_paced: bool = False, equity: Decimal | None = None) -> Exposure:
        self.ticks = TickPublisher(self.publisher, ring_ticks=1000)
        offered = tuple(
            Contract(symbol=symbol, product=symbol[:3], contract_month="202411", reference_price=price)
            for symbol, price in self.references.items()
        )
        broker = cast(Broker, StandingBroker(self.market_clock, offered, is_paced))
        market = Market(broker, CALENDAR, made, self.ticks)
        accounts = (Account(account="a", equity=equity), Account(account="b"))
        return Exposure(
            self.state, market, accounts, lambda: self.seconds, is_reconciled=lambda: self.is_reconciled
        )

    def trade(self, price: int, ts: int = NOW, symbol: str = TXF) -> None:
        self.ticks.take(symbol, ts, ts, price, 1, 1, 0)

    def fill(
        self, side: Side, lots: int, price: int, ts: int = NOW, *, symbol: str = TXF, account: str = "a"
    ) -> None:
        self._number += 1
        self.state.apply(
            Fill(
                fill_id=str(self._number),
                client_order_id="",
                account=account,
                symbol=symbol,
                side=side,
                price=price,
                quantity=lots,
                ts_event=ts,
            )
        )

    def order(self, side: Side = Side.BUY, lots: int = 1, **changes: Any) -> Order:
        self._number += 1
        values: dict[str, Any] = {
            "client_order_id": f"N{self._number:09}",
            "account": "a",
            "symbol": TXF,
            "order_type": OrderType.LIMIT,
            "time_in_force": TimeInForce.ROD,
            "price": 22_000,
            "ts_created": self.market_clock.now_ns(),
        }
        return Order(side=side, quantity=lots, **(values | changes))

    def working(self, side: Side, lots: int, **changes: Any) -> Order:
        order = self.order(side, lots, **({"status": OrderStatus.ACCEPTED} | changes))
        self.state.apply(order)
        return order

    def limit(self, **changes: Any) -> None:
        self.state.apply(LimitsChanged(limits=replace(self.state.limits, **changes), by="window"))

    def halt(self, depth: HaltDepth) -> None:
        self.state.apply(HaltChanged(depth=depth, by="window"))

    def wait(self, seconds: float) -> None:
        """Lets time pass on both clocks."""
        self.seconds += seconds
        self.market_clock.move_to(self.market_clock.now_ns() + int(seconds * NS_PER_S))


@pytest.fixture
def world() -> Iterator[World]:
    publisher = Publisher(tcp("127.0.0.1", 0), source="gateway", wire=Wire(encrypted=False), keys=None)
    yield World(publisher)
    publisher.close()


B, S = Side.BUY, Side.SELL


class TestLots:
    def test_working_entries_count_on_their_own_side(self, world: World) -> None:
        exposure = world.begun()
        world.fill(B, 3, 22_000)
        world.working(B, 2)
        world.working(S, 4, filled=1, status=OrderStatus.PARTIALLY_FILLED)
        world.working(B, 1, is_external=True, client_order_id="@9")
        world.working(S, 3, reduce_only=True)
        world.working(B, 7, account="b")
        world.fill(B, 9, 22_000, account="b")
        buying, selling = (exposure.context(world.order(side), made(TXF)) for side in (B, S))
        assert (buying.net, buying.working, buying.opposing) == (3, 3, -3)
        assert (selling.net, selling.working, selling.opposing) == (3, -3, 3)

    def test_an_order_whose_price_is_changed_does_not_count_twice(self, world: World) -> None:
        exposure = world.begun()
        order = world.working(B, 5)
        assert exposure.context(order, made(TXF)).working == 0

    def test_other_contracts_count_at_their_worst(self, world: World) -> None:
        exposure = world.begun()
        world.fill(S, 3, 22_000, symbol=MXF)
        world.working(S, 2, symbol=MXF)
        world.working(B, 4, symbol=MXF)
        context = exposure.context(world.order(), made(TXF))
        assert (context.net, context.other_lots, context.other_margin) == (0, 5, 5 * 80_500)

    def test_a_margin_that_is_not_known_is_not_guessed(self, world: World) -> None:
        exposure = world.begun(equity=Decimal(1))
        world.limit(margin_per_lot=("TXF=322000",))
        world.fill(B, 1, 22_000, symbol=MXF)
        context = exposure.context(world.order(), made(TXF))
        assert (context.other_margin, context.equity) == (None, Decimal(1))
        world.fill(S, 1, 22_000, symbol=MXF)
        assert exposure.context(world.order(), made(TXF)).other_margin == 0


class TestNow:
    def test_the_limits_are_those_of_the_ledger(self, world: World) -> None:
        exposure = world.begun()
        world.limit(max_order_lots=3)
        assert exposure.context(world.order(), made(TXF)).limits == Risk(max_order_lots=3)

    def test_the_broker_must_have_been_asked(self, world: World) -> None:
        exposure = world.begun()
        world.is_reconciled = False
        assert not exposure.context(world.order(), made(TXF)).is_reconciled

    @pytest.mark.parametrize(
        ("kind", "expected"),
        [
            (DifferenceKind.POSITION, ("1", "2")),
            (DifferenceKind.FILL, ("1", "2")),
            (DifferenceKind.ORDER, None),
            (DifferenceKind.EXTERNAL_ORDER, None),
        ],
    )
    def test_other_lots_at_the_broker_count_for_their_contract(
        self, world: World, kind: DifferenceKind, expected: tuple[str, str] | None
    ) -> None:
        exposure = world.begun()
        found = Difference(kind=kind, account="a", symbol=TXF, ours="1", theirs="2")
        world.state.apply(found)
        assert exposure.context(world.order(), made(TXF)).difference == expected
        assert exposure.context(world.order(symbol=MXF), made(MXF)).difference is None
        assert exposure.context(world.order(account="b"), made(TXF)).difference is None
        world.state.apply(replace(found, is_settled=True))
        assert exposure.context(world.order(), made(TXF)).difference is None

    def test_the_session_of_the_contract_closes(self, world: World) -> None:
        exposure = world.begun()
        settlement = CALENDAR.session(date(2024, 11, 20), SessionKind.DAY)
        for ts, symbol, expected in [
            (DAY.close_ns - 90 * NS_PER_S, TXF, 90.0),
            (DAY.close_ns, TXF, 0.0),
            (DAY.close_ns + NS_PER_S // 2, TXF, 0.0),
            (DAY.close_ns + NS_PER_S, TXF, None),
            (DAY.open_ns - 60 * NS_PER_S, TXF, None),
            (settlement.close_ns - 1000 * NS_PER_S, TXF, 100.0),
            (settlement.close_ns - 1000 * NS_PER_S, "TXFL4", 1000.0),
        ]:
            order = world.order(symbol=symbol, ts_created=ts)
            assert exposure.context(order, made(symbol)).closes_in_s == expected


class TestDayProfit:
    """TXF: 200 TWD a point; 20 TWD a side and 0.00002 of the value."""

    def test_what_is_opened_today_counts_from_its_price_with_all_costs(self, world: World) -> None:
        exposure = world.begun()
        world.fill(B, 1, 22_800)
        world.trade(22_790)
        assert exposure.day_pnl("a") == Decimal("-2222.36")  # 10 points, two fees, tax of 22,800 and 22,790
        assert exposure.day_pnl("b") == 0

    def test_what_was_held_counts_from_the_last_price_before_the_trade_date(self, world: World) -> None:
        world.market_clock = ManualClock(YESTERDAY - 10 * NS_PER_S)
        exposure = world.begun()
        world.fill(B, 1, 22_000, YESTERDAY - 100 * NS_PER_S)
        world.trade(22_100, YESTERDAY)
        world.market_clock.move_to(NOW)
        world.trade(22_050)
        assert exposure.day_pnl("a") == Decimal("-9999.80")  # 50 points, and 0.20 less tax to close it

    def test_late_looks_do_not_move_the_first_price(self, world: World) -> None:
        """The program slept over the open: what was traded since is no price of the day before."""
        world.market_clock = ManualClock(YESTERDAY - 10 * NS_PER_S)
        exposure = world.begun()
        world.fill(B, 1, 22_000, YESTERDAY - 100 * NS_PER_S)
        world.trade(22_100, YESTERDAY)
        for price in (22_090, 22_070, 22_050):
            world.trade(price, NOW)
        world.market_clock.move_to(NOW)
        assert exposure.day_pnl("a") == Decimal("-9999.80")

    def test_after_a_restart_the_reference_price_stands_for_it(self, world: World) -> None:
        world.references[TXF] = 22_100
        world.fill(B, 1, 22_000, YESTERDAY - 100 * NS_PER_S)
        world.fill(S, 1, 22_080, NOW - NS_PER_S)
        exposure = world.begun()
        world.trade(22_050)
        # 20 points down, the fee and tax of closing were already taken off the day before
        assert exposure.day_pnl("a") == Decimal("-4000") + Decimal("0.08")

    def test_without_any_price_of_then_the_last_traded_one_stands_for_it(self, world: World) -> None:
        world.fill(B, 1, 21_000, YESTERDAY - 100 * NS_PER_S)
        world.fill(B, 1, 22_000, YESTERDAY - 50 * NS_PER_S)
        exposure = world.begun()
        assert exposure.day_pnl("a") == 0
        world.trade(22_010)
        assert exposure.day_pnl("a") == Decimal("4000") - Decimal("0.08")

    def test_before_the_first_tick_of_a_run_what_was_traded_today_is_the_price(self, world: World) -> None:
        world.references[TXF] = 22_100
        world.fill(B, 1, 23_000, NOW)
        exposure = world.begun()
        assert exposure.day_pnl("a") == Decimal("-224")  # the costs of 23,000 alone, not 900 points

    def test_lots_taken_over_count_from_their_price(self, world: World) -> None:
        exposure = world.begun()
        event = PositionAdjusted(account="a", symbol=TXF, lots=2, price=22_000, ts_event=NOW)
        world.state.apply(event)
        world.trade(22_010)
        assert exposure.day_pnl("a") == 4000 - 2 * 20 - Decimal("0.00002") * 22_010 * 200 * 2

    def test_lots_taken_over_before_are_worth_what_they_were_then(self, world: World) -> None:
        world.references[TXF] = 22_100
        world.state.apply(
            PositionAdjusted(account="a", symbol=TXF, lots=-1, price=22_000, ts_event=YESTERDAY - NS_PER_S)
        )
        exposure = world.begun()
        world.trade(22_090)
        assert exposure.day_pnl("a") == Decimal("2000") + Decimal("0.04")

    def test_the_night_session_belongs_to_the_next_day(self, world: World) -> None:
        exposure = world.begun()
        world.fill(S, 1, 22_800)
        world.trade(22_900)
        lost = exposure.day_pnl("a")
        assert lost < -20_000
        world.market_clock.move_to(DAY.close_ns + NS_PER_S - 1)
        assert exposure.day_pnl("a") == lost
        world.market_clock.move_to(DAY.close_ns + NS_PER_S)
        assert exposure.day_pnl("a") == 0

    def test_rules_are_told_only_where_there_is_a_limit(self, world: World) -> None:
        exposure = world.begun()
        world.fill(B, 1, 22_800)
        world.trade(22_790)
        assert exposure.context(world.order(), made(TXF)).day_pnl is None
        world.limit(max_daily_loss=1)
        assert exposure.context(world.order(), made(TXF)).day_pnl == Decimal("-2222.36")


def passed(world: World, exposure: Exposure, **changes: Any) -> Order:
    """An entry of a strategy that passes risk and is written."""
    order = world.order(signal_id=f"c/entry/{world.seconds}", **changes)
    exposure.passed(ApprovedOrder(order))
    world.state.apply(replace(order, status=OrderStatus.ACCEPTED))
    return order


def counts(world: World, exposure: Exposure) -> tuple[int, int]:
    context = exposure.context(world.order(), made(TXF))
    return context.minute_entries, context.day_entries


class TestCounts:
    def test_an_entry_counts_for_a_minute_and_for_the_trade_date(self, world: World) -> None:
        exposure = world.begun()
        passed(world, exposure)
        world.wait(59.0)
        passed(world, exposure)
        assert counts(world, exposure) == (2, 2)
        world.wait(1.0)
        assert counts(world, exposure) == (1, 2)
        world.wait(60.0)
        assert counts(world, exposure) == (0, 2)
        world.market_clock.move_to(CALENDAR.session(WEDNESDAY, SessionKind.NIGHT).open_ns)
        assert counts(world, exposure) == (0, 0)

    def test_exits_do_not_count(self, world: World) -> None:
        exposure = world.begun()
        exposure.passed(ApprovedOrder(world.order(reduce_only=True), is_reducing=True))
        assert counts(world, exposure) == (0, 0)

    def test_a_restart_finds_them_in_the_ledger(self, world: World) -> None:
        first = world.begun()
        passed(world, first, ts_created=BEGIN - 1)
        passed(world, first, ts_created=BEGIN)
        world.wait(30.0)
        passed(world, first)
        for changes in (
            {"reduce_only": True, "status": OrderStatus.FILLED},
            {"is_external": True, "status": OrderStatus.ACCEPTED},
            {"status": OrderStatus.DENIED},
        ):
            world.state.apply(world.order(**changes))
        world.wait(29.0)
        again = world.begun()
        assert counts(world, again) == (1, 2)
        world.wait(30.9)
        assert counts(world, again) == (1, 2)
        world.wait(0.2)
        assert counts(world, again) == (0, 2)

    def test_a_replay_counts_its_own_minutes(self, world: World) -> None:
        """However fast it runs: no second passes on the wall."""
        exposure = world.begun(is_paced=True)
        exposure.passed(ApprovedOrder(world.order(ts_created=NOW)))
        for later, expected in [(0, 1), (59, 1), (60, 0)]:
            order = world.order(ts_created=NOW + later * NS_PER_S)
            assert exposure.context(order, made(TXF)).minute_entries == expected


class TestRepeats:
    @pytest.fixture
    def repeated(self, world: World) -> Callable[..., float | None]:
        """How long before the same was sent, for an order that differs from the last in what is given."""
        exposure = world.begun()
        exposure.passed(ApprovedOrder(world.order()))
        world.seconds += 0.25
        return lambda **changes: exposure.context(world.order(**changes), made(TXF)).repeated_after_s

    def test_the_same_again(self, repeated: Callable[..., float | None]) -> None:
        assert repeated() == 0.25

    @pytest.mark.parametrize(
        "changes",
        [
            {"side": S},
            {"lots": 2},
            {"price": 22_001},
            {"order_type": OrderType.MARKET},
            {"account": "b"},
            {"symbol": MXF},
            {"signal_id": "c/entry/1"},
        ],
    )
    def test_anything_else_is_another_order(
        self, repeated: Callable[..., float | None], changes: dict[str, Any]
    ) -> None:
        assert repeated(**changes) is None

    def test_a_strategys_order_in_between_changes_nothing(self, world: World) -> None:
        exposure = world.begun()
        exposure.passed(ApprovedOrder(world.order()))
        passed(world, exposure, lots=3)
        assert exposure.context(world.order(), made(TXF)).repeated_after_s == 0.0

    def test_a_second_click_on_close_is_not_an_entry_the_other_way(self, world: World) -> None:
        exposure = world.begun()
        exposure.passed(ApprovedOrder(world.order(S), is_reducing=True))
        assert exposure.context(world.order(S), made(TXF)).repeated_after_s == 0.0

    def test_what_was_refused_was_not_sent(self, world: World) -> None:
        exposure = world.begun()
        exposure.context(world.order(), made(TXF))
        assert exposure.context(world.order(), made(TXF)).repeated_after_s is None


class TestLoss:
    @pytest.fixture
    def losing(self, world: World) -> Exposure:
        """An account that has lost 2,222.36 TWD today."""
        exposure = world.begun()
        world.fill(B, 1, 22_800)
        world.trade(22_790)
        return exposure

    @pytest.mark.parametrize(("limit", "is_reached"), [(0, False), (2222, True), (2223, False)])
    def test_is_reached_at_the_limit(self, losing: Exposure, limit: int, is_reached: bool) -> None:
        assert bool(losing.loss_reached(Risk(max_daily_loss=limit))) is is_reached

    def test_is_told_with_both_figures(self, losing: Exposure) -> None:
        text = "account a has lost 2,222 TWD in the trade date 2024-11-05, the limit is 2,000 TWD"
        assert losing.loss_reached(Risk(max_daily_loss=2000)) == text

    def test_each_account_counts_for_itself(self, world: World, losing: Exposure) -> None:
        world.fill(S, 9, 22_800, account="b")
        assert losing.day_pnl("b") > 0
        assert losing.loss_reached(Risk(max_daily_loss=2000)).startswith("account a has lost")

    @pytest.mark.parametrize("rule", [HaltRule.NO_ENTRIES, HaltRule.CANCEL_WORKING, HaltRule.FLATTEN])
    def test_halts_as_deep_as_the_limits_say_until_it_is(
        self, world: World, losing: Exposure, rule: HaltRule
    ) -> None:
        assert losing.rule_halt() is None
        world.limit(max_daily_loss=2000, daily_loss_halt=rule)
        for _ in range(2):  # as long as nobody halts
            found = losing.rule_halt()
            assert found is not None
            assert found[0] is rule
            assert "lost 2,222 TWD" in found[1]
            assert "limit is 2,000 TWD" in found[1]
        world.halt(HaltDepth[rule.name])
        assert losing.rule_halt() is None

    def test_a_shallower_halt_is_not_enough(self, world: World, losing: Exposure) -> None:
        world.limit(max_daily_loss=2000, daily_loss_halt=HaltRule.FLATTEN)
        world.halt(HaltDepth.CANCEL_WORKING)
        found = losing.rule_halt()
        assert found is not None
        assert found[0] is HaltRule.FLATTEN

    def test_only_refuses_entries_where_the_limits_say_so(self, world: World, losing: Exposure) -> None:
        world.limit(max_daily_loss=2000, daily_loss_halt=HaltRule.NONE)
        assert losing.rule_halt() is None
        assert losing.context(world.order(), made(TXF)).day_pnl == Decimal("-2222.36")

    def test_a_person_who_resumes_is_not_overruled(self, world: World, losing: Exposure) -> None:
        world.limit(max_daily_loss=2000)
        assert losing.rule_halt() is not None
        world.halt(HaltDepth.NO_ENTRIES)
        assert losing.rule_halt() is None
        world.halt(HaltDepth.NONE)
        assert losing.rule_halt() is None

    def test_but_a_limit_that_is_reached_anew_halts_anew(self, world: World, losing: Exposure) -> None:
        world.limit(max_daily_loss=2000)
        world.halt(HaltDepth.NO_ENTRIES)
        assert losing.rule_halt() is None
        world.halt(HaltDepth.NONE)
        world.trade(22_800)
        assert losing.rule_halt() is None
        world.trade(22_790)
        assert losing.rule_halt() is not None

    def test_and_so_does_another_limit(self, world: World, losing: Exposure) -> None:
        world.limit(max_daily_loss=2000)
        world.halt(HaltDepth.NO_ENTRIES)
        assert losing.rule_halt() is None
        world.halt(HaltDepth.NONE)
        world.limit(max_daily_loss=2100)
        assert losing.rule_halt() is not None

    def test_the_next_trade_date_begins_with_nothing_lost(self, world: World, losing: Exposure) -> None:
        world.limit(max_daily_loss=2000)
        assert losing.rule_halt() is not None
        world.market_clock.move_to(DAY.close_ns + NS_PER_S)
        assert losing.rule_halt() is None
