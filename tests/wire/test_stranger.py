"""A program that knows PROTOCOL.md, ZeroMQ and msgpack, and nothing of this one, understands live frames."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import msgpack
import zmq

from engine.model.tick import Tick
from engine.settings import Wire
from engine.wire.keys import Role, RunKeys
from engine.wire.messages import Family, GetTicks, Pulse, Ticks
from engine.wire.sockets import Publisher, RouterServer, tcp
from engine.wire.zap import Doorkeeper
from tests.wire.document import section

ANY = tcp("127.0.0.1", 0)
WIRE = Wire(linger_ms=0)
COUNT = 50

STRANGER = """
import json, sys
import zmq

facts = json.loads(sys.stdin.readline())
public, secret = zmq.curve_keypair()
print(json.dumps(public.decode()), flush=True)
server_key, endpoint = json.loads(sys.stdin.readline())
for tick in ticks(endpoint, server_key.encode(), public, secret, "TXFK4"):
    print(json.dumps(tick), flush=True)
    if tick[0] >= facts["until"]:
        break
assert not [name for name in sys.modules if name.split(".")[0] == "engine"]
"""


def test_the_subscriber_of_the_document_follows_the_feed(tmp_path: Path) -> None:
    program = section("subscriber").strip("`").removeprefix("python\n") + STRANGER
    (tmp_path / "stranger.py").write_text(program, encoding="utf-8")
    child = subprocess.Popen(
        [sys.executable, "-I", str(tmp_path / "stranger.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    assert child.stdin
    assert child.stdout
    child.stdin.write(json.dumps({"until": COUNT}) + "\n")
    child.stdin.flush()
    keys = RunKeys.make((json.loads(child.stdout.readline()),))
    context: Any = zmq.Context()
    door = Doorkeeper(keys.binder().roles, context)
    publisher = Publisher(ANY, source="gateway", wire=WIRE, keys=keys.binder(), context=context)
    child.stdin.write(json.dumps([keys.server.public.decode(), publisher.endpoint]) + "\n")
    child.stdin.flush()
    told: list[Any] = []
    stream = child.stdout
    reader = threading.Thread(target=lambda: told.extend(json.loads(line) for line in stream))
    reader.start()
    deadline = time.monotonic() + 30
    seq = 1
    while child.poll() is None and time.monotonic() < deadline:
        publisher.publish("tick.TXFK45", tick(seq, "TXFK45"), family=Family.TICK)
        publisher.publish("pulse", Pulse(now_ns=1, position=1), family=Family.EVENT)
        publisher.publish("tick.TXFK4", tick(seq), family=Family.TICK)
        # The first number is sent until the stranger has joined, so that it misses none.
        seq = min(seq + 1, COUNT) if told else 1
        time.sleep(0.002)
    child.kill()
    reader.join()
    child.communicate()
    publisher.close()
    door.close()
    context.term()
    assert child.returncode == 0
    expected = [tick(number) for number in range(1, COUNT + 1)]
    assert told == [[item.seq, item.ts_event, item.price, item.quantity] for item in expected]


def tick(seq: int, symbol: str = "TXFK4") -> Tick:
    return Tick(
        symbol=symbol,
        seq=seq,
        ts_event=1_730_767_500_000_000_000 + seq,
        ts_recv=1,
        price=22_800 + seq,
        quantity=2,
    )


def test_a_bare_dealer_asks_and_understands_the_answer() -> None:
    keys = RunKeys.make()
    context: Any = zmq.Context()
    door = Doorkeeper(keys.binder().roles, context)
    server = RouterServer(ANY, source="gateway", wire=WIRE, keys=keys.binder(), context=context)
    dealer: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
    dealer.linger = 0
    dealer.curve_serverkey = keys.server.public
    dealer.curve_publickey, dealer.curve_secretkey = (
        keys.clients[Role.READER].public,
        keys.clients[Role.READER].secret,
    )
    dealer.connect(server.endpoint)
    dealer.send(msgpack.packb([1, "get_ticks", "dash-1", "", "dash", 0, 0, ["TXFK4", 7]]))
    assert server.raw.poll(20_000)
    request = server.receive()
    assert request is not None
    client, role, envelope = request
    assert role is Role.READER
    assert envelope.body == GetTicks(symbol="TXFK4", after_seq=7)
    server.reply(client, envelope, Ticks(symbol="TXFK4", ticks=(tick(8), tick(9)), first_available=3))
    assert dealer.poll(20_000)
    version, name, _, cause, source, _, _, body = msgpack.unpackb(dealer.recv())
    assert (version, name, cause, source) == (1, "ticks", "dash-1", "gateway")
    assert body[0] == "TXFK4"
    assert [item[1] for item in body[1]] == [8, 9]
    assert body[2:4] == [3, True]
    for thing in (dealer, server, door):
        thing.close()
    context.term()
