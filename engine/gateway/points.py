"""The named points of an order's life at which a crash must lose nothing: for drills and measurements only."""

from collections.abc import Callable
from enum import StrEnum


class Point(StrEnum):
    """Where the gateway is with an order."""

    APPROVED = "approved"
    """It has passed risk; its intent is not written."""
    INTENT_DURABLE = "intent_durable"
    """The intent is durable; the broker has not been called."""
    CALLED = "called"
    """The broker has it; what came of the call is not written."""
    RECORDED = "recorded"
    """An outcome or reply is durable; it is not published."""
    FILL_RECORDED = "fill_recorded"
    """A fill is durable; it is not published."""


OnPoint = Callable[[Point, str], None]
"""Called on the gateway's thread with the point and the signal id, or the client order id where there is none."""
