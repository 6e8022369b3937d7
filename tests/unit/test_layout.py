"""Paths of the state branch: what each means, and that nothing else means anything (ST-1, OWN-3)."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from orch_gates.document_kinds import KINDS
from orch_gates.model.ids import TASK_ID, TaskId, shard, task_id
from orch_gates.state import layout
from orch_gates.state.kinds import DocumentKind, Location, UnknownPath
from orch_gates.state.paths import Key

T1 = task_id("T-1")
HERE = layout.task_folder(T1)
THEN = layout.archive_folder(2026, T1)
ATTEMPT = "0123456789abcdef"
COMMIT = "ab" * 20

task_ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}(\.[A-Za-z0-9_-]{1,4}){0,2}", fullmatch=True).filter(
    TASK_ID.fullmatch
)
attempts = st.text("0123456789abcdef", min_size=16, max_size=16)
environments = st.from_regex(r"[a-z][a-z0-9-]{0,39}", fullmatch=True)
reports = st.from_regex(r"[0-9]{2}-[a-z][a-z0-9-]{0,20}", fullmatch=True)
branches = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,40}", fullmatch=True)


def path_of(location: Location) -> str:
    """Where something belongs, by the pattern that writers use."""
    older = location.kind.older if isinstance(location.kind, DocumentKind) and "head" not in location.keys else None
    path = (older or location.kind.path).path(**location.keys)
    if not location.year:
        return path
    task = TaskId(location.task)
    return layout.archive_folder(location.year, task) + path.removeprefix(layout.task_folder(task))


def found(path: str) -> tuple[str, dict[str, Key], int]:
    """The kind at a path (the path itself for a page), its keys, and the year of the archive."""
    location = KINDS.locate(path)
    assert isinstance(location, Location), location.why
    name = location.kind.name if isinstance(location.kind, DocumentKind) else str(location.kind.path)
    return name, dict(location.keys), location.year


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("orch-state.md", ("state", {}, 0)),
        ("README.md", ("README.md", {}, 0)),
        (f"tasks/{shard('T-1')}/T-1/task.md", ("task", {"task": "T-1"}, 0)),
        (f"{HERE}/jobs/{ATTEMPT}.md", ("job", {"task": "T-1", "attempt": ATTEMPT}, 0)),
        (f"{HERE}/17-security-report.md", ("report", {"task": "T-1", "report": "17-security-report"}, 0)),
        (
            f"{HERE}/reports/{COMMIT}/17-security-report.md",
            ("report", {"task": "T-1", "head": COMMIT, "report": "17-security-report"}, 0),
        ),
        ("leases/main.md", ("lease", {"branch": "main"}, 0)),
        ("leases/release%2F1.x.md", ("lease", {"branch": "release/1.x"}, 0)),
        ("leases/notes.md.md", ("lease", {"branch": "notes.md"}, 0)),
        ("environments/production.md", ("environment", {"environment": "production"}, 0)),
        (f"watches/{ATTEMPT}.md", ("watch", {"deploy": ATTEMPT}, 0)),
        ("sweep.md", ("sweep", {}, 0)),
        ("forge/pulls/7.md", ("pull", {"number": 7}, 0)),
        ("forge/issues/120.md", ("issue", {"number": 120}, 0)),
        (f"forge/statuses/ab/{COMMIT}.md", ("statuses", {"commit": COMMIT}, 0)),
        ("forge/protection/release%2F1.x.md", ("protection", {"branch": "release/1.x"}, 0)),
        (f"archive/2026/{shard('T-1')}/T-1/task.md", ("task", {"task": "T-1"}, 2026)),
        (f"{THEN}/jobs/{ATTEMPT}.md", ("job", {"task": "T-1", "attempt": ATTEMPT}, 2026)),
        (f"{THEN}/12-test-report.md", ("report", {"task": "T-1", "report": "12-test-report"}, 2026)),
    ],
)
def test_where_everything_lives(path: str, place: tuple[str, dict[str, Key], int]) -> None:
    """The layout that state/README.md promises; each path is also the one that writers use."""
    assert found(path) == place
    location = KINDS.locate(path)
    assert isinstance(location, Location)
    assert path_of(location) == path


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        ".",
        "..",
        "\0",
        "orch-state.md/",
        "/orch-state.md",
        "./orch-state.md",
        "ORCH-STATE.MD",
        "Orch-State.md",
        "orch-state.md\n",
        "readme.md",
        "docs/README.md",
        "tasks",
        "tasks/",
        "tasks//T-1/task.md",
        HERE,
        f"{HERE}/",
        f"/{HERE}/task.md",
        f"./{HERE}/task.md",
        f"x/../{HERE}/task.md",
        f"{HERE}//task.md",
        f"{HERE}/./task.md",
        f"{HERE}/../T-1/task.md",
        f"{HERE}/task.md/",
        f"{HERE}/task.md/..",
        f"{HERE}/task.md\n",
        f"{HERE}/task.md ",
        f"{HERE}/TASK.md",
        f"{HERE}/task.MD",
        f"{HERE}/task%2Emd",
        f"{HERE}/notes.md",
        f"{HERE}\\task.md",
        HERE.replace("tasks", "Tasks") + "/task.md",
        HERE.replace("/", "%2F") + "/task.md",
        HERE.replace("T-1", "t-1") + "/task.md",
        HERE.replace("T-1", "T-2") + "/task.md",
        HERE.upper() + "/task.md",
        f"tasks/{shard('..')}/../task.md",
        f"tasks/{shard('.')}/./task.md",
        f"tasks/{shard('')}//task.md",
        f"tasks/{shard('T-1.lock')}/T-1.lock/task.md",
        f"tasks/{shard('T-1.')}/T-1./task.md",
        f"tasks/{shard('a..b')}/a..b/task.md",
        f"tasks/{shard('-f')}/-f/task.md",
        f"tasks/{shard('a%2Fb')}/a%2Fb/task.md",
        f"tasks/{shard('é')}/é/task.md",
        f"tasks/{shard('T' * 65)}/{'T' * 65}/task.md",
        "tasks/../orch-state.md",
        f"{HERE}/jobs",
        f"{HERE}/jobs/.md",
        f"{HERE}/jobs/{ATTEMPT}",
        f"{HERE}/jobs/{ATTEMPT}.md.md",
        f"{HERE}/jobs/{ATTEMPT.upper()}.md",
        f"{HERE}/jobs/{ATTEMPT}0.md",
        f"{HERE}/jobs/../task.md",
        f"{HERE}/jobs/x/{ATTEMPT}.md",
        f"{HERE}/Jobs/{ATTEMPT}.md",
        f"{HERE}/reports/12-test-report.md",
        f"{HERE}/reports/{COMMIT[1:]}/12-test-report.md",
        f"{HERE}/reports/{COMMIT}/task.md",
        f"{HERE}/7-security-report.md",
        f"{HERE}/17-Security-report.md",
        f"{HERE}/17-security.report.md",
        f"{HERE}/17-.md",
        f"{HERE}/17-../task.md",
        f"{HERE}/17-security-report.md.orig",
        f"{HERE}/reports/17-security-report.md",
        f"{HERE}/\u0661\u0667-security-report.md",
        "leases",
        "leases/.md",
        "leases/main",
        "leases/main.MD",
        "leases/..md",
        "leases/../orch-state.md",
        "leases/release/1.x.md",
        "leases/release%2f1.x.md",
        "leases/release%252F1.x.md",
        "leases/release%5C1.x.md",
        "leases/%2Fmain.md",
        "leases/%2E%2E.md",
        "leases/-f.md",
        "leases/ma in.md",
        "leases/ü.md",
        "leases/main.md\n",
        f"leases/{'b' * 201}.md",
        "environments/.md",
        "environments/Production.md",
        "environments/pro.duction.md",
        "environments/../orch-state.md",
        "environments/a/b.md",
        f"environments/{'e' * 41}.md",
        "watches/production.md",
        f"watches/{ATTEMPT.upper()}.md",
        f"watches/{ATTEMPT}0.md",
        "sweep",
        "sweep/watch.md",
        "sweep.md\n",
        "sweep.md.orig",
        "forge/7.md",
        "forge/pulls/0.md",
        "forge/pulls/07.md",
        "forge/pulls/-7.md",
        "forge/pulls/7",
        "forge/pulls/7.md.md",
        "forge/pulls/7.md\n",
        "forge/pulls/\u0667.md",
        "forge/pulls/1234567890.md",
        "forge/pulls/../issues/7.md",
        "forge/issues/x.md",
        f"forge/statuses/{COMMIT}.md",
        f"forge/statuses/ba/{COMMIT}.md",
        f"forge/statuses/ab/{COMMIT.upper()}.md",
        f"forge/statuses/ab/{COMMIT[:39]}.md",
        "forge/protection/.md",
        "forge/protection/release/1.x.md",
        "forge/tags/v1.md",
        THEN.replace("2026", "26") + "/task.md",
        THEN.replace("2026", "02026") + "/task.md",
        THEN.replace("2026", "-026") + "/task.md",
        THEN.replace("2026", "\u0662026") + "/task.md",
        THEN.replace("2026", "..") + "/task.md",
        THEN.replace("/2026", "") + "/task.md",
        f"{THEN}/notes.md",
        f"{THEN}/../T-1/task.md",
        f"archive/2026/{HERE}/task.md",
        "archive/2026/orch-state.md",
        "archive/2026/leases/main.md",
        ".git/config",
        ".github/workflows/ci.yml",
        "tasks\udcff/x",
    ],
)
def test_nothing_lives_anywhere_else(path: str) -> None:
    """Near misses, other spellings and ways out of the folder are no documents; it is said why."""
    place = KINDS.locate(path)
    assert isinstance(place, UnknownPath)
    assert place.why


def test_a_folder_that_is_not_the_tasks_own_is_named() -> None:
    """The same task in another shard would be a second one."""
    place = KINDS.locate(f"tasks/{'00' if shard('T-1') != '00' else '01'}/T-1/task.md")
    assert isinstance(place, UnknownPath)
    assert shard("T-1") in place.why


@settings(max_examples=60)
@given(task=task_ids, attempt=attempts, report=reports, branch=branches, number=st.integers(1, 9999), name=environments)
def test_writers_and_readers_agree(task: str, attempt: str, report: str, branch: str, number: int, name: str) -> None:
    """Whatever is written under a name is read under it, and moves to the archive and back as it is."""
    commit = shard(report) * 20
    given: dict[str, Key] = {
        "task": task,
        "attempt": attempt,
        "report": report,
        "branch": branch,
        "number": number,
        "commit": commit,
        "head": commit,
        "environment": name,
        "deploy": attempt,
    }
    for kind in KINDS.rows:
        named: dict[str, Key] = {key: given[key] for key in given if f"{{{key}}}" in kind.path.template}
        assert found(kind.at(**named)) == (kind.name, named, 0)
        if "task" in named:
            archived = f"archive/{number:04}/" + kind.at(**named).removeprefix("tasks/")
            assert found(archived) == (kind.name, named, number)


pieces = st.sampled_from(
    [
        "tasks",
        "leases",
        "archive",
        "sweep",
        "jobs",
        "forge",
        "pulls",
        "7.md",
        "2026",
        shard("T-1"),
        "T-1",
        "task.md",
        "main.md",
        "x.md",
    ]
    + ["17-security-report.md", f"{ATTEMPT}.md", "orch-state.md", "README.md", "a%2Fb.md", "", ".", "..", "%2F", "\n"]
)
paths = st.one_of(
    st.text(max_size=30),
    st.lists(pieces, max_size=6).map("/".join),
    st.tuples(
        st.sampled_from(
            [f"{HERE}/task.md", f"{HERE}/jobs/{ATTEMPT}.md", f"{THEN}/12-test-report.md", "leases/a%2Fb.md"]
        ),
        st.integers(0, 60),
        st.sampled_from(["/", ".", "..", "%", "2", "F", "f", "m", "A", "-", "\n", "\0", "é", "\udcff"]),
    ).map(lambda drawn: drawn[0][: drawn[1]] + drawn[2] + drawn[0][drawn[1] :]),
)


@settings(max_examples=250)
@given(path=paths)
@example(path="leases/a%2F..%2Fb.md")
def test_every_path_means_one_thing(path: str) -> None:
    """Total for any text; two paths never mean the same, and none with a meaning leads out of its folder."""
    place = KINDS.locate(path)
    assert isinstance(place, UnknownPath) or path_of(place) == path
    if not isinstance(place, UnknownPath):
        pure = PurePosixPath(path)
        assert str(pure) == path
        assert not pure.is_absolute()
        assert not {".", ".."} & set(pure.parts)
        assert path.isascii()
        assert path.isprintable()


def test_a_year_has_four_digits() -> None:
    """So that folders sort as the years do."""
    assert layout.archive_folder(987, T1).startswith("archive/0987/")
