"""Dialogs, opened without blocking; what a person decided leaves them as a signal."""
