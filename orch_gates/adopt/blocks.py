"""What init adds to files that others write too: `.gitattributes` and `.pre-commit-config.yaml` (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import yaml

from orch_gates.adopt import marker
from orch_gates.adopt.bundle import Bundle

ATTRIBUTES = ".gitattributes"
PRE_COMMIT = ".pre-commit-config.yaml"
_UNION = "CHANGELOG.md merge=union\n"
_HAS_MERGE = re.compile(r"^[ \t]*/?CHANGELOG\.md[ \t](?:.*[ \t])?-?!?merge(?:=\S+)?(?:[ \t]|$)", re.M)
_FIRST_ITEM = re.compile(r"^(?P<indent>[ ]*)- ", re.M)


@dataclass(frozen=True, slots=True)
class Added:
    """A file with what init adds to it; `after` is None where nothing has to be added, or it cannot be: `why` then."""

    after: str | None
    why: str = ""


def attributes(before: str | None, version: str, level: int) -> Added:
    """`.gitattributes` that keeps both sides of the change log where branches are caught up (MRG-11)."""
    block = marker.stamped(_UNION, version, level)
    if before is None:
        return Added(block)
    if _HAS_MERGE.search(before.replace("\r\n", "\n")):
        return Added(None)
    return Added(_appended(before, block))


def pre_commit(before: str | None, bundle: Bundle, version: str, level: int) -> Added:
    """`.pre-commit-config.yaml` with our two hooks; one whose form cannot be kept is left to its owner."""
    if before is None:
        entry = marker.stamped(_entry(bundle, "  "), version, level, "  ")
        return Added(f"repos:\n{entry}")
    text = before.replace("\r\n", "\n")
    repos = _repos(text)
    if repos is None:
        return Added(None, "it has no valid list `repos`; mend the file, then run `orch-gates init` again")
    ours = {hook.get("id") for repo in repos for hook in repo.get("hooks") or () if isinstance(hook, dict)}
    if "orch-secrets" in ours:
        return Added(None)
    found = _FIRST_ITEM.search(text, text.find("repos:"))
    indent = found["indent"] if found else "  "
    after = _appended(before, marker.stamped(_entry(bundle, indent), version, level, indent))
    # Only where nothing of it changed its meaning.
    if (_repos(after.replace("\r\n", "\n")) or [])[:-1] != repos:
        return Added(None, f"`repos` is not the last key; add this entry to it:\n{_entry(bundle, indent)}")
    return Added(after)


def _entry(bundle: Bundle, indent: str) -> str:
    lines = (
        f"- repo: {bundle.place}",
        f"  rev: {bundle.commit}",
        "  hooks:",
        "    - id: orch-secrets # staged content, before the commit exists",
        "    - id: orch-secrets-push # everything that a push adds",
    )
    return "".join(f"{indent}{line}\n" for line in lines)


def _appended(before: str, block: str) -> str:
    """A block at the end of a file, whose lines end as those of the file do."""
    ending = "\r\n" if "\r\n" in before else "\n"
    gap = "" if not before or before.endswith("\n") else ending
    return f"{before}{gap}{block.replace(chr(10), ending)}"


def _repos(text: str) -> list[dict[str, Any]] | None:
    """The repositories of a configuration of pre-commit; None where it is none."""
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    repos = found.get("repos") if isinstance(found, dict) else None
    return repos if isinstance(repos, list) and all(isinstance(repo, dict) for repo in repos) else None
