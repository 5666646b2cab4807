"""Boxes with a text, kept as pictures: copying one costs a tenth of setting its text anew."""

from dataclasses import dataclass
from typing import Final

from PySide6 import QtCore, QtGui

_MOST: Final = 300
_LEFT: Final = QtCore.Qt.AlignmentFlag.AlignLeft | QtCore.Qt.AlignmentFlag.AlignVCenter
_CENTRE: Final = QtCore.Qt.AlignmentFlag.AlignCenter


@dataclass(frozen=True, slots=True)
class Stamp:
    """A box with a text.

    Attributes:
        text: one line.
        width: pixels.
        height: pixels.
        ink: colour of the text.
        ground: colour of the box.
        border: colour of its frame.
        indent: pixels left of the text; None centres it.
    """

    text: str
    width: int
    height: int
    ink: str
    ground: str
    border: str
    indent: int | None = None


class Stamps:
    """The pictures of the stamps used lately."""

    def __init__(self) -> None:
        self._pictures: dict[Stamp, QtGui.QPixmap] = {}

    def clear(self) -> None:
        """Font or screen changed."""
        self._pictures.clear()

    def paint(self, painter: QtGui.QPainter, x: float, y: float, stamp: Stamp) -> None:
        """Puts a stamp with its upper left corner there."""
        picture = self._pictures.get(stamp)
        ratio = painter.device().devicePixelRatio()
        if picture is None or picture.devicePixelRatio() != ratio:
            if len(self._pictures) >= _MOST:
                self._pictures.clear()
            picture = self._pictures[stamp] = _picture(stamp, painter.font(), ratio)
        painter.drawPixmap(QtCore.QPointF(x, y), picture)


def _picture(stamp: Stamp, font: QtGui.QFont, ratio: float) -> QtGui.QPixmap:
    picture = QtGui.QPixmap(QtCore.QSize(stamp.width, stamp.height) * ratio)
    picture.setDevicePixelRatio(ratio)
    picture.fill(QtGui.QColor(stamp.ground))
    painter = QtGui.QPainter(picture)
    painter.setFont(font)
    painter.setPen(QtGui.QColor(stamp.border))
    painter.drawRect(0, 0, stamp.width - 1, stamp.height - 1)
    painter.setPen(QtGui.QColor(stamp.ink))
    box = QtCore.QRectF(stamp.indent or 0, 0, stamp.width - (stamp.indent or 0), stamp.height)
    painter.drawText(box, _CENTRE if stamp.indent is None else _LEFT, stamp.text)
    painter.end()
    return picture
