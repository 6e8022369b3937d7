"""Tasks' work: starting it, running it, showing it."""
