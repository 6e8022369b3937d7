"""What a person does with jobs: look at them, cancel one, have the work tried again."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from orch_gates import machine
from orch_gates.engine import work
from orch_gates.model.ids import TaskId
from orch_gates.state import layout
from tests import job_rig
from tests.hand_edits import edit_state
from tests.job_rig import BY, JobRig


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return job_rig.template(tmp_path_factory.mktemp("jobs"))


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> JobRig:
    return job_rig.copy(made, tmp_path / "project")


def test_jobs_are_listed_and_shown(rig: JobRig) -> None:
    """Those that go on, the newest first; all of them where that is asked; for programs too (P8)."""
    assert "no job runs or waits to run" in rig.ok("job", "list")
    rig.sh("echo one; exit 3", code=3)
    rig.new("T-2")
    rig.queue()
    with_others = json.loads(rig.ok("job", "list", "--all", "--json"))["jobs"]
    assert [(job["number"], job["status"]) for job in with_others] == [(2, "queued"), (1, "failed")]
    assert [job["number"] for job in json.loads(rig.ok("job", "list", "--json"))["jobs"]] == [2]
    assert json.loads(rig.ok("job", "list", "--task", "T-2", "--all", "--json"))["jobs"] == []
    assert "T-1" in rig.ok("job", "list")
    first = json.loads(rig.ok("job", "show", "T-1", "1", "--json"))
    assert (first["output"], first["exit_code"], first["seconds"] is not None) == ("one\n", 3, True)
    assert json.loads(rig.ok("job", "show", "T-1", "--json"))["number"] == 2
    assert json.loads(rig.ok("job", "show", "T-1", first["attempt"][:6], "--json"))["number"] == 1
    assert "reason     exit code 3" in rig.ok("job", "show", "T-1", "1")
    assert "T-1 has no job 999999" in rig.ok("job", "show", "T-1", "999999", code=2)
    assert "T-2 has no job" in rig.ok("job", "show", "T-2", code=2)
    assert "there is no task T-9" in rig.ok("job", "list", "--task", "T-9", code=2)


def test_a_document_that_cannot_be_read_stops_its_own_task_only(rig: JobRig) -> None:
    """It is named, and the others are shown; it may be at work, so no other run of its task begins (P2, ST-6)."""
    rig.run("true")
    edit_state(rig.server, {layout.job_path(TaskId("T-1"), "f" * 16): "---\nno: job\n---\n"})
    output = rig.ok("job", "list", "--all")
    assert f"cannot read a file of the state branch: {layout.job_path(TaskId('T-1'), 'f' * 16)}" in output
    assert "succeeded" in output
    assert "could not check whether a job runs for this task: fix that file first" in rig.run("true", code=2)
    assert "schema" in rig.run("true", code=2, options=("--attempt", "f" * 16))
    rig.new("T-2")
    assert "succeeded" in rig.ok("job", "run", "--task", "T-2", "--role", "developer", "--", "true")


def test_a_job_that_runs_here_is_cancelled_with_its_process(rig: JobRig) -> None:
    """REAP-2: one terminal flip; the process is asked to end, and records nothing over it."""
    with rig.running("sleep 60") as child:
        output = rig.ok("job", "cancel", "T-1", "--reason", "the wrong branch", "--by", "ann")
        assert "T-1: cancelled by ann: the wrong branch" in output
        assert f"process {child.pid} on this machine was sent a signal to end, and ended" in output
        out, err = child.communicate(timeout=60)
        assert (child.returncode, out) == (128 + signal.SIGTERM, b"")
        assert b"not recorded: run 1 of developer cancelled at" in err
    assert (rig.job()["status"], rig.job()["reason"]) == ("cancelled", "cancelled by ann: the wrong branch")
    assert "not done: it has ended" in rig.ok("job", "cancel", "T-1", "1", "--reason", "again", code=1)
    assert "not done: it has ended" in rig.ok("job", "cancel", "T-1", "--reason", "again", code=1)
    assert "legal" in rig.ok("state", "verify")


@pytest.mark.slow
def test_a_command_that_will_not_end_is_killed_when_it_is_cancelled(rig: JobRig) -> None:
    """Two runs never work on one branch: what ignores the request ends ten seconds later, with all in its session."""
    with rig.running("trap '' TERM; while :; do sleep 0.2; done") as child:
        output = rig.ok("job", "cancel", "T-1", "--reason", "the wrong branch")
        assert f"process {child.pid} on this machine did not end within 10 s and was killed" in output
        pid = int(next(rig.folder.glob("began-*")).read_text())
    # Whoever ends its session waits for the end of who was killed.
    until = time.monotonic() + 30
    while (there := _alive(pid)) and time.monotonic() < until:
        time.sleep(0.05)
    assert not there


def _alive(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def _says_it_runs(rig: JobRig, host: str, pid: int) -> None:
    """Edit the state by hand, so that a job seems to be run by some process."""
    path = layout.job_path(TaskId("T-1"), rig.job()["attempt"])
    text = rig.server.git("show", f"refs/heads/orch-state:{path}") + "\n"
    made = f'process:\n  host: "{host}"\n  pid: {pid}\n  started: "1"\nrunner: "bob on another"'
    text = text.replace("process: null", made).replace('runner: ""\n', "")
    text = text.replace('status: "queued"', 'status: "running"')
    edit_state(rig.server, {path: text.replace("started: null", 'started: "2026-01-31T12:00:00Z"')})


def test_a_process_of_another_machine_is_left_alone(rig: JobRig) -> None:
    """faults.md T10: the same number here is somebody else."""
    rig.queue()
    with subprocess.Popen(["sleep", "60"]) as other:
        _says_it_runs(rig, f"another {machine.identity().host}", other.pid)
        output = rig.ok("job", "cancel", "T-1", "--reason", "it hangs")
        assert "seems to run on another machine; bob on another must end it" in output
        assert other.poll() is None
        other.kill()
    assert rig.job()["status"] == "cancelled"


def test_a_runner_that_died_on_this_machine_is_not_looked_for_elsewhere(rig: JobRig) -> None:
    rig.queue()
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    _says_it_runs(rig, machine.identity().host, gone.pid)
    output = rig.ok("job", "cancel", "T-1", "--reason", "it was killed")
    assert f"process {gone.pid} on this machine, which ran it, had ended before" in output


def test_a_ci_run_is_cancelled_where_it_runs(rig: JobRig) -> None:
    """The forge has no such call everywhere, so the page is named."""
    page = "https://git.example.org/acme/app/actions/runs/71"
    ci = {"CI": "true", "GITHUB_SERVER_URL": "https://git.example.org", "GITHUB_REPOSITORY": "acme/app"}
    with rig.running("sleep 60", env={**ci, "GITHUB_RUN_ID": "71"}) as child:
        child.kill()
        child.wait()
    assert f"its CI run goes on until you cancel it: {page}" in rig.ok("job", "cancel", "T-1", "--reason", "x")
    assert rig.job()["status"] == "cancelled"


def test_one_that_waits_is_cancelled(rig: JobRig) -> None:
    attempt = rig.queue()
    assert "it had not begun" in rig.ok("job", "cancel", "T-1", attempt, "--reason", "not now")
    assert "nothing is run: run 1 of developer cancelled" in rig.run("true", options=("--attempt", attempt))


def test_work_that_failed_too_often_is_tried_again(rig: JobRig) -> None:
    """A person's word: the held task goes on, its tries begin anew, and the next sweep starts a run."""
    failed = work.AskPerson("its work failed 3 times: run 1 failed (exit code 3)")
    rig.ok("task", "hold", "T-1", "--reason", failed.reason)
    output = rig.retry("--reason", "the database is up again", "--by", "ann")
    assert "it goes on, and run 1 of developer is queued (command: ./develop)" in output
    assert (rig.task()["state"], rig.task()["reason"]) == ("active", "the database is up again")
    job = rig.job()
    assert (job["status"], job["by"], job["dispatch"]["way"], job["dispatch"]["tries"]) == (
        "queued",
        "ann",
        "command",
        1,
    )
    assert "already has a job: run 1 of developer waits" in rig.retry(code=75)
    assert "legal" in rig.ok("state", "verify")


