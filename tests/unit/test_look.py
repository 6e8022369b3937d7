"""What is known of a job by its process, its record and its CI run; three values each, never a guess (REAP-1, P2)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orch_gates import machine
from orch_gates.engine.sighting import Life, Sighting
from orch_gates.errors import ForgeRefused, ForgeUnavailable, OrchError
from orch_gates.forge.port.workflows import Run, RunJob, RunState
from orch_gates.jobs import spool
from orch_gates.jobs.spool import ExitRecord
from orch_gates.model.job import CiRun, Process
from orch_gates.sweep.look import Looking, by_process, by_record, by_run
from tests.deploy_builders import make_running
from tests.tasks_builders import NOW, make_job

HERE = "build-1 boot-a pid:[1]"


def process_on(host: str, started: str = "99") -> Process:
    return Process(host=host, pid=7, started=started)


@pytest.mark.parametrize(
    ("host", "gone", "lives", "life"),
    [
        (HERE, False, False, Life.ALIVE),
        (HERE, True, False, Life.DEAD),
        # A killed wrapper whose command lives on is no dead job.
        (HERE, True, True, Life.ALIVE),
        # Another machine's process cannot be looked for.
        ("build-2 boot-a pid:[1]", False, False, Life.UNKNOWN),
        # The machine was started anew; in which space of numbers it ran says nothing then.
        ("build-1 boot-b pid:[1]", False, False, Life.DEAD),
        ("build-1 boot-b pid:[77]", False, True, Life.DEAD),
        # A container of this machine has numbers of its own.
        ("build-1 boot-a pid:[77]", False, False, Life.UNKNOWN),
        # Machines that nobody named cannot be told apart.
        ("", False, False, Life.UNKNOWN),
        ("build-1", False, False, Life.UNKNOWN),
    ],
)
def test_what_a_process_tells(host: str, gone: bool, lives: bool, life: Life) -> None:
    assert by_process(process_on(host), HERE, gone=gone, lives=lives).life is life


def test_machines_without_a_name_of_their_own_are_unknown() -> None:
    """Of two that are called localhost, the one must not end the other's jobs."""
    seen = by_process(process_on("localhost boot-b pid:[1]"), "localhost boot-a pid:[1]", gone=False, lives=False)
    assert seen.life is Life.UNKNOWN


@pytest.mark.parametrize("one", [None, process_on(HERE, started="")])
def test_nothing_is_told_without_a_process_or_its_start(one: Process | None) -> None:
    """A number alone may be given again (T10)."""
    assert by_process(one, HERE, gone=False, lives=False).life is Life.UNKNOWN
    assert by_process(process_on(HERE), "", gone=False, lives=False).life is Life.UNKNOWN


@pytest.mark.parametrize("life", [Life.DEAD, Life.UNKNOWN])
def test_a_record_of_the_end_counts(life: Life) -> None:
    seen = by_record(Sighting(life), ExitRecord(3, "", NOW), NOW)
    assert (seen.life, seen.exit_code, seen.why) == (Life.ENDED, 3, "its command ended with exit code 3")


@pytest.mark.parametrize(("seconds", "life"), [(0, Life.ALIVE), (59, Life.ALIVE), (60, Life.ENDED)])
def test_a_wrapper_that_lives_has_a_moment_to_record_it(seconds: int, life: Life) -> None:
    record = ExitRecord(0, "", NOW - timedelta(seconds=seconds))
    assert by_record(Sighting(Life.ALIVE), record, NOW).life is life


def test_a_command_that_was_ended_by_its_wrapper_has_no_code() -> None:
    seen = by_record(Sighting(Life.DEAD), ExitRecord(None, "it was cancelled", NOW), NOW)
    assert (seen.life, seen.exit_code, seen.why) == (Life.ENDED, None, "it was cancelled")


RUN = CiRun(id=12, attempt=1, job="develop", url="")


def of(**states: RunState) -> list[RunJob]:
    return [RunJob(number, name.partition("__")[0], state) for number, (name, state) in enumerate(states.items())]


S = RunState


