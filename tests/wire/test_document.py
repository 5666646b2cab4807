"""PROTOCOL.md says what the code does."""

from engine.wire.codec import decode
from engine.wire.messages import TYPES
from tests.wire.document import DOCUMENT, TICK, example, section, tables


def test_lists_exactly_the_fields_of_the_code() -> None:
    assert section("types") == tables(), "python -m tests.wire.document writes the tables anew"


def test_the_tables_name_every_type_once() -> None:
    text = section("types")
    for name in TYPES:
        assert text.count(f"\n### `{name}`\n") + text.startswith(f"### `{name}`\n") == 1, name


def test_the_worked_example_is_what_is_sent() -> None:
    assert section("example") == example()
    rows = section("example").split("```")[1].strip().splitlines()
    frame = bytes.fromhex("".join(row[6:53] for row in rows))
    topic, _, payload = frame.partition(b"\0")
    assert topic == b"tick.TXFK4"
    assert (decode(payload).body, decode(payload).seq) == (TICK, 1001)


def test_fits_the_screen() -> None:
    prose = DOCUMENT.read_text(encoding="utf-8").partition("<!-- types -->")[0].splitlines()
    assert [line for line in prose if len(line) > 140 and not line.startswith("|")] == []
