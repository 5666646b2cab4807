"""The demo: logs in by itself, trades one support and one resistance condition, reports, and closes cleanly.

It acts through the terminal as a person would; nothing in it is made up for show.
"""

import argparse
import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

from engine import logs
from engine.errors import EngineError
from engine.model.condition import ConditionSpec
from engine.model.order import Side
from engine.model.tick import Tick
from engine.wire.messages import GetSnapshot, Snapshot
from terminal.app import Terminal
from terminal.dialogs.login import LoginRequest

log = logs.get(__name__)

QUICK: Final = 10.0
"""From this speed on minutes pass in seconds: bars are longer and levels wider."""
_READY_S: Final = 30.0
_SETTLE_S: Final = 3.0


class Demo:
    """One demo run.

    Args:
        terminal: a fresh terminal.
        arguments: ``demo`` (file or empty), ``speed``, ``seconds``, ``report``, ``screenshot``.
    """

    def __init__(self, terminal: Terminal, arguments: argparse.Namespace) -> None:
        self._terminal = terminal
        self._file: str = arguments.demo
        self._speed: float = arguments.speed
        self._seconds: float | None = arguments.seconds
        self._report_path: Path | None = arguments.report
        self._screenshot: Path | None = arguments.screenshot
        self.report: dict[str, Any] = {}

    async def run(self, ended: "asyncio.Future[None]") -> int:
        """Runs for the given time, or until the window is closed; returns the exit code."""
        began = time.monotonic()
        beginning = asyncio.ensure_future(self._begin())
        await asyncio.wait([beginning, ended], return_when=asyncio.FIRST_COMPLETED)
        if not beginning.done():
            beginning.cancel()
            return 0
        error = beginning.exception()
        if error is not None and self._terminal.is_closing:
            await ended  # the end came in the midst of the beginning
            return 0
        if isinstance(error, EngineError):
            print(f"terminal: {error}", file=sys.stderr)
            self._terminal.close()
            await ended
            return 2
        if error is not None:
            raise error
        if self._seconds is None:
            await ended
            return 0
        left = self._seconds - (time.monotonic() - began)
        await asyncio.wait([ended], timeout=max(0.5, left))
        if not ended.done():
            await self._finish(began)
            self._terminal.close()
            await ended
        return 0

    async def _begin(self) -> None:
        terminal = self._terminal
        broker = "replay" if self._file else "simulated"
        request = LoginRequest(
            broker=broker, user="demo", replay_file=self._file, speed=self._speed, url="simulated"
        )
        terminal.display.chart.set_time_frame(60 if self._speed >= QUICK else 1)
        await terminal.log_in(request, hold=True, contracts=())
        assert terminal.run
        offered = [item.symbol for item in terminal.run.broker.contracts()]
        host = terminal.run.host
        terminal.start_trading()
        await self._until(lambda: host.is_trading, _READY_S)
        await terminal.select((offered[0],))
        if release := getattr(terminal.run.broker, "release", None):
            release(terminal.run.host.strategy_names)
        await self._until(lambda: offered[0] in terminal.display.last_ticks, _READY_S)
        for spec in self._conditions(terminal.display.last_ticks[offered[0]]):
            terminal.put_condition(spec, True)

    def _conditions(self, tick: Tick) -> list[ConditionSpec]:
        assert self._terminal.run
        account = self._terminal.run.accounts[0].account
        is_quick = self._speed >= QUICK
        offset = 8 if is_quick else 2
        return [
            ConditionSpec(
                condition_id=name,
                account=account,
                symbol=tick.symbol,
                action=side,
                trigger_price=tick.price - side.sign * offset,
                turning_points=3 if is_quick else 2,
                take_profit_points=90 if is_quick else 25,
                stop_loss_points=45 if is_quick else 15,
            )
            for name, side in (("support", Side.BUY), ("resistance", Side.SELL))
        ]

    async def _finish(self, began: float) -> None:
        """Stops the market, lets everything arrive, and writes what happened."""
        terminal = self._terminal
        assert terminal.run
        host, link = terminal.run.host, terminal.run.link
        if self._screenshot is not None:
            self._take_picture(self._screenshot)
        await asyncio.to_thread(terminal.run.broker.close)
        await self._until(self._all_arrived, _SETTLE_S, must=False)
        snapshot: Snapshot = await link.request(GetSnapshot())
        realised = sum(float(item.realised_pnl(host.instrument(item.symbol))) for item in snapshot.positions)
        self.report = {
            "ticks_published": host.gateway.ticks.position,
            "ticks_received_by_window": terminal.display.ticks_received,
            "ticks_received_by_strategy": host.total("ticks"),
            "gaps": link.gaps + host.total("gaps"),
            "ticks_lost": host.total("lost"),
            "signals": host.total("signals"),
            "orders": len(snapshot.orders),
            "fills": len(snapshot.fills),
            "positions": {item.symbol: item.net for item in snapshot.positions},
            "realised_pnl": round(realised, 2),
            "conditions": {item.condition_id: item.state.value for item in snapshot.conditions},
            "child_restarts": host.restarts,
            "seconds": round(time.monotonic() - began, 2),
        }
        text = json.dumps(self.report, indent=2)
        if self._report_path is not None:
            self._report_path.write_text(text + "\n", encoding="utf-8")

    def _all_arrived(self) -> bool:
        run = self._terminal.run
        if run is None:
            return True
        published = run.host.gateway.ticks.position
        return self._terminal.display.ticks_received == published == run.host.total("ticks")

    def _take_picture(self, path: Path) -> None:
        if not self._terminal.display.window.grab().save(str(path)):
            log.error("screenshot not saved", path=str(path))
            print(f"terminal: {path}: the picture cannot be written", file=sys.stderr)

    async def _until(self, condition: Any, seconds: float, *, must: bool = True) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                if must:
                    raise EngineError(f"the demo waited {seconds:g} s in vain; see the log")
                return
            await asyncio.sleep(0.05)
