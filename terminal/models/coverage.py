"""What is known of the protection of each position, judged by its age, and its words.

A word that has grown old is worth nothing: the last green is never kept.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from PySide6 import QtCore

from engine.model.condition import Condition
from engine.model.guard import Coverage, Guard, GuardFault
from engine.model.position import Position
from engine.model.signal import Leg
from engine.timing import NS_PER_S
from terminal import formats, i18n

SILENCE_S: Final = 3.0
"""Coverage is told at least once a second; a position not spoken of for longer is in an unknown state."""
DOUBT_S: Final = 10.0
"""Lots whose protection is unknown for longer raise the alarm as naked ones do."""

Key = tuple[str, str]
"""Account and contract code."""
Known = Callable[[Guard, str], GuardFault]
"""What is known against a guard in a contract."""


class Protection(StrEnum):
    """How well a position is protected."""

    GUARDED = "guarded"
    NAKED = "naked"
    """Some lots are not guarded; it is not yet an alarm."""
    CHOSEN = "chosen"
    """Lots are not guarded, by the trader's own choice."""
    UNKNOWN = "unknown"
    """Nobody told about it lately."""
    ALARM = "alarm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What the strip shows of one held contract.

    Attributes:
        coverage: the last word on it.
        protection: what that is worth now.
        silent_s: age of the last word, seconds; None = never heard.
        naked_s: for how long lots have been naked.
    """

    coverage: Coverage
    protection: Protection
    silent_s: float | None
    naked_s: float = 0.0

    @property
    def key(self) -> Key:
        """Account and contract code."""
        return (self.coverage.account, self.coverage.symbol)

    @property
    def unheld(self) -> int:
        """Lots that no condition holds: these can be put under guard."""
        return max(0, abs(self.coverage.net) - sum(guard.lots for guard in self.coverage.guards))

    @property
    def faults(self) -> tuple[GuardFault, ...]:
        """Why conditions that hold lots do not guard them, each once."""
        return tuple(dict.fromkeys(guard.fault for guard in self.coverage.guards if guard.fault))


class CoverageBook:
    """The last word on each position, with the time at which it was heard. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._words: dict[Key, tuple[Coverage, float]] = {}
        self._held: dict[Key, tuple[int, float]] = {}
        self._pulse: float | None = None

    def clear(self) -> None:
        """Nobody is logged in."""
        self._words.clear()
        self._held.clear()
        self._pulse = None

    def hear(self, coverage: Coverage, now_s: float) -> None:
        """Takes a word on a position."""
        self._words[coverage.account, coverage.symbol] = (coverage, now_s)
        self.hear_pulse(now_s)

    def hear_pulse(self, now_s: float) -> None:
        """The gateway lives."""
        self._pulse = now_s

    def hold(self, position: Position, now_s: float) -> None:
        """A position as the books have it: it must be spoken of soon."""
        key = (position.account, position.symbol)
        if not position.net:
            self._held.pop(key, None)
        else:
            since = self._held[key][1] if key in self._held else now_s
            self._held[key] = (position.net, since)

    def silent_s(self, now_s: float) -> float | None:
        """Age of the last sign of life of the gateway; None = never."""
        return None if self._pulse is None else now_s - self._pulse

    def holdings(self, now_s: float, now_ns: int, known: Known | None = None) -> tuple[Holding, ...]:
        """What is held now, by contract.

        Args:
            now_s: monotonic seconds.
            now_ns: the wall clock, ns UTC, for the age of nakedness.
            known: what the window itself knows against a guard in a contract: the gateway's next word may be a
                second away.
        """
        found = []
        for key in sorted(self._words.keys() | self._held.keys(), key=lambda key: (key[1], key[0])):
            word, net = self._words.get(key), self._held.get(key)
            if word is not None and now_s - word[1] <= SILENCE_S:
                if word[0].net or word[0].naked:
                    coverage = weakened(word[0], known) if known else word[0]
                    found.append(_judged(coverage, now_s - word[1], now_ns))
            elif net is not None or (word is not None and word[0].net):
                found.append(_doubted(key, word, net, now_s))
        return tuple(found)

    def fault_of(self, condition_id: str, now_s: float) -> GuardFault | None:
        """Why a condition that holds lots does not guard them; None where nobody told lately.

        NONE also for a condition that was never spoken of.
        """
        for coverage, heard_s in self._words.values():
            for guard in coverage.guards:
                if guard.condition_id == condition_id:
                    return guard.fault if now_s - heard_s <= SILENCE_S else None
        return GuardFault.NONE


def weakened(coverage: Coverage, known: Known) -> Coverage:
    """A word on a position after something is known against guards that it still counts.

    Lots that working exit orders are about to close stay guarded: those orders are at the exchange.
    """
    guards = tuple(
        guard if guard.fault else replace(guard, fault=known(guard, coverage.symbol)) for guard in coverage.guards
    )
    if guards == coverage.guards:
        return coverage
    lost = sum(now.lots for now, was in zip(guards, coverage.guards, strict=True) if now.fault and not was.fault)
    guarded = max(coverage.closing, coverage.guarded - lost)
    naked = abs(coverage.net) - guarded
    by_choice = coverage.is_by_choice and naked == coverage.naked
    return replace(coverage, guards=guards, guarded=guarded, naked=naked, is_by_choice=by_choice)