@pytest.mark.parametrize(
    ("jobs", "life", "code"),
    [
        (of(develop=S.WAITING), Life.ALIVE, None),
        (of(develop=S.RUNNING, other=S.FAILURE), Life.ALIVE, None),
        (of(develop=S.SUCCESS, other=S.RUNNING), Life.ENDED, 0),
        (of(develop=S.FAILURE), Life.ENDED, 1),
        (of(develop=S.CANCELLED), Life.DEAD, None),
        (of(develop=S.SKIPPED), Life.DEAD, None),
        (of(develop=S.UNKNOWN), Life.UNKNOWN, None),
        # None or several of that name: only where all of them are over, this one is.
        (of(other=S.RUNNING), Life.UNKNOWN, None),
        (of(develop=S.SUCCESS, develop__2=S.RUNNING), Life.UNKNOWN, None),
        (of(develop=S.SUCCESS, develop__2=S.UNKNOWN), Life.UNKNOWN, None),
        (of(other=S.SUCCESS, another=S.FAILURE), Life.DEAD, None),
        ([], Life.UNKNOWN, None),
        (None, Life.UNKNOWN, None),
    ],
)
def test_what_a_ci_run_tells(jobs: list[RunJob] | None, life: Life, code: int | None) -> None:
    """Job by job: a run may be completed while a job of it still waits."""
    seen = by_run(RUN, jobs)
    assert (seen.life, seen.exit_code) == (life, code)


@dataclass
class Flows:
    """A forge's workflows: jobs by run, or what asking raises; `asked` are the questions."""

    answers: Mapping[int, list[RunJob] | RunState | Exception]
    asked: list[int] = field(default_factory=list)

    @property
    def workflows(self) -> Any:
        return self

    def jobs(self, number: int) -> tuple[RunJob, ...]:
        found = self._answer(number)
        assert isinstance(found, list)
        return tuple(found)

    def run(self, number: int) -> Run:
        found = self._answer(number)
        assert isinstance(found, RunState)
        return Run(number, "develop.yml", "workflow_dispatch", "", "main", found)

    def _answer(self, number: int) -> object:
        self.asked.append(number)
        found = self.answers[number]
        if isinstance(found, Exception):
            raise found
        return found


def in_ci(number: int, run: int, **changes: Any) -> Any:
    about = {"id": run, "attempt": 1, "job": "develop", "url": ""}
    return make_job(attempt=f"{number:016x}", run=about, process=None, **changes)


def look_at(flows: Flows | None, *jobs: Any, late: bool = False) -> Any:
    return Looking(None, lambda: flows).at(list(jobs), NOW, lambda: late)


def test_one_question_for_a_run() -> None:
    """Forge calls grow with the runs that are open, not with their jobs."""
    flows = Flows({1: of(develop=S.RUNNING), 2: of(develop=S.FAILURE)})
    look = look_at(flows, in_ci(1, 1), in_ci(2, 1), in_ci(3, 2), make_job(status="succeeded"))
    assert flows.asked == [1, 2]
    assert [look.sightings[f"{number:016x}"].life for number in (1, 2, 3)] == [Life.ALIVE, Life.ALIVE, Life.ENDED]
    assert look.problems == ()


@pytest.mark.parametrize("error", [ForgeUnavailable("down"), ForgeRefused("no such run"), ValueError("odd")])
def test_a_question_that_fails_stops_no_other(error: Exception) -> None:
    """P3: what it was is told, and what it was about stays unknown."""
    look = look_at(Flows({1: error, 2: of(develop=S.CANCELLED)}), in_ci(1, 1), in_ci(2, 2))
    assert [look.sightings[f"{number:016x}"].life for number in (1, 2)] == [Life.UNKNOWN, Life.DEAD]
    assert len(look.problems) == 1
    assert str(error) in look.problems[0]


def test_a_forge_that_is_down_is_not_asked_for_ever() -> None:
    flows = Flows({number: ForgeUnavailable("down") for number in range(1, 9)})
    look = look_at(flows, *(in_ci(number, number) for number in range(1, 9)))
    assert flows.asked == [1, 2, 3]
    assert len(look.problems) == 8
    assert {seen.life for seen in look.sightings.values()} == {Life.UNKNOWN}


