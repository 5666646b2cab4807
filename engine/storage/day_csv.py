"""The csv of a daily file as a table of checked prints. A part of :mod:`engine.storage.daily`.

DuckDB reads it with the types that the columns must have, and as text where that fails, to name the line.
"""

import contextlib
import tempfile
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
        with _csv(self._file, self._temporary) as csv:
            try:
                self._load(csv, _TYPES)
                self._convert(*_NUMBERS)
            except duckdb.ConversionException:
                # A field is no number: read all as text, to name its line.
                self._load(csv, dict.fromkeys(_TYPES, "VARCHAR"))
                self._convert(
                    *(f"TRY_CAST({name} AS {_TYPES[name]})" for name in ("clock", "day", "quantity", "price"))
                )
            except duckdb.Error as error:
                raise DataFileError(f"{self._file.path}: cannot be read: {str(error).splitlines()[0]}") from error
        self._check()

    def _load(self, csv: Path, types: dict[str, str]) -> None:
        ending = "\\r\\n" if b"\r\n" in self._file.rows[:1000] else "\\n"
        self._database.execute(
            f"""CREATE OR REPLACE TEMP TABLE raw AS FROM read_csv(
                {schema.text(csv)}, auto_detect = false, header = false, delim = ',', quote = '', escape = '',
                new_line = '{ending}', columns = {types})"""
        )
        found = self._database.execute("SELECT DISTINCT product, contract FROM raw ORDER BY ALL").fetchall()
        self.contracts.register([(code, contract) for code, contract in found])

    def _convert(self, clock: str, day: str, quantity: str, price: str) -> None:
        days = sorted(set(file_days(self._file.trade_date, self._calendar)))
        midnights = " ".join(f"WHEN {item:%Y%m%d} THEN {midnight_ns(item)}" for item in days)
        self._database.execute(
            f"""CREATE OR REPLACE TEMP TABLE prints AS
            SELECT id, ts <= night_close + {_CLOSING_SECOND} AS is_night, ts, scaled // step AS price,
                quantity // sides AS lots, flags, near, far, row,
                ts IS NULL OR hour > 23 OR minute > 59 OR second > 59 OR scaled IS NULL OR scaled % step <> 0
                OR quantity IS NULL OR quantity < sides OR quantity % sides <> 0
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
            lines = self._file.rows.split(b"\n")
            number = [at for at, line in enumerate(lines, 2) if line.strip()][row]
            raise DataFileError(f"{self._file.path}, line {number}: {self._reason(row)}.")

    def _reason(self, row: int) -> str:
        """What is wrong with a row, in the words of its fields."""
        fields = self._one(f"SELECT {', '.join(_TYPES)} FROM raw WHERE rowid = ?", row)
        values = dict(zip(_TYPES, fields, strict=True))
        code, contract = values["product"].strip(), values["contract"].strip()
        found = self.contracts[code, contract]
        sides = 4 if found.is_spread else 2
        try:
            clock, quantity, price = int(values["clock"]), int(values["quantity"]), float(values["price"])
        except (ValueError, TypeError):
            named = ", ".join(f"{name} {values[name]!r}" for name in ("clock", "price", "quantity"))
            return f"{named}: these must be numbers"
        if quantity < sides or quantity % sides:
            return f"quantity {quantity} of {code} {contract} must be a multiple of {sides}, all sides are counted"
        if round(price * 10**found.precision, 6) % 1:
            return f"price {values['price']} has more than the {found.precision} decimals of {code}"
        return f"{values['day']} {clock:06} is in no session of {code} {contract} on {self._file.trade_date}"

    def _one(self, query: str, *parameters: object) -> tuple[Any, ...]:
        return self._database.execute(query, parameters).fetchall()[0]


@contextlib.contextmanager
def _csv(file: DailyFile, temporary: Path) -> Iterator[Path]:
    """The rows as a file of plain ASCII, which is what DuckDB reads fast."""
    if not file.rows.isascii():
        lines = file.rows.split(b"\n")
        number = next(at for at, line in enumerate(lines, 2) if not line.isascii())
        raise DataFileError(f"{file.path}, line {number}: bytes that are no text of such a file.")
    temporary.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=temporary) as place:
        csv = Path(place) / "rows.csv"
        csv.write_bytes(file.rows)
        yield csv
