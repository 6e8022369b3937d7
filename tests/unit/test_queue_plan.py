"""What the pull requests as they are mean for the merge queue, one row for each (MRG-13)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orch_gates.forge.port.pulls import PullRequest, PullState
from orch_gates.merge.queue import plan as queue
from orch_gates.merge.queue.plan import (
    Action,
    Drop,
    Enqueue,
    LabelEvent,
    QueuedPull,
    QueueEntry,
    QueueLook,
    Refuse,
    SetLabel,
    TakeOut,
    Unlabel,
    Unlabelled,
)
from orch_gates.model.attempt import Attempt, Phase
from orch_gates.model.ids import timestamp
from orch_gates.model.task import MERGE_QUEUE, Task, TaskState
from orch_gates.model.verdict import Outcome
from tests.tasks_builders import BEFORE, HEAD, NOW, make_attempt, make_task

OTHER = "ab" * 20
CAUGHT_UP = "cd" * 20
AGAIN = "ef" * 20
PULL = PullRequest(7, "a change", "", "topic", "main", HEAD, PullState.OPEN, "ann", labels=("merge",))
LATER = PullState.MERGED


def pull(**changes: Any) -> PullRequest:
    return replace(PULL, **changes)


def asked(**changes: Any) -> Task:
    """The task of pull request 7, which is queued for HEAD."""
    wanted = {"target": "main", "pull": 7, "head": HEAD, "by": "ann", "at": BEFORE, **changes.pop("enqueued", {})}
    return make_task(
        **{"id": "PR-7", "stage": "queued", "branch": "topic", "pipeline": MERGE_QUEUE, "enqueued": wanted} | changes
    )


def sent_back(**changes: Any) -> Task:
    """The same, once it was refused; its label is still to be taken off."""
    return asked(**{"stage": "open", "enqueued": {"unlabel": True}} | changes)


def attempt(**changes: Any) -> Attempt:
    """An attempt that began at HEAD and caught it up to CAUGHT_UP."""
    return make_attempt(**{"task": "PR-7", "head": HEAD, "commit": CAUGHT_UP, "how": "rebase"} | changes)


def about(
    seen: PullRequest,
    task: Task | None = None,
    of: Attempt | None = None,
    *,
    on: bool = True,
    label_event: LabelEvent | None = None,
) -> Action | None:
    """What follows for the one pull request."""
    entries = {} if task is None else {7: QueueEntry(task, of)}
    label_events = {} if label_event is None else {7: label_event}
    found = queue.plan(QueueLook("main", "merge", {7: QueuedPull(seen, on)}, entries, label_events))
    assert len(found) <= 1
    return found[0] if found else None


# ---- nobody asked before


@pytest.mark.parametrize("state", PullState)
def test_without_the_label_nothing_follows(state: PullState) -> None:
    assert about(pull(state=state), on=False) is None


@pytest.mark.parametrize("task", [None, sent_back(enqueued={"unlabel": False})])
def test_the_label_asks(task: Task | None) -> None:
    """Also of one that was sent back, once its label was off."""
    assert about(PULL, task) == Enqueue(PULL, "")


def test_an_event_says_who_asked_and_for_what() -> None:
    """Its commit binds: what was pushed between the label and the look was never asked for."""
    assert about(PULL, label_event=LabelEvent("bob", HEAD)) == Enqueue(PULL, "bob")
    assert about(PULL, label_event=LabelEvent("bob", "")) == Enqueue(PULL, "bob")
    refused = about(PULL, label_event=LabelEvent("bob", OTHER))
    assert isinstance(refused, Refuse)
    assert (HEAD[:10] in refused.reason, OTHER[:10] in refused.reason) == (True, True)
    again = about(PULL, sent_back(enqueued={"unlabel": False}), label_event=LabelEvent("bob", OTHER))
    assert again == TakeOut(7, "PR-7", refused.reason, unlabel=True)


@pytest.mark.parametrize(
    "seen", [pull(state=PullState.CLOSED), pull(state=PullState.MERGED), pull(target="release"), pull(target="")]
)
def test_what_may_be_meant_for_another_queue_keeps_its_label(seen: PullRequest) -> None:
    """Nothing is known about it here, so nothing is taken off."""
    assert about(seen) is None


UNFIT: list[tuple[PullRequest, str]] = [
    (pull(draft=True), "draft"),
    (pull(branch="-option"), "name of its branch"),
    (pull(branch="a b"), "name of its branch"),
    (pull(branch=""), "name of its branch"),
    (pull(branch="topic\n"), "name of its branch"),
    (pull(branch="ends.lock"), "name of its branch"),
    (pull(head=""), "its head commit"),
    (pull(head="abc"), "its head commit"),
    (pull(head=HEAD.upper()), "its head commit"),
    (pull(head=f"{HEAD}\n"), "its head commit"),
]


def test_a_fork_is_asked_for_whatever_its_branch_is_called() -> None:
    """Its commit is read from the server's ref of the pull request, never from a branch of that name here."""
    seen = pull(fork=True, branch="a b")
    assert about(seen) == Enqueue(seen)


