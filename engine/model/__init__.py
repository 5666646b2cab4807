"""Values of the trade: immutable, without I/O, shared from the broker to the screen."""
