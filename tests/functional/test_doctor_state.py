"""`orch-gates doctor`: the state branch and the schedule of the sweep, each broken for real and mended as is said."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orch_gates.model.ids import TaskId
from orch_gates.state import layout
from tests.builders import Repo, bare, clone, orch
from tests.doctor_rig import Found, follow, looked, only
from tests.hand_edits import edit_state, edit_state_file
from tests.state_rig import BRANCH, WITNESS
from tests.sweep_rig import SweepRig, copy, template

SWEEP = "on:\n  schedule: [{cron: '*/10 * * * *'}]\njobs:\n  a:\n    steps:\n      - uses: o/r/actions/sweep@0\n"


class Project:
    """A server without a hook, a clone, and a state branch."""

    def __init__(self, folder: Path, config: str = "") -> None:
        self.folder = folder
        self.server = bare(folder / "app.git")
        self.work: Repo = clone(self.server, folder / "work")
        files = {"README.md": "# A project\n"} | ({".orch-gates.yaml": config} if config else {})
        self.work.commit(files=files)
        self.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
        self.work.git("remote", "set-head", "origin", "--auto")
        self.env: dict[str, str | None] = {"ORCH_CACHE_DIR": str(folder / "cache"), "ORCH_STATE_BY": "ann"}

    def ok(self, *args: str) -> None:
        done = orch(*args, cwd=self.work.path, env=self.env)
        assert done.returncode == 0, done.stderr

    def look(self, name: str, env: Mapping[str, str] | None = None) -> Found:
        return only(self.work.path, name, env={**self.env, **(env or {})})

    def follow(self, found: Found) -> None:
        follow(found, self.work.path, self.env)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.ok("state", "init")
    made.ok("task", "new", "T-1", "A title")
    return made


def test_a_state_branch_that_is_well(project: Project) -> None:
    """There, with its witness, and readable; also from the server's own repository."""
    for name in ("state-branch", "state-witness", "state-files"):
        assert project.look(name)["state"] == "ok"
        assert only(project.server.path, name, env=project.env)["state"] == "ok"


def test_none_is_fine_unless_the_configuration_rests_on_it(tmp_path: Path) -> None:
    """A gate alone needs none; what is said makes it."""
    plain = Project(tmp_path / "plain")
    _, found = looked(plain.work.path, env=plain.env)
    states = {name: one["state"] for name, one in found.items() if one["group"] == "state branch"}
    assert set(states.values()) == {"not used"}
    fenced = Project(tmp_path / "fenced", "merge:\n  fence: status\n")
    found_one = fenced.look("state-branch")
    assert (found_one["state"], "the configuration needs it" in found_one["seen"]) == ("bad", True)
    fenced.follow(found_one)
    assert fenced.look("state-branch")["state"] == "ok"


def test_a_branch_that_is_gone_is_bad(project: Project) -> None:
    """Wiped, and not never made; what rests on it could not be told, and what is said brings it back."""
    project.server.git("update-ref", "-d", BRANCH)
    found = project.look("state-branch")
    assert (found["state"], found["mend"]) == ("bad", "orch-gates state restore")
    assert project.look("state-files")["state"] == "unknown"
    project.follow(found)
    assert project.look("state-branch")["state"] == project.look("state-files")["state"] == "ok"


def test_a_branch_that_was_rewound_is_bad(project: Project) -> None:
    """Its witness knows."""
    project.server.git("update-ref", BRANCH, f"{BRANCH}~1")
    found = project.look("state-branch")
    assert (found["state"], "rewound" in found["seen"]) == ("bad", True)
    project.follow(found)
    assert project.look("state-branch")["state"] == "ok"


def test_a_server_that_is_not_there_could_not_tell(project: Project) -> None:
    """Nothing is known, which is neither well nor wiped."""
    project.work.git("remote", "set-url", "origin", "http://127.0.0.1:9/app.git")
    names = ("--only", "state-branch", "--only", "state-witness")
    code, found = looked(project.work.path, *names, env={**project.env, "GIT_ALLOW_PROTOCOL": "file:http"})
    assert (code, {one["state"] for one in found.values()}) == (2, {"unknown"})


