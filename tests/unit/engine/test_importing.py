"""The import that a window starts, without its process: what it tells, and what it keeps from others meanwhile."""

from multiprocessing import Pipe
from pathlib import Path

import pytest

from engine.errors import StoreError
from engine.importing import FileEnded, FileInWork, FilesFound, ImportEnded, ImportOrder, _Import, _Window
from engine.storage.layout import Source, StoreFolder
from tests.unit.engine.storage.daily_files import CALENDAR, MORNING, write


class _Watching(_Window):
    """Takes what is told, and tries at the end of each file to delete, as a recorder does."""

    def __init__(self, store: Path) -> None:
        self.ours, self.theirs = Pipe()
        super().__init__(self.theirs)
        self.folder = StoreFolder(store)
        self.told: list[object] = []

    def tell(self, what: object) -> None:
        self.told.append(what)
        if isinstance(what, FileEnded):
            with pytest.raises(StoreError, match="is writing there"), self.folder.writing(Source.TAIFEX):
                pass

    def close(self) -> None:
        self.ours.close()
        self.theirs.close()


def test_nobody_writes_between_two_files_and_each_is_told(tmp_path: Path) -> None:
    days = ("20241104", "20241105", "20241106")
    for day in days:
        rows = [row.replace("20241105", day) for row in MORNING]
        write(tmp_path / "in", rows, f"Daily_{day[:4]}_{day[4:6]}_{day[6:]}.csv")
    bad = tmp_path / "in" / "Daily_2024_11_07.csv"
    bad.write_bytes(b"")
    paths = (tmp_path / "in", bad)  # the folder has it too
    store = tmp_path / "store"
    order = ImportOrder(paths=paths, store=store, calendar=CALENDAR, minutes=None, logs=tmp_path)
    window = _Watching(store)
    assert _Import(order, window).run() == ImportEnded(is_cancelled=False)
    window.close()
    files = sorted((tmp_path / "in").iterdir())
    assert window.told[0] == FilesFound(paths=tuple(files))
    ended = [item for item in window.told if isinstance(item, FileEnded)]
    assert [item.path for item in ended] == files
    assert [item.result is None for item in ended] == [False, False, False, True]
    assert ended[-1].refusal == f"{bad}: is empty."
    shares = [item.share_of_all for item in window.told if isinstance(item, FileInWork)]
    assert shares == sorted(shares)
    assert max(item.share for item in window.told if isinstance(item, FileInWork)) == 1.0
