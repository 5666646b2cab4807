"""msgpack codec: dataclasses travel as positional arrays and are checked field by field when they arrive.

For every message type an encoder and a decoder are generated once, at import, from the type's annotations.
A frame is ``topic NUL msgpack([version, type, id, cause, source, seq, time, body])``; see ``PROTOCOL.md``.
"""

import dataclasses
import types
import typing
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any, Final

import msgpack

from engine.errors import DecodeError, VersionError
from engine.wire.messages import MAX_BYTES, MAX_ITEMS, MAX_TEXT, PARTS, RANGES, SCHEMA_VERSION, TYPES, Envelope

INT64: Final = (-(2**63), 2**63 - 1)
EXT_DECIMAL: Final = 1
EXT_DATE: Final = 2
_EXT_BYTES: Final = 64
_EXPONENT: Final = 60
"""Decimals beyond ten to the power of it are nobody's money, and writing one out takes gigabytes."""
_KEY_LENGTH: Final = 256
_SMALL: Final = 512
"""Bytes below which no declared size can cost more than a megabyte."""
_ENVELOPE_FIELDS: Final = 8

_encoders: dict[type, Callable[[Any], Any]] = {}
_decoders: dict[type, Callable[[Any], Any]] = {}


def _bad(where: str, value: object) -> DecodeError:
    # The text of a foreign list is not made: one that is nested deeply enough exhausts the stack.
    shown = f" {str(value)[:60]!r}" if isinstance(value, str | int | float) else ""
    return DecodeError(f"{where}: {type(value).__name__}{shown} is not allowed here")


def _is_dataclass_type(kind: object) -> bool:
    return isinstance(kind, type) and dataclasses.is_dataclass(kind)


# --- encoding ----------------------------------------------------------------------------------------------------


def _needs_encoding(kind: Any) -> bool:
    """Whether msgpack cannot take a value of this annotation as it is."""
    return _is_dataclass_type(kind) or any(_needs_encoding(part) for part in typing.get_args(kind))


def _encoding(kind: Any, expression: str, names: dict[str, Any]) -> str:
    """Python source that turns ``expression`` of type ``kind`` into what msgpack packs."""
    if not _needs_encoding(kind):
        return expression
    args = [part for part in typing.get_args(kind) if part not in (Ellipsis, types.NoneType)]
    if _is_dataclass_type(kind):
        name = f"encode_{kind.__name__}"
        names[name] = _encoder(kind)
        return f"{name}({expression})"
    if typing.get_origin(kind) is tuple:
        return f"[{_encoding(args[0], 'part', names)} for part in {expression}]"
    return f"None if {expression} is None else {_encoding(args[0], expression, names)}"


def _source_of(field: str) -> str:
    """Python source of a field's value. A broker's words can be of any length: texts are cut to what is taken."""
    return f"value.text[:{MAX_TEXT}]" if field == "text" else f"value.{field}"


def _encoder(kind: type) -> Callable[[Any], Any]:
    if kind not in _encoders:
        names: dict[str, Any] = {}
        hints = typing.get_type_hints(kind)
        parts = [_encoding(hints[item.name], _source_of(item.name), names) for item in dataclasses.fields(kind)]
        exec(f"def encode(value):\n    return [{', '.join(parts)}]", names)
        _encoders[kind] = names["encode"]
    return _encoders[kind]


def _default(value: object) -> Any:
    """Types that msgpack does not know."""
    if isinstance(value, Decimal):
        return msgpack.ExtType(EXT_DECIMAL, str(value).encode("ascii"))
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError(f"{value!r} has no time zone; instants are sent in UTC")
        return msgpack.Timestamp.from_datetime(value.astimezone(UTC))
    if isinstance(value, date):
        return msgpack.ExtType(EXT_DATE, value.isoformat().encode("ascii"))
    if isinstance(value, Enum):
        return value.value
    raise TypeError(f"{type(value).__name__} cannot be sent")


class Encoder:
    """Packs envelopes. Keeps a buffer of its own: one encoder, one thread."""

    def __init__(self, source: str = "") -> None:
        self._source = source
        self._packer = msgpack.Packer(default=_default)

    def encode(
        self, name: str, body: object, *, id: str = "", cause: str = "", seq: int = 0, time: int = 0
    ) -> bytes:
        """Packs one message.

        Args:
            name: wire name of the body's type, a key of :data:`engine.wire.messages.TYPES`.
            body: the message.
            id: of this message.
            cause: id of what led to it.
            seq: number within its topic family.
            time: when it is sent, nanoseconds UTC.
        """
        packed: bytes = self._packer.pack(
            [SCHEMA_VERSION, name, id, cause, self._source, seq, time, _ENCODE_BY_NAME[name](body)]
        )
        return packed


