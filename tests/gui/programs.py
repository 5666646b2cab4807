"""The whole program in the test's own process, and what turns its loops."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from PySide6 import QtWidgets

from engine.settings import Settings, with_free_ports
from terminal.app import Terminal
from terminal.settings import Preferences

DEADLINE_S = 60.0


class Loop:
    """Runs coroutines while Qt's events are processed."""

    def __init__(self, qapp: QtWidgets.QApplication) -> None:
        self.loop = asyncio.new_event_loop()
        self.qapp = qapp

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    async def until(self, condition: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + DEADLINE_S
        while not (found := condition()):
            assert time.monotonic() < deadline
            self.qapp.processEvents()
            await asyncio.sleep(0.005)
        return found

    async def during(self, work: Any) -> Any:
        """The result of a coroutine that waits for Qt's signals."""
        task = asyncio.ensure_future(work)
        await self.until(task.done)
        return task.result()

    def close(self) -> None:
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


class Program(Loop):
    """The terminal with its window; nothing is saved."""

    def __init__(self, qapp: QtWidgets.QApplication, settings: Settings | None = None) -> None:
        super().__init__(qapp)
        config = with_free_ports(settings or Settings())
        preferences = Preferences(user="U1", url="simulated", language="en")
        self.terminal = Terminal(qapp, config, preferences, saves=False)

    def close(self) -> None:
        ended: list[bool] = []
        self.terminal.closed.connect(lambda: ended.append(True))

        async def end() -> None:
            self.terminal.close()
            await self.until(lambda: ended)

        self.run(end())
        window = self.terminal.display.window
        window.close()
        window.deleteLater()
        self.terminal.deleteLater()
        super().close()
