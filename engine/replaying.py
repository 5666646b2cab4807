"""A recorded day run through the real gateway, strategy and executor processes without a window.

``python -m engine replay``. Replay time decides: the same day and conditions give the same result at any speed,
whether the day comes from a file or from the market store.
"""

import dataclasses
import json
import tempfile
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from engine import logs, recorded_days
from engine.brokers.base import Credentials
from engine.brokers.replay import ReplayBroker
from engine.brokers.tape import Tape
from engine.errors import ChildError, DataFileError, SettingsError
from engine.host import Host
from engine.model.condition import (
    ConditionAction,
    ConditionCommand,
    ConditionSpec,
    ConditionState,
    LevelsFrom,
    SessionEnd,
    Transition,
)
from engine.model.instrument import Instrument
from engine.model.order import Order, Side
from engine.model.recorded import RecordedPart
from engine.model.session import SessionKind, TradingCalendar
from engine.model.signal import Signal
from engine.model.tick import Tick
from engine.settings import Settings, from_table, with_free_ports
from engine.timing import iso
from engine.wire.keys import Role
from engine.wire.messages import GetSnapshot, GetTicks, Pace, Pulse, SelectContracts, Snapshot
from engine.wire.sockets import Poller, Requester, Subscriber

log = logs.get(__name__)

READY_S: Final = 30.0
"""How long the child processes may take to start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionTable:
    """One ``[[condition]]`` of a conditions file; see :class:`engine.model.condition.ConditionSpec`."""

    action: Side
    trigger_price: int
    turning_points: int = 15
    take_profit_points: int = 90
    stop_loss_points: int = 30
    quantity: int = 1
    following: bool = False
    trailing_points: int = 0
    levels_from: LevelsFrom = LevelsFrom.ENTRY_LEVEL
    breakeven_points: int = 0
    time_stop_s: int = 0
    session_end: SessionEnd = SessionEnd.REARM
    oco_group: str = ""


def read_conditions(path: Path, *, account: str, symbol: str) -> list[ConditionSpec]:
    """Reads a conditions file; ids are ``c1``, ``c2``, … in the order of the file.

    Raises:
        DataFileError: the file cannot be read or is no TOML.
        SettingsError: an unknown key, a missing one or a wrong value; names the condition and the key.
    """
    try:
        with path.open("rb") as file:
            document = tomllib.load(file)
    except OSError as error:
        raise DataFileError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataFileError(f"{path}: no valid TOML: {error}") from error
    for key in document:
        if key != "condition":
            raise SettingsError(f"{path}: {key}: unknown key; a conditions file has [[condition]] tables")
    tables = document.get("condition", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise SettingsError(f"{path}: condition: write [[condition]], with two brackets")
    specs = []
    for number, table in enumerate(tables, 1):
        where = f"{path}: condition {number}: "
        values = from_table(ConditionTable, table, where)
        fields = {item.name: getattr(values, item.name) for item in dataclasses.fields(ConditionTable)}
        spec = ConditionSpec(condition_id=f"c{number}", account=account, symbol=symbol, **fields)
        if problem := spec.problem():
            raise SettingsError(f"{where}{problem}")
        specs.append(spec)
    return specs


class SessionTally:
    """Open, high, low, close and lots of each session, from the ticks as they arrive."""

    def __init__(self, calendar: TradingCalendar, instrument: Instrument) -> None:
        self._calendar, self._instrument = calendar, instrument
        self._rows: dict[tuple[str, SessionKind], dict[str, Any]] = {}

    def add(self, tick: Tick) -> None:
        """Counts one tick."""
        session = self._calendar.session_at(tick.ts_event, last_trading_day=self._instrument.last_trading_day)
        if session is None:
            return
        key = (session.trade_date.isoformat(), session.kind)
        row = self._rows.get(key)
        if row is None:
            self._rows[key] = {
                "name": session.kind.value,
                "open": tick.price,
                "high": tick.price,
                "low": tick.price,
                "close": tick.price,
                "lots": tick.quantity,
            }
            return
        row["high"] = max(row["high"], tick.price)
        row["low"] = min(row["low"], tick.price)
        row["close"] = tick.price
        row["lots"] += tick.quantity

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One row a session, in their order."""
        return list(self._rows.values())

    @property
    def trade_date(self) -> str:
        """Trade date of the last session, empty before the first tick."""
        return max((date for date, _ in self._rows), default="")


