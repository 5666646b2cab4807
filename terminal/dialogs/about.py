"""What this program is, and which version."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final

from PySide6 import QtCore, QtGui, QtWidgets

import resources
from terminal.widgets.dock import set_tone

_WIDTH: Final = 500


def program_version() -> str:
    """The installed version, or a dash in a checkout that was never installed."""
    try:
        return version("futures-terminal")
    except PackageNotFoundError:
        return "—"


class AboutDialog(QtWidgets.QDialog):
    """Name, version, licence and a warning.

    Signals:
        none: it only shows.
    """

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(self.tr("About"))
        icon = QtWidgets.QLabel()
        icon.setPixmap(QtGui.QIcon(str(resources.path("icon.svg"))).pixmap(QtCore.QSize(72, 72)))
        icon.setAlignment(QtCore.Qt.AlignmentFlag.AlignTop)
        title = QtWidgets.QLabel(self.tr("Futures Terminal {version}").format(version=program_version()))
        bold = title.font()
        bold.setBold(True)
        bold.setPointSize(bold.pointSize() + 4)
        title.setFont(bold)
        purpose = QtWidgets.QLabel(self.tr("The futures terminal that guards your position."))
        warning = QtWidgets.QLabel(
            self.tr(
                "TAIFEX knows no stop orders: positions are guarded by this program on this computer, and only "
                "while it runs. Futures can lose more than was paid in."
            )
        )
        licence = QtWidgets.QLabel(self.tr("Free software under the MIT licence."))
        texts = QtWidgets.QVBoxLayout()
        for label in (title, purpose, warning, licence):
            label.setWordWrap(True)
            texts.addWidget(label)
        set_tone(warning, "warning")
        set_tone(licence, "muted")
        buttons = QtWidgets.QDialogButtonBox(QtWidgets.QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        grid = QtWidgets.QGridLayout(self)
        grid.setContentsMargins(20, 20, 20, 16)
        grid.setHorizontalSpacing(16)
        grid.addWidget(icon, 0, 0)
        grid.addLayout(texts, 0, 1)
        grid.addWidget(buttons, 1, 0, 1, 2)
        self.setFixedSize(_WIDTH, grid.heightForWidth(_WIDTH))
