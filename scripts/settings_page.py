"""Writes docs/settings.md from engine/settings.py, so that the page tells what the program knows.

Run it after a setting has changed: ``python scripts/settings_page.py``. A test fails where that was forgotten.
"""

import ast
import dataclasses
import json
import sys
import typing
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine import settings

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "settings.md"
_HEAD: Final = """\
# Settings

<!-- Made by scripts/settings_page.py from engine/settings.py: change that, not this. -->

One TOML file, read when the program starts: `settings.toml` in the folder of configuration files, or the one named
by `--settings FILE`. File, Settings… in the window shows where it lies. Every key has a default, so name only what
you change:

```toml
[risk]
max_order_lots = 2
max_position_lots = 4

[market]
closed_days = [2026-07-10]   # a typhoon
```

An unknown key, a wrong type or an impossible value stops the program with a sentence that names file and key, and
the nearest known name. All files lie where the system keeps such files; the environment variable
`FUTURES_TERMINAL_HOME` puts them under one folder instead.
"""
_TYPES: Final = {
    int: "integer",
    float: "number",
    bool: "true or false",
    str: "text",
    Path: "path",
    tuple[str, ...]: "list of texts",
    tuple[date, ...]: "list of dates",
}


def _type(kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " or ".join(f'`"{member.value}"`' for member in kind)
    return _TYPES[kind]


def page() -> str:
    """The whole page."""
    tree = ast.parse(Path(settings.__file__).read_text(encoding="utf-8"))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    parts = [_HEAD]
    for name, kind in typing.get_type_hints(settings.Settings).items():
        parts.append(_section(name, kind, classes[kind.__name__]))
    return "\n".join(parts)


def _section(name: str, kind: Any, node: ast.ClassDef) -> str:
    texts = _docstrings(node)
    hints = typing.get_type_hints(kind)
    lines = [f"## `[{name}]`", "", _one_line(ast.get_docstring(node) or ""), ""]
    lines += ["| key | type | default | meaning |", "| --- | --- | --- | --- |"]
    for item in dataclasses.fields(kind):
        default = _default(item.default)
        lines.append(f"| `{item.name}` | {_type(hints[item.name])} | {default} | {texts[item.name]} |")
    return "\n".join([*lines, ""])


def _docstrings(node: ast.ClassDef) -> dict[str, str]:
    """The text below each field.

    Raises:
        KeyError: by the caller, where a field has none.
    """
    found = {}
    for statement, after in zip(node.body, node.body[1:], strict=False):
        is_field = isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
        is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
        if is_field and is_text:
            found[statement.target.id] = _one_line(str(after.value.value))  # type: ignore[attr-defined]
    return found


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("``", "`").replace("|", "\\|")


def _default(value: object) -> str:
    return "the system's place" if value is dataclasses.MISSING else f"`{_toml(value)}`"


def _toml(value: object) -> str:
    """A value as the settings file has it.

    Raises:
        TypeError: TOML has no such value.
    """
    if isinstance(value, tuple):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, int | float | date):
        return str(value)
    raise TypeError(f"A setting has the default {value!r}, which TOML cannot hold; change it or teach _toml.")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
