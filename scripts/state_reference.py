"""Writes what is generated about the state branch: JSON Schemas, templates, and the tables of its reference."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from orch_gates.model.forge import Issue, Pull, Rule, Statuses
from orch_gates.model.job import Job, JobStatus
from orch_gates.model.lease import Lease
from orch_gates.model.report import Report
from orch_gates.model.root import Root
from orch_gates.model.task import Task, TaskState
from orch_gates.state import codec, layout, schema
from orch_gates.state.branch import branch_files
from scripts.generated import renewed, table

ROOT = Path(__file__).parent.parent
STATE = ROOT / "state"
PAGE = ROOT / "docs" / "reference" / "state-format.md"

_AT = "2026-01-31T12:00:00Z"
_HEAD = "0123456789abcdef0123456789abcdef01234567"
_TASK = codec.validated(
    Task,
    {
        "id": "T-1",
        "title": "Greet the user",
        "stage": "development",
        "state": TaskState.ACTIVE,
        "branch": "task/T-1",
        "head": "",
        "reason": "approved by alice",
        "cause": "alice",
        "created": _AT,
        "created_by": "alice",
        "since": _AT,
        "updated": _AT,
        "available_at": None,
        "developer_retries": 0,
        "defers": 0,
        "feedback": None,
    },
)
_JOB = codec.validated(
    Job,
    {
        "task": "T-1",
        "stage": "development",
        "role": "developer",
        "attempt": "0123456789abcdef",
        "status": JobStatus.RUNNING,
        "reason": "",
        "created": _AT,
        "started": _AT,
        "ended": None,
        "exit_code": None,
    },
)
_LEASE = codec.validated(
    Lease,
    {
        "target": "main",
        "generation": 3,
        "holder": "T-1",
        "granted": _AT,
        "expires": "2026-01-31T12:10:00Z",
        "reason": "first in the queue",
    },
)
_REPORT = codec.validated(
    Report, {"gate": "tests-passed", "tests_status": "PASSED", "head": _HEAD, "reason": "214 tests", "created": _AT}
)
_PULL = codec.validated(
    Pull,
    {
        "number": 7,
        "title": "Greet the user",
        "branch": "task/T-1",
        "target": "main",
        "state": "open",
        "author": "alice",
        "created": _AT,
        "first_head": _HEAD,
        "last_head": "",
        "merge_commit": "",
        "reviews": [{"reviewer": "bob", "state": "approved", "commit": _HEAD, "at": _AT}],
        "comments": [],
    },
)
_ISSUE = codec.validated(
    Issue,
    {
        "number": 6,
        "title": "Users are not greeted",
        "state": "open",
        "author": "bob",
        "created": _AT,
        "labels": ["task"],
        "comments": [{"by": "alice", "at": _AT, "text": "On it."}],
    },
)
_STATUSES = codec.validated(
    Statuses,
    {
        "commit": _HEAD,
        "statuses": [
            {
                "context": "orch/security",
                "state": "success",
                "description": "3 commits, nothing found",
                "url": "",
                "by": "orch-gates",
                "at": _AT,
            }
        ],
    },
)
_RULE = codec.validated(
    Rule,
    {
        "branch": "main",
        "contexts": ["orch/security"],
        "approvals": 1,
        "mergers": ["orch-gates"],
        "pushes": False,
        "admins": True,
    },
)
_ROOT = Root(generation=1, created=_AT, stages=("analysis", "development", "review"), rework="development")


def templates() -> dict[str, str]:
    """One example of every kind of document, by the path that it has on the branch."""
    task = _TASK.id
    return {
        layout.ROOT: branch_files(_ROOT)[layout.ROOT],
        layout.task_path(task): codec.encode(_TASK, f"\n# {task}\n\n- {_AT} new: Greet the user\n"),
        layout.job_path(task, _JOB.attempt): codec.encode(_JOB, f"\n- {_AT} started\n"),
        layout.report_path(task, "12-test-report.md"): codec.encode(_REPORT, "\n# tests-passed: PASSED\n\n214 tests\n"),
        layout.lease_path(_LEASE.target): codec.encode(_LEASE, f"\n- {_AT} granted to T-1\n"),
        layout.pull_path(_PULL.number): codec.encode(_PULL, "By name, if there is one.\n"),
        layout.issue_path(_ISSUE.number): codec.encode(_ISSUE, "Everybody expects it.\n"),
        layout.statuses_path(_HEAD): codec.encode(_STATUSES, ""),
        layout.protection_path(_RULE.branch): codec.encode(_RULE, ""),
    }


def files() -> dict[Path, str]:
    """Everything that is published below `state/`."""
    found = {STATE / "schema" / f"{kind}.json": schema.text(kind) for kind in schema.kinds()}
    kinds = ("task", "job", "report", "lease", "pull", "issue", "statuses", "protection")
    names = (layout.ROOT, *(f"{kind}.md" for kind in kinds))
    found |= {STATE / "templates" / name: text for name, text in zip(names, templates().values(), strict=True)}
    return found | {STATE / "README.md": branch_files(_ROOT)[layout.README]}


def page(text: str) -> str:
    """The page with every generated table renewed; the rest as it is."""
    return renewed(text, {kind: _fields(kind) for kind in schema.kinds()}, PAGE)


def _fields(kind: str) -> str:
    made = schema.schema(kind)
    rows = (
        (f"`{name}`", _shape(field, made) + ("" if name in made["required"] else "; optional"), field["description"])
        for name, field in made["properties"].items()
    )
    return table(("field", "value", "meaning"), rows)


def _shape(field: dict[str, Any], whole: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_shape(option, whole) for option in field["anyOf"])
    if "$ref" in field:
        return _shape(whole["$defs"][field["$ref"].rpartition("/")[2]], whole)
    if "enum" in field:
        return ", ".join(f"`{word}`" for word in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    return {
        "null": "`null`",
        "object": "mapping",
        "array": "list",
        "integer": "number",
        "string": "text",
        "boolean": "`true` or `false`",
    }.get(field.get("type", ""), "any")


if __name__ == "__main__":
    for path, content in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
