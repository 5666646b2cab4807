"""The telemetry proxy: processes connect to XSUB, readers to XPUB, so nobody needs to know the others.

Without it no heartbeat arrives and every child looks hung: its thread goes on after whatever fails.
"""

import threading

from engine import logs
from engine.settings import Settings
from engine.wire.keys import ServerKeys
from engine.wire.sockets import Forwarder, tcp

log = logs.get(__name__)


class TelemetryProxy:
    """Forwards telemetry between :attr:`inward` and :attr:`outward` on a thread of its own."""

    def __init__(self, settings: Settings, keys: ServerKeys | None) -> None:
        endpoints = settings.endpoints
        self._forwarder = Forwarder(
            tcp(endpoints.host, endpoints.telemetry_in),
            tcp(endpoints.host, endpoints.telemetry_out),
            wire=settings.wire,
            keys=keys,
        )
        self.inward = self._forwarder.inward.endpoint
        self.outward = self._forwarder.outward.endpoint
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="telemetry-proxy", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._forwarder.forward(100)
            except Exception:
                log.exception("the telemetry proxy failed at something; it goes on")
                self._stop.wait(0.1)

    def close(self) -> None:
        """Ends the thread and closes the sockets."""
        self._stop.set()
        self._thread.join(2)
        self._forwarder.close()
