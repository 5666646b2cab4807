"""Frame time of the live chart under load, beside floors measured in the same frames.

A frame is: take in the ticks that are due, bring the view up to date, paint. The floors are the repaint of an
empty pyqtgraph plot of the same size, and bare QPainter filling as many rectangles as the chart has in view.

    uv run python benchmarks/chart.py [--seconds N] [--bars N] [--rate N] [--xvfb]

Without a display the platform is offscreen, which paints but shows nothing; --xvfb paints to a virtual display.
"""

import argparse
import itertools
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
if not os.environ.get("DISPLAY") and sys.platform == "linux":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("PYQTGRAPH_QT_LIB", "PySide6")

import numpy as np
import pyqtgraph as pg
from pyqtgraph.Qt.internals import PrimitiveArray
from PySide6 import QtCore, QtGui, QtWidgets

from engine.model.condition import Condition, ConditionSpec, ConditionState
from engine.model.instrument import instrument
from engine.model.order import Fill, Side
from engine.model.session import Session, SessionKind, TradingCalendar
from engine.model.tick import Tick
from engine.timing import NS_PER_S
from terminal import theme
from terminal.chart import ChartWidget
from terminal.chart.candles import group_size, grouped

SIZE: Final = (1280, 760)
FRAME_S: Final = 1 / 60
BUDGET_MS: Final = 16.7
SYMBOL: Final = "TXFK4"
WARM_UP: Final = 30
"""First frames of a scene are left out: fonts, caches."""

CALENDAR = TradingCalendar()


def open_seconds() -> Iterator[int]:
    """Every second in which the market is open, from the night session for 2024-11-05 on, ns UTC."""
    session: Session | None = CALENDAR.session(date(2024, 11, 5), SessionKind.NIGHT)
    while session is not None:
        yield from range(session.open_ns, session.close_ns, NS_PER_S)
        session = CALENDAR.next_session(session.close_ns)


class Market:
    """Ticks of a random walk, seeded."""

    def __init__(self) -> None:
        self._rng = np.random.default_rng(20241105)
        self._seconds = open_seconds()
        self._numbers = itertools.count(1)
        self._price = 23_000
        self._second = next(self._seconds)

    def next_second(self) -> None:
        """The following ticks fall into the next second of the market."""
        self._second = next(self._seconds)

    def ticks(self, count: int) -> list[Tick]:
        """So many ticks within the present second."""
        found = []
        for step, quantity in zip(self._rng.integers(-2, 3, count), self._rng.integers(1, 9, count), strict=True):
            self._price += int(step)
            found.append(
                Tick(
                    symbol=SYMBOL,
                    seq=next(self._numbers),
                    ts_event=self._second,
                    ts_recv=self._second,
                    price=self._price,
                    quantity=int(quantity),
                )
            )
        return found


class Rectangles(QtWidgets.QWidget):
    """The least that any chart does: a ground and as many filled rectangles, made once."""

    def __init__(self, count: int) -> None:
        super().__init__()
        width = SIZE[0] / max(count, 1)
        self._rects = PrimitiveArray(QtCore.QRectF, 4)
        self._rects.resize(count)
        at = np.arange(count)
        sides = (np.round(at * width), 100.0 + at % 300, np.full(count, max(round(width * 0.7), 1)), 60.0 + 0 * at)
        self._rects.ndarray()[:] = np.stack(sides, axis=1)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        painter.fillRect(self.rect(), QtGui.QColor(theme.DARK.base))
        painter.setPen(QtCore.Qt.PenStyle.NoPen)
        painter.setBrush(QtGui.QColor(theme.DARK.up))
        painter.drawRects(*self._rects.drawargs())
        painter.end()


def build_chart(market: Market, bars: int) -> ChartWidget:
    """A chart with that many bars of one second, two conditions and some fills."""
    history = market.ticks(1)
    for _ in range(bars - 1):
        market.next_second()
        history += market.ticks(1)
    chart = ChartWidget()
    chart.resize(*SIZE)
    chart.set_calendar(CALENDAR)
    chart.set_instrument(instrument(SYMBOL, near=date(2024, 11, 5), calendar=CALENDAR))
    chart.set_time_frame(1)
    begin = time.perf_counter()
    chart.set_ticks(history)
    print(f"{bars:,} bars of history loaded in {1e3 * (time.perf_counter() - begin):.0f} ms")
    last = history[-1].price
    for name, side, level in (("s", Side.BUY, last - 20), ("r", Side.SELL, last + 20)):
        spec = ConditionSpec(condition_id=name, account="A", symbol=SYMBOL, action=side, trigger_price=level)
        chart.update_condition(Condition(spec=spec, state=ConditionState.ARMED, trigger=level))
    for number, tick in enumerate(history[-60::5]):
        chart.add_fill(
            Fill(
                fill_id=str(number),
                client_order_id="o",
                account="A",
                symbol=SYMBOL,
                side=Side.BUY if number % 2 else Side.SELL,
                price=tick.price,
                quantity=1,
                ts_event=tick.ts_event,
            )
        )
    return chart


def timed(action: Callable[[], Any]) -> float:
    """Milliseconds that it took."""
    begin = time.perf_counter()
    action()
    return 1e3 * (time.perf_counter() - begin)


