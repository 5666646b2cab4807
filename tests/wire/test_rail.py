"""Both rails of ticks: whatever is dropped, doubled or late, the sequence is true or says what it lacks."""

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import DecodeError, RequestTimeout
from engine.model.order import Reason
from engine.model.tick import Tick
from engine.wire.messages import GetHistory, GetTicks, HistoryKind, HistoryPage, Refused, Ticks
from engine.wire.rail import DualRail, Missing, Output, Question, RailLimits, ticks_of

SYMBOL = "TXFK4"
RUN = 1_730_770_000_000_000_000
NAMES = ("seq", "ts_event", "ts_recv", "price", "quantity", "total_volume", "flags")
LIMITS = RailLimits(page=4, held=3, answer_s=2.0, again_s=0.5, patience_s=5.0, silence_s=5.0)


def tick(seq: int) -> Tick:
    return Tick(
        symbol=SYMBOL,
        seq=seq,
        ts_event=RUN + seq,
        ts_recv=RUN + 2 * seq,
        price=22_000 - seq,
        quantity=1 + seq % 3,
        total_volume=10 * seq,
        flags=seq % 2,
    )


def ticks(*seqs: int) -> tuple[Tick, ...]:
    return tuple(tick(seq) for seq in seqs)


def from_ring(kept: Iterable[int], question: Question) -> Ticks:
    """What the gateway answers that keeps these."""
    kept = sorted(kept)
    later = [seq for seq in kept if seq > question.after_seq]
    found = ticks(*later[: question.limit])
    first = kept[0] if kept else 0
    is_complete = len(found) == len(later)
    return Ticks(symbol=SYMBOL, ticks=found, first_available=first, is_complete=is_complete)


def from_store(kept: Iterable[int], question: Question) -> HistoryPage:
    """What the recorder answers that keeps these."""
    assert isinstance(question, GetHistory)
    assert (question.kind, question.run) == (HistoryKind.TICKS, RUN)
    later = sorted(seq for seq in kept if seq > question.after_seq)
    found = ticks(*later[: question.limit])
    columns = {name: struct.pack(f"<{len(found)}q", *(getattr(item, name) for item in found)) for name in NAMES}
    return HistoryPage(
        kind=HistoryKind.TICKS,
        symbol=SYMBOL,
        rows=len(found),
        columns=columns,
        is_complete=len(found) == len(later),
    )


def ring(after_seq: int, limit: int = LIMITS.page) -> GetTicks:
    return GetTicks(symbol=SYMBOL, after_seq=after_seq, limit=limit)


def store(after_seq: int, limit: int) -> GetHistory:
    return GetHistory(kind=HistoryKind.TICKS, symbol=SYMBOL, run=RUN, after_seq=after_seq, limit=limit)


def only(outputs: list[Output]) -> Question:
    """The question that is all there is to do."""
    (question,) = outputs
    assert isinstance(question, Question)
    return question


SILENCE = RequestTimeout("no answer")
BUSY = Refused(code=Reason.TOO_MANY_REQUESTS, text="ask less often")


# --- one thing at a time -----------------------------------------------------------------------------------------


def test_ticks_in_order_pass_at_once() -> None:
    rail = DualRail(SYMBOL)
    assert [rail.live(tick(seq), 0.0) for seq in (1, 2, 3)] == [[tick(1)], [tick(2)], [tick(3)]]
    assert (rail.last, rail.gaps) == (3, 0)


def test_a_tick_that_came_already_is_dropped() -> None:
    rail = DualRail(SYMBOL, last=7)
    assert rail.live(tick(7), 0.0) == rail.live(tick(3), 0.0) == []


def test_a_hole_is_asked_of_the_ring_and_what_is_behind_it_waits() -> None:
    rail = DualRail(SYMBOL, last=1, run=RUN, limits=LIMITS)
    question = only(rail.live(tick(4), 0.0))
    assert question == ring(after_seq=1)
    assert rail.live(tick(5), 0.0) == []
    assert rail.gaps == 1
    assert rail.answer(question, Ticks(symbol=SYMBOL, ticks=ticks(2, 3, 4)), 0.1) == [*ticks(2, 3, 4, 5)]
    assert rail.live(tick(6), 0.2) == [tick(6)]


def test_what_the_ring_lost_comes_from_the_store() -> None:
    rail = DualRail(SYMBOL, last=1, run=RUN, limits=LIMITS)
    question = only(rail.live(tick(6), 0.0))
    asked = only(rail.answer(question, from_ring((5, 6), question), 0.1))
    assert asked == store(after_seq=1, limit=3)
    assert rail.answer(asked, from_store(range(1, 5), asked), 0.2) == [*ticks(2, 3, 4, 5, 6)]


