"""Importing in the window: the dialog, and the real process that brings real files into a real store."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest
from PySide6 import QtCore, QtGui, QtWidgets
from pytestqt.qtbot import QtBot

from engine.formats.minutes import MinuteConvention, MinutesAre
from engine.importing import FileEnded, FileInWork, FilesFound, ImportEnded
from engine.settings import Paths, Settings
from engine.storage.imported import FileImport
from engine.storage.layout import Source, StoreFolder
from engine.storage.reading import StoreReader
from engine.storage.store import MarketStore
from terminal import i18n
from terminal.dialogs.importing import ImportDialog
from terminal.importing import Importing
from terminal.theme import DARK
from terminal.widgets.minutes_edit import FilesAre
from tests.unit.engine.storage.daily_files import CALENDAR, DAY, MORNING, NIGHT, write

TIMEOUT_MS = 60_000
A, B = Path("Daily_2024_11_05.zip"), Path("Daily_2024_11_06.zip")


@pytest.fixture
def dialog(qtbot: QtBot) -> Iterator[ImportDialog]:
    i18n.install("en")
    made = ImportDialog()
    made.set_theme(DARK)
    qtbot.addWidget(made)
    made.show()
    yield made
    for files in made.findChildren(QtWidgets.QFileDialog):
        files.close()
    i18n.install("en")


def texts(dialog: ImportDialog, column: str) -> list[str]:
    at = [c.key for c in dialog.table.source.columns].index(column)
    return [str(dialog.table.proxy.index(row, at).data()) for row in range(dialog.table.proxy.rowCount())]


def result(path: Path, rows: int = 1_000, written: int = 1_000, replaced: int = 0, kept: int = 0) -> FileEnded:
    found = FileImport(path=path, trade_dates=(DAY,), rows=rows, written=written, replaced=replaced, kept=kept)
    return FileEnded(path=path, result=found)


# --- the dialog --------------------------------------------------------------------------------------------------


def test_files_are_added_once_and_asked_for(dialog: ImportDialog, qtbot: QtBot) -> None:
    assert not dialog.import_button.isEnabled()
    dialog.add([A, B])
    dialog.add([A])
    assert texts(dialog, "file") == [A.name, B.name]
    with qtbot.waitSignal(dialog.import_requested) as told:
        dialog.import_button.click()
    assert told.args == [(A, B), None]
    for button in (dialog.import_button, dialog.files_button, dialog.clear_button):
        assert not button.isEnabled()
    assert dialog.stop_button.isEnabled()


def test_files_are_dropped(dialog: ImportDialog, tmp_path: Path) -> None:
    data = QtCore.QMimeData()
    data.setUrls([QtCore.QUrl.fromLocalFile(str(tmp_path / A)), QtCore.QUrl("https://example.org/b.zip")])
    place, action = QtCore.QPoint(10, 10), QtCore.Qt.DropAction.CopyAction
    buttons, keys = QtCore.Qt.MouseButton.LeftButton, QtCore.Qt.KeyboardModifier.NoModifier
    entered = QtGui.QDragEnterEvent(place, action, data, buttons, keys)
    QtWidgets.QApplication.sendEvent(dialog, entered)
    assert entered.isAccepted()
    QtWidgets.QApplication.sendEvent(dialog, QtGui.QDropEvent(QtCore.QPointF(place), action, data, buttons, keys))
    assert [item.path for item in dialog.model.rows()] == [tmp_path / A]


def test_files_are_chosen_without_blocking(dialog: ImportDialog, tmp_path: Path) -> None:
    dialog.files_button.click()
    (files,) = dialog.findChildren(QtWidgets.QFileDialog)
    files.filesSelected.emit([str(tmp_path / A), str(tmp_path / B)])
    assert texts(dialog, "file") == [A.name, B.name]
    dialog.clear_button.click()
    assert texts(dialog, "file") == []


def test_minutes_are_asked_for_with_their_convention(dialog: ImportDialog, qtbot: QtBot) -> None:
    dialog.add([Path("bars.csv")])
    assert not dialog.kind.zone.isVisible()
    dialog.kind.files_are.choose(FilesAre.MINUTES)
    assert dialog.kind.zone.isVisible()
    dialog.kind.minutes_are.choose(MinutesAre.END)
    dialog.kind.zone.setEditText("Moon/Base")
    assert not dialog.import_button.isEnabled()
    assert "Moon/Base" in dialog.where.text()
    dialog.kind.zone.setEditText("UTC")
    dialog.kind.symbol.setText("txfk4")
    with qtbot.waitSignal(dialog.import_requested) as told:
        dialog.import_button.click()
    assert told.args[1] == MinuteConvention(minutes_are=MinutesAre.END, zone=UTC, symbol="TXFK4")


def test_progress_tells_file_and_rows(dialog: ImportDialog) -> None:
    dialog.add([Path("folder")])
    dialog.import_button.click()
    dialog.take(FilesFound(paths=(A, B)))
    dialog.take(result(A))
    dialog.take(FileInWork(path=B, share=0.5, share_of_all=0.75))
    assert texts(dialog, "outcome") == ["✓ Imported", "50%"]
    assert dialog.where.text() == f"File 2 of 2: {B.name}. 1,000 rows so far."
    assert dialog.progress.value() == 750


def test_the_summary_tells_what_was_new_and_what_was_there(dialog: ImportDialog, qtbot: QtBot) -> None:
    dialog.add([A, B])
    dialog.import_button.click()
    dialog.take(FilesFound(paths=(A, B)))
    dialog.take(result(A, written=300, replaced=100, kept=50))
    dialog.take(result(B, written=0))
    dialog.take(ImportEnded(is_cancelled=False))
    with qtbot.waitSignal(dialog.imported):
        dialog.on_ended()
    assert texts(dialog, "outcome") == ["✓ Imported", "✓ Nothing new"]
    assert dialog.verdict.text() == "✓  2 of 2 files are in the store."
    assert "Rows: 2,000, new 200, already there 1,700, replaced by a correction 100." in dialog.story.text()
    assert "the store's stays" in dialog.story.text()
    dialog.add([A])
    assert texts(dialog, "file") == [A.name]
    assert not dialog.card.isVisible()


def test_a_damaged_file_is_named_with_line_and_reason(dialog: ImportDialog) -> None:
    refusal = f"{B}, line 7: quantity 3 must be a multiple of 2."
    dialog.add([A, B])
    dialog.import_button.click()
    dialog.take(FilesFound(paths=(A, B)))
    dialog.take(result(A))
    dialog.take(FileEnded(path=B, result=None, refusal=refusal))
    dialog.take(ImportEnded(is_cancelled=False))
    assert texts(dialog, "outcome")[1] == "✗ line 7: quantity 3 must be a multiple of 2."
    assert dialog.verdict.text().startswith("■  1 of 2 files")
    assert refusal in dialog.story.text()


def test_nothing_new_brings_nothing_to_the_chart(dialog: ImportDialog, qtbot: QtBot) -> None:
    dialog.add([A])
    dialog.import_button.click()
    dialog.take(FilesFound(paths=(A,)))
    dialog.take(result(A, written=0))
    dialog.take(ImportEnded(is_cancelled=False))
    with qtbot.assertNotEmitted(dialog.imported):
        dialog.on_ended()


def test_a_process_that_dies_is_told_as_cancelled(dialog: ImportDialog) -> None:
    dialog.add([A, B])
    dialog.import_button.click()
    dialog.take(FilesFound(paths=(A, B)))
    dialog.take(result(A))
    dialog.take(FileInWork(path=B, share=0.2, share_of_all=0.6))
    dialog.on_ended()
    assert texts(dialog, "outcome") == ["✓ Imported", "Cancelled"]
    assert dialog.verdict.text() == "■  Cancelled: 1 of 2 files are in the store."
    assert dialog.import_button.isEnabled()


def test_everything_is_said_in_chinese_too(dialog: ImportDialog, qtbot: QtBot) -> None:
    def said() -> set[str]:
        return {button.text() for button in dialog.findChildren(QtWidgets.QPushButton)}

    dialog.add([A])
    before = said()
    i18n.install("zh_TW")
    qtbot.waitUntil(lambda: not before & said())
    assert texts(dialog, "outcome") == ["等待中"]


# --- the process -------------------------------------------------------------------------------------------------


@pytest.fixture
def owner(qtbot: QtBot) -> QtWidgets.QWidget:
    i18n.install("en")
    widget = QtWidgets.QWidget()
    qtbot.addWidget(widget)
    return widget


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def importing(owner: QtWidgets.QWidget, tmp_path: Path, said: list[str]) -> Iterator[Importing]:
    paths = replace(Paths.of_platform(), store=tmp_path / "store", logs=tmp_path / "logs")
    settings = Settings(paths=paths)
    made = Importing(owner, settings, CALENDAR, said.append)
    made.open()
    yield made
    made.close()


def run(importing: Importing, qtbot: QtBot) -> None:
    """Imports what the dialog lists, until the process is gone."""
    with qtbot.waitSignal(importing.process.ended, timeout=TIMEOUT_MS):
        importing.dialog.import_button.click()


def sessions(folder: Path) -> dict[str, int]:
    with StoreReader(StoreFolder(folder), CALENDAR) as reader:
        return {f"{item.product} {item.contract} {item.session}": item.rows for item in reader.sessions()}


def test_files_are_imported_beside_a_recorder_and_twice_changes_nothing(
    importing: Importing, qtbot: QtBot, tmp_path: Path
) -> None:
    write(tmp_path / "in", (*NIGHT, *MORNING))
    dialog = importing.dialog
    with MarketStore(tmp_path / "store", CALENDAR):
        dialog.add([tmp_path / "in"])
        with qtbot.waitSignal(importing.imported, timeout=TIMEOUT_MS):
            run(importing, qtbot)
    assert texts(dialog, "written") == ["10"]
    assert dialog.verdict.text().startswith("✓")
    before = sessions(tmp_path / "store")
    assert before["TX 202411 day"] == 3
    with qtbot.assertNotEmitted(importing.imported):
        run(importing, qtbot)
    assert texts(dialog, "outcome") == ["✓ Nothing new"]
    assert sessions(tmp_path / "store") == before


def test_a_damaged_file_among_good_ones_changes_nothing(
    importing: Importing, qtbot: QtBot, tmp_path: Path
) -> None:
    good = write(tmp_path / "in", MORNING)
    rows = (*MORNING, MORNING[0].replace(",2,", ",3,"))
    bad = write(tmp_path / "in", [row.replace("20241105", "20241106") for row in rows], "Daily_2024_11_06.csv")
    importing.dialog.add([bad, good, tmp_path / "in"])
    run(importing, qtbot)
    assert f"{bad}, line 7" in importing.dialog.story.text()
    assert texts(importing.dialog, "written").count(str(len(MORNING))) == 1  # named twice, imported once
    assert sum(sessions(tmp_path / "store").values()) == len(MORNING)


def test_a_path_that_is_not_there_is_said(importing: Importing, qtbot: QtBot, tmp_path: Path) -> None:
    importing.dialog.add([tmp_path / "nothing.zip"])
    run(importing, qtbot)
    assert importing.dialog.verdict.text() == "✗  The import could not be done."
    assert "nothing.zip: there is no such file" in importing.dialog.story.text()


def test_another_import_is_said_by_its_process(importing: Importing, qtbot: QtBot, tmp_path: Path) -> None:
    importing.dialog.add([write(tmp_path / "in", MORNING)])
    with StoreFolder(tmp_path / "store").writing(Source.TAIFEX):
        run(importing, qtbot)
    assert "is writing there" in importing.dialog.story.text()


def test_cancelling_gives_up_the_rest_and_tells_how_far_it_came(
    importing: Importing, qtbot: QtBot, tmp_path: Path
) -> None:
    dialog = importing.dialog
    days = [f"2024{month:02}{day:02}" for month in range(1, 12) for day in range(1, 29)]
    for day in days:
        name = f"Daily_{day[:4]}_{day[4:6]}_{day[6:]}.csv"
        write(tmp_path / "in", [row.replace("20241105", day) for row in MORNING], name)
    dialog.add([tmp_path / "in"])
    importing.process.told.connect(
        lambda told: dialog.stop_button.click() if isinstance(told, FileEnded) and told.result else None
    )
    run(importing, qtbot)
    done = texts(dialog, "outcome").count("✓ Imported")
    assert 1 <= done < len(days) // 2
    assert "Cancelled" in texts(dialog, "outcome")
    assert dialog.verdict.text() == f"■  Cancelled: {done} of {len(days)} files are in the store."
    assert len(StoreFolder(tmp_path / "store").trade_dates()) == done


def test_a_hidden_dialog_goes_on_and_the_end_is_said(
    importing: Importing, qtbot: QtBot, tmp_path: Path, said: list[str]
) -> None:
    importing.dialog.add([write(tmp_path / "in", MORNING)])
    with qtbot.waitSignal(importing.process.ended, timeout=TIMEOUT_MS):
        importing.dialog.import_button.click()
        importing.dialog.close_button.click()
    assert said == ["✓  1 of 1 files are in the store."]


def test_closing_the_program_ends_an_import(importing: Importing, qtbot: QtBot, tmp_path: Path) -> None:
    for day in range(1, 28):
        rows = [row.replace("20241105", f"202410{day:02}") for row in MORNING]
        write(tmp_path / "in", rows, f"Daily_2024_10_{day:02}.csv")
    importing.dialog.add([tmp_path / "in"])
    with qtbot.waitSignal(importing.process.told, timeout=TIMEOUT_MS):
        importing.dialog.import_button.click()
    importing.close()
    with qtbot.waitSignal(importing.process.ended, timeout=TIMEOUT_MS):
        pass
    assert not importing.process.is_running


def test_the_menu_asks_for_it(qtbot: QtBot) -> None:
    from tests.gui.test_window import build

    window = build().window
    qtbot.addWidget(window, before_close_func=lambda shown: shown.allow_close())
    with qtbot.waitSignal(window.import_requested):
        window.import_action.trigger()
