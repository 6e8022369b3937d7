"""Documents of the state branch: read back as they were written, and anything else refused (ST-1, ST-6, OWN-3)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orch_gates.document_kinds import KINDS
from orch_gates.documents import frontmatter
from orch_gates.documents.yaml_write import MAX_DEPTH, MAX_KEY
from orch_gates.errors import StateDocumentError, UpgradeNeeded
from orch_gates.model.document import Document
from orch_gates.model.finding import MAX_FINDINGS
from orch_gates.model.ids import TASK_ID, TaskId, task_id, timestamp
from orch_gates.model.job import Job, JobStatus
from orch_gates.model.lease import Lease
from orch_gates.model.report import Report
from orch_gates.model.root import Root
from orch_gates.model.task import Task, TaskState
from orch_gates.model.verdict import Outcome, Verdict
from orch_gates.report import security
from orch_gates.state import codec, kinds, layout
from orch_gates.state.history import files
from orch_gates.state.kinds import DocumentKind
from tests.reports import HEAD, OLDER, RED, TESTS, passed

NOW = datetime(2026, 11, 20, 10, 30, 5, tzinfo=UTC)
AT = "2026-11-20T10:30:05Z"
ATTEMPT = "0123456789abcdef"
Fields = dict[str, Any]

ROOT: Fields = {
    "schema": "orch.state/1",
    "generation": 1,
    "created": AT,
    "stages": ["development", "review"],
    "rework": "development",
}
TASK: Fields = {
    "schema": "orch.task/1",
    "id": "T-1",
    "title": "Greet by name",
    "stage": "development",
    "state": "active",
    "branch": "task/T-1",
    "head": HEAD,
    "reason": "new",
    "cause": "ada",
    "created": AT,
    "created_by": "ada",
    "since": AT,
    "updated": AT,
    "available_at": None,
    "developer_retries": 0,
    "defers": 0,
    "feedback": None,
}
JOB: Fields = {
    "schema": "orch.job/1",
    "task": "T-1",
    "stage": "development",
    "role": "developer",
    "attempt": ATTEMPT,
    "number": 1,
    "status": "running",
    "reason": "",
    "by": "ada",
    "head": "",
    "created": AT,
    "started": AT,
    "ended": None,
    "exit_code": None,
    "runner": "ada on build-1",
    "process": {"host": "one boot", "pid": 7, "started": "99"},
    "run": None,
    "dispatch": None,
}
LEASE: Fields = {
    "schema": "orch.lease/1",
    "target": "release/1.x",
    "generation": 3,
    "holder": "T-1",
    "granted": AT,
    "expires": AT,
    "reason": "granted",
}
FEEDBACK: Fields = {
    "gate": "tests-passed",
    "reason": "1 test failed",
    "next_step": "Mend it.",
    "findings_total": 1,
    "findings": [RED],
}
PULL: Fields = {
    "schema": "orch.pull/1",
    "number": 7,
    "title": "Greet by name",
    "branch": "task/T-1",
    "target": "release/1.x",
    "state": "open",
    "author": "alice",
    "created": AT,
    "first_head": HEAD,
    "last_head": "",
    "merge_commit": "",
    "reviews": [{"reviewer": "bob", "state": "approved", "commit": HEAD, "at": AT}],
    "comments": [{"by": "bob", "at": AT, "text": "Noted."}],
}
ISSUE: Fields = {
    "schema": "orch.issue/1",
    "number": 6,
    "title": "Nobody is greeted",
    "state": "open",
    "author": "bob",
    "created": AT,
    "labels": ["orch: analysis", "task"],
    "comments": [],
}
STATUS: Fields = {
    "context": "build",
    "state": "success",
    "description": "",
    "url": "",
    "by": "ci",
    "at": AT,
    "number": 1,
}
STATUSES: Fields = {"schema": "orch.statuses/1", "commit": HEAD, "statuses": [STATUS]}
RULE: Fields = {
    "schema": "orch.protection/1",
    "branch": "release/1.x",
    "contexts": ["build"],
    "approvals": 1,
    "mergers": ["bob"],
    "pushes": False,
    "admins": True,
}
EVERY = {
    "state": ROOT,
    "task": TASK,
    "job": JOB,
    "lease": LEASE,
    "pull": PULL,
    "issue": ISSUE,
    "statuses": STATUSES,
    "protection": RULE,
}
every_kind = pytest.mark.parametrize("fields", list(EVERY.values()), ids=list(EVERY))


def kind_of(fields: Mapping[str, Any]) -> DocumentKind[Any]:
    return KINDS.by_name[fields["schema"].removeprefix("orch.").removesuffix("/1")]


def path_of(fields: Mapping[str, Any]) -> str:
    """Where a document with these fields belongs."""
    kind = kind_of(fields)
    return kind.at(**{key: fields[name] for key, name in kind.keys.items()})


def decode(path: str, text: str) -> tuple[Document, str]:
    """What every reader of the branch sees at a path."""
    found = files.read(KINDS, path, text.encode("utf-8", "surrogatepass"))
    if found.problem is not None:
        raise StateDocumentError(f"{path}: {found.problem.rule}")
    if found.document is None:
        raise StateDocumentError(f"{path}: no document")
    return found.document, found.body


def refused(path: str, text: str) -> str:
    with pytest.raises(StateDocumentError) as refusal:
        decode(path, text)
    output = str(refusal.value)
    assert output.startswith(f"{path}: ")
    return output.removeprefix(f"{path}: ")


def typed(fields: Fields) -> str:
    """Equal texts for equal values of equal types: True is not 1."""
    return json.dumps(fields, sort_keys=True)


def written(fields: Fields, body: str = "") -> str:
    return frontmatter.encode(fields, body)


# --- round trips ---------------------------------------------------------------------------------

# What a YAML reader would take for something else, or a terminal for a command.
NASTY = ["no", "NO", "on", "~", "null", "Null", "true", "0", "-1", "+1", "1.5", "1e3", ".inf", "0o17", "017", "0x1f"]
NASTY += ["1_000", "12:30:00", "2026-11-20", AT, "=", "<<", "*a", "&a", "!!str", "%YAML 1.1", "- a", "-", "---"]
NASTY += ["a: b", ": ", "a #b", "# c", "{a}", "[a]", "|", ">", "'", '"', "\\", "\\n", "`", "@", " a", "a ", "\t", " "]
NASTY += ["\x00", "\x1b[31m", "\x85", "\u2028", "\ufeff", "\u202e", "\uffff", "\U0001f600", "é", "e\u0301", "\u0661"]
NASTY += ["x" * 190]

letters = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\r"), max_size=30)
lines = st.sampled_from(NASTY) | letters
long_lines = lines | st.sampled_from(["x" * 4096, "\U0001f600" * 4096, "\x00" * 4096])
texts = lines | st.sampled_from(["", "\n", "---\n", "a\n---\nb: c\n", "\r\n"])
bodies = texts | st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
moments = st.datetimes().map(lambda at: f"{at.isoformat(timespec='seconds')}Z")
counts = st.integers(0, 2**63 - 1)
slugs = st.sampled_from(["no", "null", "true", "on", "y", "development", "a" * 40]) | st.from_regex(
    r"[a-z][a-z0-9-]{0,39}", fullmatch=True
)
oids = st.sampled_from(["", HEAD, "0" * 40, "1" * 64, f"{'0' * 20}e{'1' * 19}"])
task_names = st.sampled_from(["no", "1e3", "0o17", "0", "1.5", "2026-11-20", "null", "T" * 64]) | st.from_regex(
    r"[A-Za-z0-9][A-Za-z0-9_.-]{0,20}", fullmatch=True
).filter(TASK_ID.fullmatch)
NO_BRANCHES = ["a..b", "a//b", "a/", "a.", "a/.b", "a.lock", "a.lock/b"]
branch_names = st.sampled_from(["no", "1e3", "2026-11-20", "a/b/c", "b" * 200]) | st.from_regex(
    r"[A-Za-z0-9][A-Za-z0-9_-]{0,10}([./][A-Za-km-z0-9][A-Za-z0-9_-]{0,5}){0,3}", fullmatch=True
)
attempts = st.text("0123456789abcdef", min_size=16, max_size=16) | st.sampled_from(["0" * 16, f"1e{'1' * 14}"])
keys = lines.filter(lambda key: len(key) <= MAX_KEY)
values: st.SearchStrategy[Any] = st.recursive(
    texts | st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keys, inner, max_size=2),
    max_leaves=4,
)
unknown_names = keys.filter(lambda key: len(key) <= MAX_KEY - 2).map("x_".__add__) | st.sampled_from(
    ["no", "1", "<<", "", "schema_", "fields", "model_extra", "__class__", "KIND", "VERSION", "self"]
)
unknown = st.dictionaries(unknown_names, values, max_size=2)
reported = st.fixed_dictionaries({name: texts for name in RED if name != "line"} | {"line": counts})
feedback = st.none() | st.builds(
    lambda said, extra: said | extra,
    st.fixed_dictionaries(
        {"gate": texts, "reason": texts, "next_step": texts, "findings_total": counts}
        | {"findings": st.lists(reported, max_size=2)}
    ),
    unknown,
)


def with_schema(name: str, fields: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Fields]:
    known = st.fixed_dictionaries({"schema": st.just(name)} | fields)
    return st.builds(lambda stated, extra: stated | extra, known, unknown)


roots = with_schema(
    "orch.state/1",
    {
        "generation": st.integers(1, 2**63 - 1),
        "created": moments,
        "stages": st.lists(slugs, min_size=1, max_size=3),
        "rework": slugs,
    },
)
tasks = with_schema(
    "orch.task/1",
    {
        "id": task_names,
        "title": lines.filter(bool),
        "stage": slugs,
        "state": st.sampled_from([state.value for state in TaskState]),
        "branch": branch_names,
        "head": oids,
        "reason": long_lines,
        "cause": lines,
        "created": moments,
        "created_by": lines,
        "since": moments,
        "updated": moments,
        "available_at": st.none() | moments,
        "developer_retries": counts,
        "defers": counts,
        "feedback": feedback,
    },
)
jobs = with_schema(
    "orch.job/1",
    {
        "task": task_names,
        "stage": slugs,
        "role": slugs,
        "attempt": attempts,
        "number": counts.filter(bool),
        "status": st.sampled_from([status.value for status in JobStatus]),
        "reason": long_lines,
        "by": lines,
        "head": oids,
        "created": moments,
        "started": st.none() | moments,
        "ended": st.none() | moments,
        "exit_code": st.none() | st.integers(-(2**63), 2**63 - 1),
        "runner": lines,
        "process": st.none() | st.fixed_dictionaries({"host": lines, "pid": counts, "started": lines}),
        "run": st.none()
        | st.fixed_dictionaries(
            {"id": counts.filter(bool), "attempt": counts, "job": lines, "url": st.just("https://forge.test/runs/7")}
        ),
        "dispatch": st.none()
        | st.fixed_dictionaries(
            {
                "way": st.sampled_from(["command", "workflow"]),
                "tries": counts.filter(bool),
                "planned": moments,
                "sent": st.none() | moments,
                "run": counts,
                "reason": lines,
            }
        ),
    },
)
leases = with_schema(
    "orch.lease/1",
    {
        "target": branch_names,
        "generation": counts,
        "holder": lines,
        "granted": st.none() | moments,
        "expires": st.none() | moments,
        "reason": long_lines,
    },
)


@settings(max_examples=120)
@given(fields=st.one_of(roots, tasks, jobs, leases), body=bodies)
@example(fields=TASK | {"feedback": FEEDBACK}, body="\n# T-1\n\n- 2026-11-20T10:30:05Z new\n")
def test_what_is_written_is_read_back_as_it_was(fields: Fields, body: str) -> None:
    """Every value keeps its type and every character; unknown fields stay (ST-1)."""
    path = path_of(fields)
    document, read_body = decode(path, written(fields, body))
    assert typed(document.fields()) == typed(fields)
    assert read_body == body
    again = codec.encode(document, body)
    assert decode(path, again) == (document, body)
    assert codec.encode(*decode(path, again)) == again


@every_kind
def test_what_a_person_typed_is_read_the_same(fields: Fields) -> None:
    """Comments, order and quotes are a matter of taste; the answer is not."""
    raw, _ = frontmatter.split(written(fields))
    known = re.findall(r"^(?!stages)[a-z_]+:.*\n(?: .*\n)*", raw, re.MULTILINE)
    turned = "".join(reversed(known)) + ('stages:\n- "development"\n- review # last\n' if "stages" in fields else "")
    for text in (raw, f"# by hand\n{turned}", raw.replace('"', "'")):
        assert decode(path_of(fields), f"---\n{text}---\n")[0].fields() == fields


@pytest.mark.parametrize("plain", ["no", "1e3", "0o17", "2026-11-20", "~", "on", "1.5", "Größe"])
def test_text_without_quotes_stays_what_was_typed(plain: str) -> None:
    """No YAML reader's taste turns a title or a reason into something else."""
    text = written(TASK).replace('"Greet by name"', plain).replace('reason: "new"', f"reason: {plain}")
    task, _ = codec.decode(kinds.TASK, path_of(TASK), text)
    assert (task.title, task.reason) == (plain, plain)


