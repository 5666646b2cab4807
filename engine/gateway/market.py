"""The market as the gateway sees it: contracts, sessions, what is subscribed and how long it has been silent."""

import time
from collections.abc import Callable
from typing import Final

from engine import logs
from engine.brokers.base import Broker
from engine.errors import BrokerAmbiguous, BrokerRefused
from engine.gateway.journal import Journal
from engine.gateway.publisher import TickPublisher
from engine.model.instrument import Instrument
from engine.model.market import Contract, LinkState
from engine.model.session import Session, SessionKind, TradingCalendar
from engine.timing import NS_PER_S

log = logs.get(__name__)

_RESUBSCRIBE_S: Final = 10.0


class Market:
    """Used on the gateway's thread only.

    Args:
        broker: tells contracts and the time.
        calendar: of the exchange.
        instruments: makes an instrument of a symbol.
        ticks: what has come.
    """

    def __init__(
        self,
        broker: Broker,
        calendar: TradingCalendar,
        instruments: Callable[[str], Instrument],
        ticks: TickPublisher,
    ) -> None:
        self.broker, self.calendar, self.ticks = broker, calendar, ticks
        self._instruments = instruments
        self._known: dict[str, Instrument] = {}
        self._resubscribed: dict[str, float] = {}
        self.contracts: dict[str, Contract] = {item.symbol: item for item in broker.contracts()}
        self.selected: tuple[str, ...] = ()

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

    def silence_s(self, symbol: str) -> float | None:
        """Seconds since the contract's last message; None where silence means nothing."""
        if self.broker.is_paced:
            return None
        received = self.ticks.received.get(symbol)
        return (time.time_ns() - received) / NS_PER_S if received else None

    def watch_feed(self, journal: Journal) -> None:
        """Tells which subscribed feeds have gone silent in an open session, and which are back.

        A silent one is asked for again every few seconds, whatever the vendor's events say.
        """
        limit_s = journal.state.limits.stale_feed_s
        for symbol in self.selected:
            silence = self.silence_s(symbol)
            if silence is None:
                continue
            is_stale = silence > limit_s and self.session(self.instrument(symbol))
            state = LinkState.STALE if is_stale else LinkState.UP
            if (before := journal.links.get(f"feed.{symbol}")) is None or before.state is not state:
                text = f"silent for more than {limit_s:g} s" if is_stale else ""
                journal.set_link(f"feed.{symbol}", state, text)
            if is_stale and time.monotonic() - self._resubscribed.get(symbol, 0.0) > _RESUBSCRIBE_S:
                self._resubscribe(symbol)

    def is_stale(self, symbol: str, journal: Journal) -> bool:
        """Whether the feed of a contract is silent now."""
        link = journal.links.get(f"feed.{symbol}")
        return link is not None and link.state is LinkState.STALE

    def _resubscribe(self, symbol: str) -> None:
        self._resubscribed[symbol] = time.monotonic()
        log.warning("feed silent; subscribing again", symbol=symbol)
        try:
            self.broker.unsubscribe(symbol)
            self.broker.subscribe(symbol)
        except (BrokerRefused, BrokerAmbiguous) as error:
            log.warning("the feed cannot be subscribed", symbol=symbol, error=str(error))
