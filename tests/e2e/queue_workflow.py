"""A project on a real Gitea whose workflows run the queue and its CI, and the people who use it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.builders import orch
from tests.e2e import queue_project
from tests.e2e.actions import UNSET, Project, Run
from tests.e2e.gitea import ROOT
from tests.e2e.repository import eventually
from tests.merge_rig import TEST, MergeRig

EXAMPLE = (ROOT / "docs" / "examples" / "gitea-queue.yml").read_text("utf-8")
QUEUE = ".gitea/workflows/queue.yml"
CI = """\
name: ci
on:
  push: {branches: [main]}
  pull_request:
permissions: {}
jobs:
  test:
    runs-on: ubuntu-latest
    permissions: {contents: read}
    steps:
      - uses: actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683
        with: {persist-credentials: false}
      - run: sh ./test.sh
"""
# Slow where it is caught up with the first one, so that people come in between.
SLOW = "if [ -e values/a ] && [ -e slow ]; then sleep 25; fi\n"
_HELD = """\
#!/bin/sh
while read -r old new ref; do
    while [ "$ref" = refs/heads/{branch} ] && [ -e held ]; do
        touch reached
        sleep 0.1
    done
done
"""
_PATIENCE_S = 480
CONFIG = """\
pipeline: merge-queue
ci_green: {contexts: ["ci / *"]}
review_approved: {enabled: false}
merge:
  fence: none
  grace_s: 1
  retry_base_s: 1
