"""PROTOCOL.md says what the code does."""

import ast
import re
from pathlib import Path

import engine
from engine.brokers.simulated import LINKS
from engine.nodes.strategy import EVENT_TOPICS
from engine.wire.codec import decode
from engine.wire.messages import TYPES, Family
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


# --- topics ------------------------------------------------------------------------------------------------------

_CALLS = ("publish", "tell", "event")


def test_the_table_of_topics_is_what_the_code_publishes() -> None:
    told = {(topic.strip("`"), family.strip("`")) for topic, _, family, _ in rows("topics")}
    assert told == {(topic, family) for path in sources() for topic, family in published(path)}


def test_the_event_topics_are_those_that_a_strategy_takes() -> None:
    events = [topic.strip("`") for topic, _, family, _ in rows("topics") if family == f"`{Family.EVENT}`"]
    prefixes = {topic.partition("<")[0] for topic in events}
    assert prefixes == set(EVENT_TOPICS)


def test_the_bodies_of_topics_are_types_of_the_document() -> None:
    for topic, port, family, bodies in rows("topics"):
        names = re.findall(r"`(\w+)`", bodies)
        assert names, topic
        assert set(names) <= set(TYPES), topic
        is_feed = family.strip("`") in (Family.TICK, Family.BOOK, Family.EVENT)
        assert port == ("5555" if is_feed else "5559"), topic


def test_the_table_of_links_is_what_the_gateway_sets() -> None:
    found = {
        name
        for path in sources()
        for call in calls(path, ("set_link", "touch_link"))
        if (name := template(call.args[0], {}))
    }
    told = {name for cell, _ in rows("links") for name in re.findall(r"`([\w.<>]+)`", cell)}
    assert told == found | set(LINKS)


def rows(name: str) -> list[list[str]]:
    """The rows of a table of the document, with ``<>`` for every ``<name>``, as :func:`template` writes it."""
    lines = re.sub(r"<\w+>", "<>", section(name)).splitlines()[2:]
    assert lines, name
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def sources() -> list[Path]:
    return sorted(Path(engine.__file__).parent.rglob("*.py"))


def calls(path: Path, names: tuple[str, ...]) -> list[ast.Call]:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    found = [node for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    return [
        node for node in found if isinstance(node.func, ast.Attribute) and node.func.attr in names and node.args
    ]


def published(path: Path) -> set[tuple[str, str]]:
    """Topic and family of each message that a module publishes under a name of its own."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    constants = {
        node.target.id: node.value.value
        for node in module.body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.target, ast.Name)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }
    return {
        (topic, family_of(call))
        for call in calls(path, _CALLS)
        if len(call.args) > 1 and (topic := template(call.args[0], constants))
    }


def template(node: ast.expr, constants: dict[str, str]) -> str:
    """A text of the code with ``<>`` for what is filled in; empty where it is handed on from elsewhere."""
    if isinstance(node, ast.Name):
        return constants.get(node.id, "")
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "<>" for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def family_of(call: ast.Call) -> str:
    """As named at the call; the journal and the feed tell events, a child's telemetry the rest."""
    for keyword in call.keywords:
        if keyword.arg == "family" and isinstance(keyword.value, ast.Attribute):
            return str(Family[keyword.value.attr])
        if keyword.arg == "family" and isinstance(keyword.value, ast.Constant):
            return str(keyword.value.value)
    assert isinstance(call.func, ast.Attribute)
    return str(Family.TELEMETRY if call.func.attr == "publish" else Family.EVENT)
