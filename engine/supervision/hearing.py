"""Hears the heartbeats of all children on a thread of its own, which never ends by a fault."""

import threading
from collections.abc import Callable
from typing import Final

from engine import logs
from engine.settings import Wire
from engine.wire.keys import ClientKeys
from engine.wire.messages import Heartbeat
from engine.wire.sockets import Subscriber

log = logs.get(__name__)
_AGAIN_S: Final = 0.2
"""Wait after a fault."""


class Hearing:
    """Between :meth:`start` and :meth:`close`.

    Args:
        endpoint: where the telemetry proxy is read.
        wire: of the run.
        keys: of a reader of telemetry.
        on_beat: called with each heartbeat, on this thread.
    """

    def __init__(
        self, endpoint: str, *, wire: Wire, keys: ClientKeys | None, on_beat: Callable[[Heartbeat], None]
    ) -> None:
        self._endpoint, self._wire, self._keys, self._on_beat = endpoint, wire, keys, on_beat
        self.counts: dict[str, dict[str, int]] = {}
        """Counters of each child's last heartbeat."""
        self._before: dict[str, tuple[int, dict[str, int]]] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeats", daemon=True)

    def start(self) -> None:
        """Begins to listen."""
        self._thread.start()

    def close(self) -> None:
        """Ends the thread."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(2)

    def total(self, counter: str, prefix: str) -> int:
        """A counter summed over all processes whose name begins with ``prefix``, over their restarts."""
        now = sum(counts.get(counter, 0) for name, counts in self.counts.items() if name.startswith(prefix))
        past = sum(counts.get(counter, 0) for name, (_, counts) in self._before.items() if name.startswith(prefix))
        return now + past

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._listen()
            except Exception:
                log.exception("heartbeats are not heard; tried again")
                self._stop.wait(_AGAIN_S)

    def _listen(self) -> None:
        ear = Subscriber(self._endpoint, ["telemetry.health."], wire=self._wire, keys=self._keys)
        try:
            while not self._stop.is_set():
                found = ear.receive(100)
                if found is not None and isinstance(found[1].body, Heartbeat):
                    self._take(found[1].body)
        finally:
            ear.close()

    def _take(self, beat: Heartbeat) -> None:
        try:
            self._on_beat(beat)
        except Exception:
            log.exception("heartbeat not taken", node=beat.node)
        pid, past = self._before.setdefault(beat.node, (beat.pid, {}))
        if pid != beat.pid:
            last = self.counts.get(beat.node, {})
            past = {name: past.get(name, 0) + last.get(name, 0) for name in past.keys() | last.keys()}
            self._before[beat.node] = (beat.pid, past)
        self.counts[beat.node] = beat.counts
