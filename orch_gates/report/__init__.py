"""Verdicts for people and machines: report file, text, JSON, SARIF, CI annotations."""
