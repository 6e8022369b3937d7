"""The words of a state document: names, times, feedback, and fields that nobody converts or loses (ST-1, OWN-3)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from orch_gates.engine.stages import DEFAULT
from orch_gates.model import feedback
from orch_gates.model.document import Document
from orch_gates.model.feedback import Feedback
from orch_gates.model.finding import MAX_FINDINGS, MAX_TEXT, Finding
from orch_gates.model.ids import moment, shard, task_id, timestamp
from orch_gates.model.job import Job, JobStatus
from orch_gates.model.lease import Lease
from orch_gates.model.root import Root
from orch_gates.model.task import Task, TaskState
from orch_gates.model.verdict import Outcome
from tests.tasks_builders import (
    FINDING,
    HEAD,
    OLD_FEEDBACK,
    a_verdict,
    findings,
    make_job,
    make_lease,
    make_task,
    root_of,
)

# ---- names


@pytest.mark.parametrize("name", ["T", "1", "ISSUE-12", "a_b", "v1.2.3", "a.lock.b", "a.locked", "x" * 64])
def test_what_a_task_may_be_called(name: str) -> None:
    """One part of a path and of a ref."""
    assert task_id(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        ".hidden",
        "-option",
        "_x",
        "a/b",
        "../x",
        "a\\b",
        "a..b",
        "a.",
        "a.lock",
        "a b",
        "a\n",
        "\na",
        "a\0",
        "a:b",
        "a~1",
        "a^",
        "a@{1}",
        "a*",
        "é",
        "\u0661",
        "\udcff",
        "x" * 65,
    ],
)
def test_what_no_task_may_be_called(name: str) -> None:
    """Nothing that leaves its folder, is read as an option, or that git refuses in a ref (OWN-3)."""
    with pytest.raises(ValueError, match="a task id has 1 to 64"):
        task_id(name)


@settings(max_examples=60)
@given(st.text(st.sampled_from("aZ09._-/\\ \n~^:?*[@{"), max_size=12))
def test_a_name_that_is_taken_is_safe(name: str) -> None:
    """In a path and in a ref, as `git check-ref-format` sees it."""
    try:
        task_id(name)
    except ValueError:
        return
    assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name)
    assert ".." not in name
    assert not name.endswith((".", ".lock"))


def test_shards_are_spread_and_never_move() -> None:
    """Where a task's folder is on a branch that exists already."""
    assert (shard("T-1"), shard("ISSUE-12"), shard("é")) == ("cd", "a5", "4a")
    assert len({shard(f"T-{number}") for number in range(3000)}) == 256


# ---- times


def test_a_time_is_spelled_in_utc_and_whole_seconds() -> None:
    """From any zone."""
    east = timezone(timedelta(hours=2))
    assert timestamp(datetime(2026, 1, 31, 12, 0, 59, 999_999, tzinfo=UTC)) == "2026-01-31T12:00:59Z"
    assert timestamp(datetime(2026, 1, 1, 1, tzinfo=east)) == "2025-12-31T23:00:00Z"


# Up to the year 2999, in eighths of a second.
MOMENTS = st.builds(
    lambda eighths, zone: datetime.fromtimestamp(eighths / 8, zone),
    st.integers(0, 8 * 32_400_000_000),
    st.sampled_from([UTC, timezone(timedelta(hours=-9, minutes=-30))]),
)


@settings(max_examples=60)
@given(MOMENTS, MOMENTS)
def test_a_spelled_time_is_read_back_and_sorts_as_text(one: datetime, other: datetime) -> None:
    """What a document says is what was meant, up to the second."""
    assert moment(timestamp(one)) == one.replace(microsecond=0)
    assert moment(timestamp(one)).utcoffset() == timedelta()
    if one.replace(microsecond=0) < other.replace(microsecond=0):
        assert timestamp(one) < timestamp(other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-01-31",
        "2026-01-31 12:00:00Z",
        "2026-01-31T12:00:00",
        "2026-01-31T12:00:00+00:00",
        "2026-01-31T12:00:00.5Z",
        "2026-01-31t12:00:00z",
        "2026-01-31T12:00:00Z\n",
        " 2026-01-31T12:00:00Z",
        "2026-02-30T12:00:00Z",
        "2026-01-31T25:00:00Z",
        "0000-01-31T12:00:00Z",
        "٢٠٢٦-01-31T12:00:00Z",
    ],
)
def test_any_other_spelling_of_a_time_is_refused(text: str) -> None:
    """One spelling, or times would not sort; no such day, no such hour."""
    with pytest.raises(ValueError, match=r".+"):
        moment(text)
    with pytest.raises(ValidationError):
        make_task(since=text)


