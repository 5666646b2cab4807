"""The limits of risk: each with what it means, what is used of it now, and a field. They hold at once when set."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

from PySide6 import QtCore, QtWidgets

from engine.settings import HaltRule, Risk, limits_problem
from engine.wire.messages import SetLimits
from terminal import i18n
from terminal.widgets.dock import set_tone
from terminal.widgets.price_edit import indent

_MOST: Final = 2_000_000_000
_WIDTH: Final = 960
GROUPS: Final = (
    ("size", ("max_order_lots", "max_position_lots", "max_total_lots")),
    ("money", ("max_daily_loss", "daily_loss_halt", "max_margin", "margin_per_lot")),
    ("pace", ("max_orders_per_minute", "max_orders_per_day", "duplicate_window_s", "entry_signal_age_s")),
    ("market", ("price_band_percent", "stale_feed_s", "no_entry_before_close_s")),
)
"""Name of each group and the fields of :class:`Risk` in it."""


class LimitsDialog(QtWidgets.QDialog):
    """Shows and changes all limits.

    Signals:
        limits_requested(SetLimits): the limits are to be these from now on.

    Args:
        limits: as they are now.
        use: what is used of a limit now, for people, by field name.
    """

    limits_requested = QtCore.Signal(object)

    def __init__(self, limits: Risk, use: Mapping[str, str], parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("Risk limits"))
        self._limits = limits
        self.fields = {item.name: _field(getattr(limits, item.name)) for item in dataclasses.fields(Risk)}
        self.labels = {name: QtWidgets.QLabel() for name in self.fields}
        self.reason = QtWidgets.QLineEdit()
        self.reason.setPlaceholderText(self.tr("Why, for the ledger (may be empty)"))
        self.problem = QtWidgets.QLabel()
        self.set_button = QtWidgets.QPushButton(self.tr("Set limits"))
        self.cancel_button = QtWidgets.QPushButton(self.tr("Cancel"))
        self._lay_out(use)
        self.set_button.clicked.connect(self._on_set)
        self.cancel_button.clicked.connect(self.reject)
        self.show_limits(limits)

    def limits(self) -> Risk:
        """What the fields say."""
        before = dataclasses.asdict(self._limits)
        return Risk(**{name: _value(field, before[name]) for name, field in self.fields.items()})

    def show_limits(self, limits: Risk) -> None:
        """Fills the fields with the limits as they are, also when they were changed elsewhere meanwhile."""
        self._limits = limits
        for name, field in self.fields.items():
            _show(field, getattr(limits, name))
        self._refresh()

    def _lay_out(self, use: Mapping[str, str]) -> None:
        columns = QtWidgets.QHBoxLayout()
        columns.setSpacing(12)
        for half in (GROUPS[:2], GROUPS[2:]):
            column = QtWidgets.QVBoxLayout()
            for group, names in half:
                column.addWidget(self._group(group, names, use))
            column.addStretch(1)
            columns.addLayout(column, 1)
        note = QtWidgets.QLabel(
            self.tr("Exits and cancels pass whatever the limits. The settings file says what the next start has.")
        )
        set_tone(note, "muted")
        note.setWordWrap(True)
        set_tone(self.problem, "error")
        self.problem.setWordWrap(True)
        self.problem.setMinimumHeight(self.fontMetrics().height() * 2)
        set_tone(self.set_button, "accent")
        low = QtWidgets.QHBoxLayout()
        low.addWidget(self.problem, 1)
        low.addWidget(self.cancel_button)
        low.addWidget(self.set_button)
        box = QtWidgets.QVBoxLayout(self)
        box.setContentsMargins(16, 16, 16, 16)
        box.setSpacing(10)
        box.addLayout(columns)
        box.addWidget(note)
        box.addWidget(self.reason)
        box.addLayout(low)
        self.setMinimumSize(_WIDTH, box.heightForWidth(_WIDTH))

    def _group(self, group: str, names: tuple[str, ...], use: Mapping[str, str]) -> QtWidgets.QGroupBox:
        titles = {
            "size": self.tr("Size"),
            "money": self.tr("Loss and margin"),
            "pace": self.tr("Pace"),
            "market": self.tr("Prices and sessions"),
        }
        words = self._words()
        box = QtWidgets.QGroupBox(titles[group])
        grid = QtWidgets.QGridLayout(box)
        grid.setColumnStretch(0, 1)
        grid.setVerticalSpacing(2)
        for at, name in enumerate(names):
            label, field = self.labels[name], self.fields[name]
            title, meaning = words.get(name, (name, ""))
            label.setText(title)
            field.setMinimumWidth(230 if isinstance(field, QtWidgets.QLineEdit) else 150)
            _signal(field).connect(self._refresh)
            grid.addWidget(label, 2 * at, 0)
            grid.addWidget(field, 2 * at, 1)
            text = " ".join(filter(None, (use.get(name, ""), meaning)))
            if not text:
                grid.setRowMinimumHeight(2 * at + 1, 6)
                continue
            told = QtWidgets.QLabel(text)
            told.setWordWrap(True)
            set_tone(told, "muted")
            told.setContentsMargins(0, 0, 0, 6)
            grid.addWidget(told, 2 * at + 1, 0, 1, 2)
        return box

    def _refresh(self) -> None:
        wanted = self.limits()
        for name, label in self.labels.items():
            set_tone(label, "warning" if getattr(wanted, name) != getattr(self._limits, name) else "")
        problem = limits_problem(wanted)
        self.problem.setText(self._problem_text(problem) if problem else "")
        self.set_button.setEnabled(not problem and wanted != self._limits)

    def _problem_text(self, problem: str) -> str:
        """A sentence of :func:`limits_problem` for the screen: it begins with the name of the field."""
        name = problem.partition(":")[0]
        if name not in self.fields:
            return problem
        title = self._words().get(name, (name, ""))[0]
        if name == "margin_per_lot":
            return self.tr("{limit}: write product and TWD as TXF=322000, with commas between.").format(
                limit=title
            )
        if not getattr(self.limits(), name):
            text = self.tr("{limit}: 0 would let no entry through; to stop all entries, halt trading.")
        elif name == "max_total_lots":
            text = self.tr("{limit}: one contract alone may not hold more than all together.")
        else:
            text = self.tr("{limit}: not possible.")
        return text.format(limit=title)

    def _on_set(self) -> None:
        wanted = self.limits()
        if not limits_problem(wanted):
            self.limits_requested.emit(SetLimits(limits=wanted, text=self.reason.text().strip()))
            self.accept()

    def _words(self) -> dict[str, tuple[str, str]]:
        """Title and meaning of each limit."""
        return {
            "max_order_lots": (self.tr("Lots of one order"), ""),
            "max_position_lots": (
                self.tr("Lots of one contract"),
                self.tr("Net, in one account; working orders count as if filled."),
            ),
            "max_total_lots": (
                self.tr("Lots of all contracts"),
                self.tr("Long and short added up; working entries count as if filled."),
            ),
            "max_daily_loss": (
                self.tr("Loss of a day, TWD"),
                self.tr("Realised and unrealised, after costs; from there no entry passes. 0 = off."),
            ),
            "daily_loss_halt": (
                self.tr("When that is reached"),
                self.tr("How deep trading is halted; only a person resumes."),
            ),
            "max_margin": (
                self.tr("Margin bound, TWD"),
                self.tr("0 = the equity of the account, where the broker tells it."),
            ),
            "margin_per_lot": (
                self.tr("Initial margin of a lot"),
                self.tr("The exchange changes it: look it up. Used where a limit of margin is known."),
            ),
            "max_orders_per_minute": (self.tr("Entries a minute"), self.tr("Of strategies and people together.")),
            "max_orders_per_day": (self.tr("Entries a day"), ""),
            "duplicate_window_s": (
                self.tr("Double click, seconds"),
                self.tr("The same order by hand again within this time is refused."),
            ),
            "entry_signal_age_s": (
                self.tr("Age of a signal, seconds"),
                self.tr("An older entry signal is refused. Exits never grow stale."),
            ),
            "price_band_percent": (
                self.tr("Price band, %"),
                self.tr("How far a limit price may lie beyond the last trade, on the aggressive side."),
            ),
            "stale_feed_s": (
                self.tr("Silence of quotes, seconds"),
                self.tr("A feed silent for longer lets no entry through."),
            ),
            "no_entry_before_close_s": (
                self.tr("Before the close, seconds"),
                self.tr("No entry in the last seconds of a session. 0 = off."),
            ),
        }


def _field(value: object) -> QtWidgets.QWidget:
    """A field for a value of this type."""
    if isinstance(value, HaltRule):
        combo = QtWidgets.QComboBox()
        for rule in HaltRule:
            combo.addItem(i18n.text(rule), rule)
        return combo
    if isinstance(value, int):
        number = QtWidgets.QSpinBox()
        number.setRange(0, _MOST)
        number.setGroupSeparatorShown(True)
        indent(number)
        return number
    if isinstance(value, float):
        real = QtWidgets.QDoubleSpinBox()
        real.setRange(0, 100_000)
        real.setDecimals(2)
        real.lineEdit().setTextMargins(4, 0, 0, 0)
        return real
    return QtWidgets.QLineEdit()


def _signal(field: QtWidgets.QWidget) -> Any:
    match field:
        case QtWidgets.QComboBox():
            return field.currentIndexChanged
        case QtWidgets.QSpinBox() | QtWidgets.QDoubleSpinBox():
            return field.valueChanged
        case QtWidgets.QLineEdit():
            return field.textChanged
    raise TypeError(f"no field of limits: {field!r}")


def _show(field: QtWidgets.QWidget, value: Any) -> None:
    with QtCore.QSignalBlocker(field):
        match field:
            case QtWidgets.QComboBox():
                field.setCurrentIndex(field.findData(value))
            case QtWidgets.QSpinBox() | QtWidgets.QDoubleSpinBox():
                field.setValue(value)
            case QtWidgets.QLineEdit():
                field.setText(", ".join(value))
                field.setCursorPosition(0)


def _value(field: QtWidgets.QWidget, before: Any) -> Any:
    """What a field says, in the type that the limit had before."""
    match field:
        case QtWidgets.QComboBox():
            return HaltRule(field.currentData())
        case QtWidgets.QSpinBox() | QtWidgets.QDoubleSpinBox():
            return type(before)(field.value())
        case QtWidgets.QLineEdit():
            return tuple(part.strip() for part in field.text().split(",") if part.strip())
    raise TypeError(f"no field of limits: {field!r}")
