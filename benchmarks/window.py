"""A live chart that repaints at 60 frames a second on the main thread while something else is measured.

Painting and the gateway share one interpreter lock: what a frame holds it for, a tick may have to wait.
"""

import os
import threading
import time
from collections.abc import Callable
from datetime import date
from typing import TypeVar

from PySide6 import QtCore, QtWidgets

from engine.model.instrument import instrument
from engine.model.session import SessionKind, TradingCalendar
from engine.model.tick import Tick
from engine.timing import NS_PER_S
from terminal import theme
from terminal.chart.widget import ChartWidget

T = TypeVar("T")

FRAME_MS = 16
_TICKS_A_FRAME = 4
_HISTORY = 60_000


class Painter:
    """Feeds the chart and counts frames."""

    def __init__(self, chart: ChartWidget) -> None:
        self._chart = chart
        self._calendar = TradingCalendar()
        session = self._calendar.session(date(2024, 11, 5), SessionKind.DAY)
        self._now = session.open_ns
        self._seq = 0
        chart.set_calendar(self._calendar)
        chart.set_instrument(instrument("TXFK4", near=date(2024, 11, 5), calendar=self._calendar))
        chart.set_ticks([self._tick() for _ in range(_HISTORY)])
        self.frames: list[float] = []

    def _tick(self) -> Tick:
        self._seq += 1
        self._now += NS_PER_S // 5
        price = 22_800 + (self._seq * 7919) % 61 - 30 + (self._seq // 500) % 40
        return Tick(symbol="TXFK4", seq=self._seq, ts_event=self._now, ts_recv=self._now, price=price, quantity=1)

    def frame(self) -> None:
        """One frame: new ticks, and everything repainted."""
        began = time.perf_counter()
        self._chart.add_ticks([self._tick() for _ in range(_TICKS_A_FRAME)])
        self._chart.view.viewport().repaint()
        self.frames.append((time.perf_counter() - began) * 1000)


def beside_window(work: Callable[[], T]) -> T:
    """Runs ``work`` on a thread while the chart repaints, and returns what it returned."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    app = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])
    assert isinstance(app, QtWidgets.QApplication)
    theme.apply(app, theme.DARK)
    chart = ChartWidget()
    chart.resize(1280, 760)
    painter = Painter(chart)
    chart.show()
    result: list[T] = []
    failure: list[BaseException] = []

    def run() -> None:
        try:
            result.append(work())
        except BaseException as error:
            failure.append(error)
        finally:
            QtCore.QMetaObject.invokeMethod(app, "quit", QtCore.Qt.ConnectionType.QueuedConnection)

    timer = QtCore.QTimer()
    timer.setTimerType(QtCore.Qt.TimerType.PreciseTimer)
    timer.setInterval(FRAME_MS)
    timer.timeout.connect(painter.frame)
    timer.start()
    thread = threading.Thread(target=run, name="measurement")
    thread.start()
    app.exec()
    thread.join()
    timer.stop()
    chart.close()
    ordered = sorted(painter.frames)
    print(
        f"window: {len(ordered)} frames, {ordered[len(ordered) // 2]:.1f} ms p50, "
        f"{ordered[int(len(ordered) * 0.99)]:.1f} ms p99 a frame"
    )
    if failure:
        raise failure[0]
    return result[0]
