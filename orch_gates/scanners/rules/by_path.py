"""Files that are secrets by what they are: found by name and first bytes, whatever is inside."""

from __future__ import annotations

_PKCS12 = (".p12", ".pfx", ".pkcs12")


def by_path(path: str, head: bytes) -> str | None:
    """The rule that a file at `path` breaks by being there; `head` is its first bytes, none for an empty file.

    PKCS#12 files hold a private key, mostly behind a guessable password. Their names decide, not their bytes:
    they come in DER, in base64, and renamed from either.
    """
    return "pkcs12-file" if head and path.lower().endswith(_PKCS12) else None
