"""Tasks from the command line: made once, moved by evidence, explained in words."""

import json
import os
import pty
import secrets
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orch_gates.model.ids import TaskId
from orch_gates.state import layout
from tests.builders import PROGRAM, Done, Repo, bare, clone, orch
from tests.hand_edits import edit_state

BRANCH = "orch-state"


@pytest.fixture
def work(tmp_path: Path) -> Repo:
    """A clone of a server that has a first commit and a state branch."""
    server = bare(tmp_path / "server.git")
    made = clone(server, tmp_path / "work")
    made.commit("start")
    made.git("push", "--quiet", "origin", "main")
    ok(made, "state", "init")
    return made


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("ORCH_STATE_BY", "a-tester")


def ok(repo: Repo, *args: str | Path, code: int = 0) -> str:
    """Run a command that has to end with `code`; answers what it printed."""
    done = orch(*args, cwd=repo.path)
    output = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == code, output
    return output


def state(repo: Repo, *args: str, code: int = 0) -> dict[str, object]:
    found = json.loads(orch(*args, "--json", cwd=repo.path).stdout)
    assert isinstance(found, dict)
    return found


def commits(repo: Repo) -> int:
    repo.git("fetch", "--quiet", "origin", BRANCH)
    return int(repo.git("rev-list", "--count", "FETCH_HEAD"))


def to_development(repo: Repo, name: str = "T-1") -> None:
    ok(repo, "task", "new", name, "Greet the user")
    ok(repo, "advance", name, "--approve")
    ok(repo, "advance", name)


def with_code(repo: Repo, name: str = "T-1") -> str:
    repo.git("switch", "--quiet", "--force-create", f"task/{name}", "main")
    head = repo.commit("work", {"code.py": f"# {secrets.token_hex(4)}\n"})
    repo.git("push", "--quiet", "--force", "origin", f"task/{name}")
    return head


def edit(repo: Repo, path: str, text: str | bytes) -> None:
    """Replace one file of the state branch by hand."""
    edit_state(Repo(Path(repo.git("remote", "get-url", "origin"))), {path: text})


def test_making_a_task_twice_makes_one(work: Repo) -> None:
    """A second `task new` with the same words is no error and no second commit (P7)."""
    assert "T-1: new, in analysis" in ok(work, "task", "new", "T-1", "Greet the user")
    before = commits(work)
    assert "is there already" in ok(work, "task", "new", "T-1", "Greet the user")
    assert commits(work) == before


def test_another_task_of_the_same_id_is_refused(work: Repo) -> None:
    ok(work, "task", "new", "T-1", "Greet the user")
    assert "there is another task T-1: 'Greet the user'" in ok(work, "task", "new", "T-1", "Something else", code=2)


@pytest.mark.slow
def test_fifty_processes_that_make_the_same_task_make_one(work: Repo) -> None:
    """All of them succeed, and one commit is made (REC-5)."""
    before = commits(work)

    def new(_: int) -> Done:
        return orch("task", "new", "T-1", "Greet the user", cwd=work.path)

    with ThreadPoolExecutor(50) as pool:
        done = list(pool.map(new, range(50)))
    assert {one.returncode for one in done} == {0}, [one.stderr for one in done if one.returncode][:1]
    assert sum(b"T-1: new" in one.stdout for one in done) == 1
    assert commits(work) == before + 1


@pytest.mark.parametrize("name", ["", "../x", "a/b", "-x", "x.lock", "a..b", "ä", "x" * 65, "a b"])
def test_a_name_that_is_no_id_is_told_at_once(work: Repo, name: str) -> None:
    before = commits(work)
    assert "a task id has 1 to 64 letters" in ok(work, "task", "new", "--", name, "A title", code=2)
    assert commits(work) == before


@pytest.mark.parametrize("title", ["", "two\nlines", "x" * 201])
def test_a_title_that_is_no_line_is_told_at_once(work: Repo, title: str) -> None:
    assert "title" in ok(work, "task", "new", "T-1", title, code=2)


def test_without_a_state_branch_every_command_says_how_to_make_one(tmp_path: Path) -> None:
    """A missing branch is an error, never an empty list (ST-4)."""
    server = bare(tmp_path / "server.git")
    made = clone(server, tmp_path / "work")
    made.commit("start")
    made.git("push", "--quiet", "origin", "main")
    for command in (["status"], ["task", "list"], ["why", "T-1"], ["advance", "T-1"], ["task", "new", "T-1", "x"]):
        assert "there is no state branch yet: run `orch-gates state init`" in ok(made, *command, code=2)


def test_outside_a_repository_the_error_says_so(tmp_path: Path) -> None:
    done = orch("status", cwd=tmp_path)
    assert done.returncode == 2
    assert b"is not inside a git repository" in done.stderr