@pytest.mark.parametrize(("seen", "words"), UNFIT)
def test_what_cannot_be_queued_loses_its_label_with_a_reason(seen: PullRequest, words: str) -> None:
    """Where it has a task, the reason is recorded in that, and not only said."""
    refused = about(seen)
    assert isinstance(refused, Refuse)
    assert words in refused.reason
    assert queue.unfit(seen, None) == refused.reason
    again = about(seen, sent_back(enqueued={"unlabel": False}))
    assert again == TakeOut(7, "PR-7", refused.reason, unlabel=True)


def test_a_commit_of_sha256_is_one_too() -> None:
    assert queue.unfit(pull(head="d" * 64), None) == ""


@pytest.mark.parametrize("state", [TaskState.DONE, TaskState.CANCELLED])
@pytest.mark.parametrize("unlabel", [True, False])
def test_a_finished_task_is_never_asked_for_again(state: TaskState, unlabel: bool) -> None:
    """Also where its label was still to be taken off when a person ended it: nothing can be recorded of it any more."""
    stage = "done" if state is TaskState.DONE else "open"
    refused = about(PULL, asked(stage=stage, state=state, enqueued={"unlabel": unlabel}))
    assert isinstance(refused, Refuse)
    assert "open another pull request" in refused.reason
    assert about(PULL, asked(stage=stage, state=state, enqueued={"unlabel": unlabel}), on=False) is None


def test_what_a_person_stopped_is_not_asked_for() -> None:
    """Held where it waits to be asked for: the label goes, and the reason says what lets it go on (ENG-6)."""
    refused = about(PULL, asked(stage="open", state="held", reason="not before the release"))
    assert isinstance(refused, Refuse)
    assert "not before the release; run `orch-gates task resume PR-7`" in refused.reason
    assert about(PULL, asked(stage="open", state="held"), on=False) is None
    assert about(PULL, sent_back(state="held")) == Unlabel(7, "PR-7")


# ---- the label that asked before


@pytest.mark.parametrize("seen", [PULL, pull(head=OTHER), pull(state=PullState.CLOSED), pull(draft=True)])
def test_the_old_label_is_no_new_asking(seen: PullRequest) -> None:
    """Whatever the pull request is by now: first it has to be off, or somebody says that they set it."""
    assert about(seen, sent_back()) == Unlabel(7, "PR-7")
    assert about(seen, sent_back(), on=False) == Unlabelled(7, "PR-7")


def test_an_event_says_that_somebody_asked_again() -> None:
    """A run that died after it took the label off has not said so; the asking after it counts all the same (P7)."""
    label_event = LabelEvent("bob", HEAD)
    assert about(PULL, sent_back(), label_event=label_event) == Enqueue(PULL, "bob")
    assert about(PULL, sent_back(), on=False, label_event=label_event) == Unlabelled(7, "PR-7")
    closed = pull(state=PullState.CLOSED)
    assert about(closed, sent_back(), label_event=label_event) == Unlabel(7, "PR-7")


