"""Actions on the server: the published bundle, a project with a workflow, its runs and what became of them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

from tests.builders import Repo
from tests.bundle.published import publish
from tests.e2e.gitea import Gitea, User
from tests.e2e.repository import MAIN, Repository, eventually

TAG = "v0.1.0"
# What the examples have in place of a commit.
UNSET = "0" * 40
CHECKOUT = "actions/checkout@11bd71901bbe5b1630ceea73d27597364c9af683"
_TIMEOUT = 60


class Bundle:
    """`orch/orch-gates`, which anybody may read, with one commit and its tag; and a stand-in for `actions/checkout`."""

    def __init__(self, server: Gitea, folder: Path) -> None:
        made = publish(folder)
        self.sha = made.git("rev-parse", "HEAD")
        self._publish(server, made, "orch/orch-gates", TAG)
        checkout = folder / "checkout"
        checkout.mkdir()
        other = Repo(checkout)
        other.git("init", "--quiet", "-b", "main")
        other.commit("a checkout", {"action.yml": Path(__file__).with_name("checkout.yml").read_text()})
        # Named as workflows name it, so that they run as written: no commit can be made to have that id.
        self._publish(server, other, *CHECKOUT.split("@"))

    def _publish(self, server: Gitea, made: Repo, name: str, tag: str) -> None:
        made.git("tag", tag)
        server.admin.api.post("/orgs", {"username": name.partition("/")[0]}).ok()
        made.git("clone", "--quiet", "--bare", ".", server.repositories / f"{name}.git")
        server.admin.api.post(f"/admin/unadopted/{name}").ok()
        server.admin.api.call("PATCH", f"/repos/{name}", {"private": False}).ok()


@dataclass(frozen=True, slots=True)
class Run:
    """A workflow run."""

    repository: Repository
    id: int

    def get(self) -> dict[str, Any]:
        found: dict[str, Any] = self.repository.api().get(f"/actions/runs/{self.id}").ok()
        return found

    def ended(self) -> str:
        """Its conclusion, when all its jobs have one; the run has it with the first job that fails."""
        eventually(lambda: all(job.get("conclusion") for job in self.jobs().values()), f"run {self.id} ends")
        return str(self.get()["conclusion"])

    def jobs(self) -> dict[str, dict[str, Any]]:
        """Its jobs by name."""
        found = self.repository.api().get(f"/actions/runs/{self.id}/jobs").ok()["jobs"]
        return {job["name"]: job for job in found}

    def conclusions(self) -> dict[str, str]:
        """How each job ended."""
        return {name: job["conclusion"] for name, job in self.jobs().items()}

    def log(self, job: str) -> str:
        return self.repository.api().get(f"/actions/jobs/{self.jobs()[job]['id']}/logs").text

    def printed(self, job: str) -> dict[str, str]:
        """What the job's steps printed as `name=value`."""
        return dict(re.findall(r"^\S+Z (\w+)=(.*)$", self.log(job), re.M))

    def rerun(self) -> None:
        """Run it once more."""
        self.repository.api().post(f"/actions/runs/{self.id}/rerun").ok()

    def cancel(self) -> None:
        """Press the button for it: the API has none."""
        self._press("cancel")

    def approve(self) -> None:
        """Press the button that lets the first run of a stranger's pull request begin."""
        self._press("approve")

    def _press(self, button: str) -> None:
        owner, url = self.repository.owner, self.repository.server.url
        browser = build_opener(ProxyHandler({}), HTTPCookieProcessor())
        form = urlencode({"user_name": owner.name, "password": owner.password}).encode()
        pressed = f"{url}/{owner.name}/{self.repository.name}/actions/runs/{self.id}/{button}"
        for request in (Request(f"{url}/user/login", form), Request(pressed, b"")):
            with browser.open(request, timeout=_TIMEOUT) as answer:
                assert answer.status == 200


class Project:
    """A repository with one workflow, and a clone of it."""

    def __init__(
        self, server: Gitea, owner: User, folder: Path, workflow: str, files: Mapping[str, str] = MAIN
    ) -> None:
        self.server = server
        self.repository = Repository(server, owner, folder, {**files, ".gitea/workflows/ci.yml": workflow}, {})
        self.work: Repo = self.repository.clone()

    def push(self, files: Mapping[str, str], branch: str = "main") -> str:
        """Commit files and push the commit; answers its id."""
        made = self.work.commit("a change", files)
        self.work.git("push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        return made

    def pull(self, files: Mapping[str, str], branch: str = "feature") -> str:
        """Open a pull request with one commit on top of main; answers the commit."""
        self.work.git("switch", "--quiet", "-c", branch, "origin/main")
        made = self.push(files, branch)
        self.repository.pull(branch)
        return made

    def run(self, event: str, sha: str) -> Run:
        """The run of an event for a commit."""
        path = f"/actions/runs?{urlencode({'event': event, 'head_sha': sha})}"
        found = eventually(lambda: self.repository.api().get(path).ok()["workflow_runs"], f"{event} of {sha} runs")
        (only,) = found
        return Run(self.repository, only["id"])

    def runs(self) -> list[tuple[str, str]]:
        """Event and branch of every run."""
        found = self.repository.api().get("/actions/runs").ok()["workflow_runs"]
        return sorted((run["event"], run["head_branch"]) for run in found)

    def statuses(self, sha: str) -> dict[str, str]:
        """The last state of each context, when all have ended: a job's is set after its conclusion."""
        eventually(lambda: "pending" not in self.unsettled(sha).values(), f"no status of {sha} is pending")
        return self.unsettled(sha)

    def unsettled(self, sha: str) -> dict[str, str]:
        """The last state of each context, as it is now."""
        found = self.repository.api().get(f"/commits/{sha}/status?limit=50").ok()["statuses"]
        return {status["context"]: status["status"] for status in found or []}

    def dispatch(self, workflow: str = "ci.yml", /, **inputs: str) -> Run:
        """Start a workflow by hand."""
        document = {"ref": "main", "inputs": inputs}
        output = self.repository.api().post(
            f"/actions/workflows/{workflow}/dispatches?return_run_details=true", document
        )
        return Run(self.repository, output.ok()["workflow_run_id"])

    def secret(self, name: str, value: str) -> None:
        self.repository.api().put(f"/actions/secrets/{name}", {"data": value}).ok()

    def variable(self, name: str, value: str) -> None:
        self.repository.api().post(f"/actions/variables/{name}", {"value": value}).ok()

    def due(self) -> None:
        """Let the schedule's time come now; the server looks once a minute, or when an administrator says so."""
        stored = "SELECT s.id FROM action_schedule_spec s JOIN repository r ON r.id = s.repo_id WHERE r.name = ?"

        def rows() -> list[tuple[int]]:
            return base.execute(stored, (self.repository.name,)).fetchall()

        with closing(sqlite3.connect(self.server.folder / "data" / "gitea.db", timeout=20)) as base:
            for row in eventually(rows, "the schedule is stored"):
                base.execute("UPDATE action_schedule_spec SET next = 1 WHERE id = ?", row)
            base.commit()
        self.server.admin.api.post("/admin/cron/start_schedule_tasks").ok()
