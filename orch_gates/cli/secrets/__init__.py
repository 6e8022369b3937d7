"""Findings that are allowed, by name or as a baseline."""
