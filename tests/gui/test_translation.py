import importlib.util
import shutil
import xml.etree.ElementTree as ElementTree
from enum import Enum
from pathlib import Path
from types import ModuleType

import pytest
from PySide6 import QtWidgets

from engine.model.condition import ConditionState, LevelsFrom
from engine.model.market import Environment, HaltDepth, LinkState
from engine.model.order import OrderStatus, OrderType, Reason, Side, TimeInForce
from engine.model.session import Phase, SessionKind
from engine.model.signal import Leg
from terminal import i18n

REPOSITORY = Path(__file__).resolve().parents[2]
CATALOGUE = REPOSITORY / "resources" / "translations" / "zh_TW.ts"

CODES: tuple[type[Enum], ...] = (
    OrderStatus,
    Reason,
    ConditionState,
    LevelsFrom,
    Side,
    OrderType,
    TimeInForce,
    Leg,
    LinkState,
    HaltDepth,
    Environment,
    SessionKind,
    Phase,
)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("translate", REPOSITORY / "scripts" / "translate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def messages(catalogue: Path) -> dict[tuple[str, str], str]:
    """Translation by context and source; empty where it is not finished."""
    found = {}
    for context in ElementTree.parse(catalogue).iter("context"):
        for message in context.iter("message"):
            translation = message.find("translation")
            assert translation is not None
            is_finished = translation.get("type") is None
            key = (context.findtext("name", ""), message.findtext("source", ""))
            found[key] = (translation.text or "") if is_finished else ""
    return found


def test_every_text_of_the_source_has_a_finished_translation(script: ModuleType, tmp_path: Path) -> None:
    fresh = tmp_path / "zh_TW.ts"
    shutil.copy(CATALOGUE, fresh)
    script.collect(fresh)
    unfinished = [key for key, text in messages(fresh).items() if not text]
    assert unfinished == [], "run scripts/translate.py and translate these"
    assert messages(fresh) == messages(CATALOGUE), "texts are gone: run scripts/translate.py"


def test_the_compiled_translation_is_up_to_date(script: ModuleType, tmp_path: Path) -> None:
    compiled = tmp_path / "zh_TW.qm"
    script.compile_to(CATALOGUE, compiled)
    assert compiled.read_bytes() == CATALOGUE.with_suffix(".qm").read_bytes(), "run scripts/translate.py"


def test_placeholders_and_mnemonics_survive_translation() -> None:
    for (context, source), text in messages(CATALOGUE).items():
        names = {part.split("}")[0] for part in source.split("{")[1:]}
        assert {part.split("}")[0] for part in text.split("{")[1:]} == names, (context, source)
        if "&" in source.replace("& ", "").replace("P&L", ""):
            assert "&" in text, (context, source)


@pytest.mark.parametrize("code", [code for enum in CODES for code in enum], ids=repr)
def test_every_code_has_words_in_both_languages(qapp: QtWidgets.QApplication, code: Enum) -> None:
    for language in ("zh_TW", "en"):
        i18n.install(language)
        assert bool(i18n.text(code)) == (code is not Reason.NONE)


def test_codes_of_the_same_text_keep_their_own_words(qapp: QtWidgets.QApplication) -> None:
    i18n.install("en")
    assert i18n.text(ConditionState.CLOSED) == "Closed"
    assert i18n.text(Phase.CLOSED) == "Market closed"


def test_words_of_the_market_are_those_of_taiwan(qapp: QtWidgets.QApplication) -> None:
    i18n.install("zh_TW")
    try:
        shown = {code: i18n.text(code) for code in (OrderType.RANGE_MARKET, Leg.STOP_LOSS, Leg.TAKE_PROFIT)}
        assert shown == {
            OrderType.RANGE_MARKET: "範圍市價",
            Leg.STOP_LOSS: "停損",
            Leg.TAKE_PROFIT: "停利",
        }
        assert i18n.action_text(Side.BUY) == "支撐買進"
        assert i18n.lamp_text("strategy-2") == "策略 2"
        assert i18n.lamp_text("feed.TXFK4") == "行情 TXFK4"
        assert i18n.lamp_text("something-else") == "something-else"
    finally:
        i18n.install("en")


def test_buttons_of_qt_are_translated_too(qapp: QtWidgets.QApplication) -> None:
    i18n.install("zh_TW")
    try:
        box = QtWidgets.QDialogButtonBox(QtWidgets.QDialogButtonBox.StandardButton.Cancel)
        text = box.button(QtWidgets.QDialogButtonBox.StandardButton.Cancel).text()
        box.deleteLater()
        assert text == "取消"
    finally:
        i18n.install("en")
