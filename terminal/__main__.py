"""Arguments, freeze support and the crash hook. Thin: spawned children import it, and must not load Qt."""

import argparse
import math
import multiprocessing
import sys
from pathlib import Path


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(prog="terminal", description="The futures terminal that guards your position.")
    root.add_argument("--settings", type=Path, metavar="FILE", help="settings file (TOML)")
    root.add_argument(
        "--demo",
        nargs="?",
        const="",
        metavar="FILE",
        help="log in by itself and trade two conditions, on a recorded day or on the simulated exchange",
    )
    root.add_argument(
        "--speed",
        type=_number,
        default=1.0,
        metavar="N",
        help="market seconds a second (demo); 0 replays a recorded day as fast as possible",
    )
    root.add_argument(
        "--for", type=_number, dest="seconds", metavar="SECONDS", help="end the demo after so many seconds"
    )
    root.add_argument("--report", type=Path, metavar="FILE", help="write what happened in the demo as JSON")
    root.add_argument("--screenshot", type=Path, metavar="FILE", help="save a picture of the window (demo)")
    root.add_argument("--language", choices=("en", "zh_TW"), help="language of the window")
    root.add_argument("--theme", choices=("dark", "light"), help="colours of the window")
    root.add_argument("--smoke-test", type=Path, metavar="FILE", help="start, write a result to FILE and end")
    return root


def _number(text: str) -> float:
    """A finite number from zero up.

    Raises:
        argparse.ArgumentTypeError: it is none.
    """
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from zero up")
    return found


def main(argv: list[str] | None = None) -> int:
    """Runs the terminal; returns the exit code."""
    multiprocessing.freeze_support()
    root = parser()
    arguments = root.parse_args(argv)
    if arguments.demo == "" and not arguments.speed:
        root.error("argument --speed: 0 is for a recorded day; the simulated exchange needs more")
    from terminal.start import start

    return start(arguments)


if __name__ == "__main__":
    sys.exit(main())
