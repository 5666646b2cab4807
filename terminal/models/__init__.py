"""Table models and the columns they show, as data."""
