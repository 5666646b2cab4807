"""Reads the exchange's daily time-and-sales file (zip or csv) into the prints of one contract.

Knows the file's columns and how the trade date lies in it; builds no bars and keeps nothing. Spread rows are
no outright trades and are left out.
"""

import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from engine.errors import CalendarError, DataFileError
from engine.model.instrument import PRODUCTS, Instrument, instrument, symbol_of
from engine.model.session import SessionKind, TradingCalendar
from engine.model.tick import TickFlag
from engine.timing import NS_PER_S

HEADER: Final = (
    "成交日期",
    "商品代號",
    "到期月份(週別)",
    "成交時間",
    "成交價格",
    "成交數量(B+S)",
    "近月價格",
    "遠月價格",
    "開盤集合競價",
)
"""Column names: date, product, contract month or week, time, price, quantity, near and far leg, opening mark."""

_FILE_NAME: Final = re.compile(r"Daily_(\d{4})_(\d{2})_(\d{2})")
_OUTRIGHT: Final = re.compile(
    rb"^(\d{8}),("
    + b"|".join(item.taifex_code.encode() for item in PRODUCTS.values())
    + rb") *,(\d{6}) *,(\d{6}),",
    re.MULTILINE,
)
_UTC_OFFSET_S: Final = 8 * 3600
_EPOCH: Final = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Print:
    """One outright trade print.

    Attributes:
        ts_event: exchange time in whole seconds, ns UTC.
        price: scaled.
        quantity: lots.
        flags: bits of :class:`engine.model.tick.TickFlag`.
    """

    ts_event: int
    price: int
    quantity: int
    flags: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractRows:
    """How often a contract occurs in a file."""

    symbol: str
    contract_month: str
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyContents:
    """What a daily file holds of the products that this program trades.

    Attributes:
        trade_date: the trade date of all its prints.
        contracts: contract months with prints, of each product the busiest first.
    """

    trade_date: date
    contracts: tuple[ContractRows, ...]

    def front_month(self, product: str = "TXF") -> str:
        """Symbol of the product's contract with most prints, empty where the file has none."""
        rows = [item for item in self.contracts if item.symbol.startswith(product)]
        return max(rows, key=lambda item: item.rows).symbol if rows else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyFile:
    """A daily file as bytes: header and number of columns are right, the rows are not looked at.

    Attributes:
        path: where it was read from.
        trade_date: of all its rows.
        rows: the csv without its header line.
    """

    path: Path
    trade_date: date
    rows: bytes


def read_daily(path: Path, calendar: TradingCalendar) -> DailyFile:
    """Opens a daily file, zip or csv, for a reader that takes all of it.

    Raises:
        DataFileError: it is no such file, is damaged, or a row has another number of columns.
    """
    name, raw = _load(path)
    trade_date = _trade_date(path, name, raw, calendar)
    _, _, rows = raw.partition(b"\n")
    if not rows.strip():
        raise DataFileError(f"{path}: holds a header and no rows.")
    return DailyFile(path=path, trade_date=trade_date, rows=rows)


def contents(path: Path, calendar: TradingCalendar | None = None) -> DailyContents:
    """Trade date and contracts of a daily file.

    Raises:
        DataFileError: it is no such file.
    """
    name, raw = _load(path)
    trade_date = _trade_date(path, name, raw, calendar or TradingCalendar())
    counts = Counter((match[2].decode(), match[3].decode()) for match in _OUTRIGHT.finditer(raw))
    order = [item.taifex_code for item in PRODUCTS.values()]
    found = sorted(counts.items(), key=lambda item: (order.index(item[0][0]), -item[1]))
    return DailyContents(
        trade_date=trade_date,
        contracts=tuple(
            ContractRows(symbol=symbol_of(code, month), contract_month=month, rows=rows)
            for (code, month), rows in found
        ),
    )


def read_prints(path: Path, symbol: str, calendar: TradingCalendar | None = None) -> list[Print]:
    """The prints of one contract in their order: the night session that opens the trade date, then the day.

    Args:
        path: ``Daily_YYYY_MM_DD.zip`` or the csv inside of it.
        symbol: such as ``TXFK4``; the year digit means the year nearest to the file's trade date.
        calendar: tells sessions and holidays.

    Returns:
        The prints, in the file's order within a second; empty where the contract did not trade.

    Raises:
        DataFileError: the file cannot be read or a row of the contract is wrong; names file and line.
        UnknownInstrument: ``symbol`` is no contract.
    """
    calendar = calendar or TradingCalendar()
    return read_many(path, (symbol,), calendar)[symbol]


def read_many(path: Path, symbols: Iterable[str], calendar: TradingCalendar) -> dict[str, list[Print]]:
    """Like :func:`read_prints` for several contracts, opening the file once."""
    name, raw = _load(path)
    trade_date = _trade_date(path, name, raw, calendar)
    lines = raw.split(b"\n")
    found = {}
    for symbol in symbols:
        item = instrument(symbol, near=trade_date, calendar=calendar)
        reader = _RowReader(path, item, trade_date, calendar)
        found[symbol] = sorted(reader.prints(lines), key=lambda row: row.ts_event)
    return found


