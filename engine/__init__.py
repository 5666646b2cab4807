"""The trading engine: market data, conditions, orders and their guard. Knows no Qt."""
