"""Everything that travels between processes, and the name and numeric range of each field on the wire.

Values of :mod:`engine.model` travel as they are; here are only the commands, replies and reports that are no
values of the trade. ``PROTOCOL.md`` beside this file is the authority for other languages.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from engine.model.bar import Bar
from engine.model.books import Difference, LimitsChanged, PositionAdjusted
from engine.model.condition import (
    Condition,
    ConditionCommand,
    ConditionExecution,
    ConditionSpec,
    Transition,
)
from engine.model.guard import Coverage, Guard
from engine.model.market import Contract, Environment, HaltChanged, HaltDepth, LinkStatus
from engine.model.order import Fill, Order, SubmitOrder
from engine.model.position import Account, Position
from engine.model.scan import ScanHit
from engine.model.signal import Signal, SignalRefused
from engine.model.tick import Book, Level, Tick
from engine.settings import Risk

SCHEMA_VERSION: Final = 1
"""Major version of the schema; a message of another one is refused."""


class Family(StrEnum):
    """Families of topics; the messages of a family carry one running number."""

    TICK = "tick"
    BOOK = "book"
    EVENT = "event"
    """order, fill, position, condition, transition, signal, halt and link together: one order for all of them."""
    TELEMETRY = "telemetry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What surrounds every message.

    Attributes:
        type: wire name of the body's type.
        body: the message itself.
        id: id of this message, where something will refer to it (requests), else empty.
        cause: id of the message or signal that led to it, else empty.
        source: name of the process that sent it.
        seq: running number within the topic family of the source; 0 where messages are not numbered.
        time: when it was sent, wall clock, nanoseconds UTC.
        version: major version of the schema.
    """

    type: str
    body: Any
    id: str = ""
    cause: str = ""
    source: str = ""
    seq: int = 0
    time: int = 0
    version: int = SCHEMA_VERSION


# --- facts published by the gateway ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Replay only: strategies may process ticks up to this number of the tick family; all events before are out.

    Every strategy process answers every round with one :class:`Watermark`.

    Attributes:
        round: number of the grant.
        position: highest tick number that may be processed.
        now_ns: replay time.
        is_end: the data is used up.
    """

    round: int
    position: int
    now_ns: int
    is_end: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """Once a second: the gateway lives, and what its market's clock says.

    Attributes:
        now_ns: market time.
        position: number of the last tick within the tick family.
    """

    now_ns: int
    position: int


# --- commands and queries (5557) ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """Cancel what is left of an order."""

    client_order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceOrder:
    """Change a working limit order. A new price loses time priority, a smaller quantity keeps it.

    Attributes:
        client_order_id: which order.
        price: new limit price, scaled; 0 = unchanged.
        quantity: new total quantity, not above the present one; 0 = unchanged.
    """

    client_order_id: str
    price: int = 0
    quantity: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAll:
    """Cancel every working order, of one contract or of all."""

    symbol: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flatten:
    """Cancel working orders, release conditions and close positions, of one contract or of all."""

    symbol: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetHalt:
    """Halt trading to a depth. A shallower depth than the present one (NONE: resume) is a person's typed act.

    Attributes:
        depth: how far.
        text: why; for a shallower depth it must be the word ``RESUME``.
    """

    depth: HaltDepth
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLimits:
    """Change the limits of risk while running; written to the ledger.

    Attributes:
        limits: all of them.
        text: why, for people.
    """

    limits: Risk
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskBroker:
    """Compare with the broker now: all orders, fills and positions. The answers come as events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleOrder:
    """A person declares an UNKNOWN order dead, having asked the broker by other means.

    Attributes:
        client_order_id: which order.
        text: what the person knows, for the ledger.
    """

    client_order_id: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptPosition:
    """A person takes over the broker's figure where positions differ.

    Attributes:
        account: order account.
        symbol: contract code.
        price: at which the added lots count, scaled; 0 = the last trade.
    """

    account: str
    symbol: str
    price: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """Nothing but the proof that a request comes through and is answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionReport:
    """A strategy's word on one of its conditions.

    Attributes:
        condition: how it is now.
        transitions: the changes of state since the last report.
        signals: the signals given with them.
    """

    condition: Condition
    transitions: tuple[Transition, ...] = ()
    signals: tuple[Signal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """Replay only: a strategy's answer to a round of :class:`Pace`.

    A strategy that gives signals at a tick stops there, answers with that tick's number and goes on with the
    next round, so that the fills of its orders reach it before any later tick.

    Attributes:
        node: name of the strategy process.
        round: which grant it answers; 0 = it joins the replay.
        position: number of the last processed tick within the tick family.
        signal_ids: signals given at that tick; the replay waits until each has become an order or was refused.
    """

    node: str
    round: int
    position: int
    signal_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SightChanged:
    """A strategy's word on a contract: ticks are missing for good and it enters nothing, or it may enter again.

    The gateway keeps it as the link ``sight.<node>.<symbol>``, from which the process that comes after it learns.

    Attributes:
        node: name of the strategy process.
        symbol: contract code.
        text: what is missing and what a person can do, in a sentence; empty once a person goes on without it.
    """

    node: str
    symbol: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetSnapshot:
    """Ask for everything the gateway knows that is not history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTicks:
    """Ask for the recent ticks of a contract after a number.

    Attributes:
        symbol: contract code.
        after_seq: the symbol's number of the last tick that is known, 0 = from the beginning.
        limit: at most so many.
    """

    symbol: str
    after_seq: int = 0
    limit: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectContracts:
    """Subscribe to exactly these contracts at the broker."""

    symbols: tuple[str, ...]


