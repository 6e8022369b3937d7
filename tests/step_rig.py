"""A state branch in memory with one task, a branch's head that tests move, and gates that read reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from orch_gates import settings
from orch_gates.effects.outbox import NOWHERE, Outbox
from orch_gates.engine import events
from orch_gates.engine.stages import Caps, EdgeGate, OnRed, Pipeline, Stage
from orch_gates.gates.evaluate import evaluate
from orch_gates.gates.gate import Ports, Subject
from orch_gates.git.heads import DefaultBranch
from orch_gates.model.ids import TaskId
from orch_gates.model.task import Task
from orch_gates.model.verdict import Verdict
from orch_gates.state import codec, layout
from orch_gates.state.store import Change, Store
from orch_gates.tasks import book, change, record
from orch_gates.tasks.advance import TaskStep
from orch_gates.tasks.change import Applied
from orch_gates.tasks.configured import Configured
from orch_gates.tasks.create import create, new_task
from orch_gates.tasks.edge import Reader
from tests.fakes.memory_store import MemoryRemote, MemoryStore
from tests.tasks_builders import NOW, make_attempt, root_of

A, B, C = ("a" * 40, "b" * 40, "c" * 40)
PIPELINE = Pipeline(
    (
        Stage("development", "developer", (EdgeGate("ci-green", on_fail=OnRed.STAY),)),
        Stage("review", "reviewer", (EdgeGate("review-approved"),)),
        Stage("testing", "tester", (EdgeGate("tests-passed"),)),
    ),
    "development",
    Caps(max_developer_retries=3),
)


@dataclass
class Rig:
    """`asked` are the gates in the order in which they were asked; `meanwhile` runs when one is."""

    pipeline: Pipeline = PIPELINE
    remote: MemoryRemote = field(default_factory=MemoryRemote)
    head: str = A
    now: datetime = NOW
    asked: list[str] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None
    by_forge: Callable[[str, str], Verdict | None] = lambda _gate, _head: None
    outbox: Outbox = NOWHERE

    def __post_init__(self) -> None:
        self.store: Store = MemoryStore(self.remote)
        self.store.initialise({layout.ROOT: codec.encode(root_of(self.pipeline, generation=1), "")})
        wanted = new_task("T-1", "a work item", branch="", by="ann", pipeline=self.pipeline, now=NOW)
        create(self.store, wanted, self.configured, NOW)

    @property
    def configured(self) -> Configured:
        none = DefaultBranch("", "")
        return Configured(self.pipeline, "", none, lambda: none)

    @property
    def task(self) -> Task:
        return book.need(self.store.load(), "T-1").task

    @property
    def commits(self) -> int:
        return self.store.load().generation

    def step(self, *, approve: bool = False, reject: str = "") -> TaskStep:
        return TaskStep(
            self.store, self.configured, self._gate, lambda _: self.head, "ann", self.now, approve, reject, self.outbox
        )

    def advance(self, task: str = "T-1", *, reject: str = "") -> Applied:
        return self.step(reject=reject).take(task)

    def ask(self, event: events.Event, task: str = "T-1") -> Applied:
        return change.apply(self.store, task, event, self.configured, self.now, self.outbox)

    def report(self, gate: str, word: str, task: str = "T-1", *, head: str = "", reason: str = "why") -> str:
        """Record a report about a commit; answers the commit that recorded it."""
        output = record.Statement(gate, word, reason, head or self.head)
        return record.by_hand(
            self.store, task, output, self.configured, by="ann", head_of=lambda _branch: self.head, now=self.now
        ).commit

    def write(self, path: str, text: str) -> None:
        """Put a text where no command puts it."""
        self.store.transact(lambda _: Change("test", "-", "a test's", {path: text}))

    def attempt(self, **values: object) -> None:
        """Record an attempt to merge the task; a validated one of the branch's head, but for these values."""
        self.write(layout.attempt_path(TaskId("T-1")), codec.encode(make_attempt(**values), ""))

    def text(self, path: str) -> str | None:
        return self.store.load().text(path)

    def folder(self) -> str:
        return layout.task_folder(TaskId("T-1"))

    def _gate(self, name: str, _task: Task, head: str, earlier: tuple[str, ...], read: Reader) -> Verdict:
        self.asked.append(name)
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        verdict = self.by_forge(name, head) or self._recorded(name, head, earlier, read)
        meanwhile()
        return verdict

    def _recorded(self, name: str, head: str, earlier: tuple[str, ...], read: Reader) -> Verdict:
        answer = evaluate(
            name, Subject(head, "task/T-1", "main", earlier), Ports(settings.load({}), read, lambda: None)
        )
        assert isinstance(answer, Verdict)
        return answer
