"""A replayed day as a broker: the prints of a tape as ticks, the trader's orders matched against them.

The rules of a fill are in :mod:`engine.brokers.print_matching`. Replay time decides, not wall time: the market
moves in *rounds*, and in each it waits until every strategy has answered. A round is, in this order:

1. requests that have come are taken, orders sorted by (cause, client order id);
2. the next position is chosen: up to ``chunk`` prints on, no further than :mod:`engine.brokers.pacing` allows, and
   alone the very next print where an order would trade at it;
3. fills up to that position are told, then the prints that were not told before, then ``on_pace``;
4. the answers are awaited. A strategy that gave signals at a print stops there and answers with its position;
   the lowest answer is where the next round begins.

So the fills that a signal leads to reach every strategy before any later print, whatever the chunk and speed.
Bids and asks are not in the data: there are no books.
"""

import threading
import time
from collections.abc import Iterable
from typing import Final

from engine.brokers.base import ApprovedOrder, BrokerListener, Credentials, OrderReport
from engine.brokers.desk import Told
from engine.brokers.pacing import Pacing
from engine.brokers.replay_market import (
    CancelRequest,
    ChangeRequest,
    ReplaceRequest,
    ReplayMarket,
    order_number,
)
from engine.brokers.tape import Tape
from engine.errors import BrokerRefused
from engine.model.market import Contract, Environment, LinkState
from engine.model.order import Fill, Order, Reason
from engine.model.playback import Playback, PlaybackState
from engine.model.position import Account
from engine.model.session import TradingCalendar
from engine.timing import ManualClock

ACCOUNT: Final = "REPLAY"
LINKS: Final = ("trade", "quote")


