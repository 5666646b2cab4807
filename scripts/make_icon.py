"""Draws the icon for Windows, several sizes in one .ico, from the vector drawing.

Run it after the drawing has changed: ``python scripts/make_icon.py``. The format is a directory of PNG images.
"""

import os
import struct
import sys
from pathlib import Path
from typing import Final

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6 import QtCore, QtGui, QtSvg

FOLDER: Final = Path(__file__).resolve().parent.parent / "resources"
SIZES: Final = (16, 24, 32, 48, 64, 128, 256)


def png(drawing: QtSvg.QSvgRenderer, size: int) -> bytes:
    """The drawing as a PNG of that many pixels in each direction."""
    image = QtGui.QImage(size, size, QtGui.QImage.Format.Format_ARGB32)
    image.fill(QtCore.Qt.GlobalColor.transparent)
    painter = QtGui.QPainter(image)
    drawing.render(painter)
    painter.end()
    buffer = QtCore.QBuffer()
    buffer.open(QtCore.QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    return bytes(buffer.data().data())


def ico(images: dict[int, bytes]) -> bytes:
    """PNG images by size as one icon file; size 256 is written as 0."""
    directory, body = b"", b""
    offset = 6 + 16 * len(images)
    for size, image in images.items():
        directory += struct.pack("<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(image), offset + len(body))
        body += image
    return struct.pack("<HHH", 0, 1, len(images)) + directory + body


def main() -> None:
    """Writes ``resources/icon.ico``."""
    app = QtGui.QGuiApplication(sys.argv)
    drawing = QtSvg.QSvgRenderer(str(FOLDER / "icon.svg"))
    (FOLDER / "icon.ico").write_bytes(ico({size: png(drawing, size) for size in SIZES}))
    app.quit()


if __name__ == "__main__":
    main()
