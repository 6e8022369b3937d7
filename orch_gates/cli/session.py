"""What a command needs that moves a task: the store, the pipeline, the gates, and who asks."""

from __future__ import annotations

from orch_gates.errors import ForgeUnavailable
from orch_gates.gates.evaluate import evaluate
from orch_gates.gates.gate import Ports, Subject, Unknown
from orch_gates.model.task import Task
from orch_gates.model.verdict import Verdict
from orch_gates.tasks.advance import Step
from orch_gates.tasks.edge import Reader
from orch_gates.workspace import Workspace


def open_step(workspace: Workspace, *, approve: bool = False, reject: str = "") -> Step:
    """One step of a task: by its gates, or by the word of the person who runs this command.

    Raises:
        OrchError: no state branch is known.
    """

    def gate(name: str, task: Task, head: str, read: Reader) -> Verdict:
        ports = Ports(workspace.settings, read, lambda: workspace.forge)
        answer = evaluate(name, Subject(head, task.branch, workspace.target), ports)
        if isinstance(answer, Unknown):
            # Nothing follows from facts that could not be gathered, so the task stays as it is (P2).
            raise ForgeUnavailable(answer.reason)
        return answer

    return Step(
        store=workspace.store,
        configured=workspace.configured,
        gate=gate,
        head_of=workspace.heads.of,
        by=workspace.by,
        now=workspace.now,
        approve=approve,
        reject=reject,
    )
