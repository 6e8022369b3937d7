"""What the suite of the forge port needs of each forge: what people and git do there, none of it through the port."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from orch_gates.forge.port.checks import ReviewState
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.server import ForgeKind


class Who(StrEnum):
    """Who asks: the owner may do everything, a writer may write, a stranger may read only."""

    OWNER = "owner"
    WRITER = "writer"
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True)
class Traits:
    """In what forges differ by their nature; where one has not what is asked for, the suite asks for its refusal.

    `users`: it knows who asks, and what each of them may do. `tells_conflicts`: its answer to a merge
    tells a conflict from a check that is not done. `drafts`: pull requests can be drafts.
    `workflows`: it has a CI of its own. `ignores_case`: labels that differ by case are one. `tells_labellers`: it keeps
    who put which label on. `labels`: it offers labels that nothing has. `holds_back`: its rules can keep a branch
    that is behind from being merged. `tells_owners_secrets`: what its owner keeps for all repositories is told.
    """

    kind: ForgeKind
    users: bool = True
    tells_conflicts: bool = True
    drafts: bool = True
    workflows: bool = True
    ignores_case: bool = False
    tells_labellers: bool = True
    labels: bool = True
    holds_back: bool = True
    tells_owners_secrets: bool = True


class Rig(Protocol):
    """Somebody's project on a forge, alone there: `main` with one commit, and nothing else."""

    @property
    def traits(self) -> Traits:
        """What this forge is like."""
        ...

    @property
    def forge(self) -> Forge:
        """The port, as the owner uses it."""
        ...

    def as_(self, who: Who) -> Forge:
        """The port, as somebody uses it."""
        ...

    def in_pages(self, size: int) -> Forge:
        """The owner's port, reading lists in pages of this size; a forge without pages gives the same port."""
        ...

    def name(self, who: Who) -> str:
        """Their login at the forge."""
        ...

    def push(self, branch: str, files: Mapping[str, str], *, onto: str = "") -> str:
        """Push a commit with these files, and return it.

        It follows `onto` (a commit; the branch is forced), else the branch's tip, else the tip of `main`.
        """
        ...

    def tip(self, branch: str) -> str:
        """The commit that a branch of the project is at now."""
        ...

    def parents(self, commit: str) -> tuple[str, ...]:
        """The parents of a commit of the project, in their order."""
        ...

    def message(self, commit: str) -> str:
        """The message of a commit of the project."""
        ...

    def review(self, number: int, reviewer: Who, state: ReviewState) -> None:
        """Somebody says something about the head of a pull request."""
        ...

    def mark_draft(self, number: int) -> None:
        """Its author says that it is a draft; only where there are drafts."""
        ...

    def add_workflow(self, name: str) -> str:
        """Push a workflow file with this name to `main`, and return the commit.

        It can be dispatched, has an optional input `task`, and one job, `gates`. Only where there are workflows.
        """
        ...

    def add_secret(self, name: str) -> None:
        """Keep a secret of the repository; only where there are workflows."""
        ...

    def refuse_pushes(self, words: str) -> AbstractContextManager[None]:
        """A rule or hook of the server refuses every change of `main`, merges included, with these words."""
        ...
