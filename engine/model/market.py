"""What stands around the trade: environments, contracts on offer, links to the outside and the halt."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Environment(StrEnum):
    """Which world orders go to; shown in the frame and the title of the window."""

    SIMULATED = "simulated"
    REPLAY = "replay"
    LIVE = "live"


class HaltDepth(IntEnum):
    """How far trading is halted. Cancels and reducing exits always pass."""

    NONE = 0
    NO_ENTRIES = 1
    CANCEL_WORKING = 2
    """No new entries, and working orders are cancelled."""
    FLATTEN = 3
    """Also: conditions are released and positions closed."""


class LinkState(StrEnum):
    """What is known of a link to the outside."""

    DOWN = "down"
    CONNECTING = "connecting"
    UP = "up"
    STALE = "stale"
    """Up by the vendor's word, but silent for longer than allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """A contract that the broker offers.

    Attributes:
        symbol: contract code.
        product: product code (TXF).
        contract_month: ``202411``.
        reference_price: previous settlement, scaled; 0 where it is not known.
        limit_up: highest price of the day, scaled; 0 where there is none.
        limit_down: lowest price of the day.
    """

    symbol: str
    product: str
    contract_month: str
    reference_price: int = 0
    limit_up: int = 0
    limit_down: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkStatus:
    """The state of one link (``trade``, ``quote``, ``feed.<symbol>``).

    Attributes:
        link: which.
        state: how it is.
        ts_last: when its last real message arrived, wall clock; 0 = never.
        text: what a person should know.
    """

    link: str
    state: LinkState
    ts_last: int = 0
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HaltChanged:
    """Trading was halted deeper, or resumed by a person."""

    depth: HaltDepth
    by: str
    text: str = ""
    ts_event: int = 0
