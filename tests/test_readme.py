"""Every command in README.md exists: make targets, and the options of the two programs."""

import functools
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")

# Commands that are not this project's, and why they are not tried here.
FOREIGN = {
    "apt-get": "needs root and a network",
    "cd": "has no options",
    "git": "needs a network",
}


def commands() -> list[str]:
    """The lines of all ```sh blocks, joined where continued, without comments and prompts."""
    blocks = re.findall(r"^```sh\n(.*?)^```", README, flags=re.DOTALL | re.MULTILINE)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line.removeprefix("$ ") for line in lines if shlex.split(line, comments=True)]


def program_call(words: list[str]) -> list[str] | None:
    """Program and arguments, where the command starts one, as in `python -m engine --help`."""
    for start in (["python", "-m"], ["python3", "-m"], [".venv/bin/python", "-m"], ["uv", "run"]):
        if words[: len(start)] == start and len(words) > len(start):
            return words[len(start) :]
    return words if words[0] in {"terminal", "engine"} else None


@functools.cache
def help_of(*program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *program, "--help"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
    )
    assert done.returncode == 0, f"{' '.join(program)} --help failed:\n{done.stderr}"
    return done.stdout


def check_program(call: list[str]) -> None:
    program, *arguments = call
    subcommand = arguments[:1] if arguments and not arguments[0].startswith("-") else []
    text = help_of(program, *subcommand)
    options = {word.partition("=")[0] for word in arguments if word.startswith("--")}
    known = set(re.findall(r"(?<![\w-])--[\w-]+", text))
    assert options <= known, f"{program}: README names {sorted(options - known)}, help knows {sorted(known)}"


def check_make(arguments: list[str]) -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][\w-]*):(?!=)", makefile, flags=re.MULTILINE))
    named = [word for word in arguments if "=" not in word]
    assert set(named) <= targets
    for word in arguments:
        if word.startswith("ARGS=") and "run" in named:
            check_program(["terminal", *shlex.split(word.removeprefix("ARGS="))])


def test_readme_has_commands() -> None:
    assert commands()


@pytest.mark.parametrize("command", commands())
def test_command_exists(command: str) -> None:
    words = shlex.split(command, comments=True)
    while re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    if words[0] in FOREIGN:
        pytest.skip(FOREIGN[words[0]])
    call = program_call(words)
    if words[0] == "make":
        check_make(words[1:])
    elif call and call[0] in {"terminal", "engine"}:
        check_program(call)
    elif call and call[0] == "pytest":
        help_of("pytest")
    else:
        pytest.fail(f"README names a command that nobody checks: {command}")
