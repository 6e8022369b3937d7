"""`orch-gates queue` on a server with the fence: pull requests are merged in turn, tested together (MRG-13)."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orch_gates.forge.port.checks import StatusState
from tests import queue_rig
from tests.builders import github_token, orch
from tests.queue_rig import QueueRig


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return queue_rig.template(tmp_path_factory.mktemp("queue"))


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> QueueRig:
    return queue_rig.copy(made, tmp_path / "project")


def test_a_labelled_pull_request_lands(rig: QueueRig) -> None:
    """Green and up to date: one run takes it from the label to the proof, and says so in one comment."""
    pull = rig.asked("one", {"values/two": "2\n"})
    assert rig.run() == (0, {pull.number: "landed"})
    assert rig.assert_sound() == [f"PR-{pull.number}"]
    assert rig.state_of(f"PR-{pull.number}") == ("done", "done")
    assert rig.seen(pull.number).state.value == "merged"
    (comment,) = rig.comments(pull.number)
    assert "is merged" in comment


def test_a_review_counts_once_it_landed(rig: QueueRig) -> None:
    """Reviews of a merged pull request are nobody's business any more: what they said before the merge counts."""
    pull = rig.asked("one", {"values/two": "2\n"})
    on = {"ORCH_REVIEW_APPROVED_ENABLED": "true"}
    assert rig.run(**on)[1] == {pull.number: "waits"}
    rig.approve(pull.number)
    assert rig.run(**on)[1] == {pull.number: "landed"}
    assert rig.state_of(f"PR-{pull.number}") == ("done", "done")


@pytest.mark.parametrize("command", [("add",), ("remove",), ("priority",), ("run", "--repair")])
@pytest.mark.parametrize("word", ["abc", "0", "#", "1.5", "²", "9" * 30])
def test_what_is_no_number_of_a_pull_request_is_told_so(tmp_path: Path, command: tuple[str, ...], word: str) -> None:
    """Wrong usage, with what a number of one is and how to write it; nothing is asked."""
    done = orch("queue", *command, word, *(["urgent"] if command == ("priority",) else []), cwd=tmp_path)
    assert done.returncode == 2
    assert "is not the number of a pull request; give the one in its title and address, as 12 or #12" in " ".join(
        done.stderr.decode().split()
    )


def test_two_that_break_together(rig: QueueRig) -> None:
    """The second is caught up and waits for CI there without a runner; red, it goes back and loses its label."""
    first, second = rig.asked("one", {"values/two": "2\n"}), rig.asked("two", {"values/too": "2\n"})
    assert rig.run() == (0, {first.number: "landed", second.number: "works"})
    caught_up = rig.works(second)
    assert caught_up != second.head
    assert rig.seen(second.number).head == caught_up
    before = rig.commits()
    assert rig.run() == (0, {second.number: "works"})
    assert rig.commits() == before
    rig.ci(caught_up, StatusState.FAILURE)
    assert rig.run() == (0, {second.number: "sent back"})
    assert rig.labels(second.number) == ()
    assert rig.assert_sound() == [f"PR-{first.number}"]
    assert rig.lease()["holder"] == ""
    assert rig.run() == (0, {})


def test_asking_again_after_a_red_test(rig: QueueRig) -> None:
    """The author mends it and asks again: as many times as they like, and nothing is charged."""
    pull = rig.pull("one", {"values/two": "2\n"})
    for _ in range(2):
        rig.ci(rig.seen(pull.number).head, StatusState.FAILURE)
        rig.label(pull.number)
        assert rig.run() == (0, {pull.number: "sent back"})
        assert rig.labels(pull.number) == ()
    mended = rig.branch("one", {"values/three": "3\n"}, base="origin/one")
    rig.ci(mended)
    rig.label(pull.number)
    assert rig.run() == (0, {pull.number: "landed"})
    assert rig.document_of(pull)["developer_retries"] == 0


def test_asking_again_without_a_new_commit(rig: QueueRig) -> None:
    """CI was run again and is green: the same commit lands."""
    pull = rig.pull("one", {"values/two": "2\n"})
    rig.ci(pull.head, StatusState.FAILURE)
    rig.label(pull.number)
    assert rig.run() == (0, {pull.number: "sent back"})
    rig.ci(pull.head)
    rig.label(pull.number)
    assert rig.run() == (0, {pull.number: "landed"})


