"""Recording a report about a task's commit, for the gate that reads it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from orch_gates.documents import escape, frontmatter
from orch_gates.engine import spent
from orch_gates.errors import ReportError, UsageError
from orch_gates.gates import registry
from orch_gates.gates.recorded import ReportContract, reason_in
from orch_gates.model.feedback import one_line
from orch_gates.model.ids import OID, timestamp
from orch_gates.model.task import Task
from orch_gates.report import files
from orch_gates.state import codec, layout
from orch_gates.state.kinds import REPORT
from orch_gates.state.outcome import commit_of
from orch_gates.state.snapshot import Snapshot
from orch_gates.state.store import Change, Store
from orch_gates.tasks import book, edge
from orch_gates.tasks.configured import Configured
from orch_gates.tasks.edge import HeadOf

_LONGEST_BODY = 20_000
_AGAIN = re.compile(r"\nRecorded again [0-9TZ:-]+\.\n\Z")


@dataclass(frozen=True, slots=True)
class Statement:
    """What a person says about a commit; an empty `head` is the branch's."""

    gate: str
    word: str
    reason: str
    head: str


@dataclass(frozen=True, slots=True)
class Recording:
    """The report's file name, the commit that recorded it (empty where it was recorded already), and its task."""

    file: str
    commit: str
    task: Task


def by_hand(
    store: Store,
    name: str,
    statement: Statement,
    configured: Configured,
    *,
    by: str,
    head_of: HeadOf,
    now: datetime,
) -> Recording:
    """Write a report from a person's words.

    Raises:
        UsageError: no such task, gate or word, or there is no commit that it could be about.
        StateError: it is malformed, or could not be recorded.
    """
    gate = _known(statement.gate)
    if gate.sealed:
        raise UsageError(
            "only the gate makes a security report: run `orch-gates gate security --report FILE`, "
            "then `orch-gates task report TASK --file FILE`"
        )
    word = statement.word.upper()
    if gate.means(word) is None:
        raise UsageError(
            f"{statement.word!r} is not a status of {gate.name}; use one of: {', '.join(gate.known_words)}"
        )
    snapshot = store.load()
    task = book.need(snapshot, name).task
    head = statement.head or edge.merge_of(snapshot, task).head(head_of, configured.pipeline_of(task), task)
    if not OID.fullmatch(head):
        raise UsageError(
            f"{statement.head!r} is not a full commit id; `git rev-parse REF` prints one"
            if statement.head
            else f"there is no branch {task.branch} yet; push it first"
        )
    field = gate.field if word in gate.outcomes else "verdict"
    stated = {
        "schema": "orch.report/1",
        "gate": gate.name,
        field: word,
        "head": head,
        "reason": one_line(statement.reason),
        "created": timestamp(now),
        "by": by,
    }
    text = frontmatter.encode(stated, f"\n# {gate.name}: {word}\n\n{_body(statement.reason)}\n")
    return _write(store, name, configured, gate, _Text(text, head, stated["reason"]), now)


def from_file(store: Store, name: str, path: Path, configured: Configured, *, now: datetime) -> Recording:
    """Record a report as it is.

    Raises:
        UsageError: no such task, or it is no report of a known gate.
        StateError: it is malformed, or could not be recorded.
    """
    try:
        text = files.read(path, frontmatter.MAX_DOCUMENT)
        mapping, _ = frontmatter.decode(text)
    except ReportError as error:
        raise UsageError(f"{path}: {error}") from error
    gate = _known(str(mapping.get("gate", "")))
    head = str(mapping.get("head", ""))
    if not OID.fullmatch(head):
        raise UsageError(f"{path}: the report does not name its commit; set `head` to the full id")
    try:
        reason = reason_in(gate, text)
    except ReportError as error:
        raise UsageError(f"{path}: {error}") from error
    return _write(store, name, configured, gate, _Text(text, head, reason), now)


def newest_report(snapshot: Snapshot, name: str, file: str) -> str | None:
    """The text of the report that was made last; None where none is recorded.

    Raises:
        UsageError: there is no such task.
        StateError: it cannot be read, or is malformed.
    """
    task = book.need(snapshot, name).task
    found: list[tuple[str, str]] = []
    for entry in snapshot.files(layout.task_folder(task.id)):
        keys = REPORT.match(entry.path)
        if isinstance(keys, Mapping) and f"{keys['report']}.md" == file:
            text = snapshot.read(entry)
            found.append((codec.decode(REPORT, entry.path, text)[0].created or "", text))
    return max(found)[1] if found else None


def _body(reason: str) -> str:
    """The whole text, line by line, as long as a document may hold it."""
    kept = escape.clip(escape.well_formed(reason.strip()), _LONGEST_BODY)
    return "\n".join(escape.markdown(line) for line in kept.splitlines())


def _known(name: str) -> ReportContract:
    gate = registry.find(name)
    if gate is None or gate.record is None:
        known = ", ".join(gate.name for gate in registry.GATES if gate.record is not None)
        raise UsageError(f"unknown gate {name!r}; known are {known}")
    return gate.record


@dataclass(frozen=True, slots=True)
class _Text:
    text: str
    head: str
    reason: str


def _write(
    store: Store, name: str, configured: Configured, gate: ReportContract, report: _Text, now: datetime
) -> Recording:
    # What is recorded has to be readable by the gate that reads it, and by everything else.
    codec.decode(REPORT, layout.report_path(book.checked(name), gate.file, report.head), report.text)

    configured.agree(store)

    about: Task | None = None

    def decision(snapshot: Snapshot) -> Change | None:
        nonlocal about
        configured.check(book.root_of(snapshot))
        page = book.need(snapshot, name)
        about = page.task
        path = layout.report_path(page.task.id, gate.file, report.head)
        text = report.text
        if (stored := snapshot.text(path)) is not None and text in {stored, _AGAIN.sub("", stored)}:
            before = edge.reports(snapshot, page.task, report.head).id_of(gate.file)
            if not spent.is_spent(page.task, before):
                return None
            # A job that runs again may write the very same file; it is a new report all the same (ENG-9).
            text = f"{_AGAIN.sub('', stored)}\nRecorded again {timestamp(now)}.\n"
        return Change(
            event="report",
            task=page.task.id,
            subject=f"{page.task.id}: report {gate.file} on {report.head[:10]}",
            body=report.reason,
            writes={path: text},
        )

    commit = commit_of(store.transact(decision))
    assert about is not None
    return Recording(gate.file, commit, about)
