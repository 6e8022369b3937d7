"""From what is new to findings that people are shown: in order, without any secret, each with its mend (SEC-5)."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from orch_gates.gates.security import fixes
from orch_gates.git.changes import History
from orch_gates.model.finding import Finding
from orch_gates.scanners.answer import Hit, RuleAnswer

REDACTED = "[redacted]"
# What is in no object is known by what it is a part of.
_TEXTS = frozenset({"ref name", "name of a file"})
# Looking for each of very many secrets in all paths would take for ever.
_FEW = 5_000
_NONE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class SecretFinding:
    """A finding with the secret's bytes, which only the lists of exceptions may look at (SEC-5).

    `oid` is the object that holds it; empty for the name of a ref. `path` is the file's as it is: what is shown of it
    depends on what else was found.
    """

    finding: Finding
    secret: bytes = field(repr=False)
    oid: str = ""
    path: str = field(default="", repr=False)

    @property
    def place(self) -> str:
        """The path; of what is in no file, what it is."""
        return self.path or self.finding.path


@dataclass(frozen=True, slots=True)
class New:
    """A hit that is new at a path in a commit; `order` counts commits from the oldest."""

    hit: Hit
    path: str
    commit: str
    order: int


def secret_findings(
    new: Sequence[New],
    rules: Mapping[str, RuleAnswer],
    history: History,
    redact: Callable[[Sequence[str]], list[str]],
    *,
    web: bool = False,
    notes: Mapping[str, str] = _NONE,
) -> tuple[SecretFinding, ...]:
    """The findings, by commit, path and line; `redact` takes out of texts what looks like a secret.

    `history` and `web`, as `fixes.fix` has them, decide how a commit can be made again. `notes` are the commits that
    only refs with notes lead to, each with what the server has of that ref.
    """
    ordered = sorted(new, key=_place)
    begin = fixes.oldest({item.commit for item in ordered}, history)
    paths = sorted({item.path for item in ordered if item.path})
    secrets = _in_paths({item.hit.secret for item in ordered}, paths)
    shown = dict(zip(paths, (_without(text, secrets) for text in redact(paths)), strict=True))
    on_line: Counter[tuple[str, str, str, int]] = Counter()
    found = []
    for item in ordered:
        hit = item.hit
        place = (hit.oid, hit.carrier, item.path, hit.first)
        on_line[place] += 1
        if (below := notes.get(item.commit)) is not None:
            advice = fixes.in_notes(hit.carrier, below)
        else:
            advice = fixes.fix(hit.carrier, item.path, item.commit, history, begin=begin, web=web)
        finding = Finding(
            id=_id(place, on_line[place]),
            rule=hit.rule,
            path=shown.get(item.path) or _elsewhere(hit),
            line=hit.first if hit.carrier == "file" else 0,
            commit=item.commit,
            description=rules[hit.rule].description,
            fix=advice.text,
            carrier="file" if hit.carrier == "key store" else hit.carrier,
            commands=advice.commands,
        )
        oid = "" if hit.carrier in _TEXTS else hit.oid
        found.append(SecretFinding(finding, hit.secret, oid, item.path))
    return tuple(found)


def _elsewhere(hit: Hit) -> str:
    return f"({hit.carrier} {hit.oid[:10]})" if hit.carrier in {"tag", "tagger"} and hit.oid else f"({hit.carrier})"


def _in_paths(secrets: Collection[bytes], paths: Sequence[str]) -> list[bytes]:
    """The secrets that stand in a path: a whole name among very many, any part of one among few."""
    names = {name for path in paths for name in path.encode("utf-8", "surrogateescape").split(b"/")}
    together = b"/".join(names)
    few = len(secrets) <= _FEW
    found = [secret for secret in secrets if secret and (secret in names or (few and secret in together))]
    return sorted(found, key=len, reverse=True)


def _place(item: New) -> tuple[int, str, int, int, str, str]:
    """By commit, path and line; what else tells two findings apart makes the order the same in every run."""
    hit = item.hit
    return (item.order, item.path, hit.first, hit.column, hit.rule, hit.oid)


def _id(place: tuple[str, str, str, int], number: int) -> str:
    """Of the place alone, so that it may be printed and does not depend on the engine (SEC-5, SEC-10)."""
    text = "\0".join((*map(str, place), str(number)))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _without(text: str, secrets: Sequence[bytes]) -> str:
    for secret in secrets:
        text = text.replace(secret.decode("utf-8", "surrogateescape"), REDACTED) if secret else text
    return text
