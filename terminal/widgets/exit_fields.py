"""The fields that say how lots are guarded: distances after entry, and what becomes of the guard at the close."""

from dataclasses import replace
from typing import Final

from PySide6 import QtCore, QtWidgets

from engine.model.condition import ConditionSpec, LevelsFrom, SessionEnd
from terminal import i18n
from terminal.widgets.choice import Choice
from terminal.widgets.dock import set_tone
from terminal.widgets.duration_edit import DurationEdit
from terminal.widgets.price_edit import indent

MOST_POINTS: Final = 100_000


class ExitFields(QtWidgets.QWidget):
    """Two groups: after entry, and at the close.

    Signals:
        changed(): a field was changed, by a person or by the program.

    Args:
        measures: whether a person chooses what the distances are measured from.
    """

    changed = QtCore.Signal()

    def __init__(self, *, measures: bool = True) -> None:
        super().__init__()
        self.take_profit, self.stop_loss = points_edit(1), points_edit(1)
        self.levels_from: Choice[LevelsFrom] = Choice(tuple(LevelsFrom), i18n.text)
        self.breakeven, self.trailing = points_edit(0), points_edit(0)
        self.time_stop = DurationEdit()
        self.session_end = QtWidgets.QComboBox()
        self.explanation = QtWidgets.QLabel()
        self.after, self.close_box = QtWidgets.QGroupBox(), QtWidgets.QGroupBox()
        self._labels: dict[str, QtWidgets.QLabel] = {}
        self._lay_out(measures=measures)
        for number in (self.take_profit, self.stop_loss, self.breakeven, self.trailing, self.time_stop):
            number.valueChanged.connect(self.changed)
        self.levels_from.chosen.connect(self.changed)
        self.session_end.currentIndexChanged.connect(self._on_end_changed)
        self.retranslate()

    def show_spec(self, spec: ConditionSpec) -> None:
        """Fills the fields."""
        self.take_profit.setValue(spec.take_profit_points)
        self.stop_loss.setValue(spec.stop_loss_points)
        self.levels_from.choose(spec.levels_from)
        self.breakeven.setValue(spec.breakeven_points)
        self.trailing.setValue(spec.trailing_points)
        self.time_stop.setValue(spec.time_stop_s)
        self.session_end.setCurrentIndex(self.session_end.findData(spec.session_end))

    def applied(self, spec: ConditionSpec) -> ConditionSpec:
        """The spec with what the fields say."""
        return replace(
            spec,
            take_profit_points=self.take_profit.value(),
            stop_loss_points=self.stop_loss.value(),
            levels_from=self.levels_from.value,
            breakeven_points=self.breakeven.value(),
            trailing_points=self.trailing.value(),
            time_stop_s=self.time_stop.value(),
            session_end=SessionEnd(self.session_end.currentData()),
        )

    def retranslate(self) -> None:
        """Texts in the present language."""
        self.after.setTitle(self.tr("After entry"))
        self.close_box.setTitle(self.tr("At the close"))
        words = {
            "take_profit": self.tr("Take profit, points"),
            "stop_loss": self.tr("Stop loss, points"),
            "levels_from": self.tr("Measured from"),
            "breakeven": self.tr("Breakeven after, points"),
            "trailing": self.tr("Trailing stop, points"),
            "time_stop": self.tr("Time stop, min:s"),
        }
        tips = {
            "breakeven": self.tr("Once the price was so far in favour, the stop moves to the price of entry."),
            "trailing": self.tr("The stop follows the best price at this distance."),
            "time_stop": self.tr("The lots are closed after this time, whatever the price."),
        }
        for name, label in self._labels.items():
            label.setText(words[name])
            label.setToolTip(tips.get(name, ""))
        for field in (self.breakeven, self.trailing, self.time_stop):
            field.setSpecialValueText(self.tr("Off"))
        self.levels_from.retranslate()
        for at, end in enumerate(SessionEnd):
            self.session_end.setItemText(at, i18n.text(end))
        self._explain()

    def _lay_out(self, *, measures: bool) -> None:
        fields: dict[str, QtWidgets.QWidget] = {"take_profit": self.take_profit, "stop_loss": self.stop_loss}
        if measures:
            fields["levels_from"] = self.levels_from
        fields |= {"breakeven": self.breakeven, "trailing": self.trailing, "time_stop": self.time_stop}
        self._labels = add_rows(self.after, fields)
        for end in SessionEnd:
            self.session_end.addItem("", end)
        self.explanation.setWordWrap(True)
        set_tone(self.explanation, "muted")
        # Room for the longest of the explanations, so that the dialog does not jump.
        self.explanation.setMinimumHeight(self.fontMetrics().height() * 3)
        self.explanation.setAlignment(QtCore.Qt.AlignmentFlag.AlignTop)
        low = QtWidgets.QVBoxLayout(self.close_box)
        low.addWidget(self.session_end)
        low.addWidget(self.explanation)
        box = QtWidgets.QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(10)
        box.addWidget(self.after)
        box.addWidget(self.close_box)
        box.addStretch(1)

    def _on_end_changed(self) -> None:
        self._explain()
        self.changed.emit()

    def _explain(self) -> None:
        texts = {
            SessionEnd.REARM: self.tr(
                "The guard goes on in the next session. A condition that still waits goes on, too."
            ),
            SessionEnd.FLATTEN: self.tr(
                "Its lots are closed shortly before the close. A condition that still waits is cancelled."
            ),
            SessionEnd.UNGUARDED: self.tr(
                "Its lots are held without stop or target until you guard them again. A condition that still "
                "waits is cancelled."
            ),
        }
        self.explanation.setText(texts[SessionEnd(self.session_end.currentData())])


def add_rows(box: QtWidgets.QGroupBox, fields: dict[str, QtWidgets.QWidget]) -> dict[str, QtWidgets.QLabel]:
    """Puts fields under each other into a group, and returns their labels, still without text."""
    form = QtWidgets.QFormLayout(box)
    form.setFieldGrowthPolicy(QtWidgets.QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    form.setLabelAlignment(QtCore.Qt.AlignmentFlag.AlignLeft)
    labels = {name: QtWidgets.QLabel() for name in fields}
    for name, part in fields.items():
        set_tone(labels[name], "muted")
        form.addRow(labels[name], part)
    return labels


def points_edit(least: int, value: int = 0, most: int = MOST_POINTS) -> QtWidgets.QSpinBox:
    """A field for points; they are scaled like prices, and all products have whole points."""
    box = QtWidgets.QSpinBox()
    box.setRange(least, most)
    box.setValue(value)
    box.setAccelerated(True)
    indent(box)
    return box
