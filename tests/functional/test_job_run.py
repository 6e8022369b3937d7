"""`orch-gates job run`: the work begins once, is recorded, and its command behaves as if nobody were in between."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from orch_gates import machine
from orch_gates.jobs import spool
from orch_gates.model.ids import moment
from tests import job_rig
from tests.builders import PROGRAM, github_token
from tests.job_rig import BY, JobRig
from tests.sweep_rig import until

REPORT = f'"{PROGRAM}" task report T-1 tests-passed'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return job_rig.template(tmp_path_factory.mktemp("jobs"))


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return job_rig.template(tmp_path_factory.mktemp("guarded"), hook=True, scans=True)


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> JobRig:
    return job_rig.copy(made, tmp_path / "project")


def ends(pid: int) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}:
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


# ---- how it ends


@pytest.mark.parametrize(
    ("script", "code", "status", "exit_code", "reason"),
    [
        ("exit 0", 0, "succeeded", 0, "exit code 0"),
        ("exit 3", 3, "failed", 3, "exit code 3"),
        ("exit 75", 75, "failed", 75, "exit code 75"),
        ("kill -TERM $$", 143, "failed", -15, "ended by signal 15"),
        ("kill -KILL $$", 137, "failed", -9, "ended by signal 9"),
    ],
)
def test_how_a_command_ends_is_recorded_and_passed_on(
    rig: JobRig, script: str, code: int, status: str, exit_code: int, reason: str
) -> None:
    """JOB-1: who ran it where, since when, and what it came to; every step of it is legal (ST-6)."""
    rig.sh(script, code=code)
    job = rig.job()
    assert (job["status"], job["exit_code"], job["reason"]) == (status, exit_code, reason)
    assert (job["task"], job["stage"], job["role"], job["number"]) == ("T-1", "development", "developer", 1)
    assert job["process"]["host"] == machine.identity().host
    assert job["process"]["started"]
    assert job["runner"] == f"bot on {os.uname().nodename}"
    assert job["started"] <= job["ended"]
    assert "legal" in rig.ok("state", "verify")
    assert not list((rig.cache / "jobs").iterdir())


def test_what_cannot_be_started_is_recorded_too(rig: JobRig) -> None:
    """A dispatch that names no program fails each time, and a person is asked at last."""
    assert "cannot start /no/such/program" in rig.run("/no/such/program", code=127)
    assert rig.job()["reason"].startswith("cannot start /no/such/program")
    assert (rig.job()["status"], rig.job()["exit_code"]) == ("failed", 127)


@pytest.mark.parametrize(("script", "code"), [("sleep 60", 143), ("trap 'exit 0' TERM; sleep 60 & wait", 124)])
def test_a_command_whose_time_is_over_has_failed(rig: JobRig, script: str, code: int) -> None:
    """Whatever it says of itself."""
    rig.sh(script, code=code, options=("--timeout", "0.5"))
    assert (rig.job()["status"], rig.job()["reason"]) == ("failed", "did not finish within 0.5 s")


def test_the_output_is_the_commands_alone(rig: JobRig) -> None:
    """Ours goes to stderr, each line with our name; `--quiet` silences it."""
    loud = rig.say("job", "run", *BY, "--", "sh", "-c", "printf 'a\\0b'; echo c >&2")
    assert loud.stdout == b"a\0b"
    ours, theirs = [line for line in loud.stderr.decode().splitlines() if line.startswith("orch-gates: ")], "c"
    assert sorted(loud.stderr.decode().splitlines()) == sorted([*ours, theirs])
    assert ours[0].startswith("orch-gates: T-1: run 1 of developer begins (attempt ")
    assert ours[1].startswith("orch-gates: T-1: run 1 succeeded: exit code 0, after ")
    quiet = rig.say("job", "run", *BY, "--quiet", "--", "sh", "-c", "echo c >&2; exit 4")
    assert (quiet.returncode, quiet.stdout, quiet.stderr) == (4, b"", b"c\n")


def test_the_end_of_the_output_is_kept(rig: JobRig) -> None:
    """Of both streams, in a block that nothing in it can end, and that `job show` prints (OWN-3)."""
    rig.sh("echo one; echo two >&2; printf '\\033[31m```text\\033[0m\\n- 2026-01-31T12:00:00Z a line\\n'", code=0)
    kept = rig.shown()
    assert sorted(kept.splitlines()) == sorted(["one", "two", "```text", "- 2026-01-31T12:00:00Z a line"])
    assert "```text" in rig.ok("job", "show", "T-1")


# ---- secrets


def test_a_secret_in_the_output_is_kept_nowhere(guarded: Path, tmp_path: Path) -> None:
    """SEC-5: shown to whoever ran it, replaced in what is recorded; the server's hook takes the rest."""
    rig, token = job_rig.copy(guarded, tmp_path / "project"), github_token()
    (rig.folder / "value").write_text(token)
    output = rig.sh(f"echo begin; cat {rig.folder / 'value'}; echo; echo end")
    assert token in output
    assert rig.shown() == "begin\n[removed: github-pat]\nend\n"
    assert token not in rig.everything()


