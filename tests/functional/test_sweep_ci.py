"""Jobs of CI runs, asked of a forge over HTTP: what a tick makes of each answer, also of none (REAP-1, P2)."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from tests import sweep_rig
from tests.fakes.scripted_http import Scripted, says, serving
from tests.sweep_rig import SOON, SweepRig

RUN = {"id": 12, "attempt": 1, "job": "develop", "url": "https://git.example.org/o/r/actions/runs/12"}


class Actions:
    """The runs of a forge, with the jobs of run 12 as its API tells them; `status` is that of every answer."""

    def __init__(self) -> None:
        self.jobs: list[tuple[str, str, str | None]] = []
        self.status = 200

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        rows = [
            {"id": number, "name": name, "status": status, "conclusion": conclusion}
            for number, (name, status, conclusion) in enumerate(self.jobs, 1)
        ]
        run = {
            "id": 12,
            "path": ".gitea/workflows/develop.yml@refs/heads/main",
            "event": "workflow_dispatch",
            "head_sha": "a" * 40,
            "head_branch": "main",
            "status": "completed",
            "conclusion": "success",
            "html_url": RUN["url"],
        }
        first = "page=" not in handler.path or "page=1" in handler.path.replace("per_page", "")
        page = {"total_count": len(rows), "jobs": rows if first else []}
        body = page if "/jobs" in handler.path else run
        says(self.status, body if self.status == 200 else {"message": "not now"})(handler)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sweep_rig.template(tmp_path_factory.mktemp("sweep"))


@pytest.fixture
def actions() -> Actions:
    return Actions()


@pytest.fixture
def server(actions: Actions) -> Iterator[Scripted]:
    with serving(actions) as made:
        yield made


@pytest.fixture(params=["gitea", "github"])
def rig(made: Path, tmp_path: Path, request: pytest.FixtureRequest, server: Scripted) -> SweepRig:
    rig = sweep_rig.copy(made, tmp_path / "project")
    rig.env |= {"ORCH_FORGE": request.param, "ORCH_FORGE_URL": server.url, "ORCH_FORGE_REPOSITORY": "o/r"}
    rig.env |= {"ORCH_FORGE_TIMEOUT_S": "2", "ORCH_RECONCILER_ENABLED": "false"}
    rig.add_job(run=RUN, process={"host": "a-runner boot pid:[1]", "pid": 7, "started": "1"})
    return rig


@pytest.mark.parametrize(
    ("jobs", "after"),
    [
        ([("develop", "completed", "failure")], ["failed", "failed"]),
        ([("develop", "completed", "success"), ("other", "in_progress", None)], ["succeeded", "succeeded"]),
        ([("develop", "completed", "cancelled")], ["running", "failed"]),
        ([("develop", "completed", "skipped")], ["running", "failed"]),
        # The run says that it is completed; the job counts.
        ([("develop", "queued", None)], ["running", "running"]),
        ([("develop", "in_progress", None)], ["running", "running"]),
        ([("develop", "some new word", None)], ["running", "running"]),
        ([("another", "in_progress", None)], ["running", "running"]),
        ([("another", "completed", "success")], ["running", "failed"]),
        ([], ["running", "running"]),
    ],
)
def test_a_job_ends_as_its_job_of_the_ci_run_does(
    rig: SweepRig, actions: Actions, jobs: list[tuple[str, str, str | None]], after: list[str]
) -> None:
    actions.jobs = jobs
    seen = []
    for number in range(2):
        report = rig.tick(number * SOON)
        assert report.exit_code == 0, report.problems
        seen.append(rig.status_of())
    assert seen == after


@pytest.mark.parametrize("status", [404, 403, 500])
def test_no_answer_is_neither_life_nor_death(rig: SweepRig, actions: Actions, status: int) -> None:
    """It is told as long as it lasts, and a streak does not grow over it."""
    actions.jobs = [("develop", "completed", "cancelled")]
    rig.tick()
    actions.status = status
    report = rig.tick(SOON)
    assert report.exit_code == 2
    assert report.problems[0].startswith("CI run 12: ")
    assert rig.memory()["streaks"] == []
    actions.status = 200
    rig.tick(2 * SOON)
    assert rig.status_of() == "running"
    rig.tick(3 * SOON)
    assert rig.status_of() == "failed"
