"""A repository's own rules, `.gitleaks.toml` on the target branch: they add to the bundle's, and nothing else (SEC-6).

Reading is pure: bytes in, values out. What gitleaks would understand and this does not is an error
with its line; nothing is dropped but what cannot change a verdict.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from orch_gates.documents import escape
from orch_gates.errors import RepositoryRulesError

PATH = ".gitleaks.toml"
# The matcher leaves out a secret whose entropy is not above the bound, and one of equal characters has none.
_NO_BOUND = -1.0
_REFUSED = re.compile(r"could not compile rule (\S+) even in|\(ID: ([^)\s]+)\)")
_MEANINGS = {
    "Embedded start anchors": "has ^ behind something else; it may only stand at the beginning",
    "Embedded end anchors": "has $ before something else; it may only stand at the end",
    "can never match": "can never match",
}


@dataclass(frozen=True, slots=True)
class RepositoryRule:
    """One rule: what its file says, and in `pattern` and `path_pattern` the same for the matcher.

    `entropy` 0 is no bound; a secret has to be above any other. `keywords` are in lower case.
    """

    id: str
    description: str
    regex: str
    keywords: tuple[str, ...]
    entropy: float
    secret_group: int
    path: str
    pattern: str
    path_pattern: str
    line: int

    def concerns(self, text: bytes) -> bool:
        """Whether the rule judges a text: one of its keywords occurs anywhere in it, in any case."""
        lowered = text.lower()
        return not self.keywords or any(word.encode("ascii") in lowered for word in self.keywords)


@dataclass(frozen=True)
class RepositoryRules:
    """The rules of one repository, in the order of their file."""

    rules: tuple[RepositoryRule, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is any rule."""
        return bool(self.rules)

    @cached_property
    def digest(self) -> str:
        """What judges, as one digest; comments, titles and layout are no part of it. The bundle has its own."""
        parts = [(r.id, r.description, r.pattern, r.keywords, r.entropy, r.path_pattern) for r in self.rules]
        return f"sha256:{hashlib.sha256(json.dumps(parts).encode()).hexdigest()}"

    def document(self) -> bytes:
        """The rules as the matcher reads them from a file (JSON, which is YAML too).

        The span of a match is the secret's: a pattern captures the secret or nothing.
        """
        return _document((rule.id, rule.pattern, rule.entropy or _NO_BOUND) for rule in self.rules)

    def path_document(self) -> bytes | None:
        """The paths that rules are bound to, as rules about a path; None where no rule is.

        A path is chosen by whoever pushes, so it is matched in linear time, by the same matcher.
        """
        bound = [(rule.id, rule.path_pattern, _NO_BOUND) for rule in self.rules if rule.path_pattern]
        return _document(bound) if bound else None

    def refused(self, message: str) -> RepositoryRulesError:
        """The error for what the matcher said about these rules, in the form of the errors of `parse`."""
        found = _REFUSED.search(message)
        rule = next((rule for rule in self.rules if found is not None and rule.id in found.groups()), None)
        why = next((why for phrase, why in _MEANINGS.items() if phrase in message), "")
        detail = escape.clip(escape.visible(message), 300)
        if rule is None:
            return RepositoryRulesError([f"{PATH}: the matcher cannot use it: {detail}"])
        return RepositoryRulesError([problem(rule.line, rule.id, f"regex {why or f'cannot be matched: {detail}'}")])


def problem(line: int, rule: str, why: str) -> str:
    """A problem as a person looks for it: file, line, rule where there is one."""
    named = f"rule {rule}: " if rule else ""
    return escape.visible(f"{PATH}:{line}: {named}{why}")


def _document(rows: Iterable[tuple[str, str, float]]) -> bytes:
    rules: Sequence[dict[str, object]] = [
        {"name": name, "id": name, "pattern": pattern, "min_entropy": entropy, "confidence": "medium"}
        for name, pattern, entropy in rows
    ]
    return json.dumps({"rules": rules}, indent=1).encode("ascii")