def test_an_output_that_the_server_refuses_is_left_out(guarded: Path, tmp_path: Path) -> None:
    """How a job ended counts more than what it wrote: rules that only the server has cannot keep it running."""
    rig = job_rig.copy(guarded, tmp_path / "project")
    word = f"badge-{secrets.randbelow(10**12):012}"
    rules = "[[rules]]\nid = 'our-badge'\nregex = '''badge-[0-9]{12}'''\n"
    other = rig.folder / "other"
    subprocess.run(["git", "clone", "--quiet", rig.server.path, other], check=True)
    (other / ".gitleaks.toml").write_text(rules)
    for argv in (["add", "--all"], ["commit", "--quiet", "--message", "rules"], ["push", "--quiet", "origin", "main"]):
        subprocess.run(["git", *argv], cwd=other, check=True, capture_output=True)
    rig.sh(f"echo {word}")
    assert rig.job()["status"] == "succeeded"
    assert rig.shown() == ""
    assert "the command's output is not saved: the server refused it" in rig.ok("job", "show", "T-1")


def test_without_a_scan_no_output_is_kept(rig: JobRig) -> None:
    """What could not be looked through may hold anything (P2)."""
    engine = {"ORCH_SECURITY_ENGINE": "gitleaks", "ORCH_GITLEAKS_BIN": "/none"}
    assert "output is not saved" in rig.sh("echo hello; exit 5", code=5, env=engine)
    assert (rig.job()["status"], rig.shown()) == ("failed", "")
    assert "could not be scanned for secrets" in rig.ok("job", "show", "T-1")


OTHERS = ("ORCH_TRACKER_TOKEN", "ORCH_REGISTRY_TOKEN", "ORCH_TELEGRAM_TOKEN", "ORCH_WEBHOOK_URL", "ORCH_WEBHOOK_SECRET")


def test_our_secrets_are_not_the_commands(rig: JobRig) -> None:
    """Neither by name, nor by value, nor from this process; `--keep-token` hands them over (OWN-1)."""
    token, key, other = secrets.token_hex(20), secrets.token_hex(20), secrets.token_hex(20)
    env = {"BOT": token, "COPY": f"x:{token}", "ORCH_ALLOW_KEY": key, "ORCH_FORGE": "none"}
    env |= dict.fromkeys(OTHERS, other)
    asked = ("job", "run", *BY, "--token-env", "BOT", "--quiet")
    kept = rig.say(*asked, "--", "env", env=env).stdout.decode()
    assert (kept.count(token), kept.count(key), kept.count("ORCH_FORGE=none")) == (0, 0, 1)
    assert other not in kept
    handed = rig.say(*asked, "--keep-token", "--", "env", env=env).stdout.decode()
    assert (handed.count(token), handed.count(key), handed.count(other)) == (2, 1, len(OTHERS))


# ---- what it knows


def test_the_command_knows_its_work(rig: JobRig) -> None:
    """JOB-1: by its environment; a file that is always there has what the gate said."""
    head = rig.server.git("rev-parse", "refs/heads/task/T-1")
    script = 'echo "$ORCH_TASK $ORCH_ROLE $ORCH_STAGE $ORCH_NUMBER $ORCH_BRANCH $ORCH_HEAD $ORCH_ATTEMPT"'
    done = rig.say("job", "run", *BY, "--", "sh", "-c", f"{script}; wc -c <$ORCH_FEEDBACK_FILE")
    expected = f"T-1 developer development 1 task/T-1 {head} {rig.job()['attempt']}\n0\n"
    assert done.stdout.decode() == expected


def sent_back(rig: JobRig) -> None:
    rig.ok("task", "report", "T-1", "tests-passed", "PASSED", "--reason", "212 tests")
    rig.ok("advance", "T-1")
    rig.ok("task", "report", "T-1", "review-approved", "CHANGES_REQUESTED", "--reason", "greets nobody by name")
    rig.ok("advance", "T-1", code=1)
    assert (rig.task()["stage"], rig.task()["developer_retries"]) == ("development", 1)


