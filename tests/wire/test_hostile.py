"""Bytes made to hurt: every message type mutated at every byte, sizes that lie, and what all of it may cost."""

import random
import struct
import time
import tracemalloc
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import msgpack
import pytest
import zmq

from engine.errors import DecodeError
from engine.model.position import Position
from engine.settings import Wire
from engine.wire.codec import Encoder, decode
from engine.wire.messages import MAX_TEXT, TYPES, Done, GetSnapshot, Heartbeat, LogLine
from engine.wire.sockets import (
    MAX_FEED,
    MAX_INWARD,
    MAX_REPLY,
    Publisher,
    Requester,
    RouterServer,
    Subscriber,
    tcp,
)
from tests.wire.samples import fixed, frame

DEADLINE_S = 20.0
ANY = tcp("127.0.0.1", 0)
PLAIN = Wire(encrypted=False, linger_ms=0, request_timeout_s=5.0)
EVERY_TYPE = pytest.mark.parametrize("name", list(TYPES))
SAMPLES = {name: frame(name, fixed(kind)) for name, kind in TYPES.items()}
HEADS = tuple(bytes([byte]) for byte in (0xC1, 0xC0, 0xC3, 0x90, 0x80, 0x9F, 0x8F, 0xD4, 0xFF))
LIES = tuple(
    bytes([byte]) + size
    for byte, size in (
        (0xDC, b"\xff\xff"),  # list
        (0xDD, b"\xff\xff\xff\xff"),
        (0xDE, b"\xff\xff"),  # table
        (0xDF, b"\xff\xff\xff\xff"),
        (0xDA, b"\xff\xff"),  # text
        (0xDB, b"\xff\xff\xff\xff"),
        (0xC6, b"\xff\xff\xff\xff"),  # bytes
        (0xC9, b"\xff\xff\xff\xff\x01"),  # extension
        (0xC9, b"\x00\x00\x00\x02\x011E"),
        (0xC7, b"\x0c\xff" + b"\xff" * 12),  # time stamp
        (0xD6, b"\xff\xff\xff\xff\xff"),
        (0xCB, b"\x7f\xf8\x00\x00\x00\x00\x00\x00"),  # not a number
        (0xCF, b"\xff\xff\xff\xff\xff\xff\xff\xff"),
    )
)


def is_message(data: bytes) -> bool:
    """Whether it is one, of the type that it names; anything else must be the one expected error."""
    try:
        envelope = decode(data)
    except DecodeError:
        return False
    assert type(envelope.body) is TYPES[envelope.type]
    return True


def cost(data: bytes) -> int:
    """Bytes of memory that decoding takes at its worst."""
    tracemalloc.start()
    try:
        is_message(data)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@EVERY_TYPE
def test_every_byte_replaced_by_every_kind_of_head(name: str) -> None:
    data = SAMPLES[name]
    places = range(len(data)) if len(data) < 600 else random.Random(name).sample(range(len(data)), 600)
    refused = 0
    for place in places:
        for head in (*HEADS, *LIES):
            refused += not is_message(data[:place] + head + data[place + len(head) :])
            refused += not is_message(data[:place] + head + data[place:])
    assert refused > len(places)


@EVERY_TYPE
def test_bits_flipped_bytes_lost_and_pieces_repeated(name: str) -> None:
    chance, data = random.Random(name), SAMPLES[name]
    for _ in range(300):
        begin, end = sorted(chance.choices(range(len(data) + 1), k=2))
        place, bit = chance.randrange(len(data)), 1 << chance.randrange(8)
        is_message(data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :])
        is_message(data[:begin] + data[end:])
        is_message(data[:end] + data[begin:])
        is_message(data[:begin] + chance.randbytes(end - begin) + data[end:])
        other = SAMPLES[chance.choice(list(SAMPLES))]
        is_message(data[:begin] + other[begin:])


@EVERY_TYPE
def test_every_element_replaced_by_every_kind_of_value(name: str) -> None:
    """Of the envelope, of the body, and of everything inside of it."""
    values: Any = msgpack.unpackb(SAMPLES[name], timestamp=0)
    odd: list[Any] = [
        None, True, 0, -1, 2**63 - 1, 2**64 - 1, -(2**63), 1.5, float("nan"), float("inf"), -1e308,
        "", "x" * (MAX_TEXT + 1), "\0", b"", b"\xff" * 70, [], [[]], {}, {"a": {}}, {"": None},
        msgpack.ExtType(1, b""), msgpack.ExtType(1, b"NaN"), msgpack.ExtType(1, b"-Infinity"),
        msgpack.ExtType(1, b"1E+999999"), msgpack.ExtType(1, b"\xff"), msgpack.ExtType(2, b"0000-00-00"),
        msgpack.ExtType(2, b""), msgpack.ExtType(5, b"x"), msgpack.Timestamp(2**40, 1),
    ]  # fmt: skip
    for holder, key in list(_places(values)):
        kept = holder[key]
        for value in odd:
            holder[key] = value
            is_message(msgpack.packb(values))
        holder[key] = kept
    assert is_message(msgpack.packb(values))


