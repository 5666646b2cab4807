"""The market as the gateway sees it: contracts, sessions, which feeds are wanted and how each of them is."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from engine import logs
from engine.brokers.base import Broker
from engine.gateway.journal import Journal
from engine.gateway.publisher import TickPublisher
from engine.model.instrument import Instrument
from engine.model.market import Contract, LinkState
from engine.model.session import Session, SessionKind, TradingCalendar

log = logs.get(__name__)

_ASK_AGAIN_S: Final = 10.0
"""Between two subscriptions of a feed that is silent or was refused."""


@dataclass(slots=True)
class _Feed:
    """What is known of a feed that is wanted. Times are monotonic seconds.

    Attributes:
        asked: when the broker was last asked for it.
        since: from when on something was to be heard: it was asked for, or its session opened.
        refusal: why the broker does not give it; empty if it does.
        is_open: its session, at the last look.
        state: how it is; UP also where nothing is to be heard, because its session is closed.
    """

    asked: float
    since: float
    refusal: str = ""
    is_open: bool = False
    state: LinkState = LinkState.CONNECTING


class Market:
    """Used on the gateway's thread only.

    Args:
        broker: tells contracts and the time.
        calendar: of the exchange.
        instruments: makes an instrument of a symbol.
        ticks: what has come.
        clock: monotonic seconds: silence is real time, however fast a simulated market runs.
    """

    def __init__(
        self,
        broker: Broker,
        calendar: TradingCalendar,
        instruments: Callable[[str], Instrument],
        ticks: TickPublisher,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.broker, self.calendar, self.ticks = broker, calendar, ticks
        self._instruments, self._clock = instruments, clock
        self._known: dict[str, Instrument] = {}
        self._feeds: dict[str, _Feed] = {}
        self.contracts: dict[str, Contract] = {item.symbol: item for item in broker.contracts()}
        self.selected: tuple[str, ...] = ()
        """What a person wants to see; more is followed where lots, orders or conditions ask for it."""

    def now_ns(self) -> int:
        """Market time."""
        return self.broker.clock.now_ns()

    def instrument(self, symbol: str) -> Instrument:
        """The instrument of a symbol.

        Raises:
            UnknownInstrument: there is none.
        """
        if symbol not in self._known:
            self._known[symbol] = self._instruments(symbol)
        return self._known[symbol]

    def session(self, instrument: Instrument) -> Session | None:
        """The session of a contract now."""
        return self.calendar.session_at(self.now_ns(), last_trading_day=instrument.last_trading_day)

    def market_lots(self, symbol: str) -> int:
        """The most lots that the exchange takes in one market order now (the night's smaller cap when closed)."""
        instrument = self.instrument(symbol)
        session = self.session(instrument)
        if session is not None and session.kind is SessionKind.DAY:
            return instrument.product.max_market_lots_day
        return instrument.product.max_market_lots_night

    # --- feeds ---------------------------------------------------------------------------------------------------

    @property
    def followed(self) -> tuple[str, ...]:
        """Contracts whose feeds are wanted."""
        return tuple(self._feeds)

    def follow(self, symbols: Iterable[str]) -> None:
        """Subscribes what is not subscribed yet; what is stays so."""
        for symbol in symbols:
            if symbol not in self._feeds:
                self._feeds[symbol] = _Feed(asked=self._clock(), since=self._clock())
                self._subscribe(symbol)

    def select(self, symbols: tuple[str, ...]) -> None:
        """What a person wants to see from now on, instead of what that was before."""
        for symbol in set(self.selected) - set(symbols):
            del self._feeds[symbol]
            self.broker.unsubscribe(symbol)
        self.follow(symbols)
        self.selected = tuple(dict.fromkeys(symbols))

    def subscribe_again(self) -> None:
        """The link is back: whatever was subscribed may be forgotten there."""
        for symbol in self._feeds:
            self._renew(symbol)

    def feed_state(self, symbol: str) -> LinkState:
        """How the feed of a contract is; DOWN where nobody asked for it."""
        if self.broker.is_paced:
            return LinkState.UP
        feed = self._feeds.get(symbol)
        return feed.state if feed else LinkState.DOWN

    def silence_s(self, symbol: str) -> float | None:
        """Seconds since the contract's last message, or since one was to be expected; None = it means nothing."""
        feed, heard = self._feeds.get(symbol), self.ticks.heard.get(symbol)
        if self.broker.is_paced or (feed is None and heard is None):
            return None
        return self._clock() - max(feed.since if feed else 0.0, heard or 0.0)

    def is_heard(self, symbol: str, within_s: float) -> bool:
        """Whether a real message came lately: proof of an open market, whatever the calendar says."""
        heard = self.ticks.heard.get(symbol)
        return not self.broker.is_paced and heard is not None and self._clock() - heard <= within_s

    def watch_feeds(self, journal: Journal) -> None:
        """Finds and tells how each feed is, by what comes and not by what the vendor's events say.

        One that is refused, or silent while its session is open, is asked for again every few seconds.
        """
        if self.broker.is_paced:
            return
        limit_s = journal.state.limits.stale_feed_s
        for symbol, feed in self._feeds.items():
            was_open, feed.is_open = feed.is_open, self._is_open(symbol)
            if feed.is_open and not was_open:
                feed.since = self._clock()
            feed.state, text = self._judged(symbol, feed, limit_s)
            if feed.is_open or symbol in self.ticks.heard:
                journal.set_link(f"feed.{symbol}", feed.state, text)
            is_missing = feed.refusal or feed.state is LinkState.STALE
            if is_missing and self._clock() - feed.asked > _ASK_AGAIN_S:
                log.warning("feed missing; subscribing again", symbol=symbol, state=feed.state)
                self._renew(symbol)

    def _judged(self, symbol: str, feed: _Feed, limit_s: float) -> tuple[LinkState, str]:
        """The state of a feed, and what a person should know."""
        if not feed.is_open:
            return LinkState.UP, ""
        if feed.refusal:
            return LinkState.DOWN, feed.refusal
        if (self.silence_s(symbol) or 0.0) > limit_s:
            return LinkState.STALE, f"silent for more than {limit_s:g} s"
        if symbol not in self.ticks.heard:
            return LinkState.CONNECTING, "subscribed; nothing has come yet"
        return LinkState.UP, ""

    def _is_open(self, symbol: str) -> bool:
        """Whether the contract's session is open; one that nobody knows counts as open."""
        known = self._known.get(symbol)
        return known is None or self.session(known) is not None

    def _renew(self, symbol: str) -> None:
        self._feeds[symbol].asked = self._clock()
        self._subscribe(symbol, is_again=True)

    def _subscribe(self, symbol: str, *, is_again: bool = False) -> None:
        refusal = ""
        try:
            self.instrument(symbol)
            if is_again:
                self.broker.unsubscribe(symbol)
            self.broker.subscribe(symbol)
        except Exception as error:  # whatever the broker's library throws, the other feeds go on
            refusal = f"the feed cannot be subscribed: {error}"
            log.warning("the feed cannot be subscribed", symbol=symbol, error=str(error))
        self._feeds[symbol].refusal = refusal
