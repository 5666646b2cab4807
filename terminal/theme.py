"""Colours of the window and how Qt is made to wear them: Fusion style, a palette, a small stylesheet, a font.

Taiwan's convention holds everywhere: red is up and a buy, green is down and a sell.
"""

from dataclasses import dataclass
from typing import Final

from PySide6 import QtCore, QtGui, QtWidgets

import resources

_FAMILIES: Final = (
    "Microsoft JhengHei UI",
    "Microsoft JhengHei",
    "PingFang TC",
    "Noto Sans CJK TC",
    "Noto Sans TC",
    "Source Han Sans TC",
    "WenQuanYi Zen Hei",
)
"""Fonts with Traditional Chinese and Latin of one design, those of Windows and macOS first."""

_POINT_SIZE: Final = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """Colours as ``#rrggbb``.

    Attributes:
        name: ``dark`` or ``light``, as kept in the preferences.
        window: background between panels.
        base: background of tables, fields and the chart.
        panel: background of panels, headers and buttons.
        text: ordinary text.
        muted: secondary text, units, empty-state sentences.
        accent: selection, focus, the one thing to press.
        grid: lines of tables and the chart, borders.
        up: rising price, profit, buy.
        down: falling price, loss, sell.
        volume_up: volume bar of a rising candle.
        volume_down: volume bar of a falling candle.
        trigger: line of a condition's trigger price.
        entry: line of its entry level.
        take_profit: line of its take profit.
        stop_loss: line of its stop loss.
        position: line of a position's average price.
        fill_buy: marker of a buy fill.
        fill_sell: marker of a sell fill.
        working_order: line of a working order.
        crosshair: crosshair of the chart.
        warning: something to look at; an unknown order.
        error: something that failed; a silent link.
        ok: something that lives.
        simulated: frame of the simulated exchange.
        replay: frame of a replay.
        live: frame of real money.
    """

    name: str
    window: str
    base: str
    panel: str
    text: str
    muted: str
    accent: str
    grid: str
    up: str
    down: str
    volume_up: str
    volume_down: str
    trigger: str
    entry: str
    take_profit: str
    stop_loss: str
    position: str
    fill_buy: str
    fill_sell: str
    working_order: str
    crosshair: str
    warning: str
    error: str
    ok: str
    simulated: str
    replay: str
    live: str


DARK: Final = Theme(
    name="dark",
    window="#12151a",
    base="#0d1014",
    panel="#1a1e25",
    text="#d6dbe3",
    muted="#838d9b",
    accent="#3d7eff",
    grid="#2a3039",
    up="#f5475b",
    down="#26b67c",
    volume_up="#8c2f3c",
    volume_down="#1d6b4d",
    trigger="#e6a935",
    entry="#5b9dff",
    take_profit="#f5475b",
    stop_loss="#26b67c",
    position="#b48cf2",
    fill_buy="#ff6b7c",
    fill_sell="#3ddc97",
    working_order="#4fc3d9",
    crosshair="#9aa5b4",
    warning="#f0a020",
    error="#ff4d4f",
    ok="#2fbf71",
    simulated="#2f80ed",
    replay="#8e5cf0",
    live="#d9302c",
)

LIGHT: Final = Theme(
    name="light",
    window="#eceff3",
    base="#ffffff",
    panel="#f6f8fa",
    text="#1b222c",
    muted="#667180",
    accent="#1f66e5",
    grid="#d3d9e1",
    up="#d4213d",
    down="#0b8457",
    volume_up="#eba3ad",
    volume_down="#93cdb5",
    trigger="#b87503",
    entry="#1f66e5",
    take_profit="#d4213d",
    stop_loss="#0b8457",
    position="#7a45c9",
    fill_buy="#d4213d",
    fill_sell="#0b8457",
    working_order="#0e8196",
    crosshair="#5c6775",
    warning="#a86400",
    error="#c9252b",
    ok="#12905a",
    simulated="#2f80ed",
    replay="#8e5cf0",
    live="#d9302c",
)

THEMES: Final = {theme.name: theme for theme in (DARK, LIGHT)}
"""All themes by name."""


def apply(app: QtWidgets.QApplication, theme: Theme) -> None:
    """Makes every window of the application wear the theme; may be called again at any time."""
    app.setStyle("Fusion")
    app.setPalette(palette(theme))
    app.setStyleSheet(_stylesheet(theme))
    chosen = font()
    if app.font() != chosen:
        app.setFont(chosen)
        # Qt tells widgets that exist already only while the event loop runs.
        for widget in app.allWidgets():
            app.sendEvent(widget, QtCore.QEvent(QtCore.QEvent.Type.ApplicationFontChange))