class HistoryKind(StrEnum):
    """What is asked of the market store."""

    TICKS = "ticks"
    BARS = "bars"
    BOOKS = "books"


@dataclass(frozen=True, slots=True, kw_only=True)
class GetHistory:
    """Ask the recorder (5560) for one page of ticks, bars or books of a contract; never answered by the gateway.

    A page holds the oldest rows of the range, or with ``is_newest`` the newest ones, always in order of time.
    The next page begins behind the last row, or ends before the first one. Ticks and books of one instant are
    never parted: where one has more, its page is longer than asked for. To cancel, ask for no more pages.

    Attributes:
        kind: ticks, bars or books.
        symbol: contract code.
        begin_ns: first instant of the range.
        end_ns: the range ends before it; 0 = no end.
        span_s: length of a bar; 86400 is a trade date.
        is_day_only: day sessions only.
        is_newest: the newest rows of the range.
        limit: at most so many rows.
        run: with ``after_seq``, ticks of one run of the gateway by number (see :class:`Snapshot`); begin, end and
            ``is_newest`` do not count then.
        after_seq: the symbol's number of the last tick that is known, -1 = ask by time.
    """

    kind: HistoryKind
    symbol: str
    begin_ns: int = 0
    end_ns: int = 0
    span_s: int = 60
    is_day_only: bool = False
    is_newest: bool = False
    limit: int = 10_000
    run: int = 0
    after_seq: int = -1


