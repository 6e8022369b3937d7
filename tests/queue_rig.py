"""A project whose pull requests are merged through the queue, on a bare repository as its forge."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orch_gates.forge.local.checks import LocalReviews
from orch_gates.forge.port.checks import CommitStatus, ReviewState, StatusState
from orch_gates.forge.port.pulls import Draft, PullRequest
from orch_gates.model.ids import TaskId
from orch_gates.state import layout
from tests import merge_rig
from tests.merge_rig import MergeRig

CONFIG = """\
pipeline: merge-queue
ci_green: {{contexts: [ci]}}
review_approved: {{enabled: false}}
merge:
  fence: {fence}
  grace_s: 1
  retry_base_s: 1
"""


@dataclass
class QueueRig(MergeRig):
    """One project; CI is whoever posts the status `ci`."""

    def pull(self, name: str, files: dict[str, str], *, base: str = "origin/main") -> PullRequest:
        """Open a pull request with one commit."""
        self.branch(name, files, base=base)
        with self.forge("ann") as forge:
            return forge.pulls.open(Draft(name, "main", f"Change for {name}"))

    def seen(self, number: int) -> PullRequest:
        with self.forge() as forge:
            return forge.pulls.get(number)

    def label(self, number: int, *, off: bool = False) -> None:
        with self.forge("ann") as forge:
            forge.issues.label(number, **{"remove" if off else "add": ["merge"]})

    def approve(self, number: int, login: str = "bob") -> None:
        """Say as a reviewer that it may be merged."""
        with self.forge(login) as forge:
            assert isinstance(forge.reviews, LocalReviews)
            forge.reviews.say(number, ReviewState.APPROVED)

    def labels(self, number: int) -> tuple[str, ...]:
        return self.seen(number).labels

    def ci(self, commit: str, state: StatusState = StatusState.SUCCESS) -> None:
        """Say what CI found."""
        with self.forge("ci") as forge:
            forge.statuses.post(commit, CommitStatus("ci", state))

    def asked(self, name: str, files: dict[str, str], *, base: str = "origin/main") -> PullRequest:
        """A green pull request that somebody asks to be merged."""
        pull = self.pull(name, files, base=base)
        self.ci(pull.head)
        self.label(pull.number)
        return pull

    def run(self, *args: str, **env: str) -> tuple[int, dict[int, str]]:
        """The exit code of a run, and what came of each pull request."""
        code, output = self.ran(*args, **env)
        return code, {one["pull"]: one["outcome"] for one in output["turns"]}

    def ran(self, *args: str, **env: str) -> tuple[int, dict[str, Any]]:
        """The exit code of a run, and all that it says."""
        done = self.say("queue", "run", "--json", *args, **env)
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        assert done.stdout, done.stderr.decode()
        return done.returncode, json.loads(done.stdout)

    def listed(self) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.ok("queue", "list", "--json"))
        return value

    def order(self) -> list[int]:
        return [entry["pull"] for entry in self.listed()["entries"]]

    def comments(self, number: int) -> list[str]:
        with self.forge() as forge:
            return [one.body for one in forge.issues.comments(number)]

    def commits(self) -> int:
        """How many commits the state branch has, the forge's own documents apart."""
        listed = self.server.git("rev-list", "refs/heads/orch-state", "--", ":!forge").split()
        return len(listed)

    def document_of(self, pull: PullRequest) -> dict[str, Any]:
        """The task of a pull request."""
        return self.document(layout.task_path(TaskId(f"PR-{pull.number}")))

    def works(self, pull: PullRequest) -> str:
        """The commit that the attempt of a pull request waits for CI on."""
        return str(self.attempt(f"PR-{pull.number}")["commit"])


def template(folder: Path) -> Path:
    """Make a project once; `copy` gives each test its own."""
    return merge_rig.template(folder, config=CONFIG)


def copy(made: Path, folder: Path) -> QueueRig:
    """A project of one's own."""
    return merge_rig.opened(made, folder, QueueRig)


def again(folder: Path, first: str) -> QueueRig:
    """A project that stands in this folder; `first` is what main was in the beginning."""
    rig = merge_rig.at(folder, QueueRig)
    rig.first = first
    return rig