def font() -> QtGui.QFont:
    """The font of the program: the first known one with Traditional Chinese, or the system's own."""
    installed = set(QtGui.QFontDatabase.families())
    found = [family for family in _FAMILIES if family in installed]
    chosen = QtGui.QFontDatabase.systemFont(QtGui.QFontDatabase.SystemFont.GeneralFont)
    if found:
        chosen.setFamilies([found[0], *chosen.families()])
    chosen.setPointSize(_POINT_SIZE)
    return chosen


def palette(theme: Theme) -> QtGui.QPalette:
    """The theme as a Qt palette."""
    role = QtGui.QPalette.ColorRole
    colours = {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.base,
        role.AlternateBase: theme.panel,
        role.ToolTipBase: theme.panel,
        role.ToolTipText: theme.text,
        role.PlaceholderText: theme.muted,
        role.Text: theme.text,
        role.Button: theme.panel,
        role.ButtonText: theme.text,
        role.BrightText: theme.error,
        role.Light: theme.grid,
        role.Midlight: theme.grid,
        role.Mid: theme.grid,
        role.Dark: theme.grid,
        role.Shadow: theme.window,
        role.Link: theme.accent,
        role.Highlight: theme.accent,
        role.HighlightedText: "#ffffff",
    }
    made = QtGui.QPalette()
    for key, colour in colours.items():
        made.setColor(key, QtGui.QColor(colour))
    for key in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QtGui.QPalette.ColorGroup.Disabled, key, QtGui.QColor(theme.muted))
    return made


def mixed(colour: str, ground: str, share: float) -> str:
    """A colour laid over a ground with the given share (0 to 1), as ``#rrggbb``."""
    over, under = QtGui.QColor(colour), QtGui.QColor(ground)

    def blend(a: int, b: int) -> int:
        return round(a * share + b * (1 - share))

    return QtGui.QColor(
        blend(over.red(), under.red()), blend(over.green(), under.green()), blend(over.blue(), under.blue())
    ).name()


def _stylesheet(theme: Theme) -> str:
    return _panels(theme) + _fields(theme) + _buttons(theme)


def _buttons(theme: Theme) -> str:
    tones = "".join(
        f"""
        QPushButton[tone="{tone}"] {{ background: {mixed(colour, theme.panel, 0.88)}; color: #ffffff;
            border-color: {colour}; font-weight: bold; }}
        QPushButton[tone="{tone}"]:hover {{ background: {colour}; }}
        QPushButton[tone="{tone}"]:disabled {{ background: {theme.panel}; color: {theme.muted};
            border-color: {theme.grid}; }}"""
        for tone, colour in (
            ("up", theme.up),
            ("down", theme.down),
            ("accent", theme.accent),
            ("error", theme.error),
        )
    )
    return f"""
        QPushButton {{ background: {theme.panel}; border: 1px solid {theme.grid}; border-radius: 3px;
            padding: 4px 9px; }}
        QPushButton:hover {{ border-color: {theme.accent}; }}
        QPushButton:pressed {{ background: {theme.grid}; }}
        QPushButton:focus {{ border-color: {theme.accent}; }}
        QPushButton:disabled {{ color: {theme.muted}; }}
        QPushButton:checked {{ background: {mixed(theme.accent, theme.panel, 0.35)};
            border-color: {theme.accent}; }}
        {tones}
    """


