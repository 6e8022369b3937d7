"""The merge queue: what is said or found before the forge is asked counts, and blocks nobody else (MRG-13)."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orch_gates.forge.local.checks import LocalReviews
from orch_gates.forge.port.checks import CommitStatus, ReviewState, StatusState
from orch_gates.forge.port.pulls import Draft
from orch_gates.model.ids import TaskId
from orch_gates.state import layout
from tests import queue_rig
from tests.hand_edits import edit_state
from tests.queue_rig import QueueRig


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return queue_rig.template(tmp_path_factory.mktemp("queue"))


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> QueueRig:
    return queue_rig.copy(made, tmp_path / "project")


TESTED = {"ORCH_CI_GREEN_ENABLED": "false"}


def test_ci_that_turns_red_after_it_was_validated(rig: QueueRig) -> None:
    """What is known to be red when the forge is asked is not merged, whatever was known before (ENG-10)."""
    first, second = rig.asked("one", {"values/two": "2\n"}), rig.asked("two", {"values/three": "3\n"})
    assert rig.run()[1] == {first.number: "landed", second.number: "works"}
    caught_up = rig.works(second)
    rig.ci(caught_up)
    assert rig.gate(f"PR-{second.number}")[0] == 0
    rig.ci(caught_up, StatusState.FAILURE)
    assert rig.run()[1] == {second.number: "sent back"}
    assert rig.assert_sound() == [f"PR-{first.number}"]


def during(rig: QueueRig, act: Callable[[], object], **env: str) -> tuple[int, dict[int, str]]:
    """A run whose test command waits while somebody does something."""
    begun, go_on = rig.folder / "begun", rig.folder / "go-on"
    test = f"touch {begun}; while [ ! -e {go_on} ]; do sleep 0.1; done"
    with ThreadPoolExecutor() as pool:
        running = pool.submit(rig.run, **{"ORCH_MERGE_TEST": test, **TESTED, **env})
        until = time.monotonic() + 60
        while not begun.exists():
            assert time.monotonic() < until, "the test did not begin"
            time.sleep(0.05)
        act()
        go_on.touch()
        return running.result()


def test_a_freeze_while_one_is_tested(rig: QueueRig) -> None:
    """The forge is not asked any more, and whoever has not begun does not begin; both land when it is thawed."""
    first, second = rig.asked("one", {"values/two": "2\n"}), rig.asked("two", {"values/three": "3\n"})
    before = rig.main
    came = during(rig, lambda: rig.ok("queue", "freeze", "--reason", "stop"))[1]
    assert came[first.number] == "works"
    assert (rig.main, rig.order()) == (before, [first.number, second.number])
    rig.ok("queue", "thaw")
    assert rig.run(ORCH_MERGE_TEST="true", **TESTED)[1] == {first.number: "landed", second.number: "landed"}


def test_the_label_taken_away_while_it_is_tested(rig: QueueRig) -> None:
    """Leaving is possible until the forge is asked."""
    pull = rig.asked("one", {"values/two": "2\n"})
    before = rig.main
    came = during(rig, lambda: rig.label(pull.number, off=True))[1]
    assert (came, rig.main) == ({pull.number: "waits"}, before)
    assert rig.run(ORCH_MERGE_TEST="true", **TESTED) == (0, {})
    assert (rig.order(), rig.lease()["holder"]) == ([], "")


def test_changes_requested_while_it_is_tested(rig: QueueRig) -> None:
    """An objection counts until the forge is asked."""
    pull = rig.asked("one", {"values/two": "2\n"})
    rig.approve(pull.number)

    def object_to_it() -> None:
        with rig.forge("bob") as forge:
            assert isinstance(forge.reviews, LocalReviews)
            forge.reviews.say(pull.number, ReviewState.CHANGES_REQUESTED)

    came = during(rig, object_to_it, ORCH_REVIEW_APPROVED_ENABLED="true")[1]
    assert came == {pull.number: "sent back"}
    assert rig.assert_sound() == []


def test_a_rule_of_the_forge_that_is_not_met_blocks_nobody(rig: QueueRig) -> None:
    """It is put off, keeps its place, may leave, and lands when the rule is met."""
    rig.require("other")
    first, second = rig.asked("one", {"values/two": "2\n"}), rig.asked("two", {"values/three": "3\n"})
    assert rig.run()[1] == {first.number: "put off", second.number: "put off"}
    assert rig.lease()["holder"] == ""
    rig.label(first.number, off=True)
    with rig.forge("ci") as forge:
        forge.statuses.post(second.head, CommitStatus("other", StatusState.SUCCESS))
    rig.ok("task", "retry", f"PR-{second.number}")
    assert rig.run()[1] == {second.number: "landed"}
    assert rig.order() == []


def test_one_that_a_person_holds_blocks_nobody(rig: QueueRig) -> None:
    """While it is tested, the target is free for the next one; resumed, it has its place again."""
    first, second, third = (rig.asked(name, {f"values/{name}": name}) for name in ("one", "two", "three"))
    assert rig.run()[1] == {first.number: "landed", second.number: "works"}
    rig.ok("task", "hold", f"PR-{second.number}", "--reason", "wait")
    assert rig.run()[1] == {third.number: "works"}
    rig.ok("task", "resume", f"PR-{second.number}")
    assert rig.order() == [second.number, third.number]


def test_a_test_that_broke_freezes_it_for_a_while_only(rig: QueueRig) -> None:
    """A runner in trouble finds the target red too; no status says when that is over, so it is tested again."""
    pull, other = rig.asked("one", {"values/two": "2\n"}), rig.asked("two", {"values/three": "3\n"})
    assert rig.run(ORCH_MERGE_TEST="false", **TESTED)[1] == {pull.number: "put off", other.number: "waits"}
    output = rig.ran(ORCH_MERGE_TEST="true", **TESTED)[1]
    assert "tests it again at" in output["frozen"]
    rig.ok("task", "retry", f"PR-{pull.number}")
    assert rig.run(ORCH_MERGE_TEST="true", **TESTED)[1] == {pull.number: "landed", other.number: "landed"}


def test_another_task_of_that_name_is_in_its_way(rig: QueueRig) -> None:
    """The label comes off with a reason, and others have their turn."""
    rig.ok("task", "new", "PR-1", "squat")
    first, second = rig.asked("one", {"values/two": "2\n"}), rig.asked("two", {"values/three": "3\n"})
    code, output = rig.ran()
    assert (code, output["done"][0]["pull"], output["done"][0]["what"]) == (0, first.number, "refused")
    assert {one["pull"]: one["outcome"] for one in output["turns"]} == {second.number: "landed"}
    assert rig.labels(first.number) == ()


def test_a_title_does_not_keep_main_from_its_ci(rig: QueueRig) -> None:
    """What a forge reads as `skip ci` is no such thing in the merge's message."""
    rig.branch("one", {"values/two": "2\n"})
    with rig.forge("ann") as forge:
        pull = forge.pulls.open(Draft("one", "main", "[skip ci] Change"))
    rig.ci(pull.head)
    rig.label(pull.number)
    assert rig.run()[1] == {pull.number: "landed"}
    assert rig.server.git("log", "-1", "--format=%s", "main") == f"PR-{pull.number}: (skip ci) Change (#{pull.number})"


@pytest.mark.parametrize("state", ["sent back", "works"])
def test_an_attempt_that_cannot_be_read_stops_nobody_else(rig: QueueRig, state: str) -> None:
    """It is told at its own turn, where it has one; a person mends the document (P3, ST-6)."""
    first, bad = rig.asked("one", {"values/two": "2\n"}), rig.asked("two", {"values/three": "3\n"})
    assert rig.run()[1] == {first.number: "landed", bad.number: "works"}
    if state == "sent back":
        rig.ci(rig.works(bad), StatusState.FAILURE)
        assert rig.run()[1] == {bad.number: "sent back"}
    else:
        rig.ok("lease", "release", "--reason", "for the test")
    edit_state(rig.server, {layout.attempt_path(TaskId(f"PR-{bad.number}")): "---\nid: [\n---\n"})
    good = rig.asked("three", {"values/four": "4\n"})
    code, came = rig.run()
    assert came.get(good.number) == "landed"
    assert (code, came.get(bad.number)) == ((0, None) if state == "sent back" else (2, "problem"))