def test_nothing_is_asked_when_the_time_is_over() -> None:
    flows = Flows({1: of(develop=S.CANCELLED)})
    look = look_at(flows, in_ci(1, 1), late=True)
    assert flows.asked == []
    assert look.problems


def test_without_a_forge_a_ci_job_is_unknown_and_that_is_told() -> None:
    look = look_at(None, in_ci(1, 1))
    assert look.sightings[f"{1:016x}"].life is Life.UNKNOWN
    assert "no forge is known here" in look.problems[0]


def test_the_runs_of_jobs_that_wait_are_asked_for_too() -> None:
    """A run that was cancelled in its queue never begins its job (build-facts §11); what has no answer is left out."""
    dispatch = {"way": "workflow", "tries": 1, "planned": "2026-01-01T00:00:00Z", "sent": None, "reason": ""}
    jobs = [
        make_job(status="queued", attempt=f"{number:016x}", dispatch={**dispatch, "run": number}) for number in range(3)
    ]
    look = look_at(Flows({1: S.CANCELLED, 2: OrchError("x")}), *jobs)
    assert look.runs == {1: S.CANCELLED}
    assert len(look.problems) == 1


# ---- deploys

_ABROAD = {"host": "elsewhere 5f0c2f7e-8a41-4c5e pid:[1]", "pid": 7, "started": "99"}
_IN_CI = {"id": 12, "attempt": 1, "job": "develop", "url": ""}


@pytest.mark.parametrize(
    ("jobs", "life"),
    [
        (of(develop=S.RUNNING), Life.ALIVE),
        (of(develop=S.WAITING), Life.ALIVE),
        # Its CI job is over; what the command came to is another matter.
        (of(develop=S.SUCCESS), Life.DEAD),
        (of(develop=S.FAILURE), Life.DEAD),
        (of(develop=S.CANCELLED), Life.DEAD),
        (of(develop=S.UNKNOWN), Life.UNKNOWN),
        (ForgeUnavailable("no answer"), Life.UNKNOWN),
    ],
)
def test_a_deploy_of_a_ci_run_is_asked_for(jobs: list[RunJob] | Exception, life: Life, tmp_path: Path) -> None:
    """No CI run tells that something is deployed; one that cannot be asked tells nothing (P2)."""
    flows = Flows({12: jobs})
    seen = Looking(tmp_path, lambda: flows).deploy(make_running(process=_ABROAD, run=_IN_CI), NOW)
    assert (seen.life, seen.exit_code, flows.asked) == (life, None, [12])
    assert ("no answer" in seen.why) is isinstance(jobs, Exception)


def test_a_deploy_of_this_machine_is_looked_for_here(tmp_path: Path) -> None:
    """The forge is not asked what the machine knows: the process is gone, lives, or left its exit code."""
    flows, me = Flows({}), machine.identity()
    looking = Looking(tmp_path, lambda: flows)
    here = {"host": me.host, "pid": me.pid, "started": me.started}
    assert looking.deploy(make_running(process=here, run=_IN_CI), NOW).life is Life.ALIVE
    gone = make_running(process={**here, "started": f"{me.started}0"}, run=_IN_CI)
    assert looking.deploy(gone, NOW).life is Life.DEAD
    spool.write(tmp_path, gone.deploy, ExitRecord(1, "exit code 1", NOW))
    seen = looking.deploy(gone, NOW)
    assert (seen.life, seen.exit_code) == (Life.ENDED, 1)
    looking.forget(gone.deploy)
    assert looking.deploy(gone, NOW).life is Life.DEAD
    assert flows.asked == []


def test_a_service_that_a_lost_deploy_started_is_no_deploy(tmp_path: Path) -> None:
    """It has the deploy in its environment for as long as it serves; the wrapper counts."""
    me = machine.identity()
    gone = make_running(process={"host": me.host, "pid": me.pid, "started": f"{me.started}0"})
    service = subprocess.Popen(["sleep", "60"], env={"PATH": os.defpath, "ORCH_DEPLOY": gone.deploy})
    try:
        assert Looking(tmp_path, lambda: None).deploy(gone, NOW).life is Life.DEAD
    finally:
        service.kill()
        service.wait()
