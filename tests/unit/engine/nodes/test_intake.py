"""What the recorder asks for: whatever comes and is dropped, in the end every number that the ring has."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model.tick import Book, Tick
from engine.nodes.intake import MOST_PENDING, Intake
from engine.storage.numbers import Numbers
from engine.timing import NS_PER_S
from engine.wire.messages import GetTicks, Ticks

NOW = 1_730_770_000 * NS_PER_S
SYMBOLS = ("TXFK4", "MXFL4")
TOTAL = 40


def tick(seq: int, symbol: str = SYMBOLS[0]) -> Tick:
    return Tick(symbol=symbol, seq=seq, ts_event=NOW + seq, ts_recv=NOW, price=seq, quantity=1)


def ring(question: GetTicks, first: int, last: int) -> Ticks:
    """What the gateway answers that keeps these numbers."""
    begin = max(first, question.after_seq + 1)
    found = tuple(tick(seq, question.symbol) for seq in range(begin, last + 1))[: question.limit]
    is_complete = not found or found[-1].seq == last
    return Ticks(symbol=question.symbol, ticks=found, first_available=first, is_complete=is_complete)


@dataclass
class Recorded:
    """An intake, and what was taken away from it."""

    held: dict[str, Numbers] = field(default_factory=dict)
    seen: list[tuple[str, int]] = field(default_factory=list)
    pending: int = 0

    def __post_init__(self) -> None:
        self.intake = Intake(lambda symbol: self.held.get(symbol, Numbers()), lambda: self.pending)

    def collect(self) -> None:
        self.seen += [(item.symbol, item.seq) for item in self.intake.ticks]
        self.intake.ticks.clear()

    def repair(self, first: int = 1, last: int = TOTAL) -> int:
        """Answers questions until there are none; how many there were."""
        count = 0
        while (question := self.intake.question()) is not None:
            count += 1
            self.intake.answer(ring(question, first, last))
            self.collect()
            assert count < 1_000
        return count


@pytest.mark.usefixtures("expected_errors")
@settings(max_examples=300)
@given(
    live=st.lists(st.tuples(st.sampled_from(SYMBOLS), st.integers(1, TOTAL)), max_size=60),
    held=st.sets(st.integers(1, TOTAL)),
    first=st.integers(1, TOTAL),
    unanswered=st.integers(0, 3),
)
def test_in_the_end_every_number_is_there_once_or_lost(
    live: list[tuple[str, int]], held: set[int], first: int, unanswered: int
) -> None:
    recorded = Recorded({SYMBOLS[0]: Numbers((seq, seq) for seq in held)})
    recorded.intake.follow(SYMBOLS, 0, NOW)
    for position, (symbol, seq) in enumerate(live, 1):
        recorded.intake.take_tick(tick(seq, symbol), position)
        if position % 7 == 0 and (question := recorded.intake.question()) is not None:
            recorded.intake.answer(None if unanswered else ring(question, 1, question.after_seq + 2))
            unanswered -= unanswered > 0
    recorded.collect()
    recorded.intake.take_pulse(10**6)
    recorded.repair(first)
    assert recorded.intake.is_whole
    assert len(set(recorded.seen)) == len(recorded.seen)
    there = set(recorded.seen) | {(SYMBOLS[0], seq) for seq in held}
    had = {(symbol, seq) for symbol in SYMBOLS for seq in range(first, TOTAL + 1)} | set(live)
    assert there >= had
    assert recorded.intake.lost == TOTAL * len(SYMBOLS) - len(there)


def test_many_small_holes_cost_one_question_a_page() -> None:
    recorded = Recorded()
    for seq in range(2, TOTAL + 1, 2):
        recorded.intake.take_tick(tick(seq), seq)
    recorded.collect()
    assert recorded.repair() == 2, "one for the holes, one whether there is more"
    assert sorted(seq for _, seq in recorded.seen) == list(range(1, TOTAL + 1))
    assert recorded.intake.gaps == TOTAL // 2


def test_a_pulse_that_counted_further_tells_that_the_last_tick_is_missing() -> None:
    recorded = Recorded()
    recorded.intake.take_tick(tick(1), 1)
    assert recorded.repair(last=1) == 1
    recorded.intake.take_pulse(1)
    assert recorded.intake.question() is None
    recorded.intake.take_pulse(2)
    assert recorded.repair(last=2) == 1
    assert (SYMBOLS[0], 2) in recorded.seen


def test_while_too_much_waits_ticks_are_left_in_the_ring() -> None:
    recorded = Recorded()
    recorded.pending = MOST_PENDING + 1
    for seq in range(1, 11):
        recorded.intake.take_tick(tick(seq), seq)
    assert recorded.intake.ticks == []
    assert recorded.intake.question() is None
    recorded.pending = 0
    recorded.repair(last=10)
    assert [seq for _, seq in recorded.seen] == list(range(1, 11))


def test_a_code_that_is_no_contract_is_not_recorded() -> None:
    recorded = Recorded()
    recorded.intake.follow(("SPREAD", SYMBOLS[0]), 0, NOW)
    recorded.intake.take_tick(tick(1, "SPREAD"), 1)
    recorded.intake.take_book(Book(symbol="SPREAD", seq=1, ts_event=NOW, ts_recv=NOW, bids=(), asks=()))
    assert recorded.intake.ticks == []
    assert recorded.intake.books == []
    question = recorded.intake.question()
    assert question is not None
    assert question.symbol == SYMBOLS[0]


def test_books_are_taken_once_and_those_that_did_not_come_are_counted() -> None:
    recorded = Recorded()
    for seq in (3, 4, 4, 9, 2):
        recorded.intake.take_book(Book(symbol=SYMBOLS[0], seq=seq, ts_event=NOW, ts_recv=NOW, bids=(), asks=()))
    assert [book.seq for book in recorded.intake.books] == [3, 4, 9]
    assert recorded.intake.books_lost == 4
