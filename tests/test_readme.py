"""README.md tells the truth: its commands run, its examples are taken, its tables name what the program knows.

The demo and replay commands really run, for a few seconds each; of the others the options are looked up.
"""

import functools
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from engine import settings
from engine.gateway.ledger import Ledger
from engine.model.books import PositionAdjusted
from engine.model.instrument import instrument
from engine.model.session import TradingCalendar
from scripts import settings_page

REPOSITORY = Path(__file__).resolve().parent.parent
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
RUN_S = "6"
"""Seconds that a demo runs here, whatever README says."""
DEADLINE_S = 90.0

# Commands that are not this project's, and why they are not tried here.
FOREIGN = {
    "apt-get": "needs root and a network",
    "cd": "has no options",
    "git": "needs a network",
}


STORE = ("import", "export", "sessions")
"""The commands of the market store."""
MINUTES = "time,open,high,low,close,volume,contract\n2024-11-07 09:00,23100,23110,23090,23105,12,202411\n"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)


def commands() -> list[str]:
    """The lines of all ```sh blocks, joined where continued, without comments and prompts."""
    lines = "".join(blocks("sh")).replace("\\\n", " ").splitlines()
    return [line.removeprefix("$ ") for line in lines if shlex.split(line, comments=True)]


def words_of(command: str) -> list[str]:
    """Program and arguments, without variables set before it and without `uv run`."""
    words = shlex.split(command, comments=True)
    while re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    if words[:2] == ["uv", "run"] and len(words) > 2:
        words = words[2:]
    return words


def program_call(words: list[str]) -> list[str] | None:
    """Program and arguments, where the command starts one of ours, as in `python -m engine --help`."""
    if words[:2] == ["python", "-m"] and len(words) > 2:
        return words[2:]
    return words if words[0] in {"terminal", "engine", "pytest"} else None


def is_for_real(words: list[str]) -> bool:
    """Whether the command ends by itself, so that it can be run here."""
    call = program_call(words)
    if call is None:
        return False
    return (call[0] == "engine" and call[1] in {"replay", "ledger", *STORE}) or (
        call[0] == "terminal" and "--for" in call
    )


REAL = [command for command in commands() if is_for_real(words_of(command))]


# ------------------------------------------------------------------------------------- options exist


@functools.cache
def help_of(*program: str) -> str:
    done = subprocess.run(
        [sys.executable, *program, "--help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0, f"{' '.join(program)} --help failed:\n{done.stderr}"
    return done.stdout


def check_options(program: list[str], arguments: list[str]) -> None:
    options = {word.partition("=")[0] for word in arguments if word.startswith("--")}
    known = set(re.findall(r"(?<![\w-])--[\w-]+", help_of(*program)))
    assert options <= known, f"{program}: README names {sorted(options - known)}, help knows {sorted(known)}"


def check_program(call: list[str]) -> None:
    program, *arguments = call
    depth = 2 if arguments[:1] == ["ledger"] else 1
    subcommand = [word for word in arguments[:depth] if not word.startswith("-")]
    check_options(["-m", program, *subcommand], arguments)


def check_make(arguments: list[str]) -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][\w-]*):(?!=)", makefile, flags=re.MULTILINE))
    named = [word for word in arguments if "=" not in word]
    assert set(named) <= targets
    for word in arguments:
        if word.startswith("ARGS=") and "run" in named:
            check_program(["terminal", *shlex.split(word.removeprefix("ARGS="))])


def test_readme_has_commands() -> None:
    assert len(REAL) >= 4
    assert len(commands()) > len(REAL)


@pytest.mark.parametrize("command", commands())
def test_command_exists(command: str) -> None:
    words = words_of(command)
    if words[0] in FOREIGN:
        pytest.skip(FOREIGN[words[0]])
    call = program_call(words)
    if words[0] == "make":
        check_make(words[1:])
    elif call and call[0] in {"terminal", "engine", "pytest"}:
        check_program(call)
    elif words[0] == "python" and (REPOSITORY / words[1]).is_file():
        check_options([words[1]], words[2:])
    else:
        pytest.fail(f"README names a command that nobody checks: {command}")


# ------------------------------------------------------------------------------------- commands run


def conditions_example() -> str:
    found = [text for text in blocks("toml") if "[[condition]]" in text]
    assert len(found) == 1
    return found[0]


def in_short(words: list[str], request: pytest.FixtureRequest) -> list[str]:
    """The command as it is run here: the recorded day where it lies, few seconds, and whichever port is free."""
    if ">" in words:  # a shell's
        words = words[: words.index(">")]
    short = [sys.executable, *words[1:]]
    for at, word in enumerate(short):
        if re.fullmatch(r"Daily_\d{4}_\d\d_\d\d\.zip", word):
            folder: Path = request.getfixturevalue("market_data")
            short[at] = str(folder / "taifex" / word)
        elif short[at - 1] == "--for":
            short[at] = RUN_S
    return short


