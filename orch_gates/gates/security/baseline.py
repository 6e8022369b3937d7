"""What was found before there was a gate, and passes until one day for the lot (SEC-11).

A baseline is a person's word about old findings. Where the key of its hashes is at hand, an entry fits by the keyed
hash of secret and path, in whatever version of the file; elsewhere by object, path and line. What is shown of an entry
is what is compared, its rule too.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from orch_gates.gates.security import allowlist
from orch_gates.gates.security.findings import SecretFinding
from orch_gates.scanners import rule_ids

PATH = ".orch-gates/secrets-baseline.md"
_KEY_LABEL = b"orch.secrets-baseline: which key"
_CONTROL = re.compile("[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class BaselineEntry:
    """One old finding: `hash` of its secret and path, the `oid` that holds it (empty for a ref name), and its place."""

    hash: str
    oid: str
    line: int
    rule: str
    path: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """Old findings with one owner, one reason and one last day; `key_id` tells which key made the hashes."""

    owner: str
    reason: str
    expires: date
    key_id: str
    entries: tuple[BaselineEntry, ...]


@dataclass(frozen=True, slots=True)
class BaselineResult:
    """Findings that stand, how many are known, and what to tell about those."""

    standing: tuple[SecretFinding, ...]
    known: int
    notices: tuple[str, ...]


def key_id(key: bytes) -> str:
    """What tells keys apart and gives none away."""
    return hmac.new(key, _KEY_LABEL, hashlib.sha256).hexdigest()[:16]


def make(key: bytes, findings: Iterable[SecretFinding], *, owner: str, reason: str, expires: date) -> Baseline:
    """A baseline of findings, each place once, in the order of paths."""
    entries = {entry_for(key, item) for item in findings}
    ordered = sorted(entries, key=lambda entry: (entry.path, entry.line, entry.rule, entry.oid, entry.hash))
    return Baseline(owner, reason, expires, key_id(key), tuple(ordered))


def entry_for(key: bytes, item: SecretFinding) -> BaselineEntry:
    """The entry for one finding."""
    finding = item.finding
    made = allowlist.keyed_hash(key, allowlist.spelled(item.place), item.secret)
    return BaselineEntry(made, item.oid, finding.line, finding.rule, on_one_line(allowlist.spelled(finding.path)))


def on_one_line(spelled: str) -> str:
    """A path that is spelled as in the list of allowed findings, with its line breaks and the like spelled too."""
    return _CONTROL.sub(lambda hit: f"\\x{ord(hit[0]):02x}", spelled)


def sort(findings: Sequence[SecretFinding], baselines: Sequence[Baseline], key: bytes, today: date) -> BaselineResult:
    """Take out the findings that a baseline knows and that it still covers today (pure)."""
    standing = list(findings)
    known = 0
    notices = []
    for baseline in baselines:
        fits = _matcher(baseline, key)
        there = [fits(item) for item in standing]
        count = sum(there)
        if not count:
            continue
        notices.append(_about(baseline, count, today))
        if baseline.expires >= today:
            known += count
            standing = [item for item, is_known in zip(standing, there, strict=True) if not is_known]
    return BaselineResult(tuple(standing), known, tuple(notices))


def _matcher(baseline: Baseline, key: bytes) -> Callable[[SecretFinding], bool]:
    if key and key_id(key) == baseline.key_id:
        by_hash: defaultdict[str, set[tuple[str, str]]] = defaultdict(set)
        for entry in baseline.entries:
            by_hash[entry.hash].add((entry.path, entry.rule))

        def by_secret(item: SecretFinding) -> bool:
            spelled = allowlist.spelled(item.place)
            return _shown(by_hash.get(allowlist.keyed_hash(key, spelled, item.secret), ()), spelled, item)

        return by_secret
    by_place: defaultdict[tuple[str, int], set[tuple[str, str]]] = defaultdict(set)
    for entry in baseline.entries:
        # What is in no object has no place but its name, and the name of a ref is no proof of what it was.
        if entry.oid:
            by_place[entry.oid, entry.line].add((entry.path, entry.rule))

    def by_object(item: SecretFinding) -> bool:
        there = by_place.get((item.oid, item.finding.line), ())
        return _shown(there, allowlist.spelled(item.place), item)

    return by_object


def _shown(entries: Iterable[tuple[str, str]], spelled: str, item: SecretFinding) -> bool:
    """Whether one of the entries shows the path and the rule of a finding."""
    path, rules = on_one_line(spelled), rule_ids.names(item.finding.rule)
    return any(rule in rules and allowlist.shows(shown, path) for shown, rule in entries)


def _about(baseline: Baseline, count: int, today: date) -> str:
    findings = "1 old finding" if count == 1 else f"{count} old findings"
    if baseline.expires < today:
        stand = "stands" if count == 1 else "stand"
        return (
            f"{findings} of the baseline of {baseline.owner} {stand} again: it expired on {baseline.expires}; review "
            "them, and create a new baseline with `orch-gates secrets baseline`"
        )
    passes = "passes" if count == 1 else "pass"
    return f"{findings} {passes} by the baseline of {baseline.owner} until {baseline.expires}: {baseline.reason}"
