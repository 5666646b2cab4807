"""The journal: writes what happened to the ledger first and tells it on the feed afterwards.

What changed is collected while a batch of input is handled, committed, and then published. A fact that cannot be
written still holds and is written later; meanwhile entries are refused and the person is told.
"""

import time
from dataclasses import dataclass

from engine import logs
from engine.brokers.base import ApprovedOrder
from engine.errors import LedgerError
from engine.gateway.ledger import Ledger
from engine.gateway.points import OnPoint, Point
from engine.gateway.publisher import TickPublisher
from engine.gateway.state import Event
from engine.model.condition import Condition, ConditionExecution
from engine.model.market import LinkState, LinkStatus
from engine.model.order import Fill, Order, OrderStatus, Reason

log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class _Outgoing:
    topic: str
    body: object
    cause: str


class Journal:
    """Used on the gateway's thread only.

    Args:
        ledger: open.
        feed: where events are published.
        on_point: called when an order or fill is durable and not yet told (drills and measurements only).
    """

    def __init__(self, ledger: Ledger, feed: TickPublisher, on_point: OnPoint | None = None) -> None:
        self._ledger, self._feed, self._on_point = ledger, feed, on_point
        self.state = ledger.state
        self.links: dict[str, LinkStatus] = {}
        self.error = ""
        """Why the ledger cannot be written now; empty if it can."""
        self.failure = ""
        """Something that must not happen and has; the gateway halts for it."""
        self._uncommitted: list[Event] = []
        """Events that are not known to be durable, in their order."""
        self._outbox: list[_Outgoing] = []

    @property
    def has_news(self) -> bool:
        """Something waits to be told."""
        return bool(self._outbox)

    def record(self, event: Event) -> None:
        """Writes an event; a fact that cannot be written still holds, and the person is told."""
        self._uncommitted.append(event)
        if not self.error:
            try:
                self._ledger.write(event, time.time_ns())
            except LedgerError as error:
                self._failed(error)
        self._ledger.apply(event)

    def write_again(self) -> None:
        """Facts that could not be written are tried again, in their order; when all are, entries pass again."""
        if not self.error:
            return
        try:
            for event in self._uncommitted:
                self._ledger.write(event, time.time_ns())
            self._ledger.commit()
        except LedgerError:
            self._ledger.rollback()
            return
        self._uncommitted.clear()
        self.error = ""
        self._note(is_unwritten=False)
        self.set_link("ledger", LinkState.UP, "")

    def tell(self, topic: str, body: object, cause: str = "") -> None:
        """Publishes with the next commit."""
        self._outbox.append(_Outgoing(topic, body, cause))

    def flush(self) -> None:
        """Commits what was recorded, then publishes what was told."""
        self._commit()
        outbox, self._outbox = self._outbox, []
        for item in outbox:
            if self._on_point and isinstance(item.body, Order | Fill):
                point = Point.FILL_RECORDED if isinstance(item.body, Fill) else Point.RECORDED
                self._on_point(point, item.body.client_order_id)
            try:
                self._feed.event(item.topic, item.body, item.cause)
            except Exception as error:  # its number is used up: whoever reads sees a gap and asks for a snapshot
                log.exception("an event cannot be told", topic=item.topic)
                self.fail(f"{item.topic} cannot be told ({error!r}); see the log")

    def _commit(self) -> None:
        """Makes what was written durable; what was not stays in the list and is written later."""
        if self.error or not self._uncommitted:
            return
        try:
            self._ledger.commit()
        except LedgerError as error:
            self._failed(error)
        else:
            self._uncommitted.clear()

    def _failed(self, error: LedgerError) -> None:
        self._ledger.rollback()
        self.error = str(error)
        log.error("ledger failed; entries are refused", error=str(error))
        self._note(is_unwritten=True)
        self.set_link("ledger", LinkState.DOWN, str(error))

    def _note(self, *, is_unwritten: bool) -> None:
        """Whoever opens the ledger next shall know, should this process end before it can write."""
        try:
            self._ledger.lock.note(is_unwritten)
        except OSError as error:
            log.error("the state of the ledger cannot be noted beside it", error=str(error))

    def tell_order(self, order: Order, cause: str = "") -> None:
        """Records and publishes an order as it is now, and what it means for its condition."""
        self.record(order)
        self.tell(f"order.{order.symbol}", order, cause)
        self._tell_execution(order, cause)

    def _tell_execution(self, order: Order, cause: str) -> None:
        if order.condition_id:
            held = self.state.holding(order.condition_id)
            self.tell(
                f"condition.{order.condition_id}",
                ConditionExecution(
                    condition_id=order.condition_id,
                    order=order,
                    entered=held.entered,
                    entry_value=held.entry_value,
                    exited=held.exited,
                ),
                cause,
            )

    def tell_order_again(self, order: Order) -> None:
        """Publishes an order for whoever missed it."""
        self.tell(f"order.{order.symbol}", order)
        self._tell_execution(order, "")

    def tell_condition(self, condition: Condition, cause: str = "") -> None:
        """Records and publishes a condition."""
        self.record(condition)
        self.tell(f"condition.{condition.condition_id}", condition, cause)

    def set_link(self, link: str, state: LinkState, text: str = "") -> None:
        """Publishes the state of a link if it changed."""
        before = self.links.get(link)
        if before is None or (before.state, before.text) != (state, text):
            self.links[link] = LinkStatus(link=link, state=state, ts_last=time.time_ns(), text=text)
            self.tell(f"link.{link}", self.links[link])

    def fail(self, text: str) -> None:
        """Notes that something happened that must not happen: entries are halted until a person has looked."""
        self.failure = self.failure or text

    def touch_link(self, link: str) -> None:
        """Publishes that a link is up as of now, also where it was before."""
        self.links[link] = LinkStatus(link=link, state=LinkState.UP, ts_last=time.time_ns())
        self.tell(f"link.{link}", self.links[link])

    def intend(self, approved: ApprovedOrder, cause: str) -> ApprovedOrder | Order:
        """Writes the intent and waits until it is durable; an entry whose intent is not is denied.

        An exit is attempted all the same.

        Returns:
            The same approval where the broker may be called, otherwise the denied order.
        """
        order = approved.order
        self._commit()
        if not self.error:
            try:
                self._ledger.write(order, time.time_ns())
                self._ledger.commit()
            except LedgerError as error:
                self._failed(error)
        if self.error and not approved.is_reducing:
            denied = order.moved(OrderStatus.DENIED, order.ts_created, reason=Reason.LEDGER, text=self.error)
            self.tell_order(denied, cause)
            return denied
        if self.error:
            self._uncommitted.append(order)
        self._ledger.apply(order)
        return approved