def test_the_feedback_is_handed_to_the_next_run(rig: JobRig) -> None:
    """ENG-4: as a variable and as a file that is gone afterwards."""
    sent_back(rig)
    script = (
        'printf "%s" "$ORCH_FEEDBACK" | cmp - $ORCH_FEEDBACK_FILE && cat $ORCH_FEEDBACK_FILE; echo $ORCH_FEEDBACK_FILE'
    )
    done = rig.say("job", "run", *BY, "--", "sh", "-c", script)
    output = done.stdout.decode()
    assert "greets nobody by name" in output
    assert "# review-approved" in output
    assert not Path(output.splitlines()[-1]).exists()


# ---- the gate


def test_exit_0_is_no_success_but_asks_the_gate(rig: JobRig) -> None:
    """REAP-3: red, the task stays where it is, and the command's exit code is passed on all the same."""
    assert "T-1: stay" in rig.run("true")
    assert rig.task()["stage"] == "development"
    assert "T-1: advance (now active in review)" in rig.sh(f"{REPORT} PASSED --reason 'all tests'")
    assert rig.task()["stage"] == "review"


def test_a_red_command_asks_no_gate(rig: JobRig) -> None:
    rig.sh(f"{REPORT} PASSED --reason 'all tests'; exit 1", code=1)
    assert rig.task()["stage"] == "development"


def test_the_gate_is_left_to_others(rig: JobRig) -> None:
    rig.sh(f"{REPORT} PASSED --reason 'all tests'", options=("--no-advance",))
    assert (rig.task()["stage"], rig.job()["status"]) == ("development", "succeeded")


def test_a_gate_that_cannot_be_asked_changes_no_exit_code(rig: JobRig) -> None:
    """The configuration changed while it ran: how it ended is recorded, and the next sweep asks the gate (ENG-10)."""
    other = rig.folder / "other"
    subprocess.run(["git", "clone", "--quiet", rig.server.path, other], check=True)
    change = f"cd {other} && echo '# more' >>.orch-gates.yaml && git commit -qam more && git push -q origin main"
    output = rig.sh(f"{change} && git fetch -q && '{PROGRAM}' advance T-1; true")
    assert "T-1: not advanced: the pipeline on the state branch is configured by" in output
    assert rig.job()["status"] == "succeeded"
    rig.work.git("fetch", "--quiet")
    assert "legal" in rig.ok("state", "verify")


def test_a_job_says_that_the_work_was_done_again(rig: JobRig) -> None:
    """ENG-9: a task that was sent back moves on by a run that ended well, and by reports of after it."""
    sent_back(rig)
    rig.run("false", code=1)
    assert rig.task()["sent_back"]["ready"] is False
    assert "T-1: marked as ready again" in rig.run("true")
    assert rig.task()["sent_back"]["ready"] is True
    assert rig.task()["stage"] == "development"
    rig.ok("task", "report", "T-1", "tests-passed", "PASSED", "--reason", "again")
    assert "now active in review" in rig.ok("advance", "T-1")
    assert "legal" in rig.ok("state", "verify")


def test_a_new_commit_needs_no_such_word(rig: JobRig) -> None:
    sent_back(rig)
    rig.push()
    assert "counts as done again" not in rig.run("true")
    assert rig.task()["sent_back"]["ready"] is False


# ---- what does not begin


@pytest.mark.parametrize(
    ("prepare", "asked", "code", "message"),
    [
        ([], ["--task", "T-9", "--role", "developer"], 2, "there is no task T-9"),
        ([], ["--task", "T-1", "--role", "reviewer"], 2, "which is for role developer, not reviewer"),
        ([], [*BY, "--attempt", "0123456789abcdef"], 2, "T-1 has no attempt 0123456789abcdef"),
        ([], [*BY, "--attempt", "../../x"], 2, "T-1 has no attempt"),
        ([], ["--task", "T-1"], 2, "--role (ORCH_ROLE) is missing"),
        (
            [["task", "hold", "T-1", "--reason", "legal"]],
            BY,
            2,
            "T-1 is held: legal; to continue, run `orch-gates task resume T-1`",
        ),
        ([["task", "cancel", "T-1", "--reason", "no more"]], BY, 2, "T-1 is cancelled"),
    ],
)
def test_what_is_not_to_be_done_now_does_not_begin(
    rig: JobRig, prepare: list[list[str]], asked: list[str], code: int, message: str
) -> None:
    """Nothing is run, nothing is written, and the words say what to do."""
    for command in prepare:
        rig.ok(*command)
    before = rig.commits()
    assert message in rig.ok("job", "run", *asked, "--", "touch", "ran", code=code)
    assert rig.commits() == before
    assert not (rig.work.path / "ran").exists()


