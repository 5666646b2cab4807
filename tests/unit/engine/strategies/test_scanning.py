"""What stands out in a contract: made ticks for each kind of finding, and a real day for what they are worth."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from engine.model.bar import Bar
from engine.model.condition import Condition, ConditionSpec, ConditionState
from engine.model.order import Side
from engine.model.scan import ScanHit, ScanKind
from engine.model.session import SessionKind, TradingCalendar
from engine.model.tick import Tick, TickFlag
from engine.strategies.bars import BarBuilder
from engine.strategies.scanning import GAP_NS, QUIET_NS, SETTLE_NS, ContractScan, ranked
from engine.timing import NS_PER_S
from tests.unit.engine.strategies.test_bars import outright_prints

CALENDAR = TradingCalendar()
MINUTE = 60 * NS_PER_S
DAY = CALENDAR.session(date(2024, 11, 5), SessionKind.DAY)
NIGHT = CALENDAR.session(date(2024, 11, 5), SessionKind.NIGHT)
SYMBOL = "TXFK4"
CALM = 23_000
EXTREMES = {ScanKind.SESSION_HIGH, ScanKind.SESSION_LOW}
GAPS = {ScanKind.GAP_UP, ScanKind.GAP_DOWN}


class Market:
    """Prints of one contract, numbered and counted as the exchange does; times are minutes of the day session.

    Args:
        missed: lots of the session before the first print.
    """

    def __init__(self, *, missed: int = 0) -> None:
        self.scan = ContractScan(SYMBOL, CALENDAR)
        self.now_ns = DAY.open_ns
        self._seq, self._lots = 0, missed

    def print(self, minute: float, price: int, lots: int = 1, flags: int = 0) -> None:
        self._seq += 1
        self._lots += lots
        self.now_ns = DAY.open_ns + round(minute * MINUTE)
        self.scan.add(
            Tick(
                symbol=SYMBOL,
                seq=self._seq,
                ts_event=self.now_ns,
                ts_recv=self.now_ns,
                price=price,
                quantity=lots,
                total_volume=self._lots,
                flags=flags,
            )
        )

    def calm(self, begin: int, end: int, price: int = CALM, lots: int = 10) -> None:
        """A print of each side in every minute."""
        for minute in range(begin, end):
            self.print(minute, price, lots)
            self.print(minute + 0.5, price + 2, lots)

    def hits(self, conditions: Iterable[Condition] = (), later_ns: int = 0) -> dict[ScanKind, ScanHit]:
        return {hit.kind: hit for hit in self.scan.hits(self.now_ns + later_ns, conditions)}


def night(low: int, high: int) -> list[Bar]:
    """The session before, from end to end, with two turns at each of its prices."""
    prices = (low, high)
    return [
        Bar(
            symbol=SYMBOL,
            trade_date=NIGHT.trade_date,
            session=NIGHT.kind,
            start_ns=start,
            span_ns=MINUTE,
            open=price,
            high=price,
            low=price,
            close=price,
            volume=1,
            trades=1,
        )
        for at, start in enumerate(range(NIGHT.open_ns, NIGHT.close_ns, MINUTE))
        for price in [prices[at // 60 % 2]]
    ]


def condition(trigger: int, state: ConditionState = ConditionState.ARMED, symbol: str = SYMBOL) -> Condition:
    spec = ConditionSpec(
        condition_id=f"C{trigger}", account="A", symbol=symbol, action=Side.BUY, trigger_price=trigger
    )
    return Condition(spec=spec, state=state, trigger=trigger)


# ------------------------------------------------------------------------------------------- conditions


def test_an_armed_condition_near_the_price_is_told_and_the_nearer_the_higher() -> None:
    market = Market()
    market.print(1, CALM)
    near, nearer = condition(CALM - 20), condition(CALM + 1)
    found = {hit.condition_id: hit for hit in market.scan.hits(market.now_ns, [near, nearer])}
    assert found[near.condition_id].level == CALM - 20
    assert found[near.condition_id].price == CALM
    assert found[nearer.condition_id].score > found[near.condition_id].score > 600


def test_conditions_far_away_not_armed_or_of_other_contracts_are_not() -> None:
    market = Market()
    market.print(1, CALM)
    others = [
        condition(CALM - 24),
        condition(CALM, ConditionState.DRAFT),
        condition(CALM, ConditionState.OPEN),
        condition(CALM, symbol="MXFK4"),
    ]
    assert market.hits(others) == {}


# ---------------------------------------------------------------------------------------- new high, new low


def test_new_highs_and_lows_of_the_session_are_told_for_a_while_and_fade() -> None:
    market = Market()
    market.calm(0, 20)
    assert not EXTREMES & market.hits().keys()
    market.print(20, CALM + 30)
    market.print(20.1, CALM + 20)
    first = market.hits()[ScanKind.SESSION_HIGH]
    assert (first.level, first.price) == (CALM + 30, CALM + 20)
    market.print(21.5, CALM - 30)
    both = market.hits()
    assert both[ScanKind.SESSION_LOW].level == CALM - 30
    assert both[ScanKind.SESSION_HIGH].score < first.score
    market.print(26, CALM)
    assert market.hits().keys() & EXTREMES == {ScanKind.SESSION_LOW}
    market.print(27, CALM)
    assert not EXTREMES & market.hits().keys()


def test_equal_highs_are_not_new() -> None:
    market = Market()
    market.calm(0, 30)
    assert not EXTREMES & market.hits().keys()


def test_the_first_prints_of_a_session_are_no_new_highs() -> None:
    market = Market()
    for minute in range(int(SETTLE_NS // MINUTE)):
        market.print(minute, CALM + minute)
    assert not EXTREMES & market.hits().keys()


def test_who_joined_late_does_not_claim_a_new_high_until_the_past_is_known() -> None:
    market = Market(missed=420)  # the exchange counted twice the lots
    market.calm(60, 80)
    market.print(80, CALM + 50)
    assert not EXTREMES & market.hits().keys()
    market.scan.add_past(bars_of_day(0, 60, high=CALM + 60, lots=7))
    market.print(80.1, CALM + 51)
    assert not EXTREMES & market.hits().keys(), "it was higher before"
    market.print(80.2, CALM + 61)
    assert market.hits()[ScanKind.SESSION_HIGH].level == CALM + 61


def bars_of_day(begin: int, end: int, *, high: int, lots: int = 1) -> list[Bar]:
    return [
        replace(
            night(CALM, CALM)[0],
            session=DAY.kind,
            start_ns=DAY.open_ns + minute * MINUTE,
            open=CALM,
            high=high,
            volume=lots,
        )
        for minute in range(begin, end)
    ]


@pytest.mark.parametrize("is_over", [False, True])
def test_the_bar_of_the_first_minute_tells_what_came_before_its_first_print(is_over: bool) -> None:
    market = Market(missed=72)
    market.print(60.7, CALM, lots=10)
    assert market.scan.first_ns == DAY.open_ns + 60 * MINUTE
    if is_over:
        market.print(61, CALM)
    market.scan.add_past([*bars_of_day(0, 60, high=CALM), *bars_of_day(60, 61, high=CALM + 40, lots=22)])
    for price in (CALM + 20, CALM + 40):
        market.print(61.1, price)
        assert not EXTREMES & market.hits().keys()
    market.print(61.2, CALM + 41)
    assert market.hits()[ScanKind.SESSION_HIGH].level == CALM + 41


def test_trial_matches_and_known_numbers_change_nothing() -> None:
    market = Market()
    market.calm(0, 20)
    market.print(20, CALM + 500, flags=TickFlag.TRIAL)
    assert not EXTREMES & market.hits().keys()
    stale = Tick(symbol=SYMBOL, seq=3, ts_event=market.now_ns, ts_recv=0, price=CALM + 500, quantity=1)
    market.scan.add(stale)
    assert not EXTREMES & market.hits().keys()


# ------------------------------------------------------------------------------------------------- surges


def test_a_minute_with_several_times_the_lots_and_range_is_a_surge_even_before_it_is_over() -> None:
    market = Market()
    market.calm(0, 20)
    market.print(20, CALM, lots=59)
    assert ScanKind.VOLUME_SURGE not in market.hits()
    market.print(20.2, CALM, lots=1)
    assert market.hits()[ScanKind.VOLUME_SURGE].score > 0
    market.print(20.3, CALM + 12)
    assert market.hits()[ScanKind.RANGE_SURGE].ts_event == market.now_ns
    market.print(22.5, CALM)
    assert not {ScanKind.VOLUME_SURGE, ScanKind.RANGE_SURGE} & market.hits().keys()


def test_without_enough_minutes_before_it_nothing_is_a_surge() -> None:
    market = Market()
    market.calm(0, 9)
    market.print(9, CALM + 100, lots=1000)
    assert not {ScanKind.VOLUME_SURGE, ScanKind.RANGE_SURGE} & market.hits().keys()


def test_a_few_lots_are_no_surge_where_there_were_next_to_none() -> None:
    market = Market()
    market.calm(0, 20, lots=1)
    market.print(20, CALM, lots=19)
    assert ScanKind.VOLUME_SURGE not in market.hits()


# --------------------------------------------------------------------------------------------------- gaps


def test_a_gap_is_told_while_it_is_open() -> None:
    market = Market()
    market.scan.add_past(night(22_900, 22_950))
    market.print(0, CALM)
    found = market.hits()[ScanKind.GAP_UP]
    assert (found.level, found.price) == (22_950, CALM)
    market.print(1, 22_949)
    assert not GAPS & market.hits().keys(), "it is closed"


def test_a_gap_down_mirrors_it_and_ends_with_its_hour() -> None:
    market = Market()
    market.print(0, CALM)
    market.scan.add_past(night(23_050, 23_100))
    assert market.hits()[ScanKind.GAP_DOWN].level == 23_050
    market.print(GAP_NS // MINUTE, CALM)
    assert not GAPS & market.hits().keys()


def test_an_open_inside_of_the_range_before_is_no_gap_and_neither_is_an_unknown_one() -> None:
    market = Market()
    market.print(0, CALM)
    market.scan.add_past(night(22_900, 23_100))
    assert not GAPS & market.hits().keys()
    late = Market()
    late.print(0, CALM)
    late.scan.add_past(night(22_900, 22_950)[10:])
    assert not GAPS & late.hits().keys(), "its first minutes are not known"


# ------------------------------------------------------------------------------------------------- levels


def test_a_level_of_past_bars_is_a_support_below_the_price_and_a_resistance_above_it() -> None:
    market = Market()
    market.scan.add_past(night(22_900, 22_950))
    market.print(0, 22_905)
    found = market.hits()
    assert found[ScanKind.NEAR_SUPPORT].level == 22_900
    assert ScanKind.NEAR_RESISTANCE not in found
    market.print(1, 22_941)
    found = market.hits()
    assert found[ScanKind.NEAR_RESISTANCE].level == 22_950
    assert ScanKind.NEAR_SUPPORT not in found


def test_bars_of_now_change_nothing_in_what_is_known() -> None:
    market = Market()
    market.calm(0, 20)
    before = market.hits()
    market.scan.add_past(bars_of_day(5, 30, high=CALM + 400))
    assert market.hits() == before


# ------------------------------------------------------------------------------------------------ silence


def test_a_contract_that_is_quiet_or_closed_has_nothing_to_tell() -> None:
    market = Market()
    assert market.hits() == {}
    market.print(298, CALM)
    armed = [condition(CALM)]
    assert market.hits(armed)
    assert not market.hits(armed, later_ns=QUIET_NS + 1)
    market.print(299.9, CALM)
    assert not market.hits(armed, later_ns=MINUTE), "the session is over"


def test_hits_are_ranked_the_best_first_and_only_so_many() -> None:
    made = [ScanHit(symbol=f"S{at:02}", kind=ScanKind.GAP_UP, price=1, score=at % 40) for at in range(80)]
    told = ranked(made)
    assert len(told) == 50
    assert [hit.score for hit in told] == sorted((hit.score for hit in made), reverse=True)[:50]
    assert ranked(reversed(made)) == told
    assert all(hit.score for hit in ranked(made, 80))


# ---------------------------------------------------------------------------------------------- a real day


@pytest.fixture(scope="module")
def prints(market_data: Path) -> list[Tick]:
    """The front month of 2024-11-05, its night session first."""
    found = outright_prints(market_data / "taifex" / "Daily_2024_11_05.zip")["202411"]
    return [replace(tick, symbol=SYMBOL) for tick in found]


def told(prints: list[Tick], scan: ContractScan) -> Iterator[tuple[int, list[ScanHit]]]:
    """What is told each second of market time."""
    due = 0
    for tick in prints:
        scan.add(tick)
        if tick.ts_event >= due:
            due = tick.ts_event + NS_PER_S
            yield tick.ts_event, scan.hits(tick.ts_event)


def test_the_last_new_high_and_low_of_each_session_are_those_of_the_exchange(
    market_data: Path, prints: list[Tick]
) -> None:
    last: dict[tuple[SessionKind, ScanKind], int] = {}
    for now_ns, hits in told(prints, ContractScan(SYMBOL, CALENDAR)):
        session = CALENDAR.session_at(now_ns)
        assert session
        last |= {(session.kind, hit.kind): hit.level for hit in hits if hit.kind in EXTREMES}
    with (market_data / "taifex" / "expected_sessions.csv").open(encoding="utf-8") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if (row["trade_date"], row["product"], row["contract"]) == ("2024-11-05", "TX", "202411")
        ]
    expected = {}
    for row in rows:
        kind = SessionKind(row["session"])
        expected[kind, ScanKind.SESSION_HIGH] = int(float(row["high"]))
        expected[kind, ScanKind.SESSION_LOW] = int(float(row["low"]))
    first = CALENDAR.session(date(2024, 11, 5), SessionKind.DAY).open_ns + SETTLE_NS
    day = [tick.price for tick in prints if tick.ts_event >= DAY.open_ns]
    early = [tick.price for tick in prints if DAY.open_ns <= tick.ts_event < first]
    assert min(day) == min(early), "the day's low was made before it counts"
    assert last == {key: value for key, value in expected.items() if key != (DAY.kind, ScanKind.SESSION_LOW)}


def test_the_spike_of_that_morning_is_a_surge_of_volume_and_range(prints: list[Tick]) -> None:
    """At 09:43:43 the front month rose by some 200 points within a second."""
    spike_ns = DAY.open_ns + 58 * MINUTE + 43 * NS_PER_S
    for now_ns, hits in told(prints, ContractScan(SYMBOL, CALENDAR)):
        if now_ns >= spike_ns + 2 * NS_PER_S:
            kinds = {hit.kind for hit in hits}
            assert {ScanKind.SESSION_HIGH, ScanKind.VOLUME_SURGE, ScanKind.RANGE_SURGE} <= kinds
            return


def test_who_joins_at_the_day_session_and_hears_of_the_night_tells_the_same(prints: list[Tick]) -> None:
    whole, late = ContractScan(SYMBOL, CALENDAR), ContractScan(SYMBOL, CALENDAR)
    builder = BarBuilder(MINUTE, CALENDAR)
    night_prints = [tick for tick in prints if tick.ts_event < DAY.open_ns]
    past = [bar for tick in night_prints if (bar := builder.add(tick)) is not None]
    if (bar := builder.close_due(DAY.open_ns)) is not None:
        past.append(bar)
    for tick in night_prints:
        whole.add(tick)
    whole.pass_time(DAY.open_ns)
    compared = 0
    for at, tick in enumerate(prints[len(night_prints) :]):
        whole.add(tick)
        late.add(tick)
        if at == 200:
            late.add_past(past)
        if at > 200 and at % 500 == 0:
            compared += 1
            assert late.hits(tick.ts_event) == whole.hits(tick.ts_event)
    assert compared > 50
