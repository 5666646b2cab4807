"""Which worlds one can log in to, and the login: from a choice and credentials to a broker and its accounts."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from engine import recorded_days
from engine.brokers.base import Broker, Credentials
from engine.brokers.replay import ReplayBroker
from engine.brokers.simulated import SimulatedExchange
from engine.brokers.tape import Tape
from engine.errors import BrokerRefused
from engine.formats import taifex
from engine.model.instrument import PRODUCTS
from engine.model.playback import Player
from engine.model.position import Account
from engine.model.recorded import RecordedPart
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
        file: the recorded day, for a replay of the exchange's daily file.
        part: the recorded day, for a replay from a market store.
        speed: of the replay; 0 = as fast as possible.
        is_paused: the replay waits at its beginning until someone lets it go on.
        symbols: contracts of the replay of a file; empty = the front month of each product in the file.
    """

    world: World
    credentials: Credentials
    file: Path | None = None
    speed: float = 1.0
    symbols: tuple[str, ...] = ()
    part: RecordedPart | None = None
    is_paused: bool = False


_LATER: Final = {
    World.PFCF_DLL: ("the broker's .NET library", "It will run on Windows only."),
    World.PFCF_WHEEL: ("the broker's Python package", "Use the simulated exchange or a replay."),
}


def unavailable(world: World) -> str:
    """Why a world cannot be used on this machine, in a sentence; empty if it can."""
    if world in (World.SIMULATED, World.REPLAY):
        return ""
    interface, later = _LATER[world]
    return f"This version has no adapter for {interface} yet: there is nothing to install. {later}"


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
    broker = ReplayBroker(_tape(login, calendar), speed=login.speed, calendar=calendar)
    if login.is_paused:
        broker.pause()
    return broker


def _tape(login: Login, calendar: TradingCalendar) -> Tape:
    if login.part is not None:
        return recorded_days.tape_of(login.part, calendar)
    if login.file is None:
        text = "A replay needs a recorded day: choose a TAIFEX daily file or a stored day."
        raise BrokerRefused("file", text)
    return Tape.of_file(login.file, login.symbols or front_months(login.file, calendar), calendar)


def player(broker: Broker) -> Player | None:
    """Who plays the recorded day, where the world is a replay."""
    return broker if isinstance(broker, ReplayBroker) else None


def front_months(path: Path, calendar: TradingCalendar) -> tuple[str, ...]:
    """The most traded month of each product that this program knows, in a daily file."""
    found = taifex.contents(path, calendar)
    return tuple(symbol for code in PRODUCTS if (symbol := found.front_month(code)))


_MAKERS: dict[World, Callable[[Login, Settings, TradingCalendar], Broker]] = {
    World.SIMULATED: _simulated,
    World.REPLAY: _replay,
}
