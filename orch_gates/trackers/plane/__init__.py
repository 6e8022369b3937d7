"""Plane as a tracker: the state of a work item is a word, and one comment says where its task stands (TRK-1)."""
