"""Stages, transitions and decisions: pure (SPEC §3)."""
