"""Languages of the window, switchable while it runs, and the words for every code of the engine.

Enum values are ASCII codes; what a person reads for them is chosen here and nowhere else.
"""

from collections.abc import Callable
from enum import Enum
from typing import Final, cast

from PySide6 import QtCore

import resources
from engine.model.books import DifferenceKind
from engine.model.condition import ConditionState, LevelsFrom, SessionEnd
from engine.model.guard import GuardFault
from engine.model.market import Environment, HaltDepth, LinkState
from engine.model.order import OrderStatus, OrderType, Reason, Side, TimeInForce
from engine.model.playback import PlaybackState
from engine.model.recorded import DayOrigin
from engine.model.scan import ScanKind
from engine.model.session import Phase, SessionKind
from engine.model.signal import Leg
from engine.settings import HaltRule
from engine.wire.messages import ProcessState

ENGLISH: Final = "en"
CHINESE: Final = "zh_TW"
LANGUAGES: Final = {ENGLISH: "English", CHINESE: "繁體中文"}
"""Code of each language and its name in that language."""

QT_TRANSLATE_NOOP: Final = cast(Callable[[str, str], str], QtCore.QT_TRANSLATE_NOOP)
"""Marks a text for lupdate, with its context, and returns the text: for words that are data."""

_installed: list[QtCore.QTranslator] = []


def install(language: str) -> None:
    """Makes the application speak a language; every widget gets a LanguageChange event.

    Args:
        language: a key of :data:`LANGUAGES`; anything else means English.
    """
    app = QtCore.QCoreApplication.instance()
    if app is None:
        raise RuntimeError("there is no application yet")
    while _installed:
        app.removeTranslator(_installed.pop())
    QtCore.QLocale.setDefault(QtCore.QLocale(CHINESE if language == CHINESE else "en_GB"))
    if language == CHINESE:
        own = QtCore.QTranslator(app)
        if not own.load(str(resources.path("translations/zh_TW.qm"))):
            raise FileNotFoundError("the translation zh_TW.qm cannot be read")
        base = QtCore.QTranslator(app)
        folder = QtCore.QLibraryInfo.path(QtCore.QLibraryInfo.LibraryPath.TranslationsPath)
        base.load("qtbase_zh_TW", folder)  # texts of Qt's own buttons; without them those stay English
        for translator in (base, own):
            app.installTranslator(translator)
            _installed.append(translator)


def system_language() -> str:
    """The language to begin with: Chinese where the system speaks it, else English."""
    is_chinese = QtCore.QLocale.system().language() == QtCore.QLocale.Language.Chinese
    return CHINESE if is_chinese else ENGLISH


def text(code: Enum) -> str:
    """What a person reads for a code of the engine, in the present language."""
    return QtCore.QCoreApplication.translate("Codes", _CODES[type(code), code])


def action_text(side: Side) -> str:
    """A condition's action in words of the chart: where it stands and what it does there."""
    source = _ACTIONS[side]
    return QtCore.QCoreApplication.translate("Codes", source)


def product_text(code: str) -> str:
    """The name of a product, or its code where no name is known."""
    source = _PRODUCTS.get(code)
    return QtCore.QCoreApplication.translate("Codes", source) if source else code


def broker_text(key: str) -> str:
    """The name of a broker choice, or its key where no name is known."""
    source = _BROKERS.get(key)
    return QtCore.QCoreApplication.translate("Codes", source) if source else key


def lamp_text(name: str) -> str:
    """The name of a lamp: a link (``trade``, ``feed.TXFK4``) or a process (``strategy-1``)."""
    stem, mark, rest = name.partition("." if "." in name else "-")
    source = _LAMPS.get(stem)
    if source is None:
        return name
    word = QtCore.QCoreApplication.translate("Codes", source)
    return f"{word} {rest}" if mark else word


def level_text(level: str) -> str:
    """The name of a log level."""
    source = _LEVELS.get(level)
    return QtCore.QCoreApplication.translate("Codes", source) if source else level


