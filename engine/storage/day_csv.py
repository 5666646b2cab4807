"""The csv of a daily file as a table of checked prints. A part of :mod:`engine.storage.daily`.

DuckDB reads it with the types that the columns must have, and as text where that fails, to name the line.
"""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import duckdb

from engine.errors import DataFileError
from engine.formats.taifex import DailyFile
from engine.model.session import TradingCalendar
from engine.model.tick import TickFlag
from engine.storage import schema
from engine.storage.contracts import file_days, midnight_ns
from engine.storage.day_contracts import DayContracts
from engine.timing import NS_PER_S

_CLOSING_SECOND: Final = NS_PER_S - 1
_PRODUCT: Final = re.compile(r"[A-Z0-9]{2,3}")
_MONTH: Final = r"20\d\d(0[1-9]|1[0-2])([A-Z]\d)?"
_CONTRACT: Final = re.compile(f"{_MONTH}(/{_MONTH})?")
"""A month such as 202411, a week such as 202411W1, or a spread of two of them."""
_TYPES: Final = {
    "day": "INTEGER",
    "product": "VARCHAR",
    "contract": "VARCHAR",
    "clock": "INTEGER",
    "price": "DECIMAL(18,6)",
    "quantity": "INTEGER",
    "near": "VARCHAR",
    "far": "VARCHAR",
    "opening": "VARCHAR",
}
_NUMBERS: Final = ("clock", "day", "quantity", "price")


