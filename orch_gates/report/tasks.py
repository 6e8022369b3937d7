"""Tasks, steps and the board for people and machines (P8, GATE-4)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from orch_gates.documents.escape import clip, plain, visible
from orch_gates.engine.board import Board
from orch_gates.engine.decision import Decision
from orch_gates.engine.why import Why
from orch_gates.model.task import Task
from orch_gates.model.verdict import Verdict
from orch_gates.report import machine
from orch_gates.report.columns import columns

_REASON_SHOWN = 300
_TITLE_SHOWN = 60


def task_table(tasks: Sequence[Task], width: int | None = None) -> str:
    """Every task, in columns."""
    rows = [("TASK", "STAGE", "STATE", "SINCE", "TITLE")]
    rows += [(t.id, t.stage, t.state.value, t.since, shown(t.title, _TITLE_SHOWN)) for t in tasks]
    return columns(rows, width)


# What has lines of its own.
_APART = {"schema", "feedback", "sent_back", "effects"}


def task_page(task: Task, body: str) -> str:
    """All that is recorded about a task."""
    fields = [(name, value) for name, value in task.fields().items() if name not in _APART]
    width = max(len(name) for name, _ in fields)
    lines = [f"{name:{width}}  {'' if value is None else shown(str(value), 1000)}".rstrip() for name, value in fields]
    if (sent := task.sent_back) is not None:
        again = "marked as ready again" if sent.ready else "not ready again"
        lines.append(f"{'sent_back':{width}}  at {sent.head[:10] or 'no commit'}, {sent.at}: {again}")
    if task.feedback is not None:
        lines += ["", f"feedback of {shown(task.feedback.gate)}: {shown(task.feedback.reason, 1000)}"]
        lines += [
            f"  {shown(f.path)}:{f.line}: {shown(f.rule)}: {shown(f.description)}" for f in task.feedback.findings
        ]
        if (left := task.feedback.findings_total - len(task.feedback.findings)) > 0:
            lines.append(f"  and {left} more")
    lines += [f"planned at the forge: {effect.kind} {shown(effect.subject)}" for effect in task.effects]
    lines += [logged(line, 2000) for line in body.rstrip().splitlines()]
    return "".join(f"{line}\n" for line in lines)


def step(name: str, decision: Decision, verdicts: Sequence[Verdict], *, recorded: bool) -> str:
    """What `advance` did: the gates it judged, then what followed."""
    lines = [f"  {v.gate}: {v.outcome}: {shown(v.reason)}" for v in verdicts]
    lines += [f"  next: {shown(v.next_step)}" for v in verdicts[-1:] if v.next_step and v.outcome.exit_code]
    summary = f"{name}: {decision.move}"
    if recorded:
        summary += f" (now {decision.task.state} in {decision.task.stage})"
    return "".join(f"{line}\n" for line in [f"{summary}: {shown(decision.reason)}", *lines])


def step_json(decision: Decision, verdicts: Sequence[Verdict], commit: str) -> str:
    """The same for machines; `commit` is null where nothing was written."""
    return machine.document(
        "advance",
        {
            "task": decision.task.fields(),
            "move": decision.move.value,
            "outcome": decision.outcome.value,
            "reason": decision.reason,
            "refused": decision.refused,
            "commit": commit or None,
            "verdicts": [json.loads(machine.as_json(verdict)) for verdict in verdicts],
        },
    )


def log(steps: Sequence[Mapping[str, str]]) -> str:
    """What happened to a task, a paragraph for every commit."""
    lines = []
    for step in steps:
        lines.append(f"{step['when']}  {shown(step['subject'])}  [by {shown(step['by'])}, {step['commit'][:10]}]")
        lines += [f"    {shown(line)}" for line in step["body"].splitlines()]
    return "".join(f"{line}\n" for line in lines)


def why_json(why: Why) -> str:
    """The parts and the line."""
    return machine.document("why", asdict(why) | {"line": why.line})


def board_text(board: Board, width: int | None = None) -> str:
    """The board in columns."""
    rows = [("STAGE", "TASKS", "STATES")]
    for row in board.rows:
        states = ", ".join(f"{count} {state}" for state, count in row.counts.items())
        rows.append((row.stage, str(row.total), states))
    lines = [columns(rows, width)]
    lines += [f"waits for a person: {shown(waiting_line(task))}\n" for task in board.attention]
    lines += [f"merge lease of {shown(lease.target)}: {shown(lease.holder)}\n" for lease in board.held_leases]
    if board.quarantined:
        lines.append(f"{board.quarantined} files cannot be read: `orch-gates state lint` names them\n")
    return "".join(lines)


def waiting_line(task: Task) -> str:
    """A task that waits for a person, and why."""
    return f"{task.id} ({task.state} in {task.stage}): {task.reason}"


def board_json(board: Board, more: Mapping[str, object]) -> str:
    """The board for machines, with what moves by itself."""
    return machine.document(
        "status",
        {
            "generation": board.generation,
            "stages": [{"stage": row.stage, "total": row.total, "states": row.counts} for row in board.rows],
            "attention": [
                {"task": task.id, "stage": task.stage, "state": task.state.value, "reason": task.reason}
                for task in board.attention
            ],
            "leases": [{"target": lease.target, "holder": lease.holder} for lease in board.held_leases],
            "quarantined": board.quarantined,
            **more,
        },
    )


def logged(line: str, most: int) -> str:
    """A line of a document on a terminal; of its log, without what keeps Markdown from taking it for markup."""
    return shown(plain(line) if line.startswith("- ") else line, most)


def shown(text: str, most: int = _REASON_SHOWN) -> str:
    """Foreign text on one line of a terminal."""
    return visible(clip(text, most))
