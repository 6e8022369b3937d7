"""The state branch: documents, layout, compare-and-swap transactions."""
