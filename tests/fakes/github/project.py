"""One project on the scripted GitHub: what is in its bare repository, and what people and CI said."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.builders import Repo

ZERO = "0" * 40


@dataclass(slots=True)
class Pull:
    """A pull request; `head` is that of its branch while it is open, which is a fork's where `fork` says so."""

    number: int
    branch: str
    target: str
    title: str
    body: str
    author: str
    head: str
    draft: bool = False
    fork: bool = False
    open: bool = True
    merge_commit: str = ""
    labels: list[str] = field(default_factory=list)
    looked_at: set[tuple[str, str]] = field(default_factory=set)


@dataclass(slots=True)
class Review:
    id: int
    pull: int
    reviewer: str
    state: str
    commit: str
    kind: str = "User"


@dataclass(slots=True)
class Issue:
    number: int
    title: str
    body: str
    author: str
    labels: list[str]
    open: bool = True


@dataclass(slots=True)
class Comment:
    """What somebody said below the issue or pull request with this number."""

    id: int
    number: int
    author: str
    body: str


@dataclass(slots=True)
class LabelEvent:
    """Somebody put a label on the issue or pull request with this number, or took it off."""

    id: int
    number: int
    actor: str
    label: str
    added: bool


@dataclass(slots=True)
class Status:
    id: int
    commit: str
    context: str
    state: str
    description: str | None
    url: str | None


@dataclass(slots=True)
class CheckRun:
    id: int
    commit: str
    name: str
    status: str
    conclusion: str | None
    suite: int
    title: str | None = None
    app: str = "github-actions"


@dataclass(slots=True)
class Run:
    id: int
    workflow: str
    event: str
    commit: str
    branch: str
    status: str = "queued"
    conclusion: str | None = None
    suite: int = 0


@dataclass(slots=True)
class Project:
    """`full_name` belongs to an organisation; `rights` says what each user may do: admin, write or read.

    `secrets` are names: of the repository (empty), of its `organization`, or of an environment.
    """

    full_name: str
    bare: Repo
    rights: dict[str, str]
    archived: bool = False
    private: bool = False
    deletes_branches: bool = False
    pulls: dict[int, Pull] = field(default_factory=dict)
    issues: dict[int, Issue] = field(default_factory=dict)
    comments: list[Comment] = field(default_factory=list)
    labelled: list[LabelEvent] = field(default_factory=list)
    statuses: list[Status] = field(default_factory=list)
    checks: list[CheckRun] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    protections: dict[str, dict[str, Any]] = field(default_factory=dict)
    offered: dict[str, str] = field(default_factory=dict)
    rules: list[dict[str, Any]] = field(default_factory=list)
    secrets: dict[str, list[str]] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    hook_words: str = ""
    queued: set[int] = field(default_factory=set)
    numbers: Iterable[int] = field(default_factory=lambda: itertools.count(1))
    ids: Iterable[int] = field(default_factory=lambda: itertools.count(1000))

    def number(self) -> int:
        """The next number; issues and pull requests share them."""
        return next(iter(self.numbers))

    def id(self) -> int:
        """The next id of anything."""
        return next(iter(self.ids))

    def label(self, number: int, actor: str, *labels: str, added: bool = True) -> None:
        """Remember who changed labels."""
        there = {name.casefold() for name in self.offered}
        self.offered |= {name: "" for name in labels if added and name.casefold() not in there}
        self.labelled += [LabelEvent(self.id(), number, actor, label, added) for label in labels]

    def may(self, user: str, right: str) -> bool:
        """Whether a user may write, or administrate."""
        return self.rights.get(user, "") in {"write": ("write", "admin"), "admin": ("admin",)}[right]

    def tip(self, branch: str) -> str:
        """Where a branch is; empty for one that is not there."""
        done = self.bare.attempt("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}")
        return done.stdout.decode().strip()

    def knows(self, commit: str) -> bool:
        return self.bare.attempt("cat-file", "-e", f"{commit}^{{commit}}").returncode == 0

    def head(self, pull: Pull) -> str:
        """What a pull request would merge; a push to its branch is seen at once."""
        if pull.open:
            pull.head = self.tip(pull.branch) or pull.head
        return pull.head

    def tree(self, pull: Pull) -> str:
        """The tree that a merge would give; empty for a conflict."""
        done = self.bare.attempt("merge-tree", "--write-tree", self.tip(pull.target), self.head(pull))
        return done.stdout.decode().split("\n", 1)[0] if done.returncode == 0 else ""

    def mergeable(self, pull: Pull) -> bool | None:
        """Whether it merges; the first time that somebody asks, GitHub only begins to look."""
        if not pull.open:
            return None
        pair = self.head(pull), self.tip(pull.target)
        if pair not in pull.looked_at:
            pull.looked_at.add(pair)
            return None
        return bool(self.tree(pull))

    def up_to_date(self, pull: Pull) -> bool:
        """Whether its target is in its history, as a strict rule asks."""
        done = self.bare.attempt("merge-base", "--is-ancestor", self.tip(pull.target), self.head(pull))
        return done.returncode == 0

    def land(self, pull: Pull, message: str, method: str) -> str:
        """Merge it, and say as which commit; only a merge commit has the head in its history."""
        base, tree = self.tip(pull.target), self.tree(pull)
        second = ("-p", self.head(pull)) if method == "merge" else ()
        made = self.bare.git("commit-tree", tree, "-p", base, *second, "-F", "-", stdin=message.encode())
        self.bare.git("update-ref", f"refs/heads/{pull.target}", made, base)
        pull.open, pull.merge_commit = False, made
        return made

    def green(self, commit: str) -> set[str]:
        """The contexts and checks that are success on a commit."""
        latest = {one.context: one.state for one in self.statuses if one.commit == commit}
        found = {context for context, state in latest.items() if state == "success"}
        return found | {one.name for one in self.checks if one.commit == commit and one.conclusion == "success"}

    def approvals(self, pull: Pull) -> int:
        latest = {one.reviewer: one.state for one in self.reviews if one.pull == pull.number}
        return sum(state == "APPROVED" and self.may(who, "write") for who, state in latest.items())

    def file(self, commit: str, path: str) -> bool:
        return self.bare.attempt("cat-file", "-e", f"{commit}:{path}").returncode == 0
