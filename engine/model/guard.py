"""Protection coverage as values: which lots of a position are guarded, by what, and which are naked.

Computed by :mod:`engine.gateway.coverage` from fills, live conditions and the health of the processes.
"""

from dataclasses import dataclass
from enum import StrEnum

from engine.model.condition import ConditionState, SessionEnd


class GuardFault(StrEnum):
    """Why a condition does not guard its lots now, although it should."""

    NONE = ""
    NOT_STARTED = "not_started"
    """The trading processes do not run: nobody pressed Start, or somebody pressed Stop."""
    STRATEGY_DOWN = "strategy_down"
    EXECUTOR_DOWN = "executor_down"
    LINK_DOWN = "link_down"
    """No link to the broker's order side."""
    FEED_STALE = "feed_stale"
    """The feed is silent in an open session: nobody sees the price reach the stop."""
    HELD = "held"
    """Unguarded by the trader's choice until a person arms it."""
    EXIT_FAILING = "exit_failing"
    """Its exits are refused, or find nobody to trade with, one after the other. It goes on trying."""
    EXIT_UNKNOWN = "exit_unknown"
    """Nobody has said for too long what became of its exit; no other is sent before that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What one condition does for a position.

    Attributes:
        condition_id: which condition.
        lots: held by it.
        state: of the condition.
        take_profit: price, scaled.
        stop_loss: price, scaled; trailing and breakeven taken into account.
        session_end: what becomes of it at the close.
        fault: why it does not guard now; NONE where it does.
    """

    condition_id: str
    lots: int
    state: ConditionState
    take_profit: int
    stop_loss: int
    session_end: SessionEnd
    fault: GuardFault = GuardFault.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How far one position is guarded: ``guarded + naked == abs(net)``.

    Attributes:
        account: order account.
        symbol: contract code.
        net: lots held, negative when short.
        guarded: lots that a working guard would close.
        naked: lots that nothing guards.
        closing: lots that working exit orders are about to close; part of ``guarded``. Exits of which nobody knows
            what became, and those of a condition whose exits keep failing, do not count.
        guards: the conditions that hold lots of it, also those that do not guard now.
        naked_since: since when lots are naked, wall clock; 0 where none are.
        is_alarm: they have been for longer than the settings allow.
        is_by_choice: every naked lot is held unguarded by the trader's choice; that raises no alarm.
    """

    account: str
    symbol: str
    net: int
    guarded: int = 0
    naked: int = 0
    closing: int = 0
    guards: tuple[Guard, ...] = ()
    naked_since: int = 0
    is_alarm: bool = False
    is_by_choice: bool = False
