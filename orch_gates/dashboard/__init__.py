"""The dashboard: everything that one snapshot tells, read once, and put into a folder as a page (OBS-1)."""
