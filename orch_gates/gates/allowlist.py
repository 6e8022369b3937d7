"""Findings that the target branch allows, each with an owner, a reason and an end (SEC-4)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from orch_gates.errors import ExceptionListError, ReportError
from orch_gates.gates.secret_scan import SecretFinding
from orch_gates.model.finding import Finding

PATH = ".orch-gates/allowed-secrets.md"
SCHEMA = "orch.allowed-secrets/1"
SHORTEST_KEY = 16
_FIELDS = ("hash", "path", "rule", "owner", "reason", "expires")


@dataclass(frozen=True, slots=True)
class Entry:
    """One allowed finding; `expires` is the last day on which it holds."""

    hash: str
    path: str
    rule: str
    owner: str
    reason: str
    expires: date


@dataclass(frozen=True, slots=True)
class AllowList:
    """The entries of the target branch and the key to check them with; empty when there is none."""

    entries: tuple[Entry, ...] = ()
    key: bytes = b""


@dataclass(frozen=True, slots=True)
class Sorted:
    """Findings that stand, and what to tell about those that do not or no longer do."""

    standing: tuple[Finding, ...]
    notices: tuple[str, ...]


def entry_hash(key: bytes, finding: Finding, secret: bytes) -> str:
    """The keyed hash of secret, path and rule: it cannot be turned back or guessed at offline."""
    message = b"\0".join((finding.path.encode("utf-8", "surrogateescape"), finding.rule.encode(), secret))
    return "hmac-sha256:" + hmac.new(key, message, hashlib.sha256).hexdigest()


def decode(text: str) -> tuple[Entry, ...]:
    """Read the list.

    Raises:
        ExceptionListError: it is malformed; the message says where.
    """
    # Imported here: a push without findings must not pay for the YAML reader.
    from orch_gates.documents import frontmatter

    try:
        mapping, _ = frontmatter.decode(text)
    except ReportError as error:
        raise ExceptionListError(f"{PATH}: {error}") from error
    if mapping.get("schema") != SCHEMA:
        raise ExceptionListError(f"{PATH}: schema is not {SCHEMA}")
    entries = mapping.get("entries")
    if not isinstance(entries, list):
        raise ExceptionListError(f"{PATH}: entries is not a list")
    return tuple(_entry(number, item) for number, item in enumerate(entries, 1))


def _entry(number: int, item: object) -> Entry:
    if not isinstance(item, Mapping) or set(item) != set(_FIELDS):
        raise ExceptionListError(f"{PATH}: entry {number} must have exactly: {', '.join(_FIELDS)}")
    values = {name: item[name] for name in _FIELDS}
    texts = {name: value for name, value in values.items() if isinstance(value, str) and value.strip()}
    if len(texts) != len(_FIELDS):
        raise ExceptionListError(f"{PATH}: entry {number} has an empty field or one that is not text")
    try:
        expires = date.fromisoformat(texts.pop("expires"))
    except ValueError as error:
        raise ExceptionListError(f"{PATH}: entry {number}: expires is not a date (YYYY-MM-DD)") from error
    return Entry(**texts, expires=expires)


def encode(entries: Sequence[Entry]) -> str:
    """Write the list, with a word to the person who opens it."""
    from orch_gates.documents import frontmatter

    rows = [{name: str(getattr(entry, name)) for name in _FIELDS} for entry in entries]
    body = (
        "# Allowed findings of the secret scan\n\n"
        "Written by `orch-gates secrets allow`; it counts once it is on the target branch. Each entry\n"
        "holds for one secret in one file under one rule, until its last day.\n"
    )
    return frontmatter.encode({"schema": SCHEMA, "entries": rows}, body)


def sort(findings: Sequence[SecretFinding], allowed: AllowList, today: date) -> Sorted:
    """Take out the findings that an entry allows today; say who allowed them, or why not (pure)."""
    standing: list[Finding] = []
    notices: list[str] = []
    if findings and allowed.entries and not allowed.key:
        notices.append(f"{PATH} has {len(allowed.entries)} entries that cannot be checked: no key (set ORCH_ALLOW_KEY)")
    for item in findings:
        entry = _matching(item, allowed)
        if entry is None:
            standing.append(item.finding)
        elif entry.expires < today:
            standing.append(item.finding)
            notices.append(
                f"{entry.path}: {entry.rule} was allowed by {entry.owner} until {entry.expires}; it no longer is"
            )
        else:
            notices.append(
                f"{entry.path}: {entry.rule} is allowed by {entry.owner} until {entry.expires}: {entry.reason}"
            )
    return Sorted(tuple(standing), tuple(notices))


def _matching(item: SecretFinding, allowed: AllowList) -> Entry | None:
    """The entry for a finding; of several, the one that holds longest."""
    if not allowed.key or not allowed.entries:
        return None
    wanted = entry_hash(allowed.key, item.finding, item.secret)
    fitting = [entry for entry in allowed.entries if hmac.compare_digest(entry.hash, wanted)]
    return max(fitting, key=lambda entry: entry.expires, default=None)
