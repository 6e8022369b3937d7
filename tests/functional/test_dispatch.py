"""Work that starts by itself, with real commands on this machine: a task's life without a report typed by hand."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import job_rig
from tests.builders import PROGRAM
from tests.job_rig import JobRig
from tests.patience import rest

CONFIG = """\
stages:
  - {name: idea, role: author, human: true}
  - {name: development, role: developer}
  - {name: testing, role: tester, gates: [tests-passed]}
roles:
  developer: {dispatch: {command: '"$SCRIPTS/develop"'}}
  tester: {dispatch: {command: '"$SCRIPTS/check"'}}
jobs: {max_concurrency: 2}
"""
# Careless at first; sent back, it does what it was told.
DEVELOP = """\
#!/bin/sh
set -eu
cd "$(mktemp -d)"
git clone --quiet "$SERVER" work && cd work
git switch --quiet --force-create work "$(git rev-parse -q --verify "origin/$ORCH_BRANCH" || echo origin/main)"
if [ -s "$ORCH_FEEDBACK_FILE" ]; then cp "$ORCH_FEEDBACK_FILE" answer; else echo careless >answer; fi
git add answer
git commit --quiet -m work
git push --quiet origin "HEAD:refs/heads/$ORCH_BRANCH"
"""
CHECK = f"""\
#!/bin/sh
set -eu
said=$(git --git-dir="$SERVER" show "$ORCH_BRANCH:answer")
case $said in *"be polite"*) word=PASSED ;; *) word=FAILED ;; esac
"{PROGRAM}" task report "$ORCH_TASK" tests-passed "$word" --reason "be polite"
"""
LANDING = """\
stages:
  - name: staging
    role: deployer
    gates: [staging-status, merge, {name: image-freshness, on_fail: rollback, on_absent: rollback}]
  - {name: landing, role: nobody, gates: [merge-proof]}
rework: staging
roles:
  deployer: {dispatch: {command: '"$STAGE"'}}
merge: {test: "true"}
"""
STAGE = f"""\
#!/bin/sh
set -eu
"{PROGRAM}" task report "$ORCH_TASK" staging-status SUCCESS
"{PROGRAM}" task report "$ORCH_TASK" image-freshness FRESH
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return job_rig.template(tmp_path_factory.mktemp("dispatch"), config=CONFIG)


@pytest.fixture
def rig(made: Path, tmp_path: Path) -> JobRig:
    found = job_rig.copy(made, tmp_path / "project")
    found.env |= {
        "SERVER": str(found.server.path),
        "ORCH_DISPATCH_ENABLED": "true",
        "SCRIPTS": str(found.folder),
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
    }
    for name, text in (("develop", DEVELOP), ("check", CHECK)):
        script = found.folder / name
        script.write_text(text)
        script.chmod(0o755)
    return found


def till(ready: Callable[[], Any], rig: JobRig, what: str) -> None:
    began = time.monotonic()
    while time.monotonic() < began + 60:
        if ready():
            return
        rest(began)
    raise AssertionError(f"not in a minute: {what}\n{rig.ok('why', 'T-1')}\n{rig.jobs()}")


@pytest.mark.slow
def test_a_task_moves_from_a_persons_word_to_done_by_itself(rig: JobRig) -> None:
    """JOB-1, REAP-3, ENG-4: each stage starts the next; a red gate sends it back with its words, which are heeded."""
    output = rig.ok("advance", "T-1", "--approve")
    assert "T-1: run 1 (developer) started" in output
    till(lambda: rig.task()["state"] == "done", rig, "T-1 is done")
    # Of two in one second the order of their documents says nothing; that of the steps does.
    runs = sorted((job["role"], job["number"], job["status"]) for job in rig.jobs())
    assert runs == sorted((role, 1, "succeeded") for role in ("developer", "tester") * 2)
    events = [step["event"] for step in json.loads(rig.ok("task", "log", "T-1", "--json"))["steps"]]
    steps = [event for event in events if event in {"advance", "rollback"}]
    assert steps == ["advance", "advance", "rollback", "advance", "advance"]
    assert rig.task()["developer_retries"] == 1
    assert {job["dispatch"]["tries"] for job in rig.jobs()} == {1}
    assert all(job["dispatch"]["sent"] for job in rig.jobs())
    rig.ok("state", "verify")


def test_what_a_started_command_writes_is_kept_for_two_weeks(rig: JobRig) -> None:
    """Its log is bounded, and so is the number of logs: old ones go when the next command is started."""
    logs = rig.cache / "jobs"
    logs.mkdir(parents=True)
    for name, age in (("old.log", 15), ("recent.log", 13)):
        (logs / name).write_text("as it was")
        written = time.time() - age * 86_400
        os.utime(logs / name, (written, written))
    rig.ok("advance", "T-1", "--approve")
    till(lambda: rig.task()["state"] == "done", rig, "T-1 is done")
    assert {path.name for path in logs.iterdir()} & {"old.log", "recent.log"} == {"recent.log"}