def test_unknown_fields_survive_a_change() -> None:
    """A newer orch-gates, or a person, finds its fields again, at every depth, below those known here (ST-1)."""
    extra = {"priority": 1, "links": [{"to": "no"}], "schema_": "x"}
    fields = extra | TASK | {"feedback": FEEDBACK | {"seen": True}}
    task, _ = decode(path_of(TASK), written(fields))
    changed = task.model_copy(update={"reason": "held by ada"})
    found, _ = frontmatter.decode(codec.encode(changed, ""))
    assert found == fields | {"reason": "held by ada"}
    assert list(found) == [*TASK, *extra]


@every_kind
def test_a_finished_task_is_read_in_the_archive(fields: Fields) -> None:
    """The same documents at another place; the rest has no place there (ST-5)."""
    of = task_id("T-1")
    there = layout.archive_folder(2026, of) + path_of(fields).removeprefix(layout.task_folder(of))
    if fields in (TASK, JOB):
        assert decode(there, written(fields))[0].fields() == fields
    else:
        refused(f"archive/2026/{path_of(fields)}", written(fields))


# --- what a field may hold -----------------------------------------------------------------------


@every_kind
def test_no_field_may_be_missing(fields: Fields) -> None:
    """A document that was cut short is not filled up with guesses."""
    for name in fields:
        without = {key: value for key, value in fields.items() if key != name}
        assert refused(path_of(fields), written(without)).startswith(f"{name}: ")


