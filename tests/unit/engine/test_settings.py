import dataclasses
import math
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from engine.errors import SettingsError
from engine.model.instrument import PRODUCTS
from engine.settings import (
    Endpoints,
    Paths,
    Risk,
    Settings,
    from_table,
    limits_problem,
    load,
    margins,
    with_free_ports,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings.toml"


def refused(file: Path, text: str) -> str:
    """The sentence with which a file is refused; it begins with the file."""
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load(file)
    sentence = str(caught.value)
    assert sentence.startswith(f"{file}: ")
    return sentence.removeprefix(f"{file}: ")


def test_without_a_file_the_defaults(user_home: Path) -> None:
    assert load() == Settings()
    assert load().endpoints == Endpoints("127.0.0.1", 5555, 5556, 5557, 5558, 5559, 5560)
    assert load().paths == Paths(*(user_home / name for name in ("ledger", "logs", "config", "store")))


def test_the_users_own_file_is_found(user_home: Path) -> None:
    (user_home / "config").mkdir(parents=True)
    (user_home / "config" / "settings.toml").write_text("[risk]\nmax_order_lots = 3\n", encoding="utf-8")
    assert load().risk.max_order_lots == 3


def test_a_file_changes_what_it_names_and_nothing_else(file: Path) -> None:
    file.write_text(
        """
        [endpoints]
        market = 0
        [wire]
        encrypted = false
        reader_keys = ["kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", "dddddddddddddddddddddddddddddddddddddddd"]
        request_timeout_s = 2
        [market]
        closed_days = [2026-11-23]
        [paths]
        logs = "~/logs"
        """,
        encoding="utf-8",
    )
    base, found = Settings(), load(file)
    assert found.endpoints == dataclasses.replace(base.endpoints, market=0)
    assert found.wire == dataclasses.replace(
        base.wire,
        encrypted=False,
        reader_keys=("kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk", "dddddddddddddddddddddddddddddddddddddddd"),
        request_timeout_s=2.0,
    )
    assert type(found.wire.request_timeout_s) is float
    assert found.market.closed_days == (date(2026, 11, 23),)
    assert found.paths == dataclasses.replace(base.paths, logs=Path.home() / "logs")
    assert found.risk == base.risk


def test_an_empty_file_is_the_defaults(file: Path) -> None:
    file.touch()
    assert load(file) == Settings()


class TestRefused:
    def test_a_key_that_is_nearly_right(self, file: Path) -> None:
        sentence = refused(file, "[risk]\nmax_order_lot = 3\n")
        assert sentence == "risk.max_order_lot: unknown key; did you mean 'max_order_lots'?"

    def test_a_section_that_is_nearly_right(self, file: Path) -> None:
        assert refused(file, "[risks]\n") == "risks: unknown key; did you mean 'risk'?"

    def test_a_key_like_no_other(self, file: Path) -> None:
        sentence = refused(file, "[ledger]\nxyzzy = 3\n")
        assert sentence == "ledger.xyzzy: unknown key; known are commands, reports"

    def test_a_section_that_is_no_table(self, file: Path) -> None:
        assert refused(file, "risk = 3\n") == "risk: must be a table, as in [risk]"

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("[risk]\nmax_order_lots = 'three'", "risk.max_order_lots: 'three' is of type str, expected int"),
            ("[risk]\nmax_order_lots = 3.0", "risk.max_order_lots: 3.0 is of type float, expected int"),
            ("[risk]\nmax_order_lots = true", "risk.max_order_lots: True is of type bool, expected int"),
            ("[risk]\nstale_feed_s = true", "risk.stale_feed_s: True is of type bool, expected float"),
            ("[wire]\nencrypted = 1", "wire.encrypted: 1 is of type int, expected bool"),
            ("[endpoints]\nhost = 1", "endpoints.host: 1 is of type int, expected str"),
            ("[paths]\nlogs = 1", "paths.logs: 1 is of type int, expected Path"),
            ("[market]\nclosed_days = ['x']", "market.closed_days: 'x' is of type str, expected date"),
        ],
    )
    def test_a_value_of_another_type(self, file: Path, text: str, sentence: str) -> None:
        assert refused(file, text) == sentence

    @pytest.mark.parametrize("value", ["-1.0", "nan", "inf", "-inf"])
    def test_a_number_that_would_switch_a_limit_off(self, file: Path, value: str) -> None:
        assert refused(file, f"[risk]\nprice_band_percent = {value}\n").startswith("risk.price_band_percent: ")

    def test_a_negative_count(self, file: Path) -> None:
        assert refused(file, "[endpoints]\nmarket = -1\n").startswith("endpoints.market: -1 ")

    def test_what_is_no_toml(self, file: Path) -> None:
        assert refused(file, "[risk\n").startswith("no valid TOML: ")

    def test_another_encoding(self, file: Path) -> None:
        file.write_bytes('[paths]\nlogs = "日誌"\n'.encode("cp950"))
        with pytest.raises(SettingsError, match="no valid TOML"):
            load(file)

    def test_a_file_that_is_not_there(self, file: Path) -> None:
        with pytest.raises(SettingsError, match=r"settings\.toml: cannot be read: No such file"):
            load(file)


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().risk.max_order_lots = 99  # type: ignore[misc]


