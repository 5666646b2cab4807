"""Bytes that never change, messages that come back as they went, and bytes that are no messages."""

import dataclasses
import json
import typing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import DecodeError, VersionError
from engine.gateway.state import Event
from engine.model.order import OrderStatus
from engine.model.position import Position
from engine.model.tick import Tick
from engine.wire.codec import NAMES, Encoder, decode, from_array, to_array
from engine.wire.messages import (
    MAX_ITEMS,
    MAX_TEXT,
    RANGES,
    SCHEMA_VERSION,
    TYPES,
    Done,
    Flatten,
    Heartbeat,
)
from tests.wire.samples import GOLDEN, TIME, anything, fixed, frame, golden

EVERY_TYPE = pytest.mark.parametrize("name", list(TYPES))
SAMPLES = {name: frame(name, fixed(kind)) for name, kind in TYPES.items()}
HEAD = [SCHEMA_VERSION, "flatten", "", "", "", 0, 0]


def packed(*values: Any) -> bytes:
    data: bytes = msgpack.packb(list(values), datetime=True)
    return data


def array(name: str) -> list[Any]:
    """The unpacked envelope of a sample."""
    found: list[Any] = msgpack.unpackb(SAMPLES[name], timestamp=0)
    return found


# --- golden bytes -----------------------------------------------------------------------------------------------


def test_the_bytes_of_every_type_stay_as_they_are() -> None:
    kept = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert list(kept) == list(TYPES)
    for name, data in golden().items():
        assert data == kept[name], name


@EVERY_TYPE
def test_the_golden_bytes_are_understood(name: str) -> None:
    kept = json.loads(GOLDEN.read_text(encoding="utf-8"))
    envelope = decode(bytes.fromhex(kept[name]))
    assert envelope.body == fixed(TYPES[name])
    assert (envelope.type, envelope.id, envelope.cause, envelope.source, envelope.seq, envelope.time) == (
        name,
        "window-1",
        "c1/entry/1",
        "gateway",
        77,
        TIME,
    )


# --- there and back ---------------------------------------------------------------------------------------------


@EVERY_TYPE
def test_what_is_sent_arrives(name: str) -> None:
    @settings(max_examples=15)
    @given(anything(TYPES[name]))
    def there_and_back(body: Any) -> None:
        back = decode(memoryview(Encoder("gateway").encode(name, body))).body
        assert back == body
        assert type(back) is type(body)

    there_and_back()


@pytest.mark.parametrize("kind", typing.get_args(Event))
def test_the_ledgers_lists_are_the_same(kind: type) -> None:
    body = fixed(kind)
    assert from_array(NAMES[kind], json.loads(json.dumps(to_array(body)))) == body


def test_decimals_keep_their_digits() -> None:
    position = Position(account="a", symbol="x", cost=Decimal(10) / Decimal(3), tax=Decimal("91.20"))
    back = decode(frame("position", position)).body
    assert (str(back.cost), str(back.tax)) == (str(position.cost), "91.20")


def test_texts_for_people_are_cut_to_what_is_taken() -> None:
    back = decode(frame("done", Done(text="支" * (MAX_TEXT + 1)))).body
    assert back.text == "支" * MAX_TEXT


def test_what_cannot_be_sent_is_said_at_once() -> None:
    with pytest.raises(TypeError, match="no time zone"):
        frame("flatten", Flatten(symbol=datetime(2024, 1, 1)))  # type: ignore[arg-type]  # noqa: DTZ001
    with pytest.raises(TypeError, match="set cannot be sent"):
        frame("flatten", Flatten(symbol=set()))  # type: ignore[arg-type]


# --- older and newer --------------------------------------------------------------------------------------------


@EVERY_TYPE
def test_fields_of_the_future_are_ignored(name: str) -> None:
    values = array(name)
    values[7] = [*values[7], "new", {"of": 7}]
    assert decode(packed(*values, "a new envelope field")).body == fixed(TYPES[name])


