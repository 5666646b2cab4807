"""Faults of what travels between the exchange and the program: lost, doubled, out of order, in part, late."""

import random
from typing import TYPE_CHECKING, Final

from engine.brokers.faults import Reply
from engine.brokers.simulated import SimulatedExchange
from engine.drill.fault import Fault
from engine.drill.line import Fate

if TYPE_CHECKING:
    from engine.drill.bench import Bench

_MANY: Final = 10_000


class LineFault(Fault):
    """Something on the line between the exchange and the program; real as soon as a message was harmed."""

    at_start = True

    def __init__(self, draw: random.Random) -> None:
        super().__init__(draw)
        self._draw = draw

    def is_real(self, bench: "Bench") -> bool:
        return bench.line.harmed > 0


class LostReply(LineFault):
    """The answer to an order call never comes."""

    def __init__(self, draw: random.Random, reply: Reply) -> None:
        super().__init__(draw)
        self._fate = Fate(reply, is_silent=draw.random() < 0.4)
        self._after = draw.choice((0, 0, 1, 2))
        self.wants_lots &= not self._after

    def inject(self, bench: "Bench") -> None:
        bench.line.lose_reply(self._fate, after=self._after)
        self._after = 0


class Duplicated(LineFault):
    """Reports and fills are told twice."""

    def inject(self, bench: "Bench") -> None:
        bench.line.repeat_reports(_MANY)


class Reordered(LineFault):
    """Reports and fills overtake each other."""

    def inject(self, bench: "Bench") -> None:
        bench.line.reorder_reports(_MANY)


class PartialFills(LineFault):
    """Market orders find one lot only; the rest is killed."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__(draw)
        self.wants_lots = False  # an entry of one lot is filled as a whole
        self._count = draw.randint(1, 4)

    def inject(self, bench: "Bench") -> None:
        exchange = bench.world.exchange
        assert isinstance(exchange, SimulatedExchange)  # the runner asks is_simulated first
        for _ in range(self._count):
            exchange.faults.thin_next(1)

    def is_real(self, bench: "Bench") -> bool:
        orders = bench.line.orders
        return any(
            0 < report.filled < report.quantity
            for note, report in bench.books.reports.items()
            if note in orders and orders[note].condition_id in bench.conditions
        )

    def lift(self, bench: "Bench") -> None:
        super().lift(bench)
        exchange = bench.world.exchange
        if isinstance(exchange, SimulatedExchange):
            exchange.faults.lift()


class LateFills(PartialFills):
    """Fills come after the report that ended their order."""

    def inject(self, bench: "Bench") -> None:
        if bench.world.is_simulated:
            super().inject(bench)
        count = self._draw.choice((1, 2, _MANY, _MANY))
        bench.line.delay_fills(count, self._draw.uniform(0.1, 0.6))

    def is_real(self, bench: "Bench") -> bool:
        return bench.line.harmed > 0