@pytest.mark.parametrize("silence", [SILENCE, BUSY, Ticks(symbol="TXFL4", ticks=())])
def test_a_ring_that_does_not_answer_leaves_it_to_the_store(silence: object) -> None:
    rail = DualRail(SYMBOL, last=1, run=RUN, limits=LIMITS)
    question = only(rail.live(tick(3), 0.0))
    asked = only(rail.answer(question, silence, 0.1))
    assert rail.answer(asked, from_store((2,), asked), 0.2) == [*ticks(2, 3)]


def test_the_ring_is_asked_again_behind_what_the_store_had() -> None:
    rail = DualRail(SYMBOL, last=1, run=RUN, limits=LIMITS)
    question = only(rail.live(tick(6), 0.0))
    asked = only(rail.answer(question, from_ring((3, 4), question), 0.1))
    *outputs, again = rail.answer(asked, from_store((2,), asked), 0.2)
    assert outputs == [*ticks(2, 3, 4)]
    asked = only([again])
    question = only(rail.answer(asked, from_store((2,), asked), 0.3))
    assert question == ring(after_seq=4)
    assert rail.answer(question, from_ring((5, 6), question), 0.4) == [*ticks(5, 6)]


def test_the_numbers_that_are_missing_are_told_exactly() -> None:
    rail = DualRail(SYMBOL, last=1, run=RUN, limits=LIMITS)
    question = only(rail.live(tick(9), 0.0))
    asked = only(rail.answer(question, from_ring((8, 9), question), 0.1))
    *outputs, again = rail.answer(asked, from_store((4, 5), asked), 0.2)
    assert outputs == [Missing(SYMBOL, 2, 3), *ticks(4, 5)]
    question = only([again])
    asked = only(rail.answer(question, from_ring((8, 9), question), 0.3))
    outputs = rail.answer(asked, from_store((4, 5), asked), 0.4)
    assert outputs == [Missing(SYMBOL, 6, 7), *ticks(8, 9)]
    assert len(Missing(SYMBOL, 6, 7)) == 2


def test_without_a_store_the_ring_has_the_last_word() -> None:
    rail = DualRail(SYMBOL, last=1, limits=LIMITS)
    question = only(rail.live(tick(4), 0.0))
    assert rail.answer(question, from_ring((4,), question), 0.1) == [Missing(SYMBOL, 2, 3), tick(4)]


def test_no_answer_is_no_proof_until_patience_ends() -> None:
    rail = DualRail(SYMBOL, last=1, run=RUN, limits=LIMITS)
    question = only(rail.live(tick(3), 0.0))
    asked = only(rail.answer(question, SILENCE, 0.1))
    assert rail.answer(asked, from_store((), asked), 0.2) == []
    assert rail.time(0.6) == []
    assert rail.time(0.8) == [ring(after_seq=1)]
    assert rail.time(2.7) == []
    assert rail.time(2.9) == [store(after_seq=1, limit=1)]
    assert rail.time(5.0) == [Missing(SYMBOL, 2, 2), tick(3)]


def test_after_a_pause_the_ring_answers_after_all() -> None:
    rail = DualRail(SYMBOL, last=1, limits=LIMITS)
    question = only(rail.live(tick(3), 0.0))
    assert rail.answer(question, BUSY, 0.1) == []
    again = only(rail.time(0.7))
    assert rail.answer(again, from_ring((1, 2, 3), again), 0.8) == [*ticks(2, 3)]


def test_an_answer_to_an_older_question_says_nothing_about_a_later_hole() -> None:
    rail = DualRail(SYMBOL, last=1, run=RUN, limits=LIMITS)
    question = only(rail.live(tick(3), 0.0))
    assert rail.live(tick(2), 0.0) == [*ticks(2, 3)]
    later = only(rail.live(tick(6), 0.1))
    assert rail.answer(question, from_ring((1, 2, 3), question), 0.2) == []
    assert rail.answer(later, from_ring(range(1, 7), later), 0.2) == [*ticks(4, 5, 6)]


def test_live_ticks_behind_a_hole_are_kept_up_to_a_limit_and_asked_for_again() -> None:
    rail = DualRail(SYMBOL, last=1, limits=LIMITS)
    question = only(rail.live(tick(3), 0.0))
    for seq in range(4, 100):
        assert rail.live(tick(seq), 0.0) == []
    assert len(rail._held) == LIMITS.held
    *found, again = rail.answer(question, Ticks(symbol=SYMBOL, ticks=ticks(2)), 0.1)
    assert found == [*ticks(2, 3, 4, 5)]
    assert again == ring(after_seq=5)


