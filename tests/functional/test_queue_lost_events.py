"""An event that never came: the next run of the queue does what it would have led to (MRG-13, faults.md T4)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orch_gates.forge.port.checks import StatusState
from orch_gates.forge.port.pulls import PullRequest
from tests import queue_rig
from tests.queue_rig import QueueRig

Payload = dict[str, Any]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return queue_rig.template(tmp_path_factory.mktemp("queue"))


@dataclass(frozen=True)
class Kind:
    """What has happened before, what happens then, and the event that tells of it."""

    name: str
    before: Callable[[QueueRig], PullRequest]
    act: Callable[[QueueRig, PullRequest], Payload]
    state: tuple[str, str]


def opened(rig: QueueRig) -> PullRequest:
    """Green, and nobody asked for its merge."""
    pull = rig.pull("one", {"values/two": "2\n"})
    rig.ci(pull.head)
    return pull


def queued(rig: QueueRig) -> PullRequest:
    """In the queue, where nothing moves yet."""
    pull = opened(rig)
    rig.ok("queue", "freeze", "--reason", "not yet")
    rig.ok("queue", "add", str(pull.number))
    rig.ok("queue", "thaw")
    return pull


def waiting(rig: QueueRig) -> PullRequest:
    """Caught up with another one that landed, and waiting for CI."""
    first, second = rig.asked("zero", {"values/zero": "0\n"}), rig.asked("one", {"values/two": "2\n"})
    assert rig.run()[1] == {first.number: "landed", second.number: "works"}
    return second


def about(rig: QueueRig, pull: PullRequest, action: str, **more: Any) -> Payload:
    side = {"ref": "main", "repo": {"id": 1, "full_name": "o/r"}}
    head = {**side, "sha": rig.seen(pull.number).head, "ref": pull.branch}
    found = {"number": pull.number, "head": head, "base": {**side, "sha": rig.first}}
    return {"action": action, "number": pull.number, "pull_request": found, "sender": {"login": "ann"}, **more}


def set_label(rig: QueueRig, pull: PullRequest) -> Payload:
    rig.label(pull.number)
    return about(rig, pull, "labeled", label={"name": "merge"})


def take_label(rig: QueueRig, pull: PullRequest) -> Payload:
    rig.label(pull.number, off=True)
    return about(rig, pull, "unlabeled", label={"name": "merge"})


def push(rig: QueueRig, pull: PullRequest) -> Payload:
    rig.ci(rig.branch("one", {"values/three": "3\n"}, base="origin/one"))
    return about(rig, pull, "synchronize")


def close(rig: QueueRig, pull: PullRequest) -> Payload:
    with rig.forge("ann") as forge:
        forge.pulls.close(pull.number)
    return about(rig, pull, "closed")


def unapproved(rig: QueueRig) -> PullRequest:
    """Asked for, and waiting for a reviewer."""
    rig.env["ORCH_REVIEW_APPROVED_ENABLED"] = "true"
    pull = rig.asked("one", {"values/two": "2\n"})
    assert rig.run()[1] == {pull.number: "waits"}
    return pull


def approve(rig: QueueRig, pull: PullRequest) -> Payload:
    rig.approve(pull.number)
    review = {"state": "approved", "commit_id": pull.head}
    return about(rig, pull, "submitted", review=review) | {"sender": {"login": "bob"}}


def ci(state: StatusState) -> Callable[[QueueRig, PullRequest], Payload]:
    def ended(rig: QueueRig, pull: PullRequest) -> Payload:
        commit = rig.works(pull)
        rig.ci(commit, state)
        run = {"name": "ci", "head_sha": commit, "event": "push", "conclusion": state.value}
        return {"action": "completed", "workflow_run": run, "sender": {"login": "bot"}}

    return ended


KINDS = [
    Kind("pull_request_target", opened, set_label, ("done", "done")),
    Kind("pull_request_target", queued, take_label, ("open", "active")),
    Kind("pull_request_target", queued, push, ("open", "active")),
    Kind("pull_request_target", waiting, push, ("open", "active")),
    Kind("pull_request_target", queued, close, ("open", "active")),
    Kind("pull_request_target", waiting, close, ("open", "active")),
    Kind("pull_request_review", unapproved, approve, ("done", "done")),
    Kind("workflow_run", waiting, ci(StatusState.SUCCESS), ("done", "done")),
    Kind("workflow_run", waiting, ci(StatusState.FAILURE), ("open", "active")),
]


def came_of(rig: QueueRig, kind: Kind, *, told: bool) -> tuple[object, ...]:
    """Where the pull request stands in the end, and what landed."""
    pull = kind.before(rig)
    payload = {"repository": {"default_branch": "main"}, **kind.act(rig, pull)}
    if told:
        path = rig.folder / "event.json"
        path.write_text(json.dumps(payload))
        given = {"GITHUB_EVENT_NAME": kind.name, "GITHUB_EVENT_PATH": str(path), "CI": "true"}
        done = rig.say("event", **given)
    else:
        done = rig.say("queue", "run")
    assert done.returncode == 0, done.stdout + done.stderr
    landed = rig.assert_sound()
    holder = rig.lease()["holder"] if landed else ""
    return rig.state_of(f"PR-{pull.number}"), rig.labels(pull.number), rig.order(), landed, holder


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: f"{kind.act.__name__}-{kind.before.__name__}-{kind.state[0]}")
def test_a_lost_event_changes_nothing(made: Path, tmp_path: Path, kind: Kind) -> None:
    """Told or not, it comes to the same: what counts is what the forge says now."""
    told = came_of(queue_rig.copy(made, tmp_path / "told"), kind, told=True)
    lost = came_of(queue_rig.copy(made, tmp_path / "lost"), kind, told=False)
    assert (told, told[0]) == (lost, kind.state)


@pytest.mark.slow
def test_an_approval_that_would_have_asked_asks_when_it_is_told(made: Path, tmp_path: Path) -> None:
    """`queue.on_approval` is the one wish that only an event tells: a run queues nobody whom nobody labelled."""
    rig = queue_rig.copy(made, tmp_path / "lost")
    rig.env |= {"ORCH_REVIEW_APPROVED_ENABLED": "true", "ORCH_QUEUE_ON_APPROVAL": "true"}
    pull = opened(rig)
    rig.approve(pull.number)
    assert (rig.run(), rig.labels(pull.number)) == ((0, {}), ())
    rig.label(pull.number)
    assert rig.run() == (0, {pull.number: "landed"})