def test_a_late_event_names_the_commit_that_was_meant() -> None:
    """Queued by its label alone, for what was pushed after that was set, it is taken out (MRG-13)."""
    late, unknown = LabelEvent("bob", OTHER), {"by": queue.anybody("merge")}
    out = about(PULL, asked(enqueued=unknown), label_event=late)
    assert isinstance(out, TakeOut)
    assert "was pushed after the label was set at" in out.reason
    # Whoever is known to have asked for this very commit meant it.
    assert about(PULL, asked(), label_event=late) is None
    moved = pull(head=OTHER)
    assert about(moved, asked(), label_event=LabelEvent("bob", OTHER)) == Enqueue(moved, "bob", instead=True)


def test_the_label_of_a_command_is_set_by_whoever_comes_next() -> None:
    """A command that was killed between its record and the label is finished, not taken back (P7)."""
    task = asked(enqueued={"label": True})
    assert about(PULL, task, on=False) == SetLabel(7, "PR-7")
    assert about(PULL, task) == Unlabelled(7, "PR-7")
    assert isinstance(about(pull(state=PullState.CLOSED), task, on=False), TakeOut)


def test_a_target_that_a_test_found_red_is_tested_again() -> None:
    """Nothing else says when it is green; until then the queue waits, and no longer (MRG-6)."""
    red = make_attempt(outcome="DEFER", red_target=True, base=OTHER, phase="testing")
    task = asked(state="deferred", available_at="2099-01-01T00:00:00Z")
    assert "tests it again at 2099" in queue.red_by_test([(task, red)], OTHER, NOW)
    assert queue.red_by_test([(task, red)], HEAD, NOW) == ""
    assert queue.red_by_test([(asked(state="deferred", available_at=BEFORE), red)], OTHER, NOW) == ""
    assert queue.red_by_test([(asked(), None)], OTHER, NOW) == ""


# ---- queued


def test_what_holds_is_left_alone() -> None:
    """Nothing follows from the same facts, however often they are looked at."""
    for task in (asked(), asked(state="deferred", available_at=BEFORE)):
        assert about(PULL, task) is None
        assert about(PULL, task, label_event=LabelEvent("bob", OTHER)) is None


LEFT: list[tuple[PullRequest, bool, str]] = [
    (pull(state=PullState.CLOSED), True, "was closed"),
    (pull(state=PullState.CLOSED), False, "was closed"),
    (pull(target="release"), True, "goes into release now"),
    (PULL, False, "the label merge was taken away"),
    (pull(draft=True), True, "draft"),
    (pull(head=OTHER), True, "was pushed after the merge"),
    (pull(head=""), True, "was pushed after the merge"),
]


@pytest.mark.parametrize(("seen", "on", "words"), LEFT)
@pytest.mark.parametrize("state", ["active", "deferred"])
def test_what_takes_it_out(seen: PullRequest, on: bool, words: str, state: str) -> None:
    """The label has to go exactly where it is."""
    task = asked(state=state, available_at=BEFORE if state == "deferred" else None)
    out = about(seen, task, on=on)
    assert isinstance(out, TakeOut)
    assert (out.number, out.task, out.unlabel) == (7, "PR-7", on)
    assert words in out.reason


@pytest.mark.parametrize("phase", [one for one in Phase if one.number < Phase.MERGING.number])
def test_our_own_catch_up_takes_nobody_out(phase: Phase) -> None:
    """ENG-12: from before the push that is recorded until the forge is asked; another commit does at any time."""
    made = attempt(phase=phase, commit="" if phase is Phase.ACQUIRED else CAUGHT_UP)
    assert about(PULL, asked(), made) is None
    moved = about(pull(head=CAUGHT_UP), asked(), made)
    assert isinstance(moved, TakeOut) is (phase is Phase.ACQUIRED)
    for seen, on in ((pull(head=OTHER), True), (PULL, False), (pull(state=PullState.CLOSED), True)):
        assert isinstance(about(seen, asked(), made, on=on), TakeOut)


