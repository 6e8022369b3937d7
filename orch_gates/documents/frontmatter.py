"""Markdown with YAML frontmatter: the form of every document of the product (SEC-8, ST-1, OWN-3).

A document is `---`, the frontmatter, `---`, then the body, each delimiter alone on its line with
nothing around it and a plain newline after it. Documents are untrusted input.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from orch_gates.documents import yaml_flat, yaml_write
from orch_gates.errors import ReportError

if TYPE_CHECKING:
    from orch_gates.documents.yaml_read import Value

MAX_FRONTMATTER = 256 * 1024
MAX_DOCUMENT = 4 * 1024 * 1024

_OPEN = "---\n"
_CLOSE = "\n---\n"


def split(text: str) -> tuple[str, str]:
    """The frontmatter as written (without the delimiters, with its last newline) and the body.

    Raises:
        ReportError: a delimiter is missing or not exact, or more characters than `MAX_DOCUMENT`
            or `MAX_FRONTMATTER`.
    """
    if len(text) > MAX_DOCUMENT:
        raise ReportError(f"line 1: the document is longer than {MAX_DOCUMENT} characters")
    if not text.startswith(_OPEN):
        raise ReportError("line 1: the first line must be exactly ---")
    # The opening delimiter's own newline may be the one before the closing delimiter.
    end = text.find(_CLOSE, len(_OPEN) - 1)
    if end < 0:
        raise ReportError(f"line {text.count(chr(10)) + 1}: no line that is exactly --- ends the frontmatter")
    if end > MAX_FRONTMATTER:
        raise ReportError(f"line 1: the frontmatter is longer than {MAX_FRONTMATTER} characters")
    return text[len(_OPEN) : end + 1], text[end + len(_CLOSE) :]


def decode(text: str, *, parser: object = None) -> tuple[dict[str, Value], str]:
    """The frontmatter's values and the body, exactly as it was given to `encode`.

    `parser` is the PyYAML loader whose parser has to be used; all of them give the same answer.

    Raises:
        ReportError: the document is malformed, ambiguous or too big; the message names the line.
    """
    raw, body = split(text)
    flat = yaml_flat.parse(raw) if parser is None else None
    return (_careful(raw, parser) if flat is None else flat), body


def _careful(raw: str, parser: object) -> dict[str, Value]:
    # PyYAML costs every command that does not need it.
    from orch_gates.documents import yaml_read

    return yaml_read.parse(raw, first_line=2, parser=parser or yaml_read.PARSER)


def encode(mapping: Mapping[str, object], body: str) -> str:
    """A document that `decode` reads back as equal values and the same body.

    Raises:
        ReportError: a value that documents cannot hold, or more than they may hold.
    """
    text = join(yaml_write.dump(mapping), body)
    split(text)
    return text


def join(raw: str, body: str) -> str:
    """The document of a frontmatter that is already YAML; the inverse of `split`."""
    return f"{_OPEN}{raw}{_OPEN}{body}"