# --- replies -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The request was carried out. ``text`` says what was done, for people."""

    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The request was refused.

    Attributes:
        code: a value of :class:`engine.model.order.Reason`.
        text: what and why, for people.
    """

    code: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilySeq:
    """The last number used in a topic family."""

    family: str
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LastTick:
    """The last tick of a contract and the last number of its tick and book series."""

    symbol: str
    tick: Tick | None = None
    book: Book | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything the gateway knows that is not history. Apply later numbers only.

    Attributes:
        environment: simulated, replay or live.
        now_ns: market time.
        seqs: last number of each family.
        accounts: of the login.
        contracts: what the broker offers.
        selected: subscribed contracts.
        last: last tick and book of the subscribed contracts.
        orders: the newest of the ledger, and every older one that works or belongs to a live condition.
        fills: the newest.
        positions: net positions, flat ones included.
        conditions: all.
        links: state of the links.
        halt: how far trading is halted.
        is_paced: the market waits for the strategies' watermark (replay).
        position: number of the last tick sent, within the tick family.
        pace: the last grant of a paced market.
        limits: of risk, as they are now.
        differences: between our books and the broker's, those that are not settled.
        run: when the gateway began to number ticks, wall clock: ticks are known by (run, symbol, number).
        halted: the last change of the halt, with by whom, when and why.
    """

    environment: Environment
    now_ns: int
    seqs: tuple[FamilySeq, ...] = ()
    accounts: tuple[Account, ...] = ()
    contracts: tuple[Contract, ...] = ()
    selected: tuple[str, ...] = ()
    last: tuple[LastTick, ...] = ()
    orders: tuple[Order, ...] = ()
    fills: tuple[Fill, ...] = ()
    positions: tuple[Position, ...] = ()
    conditions: tuple[Condition, ...] = ()
    links: tuple[LinkStatus, ...] = ()
    halt: HaltDepth = HaltDepth.NONE
    is_paced: bool = False
    position: int = 0
    pace: Pace | None = None
    limits: Risk = field(default_factory=Risk)
    differences: tuple[Difference, ...] = ()
    run: int = 0
    halted: HaltChanged | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticks:
    """Ticks of one contract in their order.

    Attributes:
        symbol: contract code.
        ticks: the ticks.
        first_available: the lowest number that the ring still holds, 0 = none; what lies before it is lost here.
        is_complete: no later tick exists.
        positions: number of each tick within the tick family.
    """

    symbol: str
    ticks: tuple[Tick, ...] = ()
    first_available: int = 0
    is_complete: bool = True
    positions: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """One page of history: columns of little-endian 64-bit integers, all of the same length, in order of time.

    Columns of ticks: ``seq``, ``ts_event``, ``ts_recv``, ``price``, ``quantity``, ``total_volume``, ``flags``; of
    bars: ``start_ns``, ``open``, ``high``, ``low``, ``close``, ``volume``, ``trades``, ``trade_date`` (days since
    1970-01-01), ``is_night`` (0 or 1); of books: ``seq``, ``ts_event``, ``ts_recv``, and ``bid1_price``,
    ``bid1_quantity`` to ``ask5_price``, ``ask5_quantity`` (quantity 0: no such level).

    Attributes:
        kind: ticks, bars or books.
        symbol: contract code.
        span_s: length of a bar; 0 for ticks and books.
        rows: length of the columns.
        columns: by name.
        is_complete: nothing is left in the range behind (``is_newest``: before) this page.
    """

    kind: HistoryKind
    symbol: str
    span_s: int = 0
    rows: int = 0
    columns: dict[str, bytes] = field(default_factory=dict)
    is_complete: bool = True


# --- telemetry ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A process is alive, and when it last did something useful.

    Attributes:
        node: name of the process.
        pid: operating-system process id.
        ts_last_work: when it last processed a message of its own kind, wall clock; 0 = never.
        counts: named counters (``ticks``, ``gaps``, ``signals``, ``refused``, ``resent``, ``undecodable``, …).
    """

    node: str
    pid: int
    ts_last_work: int = 0
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One structured log line of a process, for the log panel."""

    node: str
    level: str
    ts_event: int
    text: str
    ids: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreHealth:
    """How the recorder's store is; topic ``telemetry.store``.

    Attributes:
        size_bytes: of all its files.
        rows: ticks and books written since the recorder started.
        pending: rows received and not yet flushed.
        lag_ms: age of the oldest row that is not flushed.
        missing: ticks that no rail could bring back.
        ts_flushed: when it last flushed, wall clock; 0 = never.
        text: what a person should know, such as what will be deleted.
    """

    size_bytes: int = 0
    rows: int = 0
    pending: int = 0
    lag_ms: int = 0
    missing: int = 0
    ts_flushed: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanHits:
    """What the scanner finds now, the best first; topic ``telemetry.scan``."""

    hits: tuple[ScanHit, ...] = ()


