"""`orch-gates event` in a job: what started it, and what that means for the queue (MRG-13, REC-3)."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

import pytest

from tests import queue_rig
from tests.builders import Done
from tests.fakes import telegram
from tests.queue_rig import QueueRig


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return queue_rig.template(tmp_path_factory.mktemp("queue"))


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> QueueRig:
    return queue_rig.copy(made, tmp_path / "project")


def happened(rig: QueueRig, name: str, payload: dict[str, Any], *args: str, **env: str) -> Done:
    """What a job does that this event started."""
    path = rig.folder / "event.json"
    path.write_text(json.dumps(payload))
    return rig.say("event", *args, GITHUB_EVENT_NAME=name, GITHUB_EVENT_PATH=str(path), CI="true", **env)


def labelled(number: int, head: str, label: str = "merge") -> dict[str, Any]:
    """As GitHub tells it; tests/recorded has what a Gitea says."""
    side = {"ref": "main", "repo": {"id": 1, "full_name": "o/r"}}
    pull = {"number": number, "head": {**side, "sha": head, "ref": "one"}, "base": {**side, "sha": head}}
    return {
        "action": "labeled",
        "number": number,
        "label": {"name": label},
        "pull_request": pull,
        "repository": {"default_branch": "main"},
        "sender": {"login": "ann"},
    }


def test_a_label_asks_for_the_commit_that_it_was_set_at(rig: QueueRig) -> None:
    """Who set it is written down; pushed to meanwhile, it is refused, and the label comes off."""
    pull = rig.asked("one", {"values/two": "2\n"})
    done = happened(rig, "pull_request_target", labelled(pull.number, pull.head), "--json")
    assert (done.returncode, json.loads(done.stdout)["turns"][0]["outcome"]) == (0, "landed")
    assert rig.document_of(pull)["enqueued"]["by"] == "ann"
    other = rig.asked("two", {"values/three": "3\n"})
    moved = rig.branch("two", {"values/more": "m\n"}, base="origin/two")
    rig.ci(moved)
    done = happened(rig, "pull_request_target", labelled(other.number, other.head))
    assert f"#{other.number} refused: {moved[:10]} was pushed after the label was set" in done.stdout.decode()
    assert (rig.labels(other.number), rig.order()) == ((), [])


def test_a_turn_of_the_queue_shows_its_card(rig: QueueRig) -> None:
    """In the chat that is set, once its outcome is told, and with the exit code of the queue."""
    token = f"{secrets.randbelow(10**9) + 10**8}:{secrets.token_urlsafe(26)}"
    first, second = rig.asked("one", {"values/two": "2\n"}), rig.asked("two", {"values/three": "3\n"})
    with telegram.serving(token) as server:
        chat = {"ORCH_TELEGRAM_URL": server.url, "ORCH_TELEGRAM_CHAT": "-100500", "ORCH_TELEGRAM_TOKEN": token}
        done = happened(rig, "pull_request_target", labelled(first.number, first.head), "--json", **chat)
    came = {turn["pull"]: turn["outcome"] for turn in json.loads(done.stdout)["turns"]}
    assert (done.returncode, came) == (0, {first.number: "landed", second.number: "works"})
    # What was over before it had a card gets none.
    assert [message.text.split()[0] for message in server.messages.values()] == [f"<b>PR-{second.number}</b>"]


@pytest.mark.parametrize(
    ("name", "payload", "reason"),
    [
        ("issues", {"action": "opened", "issue": {"number": 3}}, "comments and issues"),
        ("pull_request_target", labelled(1, "ab" * 20, "bug"), "the label bug is not merge"),
        (
            "workflow_run",
            {"action": "completed", "workflow_run": {"name": "ci", "head_sha": "ab" * 20}},
            "belongs to no queued pull request",
        ),
        ("watch", {"action": "started"}, "watch"),
    ],
)
def test_what_does_not_concern_it(rig: QueueRig, name: str, payload: dict[str, Any], reason: str) -> None:
    """It says why, and is a green step: nothing is asked of the forge, and nothing written."""
    before = rig.server.git("rev-parse", "orch-state")
    done = happened(rig, name, {"sender": {"login": "x"}, **payload})
    assert (done.returncode, reason in done.stdout.decode()) == (0, True), done.stdout + done.stderr
    assert rig.server.git("rev-parse", "orch-state") == before


def test_an_event_that_cannot_be_read_is_no_event_that_means_nothing(rig: QueueRig) -> None:
    """Exit 2, with the command that needs none."""
    done = happened(rig, "pull_request_target", {"action": "labeled"})
    assert (done.returncode, b"`orch-gates queue run` works without an event" in done.stderr) == (2, True), done.stderr
    done = rig.say("event", GITHUB_EVENT_NAME="push", GITHUB_EVENT_PATH=str(rig.folder / "none.json"), CI="true")
    assert (done.returncode, b"none.json" in done.stderr) == (2, True), done.stderr


def test_the_end_of_ci_wakes_it(rig: QueueRig) -> None:
    """An event with nothing but a commit is resolved to what waits for it; the queue's own push starts nothing."""
    first, second = rig.asked("one", {"values/two": "2\n"}), rig.asked("two", {"values/three": "3\n"})
    assert rig.run()[1] == {first.number: "landed", second.number: "works"}
    commit = rig.works(second)
    own = {"ref": "refs/heads/two", "before": second.head, "after": commit, "sender": {"login": "bot"}}
    assert b"the queue's own push" in happened(rig, "push", own).stdout
    rig.ci(commit)
    run = {"name": "ci", "head_sha": commit, "event": "push", "conclusion": "success"}
    done = happened(rig, "workflow_run", {"action": "completed", "workflow_run": run, "sender": {"login": "bot"}})
    assert f"#{second.number} landed" in done.stdout.decode(), done.stdout + done.stderr


def test_an_approval_asks_where_that_is_configured(rig: QueueRig) -> None:
    """Enough approving reviews of the present commit set the label; one that is not enough sets none."""
    pull = rig.pull("one", {"values/two": "2\n"})
    rig.ci(pull.head)
    review = {
        "action": "submitted",
        "review": {"state": "approved", "commit_id": pull.head},
        "pull_request": labelled(pull.number, pull.head)["pull_request"],
        "sender": {"login": "bob"},
    }
    on = {"ORCH_QUEUE_ON_APPROVAL": "true", "ORCH_REVIEW_APPROVED_ENABLED": "true"}
    assert b"nothing is queued" in happened(rig, "pull_request_review", review, **on).stdout
    assert rig.labels(pull.number) == ()
    rig.approve(pull.number)
    off = happened(rig, "pull_request_review", review)
    assert b"and is not queued" in off.stdout
    done = happened(rig, "pull_request_review", review, **on)
    assert f"#{pull.number} landed" in done.stdout.decode(), done.stdout + done.stderr


def test_without_a_queue_an_event_runs_none(rig: QueueRig) -> None:
    """A repository that did not turn it on merges nothing by it; its tasks are swept, of which there are none."""
    rig.branch("off", {".orch-gates.yaml": "merge: {fence: none}\n"})
    (rig.server.path / "hooks" / "pre-receive").unlink()
    rig.work.git("push", "--quiet", "origin", "origin/off:refs/heads/main")
    rig.work.git("fetch", "--quiet", "origin")
    done = happened(rig, "workflow_dispatch", {"ref": "main", "inputs": {}})
    assert (done.returncode, b"looked at: everything is looked at" in done.stdout) == (0, True), done.stderr
    done = rig.say("queue", "run")
    assert (done.returncode, b"`pipeline: merge-queue`" in done.stderr) == (2, True)