def test_files_of_the_checkout_are_no_modules_of_ours(rig: JobRig) -> None:
    """OWN-1: what starts work runs in the checkout, where anybody's branch may have put a `json.py`."""
    for name in ("json.py", "click.py", "orch_gates.py"):
        (rig.work.path / name).write_text(f"open({str(rig.folder / 'taken')!r}, 'w')\n")
    rig.ok("advance", "T-1", "--approve")
    till(lambda: [job["status"] for job in rig.jobs()][:1] == ["succeeded"], rig, "the developer's work is done")
    assert not (rig.folder / "taken").exists()


@pytest.mark.slow
def test_what_the_merge_caught_up_is_built_and_staged_again_and_charged_to_nobody(tmp_path: Path) -> None:
    """ENG-12: the image of the commit before is not that of the one that is merged; its work is done again."""
    rig = job_rig.copy(job_rig.template(tmp_path, config=LANDING), tmp_path / "project")
    script = rig.folder / "stage"
    script.write_text(STAGE)
    script.chmod(0o755)
    rig.env |= {"STAGE": str(script), "ORCH_DISPATCH_ENABLED": "true"}
    rig.work.git("switch", "--quiet", "--force-create", "task/T-1", "origin/main")
    before = rig.work.commit("Change", {"app": "x = 1"})
    rig.work.git("push", "--quiet", "--force", "origin", "task/T-1")
    rig.ok("sweep")
    till(lambda: [job["status"] for job in rig.jobs()] == ["succeeded"], rig, "T-1 is staged")
    rig.work.git("switch", "--quiet", "main")
    rig.work.commit("Meanwhile", {"other": "work"})
    rig.work.git("push", "--quiet", "origin", "main")
    rig.ok("gate", "merge", "--task", "T-1")
    after = rig.server.git("rev-parse", "task/T-1")
    assert after != before
    rig.ok("sweep", env={"ORCH_RECONCILER_GRACE_S": "0"})
    till(lambda: rig.task()["stage"] == "landing", rig, "T-1 may land")
    assert [job["status"] for job in rig.jobs()] == ["succeeded", "succeeded"]
    assert rig.jobs()[-1]["head"] == after
    assert (rig.task()["developer_retries"], rig.task()["defers"]) == (0, 0)
    events = [step["event"] for step in json.loads(rig.ok("task", "log", "T-1", "--json"))["steps"]]
    assert "rollback" not in events
    rig.ok("state", "verify")


def test_no_more_work_starts_than_fits_and_a_task_that_waits_blocks_no_other(rig: JobRig) -> None:
    """JOB-1: two at once; the third starts when it is its turn, and `why` says what it waits for."""
    (rig.folder / "develop").write_text('#!/bin/sh\nwhile [ ! -e "$SCRIPTS/go" ]; do sleep 0.1; done\n')
    for name in ("T-2", "T-3"):
        rig.new(name)
    for name in ("T-1", "T-2", "T-3"):
        rig.ok("advance", name, "--approve")
    till(lambda: [job["status"] for name in ("T-1", "T-2") for job in rig.jobs(name)] == ["running"] * 2, rig, "run")
    assert rig.jobs("T-3") == []
    assert "its developer is not started yet" in rig.ok("why", "T-3")
    assert "run 1 (developer) is running since" in rig.ok("why", "T-1")
    assert "run 1 (developer) queued as run 1" in rig.ok("task", "log", "T-1")
    rig.ok("job", "cancel", "T-1", "--reason", "not now")
    found = json.loads(rig.ok("job", "dispatch", "--json"))
    assert [(one["task"], one["outcome"]) for one in found["starts"]] == [("T-3", "started")]
    assert "no job is due" in rig.ok("job", "dispatch")
    (rig.folder / "go").touch()
    till(lambda: rig.task("T-3")["stage"] == "testing", rig, "T-3 moves on")


def test_work_that_cannot_be_started_is_told_and_stays_asked_for(rig: JobRig) -> None:
    """JOB-1: a log that cannot be written is no start; the attempt waits for the next try."""
    rig.cache.mkdir(exist_ok=True)
    (rig.cache / "jobs").write_text("in the way")
    output = rig.ok("advance", "T-1", "--approve")
    assert "start not confirmed" in output
    (waiting,) = rig.jobs()
    assert (waiting["status"], waiting["dispatch"]["sent"]) == ("queued", None)


@pytest.mark.parametrize(
    ("variable", "value", "code", "told"),
    [("CI", "true", 2, "no job can be started here"), ("ORCH_DISPATCH_ENABLED", "false", 0, "no job is due")],
)
def test_nothing_starts_where_it_may_not(rig: JobRig, variable: str, value: str, code: int, told: str) -> None:
    """P9: a switch turns it off; a CI job starts no command, which would end with it, and does not call that done."""
    rig.ok("advance", "T-1", "--approve", env={variable: value})
    assert told in rig.ok("job", "dispatch", code=code, env={variable: value})
    assert rig.jobs() == []
