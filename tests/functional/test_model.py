"""The models of the state store, the attempt guard, dispatches and merges, searched to the end by spin."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.blocks import Shell

MODELS = Path(__file__).parents[1] / "model"
STORE = MODELS / "store.pml"
MERGE = MODELS / "merge.pml"
DISPATCH = MODELS / "dispatch.pml"
DEEPEST = 2000
MEGABYTES = 2048

pytestmark = pytest.mark.slow

Check = Callable[..., str]


@pytest.fixture
def check(real: Callable[[str], Path], tmp_path: Path) -> Check:
    """What spin says about a model with some switches; `endless` asks for runs without an end only."""
    spin, gcc = real("spin"), real("gcc")

    def ran(*command: str | Path) -> str:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def checked(*switches: str, model: Path = STORE, endless: bool = False) -> str:
        ran(spin, *(f"-D{switch}" for switch in switches), "-a", model)
        # What spin generates is not clean enough for the warnings of a newer gcc.
        kind = "-DNP" if endless else "-DSAFETY"
        ran(gcc, "-w", "-O2", kind, f"-DMEMLIM={MEGABYTES}", "-o", "pan", "pan.c")
        return ran("./pan", f"-m{DEEPEST}", *(["-l"] if endless else []))

    return checked


def assert_proven(report: str) -> None:
    """No error, and nothing was left out of the search."""
    assert re.search(r"^State-vector .*, errors: 0$", report, re.M), report
    assert "Full statespace search for:" in report
    assert re.search(r"^\s*assertion violations\s+\+", report, re.M), report
    for limit in ("max search depth too small", "Search not completed", "out of memory", "MEMLIM bound"):
        assert limit not in report


def unreached(report: str) -> list[str]:
    """What the search never came to."""
    return re.findall(r'^\t.*, state \d+, "(.*)"$', report, re.M)


def assert_broken(report: str, broken: set[str]) -> None:
    """The search ended at a run that breaks one of these."""
    assert "errors: 1" in report
    violated = re.search(r"assertion violated \(?(\w+)", report)
    assert violated, report
    assert violated[1] in broken


def test_writers_lose_nothing_and_answer_truly(check: Check) -> None:
    """ST-2, ST-3, ST-4: whatever gets lost, comes late, crashes or is spoiled; and every line of the model counts."""
    report = check()
    assert_proven(report)
    assert re.search(r"^\s*invalid end states\s+\+", report, re.M), report
    assert unreached(report) == ["-end-"], "the server alone goes on for ever"


def test_an_attempt_is_ended_once_and_by_whom_it_names(check: Check) -> None:
    """REAP-2, faults.md T1: a late worker and a reaper, while a retry begins another attempt."""
    report = check("JOBS")
    assert_proven(report)
    assert re.search(r"^\s*invalid end states\s+\+", report, re.M), report


def test_every_run_comes_to_an_end(check: Check) -> None:
    """With no way to go round in circles, and no end but the right ones, every writer gets an outcome (ST-2)."""
    report = check(endless=True)
    assert_proven(report)
    assert re.search(r"^\s*non-progress cycles\s+\+", report, re.M), report


@pytest.mark.parametrize(
    ("guard", "broken"),
    [
        ("NO_CAS", {"nothing_lost"}),
        ("NO_NEW_DECISION", {"counter_right"}),
        ("NO_OP_CHECK", {"written_once", "outcome_true"}),
        ("NO_NONCE", {"outcome_true"}),
        ("NO_DOUBT", {"outcome_true"}),
        ("NO_WITNESS", {"nothing_lost", "outcome_true"}),
        ("NO_WITNESS_LEASE", {"nothing_lost", "outcome_true"}),
        ("NO_SECOND_LOOK", {"alarm_true"}),
        ("NO_ATTEMPT_GUARD JOBS", {"own_attempt"}),
        ("NO_RUNNING_GUARD JOBS", {"one_end"}),
    ],
)
def test_no_guard_can_be_left_out(check: Check, guard: str, broken: set[str]) -> None:
    """Without it, spin finds a run that breaks what the guard is there for."""
    assert_broken(check(*guard.split()), broken)


def test_a_writer_without_a_deadline_may_go_on_for_ever(check: Check) -> None:
    """ST-2: the search for runs without an end finds one where there is one."""
    report = check("NO_DEADLINE", endless=True)
    assert "errors: 1" in report
    assert "non-progress cycle" in report


def test_merges_are_of_tested_trees_and_settled_once(check: Check) -> None:
    """MRG-4, MRG-5, MRG-12, MRG-14, MRG-15: whoever is stopped, crashes, comes late or breaks the glass."""
    report = check(model=MERGE)
    assert_proven(report)
    assert re.search(r"^\s*invalid end states\s+\+", report, re.M), report
    assert unreached(report) == ["-end-", "-end-"], "the server and who pushes past the fence go on for ever"


def test_every_merge_comes_to_an_end(check: Check) -> None:
    """MRG-14: no way to go round in circles; with `all_settled` at every end, no task is lost."""
    report = check("ATTEMPTS=2", model=MERGE, endless=True)
    assert_proven(report)
    assert re.search(r"^\s*non-progress cycles\s+\+", report, re.M), report


@pytest.mark.parametrize(
    ("guard", "broken"),
    [
        ("NO_FENCE", {"undone_for_good"}),
        ("NO_BASE_CHECK", {"was_tested"}),
        ("NO_COMMIT_CHECK", {"was_tested"}),
        ("NO_CLAIM", {"merged_once", "undone_for_good"}),
        ("NO_TAKEOVER", {"all_settled"}),
        ("NO_CLOSING", {"undone_for_good"}),
        ("NO_GRACE", {"undone_for_good"}),
        ("NO_PROOF", {"undone_for_good"}),
        ("NO_LOOK_AFTER_GRACE", {"undone_for_good"}),
        ("NO_TIP_IN_BREAK_GLASS", {"glass_once"}),
        ("NO_FENCE_IN_BREAK_GLASS", {"was_tested", "undone_for_good"}),
        ("NO_DOUBT_IN_BREAK_GLASS", {"undone_for_good"}),
        ("NO_WAIT_FOR_DOUBT", {"merged_once", "landed_true"}),
    ],
)
def test_no_guard_of_a_merge_can_be_left_out(check: Check, guard: str, broken: set[str]) -> None:
    """MRG-4, MRG-5, MRG-15, faults.md T8: without it, spin finds a run that breaks what the guard is there for."""
    assert_broken(check(guard, model=MERGE), broken)


def test_work_is_started_until_it_ran_and_runs_once(check: Check) -> None:
    """JOB-1: killed ticks, lost starts and answers, and runs that are cancelled while they wait."""
    report = check(model=DISPATCH)
    assert_proven(report)
    assert re.search(r"^\s*invalid end states\s+\+", report, re.M), report
    assert unreached(report) == ["goes = 0"], "the tick that is left alone loses no race"


@pytest.mark.parametrize(
    ("guard", "broken"),
    [
        ("NO_CAS", {"one_attempt"}),
        ("NO_BEGIN_GUARD", {"ran_once"}),
        ("NO_AGAIN", {"work_done"}),
        ("NO_AGAIN_AFTER_EVICTION", {"work_done"}),
    ],
)
def test_no_guard_of_a_dispatch_can_be_left_out(check: Check, guard: str, broken: set[str]) -> None:
    """JOB-1: without it, spin finds a run that breaks what the guard is there for."""
    assert_broken(check(guard, model=DISPATCH), broken)


def test_a_model_is_searched_by_hand(real: Callable[[str], Path], tmp_path: Path) -> None:
    """The commands of the page, with a switch that takes a guard away: the trail is what it kept out (DOC-1)."""
    shell = Shell(tmp_path, {"PATH": f"{real('spin').parent}{os.pathsep}{os.environ['PATH']}"})
    shutil.copytree(MODELS, shell.here, dirs_exist_ok=True)
    output = shell.series("docs/explanation/model.md", "spin", 1)
    assert_broken(output, {"nothing_lost"})
    assert "spin: trail ends after" in output
