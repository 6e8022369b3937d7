"""The local forge: what every forge promises, and what only a bare repository on a disk can show (issue 5)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from orch_gates import clock
from orch_gates.forge.local.checks import LocalReviews
from orch_gates.forge.local.connect import connect
from orch_gates.forge.port.checks import ReviewState
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.server import ForgeKind
from orch_gates.model.ids import timestamp
from orch_gates.model.root import Root
from orch_gates.state.branch.repair import branch_files
from tests.builders import Repo
from tests.contract.forge_rig import Traits, Who
from tests.contract.forge_suite import ForgeContract
from tests.state_rig import GitRig

HOOK = """#!/bin/sh
while read old new ref; do
    [ "$ref" != refs/heads/main ] || { echo '%s' >&2; exit 1; }
done
"""


class LocalRig:
    """A project in a bare repository with a state branch, and an index of its own to commit from."""

    traits = Traits(
        ForgeKind.LOCAL, users=False, workflows=False, tells_labellers=False, labels=False, holds_back=False
    )

    def __init__(self, folder: Path) -> None:
        self.state = GitRig(folder)
        self.server = self.state.server
        self.hand = Repo(self.server.path, {"GIT_INDEX_FILE": str(folder / "index")})
        root = Root(generation=1, created=timestamp(clock.utc_now()), stages=("development",), rework="development")
        self.state.store().initialise(branch_files(root))
        self.push("main", {"README.md": "# A project\n"})
        self.forge = self.as_(Who.OWNER)

    def as_(self, who: Who, **env: str) -> Forge:
        return connect(self.server.path, self.state.store("cache"), self.name(who), {**os.environ, **env}, 60)

    def in_pages(self, size: int) -> Forge:
        return self.forge

    def name(self, who: Who) -> str:
        return f"the-{who}"

    def push(self, branch: str, files: Mapping[str, str], *, onto: str = "") -> str:
        parent = onto or self.at(f"refs/heads/{branch}") or self.at("refs/heads/main")
        self.hand.git("read-tree", *([parent] if parent else ["--empty"]))
        for path, text in files.items():
            blob = self.hand.git("hash-object", "-w", "--stdin", stdin=text.encode())
            self.hand.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
        after = ["-p", parent] if parent else []
        commit = self.hand.git("commit-tree", "-m", f"Change {branch}", *after, self.hand.git("write-tree"))
        self.hand.git("update-ref", f"refs/heads/{branch}", commit)
        return commit

    def at(self, ref: str) -> str:
        return self.server.git("for-each-ref", "--format=%(objectname)", ref)

    def tip(self, branch: str) -> str:
        return self.server.git("rev-parse", "--verify", f"refs/heads/{branch}")

    def parents(self, commit: str) -> tuple[str, ...]:
        return tuple(self.server.git("show", "--no-patch", "--format=%P", commit).split())

    def message(self, commit: str) -> str:
        return self.server.git("show", "--no-patch", "--format=%B", commit)

    def review(self, number: int, reviewer: Who, state: ReviewState) -> None:
        reviews = self.as_(reviewer).reviews
        assert isinstance(reviews, LocalReviews)
        reviews.say(number, state)

    def mark_draft(self, number: int) -> None:
        self.forge.pulls.edit(number, title=f"WIP: {self.forge.pulls.get(number).title}")

    def add_workflow(self, name: str) -> str:
        raise AssertionError("a bare repository runs no workflows")

    def add_secret(self, name: str) -> None:
        raise AssertionError("a bare repository runs no workflows")

    @contextlib.contextmanager
    def refuse_pushes(self, words: str) -> Iterator[None]:
        hook = self.server.path / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(HOOK % words)
        hook.chmod(0o755)
        yield
        hook.unlink()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[LocalRig]:
    made = LocalRig(tmp_path)
    yield made
    made.state.close()


class TestLocal(ForgeContract):
    """The suite of the port."""
