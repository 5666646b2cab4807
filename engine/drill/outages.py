"""Faults of what the program needs: the link, the feed and room for the ledger are away for a while."""

import random
import time
from typing import TYPE_CHECKING, Final

from engine.drill.fault import Fault
from engine.drill.program import FillDisk
from engine.drill.results import BrokenPromise, Promise
from engine.drill.running import ProgramDied
from engine.errors import RequestError
from engine.model.market import LinkState

if TYPE_CHECKING:
    from engine.drill.bench import Bench

_TELL_S: Final = 3.0
"""How long the program may take to say that a dead link or feed guards nothing."""


class Outage(Fault):
    """Something that the program needs is away for a while; it must say so while it holds lots."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__(draw)
        self._draw = draw
        self._shortest_s = draw.uniform(0.2, 1.2)
        self._began = self._held_since = 0.0
        self._told_before = 0

    def inject(self, bench: "Bench") -> None:
        bench.may_guard = False
        self._told_before = bench.watch.told_naked
        self._began = self._held_since = bench.now()
        self.begin(bench)

    def begin(self, bench: "Bench") -> None:
        """Takes it away."""

    def is_over(self, bench: "Bench") -> bool:
        if bench.may_guard:
            return True
        now = bench.now()
        if not bench.seen.net:
            self._held_since = now
        is_told = bench.watch.told_naked > self._told_before or not bench.seen.net or _is_in_doubt(bench)
        if not is_told and now - self._held_since > _TELL_S + bench.settings.risk.stale_feed_s:
            said = bench.watch.coverage()
            raise BrokenPromise(
                Promise.TOLD, f"{bench.seen.net:+d} lots, and the program says {said or 'nothing'}"
            )
        if now - self._began < self._shortest_s or not is_told:
            return False
        bench.may_guard = True
        bench.line.lift()
        return True

    def lift(self, bench: "Bench") -> None:
        super().lift(bench)
        bench.may_guard = True


def _is_in_doubt(bench: "Bench") -> bool:
    """Of a fill whose report the outage keeps back nobody here can know.

    The truth is then an order that works and a link that is not up: that is what must be shown.
    """
    probed = bench.seen.probed
    is_known = probed.net.get(bench.world.symbol, 0) == bench.seen.net
    is_down = any(state is not LinkState.UP for state in probed.links.values())
    return not is_known and bool(probed.open_orders) and is_down


class DroppedLink(Outage):
    """The link drops: told by the broker's event, or found by silence."""

    def begin(self, bench: "Bench") -> None:
        is_told = self._draw.random() < 0.6
        bench.line.drop(is_told=is_told)


class StaleFeed(Outage):
    """The feed falls silent, and nobody says so."""

    def begin(self, bench: "Bench") -> None:
        bench.line.mute_feed()


class FullDisk(Fault):
    """The ledger cannot be written for a while."""

    def __init__(self, draw: random.Random) -> None:
        super().__init__(draw)
        self._lasts_s = draw.uniform(0.3, 1.5)
        self._ends_at = 0.0
        self._was_seen = False

    def inject(self, bench: "Bench") -> None:
        bench.program.tell(FillDisk(True))
        self._ends_at = time.monotonic() + self._lasts_s

    def is_real(self, bench: "Bench") -> bool:
        return bool(self._ends_at)

    def is_over(self, bench: "Bench") -> bool:
        if time.monotonic() < self._ends_at:
            return False
        self.lift(bench)
        return bench.seen.probed.links.get("ledger", LinkState.UP) is LinkState.UP

    def lift(self, bench: "Bench") -> None:
        super().lift(bench)
        try:
            bench.program.tell(FillDisk(False))
        except (ProgramDied, RequestError):
            return