"""


def files() -> dict[str, str]:
    """Main of a project with the queue turned on."""
    script, _, rest = TEST.partition("\n")
    return {
        "test.sh": f"{script}\n{SLOW}{rest}",
        ".orch-gates.yaml": CONFIG,
        "values/one": "1\n",
        "README.md": "# Values\n",
    }


class Queued:
    """A project with the queue's workflow as `queue.yml`, its CI as `ci.yml`, and a bot whose token is a secret."""

    def __init__(self, project: Project, folder: Path, bundle: str) -> None:
        self.project, self.repository = project, project.repository
        self.api = self.repository.api()
        bot = project.server.bot
        self.repository.add(bot)
        self.token = project.server.token(bot, ["write:repository", "write:issue", "read:user"])
        project.secret("ORCH_TOKEN", self.token)
        self._bot = self.repository.clone(bot)
        self._env = {"ORCH_CACHE_DIR": str(folder / "cache"), "ORCH_FORGE": "none"}
        self._workflow = EXAMPLE.replace(UNSET, bundle)
        self.say("state", "init")
        self.first = self.repository.tip()

    def turn_on(self, words: str = "") -> None:
        """Push the workflow, of which the server knows nothing before; `words` may say that it starts no run."""
        work = self.project.work
        work.git("checkout", "--quiet", "--detach", "origin/main")
        self.first = work.commit(f"Turn the queue on{words}", {QUEUE: self._workflow})
        work.git("push", "--quiet", "origin", "HEAD:main")

    def dispatch(self) -> Run:
        """Start the queue by hand, as the schedule would."""
        output = self.api.post("/actions/workflows/queue.yml/dispatches?return_run_details=true", {"ref": "main"})
        return Run(self.repository, output.ok()["workflow_run_id"])

    def say(self, *args: str) -> str:
        done = orch(*args, cwd=self._bot.path, env=self._env)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def opened(self, **changed: Mapping[str, str]) -> list[int]:
        """A pull request for each branch, from main as it was at first."""
        for branch, what in changed.items():
            self.project.work.git("checkout", "--quiet", "--detach", self.first)
            self.project.push(dict(what), branch)
        return [self.repository.pull(branch).number for branch in changed]

    def label(self, number: int, *, off: bool = False) -> None:
        queue_project.label(self.api, number, off=off)

    def labels(self, number: int) -> list[str]:
        return [row["name"] for row in self.pull(number)["labels"]]

    def comment(self, number: int) -> str:
        return queue_project.comment(self.api, number)

    def pull(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get(f"/pulls/{number}").ok()
        return found

    def runs(self, workflow: str) -> list[dict[str, Any]]:
        """The runs of a workflow, newest first."""
        rows = self.api.get("/actions/runs?limit=50").ok()["workflow_runs"]
        return [row for row in rows if row["path"].startswith(workflow)]

    def busy(self) -> bool:
        """Whether any run is not over."""
        return any(row["status"] != "completed" for row in self.runs(""))

    def logs(self) -> str:
        """What the queue's jobs said, oldest first."""
        ended = [row["id"] for row in self.runs("queue.yml") if row["status"] == "completed"]
        return "\n".join(Run(self.repository, one).log("queue") for one in sorted(ended))

    def till(self, ready: Callable[[], Any], what: str) -> None:
        """Wait for what runs bring about; says what they did where they do not."""
        try:
            eventually(ready, what, _PATIENCE_S)
        except AssertionError as error:
            output = [
                line for line in self.logs().splitlines() if re.search(r"Z (#\d|the queue|nothing|::|orch-)", line)
            ]
            runs = [(row["id"], row["event"], row["path"], row["status"]) for row in reversed(self.runs(""))]
            raise AssertionError("\n".join([str(error), *map(str, runs), *output])) from error

    def merged(self, *numbers: int) -> bool:
        return all(self.pull(number)["merged"] for number in numbers)

    def landed(self) -> list[str]:
        """The tasks that landed, oldest first, as the merges say that main has."""
        form = "%(trailers:key=Orch-Task,valueonly,separator=%x2C)"
        log = self.repository.bare.git("log", "--first-parent", "--reverse", f"--format={form}", f"{self.first}..main")
        return log.split()

    def sound(self) -> list[str]:
        """The same, where every change of main is what was validated."""
        env: dict[str, str | None] = {**self._env}
        return MergeRig(self.repository.folder, self.repository.bare, self._bot, env, self.first).assert_sound()

    def lease(self) -> dict[str, Any]:
        return MergeRig(self.repository.folder, self.repository.bare, self._bot).lease()

    def green(self) -> bool:
        """Whether every merge that main ever had was green."""
        commits = self.repository.bare.git("rev-list", "--first-parent", f"{self.first}..main").split()
        return all(self.statuses(commit).get("ci / test (push)") == "success" for commit in commits)

    def ci_of(self, number: int) -> Run:
        """The run of CI for what a pull request is at."""
        head = self.pull(number)["head"]["sha"]
        return next(Run(self.repository, row["id"]) for row in self.runs("ci.yml") if row["head_sha"] == head)

    def tested(self, number: int, status: str = "in_progress") -> bool:
        """Whether CI tests a pull request as the queue caught it up; or has it `queued`."""
        head, tip = self.pull(number)["head"]["sha"], self.repository.tip()
        on_top = self.repository.bare.attempt("merge-base", "--is-ancestor", tip, head).returncode == 0
        running = any(row["head_sha"] == head and row["status"] == status for row in self.runs("ci.yml"))
        return tip != self.first and on_top and running

    def statuses(self, commit: str) -> dict[str, str]:
        return self.project.unsettled(commit)

    @contextmanager
    def held(self, branch: str) -> Iterator[Path]:
        """Hold every push to a branch; the path exists once there is one."""
        hold, reached = self.repository.bare.path / "held", self.repository.bare.path / "reached"
        hook = self.repository.bare.path / "hooks" / "pre-receive.d" / "00-held"
        hook.write_text(_HELD.format(branch=branch))
        hook.chmod(0o755)
        hold.touch()
        try:
            yield reached
        finally:
            hold.unlink()

    def settled(self) -> None:
        """Wait until nothing runs, and nothing is about to: what ends wakes others a moment later."""

        def quiet() -> bool:
            before = len(self.runs(""))
            if self.busy():
                return False
            time.sleep(1)
            return not self.busy() and len(self.runs("")) == before

        self.till(quiet, "all runs are over")