def problem_text(problem: str) -> str:
    """A sentence of :meth:`ConditionSpec.problem` for the screen: it begins with the name of the field."""
    source = _PROBLEMS.get(problem.partition(" ")[0])
    return QtCore.QCoreApplication.translate("Codes", source) if source else problem


def keyring_text(trouble: str) -> str:
    """What keeps the system's keyring from its work, in a sentence."""
    return QtCore.QCoreApplication.translate("Codes", _TROUBLES[trouble])


_ACTIONS: Final = {
    Side.BUY: QT_TRANSLATE_NOOP("Codes", "Buy at support"),
    Side.SELL: QT_TRANSLATE_NOOP("Codes", "Sell at resistance"),
}

_PRODUCTS: Final = {
    "TXF": QT_TRANSLATE_NOOP("Codes", "TAIEX futures"),
    "MXF": QT_TRANSLATE_NOOP("Codes", "Mini-TAIEX futures"),
    "TMF": QT_TRANSLATE_NOOP("Codes", "Micro TAIEX futures"),
}

_BROKERS: Final = {
    "simulated": QT_TRANSLATE_NOOP("Codes", "Simulated exchange"),
    "replay": QT_TRANSLATE_NOOP("Codes", "Replay a recorded day"),
    "pfcf_dll": QT_TRANSLATE_NOOP("Codes", "PFCF (.NET library)"),
    "pfcf_wheel": QT_TRANSLATE_NOOP("Codes", "PFCF (Python package)"),
}

_LAMPS: Final = {
    "trade": QT_TRANSLATE_NOOP("Codes", "Trade"),
    "quote": QT_TRANSLATE_NOOP("Codes", "Quotes"),
    "feed": QT_TRANSLATE_NOOP("Codes", "Feed"),
    "gateway": QT_TRANSLATE_NOOP("Codes", "Gateway"),
    "strategy": QT_TRANSLATE_NOOP("Codes", "Strategy"),
    "executor": QT_TRANSLATE_NOOP("Codes", "Executor"),
    "recorder": QT_TRANSLATE_NOOP("Codes", "Recorder"),
    "scanner": QT_TRANSLATE_NOOP("Codes", "Scanner"),
    "telemetry": QT_TRANSLATE_NOOP("Codes", "Telemetry"),
    "web": QT_TRANSLATE_NOOP("Codes", "Web"),
    "books": QT_TRANSLATE_NOOP("Codes", "Books"),
    "ledger": QT_TRANSLATE_NOOP("Codes", "Ledger"),
    "flatten": QT_TRANSLATE_NOOP("Codes", "Flatten"),
    "sight": QT_TRANSLATE_NOOP("Codes", "Ticks seen"),
}

_LEVELS: Final = {
    "debug": QT_TRANSLATE_NOOP("Codes", "Debug"),
    "info": QT_TRANSLATE_NOOP("Codes", "Info"),
    "warning": QT_TRANSLATE_NOOP("Codes", "Warning"),
    "error": QT_TRANSLATE_NOOP("Codes", "Error"),
    "critical": QT_TRANSLATE_NOOP("Codes", "Critical"),
}

_TROUBLES: Final = {
    "no_keyring": QT_TRANSLATE_NOOP(
        "Codes", "This system has no keyring; the password is asked for at each start."
    ),
    "locked": QT_TRANSLATE_NOOP("Codes", "The system's keyring is locked; unlock it, or enter the password."),
    "not_deleted": QT_TRANSLATE_NOOP(
        "Codes", "The keyring did not delete the password; delete it with the system's own tool."
    ),
    "refused": QT_TRANSLATE_NOOP("Codes", "The keyring refused; the password is asked for at each start."),
}
_PROBLEMS: Final = {
    "condition_id": QT_TRANSLATE_NOOP("Codes", "The condition has no id."),
    "account": QT_TRANSLATE_NOOP("Codes", "Choose an account."),
    "symbol": QT_TRANSLATE_NOOP("Codes", "Choose a contract."),
    "trigger_price": QT_TRANSLATE_NOOP("Codes", "Enter the trigger price."),
    "turning_points": QT_TRANSLATE_NOOP("Codes", "Turning points must be at least 1."),
    "take_profit_points": QT_TRANSLATE_NOOP("Codes", "Take profit must be at least 1 point away."),
    "stop_loss_points": QT_TRANSLATE_NOOP("Codes", "Stop loss must be at least 1 point away."),
    "quantity": QT_TRANSLATE_NOOP("Codes", "The quantity must be at least 1 lot."),
    "trailing_points": QT_TRANSLATE_NOOP("Codes", "The trailing stop cannot be below 0."),
    "breakeven_points": QT_TRANSLATE_NOOP("Codes", "The breakeven distance cannot be below 0."),
    "time_stop_s": QT_TRANSLATE_NOOP("Codes", "The time stop cannot be below 0."),
    "oco_group": QT_TRANSLATE_NOOP("Codes", "The name of a group: plain letters and digits, at most 64."),
}