def test_a_push_takes_it_out(rig: QueueRig) -> None:
    """What was asked for is one commit: another one is not merged before somebody asks for that."""
    pull = rig.asked("one", {"values/two": "2\n"})
    blocked = rig.asked("zero", {"values/zero": "0\n"})
    rig.ok("queue", "freeze", "--reason", "not yet")
    rig.run()
    pushed = rig.branch("one", {"values/three": "3\n"}, base="origin/one")
    rig.ci(pushed)
    rig.ok("queue", "thaw")
    code, output = rig.ran()
    assert code == 0
    assert [(one["pull"], one["what"]) for one in output["done"]] == [(pull.number, "out")]
    assert rig.labels(pull.number) == ()
    assert rig.assert_sound() == [f"PR-{blocked.number}"]
    (comment,) = rig.comments(pull.number)
    assert "was pushed after the merge" in comment
    rig.label(pull.number)
    assert rig.run()[1][pull.number] == "works"


def test_a_push_while_it_is_tested(rig: QueueRig) -> None:
    """Our own push to the branch takes nobody out; the author's does, and the next one has its turn."""
    first, second, third = (rig.asked(name, {f"values/{name}": name}) for name in ("one", "two", "three"))
    assert rig.run()[1] == {first.number: "landed", second.number: "works"}
    assert rig.run()[1] == {second.number: "works"}
    rig.branch("two", {"values/more": "more"}, base="origin/two")
    assert rig.run()[1] == {third.number: "works"}
    assert rig.order() == [third.number]
    rig.ci(rig.works(third))
    assert rig.run()[1] == {third.number: "landed"}
    assert rig.assert_sound() == [f"PR-{first.number}", f"PR-{third.number}"]


@pytest.mark.parametrize("phase", ["queued", "works"])
def test_taking_the_label_away_is_leaving(rig: QueueRig, phase: str) -> None:
    """At any time before the forge is asked for the merge; asking again is possible."""
    first, second = rig.asked("one", {"values/two": "2\n"}), rig.asked("two", {"values/three": "3\n"})
    if phase == "queued":
        rig.ok("queue", "freeze", "--reason", "not yet")
    rig.run()
    rig.label(second.number, off=True)
    if phase == "queued":
        rig.ok("queue", "thaw")
    rig.run()
    assert rig.order() == []
    assert rig.assert_sound() == [f"PR-{first.number}"]
    rig.label(second.number)
    rig.run()
    assert rig.order() == [second.number]


def test_waiting_for_ci_is_free_and_blocks_nobody(rig: QueueRig) -> None:
    """One whose CI is not done keeps its place; others go first, and it follows when it is green."""
    slow = rig.pull("slow", {"values/slow": "1s\n"})
    rig.label(slow.number)
    quick = rig.asked("quick", {"values/quick": "q\n"})
    assert rig.run()[1] == {slow.number: "waits", quick.number: "landed"}
    before = rig.commits()
    assert rig.run()[1] == {slow.number: "waits"}
    assert rig.commits() == before
    assert rig.order() == [slow.number]
    rig.ci(slow.head)
    assert rig.run()[1] == {slow.number: "works"}
    rig.ci(rig.works(slow))
    assert rig.run()[1] == {slow.number: "landed"}
    assert rig.document_of(slow)["defers"] == 0


def test_ci_that_never_answers_blocks_nobody_for_ever(rig: QueueRig) -> None:
    """The lease has an end also while an attempt waits; then it waits without it, and the others go on (MRG-4)."""
    first, stuck, third = (rig.asked(name, {f"values/{name}": name}) for name in ("one", "two", "three"))
    assert rig.run()[1] == {first.number: "landed", stuck.number: "works"}
    before, caught_up = rig.commits(), rig.works(stuck)
    assert rig.run() == (0, {stuck.number: "works"})
    assert rig.commits() == before
    granted = datetime.fromisoformat(rig.lease()["granted"])
    while datetime.now(UTC) < granted + timedelta(seconds=2):
        time.sleep(0.1)
    assert rig.run(ORCH_LEASE_MAX_HOLD_S="1")[1][stuck.number] == "waits"
    assert rig.run() == (0, {third.number: "works"})
    rig.ci(rig.works(third))
    assert rig.run() == (0, {stuck.number: "waits", third.number: "landed"})
    rig.ci(caught_up)
    assert rig.run() == (0, {stuck.number: "works"})
    rig.ci(rig.works(stuck))
    assert rig.run() == (0, {stuck.number: "landed"})
    assert rig.assert_sound() == [f"PR-{one.number}" for one in (first, third, stuck)]


