"""The market store beside bare DuckDB in the same run: import, recording, questions, and bytes a tick.

Import: the exchange's daily csv files into segments, beside DuckDB reading the same csv, once into nothing and
once into a table of a database file. Recording: ticks through gateway, feed and recorder, beside a feed without
it (``benchmarks/live.py``). Questions: the last 10,000 ticks and a year of 5-minute bars from a store of
synthetic days, beside the same questions to one bare, sorted DuckDB table. Rounds take turns, medians count.

    uv run python benchmarks/store.py [--rows N] [--ticks N] [--rounds N] [--quick] [--keep DIR] [FILE...]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import duckdb

from engine.model.instrument import front_month, product
from engine.model.session import SessionKind, TradingCalendar
from engine.storage import schema
from engine.storage.importing import import_files
from engine.storage.layout import Kind, Source, StagedDay, StoreFolder, bytes_of
from engine.storage.reading import StoreReader
from engine.timing import NS_PER_S

CALENDAR = TradingCalendar()
LAST_DAY = date(2024, 12, 31)
DAYS = 250
SYMBOLS = 4
LATEST = 10_000
SPAN_NS = 300_000_000_000
HOUR_NS = 3_600_000_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="TAIFEX daily files, zip or csv")
    parser.add_argument("--rows", type=int, default=50_000_000, help="synthetic ticks of the year (%(default)s)")
    parser.add_argument("--ticks", type=int, default=200_000, help="ticks to be recorded (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a small year and few ticks: a look in seconds")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the synthetic store there, or use it again")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rows, arguments.ticks, arguments.rounds = 500_000, 20_000, 1
    result: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        if arguments.files:
            result["import"] = measure_import(place, arguments.files, arguments.rounds)
        result["recording"] = measure_recording(arguments.ticks, min(arguments.rounds, 3))
        folder = StoreFolder(arguments.keep or place / "year")
        if not folder.trade_dates():
            make_year(folder, arguments.rows)
        result["questions"] = measure_questions(folder, place / "bare.duckdb", arguments.rounds)
    show(result)
    print(json.dumps(result))


# ------------------------------------------------------------------------------------------------------ import


def measure_import(place: Path, files: Iterable[Path], rounds: int) -> dict[str, Any]:
    """Seconds of both for the same csv files, unpacked beforehand."""
    csvs = [unpacked(file, place / "csv") for file in files]
    seconds: dict[str, list[float]] = {"store": [], "read": [], "table": []}
    rows = size = 0
    for turn in range(rounds):
        folder = StoreFolder(place / f"store{turn}")
        began = time.perf_counter()
        summary = import_files(folder, csvs, CALENDAR)
        seconds["store"].append(time.perf_counter() - began)
        assert not summary.refused, summary.refused
        rows = sum(item.rows for item in summary.imported)
        size = bytes_of(item.path for item in folder.segments(Kind.TICKS, Kind.SPREADS))
        seconds["read"].append(timed(lambda: bare_read(csvs)))
        seconds["table"].append(timed(lambda turn=turn: bare_table(place / f"bare{turn}.duckdb", csvs)))  # type: ignore[misc]
    median = {name: statistics.median(values) for name, values in seconds.items()}
    return {
        "rows": rows,
        "rows_per_s": round(rows / median["store"]),
        "bare_read_rows_per_s": round(rows / median["read"]),
        "bare_table_rows_per_s": round(rows / median["table"]),
        "times_bare_read": round(median["store"] / median["read"], 2),
        "times_bare_table": round(median["store"] / median["table"], 2),
        "bytes_per_tick": round(size / rows, 2),
    }


def unpacked(file: Path, target: Path) -> Path:
    """The csv of a daily file."""
    if not zipfile.is_zipfile(file):
        return file
    with zipfile.ZipFile(file) as archive:
        return Path(archive.extract(archive.namelist()[0], target / file.stem))


def bare_scan(csv: Path) -> str:
    """DuckDB reading all columns with their types; the header is in Big5, so it is told to expect single bytes."""
    types = {
        "day": "INTEGER",
        "product": "VARCHAR",
        "contract": "VARCHAR",
        "clock": "INTEGER",
        "price": "DOUBLE",
        "quantity": "INTEGER",
        "near": "VARCHAR",
        "far": "VARCHAR",
        "opening": "VARCHAR",
    }
    return (
        f"read_csv({schema.text(csv)}, skip = 1, header = false, auto_detect = false, delim = ',', quote = '', "
        f"escape = '', encoding = 'latin-1', new_line = '\\r\\n', columns = {types})"
    )


def bare_read(csvs: Iterable[Path]) -> None:
    columns = ("day", "product", "contract", "clock", "price", "quantity", "near", "far", "opening")
    sums = ", ".join(f"max({name})" for name in columns)
    with duckdb.connect() as database:
        for csv in csvs:
            database.execute(f"SELECT {sums} FROM {bare_scan(csv)}").fetchall()


def bare_table(path: Path, csvs: Iterable[Path]) -> None:
    with duckdb.connect(path) as database:
        for number, csv in enumerate(csvs):
            database.execute(f"CREATE TABLE day{number} AS FROM {bare_scan(csv)}")


# --------------------------------------------------------------------------------------------------- recording


def measure_recording(ticks: int, rounds: int) -> dict[str, Any]:
    """Rates of recording and publishing; a process of its own, whose children load nothing of this one."""
    script = Path(__file__).with_name("live.py")
    done = subprocess.run(
        [sys.executable, str(script), f"--ticks={ticks}", f"--rounds={rounds}"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


# --------------------------------------------------------------------------------------------------- questions


def trade_dates() -> list[date]:
    """The last trade dates up to the end of the year, oldest first."""
    days = [LAST_DAY]
    while len(days) < DAYS:
        days.append(CALENDAR.previous_trading_day(days[-1]))
    return days[::-1]


def make_year(folder: StoreFolder, rows: int) -> None:
    """Days of synthetic prints, the front month among other symbols, spread over both sessions."""
    days = trade_dates()
    with duckdb.connect() as database:
        for day in days:
            write_day(database, folder, day, rows // len(days))


def write_day(database: duckdb.DuckDBPyConnection, folder: StoreFolder, day: date, rows: int) -> None:
    night = CALENDAR.session(day, SessionKind.NIGHT)
    session = CALENDAR.session(day, SessionKind.DAY)
    front = front_month(product("TXF"), day, CALENDAR)
    each = max(1, rows // SYMBOLS)
    database.execute(
        f"""CREATE OR REPLACE TEMP TABLE made AS
        SELECT DATE '{day}' AS trade_date, CASE WHEN seq * 2 <= {each} THEN 'night' ELSE 'day' END AS session,
            'TX' AS product, '{front.contract_month}' AS contract,
            CASE number WHEN 0 THEN '{front.symbol}' ELSE 'OTHER' || number END AS symbol, 0::BIGINT AS run, seq,
            CASE WHEN seq * 2 <= {each} THEN {night.open_ns} + (seq * 2 - 1) * {14 * HOUR_NS // each}
                ELSE {session.open_ns} + (seq * 2 - {each} - 1) * {5 * HOUR_NS // each} END
                // {NS_PER_S} * {NS_PER_S} AS ts_event,
            0::BIGINT AS ts_recv,
            22000 + (200 * sin(seq / 500.0))::BIGINT + (hash(seq, number) % 7)::BIGINT AS price,
            0::TINYINT AS price_precision, 1 + (hash(number, seq) % 5)::BIGINT AS quantity,
            sum(1 + (hash(number, seq) % 5)::BIGINT) OVER (PARTITION BY number ORDER BY seq) AS total_volume,
            0::UTINYINT AS flags, '{Source.TAIFEX}' AS source
        FROM range({SYMBOLS}) AS numbers(number), range(1, {each} + 1) AS seqs(seq)"""
    )
    staged = StagedDay(folder, day, Source.TAIFEX)
    for kind, rows_of in ((Kind.TICKS, "FROM made"), (Kind.BARS, MINUTES)):
        names = ", ".join(f"{name}::{type_} AS {name}" for name, type_ in schema.COLUMNS[kind].items())
        database.execute(
            f"COPY (SELECT {names} FROM ({rows_of}) ORDER BY {schema.ORDER[kind]}) TO "
            f"{schema.text(staged.path(kind))} {schema.parquet_options()}"
        )
    staged.commit()


MINUTES = """SELECT trade_date, session, product, contract, symbol,
    ts_event // 60000000000 * 60000000000 AS start_ns,
    arg_min(price, seq) AS open, max(price) AS high, min(price) AS low, arg_max(price, seq) AS close,
    0::TINYINT AS price_precision, sum(quantity) AS volume, count(*) AS trades, any_value(source) AS source
    FROM made GROUP BY ALL"""


def measure_questions(folder: StoreFolder, bare: Path, rounds: int) -> dict[str, Any]:
    """Milliseconds of both for the same questions."""
    last = folder.trade_dates()[-1]
    first = last - timedelta(days=366)
    ticks = [str(item.path) for item in folder.segments(Kind.TICKS)]
    bars = [str(item.path) for item in folder.segments(Kind.BARS)]
    milliseconds: dict[str, list[float]] = {name: [] for name in ("ticks", "bare_ticks", "bars", "bare_bars")}
    with duckdb.connect(bare) as database, StoreReader(folder, CALENDAR) as reader:
        database.execute(
            "CREATE TABLE ticks AS SELECT symbol, trade_date, seq, ts_event, price, quantity "
            "FROM read_parquet(?) ORDER BY symbol, ts_event",
            [ticks],
        )
        database.execute("CREATE TABLE bars AS FROM read_parquet(?) ORDER BY symbol, start_ns", [bars])
        symbol = front_month(product("TXF"), last, CALENDAR).symbol
        (rows,) = database.execute("SELECT count(*) FROM ticks").fetchall()[0]
        latest = f"SELECT * FROM ticks WHERE symbol = ? ORDER BY ts_event DESC LIMIT {LATEST}"
        # The year's bars of all front months, which is what a chart of the product shows.
        year = f"""SELECT symbol, start_ns // {SPAN_NS} AS slot, arg_min(open, start_ns), max(high), min(low),
            arg_max(close, start_ns), sum(volume) FROM bars WHERE symbol LIKE 'TXF%' GROUP BY ALL ORDER BY slot"""
        for _ in range(rounds):
            milliseconds["ticks"].append(1000 * timed(lambda: reader.last_ticks(symbol, LATEST)))
            milliseconds["bare_ticks"].append(
                1000 * timed(lambda: database.execute(latest, [symbol]).fetchnumpy())
            )
            milliseconds["bars"].append(1000 * timed(lambda: year_of_bars(reader, first, last)))
            milliseconds["bare_bars"].append(1000 * timed(lambda: database.execute(year).fetchnumpy()))
    median = {name: statistics.median(values) for name, values in milliseconds.items()}
    return {
        "rows": rows,
        "days": len(ticks),
        "bytes_per_tick": round(bytes_of(map(Path, ticks)) / rows, 2),
        "last_10000_ticks_ms": round(median["ticks"], 1),
        "times_bare_ticks": round(median["ticks"] / median["bare_ticks"], 2),
        "year_of_5_minute_bars_ms": round(median["bars"], 1),
        "times_bare_bars": round(median["bars"] / median["bare_bars"], 2),
    }


def year_of_bars(reader: StoreReader, first: date, last: date) -> None:
    from engine.storage.continuous import continuous_bars

    found = continuous_bars(reader, "TXF", first, last, CALENDAR, span_ns=SPAN_NS)
    assert len(found.bars) > DAYS


def timed(work: Callable[[], object]) -> float:
    """Seconds that the work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def show(result: dict[str, Any]) -> None:
    for part, figures in result.items():
        print(part)
        for name, value in figures.items():
            print(f"  {name:28} {value:>12,}")


if __name__ == "__main__":
    main()
