"""The five best levels of both sides as a painted ladder with bars of their size."""

from typing import Final

from PySide6 import QtCore, QtGui, QtWidgets

from engine.model.tick import Book, Level
from terminal import formats
from terminal.theme import DARK, Theme, mixed

LEVELS: Final = 5
_LINE: Final = 20


class Ladder(QtWidgets.QWidget):
    """Bids on the left, offers on the right, best on top; a click picks a price.

    Signals:
        price_picked(int): scaled price of the level that was clicked.
    """

    price_picked = QtCore.Signal(int)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._symbol = ""
        self._book: Book | None = None
        self._titles = ("", "", "")
        self._empty_text = ""
        self._theme = DARK
        self._hovered: tuple[int, bool] | None = None
        self.setMouseTracking(True)
        self.setMinimumHeight(_LINE * (LEVELS + 2))  # headings, levels and totals
        self.setMinimumWidth(220)

    def set_texts(self, bid: str, ask: str, lots: str, empty: str) -> None:
        """Headings and the sentence shown without a book."""
        self._titles = (bid, ask, lots)
        self._empty_text = empty
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Colours."""
        self._theme = theme
        self.update()

    def set_symbol(self, symbol: str) -> None:
        """Shows another contract; its book is still to come."""
        if symbol != self._symbol:
            self._symbol, self._book = symbol, None
            self.update()

    def set_book(self, book: Book) -> None:
        """Shows a book; one of another contract is ignored."""
        if book.symbol == self._symbol:
            self._book = book
            self.update()

    def level_at(self, position: QtCore.QPoint) -> Level | None:
        """The level under a point."""
        found = self._cell_at(position)
        if found is None or self._book is None:
            return None
        line, is_ask = found
        side = self._book.asks if is_ask else self._book.bids
        return side[line] if line < len(side) else None

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        """Picks the price under the pointer."""
        level = self.level_at(event.position().toPoint())
        if level is not None:
            self.price_picked.emit(level.price)

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        """Marks the level under the pointer."""
        position = event.position().toPoint()
        hovered = self._cell_at(position) if self.level_at(position) else None
        if hovered != self._hovered:
            self._hovered = hovered
            shape = QtCore.Qt.CursorShape
            self.setCursor(shape.PointingHandCursor if hovered else shape.ArrowCursor)
            self.update()

    def leaveEvent(self, event: QtCore.QEvent) -> None:
        """Nothing is under the pointer."""
        self._hovered = None
        self.update()

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Draws headings, levels and totals."""
        painter = QtGui.QPainter(self)
        painter.fillRect(self.rect(), QtGui.QColor(self._theme.base))
        if self._book is None:
            painter.setPen(QtGui.QColor(self._theme.muted))
            flags = QtCore.Qt.AlignmentFlag.AlignCenter | QtCore.Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(12, 8, -12, -8), int(flags), self._empty_text)
        else:
            self._draw_headings(painter)
            self._draw_side(painter, self._book.bids, is_ask=False)
            self._draw_side(painter, self._book.asks, is_ask=True)
            self._draw_totals(painter, self._book)
        painter.end()

    def _cell_at(self, position: QtCore.QPoint) -> tuple[int, bool] | None:
        line = position.y() // _LINE - 1
        return (line, position.x() >= self.width() // 2) if 0 <= line < LEVELS else None

    def _draw_headings(self, painter: QtGui.QPainter) -> None:
        bid, ask, lots = self._titles
        painter.fillRect(QtCore.QRect(0, 0, self.width(), _LINE), QtGui.QColor(self._theme.panel))
        painter.setPen(QtGui.QColor(self._theme.muted))
        self._draw_pair(painter, 0, lots, bid, is_ask=False)
        self._draw_pair(painter, 0, lots, ask, is_ask=True)

    def _draw_side(self, painter: QtGui.QPainter, levels: tuple[Level, ...], *, is_ask: bool) -> None:
        colour = self._theme.down if is_ask else self._theme.up
        book = self._book
        largest = max((level.quantity for level in (*book.bids, *book.asks)), default=1) if book else 1
        half = self.width() // 2
        for line, level in enumerate(levels[:LEVELS]):
            top = (line + 1) * _LINE
            cell = QtCore.QRect(half if is_ask else 0, top, half, _LINE)
            if self._hovered == (line, is_ask):
                painter.fillRect(cell, QtGui.QColor(mixed(self._theme.accent, self._theme.base, 0.25)))
            wide = round(half * level.quantity / max(largest, 1))
            bar = QtCore.QRect(half if is_ask else half - wide, top + 2, wide, _LINE - 4)
            painter.fillRect(bar, QtGui.QColor(mixed(colour, self._theme.base, 0.28)))
            painter.setPen(QtGui.QColor(self._theme.text))
            self._draw_pair(painter, top, f"{level.quantity:,}", "", is_ask=is_ask)
            painter.setPen(QtGui.QColor(colour))
            self._draw_pair(painter, top, "", formats.price(self._symbol, level.price), is_ask=is_ask)

    def _draw_totals(self, painter: QtGui.QPainter, book: Book) -> None:
        top = (LEVELS + 1) * _LINE
        painter.setPen(QtGui.QColor(self._theme.grid))
        painter.drawLine(0, top, self.width(), top)
        painter.setPen(QtGui.QColor(self._theme.muted))
        bids, asks = (sum(level.quantity for level in side) for side in (book.bids, book.asks))
        self._draw_pair(painter, top, f"{bids:,}", "", is_ask=False)
        self._draw_pair(painter, top, f"{asks:,}", "", is_ask=True)
        spread = (book.best_ask or 0) - (book.best_bid or 0)
        if book.bids and book.asks:
            centre = QtCore.Qt.AlignmentFlag.AlignCenter
            text = formats.points(self._symbol, spread).lstrip("+")
            painter.drawText(QtCore.QRect(0, top, self.width(), _LINE), centre, f"↔ {text}")

    def _draw_pair(self, painter: QtGui.QPainter, top: int, lots: str, price: str, *, is_ask: bool) -> None:
        """Lots at the outer edge, the price at the middle."""
        half = self.width() // 2
        room = QtCore.QRect(half if is_ask else 0, top, half, _LINE).adjusted(8, 0, -8, 0)
        flag = QtCore.Qt.AlignmentFlag
        outer, inner = (flag.AlignRight, flag.AlignLeft) if is_ask else (flag.AlignLeft, flag.AlignRight)
        painter.drawText(room, outer | flag.AlignVCenter, lots)
        painter.drawText(room, inner | flag.AlignVCenter, price)
