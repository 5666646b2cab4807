"""A relay between the gateway's feed and one reader that drops, doubles and swaps messages, over real sockets."""

import dataclasses
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import zmq

from engine.host import Host
from engine.supervision.child import ChildContext
from engine.wire.keys import Domain, Role
from engine.wire.sockets import Socket, Subscriber, tcp


class Relay:
    """Passes a host's feed on, on a thread of its own.

    Args:
        host: whose feed.
        seed: of what happens to it.
        drop_rate: share of messages at which a run of 1 to 60 is dropped.
        double_rate: share of messages that come twice.
        swap_rate: share of messages that come behind the next one.
    """

    def __init__(
        self, host: Host, seed: int, *, drop_rate: float = 0.01, double_rate: float = 0.01, swap_rate: float = 0.01
    ) -> None:
        self._host, self._random = host, random.Random(seed)
        self._rates = drop_rate, double_rate, swap_rate
        self._stop = threading.Event()
        self._is_open = threading.Event()
        self.endpoint = ""
        self.passed = self.dropped = self.doubled = self.swapped = 0
        self._thread = threading.Thread(target=self._run, name="relay")
        self._thread.start()
        assert self._is_open.wait(10)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        host, wire = self._host, self._host.settings.wire
        here, keys = tcp("127.0.0.1", 0), host._keys.binder() if wire.encrypted else None
        feed = host.gateway.market_endpoint
        with (
            Subscriber(feed, [""], wire=wire, keys=host.client_keys(Role.READER)) as inward,
            Socket(zmq.PUB, wire=wire, keys=keys, bind=here, domain=Domain.FEED) as outward,
        ):
            self.endpoint = outward.endpoint
            self._is_open.set()
            while not self._stop.is_set():
                if inward.raw.poll(20):
                    for frame in self._faulty(inward):
                        outward.raw.send(frame)

    def _faulty(self, inward: Subscriber) -> Iterator[bytes]:
        drop_rate, double_rate, swap_rate = self._rates
        frame = inward.raw.recv()
        chance = self._random.random()
        if chance < drop_rate:
            for _ in range(self._random.randint(0, 59)):
                self.dropped += 1
                if not inward.raw.poll(5):
                    break
                inward.raw.recv()
            self.dropped += 1
            return
        self.passed += 1
        if chance < drop_rate + swap_rate and inward.raw.poll(5):
            self.swapped += 1
            yield inward.raw.recv()
        elif chance < drop_rate + swap_rate + double_rate:
            self.doubled += 1
            yield frame
        yield frame


@contextmanager
def relayed(
    monkeypatch: pytest.MonkeyPatch, seed: int, node: str = "recorder", **rates: float
) -> Iterator[list[Relay]]:
    """The recorder, or scanner, of any host that is started meanwhile hears the feed through a relay."""
    relays: list[Relay] = []
    original: Callable[[Host], ChildContext] = getattr(Host, f"_{node}_context")

    def through(host: Host) -> ChildContext:
        if not relays:
            relays.append(Relay(host, seed, **rates))
        return dataclasses.replace(original(host), market=relays[0].endpoint)

    with monkeypatch.context() as patched:
        patched.setattr(Host, f"_{node}_context", through)
        try:
            yield relays
        finally:
            for relay in relays:
                relay.close()
