"""A server with hook, fence and state branch, tasks that are to be merged, and what has to hold afterwards."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from orch_gates import settings
from orch_gates.documents import frontmatter
from orch_gates.forge.local.connect import connect
from orch_gates.forge.port.forge import Forge
from orch_gates.forge.port.protection import Protection
from orch_gates.merge import trailers
from orch_gates.merge.trailers import Validated
from orch_gates.model.ids import TaskId
from orch_gates.state import layout
from tests.builders import HOOK, Done, Repo, Template, answered, bare, clone, load_hook_early, orch, seed
from tests.stores import open_store

Rig = TypeVar("Rig", bound="MergeRig")
# Values that two files share make the test red: two branches can be green, each for itself, and red together.
TEST = """\
#!/bin/sh
cat values/* 2>/dev/null | sort | uniq -d | grep . && { echo "a value is there twice"; exit 1; }
exit 0
"""
CONFIG = """\
stages:
  - name: development
    role: developer
    gates: [merge, merge-proof]
rework: development
merge:
  test: sh ./test.sh
  fence: {fence}
  grace_s: 1
  retry_base_s: 1
"""


@dataclass
class MergeRig:
    """One project: the server, a clone to work in, and a clone that no checkout ever happens in."""

    folder: Path
    server: Repo
    work: Repo
    env: dict[str, str | None] = field(default_factory=dict)
    first: str = ""

    @property
    def main(self) -> str:
        return self.server.git("rev-parse", "refs/heads/main")

    def head(self, branch: str) -> str:
        return self.server.git("rev-parse", f"refs/heads/{branch}")

    def branch(self, name: str, files: dict[str, str], *, base: str = "origin/main", force: bool = False) -> str:
        """Push a branch with one commit; answers the commit."""
        self.work.git("fetch", "--quiet", "origin")
        self.work.git("checkout", "--quiet", "--detach", base)
        made = self.work.commit(f"change for {name}", files)
        self.work.git("push", "--quiet", *(["--force"] if force else []), "origin", f"HEAD:refs/heads/{name}")
        return made

    def task(self, name: str, files: dict[str, str], *, base: str = "origin/main") -> str:
        """A task with a branch of one commit; answers the commit."""
        made = self.branch(f"task/{name}", files, base=base)
        self.ok("task", "new", name, f"Change for {name}")
        return made

    def say(self, *args: str, **env: str) -> Done:
        return orch(*args, cwd=self.work.path, env={**self.env, **env})

    def ok(self, *args: str, **env: str) -> str:
        done = self.say(*args, **env)
        assert done.returncode == 0, (args, done.stdout.decode(), done.stderr.decode())
        return done.stdout.decode()

    def require(self, *contexts: str) -> None:
        """Let the forge require statuses for a merge into main."""
        with self.forge() as forge:
            forge.protections.put(Protection("main", contexts=contexts))

    @contextmanager
    def forge(self, login: str = "admin") -> Iterator[Forge]:
        """The forge, as a person has it."""
        loaded = settings.load({**os.environ, **{key: value for key, value in self.env.items() if value}})
        store = open_store(loaded, self.server.path)
        try:
            yield connect(self.server.path, store, login, loaded.inherited_env, 60)
        finally:
            store.close()

    def merge(self, task: str, *args: str, **env: str) -> tuple[int, dict[str, Any]]:
        """The exit code of `merge` and its verdict, or the reason why there is none."""
        done = self.say("merge", "--task", task, "--json", *args, **env)
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return done.returncode, answered(done)

    def gate(self, task: str, *args: str, **env: str) -> tuple[int, dict[str, Any]]:
        """As `merge`, of the gate."""
        done = self.say("gate", "merge", "--task", task, "--json", *args, **env)
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return done.returncode, answered(done)

    def document(self, path: str) -> dict[str, Any]:
        """A document of the state branch as it is now."""
        values, _ = frontmatter.decode(self.server.git("show", f"refs/heads/orch-state:{path}"))
        return values

    def attempt(self, task: str) -> dict[str, Any]:
        return self.document(layout.attempt_path(TaskId(task)))

    def lease(self) -> dict[str, Any]:
        return self.document(layout.lease_path("main"))

    def state_of(self, task: str) -> tuple[str, str]:
        found = self.document(layout.task_path(TaskId(task)))
        return str(found["stage"]), str(found["state"])

    def merges(self) -> Iterator[tuple[str, Validated]]:
        """Every merge of main since the beginning, oldest first, with what it says was validated."""
        listed = self.server.git("rev-list", "--first-parent", "--reverse", f"{self.first}..refs/heads/main").split()
        for commit in listed:
            output = trailers.parse(self.server.git("show", "--no-patch", "--format=%B", commit))
            assert isinstance(output, Validated), (commit, output)
            yield commit, output

    def assert_sound(self) -> list[str]:
        """MRG-12: every change of main is what was validated, on exactly what it was validated with, and once.

        Answers the tasks that landed, in their order.
        """
        landed = []
        before = self.first
        for commit, output in self.merges():
            parents = self.server.git("show", "--no-patch", "--format=%P", commit).split()
            assert parents == [before, output.commit]
            assert output.base == before
            assert self.server.git("rev-parse", f"{commit}^{{tree}}") == output.tree
            assert self.server.git("rev-parse", f"{output.commit}^{{tree}}") == output.tree
            landed.append(output.task)
            before = commit
        assert len(set(landed)) == len(landed), landed
        self.ok("state", "verify")
        return landed


def template(folder: Path, fence: str = "hook", config: str = CONFIG, *, early: bool = True) -> Path:
    """Make a project once; `copy` gives each test its own. Its hook has its modules loaded `early`."""
    if fence == "hook":
        Template(folder / "template", "kingfisher").make()
        if early:
            load_hook_early(folder / "template" / "server.git" / HOOK)
    else:
        server = bare(folder / "template" / "server.git")
        seed(server, folder / "template" / "seed")
        clone(server, folder / "template" / "work")
    work = Repo(folder / "template" / "work")
    files = {"test.sh": TEST, ".orch-gates.yaml": config.format(fence=fence), "values/one": "1\n"}
    work.commit("Configure the pipeline", files)
    # The fence is not up before the commit that turns it on is there.
    work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    rig = at(folder / "template", MergeRig)
    rig.ok("state", "init")
    return folder / "template"


def copy(made: Path, folder: Path) -> MergeRig:
    """A project of one's own."""
    return opened(made, folder, MergeRig)


def opened(made: Path, folder: Path, rig: type[Rig]) -> Rig:
    """A project of one's own, as a rig of this kind."""
    shutil.copytree(made, folder, symlinks=True)
    return at(folder, rig)


def another(rig: MergeRig, name: str) -> Repo:
    """One more clone of the project, as another runner has one."""
    made = clone(rig.server, rig.folder / name)
    made.git("remote", "set-head", "origin", "--auto")
    return made


def at(folder: Path, rig: type[Rig]) -> Rig:
    """The project that stands in a folder, as a rig of this kind."""
    server, work = Repo(folder / "server.git"), Repo(folder / "work")
    work.git("remote", "set-url", "origin", str(server.path))
    work.git("remote", "set-head", "origin", "--auto")
    env: dict[str, str | None] = {
        "ORCH_FORGE": "local",
        "ORCH_FORGE_URL": str(server.path),
        "ORCH_CACHE_DIR": str(folder / "cache"),
        "ORCH_STATE_BY": "bot",
        # Where merges are judged, scanning every push for secrets is time lost.
        "ORCH_SECURITY_ENABLED": "false",
    }
    work.env = {"ORCH_SECURITY_ENABLED": "false"}
    return rig(folder, server, work, env, server.git("rev-parse", "refs/heads/main"))
