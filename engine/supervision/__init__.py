"""Child processes: the frame that a child runs in, when to restart it, and the supervisor that does so."""
