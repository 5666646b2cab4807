"""The checks: the exchange's own books against the ledger file and against what was asked for.

Reads the ledger file itself, read-only, not the program's memory: so it holds whoever lives or has died.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from engine.brokers.base import OrderReport
from engine.drill.line import Line
from engine.drill.results import BrokenPromise, Promise
from engine.errors import BrokerRefused
from engine.model.market import HaltChanged
from engine.model.order import Fill, Order, OrderStatus
from engine.wire.codec import from_array

_KINDS = ("order", "fill", "halt")


class LedgerReader:
    """What the ledger file says, read on from where the last look ended.

    Args:
        path: of the ledger.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seq = 0
        self.orders: dict[str, Order] = {}
        self.fills: dict[tuple[str, str], Fill] = {}
        self.fill_rows: Counter[tuple[str, str]] = Counter()
        self.halts: list[HaltChanged] = []

    def read(self) -> None:
        """Takes the rows that were committed since the last look."""
        if not self._path.exists():
            return
        database = sqlite3.connect(f"{self._path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            rows = database.execute("SELECT seq, kind, body FROM events WHERE seq > ? ORDER BY seq", (self._seq,))
            for seq, kind, body in rows:
                self._seq = seq
                if kind in _KINDS:
                    self._take(from_array(kind, json.loads(body)))
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):  # a file that has just been made
                raise
        finally:
            database.close()

    def _take(self, event: Order | Fill | HaltChanged) -> None:
        match event:
            case Order():
                self.orders[event.client_order_id] = event
            case Fill():
                key = (event.account, event.fill_id)
                self.fills[key] = event
                self.fill_rows[key] += 1
            case HaltChanged():
                self.halts.append(event)

    def net(self, account: str) -> Counter[str]:
        """Lots by contract that the fills add up to."""
        held: Counter[str] = Counter()
        for fill in self.fills.values():
            if fill.account == account:
                held[fill.symbol] += fill.side.sign * fill.quantity
        return held


