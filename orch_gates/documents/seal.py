"""A digest as the last line of a document's frontmatter: damage and edits are seen (SEC-8).

It is no signature: whoever can write the file can also seal it again.
"""

from __future__ import annotations

import hashlib
import re

from orch_gates.errors import ReportError

_LAST_LINE = re.compile(r'^digest: "sha256:([0-9a-f]{64})"\n\Z', re.MULTILINE)


def seal(raw: str) -> str:
    """The frontmatter with the line `digest: "sha256:…"` added, over every byte before it."""
    return f'{raw}digest: "sha256:{_sha256(raw)}"\n'


def check(raw: str) -> None:
    """Accept a frontmatter that is exactly as it was sealed.

    Raises:
        ReportError: the digest is not the last line, is not spelled as `seal` does, or differs.
    """
    found = _LAST_LINE.search(raw)
    if found is None:
        raise ReportError("the frontmatter does not end with its digest")
    if _sha256(raw[: found.start()]) != found[1]:
        raise ReportError("the frontmatter was changed after it was written: its digest differs")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
