"""The ZAP handler of a binding process: lets known keys in and tells the sockets their role (RFC 27).

pyzmq's own authenticator runs an asyncio loop on a thread, which on Windows' proactor loop needs further packages;
the protocol is one request and one reply.
"""

import threading

import zmq
from zmq.utils import z85

from engine.wire.keys import Role

ZAP_ENDPOINT = "inproc://zeromq.zap.01"


class Doorkeeper:
    """Answers the handshakes of all binding sockets of a context. Start it before they bind.

    Args:
        roles: public key (Z85) to role; others are refused.
    """

    def __init__(self, roles: dict[bytes, Role], context: zmq.Context[zmq.Socket[bytes]] | None = None) -> None:
        self._roles = dict(roles)
        self._context = context or zmq.Context.instance()
        self.refused = 0
        """Handshakes refused so far."""
        self._socket = self._context.socket(zmq.REP)
        self._socket.linger = 0
        self._socket.bind(ZAP_ENDPOINT)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="doorkeeper", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            if self._socket.poll(100):
                self._answer(self._socket.recv_multipart())
        self._socket.close()

    def _answer(self, frames: list[bytes]) -> None:
        version, request_id = frames[0], frames[1]
        role = None
        if len(frames) >= 7 and frames[5] == b"CURVE":
            role = self._roles.get(z85.encode(frames[6]))
        if role is None:
            self.refused += 1
            self._socket.send_multipart([version, request_id, b"400", b"key not known", b"", b""])
        else:
            self._socket.send_multipart([version, request_id, b"200", b"OK", role.encode("ascii"), b""])

    def close(self) -> None:
        """Ends the thread; call it after the sockets are closed."""
        self._stop.set()
        self._thread.join(2)