def test_the_order_is_by_priority_and_age(rig: QueueRig) -> None:
    """A person's word comes first, then who asked first; whoever is being merged is not overtaken."""
    first, second, third = (rig.asked(name, {f"values/{name}": name}) for name in ("one", "two", "three"))
    rig.ok("queue", "freeze", "--reason", "until all are there")
    rig.run()
    rig.ok("queue", "priority", str(third.number), "urgent")
    assert rig.order() == [third.number, first.number, second.number]
    rig.ok("queue", "thaw")
    assert rig.run()[1] == {third.number: "landed", first.number: "works"}
    rig.ok("queue", "priority", str(second.number), "urgent")
    assert rig.run()[1] == {first.number: "works"}


def test_a_red_target_freezes_it(rig: QueueRig) -> None:
    """Nothing is merged onto a red main, nobody is charged or put off, and it goes on when main is green (MRG-6)."""
    pull = rig.asked("one", {"values/two": "2\n"})
    rig.ci(rig.main, StatusState.FAILURE)
    for _ in range(2):
        code, output = rig.ran()
        assert (code, output["frozen"].startswith("main itself is red")) == (0, True)
    assert (rig.document_of(pull)["defers"], rig.order()) == (0, [pull.number])
    rig.ci(rig.main)
    assert rig.run()[1] == {pull.number: "landed"}


def test_a_red_target_is_repaired_through_the_queue(rig: QueueRig) -> None:
    """A person names the pull request that makes it green; the others wait, and a person's freeze still counts."""
    other, repair = rig.asked("one", {"values/two": "2\n"}), rig.asked("fix", {"values/three": "3\n"})
    rig.ci(rig.main, StatusState.FAILURE)
    assert rig.run()[1] == {other.number: "waits", repair.number: "waits"}
    rig.ok("queue", "freeze", "--reason", "release day")
    assert rig.run("--repair", str(repair.number))[1] == {other.number: "waits", repair.number: "waits"}
    rig.ok("queue", "thaw")
    assert rig.run("--repair", str(repair.number))[1] == {other.number: "waits", repair.number: "landed"}


def test_a_freeze_ends_by_itself(rig: QueueRig) -> None:
    """With a reason and an end that everybody can read; the list says so too."""
    pull = rig.asked("one", {"values/two": "2\n"})
    rig.ok("queue", "freeze", "--reason", "release day", "--for", "1s")
    assert "release day" in rig.ok("queue", "list") or rig.listed()["freeze"] is None
    for _ in range(50):
        if rig.run()[1] == {pull.number: "landed"}:
            break
    assert rig.assert_sound() == [f"PR-{pull.number}"]


def test_commands_in_place_of_labels(rig: QueueRig) -> None:
    """`add` asks and sets the label, `remove` takes both away; doing it twice changes nothing."""
    pull = rig.pull("one", {"values/two": "2\n"})
    rig.ok("queue", "freeze", "--reason", "not yet")
    for _ in range(2):
        rig.ok("queue", "add", str(pull.number), "--by", "ann")
    assert (rig.order(), rig.labels(pull.number)) == ([pull.number], ("merge",))
    assert rig.document_of(pull)["enqueued"]["by"] == "ann"
    assert "position 1 of 1" in rig.ok("why", f"PR-{pull.number}")
    assert rig.ok("why", f"{pull.number}") == rig.ok("why", f"#{pull.number}") == rig.ok("why", f"PR-{pull.number}")
    assert "nothing is merged now: frozen by bot" in rig.ok("why", f"PR-{pull.number}")
    rig.ok("queue", "remove", str(pull.number), "--reason", "not today")
    assert (rig.order(), rig.labels(pull.number)) == ([], ())
    assert "queue add 1" in rig.ok("why", f"PR-{pull.number}")
    assert rig.say("queue", "remove", "7").returncode == 2


def test_commands_answer_programs(rig: QueueRig) -> None:
    """Every command that changes the queue has the same answer as JSON."""
    pull = rig.pull("one", {"values/two": "2\n"})
    number = str(pull.number)
    commands = {
        ("freeze", "--reason", "not yet"): "freeze",
        ("add", number): "head",
        ("priority", number, "urgent"): "priority",
        ("remove", number): "reason",
        ("thaw",): "thawed",
    }
    for command, fact in commands.items():
        found = json.loads(rig.ok("queue", *command, "--json"))
        assert (found["schema"], found["target"], bool(found[fact])) == ("orch.queue-change/1", "main", True)
        assert found["said"]