class ReplayBroker:
    """A :class:`engine.brokers.base.Broker` over one tape, and the :class:`engine.model.playback.Player` of it.

    It always tells the prints of all its contracts: their numbers are those of the tape, whoever subscribes
    when. An order's ``tick_seq`` is therefore the number of a print; 0 stands for the last one told.

    Args:
        tape: all prints.
        speed: market seconds in a second; 0 = as fast as the strategies can.
        calendar: sessions and trading days.
        chunk: most prints in a round.

    Raises:
        UnknownInstrument: a symbol of the tape is no contract.
    """

    environment = Environment.REPLAY
    is_paced = True

    def __init__(
        self, tape: Tape, *, speed: float = 0.0, calendar: TradingCalendar | None = None, chunk: int = 500
    ) -> None:
        self.tape = tape
        self.timeline = tape.timeline
        self.clock = ManualClock(tape.at(1).print.ts_event)
        self._market = ReplayMarket(tape, calendar or TradingCalendar())
        self._pacing = Pacing(tape, speed)
        self._symbols = frozenset(tape.prints)
        self._listener: BrokerListener | None = None
        self._chunk = chunk
        self._wake = threading.Condition()
        self._orders: list[Order] = []
        self._changes: list[ChangeRequest] = []
        self._known: set[str] = set()
        self._pacers: frozenset[str] = frozenset()
        self._awaited: frozenset[str] = frozenset()
        self._answers: dict[str, tuple[int, int]] = {}
        self._round = 0
        self._target = 0
        self._told = 0
        self._is_closing = False
        self._is_ended = False
        self._thread = threading.Thread(target=self._run, name="replay", daemon=True)

    # ------------------------------------------------------------------------------------------ Broker

    def login(self, credentials: Credentials) -> tuple[Account, ...]:
        """Anybody is welcome."""
        return (Account(account=ACCOUNT, name=credentials.user),)

    def contracts(self) -> tuple[Contract, ...]:
        """The replayed contracts; the tape does not tell the previous settlement, so there are no limits."""
        return self._market.contracts()

    def start(self, listener: BrokerListener) -> None:
        self._listener = listener
        self._thread.start()

    def subscribe(self, symbol: str) -> None:
        """Only checks that the contract is replayed: its prints are told in any case."""
        if symbol not in self._symbols:
            raise BrokerRefused(Reason.UNKNOWN_SYMBOL, f"{symbol} is not replayed.")

    def unsubscribe(self, symbol: str) -> None:
        """Changes nothing: numbers must not depend on who looks."""

    def submit(self, approved: ApprovedOrder) -> str:
        order = approved.order
        with self._wake:
            self._check_order(order)
            self._known.add(order.client_order_id)
            self._orders.append(order)
            self._wake.notify_all()
        return order_number(order.client_order_id)

    def cancel(self, order: Order) -> None:
        self._request(CancelRequest(order.client_order_id))

    def replace(self, order: Order, price: int, quantity: int) -> None:
        self._request(ReplaceRequest(order.client_order_id, price, quantity))

    def query_orders(self, account: str) -> tuple[OrderReport, ...]:
        with self._wake:
            return self._market.reports(account)

    def query_fills(self, account: str) -> tuple[Fill, ...]:
        with self._wake:
            return self._market.fills(account)

    def query_positions(self, account: str) -> dict[str, int]:
        with self._wake:
            return self._market.positions(account)

    def set_pacers(self, nodes: frozenset[str]) -> None:
        with self._wake:
            self._pacers = nodes
            self._awaited &= nodes
            # Who comes back later begins anew; an old answer would take the market back to it.
            self._answers = {node: self._answers[node] for node in nodes & self._answers.keys()}
            self._wake.notify_all()

    def on_watermark(self, node: str, round: int, position: int) -> None:
        """A strategy has answered; round 0 = it joins, which counts as the answer to the present round."""
        with self._wake:
            self._answers[node] = (round or self._round, position)
            self._wake.notify_all()

    def close(self) -> None:
        with self._wake:
            self._is_closing = True
            self._wake.notify_all()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join()

    # ------------------------------------------------------------------------------------- the window

    @property
    def position(self) -> int:
        """How many prints were told."""
        return self._told

    def hold(self) -> None:
        """The same as :meth:`pause`, before the start."""
        self.pause()

    def release(self, nodes: Iterable[str] = ()) -> None:
        """Lets the prints come once each of these strategies has joined."""
        with self._wake:
            self._awaited = frozenset(nodes)
        self.resume()

    def playback(self) -> Playback:
        """Where the replay stands."""
        with self._wake:
            return Playback(
                state=self._state(),
                now_ns=self.clock.now_ns(),
                elapsed_ns=self.tape.elapsed_at(self._told),
                position=self._told,
                length=len(self.tape),
                speed=self._pacing.speed,
            )

    def pause(self) -> None:
        """No further print is told; what was told is still decided, and orders are taken. Ends a jump."""
        with self._wake:
            self._pacing.pause()

    def resume(self) -> None:
        """Goes on from where it was paused."""
        with self._wake:
            self._pacing.resume()
            self._wake.notify_all()

    def set_speed(self, speed: float) -> None:
        """Another speed from now on."""
        with self._wake:
            self._pacing.set_speed(speed)
            self._wake.notify_all()

    def step(self) -> None:
        """Pauses, and tells one print more; behind the last one the replay ends."""
        with self._wake:
            self._pacing.pause()
            self._pacing.free(self._told + 1)
            self._wake.notify_all()

    def step_time(self, duration_ns: int) -> None:
        """Pauses, and tells the prints of so much trading time more, one at least."""
        with self._wake:
            self._pacing.pause()
            due = self.tape.due(self.tape.elapsed_at(self._told) + duration_ns)
            self._pacing.free(max(due, self._told + 1))
            self._wake.notify_all()

    def jump(self, ts_ns: int) -> bool:
        """Tells the prints before an instant as fast as the strategies can, then goes on, or stays paused.

        Returns:
            False where that instant has passed: a replay never goes back.
        """
        with self._wake:
            position = self.tape.before(ts_ns)
            if position < self._told:
                return False
            self._pacing.free(position)
            self._wake.notify_all()
            return True

    def _state(self) -> PlaybackState:
        if self._is_ended:
            return PlaybackState.ENDED
        if not self._have_joined():
            return PlaybackState.WAITING
        if self._pacing.is_jumping(self._told):
            return PlaybackState.JUMPING
        return PlaybackState.PAUSED if self._pacing.is_paused else PlaybackState.RUNNING

    # -------------------------------------------------------------------------- the caller's side, locked

    def _check_order(self, order: Order) -> None:
        if self._is_ended or self._is_closing:
            raise BrokerRefused(Reason.SESSION_CLOSED, "The replay has ended.")
        if order.account != ACCOUNT:
            raise BrokerRefused(Reason.UNKNOWN_ACCOUNT, f"{order.account} is no account of the replay.")
        if order.symbol not in self._symbols:
            raise BrokerRefused(Reason.UNKNOWN_SYMBOL, f"{order.symbol} is not replayed.")
        if order.client_order_id in self._known:
            raise BrokerRefused(Reason.DUPLICATE, f"Order {order.client_order_id} was sent before.")

    def _request(self, change: ChangeRequest) -> None:
        with self._wake:
            own = change.client_order_id
            is_over = self._is_ended or self._is_closing
            if own not in self._known or self._market.is_final(own) or is_over:
                raise BrokerRefused(Reason.NOT_WORKING, f"Order {own} is not working.")
            self._changes.append(change)
            self._wake.notify_all()

    # ------------------------------------------------------------------------------ the replay's thread

    def _run(self) -> None:
        listener = self._listener
        assert listener is not None  # the thread begins in start()
        for link in LINKS:
            listener.on_link(link, LinkState.UP)
        while not self._is_closing:
            with self._wake:
                told = self._take_requests()
                target = 0 if told else self._choose()
                if not told and target <= self._granted():
                    if self._is_over():
                        break
                    self._wake.wait(self._wait_s())
                    continue
            self._tell(told)
            if target:
                self._play(target, listener)
                self._await_answers()
        self._finish(listener)

    def _have_joined(self) -> bool:
        return self._awaited <= self._answers.keys()

    def _is_over(self) -> bool:
        return self._granted() == len(self.tape) and self._have_joined() and self._pacing.is_over(self._told)

    def _granted(self) -> int:
        """Up to where every strategy has processed the prints."""
        answers = (self._answers[node][1] for node in self._pacers if node in self._answers)
        return min((self._target, *answers))

    def _choose(self) -> int:
        """The position of the next round; nothing beyond the last one where no time has come."""
        if not self._have_joined():
            return 0
        granted = self._granted()
        limit = self._pacing.limit(self._told, time.monotonic_ns())
        return self._market.quiet_until(granted, min(granted + self._chunk, limit))

    def _wait_s(self) -> float | None:
        """Seconds until the next print is due, None where only an event can end the wait."""
        return self._pacing.wait_s(self._told, time.monotonic_ns()) if self._have_joined() else None

    def _take_requests(self) -> list[Told]:
        orders, self._orders = self._orders, []
        changes, self._changes = self._changes, []
        return self._market.take(orders, changes, self._told, self.clock.now_ns())

    def _play(self, target: int, listener: BrokerListener) -> None:
        """One round up to a position."""
        self.clock.move_to(self.tape.at(target).print.ts_event)
        with self._wake:
            told = self._market.match(target)
        self._tell(told)
        on_tick = listener.on_tick
        for tick in self.tape.ticks[self._told : target]:
            item = tick.print
            on_tick(tick.symbol, item.ts_event, item.price, item.quantity, tick.total_volume, item.flags)
        with self._wake:
            self._told = max(self._told, target)
            self._target = target
            self._round += 1
        listener.on_pace(self._round, target, self.clock.now_ns())

    def _await_answers(self) -> None:
        """Waits until every strategy has answered the round; one that is taken off the list is not awaited."""
        with self._wake:
            while not self._is_closing and any(
                self._answers.get(node, (-1, 0))[0] < self._round for node in self._pacers
            ):
                self._wake.wait()

    def _tell(self, told: Iterable[Told]) -> None:
        listener = self._listener
        assert listener is not None  # the thread begins in start()
        for item in told:
            if isinstance(item, Fill):
                listener.on_fill(item)
            else:
                listener.on_order(item)

    def _finish(self, listener: BrokerListener) -> None:
        """There are no more prints: what is left of orders ends, and queries are still answered."""
        if self._is_closing:
            return
        with self._wake:
            told = self._take_requests() + self._market.end()
            self._is_ended = True
        self._tell(told)
        listener.on_pace(self._round + 1, len(self.tape), self.clock.now_ns(), is_end=True)
