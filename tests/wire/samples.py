"""Messages made from the annotations of their types: one fixed of each for the golden bytes, any for the rest.

``python -m tests.wire.samples`` writes the golden bytes anew; do so only with a new schema version or new fields.
"""

import dataclasses
import json
import types
import typing
from datetime import date
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from engine.wire.codec import INT64, Encoder
from engine.wire.messages import RANGES, TYPES

GOLDEN = Path(__file__).with_name("golden.json")
TIME = 1_730_770_200_123_456_789


def fixed(kind: Any, name: str = "") -> Any:
    """A value of an annotation, always the same, no field at its default where there is another."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        return kind(**{item.name: fixed(hints[item.name], item.name) for item in dataclasses.fields(kind)})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return list(kind)[1]  # stays when members are added
    if kind is int:
        low, high = RANGES.get(name, INT64)
        return min(high, max(low, 1 + sum(name.encode())))
    if kind is float:
        return 1.5
    if kind is bytes:
        return bytes(range(16))
    if kind in (str, bool, Decimal, date):
        return {str: f"{name}.支", bool: True, Decimal: Decimal("-1234.5"), date: date(2024, 11, 5)}[kind]
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return fixed(next(arg for arg in args if arg is not types.NoneType), name)
    if origin is tuple:
        return (fixed(args[0], name),) * 2
    if origin is dict:
        return {"one": fixed(args[1], name)}
    raise TypeError(f"{name}: no sample of {kind}")


def anything(kind: Any, name: str = "") -> st.SearchStrategy[Any]:
    """Any value of an annotation that may be sent."""
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        fields = {item.name: anything(hints[item.name], item.name) for item in dataclasses.fields(kind)}
        return st.fixed_dictionaries(fields).map(lambda values: kind(**values))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(list(kind))
    if kind is int:
        return st.integers(*RANGES.get(name, INT64))
    if kind is float:
        return st.floats(-1e9, 1e9)
    if kind is bytes:
        return st.binary(max_size=32)
    if kind is str:
        return st.text(max_size=12)
    if kind is Decimal:
        return st.decimals(-(10**20), 10**20, allow_nan=False, allow_infinity=False, places=9)
    if kind in (bool, date):
        return st.booleans() if kind is bool else st.dates()
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return st.none() | anything(next(arg for arg in args if arg is not types.NoneType), name)
    if origin is tuple:
        return st.lists(anything(args[0], name), max_size=3).map(tuple)
    if origin is dict:
        return st.dictionaries(st.text(max_size=9), anything(args[1], name), max_size=3)
    raise TypeError(f"{name}: no values of {kind}")


def frame(name: str, body: object) -> bytes:
    """The bytes of a message in an envelope whose fields are all filled."""
    return Encoder("gateway").encode(name, body, id="window-1", cause="c1/entry/1", seq=77, time=TIME)


def golden() -> dict[str, str]:
    """Message type to the bytes of its fixed sample, hexadecimal."""
    return {name: frame(name, fixed(kind)).hex() for name, kind in TYPES.items()}


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(golden(), indent=1) + "\n", encoding="utf-8")
