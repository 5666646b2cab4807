"""Rows and columns of the table of contracts and their quotes."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from engine.model.market import Contract
from engine.model.tick import Book, Tick
from terminal import formats, i18n
from terminal.i18n import QT_TRANSLATE_NOOP
from terminal.models.table import LEFT, Column


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A contract with the latest that is known of its market. Prices are scaled, 0 = not known.

    Attributes:
        contract: what is offered.
        is_selected: the broker sends its ticks.
        last: price of the last trade.
        bid: best bid.
        ask: best offer.
        volume: lots of the session.
        ts_recv: when the last message arrived, wall clock, ns UTC.
    """

    contract: Contract
    is_selected: bool = False
    last: int = 0
    bid: int = 0
    ask: int = 0
    volume: int = 0
    ts_recv: int = 0

    @property
    def symbol(self) -> str:
        """Contract code."""
        return self.contract.symbol

    @property
    def change(self) -> int | None:
        """Last trade less the reference price, None where one of them is not known."""
        reference = self.contract.reference_price
        return self.last - reference if self.last and reference else None

    def with_tick(self, tick: Tick) -> "Quote":
        """The quote after a print."""
        return replace(
            self,
            last=tick.price,
            volume=tick.total_volume or self.volume,
            ts_recv=max(tick.ts_recv, self.ts_recv),
        )

    def with_book(self, book: Book) -> "Quote":
        """The quote with a new best bid and offer."""
        bid, ask = book.best_bid or 0, book.best_ask or 0
        return replace(self, bid=bid, ask=ask, ts_recv=max(book.ts_recv, self.ts_recv))


def change_colour(quote: Quote) -> str:
    """Red above the reference price, green below."""
    if not quote.change:
        return "text" if quote.last else "muted"
    return "up" if quote.change > 0 else "down"


def _against_reference(price: int, quote: Quote) -> str:
    reference = quote.contract.reference_price
    if not price or not reference or price == reference:
        return "text" if price else "muted"
    return "up" if price > reference else "down"


def _change_text(quote: Quote) -> str:
    return formats.NOTHING if quote.change is None else formats.points(quote.symbol, quote.change)


def _percent_text(quote: Quote) -> str:
    if quote.change is None:
        return formats.NOTHING
    return formats.percent(quote.change / quote.contract.reference_price)


def _tip(quote: Quote) -> str:
    contract = quote.contract
    return f"{i18n.product_text(contract.product)} {contract.contract_month}"


def columns(now_ns: Callable[[], int] = time.time_ns) -> tuple[Column[Quote], ...]:
    """The columns of the table of quotes.

    Args:
        now_ns: the wall clock that ages are measured by.
    """

    def age(quote: Quote) -> str:
        return formats.age(now_ns() - quote.ts_recv if quote.ts_recv else None)

    return (
        Column(
            key="symbol",
            title=QT_TRANSLATE_NOOP("Columns", "Contract"),
            getter=lambda q: q.symbol,
            alignment=LEFT,
            sample="TXFK4",
            sort=lambda q: f"{_PRODUCT_ORDER.get(q.contract.product, '9')}{q.contract.contract_month}",
            tip=_tip,
            checked=lambda q: q.is_selected,
        ),
        _price("last", QT_TRANSLATE_NOOP("Columns", "Last"), lambda q: q.last),
        Column(
            key="change",
            title=QT_TRANSLATE_NOOP("Columns", "Change"),
            getter=lambda q: q,
            formatter=_change_text,
            sample="+000",
            colour=change_colour,
            sort=lambda q: q.change or 0,
        ),
        Column(
            key="percent",
            title=QT_TRANSLATE_NOOP("Columns", "%"),
            getter=lambda q: q,
            formatter=_percent_text,
            sample="+0.00%",
            colour=change_colour,
            sort=lambda q: (q.change or 0) / (q.contract.reference_price or 1),
        ),
        _price("bid", QT_TRANSLATE_NOOP("Columns", "Bid"), lambda q: q.bid),
        _price("ask", QT_TRANSLATE_NOOP("Columns", "Ask"), lambda q: q.ask),
        Column(
            key="volume",
            title=QT_TRANSLATE_NOOP("Columns", "Volume"),
            getter=lambda q: q.volume,
            formatter=formats.lots,
            sample="000,000",
        ),
        Column(
            key="age",
            title=QT_TRANSLATE_NOOP("Columns", "Age"),
            getter=lambda q: q,
            formatter=age,
            sample="00 min",
            colour=lambda q: "muted",
            sort=lambda q: q.ts_recv,
        ),
    )


_PRODUCT_ORDER: Final = {"TXF": "0", "MXF": "1", "TMF": "2"}


def _price(key: str, title: str, getter: Callable[[Quote], int]) -> Column[Quote]:
    return Column(
        key=key,
        title=title,
        getter=lambda q: q,
        formatter=lambda q: formats.price(q.symbol, getter(q)),
        sample="00,000",
        colour=lambda q: _against_reference(getter(q), q),
        is_bold=(lambda q: True) if key == "last" else None,
        sort=getter,
    )
