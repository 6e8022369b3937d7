"""A project on a real Gitea whose pull requests are merged through the queue: `GiteaRig`, with labels and comments."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orch_gates.merge.queue.comment import MARK
from tests.builders import PROGRAM
from tests.e2e.gitea import User
from tests.e2e.merge_project import GiteaRig
from tests.e2e.repository import Scoped

LABEL = "merge"
CONFIG = """\
pipeline: merge-queue
ci_green: {contexts: [ci]}
review_approved: {enabled: false}
merge:
  grace_s: 1
  retry_base_s: 1
"""


@dataclass
class GiteaQueue(GiteaRig):
    """One project; CI is whoever posts the status `ci`. A pull request is known by its number."""

    @property
    def api(self) -> Scoped:
        return self.repository.api()

    def opened(self, files: Mapping[str, Mapping[str, str]]) -> list[int]:
        """A pull request of alice's for each branch, all pushed at once; from one commit."""
        work = self.person()
        base = work.git("rev-parse", "HEAD")
        for branch, changed in files.items():
            work.git("checkout", "--quiet", "--detach", base)
            work.commit(f"change for {branch}", changed)
            work.git("branch", "--quiet", branch)
        work.git("push", "--quiet", "origin", *files)
        return [self.repository.pull(branch).number for branch in files]

    def asked(self, files: Mapping[str, Mapping[str, str]]) -> list[int]:
        """Green pull requests that alice asks to be merged."""
        numbers = self.opened(files)
        for number in numbers:
            self.ci(number)
            self.label(number)
        return numbers

    def ci(self, number: int, state: str = "success") -> str:
        """Say what CI found on what a pull request is at; answers the commit."""
        commit = self.pull(number).head()
        self.post(commit, state)
        return commit

    def label(self, number: int, *, off: bool = False, user: User | None = None) -> None:
        label(self.repository.api(user), number, off=off)

    def labels(self, number: int) -> list[str]:
        return [row["name"] for row in self.pull(number).get()["labels"]]

    def merged(self, number: int) -> bool:
        return bool(self.pull(number).get()["merged"])

    def comment(self, number: int) -> str:
        """What the queue says on a pull request, which it says in one comment."""
        return comment(self.api, number)

    def run(self, **env: str) -> tuple[int, dict[int, str]]:
        """The exit code of a run, and what came of each pull request."""
        code, output = self.ran(**env)
        return code, {one["pull"]: one["outcome"] for one in output["turns"]}

    def ran(self, **env: str) -> tuple[int, dict[str, Any]]:
        """The exit code of a run, and all that it says."""
        done = self.say("queue", "run", "--json", **env)
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        assert done.stdout, done.stderr.decode()
        return done.returncode, json.loads(done.stdout)

    def started(self) -> subprocess.Popen[bytes]:
        """A run that nobody waits for."""
        env = {**os.environ, **{name: value for name, value in self.env.items() if value is not None}}
        argv = [str(PROGRAM), "queue", "run", "--json"]
        return subprocess.Popen(argv, cwd=self.work.path, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def order(self) -> list[int]:
        return [entry["pull"] for entry in json.loads(self.ok("queue", "list", "--json"))["entries"]]

    def phase(self, number: int) -> str:
        return str(self.attempt(f"PR-{number}")["phase"])

    def landed(self, *numbers: int, holder: int = 0, by_hand: Sequence[str] = ()) -> None:
        """These landed and nothing else did, in this order, each by one merge of its own; `holder` has the lease."""
        name = f"PR-{holder}" if holder else ""
        self.ended(*(f"PR-{number}" for number in numbers), holder=name, by_hand=by_hand)
        for number in numbers:
            assert self.merged(number)
            self.done(f"PR-{number}")


def label(api: Scoped, number: int, *, off: bool = False) -> None:
    """Set the label that asks for a merge, or take it away, as a person does."""
    found = {row["name"]: row["id"] for row in api.get("/labels").ok()}
    if off:
        api.delete(f"/issues/{number}/labels/{found[LABEL]}").ok()
        return
    made = found.get(LABEL) or api.post("/labels", {"name": LABEL, "color": "#00aa00"}).ok()["id"]
    api.post(f"/issues/{number}/labels", {"labels": [made]}).ok()


def comment(api: Scoped, number: int) -> str:
    """The one comment of the queue on a pull request; empty where there is none."""
    rows = api.get(f"/issues/{number}/comments").ok()
    found = [row["body"] for row in rows if MARK in row["body"] and row["user"]["login"] == "orch-bot"]
    assert len(found) <= 1, found
    return "".join(found)
