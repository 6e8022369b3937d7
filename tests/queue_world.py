"""A small world around the pure queue: pull requests, people, CI, a forge and runs that die, all of it simulated.

A run is put together as the real one is: `plan`, `next_turn`, `passed_over`, `decide`, and an attempt in the phases
that the real one records. Whatever it does is an effect, before and after which it may die or people may act.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from orch_gates.ci.event import Event, Labelled
from orch_gates.engine import events, legality
from orch_gates.engine.decide import decide
from orch_gates.engine.decision import Decision, Move
from orch_gates.engine.stages import DEFAULT, QUEUE, Caps
from orch_gates.forge.port.pulls import PullRequest, PullState
from orch_gates.merge.queue import plan as queue
from orch_gates.merge.queue.events import KnownQueue, concern
from orch_gates.merge.queue.plan import (
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
from orch_gates.model.task import MERGE_QUEUE, Priority, Task, TaskState
from orch_gates.model.verdict import Outcome, Verdict
from tests.tasks_builders import NOW, judged, make_attempt, make_task, root_of

PIPELINE = replace(QUEUE, caps=Caps(3, 4))
_ROOT = root_of(DEFAULT)
_ROUNDS = 3
_LABEL = "merge"


class Died(Exception):
    """The run was killed."""


@dataclass
class World:
    """`content` is what a commit adds up to, `made_of` of which commit one is the catch-up; CI knows what is `red`."""

    pulls: dict[int, PullRequest] = field(default_factory=dict)
    labels: set[int] = field(default_factory=set)
    content: dict[str, frozenset[str]] = field(default_factory=dict)
    made_of: dict[str, str] = field(default_factory=dict)
    ci: dict[str, bool] = field(default_factory=dict)
    red: set[frozenset[str]] = field(default_factory=set)
    tasks: dict[str, Task] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    holder: str = ""
    frozen: bool = False
    now: datetime = NOW
    sent: list[Event] = field(default_factory=list)
    # What the invariants are about.
    armed: set[int] = field(default_factory=set)
    since: dict[str, datetime] = field(default_factory=dict)
    merged: list[tuple[int, str]] = field(default_factory=list)
    effects: int = 0
    dies_at: int = 0
    meanwhile: dict[int, Callable[[], None]] = field(default_factory=dict)
    main: str = ""

    def __post_init__(self) -> None:
        self.main = self.commit(frozenset())
        self.ci[self.main] = True

    # ---- what people and CI do

    def commit(self, content: frozenset[str]) -> str:
        made = f"{len(self.content) + 1:040x}"
        self.content[made] = content
        return made

    def open(self) -> None:
        number = len(self.pulls) + 1
        head = self.commit(self.content[self.main] | {f"of {number}"})
        self.pulls[number] = PullRequest(number, "a change", "", f"b{number}", "main", head, PullState.OPEN, "ann")

    def push(self, number: int) -> None:
        head = self.commit(self.content[self.pulls[number].head] | {f"more {len(self.content)}"})
        self.change(number, head=head)

    def change(self, number: int, **values: Any) -> None:
        self.pulls[number] = replace(self.pulls[number], **values)

    def toggle(self, number: int, state: PullState) -> None:
        if self.pulls[number].state is not PullState.MERGED:
            self.change(number, state=state)

    def label(self, number: int) -> None:
        if number not in self.labels:
            self.armed.add(number)
            self.labels.add(number)
            self.sent.append(Labelled("ann", number, _LABEL, True, self.pulls[number].head, "main", False))

    def unlabel(self, number: int) -> None:
        self.labels.discard(number)

    def answer(self, commit: str) -> None:
        """CI is done with a commit; it finds the same each time."""
        self.ci[commit] = not any(broken <= self.content[commit] for broken in self.red)

    def breaks(self, one: int, other: int) -> None:
        """Their changes are red together; where CI has found them green, that stays."""
        pair = frozenset({f"of {one}", f"of {other}"})
        if one != other and not any(pair <= self.content[commit] for commit, green in self.ci.items() if green):
            self.red.add(pair)

    def waiting_for_ci(self) -> list[str]:
        heads = [pull.head for pull in self.pulls.values() if pull.state is PullState.OPEN]
        return [commit for commit in (self.main, *heads) if commit not in self.ci]

    def say(self, number: int, event: events.Event) -> None:
        """A person's word about a queued one; what is refused changes nothing."""
        if (task := self.tasks.get(f"PR-{number}")) is not None:
            self._decided(task, decide(task, event, (), self.now, PIPELINE))

    def event(self, which: int) -> None:
        """One that was sent arrives, again perhaps, and late."""
        if not self.sent:
            return
        known = KnownQueue("main", self.main, _LABEL, ("ci",), False, tuple(self.entries().values()))
        found = concern(self.sent[which % len(self.sent)], known)
        if found.runs:
            self.run(found.label_events)

    # ---- a run

    def run(self, label_events: Mapping[int, LabelEvent] | None = None) -> None:
        """One of the queue, until it is done or dies."""
        self.effects = 0
        try:
            self._run(label_events or {})
        except Died:
            pass
        finally:
            self.dies_at, self.meanwhile = 0, {}

    def effect(self, what: Callable[[], None]) -> None:
        """Something that others see; the run may die before it and after it."""
        for step in (None, what):
            if step is not None:
                step()
            self.effects += 1
            if (others := self.meanwhile.get(self.effects)) is not None:
                others()
            if self.effects == self.dies_at:
                raise Died

    def entries(self) -> dict[int, QueueEntry]:
        found = {}
        for name, task in self.tasks.items():
            assert task.enqueued is not None
            found[task.enqueued.pull] = QueueEntry(task, None if task.state.finished else self.attempts.get(name))
        return found

    def look(self, label_events: Mapping[int, LabelEvent]) -> QueueLook:
        entries = {n: e for n, e in self.entries().items() if n in self.labels or e.queued or e.unlabel}
        wanted = {n for n in self.labels if self.pulls[n].state is PullState.OPEN} | entries.keys()
        pulls = {number: QueuedPull(self.pulls[number], number in self.labels) for number in wanted}
        return QueueLook("main", _LABEL, pulls, {n: e for n, e in entries.items() if n in pulls}, label_events)

    def _run(self, label_events: Mapping[int, LabelEvent]) -> None:
        look = self.look(label_events)
        self._recorded(look)
        self._left(look)
        self._turns()

    def _left(self, look: QueueLook) -> None:
        """Whoever took the label away, pushed or closed it is believed before anything is merged."""
        for number, entry in look.entries.items():
            pull, task = look.pulls[number].pull, self.tasks[f"PR-{number}"]
            held = entry.task.state.waits_for_a_person or task.state.waits_for_a_person
            wanted = look.pulls[number].labelled and pull.state is PullState.OPEN and not pull.draft
            assert wanted or not entry.queued or entry.merging or held or task.stage == "open" or task.state.finished

    def _recorded(self, look: QueueLook) -> None:
        for action in queue.plan(look):
            match action:
                case Enqueue(pull=pull, by=by, instead=instead):
                    if instead:
                        self._take_out(pull.number, f"PR-{pull.number}", "another commit", unlabel=False)
                    self._ask(pull, by)
                case Refuse(number=number):
                    self.effect(lambda: self._unlabel(number))
                case Unlabel(number=number, task=task):
                    self.effect(lambda: self._unlabel(number))
                    self._apply(task, events.LabelSettled("bot"))
                case Unlabelled(task=task) | SetLabel(task=task):
                    self._apply(task, events.LabelSettled("bot"))
                case TakeOut(number=number, task=task, reason=reason, unlabel=unlabel):
                    self._take_out(number, task, reason, unlabel=unlabel)
                case Drop(task=task, reason=reason):
                    self._apply(task, events.CancelRequested("bot", reason), leaves=True)

    def _turns(self) -> None:
        frozen = "a person froze it" if self.frozen else "main is red" if self.ci.get(self.main) is False else ""
        had: set[str] = set()
        while (task := queue.next_turn(self.tasks.values(), "main", self.holder, had)) is not None:
            self._in_order(task, had)
            had.add(task.id)
            if self._turn(task, frozen):
                return

    def _in_order(self, task: Task, had: set[str]) -> None:
        """By priority, then by who asked first, whatever happened since: only the holder comes before others."""
        if task.id == self.holder:
            return
        mine = self._place(task)
        for other in self.tasks.values():
            moves = other.stage == "queued" and not other.state.finished and not other.state.waits_for_a_person
            assert not moves or other.id in had or self._place(other) >= mine, (task.id, other.id)

    def _place(self, task: Task) -> tuple[int, datetime, int]:
        assert task.enqueued is not None
        return list(Priority).index(task.enqueued.priority), self.since[task.id], task.enqueued.pull

    def _ask(self, pull: PullRequest, by: str) -> None:
        assert pull.number in self.armed, "nobody set the label since it was last sent back"
        event = events.EnqueueRequested(by or "bot", pull.number, pull.target, pull.head)
        name = f"PR-{pull.number}"
        if name in self.tasks:
            self._apply(name, event)
            return
        new = make_task(
            id=name, stage="open", branch=pull.branch, pipeline=MERGE_QUEUE,
            **dict.fromkeys(("created", "since", "updated"), timestamp(self.now)),
        )  # fmt: skip
        made = decide(new, event, (), self.now, PIPELINE).task
        assert legality.task_change(None, made, _ROOT) == ()
        self.effect(lambda: self._put(made))

    def _put(self, task: Task) -> None:
        before = self.tasks.get(task.id)
        if task.stage == "queued" and (before is None or before.stage == "open"):
            self.since[task.id] = self.now
        if before is not None and before.stage == "queued" and task.stage == "open":
            assert task.enqueued is not None
            # Where the label was gone, one that is there by now was set anew.
            if task.enqueued.unlabel or task.enqueued.pull not in self.labels:
                self.armed.discard(task.enqueued.pull)
        self.tasks[task.id] = task

    def _decided(self, before: Task, decision: Decision) -> Decision:
        assert legality.task_change(before, decision.task, _ROOT) == ()
        assert decision.task.developer_retries == 0
        if decision.task != before:
            self._put(decision.task)
        return decision

    def _apply(
        self, name: str, event: events.Event, verdicts: tuple[Verdict, ...] = (), *, leaves: bool = False
    ) -> Move:
        """In a transaction, which sees the task as it is now; what is refused is a problem, and the run goes on."""
        task, move = self.tasks[name], Move.STAY
        if leaves and QueueEntry(task, self.attempts.get(name)).merging:
            return move
        if decide(task, event, verdicts, self.now, PIPELINE).task == task:
            return move

        def record() -> None:
            nonlocal move
            now = self.tasks[name]
            seen = replace(event, seen=task) if isinstance(event, events.Evaluated) else event
            move = self._decided(now, decide(now, seen, verdicts, self.now, PIPELINE)).move

        self.effect(record)
        return move

    def _unlabel(self, number: int) -> None:
        self.labels.discard(number)

    def _take_out(self, number: int, name: str, reason: str, *, unlabel: bool) -> None:
        move = self._apply(name, events.TakenOut("bot", reason, unlabel), leaves=True)
        if unlabel and move is Move.TAKE_OUT:
            self.effect(lambda: self._unlabel(number))
            self._apply(name, events.LabelSettled("bot"))

    def _judge(self, task: Task, gate: str, outcome: Outcome, head: str, *, due: bool, rests_on: str = "") -> bool:
        """Let the task take its step; True where it landed or left, so that the next one has its turn."""
        evidence = (rests_on,) if rests_on else ()
        verdicts = judged("queued", gate, outcome, pipeline=PIPELINE, rests_on=evidence)
        move = self._apply(task.id, events.Evaluated("bot", task, head, due=due), tuple(verdicts))
        asked = self.tasks[task.id].enqueued
        if move is Move.ROLLBACK and asked is not None and asked.unlabel:
            number = asked.pull
            self.effect(lambda: self._unlabel(number))
            self._apply(task.id, events.LabelSettled("bot"))
        return move in {Move.ADVANCE, Move.ROLLBACK, Move.DEFER}

    def _turn(self, task: Task, frozen: str) -> bool:
        """True where the run ends here."""
        attempt = self.attempts.get(task.id)
        if queue.passed_over(QueueEntry(task, attempt), frozen, self.now):
            return False
        if attempt is not None and attempt.phase is Phase.LANDED:
            return self._stepped_on(task, attempt)
        if self._busy(task):
            # Its own gates are judged all the same, and it may leave.
            return not self._sent_back_early(task)
        if self.holder != task.id or attempt is None or attempt.over:
            head = self._head(task)
            if head not in self.ci or not queue.ours(head, QueueEntry(task, attempt)):
                return False
            if self._sent_back_early(task):
                return False
        for _ in range(_ROUNDS):
            done = self._drive(task)
            if done is not None:
                return done
        return not self._judge(task, "merge", Outcome.DEFER, self._head(task), due=False)

    def _busy(self, task: Task) -> bool:
        return self.holder != task.id and not self.free

    @property
    def free(self) -> bool:
        """Whether the lease is: whoever has it has no use for it any more."""
        other = self.tasks.get(self.holder)
        return other is None or other.state.finished or other.stage == "open"

    def _sent_back_early(self, task: Task) -> bool:
        head = self._head(task)
        return self.ci.get(head) is False and self._judge(task, "ci-green", Outcome.FAIL, head, due=False)

    def _head(self, task: Task) -> str:
        assert task.enqueued is not None
        return self.pulls[task.enqueued.pull].head

    def _record(self, name: str, *, holds: bool = True, **values: object) -> Attempt:
        """A step of the attempt; where a person stopped the task meanwhile, it ends (ENG-10)."""

        def write() -> None:
            attempt = self.attempts[name].model_copy(update=values)
            task = self.tasks[name]
            going = attempt.outcome is None and self.attempts[name].phase.number < Phase.MERGING.number
            if going and (task.stage != "queued" or task.state.finished or task.state.waits_for_a_person):
                attempt = self.attempts[name].model_copy(update={"outcome": Outcome.DEFER, "moved": True})
            self.attempts[name] = attempt
            self.holder = name if holds and not attempt.over else "" if self.holder == name else self.holder

        self.effect(write)
        return self.attempts[name]

    def _ended(self, task: Task, outcome: Outcome) -> bool:
        """The attempt ended, and the task takes its step."""
        self._record(task.id, holds=False, outcome=outcome)
        attempt = self.attempts[task.id]
        return not self._judge(task, "merge", outcome, attempt.commit or attempt.head, due=True, rests_on=attempt.id)

    def _moved(self, task: Task) -> None:
        self._record(task.id, holds=False, outcome=Outcome.DEFER, moved=True)

    def _drive(self, task: Task) -> bool | None:  # noqa: C901, PLR0911, PLR0912 - one for each phase
        """One attempt, as far as it goes; None where another one has to begin, else whether the run ends."""
        assert task.enqueued is not None
        number, name = task.enqueued.pull, task.id
        head, attempt = self.pulls[number].head, self.attempts.get(name)
        if attempt is None or attempt.over:
            if not queue.ours(head, QueueEntry(task, attempt)):
                return False
            attempt = self._begin(task, head, attempt)
        elif self.holder != name:
            self._record(name)
        if attempt.phase is Phase.MERGING and (number, attempt.commit) in self.merged:
            return self._landed(task, attempt)
        if attempt.over or not attempt.about(head) or (self.main != attempt.base and attempt.base):
            self._moved(task)
            return None
        if attempt.phase is Phase.ACQUIRED:
            behind = not self.content[self.main] <= self.content[head]
            commit = self._caught_up(head) if behind else head
            how = "rebase" if behind else "up to date"
            attempt = self._record(name, phase=Phase.CAUGHT_UP, base=self.main, commit=commit, how=how)
        if attempt.phase is Phase.CAUGHT_UP and not attempt.over:
            self.effect(partial(self._pushed, number, attempt))
            attempt = self._record(name, phase=Phase.TESTING)
        if attempt.over or self.pulls[number].head != attempt.commit:
            self._moved(task)
            return None
        if attempt.phase is Phase.TESTING:
            if attempt.commit not in self.ci:
                return True
            if not self.ci[attempt.commit]:
                return self._ended(task, Outcome.FAIL)
            attempt = self._record(name, phase=Phase.VALIDATED)
        if attempt.phase is Phase.VALIDATED and not attempt.over:
            attempt = self._record(name, phase=Phase.MERGING)
        if attempt.over:
            return None
        self.effect(lambda: self._merge(number, attempt))
        if (number, attempt.commit) in self.merged:
            return self._landed(task, attempt)
        if self.pulls[number].state is PullState.CLOSED:
            return self._ended(task, Outcome.DEFER)
        self._moved(task)
        return None

    def _begin(self, task: Task, head: str, before: Attempt | None) -> Attempt:
        assert not self._busy(task)
        fresh = make_attempt(
            id=f"{self.effects + 1000 * len(self.content):016x}", task=task.id, branch=task.branch, phase="acquired",
            head=head, commit="", tree="", base="", how="", proven="", runs=0,
            earlier=before.stands_for(head) if before is not None else (),
        )  # fmt: skip

        def grant() -> None:
            self.attempts[task.id], self.holder = fresh, task.id

        self.effect(grant)
        return fresh

    def _caught_up(self, head: str) -> str:
        made = self.commit(self.content[head] | self.content[self.main])
        self.made_of[made] = head
        return made

    def _pushed(self, number: int, attempt: Attempt) -> None:
        """The lease of the push: only from where the attempt began."""
        if self.pulls[number].head == attempt.head:
            self.change(number, head=attempt.commit)

    def _merge(self, number: int, attempt: Attempt) -> None:
        """The forge's own door: an open pull request, at this head, onto this base."""
        pull = self.pulls[number]
        if (pull.state, pull.head, self.main) != (PullState.OPEN, attempt.commit, attempt.base):
            return
        task = self.tasks[attempt.task]
        assert task.enqueued is not None
        origin = attempt.commit
        while origin != task.enqueued.head and origin in self.made_of:
            origin = self.made_of[origin]
        assert origin == task.enqueued.head, "nobody asked for this commit"
        assert self.ci.get(attempt.commit) is True, "it is untested"
        assert self.content[self.main] <= self.content[attempt.commit], "it was tested without what it lands on"
        assert number not in [one for one, _ in self.merged], "it lands twice"
        assert task.stage == "queued"
        self.main = self.commit(self.content[attempt.commit])
        self.merged.append((number, attempt.commit))
        self.change(number, state=PullState.MERGED)

    def _landed(self, task: Task, attempt: Attempt) -> bool:
        self._record(task.id, holds=False, phase=Phase.LANDED, outcome=Outcome.PASS)
        return self._stepped_on(task, attempt)

    def _stepped_on(self, task: Task, attempt: Attempt) -> bool:
        """What landed is done."""
        move = self._apply(
            task.id, events.Evaluated("bot", task, attempt.commit, due=True),
            tuple(judged("queued", "merge-proof", Outcome.PASS, pipeline=PIPELINE)),
        )  # fmt: skip
        return move is not Move.ADVANCE

    # ---- the end

    def heal(self) -> None:
        """People stop, and CI answers."""
        self.frozen = False
        self.ci.pop(self.main, None)
        for task in list(self.tasks.values()):
            if task.state is TaskState.HELD:
                self.say(task.enqueued.pull if task.enqueued else 0, events.ResumeRequested("ann"))

    def settle(self) -> int:
        """Run until nothing changes any more; how many runs that took."""
        for count in range(1, 20 + 12 * len(self.pulls)):
            before = self.facts()
            self.run()
            for commit in self.waiting_for_ci():
                self.answer(commit)
            self.now += timedelta(minutes=31)
            if self.facts() == before:
                return count
        raise AssertionError("it never comes to rest")

    def facts(self) -> object:
        parts = (self.pulls, self.labels, self.ci, self.tasks, self.attempts, self.holder, self.main)
        return repr(parts)