def test_without_a_command_it_is_wrong_usage(rig: JobRig) -> None:
    rig.ok("job", "run", *BY, code=2)
    rig.ok("job", "run", *BY, "--timeout", "-1", "--", "true", code=2)


def test_the_work_of_a_task_runs_once_at_a_time(rig: JobRig) -> None:
    """And as many jobs at once as are configured, of the role and in all (JOB-1)."""
    rig.new("T-2")
    rig.new("T-3")
    with rig.running("sleep 60"):
        assert "already has a running job: run 1 of developer is run by bot on" in rig.run("true", code=75)
        rig.ok("job", "run", "--task", "T-2", "--role", "developer", "--", "true")
        rig.retry(task="T-2")
        told = rig.ok("job", "run", "--task", "T-3", "--role", "developer", "--", "true", code=75)
        assert "2 jobs of developer run or wait; the limit is 2" in told
        # One that waits has its place.
        rig.ok("job", "run", "--task", "T-2", "--role", "developer", "--", "true")
        rig.ok("job", "run", "--task", "T-3", "--role", "developer", "--", "true")
        limited = {"ORCH_JOBS_MAX_CONCURRENCY": "1"}
        asked = ("job", "run", "--task", "T-3", "--role", "developer", "--", "true")
        assert "the limit is 1" in rig.ok(*asked, code=75, env=limited)
    assert len(rig.jobs("T-3")) == 1


# ---- dispatched


def test_a_dispatch_that_arrives_twice_runs_once(rig: JobRig) -> None:
    """JOB-1: whoever flips it first wins, the others run nothing and exit 0."""
    attempt = rig.queue()

    def go(number: int) -> tuple[int, str]:
        done = rig.say(
            "job",
            "run",
            *BY,
            "--attempt",
            attempt,
            "--",
            "sh",
            "-c",
            f"echo {number} >>ran; sleep 1",
            env={"ORCH_CACHE_DIR": str(rig.folder / f"cache-{number}")},
        )
        return done.returncode, done.stderr.decode()

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(go, range(4)))
    assert [code for code, _ in done] == [0] * 4, done
    assert len((rig.work.path / "ran").read_text().split()) == 1
    assert sum("nothing is run: run 1 of developer" in output for _, output in done) == 3
    assert (rig.job()["status"], rig.job()["attempt"]) == ("succeeded", attempt)
    assert rig.job()["dispatch"]["way"] == "command"
    again = rig.run("touch", "twice", options=("--attempt", attempt))
    assert "nothing is run: run 1 of developer succeeded at" in again
    assert not (rig.work.path / "twice").exists()


def test_a_dispatch_is_handed_over_in_the_environment(rig: JobRig) -> None:
    """As a workflow's step or a script has it; the command of one task may start the work of another."""
    handed = {"ORCH_TASK": "T-1", "ORCH_ROLE": "developer", "ORCH_ATTEMPT": rig.queue()}
    rig.ok("job", "run", "--no-advance", "--", "true", env=handed)
    assert rig.job()["status"] == "succeeded"
    rig.new("T-2")
    rig.ok("job", "run", "--task", "T-2", "--", "true", env=handed)
    assert rig.jobs("T-2")[0]["status"] == "succeeded"


def test_work_that_waits_is_taken_by_hand(rig: JobRig) -> None:
    """Nobody makes a second run beside it, and the dispatch that comes later runs nothing."""
    attempt = rig.queue()
    rig.run("true")
    assert rig.job()["attempt"] == attempt
    assert "nothing is run" in rig.run("touch", "twice", options=("--attempt", attempt))


def test_a_dispatch_that_comes_too_late_is_over(rig: JobRig) -> None:
    """A person held the task meanwhile: nothing is run, and the run does not wait for ever."""
    attempt = rig.queue()
    rig.ok("task", "hold", "T-1", "--reason", "legal")
    assert "T-1 is held by now: legal" in rig.run("touch", "ran", code=2, options=("--attempt", attempt))
    assert (rig.job()["status"], not (rig.work.path / "ran").exists()) == ("cancelled", True)
    assert "nothing is run" in rig.run("true", options=("--attempt", attempt))
    assert "legal" in rig.ok("state", "verify")


