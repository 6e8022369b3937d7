"""The baseline of old findings as a file that people review: one line each, below what holds for all (SEC-11)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from orch_gates.errors import ExceptionListError, ReportError
from orch_gates.gates.security.allowlist import HASH
from orch_gates.gates.security.baseline import PATH, Baseline, BaselineEntry
from orch_gates.git.cli import Git

SCHEMA = "orch.secrets-baseline/1"
_FIELDS = ("schema", "owner", "reason", "expires", "key_id")
_KEY_ID = re.compile("[0-9a-f]{16}")
_OID = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_RULE = re.compile("[A-Za-z0-9._:-]{1,100}")
_NO_OBJECT = "-"
_PARTS = 5
_FENCE = "```"
_BODY = """\
# Known old findings of the secret scan

Written by `orch-gates secrets baseline`; it takes effect once it is on the target branch. These findings were there
before the gate, and pass until the last day. Revoke each credential that is real all the same. A line is one
finding: keyed hash of its secret and path, object, line, rule, path. A check without the key of the hashes compares
object, line and path alone: let nobody but `orch-gates secrets baseline` write a line.
"""


def read(git: Git, trusted: str) -> Baseline | None:
    """The baseline at a trusted commit (P5, SEC-11); None where there is none.

    Raises:
        ExceptionListError: it is malformed.
        GitError: it cannot be read.
    """
    text = git.blob(trusted, PATH) if trusted else None
    return None if text is None else decode(text.decode("utf-8", "replace"))


def decode(text: str, where: str = PATH) -> Baseline:
    """Read a baseline; `where` names it in messages.

    Raises:
        ExceptionListError: it is malformed; the message says where.
    """
    # Imported here: a push without findings must not pay for the YAML reader.
    from orch_gates.documents import frontmatter

    try:
        mapping, body = frontmatter.decode(text)
    except ReportError as error:
        raise ExceptionListError(f"{where}: {error}") from error
    if mapping.get("schema") != SCHEMA:
        raise ExceptionListError(f"{where}: schema is not {SCHEMA}")
    texts = {name: value for name, value in mapping.items() if isinstance(value, str) and value.strip()}
    if set(texts) != set(_FIELDS) or len(mapping) != len(_FIELDS):
        raise ExceptionListError(f"{where}: there must be exactly these, each with text: {', '.join(_FIELDS)}")
    try:
        expires = date.fromisoformat(texts["expires"])
    except ValueError as error:
        raise ExceptionListError(f"{where}: expires must be a date (YYYY-MM-DD)") from error
    if _KEY_ID.fullmatch(texts["key_id"]) is None:
        raise ExceptionListError(f"{where}: key_id is not one that `orch-gates secrets baseline` writes")
    above = text.count("\n", 0, len(text) - len(body))
    entries = tuple(_entries(body, above, where))
    return Baseline(texts["owner"], texts["reason"], expires, texts["key_id"], entries)


def encode(baseline: Baseline) -> str:
    """Write a baseline, with a word to the person who opens it.

    Raises:
        ExceptionListError: what came out could not be read again, for an empty field say.
    """
    from orch_gates.documents import frontmatter

    values = (SCHEMA, baseline.owner, baseline.reason, baseline.expires.isoformat(), baseline.key_id)
    lines = "".join(
        f"{entry.hash} {entry.oid or _NO_OBJECT} {entry.line} {entry.rule} {entry.path}\n" for entry in baseline.entries
    )
    try:
        text = frontmatter.encode(
            dict(zip(_FIELDS, values, strict=True)), f"\n{_BODY}\n{_FENCE}text\n{lines}{_FENCE}\n"
        )
    except ReportError as error:
        raise ExceptionListError(
            f"{PATH}: {error}; where there are very many findings, see whether one rule finds most of them: "
            "`orch-gates secrets baseline --dry-run` counts them"
        ) from error
    if decode(text) != baseline:
        raise ExceptionListError(f"{PATH}: the list was not written, as it would read back differently")
    return text


def _entries(body: str, above: int, where: str) -> Iterator[BaselineEntry]:
    # Of all line ends only this one is no part of a path.
    lines = body.split("\n")
    begins = [number for number, line in enumerate(lines) if line.startswith(_FENCE)]
    if len(begins) != 2:
        raise ExceptionListError(f"{where}: the findings must stand between two lines that begin with {_FENCE}")
    first, last = begins
    for number, line in enumerate(lines[first + 1 : last], above + first + 2):
        yield _entry(line, f"{where}: line {number}")


def _entry(line: str, where: str) -> BaselineEntry:
    parts = line.split(" ", _PARTS - 1)
    if len(parts) != _PARTS or not parts[-1]:
        raise ExceptionListError(f"{where}: a finding is hash, object, line, rule and path")
    made, oid, number, rule, path = parts
    if HASH.fullmatch(made) is None or not (oid == _NO_OBJECT or _OID.fullmatch(oid)) or _RULE.fullmatch(rule) is None:
        raise ExceptionListError(f"{where}: it is not as `orch-gates secrets baseline` writes it")
    if not (number.isascii() and number.isdigit() and len(number) <= 10):
        raise ExceptionListError(f"{where}: {number!r} is not a line number")
    return BaselineEntry(made, "" if oid == _NO_OBJECT else oid, int(number), rule, path)
