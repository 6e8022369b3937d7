"""What every command about tasks needs: settings, the store, the pipeline, and who asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from orch_gates.cli.once import once
from orch_gates.engine.stages import Pipeline
from orch_gates.gates import registry
from orch_gates.gates.registry import Sources
from orch_gates.git.heads import Heads
from orch_gates.model.task import Task
from orch_gates.model.verdict import Verdict
from orch_gates.settings import Settings
from orch_gates.state.store import Store
from orch_gates.tasks.advance import Reader, Step
from orch_gates.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Session:
    """One command's view; `target` is the branch that tasks are merged into.

    `by_forge` judges a gate for a branch with this head, None where no forge is known.
    """

    settings: Settings
    store: Store
    heads: Heads
    by_forge: Callable[[str, str, str], Verdict | None]
    pipeline: Pipeline
    target: str
    by: str
    now: datetime

    def head_of(self, branch: str) -> str:
        """The commit at a branch's head on the server, asked now; empty where there is no such branch."""
        return self.heads.of(branch)

    def gate(self, name: str, task: Task, head: str, read: Reader) -> Verdict:
        """Judge one gate for a task's commit.

        Raises:
            ForgeUnavailable: nothing follows from a forge that does not answer, so the task stays as it is.
            SettingsError: what is said about the forge cannot be used.
        """
        if name in registry.ASKED and head and (verdict := self.by_forge(name, task.branch, head)) is not None:
            return verdict
        sources = Sources(read=read, head=head, branch=task.branch, target=self.target, settings=self.settings)
        return registry.judge(name, sources)

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

    def by_forge(name: str, branch: str, head: str) -> Verdict | None:
        forge = found.forge
        if forge is None:
            return None
        sources = Sources(_no_report, head, branch, found.target, found.settings, forge.statuses, forge.reviews)
        return registry.ask(name, sources)

    return Session(
        settings=found.settings,
        store=found.store,
        heads=found.heads,
        by_forge=once(by_forge),
        pipeline=found.pipeline,
        target=found.target,
        by=found.by,
        now=found.now,
    )


def _no_report(_name: str) -> str | None:
    """Whom a forge is asked about needs no report."""
    return None
