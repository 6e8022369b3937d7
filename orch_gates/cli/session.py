"""What a command needs that moves a task: the store, the pipeline, the gates, and who asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from orch_gates.cli.once import once
from orch_gates.engine.stages import Pipeline
from orch_gates.errors import ForgeUnavailable
from orch_gates.gates import registry
from orch_gates.gates.evaluate import evaluate
from orch_gates.gates.gate import Ports, Subject, Unknown
from orch_gates.git.heads import Heads
from orch_gates.model.task import Task
from orch_gates.model.verdict import Verdict
from orch_gates.state.store import Store
from orch_gates.tasks.advance import Reader, Step
from orch_gates.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Session:
    """One command's view; `by_forge` evaluates a gate that asks a forge, once for each branch and head."""

    workspace: Workspace
    store: Store
    heads: Heads
    by_forge: Callable[[str, str, str], Verdict | Unknown | None]
    pipeline: Pipeline
    by: str
    now: datetime

    def head_of(self, branch: str) -> str:
        """The commit at a branch's head on the server, asked now; empty where there is no such branch."""
        return self.heads.of(branch)

    def gate(self, name: str, task: Task, head: str, read: Reader) -> Verdict:
        """Judge one gate for a task's commit.

        Raises:
            ForgeUnavailable: the facts could not be gathered, so nothing follows and the task stays as it is.
        """
        known = registry.find(name)
        asked = head and known is not None and known.asks_forge
        answer = self.by_forge(name, task.branch, head) if asked else None
        if answer is None:
            subject = Subject(head, task.branch, self.workspace.target)
            answer = evaluate(name, subject, Ports(self.workspace.settings, read, lambda: None))
        if isinstance(answer, Unknown):
            raise ForgeUnavailable(answer.reason)
        return answer

    def step(self, *, approve: bool = False, reject: str = "") -> Step:
        """One step of a task: by its gates, or by the word of the person who runs this command."""
        return Step(
            store=self.store,
            pipeline=self.pipeline,
            gate=self.gate,
            head_of=self.head_of,
            by=self.by,
            now=self.now,
            approve=approve,
            reject=reject,
        )


def open_session(found: Workspace) -> Session:
    """The view of a command that moves a task.

    Raises:
        OrchError: no state branch is known.
    """

    def by_forge(name: str, branch: str, head: str) -> Verdict | Unknown | None:
        if found.forge is None:
            return None
        ports = Ports(found.settings, lambda _: None, lambda: found.forge)
        return evaluate(name, Subject(head, branch, found.target), ports)

    return Session(found, found.store, found.heads, once(by_forge), found.pipeline, found.by, found.now)
