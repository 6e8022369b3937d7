"""The state branch as a whole."""
