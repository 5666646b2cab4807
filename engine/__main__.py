"""Headless commands: ``python -m engine COMMAND``. Parses arguments, prints errors as sentences."""

import argparse
import multiprocessing
import sys
from pathlib import Path

from engine.errors import EngineError


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(prog="engine", description="The futures terminal without its window.")
    root.add_argument("--settings", type=Path, metavar="FILE", help="settings file (TOML)")
    commands = root.add_subparsers(dest="command", required=True)
    replay = commands.add_parser(
        "replay",
        help="run a recorded day through gateway, strategy and executor",
        description="Runs a TAIFEX daily file through the real processes and prints one JSON document.",
    )
    replay.add_argument("file", type=Path, metavar="FILE", help="TAIFEX daily file, zip or csv")
    replay.add_argument("--symbol", required=True, help="contract code, such as TXFK4")
    replay.add_argument(
        "--conditions", required=True, type=Path, metavar="FILE", help="TOML file with [[condition]] tables"
    )
    replay.add_argument(
        "--speed", type=float, default=0.0, metavar="N", help="market seconds a second; 0 = as fast as possible"
    )
    replay.add_argument("--out", type=Path, metavar="FILE", help="write the JSON here, not to standard output")
    return root


def main(argv: list[str] | None = None) -> int:
    """Runs a command; returns the exit code: 0 done, 2 something a person must mend."""
    multiprocessing.freeze_support()
    arguments = parser().parse_args(argv)
    from engine import logs, replaying, settings

    try:
        loaded = settings.load(arguments.settings)
        logs.configure(loaded.paths.logs, "engine")
        result = replaying.replay(
            arguments.file, arguments.symbol, arguments.conditions, settings=loaded, speed=arguments.speed
        )
        replaying.write(result, arguments.out)
    except EngineError as error:
        print(f"engine: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"engine: {error.filename or arguments.out}: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
