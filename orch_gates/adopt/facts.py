"""What is found in a repository before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orch_gates.adopt.projects import Suggestion


@dataclass(frozen=True, slots=True)
class WorkTreeFacts:
    """One work tree.

    `branch` is what is checked out, empty for a detached HEAD. `target` is the default branch, and `told_by` says who
    says so. `remote` names the remote, with its `url`; empty where there is none, or none can be chosen. `authors` are
    how many people commit here. `workflows` are the texts of all workflows, by path. `projects` are folders with a
    project of their own, `tracked` the files that git knows, `hidden` those of them that a sparse checkout leaves out.
    `elsewhere`: the person is in another folder.
    """

    top: Path
    branch: str
    target: str
    told_by: str
    remote: str
    url: str
    remotes: tuple[str, ...]
    authors: int
    languages: tuple[str, ...]
    tests: tuple[Suggestion, ...]
    projects: tuple[str, ...]
    workflows: Mapping[str, str]
    pre_commit: bool
    tracked: frozenset[str]
    hidden: frozenset[str]
    elsewhere: bool
