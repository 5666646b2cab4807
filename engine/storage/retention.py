"""How large the store may be: says what would be deleted before anything is."""

from dataclasses import dataclass
from datetime import date

from engine.storage.layout import StoreFolder, bytes_of

_GB = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DayUsage:
    """The disk use of one closed day, all its sources."""

    trade_date: date
    bytes_on_disk: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionPlan:
    """What has to go so that the store keeps to its size.

    Attributes:
        bytes_on_disk: of the store as it is.
        max_bytes: what it may use; 0 = any.
        days: the days to be deleted, oldest first; the newest day is never among them.
    """

    bytes_on_disk: int
    max_bytes: int
    days: tuple[DayUsage, ...] = ()


def plan_retention(folder: StoreFolder, max_gb: float) -> RetentionPlan:
    """The oldest days that have to go so that the store uses at most ``max_gb`` (10^9 bytes); 0 = keep all."""
    days = [
        DayUsage(trade_date=day, bytes_on_disk=bytes_of(folder.day(day).iterdir())) for day in folder.trade_dates()
    ]
    used = sum(day.bytes_on_disk for day in days) + bytes_of([folder.live])
    limit = round(max_gb * _GB)
    surplus = used - limit if limit else 0
    doomed = []
    for day in days[:-1]:
        if surplus <= 0:
            break
        doomed.append(day)
        surplus -= day.bytes_on_disk
    return RetentionPlan(bytes_on_disk=used, max_bytes=limit, days=tuple(doomed))