def test_a_silent_live_rail_is_asked_about_until_it_speaks() -> None:
    rail = DualRail(SYMBOL, last=1, run=RUN, limits=LIMITS)
    assert rail.time(0.0) == rail.time(4.9) == []
    question = only(rail.time(5.0))
    assert question == ring(after_seq=1)
    assert rail.answer(question, from_ring((1,), question), 5.1) == []
    assert rail.time(9.9) == []
    question = only(rail.time(10.0))
    assert rail.answer(question, from_ring((1, 2, 3), question), 10.1) == [*ticks(2, 3)]
    assert rail.live(tick(4), 12.0) == [tick(4)]
    assert rail.time(16.9) == []
    assert rail.gaps == 0


def test_the_store_is_asked_about_a_silent_live_rail_where_the_ring_is_silent_too() -> None:
    rail = DualRail(SYMBOL, last=1, run=RUN, limits=LIMITS)
    rail.time(0.0)
    question = only(rail.time(5.0))
    asked = only(rail.answer(question, SILENCE, 5.1))
    assert asked == store(after_seq=1, limit=LIMITS.page)
    assert rail.answer(asked, from_store((1, 2), asked), 5.2) == [tick(2)]
    question = only(rail.time(10.0))
    asked = only(rail.answer(question, SILENCE, 10.1))
    assert rail.answer(asked, SILENCE, 10.2) == rail.time(10.3) == []


def test_catching_up_takes_page_after_page() -> None:
    rail = DualRail(SYMBOL, last=2, run=RUN, limits=LIMITS)
    question = only(rail.catch_up(0.0))
    *first, second = rail.answer(question, from_ring(range(1, 10), question), 0.1)
    assert first == [*ticks(3, 4, 5, 6)]
    question = only([second])
    assert rail.answer(question, from_ring(range(1, 10), question), 0.1) == [*ticks(7, 8, 9)]


def test_what_is_known_to_exist_is_fetched_and_no_gap() -> None:
    rail = DualRail(SYMBOL, last=5, top=7, limits=LIMITS)
    question = only(rail.live(tick(8), 0.0))
    assert rail.answer(question, from_ring(range(1, 9), question), 0.1) == [*ticks(6, 7, 8)]
    assert rail.gaps == 0


def test_an_exact_rail_takes_nothing_behind_the_newest_live_tick() -> None:
    rail = DualRail(SYMBOL, last=1, is_exact=True, limits=LIMITS)
    question = only(rail.live(tick(4), 0.0))
    assert question == ring(after_seq=1, limit=2)
    answer = Ticks(symbol=SYMBOL, ticks=ticks(3, 4, 5, 6))
    assert rail.answer(question, answer, 0.1) == [Missing(SYMBOL, 2, 2), *ticks(3, 4)]
    assert rail.live(tick(5), 0.2) == [tick(5)]


def test_a_page_of_ticks_is_read_and_a_damaged_one_is_no_answer() -> None:
    page = from_store((1, 2), store(after_seq=0, limit=5))
    assert ticks_of(page) == ticks(1, 2)
    for columns in ({}, page.columns | {"price": b"\0" * 15}):
        damaged = HistoryPage(kind=HistoryKind.TICKS, symbol=SYMBOL, rows=2, columns=columns)
        with pytest.raises(DecodeError, match="2 ticks of TXFK4"):
            ticks_of(damaged)
        rail = DualRail(SYMBOL, last=1, run=RUN, limits=LIMITS)
        question = only(rail.live(tick(3), 0.0))
        asked = only(rail.answer(question, from_ring((3,), question), 0.0))
        assert rail.answer(asked, damaged, 0.0) == []


# --- whatever comes ----------------------------------------------------------------------------------------------


class Fate(StrEnum):
    """What becomes of a question."""

    AT_ONCE = "at once"
    LATER = "later"
    TWICE = "twice"
    PARTLY = "partly"
    FAILED = "failed"
    NEVER = "never"


