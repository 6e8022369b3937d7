"""A state branch to test on: stores with caches of their own, and what a server's administrator could do to it."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from orch_gates import settings
from orch_gates.state.branch.git_store import GitStore
from orch_gates.state.store import Change, Store
from tests.builders import bare
from tests.fakes import git_http
from tests.fakes.memory_store import MemoryRemote, MemoryStore
from tests.hand_edits import edit_state
from tests.stores import open_store

BRANCH = "refs/heads/orch-state"
WITNESS = "refs/orch/witness"
ROOT = """---
schema: orch.state/1
generation: 1
created: 2026-01-01T00:00:00Z
# a person's remark
stages:
  - development
rework: development
extra: kept
---
# The state of a project
"""
FILES = {"orch-state.md": ROOT, "README.md": "# What this branch is\n"}


def put(path: str, text: str = "x\n") -> Callable[[object], Change]:
    """Decide to write one file, whatever there is."""
    return lambda _snapshot: Change(event="test", task="-", subject=f"write {path}", writes={path: text})


class Rig(Protocol):
    def store(self) -> Store: ...
    def tip(self) -> str: ...
    def witness(self) -> str: ...
    def wipe(self) -> None: ...
    def rewind(self, commits: int) -> None: ...
    def rewind_both(self, commits: int) -> None: ...
    def replace(self) -> str: ...
    def hand_edit(self, path: str, data: bytes) -> str: ...
    def refuse(self, words: str) -> None: ...
    def messages(self) -> list[str]: ...


class MemoryRig:
    def __init__(self) -> None:
        self.remote = MemoryRemote()

    def store(self) -> Store:
        return MemoryStore(self.remote)

    def tip(self) -> str:
        return self.remote.branch

    def witness(self) -> str:
        return self.remote.witness

    def wipe(self) -> None:
        self.remote.branch = ""

    def rewind(self, commits: int) -> None:
        for _ in range(commits):
            self.remote.branch = self.remote.commits[self.remote.branch].parents[0]

    def rewind_both(self, commits: int) -> None:
        self.rewind(commits)
        self.remote.witness = self.remote.branch

    def replace(self) -> str:
        self.remote.branch = self.remote.add({"orch-state.md": ROOT.encode()}, (), "replaced")
        return self.remote.branch

    def hand_edit(self, path: str, data: bytes) -> str:
        files = {**self.remote.commits[self.remote.branch].files, path: data}
        self.remote.branch = self.remote.add(files, (self.remote.branch,), "by hand\n")
        return self.remote.branch

    def refuse(self, words: str) -> None:
        self.remote.refusal = words

    def messages(self) -> list[str]:
        found, oid = [], self.remote.branch
        while oid:
            commit = self.remote.commits[oid]
            found.append(commit.message)
            oid = commit.parents[0] if commit.parents else ""
        return found


class GitRig:
    """A bare repository as the server, reached by `url`, or from within where there is none."""

    def __init__(self, folder: Path, url: str = "", env: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.server = bare(folder / "server.git")
        self.url = url
        self.env = dict(env or {})
        self._caches = itertools.count()
        self.stores: list[GitStore] = []

    def settings(self, cache: Path, **changed: str) -> settings.Settings:
        env = {**os.environ, **self.env, "ORCH_CACHE_DIR": str(cache), "ORCH_STATE_REMOTE": self.url, **changed}
        return settings.load(env)

    def store(self, cache: str = "", **changed: str) -> GitStore:
        where = self.folder / (cache or f"cache-{next(self._caches)}")
        made = open_store(self.settings(where, **changed), self.server.path if not self.url else self.folder)
        self.stores.append(made)
        return made

    def close(self) -> None:
        for store in self.stores:
            store.close()

    def tip(self) -> str:
        return self.server.git("rev-parse", "--verify", BRANCH)

    def witness(self) -> str:
        return self.server.git("rev-parse", "--verify", WITNESS)

    def wipe(self) -> None:
        self.server.git("update-ref", "-d", BRANCH)

    def rewind(self, commits: int) -> None:
        self.server.git("update-ref", BRANCH, f"{BRANCH}~{commits}")

    def rewind_both(self, commits: int) -> None:
        self.rewind(commits)
        self.server.git("update-ref", WITNESS, BRANCH)

    def replace(self) -> str:
        tree = self.server.git("mktree", stdin=f"100644 blob {self._blob(ROOT.encode())}\torch-state.md\n".encode())
        self.server.git("update-ref", BRANCH, self.server.git("commit-tree", "-m", "replaced", tree))
        return self.tip()

    def hand_edit(self, path: str, data: bytes) -> str:
        return edit_state(self.server, {path: data})

    def refuse(self, words: str) -> None:
        self.hook("pre-receive", f"echo pushed >>pushes\necho '{words}' >&2\nexit 1\n" if words else "exit 0\n")

    def hook(self, name: str, script: str) -> None:
        path = self.server.path / "hooks" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}")
        path.chmod(0o755)

    def messages(self) -> list[str]:
        return self.server.git("log", "--first-parent", "-z", "--format=%B", BRANCH).rstrip("\0").split("\0")

    def _blob(self, data: bytes) -> str:
        return self.server.git("hash-object", "-w", "--stdin", stdin=data)


KINDS = ("memory", "inside", "path", "file-filter", "file-plain", "http")


@contextmanager
def rig(kind: str, folder: Path) -> Iterator[Rig]:
    """A state branch of one kind."""
    if kind == "memory":
        yield MemoryRig()
        return
    with git_http.serving(folder) as server:
        path = folder / "server.git"
        url = {"inside": "", "path": str(path), "http": f"{server.url}/server.git"}.get(kind, f"file://{path}")
        made = GitRig(folder, url, {"GIT_ALLOW_PROTOCOL": "file:http"})
        made.server.git("config", "uploadpack.allowFilter", str(kind != "file-plain").lower())
        made.server.git("config", "http.receivepack", "true")
        try:
            yield made
        finally:
            made.close()
