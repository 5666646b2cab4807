"""The trade dates of a store as a replay takes them: which there are, their prints, and those not closed yet."""

from datetime import date
from pathlib import Path

import duckdb
import numpy as np

from engine.errors import StoreError
from engine.formats.taifex import Print
from engine.model.instrument import PRODUCTS
from engine.model.recorded import DayOrigin, OpenStore, StoredDay, StoredSession
from engine.model.session import SessionKind
from engine.storage import schema
from engine.storage.layout import Kind, Source, StoreFolder
from engine.storage.reading import LOTS, StoreReader


class DayReader(StoreReader):
    """A :class:`StoreReader` that lists days and gives prints for a replay."""

    def days(self, *, run: str = "") -> list[StoredDay]:
        """The closed trade dates with prints of this program's products, the newest first.

        Args:
            run: the store is that of this simulated run.
        """
        sources: dict[date, set[Source]] = {}
        for segment in self._folder.segments(Kind.TICKS):
            sources.setdefault(segment.trade_date, set()).add(segment.source)
        if not sources:
            return []
        sessions = self._sessions_of(Kind.BARS, min(sources), max(sources))
        for day in sources.keys() - sessions.keys():  # recorded, and killed before its bars were written
            sessions |= self._sessions_of(Kind.TICKS, day, day)
        return [
            StoredDay(
                store=self._folder.path,
                trade_date=day,
                origin=_origin(sources[day], run),
                run=run,
                sessions=tuple(sessions[day]),
            )
            for day in sorted(sources, reverse=True)
            if day in sessions
        ]

    def _sessions_of(self, kind: Kind, first: date, last: date) -> dict[date, list[StoredSession]]:
        """Lots by trade date, contract and session; of bars it costs the least."""
        codes = [item.taifex_code for item in PRODUCTS.values()]
        known = f"product IN ({', '.join('?' * len(codes))}) AND length(contract) = 6"
        rows, parameters = self.rows(kind, first, last, known, *codes)
        query = f"""SELECT trade_date, symbol, session, sum({LOTS[kind]})::BIGINT FROM ({rows})
            GROUP BY ALL ORDER BY trade_date, symbol, session DESC"""
        found: dict[date, list[StoredSession]] = {}
        for day, symbol, session, total in self.fetch(query, parameters):
            item = StoredSession(symbol=symbol, kind=SessionKind(session), lots=total)
            found.setdefault(day, []).append(item)
        return found

    def prints(self, symbol: str, trade_date: date, begin_ns: int, end_ns: int) -> list[Print]:
        """The prints of a contract from one instant of a trade date to before another, in their order.

        One that was recorded late has the time of the print before it, so that time never runs back.
        """
        found: list[Print] = []
        for columns in self.tick_days(symbol, trade_date, trade_date):
            times = np.maximum.accumulate(columns.ts_event)
            wanted = (times >= begin_ns) & (times < end_ns)
            parts = (times, columns.price, columns.quantity, columns.flags)
            found += map(Print, *(part[wanted].tolist() for part in parts))
        return found


def open_days(folder: StoreFolder) -> OpenStore | None:
    """The days that a store's live file still holds; None where there are none.

    Looks into the file only where nobody else writes there.
    """
    if not folder.live.exists():
        return None
    try:
        with folder.writing(Source.LIVE):
            days = _days_of(folder.live)
    except StoreError as error:
        return OpenStore(store=folder.path, holder=str(error))
    return OpenStore(store=folder.path, days=days) if days else None


def _days_of(live: Path) -> tuple[date, ...]:
    try:
        with duckdb.connect(live, read_only=True, config=schema.CONFIG) as database:
            return tuple(
                day for (day,) in database.execute("SELECT DISTINCT trade_date FROM ticks ORDER BY ALL").fetchall()
            )
    except duckdb.Error as error:
        raise StoreError(f"{live}: cannot be read: {str(error).splitlines()[0]}") from error


def _origin(sources: set[Source], run: str) -> DayOrigin:
    if run:
        return DayOrigin.SIMULATED
    return DayOrigin.FILE if Source.TAIFEX in sources else DayOrigin.RECORDED
