"""Adapters to the worlds that orders go to. :mod:`engine.brokers.base` is their contract."""
