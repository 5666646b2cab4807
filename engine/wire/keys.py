"""CURVE keys of one run and who may do what with them.

Keys are made when the program starts, live in memory, and reach child processes through the spawn pipe only.
A key has a role, a binding socket a domain; the ZAP handler lets a role in where it has business.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import zmq


class Role(StrEnum):
    """What the holder of a key may do."""

    WINDOW = "window"
    """A person's commands: orders, conditions, halts; and all queries."""
    EXECUTOR = "executor"
    """Orders that come from signals, refusals of signals."""
    STRATEGY = "strategy"
    """Signals, condition reports, watermarks, queries."""
    READER = "reader"
    """Feeds and queries only."""
    RECORDER = "recorder"
    """Feeds and queries, and telemetry of its own: bars and the health of the store."""
    SCANNER = "scanner"
    """The same: what it finds."""


class Domain(StrEnum):
    """The binding sockets of a run, by the name that the ZAP handler knows them by."""

    FEED = "feed"
    SIGNALS = "signals"
    COMMANDS = "commands"
    TELEMETRY_IN = "telemetry-in"
    TELEMETRY_OUT = "telemetry-out"
    HISTORY = "history"


LETS_IN: Final[dict[Domain, frozenset[Role]]] = {
    Domain.FEED: frozenset(Role),
    Domain.SIGNALS: frozenset({Role.STRATEGY}),
    Domain.COMMANDS: frozenset(Role),
    Domain.TELEMETRY_IN: frozenset(Role) - {Role.READER},
    Domain.TELEMETRY_OUT: frozenset(Role),
    Domain.HISTORY: frozenset(Role),
}
"""Who may connect where. A reader publishes no telemetry: nobody outside can say that a dead process lives."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A CURVE key pair, Z85 text."""

    public: bytes
    secret: bytes = field(repr=False)

    @classmethod
    def make(cls) -> "KeyPair":
        """A fresh pair."""
        return cls(*zmq.curve_keypair())


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """What a connecting side holds: its own pair and the public key of the servers of the run."""

    own: KeyPair
    server: bytes


@dataclass(frozen=True, slots=True)
class ServerKeys:
    """What a binding side holds: the servers' pair and the roles of the clients that it lets in."""

    own: KeyPair
    roles: dict[bytes, Role]


@dataclass(frozen=True, slots=True)
class RunKeys:
    """All keys of one run; only the main process holds them all."""

    server: KeyPair
    clients: dict[Role, KeyPair]
    readers: tuple[bytes, ...] = ()

    @classmethod
    def make(cls, readers: tuple[str, ...] = ()) -> "RunKeys":
        """Fresh keys for all roles; ``readers`` are public keys of foreign programs that may read."""
        clients = {role: KeyPair.make() for role in Role}
        return cls(KeyPair.make(), clients, tuple(key.encode("ascii") for key in readers))

    def client(self, role: Role) -> ClientKeys:
        """The keys of a connecting process of this role."""
        return ClientKeys(self.clients[role], self.server.public)

    def binder(self, *roles: Role) -> ServerKeys:
        """The keys of a binding process that lets these roles in; all roles where none is named."""
        allowed = {self.clients[role].public: role for role in roles or tuple(Role)}
        if Role.READER in (roles or tuple(Role)):
            allowed |= dict.fromkeys(self.readers, Role.READER)
        return ServerKeys(self.server, allowed)
