"""The desktop window on the engine: everything that knows Qt."""