# ---- feedback


@settings(max_examples=40)
@given(st.lists(findings(), max_size=3))
def test_feedback_survives_its_document(found: list[Finding]) -> None:
    """Whatever a gate says: what was kept is read back from the task as it was written (ENG-4)."""
    output = feedback.of_verdict(a_verdict(Outcome.FAIL, findings=tuple(found), reason="\udcff", next_step="\n"))
    task = make_task(feedback=output)
    assert Task.model_validate(task.fields()).feedback == output
    assert output.findings_total == len(found)


def test_feedback_is_verbatim_up_to_its_bounds() -> None:
    """Every word of a long text up to the last that fits; every finding up to the last that may be there."""
    long = "x" * MAX_TEXT
    found = tuple(replace(FINDING, id=str(number)) for number in range(MAX_FINDINGS + 1))
    fits = feedback.of_verdict(a_verdict(Outcome.FAIL, reason=long, next_step=long, findings=found[:-1]))
    assert (fits.reason, fits.next_step) == (long, long)
    assert tuple(finding.as_finding() for finding in fits.findings) == found[:-1]
    over = feedback.of_verdict(a_verdict(Outcome.FAIL, reason=long + "y", next_step=long + "y", findings=found))
    assert (over.reason, over.next_step, over.findings) == (fits.reason, fits.next_step, fits.findings)
    assert (fits.findings_total, over.findings_total) == (MAX_FINDINGS, MAX_FINDINGS + 1)


def test_the_first_findings_are_kept_where_not_all_fit() -> None:
    """In their order, and the number says that there are more."""
    loud = tuple(replace(FINDING, id=str(number), description="\0" * MAX_TEXT) for number in range(100))
    output = feedback.of_verdict(a_verdict(Outcome.FAIL, findings=loud))
    kept = [finding.id for finding in output.findings]
    assert kept == [str(number) for number in range(len(kept))]
    assert 1 <= len(kept) < output.findings_total == 100


def test_a_name_that_is_no_utf8_is_spelled_out() -> None:
    """A document could not hold it, and nobody would be told of the finding."""
    output = feedback.of_verdict(a_verdict(Outcome.FAIL, findings=(replace(FINDING, path="caf\udce9.py"),)))
    assert output.findings[0].path == r"caf\udce9.py"


# ---- documents

DOCUMENTS: list[Document] = [make_task(feedback=OLD_FEEDBACK), make_job(), make_lease(), root_of(DEFAULT)]
BY_KIND = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.KIND)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@BY_KIND
def test_a_document_is_read_back_as_it_was_written(document: Document) -> None:
    """As plain values, the schema first."""
    written = document.fields()
    assert next(iter(written.items())) == ("schema", f"orch.{document.KIND}/1")
    assert type(document).schema_name() == f"orch.{document.KIND}/1"
    assert type(document).model_validate(written) == document


@settings(max_examples=40)
@given(
    st.sampled_from(DOCUMENTS),
    st.dictionaries(st.sampled_from(["", "x", "fields", "schema_", "__dict__", "model_copy"]), PLAIN),
)
def test_unknown_fields_survive(document: Document, unknown: dict[str, Any]) -> None:
    """Any value under any name, written again after the known ones, also by a change (ST-1)."""
    known = list(document.fields())
    read = type(document).model_validate({**unknown, **document.fields()})
    assert list(read.fields()) == [*known, *unknown]
    assert read.fields().items() >= unknown.items()
    changed = read.model_copy(update={"reason": "another"} if "reason" in known else {"generation": 9})
    assert changed.fields().items() >= unknown.items()


def test_unknown_fields_of_feedback_survive() -> None:
    """A newer version's words are not lost by an older one."""
    task = make_task(feedback={**OLD_FEEDBACK.model_dump(), "severity": 3})
    assert task.fields()["feedback"]["severity"] == 3
    assert Task.model_validate(task.fields()) == task


@BY_KIND
def test_a_document_is_never_changed_in_place(document: Document) -> None:
    """A decision makes a new one."""
    for name in type(document).model_fields:
        with pytest.raises(ValidationError):
            setattr(document, name, None)


@BY_KIND
def test_only_the_schema_has_a_default(document: Document) -> None:
    """A field that is missing is a mistake, never a guess."""
    written = document.fields()
    for name in written.keys() - {"schema"}:
        with pytest.raises(ValidationError) as refused:
            type(document).model_validate({key: value for key, value in written.items() if key != name})
        assert [error["loc"] for error in refused.value.errors()] == [(name,)]


