"""The market store: ticks, books and bars on disk. The only package that imports duckdb."""
