"""Readers of market files: from bytes on disk to values of the model, or one clear error."""
