"""Doing what people say on issues, on a state branch in memory: once, by their name, whoever is killed or comes too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from orch_gates.effects.outbox import Outbox
from orch_gates.engine import events
from orch_gates.engine.stages import EdgeGate, Pipeline, Stage
from orch_gates.errors import ForgeRefused, ForgeUnavailable
from orch_gates.model.effect import TrackerState
from orch_gates.model.ids import TaskId
from orch_gates.model.task import Task
from orch_gates.state import layout
from orch_gates.state.store import Change
from orch_gates.tasks import book
from orch_gates.tasks.create import create, new_task
from orch_gates.tasks.tracked import Synced, Tracking
from orch_gates.trackers.port import Item
from tests.fakes.forge import MemoryForge
from tests.fakes.tracker import MemoryTracker
from tests.step_rig import Rig
from tests.tasks_builders import NOW

# Two stages of people after each other: one word must not leave both.
PIPELINE = Pipeline(
    (
        Stage("analysis", "analyst", (), human=True),
        Stage("design", "architect", (), human=True),
        Stage("development", "developer", (EdgeGate("ci-green"),)),
        Stage("review", "reviewer", (EdgeGate("review-approved"),)),
    ),
    "development",
)


class Scene:
    """One project with its issues; `tracking` is a process that looks at them."""

    def __init__(self) -> None:
        self.tracker = MemoryTracker()
        forge = MemoryForge()
        self.rig = Rig(pipeline=PIPELINE, outbox=Outbox(lambda: forge, tracker=lambda: self.tracker))

    def tracking(self, tracker: MemoryTracker | None = None) -> Tracking:
        return Tracking(tracker or self.tracker, replace(self.rig.step(), by="bot"))

    def sync(self) -> list[str]:
        return whats(self.tracking().sync())

    def task(self, number: int = 5) -> Task:
        return book.need(self.rig.store.load(), f"ISSUE-{number}").task

    def words(self, number: int = 5) -> frozenset[TrackerState]:
        return self.tracker.issues[number].words

    def begun(self, *stages: str) -> None:
        """A task of issue 5, approved through these stages."""
        self.tracker.set(5, TrackerState.IN_PROGRESS, by="ann")
        assert self.sync() == ["created"]
        for _ in stages:
            self.tracker.set(5, TrackerState.IN_PROGRESS, TrackerState.APPROVED)
            assert self.sync() == ["approved"]

    def log(self, number: int = 5) -> list[tuple[str, str]]:
        """Event and author of every commit about the task, oldest first."""
        found = [one for one in self.rig.store.log() if f"ISSUE-{number}" in one.tasks]
        return [(one.event, one.by) for one in reversed(found) if one.event != "acknowledge"]


def whats(synced: Synced) -> list[str]:
    return [one.what for one in synced.done]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_an_issue_in_progress_becomes_a_task(scene: Scene) -> None:
    """Named after it, by whoever set the label; then there is nothing to do, and nothing is written."""
    scene.tracker.set(5, TrackerState.IN_PROGRESS, by="ann", title="  Greet\tthe \x1b user\n")
    (done,) = scene.tracking().sync().done
    assert (done.issue, done.task, done.what, done.problem) == (5, "ISSUE-5", "created", False)
    task = scene.task()
    assert (task.title, task.branch, task.issue) == (r"Greet the \x1b user", "task/ISSUE-5", 5)
    assert (task.created_by, task.stage, task.effects) == ("ann", "analysis", ())
    assert scene.log() == [("new", "ann")]
    assert scene.tracker.shown[0][:2] == (5, "orch/analysis")
    before, told = scene.rig.commits, list(scene.tracker.shown)
    assert (scene.sync(), scene.rig.commits, scene.tracker.shown) == ([], before, told)


def test_without_a_name_it_is_the_issues_word(scene: Scene) -> None:
    scene.tracker.set(5, TrackerState.IN_PROGRESS, by="")
    scene.sync()
    assert scene.task().created_by == "issue 5"


def test_a_person_approves_by_a_label(scene: Scene) -> None:
    """Recorded as theirs, the label is taken off, and the issue says where the task stands (ENG-11)."""
    scene.begun()
    scene.tracker.set(5, TrackerState.IN_PROGRESS, TrackerState.APPROVED, by="bob")
    assert scene.sync() == ["approved"]
    task = scene.task()
    assert (task.stage, task.cause, task.reason, task.effects) == ("design", "bob", "approved by bob", ())
    assert scene.log()[-1] == ("advance", "bob")
    assert scene.words() == {TrackerState.IN_PROGRESS}
    assert scene.tracker.shown[-1][1] == "orch/design"


def test_one_label_approves_one_stage(scene: Scene) -> None:
    """However often one looks."""
    scene.begun("analysis")
    assert [scene.sync() for _ in range(3)] == [[], [], []]
    assert scene.task().stage == "design"


def test_a_run_that_was_killed_before_it_took_the_label_off(scene: Scene) -> None:
    """ENG-9: the next one takes it off, and does not approve the next stage."""
    scene.begun()
    scene.tracker.set(5, TrackerState.IN_PROGRESS, TrackerState.APPROVED)
    tracking = scene.tracking()
    dead = replace(tracking.step, outbox=Outbox())
    (one,) = Tracking(tracking.tracker, dead).sync().done
    assert one.what == "approved"
    assert scene.task().stage == "design"
    assert scene.words() == {TrackerState.IN_PROGRESS, TrackerState.APPROVED}
    assert scene.sync() == ["told"]
    assert (scene.task().stage, scene.task().effects) == ("design", ())
    assert scene.words() == {TrackerState.IN_PROGRESS}
    # Set again, it is another word.
    scene.tracker.set(5, TrackerState.APPROVED, by="carol")
    assert scene.sync() == ["approved"]
    assert (scene.task().stage, scene.task().cause) == ("development", "carol")


@dataclass(slots=True)
class Late(MemoryTracker):
    """Lets others come in after its answer."""

    meanwhile: Callable[[], object] = lambda: None

    def items(self) -> tuple[Item, ...]:
        found = MemoryTracker.items(self)
        self.meanwhile()
        return found


def test_two_look_at_one_label_at_once(scene: Scene) -> None:
    """The one that comes second finds another task than it saw, and leaves it alone: one label, one stage."""
    scene.begun()
    scene.tracker.set(5, TrackerState.IN_PROGRESS, TrackerState.APPROVED)
    late = Late(issues=scene.tracker.issues, by=scene.tracker.by, meanwhile=scene.sync)
    (one,) = scene.tracking(late).sync().done
    assert (one.what, one.problem) == ("waits", False)
    assert scene.task().stage == "design"


def test_two_make_one_task(scene: Scene) -> None:
    """REC-5, also where the title was changed in between."""
    scene.tracker.set(5, TrackerState.IN_PROGRESS, by="ann")
    late = Late(issues=dict(scene.tracker.issues), by=scene.tracker.by, meanwhile=scene.sync)
    scene.tracker.set(5, TrackerState.IN_PROGRESS, by="ann", title="Another title")
    assert whats(scene.tracking(late).sync()) == ["waits"]
    assert scene.log() == [("new", "ann")]
    assert scene.task().title == "Another title"


def test_a_person_rejects_by_a_label(scene: Scene) -> None:
    """With what they wrote there last; charged once for a commit, and back where the work is done."""
    scene.begun("analysis", "design")
    scene.rig.report("ci-green", "SUCCESS", "ISSUE-5")
    scene.rig.advance("ISSUE-5")
    assert scene.task().stage == "review"
    scene.tracker.comments[5, "bob"] = "It greets nobody."
    for _ in range(2):
        scene.tracker.set(5, TrackerState.IN_PROGRESS, TrackerState.REJECTED, by="bob")
        assert scene.sync()[0] in {"rejected", "refused"}
    task = scene.task()
    assert (task.stage, task.developer_retries) == ("development", 1)
    assert task.reason == "rejected on issue #5: It greets nobody."
    assert scene.words() == {TrackerState.IN_PROGRESS}
    assert scene.log()[-1][1] == "bob"


def test_what_cannot_be_followed_is_said_and_left(scene: Scene) -> None:
    """An approval where gates decide stays, so that its author sees it; nothing is written to the state."""
    scene.begun("analysis", "design")
    scene.tracker.set(5, TrackerState.IN_PROGRESS, TrackerState.APPROVED)
    before = scene.rig.commits
    assert (scene.sync(), scene.rig.commits) == (["waits"], before)
    assert scene.words() == {TrackerState.IN_PROGRESS, TrackerState.APPROVED}
    assert "its gates decide" in scene.tracker.said[-1][1]


def test_what_is_over_is_not_begun_again(scene: Scene) -> None:
    """Said once: the label goes. In the hot tree and archived alike."""
    scene.begun()
    scene.rig.ask(events.CancelRequested("ann", "no need"), "ISSUE-5")
    scene.sync()
    assert scene.words() == frozenset()
    name = TaskId("ISSUE-5")
    moves = {layout.task_folder(name): layout.archive_folder(2026, name)}
    for archived in (False, True):
        if archived:
            scene.rig.store.transact(lambda _: Change("archive", "-", "archived", moves=moves))
        scene.tracker.set(5, TrackerState.IN_PROGRESS)
        assert (scene.sync(), scene.sync(), scene.words()) == (["refused"], [], frozenset())
        assert "open a new issue" in scene.tracker.said[-1][1]


def test_another_task_of_that_name_is_no_task_of_the_issue(scene: Scene) -> None:
    """A person made it by hand: it stays what it is."""
    made = new_task("ISSUE-5", "By hand", branch="", by="ann", pipeline=PIPELINE, now=NOW)
    create(scene.rig.store, made, scene.rig.configured, NOW)
    scene.tracker.set(5, TrackerState.IN_PROGRESS, TrackerState.APPROVED)
    assert scene.sync() == ["refused"]
    assert (scene.task().title, scene.task().stage) == ("By hand", "analysis")


def test_a_lookup_that_failed_touches_nothing(scene: Scene) -> None:
    """P2: no answer is not an empty list."""
    scene.begun()
    before = scene.rig.commits
    scene.tracker.failure = ForgeUnavailable("nobody answers")
    with pytest.raises(ForgeUnavailable):
        scene.tracking().sync()
    assert scene.rig.commits == before


def test_one_that_fails_stops_no_other(scene: Scene) -> None:
    """P3: whoever said it cannot be told of one issue; the other becomes a task."""

    class Forgetful(MemoryTracker):
        def who(self, number: int, word: TrackerState) -> str:
            if number == 5:
                raise ForgeRefused("no permission")
            return MemoryTracker.who(self, number, word)

    for number in (5, 6):
        scene.tracker.set(number, TrackerState.IN_PROGRESS)
    synced = scene.tracking(Forgetful(issues=scene.tracker.issues)).sync()
    assert [(one.what, one.problem) for one in synced.done] == [("problem", True), ("created", False)]
    assert book.find(scene.rig.store.load(), "ISSUE-5") is None
    assert scene.task(6).stage == "analysis"


def test_a_malformed_task_stops_no_other(scene: Scene) -> None:
    """ST-6: it is named, and left alone."""
    scene.begun()
    scene.rig.write(layout.task_path(TaskId("ISSUE-5")), "no document\n")
    scene.tracker.set(5, TrackerState.APPROVED)
    scene.tracker.set(6, TrackerState.IN_PROGRESS)
    synced = scene.tracking().sync()
    assert [(one.what, one.problem) for one in synced.done] == [("problem", True), ("created", False)]


def test_blocked_stops_a_task(scene: Scene) -> None:
    """Nothing is approved, told or made while the label is there; taken off, the approval counts."""
    scene.begun()
    before, told = scene.rig.commits, len(scene.tracker.shown)
    for stop in (TrackerState.BLOCKED, TrackerState.NEEDS_INPUT):
        scene.tracker.set(5, TrackerState.APPROVED, stop)
        scene.tracker.set(6, TrackerState.IN_PROGRESS, stop)
        synced = scene.tracking().sync()
        assert synced.done == ()
        assert synced.stopped == {"ISSUE-5"}
    assert (scene.rig.commits, len(scene.tracker.shown)) == (before, told)
    scene.tracker.set(5, TrackerState.APPROVED)
    assert scene.tracking().one(5).done[0].what == "approved"


def test_an_issue_that_could_not_be_told_is_told_by_the_next_run(scene: Scene) -> None:
    """The task stands as recorded; that the forge was down is said, and heals (P7)."""

    class Mute(MemoryTracker):
        pass

    scene.begun()
    scene.tracker.set(5, TrackerState.APPROVED)
    mute = Mute(failure=ForgeUnavailable("nobody answers"))
    forge = MemoryForge()
    step = replace(scene.tracking().step, outbox=Outbox(lambda: forge, tracker=lambda: mute))
    (one,) = Tracking(scene.tracker, step).sync().done
    assert (one.what, one.problem) == ("approved", True)
    assert "nobody answers" in one.reason
    (again,) = Tracking(scene.tracker, step).sync().done
    assert (again.what, again.problem) == ("problem", True)
    assert "nobody answers" in again.reason
    assert scene.sync() == ["told"]
    assert (scene.task().stage, scene.words()) == ("design", frozenset())
