"""Tasks: their steps, where they stand and why, and what the forge still has to be told."""