def run_scene(
    app: QtWidgets.QApplication,
    name: str,
    chart: ChartWidget,
    market: Market,
    options: argparse.Namespace,
    frames_a_second_of_market: int,
) -> dict[str, Any]:
    """Frames at 60 a second; chart and floors are painted in turn, so that all meet the same machine."""
    frame = chart.view.frame
    count = 3 * len(grouped(frame.bars, *frame.span, group_size(frame.price.bar_width)).centre)
    plot, bare = pg.PlotWidget(background=theme.DARK.base), Rectangles(count)
    for widget in (chart, plot, bare):
        widget.resize(*SIZE)
        widget.show()
    app.processEvents()
    times: dict[str, list[float]] = {"update": [], "paint": [], "frame": [], "plot": [], "bare": []}
    due, debt = time.perf_counter(), 0.0
    for number in range(WARM_UP + int(options.seconds / FRAME_S)):
        if number % frames_a_second_of_market == 0:
            market.next_second()
        debt += options.rate * FRAME_S
        ticks = market.ticks(int(debt))
        debt -= len(ticks)
        # The mouse moves too: the crosshair is part of every frame.
        chart.view.point_at(QtCore.QPointF(200 + number % 500, 200 + number % 90))
        update = timed(partial(chart.add_ticks, ticks))
        paint = timed(chart.view.viewport().repaint)
        floors = timed(plot.viewport().repaint), timed(bare.repaint)
        app.processEvents()
        if number >= WARM_UP:
            for key, value in zip(times, (update, paint, update + paint, *floors), strict=True):
                times[key].append(value)
        due = max(due + FRAME_S, time.perf_counter())
        time.sleep(max(due - time.perf_counter(), 0))
    for widget in (plot, bare):
        widget.close()
        widget.deleteLater()
    return report(name, times, int(frame.span[1] - frame.span[0]), count)


def report(name: str, times: dict[str, list[float]], bars_in_view: int, rects: int) -> dict[str, Any]:
    """Prints a scene's figures and returns them."""
    figures: dict[str, Any] = {"bars_in_view": bars_in_view, "rectangles": rects}
    print(f"\n{name}: {bars_in_view:,} bars in view, {len(times['frame'])} frames")
    labels = {
        "update": "take in ticks",
        "paint": "paint",
        "frame": "whole frame",
        "plot": "floor: empty pyqtgraph plot",
        "bare": f"floor: {rects:,} bare rectangles",
    }
    for key, values in times.items():
        p50, p99 = np.percentile(values, [50, 99])
        figures[key] = {"p50_ms": round(float(p50), 3), "p99_ms": round(float(p99), 3)}
        print(f"  {labels[key]:34} p50 {p50:7.3f} ms   p99 {p99:7.3f} ms")
    for key in ("plot", "bare"):
        ratio = figures["frame"]["p50_ms"] / figures[key]["p50_ms"]
        ratio99 = figures["frame"]["p99_ms"] / figures[key]["p99_ms"]
        figures[f"ratio_{key}"] = {"p50": round(ratio, 2), "p99": round(ratio99, 2)}
        print(f"  frame / {labels[key]:26} p50 {ratio:7.2f} x    p99 {ratio99:7.2f} x")
    verdict = "within" if figures["frame"]["p99_ms"] < BUDGET_MS else "OVER"
    print(f"  p99 {figures['frame']['p99_ms']:.2f} ms is {verdict} the {BUDGET_MS} ms of a frame")
    return figures


def main() -> None:
    """Measures three scenes and prints them, the last line as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each scene")
    parser.add_argument("--bars", type=int, default=100_000, help="bars of one second loaded")
    parser.add_argument("--rate", type=float, default=1000.0, help="ticks a second")
    parser.add_argument("--xvfb", action="store_true", help="on a virtual display")
    options = parser.parse_args()
    if options.xvfb and not os.environ.get("DISPLAY"):
        if not (xvfb := shutil.which("xvfb-run")):
            parser.error("xvfb-run is not installed")
        environment = {**os.environ, "QT_QPA_PLATFORM": "xcb"}
        os.execve(xvfb, [xvfb, "-a", sys.executable, *sys.argv], environment)
    app = QtWidgets.QApplication([])
    theme.apply(app, theme.DARK)
    market = Market()
    chart = build_chart(market, options.bars)
    chart.show()
    app.processEvents()
    print(f"platform {app.platformName()}, {SIZE[0]} x {SIZE[1]}, {options.rate:g} ticks/s")
    scenes = {
        "following": run_scene(app, "Following, a bar a second", chart, market, options, 60),
        "fast": run_scene(app, "Following, a new bar every frame (replay)", chart, market, options, 1),
    }
    chart.view.timeline.zoom(1e6, chart.bar_count)
    chart.view.refit(exact=True)
    scenes["all"] = run_scene(app, "All bars in view", chart, market, options, 60)
    chart.close()
    worst = max(figures["frame"]["p99_ms"] for figures in scenes.values())
    summary = {
        "benchmark": "chart",
        "platform": app.platformName(),
        "bars": options.bars,
        "rate": options.rate,
        "worst_p99_ms": worst,
        "budget_ms": BUDGET_MS,
        **scenes,
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
