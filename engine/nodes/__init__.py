"""The child processes: the I/O around the pure parts."""