def test_a_branch_without_its_witness_is_bad(project: Project) -> None:
    """Whoever takes it away hides the next loss; what is said makes it anew."""
    project.server.git("update-ref", "-d", WITNESS)
    found = project.look("state-witness")
    assert found["state"] == "bad"
    assert project.look("state-branch")["state"] == "ok"
    project.follow(found)
    assert project.look("state-witness")["state"] == "ok"


def test_who_guards_the_branch(project: Project) -> None:
    """Nobody, the repository's own switches, or the server's hook; a guard that is switched off is none."""
    found = project.look("state-guard")
    assert (found["state"], "rewind or delete" in found["seen"]) == ("warning", True)
    project.server.git("config", "receive.denyNonFastForwards", "true")
    assert "rewind or delete" in project.look("state-guard")["seen"]
    project.server.git("config", "receive.denyDeletes", "true")
    half = project.look("state-guard")
    assert (half["state"], "no hook checks pushes" in half["seen"]) == ("warning", True)
    project.follow(found)
    assert project.look("state-guard")["state"] == "ok"
    assert project.look("state-guard", {"ORCH_STATE_GUARD_ENABLED": "false"})["state"] == "warning"


def test_a_file_that_cannot_be_read_is_bad(project: Project) -> None:
    """A hand edit; the task that it is about is named."""
    task = layout.task_path(TaskId("T-1"))
    edit_state_file(project.server, task, lambda text: text.replace("stage: ", "stage: [", 1))
    found = project.look("state-files")
    assert (found["state"], "T-1" in found["seen"]) == ("bad", True)


@pytest.mark.parametrize(
    "path", ["environments/prod.md", "transitions/T-1/0000000001.md", "sweep.md", "leases/main.md", "notes.txt"]
)
def test_what_the_lint_names_is_bad(path: str, project: Project) -> None:
    """Of whatever kind the file is; of an environment that cannot be read no image could be told either."""
    edit_state(project.server, {path: "garbage\n"})
    linted = orch("state", "lint", cwd=project.work.path, env=project.env)
    assert (linted.returncode, path.encode() in linted.stdout) == (1, True)
    found = project.look("state-files")
    assert (found["state"], path in found["seen"]) == ("bad", True)
    if path == "environments/prod.md":
        found = project.look("rollback-image")
        assert (found["state"], path in found["seen"]) == ("unknown", True)


def test_a_schedule_that_never_ran(tmp_path: Path) -> None:
    """It is missed where a workflow should run it, or work waits for it; a tick, as is said, mends that."""
    project = Project(tmp_path)
    project.ok("state", "init")
    assert project.look("schedule")["state"] == "not used"
    assert project.look("schedule", {"ORCH_TRACKER": "forge"})["state"] == "bad"
    project.work.commit(files={".gitea/workflows/sweep.yml": SWEEP})
    project.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    project.work.git("fetch", "--quiet")
    found = project.look("schedule")
    assert (found["state"], ".gitea/workflows/sweep.yml" in found["seen"]) == ("bad", True)
    project.follow(found)
    assert project.look("schedule")["state"] == "ok"


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template(tmp_path_factory.mktemp("swept"))


@pytest.mark.parametrize(
    ("minutes", "tracker", "state"),
    [(5, "forge", "ok"), (25, "forge", "warning"), (180, "forge", "bad"), (5, "none", "ok"), (180, "none", "warning")],
)
def test_a_schedule_that_stopped(minutes: int, tracker: str, state: str, swept: Path, tmp_path: Path) -> None:
    """Ten minutes are due: after two of them it is late, after six dead; where nothing needs it, one may be by hand."""
    rig: SweepRig = copy(swept, tmp_path / "project")
    rig.tick(-timedelta(minutes=minutes))
    assert datetime.now(UTC) - datetime.fromisoformat(rig.memory()["ticks"][-1]["started"]) > timedelta(minutes=4)
    found = only(rig.work.path, "schedule", env={**rig.env, "ORCH_TRACKER": tracker})
    assert (found["state"], "the last sweep began" in found["seen"]) == (state, True)
