"""Bringing a validated commit into its target, and proving that it is there."""
