"""Stages, transitions and decisions: pure."""