@BY_KIND
def test_no_value_is_converted(document: Document) -> None:
    """`1` is no text, `"1"` no number, `true` no `1`: what YAML makes of a word is not guessed at (ST-1)."""
    written = document.fields()
    for name, value in written.items():
        others: list[object] = [1.0, True, b"x", [1]]
        if value is not None:
            others += ["1", None] if isinstance(value, int) else [1]
        for other in others:
            with pytest.raises(ValidationError):
                type(document).model_validate(written | {name: other})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("schema", "orch.task/2"),
        ("schema", "orch.job/1"),
        ("id", "../x"),
        ("title", ""),
        ("title", "two\nlines"),
        ("title", "x" * 201),
        ("stage", "Testing"),
        ("stage", "a/b"),
        ("stage", "x" * 41),
        ("stage", "testing\n"),
        ("state", "ACTIVE"),
        ("state", "gone"),
        ("branch", "-x"),
        ("branch", "a b"),
        ("branch", ""),
        ("head", "abc"),
        ("head", HEAD.upper()),
        ("head", HEAD + "\n"),
        ("head", "c" * 41),
        ("reason", "two\nlines"),
        ("reason", "two\rlines"),
        ("reason", "x" * 4097),
        ("reason", "\udcff"),
        ("developer_retries", -1),
        ("defers", -1),
        ("feedback", {}),
        ("feedback", OLD_FEEDBACK.model_dump() | {"findings_total": -1}),
        ("feedback", OLD_FEEDBACK.model_dump() | {"findings": [{}]}),
    ],
)
def test_what_no_task_may_hold(field: str, value: object) -> None:
    """Documents are untrusted input (OWN-3)."""
    with pytest.raises(ValidationError) as refused:
        make_task(**{field: value})
    assert {error["loc"][0] for error in refused.value.errors()} == {field}


@pytest.mark.parametrize(
    ("field", "value"),
    [("head", ""), ("head", "c" * 64), ("title", "é" * 200), ("reason", "x" * 4096), ("stage", "x" * 40)],
)
def test_what_a_task_may_just_hold(field: str, value: str) -> None:
    """The bounds themselves are inside."""
    assert make_task(**{field: value}).fields()[field] == value


def test_feedback_holds_a_bounded_number_of_findings() -> None:
    """Whoever wrote it."""
    one = dict(feedback.of_verdict(a_verdict(Outcome.FAIL, findings=(FINDING,))).findings[0])
    known = OLD_FEEDBACK.model_dump()
    Feedback.model_validate(known | {"findings": [one] * MAX_FINDINGS})
    with pytest.raises(ValidationError):
        Feedback.model_validate(known | {"findings": [one] * (MAX_FINDINGS + 1)})
    with pytest.raises(ValidationError):
        Feedback.model_validate(known | {"findings": [one | {"secret": "x"}]})


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (make_job, {"attempt": "0" * 15}),
        (make_job, {"attempt": "G" * 16}),
        (make_job, {"status": "gone"}),
        (make_job, {"exit_code": "0"}),
        (make_lease, {"generation": -1}),
        (make_lease, {"target": "../main"}),
    ],
)
def test_what_no_job_or_lease_may_hold(kind: Any, changes: dict[str, object]) -> None:
    """As little as a task."""
    with pytest.raises(ValidationError):
        kind(**changes)


@pytest.mark.parametrize("changes", [{"generation": 0}, {"stages": ()}, {"stages": ("A",)}, {"rework": ""}])
def test_what_no_root_may_hold(changes: dict[str, Any]) -> None:
    """A branch begins with generation one, and has a stage."""
    with pytest.raises(ValidationError):
        root_of(DEFAULT, **changes)


def test_states_say_who_moves_a_task() -> None:
    """By itself, by a person, or nobody ever."""
    assert [state for state in TaskState if state.finished] == [TaskState.DONE, TaskState.CANCELLED]
    assert [state for state in TaskState if state.waits_for_a_person] == [TaskState.HELD, TaskState.ESCALATED]
    assert [status for status in JobStatus if not status.terminal] == [JobStatus.QUEUED, JobStatus.RUNNING]


def test_kinds_are_those_of_the_builders() -> None:
    """So that every kind of document went through the tests above."""
    assert [type(document) for document in DOCUMENTS] == [Task, Job, Lease, Root]