# --- decoding ----------------------------------------------------------------------------------------------------


def _scalar_check(kind: Any, where: str, field: str, names: dict[str, Any]) -> str | None:
    """Source of the condition under which ``value`` is wrong, for the types of hot messages; else None."""
    if kind is int:
        low, high = RANGES.get(field, INT64)
        return f"type(value) is not int or not {low} <= value <= {high}"
    if kind is str:
        return f"type(value) is not str or len(value) > {MAX_TEXT}"
    if kind is bytes:
        return f"type(value) is not bytes or len(value) > {MAX_BYTES}"
    if kind is bool:
        return "type(value) is not bool"
    if kind is float:
        return "type(value) is not float or not -1e300 < value < 1e300"
    if kind in (Decimal, date):
        names[kind.__name__] = kind
        return f"type(value) is not {kind.__name__}"
    return None


def _field_decoder(kind: Any, where: str, field: str) -> Callable[[Any], Any]:
    """Checks and converts one value of an annotation."""
    names: dict[str, Any] = {"bad": _bad}
    if check := _scalar_check(kind, where, field, names):
        exec(f"def decode(value):\n if {check}: raise bad({where!r}, value)\n return value", names)
        return typing.cast(Callable[[Any], Any], names["decode"])
    if _is_dataclass_type(kind):
        return _decoder(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum_decoder(kind, where)
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        inner = _field_decoder(next(a for a in args if a is not types.NoneType), where, field)
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        return _tuple_decoder(_field_decoder(args[0], where, field), where)
    if origin is dict:
        return _dict_decoder(_field_decoder(args[1], where, field), where)
    raise TypeError(f"{where}: no decoder for {kind}")


def _enum_decoder(kind: type[Enum], where: str) -> Callable[[Any], Any]:
    members = {member.value: member for member in kind}
    plain = type(next(iter(members)))

    def decode(value: Any) -> Any:
        if type(value) is not plain or value not in members:
            raise _bad(where, value)
        return members[value]

    return decode


def _tuple_decoder(inner: Callable[[Any], Any], where: str) -> Callable[[Any], Any]:
    def decode(value: Any) -> Any:
        if type(value) is not list or len(value) > MAX_ITEMS:
            raise _bad(where, value)
        return tuple([inner(part) for part in value])

    return decode


def _dict_decoder(inner: Callable[[Any], Any], where: str) -> Callable[[Any], Any]:
    def decode(value: Any) -> Any:
        if type(value) is not dict or len(value) > 1000:
            raise _bad(where, value)
        if not all(type(key) is str and len(key) <= _KEY_LENGTH for key in value):
            raise _bad(where, value)
        return {key: inner(part) for key, part in value.items()}

    return decode


def _decoder(kind: type) -> Callable[[Any], Any]:
    """The generated decoder of a dataclass: positional array in, value out."""
    if kind in _decoders:
        return _decoders[kind]
    hints = typing.get_type_hints(kind)
    fields = dataclasses.fields(kind)
    required = sum(1 for item in fields if _default_of(item) is dataclasses.MISSING)
    names: dict[str, Any] = {"kind": kind, "bad": _bad, "new": object.__new__}
    lines = [
        "def decode(array):",
        f" if type(array) is not list or len(array) < {required}: raise bad({kind.__name__!r}, array)",
        " size = len(array)",
    ]
    for index, item in enumerate(fields):
        where = f"{kind.__name__}.{item.name}"
        indent = " "
        if index >= required:
            names[f"default{index}"] = _default_of(item)
            lines += [f" if size <= {index}: v{index} = default{index}", " else:"]
            indent = "  "
        lines.append(f"{indent}value = array[{index}]")
        check = _scalar_check(hints[item.name], where, item.name, names)
        if check:
            lines += [f"{indent}if {check}: raise bad({where!r}, value)", f"{indent}v{index} = value"]
        else:
            names[f"decode{index}"] = _field_decoder(hints[item.name], where, item.name)
            lines.append(f"{indent}v{index} = decode{index}(value)")
    lines.append(" value = new(kind)")
    for index, item in enumerate(fields):
        # Filling the slots directly takes a third of the time of a frozen dataclass' own __init__.
        names[f"set{index}"] = getattr(kind, item.name).__set__
        lines.append(f" set{index}(value, v{index})")
    lines.append(" return value")
    exec("\n".join(lines), names)
    _decoders[kind] = names["decode"]
    return _decoders[kind]


def _default_of(item: "dataclasses.Field[Any]") -> Any:
    if item.default_factory is not dataclasses.MISSING:
        return item.default_factory()
    return item.default


def _ext_hook(code: int, payload: bytes) -> Any:
    try:
        if len(payload) > _EXT_BYTES:
            raise DecodeError(f"extension {code}: {len(payload)} bytes, at most {_EXT_BYTES} are allowed")
        if code == EXT_DECIMAL:
            number = Decimal(payload.decode("ascii"))
            if not number.is_finite() or abs(number.adjusted()) > _EXPONENT:
                raise DecodeError(f"a Decimal must be finite and within ten to the power of {_EXPONENT}")
            return number
        if code == EXT_DATE:
            return date.fromisoformat(payload.decode("ascii"))
    except (InvalidOperation, ValueError) as error:
        raise DecodeError(f"extension {code}: {error}") from error
    raise DecodeError(f"extension type {code} is not known")


_ENVELOPE_SLOTS: Final = tuple(getattr(Envelope, item.name).__set__ for item in dataclasses.fields(Envelope))


def _envelope(values: list[Any]) -> Envelope:
    envelope = object.__new__(Envelope)
    for fill, value in zip(_ENVELOPE_SLOTS, values, strict=True):
        fill(envelope, value)
    return envelope


def _is_whole(payload: bytes | memoryview) -> bool:
    """Whether every declared size is really there.

    Unpacking makes a list of the declared size before it has seen a single element: a few bytes that declare lists
    within lists would take gigabytes. Skipping makes nothing, and what is whole takes memory as its bytes do.
    """
    unpacker = msgpack.Unpacker(max_buffer_size=len(payload))
    unpacker.feed(payload)
    unpacker.skip()
    return bool(unpacker.tell() == len(payload))


def decode(payload: bytes | memoryview) -> Envelope:
    """Unpacks and checks one message. It costs memory in proportion to its bytes, whatever it declares.

    Raises:
        VersionError: it has another major schema version.
        DecodeError: it is no valid message; says which field and why.
    """
    try:
        if len(payload) > _SMALL and not _is_whole(payload):
            raise DecodeError("no msgpack message: bytes are left over")
        array = msgpack.unpackb(payload, ext_hook=_ext_hook, strict_map_key=True, timestamp=3)
    except DecodeError:
        raise
    except (ValueError, TypeError, msgpack.UnpackException, RecursionError, OverflowError) as error:
        raise DecodeError(f"no msgpack message: {error}") from error
    if type(array) is not list or not array or type(array[0]) is not int:
        raise DecodeError("no envelope")
    if array[0] != SCHEMA_VERSION:
        raise VersionError(f"schema version {array[0]}; this program speaks version {SCHEMA_VERSION}")
    if len(array) < _ENVELOPE_FIELDS:
        raise DecodeError(f"an envelope has {_ENVELOPE_FIELDS} fields, this one {len(array)}")
    _, name, id_, cause, source, seq, time = array[:7]
    for text in (name, id_, cause, source):
        if type(text) is not str or len(text) > 256:
            raise _bad("envelope", text)
    if type(seq) is not int or not 0 <= seq <= 2**62:
        raise _bad("envelope.seq", seq)
    if type(time) is not int or not 0 <= time < 2**63:
        raise _bad("envelope.time", time)
    decoder = _DECODE_BY_NAME.get(name)
    if decoder is None:
        raise DecodeError(f"message type {name[:60]!r} is not known")
    return _envelope([name, decoder(array[7]), id_, cause, source, seq, time, SCHEMA_VERSION])


def to_array(body: object) -> Any:
    """A message as nested lists, for the ledger."""
    return _ENCODE_BY_NAME[NAMES[type(body)]](body)


def from_array(name: str, array: Any) -> Any:
    """The message of a wire name from nested lists.

    Raises:
        DecodeError: the name is not known or a field is wrong.
    """
    decoder = _DECODE_BY_NAME.get(name)
    if decoder is None:
        raise DecodeError(f"message type {name[:60]!r} is not known")
    return decoder(array)


_ENCODE_BY_NAME: Final = {name: _encoder(kind) for name, kind in TYPES.items()}
_DECODE_BY_NAME: Final = {name: _decoder(kind) for name, kind in TYPES.items()}
NAMES: Final[dict[type, str]] = {kind: name for name, kind in TYPES.items()}
"""Wire name by message type."""

for _part in PARTS:
    _encoder(_part), _decoder(_part)
