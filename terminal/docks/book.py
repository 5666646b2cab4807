"""The five-level book of the contract on the chart."""

from PySide6 import QtCore, QtWidgets

from engine.model.tick import Book
from terminal.theme import Theme
from terminal.widgets.dock import Dock
from terminal.widgets.ladder import Ladder


class BookDock(Dock):
    """Five levels of both sides with bars of their size.

    Signals:
        price_picked(int): scaled price of a level that was clicked.
    """

    price_picked = QtCore.Signal(int)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__("book", parent)
        self._symbol = ""
        self._has_books = True
        self.ladder = Ladder()
        self.ladder.price_picked.connect(self.price_picked)
        self.place(self.ladder)
        self.retranslate()

    def set_symbol(self, symbol: str) -> None:
        """Shows another contract; its book is still to come."""
        self._symbol = symbol
        self.ladder.set_symbol(symbol)
        self.retranslate()

    def set_has_books(self, has_books: bool) -> None:
        """Whether this world has bids and offers at all; a recorded day has only its trades."""
        self._has_books = has_books
        self.retranslate()

    def update_book(self, book: Book) -> None:
        """A new book; one of another contract is ignored."""
        self.ladder.set_book(book)

    def set_theme(self, theme: Theme) -> None:
        """Colours of the ladder."""
        super().set_theme(theme)
        self.ladder.set_theme(theme)

    def retranslate(self) -> None:
        """Texts in the present language."""
        title = self.tr("Five-level book")
        self.setWindowTitle(f"{title}  {self._symbol}" if self._symbol else title)
        empty = self.tr("No bids and offers yet.")
        if not self._has_books:
            empty = self.tr("A recorded day holds trades only, no bids and offers.")
        self.ladder.set_texts(self.tr("Bid"), self.tr("Ask"), self.tr("Lots"), empty)
