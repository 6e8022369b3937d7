"""The tutorial of the pipeline is run as written, by a person with a real Gitea and its runner."""

from __future__ import annotations

from pathlib import Path

from tests.builders import Repo
from tests.bundle.published import publish
from tests.e2e.actions import Bundle
from tests.e2e.gitea import Gitea, User
from tests.e2e.runner import Runner
from tests.e2e.tutorial import Person

TUTORIAL = "docs/tutorials/l2-pipeline.md"
SCOPES = ["write:repository", "write:issue", "write:user"]


def test_an_issue_is_done_by_itself(gitea: Gitea, runner: Runner, bundle: Bundle, tmp_path: Path) -> None:
    """JOB-1, REAP-1, TRK-1: a label, a job that is killed and healed, a red gate that is heeded, a merge."""
    source = tmp_path / "source"
    source.mkdir()
    publish(source)
    person = Person(gitea, tmp_path, TUTORIAL, SCOPES, ORCH_GATES=str(source))
    owner = gitea.alice
    try:
        output = person.follow("pipeline", 11)
    except AssertionError as error:
        raise AssertionError(f"{error}\n{logs(owner)}") from error
    assert "ISSUE-1 is done" in output
    server = Repo(gitea.repositories / owner.name / "greetings.git")
    merged = server.git("log", "--first-parent", "--format=%(trailers:key=Orch-Task,valueonly,separator=%x2C)", "main")
    assert merged.split() == ["ISSUE-1"]
    for name in ("greetings", "orch-gates"):
        owner.api.call("DELETE", f"/repos/{owner.name}/{name}").ok()


def logs(owner: User) -> str:
    """What every job said, oldest first."""
    output = []
    for run in reversed(owner.api.get(f"/repos/{owner.name}/greetings/actions/runs?limit=50").ok()["workflow_runs"]):
        output.append(f"=== run {run['id']} {run['path']} {run['event']} {run['status']} {run.get('conclusion')}")
        jobs = owner.api.get(f"/repos/{owner.name}/greetings/actions/runs/{run['id']}/jobs").ok()["jobs"]
        output += [
            owner.api.get(f"/repos/{owner.name}/greetings/actions/jobs/{job['id']}/logs").text[-3000:] for job in jobs
        ]
    return "\n".join(output)
