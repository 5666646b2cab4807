"""Reads csv files of 1-minute bars whose time convention the user states.

Knows columns by their usual names and refuses what is no bar; keeps nothing.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from enum import StrEnum
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from engine.errors import DataFileError, EngineError, UnknownInstrument
from engine.model.bar import Bar
from engine.model.instrument import Instrument, instrument, symbol_of
from engine.model.session import TAIPEI, TradingCalendar
from engine.timing import NS_PER_S

MINUTE_NS: Final = 60 * NS_PER_S

_NAMES: Final = {
    "time": ("time", "datetime", "date_time", "timestamp", "ts", "start"),
    "date": ("date",),
    "contract": ("contract", "exp_month", "contract_month", "month"),
    "product": ("symbol", "product"),
    "open": ("open", "o"),
    "high": ("high", "h"),
    "low": ("low", "l"),
    "close": ("close", "c"),
    "volume": ("volume", "vol", "v"),
    "trades": ("trades", "ticks", "count"),
}
_NEEDED: Final = ("time", "open", "high", "low", "close", "volume")


class MinutesAre(StrEnum):
    """What the time of a row is."""

    START = "start"
    """The first instant of its minute."""
    END = "end"
    """The instant at which its minute is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MinuteConvention:
    """What a file of 1-minute bars does not say itself.

    Attributes:
        minutes_are: start or end of the bar.
        zone: of times without an offset.
        symbol: the contract (``TXFK4``) of all rows, or the product (``TXF``) where a column names the month;
            empty where columns name both.
    """

    minutes_are: MinutesAre
    zone: tzinfo = TAIPEI
    symbol: str = ""


def zone_of(name: str) -> tzinfo:
    """The time zone of a name such as ``Asia/Taipei``, ``UTC`` or ``+08:00``.

    Raises:
        EngineError: it is none.
    """
    if name == "Asia/Taipei":
        return TAIPEI
    if name.upper() in ("UTC", "Z"):
        return UTC
    try:
        if name[:1] in "+-":
            hours, _, minutes = name[1:].partition(":")
            offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
            return timezone(-offset if name[0] == "-" else offset)
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        raise EngineError(f"{name!r} is no time zone; write it as Asia/Taipei, UTC or +08:00.") from None


def read_minutes(path: Path, convention: MinuteConvention, calendar: TradingCalendar) -> list[Bar]:
    """The bars of a csv file (also ``.csv.gz``) by contract and time.

    The columns are found by their names: ``time`` (or ``date`` and ``time``), ``open``, ``high``, ``low``,
    ``close``, ``volume``, and if they are there ``trades``, ``contract`` and ``symbol``. A bar that begins with
    the close of a session holds the prints of the closing second and becomes part of the session's last bar.

    Raises:
        DataFileError: the file cannot be read or a row is no bar; names file, line and reason.
    """
    reader = _MinuteReader(path, convention, calendar)
    found: dict[tuple[str, int], Bar] = {}
    closing: dict[tuple[str, int], Bar] = {}
    for line, bar, is_closing in reader.bars():
        other = (closing if is_closing else found).setdefault((bar.symbol, bar.start_ns), bar)
        if other != bar:
            raise DataFileError(f"{path}, line {line}: another bar of {bar.symbol} at the same minute.")
    for key, bar in closing.items():
        found[key] = _joined(found[key], bar) if key in found else bar
    return sorted(found.values(), key=lambda bar: (bar.symbol, bar.start_ns))


