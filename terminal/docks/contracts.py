"""The contracts on offer: which to watch, and their quotes."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from PySide6 import QtCore, QtWidgets

from engine.model.market import Contract
from engine.model.tick import Book, Tick
from terminal import i18n
from terminal.models import quotes
from terminal.models.quotes import Quote
from terminal.models.table import TableModel
from terminal.theme import Theme
from terminal.widgets.dock import Dock, row
from terminal.widgets.pace import Pace
from terminal.widgets.table import Table


class _Filter(QtCore.QSortFilterProxyModel):
    """Lets through one product, and only what is watched where wanted."""

    def __init__(self, model: TableModel[Quote]) -> None:
        super().__init__(model)
        self._quotes = model
        self.product = ""
        self.is_selected_only = False

    def filterAcceptsRow(
        self, source_row: int, source_parent: QtCore.QModelIndex | QtCore.QPersistentModelIndex
    ) -> bool:
        """Whether a row is shown."""
        quote = self._quotes.row_at(self._quotes.index(source_row, 0))
        is_wanted = quote.is_selected or not self.is_selected_only
        return is_wanted and self.product in ("", quote.contract.product)


class ContractsDock(Dock):
    """Offered contracts with check boxes to watch them, and their quotes.

    Signals:
        selection_changed(tuple): contract codes that should be watched now, after a click on a check box.
        contract_activated(str): a person wants to see this contract (chart, book, ticket).

    Args:
        now_ns: the wall clock that ages are measured by.
    """

    selection_changed = QtCore.Signal(tuple)
    contract_activated = QtCore.Signal(str)

    def __init__(self, now_ns: Callable[[], int] = time.time_ns, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__("contracts", parent)
        self.model: TableModel[Quote] = TableModel(quotes.columns(now_ns), lambda q: q.symbol, self)
        self._new_ticks: dict[str, Tick] = {}
        self._new_books: dict[str, Book] = {}
        self.pace = Pace(self._show_news, self)
        self._filter = _Filter(self.model)
        self.table = Table(self.model, sort_by="symbol", proxy=self._filter)
        self.products = QtWidgets.QComboBox()
        self.only_selected = QtWidgets.QCheckBox()
        self.place(row(self.products, None, self.only_selected), self.table)
        self.products.currentIndexChanged.connect(self._on_filter_changed)
        self.only_selected.toggled.connect(self._on_filter_changed)
        self.model.check_changed.connect(self._on_check_changed)
        self.table.current_changed.connect(self._on_current_changed)
        self.retranslate()

    def set_contracts(self, contracts: Iterable[Contract]) -> None:
        """What the broker offers; quotes of contracts that stay are kept."""
        known = {quote.symbol: quote for quote in self.model.rows()}
        rows = []
        for contract in contracts:
            quote = known.get(contract.symbol)
            rows.append(replace(quote, contract=contract) if quote else Quote(contract=contract))
        self.model.set_rows(rows)
        self._fill_products()

    def update_contract(self, contract: Contract) -> None:
        """Reference price or limits changed, or a new contract is offered."""
        quote = self.model.get(contract.symbol)
        self.model.put(replace(quote, contract=contract) if quote else Quote(contract=contract))
        self._fill_products()

    def set_selected(self, symbols: Iterable[str]) -> None:
        """Which contracts are watched."""
        wanted = frozenset(symbols)
        for quote in self.model.rows():
            self.model.put(replace(quote, is_selected=quote.symbol in wanted))
        self._filter.invalidate()

    def set_current(self, symbol: str) -> None:
        """Marks the contract that chart, book and ticket show."""
        with QtCore.QSignalBlocker(self.table):
            self.table.select(symbol)

    def update_ticks(self, ticks: Sequence[Tick]) -> None:
        """A batch of prints; only the last of each contract is shown."""
        self._new_ticks.update({tick.symbol: tick for tick in ticks})
        self.pace.request()

    def update_book(self, book: Book) -> None:
        """Best bid and offer of a contract."""
        self._new_books[book.symbol] = book
        self.pace.request()

    def refresh_ages(self) -> None:
        """Lets the ages grow; to be called a few times a second."""
        self.model.touch("age")

    def set_theme(self, theme: Theme) -> None:
        """Colours of the quotes."""
        super().set_theme(theme)
        self.model.set_theme(theme)

    def retranslate(self) -> None:
        """Texts in the present language."""
        self.setWindowTitle(self.tr("Contracts"))
        self.only_selected.setText(self.tr("Watched only"))
        self.table.set_empty_text(self.tr("No contracts yet: log in, and tick the contracts to watch."))
        self._fill_products()
        self.model.retranslate()
        self.table.fit_columns()

    def _show_news(self) -> None:
        for symbol in self._new_ticks.keys() | self._new_books.keys():
            quote = self.model.get(symbol)
            if quote is None:
                continue
            if tick := self._new_ticks.get(symbol):
                quote = quote.with_tick(tick)
            if book := self._new_books.get(symbol):
                quote = quote.with_book(book)
            self.model.put(quote)
        self._new_ticks.clear()
        self._new_books.clear()

    def _fill_products(self) -> None:
        chosen = self.products.currentData() or ""
        codes = dict.fromkeys(quote.contract.product for quote in self.model.rows())
        with QtCore.QSignalBlocker(self.products):
            self.products.clear()
            self.products.addItem(self.tr("All products"), "")
            for code in codes:
                self.products.addItem(f"{code}  {i18n.product_text(code)}", code)
            self.products.setCurrentIndex(max(self.products.findData(chosen), 0))

    def _on_filter_changed(self) -> None:
        self._filter.product = self.products.currentData() or ""
        self._filter.is_selected_only = self.only_selected.isChecked()
        self._filter.invalidate()

    def _on_check_changed(self, symbol: str, is_checked: bool) -> None:
        quote = self.model.get(symbol)
        if quote is None:
            return
        self.model.put(replace(quote, is_selected=is_checked))
        self.selection_changed.emit(tuple(q.symbol for q in self.model.rows() if q.is_selected))

    def _on_current_changed(self, symbol: str) -> None:
        quote = self.model.get(symbol)
        if quote is not None and quote.is_selected:
            self.contract_activated.emit(symbol)
