"""The scanner's dock: findings ranked and kept in place, words in both languages, and why it is empty."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6 import QtCore, QtWidgets
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from engine.model.scan import ScanHit, ScanKind
from engine.timing import NS_PER_S
from engine.wire.messages import ProcessState, ProcessStatus, ScanHits
from terminal import i18n
from terminal.docks.scanner import ScannerDock
from terminal.models.scanner import meaning
from terminal.theme import DARK, LIGHT, Theme
from terminal.widgets.score_bar import ScoreDelegate
from tests.gui import values
from tests.gui.test_docks import cell, texts

HIGH = ScanHit(
    symbol="TXFK4", kind=ScanKind.SESSION_HIGH, price=23_010, level=23_012, score=650, ts_event=values.T0
)
NEAR = ScanHit(
    symbol="MXFK4",
    kind=ScanKind.NEAR_CONDITION,
    price=22_931,
    level=22_930,
    score=970,
    ts_event=values.T0,
    condition_id="C1",
)
SURGE = ScanHit(symbol="TXFK4", kind=ScanKind.VOLUME_SURGE, price=23_010, score=300, ts_event=values.T0)


@pytest.fixture
def dock(qtbot: QtBot) -> Iterator[ScannerDock]:
    i18n.install("en")
    made = ScannerDock()
    qtbot.addWidget(made)
    yield made
    i18n.install("en")


def tell(dock: ScannerDock, *hits: ScanHit) -> None:
    dock.on_hits(ScanHits(hits=hits))


def status(state: ProcessState, node: str = "scanner") -> ProcessStatus:
    return ProcessStatus(node=node, state=state, ts_event=values.T0)


def test_the_best_is_on_top_and_says_what_and_where(dock: ScannerDock) -> None:
    tell(dock, SURGE, HIGH, NEAR)
    assert texts(dock.table, "symbol") == ["MXFK4", "TXFK4", "TXFK4"]
    assert texts(dock.table, "kind") == ["Near a condition", "New session high", "Volume surge"]
    assert texts(dock.table, "price") == ["22,931", "23,010", "23,010"]
    assert texts(dock.table, "level") == ["22,930", "23,012", "—"]
    assert texts(dock.table, "score") == ["970", "650", "300"]
    assert dock.windowTitle() == "Scanner (3)"


def test_a_row_stays_chosen_while_its_finding_fades_and_leaves_with_it(dock: ScannerDock) -> None:
    tell(dock, HIGH, SURGE)
    chosen = dock.model.key_at(dock.model.index(0, 0))
    dock.table.select(chosen)
    tell(dock, replace(SURGE, score=400), replace(HIGH, score=350, level=23_015), NEAR)
    assert dock.table.current_key() == chosen
    assert texts(dock.table, "kind") == ["Near a condition", "Volume surge", "New session high"]
    assert texts(dock.table, "level")[2] == "23,015"
    tell(dock, NEAR)
    assert texts(dock.table, "symbol") == ["MXFK4"]


def test_activating_a_row_asks_for_its_contract(dock: ScannerDock, qtbot: QtBot) -> None:
    tell(dock, HIGH, NEAR)
    dock.table.select(dock.model.key_at(dock.model.index(1, 0)))
    with qtbot.waitSignal(dock.contract_activated) as told:
        QTest.keyClick(dock.table, QtCore.Qt.Key.Key_Return)
    assert told.args == ["MXFK4"]


def test_choosing_a_row_alone_leaves_the_chart(dock: ScannerDock, qtbot: QtBot) -> None:
    tell(dock, HIGH)
    with qtbot.assertNotEmitted(dock.contract_activated):
        dock.table.select(dock.model.key_at(dock.model.index(0, 0)))


def test_ages_grow_with_the_markets_clock(dock: ScannerDock) -> None:
    tell(dock, HIGH)
    assert texts(dock.table, "age") == ["—"]
    dock.set_now(values.T0 + 42 * NS_PER_S)
    assert texts(dock.table, "age") == ["42 s"]


def test_it_says_why_it_is_empty(dock: ScannerDock) -> None:
    def why() -> str:
        return dock.table._empty_text

    assert why() == "The scanner does not run."
    dock.on_process(status(ProcessState.READY, "recorder"))
    assert why() == "The scanner does not run."
    dock.on_process(status(ProcessState.READY))
    assert why() == "Nothing stands out now."
    tell(dock, HIGH)
    dock.on_process(status(ProcessState.DEAD))
    assert (why(), texts(dock.table, "symbol")) == ("The scanner does not run.", [])
    tell(dock)
    assert why() == "Nothing stands out now.", "who is heard runs"
    tell(dock, HIGH)
    dock.clear()
    assert (why(), dock.windowTitle()) == ("The scanner does not run.", "Scanner")


def test_every_kind_has_words_and_a_meaning_in_both_languages(dock: ScannerDock) -> None:
    tell(dock, *(replace(NEAR, kind=kind) for kind in ScanKind))
    english = {kind: (i18n.text(kind), meaning(replace(NEAR, kind=kind))) for kind in ScanKind}
    assert len(set(english.values())) == len(ScanKind)
    assert english[ScanKind.NEAR_CONDITION][1].count("C1") == 1
    i18n.install("zh_TW")
    QtWidgets.QApplication.processEvents()
    for kind in ScanKind:
        assert i18n.text(kind) != english[kind][0]
        assert meaning(replace(NEAR, kind=kind)) != english[kind][1]
    assert dock.windowTitle() == f"掃描 ({len(ScanKind)})"


@pytest.mark.parametrize(("score", "share"), [(0, 0.0), (250, 0.25), (1000, 1.0), (2000, 1.0)])
def test_the_bar_is_as_long_as_the_score(dock: ScannerDock, score: int, share: float) -> None:
    at = [column.key for column in dock.model.columns].index("score")
    delegate = dock.table.itemDelegateForColumn(at)
    assert isinstance(delegate, ScoreDelegate)
    bar, filled = delegate.bar(QtCore.QRect(100, 0, 134, 22), 20, score)
    assert (bar.left(), bar.width()) == (104, 100)
    assert filled.width() == round(100 * share)
    assert bar.top() > 0
    assert bar.bottom() < 22


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_the_bar_is_drawn_in_the_colours_of_the_theme(dock: ScannerDock, theme: Theme) -> None:
    dock.set_theme(theme)
    dock.resize(600, 200)
    dock.show()
    tell(dock, replace(HIGH, score=500))
    picture = dock.table.viewport().grab().toImage()
    rect = dock.table.visualRect(cell(dock.table, 0, "score"))
    colours = {picture.pixelColor(x, rect.center().y()).name() for x in range(rect.left(), rect.right())}
    assert {theme.accent, theme.grid} <= colours
