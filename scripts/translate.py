"""Brings the translations up to date: collects the texts of the window, then compiles what is translated.

Run it after a text has changed: ``python scripts/translate.py``. New texts appear in
``resources/translations/*.ts`` as unfinished: translate them there, with Qt Linguist or by hand, and run it again.
"""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
FOLDER = REPOSITORY / "resources" / "translations"


def sources() -> list[Path]:
    """The files whose texts are translated."""
    return sorted((REPOSITORY / "terminal").rglob("*.py"))


def collect(catalogue: Path) -> None:
    """Adds new texts to a catalogue and drops those that are gone.

    Raises:
        subprocess.CalledProcessError: lupdate failed.
    """
    options = ["-locations", "none", "-no-obsolete", "-silent", "-source-language", "en"]
    names = [str(path.relative_to(REPOSITORY)) for path in sources()]
    _run("pyside6-lupdate", *options, *names, "-ts", str(catalogue))


def compile_to(catalogue: Path, target: Path) -> None:
    """Compiles the finished texts of a catalogue.

    Raises:
        subprocess.CalledProcessError: lrelease failed.
    """
    _run("pyside6-lrelease", "-silent", "-nounfinished", str(catalogue), "-qm", str(target))


def _run(tool: str, *arguments: str) -> None:
    found = Path(sys.executable).with_name(tool)
    subprocess.run([str(found), *arguments], cwd=REPOSITORY, check=True)


def main() -> None:
    """Updates every catalogue."""
    for catalogue in sorted(FOLDER.glob("*.ts")):
        collect(catalogue)
        compile_to(catalogue, catalogue.with_suffix(".qm"))


if __name__ == "__main__":
    main()
