"""Findings that the target branch allows, each with an owner, a reason and an end (SEC-4).

What is shown of an entry is what is compared: its path and rule have to be those of the finding,
beside the keyed hash, which binds the secret to the path. Entries of two kinds may stand in one list,
told apart by the beginning of the hash: the first kind also binds the rule's id of that time.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from orch_gates.gates.security.findings import REDACTED, SecretFinding
from orch_gates.model.finding import Finding
from orch_gates.scanners import rule_ids

PATH = ".orch-gates/allowed-secrets.md"
SHORTEST_KEY = 16
_KEPT = "or orch-gates/allow-key in the git directory"
_FIRST = "hmac-sha256:"
_SECOND = "hmac-sha256-path:"
HASH = re.compile(f"({_FIRST}|{_SECOND})[0-9a-f]{{64}}")
# Two kinds of hashes never agree, whatever a secret holds.
_SECOND_LABEL = b"orch.allowed-secrets/2"
_UNDECODABLE = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class AllowedFinding:
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

    entries: tuple[AllowedFinding, ...] = ()
    key: bytes = b""


@dataclass(frozen=True, slots=True)
class AllowlistResult:
    """Findings that stand, and what to tell about those that do not or no longer do."""

    standing: tuple[SecretFinding, ...]
    notices: tuple[str, ...]


def entry_for(key: bytes, item: SecretFinding, *, owner: str, reason: str, expires: date) -> AllowedFinding:
    """A new entry that allows a finding."""
    made = keyed_hash(key, spelled(item.place), item.secret)
    return AllowedFinding(made, spelled(item.finding.path), item.finding.rule, owner, reason, expires)


def without(entries: Iterable[AllowedFinding], key: bytes, item: SecretFinding) -> tuple[AllowedFinding, ...]:
    """The entries as they are, without those for one finding; other rules at the same place stay."""
    hashes = _hashes(key, item)
    return tuple(
        entry
        for entry in entries
        if not (entry.hash in hashes and (entry.hash.startswith(_FIRST) or _same_rule(entry, item.finding)))
    )


def spelled(path: str) -> str:
    """A path as an entry holds it: bytes that are no text as `\\\\xNN`, and a backslash doubled to tell them apart."""
    return _UNDECODABLE.sub(lambda hit: f"\\x{ord(hit[0]) - 0xDC00:02x}", path.replace("\\", "\\\\"))


def sort(findings: Sequence[SecretFinding], allowed: AllowList, today: date) -> AllowlistResult:
    """Take out the findings that an entry allows today; say who allowed them, or why not (pure)."""
    standing: list[SecretFinding] = []
    notes: set[tuple[str, str, str]] = set()
    for item in findings:
        fitting, altered = _entries_for(item, allowed)
        # Of several, the one that holds longest.
        entry = max(fitting, key=lambda entry: entry.expires, default=None)
        if entry is None or entry.expires < today:
            standing.append(item)
        if entry is not None:
            notes.add((item.finding.path, item.finding.rule, _about(entry, today)))
        else:
            notes |= {(item.finding.path, item.finding.rule, _differs(entry, item.finding)) for entry in altered}
    # The order of the findings may be the engine's; what is said about them has its own.
    notices = [f"{path}: {rule} {text}" for path, rule, text in sorted(notes)]
    if findings and allowed.entries and not allowed.key:
        count = "1 entry" if len(allowed.entries) == 1 else f"{len(allowed.entries)} entries"
        notices.insert(0, f"{PATH} has {count} that cannot be checked: the key is missing (ORCH_ALLOW_KEY, {_KEPT})")
    return AllowlistResult(tuple(standing), tuple(notices))


def _entries_for(item: SecretFinding, allowed: AllowList) -> tuple[list[AllowedFinding], list[AllowedFinding]]:
    """The entries for a finding, and those that fit by their hash but show something else."""
    if not allowed.key or not allowed.entries:
        return [], []
    hashes = _hashes(allowed.key, item)
    by_hash = [entry for entry in allowed.entries if entry.hash in hashes]
    fitting = [entry for entry in by_hash if _shows_it(entry, hashes[entry.hash])]
    return fitting, [entry for entry in by_hash if entry not in fitting]


def shows(shown: str, path: str) -> bool:
    """Whether what is shown of a path, with parts of it redacted, is that path."""
    if REDACTED not in shown:
        return shown == path
    return re.fullmatch(".*".join(re.escape(part) for part in shown.split(REDACTED)), path, re.DOTALL) is not None


def _shows_it(entry: AllowedFinding, wanted: Iterable[tuple[str, str]]) -> bool:
    return any(entry.rule == rule and shows(entry.path, path) for path, rule in wanted)


def _hashes(key: bytes, item: SecretFinding) -> dict[str, frozenset[tuple[str, str]]]:
    """Every hash that an entry for a finding may have, with the paths and rules that it may show then."""
    path, rule = item.finding.path, item.finding.rule
    whole = spelled(item.place)
    hashes = {keyed_hash(key, whole, item.secret): frozenset((whole, name) for name in rule_ids.names(rule))}
    return hashes | {_first(key, path, name, item.secret): frozenset({(path, name)}) for name in rule_ids.former(rule)}


def _same_rule(entry: AllowedFinding, finding: Finding) -> bool:
    return finding.rule in rule_ids.successors(entry.rule)


def _about(entry: AllowedFinding, today: date) -> str:
    if entry.expires < today:
        return f"was allowed by {entry.owner} until {entry.expires}; it no longer is"
    return f"is allowed by {entry.owner} until {entry.expires}: {entry.reason}"


def _differs(entry: AllowedFinding, finding: Finding) -> str:
    return (
        f"is not allowed: the entry of {entry.owner} for it was altered or is for another rule, as it shows "
        f"{entry.path} and {entry.rule}; restore it, or write a new "
        f"one: `orch-gates secrets allow {finding.id} --owner WHO --reason WHY --expires YYYY-MM-DD`"
    )


def keyed_hash(key: bytes, shown: str, secret: bytes) -> str:
    """The keyed hash of a secret and the path it is in, which is `spelled`."""
    return _SECOND + _hmac(key, _SECOND_LABEL, shown.encode(), secret)


def _first(key: bytes, path: str, rule: str, secret: bytes) -> str:
    return _FIRST + _hmac(key, path.encode("utf-8", "surrogateescape"), rule.encode(), secret)


def _hmac(key: bytes, *parts: bytes) -> str:
    """A keyed hash: it cannot be turned back or guessed at offline."""
    return hmac.new(key, b"\0".join(parts), hashlib.sha256).hexdigest()
