"""What every forge promises, kept by the adapter on a real Gitea."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from orch_gates.forge.gitea.connect import DIALECT, connect
from orch_gates.forge.port.checks import ReviewState
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.server import ForgeKind
from tests.builders import Repo
from tests.contract.forge_rig import Traits, Who
from tests.contract.forge_suite import ForgeContract
from tests.e2e.gitea import Gitea, User
from tests.e2e.repository import Repository

_WORKFLOW = """\
on:
  workflow_dispatch:
    inputs:
      task:
        required: false
jobs:
  gates:
    runs-on: nowhere
    steps:
      - run: 'true'
"""
_EVENTS = {ReviewState.APPROVED: "APPROVED", ReviewState.CHANGES_REQUESTED: "REQUEST_CHANGES"}


class GiteaRig:
    """Alice's repository; Bob may write to it, and the bot may read it as everybody may."""

    traits = Traits(ForgeKind.GITEA, tells_conflicts=False, tells_owners_secrets=False)

    def __init__(self, server: Gitea, folder: Path) -> None:
        self.server = server
        self.repository = Repository(server, server.alice, folder, branches={})
        self.repository.add(server.bob)
        self.users: Mapping[Who, User] = {
            Who.OWNER: server.alice,
            Who.WRITER: server.bob,
            Who.STRANGER: server.bot,
        }
        self.forge = self.as_(Who.OWNER)
        self._work: Repo | None = None

    def as_(self, who: Who) -> Forge:
        return self._connect(who, DIALECT.page_size)

    def in_pages(self, size: int) -> Forge:
        return self._connect(Who.OWNER, size)

    def name(self, who: Who) -> str:
        return self.users[who].name

    def push(self, branch: str, files: Mapping[str, str], *, onto: str = "") -> str:
        work = self._work = self._work or self.repository.clone()
        work.git("fetch", "--quiet", self.repository.bare.path, "+refs/heads/*:refs/remotes/origin/*")
        there = work.attempt("rev-parse", "--verify", "--quiet", f"refs/remotes/origin/{branch}").returncode == 0
        work.git("switch", "--quiet", "-C", branch, onto or f"origin/{branch if there else 'main'}")
        made = work.commit(f"on {branch}", files)
        work.git("push", "--quiet", *(["--force"] if onto else []), "origin", branch)
        return made

    def tip(self, branch: str) -> str:
        return self.repository.tip(branch)

    def parents(self, commit: str) -> tuple[str, ...]:
        return tuple(self.repository.bare.git("rev-list", "--parents", "-n1", commit).split()[1:])

    def message(self, commit: str) -> str:
        return self.repository.bare.git("log", "-n1", "--format=%B", commit)

    def review(self, number: int, reviewer: Who, state: ReviewState) -> None:
        head = self.repository.api().get(f"/pulls/{number}").ok()["head"]["sha"]
        output = {"event": _EVENTS.get(state, "COMMENT"), "body": "read it", "commit_id": head}
        self.repository.api(self.users[reviewer]).post(f"/pulls/{number}/reviews", output).ok()

    def mark_draft(self, number: int) -> None:
        self.repository.api().patch(f"/pulls/{number}", {"title": "WIP: not yet"}).ok()

    def add_workflow(self, name: str) -> str:
        return self.push("main", {f".gitea/workflows/{name}": _WORKFLOW})

    def add_secret(self, name: str) -> None:
        self.repository.api().put(f"/actions/secrets/{name}", {"data": secrets.token_hex(8)}).ok()

    @contextmanager
    def refuse_pushes(self, words: str) -> Iterator[None]:
        self.repository.record()
        with self.repository.refusing(words):
            yield

    def _connect(self, who: Who, page_size: int) -> Forge:
        name = f"{self.repository.owner.name}/{self.repository.name}"
        dialect = replace(DIALECT, page_size=page_size)
        return connect(self.server.url, name, self.users[who].token, 30, dialect=dialect)


@pytest.fixture
def rig(gitea: Gitea, tmp_path: Path) -> GiteaRig:
    return GiteaRig(gitea, tmp_path)


class TestGitea(ForgeContract):
    """A real server."""
