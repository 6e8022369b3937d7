"""`orch-gates deploy`: one at a time, recorded before and after, its exit code a contract, never repeated silently."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import deploy_rig
from tests.builders import github_token
from tests.deploy_rig import DeployRig

DIGEST = "sha256:" + "ab" * 32
OTHER = "sha256:" + "cd" * 32


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploy_rig.template(tmp_path_factory.mktemp("deploys"))


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> DeployRig:
    return deploy_rig.copy(made, tmp_path / "project")


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


# ---- the contract


def test_exit_0_is_deployed(rig: DeployRig) -> None:
    """DEP-1: the environment, the report and the task say so, and every step is legal."""
    output = rig.deploy("exit 0", "--digest", DIGEST)
    assert "deploy-status: PASS" in output
    found, head = rig.environment(), rig.head()
    assert (found["generation"], found["running"], found["unknown"]) == (1, None, "")
    current = found["current"]
    assert (current["task"], current["revision"], current["digest"]) == ("T-1", head, DIGEST)
    assert (current["standing"], current["by"], current["rollback_of"]) == ("unwatched", "bot", "")
    assert found["history"] == [current]
    report = rig.report()
    assert (report["deploy_status"], report["head"], report["reason"]) == ("DEPLOYED", head, "exit code 0")
    assert report["evidence"]["deploy"] == current["deploy"]
    assert rig.task()["stage"] == "closing"
    assert rig.events()[-3:] == ["deploy-begin", "deploy-end", "advance"]
    assert not list((rig.cache / "jobs").iterdir())
    rig.legal()


def test_exit_1_sends_the_task_back(rig: DeployRig) -> None:
    """What ran before still runs; the task is charged with the command's words."""
    rig.deploy("echo no room left; exit 1", code=1)
    assert rig.report()["deploy_status"] == "FAILED"
    assert "no room left" in rig.report_text()
    assert (rig.environment()["current"], rig.environment()["unknown"]) == (None, "")
    assert (rig.task()["cause"], rig.task()["reason"]) == ("deploy-status", "exit code 1")
    rig.legal()


def test_exit_2_holds_the_task(rig: DeployRig) -> None:
    """It refused, so nothing was changed: once a person lets it go on, it is deployed again."""
    rig.deploy("exit 2", code=2)
    assert (rig.report()["deploy_status"], rig.task()["state"]) == ("REFUSED", "held")
    assert rig.environment()["unknown"] == ""
    assert "T-1 is held: exit code 2" in rig.deploy("exit 0", code=2)
    assert rig.ran == 1
    rig.ok("task", "resume", "T-1")
    rig.deploy("exit 0")
    assert (rig.ran, rig.report()["deploy_status"], rig.task()["stage"]) == (2, "DEPLOYED", "closing")
    rig.legal()


@pytest.mark.parametrize("script", ["exit 3", "exit 75", "exit 127", "kill -TERM $$", "kill -KILL $$"])
def test_anything_else_leaves_a_question(rig: DeployRig, script: str) -> None:
    """Nobody knows what runs: nothing is deployed there, by nobody, until a person says so."""
    rig.deploy(script, code=2)
    found = rig.environment()
    assert found["current"] is None
    assert found["unknown"]
    assert found["unsettled"]["revision"] == rig.head()
    assert (rig.report()["deploy_status"], rig.task()["state"]) == ("REFUSED", "held")
    assert "orch-gates env settle production" in rig.report()["next_step"]
    rig.ok("task", "resume", "T-1")
    rig.new("T-2")
    for task in ("T-1", "T-2"):
        assert "what production runs is not known" in rig.deploy("exit 0", task=task, code=2)
    assert rig.ran == 1
    rig.legal()


def test_its_time_is_bounded(rig: DeployRig) -> None:
    """Whatever it says of itself when it is asked to end, it was not done."""
    rig.deploy("trap 'exit 0' TERM; sleep 60 & wait", "--timeout", "0.5", code=2)
    assert rig.report()["reason"] == "did not finish within 0.5 s"
    assert rig.environment()["unknown"] == "did not finish within 0.5 s"


def test_what_cannot_be_started_has_changed_nothing(rig: DeployRig) -> None:
    rig.ok("deploy", "--task", "T-1", "--", "/no/such/program", code=2)
    assert rig.report()["reason"].startswith("cannot start /no/such/program")
    assert rig.environment()["unknown"] == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_reach_the_command(rig: DeployRig, number: signal.Signals) -> None:
    """A command that cleans up after itself says what it came to: its word counts."""
    with rig.deploying(f"trap 'exit 2' {number.name.removeprefix('SIG')}; while :; do sleep 0.1; done") as child:
        child.send_signal(number)
        _, complaints = child.communicate(timeout=60)
        assert child.returncode == 2, complaints
    assert (rig.report()["deploy_status"], rig.environment()["unknown"]) == ("REFUSED", "")


