"""The live chart: candles, volume, conditions, orders, fills and position of one contract."""

from terminal.chart.widget import ChartWidget

__all__ = ["ChartWidget"]