def test_what_cannot_be_queued_says_so(rig: QueueRig) -> None:
    """A closed pull request, one into another branch, and a repository without the queue: exit 2 and what to do."""
    pull = rig.pull("one", {"values/two": "2\n"})
    with rig.forge() as forge:
        forge.pulls.close(pull.number)
    done = rig.say("queue", "add", str(pull.number))
    assert (done.returncode, b"is closed" in done.stderr) == (2, True)
    done = rig.say("queue", "run", ORCH_CI_GREEN_CONTEXTS="")
    assert rig.run() == (0, {})
    assert b"99" in rig.say("queue", "add", "#99").stderr
    done = rig.say("queue", "add", "99")
    assert done.returncode == 2


def test_a_closed_pull_request_leaves(rig: QueueRig) -> None:
    """Closing it while it is tested frees the target for others."""
    first, second = rig.asked("one", {"values/two": "2\n"}), rig.asked("two", {"values/three": "3\n"})
    assert rig.run()[1] == {first.number: "landed", second.number: "works"}
    with rig.forge() as forge:
        forge.pulls.close(second.number)
    third = rig.asked("three", {"values/four": "4\n"})
    assert rig.run()[1] == {third.number: "landed"}
    assert rig.order() == []


def test_a_branch_that_is_gone_frees_the_target(rig: QueueRig) -> None:
    """Somebody deleted it while it was tested: others go on at once (MRG-4)."""
    first, gone, third = (rig.asked(name, {f"values/{name}": name}) for name in ("one", "two", "three"))
    assert rig.run()[1] == {first.number: "landed", gone.number: "works"}
    rig.work.git("push", "--quiet", "origin", ":refs/heads/two")
    assert rig.run() == (0, {gone.number: "waits", third.number: "works"})


def test_what_proves_a_commit_has_to_be_said(rig: QueueRig) -> None:
    """Where the gate on CI is off and there is no test command, any status would pass for a test (MRG-3)."""
    pull = rig.asked("one", {"values/two": "2\n"})
    rig.branch("off", {".orch-gates.yaml": "pipeline: merge-queue\nci_green: {enabled: false}\n"})
    (rig.server.path / "hooks" / "pre-receive").unlink()
    rig.work.git("push", "--quiet", "origin", "origin/off:refs/heads/main")
    rig.work.git("fetch", "--quiet", "origin")
    done = rig.say("queue", "run")
    assert (done.returncode, b"and merge.test" in done.stderr) == (2, True), done.stdout + done.stderr
    assert rig.seen(pull.number).state.value == "open"


def test_one_that_adds_nothing_leaves(rig: QueueRig) -> None:
    """Its author took the commits back: there is nothing to scan, and nothing to merge."""
    pull = rig.pull("one", {"values/two": "2\n"})
    rig.work.git("push", "--quiet", "--force", "origin", "origin/main:refs/heads/one")
    rig.ci(rig.seen(pull.number).head)
    rig.label(pull.number)
    assert rig.run(ORCH_SECURITY_ENABLED="true") == (0, {pull.number: "sent back"})
    assert rig.labels(pull.number) == ()
    assert "adds nothing to main" in rig.comments(pull.number)[0]


def test_a_merge_by_hand_is_seen(rig: QueueRig) -> None:
    """Where no fence forbids it, somebody merged a queued one: its task ends, and the queue goes on."""
    first, second = rig.asked("one", {"values/two": "2\n"}), rig.asked("two", {"values/three": "3\n"})
    rig.ok("queue", "freeze", "--reason", "not yet")
    rig.run()
    (rig.server.path / "hooks" / "pre-receive").unlink()
    rig.work.git("fetch", "--quiet", "origin")
    rig.work.git("checkout", "--quiet", "--detach", "origin/main")
    rig.work.git("merge", "--quiet", "--no-ff", "--no-edit", "origin/one")
    rig.work.git("push", "--quiet", "origin", "HEAD:refs/heads/main")
    rig.ok("queue", "thaw")
    assert rig.run()[1] == {first.number: "sent back", second.number: "works"}
    assert rig.order() == [second.number]
    assert "nothing of one is left to merge" in rig.comments(first.number)[0]


