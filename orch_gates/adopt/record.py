"""What init made at the forge from this clone, kept in its git directory: only that is ever taken away again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from orch_gates.errors import ReportError, UsageError
from orch_gates.report import files

NAME = "orch-gates-init.json"
_SCHEMA = "orch.init-record/3"
_MOST_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class RecordedRule:
    """A rule that init put, or was about to put; `contexts` and `up_to_date` are what it asks for since.

    `found` is all that the forge said of the rule of this very branch before, and `left` after: empty for no rule.
    """

    branch: str
    contexts: tuple[str, ...]
    up_to_date: bool
    found: Mapping[str, Any]
    left: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ForgeRecord:
    """The labels that were made, and the rules that were put, in one repository of a forge."""

    repository: str = ""
    labels: tuple[str, ...] = ()
    rules: tuple[RecordedRule, ...] = ()

    def rule(self, branch: str) -> RecordedRule | None:
        """The rule that was put for a branch; None where none was."""
        return next((rule for rule in self.rules if rule.branch == branch), None)

    def with_label(self, name: str) -> ForgeRecord:
        """With one label more."""
        return replace(self, labels=tuple(dict.fromkeys((*self.labels, name))))

    def without_label(self, name: str) -> ForgeRecord:
        """With one label less."""
        return replace(self, labels=tuple(label for label in self.labels if label != name))

    def with_rule(self, rule: RecordedRule) -> ForgeRecord:
        """With the rule of one branch."""
        return replace(self, rules=(*self.without_rule(rule.branch).rules, rule))

    def without_rule(self, branch: str) -> ForgeRecord:
        """With one rule less."""
        return replace(self, rules=tuple(rule for rule in self.rules if rule.branch != branch))


def read(git_dir: Path) -> ForgeRecord:
    """The record of a clone; empty where there is none.

    Raises:
        UsageError: it cannot be read.
    """
    path = git_dir / NAME
    if not path.exists():
        return ForgeRecord()
    try:
        found = json.loads(files.read(path, _MOST_BYTES))
        if found["schema"] != _SCHEMA:
            raise ValueError(found["schema"])
        rules = tuple(_rule(one) for one in found["rules"])
        return ForgeRecord(str(found["repository"]), tuple(map(str, found["labels"])), rules)
    except (ReportError, ValueError, KeyError, TypeError) as error:
        why = f"{path} cannot be read, so it is unknown what init made at the forge: {error}; restore that file"
        raise UsageError(why) from error


def write(git_dir: Path, record: ForgeRecord) -> None:
    """Keep a record; an empty one is no file.

    Raises:
        ReportError: it cannot be written.
    """
    path = git_dir / NAME
    if not record.labels and not record.rules:
        files.remove(path)
        return
    document = {
        "schema": _SCHEMA,
        "repository": record.repository,
        "labels": list(record.labels),
        "rules": [asdict(rule) for rule in record.rules],
    }
    files.replace(path, json.dumps(document, indent=2) + "\n")


def _rule(fields: dict[str, Any]) -> RecordedRule:
    contexts = tuple(map(str, fields["contexts"]))
    up_to_date = bool(fields["up_to_date"])
    return RecordedRule(str(fields["branch"]), contexts, up_to_date, dict(fields["found"]), dict(fields["left"]))