WRONG: list[tuple[Fields, str, list[Any]]] = [
    (ROOT, "generation", [0, -1, "1", True, None, [1], "1.0"]),
    (ROOT, "stages", ["development", [], None, {}, [1], [True], [None], ["Development"], ["a b"], [["a"]], ["../a"]]),
    (ROOT, "rework", ["", "Development", 1, None, "a" * 41, "a\n"]),
    (ROOT, "created", ["", "now", "2026-11-20", 1763634605, None, "2026-13-01T00:00:00Z", f"{AT}\n", AT.lower()]),
    (TASK, "title", ["", 1, True, None, ["x"], {}, "a\nb", "a\rb", "x" * 201]),
    (TASK, "stage", ["", 1, None, "Review", "review "]),
    (TASK, "state", ["ACTIVE", "", "activ", 0, True, None, ["active"]]),
    (TASK, "branch", ["", 1, None, "-f", "/a", "a b", "a\n", "a:b", "a~1", *NO_BRANCHES, "é", "b" * 201]),
    (TASK, "head", [1, None, "HEAD", HEAD[:39], HEAD.upper(), f"{HEAD}\n"]),
    (TASK, "reason", [1, True, None, "a\nb", "x" * 4097]),
    (TASK, "available_at", ["", "soon", 0, False]),
    (TASK, "developer_retries", ["0", True, False, None, -1, [0], ""]),
    (TASK, "defers", ["0", True, None, -1]),
    (TASK, "feedback", ["", [], "red", True, {}, FEEDBACK | {"findings_total": "1"}, FEEDBACK | {"findings": [{}]}]),
    (TASK, "feedback", [FEEDBACK | {"findings": [RED] * (MAX_FINDINGS + 1)}, FEEDBACK | {"reason": "x" * 4097}]),
    (JOB, "stage", ["", 1, None]),
    (JOB, "role", ["", 1, None, "a b"]),
    (JOB, "status", ["RUNNING", "", 1, None, "done"]),
    (JOB, "started", ["", "now", 1, False]),
    (JOB, "exit_code", ["0", True, "", [0]]),
    (LEASE, "generation", [-1, "3", True, None]),
    (LEASE, "holder", [1, None, True, "a\nb"]),
    (LEASE, "expires", ["", "never", 0]),
    (PULL, "title", ["", 1, None, "a\nb", "x" * 256]),
    (PULL, "state", ["OPEN", "", 1, None, "reopened", ["open"]]),
    (PULL, "branch", ["", "-f", "a b", *NO_BRANCHES]),
    (PULL, "first_head", ["", HEAD[:39], HEAD.upper(), None, 1]),
    (PULL, "merge_commit", [None, "HEAD", f"{HEAD}\n"]),
    (PULL, "reviews", ["", {}, [{}], [{"reviewer": "bob", "state": "commented", "commit": HEAD, "at": AT}]]),
    (PULL, "comments", ["", ["Noted."], [{"by": "bob", "at": "now", "text": ""}]]),
    (ISSUE, "state", ["merged", "", None]),
    (ISSUE, "labels", ["task", [""], ["a\nb"], [1], None]),
    (STATUSES, "statuses", ["", [{}], [STATUS | {"state": "green"}], [STATUS | {"context": ""}]]),
    (RULE, "approvals", [-1, "1", True, None]),
    (RULE, "pushes", ["false", 0, None]),
]


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [(fields, name, value) for fields, name, wrong in WRONG for value in wrong],
    ids=lambda value: repr(value)[:30] if not isinstance(value, dict) else "",
)
def test_a_value_of_the_wrong_kind_is_not_converted(fields: Fields, name: str, value: object) -> None:
    """The refusal names the file, the field and the rule, and never guesses what was meant."""
    output = refused(path_of(fields), written(fields | {name: value}))
    assert output.startswith((f"{name}: ", f"{name}."))
    assert "\n" not in output