def _judged(coverage: Coverage, silent_s: float, now_ns: int) -> Holding:
    if not coverage.naked:
        return Holding(coverage=coverage, protection=Protection.GUARDED, silent_s=silent_s)
    protection = Protection.NAKED
    if coverage.is_by_choice:
        protection = Protection.CHOSEN
    elif coverage.is_alarm:
        protection = Protection.ALARM
    naked_s = max(0, now_ns - coverage.naked_since) / NS_PER_S if coverage.naked_since else 0.0
    return Holding(coverage=coverage, protection=protection, silent_s=silent_s, naked_s=naked_s)


def _doubted(
    key: Key, word: tuple[Coverage, float] | None, held: tuple[int, float] | None, now_s: float
) -> Holding:
    """A position that nobody spoke of lately: its lots are known, what guards them is not."""
    net = held[0] if held else word[0].net if word else 0
    since = max(word[1] if word else 0.0, held[1] if held else 0.0)
    if word is None:
        known = Coverage(account=key[0], symbol=key[1], net=net)
    else:
        known = replace(word[0], net=net, guarded=0, naked=0, closing=0, guards=(), naked_since=0, is_alarm=False)
    is_alarm = now_s - since > DOUBT_S
    return Holding(
        coverage=known,
        protection=Protection.ALARM if is_alarm else Protection.UNKNOWN,
        silent_s=now_s - word[1] if word else None,
    )


def is_unknown(holding: Holding) -> bool:
    """Nobody told lately what guards it, whether that is an alarm already or not."""
    return holding.silent_s is None or holding.silent_s > SILENCE_S


def stop_leg(condition: Condition | None) -> Leg:
    """Which stop guards a condition's lots now: the fixed one, the trailing one, or the one at breakeven."""
    return Leg.STOP_LOSS if condition is None else condition.stop[1]


# --- words -------------------------------------------------------------------------------------------------------


def side_text(net: int) -> str:
    """Direction in a sign and a word, so that no colour is needed."""
    word = (
        QtCore.QCoreApplication.translate("Coverage", "Long")
        if net > 0
        else QtCore.QCoreApplication.translate("Coverage", "Short")
    )
    return f"{'▲' if net > 0 else '▼'} {word} {abs(net)}"


def figures_text(holding: Holding) -> str:
    """How many lots are guarded, being closed and naked."""
    translate, coverage = QtCore.QCoreApplication.translate, holding.coverage
    if is_unknown(holding):
        return translate("Coverage", "Protection unknown")
    parts = []
    if coverage.guarded and coverage.closing:
        text = translate("Coverage", "{lots} guarded, {closing} of them closing")
        parts.append(text.format(lots=coverage.guarded, closing=coverage.closing))
    elif coverage.guarded:
        parts.append(translate("Coverage", "{lots} guarded").format(lots=coverage.guarded))
    if coverage.naked:
        parts.append(translate("Coverage", "{lots} NOT guarded").format(lots=coverage.naked))
    return " · ".join(parts)


def guards_text(holding: Holding, conditions: Mapping[str, Condition]) -> str:
    """By what it is guarded: stop and target of each condition that does."""
    if is_unknown(holding):
        return ""
    working = (guard for guard in holding.coverage.guards if not guard.fault)
    return "; ".join(_guard_text(guard, holding, conditions.get(guard.condition_id)) for guard in working)


def _guard_text(guard: Guard, holding: Holding, condition: Condition | None) -> str:
    symbol = holding.coverage.symbol
    template = QtCore.QCoreApplication.translate("Coverage", "{id}: {stop} {stop_price}, {target} {target_price}")
    return template.format(
        id=guard.condition_id,
        stop=i18n.text(stop_leg(condition)),
        stop_price=formats.price(symbol, guard.stop_loss),
        target=i18n.text(Leg.TAKE_PROFIT),
        target_price=formats.price(symbol, guard.take_profit),
    )


def why_text(holding: Holding) -> str:
    """Why lots are not guarded, or why nobody knows; empty where all is well."""
    translate = QtCore.QCoreApplication.translate
    if is_unknown(holding):
        if holding.silent_s is None:
            return translate("Coverage", "nothing heard yet")
        age = formats.age(round(holding.silent_s * NS_PER_S))
        return translate("Coverage", "last heard {age} ago").format(age=age)
    if not holding.coverage.naked and not holding.faults:
        return ""
    reasons = [i18n.text(fault) for fault in holding.faults]
    if holding.unheld and holding.coverage.naked:
        reasons.append(translate("Coverage", "{lots} held by no condition").format(lots=holding.unheld))
    text = ", ".join(reasons)
    if holding.naked_s:
        age = formats.age(round(holding.naked_s * NS_PER_S))
        return translate("Coverage", "{reasons}, for {age}").format(reasons=text, age=age)
    return text


def alarm_text(holdings: Iterable[Holding]) -> str:
    """What the title of the window says of all alarms; empty without one."""
    translate = QtCore.QCoreApplication.translate
    parts = [
        f"{holding.coverage.symbol} × {holding.coverage.naked or abs(holding.coverage.net)}"
        for holding in holdings
        if holding.protection is Protection.ALARM
    ]
    return translate("Coverage", "NOT GUARDED: {lots}").format(lots=", ".join(parts)) if parts else ""
