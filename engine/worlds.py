"""Which worlds one can log in to, and the login: from a choice and credentials to a broker and its accounts."""

import importlib.util
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from engine.brokers.base import Broker, Credentials
from engine.brokers.replay import ReplayBroker
from engine.brokers.simulated import SimulatedExchange
from engine.errors import BrokerRefused
from engine.formats import taifex
from engine.model.instrument import PRODUCTS
from engine.model.position import Account
from engine.model.session import TradingCalendar
from engine.settings import Settings


class World(StrEnum):
    """What one can log in to."""

    SIMULATED = "simulated"
    REPLAY = "replay"
    PFCF_DLL = "pfcf_dll"
    PFCF_WHEEL = "pfcf_wheel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A choice of a world and what it needs.

    Attributes:
        world: which.
        credentials: user, secrets and server.
        file: the recorded day, for a replay.
        speed: of the replay; 0 = as fast as possible.
        symbols: contracts of the replay; empty = the front month of each product in the file.
    """

    world: World
    credentials: Credentials
    file: Path | None = None
    speed: float = 1.0
    symbols: tuple[str, ...] = ()


def unavailable(world: World) -> str:
    """Why a world cannot be used on this machine, in a sentence; empty if it can."""
    if world in (World.SIMULATED, World.REPLAY):
        return ""
    if world is World.PFCF_DLL:
        is_windows = os.name == "nt"
        return (
            "This version has no adapter for the broker's .NET library yet."
            if is_windows
            else "The broker's .NET library runs on Windows only."
        )
    if importlib.util.find_spec("pfcf") is None:
        return "The broker's Python package (pfcf) is not installed."
    return "This version has no adapter for the broker's Python package yet."


def log_in(login: Login, settings: Settings, calendar: TradingCalendar) -> tuple[Broker, tuple[Account, ...]]:
    """Logs in; blocks until the broker has answered or a recorded day is read.

    Raises:
        BrokerRefused: the broker said no; the sentence says why.
        DataFileError: the recorded day cannot be used.
    """
    if why := unavailable(login.world):
        raise BrokerRefused("unavailable", why)
    broker = _MAKERS[login.world](login, settings, calendar)
    return broker, broker.login(login.credentials)


def _simulated(login: Login, settings: Settings, calendar: TradingCalendar) -> Broker:
    return SimulatedExchange(settings.simulation, calendar)


def _replay(login: Login, settings: Settings, calendar: TradingCalendar) -> Broker:
    if login.file is None:
        raise BrokerRefused("file", "A replay needs a recorded day: choose a TAIFEX daily file.")
    symbols = login.symbols or front_months(login.file, calendar)
    return ReplayBroker(login.file, symbols, speed=login.speed, calendar=calendar)


def front_months(path: Path, calendar: TradingCalendar) -> tuple[str, ...]:
    """The most traded month of each product that this program knows, in a daily file."""
    found = taifex.contents(path, calendar)
    return tuple(symbol for code in PRODUCTS if (symbol := found.front_month(code)))


_MAKERS: dict[World, Callable[[Login, Settings, TradingCalendar], Broker]] = {
    World.SIMULATED: _simulated,
    World.REPLAY: _replay,
}