# ---- ended from outside


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_both(rig: JobRig, number: signal.Signals) -> None:
    """The command has its own way to end; how it ended is recorded even where more signals follow."""
    with rig.running(f"trap 'echo bye; exit 9' {number.name.removeprefix('SIG')}; sleep 60 & wait") as child:
        # The record of the end is held up on the server until the second signal was sent.
        reached, go, hook = rig.folder / "reached", rig.folder / "go", rig.server.path / "hooks" / "pre-receive"
        hook.unlink(missing_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {reached}\nuntil test -e {go}; do sleep 0.01; done\n")
        hook.chmod(0o755)
        child.send_signal(number)
        until(reached.exists)
        child.send_signal(number)
        go.touch()
        assert child.wait(60) == 9
    assert (rig.job()["status"], rig.job()["exit_code"]) == ("failed", 9)
    assert "bye" in rig.shown()


def test_a_runner_that_is_killed_leaves_a_job_that_can_be_judged(rig: JobRig) -> None:
    """REAP-1: the command is dead too, and the job says by which process it was run on which boot."""
    with rig.running("sleep 60") as child:
        (pid,) = [int(path.read_text()) for path in rig.folder.glob("began-*")]
        here = rig.job()
        who = machine.ProcessIdentity(here["process"]["host"], here["process"]["pid"], here["process"]["started"])
        assert (here["status"], who.pid) == ("running", child.pid)
        assert not machine.is_dead(who)
        child.kill()
        child.wait()
        assert ends(pid)
        assert machine.is_dead(who)
    assert rig.job()["status"] == "running"
    assert "running" in rig.ok("job", "list")


def test_the_state_cannot_be_reached_at_the_end(rig: JobRig) -> None:
    """What the command came to stays on this machine, for the next sweep here (REAP-1, tier 2)."""
    away = rig.folder / "away.git"
    output = rig.sh(f"mv {rig.server.path} {away}; echo done", code=2, env={"ORCH_STATE_TIMEOUT_S": "2"})
    assert "exit code 0; could not record the result" in output
    away.rename(rig.server.path)
    job = rig.job()
    assert job["status"] == "running"
    record = spool.read(rig.cache, job["attempt"])
    assert record is not None
    assert (record.exit_code, record.reason) == (0, "exit code 0")
    assert timedelta(0) <= record.ended - moment(job["started"]) < timedelta(minutes=5)


def test_a_red_command_stays_red_where_it_cannot_be_recorded(rig: JobRig) -> None:
    away = rig.folder / "away.git"
    rig.sh(f"mv {rig.server.path} {away}; exit 6", code=6, env={"ORCH_STATE_TIMEOUT_S": "2"})
    away.rename(rig.server.path)
    record = spool.read(rig.cache, rig.job()["attempt"])
    assert record is not None
    assert record.exit_code == 6


def test_a_job_that_somebody_else_ended_is_left_alone(rig: JobRig) -> None:
    """REAP-2: nothing is recorded over it, the gate is not asked, and the exit code is the command's."""
    cancel = f"'{PROGRAM}' job cancel T-1 --reason 'the wrong branch'"
    output = rig.sh(f"trap '' TERM; {cancel}; {REPORT} PASSED --reason tests; exit 0")
    assert "not recorded: run 1 of developer cancelled at" in output
    assert (rig.job()["status"], rig.job()["exit_code"]) == ("cancelled", None)
    assert rig.task()["stage"] == "development"
    assert "legal" in rig.ok("state", "verify")
    assert not list((rig.cache / "jobs").iterdir())


# ---- in CI


def test_a_ci_run_is_recorded_and_later_steps_read_what_became_of_it(rig: JobRig, tmp_path: Path) -> None:
    """JOB-1, GATE-4: the run as the API counts, its page, and outputs that nothing can add to."""
    out, summary = tmp_path / "out", tmp_path / "summary"
    ci = {
        "CI": "true",
        "GITHUB_SERVER_URL": "https://git.example.org",
        "GITHUB_REPOSITORY": "acme/app",
        "GITHUB_RUN_ID": "71",
        "GITHUB_RUN_ATTEMPT": "2",
        "GITHUB_JOB": "develop",
        "GITHUB_OUTPUT": str(out),
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    rig.sh("exit 3", code=3, env=ci)
    job, page = rig.job(), "https://git.example.org/acme/app/actions/runs/71"
    assert job["run"] == {"id": 71, "attempt": 2, "job": "develop", "url": page}
    assert job["runner"] == page
    values = out.read_text().splitlines()
    assert [values[at + 1] for at in range(0, len(values), 3)] == ["failed", "3", job["attempt"], "exit code 3"]
    assert "**Job** T-1: developer, run 1: exit code 3" in summary.read_text()
    rig.sh(f"{REPORT} PASSED --reason tests", env=ci)
    values = out.read_text().splitlines()[12:]
    assert [line.partition("<<")[0] for line in values[::3]] == [
        *("status", "exit-code", "attempt", "reason", "verdict", "verdict-reason")
    ]
    assert values[13] == "PASS"
