"""A path with a button that looks for the file."""

from pathlib import Path

from PySide6 import QtCore, QtWidgets


class PathEdit(QtWidgets.QWidget):
    """The path is ``edit.text()``; ``pattern`` says which files the file dialog shows."""

    def __init__(self) -> None:
        super().__init__()
        self.edit = QtWidgets.QLineEdit()
        self.button = QtWidgets.QToolButton()
        self.button.setText("…")
        self.pattern = ""
        box = QtWidgets.QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.edit, 1)
        box.addWidget(self.button)
        self.button.clicked.connect(self._on_browse)

    def _on_browse(self) -> None:
        dialog = QtWidgets.QFileDialog(self, "", str(Path(self.edit.text()).parent), self.pattern)
        dialog.setAttribute(QtCore.Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setFileMode(QtWidgets.QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(self.edit.setText)
        dialog.open()