# ---- what the command knows, and what is kept of it


def test_the_command_knows_what_it_is_to_deploy(rig: DeployRig) -> None:
    """IMG-2: and the generation, by which a host tells an old deploy from a new one."""
    script = 'echo "$EXPECTED_REVISION $EXPECTED_DIGEST $ORCH_ENVIRONMENT $ORCH_DEPLOY $ORCH_TASK $ORCH_GENERATION"'
    output = rig.deploy(script, "--environment", "staging", "--digest", DIGEST)
    deploy = rig.environment("staging")["current"]["deploy"]
    assert f"{rig.head()} {DIGEST} staging {deploy} T-1 1\n" in output


def test_our_secrets_are_not_the_commands(rig: DeployRig) -> None:
    """OWN-1: what it needs is for the person to give it."""
    token = github_token()
    asked = ("deploy", "--task", "T-1", "--token-env", "BOT", "--no-advance", "--quiet")
    done = rig.say(*asked, "--", "env", env={"BOT": token, "ORCH_FORGE": "none"})
    assert done.returncode == 0, done.stderr
    assert token not in done.stdout.decode()


def test_the_output_is_kept_without_secrets(rig: DeployRig) -> None:
    """SEC-5: shown to whoever ran it, taken out of the report."""
    token = github_token()
    (rig.folder / "value").write_text(token)
    output = rig.deploy(f"echo begin; cat {rig.folder / 'value'}; echo; echo end")
    assert token in output
    assert "begin\n[removed: github-pat]\nend\n" in rig.report_text()
    assert token not in rig.everything()


def test_the_output_is_the_commands_alone(rig: DeployRig) -> None:
    done = rig.say("deploy", "--task", "T-1", "--", "sh", "-c", "printf 'a\\0b'; echo c >&2")
    assert done.stdout == b"a\0b"
    ours = [line for line in done.stderr.decode().splitlines() if line.startswith("orch-gates: ")]
    assert sorted(done.stderr.decode().splitlines()) == sorted([*ours, "c"])


# ---- what is deployed


def image_report(rig: DeployRig, status: str = "FRESH", digest: str = DIGEST) -> None:
    path = rig.folder / "19-image-report.md"
    path.write_text(
        f"---\nschema: orch.report/1\ngate: image-freshness\nimage_status: {status}\nhead: {rig.head()}\n"
        f"reason: looked at\nevidence: {{digest: '{digest}'}}\n---\n"
    )
    rig.ok("task", "report", "T-1", "--file", str(path))


def test_the_image_is_the_one_that_was_proven(rig: DeployRig) -> None:
    """IMG-1: by the recorded report; another one that is named is refused, and nothing runs."""
    image_report(rig)
    assert f"--digest is {OTHER}, but 19-image-report.md proves {DIGEST}" in rig.deploy("", "--digest", OTHER, code=2)
    rig.deploy('test "$EXPECTED_DIGEST" = ' + DIGEST)
    assert rig.environment()["current"]["digest"] == DIGEST


def test_a_stale_image_is_not_deployed(rig: DeployRig) -> None:
    image_report(rig, "STALE")
    assert "19-image-report.md about" in rig.deploy("", code=2)
    assert rig.ran == 0


def test_a_declared_deploy_only_alerts(rig: DeployRig) -> None:
    """WCH-3: an irreversible migration is never rolled back by itself."""
    rig.deploy("", "--alert-only", "the migration drops a column")
    assert rig.environment()["current"]["alert_only"] == "the migration drops a column"
    assert rig.report()["evidence"]["alert_only"] == "the migration drops a column"


@pytest.mark.parametrize(
    ("prepare", "options", "code", "message"),
    [
        ([], ["--environment", "Production"], 2, "the name of an environment has"),
        ([], ["--environment", "../x"], 2, "the name of an environment has"),
        ([], ["--digest", "latest"], 2, "--digest must be `sha256:`"),
        ([], ["--timeout", "0"], 2, "--timeout"),
        ([], ["--alert-only", " "], 2, "--alert-only"),
        ([], ["--task", "T-9"], 2, "there is no task T-9"),
        ([["task", "hold", "T-1", "--reason", "legal"]], [], 2, "T-1 is held: legal"),
        ([["task", "cancel", "T-1", "--reason", "no"]], [], 2, "T-1 is cancelled"),
    ],
)
def test_what_is_not_to_be_deployed_is_not(
    rig: DeployRig, prepare: list[list[str]], options: list[str], code: int, message: str
) -> None:
    """Nothing runs, nothing is written, and the words say what to do."""
    for command in prepare:
        rig.ok(*command)
    before = rig.commits()
    assert message in rig.deploy("", *options, code=code)
    assert (rig.commits(), rig.ran) == (before, 0)


