"""The whole program with an open position while what guards it dies, freezes or is cut off: what a person sees."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from PySide6 import QtWidgets

from engine.brokers.simulated import SimulatedExchange
from engine.model.condition import ConditionSpec
from engine.model.market import LinkState
from engine.model.order import Side
from engine.settings import Settings, Simulation, Supervision
from terminal.dialogs.login import LoginRequest
from terminal.docks.start import RunState
from terminal.widgets.coverage_row import CoverageRow
from tests.gui.programs import Program

SPEED = 20.0
LOTS = 2
ENDLESS = 2_000
"""Points that the market does not move while a test runs."""


class Watched(Program):
    """A program that holds a guarded position, with ears for its alarm."""

    def __init__(self, qapp: QtWidgets.QApplication, settings: Settings) -> None:
        super().__init__(qapp, settings)
        self.beeps = 0
        self.display = self.terminal.display
        alarm = self.display.guarding.alarm
        alarm._timer.timeout.disconnect()
        alarm._timer.timeout.connect(self._count)
        alarm._beep = self._count
        self.display.window.show()

    def _count(self) -> None:
        self.beeps += 1

    async def hold(self) -> None:
        """Logs in, starts, and lets a condition enter and guard."""
        terminal, display = self.terminal, self.display
        await self.during(terminal.log_in(LoginRequest(broker="simulated", user="u", url="simulated")))
        terminal.start_trading()
        await self.until(lambda: self.is_in(RunState.RUNNING) and display.symbol in display.last_ticks)
        assert terminal.run
        spec = ConditionSpec(
            condition_id="support",
            account=terminal.run.accounts[0].account,
            symbol=display.symbol,
            action=Side.BUY,
            trigger_price=display.last_ticks[display.symbol].price,
            turning_points=1,
            take_profit_points=ENDLESS,
            stop_loss_points=ENDLESS,
            quantity=LOTS,
        )
        terminal.put_condition(spec, True)
        await self.until(lambda: self.is_guarded)

    def is_in(self, state: RunState) -> bool:
        return self.display.bar._state is state

    @property
    def row(self) -> CoverageRow:
        (row,) = self.display.strip.rows.values()
        return row

    @property
    def is_guarded(self) -> bool:
        return bool(self.display.strip.rows) and self.row.figures.text() == f"{LOTS} guarded"

    def process(self, name: str) -> psutil.Process:
        assert self.terminal.run
        return psutil.Process(self.terminal.run.host.pid(name))

    def check_all_is_well(self) -> None:
        """Every part of the window says that the lots are guarded."""
        display = self.display
        assert self.is_guarded
        assert self.row.why.text() == ""
        assert display.bar.state_label.text() == "● Trading"
        assert display.conditions_dock.notice.text() == ""
        assert display.chart.view.marks.faulty == frozenset()
        assert not display.guarding.alarm.loud
        assert "NOT GUARDED" not in display.window.windowTitle()
        assert {display.lamps.state(name) for name in ("executor", "strategy-1")} == {LinkState.UP}

    def check_nothing_is_guarded(self, why: str) -> None:
        """Every part of the window says that the lots are not guarded, and why."""
        display = self.display
        assert self.row.figures.text() == f"{LOTS} NOT guarded"
        assert self.row.why.text().startswith(why)
        assert self.row.guards.text() == ""
        assert self.row.bar.segments() == [("naked", 1.0)]
        assert self.row.flatten_button.isVisible()
        assert display.bar.state_label.text() == f"▲ Not guarding: {why}"
        assert f"support: Not guarding: {why}" in display.conditions_dock.notice.text()
        assert display.chart.view.marks.faulty == {"support"}

    def check_the_alarm(self) -> None:
        assert self.display.window.windowTitle().startswith(f"⚠ NOT GUARDED: {self.display.symbol} × {LOTS}")
        assert self.beeps >= 1
        assert self.row.acknowledge_button.isVisible()


@pytest.fixture
def open_program(qapp: QtWidgets.QApplication, user_home: Path) -> Iterator[Callable[..., Watched]]:
    """Opens the program; keywords are settings of the supervision."""
    before = qapp.font(), qapp.palette(), qapp.styleSheet()
    opened: list[Watched] = []

    def start(**supervision: Any) -> Watched:
        simulated = Simulation(speed=SPEED)
        settings = Settings(simulation=simulated, supervision=Supervision(**supervision))
        opened.append(Watched(qapp, settings))
        return opened[-1]

    yield start
    for program in opened:
        program.close()
    qapp.setFont(before[0])
    qapp.setPalette(before[1])
    qapp.setStyleSheet(before[2])


def test_the_executor_is_killed_and_stays_down_until_a_person_starts_it_again(
    open_program: Callable[..., Watched],
) -> None:
    program = open_program(max_early_deaths=0)
    display = program.display

    async def story() -> None:
        await program.hold()
        program.check_all_is_well()
        assert display.bar.again_button.isHidden()

        program.process("executor").kill()
        await program.until(lambda: program.is_in(RunState.IMPAIRED))
        program.check_nothing_is_guarded("the executor process does not run")
        assert display.lamps.state("executor") is LinkState.DOWN

        await program.until(lambda: display.guarding.alarm.is_sounding)
        program.check_nothing_is_guarded("the executor process does not run")
        program.check_the_alarm()
        program.row.acknowledge_button.click()
        assert not display.guarding.alarm.is_sounding
        program.check_nothing_is_guarded("the executor process does not run")
        assert "NOT GUARDED" in display.window.windowTitle()

        assert display.bar.again_button.isVisible()
        program.row.again_button.click()
        await program.until(lambda: program.is_in(RunState.RUNNING) and program.is_guarded)
        await program.until(lambda: "NOT GUARDED" not in display.window.windowTitle())
        program.check_all_is_well()
        assert display.bar.again_button.isHidden()

    program.run(story())


def test_a_strategy_that_freezes_is_not_called_guarding_and_comes_back_by_itself(
    open_program: Callable[..., Watched],
) -> None:
    program = open_program()
    display = program.display

    async def story() -> None:
        await program.hold()
        frozen = program.process("strategy-1")
        frozen.suspend()
        await program.until(lambda: program.is_in(RunState.IMPAIRED))
        program.check_nothing_is_guarded("the strategy process does not run")
        await program.until(lambda: display.lamps.state("strategy-1") is not LinkState.UP)

        await program.until(lambda: program.is_in(RunState.RUNNING) and program.is_guarded)
        assert program.process("strategy-1").pid != frozen.pid
        await program.until(lambda: display.lamps.state("strategy-1") is LinkState.UP)
        await program.until(lambda: "NOT GUARDED" not in display.window.windowTitle())
        program.check_all_is_well()

    program.run(story())


def test_a_lost_link_to_the_broker_guards_nothing_and_comes_back(open_program: Callable[..., Watched]) -> None:
    program = open_program()
    display = program.display

    async def story() -> None:
        await program.hold()
        assert program.terminal.run
        exchange = program.terminal.run.broker
        assert isinstance(exchange, SimulatedExchange)
        exchange.drop_link(6 * SPEED)
        await program.until(lambda: program.is_in(RunState.IMPAIRED))
        program.check_nothing_is_guarded("no link to the broker")
        assert display.lamps.state("trade") is LinkState.DOWN
        await program.until(lambda: display.guarding.alarm.is_sounding)
        program.check_the_alarm()

        await program.until(lambda: program.is_in(RunState.RUNNING) and program.is_guarded)
        await program.until(lambda: not display.guarding.alarm.is_sounding)
        program.check_all_is_well()

    program.run(story())


def test_stopping_trading_leaves_the_lots_naked_and_says_so_until_it_is_started_again(
    open_program: Callable[..., Watched],
) -> None:
    program = open_program()
    display, terminal = program.display, program.terminal

    async def story() -> None:
        await program.hold()
        await program.during(terminal.stop_trading())
        assert program.is_in(RunState.STOPPED)
        assert program.row.figures.text() == f"{LOTS} NOT guarded"
        assert program.row.why.text().startswith("trading is stopped")
        assert "executor" not in display.lamps._lamps
        await program.until(lambda: display.guarding.alarm.is_sounding)
        program.check_the_alarm()

        program.row.start_button.click()
        assert program.is_in(RunState.STARTING)
        assert program.row.start_button.isHidden()
        await program.until(lambda: program.is_in(RunState.RUNNING) and program.is_guarded)
        await program.until(lambda: not display.guarding.alarm.is_sounding)
        program.check_all_is_well()

    program.run(story())
