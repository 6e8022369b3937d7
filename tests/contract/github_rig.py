"""A project of an organisation on the scripted GitHub; its bare repository is on this disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from orch_gates.forge.github.connect import DIALECT, api_url, connect, ported
from orch_gates.forge.http import Api
from orch_gates.forge.port.checks import ReviewState
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.server import ForgeKind
from tests.builders import Repo
from tests.contract.forge_rig import Traits, Who
from tests.fakes.github.project import Review
from tests.fakes.github.server import Github

NAMES = {Who.OWNER: "alice", Who.WRITER: "bob", Who.STRANGER: "eve"}
RIGHTS = {"alice": "admin", "bob": "write"}
_WORKFLOW = "on: {workflow_dispatch: {inputs: {task: {type: string}}}}\njobs: {gates: {runs-on: any, steps: []}}\n"
_TIMEOUT = 10


class GithubRig:
    """Whoever asks has a token of their own; a push is one to the bare repository."""

    traits = Traits(ForgeKind.GITHUB, ignores_case=True)

    def __init__(self, server: Github, folder: Path) -> None:
        self.server, self.project = server, server.project
        self._tokens = {who: server.token(name) for who, name in NAMES.items()}
        self._work = Repo(folder / "work")

    @property
    def forge(self) -> Forge:
        return self.as_(Who.OWNER)

    def as_(self, who: Who) -> Forge:
        return connect(self.server.url, self.project.full_name, self._tokens[who], _TIMEOUT)

    def in_pages(self, size: int) -> Forge:
        dialect = replace(DIALECT, page_size=size)
        return ported(Api(api_url(self.server.url), self._tokens[Who.OWNER], _TIMEOUT, dialect), self.project.full_name)

    def name(self, who: Who) -> str:
        return NAMES[who]

    def push(self, branch: str, files: Mapping[str, str], *, onto: str = "") -> str:
        self._work.git("fetch", "--quiet", "origin")
        self._work.git("checkout", "--quiet", "--detach", onto or self.tip(branch) or self.tip("main"))
        made = self._work.commit("work", files)
        self._work.git("push", "--quiet", *(["--force"] if onto else []), "origin", f"HEAD:refs/heads/{branch}")
        return made

    def tip(self, branch: str) -> str:
        return self.project.tip(branch)

    def parents(self, commit: str) -> tuple[str, ...]:
        return tuple(self.project.bare.git("show", "--no-patch", "--format=%P", commit).split())

    def message(self, commit: str) -> str:
        return self.project.bare.git("show", "--no-patch", "--format=%B", commit)

    def review(self, number: int, reviewer: Who, state: ReviewState) -> None:
        head = self.project.head(self.project.pulls[number])
        self.project.reviews.append(Review(self.project.id(), number, NAMES[reviewer], state.value.upper(), head))

    def mark_draft(self, number: int) -> None:
        self.project.pulls[number].draft = True

    def add_workflow(self, name: str) -> str:
        return self.push("main", {f".github/workflows/{name}": _WORKFLOW})

    def add_secret(self, name: str) -> None:
        self.project.secrets.setdefault("", []).append(name)

    @contextmanager
    def refuse_pushes(self, words: str) -> Iterator[None]:
        self.project.hook_words = words
        try:
            yield
        finally:
            self.project.hook_words = ""
