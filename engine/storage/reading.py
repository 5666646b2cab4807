"""Questions to the store: ticks, bars and sessions, from the segments and, for its owner, the live file.

Reads only. Where two sources hold the same session of a contract, the one with more lots answers for all of it.
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, ParamSpec, Self, TypeVar

import duckdb

from engine.errors import DataFileError, StoreError, UnknownInstrument
from engine.model.instrument import instrument
from engine.model.session import TAIPEI, SessionKind, TradingCalendar
from engine.model.tick import TickFlag
from engine.storage import schema
from engine.storage.columns import BarColumns, TickColumns
from engine.storage.contracts import product_code
from engine.storage.layout import Kind, Source, StoreFolder
from engine.timing import NS_PER_S

MINUTE_NS: Final = 60 * NS_PER_S

_HOUR_NS: Final = 3600 * NS_PER_S
_DAY_NS: Final = 24 * _HOUR_NS
_NIGHT_OPEN: Final = 15 * _HOUR_NS
_DAY_OPEN: Final = 8 * _HOUR_NS + 45 * MINUTE_NS
_UTC_OFFSET: Final = 8 * _HOUR_NS
_IS_TRADE: Final = f"flags & {int(TickFlag.TRIAL)} = 0"
_TRADED: Final = f"CASE WHEN {_IS_TRADE} THEN quantity ELSE 0 END"
LOTS: Final = {Kind.TICKS: _TRADED, Kind.SPREADS: _TRADED, Kind.BARS: "volume", Kind.BOOKS: "0"}
"""The lots of a row; a trial match trades none."""

_OFFSET: Final = f"""CASE session
    WHEN 'night' THEN ({{ts}} + {_UTC_OFFSET} - {_NIGHT_OPEN}) % {_DAY_NS}
    ELSE ({{ts}} + {_UTC_OFFSET}) % {_DAY_NS} - {_DAY_OPEN} END"""
"""How long an instant is after the open of its session; negative for the few products that open earlier."""

_BAR: Final = """trade_date, is_night, start_ns, arg_min(open, place) AS open, max(high) AS high, min(low) AS low,
    arg_max(close, place) AS close, sum(volume)::BIGINT AS volume, sum(trades)::BIGINT AS trades"""

_SESSION: Final = "product, contract, session, price_precision"
_RUN: Final = f"""SELECT {_SESSION}, row(min(ts_event), run) AS place, count(*) AS prints,
    arg_min(price, seq) AS first, max(price) AS high, min(price) AS low, arg_max(price, seq) AS last,
    sum(quantity) AS lots, sum(price * quantity) AS turnover"""
"""What a run of the gateway gives to a session; ``place`` as in :func:`with_begun`."""
HEARD: Final = "trade_date, session DESC, begun, run, seq"
"""The order of prints and books of :func:`with_begun`: as the exchange sent them."""
_NEWEST: Final = "trade_date DESC, session, begun DESC, run DESC, seq DESC"

Turn = tuple[date, date, str]
"""First and last trade date, both included, and the contract that a series shows between them."""

_Part = Callable[[str, date, date, SessionKind | None], tuple[str, list[object]]]
_P = ParamSpec("_P")
_T = TypeVar("_T")


def again(ask: Callable[_P, _T]) -> Callable[_P, _T]:
    """Asks again where a file was replaced between its listing and its opening."""

    @functools.wraps(ask)
    def asked(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        for _ in range(2):
            try:
                return ask(*args, **kwargs)
            except DataFileError:
                continue
        return ask(*args, **kwargs)

    return asked


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionSummary:
    """One session of a contract as it is stored.

    Attributes:
        trade_date: the trade date.
        product: code of the exchange's files, such as ``TX``.
        contract: month, week or spread as the files have it.
        session: day or night.
        rows: prints.
        open: first price, in points.
        high: highest price.
        low: lowest price.
        close: last price.
        lots: lots.
        vwap: volume-weighted price, four decimals.
    """

    trade_date: date
    product: str
    contract: str
    session: SessionKind
    rows: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    lots: int
    vwap: float


class StoreReader:
    """Reads a store; ask from one thread at a time.

    Args:
        folder: the store.
        calendar: tells trade dates.
        live: the owner's open live file; None reads the closed days only, whoever else writes meanwhile.
    """

    def __init__(
        self, folder: StoreFolder, calendar: TradingCalendar, *, live: duckdb.DuckDBPyConnection | None = None
    ) -> None:
        self._folder = folder
        self._calendar = calendar
        self._has_live = live is not None
        self._database = duckdb.connect(config=schema.CONFIG) if live is None else live.cursor()

    def close(self) -> None:
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()

    # ------------------------------------------------------------------------------------------------- ticks

    def tick_days(
        self, symbol: str, first: date, last: date, session: SessionKind | None = None
    ) -> Iterator[TickColumns]:
        """The prints of a contract trade date by trade date, each night session first."""
        for day in self._days(Kind.TICKS, first, last):
            found = self._ticks(symbol, day, day, session)
            if len(found):
                yield found

    def ticks(self, symbol: str, start_ns: int, end_ns: int, *, source: Source | None = None) -> TickColumns:
        """The prints of ``[start_ns, end_ns)`` in their order; of one source, or of the one that answers."""
        first, last = self._span(start_ns, end_ns)
        where, values = "ts_event >= ? AND ts_event < ?", (start_ns, end_ns)
        days = self._days(Kind.TICKS, first, last)
        parts = [self._ticks(symbol, day, day, None, where, values, source=source) for day in days]
        return TickColumns.join(symbol, parts)

    def last_ticks(self, symbol: str, count: int, before_ns: int | None = None) -> TickColumns:
        """The last prints, at most ``count``, before an instant if one is given; oldest first."""
        last = date.max if before_ns is None else self._span(0, before_ns)[1]
        where, values = ("TRUE", ()) if before_ns is None else ("ts_event < ?", (before_ns,))
        parts: list[TickColumns] = []
        days = self._days(Kind.TICKS, date.min, last)
        many = 1
        while days and count > 0:
            # Ever more days at once: a contract that begins here must not cost a question for each day before.
            found = self._ticks(symbol, days[-many:][0], days[-1], None, where, values, count)
            count -= len(found)
            parts.insert(0, found)
            days, many = days[:-many], 2 * many
        return TickColumns.join(symbol, parts)

    @again
    def _ticks(
        self,
        symbol: str,
        first: date,
        last: date,
        session: SessionKind | None = None,
        where: str = "TRUE",
        values: tuple[object, ...] = (),
        limit: int | None = None,
        *,
        is_newest: bool = True,
        source: Source | None = None,
    ) -> TickColumns:
        """Prints of some trade dates in their order: all, or so many of the newest or the oldest of them."""
        of = f"symbol = ? AND {_of(session)}"
        rows, parameters = self.rows(Kind.TICKS, first, last, of, symbol, source=source)
        query = f"""SELECT *, session = 'night' AS is_night
            FROM ({with_begun(rows, where)} {of_end(limit, is_newest=is_newest)}) ORDER BY {HEARD}"""
        return TickColumns.of(symbol, self._columns(query, [*parameters, *values]))

    # -------------------------------------------------------------------------------------------------- bars

    def bars(
        self, symbol: str, first: date, last: date, *, span_ns: int = MINUTE_NS, session: SessionKind | None = None
    ) -> BarColumns:
        """Bars of any length; starts count from the session's open, none reaches over a session's end.

        Bars of whole minutes are made of the 1-minute bars, others of the prints.

        Raises:
            ValueError: ``span_ns`` is no length.
        """
        return self.series(symbol, [(first, last, symbol)], span_ns=span_ns, session=session)

    def day_bars(self, symbol: str, first: date, last: date, *, session: SessionKind | None = None) -> BarColumns:
        """One bar a trade date: of night and day together, or of one session."""
        return self.day_series(symbol, [(first, last, symbol)], session=session)

    @again
    def series(
        self, code: str, turns: Sequence[Turn], *, span_ns: int = MINUTE_NS, session: SessionKind | None = None
    ) -> BarColumns:
        """The same of contracts that take turns, as bars of ``code``; no trade date is in two turns."""
        if span_ns < 1:
            raise ValueError(f"A bar of {span_ns} ns has no length.")
        rows, parameters = self._joined(
            self._prints_as_bars if span_ns % MINUTE_NS else self._minutes, turns, session
        )
        query = f"""SELECT {_BAR} FROM (
                SELECT *, session = 'night' AS is_night,
                    instant - (({_OFFSET.format(ts="instant")}) % {span_ns} + {span_ns}) % {span_ns} AS start_ns
                FROM ({rows}))
            GROUP BY trade_date, is_night, start_ns ORDER BY trade_date, start_ns"""
        return BarColumns.of(code, self._columns(query, parameters))

    @again
    def day_series(self, code: str, turns: Sequence[Turn], *, session: SessionKind | None = None) -> BarColumns:
        """The same of whole trade dates."""
        rows, parameters = self._joined(self._minutes, turns, session)
        query = f"""SELECT {_BAR} FROM (
                SELECT *, min(instant) OVER (PARTITION BY trade_date) AS start_ns,
                    {"true" if session is SessionKind.NIGHT else "false"} AS is_night FROM ({rows}))
            GROUP BY trade_date, is_night, start_ns ORDER BY trade_date"""
        return BarColumns.of(code, self._columns(query, parameters))

    @staticmethod
    def _joined(part: _Part, turns: Sequence[Turn], session: SessionKind | None) -> tuple[str, list[object]]:
        """One query of all turns: each by itself costs its way through the database."""
        parts = [part(symbol, first, last, session) for first, last, symbol in turns]
        return " UNION ALL ".join(rows for rows, _ in parts), [value for _, given in parts for value in given]

    def bar_days(self, first: date, last: date) -> list[date]:
        """The trade dates that hold 1-minute bars, of whatever contracts."""
        return self._days(Kind.BARS, first, last)

    def _minutes(
        self, symbol: str, first: date, last: date, session: SessionKind | None
    ) -> tuple[str, list[object]]:
        rows, parameters = self.rows(Kind.BARS, first, last, f"symbol = ? AND {_of(session)}", symbol)
        columns = (
            "trade_date, session, start_ns AS instant, start_ns AS place, open, high, low, close, volume, trades"
        )
        return f"SELECT {columns} FROM ({rows})", parameters

    def _prints_as_bars(
        self, symbol: str, first: date, last: date, session: SessionKind | None
    ) -> tuple[str, list[object]]:
        """Each print as a bar; that of a session's closing second a moment before the close."""
        where = f"symbol = ? AND {_of(session)} AND {_IS_TRADE}"
        rows, parameters = self.rows(Kind.TICKS, first, last, where, symbol)
        expiry = self._expiry(symbol, last)
        length = f"""CASE WHEN session = 'night' THEN {14 * _HOUR_NS}
            WHEN trade_date = DATE '{expiry}' THEN {4 * _HOUR_NS + 45 * MINUTE_NS} ELSE {5 * _HOUR_NS} END"""
        return (
            f"""SELECT trade_date, session, ts_event - greatest(past - length + 1, 0) AS instant, place,
                price AS open, price AS high, price AS low, price AS close, quantity AS volume, 1 AS trades
            FROM (SELECT *, {_OFFSET.format(ts="ts_event")} AS past, {length} AS length,
                row_number() OVER (ORDER BY {HEARD}) AS place FROM ({with_begun(rows)}))""",
            parameters,
        )

    def _expiry(self, symbol: str, near: date) -> date:
        try:
            return instrument(symbol, near=near, calendar=self._calendar).last_trading_day
        except UnknownInstrument:
            return date.min

    @again
    def daily_volumes(self, product: str, first: date, last: date) -> dict[date, dict[str, int]]:
        """Lots of each monthly contract of a product by trade date, from its 1-minute bars."""
        where = "product = ? AND length(contract) = 6"
        rows, parameters = self.rows(Kind.BARS, first, last, where, product_code(product))
        query = f"SELECT trade_date, symbol, sum(volume)::BIGINT FROM ({rows}) GROUP BY ALL ORDER BY ALL"
        found: dict[date, dict[str, int]] = {}
        for day, symbol, volume in self.fetch(query, parameters):
            found.setdefault(day, {})[symbol] = volume
        return found

    # ---------------------------------------------------------------------------------------------- sessions

    def sessions(
        self, product: str | None = None, first: date = date.min, last: date = date.max
    ) -> list[SessionSummary]:
        """What is stored, by trade date, product, contract and session; spreads are included.

        Args:
            product: only this one, as ``TX`` or ``TXF``.
            first: from this trade date on.
            last: up to this one, included.
        """
        found = []
        for day in self._days(Kind.TICKS, first, last):
            found += self._day_sessions(product, day)
        return found

    @again
    def _day_sessions(self, product: str | None, day: date) -> list[SessionSummary]:
        where, values = ("product = ?", [product_code(product)]) if product else ("TRUE", [])
        parts, parameters = [], []
        for kind in (Kind.TICKS, Kind.SPREADS):
            rows, given = self.rows(kind, day, day, where, *values)
            parts.append(f"{_RUN} FROM ({rows}) WHERE {_IS_TRADE} GROUP BY {_SESSION}, run")
            parameters += given
        query = f"""SELECT product, contract, session, sum(prints)::BIGINT, arg_min(first, place), max(high),
                min(low), arg_max(last, place), sum(lots), sum(turnover), price_precision
            FROM ({" UNION ALL ".join(parts)}) GROUP BY {_SESSION}
            ORDER BY product, contract, session"""
        return [_summary(day, row) for row in self.fetch(query, parameters)]

    # ------------------------------------------------------------------------------------------------- parts

    def rows(
        self, kind: Kind, first: date, last: date, where: str, *values: object, source: Source | None = None
    ) -> tuple[str, list[object]]:
        """The query of the stored rows between two trade dates, with its parameters.

        ``where`` takes whole sessions of contracts: which source answers for one is found among its rows, unless
        one is named. A row that the live file and a segment of the recorder both hold is the live file's.
        """
        columns = ", ".join(schema.COLUMNS[kind])
        segments = self._folder.segments(kind, first=first, last=last, source=source)
        days = self._live_days(kind) if source in (None, Source.LIVE) else []
        live_days = {day for day in days if first <= day <= last}
        reopened = [item for item in segments if item.source is Source.LIVE and item.trade_date in live_days]
        parts, parameters = [], []
        if closed := [item for item in segments if item not in reopened]:
            parts.append(f"SELECT {columns} FROM read_parquet(?) WHERE {where}")
            parameters += [[str(item.path) for item in closed], *values]
        live = f"SELECT {columns} FROM {kind} WHERE trade_date BETWEEN ? AND ? AND {where}"
        if reopened:
            keys = ", ".join(schema.KEYS[kind])
            parts.append(f"SELECT {columns} FROM read_parquet(?) ANTI JOIN ({live}) USING ({keys}) WHERE {where}")
            parameters += [[str(item.path) for item in reopened], first, last, *values, *values]
        if live_days:
            parts.append(live)
            parameters += [first, last, *values]
        if not parts:
            return f"SELECT {_empty(kind)} WHERE false", []
        union = " UNION ALL ".join(parts)
        sources = {(item.trade_date, item.source) for item in segments} | {(day, Source.LIVE) for day in live_days}
        if len({day for day, _ in sources}) == len(sources):
            return union, parameters
        return _preferred(kind, union), parameters

    def copy(self, query: str, parameters: list[object], path: Path, options: str) -> int:
        """Writes the answer of a query to a file with the options of DuckDB's COPY; returns its rows.

        Raises:
            StoreError: the file cannot be written.
            DataFileError: a file of the store cannot be read.
        """
        try:
            found = self._database.execute(f"COPY ({query}) TO {schema.text(path)} {options}", parameters)
            return int(found.fetchall()[0][0])
        except duckdb.Error as error:
            if path.name in str(error):
                raise StoreError(f"{path.parent}: cannot be written: {str(error).splitlines()[0]}") from error
            raise self._failure(error) from error

    def _days(self, kind: Kind, first: date, last: date) -> list[date]:
        """The trade dates that hold rows of the kind."""
        days = {item.trade_date for item in self._folder.segments(kind, first=first, last=last)}
        days.update(day for day in self._live_days(kind) if first <= day <= last)
        return sorted(days)

    def _live_days(self, kind: Kind) -> list[date]:
        if not self._has_live or kind is Kind.SPREADS:  # no feed brings spreads
            return []
        return [day for (day,) in self.fetch(f"SELECT DISTINCT trade_date FROM {kind}", [])]

    def _span(self, start_ns: int, end_ns: int) -> tuple[date, date]:
        """The trade dates that prints between two instants can have."""
        first = datetime.fromtimestamp(start_ns // NS_PER_S, TAIPEI).date()
        last = datetime.fromtimestamp(end_ns // NS_PER_S, TAIPEI).date()
        return first - timedelta(days=1), self._calendar.next_trading_day(last)

    def _columns(self, query: str, parameters: list[object]) -> Any:
        try:
            return self._database.execute(query, parameters).fetchnumpy()
        except duckdb.Error as error:
            raise self._failure(error) from error

    def fetch(self, query: str, parameters: list[object]) -> list[tuple[Any, ...]]:
        """The answer of a query that was made of :meth:`rows`.

        Raises:
            DataFileError: a file of the store cannot be read.
            StoreError: the question was cancelled.
        """
        try:
            return self._database.execute(query, parameters).fetchall()
        except duckdb.Error as error:
            raise self._failure(error) from error

    def _failure(self, error: duckdb.Error) -> Exception:
        reason = str(error).splitlines()[0]
        if isinstance(error, duckdb.IOException | duckdb.InvalidInputException):
            return DataFileError(f"{self._folder.path}: a file of the store cannot be read: {reason}")
        return StoreError(f"{self._folder.path}: {reason}")


def with_begun(rows: str, where: str = "TRUE") -> str:
    """The query of prints or books with ``begun``, by which the runs of a session follow each other.

    The number of a run is a wall clock's, which may have been set back between two of them.
    """
    return f"""SELECT *, min(ts_event) OVER (PARTITION BY trade_date, session, symbol, run) AS begun
        FROM ({rows}) WHERE {where}"""


def of_end(limit: int | None, *, is_newest: bool) -> str:
    """What cuts the query of :func:`with_begun` to the newest or the oldest rows; None cuts nothing."""
    return "" if limit is None else f"ORDER BY {_NEWEST if is_newest else HEARD} LIMIT {limit}"


def _of(session: SessionKind | None) -> str:
    return "TRUE" if session is None else f"session = '{session}'"


def _empty(kind: Kind) -> str:
    return ", ".join(f"NULL::{type_} AS {name}" for name, type_ in schema.COLUMNS[kind].items())


def _preferred(kind: Kind, rows: str) -> str:
    """Of each session of a contract the rows of the source with most lots."""
    order = " ".join(f"WHEN '{source}' THEN {place}" for place, source in enumerate(Source))
    return f"""WITH found AS MATERIALIZED ({rows}) FROM found SEMI JOIN (
        SELECT trade_date, session, symbol, source FROM found
        GROUP BY trade_date, session, symbol, source
        QUALIFY row_number() OVER (PARTITION BY trade_date, session, symbol
            ORDER BY sum({LOTS[kind]}) DESC, CASE source {order} END) = 1
        ) USING (trade_date, session, symbol, source)"""


def _summary(day: date, row: tuple[Any, ...]) -> SessionSummary:
    product, contract, session, rows, *prices, lots, turnover, precision = row
    points = [Decimal(price).scaleb(-precision) for price in prices]
    return SessionSummary(
        trade_date=day,
        product=product,
        contract=contract,
        session=SessionKind(session),
        rows=rows,
        open=points[0],
        high=points[1],
        low=points[2],
        close=points[3],
        lots=int(lots),
        vwap=round(int(turnover) / int(lots) / 10**precision, 4),
    )