@pytest.mark.parametrize("phase", [Phase.MERGING, Phase.LANDED])
@pytest.mark.parametrize("seen", [one[0] for one in LEFT] + [pull(state=PullState.MERGED)])
def test_once_the_forge_was_asked_it_is_too_late(phase: Phase, seen: PullRequest) -> None:
    """Only proof says what became of it."""
    for outcome in (None, Outcome.HOLD):
        assert about(seen, asked(), attempt(phase=phase, outcome=outcome), on=False) is None


@pytest.mark.parametrize("seen", [PULL, pull(state=PullState.MERGED), pull(head=CAUGHT_UP)])
def test_what_landed_was_merged_by_the_queue(seen: PullRequest) -> None:
    """A run that dies before the task takes its step leaves the landed attempt; the next one takes the step (P7)."""
    landed = attempt(phase=Phase.LANDED, outcome=Outcome.PASS)
    for on in (True, False):
        assert about(seen, asked(), landed, on=on) is None
    # What landed before it was sent back is no answer to what is asked for now.
    before = {"head": HEAD, "at": landed.updated, "ready": True, "spent": [], "charged": []}
    assert isinstance(about(pull(state=PullState.MERGED), asked(sent_back=before), landed), Drop)


def test_what_did_not_land_can_leave_again() -> None:
    """The attempt ended, so nothing is under way."""
    ended = attempt(phase=Phase.MERGING, outcome=Outcome.DEFER)
    assert isinstance(about(pull(head=CAUGHT_UP), asked(), ended, on=False), TakeOut)
    assert about(pull(head=CAUGHT_UP), asked(), ended) is None


def test_it_was_merged_by_somebody_else() -> None:
    for on in (True, False):
        dropped = about(pull(state=PullState.MERGED), asked(), attempt(), on=on)
        assert isinstance(dropped, Drop)
        assert (dropped.number, dropped.task) == (7, "PR-7")


@pytest.mark.parametrize("seen", [one[0] for one in LEFT] + [pull(state=PullState.MERGED)])
def test_one_that_is_held_is_a_persons_to_end(seen: PullRequest) -> None:
    assert about(seen, asked(state="held"), on=False) is None


# ---- which commits are its own


OURS: list[tuple[str, Attempt | None, bool]] = [
    (HEAD, None, True),
    (OTHER, None, False),
    ("", None, False),
    ("", attempt(phase=Phase.ACQUIRED, commit="", how=""), False),
    (CAUGHT_UP, attempt(), True),
    (OTHER, attempt(), False),
    # Caught up twice: the second attempt began where the first one had ended, and so on.
    (AGAIN, attempt(head=CAUGHT_UP, commit=AGAIN, earlier=[HEAD]), True),
    (CAUGHT_UP, attempt(head=CAUGHT_UP, commit=AGAIN, earlier=[HEAD]), True),
    (CAUGHT_UP, attempt(head=CAUGHT_UP, commit="", how="", phase=Phase.ACQUIRED, earlier=[HEAD]), True),
    # A busy forge still shows what an attempt before the last one had made of it.
    (CAUGHT_UP, attempt(head=AGAIN, commit="0c" * 20, earlier=[CAUGHT_UP, HEAD]), True),
    (OTHER, attempt(head=AGAIN, commit="0c" * 20, earlier=[CAUGHT_UP, HEAD]), False),
    # An attempt about what somebody else pushed is no catch-up of what was asked for.
    (AGAIN, attempt(head=OTHER, commit=AGAIN), False),
    (OTHER, attempt(head=OTHER, commit=AGAIN), False),
    (AGAIN, attempt(head=OTHER, commit=AGAIN, earlier=[CAUGHT_UP]), False),
    # An attempt that ended: the branch still stands where it was moved to.
    (CAUGHT_UP, attempt(outcome=Outcome.FAIL), True),
]


