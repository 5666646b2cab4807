"""The one settings object: frozen, typed, read from a TOML file whose unknown keys are refused.

Sections are dataclasses; every field has a default and a reason. Paths lie where the platform keeps such files;
the environment variable FUTURES_TERMINAL_HOME puts all of them under one folder (tests, portable installs).
"""

import dataclasses
import functools
import math
import os
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from engine.errors import SettingsError

APP_NAME = "futures-terminal"
_LEAST_REQUESTS = 20

_NEVER_ZERO: Final = frozenset(
    {
        "max_order_lots",
        "max_position_lots",
        "max_total_lots",
        "price_band_percent",
        "stale_feed_s",
        "entry_signal_age_s",
        "max_orders_per_minute",
        "max_orders_per_day",
    }
)
"""Limits of risk that only make sense above zero; of the others zero means off."""
_SHORTEST_SESSION_S: Final = 4.75 * 3600
"""The day session of a settlement day, 08:45 to 13:30."""
_MARGIN_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where sockets bind. Port 0 = any free port; children learn the real ones at spawn."""

    host: str = "127.0.0.1"
    """Loopback: nobody outside this machine can connect. Another address is a decision of the user."""
    market: int = 5555
    """The feed (PUB)."""
    signals: int = 5556
    """Trading signals, from the strategies to the executor (PULL)."""
    commands: int = 5557
    """Requests to the gateway (ROUTER)."""
    telemetry_in: int = 5558
    """Heartbeats, states and logs of the processes, inward (XSUB)."""
    telemetry_out: int = 5559
    """The same, outward (XPUB)."""
    history: int = 5560
    """Questions about past ticks, books and bars, to the recorder (ROUTER)."""


@dataclass(frozen=True, slots=True)
class Wire:
    """High-water marks, linger and timeouts of the sockets."""

    encrypted: bool = True
    """CURVE on every socket; off only to measure what it costs."""
    publish_high_water: int = 100_000
    """Messages kept per slow subscriber: some 20 s of a busy market; beyond it drops, which the numbers show."""
    subscribe_high_water: int = 100_000
    """The same on the receiving side; a window that hangs for seconds loses nothing."""
    signal_high_water: int = 1_000
    """Signals are rare; a queue of a thousand means that the executor is gone, and entries would be stale."""
    linger_ms: int = 200
    """How long closing waits for what is still unsent: enough for loopback, short for a shutdown."""
    request_timeout_s: float = 1.0
    """First wait for a reply: ten thousand round trips of loopback, so silence means a busy or dead gateway."""
    request_attempts: int = 4
    """Tries of a request (same id, so repeating is safe); each waits twice as long: 1, 2, 4, 8 s."""
    heartbeat_interval_s: float = 0.25
    """How often each process says that it lives."""
    requests_per_s: int = 500
    """Requests of one client to the gateway; beyond it they are refused. Exits and cancels always pass."""
    request_burst: int = 2_000
    """So many at once before that counts: a burst of strategy reports on a busy tick."""
    reader_keys: tuple[str, ...] = ()
    """CURVE public keys (Z85) of foreign programs that may read feeds and ask, never order."""


class HaltRule(StrEnum):
    """How deep a rule halts trading."""

    NONE = "none"
    """It only refuses entries while the limit is passed."""
    NO_ENTRIES = "no_entries"
    CANCEL_WORKING = "cancel_working"
    FLATTEN = "flatten"


@dataclass(frozen=True, slots=True)
class Risk:
    """Limits of the gateway, the one door to the broker."""

    max_order_lots: int = 10
    """Lots of one order."""
    max_position_lots: int = 20
    """Net lots per contract and account, working orders counted as if filled."""
    price_band_percent: float = 2.0
    """How far a limit price may lie on the aggressive side of the last trade."""
    stale_feed_s: float = 5.0
    """A feed silent for longer, in an open session, lets no entry through (wall clock)."""
    entry_signal_age_s: float = 2.0
    """An entry signal older than this is refused. Exits never grow stale."""
    max_total_lots: int = 40
    """Lots of all contracts of an account together, long and short added up, working entries counted as if
    filled."""
    max_daily_loss: int = 0
    """TWD lost by an account in a trade date, realised and unrealised, after the exchange's fees and tax; from
    there no entry passes. 0 = off."""
    daily_loss_halt: HaltRule = HaltRule.NO_ENTRIES
    """How deep trading is halted when the daily loss is reached; only a person resumes."""
    max_orders_per_minute: int = 120
    """Entries of strategies and people together; a program that runs wild is stopped here."""
    max_orders_per_day: int = 2_000
    """The same in one trade date."""
    no_entry_before_close_s: float = 0.0
    """No entry in the last seconds of a session. 0 = off."""
    duplicate_window_s: float = 1.0
    """A person's order that repeats the one before (same contract, side, lots and price) within so many seconds is
    refused: a double click."""
    margin_per_lot: tuple[str, ...] = ("TXF=322000", "MXF=80500", "TMF=16100")
    """Initial margin in TWD by product; the exchange changes it, look it up. Only used where a limit is known."""
    max_margin: int = 0
    """TWD that an account's positions and working entries may bind; 0 = its equity where the broker tells it."""