def _fields(theme: Theme) -> str:
    line = mixed(theme.muted, theme.base, 0.45)
    return f"""
        QLineEdit, QAbstractSpinBox, QComboBox {{ background: {theme.base}; border: 1px solid {line};
            border-radius: 3px; padding: 3px 6px; min-height: 16px;
            selection-background-color: {theme.accent}; selection-color: #ffffff; }}
        QLineEdit:focus, QAbstractSpinBox:focus, QComboBox:focus {{ border-color: {theme.accent}; }}
        QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled {{ background: {theme.panel};
            color: {theme.muted}; border-color: {theme.grid}; }}
        QAbstractSpinBox QLineEdit, QComboBox QLineEdit {{ border: none; background: transparent;
            padding: 0 4px; }}
        QComboBox::drop-down {{ border: none; width: 18px; }}
        QComboBox::down-arrow {{ image: url("{_image("arrow-down.svg")}"); width: 10px; height: 10px; }}
        QComboBox QAbstractItemView {{ background: {theme.panel}; border: 1px solid {line};
            selection-background-color: {theme.accent}; selection-color: #ffffff; }}
        QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ subcontrol-origin: border; width: 17px;
            border: none; border-left: 1px solid {line}; }}
        QAbstractSpinBox::up-button {{ subcontrol-position: top right; }}
        QAbstractSpinBox::down-button {{ subcontrol-position: bottom right; }}
        QAbstractSpinBox::up-button:hover, QAbstractSpinBox::down-button:hover {{ background: {theme.grid}; }}
        QAbstractSpinBox::up-arrow {{ image: url("{_image("arrow-up.svg")}"); width: 9px; height: 9px; }}
        QAbstractSpinBox::down-arrow {{ image: url("{_image("arrow-down.svg")}"); width: 9px; height: 9px; }}
        QToolButton {{ background: {theme.panel}; border: 1px solid {theme.grid}; border-radius: 3px;
            padding: 3px; }}
        QToolButton:hover {{ border-color: {theme.accent}; }}
        QCheckBox::indicator, QTableView::indicator {{ width: 12px; height: 12px; border-radius: 3px;
            border: 1px solid {line}; background: {theme.base}; }}
        QCheckBox::indicator:checked, QTableView::indicator:checked {{ background: {theme.accent};
            border-color: {theme.accent}; image: url("{_image("check.svg")}"); }}
        QCheckBox::indicator:hover, QTableView::indicator:hover {{ border-color: {theme.accent}; }}
    """


def _image(name: str) -> str:
    return resources.path(name).as_posix()


def _panels(theme: Theme) -> str:
    return f"""
        QToolTip {{ background: {theme.panel}; color: {theme.text}; border: 1px solid {theme.grid}; }}
        QMainWindow::separator {{ background: {theme.window}; width: 4px; height: 4px; }}
        QMainWindow::separator:hover {{ background: {theme.accent}; }}
        QDockWidget {{ color: {theme.muted}; font-weight: bold; }}
        QDockWidget::title {{ background: {theme.panel}; padding: 4px 6px;
            border-bottom: 1px solid {theme.grid}; }}
        QDockWidget > QWidget, QDockWidget > QScrollArea > QWidget > QWidget {{ background: {theme.panel}; }}
        QTableView {{ background: {theme.base}; gridline-color: {theme.grid}; border: none;
            selection-background-color: {mixed(theme.accent, theme.base, 0.24)}; selection-color: {theme.text}; }}
        QToolBar {{ background: {theme.panel}; border: none; border-bottom: 1px solid {theme.grid}; }}
        QHeaderView, QHeaderView::section {{ background: {theme.panel}; }}
        QHeaderView::section {{ color: {theme.muted}; border: none; padding: 3px 6px;
            border-bottom: 1px solid {theme.grid}; border-right: 1px solid {theme.grid}; }}
        QHeaderView::up-arrow, QHeaderView::down-arrow {{ width: 7px; height: 5px;
            subcontrol-origin: border; subcontrol-position: top center; }}
        QStatusBar {{ background: {theme.panel}; border-top: 1px solid {theme.grid}; }}
        QStatusBar::item {{ border: none; }}
        QMenuBar {{ background: {theme.panel}; border-bottom: 1px solid {theme.grid}; }}
        QMenuBar::item {{ padding: 4px 9px; background: transparent; }}
        QMenuBar::item:selected {{ background: {mixed(theme.accent, theme.panel, 0.35)}; }}
        QTabBar::tab {{ background: {theme.window}; color: {theme.muted}; padding: 4px 12px;
            border: 1px solid {theme.grid}; }}
        QTabBar::tab:selected {{ background: {theme.panel}; color: {theme.text}; }}
        QLabel[tone="muted"] {{ color: {theme.muted}; }}
        QLabel[tone="error"] {{ color: {theme.error}; }}
        QLabel[tone="warning"] {{ color: {theme.warning}; }}
        QLabel[tone="ok"] {{ color: {theme.ok}; }}
        QLabel[tone="up"] {{ color: {theme.up}; font-weight: bold; }}
        QLabel[tone="down"] {{ color: {theme.down}; font-weight: bold; }}
    """