@pytest.mark.parametrize("damaged", ["config", "HEAD"])
def test_a_repository_that_git_cannot_read_is_not_called_none(work: Repo, damaged: str) -> None:
    """git's own words say what it is; where it passes over a damaged one, what was seen is named."""
    (work.path / ".git" / damaged).write_text("[core\n")
    (work.path / "below").mkdir()
    done = orch("status", cwd=work.path / "below")
    assert (done.returncode, b"not inside" in done.stderr) == (2, False)
    assert (b"bad config line 1 in file" if damaged == "config" else b"damaged or forbidden") in done.stderr


def test_a_bare_repository_that_git_cannot_read_is_not_called_none(tmp_path: Path) -> None:
    made = bare(tmp_path / "app.git")
    (made.path / "HEAD").unlink()
    done = orch("doctor", "--only", "repository", cwd=made.path)
    assert (done.returncode, b"damaged or forbidden" in done.stdout) == (2, True), done.stdout


def test_a_state_that_cannot_be_read_is_told_as_git_says(work: Repo, tmp_path: Path) -> None:
    """git does not tell whether it is not there or not allowed; nothing is said but its words."""
    done = orch("status", cwd=work.path, env={"ORCH_STATE_REMOTE": str(tmp_path / "nowhere.git")})
    assert (done.returncode, b"cannot be read: fatal: '/" in done.stderr) == (2, True)


def test_a_clone_without_a_remote_is_told_to_add_one(work: Repo, tmp_path: Path) -> None:
    """Where the state is named apart, the branches of tasks still have to be somewhere; the advice works."""
    state = {"ORCH_STATE_REMOTE": str(bare(tmp_path / "state.git").path)}
    url = work.git("remote", "get-url", "origin")
    work.git("remote", "remove", "origin")
    done = orch("state", "init", cwd=work.path, env=state)
    advice = b"this clone has no remote `origin`; add it: `git remote add origin URL`"
    assert (done.returncode, advice in done.stderr) == (2, True), done.stderr
    work.git("remote", "add", "origin", url)
    assert orch("state", "init", cwd=work.path, env=state).returncode == 0


def test_making_the_branch_again_changes_nothing(work: Repo) -> None:
    before = commits(work)
    assert "is there already" in ok(work, "state", "init")
    assert commits(work) == before


def test_the_commands_work_inside_the_bare_repository_itself(work: Repo) -> None:
    """No clone is needed: an administrator asks on the server."""
    ok(work, "task", "new", "T-1", "Greet the user")
    server = Repo(work.path.parent / "server.git")
    assert "T-1 is active in analysis" in ok(server, "why", "T-1")
    assert "advance" in ok(server, "advance", "T-1", "--approve")


def test_a_human_stage_is_left_by_approval_only(work: Repo) -> None:
    ok(work, "task", "new", "T-1", "Greet the user")
    before = commits(work)
    assert "waits for a person's approval: `orch-gates advance T-1 --approve`" in ok(work, "advance", "T-1", code=2)
    assert commits(work) == before
    assert "now active in architecture" in ok(work, "advance", "T-1", "--approve")
    assert "needs no approval" in ok(work, "advance", "T-1", "--approve", code=1)


def test_without_evidence_a_task_stays_and_says_what_is_missing(work: Repo) -> None:
    to_development(work)
    with_code(work)
    output = ok(work, "advance", "T-1", code=1)
    assert "there is no 10-ci-report.md" in output
    before = commits(work)
    ok(work, "advance", "T-1", code=1)
    assert commits(work) == before, "saying the same again writes nothing"


def test_a_report_about_an_older_commit_is_stale(work: Repo) -> None:
    to_development(work)
    with_code(work)
    ok(work, "task", "report", "T-1", "ci-green", "SUCCESS")
    with_code(work)
    assert "there is no 10-ci-report.md about" in ok(work, "advance", "T-1", code=1)


def test_a_dry_run_says_what_would_follow_and_writes_nothing(work: Repo) -> None:
    to_development(work)
    with_code(work)
    ok(work, "task", "report", "T-1", "ci-green", "SUCCESS")
    before = commits(work)
    assert "T-1: advance" in ok(work, "advance", "T-1", "--dry-run")
    assert commits(work) == before
    assert "in development" in ok(work, "why", "T-1")


def in_testing(work: Repo) -> None:
    to_development(work)
    with_code(work)
    ok(work, "task", "report", "T-1", "ci-green", "SUCCESS")
    ok(work, "advance", "T-1")
    ok(work, "task", "report", "T-1", "review-approved", "APPROVED")
    ok(work, "advance", "T-1")