@EVERY_TYPE
def test_fields_with_defaults_may_be_missing(name: str) -> None:
    kind, values = TYPES[name], array(name)
    fields = dataclasses.fields(kind)
    required = [
        item
        for item in fields
        if item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING
    ]
    for count in range(len(required), len(fields) + 1):
        cut = decode(packed(*values[:7], values[7][:count])).body
        full = fixed(kind)
        given_names = {item.name: getattr(full, item.name) for item in fields[:count]}
        assert cut == kind(**given_names)
    if required:
        with pytest.raises(DecodeError, match=kind.__name__):
            decode(packed(*values[:7], values[7][: len(required) - 1]))


@pytest.mark.parametrize("version", [0, 2, -1, 99])
def test_another_major_version_is_refused_by_name(version: int) -> None:
    with pytest.raises(VersionError, match=rf"schema version {version}; this program speaks version 1"):
        decode(packed(version, "something", "quite", "different"))


# --- what is no message -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x90",
        packed("1"),
        packed(True, *HEAD[1:], []),
        packed(1.0, *HEAD[1:], []),
        packed(*HEAD),
        packed(1, "nosuch", "", "", "", 0, 0, []),
        packed(1, None, "", "", "", 0, 0, []),
        packed(1, "flatten", "", "", "", -1, 0, []),
        packed(1, "flatten", "", "", "", 0, 2**63, []),
        packed(1, "flatten", "", "", "", True, 0, []),
        packed(1, "flatten", "x" * 257, "", "", 0, 0, []),
        packed(*HEAD, None),
        packed(*HEAD, {"symbol": "x"}),
        packed(*HEAD, "x"),
        packed(*HEAD, ["x" * (MAX_TEXT + 1)]),
        packed(*HEAD, [b"TXFK4"]),
        packed(*HEAD, []) + b"\x00",
        packed(*HEAD, [])[:-1],
        packed(*HEAD, [msgpack.ExtType(1, b"1" * 65)]),
        packed(*HEAD, [msgpack.ExtType(1, b"NaN")]),
        packed(*HEAD, [msgpack.ExtType(1, b"x")]),
        packed(*HEAD, [msgpack.ExtType(2, b"2024-13-01")]),
        packed(*HEAD, [msgpack.ExtType(77, b"")]),
        packed(*HEAD, [msgpack.Timestamp(2**60, 0)]),
        packed(*HEAD, [datetime(2024, 1, 1, tzinfo=UTC)]),
        packed(*HEAD, [""])[:-1] + b"\xa4\xff\xff\xff\xff",  # no UTF-8
        packed(*HEAD)[:-1] + b"\xdd\xff\xff\xff\xff",  # a list of four billion
        packed(*HEAD)[:-1] + b"\xdb\xff\xff\xff\xff",  # a text of four gigabytes
        packed(*HEAD, [])[:-1] + b"\x81\x91\x01\x01",  # a list as a key
    ],
    ids=lambda data: data[:24].hex(),
)
def test_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(data)


@pytest.mark.parametrize("depth", [10, 500, 900, 1_000, 1_020, 1_024, 2_000, 1_000_000])
@pytest.mark.parametrize("place", range(9))
def test_a_list_in_a_list_in_a_list_is_refused(depth: int, place: int) -> None:
    """Wherever it stands, however deep: never an exhausted stack."""
    parts = [msgpack.packb(value) for value in [*HEAD, [1]]]
    deep = b"\x91" * depth + b"\x01"
    if place == 8:
        parts[7] = b"\x91" + deep
    else:
        parts[place] = deep
    with pytest.raises(DecodeError):
        decode(b"\x98" + b"".join(parts))


def test_a_list_that_is_too_long() -> None:
    with pytest.raises(DecodeError, match=r"SelectContracts\.symbols"):
        decode(packed(1, "select_contracts", "", "", "", 0, 0, [[""] * (MAX_ITEMS + 1)]))


