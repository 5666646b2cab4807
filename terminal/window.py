"""The main window: places docks, has menus, saves the layout. What docks show is none of its business."""

from collections.abc import Callable, Sequence
from typing import Final

from PySide6 import QtCore, QtGui, QtWidgets

import resources
from engine.model.market import Environment
from terminal import i18n
from terminal.theme import DARK, THEMES, Theme
from terminal.widgets.dock import Dock
from terminal.widgets.lamps import LampBar

LAYOUT_VERSION: Final = 2
FRAME: Final = 4
"""Width of the coloured frame, pixels."""

_Area = QtCore.Qt.DockWidgetArea


class MainWindow(QtWidgets.QMainWindow):
    """Places the chart, the docks, a bar on top and the lamps.

    Signals:
        login_requested(): a person wants to log in.
        logout_requested(): a person wants to log out.
        settings_requested(): a person wants to see the settings.
        connection_requested(): a developer wants to know where the engine listens.
        about_requested(): a person wants to know what this is.
        import_requested(): a person wants to import market data.
        drill_requested(): a person wants a fire drill; not possible while real money is at stake.
        theme_chosen(str): name of a theme; the window follows when :meth:`set_theme` is called.
        language_chosen(str): code of a language.
        close_requested(): a person wants to close; :meth:`allow_close` and ``close()`` do so.

    Args:
        central: the chart.
        left: docks of the left side, from above.
        right: docks of the right side, from above.
        bottom: docks below, as tabs.
        bar: the bar below the menus.
        strip: the bar below that one.
        lamps: for the status bar.
        menus: menus between View and Help, which others own.
    """

    login_requested = QtCore.Signal()
    logout_requested = QtCore.Signal()
    settings_requested = QtCore.Signal()
    connection_requested = QtCore.Signal()
    about_requested = QtCore.Signal()
    drill_requested = QtCore.Signal()
    import_requested = QtCore.Signal()
    theme_chosen = QtCore.Signal(str)
    language_chosen = QtCore.Signal(str)
    close_requested = QtCore.Signal()

    def __init__(
        self,
        *,
        central: QtWidgets.QWidget,
        left: Sequence[Dock],
        right: Sequence[Dock],
        bottom: Sequence[Dock],
        bar: QtWidgets.QToolBar,
        strip: QtWidgets.QToolBar,
        lamps: LampBar,
        menus: Sequence[QtWidgets.QMenu] = (),
    ) -> None:
        super().__init__()
        self.setObjectName("window")
        self._left, self._right, self._bottom = tuple(left), tuple(right), tuple(bottom)
        self._bar, self._lamps = bar, lamps
        self._theme = DARK
        self._environment: Environment | None = None
        self._alarm = self._language = ""
        self._may_close = False
        self.setWindowIcon(QtGui.QIcon(str(resources.path("icon.svg"))))
        self.setDockOptions(
            QtWidgets.QMainWindow.DockOption.AnimatedDocks
            | QtWidgets.QMainWindow.DockOption.AllowTabbedDocks
            | QtWidgets.QMainWindow.DockOption.AllowNestedDocks
        )
        self.setContentsMargins(FRAME, FRAME, FRAME, FRAME)
        self.setCentralWidget(central)
        self.addToolBar(QtCore.Qt.ToolBarArea.TopToolBarArea, bar)
        self.addToolBarBreak(QtCore.Qt.ToolBarArea.TopToolBarArea)
        self.addToolBar(QtCore.Qt.ToolBarArea.TopToolBarArea, strip)
        self._message = QtWidgets.QLabel()
        self.statusBar().addWidget(self._message, 1)
        self.statusBar().addPermanentWidget(lamps)
        self.statusBar().setSizeGripEnabled(False)
        self._make_menus(menus)
        self.reset_layout()
        self.retranslate()

    @property
    def docks(self) -> tuple[Dock, ...]:
        """All docks."""
        return (*self._left, *self._right, *self._bottom)

    def set_environment(self, environment: Environment | None) -> None:
        """Frame and title say which world this is; None = not logged in."""
        self._environment = environment
        self.drill_action.setEnabled(environment is not Environment.LIVE)
        self._retitle()
        self.update()

    def set_alarm(self, text: str) -> None:
        """Puts an alarm at the head of the title and calls for attention; empty when it is over."""
        self._alarm = text
        self._retitle()
        if text:
            QtWidgets.QApplication.alert(self)

    def set_theme(self, theme: Theme) -> None:
        """Tells docks, bar and lamps the theme; palette and stylesheet are the application's."""
        self._theme = theme
        for dock in self.docks:
            dock.set_theme(theme)
        self._lamps.set_theme(theme)
        self._theme_actions[theme.name].setChecked(True)
        self.update()

    def set_language(self, language: str) -> None:
        """Checks the language in the menu, and takes away a sentence that was said in another one."""
        if language != self._language:
            self._language = language
            self.show_message("")
        self._language_actions[language].setChecked(True)

    def set_logged_in(self, is_logged_in: bool) -> None:
        """Which of log in and log out is possible."""
        self.login_action.setEnabled(not is_logged_in)
        self.logout_action.setEnabled(is_logged_in)
        self.connection_action.setEnabled(is_logged_in)

    def show_message(self, text: str) -> None:
        """A sentence in the status bar, until the next one."""
        self._message.setText(text)
        self._message.setToolTip(text)

    def save_layout(self) -> tuple[str, str]:
        """Place and size of the window, and the places of docks and bars, both base64."""
        geometry = bytes(self.saveGeometry().toBase64().data()).decode("ascii")
        layout = bytes(self.saveState(LAYOUT_VERSION).toBase64().data()).decode("ascii")
        return geometry, layout

    def restore_layout(self, geometry: str, layout: str) -> bool:
        """Brings back what :meth:`save_layout` gave; False where it could not be used."""
        is_good = self.restoreGeometry(QtCore.QByteArray.fromBase64(geometry.encode()))
        return self.restoreState(QtCore.QByteArray.fromBase64(layout.encode()), LAYOUT_VERSION) and is_good

    def reset_layout(self) -> None:
        """All docks back to where they belong."""
        for dock in self.docks:
            dock.setFloating(False)
            self.removeDockWidget(dock)
        self.setCorner(QtCore.Qt.Corner.BottomLeftCorner, _Area.LeftDockWidgetArea)
        self.setCorner(QtCore.Qt.Corner.BottomRightCorner, _Area.BottomDockWidgetArea)
        for area, docks in ((_Area.LeftDockWidgetArea, self._left), (_Area.RightDockWidgetArea, self._right)):
            for dock in docks:
                self.addDockWidget(area, dock)
        for dock in self._bottom:
            self.addDockWidget(_Area.BottomDockWidgetArea, dock)
            if dock is not self._bottom[0]:
                self.tabifyDockWidget(self._bottom[0], dock)
        for dock in self.docks:
            dock.show()
        if self._bottom:
            self._bottom[0].raise_()
        self._set_sizes()

    def allow_close(self) -> None:
        """The next ``close()`` closes."""
        self._may_close = True

    def retranslate(self) -> None:
        """Texts in the present language."""
        words = {
            self._file_menu: self.tr("&File"),
            self._view_menu: self.tr("&View"),
            self._docks_menu: self.tr("Panels"),
            self._theme_menu: self.tr("Theme"),
            self._language_menu: self.tr("Language"),
            self._help_menu: self.tr("&Help"),
        }
        for menu, word in words.items():
            menu.setTitle(word)
        self.login_action.setText(self.tr("Log in…"))
        self.logout_action.setText(self.tr("Log out"))
        self.import_action.setText(self.tr("Import market data…"))
        self.settings_action.setText(self.tr("Settings…"))
        self.quit_action.setText(self.tr("Quit"))
        self.reset_action.setText(self.tr("Reset layout"))
        self.full_screen_action.setText(self.tr("Full screen"))
        self.connection_action.setText(self.tr("Developer connection…"))
        self.drill_action.setText(self.tr("Fire drill…"))
        self.about_action.setText(self.tr("About"))
        self._theme_actions["dark"].setText(self.tr("Dark"))
        self._theme_actions["light"].setText(self.tr("Light"))
        self._retitle()

    def changeEvent(self, event: QtCore.QEvent) -> None:
        """Follows the language."""
        if event.type() is QtCore.QEvent.Type.LanguageChange:
            self.retranslate()
        super().changeEvent(event)

    def closeEvent(self, event: QtGui.QCloseEvent) -> None:
        """Asks the owner, who has to stop things first."""
        if self._may_close:
            event.accept()
        else:
            event.ignore()
            self.close_requested.emit()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Draws the frame."""
        painter = QtGui.QPainter(self)
        colour = self._theme.grid if self._environment is None else getattr(self._theme, self._environment)
        painter.setPen(QtCore.Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(colour))
        wide, high = self.width(), self.height()
        for x, y, w, h in (
            (0, 0, wide, FRAME),
            (0, high - FRAME, wide, FRAME),
            (0, 0, FRAME, high),
            (wide - FRAME, 0, FRAME, high),
        ):
            painter.drawRect(x, y, w, h)
        painter.end()

    def _retitle(self) -> None:
        title = self.tr("Futures Terminal")
        if self._environment is not None:
            title = f"{i18n.text(self._environment)} — {title}"
        if self._alarm:
            title = f"⚠ {self._alarm} — {title}"
        self.setWindowTitle(title)

    def _set_sizes(self) -> None:
        horizontal, vertical = QtCore.Qt.Orientation.Horizontal, QtCore.Qt.Orientation.Vertical
        if self._left and self._right:
            self.resizeDocks([self._left[0], self._right[0]], [464, 296], horizontal)
        if self._bottom:
            self.resizeDocks([self._bottom[0]], [250], vertical)
        if len(self._right) > 1:
            self.resizeDocks(list(self._right[:2]), [190, 380], vertical)
        if len(self._left) > 1:
            self.resizeDocks(list(self._left[:2]), [430, 430], vertical)

    def _make_menus(self, menus: Sequence[QtWidgets.QMenu]) -> None:
        bar = self.menuBar()
        self._file_menu = bar.addMenu("")
        self.login_action = self._action(self._file_menu, "Ctrl+L", self.login_requested.emit)
        self.logout_action = self._action(self._file_menu, "Ctrl+Shift+L", self.logout_requested.emit)
        self.logout_action.setEnabled(False)
        self._file_menu.addSeparator()
        self.import_action = self._action(self._file_menu, "Ctrl+I", self.import_requested.emit)
        self.settings_action = self._action(self._file_menu, "Ctrl+,", self.settings_requested.emit)
        self._file_menu.addSeparator()
        self.quit_action = self._action(self._file_menu, "Ctrl+Q", self.close)
        self._view_menu = bar.addMenu("")
        self._docks_menu = self._view_menu.addMenu("")
        for at, dock in enumerate(self.docks, start=1):
            action = dock.toggleViewAction()
            if at <= 9:
                action.setShortcut(QtGui.QKeySequence(f"Alt+{at}"))
            self._docks_menu.addAction(action)
        self._theme_menu = self._view_menu.addMenu("")
        self._language_menu = self._view_menu.addMenu("")
        self._theme_actions = self._choices(self._theme_menu, dict.fromkeys(THEMES, ""), self.theme_chosen)
        self._language_actions = self._choices(self._language_menu, i18n.LANGUAGES, self.language_chosen)
        self._view_menu.addSeparator()
        self.full_screen_action = self._action(self._view_menu, "F11", self._on_full_screen)
        self.reset_action = self._action(self._view_menu, "Ctrl+Shift+R", self.reset_layout)
        for menu in menus:
            bar.addMenu(menu)
        self._help_menu = bar.addMenu("")
        self.connection_action = self._action(self._help_menu, "Ctrl+Shift+D", self.connection_requested.emit)
        self.connection_action.setEnabled(False)
        self.drill_action = self._action(self._help_menu, "Ctrl+Shift+F", self.drill_requested.emit)
        self.about_action = self._action(self._help_menu, "F1", self.about_requested.emit)

    def _action(self, menu: QtWidgets.QMenu, shortcut: str, slot: Callable[[], object]) -> QtGui.QAction:
        action = QtGui.QAction(self)
        action.setShortcut(QtGui.QKeySequence(shortcut))
        action.triggered.connect(lambda: slot())
        menu.addAction(action)
        return action

    def _choices(
        self, menu: QtWidgets.QMenu, words: dict[str, str], chosen: QtCore.SignalInstance
    ) -> dict[str, QtGui.QAction]:
        group = QtGui.QActionGroup(self)
        made = {}
        for code, word in words.items():
            action = QtGui.QAction(word, self)
            action.setCheckable(True)
            action.triggered.connect(lambda _=False, c=code: chosen.emit(c))
            group.addAction(action)
            menu.addAction(action)
            made[code] = action
        return made

    def _on_full_screen(self) -> None:
        if self.isFullScreen():
            self.showNormal()
        else:
            self.showFullScreen()
