"""The deploy report of a task, as the gate `deploy-status` reads it (DEP-1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from orch_gates.documents import escape, frontmatter
from orch_gates.engine.deploys import DeployEnd
from orch_gates.errors import ReportError, UsageError
from orch_gates.gates import registry
from orch_gates.gates.recorded import read
from orch_gates.model.environment import Running
from orch_gates.model.ids import TaskId, timestamp
from orch_gates.model.task import Task
from orch_gates.model.verdict import Outcome
from orch_gates.state import layout
from orch_gates.state.snapshot import Snapshot
from orch_gates.tasks import book, edge

FILE = "20-deploy-report.md"
STATUS = "deploy-status"
_IMAGE = "image-freshness"


@dataclass(frozen=True, slots=True)
class DeployResult:
    """The result of a deploy, as its report has it; `more` is Markdown that is written as it is."""

    end: DeployEnd
    reason: str
    next_step: str = ""
    by: str = ""
    more: str = ""


def written(
    snapshot: Snapshot, environment: str, generation: int, deploy: Running, result: DeployResult, now: datetime
) -> Mapping[str, str]:
    """The file of the report; none of a rollback, or of a task that is archived: its reports are what they were."""
    if deploy.rollback_of or book.find(snapshot, deploy.task) is None:
        return {}
    values: dict[str, object] = {
        "schema": "orch.report/1",
        "gate": STATUS,
        "deploy_status": result.end.word,
        "head": deploy.revision,
        "reason": result.reason,
        "next_step": result.next_step,
        "created": timestamp(now),
        "by": result.by or deploy.by,
        "evidence": {
            "environment": environment,
            "deploy": deploy.deploy,
            "generation": generation,
            "digest": deploy.digest,
            "alert_only": deploy.alert_only,
            "runner": deploy.runner,
            "began": deploy.began,
        },
    }
    body = f"\n# {STATUS}: {result.end.word}\n\n{escape.markdown(result.reason)}\n{result.more}"
    return {layout.report_path(TaskId(deploy.task), FILE, deploy.revision): frontmatter.encode(values, body)}


def digest_of(snapshot: Snapshot, task: Task, revision: str, given: str) -> str:
    """The image that is to be deployed: what the recorded image report proves, or what is given; empty for none.

    Raises:
        UsageError: the report is red, or about another image than the given one.
    """
    gate = registry.find(_IMAGE)
    assert gate is not None
    assert gate.record is not None
    entry = edge.reports(snapshot, task, revision).entries.get(gate.record.file)
    if entry is None:
        return given
    try:
        report, outcome = read(gate.record, snapshot.read(entry))
    except ReportError as error:
        raise UsageError(f"{gate.record.file} about {revision[:10]} cannot be used as evidence: {error}") from error
    proven = report.evidence.get("digest")
    if report.head != revision or outcome is not Outcome.PASS:
        raise UsageError(f"{gate.record.file} about {revision[:10]} is {outcome}: {report.reason}")
    if not isinstance(proven, str) or not proven:
        return given
    if given and given != proven:
        raise UsageError(f"--digest is {given}, but {gate.record.file} proves {proven} for {revision[:10]}")
    return proven