_WORDS: Final[tuple[tuple[Enum, str], ...]] = (
    (Side.BUY, QT_TRANSLATE_NOOP("Codes", "Buy")),
    (Side.SELL, QT_TRANSLATE_NOOP("Codes", "Sell")),
    (OrderType.LIMIT, QT_TRANSLATE_NOOP("Codes", "Limit")),
    (OrderType.MARKET, QT_TRANSLATE_NOOP("Codes", "Market")),
    (OrderType.RANGE_MARKET, QT_TRANSLATE_NOOP("Codes", "Range market")),
    (TimeInForce.ROD, QT_TRANSLATE_NOOP("Codes", "ROD")),
    (TimeInForce.IOC, QT_TRANSLATE_NOOP("Codes", "IOC")),
    (TimeInForce.FOK, QT_TRANSLATE_NOOP("Codes", "FOK")),
    (OrderStatus.INTENT, QT_TRANSLATE_NOOP("Codes", "Intent")),
    (OrderStatus.SENT, QT_TRANSLATE_NOOP("Codes", "Sent")),
    (OrderStatus.ACCEPTED, QT_TRANSLATE_NOOP("Codes", "Accepted")),
    (OrderStatus.PARTIALLY_FILLED, QT_TRANSLATE_NOOP("Codes", "Partly filled")),
    (OrderStatus.FILLED, QT_TRANSLATE_NOOP("Codes", "Filled")),
    (OrderStatus.CANCELLED, QT_TRANSLATE_NOOP("Codes", "Cancelled")),
    (OrderStatus.EXPIRED, QT_TRANSLATE_NOOP("Codes", "Expired")),
    (OrderStatus.DENIED, QT_TRANSLATE_NOOP("Codes", "Denied")),
    (OrderStatus.REJECTED, QT_TRANSLATE_NOOP("Codes", "Rejected")),
    (OrderStatus.UNKNOWN, QT_TRANSLATE_NOOP("Codes", "UNKNOWN")),
    (ConditionState.DRAFT, QT_TRANSLATE_NOOP("Codes", "Draft")),
    (ConditionState.ARMED, QT_TRANSLATE_NOOP("Codes", "Armed")),
    (ConditionState.TRIGGERED, QT_TRANSLATE_NOOP("Codes", "Triggered")),
    (ConditionState.ENTERING, QT_TRANSLATE_NOOP("Codes", "Entering")),
    (ConditionState.OPEN, QT_TRANSLATE_NOOP("Codes", "Guarding")),
    (ConditionState.EXITING, QT_TRANSLATE_NOOP("Codes", "Exiting")),
    (ConditionState.CLOSED, QT_TRANSLATE_NOOP("Codes", "Closed")),
    (ConditionState.CANCELLED, QT_TRANSLATE_NOOP("Codes", "Cancelled")),
    (ConditionState.REJECTED, QT_TRANSLATE_NOOP("Codes", "Rejected")),
    (ConditionState.HELD, QT_TRANSLATE_NOOP("Codes", "Held unguarded")),
    (SessionEnd.REARM, QT_TRANSLATE_NOOP("Codes", "Go on in the next session")),
    (SessionEnd.FLATTEN, QT_TRANSLATE_NOOP("Codes", "Close before the session ends")),
    (SessionEnd.UNGUARDED, QT_TRANSLATE_NOOP("Codes", "Hold unguarded")),
    (GuardFault.NONE, QT_TRANSLATE_NOOP("Codes", "guarded")),
    (GuardFault.NOT_STARTED, QT_TRANSLATE_NOOP("Codes", "trading is stopped")),
    (GuardFault.STRATEGY_DOWN, QT_TRANSLATE_NOOP("Codes", "the strategy process does not run")),
    (GuardFault.EXECUTOR_DOWN, QT_TRANSLATE_NOOP("Codes", "the executor process does not run")),
    (GuardFault.LINK_DOWN, QT_TRANSLATE_NOOP("Codes", "no link to the broker")),
    (GuardFault.FEED_STALE, QT_TRANSLATE_NOOP("Codes", "the feed is silent")),
    (GuardFault.HELD, QT_TRANSLATE_NOOP("Codes", "held unguarded by choice")),
    (GuardFault.EXIT_FAILING, QT_TRANSLATE_NOOP("Codes", "its exits keep failing")),
    (GuardFault.EXIT_UNKNOWN, QT_TRANSLATE_NOOP("Codes", "nobody knows what became of its exit")),
    (PlaybackState.WAITING, QT_TRANSLATE_NOOP("Codes", "Waiting")),
    (PlaybackState.RUNNING, QT_TRANSLATE_NOOP("Codes", "Playing")),
    (PlaybackState.PAUSED, QT_TRANSLATE_NOOP("Codes", "Paused")),
    (PlaybackState.JUMPING, QT_TRANSLATE_NOOP("Codes", "Jumping")),
    (PlaybackState.ENDED, QT_TRANSLATE_NOOP("Codes", "Ended")),
    (DayOrigin.FILE, QT_TRANSLATE_NOOP("Codes", "Exchange's daily file")),
    (DayOrigin.RECORDED, QT_TRANSLATE_NOOP("Codes", "Recorded feed")),
    (DayOrigin.SIMULATED, QT_TRANSLATE_NOOP("Codes", "Simulated run")),
    (DifferenceKind.POSITION, QT_TRANSLATE_NOOP("Codes", "Position differs")),
    (DifferenceKind.FILL, QT_TRANSLATE_NOOP("Codes", "Fills differ")),
    (DifferenceKind.ORDER, QT_TRANSLATE_NOOP("Codes", "Order differs")),
    (DifferenceKind.EXTERNAL_ORDER, QT_TRANSLATE_NOOP("Codes", "Order made elsewhere")),
    (LevelsFrom.ENTRY_LEVEL, QT_TRANSLATE_NOOP("Codes", "Entry level")),
    (LevelsFrom.AVERAGE_FILL, QT_TRANSLATE_NOOP("Codes", "Average fill")),
    (Leg.ENTRY, QT_TRANSLATE_NOOP("Codes", "Entry")),
    (Leg.TAKE_PROFIT, QT_TRANSLATE_NOOP("Codes", "Take profit")),
    (Leg.STOP_LOSS, QT_TRANSLATE_NOOP("Codes", "Stop loss")),
    (Leg.TRAILING_STOP, QT_TRANSLATE_NOOP("Codes", "Trailing stop")),
    (Leg.CLOSE, QT_TRANSLATE_NOOP("Codes", "Close")),
    (Leg.BREAKEVEN_STOP, QT_TRANSLATE_NOOP("Codes", "Breakeven stop")),
    (Leg.TIME_STOP, QT_TRANSLATE_NOOP("Codes", "Time stop")),
    (Leg.SESSION_END, QT_TRANSLATE_NOOP("Codes", "Session end")),
    (LinkState.DOWN, QT_TRANSLATE_NOOP("Codes", "Down")),
    (LinkState.CONNECTING, QT_TRANSLATE_NOOP("Codes", "Connecting")),
    (LinkState.UP, QT_TRANSLATE_NOOP("Codes", "Up")),
    (LinkState.STALE, QT_TRANSLATE_NOOP("Codes", "Silent")),
    (ProcessState.STARTING, QT_TRANSLATE_NOOP("Codes", "starts")),
    (ProcessState.READY, QT_TRANSLATE_NOOP("Codes", "runs")),
    (ProcessState.DEAD, QT_TRANSLATE_NOOP("Codes", "ended unasked; it is started again")),
    (ProcessState.HUNG, QT_TRANSLATE_NOOP("Codes", "gives no sign of life")),
    (ProcessState.GAVE_UP, QT_TRANSLATE_NOOP("Codes", "died too often and stays down: look at the log")),
    (ProcessState.STOPPED, QT_TRANSLATE_NOOP("Codes", "stopped")),
    (HaltDepth.NONE, QT_TRANSLATE_NOOP("Codes", "Trading allowed")),
    (HaltDepth.NO_ENTRIES, QT_TRANSLATE_NOOP("Codes", "New entries stopped")),
    (HaltDepth.CANCEL_WORKING, QT_TRANSLATE_NOOP("Codes", "Entries stopped, orders cancelled")),
    (HaltDepth.FLATTEN, QT_TRANSLATE_NOOP("Codes", "Entries stopped, flattened")),
    (HaltRule.NONE, QT_TRANSLATE_NOOP("Codes", "Only refuse entries")),
    (HaltRule.NO_ENTRIES, QT_TRANSLATE_NOOP("Codes", "Stop new entries")),
    (HaltRule.CANCEL_WORKING, QT_TRANSLATE_NOOP("Codes", "Stop entries, cancel orders")),
    (HaltRule.FLATTEN, QT_TRANSLATE_NOOP("Codes", "Stop entries, flatten")),
    (Environment.SIMULATED, QT_TRANSLATE_NOOP("Codes", "SIMULATED")),
    (Environment.REPLAY, QT_TRANSLATE_NOOP("Codes", "REPLAY")),
    (Environment.LIVE, QT_TRANSLATE_NOOP("Codes", "LIVE")),
    (SessionKind.DAY, QT_TRANSLATE_NOOP("Codes", "Day session")),
    (SessionKind.NIGHT, QT_TRANSLATE_NOOP("Codes", "Night session")),
    (Phase.CLOSED, QT_TRANSLATE_NOOP("Codes", "Market closed")),
    (Phase.PRE_OPEN, QT_TRANSLATE_NOOP("Codes", "Order entry before the open")),
    (Phase.ADD_ONLY, QT_TRANSLATE_NOOP("Codes", "Before the open: no changes, no cancels")),
    (Phase.CONTINUOUS, QT_TRANSLATE_NOOP("Codes", "Continuous trading")),
    (Reason.NONE, ""),
    (Reason.ORDER_SIZE, QT_TRANSLATE_NOOP("Codes", "Order too large")),
    (Reason.POSITION_LIMIT, QT_TRANSLATE_NOOP("Codes", "Position limit")),
    (Reason.PRICE_BAND, QT_TRANSLATE_NOOP("Codes", "Too far from the market")),
    (Reason.PRICE_LIMIT, QT_TRANSLATE_NOOP("Codes", "Outside of the daily price limits")),
    (Reason.TICK_SIZE, QT_TRANSLATE_NOOP("Codes", "Not a price step")),
    (Reason.SESSION_CLOSED, QT_TRANSLATE_NOOP("Codes", "Market closed")),
    (Reason.STALE_FEED, QT_TRANSLATE_NOOP("Codes", "Quotes are silent")),
    (Reason.NO_PRICE, QT_TRANSLATE_NOOP("Codes", "No price yet")),
    (Reason.HALTED, QT_TRANSLATE_NOOP("Codes", "Trading is halted")),
    (Reason.EXIT_WORKING, QT_TRANSLATE_NOOP("Codes", "Other orders close it already")),
    (Reason.NOT_REDUCING, QT_TRANSLATE_NOOP("Codes", "Would not reduce the position")),
    (Reason.NOT_CONNECTED, QT_TRANSLATE_NOOP("Codes", "Not connected")),
    (Reason.UNKNOWN_SYMBOL, QT_TRANSLATE_NOOP("Codes", "Unknown contract")),
    (Reason.UNKNOWN_ACCOUNT, QT_TRANSLATE_NOOP("Codes", "Unknown account")),
    (Reason.UNKNOWN_ORDER, QT_TRANSLATE_NOOP("Codes", "Unknown order")),
    (Reason.UNKNOWN_CONDITION, QT_TRANSLATE_NOOP("Codes", "Unknown condition")),
    (Reason.NOT_WORKING, QT_TRANSLATE_NOOP("Codes", "Order no longer works")),
    (Reason.STALE_SIGNAL, QT_TRANSLATE_NOOP("Codes", "Signal too old")),
    (Reason.DUPLICATE, QT_TRANSLATE_NOOP("Codes", "Duplicate")),
    (Reason.INVALID, QT_TRANSLATE_NOOP("Codes", "Not valid")),
    (Reason.FORBIDDEN, QT_TRANSLATE_NOOP("Codes", "Not allowed")),
    (Reason.LEDGER, QT_TRANSLATE_NOOP("Codes", "Ledger failed")),
    (Reason.BROKER, QT_TRANSLATE_NOOP("Codes", "Refused by the broker")),
    (Reason.AMBIGUOUS, QT_TRANSLATE_NOOP("Codes", "No answer, outcome unknown")),
    (Reason.SESSION_ENDED, QT_TRANSLATE_NOOP("Codes", "Session ended")),
    (Reason.PERSON, QT_TRANSLATE_NOOP("Codes", "By hand")),
    (Reason.KILLED, QT_TRANSLATE_NOOP("Codes", "Rest cancelled by the exchange")),
    (Reason.TOTAL_POSITION, QT_TRANSLATE_NOOP("Codes", "Total position limit")),
    (Reason.DAILY_LOSS, QT_TRANSLATE_NOOP("Codes", "Daily loss limit")),
    (Reason.ORDER_RATE, QT_TRANSLATE_NOOP("Codes", "Too many orders a minute")),
    (Reason.ORDERS_A_DAY, QT_TRANSLATE_NOOP("Codes", "Too many orders a day")),
    (Reason.MARGIN, QT_TRANSLATE_NOOP("Codes", "Margin")),
    (Reason.SESSION_CLOSING, QT_TRANSLATE_NOOP("Codes", "Session about to close")),
    (Reason.RECONCILING, QT_TRANSLATE_NOOP("Codes", "Not yet compared with the broker")),
    (Reason.OTHER_CANCELS, QT_TRANSLATE_NOOP("Codes", "The other condition of the group was first")),
    (Reason.GAP, QT_TRANSLATE_NOOP("Codes", "Ticks are missing")),
    (Reason.TOO_MANY_REQUESTS, QT_TRANSLATE_NOOP("Codes", "Too many requests")),
    (Reason.EXTERNAL, QT_TRANSLATE_NOOP("Codes", "Made elsewhere")),
    (Reason.DIFFERENCE, QT_TRANSLATE_NOOP("Codes", "The broker counts other lots")),
    (Reason.SETTLED, QT_TRANSLATE_NOOP("Codes", "Settled by the exchange")),
    (ScanKind.NEAR_CONDITION, QT_TRANSLATE_NOOP("Codes", "Near a condition")),
    (ScanKind.NEAR_SUPPORT, QT_TRANSLATE_NOOP("Codes", "Near a support")),
    (ScanKind.NEAR_RESISTANCE, QT_TRANSLATE_NOOP("Codes", "Near a resistance")),
    (ScanKind.SESSION_HIGH, QT_TRANSLATE_NOOP("Codes", "New session high")),
    (ScanKind.SESSION_LOW, QT_TRANSLATE_NOOP("Codes", "New session low")),
    (ScanKind.VOLUME_SURGE, QT_TRANSLATE_NOOP("Codes", "Volume surge")),
    (ScanKind.RANGE_SURGE, QT_TRANSLATE_NOOP("Codes", "Range surge")),
    (ScanKind.GAP_UP, QT_TRANSLATE_NOOP("Codes", "Gap up")),
    (ScanKind.GAP_DOWN, QT_TRANSLATE_NOOP("Codes", "Gap down")),
)
# Codes of different enums can be the same text, so the enum belongs to the key.
_CODES: Final = {(type(code), code): source for code, source in _WORDS}