class Durability(StrEnum):
    """What a commit survives."""

    POWER_LOSS = "power_loss"
    """The disk has it when the commit returns."""
    PROCESS_DEATH = "process_death"
    """The operating system has it: it survives the death of this program, not that of the machine."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """The order ledger."""

    commands: Durability = Durability.POWER_LOSS
    """What only this program knows: intents, conditions, halts, limits, refused signals."""
    reports: Durability = Durability.POWER_LOSS
    """What the broker told; it can be asked again, but only within the trade date."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Protection of positions."""

    naked_alarm_s: float = 3.0
    """Lots that nothing guards for longer raise an alarm: twice what the restart of a process takes."""
    flatten_before_close_s: float = 60.0
    """How long before the close a condition that is not to be held through is closed."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """How often our books are compared with the broker's."""

    in_flight_s: float = 5.0
    """An order whose call or cancel was not answered by then is asked for."""
    open_orders_s: float = 10.0
    """All orders, while one of them works."""
    positions_s: float = 60.0
    """Net lots of every account."""
    queries_per_minute: int = 60
    """The broker takes no more of all these together."""


@dataclass(frozen=True, slots=True)
class Supervision:
    """Child processes."""

    ready_timeout_s: float = 20.0
    """A child that has not said ready by then is restarted."""
    heartbeat_limit_s: float = 3.0
    """Twelve missed heartbeats: the process hangs and is restarted."""
    restart_delay_s: float = 0.2
    """Wait before the first restart; doubles with each early death."""
    restart_delay_max_s: float = 10.0
    """The longest such wait."""
    stable_after_s: float = 10.0
    """A child that lived this long has started well; the count of early deaths begins anew."""
    max_early_deaths: int = 6
    """After so many early deaths in a row the supervisor gives up, loudly."""
    stop_timeout_s: float = 2.0
    """Each step of the shutdown ladder: ask, terminate, kill."""
    work_limit_s: float = 5.0
    """A process that lives but has not done its work for so long is stuck and started again."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """Strategy processes."""

    processes: int = 1
    """Conditions are spread over so many processes; 0 = only other strategies run."""
    signal_resend_s: float = 1.0
    """A signal that was not answered by then is sent again (same id)."""


@dataclass(frozen=True, slots=True)
class Simulation:
    """The simulated exchange."""

    seed: int = 20241105
    """The same seed gives the same market, except for what your own orders change."""
    speed: float = 1.0
    """Market seconds in a second."""
    latency_ms: float = 2.0
    """Time between a request and the exchange's reply."""
    reject_rate: float = 0.0
    """Share of orders that the exchange rejects."""
    lost_reply_rate: float = 0.0
    """Share of order calls that end ambiguously: the order may live, the caller gets no answer."""
    disconnect_every_s: float = 0.0
    """Mean market time between link drops; 0 = never."""


@dataclass(frozen=True, slots=True)
class Market:
    """The calendar's exceptions and how much of the feed is kept in memory."""

    closed_days: tuple[date, ...] = ()
    """Days without trading that the built-in calendar does not know (typhoons)."""
    opened_days: tuple[date, ...] = ()
    """Trading days that it takes for holidays."""
    ring_ticks: int = 300_000
    """Recent ticks kept per contract for charts and for the repair of gaps: more than the busiest day so far."""


@dataclass(frozen=True, slots=True)
class Store:
    """The market store."""

    max_gb: float = 0.0
    """What closed days may use on disk, in units of 10^9 bytes; beyond it the oldest go. 0 = never delete."""
    recorder: bool = True
    """The recorder runs: it records the market and answers questions about history. Off: there is neither."""
    flush_s: float = 1.0
    """How often it writes what has come. Until then a spool file holds it, which survives the program's death."""


