"""What the scanner finds: a contract worth a look, and why. Values only."""

from dataclasses import dataclass
from enum import StrEnum


class ScanKind(StrEnum):
    """What was found."""

    NEAR_CONDITION = "near_condition"
    """The price is near the trigger of an armed condition."""
    NEAR_SUPPORT = "near_support"
    """The price is near a support found in recent bars."""
    NEAR_RESISTANCE = "near_resistance"
    SESSION_HIGH = "session_high"
    SESSION_LOW = "session_low"
    VOLUME_SURGE = "volume_surge"
    RANGE_SURGE = "range_surge"
    GAP_UP = "gap_up"
    """The session opened above the range of the one before."""
    GAP_DOWN = "gap_down"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanHit:
    """One finding.

    Attributes:
        symbol: contract code.
        kind: what was found.
        price: last price, scaled.
        level: the level, high or low it is about, scaled; 0 where there is none.
        score: 0 to 1000, how much it deserves a look; hits are ranked by it.
        ts_event: exchange time of the last print that made it.
        condition_id: the condition it is about, or empty.
    """

    symbol: str
    kind: ScanKind
    price: int
    level: int = 0
    score: int = 0
    ts_event: int = 0
    condition_id: str = ""
