"""The four prices of a condition in their order, with its risk and reward in money."""

from decimal import Decimal

from PySide6 import QtCore, QtGui, QtWidgets

from engine.model.condition import Condition, ConditionSpec
from engine.model.instrument import PRODUCTS
from terminal import formats
from terminal.theme import DARK, Theme, mixed


def worth(symbol: str, points: int, lots: int) -> Decimal:
    """TWD of a distance in scaled points, before fees and tax; 0 for an unknown product."""
    product = PRODUCTS.get(symbol[:3])
    if product is None:
        return Decimal(0)
    return Decimal(points).scaleb(-product.price_precision) * product.point_value * lots


class LevelsPreview(QtWidgets.QWidget):
    """Paints the levels of a condition as they would lie on a chart, highest on top.

    Args:
        is_adopted: the condition takes over lots that are held already, at the trigger price.
    """

    def __init__(self, parent: QtWidgets.QWidget | None = None, *, is_adopted: bool = False) -> None:
        super().__init__(parent)
        self._is_adopted = is_adopted
        self._spec: ConditionSpec | None = None
        self._last = 0
        self._theme = DARK
        self._names: dict[str, str] = {}
        self._empty_text = ""
        self.setMinimumSize(230, 240)
        self.retranslate()

    def set_spec(self, spec: ConditionSpec) -> None:
        """Shows a condition."""
        self._spec = spec
        self.update()

    def set_last(self, price: int) -> None:
        """Shows where the market is, scaled; 0 = not known."""
        self._last = price
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Colours."""
        self._theme = theme
        self.update()

    def retranslate(self) -> None:
        """Texts in the present language."""
        self._names = {
            "trigger": self.tr("Trigger"),
            "average": self.tr("Average price"),
            "entry": self.tr("Entry"),
            "take_profit": self.tr("Take profit"),
            "stop_loss": self.tr("Stop loss"),
            "last": self.tr("Last price"),
            "risk": self.tr("Risk"),
            "reward": self.tr("Reward"),
            "money": self.tr("TWD before fees and tax"),
        }
        self._empty_text = self.tr("The levels appear here once a trigger price is set.")
        self.update()

    def lines(self) -> list[tuple[str, int, str]]:
        """Name, scaled price and theme colour of every line, highest price first."""
        spec = self._spec
        if spec is None or not spec.trigger_price:
            return []
        adopted = spec.quantity if self._is_adopted else 0
        condition = Condition(
            spec=spec, trigger=spec.trigger_price, adopted=adopted, adopted_value=adopted * spec.trigger_price
        )
        levels = condition.levels
        before = [
            (self._names["trigger"], levels.trigger, "trigger"),
            (self._names["entry"], levels.entry, "entry"),
        ]
        if adopted:
            before = [(self._names["average"], levels.entry, "position")]
        found = [
            *before,
            (self._names["take_profit"], levels.take_profit, "take_profit"),
            (self._names["stop_loss"], levels.stop_loss, "stop_loss"),
        ]
        if self._last:
            found.append((self._names["last"], self._last, "muted"))
        return sorted(found, key=lambda line: -line[1])

    def money(self) -> tuple[Decimal, Decimal]:
        """Risk and reward in TWD, before fees and tax."""
        spec = self._spec
        if spec is None:
            return Decimal(0), Decimal(0)
        risk = worth(spec.symbol, spec.stop_loss_points, spec.quantity)
        return risk, worth(spec.symbol, spec.take_profit_points, spec.quantity)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Draws the levels above, the money below."""
        painter = QtGui.QPainter(self)
        painter.fillRect(self.rect(), QtGui.QColor(self._theme.base))
        lines = self.lines()
        if lines:
            foot = self.fontMetrics().height() * 3 + 22
            room = self.rect().adjusted(12, 12, -12, -foot)
            for at, (name, price, colour) in enumerate(lines):
                middle = room.top() + round(room.height() * (at + 0.5) / len(lines))
                self._draw_line(painter, room, middle, name, price, colour)
            self._draw_money(painter, self.rect().adjusted(12, self.height() - foot + 8, -12, -8))
        else:
            painter.setPen(QtGui.QColor(self._theme.muted))
            flags = QtCore.Qt.AlignmentFlag.AlignCenter | QtCore.Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(16, 8, -16, -8), int(flags), self._empty_text)
        painter.setPen(QtGui.QColor(self._theme.grid))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _draw_line(
        self, painter: QtGui.QPainter, room: QtCore.QRect, middle: int, name: str, price: int, colour: str
    ) -> None:
        shown = QtGui.QColor(getattr(self._theme, colour))
        symbol = self._spec.symbol if self._spec else ""
        height = self.fontMetrics().height()
        cell = QtCore.QRect(room.left(), middle - height // 2 - 3, room.width(), height + 6)
        painter.fillRect(cell, QtGui.QColor(mixed(shown.name(), self._theme.base, 0.14)))
        painter.fillRect(QtCore.QRect(cell.left(), cell.top(), 3, cell.height()), shown)
        painter.setPen(shown)
        inner = cell.adjusted(10, 0, -8, 0)
        flag = QtCore.Qt.AlignmentFlag
        painter.drawText(inner, flag.AlignLeft | flag.AlignVCenter, name)
        painter.drawText(inner, flag.AlignRight | flag.AlignVCenter, formats.price(symbol, price))

    def _draw_money(self, painter: QtGui.QPainter, room: QtCore.QRect) -> None:
        risk, reward = self.money()
        step = self.fontMetrics().height() + 2
        flag = QtCore.Qt.AlignmentFlag
        rows = (
            (self._names["risk"], formats.money(-risk), "down"),
            (self._names["reward"], formats.money(reward), "up"),
            (self._names["money"], f"1 : {reward / risk:.1f}" if risk else formats.NOTHING, "muted"),
        )
        for at, (name, amount, colour) in enumerate(rows):
            cell = QtCore.QRect(room.left(), room.top() + at * step, room.width(), step)
            painter.setPen(QtGui.QColor(self._theme.muted))
            painter.drawText(cell, flag.AlignLeft | flag.AlignVCenter, name)
            painter.setPen(QtGui.QColor(getattr(self._theme, colour)))
            painter.drawText(cell, flag.AlignRight | flag.AlignVCenter, amount)