class Books:
    """The exchange's books beside the ledger's.

    Args:
        line: to the exchange.
        ledger: of the program.
        account: order account.
    """

    def __init__(self, line: Line, ledger: LedgerReader, account: str) -> None:
        self._line, self.ledger, self._account = line, ledger, account
        self.reports: dict[str, OrderReport] = {}
        self.fills: dict[tuple[str, str], Fill] = {}
        self._checked: set[str] = set()
        """Orders of the runs before: they agreed, and final orders change no more."""

    def look(self) -> None:
        """Reads both books. What the exchange knows it keeps, also after its trade date has ended."""
        exchange = self._line.exchange
        for report in exchange.query_orders(self._account):
            self.reports[report.client_order_id] = report
        for fill in exchange.query_fills(self._account):
            self.fills[(fill.account, fill.fill_id)] = fill
        self.ledger.read()

    def net(self) -> dict[str, int]:
        """Lots by contract that the exchange holds for the account."""
        try:
            return self._line.exchange.query_positions(self._account)
        except BrokerRefused:
            return {}

    # --- promises that break once and for all --------------------------------------------------------------------

    def check_once(self, asked: dict[str, int], adopted: dict[str, int]) -> None:
        """No order twice, no lots too many.

        Args:
            asked: lots that each condition of the run may enter.
            adopted: lots that conditions took over from a person's order.

        Raises:
            BrokenPromise: what was seen twice.
        """
        for note, count in self._line.calls.items():
            if count > 1:
                raise BrokenPromise(Promise.ONCE, f"order {note} was sent to the exchange {count} times")
        for key, count in self.ledger.fill_rows.items():
            if count > 1:
                raise BrokenPromise(Promise.ONCE, f"fill {key[1]} is {count} times in the ledger")
        signals: Counter[str] = Counter()
        entries: Counter[str] = Counter()
        for order in self._line.orders.values():
            signals[order.signal_id] += 1
            entries[order.condition_id] += not order.reduce_only
        for signal_id, count in signals.items():
            if signal_id and count > 1:
                raise BrokenPromise(Promise.ONCE, f"signal {signal_id} led to {count} orders")
        self._check_lots(asked, adopted, entries)

    def _check_lots(self, asked: dict[str, int], adopted: dict[str, int], entries: Counter[str]) -> None:
        entered, exited = self._lots()
        for key, lots in asked.items():
            if entries[key] > 1:
                raise BrokenPromise(Promise.ONCE, f"condition {key} entered with {entries[key]} orders")
            if entered[key] > lots:
                raise BrokenPromise(Promise.ONCE, f"condition {key} entered {entered[key]} lots instead of {lots}")
            held = entered[key] + adopted.get(key, 0)
            if exited[key] > held:
                raise BrokenPromise(
                    Promise.ONCE, f"condition {key} held {held} lots, its exits closed {exited[key]}"
                )

    def _lots(self) -> tuple[Counter[str], Counter[str]]:
        """Lots that each condition entered and exited, by the exchange's fills."""
        entered, exited, orders = Counter[str](), Counter[str](), self._line.orders
        for fill in self.fills.values():
            order = orders.get(fill.client_order_id)
            if order is None:
                seen = f"fill {fill.fill_id} at the exchange belongs to an order that nobody sent"
                raise BrokenPromise(Promise.ONCE, seen)
            (exited if order.reduce_only else entered)[order.condition_id] += fill.quantity
        return entered, exited

    def held(self, asked: Iterable[str], adopted: dict[str, int]) -> dict[str, int]:
        """Lots that the exchange holds for each condition, those that hold none left out.

        Args:
            asked: conditions of the run.
            adopted: lots that conditions took over from a person's order, or gave to one.
        """
        entered, exited = self._lots()
        left = {key: entered[key] + adopted.get(key, 0) - exited[key] for key in asked}
        return {key: lots for key, lots in left.items() if lots > 0}

    def average(self, condition_id: str) -> int:
        """Average price of a condition's entry by the exchange's fills; 0 where it has none."""
        orders = self._line.orders
        own = [orders[fill.client_order_id] for fill in self.fills.values()]
        entry = [
            fill
            for fill, order in zip(self.fills.values(), own, strict=True)
            if order.condition_id == condition_id and not order.reduce_only
        ]
        lots = sum(fill.quantity for fill in entry)
        return round(sum(fill.price * fill.quantity for fill in entry) / lots) if lots else 0

    def check_ended(self, conditions: Iterable[str], adopted: dict[str, int], groups: dict[str, set[str]]) -> None:
        """No condition exits more or less than it held, and of a group only one entered.

        Args:
            conditions: of the run; all have ended.
            adopted: lots that conditions took over from a person's order.
            groups: conditions of which one cancels the others.

        Raises:
            BrokenPromise: which condition did.
        """
        entered, exited = self._lots()
        for key in conditions:
            held = entered[key] + adopted.get(key, 0)
            if exited[key] != held:
                seen = f"condition {key} held {held} lots, has ended, and its exits closed {exited[key]}"
                raise BrokenPromise(Promise.ONCE if exited[key] > held else Promise.GUARDED, seen)
        for members in groups.values():
            both = sorted(key for key in members if entered[key])
            if len(both) > 1:
                raise BrokenPromise(
                    Promise.ONCE, f"of {' and '.join(both)} one cancels the other, and both entered"
                )

    # --- promises that hold once everything has settled ----------------------------------------------------------

    def difference(self) -> tuple[Promise, str] | None:
        """The first thing in which the two books differ now, None where they agree."""
        return self._missing_fill() or self._other_order() or self._other_position()

    def _missing_fill(self) -> tuple[Promise, str] | None:
        ours, theirs = self.ledger.fills, self.fills
        for key in theirs.keys() - ours.keys():
            return Promise.NOTHING_LOST, f"fill {key[1]} of the exchange is not in the ledger"
        for key in ours.keys() - theirs.keys():
            return Promise.AGREEMENT, f"fill {key[1]} of the ledger is not known to the exchange"
        for key, fill in theirs.items():
            if (fill.price, fill.quantity, fill.side) != (ours[key].price, ours[key].quantity, ours[key].side):
                return Promise.AGREEMENT, f"fill {key[1]} is {fill} at the exchange and {ours[key]} in the ledger"
        return None

    def _other_order(self) -> tuple[Promise, str] | None:
        for note in self.reports.keys() - self.ledger.orders.keys():
            return Promise.NOTHING_LOST, f"order {note} of the exchange is not in the ledger"
        for note, order in self.ledger.orders.items():
            if note in self._checked:
                continue
            if problem := self._problem(order, self.reports.get(note)):
                return Promise.AGREEMENT, f"order {note} ({order.signal_id or 'by hand'}): {problem}"
        return None

    @staticmethod
    def _problem(order: Order, report: OrderReport | None) -> str:
        if not order.status.is_final:
            there = f"{report.status} at the exchange" if report else "not known to the exchange"
            return f"it is {order.status} in the ledger and {there}"
        if report is None:
            never = order.status in (OrderStatus.DENIED, OrderStatus.REJECTED)
            return "" if never else f"it is {order.status} in the ledger and not known to the exchange"
        ours, theirs = (order.status, order.filled), (report.status, report.filled)
        if ours != theirs:
            return f"it is {ours[0]} with {ours[1]} lots filled in the ledger, {theirs[0]} with {theirs[1]} there"
        return ""

    def _other_position(self) -> tuple[Promise, str] | None:
        theirs, ours = self.net(), self.ledger.net(self._account)
        for symbol in sorted(theirs.keys() | ours.keys()):
            if theirs.get(symbol, 0) != ours[symbol]:
                seen = (
                    f"{ours[symbol]:+d} {symbol} by the ledger's fills, {theirs.get(symbol, 0):+d} at the exchange"
                )
                return Promise.AGREEMENT, seen
        return None

    def close_run(self) -> None:
        """The books agree: orders of this run are not looked at again."""
        self._checked |= self.ledger.orders.keys()