@dataclass
class Market:
    """A gateway's ring, a recorder's store, and a consumer that sees only what the rail gives."""

    rail: DualRail
    in_ring: set[int]
    in_store: set[int]
    fates: list[Fate] = field(default_factory=list)
    now: float = 0.0
    seen: list[int] = field(default_factory=list)
    missing: set[int] = field(default_factory=set)
    late: list[tuple[Question, object]] = field(default_factory=list)
    asked: int = 0

    def take(self, outputs: list[Output]) -> None:
        """Does as the rail says, and checks each word of it."""
        for place, output in enumerate(outputs):
            if isinstance(output, Tick):
                assert output == tick(output.seq)
                self.seen.append(output.seq)
            elif isinstance(output, Missing):
                assert len(output) > 0
                self.missing.update(range(output.first, output.last + 1))
                self.seen += range(output.first, output.last + 1)
            else:
                assert place == len(outputs) - 1
                self.ask(output)

    def ask(self, question: Question) -> None:
        self.asked += 1
        assert question.after_seq == self.rail.last
        fate = self.fates.pop() if self.fates else Fate.AT_ONCE
        answer: object = self.answer(question, 1 if fate is Fate.PARTLY else question.limit)
        if fate in (Fate.LATER, Fate.TWICE):
            self.late.append((question, answer))
        if fate is Fate.FAILED:
            answer = SILENCE
        if fate not in (Fate.LATER, Fate.NEVER):
            self.take(self.rail.answer(question, answer, self.now))

    def answer(self, question: Question, limit: int) -> Ticks | HistoryPage:
        """As the gateway or the recorder does, who may stop early."""
        kind: Callable[[Iterable[int], Question], Ticks | HistoryPage]
        kept, kind = (self.in_ring, from_ring) if isinstance(question, GetTicks) else (self.in_store, from_store)
        later = sorted(seq for seq in kept if seq > question.after_seq)
        page = kind(later[: min(limit, question.limit)], question)
        return page if len(later) <= limit else replace(page, is_complete=False)

    def wait(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += 0.25
            self.take(self.rail.time(self.now))

    def check(self) -> None:
        """Ticks in order, each once, without a hole that was not told."""
        assert self.seen == list(range(1, len(self.seen) + 1))
        assert self.rail.last == len(self.seen)


TOTAL = 30
SEQS = st.integers(1, TOTAL)
LIVE = st.lists(st.one_of(SEQS, st.tuples(st.just("wait"), st.sampled_from([0.25, 1.0, 3.0, 8.0]))), max_size=60)
"""Live ticks in any order, any number of times or never, with pauses between."""
IN_ORDER = st.sets(SEQS).map(sorted)
FATES = st.lists(st.sampled_from(Fate), max_size=40)


@st.composite
def markets(draw: st.DrawFn, fates: st.SearchStrategy[list[Fate]] = FATES) -> Market:
    limits = RailLimits(page=draw(st.integers(1, 8)), held=draw(st.integers(1, 6)))
    is_exact = draw(st.booleans())
    rail = DualRail(SYMBOL, run=draw(st.sampled_from([0, RUN])), is_exact=is_exact, limits=limits)
    in_ring = set(range(draw(SEQS), TOTAL + 1))
    return Market(rail, in_ring, draw(st.sets(SEQS)), draw(fates))


def _play(market: Market, live: Iterable[int | tuple[str, float]], deliver: Iterable[bool]) -> None:
    delivering = iter(deliver)
    for item in live:
        if isinstance(item, tuple):
            market.wait(item[1])
        else:
            market.take(market.rail.live(tick(item), market.now))
        limits = market.rail._limits
        assert len(market.rail._held) <= limits.held + 2 * limits.page
        is_delivered = next(delivering, False)
        if market.late and is_delivered:
            market.take(market.rail.answer(*market.late.pop(0), market.now))
        market.check()


@settings(max_examples=500)
@given(market=markets(), live=st.one_of(LIVE, IN_ORDER), deliver=st.lists(st.booleans()))
def test_whatever_is_dropped_doubled_or_late_the_sequence_is_true(
    market: Market, live: list[int | tuple[str, float]], deliver: list[bool]
) -> None:
    _play(market, live, deliver)
    market.fates.clear()
    market.wait(60.0)
    while market.late:
        market.take(market.rail.answer(*market.late.pop(), market.now))
        market.check()
    market.take(market.rail.live(tick(TOTAL), market.now))
    market.wait(60.0)
    market.check()
    assert market.rail.last == TOTAL
    assert not market.rail._held


@settings(max_examples=500)
@given(
    market=markets(st.lists(st.sampled_from([Fate.AT_ONCE, Fate.PARTLY, Fate.TWICE]))),
    live=st.one_of(LIVE, IN_ORDER),
    deliver=st.lists(st.booleans()),
)
def test_what_a_rail_has_that_answers_is_never_missing(
    market: Market, live: list[int | tuple[str, float]], deliver: list[bool]
) -> None:
    _play(market, live, deliver)
    market.wait(60.0)
    heard = {item for item in live if isinstance(item, int)}
    had = market.in_ring | (market.in_store if market.rail.run else set())
    assert not market.missing & had
    assert set(market.seen) - market.missing <= had | heard


@given(market=markets(), live=IN_ORDER)
def test_questions_are_few(market: Market, live: list[int]) -> None:
    market.rail._limits = RailLimits(page=8, held=6)
    market.fates = [fate for fate in market.fates if fate is not Fate.PARTLY]
    _play(market, live, ())
    assert market.asked <= 2 * (TOTAL + len(live))