def _places(values: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(values) if isinstance(values, dict) else range(len(values))
    for key in keys:
        yield values, key
        if isinstance(values[key], list | dict):
            yield from _places(values[key])


# --- what it costs ----------------------------------------------------------------------------------------------


def nested(size: int, head: bytes) -> bytes:
    """Lists within lists, each of which declares more elements than the bytes that are left."""
    depth = min(1_000, size // len(head) - 1)
    return head * depth + b"\x01" * (size - depth * len(head))


@pytest.mark.parametrize("size", [100, 500, 513, 4_096, 65_536, MAX_INWARD])
@pytest.mark.parametrize("bits", [16, 32])
def test_lists_that_declare_more_than_there_is_cost_no_more_than_they_weigh(size: int, bits: int) -> None:
    declared = min(size - 10, 65_535)
    head = b"\xdc" + struct.pack(">H", declared) if bits == 16 else b"\xdd" + struct.pack(">I", declared)
    for data in (nested(size, head), b"\x98\x01\xa7flatten" + nested(size, head)):
        assert not is_message(data)
        assert cost(data) < 2 * size + 1_000_000


@pytest.mark.parametrize("element", [b"\x90", b"\x80", b"\xa0", b"\xc4\x00", b"\xa1x", b"\xcb" + b"\x00" * 8])
@pytest.mark.parametrize("size", [4_096, MAX_INWARD, 1_000_000])
def test_small_things_in_great_number_cost_a_bounded_multiple(element: bytes, size: int) -> None:
    count = size // len(element) - 30
    body = b"\x91\xdd" + struct.pack(">I", count) + element * count
    data = b"\x98\x01\xafselect_contracts\xa0\xa0\xa0\x00\x00" + body
    assert cost(data) < 100 * len(data) + 100_000


def test_a_table_with_long_keys_is_refused() -> None:
    with pytest.raises(DecodeError, match=r"Heartbeat\.counts"):
        decode(frame("heartbeat", Heartbeat(node="x", pid=1, counts={"k" * 257: 1})))


@pytest.mark.parametrize("number", ["1E+61", "1E-61", "9e999999", "-1e-999999"])
def test_a_number_that_nobody_could_write_out_is_refused(number: str) -> None:
    with pytest.raises(DecodeError, match="Decimal"):
        decode(frame("position", Position(account="a", symbol="x", cost=Decimal(number))))
    good = Position(account="a", symbol="x", cost=Decimal("1E+60"))
    assert decode(frame("position", good)).body == good


# --- limits of the sockets --------------------------------------------------------------------------------------


@pytest.fixture
def made() -> Iterator[Callable[[Any], Any]]:
    things: list[Any] = []

    def keep(thing: Any) -> Any:
        things.append(thing)
        return thing

    yield keep
    for thing in reversed(things):
        thing.close()


def until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.002)
    return value


def test_every_socket_has_a_limit_for_what_it_takes(made: Callable[[Any], Any]) -> None:
    server = made(RouterServer(ANY, source="gateway", wire=PLAIN, keys=None))
    requester = made(Requester(server.endpoint, source="x", wire=PLAIN, keys=None))
    publisher = made(Publisher(ANY, source="gateway", wire=PLAIN, keys=None))
    subscriber = made(Subscriber(publisher.endpoint, [""], wire=PLAIN, keys=None))
    limits = [part.raw.maxmsgsize for part in (server, requester, subscriber, publisher)]
    assert limits == [MAX_INWARD, MAX_REPLY, MAX_FEED, 4096]


def test_the_longest_lines_that_processes_send_are_within_the_limit() -> None:
    ids = {f"id{number}": "支" * 500 for number in range(20)}
    line = LogLine(node="executor", level="ERROR", ts_event=1, text="支" * 2_000, ids=ids)
    assert len(Encoder("executor").encode("log", line)) < MAX_INWARD
    assert len(SAMPLES["condition_report"]) < MAX_INWARD // 10


def test_a_frame_at_the_limit_is_looked_at_and_one_beyond_it_is_not(made: Callable[[Any], Any]) -> None:
    server = made(RouterServer(ANY, source="gateway", wire=PLAIN, keys=None))
    greedy = made(Requester(server.endpoint, source="greedy", wire=PLAIN, keys=None))
    greedy.raw.send(b"\xc1" * MAX_INWARD)
    until(lambda: server.receive() or server.undecodable == 1, "a frame at the limit")
    monitor = greedy.raw.get_monitor_socket(zmq.Event.DISCONNECTED)
    greedy.raw.send(b"\xc1" * (MAX_INWARD + 1))
    try:
        until(lambda: server.receive() or monitor.poll(1), "the end of the connection")
    finally:
        greedy.raw.disable_monitor()
        monitor.close(linger=0)
    other = made(Requester(server.endpoint, source="other", wire=PLAIN, keys=None))
    other.send(GetSnapshot())
    client, _, envelope = until(server.receive, "another's request")
    server.reply(client, envelope, Done())
    until(other.replies, "its answer")
    assert server.undecodable == 1


def test_a_flood_of_garbage_does_not_hold_the_reader_of_a_socket(made: Callable[[Any], Any]) -> None:
    server = made(RouterServer(ANY, source="gateway", wire=PLAIN, keys=None))
    noisy = made(Requester(server.endpoint, source="noisy", wire=PLAIN, keys=None))
    for _ in range(900):
        noisy.raw.send(b"\xc1")
    until(lambda: server.raw.poll(1), "the first of it")
    rounds = 0

    def all_counted() -> bool:
        nonlocal rounds
        before = server.undecodable
        assert server.receive() is None
        assert server.undecodable - before <= 100
        rounds += 1
        return bool(server.undecodable == 900)

    until(all_counted, "all of it")
    assert rounds >= 9
