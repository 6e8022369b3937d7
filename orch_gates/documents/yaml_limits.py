"""How much a document's frontmatter may hold: the reader and the writer agree on it (OWN-3)."""

MAX_DEPTH = 8
MAX_NODES = 20_000
MAX_KEY = 100
INT64 = range(-(2**63), 2**63)
