"""What PROTOCOL.md says of the code, made from the code. ``python -m tests.wire.document`` writes it anew."""

import dataclasses
import types
import typing
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import engine.wire
from engine.model.tick import Tick
from engine.wire.codec import Encoder
from engine.wire.messages import PARTS, RANGES, TYPES

DOCUMENT = Path(engine.wire.__file__).with_name("PROTOCOL.md")
TICK = Tick(
    symbol="TXFK4",
    seq=42,
    ts_event=1_730_767_500_000_000_000,
    ts_recv=1_730_767_500_004_000_000,
    price=22_811,
    quantity=1,
    total_volume=1_234,
)


def tables() -> str:
    """One table a message type, then the types inside of them, then the enumerations."""
    enums: dict[str, type[Enum]] = {}
    lines: list[str] = []
    for name, kind in TYPES.items():
        lines += ["", f"### `{name}`", "", *_fields(kind, enums)]
    lines += ["", "### Inside of messages"]
    for part in PARTS:
        lines += ["", f"**{part.__name__}**", "", *_fields(part, enums)]
    lines += ["", "### Enumerations", "", "| name | codes |", "| --- | --- |"]
    lines += [f"| {name} | {_codes(enums[name])} |" for name in sorted(enums)]
    return "\n".join(lines).strip("\n")


def _fields(kind: type, enums: dict[str, type[Enum]]) -> list[str]:
    hints = typing.get_type_hints(kind)
    rows = ["| # | field | type | default |", "| --- | --- | --- | --- |"]
    for index, item in enumerate(dataclasses.fields(kind)):
        shown = _kind(hints[item.name], item.name, enums)
        rows.append(f"| {index} | {item.name} | {shown} | {_default(item)} |")
    return rows if len(rows) > 2 else ["No fields: an empty array."]


def _kind(kind: Any, name: str, enums: dict[str, type[Enum]]) -> str:
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _kind(next(arg for arg in args if arg is not types.NoneType), name, enums) + "?"
    if origin is tuple:
        return _kind(args[0], name, enums) + "[]"
    if origin is dict:
        return f"table of str to {_kind(args[1], name, enums)}"
    if kind is int and name in RANGES:
        return f"int, {RANGES[name][0]} to {RANGES[name][1]}"
    if issubclass(kind, Enum):
        enums[kind.__name__] = kind
    plain = {
        int: "int",
        float: "float",
        bytes: "bytes",
        str: "str",
        bool: "bool",
        Decimal: "decimal",
        date: "date",
    }
    return plain.get(kind) or _wire_name(kind)


def _wire_name(kind: type) -> str:
    return next((f"`{name}`" for name, known in TYPES.items() if known is kind), kind.__name__)


def _default(item: "dataclasses.Field[Any]") -> str:
    if item.default_factory is not dataclasses.MISSING:
        return "empty"
    if item.default is dataclasses.MISSING:
        return ""
    value = item.default.value if isinstance(item.default, Enum) else item.default
    if isinstance(value, bool):
        return str(value).lower()
    return {"": '""', None: "nil", (): "[]"}.get(value) or str(value)


def _codes(kind: type[Enum]) -> str:
    if issubclass(kind, int):
        return ", ".join(f"{member.value} ({member.name})" for member in kind)
    return ", ".join(str(member.value) or '""' for member in kind)


def example() -> str:
    """The tick of the worked example as a hex dump."""
    encoder = Encoder("gateway")
    time = 1_730_767_500_005_000_000
    frame = b"tick.TXFK4\0" + encoder.encode("tick", TICK, seq=1001, time=time)
    rows = [frame[start : start + 16] for start in range(0, len(frame), 16)]
    dump = [
        f"{16 * number:04x}  {row.hex(' '):47}  {''.join(chr(b) if 32 <= b < 127 else '.' for b in row)}"
        for number, row in enumerate(rows)
    ]
    unpacked = [1, "tick", "", "", "gateway", 1001, time, list(dataclasses.astuple(TICK))]
    shown = str(unpacked).replace("'", '"')
    return "\n".join(
        ["```", *dump, "```", "", "is the topic, a NUL, and the msgpack array", "", "```", shown, "```"]
    )


def section(name: str) -> str:
    """What the document has between the marks of a section."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return text.partition(f"<!-- {name} -->\n")[2].partition(f"<!-- /{name} -->")[0].strip("\n")


def write() -> None:
    """Puts the generated sections into the document."""
    text = DOCUMENT.read_text(encoding="utf-8")
    for name, content in (("types", tables()), ("example", example())):
        before, begin, rest = text.partition(f"<!-- {name} -->\n")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        text = f"{before}{begin}\n{content}\n\n{end}{after}"
    DOCUMENT.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
