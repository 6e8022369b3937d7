"""Pull requests that are merged in turn."""
