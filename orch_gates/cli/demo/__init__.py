"""Demonstrations in throw-away repositories."""