class DayCsv:
    """Makes the table ``prints``: contract id, session, time, scaled price, lots and place in the file.

    Args:
        database: of the import.
        file: the daily file.
        calendar: tells the sessions.
        temporary: a folder for the unpacked csv.

    Attributes:
        contracts: the contracts of the file.
    """

    def __init__(
        self, database: duckdb.DuckDBPyConnection, file: DailyFile, calendar: TradingCalendar, temporary: Path
    ) -> None:
        self._database = database
        self._file = file
        self._calendar = calendar
        self._temporary = temporary
        self.contracts = DayContracts(database, file.trade_date, calendar)

    def read(self) -> None:
        """Makes the table.

        Raises:
            DataFileError: a row is wrong; names its line.
        """
        with _csv(self._file, self._temporary) as (csv, ending):
            try:
                self._load(csv, ending, _TYPES)
                self._convert(*_NUMBERS)
            except duckdb.ConversionException:
                # A field is no number: read all as text, to name its line.
                self._load(csv, ending, dict.fromkeys(_TYPES, "VARCHAR"))
                self._convert(*(f"TRY_CAST({name} AS {_TYPES[name]})" for name in _NUMBERS))
            except duckdb.Error as error:
                raise DataFileError(f"{self._file.path}: cannot be read: {str(error).splitlines()[0]}") from error
        self._check()

    def _load(self, csv: Path, ending: str, types: dict[str, str]) -> None:
        self._database.execute(
            f"""CREATE OR REPLACE TEMP TABLE raw AS FROM read_csv(
                {schema.text(csv)}, auto_detect = false, header = false, delim = ',', quote = '', escape = '',
                new_line = '{ending}', columns = {types})"""
        )
        found = self._database.execute(
            "SELECT product, contract, min(rowid) FROM raw GROUP BY ALL ORDER BY ALL"
        ).fetchall()
        for code, contract, row in found:
            if not _PRODUCT.fullmatch(code.strip()):
                raise self._error(row, f"{code.strip()!r} is no product code")
            if not _CONTRACT.fullmatch(contract.strip()):
                raise self._error(row, f"{contract.strip()!r} is no contract month, week or spread")
        self.contracts.register([(code, contract) for code, contract, _ in found])

    def _convert(self, clock: str, day: str, quantity: str, price: str) -> None:
        days = sorted(set(file_days(self._file.trade_date, self._calendar)))
        midnights = " ".join(f"WHEN {item:%Y%m%d} THEN {midnight_ns(item)}" for item in days)
        self._database.execute(
            f"""CREATE OR REPLACE TEMP TABLE prints AS
            SELECT id, ts <= night_close + {_CLOSING_SECOND} AS is_night, ts, scaled // step AS price,
                quantity // sides AS lots, flags, near, far, row,
                ts IS NULL OR hour > 23 OR minute > 59 OR second > 59 OR scaled IS NULL OR scaled % step <> 0
                OR quantity IS NULL OR quantity < sides OR quantity % sides <> 0 OR scaled <= 0 AND sides = 2
                OR NOT (ts BETWEEN night_open AND night_close + {_CLOSING_SECOND}
                        OR ts BETWEEN day_open AND day_close + {_CLOSING_SECOND}) AS is_wrong
            FROM (
                SELECT id, night_open, night_close, day_open, day_close, row, flags, near, far, quantity, scaled,
                    hour, minute, second, (10 ** (6 - price_precision))::BIGINT AS step,
                    CASE WHEN is_spread THEN 4 ELSE 2 END AS sides,
                    midnight + (hour * 3600 + minute * 60 + second) * {NS_PER_S}::BIGINT AS ts
                FROM (
                    SELECT padded.id, {quantity} AS quantity, ({price} * 1000000)::BIGINT AS scaled,
                        {clock} // 10000 AS hour, {clock} // 100 % 100 AS minute, {clock} % 100 AS second,
                        CASE {day} {midnights} END AS midnight, near, far, raw.rowid AS row,
                        CASE WHEN opening LIKE '*%' THEN {int(TickFlag.OPENING)} ELSE 0 END::UTINYINT AS flags
                    FROM raw JOIN padded USING (product, contract)
                ) JOIN contracts USING (id)
            )"""
        )

    def _check(self) -> None:
        (row,) = self._one("SELECT min(row) FROM prints WHERE is_wrong IS NOT FALSE")
        if row is not None:
            raise self._error(row, self._reason(row))

    def _error(self, row: int, reason: str) -> DataFileError:
        lines = self._file.rows.split(b"\n")
        number = [at for at, line in enumerate(lines, 2) if line.strip()][row]
        return DataFileError(f"{self._file.path}, line {number}: {reason}.")

    def _reason(self, row: int) -> str:
        """What is wrong with a row, in the words of its fields."""
        fields = self._one(f"SELECT {', '.join(_TYPES)} FROM raw WHERE rowid = ?", row)
        values = dict(zip(_TYPES, fields, strict=True))
        cast = ", ".join(f"TRY_CAST({name} AS {_TYPES[name]})" for name in _NUMBERS)
        numbers = self._one(f"SELECT {cast} FROM raw WHERE rowid = ?", row)
        wrong = [
            f"{name} {values[name]!r}" for name, value in zip(_NUMBERS, numbers, strict=True) if value is None
        ]
        if wrong:
            return f"{', '.join(wrong)}: not a number of this column"
        clock, day, quantity, price = numbers
        found = self.contracts[values["product"].strip(), values["contract"].strip()]
        name = f"{found.product} {found.contract}"
        sides = 4 if found.is_spread else 2
        if quantity < sides or quantity % sides:
            return f"quantity {quantity} of {name} must be a multiple of {sides}, all sides are counted"
        if price <= 0 and not found.is_spread:
            return f"price {price.normalize():f} of {name} must be more than 0"
        if price.scaleb(found.precision) % 1:
            return f"price {price.normalize():f} has more than the {found.precision} decimals of {found.product}"
        return f"{day} {clock:06} is in no session of {name} on {self._file.trade_date}"

    def _one(self, query: str, *parameters: object) -> tuple[Any, ...]:
        return self._database.execute(query, parameters).fetchall()[0]


@contextlib.contextmanager
def _csv(file: DailyFile, temporary: Path) -> Iterator[tuple[Path, str]]:
    """The rows as a file of plain ASCII, which is what DuckDB reads fast, and how its lines end."""
    if not file.rows.isascii():
        lines = file.rows.split(b"\n")
        number = next(at for at, line in enumerate(lines, 2) if not line.isascii())
        raise DataFileError(f"{file.path}, line {number}: bytes that are no text of such a file.")
    temporary.mkdir(parents=True, exist_ok=True)
    csv = temporary / "rows.csv"
    rows, ending = file.rows, "\\r\\n"
    if rows.count(b"\r\n") != rows.count(b"\n"):
        rows, ending = rows.replace(b"\r\n", b"\n"), "\\n"
    try:
        csv.write_bytes(rows)
        yield csv, ending
    finally:
        csv.unlink(missing_ok=True)