@pytest.mark.parametrize(("head", "made", "wanted"), OURS)
def test_which_commits_are_its_own(head: str, made: Attempt | None, wanted: bool) -> None:
    assert queue.ours(head, QueueEntry(asked(), made)) is wanted


def test_nothing_is_its_own_before_anybody_asked() -> None:
    never = make_task(id="PR-7", stage="open", pipeline=MERGE_QUEUE)
    assert not queue.ours(HEAD, QueueEntry(never, attempt()))


def test_a_new_asking_is_bound_to_its_own_commit() -> None:
    """The old attempt's other commits do not come with it, where they are not what was asked for."""
    anew = asked(enqueued={"head": OTHER})
    for head in (HEAD, CAUGHT_UP):
        assert not queue.ours(head, QueueEntry(anew, attempt(outcome=Outcome.FAIL)))
    # Set back to what it was before it was asked for, by somebody.
    late = asked(enqueued={"head": CAUGHT_UP})
    assert not queue.ours(HEAD, QueueEntry(late, attempt(head=AGAIN, commit="0c" * 20, earlier=[CAUGHT_UP, HEAD])))
    # Asked for at what the last attempt made: it is its own.
    assert queue.ours(CAUGHT_UP, QueueEntry(asked(enqueued={"head": CAUGHT_UP}), attempt(outcome=Outcome.FAIL)))


# ---- all of them


_PULLS = st.builds(
    pull,
    head=st.sampled_from((HEAD, OTHER, CAUGHT_UP, "")),
    state=st.sampled_from(PullState),
    target=st.sampled_from(("main", "release")),
    draft=st.booleans(),
    fork=st.booleans(),
)
_TASKS = st.sampled_from(
    [asked(), asked(state="held"), asked(state="cancelled"), sent_back(), sent_back(enqueued={"unlabel": False})]
)
_ATTEMPTS = st.builds(
    attempt,
    phase=st.sampled_from(Phase),
    outcome=st.sampled_from([None, *Outcome]),
    head=st.sampled_from((HEAD, OTHER)),
)


@given(_PULLS, st.none() | _TASKS, st.none() | _ATTEMPTS, st.booleans(), st.none() | st.just(LabelEvent("bob", HEAD)))
def test_whatever_is_seen(
    seen: PullRequest, task: Task | None, made: Attempt | None, on: bool, label_event: LabelEvent | None
) -> None:
    """Asked for is only what carries the label, is open, goes into this target and has no old label to lose."""
    action = about(seen, task, made, on=on, label_event=label_event)
    if isinstance(action, Enqueue):
        assert (on, seen.state, seen.target, seen.draft) == (True, PullState.OPEN, "main", False)
        assert task is None or (task.stage == "open" and not task.state.finished)
        # An event that says who set it, and at which commit, is a new asking.
        assert task is None or task.enqueued is None or not task.enqueued.unlabel or label_event is not None
    if isinstance(action, Refuse | Unlabel):
        assert on
    if isinstance(action, TakeOut | Drop):
        assert task is not None
        assert not QueueEntry(task, made).merging
        assert not task.state.waits_for_a_person
    if isinstance(action, TakeOut):
        assert action.unlabel is on


def test_each_pull_request_for_itself_and_in_their_order() -> None:
    """One answer each, lowest number first, whatever the order in which they were read."""
    numbers = (12, 3, 7)
    pulls = {number: QueuedPull(pull(number=number), number != 7) for number in numbers}
    found = queue.plan(QueueLook("main", "merge", pulls, {7: QueueEntry(asked(), None)}))
    assert [type(action) for action in found] == [Enqueue, TakeOut, Enqueue]
    assert [getattr(action, "pull", PULL).number for action in found] == [3, 7, 12]


# ---- whose turn it is