class _RowReader:
    """Turns the rows of one contract into prints; remembers what it has computed, since values repeat."""

    def __init__(self, path: Path, item: Instrument, trade_date: date, calendar: TradingCalendar) -> None:
        self._path = path
        self._instrument = item
        self._product = item.product.taifex_code.encode()
        self._month = item.contract_month.encode()
        self._times: dict[tuple[bytes, bytes], int] = {}
        self._prices: dict[bytes, int] = {}
        self._spans = []
        for kind in (SessionKind.NIGHT, SessionKind.DAY):
            try:
                self._spans.append(calendar.session(trade_date, kind, last_trading_day=item.last_trading_day))
            except CalendarError:
                continue

    def prints(self, lines: list[bytes]) -> Iterator[Print]:
        product, month = self._product, self._month
        for number, line in enumerate(lines, 1):
            if line.startswith(product, 9):
                fields = line.split(b",")
                if fields[1].strip() == product and fields[2].strip() == month:
                    yield self._print(fields, number)

    def _print(self, fields: list[bytes], line: int) -> Print:
        day, clock, price, quantity = fields[0], fields[3], fields[4], fields[5]
        ts_event = self._times.get((day, clock))
        if ts_event is None:
            ts_event = self._times[day, clock] = self._time(day, clock, line)
        scaled = self._prices.get(price)
        if scaled is None:
            scaled = self._prices[price] = self._price(price, line)
        flags = TickFlag.OPENING if fields[8].strip() == b"*" else TickFlag.NONE
        return Print(ts_event, scaled, self._lots(quantity, line), int(flags))

    def _time(self, day: bytes, clock: bytes, line: int) -> int:
        try:
            ts_event = _instant(day, clock)
        except ValueError:
            raise _error(self._path, line, f"{_text(day)} {_text(clock)} is no date and time") from None
        if not any(session.contains(ts_event) for session in self._spans):
            raise _error(
                self._path, line, f"{_text(day)} {_text(clock)} is in no session of the file's trade date"
            )
        return ts_event

    def _price(self, field: bytes, line: int) -> int:
        try:
            return self._instrument.parse_price(_text(field))
        except ValueError as error:
            raise _error(self._path, line, str(error).rstrip(".")) from None

    def _lots(self, field: bytes, line: int) -> int:
        try:
            both_sides = int(field)
        except ValueError:
            raise _error(self._path, line, f"quantity {_text(field)!r} is no number") from None
        if both_sides < 2 or both_sides % 2:
            raise _error(self._path, line, f"quantity {both_sides} counts buyer and seller, so it must be even")
        return both_sides // 2


def _load(path: Path) -> tuple[str, bytes]:
    """Name and bytes of the csv, its header and the number of columns in every row checked."""
    try:
        name, raw = _unzip(path) if zipfile.is_zipfile(path) else (path.name, path.read_bytes())
    except OSError as error:
        raise DataFileError(f"{path}: cannot be read: {error.strerror or error}.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise DataFileError(f"{path}: the zip is damaged or not complete: {error}.") from error
    if not raw:
        raise DataFileError(f"{path}: is empty.")
    if path.suffix.lower() == ".zip" and name == path.name:
        if raw[:2] != b"PK":
            raise DataFileError(f"{path}: is no zip.")
        raise DataFileError(f"{path}: the zip is damaged or not complete: its directory is missing.")
    if b"\0" in raw[:1000]:
        raise DataFileError(f"{path}: is binary, not a daily file of the exchange.")
    _check_columns(path, raw)
    return name, raw


def _unzip(path: Path) -> tuple[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if name.lower().endswith(".csv")]
        if len(members) != 1:
            held = ", ".join(archive.namelist()[:5]) or "nothing"
            raise DataFileError(f"{path}: must hold one Daily_YYYY_MM_DD.csv, holds {held}.")
        return members[0], archive.read(members[0])


def _check_columns(path: Path, raw: bytes) -> None:
    first, _, rest = raw.partition(b"\n")
    names = tuple(name.strip() for name in first.decode("cp950", errors="replace").split(","))
    if names != HEADER:
        raise _error(path, 1, f"the header is {','.join(names)[:120]!r}, expected {','.join(HEADER)!r}")
    rows = rest.count(b"\n") + (not rest.endswith(b"\n") and bool(rest))
    commas = len(HEADER) - 1
    if rest.count(b",") == rows * commas and (not rest or rest.endswith(b"\n")):
        return
    for number, line in enumerate(rest.split(b"\n"), 2):
        if line.strip() and line.count(b",") != commas:
            raise _error(path, number, f"{line.count(b',') + 1} columns, expected {len(HEADER)}")


def _trade_date(path: Path, name: str, raw: bytes, calendar: TradingCalendar) -> date:
    """From the file's name; where it was renamed, from its first row, whose day session or evening tells."""
    for candidate in (name, path.name):
        if match := _FILE_NAME.search(candidate):
            try:
                return date(*map(int, match.groups()))
            except ValueError:
                raise DataFileError(f"{path}: {match[0]} names no date.") from None
    match_row = _OUTRIGHT.search(raw)
    if match_row is None:
        raise DataFileError(f"{path}: neither its name nor a row tells the trade date.")
    line = raw.count(b"\n", 0, match_row.start()) + 1
    try:
        session = calendar.session_at(_instant(match_row[1], match_row[4]))
    except ValueError:
        session = None
    if session is None:
        raise _error(path, line, f"{_text(match_row[1])} {_text(match_row[4])} is in no session")
    return session.trade_date


def _instant(day: bytes, clock: bytes) -> int:
    """Nanoseconds UTC of ``YYYYMMDD`` and ``HHMMSS`` in Taipei."""
    if len(day) != 8 or len(clock) != 6 or not (day + clock).isdigit():
        raise ValueError
    hour, minute, second = int(clock[:2]), int(clock[2:4]), int(clock[4:])
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError
    days = date(int(day[:4]), int(day[4:6]), int(day[6:])).toordinal() - _EPOCH
    return (days * 86_400 + hour * 3600 + minute * 60 + second - _UTC_OFFSET_S) * NS_PER_S


def _text(field: bytes) -> str:
    return field.decode("cp950", errors="replace").strip()


def _error(path: Path, line: int, reason: str) -> DataFileError:
    return DataFileError(f"{path}, line {line}: {reason}.")
