"""The ZAP handler of a binding process: lets each role in where it has business and tells the sockets who it is.

One request and one reply (RFC 27). pyzmq's own authenticator runs an asyncio loop on a thread, which on Windows'
proactor loop needs further packages. It also counts the handshakes that libzmq ends without asking.
"""

import contextlib
import itertools
import struct
import threading
import time
from collections import Counter, deque
from typing import Final

import zmq
from zmq.utils import z85

from engine import logs
from engine.wire.keys import LETS_IN, Domain, Role

log = logs.get(__name__)

ZAP_ENDPOINT: Final = "inproc://zeromq.zap.01"
_LOG_EVERY_S: Final = 5.0
"""A client that is refused tries again several times a second, for ever."""
_KEY_BYTES: Final = 32
_FAILED: Final = zmq.Event.HANDSHAKE_FAILED_PROTOCOL | zmq.Event.HANDSHAKE_FAILED_NO_DETAIL
"""What libzmq ended, and what the other side ended because it has no key: which of them is first is chance."""
_DOMAINS: Final = {domain.value.encode("ascii"): domain for domain in Domain}
_doorkeepers: dict[int, "Doorkeeper"] = {}
_numbers = itertools.count()


class Doorkeeper:
    """Answers the handshakes of all binding sockets of a context. Start it before they bind.

    Args:
        roles: public key (Z85) to role; others are refused.
        context: of the sockets; the process' own one unless given.
    """

    def __init__(self, roles: dict[bytes, Role], context: zmq.Context[zmq.Socket[bytes]] | None = None) -> None:
        self._roles = dict(roles)
        self._context = context or zmq.Context.instance()
        self.counts: Counter[str] = Counter()
        """Refused handshakes by domain; those that ended for want of any key are counted apart."""
        self._socket = self._context.socket(zmq.REP)
        self._socket.linger = 0
        self._socket.rcvtimeo = self._socket.sndtimeo = 1_000
        self._socket.bind(ZAP_ENDPOINT)
        self._watched: deque[tuple[zmq.Socket[bytes], Domain]] = deque()
        self._monitors: dict[zmq.Socket[bytes], Domain] = {}
        self._told, self._told_at = 0, -_LOG_EVERY_S
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="doorkeeper", daemon=True)
        self._thread.start()
        _doorkeepers[self._context.underlying] = self

    @property
    def refused(self) -> int:
        """Handshakes refused so far, for whatever reason."""
        return sum(self.counts.values())

    def watch(self, raw: "zmq.Socket[bytes]", domain: Domain) -> None:
        """Counts the handshakes of a binding socket that fail before this handler is asked.

        Of a client without a key, or with another mechanism, libzmq asks nobody. Call it on the socket's thread.
        """
        address = f"inproc://door.{domain}.{next(_numbers)}"
        raw.monitor(address, _FAILED)
        ear = self._context.socket(zmq.PAIR)
        ear.linger, ear.rcvhwm = 0, 0  # a full queue here would hold up libzmq's own thread
        ear.connect(address)
        self._watched.append((ear, domain))

    def _run(self) -> None:
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        while not self._stop.is_set():
            try:
                self._turn(poller)
            except Exception:
                log.exception("the doorkeeper failed at something; it goes on")
                self._stop.wait(0.1)
        for ear in [*self._monitors, *(ear for ear, _ in self._watched)]:
            ear.close()
        self._socket.unbind(ZAP_ENDPOINT)  # at once; closing frees the name some time later, the next run needs it
        self._socket.close()

    def _turn(self, poller: zmq.Poller) -> None:
        while self._watched:
            ear, domain = self._watched.popleft()
            self._monitors[ear] = domain
            poller.register(ear, zmq.POLLIN)
        for found, _ in poller.poll(100):
            if found is self._socket:
                self._serve()
            else:
                self._hear(found, poller)
        self._tell()

    def _serve(self) -> None:
        """A REP socket that was asked must answer before it is asked again: no, if nothing better can be said."""
        frames = self._socket.recv_multipart()
        answer = [b"1.0", b"", b"500", b"internal error", b"", b""]
        try:
            answer = self._answer(frames)
        finally:
            self._socket.send_multipart(answer)

    def _answer(self, frames: list[bytes]) -> list[bytes]:
        """The reply to version, id, domain, address, identity, mechanism and credentials."""
        version, request_id, domain = frames[:3]
        role = None
        if len(frames) >= 7 and frames[5] == b"CURVE" and len(frames[6]) == _KEY_BYTES:
            role = self._roles.get(z85.encode(frames[6]))
        known = _DOMAINS.get(domain)
        if role is None or known is None or role not in LETS_IN[known]:
            self.counts[domain.decode("ascii", "replace")[:40]] += 1
            why = b"key not known" if role is None else b"this key has no business here"
            return [version, request_id, b"400", why, b"", b""]
        return [version, request_id, b"200", b"OK", role.encode("ascii"), b""]

    def _hear(self, ear: "zmq.Socket[bytes]", poller: zmq.Poller) -> None:
        with contextlib.suppress(zmq.Again):
            while True:
                event = struct.unpack("=Hi", ear.recv_multipart(zmq.NOBLOCK)[0])[0]
                if event == zmq.Event.MONITOR_STOPPED:
                    poller.unregister(ear)
                    del self._monitors[ear]
                    ear.close()
                    return
                self.counts[f"{self._monitors[ear]} without a key"] += 1

    def _tell(self) -> None:
        refused, now = self.refused, time.monotonic()
        if refused == self._told or now - self._told_at < _LOG_EVERY_S:
            return
        log.warning("connections refused", new=refused - self._told, by_socket=dict(self.counts))
        self._told, self._told_at = refused, now

    def close(self) -> None:
        """Ends the thread; call it after the sockets are closed."""
        _doorkeepers.pop(self._context.underlying, None)
        self._stop.set()
        self._thread.join(2)


def doorkeeper_of(context: "zmq.Context[zmq.Socket[bytes]]") -> Doorkeeper | None:
    """The doorkeeper of a context, None before it stands there."""
    return _doorkeepers.get(context.underlying)
