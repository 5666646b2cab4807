"""The proof by deed: the price goes through the exits of lots that are held and said to be guarded.

When an exit is due the exchange's own prints say, what was closed its own books; of the program only its word that
the lots are guarded is asked, because that word is what is put to the proof.
"""

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from engine.drill.bench import Bench, Seen
from engine.drill.fault import Fault
from engine.drill.line import Prices
from engine.drill.results import BrokenPromise, Promise
from engine.drill.scenario import Scenario
from engine.model.condition import ConditionAction, ConditionCommand, ConditionSpec, ConditionState

Look = Callable[[], Seen]
Until = Callable[[Callable[[Seen], bool], float, str], None]

_PASSED_S: Final = 30.0
_TELL_S: Final = 3.0
"""How long the program may take to say that released lots are naked, before its word is put to the proof."""
_LATE_ENTRY: Final = 250
"""Points that an entry may have been filled away from the level that its exits are measured from."""
_BEYOND: Final = 50
_RELEASED: Final = 0.15
"""Share of runs in which a person takes lots out of a guard's hands."""
_CLOSED_BY_HAND: Final = 0.3
"""The same, and those in which a person closes them and buys or sells them again."""


class Proof:
    """At least one in each run, after its fault.

    Args:
        bench: where it trades.
        scenario: of the run.
        draw: of everything random in it.
        look: looks at everything, and at what must never happen.
        until: looks until something has come, and fails where it does not.
    """

    def __init__(self, bench: Bench, scenario: Scenario, draw: random.Random, look: Look, until: Until) -> None:
        self._bench, self._scenario, self._draw = bench, scenario, draw
        self._look, self._until = look, until

    def give(self, fault: Fault) -> None:
        """Proves the guards of the lots that the fault left, else of new ones; the fault is lifted afterwards.

        Raises:
            BrokenPromise: a guard did not act.
        """
        changes_hands = self._draw.random()
        until, scenario = self._until, self._scenario
        until(scenario.is_entered, _PASSED_S, "every condition has entered or ended")
        if changes_hands > _CLOSED_BY_HAND:
            self._prove()
        fault.lift(self._bench)
        while not scenario.proofs and not self._bench.world.is_ended():
            until(lambda seen: self._bench.is_healthy() and self._bench.is_exchange_idle(), _PASSED_S, "quiet")
            if not self._bench.held():
                self._take_lots()
            if changes_hands <= _CLOSED_BY_HAND:
                self._change_hands(is_closed=changes_hands > _RELEASED)
            self._prove()

    # --- lots ----------------------------------------------------------------------------------------------------

    def _take_lots(self) -> None:
        """Nobody guards a person's lots before that person asks for it: that time is nobody's fault."""
        longest = self._bench.watch.unguarded_s
        self._scenario.guard_by_hand()
        self._until(self._is_said_guarded, _PASSED_S, "lots taken by hand are guarded")
        self._bench.watch.unguarded_s = longest

    def _change_hands(self, *, is_closed: bool) -> None:
        """A person releases a guard's lots, or closes and takes them again: from then on they are naked.

        Where the program goes on to say that they are guarded, the deed will tell.
        """
        bench, scenario = self._bench, self._scenario
        if len(bench.held()) != 1 or not scenario.holds:
            return
        ((key, lots),) = bench.held().items()
        if bench.seen.probed.conditions[key].state is not ConditionState.OPEN:
            return
        longest, side = bench.watch.unguarded_s, scenario.specs[key].action
        if is_closed:
            scenario.trade_by_hand(side.opposite, lots)
        action = ConditionAction.CLOSE if is_closed else ConditionAction.RELEASE
        bench.ask(ConditionCommand(action=action, condition_id=key))
        self._until(
            lambda seen: seen.probed.conditions[key].state.is_final,
            _PASSED_S,
            f"{key} has lost its lots and ended",
        )
        if is_closed:
            scenario.trade_by_hand(side, lots)
        if self._is_told_naked():
            bench.adopted[key] = bench.adopted.get(key, 0) - lots
            scenario.guard(side, lots)
            self._until(self._is_said_guarded, _PASSED_S, "lots taken by hand are guarded")
        bench.watch.unguarded_s = longest

    def _is_told_naked(self) -> bool:
        bench = self._bench
        deadline = bench.now() + _TELL_S
        while bench.now() < deadline:
            self._look()
            said = bench.watch.coverage()
            if said is not None and said.naked and said.net == bench.seen.net:
                return True
        return False

    # --- the deed ------------------------------------------------------------------------------------------------

    def _is_said_guarded(self, seen: Seen) -> bool:
        said = self._bench.watch.coverage()
        return said is not None and said.net == seen.net and not said.naked

    def _prove(self) -> None:
        """The price goes there, and within the limit the exchange holds nothing more."""
        bench = self._bench
        self._until(
            lambda seen: self._is_said_guarded(seen) or not bench.held(), _PASSED_S, "lots are said to be guarded"
        )
        held = bench.held()
        if not held or bench.world.is_ended():
            return
        said = bench.watch.coverage()
        if bench.world.move is None:
            moved, is_due = 0, self._tightened(held)
        else:
            moved, is_due = self._moved(held)
        self._until(
            lambda seen: is_due(bench.line.prices), _PASSED_S, "the exchange's price went through the exits"
        )
        deadline = bench.now() + bench.limit_s
        while left := bench.held():
            if bench.now() > deadline:
                lots = ", ".join(f"{lots} of {key}" for key, lots in left.items())
                raise BrokenPromise(
                    Promise.ACTED,
                    f"the guard did not act: {bench.limit_s:g} s after the price went through every exit the "
                    f"exchange still holds lots ({lots}), of which the program had said {said}",
                )
            self._look()
        self._scenario.proofs += 1
        bench.proofs += 1
        self._return(moved)

    def _moved(self, held: dict[str, int]) -> tuple[int, Callable[[Prices], bool]]:
        """The market falls or rises, for everybody, beyond the exits of all lots that are held."""
        bench, specs = self._bench, self._scenario.specs
        way = -specs[self._draw.choice(sorted(held))].action.sign
        ends = [bench.books.average(key) or specs[key].trigger_price for key in held]
        far = [end + way * _distance(specs[key], way) for key, end in zip(held, ends, strict=True)]
        due = max(far) if way > 0 else min(far)
        points = due + way * _BEYOND - bench.line.prices.last
        bench.line.begin_prices()
        assert bench.world.move is not None  # the caller has asked
        bench.world.move(points)
        return points, lambda prices: way * ((prices.high if way > 0 else prices.low) - due) >= 0

    def _tightened(self, held: dict[str, int]) -> Callable[[Prices], bool]:
        """A person sets a trailing stop of one point: the first print that turns is its end."""
        bench, specs = self._bench, self._scenario.specs
        for key in held:
            tight = replace(specs[key], stop_loss_points=1, trailing_points=1)
            bench.ask(ConditionCommand(action=ConditionAction.PUT, condition_id=key, spec=tight))
        bench.line.begin_prices()
        signs = {specs[key].action.sign for key in held}
        return lambda prices: all((prices.fall if sign > 0 else prices.rise) >= 1 for sign in signs)

    def _return(self, moved: int) -> None:
        """The market goes back, so that many runs find room between the day's limits."""
        bench, before = self._bench, self._bench.line.prices.last
        if bench.world.move is None or not moved:
            return
        bench.world.move(-moved)
        self._until(
            lambda seen: abs(bench.line.prices.last - before + moved) < abs(moved) // 2,
            _PASSED_S,
            "the exchange's price came back",
        )


def _distance(spec: ConditionSpec, way: int) -> int:
    """How far from its entry a condition has certainly exited when the price goes that way."""
    points = spec.take_profit_points if way == spec.action.sign else spec.stop_loss_points
    return points + _LATE_ENTRY