def entrant(number: int, priority: str = "normal", since: str = BEFORE, **changes: Any) -> Task:
    return asked(
        id=f"PR-{number}", since=since, enqueued={"target": "main", "pull": number, "priority": priority}, **changes
    )


EARLIER = "2020-01-01T00:00:00Z"
QUEUED = [
    entrant(3, "low", EARLIER),
    entrant(10),
    entrant(9),
    entrant(12, since=EARLIER, state="deferred", available_at=BEFORE),
    entrant(20, "urgent"),
    entrant(21, "urgent", EARLIER, state="held"),
    entrant(22, "urgent", EARLIER, stage="open"),
    entrant(23, "urgent", EARLIER, stage="done", state="done"),
    make_task(stage="queued", since=EARLIER),
]


@given(st.permutations(QUEUED))
def test_turns_are_by_priority_then_by_age(tasks: list[Task]) -> None:
    """Whoever was put off keeps its place; who waits for a person, or is no pull request, has none."""
    had: list[str] = []
    while (task := queue.next_turn(tasks, "main", "", had)) is not None:
        had.append(task.id)
    assert had == ["PR-20", "PR-12", "PR-9", "PR-10", "PR-3"]
    assert [one.id for one in queue.in_order(tasks, "main")] == had
    assert [one.id for one in queue.in_order(tasks, "main", held=True)] == ["PR-21", *had]


def test_the_order_that_a_run_would_follow() -> None:
    """What is asked for now comes last of its rank, who is taken out has no turn."""
    tasks = [entrant(21, "urgent"), entrant(22), entrant(23), entrant(24, "low"), entrant(25)]
    left: list[Action] = [TakeOut(23, "PR-23", "closed", unlabel=False), Drop(25, "PR-25", "merged")]
    assert queue.order_after([Enqueue(pull(number=26)), *left], tasks, "main") == [21, 22, 26, 24]
    assert queue.order_after([Enqueue(pull(number=22), instead=True)], tasks, "main") == [21, 23, 25, 22, 24]


def test_whoever_works_on_the_target_is_not_overtaken() -> None:
    """Then the others in their order; one that is held, or had its turn, has none again."""
    found = queue.next_turn(QUEUED, "main", "PR-3", set())
    assert found is not None
    assert found.id == "PR-3"
    for holder, had in (("PR-3", {"PR-3"}), ("PR-21", set()), ("PR-22", set()), ("gone", set())):
        found = queue.next_turn(QUEUED, "main", holder, had)
        assert found is not None
        assert found.id == "PR-20"
    assert queue.next_turn([], "main", "PR-3", set()) is None


LATER_ON = timestamp(NOW + timedelta(minutes=1))
PASSED: list[tuple[Task, Attempt | None, str, str]] = [
    (asked(), None, "", ""),
    (asked(), None, "main is red", "nothing is merged now: main is red"),
    (asked(), attempt(phase="testing"), "main is red", "nothing is merged now: main is red"),
    # What the forge was asked for is settled all the same, and what landed is recorded.
    (asked(), attempt(phase="merging"), "main is red", ""),
    (asked(), attempt(phase="landed", outcome="PASS"), "main is red", ""),
    (asked(), attempt(phase="merging", outcome="DEFER"), "main is red", "nothing is merged now: main is red"),
    (asked(state="deferred", available_at=LATER_ON), None, "", f"deferred until {LATER_ON}: new"),
    (asked(state="deferred", available_at=timestamp(NOW)), None, "", ""),
    (asked(state="deferred", available_at=LATER_ON), attempt(outcome="DEFER"), "", f"deferred until {LATER_ON}: new"),
    (asked(state="deferred", available_at=LATER_ON), attempt(phase="testing"), "", ""),
]


@pytest.mark.parametrize(("task", "made", "frozen", "wanted"), PASSED)
def test_who_is_passed_over(task: Task, made: Attempt | None, frozen: str, wanted: str) -> None:
    """Whoever waits lets others go first, and says for what."""
    assert queue.passed_over(QueueEntry(task, made), frozen, NOW) == wanted