def test_a_red_gate_sends_back_with_its_words(work: Repo) -> None:
    """The next developer reads the gate's own words, and one retry is charged (ENG-4)."""
    in_testing(work)
    ok(work, "task", "report", "T-1", "tests-passed", "FAILED", "--reason", "greets nobody")
    ok(work, "advance", "T-1", code=1)
    found = state(work, "task", "show", "T-1")
    assert (found["stage"], found["developer_retries"]) == ("development", 1)
    feedback = found["feedback"]
    assert isinstance(feedback, dict)
    assert (feedback["gate"], feedback["reason"]) == ("tests-passed", "greets nobody")


def test_at_the_cap_a_person_is_asked(work: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing automatic moves an escalated task; a person's retry does (ENG-4)."""
    monkeypatch.setenv("ORCH_MAX_DEVELOPER_RETRIES", "0")
    in_testing(work)
    ok(work, "task", "report", "T-1", "tests-passed", "FAILED")
    assert "escalate" in ok(work, "advance", "T-1", code=2)
    assert "waits for a person" in ok(work, "advance", "T-1", code=2)
    assert "waits for a person: T-1 (escalated in testing)" in ok(work, "status")
    ok(work, "task", "retry", "T-1")
    assert "T-1 is active in testing" in ok(work, "why", "T-1")


def test_a_person_holds_resumes_and_cancels(work: Repo) -> None:
    ok(work, "task", "new", "T-1", "Greet the user")
    ok(work, "task", "hold", "T-1", "--reason", "waiting for legal")
    assert "T-1 is held in analysis: waiting for legal (a-tester)" in ok(work, "why", "T-1")
    assert "not done: it is held already" in ok(work, "task", "hold", "T-1", code=1)
    ok(work, "task", "resume", "T-1")
    ok(work, "task", "cancel", "T-1")
    assert "nothing moves it again" in ok(work, "task", "resume", "T-1", code=1)


def test_the_log_tells_who_when_what_and_why(work: Repo) -> None:
    ok(work, "task", "new", "T-1", "Greet the user")
    ok(work, "task", "new", "T-2", "Another")
    ok(work, "advance", "T-1", "--approve")
    lines = ok(work, "task", "log", "T-1").splitlines()
    assert "T-1: new (analysis)" in lines[0]
    assert "[by a-tester, " in lines[0]
    assert "T-1: advance (analysis → architecture)" in lines[2]
    assert "approved by a-tester" in lines[3]
    assert not any("T-2" in line for line in lines)
    assert "there is no task T-9" in ok(work, "task", "log", "T-9", code=2)


def test_status_counts_by_stage_for_people_and_machines(work: Repo) -> None:
    for number in range(3):
        ok(work, "task", "new", f"T-{number}", "A task")
    ok(work, "advance", "T-0", "--approve")
    assert "analysis        2      2 active" in ok(work, "status")
    stages = {row["stage"]: row["total"] for row in json.loads(ok(work, "status", "--json"))["stages"]}
    assert (stages["analysis"], stages["architecture"], stages["done"]) == (2, 1, 0)


def test_a_stage_that_is_not_there_lists_nothing_silently(work: Repo) -> None:
    ok(work, "task", "new", "T-1", "Greet")
    assert "--stage analisys is unknown; choose one of: analysis, architecture" in ok(
        work, "task", "list", "--stage", "analisys", code=2
    )
    assert "T-1" in ok(work, "task", "list", "--stage", "analysis")


def test_a_terminal_shows_lines_that_fit_it(work: Repo) -> None:
    """The title goes on below itself in a terminal, and is on one line in a pipe (UX-1)."""
    title = "Greet the user in the language that the browser asks for"
    ok(work, "task", "new", "T-1", title)
    assert title in ok(work, "task", "list")
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [PROGRAM, "task", "list"],
        cwd=work.path,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm", "COLUMNS": "80"},
        check=False,
    )
    os.close(theirs)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert done.returncode == 0
    assert max(map(len, shown.splitlines())) <= 80
    assert title in " ".join(shown.split())


def test_a_file_that_cannot_be_read_is_set_apart_and_the_rest_works(work: Repo) -> None:
    """One broken document is told, and stops nobody else (ST-6)."""
    for name in ("T-1", "T-2"):
        ok(work, "task", "new", name, "A task")
    edit(work, layout.task_path(TaskId("T-1")), "---\nschema: no\n")
    output = ok(work, "status")
    assert "1 files cannot be read" in output
    assert "cannot read a file of the state branch: tasks/" in output
    ok(work, "advance", "T-2", "--approve")
    assert "T-1/task.md" in ok(work, "why", "T-1", code=2)


