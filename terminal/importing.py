"""Importing market data: the dialog, and the process that does it beside the trading. Imports nothing itself."""

from collections.abc import Callable
from pathlib import Path

from PySide6 import QtCore, QtWidgets

from engine.formats.minutes import MinuteConvention
from engine.importing import ImportOrder, import_for_window
from engine.model.session import TradingCalendar
from engine.settings import Settings
from terminal.bridge.aside import AsideProcess
from terminal.dialogs.importing import ImportDialog
from terminal.theme import Theme


class Importing(QtCore.QObject):
    """One import at a time into the person's own store, whatever market is logged in.

    Signals:
        imported(): the store has something new.

    Args:
        window: the dialog's parent.
        config: the engine's settings.
        calendar: tells the sessions.
        say: shows a sentence.
    """

    imported = QtCore.Signal()

    def __init__(
        self,
        window: QtWidgets.QWidget,
        config: Settings,
        calendar: TradingCalendar,
        say: Callable[[str], None],
    ) -> None:
        super().__init__(window)
        self._config, self._calendar, self._say = config, calendar, say
        self.process = AsideProcess(import_for_window, "import", self)
        self.dialog = ImportDialog(window)
        self.dialog.import_requested.connect(self._start)
        self.dialog.stop_requested.connect(self.process.ask_to_stop)
        self.dialog.imported.connect(self.imported)
        self.process.told.connect(self.dialog.take)
        self.process.ended.connect(self._on_ended)

    def open(self) -> None:
        """Shows the dialog; an import that was begun goes on whether it is seen or not."""
        self.dialog.show()
        self.dialog.raise_()

    def set_theme(self, theme: Theme) -> None:
        """Colours."""
        self.dialog.set_theme(theme)

    def close(self) -> None:
        """Ends an import now; blocks for a moment, so best on a thread."""
        self.process.close()

    def _start(self, paths: tuple[Path, ...], minutes: MinuteConvention | None) -> None:
        folders = self._config.paths
        self.process.start(
            ImportOrder(
                paths=paths, store=folders.store, calendar=self._calendar, minutes=minutes, logs=folders.logs
            )
        )

    @QtCore.Slot()
    def _on_ended(self) -> None:
        self.dialog.on_ended()
        if not self.dialog.isVisible():
            self._say(self.dialog.verdict.text())
