"""What became of one imported file."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class FileImport:
    """What became of one imported file.

    Attributes:
        path: the file.
        trade_dates: the days that it holds.
        rows: rows in the file.
        written: rows of it that are new in the store or replace others.
        replaced: rows of the store that gave way to them.
        kept: rows of the file that were left out, as the store has more of their session.
    """

    path: Path
    trade_dates: tuple[date, ...]
    rows: int
    written: int = 0
    replaced: int = 0
    kept: int = 0

    @property
    def is_change(self) -> bool:
        """Whether the store is another one than before."""
        return self.written > 0