@pytest.mark.parametrize(
    "name", ["..", "a/b", "", ".hidden", "-f", "a..b", "a.lock", "a.", "a b", "é", "T" * 65, 1, None]
)
def test_a_task_is_named_as_its_folder_is(name: object) -> None:
    """No name of a task leads out of its folder, or starts an option (OWN-3)."""
    for fields, field in ((TASK, "id"), (JOB, "task")):
        assert refused(path_of(fields), written(fields | {field: name})).startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("fields", "field", "value"),
    [
        (TASK, "id", "T-2"),
        (TASK, "id", "t-1"),
        (JOB, "task", "T-2"),
        (JOB, "attempt", "f" * 16),
        (LEASE, "target", "release"),
        (LEASE, "target", "release-1.x"),
        (LEASE, "target", "Release/1.x"),
        (PULL, "number", 8),
        (ISSUE, "number", 7),
        (STATUSES, "commit", "f" * 40),
        (RULE, "branch", "main"),
    ],
)
def test_a_document_says_what_its_path_says(fields: Fields, field: str, value: object) -> None:
    """A file copied or moved to another task's place is refused there, in the archive too."""
    path = path_of(fields)
    assert refused(path, written(fields | {field: value})).startswith(f"{field}: ")
    if fields in (TASK, JOB):
        there = path.replace(layout.task_folder(task_id("T-1")), layout.archive_folder(2026, task_id("T-1")))
        assert refused(there, written(fields | {field: value})).startswith(f"{field}: ")