class _MinuteReader:
    def __init__(self, path: Path, convention: MinuteConvention, calendar: TradingCalendar) -> None:
        self._path = path
        self._convention = convention
        self._calendar = calendar
        self._instruments: dict[tuple[str, str], Instrument] = {}

    def bars(self) -> Iterator[tuple[int, Bar, bool]]:
        rows = csv.reader(io.StringIO(self._text(), newline=""))
        columns = self._columns(next(rows, []))
        for row in rows:
            if not row:
                continue
            try:
                if len(row) <= max(columns.values()):
                    raise ValueError(f"{len(row)} columns, the header has more")
                yield rows.line_num, *self._bar({name: row[at].strip() for name, at in columns.items()})
            except (ValueError, UnknownInstrument) as error:
                reason = str(error).rstrip(".")
                raise DataFileError(f"{self._path}, line {rows.line_num}: {reason}.") from None

    def _text(self) -> str:
        try:
            raw = self._path.read_bytes()
            return (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8-sig")
        except UnicodeDecodeError:
            raise DataFileError(f"{self._path}: is no text in UTF-8.") from None
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DataFileError(f"{self._path}: is damaged or not complete: {error}.") from None
        except OSError as error:
            raise DataFileError(f"{self._path}: cannot be read: {error.strerror or error}.") from error

    def _columns(self, header: list[str]) -> dict[str, int]:
        given = [name.strip().lower() for name in header]
        found = {
            name: given.index(alias) for name, aliases in _NAMES.items() for alias in aliases if alias in given
        }
        if missing := [name for name in _NEEDED if name not in found]:
            raise DataFileError(f"{self._path}, line 1: the header has no column {', '.join(missing)}.")
        return found

    def _bar(self, row: dict[str, str]) -> tuple[Bar, bool]:
        """The bar, and whether it begins with the session's close; it is then that of the minute before."""
        start_ns = self._start(row)
        item = self._instrument(row, start_ns)
        prices = {name: item.parse_price(_whole(row[name])) for name in ("open", "high", "low", "close")}
        if not prices["low"] <= min(prices.values()) <= max(prices.values()) <= prices["high"]:
            raise ValueError("open and close must lie between low and high")
        session = self._calendar.session_at(start_ns, last_trading_day=item.last_trading_day)
        if session is None or start_ns > session.close_ns:
            moment = datetime.fromtimestamp(start_ns // NS_PER_S, TAIPEI)
            raise ValueError(f"a minute that starts at {moment:%Y-%m-%d %H:%M} is in no session of {item.symbol}")
        is_closing = start_ns == session.close_ns
        bar = Bar(
            symbol=item.symbol,
            trade_date=session.trade_date,
            session=session.kind,
            start_ns=start_ns - MINUTE_NS if is_closing else start_ns,
            span_ns=MINUTE_NS,
            volume=_count(row["volume"], "volume"),
            trades=_count(row["trades"], "trades") if "trades" in row else 0,
            **prices,
        )
        return bar, is_closing

    def _start(self, row: dict[str, str]) -> int:
        text = row["time"]
        if "date" in row and len(text) <= 8:
            text = f"{row['date'].replace('/', '-')} {text}"
        moment = datetime.fromisoformat(text.replace("/", "-"))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=self._convention.zone)
        if moment.second or moment.microsecond:
            raise ValueError(f"{row['time']} is no whole minute")
        start_ns = int(moment.timestamp()) * NS_PER_S
        return start_ns - MINUTE_NS if self._convention.minutes_are is MinutesAre.END else start_ns

    def _instrument(self, row: dict[str, str], start_ns: int) -> Instrument:
        product, month = self._convention.symbol or row.get("product", ""), row.get("contract", "")
        found = self._instruments.get((product, month))
        if found is None:
            if not product:
                raise ValueError("neither a column nor the command names the contract: say which with --symbol")
            symbol = symbol_of(product, month) if month and len(product) <= 3 else product
            near = datetime.fromtimestamp(start_ns // NS_PER_S, TAIPEI).date()
            found = instrument(symbol, near=near, calendar=self._calendar)
            self._instruments[product, month] = found
        return found


def _joined(bar: Bar, after: Bar) -> Bar:
    return replace(
        bar,
        high=max(bar.high, after.high),
        low=min(bar.low, after.low),
        close=after.close,
        volume=bar.volume + after.volume,
        trades=bar.trades + after.trades,
    )


def _whole(text: str) -> str:
    """``22811`` for ``22811.0``: many programs write all prices with a decimal."""
    whole, point, rest = text.partition(".")
    return whole if point and not rest.strip("0") else text


def _count(text: str, name: str) -> int:
    value = float(text)
    if value < 0 or value % 1:
        raise ValueError(f"{name} {text} is no number of lots")
    return int(value)
