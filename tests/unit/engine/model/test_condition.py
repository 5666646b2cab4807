from dataclasses import replace
from typing import Any

import pytest

from engine.model.condition import Condition, ConditionSpec, ConditionState, LevelsFrom
from engine.model.order import Side


def changed(name: str, value: Any) -> ConditionSpec:
    changes: dict[str, Any] = {name: value}
    return replace(SPEC, **changes)


SPEC = ConditionSpec(condition_id="c1", account="a", symbol="TXFK4", action=Side.BUY, trigger_price=22_800)


def levels(**changes: Any) -> tuple[int, int, int, int]:
    condition = Condition(spec=SPEC, trigger=22_800)
    found = replace(condition, **changes).levels
    return found.trigger, found.entry, found.take_profit, found.stop_loss


def test_states_are_parted() -> None:
    for state in ConditionState:
        parts = [state is ConditionState.DRAFT, state.is_waiting, state.is_in_market, state.is_final]
        assert sum(parts) == 1, state


class TestLevels:
    def test_of_buying_at_a_support(self) -> None:
        assert levels() == (22_800, 22_815, 22_905, 22_785)

    def test_of_selling_at_a_resistance(self) -> None:
        assert levels(spec=replace(SPEC, action=Side.SELL)) == (22_800, 22_785, 22_695, 22_815)

    def test_go_with_a_trigger_that_moved(self) -> None:
        assert levels(trigger=22_700) == (22_700, 22_715, 22_805, 22_685)

    def test_from_the_average_fill(self) -> None:
        spec = replace(SPEC, levels_from=LevelsFrom.AVERAGE_FILL)
        assert levels(spec=spec) == (22_800, 22_815, 22_905, 22_785)
        assert levels(spec=spec, entered=2, entry_value=45_644) == (22_800, 22_815, 22_912, 22_792)

    @pytest.mark.parametrize(
        ("best", "stop"), [(22_815, 22_785), (22_834, 22_785), (22_835, 22_785), (22_836, 22_786)]
    )
    def test_trailing_overtakes_the_fixed_stop(self, best: int, stop: int) -> None:
        spec = replace(SPEC, trailing_points=50)
        condition = Condition(spec=spec, trigger=22_800, entered=1, entry_value=22_815, best_price=best)
        assert condition.levels.stop_loss == stop
        assert condition.is_trailing == (stop > 22_785)

    @pytest.mark.parametrize("action", list(Side))
    def test_trailing_is_not_shown_before_it_holds(self, action: Side) -> None:
        spec = replace(SPEC, trailing_points=50, action=action)
        assert not Condition(spec=spec, trigger=22_800).is_trailing
        assert not Condition(spec=spec, trigger=22_800, entered=1, entry_value=22_815).is_trailing


class TestProblem:
    def test_none(self) -> None:
        assert SPEC.problem() == ""

    @pytest.mark.parametrize("name", ["condition_id", "account", "symbol"])
    def test_missing(self, name: str) -> None:
        assert changed(name, "").problem() == f"{name} is missing"

    @pytest.mark.parametrize(
        "name", ["trigger_price", "turning_points", "take_profit_points", "stop_loss_points", "quantity"]
    )
    @pytest.mark.parametrize("value", [0, -1])
    def test_too_small(self, name: str, value: int) -> None:
        assert changed(name, value).problem() == f"{name} is {value}, it must be at least 1"

    def test_trailing_can_be_off_but_not_below(self) -> None:
        assert not replace(SPEC, trailing_points=0).problem()
        assert "trailing_points is -1" in replace(SPEC, trailing_points=-1).problem()

    @pytest.mark.parametrize("name", ["支撐", "a\0b", "a\nb", "x" * 65])
    def test_an_id_that_no_topic_can_carry(self, name: str) -> None:
        assert "printable ASCII" in replace(SPEC, condition_id=name).problem()


def test_held_is_what_entered_and_did_not_leave() -> None:
    assert Condition(spec=SPEC, entered=3, exited=2).held == 1