# --- which document belongs where ----------------------------------------------------------------


@every_kind
def test_a_document_of_another_kind_is_refused(fields: Fields) -> None:
    """Each place has its kind; the schema that is expected is named."""
    for other in EVERY.values():
        if other is not fields:
            assert fields["schema"] in refused(path_of(fields), written(other))
            assert fields["schema"] in refused(path_of(fields), written(fields | {"schema": other["schema"]}))


@pytest.mark.parametrize(
    "schema",
    [None, "", 1, True, "orch.task", "orch.task/", "orch.task/0", "orch.task/01", "orch.task/-1", "orch.task/1.0"]
    + ["orch.task/1 ", "orch.task/1\n", " orch.task/1", "ORCH.TASK/1", "orch.task/one", "orch.task/\u0661", "task/1"]
    + ["orch.job/1", "orch.job/2", "orch.task/9999999", ["orch.task/1"], {"orch.task/1": 1}],
)
def test_a_schema_is_spelled_exactly(schema: object) -> None:
    """What is not a schema of this kind is not guessed at."""
    assert refused(path_of(TASK), written(TASK | {"schema": schema})).startswith("schema: orch.task/1 is expected")


@every_kind
@pytest.mark.parametrize("version", [2, 10, 999_999])
def test_a_newer_version_asks_for_an_upgrade(fields: Fields, version: int) -> None:
    """Whatever else a newer document holds, it is not read as if it were old; nothing is wrong with it (ST-1)."""
    newer = fields["schema"].replace("/1", f"/{version}")
    for text in (written(fields | {"schema": newer}), written({"schema": newer, "all": "new"})):
        with pytest.raises(UpgradeNeeded, match="upgrade") as refusal:
            codec.decode(kind_of(fields), path_of(fields), text)
        assert path_of(fields) in str(refusal.value)
        assert newer in str(refusal.value)