def test_what_a_person_holds_for_another_reason_is_not_let_go(rig: JobRig) -> None:
    rig.ok("task", "hold", "T-1", "--reason", "waiting for legal")
    before = rig.commits()
    output = rig.retry(code=1)
    assert "not done: it is held: waiting for legal; `orch-gates task resume T-1` continues it" in output
    assert rig.commits() == before


def test_work_that_nobody_starts_is_run_by_hand(rig: JobRig) -> None:
    """The words name the command; what was held goes on all the same."""
    rig.ok("task", "report", "T-1", "tests-passed", "PASSED", "--reason", "tests")
    rig.ok("advance", "T-1")
    by = "run `orch-gates job run --task T-1 --role reviewer -- COMMAND`"
    assert by in rig.retry(code=1)
    rig.ok("task", "hold", "T-1", "--reason", "its work failed 3 times: x")
    assert by in rig.retry()
    assert (rig.task()["state"], rig.jobs()) == ("active", [])
    off = {"ORCH_DISPATCH_ENABLED": "false"}
    assert "no role here starts this job" in rig.retry(code=1, env=off)


def test_a_retry_keeps_the_bounds(rig: JobRig) -> None:
    """As many jobs as may wait already: what was held goes on, and starts when there is room (JOB-1)."""
    full = {"ORCH_JOBS_MAX_CONCURRENCY": "1"}
    rig.new("T-2")
    rig.retry(task="T-2")
    assert "the limit is 1" in rig.retry(code=75, env=full)
    rig.ok("task", "hold", "T-1", "--reason", "its work failed 3 times: x")
    assert "its job starts when another one ends" in rig.retry(env=full)
    assert (rig.task()["state"], rig.jobs()) == ("active", [])


def test_a_cancelled_run_is_tried_again(rig: JobRig) -> None:
    """As the next number of the same work."""
    rig.queue()
    rig.ok("job", "cancel", "T-1", "--reason", "not now")
    rig.retry()
    assert [job["number"] for job in rig.jobs()] == [1, 2]
    rig.ok("job", "run", *BY, "--", "true")
    assert [job["status"] for job in rig.jobs()] == ["cancelled", "succeeded"]