class ProcessState(StrEnum):
    """What the supervisor knows of a child process."""

    STARTING = "starting"
    READY = "ready"
    DEAD = "dead"
    """It ended unasked; it is started again after a wait."""
    HUNG = "hung"
    """It lives but gives no heartbeat or does no work; it is killed and started again."""
    GAVE_UP = "gave_up"
    """It died too often too early; a person must look."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStatus:
    """The supervisor's word on one child process.

    Attributes:
        node: name of the process.
        state: how it is.
        pid: operating-system process id, 0 while there is none.
        restarts: how often it was started again.
        text: the reason, for people.
        ts_event: when, wall clock.
    """

    node: str
    state: ProcessState
    pid: int = 0
    restarts: int = 0
    text: str = ""
    ts_event: int = 0


TYPES: Final[dict[str, type]] = {
    "tick": Tick,
    "book": Book,
    "order": Order,
    "fill": Fill,
    "position": Position,
    "condition": Condition,
    "transition": Transition,
    "condition_command": ConditionCommand,
    "condition_execution": ConditionExecution,
    "signal": Signal,
    "signal_refused": SignalRefused,
    "halt": HaltChanged,
    "link": LinkStatus,
    "difference": Difference,
    "position_adjusted": PositionAdjusted,
    "limits": LimitsChanged,
    "contract": Contract,
    "pace": Pace,
    "pulse": Pulse,
    "submit_order": SubmitOrder,
    "cancel_order": CancelOrder,
    "replace_order": ReplaceOrder,
    "cancel_all": CancelAll,
    "flatten": Flatten,
    "set_halt": SetHalt,
    "set_limits": SetLimits,
    "ask_broker": AskBroker,
    "settle_order": SettleOrder,
    "adopt_position": AdoptPosition,
    "ping": Ping,
    "condition_report": ConditionReport,
    "watermark": Watermark,
    "sight_changed": SightChanged,
    "get_snapshot": GetSnapshot,
    "get_ticks": GetTicks,
    "select_contracts": SelectContracts,
    "done": Done,
    "refused": Refused,
    "snapshot": Snapshot,
    "ticks": Ticks,
    "heartbeat": Heartbeat,
    "process": ProcessStatus,
    "log": LogLine,
    "coverage": Coverage,
    "bar": Bar,
    "get_history": GetHistory,
    "history_page": HistoryPage,
    "store_health": StoreHealth,
    "scan_hits": ScanHits,
}
"""Wire name of every message type; only these are decoded."""

PARTS: Final = (Level, ConditionSpec, Account, FamilySeq, LastTick, Risk, Guard, ScanHit)
"""Types that occur only inside of messages."""

_PRICE: Final = (-(10**12), 10**12)
_TIME: Final = (0, 2**63 - 1)
_COUNT: Final = (0, 2**62)
RANGES: Final[dict[str, tuple[int, int]]] = {
    "price": _PRICE,
    "trigger": _PRICE,
    "trigger_price": _PRICE,
    "best_price": _PRICE,
    "reference_price": _PRICE,
    "limit_up": _PRICE,
    "limit_down": _PRICE,
    "quantity": (0, 1_000_000),
    "adopted": (0, 1_000_000),
    "guarded": (0, 1_000_000),
    "naked": (0, 1_000_000),
    "closing": (0, 1_000_000),
    "time_stop_s": (0, 10**9),
    "filled": (0, 1_000_000),
    "entered": (0, 1_000_000),
    "exited": (0, 1_000_000),
    "released": (0, 1_000_000),
    "ts_event": _TIME,
    "ts_recv": _TIME,
    "ts_created": _TIME,
    "ts_updated": _TIME,
    "ts_last": _TIME,
    "ts_last_work": _TIME,
    "ts_opened": _TIME,
    "ts_flushed": _TIME,
    "begin_ns": _TIME,
    "end_ns": _TIME,
    "start_ns": _TIME,
    "span_ns": _TIME,
    "span_s": (0, 86_400),
    "run": _TIME,
    "rows": _COUNT,
    "score": (0, 1000),
    "level": _PRICE,
    "naked_since": _TIME,
    "now_ns": _TIME,
    "seq": _COUNT,
    "tick_seq": _COUNT,
    "event_seq": _COUNT,
    "after_seq": (-1, 2**62),
    "position": _COUNT,
    "round": _COUNT,
    "total_volume": _COUNT,
    "entry_value": (-(2**62), 2**62),
    "adopted_value": (-(2**62), 2**62),
    "fill_value": (-(2**62), 2**62),
    "attempt": _COUNT,
    "revision": _COUNT,
    "limit": (1, 100_000),
    "pid": (0, 2**32),
}
"""Allowed range of integer fields by name; others are any 64-bit integer."""

MAX_TEXT: Final = 4096
"""Longest text of a field, in characters."""
MAX_BYTES: Final = 4_000_000
"""Longest binary field: half a million integers."""
MAX_ITEMS: Final = 200_000
"""Longest list of a field."""
