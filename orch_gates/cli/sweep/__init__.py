"""One tick of what runs by itself."""