@pytest.mark.parametrize("hostile", [b"---\nid: \xff\n---\n", b"", b"\0" * 100, b"---\n" + b"a: [" * 3000])
def test_no_document_brings_the_board_down(work: Repo, hostile: bytes) -> None:
    ok(work, "task", "new", "T-1", "A task")
    edit(work, layout.task_path(TaskId("T-1")), hostile)
    assert "cannot be read" in ok(work, "status")


def test_finished_tasks_are_archived_and_their_ids_are_not_used_again(work: Repo) -> None:
    ok(work, "task", "new", "T-1", "A task")
    ok(work, "task", "new", "T-2", "Another")
    ok(work, "task", "cancel", "T-1")
    assert "0 tasks archived" in ok(work, "state", "compact")
    assert "1 tasks archived" in ok(work, "state", "compact", "--older-than", "0")
    assert "T-1" not in ok(work, "task", "list")
    assert "T-2" in ok(work, "task", "list", "--state", "active")
    assert "--state nope is unknown; choose one of: active, deferred" in ok(
        work, "task", "list", "--state", "nope", code=2
    )
    assert "was finished and archived in archive/" in ok(work, "task", "new", "T-1", "A task", code=2)
    assert "`orch-gates task log T-1` tells what happened" in ok(work, "why", "T-1", code=2)
    assert "T-1: cancel" in ok(work, "task", "log", "T-1")
    assert "T-1: cancel" in ok(work, "task", "log", "T-1")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nonsense", "PASSED"], "unknown gate 'nonsense'"),
        (["tests-passed", "MAYBE"], "'MAYBE' is not a status of tests-passed; use one of: PASSED, FAILED"),
        (["security", "PASS"], "only the gate makes a security report"),
        (["tests-passed", "PASSED", "--head", "main"], "'main' is not a full commit id"),
        (["tests-passed"], "give GATE and STATUS, or --file"),
    ],
)
def test_a_report_that_would_prove_nothing_is_not_recorded(work: Repo, words: list[str], told: str) -> None:
    to_development(work)
    with_code(work)
    before = commits(work)
    assert told in ok(work, "task", "report", "T-1", *words, code=2)
    assert commits(work) == before


def test_a_sealed_report_is_recorded_only_as_it_was_written(work: Repo, real: Callable[[str], Path]) -> None:
    real("gitleaks")
    to_development(work)
    with_code(work)
    report = work.path.parent / "17-security-report.md"
    ok(work, "gate", "security", "--base", "origin/main", "--report", report)
    assert "17-security-report.md recorded" in ok(work, "task", "report", "T-1", "--file", report)
    assert "is recorded already" in ok(work, "task", "report", "T-1", "--file", report)
    report.write_text(report.read_text().replace('verdict: "PASS"', 'verdict: "FAIL"'))
    assert "changed after it was written" in ok(work, "task", "report", "T-1", "--file", report, code=2)


def test_fewer_stages_are_configured_on_the_target_branch(work: Repo) -> None:
    """A repository may have its own pipeline (ENG-2)."""
    work.git("switch", "--quiet", "main")
    stages = "stages:\n  - name: development\n    role: developer\n    gates: [tests-passed]\n"
    work.commit("configure", {".orch-gates.yaml": stages})
    work.git("push", "--quiet", "origin", "main")
    ok(work, "task", "new", "T-1", "A task")
    with_code(work)
    ok(work, "task", "report", "T-1", "tests-passed", "PASSED")
    assert "now done in done" in ok(work, "advance", "T-1")
    assert "it is done" in ok(work, "advance", "T-1")


@pytest.mark.parametrize(
    "words",
    [
        ["advance", "T-1", "--reject", ""],
        ["task", "hold", "T-1", "--reason", " "],
        ["task", "report", "T-1", "ci-green", ""],
        ["task", "report", "T-1", "ci-green", "SUCCESS", "--head", ""],
        ["task", "ready", "T-1"],
    ],
)
def test_an_empty_word_is_wrong_usage(work: Repo, words: list[str]) -> None:
    """A variable that is not set in a script must not become another command."""
    ok(work, "task", "new", "T-1", "Greet the user")
    before = commits(work)
    ok(work, *words, code=2)
    assert commits(work) == before


def test_a_reason_cannot_act_on_the_terminal_of_who_asks(work: Repo) -> None:
    """Nor give commands to a CI runner; `why` and the answers show it as text."""
    ok(work, "task", "new", "T-1", "Greet the user")
    output = ok(work, "task", "hold", "T-1", "--reason", "\x1b[2Jgone \u202e ##[error]boo")
    for text in (output, ok(work, "why", "T-1")):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "##[" not in text
