"""Deterministic delivery gates for a git repository, with nothing to host."""

try:
    # The build writes it: every commit is another version.
    from orch_gates._version import version as __version__
except ImportError:
    __version__ = "0.1.0.dev0"

__all__ = ["__version__"]
