"""The line on the chart that says how far the stored bars reach, or why there are none. Asks nobody."""

from PySide6 import QtCore, QtGui, QtWidgets

from terminal.chart.axes import local_text
from terminal.chart.frame import READOUT_HEIGHT
from terminal.models.past import PastState
from terminal.widgets.dock import set_tone
from terminal.widgets.elided import ElidedLabel


class PastLabel(ElidedLabel):
    """Says nothing while older bars may exist: scrolling back brings them."""

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(QtCore.Qt.WidgetAttribute.WA_TransparentForMouseEvents)  # the chart is behind it
        self.setContentsMargins(10, READOUT_HEIGHT, 10, 2)
        self.state, self._reason, self._begin_ns = PastState.UNTOLD, "", 0

    def tell(self, state: PastState, reason: str = "", begin_ns: int = 0) -> None:
        """Shows what is known.

        Args:
            state: of the time before the live ticks.
            reason: why it cannot be had, in a sentence, where it cannot.
            begin_ns: where the bars begin, where there are any.
        """
        self.state, self._reason, self._begin_ns = state, reason, begin_ns
        self.retranslate()

    def retranslate(self) -> None:
        """Says it in the present language."""
        self.setText(self._words())
        set_tone(self, "warning" if self.state is PastState.FAILED else "muted")

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        """Draws the words on a ground of their own, over the bars."""
        if not self.text():
            return
        painter = QtGui.QPainter(self)
        ground = self.palette().color(QtGui.QPalette.ColorRole.Base)
        ground.setAlpha(200)
        painter.fillRect(self.contentsRect().adjusted(-10, 0, 10, 0), ground)
        painter.end()
        super().paintEvent(event)

    def _words(self) -> str:
        match self.state:
            case PastState.LOADING:
                return self.tr("History is being loaded…")
            case PastState.WHOLE:
                begin = local_text(self._begin_ns, "%Y/%m/%d %H:%M")
                return self.tr("History begins {time}").format(time=begin)
            case PastState.EMPTY:
                return self.tr("No history in the store. File, Import market data… brings recorded days.")
            case PastState.NONE:
                return self.tr("No history: a simulated market begins with the login.")
            case PastState.OFF:
                return self.tr("No history: the recorder is switched off in the settings.")
            case PastState.FAILED:
                return self.tr("No history: {text}").format(text=self._reason)
        return ""
