"""A repository whose pull requests are merged through the queue, moved by ticks alone (SWP-1, MRG-13)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import queue_rig
from tests.queue_rig import QueueRig

GRACE = {"ORCH_RECONCILER_GRACE_S": "0"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return queue_rig.template(tmp_path_factory.mktemp("queue"))


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> QueueRig:
    return queue_rig.copy(made, tmp_path / "project")


def sweep(rig: QueueRig, **env: str) -> str:
    done = rig.say("sweep", **GRACE, **env)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert b"Traceback" not in done.stderr
    return done.stdout.decode()


def test_a_labelled_pull_request_lands_by_ticks(rig: QueueRig) -> None:
    """No event arrives: a tick does one run of the queue, and where nothing is queued it writes nothing."""
    pull = rig.asked("one", {"one": "1\n"})
    output = sweep(rig)
    assert f"pull request {pull.number}: " in output
    for _ in range(3):
        if rig.document_of(pull)["state"] == "done":
            break
        rig.ci(rig.works(pull))
        sweep(rig)
    assert rig.document_of(pull)["state"] == "done"
    before = rig.commits()
    assert sweep(rig) == "nothing to do\n"
    assert rig.commits() == before


def test_a_queue_whose_ci_has_not_answered_waits_in_silence(rig: QueueRig) -> None:
    pull = rig.pull("one", {"one": "1\n"})
    rig.label(pull.number)
    sweep(rig)
    before = rig.commits()
    assert sweep(rig) == "nothing to do\n"
    assert rig.commits() == before


def test_the_queue_runs_no_test_in_a_tick(rig: QueueRig, tmp_path: Path) -> None:
    """It waits for `orch-gates queue run`, which does."""
    ran = tmp_path / "ran"
    pull = rig.asked("one", {"one": "1\n"})
    test = {"ORCH_MERGE_TEST": f"touch {ran}", "ORCH_MERGE_TEST_ENV": ""}
    for _ in range(2):
        sweep(rig, **test)
    assert not ran.exists()
    assert rig.document_of(pull)["state"] == "active"
    assert rig.run(**test)[0] == 0
    assert ran.exists()


def test_a_queue_without_a_forge_is_told_and_stops_nothing_else(rig: QueueRig) -> None:
    """P3: the rest of the tick is done; what to do is said."""
    done = rig.say("sweep", ORCH_FORGE="none", **GRACE)
    assert done.returncode == 2
    assert b"the merge queue: " in done.stderr
