from dataclasses import dataclass, fields
from typing import Any

import pytest
from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

import resources
from terminal import theme
from terminal.models.table import Column, TableModel
from terminal.theme import DARK, LIGHT
from terminal.widgets.pace import Pace
from terminal.widgets.price_edit import PriceEdit
from terminal.widgets.table import Table


@dataclass(frozen=True)
class Thing:
    name: str
    size: int | None = 0


COLUMNS: tuple[Column[Thing], ...] = (
    Column(key="name", title="Name", getter=lambda t: t.name),
    Column(key="size", title="Size", getter=lambda t: t.size, sort=lambda t: t.size or 0),
)


@pytest.fixture
def model(qapp: QtWidgets.QApplication) -> TableModel[Thing]:
    return TableModel(COLUMNS, lambda t: t.name)


class TestTableModel:
    def test_keeps_qts_rules(self, model: TableModel[Thing], qtmodeltester: Any) -> None:
        model.set_rows([Thing("a"), Thing("b", 2)])
        qtmodeltester.check(model)

    def test_a_known_key_changes_its_row_alone(self, model: TableModel[Thing], qtbot: QtBot) -> None:
        model.set_rows([Thing("a", 1), Thing("b", 2)])
        with (
            qtbot.assertNotEmitted(model.rowsInserted),
            qtbot.assertNotEmitted(model.modelReset),
            qtbot.waitSignal(model.dataChanged) as told,
        ):
            model.put(Thing("b", 3))
        assert [index.row() for index in told.args[:2]] == [1, 1]
        assert model.rows() == (Thing("a", 1), Thing("b", 3))

    def test_the_same_row_again_repaints_nothing(self, model: TableModel[Thing], qtbot: QtBot) -> None:
        model.put(Thing("a", 1))
        with qtbot.assertNotEmitted(model.dataChanged):
            model.put(Thing("a", 1))

    def test_rows_are_found_after_others_went(self, model: TableModel[Thing]) -> None:
        model.extend([Thing("a"), Thing("b"), Thing("c")])
        model.remove("a")
        model.remove("nobody")
        model.put(Thing("c", 7))
        assert model.rows() == (Thing("b"), Thing("c", 7))
        model.keep_last(1)
        assert model.get("b") is None
        assert model.get("c") == Thing("c", 7)

    def test_sorts_beyond_32_bits(self, model: TableModel[Thing], qtbot: QtBot) -> None:
        table = Table(model, sort_by="size")
        qtbot.addWidget(table)
        sizes = [2**40, 5, 2**33, -1, 2**31]
        model.set_rows(Thing(str(size), size) for size in sizes)
        shown = [int(table.proxy.index(row, 0).data()) for row in range(len(sizes))]
        assert shown == sorted(sizes)


class TestPace:
    def test_shows_at_once_then_gathers_and_never_forgets_the_last(self, qtbot: QtBot) -> None:
        parent = QtCore.QObject()
        news: list[int] = []
        shown: list[int] = []
        pace = Pace(lambda: shown.append(news[-1]), parent, interval_ms=20)
        for number in range(1, 6):
            news.append(number)
            pace.request()
        assert shown == [1]
        qtbot.waitUntil(lambda: shown == [1, 5])

    def test_quiet_times_need_no_timer(self, qtbot: QtBot) -> None:
        parent = QtCore.QObject()
        pace = Pace(lambda: None, parent, interval_ms=1)
        pace.request()
        qtbot.waitUntil(lambda: not pace._timer.isActive())


class TestPriceEdit:
    @pytest.fixture
    def edit(self, qtbot: QtBot) -> PriceEdit:
        edit = PriceEdit()
        qtbot.addWidget(edit)
        edit.set_symbol("TXFK4")
        return edit

    @pytest.mark.parametrize(("typed", "value"), [("22811", 22811), ("22,811", 22811), ("", 0)])
    def test_reads_what_is_typed(self, edit: PriceEdit, typed: str, value: int) -> None:
        edit.setValue(1)
        edit.selectAll()
        QTest.keyClick(edit, QtCore.Qt.Key.Key_Backspace)
        QTest.keyClicks(edit, typed)
        edit.interpretText()
        assert edit.value() == value

    @pytest.mark.parametrize("typed", ["abc", "12.5", "-3", "99999999999", "²"])
    def test_refuses_what_is_no_price(self, edit: PriceEdit, typed: str) -> None:
        assert edit.validate(typed, len(typed))[0] is QtGui.QValidator.State.Invalid

    def test_steps_by_the_tick(self, edit: PriceEdit) -> None:
        edit.setValue(22811)
        edit.stepUp()
        assert edit.value() == 22812

    def test_zero_shows_as_nothing(self, edit: PriceEdit) -> None:
        edit.setValue(0)
        assert edit.text() == ""


class TestTheme:
    @pytest.mark.parametrize("shown", [DARK, LIGHT])
    def test_every_colour_can_be_drawn(self, shown: theme.Theme) -> None:
        for field in fields(shown):
            if field.name != "name":
                assert QtGui.QColor(getattr(shown, field.name)).isValid(), field.name

    @pytest.mark.parametrize("shown", [DARK, LIGHT])
    def test_up_is_red_and_down_is_green(self, shown: theme.Theme) -> None:
        up, down = QtGui.QColor(shown.up), QtGui.QColor(shown.down)
        assert up.red() > up.green()
        assert down.green() > down.red()

    @pytest.mark.parametrize("shown", [DARK, LIGHT])
    @pytest.mark.parametrize("name", ["text", "muted", "up", "down", "warning", "error", "ok", "accent"])
    def test_words_can_be_read(self, shown: theme.Theme, name: str) -> None:
        def luminance(colour: str) -> float:
            seen = QtGui.QColor(colour)
            parts = (seen.redF(), seen.greenF(), seen.blueF())
            red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
            return float(0.2126 * red + 0.7152 * green + 0.0722 * blue)

        for ground in (shown.base, shown.panel):
            light, dark = sorted((luminance(getattr(shown, name)), luminance(ground)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 3.8

    def test_widgets_that_exist_already_get_the_font(self, qapp: QtWidgets.QApplication, qtbot: QtBot) -> None:
        before = qapp.font(), qapp.palette(), qapp.styleSheet()
        label = QtWidgets.QLabel("價格")
        qtbot.addWidget(label)
        for shown in (DARK, LIGHT, DARK):
            theme.apply(qapp, shown)
            assert label.font().families() == theme.font().families()
            assert label.font().pointSize() == theme.font().pointSize()
        qapp.setFont(before[0])
        qapp.setPalette(before[1])
        qapp.setStyleSheet(before[2])

    def test_a_blend_lies_between(self) -> None:
        assert theme.mixed("#ffffff", "#000000", 0.5) == "#808080"
        assert theme.mixed("#123456", "#000000", 1) == "#123456"


def test_a_resource_that_is_missing_is_named() -> None:
    assert resources.path("icon.svg").is_file()
    with pytest.raises(FileNotFoundError, match=r"nothing\.svg"):
        resources.path("nothing.svg")
