"""What exists between login and logout: broker, engine and the links to them, built and ended. Shows nothing.

The one module besides :mod:`terminal.app` that reaches the engine's gateway, supervision and brokers.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from PySide6 import QtCore

from engine import recorded_days, worlds
from engine.brokers.base import Broker, Credentials
from engine.host import Host
from engine.model.market import Environment
from engine.model.playback import Player
from engine.model.position import Account
from engine.model.recorded import Shelf
from engine.model.session import TAIPEI, TradingCalendar
from engine.settings import Settings
from engine.wire.keys import Role
from terminal.bridge.history import HistoryLink
from terminal.bridge.link import Endpoints, EngineLink
from terminal.dialogs.login import BrokerChoice, LoginRequest

_FIELDS: Final = {
    worlds.World.SIMULATED: frozenset({"user", "password", "url"}),
    worlds.World.REPLAY: frozenset({"replay_file", "stored_day", "speed"}),
    worlds.World.PFCF_DLL: frozenset({"user", "password", "url"}),
    worlds.World.PFCF_WHEEL: frozenset({"user", "password", "url", "certificate"}),
}
_URLS: Final = {worlds.World.SIMULATED: ("simulated",)}


@dataclass(slots=True)
class Run:
    """What exists between login and logout."""

    broker: Broker
    host: Host
    link: EngineLink
    history: HistoryLink
    accounts: tuple[Account, ...]

    @property
    def player(self) -> Player | None:
        """Who plays the recorded day, where the world is a replay."""
        return worlds.player(self.broker)

    async def end(self) -> None:
        """Ends the links, then the engine with all its processes."""
        self.history.close()
        self.link.close()
        await asyncio.to_thread(self.host.close)
        self.history.deleteLater()
        self.link.deleteLater()


def choices() -> list[BrokerChoice]:
    """The worlds for the login dialog."""
    return [
        BrokerChoice(
            key=world.value,
            is_available=not worlds.unavailable(world),
            why_not=worlds.unavailable(world),
            fields=_FIELDS[world],
            urls=_URLS.get(world, ()),
            takes_anyone=world is worlds.World.SIMULATED,
        )
        for world in worlds.World
    ]


class Recordings:
    """The days that a replay can take from the market stores; one question at a time, beside the window.

    Args:
        config: names the store.
        calendar: tells the sessions.
    """

    def __init__(self, config: Settings, calendar: TradingCalendar) -> None:
        self._config, self._calendar = config, calendar
        self._turn = asyncio.Lock()

    async def shelf(self) -> Shelf:
        """What there is.

        Raises:
            EngineError: a store cannot be read.
        """
        async with self._turn:
            return await asyncio.to_thread(recorded_days.shelf, self._config.paths.store, self._calendar)

    async def close_days(self, stores: Iterable[Path]) -> None:
        """Closes the open days of these stores.

        Raises:
            EngineError: a recorder holds one, or a day cannot be written.
        """
        async with self._turn:
            for store in stores:
                await asyncio.to_thread(recorded_days.close_days, store, self._config, self._calendar)

    async def settle(self) -> None:
        """Waits until no store is looked into: the recorder of a login must find them free."""
        async with self._turn:
            pass


async def reach(
    request: LoginRequest, config: Settings, calendar: TradingCalendar
) -> tuple[Broker, tuple[Account, ...]]:
    """Logs in at the broker.

    Raises:
        EngineError: the login failed.
    """
    return await asyncio.to_thread(worlds.log_in, _login(request), config, calendar)


def build(
    broker: Broker,
    accounts: tuple[Account, ...],
    config: Settings,
    calendar: TradingCalendar,
    parent: QtCore.QObject,
) -> Run:
    """Builds the engine for a login; neither it nor its links are started.

    Raises:
        EngineError: the ledger or a socket cannot be used; the broker is as it was.
    """
    host = Host(config, broker, accounts, _ledger_path(broker, config), calendar=calendar)
    keys = host.client_keys(Role.WINDOW)
    endpoints = Endpoints(
        market=host.gateway.market_endpoint,
        commands=host.gateway.commands_endpoint,
        telemetry=host.telemetry_endpoint,
        wire=config.wire,
        keys=keys,
    )
    history = HistoryLink(lambda: host.history_endpoint, wire=config.wire, keys=keys, parent=parent)
    return Run(broker, host, EngineLink(endpoints, parent), history, accounts)


def _login(request: LoginRequest) -> worlds.Login:
    """What the login dialog gave, in the engine's terms."""
    return worlds.Login(
        world=worlds.World(request.broker),
        credentials=Credentials(
            user=request.user,
            password=request.password,
            url=request.url,
            certificate=request.certificate,
            certificate_password=request.certificate_password,
        ),
        file=Path(request.replay_file) if request.replay_file else None,
        speed=request.speed,
        part=request.stored_day,
        is_paused=request.is_paused,
    )


def _ledger_path(broker: Broker, config: Settings) -> Path:
    """One ledger for the real world; every simulated one is new and has a ledger of its own."""
    if broker.environment is Environment.LIVE:
        return config.paths.ledger / "live.sqlite"
    stamp = datetime.now(TAIPEI).strftime("%Y%m%d-%H%M%S-%f")
    return config.paths.ledger / f"{broker.environment}-{stamp}.sqlite"