class Recording:
    """What arrives over the feed during a headless run."""

    def __init__(self, tally: SessionTally) -> None:
        self.tally = tally
        self.ticks = 0
        self.gaps = 0
        self.last_seq = 0
        self.transitions: list[Transition] = []
        self.signals: dict[str, Signal] = {}
        self.is_end = False
        self.heard = time.monotonic()

    def take(self, body: object, fetch: Callable[[int], tuple[Tick, ...]]) -> None:
        """One message; missing ticks are fetched before a later one counts."""
        self.heard = time.monotonic()
        if isinstance(body, Tick):
            if body.seq > self.last_seq + 1:
                self.gaps += 1
                for missed in fetch(self.last_seq):
                    self._count(missed)
            self._count(body)
        elif isinstance(body, Transition):
            self.transitions.append(body)
        elif isinstance(body, Signal):
            self.signals[body.signal_id] = body
        elif isinstance(body, Pace):
            self.is_end |= body.is_end

    def _count(self, tick: Tick) -> None:
        if tick.seq > self.last_seq:
            self.last_seq = tick.seq
            self.ticks += 1
            self.tally.add(tick)


def replay(
    source: Path | RecordedPart,
    symbol: str,
    conditions: Path,
    *,
    settings: Settings,
    speed: float = 0.0,
    on_running: Callable[[Host], None] | None = None,
    ledger: Path | None = None,
) -> dict[str, Any]:
    """Runs a recorded day and gives the result document.

    Args:
        source: TAIFEX daily file, zip or csv, or a part of a stored day.
        symbol: contract code such as ``TXFK4``.
        conditions: conditions file.
        settings: of the run; sockets take any free port.
        speed: market seconds in a second, 0 = as fast as possible.
        on_running: called when the stream begins (tests kill processes then).
        ledger: where to keep the ledger; without it, it goes with the run.

    Raises:
        EngineError: a file that cannot be used, or processes that do not start.
    """
    settings = with_free_ports(settings)
    calendar = TradingCalendar(settings.market.closed_days, settings.market.opened_days)
    broker = ReplayBroker(_tape(source, symbol, calendar), speed=speed, calendar=calendar)
    accounts = broker.login(Credentials(user="replay"))
    specs = read_conditions(conditions, account=accounts[0].account, symbol=symbol)
    broker.hold()
    with tempfile.TemporaryDirectory(prefix="replay-", ignore_cleanup_errors=True) as folder:
        kept = ledger or Path(folder) / "ledger.sqlite"
        host = Host(settings, broker, accounts, kept, calendar=calendar)
        try:
            return _run(host, broker, symbol, specs, on_running)
        finally:
            host.close()


def _tape(source: Path | RecordedPart, symbol: str, calendar: TradingCalendar) -> Tape:
    if isinstance(source, RecordedPart):
        return recorded_days.tape_of(dataclasses.replace(source, symbols=(symbol,)), calendar)
    return Tape.of_file(source, (symbol,), calendar)


def _run(
    host: Host,
    broker: ReplayBroker,
    symbol: str,
    specs: list[ConditionSpec],
    on_running: Callable[[Host], None] | None,
) -> dict[str, Any]:
    wire, keys = host.settings.wire, host.client_keys(Role.WINDOW)
    requester = Requester(host.gateway.commands_endpoint, source="replay", wire=wire, keys=keys)
    feed = Subscriber(host.gateway.market_endpoint, [""], wire=wire, keys=keys)
    instrument = host.instrument(symbol)
    recording = Recording(SessionTally(host.calendar, instrument))

    def fetch(after: int) -> tuple[Tick, ...]:
        found: tuple[Tick, ...] = requester.request(GetTicks(symbol=symbol, after_seq=after)).ticks
        return found

    try:
        host.start()
        requester.request(SelectContracts(symbols=(symbol,)))
        for spec in specs:
            for action in (ConditionAction.PUT, ConditionAction.ARM):
                put = spec if action is ConditionAction.PUT else None
                command = ConditionCommand(action=action, condition_id=spec.condition_id, spec=put)
                requester.request(command)
        _await_feed(feed, recording, fetch)
        host.start_trading()
        if not host.wait_trading(READY_S):
            raise ChildError("the strategy or executor process did not start; see their logs")
        broker.release(host.strategy_names)
        if on_running:
            on_running(host)
        poller = Poller(feed)
        while not recording.is_end:
            poller.wait(200)
            for _, envelope in feed.drain():
                recording.take(envelope.body, fetch)
        snapshot: Snapshot = requester.request(GetSnapshot())
        _drain(feed, recording, fetch, snapshot)
    finally:
        feed.close()
        requester.close()
    return document(symbol, recording, snapshot, instrument)


