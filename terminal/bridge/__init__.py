"""Between the engine's sockets and Qt: one thread receives, typed Qt signals carry it to the window."""
