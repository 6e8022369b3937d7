"""Writes what is generated about gates: what each reads, what its words mean, and what follows for a task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orch_gates.config.table import BY_KEY
from orch_gates.documents import frontmatter, yaml_write
from orch_gates.engine.decide import decide
from orch_gates.engine.decision import Decision, Move
from orch_gates.engine.events import Evaluated
from orch_gates.engine.stages import DEFAULT, EdgeGate, OnRed, Stage
from orch_gates.gates.evaluate import evaluate
from orch_gates.gates.gate import Gate, Ports, Subject
from orch_gates.gates.recorded import ReportContract
from orch_gates.gates.registry import GATES
from orch_gates.model.ids import task_id
from orch_gates.model.task import Task, TaskState
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.report import security, security_model
from orch_gates.settings import load
from scripts.generated import renewed, table

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "gates.md"

_NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
_AT = "2026-01-31T12:00:00Z"
_HEAD, _OLDER = "a" * 40, "b" * 40
_SETTINGS = load({})
_RECORDS = {gate.name: gate.record for gate in GATES if gate.record is not None}

_SAID = {
    Move.ADVANCE: "moves on",
    Move.ROLLBACK: f"goes back to `{DEFAULT.rework}`, one developer retry charged",
    Move.STAY: "stays",
    Move.DEFER: "is deferred",
    Move.HOLD: "is held until a person resumes it",
    Move.ESCALATE: "is escalated: it stays until a person retries it",
}
_SAID_SHORT = _SAID | {Move.ROLLBACK: "goes back", Move.HOLD: "is held"}


def page(text: str, gates: Sequence[Gate[Any]] = GATES) -> str:
    """The page with every generated table renewed; the rest as it is."""
    tables = {
        "about": table(("gate", "a PASS means"), ((f"`{gate.name}`", gate.about) for gate in gates)),
        "reports": _reports([gate.record for gate in gates if gate.record is not None]),
        "edges": _edges(),
        "doubts": _doubts(),
        "outcomes": _outcomes(),
        "settings": _settings([gate.name for gate in gates]),
    }
    return renewed(text, tables, PAGE)


def _reports(records: Sequence[ReportContract]) -> str:
    rows = ((f"`{record.name}`", f"`{record.file}`", *_words(record)) for record in records)
    return table(("gate", "report", "field", "its own words"), rows)


def _words(gate: ReportContract) -> tuple[str, str]:
    if gate.sealed:
        # A sealed report has no field of its own beside the verdict.
        return "`verdict`", "none"
    return f"`{gate.field}`", ", ".join(f"`{word}` = {outcome}" for word, outcome in gate.outcomes.items())


def _on_edges() -> Iterator[tuple[Stage, EdgeGate]]:
    return ((stage, edge) for stage in DEFAULT.stages for edge in stage.gates)


def _edges() -> str:
    rows = []
    for stage in DEFAULT.stages:
        name, left = f"`{stage.name}`", "a person approves" if stage.human else "at once"
        rows += [(name, f"`{edge.name}`", f"`{edge.on_fail}`", f"`{edge.on_absent}`") for edge in stage.gates]
        rows += [] if stage.gates else [(name, f"none: {left}", "", "")]
    return table(("stage", "gate", "`on_fail`", "`on_absent`"), rows)


def _doubts() -> str:
    """What every gate answers to what is no green report, and what the default edge makes of that."""
    rows = []
    for stage, edge in _on_edges():
        # What is not a report has its own table of answers.
        if (record := _RECORDS.get(edge.name)) is None:
            continue
        red, stale = _report(record, Outcome.FAIL, _HEAD), _report(record, Outcome.PASS, _OLDER)
        cells = [_followed(stage, edge, text) for text in (red, None, stale, "no report")]
        rows.append((f"`{edge.name}`", *cells))
    return table(("gate", "says FAIL", "no report", "another commit", "malformed"), rows)


def _followed(stage: Stage, edge: EdgeGate, text: str | None) -> str:
    verdict = evaluate(edge.name, Subject(_HEAD, "task/T-1", "main"), Ports(_SETTINGS, lambda _: text, lambda: None))
    assert isinstance(verdict, Verdict)
    return f"{verdict.outcome}, {_SAID_SHORT[_decided(stage, edge, verdict).move]}"


def _report(gate: ReportContract, outcome: Outcome, head: str) -> str:
    verdict = Verdict(gate.name, outcome, "as an example", evidence={"checks": 1})
    if gate.sealed:
        stated = security_model.fields(verdict, head=head, base=_OLDER, target="main", now=_NOW, findings=0)
        return frontmatter.join(security.seal(yaml_write.dump(stated)), "")
    return frontmatter.encode({"schema": "orch.report/1", "gate": gate.name, "verdict": outcome, "head": head}, "")


def _outcomes() -> str:
    """One row for every answer, and for those that depend on more than the answer."""
    stage, edge = next((stage, edge) for stage, edge in _on_edges() if edge.on_fail is OnRed.ROLLBACK)
    stays = next((stage, edge) for stage, edge in _on_edges() if edge.on_fail is OnRed.STAY)
    caps = DEFAULT.caps
    used_up = {"developer_retries": caps.max_developer_retries, "defers": caps.defer_max_attempts}
    rows = [
        _outcome(Outcome.PASS, "", _decided(stage, edge, _said(edge, Outcome.PASS))),
        _outcome(Outcome.SKIP, "", _decided(stage, edge, _said(edge, Outcome.SKIP))),
        _outcome(Outcome.FAIL, "`on_fail: rollback`", _decided(stage, edge, _said(edge, Outcome.FAIL))),
        _outcome(Outcome.FAIL, "all retries used up", _decided(stage, edge, _said(edge, Outcome.FAIL), **used_up)),
        _outcome(Outcome.FAIL, "`on_fail: stay`", _decided(*stays, _said(stays[1], Outcome.FAIL))),
        _outcome(Outcome.DEFER, "", _decided(stage, edge, _said(edge, Outcome.DEFER))),
        _outcome(Outcome.ERROR, "", _decided(stage, edge, _said(edge, Outcome.ERROR))),
        _outcome(Outcome.ERROR, "all defers used up", _decided(stage, edge, _said(edge, Outcome.ERROR), **used_up)),
        _outcome(Outcome.HOLD, "", _decided(stage, edge, _said(edge, Outcome.HOLD))),
    ]
    return table(("verdict", "", "exit code of the gate", "the task", "exit code of `advance`"), rows)


def _outcome(outcome: Outcome, when: str, decided: Decision) -> Sequence[str]:
    return (f"`{outcome}`", when, str(outcome.exit_code), _SAID[decided.move], str(decided.outcome.exit_code))


def _said(edge: EdgeGate, outcome: Outcome) -> Verdict:
    return Verdict(edge.name, outcome, "as an example")


def _decided(
    stage: Stage, edge: EdgeGate, verdict: Verdict, *, developer_retries: int = 0, defers: int = 0
) -> Decision:
    """What becomes of a task in a stage by this verdict, those before it on the edge being green."""
    task = Task(
        id=task_id("T-1"),
        title="An example",
        stage=stage.name,
        state=TaskState.ACTIVE,
        branch="task/T-1",
        head="",
        reason="as an example",
        cause="a person",
        created=_AT,
        created_by="a person",
        since=_AT,
        updated=_AT,
        available_at=None,
        developer_retries=developer_retries,
        defers=defers,
        feedback=None,
    )
    before = [_said(other, Outcome.PASS) for other in stage.gates[: stage.gates.index(edge)]]
    after = [_said(other, Outcome.PASS) for other in stage.gates[stage.gates.index(edge) + 1 :]]
    return decide(task, Evaluated("a person", task, _HEAD), [*before, verdict, *after], _NOW, DEFAULT)


def _settings(names: Sequence[str]) -> str:
    rows = (
        (f"`{gate}`", ", ".join(f"`{setting.variable}`" for key, setting in BY_KEY.items() if _of(gate, key)))
        for gate in names
    )
    return table(("gate", "settings"), rows)


def _of(gate: str, key: str) -> bool:
    return key.partition(".")[0] == gate.replace("-", "_")


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