def test_free_ports() -> None:
    free = with_free_ports(Settings())
    assert dataclasses.astuple(free.endpoints) == ("127.0.0.1", 0, 0, 0, 0, 0, 0)
    assert free.risk == Settings().risk


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    name: str
    lots: int = 1


class TestTables:
    """Tables of other files, such as the conditions file, get the same checks."""

    def test_taken(self) -> None:
        assert from_table(Row, {"name": "a"}, "x.toml: ") == Row(name="a")

    @pytest.mark.parametrize(
        ("table", "sentence"),
        [
            ({"nam": "a"}, "x.toml: row 1: nam: unknown key; did you mean 'name'?"),
            ({"name": 1}, "x.toml: row 1: name: 1 is of type int, expected str"),
            ({"lots": 1}, "missing 1 required keyword-only argument: 'name'"),
        ],
    )
    def test_refused(self, table: dict[str, object], sentence: str) -> None:
        with pytest.raises(SettingsError) as caught:
            from_table(Row, table, "x.toml: row 1: ")
        assert sentence in str(caught.value)


class TestLimitsOfRisk:
    def test_the_defaults_are_usable_and_know_the_margin_of_every_product(self) -> None:
        assert limits_problem(Risk()) == ""
        assert set(margins(Risk().margin_per_lot)) == set(PRODUCTS)

    @pytest.mark.parametrize(
        "field",
        [
            "max_order_lots",
            "max_position_lots",
            "max_total_lots",
            "price_band_percent",
            "stale_feed_s",
            "entry_signal_age_s",
            "max_orders_per_minute",
            "max_orders_per_day",
        ],
    )
    def test_a_limit_that_would_let_nothing_through_is_refused(self, field: str) -> None:
        change: dict[str, Any] = {field: 0}
        limits = dataclasses.replace(Risk(), **change)
        assert (
            limits_problem(limits) == f"{field}: 0 would let no entry through; to stop all entries, halt trading"
        )

    @pytest.mark.parametrize("value", [-1, math.nan, math.inf])
    @pytest.mark.parametrize(
        "field", [item.name for item in dataclasses.fields(Risk) if item.type in (int, float)]
    )
    def test_no_limit_is_negative_or_endless(self, field: str, value: float) -> None:
        change: dict[str, Any] = {field: value}
        limits = dataclasses.replace(Risk(), **change)
        assert limits_problem(limits) == f"{field}: {value} is not a finite number from zero up"

    @pytest.mark.parametrize(
        ("limits", "words"),
        [
            (Risk(max_position_lots=41), "max_total_lots: 40 is less than max_position_lots, 41"),
            (Risk(no_entry_before_close_s=17_100), "17100 s is as long as a whole session"),
            (Risk(margin_per_lot=("TXF=1", "TXF=2")), "margin_per_lot: 'TXF=2': TXF is named twice"),
            (Risk(margin_per_lot=("ABC=1",)), "'ABC' is no product; known are TXF, MXF, TMF"),
            (Risk(margin_per_lot=("TXF",)), "'TXF': must be a product and whole TWD, as in 'TXF=322000'"),
            (Risk(margin_per_lot=("TXF=0",)), "'TXF=0': must be a product and whole TWD"),
            (Risk(margin_per_lot=("TXF=-5",)), "'TXF=-5': must be a product and whole TWD"),
            (Risk(margin_per_lot=("TXF=1e5",)), "'TXF=1e5': must be a product and whole TWD"),
        ],
    )
    def test_what_does_not_fit_is_named(self, limits: Risk, words: str) -> None:
        assert words in limits_problem(limits)

    @pytest.mark.parametrize(
        "limits",
        [
            Risk(max_position_lots=40),
            Risk(no_entry_before_close_s=17_099),
            Risk(margin_per_lot=()),
            Risk(margin_per_lot=("MXF=90000",)),
            Risk(duplicate_window_s=0.0, no_entry_before_close_s=0.0, max_daily_loss=0, max_margin=0),
        ],
    )
    def test_the_last_value_that_fits(self, limits: Risk) -> None:
        assert limits_problem(limits) == ""

    def test_the_file_is_held_to_the_same(self, file: Path) -> None:
        assert refused(file, "[risk]\nmax_total_lots = 3\n").startswith("risk.max_total_lots: 3 is less than")
        assert "'TXF': must be" in refused(file, '[risk]\nmargin_per_lot = ["TXF"]\n')


@pytest.mark.parametrize("name", ["requests_per_s", "request_burst"])
def test_a_limit_of_requests_that_would_stop_the_window_itself_is_refused(file: Path, name: str) -> None:
    assert refused(file, f"[wire]\n{name} = 19\n").startswith(f"wire.{name}: the window itself asks 20 times")
    file.write_text(f"[wire]\n{name} = 20\n", encoding="utf-8")
    assert getattr(load(file).wire, name) == 20