@dataclass(frozen=True, slots=True)
class Scanner:
    """The search for what deserves a look."""

    enabled: bool = True
    """The scanner runs: it watches every subscribed contract and orders nothing. Off: its panel stays empty."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Where the program keeps its files."""

    ledger: Path
    """Ledgers: ``live.sqlite``, and one for each simulated or replayed run."""
    logs: Path
    """One file for each process, ``terminal.jsonl`` and so on."""
    config: Path
    """``terminal.json``, the window's own choices."""
    store: Path
    """The market store: ``live.duckdb``, and the closed days as Parquet files under ``days``."""

    @classmethod
    def of_platform(cls) -> "Paths":
        """The platform's own places, or all under FUTURES_TERMINAL_HOME."""
        if home := os.environ.get("FUTURES_TERMINAL_HOME"):
            base = Path(home)
            return cls(base / "ledger", base / "logs", base / "config", base / "store")
        import platformdirs  # here, so that child processes need not load it

        data = Path(platformdirs.user_data_dir(APP_NAME, appauthor=False))
        return cls(
            data / "ledger",
            Path(platformdirs.user_log_dir(APP_NAME, appauthor=False)),
            Path(platformdirs.user_config_dir(APP_NAME, appauthor=False)),
            data / "store",
        )


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a run."""

    endpoints: Endpoints = field(default_factory=Endpoints)
    wire: Wire = field(default_factory=Wire)
    risk: Risk = field(default_factory=Risk)
    ledger: Ledger = field(default_factory=Ledger)
    supervision: Supervision = field(default_factory=Supervision)
    guard: Guard = field(default_factory=Guard)
    reconciliation: Reconciliation = field(default_factory=Reconciliation)
    strategy: Strategy = field(default_factory=Strategy)
    simulation: Simulation = field(default_factory=Simulation)
    market: Market = field(default_factory=Market)
    paths: Paths = field(default_factory=Paths.of_platform)
    store: Store = field(default_factory=Store)
    scanner: Scanner = field(default_factory=Scanner)


def load(path: Path | None = None) -> Settings:
    """Reads settings; without ``path`` the user's ``settings.toml`` if there is one, else the defaults.

    Raises:
        SettingsError: the file cannot be read, or a key or value in it cannot be used.
    """
    import tomllib  # here, so that child processes need not load it

    if path is None:
        path = Paths.of_platform().config / "settings.toml"
        if not path.exists():
            return Settings()
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: no valid TOML: {error}") from error
    found = typing.cast(Settings, _build(Settings, table, Settings(), f"{path}: "))
    if problem := _problem(found):
        raise SettingsError(f"{path}: {problem}")
    return found


def _problem(settings: Settings) -> str:
    """What is wrong with values that have the right type, in a sentence; empty if nothing is."""
    for item in dataclasses.fields(Endpoints):
        value = getattr(settings.endpoints, item.name)
        if isinstance(value, int) and value > 65535:
            return f"endpoints.{item.name}: {value} is no port; the highest is 65535"
    if problem := limits_problem(settings.risk):
        return f"risk.{problem}"
    if not 0 < settings.store.flush_s <= 60:
        return f"store.flush_s: {settings.store.flush_s:g}; it must be more than 0 and at most 60"
    if not settings.simulation.speed:
        return "simulation.speed: 0; it must be more, 1 is real time"
    if settings.wire.heartbeat_interval_s * 3 > settings.supervision.heartbeat_limit_s:
        return "supervision.heartbeat_limit_s: it must be at least three times wire.heartbeat_interval_s"
    for name in ("requests_per_s", "request_burst"):
        if getattr(settings.wire, name) < _LEAST_REQUESTS:
            return f"wire.{name}: the window itself asks {_LEAST_REQUESTS} times within a second when it begins"
    for key in settings.wire.reader_keys:
        if not key.isascii() or len(key) != 40:
            return f"wire.reader_keys: {key!r} is no CURVE public key of 40 characters"
    return ""


def limits_problem(limits: Risk) -> str:
    """What is wrong with limits of risk that somebody wants to set, in a sentence; empty if nothing is."""
    for item in dataclasses.fields(Risk):
        value = getattr(limits, item.name)
        if isinstance(value, int | float) and not 0 <= value < math.inf:
            return f"{item.name}: {value} is not a finite number from zero up"
        if item.name in _NEVER_ZERO and not value:
            return f"{item.name}: 0 would let no entry through; to stop all entries, halt trading"
    if limits.max_total_lots < limits.max_position_lots:
        return (
            f"max_total_lots: {limits.max_total_lots} is less than max_position_lots, {limits.max_position_lots}; "
            "one contract alone may not hold more than all together"
        )
    if limits.no_entry_before_close_s >= _SHORTEST_SESSION_S:
        return f"no_entry_before_close_s: {limits.no_entry_before_close_s:g} s is as long as a whole session"
    try:
        margins(limits.margin_per_lot)
    except SettingsError as error:
        return f"margin_per_lot: {error}"
    return ""


@functools.lru_cache(maxsize=16)
def margins(entries: tuple[str, ...]) -> Mapping[str, int]:
    """The initial margin of one lot in TWD by product code, of entries such as ``TXF=322000``.

    Raises:
        SettingsError: an entry is not of this form, names a product that is not known, or one for the second time.
    """
    usual = Risk().margin_per_lot
    known = [entry.partition("=")[0] for entry in usual]
    found: dict[str, int] = {}
    for entry in entries:
        code, _, amount = entry.partition("=")
        if not (amount.isascii() and amount.isdecimal() and len(amount) <= _MARGIN_DIGITS and int(amount)):
            raise SettingsError(f"{entry!r}: must be a product and whole TWD, as in {usual[0]!r}")
        if code not in known:
            raise SettingsError(f"{entry!r}: {code!r} is no product; known are {', '.join(known)}")
        if code in found:
            raise SettingsError(f"{entry!r}: {code} is named twice")
        found[code] = int(amount)
    return MappingProxyType(found)


def with_free_ports(settings: Settings) -> Settings:
    """The same settings with any free port for every socket (tests, headless runs)."""
    free = Endpoints(settings.endpoints.host, 0, 0, 0, 0, 0, 0)
    return dataclasses.replace(settings, endpoints=free)


def from_table(kind: type, table: dict[str, Any], where: str) -> Any:
    """Builds a flat dataclass from a TOML table, with the same checks as the settings file.

    Raises:
        SettingsError: an unknown key, a missing one, or a value of the wrong type.
    """
    hints = typing.get_type_hints(kind)
    _refuse_unknown(kind, table, where)
    try:
        return kind(**{key: _convert(hints[key], value, f"{where}{key}") for key, value in table.items()})
    except TypeError as error:
        raise SettingsError(f"{where.rstrip('. ')}: {error}") from error


def _refuse_unknown(kind: type, table: dict[str, Any], where: str) -> None:
    import difflib

    known = [item.name for item in dataclasses.fields(kind)]
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
            raise SettingsError(f"{where}{key}: unknown key; {hint}")


def _build(kind: type, table: dict[str, Any], base: Any, where: str) -> Any:
    hints = typing.get_type_hints(kind)
    _refuse_unknown(kind, table, where)
    changes: dict[str, Any] = {}
    for key, value in table.items():
        if dataclasses.is_dataclass(hints[key]):
            if not isinstance(value, dict):
                raise SettingsError(f"{where}{key}: must be a table, as in [{key}]")
            changes[key] = _build(hints[key], value, getattr(base, key), f"{where}{key}.")
        else:
            changes[key] = _convert(hints[key], value, f"{where}{key}")
    return dataclasses.replace(base, **changes)


def _convert(kind: Any, value: Any, where: str) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value).expanduser()
    if kind is float and type(value) is int:
        return float(value)
    if typing.get_origin(kind) is tuple and isinstance(value, list):
        return tuple(_convert(typing.get_args(kind)[0], part, where) for part in value)
    if type(value) is kind:
        if isinstance(value, int | float) and not 0 <= value < math.inf:
            raise SettingsError(f"{where}: {value} is not a finite number from zero up")
        return value
    if isinstance(kind, type) and issubclass(kind, str) and isinstance(value, str):
        try:
            return kind(value)
        except ValueError as error:
            raise SettingsError(f"{where}: {error}") from error
    name = getattr(kind, "__name__", str(kind))
    raise SettingsError(f"{where}: {value!r} is of type {type(value).__name__}, expected {name}")
