"""What the rules of this version are: the wheel they are derived from, and the digest of the result (SEC-10)."""

import hashlib

WHEEL = "1.5.0"
DIGEST = "sha256:8b29795c1610dcb884581286225a2607a7d6ba63e60935c902db696914db109a"


def digest(rules: bytes, described: bytes) -> str:
    """The digest of derived rules: of what the engine is given, and of what is said about each rule."""
    return "sha256:" + hashlib.sha256(rules + b"\0" + described).hexdigest()