def test_a_stage_without_the_gate_is_not_deployed(rig: DeployRig) -> None:
    """Once it moved on, only what runs already is told."""
    rig.deploy("")
    rig.push()
    assert "T-1 is in stage closing, which has no gate deploy-status" in rig.deploy("", code=2)
    assert rig.ran == 1


# ---- again, and at once


def test_what_runs_already_is_not_deployed_again(rig: DeployRig) -> None:
    """Exit 0, and nothing runs; where the task had not moved on, it does."""
    rig.deploy("", "--no-advance")
    before = rig.commits()
    output = rig.deploy("")
    assert "production runs" in output
    assert "nothing to do" in output
    assert (rig.ran, rig.task()["stage"], rig.commits()) == (1, "closing", before + 1)
    assert "nothing to do" in rig.deploy("")
    assert (rig.ran, rig.commits()) == (1, before + 1)


def test_two_at_once_run_one_after_the_other(rig: DeployRig) -> None:
    """The second is told who deploys, and comes again; other environments go on."""
    rig.new("T-2")
    with rig.deploying("sleep 60"):
        output = rig.deploy("", task="T-2", code=75)
        assert "another deploy to production is running: deploy" in output
        assert "of T-1 by bot on" in output
        assert rig.ran == 1
        rig.deploy("", "--environment", "staging", task="T-2")
        assert rig.ran == 2
    rig.legal()


def test_of_many_at_once_one_runs(rig: DeployRig) -> None:
    """Whatever the race: never two, and the generation counts one for each that began."""

    def go(number: int) -> int:
        env = {"ORCH_CACHE_DIR": str(rig.folder / f"cache-{number}"), "MARKER": str(rig.marker)}
        script = 'echo begin >>"$MARKER"; sleep 1; echo end >>"$MARKER"'
        done = rig.say("deploy", "--task", "T-1", "--no-advance", "--", "sh", "-c", script, env=env)
        assert b"Traceback" not in done.stderr
        return done.returncode

    with ThreadPoolExecutor(4) as pool:
        codes = sorted(pool.map(go, range(4)))
    assert set(codes) <= {0, 75}
    assert codes[0] == 0
    assert rig.marker.read_text() == "begin\nend\n"
    assert rig.environment()["generation"] == 1
    rig.legal()


# ---- killed


def test_a_killed_deploy_is_not_repeated(rig: DeployRig) -> None:
    """Its command ends with it; the next one finds it dead, records that once, and runs nothing."""
    began = rig.folder / "pid"
    lost = rig.kill(f"echo $$ >{began}; sleep 60")
    until(lambda: not Path(f"/proc/{began.read_text().strip()}").exists())
    output = rig.deploy("", code=2)
    assert "what production runs is not known" in output
    assert "its process" in output
    assert rig.environment()["unsettled"]["deploy"] == lost
    assert (rig.report()["deploy_status"], rig.task()["state"]) == ("REFUSED", "held")
    before = rig.commits()
    rig.deploy("", code=2)
    assert (rig.ran, rig.commits()) == (1, before)
    rig.legal()


def test_what_ended_and_was_not_recorded_is_known_on_this_machine(rig: DeployRig) -> None:
    """The state branch was away: the exit code is kept, and the next call records it and goes on."""
    gone = rig.server.path.with_name("away.git")
    output = rig.deploy(f"mv {rig.server.path} {gone}", code=2, env={"ORCH_STATE_TIMEOUT_S": "1"})
    assert "could not record the result" in output
    gone.rename(rig.server.path)
    assert rig.environment()["running"] is not None
    again = rig.deploy("")
    assert "nothing to do" in again
    assert (rig.ran, rig.report()["deploy_status"], rig.task()["stage"]) == (1, "DEPLOYED", "closing")
    rig.legal()


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploy_rig.template(tmp_path_factory.mktemp("guarded"), hook=True)


def test_the_servers_guard_takes_every_step(guarded: Path, tmp_path: Path) -> None:
    """OWN-3: begin, end, a lost one, a person's word."""
    rig = deploy_rig.copy(guarded, tmp_path / "project")
    rig.deploy("echo hello")
    rig.new("T-2")
    rig.deploy("exit 9", task="T-2", code=2)
    assert rig.environment()["unsettled"]["task"] == "T-2"
