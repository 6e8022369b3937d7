"""Projects whose pull requests are merged through the queue: on a bare repository, and on a real Gitea."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests import queue_rig
from tests.bench.history import ENV
from tests.bench.tools import CACHE
from tests.builders import Repo
from tests.e2e.actions import UNSET, Bundle
from tests.e2e.actions import Project as Workflows
from tests.e2e.gitea import ROOT, Gitea
from tests.e2e.merge_project import Copied, GiteaRig
from tests.e2e.repository import eventually
from tests.e2e.runner import Runner
from tests.merge_rig import MergeRig
from tests.queue_rig import QueueRig

_CONTEXT = "ci / ci (pull_request)"
_CONFIG = f"""\
pipeline: merge-queue
ci_green: {{contexts: ["{_CONTEXT}"]}}
review_approved: {{enabled: false}}
merge:
  grace_s: 1
  retry_base_s: 1
"""
_CI = """\
name: ci
on: pull_request
jobs:
  ci:
    name: ci
    runs-on: ubuntu-latest
    steps:
      - run: sleep {delay}
"""


@contextmanager
def isolated(folder: Path) -> Iterator[None]:
    """No user and no configuration of this machine meanwhile; git may also ask a server on loopback."""
    kept = {**ENV, "HOME": str(folder), "ORCH_CACHE_DIR": str(CACHE), "GIT_ALLOW_PROTOCOL": "file:http"}
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            patch.delenv(name)
        for name, value in kept.items():
            patch.setenv(name, value)
        yield


@contextmanager
def gitea(folder: Path, *, runner: bool = False) -> Iterator[Gitea]:
    """A real Gitea, with its runner or without.

    Raises:
        RuntimeError: it is not here.
    """
    with ExitStack() as stack:
        server = Gitea(_program("gitea", "ORCH_GITEA_BIN"), _made(folder / "gitea"))
        stack.callback(server.stop)
        server.start()
        server.populate()
        if runner:
            jobs = Runner(server, _program("gitea-runner", "ORCH_RUNNER_BIN"), _made(folder / "runner"))
            stack.callback(jobs.stop)
            jobs.start()
        yield server


def _program(name: str, variable: str) -> Path:
    found = os.environ.get(variable) or shutil.which(name) or CACHE / "bin" / name
    if not os.access(found, os.X_OK):
        raise RuntimeError(f"{name} is not here; `make tools` builds it")
    return Path(found).absolute()


@dataclass(frozen=True)
class Local:
    """On a bare repository as the forge, with the fence in its hook."""

    rig: QueueRig

    @classmethod
    def make(cls, template: Path, folder: Path) -> Local:
        """A copy of `queue_rig.template`."""
        return cls(queue_rig.copy(template, folder))

    def ready(self, count: int) -> None:
        """As `Project`."""
        for number in range(count):
            self.rig.asked(f"change/{number}", {f"values/v{number}": f"v{number}\n"})

    def ci(self, commit: str) -> None:
        """As `Project`."""
        self.rig.ci(commit)

    def run(self) -> None:
        """As `Project`."""
        _ran(self.rig)


@dataclass(frozen=True)
class OnGitea:
    """On a real Gitea with the fence in its hook; whoever measures is CI."""

    rig: GiteaRig

    @classmethod
    def make(cls, server: Gitea, template: Path, folder: Path) -> OnGitea:
        """A project of alice's with the branches of `queue_rig.template`."""
        repository = Copied(server, server.alice, _made(folder), Repo(template / "server.git"), {})
        repository.install_hook()
        return cls(GiteaRig.make(folder, repository, hook=None))

    def ready(self, count: int) -> None:
        """As `Project`."""
        work = self.rig.person()
        base = work.git("rev-parse", "HEAD")
        for number in range(count):
            work.git("checkout", "--quiet", "--detach", base)
            commit = work.commit(f"change {number}", {f"values/v{number}": f"v{number}\n"})
            work.git("push", "--quiet", "origin", f"HEAD:refs/heads/change/{number}")
            self.ci(commit)
            _label(self.rig, self.rig.repository.pull(f"change/{number}").number)

    def ci(self, commit: str) -> None:
        """As `Project`."""
        self.rig.post(commit, "success")

    def run(self) -> None:
        """As `Project`."""
        _ran(self.rig)


@dataclass(frozen=True)
class WithRunner:
    """On a real Gitea whose runner runs CI and docs/examples/gitea-queue.yml as it is written."""

    rig: GiteaRig
    workflows: Workflows

    @classmethod
    def make(cls, server: Gitea, bundle: Bundle, folder: Path, delay: float) -> WithRunner:
        """A project of alice's whose CI takes so many seconds."""
        queue = (ROOT / "docs" / "examples" / "gitea-queue.yml").read_text("utf-8").replace(UNSET, bundle.sha)
        files = {".orch-gates.yaml": _CONFIG, ".gitea/workflows/queue.yml": queue, "values/one": "1\n"}
        made = Workflows(server, server.alice, _made(folder), _CI.format(delay=delay), files)
        # The server learns of the schedule by a push, which the fence would not take later.
        made.push({"README.md": "# Values\n"})
        made.repository.install_hook()
        made.secret("ORCH_TOKEN", server.token(server.bot, ["write:repository", "write:issue"]))
        rig = GiteaRig.make(folder, made.repository, hook=None)
        rig.ok("state", "init")
        return cls(rig, made)

    def ready(self, count: int) -> None:
        """As `Project`, but for the labels."""
        heads = [
            self.workflows.pull({f"values/v{number}": f"v{number}\n"}, f"change/{number}") for number in range(count)
        ]
        for head in heads:
            eventually(partial(self._green, head), f"CI on {head} is green")

    def _green(self, commit: str) -> bool:
        return self.rig.statuses(commit).get(_CONTEXT) == "success"

    def label(self) -> None:
        """Ask for all of them."""
        for pull in self.rig.pulls("open"):
            _label(self.rig, pull["number"])

    def ci(self, commit: str) -> None:
        """The runner does that."""
        raise NotImplementedError

    def run(self) -> None:
        """The runner does that."""
        raise NotImplementedError


def _ran(rig: MergeRig) -> None:
    done = rig.say("queue", "run", "--json")
    # 75: another run works on the target, which says the next one's turn is later.
    if done.returncode not in {0, 75}:
        raise RuntimeError(f"exit code {done.returncode}: {done.stdout[-600:]!r} {done.stderr[-600:]!r}")


def _label(rig: GiteaRig, number: int) -> None:
    api = rig.repository.api()
    found = [row["id"] for row in api.get("/labels").ok() if row["name"] == "merge"]
    made = found or [api.post("/labels", {"name": "merge", "color": "#00aa00"}).ok()["id"]]
    api.post(f"/issues/{number}/labels", {"labels": made}).ok()


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
