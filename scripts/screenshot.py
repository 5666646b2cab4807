"""Takes the pictures of the documents: the running terminal on the simulated exchange, dark and light.

Run it after the window has changed: ``python scripts/screenshot.py`` (about two minutes). Nothing in the pictures
is made up: the simulated exchange's market, quicker than real, goes through the real processes as in a demo. Never
take a picture for the repository from exchange data.
"""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import qasync
from PySide6 import QtCore, QtWidgets

from engine.model.condition import ConditionAction, ConditionCommand, ConditionSpec, ConditionState
from engine.model.order import Side
from engine.settings import Paths, Settings, Simulation, with_free_ports
from terminal.app import Terminal
from terminal.dialogs.login import LoginRequest
from terminal.settings import Preferences

FOLDER: Final = Path(__file__).resolve().parent.parent / "docs" / "screenshots"
PICTURES: Final = (("terminal-dark", "dark", "en"), ("terminal-light", "light", "zh_TW"))
SIZE: Final = QtCore.QSize(1600, 950)
LARGEST_BYTES: Final = 300_000
SPEED: Final = 90.0
"""Market seconds in a second: a bar of a minute in less than one."""
FIRST_BARS: Final = 45
"""Then a first pair of conditions trades, for marks on the chart and rows in the tables."""
LAST_BARS: Final = 72
"""Then the pair of the picture is drawn."""
_PROFIT: Final = 15
"""Points that the position of the picture has gained."""
_DEADLINE_S: Final = 200.0
_TRIES: Final = 8


class Sitter:
    """The terminal that is portrayed.

    Args:
        terminal: fresh.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._terminal, self._display = terminal, terminal.display
        self._deadline = time.monotonic() + _DEADLINE_S

    async def trade(self) -> None:
        """Trades until one condition guards a position while the other still waits.

        Raises:
            TimeoutError: that did not come about.
        """
        terminal, display = self._terminal, self._display
        display.chart.set_time_frame(60)
        await terminal.log_in(LoginRequest(broker="simulated", user="demo", url="simulated"))
        terminal.start_trading()
        await self._until(lambda: display.chart.bar_count >= FIRST_BARS)
        self._put("1", near=5, turning=4, profit=30, stop=30)
        await self._until(lambda: display.chart.bar_count >= LAST_BARS)
        for attempt in range(2, 2 + _TRIES):
            support, resistance = self._put(str(attempt), near=4, far=50, turning=4, profit=80, stop=50)
            await self._until(lambda name=support: self._is_over(name) or self._has_gained(name))  # type: ignore[misc]
            if self._has_gained(support) and self._state(resistance) is ConditionState.ARMED:
                break
            for name in (support, resistance):
                terminal.ask(ConditionCommand(action=ConditionAction.CLOSE, condition_id=name))
            await self._until(lambda: all(self._is_over(name) for name in display.conditions))
        assert terminal.run
        await asyncio.to_thread(terminal.run.broker.close)  # the market stands still for all pictures
        await asyncio.sleep(0.5)
        if (self._state(support), self._state(resistance)) != (ConditionState.OPEN, ConditionState.ARMED):
            raise TimeoutError("no condition held a position while the other waited")

    async def take(self, name: str, theme: str, language: str) -> None:
        """Saves one picture."""
        self._terminal.set_theme(theme)
        self._terminal.set_language(language)
        await asyncio.sleep(0.4)
        path = FOLDER / f"{name}.png"
        picture = self._display.window.grab().toImage()
        if not picture.save(str(path)) or path.stat().st_size > LARGEST_BYTES:
            raise OSError(f"{path}: not written, or of more than {LARGEST_BYTES} bytes")
        print(f"{path.relative_to(FOLDER.parent.parent)}: {path.stat().st_size} bytes")

    def arrange(self) -> None:
        """Positions below the conditions, as a person may drag them."""
        display, vertical = self._display, QtCore.Qt.Orientation.Vertical
        window = display.window
        window.splitDockWidget(display.conditions_dock, display.positions, vertical)
        window.resizeDocks(
            [display.contracts, display.conditions_dock, display.positions], [330, 290, 190], vertical
        )

    async def _until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            if time.monotonic() > self._deadline:
                raise TimeoutError("the market took too long")
            await asyncio.sleep(0.02)

    def _state(self, condition_id: str) -> ConditionState | None:
        condition = self._display.conditions.get(condition_id)
        return condition.state if condition else None

    def _is_over(self, condition_id: str) -> bool:
        state = self._state(condition_id)
        return state is not None and state.is_final

    def _has_gained(self, condition_id: str) -> bool:
        condition = self._display.conditions.get(condition_id)
        if condition is None or condition.state is not ConditionState.OPEN:
            return False
        return self._display.last_ticks[condition.spec.symbol].price - condition.entry_level >= _PROFIT

    def _put(
        self, number: str, *, near: int, far: int = 0, turning: int, profit: int, stop: int
    ) -> tuple[str, str]:
        """A support below the price and a resistance above it; returns their names."""
        display, run = self._display, self._terminal.run
        assert run
        tick = display.last_ticks[display.symbol]
        names = (f"support-{number}", f"resistance-{number}")
        for name, side, away in zip(names, (Side.BUY, Side.SELL), (near, far or near), strict=True):
            spec = ConditionSpec(
                condition_id=name,
                account=run.accounts[0].account,
                symbol=tick.symbol,
                action=side,
                trigger_price=tick.price - side.sign * away,
                turning_points=turning,
                take_profit_points=profit,
                stop_loss_points=stop,
                quantity=2,
                following=side is Side.BUY,
            )
            self._terminal.put_condition(spec, True)
        return names


async def portray(app: QtWidgets.QApplication, home: Path) -> None:
    """Runs the terminal and takes all pictures."""
    config = Settings(simulation=Simulation(speed=SPEED), paths=Paths(home / "ledger", home / "logs", home, home))
    terminal = Terminal(app, with_free_ports(config), Preferences(), saves=False)
    ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    terminal.closed.connect(lambda: ended.set_result(None))
    terminal.display.window.resize(SIZE)
    terminal.display.window.show()
    sitter = Sitter(terminal)
    try:
        sitter.arrange()
        await sitter.trade()
        for name, theme, language in PICTURES:
            await sitter.take(name, theme, language)
    finally:
        terminal.close()
        await ended


def main() -> int:
    """Takes the pictures; returns the exit code."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    app = QtWidgets.QApplication(sys.argv[:1])
    app.setQuitOnLastWindowClosed(False)
    loop = qasync.QEventLoop(app)
    asyncio.set_event_loop(loop)
    with tempfile.TemporaryDirectory() as home, loop:
        loop.run_until_complete(portray(app, Path(home)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
