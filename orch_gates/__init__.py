"""Deterministic delivery gates for a git repository, with nothing to host."""

__version__ = "0.1.0"