@pytest.mark.parametrize(
    "path",
    ["", "notes.md", "README.md", "sweep/watch.md", "tasks/../orch-state.md", "leases/../orch-state.md", "TASKS/a"]
    + [f"/{layout.ROOT}", f"./{layout.ROOT}", f"{layout.task_folder(TaskId('T-1'))}/../T-1/task.md"],
)
def test_there_are_no_documents_elsewhere(path: str) -> None:
    """What lives in no known place is not read, whatever it says it is (OWN-3)."""
    for fields in EVERY.values():
        refused(path, written(fields))


def test_a_report_is_read_where_reports_are(tmp_path: Path) -> None:
    """Written by hand or sealed by its gate, in the hot tree or archived; nothing else belongs there."""
    sealed = tmp_path / security.FILE_NAME
    verdict = Verdict("security", Outcome.PASS, "no secret", notices=("slow",), evidence={"commits_scanned": 1})
    security.write(sealed, verdict, head=HEAD, base=OLDER, target="main", now=NOW)
    of = task_id("T-1")
    for name, text in (("12-test-report.md", passed(tests_status="PASSED")), (sealed.name, sealed.read_text())):
        for folder in (layout.task_folder(of), layout.archive_folder(2026, of)):
            document, body = decode(f"{folder}/{name}", text)
            assert isinstance(document, Report)
            assert document.fields().items() >= frontmatter.decode(text)[0].items()
            assert decode(f"{folder}/{name}", codec.encode(document, body)) == (document, body)
    path = layout.report_path(of, "12-test-report.md")
    assert refused(path, written(TASK)).startswith("schema: orch.report/1 is expected")
    assert refused(path, passed(TESTS, "schema")).startswith("schema: orch.report/1 is expected")
    assert refused(path, passed(head="HEAD")).startswith("head: ")
    assert refused(layout.report_path(of, "12-test-report.md", "e" * 40), passed()).startswith("head: ")


# --- hostile files -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("id: T-1\nid: T-2\n", "is repeated"),
        ("id: T-1\n'id': T-1\n", "is repeated"),
        ("feedback:\n  gate: a\n  gate: b\n", "is repeated"),
        ("id: &a T-1\ntitle: *a\n", "anchors"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", "anchors"),
        ("<<: {id: T-1}\n", "merge keys"),
        ("id: !!python/object/apply:os.system [ls]\n", "tags"),
        ("title: !!binary aGk=\n", "tags"),
        ("a: " + "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1) + "\n", "nested deeper"),
        ("a: " + "[" * 50_000 + "\n", "nested deeper"),
        ("a:\n" + "- 0\n" * 30_000, "more than"),
        ("a: " + "x" * frontmatter.MAX_FRONTMATTER + "\n", "longer than"),
        ("defers: 9223372036854775808\n", "too big"),
        ("k" * (MAX_KEY + 1) + ": 1\n", "a key has more than"),
        ("id: T-1\n--- \nid: T-2\n", "one document"),
        ("- id: T-1\n", "expected"),
        ("id: T-1\r\n", "not allowed here"),
        ("id: \x1b[2J\n", "not allowed here"),
    ],
    ids=lambda text: repr(text[:20]),
)
def test_dangerous_yaml_is_refused_by_file_and_line(raw: str, why: str) -> None:
    """One file is refused, with a short line about why; nothing in it is expanded or run (OWN-3)."""
    output = refused(path_of(TASK), f"---\nschema: orch.task/1\n{raw}---\n")
    assert why in output
    assert "line " in output
    assert len(output) < 300
    assert output.isprintable()


