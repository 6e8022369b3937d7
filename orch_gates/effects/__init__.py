"""What is done outside of the state branch: planned in a state commit, performed after it, then acknowledged (P7)."""
