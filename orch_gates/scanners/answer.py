"""What the worker answers, as values; read strictly, as native code that reads hostile bytes wrote it (SEC-12)."""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orch_gates.errors import ScannerError


@dataclass(frozen=True, slots=True)
class Hit:
    """A match that counts, by its lines in the object (from 1) and its column (from 0).

    `carrier` is what the object is: file, file name, key store, commit, tag, or the person in one (author, committer,
    tagger), or a kind of text that was given;
    `path` is the first one that the object was listed under. It counts in files of some `kinds`, or of all where none
    is named. `secret` stays in memory and is never shown (SEC-5).
    """

    carrier: str
    oid: str
    path: str
    rule: str
    first: int
    last: int
    column: int
    secret: bytes
    kinds: frozenset[str] = frozenset()

    def plain(self) -> list[str | int]:
        """As a row of the answer."""
        return [
            *(self.carrier, self.oid, self.path, self.rule, self.first, self.last, self.column),
            binascii.b2a_base64(self.secret, newline=False).decode("ascii"),
            " ".join(sorted(self.kinds)),
        ]


@dataclass(frozen=True, slots=True)
class RuleAnswer:
    """What is said about a rule that found something.

    A `generic` one has nothing to say in generated files; one of the repository's own may be `bound` to paths.
    """

    description: str
    generic: bool
    bound: bool = False


@dataclass(frozen=True, slots=True)
class Scan:
    """What a worker read and found; `rules` describes those that found something."""

    objects: int
    commits: int
    bytes: int
    ids: str
    bytes_given: int
    bytes_scanned: int
    bytes_repeated: int
    canaries: int
    canaries_found: int
    hits: tuple[Hit, ...]
    rules: Mapping[str, RuleAnswer]


def read_scan(answer: Mapping[str, Any]) -> Scan:
    """The answer to a scan.

    Raises:
        ScannerError: it is not of the form in which workers answer.
    """
    try:
        hits = tuple(_hit(row) for row in answer["hits"])
        numbers = {name: int(answer[name]) for name in _NUMBERS}
        rules = {
            str(rule): RuleAnswer(str(text), bool(kind), bool(bound)) for rule, text, kind, bound in answer["rules"]
        }
        if unknown := {hit.rule for hit in hits} - rules.keys():
            raise ValueError(f"{len(unknown)} rules are not described")
        return Scan(ids=str(answer["ids"]), hits=hits, rules=rules, **numbers)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise ScannerError(f"the scan's answer cannot be read: {type(error).__name__}") from error


_NUMBERS = (
    *("objects", "commits", "bytes"),
    *("bytes_given", "bytes_scanned", "bytes_repeated", "canaries", "canaries_found"),
)


def _hit(row: Any) -> Hit:
    carrier, oid, path, rule, first, last, column, coded, kinds = row
    for text in (carrier, oid, path, rule, kinds):
        if not isinstance(text, str):
            raise TypeError("not text")
    secret = binascii.a2b_base64(coded, strict_mode=True)
    return Hit(carrier, oid, path, rule, int(first), int(last), int(column), secret, frozenset(kinds.split()))
