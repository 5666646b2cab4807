"""Where our books and the broker's may differ: differences, taken-over positions, and changes of the limits."""

from dataclasses import dataclass
from enum import StrEnum

from engine.settings import Risk


class DifferenceKind(StrEnum):
    """What differs."""

    POSITION = "position"
    """Net lots of a contract."""
    FILL = "fill"
    """The broker counts more or fewer lots filled of an order than its fills add up to."""
    ORDER = "order"
    """An order works here and not at the broker, or the other way round."""
    EXTERNAL_ORDER = "external_order"
    """An order made elsewhere appeared; it was taken over as external."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A fact: our books and the broker's differ, or no longer do.

    Attributes:
        kind: what differs.
        account: order account.
        symbol: contract code.
        client_order_id: of the order it is about, empty for a position.
        ours: lots (or status) in the ledger.
        theirs: lots (or status) at the broker.
        text: for people: what it means and what to do.
        is_settled: the two agree (again).
        ts_event: when it was found, market time.
    """

    kind: DifferenceKind
    account: str
    symbol: str
    client_order_id: str = ""
    ours: str = ""
    theirs: str = ""
    text: str = ""
    is_settled: bool = False
    ts_event: int = 0

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What it is about; a later difference of the same key replaces it."""
        return (self.kind, self.account, self.symbol, self.client_order_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionAdjusted:
    """A fact: a person took over the broker's figure for a position, or an expired contract was settled.

    Attributes:
        account: order account.
        symbol: contract code.
        lots: signed lots added to ours.
        price: at which they count as bought or sold, scaled.
        by: who: ``window`` or ``settlement``.
        text: why.
        ts_event: market time.
    """

    account: str
    symbol: str
    lots: int
    price: int
    by: str = ""
    text: str = ""
    ts_event: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsChanged:
    """A fact: the limits of risk are these from now on.

    Attributes:
        limits: all of them.
        by: ``settings`` where the settings file said so when the program started, ``window`` for a person.
        text: what was changed, for people.
        ts_event: market time.
    """

    limits: Risk
    by: str
    text: str = ""
    ts_event: int = 0
