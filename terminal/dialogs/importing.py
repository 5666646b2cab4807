"""Imports market data into the store: chooses files, shows how far they are, and sums up what became of them."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from PySide6 import QtCore, QtGui, QtWidgets

from engine.importing import FileEnded, FileInWork, FilesFound, ImportEnded
from terminal.models.importing import IMPORT_COLUMNS, ImportRow, ImportState, summary_text
from terminal.models.table import TableModel
from terminal.theme import Theme, mixed
from terminal.widgets.dock import row, set_tone
from terminal.widgets.minutes_edit import MinutesEdit
from terminal.widgets.table import Table

_STEPS: Final = 1000
_Mode = QtWidgets.QFileDialog.FileMode


class ImportDialog(QtWidgets.QDialog):
    """Files come by the file dialog or are dropped here. Not modal; closing it stops nothing.

    Signals:
        import_requested(tuple[Path, ...], MinuteConvention | None): bring these files or folders into the store.
        stop_requested(): give up the file in work and the rest.
        imported(): the store has something new.
    """

    import_requested = QtCore.Signal(object, object)
    stop_requested = QtCore.Signal()
    imported = QtCore.Signal()

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme: Theme | None = None
        self._is_running = self._is_told = False
        self._folder = ""
        self.model: TableModel[ImportRow] = TableModel(IMPORT_COLUMNS, lambda item: str(item.path), self)
        self.table = Table(self.model)
        self.kind = MinutesEdit()
        self.files_button, self.folder_button = QtWidgets.QPushButton(), QtWidgets.QPushButton()
        self.clear_button = QtWidgets.QPushButton()
        self.import_button, self.stop_button = QtWidgets.QPushButton(), QtWidgets.QPushButton()
        self.close_button = QtWidgets.QPushButton()
        self.progress, self.where = QtWidgets.QProgressBar(), QtWidgets.QLabel()
        self.card, self.verdict, self.story = QtWidgets.QFrame(), QtWidgets.QLabel(), QtWidgets.QLabel()
        self._note = QtWidgets.QLabel()
        self.setAcceptDrops(True)
        self._lay_out()
        self._connect()
        self.retranslate()
        self._enable()

    # --- files ---------------------------------------------------------------------------------------------------

    def add(self, paths: Iterable[Path]) -> None:
        """Adds files, or folders of files; those of an import before go."""
        if self._is_running:
            return
        rows = () if self._is_told else self.model.rows()
        known = {str(item.path): item for item in rows} | {str(path): ImportRow(path=path) for path in paths}
        self._forget_outcome()
        self.model.set_rows(known.values())
        self._enable()

    def dragEnterEvent(self, event: QtGui.QDragEnterEvent) -> None:
        """Takes files."""
        if not self._is_running and _paths(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QtGui.QDropEvent) -> None:
        """Adds them."""
        self.add(_paths(event.mimeData()))
        event.acceptProposedAction()

    # --- what the import tells -----------------------------------------------------------------------------------

    @QtCore.Slot(object)
    def take(self, told: object) -> None:
        """What the import tells: its files, how far they are, what became of them, or why there is none."""
        match told:
            case FilesFound():
                self.model.set_rows([ImportRow(path=path) for path in told.paths])
            case FileInWork():
                self.model.put(ImportRow(path=told.path, state=ImportState.READING, share=told.share))
                self.progress.setValue(round(told.share_of_all * _STEPS))
                self._say_where(told.path)
            case FileEnded():
                state = ImportState.REFUSED if told.result is None else ImportState.DONE
                self.model.put(ImportRow(path=told.path, state=state, result=told.result, refusal=told.refusal))
                self._say_where(told.path)
            case ImportEnded():
                self._show_outcome(told.is_cancelled)
            case _:
                self._give_up()
                self._show_card("error", self.tr("The import could not be done."), str(told))

    @QtCore.Slot()
    def on_ended(self) -> None:
        """The import's process is gone."""
        if self._is_running and not self._is_told:
            self._show_outcome(True)
        self._is_running = False
        self._enable()
        if any(item.result and item.result.is_change for item in self.model.rows()):
            self.imported.emit()

    # --- looks ---------------------------------------------------------------------------------------------------

    def set_theme(self, theme: Theme) -> None:
        """Colours."""
        self._theme = theme
        self.model.set_theme(theme)

    def retranslate(self) -> None:
        """Texts in the present language."""
        self.setWindowTitle(self.tr("Import market data"))
        self._note.setText(
            self.tr(
                "Recorded days for charts and replays. A file is taken whole or not at all, and what the store "
                "has already changes nothing: an import may be stopped and begun again. Trading goes on meanwhile."
            )
        )
        self.files_button.setText(self.tr("Add files…"))
        self.folder_button.setText(self.tr("Add folder…"))
        self.clear_button.setText(self.tr("Clear"))
        self.import_button.setText(self.tr("Import"))
        self.stop_button.setText(self.tr("Cancel"))
        self.close_button.setText(self.tr("Close"))
        self.table.set_empty_text(self.tr("Drop files or folders here, or add them."))
        self.kind.retranslate()
        self.model.retranslate()
        self.table.fit_columns()

    def changeEvent(self, event: QtCore.QEvent) -> None:
        """Follows the language."""
        if event.type() is QtCore.QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    # --- parts ---------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        self.files_button.clicked.connect(lambda: self._browse(_Mode.ExistingFiles))
        self.folder_button.clicked.connect(lambda: self._browse(_Mode.Directory))
        self.clear_button.clicked.connect(self._clear)
        self.import_button.clicked.connect(self._on_import)
        self.stop_button.clicked.connect(self._on_stop)
        self.close_button.clicked.connect(self.reject)
        self.kind.changed.connect(self._enable)

    def _lay_out(self) -> None:
        self._note.setWordWrap(True)
        for label in (self._note, self.where):
            set_tone(label, "muted")
        set_tone(self.import_button, "accent")
        self.import_button.setDefault(True)
        self.progress.setTextVisible(False)
        self.progress.setMaximumHeight(8)
        self.progress.setMaximum(_STEPS)
        bold = self.verdict.font()
        bold.setBold(True)
        bold.setPointSize(bold.pointSize() + 2)
        self.verdict.setFont(bold)
        self.story.setWordWrap(True)
        self.story.setTextInteractionFlags(QtCore.Qt.TextInteractionFlag.TextSelectableByMouse)
        inner = QtWidgets.QVBoxLayout(self.card)
        inner.addWidget(self.verdict)
        inner.addWidget(self.story)
        self.card.setObjectName("card")
        self.card.hide()
        box = QtWidgets.QVBoxLayout(self)
        box.setContentsMargins(16, 16, 16, 16)
        box.setSpacing(10)
        box.addWidget(self._note)
        box.addLayout(row(self.files_button, self.folder_button, None, self.clear_button, margin=0, spacing=8))
        box.addWidget(self.table, 1)
        box.addWidget(self.kind)
        box.addWidget(self.progress)
        box.addWidget(self.where)
        box.addWidget(self.card)
        box.addLayout(row(self.close_button, None, self.stop_button, self.import_button, margin=0, spacing=8))
        self.resize(940, 600)

    def _enable(self) -> None:
        rows = self.model.rows()
        trouble = self.kind.trouble()
        for part in (self.files_button, self.folder_button, self.kind):
            part.setEnabled(not self._is_running)
        self.clear_button.setEnabled(not self._is_running and bool(rows))
        self.import_button.setEnabled(not self._is_running and bool(rows) and not trouble)
        self.stop_button.setEnabled(self._is_running)
        if not self._is_running:
            self.where.setText(trouble)

    def _browse(self, mode: QtWidgets.QFileDialog.FileMode) -> None:
        pattern = self.tr("Market data (*.zip *.csv *.csv.gz)")
        dialog = QtWidgets.QFileDialog(self, "", self._folder, pattern)
        dialog.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(mode)
        dialog.filesSelected.connect(self._on_chosen)
        dialog.open()

    def _on_chosen(self, names: list[str]) -> None:
        paths = [Path(name) for name in names]
        self._folder = str(paths[0].parent) if paths else self._folder
        self.add(paths)

    def _clear(self) -> None:
        self._forget_outcome()
        self.model.set_rows(())
        self._enable()

    def _forget_outcome(self) -> None:
        self._is_told = False
        self.card.hide()
        self.progress.setValue(0)

    def _on_import(self) -> None:
        rows = [ImportRow(path=item.path) for item in self.model.rows()]
        self.model.set_rows(rows)
        self._forget_outcome()
        self._is_running = True
        self._enable()
        self.where.setText(self.tr("Looking for files…"))
        self.import_requested.emit(tuple(item.path for item in rows), self.kind.convention())

    def _on_stop(self) -> None:
        self.stop_button.setEnabled(False)
        self.where.setText(self.tr("Stopping: the file in work is given up…"))
        self.stop_requested.emit()

    def _say_where(self, path: Path) -> None:
        if not self.stop_button.isEnabled():
            return
        rows = self.model.rows()
        place = next((at for at, item in enumerate(rows, 1) if item.path == path), 0)
        done = sum(item.result.rows for item in rows if item.result)
        text = self.tr("File {number} of {files}: {name}. {rows} rows so far.")
        self.where.setText(text.format(number=place, files=len(rows), name=path.name, rows=f"{done:,}"))

    def _show_outcome(self, is_cancelled: bool) -> None:
        if is_cancelled:
            self._give_up()
        rows = self.model.rows()
        done = sum(item.result is not None for item in rows)
        figures = {"done": done, "files": len(rows)}
        if is_cancelled:
            tone, text = "warning", self.tr("Cancelled: {done} of {files} files are in the store.")
        elif done == len(rows):
            tone, text = "ok", self.tr("{done} of {files} files are in the store.")
        else:
            tone = "warning" if done else "error"
            text = self.tr(
                "{done} of {files} files are in the store; the others were refused and changed nothing."
            )
        self.progress.setValue(0 if is_cancelled else _STEPS)
        self._show_card(tone, text.format(**figures), summary_text(rows))

    def _give_up(self) -> None:
        for item in self.model.rows():
            if item.state in (ImportState.WAITING, ImportState.READING):
                self.model.put(replace(item, state=ImportState.GIVEN_UP))

    def _show_card(self, tone: str, verdict: str, story: str) -> None:
        self._is_told = True
        self.where.setText("")
        self.verdict.setText(f"{'✓' if tone == 'ok' else '✗' if tone == 'error' else '■'}  {verdict}")
        set_tone(self.verdict, tone)
        self.story.setText(story)
        self.story.setVisible(bool(story))
        if self._theme is not None:
            colour = getattr(self._theme, tone)
            ground = mixed(colour, self._theme.base, 0.14)
            frame = f"border: 2px solid {colour}; border-radius: 4px;"
            self.card.setStyleSheet(f"#card {{ background: {ground}; {frame} }}")
        self.card.show()


def _paths(data: QtCore.QMimeData) -> list[Path]:
    """The local files of a drag."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