@every_kind
@pytest.mark.parametrize("cut", [0, 3, 4, 20, 60, -5, -1])
def test_a_file_that_was_cut_off_is_refused(fields: Fields, cut: int) -> None:
    """Half a document is none."""
    refused(path_of(fields), written(fields)[:cut])


def test_a_file_that_grew_too_long_is_refused() -> None:
    """By the reader and by the writer, so that what was written can always be read."""
    task, _ = decode(path_of(TASK), written(TASK))
    assert "longer than" in refused(path_of(TASK), written(TASK) + "x" * frontmatter.MAX_DOCUMENT)
    with pytest.raises(StateDocumentError, match=r"orch\.task/1: .*longer than"):
        codec.encode(task, "x" * frontmatter.MAX_DOCUMENT)


@pytest.mark.parametrize("value", ["\udcff", 1.5, 2**63, {"k" * (MAX_KEY + 1): 1}])
def test_what_no_document_can_hold_is_not_written(value: object) -> None:
    """The writer refuses it, rather than leave a file that nobody can read."""
    with pytest.raises(StateDocumentError, match=r"orch\.task/1"):
        codec.encode(Task.model_validate(TASK | {"x_odd": value}), "")


paths = st.sampled_from([*map(path_of, EVERY.values()), "README.md", "notes.md"]) | st.text(max_size=20)


@settings(max_examples=200)
@given(path=paths, text=st.text(max_size=60), fields=st.sampled_from(list(EVERY.values())), at=st.integers(0, 300))
def test_any_file_is_a_document_or_a_refusal(path: str, text: str, fields: Fields, at: int) -> None:
    """Never another error, whatever a file holds or is called (ST-6); what is read can be written again."""
    whole = written(fields)
    overwritten = whole[:at] + text + whole[at + len(text) :]
    for content in (text, f"---\n{text}\n---\n", whole[:at] + text + whole[at:], overwritten):
        try:
            document, body = decode(path, content)
        except StateDocumentError as error:
            assert str(error).startswith(path)
        else:
            assert decode(path, codec.encode(document, body)) == (document, body)


# --- the log below ------------------------------------------------------------------------------


@settings(max_examples=120)
@given(body=bodies, message=st.text(max_size=60) | st.sampled_from([*NASTY, "\udcff", "\n- 2026 forged", "x" * 9000]))
@example(body="\n# T-1\n", message="</details><script>\n\n# Not a title\n---\n")
def test_a_log_only_grows_by_one_line(body: str, message: str) -> None:
    """What was there stays as it was; foreign text cannot forge another line, a heading or an end of file (OWN-3)."""
    grown = codec.append_line(body, NOW, message)
    added = grown.removeprefix(body).removeprefix("" if not body or body.endswith("\n") else "\n")
    assert grown.startswith(body)
    assert added.startswith(f"- {timestamp(NOW)} ")
    assert added.endswith("\n")
    assert added.count("\n") == 1
    assert len(added.splitlines()) == 1
    assert "<" not in added
    document, _ = decode(layout.ROOT, written(ROOT))
    assert decode(layout.ROOT, codec.encode(document, grown)) == (document, grown)


def test_a_line_of_the_log_has_an_end() -> None:
    """A reason of any length leaves room for the next one."""
    assert len(codec.append_line("", NOW, "x" * 1_000_000)) < 2100


def test_kinds_are_known_by_their_names() -> None:
    """Each kind writes the schema that its documents say (ST-1)."""
    for kind, fields in EVERY.items():
        assert KINDS.by_name[kind].model.schema_name() == fields["schema"]
    assert {Root, Task, Job, Lease, Report} <= {kind.model for kind in KINDS.rows}
