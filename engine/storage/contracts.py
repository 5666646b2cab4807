"""What the store calls a contract of the exchange's files, and when its sessions are.

The program's own products have symbols, exact sessions and whole prices; the files hold some 300 products more.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from engine.errors import CalendarError, UnknownInstrument
from engine.model.instrument import instrument, product, symbol_of
from engine.model.session import TAIPEI, SessionKind, TradingCalendar
from engine.timing import NS_PER_S

OTHER_PRECISION: Final = 4
"""Decimals kept of prices of products that the program does not know; the exchange's files have no more."""

CONTRACT_MONTH: Final = re.compile(r"\d{6}")
"""A monthly contract, no week and no spread."""

_NO_TIME: Final = (1, 0)
_WIDEST_DAY: Final = ("08:00", "16:15")
"""First open and last close of any product's day session, Taipei. Source: TAIFEX, trading hours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContract:
    """One contract of a daily file.

    Attributes:
        product: the file's product code, such as ``TX``.
        contract: month or week or spread as the file has it: ``202411``, ``202411W1``, ``202411/202412``.
        symbol: the program's symbol where there is one; else product and contract as the file has them.
        is_spread: its price is a difference of two prices.
        precision: decimals of the scaled price.
        night: first and last instant of its night session, ns UTC; empty where there is none.
        day: the same of the day session.
    """

    product: str
    contract: str
    symbol: str
    is_spread: bool
    precision: int
    night: tuple[int, int]
    day: tuple[int, int]


def file_contract(code: str, contract: str, trade_date: date, calendar: TradingCalendar) -> FileContract:
    """The contract that a row of a daily file names."""
    try:
        precision, is_known = product(code).price_precision, True
    except UnknownInstrument:
        precision, is_known = OTHER_PRECISION, False
    expiry = None
    if is_known and CONTRACT_MONTH.fullmatch(contract):
        expiry = _expiry(symbol_of(code, contract), trade_date, calendar)
    night, day = (
        _span(kind, trade_date, calendar, is_known, expiry) for kind in (SessionKind.NIGHT, SessionKind.DAY)
    )
    return FileContract(
        product=code,
        contract=contract,
        symbol=file_symbol(code, contract),
        is_spread="/" in contract,
        precision=precision,
        night=night,
        day=day,
    )


def file_symbol(code: str, contract: str) -> str:
    """``TXFK4`` for TX 202411; what has no symbol of the program is called ``TX202411/202412``."""
    try:
        return symbol_of(code, contract)
    except UnknownInstrument:
        return code + contract


def product_code(name: str) -> str:
    """The exchange's file code of a product: ``TX`` for ``TXF``, any other name as it is."""
    try:
        return product(name).taifex_code
    except UnknownInstrument:
        return name


def _expiry(symbol: str, trade_date: date, calendar: TradingCalendar) -> date:
    return instrument(symbol, near=trade_date, calendar=calendar).last_trading_day


def _span(
    kind: SessionKind, trade_date: date, calendar: TradingCalendar, is_known: bool, expiry: date | None
) -> tuple[int, int]:
    try:
        session = calendar.session(trade_date, kind, last_trading_day=expiry)
    except CalendarError:
        return _NO_TIME
    if is_known or kind is SessionKind.NIGHT:
        return session.open_ns, session.close_ns
    opens, closes = _WIDEST_DAY
    return _at(trade_date, opens), _at(trade_date, closes)


def _at(day: date, clock: str) -> int:
    return int(datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=TAIPEI).timestamp()) * NS_PER_S


def midnight_ns(day: date) -> int:
    """Midnight in Taipei at which a calendar day begins, ns UTC."""
    return _at(day, "00:00")


def file_days(trade_date: date, calendar: TradingCalendar) -> tuple[date, date, date]:
    """The calendar days of a daily file: the evening, the small hours after it, the trade date."""
    evening = calendar.previous_trading_day(trade_date)
    return evening, evening + timedelta(days=1), trade_date
