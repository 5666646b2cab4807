"""Made-up daily files for the store's tests, and the calendar that they follow."""

import zipfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from engine.formats.taifex import HEADER
from engine.model.session import TradingCalendar

CALENDAR = TradingCalendar()
DAY = date(2024, 11, 5)

NIGHT = (
    "20241104,BRF    ,202501     ,160000,2367.5,20,-,-, ",
    "20241104,TX     ,202411     ,150000,23039,92,-,-,*",
    "20241104,TX     ,202411     ,235959,23040,2,-,-, ",
    "20241104,TX     ,202411/202412,160000,-5,8,23000,22995, ",
    "20241105,TX     ,202411     ,050000,23041,4,-,-, ",
)
MORNING = (
    "20241105,MTX    ,202411W1   ,084501,22850,2,-,-, ",
    "20241105,TX     ,202411     ,084500,22808,466,-,-,*",
    "20241105,TX     ,202411     ,084500,22800,4,-,-, ",
    "20241105,TX     ,202412     ,084501,22838,2,-,-, ",
    "20241105,TX     ,202411     ,134500,22810,6,-,-, ",
)


def write(folder: Path, rows: Sequence[str], name: str = "Daily_2024_11_05.csv") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    text = "\r\n".join([",".join(HEADER) + " ", *rows, ""])
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("Daily_2024_11_05.csv", text.encode("cp950"))
    else:
        path.write_bytes(text.encode("cp950"))
    return path