def test_a_table_that_is_too_large() -> None:
    counts = {str(number): number for number in range(1001)}
    with pytest.raises(DecodeError, match=r"Heartbeat\.counts"):
        decode(frame("heartbeat", Heartbeat(node="x", pid=1, counts=counts)))


@EVERY_TYPE
def test_every_field_is_checked(name: str) -> None:
    """A value of another type or range in any field is refused, and the sentence names the field."""
    kind, values = TYPES[name], array(name)
    hints = typing.get_type_hints(kind)
    for index, item in enumerate(dataclasses.fields(kind)):
        hint = hints[item.name]
        wrong: list[Any] = [1.5, b"bytes", [[[]]], {"a": [1]}]
        if hint is not bool:
            wrong.append(True)
        if hint is not str:
            wrong.append("\x7fnonsense")
        if hint is not int:
            wrong.append(7)
        if hint is int:
            low, high = RANGES.get(item.name, (-(2**63), 2**63 - 1))
            wrong += [number for number in (low - 1, high + 1) if -(2**63) <= number < 2**64]
        for value in wrong:
            changed = [*values[7][:index], value, *values[7][index + 1 :]]
            with pytest.raises(DecodeError) as caught:
                decode(packed(*values[:7], changed))
            assert str(caught.value)


def test_a_true_is_no_number_and_a_number_no_price() -> None:
    good = array("tick")
    for index, value, field in [
        (4, True, "price"),
        (4, 10**12 + 1, "price"),
        (5, -1, "quantity"),
        (0, 5, "symbol"),
    ]:
        body = [*good[7]]
        body[index] = value
        with pytest.raises(DecodeError, match=rf"Tick\.{field}: "):
            decode(packed(*good[:7], body))


# --- fuzz -------------------------------------------------------------------------------------------------------


def harmless(data: bytes) -> None:
    """Either a message, or the one error that receivers expect."""
    try:
        envelope = decode(data)
    except DecodeError:
        return
    assert type(envelope.body) is TYPES[envelope.type]
    frame(envelope.type, envelope.body)


@EVERY_TYPE
def test_truncated_anywhere(name: str) -> None:
    data = SAMPLES[name]
    for length in range(len(data)):
        with pytest.raises(DecodeError):
            decode(data[:length])


@settings(max_examples=1500)
@given(
    st.sampled_from(sorted(SAMPLES)),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_mutated(name: str, changes: list[tuple[int, int]]) -> None:
    data = bytearray(SAMPLES[name])
    for place, value in changes:
        data[place % len(data)] = value
    harmless(bytes(data))


@settings(max_examples=500)
@given(st.binary(max_size=300))
def test_random_bytes(data: bytes) -> None:
    harmless(data)
    harmless(SAMPLES["tick"][:60] + data)


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=8)
    | st.builds(msgpack.ExtType, st.integers(0, 127), st.binary(max_size=70)),
    lambda part: st.lists(part, max_size=9) | st.dictionaries(st.text(max_size=4), part, max_size=3),
    max_leaves=25,
)


@settings(max_examples=250)
@given(st.sampled_from(sorted(TYPES)), st.lists(JUNK, max_size=20), st.data())
def test_any_values_in_place_of_fields(name: str, junk: list[Any], data: st.DataObject) -> None:
    values = array(name)
    if data.draw(st.booleans()):
        values[7] = junk
    else:
        for value in junk:
            body = values[7]
            if body:
                body[data.draw(st.integers(0, len(body) - 1))] = value
    harmless(packed(*values))


def test_hot_messages_are_small_lists_of_plain_values() -> None:
    tick = Tick(symbol="TXFK4", seq=1, ts_event=2, ts_recv=3, price=22_811, quantity=1, total_volume=9)
    assert to_array(tick) == ["TXFK4", 1, 2, 3, 22_811, 1, 9, 0]
    assert len(Encoder("gateway").encode("tick", tick)) < 60
    assert OrderStatus("sent") in OrderStatus
