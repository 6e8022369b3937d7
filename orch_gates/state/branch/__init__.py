"""The state branch on a real remote: read, changed by compare-and-swap, made and restored (ST-2, ST-3, ST-4)."""
