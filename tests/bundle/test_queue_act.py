"""The workflow of the merge queue, run as written by a real runner against a bare repository with the fence."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from orch_gates.forge.port.checks import StatusState
from orch_gates.forge.port.pulls import PullRequest
from tests import queue_rig
from tests.bundle.acting import ROOT, Runner
from tests.e2e.repository import eventually
from tests.merge_worker import worker
from tests.queue_rig import QueueRig

EXAMPLE = (ROOT / "docs" / "examples" / "github-queue.yml").read_text("utf-8")
KEPT = """
      - if: always()
        env:
          SEEN: ${{ toJSON(steps.queue.outputs) }}
        run: printf '%s' "$SEEN" >"$OUT/outputs.json"
"""
CHECKED = (
    EXAMPLE.replace("        with:\n          token:", "        id: queue\n        with:\n          token:") + KEPT
)
STRICT = CHECKED.replace("          token: $", "          deferred: fail\n          token: $")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return queue_rig.template(tmp_path_factory.mktemp("queue"))


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> QueueRig:
    return queue_rig.copy(made, tmp_path / "project")


@pytest.fixture
def runner(rig: QueueRig, real: Callable[[str], Path], bundle: Path, tmp_path: Path) -> Runner:
    """The rig's clone on a runner that has `orch-gates` on its PATH; the bot's token is a secret."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {name: value for name, value in rig.env.items() if value is not None}
    tokens = {name: secrets.token_hex(20) for name in ("ORCH_TOKEN", "GITHUB_TOKEN")}
    return Runner(real("act"), bundle, tmp_path, path, env, "queue", "project/work", tokens)


def labelled(pull: PullRequest, label: str = "merge") -> dict[str, Any]:
    """What GitHub says when somebody sets a label."""
    repository = {"id": 1, "full_name": "acme/app", "default_branch": "main"}
    head = {"sha": pull.head, "ref": pull.branch, "repo": repository}
    base = {"sha": pull.head, "ref": "main", "repo": repository}
    return {
        "action": "labeled",
        "number": pull.number,
        "label": {"name": label},
        "pull_request": {"number": pull.number, "head": head, "base": base},
        "repository": repository,
        "sender": {"login": "ann"},
    }


@contextmanager
def working(rig: QueueRig, pull: PullRequest) -> Iterator[None]:
    """Another run holds the lease on main, and is not done."""
    rig.ok("queue", "freeze", "--reason", "until it is recorded")
    rig.run()
    rig.ok("queue", "thaw")
    env = {**rig.env, "MERGE_WORKER_STOPS_BEFORE": "merge"}
    child = worker(rig.work.path, env, f"PR-{pull.number}")
    stat = Path(f"/proc/{child.pid}/stat")
    try:
        eventually(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", "the other run holds the lease")
        yield
    finally:
        child.kill()
        child.communicate()


def test_a_label_is_a_merge(rig: QueueRig, runner: Runner) -> None:
    """The workflow as it stands, and the event: a green pull request lands, and no token is shown (MRG-13)."""
    pull = rig.asked("one", {"values/two": "2\n"})
    run = runner.run("pull_request_target", labelled(pull), EXAMPLE)
    assert run.passed, run.log
    assert f"#{pull.number} landed" in run.log
    assert rig.assert_sound() == [f"PR-{pull.number}"]
    assert rig.document_of(pull)["enqueued"]["by"] == "ann"
    for token in runner.secrets.values():
        assert token not in run.log


def test_an_event_that_does_not_concern_it(rig: QueueRig, runner: Runner) -> None:
    """Another label, and CI of a commit that nobody queued: green, nothing is done, and it says why."""
    pull = rig.pull("one", {"values/two": "2\n"})
    state = rig.head("orch-state")
    other = runner.run("pull_request_target", labelled(pull, "bug"), CHECKED)
    assert other.passed, other.log
    assert "nothing to do: the label bug is not merge" in other.log
    assert (other.outputs["verdict"], other.outputs["exit-code"]) == ("", "0")
    ended = {"name": "ci", "head_sha": pull.head, "conclusion": "success"}
    payload = {"action": "completed", "workflow_run": ended, "sender": {"login": "ann"}}
    woken = runner.run("workflow_run", payload, CHECKED)
    assert woken.passed, woken.log
    assert "nothing to do: the workflow ci ended" in woken.log
    assert rig.head("orch-state") == state


def test_somebody_else_works_on_it(rig: QueueRig, runner: Runner) -> None:
    """Exit 75 is a green step with a notice, unless `deferred` says otherwise; the schedule goes on (GATE-2)."""
    pull = rig.asked("one", {"values/two": "2\n"})
    with working(rig, pull):
        busy = runner.run("schedule", {"schedule": "*/15 * * * *"}, CHECKED)
        assert busy.passed, busy.log
        assert "the next event, or the schedule, goes on" in busy.log
        assert (busy.outputs["verdict"], busy.outputs["exit-code"]) == ("DEFER", "75")
        red = runner.run("schedule", {"schedule": "*/15 * * * *"}, STRICT)
        assert not red.passed, red.log
        assert red.outputs["verdict"] == "DEFER"
        assert rig.main == rig.first
    clock = runner.run("schedule", {"schedule": "*/15 * * * *"}, CHECKED)
    assert clock.passed, clock.log
    assert (clock.outputs["verdict"], clock.outputs["exit-code"]) == ("PASS", "0")
    assert rig.assert_sound() == [f"PR-{pull.number}"]


def test_what_is_red_is_no_red_job(rig: QueueRig, runner: Runner) -> None:
    """A pull request that goes back is its author's matter; the run that found it did its work."""
    pull = rig.pull("one", {"values/two": "2\n"})
    rig.ci(pull.head, StatusState.FAILURE)
    rig.label(pull.number)
    run = runner.run("pull_request_target", labelled(pull), CHECKED)
    assert run.passed, run.log
    assert (run.outputs["verdict"], rig.labels(pull.number)) == ("PASS", ())
    assert "1 sent back" in run.outputs["reason"]