def test_a_dry_run_does_nothing(rig: QueueRig) -> None:
    """It says what would be recorded, and writes neither state nor label nor comment."""
    pull = rig.asked("one", {"values/two": "2\n"})
    before = rig.commits()
    output = rig.ok("queue", "run", "--dry-run")
    planned = json.loads(rig.ok("queue", "run", "--dry-run", "--json"))
    assert [(one["pull"], one["what"]) for one in planned["actions"]] == [(pull.number, "queue")]
    assert (planned["order"], planned["frozen"]) == ([pull.number], "")
    assert f"#{pull.number} would be queued" in output
    assert f"their turns would come in this order: #{pull.number}" in output
    assert (rig.commits(), rig.comments(pull.number), rig.order()) == (before, [], [])


def test_the_comment_is_edited_and_not_repeated(rig: QueueRig) -> None:
    """One comment tells position, phase and reason; a copy of its mark by somebody else is left alone."""
    first, second = rig.asked("one", {"values/two": "2\n"}), rig.asked("two", {"values/three": "3\n"})
    copied = "<!-- orch-gates: merge queue -->\nmine"
    with rig.forge("mallory") as forge:
        forge.issues.comment(second.number, copied)
    rig.run()
    rig.run()
    assert first.number not in rig.order()
    comments = rig.comments(second.number)
    assert (len(comments), comments[0].strip()) == (2, copied)
    assert "testing" in comments[1]
    rig.ci(rig.works(second))
    rig.run()
    assert len(rig.comments(second.number)) == 2
    assert "is merged" in rig.comments(second.number)[1]


def test_the_queue_scans_what_a_pull_request_adds(rig: QueueRig) -> None:
    """No report has to be recorded before: a leak sends it back, and the token is shown nowhere (SEC-1, SEC-5)."""
    token = github_token()
    leak = rig.asked("leak", {"config.py": f'token = "{token}"\n'})
    clean = rig.asked("clean", {"values/two": "2\n"})
    code, output = rig.ran(ORCH_SECURITY_ENABLED="true")
    assert (code, {one["pull"]: one["outcome"] for one in output["turns"]}) == (
        0,
        {leak.number: "sent back", clean.number: "landed"},
    )
    assert "config.py" in str(rig.document_of(leak)["feedback"])
    kept = rig.server.git("log", "--patch", "orch-state")
    assert token not in kept + str(output) + "".join(rig.comments(leak.number))
    # Asked again without a new commit: it is judged again, not believed.
    rig.label(leak.number)
    assert rig.run(ORCH_SECURITY_ENABLED="true")[1] == {leak.number: "sent back"}


def test_a_clean_scan_counts_again_for_the_same_commit(rig: QueueRig) -> None:
    """CI was red after a clean scan; asked again when it is green, the same commit lands (ENG-9)."""
    pull = rig.pull("one", {"values/two": "2\n"})
    rig.ci(pull.head)
    rig.label(pull.number)
    other = rig.asked("other", {"values/three": "3\n"})
    on = {"ORCH_SECURITY_ENABLED": "true"}
    assert rig.run(**on)[1] == {pull.number: "landed", other.number: "works"}
    caught_up = rig.works(other)
    rig.ci(caught_up, StatusState.FAILURE)
    assert rig.run(**on)[1] == {other.number: "sent back"}
    rig.ci(caught_up)
    rig.label(other.number)
    output = rig.ran(**on)[1]
    assert {one["pull"]: one["outcome"] for one in output["turns"]} == {other.number: "landed"}, output


def test_each_target_has_a_queue_of_its_own(rig: QueueRig) -> None:
    """A run for one target leaves those alone that are queued for another; re-targeting takes one out."""
    first = rig.asked("one", {"values/two": "2\n"})
    rig.ok("queue", "freeze", "--reason", "not yet")
    rig.run()
    rig.work.git("push", "--quiet", "origin", "origin/main:refs/heads/release")
    assert rig.run(ORCH_TARGET="release") == (0, {})
    assert (rig.order(), rig.labels(first.number)) == ([first.number], ("merge",))
    assert json.loads(rig.ok("queue", "list", "--json", ORCH_TARGET="release"))["entries"] == []
    rig.ok("queue", "thaw")
    assert rig.run()[1] == {first.number: "landed"}
