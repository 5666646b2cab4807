"""What decides: pure functions from ticks and events to signals, shared by live trading, replay and preview."""