def _await_feed(feed: Subscriber, recording: Recording, fetch: Callable[[int], tuple[Tick, ...]]) -> None:
    """Waits for the gateway's pulse: from then on the subscription is known to be complete."""
    while (found := feed.receive(1000)) is None or not isinstance(found[1].body, Pulse):
        if found is not None:
            recording.take(found[1].body, fetch)


def _drain(
    feed: Subscriber, recording: Recording, fetch: Callable[[int], tuple[Tick, ...]], snapshot: Snapshot
) -> None:
    """Takes what was published before the snapshot."""
    goal = max((item.seq for item in snapshot.seqs if item.family == "event"), default=0)
    while (found := feed.receive(1000)) is not None:
        recording.take(found[1].body, fetch)
        if found[1].seq >= goal and not isinstance(found[1].body, Tick):
            return


def document(symbol: str, recording: Recording, snapshot: Snapshot, instrument: Instrument) -> dict[str, Any]:
    """The result as plain JSON values. Money is TWD; prices are in points; times ISO 8601 UTC.

    Rows are in the order of the ticks that caused them, and within a tick in that of the conditions: strategy
    processes run beside each other, so the order of arrival would not be the same at every run.
    """
    place = {item.condition_id: number for number, item in enumerate(snapshot.conditions)}

    def by_tick(row: Transition | Signal | Order) -> tuple[int, int]:
        return row.tick_seq, place.get(row.condition_id, len(place))

    positions = [position for position in snapshot.positions if position.symbol == symbol]
    gross = sum((position.gross_pnl(instrument) for position in positions), Decimal(0))
    fees = sum((position.fees for position in positions), Decimal(0))
    tax = sum((position.tax for position in positions), Decimal(0))
    return {
        "symbol": symbol,
        "trade_date": recording.tally.trade_date,
        "ticks": recording.ticks,
        "sessions": recording.tally.rows,
        "transitions": [
            _plain(item)
            for item in sorted(recording.transitions, key=by_tick)
            if item.origin is not ConditionState.DRAFT
        ],
        "signals": [_signal(item) for item in sorted(recording.signals.values(), key=by_tick)],
        "orders": [_plain(item) for item in sorted(snapshot.orders, key=by_tick)],
        "fills": [_plain(item) for item in sorted(snapshot.fills, key=lambda fill: (fill.seq, fill.fill_id))],
        "positions": [
            {"account": item.account, "symbol": item.symbol, "quantity": item.net} for item in positions
        ],
        "gross_pnl": float(gross),
        "fees": float(fees),
        "tax": float(tax),
        "realised_pnl": float(gross - fees - tax),
    }


def _signal(signal: Signal) -> dict[str, Any]:
    return {
        "id": signal.signal_id,
        "condition": signal.condition_id,
        "leg": signal.leg.value,
        "side": signal.side.value,
        "reason": signal.reason,
        "quantity": signal.quantity,
        "tick_seq": signal.tick_seq,
        "price": signal.price,
        "time": iso(signal.ts_event),
    }


_RENAMED: Final = {
    "condition_id": "condition",
    "origin": "from",
    "target": "to",
    "ts_event": "time",
    "ts_created": "time_created",
    "ts_updated": "time_updated",
}


def _plain(value: Any) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for item in dataclasses.fields(value):
        content = getattr(value, item.name)
        row[_RENAMED.get(item.name, item.name)] = iso(content) if item.name.startswith("ts_") else content
    return row


def write(result: dict[str, Any], out: Path | None) -> None:
    """Writes the document to a file, whole or not at all, or to standard output."""
    text = json.dumps(result, indent=2, ensure_ascii=False) + "\n"
    if out is None:
        print(text, end="")
        return
    temporary = out.with_name(out.name + ".part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(out)
