"""Merging tasks, the right to merge, and what proves it."""
