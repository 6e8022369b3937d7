"""What the rules of this version are: the wheel they are derived from, and the digest of the result (SEC-10)."""

import hashlib

WHEEL = "1.5.0"
DIGEST = "sha256:2a142de47b00cd0693f6cf4f8064682bac72bc5cebe000d2b47849b144cd0e3a"


def digest(rules: bytes, described: bytes) -> str:
    """The digest of derived rules: of what the engine is given, and of what is said about each rule."""
    return "sha256:" + hashlib.sha256(rules + b"\0" + described).hexdigest()