def run(words: list[str], folder: Path) -> str:
    """Runs a command to its end; returns what it printed."""
    (folder / "conditions.toml").write_text(conditions_example(), encoding="utf-8")
    (folder / "minutes.csv").write_text(MINUTES, encoding="utf-8")
    done = subprocess.run(
        words,
        cwd=folder,
        env=os.environ | {"QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=DEADLINE_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_a_ledger(folder: Path) -> None:
    """What a run leaves behind."""
    calendar = TradingCalendar()
    ledger = Ledger(
        folder / "ledger" / "simulated.sqlite",
        instruments=lambda symbol: instrument(symbol, near=date(2024, 11, 5), calendar=calendar),
    )
    ledger.append(
        PositionAdjusted(account="a", symbol="TXFK4", lots=1, price=22_811, ts_event=1_730_770_000_000_000_000), 1
    )
    ledger.close()


@pytest.mark.parametrize("command", REAL)
def test_command_runs(command: str, tmp_path: Path, user_home: Path, request: pytest.FixtureRequest) -> None:
    words = in_short(words_of(command), request)
    if "ledger" in words:
        write_a_ledger(user_home)
    elif words[3] in ("export", "sessions"):
        first = next(command for command in REAL if "engine import Daily" in command)
        run(in_short(words_of(first), request), tmp_path)
    printed = run(words, tmp_path)
    if words[3] == "import":
        assert " written, 0 replaced" in printed
    elif words[3] in STORE:
        assert "2024-11-05" in printed or "rows" in printed
    elif "verify" in words:
        assert printed.splitlines()[-1].startswith("ledger verify: ok")
    elif "export" in words:
        text = (tmp_path / "books.json").read_text(encoding="utf-8") if "--out" in words else printed
        assert "adjustment" in text
    for option in ("--report", "--screenshot", "--out"):
        if option in words:
            assert (tmp_path / words[words.index(option) + 1]).stat().st_size > 0
    if "replay" in words:
        text = (tmp_path / "result.json").read_text(encoding="utf-8") if "--out" in words else printed
        check_document(json.loads(text))
    elif "--report" in words:
        assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["ticks_published"] > 0


def check_document(document: dict[str, Any]) -> None:
    """README's table of the result names exactly its keys, and only fields that its rows have."""
    table = README.partition("The result is one JSON document.")[2].partition("\n\nHow orders")[0]
    rows = re.findall(r"^\| (`.*?) \| (.*) \|$", table, flags=re.MULTILINE)
    named = {key: re.findall(r"`(\w+)`", text) for keys, text in rows for key in re.findall(r"`(\w+)`", keys)}
    assert set(named) == set(document)
    for key, content in document.items():
        if isinstance(content, list):
            assert content, f"the example of README gives no {key}"
            assert set(named[key]) <= set(content[0]), key
    assert {signal["condition"] for signal in document["signals"]} == {"c1", "c2"}


# ------------------------------------------------------------------------------------- examples and links


def test_settings_example_is_taken(tmp_path: Path) -> None:
    (example,) = (text for text in blocks("toml") if "[[condition]]" not in text)
    path = tmp_path / "settings.toml"
    path.write_text(example, encoding="utf-8")
    found = settings.load(path)
    for section, values in tomllib.loads(example).items():
        for key, value in values.items():
            assert getattr(getattr(found, section), key) == value


def test_page_of_settings_is_up_to_date() -> None:
    assert settings_page.PAGE.read_text(encoding="utf-8") == settings_page.page()


def test_page_of_settings_shows_defaults_as_the_file_has_them(tmp_path: Path) -> None:
    page = settings_page.PAGE.read_text(encoding="utf-8")
    document = ""
    for part in page.split("\n## ")[1:]:
        rows = re.findall(r"^\| `(\w+)` \| [^|]* \| `([^|]*)` \|", part, flags=re.MULTILINE)
        document += "\n".join([part.partition("`")[2].partition("`")[0], *map(" = ".join, rows)]) + "\n"
    path = tmp_path / "settings.toml"
    path.write_text(document, encoding="utf-8")
    assert settings.load(path) == settings.Settings()
    assert tomllib.loads(document)["risk"]["margin_per_lot"] == list(settings.Risk().margin_per_lot)


@pytest.mark.parametrize(
    "page", [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))], ids=lambda path: path.name
)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        found = page.parent / name if name else page
        assert found.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), flags=re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", item.lower()).replace(" ", "-") for item in headings}
