"""The repository holds what it should and nothing that belongs to one machine."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent

TOP_LEVEL = {
    ".ci",
    ".editorconfig",
    ".gitattributes",
    ".github",
    ".gitignore",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "benchmarks",
    "build.spec",
    "docs",
    "engine",
    "pyproject.toml",
    "requirements.txt",
    "resources",
    "scripts",
    "terminal",
    "tests",
}

HOME_PATH = re.compile(rb"(?:/home/|/Users/|/root/|[A-Z]:\\+Users\\+)\w")
MARKET_DATA = {".db", ".duckdb", ".gz", ".parquet", ".rpt", ".sqlite", ".zip"}
LARGEST_BYTES = 1_500_000


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    if not (REPOSITORY / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a git checkout")
    # Files of a checkout may belong to another user, as in containers.
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True).stdout
    return [path for name in listed.decode().split("\0") if name and (path := REPOSITORY / name).is_file()]


def test_top_level_holds_nothing_unknown(tracked: list[Path]) -> None:
    assert {path.relative_to(REPOSITORY).parts[0] for path in tracked} <= TOP_LEVEL


def test_no_file_names_a_home_folder(tracked: list[Path]) -> None:
    own = Path(__file__).resolve()
    guilty = [
        f"{path.relative_to(REPOSITORY)}: {match.group().decode()}"
        for path in tracked
        if path != own and (match := HOME_PATH.search(path.read_bytes()))
    ]
    assert not guilty


def test_no_market_data_is_committed(tracked: list[Path]) -> None:
    assert not [path for path in tracked if path.suffix in MARKET_DATA]


def test_no_file_is_large(tracked: list[Path]) -> None:
    assert not [path for path in tracked if path.stat().st_size > LARGEST_BYTES]
